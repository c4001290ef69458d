"""
The attributes a queue is made with, checked before anything of it exists (SQS 1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from postroom.naming import Arn
from postroom.queue import _checks as checks
from postroom.queue._limits import Limits, check_limits

if TYPE_CHECKING:
    from postroom.observe import Destination, Home
    from postroom.queue._attribute_checks import RedrivePermission

DEFAULTS: Final[Mapping[str, Any]] = {
    "visibility_timeout": 30,
    "delay": 0,
    "retention": 345_600,
    "receive_message_wait_time": 0,
}
"""What holds unless it is given: seconds."""


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
    redrive_allow: tuple[RedrivePermission, tuple[str, ...]]
    tags: dict[str, str]
    limits: Limits


def configured(
    given: Mapping[str, Any],
    *,
    dead_letter_queue: Destination | None,
    max_receive_count: int | None,
    redrive_permission: RedrivePermission,
    redrive_source_queues: Iterable[Destination | str] | None,
    tags: Mapping[str, str] | None,
    limits: Limits | None,
    kind: str,
    home: Home,
    name: str,
) -> Configuration:
    """
    Checks the attributes of a new queue.

    Raises:
        InvalidAttributeValue: One is out of its range.
        InvalidParameterValue: The dead-letter setting is not acceptable.
        InvalidInput: One is of a wrong type.
    """
    bounds = check_limits(limits)
    values = {one: check_attribute(one, given.get(one, default), bounds) for one, default in DEFAULTS.items()}
    size = given.get("maximum_message_size")
    return Configuration(
        values["visibility_timeout"],
        values["delay"],
        values["retention"],
        values["receive_message_wait_time"],
        bounds.message_size if size is None else checks.check_max_size(size, limits=bounds),
        dead_letter_queue,
        checked_redrive(dead_letter_queue, max_receive_count, kind, home, name, bounds),
        checks.check_redrive_allow(redrive_permission, redrive_source_queues, limits=bounds),
        {} if tags is None else checks.check_tags(tags, queue=name, limits=bounds),
        bounds,
    )


def checked_redrive(
    dead_letter_queue: Destination | None,
    max_receive_count: int | None,
    kind: str,
    home: Home,
    name: str,
    limits: Limits,
) -> int | None:
    """
    Both halves of a dead-letter setting, and whether the dead-letter queue takes letters from there.

    Raises:
        InvalidParameterValue: It is not acceptable, or not allowed.
        InvalidInput: An argument is of a wrong type.
    """
    count = checks.check_redrive(dead_letter_queue, max_receive_count, kind, home, limits=limits)
    if dead_letter_queue is not None:
        checks.check_permitted(dead_letter_queue, str(Arn.queue(home.region_name, home.account, name)))
    return count


def check_attribute(name: str, value: Any, limits: Limits) -> int:
    """
    One attribute: microseconds, or bytes.

    Raises:
        InvalidAttributeValue: It is out of its range.
        InvalidInput: It is of a wrong type.
    """
    if name == "maximum_message_size":
        return checks.check_max_size(value, limits=limits)
    aws_name, low, high = _SPANS[name]
    return checks.attribute_us(name, aws_name, value, getattr(limits, low) if low else 0, getattr(limits, high))


_SPANS: Final = {
    "visibility_timeout": ("VisibilityTimeout", "", "_visibility_timeout_us"),
    "delay": ("DelaySeconds", "", "_delay_us"),
    "retention": ("MessageRetentionPeriod", "_retention_min_us", "_retention_max_us"),
    "receive_message_wait_time": ("ReceiveMessageWaitTimeSeconds", "", "_wait_time_us"),
}
"""AWS's name, and the limits."""
