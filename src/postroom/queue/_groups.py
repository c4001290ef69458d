"""
The message groups of a FIFO queue: which may be received from, and in which order (SQS 3.1).

A group is its messages in the order sent. Its *head* is the oldest that is left. If the head is available, the group is in
line; groups stand in line by the moment at which their heads last became available. Nothing here is ever searched: a group
that is locked, however long, costs nothing to those behind it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from postroom.queue._entry import Entry

_FLOOR: Final = 64
"""So many messages that are gone a group may hold in any case."""


class Group:
    """
    The messages of one group.
    """

    __slots__ = ("entries", "gone", "place")

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        """Oldest first; some may be gone."""
        self.gone = 0
        """How many."""
        self.place: tuple[int, int] | None = None
        """Where it stands in line: since when, and the number of its head; None: it does not."""


class Groups:
    """
    The groups of a queue.

    Args:
        live: The messages of the queue, by number.
        hidden: Those that are in flight, delayed or moving.
    """

    __slots__ = ("_groups", "_hidden", "_line", "_live", "ready")

    def __init__(self, live: Mapping[int, Entry], hidden: Mapping[int, int | None]) -> None:
        self._live = live
        self._hidden = hidden
        self._groups: dict[str, Group] = {}
        self._line: list[tuple[int, int, str]] = []
        self.ready: set[str] = set()
        """The groups in line."""

    def __len__(self) -> int:
        return len(self._groups)

    def add(self, name: str, entry: Entry, *, is_hidden: bool) -> None:
        """
        A message is about to be there, as the last of its group. O(log n) in the number of groups.
        """
        group = self._groups.get(name)
        if group is None:
            group = Group()
            group.entries.append(entry)
            if not is_hidden:
                group.place = (entry.position, entry.number)
                heappush(self._line, (entry.position, entry.number, name))
                self.ready.add(name)
            self._groups[name] = group
            return
        group.entries.append(entry)
        if len(group.entries) == 1 or group.place is None:
            self._put_in_line(name, group, arriving=entry, shown=None if is_hidden else entry)

    def leave(self, name: str, entry: Entry) -> None:
        """
        A message is about to be gone. O(log n), amortised.
        """
        group = self._groups.get(name)
        if group is None:
            return
        group.gone += 1
        if 2 * group.gone > len(group.entries) + _FLOOR:
            group.entries = deque(one for one in group.entries if one.number in self._live)
            group.gone = 1
        self._put_in_line(name, group, leaving=entry)

    def show(self, name: str, entry: Entry) -> None:
        """
        A hidden message is about to be available, since the moment of its position. O(log n).
        """
        group = self._groups.get(name)
        if group is not None:
            self._put_in_line(name, group, shown=entry)

    def settle(self, name: str) -> None:
        """
        Puts a group where it belongs after its messages were taken. O(log n).
        """
        group = self._groups.get(name)
        if group is not None:
            self._put_in_line(name, group)

    def _put_in_line(
        self,
        name: str,
        group: Group,
        *,
        arriving: Entry | None = None,
        leaving: Entry | None = None,
        shown: Entry | None = None,
    ) -> None:
        head = self._head(group, arriving, leaving)
        if head is None:
            group.place = None
            self.ready.discard(name)
            del self._groups[name]
        elif head is not shown and (head is arriving or head.number in self._hidden):
            group.place = None
            self.ready.discard(name)
        elif group.place != (head.position, head.number):
            heappush(self._line, (head.position, head.number, name))
            group.place = (head.position, head.number)
            self.ready.add(name)
            if len(self._line) > 2 * len(self.ready) + _FLOOR:
                self._forget_stale()

    def _head(self, group: Group, arriving: Entry | None, leaving: Entry | None) -> Entry | None:
        entries, live = group.entries, self._live
        while entries and entries[0].number not in live and entries[0] is not arriving:
            entries.popleft()
            group.gone -= 1
        if not entries or entries[0] is not leaving:
            return entries[0] if entries else None
        return next((one for one in entries if one is not leaving and (one.number in live or one is arriving)), None)

    def _forget_stale(self) -> None:
        fresh = [
            (since, number, name)
            for since, number, name in self._line
            if name in self._groups and self._groups[name].place == (since, number)
        ]
        fresh.sort()
        self._line = fresh

    def take_first(self) -> str | None:
        """
        The group that is first in line, and is no longer in it: `settle` puts it back. O(log n).
        """
        while self._line:
            since, number, name = self._line[0]
            group = self._groups.get(name)
            heappop(self._line)
            if group is not None and group.place == (since, number):
                group.place = None
                return name
        return None

    def available(self, name: str) -> Iterator[Entry]:
        """
        The messages that are left of a group, from the oldest to the first that is hidden: the eligible prefix.
        """
        group = self._groups.get(name)
        for entry in () if group is None else group.entries:
            if entry.number in self._live:
                if entry.number in self._hidden:
                    return
                yield entry

    def before(self, name: str, entry: Entry) -> Entry | None:
        """
        The hidden message that a message has to wait for; None: it waits for none. O(n).
        """
        group = self._groups.get(name)
        for one in () if group is None else group.entries:
            if one is entry:
                return None
            if one.number in self._live and one.number in self._hidden:
                return one
        return None

    def in_line(self) -> list[str]:
        """
        The groups in line, in order. O(n log n).
        """
        places = ((self._groups[name].place or (0, 0), name) for name in self.ready)
        return [name for _, name in sorted(places)]

    def clear(self) -> None:
        """
        Forgets all of them.
        """
        self._groups.clear()
        self._line.clear()
        self.ready.clear()

    def check(self) -> None:
        """
        Asserts what must hold after each operation, in time that grows with the number of messages.
        """
        line = set(self._line)
        for name, group in self._groups.items():
            left = [entry for entry in group.entries if entry.number in self._live]
            assert left, f"group {name} is empty"
            assert [one.number for one in left] == sorted(one.number for one in left), f"group {name} is out of order"
            is_ready = left[0].number not in self._hidden
            assert (name in self.ready) == is_ready, f"group {name} is wrongly in line, or not in it"
            assert (group.place is not None) == is_ready, f"group {name} does not know its place"
            if group.place is not None:
                assert (*group.place, name) in line, f"group {name} is not in line"
                assert group.place == (left[0].position, left[0].number), f"group {name} stands at a wrong place"
        assert self.ready <= self._groups.keys(), "a group is in line that does not exist"
