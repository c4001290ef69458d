"""
Patterns and events for Hypothesis, made to collide: few keys, few values, so that near misses and matches are common.

Import from a test as ``from tests.patterns import strategies``. What there is:

    patterns()            a pattern as a dict: every operator, nested objects, ``$or``, dots in keys; always valid in EventBridge
    pattern_texts()       the same as JSON text, and some keys stand twice
    events()              an event as `read_event` gives it: arrays in arrays, dots in keys, all kinds, `Repeated`, `WrittenNumber`
    python_events()       an event as a Python program may hold it: tuples, `Decimal`, NaN, infinity and keys that are no str too
    pairs()               (pattern as text, event): the event has the shape of the pattern, so that about a third match
    pairs(events_count=3) (pattern, event, event, event): several events of one pattern
    to_text(value)        JSON text of a pattern or an event of this module: `Repeated` becomes a key that stands so often

`KEYS`, `STRINGS` and `NUMBERS` are the whole vocabulary. All operands are of it, or one letter off it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, cast

from hypothesis import assume
from hypothesis import strategies as st

from postroom import Pattern
from postroom.errors import InvalidEventPattern
from postroom.limits import EVENT_PATTERN_MAX_CHARS
from postroom.patterns import Repeated, WrittenNumber

KEYS: Final = ("a", "b", "c")
ODD_KEYS: Final = ("a.b", "b.c", "a.b.c", "", "A", "$or")
STRINGS: Final = ("x", "y", "xy", "X", "", "straße", "STRASSE", "x*", "5", "null")
ADDRESSES: Final = ("10.0.0.1", "10.0.0.01", "::ffff:a00:1", "2001:db8::1", "10.0.1.0")
NUMBERS: Final = (0, 1, 5, 5.0, 5.5, -1, 1e300)
WRITTEN: Final = ("9007199254740993", "9007199254740993.0", "1e400", "0.1234567890123456789")
"""Numbers that no double holds."""

WILDCARDS: Final = ("*", "x*", "*y", "x*y", "", "x", "x\\*", "*\\*", "*x*")
CIDRS: Final = ("10.0.0.0/24", "10.0.0.0/31", "0.0.0.0/0", "2001:db8::/64")

_STRING: Final = st.sampled_from([*STRINGS, *STRINGS, *ADDRESSES])
_NUMBER: Final = st.sampled_from(NUMBERS)
_SCALAR: Final[st.SearchStrategy[Any]] = st.sampled_from(
    [*STRINGS, *STRINGS, *ADDRESSES, *NUMBERS, True, False, None, *map(WrittenNumber, WRITTEN)]
)
_KEY: Final = st.sampled_from([*KEYS * 5, *ODD_KEYS])
_PATTERN_KEY: Final = st.sampled_from([*KEYS * 5, *(key for key in ODD_KEYS if key != "$or")])
_DIE: Final = st.integers(0, 7)

# Patterns. Strategies are made once, and what nests is drawn by plain recursion: Hypothesis checks each new strategy anew.


def _one_or_list(one: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return one | st.lists(one, min_size=1, max_size=3)


def _operator(name: str, operand: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return operand.map(lambda value: {name: value})


def _bounds(drawn: tuple[list[float], str, str, str]) -> list[Any]:
    (low, high), single, bottom, top = drawn
    return [bottom, min(low, high), top, max(low, high)] if single == "" else [single, low]


_BOUNDS: Final = st.tuples(
    st.lists(st.sampled_from([-1, 0, 1, 5, 5.5, 6]), min_size=2, max_size=2, unique=True),
    st.sampled_from(["", "", "=", "<", "<=", ">", ">="]),
    st.sampled_from([">", ">="]),
    st.sampled_from(["<", "<="]),
).map(_bounds)
_WILDCARD: Final = st.sampled_from(WILDCARDS)
_EXCLUDED: Final = st.one_of(
    _one_or_list(_STRING),
    _one_or_list(_NUMBER),
    _operator("prefix", _one_or_list(_STRING.filter(bool))),
    _operator("suffix", _one_or_list(_STRING.filter(bool))),
    _operator("equals-ignore-case", _one_or_list(_STRING)),
    _operator("wildcard", _one_or_list(_WILDCARD)),
)
_EITHER_CASE: Final = _STRING | _operator("equals-ignore-case", _STRING)
_EXISTS: Final = _operator("exists", st.booleans())
_ENTRY: Final[st.SearchStrategy[Any]] = st.one_of(
    _SCALAR,
    _SCALAR,
    _SCALAR,
    _EXISTS,
    _EXISTS,
    _operator("prefix", _EITHER_CASE),
    _operator("suffix", _EITHER_CASE),
    _operator("equals-ignore-case", _STRING),
    _operator("wildcard", _WILDCARD),
    _operator("exactly", _STRING),
    _operator("cidr", st.sampled_from(CIDRS)),
    _operator("numeric", _BOUNDS),
    _operator("anything-but", _EXCLUDED),
)
_LIST: Final = st.lists(_ENTRY, min_size=1, max_size=3)
_PLAIN_OR: Final = st.lists(_SCALAR, min_size=1, max_size=2)


def entries() -> st.SearchStrategy[Any]:
    """
    One entry of a list of a pattern: a value, or an operator and its operand.
    """
    return _ENTRY


def lists() -> st.SearchStrategy[list[Any]]:
    """
    What stands under a key of a pattern: one to three entries.
    """
    return _LIST


@st.composite
def patterns(draw: st.DrawFn) -> dict[str, Any]:
    """
    A pattern as a mapping, always a valid one.

    Now and then ``$or`` is the name of a plain key: what stands there is no list of objects.
    """
    if draw(_DIE) == 7:
        pattern = _object(draw, 1, has_or=False) if draw(st.booleans()) else {}
        pattern["$or"] = draw(_PLAIN_OR)
    else:
        pattern = _object(draw, 3)
    assume(_is_simple(to_text(pattern)))
    return pattern


def _object(draw: st.DrawFn, depth: int, *, has_or: bool = True) -> dict[str, Any]:
    """
    An object of a pattern, one time in four with an ``$or``, which stands anywhere among its keys.
    """
    made: dict[str, Any] = {}
    or_at = draw(_DIE) if has_or and depth else 7
    for at in range(draw(st.integers(1, 3))):
        if at == or_at:
            made["$or"] = [_object(draw, depth - 1) for _ in range(draw(st.integers(2, 3)))]
        key = draw(_PATTERN_KEY)
        made[key] = _object(draw, depth - 1, has_or=has_or) if depth and draw(_DIE) < 3 else draw(_LIST)
    return made


def _is_simple(text: str) -> bool:
    """
    Whether it is below the limits on length, wildcards and ``$or``: they are all that these patterns may run into.
    """
    if len(text) > EVENT_PATTERN_MAX_CHARS:
        return False
    if text.count("wildcard") < 2 and text.count("$or") < 3:
        return True
    try:
        Pattern(text)
    except InvalidEventPattern as error:
        if "too complex" in error.aws_message:
            return False
        raise
    return True


@st.composite
def pattern_texts(draw: st.DrawFn) -> str:
    """
    The text of a pattern, always a valid one; in some a key stands twice, and then the later list counts.
    """
    return to_text(_with_repeat(draw, draw(patterns())))


def _with_repeat(draw: st.DrawFn, pattern: dict[str, Any]) -> dict[str, Any]:
    if draw(_DIE) < 6:
        return pattern
    key = draw(st.sampled_from(sorted(pattern)))
    again = pattern[key]
    if key != "$or":
        again = _object(draw, 0) if draw(st.booleans()) else draw(_LIST)
    repeated = {**pattern, key: Repeated([pattern[key], again])}
    return repeated if _is_simple(to_text(repeated)) else pattern


# Events.

_ODD: Final[st.SearchStrategy[Any]] = st.sampled_from(
    [Decimal("5.0"), Decimal(WRITTEN[0]), Decimal("NaN"), float("nan"), float("inf"), 2**53 + 1, 10**400]
)
_ODD_KEY: Final = st.sampled_from([*KEYS, *KEYS, 1, None, ("a",)])


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """
    An event as `read_event` gives it, of any shape.
    """
    return _event(draw, 4)


def _event(draw: st.DrawFn, depth: int) -> dict[str, Any]:
    return {draw(_KEY): _value(draw, depth - 1) for _ in range(draw(st.integers(0, 3)))}


def _value(draw: st.DrawFn, depth: int) -> Any:
    kind = draw(_DIE) if depth > 0 else 0
    if kind < 3:
        return draw(_SCALAR)
    if kind < 5:
        return _event(draw, depth)
    if kind == 5:
        return Repeated([_value(draw, depth - 1) for _ in range(2)])
    # An array of objects, mostly: with anything in it, now and then.
    return [
        _event(draw, depth - 1) if kind == 6 else _unrepeated(_value(draw, depth - 1))
        for _ in range(draw(st.integers(0, 3)))
    ]


def _unrepeated(value: Any) -> Any:
    """
    Values of a key that stands twice are the values of a key.
    """
    return list(value) if isinstance(value, Repeated) else value


@st.composite
def python_events(draw: st.DrawFn) -> dict[Any, Any]:
    """
    An event as a Python program may hold it: also what JSON has not, but has a meaning here.
    """
    event: dict[Any, Any] = _event(draw, 4)
    for _ in range(draw(st.integers(0, 2))):
        value = draw(_ODD) if draw(st.booleans()) else (_unrepeated(_value(draw, 2)), draw(_SCALAR))
        event[draw(_ODD_KEY)] = value
    return event


@st.composite
def pairs(draw: st.DrawFn, events_count: int = 1) -> tuple[Any, ...]:
    """
    The text of a pattern, and events of its shape: objects for objects, or arrays of such; values that often fit.
    """
    pattern = _with_repeat(draw, draw(patterns()))
    return (to_text(pattern), *(_shaped(draw, pattern) for _ in range(events_count)))


def _shaped(draw: st.DrawFn, pattern: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, inner in _members(pattern):
        if draw(_DIE):
            value = _fitting(draw, inner)
            if key in made and draw(_DIE) < 3:
                before = made[key]
                value = Repeated([*(before if isinstance(before, Repeated) else [before]), value])
            made[key] = value
    if draw(_DIE) == 7:
        made[draw(_KEY)] = _unrepeated(_value(draw, 2))
    return made


def _members(pattern: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """
    The keys of an object of a pattern and of the branches at its level.
    """
    for key, inner in pattern.items():
        for one in inner if isinstance(inner, Repeated) else [inner]:
            if key == "$or" and all(isinstance(branch, dict) for branch in one):
                for branch in one:
                    yield from _members(branch)
            else:
                yield key, one


def _fitting(draw: st.DrawFn, wanted: Any) -> Any:
    """
    What an event may have where a pattern has an object or a list.
    """
    kind = draw(_DIE)
    if isinstance(wanted, dict):
        shape = cast("dict[str, Any]", wanted)
        if kind < 3:
            return _shaped(draw, shape)
        several = [_shaped(draw, shape) for _ in range(draw(st.integers(1, 3)))]
        return [several] if kind == 7 else several
    if kind < 6:
        return _fitting_scalar(draw, wanted)
    several = [_fitting_scalar(draw, wanted) for _ in range(draw(st.integers(0, 3)))]
    return [several] if kind == 7 else several


def _fitting_scalar(draw: st.DrawFn, wanted: list[Any]) -> Any:
    return _witness(draw(st.sampled_from(wanted))) if draw(_DIE) < 5 else draw(_SCALAR)


def _witness(entry: Any) -> Any:
    """
    A value that an entry wants, mostly.
    """
    if not isinstance(entry, dict):
        return entry
    [(name, operand)] = cast("dict[str, Any]", entry).items()
    if name == "anything-but":
        return "z"
    if isinstance(operand, dict):
        [operand] = cast("dict[str, Any]", operand).values()
    if name == "numeric":
        return operand[1] if "=" in operand[0] else operand[1] + (0.25 if ">" in operand[0] else -0.25)
    if name == "cidr":
        return "2001:db8::1" if ":" in operand else "10.0.0.1"
    if name == "wildcard":
        return operand.replace("\\*", "*")
    return [] if operand is False else operand


def to_text(value: Any) -> str:
    """
    JSON text. The values of a `Repeated` stand under their key one after the other, a `WrittenNumber` as it is written.
    """
    if isinstance(value, WrittenNumber):
        return value.text
    if isinstance(value, dict):
        members = [
            f"{json.dumps(key, ensure_ascii=False)}:{to_text(one)}"
            for key, inner in cast("dict[str, Any]", value).items()
            for one in (inner if isinstance(inner, Repeated) else [inner])
        ]
        return "{" + ",".join(members) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(to_text, cast("list[Any]", value))) + "]"
    return json.dumps(value, ensure_ascii=False)
