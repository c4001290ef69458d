"""
The checks of a queue's arguments: both sides of every limit, AWS's texts word by word, and the queue's own numbers in them.
"""

from __future__ import annotations

import string
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom import AttributeValue, ManualClock, Queue
from postroom.errors import (
    InvalidAttributeValue,
    InvalidInput,
    InvalidMessageContents,
    InvalidParameterValue,
    MissingParameter,
    PostroomError,
)
from postroom.message import Parcel, attributes_size
from postroom.observe import Standalone
from postroom.queue import _checks as checks
from postroom.queue._limits import Limits

S = 1_000_000
RELAXED = Limits.relaxed()
NOT_OF_THIS_TYPE = "The request include parameter that is not valid for this queue type."
IDS = [
    (checks.check_group_id, "MessageGroupId", "group_id_length"),
    (checks.check_deduplication_id, "MessageDeduplicationId", "deduplication_id_length"),
    (checks.check_attempt_id, "ReceiveRequestAttemptId", "attempt_id_length"),
]

each_id = pytest.mark.parametrize(("check", "aws_name", "limit"), IDS)


def text_of(kind: type[PostroomError], call: Any, *given: Any, **named: Any) -> str:
    """
    AWS's text of the error that a call ends in; there is help beside it in any case.
    """
    with pytest.raises(kind) as caught:
        call(*given, **named)
    assert type(caught.value) is kind
    assert caught.value.help
    return caught.value.aws_message


# The ids of groups, duplicates and attempts (SQS 6.3).


@each_id
@pytest.mark.parametrize("good", ["a", "tenant-7", string.ascii_letters, string.digits, string.punctuation, 128 * "x"])
def test_an_id_has_letters_digits_and_punctuation(check: Any, aws_name: str, limit: str, good: str) -> None:
    assert check(good) is good


@each_id
@pytest.mark.parametrize("bad", ["", 129 * "x", "a b", " ", "a\n", "\n", "é", "a\x00", "\x7f", "\ud800", "a\u0661"])
def test_a_bad_id_is_refused_in_the_words_of_sqs(check: Any, aws_name: str, limit: str, bad: str) -> None:
    assert text_of(InvalidParameterValue, check, bad) == (
        f"Value {bad} for parameter {aws_name} is invalid. "
        f"Reason: {aws_name} can only include alphanumeric and punctuation characters. 1 to 128 in length."
    )


@each_id
@pytest.mark.parametrize("bad", [7, b"a", True, ["a"], object()])
def test_an_id_is_text(check: Any, aws_name: str, limit: str, bad: Any) -> None:
    assert text_of(InvalidInput, check, bad).endswith("must be a str.")


@each_id
def test_the_length_of_an_id_is_the_queues(check: Any, aws_name: str, limit: str) -> None:
    limits = Limits(**{limit: 5})

    assert check("12345", limits=limits) == "12345"
    assert text_of(InvalidParameterValue, check, "123456", limits=limits).endswith("1 to 5 in length.")
    assert check(1_024 * "x", limits=RELAXED) == 1_024 * "x"


@each_id
@pytest.mark.parametrize(
    ("bad", "help"), [("", "is empty"), (200 * " ", "has 200 characters"), ("ab cd", "has ' ' at index 2")]
)
def test_a_bad_id_is_told_what_is_wrong_with_it(check: Any, aws_name: str, limit: str, bad: str, help: str) -> None:
    with pytest.raises(InvalidParameterValue) as caught:
        check(bad)

    assert help in caught.value.help


@given(st.text(max_size=140) | st.text(string.punctuation + string.ascii_letters, max_size=140))
def test_an_id_is_good_if_and_only_if_it_is_1_to_128_visible_characters_of_ascii(value: str) -> None:
    good = 1 <= len(value) <= 128 and all("!" <= character <= "~" for character in value)
    try:
        found = checks.check_group_id(value)
    except InvalidParameterValue:
        assert not good
    else:
        assert good
        assert found == value


def test_a_message_without_group_is_refused_with_one_code_alone_and_another_in_a_batch() -> None:
    text = "The request must contain the parameter MessageGroupId."

    assert text_of(MissingParameter, checks.check_group_id, None) == text
    alone, in_batch = checks.refuse_no_group_id(in_batch=False), checks.refuse_no_group_id(in_batch=True)
    assert (type(alone), alone.code, alone.aws_message) == (MissingParameter, "MissingParameter", text)
    assert (type(in_batch), in_batch.code, in_batch.aws_message) == (
        InvalidParameterValue,
        "InvalidParameterValue",
        text,
    )


def test_a_message_that_cannot_be_known_again_is_refused_in_the_words_of_sqs() -> None:
    error = checks.refuse_no_deduplication_id()

    assert error.code == "InvalidParameterValue"
    assert error.aws_message == (
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    )
    assert "content_based_deduplication" in error.help


@pytest.mark.parametrize(
    ("refuse", "aws_name"),
    [
        (checks.refuse_deduplication_id, "MessageDeduplicationId"),
        (checks.refuse_attempt_id, "ReceiveRequestAttemptId"),
    ],
)
def test_a_standard_queue_refuses_the_ids_of_fifo_queues(refuse: Any, aws_name: str) -> None:
    error = refuse("abc")

    assert error.code == "InvalidParameterValue"
    assert error.aws_message == f"Value abc for parameter {aws_name} is invalid. Reason: {NOT_OF_THIS_TYPE}"
    assert "FifoQueue" in error.help


# The delay of a message in a FIFO queue (SQS 3.2).


@pytest.mark.parametrize("nothing", [0, 0.0, timedelta(0)])
def test_a_fifo_message_may_have_a_delay_of_nothing(nothing: Any) -> None:
    assert checks.check_fifo_delay(nothing) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize(
    ("delay", "shown"), [(5, "5"), (0.000_001, "1e-06"), (901, "901"), (-1, "-1"), (timedelta(seconds=5), "5")]
)
def test_a_fifo_message_has_no_other_delay(delay: Any, shown: str) -> None:
    assert text_of(InvalidParameterValue, checks.check_fifo_delay, delay) == (
        f"Value {shown} for parameter DelaySeconds is invalid. Reason: {NOT_OF_THIS_TYPE}"
    )


def test_a_fifo_delay_is_a_duration() -> None:
    assert "is no time" in text_of(InvalidInput, checks.check_fifo_delay, "5")


# System attributes (SQS 5.2).


@pytest.mark.parametrize("value", ["Root=1-5759e988", AttributeValue("String", "Root=1-5759e988")])
def test_a_trace_header_is_a_string(value: Any) -> None:
    assert checks.check_system_attributes({"AWSTraceHeader": value}) == "Root=1-5759e988"
    assert checks.check_trace_header(value) == "Root=1-5759e988"


@pytest.mark.parametrize("nothing", [None, {}])
def test_a_message_need_not_have_system_attributes(nothing: Any) -> None:
    assert checks.check_system_attributes(nothing) is None


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("SenderId", {"SenderId": "me"}),
        ("awstraceheader", {"AWSTraceHeader": "x", "awstraceheader": "x"}),
        ("", {"": "x"}),
    ],
)
def test_there_is_no_other_system_attribute(name: str, given: Any) -> None:
    assert text_of(InvalidParameterValue, checks.check_system_attributes, given) == (
        f"The name of message (system) attribute '{name}' is invalid. "
        "You must use only the following supported names: AWSTraceHeader."
    )


@pytest.mark.parametrize(
    "value",
    [
        AttributeValue("String.trace", "x"),
        AttributeValue("Number", "1"),
        AttributeValue("Binary", b"x"),
        AttributeValue("", "x"),
        7,
        1.5,
        b"x",
    ],
)
def test_a_trace_header_of_another_type_is_refused(value: Any) -> None:
    assert text_of(InvalidParameterValue, checks.check_trace_header, value) == (
        "The type of message (system) attribute 'AWSTraceHeader' is invalid. "
        "You must use only the following supported types: String."
    )


@pytest.mark.parametrize("value", ["", AttributeValue("String", ""), AttributeValue("String", b"x")])
def test_a_trace_header_says_something(value: Any) -> None:
    assert text_of(InvalidParameterValue, checks.check_trace_header, value) == (
        "Message (system) attribute 'AWSTraceHeader' must contain a non-empty value of type 'String'."
    )


@pytest.mark.parametrize("value", ["a\x00", "\ud800", "\uffff"])
def test_a_trace_header_has_the_characters_of_a_value(value: str) -> None:
    assert text_of(InvalidParameterValue, checks.check_trace_header, value).startswith("Invalid characters found.")


@pytest.mark.parametrize(
    "given", [["AWSTraceHeader"], "AWSTraceHeader", {7: "x"}, {"AWSTraceHeader": None}, {"AWSTraceHeader": True}]
)
def test_system_attributes_are_names_with_values(given: Any) -> None:
    assert text_of(InvalidInput, checks.check_system_attributes, given)


# Spans of single calls.


SPANS: list[tuple[Any, str, str, int, str]] = [
    (checks.delay_us, "DelaySeconds", "delay", 900, "DelaySeconds must be >= 0 and <= {}."),
    (checks.wait_us, "WaitTimeSeconds", "wait_time", 20, "Must be >= 0 and <= {}, if provided."),
    (
        lambda given, **named: checks.visibility_us(given, "timeout", **named),
        "VisibilityTimeout",
        "visibility_timeout",
        43_200,
        "Must be between 0 and {}, if provided.",
    ),
]
each_span = pytest.mark.parametrize(("check", "aws_name", "limit", "most", "reason"), SPANS)


@each_span
def test_a_span_reaches_from_0_to_aws_limit(check: Any, aws_name: str, limit: str, most: int, reason: str) -> None:
    assert (check(0), check(most), check(timedelta(seconds=most))) == (0, most * S, most * S)
    for given_, shown in [(-1, "-1"), (most + 1, str(most + 1)), (most + 0.5, f"{most}.5")]:
        assert text_of(InvalidParameterValue, check, given_) == (
            f"Value {shown} for parameter {aws_name} is invalid. Reason: {reason.format(most)}"
        )
    above = text_of(InvalidParameterValue, check, timedelta(seconds=most, microseconds=1))
    assert above.startswith(f"Value {most}.000001 for parameter {aws_name}")


@each_span
def test_a_span_reaches_to_the_limit_of_the_queue(
    check: Any, aws_name: str, limit: str, most: int, reason: str
) -> None:
    cases: list[tuple[Any, str]] = [(1_800, "1800"), (2.5, "2.5"), (0, "0")]
    for own, shown in cases:
        limits = Limits(**{limit: own})

        assert check(own, limits=limits) == round(own * S)
        text = text_of(InvalidParameterValue, check, own + 0.000_001, limits=limits)
        assert text.endswith(f"Reason: {reason.format(shown)}")
    assert check(365 * 86_400, limits=RELAXED) == 365 * 86_400 * S


@each_span
def test_a_refused_span_is_told_what_is_allowed(check: Any, aws_name: str, limit: str, most: int, reason: str) -> None:
    with pytest.raises(InvalidParameterValue) as caught:
        check(7_200, limits=Limits(**{limit: 3_600}))

    assert "expected 0 to 3600 seconds (01:00:00)" in caught.value.help


@each_span
@pytest.mark.parametrize("bad", ["5", None, True, float("nan")])
def test_a_span_is_a_duration(check: Any, aws_name: str, limit: str, most: int, reason: str, bad: Any) -> None:
    assert text_of(InvalidInput, check, bad)


@pytest.mark.parametrize(("limits", "most"), [(Limits(), 43_200), (Limits(visibility_timeout=60), 60)])
def test_all_that_one_receive_hides_is_counted_together(limits: Limits, most: int) -> None:
    checks.check_total_hidden(most - 5, (most - 5) * S, 5 * S, limits=limits)

    assert text_of(InvalidParameterValue, checks.check_total_hidden, most, most * S, 1, limits=limits) == (
        f"Value {most} for parameter VisibilityTimeout is invalid. "
        f"Reason: Total VisibilityTimeout for the message is beyond the limit [{most} seconds]"
    )


# How many.


@pytest.mark.parametrize(("limits", "most"), [(Limits(), 10), (Limits(max_messages=3), 3), (RELAXED, 1_000)])
def test_a_receive_may_ask_for_as_many_messages_as_the_queue_allows(limits: Limits, most: int) -> None:
    assert checks.check_max_messages(1, limits=limits) == 1
    assert checks.check_max_messages(most, limits=limits) == most
    for bad in (0, -1, most + 1):
        assert text_of(InvalidParameterValue, checks.check_max_messages, bad, limits=limits) == (
            f"Value {bad} for parameter MaxNumberOfMessages is invalid. "
            f"Reason: Must be between 1 and {most}, if provided."
        )
    assert text_of(InvalidInput, checks.check_max_messages, "1", limits=limits)
    assert text_of(InvalidInput, checks.check_max_messages, True, limits=limits)


@pytest.mark.parametrize(("limits", "count"), [(Limits(), "120,000"), (Limits(in_flight=7), "7")])
def test_too_many_messages_in_flight_are_refused_in_the_words_of_sqs(limits: Limits, count: str) -> None:
    error = checks.refuse_over_limit("receive_messages", "orders", limits=limits)

    assert (error.code, error.operation, error.resource) == ("OverLimit", "receive_messages", "orders")
    assert error.aws_message == (
        "Too many messages have been received without being deleted. "
        "Please delete your received messages or let them timeout before receiving more."
    )
    assert error.help.startswith(count)


# Sizes.


@pytest.mark.parametrize(
    ("limits", "low", "high"),
    [(Limits(), 1_024, 1_048_576), (Limits(message_size_min=1, message_size=5), 1, 5), (RELAXED, 1, 67_108_864)],
)
def test_the_largest_message_may_be_set_within_the_limits_of_the_queue(limits: Limits, low: int, high: int) -> None:
    assert checks.check_max_size(low, limits=limits) == low
    assert checks.check_max_size(high, limits=limits) == high
    for bad in (low - 1, high + 1):
        assert text_of(InvalidAttributeValue, checks.check_max_size, bad, limits=limits) == (
            "Invalid value for the parameter MaximumMessageSize."
        )
    for wrong in (True, "1024", 1_024.0, None):
        assert text_of(InvalidInput, checks.check_max_size, wrong, limits=limits)


@pytest.mark.parametrize(
    ("in_batch", "start"),
    [(False, "One or more parameters are invalid."), (True, "One or more parameters cannot be validated.")],
)
def test_a_message_may_be_just_as_large_as_the_queue_says(in_batch: bool, start: str) -> None:
    assert checks.check_send("é" * 10, None, None, 20, in_batch=in_batch) == ({}, None, 20)
    text = text_of(InvalidParameterValue, checks.check_send, "é" * 10, None, None, 19, in_batch=in_batch)

    assert text == f"{start} Reason: Message must be shorter than 19 bytes."


@pytest.mark.parametrize(("limits", "most"), [(Limits(), 1_048_576), (Limits(batch_size=100), 100)])
def test_entries_that_are_too_large_together_are_told_how_large_they_may_be(limits: Limits, most: int) -> None:
    error = checks.refuse_total(most + 1, "send_message_batch", "orders", limits=limits)

    assert error.code == "AWS.SimpleQueueService.BatchRequestTooLong"
    assert error.aws_message == f"Batch requests cannot be longer than {most} bytes. You have sent {most + 1} bytes."


def test_a_send_has_a_delay_within_the_limits_of_the_queue() -> None:
    limits = Limits(delay=3_600)

    assert checks.check_send("tea", 3_600, None, 100, in_batch=False, limits=limits)[1] == 3_600 * S
    text = text_of(InvalidParameterValue, checks.check_send, "tea", 3_601, None, 100, in_batch=False, limits=limits)
    assert text.endswith("DelaySeconds must be >= 0 and <= 3600.")


@pytest.mark.parametrize(("body", "kind"), [("", MissingParameter), ("\x00", InvalidMessageContents)])
def test_a_send_is_refused_for_its_body_before_anything_else(body: str, kind: type[PostroomError]) -> None:
    assert text_of(kind, checks.check_send, body, -1, {"": ""}, 0, in_batch=False)


@pytest.mark.parametrize(("limits", "most"), [(Limits(), 10), (Limits(message_attributes=3), 3), (RELAXED, 100)])
def test_a_message_has_as_many_attributes_as_the_queue_allows(limits: Limits, most: int) -> None:
    attributes: Any = {f"a{number}": number for number in range(most + 1)}
    fewer = dict(list(attributes.items())[:most])
    stored, _, size = checks.check_send("tea", None, fewer, 10_000, in_batch=False, limits=limits)

    assert list(stored.items()) == [(name, AttributeValue("Number", str(value))) for name, value in fewer.items()]
    assert size == 3 + attributes_size(stored) == checks.size_of("tea", fewer, limits=limits)
    assert hash(stored) == hash(checks.check_send("tea", None, stored, 10_000, in_batch=False, limits=limits)[0])
    text = text_of(
        InvalidParameterValue, checks.check_send, "tea", None, attributes, 10_000, in_batch=False, limits=limits
    )
    assert text == f"Number of message attributes [{most + 1}] exceeds the allowed maximum [{most}]."


def test_a_message_may_be_allowed_no_attributes_at_all() -> None:
    limits = Limits(message_attributes=0)

    assert checks.check_send("tea", None, {}, 100, in_batch=False, limits=limits)[0] == {}
    text = text_of(InvalidParameterValue, checks.check_send, "tea", None, {"a": 1}, 100, in_batch=False, limits=limits)
    assert text == "Number of message attributes [1] exceeds the allowed maximum [0]."


@pytest.mark.parametrize("limits", [Limits(), RELAXED])
@pytest.mark.parametrize(
    ("bad", "kind"), [({f"a{n}": n for n in range(10)} | {"a..b": 1}, InvalidParameterValue), ([1], InvalidInput)]
)
def test_attributes_are_looked_at_however_many_there_may_be(
    limits: Limits, bad: Any, kind: type[PostroomError]
) -> None:
    assert text_of(kind, checks.check_send, "tea", None, bad, 10_000, in_batch=False, limits=limits)


def test_bodies_that_are_plain_are_sized_at_once() -> None:
    assert checks.plain_size(["tea", "cake"], 4) == 7
    assert checks.plain_size(10 * ["tea"], 4) == 30
    assert checks.plain_size(3 * ["tea"], 4, limits=Limits(batch_entries=3)) == 9


@pytest.mark.parametrize(
    ("entries", "limits"),
    [
        (["tea", "cakes"], Limits()),
        (["tea", ""], Limits()),
        (["thé"], Limits()),
        (["a\n"], Limits()),
        (["tea", 7], Limits()),
        (("tea",), Limits()),
        ("tea", Limits()),
        ([], Limits()),
        (11 * ["tea"], Limits()),
        (11 * ["tea"], RELAXED),
        (4 * ["tea"], Limits(batch_entries=3)),
    ],
)
def test_any_others_have_to_be_looked_at(entries: Any, limits: Limits) -> None:
    assert checks.plain_size(entries, 4, limits=limits) == 0


# Attributes of queues (SQS 1).


@pytest.mark.parametrize(("low", "high"), [(60, 1_209_600), (0, 20), (0.5, 2.5)])
def test_an_attribute_that_is_a_span_lies_within_its_limits(low: float, high: float) -> None:
    low_us, high_us = round(low * S), round(high * S)

    assert checks.attribute_us("retention", "MessageRetentionPeriod", low, low_us, high_us) == low_us
    assert checks.attribute_us("retention", "MessageRetentionPeriod", high, low_us, high_us) == high_us
    for bad_us in (low_us - 1, high_us + 1):
        with pytest.raises(InvalidAttributeValue) as caught:
            checks.attribute_us("retention", "MessageRetentionPeriod", bad_us / S, low_us, high_us)
        assert caught.value.aws_message == "Invalid value for the parameter MessageRetentionPeriod."
        assert caught.value.help.endswith(f"expected {low} to {high} seconds.")


@pytest.mark.parametrize("value", [True, False])
def test_content_based_deduplication_is_on_or_off(value: bool) -> None:
    assert checks.check_content_based(value) is value


@pytest.mark.parametrize("bad", ["true", 1, None, 0])
def test_content_based_deduplication_is_nothing_between(bad: Any) -> None:
    assert "content_based_deduplication" in text_of(InvalidInput, checks.check_content_based, bad)


@pytest.mark.parametrize(
    ("scope", "limit"), [("queue", "perQueue"), ("messageGroup", "perQueue"), ("messageGroup", "perMessageGroupId")]
)
def test_a_throughput_limit_goes_with_a_scope(scope: str, limit: str) -> None:
    assert checks.check_deduplication_scope(scope) == scope
    assert checks.check_throughput_limit(scope, limit) == limit


def test_a_throughput_limit_by_group_needs_deduplication_by_group() -> None:
    with pytest.raises(InvalidAttributeValue) as caught:
        checks.check_throughput_limit("queue", "perMessageGroupId")

    assert caught.value.aws_message == "Invalid value for the parameter FifoThroughputLimit."
    assert "deduplication_scope='messageGroup'" in caught.value.help


@pytest.mark.parametrize(
    ("scope", "limit", "aws_name"),
    [
        ("group", "perQueue", "DeduplicationScope"),
        ("MessageGroup", "perQueue", "DeduplicationScope"),
        ("", "perQueue", "DeduplicationScope"),
        ("queue", "perGroup", "FifoThroughputLimit"),
        ("group", "perGroup", "DeduplicationScope"),
    ],
)
def test_scopes_and_throughput_limits_are_one_of_two(scope: str, limit: str, aws_name: str) -> None:
    assert text_of(InvalidAttributeValue, checks.check_throughput_limit, scope, limit) == (
        f"Invalid value for the parameter {aws_name}."
    )


@pytest.mark.parametrize(
    ("scope", "limit"), [(None, "perQueue"), ("queue", None), (["queue"], "perQueue"), ("queue", 1)]
)
def test_scopes_and_throughput_limits_are_text(scope: Any, limit: Any) -> None:
    assert text_of(InvalidInput, checks.check_throughput_limit, scope, limit).endswith("is no str.")


# Dead letters (SQS 7.1, 7.3).


@pytest.mark.parametrize(
    ("limits", "most"), [(Limits(), 1_000), (Limits(max_receive_count=5), 5), (RELAXED, 1_000_000)]
)
def test_a_message_may_be_received_as_often_as_the_queue_allows(limits: Limits, most: int) -> None:
    home = Standalone(ManualClock())
    dead = Queue("dead", clock=home.clock)

    assert checks.check_redrive(dead, 1, "queue", home, limits=limits) == 1
    assert checks.check_redrive(dead, most, "queue", home, limits=limits) == most
    for bad in (0, most + 1):
        text = text_of(InvalidParameterValue, checks.check_redrive, dead, bad, "queue", home, limits=limits)
        assert text == (
            f'Value {{"deadLetterTargetArn": "{dead.arn}", "maxReceiveCount": {bad}}} for parameter RedrivePolicy is '
            f"invalid. Reason: Invalid value for maxReceiveCount: {bad}, valid values are from 1 to {most} both inclusive."
        )


def test_both_halves_of_a_dead_letter_setting_are_given_or_none() -> None:
    home = Standalone(ManualClock())
    dead = Queue("dead", clock=home.clock)
    reason = "Reason: Redrive policy does not contain mandatory attribute: {}."

    assert checks.check_redrive(None, None, "queue", home) is None
    no_queue = text_of(InvalidParameterValue, checks.check_redrive, None, 3, "queue", home)
    assert no_queue == (
        'Value {"maxReceiveCount": 3} for parameter RedrivePolicy is invalid. ' + reason.format("deadLetterTargetArn")
    )
    no_count = text_of(InvalidParameterValue, checks.check_redrive, dead, None, "queue", home)
    assert no_count.endswith(reason.format("maxReceiveCount"))


def test_a_dead_letter_queue_is_of_the_same_kind_at_the_same_place_and_open() -> None:
    home = Standalone(ManualClock())
    dead = Queue("dead", clock=home.clock)
    abroad = Standalone(home.clock, region_name="eu-west-1")

    of_kind = text_of(InvalidParameterValue, checks.check_redrive, dead, 3, "fifo queue", home)
    assert of_kind.endswith("Reason: Dead-letter queue must be same type of queue as the source.")
    elsewhere = text_of(InvalidParameterValue, checks.check_redrive, dead, 3, "queue", abroad)
    assert elsewhere.endswith("Reason: Dead letter target does not exist.")
    dead.close()
    closed = text_of(InvalidParameterValue, checks.check_redrive, dead, 3, "queue", home)
    assert closed.endswith("Reason: Dead letter target does not exist.")


@pytest.mark.parametrize("bad", ["dead", 7, object()])
def test_a_dead_letter_queue_is_a_queue(bad: Any) -> None:
    assert "is no queue" in text_of(InvalidInput, checks.check_redrive, bad, 3, "queue", Standalone(ManualClock()))


def test_a_dead_letter_queue_lives_by_the_same_clock() -> None:
    dead = Queue("dead", clock=ManualClock())

    text = text_of(InvalidInput, checks.check_redrive, dead, 3, "queue", Standalone(ManualClock()))
    assert text == "The dead-letter queue dead lives by a different clock."


@pytest.mark.parametrize("bad", [True, "3", 3.0])
def test_a_receive_count_is_a_number(bad: Any) -> None:
    home = Standalone(ManualClock())
    dead = Queue("dead", clock=home.clock)

    assert "is no number" in text_of(InvalidInput, checks.check_redrive, dead, bad, "queue", home)


ARNS = [f"arn:aws:sqs:us-east-1:123456789012:q{number}" for number in range(1_001)]


@pytest.mark.parametrize("permission", ["allowAll", "denyAll"])
@pytest.mark.parametrize("nothing", [None, [], ()])
def test_all_or_none_may_be_allowed_without_naming_queues(permission: str, nothing: Any) -> None:
    assert checks.check_redrive_allow(permission, nothing) == (permission, ())


@pytest.mark.parametrize(("limits", "most"), [(Limits(), 10), (Limits(redrive_sources=3), 3), (RELAXED, 1_000)])
def test_as_many_queues_may_be_named_as_the_queue_allows(limits: Limits, most: int) -> None:
    assert checks.check_redrive_allow("byQueue", ARNS[:1], limits=limits) == ("byQueue", tuple(ARNS[:1]))
    assert checks.check_redrive_allow("byQueue", iter(ARNS[:most]), limits=limits)[1] == tuple(ARNS[:most])
    for count in (0, most + 1):
        text = text_of(InvalidParameterValue, checks.check_redrive_allow, "byQueue", ARNS[:count], limits=limits)
        assert text.endswith(
            f"for parameter RedriveAllowPolicy is invalid. "
            f"Reason: Number of sourceQueueArns [{count}] is invalid. Must be between 1 and {most}."
        )


def test_queues_are_named_by_themselves_or_by_their_arns_and_count_once() -> None:
    queue = Queue("orders", clock=ManualClock())

    assert checks.check_redrive_allow("byQueue", [queue, ARNS[0], queue.arn]) == ("byQueue", (queue.arn, ARNS[0]))


@pytest.mark.parametrize("permission", ["allowAll", "denyAll"])
def test_queues_are_named_with_by_queue_alone(permission: str) -> None:
    assert text_of(InvalidParameterValue, checks.check_redrive_allow, permission, ARNS[:1]) == (
        f'Value {{"redrivePermission": "{permission}", "sourceQueueArns": ["{ARNS[0]}"]}} for parameter '
        "RedriveAllowPolicy is invalid. Reason: sourceQueueArns is valid only when redrivePermission is byQueue."
    )


@pytest.mark.parametrize("bad", ["", "all", "AllowAll", "byqueue"])
def test_a_permission_is_one_of_three(bad: str) -> None:
    assert text_of(InvalidParameterValue, checks.check_redrive_allow, bad, None) == (
        f'Value {{"redrivePermission": "{bad}"}} for parameter RedriveAllowPolicy is invalid. '
        f"Reason: Invalid value for redrivePermission: {bad}, valid values are allowAll, denyAll and byQueue."
    )


def test_what_is_named_is_a_queue() -> None:
    topic = "arn:aws:sns:us-east-1:123456789012:news"

    assert text_of(InvalidParameterValue, checks.check_redrive_allow, "byQueue", [topic]).endswith(
        f"Reason: {topic} is not the ARN of a queue."
    )


@pytest.mark.parametrize(
    ("permission", "queues"),
    [
        (None, None),
        (["byQueue"], ARNS[:1]),
        ("byQueue", ARNS[0]),
        ("byQueue", b"arn"),
        ("byQueue", 7),
        ("byQueue", [7]),
        ("byQueue", ["orders"]),
        ("byQueue", [Parcel("tea")]),
    ],
)
def test_permissions_and_queues_of_wrong_types_are_refused(permission: Any, queues: Any) -> None:
    assert text_of(InvalidInput, checks.check_redrive_allow, permission, queues)


# Tags (SQS 6.1).


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("team", "tea"),
        ("team", ""),
        (128 * "k", 256 * "v"),
        ("A z_0.:/=+-@", "A z_0.:/=+-@"),
        ("équipe", "茶"),
        ("my:aws:tag", "aws:"),
        ("aws", "aws:x"),
    ],
)
def test_a_tag_has_a_key_and_perhaps_a_value(key: str, value: str) -> None:
    assert checks.check_tags({key: value}) == {key: value}


def test_tags_are_taken_as_a_copy() -> None:
    tags = {"team": "tea"}
    found = checks.check_tags(tags)
    tags["stage"] = "test"

    assert found == {"team": "tea"}


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("", "v", "Tag keys must be between 1 and 128 characters in length."),
        (129 * "k", "v", "Tag keys must be between 1 and 128 characters in length."),
        ("k", 257 * "v", "Tag values must be between 0 and 256 characters in length."),
        ("a\tb", "v", "Tag keys can only include letters, digits, spaces and the characters _ . : / = + - @"),
        ("a\n", "v", "Tag keys can only include letters, digits, spaces and the characters _ . : / = + - @"),
        ("k", "!", "Tag values can only include letters, digits, spaces and the characters _ . : / = + - @"),
        ("aws:team", "v", "aws: prefixed tag key names are not allowed for external use."),
        ("AWS:team", "v", "aws: prefixed tag key names are not allowed for external use."),
    ],
)
def test_a_bad_tag_is_refused(key: str, value: str, text: str) -> None:
    assert text_of(InvalidParameterValue, checks.check_tags, {"good": "tag", key: value}) == text


@pytest.mark.parametrize(("limits", "most"), [(Limits(), 50), (Limits(tags=2), 2), (Limits(tags=0), 0)])
def test_a_queue_has_as_many_tags_as_it_allows(limits: Limits, most: int) -> None:
    tags = {str(number): "" for number in range(most)}

    assert checks.check_tags(tags, limits=limits) == tags
    more = {**tags, "more": ""}
    assert text_of(InvalidParameterValue, checks.check_tags, more, limits=limits) == "Too many tags added for queue."
    named = text_of(InvalidParameterValue, checks.check_tags, more, queue="orders", limits=limits)
    assert named == "Too many tags added for queue orders."


def test_the_lengths_of_tags_are_the_queues() -> None:
    limits = Limits(tag_key_length=2, tag_value_length=0)

    assert checks.check_tags({"kk": ""}, limits=limits) == {"kk": ""}
    assert "between 1 and 2 characters" in text_of(InvalidParameterValue, checks.check_tags, {"kkk": ""}, limits=limits)
    assert "between 0 and 0 characters" in text_of(InvalidParameterValue, checks.check_tags, {"k": "v"}, limits=limits)


@pytest.mark.parametrize("bad", [None, "team", [("team", "tea")], {7: "tea"}, {"team": None}, {"team": 7}])
def test_tags_are_text_by_text(bad: Any) -> None:
    assert text_of(InvalidInput, checks.check_tags, bad) == "The tags must be a mapping of str to str."


def test_the_keys_of_tags_to_take_away_are_a_list() -> None:
    assert checks.check_tag_keys(["team", "stage", "team", "not there"]) == {"team", "stage", "not there"}
    assert checks.check_tag_keys(iter(())) == frozenset()
    for bad in ("team", b"team", None, 7, ["team", 7], [["team"]]):
        assert text_of(InvalidInput, checks.check_tag_keys, bad)
