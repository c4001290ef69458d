"""
Threads and coroutines on one box: nothing lost, nothing twice, nothing early, no hang.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial

import pytest

from postroom.clock import Clock, ManualClock, SystemClock
from tests.clock.box import Box
from tests.clock.helpers import Started

THREADS, COROUTINES, LOOPS = 8, 200, 2
HANG_S = 300.0
SPAN_S = 10**6
STOP = "stop"

sizes = pytest.mark.parametrize("items", [2_000, pytest.param(100_000, marks=pytest.mark.deep)])


@pytest.fixture(params=["manual", "manual, held", "system"])
def clock(request: pytest.FixtureRequest) -> Iterator[Clock]:
    if request.param == "system":
        with SystemClock() as clock:
            yield clock
        return
    manual = ManualClock(0, grace=0.002)
    if request.param == "manual":
        yield manual
        return
    with manual.hold():
        yield manual


def joined(threads: list[Started[None]], box: Box) -> None:
    """
    Waits for all; a hang, or an error in one of them, fails the test.
    """
    for thread in threads:
        thread.join(HANG_S)
        assert not thread.is_alive(), f"hangs, with {box.left()} items in the box and {len(box.waiters)} who wait"
    for thread in threads:
        thread.result()


@sizes
def test_all_that_is_sent_is_found_once(clock: Clock, items: int) -> None:
    """
    8 threads and 200 coroutines in two loops take what two threads put in, some of it delayed, and pass hints on
    as they are cancelled. A wake-up that got lost is a hang: the wait of whoever stays has no end to speak of.
    """
    box = Box(clock)
    found: list[object] = []
    jumps = isinstance(clock, ManualClock) and clock.may_jump()
    moving = jumps or not isinstance(clock, ManualClock)

    def keep(item: object) -> None:
        if item is not None:
            found.append(item)
        else:
            # A clock that jumps may do so while the machine is busy elsewhere; on the others no wait ever ends empty.
            assert jumps

    def produce(numbers: range) -> None:
        rng = random.Random(numbers.start)
        for number in numbers:
            box.put(number, delay=rng.choice([0, 0, 0, 0.001]) if moving else 0)

    def consume() -> None:
        while (item := box.wait(SPAN_S)) != STOP:
            keep(item)

    async def consume_in_turn(rng: random.Random) -> None:
        while True:
            wait = asyncio.ensure_future(box.await_(SPAN_S))
            if rng.random() < 0.05:
                await asyncio.sleep(0)
                wait.cancel()
            try:
                item = await wait
            except asyncio.CancelledError:
                continue
            if item == STOP:
                return
            keep(item)

    async def consume_together(seed: int) -> None:
        rng = random.Random(seed)
        await asyncio.gather(*(consume_in_turn(rng) for _ in range(COROUTINES // LOOPS)))

    def run(seed: int) -> None:
        asyncio.run(consume_together(seed))

    consumers = [Started(consume) for _ in range(THREADS)]
    consumers += [Started(partial(run, seed)) for seed in range(LOOPS)]
    joined([Started(partial(produce, range(part, items, 2))) for part in range(2)], box)
    for _ in range(THREADS + COROUTINES):
        box.put(STOP, delay=0.002 if moving else 0)
    joined(consumers, box)

    assert Counter(found) == Counter(range(items))
    assert box.early == []
    assert not box.waiters
    assert not box.left()


@sizes
def test_moving_time_by_hand_loses_nothing(items: int) -> None:
    """
    One thread advances step by step, without autojump; threads and coroutines wait for delayed items, with short
    waits that end empty as well.
    """
    clock = ManualClock(0, autojump=False)
    box = Box(clock)
    found: list[object] = []
    rng = random.Random(7)
    for number in range(items // 2):
        box.put(number, delay=rng.randrange(items))

    def done() -> bool:
        return len(found) >= items // 2

    def consume() -> None:
        while not done():
            item = box.wait(5)
            if item is not None:
                found.append(item)

    async def consume_in_turn() -> None:
        while not done():
            item = await box.await_(5)
            if item is not None:
                found.append(item)

    async def consume_together() -> None:
        await asyncio.gather(*(consume_in_turn() for _ in range(COROUTINES // 10)))

    over = threading.Event()

    def move() -> None:
        while not over.is_set():
            clock.advance(1)

    consumers = [Started(consume) for _ in range(THREADS // 2)]
    consumers += [Started(lambda: asyncio.run(consume_together())) for _ in range(LOOPS)]
    mover = Started(move)
    joined(consumers, box)
    over.set()
    mover.result()

    assert Counter(found) == Counter(range(items // 2))
    assert box.early == []
    assert not box.waiters


def test_callbacks_and_waiters_share_what_there_is() -> None:
    """
    A poller that registers again each time, as a function's does, beside threads.
    """
    with SystemClock(threads=4) as clock:
        box = Box(clock)
        found: list[object] = []
        over = threading.Event()

        def poll() -> None:
            item = box.get()
            if item == STOP:
                over.set()
                return
            if item is not None:
                found.append(item)
            box.when_ready(poll)

        def consume() -> None:
            while (item := box.wait(SPAN_S)) != STOP:
                found.append(item)

        box.when_ready(poll)
        consumers = [Started(consume) for _ in range(4)]
        for number in range(1_000):
            box.put(number)
        for _ in range(5):
            box.put(STOP, delay=0.001)
        joined(consumers, box)
        assert over.wait(HANG_S)

        assert Counter(found) == Counter(range(1_000))
