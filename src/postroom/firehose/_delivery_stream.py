"""
A delivery stream: records in, objects in a store out. The rules of buffering are in `_buffer`, the writing in `_writer`.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Never

from postroom import limits
from postroom.clock import Clock, Duration, show_span
from postroom.delivery import BatchOutcome, refuse_unknown
from postroom.errors import FirehoseInvalidArgument, InvalidInput, PostroomError
from postroom.faults import check_faults
from postroom.firehose import _checks as checks
from postroom.firehose._refusals import DELIVERY_STREAM_NOT_THERE, DELIVERY_STREAM_TAKES
from postroom.firehose._source import Feed, check_source
from postroom.firehose._stats import DeliveryStreamStats, PutDelivery
from postroom.firehose._stores import DirectoryStore, ObjectStore, shown_store, to_store
from postroom.firehose._writer import Writer, shown_error
from postroom.limits import SECOND_US
from postroom.naming import Arn
from postroom.observe import Home, Wire, causes, home_of

if TYPE_CHECKING:
    from postroom.faults import Faults
    from postroom.firehose._buffer import Object
    from postroom.message import Parcel
    from postroom.stream import Stream


class DeliveryStream(Writer):
    """
    Gathers records and writes them, many at a time, as objects into a store.

    An object is written when it holds `buffering_size` or its first record has waited for `buffering_interval`, whichever
    comes first (DEL A2). Nothing is written for an interval without records.

    >>> from postroom import DeliveryStream, ManualClock, MemoryStore
    >>> clock, store = ManualClock(), MemoryStore()
    >>> stream = DeliveryStream("events", store, prefix="tea/", append_delimiter=True, clock=clock, seed=1)
    >>> put = stream.put_record(b"2 x tea")
    >>> put = stream.put_record(b"1 x cake")
    >>> clock.advance(300)
    >>> for key, data in store.objects.items():
    ...     print(key, data.splitlines())
    tea/2024/01/01/00/events-1-2024-01-01-00-00-00-c22b40b0-6a4e-4249-84e5-55fd618c457c [b'2 x tea', b'1 x cake']

    Nothing is lost: a record is kept until the object it is in was written. A write that fails is tried again, after 1 s
    and then twice as long each time, up to 60 s; objects behind it wait. An object that could not be written for 24 hours is
    put aside, in `undelivered`. Use it with ``with``, or `close` it: that writes what is buffered.

    A write is at least once: an object whose write was interrupted, or whose acknowledgement a plan of faults has lost, is
    written again, under the same key and with the same bytes.

    Args:
        name: 1 to 64 letters, digits, hyphens, underscores or dots.
        store: Where objects go: a directory, or any `ObjectStore`.
        source: The stream it reads; it then takes no records of anybody else. None: it takes records.
        starting_position: Where it begins to read: ``LATEST``, with what comes from now on, as on AWS; or ``TRIM_HORIZON``,
            with the oldest that is there, which AWS does not have.
        prefix: What keys begin with. Expressions in it are ``!{timestamp:yyyy-MM-dd}``, of the fields yyyy, MM, dd, HH, mm, ss
            and quoted text, and ``!{firehose:random-string}``. If none is of time, ``yyyy/MM/dd/HH/`` follows it, with no
            slash put between them (DEL A4).
        buffering_size: MiB at which an object is complete, 1 to 128. It may be larger by less than one record.
        buffering_interval: Seconds after its first record at which an object is complete, 0 to 900. With 0, each call's
            records are an object.
        append_delimiter: Whether a newline follows each record; without it nothing stands between them (DEL A3).
        compression_format: ``UNCOMPRESSED`` or ``GZIP``.
        file_extension: What keys end in, such as ``.json``; empty: ``.gz`` or nothing, as the format is.
        clock: Where "now" comes from; the shared `SystemClock` unless given.
        faults: A plan of faults; of its kinds, a delivery stream has lost acknowledgements.
        seed: A number or a `random.Random` from which ids are drawn; the same seed gives the same ids and keys.
        home: The region it belongs to, which then has clock and seed; `Region.delivery_stream` gives this.

    Raises:
        FirehoseInvalidArgument: The name, the prefix, the extension, or a hint of buffering is not acceptable.
        NotSupported: AWS has such a setting, and postroom has not.
        InvalidInput: An argument is of a wrong type, the source is on another clock, or the prefix has no place in the directory.

    Differs from Firehose: no transformation, no partitioning, one kind of destination; see docs/fidelity.md.
    """

    def __init__(
        self,
        name: str,
        store: ObjectStore | str | os.PathLike[str],
        *,
        source: Stream | None = None,
        starting_position: checks.StartingPosition = "LATEST",
        prefix: str = "",
        buffering_size: int = limits.BUFFERING_SIZE_DEFAULT_MIB,
        buffering_interval: Duration = limits.BUFFERING_INTERVAL_DEFAULT_US // SECOND_US,
        append_delimiter: bool = False,
        compression_format: checks.Compression = "UNCOMPRESSED",
        file_extension: str = "",
        clock: Clock | None = None,
        faults: Faults | None = None,
        seed: int | random.Random | None = None,
        home: Home | None = None,
        **_not_there: Never,
    ) -> None:
        if _not_there:
            refuse_unknown("DeliveryStream", _not_there, DELIVERY_STREAM_NOT_THERE, DELIVERY_STREAM_TAKES)
        checks.check_name(name)
        checks.check_format(compression_format, append_delimiter)
        checks.check_position(starting_position, has_source=source is not None)
        check_faults(faults)
        home = home_of(home, clock, seed, f"delivery stream {name}")
        if source is not None:
            check_source(source, home.clock)
        self._interval = checks.interval_us(buffering_interval)
        self._buffering_size = buffering_size
        self._prefix = prefix
        self._file_extension = file_extension
        self._source = source
        self._feeds: list[Feed] = []
        super().__init__(
            name,
            str(Arn("aws", "firehose", home.region_name, home.account, f"deliverystream/{name}")),
            home,
            to_store(store),
            keys=(prefix, file_extension),
            size=checks.size_of_buffer(buffering_size),
            interval=self._interval,
            append_delimiter=append_delimiter,
            compression_format=compression_format,
            faults=faults,
        )
        if isinstance(self._store, DirectoryStore):
            self._store.path_of(self._keys.specimen())
        self._clock.register(self)
        if source is not None:
            self._read(source, starting_position)

    def _read(self, source: Stream, position: checks.StartingPosition) -> None:
        source_name = source.name
        for shard in source.shards:
            self._feeds.append(Feed(source.reader(shard.shard_id, position), self._take_over, source_name))
        for feed in self._feeds:
            feed.ask()
        if self._clock.has_due:
            self._clock.run_due()

    def _take_over(self, data: list[bytes], arrivals: list[tuple[int, str]]) -> None:
        self._take(data, "put_record_batch", (), arrivals)

    def __repr__(self) -> str:
        # No lock: a repr must never wait.
        records, _ = self._core.in_buffer()
        aside = f", {len(self._core.undelivered)} undelivered" if self._core.undelivered else ""
        state = "closed" if self._closed else f"{records} records buffered"
        return f"<DeliveryStream {self._name}: {state}, {self._core.counts['objects']} objects written{aside}>"

    # Settings.

    @property
    def store(self) -> ObjectStore:
        """
        Where objects go.
        """
        return self._store

    @property
    def source(self) -> Stream | None:
        """
        The stream it reads; None: it takes records.
        """
        return self._source

    @property
    def prefix(self) -> str:
        """
        What keys begin with, as it was given.
        """
        return self._prefix

    @property
    def buffering_size(self) -> int:
        """
        MiB at which an object is complete.
        """
        return self._buffering_size

    @property
    def buffering_interval(self) -> float:
        """
        Seconds after its first record at which an object is complete.
        """
        return self._interval / SECOND_US

    @property
    def append_delimiter(self) -> bool:
        """
        Whether a newline follows each record.
        """
        return bool(self._delimiter)

    @property
    def compression_format(self) -> str:
        """
        ``UNCOMPRESSED`` or ``GZIP``.
        """
        return self._format

    @property
    def file_extension(self) -> str:
        """
        What keys end in, as it was given.
        """
        return self._file_extension

    # Putting.

    def put_record(self, data: checks.Data) -> PutDelivery:
        """
        Takes one record. It returns when the record is in the buffer, not when it is written. O(1).

        >>> from postroom import DeliveryStream, ManualClock, MemoryStore
        >>> stream = DeliveryStream("events", MemoryStore(), clock=ManualClock())
        >>> put = stream.put_record(b"2 x tea")
        >>> stream.explain(put.record_id)
        'in the buffer: the object is complete in 00:05:00, or when it holds 5 MiB'

        Args:
            data: 0 to 1,024,000 bytes.

        Raises:
            FirehoseInvalidArgument: There are more, or the delivery stream reads a stream.
            InvalidInput: They are no bytes; of a `str`, give ``text.encode()``.
            ResourceClosed: The delivery stream is closed.
        """
        return PutDelivery(self._put(lambda: [checks.check_data(data)], "put_record")[0])

    def put_record_batch(self, records: Iterable[checks.Data]) -> BatchOutcome[PutDelivery]:
        """
        Takes 1 to 500 records of 4 MiB together, in order.

        Either all are taken or the call is refused: there is no quota here, by which AWS takes some and not others.

        >>> from postroom import DeliveryStream, ManualClock, MemoryStore
        >>> stream = DeliveryStream("events", MemoryStore(), clock=ManualClock())
        >>> outcome = stream.put_record_batch([b"2 x tea", b"1 x cake"])
        >>> [success.id for success in outcome.successful], outcome.failed
        (['0', '1'], [])

        Args:
            records: The data of each, 0 to 1,024,000 bytes.

        Raises:
            FirehoseInvalidArgument: There are none, too many, or too many bytes, or the delivery stream reads a stream.
            InvalidInput: They are no list, or the data of one are no bytes.
            ResourceClosed: The delivery stream is closed.
        """
        ids = self._put(lambda: checks.check_batch(records), "put_record_batch")
        return BatchOutcome([str(index) for index in range(len(ids))], ids, PutDelivery, has_failures=False)

    def _put(self, check: Callable[[], list[bytes]], operation: str) -> list[str]:
        try:
            self._refuse_if_it_reads()
            data = check()
        except PostroomError as error:
            self._sign(error, operation)
            raise
        ids = self._take(data, operation, causes())
        if self._clock.has_due:
            self._clock.run_due()
        return ids

    def _refuse_if_it_reads(self) -> None:
        if self._source is not None:
            raise FirehoseInvalidArgument(
                "This operation is not permitted on KinesisStreamAsSource delivery stream type.",
                help=f"It reads the {self._source}: put the record there.",
            )

    def deliver(self, parcel: Parcel) -> None:
        """
        Takes a parcel over: its body is the data of one record.

        This is for resources: what it makes due runs when the call returns that the delivery is part of.

        >>> from postroom import DeliveryStream, ManualClock, MemoryStore
        >>> from postroom.message import Parcel
        >>> stream = DeliveryStream("events", MemoryStore(), clock=ManualClock())
        >>> stream.deliver(Parcel("2 x tea"))
        >>> stream.stats().buffered_records
        1

        Raises:
            FirehoseInvalidArgument: It is too large, or the delivery stream reads a stream.
            ResourceClosed: The delivery stream is closed.
        """
        try:
            self._refuse_if_it_reads()
            data = checks.check_data(parcel.body.encode())
        except PostroomError as error:
            self._sign(error, "deliver")
            raise
        self._take([data], "deliver", (parcel.cause,) if parcel.cause else ())

    # Writing.

    def flush(self) -> None:
        """
        Writes everything now: what is buffered, what waits to be tried again, and what is `undelivered`.

        It returns when all of it is in the store. An object that fails is kept, as are those behind it.

        >>> from postroom import DeliveryStream, ManualClock, MemoryStore
        >>> stream = DeliveryStream("events", MemoryStore(), clock=ManualClock())
        >>> put = stream.put_record(b"2 x tea")
        >>> stream.flush()
        >>> list(stream.store.objects.values())
        [b'2 x tea']

        On a closed delivery stream it tries what could not be written then. Called by a store's own `put`, it has everything
        written after that one, and returns before.

        Raises:
            ObjectNotWritten: A write failed. The store's error is its ``__cause__``.
        """
        self._write_out("flush")

    def close(self) -> None:
        """
        Writes what is buffered, and takes no more records.

        A record that cannot be written is kept, in `undelivered`; `flush` tries again. What its source still holds stays there.

        >>> from postroom import DeliveryStream, ManualClock, MemoryStore
        >>> with DeliveryStream("events", MemoryStore(), clock=ManualClock()) as stream:
        ...     put = stream.put_record(b"2 x tea")
        >>> stream
        <DeliveryStream events: closed, 1 objects written>

        Raises:
            ObjectNotWritten: A write failed. The store's error is its ``__cause__``.
        """
        is_first = not self._closed
        super().close()
        for feed in self._feeds:
            feed.stop()
        if is_first or self._core.waiting:  # again, too: Ctrl-C may have come in between
            self._write_out("close")

    def _write_out(self, operation: str) -> None:
        try:
            with self._lock:
                now = self._clock.now_us()
                number = self._core.take_up(now)
                self._set_alarm(now)
            if self._finish(number):
                self._refuse_left(number, operation)
        except BaseException:
            self._rebalance()
            raise
        if self._clock.has_due:
            self._clock.run_due()

    @property
    def undelivered(self) -> list[tuple[str, bytes]]:
        """
        Objects that are kept and that nobody tries to write any more, as key and data, in order.

        They could not be written for 24 hours, or when the delivery stream was closed. AWS loses them (DEL A5).

        >>> from postroom import DeliveryStream, ManualClock
        >>> class Full:
        ...     def put(self, key, data):
        ...         raise OSError("the disk is full")
        >>> stream = DeliveryStream("events", Full(), clock=ManualClock(), seed=1)
        >>> put = stream.put_record(b"2 x tea")
        >>> stream.close()
        Traceback (most recent call last):
            ...
        postroom.errors.ObjectNotWritten: 1 objects of the delivery stream events were not written: OSError('the disk is full')
          Nothing is lost: undelivered holds them, as (key, data), and flush() tries again.
        >>> [data for key, data in stream.undelivered]
        [b'2 x tea']
        """
        with self._lock:
            found = list(self._core.undelivered)
        return [(one.key, self._data_of(one)) for one in found]

    # Looking.

    def stats(self) -> DeliveryStreamStats:
        """
        What it holds and what went through it, at this instant.

        >>> from postroom import DeliveryStream, ManualClock, MemoryStore
        >>> stream = DeliveryStream("events", MemoryStore(), clock=ManualClock())
        >>> outcome = stream.put_record_batch([b"2 x tea", b"1 x cake"])
        >>> stream.flush()
        >>> stream.stats().objects, stream.stats().records, stream.stats().bytes
        (1, 2, 15)
        """
        with self._lock:
            core = self._core
            records, size = core.in_buffer()
            return DeliveryStreamStats(
                buffered_records=records,
                buffered_bytes=size,
                waiting_objects=len(core.waiting) - (core.open is not None),
                undelivered=len(core.undelivered),
                **core.counts,
            )

    def explain(self, record_id: str) -> str:
        """
        Says where a record is and why, in a sentence.

        The last 1,000 records that were written are remembered. Costs in proportion to what the delivery stream holds.

        >>> from postroom import DeliveryStream, ManualClock, MemoryStore
        >>> clock = ManualClock()
        >>> stream = DeliveryStream("events", MemoryStore(), prefix="tea/", clock=clock, seed=1)
        >>> put = stream.put_record(b"2 x tea")
        >>> clock.advance(310)
        >>> stream.explain(put.record_id)
        'written 10.0 s ago, in tea/2024/01/01/00/events-1-2024-01-01-00-00-00-c22b40b0-6a4e-4249-84e5-55fd618c457c'

        Args:
            record_id: As `put_record` returned it.
        """
        if not isinstance(record_id, str):
            raise InvalidInput(
                f"record_id is of type {type(record_id).__name__}.",
                help="Give the str in put.record_id.",
                operation="explain",
                resource=self._name,
            )
        with self._lock:
            now = self._clock.now_us()
            one = self._core.find(record_id)
            if one is not None:
                return self._explain_held(one, now)
            at, key = self._core.fates.get(record_id, (0, ""))
        if key:
            return f"written {show_span(now - at)} ago, in {key}"
        return f"unknown: the {self} does not hold it, and it is not among the last that it wrote"

    def _explain_held(self, one: Object, now: int) -> str:
        if one.closed_at is None:
            left = show_span(max(one.begun_at + self._interval - now, 0))
            return f"in the buffer: the object is complete in {left}, or when it holds {self._buffering_size} MiB"
        failed = f": {one.attempts} attempts failed, the last with {shown_error(one.error)}" if one.error else ""
        if one in self._core.undelivered:
            return f"undelivered, in {one.key}{failed}; flush() tries again"
        if one.retry_at is not None:
            return f"waits to be written, in {one.key}{failed}, the next is due in {show_span(one.retry_at - now)}"
        if self._core.is_next(one):
            return f"being written, in {one.key}{failed}"
        return f"waits to be written, in {one.key}, behind {self._core.waiting[0].key}"

    def wires(self) -> list[Wire]:
        """
        What it reads, and where it writes to.
        """
        wires = [Wire(str(self), f"store {shown_store(self._store)}")]
        return wires if self._source is None else [Wire(str(self._source), str(self)), *wires]

    def _forget_other_threads(self) -> None:
        super()._forget_other_threads()
        for feed in self._feeds:
            if not feed.asks:  # the thread that was at work was not copied
                self._clock.run(feed.ask, str(self), patient=True)
