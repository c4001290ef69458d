"""
Errors of topics: the codes of SNS.
"""

from __future__ import annotations

from postroom.errors._base import InvalidRequest, NotFound


class InvalidParameter(InvalidRequest):
    """
    SNS: a parameter is not acceptable; nearly every refusal of a topic is this one (SNS 13.1).
    """

    code = "InvalidParameter"


class ParameterValueInvalid(InvalidRequest):
    """
    SNS: a message attribute is not acceptable (SNS 2.4).
    """

    code = "ParameterValueInvalid"


class TopicValidationError(InvalidRequest):
    """
    SNS: a member that must be there is not (SNS 2.4).
    """

    code = "ValidationError"


class TopicEmptyBatchRequest(InvalidRequest):
    """
    SNS: a batch call without entries (SNS 3).
    """

    code = "EmptyBatchRequest"


class TopicTooManyEntriesInBatchRequest(InvalidRequest):
    """
    SNS: a batch call with more than ten entries (SNS 3).
    """

    code = "TooManyEntriesInBatchRequest"


class TopicInvalidBatchEntryId(InvalidRequest):
    """
    SNS: the id of a batch entry is empty, too long or holds other characters (SNS 3).
    """

    code = "InvalidBatchEntryId"


class TopicBatchEntryIdsNotDistinct(InvalidRequest):
    """
    SNS: two entries of a batch share an id (SNS 3).
    """

    code = "BatchEntryIdsNotDistinct"


class TopicBatchRequestTooLong(InvalidRequest):
    """
    SNS: the entries of a batch are too large together (SNS 3).
    """

    code = "BatchRequestTooLong"


class TopicDoesNotExist(NotFound):
    """
    SNS: there is no topic, or no subscription, of that ARN (SNS 1.1, 6.4).
    """

    code = "NotFound"
