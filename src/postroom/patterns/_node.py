"""
Where rows are kept: a few on a shelf, many in a grid, very many apart by one value that they want.

A node begins as a `Shelf`: its rows are filed by values, and the few that an event's values lead to are asked one by one.
When there are more it becomes a `_grid.Grid`, which asks them all at once; and when that is full, a `Split`: the rows that
want one value at a certain path go to a node for that value, and what wants none there stays in a node for the rest.

Nobody who matches takes a lock. A node's state is replaced whole when it becomes another, what is iterated is a tuple that is
replaced, and a row on its way in or out may be met or missed: `RuleSet` says which rows count.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from postroom.patterns._fetch import MISSING, Many, Path, key_of
from postroom.patterns._grid import Grid
from postroom.patterns._rows import Check, FiledRow, Pending, pick

if TYPE_CHECKING:
    from postroom.patterns._trie import Memory, TrieNode

SHELF_MAX: Final = 128
"""Rows that are filed, and asked one by one; more are asked at once."""

LOOSE_MAX: Final = 16
"""Rows on a shelf that no value leads to: each is asked about each event."""

_TABLES_MAX: Final = 16
_NEW_TABLE: Final = 1.4
_A_STEP_DOWN: Final = 0.1
_FIXED_BY: Final = 4
_TELLS_APART: Final = 8


class Shelf:
    """
    A few rows, filed by values that they want.

    Args:
        trie: Is walked beside events for the paths by whose values rows are filed.
        used: Paths at which there is no need to look: the rows have been found by them.
    """

    __slots__ = ("_places", "_trie", "_used", "loose", "tables")

    def __init__(self, trie: TrieNode, used: frozenset[Path]) -> None:
        self._trie = trie
        self._used = used
        self._places: dict[FiledRow, tuple[Path | None, Pending]] = {}
        self.tables: tuple[tuple[Path, dict[Any, tuple[Pending, ...]]], ...] = ()
        """By path, by value, as `key_of` has it."""
        self.loose: tuple[Pending, ...] = ()
        """Rows that want no value that can be listed: each is asked."""

    def __len__(self) -> int:
        return len(self._places)

    def rows(self) -> list[FiledRow]:
        """
        What is on it.
        """
        return list(self._places)

    def add(self, row: FiledRow) -> None:
        """
        Adds a row.
        """
        check = self._choose(row)
        if check is None:
            pending: Pending = (tuple(one for one in row.checks if one.path not in self._used), row)
            self._places[row] = (None, pending)
            self.loose = (*self.loose, pending)
            return
        path = check.path
        pending = (tuple(one for one in row.checks if one.path is not path and one.path not in self._used), row)
        self._places[row] = (path, pending)
        table = self._table(path)
        if table is None:
            table = {}
            self._trie.use(path)
            self.tables = (*self.tables, (path, table))
        for key in check.keys or ():
            table[key] = (*table.get(key, ()), pending)

    def _table(self, path: Path) -> dict[Any, tuple[Pending, ...]] | None:
        return next((table for one, table in self.tables if one is path), None)

    def _choose(self, row: FiledRow) -> Check | None:
        """
        By which condition to file it: by one that lets few rows through.
        """
        best: Check | None = None
        least = float(SHELF_MAX)
        for check in row.checks:
            if check.can_be_filed and check.path not in self._used:
                cost = self._cost(check)
                if cost < least:
                    best, least = check, cost
        return best

    def _cost(self, check: Check) -> float:
        """
        How many rows an event is likely to have asked for it, if it has any value of the table as soon as another.
        """
        table = self._table(check.path)
        if table is None:
            return _NEW_TABLE + _A_STEP_DOWN * len(check.path.steps) if len(self.tables) < _TABLES_MAX else SHELF_MAX
        keys = check.keys or ()
        rows = sum(1 + len(table.get(key, ())) for key in keys)
        return rows / (len(table) + sum(key not in table for key in keys))

    def remove(self, row: FiledRow) -> None:
        """
        Takes a row away, if it is here.
        """
        path, pending = self._places.pop(row, (None, ((), row)))
        if path is None:
            self.loose = tuple(one for one in self.loose if one is not pending)
            return
        table = self._table(path)
        if table is None:
            return
        for key, bucket in list(table.items()):
            left = tuple(one for one in bucket if one is not pending)
            if left:
                table[key] = left
            else:
                del table[key]
        if not table:
            self.tables = tuple(one for one in self.tables if one[0] is not path)
            self._trie.leave(path)

    def dissolve(self) -> None:
        """
        The shelf is of no use any more: its paths need not be walked for it.
        """
        for path, _ in self.tables:
            self._trie.leave(path)

    def match(self, event: Mapping[str, Any], memory: Memory, found: list[FiledRow], *, sure: bool) -> None:
        """
        Adds the rows that an event satisfies; `sure`: at the paths at which there is no need to look it does.
        """
        pending = self.loose
        again: tuple[Pending, ...] = ()
        for path, table in self.tables:
            value = memory.get(path, MISSING)
            if value.__class__ is str:
                pending += table.get(value, ())
            elif value.__class__ is Many:
                buckets = [table.get(key, ()) for key in {key_of(each) for each in value.values()}]
                if value.has_elements:
                    again = sum(buckets, again)
                else:
                    pending = sum(buckets, pending)
            elif value is not MISSING:
                pending += table.get(key_of(value), ())
        if not sure:
            again += pending
        elif pending:
            pick(pending, event, memory, found)
        if again:
            found += [row for _, row in again if row.holds(event, memory)]


class Split:
    """
    Very many rows, apart by one value that they want at one of a few paths.
    """

    __slots__ = ("_trie", "rest", "tables")

    def __init__(self, trie: TrieNode, rest: Node, paths: list[Path]) -> None:
        self._trie = trie
        self.rest: Node = rest
        self.tables: tuple[tuple[Path, dict[Any, Node]], ...] = tuple((path, {}) for path in paths)
        for path in paths:
            trie.use(path)

    def dissolve(self) -> None:
        """
        The split is of no use any more: its paths need not be walked for it.
        """
        for path, _ in self.tables:
            self._trie.leave(path)


State: TypeAlias = "Shelf | tuple[Grid, ...] | Split"


class Node:
    """
    Rows. A change that Ctrl-C cuts short leaves at worst a row here that counts no more: each is safe to be made again.

    Args:
        trie: Of all paths that rows are found by.
        used: Paths at which there is no need to look: the rows have been found by them.
        above: The node whose split this is in.
    """

    __slots__ = ("_above", "_used", "state", "trie")

    def __init__(self, trie: TrieNode, used: frozenset[Path] = frozenset(), above: Node | None = None) -> None:
        self.trie: TrieNode = trie
        self._used = used
        self._above = above
        self.state: State = Shelf(trie, used)

    def file(self, row: FiledRow) -> None:
        """
        Adds a row.
        """
        state = self.state
        if isinstance(state, Split):
            for node in self._nodes(state, row):
                node.file(row)
            return
        row.homes.append(self)
        if isinstance(state, Shelf):
            if len(state) < SHELF_MAX and len(state.loose) < LOOSE_MAX:
                state.add(row)
            else:
                self._make_grid([*state.rows(), row])
                state.dissolve()
        elif not state[-1].is_full:
            state[-1].add(row)
        elif not self._split([*(one for grid in state for one in grid), row]):
            grid = Grid(self.trie, self._used)
            grid.add(row)
            self.state = (*state, grid)
        else:
            for grid in state:
                grid.dissolve()

    def _make_grid(self, rows: list[FiledRow]) -> None:
        grid = Grid(self.trie, self._used)
        for row in rows:
            grid.add(row)
        self.state = (grid,)

    def _nodes(self, split: Split, row: FiledRow) -> list[Node]:
        """
        Where in a split a row belongs.
        """
        for path, table in split.tables:
            check = next((one for one in row.checks if one.path is path and one.can_be_filed), None)
            if check is None:
                continue
            nodes: list[Node] = []
            for key in check.keys or ():
                node = table.get(key)
                if node is None:
                    node = table[key] = Node(self.trie, self._used | {path}, self)
                nodes.append(node)
            return nodes
        return [split.rest]

    def _split(self, rows: list[FiledRow]) -> bool:
        paths = self._tell_apart(rows)
        if not paths:
            return False
        split = Split(self.trie, Node(self.trie, self._used, self), paths)
        for row in rows:
            for node in self._nodes(split, row):
                node.file(row)
        self.state = split
        for row in rows:
            row.homes.remove(self)
        return True

    def _tell_apart(self, rows: list[FiledRow]) -> list[Path]:
        """
        Up to two paths at which many rows want one value each, and not the same.
        """
        values: dict[Path, dict[Any, int]] = {}
        for row in rows:
            for check in row.checks:
                if check.can_be_filed and check.path not in self._used:
                    counts = values.setdefault(check.path, {})
                    for key in check.keys or ():
                        counts[key] = counts.get(key, 0) + 1
        good: list[tuple[int, Path]] = []
        for path, counts in values.items():
            fixed = sum(counts.values())
            if fixed * _FIXED_BY >= len(rows) and max(counts.values()) * _TELLS_APART <= fixed:
                good.append((fixed, path))
        return [path for _, path in sorted(good, key=lambda one: -one[0])[:2]]

    @property
    def is_empty(self) -> bool:
        """
        Whether there is no row here.
        """
        state = self.state
        if isinstance(state, Split):
            return state.rest.is_empty and not any(table for _, table in state.tables)
        return not len(state) if isinstance(state, Shelf) else not any(grid.count for grid in state)

    def take_out(self, row: FiledRow) -> None:
        """
        Takes a row away, if it is here, and what is then empty.
        """
        state = self.state
        if isinstance(state, Shelf):
            state.remove(row)
        elif isinstance(state, tuple):
            for grid in state:
                if row in grid:
                    self._take_from(state, grid, row)
        node: Node | None = self
        while node is not None and node.is_empty:
            node._become_a_shelf()
            above = node._above
            if above is not None and isinstance(above.state, Split):
                for _, table in above.state.tables:
                    for key in [key for key, one in table.items() if one is node]:
                        del table[key]
            node = above

    def _become_a_shelf(self) -> None:
        state = self.state
        if isinstance(state, Shelf):
            return
        self.state = Shelf(self.trie, self._used)
        for one in state if isinstance(state, tuple) else (state,):
            one.dissolve()

    def _take_from(self, grids: tuple[Grid, ...], grid: Grid, row: FiledRow) -> None:
        grid.remove(row)
        if grid.count and not grid.is_half_empty:
            return
        kept = tuple(one for one in grids if one is not grid)
        if grid.count:
            fresh = Grid(self.trie, self._used)
            for one in grid:
                fresh.add(one)
            kept = (*kept, fresh)
        if kept:
            self.state = kept
            grid.dissolve()


def search(root: Node, event: dict[str, Any]) -> list[FiledRow]:
    """
    The rows that an event satisfies, perhaps one of them more than once.

    Raises:
        InvalidInput: A value at a path that is looked at is nothing that JSON has.
        EventTooComplex: Arrays in arrays leave too many combinations to be tried, or the event is nested too deep.
    """
    while True:
        version = root.trie.version
        memory: Memory = {}
        root.trie.walk(event, event, memory)
        found: list[FiledRow] = []
        state = root.state
        if isinstance(state, Shelf):
            state.match(event, memory, found, sure=True)
        else:
            _search(state, event, memory, found)
        # If a path has come or gone meanwhile, rows may have been asked about what was not fetched.
        if root.trie.version == version:
            return found


def _search(state: State, event: dict[str, Any], memory: Memory, found: list[FiledRow]) -> None:
    states: list[tuple[State, bool]] = [(state, True)]
    while states:
        state, sure = states.pop()
        if isinstance(state, Shelf):
            state.match(event, memory, found, sure=sure)
        elif isinstance(state, tuple):
            for grid in state:
                grid.match(event, memory, found, sure=sure)
        else:
            states.append((state.rest.state, sure))
            for path, table in state.tables:
                value = memory.get(path, MISSING)
                if value.__class__ is Many:
                    nodes = [table.get(key) for key in {key_of(each) for each in value.values()}]
                    states += [(node.state, sure and not value.has_elements) for node in nodes if node is not None]
                elif value is not MISSING:
                    node = table.get(value if value.__class__ is str else key_of(value))
                    if node is not None:
                        states.append((node.state, sure))
