"""
What a fair queue keeps of a tenant: what is there of it, and how long its messages were in flight of late.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Final, TypeVar

from postroom.limits import QUIET_AFTER_US, SECOND_US

SLICE_US: Final = 10 * SECOND_US
"""The grain of the time that tenants are compared by. Ours."""

SLICES: Final = 30
"""How many whole slices that is, besides the one that runs: 5 minutes. Ours, AWS says "recent"."""

FORGOTTEN_AFTER_US: Final = (SLICES + 1) * SLICE_US
"""So long after its last message is gone, nothing is left to remember of a tenant."""

Place = tuple[int, int, str]
"""Rank, position, and whose it is."""

T = TypeVar("T", tuple[int, int], Place)


def ascending(heap: list[T]) -> Iterator[T]:
    """
    The entries of a heap in order, which stays as it is. O(log k) for the k-th.
    """
    found = [(heap[0], 0)] if heap else []
    while found:
        entry, at = heappop(found)
        yield entry
        for child in (2 * at + 1, 2 * at + 2):
            if child < len(heap):
                heappush(found, (heap[child], child))


def take_out(heap: list[T], entry: T) -> None:
    """
    Takes an entry near the front out of a heap, if it is there. O(k + log n) for the k-th.

    What is below it moves up, and the last into the gap at the end. Each step leaves a heap that lacks nothing, but may have
    an entry twice: so Ctrl-C does no harm.
    """
    found = [0]
    while found:
        at = found.pop()
        if at < len(heap) and heap[at] <= entry:
            if heap[at] == entry:
                break
            found += (2 * at + 1, 2 * at + 2)
    else:
        return
    while (child := 2 * at + 1) < len(heap):
        if child + 1 < len(heap) and heap[child + 1] < heap[child]:
            child += 1
        heap[at] = heap[child]
        at = child
    last = heap[-1]
    while at and last < heap[(at - 1) // 2]:
        heap[at] = heap[(at - 1) // 2]
        at = (at - 1) // 2
    heap[at] = last
    heap.pop()


class Tally:
    """
    How long messages were in flight of late, all their times added up. O(1), whatever the time between two calls.

    Args:
        now: When it begins.
    """

    __slots__ = ("_since", "_slices", "_total")

    def __init__(self, now: int) -> None:
        self._since = now
        self._total = 0
        self._slices: deque[tuple[int, int]] = deque()
        """Slices in which there was something: which, and the total before it."""

    def advance(self, now: int, count: int) -> int:
        """
        Adds the time since the last call, in which `count` messages were in flight.

        Returns:
            The microseconds of late.
        """
        slices, first = self._slices, now // SLICE_US - SLICES
        if count:
            at = max(self._since, first * SLICE_US)
            while at < now:
                which = at // SLICE_US
                end = min(now, (which + 1) * SLICE_US)
                if not slices or slices[-1][0] != which:
                    slices.append((which, self._total))
                self._total += count * (end - at)
                at = self._since = end
        self._since = max(self._since, now)
        while slices and slices[0][0] < first:
            slices.popleft()
        return self._total - slices[0][1] if slices else 0


class Tenant:
    """
    The messages of one group id.
    """

    __slots__ = (
        "has_pause",
        "idle_since",
        "in_flight",
        "is_idle",
        "line",
        "name",
        "place",
        "sent_at",
        "time",
        "waiting",
    )

    def __init__(self, name: str, now: int) -> None:
        self.name = name
        self.waiting: set[int] = set()
        """Numbers of its messages that are available or delayed: its backlog."""
        self.in_flight: set[int] = set()
        self.time = Tally(now)
        self.sent_at = now - QUIET_AFTER_US
        """When it last sent something."""
        self.line: list[tuple[int, int]] = []
        """A heap of its available messages, by position; entries may be stale."""
        self.place: Place | None = None
        """Its first entry in the line of tenants."""
        self.has_pause = False
        """It is among those that will be quiet one day."""
        self.is_idle = False
        """It is among those that will be forgotten one day."""
        self.idle_since = now
