"""
Receives that hold their message: whether they still do, giving messages back, and extending them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from postroom.queue._face import C
from postroom.queue._receipts import ReceiptCalls

if TYPE_CHECKING:
    from postroom.queue._entry import Entry


class Holding(ReceiptCalls[C]):
    """
    Not for users: see `Queue`.
    """

    # A receive holds its message while that is hidden by it: until it is deleted, visible again, or moved away. A handle of
    # a standard queue is good for more than that (SQS 2.2), but who acts unasked leaves alone what others may have in hand.

    def _find(self, now: int, receipt_handle: str) -> tuple[Entry | None, bool, int]:
        """
        Under the lock: the message, if it is there, whether that receive holds it, and since when.
        """
        core = self._core
        core.settle(now)
        number, receive, received_at = self._handles.read(receipt_handle, core.newest)
        entry = core.find(number)
        is_held = entry is not None and entry.receives == receive and core.hidden_until(entry) is not None
        return entry, is_held, received_at

    def _is_held(self, receipt_handle: str) -> bool:
        with self._lock:
            return self._find(self._clock.now_us(), receipt_handle)[1]

    def _is_back(self, receipt_handle: str) -> bool:
        """
        Whether the message is there, and that receive does not hold it.
        """
        with self._lock:
            entry, is_held, _ = self._find(self._clock.now_us(), receipt_handle)
            return entry is not None and not is_held

    def _give_back(self, receipt_handles: Iterable[str]) -> list[str]:
        """
        Makes messages available at once, all at one instant, if they are held. It is no call, and nothing refuses it.

        Returns:
            The handles of those that were back before.
        """
        late: list[str] = []
        try:
            with self._lock:
                if self._closed:
                    return late
                now = self._clock.now_us()
                for handle in receipt_handles:
                    entry, is_held, _ = self._find(now, handle)
                    if entry is None:
                        continue
                    if is_held:
                        self._core.change_visibility(now, entry.number, 0)
                    else:
                        late.append(handle)
                seen = self._after(now)
        except BaseException:
            self._rebalance()
            raise
        if seen:
            self._tell(seen)
        if self._clock.has_due:
            try:
                self._clock.run_due()
            except Exception as error:
                # Of a handler that the clock ran: that of whoever gives back is not to be hidden by it.
                self._clock.hand_over(error)
        return late

    def _extend(self, receipt_handles: Iterable[str], timeout_us: int) -> tuple[list[str], dict[str, int]]:
        """
        Hides messages anew, if they are held, up to the most that a receive is good for (SQS 2.1).

        The clock may call this on its own thread: so no observer is called from here, and what happened waits for the next
        operation.

        Returns:
            The handles of those that can be extended again; and of those for which this was the last time, with how long they
            stay hidden.
        """
        held: list[str] = []
        ended: dict[str, int] = {}
        with self._lock:
            if self._closed:
                return held, ended
            now = self._clock.now_us()
            for handle in receipt_handles:
                entry, is_held, received_at = self._find(now, handle)
                left = received_at + self._limits._visibility_timeout_us - now
                if entry is None or not is_held or left <= 0:
                    continue
                self._core.change_visibility(now, entry.number, min(timeout_us, left))
                if timeout_us < left:
                    held.append(handle)
                else:
                    ended[handle] = left
            if self._waiters:
                self._waiters.balance(now)
        return held, ended
