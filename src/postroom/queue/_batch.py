"""
Batch calls: what goes in, what comes out, and the checks that refuse a whole call (SQS 6.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

from postroom.errors import (
    BatchEntryIdsNotDistinct,
    EmptyBatchRequest,
    InvalidInput,
    PostroomError,
    TooManyEntriesInBatchRequest,
)
from postroom.limits import MAX_MESSAGES_MAX
from postroom.naming import check_batch_entry_id

if TYPE_CHECKING:
    from postroom.clock import Duration
    from postroom.message import AttributeInput


class SendEntry(NamedTuple):
    """
    One message of `Queue.send_message_batch`.

    >>> SendEntry("2 x tea", delay=5).body
    '2 x tea'
    """

    body: str
    """1 character or more."""
    delay: Duration | None = None
    """Seconds until it is available, 0 to 900; None: the queue's."""
    attributes: Mapping[str, AttributeInput] | None = None
    """Up to ten message attributes."""
    id: str | None = None
    """Names the entry in the outcome; None: its index."""


class DeleteEntry(NamedTuple):
    """
    One deletion of `Queue.delete_message_batch`.

    >>> DeleteEntry("AQEB…", id="first").id
    'first'
    """

    receipt_handle: str
    """Of a received message."""
    id: str | None = None
    """Names the entry in the outcome; None: its index."""


class VisibilityEntry(NamedTuple):
    """
    One change of `Queue.change_message_visibility_batch`.

    >>> VisibilityEntry("AQEB…", 60).timeout
    60
    """

    receipt_handle: str
    """Of a received message."""
    timeout: Duration
    """Seconds from now, 0 to 43200."""
    id: str | None = None
    """Names the entry in the outcome; None: its index."""


class BatchFailure(NamedTuple):
    """
    An entry that failed; the others went through.
    """

    id: str
    """The entry's id."""
    code: str
    """The AWS code."""
    message: str
    """AWS's text."""
    sender_fault: bool
    """Whether the caller is to blame; always true here."""
    error: PostroomError
    """What the single call would have raised."""

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict, without the error object.
        """
        return {"id": self.id, "code": self.code, "message": self.message, "sender_fault": self.sender_fault}


R = TypeVar("R")


class BatchSuccess(NamedTuple, Generic[R]):
    """
    An entry that went through.
    """

    id: str
    """The entry's id."""
    result: R
    """What the single call would have returned."""


class BatchOutcome(NamedTuple, Generic[R]):
    """
    What became of each entry of a batch call, in the order of the entries.

    >>> from postroom import ManualClock, Queue
    >>> queue = Queue("orders", clock=ManualClock())
    >>> outcome = queue.send_message_batch(["2 x tea", chr(0)])
    >>> [success.id for success in outcome.successful], [failure.code for failure in outcome.failed]
    (['0'], ['InvalidMessageContents'])
    """

    successful: list[BatchSuccess[R]]
    """The entries that went through."""
    failed: list[BatchFailure]
    """The entries that did not."""

    def raise_for_failures(self) -> None:
        """
        Raises an `ExceptionGroup` of the errors of the entries that failed; does nothing if none did.
        """
        if self.failed:
            entries = len(self.failed) + len(self.successful)
            raise ExceptionGroup(
                f"{len(self.failed)} of {entries} batch entries failed", [failure.error for failure in self.failed]
            )

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict.
        """
        results = [
            {"id": id_, **(result.to_dict() if hasattr(result, "to_dict") else {})} for id_, result in self.successful
        ]
        return {"successful": results, "failed": [failure.to_dict() for failure in self.failed]}


class _Entry(Protocol):
    @property
    def id(self) -> str | None: ...


E = TypeVar("E", bound=_Entry)


def with_ids(entries: Iterable[E], operation: str) -> list[tuple[str, E]]:
    """
    The entries with their ids, after the checks that refuse a whole call.

    Raises:
        EmptyBatchRequest: There are none.
        TooManyEntriesInBatchRequest: There are more than ten.
        InvalidBatchEntryId: An id is empty, too long, or has other characters.
        BatchEntryIdsNotDistinct: Two have the same.
    """
    found = [(str(index) if entry.id is None else entry.id, entry) for index, entry in enumerate(entries)]
    if not found:
        raise EmptyBatchRequest(
            f"There should be at least one {operation}RequestEntry in the request.", help="Give 1 to 10 entries."
        )
    if len(found) > MAX_MESSAGES_MAX:
        raise TooManyEntriesInBatchRequest(
            f"Maximum number of entries per request are {MAX_MESSAGES_MAX}. You have sent {len(found)}.",
            help="Split them into calls of up to ten.",
        )
    seen: set[str] = set()
    for id_, _ in found:
        check_batch_entry_id(id_)
    for id_, _ in found:
        if id_ in seen:
            raise BatchEntryIdsNotDistinct(
                f"Id {id_} repeated.", help="Give each entry an id of its own, or none: then its index is its id."
            )
        seen.add(id_)
    return found


def refuse_type(kind: type, given: object) -> InvalidInput:
    """
    The error for a batch entry of a wrong type.
    """
    return InvalidInput(f"{given!r} is no entry of this batch call.", help=f"Give {kind.__name__}(…) objects.")


def failure(id_: str, error: PostroomError) -> BatchFailure:
    """
    The entry of the outcome for an error.
    """
    return BatchFailure(id_, error.code, error.aws_message, sender_fault=True, error=error)
