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

    __slots__ = ("_bits", "_id", "attributes", "body", "sender_id", "sent_at", "source_arn", "trace_header")

    def __init__(
        self,
        identity: int | str,
        body: str,
        attributes: Mapping[str, AttributeValue],
        sent_at: int,
        sender_id: str,
        source_arn: str | None = None,
        trace_header: str | None = None,
    ) -> None:
        self._bits = identity if isinstance(identity, int) else 0
        self._id = identity if isinstance(identity, str) else ""
        self.body: str = body
        self.attributes: Mapping[str, AttributeValue] = attributes
        self.sent_at: int = sent_at
        self.sender_id: str = sender_id
        self.source_arn: str | None = source_arn
        self.trace_header: str | None = trace_header

    @property
    def message_id(self) -> str:
        """
        A UUID; written out when somebody first looks at it.
        """
        if not self._id:
            self._id = format_uuid(self._bits)
        return self._id

    def __reduce__(self) -> tuple[object, ...]:
        return Stored, (
            self.message_id,
            self.body,
            self.attributes,
            self.sent_at,
            self.sender_id,
            self.source_arn,
            self.trace_header,
        )


class Entry:
    """
    A live message and what changes of it.
    """

    __slots__ = ("first_received_at", "keep", "number", "position", "receive_count", "receives", "stored")

    def __init__(self, number: int, stored: Stored, receive_count: int, first_received_at: int | None) -> None:
        self.number: int = number
        self.position = number
        self.stored: Stored = stored
        self.receives = 0
        """Receives in this queue: what the dead-letter rule counts (SQS 2)."""
        self.receive_count: int = receive_count
        """Receives in all queues it went through: what consumers see (SQS 2)."""
        self.first_received_at: int | None = first_received_at
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
