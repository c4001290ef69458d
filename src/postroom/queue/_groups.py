"""
The message groups of a FIFO queue: which may be received from, and in which order (SQS 3.1).

A group is a chain of its messages in the order sent. Its *head* is the oldest that is left. If the head is available the
group is *ready*, and the heads of the ready groups stand in one line: a heap by the moment at which each became available.
A locked group is in no line, so a receive never meets one, however many there are.

What is in the line may be stale, and is checked when it comes up: it counts if it is the head of its group, is available, and
has not become available anew since it was put there. So nothing is flagged that Ctrl-C could leave wrong: whatever is about to
become the available head of its group is put in the line first, and only then changes.

Only the oldest 120,000 messages are in chains. Those behind them follow as others go: until then no receive looks at them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from heapq import heapify, heappop, heappush
from typing import ClassVar

from postroom.queue._entry import Entry, Stored


class FifoEntry(Entry):
    """
    A live message of a FIFO queue, and its place in its group.

    Args:
        number: Of the message.
        stored: What never changes of it.
        receive_count: Receives in all queues it went through.
        first_received_at: When the first of them was.
        since: When it becomes available.
    """

    __slots__ = ("after", "before", "group", "since")

    def __init__(
        self, number: int, stored: Stored, receive_count: int, first_received_at: int | None, since: int
    ) -> None:
        super().__init__(number, stored, receive_count, first_received_at)
        self.since: int = since
        """When it last became available; of a hidden one, when it will."""
        self.group: Group | None = None
        """None before it is in its chain, and afterwards."""
        self.before: FifoEntry | None = None
        self.after: FifoEntry | None = None


class Group:
    """
    The messages of one group, as a chain.
    """

    __slots__ = ("first", "last", "name")

    def __init__(self, name: str) -> None:
        self.name: str = name
        self.first: FifoEntry | None = None
        self.last: FifoEntry | None = None


class Groups:
    """
    The groups of a queue. What it does to one message costs O(log n) in the number of groups, or less.

    Args:
        live: The messages of the queue, by number.
        hidden: Those that are in flight, delayed or moving.
        scan_max: So many messages, the oldest, are in chains.
    """

    __slots__ = ("_beyond", "_hidden", "_line", "_live", "_named", "_scan_max", "in_flight", "ready")
    _floor: ClassVar = 64
    """So many stale entries the line may hold in any case."""

    def __init__(self, live: Mapping[int, Entry], hidden: Mapping[int, int | None], scan_max: int) -> None:
        self._live = live
        self._hidden = hidden
        self._scan_max = scan_max
        self._named: dict[str, Group] = {}
        self._line: list[tuple[int, int, FifoEntry]] = []
        """By the moment; of one moment by position, which is the number, or a larger one for what was sent to the back."""
        self._beyond: deque[FifoEntry] = deque()
        self.ready: set[Group] = set()
        """The groups that a receive would find; more of them after Ctrl-C, until one has looked in vain."""
        self.in_flight: dict[Group, set[int]] = {}
        """What is in flight, or moving, of the groups that have such."""

    def __len__(self) -> int:
        return len(self._named)

    @property
    def has_beyond(self) -> bool:
        """
        Whether there are messages that no receive looks at yet.
        """
        return bool(self._beyond)

    # The chains. What Ctrl-C left in one without being live is taken out where somebody comes across it.

    def add(self, entry: FifoEntry) -> None:
        """
        A message is about to be there, as the last of its group.
        """
        if self._beyond or len(self._live) >= self._scan_max:
            self._beyond.append(entry)
        else:
            self._append(entry)

    def _append(self, entry: FifoEntry) -> None:
        name = entry.stored.message_group_id or ""
        group = self._named.get(name)
        if group is None:
            group = self._named[name] = Group(name)
        is_head = self._head(group) is None
        last = group.last
        # Each of these is one statement, so that no chain is ever half a chain.
        if is_head or last is None:
            if entry.number not in self._hidden:
                self._line_up(entry, group)
            group.first, group.last, entry.group = entry, entry, group
        else:
            entry.before, last.after, group.last, entry.group = last, entry, entry, group

    def _head(self, group: Group) -> FifoEntry | None:
        first = group.first
        while first is not None and first.number not in self._live:
            self._unlink(first)
            first = group.first
        return first

    def following(self, entry: FifoEntry) -> FifoEntry | None:
        """
        The next message of the group.
        """
        after = entry.after
        while after is not None and after.number not in self._live:
            self._unlink(after)
            after = entry.after
        return after

    def _unlink(self, entry: FifoEntry) -> None:
        group, before, after = entry.group, entry.before, entry.after
        if group is None:
            return
        if before is not None and after is not None:
            before.after, after.before, entry.group = after, before, None
        elif after is not None:
            group.first, after.before, entry.group = after, None, None
        elif before is not None:
            group.last, before.after, entry.group = before, None, None
        else:
            group.first = group.last = entry.group = None
        entry.before = entry.after = None

    def leave(self, entry: FifoEntry) -> None:
        """
        A message is about to be gone: who comes next is put in line.
        """
        group = entry.group
        if group is not None:
            if self._head(group) is entry:
                after = self.following(entry)
                if after is not None and after.number not in self._hidden:
                    self._line_up(after, group)
            self._land(entry, group)

    def left(self, entry: FifoEntry) -> None:
        """
        It is gone.
        """
        group = entry.group
        if group is not None:
            self._unlink(entry)
            head = self._head(group)
            if head is None:
                self._named.pop(group.name, None)
            if head is None or head.number in self._hidden:
                self.ready.discard(group)
        beyond = self._beyond
        while beyond and len(self._live) - len(beyond) < self._scan_max:
            if beyond[0].group is None and beyond[0].number in self._live:
                self._append(beyond[0])
            beyond.popleft()
        if len(self._line) > 2 * len(self.ready) + self._floor:
            self._forget_stale()

    # The line.

    def _line_up(self, entry: FifoEntry, group: Group) -> None:
        # Before it is put there: it is not yet what it is about to be.
        if len(self._line) > 2 * len(self.ready) + self._floor:
            self._forget_stale()
        heappush(self._line, (entry.since, entry.position, entry))
        self.ready.add(group)

    def _counts(self, place: tuple[int, int, FifoEntry]) -> bool:
        since, position, entry = place
        group = entry.group
        return (
            group is not None
            and entry.since == since
            and entry.position == position
            and entry.number not in self._hidden
            and self._head(group) is entry
        )

    def _forget_stale(self) -> None:
        # Each once: Ctrl-C may have made somebody put the same there twice.
        self._line = list({place[2].number: place for place in self._line if self._counts(place)}.values())
        heapify(self._line)

    def first(self) -> FifoEntry | None:
        """
        The head that is first in line.
        """
        line = self._line
        while line:
            if self._counts(line[0]):
                return line[0][2]
            heappop(line)
        self.ready.clear()
        return None

    def lock(self, head: FifoEntry) -> None:
        """
        The head that was first in line is hidden now.
        """
        heappop(self._line)
        if head.group is not None:
            self.ready.discard(head.group)

    def hid(self, entry: FifoEntry) -> None:
        """
        A message is hidden now that may have been available, whether or not it was first in line.
        """
        group = entry.group
        if group is not None and self._head(group) is entry:
            self.ready.discard(group)

    def show(self, entry: FifoEntry) -> None:
        """
        A hidden message is about to be available.
        """
        group = entry.group
        if group is not None:
            if self._head(group) is entry:
                self._line_up(entry, group)
            self._land(entry, group)

    def fly(self, entry: FifoEntry) -> None:
        """
        An available message is about to be in flight, or moving.
        """
        group = entry.group
        if group is not None:
            numbers = self.in_flight.get(group)
            if numbers is None:
                self.in_flight[group] = {entry.number}
            else:
                numbers.add(entry.number)

    def _land(self, entry: FifoEntry, group: Group) -> None:
        numbers = self.in_flight.get(group)
        if numbers is not None:
            numbers.discard(entry.number)
            if not numbers:
                self.in_flight.pop(group, None)

    # Looking. O(n).

    def chains(self) -> Iterator[list[FifoEntry]]:
        """
        The messages of each group that is ready, in order; the groups in no order.
        """
        for group in list(self.ready):
            entry = self._head(group)
            chain: list[FifoEntry] = []
            while entry is not None:
                chain.append(entry)
                entry = self.following(entry)
            if chain:
                yield chain

    def blocker(self, entry: FifoEntry) -> FifoEntry | None:
        """
        The first hidden message in front of another in its group; None: there is none.
        """
        group = entry.group or self._named.get(entry.stored.message_group_id or "")
        one = None if group is None else self._head(group)
        while one is not None and one is not entry:
            if one.number in self._hidden:
                return one
            one = self.following(one)
        return None

    def is_beyond(self, entry: FifoEntry) -> bool:
        """
        Whether so many are in front of a message that no receive looks at it yet.
        """
        return entry.group is None

    def check(self) -> None:
        """
        Asserts what must hold after each operation.
        """
        line = {(since, position, entry.number) for since, position, entry in self._line}
        assert len(self._line) <= 2 * len(self.ready) + self._floor + 1, "the line is mostly stale"
        found: list[int] = []
        for name, group in self._named.items():
            assert group.first is not None, f"group {name} is empty"
            assert group.first.before is None, f"group {name} has something in front of its head"
            head, entry, numbers = group.first, group.last, list[int]()
            while entry is not None:
                assert entry.group is group, f"message {entry.number} is in a wrong group"
                assert entry.before is None or entry.before.after is entry, f"the chain of group {name} is broken"
                numbers.append(entry.number)
                entry = entry.before
            assert numbers == sorted(numbers, reverse=True), f"group {name} is out of order"
            assert numbers[-1] == head.number, f"the chain of group {name} is broken"
            found += numbers
            is_ready = head.number not in self._hidden
            assert (group in self.ready) == is_ready, f"group {name} is wrongly said to be ready, or not to be"
            if is_ready:
                assert (head.since, head.position, head.number) in line, f"group {name} is not in line"
        assert self.ready <= set(self._named.values()), "a group is ready that does not exist"
        found += [entry.number for entry in self._beyond]
        assert sorted(found) == sorted(self._live), "a message is in no chain, or in two"
        self._check_in_flight()

    def _check_in_flight(self) -> None:
        for group, numbers in self.in_flight.items():
            assert numbers, f"group {group.name} is said to have messages in flight and has none"
            assert numbers <= self._hidden.keys(), f"of group {group.name} what is not hidden is said to be in flight"
            assert self._named.get(group.name) is group, "a group has messages in flight and does not exist"
