"""
Errors: one tree, one class a code, nothing lost by pickling.
"""

from __future__ import annotations

import copy
import inspect
import pickle
import re

import pytest

from postroom import errors
from postroom.errors import PostroomError

CLASSES: list[type[PostroomError]] = [
    one
    for _, one in inspect.getmembers(errors, inspect.isclass)
    if issubclass(one, PostroomError) and one.__module__ == errors.__name__
]
BASES: dict[str, type[Exception] | None] = {
    "InvalidRequest": ValueError,
    "NotFound": LookupError,
    "LimitReached": None,
    "ResourceClosed": None,
    "WouldBlock": None,
    "Busy": None,
    "EndlessLoop": None,
    "LostAcknowledgement": None,
}
BUILT_IN: list[type[Exception]] = [ValueError, LookupError]
MODULES = {
    name: module.__name__
    for module in vars(errors).values()
    if inspect.ismodule(module)
    for name in vars(module)
    if name in errors.__all__ and f"class {name}(" in inspect.getsource(module)
}
"""In which module of the room, so of which service, each class stands."""
every_class = pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)

VALUES = ["PatternFault"]
"""What errors carry."""

AWS_CODES = {
    "BatchEntryIdsNotDistinct": "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
    "BatchRequestTooLong": "AWS.SimpleQueueService.BatchRequestTooLong",
    "EmptyBatchRequest": "AWS.SimpleQueueService.EmptyBatchRequest",
    "EventsLimitExceeded": "LimitExceededException",
    "EventsResourceAlreadyExists": "ResourceAlreadyExistsException",
    "EventsResourceNotFound": "ResourceNotFoundException",
    "EventsValidationError": "ValidationException",
    "ExpiredIterator": "ExpiredIteratorException",
    "FirehoseInvalidArgument": "InvalidArgumentException",
    "FirehoseResourceInUse": "ResourceInUseException",
    "FirehoseResourceNotFound": "ResourceNotFoundException",
    "FirehoseServiceUnavailable": "ServiceUnavailableException",
    "FunctionInvalidParameterValue": "InvalidParameterValueException",
    "FunctionValidationError": "ValidationException",
    "InvalidBatchEntryId": "AWS.SimpleQueueService.InvalidBatchEntryId",
    "InvalidEventPattern": "InvalidEventPatternException",
    "InvalidRequestContent": "InvalidRequestContentException",
    "KinesisLimitExceeded": "LimitExceededException",
    "KinesisInvalidArgument": "InvalidArgumentException",
    "KinesisResourceInUse": "ResourceInUseException",
    "KinesisResourceNotFound": "ResourceNotFoundException",
    "KinesisValidationError": "ValidationException",
    "NotAuthorizedForSource": "NotAuthorizedForSourceException",
    "ProvisionedThroughputExceeded": "ProvisionedThroughputExceededException",
    "PurgeQueueInProgress": "AWS.SimpleQueueService.PurgeQueueInProgress",
    "QueueDeletedRecently": "AWS.SimpleQueueService.QueueDeletedRecently",
    "RequestThrottled": "RequestThrottled",
    "QueueResourceNotFound": "ResourceNotFoundException",
    "QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue",
    "QueueNameExists": "QueueAlreadyExists",
    "RequestTooLarge": "RequestTooLargeException",
    "ResourceConflict": "ResourceConflictException",
    "TooManyEntriesInBatchRequest": "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
    "TopicBatchEntryIdsNotDistinct": "BatchEntryIdsNotDistinct",
    "TopicBatchRequestTooLong": "BatchRequestTooLong",
    "TopicDoesNotExist": "NotFound",
    "TopicEmptyBatchRequest": "EmptyBatchRequest",
    "TopicInvalidBatchEntryId": "InvalidBatchEntryId",
    "TopicTooManyEntriesInBatchRequest": "TooManyEntriesInBatchRequest",
    "TopicValidationError": "ValidationError",
}
"""Codes that are not the name of the class (SQS 6.3, 6.4, 8.3; SNS 13.1; EB 15; KIN 12; DEL A1, C1)."""


def made(kind: type[PostroomError]) -> PostroomError:
    return kind("AWS's text", help="our help", operation="send_message", resource="orders")


def test_all_names_every_error_in_order() -> None:
    assert errors.__all__ == sorted([*(kind.__name__ for kind in CLASSES), *VALUES])


@every_class
def test_every_error_has_the_root_and_one_base(kind: type[PostroomError]) -> None:
    bases = [name for name in BASES if issubclass(kind, getattr(errors, name))]

    assert issubclass(kind, PostroomError)
    assert len(bases) == (0 if kind is PostroomError else 1)


@every_class
def test_the_callers_fault_is_a_value_error_and_what_is_missing_a_lookup_error(kind: type[PostroomError]) -> None:
    built_in = {BASES[name] for name in BASES if issubclass(kind, getattr(errors, name))} - {None}

    assert {one for one in BUILT_IN if issubclass(kind, one)} == built_in


@every_class
def test_the_code_is_awss(kind: type[PostroomError]) -> None:
    assert kind.code == AWS_CODES.get(kind.__name__, kind.__name__)
    assert "code" in vars(kind)


def test_there_is_one_class_a_service_and_code() -> None:
    for module in {MODULES[kind.__name__] for kind in CLASSES}:
        codes = [kind.code for kind in CLASSES if MODULES[kind.__name__] == module]

        assert len(set(codes)) == len(codes)


@every_class
def test_an_error_keeps_all_it_was_given(kind: type[PostroomError]) -> None:
    error = made(kind)

    assert error.args == ("AWS's text",)
    assert vars(error) == {
        "aws_message": "AWS's text",
        "help": "our help",
        "operation": "send_message",
        "resource": "orders",
    }


@every_class
@pytest.mark.parametrize("through", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_copies_have_all_fields(kind: type[PostroomError], through: object) -> None:
    error = made(kind)
    error.add_note("and a note")
    again = through(error)  # type: ignore[operator]

    assert type(again) is kind
    assert (again.args, vars(again), str(again)) == (error.args, vars(error), str(error))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_pickle_protocol_will_do(protocol: int) -> None:
    error = made(errors.OverLimit)

    assert vars(pickle.loads(pickle.dumps(error, protocol))) == vars(error)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (PostroomError("theirs", help="ours"), "theirs\n  ours"),
        (PostroomError("theirs"), "theirs"),
        (PostroomError(help="ours"), "ours"),
        (PostroomError(), ""),
    ],
)
def test_the_text_shows_both(error: PostroomError, text: str) -> None:
    assert str(error) == text


@every_class
def test_every_error_says_what_it_is_about(kind: type[PostroomError]) -> None:
    doc = inspect.getdoc(kind) or ""

    assert doc != inspect.getdoc(kind.__mro__[1])
    assert kind.__name__ not in AWS_CODES or re.search(r"\((SQS|SNS|EB|PAT|EP|KIN|DEL) [A-Z0-9]", doc)
