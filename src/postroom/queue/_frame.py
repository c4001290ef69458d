"""
What both kinds of queue share around their core: settings, figures, observers, hand-overs, and the clock's questions.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Never, TypeVar, cast

from postroom import limits
from postroom.clock import Clock, Due, Duration, Waiters
from postroom.delivery import BatchOutcome, Resource, refuse_unknown
from postroom.delivery._refusals import QUEUE_NOT_THERE
from postroom.errors import InvalidInput, PostroomError
from postroom.faults import check_faults
from postroom.limits import SECOND_US
from postroom.message import Parcel
from postroom.naming import Arn, check_queue_name
from postroom.observe import Destination, Home, Observation, Wire, causes, home_of, with_causes
from postroom.queue import _checks as checks
from postroom.queue._batch import (
    DeleteEntry,
    SendEntry,
    VisibilityEntry,
    listed,
    with_ids,
)
from postroom.queue._entry import Entry, Stored
from postroom.queue._handles import Handles
from postroom.queue._message import Message
from postroom.queue._standard import StandardCore
from postroom.queue._stats import QueueStats, explain

if TYPE_CHECKING:
    from postroom.faults import Faults
    from postroom.observe import Kind

N = TypeVar("N", SendEntry, DeleteEntry, VisibilityEntry)
R = TypeVar("R")

_TOKEN_BITS = 72
QUEUE_TAKES = (
    "clock",
    "dead_letter_queue",
    "delay",
    "faults",
    "home",
    "max_receive_count",
    "maximum_message_size",
    "receive_message_wait_time",
    "retention",
    "seed",
    "visibility_timeout",
)
SENDER = "AIDAPOSTROOMSENDER000"
"""The SenderId of whoever sends: there are no users here (SQS 5.2)."""


class QueueFrame(Resource):
    """
    Not for users: see `Queue`.
    """

    kind = "queue"

    def __init__(
        self,
        name: str,
        *,
        clock: Clock | None = None,
        visibility_timeout: Duration = 30,
        delay: Duration = 0,
        retention: Duration = 345_600,
        receive_message_wait_time: Duration = 0,
        maximum_message_size: int = limits.MESSAGE_SIZE_MAX_BYTES,
        dead_letter_queue: Destination | None = None,
        max_receive_count: int | None = None,
        faults: Faults | None = None,
        seed: int | random.Random | None = None,
        home: Home | None = None,
        **_not_there: Never,
    ) -> None:
        if _not_there:
            refuse_unknown("Queue", _not_there, QUEUE_NOT_THERE, QUEUE_TAKES)
        check_queue_name(name)
        home = home_of(home, clock, seed, f"queue {name}")
        check_faults(faults)
        attribute = checks.attribute_us
        core = StandardCore(
            visibility_timeout=attribute(
                "visibility_timeout", "VisibilityTimeout", visibility_timeout, 0, limits.VISIBILITY_TIMEOUT_MAX_US
            ),
            delay=attribute("delay", "DelaySeconds", delay, 0, limits.DELAY_MAX_US),
            retention=attribute(
                "retention", "MessageRetentionPeriod", retention, limits.RETENTION_MIN_US, limits.RETENTION_MAX_US
            ),
            max_receive_count=checks.check_redrive(dead_letter_queue, max_receive_count, self.kind, home),
            duplicates=None if faults is None else lambda: faults.draws_duplicate(name),
        )
        self._wait_us = attribute(
            "receive_message_wait_time",
            "ReceiveMessageWaitTimeSeconds",
            receive_message_wait_time,
            0,
            limits.WAIT_TIME_MAX_US,
        )
        self._max_size = checks.check_max_size(maximum_message_size)
        super().__init__(name, str(Arn.queue(home.region_name, home.account, name)), home)
        self._core = core
        self._dead_letter_queue = dead_letter_queue
        self._random = home.random
        self._handles = Handles(home.random.getrandbits(_TOKEN_BITS))
        self._waiters = Waiters(self._clock, self._lock, core.ready, str(self))
        self._clock.register(self)

    def __repr__(self) -> str:
        core = self._core
        # What fell due meanwhile counts, unless somebody is at work here: a repr must never wait.
        if self._lock.acquire(blocking=False):
            try:
                core.settle(self._clock.now_us())
            finally:
                self._lock.release()
        state = "closed" if self._closed else f"{core.available} available"
        return f"<Queue {self._name}: {state}, {core.in_flight} in flight, {len(core.delayed)} delayed>"

    def __len__(self) -> int:
        """
        All messages it holds: available, in flight and delayed.
        """
        with self._lock:
            self._core.settle(self._clock.now_us())
            return len(self._core)

    # A queue without messages is still a queue.
    def __bool__(self) -> bool:
        return True

    # Settings.

    @property
    def visibility_timeout(self) -> float:
        """
        Seconds a received message stays hidden unless the receive says otherwise.
        """
        return self._core.visibility_timeout / SECOND_US

    @property
    def delay(self) -> float:
        """
        Seconds a new message stays hidden unless the send says otherwise.
        """
        return self._core.delay / SECOND_US

    @property
    def retention(self) -> float:
        """
        Seconds after which a message vanishes, counted from its send.
        """
        return self._core.retention / SECOND_US

    @property
    def receive_message_wait_time(self) -> float:
        """
        Seconds a receive waits that gives no `wait_time`.
        """
        return self._wait_us / SECOND_US

    @property
    def maximum_message_size(self) -> int:
        """
        Bytes that body and attributes of one message may have.
        """
        return self._max_size

    @property
    def dead_letter_queue(self) -> Destination | None:
        """
        Where messages go whose deliveries are used up.
        """
        return self._dead_letter_queue

    @property
    def max_receive_count(self) -> int | None:
        """
        After how many receives a message goes to the dead-letter queue.
        """
        return self._core.max_receive_count

    # Looking.

    def peek(self, max_messages: int = 10) -> list[Message]:
        """
        The messages that a receive would return now, in order, left untouched; they have no receipt handle.

        >>> from postroom import ManualClock, Queue
        >>> queue = Queue("orders", clock=ManualClock())
        >>> sent = queue.send_message("2 x tea")
        >>> [message.body for message in queue.peek()], queue.stats().received
        (['2 x tea'], 0)

        Args:
            max_messages: 1 or more. Looking costs in proportion to what the queue holds.
        """
        try:
            checks.check_peek(max_messages)
        except PostroomError as error:
            self._sign(error, "peek")
            raise
        with self._lock:
            self._refuse_closed("peek")
            now = self._clock.now_us()
            self._core.settle(now)
            found = [
                Message(entry.stored, "", entry.receive_count, entry.first_received_at or 0)
                for entry in self._core.next_up(max_messages)
            ]
            seen = self._after(now)
        if seen:
            self._tell(seen)
        return found

    def stats(self) -> QueueStats:
        """
        What the queue holds and what went through it, at this instant.

        >>> from postroom import ManualClock, Queue
        >>> queue = Queue("orders", clock=ManualClock())
        >>> sent = queue.send_message("2 x tea", delay=5)
        >>> queue.stats().delayed, queue.stats().available
        (1, 0)
        """
        core = self._core
        with self._lock:
            now = self._clock.now_us()
            core.settle(now)
            oldest = core.oldest_sent_at()
            found = QueueStats(
                available=core.available,
                in_flight=core.in_flight,
                delayed=len(core.delayed),
                oldest_age=None if oldest is None else (now - oldest) / SECOND_US,
                **core.counts,
            )
            seen = self._after(now)
        if seen:
            self._tell(seen)
        return found

    def explain(self, message_id: str) -> str:
        """
        Says where a message is and why, in a sentence.

        The last 1,000 messages that left the queue are remembered. Costs in proportion to what the queue holds.

        >>> from postroom import ManualClock, Queue
        >>> clock = ManualClock()
        >>> queue = Queue("orders", clock=clock)
        >>> sent = queue.send_message("2 x tea")
        >>> [message] = queue.receive_messages()
        >>> clock.advance(12)
        >>> queue.explain(sent.message_id)
        'in flight: received 1 time, visible again in 18.0 s'

        Args:
            message_id: As `send_message` returned it.
        """
        if not isinstance(message_id, str):
            raise InvalidInput(
                f"message_id is of type {type(message_id).__name__}.",
                help="Give the str in sent.message_id.",
                operation="explain",
                resource=self._name,
            )
        with self._lock:
            now = self._clock.now_us()
            self._core.settle(now)
            found = explain(self._core, message_id, now)
            seen = self._after(now)
        if seen:
            self._tell(seen)
        return found or f"unknown: the queue {self._name} does not hold it, and it is not among the last that left"

    # As a destination.

    def deliver(self, parcel: Parcel) -> None:
        """
        Takes a parcel over: a dead letter keeps its id, age and counts, and is available at once; else as if sent.

        This is for resources: what it makes due runs when the call returns that the delivery is part of.

        >>> from postroom import ManualClock, Queue
        >>> from postroom.message import Parcel
        >>> queue = Queue("orders", clock=ManualClock())
        >>> queue.deliver(Parcel("2 x tea"))
        >>> queue.stats().sent
        1

        Raises:
            InvalidParameterValue: It is too large for this queue, or an attribute has no UTF-8 form.
            InvalidMessageContents: The body has no UTF-8 form.
            ResourceClosed: The queue is closed.
        """
        core = self._core
        size = checks.delivered_size(parcel.body, parcel.attributes)
        is_dead_letter = parcel.source_arn is not None
        if size > self._max_size and not is_dead_letter:
            raise checks.refuse_size(self._max_size, size, in_batch=False)
        with self._lock:
            self._refuse_closed("deliver")
            now = self._clock.now_us()
            stored = Stored(
                self._random.getrandbits(128) if parcel.message_id is None else parcel.message_id,
                parcel.body,
                parcel.attributes,
                now if parcel.sent_at is None else parcel.sent_at,
                parcel.sender_id or SENDER,
                parcel.source_arn,
                parcel.trace_header,
            )
            core.send(
                now,
                stored,
                delay=0 if is_dead_letter else core.delay,
                receive_count=parcel.receive_count,
                first_received_at=parcel.first_received_at,
                kind="moved in" if is_dead_letter else "sent",
            )
            seen = self._after(now)
        self._clock.note_progress()
        if seen:
            self._tell(with_causes(seen, (parcel.cause,) if parcel.cause else ()))
        # What is now due is for the call that this is part of: its errors are no refusal of the parcel.

    def wires(self) -> list[Wire]:
        """
        Where its dead letters go.
        """
        if self._dead_letter_queue is None:
            return []
        return [Wire(str(self), str(self._dead_letter_queue), f"after {self.max_receive_count}", "dead letters")]

    def _next_hand_over(self) -> Callable[[], object] | None:
        with self._lock:
            number, entry = next(iter(self._core.moving.items()), (0, None))
        return None if entry is None else lambda: self._hand_over(number, entry)

    def _hand_over(self, number: int, entry: Entry) -> None:
        stored = entry.stored
        refused: Exception | None = None
        try:
            cast("Destination", self._dead_letter_queue).deliver(
                Parcel(
                    stored.body,
                    stored.attributes,
                    message_id=stored.message_id,
                    sent_at=stored.sent_at,
                    first_received_at=entry.first_received_at,
                    receive_count=entry.receive_count,
                    source_arn=self._arn,
                    sender_id=stored.sender_id,
                    trace_header=stored.trace_header,
                )
            )
        except Exception as error:
            refused = error
        with self._lock:
            now = self._clock.now_us()
            if refused is None:
                self._core.confirm_move(now, number)
            else:
                self._core.take_back(now, number)
            seen = self._after(now)
        if seen:
            self._tell(seen)

    # The rest of the frame.

    def _after(self, now: int) -> list[Observation] | None:
        """
        Under the lock, after each change: wakes waiters, and numbers what observers will be told.
        """
        core, waiters = self._core, self._waiters
        if waiters._idle or waiters._hinted:
            waiters.balance(now)
        if not core.log:
            return None
        happened, core.log = core.log, []
        return [self._observation(*one) for one in happened]

    def _rebalance(self) -> None:
        """
        After a change that was cut short, by Ctrl-C say: what it made ready wakes waiters all the same.
        """
        with self._lock:
            if self._waiters:
                self._waiters.balance(self._clock.now_us())

    def _entries(
        self, kind: type[N], entries: Iterable[N | str], operation: str, of_str: Callable[[str], N] | None = None
    ) -> list[tuple[str, N]]:
        if self._closed:
            self._refuse_closed(operation)
        try:
            return with_ids(listed(kind, entries, of_str), operation)
        except PostroomError as error:
            self._sign(error, operation)
            raise

    def _carry_out(
        self,
        ids: Sequence[str],
        act: Callable[[int], list[Any]],
        operation: str,
        make: Callable[[Any], R],
    ) -> BatchOutcome[R]:
        """
        Does for all entries of a batch what single calls would, at one instant and under one hold of the lock.

        Args:
            ids: Of the entries.
            act: Given the instant, returns what became of each: what `make` makes a result of, or an error.
            operation: The name of the call, for its errors.
            make: Makes the results, when somebody looks.
        """
        try:
            with self._lock:
                if self._closed:
                    self._refuse_closed(operation)
                now = self._clock.now_us()
                results = act(now)
                seen = self._after(now)
        except BaseException:
            self._rebalance()
            raise
        errors = [result for result in results if isinstance(result, PostroomError)]
        for error in errors:
            self._sign(error, operation)
        self._clock.note_progress()
        if seen:
            self._tell(with_causes(seen, causes()))
        # Only now: what runs then is no part of any entry, nor are its errors.
        if self._clock.has_due:
            self._clock.run_due()
        return BatchOutcome(ids, results, make, has_failures=bool(errors))

    def _observation(self, kind: str, at: int, entry: Entry, visible_at: int | None, receive_count: int) -> Observation:
        details: dict[str, Any] = {"receive_count": receive_count, "body": entry.stored.body}
        if visible_at is not None:
            details["visible_at_us"] = visible_at
        return self._seen(at, cast("Kind", kind), entry.stored.message_id, **details)

    def _listen(self) -> None:
        # What fell due and was not told yet stays.
        if not self._observers:
            self._core.log = None
        elif self._core.log is None:
            self._core.log = []

    def _wake_all(self) -> None:
        self._waiters.wake_all()

    def close(self) -> None:
        """
        Closes it for good: every waiter is woken with `ResourceClosed`, and so is every later call.

        >>> from postroom import ManualClock, Queue
        >>> with Queue("orders", clock=ManualClock()) as queue:
        ...     sent = queue.send_message("2 x tea")
        >>> queue
        <Queue orders: closed, 0 in flight, 0 delayed>
        """
        super().close()
        if self._clock.has_due:
            self._clock.run_due()

    def _forget_other_threads(self) -> None:
        self._waiters.after_fork_in_child()

    def next_wakeup(self, now: int) -> int | None:
        """
        When the next message becomes visible or expires, in microseconds since the epoch; None if none ever does.
        """
        with self._lock:
            return None if self._closed else self._core.next_wakeup(now)

    def pending(self, now: int) -> Iterable[Due]:
        """
        What falls due here next, for people: the next delay over, the next message visible again, the next one expired.
        """
        with self._lock:
            if self._closed:
                return []
            return [Due(at, str(self), what) for at, what in self._core.pending(now)]
