"""
What a bus says besides AWS's text: what to do about an error, and a warning of a pattern that looks where nothing is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from postroom import EventBus, EventEntry, Function, ManualClock, Queue, Region, Rule
from postroom.bus._events import warn_of_fields
from postroom.errors import EventsValidationError, NotSupported
from tests.bus.desk import ALL, made


def target(**settings: Any) -> Callable[[EventBus, Rule], object]:
    return lambda bus, rule: rule.put_target(Queue("orders", clock=bus.clock), **settings)


@pytest.mark.parametrize(
    ("call", "helped"),
    [
        (
            lambda bus, rule: bus.put_events([EventEntry("till", "order placed", {})] * 11),
            "There are 11: split them into calls of up to 10.",
        ),
        (lambda bus, rule: bus.put_events([]), "Give 1 to 10 entries."),
        (
            lambda bus, rule: bus.put_event("till", "order placed", {}, resources=["x" * 2_049]),
            "Give each resource as an ARN of at most 2048 characters.",
        ),
        (target(maximum_event_age=30), "maximum_event_age=30: expected 60 to 86400 seconds (24 hours)."),
        (target(maximum_retry_attempts=186), "maximum_retry_attempts=186: expected 0 to 185."),
        (target(target_id="a b"), "Give 1 to 64 letters, digits, dots, hyphens or underscores."),
        (lambda bus, rule: bus.put_rule("a b", ALL), "Give 1 to 64 letters, digits, dots, hyphens or underscores."),
        (lambda bus, rule: bus.put_rule("all", ALL, state="ON"), 'Give "ENABLED" or "DISABLED".'),
    ],
)
def test_what_is_refused_comes_with_what_to_do(call: Callable[[EventBus, Rule], object], helped: str) -> None:
    bus, _ = made()
    rule = bus.put_rule("all", ALL)
    with pytest.raises(EventsValidationError) as caught:
        call(bus, rule)

    assert caught.value.help == helped


def test_an_event_may_be_put_by_position_as_an_entry_is_made() -> None:
    bus, clock = made()
    queue = Queue("orders", clock=clock)
    bus.put_rule("all", {"source": ["till"], "detail-type": ["order placed"]}).put_target(queue)
    bus.put_event("till", "order placed", {"total": 12})

    assert len(queue) == 1


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ({"detail_type": ["x"]}, ["looks at 'detail_type', which no event has; did you mean 'detail-type'?"]),
        ({"total": [12]}, ["looks at 'total', which no event has; what was put as detail is found below 'detail'."]),
        ({"detail_type": ["x"], "Source": ["y"]}, ["did you mean 'detail-type'?", "did you mean 'source'?"]),
        ({"detail-type": ["x"], "detail": {"detail_type": ["y"]}, "source": ["till"]}, []),
        ({"version": ["0"], "id": ["x"], "account": ["1"], "time": ["t"], "region": ["r"], "resources": ["a"]}, []),
    ],
)
def test_a_pattern_that_looks_for_a_field_no_event_has_is_warned_of(
    pattern: Any, told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    bus, _ = made("shop")
    rule = bus.put_rule("p2", pattern)

    assert rule.event_pattern.matches({"source": "nobody"}) is False
    assert len(caplog.messages) == len(told)
    for message, end in zip(caplog.messages, told, strict=True):
        assert message.startswith("postroom: rule p2 of bus shop looks at ")
        assert message.endswith(end)


def test_each_alternative_of_a_pattern_is_looked_at(caplog: pytest.LogCaptureFixture) -> None:
    warn_of_fields("rule p", '{"$or": [{"source": ["till"]}, {"detail_type": ["x"]}], "detail": {"$or": [{"a": [1]}]}}')

    assert caplog.messages == [
        "postroom: rule p looks at 'detail_type', which no event has; did you mean 'detail-type'?"
    ]


# Handlers that are coroutines.


async def brew(event: Any, context: Any) -> None:
    raise AssertionError


def function_by_object(region: Region, function: Function) -> Any:
    return function


def function_by_arn(region: Region, function: Function) -> Any:
    return function.arn


@pytest.mark.parametrize("given", [function_by_object, function_by_arn])
def test_a_coroutine_is_no_target_and_no_subscriber(given: Callable[[Region, Function], Any]) -> None:
    region = Region(clock=ManualClock())
    function = region.function(brew)
    bus, topic = region.event_bus(), region.topic("news")
    rule = bus.put_rule("all", ALL)
    for call, name in ((rule.put_target, "put_target"), (topic.subscribe, "subscribe")):
        with pytest.raises(NotSupported, match="The handler of brew is an async def") as caught:
            call(given(region, function))

        assert "Give a plain function, or a queue, and await function.aio.poll(queue)" in caught.value.help
        assert caught.value.operation == name
    assert (rule.targets, topic.subscriptions) == ([], [])
