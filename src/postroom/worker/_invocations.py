"""
The asynchronous invocations of one function: a core that takes the present instant, calls nobody and holds no lock.

An invocation is *ready* (for its turn), *taken* (its handler runs), *waiting* (for a retry) or *over*: given up, and on
its way to the dead-letter queue. It is in one of the four until it succeeded or went there, whatever happens meanwhile:
what is taken is taken under a token, and comes back if the token is given back before anybody said how the call ended.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from heapq import heappop, heappush
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from postroom.limits import INVOCATION_FIRST_RETRY_US, INVOCATION_SECOND_RETRY_US

Condition: TypeAlias = Literal["RetriesExhausted", "EventAgeExceeded"]
"""Why an invocation was given up, under the names that Lambda has for it (DEL D)."""

_DELAYS: Final = (INVOCATION_FIRST_RETRY_US, INVOCATION_SECOND_RETRY_US)


class Invocation:
    """
    An event on its way into a handler.

    Args:
        request_id: Of all its attempts (DEL D).
        message_id: By which observations know it.
        body: The event as it came: JSON.
        received_at: When it came, in microseconds since the epoch.
    """

    __slots__ = ("attempts", "body", "caused_by", "due_at", "error", "event", "message_id", "received_at", "request_id")

    def __init__(self, request_id: str, message_id: str, body: str, received_at: int) -> None:
        self.request_id: str = request_id
        self.message_id: str = message_id
        self.body: str = body
        self.received_at: int = received_at
        self.caused_by: tuple[str, ...] = ()
        """The messages whose handler made it."""
        self.event: list[Any] = []
        """The event as it was read when it came: for one attempt, as a handler may change it."""
        self.attempts: int = 0
        """Calls that ended."""
        self.due_at: int = received_at
        """When the next attempt may begin, in microseconds since the epoch."""
        self.error: str = ""
        """What the last attempt failed with."""


class Over(NamedTuple):
    """
    An invocation that was given up.
    """

    invocation: Invocation
    condition: Condition


class Invocations:
    """
    The invocations of one function that are not done.

    >>> pending = Invocations(max_retries=1, max_age=100_000_000)
    >>> pending.add(Invocation("request", "message", "{}", 0))
    >>> pending.take(0, "me").request_id
    'request'
    >>> pending.failed("me", 1_000_000, "no tea")  # it is tried again 60 seconds after its failure
    61000000
    >>> pending.take(60_999_999, "me"), pending.take(61_000_000, "me").attempts
    (None, 1)
    >>> pending.failed("me", 61_000_000, "no tea"), pending.over[0].condition
    (None, 'RetriesExhausted')

    Args:
        max_retries: Retries after the first attempt.
        max_age: Microseconds after which an invocation is begun no more.
    """

    __slots__ = ("_heap", "_number", "max_age", "max_retries", "over", "ready", "taken")

    def __init__(self, *, max_retries: int, max_age: int) -> None:
        self.max_retries: int = max_retries
        self.max_age: int = max_age
        self.ready: deque[Invocation] = deque()
        """In the order in which they came, or fell due again."""
        self.taken: dict[Hashable, Invocation] = {}
        """Those whose handler runs, by token."""
        self.over: deque[Over] = deque()
        """Those given up: whoever hands them on takes them off then."""
        self._heap: list[tuple[int, int, Invocation]] = []
        self._number = 0

    def add(self, invocation: Invocation) -> None:
        """
        Puts one at the end of the line.
        """
        self.settle(invocation.received_at)
        self.ready.append(invocation)

    def settle(self, now: int) -> None:
        """
        Puts those in line whose retry is due.
        """
        while self._heap and self._heap[0][0] <= now:
            self.ready.append(self._heap[0][2])
            heappop(self._heap)

    def take(self, now: int, token: Hashable) -> Invocation | None:
        """
        The next one, to be called now; None if none is ready. One that became too old meanwhile is over.
        """
        self.settle(now)
        while self.ready:
            invocation = self.ready[0]
            if now - invocation.received_at >= self.max_age:
                self.over.append(Over(invocation, "EventAgeExceeded"))
                self.ready.popleft()
                continue
            # First here, then off there: cut short in between by Ctrl-C, it is in two places, and not in none.
            self.taken[token] = invocation
            self.ready.popleft()
            return invocation
        return None

    def succeeded(self, token: Hashable) -> None:
        """
        The call ended well.
        """
        del self.taken[token]

    def failed(self, token: Hashable, now: int, error: str) -> int | None:
        """
        The handler raised: the invocation waits for its next attempt, or is over.

        Its age is looked at ahead: what would be too old by then is over at once, not after a wait (DEL D).

        Returns:
            When it is tried again, in microseconds since the epoch; None: it is over.
        """
        invocation = self.taken[token]
        invocation.attempts += 1
        invocation.error = error
        retries = invocation.attempts - 1
        if retries >= self.max_retries:
            self.over.append(Over(invocation, "RetriesExhausted"))
            del self.taken[token]
            return None
        due = now + _DELAYS[retries]
        if due - invocation.received_at >= self.max_age:
            self.over.append(Over(invocation, "EventAgeExceeded"))
            del self.taken[token]
            return None
        invocation.due_at = due
        self._number += 1
        heappush(self._heap, (due, self._number, invocation))
        del self.taken[token]
        return due

    def give_back(self, token: Hashable) -> bool:
        """
        Puts what is still taken under a token in front again, as if it had not been taken.

        Returns:
            Whether there was anything.
        """
        invocation = self.taken.get(token)
        if invocation is None:
            return False
        if not self.holds(invocation):
            self.ready.appendleft(invocation)
        del self.taken[token]
        return True

    def holds(self, invocation: Invocation) -> bool:
        """
        Whether it is ready, waiting or over.
        """
        return (
            invocation in self.ready
            or any(invocation is one for _, _, one in self._heap)
            or any(invocation is over.invocation for over in self.over)
        )

    def give_back_others(self, is_mine: Callable[[Hashable], bool]) -> None:
        """
        Gives back all that is taken under tokens that are not mine.
        """
        for token in [token for token in self.taken if not is_mine(token)]:
            self.give_back(token)

    def waiting(self) -> list[Invocation]:
        """
        Those that wait for a retry, the next one due first.
        """
        return [invocation for _, _, invocation in sorted(self._heap)]

    @property
    def retrying(self) -> int:
        """
        How many wait for a retry.
        """
        return len(self._heap)

    def next_wakeup(self) -> int | None:
        """
        When the next retry is due, in microseconds since the epoch.
        """
        return self._heap[0][0] if self._heap else None

    def clear(self) -> list[Invocation]:
        """
        Drops those that are ready or wait, and returns them.
        """
        dropped = [*self.ready, *self.waiting()]
        self.ready.clear()
        self._heap.clear()
        return dropped
