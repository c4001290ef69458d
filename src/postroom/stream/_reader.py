"""
A reading position in one shard that never expires: for event sources, delivery streams and people.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from postroom.clock import Registration, Waiters
from postroom.errors import InvalidInput, PostroomError
from postroom.stream import _read_checks as checks
from postroom.stream._checks import sign

if TYPE_CHECKING:
    from postroom.delivery import Resource
    from postroom.stream._lane import Lane
    from postroom.stream._record import Record

_EVERYBODY: Final = 1 << 30
_ANY_SIZE: Final = 1 << 62


class ShardReader:
    """
    Reads one shard at its own pace: looks, and moves on when told to.

    Kinesis has no such thing; it does what a consumer does that keeps its last sequence number. What retention takes
    away before it was read is skipped, as `Stream.get_records` does. Threads may share a reader.

    >>> from postroom import ManualClock, Stream
    >>> stream = Stream("orders", shard_count=1, clock=ManualClock())
    >>> reader = stream.reader("shardId-000000000000")
    >>> registration = reader.when_ready(lambda: print("there is something"))
    >>> put = stream.put_record(b"2 x tea", "table-7")
    there is something
    >>> [record] = reader.peek(10)
    >>> reader.move_past(record)
    >>> reader.peek(10)
    []

    `Stream.reader` makes one.
    """

    def __init__(self, stream: Resource, lane: Lane, ordinal: int, floor: int) -> None:
        self._stream = stream
        self._lane = lane
        self._ordinal = ordinal
        self._floor = floor
        self._waiters = Waiters(stream.clock, lane.lock, self._ready, f"{stream}, {self.shard_id}")

    @property
    def shard_id(self) -> str:
        """
        The shard it reads.
        """
        return self._lane.log.origin.shard_id

    def __repr__(self) -> str:
        log = self._lane.log
        state = "closed" if self._stream.closed else f"{max(log.end - max(self._ordinal, log.horizon), 0)} to read"
        return f"<ShardReader of {self._stream}, {self.shard_id}: {state}>"

    def peek(self, max_records: int) -> list[Record]:
        """
        The next records, in order; the reader stays where it is. O(k) for k records, wherever they lie.

        >>> from postroom import ManualClock, Stream
        >>> stream = Stream("orders", shard_count=1, clock=ManualClock())
        >>> reader = stream.reader("shardId-000000000000", "LATEST")
        >>> put = stream.put_record(b"2 x tea", "table-7")
        >>> len(reader.peek(10)), len(reader.peek(10))
        (1, 1)

        Args:
            max_records: 1 or more. Their size does not matter here.

        Raises:
            InvalidInput: It is no such number.
            ResourceClosed: The stream is closed.
        """
        try:
            most = checks.check_max_records(max_records)
        except PostroomError as error:
            sign(error, "peek", self._stream.name)
        with self._lane.lock:
            self._stream._refuse_closed("peek")
            ordinal = self._settle(self._stream.clock.now_us())
            if self._waiters.firing:
                self._waiters.note_look()
            return self._lane.log.read(ordinal, most, _ANY_SIZE)

    def move_past(self, record: Record) -> None:
        """
        Goes on after that record; never back. O(log n).

        >>> from postroom import ManualClock, Stream
        >>> stream = Stream("orders", shard_count=1, clock=ManualClock())
        >>> reader = stream.reader("shardId-000000000000")
        >>> puts = [stream.put_record(data, "table-7") for data in (b"tea", b"cake", b"milk")]
        >>> reader.move_past(reader.peek(2)[-1])
        >>> [record.data for record in reader.peek(10)]
        [b'milk']

        Args:
            record: One that this reader, or another of the same shard, has read.

        Raises:
            InvalidInput: It is of another shard, or none.
        """
        log = self._lane.log
        origin = getattr(record, "origin", None)
        if origin != log.origin:
            raise InvalidInput(
                f"{record!r:.80} is no record of {self.shard_id}.",
                help="Give one that this reader's peek returned.",
                operation="move_past",
                resource=self._stream.name,
            )
        with self._lane.lock:
            after = log.first_after(record)
            self._ordinal = max(self._ordinal, after)

    def when_ready(self, callback: Callable[[], object], until: int | None = None) -> Registration:
        """
        Has the clock call the callback, once, when `peek` would find something; at once if it would.

        Of all who wait for a shard each is called that has something to read: readers do not compete.

        >>> from postroom import ManualClock, Stream
        >>> clock = ManualClock()
        >>> stream = Stream("orders", shard_count=1, clock=clock)
        >>> reader = stream.reader("shardId-000000000000")
        >>> registration = reader.when_ready(lambda: print(reader.peek(10)), until=clock.now_us() + 5_000_000)
        >>> clock.advance(5)
        []

        Args:
            callback: Called without arguments; on a `SystemClock` by a thread of its pool.
            until: When to call it even if there is nothing, in microseconds since the epoch; None: never.

        Raises:
            InvalidInput: One of the two is of a wrong type.
            ResourceClosed: The stream is closed. Closing it calls those who wait; what they do next raises this.
        """
        try:
            checks.check_when_ready(callback, until)
        except PostroomError as error:
            sign(error, "when_ready", self._stream.name)
        clock, lane = self._stream.clock, self._lane
        self._stream._refuse_closed("when_ready")
        registration = self._waiters.when_ready(callback, until)
        try:
            with lane.lock:
                # What came since it stood in its own line is found by looking again.
                lane.waiting[self._waiters] = None
                self._waiters.balance(clock.now_us())
        except BaseException:
            registration.cancel()  # nobody else could
            raise
        if self._stream.closed:
            registration.wake()  # closed in between: whoever looks now is told
        if clock.has_due:
            clock.run_due()
        return registration

    def _settle(self, now: int) -> int:
        """
        Under the lock: where the next reading starts.
        """
        log = self._lane.log
        log.settle(now)
        ordinal = log.seek(self._ordinal, self._floor)
        if self._floor and ordinal < log.end:
            self._ordinal, self._floor = ordinal, 0
        return ordinal

    def _ready(self, now: int) -> tuple[int, None]:
        return (_EVERYBODY if self._settle(now) < self._lane.log.end else 0), None
