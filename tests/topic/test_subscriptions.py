"""
Subscribing and unsubscribing: who may be subscribed, once, and what ends it.
"""

from __future__ import annotations

from typing import Any

import pytest

from postroom import Function, ManualClock, Queue, Region, SystemClock, Topic
from postroom.errors import InvalidInput, InvalidParameter, NotFound, NotSupported, PostroomError, ResourceClosed
from postroom.observe import Standalone
from tests.topic.stubs import Box, Trouble

CLOCK = ManualClock()
SQS = "arn:aws:sqs:us-east-1:123456789012:"


def made() -> tuple[Topic, Queue]:
    return Topic("orders", clock=CLOCK, seed=1), Queue("kitchen", clock=CLOCK)


def refused(topic: Topic, kind: type[PostroomError], endpoint: Any, **arguments: Any) -> str:
    with pytest.raises(kind) as caught:
        topic.subscribe(endpoint, **arguments)
    assert (caught.value.operation, caught.value.resource) == ("subscribe", "orders")
    assert topic.subscriptions == []
    return caught.value.aws_message


def test_a_subscription_says_what_it_is() -> None:
    topic, queue = made()
    dead = Queue("dead", clock=CLOCK)
    subscription = topic.subscribe(queue, dead_letter_queue=dead)

    assert topic.subscriptions == [subscription]
    assert subscription.arn.rpartition(":")[0] == topic.arn
    assert len(subscription.arn.rpartition(":")[2]) == 36
    assert (subscription.protocol, subscription.endpoint, subscription.endpoint_arn) == ("sqs", queue, queue.arn)
    assert (subscription.raw_message_delivery, subscription.form) == (False, "enveloped")
    assert subscription.dead_letter_queue is dead
    assert repr(subscription) == "<Subscription queue kitchen to topic orders: enveloped, 0 delivered>"
    assert subscription.to_dict()["dead_letter_queue"] == dead.arn
    topic.unsubscribe(subscription)
    assert repr(subscription) == "<Subscription queue kitchen to topic orders: removed>"


@pytest.mark.parametrize(
    ("kind", "protocol"), [("queue", "sqs"), ("function", "lambda"), ("delivery stream", "firehose")]
)
def test_the_protocol_is_what_the_endpoint_is(kind: str, protocol: str) -> None:
    topic, _ = made()
    box = Box(kind=kind)

    assert topic.subscribe(box).protocol == protocol
    assert topic.subscribe(box, protocol=protocol) is topic.subscriptions[0]


def test_an_unknown_protocol_is_refused_in_awss_words() -> None:
    topic, queue = made()

    assert refused(topic, InvalidParameter, queue, protocol="test-protocol") == (
        "Invalid parameter: Amazon SNS does not support this protocol string: test-protocol"
    )
    refused(topic, InvalidParameter, queue, protocol="SQS")
    refused(topic, InvalidInput, queue, protocol=7)


@pytest.mark.parametrize("protocol", ["http", "https", "email", "email-json", "sms", "application"])
def test_a_protocol_that_is_not_there_is_refused_by_name(protocol: str) -> None:
    topic, _ = made()

    assert protocol in refused(topic, NotSupported, "https://example.com", protocol=protocol)


@pytest.mark.parametrize("url", ["http://example.com/a", "https://example.com/a"])
def test_an_address_is_no_arn(url: str) -> None:
    topic, _ = made()

    refused(topic, NotSupported, url)


@pytest.mark.parametrize(
    ("endpoint", "protocol", "shown"),
    [
        ("https://queue.amazonaws.com/123456789012/orders", "sqs", "SQS"),
        ("randomstring", "sqs", "SQS"),
        ("randomstring", None, "SQS"),
        ("", None, "SQS"),
        ("arn:aws:lambda:us-east-1:123456789012:function:cook", "sqs", "SQS"),
        (f"{SQS}kitchen", "lambda", "Lambda"),
        ("arn:aws:lambda:us-east-1:123456789012:layer:cook", None, "Lambda"),
        ("arn:aws:firehose:us-east-1:123456789012:archive", None, "Firehose"),
        ("arn:aws:sns:us-east-1:123456789012:other", None, "SQS"),
    ],
)
def test_an_endpoint_that_does_not_go_with_its_protocol(endpoint: str, protocol: str | None, shown: str) -> None:
    topic, _ = made()

    assert refused(topic, InvalidParameter, endpoint, protocol=protocol) == f"Invalid parameter: {shown} endpoint ARN"


def test_an_object_that_does_not_go_with_the_protocol() -> None:
    topic, queue = made()

    assert refused(topic, InvalidParameter, queue, protocol="lambda") == "Invalid parameter: Lambda endpoint ARN"


@pytest.mark.parametrize("endpoint", [Box("x.fifo", kind="fifo queue"), f"{SQS}x.fifo"])
def test_a_fifo_queue_is_refused(endpoint: Any) -> None:
    topic, _ = made()

    assert refused(topic, InvalidParameter, endpoint) == (
        "Invalid parameter: Invalid parameter: Endpoint Reason: "
        "FIFO SQS Queues can not be subscribed to standard SNS topics"
    )


@pytest.mark.parametrize(
    "endpoint", [None, 7, object(), Topic("other", clock=CLOCK), Queue("q", clock=ManualClock()), Queue("q")]
)
def test_what_cannot_be_subscribed(endpoint: Any) -> None:
    topic, _ = made()

    refused(topic, InvalidInput, endpoint)


def test_another_accounts_queue_would_need_a_confirmation() -> None:
    topic, _ = made()
    other = Queue("q", home=Standalone(CLOCK, account="999999999999"))

    refused(topic, NotSupported, other)
    refused(topic, NotSupported, other.arn)


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:sqs:eu-west-1:123456789012:q",
        "arn:aws-cn:sqs:us-east-1:123456789012:q",
        "arn:aws:lambda:eu-west-1:123456789012:function:f",
        "arn:aws:lambda:us-east-1:123456789012:function:f:live",
        "arn:aws:firehose:us-east-1:123456789012:deliverystream/",
    ],
)
def test_an_arn_that_nothing_here_can_have_is_not_subscribed(arn: str) -> None:
    """
    All that is published would be lost there, and nobody told.
    """
    topic = Region(clock=CLOCK).topic("orders")

    assert refused(topic, NotSupported, arn) == f"Nothing can be delivered to {arn}."
    assert topic.subscriptions == []


def test_another_regions_queue_is_subscribed() -> None:
    topic, _ = made()
    other = Queue("q", home=Standalone(CLOCK, region_name="eu-west-1"))
    topic.subscribe(other)
    topic.publish("x")

    assert other.stats().sent == 1


# Once.


def test_an_endpoint_is_subscribed_once() -> None:
    """
    SNS 6.1: what is given must agree with what is there, and what is not given does not count.
    """
    topic, queue = made()
    dead = Queue("dead", clock=CLOCK)
    first = topic.subscribe(queue, raw_message_delivery=True, dead_letter_queue=dead)

    assert topic.subscribe(queue) is first
    assert topic.subscribe(queue, raw_message_delivery=True) is first
    assert topic.subscribe(queue, dead_letter_queue=dead, protocol="sqs") is first
    assert topic.subscribe(queue.arn) is first
    assert topic.subscriptions == [first]


@pytest.mark.parametrize(
    "differs", [{"raw_message_delivery": False}, {"dead_letter_queue": Queue("other", clock=CLOCK)}]
)
def test_a_subscription_that_is_there_is_not_made_differently(differs: dict[str, Any]) -> None:
    topic, queue = made()
    first = topic.subscribe(queue, raw_message_delivery=True, dead_letter_queue=Queue("dead", clock=CLOCK))

    with pytest.raises(InvalidParameter) as caught:
        topic.subscribe(queue, **differs)

    assert caught.value.aws_message == (
        "Invalid parameter: Attributes Reason: Subscription already exists with different attributes"
    )
    assert topic.subscriptions == [first]


def test_false_is_what_a_subscription_is_that_was_made_without() -> None:
    topic, queue = made()
    first = topic.subscribe(queue)

    assert topic.subscribe(queue, raw_message_delivery=False) is first
    with pytest.raises(InvalidParameter):
        topic.subscribe(queue, raw_message_delivery=True)


def test_two_queues_of_one_name_are_two_endpoints() -> None:
    """
    ``Queue("orders")`` made twice is two queues, though they have one ARN.
    """
    topic, queue = made()
    twin = Queue("kitchen", clock=CLOCK)

    assert topic.subscribe(queue) is not topic.subscribe(twin)
    topic.publish("x")
    assert queue.stats().sent == twin.stats().sent == 1


@pytest.mark.parametrize("raw", ["wrongvalue", 1, ""])
def test_raw_is_true_or_false(raw: Any) -> None:
    topic, queue = made()

    assert refused(topic, InvalidParameter, queue, raw_message_delivery=raw) == (
        f"Invalid parameter: Attributes Reason: RawMessageDelivery: Invalid value [{raw}]. Must be true or false."
    )


@pytest.mark.parametrize("text", ["true", "True", "TRUE", "tRuE", "false", "FALSE"])
def test_raw_is_a_text_too_in_any_case(text: str) -> None:
    """
    SNS 6.4.
    """
    topic, queue = made()
    subscription = topic.subscribe(queue, raw_message_delivery=text)

    assert subscription.raw_message_delivery is (text.lower() == "true")
    assert topic.subscribe(queue, raw_message_delivery=text.swapcase()) is subscription
    assert topic.subscribe(queue, raw_message_delivery=subscription.raw_message_delivery) is subscription
    with pytest.raises(InvalidParameter, match="different attributes"):
        topic.subscribe(queue, raw_message_delivery=str(not subscription.raw_message_delivery))


def test_a_thousand_subscriptions_are_found_by_their_endpoints() -> None:
    topic, _ = made()
    queues = [Queue(f"q{number}", clock=CLOCK) for number in range(300)]
    subscriptions = [topic.subscribe(queue, raw_message_delivery=True) for queue in queues]
    for subscription in subscriptions[::2]:
        topic.unsubscribe(subscription)
    topic.publish("x")

    assert [queue.stats().sent for queue in queues] == [0, 1] * 150
    assert [topic.subscribe(queue) for queue in queues[1::2]] == subscriptions[1::2]


# By ARN.


def test_an_arn_is_looked_up_at_each_attempt() -> None:
    region = Region(clock=ManualClock(), seed=1)
    topic = Topic("orders", home=region)
    dead = region.queue("dead")
    topic.subscribe(f"{SQS}kitchen", raw_message_delivery=True, dead_letter_queue=dead)

    topic.publish("before")  # it need not exist, and a queue that is missing is a permanent failure
    kitchen = region.queue("kitchen")
    topic.publish("there")
    kitchen.close()
    topic.publish("after")
    topic.publish("now", attributes={"a": 1})

    assert [message.body for message in dead.receive_messages(max_messages=10)] == ["before", "after", "now"]
    assert kitchen.stats().sent == 1


def test_an_arn_outside_a_region_is_nobody() -> None:
    topic, _ = made()
    subscription = topic.subscribe(f"{SQS}kitchen")
    topic.publish("x")

    assert (subscription.dropped, subscription.shown) == (1, f"{SQS}kitchen")
    assert subscription.endpoint == subscription.endpoint_arn == f"{SQS}kitchen"


# Dead-letter queues.


@pytest.mark.parametrize("dead", ["invalidarn", "a:b:c", Box("fn", kind="function"), Box("x.fifo", kind="fifo queue")])
def test_a_dead_letter_queue_is_a_standard_queue(dead: Any) -> None:
    topic, queue = made()

    assert refused(topic, InvalidParameter, queue, dead_letter_queue=dead) == (
        "Invalid parameter: Attributes Reason: RedrivePolicy: deadLetterTargetArn is an invalid arn"
    )


def test_a_dead_letter_queue_is_here() -> None:
    topic, queue = made()

    for place in ({"account": "999999999999"}, {"region_name": "eu-west-1"}):
        refused(topic, InvalidParameter, queue, dead_letter_queue=Queue("dead", home=Standalone(CLOCK, **place)))  # type: ignore[arg-type]
    refused(topic, InvalidInput, queue, dead_letter_queue=Queue("dead"))
    refused(topic, InvalidInput, queue, dead_letter_queue=7)
    refused(topic, NotFound, queue, dead_letter_queue=f"{SQS}dead")


def test_a_dead_letter_queue_may_be_given_by_arn() -> None:
    region = Region(clock=ManualClock())
    dead = region.queue("dead")

    subscription = Topic("orders", home=region).subscribe(region.queue("q"), dead_letter_queue=dead.arn)

    assert subscription.dead_letter_queue is dead


# Unsubscribing.


def test_unsubscribing_ends_it_and_may_be_repeated() -> None:
    topic, queue = made()
    subscription = topic.subscribe(queue, raw_message_delivery=True)
    topic.publish("before")
    topic.unsubscribe(subscription)
    topic.unsubscribe(subscription)
    topic.unsubscribe(subscription.arn)
    topic.publish("after")

    assert queue.stats().sent == 1
    assert topic.subscribe(queue, raw_message_delivery=False).arn != subscription.arn


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("randomstring", "SubscriptionArn Reason: An ARN must have at least 6 elements, not 1"),
        ("pending confirmation", "SubscriptionArn Reason: An ARN must have at least 6 elements, not 1"),
        ("arn:aws:sns:us-east-1:random", "SubscriptionArn Reason: An ARN must have at least 6 elements, not 5"),
        ("arn:aws:sns:us-east-1:111111111111:random", "SubscriptionId"),
        ("arn:aws:sns:us-east-1:123456789012:orders:7", "SubscriptionId"),
        ("", "SubscriptionArn Reason: no value for required parameter"),
    ],
)
def test_what_is_no_arn_of_a_subscription(given: str, reason: str) -> None:
    topic, _ = made()

    with pytest.raises(InvalidParameter) as caught:
        topic.unsubscribe(given)

    assert caught.value.aws_message == f"Invalid parameter: {reason}"
    assert (caught.value.operation, caught.value.resource) == ("unsubscribe", "orders")


def test_an_arn_that_is_well_formed_and_unknown_is_no_error() -> None:
    topic, _ = made()

    topic.unsubscribe(f"{topic.arn}:c9135db0-26c4-47ec-8998-413945fb5a96")


def test_a_subscription_of_another_topic_and_what_is_none() -> None:
    topic, queue = made()
    other = Topic("news", clock=CLOCK).subscribe(queue)

    for given in (other, 7, None, queue):
        with pytest.raises(InvalidInput):
            topic.unsubscribe(given)  # type: ignore[arg-type]


def test_what_waits_for_a_retry_is_dropped_by_unsubscribing() -> None:
    clock = ManualClock()
    topic, box, dead = Topic("orders", clock=clock), Box(plan=[Trouble()] * 4), Queue("dead", clock=clock)
    told: list[tuple[str, object]] = []
    topic.observe(lambda seen: told.append((seen.kind, seen.details.get("error"))))
    subscription = topic.subscribe(box, dead_letter_queue=dead)
    topic.publish("x")
    assert topic.stats().retrying == 1

    topic.unsubscribe(subscription)
    clock.advance(60)

    assert (box.bodies, dead.stats().sent, subscription.dropped) == ([], 0, 1)
    assert told[-1] == ("dropped", "its route was removed")
    assert list(clock.pending()) == []


def test_a_closed_topic_has_no_more_of_either() -> None:
    topic, queue = made()
    subscription = topic.subscribe(queue)
    topic.close()

    with pytest.raises(ResourceClosed):
        topic.unsubscribe(subscription)
    with pytest.raises(ResourceClosed):
        topic.subscribe(queue)


def test_queues_and_functions_on_the_shared_clock() -> None:
    """
    Without a clock, all have the same.
    """
    with Topic("orders") as topic, Queue("q") as queue:
        topic.subscribe(queue)
        topic.publish("x")
        assert isinstance(topic.clock, SystemClock)
        assert len(queue.receive_messages(wait_time=1)) == 1


def test_a_function_is_invoked() -> None:
    clock = ManualClock()
    topic, got = Topic("orders", clock=clock), []
    function = Function(lambda event, context: got.append(event["Records"][0]["Sns"]["Message"]), name="f", clock=clock)
    topic.subscribe(function)  # type: ignore[arg-type,unused-ignore]
    topic.publish("2 x tea")

    assert got == ["2 x tea"]
