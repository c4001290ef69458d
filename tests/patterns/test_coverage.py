"""
Coverage: what rules do with many events.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroom.errors import InvalidInput
from postroom.patterns import Pattern
from postroom.patterns._coverage import Coverage, coverage
from postroom.patterns._ruleset import RuleSet
from tests.patterns import strategies

RULES = {
    "paid": Pattern({"state": ["paid"]}),
    "any": Pattern({"state": [{"exists": True}]}),
    "gone": Pattern({"state": ["gone"]}),
}


def test_rules_that_never_and_always_fire_and_events_that_no_rule_takes() -> None:
    found = coverage(RULES, [{"state": "paid"}, {"state": "new"}, {}, {"state": "paid"}])

    assert found == Coverage(
        events_count=4,
        fired={"paid": 2, "any": 3, "gone": 0},
        unmatched=(2,),
        unmatched_count=1,
        events_by_rules={0: 1, 1: 1, 2: 2},
    )
    assert found.never_fired == ("gone",)
    assert found.always_fired == ()
    assert coverage(RULES, [{"state": "new"}]).always_fired == ("any",)


def test_without_events_no_rule_ever_fires_and_none_always() -> None:
    found = coverage(RULES, [])

    assert found.never_fired == ("paid", "any", "gone")
    assert found.always_fired == ()
    assert found.events_by_rules == {}


def test_events_are_taken_one_by_one_and_the_first_hundred_unmatched_are_named() -> None:
    alive = 0

    class Event(dict[str, Any]):
        def __init__(self) -> None:
            nonlocal alive
            alive += 1
            super().__init__()

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    most = 0

    def events() -> Iterator[Event]:
        nonlocal most
        for _ in range(1_000):
            yield Event()
            most = max(most, alive)

    found = coverage(RULES, events())

    assert most <= 2
    assert found.unmatched == tuple(range(100))
    assert found.unmatched_count == 1_000


def test_a_rule_set_may_be_asked_instead_of_each_pattern() -> None:
    asked: list[Any] = []

    def match(event: Any) -> list[Any]:
        asked.append(event)
        return ["paid", "removed meanwhile"]

    found = coverage(RULES, [{}, {}], match=match)

    assert asked == [{}, {}]
    assert found.fired == {"paid": 2, "any": 0, "gone": 0}
    assert found.events_by_rules == {1: 2}


def test_what_is_no_event_is_refused() -> None:
    with pytest.raises(InvalidInput, match="An event must be a mapping"):
        coverage(RULES, [{}, "no event"])  # type: ignore[list-item]


def test_it_is_shown_as_a_table_and_as_a_dict() -> None:
    rules: dict[Any, Pattern] = {
        **RULES,
        5: Pattern({"n": [5]}),
        **{f"r{number}": Pattern({"n": [number]}) for number in range(30)},
    }
    found = coverage(rules, [{"state": "paid"}, {}, {"n": 5}])

    assert str(found).splitlines() == [
        "34 rules, 3 events",
        f"  rules that never fire: 30 (gone, {', '.join(f'r{number}' for number in range(20) if number != 5)}, and 10 more)",
        "  rules that always fire: none",
        "  events that no rule takes: 1 (1)",
        "  taken by 0 rules: 1 event",
        "  taken by 2 rules: 2 events",
        "  paid: 1 event",
        "  any: 1 event",
        "  5: 1 event",
        "  r5: 1 event",
    ]
    assert found.to_dict()["fired"][5] == 1
    assert list(found.to_dict()) == [
        "events_count",
        "fired",
        "never_fired",
        "always_fired",
        "unmatched",
        "unmatched_count",
        "events_by_rules",
    ]


def test_names_of_rules_cannot_move_a_cursor() -> None:
    assert "\x1b" not in str(coverage({"a\x1b[2J": Pattern({"a": [1]})}, [{}]))


@given(st.lists(strategies.pattern_texts(), max_size=4), st.lists(strategies.events(), max_size=4))
@settings(max_examples=50)
def test_a_rule_set_and_its_patterns_agree(texts: list[str], events: list[dict[str, Any]]) -> None:
    rules = {number: Pattern(text) for number, text in enumerate(texts)}

    found = coverage(rules, iter(events), match=RuleSet(rules).match)

    assert found == coverage(rules, events)
    assert sum(found.events_by_rules.values()) == len(events)
