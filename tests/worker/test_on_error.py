"""
Errors of handlers on a manual clock: the sender sees none, unless the function hands them to whoever drives the clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from postroom import ManualClock, Queue
from postroom.errors import ResourceClosed
from postroom.limits import ERRORS_KEPT_MAX
from tests.clock.helpers import Started
from tests.worker.desk import Broken, Desk, fails_on


def test_the_sender_sees_nothing_of_a_failure() -> None:
    desk = Desk()
    desk.function(fails_on("a"))
    desk.queue.send_message("a")
    desk.clock.advance(300)

    assert len(desk.calls) == 11


def test_the_outermost_send_gets_the_error_itself_and_the_message_is_stored() -> None:
    desk = Desk(visibility_timeout=30)
    function = desk.function(fails_on("a"), on_error="raise")
    with pytest.raises(Broken) as caught:
        desk.queue.send_message("a")

    assert caught.value is function.failures[0].error
    assert desk.held() == (0, 1)
    desk.clock.advance(29)
    assert len(desk.calls) == 1
    with pytest.raises(Broken):
        desk.clock.advance(1)
    assert desk.calls == [(0, ["a"]), (30, ["a"])]


def test_a_failing_assert_in_a_handler_fails_the_test() -> None:
    def work(body: str) -> None:
        assert body == "tea"

    desk = Desk()
    desk.function(work, on_error="raise")

    with pytest.raises(AssertionError):
        desk.queue.send_message("cake")


def wait(desk: Desk) -> None:
    Queue("empty", clock=desk.clock).receive_messages(wait_time=20)


@pytest.mark.parametrize(
    "drive",
    [
        lambda desk: desk.clock.advance(5),
        lambda desk: desk.clock.advance_to(desk.clock.now() + 5),
        lambda desk: desk.clock.advance_to_next(),
        lambda desk: asyncio.run(desk.clock.aio.advance(5)),
        wait,
    ],
)
def test_whoever_drives_the_clock_gets_the_error(drive: Callable[[Desk], object]) -> None:
    desk = Desk()
    desk.function(fails_on("a"), on_error="raise")
    desk.queue.send_message("a", delay=5)
    with pytest.raises(Broken):
        drive(desk)

    assert desk.calls == [(5, ["a"])]
    desk.clock.advance(0)  # it was told, once


def test_several_errors_come_as_a_group_in_their_order() -> None:
    desk = Desk()
    desk.function(fails_on("a", "c"), on_error="raise", batch_size=1)
    with pytest.raises(ExceptionGroup) as caught:
        desk.queue.send_message_batch(["a", "b", "c"])

    assert [str(error) for error in caught.value.exceptions] == ["a", "c"]
    assert [batch for _, batch in desk.calls] == [["a"], ["b"], ["c"]]


def test_errors_beyond_what_is_kept_are_counted() -> None:
    desk = Desk()
    numbers = [str(number) for number in range(ERRORS_KEPT_MAX + 5)]
    for number in numbers:
        desk.queue.send_message(number)
    with pytest.raises(ExceptionGroup, match="and 5 more that were not kept") as caught:
        desk.function(fails_on(*numbers), on_error="raise", batch_size=1)

    assert len(caught.value.exceptions) == ERRORS_KEPT_MAX


def test_errors_of_an_added_source_reach_who_adds_it_and_the_source_stays() -> None:
    desk = Desk()
    desk.queue.send_message("a")
    function = desk.function()
    function.event_sources[0].close()
    failing = Queue("failing", clock=desk.clock)
    failing.send_message("closed")

    def work(body: str) -> None:
        raise ResourceClosed("of somebody else")

    with pytest.raises(ResourceClosed, match="of somebody else"):
        from_failing(desk, failing, work)
    assert desk.calls[-1] == (0, ["closed"])
    with pytest.raises(ResourceClosed, match="of somebody else"):
        failing.send_message("still fed")
    assert desk.calls[-1] == (0, ["still fed"])


def from_failing(desk: Desk, queue: Queue, work: Callable[[str], object]) -> None:
    desk.queue.close()
    desk.queue = queue
    desk.function(work, on_error="raise", name="second")


def test_a_nested_call_raises_nothing_the_outermost_does() -> None:
    desk = Desk()
    second = Queue("second", clock=desk.clock)
    inside: list[str] = []

    def forward(body: str) -> None:
        second.send_message(body)
        desk.clock.advance(1)
        inside.append("came back")

    desk.function(forward)
    aside = Desk()
    aside.clock, aside.queue = desk.clock, second
    aside.function(fails_on("a"), on_error="raise", name="failing")
    with pytest.raises(Broken):
        desk.queue.send_message("a")

    assert inside == ["came back"]
    assert desk.held() == (0, 0)


def test_another_threads_send_leaves_work_and_errors_to_the_driver() -> None:
    clock = ManualClock()
    desk = Desk()
    desk.clock, desk.queue = clock, Queue("orders", clock=clock)
    desk.function(fails_on("a"), on_error="raise")
    clock.call_soon(lambda: Started(lambda: desk.queue.send_message("a")).result())
    with pytest.raises(Broken):
        clock.advance(1)

    assert len(desk.calls) == 1


# What is no Exception passes straight through.


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
@pytest.mark.parametrize("concurrency", [None, 1])
def test_an_interrupt_passes_through_and_all_is_as_it_should_be(
    interrupt: type[BaseException], concurrency: int | None
) -> None:
    def work(body: str) -> None:
        if body == "stop" and len(desk.calls) == 1:
            raise interrupt

    desk = Desk(visibility_timeout=30)
    function = desk.function(work, concurrency=concurrency, batch_size=1)
    with pytest.raises(interrupt):
        desk.queue.send_message_batch(["stop", "next"])

    assert (function.stats().running, function.failures) == (0, [])
    assert desk.held() == (1, 1)
    desk.clock.settle()
    assert desk.calls == [(0, ["stop"]), (0, ["next"])]
    desk.clock.advance(30)
    assert desk.calls[2:] == [(30, ["stop"])]
    desk.queue.send_message("later")
    assert desk.calls[3:] == [(30, ["later"])]
    assert desk.held() == (0, 0)


def test_an_interrupt_leaves_the_turn_to_another_source() -> None:
    desk = Desk()
    second = Queue("second", clock=desk.clock)

    def work(body: str) -> None:
        if body == "stop":
            second.send_message("waits for its turn")
            desk.clock.advance(1)
            raise KeyboardInterrupt

    function = desk.function(work, concurrency=1)
    function.add_event_source(second)
    with pytest.raises(KeyboardInterrupt):
        desk.queue.send_message("stop")
    desk.clock.settle()

    assert desk.calls == [(0, ["stop"]), (1, ["waits for its turn"])]
