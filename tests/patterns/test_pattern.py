"""
A pattern as a value: what it is made of, that it does not change, and what it refuses.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
import pickle
from collections import UserDict
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom import Pattern
from postroom.errors import EventsValidationError, InvalidEventPattern, InvalidInput
from postroom.patterns import PIPES, WrittenNumber, read_event
from postroom.patterns._tree import conjunctions


def test_the_text_is_kept_as_it_was_given() -> None:
    text = '{ "source" : ["shop"] }'

    assert Pattern(text).text == text
    assert Pattern({"source": ["shop", 1.0, None, "é"]}).text == '{"source":["shop",1.0,null,"é"]}'


def test_patterns_of_one_text_are_equal() -> None:
    one, same, other = Pattern('{"a":["x"]}'), Pattern({"a": ["x"]}), Pattern('{"a": ["x"]}')

    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != '{"a":["x"]}'
    assert repr(one) == 'Pattern(\'{"a":["x"]}\')'
    assert one.to_dict() == {"text": one.text}


@pytest.mark.parametrize("through", [lambda value: pickle.loads(pickle.dumps(value)), copy.copy, copy.deepcopy])
def test_a_copy_matches_the_same(through: Callable[[Pattern], Pattern]) -> None:
    again = through(Pattern('{"a":[{"prefix":"x"}]}'))

    assert again.matches({"a": "xy"})
    assert not again.matches({"a": "yx"})


def test_it_does_not_change() -> None:
    given = {"a": ["x"]}
    pattern = Pattern(given)
    given["a"].append("y")

    assert not pattern.matches({"a": "y"})
    for name in ("text", "anything"):
        with pytest.raises(AttributeError):
            setattr(pattern, name, "{}")


def test_4096_characters_fit_and_one_more_does_not() -> None:
    shell = len('{"a":["",1]}')
    assert Pattern(f'{{"a":["{"x" * (4_096 - shell)}",1]}}').matches({"a": 1})

    with pytest.raises(EventsValidationError) as caught:
        Pattern(f'{{"a":["{"x" * (4_097 - shell)}",1]}}')

    assert caught.value.aws_message.endswith(
        "' at 'eventPattern' failed to satisfy constraint: Member must have length less than or equal to 4096"
    )


def test_the_deepest_pattern_that_fits_is_read_and_matches() -> None:
    """
    Deeper than Python calls may be nested.
    """
    depth = 815
    pattern = Pattern('{"":' * depth + "[1]" + "}" * depth)
    event: Any = 1
    for _ in range(depth):
        event = {"": event}

    assert pattern.matches(event)


def test_as_many_keys_as_fit_are_no_matter() -> None:
    keys = [f"{number:x}" for number in range(380)]
    pattern = Pattern("{" + ",".join(f'"{key}":[1]' for key in keys) + "}")

    assert pattern.matches(dict.fromkeys(keys, 1))
    assert not pattern.matches({**dict.fromkeys(keys, 1), keys[7]: 2})


@pytest.mark.parametrize(
    "pattern", [None, 7, b"{}", ["a"], {1: ["x"]}, {"a": [dt.date(2024, 1, 1)]}, {"a": [float("nan")]}]
)
def test_what_is_neither_text_nor_json_is_refused(pattern: Any) -> None:
    with pytest.raises(InvalidInput):
        Pattern(pattern)


@pytest.mark.parametrize("event", [None, "x", ["x"], 7])
def test_what_is_no_mapping_is_no_event(event: Any) -> None:
    with pytest.raises(InvalidInput, match="must be a mapping"):
        Pattern({"a": ["x"]}).matches(event)


@pytest.mark.parametrize("value", [dt.date(2024, 1, 1), {1}, b"x", object, [dt.date(2024, 1, 1)], {"b": 1j}])
def test_what_json_has_not_is_refused_where_the_pattern_looks(value: Any) -> None:
    pattern = Pattern('{"a": [{"exists": true}], "a.b": ["x"], "c": ["x"]}')

    assert pattern.matches({"a": "x", "c": "x", "a.b": "x", "d": value, "c.d": value, "a.c": value})
    with pytest.raises(InvalidInput, match=r"^The value at 'a(\.b)?' is of type (date|set|bytes|type|complex)\."):
        pattern.matches({"c": "x", "a": value, "a.b": "x"})


def test_keys_that_are_no_text_are_passed_over() -> None:
    event: Any = {1: "x", None: {"a": "y"}, "a": {2: 3, "b": "x"}}

    assert Pattern({"a": {"b": ["x"]}}).matches(event)
    assert not Pattern({"1": ["x"]}).matches(event)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), Decimal("NaN"), Decimal("Infinity")])
def test_nan_and_infinity_are_values_that_equal_no_number(value: Any) -> None:
    assert not Pattern({"a": [0, {"numeric": [">", -1]}, {"numeric": ["<", 1]}, None]}).matches({"a": value})
    assert Pattern({"a": [{"exists": True}]}).matches({"a": value})
    assert Pattern({"a": [{"anything-but": 0}]}).matches({"a": value})
    assert not Pattern({"a": [{"exists": False}]}).matches({"a": value})


def test_decimals_and_long_integers_are_the_numbers_that_they_are() -> None:
    exactly = Pattern('{"a": [9007199254740993]}')

    assert Pattern({"a": [5]}).matches({"a": Decimal("5.00")})
    assert exactly.matches({"a": Decimal(9007199254740993)})
    assert exactly.matches({"a": 9007199254740993})
    assert exactly.matches({"a": WrittenNumber("9007199254740993")})
    assert not exactly.matches({"a": 9007199254740992})
    assert Pattern({"a": [{"anything-but": 5}]}).matches({"a": 10**5_000})


def test_the_numbers_of_an_event_may_go_into_a_pattern() -> None:
    event = read_event('{"a": 1e400, "b": 1.5}')

    assert Pattern({"a": [event["a"]], "b": [Decimal("1.50")]}).text == '{"a":[1e400],"b":[1.50]}'
    assert Pattern({"a": [event["a"]]}).matches(event)


def test_any_mapping_is_an_object() -> None:
    inner = MappingProxyType({"b": UserDict({"c": "x"})})

    assert Pattern({"a": {"b": {"c": ["x"]}}}).matches(UserDict({"a": inner}))


def test_text_and_bytes_are_read_with_all_that_they_say() -> None:
    pattern = Pattern('{"a": [9007199254740993], "b": ["é"]}')

    assert pattern.matches_json('{"a": 9007199254740993, "a": 1, "b": "é"}')
    assert pattern.matches_json('{"a": 9007199254740993, "b": "é"}'.encode())
    assert not pattern.matches_json('{"a": 9007199254740992, "b": "é"}')
    with pytest.raises(InvalidInput, match="no JSON"):
        pattern.matches_json("{")


def test_conjunctions_are_made_once_and_are_those_of_the_tree() -> None:
    pattern = Pattern({"b": ["x"], "$or": [{"a": [1]}, {"c": [2]}]})

    assert pattern.conjunctions == conjunctions(pattern.tree)
    assert pattern.conjunctions is pattern.conjunctions
    assert [[condition.path for condition in one] for one in pattern.conjunctions] == [["a", "b"], ["b", "c"]]


def test_a_pattern_belongs_to_its_dialect() -> None:
    one, other = Pattern({"a": ["x"]}), Pattern({"a": ["x"]}, dialect=PIPES)

    assert one != other
    assert other == pickle.loads(pickle.dumps(other))
    assert repr(other) == "Pattern('{\"a\":[\"x\"]}', dialect=Dialect('pipe filter'))"
    with pytest.raises(InvalidEventPattern):
        Pattern({"a": [{"wildcard": "x*"}]}, dialect=PIPES)


def test_tuples_are_arrays() -> None:
    assert Pattern({"a": ("x", "y")}).matches({"a": ("z", "y")})


@given(st.text(max_size=40))
def test_any_text_is_a_pattern_or_refused(text: str) -> None:
    with suppress(InvalidEventPattern):
        Pattern(text)


@given(st.text(alphabet='{}[]":,1-ae \\', max_size=30))
def test_any_punctuation_is_a_pattern_or_refused(text: str) -> None:
    test_any_text_is_a_pattern_or_refused.hypothesis.inner_test(text)  # type: ignore[attr-defined]


def test_what_python_reads_as_json_is_read_the_same() -> None:
    text = ' \n{ "a\\u0041\\n" : [ "\\ud83d\\ude00" , -1.5e+3 , true ] } '

    assert Pattern(text).matches({"aA\n": "😀"})
    assert Pattern(text).matches(json.loads('{"aA\\n": -1500}'))
