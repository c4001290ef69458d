"""
What a handler is given: the record of each message, field by field (DEL C2), and the context.
"""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

import pytest

from postroom import AttributeValue, Function, ManualClock, Queue
from postroom.errors import NotSupported
from postroom.message import Parcel
from postroom.worker import Context

T0_MS = 1_704_067_200_000


def given(queue: Queue, **settings: Any) -> list[tuple[dict[str, Any], Context]]:
    calls: list[tuple[dict[str, Any], Context]] = []
    function = Function(
        lambda event, context: calls.append((event, context)), name="brew", clock=queue.clock, **settings
    )
    function.add_event_source(queue)
    return calls


def test_a_record_has_the_fields_that_lambda_gives() -> None:
    clock = ManualClock()
    queue = Queue("orders", clock=clock, delay=3)
    calls = given(queue)
    sent = queue.send_message("2 x tea")
    clock.advance(3)
    [(event, _)] = calls
    [record] = event["Records"]

    assert list(event) == ["Records"]
    assert record == {
        "messageId": sent.message_id,
        "receiptHandle": record["receiptHandle"],
        "body": "2 x tea",
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": str(T0_MS),
            "SenderId": "AIDAPOSTROOMSENDER000",
            "ApproximateFirstReceiveTimestamp": str(T0_MS + 3_000),
        },
        "messageAttributes": {},
        "md5OfBody": "efe4fae0b22969b5996157477ea0087d",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:orders",
        "awsRegion": "us-east-1",
    }
    assert len(record["receiptHandle"]) > 20
    assert json.loads(json.dumps(event)) == event


def test_message_attributes_are_in_lower_camel_case_and_bytes_in_base64() -> None:
    queue = Queue("orders", clock=ManualClock())
    calls = given(queue)
    sent = queue.send_message(
        "2 x tea", attributes={"table": 7, "seal": b"\x00\xff", "size": AttributeValue("String.cup", "large")}
    )
    [(event, _)] = calls
    [record] = event["Records"]

    assert record["messageAttributes"] == {
        "table": {"stringValue": "7", "stringListValues": [], "binaryListValues": [], "dataType": "Number"},
        "seal": {
            "binaryValue": base64.b64encode(b"\x00\xff").decode(),
            "stringListValues": [],
            "binaryListValues": [],
            "dataType": "Binary",
        },
        "size": {"stringValue": "large", "stringListValues": [], "binaryListValues": [], "dataType": "String.cup"},
    }
    assert record["md5OfMessageAttributes"] == sent.md5_of_attributes
    assert json.loads(json.dumps(event)) == event


def test_trace_header_and_source_of_a_dead_letter_are_there_when_they_are_known() -> None:
    queue = Queue("orders", clock=ManualClock())
    calls = given(queue)
    queue.deliver(Parcel("2 x tea", source_arn="arn:aws:sqs:us-east-1:123456789012:first", trace_header="Root=1-2-3"))
    queue.clock.run_due()
    [(event, _)] = calls
    attributes = event["Records"][0]["attributes"]

    assert attributes["AWSTraceHeader"] == "Root=1-2-3"
    assert attributes["DeadLetterQueueSourceArn"] == "arn:aws:sqs:us-east-1:123456789012:first"


def test_the_count_and_the_first_receive_are_the_messages_for_life() -> None:
    clock = ManualClock()
    queue = Queue("orders", clock=clock)
    queue.send_message("2 x tea")
    queue.receive_messages()
    clock.advance(30)
    [(event, _)] = given(queue)
    attributes = event["Records"][0]["attributes"]

    assert attributes["ApproximateReceiveCount"] == "2"
    assert attributes["ApproximateFirstReceiveTimestamp"] == str(T0_MS)


def test_a_context_tells_the_function_and_a_request_id_of_its_own() -> None:
    queue = Queue("orders", clock=ManualClock())
    calls = given(queue)
    queue.send_message("a")
    queue.send_message("b")
    (_, first), (_, second) = calls

    assert first.function_name == "brew"
    assert first.invoked_function_arn == "arn:aws:lambda:us-east-1:123456789012:function:brew"
    assert uuid.UUID(first.aws_request_id).version == 4
    assert first.aws_request_id != second.aws_request_id


def test_the_same_seed_draws_the_same_request_ids() -> None:
    def ids() -> list[str]:
        queue = Queue("orders", clock=ManualClock())
        calls = given(queue, seed=7)
        queue.send_message("a")
        queue.send_message("b")
        return [context.aws_request_id for _, context in calls]

    assert ids() == ids()


def test_a_context_is_what_lambda_gives_as_far_as_it_is_true_here() -> None:
    context = Context("brew", "an arn", "an id")

    assert (context.function_version, context.memory_limit_in_mb) == ("$LATEST", 128)
    assert context == Context("brew", "an arn", "an id") != Context("brew", "an arn", "another")
    assert repr(context) == "<Context of brew, request an id>"
    assert not isinstance(context, tuple)
    assert not hasattr(context, "count")
    assert not hasattr(context, "log_group_name")
    with pytest.raises(AttributeError):
        context.function_name = "x"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        context.mine = "x"  # type: ignore[attr-defined]


def test_a_handler_that_asks_for_the_remaining_time_is_told_that_there_is_no_timeout() -> None:
    queue = Queue("orders", clock=ManualClock())
    function = Function(lambda _, context: context.get_remaining_time_in_millis(), name="brew", clock=queue.clock)
    function.add_event_source(queue)
    queue.send_message("a")
    [failure] = function.failures

    assert isinstance(failure.error, NotSupported)
    assert "brew has no timeout" in str(failure.error)
