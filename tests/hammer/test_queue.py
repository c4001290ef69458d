"""
Threads and coroutines on one queue: nothing lost, nothing twice while visibility holds, no lost wake-up, no hang.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from postroom import ManualClock, Queue, SystemClock
from tests.clock.helpers import Started

if TYPE_CHECKING:
    from postroom import Clock

pytestmark = pytest.mark.usefixtures("eager")
sizes = pytest.mark.parametrize("size", [2_000, pytest.param(100_000, marks=pytest.mark.deep)])
clocks = pytest.mark.parametrize("make", [SystemClock, lambda: ManualClock(autojump=False)], ids=["system", "manual"])

PATIENCE_S = 120.0
"""Real time after which a run counts as a hang."""


class Tally:
    """
    What consumers got, and how far they are.
    """

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.got: list[str] = []
        self.done = threading.Event()

    def note(self, bodies: list[str]) -> None:
        self.got += bodies
        if len(self.got) >= self.wanted:
            self.done.set()


def numbers(size: int, share: int, of: int) -> list[str]:
    return [str(number) for number in range(share, size, of)]


def produce(queue: Queue, bodies: list[str]) -> None:
    for start in range(0, len(bodies), 10):
        if start % 30:
            queue.send_message_batch(bodies[start : start + 10]).raise_for_failures()
        else:
            for body in bodies[start : start + 10]:
                queue.send_message(body)


def consume(queue: Queue, tally: Tally) -> None:
    """
    Until everybody together got everything. An empty long poll is a lost wake-up: nobody sends nothing for 20 seconds.
    """
    while not tally.done.is_set():
        messages = queue.receive_messages(max_messages=7, wait_time=20)
        assert messages, "a lost wake-up"
        queue.delete_message_batch([message.receipt_handle for message in messages]).raise_for_failures()
        tally.note([message.body for message in messages])


async def consume_awaited(queue: Queue, tally: Tally) -> None:
    while not tally.done.is_set():
        messages = await queue.aio.receive_messages(max_messages=7, wait_time=20)
        assert messages or tally.done.is_set(), "a lost wake-up"
        for message in messages:
            queue.delete_message(message.receipt_handle)
        tally.note([message.body for message in messages])


def finish(queue: Queue, tally: Tally, workers: list[Started[Any]]) -> None:
    """
    Everything arrived once; whoever still waits is woken by the end of the queue.
    """
    assert tally.done.wait(PATIENCE_S), f"{len(tally.got)} of {tally.wanted} arrived, {queue!r}"
    queue.close()
    for worker in workers:
        worker.result()
    queue._core.check()
    assert Counter(tally.got) == Counter(map(str, range(tally.wanted)))
    assert not queue._waiters


def until_closed(work: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        try:
            work()
        except Exception as error:
            if type(error).__name__ != "ResourceClosed":
                raise

    return run


@sizes
@clocks
def test_threads_lose_and_double_nothing(make: Callable[[], Clock], size: int) -> None:
    queue = Queue("orders", clock=make())
    tally = Tally(size)

    consumers = [Started(until_closed(lambda: consume(queue, tally))) for _ in range(4)]
    producers = [Started(lambda share=share: produce(queue, numbers(size, share, 4))) for share in range(4)]  # type: ignore[misc]
    for producer in producers:
        producer.join(PATIENCE_S)

    finish(queue, tally, consumers)


@sizes
@clocks
def test_coroutines_lose_and_double_nothing(make: Callable[[], Clock], size: int) -> None:
    """
    200 of them, in one loop, fed by four threads.
    """
    queue = Queue("orders", clock=make())
    tally = Tally(size)

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(200):
                group.create_task(consume_awaited(queue, tally))

    def run() -> None:
        try:
            asyncio.run(main())
        except* Exception as group:
            if any(type(error).__name__ != "ResourceClosed" for error in group.exceptions):
                raise

    consumer = Started(run)
    producers = [Started(lambda share=share: produce(queue, numbers(size, share, 4))) for share in range(4)]  # type: ignore[misc]
    for producer in producers:
        producer.join(PATIENCE_S)

    finish(queue, tally, [consumer])


@sizes
def test_coroutines_alone_lose_and_double_nothing_while_time_jumps(size: int) -> None:
    """
    One loop, one thread, delayed messages: the clock jumps whenever all of them wait.
    """
    clock = ManualClock()
    queue = Queue("orders", clock=clock)
    tally = Tally(size)

    async def main() -> None:
        for number in range(size):
            queue.send_message(str(number), delay=number % 7)
        tasks = [asyncio.create_task(consume_awaited(queue, tally)) for _ in range(50)]
        while not tally.done.is_set():
            await clock.aio.sleep(1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    loop = Started(lambda: asyncio.run(main()))
    finish(queue, tally, [loop])


@sizes
@clocks
def test_cancelled_polls_lose_and_double_nothing(make: Callable[[], Clock], size: int) -> None:
    """
    Half of the polls are cancelled as they wait: what they were woken for is somebody else's.
    """
    size //= 4
    queue = Queue("orders", clock=make())
    tally = Tally(size)

    async def impatient() -> None:
        while not tally.done.is_set():
            poll = asyncio.create_task(queue.aio.receive_messages(max_messages=2, wait_time=20))
            for _ in range(3):
                await asyncio.sleep(0)
            poll.cancel()
            try:
                messages = await poll
            except asyncio.CancelledError:
                continue
            for message in messages:
                queue.delete_message(message.receipt_handle)
            tally.note([message.body for message in messages])

    async def main() -> None:
        await asyncio.gather(*(impatient() for _ in range(10)), *(consume_awaited(queue, tally) for _ in range(10)))

    loop = Started(until_closed(lambda: asyncio.run(main())))
    producers = [Started(lambda share=share: produce(queue, numbers(size, share, 2))) for share in range(2)]  # type: ignore[misc]
    for producer in producers:
        producer.join(PATIENCE_S)

    finish(queue, tally, [loop])


@sizes
@clocks
def test_dead_letters_of_many_threads_arrive_once(make: Callable[[], Clock], size: int) -> None:
    """
    Every message is received once, given back, and moved by whoever comes by.
    """
    size //= 2
    clock = make()
    dead = Queue("dead", clock=clock)
    queue = Queue("orders", clock=clock, dead_letter_queue=dead, max_receive_count=1)
    for body in numbers(size, 0, 1):
        queue.send_message(body)
    tally = Tally(size)

    def give_back() -> None:
        while not tally.done.is_set():
            if not queue.receive_messages(max_messages=10, visibility_timeout=0):
                # Four threads that look in a circle would keep the others from work.
                tally.done.wait(0.001)

    movers = [Started(give_back) for _ in range(4)]
    readers = [Started(until_closed(lambda: consume(dead, tally))) for _ in range(4)]

    finish(dead, tally, [*movers, *readers])
    assert len(queue) == 0
    assert queue.stats().dead_lettered == size
