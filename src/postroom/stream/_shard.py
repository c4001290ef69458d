"""
What lies in one shard: an append-only log, and where in it a reading starts.

Every record has an *ordinal*: how many were appended to its shard before it. Ordinals never change, so a position in a
shard is a plain number. Records lie in segments of `SEGMENT_RECORDS`, all full but the last::

    ordinal        0 ... 4095 | 4096 ... 8191 | 8192 ... 12287 | 12288 ... 12300
    segments       dropped      [0]             [1]              [2], still growing
                                     ^ horizon 5000: what lies before has expired

Appending costs the same whatever the log holds, and so does reading at an ordinal. A sequence number or an instant is
found by two binary searches, over the segments and in one of them. Retention moves the horizon; only whole segments are
given back, which costs nothing a record.

The log takes every instant as an argument and is used under its shard's lock.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from itertools import pairwise
from operator import itemgetter
from typing import Final

from postroom.limits import GET_RECORDS_MAX_BYTES
from postroom.stream._record import ARRIVED, COUNTER, Record
from postroom.stream._sequence import SECOND_BITS, Origin, written_s

SEGMENT_RECORDS: Final = 4_096
"""A read that crosses from one to the next copies twice; what expires is kept until its whole segment has."""

_counter: Final = itemgetter(COUNTER)
_arrived: Final = itemgetter(ARRIVED)


class Segment(list[Record]):
    """
    Up to `SEGMENT_RECORDS` neighbours, and what came before them.

    All the log's state is in its list of these, so that no interrupt finds one half of a change done.
    """

    __slots__ = ("before", "first", "size")

    def __init__(self, first: int, before: int, records: Iterable[Record] = (), size: int = 0) -> None:
        super().__init__(records)
        self.first: int = first
        """The ordinal of the first."""
        self.before: int = before
        """Bytes of all records of the shard before it."""
        self.size: int = size
        """Bytes of its own."""


class ShardLog:
    """
    The records of one shard.

    >>> from itertools import count
    >>> log = ShardLog(Origin.of(0, 1_700_000_000), retention=86_400_000_000, draw=count(1).__next__)
    >>> record = log.append(1_700_000_000_000_000, b"2 x tea", "table-7", size=14)
    >>> log.read(0, 10) == [record], log.end
    (True, 1)
    """

    __slots__ = ("_draw", "_expires", "_segments", "horizon", "latest", "origin", "retention")

    def __init__(self, origin: Origin, *, retention: int, draw: Callable[[], int]) -> None:
        self.origin: Origin = origin
        self.retention: int = retention
        """Microseconds from a record's arrival to its end."""
        self.latest: int = 0
        """When the last record arrived."""
        self.horizon: int = 0
        """The ordinal of the oldest record that can be read, as far as was looked."""
        self._draw = draw
        self._expires = 0  # before that instant nothing expires, so that nobody has to look
        self._segments = [Segment(0, 0)]

    @property
    def end(self) -> int:
        """
        The ordinal that the next record will have: how many there ever were.
        """
        tail = self._segments[-1]
        return tail.first + len(tail)

    def append(self, now: int, data: bytes, partition_key: str, size: int) -> Record:
        """
        Adds a record. O(1).

        Args:
            now: The instant; if an earlier record came later than that, it counts as arrived then.
            data: What was put.
            partition_key: The key it was put under.
            size: Bytes of both.
        """
        arrived = self.latest
        if now > arrived:
            self.latest = arrived = now
        record = Record((self.origin, self._draw(), arrived, data, partition_key))
        tail = self._segments[-1]
        if len(tail) < SEGMENT_RECORDS:
            tail.size += size
            tail.append(record)
        else:
            self.settle(now)
            self._segments.append(Segment(tail.first + len(tail), tail.before + tail.size, [record], size))
            self._drop()
        return record

    def append_all(self, now: int, entries: list[tuple[bytes, str, int]]) -> list[Record]:
        """
        Adds several, in their order; each is data, partition key and size.
        """
        tail = self._segments[-1]
        if len(tail) + len(entries) > SEGMENT_RECORDS:
            return [self.append(now, *entry) for entry in entries]
        self.latest = max(self.latest, now)
        origin, draw, arrived = self.origin, self._draw, self.latest
        records = [Record((origin, draw(), arrived, data, key)) for data, key, _ in entries]
        tail.size += sum([size for _, _, size in entries])
        tail += records
        return records

    def settle(self, now: int) -> int:
        """
        Moves the horizon past what has expired: a record can be read while less than the retention has passed (KIN 8).

        Returns:
            The horizon.
        """
        if now < self._expires:
            return self.horizon
        self.horizon = max(self.horizon, self._find(_arrived, now - self.retention, bisect_right))
        self._drop()
        if self.horizon < self.end:
            self._expires = self._at(self.horizon).arrived_at_us + self.retention
        return self.horizon

    def retain(self, now: int, retention: int) -> None:
        """
        Changes the retention; what has expired by the old one does not come back (KIN 8).
        """
        self.settle(now)
        self._expires = 0
        self.retention = retention
        self.settle(now)

    def _drop(self) -> None:
        gone = min((self.horizon - self._segments[0].first) // SEGMENT_RECORDS, len(self._segments) - 1)
        if gone > 0:
            del self._segments[:gone]

    def _at(self, ordinal: int) -> Record:
        segment, offset = divmod(ordinal - self._segments[0].first, SEGMENT_RECORDS)
        return self._segments[segment][offset]

    def _find(self, of: Callable[[Record], int], value: int, bisect: Callable[..., int] = bisect_left) -> int:
        """
        The ordinal of the first record kept of which `of` is at least `value` (with `bisect_right`: more than it).
        """
        segments = self._segments
        if not segments[0]:
            return 0  # nothing ever came

        def of_first(segment: Segment) -> int:
            return of(segment[0])

        after = bisect(segments, value, key=of_first)
        if after == 0:
            return segments[0].first
        segment = segments[after - 1]
        return segment.first + int(bisect(segment, value, key=of))

    def first_at(self, instant: int) -> int:
        """
        The ordinal of the first record that arrived then or later; the next one's if none did. O(log n).
        """
        return self._find(_arrived, instant)

    def first_from(self, key: int) -> int:
        """
        The ordinal of the first record whose sequence number has that key or a greater one (`Decoded.key`). O(log n).
        """
        counter, second = divmod(key, 1 << SECOND_BITS)
        ordinal = self._find(_counter, counter)
        if ordinal < self.end and (found := self._at(ordinal))[COUNTER] == counter:
            return ordinal + (written_s(found.arrived_at_us) < second)
        return ordinal

    def first_after(self, record: Record) -> int:
        """
        The ordinal after that record, which is one of this shard. O(log n).
        """
        return self._find(_counter, record[COUNTER] + 1)

    def seek(self, ordinal: int, floor: int) -> int:
        """
        Where a reading from that position starts now, after `settle`.

        Args:
            ordinal: The position.
            floor: The key from which on records are wanted, for a position that was given by a sequence number above
                all there are; else 0.
        """
        if floor:
            ordinal = max(ordinal, self.first_from(floor))
        return ordinal if ordinal > self.horizon else self.horizon  # noqa: FURB136 - max() takes three times as long

    def find(self, counter: int) -> tuple[int, Record] | None:
        """
        The record with that counter and its ordinal, if it is kept, expired or not. O(log n).
        """
        ordinal = self._find(_counter, counter)
        if ordinal < self.end and (found := self._at(ordinal))[COUNTER] == counter:
            return ordinal, found
        return None

    def is_trimmed(self, counter: int) -> bool:
        """
        Whether a record with that counter would be older than all that are kept, and something was given back.
        """
        oldest = self._segments[0]
        return oldest.first > 0 and counter < oldest[0][COUNTER]

    def read(self, ordinal: int, most: int, most_bytes: int = GET_RECORDS_MAX_BYTES) -> list[Record]:
        """
        Records from an ordinal on, not below the horizon, up to a number and up to a size; the first fits in any case.

        O(k) for k records, wherever they lie.
        """
        segments = self._segments
        first, offset = divmod(ordinal - segments[0].first, SEGMENT_RECORDS)
        if first == len(segments):
            return []  # at the end, and the last segment is full
        last, stop = first, offset + most
        found = segments[first][offset:stop]
        if stop > SEGMENT_RECORDS and first + 1 < len(segments):
            last = min(first + (stop - 1) // SEGMENT_RECORDS, len(segments) - 1)
            for segment in segments[first + 1 : last]:
                found += segment
            found += segments[last][: stop - (last - first) * SEGMENT_RECORDS]
        # Nearly always all that these segments hold is less: nothing has to be added up.
        if segments[last].before + segments[last].size - segments[first].before > most_bytes:
            return _up_to(found, most_bytes)
        return found

    def held_bytes(self) -> int:
        """
        Data and keys of what can be read. O(1), and the records of one segment.
        """
        oldest = self._segments[0]
        return self.total_bytes() - oldest.before - sum(map(size_of, oldest[: self.horizon - oldest.first]))

    def total_bytes(self) -> int:
        """
        Data and keys of all records that ever came.
        """
        tail = self._segments[-1]
        return tail.before + tail.size

    def check(self) -> None:
        """
        Asserts all that must hold.
        """
        segments, kept = self._segments, [record for segment in self._segments for record in segment]
        assert all(len(segment) == SEGMENT_RECORDS for segment in segments[:-1])
        assert all(two.first == one.first + SEGMENT_RECORDS for one, two in pairwise(segments))
        assert all(two.before == one.before + one.size for one, two in pairwise(segments))
        # One that was cut short by Ctrl-C may have been counted and not added.
        assert all(segment.size >= sum(map(size_of, segment)) for segment in segments)
        assert segments[0].first <= self.horizon <= self.end
        assert all(one[COUNTER] < two[COUNTER] for one, two in pairwise(kept))
        assert all(one.arrived_at_us <= two.arrived_at_us for one, two in pairwise(kept))
        assert all(record.origin is self.origin for record in kept)


def size_of(record: Record) -> int:
    """
    Bytes of its data and its partition key.
    """
    return len(record.data) + len(record.partition_key.encode())


def _up_to(records: list[Record], most_bytes: int) -> list[Record]:
    total = 0
    for index, record in enumerate(records):
        total += size_of(record)
        if total > most_bytes and index:
            return records[:index]
    return records
