"""
The attributes a queue is made with, checked before anything of it exists (SQS 1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from postroom import limits
from postroom.queue import _checks as checks

if TYPE_CHECKING:
    from postroom.observe import Destination, Home

DEFAULTS: Final[Mapping[str, Any]] = {
    "visibility_timeout": 30,
    "delay": 0,
    "retention": 345_600,
    "receive_message_wait_time": 0,
    "maximum_message_size": limits.MESSAGE_SIZE_MAX_BYTES,
}
"""What holds unless it is given: seconds, and bytes."""


class Configuration(NamedTuple):
    """
    Attributes that were found to be acceptable; durations in microseconds.
    """

    visibility_timeout: int
    delay: int
    retention: int
    wait_time: int
    message_size: int
    dead_letter_queue: Destination | None
    max_receive_count: int | None


def configured(
    given: Mapping[str, Any],
    *,
    dead_letter_queue: Destination | None,
    max_receive_count: int | None,
    kind: str,
    home: Home,
) -> Configuration:
    """
    Checks the attributes of a new queue.

    Raises:
        InvalidAttributeValue: One is out of its range.
        InvalidParameterValue: The dead-letter setting is not acceptable.
        InvalidInput: One is of a wrong type.
    """
    values = {name: check_attribute(name, given.get(name, default)) for name, default in DEFAULTS.items()}
    return Configuration(
        values["visibility_timeout"],
        values["delay"],
        values["retention"],
        values["receive_message_wait_time"],
        values["maximum_message_size"],
        dead_letter_queue,
        checks.check_redrive(dead_letter_queue, max_receive_count, kind, home),
    )


def check_attribute(name: str, value: Any) -> int:
    """
    One attribute: microseconds, or bytes.

    Raises:
        InvalidAttributeValue: It is out of its range.
        InvalidInput: It is of a wrong type.
    """
    if name == "maximum_message_size":
        return checks.check_max_size(value)
    aws_name, low, high = _SPANS[name]
    return checks.attribute_us(name, aws_name, value, low, high)


_SPANS: Final = {
    "visibility_timeout": ("VisibilityTimeout", 0, limits.VISIBILITY_TIMEOUT_MAX_US),
    "delay": ("DelaySeconds", 0, limits.DELAY_MAX_US),
    "retention": ("MessageRetentionPeriod", limits.RETENTION_MIN_US, limits.RETENTION_MAX_US),
    "receive_message_wait_time": ("ReceiveMessageWaitTimeSeconds", 0, limits.WAIT_TIME_MAX_US),
}
