"""
Values that people understand: one that an entry wants, and some that it nearly wants.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from postroom.patterns._kinds import number_within, tidy
from postroom.patterns._operators import (
    Absent,
    Address,
    AnythingBut,
    Cidr,
    Entry,
    EqualsIgnoreCase,
    Exactly,
    Number,
    Numeric,
    Prefix,
    Present,
    Suffix,
    Wildcard,
)
from postroom.patterns._values import WrittenNumber

if TYPE_CHECKING:
    from postroom.patterns._tree import Condition

NOTHING: Final = object()
"""In place of a value: there is none."""
_OTHERS: Final = ("other", "some", "any", "1", "x", "")


def fitting(condition: Condition) -> Iterator[Any]:
    """
    A value for each entry of a condition, or `NOTHING`; none for an entry that nothing satisfies.

    >>> from postroom.patterns._operators import Numeric, Prefix
    >>> from postroom.patterns._tree import Condition
    >>> list(fitting(Condition("a", (Prefix("pa"), Numeric(low=100.0)))))
    ['pa', 101]
    """
    for entry in condition.wanted:
        if isinstance(entry, Absent):
            yield NOTHING
            continue
        for value in _wanted(entry):
            if entry.wants(value):
                yield value
                break


def _wanted(entry: Entry) -> Iterator[Any]:
    if isinstance(entry, Exactly):
        yield entry.value
    elif isinstance(entry, Number):
        yield _number(entry)
    elif isinstance(entry, Numeric):
        yield number_within(entry)
    elif isinstance(entry, Wildcard):
        yield "".join(entry.fragments)
    elif isinstance(entry, Cidr):
        yield from (_address(entry.version, number) for number in (entry.first + 1, entry.first))
    elif isinstance(entry, AnythingBut):
        yield from _others(entry)
    elif isinstance(entry, Address | Prefix | Suffix | EqualsIgnoreCase):
        yield entry.text
    else:
        yield from _OTHERS  # for `Present`


def _others(entry: AnythingBut) -> Iterator[Any]:
    """
    Of the kind that is excluded if it can be; nothing that is no string is excluded by strings.
    """
    count = len(entry.entries) + 1
    if any(isinstance(one, Number) for one in entry.entries):
        yield from range(count)
    yield from _OTHERS
    yield from (f"other {number}" for number in range(2, count + 2))
    yield 0


def _number(entry: Number) -> Any:
    if entry.value is None:
        return WrittenNumber(entry.text)
    return int(entry.text) if entry.text.lstrip("-").isdecimal() else entry.value


def _address(version: int, number: int) -> str:
    return str(ipaddress.IPv4Address(number) if version == 4 else ipaddress.IPv6Address(number))


def failing(condition: Condition) -> Iterator[Any]:
    """
    Values that a condition does not want, or `NOTHING`: those that are near to what it wants come first.

    >>> from postroom.patterns._operators import Numeric, Prefix
    >>> from postroom.patterns._tree import Condition
    >>> next(failing(Condition("a", (Numeric(low=100.0, has_low=True),))))
    99
    """
    near = chain.from_iterable(_near(entry) for entry in condition.wanted)
    for value in chain(near, (NOTHING, "", "other", 0, None, True, False)):
        if value is NOTHING:
            if not condition.may_be_absent:
                yield value
        elif not condition.wants(value):
            yield value


def _near(entry: Entry) -> Iterator[Any]:
    if isinstance(entry, Exactly):
        if isinstance(entry.value, str):
            yield f"not {entry.value}"
        else:
            yield "null" if entry.value is None else not entry.value
    elif isinstance(entry, Number):
        if entry.value is not None:
            yield from _beyond(entry.value, 1.0)
        yield from (0, 1)
    elif isinstance(entry, Numeric):
        if entry.low is not None:
            yield from _beyond(entry.low, -1.0)
        if entry.high is not None:
            yield from _beyond(entry.high, 1.0)
    elif isinstance(entry, Address):
        if entry.address is not None:
            version, number = entry.address
            yield _address(version, number - 1 if number else 1)
    elif isinstance(entry, Cidr):
        if entry.first or entry.last.bit_length() < (32 if entry.version == 4 else 128):
            yield _address(entry.version, entry.first - 1 if entry.first else entry.last + 1)
        yield "no address"
    elif isinstance(entry, AnythingBut):
        for one in entry.entries:
            value = next(_wanted(one))
            yield value
    elif isinstance(entry, Suffix | Wildcard):
        text = next(_wanted(entry))
        yield from (f"{text} not", f"not {text}")
    elif isinstance(entry, Prefix | EqualsIgnoreCase):
        yield from (f"not {entry.text}", f"un{entry.text}")
    elif isinstance(entry, Present):
        yield NOTHING


def _beyond(bound: float, step: float) -> Iterator[Any]:
    """
    The bound itself, which may be out already, and what is beyond it.
    """
    yield tidy(bound)
    yield tidy(bound + step)
    yield tidy(bound * 2 if (bound > 0) == (step > 0) else bound / 2)
