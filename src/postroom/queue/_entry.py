"""
What a queue keeps of a message: what never changes, what does, and what became of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from postroom.message import AttributeValue, format_uuid


class Stored:
    """
    What never changes of a message in a queue.
    """

    __slots__ = (
        "_bits",
        "_id",
        "attributes",
        "body",
        "message_group_id",
        "sender_id",
        "sent_at",
        "source_arn",
        "trace_header",
    )

    def __init__(
        self,
        identity: int | str,
        body: str,
        attributes: Mapping[str, AttributeValue],
        sent_at: int,
        sender_id: str,
        source_arn: str | None = None,
        trace_header: str | None = None,
        message_group_id: str | None = None,
    ) -> None:
        self._bits = identity if isinstance(identity, int) else 0
        self._id = identity if isinstance(identity, str) else ""
        self.body: str = body
        self.attributes: Mapping[str, AttributeValue] = attributes
        self.sent_at: int = sent_at
        self.sender_id: str = sender_id
        self.source_arn: str | None = source_arn
        self.trace_header: str | None = trace_header
        self.message_group_id: str | None = message_group_id
        """Its group, or in a standard queue the tenant it belongs to (SQS 3, 4)."""

    @property
    def message_id(self) -> str:
        """
        A UUID; written out when somebody first looks at it.
        """
        if not self._id:
            self._id = format_uuid(self._bits)
        return self._id

    def _arguments(self) -> tuple[object, ...]:
        return (
            self.message_id,
            self.body,
            self.attributes,
            self.sent_at,
            self.sender_id,
            self.source_arn,
            self.trace_header,
            self.message_group_id,
        )

    def __reduce__(self) -> tuple[object, ...]:
        return Stored, self._arguments()


class StoredFifo(Stored):
    """
    Likewise, in a FIFO queue.

    Args:
        identity: The message id, or its 128 bits.
        body: As it was sent.
        attributes: Likewise.
        sent_at: Microseconds since the epoch.
        sender_id: Who sent it.
        source_arn: Of the queue it came from as a dead letter.
        trace_header: It was sent with.
        message_group_id: Its group.
        deduplication_id: What tells it from others for five minutes (SQS 3.3).
        sequence_number: Its place in the queue, 20 decimal digits (SQS 3.2).
    """

    __slots__ = ("deduplication_id", "sequence_number")

    def __init__(
        self,
        identity: int | str,
        body: str,
        attributes: Mapping[str, AttributeValue],
        sent_at: int,
        sender_id: str,
        source_arn: str | None = None,
        trace_header: str | None = None,
        message_group_id: str | None = None,
        deduplication_id: str = "",
        sequence_number: str = "",
    ) -> None:
        super().__init__(identity, body, attributes, sent_at, sender_id, source_arn, trace_header, message_group_id)
        self.deduplication_id: str = deduplication_id
        self.sequence_number: str = sequence_number

    def __reduce__(self) -> tuple[object, ...]:
        return StoredFifo, (*self._arguments(), self.deduplication_id, self.sequence_number)


class Entry:
    """
    A live message and what changes of it.
    """

    __slots__ = (
        "first_received_at",
        "keep",
        "number",
        "position",
        "receive_count",
        "received_at",
        "receives",
        "stored",
    )

    def __init__(self, number: int, stored: Stored, receive_count: int, first_received_at: int | None) -> None:
        self.number: int = number
        self.position = number
        self.stored: Stored = stored
        self.receives = 0
        """Receives in this queue: what the dead-letter rule counts (SQS 2)."""
        self.receive_count: int = receive_count
        """Receives in all queues it went through: what consumers see (SQS 2)."""
        self.first_received_at: int | None = first_received_at
        self.received_at = 0
        """When it was last received in this queue."""
        self.keep = False
        """The dead-letter queue refused it: the next receive delivers it from here."""


class Fate(NamedTuple):
    """
    What became of a message that is no longer there.
    """

    key: int | str
    what: str
    at: int
    receives: int
