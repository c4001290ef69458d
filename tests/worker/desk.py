"""
What the tests of functions share: a queue on a clock of its own, functions that it feeds, and what their handlers saw.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from postroom import Function, ManualClock, Queue

if TYPE_CHECKING:
    from postroom.worker import Context

Event = dict[str, Any]
Work = Callable[[str], object]

S = 1_000_000


def bodies(event: Event) -> list[str]:
    """
    What was sent, of an event.
    """
    return [record["body"] for record in event["Records"]]


class Broken(Exception):
    """
    What a handler under test raises.
    """


class Desk:
    """
    A queue with a dead-letter queue, on a manual clock.
    """

    def __init__(self, **settings: Any) -> None:
        self.clock = ManualClock()
        self.start = self.clock.now_us()
        self.dead = Queue("orders-dead", clock=self.clock)
        self.queue = Queue("orders", clock=self.clock, **settings)
        self.calls: list[tuple[float, list[str]]] = []
        """When the handler was called, in seconds from the start, and with what."""

    def passed(self) -> float:
        return (self.clock.now_us() - self.start) / S

    def handler(self, work: Work | None = None) -> Callable[[Event, Context], None]:
        """
        A handler that notes its call and does the work, message by message.
        """

        def handle(event: Event, context: Context) -> None:
            self.calls.append((self.passed(), bodies(event)))
            for body in bodies(event):
                if work is not None:
                    work(body)

        return handle

    def function(self, work: Work | None = None, *, batch_size: int = 10, **settings: Any) -> Function:
        """
        A function fed by the queue.
        """
        function = Function(self.handler(work), **{"name": "brew", "clock": self.clock, **settings})
        function.add_event_source(self.queue, batch_size=batch_size)
        return function

    def held(self) -> tuple[int, int]:
        stats = self.queue.stats()
        return stats.available, stats.in_flight


def fails_on(*broken: str) -> Work:
    """
    Work that raises for some bodies.
    """

    def work(body: str) -> None:
        if body in broken:
            raise Broken(body)

    return work
