"""
Every error postroom raises, in one tree.

The bases say who has to act; the leaves say what went wrong and carry the code AWS gives it.

=====================  ==========================  =========================================
Base                   also a                      who acts
=====================  ==========================  =========================================
`InvalidRequest`       `ValueError`                the caller: an argument is not acceptable
`NotFound`             `LookupError`               the caller: what was named does not exist
`LimitReached`                                     the caller, later: a quota is used up
`ResourceClosed`                                   nobody: the resource was closed
`WouldBlock`                                       the programmer: this wait could never end
`Busy`                                             the caller, later: somebody else is at it
`EndlessLoop`                                      the programmer: the run makes no headway
`LostAcknowledgement`                              nobody: a plan of faults did it, and it is tried again
=====================  ==========================  =========================================

Each error has `code`, `aws_message` (the text AWS sends, with AWS's names), `help` (ours: what was
given, what is allowed, what to do), `operation` and `resource`.
"""

from __future__ import annotations

from postroom.errors._base import (
    Busy,
    EndlessLoop,
    InvalidInput,
    InvalidRequest,
    LimitReached,
    LostAcknowledgement,
    NotFound,
    NotSupported,
    PostroomError,
    ResourceClosed,
    WouldBlock,
)
from postroom.errors._buses import (
    EventsLimitExceeded,
    EventsResourceAlreadyExists,
    EventsResourceNotFound,
    EventsValidationError,
    EventTooComplex,
    InvalidArgument,
    InvalidEventPattern,
    MalformedDetail,
    NotAuthorizedForSource,
    PatternFault,
)
from postroom.errors._delivery_streams import (
    FirehoseInvalidArgument,
    FirehoseResourceInUse,
    FirehoseResourceNotFound,
    FirehoseServiceUnavailable,
    ObjectNotWritten,
)
from postroom.errors._functions import (
    FunctionInvalidParameterValue,
    FunctionValidationError,
    InvalidRequestContent,
    RequestTooLarge,
    ResourceConflict,
)
from postroom.errors._queues import (
    BatchEntryIdsNotDistinct,
    BatchRequestTooLong,
    EmptyBatchRequest,
    InvalidAttributeName,
    InvalidAttributeValue,
    InvalidBatchEntryId,
    InvalidMessageContents,
    InvalidParameterValue,
    MissingParameter,
    OverLimit,
    PurgeQueueInProgress,
    QueueDeletedRecently,
    QueueDoesNotExist,
    QueueNameExists,
    QueueResourceNotFound,
    ReceiptHandleIsInvalid,
    RequestThrottled,
    TooManyEntriesInBatchRequest,
)
from postroom.errors._streams import (
    ExpiredIterator,
    KinesisInvalidArgument,
    KinesisLimitExceeded,
    KinesisResourceInUse,
    KinesisResourceNotFound,
    KinesisValidationError,
    ProvisionedThroughputExceeded,
)
from postroom.errors._topics import (
    InvalidParameter,
    ParameterValueInvalid,
    TopicBatchEntryIdsNotDistinct,
    TopicBatchRequestTooLong,
    TopicDoesNotExist,
    TopicEmptyBatchRequest,
    TopicInvalidBatchEntryId,
    TopicTooManyEntriesInBatchRequest,
    TopicValidationError,
)

__all__ = [
    "BatchEntryIdsNotDistinct",
    "BatchRequestTooLong",
    "Busy",
    "EmptyBatchRequest",
    "EndlessLoop",
    "EventTooComplex",
    "EventsLimitExceeded",
    "EventsResourceAlreadyExists",
    "EventsResourceNotFound",
    "EventsValidationError",
    "ExpiredIterator",
    "FirehoseInvalidArgument",
    "FirehoseResourceInUse",
    "FirehoseResourceNotFound",
    "FirehoseServiceUnavailable",
    "FunctionInvalidParameterValue",
    "FunctionValidationError",
    "InvalidArgument",
    "InvalidAttributeName",
    "InvalidAttributeValue",
    "InvalidBatchEntryId",
    "InvalidEventPattern",
    "InvalidInput",
    "InvalidMessageContents",
    "InvalidParameter",
    "InvalidParameterValue",
    "InvalidRequest",
    "InvalidRequestContent",
    "KinesisInvalidArgument",
    "KinesisLimitExceeded",
    "KinesisResourceInUse",
    "KinesisResourceNotFound",
    "KinesisValidationError",
    "LimitReached",
    "LostAcknowledgement",
    "MalformedDetail",
    "MissingParameter",
    "NotAuthorizedForSource",
    "NotFound",
    "NotSupported",
    "ObjectNotWritten",
    "OverLimit",
    "ParameterValueInvalid",
    "PatternFault",
    "PostroomError",
    "ProvisionedThroughputExceeded",
    "PurgeQueueInProgress",
    "QueueDeletedRecently",
    "QueueDoesNotExist",
    "QueueNameExists",
    "QueueResourceNotFound",
    "ReceiptHandleIsInvalid",
    "RequestThrottled",
    "RequestTooLarge",
    "ResourceClosed",
    "ResourceConflict",
    "TooManyEntriesInBatchRequest",
    "TopicBatchEntryIdsNotDistinct",
    "TopicBatchRequestTooLong",
    "TopicDoesNotExist",
    "TopicEmptyBatchRequest",
    "TopicInvalidBatchEntryId",
    "TopicTooManyEntriesInBatchRequest",
    "TopicValidationError",
    "WouldBlock",
]

# They are looked up, shown and pickled as `postroom.errors.X`: in which module of this room one stands is no matter.
for _name in __all__:
    globals()[_name].__module__ = __name__
