"""
Errors of queues: the codes of SQS.
"""

from __future__ import annotations

from postroom.errors._base import InvalidRequest, LimitReached, NotFound


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


class OverLimit(LimitReached):
    """
    SQS: too many messages are in flight (SQS 3.5).
    """

    code = "OverLimit"


class QueueDeletedRecently(LimitReached):
    """
    SQS: a queue of that name was deleted less than 60 seconds ago (SQS 8.2).
    """

    code = "AWS.SimpleQueueService.QueueDeletedRecently"


class PurgeQueueInProgress(LimitReached):
    """
    SQS: the queue was purged less than 60 seconds ago (SQS 8.1).
    """

    code = "AWS.SimpleQueueService.PurgeQueueInProgress"


class QueueResourceNotFound(NotFound):
    """
    SQS: the queue or the task that a message move task names is not there (SQS 7.4).
    """

    code = "ResourceNotFoundException"


class RequestThrottled(LimitReached):
    """
    SQS: too many calls a second (SQS 3.5), or a plan of faults has the call refused (SQS 9).
    """

    code = "RequestThrottled"
