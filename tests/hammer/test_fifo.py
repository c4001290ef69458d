"""
Threads and coroutines on one FIFO queue: nothing lost, nothing twice, the order of each group kept, no lost wake-up.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from postroom import FifoQueue, ManualClock, Message, SendEntry, SystemClock
from postroom.errors import ResourceClosed
from tests.clock.helpers import Started

if TYPE_CHECKING:
    from postroom import Clock

pytestmark = pytest.mark.usefixtures("eager")
sizes = pytest.mark.parametrize("size", [2_000, pytest.param(100_000, marks=pytest.mark.deep)])
clocks = pytest.mark.parametrize("make", [SystemClock, lambda: ManualClock(autojump=False)], ids=["system", "manual"])

PATIENCE_S = 120.0
"""Real time after which a run counts as a hang."""

GROUPS = 50
"""Of each producer."""


class Tally:
    """
    What came of each group, in order: a message is noted while its group is locked.
    """

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.lock = threading.Lock()
        self.count = 0
        self.groups: dict[str, list[int]] = defaultdict(list)
        self.done = threading.Event()

    def note(self, messages: list[Message]) -> None:
        for message in messages:
            assert message.message_group_id is not None
            self.groups[message.message_group_id].append(int(message.body))

    def count_deleted(self, count: int) -> None:
        """
        Only then is somebody done: at the end the queue is closed.
        """
        with self.lock:
            self.count += count
            if self.count >= self.wanted:
                self.done.set()


def produce(queue: FifoQueue, share: int, size: int) -> None:
    for start in range(0, size, 10):
        entries = [
            SendEntry(
                str(number), message_group_id=f"{share}-{number % GROUPS}", message_deduplication_id=f"{share}-{number}"
            )
            for number in range(start, min(start + 10, size))
        ]
        # Every third batch is sent twice, as by a producer that got no answer.
        for _ in range(1 + (start % 30 == 0)):
            queue.send_message_batch(entries).raise_for_failures()


def settle(queue: FifoQueue, tally: Tally, messages: list[Message]) -> None:
    tally.note(messages)
    queue.delete_message_batch([message.receipt_handle for message in messages]).raise_for_failures()
    tally.count_deleted(len(messages))


def consume(queue: FifoQueue, tally: Tally) -> None:
    while not tally.done.is_set():
        try:
            messages = queue.receive_messages(max_messages=7, wait_time=20)
        except ResourceClosed:
            return
        assert messages, "a lost wake-up"
        settle(queue, tally, messages)


async def consume_awaited(queue: FifoQueue, tally: Tally) -> None:
    while not tally.done.is_set():
        try:
            messages = await queue.aio.receive_messages(max_messages=7, wait_time=20)
        except ResourceClosed:
            return
        assert messages or tally.done.is_set(), "a lost wake-up"
        if messages:
            settle(queue, tally, messages)


def finish(queue: FifoQueue, tally: Tally, workers: list[Started[Any]], share: int) -> None:
    assert tally.done.wait(PATIENCE_S), f"{tally.count} of {tally.wanted} arrived, {queue!r}"
    queue.close()
    for worker in workers:
        worker.result()
    queue._core.check()
    assert len(queue) == 0
    assert tally.groups == {
        f"{one}-{group}": list(range(group, share, GROUPS)) for one in range(4) for group in range(GROUPS)
    }


@sizes
@clocks
def test_threads_keep_the_order_of_each_group(make: Callable[[], Clock], size: int) -> None:
    queue = FifoQueue("orders.fifo", clock=make())
    tally = Tally(size)

    consumers = [Started(lambda: consume(queue, tally)) for _ in range(4)]
    producers = [Started(lambda share=share: produce(queue, share, size // 4)) for share in range(4)]  # type: ignore[misc]
    for producer in producers:
        producer.join(PATIENCE_S)

    finish(queue, tally, consumers, size // 4)


@sizes
@clocks
def test_coroutines_keep_the_order_of_each_group(make: Callable[[], Clock], size: int) -> None:
    """
    200 of them, in one loop, fed by four threads.
    """
    queue = FifoQueue("orders.fifo", clock=make())
    tally = Tally(size)

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(200):
                group.create_task(consume_awaited(queue, tally))

    consumer = Started(lambda: asyncio.run(main()))
    producers = [Started(lambda share=share: produce(queue, share, size // 4)) for share in range(4)]  # type: ignore[misc]
    for producer in producers:
        producer.join(PATIENCE_S)

    finish(queue, tally, [consumer], size // 4)
