"""
Errors of event buses: the codes of EventBridge.
"""

from __future__ import annotations

from typing import Any, NamedTuple

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


class PatternFault(NamedTuple):
    """
    One thing that is wrong with an event pattern, and where.

    >>> from postroom import Pattern
    >>> try:
    ...     Pattern('{"detail": {"state": "paid"}}')
    ... except InvalidEventPattern as error:
    ...     fault = error.faults[0]
    >>> fault.path, fault.line, fault.column
    ('detail.state', 1, 23)
    >>> fault.instead
    '"state": ["paid"]'
    """

    reason: str
    """AWS's text."""
    path: str
    """The keys from the outermost in, joined by dots, and ``[n]`` for the nth entry of a list, from 0; "" at the top."""
    line: int
    """From 1."""
    column: int
    """From 1: just past what AWS's parser, which looks one token ahead, had read when it saw it (PAT 9)."""
    instead: str
    """What to write."""

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict, each field under its name.

        >>> PatternFault("Empty arrays are not allowed", "a", 1, 8, "[null]").to_dict()["path"]
        'a'
        """
        return self._asdict()


class InvalidEventPattern(InvalidRequest):
    """
    EventBridge: the text is no event pattern (PAT 9).

    `aws_message` is about the first fault, as AWS's is.

    >>> from postroom import Pattern
    >>> try:
    ...     Pattern('{"source": "shop", "detail": {"state": [{"prefx": "pa"}]}}')
    ... except InvalidEventPattern as error:
    ...     print(error.help)
    ...     [fault.reason for fault in error.faults]
    At source, write: "source": ["shop"]
      There is one more fault; `faults` has all.
    ['"source" must be an object or an array', 'Unrecognized match type prefx']
    """

    code = "InvalidEventPatternException"
    faults: tuple[PatternFault, ...] = ()
    """All faults, in the order in which they were found: in that of the text, if the dialect does not say otherwise."""


class EventTooComplex(InvalidRequest):
    """
    EventBridge: the event and the pattern make more work than anybody means to do; AWS does not say what it does then.

    A pattern that names many keys in arrays of objects can be satisfied in very many ways (PAT 4).
    """

    code = "EventTooComplex"


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
