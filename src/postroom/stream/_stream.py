"""
The calls of a stream, as drivers of its shards: locks, clock, observers. What a shard does is in `_shard`.
"""

from __future__ import annotations

from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Never

from postroom import limits
from postroom.delivery import BatchOutcome
from postroom.errors import InvalidInput, KinesisInvalidArgument, PostroomError
from postroom.observe import Observation, causes, with_causes
from postroom.stream import _checks as checks
from postroom.stream._reading import ReadCalls
from postroom.stream._record import PutRecord, RecordEntry
from postroom.stream._refusals import refuse_put

if TYPE_CHECKING:
    from postroom.message import Parcel
    from postroom.stream._lane import Lane
    from postroom.stream._record import Record

_KEY_MAX: Final = limits.PARTITION_KEY_MAX_CHARS
_RECORD_MAX: Final = limits.RECORD_MAX_BYTES
_INDEXES: Final = tuple(str(index) for index in range(limits.PUT_RECORDS_MAX))
_BODY_SHOWN: Final = 256


class Stream(ReadCalls):
    """
    A stream: records in shards, in order, which any number of readers read at their own pace until they expire.

    A record goes to the shard that owns the MD5 digest of its partition key, so that records of one key stay in order.
    Reading takes nothing away: a record can be read until its retention ends.

    >>> from postroom import ManualClock, Stream
    >>> clock = ManualClock()
    >>> stream = Stream("orders", shard_count=2, clock=clock)
    >>> put = stream.put_record(b"2 x tea", "table-7")
    >>> iterator = stream.get_shard_iterator(put.shard_id, "TRIM_HORIZON")
    >>> got = stream.get_records(iterator)
    >>> [record.data for record in got.records], got.millis_behind_latest
    ([b'2 x tea'], 0)
    >>> stream.get_records(got.next_shard_iterator).records  # nothing new: ask again later
    []
    >>> clock.advance(24 * 3600)
    >>> stream.get_records(stream.get_shard_iterator(put.shard_id, "TRIM_HORIZON")).records  # expired
    []

    ``Stream("orders")`` made twice is two streams; a `Region` shares them by name.

    Args:
        name: 1 to 128 letters, digits, underscores, dots or hyphens.
        shard_count: 1 to 10000; None: 4, as on demand. The shards own equal parts of the hash keys, and stay.
        retention: Seconds for which a record can be read, counted from its arrival: whole hours, 24 to 8760 of them.
        clock: Where "now" comes from; the shared `SystemClock` unless given. Of the years 1970 to 2477.
        faults: A plan of faults; none of its kinds strikes a stream itself, only those who feed it and are fed by it.
        seed: A number or a `random.Random` from which the key is drawn that signs iterators.
        home: The region it belongs to, which then has clock and seed; `Region.stream` gives this.

    Raises:
        KinesisValidationError: The name or the shard count is not acceptable.
        KinesisInvalidArgument: The retention is out of its range.
        KinesisLimitExceeded: These are too many shards.
        InvalidInput: An argument is of a wrong type, or `home` is given beside `clock` or `seed`.

    Differs from Kinesis: there is no throughput limit, and no shard is split or merged; see docs/fidelity.md.
    """

    # Putting.

    def put_record(
        self,
        data: bytes,
        partition_key: str,
        *,
        explicit_hash_key: str | None = None,
        sequence_number_for_ordering: str | None = None,
        **_not_there: Never,
    ) -> PutRecord:
        """
        Adds a record. Never waits for anything but its shard. O(1).

        >>> from postroom import ManualClock, Stream
        >>> stream = Stream("orders", shard_count=2, clock=ManualClock())
        >>> stream.put_record(b"2 x tea", "a").shard_id
        'shardId-000000000000'
        >>> stream.put_record(b"2 x tea", "a", explicit_hash_key=str(2**128 - 1)).shard_id
        'shardId-000000000001'

        Args:
            data: 0 bytes or more; with the partition key's UTF-8 bytes at most 1 MiB. A `bytearray` or a `memoryview`
                is copied.
            partition_key: 1 to 256 characters.
            explicit_hash_key: Chooses the shard in place of the partition key: 0 to 2**128 - 1 in decimal.
            sequence_number_for_ordering: Of an earlier record. It is checked, and changes nothing: records of one
                shard have rising numbers in any case.

        Raises:
            KinesisValidationError: An argument is of the wrong form: a key too long, a hash key that is no number.
            KinesisInvalidArgument: The record is too large, the hash key or the sequence number is none.
            InvalidInput: An argument is of a wrong type, or the key has no UTF-8 form.
            ResourceClosed: The stream is closed.
        """
        if _not_there:
            refuse_put("put_record", _not_there)
        if (
            explicit_hash_key is None
            and sequence_number_for_ordering is None
            and type(data) is bytes
            and type(partition_key) is str
            and 0 < len(partition_key) <= _KEY_MAX
            and partition_key.isascii()
            and (size := len(data) + len(partition_key)) <= _RECORD_MAX
        ):
            # What nearly always is: nothing to look at that these do not tell in no time.
            lane = self._lanes[self._index_of_key(partition_key)]
        else:
            try:
                data, partition_key, size, index = self._check(data, partition_key, explicit_hash_key)
                if sequence_number_for_ordering is not None:
                    checks.check_ordering(sequence_number_for_ordering, self._clock.now_us(), self._place)
            except PostroomError as error:
                self._sign(error, "put_record")
                raise
            lane = self._lanes[index]
        try:
            with lane.lock:
                if self._closed:
                    self._refuse_closed("put_record")
                now = self._clock.now_us()
                record = lane.log.append(now, data, partition_key, size)
                if lane.waiting:
                    lane.wake(now)
                seen = self._observations([record]) if self._observers else None
        except BaseException:
            self._wake_again(lane)
            raise
        self._clock.note_progress()
        if seen:
            self._tell(with_causes(seen, causes()))
        if self._clock.has_due:
            self._clock.run_due()
        return PutRecord((record,))

    def _check(self, data: bytes, partition_key: str, explicit_hash_key: str | None) -> tuple[bytes, str, int, int]:
        checked = checks.check_record(data, partition_key, explicit_hash_key)
        return checked.data, checked.partition_key, checked.size, self._index_of(checked)

    def _index_of(self, checked: checks.Checked) -> int:
        if checked.hash_key is None:
            return self._map.index_of(checked.partition_key)
        return self._map.index_of_hash(checked.hash_key)

    def put_records(self, entries: Iterable[RecordEntry], **_not_there: Never) -> BatchOutcome[PutRecord]:
        """
        Adds 1 to 500 records, all or none. Within a shard they lie in the order of the entries.

        >>> from postroom import ManualClock, RecordEntry, Stream
        >>> stream = Stream("orders", shard_count=2, clock=ManualClock())
        >>> outcome = stream.put_records([RecordEntry(b"2 x tea", "a"), RecordEntry(b"1 x cake", "b")])
        >>> [(success.id, success.result.shard_id) for success in outcome.successful]
        [('0', 'shardId-000000000000'), ('1', 'shardId-000000000001')]

        Args:
            entries: At most 10 MiB of data and partition keys in all.

        Returns:
            What became of each, by its index. Nothing fails alone here: Kinesis has throttling and its own failures for
            that.

        Raises:
            KinesisValidationError, KinesisInvalidArgument: The whole call is refused, and nothing was put: there are
                too few or too many entries, one is of the wrong form or too large, or all are together.
            InvalidInput: An entry is none, or a part of one is of a wrong type.
            ResourceClosed: The stream is closed.
        """
        if _not_there:
            refuse_put("put_records", _not_there)
        try:
            sized, indexes = self._place_all(entries)
        except PostroomError as error:
            self._sign(error, "put_records")
            raise
        shares: defaultdict[int, list[int]] = defaultdict(list)
        for number, index in enumerate(indexes):
            shares[index].append(number)
        found: dict[int, Record] = {}
        seen: list[Observation] = []
        for index, numbers in shares.items():
            lane = self._lanes[index]
            share = sized if len(shares) == 1 else [sized[number] for number in numbers]
            try:
                with lane.lock:
                    if self._closed:
                        self._refuse_closed("put_records")
                    now = self._clock.now_us()
                    put = lane.log.append_all(now, share)
                    if lane.waiting:
                        lane.wake(now)
                    if self._observers:
                        seen += self._observations(put)
            except BaseException:
                self._wake_again(lane)
                raise
            found.update(zip(numbers, put, strict=True))
        self._clock.note_progress()
        if seen:
            self._tell(with_causes(seen, causes()))
        if self._clock.has_due:
            self._clock.run_due()
        records = [found[number] for number in range(len(sized))]
        return BatchOutcome(_INDEXES[: len(records)], records, _put, has_failures=False)

    def _place_all(self, entries: Iterable[RecordEntry]) -> tuple[list[tuple[bytes, str, int]], list[int]]:
        """
        The checked records of a batch with their sizes, and to which shard each goes.
        """
        if isinstance(entries, list) and 0 < len(entries) <= limits.PUT_RECORDS_MAX:
            plain = _plain(entries)
            if plain is not None:
                return plain, self._map.indexes_of([key for _, key, _ in plain])
        checked = checks.check_entries(entries)
        return [one[:3] for one in checked], [self._index_of(one) for one in checked]

    def deliver(self, parcel: Parcel) -> None:
        """
        Takes a parcel over: the UTF-8 bytes of its body, under its partition key, or else under the id of its cause.

        This is for resources: what it makes due runs when the call returns that the delivery is part of.

        >>> from postroom import ManualClock, Stream
        >>> from postroom.message import Parcel
        >>> stream = Stream("orders", clock=ManualClock())
        >>> stream.deliver(Parcel("2 x tea", partition_key="table-7"))
        >>> len(stream)
        1

        Raises:
            KinesisInvalidArgument: It is too large, or has neither a partition key nor a cause.
            KinesisValidationError: The partition key is too long.
            ResourceClosed: The stream is closed.
        """
        partition_key = parcel.cause if parcel.partition_key is None else parcel.partition_key
        try:
            if partition_key is None:
                raise KinesisInvalidArgument(
                    "A record needs a partition key.", help="Its sender gave neither a partition key nor a cause."
                )
            data, partition_key, size, index = self._check(_encoded(parcel.body), partition_key, None)
        except PostroomError as error:
            self._sign(error, "deliver")
            raise
        lane = self._lanes[index]
        try:
            with lane.lock:
                self._refuse_closed("deliver")
                now = self._clock.now_us()
                record = lane.log.append(now, data, partition_key, size)
                if lane.waiting:
                    lane.wake(now)
                seen = self._observations([record]) if self._observers else None
        except BaseException:
            self._wake_again(lane)
            raise
        self._clock.note_progress()
        if seen:
            self._tell(with_causes(seen, (parcel.cause,) if parcel.cause else ()))
        # What is now due is for the call that this is part of: its errors are no refusal of the parcel.

    def _wake_again(self, lane: Lane) -> None:
        """
        After a change that was cut short, by Ctrl-C say: what it made ready wakes who waits all the same.
        """
        with lane.lock:
            if lane.waiting:
                lane.wake(self._clock.now_us())

    def _observations(self, records: list[Record]) -> list[Observation]:
        return [
            self._seen(
                record.arrived_at_us,
                "put",
                f"{self._name}:{record.sequence_number}",
                body=_shown(record.data),
                shard_id=record.shard_id,
                partition_key=record.partition_key,
            )
            for record in records
        ]


def _put(record: Record) -> PutRecord:
    return PutRecord((record,))


def _encoded(body: str) -> bytes:
    try:
        return body.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput("The body has no UTF-8 form.", help="It holds half of a surrogate pair.") from error


def _plain(entries: list[RecordEntry]) -> list[tuple[bytes, str, int]] | None:
    """
    Entries without anything unusual about them, with their sizes; None if they have to be looked at one by one.
    """
    plain: list[tuple[bytes, str, int]] = []
    total = 0
    for entry in entries:
        if type(entry) is not RecordEntry:
            return None
        data, key, hash_key = entry
        if hash_key is not None or type(data) is not bytes or type(key) is not str or not key.isascii():
            return None
        size = len(data) + len(key)
        if not 0 < len(key) <= _KEY_MAX or size > _RECORD_MAX:
            return None
        total += size
        plain.append((data, key, size))
    return plain if total <= limits.PUT_RECORDS_MAX_BYTES else None


def _shown(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = b64encode(data[:_BODY_SHOWN]).decode()
    return text if len(text) <= _BODY_SHOWN else f"{text[: _BODY_SHOWN - 1]}…"
