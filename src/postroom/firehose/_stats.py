"""
What a delivery stream hands back: results, and its figures.
"""

from __future__ import annotations

from typing import NamedTuple


class PutDelivery(NamedTuple):
    """
    What `DeliveryStream.put_record` returns.

    >>> from postroom import DeliveryStream, ManualClock, MemoryStore
    >>> put = DeliveryStream("events", MemoryStore(), clock=ManualClock()).put_record(b"2 x tea")
    >>> len(put.record_id)
    36
    """

    record_id: str
    """A UUID: the id of the record in observations and for `DeliveryStream.explain`."""

    def to_dict(self) -> dict[str, str]:
        """
        As a plain dict.

        >>> PutDelivery("an id").to_dict()
        {'record_id': 'an id'}
        """
        return self._asdict()


class DeliveryStreamStats(NamedTuple):
    """
    What a delivery stream holds and what went through it.

    >>> from postroom import DeliveryStream, ManualClock, MemoryStore
    >>> stream = DeliveryStream("events", MemoryStore(), clock=ManualClock())
    >>> put = stream.put_record(b"2 x tea")
    >>> stream.stats().buffered_bytes
    7
    """

    buffered_records: int
    """Records that were not written, those of `undelivered` objects not counted."""
    buffered_bytes: int
    """Their bytes, delimiters included."""
    waiting_objects: int
    """Objects that are complete and not written: under way, behind one another, or to be tried again."""
    undelivered: int
    """Objects that were given up and are kept: see `DeliveryStream.undelivered`."""
    objects: int
    """Objects written."""
    records: int
    """Records in them."""
    bytes: int
    """Their bytes, as they were written."""
    failed_writes: int
    """Attempts to write an object that failed."""

    def to_dict(self) -> dict[str, int]:
        """
        As a plain dict.

        >>> DeliveryStreamStats(0, 0, 0, 0, 1, 2, 7, 0).to_dict()["records"]
        2
        """
        return self._asdict()
