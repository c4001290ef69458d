"""
The core of a delivery stream: what becomes of records at an instant, and nothing else.

No lock, no clock, nothing written, nobody called: every method takes `now`. Records gather in one *open* object. It is
closed when it is large enough or its interval is over, whichever is first (DEL A2), and then waits, with the key it will
have, to be written. Objects are written one at a time and in order, so one that cannot be written holds up those behind
it. Whoever writes says how it went; a write that failed is due again by the schedule of retries, and an object that is
given up is kept aside. A record leaves when the object it is in was written, never otherwise.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from postroom.limits import FATES_KEPT_MAX

if TYPE_CHECKING:
    import random

    from postroom.delivery import RetrySchedule


class Record(NamedTuple):
    """
    One record in the buffer.
    """

    record_id: str
    data: bytes
    arrived_at: int
    """Microseconds since the epoch; of a record of a stream, when it arrived there."""


class Object:
    """
    What will be one object in the store, or is.
    """

    __slots__ = ("attempts", "begun_at", "closed_at", "error", "key", "number", "oldest", "records", "retry_at", "size")

    def __init__(self, number: int, begun_at: int) -> None:
        self.number = number
        self.begun_at = begun_at
        """When the first record came into it; its interval counts from here."""
        self.records: list[Record] = []
        self.size = 0
        """Bytes, delimiters included, before compression."""
        self.oldest = 0
        """When the oldest of its records arrived."""
        self.key = ""
        """Given when it is closed."""
        self.closed_at: int | None = None
        """When it was closed, which this alone decides; None: it is open."""
        self.attempts = 0
        """To write it, that failed."""
        self.retry_at: int | None = None
        """When the next attempt is due; None: at once."""
        self.error: Exception | None = None
        """Of the last attempt."""

    def add(self, record: Record, size: int) -> None:
        """
        Puts a record at its end.
        """
        if not self.records or record.arrived_at < self.oldest:
            self.oldest = record.arrived_at
        self.records.append(record)
        self.size += size


class Buffer:
    """
    The state of a delivery stream.

    Args:
        size: Bytes at which an object is closed.
        interval: Microseconds after its first record at which it is closed.
        delimiter: What follows each record.
        name: Makes the key of an object whose oldest record arrived at an instant.
        retries: When an object that could not be written is tried again.
        rng: For the schedule of retries.
    """

    __slots__ = (
        "_counter",
        "_delimiter",
        "_interval",
        "_name",
        "_retries",
        "_rng",
        "_size",
        "counts",
        "fates",
        "undelivered",
        "waiting",
    )

    def __init__(
        self,
        *,
        size: int,
        interval: int,
        delimiter: bytes,
        name: Callable[[int], str],
        retries: RetrySchedule,
        rng: random.Random,
    ) -> None:
        self._size = size
        self._interval = interval
        self._delimiter = delimiter
        self._name = name
        self._retries = retries
        self._rng = rng
        self._counter = 0
        self.waiting: deque[Object] = deque()
        """Objects in the order in which they are written; the last may be open."""
        self.undelivered: deque[Object] = deque()
        """Objects that were given up: nobody tries to write them until somebody asks."""
        self.counts = {"objects": 0, "records": 0, "bytes": 0, "failed_writes": 0}
        """What was written, and attempts that failed."""
        self.fates: OrderedDict[str, tuple[int, str]] = OrderedDict()
        """Of the last records that were written: when, and into which object."""

    @property
    def open(self) -> Object | None:
        """
        What records come into; None while there is none.
        """
        return self.waiting[-1] if self.waiting and self.waiting[-1].closed_at is None else None

    @property
    def due_at(self) -> int | None:
        """
        When the open object's interval is over; None while there is none.
        """
        one = self.open
        return None if one is None else one.begun_at + self._interval

    def settle(self, now: int) -> bool:
        """
        Closes the open object if its interval is over: at the very instant it is.

        Returns:
            Whether it did.
        """
        due = self.due_at
        if due is None or now < due:
            return False
        self.close_object(now)
        return True

    def put(self, now: int, records: Iterable[Record]) -> bool:
        """
        Takes records, all at one instant. O(1) a record.

        An object is closed by the record with which it is large enough, so it may be larger by less than one record.

        Returns:
            Whether an object was closed on the way.
        """
        closed = self.settle(now)
        extra, one = len(self._delimiter), self.open
        for record in records:
            if one is None:
                self._counter += 1
                one = Object(self._counter, now)
                one.add(record, len(record.data) + extra)
                self.waiting.append(one)
            else:
                one.add(record, len(record.data) + extra)
            if one.size >= self._size:
                self.close_object(now)
                one, closed = None, True
        return closed

    def close_object(self, now: int) -> None:
        """
        Closes the open object, whatever it holds; nothing is made of an empty interval (DEL A2).
        """
        one = self.open
        if one is None:
            return
        one.key = self._name(one.oldest)
        one.closed_at = now

    def next_write(self, now: int) -> Object | None:
        """
        The object to be written now, which stays where it is until somebody says how it went.
        """
        if not self.waiting:
            return None
        head = self.waiting[0]
        if head.closed_at is None:
            return None
        return head if head.retry_at is None or head.retry_at <= now else None

    def written(self, now: int, one: Object, stored_bytes: int) -> None:
        """
        The object is in the store.
        """
        if not self.is_next(one):
            return  # a fork came in between
        self.waiting.popleft()
        self.counts["objects"] += 1
        self.counts["records"] += len(one.records)
        self.counts["bytes"] += stored_bytes
        for record in one.records[-FATES_KEPT_MAX:]:
            self.fates[record.record_id] = (now, one.key)
        while len(self.fates) > FATES_KEPT_MAX:
            self.fates.popitem(last=False)

    def failed(self, now: int, one: Object, error: Exception) -> bool:
        """
        The object could not be written.

        Returns:
            Whether it will be tried again; if not, it is among the undelivered, and the next has its turn.
        """
        if not self.is_next(one):
            return False
        self.counts["failed_writes"] += 1
        due = self._retries.next_at(now, one.closed_at or now, one.attempts, self._rng)
        one.attempts += 1
        one.error = error
        if isinstance(due, int):
            one.retry_at = due
            return True
        self.undelivered.append(one)
        self.waiting.popleft()
        return False

    def is_next(self, one: Object) -> bool:
        """
        Whether it is the one to be written next.
        """
        return bool(self.waiting) and self.waiting[0] is one

    def forget(self) -> None:
        """
        Drops all that it holds, which is another process's to write.
        """
        self.waiting.clear()
        self.undelivered.clear()

    def left(self, number: int) -> list[Object]:
        """
        The objects up to that one that were not written.
        """
        return [one for one in self.held() if one.number <= number and one.closed_at is not None]

    def give_up(self, now: int) -> None:
        """
        Closes the open object, and puts all that waits to be written aside.
        """
        self.close_object(now)
        self.undelivered.extend(self.waiting)
        self.waiting.clear()

    def take_up(self, now: int) -> int:
        """
        Closes the open object, and has everything written at once, what was put aside first.

        An object that had been given up has its whole time again.

        Returns:
            The number of the last object that this is about.
        """
        self.close_object(now)
        for one in self.undelivered:
            one.closed_at, one.attempts = now, 0
        self.waiting, self.undelivered = deque([*self.undelivered, *self.waiting]), deque()
        for one in self.waiting:
            one.retry_at = None
        return self._counter

    def is_settled(self, number: int) -> bool:
        """
        Whether nothing up to that object waits for its turn: each was written, or failed since it was taken up.
        """
        head = self.waiting[0] if self.waiting else None
        return head is None or head.number > number or head.retry_at is not None

    def next_wakeup(self) -> int | None:
        """
        When something has to be done next, unless it is to be done at once; None if nothing ever has.
        """
        retry_at = self.waiting[0].retry_at if self.waiting else None
        due = [at for at in (self.due_at, retry_at) if at is not None]
        return min(due, default=None)

    def held(self) -> Iterator[Object]:
        """
        All objects with records in them that were not written, oldest first.
        """
        yield from self.undelivered
        yield from self.waiting

    def in_buffer(self) -> tuple[int, int]:
        """
        Records and bytes that were not written, those put aside not counted.
        """
        waiting = list(self.waiting)  # in one step: a repr looks without the lock
        return sum(len(one.records) for one in waiting), sum(one.size for one in waiting)

    def find(self, record_id: str) -> Object | None:
        """
        In which object a record is; None if it is in none. Costs in proportion to what is held.
        """
        return next((one for one in self.held() if any(record.record_id == record_id for record in one.records)), None)

    def check(self) -> None:
        """
        For tests: what holds after every step.
        """
        numbers = [one.number for one in self.held()]
        assert len(numbers) == len(set(numbers))
        for one in self.held():
            assert one.records
            assert one.size == sum(len(record.data) + len(self._delimiter) for record in one.records)
            assert one.oldest == min(record.arrived_at for record in one.records)
            assert bool(one.key) == (one.closed_at is not None)
            assert one.closed_at is not None or one is self.waiting[-1]
        assert self.open is None or self.open.size < self._size
