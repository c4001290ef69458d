"""
Asynchronous invocation on a manual clock: at once for who calls, retries at their instants, then the dead letters (DEL D).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from postroom import Faults, Function, ManualClock, Message, Observation, Queue, Recorder, Topic
from postroom.errors import (
    EndlessLoop,
    FunctionInvalidParameterValue,
    FunctionValidationError,
    InvalidInput,
    InvalidRequestContent,
    NotSupported,
    RequestTooLarge,
    ResourceClosed,
)
from postroom.faults import Crash
from postroom.limits import ERROR_MESSAGE_MAX_BYTES, INVOCATION_SIZE_MAX_BYTES
from postroom.message import Parcel
from postroom.observe import Wire
from tests.worker.desk import Broken

if TYPE_CHECKING:
    from postroom.worker import Context

S = 1_000_000


class Bell:
    """
    A function with a dead-letter queue on a manual clock; its handler notes when it was called, with what, and fails for some.
    """

    def __init__(self, work: Callable[[Any], object] | None = None, **settings: Any) -> None:
        self.clock = ManualClock()
        self.start = self.clock.now_us()
        self.dead = Queue("dead", clock=self.clock)
        self.calls: list[tuple[float, Any]] = []
        self.contexts: list[Context] = []
        self.seen: list[Observation] = []

        def handle(event: Any, context: Context) -> None:
            self.calls.append((self.passed(), event))
            self.contexts.append(context)
            if work is not None:
                work(event)

        self.function = Function(
            handler=handle,
            **{"name": "ring", "clock": self.clock, "dead_letter_queue": self.dead, "seed": 1, **settings},
        )
        self.function.observe(self.seen.append)

    def passed(self) -> float:
        return (self.clock.now_us() - self.start) / S

    def deliver(self, body: str = '{"table": 7}', cause: str | None = None) -> None:
        self.function.deliver(Parcel(body, cause=cause))
        self.clock.settle()

    def letters(self) -> list[Message]:
        return self.dead.receive_messages(max_messages=10)

    def kinds(self) -> list[str]:
        return [seen.kind for seen in self.seen]


def fails(event: Any) -> None:
    raise Broken("no tea")


# Taking over.


def test_who_delivers_is_answered_before_the_handler_runs() -> None:
    bell = Bell()
    bell.function.deliver(Parcel('{"table": 7}'))

    assert bell.calls == []
    assert bell.function.stats().queued == 1
    bell.clock.settle()
    assert bell.calls == [(0, {"table": 7})]
    assert bell.function.stats().queued == 0


def test_who_invokes_finds_the_work_done() -> None:
    bell = Bell()
    request_id = bell.function.invoke({"table": 7})

    assert bell.calls == [(0, {"table": 7})]
    assert bell.contexts[0].aws_request_id == request_id


@pytest.mark.parametrize("event", ['{"a": [1, null, "ä"]}', '"text"', "7", "null", "[]"])
def test_any_json_is_an_event(event: str) -> None:
    bell = Bell()
    bell.function.invoke(event)

    assert bell.calls == [(0, json.loads(event))]


@pytest.mark.parametrize("body", ["", "2 x tea", "{", "[" * 100_000])
def test_what_is_no_json_is_refused_and_the_sender_keeps_it(body: str) -> None:
    bell = Bell()
    with pytest.raises(InvalidRequestContent) as caught:
        bell.function.deliver(Parcel(body))

    assert (caught.value.operation, caught.value.resource) == ("deliver", "ring")
    assert bell.function.stats().queued == 0


@pytest.mark.parametrize(
    ("size", "is_taken"), [(INVOCATION_SIZE_MAX_BYTES, True), (INVOCATION_SIZE_MAX_BYTES + 1, False)]
)
@pytest.mark.parametrize("letter", ["a", "é"])
def test_an_event_has_at_most_1_mib(letter: str, size: int, is_taken: bool) -> None:
    bell = Bell()
    count, rest = divmod(size - 2, len(letter.encode()))
    body = f'"{letter * count}{"b" * rest}"'
    assert len(body.encode()) == size

    if is_taken:
        bell.deliver(body)
        assert len(bell.calls) == 1
    else:
        with pytest.raises(RequestTooLarge, match="Request must be smaller than 1048576 bytes"):
            bell.function.deliver(Parcel(body))


@pytest.mark.parametrize("event", [{"a": object()}, {"a": b"bytes"}, {(1, 2): 3}])
def test_an_event_that_cannot_be_json_is_refused(event: Any) -> None:
    with pytest.raises(InvalidInput, match="cannot be written as JSON") as caught:
        Bell().function.invoke(event)

    assert (caught.value.operation, caught.value.resource) == ("invoke", "ring")


def test_an_async_def_takes_no_events() -> None:
    async def ring(event: Any, context: Any) -> None: ...

    function = Function(ring, clock=ManualClock())

    with pytest.raises(NotSupported, match="ring is an async def"):
        function.deliver(Parcel("{}"))
    with pytest.raises(NotSupported):
        function.invoke({})


def test_a_closed_function_takes_nothing() -> None:
    bell = Bell()
    bell.function.close()

    for call in (lambda: bell.function.deliver(Parcel("{}")), lambda: bell.function.invoke({})):
        with pytest.raises(ResourceClosed, match="function ring is closed"):
            call()


def test_a_topic_invokes_a_function_with_the_message_in_an_envelope() -> None:
    bell = Bell()
    topic = Topic("orders", clock=bell.clock)
    topic.subscribe(bell.function)
    published = topic.publish("2 x tea")
    [(_, event)] = bell.calls

    assert event["Records"][0]["Sns"]["Message"] == "2 x tea"
    assert [seen.message_id for seen in bell.seen] == [published.message_id] * 2
    assert bell.function.explain(published.message_id).startswith("succeeded")


# Retries.


def test_a_failure_is_tried_again_after_60_and_after_120_seconds_more() -> None:
    bell = Bell(fails)
    bell.deliver()
    bell.clock.advance(59.999_999)
    assert len(bell.calls) == 1
    bell.clock.advance(0.000_001)
    assert len(bell.calls) == 2
    bell.clock.advance(119.999_999)
    assert len(bell.calls) == 2
    bell.clock.advance(0.000_001)

    assert [at for at, _ in bell.calls] == [0, 60, 180]
    bell.clock.advance(86_400)
    assert len(bell.calls) == 3


def test_all_attempts_have_one_request_id() -> None:
    bell = Bell(fails)
    request_id = bell.function.invoke({})
    bell.clock.advance(180)

    assert [context.aws_request_id for context in bell.contexts] == [request_id] * 3
    assert [failure.request_id for failure in bell.function.failures] == [request_id] * 3


def test_each_attempt_has_an_event_of_its_own() -> None:
    def spoil(event: Any) -> None:
        event.clear()
        raise Broken

    bell = Bell()
    seen: list[dict[str, Any]] = []

    def handle(event: Any, context: Any) -> None:
        seen.append(dict(event))
        spoil(event)

    function = Function(handle, name="spoil", clock=bell.clock)
    function.invoke({"table": 7})
    bell.clock.advance(180)

    assert seen == [{"table": 7}] * 3


@pytest.mark.parametrize(
    ("settings", "instants"),
    [
        ({"maximum_retry_attempts": 0}, [0]),
        ({"maximum_retry_attempts": 1}, [0, 60]),
        ({"maximum_event_age": 60}, [0]),
        ({"maximum_event_age": 60.000_001}, [0, 60]),
        ({"maximum_event_age": 90}, [0, 60]),
        ({"maximum_event_age": 180.000_001}, [0, 60, 180]),
    ],
)
def test_retries_end_by_their_number_and_by_the_age_that_is_looked_at_ahead(
    settings: dict[str, Any], instants: list[float]
) -> None:
    bell = Bell(fails, **settings)
    bell.deliver()
    bell.clock.advance(3_600)

    assert [at for at, _ in bell.calls] == instants
    [letter] = bell.letters()
    assert letter.sent_timestamp == (bell.start + instants[-1] * S) // 1_000  # at once, not when the age is reached


def test_a_slow_attempt_counts_from_its_end() -> None:
    bell = Bell()

    def handle(event: Any, context: Any) -> None:
        bell.calls.append((bell.passed(), event))
        bell.clock.advance(10)
        raise Broken

    function = Function(handle, name="slow", clock=bell.clock)
    function.invoke({})
    bell.clock.advance(3_600)

    assert [at for at, _ in bell.calls] == [0, 70, 200]


def test_one_that_succeeds_at_last_is_done() -> None:
    errors = iter([Broken, None])

    def work(event: Any) -> None:
        error = next(errors)
        if error:
            raise error

    bell = Bell(work)
    bell.deliver(cause="m")
    bell.clock.advance(3_600)

    assert bell.kinds() == ["invoked", "failed", "invoked", "succeeded"]
    assert {seen.message_id for seen in bell.seen} == {"m"}
    assert [seen.details["attempt"] for seen in bell.seen] == [1, 1, 2, 2]
    stats = bell.function.stats()
    assert (stats.invocations, stats.succeeded, stats.failed, stats.messages, stats.retrying) == (2, 1, 1, 1, 0)
    assert bell.letters() == []


def test_a_failing_one_does_not_hold_up_the_others() -> None:
    def work(event: Any) -> None:
        if event == "bad":
            raise Broken

    bell = Bell(work)
    for event in ("a", "bad", "b"):
        bell.function.invoke(json.dumps(event))

    assert bell.calls == [(0, "a"), (0, "bad"), (0, "b")]


def test_waiting_for_a_free_call_uses_up_no_retry_but_age() -> None:
    def work(event: Any) -> None:
        if event == "slow":
            bell.clock.advance(100)

    bell = Bell(work, concurrency=1, maximum_event_age=60)
    for delay, event in [(40, "too late"), (40.000_001, "in time")]:
        body = json.dumps(event)
        bell.clock.call_later(delay, lambda body=body: bell.function.deliver(Parcel(body)))  # type: ignore[misc]
    bell.function.invoke('"slow"')

    assert bell.calls == [(0, "slow"), (100, "in time")]
    [letter] = bell.letters()
    assert letter.body == '"too late"'
    assert letter.attributes["ErrorMessage"].value == "EventAgeExceeded: it was never called."


def test_the_exception_is_handed_to_whoever_drives_the_clock_if_asked_for() -> None:
    bell = Bell(fails, on_error="raise")

    with pytest.raises(Broken):
        bell.function.invoke({})
    with pytest.raises(Broken):
        bell.clock.advance(60)


def test_a_crash_after_the_work_has_it_done_again() -> None:
    bell = Bell(faults=Faults.script(crashes={"ring": [Crash.BEFORE, Crash.AFTER]}))
    bell.deliver()
    bell.clock.advance(180)

    assert [at for at, _ in bell.calls] == [60, 180]


# Giving up.


def test_a_dead_letter_is_the_event_as_it_came_with_three_attributes() -> None:
    bell = Bell(fails)
    body = '{"table":7,  "note": "as it came"}'
    bell.deliver(body)
    bell.clock.advance(180)
    [letter] = bell.letters()

    assert letter.body == body
    assert {name: tuple(value) for name, value in letter.attributes.items()} == {
        "RequestID": ("String", bell.contexts[0].aws_request_id),
        "ErrorCode": ("Number", "200"),
        "ErrorMessage": ("String", "no tea"),
    }
    assert bell.function.stats().dead_lettered == 1


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (Broken(), "Broken"),
        (Broken("a" * 2_000), "a" * 1_024),
        (Broken("ä" * 2_000), "ä" * 512),
        (Broken("a" + "ä" * 2_000), "a" + "ä" * 511),
        (Broken("a\0b"), r"a\x00b"),
        (Broken("\ud800"), r"\ud800"),
    ],
)
def test_the_error_message_is_text_that_a_message_may_have(error: Exception, message: str) -> None:
    def work(event: Any) -> None:
        raise error

    bell = Bell(work, maximum_retry_attempts=0)
    bell.deliver()
    [letter] = bell.letters()
    shown = letter.attributes["ErrorMessage"].value

    assert shown == message
    assert len(str(shown).encode()) <= ERROR_MESSAGE_MAX_BYTES


HALF = "\ud800"


def test_half_a_character_in_an_event_goes_through_and_into_the_dead_letter_escaped() -> None:
    bell = Bell(fails, maximum_retry_attempts=0)
    bell.function.invoke({"a": HALF, "b": "\xe4"})
    [letter] = bell.letters()

    assert bell.calls == [(0, {"a": HALF, "b": "\xe4"})]
    assert letter.body == r'{"a": "\ud800", "b": "\u00e4"}'
    assert len(letter.md5_of_body) == 32


def test_text_of_half_a_character_is_no_json_that_could_be_sent() -> None:
    bell = Bell()
    with pytest.raises(InvalidRequestContent, match="half a character at index 2"):
        bell.function.invoke(f'{{"{HALF}": 1}}')
    with pytest.raises(InvalidRequestContent):
        bell.deliver(f'"{HALF}"')

    assert bell.calls == []


def test_an_event_that_fills_a_message_is_dead_lettered_without_attributes() -> None:
    bell = Bell(fails, maximum_retry_attempts=0)
    bell.function.invoke({"a": "x" * 1_048_560})
    [letter] = bell.letters()

    assert (json.loads(letter.body)["a"], dict(letter.attributes)) == ("x" * 1_048_560, {})
    assert bell.function.stats().dead_lettered == 1


def test_an_error_without_words_of_its_own_is_told_by_its_type() -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            bell.function.stats()  # would never return if a lock was held
            raise Broken

    def work(event: Any) -> None:
        raise Odd

    bell = Bell(work, maximum_retry_attempts=0)
    bell.deliver()
    [letter] = bell.letters()

    assert letter.attributes["ErrorMessage"].value == "Odd"


def test_without_a_dead_letter_queue_it_is_dropped_and_counted() -> None:
    bell = Bell(fails, dead_letter_queue=None)
    bell.deliver(cause="m")
    bell.clock.advance(180)

    assert bell.kinds()[-1] == "dropped"
    assert bell.seen[-1].details["condition"] == "RetriesExhausted"
    assert bell.function.stats().dropped == 1
    assert bell.function.explain("m") == "dropped 0.0 s ago : RetriesExhausted, after 3 calls"


def test_a_dead_letter_queue_that_is_closed_loses_it_and_says_so() -> None:
    bell = Bell(fails, maximum_retry_attempts=0)
    bell.dead.close()
    bell.deliver(cause="m")

    assert bell.kinds() == ["invoked", "failed", "dropped"]
    assert "queue dead did not take it" in bell.seen[-1].details["error"]
    assert (bell.function.stats().dropped, bell.function.stats().dead_lettered) == (1, 0)


def test_a_topic_may_take_dead_letters() -> None:
    bell = Bell()
    topic = Topic("alarms", clock=bell.clock)
    topic.subscribe(bell.dead, raw_message_delivery=True)
    function = Function(lambda event, context: 1 / 0, name="f", clock=bell.clock, dead_letter_queue=topic)
    function.invoke({"table": 7})
    bell.clock.advance(180)

    assert [letter.body for letter in bell.letters()] == ['{"table": 7}']


def test_observers_learn_where_it_went_and_a_recorder_tells_the_story_on() -> None:
    bell = Bell(fails, maximum_retry_attempts=0)
    recorder = Recorder(bell.function, bell.dead)
    bell.deliver(cause="m")
    [letter] = bell.letters()

    assert bell.kinds() == ["invoked", "failed", "dead-lettered"]
    assert bell.seen[-1].details["to"] == "queue dead"
    assert recorder.story(letter.message_id).observations


# Turns.


@pytest.mark.parametrize("concurrency", [1, 2, None])
def test_no_more_calls_run_than_may_and_nobody_is_forgotten(concurrency: int | None) -> None:
    most = 0

    def work(event: Any) -> None:
        nonlocal most
        most = max(most, bell.function.stats().running)
        bell.clock.advance(1)

    bell = Bell(work, concurrency=concurrency)
    with bell.clock.hold():
        for number in range(20):
            bell.function.deliver(Parcel(str(number)))
    bell.clock.settle()

    assert [event for _, event in bell.calls] == list(range(20))
    assert most == (concurrency or 16)
    assert bell.function.stats().running == 0


def test_a_large_backlog_at_one_instant_is_no_endless_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroom.clock._driving.CALLBACKS_PER_INSTANT_MAX", 300)
    bell = Bell()
    for number in range(2_000):
        bell.function.deliver(Parcel(str(number)))
    bell.clock.settle()

    assert len(bell.calls) == 2_000


def test_a_function_that_invokes_itself_for_ever_is_an_endless_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroom.clock._driving.CALLBACKS_PER_INSTANT_MAX", 300)
    bell = Bell(lambda event: bell.function.invoke({}))

    with pytest.raises(EndlessLoop, match="function ring"):
        bell.function.invoke({})
    assert bell.function.stats().running == 0


def test_queues_and_events_share_the_calls_that_may_run() -> None:
    def work(event: Any) -> None:
        bell.clock.advance(1)

    bell = Bell(work, concurrency=1)
    queue = Queue("orders", clock=bell.clock)
    bell.function.add_event_source(queue)
    bell.function.deliver(Parcel('"a"'))
    queue.send_message("b")
    bell.function.invoke('"c"')

    assert [at for at, _ in bell.calls] == [0, 1, 2]


# Ctrl-C.


def test_what_ctrl_c_cut_short_is_tried_again_and_no_attempt_counts() -> None:
    strikes = iter([True, False, False, False])

    def work(event: Any) -> None:
        if next(strikes):
            raise KeyboardInterrupt
        raise Broken

    bell = Bell(work)
    with pytest.raises(KeyboardInterrupt):
        bell.function.invoke({})
    assert bell.function.stats().running == 0
    bell.clock.advance(180)

    assert [at for at, _ in bell.calls] == [0, 0, 60, 180]
    assert len(bell.letters()) == 1


def test_a_dead_letter_that_ctrl_c_cut_short_is_handed_over_by_the_next() -> None:
    bell = Bell(fails, maximum_retry_attempts=0)
    deliver = bell.dead.deliver
    strikes = iter([True, False])

    def interrupted(parcel: Parcel) -> None:
        if next(strikes):
            raise KeyboardInterrupt
        deliver(parcel)

    bell.dead.deliver = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        bell.function.invoke({})
    bell.clock.settle()

    assert len(bell.letters()) == 1
    assert bell.function.stats().dead_lettered == 1


# Closing.


def test_closing_drops_what_waits_counts_it_and_says_so() -> None:
    bell = Bell(fails)
    bell.deliver(cause="retries")
    bell.function.deliver(Parcel("{}", cause="queued"))
    bell.function.close()
    bell.clock.advance(3_600)

    assert len(bell.calls) == 1
    stats = bell.function.stats()
    assert (stats.queued, stats.retrying, stats.dropped) == (0, 0, 2)
    assert [(seen.kind, seen.message_id) for seen in bell.seen[2:]] == [("dropped", "queued"), ("dropped", "retries")]
    assert bell.clock.pending() == []
    bell.function.close()
    assert bell.function.stats().dropped == 2


def test_a_call_that_fails_while_the_function_is_closed_is_dropped() -> None:
    def work(event: Any) -> None:
        bell.function.close()
        raise Broken

    bell = Bell(work)
    bell.deliver()
    bell.clock.advance(3_600)

    assert bell.kinds() == ["invoked", "failed", "dropped"]
    assert (bell.function.stats().dropped, bell.function.stats().running) == (1, 0)


def test_one_taken_in_the_moment_of_closing_is_dropped() -> None:
    bell = Bell()
    close = bell.function.close
    bell.function.unobserve(bell.seen.append)
    process = bell.function.process

    def closes(batch: Any) -> Any:
        close()
        return process(batch)

    bell.function.process = closes  # type: ignore[method-assign]
    bell.deliver()

    assert bell.calls == []
    assert bell.function.stats().dropped == 1


# Looking.


def test_pending_shows_the_next_retry_and_the_clock_finds_it() -> None:
    bell = Bell(fails)
    bell.deliver()
    bell.deliver()
    [due] = bell.clock.pending()

    assert str(due) == "2024-01-01 00:01:00  function ring: 2 failed: tried again"
    bell.clock.advance_to_next()
    assert [at for at, _ in bell.calls] == [0, 0, 60, 60]


def test_explain_says_what_an_invocation_waits_for() -> None:
    bell = Bell(fails)
    bell.function.deliver(Parcel("{}", cause="m"))
    assert bell.function.explain("m") == "waits for its turn"
    bell.clock.settle()
    bell.clock.advance(10)

    assert bell.function.explain("m").endswith("Broken('no tea'); is tried again in 50.0 s")
    assert bell.function.explain("m").startswith("failed 10.0 s ago in call")


def test_a_handler_that_invokes_is_the_cause_of_the_invocation() -> None:
    bell = Bell()
    queue = Queue("orders", clock=bell.clock)
    first = Function(lambda event, context: bell.function.invoke({}), name="first", clock=bell.clock)
    first.add_event_source(queue)
    sent = queue.send_message("2 x tea")

    assert bell.seen[0].kind == "invoked"
    assert bell.seen[0].details["caused_by"] == (sent.message_id,)


def test_wires_show_the_dead_letter_queue() -> None:
    assert Bell().function.wires() == [Wire("function ring", "queue dead", "asynchronous", "dead letters")]
    assert Bell(dead_letter_queue=None).function.wires() == []


# What is refused.


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"maximum_retry_attempts": 3}, FunctionValidationError, "less than or equal to 2"),
        ({"maximum_retry_attempts": -1}, FunctionValidationError, "greater than or equal to 0"),
        ({"maximum_retry_attempts": True}, InvalidInput, "no whole number"),
        ({"maximum_retry_attempts": 1.5}, InvalidInput, "no whole number"),
        ({"maximum_event_age": 59.999_999}, FunctionValidationError, "greater than or equal to 60"),
        ({"maximum_event_age": 21_600.000_001}, FunctionValidationError, "less than or equal to 21600"),
        ({"maximum_event_age": "60"}, InvalidInput, "maximum_event_age"),
        ({"dead_letter_queue": "dead"}, InvalidInput, "no destination"),
        ({"dead_letter_queue": Queue("dead", clock=ManualClock())}, InvalidInput, "different clock"),
        ({"destinations": {}}, NotSupported, "DestinationConfig"),
        ({"destination_config": {}}, NotSupported, "DestinationConfig"),
        ({"on_failure": "arn"}, NotSupported, "DestinationConfig.OnFailure"),
        ({"on_success": "arn"}, NotSupported, "DestinationConfig.OnSuccess"),
        ({"qualifier": "live"}, NotSupported, "Qualifier"),
        ({"maximum_event_age_in_seconds": 60}, NotSupported, "Give maximum_event_age"),
        ({"maximum_event_agee": 60}, TypeError, "did you mean 'maximum_event_age'"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        Function(lambda event, context: None, name="f", clock=ManualClock(), **settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [("invocation_type", "RequestResponse"), ("invocation_type", "DryRun"), ("qualifier", "live"), ("payload", b"{}")],
)
def test_what_awss_invoke_has_is_refused_by_name(name: str, value: object) -> None:
    bell = Bell()
    with pytest.raises(NotSupported, match=r"^invoke\(.*is not there"):
        bell.function.invoke({}, **{name: value})  # type: ignore[arg-type]

    assert bell.calls == []


def test_a_function_takes_no_dead_letters() -> None:
    bell = Bell()

    with pytest.raises(FunctionInvalidParameterValue, match="Give a Queue or a Topic"):
        Function(lambda event, context: None, name="f", clock=bell.clock, dead_letter_queue=bell.function)


@pytest.mark.parametrize(
    "settings", [{"maximum_event_age": 60}, {"maximum_event_age": 21_600}, {"maximum_retry_attempts": 0}]
)
def test_the_ends_of_the_ranges_are_in_them(settings: dict[str, Any]) -> None:
    assert Bell(**settings).function.stats().invocations == 0
