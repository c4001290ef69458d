"""
What messages go through in time, in queues of both kinds: hidden and visible again, moved to a dead-letter queue, expired.

One boundary holds everywhere: hidden on ``[t, t + timeout)``, expired at exactly ``sent + retention``.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from postroom.queue._store import NEVER, Store

if TYPE_CHECKING:
    from postroom.queue._entry import Entry


class TimedCore(Store):
    """
    The messages of a queue, and what the time does to them.

    Args:
        visibility_timeout: Microseconds.
        retention: Microseconds.
        max_receive_count: Deliveries before a message is handed to the dead-letter queue; None for never.
    """

    __slots__ = ("max_receive_count", "reserved", "visibility_timeout")

    def __init__(self, visibility_timeout: int, retention: int, max_receive_count: int | None) -> None:
        super().__init__(retention)
        self.visibility_timeout: int = visibility_timeout
        self.max_receive_count: int | None = max_receive_count
        self.reserved: list[Entry] = []
        """What the last receive reserved for the dead-letter queue."""

    def _is_used_up(self, entry: Entry) -> bool:
        """
        Whether the next receive that comes to a message moves it to the dead-letter queue (SQS 7.2).
        """
        limit = self.max_receive_count
        return limit is not None and entry.receives >= limit and not entry.keep

    def delete(self, now: int, number: int) -> bool:
        """
        Removes a message, whatever its state, by the number in any of its handles (SQS 2.2). O(1).
        """
        if now >= self.due:
            self.settle(now)
        self.counts["deleted"] += 1
        entry = self._entries.get(number)
        if entry is None:
            return False
        self._remove(entry, "deleted", now)
        return True

    def change_visibility(self, now: int, number: int, timeout: int) -> bool:
        """
        Hides a received message until ``now + timeout``, or makes it available if that is 0 (SQS 2). O(log n).

        Returns:
            False if there is no such message, or it was never received here, or is moving to the dead-letter queue.
        """
        if now >= self.due:
            self.settle(now)
        entry = self._entries.get(number)
        if entry is None or entry.receives == 0 or number in self.moving:
            return False
        if timeout == 0:
            if number in self._hidden:
                self._make_available(entry)
                if self.log is not None:
                    self.log.append(("available", now, entry, None, entry.receive_count))
            return True
        heappush(self._timeouts, (now + timeout, number))
        self.due = min(self.due, now + timeout)
        self._hidden[number] = now + timeout
        if self.log is not None:
            self.log.append(("hidden", now, entry, now + timeout, entry.receive_count))
        if len(self._timeouts) > 2 * len(self._hidden) + self._floor:
            self._forget_stale_timeouts()
        return True

    def confirm_move(self, now: int, number: int) -> None:
        """
        The dead-letter queue has taken it.
        """
        entry = self.moving.get(number)
        if entry is not None:
            self.counts["dead_lettered"] += 1
            self._remove(entry, "dead-lettered", now)

    def take_back(self, now: int, number: int) -> None:
        """
        The dead-letter queue refused it: available again, and delivered by the next receive.
        """
        entry = self.moving.get(number)
        if entry is not None:
            entry.keep = True
            self._make_available(entry)
            self.moving.pop(number, None)
            if self.log is not None:
                self.log.append(("taken back", now, entry, None, entry.receive_count))

    def settle(self, now: int) -> None:
        """
        Brings about what fell due up to `now`, in order: visible again, expired. O(log n) each.
        """
        if now < self.due:
            return
        self._bring_about(now)
        timeout, expiry = self._next_timeout(), self.next_expiry()
        self.due = min(NEVER if timeout is None else timeout, NEVER if expiry is None else expiry)

    def _bring_about(self, now: int) -> None:
        while True:
            timeout = self._next_timeout()
            expiry = self.next_expiry()
            if expiry is not None and expiry <= now and (timeout is None or expiry <= timeout):
                self._expire_oldest(expiry)
            elif timeout is not None and timeout <= now:
                number = self._timeouts[0][1]
                entry = self._entries.get(number)
                if entry is None:  # an interrupted delete left it behind
                    self.delayed.discard(number)
                    self._hidden.pop(number, None)
                else:
                    self._make_available(entry)
                    if self.log is not None:
                        self.log.append(("available", timeout, entry, None, entry.receive_count))
            else:
                return

    def _expire_oldest(self, expiry: int) -> None:
        ages, old = self._ages, self._old_ages
        line = ages if ages and (not old or ages[0] <= old[0]) else old
        entry = self._entries.get(line[0][1])
        if entry is not None:
            self._expire(entry, expiry)
        if line is ages:
            ages.popleft()
        else:
            heappop(old)

    def _expire(self, entry: Entry, at: int) -> None:
        self.counts["expired"] += 1
        self._remove(entry, "expired", at)
        # A queue that nobody reads is never looked at from the front.
        if len(self._fresh) > 2 * len(self._entries) + self._floor:
            self._forget_stale_fresh()

    def next_wakeup(self, now: int) -> int | None:
        """
        When the next message becomes visible or expires, after `now`; None if there is none.
        """
        self.settle(now)
        due = [when for when in (self._next_timeout(), self.next_expiry()) if when is not None]
        return min(due) if due else None

    def pending(self, now: int) -> list[tuple[int, str]]:
        """
        What falls due next, a line per kind, with how many messages wait for it in all. O(n).
        """
        self.settle(now)
        delayed = [until for number in self.delayed if (until := self._hidden.get(number)) is not None]
        in_flight = [
            until for number, until in self._hidden.items() if until is not None and number not in self.delayed
        ]
        expiry = self.next_expiry()
        found = [(min(delayed), f"{len(delayed)} delayed, the first is available then")] if delayed else []
        if in_flight:
            found.append((min(in_flight), f"{len(in_flight)} in flight, the first is visible again then"))
        if expiry is not None:
            found.append((expiry, f"{len(self._entries)} held, the oldest expires then"))
        return found

    def purge(self, now: int) -> int:
        """
        Removes all messages, whatever their state (SQS 8.1). O(n log n).

        Returns:
            How many there were.
        """
        self.settle(now)
        purged = list(self._entries.values())
        for entry in purged:
            self._remove(entry, "purged", now)
        self.counts["purged"] += len(purged)
        return len(purged)

    def set_retention(self, now: int, retention: int) -> None:
        """
        Changes the retention, also of what is there: what is then too old expires now (SQS 1). O(log n) each.
        """
        self.settle(now)
        self._retained_since = now
        self.due = now  # before the change: whoever comes after Ctrl-C looks
        self.retention = retention
        self.settle(now)
