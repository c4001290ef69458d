"""
What a send and a receive hand back.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Self

from postroom.errors import InvalidInput, PostroomError
from postroom.message import AttributeValue, md5_of_attributes, md5_of_body
from postroom.queue._entry import StoredFifo
from postroom.queue._heartbeat import Heartbeat

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

    ``with message:`` (or ``async with``) settles what becomes of it: at the end of the block it is deleted; if the block raises,
    it is available again at once, and the error goes on.

    >>> with message:
    ...     print("brewing", message.body)
    brewing 2 x tea
    >>> len(queue)
    0
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

    def extending(self, every: Duration, timeout: Duration) -> AbstractContextManager[object]:
        """
        Keeps it hidden while a block runs: at once, and then every so many seconds, its visibility timeout is set anew.

        A handler that takes longer than thought keeps its message, and one that dies holds it no longer than `timeout`. If an
        extension fails, at the end of the 12 hours that one receive is good for, say, the logger ``postroom`` is told, and
        there are no more.

        >>> from postroom import ManualClock, Queue
        >>> clock = ManualClock()
        >>> queue = Queue("orders", visibility_timeout=30, clock=clock)
        >>> sent = queue.send_message("2 x tea")
        >>> [message] = queue.receive_messages()
        >>> with message, message.extending(every=10, timeout=30):
        ...     clock.advance(300)  # slow work
        ...     print(queue.receive_messages())
        []
        >>> len(queue)
        0

        Args:
            every: Seconds of the queue's clock between two extensions, above 0 and below `timeout`.
            timeout: Seconds for which each of them hides it, up to 43200.

        Raises:
            InvalidInput: `every` is not below `timeout`, or the message was not received.
            InvalidParameterValue: The timeout is out of range.
        """
        return Heartbeat(self._keeper("extending"), self._receipt_handle, every, timeout)

    def __enter__(self) -> Self:
        self._keeper("with message")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        queue = self._keeper("with message")
        if error is None:
            try:
                queue.delete_message(self._receipt_handle)
            except PostroomError as refused:
                refused.add_note(
                    "The work on the message was done; it was not deleted, and may come again. "
                    "message.extending(…) keeps it hidden for as long as the work takes."
                )
                raise
            return
        try:
            queue.change_message_visibility(self._receipt_handle, 0)
        except PostroomError as refused:
            error.add_note(f"The message could not be given back to the queue {queue.name}: {refused}")

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self.__exit__(kind, error, trace)

    def __repr__(self) -> str:
        body = self.body if len(self.body) <= 40 else f"{self.body[:37]}..."
        return f"<Message {self.message_id} {body!r}, received {self._receive_count} time{'' if self._receive_count == 1 else 's'}>"
