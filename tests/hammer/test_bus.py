"""
Threads on one bus: nothing lost, nothing twice, whoever puts, fails, changes rules or moves time meanwhile.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from postroom import EventBus, ManualClock, Queue, SystemClock
from postroom.errors import PostroomError
from tests.clock.helpers import Started

if TYPE_CHECKING:
    from postroom import Clock
    from postroom.message import Parcel

pytestmark = pytest.mark.usefixtures("eager")
sizes = pytest.mark.parametrize("size", [400, pytest.param(8_000, marks=pytest.mark.deep)])
clocks = pytest.mark.parametrize("make", [SystemClock, lambda: ManualClock(autojump=False)], ids=["system", "manual"])
ALL = {"source": ["till"]}
THREADS = 4
PATIENCE_S = 60.0


def put_all(bus: EventBus, size: int) -> None:
    """
    Each number once, by several threads, alone and in tens.
    """

    def put(share: int) -> None:
        numbers = range(share, size, THREADS)
        for at in range(0, len(numbers), 10):
            entries = [
                {"source": "till", "detail_type": "order", "detail": {"number": number}}
                for number in numbers[at : at + 10]
            ]
            if at % 20:
                bus.put_events(entries).raise_for_failures()
            else:
                for entry in entries:
                    bus.put_event(**entry)  # type: ignore[arg-type]

    for putter in [Started(lambda share=share: put(share)) for share in range(THREADS)]:  # type: ignore[misc]
        putter.join(PATIENCE_S)
        putter.result()


def numbers_in(queue: Queue) -> list[int]:
    found = []
    while messages := queue.receive_messages(max_messages=10):
        found += [json.loads(message.body)["detail"]["number"] for message in messages]
        queue.delete_message_batch([message.receipt_handle for message in messages]).raise_for_failures()
    return found


@sizes
@clocks
def test_threads_lose_and_double_nothing(make: Callable[[], Clock], size: int) -> None:
    """
    All targets of a bus get the events in one order, and a bus behind it does, too.
    """
    clock = make()
    bus, behind = EventBus("shop", clock=clock), EventBus("office", clock=clock)
    queues = [Queue(name, clock=clock) for name in ("one", "two", "three")]
    bus.put_rule("a", ALL).put_target(queues[0])
    bus.put_rule("b", ALL).put_target(queues[1])
    bus.rule("b").put_target(behind)
    behind.put_rule("c", ALL).put_target(queues[2])

    put_all(bus, size)

    found = [numbers_in(queue) for queue in queues]
    assert found[0] == found[1] == found[2]
    assert sorted(found[0]) == list(range(size))
    assert bus.stats().delivered == 3 * size


class Stubborn:
    """
    Refuses each event twice before it takes it.
    """

    kind = "function"
    name = "stubborn"
    arn = "arn:aws:lambda:us-east-1:123456789012:function:stubborn"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tries: Counter[str | None] = Counter()
        self.taken: list[str | None] = []

    def deliver(self, parcel: Parcel) -> None:
        with self._lock:
            self._tries[parcel.cause] += 1
            if self._tries[parcel.cause] < 3:
                raise PostroomError("not yet")
            self.taken.append(parcel.cause)


@sizes
def test_retries_lose_and_double_nothing_while_time_moves(size: int) -> None:
    clock = ManualClock(autojump=False)
    bus, place, dead = EventBus(clock=clock), Stubborn(), Queue("dead", clock=clock)
    bus.put_rule("a", ALL).put_target(place, dead_letter_queue=dead)
    bus.put_rule("b", ALL).put_target(place, target_id="few", dead_letter_queue=dead, maximum_retry_attempts=0)
    done = threading.Event()

    def move() -> None:
        while not done.is_set():
            clock.advance(0.1)
            done.wait(0.0005)

    mover = Started(move)
    put_all(bus, size)
    done.set()
    mover.result()
    clock.advance(86_400)

    # Both rules share the place's count of tries, so that the second may be the one that takes it.
    stats = bus.stats()
    assert stats.retrying == 0
    assert stats.delivered + stats.dead_lettered == 2 * size
    assert stats.delivered == len(place.taken)
    assert len(dead) == stats.dead_lettered
    assert set(place.taken) == set(bus._core.fates) or size > 1_000
    assert len(set(place.taken)) == size


@sizes
@clocks
def test_rules_come_and_go_meanwhile(make: Callable[[], Clock], size: int) -> None:
    """
    Others' rules are no matter to the one that stays, and nothing is delivered to a rule that was not there.
    """
    clock = make()
    bus = EventBus(clock=clock)
    stays, comes = Queue("stays", clock=clock), Queue("comes", clock=clock)
    bus.put_rule("stays", ALL).put_target(stays)
    done = threading.Event()

    def change() -> None:
        while not done.is_set():
            rule = bus.put_rule("comes", ALL)
            target = rule.put_target(comes)
            rule.disable()
            rule.enable()
            assert bus.wires()
            assert len(bus.rules) == 2
            rule.remove_target(target.id)
            bus.delete_rule("comes")

    changer = Started(change)
    put_all(bus, size)
    done.set()
    changer.result()

    assert sorted(numbers_in(stays)) == list(range(size))
    found = numbers_in(comes)
    assert len(set(found)) == len(found)
    assert bus.stats().delivered == size + len(found)
