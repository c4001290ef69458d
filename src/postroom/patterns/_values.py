"""
What the entries of a pattern's lists want of a value: one small class a kind (PAT 3, 5, 6.1).
"""

from __future__ import annotations

import ipaddress
import math
import re
from decimal import Decimal
from typing import Final, Protocol

import attrs

_V4: Final = re.compile(r"[0-9]+(?:\.[0-9]+){3}")
_V6: Final = re.compile(r"[0-9A-Fa-f:]*:[0-9A-Fa-f:]*")
_V4_MAX_CHARS: Final = 15


class Wanted(Protocol):
    """
    One entry of a list of a pattern, asked about one value of an event.
    """

    def wants(self, value: object) -> bool:
        """
        Whether the value, a string, a number, a boolean or None, is one of those it stands for.
        """
        ...


@attrs.frozen
class Exactly:
    """
    A string, ``true``, ``false`` or ``null``: the same, of the same kind. ``true`` is not 1, and "" is not null.
    """

    value: str | bool | None

    def wants(self, value: object) -> bool:
        """
        As `Wanted.wants`.
        """
        return type(value) is type(self.value) and value == self.value


@attrs.frozen
class Number:
    """
    A number: equal in value, however it is written; one that no double holds exactly, by how it is written (PAT 3).
    """

    text: str

    def wants(self, value: object) -> bool:
        """
        As `Wanted.wants`.
        """
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        written = repr(value)
        if written == self.text:
            return True
        mine, other = comparable(self.text), comparable(written)
        return mine is not None and mine == other


def comparable(text: str) -> float | None:
    """
    The double that a written number is, or None if no double holds it exactly: too many digits, too large, too small.

    >>> comparable("3.0e2"), comparable("9007199254740993"), comparable("1e400")
    (300.0, None, None)
    """
    value = float(text)
    return value if math.isfinite(value) and Decimal(repr(value)) == Decimal(text) else None


@attrs.frozen
class Address:
    """
    A string that is an IP address: the same address, however it is written (PAT 3).
    """

    address: tuple[int, int]

    def wants(self, value: object) -> bool:
        """
        As `Wanted.wants`.
        """
        return isinstance(value, str) and address_of(value) == self.address


def address_of(text: str) -> tuple[int, int] | None:
    """
    The IP version and the number of an address, or None if the text is none; leading zeros are allowed (PAT 3).

    >>> address_of("10.0.0.01") == address_of("10.0.0.1") == address_of("::ffff:a00:1")
    True
    """
    if _V4.fullmatch(text) and len(text) <= _V4_MAX_CHARS:
        parts = [int(part) for part in text.split(".")]
        return (4, int.from_bytes(parts)) if max(parts) < 256 else None
    if not _V6.fullmatch(text):
        return None
    try:
        found = ipaddress.IPv6Address(text)
    except ValueError:
        return None
    return (6, int(found)) if found.ipv4_mapped is None else (4, int(found.ipv4_mapped))


@attrs.frozen
class Prefix:
    """
    A string that begins so; nothing but a string, not even for the empty prefix (PAT 6.1).
    """

    prefix: str

    def wants(self, value: object) -> bool:
        """
        As `Wanted.wants`.
        """
        return isinstance(value, str) and value.startswith(self.prefix)


@attrs.frozen
class Present:
    """
    ``{"exists": true}``: any value at all, null included (PAT 5).
    """

    def wants(self, value: object) -> bool:  # noqa: ARG002 - that there is one is enough
        """
        As `Wanted.wants`.
        """
        return True


@attrs.frozen
class Absent:
    """
    ``{"exists": false}``: no value will do; who matches asks for this one by its class (PAT 5).
    """

    def wants(self, value: object) -> bool:  # noqa: ARG002 - that there is one is too much
        """
        As `Wanted.wants`.
        """
        return False


def exactly(text: str) -> Exactly | Address:
    """
    What a bare string in a list stands for.
    """
    address = address_of(text)
    return Exactly(text) if address is None else Address(address)
