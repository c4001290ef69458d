"""
What a handler is given: the event of a batch, in the shape in which Lambda gives it (DEL C2, C3), and a context.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from postroom.message import AttributeValue
    from postroom.queue import Message
    from postroom.stream import Record


class Context(NamedTuple):
    """
    The second argument of a handler, under Lambda's names.

    >>> context = Context("counter", "arn:aws:lambda:us-east-1:123456789012:function:counter", "0f8c…")
    >>> context.function_name
    'counter'
    """

    function_name: str
    """The function's name."""
    invoked_function_arn: str
    """The function's ARN."""
    aws_request_id: str
    """A UUID, new for each call; all attempts of one asynchronous invocation have the same."""

    def to_dict(self) -> dict[str, str]:
        """
        As a plain dict.

        >>> Context("counter", "arn:aws:lambda:us-east-1:123456789012:function:counter", "0f8c…").to_dict()["function_name"]
        'counter'
        """
        return self._asdict()


def queue_event(messages: list[Message], queue_arn: str, region_name: str) -> dict[str, Any]:
    """
    The event for a batch of messages of a queue: ``{"Records": [...]}``, fresh and the handler's to change.
    """
    return {"Records": [_record(message, queue_arn, region_name) for message in messages]}


def stream_event(records: Sequence[Record], stream_arn: str, region_name: str, role_arn: str) -> dict[str, Any]:
    """
    The event for a batch of records of one shard: ``{"Records": [...]}``, fresh and the handler's to change (DEL C3).
    """
    return {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": record.partition_key,
                    "sequenceNumber": (sequence_number := record.sequence_number),
                    "data": b64encode(record.data).decode(),
                    "approximateArrivalTimestamp": record.arrived_at_us // 1_000 / 1_000,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"{record.shard_id}:{sequence_number}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": role_arn,
                "awsRegion": region_name,
                "eventSourceARN": stream_arn,
            }
            for record in records
        ]
    }


def _record(message: Message, queue_arn: str, region_name: str) -> dict[str, Any]:
    attributes = {
        "ApproximateReceiveCount": str(message.receive_count),
        "SentTimestamp": str(message.sent_timestamp),
        "SenderId": message.sender_id,
        "ApproximateFirstReceiveTimestamp": str(message.first_receive_timestamp),
    }
    if message.aws_trace_header is not None:
        attributes["AWSTraceHeader"] = message.aws_trace_header
    if message.dead_letter_queue_source_arn is not None:
        attributes["DeadLetterQueueSourceArn"] = message.dead_letter_queue_source_arn
    record: dict[str, Any] = {
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": attributes,
        "messageAttributes": _message_attributes(message.attributes),
        "md5OfBody": message.md5_of_body,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": region_name,
    }
    if message.attributes:
        record["md5OfMessageAttributes"] = message.md5_of_attributes
    return record


def _message_attributes(attributes: Mapping[str, AttributeValue]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name, (data_type, value) in attributes.items():
        # Lambda's event is JSON: bytes travel as base64 text.
        held = {"binaryValue": b64encode(value).decode()} if isinstance(value, bytes) else {"stringValue": value}
        shown[name] = {**held, "stringListValues": [], "binaryListValues": [], "dataType": data_type}
    return shown
