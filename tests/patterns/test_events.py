"""
Reading events: what JSON says and Python's own reader loses, and what is no event.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import EventTooComplex, InvalidInput
from postroom.patterns import Repeated, WrittenNumber, flatten, read_event
from postroom.patterns._events import _read_deep
from postroom.patterns._flatten import Paths
from tests.patterns import strategies


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("-0", 0),
        ("-0.0", -0.0),
        ("0e999", 0.0),
        ("12", 12),
        ("999999999999999", 999999999999999),
        ("9007199254740992", 2**53),
        ("9007199254740993", WrittenNumber("9007199254740993")),
        ("100000000000000000000", 10**20),
        ("12.50", 12.5),
        ("0.1", 0.1),
        ("1E+2", 100.0),
        ("1e308", 1e308),
        ("1e309", WrittenNumber("1e309")),
        ("-1e400", WrittenNumber("-1e400")),
        ("1e-400", WrittenNumber("1e-400")),
        ("5e-324", 5e-324),
        ("0.1234567890123456789", WrittenNumber("0.1234567890123456789")),
        ("1.0000000000000000000", 1.0),
    ],
)
def test_a_number_is_kept_as_it_is_written_where_no_double_holds_it(text: str, number: Any) -> None:
    for read in (read_event, _read_deep):
        found = read(f'{{"a": {text}}}')["a"]

        assert found == number
        assert type(found) is type(number)


@pytest.mark.parametrize("text", ["7" * 100_000, "-" + "7" * 100_000, "0." + "7" * 100_000, "7e" + "9" * 100_000])
def test_a_number_of_100_000_characters_is_text(text: str) -> None:
    assert read_event(f'{{"a": {text}}}') == {"a": WrittenNumber(text)}


def test_values_of_a_key_that_stands_several_times_are_kept_in_order() -> None:
    event = read_event('{"a": [1], "b": 0, "a": {"c": 2, "c": 3}, "a": null}')

    assert event == {"a": Repeated([[1], {"c": Repeated([2, 3])}, None]), "b": 0}
    assert isinstance(event["a"], Repeated)
    assert list(event) == ["a", "b"]
    assert repr(event["a"]) == "Repeated([[1], {'c': Repeated([2, 3])}, None])"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Expecting value at line 1, column 1"),
        ('{"a": NaN}', "Expecting value at line 1, column 7"),
        ('{"a": -Infinity}', "Expecting value at line 1, column 7"),
        ('{"a": 1', "Expecting ',' delimiter at line 1, column 8"),
        ('{\n "a": 01}', "Expecting ',' delimiter at line 2, column 8"),
        ('{"a": 1} x', "Extra data at line 1, column 10"),
        ('{"a": 1, 2}', "Expecting property name enclosed in double quotes at line 1, column 10"),
        ("{a: 1}", "Expecting property name enclosed in double quotes at line 1, column 2"),
        ('{"a" 1}', "Expecting ':' delimiter at line 1, column 6"),
        ('{"a": "x\n"}', "Invalid control character at"),
        ('{"a": "x', "Unterminated string starting at"),
        ('{"a": "\\x"}', "Invalid"),
        ('{"a": [1 2]}', "Expecting ',' delimiter at line 1, column 10"),
        ("\ufeff{}", "Expecting value at line 1, column 1"),
    ],
)
def test_what_is_no_json_is_refused_and_where(text: str, says: str) -> None:
    """
    By the quick reader and by the one for what is nested deep.
    """
    for read in (read_event, _read_deep):
        with pytest.raises(InvalidInput) as caught:
            read(text)

        assert caught.value.aws_message.startswith(f"The event is no JSON: {says}")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[1]", "must be a JSON object"),
        ('"x"', "must be a JSON object"),
        ("null", "must be a JSON object"),
        (b"\xff{}", "must be UTF-8"),
        (7, "must be str or bytes"),
        ({"a": 1}, "must be str or bytes"),
    ],
)
def test_what_is_no_object_is_refused(text: Any, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read_event(text)


def test_it_reads_far_deeper_than_python_calls_nest() -> None:
    depth = 50_000
    event: Any = read_event('{"a":' * depth + '[1.50, {"b": 1, "b": [], "c": {}}, true, "\\u00e9"]' + "}" * depth)

    for _ in range(depth):
        event = event["a"]
    assert event == [1.5, {"b": Repeated([1, []]), "c": {}}, True, "é"]
    with pytest.raises(InvalidInput, match="Expecting value at line 1, column 100006"):
        read_event('{"a":' + "[" * 100_000)


@given(strategies.events())
def test_events_come_back_from_their_text(event: dict[str, Any]) -> None:
    text = strategies.to_text(event)

    assert read_event(text) == event
    assert read_event(text.encode()) == event
    assert _read_deep(text) == event


@given(st.text(alphabet='{}[]":,1.-e0atrue \\\n', max_size=20))
def test_both_readers_agree_on_any_punctuation(text: str) -> None:
    def outcome(read: Any) -> Any:
        try:
            return read(text)
        except InvalidInput as error:
            return error.aws_message.partition(" at line")[0]

    quick, slow = (
        outcome(lambda given: read_event(f'{{"a":{given}}}')),
        outcome(lambda given: _read_deep(f'{{"a":{given}}}')),
    )
    assert isinstance(quick, str) == isinstance(slow, str)
    assert isinstance(quick, str) or quick == slow


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_ordinary_json_is_read_as_python_reads_it(value: Any) -> None:
    text = json.dumps({"a": value})

    assert read_event(text) == json.loads(text) == _read_deep(text)


# Flattening.


def test_only_paths_that_somebody_looks_at_are_walked() -> None:
    paths = Paths.of(["a.b", "c"])
    event = {
        "a": {"b": 1, "c": object(), "b.c": object()},
        "a.b": [2, {"d": object()}],
        "c": {"d": object()},
        "d": object(),
    }

    assert {path: [leaf.value for leaf in leaves] for path, leaves in flatten(event, paths).items()} == {"a.b": [1, 2]}


def test_repeated_values_are_of_no_array() -> None:
    leaves = flatten(read_event('{"a": [{"b": 1}], "a": {"b": 2}, "a": [{"b": 3}]}'))

    assert leaves["a.b"] == [(1, {0: 0}), (2, {}), (3, {1: 0})]


def test_long_keys_above_many_do_not_multiply() -> None:
    event = {"k" * 100_000: dict.fromkeys(map(str, range(5_000)), 1)}

    assert flatten(event, Paths.of(["a.b"])) == {}
    with pytest.raises(EventTooComplex):
        flatten(event)


def test_a_thousand_arrays_in_one_another_are_walked() -> None:
    event: Any = {"b": "x"}
    for _ in range(1_000):
        event = [event]

    [leaf] = flatten({"a": event})["a.b"]
    assert leaf.value == "x"
    assert len(leaf.member_of) == 1_000


def test_what_holds_itself_is_refused() -> None:
    array: list[Any] = ["x"]
    array.append(array)
    members: dict[str, Any] = {}
    members["a"] = members

    with pytest.raises(EventTooComplex, match="too deep"):
        flatten({"a": array})
    with pytest.raises(EventTooComplex, match="too deep"):
        flatten(members)
    assert flatten(members, Paths.of(["a.a.a"])) == {}
