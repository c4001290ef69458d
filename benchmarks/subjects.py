"""
What the entries about patterns time: rule sets, closures and peers over the same rules, asked about the same events.
"""

from __future__ import annotations

import gc
import json
import time
import tracemalloc
from functools import partial
from statistics import mean, quantiles
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from benchmarks.peers.closures import ClosureLoop, Closures, flat
from benchmarks.runner import Mismatch
from postroom.patterns import Pattern, RuleSet, WrittenNumber
from postroom.patterns._values import comparable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from benchmarks.peers.installed import Peer
    from benchmarks.workloads import Workload
    from postroom.patterns import Leaves

Event = dict[str, Any]
Names = frozenset[Any]

SURE_CHARS: Final = 15
EXTRA_SHARE: Final = 4
"""So many times as many rules are drawn for a peer as are needed, for it to have enough that it understands."""


class Matches(Protocol):
    """
    A set of rules.
    """

    def match(self, event: Any) -> Names:
        """
        The names of the rules that an event matches.
        """
        ...


def ask(rules: Matches, events: Iterable[Event]) -> list[Names]:
    match = rules.match
    return [match(event) for event in events]


def ask_about_text(rules: RuleSet, texts: Iterable[str]) -> list[Names]:
    match = rules.match_json
    return [match(text) for text in texts]


def read_and_ask(rules: RuleSet, texts: Iterable[str]) -> list[Names]:
    match = rules.match
    return [match(read_with_hooks(text)) for text in texts]


def read_with_hooks(text: str) -> Any:
    """
    What no reader of events can do without: it sees keys that stand twice, and digits that no double holds.
    """
    return DECODE(text)


def _integer(text: str) -> int | WrittenNumber:
    return int(text) if len(text) <= SURE_CHARS or comparable(text) is not None else WrittenNumber(text)


def _fraction(text: str) -> float | WrittenNumber:
    value = float(text)
    return value if len(text) <= SURE_CHARS or comparable(text) is not None else WrittenNumber(text)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("none of the workloads repeats a key")
    return members


DECODE: Final = json.JSONDecoder(parse_int=_integer, parse_float=_fraction, object_pairs_hook=_members).decode


class Built(NamedTuple):
    """
    The same rules in every form.
    """

    patterns: dict[str, Pattern]
    ours: RuleSet
    closures: ClosureLoop | None

    @classmethod
    def of(cls, workload: Workload, size: int, *, closures: bool = True) -> Built:
        """
        The first rules of a workload.
        """
        patterns = {name: Pattern(wanted) for name, wanted in workload.rules(size).items()}
        return cls(patterns, RuleSet(patterns), ClosureLoop(patterns) if closures else None)


def never_seen(workload: Workload, count: int, round_: int) -> list[Event]:
    """
    Events of which no value that is unique in real ones was in those of another round.
    """
    return workload.events(count, 1_000 + round_, fresh=True)


def check_one_by_one(built: Built, events: Sequence[Event]) -> None:
    """
    Compares with closures made one at a time, where all at once would take too much memory.

    Raises:
        Mismatch: They differ.
    """
    flattened = [flat(event) for event in events]
    leaves: list[list[Leaves]] = [[] for _ in events]
    found: list[set[str]] = [set() for _ in events]
    for name, pattern in built.patterns.items():
        matches = Closures(pattern).matches_flat
        for names, event, memory in zip(found, flattened, leaves, strict=True):
            if matches(event, memory):
                names.add(name)
    if [set(names) for names in ask(built.ours, events)] != found:
        raise Mismatch(f"patterns: {len(built.patterns):,} rules: RuleSet and closures differ")


class AgainstPeer(NamedTuple):
    """
    Rules about which a peer is right for all events of a run.
    """

    ours: RuleSet
    theirs: Matches
    rounds: list[list[Event]]
    left_out: int
    of: int

    @classmethod
    def of_workload(cls, workload: Workload, peer: Peer, size: int, events: int, rounds: int) -> AgainstPeer:
        """
        The first *size* rules that the peer understands as AWS does (PAT 12), or fewer.
        """
        lists = [never_seen(workload, events, round_) for round_ in range(-1, rounds)]
        asked = [flat(event) for some in lists for event in some]
        leaves: list[list[Leaves]] = [[] for _ in asked]
        inputs = [json.dumps(event.event) if peer.takes_text else event.event for event in asked]
        kept: dict[str, Pattern] = {}
        left_out = 0
        for name, wanted in workload.rules(EXTRA_SHARE * size).items():
            pattern = Pattern(wanted)
            truth = [Closures(pattern).matches_flat(*one) for one in zip(asked, leaves, strict=True)]
            if truth == _answers(peer, pattern.text, inputs):
                kept[name] = pattern
            else:
                left_out += 1
            if len(kept) == size:
                break
        theirs = peer.loop({name: pattern.text for name, pattern in kept.items()})
        return cls(RuleSet(kept), theirs, lists, left_out, left_out + len(kept))


def _answers(peer: Peer, text: str, inputs: Sequence[Any]) -> list[bool] | None:
    try:
        matches = peer.matcher(text)
        return [bool(matches(event)) for event in inputs]
    except Exception:  # whatever theirs raises: it does not take the pattern, or the event
        return None


def bytes_a_rule(make: Callable[[], Any], count: int) -> float:
    """
    What *make* leaves in memory, divided by the number of rules.
    """
    gc.collect()
    tracemalloc.start()
    try:
        made = make()
        gc.collect()
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    del made
    return size / count


def filled(rules: Mapping[str, Mapping[str, Any]], events: Iterable[Event]) -> RuleSet:
    """
    A rule set that has been asked, so that what it makes when asked is there.
    """
    made = RuleSet()
    for name, wanted in rules.items():
        made.add(name, wanted)
    ask(made, events)
    return made


def change_times(rules: RuleSet, patterns: Mapping[str, Pattern], events: Sequence[Event]) -> dict[str, list[float]]:
    """
    How long, in seconds, each change takes: rules are added one by one and removed again, with a match after each.

    *usual* are matches of the same events with no change before them.
    """
    times: dict[str, list[float]] = {
        "usual match": [],
        "add": [],
        "match after add": [],
        "remove": [],
        "match after remove": [],
    }
    for event in events:
        rules.match(event)
    for event in events:
        _timed(times["usual match"], partial(rules.match, event))
    for number, (name, pattern) in enumerate(patterns.items()):
        _timed(times["add"], partial(rules.add, name, pattern))
        _timed(times["match after add"], partial(rules.match, events[number % len(events)]))
    for number, name in enumerate(patterns):
        _timed(times["remove"], partial(rules.remove, name))
        _timed(times["match after remove"], partial(rules.match, events[number % len(events)]))
    return times


def _timed(times: list[float], call: Callable[[], object]) -> None:
    start = time.perf_counter()
    call()
    times.append(time.perf_counter() - start)


def mean_and_tail(times: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """
    For each, the mean and what one in a hundred exceeds, in microseconds.

    >>> mean_and_tail({"add": [1e-6] * 100})
    {'add: mean': 1.0, 'add: 99%': 1.0}
    """
    found: dict[str, float] = {}
    for name, taken in times.items():
        found[f"{name}: mean"] = round(mean(taken) * 1e6, 2)
        found[f"{name}: 99%"] = round(quantiles(taken, n=100)[-1] * 1e6, 2)
    return found
