"""
How far a function is with one shard: a core that takes the present instant, calls nobody and holds no lock.

The records of a shard are worked on strictly in order. A batch that failed is tried again, the same one, and everything
behind it waits; so the core keeps where that batch ends, how often it was tried, and when its turn comes again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from postroom.limits import STREAM_RETRY_MAX_US, STREAM_RETRY_MIN_US

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroom.stream import Record


class Discarded(NamedTuple):
    """
    A batch that was given up, and not yet passed over.
    """

    records: Sequence[Record]
    request_id: str
    """Of its last call."""
    attempts: int
    at_us: int
    """When it was given up, in microseconds since the epoch."""
    error: str


class LaneCore:
    """
    How far a function is with one shard.

    Args:
        max_retries: Retries after a batch's first call; -1: without end.
    """

    __slots__ = ("attempts", "discarded", "due_at", "end", "max_retries")

    def __init__(self, max_retries: int) -> None:
        self.max_retries: int = max_retries
        self.attempts: int = 0
        """Calls with the present batch that failed."""
        self.end: int | None = None
        """The last sequence number of the batch that is tried again; None: no batch is."""
        self.due_at: int | None = None
        """When it is tried again, in microseconds since the epoch."""
        self.discarded: Discarded | None = None

    def choose(self, records: Sequence[Record]) -> Sequence[Record]:
        """
        The next batch, of what lies in the shard now.

        A batch that failed is the same again, without what was trimmed meanwhile; if all of it was, it is over.
        """
        if self.end is not None:
            again = [record for record in records if int(record.sequence_number) <= self.end]
            if again:
                return again
            self.reset()
        return records

    def reset(self) -> None:
        """
        The batch is done with: it succeeded, was given up, or was trimmed.
        """
        self.end = None
        self.due_at = None
        self.attempts = 0
        self.discarded = None

    def failed(self, now: int, records: Sequence[Record], request_id: str, error: str) -> None:
        """
        The handler raised: the batch is tried again later, or is `discarded`.
        """
        self.end = int(records[-1].sequence_number)
        self.attempts += 1
        if 0 <= self.max_retries < self.attempts:
            self.due_at = None
            self.discarded = Discarded(records, request_id, self.attempts, now, error)
        else:
            self.due_at = now + delay_us(self.attempts)


def delay_us(attempts: int) -> int:
    """
    How long a batch waits that failed so often: a second, then twice as long each time, up to a minute.

    AWS says that the delays grow exponentially, not how long they are (DEL C3): these are a choice.

    >>> [delay_us(attempts) // 1_000_000 for attempts in range(1, 9)]
    [1, 2, 4, 8, 16, 32, 60, 60]
    """
    return min(STREAM_RETRY_MIN_US << min(attempts - 1, 40), STREAM_RETRY_MAX_US)
