"""
Functions on a manual clock: batches, failures that come back, poison that goes aside, crashes on purpose (DEL C2).
"""

from __future__ import annotations

import functools
import traceback
from typing import Any

import pytest

from postroom import Faults, Function, Limits, ManualClock, Queue, SystemClock
from postroom.errors import InvalidInput, NotSupported
from postroom.faults import Crash, InjectedCrash
from postroom.limits import ERRORS_KEPT_MAX, FATES_KEPT_MAX
from postroom.worker import FunctionStats
from tests.worker.desk import Broken, Desk, fails_on

# Batches.


def test_what_is_sent_is_handled_before_the_send_returns() -> None:
    desk = Desk()
    desk.function()
    desk.queue.send_message("2 x tea")

    assert desk.calls == [(0, ["2 x tea"])]
    assert desk.held() == (0, 0)


def test_what_was_there_is_handled_when_the_source_is_added() -> None:
    desk = Desk()
    desk.queue.send_message_batch(["a", "b", "c"])
    desk.function(batch_size=2)

    assert desk.calls == [(0, ["a", "b"]), (0, ["c"])]


def test_a_batch_call_makes_one_batch_as_it_is_one_operation() -> None:
    desk = Desk()
    desk.function(batch_size=10)
    desk.queue.send_message_batch(["a", "b", "c"])

    assert desk.calls == [(0, ["a", "b", "c"])]


def test_a_delayed_message_is_handled_at_its_very_instant() -> None:
    desk = Desk()
    desk.function()
    desk.queue.send_message("a", delay=5)
    desk.clock.advance(60)

    assert desk.calls == [(5, ["a"])]


def test_a_batch_that_was_taken_is_deleted() -> None:
    desk = Desk()
    function = desk.function(batch_size=10)
    desk.queue.send_message_batch(["a", "b"])

    assert len(desk.queue) == 0
    assert desk.queue.stats().deleted == 2
    assert function.stats() == FunctionStats(running=0, invocations=1, succeeded=1, failed=0, messages=2)


def test_what_a_handler_returns_is_ignored() -> None:
    desk = Desk()
    function = Function(lambda event, context: {"batchItemFailures": [{}]}, name="f", clock=desk.clock)
    function.add_event_source(desk.queue)
    desk.queue.send_message("a")

    assert desk.held() == (0, 0)


def test_the_event_is_the_handlers_to_change() -> None:
    desk = Desk()
    function = Function(lambda event, context: event["Records"].clear(), name="f", clock=desk.clock)
    function.add_event_source(desk.queue)
    desk.queue.send_message("a")

    assert desk.held() == (0, 0)


@pytest.mark.parametrize("size", [1, 10])
def test_a_batch_has_at_most_its_size(size: int) -> None:
    desk = Desk()
    desk.queue.send_message_batch([str(number) for number in range(10)])
    desk.queue.send_message("last")
    desk.function(batch_size=size)

    assert {len(batch) for _, batch in desk.calls} == {size, 1}
    assert [body for _, batch in desk.calls for body in batch] == [*map(str, range(10)), "last"]


# Failures.


def test_a_batch_is_at_most_6_mib_of_json() -> None:
    """
    What was taken together goes in parts then, each of which fails alone.
    """
    desk = Desk()
    sizes = [1_048_576, 1_048_000, 900_000, 800_000, 1_048_576, 700_000, 1_048_576, 1, 1_000_000, 1]
    for number, size in enumerate(sizes):
        desk.queue.send_message(f"{number}".ljust(size, "ä" if size == 1 else "x"))
    desk.function(fails_on("6".ljust(1_048_576, "x")))

    assert [[body[0] for body in batch] for _, batch in desk.calls] == [[*"012345"], [*"6789"]]
    assert (desk.queue.stats().deleted, desk.queue.stats().in_flight) == (6, 4)


def test_a_batch_is_measured_as_json_with_its_attributes() -> None:
    desk = Desk()
    for number in range(4):
        desk.queue.send_message(f"{number}", attributes={"n": b"x" * 1_048_000})
    desk.queue.send_message("4".ljust(1_048_000, '"'))
    desk.function()

    assert [[body[0] for body in batch] for _, batch in desk.calls] == [[*"0123"], ["4"]]


def test_one_message_goes_however_large_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroom.worker._payload.BATCH_PAYLOAD_MAX_BYTES", 100)
    desk = Desk()
    desk.queue.send_message_batch(["a", "b", "c"])
    desk.function()

    assert [batch for _, batch in desk.calls] == [["a"], ["b"], ["c"]]


def test_nothing_of_a_batch_that_failed_is_deleted_and_it_is_back_at_its_visibility_timeout() -> None:
    desk = Desk(visibility_timeout=30)
    function = desk.function(fails_on("b"), batch_size=10)
    desk.queue.send_message_batch(["a", "b"])

    assert desk.held() == (0, 2)
    desk.clock.advance(29.999_999)
    assert len(desk.calls) == 1
    desk.clock.advance(0.000_001)
    assert desk.calls == [(0, ["a", "b"]), (30, ["a", "b"])]
    assert [[r["attributes"]["ApproximateReceiveCount"] for r in f.event["Records"]] for f in function.failures] == [
        ["1", "1"],
        ["2", "2"],
    ]


def test_the_poller_changes_no_visibility_timeout() -> None:
    desk = Desk(visibility_timeout=30)
    kinds: list[str] = []
    desk.queue.observe(lambda seen: kinds.append(seen.kind))
    desk.function(fails_on("a"))
    desk.queue.send_message("a")
    desk.clock.advance(30)

    assert kinds == ["sent", "received", "available", "received"]


def test_a_failure_keeps_the_error_with_its_traceback_the_event_and_when() -> None:
    desk = Desk()
    function = desk.function(fails_on("a"))
    desk.clock.advance(7)
    sent = desk.queue.send_message("a")
    [failure] = function.failures

    assert isinstance(failure.error, Broken)
    assert "raise Broken(body)" in "".join(traceback.format_exception(failure.error))
    assert failure.event["Records"][0]["messageId"] == sent.message_id
    assert failure.at_us == desk.start + 7_000_000
    assert failure.at.isoformat() == "2024-01-01T00:00:07+00:00"
    assert failure.to_dict()["error"] == "Broken('a')"


def test_the_last_failures_are_kept_and_all_are_counted() -> None:
    desk = Desk()
    numbers = [str(number) for number in range(ERRORS_KEPT_MAX + 20)]
    for number in numbers:
        desk.queue.send_message(number)
    function = desk.function(fails_on(*numbers), batch_size=1)

    assert [str(failure.error) for failure in function.failures] == numbers[20:]
    assert function.stats().failed == len(numbers)


def test_a_message_that_always_fails_ends_in_the_dead_letter_queue() -> None:
    clock = ManualClock()
    dead = Queue("dead", clock=clock)
    queue = Queue("orders", clock=clock, visibility_timeout=30, dead_letter_queue=dead, max_receive_count=3)
    desk = Desk()
    function = Function(desk.handler(fails_on("poison")), name="brew", clock=clock)
    function.add_event_source(queue)
    sent = queue.send_message("poison")
    clock.advance(3600)

    assert function.stats().failed == 3
    [letter] = dead.receive_messages()
    assert (letter.message_id, letter.receive_count) == (sent.message_id, 4)
    assert letter.dead_letter_queue_source_arn == queue.arn
    assert len(queue) == 0


def test_a_failing_message_does_not_hold_up_the_others() -> None:
    desk = Desk()
    desk.function(fails_on("bad"), batch_size=1)
    for body in ("a", "bad", "b"):
        desk.queue.send_message(body)

    assert desk.calls == [(0, ["a"]), (0, ["bad"]), (0, ["b"])]
    assert desk.held() == (0, 1)


def test_an_error_whose_repr_raises_or_calls_back_is_a_failure_like_others() -> None:
    function: Function

    class Odd(Exception):
        def __repr__(self) -> str:
            function.stats()  # would never return if a lock was held
            raise Broken

    def handle(event: Any, context: Any) -> None:
        raise Odd

    desk = Desk()
    function = Function(handle, name="odd", clock=desk.clock)
    function.add_event_source(desk.queue)
    sent = desk.queue.send_message("a")

    assert function.stats().failed == 1
    assert function.explain(sent.message_id).endswith("<Odd, whose repr raises Broken>")
    assert function.failures[0].to_dict()["error"] == "<Odd, whose repr raises Broken>"


# Crashes on purpose.


def test_a_crash_before_the_handler_leaves_nothing_done_and_the_message_comes_back() -> None:
    desk = Desk(visibility_timeout=30)
    function = desk.function(faults=Faults.script(crashes={"brew": [Crash.BEFORE]}))
    desk.queue.send_message("a")

    assert desk.calls == []
    assert isinstance(function.failures[0].error, InjectedCrash)
    desk.clock.advance(30)
    assert desk.calls == [(30, ["a"])]
    assert function.stats() == FunctionStats(running=0, invocations=2, succeeded=1, failed=1, messages=1)


def test_a_crash_after_the_handler_has_the_work_done_twice() -> None:
    desk = Desk(visibility_timeout=30)
    function = desk.function(faults=Faults.script(crashes={"brew": [Crash.AFTER]}))
    desk.queue.send_message("a")
    desk.clock.advance(30)

    assert desk.calls == [(0, ["a"]), (30, ["a"])]
    assert function.stats() == FunctionStats(running=0, invocations=2, succeeded=1, failed=1, messages=1)
    assert desk.held() == (0, 0)


# What is remembered.


def test_explain_says_how_the_last_call_ended() -> None:
    desk = Desk(visibility_timeout=30)
    function = desk.function(fails_on("a"), seed=1)
    sent = desk.queue.send_message("a")

    assert function.explain(sent.message_id) == (
        "failed 0.0 s ago in call 375e8bef-0b9d-4a6c-a008-fb028451d75d: Broken('a')"
    )
    assert function.explain("nobody") == "unknown: the function brew was not called with it, or that was long ago"


def test_the_last_thousand_messages_are_remembered() -> None:
    desk = Desk()
    sent = [desk.queue.send_message(str(number)) for number in range(FATES_KEPT_MAX + 1)]
    function = desk.function()

    assert function.explain(sent[0].message_id).startswith("unknown")
    assert "succeeded" in function.explain(sent[1].message_id)


def test_a_functions_repr_tells_what_feeds_it_and_how_it_went() -> None:
    desk = Desk()
    function = desk.function(fails_on("b"), batch_size=1)
    desk.queue.send_message_batch(["a", "b"])

    assert repr(function) == "<Function brew: fed by queue orders, 1 succeeded, 1 failed>"
    function.event_sources[0].close()
    assert repr(function) == "<Function brew: fed by nothing, 1 succeeded, 1 failed>"
    function.close()
    assert repr(function) == "<Function brew: closed, 1 succeeded, 1 failed>"


# What is refused, and how names come about.


def plain(event: Any, context: Any) -> None:
    pass


async def awaited(event: Any, context: Any) -> None:
    pass


async def yielding(event: Any, context: Any) -> Any:
    yield


def forgetting(event: Any, context: Any) -> Any:
    return awaited(event, context)


def generating(event: Any, context: Any) -> Any:
    yield


class Called:
    def __call__(self, event: Any, context: Any) -> None:
        pass


class Awaited:
    async def __call__(self, event: Any, context: Any) -> None:
        pass


@pytest.mark.parametrize(
    ("handler", "name"), [(plain, "plain"), (Called(), "Called"), (functools.partial(plain), "partial")]
)
def test_a_function_has_its_handlers_name(handler: Any, name: str) -> None:
    function = Function(handler, clock=ManualClock())

    assert function.name == name
    assert function.arn == f"arn:aws:lambda:us-east-1:123456789012:function:{name}"


@pytest.mark.parametrize("name", ["", "a b", "a.b", "ä", "a" * 65, "a\n", 7])
def test_a_name_is_letters_digits_hyphens_and_underscores(name: Any) -> None:
    with pytest.raises(InvalidInput):
        Function(plain, name=name, clock=ManualClock())


@pytest.mark.parametrize("name", ["-", "_", "--", "a" * 64, "A-b_9"])
def test_a_name_of_such_characters_is_one(name: str) -> None:
    assert Function(plain, name=name, clock=ManualClock()).name == name


def test_a_lambda_needs_a_name() -> None:
    with pytest.raises(InvalidInput, match="Give name="):
        Function(lambda event, context: None, clock=ManualClock())


@pytest.mark.parametrize(
    "wrong",
    [
        {"handler": "text"},
        {"concurrency": 0},
        {"concurrency": True},
        {"concurrency": 1.5},
        {"on_error": "ignore"},
    ],
)
def test_wrong_arguments_are_refused(wrong: dict[str, Any]) -> None:
    arguments = {"handler": plain, "clock": ManualClock(), **wrong}

    with pytest.raises(InvalidInput):
        Function(arguments.pop("handler"), **arguments)


@pytest.mark.parametrize("handler", [awaited, Awaited(), functools.partial(awaited)])
def test_an_async_def_is_refused_as_a_handler_of_event_sources(handler: Any) -> None:
    clock = ManualClock()
    queue, function = Queue("orders", clock=clock), Function(handler, name="brew", clock=clock)

    assert function.is_async
    with pytest.raises(NotSupported, match=r"brew is an async def(.|\n)*function\.aio\.poll"):
        function.add_event_source(queue)
    assert function.event_sources == []


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        (forgetting, "coroutine"),
        (generating, "generator"),
        (yielding, "async_generator"),
    ],
)
def test_a_handler_that_returns_work_nobody_does_has_failed(handler: Any, kind: str) -> None:
    desk = Desk()
    function = Function(handler, name="brew", clock=desk.clock)
    function.add_event_source(desk.queue)
    desk.queue.send_message("a")
    [failure] = function.failures

    assert isinstance(failure.error, NotSupported)
    assert f"returned a {kind}" in str(failure.error)
    assert desk.held() == (0, 1)


@pytest.mark.parametrize("size", [0, 11, True, 1.0, "1"])
def test_a_batch_size_is_1_to_10(size: Any) -> None:
    desk = Desk()
    function = desk.function()

    with pytest.raises(InvalidInput, match="1 to 10"):
        function.add_event_source(desk.queue, batch_size=size)


def test_what_is_no_queue_is_no_event_source() -> None:
    function = Function(plain, clock=ManualClock())

    with pytest.raises(InvalidInput, match="no event source"):
        function.add_event_source("orders")  # type: ignore[arg-type]


def test_queue_and_function_must_live_by_the_same_clock() -> None:
    function = Function(plain, clock=ManualClock())

    for clock in (ManualClock(), SystemClock()):
        with pytest.raises(InvalidInput, match=r"queue orders and the function plain live by different clocks"):
            function.add_event_source(Queue("orders", clock=clock))
    assert function.event_sources == []


def test_a_home_goes_with_neither_clock_nor_seed() -> None:
    desk = Desk()

    with pytest.raises(InvalidInput):
        Function(plain, home=desk.queue._home, clock=desk.clock)
    with pytest.raises(InvalidInput):
        Function(plain, home=desk.queue._home, seed=1)


def test_a_mapping_knows_both_ends() -> None:
    desk = Desk()
    function = desk.function(batch_size=3)
    [mapping] = function.event_sources

    assert (mapping.source, mapping.function, mapping.batch_size, mapping.closed) == (desk.queue, function, 3, False)
    assert repr(mapping) == "<EventSourceMapping queue orders -> function brew, batches of up to 3>"


# The limit of messages in flight.


def test_a_mapping_goes_on_when_the_queue_comes_off_its_ceiling() -> None:
    desk = Desk(visibility_timeout=30, limits=Limits(in_flight=2))
    desk.queue.send_message_batch(["held", "held too"])
    held = desk.queue.receive_messages(max_messages=2, visibility_timeout=100)
    desk.function()
    for body in ("a", "b"):
        desk.queue.send_message(body)
    desk.clock.advance(1)

    assert desk.calls == []
    desk.queue.delete_message(held[0].receipt_handle)
    assert [body for _, batch in desk.calls for body in batch] == ["a", "b"]


def test_a_failed_batch_at_the_ceiling_is_back_in_time() -> None:
    desk = Desk(visibility_timeout=30, limits=Limits(in_flight=1))
    desk.function(fails_on("a"), batch_size=1)
    desk.queue.send_message_batch(["a", "b"])
    desk.clock.advance(29)

    assert desk.calls == [(0, ["a"])]
    desk.clock.advance(300)
    assert [batch for _, batch in desk.calls].count(["b"]) == 1
    assert desk.held() == (0, 1)


@pytest.mark.parametrize("handler", [lambda: 0, lambda event: 0, lambda event, context, more: 0])
def test_a_handler_that_takes_something_else_is_refused(handler: Any) -> None:
    with pytest.raises(InvalidInput, match="cannot be called with an event and a context"):
        Function(handler, name="f", clock=ManualClock())


@pytest.mark.parametrize("handler", [print, lambda *_: 0, lambda event, context, more=1: 0, dict.fromkeys])
def test_a_handler_that_may_take_both_is_taken(handler: Any) -> None:
    assert Function(handler, name="f", clock=ManualClock()).name == "f"
