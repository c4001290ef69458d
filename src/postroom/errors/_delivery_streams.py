"""
Errors of delivery streams: the codes of Firehose.
"""

from __future__ import annotations

from postroom.errors._base import InvalidRequest, LimitReached, NotFound


class FirehoseInvalidArgument(InvalidRequest):
    """
    Firehose: an argument is not acceptable (DEL A1).
    """

    code = "InvalidArgumentException"


class FirehoseResourceNotFound(NotFound):
    """
    Firehose: there is no such delivery stream (DEL A1).
    """

    code = "ResourceNotFoundException"


class FirehoseResourceInUse(InvalidRequest):
    """
    Firehose: the name is taken (DEL A1).
    """

    code = "ResourceInUseException"


class FirehoseServiceUnavailable(LimitReached):
    """
    Firehose: it takes no more records at the moment (DEL A1).
    """

    code = "ServiceUnavailableException"


class ObjectNotWritten(LimitReached):
    """
    A delivery stream could not write to its store; nothing is lost, and its ``undelivered`` tells what is kept.

    The error of the store is its ``__cause__``. AWS has no such error: nobody there waits for a write.
    """

    code = "ObjectNotWritten"
