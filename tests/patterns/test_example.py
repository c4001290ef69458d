"""
Patterns from examples: they want what was kept as it is in the example, and the example is always wanted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroom.errors import EventsValidationError, EventTooComplex, InvalidInput
from postroom.patterns import Pattern, Repeated, WrittenNumber, read_event
from tests.patterns import strategies

EVENT = (
    '{"source":"shop","detail":{"state":"paid","total":12.50,"ip":"10.0.0.1","note":null,"gift":true,'
    '"tags":["new","gift",3],"none":[],"more":{"x":{}},"id":9007199254740993},'
    '"lines":[{"item":"tea","count":2},{"item":"cake","count":1,"size":"L"},{"extra":1}],"a.b":{"c":1}}'
)

# What is kept, and the pattern.
CASES: list[tuple[list[str], str]] = [
    (["source"], '{"source":["shop"]}'),
    (["source", "detail.state"], '{"source":["shop"],"detail":{"state":["paid"]}}'),
    (["detail.state", "source", "source"], '{"detail":{"state":["paid"]},"source":["shop"]}'),
    (["detail.total"], '{"detail":{"total":[12.5]}}'),
    (["detail.id"], '{"detail":{"id":[9007199254740993]}}'),
    (["detail.note", "detail.gift"], '{"detail":{"note":[null],"gift":[true]}}'),
    (["detail.ip"], '{"detail":{"ip":[{"exactly":"10.0.0.1"}]}}'),
    (["detail.tags"], '{"detail":{"tags":["new","gift",3]}}'),
    (["detail.none"], '{"detail":{"none":[{"exists":false}]}}'),
    (["detail.more"], '{"detail":{"more":{"x":[{"exists":false}]}}}'),
    (["lines.item"], '{"lines":{"item":["tea","cake"]}}'),
    (["lines.item", "lines.size"], '{"lines":{"item":["tea","cake"],"size":["L"]}}'),
    (["lines"], '{"lines":{"item":["tea","cake"],"count":[2,1],"size":["L"]}}'),
    (["lines.extra", "lines"], '{"lines":{"extra":[1]}}'),
    (["a.b.c"], '{"a":{"b":{"c":[1]}}}'),
    (["a.b"], '{"a":{"b":{"c":[1]}}}'),
]


@pytest.mark.parametrize(("keep", "text"), CASES)
def test_what_is_kept_is_wanted_as_it_is(keep: list[str], text: str) -> None:
    event = read_event(EVENT)

    pattern = Pattern.from_example(event, keep)

    assert pattern.text == text
    assert pattern.matches(event)


def test_an_address_is_wanted_in_its_own_spelling_only() -> None:
    pattern = Pattern.from_example({"ip": "10.0.0.1"}, ["ip"])

    assert pattern.matches({"ip": "10.0.0.1"})
    assert not pattern.matches({"ip": "10.0.0.01"})


def test_a_value_and_keys_at_one_place_are_both_kept() -> None:
    event = {"a": ["x", {"b": 1, "c": {"d": [2, {"e": 3}]}}]}

    pattern = Pattern.from_example(event, ["a"])

    assert pattern.text == '{"a":["x"],"a.b":[1],"a.c":{"d":[2],"d.e":[3]}}'
    assert pattern.matches(event)


def test_all_values_of_a_key_that_stands_twice_are_kept() -> None:
    assert Pattern.from_example({"a": Repeated(["x", {"b": 1}])}, ["a"]).text == '{"a":["x"],"a.b":[1]}'


def test_a_field_that_is_called_or_is_a_field_in_the_pattern_too() -> None:
    for value in ("x", ["10.0.0.1", "10.0.0.2"], [], {"a": 1}, [{"a": 1}, {"b": 1}], ["x", {"a": ["10.0.0.1"]}]):
        pattern = Pattern.from_example({"$or": value, "b": 1}, ["$or", "b"])

        assert pattern.matches({"$or": value, "b": 1})
        assert not pattern.matches({"$or": "other", "$or.a": "other", "b": 1})


def test_numbers_of_python_are_written_as_they_are() -> None:
    event = {"a": [Decimal("5.10"), 10**400, 1e300, -0.0, WrittenNumber("1E400")]}

    pattern = Pattern.from_example(event, ["a"])

    assert pattern.text == f'{{"a":[5.10,1{"0" * 400},1e+300,-0.0,1E400]}}'
    assert pattern.matches({"a": 10**400})


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), Decimal("-Infinity"), Decimal("sNaN"), 10**5000], ids=range(5)
)
def test_a_number_that_no_pattern_can_want_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput, match=r"No pattern can want the number at 'a\.b'\."):
        Pattern.from_example({"a": {"b": value}}, ["a"])


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("detail.sate", "It has 'detail.state'"),
        ("state", "It has 'detail.state'"),
        ("Source", "It has 'source'"),
        ("lines.0.item", "'lines.item'"),
        ("zzz", "It has 'source', 'detail', 'lines'."),
        ("source.x", "'source'"),
    ],
)
def test_a_path_that_the_example_has_not_is_refused_with_those_that_are_near(path: str, near: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Pattern.from_example(json.loads(EVENT), ["source", path])

    assert caught.value.aws_message == f"The example has nothing at {path!r}."
    assert near in caught.value.help


def test_an_empty_example_has_nothing() -> None:
    with pytest.raises(InvalidInput, match=r"The example has nothing at 'a'\.\n  It is empty\."):
        Pattern.from_example({}, ["a"])


def test_keys_that_different_elements_have_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"No object in an array has 'lines\.extra' together with"):
        Pattern.from_example(json.loads(EVENT), ["lines.item", "lines.extra"])


@pytest.mark.parametrize(
    ("event", "keep", "reason"),
    [
        ({"a": 1}, "a", r"must be a list of paths\.\n  got the str 'a'; write \['a'\]"),
        ({"a": 1}, [], r"Nothing is kept of the example\."),
        ({"a": 1}, [5], r"Paths to keep must be str\.\n  got a value of type int"),
        (["a"], ["a"], r"An event must be a mapping\."),
        ({"a": {1, 2}}, ["a"], r"The value at 'a' is of type set\."),
    ],
)
def test_what_is_no_example_or_no_list_of_paths_is_refused(event: Any, keep: Any, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        Pattern.from_example(event, keep)


def test_what_is_not_kept_is_not_looked_at() -> None:
    event = cast("Any", {"a": 1, "b": {1, 2}, 5: 5})

    assert Pattern.from_example(event, ["a"]).text == '{"a":[1]}'


def test_too_much_for_a_pattern_is_refused() -> None:
    with pytest.raises(EventsValidationError, match="less than or equal to 4096"):
        Pattern.from_example({"a": ["x" * 100] + [f"{number:060}" for number in range(100)]}, ["a"])
    with pytest.raises(InvalidInput, match=r"Too much is kept of the example\."):
        Pattern.from_example({"a": {f"k{number}": 1 for number in range(5_000)}}, ["a"])


def test_hostile_examples_cost_no_more_than_they_are_long() -> None:
    deep: dict[str, Any] = {}
    inside = deep
    for _ in range(20_000):
        inside["x"] = {"y": 1}
        inside = inside["x"]
    rows = [{f"k{(at + row) % 300}": 1 for at in range(150)} for row in range(300)]

    with pytest.raises(InvalidInput, match=r"Too much is kept of the example\."):
        Pattern.from_example(deep, ["x"])
    with pytest.raises(EventTooComplex, match=r"too many values in arrays\."):
        Pattern.from_example({"rows": rows}, ["rows"])


def test_deep_examples_make_flat_patterns() -> None:
    event: dict[str, Any] = {"x": "y"}
    for _ in range(900):
        event = {"x": event}

    pattern = Pattern.from_example(event, ["x"])

    assert pattern.text == f'{{"{"x." * 900}x":["y"]}}'
    assert pattern.matches(event)


def places(value: Any, path: str | None = None) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            below = key if path is None else f"{path}.{key}"
            yield below
            yield from places(inner, below)
    elif isinstance(value, list):
        for inner in value:
            yield from places(inner, path)


@given(strategies.events(), st.data())
@settings(max_examples=200)
def test_an_example_matches_its_pattern(event: dict[str, Any], data: st.DataObject) -> None:
    found = sorted(set(places(event)))
    keep = data.draw(st.lists(st.sampled_from(found), min_size=1, max_size=3)) if found else ["a"]
    try:
        pattern = Pattern.from_example(event, keep)
    except InvalidInput as error:
        assert not found or error.aws_message.startswith("No object in an array has")  # noqa: PT017 - most have patterns
    else:
        assert pattern.matches(event)


@given(strategies.events())
@settings(max_examples=100)
def test_an_example_matches_the_pattern_of_any_one_of_its_paths(event: dict[str, Any]) -> None:
    for path in set(places(event)):
        assert Pattern.from_example(event, [path]).matches(event)
