"""
The calls by which a stream is read: iterators, records, readers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Never, TypeAlias

from postroom import limits
from postroom.delivery import refuse_unknown
from postroom.errors import PostroomError
from postroom.stream import _read_checks as checks
from postroom.stream._frame import StreamFrame
from postroom.stream._reader import ShardReader
from postroom.stream._record import GetRecords
from postroom.stream._refusals import ITERATOR_TAKES, READ_NOT_THERE
from postroom.stream._sequence import shard_id_of

if TYPE_CHECKING:
    from postroom.clock import Instant
    from postroom.stream._lane import Lane

ShardIteratorType: TypeAlias = Literal[
    "TRIM_HORIZON", "LATEST", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER", "AT_TIMESTAMP"
]
"""Where in a shard a reading starts (KIN 6)."""


class ReadCalls(StreamFrame):
    """
    Not for users: see `Stream`.
    """

    def get_shard_iterator(
        self,
        shard_id: str,
        shard_iterator_type: ShardIteratorType,
        *,
        starting_sequence_number: str | None = None,
        timestamp: Instant | None = None,
        **_not_there: Never,
    ) -> str:
        """
        Says where in a shard to read, as opaque text for `get_records`. O(log n).

        It is valid for five minutes, to their very end, and may be used as often as one likes.

        >>> from postroom import ManualClock, Stream
        >>> stream = Stream("orders", shard_count=1, clock=ManualClock())
        >>> first, second = (stream.put_record(data, "table-7") for data in (b"2 x tea", b"1 x cake"))
        >>> iterator = stream.get_shard_iterator(
        ...     "shardId-000000000000", "AFTER_SEQUENCE_NUMBER", starting_sequence_number=first.sequence_number
        ... )
        >>> [record.data for record in stream.get_records(iterator).records]
        [b'1 x cake']

        Args:
            shard_id: Any text with the shard's number behind a hyphen will do, or the number alone.
            shard_iterator_type: ``TRIM_HORIZON``, the oldest record; ``LATEST``, what comes from now on;
                ``AT_SEQUENCE_NUMBER`` and ``AFTER_SEQUENCE_NUMBER``; ``AT_TIMESTAMP``, what arrived then or later.
            starting_sequence_number: For the two that are named after it.
            timestamp: For ``AT_TIMESTAMP``: an aware `datetime` or seconds since the epoch, cut to milliseconds, not in
                the future.

        Raises:
            KinesisResourceNotFound: There is no such shard.
            KinesisValidationError: An argument is of the wrong form.
            KinesisInvalidArgument: The arguments do not go together, or the number is none of this shard.
            InvalidInput: An argument is of a wrong type.
            ResourceClosed: The stream is closed.
        """
        if _not_there:
            refuse_unknown("get_shard_iterator", _not_there, READ_NOT_THERE, ITERATOR_TAKES)
        lane, ordinal, floor, now = self._position(
            shard_id, shard_iterator_type, starting_sequence_number, timestamp, "get_shard_iterator"
        )
        if self._clock.has_due:
            self._clock.run_due()
        return self._iterators.write(now, lane.log.origin.number, ordinal, floor)

    def _position(
        self, shard_id: str, kind: str, number: str | None, timestamp: Instant | None, operation: str
    ) -> tuple[Lane, int, int, int]:
        """
        Where a reading starts: shard, ordinal, the floor of `ShardLog.seek`, and the instant at which this was so.
        """
        try:
            self._refuse_closed(operation)
            if number is not None:
                checks.starting_number(number)
            index = checks.shard_number(shard_id, self._place)
            if index >= len(self._lanes):
                raise checks.refuse_shard(shard_id_of(index), self._place, len(self._lanes))
            lane = self._lanes[index]
            log = lane.log
            with lane.lock:
                now = self._clock.now_us()
                instant = checks.check_combination(kind, number, timestamp, now)
                horizon, floor = log.settle(now), 0
                if number is not None:
                    decoded = checks.check_starting(number, log.origin, self._place, len(self._lanes))
                    key = decoded.key + (kind == "AFTER_SEQUENCE_NUMBER")
                    ordinal = log.seek(0, key)
                    floor = key if ordinal == log.end else 0
                elif instant is not None:
                    ordinal = max(log.first_at(instant), horizon)
                else:
                    ordinal = log.end if kind == "LATEST" else horizon
        except PostroomError as error:
            self._sign(error, operation)
            raise
        return lane, ordinal, floor, now

    def get_records(
        self, shard_iterator: str, *, limit: int = limits.GET_RECORDS_MAX, **_not_there: Never
    ) -> GetRecords:
        """
        Reads on in a shard. O(k) for k records, wherever they lie.

        >>> from postroom import ManualClock, Stream
        >>> clock = ManualClock()
        >>> stream = Stream("orders", shard_count=1, clock=clock)
        >>> puts = [stream.put_record(data, "table-7") for data in (b"2 x tea", b"1 x cake")]
        >>> clock.advance(3)
        >>> iterator = stream.get_shard_iterator("shardId-000000000000", "TRIM_HORIZON")
        >>> got = stream.get_records(iterator, limit=1)
        >>> [record.data for record in got.records], got.millis_behind_latest
        ([b'2 x tea'], 3000)

        Args:
            shard_iterator: Of `get_shard_iterator`, or the last response's.
            limit: 1 to 10000. A response has at most 10 MiB, but always one record if there is one.

        Raises:
            ExpiredIterator: The iterator is more than five minutes old.
            KinesisInvalidArgument: This stream has made no such iterator.
            KinesisValidationError: The limit or the length of the iterator is out of its range.
            InvalidInput: An argument is of a wrong type.
            ResourceClosed: The stream is closed.
        """
        if _not_there:
            refuse_unknown("get_records", _not_there, READ_NOT_THERE, ("limit",))
        try:
            if type(limit) is not int or not 1 <= limit <= limits.GET_RECORDS_MAX:
                limit = checks.check_limit(limit)
            position = self._iterators.read(checks.check_iterator(shard_iterator))
            if position is None:
                raise checks.refuse_iterator()
            issued_at_us, shard, ordinal, floor = position
            lane = self._lanes[shard]
            log = lane.log
            with lane.lock:
                if self._closed:
                    self._refuse_closed("get_records")
                now = self._clock.now_us()
                if now - issued_at_us > limits.SHARD_ITERATOR_LIFE_US:
                    raise checks.refuse_expired(issued_at_us, now)
                log.settle(now)
                ordinal = log.seek(ordinal, floor)
                records = log.read(ordinal, limit)
                end = log.end
        except PostroomError as error:
            self._sign(error, "get_records")
            raise
        following = ordinal + len(records)
        if records:
            self._clock.note_progress()
        # A clock that stands still must not make it look as if there were nothing more.
        behind = max((now - records[-1].arrived_at_us) // 1_000, 1) if following < end else 0
        onward = self._iterators.write(now, shard, following, 0 if records else floor)
        if self._clock.has_due:
            self._clock.run_due()
        return GetRecords(records, onward, behind)

    def reader(
        self,
        shard_id: str,
        position: ShardIteratorType = "TRIM_HORIZON",
        *,
        starting_sequence_number: str | None = None,
        timestamp: Instant | None = None,
        **_not_there: Never,
    ) -> ShardReader:
        """
        Reads a shard from a position that never expires, and can wait: for event sources, and for you.

        >>> from postroom import ManualClock, Stream
        >>> stream = Stream("orders", shard_count=1, clock=ManualClock())
        >>> put = stream.put_record(b"2 x tea", "table-7")
        >>> [record] = stream.reader(put.shard_id).peek(10)
        >>> record.data
        b'2 x tea'

        Args:
            shard_id: As for `get_shard_iterator`.
            position: Likewise, where it starts.
            starting_sequence_number: Likewise.
            timestamp: Likewise.

        Raises:
            KinesisResourceNotFound, KinesisValidationError, KinesisInvalidArgument, InvalidInput, ResourceClosed: As
                for `get_shard_iterator`.
        """
        if _not_there:
            refuse_unknown("reader", _not_there, READ_NOT_THERE, ("position", *ITERATOR_TAKES))
        lane, ordinal, floor, _ = self._position(shard_id, position, starting_sequence_number, timestamp, "reader")
        return ShardReader(self, lane, ordinal, floor)
