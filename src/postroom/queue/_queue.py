"""
The calls of a standard queue, as drivers of its core: lock, clock, waiting. The rules are in `_standard`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar, Never, cast

from postroom import limits
from postroom.delivery import BatchOutcome, prepare, refuse_unknown
from postroom.delivery._refusals import RECEIVE_NOT_THERE, RECEIVE_TAKES, SEND_NOT_THERE
from postroom.errors import PostroomError
from postroom.message import NO_ATTRIBUTES
from postroom.observe import causes, with_causes
from postroom.queue import _checks as checks
from postroom.queue._batch import INDEXES, SendEntry
from postroom.queue._entry import Stored
from postroom.queue._frame import SENDER
from postroom.queue._message import Message, SentMessage
from postroom.queue._receipts import ReceiptCalls

if TYPE_CHECKING:
    from postroom.clock import Duration, Registration
    from postroom.message import AttributeInput, AttributeValue
    from postroom.queue._aio import QueueAio


class Queue(ReceiptCalls):
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

    _aio: ClassVar[type[QueueAio] | None] = None

    # Sending.

    def send_message(
        self,
        body: str,
        *,
        delay: Duration | None = None,
        attributes: Mapping[str, AttributeInput] | None = None,
        **_not_there: Never,
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
        if _not_there:
            refuse_unknown("send_message", _not_there, SEND_NOT_THERE, ("attributes", "delay"))
        if (
            attributes is None
            and delay is None
            and type(body) is str
            and 0 < len(body) <= self._max_size
            and body.isascii()
            and body.isprintable()
        ):
            # What nearly always is: nothing to look at that these four do not tell in no time.
            stored, delay_us = NO_ATTRIBUTES, self._core.delay
        else:
            try:
                stored, delay_us, _ = self._check_send(body, delay, attributes, in_batch=False)
            except PostroomError as error:
                self._sign(error, "send_message")
                raise
        try:
            with self._lock:
                if self._closed:
                    self._refuse_closed("send_message")
                now = self._clock.now_us()
                sent = self._send(now, body, stored, delay_us)
                seen = self._after(now)
        except BaseException:
            self._rebalance()
            raise
        self._clock.note_progress()
        if seen:
            self._tell(with_causes(seen, causes()))
        if self._clock.has_due:
            self._clock.run_due()
        return SentMessage(sent)

    def _check_send(
        self, body: str, delay: Duration | None, attributes: Mapping[str, AttributeInput] | None, *, in_batch: bool
    ) -> tuple[Mapping[str, AttributeValue], int, int]:
        stored, delay_us, size = checks.check_send(body, delay, attributes, self._max_size, in_batch=in_batch)
        return stored, self._core.delay if delay_us is None else delay_us, size

    def _send(self, now: int, body: str, attributes: Mapping[str, AttributeValue], delay_us: int) -> Stored:
        stored = Stored(self._random.getrandbits(128), body, attributes, now, SENDER)
        self._core.send(now, stored, delay=delay_us)
        return stored

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
        plain = checks.plain_size(entries, self._max_size)
        if 0 < plain <= limits.MESSAGE_SIZE_MAX_BYTES:
            bodies = cast("list[str]", entries)
            return self._carry_out(
                INDEXES[: len(bodies)], lambda now: self._send_plain(now, bodies), "send_message_batch", SentMessage
            )
        numbered = self._entries(SendEntry, entries, "send_message_batch", SendEntry)
        prepared = prepare(
            numbered, lambda entry: self._check_send(entry.body, entry.delay, entry.attributes, in_batch=True)
        )
        total = sum(
            checks.size_of(entry.body, entry.attributes) if isinstance(checked, PostroomError) else checked[2]
            for (_, entry), checked in zip(numbered, prepared, strict=True)
        )
        if total > limits.MESSAGE_SIZE_MAX_BYTES:
            raise checks.refuse_total(total, "send_message_batch", self._name)

        def send(now: int) -> list[Stored | PostroomError]:
            return [
                checked if isinstance(checked, PostroomError) else self._send(now, entry.body, checked[0], checked[1])
                for (_, entry), checked in zip(numbered, prepared, strict=True)
            ]

        return self._carry_out([id_ for id_, _ in numbered], send, "send_message_batch", SentMessage)

    def _send_plain(self, now: int, bodies: list[str]) -> list[Stored]:
        draw = self._random.getrandbits
        messages = [Stored(draw(128), body, NO_ATTRIBUTES, now, SENDER) for body in bodies]
        self._core.send_all(now, messages)
        return messages

    # Receiving.

    def receive_messages(
        self,
        *,
        max_messages: int = 1,
        wait_time: Duration | None = None,
        visibility_timeout: Duration | None = None,
        **_not_there: Never,
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
        if _not_there:
            refuse_unknown("receive_messages", _not_there, RECEIVE_NOT_THERE, RECEIVE_TAKES)
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
        try:
            checks.check_max_messages(max_messages)
            wait = self._wait_us if wait_time is None else checks.wait_us(wait_time)
            timeout = None
            if visibility_timeout is not None:
                timeout = checks.visibility_us(visibility_timeout, "visibility_timeout")
        except PostroomError as error:
            self._sign(error, "receive_messages")
            raise
        until = self._clock.now_us() + wait if wait else None
        return (lambda: self._receive(max_messages, timeout, waits=until is not None) or None), until

    def _receive(self, max_messages: int, timeout: int | None, *, waits: bool) -> list[Message]:
        core, write = self._core, self._handles.write
        try:
            with self._lock:
                if self._closed:
                    self._refuse_closed("receive_messages")
                now = self._clock.now_us()
                if len(core) >= limits.IN_FLIGHT_MAX and self._is_over_limit(now, waits=waits):
                    return []
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
                        now if entry.first_received_at is None else entry.first_received_at,
                    )
                    for entry in entries
                ]
                if self._waiters.firing:
                    self._waiters.note_look()
                seen = self._after(now)
                reserved, moving = core.reserved, bool(core.moving)
        except BaseException:
            self._rebalance()
            raise
        if messages:
            self._clock.note_progress()
        if seen:
            self._tell(seen)
        if moving:
            self._outbox.drain(self._next_hand_over)
            # What the dead-letter queue refused is to be delivered from here, and by this call if it has room.
            if len(messages) < max_messages and any(entry.keep for entry in reserved):
                messages += self._receive(max_messages - len(messages), timeout, waits=waits)
        if self._clock.has_due:
            self._clock.run_due()
        return messages

    def _is_over_limit(self, now: int, *, waits: bool) -> bool:
        self._core.settle(now)
        if self._core.in_flight < limits.IN_FLIGHT_MAX:
            return False
        if not waits:
            raise checks.refuse_over_limit("receive_messages", self._name)
        return True

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
        checks.check_when_ready(callback, until, self._name)
        with self._lock:
            self._refuse_closed("when_ready")
        registration = self._waiters.when_ready(callback, until)
        if self._closed:
            registration.wake()  # closed in between: whoever looks now is told
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
        if Queue._aio is None:
            from postroom.queue._aio import QueueAio  # noqa: PLC0415 - asyncio is imported when it is used

            Queue._aio = QueueAio
        return Queue._aio(self)
