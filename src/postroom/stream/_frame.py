"""
A stream around its shards: settings, figures, closing, and the clock's questions.
"""

from __future__ import annotations

import random
from itertools import count
from typing import TYPE_CHECKING, Any, Literal, Never

from postroom import limits
from postroom.clock import Clock, Duration, to_datetime
from postroom.delivery import Resource, refuse_unknown
from postroom.errors import InvalidInput, PostroomError
from postroom.faults import check_faults
from postroom.limits import SECOND_US
from postroom.naming import Arn
from postroom.observe import Home, home_of
from postroom.partitioning import ShardMap, even_ranges
from postroom.stream import _checks as checks
from postroom.stream._explain import explain_key, explain_record
from postroom.stream._iterators import KEY_BITS, Iterators
from postroom.stream._lane import Lane
from postroom.stream._record import Shard
from postroom.stream._refusals import OPERATIONS_NOT_THERE, STREAM_NOT_THERE, STREAM_TAKES, refusing
from postroom.stream._sequence import Origin, decode, is_well_formed
from postroom.stream._shard import ShardLog
from postroom.stream._stats import ShardStats, StreamStats, stats_of

if TYPE_CHECKING:
    from postroom.faults import Faults


class StreamFrame(Resource):
    """
    Not for users: see `Stream`.
    """

    kind = "stream"

    def __init__(
        self,
        name: str,
        *,
        shard_count: int | None = None,
        retention: Duration = 86_400,
        clock: Clock | None = None,
        faults: Faults | None = None,
        seed: int | random.Random | None = None,
        home: Home | None = None,
        **_not_there: Never,
    ) -> None:
        if _not_there:
            refuse_unknown("Stream", _not_there, STREAM_NOT_THERE, STREAM_TAKES)
        checks.check_name(name)
        home = home_of(home, clock, seed, f"stream {name}")
        check_faults(faults)
        self._place = checks.Place(name, home.account)
        shards = checks.check_shard_count(shard_count, self._place, home.region_name)
        self._retention = checks.check_retention(retention)
        created_s = home.clock.now_us() // SECOND_US
        if not 0 <= created_s < limits.SEQUENCE_SECOND_END:
            raise InvalidInput(
                f"A stream cannot be made in {to_datetime(created_s * SECOND_US).year}.",
                help="Its sequence numbers hold seconds of the years 1970 to 2477 (KIN 4).",
            )
        super().__init__(name, str(Arn.stream(home.region_name, home.account, name)), home)
        self._mode: Literal["ON_DEMAND", "PROVISIONED"] = "ON_DEMAND" if shard_count is None else "PROVISIONED"
        self._map = ShardMap(even_ranges(shards))
        self._index_of_key = self._map.index_of
        self._lanes = _lanes(shards, created_s, self._retention)
        self._iterators = Iterators(home.random.getrandbits(KEY_BITS))
        self._clock.register(self)

    def __repr__(self) -> str:
        shown = "closed" if self._closed else f"{sum(map(self._held_now, self._lanes))} records"
        return f"<Stream {self._name}: {len(self._lanes)} shard{'s' if len(self._lanes) > 1 else ''}, {shown}>"

    def _held_now(self, lane: Lane) -> int:
        # What has expired meanwhile is not counted, unless somebody is at work there: a repr must never wait.
        if lane.lock.acquire(blocking=False):
            try:
                lane.log.settle(self._clock.now_us())
            finally:
                lane.lock.release()
        return lane.log.end - lane.log.horizon

    def __len__(self) -> int:
        """
        All records that can be read.
        """
        return self.stats().held

    # A stream without records is still a stream.
    def __bool__(self) -> bool:
        return True

    # Settings.

    @property
    def shards(self) -> list[Shard]:
        """
        Its shards, in the order of their hash ranges.
        """
        return [
            Shard(origin.shard_id, hash_range, origin.sequence_number(0, origin.created_s * SECOND_US))
            for origin, hash_range in zip((lane.log.origin for lane in self._lanes), self._map.ranges, strict=True)
        ]

    @property
    def shard_count(self) -> int:
        """
        How many shards it has.
        """
        return len(self._lanes)

    @property
    def retention(self) -> float:
        """
        Seconds for which a record can be read, counted from its arrival.
        """
        return self._retention / SECOND_US

    @property
    def mode(self) -> Literal["ON_DEMAND", "PROVISIONED"]:
        """
        ``PROVISIONED`` if it was made with a shard count, else ``ON_DEMAND`` (KIN 1).
        """
        return self._mode

    @property
    def status(self) -> Literal["ACTIVE"]:
        """
        Always ``ACTIVE``: a stream here is there as soon as it is made.
        """
        return "ACTIVE"

    def increase_retention_period(self, hours: int) -> None:
        """
        Keeps records for longer. What has expired stays so (KIN 8).

        >>> from postroom import ManualClock, Stream
        >>> stream = Stream("orders", clock=ManualClock())
        >>> stream.increase_retention_period(48)
        >>> stream.retention
        172800.0

        Args:
            hours: 24 to 8760, and not below what it is; the same is no change.

        Raises:
            KinesisInvalidArgument: It is outside that range, or below what it is.
            InvalidInput: It is no int.
            ResourceClosed: The stream is closed.
        """
        self._change_retention(hours, "increase_retention_period")

    def decrease_retention_period(self, hours: int) -> None:
        """
        Keeps records for a shorter time. What is older cannot be read from now on (KIN 8).

        >>> from postroom import ManualClock, Stream
        >>> clock = ManualClock()
        >>> stream = Stream("orders", retention=48 * 3600, clock=clock)
        >>> put = stream.put_record(b"2 x tea", "table-7")
        >>> clock.advance(24 * 3600)
        >>> stream.decrease_retention_period(24)
        >>> len(stream)
        0

        Args:
            hours: 24 to 8760, and not above what it is; the same is no change.

        Raises:
            KinesisInvalidArgument: It is outside that range, or above what it is.
            InvalidInput: It is no int.
            ResourceClosed: The stream is closed.
        """
        self._change_retention(hours, "decrease_retention_period")

    def _change_retention(self, hours: int, operation: str) -> None:
        try:
            span = checks.check_hours(hours)
            with self._lock:
                self._refuse_closed(operation)
                present = self._retention
                if span != present and (span > present) != (operation == "increase_retention_period"):
                    raise checks.refuse_retention(span, present, self._name)
                for lane in self._lanes:
                    with lane.lock:
                        lane.log.retain(self._clock.now_us(), span)
                self._retention = span
        except PostroomError as error:
            self._sign(error, operation)
            raise
        self._clock.note_progress()
        if self._clock.has_due:
            self._clock.run_due()

    # Looking.

    def stats(self) -> StreamStats:
        """
        What went into the stream and what it holds, in sum and by shard, at this instant.

        >>> from postroom import ManualClock, Stream
        >>> stream = Stream("orders", clock=ManualClock())
        >>> put = stream.put_record(b"2 x tea", "a")
        >>> stream.stats().held, stream.stats().held_bytes
        (1, 8)
        """
        found: list[ShardStats] = []
        for lane in self._lanes:
            with lane.lock:
                found.append(stats_of(lane.log, self._clock.now_us()))
        return StreamStats.of(found)

    def explain(self, id: str) -> str:
        """
        Says where a record is and until when it can be read; or where a partition key leads, and why.

        >>> from postroom import ManualClock, Stream
        >>> stream = Stream("orders", clock=ManualClock())
        >>> put = stream.put_record(b"2 x tea", "a")
        >>> stream.explain(put.sequence_number)
        'in shardId-000000000000: arrived 0.0 s ago, readable for another 1 d 00:00:00'
        >>> print(stream.explain("a"))
        unknown as a record; as a partition key it leads to shardId-000000000000: its MD5 digest is hash key
        16955237001963240173058271559858726497, and the shard owns 0 to 85070591730234615865843651857942052863

        Args:
            id: A sequence number; the id of a record in observations, which is ``name:sequence number``; or else a
                partition key.
        """
        if not isinstance(id, str):
            raise InvalidInput(
                f"id is of type {type(id).__name__}.",
                help="Give a sequence number or a partition key, as a str.",
                operation="explain",
                resource=self._name,
            )
        number = id.removeprefix(f"{self._name}:")
        decoded = decode(number) if is_well_formed(number) else None
        if decoded is not None and decoded.shard < len(self._lanes):
            lane = self._lanes[decoded.shard]
            with lane.lock:
                found = explain_record(lane.log, decoded, number, self._clock.now_us())
            if found is not None:
                return found
        return explain_key(id, self._map, self._lanes)

    # The rest of the frame.

    def _wake_all(self) -> None:
        for lane in self._lanes:
            with lane.lock:
                lane.wake_all()

    def close(self) -> None:
        """
        Closes it for good: whoever waits for a record is called, and every later call raises `ResourceClosed`.

        >>> from postroom import ManualClock, Stream
        >>> with Stream("orders", shard_count=2, clock=ManualClock()) as stream:
        ...     put = stream.put_record(b"2 x tea", "table-7")
        >>> stream
        <Stream orders: 2 shards, closed>
        """
        super().close()
        if self._clock.has_due:
            self._clock.run_due()

    def before_fork(self) -> None:
        """
        For the clock: takes all locks, so that a fork copies no half-made change.
        """
        super().before_fork()
        for lane in self._lanes:
            lane.lock.acquire()

    def after_fork(self, *, in_child: bool) -> None:
        """
        For the clock: gives the locks back.
        """
        if in_child:
            for lane in self._lanes:
                lane.after_fork_in_child()
        for lane in self._lanes:
            lane.lock.release()
        super().after_fork(in_child=in_child)


# For type checkers these names are not there at all. A `__getattr__` would make every attribute of a stream slower.
for _name in OPERATIONS_NOT_THERE:
    setattr(StreamFrame, _name, refusing(_name))


def _lanes(shards: int, created_s: int, retention: int) -> list[Lane]:
    """
    A lane for each shard. Five neighbours share a counter, which need not be locked: drawing from it is one step.
    """
    draw: Any = None
    lanes: list[Lane] = []
    for index in range(shards):
        if index % limits.SHARDS_PER_COUNTER == 0:
            draw = count(1).__next__
        lanes.append(Lane(ShardLog(Origin.of(index, created_s), retention=retention, draw=draw)))
    return lanes
