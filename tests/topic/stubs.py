"""
A destination that fails by plan, and a resource that is nothing but a courier.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from postroom import Faults, ManualClock
from postroom.delivery import Courier, PhasedRetries, Resource, Route
from postroom.errors import PostroomError
from postroom.observe import Standalone

if TYPE_CHECKING:
    from postroom.clock import Clock
    from postroom.message import Parcel


class Trouble(PostroomError):
    """
    What passes: trying again helps.
    """


class Box:
    """
    Takes parcels, but for those attempts of its plan that fail.

    Args:
        name: Its name.
        plan: What each attempt raises, in turn; None, and what comes after the plan: it is taken.
        kind: What it says it is.
    """

    def __init__(
        self,
        name: str = "box",
        plan: Iterable[BaseException | None] = (),
        kind: str = "queue",
        clock: Clock | None = None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.arn = f"arn:aws:sqs:us-east-1:123456789012:{name}"
        self.plan = deque(plan)
        self.parcels: list[Parcel] = []
        self.attempts: list[int] = []
        self.then: Callable[[Parcel], object] | None = None
        self._clock = clock

    @property
    def bodies(self) -> list[str]:
        """
        Of what it took.
        """
        return [parcel.body for parcel in self.parcels]

    def deliver(self, parcel: Parcel) -> None:
        """
        Takes a parcel, or fails as planned.
        """
        if self._clock is not None:
            self.attempts.append(self._clock.now_us())
        error = self.plan.popleft() if self.plan else None
        if error is not None:
            raise error
        self.parcels.append(parcel)
        if self.then is not None:
            self.then(parcel)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Sender(Resource):
    """
    A resource that does nothing but hand on.
    """

    kind = "sender"

    def __init__(self, clock: Clock | None = None, faults: Faults | None = None) -> None:
        self.manual: ManualClock = clock if isinstance(clock, ManualClock) else ManualClock()
        super().__init__("s", "arn:aws:x:::s", Standalone(clock or self.manual, 1))
        self.courier = Courier(self, faults)
        self._clock.register(self)

    def _wake_all(self) -> None:
        self.courier.close()

    def _forget_other_threads(self) -> None:
        self.courier.after_fork_in_child()


def route_to(box: Box | Callable[[], Box], dead: Box | None = None, retries: PhasedRetries | None = None) -> Route:
    """
    A route that is tried again once at once, and once after a second.
    """
    return Route(
        box,
        shown=str(box) if isinstance(box, Box) else "somewhere",
        label="s->box",
        retries=retries or PhasedRetries(no_delay=1, min_delay=1, backoff=0, max_delay=0),
        dead_letter_queue=dead,
    )
