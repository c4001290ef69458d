"""
What becomes of the entries of a batch call: in order, one bad entry failing alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from postroom.errors import PostroomError

E = TypeVar("E")
P = TypeVar("P")


class BatchFailure(NamedTuple):
    """
    An entry that failed; the others went through.

    >>> from postroom import ManualClock, Queue
    >>> [failure] = Queue("orders", clock=ManualClock()).send_message_batch([""]).failed
    >>> failure.id, failure.code, failure.error.help
    ('0', 'MissingParameter', "the body was ''")
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

        >>> from postroom import ManualClock, Queue
        >>> [failure] = Queue("orders", clock=ManualClock()).send_message_batch([""]).failed
        >>> failure.to_dict()["message"]
        'The request must contain the parameter MessageBody.'
        """
        return {"id": self.id, "code": self.code, "message": self.message, "sender_fault": self.sender_fault}


R = TypeVar("R")


class BatchSuccess(NamedTuple, Generic[R]):
    """
    An entry that went through.

    >>> from postroom import ManualClock, Queue
    >>> [success] = Queue("orders", clock=ManualClock()).send_message_batch(["2 x tea"]).successful
    >>> success.id, len(success.result.message_id)
    ('0', 36)
    """

    id: str
    """The entry's id."""
    result: R
    """What the single call would have returned."""

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict: the id, and the result's own fields.

        >>> BatchSuccess("0", None).to_dict()
        {'id': '0'}
        """
        return {"id": self.id, **_as_dict(self.result)}


class BatchOutcome(Generic[R]):
    """
    What became of each entry of a batch call, in the order of the entries.

    >>> from postroom import ManualClock, Queue
    >>> queue = Queue("orders", clock=ManualClock())
    >>> outcome = queue.send_message_batch(["2 x tea", chr(0)])
    >>> [success.id for success in outcome.successful], [failure.code for failure in outcome.failed]
    (['0'], ['InvalidMessageContents'])
    """

    # The two lists are made when somebody looks: most callers look at the failures alone, and there are none.
    __slots__ = ("_failed", "_ids", "_make", "_results", "_successful")

    def __init__(
        self,
        ids: Sequence[str],
        results: Sequence[Any],
        make: Callable[[Any], R],
        *,
        has_failures: bool,
    ) -> None:
        self._ids = ids
        self._results = results
        self._make = make
        self._successful: list[BatchSuccess[R]] | None = None
        self._failed: list[BatchFailure] | None = None if has_failures else []

    @property
    def successful(self) -> list[BatchSuccess[R]]:
        """
        The entries that went through.
        """
        if self._successful is None:
            self._successful = [
                BatchSuccess(id_, self._make(result))
                for id_, result in zip(self._ids, self._results, strict=True)
                if not isinstance(result, PostroomError)
            ]
        return self._successful

    @property
    def failed(self) -> list[BatchFailure]:
        """
        The entries that did not.
        """
        if self._failed is None:
            self._failed = [
                BatchFailure(id_, result.code, result.aws_message, sender_fault=True, error=result)
                for id_, result in zip(self._ids, self._results, strict=True)
                if isinstance(result, PostroomError)
            ]
        return self._failed

    def raise_for_failures(self) -> None:
        """
        Raises an `ExceptionGroup` of the errors of the entries that failed; does nothing if none did.

        >>> from postroom import ManualClock, Queue
        >>> Queue("orders", clock=ManualClock()).send_message_batch(["2 x tea", ""]).raise_for_failures()
        Traceback (most recent call last):
            ...
        ExceptionGroup: 1 of 2 batch entries failed (1 sub-exception)
        """
        if self.failed:
            raise ExceptionGroup(
                f"{len(self.failed)} of {len(self._ids)} batch entries failed",
                [failure.error for failure in self.failed],
            )

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict.

        >>> from postroom import ManualClock, Queue
        >>> Queue("orders", clock=ManualClock()).delete_message_batch(["no handle"]).to_dict()["failed"][0]["code"]
        'ReceiptHandleIsInvalid'
        """
        results = [one.to_dict() for one in self.successful]
        return {"successful": results, "failed": [failure.to_dict() for failure in self.failed]}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BatchOutcome) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash(tuple(self._ids))

    def __reduce__(self) -> tuple[object, ...]:
        return _outcome_of, (self.successful, self.failed, tuple(self._ids))

    def __repr__(self) -> str:
        return f"BatchOutcome(successful={self.successful!r}, failed={self.failed!r})"


def _outcome_of(successful: list[BatchSuccess[R]], failed: list[BatchFailure], ids: Sequence[str]) -> BatchOutcome[R]:
    outcome: BatchOutcome[R] = BatchOutcome(ids, [], lambda result: result, has_failures=True)
    outcome._successful, outcome._failed = successful, failed
    return outcome


def _as_dict(result: Any) -> dict[str, Any]:
    return result.to_dict() if hasattr(result, "to_dict") else {}


def prepare(numbered: Iterable[tuple[str, E]], check: Callable[[E], P]) -> list[P | PostroomError]:
    """
    Each entry as its check returns it, or the error that the check raised; before anything is done.
    """
    prepared: list[P | PostroomError] = []
    for _, entry in numbered:
        try:
            prepared.append(check(entry))
        except PostroomError as error:
            prepared.append(error)
    return prepared
