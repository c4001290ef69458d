"""
The core of a FIFO queue: order in groups, locks of groups, and what was sent before (SQS 3).

As in `_standard`, every method takes `now`. What a message goes through in time, it shares with standard queues; what may be
received is another question, and `_groups` answers it.
"""

from __future__ import annotations

from collections.abc import Hashable
from heapq import heappush
from typing import Final, cast

from postroom.limits import IN_FLIGHT_MAX
from postroom.queue._dedup import Attempts, DeduplicationWindow, Original
from postroom.queue._entry import Entry, Stored, StoredFifo
from postroom.queue._groups import Groups
from postroom.queue._timed import TimedCore

_SEQUENCE_START: Final = 18_850_000_000_000_000_000
_SEQUENCE_STEP: Final = 256
"""AWS's sequence numbers have 20 digits, and gaps (SQS 3.2)."""


class FifoCore(TimedCore):
    """
    The state of a FIFO queue.

    Args:
        visibility_timeout: Microseconds.
        delay: Microseconds, of each message.
        retention: Microseconds.
        max_receive_count: Deliveries before a message is handed to the dead-letter queue; None for never.
        deduplicates_by_group: Whether a deduplication id is taken once in each group, or once in all.
        in_flight_max: Messages in flight at which a receive gets no more (SQS 3.5).
    """

    __slots__ = ("_attempts", "_groups", "_now", "_window", "deduplicates_by_group", "delay", "in_flight_max")

    def __init__(
        self,
        *,
        visibility_timeout: int,
        delay: int,
        retention: int,
        max_receive_count: int | None = None,
        deduplicates_by_group: bool = False,
        in_flight_max: int = IN_FLIGHT_MAX,
    ) -> None:
        super().__init__(visibility_timeout, retention, max_receive_count)
        self.delay = delay
        self.deduplicates_by_group = deduplicates_by_group
        self.in_flight_max: int = in_flight_max
        self.counts["deduplicated"] = 0
        self._groups = Groups(self._entries, self._hidden)
        self._window = DeduplicationWindow()
        self._attempts = Attempts()
        self._now = 0

    def ready(self, now: int) -> tuple[int, int | None]:
        """
        How many waiters could get something, and when the next message may become available.

        A group serves one receiver at a time: as many as there are groups in line.
        """
        self.settle(now)
        return 0 if self.in_flight >= self.in_flight_max else len(self._groups.ready), self._next_timeout()

    @property
    def groups_in_flight(self) -> int:
        """
        Groups with a message in flight (SQS 8.6). O(n) in those in flight.
        """
        found = {self._entries[number].stored.message_group_id for number in self._hidden if number not in self.delayed}
        return len(found)

    # Sending.

    def next_sequence_number(self) -> str:
        """
        Of the message that is sent next: 20 decimal digits.
        """
        return str(_SEQUENCE_START + (self._counter + 1) * _SEQUENCE_STEP)

    def find_duplicate(self, now: int, group: str, deduplication_id: str) -> Original | None:
        """
        The message that was taken by that id within the last five minutes; what is sent then is dropped, and counted.
        """
        original = self._window.find(now, self._key(group, deduplication_id))
        if original is not None:
            original.dropped_at = now
            self.counts["deduplicated"] += 1
        return original

    def dropped(self, message_id: str) -> Original | None:
        """
        What is known of a message whose duplicate was dropped. O(n).
        """
        return self._window.dropped(message_id)

    def _key(self, group: str, deduplication_id: str) -> Hashable:
        return (group, deduplication_id) if self.deduplicates_by_group else deduplication_id

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
        A new message, the last of its group, available at ``now + delay``. O(log n) in the number of groups.
        """
        if now >= self.due:
            self.settle(now)
        self._now = now
        number = self._counter = self._counter + 1
        entry = Entry(number, stored, receive_count, first_received_at)
        entry.position = now
        fifo = cast("StoredFifo", stored)
        group = fifo.message_group_id or ""
        self._ages.append((now, number))
        self.due = min(self.due, now + self.retention)
        if delay > 0:
            heappush(self._timeouts, (now + delay, number))
            self.due = min(self.due, now + delay)
            self.delayed.add(number)
            self._hidden[number] = now + delay
        self._window.remember(now, self._key(group, fifo.deduplication_id), fifo)
        self._groups.add(group, entry, is_hidden=delay > 0)
        self._entries[number] = entry
        if kind == "sent":
            self.counts["sent"] += 1
        if self.log is not None:
            self.log.append((kind, now, entry, now + delay if delay > 0 else None, entry.receive_count))
        if len(self._ages) > 2 * len(self._entries) + self._floor:
            self._forget_stale_ages()
        return entry

    # Receiving.

    def receive(self, now: int, *, max_messages: int, visibility_timeout: int) -> list[Entry]:
        """
        Takes up to `max_messages`: of the group that is first in line as many as there are, then of the next. O(log n) each.

        A message whose deliveries are used up is reserved for the dead-letter queue and does not count. What was sent after
        it in its group is given only when it has gone: the dead-letter queue may refuse it, and nothing overtakes it.
        """
        if now >= self.due:
            self.settle(now)
        self._now = now
        messages: list[Entry] = []
        self.reserved = []
        touched: list[str] = []
        try:
            while len(messages) < max_messages and self.in_flight < self.in_flight_max:
                name = self._groups.take_first()
                if name is None:
                    break
                touched.append(name)
                self._take(now, name, max_messages, visibility_timeout, messages)
        finally:
            for name in touched:
                self._groups.settle(name)
        self.counts["received" if messages else "empty_receives"] += len(messages) or 1
        return messages

    def _take(self, now: int, name: str, max_messages: int, visibility_timeout: int, messages: list[Entry]) -> None:
        limit = self.max_receive_count
        moves = False
        for entry in self._prefix(name, max_messages - len(messages)):
            if limit is not None and entry.receives >= limit and not entry.keep:
                number = entry.number
                self.moving[number] = entry
                self.reserved.append(entry)
                self._hidden[number] = None
                moves = True
                continue
            if moves or len(messages) >= max_messages or self.in_flight >= self.in_flight_max:
                return
            self._hide(now, entry, visibility_timeout)
            messages.append(entry)

    def _prefix(self, name: str, most: int) -> list[Entry]:
        """
        As much of a group's eligible prefix as one receive could want: those to be moved, and `most` more.
        """
        limit = self.max_receive_count
        found: list[Entry] = []
        wanted = most
        for entry in self._groups.available(name):
            found.append(entry)
            if limit is None or entry.receives < limit or entry.keep:
                wanted -= 1
                if not wanted:
                    break
        return found

    def _hide(self, now: int, entry: Entry, visibility_timeout: int) -> None:
        deadline = now + visibility_timeout
        number = entry.number
        if visibility_timeout:
            heappush(self._timeouts, (deadline, number))
            self.due = min(self.due, deadline)
            self._hidden[number] = deadline
        else:
            # It stays available, and its group goes to the back (SQS 3.1).
            entry.position = now
        entry.receives += 1
        entry.receive_count += 1
        entry.received_at = now
        entry.keep = False
        if entry.first_received_at is None:
            entry.first_received_at = now
        if self.log is not None:
            self.log.append(("received", now, entry, deadline, entry.receive_count))

    def next_up(self, most: int) -> list[Entry]:
        """
        The first of those a receive would return, in its order. O(n log n).
        """
        limit = self.max_receive_count
        found: list[Entry] = []
        for name in self._groups.in_line():
            for entry in self._groups.available(name):
                if limit is not None and entry.receives >= limit and not entry.keep:
                    break
                found.append(entry)
                if len(found) == most:
                    return found
        return found

    def blocked_by(self, entry: Entry) -> Entry | None:
        """
        The message in flight, delayed or moving that one has to wait for; None: for none. O(n) in its group.
        """
        return self._groups.before(entry.stored.message_group_id or "", entry)

    # Receipts.

    def holds(self, now: int, number: int) -> bool:
        """
        Whether there is such a message.
        """
        if now >= self.due:
            self.settle(now)
        return number in self._entries

    def is_current(self, now: int, number: int, receive: int) -> bool:
        """
        Whether a message is in flight by that receive: an older handle, or one whose timeout ended, is good for nothing.

        One that was received with a timeout of 0 is, for the millisecond (SQS 2.2).
        """
        if now >= self.due:
            self.settle(now)
        entry = self._entries.get(number)
        if entry is None or entry.receives != receive or number in self.moving:
            return False
        if number in self._hidden:
            return True
        return entry.position == entry.received_at and now // 1_000 == entry.received_at // 1_000

    def remember_attempt(self, now: int, attempt_id: str, entries: list[Entry]) -> None:
        """
        A receive with that id returned these (SQS 3.4).
        """
        received = [(entry, entry.receives, self._hidden.get(entry.number) or now) for entry in entries]
        self._attempts.remember(now, attempt_id, received)

    def retry(self, now: int, attempt_id: str, visibility_timeout: int) -> tuple[list[Entry], int] | None:
        """
        The messages of an earlier receive with that id, hidden anew, and when it was.

        Returns:
            None if there was none within five minutes, or one of them was touched, or is no longer hidden by it.
        """
        self.settle(now)
        self._now = now
        found = self._attempts.find(now, attempt_id)
        if found is None:
            return None
        at, received = found
        for entry, receive, until in received:
            if entry.receives != receive or self._hidden.get(entry.number) != until:
                self._attempts.forget(attempt_id)
                return None
        entries = [entry for entry, _, _ in received]
        for entry in entries:
            self.change_visibility(now, entry.number, visibility_timeout)
        self._attempts.hide_again(attempt_id, now + visibility_timeout)
        return entries, at

    def change_visibility(self, now: int, number: int, timeout: int) -> bool:
        """
        Hides a message in flight until ``now + timeout``, or makes it available if that is 0. O(log n).
        """
        self._now = now
        done = super().change_visibility(now, number, timeout)
        if done and timeout:
            # One that was received with a timeout of 0 was available, and its group in line.
            self._groups.settle(self._entries[number].stored.message_group_id or "")
        return done

    def take_back(self, now: int, number: int) -> None:
        """
        The dead-letter queue refused it: available again, and delivered by the next receive.
        """
        self._now = now
        super().take_back(now, number)

    # Changes.

    def set_delay(self, now: int, delay: int) -> None:
        """
        Changes the delay, also of the messages that are delayed now (SQS 1).
        """
        self.settle(now)
        self.delay = delay
        for number in sorted(self.delayed):
            until = self._entries[number].stored.sent_at + delay
            heappush(self._timeouts, (until, number))
            self.due = min(self.due, until)
            self._hidden[number] = until
        self.settle(now)

    def purge(self, now: int) -> int:
        """
        Removes all messages, and forgets what was sent before (SQS 3.3, 8.1).
        """
        purged = super().purge(now)
        self._window.clear()
        self._attempts.clear()
        return purged

    def _make_available(self, entry: Entry) -> None:
        number = entry.number
        deadline = self._hidden.get(number)
        entry.position = self._now if deadline is None else min(deadline, self._now)
        self._groups.show(entry.stored.message_group_id or "", entry)
        self.delayed.discard(number)
        self._hidden.pop(number, None)
        if len(self._timeouts) > 2 * len(self._hidden) + self._floor:
            self._forget_stale_timeouts()

    def _bring_about(self, now: int) -> None:
        self._now = now
        super()._bring_about(now)

    def _remove(self, entry: Entry, fate: str, at: int) -> None:
        self._groups.leave(entry.stored.message_group_id or "", entry)
        super()._remove(entry, fate, at)

    def check(self) -> None:
        """
        Asserts what must hold after each operation, in time that grows with the number of messages.
        """
        assert self._hidden.keys() <= self._entries.keys(), "a hidden message does not exist"
        assert self.delayed <= self._hidden.keys(), "a delayed message is not hidden"
        assert self.moving.keys() <= self._hidden.keys(), "a moving message is not hidden"
        assert not self.delayed & self.moving.keys(), "a message is delayed and moving"
        aged = {number for _, number in self._ages}
        timed = set(self._timeouts)
        for number in self._entries:
            assert number in aged, f"message {number} never expires"
            deadline = self._hidden.get(number)
            assert deadline is None or (deadline, number) in timed, f"message {number} is hidden for ever"
        self._groups.check()
