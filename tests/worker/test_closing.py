"""
Closing the mapping, the function and the queue: from outside and from inside the handler, in every order.
"""

from __future__ import annotations

import itertools
import threading

import pytest

from postroom import Function, Queue, SystemClock
from postroom.errors import ResourceClosed
from tests.clock.helpers import PATIENCE_S
from tests.worker.desk import Desk

PARTS = ("mapping", "function", "queue")


def close(desk: Desk, function: Function, part: str) -> None:
    if part == "mapping":
        for mapping in function.event_sources:
            mapping.close()
    elif part == "function":
        function.close()
    else:
        desk.queue.close()


@pytest.mark.parametrize("order", list(itertools.permutations(PARTS)))
def test_all_are_closed_in_any_order_and_nothing_is_handled_after_the_first(order: tuple[str, ...]) -> None:
    desk = Desk()
    function = desk.function()
    [mapping] = function.event_sources
    for part in order:
        close(desk, function, part)
        close(desk, function, part)  # twice does nothing
        if not desk.queue.closed:
            desk.queue.send_message("too late")
        desk.clock.advance(60)

        assert desk.calls == []
        assert mapping.closed
        assert function.event_sources == []


@pytest.mark.parametrize("order", list(itertools.permutations(PARTS)))
def test_all_are_closed_in_any_order_from_inside_the_handler(order: tuple[str, ...]) -> None:
    desk = Desk()
    function: Function

    def work(body: str) -> None:
        for part in order:
            close(desk, function, part)

    function = desk.function(work, batch_size=1)
    desk.queue.send_message_batch(["a", "b"])
    desk.clock.advance(60)

    assert [batch for _, batch in desk.calls] == [["a"]]
    assert (function.stats().succeeded, function.stats().running, function.failures) == (1, 0, [])
    assert function.closed
    assert desk.queue.closed


@pytest.mark.parametrize("part", ["mapping", "function"])
def test_the_batch_under_way_is_deleted_and_the_others_stay_untouched(part: str) -> None:
    desk = Desk()
    function: Function
    function = desk.function(lambda body: close(desk, function, part), batch_size=1)
    desk.queue.send_message_batch(["a", "b", "c"])

    assert [batch for _, batch in desk.calls] == [["a"]]
    assert desk.held() == (2, 0)
    assert desk.queue.stats().received == 1
    assert [message.receive_count for message in desk.queue.peek()] == [0, 0]


@pytest.mark.parametrize("part", ["mapping", "function"])
def test_a_batch_that_fails_while_it_is_closed_comes_back_to_the_queue(part: str) -> None:
    desk = Desk(visibility_timeout=30)
    function: Function

    def work(body: str) -> None:
        close(desk, function, part)
        raise RuntimeError

    function = desk.function(work)
    desk.queue.send_message("a")
    desk.clock.advance(30)

    assert desk.held() == (1, 0)
    assert function.stats().failed == 1


def test_a_closed_mapping_can_be_replaced() -> None:
    desk = Desk()
    function = desk.function()
    for _ in range(3):
        function.event_sources[0].close()
        desk.queue.send_message("waits")
        function.add_event_source(desk.queue)

    assert len(function.event_sources) == 1
    assert len(function._mappings) == 1
    assert len(desk.calls) == 3
    assert len(desk.queue._waiters) == 1


def test_mapping_and_function_end_with_their_blocks() -> None:
    desk = Desk()
    with desk.function() as function:
        with function.add_event_source(Queue("second", clock=desk.clock)) as mapping:
            assert not mapping.closed
        assert mapping.closed
        assert not function.closed
    assert function.closed


def test_a_closed_function_takes_no_source() -> None:
    desk = Desk()
    function = desk.function()
    function.close()

    with pytest.raises(ResourceClosed, match="function brew is closed"):
        function.add_event_source(desk.queue)


def test_a_closed_queue_is_no_source() -> None:
    desk = Desk()
    function = desk.function()
    second = Queue("second", clock=desk.clock)
    second.close()
    with pytest.raises(ResourceClosed, match="queue second is closed") as caught:
        function.add_event_source(second)

    assert (caught.value.operation, caught.value.resource) == ("add_event_source", "second")
    assert [mapping.source.name for mapping in function.event_sources] == ["orders"]


def test_a_message_sent_to_the_own_queue_while_it_is_closed_is_a_failure() -> None:
    desk = Desk()

    def work(body: str) -> None:
        desk.queue.close()
        desk.queue.send_message("more")

    function = desk.function(work)
    desk.queue.send_message("a")

    assert isinstance(function.failures[0].error, ResourceClosed)
    assert function.event_sources == []


def test_the_dead_letter_queue_may_be_closed_and_the_message_stays() -> None:
    desk = Desk()
    queue = Queue("fragile", clock=desk.clock, dead_letter_queue=desk.dead, max_receive_count=1)
    desk.dead.close()
    function = Function(lambda event, context: 1 / 0, name="f", clock=desk.clock)
    function.add_event_source(queue)
    queue.send_message("a")
    desk.clock.advance(65)

    assert function.stats().failed == 3
    assert len(queue) == 1


def test_leaving_a_function_waits_for_the_calls_under_way() -> None:
    """
    What it did is deleted before the queue closes.
    """
    began, done = threading.Event(), threading.Event()

    def work(event: object, context: object) -> None:
        began.set()
        assert go_on.wait(PATIENCE_S)
        done.set()

    go_on = threading.Event()
    with SystemClock() as clock, Queue("orders", clock=clock) as queue:
        with Function(work, name="work", clock=clock) as function:
            function.add_event_source(queue)
            queue.send_message("2 x tea")
            assert began.wait(PATIENCE_S)
            assert not function.join(timeout=0)
            go_on.set()

        assert done.is_set()
        assert function.join()
        assert queue.stats().deleted == 1


def test_joining_in_a_handler_does_not_wait_for_itself() -> None:
    desk = Desk()
    joined: list[bool] = []

    def joins(_: object) -> None:
        joined.append(made[0].join(timeout=0))

    made = [desk.function(joins)]
    desk.queue.send_message("a")

    assert joined == [True]


def test_a_batch_whose_queue_closes_under_it_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    desk.function(lambda _: desk.queue.close())
    desk.queue.send_message("a")

    assert "did its work on 1 messages, but queue orders was closed before they could be deleted" in caplog.text
