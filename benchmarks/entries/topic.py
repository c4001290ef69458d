"""
A topic: publish to subscribed queues, beside the `send_message` calls that it saves, and beside bare appends.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks.runner import Case
from postroom import ManualClock, Queue, Topic

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY = "x" * 100


class Wired:
    """
    A topic with queues subscribed to it, and as many queues that nothing leads to.
    """

    def __init__(self, subscribers: int, *, raw: bool = True) -> None:
        clock = ManualClock()
        self.topic = Topic("bench", clock=clock, seed=1)
        self.queues = [Queue(f"queue-{number}", clock=clock, seed=1) for number in range(subscribers)]
        self.alone = [Queue(f"alone-{number}", clock=clock, seed=1) for number in range(subscribers)]
        self.lists: list[list[str]] = [[] for _ in range(subscribers)]
        for queue in self.queues:
            self.topic.subscribe(queue, raw_message_delivery=raw)


def publish(wired: Wired, count: int) -> int:
    publish = wired.topic.publish
    for _ in range(count):
        publish(BODY)
    return sum(queue.stats().sent for queue in wired.queues)


def publish_in_tens(wired: Wired, count: int) -> int:
    bodies = [BODY] * 10
    for _ in range(count // 10):
        wired.topic.publish_batch(bodies)
    return sum(queue.stats().sent for queue in wired.queues)


def send_to_each(wired: Wired, count: int) -> int:
    sends = [queue.send_message for queue in wired.alone]
    for _ in range(count):
        for send in sends:
            send(BODY)
    return sum(queue.stats().sent for queue in wired.alone)


def append_to_each(wired: Wired, count: int) -> int:
    appends = [one.append for one in wired.lists]
    for _ in range(count):
        for append in appends:
            append(BODY)
    return sum(map(len, wired.lists))


def publish_only(topic: Topic, count: int) -> int:
    before, publish = topic.stats().delivered, topic.publish
    for _ in range(count):
        publish(BODY)
    return topic.stats().delivered - before


def used(published: int) -> Topic:
    """
    A topic through which so much went already.
    """
    wired = Wired(1)
    publish(wired, published)
    return wired.topic


def two_used(published: int, _: int) -> tuple[Topic, Topic]:
    return used(published), used(100)


def four_wired(subscribers: int, raw: bool, _: int) -> tuple[Wired, Wired, Wired, Wired]:
    return (
        Wired(subscribers, raw=raw),
        Wired(subscribers, raw=raw),
        Wired(subscribers),
        Wired(subscribers),
    )


def cases(quick: bool) -> Iterator[Case]:
    for raw in (True, False):
        for subscribers in (1, 10) if quick else (1, 10, 100):
            count = (100 if quick else 5_000) // subscribers // 10 * 10
            yield Case(
                name=f"publish, {'raw' if raw else 'enveloped'}, by subscribers",
                size=subscribers,
                operations=count,
                prepare=partial(four_wired, subscribers, raw),
                subjects={
                    "Topic": lambda made, count=count: publish(made[0], count),
                    "Topic, in tens": lambda made, count=count: publish_in_tens(made[1], count),
                    "send_message to each": lambda made, count=count: send_to_each(made[2], count),
                },
                floors={"list.append to each": lambda made, count=count: append_to_each(made[3], count)},
                reference="send_message to each",
            )
    few = 50 if quick else 100
    for published in (100, 1_000) if quick else (100, 1_000, 10_000, 100_000):
        yield Case(
            name="publish, raw, by messages published before",
            size=published,
            operations=few,
            prepare=partial(two_used, published),
            subjects={
                "Topic": lambda made: publish_only(made[0], few),
                "Topic with 100": lambda made: publish_only(made[1], few),
            },
            reference="Topic with 100",
        )
