"""
A topic: publishing to queues, beside what one `send_message` to each of them costs.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks.runner import Case
from postroom import ManualClock, Queue, Topic

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY = "x" * 100


class Fan:
    """
    A topic with so many subscribed queues, and one queue beside it.
    """

    def __init__(self, subscribers: int, *, raw: bool) -> None:
        clock = ManualClock()
        self.topic = Topic("bench", clock=clock, seed=1)
        self.queues = [Queue(f"bench-{number}", clock=clock, seed=1) for number in range(subscribers)]
        for queue in self.queues:
            self.topic.subscribe(queue, raw_message_delivery=raw)
        self.alone = Queue("alone", clock=clock, seed=1)


def fan(subscribers: int, raw: bool, _: int) -> Fan:
    return Fan(subscribers, raw=raw)


def publish(count: int, fan: Fan) -> int:
    call = fan.topic.publish
    for _ in range(count):
        call(BODY)
    return sum(len(queue) for queue in fan.queues) // len(fan.queues)


def send(count: int, fan: Fan) -> int:
    call = fan.alone.send_message
    for _ in range(count):
        call(BODY)
    return len(fan.alone)


def cases(quick: bool) -> Iterator[Case]:
    for raw in (True, False):
        for subscribers in (1, 10, 100):
            count = 200 if quick or subscribers == 100 else 2_000
            yield Case(
                name=f"publish {'raw' if raw else 'enveloped'}, by subscribed queues",
                subjects={"publish": partial(publish, count), "one send_message": partial(send, count)},
                reference="one send_message",
                size=subscribers,
                operations=count,
                prepare=partial(fan, subscribers, raw),
            )
    for count in (100, 1_000) if quick else (100, 1_000, 10_000, 100_000):
        yield Case(
            name="publish raw to one queue, by messages",
            subjects={"publish": partial(publish, count), "one send_message": partial(send, count)},
            reference="one send_message",
            size=count,
            operations=count,
            prepare=partial(fan, 1, True),
            rounds=2 if count > 10_000 else None,
        )
