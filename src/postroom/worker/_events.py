"""
What a handler is given: the event of a batch, in the shape in which Lambda gives it (DEL C2, C3), and a context.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

from postroom.errors import NotSupported
from postroom.limits import CONTEXT_MEMORY_MB

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from postroom.message import AttributeValue
    from postroom.queue import Message
    from postroom.stream import Record


class Context:
    """
    The second argument of a handler, under Lambda's names. It never changes.

    >>> context = Context("counter", "arn:aws:lambda:us-east-1:123456789012:function:counter", "0f8c…")
    >>> context.function_name, context.function_version
    ('counter', '$LATEST')

    It has what is true here. Logs go where Python's logging sends them, so there are no names of log groups and streams.

    Args:
        function_name: The function's name.
        invoked_function_arn: The function's ARN.
        aws_request_id: A UUID, new for each call; all attempts of one asynchronous invocation have the same (DEL D).
    """

    __slots__ = ("_aws_request_id", "_function_name", "_invoked_function_arn")

    def __init__(self, function_name: str, invoked_function_arn: str, aws_request_id: str) -> None:
        self._function_name = function_name
        self._invoked_function_arn = invoked_function_arn
        self._aws_request_id = aws_request_id

    @property
    def function_name(self) -> str:
        """
        The function's name.
        """
        return self._function_name

    @property
    def function_version(self) -> str:
        """
        ``$LATEST``: a function has one version.
        """
        return "$LATEST"

    @property
    def invoked_function_arn(self) -> str:
        """
        The function's ARN.
        """
        return self._invoked_function_arn

    @property
    def aws_request_id(self) -> str:
        """
        A UUID, new for each call; all attempts of one asynchronous invocation have the same (DEL D).
        """
        return self._aws_request_id

    @property
    def memory_limit_in_mb(self) -> int:
        """
        128, as Lambda says of a function whose memory nobody set. Nothing bounds it here.
        """
        return CONTEXT_MEMORY_MB

    def get_remaining_time_in_millis(self) -> int:
        """
        Not there, as a function has no timeout: there is no instant at which a call is cut off.

        >>> Context("f", "arn:aws:lambda:us-east-1:123456789012:function:f", "0f8c…").get_remaining_time_in_millis()
        Traceback (most recent call last):
            ...
        postroom.errors.NotSupported: context.get_remaining_time_in_millis() is not there: f has no timeout, and its work takes as long as it takes.
          Bound the work by what you measure yourself, such as clock.now(); docs/fidelity.md says why there is no timeout.

        Raises:
            NotSupported: Always.
        """
        raise NotSupported(
            f"context.get_remaining_time_in_millis() is not there: {self._function_name} has no timeout, "
            "and its work takes as long as it takes.",
            help="Bound the work by what you measure yourself, such as clock.now(); docs/fidelity.md says why there is no "
            "timeout.",
            operation="get_remaining_time_in_millis",
            resource=self._function_name,
        )

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict.

        >>> Context("counter", "arn:aws:lambda:us-east-1:123456789012:function:counter", "0f8c…").to_dict()["function_name"]
        'counter'
        """
        return {
            "function_name": self._function_name,
            "function_version": self.function_version,
            "invoked_function_arn": self._invoked_function_arn,
            "memory_limit_in_mb": self.memory_limit_in_mb,
            "aws_request_id": self._aws_request_id,
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Context) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self._function_name, self._invoked_function_arn, self._aws_request_id))

    def __reduce__(self) -> tuple[object, ...]:
        return Context, (self._function_name, self._invoked_function_arn, self._aws_request_id)

    def __repr__(self) -> str:
        return f"<Context of {self._function_name}, request {self._aws_request_id}>"


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
