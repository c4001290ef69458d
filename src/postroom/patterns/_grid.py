"""
Many rows asked at once who wants this number, this prefix, anything but that (PAT 6).

Every condition of a row has a bit, the bits of a row stand side by side, and one bit more, its *guard*, stands above them:

    rows            b: 3 conditions      a: 2 conditions
    bits            guard x x x          guard x x          x: satisfied
    one is added           +1                  +1           to the lowest bit of each row
    carried         guard 0 0 0          guard 0 x          the guards of all rows whose conditions hold are set

So an event is matched like this: at each path, a few lookups say which bits its value sets; they are joined, one number is
added, and the guards are looked at. A number of thousands of bits is joined with another in less time than one row is
looked at. What no path of an event satisfies needs no look at all.

Rows come and go in place: a row that comes has bits of its own, which no other row is touched by, and counts when its lowest
bit is among those that are added. Conditions that take long to ask, wildcards among few and networks, are taken to hold
until all others of their row do.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

from postroom.patterns._fetch import MISSING, Many, Path, value_of
from postroom.patterns._operators import Wildcard
from postroom.patterns._path_index import PathIndex, kind_of
from postroom.patterns._rows import Check, FiledRow, Pending, pick
from postroom.patterns._trie import STEPS_MAX, Memory, TrieNode

GRID_MAX: Final = 2_048
"""Rows of one grid: each value that one of them wants may have so many conditions' bits."""

ONE_BY_ONE: Final = 16
"""Conditions of one kind at one path for which there is no index: rows that hold but for them are few, and are asked."""

_GARBAGE_MIN: Final = 64
_FEW_PATHS: Final = 48


class Grid:
    """
    Rows, each some bits, and an index for each path that they look at.

    Args:
        trie: Is walked beside events for the paths of the rows.
        used: Paths at which there is no need to look: the rows have been found by them.
    """

    __slots__ = (
        *(
            "_alike",
            "_asked_later",
            "_given",
            "_indexes",
            "_later",
            "_live",
            "_pairs",
            "_places",
            "_rows",
            "_trie",
            "_used",
            "_width",
        ),
    )

    def __init__(self, trie: TrieNode, used: AbstractSet[Path]) -> None:
        self._trie = trie
        self._used = used
        self._indexes: dict[Path, PathIndex] = {}
        # The same, to go through while somebody adds to it, as long as there are few.
        self._pairs: tuple[tuple[Path, PathIndex], ...] = ()
        self._alike: dict[Path, int] = {}
        self._rows: dict[int, FiledRow] = {}  # by the place of its guard
        self._places: dict[FiledRow, tuple[int, int]] = {}  # lowest bit, and guard
        self._asked_later = 0  # guards of the rows of which something is asked last
        self._later: dict[int, tuple[Check, ...]] = {}  # by guard, what is asked last
        self._width = 0
        self._given = 0  # bits of conditions that hold unless a value says otherwise
        self._live: tuple[int, int] = (0, 0)  # the lowest bits and the guards of the rows that count

    @property
    def count(self) -> int:
        """
        How many rows there are.
        """
        return len(self._places)

    @property
    def is_full(self) -> bool:
        """
        Whether a row more should go to another grid.
        """
        return self.count >= GRID_MAX

    @property
    def is_half_empty(self) -> bool:
        """
        Whether more than half of the bits are of rows that are gone.
        """
        gone = len(self._rows) - self.count
        return gone > _GARBAGE_MIN and gone > self.count

    def __contains__(self, row: FiledRow) -> bool:
        return row in self._places

    def __iter__(self) -> Iterator[FiledRow]:
        return iter(list(self._places))

    # Changing; one thread at a time.

    def add(self, row: FiledRow) -> None:
        """
        Adds a row.
        """
        at = start = self._width
        later: list[Check] = []
        for check in row.checks:
            if check.path in self._used:
                continue
            bit = 1 << at
            at += 1
            if check.may_be_absent or len(check.path.steps) > STEPS_MAX:
                self._given |= bit
            is_indexed = self._is_worth_an_index(check)
            if not is_indexed:
                later.append(check)
            if len(check.path.steps) <= STEPS_MAX:
                self._index(check.path).add(bit, check, is_indexed=is_indexed)
        self._width = at + 1
        self._rows[at] = row
        if later:
            self._later[at] = tuple(later)
            self._asked_later |= 1 << at
        self._places[row] = (1 << start, 1 << at)
        lows, guards = self._live
        self._live = (lows | 1 << start, guards | 1 << at)

    def _is_worth_an_index(self, check: Check) -> bool:
        """
        Whether to look up what satisfies it; if not, the rows that hold but for it are asked.
        """
        if check.keys is not None:
            return len(check.path.steps) <= STEPS_MAX
        kind = kind_of(check.wanted)
        if kind is None or len(check.path.steps) > STEPS_MAX:
            return False
        if kind is not Wildcard:
            return True
        self._alike[check.path] = self._alike.get(check.path, 0) + 1
        return self._alike[check.path] > ONE_BY_ONE

    def _index(self, path: Path) -> PathIndex:
        index = self._indexes.get(path)
        if index is None:
            index = PathIndex()
            self._trie.use(path)
            self._indexes[path] = index
            if len(self._indexes) <= _FEW_PATHS:
                self._pairs = (*self._pairs, (path, index))
        return index

    def remove(self, row: FiledRow) -> None:
        """
        Takes a row away, if it is here.
        """
        place = self._places.pop(row, None)
        if place is not None:
            lows, guards = self._live
            self._live = (lows & ~place[0], guards & ~place[1])

    def dissolve(self) -> None:
        """
        The grid is of no use any more: its paths need not be walked for it.
        """
        # The indexes stay as they are: somebody may still be matching with them.
        for path in self._indexes:
            self._trie.leave(path)

    # Matching.

    def match(self, event: Mapping[str, Any], memory: Memory, found: list[FiledRow], *, sure: bool) -> None:
        """
        Adds the rows that an event satisfies; `sure`: at the paths at which there is no need to look it does.
        """
        lows, guards = self._live
        satisfied = self._given
        several: list[tuple[PathIndex, Many]] = []
        indexes = self._indexes
        if len(indexes) <= _FEW_PATHS and len(indexes) < len(memory):
            present = [(index, memory[path]) for path, index in self._pairs if path in memory]
        else:
            present = [(index, value) for path, value in memory.items() if (index := indexes.get(path)) is not None]
        for index, value in present:
            if value.__class__ is str:
                if index.is_plain:
                    if index.assumed:
                        satisfied |= index.assumed
                    if value in index.exact:
                        satisfied |= index.exact[value]
                    continue
                seen = index.seen
                bits = seen.get(value)
                if bits is None:
                    bits = index.find(value, value, seen)
            elif value.__class__ is Many:
                if value.has_elements:
                    several.append((index, value))
                    continue
                bits = index.any_of(value)
            elif value is MISSING:
                continue
            else:
                key = (value.__class__, value)
                seen = index.seen
                bits = seen.get(key)
                if bits is None:
                    bits = index.find(key, value, seen)
            if index.absent:
                satisfied &= ~index.absent
            if bits:
                satisfied |= bits
        if several:
            matching, again, perhaps = _with_elements(satisfied, several, lows, guards)
            if perhaps:
                rows = [self._rows[at] for at in places(perhaps)]
                found += [row for row in rows if self._looks(row, again) and row.holds(event, memory)]
        else:
            matching, again = (satisfied + lows) & guards, 0
        if matching:
            self._collect(matching, again, event, memory, found, sure=sure)

    def _collect(
        self, matching: int, again: int, event: Mapping[str, Any], memory: Memory, found: list[FiledRow], *, sure: bool
    ) -> None:
        rows, later = self._rows, self._later
        pending: list[Pending] = []
        if sure and not again:
            found += [rows[at] for at in places(matching & ~self._asked_later)]
            matching &= self._asked_later
        for at in places(matching):
            row = rows[at]
            if not sure or (again and self._looks(row, again)):
                if row.holds(event, memory):
                    found.append(row)
            elif at in later:
                pending.append((later[at], row))
            else:
                found.append(row)
        if pending:
            pick(pending, event, memory, found)

    def _looks(self, row: FiledRow, bits: int) -> bool:
        low, guard = self._places.get(row, (0, 0))
        return not low or (bits & (guard - low)) != 0


def _with_elements(
    satisfied: int, several: list[tuple[PathIndex, Many]], lows: int, guards: int
) -> tuple[int, int, int]:
    """
    Which rows hold where values are in elements of arrays.

    Returns:
        The guards of those; the conditions whose rows have to look for themselves; the guards of the rows that may hold
        beside, if they have such a condition.
    """
    columns = [(index, many.column) for index, many in several if many.column is not None]
    if len(columns) < len(several) or len({array for _, (array, _) in columns}) > 1:
        # Which elements belong together is for each row to see.
        for index, many in several:
            satisfied |= index.any_of(many)
        return (satisfied + lows) & guards, _looking(several), 0
    # One array: each element is as if it were alone, and a row holds if it does for one of them.
    elements: dict[int, int] = {}
    absent = 0
    for index, (_, column) in columns:
        absent |= index.absent
        for key, places_of in column.items():
            bits = index.bits_of(value_of(key))
            if bits:
                for at in places(places_of):
                    elements[at] = elements.get(at, 0) | bits
    matching = ((satisfied & ~absent) + lows) & guards
    anywhere = satisfied
    for bits in elements.values():
        matching |= ((satisfied & ~absent | bits) + lows) & guards
        anywhere |= bits
    # Whether there is no value in the element that others chose: likewise.
    perhaps = (anywhere + lows) & guards & ~matching if absent else 0
    return matching, absent, perhaps


def _looking(several: list[tuple[PathIndex, Many]]) -> int:
    looking = 0
    for index, _ in several:
        looking |= index.looking
    return looking


def places(bits: int) -> list[int]:
    """
    Where the bits of a number are set.

    >>> places(1 << 100 | 0b1010)
    [1, 3, 100]
    """
    # In words of 64 bits: to take the bits of a long number one by one would copy it each time.
    found: list[int] = []
    size = (bits.bit_length() + 63) // 64
    words = memoryview(bits.to_bytes(size * 8, sys.byteorder)).cast("Q")
    for number, word in enumerate(words if sys.byteorder == "little" else reversed(words)):
        left: int = word
        while left:
            lowest = left & -left
            found.append(64 * number + lowest.bit_length() - 1)
            left ^= lowest
    return found
