"""
Hands parcels to destinations: in order, confirmed, again by a schedule when that fails, and at last as dead letters.

A *route* leads to one destination: a subscription of a topic, a target of a rule. A *round* is one message on its way
over several routes. Rounds are worked off in the order in which they were added under the resource's lock, by one thread
at a time and without the lock (see `Outbox`). An attempt that fails holds up nobody: its retries are the clock's.

At least once: a round that is cut short, by Ctrl-C say, is taken up again where it was, and the parcel that was in the
middle of its hand-over is then handed over once more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from postroom.delivery._outbox import Outbox
from postroom.delivery._retries import is_permanent
from postroom.errors import LostAcknowledgement, PostroomError

if TYPE_CHECKING:
    from postroom.clock import Timer
    from postroom.delivery._resource import Resource
    from postroom.delivery._retries import RetrySchedule
    from postroom.faults import Faults
    from postroom.message import Parcel
    from postroom.observe import Destination, Kind


class Failed(NamedTuple):
    """
    What is known of a delivery that was given up.
    """

    error: Exception
    """Of the last attempt."""
    retries: int
    """Retries made."""
    exhausted: str | None
    """The condition that ended them; None: the failure was permanent."""


class Route:
    """
    Where a courier hands parcels to, and what it does when that fails; subscriptions and targets are routes.

    Args:
        destination: The destination, or how to find it at each attempt: an ARN is resolved then, not before.
        shown: The destination's kind and name, or its ARN, for people.
        label: By which a plan of faults knows it: ``topic->queue``.
        retries: When to try again.
        dead_letter_queue: Where a parcel goes that was given up; None: it is dropped.
    """

    def __init__(
        self,
        destination: Destination | Callable[[], Destination],
        *,
        shown: str,
        label: str,
        retries: RetrySchedule,
        dead_letter_queue: Destination | None = None,
    ) -> None:
        self.fixed: Destination | None = None if callable(destination) else destination
        self._find = destination if callable(destination) else None
        self.shown: str = shown
        self.label: str = label
        self.retries: RetrySchedule = retries
        self.dead_letter_queue: Destination | None = dead_letter_queue
        self.removed: bool = False
        """Whether it leads nowhere any more: what still waits for a retry on it is dropped."""
        self.delivered: int = 0
        self.refused: int = 0
        """Attempts that failed."""
        self.dead_lettered: int = 0
        self.dropped: int = 0

    def destination(self) -> Destination:
        """
        Where it leads.

        Raises:
            NotFound: There is no such resource now.
        """
        if self.fixed is not None:
            return self.fixed
        assert self._find is not None
        return self._find()

    def dead_letter(self, parcel: Parcel, failed: Failed) -> Parcel:  # noqa: ARG002 - a rule's target notes what failed
        """
        What the dead-letter queue gets of a parcel that was given up.
        """
        return parcel


class Round:
    """
    One message on its way over several routes.

    Args:
        message_id: Of the message, for observations.
        began_at: When it came in, in microseconds since the epoch: ages count from here.
        legs: Routes and what goes over each, in order.
    """

    __slots__ = ("began_at", "legs", "message_id", "next", "retries")

    def __init__(self, message_id: str, began_at: int, legs: Sequence[tuple[Route, Parcel]], retries: int = 0) -> None:
        self.message_id = message_id
        self.began_at = began_at
        self.legs = legs
        self.next = 0
        self.retries = retries


class CourierStats(NamedTuple):
    """
    What a courier did so far.

    >>> CourierStats().delivered
    0
    """

    delivered: int = 0
    """Parcels that were taken over."""
    refused: int = 0
    """Attempts that failed."""
    dead_lettered: int = 0
    """Parcels that went to a dead-letter queue."""
    dropped: int = 0
    """Parcels that were given up, with no dead-letter queue to go to, or one that refused them."""
    retrying: int = 0
    """Parcels that wait for their next attempt."""


class Courier:
    """
    Not for users: what a topic and a bus have their hand-overs done by.

    Args:
        owner: Whose lock, clock, observers and random source it uses.
        faults: Has acknowledgements lost.
    """

    def __init__(self, owner: Resource, faults: Faults | None) -> None:
        self._owner = owner
        self._faults = faults
        self._outbox = Outbox()
        self._rounds: deque[Round] = deque()
        self._waiting: dict[Round, Timer] = {}
        self._delivered = 0
        self._refused = 0
        self._dead_lettered = 0
        self._dropped = 0

    def add(self, one: Round) -> None:
        """
        Under the owner's lock: puts a round at the end of the line.
        """
        self._rounds.append(one)

    def drain(self) -> None:
        """
        Without the lock: works off what is in line, unless another thread is at it.
        """
        if self._rounds:
            self._outbox.drain(self._next_up)

    def _next_up(self) -> Callable[[], object] | None:
        # A deque's ends are safe to look at without the lock; only who drains takes off.
        return self._work_off if self._rounds else None

    def _work_off(self) -> None:
        one = self._rounds[0]
        legs, faults = one.legs, self._faults
        while one.next < len(legs):
            route, parcel = legs[one.next]
            try:
                (route.fixed or route.destination()).deliver(parcel)
                if faults is not None:
                    _lose_acknowledgement(faults, route)
            except Exception as error:
                self._failed(one, route, parcel, error)
            else:
                route.delivered += 1
                self._delivered += 1
                if self._owner._observers:
                    self._tell("delivered", one, to=route.shown)
            one.next += 1
        self._rounds.popleft()

    def _failed(self, one: Round, route: Route, parcel: Parcel, error: Exception) -> None:
        owner = self._owner
        now = owner.clock.now_us()
        route.refused += 1
        self._refused += 1
        due: int | str | None = None
        if not is_permanent(error):
            due = route.retries.next_at(now, one.began_at, one.retries, owner._home.random)
        if self._owner._observers:
            self._tell("refused", one, to=route.shown, error=_shown(error), retry=one.retries)
        if isinstance(due, int) and not route.removed:
            self._retry(due, Round(one.message_id, one.began_at, [(route, parcel)], one.retries + 1))
            return
        self._give_up(one, route, parcel, Failed(error, one.retries, due if isinstance(due, str) else None))

    def _retry(self, due: int, one: Round) -> None:
        def again() -> None:
            with self._owner._lock:
                if self._waiting.pop(one, None) is None:
                    return  # closed meanwhile
                if not one.legs[0][0].removed:
                    self._rounds.append(one)
            self.drain()

        with self._owner._lock:
            if self._owner.closed:
                self._dropped += 1
                return
            self._waiting[one] = self._owner.clock.call_at(due, again)

    def _give_up(self, one: Round, route: Route, parcel: Parcel, failed: Failed) -> None:
        error = failed.error
        if route.dead_letter_queue is not None and not route.removed:
            try:
                route.dead_letter_queue.deliver(route.dead_letter(parcel, failed))
            except PostroomError as another:
                error = another
            else:
                route.dead_lettered += 1
                self._dead_lettered += 1
                if self._owner._observers:
                    self._tell("dead-lettered", one, to=str(route.dead_letter_queue), error=_shown(error))
                return
        route.dropped += 1
        self._dropped += 1
        if self._owner._observers:
            self._tell("dropped", one, to=route.shown, error=_shown(error))

    def _tell(self, kind: Kind, one: Round, **details: Any) -> None:
        owner = self._owner
        with owner._lock:
            seen = owner._seen(owner.clock.now_us(), kind, one.message_id, **details)
        owner._tell([seen])

    def close(self) -> None:
        """
        Under the owner's lock: what waits for a retry is dropped.
        """
        for timer in self._waiting.values():
            timer.cancel()
        self._dropped += len(self._waiting)
        self._waiting.clear()

    def after_fork_in_child(self) -> None:
        """
        Whoever drained in another thread was not copied.
        """
        self._outbox.after_fork_in_child()

    def stats(self) -> CourierStats:
        """
        What it did so far.
        """
        return CourierStats(self._delivered, self._refused, self._dead_lettered, self._dropped, len(self._waiting))

    def due(self) -> list[tuple[int, str]]:
        """
        For `pending`: when the next retries are due, and over which route; a line per route.
        """
        soonest: dict[str, int] = {}
        for one, timer in list(self._waiting.items()):
            shown = one.legs[0][0].shown
            soonest[shown] = min(timer.when_us, soonest.get(shown, timer.when_us))
        return sorted((at, f"next attempt to deliver to {shown}") for shown, at in soonest.items())


def _lose_acknowledgement(faults: Faults, route: Route) -> None:
    if faults.draws_lost_acknowledgement(route.label):
        raise LostAcknowledgement(
            f"{route.shown} took it, and its acknowledgement was lost.",
            help="A plan of faults did this; it is delivered again.",
        )


def _shown(error: Exception) -> str:
    return str(error).splitlines()[0] if isinstance(error, PostroomError) and str(error) else repr(error)
