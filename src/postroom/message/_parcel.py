"""
What a message travels with: its id, and the parcel one resource hands to another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from postroom.message._attributes import NO_ATTRIBUTES, AttributeValue


def format_uuid(bits: int) -> str:
    """
    Return a version 4 UUID made of random bits, as text (RFC 4122).

    Six bits are overwritten, so that 122 stay random. Draw the bits from the random source of the resource:
    ``format_uuid(rng.getrandbits(128))`` takes a third of the time of ``str(uuid4())``, and can be repeated.

    >>> format_uuid(0x0123456789ABCDEF_0123456789ABCDEF)
    '01234567-89ab-4def-8123-456789abcdef'

    Args:
        bits: From 0 to 2**128 - 1; anything else raises `OverflowError`.
    """
    digits = bits.to_bytes(16, "big").hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{'89ab'[bits >> 60 & 3]}{digits[17:20]}-{digits[20:]}"


class Parcel(NamedTuple):
    """
    A message on its way from one resource to another.

    Three senders make parcels. A queue that dead-letters or redrives a message hands on all it knows of it: its id,
    its age, how often it was received, and where it comes from. A topic makes one parcel for all its subscribers, and
    a rule of a bus one for each target; both leave everything unset that a fresh message gets from its receiver. A
    parcel was checked by who made it and is never changed, so that one can go to many receivers.

    >>> from postroom.message import to_attributes
    >>> parcel = Parcel("2 x tea", to_attributes({"table": 7}))
    >>> parcel.message_id is None, parcel.receive_count
    (True, 0)
    >>> parcel._replace(source_arn="arn:aws:sqs:us-east-1:123456789012:orders").source_arn
    'arn:aws:sqs:us-east-1:123456789012:orders'
    """

    body: str
    """The text."""
    attributes: Mapping[str, AttributeValue] = NO_ATTRIBUTES
    """As `to_attributes` returns them."""
    message_id: str | None = None
    """The id to keep; None: the receiver draws a new one."""
    sent_at: int | None = None
    """When the message was first sent, in microseconds since the epoch; None: now."""
    first_received_at: int | None = None
    """When it was first received, in microseconds since the epoch; None: it never was."""
    receive_count: int = 0
    """How often it was received before."""
    source_arn: str | None = None
    """The queue a dead letter came from; None: this is no dead letter."""
    message_group_id: str | None = None
    """The group it belongs to in a FIFO queue; None: none."""
    message_deduplication_id: str | None = None
    """By what a FIFO queue knows it again; None: none."""
    sender_id: str | None = None
    """Who sent it, as the system attribute SenderId shows it; None: the receiver's default."""
    trace_header: str | None = None
    """The system attribute AWSTraceHeader."""
    cause: str | None = None
    """The id of what it was made of, at the sender: a topic's message, an event. It ties observations together, and is the
    id by which a function knows the parcel."""
    partition_key: str | None = None
    """By which a stream spreads records; None: the sender has none, and a stream takes `cause`."""
    hops: tuple[str, ...] = ()
    """The ARNs of the rules that forwarded it from bus to bus, oldest first."""

    def to_dict(self) -> dict[str, Any]:
        """
        Return the fields as a dict of plain values; binary attributes stay `bytes`.

        >>> from postroom.message import to_attributes
        >>> Parcel("2 x tea", to_attributes({"table": 7})).to_dict()["attributes"]
        {'table': {'data_type': 'Number', 'value': '7'}}
        """
        attributes = {name: attribute.to_dict() for name, attribute in self.attributes.items()}
        return {**self._asdict(), "attributes": attributes}
