"""
When to try again, and when to give up.

A schedule is a value: it says, of a delivery that failed, at what instant the next attempt is due. It holds no clock and
keeps no count; who asks has both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from postroom.errors import InvalidRequest, NotFound, ResourceClosed
from postroom.limits import SECOND_US

if TYPE_CHECKING:
    import random


class RetrySchedule(Protocol):
    """
    When the next attempt is due.
    """

    def next_at(self, now: int, first_at: int, retries: int, rng: random.Random) -> int | str:
        """
        The instant of the next attempt, or why there is none.

        Args:
            now: When the last attempt failed, in microseconds since the epoch.
            first_at: When the first attempt was made, or the event came in.
            retries: Retries made so far: 0 after the first attempt.
            rng: Where jitter is drawn from.

        Returns:
            Microseconds since the epoch, or the name of the condition that is exhausted.
        """
        ...


class PhasedRetries(NamedTuple):
    """
    A topic's schedule: at once, then at the least delay, then growing, then at the greatest (SNS 10.2, 10.4).

    >>> import random
    >>> schedule = PhasedRetries(no_delay=1, min_delay=1, backoff=2, max_delay=1, shortest=1_000_000, longest=20_000_000)
    >>> [schedule.next_at(0, 0, retries, random.Random(1)) for retries in range(6)]
    [0, 1000000, 1000000, 20000000, 20000000, 'MaximumRetryAttempts']
    """

    no_delay: int = 3
    """Retries at once."""
    min_delay: int = 2
    """Retries after the shortest delay."""
    backoff: int = 10
    """Retries whose delays grow from the shortest to the longest, each step twice the one before."""
    max_delay: int = 100_000
    """Retries after the longest delay."""
    shortest: int = SECOND_US
    """Microseconds."""
    longest: int = 20 * SECOND_US
    """Microseconds."""

    def next_at(self, now: int, first_at: int, retries: int, rng: random.Random) -> int | str:  # noqa: ARG002
        """
        As `RetrySchedule.next_at`.
        """
        place = retries - self.no_delay
        if place < 0:
            return now
        place -= self.min_delay
        if place < 0:
            return now + self.shortest
        if place < self.backoff:
            return now + self._grown(place)
        return now + self.longest if place - self.backoff < self.max_delay else "MaximumRetryAttempts"

    def _grown(self, place: int) -> int:
        if self.backoff == 1:
            return self.shortest
        share: float = (2**place - 1) / (2 ** (self.backoff - 1) - 1)
        return self.shortest + round((self.longest - self.shortest) * share)


class BackoffRetries(NamedTuple):
    """
    A schedule of doubling delays, with jitter, bound by a count and an age (EB 6).

    AWS publishes the bounds, not the delays: these, and full jitter, are a choice.

    >>> import random
    >>> schedule = BackoffRetries(max_retries=2, jitter=False)
    >>> [schedule.next_at(0, 0, retries, random.Random(1)) for retries in range(3)]
    [1000000, 2000000, 'MaximumRetryAttempts']
    """

    max_retries: int = 185
    """Retries after the first attempt."""
    max_age: int = 86_400 * SECOND_US
    """Microseconds after the first attempt in which a retry may still be made."""
    base: int = SECOND_US
    """The first delay, in microseconds."""
    longest: int = 600 * SECOND_US
    """The longest delay, in microseconds."""
    jitter: bool = True
    """Whether a delay is drawn between 0 and its full length."""

    def next_at(self, now: int, first_at: int, retries: int, rng: random.Random) -> int | str:
        """
        As `RetrySchedule.next_at`.
        """
        if retries >= self.max_retries:
            return "MaximumRetryAttempts"
        span = min(self.base << min(retries, 40), self.longest)
        due = now + (round(rng.random() * span) if self.jitter else span)
        return due if due - first_at <= self.max_age else "MaximumEventAgeInSeconds"


def is_permanent(error: Exception) -> bool:
    """
    Whether trying again cannot help: the destination is closed or gone, or does not take such a thing (SNS 10.1, EB 6).

    >>> from postroom.errors import LostAcknowledgement, ResourceClosed
    >>> is_permanent(ResourceClosed("The queue orders is closed.")), is_permanent(LostAcknowledgement())
    (True, False)
    """
    return isinstance(error, (ResourceClosed, NotFound, InvalidRequest))
