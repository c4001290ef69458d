"""
Reading events: JSON, with what `json.loads` alone would lose (PAT 3, 4).

A number that no double holds is kept as it is written, and a key that stands twice in an object keeps both its values:
patterns see the difference.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final, NoReturn, cast

from postroom.errors import InvalidInput
from postroom.patterns._values import WrittenNumber, comparable

_SURE_CHARS: Final = 15
"""Any number of so many digits is a double, if it is neither too large nor too small."""
_LONGEST_INT_CHARS: Final = 310
"""Longer ones are larger than any double, and reading them takes long."""
_SURE_MIN: Final = 1e-300
_SURE_MAX: Final = 1e300


class Repeated(list[Any]):
    """
    The values of a key that stands more than once in an object: each counts, and they are no array (PAT 4).

    >>> read_event('{"a": "x", "a": "y"}')
    {'a': Repeated(['x', 'y'])}
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Repeated({super().__repr__()})"


def read_event(text: str | bytes) -> dict[str, Any]:
    """
    An event from its JSON text, as patterns should see it.

    What `json.loads` returns, but for two things: a number that no double holds exactly is a `WrittenNumber`, and the
    values of a key that stands more than once in an object are `Repeated`.

    >>> read_event('{"id": 9007199254740993, "price": 12.50}')
    {'id': WrittenNumber('9007199254740993'), 'price': 12.5}

    Takes time in proportion to the length of the text, however deep it is nested and however long its numbers are.

    Args:
        text: A JSON object; bytes are UTF-8.

    Raises:
        InvalidInput: It is neither `str` nor `bytes`, or no JSON (NaN and Infinity are none), or no object. The text says
            where.
    """
    if isinstance(text, bytes):
        text = _decoded(text)
    elif not isinstance(text, str):
        raise InvalidInput(
            "The text of an event must be str or bytes.", help=f"got a value of type {type(text).__name__}"
        )
    try:
        event = _decode(text)
    except json.JSONDecodeError as error:
        raise _no_json(error.msg, text, error.pos) from None
    except (RecursionError, _NotJsonError):
        event = _read_deep(text)
    if not isinstance(event, dict):
        raise InvalidInput(
            "An event must be a JSON object.", help=f"The text is JSON, and begins with {text.lstrip()[:20]!r}."
        )
    return cast("dict[str, Any]", event)


def read_value(text: str) -> Any:
    """
    Any JSON value, read as `read_event` reads what is in an event.

    >>> read_value('["x", 1e400]')
    ['x', WrittenNumber('1e400')]

    Raises:
        InvalidInput: It is no JSON.
    """
    return read_event(f'{{"":{text}}}')[""]


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(
            "The text of an event must be UTF-8.", help=f"{error.reason} at byte {error.start + 1}"
        ) from None


def _no_json(reason: str, text: str, position: int) -> InvalidInput:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    near = text[max(0, position - 10) : position + 20]
    return InvalidInput(
        f"The event is no JSON: {reason} at line {line}, column {column}.", help=f"It is near {near!r}."
    )


class _NotJsonError(Exception):
    """
    NaN, Infinity or -Infinity, which Python reads and JSON has not.
    """


def _integer(text: str) -> int | WrittenNumber:
    if len(text) <= _SURE_CHARS:
        return int(text)
    if len(text) > _LONGEST_INT_CHARS or comparable(text) is None:
        return WrittenNumber(text)
    return int(text)


def _fraction(text: str) -> float | WrittenNumber:
    value = float(text)
    if len(text) <= _SURE_CHARS and (_SURE_MIN < value < _SURE_MAX or -_SURE_MAX < value < -_SURE_MIN):
        return value
    if math.isfinite(value) and (repr(value) == text or comparable(text) is not None):
        return value
    return WrittenNumber(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else _with_repeats(pairs)


def _with_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    repeated: set[str] = set()
    for key, value in pairs:
        if key not in members:
            members[key] = value
        elif key in repeated:
            members[key].append(value)
        else:
            repeated.add(key)
            members[key] = Repeated([members[key], value])
    return members


def _refuse_constant(name: str) -> NoReturn:
    # The scanner does not say where it is; the slow reader does, and knows no constants.
    raise _NotJsonError(name)


_decode: Final = json.JSONDecoder(
    parse_int=_integer, parse_float=_fraction, parse_constant=_refuse_constant, object_pairs_hook=_object
).decode

_decode_string: Final = json.JSONDecoder().raw_decode

_BLANKS: Final = re.compile(r"[ \t\n\r]*")
_NUMBER: Final = re.compile(r"(-?(?:0|[1-9][0-9]*))((?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)")
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
_WORD: Final = re.compile("true|false|null")


class _Open:
    """
    An object or an array that is being read.
    """

    __slots__ = ("items", "key", "pairs")

    def __init__(self, *, is_object: bool) -> None:
        self.pairs: list[tuple[str, Any]] | None = [] if is_object else None
        self.items: list[Any] = []
        self.key = ""

    def add(self, value: Any) -> None:
        """
        Takes the next value.
        """
        if self.pairs is None:
            self.items.append(value)
        else:
            self.pairs.append((self.key, value))

    def close(self) -> Any:
        """
        The whole of it.
        """
        return self.items if self.pairs is None else _object(self.pairs)


def _read_deep(text: str) -> Any:
    """
    The same as `json.loads` with our hooks, for what is nested deeper than that one goes; far slower.
    """
    at = _skip(text, 0)
    around: list[_Open] = []
    while True:
        char = text[at : at + 1]
        if char and char in "{[":
            around.append(_Open(is_object=char == "{"))
            at = _skip(text, at + 1)
            if text[at : at + 1] != ("}" if char == "{" else "]"):
                at = _key(text, at, around[-1])
                continue
            value, at = around.pop().close(), at + 1
        else:
            value, at = _scalar(text, at)
        # A value is complete, and perhaps what it was the last of.
        while around:
            inside = around[-1]
            inside.add(value)
            at = _skip(text, at)
            char = text[at : at + 1]
            if char == ",":
                at = _key(text, _skip(text, at + 1), inside)
                break
            if char != ("]" if inside.pairs is None else "}"):
                raise _no_json("Expecting ',' delimiter", text, at)
            value, at = around.pop().close(), at + 1
        else:
            at = _skip(text, at)
            if at != len(text):
                raise _no_json("Extra data", text, at)
            return value


def _skip(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    assert blanks is not None
    return blanks.end()


def _key(text: str, at: int, inside: _Open) -> int:
    """
    Reads a key, if values have one there; where the value begins.
    """
    if inside.pairs is None:
        return at
    if text[at : at + 1] != '"':
        raise _no_json("Expecting property name enclosed in double quotes", text, at)
    inside.key, at = _string(text, at)
    at = _skip(text, at)
    if text[at : at + 1] != ":":
        raise _no_json("Expecting ':' delimiter", text, at)
    return _skip(text, at + 1)


def _string(text: str, at: int) -> tuple[str, int]:
    try:
        value, end = _decode_string(text, at)
        return str(value), end
    except json.JSONDecodeError as error:
        raise _no_json(error.msg, text, error.pos) from None


def _scalar(text: str, at: int) -> tuple[Any, int]:
    if text[at : at + 1] == '"':
        return _string(text, at)
    if word := _WORD.match(text, at):
        return _WORDS[word[0]], word.end()
    number = _NUMBER.match(text, at)
    if number is None:
        raise _no_json("Expecting value", text, at)
    return _fraction(number[0]) if number[2] else _integer(number[1]), number.end()
