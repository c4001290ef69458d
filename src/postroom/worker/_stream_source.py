"""
What feeds a function from a stream: a lane for each shard, strictly in order (DEL C3).

A lane is asleep until its reader calls (`ShardReader.when_ready`), calls the handler with a batch, moves its reader past
it, and goes on. A batch that failed holds up its own lane and no other; the lane sleeps until its next attempt is due.
"""

from __future__ import annotations

import json
import threading
from functools import partial
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final, cast

from postroom.clock import Due, to_datetime
from postroom.errors import (
    FunctionInvalidParameterValue,
    FunctionValidationError,
    ResourceClosed,
)
from postroom.limits import STREAM_BATCH_SIZE_DEFAULT, STREAM_BATCH_SIZE_MAX, STREAM_RETRIES_MAX
from postroom.message import Parcel
from postroom.observe import Wire
from postroom.worker._calls import Batch
from postroom.worker._checks import check_dead_letters, in_range
from postroom.worker._events import stream_event
from postroom.worker._lane import LaneCore
from postroom.worker._mapping import EventSourceMapping, refuse_other_clock
from postroom.worker._payload import fitting
from postroom.worker._results import plain_error, shown_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from postroom.clock import Instant, Registration, Timer
    from postroom.observe import Destination, Kind
    from postroom.stream import Record, ShardReader, Stream
    from postroom.worker._lane import Discarded
    from postroom.worker._mapping import Caller

_POSITIONS: Final = ("LATEST", "AT_TIMESTAMP", "TRIM_HORIZON")
_BATCHES_PER_TURN: Final = 100
"""After so many a lane lets others have its turn, and joins the end of the line."""


class Lane:
    """
    Not for users: the way of one shard's records into a function.
    """

    def __init__(self, mapping: StreamMapping, reader: ShardReader, max_retries: int) -> None:
        self._mapping = mapping
        self._function = mapping.function
        self._clock = mapping.function.clock
        self._reader = reader
        self._core = LaneCore(max_retries)
        self._lock = threading.Lock()
        self._registration: Registration | None = None
        self._alarm: Timer | None = None
        self._busy = 0
        """The thread at work in it; 0: none."""

    def ask(self) -> None:
        """
        Asks to be woken: when its batch is tried again, or when there is something in the shard.

        Only who has just been woken calls this, or nobody was yet: there is one wake-up on its way. Where Ctrl-C made it
        two, the second finds the lane busy, or nothing to do.
        """
        try:
            self._ask()
        except BaseException:
            self._ask()  # Ctrl-C: nobody else would
            raise

    def _ask(self) -> None:
        try:
            if self._mapping.closed or self._busy:
                return
            due = self._clock.now_us() if self._core.discarded is not None else self._core.due_at
            if due is not None:
                self._keep(alarm=self._clock.alarm(due, self._ring, str(self._function)))
            else:
                # Without the lock: it may call back at once.
                self._keep(registration=self._reader.when_ready(self._work))
        except ResourceClosed:
            self._mapping.close()
        if self._clock.has_due:
            self._clock.run_due()

    def _keep(self, registration: Registration | None = None, alarm: Timer | None = None) -> None:
        """
        Keeps what is going to wake it, to be cancelled; unless it did so already, and what comes next is kept.
        """
        with self._lock:
            if self._mapping.closed:
                _cancel(registration)
                _cancel(alarm)
            elif _is_active(registration) or _is_active(alarm):
                self._registration, self._alarm = registration, alarm

    def _ring(self) -> None:
        self._clock.run(self._work, str(self._function), patient=True)

    def close(self) -> None:
        """
        Wakes no more.
        """
        with self._lock:
            registration, self._registration = self._registration, None
            alarm, self._alarm = self._alarm, None
        _cancel(registration)
        _cancel(alarm)

    def after_fork_in_child(self) -> None:
        """
        The thread that was at work was not copied, nor was the clock's.
        """
        self._lock = threading.Lock()
        if self._busy == get_ident():
            return
        self._busy = 0
        _cancel(self._alarm)
        if not _is_active(self._registration):
            self._clock.run(self.ask, str(self._function), patient=True)

    def pending(self) -> Iterable[Due]:
        """
        For people: when its batch is tried again.
        """
        core = self._core
        if core.due_at is not None and _is_active(self._alarm):
            what = f"a batch of {self._mapping.source}, {self._reader.shard_id}: attempt {core.attempts + 1}"
            yield Due(core.due_at, str(self._function), what)

    # At work.

    def _work(self) -> None:
        is_mine, asks = False, True
        try:
            with self._lock:
                if self._busy:
                    asks = False
                else:
                    is_mine = True
                    self._busy = get_ident()
            if is_mine:
                asks = self._take_turn()
        finally:
            # Whatever ended it, Ctrl-C too: it asks to be woken again.
            if is_mine:
                self._busy = 0
            if asks:
                self.ask()

    def _take_turn(self) -> bool:
        """
        Works, if a call is free; if not, it is called again when one is.
        """
        if not self._function.begin(self._work):
            return False
        # If this was closed meanwhile, the call is given back at once, and with it the turn goes to the next in line.
        try:
            self._work_off()
        except ResourceClosed:
            self._mapping.close()
        finally:
            self._function.end()
        return True

    def _work_off(self) -> None:
        """
        Works off what is there now, as far as it fits into one turn.

        What is put meanwhile is for another turn: a function that feeds its own stream goes round for ever, and the
        clock can tell.
        """
        self._hand_over()
        if self._core.due_at is not None and self._clock.now_us() < self._core.due_at:
            return
        size = self._mapping.batch_size
        some = self._reader.peek(min(size * _BATCHES_PER_TURN, STREAM_BATCH_SIZE_MAX))
        if not some:
            self._core.reset()  # a batch that was to be tried again was trimmed, and nothing is behind it
        for _ in range(-(-len(some) // size)):
            if self._mapping.closed or not self._process(self._batch(size)):
                return

    def _batch(self, size: int) -> Sequence[Record]:
        """
        What the handler is called with next. A batch that failed is cut as it was then.
        """
        records = self._core.choose(self._reader.peek(size))
        return fitting(records, *self._mapping.named) if records else records

    def _process(self, records: Sequence[Record]) -> bool:
        """
        Calls the handler with a batch; whether to go on with the next.
        """
        if not records:
            return False
        core, reader = self._core, self._reader
        called = self._function.process(self._mapping.batch_of(records, core.attempts + 1))
        if called.error is None:
            reader.move_past(records[-1])
            core.reset()
            return True
        core.failed(self._clock.now_us(), records, called.request_id, plain_error(called.error))
        if core.discarded is None:
            return False
        self._hand_over()
        return True

    def _hand_over(self) -> None:
        """
        Says that a batch was given up, and passes it over; does nothing if none was.
        """
        discarded = self._core.discarded
        if discarded is None:
            return
        self._mapping.note_discarded(discarded)
        self._reader.move_past(discarded.records[-1])
        self._core.reset()


class StreamMapping(EventSourceMapping):
    """
    Not for users: see `EventSourceMapping`.
    """

    def __init__(
        self,
        function: Caller,
        stream: Stream,
        *,
        batch_size: int | None,
        uuid: str,
        starting_position: str | None,
        starting_position_timestamp: Instant | None,
        max_retries: int,
        on_failure: object,
    ) -> None:
        refuse_other_clock(function, stream)
        _check_position(starting_position, starting_position_timestamp)
        check_dead_letters(on_failure, function.clock, "on_failure")
        size = in_range("batch_size", "batchSize", batch_size, STREAM_BATCH_SIZE_DEFAULT, 1, STREAM_BATCH_SIZE_MAX)
        retries = in_range("maximum_retry_attempts", "maximumRetryAttempts", max_retries, -1, -1, STREAM_RETRIES_MAX)
        super().__init__(function, stream, batch_size=size, uuid=uuid)
        self._stream = stream
        self._on_failure = cast("Destination | None", on_failure)
        self._position: Any = starting_position
        self._timestamp = starting_position_timestamp
        self._max_retries = retries
        self._lanes: list[Lane] = []

    @property
    def on_failure(self) -> Destination | None:
        """
        As `EventSourceMapping.on_failure`.
        """
        return self._on_failure

    def start(self) -> None:
        """
        As `EventSourceMapping.start`.
        """
        try:
            self._stream._refuse_closed("add_event_source")
            readers = [
                self._stream.reader(shard.shard_id, self._position, timestamp=self._timestamp)
                for shard in self._stream.shards
            ]
        except BaseException:
            self.close()
            raise
        self._lanes = [Lane(self, reader, self._max_retries) for reader in readers]
        for lane in self._lanes:
            lane.ask()

    def close(self) -> None:
        """
        As `EventSourceMapping.close`.
        """
        self._closed = True
        for lane in self._lanes:
            lane.close()

    def wires(self) -> Iterable[Wire]:
        """
        As `EventSourceMapping.wires`.
        """
        yield Wire(str(self._stream), str(self._function), f"batches of {self._batch_size}")
        if self._on_failure is not None:
            label = f"after {self._max_retries + 1}" if self._max_retries >= 0 else ""
            yield Wire(str(self._function), str(self._on_failure), label, "dead letters")

    def pending(self) -> Iterable[Due]:
        """
        As `EventSourceMapping.pending`.
        """
        for lane in self._lanes:
            yield from lane.pending()

    def after_fork_in_child(self) -> None:
        """
        As `EventSourceMapping.after_fork_in_child`.
        """
        for lane in self._lanes:
            lane.after_fork_in_child()

    # For its lanes.

    def batch_of(self, records: Sequence[Record], attempt: int) -> Batch:
        """
        What the handler is called with for records of one shard.
        """
        return Batch(
            self._ids(records), partial(stream_event, records, *self.named), partial(_details, records, attempt)
        )

    @property
    def named(self) -> tuple[str, str, str]:
        """
        What all its records name: the stream's ARN, the region, and the function's role.
        """
        home = self._stream._home
        return self._stream.arn, home.region_name, f"arn:aws:iam::{home.account}:role/{self._function.name}"

    def _ids(self, records: Sequence[Record]) -> list[str]:
        return [f"{self._stream.name}:{record.sequence_number}" for record in records]

    def note_discarded(self, discarded: Discarded) -> None:
        """
        Says, where it is to be said, that a batch was given up.
        """
        ids, to = self._ids(discarded.records), self._on_failure
        kind: Kind = "dropped"
        told: dict[str, Any] = {"request_id": discarded.request_id, "error": discarded.error}
        rest = f"after {discarded.attempts} calls"
        if to is not None:
            try:
                to.deliver(Parcel(self._record_of(discarded), cause=ids[-1]))
            except Exception as error:
                told["error"] = f"{to} did not take it: {shown_error(error)}"
            else:
                kind, told["to"] = "dead-lettered", str(to)
                rest += f", to {to}"
        self._function.note_end(kind, ids, f": RetryAttemptsExhausted, {rest}", **told)

    def _record_of(self, discarded: Discarded) -> str:
        """
        The record that tells of it, without the data: consumers read those by their sequence numbers (DEL C3).
        """
        first, last = discarded.records[0], discarded.records[-1]
        return json.dumps(
            {
                "requestContext": {
                    "requestId": discarded.request_id,
                    "functionArn": self._function.arn,
                    "condition": "RetryAttemptsExhausted",
                    "approximateInvokeCount": discarded.attempts,
                },
                "responseContext": {
                    "statusCode": 200,
                    "executedVersion": "$LATEST",
                    "functionError": "Unhandled",
                },
                "version": "1.0",
                "timestamp": _iso(discarded.at_us),
                "KinesisBatchInfo": {
                    "shardId": first.shard_id,
                    "startSequenceNumber": first.sequence_number,
                    "endSequenceNumber": last.sequence_number,
                    "approximateArrivalOfFirstRecord": _iso(first.arrived_at_us),
                    "approximateArrivalOfLastRecord": _iso(last.arrived_at_us),
                    "batchSize": len(discarded.records),
                    "streamArn": self._stream.arn,
                },
            }
        )


def _cancel(one: Registration | Timer | None) -> None:
    if one is not None:
        one.cancel()


def _is_active(one: Registration | Timer | None) -> bool:
    return one is not None and one.active


def _details(records: Sequence[Record], attempt: int) -> Iterable[Mapping[str, Any]]:
    return [{"attempt": attempt}] * len(records)


def _iso(at_us: int) -> str:
    return to_datetime(at_us).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _check_position(position: object, timestamp: object) -> None:
    if position is None:
        raise FunctionInvalidParameterValue(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
            "Member must not be null.",
            help='A stream needs starting_position: "TRIM_HORIZON", "LATEST" or "AT_TIMESTAMP".',
        )
    if position not in _POSITIONS:
        raise FunctionValidationError(
            f"1 validation error detected: Value '{position}' at 'startingPosition' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(_POSITIONS)}]",
            help='Give "TRIM_HORIZON", "LATEST" or "AT_TIMESTAMP".',
        )
    if (position == "AT_TIMESTAMP") != (timestamp is not None):
        raise FunctionInvalidParameterValue(
            "StartingPositionTimestamp goes with the starting position AT_TIMESTAMP, and with no other.",
            help=f"starting_position={position!r}, starting_position_timestamp={timestamp!r}",
        )
