"""
The arguments of message move tasks, their handles, and what is refused (SQS 7.4).
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, Final

from postroom.errors import (
    InvalidInput,
    InvalidParameterValue,
    NotFound,
    PostroomError,
    QueueDoesNotExist,
    QueueResourceNotFound,
    ResourceClosed,
)
from postroom.limits import MOVE_RATE_MAX, MOVE_TASKS_LISTED_MAX

if TYPE_CHECKING:
    from postroom.observe import Destination

GONE: Final = QueueDoesNotExist.code
"""Why a task failed: the queue that messages go to, or come from, was deleted or closed."""

NO_ORIGIN: Final = "CouldNotDetermineMessageSource"
"""Why a task failed: it has no destination, and a message does not say which queue it came from."""

TOO_LONG: Final = "MessageMoveTaskTimedOut"
"""Why a task failed: it ran for 36 hours. Ours, AWS's word is not known."""


def write_handle(task_id: str, source_arn: str) -> str:
    """
    The handle of a task: base64 of JSON (SQS 7.4).

    >>> write_handle("an id", "an arn")
    'eyJ0YXNrSWQiOiAiYW4gaWQiLCAic291cmNlQXJuIjogImFuIGFybiJ9'
    """
    return b64encode(json.dumps({"taskId": task_id, "sourceArn": source_arn}).encode()).decode("ascii")


def read_handle(handle: object) -> tuple[str, str]:
    """
    The id of the task, and the ARN of its source.

    >>> read_handle(write_handle("an id", "an arn"))
    ('an id', 'an arn')

    Raises:
        InvalidParameterValue: It is no handle of a task.
        InvalidInput: It is no `str`.
    """
    if not isinstance(handle, str):
        raise InvalidInput(
            f"task_handle is of type {type(handle).__name__}.",
            help="Give the str in task.task_handle, or task.cancel().",
        )
    try:
        said: Any = json.loads(b64decode(handle, validate=True))
        task_id, source_arn = said["taskId"], said["sourceArn"]
    except (ValueError, TypeError, LookupError, RecursionError):
        task_id = source_arn = None
    if not isinstance(task_id, str) or not isinstance(source_arn, str):
        raise InvalidParameterValue(
            "Value for parameter TaskHandle is invalid.",
            help=f"task_handle={handle!r}: give task.task_handle as it is, of a task that is RUNNING.",
        )
    return task_id, source_arn


def check_rate(value: object) -> None:
    """
    How many messages a second a task moves at most. AWS's words are not known: they are those for other numbers (SQS 6.3).

    Raises:
        InvalidParameterValue: It is out of its range.
        InvalidInput: It is no `int`.
    """
    if value is not None:
        _check_count("max_messages_per_second", "MaxNumberOfMessagesPerSecond", value, MOVE_RATE_MAX)


def check_max_results(value: object) -> None:
    """
    How many tasks are listed at most; as `check_rate`.

    Raises:
        InvalidParameterValue: It is out of its range.
        InvalidInput: It is no `int`.
    """
    _check_count("max_results", "MaxResults", value, MOVE_TASKS_LISTED_MAX)


def _check_count(name: str, aws_name: str, value: object, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInput(f"{name}={value!r} is no number.", help=f"Give an int, 1 to {most}.")
    if not 1 <= value <= most:
        raise InvalidParameterValue(
            f"Value {value} for parameter {aws_name} is invalid. Reason: Must be between 1 and {most}, if provided.",
            help=f"{name}={value}: expected 1 to {most}.",
        )


def check_destination(given: Destination, kind: str, place: tuple[str, str]) -> None:
    """
    Refuses a destination that messages of a queue cannot be moved to.

    Args:
        given: The destination.
        kind: Of the queue.
        place: The region and the account of the queue.

    Raises:
        QueueResourceNotFound: It is closed, or somewhere else.
        InvalidParameterValue: It is of another kind. AWS's words are not known.
    """
    if getattr(given, "closed", False):
        raise refuse_destination(f"The {given.kind} {given.name} is closed.")
    if tuple(given.arn.split(":")[3:5]) != place:
        raise refuse_destination(f"{given.arn} has to be in {place[0]}, account {place[1]}, as this queue is.")
    if given.kind != kind:
        raise InvalidParameterValue(
            f"Value {given.arn} for parameter DestinationArn is invalid. "
            "Reason: Destination queue must be same type of queue as the source.",
            help=f"This is a {kind}, and {given.name} is a {given.kind}.",
        )


def refuse_source(advice: str) -> QueueResourceNotFound:
    """
    The error for a queue that tasks should be of, and that is not there.
    """
    return QueueResourceNotFound(
        "The resource that you specified for the SourceArn parameter doesn't exist.", help=advice
    )


def refuse_destination(advice: str) -> QueueResourceNotFound:
    """
    The error for a queue that messages should go to, and that is not there.
    """
    return QueueResourceNotFound(
        "The resource that you specified for the DestinationArn parameter doesn't exist.", help=advice
    )


def refuse_task(advice: str) -> QueueResourceNotFound:
    """
    The error for a task that is not there, or no longer RUNNING. AWS's words are not known for the latter.
    """
    return QueueResourceNotFound("Task does not exist.", help=advice)


def refuse_no_dead_letter_queue(name: str) -> InvalidParameterValue:
    """
    The error for moving messages of a queue that is nobody's dead-letter queue.
    """
    return InvalidParameterValue(
        "Source queue must be configured as a Dead Letter Queue.",
        help=f"No queue that is open has {name} for its dead_letter_queue.",
    )


def refuse_second(name: str, how_far: str) -> InvalidParameterValue:
    """
    The error for a task beside another, which is as far as is said.
    """
    return InvalidParameterValue(
        "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
        help=f"The task of {name} is {how_far}.",
    )


def reason_of(error: Exception) -> str:
    """
    The FailureReason of a task whose destination refused a message.

    >>> reason_of(ResourceClosed("The queue orders is closed."))
    'AWS.SimpleQueueService.NonExistentQueue'
    """
    if isinstance(error, ResourceClosed | NotFound):
        return GONE
    return error.code if isinstance(error, PostroomError) else type(error).__name__
