"""
What a send and a receive hand back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from postroom.errors import InvalidInput, InvalidParameterValue, PostroomError
from postroom.message import AttributeValue, md5_of_attributes, md5_of_body
from postroom.queue._entry import StoredFifo
from postroom.queue._heartbeat import Heartbeat, spans_of_beats

if TYPE_CHECKING:
    from postroom.clock import Duration
    from postroom.queue._entry import Stored
    from postroom.queue._heartbeat import Keeper


class SentMessage:
    """
    What `Queue.send_message` returns.

    >>> from postroom import ManualClock, Queue
    >>> queue = Queue("orders", clock=ManualClock(), seed=1)
    >>> sent = queue.send_message("2 x tea")
    >>> sent.message_id, sent.md5_of_body
    ('5ee19dea-974b-4607-b28b-094bc7e1767f', 'efe4fae0b22969b5996157477ea0087d')
    """

    __slots__ = ("_stored",)

    def __init__(self, stored: Stored) -> None:
        self._stored = stored

    @property
    def message_id(self) -> str:
        """
        A UUID, the message's for life.
        """
        return self._stored.message_id

    @property
    def md5_of_body(self) -> str:
        """
        MD5 of the UTF-8 bytes of the body, 32 lower-case hexadecimal digits (SQS 5.3).
        """
        return md5_of_body(self._stored.body)

    @property
    def md5_of_attributes(self) -> str | None:
        """
        MD5 of the message attributes, or None if there are none (SQS 5.3).
        """
        return md5_of_attributes(self._stored.attributes)

    @property
    def md5_of_system_attributes(self) -> str | None:
        """
        MD5 of the system attributes, or None if there were none (SQS 5.3).
        """
        header = self._stored.trace_header
        return None if header is None else md5_of_attributes({"AWSTraceHeader": AttributeValue("String", header)})

    @property
    def sequence_number(self) -> str | None:
        """
        Its place in a FIFO queue: 20 decimal digits, larger than that of any message before; None in a standard queue.
        """
        return self._stored.sequence_number if isinstance(self._stored, StoredFifo) else None

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict, ready for `json.dumps`.

        >>> from postroom import ManualClock, Queue
        >>> sorted(Queue("orders", clock=ManualClock()).send_message("2 x tea").to_dict())
        ['md5_of_attributes', 'md5_of_body', 'md5_of_system_attributes', 'message_id', 'sequence_number']
        """
        return {
            "message_id": self.message_id,
            "md5_of_body": self.md5_of_body,
            "md5_of_attributes": self.md5_of_attributes,
            "md5_of_system_attributes": self.md5_of_system_attributes,
            "sequence_number": self.sequence_number,
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SentMessage) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash(self.message_id)

    def __reduce__(self) -> tuple[object, ...]:
        return SentMessage, (self._stored,)

    def __repr__(self) -> str:
        return f"<SentMessage {self.message_id}>"


class Message:
    """
    One receive of one message, as `Queue.receive_messages` returns it. It never changes.

    >>> from postroom import ManualClock, Queue
    >>> queue = Queue("orders", clock=ManualClock())
    >>> sent = queue.send_message("2 x tea", attributes={"table": 7})
    >>> [message] = queue.receive_messages()
    >>> message.body, message.attributes["table"].value, message.receive_count
    ('2 x tea', '7', 1)

    With ``with message:`` it is deleted when the block is done, also by ``break``, ``continue`` or ``return``. If the block
    raises, Ctrl-C included, the message is available again at once and the error goes on:

    >>> with message:
    ...     raise OSError("no more tea")
    Traceback (most recent call last):
        ...
    OSError: no more tea
    >>> for message in queue.consume(idle=0):
    ...     with message:
    ...         print("brewing", message.body)
    brewing 2 x tea
    >>> len(queue)
    0

    Deleting it by hand inside the block is fine. When the message cannot be deleted at the end, since the queue is closed, say,
    or since in a FIFO queue its visibility timeout has ended, the error of `Queue.delete_message` comes out of the block; when
    it cannot be given back, the error of the block has a note of that. ``async with message:`` is the same. A message that was
    only looked at, or comes from a pickle, belongs to no queue, and refuses with `InvalidInput`.
    """

    __slots__ = ("_first_received_at", "_queue", "_receipt_handle", "_receive_count", "_stored")

    def __init__(
        self,
        stored: Stored,
        receipt_handle: str,
        receive_count: int,
        first_received_at: int,
        queue: Keeper | None = None,
    ) -> None:
        self._stored = stored
        self._receipt_handle = receipt_handle
        self._receive_count = receive_count
        self._first_received_at = first_received_at
        self._queue = queue

    @property
    def message_id(self) -> str:
        """
        A UUID, the message's for life, in a dead-letter queue too.
        """
        return self._stored.message_id

    @property
    def receipt_handle(self) -> str:
        """
        Names this receive: for `delete_message` and `change_message_visibility`. Empty if it was only looked at.
        """
        return self._receipt_handle

    @property
    def body(self) -> str:
        """
        The text that was sent.
        """
        return self._stored.body

    @property
    def attributes(self) -> Mapping[str, AttributeValue]:
        """
        The message attributes that were sent.
        """
        return self._stored.attributes

    @property
    def md5_of_body(self) -> str:
        """
        MD5 of the UTF-8 bytes of the body, 32 lower-case hexadecimal digits (SQS 5.3).
        """
        return md5_of_body(self._stored.body)

    @property
    def md5_of_attributes(self) -> str | None:
        """
        MD5 of the message attributes, or None if there are none (SQS 5.3).
        """
        return md5_of_attributes(self._stored.attributes)

    @property
    def receive_count(self) -> int:
        """
        How often it was received, this time included, over all queues it went through (ApproximateReceiveCount).
        """
        return self._receive_count

    @property
    def sent_timestamp(self) -> int:
        """
        When it was first sent, in milliseconds since the epoch (SentTimestamp).
        """
        return self._stored.sent_at // 1_000

    @property
    def first_receive_timestamp(self) -> int:
        """
        When it was first received, in milliseconds since the epoch (ApproximateFirstReceiveTimestamp).
        """
        return self._first_received_at // 1_000

    @property
    def sender_id(self) -> str:
        """
        Who sent it (SenderId).
        """
        return self._stored.sender_id

    @property
    def message_group_id(self) -> str | None:
        """
        Its group in a FIFO queue, or the tenant it belongs to in a standard queue; None: none (MessageGroupId).
        """
        return self._stored.message_group_id

    @property
    def message_deduplication_id(self) -> str | None:
        """
        What tells it from others for five minutes; None in a standard queue (MessageDeduplicationId).
        """
        return self._stored.deduplication_id if isinstance(self._stored, StoredFifo) else None

    @property
    def sequence_number(self) -> str | None:
        """
        Its place in a FIFO queue, 20 decimal digits; None in a standard queue (SequenceNumber).
        """
        return self._stored.sequence_number if isinstance(self._stored, StoredFifo) else None

    @property
    def dead_letter_queue_source_arn(self) -> str | None:
        """
        The queue it came from as a dead letter, or None (DeadLetterQueueSourceArn).
        """
        return self._stored.source_arn

    @property
    def aws_trace_header(self) -> str | None:
        """
        The X-Ray header it was sent with, or None (AWSTraceHeader).
        """
        return self._stored.trace_header

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict of everything above; binary attributes stay `bytes`.

        >>> from postroom import ManualClock, Queue
        >>> queue = Queue("orders", clock=ManualClock())
        >>> sent = queue.send_message("2 x tea")
        >>> queue.receive_messages()[0].to_dict()["sent_timestamp"]
        1704067200000
        """
        return {
            "message_id": self.message_id,
            "receipt_handle": self.receipt_handle,
            "body": self.body,
            "md5_of_body": self.md5_of_body,
            "attributes": {name: value.to_dict() for name, value in self.attributes.items()},
            "md5_of_attributes": self.md5_of_attributes,
            "receive_count": self.receive_count,
            "sent_timestamp": self.sent_timestamp,
            "first_receive_timestamp": self.first_receive_timestamp,
            "sender_id": self.sender_id,
            "message_group_id": self.message_group_id,
            "message_deduplication_id": self.message_deduplication_id,
            "sequence_number": self.sequence_number,
            "dead_letter_queue_source_arn": self.dead_letter_queue_source_arn,
            "aws_trace_header": self.aws_trace_header,
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.message_id, self._receipt_handle))

    def __reduce__(self) -> tuple[object, ...]:
        return Message, (self._stored, self._receipt_handle, self._receive_count, self._first_received_at)

    # Settling it.

    def _keeper(self, what: str) -> Keeper:
        if self._queue is None or not self._receipt_handle:
            raise InvalidInput(
                f"{what} needs a message that was received.",
                help="This one was looked at with peek, or came out of a pickle: receive it from its queue.",
            )
        return self._queue

    def extending(self, *, every: Duration | None = None, timeout: Duration | None = None) -> Heartbeat:
        """
        Keeps the message hidden while a block runs: at once, and then every so many seconds, its visibility timeout is set anew.

        So a handler that takes longer than thought keeps its message, and one whose process dies keeps others waiting for no
        longer than `timeout`. It is the clock that extends, on whatever thread it runs; on a `ManualClock` that is whoever
        moves time, the handler itself for instance. Use it with ``with`` or ``async with``.

        >>> from postroom import ManualClock, Queue
        >>> clock = ManualClock()
        >>> queue = Queue("orders", visibility_timeout=30, clock=clock)
        >>> sent = queue.send_message("2 x tea")
        >>> [message] = queue.receive_messages()
        >>> with message, message.extending(every=10):
        ...     clock.advance(300)  # slow work
        ...     print(queue.receive_messages())
        []
        >>> len(queue)
        0

        Nothing hides a message for more than 12 hours after one receive (SQS 2.1). The last extensions are cut short so that
        they end there, and then there are no more, of which the logger ``postroom`` is told. It also ends, without a word, when
        the message is deleted or given back in the block, or received by somebody else, and when the queue is closed.
        ``with message.extending() as heartbeat:`` gives what tells, by `heartbeat.active`, whether it has ended.

        Args:
            every: Seconds of the queue's clock between two extensions, above 0 and below `timeout`; None: a third of it.
            timeout: Seconds for which each of them hides the message, up to 43200; None: the visibility timeout of the queue.

        Raises:
            InvalidInput: `every` is not above 0 or not below `timeout`, or one of them is no time; or the message was only
                looked at.
            InvalidParameterValue: As the block begins: the timeout is out of range, the total over 12 hours, or the message
                gone.
            ResourceClosed: As the block begins: the queue is closed.
        """
        queue = self._keeper("extending")
        every_us, timeout_us = spans_of_beats(every, timeout, queue.visibility_timeout)
        return Heartbeat(queue, [self._receipt_handle], every_us, timeout_us)

    def __enter__(self) -> Self:
        self._keeper("with message")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        queue = self._keeper("with message")
        if error is None:
            self._delete(queue)
        elif queue.closed:
            error.add_note(
                f"The message {self.message_id} could not be given back to the queue {queue.name}: it is closed."
            )
        elif queue._give_back([self._receipt_handle]):
            error.add_note(
                f"The message {self.message_id} could not be given back to the queue {queue.name}: it was back before, and "
                "somebody else may have received it. message.extending() keeps it hidden while the work lasts."
            )

    def _delete(self, queue: Keeper) -> None:
        try:
            queue.delete_message(self._receipt_handle)
        except PostroomError as refused:
            refused.add_note(
                f"The work on the message {self.message_id} was done, but it was not deleted from the queue {queue.name}"
                + ("." if queue.closed else ": it comes again, if it has not already.")
            )
            if isinstance(refused, InvalidParameterValue):
                refused.add_note("message.extending() keeps it hidden while the work lasts.")
            raise

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self.__exit__(kind, error, trace)

    def __repr__(self) -> str:
        body = self.body if len(self.body) <= 40 else f"{self.body[:37]}..."
        return f"<Message {self.message_id} {body!r}, received {self._receive_count} time{'' if self._receive_count == 1 else 's'}>"
