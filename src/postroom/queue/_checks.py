"""
The arguments of a queue's calls, checked once, at the edge, with AWS's texts (SQS 1, 6.3).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from postroom import limits
from postroom.clock import Duration, show_span, to_us
from postroom.errors import (
    BatchRequestTooLong,
    InvalidAttributeValue,
    InvalidInput,
    InvalidParameterValue,
    OverLimit,
    PostroomError,
)
from postroom.limits import SECOND_US
from postroom.message import NO_ATTRIBUTES, attributes_size, body_size, check_body, to_attributes
from postroom.naming import Arn

if TYPE_CHECKING:
    from postroom.message import AttributeInput, AttributeValue
    from postroom.observe import Destination, Home


def attribute_us(name: str, aws_name: str, value: Duration, low_us: int, high_us: int) -> int:
    """
    A queue attribute that is a duration.
    """
    span = to_us(value, name)
    if not low_us <= span <= high_us:
        raise InvalidAttributeValue(
            f"Invalid value for the parameter {aws_name}.",
            help=f"{name}={value!r}: expected {low_us // SECOND_US} to {high_us // SECOND_US} seconds.",
        )
    return span


def check_max_size(value: object) -> int:
    """
    The queue attribute MaximumMessageSize.
    """
    low, high = limits.MESSAGE_SIZE_MIN_BYTES, limits.MESSAGE_SIZE_MAX_BYTES
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInput(
            f"maximum_message_size={value!r} is no number of bytes.", help=f"Give an int, {low} to {high}."
        )
    if not low <= value <= high:
        raise InvalidAttributeValue(
            "Invalid value for the parameter MaximumMessageSize.",
            help=f"maximum_message_size={value}: expected {low} to {high} bytes.",
        )
    return value


def check_send(
    body: str,
    delay: Duration | None,
    attributes: Mapping[str, AttributeInput] | None,
    max_size: int,
    *,
    in_batch: bool,
) -> tuple[Mapping[str, AttributeValue], int | None, int]:
    """
    One message to be sent: its attributes as they are stored, its delay in microseconds, and its size in bytes.

    SQS 6.3 has an order of checks (empty, size, characters, attributes), which is its own choice. Here size comes after
    characters and attributes: only what is well-formed has one.
    """
    check_body(body)
    size = body_size(body)
    stored: Mapping[str, AttributeValue] = NO_ATTRIBUTES
    if attributes is not None:
        stored = to_attributes(attributes)
        size += attributes_size(stored)
    if size > max_size:
        raise refuse_size(max_size, size, in_batch=in_batch)
    return stored, None if delay is None else delay_us(delay), size


def plain_size(entries: object, max_size: int) -> int:
    """
    Bytes of a batch of 1 to 10 bodies of printable ASCII, none too large; 0 for anything else, which has to be looked at.
    """
    bodies = cast("list[object]", entries)
    if type(entries) is not list or len(bodies) > limits.MAX_MESSAGES_MAX:
        return 0
    total = 0
    for body in bodies:
        if type(body) is not str or not body.isascii() or not body.isprintable():
            return 0
        size = len(body)
        if not 0 < size <= max_size:
            return 0
        total += size
    return total


def size_of(body: str, attributes: Mapping[str, AttributeInput] | None) -> int:
    """
    Bytes of one message, as far as it can be sized: what is wrong with it, its own check will say.
    """
    try:
        return body_size(body) + attributes_size(to_attributes(attributes))
    except (PostroomError, TypeError, AttributeError, UnicodeEncodeError):
        return 0


def delivered_size(body: str, attributes: Mapping[str, AttributeValue]) -> int:
    """
    Bytes of a message that another resource hands over, which checks what it makes but for what it was given.

    Raises:
        InvalidMessageContents: The body has no UTF-8 form: as a message it could not be digested.
        InvalidParameterValue: An attribute has none.
    """
    try:
        size = len(body) if body.isascii() else len(body.encode())
        if attributes:
            for name, (data_type, value) in attributes.items():
                size += len(name.encode()) + len(data_type.encode())
                size += len(value.encode() if isinstance(value, str) else value)
    except UnicodeEncodeError:
        check_body(body)  # it, or the attributes, have half a character: the error is that of a send
        to_attributes(dict(attributes))
        raise
    return size


def delay_us(delay: Duration) -> int:
    """
    The delay of one send.
    """
    reason = "DelaySeconds must be >= 0 and <= 900."
    return _in_range("delay", "DelaySeconds", delay, limits.DELAY_MAX_US, reason, "0 to 900 seconds (15 minutes)")


def wait_us(wait_time: Duration) -> int:
    """
    How long one receive waits.
    """
    reason, allowed = "Must be >= 0 and <= 20, if provided.", "0 to 20 seconds; call again to wait longer"
    return _in_range("wait_time", "WaitTimeSeconds", wait_time, limits.WAIT_TIME_MAX_US, reason, allowed)


def visibility_us(timeout: Duration, name: str) -> int:
    """
    The visibility timeout of one receive, or of one change.
    """
    reason, allowed = "Must be between 0 and 43200, if provided.", "0 to 43200 seconds (12 hours)"
    return _in_range(name, "VisibilityTimeout", timeout, limits.VISIBILITY_TIMEOUT_MAX_US, reason, allowed)


def _in_range(name: str, aws_name: str, given: Duration, high_us: int, reason: str, allowed: str) -> int:
    span = to_us(given, name)
    if not 0 <= span <= high_us:
        raise InvalidParameterValue(
            f"Value {shown(given, span)} for parameter {aws_name} is invalid. Reason: {reason}",
            help=f"{name}={given!r}: expected {allowed}.",
        )
    return span


def check_total_hidden(timeout: Duration, span: int, elapsed: int) -> None:
    """
    The visibility timeouts of one receive, all together (SQS 2.1).
    """
    if elapsed + span > limits.VISIBILITY_TIMEOUT_MAX_US:
        raise InvalidParameterValue(
            f"Value {shown(timeout, span)} for parameter VisibilityTimeout is invalid. "
            "Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds]",
            help=f"It was received {show_span(elapsed)} ago, and one receive is good for 12 hours in all.",
        )


def refuse_gone(receipt_handle: str) -> InvalidParameterValue:
    """
    The error for a change of visibility of a message that is not there (SQS 2.2).
    """
    return InvalidParameterValue(
        f"Value {receipt_handle} for parameter ReceiptHandle is invalid. "
        "Reason: Message does not exist or is not available for visibility timeout change.",
        help="It was deleted, has expired, or has moved to the dead-letter queue.",
    )


def refuse_over_limit(operation: str, resource: str) -> OverLimit:
    """
    The error for too many messages in flight (SQS 3.5).
    """
    return OverLimit(
        "Too many messages have been received without being deleted. Please delete your received messages or "
        "let them timeout before receiving more.",
        help=f"{limits.IN_FLIGHT_MAX:,} messages are in flight.",
        operation=operation,
        resource=resource,
    )


def refuse_total(size: int, operation: str, resource: str) -> BatchRequestTooLong:
    """
    The error for entries that are too large together (SQS 6.4).
    """
    return BatchRequestTooLong(
        f"Batch requests cannot be longer than {limits.MESSAGE_SIZE_MAX_BYTES} bytes. You have sent {size} bytes.",
        help="Bodies and attributes of all entries count together: split them into several calls.",
        operation=operation,
        resource=resource,
    )


def check_max_messages(value: object) -> int:
    """
    How many messages one receive may return.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInput(f"max_messages={value!r} is no number.", help="Give an int, 1 to 10.")
    if not 1 <= value <= limits.MAX_MESSAGES_MAX:
        raise InvalidParameterValue(
            f"Value {value} for parameter MaxNumberOfMessages is invalid. "
            "Reason: Must be between 1 and 10, if provided.",
            help=f"max_messages={value}: expected 1 to 10.",
        )
    return value


def check_peek(value: object) -> int:
    """
    How many messages one look may return.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidInput(f"max_messages={value!r} is no number of messages.", help="Give an int, 1 or more.")
    return value


def check_when_ready(callback: object, until: object, resource: str) -> None:
    """
    What is to be called when something is available, and until when that may take.
    """
    fault = advice = ""
    if not callable(callback):
        fault, advice = f"callback={callback!r} cannot be called.", "Give a function without arguments."
    elif until is not None and (isinstance(until, bool) or not isinstance(until, int)):
        fault, advice = f"until={until!r} is no instant.", "Give an int, microseconds since the epoch."
    if fault:
        raise InvalidInput(fault, help=advice, operation="when_ready", resource=resource)


def refuse_size(maximum: int, size: int, *, in_batch: bool) -> InvalidParameterValue:
    """
    The error for a message that is too large; batch calls word it otherwise (SQS 6.4).
    """
    start = "One or more parameters cannot be validated." if in_batch else "One or more parameters are invalid."
    return InvalidParameterValue(
        f"{start} Reason: Message must be shorter than {maximum} bytes.",
        help=f"Body and attributes have {size} bytes; exactly {maximum} would pass. Put large data elsewhere and send "
        "where it is.",
    )


def check_redrive(
    dead_letter_queue: Destination | None, max_receive_count: object, kind: str, home: Home
) -> int | None:
    """
    The two halves of a RedrivePolicy (SQS 7.1).

    Returns:
        After how many receives a message is dead-lettered, or None if there is no dead-letter queue.
    """
    if dead_letter_queue is None and max_receive_count is None:
        return None
    arn = None if dead_letter_queue is None else getattr(dead_letter_queue, "arn", None)
    policy = {"deadLetterTargetArn": arn, "maxReceiveCount": max_receive_count}
    shown = json.dumps({key: value for key, value in policy.items() if value is not None}, default=repr)

    def refuse(reason: str, advice: str) -> InvalidParameterValue:
        return InvalidParameterValue(
            f"Value {shown} for parameter RedrivePolicy is invalid. Reason: {reason}", help=advice
        )

    if dead_letter_queue is None or max_receive_count is None:
        missing = "deadLetterTargetArn" if dead_letter_queue is None else "maxReceiveCount"
        raise refuse(
            f"Redrive policy does not contain mandatory attribute: {missing}.",
            "Give dead_letter_queue and max_receive_count together.",
        )
    if arn is None:
        raise InvalidInput(
            f"dead_letter_queue={dead_letter_queue!r} is no queue.",
            help="Give the Queue itself, of the same clock; region.queue(…) takes the name or the ARN of one, too.",
        )
    if dead_letter_queue.kind != kind:
        raise refuse(
            "Dead-letter queue must be same type of queue as the source.",
            f"This is a {kind}, and {dead_letter_queue.name} is a {dead_letter_queue.kind}.",
        )
    if getattr(dead_letter_queue, "closed", False):
        raise refuse("Dead letter target does not exist.", f"The queue {dead_letter_queue.name} is closed.")
    place = Arn.parse(arn)
    if (place.region, place.account) != (home.region_name, home.account):
        raise refuse(
            "Dead letter target does not exist.",
            f"It has to be in {home.region_name}, account {home.account}, as this queue is.",
        )
    if getattr(dead_letter_queue, "clock", home.clock) is not home.clock:
        raise InvalidInput(
            f"The dead-letter queue {dead_letter_queue.name} lives by a different clock.",
            help="Give both the same clock=…; without one they have the shared SystemClock.",
        )
    if isinstance(max_receive_count, bool) or not isinstance(max_receive_count, int):
        raise InvalidInput(f"max_receive_count={max_receive_count!r} is no number.", help="Give an int, 1 to 1000.")
    if not 1 <= max_receive_count <= limits.MAX_RECEIVE_COUNT_MAX:
        raise refuse(
            f"Invalid value for maxReceiveCount: {max_receive_count}, valid values are from 1 to 1000 both inclusive.",
            "Give the number of deliveries after which a message is put aside.",
        )
    return max_receive_count


def shown(given: Duration, span_us: int) -> str:
    """
    A duration as AWS would show it: seconds.
    """
    if isinstance(given, int | float):
        return str(given)
    seconds, rest = divmod(span_us, SECOND_US)
    return str(span_us / SECOND_US if rest else seconds)
