"""
Errors of functions and their event sources: the codes of Lambda.
"""

from __future__ import annotations

from postroom.errors._base import InvalidRequest


class ResourceConflict(InvalidRequest):
    """
    Lambda: the queue or stream feeds the function already (DEL C1).
    """

    code = "ResourceConflictException"


class FunctionInvalidParameterValue(InvalidRequest):
    """
    Lambda: a parameter of a function or an event source is out of its range (DEL C1, D).
    """

    code = "InvalidParameterValueException"


class FunctionValidationError(InvalidRequest):
    """
    Lambda: a parameter has a value that it cannot have (DEL C1).
    """

    code = "ValidationException"


class InvalidRequestContent(InvalidRequest):
    """
    Lambda: the payload of an invocation is no JSON (DEL D).
    """

    code = "InvalidRequestContentException"


class RequestTooLarge(InvalidRequest):
    """
    Lambda: the payload of an invocation is too long (DEL D).
    """

    code = "RequestTooLargeException"
