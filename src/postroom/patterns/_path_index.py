"""
What many rows want at one path, as bits: which of them a value satisfies (PAT 3, 5, 6).

Exact values, prefixes, suffixes and values in another case are looked up in dictionaries; a number is found among the sorted
bounds of all ranges; exclusions are a mask from which a few bits are taken; and a wildcard is asked only where three
characters of it stand in the text one after the other.
"""

from __future__ import annotations

from bisect import bisect_right
from math import inf, nextafter
from typing import Any, Final, TypeAlias

from postroom.patterns._fetch import Many, key_of
from postroom.patterns._operators import (
    Absent,
    AnythingBut,
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
from postroom.patterns._rows import Check, key_of_entry
from postroom.patterns._values import number_value

RANGES_ONE_BY_ONE: Final = 16
"""Ranges at one path that are compared one by one, before they are sorted in among the others."""

SEEN_MAX: Final = 1_024
"""Values at one path for which it is remembered what they satisfy."""

_EDGE: Final = 2
_GRAM: Final = 3


def kind_of(wanted: tuple[Entry, ...]) -> type[Entry] | None:
    """
    What kind of condition it is, if there is an index for its kind.
    """
    kinds = {type(entry) for entry in wanted if not isinstance(entry, Exactly | Number)}
    if not all(_is_indexed(entry, len(wanted)) for entry in wanted):
        return None
    return next(iter(kinds)) if len(kinds) == 1 else type(wanted[0])


def _is_indexed(entry: Entry, entries: int) -> bool:
    # Exclusions and ranges have one bit a condition: one that wants more has none to spare.
    if isinstance(entry, Numeric | Wildcard):
        return entries == 1
    if isinstance(entry, AnythingBut):
        return entries == 1 and all(isinstance(excluded, Exactly | Number) for excluded in entry.entries)
    if isinstance(entry, EqualsIgnoreCase):
        return entry.text.isascii()
    if isinstance(entry, Prefix | Suffix):
        return not entry.ignore_case
    return isinstance(entry, Exactly | Number | Present | Absent)


class PathIndex:
    """
    What the rows of a grid want at one path, as bits.
    """

    __slots__ = (
        *(
            "_anything",
            "_but",
            "_but_any",
            "_folded",
            "_prefixes",
            "_ranges",
            "_suffixes",
            "_wildcards",
            "absent",
            "assumed",
        ),
        *("exact", "is_plain", "looking", "seen"),
    )

    def __init__(self) -> None:
        self.looking: int = 0
        """Of all conditions at the path."""
        self.absent: int = 0
        """Of those which it suits that there is no value."""
        self.assumed: int = 0
        """Of those that are asked last, if all others of their row hold."""
        self.exact: dict[Any, int] = {}
        """Of those that want one value, by what `key_of` has for it."""
        self.is_plain: bool = True
        """Whether no others are there, as far as strings go, and none suits it that there is no value."""
        self.seen: dict[Any, int] = {}
        """What values have satisfied, those last seen; begun anew with each condition more."""
        self._anything = 0
        self._but: dict[Any, int] = {}
        self._but_any = 0
        # By the first two characters, and by the last two: most values have others.
        self._prefixes: dict[str, Tables] = {}
        self._suffixes: dict[str, Tables] = {}
        self._folded: dict[str, int] = {}
        self._ranges: Ranges = ((), (), ())
        self._wildcards: _Wildcards | None = None

    def add(self, bit: int, check: Check, *, is_indexed: bool) -> None:
        """
        Adds a condition; one that is not indexed is taken to hold where there is any value.
        """
        if not is_indexed:
            self.assumed |= bit
        else:
            if check.keys is None:
                self.is_plain = False
            for entry in check.wanted:
                self._add(bit, entry)
            if check.may_be_absent:
                self.absent |= bit
        self.looking |= bit
        self.seen = {}

    def _add(self, bit: int, entry: Entry) -> None:
        if isinstance(entry, Exactly | Number):
            [key] = key_of_entry(entry) or (None,)
            self.exact[key] = self.exact.get(key, 0) | bit
        elif isinstance(entry, Present):
            self._anything |= bit
        elif isinstance(entry, Prefix):
            edge = entry.text[:_EDGE]
            self._prefixes[edge] = _with(self._prefixes.get(edge, ()), entry.text, bit)
        elif isinstance(entry, Suffix):
            edge = entry.text[-_EDGE:]
            self._suffixes[edge] = _with(self._suffixes.get(edge, ()), entry.text, bit)
        elif isinstance(entry, EqualsIgnoreCase):
            lowered = entry.text.lower()
            self._folded[lowered] = self._folded.get(lowered, 0) | bit
        elif isinstance(entry, Numeric):
            self._ranges = _with_range(self._ranges, entry, bit)
        elif isinstance(entry, Wildcard):
            if self._wildcards is None:
                self._wildcards = _Wildcards()
            self._wildcards.add(bit, entry)
        elif isinstance(entry, AnythingBut):
            for excluded in entry.entries:
                for key in key_of_entry(excluded) or ():
                    self._but[key] = self._but.get(key, 0) | bit
            self._but_any |= bit

    def any_of(self, many: Many) -> int:
        """
        Which conditions are satisfied by one of several values.
        """
        found = 0
        for value in many.values():
            bits = self.bits_of(value)
            if bits:
                found |= bits
        return found

    def bits_of(self, value: Any) -> int:
        """
        Which conditions are satisfied by a value, from what was seen if it was.
        """
        seen = self.seen
        key = value if value.__class__ is str else (value.__class__, value)
        bits = seen.get(key)
        return self.find(key, value, seen) if bits is None else bits

    def find(self, key: Any, value: Any, seen: dict[Any, int]) -> int:
        """
        The same as `satisfied`, and notes it in `seen`: not in a newer one, which conditions may know that this does not.
        """
        found = self.satisfied(value)
        if len(seen) >= SEEN_MAX:
            seen.clear()
        seen[key] = found
        return found

    def satisfied(self, value: Any) -> int:
        """
        Which conditions are satisfied by a value.
        """
        # A number of thousands of bits is copied with each `|=`: not where there is nothing to add.
        key = value if value.__class__ is str else key_of(value)
        found = self.assumed | self._anything
        bits = self.exact.get(key)
        if bits is not None:
            found |= bits
        if self._but_any:
            bits = self._but.get(key)
            found |= self._but_any if bits is None else self._but_any & ~bits
        if key.__class__ is not str:
            ranges = self._ranges
            number = number_value(value) if ranges[0] or ranges[1] else None
            return found if number is None else found | _around(ranges, number)
        if self._prefixes:
            found |= _starts(self._prefixes, key)
        if self._suffixes:
            found |= _ends(self._suffixes, key)
        if self._folded and key.isascii():
            found |= self._folded.get(key.lower(), 0)
        if self._wildcards is not None:
            found |= self._wildcards.like(key)
        return found


Tables: TypeAlias = tuple[tuple[int, dict[str, int]], ...]
"""Texts and their bits, by the length of the texts."""


def _starts(prefixes: dict[str, Tables], value: str) -> int:
    found = 0
    for edge in (value[:_EDGE], value[:1], "") if len(value) >= _EDGE else (value, "") if value else ("",):
        for size, table in prefixes.get(edge, ()):
            found |= table.get(value[:size], 0)
    return found


def _ends(suffixes: dict[str, Tables], value: str) -> int:
    found = 0
    end = len(value)
    for edge in (value[-_EDGE:], value[-1:], "") if end >= _EDGE else (value, "") if value else ("",):
        for size, table in suffixes.get(edge, ()):
            if size <= end:
                found |= table.get(value[end - size :], 0)
    return found


def _with(tables: Tables, text: str, bit: int) -> Tables:
    """
    Tables by the length of their texts, and a text more.
    """
    for size, table in tables:
        if size == len(text):
            table[text] = table.get(text, 0) | bit
            return tables
    return (*tables, (len(text), {text: bit}))


Ranges: TypeAlias = tuple[tuple[tuple[float, float, int], ...], tuple[float, ...], tuple[int, ...]]
"""
Ranges of numbers: those that are asked one by one, as first, last and bit; and of all others, where one begins or has just
ended, sorted, with the bits of those around each gap between. Replaced whole.
"""


def _with_range(ranges: Ranges, new: Numeric, bit: int) -> Ranges:
    # Only doubles are compared, so a bound that is not in the range is in it once it has been moved by the least there is.
    first = -inf if new.low is None else new.low if new.has_low else nextafter(new.low, inf)
    last = inf if new.high is None else new.high if new.has_high else nextafter(new.high, -inf)
    fresh = (*ranges[0], (first, last, bit))
    if len(fresh) <= RANGES_ONE_BY_ONE:
        return fresh, ranges[1], ranges[2]
    changes: dict[float, int] = {}
    for begin, end, one in fresh:
        if begin <= end:
            after = nextafter(end, inf)
            changes[begin] = changes.get(begin, 0) ^ one
            if end != inf:
                changes[after] = changes.get(after, 0) ^ one
    before = 0
    for point, around in zip(ranges[1], ranges[2][1:], strict=True):
        changes[point] = changes.get(point, 0) ^ before ^ around
        before = around
    points = sorted(changes)
    cells = [0]
    for point in points:
        cells.append(cells[-1] ^ changes[point])
    return (), tuple(points), tuple(cells)


def _around(ranges: Ranges, number: float) -> int:
    """
    The ranges that a number is in.
    """
    fresh, points, cells = ranges
    found = cells[bisect_right(points, number)] if cells else 0
    for first, last, bit in fresh:
        if first <= number <= last:
            found |= bit
    return found


class _Wildcards:
    """
    Wildcards at one path, each found by a few characters in a row that a text must have.
    """

    __slots__ = ("_always", "_by_size", "_wildcards")

    def __init__(self) -> None:
        self._always = 0
        self._by_size: Tables = ()
        self._wildcards: dict[int, Wildcard] = {}

    def add(self, bit: int, wildcard: Wildcard) -> None:
        """
        Adds one.
        """
        self._wildcards[bit.bit_length() - 1] = wildcard
        longest = max(wildcard.fragments, key=len)
        if not longest:
            self._always |= bit
            return
        size = min(_GRAM, len(longest))
        nothing: dict[str, int] = {}
        table = next((table for of, table in self._by_size if of == size), nothing)
        grams = [longest[at : at + size] for at in range(len(longest) - size + 1)]
        gram = min(grams, key=lambda one: table.get(one, 0).bit_count())
        self._by_size = _with(self._by_size, gram, bit)

    def like(self, text: str) -> int:
        """
        Those that a text satisfies.
        """
        candidates = self._always
        for size, table in self._by_size:
            if len(table) < 2 * len(text):
                # Another may add to the table meanwhile.
                for gram in list(table):
                    if gram in text:
                        candidates |= table[gram]
            else:
                for gram in {text[at : at + size] for at in range(len(text) - size + 1)}:
                    candidates |= table.get(gram, 0)
        found = 0
        wildcards = self._wildcards
        while candidates:
            at = candidates.bit_length() - 1
            bit = 1 << at
            candidates ^= bit
            if wildcards[at].wants(text):
                found |= bit
        return found
