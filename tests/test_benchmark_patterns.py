"""
What `python -m benchmarks patterns` measures with: its workloads are as they are said to be, and those it compares with
give the right answers.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import report
from benchmarks.__main__ import main
from benchmarks.entries.patterns import PATTERN_CHARS, PLANS, long_pattern
from benchmarks.peers.closures import ClosureLoop, Closures
from benchmarks.peers.installed import PEERS, Peer
from benchmarks.runner import Case, Mismatch, Reading, run
from benchmarks.subjects import AgainstPeer, Built, check_one_by_one, mean_and_tail, read_with_hooks
from benchmarks.workloads import MIX, orders, webhooks, worst
from postroom.patterns import Pattern, WrittenNumber, read_event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.workloads import Workload

every_workload = pytest.mark.parametrize(
    "workload", [plan.workload for plan in PLANS], ids=[plan.label for plan in PLANS]
)


def lists(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, list[Any]]]:
    """The conditions of a pattern, those of branches left out."""
    for key, inner in node.items():
        if isinstance(inner, dict):
            yield from lists(inner, f"{path}{key}.")
        elif key != "$or":
            yield f"{path}{key}", inner


def kind(wanted: list[Any]) -> str:
    """To which part of the mix a list belongs."""
    for entry in wanted:
        if isinstance(entry, dict):
            [operator] = entry
            names = {"anything-but": "not", "exists": "not", "numeric": "numeric", "wildcard": "wildcard"}
            return names.get(operator, "text")
    return "exact"


def shares_of_operators(rules: dict[str, Any]) -> dict[str, float]:
    kinds = Counter(
        kind(wanted)
        for pattern in rules.values()
        for path, wanted in lists(pattern)
        if path not in {"source", "detail-type"}
    )
    return {name: 100 * kinds[name] / kinds.total() for name in MIX}


def share(rules: dict[str, Any], key: str) -> float:
    return sum(key in pattern for pattern in rules.values()) / len(rules)


# Workloads.


@every_workload
def test_equal_arguments_give_equal_rules_and_events(workload: Workload) -> None:
    assert workload.rules(30) == workload.rules(30)
    assert list(workload.rules(10).items()) == list(workload.rules(30).items())[:10]
    assert workload.rules(30) != workload.rules(30, seed=2)
    for fresh in (False, True):
        assert workload.events(5, fresh=fresh) == workload.events(5, fresh=fresh)
        assert workload.events(5, fresh=fresh) != workload.events(5, 2, fresh=fresh)
        assert workload.events(5, fresh=fresh) == workload.events(9, fresh=fresh)[:5]


@every_workload
def test_events_are_json_and_rules_are_patterns(workload: Workload) -> None:
    for event in [*workload.events(5), *workload.events(5, fresh=True)]:
        assert read_event(json.dumps(event)) == event

    patterns = [Pattern(wanted) for wanted in workload.rules(300).values()]

    assert len({pattern.text for pattern in patterns}) > 290


@every_workload
def test_some_rules_match_some_events_but_not_all(workload: Workload) -> None:
    patterns = [Pattern(wanted) for wanted in workload.rules(100).values()]
    for fresh in (False, True):
        events = workload.events(20, fresh=fresh)
        matched = sum(pattern.matches(event) for pattern in patterns for event in events)
        assert 0 < matched < len(patterns) * len(events) / 2


def test_real_events_are_those_of_the_package_in_envelopes() -> None:
    events = webhooks.events(329)

    assert len({event["id"] for event in events}) == 329
    assert {event["source"] for event in events} == {"github.com"}
    assert events[0].keys() >= {"version", "id", "detail-type", "account", "time", "region", "resources", "detail"}
    sizes = sorted(len(json.dumps(event)) for event in events)
    assert 7_000 < sizes[len(sizes) // 2] < 9_000


def test_rules_of_real_events_are_drawn_as_described() -> None:
    rules = webhooks.rules(2_000)

    assert share(rules, "source") == pytest.approx(0.5, abs=0.05)
    assert share(rules, "detail-type") == pytest.approx(0.8, abs=0.05)
    assert share(rules, "$or") == pytest.approx(0.03, abs=0.015)
    assert shares_of_operators(rules) == pytest.approx(MIX, abs=6)


def test_a_rare_value_is_in_at_most_four_real_events() -> None:
    patterns = [wanting(leaf) for one in webhooks.known()[:6] for leaf in one.rare[:3]]

    for pattern in patterns:
        assert 1 <= sum(pattern.matches(one.event) for one in webhooks.known()) <= webhooks.RARE_EVENTS_MAX


def wanting(leaf: webhooks.Leaf) -> Pattern:
    wanted: Any = [leaf.value]
    for key in reversed(leaf.keys):
        wanted = {key: wanted}
    return Pattern(wanted)


def test_orders_are_small_and_their_rules_are_drawn_as_described() -> None:
    rules = orders.rules(4_000)
    events = orders.events(500)

    assert 450 < sum(len(json.dumps(event)) for event in events) / len(events) < 650
    assert share(rules, "source") == pytest.approx(0.85, abs=0.03)
    assert share(rules, "detail-type") == pytest.approx(0.75, abs=0.03)
    assert shares_of_operators(rules) == pytest.approx(MIX, abs=3)
    numbers = (orders.SOURCES, orders.DETAIL_TYPES, orders.SKUS, orders.CUSTOMERS, orders.COUNTRIES, orders.REGIONS)
    assert [len(set(values)) for values in numbers] == [20, 30, 800, 3_000, 40, 8]


def test_what_is_unique_in_orders_is_in_no_other_fresh_one() -> None:
    events = [event for seed in range(1_000, 1_004) for event in orders.events(500, seed, fresh=True)]

    for unique in (
        {event["id"] for event in events},
        {event["time"] for event in events},
        {event["detail"]["order"]["id"] for event in events},
        {event["detail"]["order"]["total"] for event in events},
        {event["detail"]["customer"]["email"] for event in events},
    ):
        assert len(unique) == len(events)


def test_ids_of_fresh_real_events_are_in_no_other() -> None:
    seen: Counter[Any] = Counter()
    for seed in (1_000, 1_001):
        for event in webhooks.events(329, seed, fresh=True):
            seen.update({event["id"]} | set(ids(event["detail"])))

    assert len(seen) > 2 * 329 * 2
    assert set(seen.values()) == {1}


def ids(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        for key, inner in node.items():
            if key == "id" and isinstance(inner, int | str):
                yield inner
            yield from ids(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from ids(inner)


def test_worst_cases_are_all_of_one_kind() -> None:
    for workload, expected in ((worst.WILDCARDS, "wildcard"), (worst.ANYTHING_BUT, "not"), (worst.RANGES, "numeric")):
        assert {kind(wanted) for rule in workload.rules(100).values() for _, wanted in lists(rule)} == {expected}
    [event] = worst.WILDCARDS.events(1)
    assert len(event["detail"]["path"]) == 60
    assert set(event["detail"]["path"]) <= set("abcdefgh")
    for rule in worst.ANYTHING_BUT.rules(100).values():
        assert all(20 <= len(wanted[0]["anything-but"]) <= 45 for _, wanted in lists(rule))
    for rule in worst.ARRAYS.rules(100).values():
        assert 2 <= len(rule["detail"]["items"]) <= 4
    [event] = worst.ARRAYS.events(1)
    assert [len(item) for item in event["detail"]["items"]] == [5] * 100


def test_the_long_pattern_is_one_and_has_nearly_two_kilobytes() -> None:
    assert 0.85 * PATTERN_CHARS < len(Pattern(long_pattern()).text) <= PATTERN_CHARS


# Who is asked beside ours.


@every_workload
def test_closures_agree_with_the_plain_matcher(workload: Workload) -> None:
    patterns = {name: Pattern(wanted) for name, wanted in workload.rules(60).items()}
    loop = ClosureLoop(patterns)

    for event in [*workload.events(12), *workload.events(12, fresh=True)]:
        assert loop.match(event) == {name for name, pattern in patterns.items() if pattern.matches(event)}


@pytest.mark.parametrize(
    ("pattern", "event", "expected"),
    [
        ({"a": [1]}, {"a": True}, False),
        ({"a": [1]}, {"a": 1.0}, True),
        ({"a": [True]}, {"a": 1}, False),
        ({"a": [None]}, {"a": None}, True),
        ({"a": ["x", 5]}, {"a": ["q", 5]}, True),
        ({"a": [{"numeric": [">", 0]}]}, {"a": True}, False),
        ({"a": [{"exists": False}, "x"]}, {"a": "y"}, False),
        ({"a": [{"exists": False}, "x"]}, {"a": []}, True),
        ({"a": {"b": [1], "c": [2]}}, {"a": [{"b": 1}, {"c": 2}]}, False),
        ({"a": {"b": [1], "c": [2]}}, {"a": [[{"b": 1}], [{"c": 2}]]}, False),
        ({"a": {"b": [1], "c": [2]}}, {"a": [{"b": 9}, {"b": 1, "c": [0, 2]}]}, True),
        ({"a": {"b": [1], "c": [{"exists": False}]}}, {"a": [{"b": 1}, {"c": 2}]}, True),
        ({"a": {"b": [{"exists": False}], "c": [2]}}, {"a": [{"b": 1}, {"c": 2}]}, False),
        ({"a": [{"equals-ignore-case": "kelvin"}]}, {"a": "\u212aelvin"}, False),
        ({"a": [{"anything-but": [5]}]}, {"a": "5"}, True),
    ],
)
def test_closures_know_what_is_commonly_got_wrong(
    pattern: dict[str, Any], event: dict[str, Any], expected: bool
) -> None:
    assert Pattern(pattern).matches(event) is expected
    assert Closures(Pattern(pattern)).matches(event) is expected


def of_the_first_letters(text: str) -> Any:
    """A peer that does not know numbers, refuses wildcards, and raises for one kind of order."""
    if "wildcard" in text:
        raise ValueError(text)
    if "numeric" in text:
        return lambda _: True
    return Pattern(text).matches


def test_a_peer_is_given_only_rules_about_which_it_is_right_and_the_others_are_counted() -> None:
    made = AgainstPeer.of_workload(orders, Peer("peer", "none", of_the_first_letters), 50, 4, 2)

    given = [made.ours.pattern(name).text for name in made.ours]
    assert len(given) == 50
    assert not any("wildcard" in text for text in given)
    assert made.left_out > 0
    assert made.of == 50 + made.left_out
    assert len(made.rounds) == 3  # one for the warm-up
    for events in made.rounds:
        assert [made.ours.match(event) for event in events] == [made.theirs.match(event) for event in events]


def test_a_peer_that_is_not_installed_says_how_to_install_it() -> None:
    def missing(_: str) -> Any:
        raise ModuleNotFoundError("No module named 'peer'")

    assert (
        Peer("peer", "peer-core", missing).why_not()
        == "ModuleNotFoundError: No module named 'peer'; pip install peer-core"
    )


@pytest.mark.parametrize("peer", PEERS, ids=[peer.name for peer in PEERS])
def test_a_peer_that_is_installed_answers(peer: Peer) -> None:
    if reason := peer.why_not():
        pytest.skip(reason)
    loop = peer.loop({"one": '{"a":["x"]}', "two": '{"a":["y"]}'})

    assert loop.match({"a": "x"}) == {"one"}


def test_rules_checked_one_by_one_must_agree_with_the_set() -> None:
    built = Built.of(orders, 200, closures=False)
    events = orders.events(10)
    check_one_by_one(built, events)

    matched = next(name for event in events for name in built.ours.match(event))
    built.ours.remove(matched)

    with pytest.raises(Mismatch, match="RuleSet and closures differ"):
        check_one_by_one(built, events)


def test_hooks_see_what_our_reader_sees() -> None:
    text = '{"a": 9007199254740993, "b": 0.1234567890123456789, "c": 12.5, "d": 7}'

    assert read_with_hooks(text) == read_event(text)
    assert read_with_hooks(text)["a"] == WrittenNumber("9007199254740993")


# Readings.


def test_a_reading_is_passed_on_shown_and_written(tmp_path: Path) -> None:
    reading = Reading("memory", {"ours": 5310.4, "theirs": 3.25}, "bytes", 100)
    cases: Iterator[Case | Reading] = iter([reading])

    assert list(run("entry", cases, rounds=1)) == [reading]
    assert report.reading_line(reading) == "memory, 100: ours 5,310, theirs 3.25 bytes"
    report.write_json(tmp_path / "run.json", [], [], quick=False, readings=[("entry", reading)])
    document, _ = report.read_json(tmp_path / "run.json")
    assert document["readings"] == [
        {"entry": "entry", "name": "memory", "size": 100, "values": {"ours": 5310.4, "theirs": 3.25}, "unit": "bytes"}
    ]


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [(1.5, "1.50"), (0.1, "0.10"), (1 / 31.4, "1/31.4"), (1 / 500, "1/500"), (1 / 1_234.5, "1/1,234")],
)
def test_a_small_ratio_is_shown_as_a_fraction(ratio: float, shown: str) -> None:
    assert report.ratio(ratio) == shown


def test_one_time_in_a_hundred_is_told_beside_the_mean() -> None:
    times = mean_and_tail({"add": [1e-6] * 980 + [1e-4] * 20})

    assert times == {"add: mean": pytest.approx(2.98), "add: 99%": pytest.approx(100.0)}


def test_a_quick_run_finds_that_all_agree(tmp_path: Path) -> None:
    path = tmp_path / "run.json"

    assert main(["patterns", "--quick", "--rounds", "1", "--json", str(path)]) == 0

    document = json.loads(path.read_text(encoding="utf-8"))
    assert {"RuleSet", "closures"} <= {one["subject"] for one in document["figures"]}
    assert {one["unit"] for one in document["readings"]} >= {"us", "bytes"}
