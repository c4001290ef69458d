"""
Publishing: what is accepted, in which order it is checked, and what a batch does.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom import AttributeValue, BatchOutcome, ManualClock, PostroomError, Published, PublishEntry, Queue, Topic
from postroom.errors import (
    InvalidInput,
    InvalidParameter,
    NotSupported,
    ParameterValueInvalid,
    ResourceClosed,
    TopicBatchEntryIdsNotDistinct,
    TopicBatchRequestTooLong,
    TopicEmptyBatchRequest,
    TopicInvalidBatchEntryId,
    TopicTooManyEntriesInBatchRequest,
    TopicValidationError,
)
from postroom.message import Parcel


def wired(raw: bool = True) -> tuple[Topic, Queue]:
    clock = ManualClock()
    topic, queue = Topic("orders", clock=clock, seed=1), Queue("kitchen", clock=clock)
    topic.subscribe(queue, raw_message_delivery=raw)
    return topic, queue


def bodies(queue: Queue) -> list[str]:
    return [message.body for message in queue.receive_messages(max_messages=10)]


def refused(kind: type[PostroomError], call: Callable[[], object]) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.resource == "orders"
    assert caught.value.operation
    return caught.value.aws_message


def test_every_subscription_gets_it_and_the_publisher_an_id() -> None:
    topic, queue = wired()
    other = Queue("billing", clock=topic.clock)
    topic.subscribe(other, raw_message_delivery=True)

    published = topic.publish("2 x tea")

    assert bodies(queue) == bodies(other) == ["2 x tea"]
    assert published == Published(published.message_id)
    assert len(published.message_id) == 36


def test_without_subscriptions_it_succeeds() -> None:
    topic = Topic("orders", clock=ManualClock())

    assert topic.publish("2 x tea").message_id
    assert topic.stats().published == 1


def test_what_was_published_before_is_not_for_a_new_subscription() -> None:
    topic, _ = wired()
    topic.publish("before")
    late = Queue("late", clock=topic.clock)
    topic.subscribe(late, raw_message_delivery=True)
    topic.publish("after")

    assert bodies(late) == ["after"]


def test_the_same_seed_gives_the_same_ids() -> None:
    one, other = (Topic("orders", clock=ManualClock(), seed=7) for _ in range(2))

    assert one.publish("a") == other.publish("a")
    assert one.publish("a") != Topic("news", clock=ManualClock(), seed=7).publish("a")


@pytest.mark.parametrize("message", [None, 7, b"x", ["x"]])
def test_a_message_is_a_str(message: Any) -> None:
    topic, _ = wired()

    refused(InvalidInput, lambda: topic.publish(message))


@pytest.mark.parametrize("text", ["\ud800", "tea \udfff"])
def test_half_a_character_is_no_text(text: str) -> None:
    topic, _ = wired()

    refused(InvalidInput, lambda: topic.publish(text))
    refused(InvalidInput, lambda: topic.publish("x", subject=text))
    refused(InvalidInput, lambda: topic.publish("x", attributes={"a": text}))
    refused(InvalidInput, lambda: topic.publish("x", attributes={"a": AttributeValue(f"String.{text}", "x")}))


@pytest.mark.parametrize("subject", ["", "x" * 101, "two\nlines", "bell \x07", "next \x85", "line \u2028", "tab\t"])
def test_a_subject_that_is_refused(subject: str) -> None:
    topic, queue = wired()

    assert refused(InvalidParameter, lambda: topic.publish("x", subject=subject)) == "Invalid parameter: Subject"
    assert bodies(queue) == []


@pytest.mark.parametrize("subject", ["x", "x" * 100, "thé \N{SNOWMAN}", " "])
def test_a_subject_that_is_accepted(subject: str) -> None:
    topic, queue = wired(raw=False)

    topic.publish("x", subject=subject)

    assert f'"Subject" : "{subject}"' in bodies(queue)[0]


@pytest.mark.parametrize("letter", ["a", "\N{SNOWMAN}"])
def test_bytes_count_and_not_characters(letter: str) -> None:
    """
    Exactly 262,144 pass; a subject is free.
    """
    topic, _ = wired()
    message = letter * ((262_144 - 12) // len(letter.encode()))
    rest = "." * (262_144 - 12 - len(message.encode()))

    topic.publish(message + rest, attributes={"attr1": 1}, subject="x" * 100)
    text = refused(InvalidParameter, lambda: topic.publish(f"{message}{rest}.", attributes={"attr1": 1}))

    assert text == "Invalid parameter: Message too long"


@pytest.mark.parametrize("size", [262_144, 262_145])
def test_the_limit_holds_for_plain_text(size: int) -> None:
    topic, _ = wired()

    if size > 262_144:
        assert refused(InvalidParameter, lambda: topic.publish("x" * size)) == "Invalid parameter: Message too long"
    else:
        topic.publish("x" * size)


LONG = "x" * 300_000
BAD = {"a^b": "x"}


def test_checks_are_made_in_the_order_of_sns() -> None:
    """
    Subject, message, attributes, size, and then the topic itself (SNS 2.5).
    """
    topic, _ = wired()
    topic.close()

    steps: list[tuple[type[PostroomError], str, dict[str, Any]]] = [
        (InvalidParameter, "Invalid parameter: Subject", {"message": "", "subject": "", "attributes": BAD}),
        (InvalidParameter, "Invalid parameter: Empty message", {"message": "", "attributes": BAD}),
        (ParameterValueInvalid, "Invalid non-alphanumeric", {"message": LONG, "attributes": BAD}),
        (InvalidParameter, "Invalid parameter: Message too long", {"message": LONG}),
        (ResourceClosed, "The topic orders is closed.", {"message": "x"}),
    ]
    for kind, text, arguments in steps:
        assert refused(kind, lambda arguments=arguments: topic.publish(**arguments)).startswith(text)  # type: ignore[misc]


# Attributes.

ATTRIBUTES: list[tuple[dict[str, Any], str]] = [
    ({"a^*?": "x"}, ("Invalid non-alphanumeric character '#x5E' was found in the message attribute name. "
     "Can only include alphanumeric characters, hyphens, underscores, or dots.")),
    ({"thé": "x"}, ("Invalid non-alphanumeric character '#xE9' was found in the message attribute name. "
     "Can only include alphanumeric characters, hyphens, underscores, or dots.")),
    ({".abc": "x"}, "Invalid message attribute name starting with character '.' was found."),
    ({"abc.": "x"}, "Invalid message attribute name ending with character '.' was found."),
    ({"a..bc": "x"}, "Message attribute name can not have successive '.' character."),
    ({"a" * 257: "x"}, "Length of message attribute name must be less than 256 bytes."),
    ({"a": ""}, "The message attribute 'a' must contain non-empty message attribute value for message attribute type 'String'."),
    ({"a": b""}, "The message attribute 'a' must contain non-empty message attribute value for message attribute type 'Binary'."),
    ({"a": AttributeValue("Number.int", "")},
     "The message attribute 'a' must contain non-empty message attribute value for message attribute type 'Number.int'."),
    ({"a": AttributeValue("String", None)},  # type: ignore[arg-type]
     "The message attribute 'a' must contain non-empty message attribute value for message attribute type 'String'."),
    ({"a": AttributeValue("Number", b"x")}, "The message attribute 'a' with type 'Number' must use field 'String'."),
    ({"a": AttributeValue("Binary", "x")}, "The message attribute 'a' with type 'Binary' must use field 'Binary'."),
    ({"a": AttributeValue("Number", "seven")}, "Could not cast message attribute 'a' value to number."),
]  # fmt: skip


@pytest.mark.parametrize(("attributes", "text"), ATTRIBUTES)
@pytest.mark.parametrize("in_batch", [False, True])
def test_an_attribute_that_is_refused(attributes: dict[str, Any], text: str, in_batch: bool) -> None:
    """
    In a batch the whole call is refused (SNS 3).
    """
    topic, queue = wired()
    entries: list[PublishEntry | str] = ["fine", PublishEntry("x", attributes=attributes)]

    call: Callable[[], object] = lambda: topic.publish("x", attributes=attributes)  # noqa: E731
    if in_batch:
        call = lambda: topic.publish_batch(entries)  # noqa: E731

    assert refused(ParameterValueInvalid, call) == text
    assert bodies(queue) == []


@pytest.mark.parametrize("data_type", ["", "String.", "Stringprefixed", "InvalidType", "string", "Number." + "x" * 250])
def test_a_type_that_is_refused(data_type: str) -> None:
    topic, _ = wired()
    text = refused(ParameterValueInvalid, lambda: topic.publish("x", attributes={"a": AttributeValue(data_type, "7")}))

    assert text == (
        "The message attribute 'a' has an invalid message attribute type, "
        "the set of supported type prefixes is Binary, Number, and String."
    )


def test_a_type_that_is_missing_says_where() -> None:
    topic, _ = wired()
    attributes: Any = {"attr1": AttributeValue(None, "x")}  # type: ignore[arg-type]
    rest = "messageAttributes.attr1.member.dataType' failed to satisfy constraint: Member must not be null"

    alone = refused(TopicValidationError, lambda: topic.publish("x", attributes=attributes))
    second = refused(TopicValidationError, lambda: topic.publish_batch(["x", PublishEntry("y", attributes=attributes)]))

    assert alone == f"1 validation error detected: Value null at '{rest}"
    assert second == f"1 validation error detected: Value null at 'publishBatchRequestEntries.2.member.{rest}"


@pytest.mark.parametrize("value", [None, True, ["x"], {}, AttributeValue("String", 7), AttributeValue(7, "x")])  # type: ignore[arg-type]
def test_an_attribute_that_the_api_has_no_place_for(value: Any) -> None:
    topic, _ = wired()

    refused(InvalidInput, lambda: topic.publish("x", attributes={"a": value}))


@pytest.mark.parametrize("attributes", [["a"], "a", 7, {7: "x"}])
def test_attributes_are_a_mapping_of_names(attributes: Any) -> None:
    topic, _ = wired()

    refused(InvalidInput, lambda: topic.publish("x", attributes=attributes))


def test_a_name_is_not_empty() -> None:
    topic, _ = wired()

    refused(ParameterValueInvalid, lambda: topic.publish("x", attributes={"": "x"}))


def test_an_attribute_becomes_what_it_is() -> None:
    topic, queue = wired()
    topic.publish(
        "x",
        attributes={
            "text": "a",
            "count": 7,
            "share": 0.5,
            "exact": Decimal("1.50"),
            "seal": b"\x00",
            "own": AttributeValue("String.  prefixed.", "b"),
        },
    )

    [message] = queue.receive_messages()
    assert dict(message.attributes) == {
        "text": AttributeValue("String", "a"),
        "count": AttributeValue("Number", "7"),
        "share": AttributeValue("Number", "0.5"),
        "exact": AttributeValue("Number", "1.50"),
        "seal": AttributeValue("Binary", b"\x00"),
        "own": AttributeValue("String.  prefixed.", "b"),
    }


@pytest.mark.parametrize("name", ["a" * 256, "AWS.SNS.SMS.SenderID", "Amazon.x", "a.b-c_d", "7"])
def test_a_name_that_is_accepted(name: str) -> None:
    topic, queue = wired(raw=False)

    topic.publish("x", attributes={name: "v"})

    assert f'"{name}"' in bodies(queue)[0]


def test_no_attributes_and_an_empty_mapping_are_the_same() -> None:
    topic, queue = wired(raw=False)

    topic.publish("x", attributes={})

    assert "MessageAttributes" not in bodies(queue)[0]


@given(st.text(min_size=1, max_size=200))
def test_whatever_is_accepted_arrives_as_it_is(text: str) -> None:
    """
    In an envelope; raw, a queue takes what a queue takes.
    """
    import json  # noqa: PLC0415

    topic, queue = wired(raw=False)
    try:
        topic.publish(text)
    except InvalidInput:
        assert any("\ud800" <= character <= "\udfff" for character in text)
    else:
        assert json.loads(bodies(queue)[0])["Message"] == text


# Batches.


def test_a_batch_publishes_in_order_and_reports_in_order() -> None:
    topic, queue = wired()
    outcome = topic.publish_batch(["a", PublishEntry("b", id="second"), "", PublishEntry("d", attributes={"n": 1})])

    assert bodies(queue) == ["a", "b", "d"]
    assert [one.id for one in outcome.successful] == ["0", "second", "3"]
    assert [(one.id, one.code, one.message, one.sender_fault) for one in outcome.failed] == [
        ("2", "InvalidParameter", "Invalid parameter: Empty message", True)
    ]
    assert outcome.failed[0].error.operation == "publish_batch"
    assert all(topic.explain(one.result.message_id).endswith("1 delivered") for one in outcome.successful)


def test_a_batch_without_failures_has_an_empty_list_of_them() -> None:
    topic, _ = wired()
    outcome = topic.publish_batch(["a", "b"])

    assert isinstance(outcome, BatchOutcome)
    assert outcome.failed == []
    assert sorted(outcome.to_dict()["successful"][0]) == ["id", "message_id"]
    outcome.raise_for_failures()


def test_a_bad_subject_fails_alone() -> None:
    topic, queue = wired()
    outcome = topic.publish_batch([PublishEntry("a", subject=""), "b"])

    assert [failure.message for failure in outcome.failed] == ["Invalid parameter: Subject"]
    assert bodies(queue) == ["b"]


WHOLE: list[tuple[type[PostroomError], Any, str]] = [
    (TopicEmptyBatchRequest, [], "The batch request doesn't contain any entries."),
    (TopicTooManyEntriesInBatchRequest, ["x"] * 11, "The batch request contains more entries than permissible."),
    (
        TopicBatchEntryIdsNotDistinct,
        [PublishEntry("x", id="1"), PublishEntry("y", id="1")],
        "Two or more batch entries in the request have the same Id.",
    ),
    (
        TopicInvalidBatchEntryId,
        [PublishEntry("x", id="message.id")],
        "The Id of a batch entry in the batch request contains an impermissible character: message.id",
    ),
    (
        TopicInvalidBatchEntryId,
        [PublishEntry("x", id="a" * 81)],
        f"The Id of a batch entry in the batch request is too long: {'a' * 81}",
    ),
    (
        TopicBatchRequestTooLong,
        ["a" * 131_072, "b" * 131_073],
        "The length of all the messages put together is more than the limit.",
    ),
]


@pytest.mark.parametrize(("kind", "entries", "text"), WHOLE, ids=[text for _, _, text in WHOLE])
def test_what_refuses_a_whole_batch(kind: type[PostroomError], entries: Any, text: str) -> None:
    topic, queue = wired()

    assert refused(kind, lambda: topic.publish_batch(entries)) == text
    assert bodies(queue) == []


@pytest.mark.parametrize("entries", ["x", b"x", 7, None, [7], [b"x"], [PublishEntry(7)], [PublishEntry("x", id=7)]])  # type: ignore[arg-type]
def test_what_is_no_batch(entries: Any) -> None:
    topic, _ = wired()

    refused(InvalidInput, lambda: topic.publish_batch(entries))


def test_the_limit_of_a_batch_is_of_all_entries_together() -> None:
    topic, _ = wired()

    assert len(topic.publish_batch(["a" * 131_072, "b" * 131_072]).successful) == 2
    assert len(topic.publish_batch(["a"] * 10).successful) == 10
    assert (
        len(topic.publish_batch(PublishEntry("x", id=id_) for id_ in ["a" * 80, "valid-message_123"]).successful) == 2
    )


def test_a_closed_topic_takes_nothing() -> None:
    topic, _ = wired()
    topic.close()

    for call in (
        lambda: topic.publish("x"),
        lambda: topic.publish("x", subject="s"),
        lambda: topic.publish_batch(["x"]),
        lambda: topic.deliver(Parcel("x")),
        lambda: topic.subscribe(Queue("q", clock=topic.clock)),
    ):
        refused(ResourceClosed, call)


# As a destination.


def test_a_parcel_is_published() -> None:
    topic, queue = wired()
    told: list[Any] = []
    topic.observe(told.append)

    topic.deliver(Parcel('{"id": "1"}', message_id="its own", cause="an event"))

    assert bodies(queue) == ['{"id": "1"}']
    assert told[0].message_id != "its own"
    assert told[0].details["caused_by"] == ("an event",)


@pytest.mark.parametrize("body", ["", "x" * 262_145])
def test_a_parcel_that_is_no_message_is_refused_for_good(body: str) -> None:
    topic, _ = wired()

    refused(InvalidParameter, lambda: topic.deliver(Parcel(body)))


# What is not there.


@pytest.mark.parametrize(
    "call",
    [
        lambda topic: topic.publish("x", message_structure="json"),
        lambda topic: topic.publish("x", message_group_id="g"),
        lambda topic: topic.publish("x", message_deduplication_id="d"),
        lambda topic: topic.publish("x", phone_number="+15551234567"),
        lambda topic: topic.publish_batch(["x"], message_group_id="g"),
        lambda topic: topic.publish_batch([PublishEntry("x", message_structure="json")]),  # type: ignore[arg-type]
        lambda topic: topic.publish_batch([PublishEntry("x", message_group_id="g")]),  # type: ignore[arg-type]
        lambda topic: topic.subscribe(Queue("q", clock=topic.clock), filter_policy={"a": ["b"]}),
        lambda topic: topic.subscribe(Queue("q", clock=topic.clock), delivery_policy={}),
        lambda topic: topic.subscribe(Queue("q", clock=topic.clock), redrive_policy="{}"),
        lambda topic: Topic("x", fifo_topic=True),  # type: ignore[arg-type]
        lambda topic: Topic("x", display_name="X"),  # type: ignore[arg-type]
        lambda topic: Topic("x", tags={}),  # type: ignore[arg-type]
    ],
)
def test_what_is_not_there_is_refused_by_name(call: Callable[[Topic], object]) -> None:
    topic, queue = wired()

    with pytest.raises(NotSupported, match="is not there"):
        call(topic)
    assert bodies(queue) == []
    assert len(topic.subscriptions) == 1


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda topic: topic.publish("x", message_attributes={}), "did you mean 'attributes'"),
        (lambda topic: topic.publish("x", subjekt="x"), "did you mean 'subject'"),
        (lambda topic: PublishEntry("x", subjekt="x"), "did you mean 'subject'"),  # type: ignore[arg-type]
        (lambda topic: topic.subscribe("x", raw_message_delivry=True), "did you mean 'raw_message_delivery'"),
        (lambda topic: Topic("x", clok=None), "did you mean 'clock'"),  # type: ignore[arg-type]
    ],
)
def test_what_nobody_has_is_a_type_error(call: Callable[[Topic], object], hint: str) -> None:
    topic, _ = wired()

    with pytest.raises(TypeError, match=hint):
        call(topic)


def test_an_entry_is_a_named_tuple() -> None:
    entry = PublishEntry("x", attributes={"a": 1}, id="one")

    assert tuple(entry) == ("x", None, {"a": 1}, "one")
    assert repr(entry) == "PublishEntry(message='x', subject=None, attributes={'a': 1}, id='one')"
    assert type(entry._replace(message="y")) is type(pickle.loads(pickle.dumps(entry))) is PublishEntry
    assert pickle.loads(pickle.dumps(entry)) == copy.copy(entry) == entry
    with pytest.raises(AttributeError):
        entry.message = "y"  # type: ignore[misc]


# Names.


@pytest.mark.parametrize("name", ["", "a" * 257, "test.fifo", "bad name", "bad@name", "x:y", "é", "a;b", "a|b"])
def test_a_name_that_is_refused(name: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        Topic(name)

    assert caught.value.aws_message == "Invalid parameter: Topic Name"


@pytest.mark.parametrize("name", ["a" * 256, "A-b_9", "-", "_"])
def test_a_name_that_is_accepted_for_a_topic(name: str) -> None:
    assert Topic(name, clock=ManualClock()).arn == f"arn:aws:sns:us-east-1:123456789012:{name}"


def test_a_name_is_a_str() -> None:
    with pytest.raises(InvalidInput):
        Topic(7)  # type: ignore[arg-type]
