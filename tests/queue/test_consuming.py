"""
Loops over messages, ``with message:``, heartbeats and drain: what is done is gone, and what is not is back at once.
"""

from __future__ import annotations

import asyncio
import pickle
import threading
import traceback
from typing import Any

import pytest

from postroom import FifoQueue, ManualClock, Message, Queue, SystemClock
from postroom.errors import EndlessLoop, InvalidInput, InvalidParameterValue, ResourceClosed
from postroom.queue import _consuming


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def queue(clock: ManualClock) -> Queue:
    return Queue("orders", visibility_timeout=30, clock=clock)


def held(queue: Queue) -> tuple[int, int]:
    stats = queue.stats()
    return stats.available, stats.in_flight


# with message:


def test_at_the_end_of_the_block_the_message_is_deleted(queue: Queue) -> None:
    queue.send_message("tea")
    [message] = queue.receive_messages()

    with message as same:
        assert same is message
        assert held(queue) == (0, 1)
    assert len(queue) == 0


@pytest.mark.parametrize("error", [ValueError("no tea"), KeyboardInterrupt(), GeneratorExit()])
def test_an_error_in_the_block_makes_it_available_at_once_and_goes_on(queue: Queue, error: BaseException) -> None:
    queue.send_message("tea")
    [message] = queue.receive_messages()

    with pytest.raises(type(error)) as caught, message:
        raise error

    assert caught.value is error
    assert held(queue) == (1, 0)


def test_a_message_that_was_deleted_in_the_block_is_no_trouble(queue: Queue) -> None:
    queue.send_message("tea")
    [message] = queue.receive_messages()

    with message:
        queue.delete_message(message.receipt_handle)
    assert len(queue) == 0


def test_an_error_is_not_hidden_by_a_queue_that_was_closed(queue: Queue) -> None:
    queue.send_message("tea")
    [message] = queue.receive_messages()

    def work() -> None:
        with message:
            queue.close()
            raise ValueError("no tea")

    with pytest.raises(ValueError, match="no tea") as caught:
        work()

    assert "could not be given back to the queue orders" in caught.value.__notes__[0]


def test_work_that_took_too_long_for_a_fifo_queue_says_what_helps(clock: ManualClock) -> None:
    queue = FifoQueue("orders.fifo", content_based_deduplication=True, visibility_timeout=30, clock=clock)
    queue.send_message("tea", message_group_id="g")
    [message] = queue.receive_messages()

    with pytest.raises(InvalidParameterValue, match="The receipt handle has expired") as caught, message:
        clock.advance(30)

    assert "The work on the message was done" in caught.value.__notes__[0]


def test_what_was_only_looked_at_or_pickled_cannot_be_settled(queue: Queue) -> None:
    queue.send_message("tea")
    [looked_at] = queue.peek()
    [received] = queue.receive_messages()

    for message in (looked_at, pickle.loads(pickle.dumps(received))):
        with pytest.raises(InvalidInput, match="needs a message that was received"), message:
            pytest.fail("the block ran")
    assert pickle.loads(pickle.dumps(received)) == received


# Heartbeats.


def test_a_heartbeat_keeps_the_message_hidden_as_long_as_the_block_takes(queue: Queue, clock: ManualClock) -> None:
    queue.send_message("tea")
    [message] = queue.receive_messages()

    with message.extending(every=10, timeout=30):
        clock.advance(1_000)
        assert held(queue) == (0, 1)
    clock.advance(29.999999)
    assert held(queue) == (0, 1)
    clock.advance(0.000001)
    assert held(queue) == (1, 0)


def test_nothing_beats_after_the_block(queue: Queue, clock: ManualClock) -> None:
    queue.send_message("tea")
    [message] = queue.receive_messages()
    with message, message.extending(every=10, timeout=30):
        pass

    assert [due for due in clock.pending() if "orders" not in str(due)] == []
    clock.advance(1_000)
    assert len(queue) == 0


def test_at_the_end_of_twelve_hours_it_is_extended_no_more(
    queue: Queue, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    queue.send_message("tea")
    [message] = queue.receive_messages()

    with message.extending(every=3_000, timeout=6_000):
        clock.advance(43_200)
        assert held(queue) == (1, 0)
    assert "is extended no more" in caplog.text


@pytest.mark.parametrize(("every", "timeout"), [(0, 30), (-1, 30), (30, 30), (31, 30)])
def test_a_heartbeat_that_would_come_too_late_is_refused(queue: Queue, every: float, timeout: float) -> None:
    queue.send_message("tea")
    [message] = queue.receive_messages()

    with pytest.raises(InvalidInput, match="a third of it"):
        message.extending(every=every, timeout=timeout)


def test_a_heartbeat_works_on_real_time() -> None:
    with Queue("orders", visibility_timeout=0.05, clock=SystemClock()) as queue:
        queue.send_message("tea")
        [message] = queue.receive_messages()
        with message, message.extending(every=0.01, timeout=0.5):
            assert queue.receive_messages(wait_time=0.1) == []
        assert len(queue) == 0


# consume


def test_a_loop_ends_when_nothing_came_for_as_long_as_it_says(queue: Queue, clock: ManualClock) -> None:
    clock.call_later(50, lambda: queue.send_message("late"))
    clock.call_later(111, lambda: queue.send_message("too late"))
    got: list[str] = []

    for message in queue.consume(idle=60):
        with message:
            got.append(message.body)

    assert got == ["late"]
    assert clock.now() - ManualClock().now() == 110


def test_a_loop_without_idle_ends_with_the_queue(queue: Queue, clock: ManualClock) -> None:
    queue.send_message("tea")
    clock.call_later(500, queue.close)

    assert [message.body for message in queue.consume(visibility_timeout=43_000)] == ["tea"]


def test_a_loop_that_is_left_gives_back_what_nobody_came_to(queue: Queue) -> None:
    queue.send_message_batch(["a", "b", "c"])

    for message in queue.consume(max_messages=10, idle=0):
        with message:
            break

    assert held(queue) == (2, 0)
    assert [message.body for message in queue.peek()] == ["b", "c"]


def test_an_error_in_a_loop_gives_back_all_of_it(queue: Queue) -> None:
    queue.send_message_batch(["a", "b", "c"])

    def work() -> None:
        for message in queue.consume(max_messages=10, idle=0):
            with message:
                raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        work()

    assert held(queue) == (3, 0)


def test_a_loop_extends_the_message_it_is_at(queue: Queue, clock: ManualClock) -> None:
    queue.send_message("tea")

    for message in queue.consume(idle=0, heartbeat=10):
        with message:
            clock.advance(300)
            assert held(queue) == (0, 1)
    assert len(queue) == 0


def test_a_loop_that_nothing_will_ever_end_is_stopped(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_consuming, "IDLE_JUMPS_MAX", 10)

    with pytest.raises(EndlessLoop, match="give idle=60"):
        list(queue.consume())


@pytest.mark.parametrize(
    "arguments", [{"idle": -1}, {"idle": "1"}, {"max_messages": 11}, {"wait_time": 21}, {"heartbeat": 0}]
)
def test_a_loop_with_bad_arguments_takes_nothing(queue: Queue, arguments: dict[str, Any]) -> None:
    queue.send_message("tea")

    with pytest.raises((InvalidInput, InvalidParameterValue)):
        list(queue.consume(**{"idle": 0, **arguments}))
    assert held(queue) == (1, 0)


def test_a_loop_in_a_thread_gets_what_others_send() -> None:
    with Queue("orders", clock=SystemClock()) as queue:
        got: list[str] = []

        def work() -> None:
            for message in queue.consume():
                with message:
                    got.append(message.body)
                    if len(got) == 100:
                        return

        worker = threading.Thread(target=work)
        worker.start()
        for number in range(100):
            queue.send_message(str(number))
        worker.join(10)
        assert got == [str(number) for number in range(100)]


# drain


def test_drain_ends_when_the_queue_holds_nothing(queue: Queue, clock: ManualClock) -> None:
    queue.send_message("now")
    queue.send_message("later", delay=600)
    queue.send_message("held")
    queue.receive_messages(max_messages=1)  # "now", by somebody who dies
    got: list[str] = []

    assert queue.drain(lambda message: got.append(message.body)) == 3
    assert got == ["held", "now", "later"]
    assert len(queue) == 0
    assert clock.now() - ManualClock().now() == 600


def test_what_handlers_send_is_drained_too_up_to_a_limit(queue: Queue) -> None:
    queue.send_message("0")

    def count(message: Message) -> None:
        queue.send_message(str(int(message.body) + 1))

    assert queue.drain(count, limit=25) == 25
    assert [message.body for message in queue.peek()] == ["25"]


def test_the_error_of_a_handler_comes_out_as_it_is_and_all_is_back(queue: Queue) -> None:
    queue.send_message_batch(["a", "b", "c"])

    def fail(message: Message) -> None:
        if message.body == "b":
            raise LookupError("no b")

    with pytest.raises(LookupError) as caught:
        queue.drain(fail)

    assert traceback.extract_tb(caught.value.__traceback__)[-1].name == "fail"
    assert held(queue) == (2, 0)


def test_drain_runs_on_the_thread_of_the_caller(queue: Queue) -> None:
    queue.send_message("a")
    threads: list[int] = []

    queue.drain(lambda _: threads.append(threading.get_ident()))

    assert threads == [threading.get_ident()]


def test_dead_letters_leave_a_queue_that_is_drained(clock: ManualClock) -> None:
    dead = Queue("dead", clock=clock)
    queue = Queue("orders", clock=clock, dead_letter_queue=dead, max_receive_count=1, visibility_timeout=5)
    queue.send_message("poison")
    queue.receive_messages()

    assert queue.drain(lambda _: pytest.fail("it was received too often")) == 0
    assert (len(queue), len(dead)) == (0, 1)


def test_progress_is_told_if_asked(queue: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    queue.send_message_batch(["a", "b", "c"])
    told: list[tuple[int, int]] = []

    queue.drain(lambda _: None, max_messages=2, progress=lambda handled, left: told.append((handled, left)))
    queue.send_message("d")
    queue.drain(lambda _: None, progress=True)

    assert told == [(2, 1), (3, 0)]
    assert capsys.readouterr().err == "1 handled, 0 left\n"


@pytest.mark.parametrize(
    "arguments",
    [{"handler": None}, {"limit": -1}, {"limit": True}, {"progress": 3}, {"max_messages": 0}],
)
def test_drain_with_bad_arguments_takes_nothing(queue: Queue, arguments: dict[str, Any]) -> None:
    queue.send_message("tea")

    with pytest.raises((InvalidInput, InvalidParameterValue)):
        queue.drain(**{"handler": lambda _: None, **arguments})
    assert held(queue) == (1, 0)


def test_a_closed_queue_is_not_drained(queue: Queue) -> None:
    queue.close()

    with pytest.raises(ResourceClosed):
        queue.drain(lambda _: None)


# Coroutines.


def test_a_loop_of_a_coroutine_does_the_same(queue: Queue, clock: ManualClock) -> None:
    async def main() -> list[str]:
        got: list[str] = []
        async for message in queue.aio.consume(idle=60, max_messages=2):
            async with message:
                got.append(message.body)
        return got

    queue.send_message_batch(["a", "b", "c"])
    clock.call_later(30, lambda: queue.send_message("d"))

    assert asyncio.run(main()) == ["a", "b", "c", "d"]
    assert len(queue) == 0


def test_a_coroutine_that_is_cancelled_gives_its_message_back(queue: Queue) -> None:
    async def work(started: asyncio.Event) -> None:
        async for message in queue.aio.consume():
            async with message:
                started.set()
                await asyncio.Event().wait()

    async def main() -> None:
        started = asyncio.Event()
        task = asyncio.create_task(work(started))
        await started.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    queue.send_message("a")
    asyncio.run(main())

    assert held(queue) == (1, 0)


def test_a_coroutine_drains_with_a_handler_that_waits(queue: Queue) -> None:
    got: list[str] = []

    async def handle(message: Message) -> None:
        await asyncio.sleep(0)
        got.append(message.body)

    queue.send_message_batch(["a", "b"])
    queue.send_message("c", delay=60)

    assert asyncio.run(queue.aio.drain(handle)) == 3
    assert got == ["a", "b", "c"]
