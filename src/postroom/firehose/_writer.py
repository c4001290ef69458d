"""
The frame of a delivery stream: lock, clock, and who writes what is complete.

Objects are written without any lock, by one thread at a time and in order. Whoever has the *turn* looks for the next
object under the lock and gives the turn up under the same hold in which it finds none, so that nothing completed
meanwhile is left lying. A turn that is cut short, by Ctrl-C say, is given up with the object where it was: the next
turn writes it again, under the same key.
"""

from __future__ import annotations

import os
import random
import threading
import zlib
from threading import get_ident
from typing import TYPE_CHECKING, Any

from postroom import limits
from postroom.clock import Due, Timer, show_span
from postroom.delivery import BackoffRetries, Resource
from postroom.errors import LostAcknowledgement, ObjectNotWritten, PostroomError, ResourceClosed
from postroom.firehose._buffer import Buffer, Object, Record
from postroom.firehose._checks import EXTENSIONS
from postroom.firehose._keys import Keys
from postroom.message import format_uuid

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from postroom.faults import Faults
    from postroom.firehose._stores import ObjectStore
    from postroom.observe import Home, Kind, Observation

_RETRIES = BackoffRetries(
    max_retries=limits.DELIVERY_RETRY_MAX_US,
    max_age=limits.DELIVERY_RETRY_MAX_US,
    base=limits.DELIVERY_RETRY_FIRST_US,
    longest=limits.DELIVERY_RETRY_LONGEST_US,
    jitter=False,
)
"""By time alone, not by count (DEL A5); the delays are ours."""
_GZIP = 31
"""For zlib: the frame of gzip, whose time of change is 0, so that the same records make the same bytes."""
_BODY_SHOWN = 200


class Turn:
    """
    Of the thread that writes.
    """

    __slots__ = ("ident",)

    def __init__(self) -> None:
        self.ident = get_ident()


class Writer(Resource):
    """
    Not for users: see `DeliveryStream`.
    """

    kind = "delivery stream"

    def __init__(
        self,
        name: str,
        arn: str,
        home: Home,
        store: ObjectStore,
        *,
        keys: tuple[str, str],
        size: int,
        interval: int,
        append_delimiter: bool,
        compression_format: str,
        faults: Faults | None,
    ) -> None:
        super().__init__(name, arn, home)
        self._store = store
        self._faults = faults
        self._delimiter = b"\n" if append_delimiter else b""
        self._format = compression_format
        prefix, extension = keys
        self._keys = Keys(name, prefix, extension or EXTENSIONS[compression_format])
        # Keys have a random source of their own: ids do not depend on when objects are complete.
        self._key_random = random.Random(home.random.getrandbits(64))
        self._core = Buffer(
            size=size,
            interval=interval,
            delimiter=self._delimiter,
            name=lambda at: self._keys.key(at, self._key_random),
            retries=_RETRIES,
            rng=home.random,
        )
        self._turn: Turn | None = None
        self._rest = threading.Condition(self._lock)
        self._alarm: Timer | None = None

    # Taking records.

    def _take(
        self,
        data: list[bytes],
        operation: str,
        causes: tuple[str, ...],
        arrivals: list[tuple[int, str]] | None = None,
    ) -> list[str]:
        """
        Takes records into the buffer, all at one instant, and tells of it.

        Args:
            data: Of each record.
            operation: The name of the call, for its errors.
            causes: What all of them were made of.
            arrivals: Of records of a stream: when each arrived there, and its id there.
        """
        core = self._core
        try:
            with self._lock:
                if self._closed:
                    self._refuse_closed(operation)
                now = self._clock.now_us()
                times = [now] * len(data) if arrivals is None else _instants(arrivals)
                records = self._records(data, times)
                was_empty = core.due_at is None
                closed = core.put(now, records)
                if closed:
                    self._ask()
                if closed or was_empty:
                    self._set_alarm(now)
                seen = self._seen_put(now, records, causes, arrivals) if self._observers else None
        except BaseException:
            self._rebalance()
            raise
        self._clock.note_progress()
        if seen:
            self._tell(seen)
        return [record.record_id for record in records]

    def _seen_put(
        self, now: int, records: list[Record], causes: tuple[str, ...], arrivals: list[tuple[int, str]] | None
    ) -> list[Observation]:
        seen: list[Observation] = []
        for index, record in enumerate(records):
            details: dict[str, Any] = {
                "body": record.data[:_BODY_SHOWN].decode(errors="replace"),
                "size": len(record.data),
            }
            made_of = causes if arrivals is None else (arrivals[index][1],)
            if made_of:
                details["caused_by"] = made_of
            seen.append(self._seen(now, "put", record.record_id, **details))
        return seen

    # What falls due.

    def _set_alarm(self, now: int) -> None:
        """
        Under the lock, after each change: the clock calls when the next thing is due that is not due already.
        """
        when = None if self._closed else self._core.next_wakeup()
        alarm = self._alarm
        if alarm is not None and alarm.active and alarm.when_us == when != now:
            return
        if when is not None:
            try:
                self._alarm = self._clock.alarm(when, self._on_alarm, str(self))
            except ResourceClosed:
                self._alarm = None  # a closed clock calls nobody: flush and close write
        else:
            self._alarm = None
        if alarm is not None:
            alarm.cancel()

    def _records(self, data: list[bytes], times: list[int]) -> list[Record]:
        draw = self._home.random.getrandbits
        return [Record(format_uuid(draw(128)), one, at) for one, at in zip(data, times, strict=True)]

    def _on_alarm(self) -> None:
        with self._lock:
            if self._closed:
                return
            now = self._clock.now_us()
            self._core.settle(now)
            if self._core.next_write(now) is not None:
                self._ask()
            when = self._core.next_wakeup()
            if when is not None and when > now:
                self._set_alarm(now)
            # What is due now the next turn deals with, and it sets the alarm again.

    def _ask(self) -> None:
        """
        Has the clock run a turn of writing, on a thread that may block.
        """
        try:
            self._clock.run(self._write_all, str(self), patient=True)
        except ResourceClosed:
            pass  # a closed clock runs nothing any more, and has said so

    def _rebalance(self) -> None:
        """
        After a change that was cut short, by Ctrl-C say: what it completed is written all the same.
        """
        with self._lock:
            now = self._clock.now_us()
            if self._core.next_write(now) is not None:
                self._ask()
            self._set_alarm(now)

    # Writing.

    def _write_all(self) -> None:
        """
        Writes what is complete and due, unless another thread is at it: that one looks again before it leaves.
        """
        try:
            self._take_turn(Turn())
        except BaseException:
            self._ask()  # Ctrl-C: whoever has the next turn writes it again
            raise

    def _take_turn(self, turn: Turn) -> None:
        try:
            while (one := self._next_of(turn)) is not None:
                self._write(one)
        finally:
            if self._turn is turn:
                self._turn = None
                with self._lock:
                    self._rest.notify_all()

    def _next_of(self, turn: Turn) -> Object | None:
        with self._lock:
            if self._turn is not None and self._turn is not turn:
                return None
            now = self._clock.now_us()
            one = self._core.next_write(now)
            self._turn = None if one is None else turn
            if one is None:
                self._rest.notify_all()
                self._set_alarm(now)
            return one

    def _write(self, one: Object) -> None:
        error: Exception | None = None
        size = 0
        try:
            data = self._data_of(one)
            size = len(data)
            self._store.put(one.key, data)
            self._lose_acknowledgement(one)
        except Exception as raised:
            error = raised
        with self._lock:
            now = self._clock.now_us()
            attempts = one.attempts
            if error is None:
                self._core.written(now, one, size)
            else:
                self._core.failed(now, one, error)
                if self._closed:
                    self._core.give_up(now)  # nobody tries again
            seen = self._seen_write(now, one, size, error, attempts) if self._observers else None
        if error is None:
            self._clock.note_progress()
        if seen:
            self._tell(seen)

    def _data_of(self, one: Object) -> bytes:
        data = b"".join([record.data + self._delimiter for record in one.records])
        return data if self._format == "UNCOMPRESSED" else zlib.compress(data, wbits=_GZIP)

    def _lose_acknowledgement(self, one: Object) -> None:
        if self._faults is not None and self._faults.draws_lost_acknowledgement(f"{self._name}->store"):
            raise LostAcknowledgement(
                f"The store has {one.key}, and its acknowledgement was lost.",
                help="A plan of faults did this; the object is written again.",
            )

    def _seen_write(
        self, now: int, one: Object, size: int, error: Exception | None, attempts: int
    ) -> list[Observation]:
        details: dict[str, Any] = {"key": one.key, "size": size}
        if error is not None:
            details = {"key": one.key, "error": shown_error(error), "retry": attempts}
        kind: Kind = "written" if error is None else "refused"
        return [self._seen(now, kind, record.record_id, **details) for record in one.records]

    def _finish(self, number: int) -> bool:
        """
        Returns when each object up to that number was written or has failed; takes part in the writing.

        Returns:
            False if it was called by what the calling thread writes with, which cannot wait for itself.
        """
        ident = get_ident()
        while True:
            self._write_all()
            with self._lock:
                if self._core.is_settled(number):
                    return True
                if self._turn is not None:
                    if self._turn.ident == ident:
                        return False
                    self._rest.wait()

    def _refuse_left(self, number: int, operation: str) -> None:
        """
        After `_finish`: raises if something was not written.
        """
        with self._lock:
            now = self._clock.now_us()
            left = self._core.left(number)
            due = None if self._closed or not left else left[0].retry_at
        if not left:
            return
        error = left[0].error
        raise ObjectNotWritten(
            f"{len(left)} objects of the {self} were not written: {shown_error(error)}",
            help="Nothing is lost: undelivered holds them, as (key, data), and flush() tries again."
            if due is None
            else f"Nothing is lost: they are tried again in {show_span(due - now)}, and by flush() at once.",
            operation=operation,
            resource=self._name,
        ) from error

    # The rest of the frame.

    def next_wakeup(self, now: int) -> int | None:
        """
        When the open object is complete or a write is tried again, in microseconds since the epoch; None if neither ever is.
        """
        with self._lock:
            when = None if self._closed else self._core.next_wakeup()
        return None if when is None else max(when, now)

    def pending(self, now: int) -> Iterable[Due]:  # noqa: ARG002 - what is due here stays so until it was done
        """
        What falls due here, for people: when the open object is complete, and when a write is tried again.
        """
        with self._lock:
            core = self._core
            if self._closed:
                return []
            found: list[Due] = []
            if core.open is not None and core.due_at is not None:
                found.append(Due(core.due_at, str(self), f"{len(core.open.records)} records buffered: to be written"))
            head = core.waiting[0] if core.waiting else None
            if head is not None and head.retry_at is not None:
                found.append(Due(head.retry_at, str(self), "next attempt to write an object"))
            return found

    def _forget_other_threads(self) -> None:
        # What was in the buffer is the other process's to write, and both must not use the same keys.
        self._key_random = random.Random(f"{self._key_random.getrandbits(64)}/{os.getpid()}")
        self._core.forget()
        if self._turn is not None and self._turn.ident != get_ident():
            self._turn = None
        self._rest = threading.Condition(self._lock)
        self._set_alarm(0)


def shown_error(error: Exception | None) -> str:
    """
    An error in a line: the first of one of ours, else as it represents itself.
    """
    return str(error).splitlines()[0] if isinstance(error, PostroomError) and str(error) else repr(error)


def _instants(arrivals: Sequence[tuple[int, str]]) -> list[int]:
    return [at for at, _ in arrivals]
