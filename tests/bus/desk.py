"""
What the tests of buses share: a bus with queues, destinations that fail by plan, and what arrived.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from postroom import EventBus, ManualClock, Queue
from postroom.errors import PostroomError

if TYPE_CHECKING:
    from postroom.message import Parcel

ALL = {"source": [{"prefix": ""}]}
"""A pattern that wants every event."""


class Flaky:
    """
    A destination that answers by plan: each entry is None (takes it) or an error; after the plan it takes everything.
    """

    def __init__(self, name: str, plan: Iterable[Exception | None] = (), *, kind: str = "function") -> None:
        self.name = name
        self.kind = kind
        self.arn = f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
        self.plan = deque(plan)
        self.parcels: list[Parcel] = []
        self.tries = 0

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    def deliver(self, parcel: Parcel) -> None:
        self.tries += 1
        error = self.plan.popleft() if self.plan else None
        if error is not None:
            raise error
        self.parcels.append(parcel)


class Broken(PostroomError):
    """
    A failure that may pass.
    """


def made(name: str = "default", **settings: Any) -> tuple[EventBus, ManualClock]:
    clock = ManualClock()
    return EventBus(name, clock=clock, seed=1, **settings), clock


def put(bus: EventBus, detail: dict[str, Any] | None = None, source: str = "till") -> str:
    return bus.put_event(source=source, detail_type="order placed", detail=detail or {"total": 12}).event_id


def drained(queue: Queue) -> list[Any]:
    """
    The messages that a queue has, taken out.
    """
    found = []
    while messages := queue.receive_messages(max_messages=10):
        for message in messages:
            queue.delete_message(message.receipt_handle)
        found += messages
    return found


def ids(queue: Queue) -> list[str]:
    return [json.loads(message.body)["id"] for message in drained(queue)]
