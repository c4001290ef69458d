"""
Targets: which there can be, what arrives, what is tried again and how often, and dead letters.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from postroom import EventBus, Faults, ManualClock, MemoryStore, Queue, Region
from postroom.errors import (
    EndlessLoop,
    EventsLimitExceeded,
    EventsResourceNotFound,
    EventsValidationError,
    InvalidInput,
    NotFound,
    NotSupported,
    OverLimit,
)
from postroom.message import Parcel
from tests.bus.desk import ALL, Broken, Flaky, drained, ids, made, put

S = 1_000_000


def test_a_parcel_has_the_event_and_its_id() -> None:
    bus, _ = made()
    rule = bus.put_rule("all", ALL)
    place = Flaky("place")
    rule.put_target(place)
    id_ = put(bus)
    [parcel] = place.parcels

    assert json.loads(parcel.body)["id"] == id_
    assert parcel == Parcel(parcel.body, cause=id_, hops=(rule.arn,))


def test_ids_are_made_of_names_and_differ() -> None:
    bus, clock = made()
    rule = bus.put_rule("all", ALL)
    queue = Queue("orders", clock=clock)

    assert [rule.put_target(queue).id for _ in range(3)] == ["orders", "orders-2", "orders-3"]
    assert rule.put_target(Flaky("a b/ü")).id == "a-b--"
    assert len(rule.put_target(Queue("x" * 80, clock=clock)).id) <= 64


def test_the_same_id_replaces() -> None:
    bus, clock = made()
    rule = bus.put_rule("all", ALL)
    old, new = Queue("old", clock=clock), Queue("new", clock=clock)
    rule.put_target(old, target_id="it")
    rule.put_target(new, target_id="it")
    put(bus)

    assert [target.arn for target in rule.targets] == [new.arn]
    assert (len(old), len(new)) == (0, 1)


def test_a_rule_has_five_targets_at_the_most() -> None:
    bus, clock = made()
    rule = bus.put_rule("all", ALL)
    queue = Queue("orders", clock=clock)
    for _ in range(5):
        rule.put_target(queue)
    rule.put_target(queue, target_id="orders-3")
    with pytest.raises(EventsLimitExceeded) as caught:
        rule.put_target(queue, target_id="one-more")

    assert caught.value.aws_message == "The requested resource exceeds the maximum number allowed."
    assert caught.value.operation == "put_target"


def test_a_target_that_is_not_there_is_not_removed() -> None:
    rule = made()[0].put_rule("all", ALL)
    with pytest.raises(EventsResourceNotFound, match="Rule 'all' does not have a target with the Id 'x'"):
        rule.remove_target("x")


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"target_id": "a b"}, EventsValidationError),
        ({"target_id": ""}, EventsValidationError),
        ({"target_id": "x" * 65}, EventsValidationError),
        ({"target_id": 7}, InvalidInput),
        ({"maximum_retry_attempts": -1}, EventsValidationError),
        ({"maximum_retry_attempts": 186}, EventsValidationError),
        ({"maximum_retry_attempts": 1.5}, InvalidInput),
        ({"maximum_retry_attempts": True}, InvalidInput),
        ({"maximum_event_age": 59.999_999}, EventsValidationError),
        ({"maximum_event_age": 86_400.000_001}, EventsValidationError),
        ({"maximum_event_age": "60"}, InvalidInput),
        ({"dead_letter_queue": "arn:aws:sqs:us-east-1:123456789012:dead"}, NotFound),
        ({"dead_letter_queue": 7}, InvalidInput),
        ({"partition_key_path": "$.detail"}, InvalidInput),
        ({"input": "{}"}, NotSupported),
        ({"input_path": "$.detail"}, NotSupported),
        ({"input_transformer": {}}, NotSupported),
        ({"role_arn": "x"}, NotSupported),
        ({"sqs_parameters": {}}, NotSupported),
        ({"retry_policy": {}}, NotSupported),
        ({"dead_leter_queue": None}, TypeError),
    ],
)
def test_what_makes_no_target(arguments: dict[str, Any], kind: type[Exception]) -> None:
    bus, clock = made()
    rule = bus.put_rule("all", ALL)
    with pytest.raises(kind):
        rule.put_target(Queue("orders", clock=clock), **arguments)

    assert rule.targets == []


def test_texts_of_what_makes_no_target() -> None:
    bus, clock = made()
    rule, queue = bus.put_rule("all", ALL), Queue("orders", clock=clock)

    def text(**arguments: Any) -> str:
        with pytest.raises(EventsValidationError) as caught:
            rule.put_target(queue, **arguments)
        return caught.value.aws_message

    assert text(target_id="a b") == (
        "1 validation error detected: Value 'a b' at 'targets.1.member.id' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+"
    )
    assert text(maximum_retry_attempts=186) == (
        "1 validation error detected: Value '186' at 'targets.1.member.retryPolicy.maximumRetryAttempts' failed to "
        "satisfy constraint: Member must have value less than or equal to 185"
    )
    assert text(maximum_event_age=59) == (
        "1 validation error detected: Value '59' at 'targets.1.member.retryPolicy.maximumEventAgeInSeconds' failed to "
        "satisfy constraint: Member must have value greater than or equal to 60"
    )


@pytest.mark.parametrize("destination", [None, 7, print, "no ARN"])
def test_what_is_no_destination(destination: Any) -> None:
    rule = made()[0].put_rule("all", ALL)
    with pytest.raises((InvalidInput, EventsValidationError)):
        rule.put_target(destination)


def test_fifo_queues_are_no_targets_and_take_no_dead_letters() -> None:
    bus, _ = made()
    rule = bus.put_rule("all", ALL)
    with pytest.raises(NotSupported, match="MessageGroupId"):
        rule.put_target(Flaky("orders.fifo", kind="fifo queue"))
    with pytest.raises(NotSupported, match="MessageGroupId"):
        rule.put_target("arn:aws:sqs:us-east-1:123456789012:orders.fifo")
    with pytest.raises(EventsValidationError, match="must be a standard SQS queue"):
        rule.put_target(Flaky("x"), dead_letter_queue=Flaky("dead.fifo", kind="fifo queue"))


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:s3:::photos",
        "arn:aws:states:us-east-1:123456789012:stateMachine:it",
        "arn:aws:sqs:eu-west-1:123456789012:orders",
        "arn:aws:sqs:us-east-1:999999999999:orders",
        "arn:aws-cn:sqs:us-east-1:123456789012:orders",
        "arn:aws:lambda:us-east-1:123456789012:function:brew:live",
        "arn:aws:lambda:us-east-1:123456789012:function:",
        "arn:aws:kinesis:us-east-1:123456789012:clicks",
        "arn:aws:events:us-east-1:123456789012:rule/all",
        "arn:aws:events:us-east-1:123456789012:api-destination/it/0",
    ],
)
def test_an_arn_that_nothing_here_can_have_is_no_target(arn: str) -> None:
    rule = Region(clock=ManualClock()).event_bus().put_rule("all", ALL)
    with pytest.raises(NotSupported, match="Nothing can be delivered to") as caught:
        rule.put_target(arn)

    assert caught.value.operation == "put_target"
    assert rule.targets == []


def test_every_kind_of_resource_is_a_target_by_its_arn() -> None:
    region = Region(clock=ManualClock())
    for resource in (
        region.queue("orders"),
        region.topic("orders"),
        region.stream("orders"),
        region.event_bus("orders"),
        region.function(print, name="orders"),
        region.delivery_stream("orders", MemoryStore()),
    ):
        assert region.event_bus().put_rule(resource.kind[:3], ALL).put_target(resource.arn).arn == resource.arn


def test_a_target_lives_by_the_clock_of_its_bus() -> None:
    bus, clock = made()
    rule = bus.put_rule("all", ALL)
    stranger = Queue("orders", clock=ManualClock())
    for arguments in ((stranger, None), (Queue("x", clock=clock), stranger)):
        with pytest.raises(InvalidInput, match="different clock"):
            rule.put_target(arguments[0], dead_letter_queue=arguments[1])


def test_dead_letters_stay_in_the_region() -> None:
    bus, clock = made()
    far = Region("eu-west-1", clock=clock).queue("dead")
    with pytest.raises(EventsValidationError, match="same Region"):
        bus.put_rule("all", ALL).put_target(Flaky("x"), dead_letter_queue=far)


# Retries.


def waits(bus: Any) -> list[int]:
    return [due.at_us for due in bus.pending(bus.clock.now_us())]


def test_an_attempt_that_fails_is_made_again_later() -> None:
    bus, clock = made()
    place = Flaky("place", [Broken("once"), Broken("twice")])
    target = bus.put_rule("all", ALL).put_target(place)
    put(bus)

    assert (place.tries, target.refused, bus.stats().retrying) == (1, 1, 1)
    assert 0 <= waits(bus)[0] - clock.now_us() <= 1 * S
    clock.advance_to_next()
    assert (place.tries, target.refused) == (2, 2)
    assert waits(bus)[0] - clock.now_us() <= 2 * S
    clock.advance_to_next()
    assert (place.tries, target.delivered, bus.stats().retrying) == (3, 1, 0)


def test_one_that_fails_holds_up_nobody() -> None:
    bus, _ = made()
    rule = bus.put_rule("all", ALL)
    bad, good = Flaky("bad", [Broken("no")] * 3), Flaky("good")
    rule.put_target(bad)
    rule.put_target(good)
    put(bus)
    put(bus)

    assert len(good.parcels) == 2


@pytest.mark.parametrize("attempts", [0, 1, 3, 185])
def test_attempts_run_out(attempts: int) -> None:
    bus, clock = made()
    dead = Queue("dead", clock=clock)
    place = Flaky("place", [Broken("no tea")] * 200)
    rule = bus.put_rule("all", ALL)
    target = rule.put_target(place, dead_letter_queue=dead, maximum_retry_attempts=attempts)
    id_ = put(bus)
    clock.advance(86_400)
    [letter] = drained(dead)

    assert place.tries == attempts + 1
    assert json.loads(letter.body)["id"] == id_
    assert {name: value.value for name, value in letter.attributes.items()} == {
        "RULE_ARN": rule.arn,
        "TARGET_ARN": place.arn,
        "ERROR_CODE": "ERROR_FROM_TARGET",
        "ERROR_MESSAGE": "no tea",
        "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
        "RETRY_ATTEMPTS": str(attempts),
    }
    assert {value.data_type for value in letter.attributes.values()} == {"String"}
    assert (target.dead_lettered, target.dropped, target.refused) == (1, 0, attempts + 1)


def test_an_event_grows_too_old() -> None:
    bus, clock = made()
    dead = Queue("dead", clock=clock)
    place = Flaky("place", [Broken("no tea")] * 200)
    bus.put_rule("all", ALL).put_target(place, dead_letter_queue=dead, maximum_event_age=60)
    put(bus)
    start = clock.now_us()
    while bus.stats().retrying:
        clock.advance_to_next()
    [letter] = drained(dead)

    assert clock.now_us() - start <= 60 * S
    assert letter.attributes["EXHAUSTED_RETRY_CONDITION"].value == "MaximumEventAgeInSeconds"
    assert letter.attributes["RETRY_ATTEMPTS"].value == str(place.tries - 1)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (None, "NO_RESOURCE"),
        (InvalidInput("too odd"), "INVALID_PARAMETER"),
        (EventsResourceNotFound("gone"), "NO_RESOURCE"),
    ],
)
def test_what_cannot_get_better_is_not_tried_again(error: Exception | None, code: str) -> None:
    bus, clock = made()
    dead, gone = Queue("dead", clock=clock), Queue("gone", clock=clock)
    gone.close()
    target = bus.put_rule("all", ALL).put_target(Flaky("odd", [error]) if error else gone, dead_letter_queue=dead)
    put(bus)
    [letter] = drained(dead)

    assert letter.attributes["ERROR_CODE"].value == code
    assert letter.attributes["RETRY_ATTEMPTS"].value == "0"
    assert "EXHAUSTED_RETRY_CONDITION" not in letter.attributes
    assert (target.refused, target.dead_lettered) == (1, 1)


def test_other_codes() -> None:
    bus, clock = made(faults=Faults.script(lost_acknowledgements={"default->lost": [True]}))
    dead = Queue("dead", clock=clock)
    rule = bus.put_rule("all", ALL)
    rule.put_target(Flaky("full", [OverLimit("full")]), dead_letter_queue=dead, maximum_retry_attempts=0)
    rule.put_target(Flaky("lost"), dead_letter_queue=dead, maximum_retry_attempts=0)
    rule.put_target(Flaky("raw", [KeyError()]), dead_letter_queue=dead, maximum_retry_attempts=0)
    put(bus)

    assert [
        (letter.attributes["ERROR_CODE"].value, bool(letter.attributes["ERROR_MESSAGE"].value))
        for letter in drained(dead)
    ] == [("THROTTLING", True), ("TIMEOUT", True), ("ERROR_FROM_TARGET", True)]


class Odd(Exception):
    """
    Has no words, and no look.
    """

    def __str__(self) -> str:
        raise Broken

    __repr__ = __str__


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (Broken("a\0b"), r"a\x00b"),
        (Broken("\ud800"), r"\ud800"),
        (Broken("no tea\n\tat all"), "no tea\n\tat all"),
        (Broken("\xe4" * 2_000), "\xe4" * 512),
        (Broken("a" * 5_000_000), "a" * 1_024),
        (Odd(), "Odd"),
    ],
)
def test_the_error_message_is_text_that_a_message_may_have(error: Exception, message: str) -> None:
    bus, clock = made()
    bus.observe(lambda seen: None)
    dead = Queue("dead", clock=clock)
    bus.put_rule("all", ALL).put_target(Flaky("odd", [error]), dead_letter_queue=dead, maximum_retry_attempts=0)
    put(bus)
    [letter] = drained(dead)

    assert letter.attributes["ERROR_MESSAGE"].value == message
    assert len(letter.md5_of_attributes) == 32


def test_an_event_that_fills_a_message_is_dead_lettered_without_attributes() -> None:
    bus, clock = made()
    dead = Queue("dead", clock=clock)
    place = Flaky("odd", [InvalidInput("x")])
    target = bus.put_rule("all", ALL).put_target(place, dead_letter_queue=dead)
    id_ = put(bus, {"a": "x" * 1_048_250})
    [letter] = drained(dead)

    assert 1_048_576 - 300 < len(letter.body) <= 1_048_576
    assert (json.loads(letter.body)["id"], dict(letter.attributes)) == (id_, {})
    assert (target.dead_lettered, target.dropped) == (1, 0)


def test_an_event_that_no_message_holds_is_dropped() -> None:
    bus, clock = made()
    target = bus.put_rule("all", ALL).put_target(
        Queue("orders", clock=clock), dead_letter_queue=Queue("d", clock=clock)
    )
    put(bus, {"a": "x" * 1_048_500})

    assert (target.dead_lettered, target.dropped) == (0, 1)


def test_without_a_dead_letter_queue_it_is_dropped() -> None:
    bus, _ = made()
    target = bus.put_rule("all", ALL).put_target(Flaky("odd", [InvalidInput("x")]))
    put(bus)

    assert (target.dropped, target.dead_lettered, bus.stats().dropped) == (1, 0, 1)


def test_a_dead_letter_queue_that_refuses_leaves_it_dropped() -> None:
    bus, clock = made()
    dead = Queue("dead", clock=clock)
    target = bus.put_rule("all", ALL).put_target(Flaky("odd", [InvalidInput("x")]), dead_letter_queue=dead)
    dead.close()
    put(bus)

    assert (target.dropped, target.dead_lettered) == (1, 0)


def test_a_lost_acknowledgement_delivers_twice() -> None:
    bus, clock = made(faults=Faults.script(lost_acknowledgements={"default->orders": [True]}))
    queue = Queue("orders", clock=clock)
    bus.put_rule("all", ALL).put_target(queue)
    id_ = put(bus)
    clock.advance(1)

    assert ids(queue) == [id_, id_]


def test_a_removed_target_gets_nothing_more() -> None:
    bus, clock = made()
    place, dead = Flaky("place", [Broken("x")]), Queue("dead", clock=clock)
    rule = bus.put_rule("all", ALL)
    target = rule.put_target(place, dead_letter_queue=dead)
    put(bus)
    rule.remove_target(target.id)
    clock.advance(86_400)
    put(bus)

    assert (place.tries, target.dropped, len(dead)) == (1, 1, 0)
    assert bus.stats().retrying == 0


def test_what_waits_for_a_replaced_target_goes_to_the_new_one() -> None:
    """
    EB 4: the same id replaces. Its figures begin anew.
    """
    bus, clock = made()
    old, new = Flaky("old", [Broken("x")]), Flaky("new")
    rule = bus.put_rule("all", ALL)
    first = rule.put_target(old, target_id="it")
    id_ = put(bus)
    second = rule.put_target(new, target_id="it")
    assert (first.arn, second.refused, bus.stats().retrying) == (new.arn, 0, 1)
    assert [due.what for due in bus.pending(clock.now_us())] == ["next of 1 attempts to deliver to function new"]
    assert bus.explain(id_) == "matched rule all; tried again later: function new"
    clock.advance(1)

    assert (old.tries, len(new.parcels)) == (1, 1)
    assert (second.delivered, bus.stats().delivered, bus.stats().retrying) == (1, 1, 0)
    assert bus.explain(id_) == "matched rule all; delivered to function new"


def test_a_replaced_target_is_tried_again_and_given_up_as_the_new_one_says() -> None:
    bus, clock = made()
    dead = Queue("dead", clock=clock)
    rule = bus.put_rule("all", ALL)
    rule.put_target(Flaky("old", [Broken("x")]), target_id="it")
    put(bus)
    new = Flaky("new", [Broken("y")] * 9)
    rule.put_target(new, target_id="it", maximum_retry_attempts=2, dead_letter_queue=dead)
    clock.advance(86_400)
    [letter] = drained(dead)

    assert new.tries == 2
    assert (letter.attributes["TARGET_ARN"].value, letter.attributes["RETRY_ATTEMPTS"].value) == (new.arn, "2")


def test_nothing_goes_on_once_a_replaced_target_was_removed() -> None:
    bus, clock = made()
    old, new, dead = Flaky("old", [Broken("x")] * 9), Flaky("new", [Broken("x")] * 9), Queue("dead", clock=clock)
    rule = bus.put_rule("all", ALL)
    rule.put_target(old, target_id="it", dead_letter_queue=dead)
    put(bus)
    rule.put_target(new, target_id="it", dead_letter_queue=dead)
    put(bus)
    rule.remove_target("it")
    bus.delete_rule("all")
    clock.advance(86_400)

    assert (old.tries, new.tries, len(dead)) == (1, 1, 0)
    assert (bus.stats().dropped, bus.stats().retrying) == (2, 0)
    assert bus.pending(clock.now_us()) == []


def test_a_queue_may_replace_a_bus_and_a_bus_a_queue() -> None:
    bus, clock = made()
    other, queue, dead = EventBus("other", clock=clock), Queue("orders", clock=clock), Queue("dead", clock=clock)
    rule = bus.put_rule("all", ALL)
    rule.put_target(other, target_id="it")
    rule.put_target(queue, target_id="it", dead_letter_queue=dead)
    id_ = put(bus)
    assert (ids(queue), other.stats().put) == ([id_], 0)

    rule.put_target(bus, target_id="it", dead_letter_queue=dead)
    with pytest.raises(EndlessLoop, match=r"bus default \(rule all\) -> bus default \(rule all\)"):
        put(bus)
    assert len(queue) == 0
    [letter] = drained(dead)
    assert letter.attributes["TARGET_ARN"].value == bus.arn


def test_closing_drops_what_waits() -> None:
    bus, clock = made()
    place = Flaky("place", [Broken("x")])
    bus.put_rule("all", ALL).put_target(place)
    put(bus)
    bus.close()
    clock.advance(86_400)

    assert place.tries == 1
    assert (bus.stats().dropped, bus.stats().retrying) == (1, 0)
    assert bus.pending(clock.now_us()) == []


def test_an_arn_is_looked_up_at_each_attempt() -> None:
    region = Region(clock=ManualClock(), seed=1)
    bus, dead = region.event_bus(), region.queue("dead")
    arn = "arn:aws:sqs:us-east-1:123456789012:late"
    target = bus.put_rule("all", ALL).put_target(arn, dead_letter_queue=dead)
    put(bus)
    late = region.queue("late")
    id_ = put(bus)

    assert drained(dead)[0].attributes["ERROR_CODE"].value == "NO_RESOURCE"
    assert ids(late) == [id_]
    assert (target.id, target.arn) == ("late", arn)


# Streams.


@pytest.mark.parametrize(
    ("path", "detail", "key"),
    [
        ("$.detail.customer.id", {"customer": {"id": "c-7"}}, "c-7"),
        ("$.detail.customer.id", {"customer": {"id": 7}}, "7"),
        ("$.detail.lines[1].item", {"lines": [{}, {"item": "tea"}]}, "tea"),
        ("$.detail.flag", {"flag": True}, "true"),
        ("$.source", {}, "till"),
        ("$.detail-type", {}, "order placed"),
        ("$.detail.nothing", {}, None),
        ("$.detail.customer.id", {"customer": "c-7"}, None),
        ("$.detail.lines[1]", {"lines": ["x"]}, None),
        ("$.detail.empty", {"empty": ""}, None),
        ("$.detail.null", {"null": None}, None),
        ("$.detail.name[0]", {"name": "anna"}, None),
        ("$.detail[0]", {"0": "x"}, None),
        ("$.detail.lines.item", {"lines": ["x"]}, None),
        ("$.resources[0]", {}, None),
        ("$.detail.lines[0]", {"lines": ["x"]}, "x"),
        (None, {}, None),
    ],
)
def test_the_partition_key_comes_from_the_event(path: str | None, detail: dict[str, Any], key: str | None) -> None:
    """
    None: the stream takes the id of the event, which the parcel names as its cause.
    """
    bus, _ = made()
    stream = Flaky("clicks", kind="stream")
    bus.put_rule("all", ALL).put_target(stream, partition_key_path=path)
    id_ = put(bus, detail)

    assert [(parcel.partition_key, parcel.cause) for parcel in stream.parcels] == [(key, id_)]


@pytest.mark.parametrize("path", ["", "detail", "$.", "$.a[x]", "$[", "$..a", 7])
def test_what_is_no_path_to_a_partition_key(path: Any) -> None:
    with pytest.raises(InvalidInput):
        made()[0].put_rule("all", ALL).put_target(Flaky("clicks", kind="stream"), partition_key_path=path)


def test_a_target_has_a_plain_form() -> None:
    bus, clock = made()
    queue, dead = Queue("orders", clock=clock), Queue("dead", clock=clock)
    target = bus.put_rule("all", ALL).put_target(queue, dead_letter_queue=dead, maximum_event_age=90)

    assert target.to_dict() == {
        "id": "orders",
        "arn": queue.arn,
        "dead_letter_queue": dead.arn,
        "maximum_retry_attempts": 185,
        "maximum_event_age": 90.0,
        "partition_key_path": None,
        "delivered": 0,
        "refused": 0,
        "dead_lettered": 0,
        "dropped": 0,
    }
    assert repr(target) == "<Target orders: queue orders, 0 delivered>"
