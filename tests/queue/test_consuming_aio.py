"""
Loops over messages, ``async with message:``, heartbeats and drain in coroutines: the same as in threads, and cancelled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from postroom import Faults, FifoQueue, ManualClock, Message, Queue, SystemClock
from postroom.errors import EndlessLoop, InvalidInput, InvalidParameterValue, ResourceClosed
from tests.clock.helpers import run_loop


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def queue(clock: ManualClock) -> Queue:
    return Queue("orders", visibility_timeout=30, clock=clock)


def held(queue: Queue) -> tuple[int, int]:
    stats = queue.stats()
    return stats.available, stats.in_flight


async def cancelled(task: asyncio.Task[Any]) -> bool:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return task.cancelled()


# async with message:


def test_at_the_end_of_the_block_the_message_is_deleted_and_after_an_error_available(queue: Queue) -> None:
    async def main() -> None:
        [message] = await queue.aio.receive_messages()
        with pytest.raises(ValueError, match="no tea"):
            async with message:
                raise ValueError("no tea")
        assert held(queue) == (1, 0)
        [message] = await queue.aio.receive_messages()
        async with message as same:
            assert same is message

    queue.send_message("tea")
    run_loop(main())

    assert len(queue) == 0


def test_work_that_is_cancelled_gives_its_message_back(queue: Queue) -> None:
    async def work(started: asyncio.Event) -> None:
        async for message in queue.aio.consume(max_messages=2):
            async with message:
                started.set()
                await asyncio.Event().wait()

    async def main() -> None:
        started = asyncio.Event()
        task = asyncio.create_task(work(started))
        await started.wait()
        assert held(queue) == (0, 2)
        assert await cancelled(task)

    queue.send_message_batch(["a", "b"])
    run_loop(main())

    assert held(queue) == (2, 0)


# Heartbeats.


def test_a_heartbeat_keeps_the_message_hidden_while_a_coroutine_waits(queue: Queue, clock: ManualClock) -> None:
    async def main() -> None:
        [message] = await queue.aio.receive_messages()
        async with message, message.extending(every=10) as heartbeat:
            await clock.aio.sleep(1_000)
            assert held(queue) == (0, 1)
            assert heartbeat.active
        assert not heartbeat.active

    queue.send_message("tea")
    run_loop(main())

    assert len(queue) == 0


def test_a_cancelled_block_beats_no_more(queue: Queue, clock: ManualClock) -> None:
    async def work(started: asyncio.Event) -> None:
        [message] = await queue.aio.receive_messages()
        async with message.extending(every=10):
            started.set()
            await asyncio.Event().wait()

    async def main() -> None:
        started = asyncio.Event()
        task = asyncio.create_task(work(started))
        await started.wait()
        assert await cancelled(task)

    queue.send_message("tea")
    run_loop(main())

    clock.advance(30)
    assert held(queue) == (1, 0)


# consume


def test_a_loop_ends_when_nothing_came_for_as_long_as_it_says(queue: Queue, clock: ManualClock) -> None:
    async def main() -> list[str]:
        got: list[str] = []
        async for message in queue.aio.consume(idle=60, max_messages=2):
            async with message:
                got.append(message.body)
        return got

    queue.send_message_batch(["a", "b", "c"])
    clock.call_later(60, lambda: queue.send_message("d"))
    clock.call_later(121, lambda: queue.send_message("too late"))

    assert run_loop(main()) == ["a", "b", "c", "d"]
    assert clock.now() - ManualClock().now() == 120


def test_a_loop_that_is_left_gives_back_at_once_what_nobody_came_to(queue: Queue) -> None:
    """
    In the very line after the loop, and not when the event loop comes to it.
    """

    async def main() -> tuple[int, int]:
        async for message in queue.aio.consume(max_messages=10, heartbeat=10):
            async with message:
                break
        return held(queue)

    queue.send_message_batch(["a", "b", "c"])

    assert run_loop(main()) == (2, 0)


def test_a_loop_that_is_cancelled_while_it_waits_has_taken_nothing(queue: Queue) -> None:
    async def work() -> None:
        async for message in queue.aio.consume():
            pytest.fail(f"{message} was taken")

    async def main() -> None:
        task = asyncio.create_task(work())
        for _ in range(5):
            await asyncio.sleep(0)
        queue.send_message("tea")
        assert await cancelled(task)

    clock = ManualClock(autojump=False)
    queue = Queue("orders", clock=clock)
    run_loop(main())

    assert held(queue) == (1, 0)
    assert not queue._waiters


@pytest.mark.parametrize("make", [lambda: ManualClock(autojump=False), SystemClock])
def test_a_loop_that_waits_ends_when_the_queue_is_closed(make: Callable[[], ManualClock | SystemClock]) -> None:
    queue = Queue("orders", clock=make())

    async def main() -> list[Message]:
        loop = asyncio.get_running_loop()
        loop.call_soon(lambda: loop.call_soon(lambda: loop.call_soon(queue.close)))
        return [message async for message in queue.aio.consume()]

    assert run_loop(main()) == []


def test_many_loops_share_the_messages_of_a_queue(queue: Queue, clock: ManualClock) -> None:
    got: list[str] = []

    async def work() -> None:
        async for message in queue.aio.consume(idle=60, max_messages=3):
            async with message:
                await clock.aio.sleep(1)
                got.append(message.body)

    async def main() -> None:
        for number in range(200):
            queue.send_message(str(number), delay=number % 7)
        await asyncio.gather(*(work() for _ in range(20)))

    run_loop(main())

    assert sorted(got, key=int) == [str(number) for number in range(200)]
    assert len(queue) == 0
    assert not queue._waiters


def test_nothing_of_a_fifo_group_overtakes_what_was_given_back(clock: ManualClock) -> None:
    queue = FifoQueue("orders.fifo", content_based_deduplication=True, clock=clock)
    for body in ("a1", "a2", "a3"):
        queue.send_message(body, message_group_id="a")

    async def main() -> list[str]:
        got: list[str] = []
        async for message in queue.aio.consume(idle=0, max_messages=10):
            with suppress(ValueError):
                async with message:
                    if message.body == "a1" and message.receive_count == 1:
                        raise ValueError("once")
                    got.append(message.body)
        return got

    assert run_loop(main()) == ["a1", "a2", "a3"]


def test_a_loop_to_which_nothing_will_ever_come_is_stopped(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroom.clock._manual.IDLE_JUMPS_MAX", 10)

    async def main() -> None:
        async for _ in queue.aio.consume():
            pass

    with pytest.raises(EndlessLoop, match="10 jumps for queue orders") as caught:
        run_loop(main())
    assert "consume(idle=60)" in caught.value.__notes__[0]


def test_an_empty_answer_to_a_message_that_is_there_costs_the_loop_a_second() -> None:
    clock = ManualClock()
    queue = Queue("orders", clock=clock, faults=Faults.script(false_empties={"orders": [True, True]}))
    queue.send_message("tea")

    async def main() -> str:
        return (await anext(queue.aio.consume(idle=60))).body

    assert run_loop(main()) == "tea"
    assert clock.now() - ManualClock().now() == 2


@pytest.mark.parametrize("arguments", [{"idle": -1}, {"max_messages": 11}, {"wait_time": 21}, {"heartbeat": 30}])
def test_a_bad_argument_is_refused_by_the_call_itself(queue: Queue, arguments: dict[str, Any]) -> None:
    with pytest.raises((InvalidInput, InvalidParameterValue)):
        queue.aio.consume(**arguments)


# drain


def test_a_handler_that_waits_drains_the_queue(queue: Queue, clock: ManualClock) -> None:
    got: list[str] = []

    async def handle(message: Message) -> None:
        await clock.aio.sleep(1)
        got.append(message.body)

    queue.send_message_batch(["a", "b"])
    queue.send_message("c", delay=60)

    assert run_loop(queue.aio.drain(handle)) == 3
    assert got == ["a", "b", "c"]
    assert clock.now() - ManualClock().now() == 61


def test_the_error_of_a_handler_comes_out_as_it_is_and_all_is_back(queue: Queue) -> None:
    async def fail(message: Message) -> None:
        await asyncio.sleep(0)
        raise LookupError(message.body)

    queue.send_message_batch(["a", "b", "c"])

    with pytest.raises(LookupError, match="a"):
        run_loop(queue.aio.drain(fail))
    assert held(queue) == (3, 0)


def test_a_drain_that_is_cancelled_gives_everything_back(queue: Queue) -> None:
    async def main() -> None:
        started = asyncio.Event()

        async def handle(message: Message) -> None:
            started.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(queue.aio.drain(handle))
        await started.wait()
        assert await cancelled(task)

    queue.send_message_batch(["a", "b", "c"])
    run_loop(main())

    assert held(queue) == (3, 0)


def test_a_drain_that_waits_and_is_cancelled_leaves_nothing_behind() -> None:
    queue = Queue("orders", clock=ManualClock(autojump=False))
    queue.send_message("tea", delay=60)

    async def handle(message: Message) -> None:
        pytest.fail("it is delayed")

    async def main() -> None:
        task = asyncio.create_task(queue.aio.drain(handle))
        for _ in range(5):
            await asyncio.sleep(0)
        assert len(queue._waiters) == 1
        assert await cancelled(task)

    run_loop(main())

    assert not queue._waiters
    assert queue._waiters._ready == queue._core.ready


def test_a_drain_ends_as_soon_as_somebody_else_deletes_the_last_message() -> None:
    queue = Queue("orders", clock=ManualClock(autojump=False), visibility_timeout=3_600)
    queue.send_message("tea")
    [message] = queue.receive_messages()

    async def handle(message: Message) -> None:
        pytest.fail("it is in flight")

    async def main() -> int:
        task = asyncio.create_task(queue.aio.drain(handle))
        for _ in range(5):
            await asyncio.sleep(0)
        queue.delete_message(message.receipt_handle)
        return await task

    assert run_loop(main()) == 0


def test_a_plain_handler_is_for_the_plain_drain(queue: Queue) -> None:
    queue.send_message("tea")

    with pytest.raises(InvalidInput, match=r"Use queue\.drain"):
        run_loop(queue.aio.drain(lambda message: None))  # type: ignore[arg-type,return-value]
    assert held(queue) == (1, 0)


def test_a_closed_queue_is_not_drained(queue: Queue) -> None:
    async def handle(message: Message) -> None: ...

    queue.close()

    with pytest.raises(ResourceClosed):
        run_loop(queue.aio.drain(handle))


def test_progress_is_told_if_asked(queue: Queue) -> None:
    told: list[tuple[int, int]] = []

    async def handle(message: Message) -> None: ...

    queue.send_message_batch(["a", "b", "c"])
    run_loop(queue.aio.drain(handle, progress=lambda handled, left: told.append((handled, left))))

    assert (told[0], told[-1]) == ((1, 2), (3, 0))
