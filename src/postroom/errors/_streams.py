"""
Errors of streams: the codes of Kinesis.
"""

from __future__ import annotations

from postroom.errors._base import InvalidRequest, LimitReached, NotFound


class KinesisValidationError(InvalidRequest):
    """
    Kinesis: a parameter is of the wrong form (KIN 12).
    """

    code = "ValidationException"


class KinesisInvalidArgument(InvalidRequest):
    """
    Kinesis: an argument makes no sense, or not with the others (KIN 12).
    """

    code = "InvalidArgumentException"


class KinesisLimitExceeded(LimitReached):
    """
    Kinesis: there would be more shards than there may be (KIN 12).
    """

    code = "LimitExceededException"


class KinesisResourceNotFound(NotFound):
    """
    Kinesis: there is no such stream or shard (KIN 12).
    """

    code = "ResourceNotFoundException"


class KinesisResourceInUse(InvalidRequest):
    """
    Kinesis: the name is taken, or the stream is busy (KIN 12).
    """

    code = "ResourceInUseException"


class ExpiredIterator(InvalidRequest):
    """
    Kinesis: a shard iterator is older than five minutes (KIN 6).
    """

    code = "ExpiredIteratorException"


class ProvisionedThroughputExceeded(LimitReached):
    """
    Kinesis: a shard takes or gives no more in this second (KIN 5, 6).
    """

    code = "ProvisionedThroughputExceededException"
