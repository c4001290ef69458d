"""
Batch calls: what goes in, what comes out, and the checks that refuse a whole call (SQS 6.4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeVar

from postroom.errors import (
    BatchEntryIdsNotDistinct,
    EmptyBatchRequest,
    InvalidInput,
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
    message_group_id: str | None = None
    """In a FIFO queue its group; in a standard queue the tenant it belongs to, or None."""
    message_deduplication_id: str | None = None
    """For a FIFO queue: what was sent with the same within five minutes is not stored again."""
    system_attributes: Mapping[str, AttributeInput] | None = None
    """``AWSTraceHeader`` alone."""


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


def nothing(_: object) -> None:
    """
    What a deletion or a change of visibility has for a result.
    """


INDEXES: Final = tuple(str(index) for index in range(MAX_MESSAGES_MAX))
"""The ids of entries that give none."""


class _Entry(Protocol):
    @property
    def id(self) -> str | None: ...


E = TypeVar("E", bound=_Entry)


def with_ids(entries: Iterable[E], operation: str, most: int) -> list[tuple[str, E]]:
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
            f"There should be at least one {operation.title().replace('_', '')}RequestEntry in the request.",
            help="Give 1 to 10 entries.",
        )
    if len(found) > most:
        raise TooManyEntriesInBatchRequest(
            f"Maximum number of entries per request are {most}. You have sent {len(found)}.",
            help=f"Split them into calls of up to {most}.",
        )
    if all(entry.id is None for _, entry in found):
        return found
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


N = TypeVar("N", SendEntry, DeleteEntry, VisibilityEntry)


def listed(kind: type[N], entries: Iterable[N | str], of_str: Callable[[str], N] | None) -> list[N]:
    """
    The entries of a batch call as a list of one kind, which `of_str` makes of a `str`.

    Raises:
        InvalidInput: They are no list, or one is of another kind.
    """
    if isinstance(entries, str | bytes) or not isinstance(entries, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidInput(
            "The entries of a batch call must be a list.",
            help=f"got a value of type {type(entries).__name__}; put one entry into a list",
        )
    found: list[N] = []
    for entry in entries:
        one = of_str(entry) if of_str is not None and isinstance(entry, str) else entry
        if not isinstance(one, kind):
            raise InvalidInput(
                f"{one!r} is no entry of this batch call.",
                help=f"Give {kind.__name__}(…) objects{'' if of_str is None else ', or str'}.",
            )
        found.append(one)
    return found
