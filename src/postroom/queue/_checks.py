"""
The arguments of a queue's calls, checked once, at the edge, with AWS's texts (SQS 6.3).

Where a check has a number in it, it is that of the queue's limits. The checks of queues' attributes and of what messages
have beside their contents stand next door, and are to be had from here, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, cast

from postroom.clock import Duration, show_span, to_us
from postroom.errors import (
    BatchRequestTooLong,
    InvalidInput,
    InvalidParameterValue,
    OverLimit,
    PostroomError,
)
from postroom.limits import MAX_MESSAGES_MAX, MESSAGE_ATTRIBUTES_MAX, SECOND_US
from postroom.message import (
    NO_ATTRIBUTES,
    AttributeValue,
    FrozenAttributes,
    attributes_size,
    body_size,
    check_body,
    to_attributes,
)
from postroom.queue._attribute_checks import (
    attribute_us,
    check_content_based,
    check_deduplication_scope,
    check_max_size,
    check_permitted,
    check_redrive,
    check_redrive_allow,
    check_tag_keys,
    check_tags,
    check_throughput_limit,
    in_seconds,
    shown,
)
from postroom.queue._limits import AWS, Limits
from postroom.queue._message_checks import (
    check_attempt_id,
    check_deduplication_id,
    check_fifo_delay,
    check_group_id,
    check_system_attributes,
    check_trace_header,
    refuse_attempt_id,
    refuse_deduplication_id,
    refuse_no_deduplication_id,
    refuse_no_group_id,
)

if TYPE_CHECKING:
    from postroom.message import AttributeInput

__all__ = [
    "attribute_us",
    "check_attempt_id",
    "check_content_based",
    "check_deduplication_id",
    "check_deduplication_scope",
    "check_fifo_delay",
    "check_group_id",
    "check_max_messages",
    "check_max_size",
    "check_peek",
    "check_permitted",
    "check_redrive",
    "check_redrive_allow",
    "check_send",
    "check_system_attributes",
    "check_tag_keys",
    "check_tags",
    "check_throughput_limit",
    "check_total_hidden",
    "check_trace_header",
    "check_when_ready",
    "delay_us",
    "delivered_size",
    "plain_size",
    "refuse_attempt_id",
    "refuse_deduplication_id",
    "refuse_gone",
    "refuse_no_deduplication_id",
    "refuse_no_group_id",
    "refuse_over_limit",
    "refuse_size",
    "refuse_total",
    "shown",
    "size_of",
    "visibility_us",
    "wait_us",
]


def check_send(
    body: str,
    delay: Duration | None,
    attributes: Mapping[str, AttributeInput] | None,
    max_size: int,
    *,
    in_batch: bool,
    limits: Limits = AWS,
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
        stored = _attributes(attributes, limits)
        size += attributes_size(stored)
    if size > max_size:
        raise refuse_size(max_size, size, in_batch=in_batch)
    return stored, None if delay is None else delay_us(delay, limits=limits), size


def _attributes(attributes: Mapping[str, AttributeInput] | None, limits: Limits) -> Mapping[str, AttributeValue]:
    """
    Message attributes as they are stored, as many as the queue allows.
    """
    most = limits.message_attributes
    if most == MESSAGE_ATTRIBUTES_MAX or not isinstance(attributes, Mapping):
        return to_attributes(attributes)
    if len(attributes) > most:
        raise InvalidParameterValue(
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum [{most}].",
            help="put what belongs together into one attribute, or into the body",
        )
    if len(attributes) <= MESSAGE_ATTRIBUTES_MAX:
        return to_attributes(attributes)
    # What is checked at once is AWS's number at the most, wherever it is checked.
    found: dict[str, AttributeValue] = {}
    items = iter(attributes.items())
    while part := dict(islice(items, MESSAGE_ATTRIBUTES_MAX)):
        found.update(to_attributes(part))
    return FrozenAttributes(found)


def plain_size(entries: object, max_size: int, *, limits: Limits = AWS) -> int:
    """
    Bytes of a batch of 1 to 10 bodies of printable ASCII, none too large; 0 for anything else, which has to be looked at.
    """
    bodies = cast("list[object]", entries)
    if type(entries) is not list or len(bodies) > MAX_MESSAGES_MAX or len(bodies) > limits.batch_entries:
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


def size_of(body: str, attributes: Mapping[str, AttributeInput] | None, *, limits: Limits = AWS) -> int:
    """
    Bytes of one message, as far as it can be sized: what is wrong with it, its own check will say.
    """
    try:
        return body_size(body) + attributes_size(_attributes(attributes, limits))
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


def delay_us(delay: Duration, *, limits: Limits = AWS) -> int:
    """
    The delay of one send.
    """
    span = to_us(delay, "delay")
    if not 0 <= span <= limits._delay_us:
        reason = f"DelaySeconds must be >= 0 and <= {in_seconds(limits._delay_us)}."
        raise _refuse_span("delay", "DelaySeconds", delay, span, limits._delay_us, reason)
    return span


def wait_us(wait_time: Duration, *, limits: Limits = AWS) -> int:
    """
    How long one receive waits.
    """
    span = to_us(wait_time, "wait_time")
    if not 0 <= span <= limits._wait_time_us:
        reason = f"Must be >= 0 and <= {in_seconds(limits._wait_time_us)}, if provided."
        advice = "; call again to wait longer"
        raise _refuse_span("wait_time", "WaitTimeSeconds", wait_time, span, limits._wait_time_us, reason, advice)
    return span


def visibility_us(timeout: Duration, name: str, *, limits: Limits = AWS) -> int:
    """
    The visibility timeout of one receive, or of one change.
    """
    span = to_us(timeout, name)
    if not 0 <= span <= limits._visibility_timeout_us:
        reason = f"Must be between 0 and {in_seconds(limits._visibility_timeout_us)}, if provided."
        raise _refuse_span(name, "VisibilityTimeout", timeout, span, limits._visibility_timeout_us, reason)
    return span


def _refuse_span(
    name: str, aws_name: str, given: Duration, span: int, high_us: int, reason: str, advice: str = ""
) -> InvalidParameterValue:
    long = f" ({show_span(high_us)})" if high_us >= 60 * SECOND_US else ""
    return InvalidParameterValue(
        f"Value {shown(given, span)} for parameter {aws_name} is invalid. Reason: {reason}",
        help=f"{name}={given!r}: expected 0 to {in_seconds(high_us)} seconds{long}{advice}.",
    )


def check_total_hidden(timeout: Duration, span: int, elapsed: int, *, limits: Limits = AWS) -> None:
    """
    The visibility timeouts of one receive, all together (SQS 2.1).
    """
    high = limits._visibility_timeout_us
    if elapsed + span > high:
        raise InvalidParameterValue(
            f"Value {shown(timeout, span)} for parameter VisibilityTimeout is invalid. "
            f"Reason: Total VisibilityTimeout for the message is beyond the limit [{in_seconds(high)} seconds]",
            help=f"It was received {show_span(elapsed)} ago, and one receive is good for {show_span(high)} in all.",
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


def refuse_over_limit(operation: str, resource: str, *, limits: Limits = AWS) -> OverLimit:
    """
    The error for too many messages in flight (SQS 3.5).
    """
    return OverLimit(
        "Too many messages have been received without being deleted. Please delete your received messages or "
        "let them timeout before receiving more.",
        help=f"{limits.in_flight:,} messages are in flight.",
        operation=operation,
        resource=resource,
    )


def refuse_total(size: int, operation: str, resource: str, *, limits: Limits = AWS) -> BatchRequestTooLong:
    """
    The error for entries that are too large together (SQS 6.4).
    """
    return BatchRequestTooLong(
        f"Batch requests cannot be longer than {limits.batch_size} bytes. You have sent {size} bytes.",
        help="Bodies and attributes of all entries count together: split them into several calls.",
        operation=operation,
        resource=resource,
    )


def check_max_messages(value: object, *, limits: Limits = AWS) -> int:
    """
    How many messages one receive may return.
    """
    high = limits.max_messages
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInput(f"max_messages={value!r} is no number.", help=f"Give an int, 1 to {high}.")
    if not 1 <= value <= high:
        raise InvalidParameterValue(
            f"Value {value} for parameter MaxNumberOfMessages is invalid. "
            f"Reason: Must be between 1 and {high}, if provided.",
            help=f"max_messages={value}: expected 1 to {high}.",
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
