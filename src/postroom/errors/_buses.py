"""
Errors of event buses: the codes of EventBridge.
"""

from __future__ import annotations

from postroom.errors._base import InvalidRequest, LimitReached, NotFound


class EventsValidationError(InvalidRequest):
    """
    EventBridge: a parameter breaks a constraint, or a check of meaning (EB 15).
    """

    code = "ValidationException"


class EventsResourceNotFound(NotFound):
    """
    EventBridge: there is no such bus, rule or target (EB 2, 3).
    """

    code = "ResourceNotFoundException"


class EventsResourceAlreadyExists(InvalidRequest):
    """
    EventBridge: the name is taken (EB 2).
    """

    code = "ResourceAlreadyExistsException"


class EventsLimitExceeded(LimitReached):
    """
    EventBridge: a quota is used up: five targets a rule, say (EB 4).
    """

    code = "LimitExceededException"


class InvalidEventPattern(InvalidRequest):
    """
    EventBridge: the text is no event pattern (PAT 9).
    """

    code = "InvalidEventPatternException"


class InvalidArgument(InvalidRequest):
    """
    EventBridge: an entry lacks what it must have (EB 1).
    """

    code = "InvalidArgument"


class MalformedDetail(InvalidRequest):
    """
    EventBridge: the detail of an entry is no JSON object (EB 1).
    """

    code = "MalformedDetail"


class NotAuthorizedForSource(InvalidRequest):
    """
    EventBridge: sources that begin with ``aws.`` are AWS's own (EB 1).
    """

    code = "NotAuthorizedForSourceException"
