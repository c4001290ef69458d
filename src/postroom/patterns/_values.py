"""
Numbers and addresses: when two of them are the same, however they are written (PAT 3).
"""

from __future__ import annotations

import ipaddress
import math
import re
from decimal import Decimal
from typing import Final

_V4: Final = re.compile(r"[0-9]+(?:\.[0-9]+){3}")
_V6: Final = re.compile(r"[0-9A-Fa-f:]*:[0-9A-Fa-f:]*")
_V4_MAX_CHARS: Final = 15
_V6_MAX_CHARS: Final = 39
_SURE_INT: Final = 1 << 53
_LARGEST_BITS: Final = 1_024


class WrittenNumber:
    """
    A number of a JSON text that no double holds exactly: it is known by how it is written.

    >>> WrittenNumber("9007199254740993") == WrittenNumber("9007199254740993")
    True
    >>> WrittenNumber("9007199254740993")
    WrittenNumber('9007199254740993')
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text: str = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WrittenNumber) and self.text == other.text

    def __hash__(self) -> int:
        return hash((WrittenNumber, self.text))

    def __repr__(self) -> str:
        return f"WrittenNumber({self.text!r})"


def comparable(text: str) -> float | None:
    """
    The double that a written number is, or None if no double holds it exactly: too many digits, too large, too small.

    >>> comparable("3.0e2"), comparable("9007199254740993"), comparable("1e400")
    (300.0, None, None)
    """
    value = float(text)
    if not math.isfinite(value):
        return None
    if value == 0:
        return 0.0 if re.match(r"[-0.]*(?:[eE]|\Z)", text) else None
    return value if Decimal(repr(value)) == Decimal(text) else None


def number_value(value: object) -> float | None:
    """
    The double that a number of an event is; None for a number that no double holds exactly, and for what is no number.

    >>> number_value(300), number_value(2**53 + 1), number_value(True), number_value("300")
    (300.0, None, None, None)

    A `float` that is no JSON number, infinite or not a number, is no number here either.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        if -_SURE_INT <= value <= _SURE_INT:
            return float(value)
        # Longer ones are out of a double's range; Python refuses to write out the longest.
        return comparable(str(value)) if value.bit_length() <= _LARGEST_BITS else None
    if isinstance(value, Decimal):
        return comparable(str(value)) if value.is_finite() else None
    return None


def number_text(value: object) -> str | None:
    """
    How a number of an event is written; None for what is no number, and for one longer than any pattern.

    >>> number_text(WrittenNumber("1e400")), number_text(12), number_text(False)
    ('1e400', '12', None)
    """
    if isinstance(value, WrittenNumber):
        return value.text
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        return repr(value) if isinstance(value, float) else str(value)
    except ValueError:
        return None  # more digits than Python writes out, and than a pattern may have


def address_of(text: str) -> tuple[int, int] | None:
    """
    The IP version and the number of an address, or None if the text is none; leading zeros are allowed (PAT 3).

    >>> address_of("10.0.0.01") == address_of("10.0.0.1") == address_of("::ffff:a00:1")
    True
    """
    if len(text) > _V6_MAX_CHARS:
        return None
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
