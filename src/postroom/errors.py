"""
Every error postroom raises, in one tree.

The bases say who has to act; the leaves say what went wrong and carry the code AWS gives it.

==================  ==========================  =========================================
Base                also a                      who acts
==================  ==========================  =========================================
`InvalidRequest`    `ValueError`                the caller: an argument is not acceptable
`NotFound`          `LookupError`               the caller: what was named does not exist
`LimitReached`                                  the caller, later: a quota is used up
`ResourceClosed`                                nobody: the resource was closed
`WouldBlock`                                    the programmer: this wait could never end
`Busy`                                          the caller, later: somebody else is at it
`EndlessLoop`                                   the programmer: the run makes no headway
==================  ==========================  =========================================

Each error has `code`, `aws_message` (the text AWS sends, with AWS's names), `help` (ours: what was
given, what is allowed, what to do), `operation` and `resource`.
"""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = [
    "BatchEntryIdsNotDistinct",
    "BatchRequestTooLong",
    "Busy",
    "EmptyBatchRequest",
    "EndlessLoop",
    "InvalidAttributeName",
    "InvalidAttributeValue",
    "InvalidBatchEntryId",
    "InvalidInput",
    "InvalidMessageContents",
    "InvalidParameterValue",
    "InvalidRequest",
    "LimitReached",
    "MissingParameter",
    "NotFound",
    "NotSupported",
    "OverLimit",
    "PostroomError",
    "QueueDoesNotExist",
    "QueueNameExists",
    "ReceiptHandleIsInvalid",
    "ResourceClosed",
    "ResourceConflict",
    "TooManyEntriesInBatchRequest",
    "WouldBlock",
]


class PostroomError(Exception):
    """
    The root of all errors of postroom.

    >>> from postroom.errors import MissingParameter
    >>> error = MissingParameter("The request must contain the parameter MessageBody.", help="body was ''")
    >>> error.code, error.aws_message, error.help
    ('MissingParameter', 'The request must contain the parameter MessageBody.', "body was ''")
    >>> print(error)
    The request must contain the parameter MessageBody.
      body was ''

    Args:
        aws_message: AWS's exact text, or ours where AWS has no such error.
        help: What was given, what is allowed and what to do.
        operation: The method that failed, such as ``send_message``.
        resource: The name of the resource that refused.
    """

    code: ClassVar[str] = "PostroomError"

    def __init__(
        self, aws_message: str = "", *, help: str = "", operation: str | None = None, resource: str | None = None
    ) -> None:
        super().__init__(aws_message)
        self.aws_message = aws_message
        self.help = help
        self.operation = operation
        self.resource = resource

    def __str__(self) -> str:
        return "\n  ".join(part for part in (self.aws_message, self.help) if part)

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception's own way of pickling calls the class with `args` alone and would lose the keywords.
        return _rebuild, (type(self), self.aws_message, self.__dict__.copy())


def _rebuild(kind: type[PostroomError], aws_message: str, state: dict[str, Any]) -> PostroomError:
    error = kind(aws_message)
    error.__dict__.update(state)
    return error


class InvalidRequest(PostroomError, ValueError):
    """
    The caller's fault: an argument is not acceptable, whatever the state of the resource.
    """

    code = "InvalidRequest"


class NotFound(PostroomError, LookupError):
    """
    What was named does not exist.
    """

    code = "NotFound"


class LimitReached(PostroomError):
    """
    A quota is used up; the same call may succeed later.
    """

    code = "LimitReached"


class ResourceClosed(PostroomError):
    """
    The resource was closed; waiters are woken with this error.
    """

    code = "ResourceClosed"


class WouldBlock(PostroomError):
    """
    The wait could never end, because the thread that would have to move time is the one that waits.
    """

    code = "WouldBlock"


class Busy(PostroomError):
    """
    Another thread is doing what only one may do at a time, or no thread is free to do it.
    """

    code = "Busy"


class EndlessLoop(PostroomError):
    """
    A run that makes no headway was stopped.

    Callbacks cause one another without time moving, or time moves for a waiter and nothing ever happens.
    """

    code = "EndlessLoop"


class InvalidInput(InvalidRequest):
    """
    An argument that AWS's API could not even express: a duration that is NaN, a body that is no `str`.
    """

    code = "InvalidInput"


class NotSupported(InvalidRequest):
    """
    A parameter or an operation that AWS has and postroom has not; `docs/fidelity.md` gives the reason.
    """

    code = "NotSupported"


class InvalidParameterValue(InvalidRequest):
    """
    SQS: a parameter is out of its range or of the wrong form (SQS 6.3).
    """

    code = "InvalidParameterValue"


class MissingParameter(InvalidRequest):
    """
    SQS: a parameter that the operation cannot do without is missing or empty (SQS 6.3).
    """

    code = "MissingParameter"


class InvalidMessageContents(InvalidRequest):
    """
    SQS: the body holds characters outside the allowed set (SQS 6.2).
    """

    code = "InvalidMessageContents"


class InvalidAttributeName(InvalidRequest):
    """
    SQS: no such queue attribute, or not for this type of queue (SQS 1.1).
    """

    code = "InvalidAttributeName"


class InvalidAttributeValue(InvalidRequest):
    """
    SQS: a queue attribute is out of its range (SQS 1.1).
    """

    code = "InvalidAttributeValue"


class ReceiptHandleIsInvalid(InvalidRequest):
    """
    SQS: the string is no receipt handle, or one of another queue (SQS 2.2).
    """

    code = "ReceiptHandleIsInvalid"


class EmptyBatchRequest(InvalidRequest):
    """
    SQS: a batch call without entries (SQS 6.4).
    """

    code = "AWS.SimpleQueueService.EmptyBatchRequest"


class TooManyEntriesInBatchRequest(InvalidRequest):
    """
    SQS: a batch call with more than ten entries (SQS 6.4).
    """

    code = "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"


class InvalidBatchEntryId(InvalidRequest):
    """
    SQS: the id of a batch entry is empty, too long or holds other characters (SQS 6.4).
    """

    code = "AWS.SimpleQueueService.InvalidBatchEntryId"


class BatchEntryIdsNotDistinct(InvalidRequest):
    """
    SQS: two entries of a batch share an id (SQS 6.4).
    """

    code = "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"


class BatchRequestTooLong(InvalidRequest):
    """
    SQS: the entries of a batch are too large together (SQS 6.4).
    """

    code = "AWS.SimpleQueueService.BatchRequestTooLong"


class QueueNameExists(InvalidRequest):
    """
    SQS: the region has a queue of that name with another value for an attribute (SQS 8.3).
    """

    code = "QueueAlreadyExists"


class QueueDoesNotExist(NotFound):
    """
    SQS: there is no queue of that name or ARN (SQS 6.3).
    """

    code = "AWS.SimpleQueueService.NonExistentQueue"


class ResourceConflict(InvalidRequest):
    """
    Lambda: the queue feeds the function already (DEL C1).
    """

    code = "ResourceConflictException"


class OverLimit(LimitReached):
    """
    SQS: too many messages are in flight (SQS 3.5).
    """

    code = "OverLimit"
