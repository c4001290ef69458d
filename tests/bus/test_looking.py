"""
What a bus tells: observations, figures, wires, where an event is, and what waits.
"""

from __future__ import annotations

import copy
import os
import pickle
import sys
from typing import Any

import pytest

from postroom import BusStats, EventBus, EventEntry, ManualClock, Observation, PutEvent, Queue, Recorder
from postroom.errors import InvalidInput
from postroom.observe import Destination, Wire, caused_by
from tests.bus.desk import ALL, Broken, Flaky, made, put


def heard(bus: EventBus) -> list[tuple[Any, ...]]:
    told: list[tuple[Any, ...]] = []

    def hear(seen: Observation) -> None:
        assert bus._lock.acquire(blocking=False), "an observer is called under the lock"
        bus._lock.release()
        told.append((seen.kind, seen.message_id, dict(seen.details)))

    bus.observe(hear)
    return told


def test_an_event_is_put_matched_and_delivered() -> None:
    bus, clock = made()
    for name in ("b", "a"):
        bus.put_rule(name, ALL)
    bus.rule("b").put_target(Queue("orders", clock=clock))
    told = heard(bus)
    id_ = put(bus)

    assert told == [
        ("put", id_, {"source": "till", "detail_type": "order placed", "body": '{"total":12}'}),
        ("matched", id_, {"rules": ("b", "a")}),
        ("delivered", id_, {"to": "queue orders"}),
    ]


def test_an_event_that_nobody_wants_is_put() -> None:
    bus, _ = made()
    bus.put_rule("other", {"source": ["other"]})
    told = heard(bus)
    put(bus)

    assert [kind for kind, *_ in told] == ["put"]


def test_what_fails_is_told_too() -> None:
    bus, clock = made()
    dead = Queue("dead", clock=clock)
    bus.put_rule("all", ALL).put_target(
        Flaky("place", [Broken("no")] * 3), dead_letter_queue=dead, maximum_retry_attempts=2
    )
    told = heard(bus)
    put(bus)
    clock.advance(10)

    assert [(kind, details.get("retry")) for kind, _, details in told] == [
        ("put", None),
        ("matched", None),
        ("refused", 0),
        ("refused", 1),
        ("refused", 2),
        ("dead-lettered", None),
    ]


def test_it_says_what_it_was_made_of() -> None:
    bus, _ = made()
    told = heard(bus)
    with caused_by("a message"):
        put(bus)

    assert told[0][2]["caused_by"] == ("a message",)


def test_a_forwarded_event_is_no_cause_of_itself() -> None:
    clock = ManualClock()
    one, two = EventBus("one", clock=clock), EventBus("two", clock=clock)
    one.put_rule("all", ALL).put_target(two)
    told = heard(two)
    put(one)

    assert "caused_by" not in told[0][2]


def test_a_story_goes_through_the_bus() -> None:
    bus, clock = made()
    queue = Queue("orders", clock=clock)
    recorder = Recorder(bus, queue)
    bus.put_rule("all", ALL).put_target(queue)
    story = recorder.story(put(bus))

    assert [(seen.resource, seen.kind) for seen in story.observations][:2] == [
        ("bus default", "put"),
        ("bus default", "matched"),
    ]
    assert ("queue orders", "sent") in [(seen.resource, seen.kind) for seen in story.observations]


def test_an_observer_that_fails_fails_nothing(caplog: pytest.LogCaptureFixture) -> None:
    bus, _ = made()
    bus.observe(lambda _: 1 / 0)

    assert put(bus)
    assert "ZeroDivisionError" in caplog.text


def test_figures() -> None:
    bus, clock = made()
    bus.put_rule("all", ALL).put_target(Queue("orders", clock=clock))
    bus.put_rule("off", ALL, state="DISABLED")
    bus.rule("all").put_target(Flaky("place", [Broken("x")]))
    put(bus)
    bus.rule("all").disable()
    put(bus)

    assert bus.stats() == BusStats(
        rules=2, put=2, matched=1, delivered=1, refused=1, dead_lettered=0, dropped=0, retrying=1
    )
    assert repr(bus) == "<EventBus default: 2 rules, 2 put, 1 retrying>"
    assert str(bus) == "bus default"
    [due] = bus.pending(clock.now_us())
    assert due.whom == "bus default"
    assert due.what.endswith("function place")
    assert 0 <= due.at_us - clock.now_us() <= 1_000_000


def test_it_says_where_an_event_is() -> None:
    bus, clock = made()
    dead = Queue("dead", clock=clock)
    id_of_nothing = put(bus)
    bus.put_rule("a", ALL).put_target(Queue("orders", clock=clock))
    bus.rule("a").put_target(Flaky("later", [Broken("x")]))
    bus.put_rule("b", ALL).put_target(Flaky("odd", [InvalidInput("x")]), dead_letter_queue=dead)
    bus.rule("b").put_target(Flaky("lost", [InvalidInput("x")]))
    bus.put_rule("c", ALL)
    id_ = put(bus)
    start = "matched rules a, b, c; delivered to queue orders"

    assert bus.explain(id_of_nothing) == "matched no rule"
    assert bus.explain(id_) == (
        f"{start}; tried again later: function later; "
        "dead-lettered: function odd (in queue dead); dropped: function lost"
    )
    clock.advance(1)
    assert bus.explain(id_).startswith(f"{start}, function later; dead-lettered")


def test_of_events_that_it_does_not_know_it_says_so() -> None:
    bus, _ = made()
    first = put(bus)
    second = put(bus)
    for _ in range(999):
        put(bus)

    assert bus.explain("x").startswith("unknown")
    assert bus.explain(first).startswith("unknown")
    assert bus.explain(second) == "matched no rule"
    with pytest.raises(InvalidInput):
        bus.explain(7)  # type: ignore[arg-type]


def test_a_rule_without_targets_is_said_to_have_none() -> None:
    bus, _ = made()
    bus.put_rule("a", ALL)

    assert bus.explain(put(bus)) == "matched rule a; no targets"


def test_wires_are_those_of_enabled_rules() -> None:
    bus, clock = made()
    queue, dead = Queue("orders", clock=clock), Queue("dead", clock=clock)
    bus.put_rule("a", ALL).put_target(queue, dead_letter_queue=dead)
    bus.rule("a").put_target("arn:aws:sqs:us-east-1:123456789012:late")
    bus.put_rule("b", ALL, state="DISABLED").put_target(queue)

    assert bus.wires() == [
        Wire("bus default", "queue orders", "a"),
        Wire("bus default", "arn:aws:sqs:us-east-1:123456789012:late", "a"),
        Wire("bus default", "queue dead", "a", "dead letters"),
    ]


def test_a_bus_is_a_destination() -> None:
    assert isinstance(made()[0], Destination)


@pytest.mark.parametrize("through", [lambda value: pickle.loads(pickle.dumps(value)), copy.copy, copy.deepcopy])
@pytest.mark.parametrize(
    "value",
    [PutEvent("x"), EventEntry("a", "b", "{}"), BusStats(1, 2, 3, 4, 5, 6, 7, 8)],
    ids=lambda value: type(value).__name__,
)
def test_values_survive_pickling_and_do_not_change(through: Any, value: Any) -> None:
    assert through(value) == value
    assert type(value.to_dict()) is dict
    with pytest.raises(AttributeError):
        setattr(value, value._fields[0], "y")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_of_a_fork_goes_on() -> None:
    bus, clock = made()
    queue = Queue("orders", clock=clock)
    bus.put_rule("all", ALL).put_target(queue)
    child = os.fork()
    if not child:
        put(bus)
        os._exit(0 if len(queue) == 1 else 1)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    sys.stdout.flush()


def test_the_same_seed_runs_the_same() -> None:
    def run() -> list[Any]:
        bus, clock = made()
        bus.put_rule("all", ALL).put_target(Flaky("place", [Broken("x")] * 9))
        told = heard(bus)
        put(bus)
        clock.advance(3_600)
        return [*told, clock.now_us(), bus.stats()]

    assert run() == run()
