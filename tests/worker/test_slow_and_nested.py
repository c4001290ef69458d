"""
Handlers that send, that advance the clock to be slow, and that do so for ever.
"""

from __future__ import annotations

import itertools

import pytest

from postroom import Function, Queue
from postroom.errors import EndlessLoop
from postroom.limits import NESTED_CALLS_MAX
from tests.worker.desk import Desk, Event, bodies, fails_on


@pytest.fixture
def low_limit(monkeypatch: pytest.MonkeyPatch) -> int:
    """
    How many callbacks may cause one another at one instant: few, to get there soon.
    """
    monkeypatch.setattr("postroom.clock._driving.CALLBACKS_PER_INSTANT_MAX", 300)
    return 300


# Handlers that send.


def test_a_send_in_a_handler_only_enqueues() -> None:
    desk = Desk()
    second = Queue("second", clock=desk.clock)
    order: list[str] = []

    def forward(body: str) -> None:
        second.send_message(f"{body}, forwarded")
        order.append(body)

    desk.function(forward, batch_size=1)
    function = Function(lambda event, context: order.extend(bodies(event)), name="last", clock=desk.clock)
    function.add_event_source(second)
    desk.queue.send_message_batch(["a", "b"])

    assert order == ["a", "b", "a, forwarded", "b, forwarded"]


def test_order_is_kept_through_a_chain_of_functions() -> None:
    desk = Desk()
    queues = [desk.queue, *(Queue(f"queue-{number}", clock=desk.clock) for number in range(5))]
    order: list[str] = []
    for number, (here, there) in enumerate(itertools.pairwise(queues)):

        def forward(event: Event, context: object, there: Queue = there) -> None:
            for body in bodies(event):
                there.send_message(body)

        Function(forward, name=f"f{number}", clock=desk.clock).add_event_source(here)
    last = Function(lambda event, context: order.extend(bodies(event)), name="last", clock=desk.clock)
    last.add_event_source(queues[-1])
    for number in range(30):
        desk.queue.send_message(str(number))

    assert order == [str(number) for number in range(30)]


@pytest.mark.usefixtures("low_limit")
def test_a_function_that_feeds_its_own_queue_is_an_endless_loop_with_its_name_in_it() -> None:
    desk = Desk()
    function = desk.function(desk.queue.send_message)
    with pytest.raises(EndlessLoop, match=r"queue orders \(12 times\)"):
        desk.queue.send_message("again")

    assert function.stats().running == 0
    function.close()
    desk.clock.advance(10)
    assert desk.passed() == 10
    other = Queue("other", clock=desk.clock)
    calm = Function(desk.handler(), name="calm", clock=desk.clock)
    calm.add_event_source(other)
    other.send_message("fine")
    assert desk.calls[-1] == (10, ["fine"])


@pytest.mark.usefixtures("low_limit")
def test_two_functions_that_feed_each_other_are_both_named() -> None:
    desk = Desk()
    pong = Queue("pong", clock=desk.clock)
    desk.function(pong.send_message)
    back = Function(lambda event, context: desk.queue.send_message("back"), name="back", clock=desk.clock)
    back.add_event_source(pong)

    with pytest.raises(EndlessLoop, match="queue orders -> queue pong -> queue orders"):
        desk.queue.send_message("go")


@pytest.mark.usefixtures("low_limit")
def test_a_message_that_fails_at_a_timeout_of_0_is_an_endless_loop() -> None:
    desk = Desk(visibility_timeout=0)
    desk.function(fails_on("a"))

    with pytest.raises(EndlessLoop):
        desk.queue.send_message("a")


@pytest.mark.parametrize("size", [2_000, pytest.param(200_000, marks=pytest.mark.deep)])
def test_a_large_backlog_at_one_instant_is_no_endless_loop(size: int, low_limit: int) -> None:
    desk = Desk()
    for _ in range(size):
        desk.queue.send_message("a")
    taken: list[int] = []
    function = Function(lambda event, context: taken.append(len(event["Records"])), name="f", clock=desk.clock)
    function.add_event_source(desk.queue, batch_size=5)

    assert len(taken) > low_limit
    assert sum(taken) == size
    assert desk.held() == (0, 0)


# Handlers that advance the clock.


def test_with_one_call_at_a_time_slow_work_is_one_after_the_other() -> None:
    desk = Desk()
    desk.function(lambda body: desk.clock.advance(10), concurrency=1, batch_size=1)
    desk.queue.send_message_batch(["a", "b", "c"])

    assert desk.calls == [(0, ["a"]), (10, ["b"]), (20, ["c"])]
    assert desk.passed() == 30


def test_with_more_calls_at_a_time_slow_work_is_side_by_side() -> None:
    desk = Desk()
    function = desk.function(lambda body: desk.clock.advance(10), concurrency=2, batch_size=1)
    desk.queue.send_message_batch(["a", "b", "c"])

    assert [when for when, _ in desk.calls] == [0, 0, 10]
    assert function.stats().running == 0


@pytest.mark.parametrize("concurrency", [1, 2, 3, None])
def test_no_more_calls_run_than_may(concurrency: int | None) -> None:
    desk = Desk(visibility_timeout=300)
    most = [0]
    function: Function

    def work(body: str) -> None:
        most[0] = max(most[0], function.stats().running)
        desk.clock.advance(1)

    function = desk.function(work, concurrency=concurrency, batch_size=1)
    second = Queue("second", clock=desk.clock, visibility_timeout=300)
    function.add_event_source(second, batch_size=1)
    for queue in (desk.queue, second):
        for number in range(20):
            queue.send_message(str(number), delay=5)
    desk.clock.advance(5)

    assert most[0] == (concurrency or NESTED_CALLS_MAX)
    assert len(desk.calls) == 40
    assert function.stats().running == 0


def test_a_message_whose_timeout_ends_while_it_is_worked_on_is_delivered_again() -> None:
    desk = Desk(visibility_timeout=30)
    spans = iter([31, 0])
    function = desk.function(lambda body: desk.clock.advance(next(spans)))
    desk.queue.send_message("a")

    assert desk.calls == [(0, ["a"]), (30, ["a"])]
    assert function.stats().succeeded == 2
    assert desk.held() == (0, 0)


def test_with_one_call_at_a_time_it_is_deleted_first_and_not_delivered_again() -> None:
    desk = Desk(visibility_timeout=30)
    desk.function(lambda body: desk.clock.advance(31), concurrency=1)
    desk.queue.send_message("a")
    desk.clock.advance(300)

    assert desk.calls == [(0, ["a"])]


def test_work_that_is_always_too_slow_nests_so_deep_and_no_deeper() -> None:
    desk = Desk(visibility_timeout=30)
    function = desk.function(lambda body: desk.clock.advance(31))
    desk.queue.send_message("a")

    assert len(desk.calls) == NESTED_CALLS_MAX
    assert function.failures == []
    desk.clock.advance(300)
    assert len(desk.calls) == NESTED_CALLS_MAX


@pytest.mark.parametrize("concurrency", [1, 4, None])
def test_a_large_backlog_of_slow_work_is_neither_too_deep_nor_an_endless_loop(
    concurrency: int | None, low_limit: int
) -> None:
    desk = Desk(visibility_timeout=43_200)
    size = 2 * low_limit
    for _ in range(size):
        desk.queue.send_message("a")
    function = desk.function(lambda body: desk.clock.advance(0.001), concurrency=concurrency, batch_size=1)
    desk.clock.advance(0)

    assert (function.stats().succeeded, function.failures) == (size, [])
    assert desk.held() == (0, 0)


def test_who_waits_for_its_turn_is_served_in_order() -> None:
    desk = Desk()
    others = [Queue(name, clock=desk.clock) for name in ("b", "c", "d")]

    def work(body: str) -> None:
        if body == "slow":
            for queue in others:
                queue.send_message(queue.name)
            desk.clock.advance(1)

    function = desk.function(work, concurrency=1)
    for queue in others:
        function.add_event_source(queue)
    desk.queue.send_message("slow")

    assert [batch for _, batch in desk.calls] == [["slow"], ["b"], ["c"], ["d"]]


def test_a_source_closed_while_it_waits_for_its_turn_passes_it_on() -> None:
    desk = Desk()
    others = [Queue(name, clock=desk.clock) for name in ("b", "c")]

    def work(body: str) -> None:
        if body == "slow":
            for queue in others:
                queue.send_message(queue.name)
            desk.clock.advance(1)
            mappings[0].close()

    function = desk.function(work, concurrency=1)
    mappings = [function.add_event_source(queue) for queue in others]
    desk.queue.send_message("slow")

    assert [batch for _, batch in desk.calls] == [["slow"], ["c"]]


def test_a_handler_may_wait_for_a_message() -> None:
    desk = Desk()
    answers = Queue("answers", clock=desk.clock)
    got: list[str] = []

    def ask(body: str) -> None:
        answers.send_message("42", delay=5)
        got.extend(message.body for message in answers.receive_messages(wait_time=20))

    desk.function(ask)
    desk.queue.send_message("a")

    assert (got, desk.passed()) == (["42"], 5)
