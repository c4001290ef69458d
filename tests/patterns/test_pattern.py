"""
A pattern as a value: what it is made of, that it does not change, and what it refuses.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
import pickle
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom import Pattern
from postroom.errors import EventsValidationError, InvalidEventPattern, InvalidInput, NotSupported
from postroom.patterns import flatten


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


@pytest.mark.parametrize(
    "name", ["anything-but", "cidr", "equals-ignore-case", "exactly", "numeric", "suffix", "wildcard"]
)
def test_an_operator_that_is_not_there_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(NotSupported, match=f"^{name} is not there yet"):
        Pattern({"a": [{name: "x"}]})


def test_or_and_nested_prefixes_are_refused_by_name() -> None:
    with pytest.raises(NotSupported, match=r"^\$or is not there yet"):
        Pattern({"$or": [{"a": ["x"]}, {"b": ["y"]}]})
    with pytest.raises(NotSupported, match=r"^prefix with equals-ignore-case is not there yet"):
        Pattern({"a": [{"prefix": {"equals-ignore-case": "x"}}]})


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


@pytest.mark.parametrize("event", [None, "x", ["x"], {1: "x"}, {"a": dt.date(2024, 1, 1)}, {"a": [{"b": {1}}]}])
def test_what_is_no_event_is_refused(event: Any) -> None:
    with pytest.raises(InvalidInput):
        Pattern({"a": ["x"]}).matches(event)


def test_tuples_are_arrays() -> None:
    assert Pattern({"a": ("x", "y")}).matches({"a": ("z", "y")})


# Beside a second reading of the language: paths by recursion, and every choice of leaves tried.

scalars = st.sampled_from(["x", "y", "", 1, 1.0, 0, True, False, None])
keys = st.sampled_from(["a", "b", "c"])
events = st.dictionaries(
    keys,
    st.recursive(
        scalars,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
        max_leaves=9,
    ),
    max_size=3,
)
wanted = st.lists(
    st.one_of(scalars, st.sampled_from([{"exists": True}, {"exists": False}, {"prefix": ""}, {"prefix": "x"}])),
    min_size=1,
    max_size=2,
)
patterns = st.dictionaries(
    keys,
    st.recursive(wanted, lambda inner: st.dictionaries(keys, inner, min_size=1, max_size=3), max_leaves=4),
    min_size=1,
    max_size=3,
)


def leaves(value: Any, path: tuple[str, ...], where: dict[Any, int], place: tuple[Any, ...]) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in leaves(inner, (*path, key), where, (*place, key))]
    if isinstance(value, list):
        return [
            leaf
            for index, inner in enumerate(value)
            for leaf in leaves(
                inner, path, {**where, place: index} if isinstance(inner, dict | list) else where, (*place, index)
            )
        ]
    return [(path, value, where)]


def paths(pattern: dict[str, Any], path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], list[Any]]]:
    return [
        one
        for key, inner in pattern.items()
        for one in (paths(inner, (*path, key)) if isinstance(inner, dict) else [((*path, key), inner)])
    ]


def fits(one: Any, value: Any) -> bool:
    if isinstance(one, dict):
        return one.get("exists", False) or (
            "prefix" in one and isinstance(value, str) and value.startswith(one["prefix"])
        )
    if isinstance(one, bool) or isinstance(value, bool) or one is None or value is None:
        return one is value
    return bool(one == value)


def naive(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    found = leaves(event, (), {}, ())
    states: list[dict[Any, int]] = [{}]
    for path, entries in sorted(paths(pattern), key=lambda one: ".".join(one[0])):
        following = []
        for state in states:
            here = [leaf for leaf in found if leaf[0] == path and all(state.get(a, i) == i for a, i in leaf[2].items())]
            following += [{**state, **where} for _, value, where in here if any(fits(one, value) for one in entries)]
            following += [state] if not here and {"exists": False} in entries else []
        states = following
    return bool(states)


@given(patterns, events)
def test_it_agrees_with_a_second_reading(pattern: dict[str, Any], event: dict[str, Any]) -> None:
    assert Pattern(pattern).matches(event) == naive(pattern, event)


@given(events)
def test_an_event_matches_the_pattern_made_of_its_leaves(event: dict[str, Any]) -> None:
    """
    Of its first leaf, say: whatever the event, that is there.
    """
    for path, found in flatten(event).items():
        assert Pattern({path: [found[0].value]}).matches(event)
        assert Pattern({path: [{"exists": True}]}).matches(event)
        assert not Pattern({path: [{"exists": False}]}).matches(event)


@given(st.text(max_size=40))
def test_any_text_is_a_pattern_or_refused(text: str) -> None:
    with suppress(InvalidEventPattern, NotSupported):
        Pattern(text)


@given(st.text(alphabet='{}[]":,1-ae \\', max_size=30))
def test_any_punctuation_is_a_pattern_or_refused(text: str) -> None:
    test_any_text_is_a_pattern_or_refused.hypothesis.inner_test(text)  # type: ignore[attr-defined]


def test_what_python_reads_as_json_is_read_the_same() -> None:
    text = ' \n{ "a\\u0041\\n" : [ "\\ud83d\\ude00" , -1.5e+3 , true ] } '

    assert Pattern(text).matches({"aA\n": "😀"})
    assert Pattern(text).matches(json.loads('{"aA\\n": -1500}'))
