"""
A manual clock: callbacks that fall due, and jumps of waiting threads and coroutines.
"""

from __future__ import annotations

import asyncio
import sched
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.runner import Case
from postroom import ManualClock, Queue

if TYPE_CHECKING:
    from collections.abc import Iterator


def due_callbacks(clock: ManualClock, count: int) -> int:
    done: list[None] = []
    start = clock.now_us()
    for number in range(count):
        clock.call_at(start + number * 1_000, lambda: done.append(None))
    clock.advance(count)
    return len(done)


def due_in_sched(_: object, count: int) -> int:
    """
    The same with the standard library's scheduler on a clock that is told the time.
    """
    now = [0]
    done: list[None] = []

    def sleep(span: float) -> None:
        now[0] += int(span)

    scheduler = sched.scheduler(lambda: now[0], sleep)
    for number in range(count):
        scheduler.enterabs(number * 1_000, 0, lambda: done.append(None))
    scheduler.run()
    return len(done)


def jumps_of_a_thread(queue: Queue, count: int) -> int:
    for _ in range(count):
        queue.receive_messages(wait_time=1)
    return count


def jumps_of_a_coroutine(queue: Queue, count: int) -> int:
    async def main() -> None:
        for _ in range(count):
            await queue.aio.receive_messages(wait_time=1)

    asyncio.run(main())
    return count


def turns_of_a_loop(count: int) -> int:
    async def main() -> None:
        for _ in range(count):
            await asyncio.sleep(0)

    asyncio.run(main())
    return count


def among(resources: int) -> tuple[Queue, list[Queue]]:
    clock = ManualClock()
    others = [Queue(f"other-{number}", clock=clock, seed=1) for number in range(resources)]
    for other in others:
        other.send_message("waits", delay=900)
    return Queue("bench", clock=clock, seed=1), others


def two_among(resources: int, _: int) -> tuple[tuple[Queue, list[Queue]], tuple[Queue, list[Queue]]]:
    return among(resources), among(resources)


def cases(quick: bool) -> Iterator[Case]:
    for count in (100, 1_000) if quick else (100, 1_000, 10_000, 100_000):
        yield Case(
            name="callbacks that fall due",
            size=count,
            operations=count,
            prepare=lambda _: ManualClock(),
            subjects={
                "ManualClock": partial(due_callbacks, count=count),
                "sched": partial(due_in_sched, count=count),
            },
            reference="sched",
        )
    jumps = 100 if quick else 1_000
    for resources in (1, 100) if quick else (1, 100, 10_000):
        yield Case(
            name="a jump, among so many queues",
            size=resources,
            operations=jumps,
            prepare=partial(two_among, resources),
            subjects={
                "a thread's wait": lambda made: jumps_of_a_thread(made[0][0], jumps),
                "a coroutine's wait": lambda made: jumps_of_a_coroutine(made[1][0], jumps),
                "asyncio.sleep(0)": lambda _: turns_of_a_loop(jumps),
            },
            reference="asyncio.sleep(0)",
        )
