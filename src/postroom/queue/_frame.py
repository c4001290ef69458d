"""
What both kinds of queue share around their core: settings, figures, observers, hand-overs, and the clock's questions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast
from weakref import ref

from postroom.clock import Due, Waiters
from postroom.delivery import BatchOutcome, Resource
from postroom.errors import PostroomError, RequestThrottled
from postroom.limits import MAX_MESSAGES_MAX
from postroom.message import Parcel
from postroom.naming import Arn
from postroom.observe import Destination, Home, Observation, Wire, causes, with_causes
from postroom.queue import _checks as checks
from postroom.queue._batch import (
    DeleteEntry,
    SendEntry,
    VisibilityEntry,
    listed,
    with_ids,
)
from postroom.queue._face import C
from postroom.queue._handles import Handles

if TYPE_CHECKING:
    from postroom.faults import Faults
    from postroom.observe import Kind
    from postroom.queue._configuration import Configuration
    from postroom.queue._entry import Entry

N = TypeVar("N", SendEntry, DeleteEntry, VisibilityEntry)
R = TypeVar("R")

_TOKEN_BITS = 72
SENDER = "AIDAPOSTROOMSENDER000"
"""The SenderId of whoever sends: there are no users here (SQS 5.2)."""


class QueueFrame(Resource, Generic[C]):
    """
    Not for users: see `Queue`.
    """

    kind = "queue"

    def __init__(self, name: str, home: Home, core: C, configuration: Configuration) -> None:
        super().__init__(name, str(Arn.queue(home.region_name, home.account, name)), home)
        self._core: C = core
        self._limits = configuration.limits
        self._plain_entries = min(MAX_MESSAGES_MAX, configuration.limits.batch_entries)
        self._wait_us = configuration.wait_time
        self._max_size = configuration.message_size
        self._dead_letter_queue: Destination | None = configuration.dead_letter_queue
        self._throttles: Callable[[str], None] | None = None
        """Told the name of each call: refuses it, as a plan of faults says."""
        self._false_empties: Callable[[], bool] | None = None
        """Asked at each receive: does it find nothing?"""
        self._tags: dict[str, str] = configuration.tags
        self._purged_at: int | None = None
        self._redrive_allow = configuration.redrive_allow
        self._sources: dict[str, ref[Any]] = {}
        """The queues whose dead-letter queue it is, by their ARNs."""
        self._random = home.random
        self._handles = Handles(home.random.getrandbits(_TOKEN_BITS))
        self._waiters = Waiters(self._clock, self._lock, core.ready, str(self))
        self._clock.register(self)

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
        size = checks.delivered_size(parcel.body, parcel.attributes)
        is_dead_letter = parcel.source_arn is not None
        if size > self._max_size and not is_dead_letter:
            raise checks.refuse_size(self._max_size, size, in_batch=False)
        with self._lock:
            self._refuse_closed("deliver")
            now = self._clock.now_us()
            self._accept(now, parcel)
            seen = self._after(now)
        self._clock.note_progress()
        if seen:
            self._tell(with_causes(seen, (parcel.cause,) if parcel.cause else ()))
        # What is now due is for the call that this is part of: its errors are no refusal of the parcel.

    def _accept(self, now: int, parcel: Parcel) -> None:
        """
        Under the lock: a message as the kind of queue makes one of a parcel.
        """
        raise NotImplementedError

    def wires(self) -> list[Wire]:
        """
        Where its dead letters go.
        """
        if self._dead_letter_queue is None:
            return []
        return [Wire(str(self), str(self._dead_letter_queue), f"after {self._core.max_receive_count}", "dead letters")]

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
                    message_group_id=stored.message_group_id,
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

    def _plan(self, faults: Faults | None) -> None:
        """
        Takes up a plan of faults, as far as it is for the calls and not for the core.
        """
        if faults is None or not faults.has("throttle"):
            return

        def throttle(operation: str) -> None:
            if faults.draws_throttle(self._name, operation):
                raise RequestThrottled(
                    "The request was denied due to request throttling.",
                    help="The plan of faults has it so: try again.",
                    operation=operation,
                    resource=self._name,
                )

        self._throttles = throttle

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
            return with_ids(listed(kind, entries, of_str), operation, self._limits.batch_entries)
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
        if self._throttles is not None:
            self._throttles(operation)
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
