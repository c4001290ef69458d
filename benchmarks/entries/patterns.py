"""
Event patterns: which of many rules an event matches, beside a loop over closures and the engines on PyPI.

W1 are real events, W2 orders, W3 what is hard on an engine: see `benchmarks.workloads`. *Seen before* are the same events
in every round; *never seen*, others each time, whose ids, times, totals and e-mail addresses were in none before. *Growth*
sets a rule set beside one of a thousand rules, on the same events. A peer is given only rules about which it is right
(PAT 12); how many had to be left out is told.
"""

from __future__ import annotations

import json
from functools import partial
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from benchmarks.peers.closures import ClosureLoop, Closures
from benchmarks.peers.installed import PEERS, Peer
from benchmarks.runner import Case, Reading, Skipped
from benchmarks.subjects import (
    AgainstPeer,
    Built,
    ask,
    ask_about_text,
    bytes_a_rule,
    change_times,
    check_one_by_one,
    filled,
    mean_and_tail,
    never_seen,
    read_and_ask,
    read_with_hooks,
)
from benchmarks.workloads import orders, webhooks, worst
from postroom.errors import InvalidEventPattern
from postroom.patterns import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.subjects import Matches
    from benchmarks.workloads import Workload
    from postroom.patterns import RuleSet

THOUSAND: Final = 1_000
ROUNDS_SLOW: Final = 4
PATTERN_CHARS: Final = 2_000


class Plan(NamedTuple):
    """
    A workload, and how many events each size gets: as many as the closures can be asked about, and *many* for rule sets.
    """

    label: str
    workload: Workload
    events: dict[int, int]
    many: int


PLANS: Final = (
    Plan("W1 real events", webhooks, {10: 329, 100: 329, 1_000: 100, 10_000: 40}, 329),
    Plan("W2 orders", orders, {10: 2_000, 100: 1_000, 1_000: 200, 10_000: 40}, 1_000),
    Plan("W3 wildcards", worst.WILDCARDS, {10: 1_000, 100: 500, 1_000: 100, 10_000: 20}, 500),
    Plan("W3 anything-but", worst.ANYTHING_BUT, {10: 1_000, 100: 500, 1_000: 100, 10_000: 20}, 500),
    Plan("W3 ranges", worst.RANGES, {10: 1_000, 100: 500, 1_000: 100, 10_000: 20}, 500),
    Plan("W3 arrays of objects", worst.ARRAYS, {10: 50, 100: 20, 1_000: 5, 10_000: 1}, 20),
)
PEER_EVENTS: Final = {10: 100, 100: 30, 1_000: 10}


def cases(quick: bool) -> Iterator[Case | Skipped | Reading]:
    for plan in PLANS:
        yield from _side_by_side(plan, quick)
    yield from _hundred_thousand(quick)
    for peer in PEERS:
        if reason := peer.why_not():
            yield Skipped(f"against {peer.name}", reason)
        else:
            yield from _against(peer, quick)
    for plan in PLANS[:2]:
        yield from _text_in(plan, quick)
        yield from _one_pattern(plan, quick)
    yield from _parsing(quick)
    yield from _changing(quick)
    for plan in PLANS[:2]:
        yield from _memory(plan, quick)


def _side_by_side(plan: Plan, quick: bool) -> Iterator[Case]:
    thousand = _thousand(plan, quick)
    for size, count in {10: 20, 100: 5}.items() if quick else plan.events.items():
        built = Built.of(plan.workload, size)
        assert built.closures is not None
        rounds = ROUNDS_SLOW if size >= THOUSAND else None
        many = count if quick else max(count, plan.many)
        same = plan.workload.events(many)
        yield Case(
            name=f"{plan.label}, values seen before; rules:",
            size=size,
            operations=count,
            operations_of={"RuleSet": many},
            subjects={
                "RuleSet": partial(_ask_many, built.ours, count, same),
                "closures": partial(ask, built.closures, same[:count]),
            },
            reference="closures",
            rounds=rounds,
        )
        yield Case(
            name=f"{plan.label}, values never seen; rules:",
            size=size,
            operations=count,
            operations_of={"RuleSet": many},
            prepare=partial(never_seen, plan.workload, many),
            subjects={
                "RuleSet": partial(_ask_many, built.ours, count),
                "closures": partial(_ask_few, built.closures, count),
            },
            reference="closures",
            rounds=rounds,
        )
        yield _growth(plan, built.ours, thousand, size, quick)


def _ask_many(rules: RuleSet, compared: int, events: list[dict[str, Any]]) -> list[frozenset[Any]]:
    return ask(rules, events)[:compared]


def _ask_few(rules: Matches, count: int, events: list[dict[str, Any]]) -> list[frozenset[Any]]:
    return ask(rules, events[:count])


def _thousand(plan: Plan, quick: bool) -> RuleSet:
    return Built.of(plan.workload, 20 if quick else THOUSAND, closures=False).ours


def _growth(plan: Plan, ours: RuleSet, thousand: RuleSet, size: int, quick: bool) -> Case:
    count = 20 if quick else plan.many
    return Case(
        name=f"{plan.label}, growth, values never seen; rules:",
        size=size,
        operations=count,
        prepare=partial(never_seen, plan.workload, count),
        subjects={"RuleSet": partial(ask, ours)},
        floors={f"RuleSet with {len(thousand):,}": partial(ask, thousand)},
        reference=f"RuleSet with {len(thousand):,}",
        rounds=ROUNDS_SLOW,
    )


def _hundred_thousand(quick: bool) -> Iterator[Case]:
    plan = PLANS[1]
    size = 200 if quick else 100_000
    built = Built.of(plan.workload, size, closures=False)
    check_one_by_one(built, plan.workload.events(2) + never_seen(plan.workload, 2, -1))
    thousand = _thousand(plan, quick)
    yield _growth(plan, built.ours, thousand, size, quick)


def _against(peer: Peer, quick: bool) -> Iterator[Case | Reading]:
    for plan in PLANS[:2]:
        for size, count in {10: 5}.items() if quick else PEER_EVENTS.items():
            many = count if quick else max(count, plan.many)
            made = AgainstPeer.of_workload(plan.workload, peer, size, count, ROUNDS_SLOW)
            yield Reading(
                f"{plan.label}, against {peer.name}; rules:", {"left out": made.left_out, "of": made.of}, "rules", size
            )
            yield Case(
                name=f"{plan.label}, against {peer.name}, values never seen; rules:",
                size=size,
                operations=count,
                operations_of={"RuleSet": many},
                prepare=partial(never_seen, plan.workload, many),
                subjects={
                    "RuleSet": partial(_ask_many, made.ours, count),
                    peer.name: partial(_ask_few, made.theirs, count),
                },
                reference=peer.name,
                rounds=ROUNDS_SLOW,
            )


def _text_in(plan: Plan, quick: bool) -> Iterator[Case]:
    count = 10 if quick else 329
    ours = _thousand(plan, quick)
    yield Case(
        name=f"{plan.label}, text in, values never seen; rules:",
        size=len(ours),
        operations=count,
        prepare=partial(_texts_and_events, plan.workload, count),
        subjects={
            "match_json": lambda made: ask_about_text(ours, made[0]),
            "json.loads with hooks, then match": lambda made: read_and_ask(ours, made[0]),
        },
        floors={
            "json.loads": lambda made: list(map(json.loads, made[0])),
            "json.loads with hooks": lambda made: list(map(read_with_hooks, made[0])),
            "match of dicts": lambda made: ask(ours, made[1]),
        },
        reference="json.loads with hooks, then match",
    )


def _texts_and_events(workload: Workload, count: int, round_: int) -> tuple[list[str], list[dict[str, Any]]]:
    events = never_seen(workload, count, round_)
    return [json.dumps(event) for event in events], events


def _one_pattern(plan: Plan, quick: bool) -> Iterator[Case]:
    pairs = _pairs(plan.workload, 20 if quick else 400)
    closures = [(Closures(pattern), event) for pattern, event in pairs]
    texts = [(pattern, json.dumps(event)) for pattern, event in pairs]
    yield Case(
        name=f"{plan.label}, one pattern, one event",
        operations=len(pairs),
        subjects={
            "Pattern.matches": lambda: [pattern.matches(event) for pattern, event in pairs],
            "its closure": lambda: [closure.matches(event) for closure, event in closures],
        },
        reference="its closure",
    )
    yield Case(
        name=f"{plan.label}, one pattern, the text of one event",
        operations=len(pairs),
        subjects={
            "Pattern.matches_json": lambda: [pattern.matches_json(text) for pattern, text in texts],
            "json.loads with hooks, then matches": lambda: [
                pattern.matches(read_with_hooks(text)) for pattern, text in texts
            ],
        },
        floors={"json.loads": lambda: [json.loads(text) for _, text in texts]},
        reference="json.loads with hooks, then matches",
    )


def _pairs(workload: Workload, count: int) -> list[tuple[Pattern, dict[str, Any]]]:
    """
    Patterns, every other one with an event that it wants if there is one.
    """
    events = workload.events(100)
    patterns = [Pattern(wanted) for wanted in workload.rules(min(count, 100)).values()]
    pairs = []
    for number, pattern in enumerate(islice(cycle(patterns), count)):
        first = events[number % len(events)]
        wanted = (event for event in events if pattern.matches(event))
        pairs.append((pattern, next(wanted, first) if number % 2 else first))
    return pairs


def long_pattern() -> str:
    """
    A pattern of 2 KB that uses most of the language.
    """
    rules = orders.rules(200, seed=2).values()
    found: dict[str, Any] = {}
    for number, wanted in enumerate(rules):
        if "detail" in wanted:
            longer = {**found, f"part-{number}": wanted["detail"]}
            if len(json.dumps(longer)) > PATTERN_CHARS:
                break
            found = longer
    return json.dumps(found)


def _parsing(quick: bool) -> Iterator[Case]:
    count = 5 if quick else 50
    valid = long_pattern()
    spoilt = {
        "a valid pattern of 2 KB": valid,
        "2 KB, a fault at the end": valid[:-1] + ', "last": [{"prefix": 5}]}',
        "2 KB, cut off": valid[:-1],
        "2 KB, a fault in every list": valid.replace("[", '[{"prefix": 5}, ')[:PATTERN_CHARS],
    }
    for name, text in spoilt.items():
        yield Case(
            name=f"parse {name}",
            operations=count,
            subjects={"Pattern": partial(_parse, text, count)},
            floors={"json.loads of a valid one": partial(_loads, valid, count)},
            reference="json.loads of a valid one",
        )


def _parse(text: str, count: int) -> int:
    refused = 0
    for _ in range(count):
        try:
            Pattern(text)
        except InvalidEventPattern:
            refused += 1
    return refused


def _loads(text: str, count: int) -> None:
    for _ in range(count):
        json.loads(text)


def _changing(quick: bool) -> Iterator[Case | Reading]:
    plan = PLANS[1]
    count = 50 if quick else 1_000
    more = {f"more-{name}": Pattern(wanted) for name, wanted in plan.workload.rules(count, seed=2).items()}
    texts = {name: pattern.text for name, pattern in more.items()}
    thousand = _thousand(plan, quick)
    beside = f"RuleSet with {len(thousand):,}"
    for size in (20, 100) if quick else (1_000, 10_000, 100_000):
        ours = Built.of(plan.workload, size, closures=False).ours
        both = (ours, thousand)
        yield Case(
            name="add one rule to so many:",
            size=size,
            operations=count,
            prepare=partial(_without, both, texts),
            subjects={"Pattern": lambda made: _add(made[0], more), "text": lambda made: _add(made[0], texts)},
            floors={beside: lambda made: _add(made[1], more)},
            reference=beside,
            rounds=ROUNDS_SLOW,
        )
        yield Case(
            name="remove one rule of so many:",
            size=size,
            operations=count,
            prepare=partial(_with, both, more),
            subjects={"RuleSet": lambda made: _remove(made[0], more)},
            floors={beside: lambda made: _remove(made[1], more)},
            reference=beside,
            rounds=ROUNDS_SLOW,
        )
        _without(both, texts, 0)
        events = plan.workload.events(200)
        times = mean_and_tail(change_times(ours, more, events))
        yield Reading("changes one by one, a match after each; rules:", times, "us", size)


def _add(rules: RuleSet, more: dict[str, Pattern] | dict[str, str]) -> int:
    for name, pattern in more.items():
        rules.add(name, pattern)
    return len(more)


def _remove(rules: RuleSet, more: dict[str, Pattern]) -> int:
    for name in more:
        rules.remove(name)
    return len(more)


def _without(both: tuple[RuleSet, RuleSet], more: dict[str, str], _round: int) -> tuple[RuleSet, RuleSet]:
    for rules in both:
        for name in set(rules) & more.keys():
            rules.remove(name)
        rules.match({})
    return both


def _with(both: tuple[RuleSet, RuleSet], more: dict[str, Pattern], _round: int) -> tuple[RuleSet, RuleSet]:
    for rules in both:
        for name in more.keys() - set(rules):
            rules.add(name, more[name])
        rules.match({})
    return both


def _memory(plan: Plan, quick: bool) -> Iterator[Reading]:
    events = never_seen(plan.workload, 20 if quick else 500, 0)
    for size in (100,) if quick else (10_000, 100_000):
        rules = plan.workload.rules(size)
        values = {"RuleSet": bytes_a_rule(partial(filled, rules, events), size)}
        if size < 100_000:
            values["Pattern alone"] = bytes_a_rule(partial(_patterns, rules), size)
            values["closures"] = bytes_a_rule(partial(_closures, rules), size)
        yield Reading(f"{plan.label}, memory for one rule; rules:", values, "bytes", size)


def _patterns(rules: dict[str, dict[str, Any]]) -> dict[str, Pattern]:
    return {name: Pattern(wanted) for name, wanted in rules.items()}


def _closures(rules: dict[str, dict[str, Any]]) -> ClosureLoop:
    return ClosureLoop(_patterns(rules))
