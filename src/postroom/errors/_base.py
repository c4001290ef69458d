"""
The root of all errors, and the bases that say who has to act.
"""

from __future__ import annotations

from typing import Any, ClassVar


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


class LostAcknowledgement(PostroomError):
    """
    A plan of faults lost the answer of a destination that did take what it was given: it is delivered again.
    """

    code = "LostAcknowledgement"
