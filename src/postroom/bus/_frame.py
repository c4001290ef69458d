"""
What a bus holds, whoever calls it: core, courier, and what runs after each call. Rules and the bus itself use it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroom.bus._core import BusCore
from postroom.clock import Due
from postroom.delivery import Courier, Resource
from postroom.naming import Arn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postroom.errors import EndlessLoop
    from postroom.faults import Faults
    from postroom.observe import Home


class BusFrame(Resource):
    """
    Not for users: see `EventBus`.
    """

    kind = "bus"

    def __init__(self, name: str, home: Home, faults: Faults | None) -> None:
        super().__init__(name, str(Arn.event_bus(home.region_name, home.account, name)), home)
        self._core = BusCore(name)
        self._courier = Courier(self, faults)
        self._clock.register(self)

    def _report(self, error: EndlessLoop) -> None:
        """
        Has whoever drives the clock see an error, also when nothing else is due.
        """
        self._sign(error, "put_events")
        self._clock.call_soon(lambda: self._clock.hand_over(error))

    def close(self) -> None:
        """
        Closes it for good: it takes no more calls, and what waits for another attempt is dropped.

        >>> from postroom import EventBus, ManualClock
        >>> with EventBus("shop", clock=ManualClock()) as bus:
        ...     put = bus.put_event(source="till", detail_type="order placed", detail={"total": 12})
        >>> bus
        <EventBus shop: 0 rules, closed, 1 put>
        """
        with self._lock:
            self._closed = True
            seen = self._courier.close()
        self._tell(seen)

    def _forget_other_threads(self) -> None:
        self._courier.after_fork_in_child()

    def pending(self, now: int) -> Iterable[Due]:  # noqa: ARG002 - a retry that is due was taken up already
        """
        When the next retries are due, for people: a line per target.
        """
        with self._lock:
            return [Due(at, str(self), what) for at, what in self._courier.due()]
