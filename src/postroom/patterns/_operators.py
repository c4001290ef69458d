"""
What the entries of a pattern's lists want of a value: one small class an operator (PAT 3, 5, 6).

Each says of one value, a string, a number, a boolean or None, whether that will do. All are immutable, equal if they want
the same, and can be hashed: who compiles them shares what is equal.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final, Protocol

import attrs

from postroom.patterns import _case
from postroom.patterns._values import address_of, comparable, number_text, number_value

_ESCAPED_OR_STAR: Final = re.compile(r"\\([\\*])|(\*)")


class Entry(Protocol):
    """
    One entry of a list of a pattern.
    """

    def wants(self, value: object) -> bool:
        """
        Whether a value of an event will do.
        """
        ...


@attrs.frozen
class Exactly:
    """
    A string, ``true``, ``false`` or ``null``: the same, of the same kind. ``true`` is not 1, and "" is not null.

    >>> Exactly("x").wants("x"), Exactly(True).wants(1)
    (True, False)
    """

    value: str | bool | None

    def wants(self, value: object) -> bool:
        """
        As `Entry.wants`.
        """
        if isinstance(self.value, str):
            return self.value == value
        return value is self.value


def _read_number(number: Number) -> float | None:
    return comparable(number.text)


@attrs.frozen
class Number:
    """
    A number: equal in value, however it is written; one that no double holds exactly, by how it is written (PAT 3).

    >>> Number("300").wants(3.0e2), Number("9007199254740993").wants(9007199254740993), Number("1").wants(True)
    (True, True, False)
    """

    text: str
    value: float | None = attrs.field(init=False, default=attrs.Factory(_read_number, takes_self=True))
    """None: no double holds it exactly."""

    def wants(self, value: object) -> bool:
        """
        As `Entry.wants`.
        """
        mine = self.value
        return number_text(value) == self.text if mine is None else number_value(value) == mine


def _read_address(address: Address) -> tuple[int, int] | None:
    return address_of(address.text)


@attrs.frozen
class Address:
    """
    A string in a list that is an IP address: the same address, however it is written (PAT 3).

    >>> Address("10.0.0.1").wants("10.0.0.01")
    True
    """

    text: str
    address: tuple[int, int] | None = attrs.field(
        init=False, eq=False, repr=False, default=attrs.Factory(_read_address, takes_self=True)
    )

    def wants(self, value: object) -> bool:
        """
        As `Entry.wants`.
        """
        return isinstance(value, str) and (value == self.text or address_of(value) == self.address)


@attrs.frozen
class Prefix:
    """
    A string that begins so; nothing but a string, not even for the empty prefix (PAT 6.1).

    >>> Prefix("Ev", ignore_case=True).wants("eVENT"), Prefix("").wants(5)
    (True, False)
    """

    text: str
    ignore_case: bool = attrs.field(default=False, kw_only=True)

    def wants(self, value: object) -> bool:
        """
        As `Entry.wants`.
        """
        if not isinstance(value, str):
            return False
        return _case.is_start(self.text, value) if self.ignore_case else value.startswith(self.text)


@attrs.frozen
class Suffix:
    """
    A string that ends so (PAT 6.1).

    >>> Suffix(".png", ignore_case=True).wants("i.PNG")
    True
    """

    text: str
    ignore_case: bool = attrs.field(default=False, kw_only=True)

    def wants(self, value: object) -> bool:
        """
        As `Entry.wants`.
        """
        if not isinstance(value, str):
            return False
        return _case.is_end(self.text, value) if self.ignore_case else value.endswith(self.text)


@attrs.frozen
class EqualsIgnoreCase:
    """
    The same string but for case (PAT 6.2).

    >>> EqualsIgnoreCase("aBc").wants("AbC")
    True
    """

    text: str

    def wants(self, value: object) -> bool:
        """
        As `Entry.wants`.
        """
        return isinstance(value, str) and _case.is_same(self.text, value)


@attrs.frozen(slots=False)
class Wildcard:
    r"""
    A string of that shape: ``*`` stands for any run of characters, none included (PAT 6.3).

    Args:
        text: Without ``**``; of backslashes only ``\*`` and ``\\``: `parse` sees to it.

    >>> Wildcard("a*c").wants("abbc"), Wildcard("a*c").wants("abcd"), Wildcard(r"a\*c").wants("a*c")
    (True, False, True)
    """

    text: str

    @cached_property
    def fragments(self) -> tuple[str, ...]:
        """
        What stands before, between and after the stars.

        >>> Wildcard("*:event/*").fragments
        ('', ':event/', '')
        """
        fragments = [""]
        parts = iter(_ESCAPED_OR_STAR.split(self.text))
        for literal in parts:
            fragments[-1] += literal + (next(parts, None) or "")
            if next(parts, None):
                fragments.append("")
        return tuple(fragments)

    def wants(self, value: object) -> bool:
        """
        As `Entry.wants`.
        """
        if not isinstance(value, str):
            return False
        first, inner, last = self._shape
        if last is None:
            return value == first
        at, end = len(first), len(value) - len(last)
        if at > end or not value.startswith(first) or not value.endswith(last):
            return False
        # The first place where a fragment stands is the best one: what follows has the most room then.
        for fragment in inner:
            found = value.find(fragment, at, end)
            if found < 0:
                return False
            at = found + len(fragment)
        return True

    @cached_property
    def _shape(self) -> tuple[str, tuple[str, ...], str | None]:
        first, *inner = self.fragments
        last = inner.pop() if inner else None
        return first, tuple(inner), last


@attrs.frozen
class Numeric:
    """
    A number within bounds; None: there is no bound. ``=`` has both bounds at the same number (PAT 6.5).

    >>> Numeric(low=0, high=5, has_high=True).wants(5), Numeric(low=0).wants("5"), Numeric(low=0).wants(2**53 + 1)
    (True, False, False)
    """

    low: float | None = None
    high: float | None = None
    has_low: bool = False
    """Whether the lower bound itself will do."""
    has_high: bool = False

    def wants(self, value: object) -> bool:
        """
        As `Entry.wants`.
        """
        number = number_value(value)
        if number is None:
            return False
        low, high = self.low, self.high
        return (low is None or number > low or (self.has_low and number == low)) and (
            high is None or number < high or (self.has_high and number == high)
        )


@attrs.frozen
class Cidr:
    """
    A string that is an IP address in the block; the two versions are kept apart (PAT 6.6).

    >>> Cidr.of("10.0.0.77/24").wants("10.0.0.255"), Cidr.of("0.0.0.0/0").wants("::1")
    (True, False)
    """

    text: str
    version: int
    first: int
    last: int

    @classmethod
    def of(cls, text: str) -> Cidr:
        """
        The block that is written so; `parse` has seen that it is one.
        """
        address, _, bits = text.partition("/")
        found = address_of(address)
        assert found is not None
        version, number = found
        free = (128 if ":" in address else 32) - int(bits)
        if version == 4 and ":" in address:
            free = min(free, 32)  # a block of addresses that are mapped from version 4
        first = number >> free << free
        return cls(text, version, first, first + (1 << free) - 1)

    def wants(self, value: object) -> bool:
        """
        As `Entry.wants`.
        """
        if not isinstance(value, str):
            return False
        address = address_of(value)
        return address is not None and address[0] == self.version and self.first <= address[1] <= self.last


@attrs.frozen
class Present:
    """
    ``{"exists": true}``: any value at all, null included (PAT 5).

    >>> Present().wants(None)
    True
    """

    def wants(self, value: object) -> bool:  # noqa: ARG002 - that there is one is enough
        """
        As `Entry.wants`.
        """
        return True


@attrs.frozen
class Absent:
    """
    ``{"exists": false}``: no value will do; who matches asks for this one by its class (PAT 5).

    >>> Absent().wants(None)
    False
    """

    def wants(self, value: object) -> bool:  # noqa: ARG002 - that there is one is too much
        """
        As `Entry.wants`.
        """
        return False


@attrs.frozen
class AnythingBut:
    """
    Any value that none of the entries wants, of whatever kind it is; there must be one (PAT 6.4).

    Args:
        entries: Strings (`Exactly`: an address is mere text here), numbers, or one operator's strings.

    >>> AnythingBut((Exactly("x"), Exactly("y"))).wants("z"), AnythingBut((Number("5"),)).wants("5")
    (True, True)
    """

    entries: tuple[Exactly | Number | Prefix | Suffix | EqualsIgnoreCase | Wildcard, ...]

    def wants(self, value: object) -> bool:
        """
        As `Entry.wants`.
        """
        return not any(entry.wants(value) for entry in self.entries)


def exactly(text: str) -> Exactly | Address:
    """
    What a bare string in a list stands for.

    >>> exactly("tea"), exactly("10.0.0.1")
    (Exactly(value='tea'), Address(text='10.0.0.1'))
    """
    return Exactly(text) if address_of(text) is None else Address(text)
