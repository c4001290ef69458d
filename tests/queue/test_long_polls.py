"""
Long polls in all three forms: in a thread, awaited, and by callback. What wakes them, and what a cancelled one leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from postroom import ManualClock, Queue, SystemClock
from postroom.errors import InvalidParameterValue, ResourceClosed
from tests.clock.helpers import Started, run_loop, until

S = 1_000_000


class Desk:
    """
    A queue on a clock of its own, with a dead-letter queue, and somebody who waits for it.
    """

    def __init__(self, **settings: Any) -> None:
        self.clock = ManualClock()
        self.start = self.clock.now_us()
        self.dead = Queue("dead", clock=self.clock)
        self.queue = Queue("orders", clock=self.clock, **settings)

    def passed(self) -> float:
        return (self.clock.now_us() - self.start) / S

    def at(self, seconds: float, action: Callable[[], object]) -> None:
        self.clock.call_at(self.start + round(seconds * S), action)


def in_a_thread(desk: Desk, wait_time: float | None = 20) -> tuple[list[str], float]:
    found = desk.queue.receive_messages(max_messages=10, wait_time=wait_time)
    return [message.body for message in found], desk.passed()


def awaited(desk: Desk, wait_time: float | None = 20) -> tuple[list[str], float]:
    async def main() -> tuple[list[str], float]:
        found = await desk.queue.aio.receive_messages(max_messages=10, wait_time=wait_time)
        return [message.body for message in found], desk.passed()

    return asyncio.run(main())


def by_callback(desk: Desk, wait_time: float | None = 20) -> tuple[list[str], float]:
    called: list[tuple[list[str], float]] = []

    def look() -> None:
        found = desk.queue.receive_messages(max_messages=10, wait_time=0)
        called.append(([message.body for message in found], desk.passed()))

    wait_us = round((desk.queue.receive_message_wait_time if wait_time is None else wait_time) * S)
    desk.queue.when_ready(look, desk.start + wait_us)
    desk.clock.advance_to(desk.clock.now() + wait_us / S)
    [result] = called
    return result


forms = pytest.mark.parametrize("poll", [in_a_thread, awaited, by_callback])
Poll = Callable[..., tuple[list[str], float]]


# What wakes a long poll (SQS 5.1).


@forms
def test_what_is_there_already_is_returned_at_once(poll: Poll) -> None:
    desk = Desk()
    desk.queue.send_message_batch(["2 x tea", "1 x cake"])

    assert poll(desk) == (["2 x tea", "1 x cake"], 0)


@forms
def test_a_send_wakes_it_and_it_does_not_wait_for_more(poll: Poll) -> None:
    desk = Desk()
    desk.at(3, lambda: desk.queue.send_message("2 x tea"))
    desk.at(4, lambda: desk.queue.send_message("1 x cake"))

    assert poll(desk) == (["2 x tea"], 3)


@forms
def test_the_end_of_a_delay_wakes_it(poll: Poll) -> None:
    desk = Desk()
    desk.queue.send_message("2 x tea", delay=7.5)

    assert poll(desk) == (["2 x tea"], 7.5)


@forms
def test_a_delay_that_begins_while_it_waits_wakes_it_too(poll: Poll) -> None:
    desk = Desk()
    desk.queue.send_message("1 x cake", delay=19)
    desk.at(3, lambda: desk.queue.send_message("2 x tea", delay=2))

    assert poll(desk) == (["2 x tea"], 5)


@forms
def test_the_end_of_a_visibility_timeout_wakes_it(poll: Poll) -> None:
    desk = Desk(visibility_timeout=12)
    desk.queue.send_message("2 x tea")
    desk.queue.receive_messages()

    assert poll(desk) == (["2 x tea"], 12)


@forms
def test_a_visibility_changed_to_0_wakes_it(poll: Poll) -> None:
    desk = Desk()
    desk.queue.send_message("2 x tea")
    [message] = desk.queue.receive_messages()
    desk.at(4, lambda: desk.queue.change_message_visibility(message.receipt_handle, 0))

    assert poll(desk) == (["2 x tea"], 4)


@forms
def test_a_visibility_that_was_extended_wakes_it_later(poll: Poll) -> None:
    desk = Desk(visibility_timeout=5)
    desk.queue.send_message("2 x tea")
    [message] = desk.queue.receive_messages()
    desk.at(4, lambda: desk.queue.change_message_visibility(message.receipt_handle, 10))

    assert poll(desk) == (["2 x tea"], 14)


@forms
def test_a_visibility_that_was_shortened_wakes_it_sooner(poll: Poll) -> None:
    desk = Desk(visibility_timeout=18)
    desk.queue.send_message("2 x tea")
    [message] = desk.queue.receive_messages()
    desk.at(4, lambda: desk.queue.change_message_visibility(message.receipt_handle, 1))

    assert poll(desk) == (["2 x tea"], 5)


@forms
def test_a_refused_dead_letter_that_was_taken_back_wakes_it(poll: Poll) -> None:
    """
    Somebody else's receive tries to move it; it is back at once, and both look.
    """
    desk = Desk(visibility_timeout=6)
    desk.queue._dead_letter_queue, desk.queue._core.max_receive_count = desk.dead, 1
    desk.queue.send_message("poison")
    desk.queue.receive_messages()
    desk.dead.close()

    assert poll(desk) == (["poison"], 6)


@forms
def test_a_dead_letter_that_comes_in_wakes_whoever_waits_for_dead_letters(poll: Poll) -> None:
    desk = Desk()
    source = Queue("source", clock=desk.clock, dead_letter_queue=desk.queue, max_receive_count=1)
    source.send_message("poison")
    source.receive_messages(visibility_timeout=0)
    desk.at(3, source.receive_messages)

    assert poll(desk) == (["poison"], 3)


@forms
def test_it_ends_empty_when_its_time_is_over(poll: Poll) -> None:
    desk = Desk()
    desk.queue.send_message("2 x tea", delay=20.000_001)

    assert poll(desk) == ([], 20)


@forms
def test_what_is_there_at_the_very_end_is_still_found(poll: Poll) -> None:
    desk = Desk()
    desk.queue.send_message("2 x tea", delay=20)

    assert poll(desk) == (["2 x tea"], 20)


@forms
def test_a_message_that_expires_meanwhile_wakes_nobody(poll: Poll) -> None:
    desk = Desk(retention=60, visibility_timeout=70)
    desk.queue.send_message("2 x tea")
    desk.queue.receive_messages()
    desk.clock.advance(55)

    assert poll(desk, 20)[0] == []


# Which wait counts.


@pytest.mark.parametrize("poll", [in_a_thread, awaited])
def test_without_a_wait_time_the_queues_own_counts(poll: Poll) -> None:
    desk = Desk(receive_message_wait_time=8)

    assert poll(desk, None) == ([], 8)


@pytest.mark.parametrize("poll", [in_a_thread, awaited])
def test_a_wait_time_of_0_beats_that_of_the_queue(poll: Poll) -> None:
    desk = Desk(receive_message_wait_time=8)
    desk.queue.send_message("2 x tea", delay=1)

    assert poll(desk, 0) == ([], 0)


@pytest.mark.parametrize("poll", [in_a_thread, awaited])
def test_a_queue_without_a_wait_time_looks_once(poll: Poll) -> None:
    desk = Desk()
    desk.queue.send_message("2 x tea", delay=1)

    assert poll(desk, None) == ([], 0)


def test_the_awaited_form_refuses_the_same_arguments() -> None:
    async def main() -> None:
        with pytest.raises(InvalidParameterValue) as caught:
            await Queue("orders", clock=ManualClock()).aio.receive_messages(max_messages=11)
        assert (caught.value.operation, caught.value.resource) == ("receive_messages", "orders")

    asyncio.run(main())


# Closing.


def closed_while(desk: Desk, wait: Callable[[], object]) -> None:
    desk.at(5, desk.queue.close)
    with pytest.raises(ResourceClosed) as caught:
        wait()

    assert desk.passed() == 5
    assert (caught.value.operation, caught.value.resource) == ("receive_messages", "orders")


def test_closing_wakes_a_thread_that_waits() -> None:
    desk = Desk()

    closed_while(desk, lambda: in_a_thread(desk))


def test_closing_wakes_a_coroutine_that_waits() -> None:
    desk = Desk()

    closed_while(desk, lambda: awaited(desk))


def test_closing_calls_a_callback_that_waits() -> None:
    desk = Desk()
    called: list[bool] = []
    desk.queue.when_ready(lambda: called.append(desk.queue.closed))

    desk.queue.close()

    assert called == [True]


def test_closing_wakes_everybody_and_the_messages_stay_where_they_are() -> None:
    clock = SystemClock()
    queue = Queue("orders", clock=clock)
    readers = [Started(lambda: queue.receive_messages(wait_time=20)) for _ in range(4)]
    until(lambda: len(queue._waiters) == 4)

    queue.close()

    for reader in readers:
        with pytest.raises(ResourceClosed):
            reader.result()
    assert not queue._waiters


def test_a_closed_queue_cannot_be_waited_for() -> None:
    queue = Queue("orders", clock=ManualClock())
    queue.close()

    with pytest.raises(ResourceClosed):
        queue.when_ready(lambda: None)
    with pytest.raises(ResourceClosed):
        queue.receive_messages(wait_time=20)
    with pytest.raises(ResourceClosed):
        asyncio.run(queue.aio.receive_messages(wait_time=20))


# Callbacks.


def test_a_callback_is_called_once() -> None:
    desk = Desk()
    called: list[float] = []
    desk.queue.when_ready(lambda: called.append(desk.passed()))

    desk.queue.send_message("2 x tea")
    desk.queue.send_message("1 x cake")
    desk.clock.advance(100)

    assert called == [0]


def test_a_cancelled_callback_is_not_called_and_the_next_one_is() -> None:
    desk = Desk()
    called: list[str] = []
    first = desk.queue.when_ready(lambda: called.append("first"))
    desk.queue.when_ready(lambda: called.append("second"))

    assert first.cancel()
    desk.queue.send_message("2 x tea")

    assert called == ["second"]


def test_as_many_are_called_as_there_are_messages_the_first_in_line_first() -> None:
    desk = Desk()
    called: list[int] = []
    for number in range(5):
        desk.queue.when_ready(lambda number=number: called.append(number))  # type: ignore[misc]

    desk.queue.send_message_batch(["a", "b"])

    # Each that was called left the line without taking anything, so that what is there is the next one's.
    assert called == [0, 1, 2, 3, 4]


def test_a_message_that_a_callback_takes_wakes_no_other() -> None:
    desk = Desk()
    called: list[int] = []

    def take(number: int) -> None:
        called.append(number)
        desk.queue.receive_messages()

    for number in range(5):
        desk.queue.when_ready(lambda number=number: take(number))  # type: ignore[misc]
    desk.queue.send_message_batch(["a", "b"])

    assert called == [0, 1]


# Cancelling.


def test_a_cancelled_coroutine_has_taken_no_message() -> None:
    async def main() -> None:
        desk = Desk()
        reader = asyncio.create_task(desk.queue.aio.receive_messages(wait_time=20))
        with desk.clock.hold():
            await desk.clock.aio.settle()
            desk.queue.send_message("2 x tea")
            reader.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reader

            assert desk.queue.stats().in_flight == 0
            assert [message.body for message in desk.queue.receive_messages()] == ["2 x tea"]
        assert not desk.queue._waiters

    run_loop(main())


def test_a_cancelled_coroutine_passes_its_hint_on() -> None:
    """
    The message woke the first; before it looked it was cancelled. The second gets the message, without time moving.
    """

    async def main() -> None:
        desk = Desk()
        first = asyncio.create_task(desk.queue.aio.receive_messages(wait_time=20))
        second = asyncio.create_task(desk.queue.aio.receive_messages(wait_time=20))
        with desk.clock.hold():
            await desk.clock.aio.settle()
            desk.queue.send_message("2 x tea")
            first.cancel()
            found = await second

        assert [message.body for message in found] == ["2 x tea"]
        assert first.cancelled()
        assert desk.passed() == 0

    run_loop(main())


def test_a_timeout_around_a_long_poll_loses_nothing() -> None:
    async def main() -> list[str]:
        queue = Queue("orders", clock=ManualClock(autojump=False))
        found: list[str] = []
        for turn in range(20):
            reader = asyncio.create_task(queue.aio.receive_messages(wait_time=20))
            for _ in range(turn % 5):
                await asyncio.sleep(0)
            queue.send_message(f"{turn}")
            reader.cancel()
            try:
                found += [message.body for message in await reader]
            except asyncio.CancelledError:
                found += [message.body for message in queue.receive_messages()]
        return found

    assert run_loop(main()) == [f"{turn}" for turn in range(20)]


def test_one_queue_serves_several_event_loops_and_a_thread() -> None:
    queue = Queue("orders", clock=SystemClock())

    def take() -> str:
        [message] = asyncio.run(queue.aio.receive_messages(wait_time=20))
        return message.body

    readers = [Started(take), Started(take), Started(lambda: queue.receive_messages(wait_time=20)[0].body)]
    until(lambda: len(queue._waiters) == 3)
    for body in ("a", "b", "c"):
        queue.send_message(body)

    assert sorted(reader.result() for reader in readers) == ["a", "b", "c"]


def test_a_thread_is_woken_by_another_thread() -> None:
    queue = Queue("orders", clock=ManualClock(autojump=False))
    reader = Started(lambda: [message.body for message in queue.receive_messages(wait_time=20)])
    until(lambda: len(queue._waiters) == 1)

    queue.send_message("2 x tea")

    assert reader.result() == ["2 x tea"]
    assert not queue._waiters
