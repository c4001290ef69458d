"""
What subscribers get, byte for byte.
"""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom import AttributeValue, ManualClock, Queue, Topic
from postroom.message import check_body, md5_of_attributes, to_attributes
from postroom.topic._envelope import Notification, TopicFace, placeholder_signature
from tests.topic.stubs import Box

ARN = "arn:aws:sns:us-east-1:123456789012:MyTopic"
SUBSCRIPTION = f"{ARN}:c9135db0-26c4-47ec-8998-413945fb5a96"
MESSAGE_ID = "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"


def us(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000) * 1_000


def notification(message: str, subject: str | None = None, **attributes: AttributeValue) -> Notification:
    face = TopicFace(ARN, "us-east-1", "0123456789abcdef" * 2, lambda _: "EXAMPLE")
    return Notification(face, MESSAGE_ID, message, us("2024-05-02T00:54:06.655"), subject, attributes)


WHOLE = notification(
    'Hello "world"\n\N{LATIN SMALL LETTER E WITH ACUTE}',
    "My subject",
    store=AttributeValue("String", "a"),
    n=AttributeValue("Number", "1.50"),
    bin=AttributeValue("Binary", b"\x02\x03\x04"),
)


def test_an_envelope_is_laid_out_as_aws_does_it() -> None:
    """
    SNS 8.1: to the byte.
    """
    text = WHOLE.envelope(SUBSCRIPTION).encode()

    assert len(text) == 774
    assert hashlib.md5(text, usedforsecurity=False).hexdigest() == "31c5021fbdc93b3be8f91cc48a3478e7"


def test_what_is_absent_is_left_out() -> None:
    text = notification("Test").envelope(SUBSCRIPTION)

    assert list(json.loads(text)) == [
        "Type", "MessageId", "TopicArn", "Message", "Timestamp", "SignatureVersion", "Signature", "SigningCertURL",
        "UnsubscribeURL",
    ]  # fmt: skip
    assert text.endswith(f'SubscriptionArn={SUBSCRIPTION}"\n}}')


def test_a_functions_event_is_what_lambda_gets() -> None:
    """
    SNS 8.4: other capitals, members that are always there, numbers and arrays as Strings.
    """
    plain = json.loads(notification("Test").event(SUBSCRIPTION))
    whole = json.loads(
        notification(
            "Test", "S", a=AttributeValue("String.Array", "[1]"), n=AttributeValue("Number.x", "7"),
            b=AttributeValue("Binary", b"\x02"), s=AttributeValue("String.own", "s"),
        ).event(SUBSCRIPTION)
    )  # fmt: skip

    host = "https://sns.us-east-1.amazonaws.com"
    assert plain == {
        "Records": [
            {
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": SUBSCRIPTION,
                "Sns": {
                    "Type": "Notification",
                    "MessageId": MESSAGE_ID,
                    "TopicArn": ARN,
                    "Subject": None,
                    "Message": "Test",
                    "Timestamp": "2024-05-02T00:54:06.655Z",
                    "SignatureVersion": "1",
                    "Signature": "EXAMPLE",
                    "SigningCertUrl": f"{host}/SimpleNotificationService-{'0123456789abcdef' * 2}.pem",
                    "UnsubscribeUrl": f"{host}/?Action=Unsubscribe&SubscriptionArn={SUBSCRIPTION}",
                    "MessageAttributes": {},
                },
            }
        ]
    }
    sns = whole["Records"][0]["Sns"]
    assert list(sns) == list(plain["Records"][0]["Sns"])
    assert sns["Subject"] == "S"
    assert sns["MessageAttributes"] == {
        "a": {"Type": "String", "Value": "[1]"},
        "n": {"Type": "String", "Value": "7"},
        "b": {"Type": "Binary", "Value": "Ag=="},
        "s": {"Type": "String.own", "Value": "s"},
    }


def test_a_delivery_stream_gets_a_line_without_signatures() -> None:
    """
    SNS 8.6.
    """
    line = WHOLE.record(SUBSCRIPTION)

    assert line.endswith("}\n")
    assert "\n" not in line[:-1]
    assert list(json.loads(line)) == [
        "Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "UnsubscribeURL", "MessageAttributes",
    ]  # fmt: skip
    assert " : " not in line
    assert list(json.loads(notification("x").record("S"))) == [
        "Type", "MessageId", "TopicArn", "Message", "Timestamp", "UnsubscribeURL",
    ]  # fmt: skip
    assert WHOLE.raw_record() == f"{WHOLE.message}\n"


@pytest.mark.parametrize(
    ("subject", "size", "sha"),
    [
        ("My subject", 215, "48aeb4d4a966dfdca5b8801a3d6f8d2c90327e9e025319afc907bd1fb99c4d1e"),
        (None, 127, "95556d5bec453703f59a8a04590a8cc8f770573a20491eb75e29fd248533e931"),
    ],
)
def test_the_string_to_sign(subject: str | None, size: int, sha: str) -> None:
    """
    SNS 9.1.
    """
    if subject is None:
        one = Notification(TopicFace(ARN, "us-east-1"), "i", "m", us("2024-05-02T00:54:06.655"))
    else:
        arn = "arn:aws:sns:us-east-2:123456789012:s4-MySNSTopic-1G1WEFCOXTC0P"
        id_ = "4d4dc071-ddbf-465d-bba8-08f81c89da64"
        at = us("2019-01-31T04:37:04.321")
        one = Notification(TopicFace(arn, "us-east-2"), id_, "My Test Message", at, subject)

    assert len(one.string_to_sign()) == size
    assert hashlib.sha256(one.string_to_sign()).hexdigest() == sha


def test_the_signature_is_a_placeholder_of_the_right_form() -> None:
    """
    The same for the same message, and as long as one of a key of 2048 bits (SNS 9.3).
    """
    one = placeholder_signature(b"x")

    assert len(base64.b64decode(one, validate=True)) == 256
    assert one == placeholder_signature(b"x") != placeholder_signature(b"y")


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        ("2024-01-01T00:00:00", "2024-01-01T00:00:00.000Z"),
        ("2024-01-01T00:00:00.001", "2024-01-01T00:00:00.001Z"),
        ("2024-12-31T23:59:59.999", "2024-12-31T23:59:59.999Z"),
    ],
)
def test_a_timestamp_has_three_decimals(at: str, shown: str) -> None:
    assert Notification(TopicFace(ARN, "us-east-1"), "i", "m", us(at)).timestamp() == shown
    assert Notification(TopicFace(ARN, "us-east-1"), "i", "m", us(at) + 999).timestamp() == shown


# A query's characters: XML's, and everything else a str can hold but surrogates.
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50)
names = st.text("abcXYZ019_-", min_size=1, max_size=10)
values = st.one_of(
    texts.map(lambda text: AttributeValue("String", text)),
    st.integers().map(lambda number: AttributeValue("Number", str(number))),
    st.binary(min_size=1, max_size=20).map(lambda data: AttributeValue("Binary", data)),
    texts.map(lambda text: AttributeValue(f"String.{text}", text)),
)


@given(texts, st.none() | texts, st.dictionaries(names, values, max_size=3))
def test_every_form_is_json_that_says_what_was_published(
    message: str, subject: str | None, attributes: dict[str, AttributeValue]
) -> None:
    one = notification(message, subject, **attributes)
    shown = {
        name: {"Type": data_type, "Value": base64.b64encode(value).decode() if isinstance(value, bytes) else value}
        for name, (data_type, value) in attributes.items()
    }

    envelope: dict[str, Any] = json.loads(one.envelope(SUBSCRIPTION))
    line: dict[str, Any] = json.loads(one.record(SUBSCRIPTION))
    event: dict[str, Any] = json.loads(one.event(SUBSCRIPTION))["Records"][0]["Sns"]

    for form in (envelope, line):
        assert form["Message"] == message
        assert form.get("Subject") == subject
        assert form.get("MessageAttributes", {}) == shown
    assert (event["Message"], event["Subject"]) == (message, subject)
    assert {name: held["Value"] for name, held in event["MessageAttributes"].items()} == {
        name: held["Value"] for name, held in shown.items()
    }
    check_body(one.envelope(SUBSCRIPTION))  # a queue takes it whatever is in it


# Through a topic.


def test_a_form_is_made_once_for_all_subscriptions_of_it() -> None:
    clock = ManualClock()
    topic = Topic("orders", clock=clock)
    raw, enveloped = [Box(f"raw-{n}") for n in range(3)], [Box(f"env-{n}") for n in range(3)]
    for box in raw:
        topic.subscribe(box, raw_message_delivery=True)
    subscriptions = [topic.subscribe(box) for box in enveloped]
    topic.publish("2 x tea", attributes={"table": 7})

    assert len({id(box.parcels[0]) for box in raw}) == 1
    ends = [
        box.bodies[0].split(subscription.arn)[0] for box, subscription in zip(enveloped, subscriptions, strict=True)
    ]
    assert len(set(ends)) == 1
    assert [subscription.arn in box.bodies[0] for box, subscription in zip(enveloped, subscriptions, strict=True)] == [
        True
    ] * 3


@pytest.mark.parametrize(
    ("attributes", "digest"),
    [
        ({"attr1": AttributeValue("Number", "19.12")}, "1f07082409022a373fa2a2601f82b3cb"),
        ({"attr1": AttributeValue("Number", "99.12")}, "d302007e9aa062660afc85fd0a482472"),
        (
            {"attr1": AttributeValue("Number", "99.12"), "attr2": AttributeValue("Number", "109.12")},
            "9b720b3af309c1c4b0d395c53b08c502",
        ),
    ],
)
def test_raw_attributes_are_the_queues_own(attributes: dict[str, AttributeValue], digest: str) -> None:
    """
    SNS 8.3.
    """
    clock = ManualClock()
    topic, queue = Topic("orders", clock=clock), Queue("kitchen", clock=clock)
    topic.subscribe(queue, raw_message_delivery=True)
    topic.publish("x", subject="lost", attributes=attributes)

    [message] = queue.receive_messages()
    assert (message.body, message.attributes) == ("x", attributes)
    assert md5_of_attributes(to_attributes(message.attributes)) == digest


def test_an_enveloped_message_has_no_attributes_of_the_queue_and_an_id_of_its_own() -> None:
    """
    SNS 8.1, 8.2.
    """
    clock = ManualClock()
    topic, queue = Topic("orders", clock=clock), Queue("kitchen", clock=clock)
    topic.subscribe(queue)
    published = topic.publish("x", attributes={"a": 1})

    [message] = queue.receive_messages()
    assert message.attributes == {}
    assert json.loads(message.body)["MessageId"] == published.message_id != message.message_id
    assert json.loads(message.body)["TopicArn"] == topic.arn
    assert json.loads(message.body)["Timestamp"] == "2024-01-01T00:00:00.000Z"


def test_a_function_gets_the_event_whatever_raw_says() -> None:
    topic, box = Topic("orders", clock=ManualClock()), Box("cook", kind="function")
    subscription = topic.subscribe(box, raw_message_delivery=True)
    published = topic.publish("x")

    assert subscription.protocol == "lambda"
    assert (subscription.raw_message_delivery, subscription.form) == (True, "event")
    assert repr(subscription) == "<Subscription function cook to topic orders: event, 1 delivered>"
    assert topic.wires()[0].label == "event"
    record = json.loads(box.bodies[0])["Records"][0]
    assert record["EventSubscriptionArn"] == subscription.arn
    assert record["Sns"]["MessageId"] == published.message_id == box.parcels[0].cause


@pytest.mark.parametrize("raw", [True, False])
def test_a_delivery_stream_gets_lines(raw: bool) -> None:
    topic, box = Topic("orders", clock=ManualClock()), Box("archive", kind="delivery stream")
    subscription = topic.subscribe(box, raw_message_delivery=raw)
    topic.publish("x")

    assert subscription.protocol == "firehose"
    assert box.bodies == ["x\n"] if raw else json.loads(box.bodies[0])["Message"] == "x"
