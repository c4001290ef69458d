"""
Threads on one topic: every subscriber gets everything once, all of them in the same order; nothing hangs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from postroom import ManualClock, Observation, Queue, SystemClock, Topic
from postroom.errors import ResourceClosed
from tests.clock.helpers import Started, until
from tests.topic.stubs import Box, Trouble

if TYPE_CHECKING:
    from postroom import Clock
    from postroom.message import Parcel
    from postroom.observe import Destination

pytestmark = pytest.mark.usefixtures("eager")
sizes = pytest.mark.parametrize("size", [1_000, pytest.param(8_000, marks=pytest.mark.deep)])
clocks = pytest.mark.parametrize("make", [SystemClock, lambda: ManualClock(autojump=False)], ids=["system", "manual"])

PATIENCE_S = 120.0
"""Real time after which a run counts as a hang."""


class Flaky(Box):
    """
    Takes every parcel at the second attempt.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._seen: set[str] = set()

    def deliver(self, parcel: Parcel) -> None:
        """
        Fails the first time.
        """
        if parcel.body not in self._seen:
            self._seen.add(parcel.body)
            raise Trouble
        super().deliver(parcel)


def produce(topic: Topic, size: int, share: int, of: int) -> None:
    """
    Singly and in batches, with an envelope's makings and without.
    """
    bodies = [str(number) for number in range(share, size, of)]
    for start in range(0, len(bodies), 10):
        some = bodies[start : start + 10]
        if start % 30:
            topic.publish_batch(some).raise_for_failures()
        else:
            for body in some:
                topic.publish(body, subject="S" if start % 20 else None)


def run(workers: list[Callable[[], None]]) -> None:
    started = [Started(worker) for worker in workers]
    for one in started:
        one.join(PATIENCE_S)
        one.result()


@sizes
@clocks
def test_every_subscriber_gets_everything_once_and_in_the_same_order(make: Callable[[], Clock], size: int) -> None:
    clock = make()
    topic = Topic("orders", clock=clock)
    queues = [Queue(f"queue-{number}", clock=clock) for number in range(3)]
    boxes = [Box(f"box-{number}") for number in range(2)]
    endpoints: list[Destination] = [*queues, *boxes]
    for endpoint in endpoints:
        topic.subscribe(endpoint, raw_message_delivery=True)

    run([lambda share=share: produce(topic, size, share, 4) for share in range(4)])  # type: ignore[misc]

    # Whoever published last may have left its round to another thread, which is over by now.
    assert Counter(boxes[0].bodies) == Counter(map(str, range(size)))
    assert boxes[0].bodies == boxes[1].bodies
    for queue in queues:
        assert [message.body for message in queue.peek(size)] == boxes[0].bodies
    assert topic.stats().delivered == 5 * size
    for share in range(4):
        own = [body for body in boxes[0].bodies if int(body) % 4 == share]
        assert own == sorted(own, key=int), "out of the order in which it was published"


@sizes
@clocks
def test_retries_of_many_threads_arrive_once(make: Callable[[], Clock], size: int) -> None:
    """
    The first retry is due at once; other threads publish meanwhile, or drive the clock.
    """
    size //= 2
    clock = make()
    topic = Topic("orders", clock=clock)
    flaky, steady = Flaky("flaky"), Box("steady")
    topic.subscribe(flaky, raw_message_delivery=True)
    topic.subscribe(steady, raw_message_delivery=True)
    told: list[Observation] = []
    topic.observe(told.append)

    run([lambda share=share: produce(topic, size, share, 4) for share in range(4)])  # type: ignore[misc]
    if isinstance(clock, ManualClock):
        clock.settle()
    until(lambda: len(flaky.bodies) == size)

    assert Counter(flaky.bodies) == Counter(steady.bodies) == Counter(map(str, range(size)))
    until(lambda: topic.stats().delivered == 2 * size)
    assert topic.stats()[1:] == (size, 2 * size, size, 0, 0, 0)
    until(lambda: len(told) == 4 * size)
    kinds = Counter(one.kind for one in told)
    assert kinds == {"published": size, "delivered": 2 * size, "refused": size}
    assert len({one.sequence for one in told}) == len(told)


@sizes
@clocks
def test_subscribers_that_come_and_go_get_a_stretch_without_gaps(make: Callable[[], Clock], size: int) -> None:
    """
    What is published while a subscription is there, it gets: no more, no less.
    """
    size //= 4
    topic = Topic("orders", clock=make())
    always = Box("always")
    topic.subscribe(always, raw_message_delivery=True)
    passing = [Box(f"passing-{number}") for number in range(40)]

    def come_and_go() -> None:
        for box in passing:
            subscription = topic.subscribe(box, raw_message_delivery=True)
            topic.publish(f"hello {box.name}")
            topic.unsubscribe(subscription)

    run([come_and_go, *(lambda share=share: produce(topic, size, share, 3) for share in range(3))])

    position = {body: number for number, body in enumerate(always.bodies)}
    assert len(position) == size + len(passing)
    for box in passing:
        assert f"hello {box.name}" in box.bodies
        places = [position[body] for body in box.bodies]
        assert places == list(range(places[0], places[0] + len(places)))


@clocks
def test_closing_while_others_publish(make: Callable[[], Clock]) -> None:
    """
    Each publish is accepted and delivered, or refused.
    """
    for _ in range(20):
        topic = Topic("orders", clock=make())
        box = Box()
        topic.subscribe(box, raw_message_delivery=True)
        accepted: list[str] = []

        def publish(share: int, topic: Topic = topic, accepted: list[str] = accepted) -> None:
            for number in range(200):
                try:
                    topic.publish(f"{share}-{number}")
                except ResourceClosed:
                    return
                accepted.append(f"{share}-{number}")

        def close(topic: Topic = topic, box: Box = box) -> None:
            until(lambda: len(box.bodies) > 20)
            topic.close()

        run([close, *(lambda share=share: publish(share) for share in range(3))])

        assert Counter(accepted) == Counter(box.bodies)
