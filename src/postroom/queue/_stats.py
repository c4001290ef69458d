"""
What a queue tells about itself: its figures, and where one message is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from postroom.clock import show_span
from postroom.limits import FIFO_SCAN_MAX
from postroom.message import format_uuid
from postroom.queue._fifo import FifoCore

if TYPE_CHECKING:
    from postroom.queue._entry import Entry
    from postroom.queue._face import Core
    from postroom.queue._handles import Handles


_HANDLE_END: Final = 8


class QueueStats(NamedTuple):
    """
    What a queue holds and what went through it.

    >>> from postroom import ManualClock, Queue
    >>> queue = Queue("orders", clock=ManualClock())
    >>> sent = queue.send_message("2 x tea")
    >>> queue.stats().available, queue.stats().oldest_age
    (1, 0.0)
    """

    available: int
    """Messages a receive would find (ApproximateNumberOfMessages)."""
    in_flight: int
    """Messages received, not deleted, and still hidden (ApproximateNumberOfMessagesNotVisible)."""
    delayed: int
    """Messages whose delay is not over (ApproximateNumberOfMessagesDelayed)."""
    oldest_age: float | None
    """Seconds since the oldest message was first sent; None if the queue is empty."""
    sent: int
    """Messages added by sends; dead letters that came in are not among them (NumberOfMessagesSent)."""
    received: int
    """Messages returned by receives (NumberOfMessagesReceived)."""
    empty_receives: int
    """Receives that returned none (NumberOfEmptyReceives); a long poll looks several times and counts each look."""
    deleted: int
    """Deletions with a valid handle, repeats included (NumberOfMessagesDeleted)."""
    dead_lettered: int
    """Messages handed to the dead-letter queue."""
    expired: int
    """Messages that outlived the retention period."""
    purged: int = 0
    """Messages that were purged."""
    deduplicated: int = 0
    """Sends to a FIFO queue that were dropped as duplicates (NumberOfDeduplicatedSentMessages)."""

    def to_dict(self) -> dict[str, int | float | None]:
        """
        As a plain dict.

        >>> from postroom import ManualClock, Queue
        >>> Queue("orders", clock=ManualClock()).stats().to_dict()["in_flight"]
        0
        """
        return self._asdict()


def explain(core: Core, message_id: str, now: int, handles: Handles) -> str | None:
    """
    Where a message is and why, in a sentence; None if nothing is known of it. Costs in proportion to what is held.
    """
    found = _explain(core, message_id, now, handles)
    original = core.dropped(message_id) if isinstance(core, FifoCore) else None
    if found is None or original is None or original.dropped_at is None:
        return found
    return f"{found}; dropped: a send with the same deduplication id, {show_span(now - original.dropped_at)} ago"


def _explain(core: Core, message_id: str, now: int, handles: Handles) -> str | None:
    for entry in core:
        if entry.stored.message_id == message_id:
            return _explain_live(core, entry, now, handles)
    for fate in reversed(core.fates):
        if (format_uuid(fate.key) if isinstance(fate.key, int) else fate.key) == message_id:
            limit = f", limit {core.max_receive_count}" if fate.what == "dead-lettered" else ""
            return f"{fate.what} {show_span(now - fate.at)} ago: received {_times(fate.receives)}{limit}"
    return None


def _explain_live(core: Core, entry: Entry, now: int, handles: Handles) -> str:
    until = core.hidden_until(entry)
    if entry.number in core.moving:
        return "on its way to the dead-letter queue"
    if until is None:
        ago = show_span(now - entry.stored.sent_at)
        budget = core.max_receive_count
        if budget is not None and entry.receives >= budget:
            return (
                f"available, but used up: received {_times(entry.receives)}, limit {budget}; "
                "the next receive moves it to the dead-letter queue"
            )
        first = core.blocked_by(entry) if isinstance(core, FifoCore) else None
        if first is not None:
            why = (
                "delayed" if first.number in core.delayed else "moving" if first.number in core.moving else "in flight"
            )
            group = entry.stored.message_group_id
            return f"blocked: group {group} is held by {first.stored.message_id}, which is {why}"
        if isinstance(core, FifoCore) and core.is_beyond(entry):
            return f"out of reach: a receive looks at the first {FIFO_SCAN_MAX:,} messages, and it is behind them"
        return f"available: sent {ago} ago, received {_times(entry.receive_count)}"
    left = show_span(until - now)
    if entry.number in core.delayed:
        return f"delayed: available in {left}"
    end = handles.write(entry.number, entry.receives, entry.received_at)[-_HANDLE_END:]
    ago = show_span(now - entry.received_at)
    times = "" if entry.receive_count == 1 else f", the last of {entry.receive_count} times,"
    return f"in flight: received {ago} ago{times} by receipt …{end}, visible again in {left}"


def _times(count: int) -> str:
    return "never" if count == 0 else f"{count} time{'s' if count > 1 else ''}"
