"""
The core of a standard queue: what happens to messages at an instant, and nothing else.

No lock, no clock, no threads, nobody called back: every method takes `now` and returns what happened. The rules are
those of SQS 2, 5 and 7.2; one boundary holds everywhere: hidden on ``[t, t + timeout)``, expired at exactly
``sent + retention``.

What it holds, and how, is in `_store`.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

from postroom.limits import IN_FLIGHT_MAX
from postroom.queue._entry import Entry, Stored
from postroom.queue._store import NEVER, Store


class StandardCore(Store):
    """
    The state of a standard queue.

    Args:
        visibility_timeout: Microseconds.
        delay: Microseconds.
        retention: Microseconds.
        max_receive_count: Deliveries before a message is handed to the dead-letter queue; None for never.
        duplicates: Asked once per message received: does this receive leave it visible? None for never.
    """

    __slots__ = ("delay", "duplicates", "max_receive_count", "reserved", "visibility_timeout")

    def __init__(
        self,
        *,
        visibility_timeout: int,
        delay: int,
        retention: int,
        max_receive_count: int | None = None,
        duplicates: Callable[[], bool] | None = None,
    ) -> None:
        super().__init__(retention)
        self.visibility_timeout = visibility_timeout
        self.delay = delay
        self.max_receive_count = max_receive_count
        self.duplicates = duplicates
        self.reserved: list[Entry] = []
        """What the last receive reserved for the dead-letter queue."""

    def ready(self, now: int) -> tuple[int, int | None]:
        """
        How many messages a waiter could get, and when the next may become available.

        At the ceiling of messages in flight that is none, until one is deleted or visible again (SQS 3.5).
        """
        self.settle(now)
        return 0 if self.in_flight >= IN_FLIGHT_MAX else self.available, self._next_timeout()

    def send(
        self,
        now: int,
        stored: Stored,
        *,
        delay: int,
        receive_count: int = 0,
        first_received_at: int | None = None,
        kind: str = "sent",
    ) -> Entry:
        """
        A new message, available at ``now + delay``. O(1), delayed O(log n).
        """
        if now >= self.due:
            self.settle(now)
        number = self._counter = self._counter + 1
        entry = Entry(number, stored, receive_count, first_received_at)
        sent_at = stored.sent_at
        due = sent_at + self.retention
        if 0 < delay < due - now:
            due = now + delay
        if due < self.due:  # noqa: PLR1730 - min() would be a call on the path of each send
            self.due = due
        # `now` only grows, so ages come in order, but for dead letters, which bring the age they have.
        if sent_at == now:
            self._ages.append((now, number))
        else:
            heappush(self._old_ages, (sent_at, number))
            if len(self._old_ages) > 2 * len(self._entries) + self._floor:
                self._forget_stale_old_ages(number)
        if delay > 0:
            heappush(self._timeouts, (now + delay, number))
            self._hidden[number] = now + delay
            self.delayed.add(number)
        else:
            self._fresh.append(entry)
        self._entries[number] = entry
        if kind == "sent":
            self.counts["sent"] += 1
        if self.log is not None:
            self.log.append((kind, now, entry, now + delay if delay > 0 else None, entry.receive_count))
        if sent_at <= now - self.retention:
            # A dead letter older than this queue keeps messages: it expires as it comes, not before.
            self._expire(entry, now)
        if len(self._ages) > 2 * len(self._entries) + self._floor:
            self._forget_stale_ages()
        return entry

    def send_all(self, now: int, messages: list[Stored]) -> None:
        """
        New messages, all sent now, with the queue's own delay.
        """
        if self.delay or self.log is not None:
            for stored in messages:
                self.send(now, stored, delay=self.delay)
            return
        if now >= self.due:
            self.settle(now)
        self.due = min(self.due, now + self.retention)
        entries, fresh, ages = self._entries, self._fresh, self._ages
        for stored in messages:
            number = self._counter = self._counter + 1
            ages.append((now, number))
            entry = Entry(number, stored, 0, None)
            fresh.append(entry)
            entries[number] = entry
        self.counts["sent"] += len(messages)
        if len(ages) > 2 * len(entries) + self._floor:
            self._forget_stale_ages()

    def receive(self, now: int, *, max_messages: int, visibility_timeout: int) -> list[Entry]:
        """
        Takes up to `max_messages` available ones in send order. O(log n) a message, O(1) for one never received.

        A message whose deliveries are used up is reserved for the dead-letter queue and does not count (SQS 7.2).
        """
        if now >= self.due:
            self.settle(now)
        messages: list[Entry] = []
        self.reserved = []
        limit = self.max_receive_count
        fresh, back, entries, hidden = self._fresh, self._back, self._entries, self._hidden
        while len(messages) < max_messages:
            if fresh and not back:
                # What nearly always is: nothing came back. The same as `_first_available`, without the call.
                entry = fresh[0]
                number = entry.number
                if number in hidden or number not in entries or entry.position != number:
                    fresh.popleft()
                    continue
            else:
                found = self._first_available()
                if found is None:
                    break
                entry, number = found, found.number
            if limit is not None and entry.receives >= limit and not entry.keep:
                self.moving[number] = entry
                self.reserved.append(entry)
                hidden[number] = None
                self._drop_first(entry)
                continue
            # One that stays visible is hidden while this call lasts: one receive returns no message twice.
            stays = visibility_timeout == 0 or (self.duplicates is not None and self.duplicates())
            deadline = now if stays else now + visibility_timeout
            heappush(self._timeouts, (deadline, number))
            if deadline < self.due:  # noqa: PLR1730 - likewise
                self.due = deadline
            hidden[number] = deadline
            entry.receives += 1
            entry.receive_count += 1
            entry.keep = False
            if entry.first_received_at is None:
                entry.first_received_at = now
            if fresh and fresh[0] is entry:
                fresh.popleft()
            else:
                heappop(back)
            messages.append(entry)
            if self.log is not None:
                self.log.append(("received", now, entry, deadline, entry.receive_count))
        if now >= self.due:
            self.settle(now)
        self.counts["received" if messages else "empty_receives"] += len(messages) or 1
        return messages

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

    def next_up(self, most: int) -> list[Entry]:
        """
        The first of those a receive would return, in its order. O(n log n).
        """
        limit = self.max_receive_count
        found = self.next_available(len(self))
        return [entry for entry in found if limit is None or entry.receives < limit or entry.keep][:most]

    # Time.

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
