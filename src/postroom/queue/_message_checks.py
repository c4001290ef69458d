"""
What messages have beside their contents - groups, ids, system attributes -, checked with AWS's texts (SQS 3, 6.3).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, cast

from postroom.clock import Duration, to_us
from postroom.errors import InvalidInput, InvalidParameterValue, MissingParameter
from postroom.message import AttributeValue
from postroom.message._body import ALLOWED, INVALID_CHARACTERS, first_outside
from postroom.queue._attribute_checks import shown
from postroom.queue._limits import AWS, Limits

_ID: Final = re.compile("[!-~]+")
_NOT_OF_THIS_TYPE: Final = "The request include parameter that is not valid for this queue type."
_TRACE_HEADER: Final = "AWSTraceHeader"


def check_group_id(value: object, *, limits: Limits = AWS) -> str:
    """
    The id of a message group, of a call that cannot do without; a batch without one is another matter (SQS 6.3, 6.4).

    Raises:
        MissingParameter: There is none.
        InvalidParameterValue: It is empty, too long or has other characters.
        InvalidInput: It is no `str`.
    """
    if value is None:
        raise refuse_no_group_id(in_batch=False)
    return _check_id("message_group_id", "MessageGroupId", value, limits.group_id_length)


def check_deduplication_id(value: object, *, limits: Limits = AWS) -> str:
    """
    By what a FIFO queue knows a message again (SQS 6.3).

    Raises:
        InvalidParameterValue: It is empty, too long or has other characters.
        InvalidInput: It is no `str`.
    """
    return _check_id("message_deduplication_id", "MessageDeduplicationId", value, limits.deduplication_id_length)


def check_attempt_id(value: object, *, limits: Limits = AWS) -> str:
    """
    By what a FIFO queue knows an attempt to receive again (SQS 3.4); the text is that of the other ids.

    Raises:
        InvalidParameterValue: It is empty, too long or has other characters.
        InvalidInput: It is no `str`.
    """
    return _check_id("receive_request_attempt_id", "ReceiveRequestAttemptId", value, limits.attempt_id_length)


def _check_id(name: str, aws_name: str, value: object, high: int) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"{name} must be a str.", help=f"got a value of type {type(value).__name__}")
    if len(value) <= high and _ID.fullmatch(value):
        return value
    match = _ID.match(value)
    end = match.end() if match else 0
    if not value:
        fault = "is empty"
    elif len(value) > high:
        fault = f"has {len(value)} characters"
    else:
        fault = f"has {value[end]!r} at index {end}"
    raise InvalidParameterValue(
        f"Value {value} for parameter {aws_name} is invalid. "
        f"Reason: {aws_name} can only include alphanumeric and punctuation characters. 1 to {high} in length.",
        help=f"{name} {fault}: expected 1 to {high} letters, digits and punctuation characters of ASCII, without spaces.",
    )


def refuse_no_group_id(*, in_batch: bool) -> MissingParameter | InvalidParameterValue:
    """
    The error for a message of a FIFO queue without a group; a batch call has another code for it (SQS 6.3, 6.4).
    """
    kind = InvalidParameterValue if in_batch else MissingParameter
    return kind(
        "The request must contain the parameter MessageGroupId.",
        help="Give message_group_id: within a group messages stay in order. With one group for all, so do all.",
    )


def refuse_no_deduplication_id() -> InvalidParameterValue:
    """
    The error for a message of a FIFO queue that could not be known again (SQS 3.2).
    """
    return InvalidParameterValue(
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
        help="Give message_deduplication_id, or make the queue with content_based_deduplication=True.",
    )


def refuse_deduplication_id(value: object) -> InvalidParameterValue:
    """
    The error for a deduplication id on a standard queue (SQS 3.3).
    """
    return InvalidParameterValue(
        f"Value {value} for parameter MessageDeduplicationId is invalid. Reason: {_NOT_OF_THIS_TYPE}",
        help="A standard queue takes what it is sent as often as it is sent: a FifoQueue deduplicates.",
    )


def refuse_attempt_id(value: object) -> InvalidParameterValue:
    """
    The error for the id of an attempt to receive on a standard queue (SQS 3.4); the text is that of SQS 3.3.
    """
    return InvalidParameterValue(
        f"Value {value} for parameter ReceiveRequestAttemptId is invalid. Reason: {_NOT_OF_THIS_TYPE}",
        help="A standard queue does not know an attempt again: a FifoQueue does.",
    )


def check_fifo_delay(delay: Duration) -> None:
    """
    The delay of one send to a FIFO queue: it has none of its own, and 0 leaves it that of the queue (SQS 3.2).

    Raises:
        InvalidParameterValue: It is not 0.
        InvalidInput: It is no duration.
    """
    span = to_us(delay, "delay")
    if span != 0:
        raise InvalidParameterValue(
            f"Value {shown(delay, span)} for parameter DelaySeconds is invalid. Reason: {_NOT_OF_THIS_TYPE}",
            help=f"delay={delay!r}: in a FIFO queue all messages have the delay of the queue.",
        )


# System attributes.


def check_system_attributes(attributes: object) -> str | None:
    """
    The system attributes of one send: ``AWSTraceHeader`` is the only one there is (SQS 5.2). They count towards no size.

    Returns:
        The trace header, or None.

    Raises:
        InvalidParameterValue: There is another, or it is not acceptable. AWS's words are not known.
        InvalidInput: They are no mapping of names to values.
    """
    if attributes is None:
        return None
    if not isinstance(attributes, Mapping):
        raise InvalidInput(
            "Message system attributes must be a mapping of names to values.",
            help=f"got a value of type {type(attributes).__name__}",
        )
    header = None
    for name, value in cast("Mapping[object, object]", attributes).items():
        if not isinstance(name, str):
            raise InvalidInput(
                "The name of a message system attribute must be a str.",
                help=f"got a value of type {type(name).__name__}",
            )
        if name != _TRACE_HEADER:
            raise InvalidParameterValue(
                f"The name of message (system) attribute '{name}' is invalid. "
                f"You must use only the following supported names: {_TRACE_HEADER}.",
                help="Attributes of your own are given as attributes.",
            )
        header = check_trace_header(value)
    return header


def check_trace_header(value: object) -> str:
    """
    The value of the system attribute AWSTraceHeader: a String; what it says is for those who read it.

    Raises:
        InvalidParameterValue: It is of another type, is empty, or has characters that are not allowed. AWS's words are not
            known but for the last.
        InvalidInput: It is no attribute.
    """
    data_type: object
    text: object
    if isinstance(value, AttributeValue):
        data_type, text = value
    elif isinstance(value, str | bytes | int | float) and not isinstance(value, bool):
        data_type, text = "String" if isinstance(value, str) else type(value).__name__, value
    else:
        raise InvalidInput(
            f"The value of message system attribute '{_TRACE_HEADER}' must be a str.",
            help=f"got a value of type {type(value).__name__}",
        )
    if data_type != "String":
        raise InvalidParameterValue(
            f"The type of message (system) attribute '{_TRACE_HEADER}' is invalid. "
            "You must use only the following supported types: String.",
            help=f"the type was {data_type!r}",
        )
    if not isinstance(text, str) or not text:
        raise InvalidParameterValue(
            f"Message (system) attribute '{_TRACE_HEADER}' must contain a non-empty value of type 'String'.",
            help=f"the value was {text!r}",
        )
    if not ALLOWED.fullmatch(text):
        raise InvalidParameterValue(
            INVALID_CHARACTERS, help=f"message system attribute '{_TRACE_HEADER}' has {first_outside(ALLOWED, text)}"
        )
    return text
