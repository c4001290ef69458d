"""
What a FIFO queue took within the last five minutes, by deduplication id (SQS 3.3).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeAlias

from postroom.limits import DEDUPLICATION_WINDOW_US
from postroom.message import format_uuid

if TYPE_CHECKING:
    from postroom.queue._entry import StoredFifo

_Key: TypeAlias = str | tuple[str, str]


class Original:
    """
    What is kept of a message that was taken: what a duplicate of it is answered with, and not its body.
    """

    __slots__ = ("_identity", "dropped_at", "sent_at", "sequence_number")

    def __init__(self, stored: StoredFifo, sent_at: int) -> None:
        self._identity = stored._id or stored._bits
        self.sequence_number: str = stored.sequence_number
        self.sent_at: int = sent_at
        self.dropped_at: int | None = None
        """When a duplicate of it was dropped last."""

    @property
    def message_id(self) -> str:
        """
        A UUID.
        """
        return self._identity if isinstance(self._identity, str) else format_uuid(self._identity)


class DeduplicationWindow:
    """
    Ids that were taken within the last five minutes. All it does is O(1), amortised.

    An id is blocked on ``[sent, sent + 5 min)``, whatever becomes of the message, and a duplicate does not extend that. It
    is blocked in the scope it was taken in: in its group, or in the whole queue. If the scope of the queue changes, that holds
    for the ids that come after it.
    """

    __slots__ = ("_ages", "_originals")

    def __init__(self) -> None:
        self._originals: dict[_Key, Original] = {}
        """By id, or by group and id."""
        self._ages: deque[tuple[int, _Key]] = deque()

    def __len__(self) -> int:
        return len(self._originals)

    def find(self, now: int, group: str, deduplication_id: str) -> Original | None:
        """
        The message that blocks an id in a group.
        """
        self._forget(now)
        return self._originals.get((group, deduplication_id)) or self._originals.get(deduplication_id)

    def remember(self, now: int, group: str, stored: StoredFifo, *, by_group: bool) -> None:
        """
        A message was taken.
        """
        self._forget(now)
        id_ = stored.deduplication_id
        key: _Key = (group, id_) if by_group else id_
        # First what makes it forgotten in its time: if Ctrl-C comes in between, no id is blocked for ever.
        self._ages.append((now, key))
        self._originals[key] = Original(stored, now)

    def dropped(self, message_id: str) -> Original | None:
        """
        What is known of a message of which a duplicate was dropped. O(n).
        """
        for original in self._originals.values():
            if original.dropped_at is not None and original.message_id == message_id:
                return original
        return None

    def clear(self) -> None:
        """
        Forgets all of them (SQS 8.1).
        """
        self._originals.clear()
        self._ages.clear()

    def _forget(self, now: int) -> None:
        ages, originals = self._ages, self._originals
        while ages and ages[0][0] + DEDUPLICATION_WINDOW_US <= now:
            sent_at, key = ages[0]
            original = originals.get(key)
            # A dead letter that came twice is blocked by the second coming.
            if original is not None and original.sent_at == sent_at:
                del originals[key]
            ages.popleft()
