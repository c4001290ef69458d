"""
The calls that take a receipt handle: deleting, and changing visibility.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from postroom.delivery import BatchOutcome, prepare
from postroom.errors import PostroomError
from postroom.queue import _checks as checks
from postroom.queue._batch import INDEXES, DeleteEntry, VisibilityEntry, nothing
from postroom.queue._face import C
from postroom.queue._handles import refuse_expired
from postroom.queue._looking import Looking

if TYPE_CHECKING:
    from postroom.clock import Duration


class ReceiptCalls(Looking[C]):
    """
    Not for users: see `Queue`.
    """

    def delete_message(self, receipt_handle: str) -> None:
        """
        Removes a received message for good. O(1).

        Any handle of the message will do, also after its visibility timeout, and more than once (SQS 2.2).

        >>> from postroom import ManualClock, Queue
        >>> queue = Queue("orders", clock=ManualClock())
        >>> sent = queue.send_message("2 x tea")
        >>> [message] = queue.receive_messages()
        >>> queue.delete_message(message.receipt_handle)
        >>> len(queue)
        0

        Args:
            receipt_handle: Of a message that this queue returned.

        Raises:
            ReceiptHandleIsInvalid: It is no receipt handle, or one of another queue.
            InvalidParameterValue: It is 12 hours old.
            InvalidInput: It is no `str`.
            ResourceClosed: The queue is closed.
        """
        if self._throttles is not None:
            self._throttles("delete_message")
        try:
            with self._lock:
                if self._closed:
                    self._refuse_closed("delete_message")
                now = self._clock.now_us()
                self._delete(now, receipt_handle)
                seen = self._after(now)
        except BaseException as error:
            self._rebalance()
            if isinstance(error, PostroomError):
                self._sign(error, "delete_message")
            raise
        if seen:
            self._tell(seen)
        if self._clock.has_due:
            self._clock.run_due()

    def _delete(self, now: int, receipt_handle: str) -> None:
        """
        Under the lock: a call of its own; `_discard` is one of a batch.
        """
        self._discard(now, receipt_handle)

    def _discard(self, now: int, receipt_handle: str) -> None:
        number, _, received_at = self._handles.read(receipt_handle, self._core.newest)
        if now - received_at >= self._limits._visibility_timeout_us:
            raise refuse_expired(receipt_handle)
        self._core.delete(now, number)

    def delete_message_batch(self, entries: Iterable[DeleteEntry | str]) -> BatchOutcome[None]:
        """
        Deletes 1 to 10 messages. One bad entry fails alone; the others go through.

        >>> from postroom import ManualClock, Queue
        >>> queue = Queue("orders", clock=ManualClock())
        >>> outcome = queue.send_message_batch(["2 x tea", "1 x cake"])
        >>> messages = queue.receive_messages(max_messages=10)
        >>> queue.delete_message_batch([message.receipt_handle for message in messages]).raise_for_failures()

        Args:
            entries: A `str` is a receipt handle whose id is its index.

        Raises:
            EmptyBatchRequest, TooManyEntriesInBatchRequest, InvalidBatchEntryId, BatchEntryIdsNotDistinct: The whole
            call is refused, and nothing was deleted.
            InvalidInput: An entry is neither.
            ResourceClosed: The queue is closed.
        """
        given = cast("list[str]", entries)
        if type(given) is list and 0 < len(given) <= self._plain_entries and set(map(type, given)) == {str}:
            # What nearly always is: handles alone.
            return self._carry_out(
                INDEXES[: len(given)], lambda now: self._delete_all(now, given), "delete_message_batch", nothing
            )
        numbered = self._entries(DeleteEntry, entries, "delete_message_batch", DeleteEntry)
        ids = [id_ for id_, _ in numbered]
        handles = [entry.receipt_handle for _, entry in numbered]
        return self._carry_out(ids, lambda now: self._delete_all(now, handles), "delete_message_batch", nothing)

    def _delete_all(self, now: int, handles: list[str]) -> list[PostroomError | None]:
        results: list[PostroomError | None] = []
        for handle in handles:
            try:
                self._discard(now, handle)
            except PostroomError as error:
                results.append(error)
            else:
                results.append(None)
        return results

    def change_message_visibility(self, receipt_handle: str, timeout: Duration) -> None:
        """
        Hides a received message until `timeout` seconds from now; with 0 it is available at once. O(log n).

        This replaces what was left of its visibility timeout, and is not remembered for the next receive.

        >>> from postroom import ManualClock, Queue
        >>> clock = ManualClock()
        >>> queue = Queue("orders", clock=clock)
        >>> sent = queue.send_message("2 x tea")
        >>> [message] = queue.receive_messages()
        >>> queue.change_message_visibility(message.receipt_handle, 300)  # this takes longer than thought
        >>> clock.advance(299.9)
        >>> queue.receive_messages()
        []

        Args:
            receipt_handle: Of a message that this queue returned.
            timeout: Seconds, 0 to 43200, and together with the time since the receive at most 43200.

        Raises:
            ReceiptHandleIsInvalid: It is no receipt handle, or one of another queue.
            InvalidParameterValue: The timeout is out of range, the total over 12 hours, or the message gone.
            InvalidInput: An argument is of a wrong type.
            ResourceClosed: The queue is closed.
        """
        if self._throttles is not None:
            self._throttles("change_message_visibility")
        try:
            change = self._check_change(VisibilityEntry(receipt_handle, timeout))
        except PostroomError as error:
            self._sign(error, "change_message_visibility")
            raise
        try:
            with self._lock:
                self._refuse_closed("change_message_visibility")
                now = self._clock.now_us()
                self._change(now, change)
                seen = self._after(now)
        except BaseException as error:
            self._rebalance()
            if isinstance(error, PostroomError):
                self._sign(error, "change_message_visibility")
            raise
        if seen:
            self._tell(seen)
        if self._clock.has_due:
            self._clock.run_due()

    def _check_change(self, entry: VisibilityEntry) -> tuple[VisibilityEntry, int]:
        return entry, checks.visibility_us(entry.timeout, "timeout", limits=self._limits)

    def _change(self, now: int, change: tuple[VisibilityEntry, int]) -> None:
        entry, span = change
        number, _, received_at = self._handles.read(entry.receipt_handle, self._core.newest)
        elapsed = now - received_at
        if elapsed >= self._limits._visibility_timeout_us:
            raise refuse_expired(entry.receipt_handle)
        checks.check_total_hidden(entry.timeout, span, elapsed, limits=self._limits)
        if not self._core.change_visibility(now, number, span):
            raise checks.refuse_gone(entry.receipt_handle)

    def change_message_visibility_batch(self, entries: Iterable[VisibilityEntry]) -> BatchOutcome[None]:
        """
        Changes the visibility of 1 to 10 messages. One bad entry fails alone; the others go through.

        >>> from postroom import ManualClock, Queue, VisibilityEntry
        >>> queue = Queue("orders", clock=ManualClock())
        >>> sent = queue.send_message("2 x tea")
        >>> [message] = queue.receive_messages()
        >>> outcome = queue.change_message_visibility_batch([VisibilityEntry(message.receipt_handle, 0)])
        >>> len(outcome.successful), queue.stats().available
        (1, 1)

        Raises:
            EmptyBatchRequest, TooManyEntriesInBatchRequest, InvalidBatchEntryId, BatchEntryIdsNotDistinct: The whole
            call is refused, and nothing was changed.
            InvalidInput: An entry is no `VisibilityEntry`.
            ResourceClosed: The queue is closed.
        """
        operation = "change_message_visibility_batch"
        numbered = self._entries(VisibilityEntry, entries, operation)
        prepared = prepare(numbered, self._check_change)
        return self._carry_out(
            [id_ for id_, _ in numbered], lambda now: self._change_all(now, prepared), operation, nothing
        )

    def _change_all(
        self, now: int, prepared: list[tuple[VisibilityEntry, int] | PostroomError]
    ) -> list[PostroomError | None]:
        results: list[PostroomError | None] = []
        for change in prepared:
            if isinstance(change, PostroomError):
                results.append(change)
                continue
            try:
                self._change(now, change)
            except PostroomError as error:
                results.append(error)
            else:
                results.append(None)
        return results
