"""
What a FIFO queue remembers of receives that had an attempt id (SQS 3.4).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from postroom.limits import DEDUPLICATION_WINDOW_US

if TYPE_CHECKING:
    from postroom.queue._groups import FifoEntry


class Attempt(NamedTuple):
    """
    One receive: when it was, and what it returned.
    """

    at: int
    entries: Sequence[FifoEntry]


class Attempts:
    """
    Receives within the last five minutes whose messages were not touched since. All it does is O(1), amortised.

    An attempt can be repeated on ``[at, at + 5 min)``, and as long as all its messages are in flight by it. So no more messages
    are kept here than are in flight.
    """

    __slots__ = ("_ages", "_attempts", "_of")

    def __init__(self) -> None:
        self._attempts: dict[str, Attempt] = {}
        self._of: dict[int, str] = {}
        """The attempt by which a message is in flight."""
        self._ages: deque[tuple[int, str]] = deque()

    def __len__(self) -> int:
        return len(self._attempts)

    def remember(self, now: int, attempt_id: str, entries: Sequence[FifoEntry]) -> None:
        """
        A receive returned messages, which are now in flight.
        """
        self._forget(now)
        self._drop(attempt_id)
        self._ages.append((now, attempt_id))
        for entry in entries:
            self._of[entry.number] = attempt_id
        self._attempts[attempt_id] = Attempt(now, entries)

    def find(self, now: int, attempt_id: str) -> Attempt | None:
        """
        The receive of that id, if it can be repeated.
        """
        self._forget(now)
        return self._attempts.get(attempt_id)

    def touch(self, number: int) -> None:
        """
        Something happens to a message: the attempt that it is of cannot be repeated any more.
        """
        attempt_id = self._of.get(number)
        if attempt_id is not None:
            self._drop(attempt_id)
            self._of.pop(number, None)

    def _drop(self, attempt_id: str) -> None:
        attempt = self._attempts.pop(attempt_id, None)
        for entry in () if attempt is None else attempt.entries:
            self._of.pop(entry.number, None)

    def _forget(self, now: int) -> None:
        ages = self._ages
        while ages and ages[0][0] + DEDUPLICATION_WINDOW_US <= now:
            at, attempt_id = ages[0]
            attempt = self._attempts.get(attempt_id)
            if attempt is not None and attempt.at == at:
                self._drop(attempt_id)
            ages.popleft()
