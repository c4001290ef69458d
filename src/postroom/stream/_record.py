"""
What puts and reads hand back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from postroom.clock import to_datetime

if TYPE_CHECKING:
    from datetime import datetime

    from postroom.partitioning import HashRange
    from postroom.stream._sequence import Origin


# Where in the tuple that a record is.
_ORIGIN: Final = 0
COUNTER: Final = 1
ARRIVED: Final = 2
_DATA: Final = 3
_KEY: Final = 4


class RecordEntry(NamedTuple):
    """
    One record of `Stream.put_records`.

    >>> RecordEntry(b"2 x tea", "table-7").partition_key
    'table-7'
    """

    data: bytes
    """0 bytes or more; with the partition key at most 1 MiB."""
    partition_key: str
    """1 to 256 characters, whose MD5 digest chooses the shard."""
    explicit_hash_key: str | None = None
    """Chooses the shard in place of the partition key: 0 to 2**128 - 1 in decimal."""


class Record(tuple["Origin", int, int, bytes, str]):
    """
    A record as it lies in its shard. It never changes.

    >>> from postroom import ManualClock, Stream
    >>> stream = Stream("orders", shard_count=1, clock=ManualClock())
    >>> put = stream.put_record(b"2 x tea", "table-7")
    >>> [record] = stream.reader("shardId-000000000000").peek(10)
    >>> record.data, record.partition_key, record.sequence_number == put.sequence_number
    (b'2 x tea', 'table-7', True)
    """

    # Made of a tuple, for which Python needs no `__init__`: a put takes a tenth less time.
    __slots__ = ()

    @property
    def sequence_number(self) -> str:
        """
        56 decimal digits: unique in the stream, rising within the shard; compare them as integers (KIN 4).
        """
        return self[_ORIGIN].sequence_number(self[COUNTER], self[ARRIVED])

    @property
    def data(self) -> bytes:
        """
        The bytes that were put.
        """
        return self[_DATA]

    @property
    def partition_key(self) -> str:
        """
        The key it was put under.
        """
        return self[_KEY]

    @property
    def arrived_at_us(self) -> int:
        """
        When it arrived, in microseconds since the epoch. Within a shard this never goes back.
        """
        return self[ARRIVED]

    @property
    def approximate_arrival_timestamp(self) -> datetime:
        """
        The same in UTC, to the millisecond, as Kinesis tells it (ApproximateArrivalTimestamp).
        """
        return to_datetime(self[ARRIVED] // 1_000 * 1_000)

    @property
    def origin(self) -> Origin:
        """
        For resources: what it has in common with all records of its shard.
        """
        return self[_ORIGIN]

    @property
    def shard_id(self) -> str:
        """
        The shard it lies in.
        """
        return self[_ORIGIN].shard_id

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict; the data stay `bytes`.

        >>> from postroom import ManualClock, Stream
        >>> stream = Stream("orders", shard_count=1, clock=ManualClock())
        >>> put = stream.put_record(b"2 x tea", "table-7")
        >>> stream.reader("shardId-000000000000").peek(1)[0].to_dict()["arrived_at_us"]
        1704067200000000
        """
        return {
            "sequence_number": self.sequence_number,
            "data": self[_DATA],
            "partition_key": self[_KEY],
            "arrived_at_us": self[ARRIVED],
            "shard_id": self.shard_id,
        }

    def __repr__(self) -> str:
        data = self.data if len(self.data) <= 40 else self.data[:37] + b"..."
        return f"<Record {self.sequence_number} {data!r} of {self.partition_key!r:.60}, {self.shard_id}>"


class PutRecord(tuple[Record]):
    """
    What `Stream.put_record` returns: where the record lies.

    >>> from postroom import ManualClock, Stream
    >>> Stream("orders", clock=ManualClock()).put_record(b"2 x tea", "a").shard_id
    'shardId-000000000000'
    """

    # The digits are made when somebody looks; most callers do not.
    __slots__ = ()

    @property
    def shard_id(self) -> str:
        """
        The shard it went into.
        """
        return self[0].shard_id

    @property
    def sequence_number(self) -> str:
        """
        56 decimal digits (KIN 4).
        """
        return self[0].sequence_number

    def to_dict(self) -> dict[str, str]:
        """
        As a plain dict.

        >>> from postroom import ManualClock, Stream
        >>> sorted(Stream("orders", clock=ManualClock()).put_record(b"2 x tea", "a").to_dict())
        ['sequence_number', 'shard_id']
        """
        return {"shard_id": self.shard_id, "sequence_number": self.sequence_number}

    def __repr__(self) -> str:
        return f"<PutRecord {self.sequence_number} in {self.shard_id}>"


class Shard(NamedTuple):
    """
    One shard of a stream, as `Stream.shards` lists them.

    >>> from postroom import ManualClock, Stream
    >>> first, second = Stream("orders", shard_count=2, clock=ManualClock()).shards
    >>> first.shard_id, first.hash_range.contains(0), second.hash_range.start == 2**127
    ('shardId-000000000000', True, True)
    """

    shard_id: str
    """``shardId-`` and twelve digits."""
    hash_range: HashRange
    """The hash keys it owns, both ends included."""
    starting_sequence_number: str
    """Every record in it has a greater one."""

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict.

        >>> from postroom import ManualClock, Stream
        >>> Stream("orders", clock=ManualClock()).shards[0].to_dict()["hash_range"]["start"]
        0
        """
        return {**self._asdict(), "hash_range": self.hash_range.to_dict()}


class GetRecords(NamedTuple):
    """
    What `Stream.get_records` returns.

    >>> from postroom import ManualClock, Stream
    >>> stream = Stream("orders", shard_count=1, clock=ManualClock())
    >>> iterator = stream.get_shard_iterator("shardId-000000000000", "TRIM_HORIZON")
    >>> got = stream.get_records(iterator)
    >>> got.records, got.millis_behind_latest, got.next_shard_iterator == iterator
    ([], 0, False)
    """

    records: list[Record]
    """In the order of the shard; empty if there is nothing new."""
    next_shard_iterator: str
    """Where to read on: a new one each time, valid for five minutes."""
    millis_behind_latest: int
    """0 if there is nothing more to read; otherwise the age of the last record returned, at least 1."""
    child_shards: tuple[Shard, ...] = ()
    """Always empty: no shard ends here."""

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict; data stay `bytes`.

        >>> from postroom import ManualClock, Stream
        >>> stream = Stream("orders", shard_count=1, clock=ManualClock())
        >>> got = stream.get_records(stream.get_shard_iterator("shardId-000000000000", "LATEST"))
        >>> got.to_dict()["records"]
        []
        """
        return {
            **self._asdict(),
            "records": [record.to_dict() for record in self.records],
            "child_shards": [shard.to_dict() for shard in self.child_shards],
        }
