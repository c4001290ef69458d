"""
Calls that a plan of faults makes slow, and who is the cause of what a handler sends.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from postroom import Faults, Function, ManualClock, Observation, Queue, Recorder, Stream, SystemClock
from postroom.faults import InjectedCrash
from postroom.message import Parcel
from tests.clock.helpers import run_loop
from tests.worker.desk import Desk

# Latency.


def slow(*seconds: float) -> Faults:
    return Faults.script(latencies={"brew": list(seconds)})


def test_time_passes_before_a_slow_handler_runs() -> None:
    desk = Desk()
    desk.function(faults=slow(5, 0, 2.5))
    for body in ("a", "b", "c"):
        desk.queue.send_message(body)

    assert desk.calls == [(5, ["a"]), (5, ["b"]), (7.5, ["c"])]


@pytest.mark.parametrize(("latency", "calls"), [(29.999_999, 1), (30, 2)])
def test_a_latency_as_long_as_the_visibility_timeout_has_a_queue_deliver_twice(latency: float, calls: int) -> None:
    desk = Desk(visibility_timeout=30)
    function = desk.function(faults=slow(latency))
    desk.queue.send_message("a")

    assert desk.calls == [(latency, ["a"])] * calls
    assert function.stats().succeeded == calls
    assert desk.held() == (0, 0)


def test_a_slow_call_counts_as_running() -> None:
    desk = Desk()
    function = desk.function(faults=slow(5), concurrency=1, batch_size=1)
    running: list[int] = []
    desk.clock.call_later(3, lambda: running.append(function.stats().running))
    desk.queue.send_message_batch(["a", "b"])

    assert running == [1]
    assert desk.calls == [(5, ["a"]), (5, ["b"])]


@pytest.mark.parametrize("clock", [ManualClock(autojump=False), ManualClock()])
def test_a_latency_passes_also_where_the_clock_may_not_jump(clock: ManualClock) -> None:
    function = Function(lambda event, context: None, name="brew", clock=clock, faults=slow(5))
    start = clock.now_us()
    with clock.hold():
        function.invoke({})

    assert clock.now_us() - start == 5_000_000
    assert function.stats().succeeded == 1


def test_events_and_streams_are_slow_too() -> None:
    clock = ManualClock()
    start = clock.now()
    calls: list[float] = []
    function = Function(
        lambda event, context: calls.append(clock.now() - start), name="brew", clock=clock, faults=slow(5, 7)
    )
    stream = Stream("orders", clock=clock)
    function.add_event_source(stream, starting_position="LATEST")
    stream.put_record(b"a", "k")
    function.invoke({})

    assert calls == [5, 12]


def test_a_slow_call_on_a_system_clock_takes_its_time() -> None:
    with SystemClock(speed=1_000) as clock:
        queue = Queue("orders", clock=clock)
        start = clock.now_us()
        with Function(lambda event, context: None, name="brew", clock=clock, faults=slow(30)) as function:
            function.invoke({})
            assert function.join(60)
            assert clock.now_us() - start >= 30_000_000
            assert function.stats().succeeded == 1
        queue.close()


def test_a_slow_coroutine_waits_on_its_loop() -> None:
    clock = ManualClock()
    start = clock.now()
    calls: list[float] = []

    async def brew(event: Any, context: Any) -> None:
        calls.append(clock.now() - start)

    async def main() -> None:
        queue = Queue("orders", clock=clock)
        function = Function(brew, clock=clock, faults=slow(5))
        queue.send_message("a")
        assert await function.aio.poll(queue, idle=0) == 1

    run_loop(main())
    assert calls == [5]


def test_a_crash_comes_after_the_latency() -> None:
    desk = Desk()
    faults = Faults.script(crashes={"brew": ["before"]}, latencies={"brew": [5]})  # type: ignore[list-item]
    function = desk.function(faults=faults)
    desk.queue.send_message("a")

    assert isinstance(function.failures[0].error, InjectedCrash)
    assert function.failures[0].at_us == desk.start + 5_000_000
    assert faults.unplayed == {}


# Causes.


def test_what_a_handler_sends_is_caused_by_all_it_took() -> None:
    desk = Desk()
    second = Queue("second", clock=desk.clock)
    seen: list[Observation] = []
    second.observe(seen.append)
    function = Function(lambda event, context: second.send_message("done"), name="f", clock=desk.clock)
    outcome = desk.queue.send_message_batch(["a", "b"])
    function.add_event_source(desk.queue)

    assert seen[0].details["caused_by"] == tuple(one.result.message_id for one in outcome.successful)


def test_an_event_is_the_cause_by_the_id_it_came_under_or_by_its_request_id() -> None:
    clock = ManualClock()
    second = Queue("second", clock=clock)
    seen: list[Observation] = []
    second.observe(seen.append)
    function = Function(lambda event, context: second.send_message("done"), name="f", clock=clock)
    function.deliver(Parcel("{}", cause="the event"))
    clock.settle()
    request_id = function.invoke({})

    assert [one.details["caused_by"] for one in seen] == [("the event",), (request_id,)]


def test_records_are_the_cause_by_stream_and_sequence_number() -> None:
    clock = ManualClock()
    stream, second = Stream("orders", clock=clock), Queue("second", clock=clock)
    recorder = Recorder(stream, second)
    function = Function(lambda event, context: second.send_message("done"), name="f", clock=clock)
    function.add_event_source(stream, starting_position="LATEST")
    put = stream.put_record(b"a", "k")
    [message] = second.receive_messages()
    story = recorder.story(message.message_id)

    assert {seen.message_id for seen in story.observations} == {f"orders:{put.sequence_number}", message.message_id}


def test_a_coroutine_is_a_cause_too_and_only_while_it_runs() -> None:
    clock = ManualClock()
    queue, second = Queue("orders", clock=clock), Queue("second", clock=clock)
    seen: list[Observation] = []
    second.observe(seen.append)

    async def brew(event: Any, context: Any) -> None:
        await asyncio.sleep(0)
        second.send_message("done")

    async def main() -> None:
        sent = queue.send_message("a")
        await Function(brew, clock=clock).aio.poll(queue, idle=0)
        second.send_message("by the way")
        assert [one.details.get("caused_by") for one in seen if one.kind == "sent"] == [(sent.message_id,), None]

    run_loop(main())


def test_what_falls_due_while_a_call_is_slow_is_none_of_its_work() -> None:
    desk = Desk()
    second = Queue("second", clock=desk.clock)
    seen: list[Observation] = []
    second.observe(seen.append)
    desk.function(faults=slow(5))
    desk.clock.call_later(3, lambda: second.send_message("by the way"))
    desk.queue.send_message("a")

    assert seen[0].details.get("caused_by") is None
