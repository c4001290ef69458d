"""
Hands parcels to destinations: in order, confirmed, again by a schedule when that fails, and at last as dead letters.

A *route* leads to one destination: a subscription of a topic, a target of a rule. A *round* is one message on its way
over several routes. Rounds are worked off in the order in which they were added under the resource's lock, by one thread
at a time and without the lock. An attempt that fails holds up nobody: its retry is a round of its own,
which waits, and is in line again when it is due. One alarm stands at the first of those, not one per parcel.

At least once: a round that is cut short, by Ctrl-C say, stays in line, and the clock takes it up again where it was; the
parcel that was in the middle of its hand-over is then handed over once more. What is kept twice for a moment (in line and
waiting) is the same object, so that nothing is worked off twice for it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from postroom.clock import show_span
from postroom.delivery._letters import deliver_letter, error_line
from postroom.delivery._retries import is_permanent
from postroom.errors import LostAcknowledgement, ResourceClosed

if TYPE_CHECKING:
    from postroom.clock import Timer
    from postroom.delivery._resource import Resource
    from postroom.delivery._retries import RetrySchedule
    from postroom.faults import Faults
    from postroom.message import Parcel
    from postroom.observe import Destination, Kind, Observation

_DRAINER: Final = "drainer"


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
        label: By which a plan of faults knows it: the names of sender and destination, ``orders->kitchen``.
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
        self._find: Callable[[], Destination] | None = destination if callable(destination) else None
        self.hand_over: Callable[[Parcel], object] = (
            self._find_and_deliver if callable(destination) else destination.deliver
        )
        """Delivers a parcel: for a fixed destination, with nothing in between."""
        self.shown: str = shown
        self.label: str = label
        self.retries: RetrySchedule = retries
        self.dead_letter_queue: Destination | None = dead_letter_queue
        self.waiting: dict[Round, None] = {}
        """What waits for its next attempt on it; the courier's."""
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

    def _find_and_deliver(self, parcel: Parcel) -> None:
        self.destination().deliver(parcel)

    def dead_letter(self, parcel: Parcel, failed: Failed) -> Parcel:  # noqa: ARG002 - a rule's target notes what failed
        """
        What the dead-letter queue gets of a parcel that was given up; what it raises, the queue is taken to refuse.
        """
        return parcel


class Round:
    """
    One message on its way over several routes.

    Args:
        message_id: Of the message, for observations.
        began_at: When it came in, in microseconds since the epoch: ages count from here.
        legs: Routes and what goes over each, in order.
        retries: Retries made before this one.
        unfit: Why no destination is to see these parcels: each is refused with this error.
        first: The round whose retry this is, or which it is a part of; `Courier.fate` tells of both as one.
    """

    # What nearly no round has stands here: setting nine attributes would take longer than all the rest of a publish.
    next: int = 0
    """The leg that is to be gone next."""
    failed: int = 0
    """Legs that failed."""
    retries: int = 0
    unfit: Exception | None = None
    first: Round | None = None
    troubles: dict[Route, str] | None = None
    """What became of the legs that failed, those of its retries included."""

    def __init__(
        self,
        message_id: str,
        began_at: int,
        legs: Sequence[tuple[Route, Parcel]],
        retries: int = 0,
        *,
        unfit: Exception | None = None,
        first: Round | None = None,
    ) -> None:
        self.message_id: str = message_id
        self.began_at: int = began_at
        self.legs: Sequence[tuple[Route, Parcel]] = legs
        if retries:
            self.retries = retries
        if unfit is not None:
            self.unfit = unfit
        if first is not None:
            self.first = first


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
        self._rounds: deque[Round] = deque()
        self.add: Callable[[Round], object] = self._rounds.append
        """Under the owner's lock: puts a round at the end of the line."""
        self._role: dict[str, object] = {}
        # Who waits, and when it is due. The heap may hold more: those whose route was removed meanwhile.
        self._waiting: dict[Round, int] = {}
        self._due: list[tuple[int, int, Round]] = []
        self._numbers = 0
        self._alarm: Timer | None = None
        self._delivered = 0
        self._refused = 0
        self._dead_lettered = 0
        self._dropped = 0

    def drain(self) -> None:
        """
        Without the lock: works off what is in line, unless another thread is at it.
        """
        # As `Outbox` does, without its lock: `setdefault` is atomic. Whoever finds another at work has its round in line
        # already, and that other looks at the line once more when it has given the role up. The role is given up by
        # whoever has it, also when Ctrl-C comes before this knows that it got it.
        rounds, role, me = self._rounds, self._role, object()
        try:
            while rounds:
                try:
                    if role.setdefault(_DRAINER, me) is not me:
                        return
                    while rounds:
                        self._work_off()
                finally:
                    if role.get(_DRAINER) is me:
                        del role[_DRAINER]
        except BaseException:
            self.resume()
            raise

    def resume(self) -> None:
        """
        Without the lock, after Ctrl-C: has the clock take up what is in line, if anything is.
        """
        if self._rounds:
            with self._owner._lock:
                self._set_alarm(self._owner.clock.now_us())

    def _work_off(self) -> None:
        # A deque's ends are safe to look at without the lock; only who drains takes off.
        one = self._rounds[0]
        legs, faults, error = one.legs, self._faults, one.unfit
        if one.retries and legs and legs[0][0].removed:
            # Its route was removed while it waited, and nobody said `forget`.
            self._drop(one, legs[0][0])
            one.next, one.failed = 1, 1
        # In step, so that one that is taken up again goes on where it was.
        for route, parcel in legs[one.next :] if one.next else legs:
            if one.unfit is None:
                error = None
                try:
                    route.hand_over(parcel)
                    if faults is not None:
                        _lose_acknowledgement(faults, route)
                except Exception as raised:
                    error = raised
            if error is None:
                route.delivered += 1
                if self._owner._observers or one.retries:
                    self._note_delivery(one, route)
            else:
                self._failed(one, route, parcel, error)
                one.failed += 1
            one.next += 1
        self._delivered += one.next - one.failed
        self._rounds.popleft()
        one.legs = ()  # a topic remembers its rounds for a while, but not what they carried

    def _note_delivery(self, one: Round, route: Route) -> None:
        if one.retries:
            self._note(one, route, "delivered")
        if self._owner._observers:
            self._tell("delivered", one, to=route.shown)

    def _failed(self, one: Round, route: Route, parcel: Parcel, error: Exception) -> None:
        owner = self._owner
        now = owner.clock.now_us()
        due: int | str | None = None  # the instant, or the condition that is exhausted
        if not is_permanent(error):
            due = route.retries.next_at(now, one.began_at, one.retries, owner._home.random)
        self._refused += 1
        route.refused += 1
        if owner._observers:
            self._tell("refused", one, to=route.shown, error=error_line(error), retry=one.retries)
        if isinstance(due, int):
            if not self._retry(due, one, route, parcel):
                self._drop(one, route, error)
            return
        self._give_up(one, route, parcel, Failed(error, one.retries, due))

    def _retry(self, due: int, one: Round, route: Route, parcel: Parcel) -> bool:
        """
        Has the parcel wait for its next attempt; False if there is nobody left to make it.
        """
        again = Round(one.message_id, one.began_at, [(route, parcel)], one.retries + 1, first=one.first or one)
        with self._owner._lock:
            if self._owner.closed or route.removed:
                return False
            self._numbers += 1
            heappush(self._due, (due, self._numbers, again))
            route.waiting[again] = None
            self._waiting[again] = due
            self._note(one, route, "retrying")
            self._set_alarm(due)
        return True

    def _set_alarm(self, when: int) -> None:
        """
        Under the lock: rings at that instant, or before.
        """
        alarm = self._alarm
        if alarm is None or not alarm.active or alarm.when_us > when:
            self._replace_alarm(when)

    def _replace_alarm(self, when: int) -> None:
        # The new one first: cut short in between, one rings too often, and none too seldom.
        alarm = self._alarm
        try:
            self._alarm = self._owner.clock.alarm(when, self._ring, str(self._owner))
        except ResourceClosed:
            pass  # a closed clock makes no attempts any more, and has said so
        if alarm is not None:
            alarm.cancel()

    def _ring(self) -> None:
        owner = self._owner
        with owner._lock:
            self._alarm = None
            now = owner.clock.now_us()
            while self._due and self._due[0][0] <= now:
                one = self._due[0][2]
                # In line first, and off the list then: cut short in between, it is in line twice, and done once.
                if one in self._waiting:
                    self._rounds.append(one)
                    self._wait_no_more(one)
                heappop(self._due)
            if self._due:
                self._set_alarm(self._due[0][0])
        if not self._rounds:
            return
        if current_thread() is main_thread():
            # Here, and only here, Ctrl-C may come, and an alarm that is cut short rings again.
            self.drain()
            return
        # Destinations and observers may be users' code, which must not hold up a clock's own thread.
        try:
            owner.clock.run(self.drain, str(owner), patient=True)
        except ResourceClosed:
            pass  # likewise

    def _wait_no_more(self, one: Round) -> None:
        self._waiting.pop(one, None)
        for route, _ in one.legs:
            route.waiting.pop(one, None)

    def _give_up(self, one: Round, route: Route, parcel: Parcel, failed: Failed) -> None:
        error = failed.error
        if route.dead_letter_queue is not None and not route.removed:
            try:
                deliver_letter(route.dead_letter_queue, route.dead_letter(parcel, failed))
            except Exception as another:
                # The last it could do: who is to retry a queue that takes nothing else's failures?
                error = another
            else:
                route.dead_lettered += 1
                self._dead_lettered += 1
                self._note(one, route, "dead-lettered")
                if self._owner._observers:
                    self._tell("dead-lettered", one, to=str(route.dead_letter_queue), error=error_line(error))
                return
        self._drop(one, route, error)

    def _drop(self, one: Round, route: Route, error: Exception | None = None) -> None:
        why = "" if error is None else error_line(error)
        with self._owner._lock:
            seen = self._dropped_now(one, route, why)
        self._owner._tell(seen)

    def _dropped_now(self, one: Round, route: Route, why: str) -> list[Observation]:
        """
        Under the lock: it is given up for good.
        """
        route.dropped += 1
        self._dropped += 1
        self._note(one, route, "dropped")
        owner = self._owner
        if not owner._observers:
            return []
        why = why or ("its route was removed" if route.removed else f"the {owner} was closed")
        return [owner._seen(owner.clock.now_us(), "dropped", one.message_id, to=route.shown, error=why)]

    def _note(self, one: Round, route: Route, what: str) -> None:
        first = one.first or one
        if first.troubles is None:
            first.troubles = {}
        first.troubles[route] = what

    def _tell(self, kind: Kind, one: Round, **details: Any) -> None:
        owner = self._owner
        with owner._lock:
            seen = owner._seen(owner.clock.now_us(), kind, one.message_id, **details)
        owner._tell([seen])

    def forget(self, route: Route) -> list[Observation]:
        """
        Under the owner's lock: the route leads nowhere any more, and what waits for a retry on it is dropped.

        Returns:
            What observers are to be told, without the lock.
        """
        route.removed = True
        seen = [told for one in list(route.waiting) for told in self._drop_waiting(one)]
        # The clock is not to stop where nothing is due any more.
        while self._due and self._due[0][2] not in self._waiting:
            heappop(self._due)
        alarm = self._alarm
        if alarm is not None and not self._rounds:
            if not self._due:
                alarm.cancel()
            elif alarm.when_us < self._due[0][0]:
                self._replace_alarm(self._due[0][0])
        return seen

    def close(self) -> list[Observation]:
        """
        Under the owner's lock: what waits for a retry is dropped. It may be repeated, as Ctrl-C may cut it short.

        Returns:
            What observers are to be told, without the lock.
        """
        if self._alarm is not None and not self._rounds:
            self._alarm.cancel()
        return [seen for one in list(self._waiting) for seen in self._drop_waiting(one)]

    def _drop_waiting(self, one: Round) -> list[Observation]:
        self._wait_no_more(one)
        return [seen for route, _ in one.legs for seen in self._dropped_now(one, route, "")]

    def after_fork_in_child(self) -> None:
        """
        Under the owner's lock: whoever drained in another thread was not copied, nor a clock's thread with its alarm.
        """
        self._role.clear()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._rounds:
            self._set_alarm(self._owner.clock.now_us())
        elif self._due:
            self._set_alarm(self._due[0][0])

    def stats(self) -> CourierStats:
        """
        What it did so far.
        """
        return CourierStats(self._delivered, self._refused, self._dead_lettered, self._dropped, len(self._waiting))

    def due(self) -> list[tuple[int, str]]:
        """
        For `pending`: when the next retries are due, and over which route; a line per route.
        """
        soonest: dict[str, list[int]] = {}
        for one, due in list(self._waiting.items()):
            soonest.setdefault(one.legs[0][0].shown, []).append(due)
        return sorted(
            (min(dues), f"next of {len(dues)} attempts to deliver to {shown}") for shown, dues in soonest.items()
        )

    def fate(self, one: Round, now: int) -> str:
        """
        Under the owner's lock: what became of a round so far, for people: how many were delivered, and each trouble.
        """
        troubles = dict(one.troubles or {})
        parts: list[str] = []
        left = len(one.legs) - one.next
        if left > 0:
            parts.append(f"{left} on its way")
        for what in ("dead-lettered", "dropped", "retrying"):
            routes = [route for route, became in troubles.items() if became == what]
            if routes:
                parts.append(
                    f"{len(routes)} {what} ({', '.join(self._shown_route(one, route, what, now) for route in routes)})"
                )
        delivered = one.next - one.failed + sum(what == "delivered" for what in troubles.values())
        return ", ".join([f"{delivered} delivered", *parts])

    def _shown_route(self, one: Round, route: Route, what: str, now: int) -> str:
        if what == "dead-lettered":
            return f"{route.shown}: in {route.dead_letter_queue}"
        if what == "retrying":
            due = [self._waiting[again] for again in route.waiting if again.first is one and again in self._waiting]
            return f"{route.shown}: again in {show_span(max(0, min(due) - now))}" if due else f"{route.shown}: now"
        return route.shown


def _lose_acknowledgement(faults: Faults, route: Route) -> None:
    if faults.draws_lost_acknowledgement(route.label):
        raise LostAcknowledgement(
            f"{route.shown} took it, and its acknowledgement was lost.",
            help="A plan of faults did this; it is delivered again.",
        )
