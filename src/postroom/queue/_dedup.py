"""
What a FIFO queue remembers of its sends for five minutes: deduplication ids (SQS 3.3), and attempts to receive (SQS 3.4).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import TYPE_CHECKING, NamedTuple

from postroom.limits import DEDUPLICATION_WINDOW_US
from postroom.message import format_uuid

if TYPE_CHECKING:
    from postroom.queue._entry import Entry, StoredFifo


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

    An id is blocked on ``[sent, sent + 5 min)``, whatever becomes of the message, and a duplicate does not extend that.
    """

    __slots__ = ("_ages", "_originals")

    def __init__(self) -> None:
        self._originals: dict[Hashable, Original] = {}
        self._ages: deque[tuple[int, Hashable]] = deque()

    def __len__(self) -> int:
        return len(self._originals)

    def find(self, now: int, key: Hashable) -> Original | None:
        """
        The message that was taken by this key, if that was within the window.
        """
        self._forget(now)
        return self._originals.get(key)

    def remember(self, now: int, key: Hashable, stored: StoredFifo) -> None:
        """
        A message was taken.
        """
        self._forget(now)
        # An entry of the line without one in the dict would be dropped in its time: so Ctrl-C may come in between.
        self._ages.append((now, key))
        self._originals[key] = Original(stored, now)

    def dropped(self, message_id: str) -> Original | None:
        """
        What is known of a message whose duplicate was dropped. O(n).
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
            if original is not None and original.sent_at == sent_at:
                del originals[key]
            ages.popleft()


class _Attempt(NamedTuple):
    at: int
    received: list[tuple[Entry, int, int]]
    """Each message, which receive of it that was, and until when it is hidden."""


class Attempts:
    """
    What receives with an attempt id returned within the last five minutes.
    """

    __slots__ = ("_ages", "_attempts")

    def __init__(self) -> None:
        self._attempts: dict[str, _Attempt] = {}
        self._ages: deque[tuple[int, str]] = deque()

    def __len__(self) -> int:
        return len(self._attempts)

    def remember(self, now: int, attempt_id: str, received: list[tuple[Entry, int, int]]) -> None:
        """
        A receive returned messages.
        """
        self._forget(now)
        self._ages.append((now, attempt_id))
        self._attempts[attempt_id] = _Attempt(now, received)

    def find(self, now: int, attempt_id: str) -> tuple[int, list[tuple[Entry, int, int]]] | None:
        """
        When a receive of that id was, and what it returned.
        """
        self._forget(now)
        return self._attempts.get(attempt_id)

    def hide_again(self, attempt_id: str, until: int) -> None:
        """
        What it returned is hidden until then: the five minutes still count from the first time.
        """
        attempt = self._attempts[attempt_id]
        self._attempts[attempt_id] = attempt._replace(
            received=[(entry, receive, until) for entry, receive, _ in attempt.received]
        )

    def forget(self, attempt_id: str) -> None:
        """
        That id is of no use any more.
        """
        self._attempts.pop(attempt_id, None)

    def clear(self) -> None:
        """
        Forgets all of them.
        """
        self._attempts.clear()
        self._ages.clear()

    def _forget(self, now: int) -> None:
        ages = self._ages
        while ages and ages[0][0] + DEDUPLICATION_WINDOW_US <= now:
            at, attempt_id = ages[0]
            attempt = self._attempts.get(attempt_id)
            if attempt is not None and attempt.at == at:
                del self._attempts[attempt_id]
            ages.popleft()
