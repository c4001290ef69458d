"""
Receiving from a FIFO queue, and what its receipt handles are good for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Never

from postroom.delivery import refuse_unknown
from postroom.delivery._refusals import FIFO_RECEIVE_TAKES, RECEIVE_NOT_THERE
from postroom.queue import _checks as checks
from postroom.queue._fifo_settings import FifoSettings
from postroom.queue._handles import refuse_expired

if TYPE_CHECKING:
    from postroom.clock import Duration
    from postroom.errors import PostroomError
    from postroom.queue._batch import VisibilityEntry
    from postroom.queue._entry import Entry
    from postroom.queue._message import Message


class FifoReceiving(FifoSettings):
    """
    Not for users: see `FifoQueue`.
    """

    def receive_messages(
        self,
        *,
        max_messages: int = 1,
        wait_time: Duration | None = None,
        visibility_timeout: Duration | None = None,
        receive_request_attempt_id: str | None = None,
        **_not_there: Never,
    ) -> list[Message]:
        """
        Takes available messages and hides them: the oldest of a group, and those right behind it, then of the next group.

        As `Queue.receive_messages`, but for the order and the locks: a group with a message in flight gives nothing until
        that is deleted or available again. Groups take turns by when their first message last became available (SQS 3.1).

        >>> from postroom import FifoQueue, ManualClock
        >>> queue = FifoQueue("orders.fifo", content_based_deduplication=True, clock=ManualClock())
        >>> sent = queue.send_message("2 x tea", message_group_id="table-7")
        >>> [lost] = queue.receive_messages(receive_request_attempt_id="try-1")  # and the answer did not arrive
        >>> [message] = queue.receive_messages(receive_request_attempt_id="try-1")
        >>> message == lost
        True

        Args:
            max_messages: 1 to 10; an upper bound only.
            wait_time: Seconds, 0 to 20; None: the queue's. 0 looks once.
            visibility_timeout: Seconds they stay hidden, 0 to 43200; None: the queue's.
            receive_request_attempt_id: 1 to 128 letters, digits and punctuation characters. The same id within five
                minutes gets the same messages, with the same receipt handles, hidden anew, as long as nobody touched one of
                them and they are still hidden (SQS 3.4).

        Returns:
            The messages; an empty list if there were none in time. At 120,000 messages in flight there are none.

        Raises:
            InvalidParameterValue: An argument is out of its range.
            RequestThrottled: More than 300 calls a second, where these are counted.
            InvalidInput: An argument is of a wrong type.
            ResourceClosed: The queue is closed, or was closed while the call waited.
        """
        if _not_there:
            refuse_unknown("receive_messages", _not_there, RECEIVE_NOT_THERE, FIFO_RECEIVE_TAKES)
        return self._receive_or_wait(max_messages, wait_time, visibility_timeout, receive_request_attempt_id)

    def _receiving(
        self,
        max_messages: int,
        wait_time: Duration | None,
        visibility_timeout: Duration | None,
        attempt_id: str | None = None,
    ) -> tuple[Callable[[], list[Message] | None], int | None]:
        found = super()._receiving(max_messages, wait_time, visibility_timeout, attempt_id)
        # Here, not at each look: a long poll is one call, however often it looks.
        if self._throttle is not None:
            with self._lock:
                self._admit(self._clock.now_us(), "receive")
        return found

    def _pick(
        self,
        now: int,
        *,
        max_messages: int,
        visibility_timeout: int,
        attempt_id: str | None,
        waits: bool,  # noqa: ARG002
    ) -> tuple[list[Entry], int]:
        core = self._core
        if attempt_id is not None:
            again = core.retry(now, attempt_id, visibility_timeout)
            if again is not None:
                return again
        entries = core.receive(now, max_messages=max_messages, visibility_timeout=visibility_timeout)
        if attempt_id is not None and entries:
            core.remember_attempt(now, attempt_id, entries)
        return entries, now

    def _goes_on(self, reserved: list[Entry], timeout: int | None) -> bool:
        # What was sent after a dead letter in its group is free now. With a timeout of 0 a second look might return the
        # same messages again.
        return bool(reserved) and (self._core.visibility_timeout if timeout is None else timeout) > 0

    def _is_over_limit(self, now: int, *, waits: bool) -> bool:  # noqa: ARG002
        # A FIFO queue has no such error: its core gives no more (SQS 3.5).
        return False

    # Receipt handles: only the latest is good, and only as long as it hides the message (SQS 2.2).

    def _delete(self, now: int, receipt_handle: str) -> None:
        self._admit(now, "delete")
        self._discard(now, receipt_handle)

    def _delete_all(self, now: int, handles: list[str]) -> list[PostroomError | None]:
        self._admit(now, "delete")
        return super()._delete_all(now, handles)

    def _discard(self, now: int, receipt_handle: str) -> None:
        core = self._core
        number, receive, received_at = self._handles.read(receipt_handle, core.newest)
        if now - received_at >= self._limits._visibility_timeout_us or (
            core.holds(now, number) and not core.is_current(now, number, receive)
        ):
            raise refuse_expired(receipt_handle, is_fifo=True)
        core.delete(now, number)

    def _change(self, now: int, change: tuple[VisibilityEntry, int]) -> None:
        entry, _ = change
        number, receive, _ = self._handles.read(entry.receipt_handle, self._core.newest)
        if not self._core.is_current(now, number, receive):
            raise checks.refuse_gone(entry.receipt_handle)
        super()._change(now, change)

    def _admit(self, now: int, operation: str) -> None:
        """
        Under the lock: counts a call that may be about any group.
        """
        if self._throttle is not None and self._throughput == "perQueue":
            self._throttle.admit(now, [operation])
