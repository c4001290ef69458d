"""
The calls of a standard queue, as drivers of its core: lock, clock, waiting. The rules are in `_standard`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from postroom import limits
from postroom.clock import Duration, Registration, show_span
from postroom.errors import BatchRequestTooLong, InvalidParameterValue, OverLimit, PostroomError
from postroom.queue import _checks as checks
from postroom.queue._batch import (
    BatchOutcome,
    BatchSuccess,
    DeleteEntry,
    SendEntry,
    VisibilityEntry,
    failure,
    refuse_type,
    with_ids,
)
from postroom.queue._entry import Stored
from postroom.queue._frame import SENDER, QueueFrame
from postroom.queue._handles import refuse_expired
from postroom.queue._message import Message, SentMessage

if TYPE_CHECKING:
    from postroom.message import AttributeInput
    from postroom.queue._aio import QueueAio

E = TypeVar("E", SendEntry, DeleteEntry, VisibilityEntry)
R = TypeVar("R")


class Queue(QueueFrame):
    """
    A standard queue: at-least-once delivery, in the order sent unless a message comes back.

    A received message is not gone. It is *in flight*: hidden from other receivers until its visibility timeout ends,
    and back in the queue then unless someone deleted it first.

    >>> from postroom import ManualClock, Queue
    >>> clock = ManualClock()
    >>> queue = Queue("orders", visibility_timeout=30, clock=clock)
    >>> sent = queue.send_message("2 x tea")
    >>> [message] = queue.receive_messages()
    >>> queue.receive_messages()  # in flight: nobody else sees it
    []
    >>> clock.advance(30)  # not deleted in time, so it is back
    >>> [again] = queue.receive_messages()
    >>> again.body, again.receive_count
    ('2 x tea', 2)
    >>> queue.delete_message(again.receipt_handle)

    A message that nobody manages to process goes aside, after so many receives:

    >>> dead = Queue("orders-dead", clock=clock)
    >>> queue = Queue("orders", clock=clock, dead_letter_queue=dead, max_receive_count=1)
    >>> sent = queue.send_message("poison")
    >>> [message] = queue.receive_messages(visibility_timeout=0)
    >>> queue.receive_messages()  # the budget is used up: this attempt moves it
    []
    >>> [letter] = dead.receive_messages()
    >>> letter.body, letter.receive_count
    ('poison', 2)

    ``Queue("orders")`` made twice is two queues; a `Region` shares them by name.

    Args:
        name: 1 to 80 letters, digits, hyphens or underscores.
        clock: Where "now" comes from; the shared `SystemClock` unless given.
        visibility_timeout: Seconds a received message stays hidden, 0 to 43200.
        delay: Seconds a new message stays hidden, 0 to 900.
        retention: Seconds after which a message vanishes, counted from its send, 60 to 1209600 (14 days).
        receive_message_wait_time: Seconds a receive waits that gives no `wait_time`, 0 to 20.
        maximum_message_size: Bytes of body and attributes of one message, 1024 to 1048576.
        dead_letter_queue: Where a message goes that was received `max_receive_count` times; given with it or not
            at all. It moves at the receive attempt after that.
        max_receive_count: 1 to 1000.
        faults: A plan of faults; of its kinds, a queue has duplicates.
        seed: A number or a `random.Random` from which ids are drawn; the same seed gives the same ids.
        home: The region it belongs to, which then has clock and seed; `Region.queue` gives this.

    Raises:
        InvalidParameterValue: The name or the dead-letter setting is not acceptable.
        InvalidAttributeValue: Another argument is out of its range.
        InvalidInput: An argument is of a wrong type, or `home` is given beside `clock` or `seed`.

    Differs from SQS: no sampling of hosts, so a short poll never misses a visible message; see docs/fidelity.md.
    """

    _aio: QueueAio | None = None

    # Sending.

    def send_message(
        self, body: str, *, delay: Duration | None = None, attributes: Mapping[str, AttributeInput] | None = None
    ) -> SentMessage:
        """
        Adds a message. Never waits. O(1), delayed O(log n) in the number of hidden messages.

        >>> from postroom import ManualClock, Queue
        >>> clock = ManualClock()
        >>> queue = Queue("orders", clock=clock)
        >>> sent = queue.send_message("2 x tea", delay=60, attributes={"table": 7})
        >>> queue.receive_messages()
        []
        >>> clock.advance(60)
        >>> [message] = queue.receive_messages()
        >>> message.message_id == sent.message_id
        True

        Args:
            body: At least 1 character, of those that XML allows (SQS 6.2); its UTF-8 bytes count.
            delay: Seconds until it is available, 0 to 900; None: the queue's. 0 overrides the queue's.
            attributes: Up to ten, by name: `str`, numbers, `bytes`, or an `AttributeValue` with a type of its own.

        Raises:
            MissingParameter: The body is empty.
            InvalidMessageContents: The body has a character that is not allowed.
            InvalidParameterValue: It is too large, an attribute is not acceptable, or the delay is out of range.
            InvalidInput: An argument is of a wrong type.
            ResourceClosed: The queue is closed.
        """
        stored_attributes, delay_us = checks.check_send(body, delay, attributes, self._max_size, in_batch=False)
        return self._send(body, stored_attributes, delay_us)

    def _send(self, body: str, attributes: Mapping[str, Any], delay_us: int | None) -> SentMessage:
        core = self._core
        with self._lock:
            self._refuse_closed("send_message")
            now = self._clock.now_us()
            stored = Stored(self._random.getrandbits(128), body, attributes, now, SENDER)
            core.send(now, stored, delay=core.delay if delay_us is None else delay_us)
            seen = self._after(now)
        self._clock.note_progress()
        if seen:
            self._tell(seen)
        if self._clock.has_due:
            self._clock.run_due()
        return SentMessage(stored)

    def send_message_batch(self, entries: Iterable[SendEntry | str]) -> BatchOutcome[SentMessage]:
        """
        Sends 1 to 10 messages. One bad entry fails alone; the others go through.

        >>> from postroom import ManualClock, Queue, SendEntry
        >>> queue = Queue("orders", clock=ManualClock())
        >>> outcome = queue.send_message_batch(["2 x tea", SendEntry("1 x cake", delay=5, id="later")])
        >>> [success.id for success in outcome.successful]
        ['0', 'later']

        Args:
            entries: A `str` is a body whose id is its index.

        Raises:
            EmptyBatchRequest, TooManyEntriesInBatchRequest, InvalidBatchEntryId, BatchEntryIdsNotDistinct,
            BatchRequestTooLong: The whole call is refused, and nothing was sent.
            InvalidInput: An entry is neither.
            ResourceClosed: The queue is closed.
        """
        found = [SendEntry(entry) if isinstance(entry, str) else entry for entry in entries]
        numbered = self._entries(SendEntry, found, "SendMessageBatch")
        total = sum(checks.size_of(entry.body, entry.attributes) for _, entry in numbered)
        if total > limits.MESSAGE_SIZE_MAX_BYTES:
            raise BatchRequestTooLong(
                f"Batch requests cannot be longer than {limits.MESSAGE_SIZE_MAX_BYTES} bytes. "
                f"You have sent {total} bytes.",
                help="Bodies and attributes of all entries count together: split them into several calls.",
            )

        def send(entry: SendEntry) -> SentMessage:
            stored, delay_us = checks.check_send(
                entry.body, entry.delay, entry.attributes, self._max_size, in_batch=True
            )
            return self._send(entry.body, stored, delay_us)

        return self._each(numbered, send)

    # Receiving.

    def receive_messages(
        self,
        *,
        max_messages: int = 1,
        wait_time: Duration | None = None,
        visibility_timeout: Duration | None = None,
    ) -> list[Message]:
        """
        Takes available messages and hides them for their visibility timeout. O(log n) a message.

        With a `wait_time` above 0 (a *long poll*) it blocks until there is at least one, and returns what there is then.
        On a `ManualClock` the wait takes no real time. The awaited form is ``queue.aio.receive_messages``.

        >>> from postroom import ManualClock, Queue
        >>> queue = Queue("orders", clock=ManualClock())
        >>> outcome = queue.send_message_batch(["2 x tea", "1 x cake"])
        >>> [message.body for message in queue.receive_messages(max_messages=10, wait_time=20)]
        ['2 x tea', '1 x cake']

        Args:
            max_messages: 1 to 10; an upper bound only.
            wait_time: Seconds, 0 to 20; None: the queue's. 0 looks once.
            visibility_timeout: Seconds they stay hidden, 0 to 43200; None: the queue's. With 0 they are counted and
                stay available.

        Returns:
            The messages; an empty list if there were none in time.

        Raises:
            InvalidParameterValue: An argument is out of its range.
            InvalidInput: An argument is of a wrong type.
            OverLimit: 120,000 messages are in flight and the call does not wait.
            ResourceClosed: The queue is closed, or was closed while the call waited.
        """
        attempt, until = self._receiving(max_messages, wait_time, visibility_timeout)
        found = attempt()
        if found is None and until is not None:
            found = self._waiters.wait(attempt, until)
        return found or []

    def _receiving(
        self, max_messages: int, wait_time: Duration | None, visibility_timeout: Duration | None
    ) -> tuple[Callable[[], list[Message] | None], int | None]:
        """
        How one receive looks once, and until when it goes on looking; None if it does not.
        """
        checks.check_max_messages(max_messages)
        wait = self._wait_us if wait_time is None else checks.wait_us(wait_time)
        timeout = None if visibility_timeout is None else checks.visibility_us(visibility_timeout, "visibility_timeout")
        until = self._clock.now_us() + wait if wait else None
        return (lambda: self._receive(max_messages, timeout, waits=until is not None) or None), until

    def _receive(self, max_messages: int, timeout: int | None, *, waits: bool) -> list[Message]:
        core, write = self._core, self._handles.write
        with self._lock:
            self._refuse_closed("receive_messages")
            now = self._clock.now_us()
            if core.in_flight >= limits.IN_FLIGHT_MAX:
                return self._refuse_over_limit(now, waits=waits)
            entries = core.receive(
                now,
                max_messages=max_messages,
                visibility_timeout=core.visibility_timeout if timeout is None else timeout,
            )
            messages = [
                Message(
                    entry.stored,
                    write(entry.number, entry.receives, now),
                    entry.receive_count,
                    cast("int", entry.first_received_at),
                )
                for entry in entries
            ]
            seen = self._after(now)
            moving = bool(core.moving)
        if messages:
            self._clock.note_progress()
        if seen:
            self._tell(seen)
        if moving:
            self._outbox.drain()
            # What the dead-letter queue refused is to be delivered from here, and by this call if it has room.
            if len(messages) < max_messages and core.available:
                messages += self._receive(max_messages - len(messages), timeout, waits=waits)
        if self._clock.has_due:
            self._clock.run_due()
        return messages

    def _refuse_over_limit(self, now: int, *, waits: bool) -> list[Message]:
        self._core.settle(now)
        if self._core.in_flight >= limits.IN_FLIGHT_MAX and not waits:
            raise OverLimit(
                "Too many messages have been received without being deleted. Please delete your received messages or "
                "let them timeout before receiving more.",
                help=f"{limits.IN_FLIGHT_MAX:,} messages are in flight.",
                operation="receive_messages",
                resource=self._name,
            )
        return []

    def take(self, max_messages: int) -> list[Message]:
        """
        For event sources, which come back by themselves: as `receive_messages`, but it neither waits nor complains.
        """
        return self._receive(max_messages, None, waits=True)

    def when_ready(self, callback: Callable[[], object], until: int | None = None) -> Registration:
        """
        Has the clock call the callback, once, when a message is available; at once if one is.

        The callback form of a long poll: nobody blocks. Who is called looks again, and may find that somebody else was
        faster.

        >>> from postroom import ManualClock, Queue
        >>> clock = ManualClock()
        >>> queue = Queue("orders", clock=clock)
        >>> registration = queue.when_ready(lambda: print("at", clock.datetime().time()))
        >>> sent = queue.send_message("2 x tea", delay=5)
        >>> clock.advance(60)
        at 00:00:05

        Args:
            callback: Called without arguments; on a `SystemClock` by a thread of its pool.
            until: When to call it even if none is there, in microseconds since the epoch; None: never.
        """
        with self._lock:
            self._refuse_closed("when_ready")
        registration = self._waiters.when_ready(callback, until)
        if self._clock.has_due:
            self._clock.run_due()
        return registration

    @property
    def aio(self) -> QueueAio:
        """
        The calls that can wait, as coroutines of the same names with the same arguments.

        >>> import asyncio
        >>> from postroom import ManualClock, Queue
        >>> queue = Queue("orders", clock=ManualClock())
        >>> asyncio.run(queue.aio.receive_messages(wait_time=20))
        []
        """
        if self._aio is None:
            from postroom.queue._aio import QueueAio  # noqa: PLC0415 - asyncio is imported when it is used

            self._aio = QueueAio(self)
        return self._aio

    # Deleting, and changing visibility.

    def delete_message(self, receipt_handle: str) -> None:
        """
        Removes a received message for good. O(1).

        Any handle of the message will do, also after its visibility timeout, and more than once (SQS 2.2).

        >>> from postroom import ManualClock, Queue
        >>> queue = Queue("orders", clock=ManualClock())
        >>> sent = queue.send_message("2 x tea")
        >>> [message] = queue.receive_messages()
        >>> queue.delete_message(message.receipt_handle)
        >>> len(queue)
        0

        Args:
            receipt_handle: Of a message that this queue returned.

        Raises:
            ReceiptHandleIsInvalid: It is no receipt handle, or one of another queue.
            InvalidParameterValue: It is 12 hours old.
            InvalidInput: It is no `str`.
            ResourceClosed: The queue is closed.
        """
        core = self._core
        with self._lock:
            self._refuse_closed("delete_message")
            now = self._clock.now_us()
            receipt = self._handles.read(receipt_handle, core.newest)
            refuse_expired(receipt_handle, receipt, now)
            core.delete(now, receipt.number)
            seen = self._after(now)
        if seen:
            self._tell(seen)
        if self._clock.has_due:
            self._clock.run_due()

    def delete_message_batch(self, entries: Iterable[DeleteEntry | str]) -> BatchOutcome[None]:
        """
        Deletes 1 to 10 messages. One bad entry fails alone; the others go through.

        >>> from postroom import ManualClock, Queue
        >>> queue = Queue("orders", clock=ManualClock())
        >>> outcome = queue.send_message_batch(["2 x tea", "1 x cake"])
        >>> messages = queue.receive_messages(max_messages=10)
        >>> queue.delete_message_batch([message.receipt_handle for message in messages]).raise_for_failures()

        Args:
            entries: A `str` is a receipt handle whose id is its index.

        Raises:
            EmptyBatchRequest, TooManyEntriesInBatchRequest, InvalidBatchEntryId, BatchEntryIdsNotDistinct: The whole
            call is refused, and nothing was deleted.
            InvalidInput: An entry is neither.
            ResourceClosed: The queue is closed.
        """
        found = [DeleteEntry(entry) if isinstance(entry, str) else entry for entry in entries]
        numbered = self._entries(DeleteEntry, found, "DeleteMessageBatch")
        return self._each(numbered, lambda entry: self.delete_message(entry.receipt_handle))

    def change_message_visibility(self, receipt_handle: str, timeout: Duration) -> None:
        """
        Hides a received message until `timeout` seconds from now; with 0 it is available at once. O(log n).

        This replaces what was left of its visibility timeout, and is not remembered for the next receive.

        >>> from postroom import ManualClock, Queue
        >>> clock = ManualClock()
        >>> queue = Queue("orders", clock=clock)
        >>> sent = queue.send_message("2 x tea")
        >>> [message] = queue.receive_messages()
        >>> queue.change_message_visibility(message.receipt_handle, 300)  # this takes longer than thought
        >>> clock.advance(299.9)
        >>> queue.receive_messages()
        []

        Args:
            receipt_handle: Of a message that this queue returned.
            timeout: Seconds, 0 to 43200, and together with the time since the receive at most 43200.

        Raises:
            ReceiptHandleIsInvalid: It is no receipt handle, or one of another queue.
            InvalidParameterValue: The timeout is out of range, the total over 12 hours, or the message gone.
            InvalidInput: An argument is of a wrong type.
            ResourceClosed: The queue is closed.
        """
        span = checks.visibility_us(timeout, "timeout")
        core = self._core
        with self._lock:
            self._refuse_closed("change_message_visibility")
            now = self._clock.now_us()
            receipt = self._handles.read(receipt_handle, core.newest)
            refuse_expired(receipt_handle, receipt, now)
            elapsed = now - receipt.received_at
            if elapsed + span > limits.VISIBILITY_TIMEOUT_MAX_US:
                raise InvalidParameterValue(
                    f"Value {timeout} for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for "
                    "the message is beyond the limit [43200 seconds]",
                    help=f"It was received {show_span(elapsed)} ago, and one receive is good for 12 hours in all.",
                )
            if not core.change_visibility(now, receipt.number, span):
                raise InvalidParameterValue(
                    f"Value {receipt_handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or "
                    "is not available for visibility timeout change.",
                    help="It was deleted, has expired, or has moved to the dead-letter queue.",
                )
            seen = self._after(now)
        if seen:
            self._tell(seen)
        if self._clock.has_due:
            self._clock.run_due()

    def change_message_visibility_batch(self, entries: Iterable[VisibilityEntry]) -> BatchOutcome[None]:
        """
        Changes the visibility of 1 to 10 messages. One bad entry fails alone; the others go through.

        >>> from postroom import ManualClock, Queue, VisibilityEntry
        >>> queue = Queue("orders", clock=ManualClock())
        >>> sent = queue.send_message("2 x tea")
        >>> [message] = queue.receive_messages()
        >>> outcome = queue.change_message_visibility_batch([VisibilityEntry(message.receipt_handle, 0)])
        >>> len(outcome.successful), queue.stats().available
        (1, 1)

        Raises:
            EmptyBatchRequest, TooManyEntriesInBatchRequest, InvalidBatchEntryId, BatchEntryIdsNotDistinct: The whole
            call is refused, and nothing was changed.
            InvalidInput: An entry is no `VisibilityEntry`.
            ResourceClosed: The queue is closed.
        """
        numbered = self._entries(VisibilityEntry, entries, "ChangeMessageVisibilityBatch")
        return self._each(numbered, lambda entry: self.change_message_visibility(entry.receipt_handle, entry.timeout))

    def _entries(self, kind: type[E], entries: Iterable[E], operation: str) -> list[tuple[str, E]]:
        with self._lock:
            self._refuse_closed(operation)
        found = list(entries)
        for entry in found:
            if not isinstance(entry, kind):
                raise refuse_type(kind, entry)
        return with_ids(found, operation)

    def _each(self, numbered: list[tuple[str, E]], call: Callable[[E], R]) -> BatchOutcome[R]:
        outcome: BatchOutcome[R] = BatchOutcome([], [])
        for id_, entry in numbered:
            try:
                outcome.successful.append(BatchSuccess(id_, call(entry)))
            except PostroomError as error:
                outcome.failed.append(failure(id_, error))
        return outcome
