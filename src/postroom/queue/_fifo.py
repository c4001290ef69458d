"""
The core of a FIFO queue: order in groups, locks of groups, and what was sent or received before (SQS 3).

As in `_standard`, every method takes `now`. What a message goes through in time it shares with standard queues (`_timed`);
who is next is another question, and `_groups` answers it.

A message whose deliveries are used up goes to the dead-letter queue in two steps: a receive reserves it, and somebody says
whether it was taken. In between it locks its group like a message in flight, for it may have to be delivered from here after
all, and then nothing that was sent after it may be gone. So the rest of its group is for the receive that looks once more.
"""

from __future__ import annotations

from heapq import heappush
from typing import TYPE_CHECKING, Final, cast

from postroom.limits import FIFO_SCAN_MAX, IN_FLIGHT_MAX
from postroom.queue._attempts import Attempts
from postroom.queue._dedup import DeduplicationWindow, Original
from postroom.queue._groups import FifoEntry, Groups
from postroom.queue._timed import TimedCore

if TYPE_CHECKING:
    from postroom.queue._entry import Entry, StoredFifo
    from postroom.queue._store import Happening

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

    __slots__ = ("_attempts", "_groups", "_sequence", "_window", "deduplicates_by_group", "delay", "in_flight_max")

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
        self.delay: int = delay
        self.deduplicates_by_group: bool = deduplicates_by_group
        """For the ids that come; those that came keep the scope they came in (SQS 3.3)."""
        self.in_flight_max: int = in_flight_max
        self.counts["deduplicated"] = 0
        # A queue that may have more in flight than AWS's looks that far: what is in flight is in front.
        self._groups = Groups(self._entries, self._hidden, max(FIFO_SCAN_MAX, in_flight_max))
        self._window = DeduplicationWindow()
        self._attempts = Attempts()
        self._sequence = _SEQUENCE_START

    def ready(self, now: int) -> tuple[int, int | None]:
        """
        How many waiters could get something, and when the next message may become available.

        A group serves one of them at a time, so they are as many as there are groups with an available head; none at the
        ceiling of messages in flight (SQS 3.5).
        """
        self.settle(now)
        is_over = self.in_flight >= self.in_flight_max or self._groups.first() is None
        deadline = self._next_timeout()
        if self._hidden or self._groups.has_beyond:
            # Other than in a standard queue, a message that expires lets others through.
            expiry = self.next_expiry()
            deadline = expiry if deadline is None or (expiry is not None and expiry < deadline) else deadline
        return 0 if is_over else len(self._groups.ready), deadline

    @property
    def groups_in_flight(self) -> int:
        """
        Groups with a message in flight (SQS 8.6).
        """
        return len(self._groups.in_flight)

    # Sending.

    def next_sequence_number(self) -> str:
        """
        For the message that is sent next: 20 decimal digits, larger than any before.
        """
        self._sequence += _SEQUENCE_STEP
        return str(self._sequence)

    def find_duplicate(self, now: int, group: str, deduplication_id: str) -> Original | None:
        """
        The message that was taken by that id within the last five minutes: what comes now is to be dropped, and is counted.
        """
        original = self._window.find(now, group, deduplication_id)
        if original is not None:
            original.dropped_at = now
            self.counts["deduplicated"] += 1
        return original

    def dropped(self, message_id: str) -> Original | None:
        """
        What is known of a message of which a duplicate was dropped within the last five minutes. O(n).
        """
        return self._window.dropped(message_id)

    def send(
        self,
        now: int,
        stored: StoredFifo,
        *,
        delay: int,
        receive_count: int = 0,
        first_received_at: int | None = None,
        kind: str = "sent",
    ) -> FifoEntry:
        """
        A new message, the last of its group, available at ``now + delay``. O(log n) in the number of groups.

        Its age counts from now, also if it is a dead letter (SQS 2.3). Its deduplication id is taken from now on, whether it
        was before or not: `find_duplicate` is asked first, and a dead letter is never a duplicate.
        """
        if now >= self.due:
            self.settle(now)
        number = self._counter = self._counter + 1
        since = now + delay
        entry = FifoEntry(number, stored, receive_count, first_received_at, since)
        self._ages.append((now, number))
        due = since if 0 < delay < self.retention else now + self.retention
        if due < self.due:  # noqa: PLR1730 - min() would be a call on the path of each send
            self.due = due
        if delay > 0:
            heappush(self._timeouts, (since, number))
            self._hidden[number] = since
            self.delayed.add(number)
        self._groups.add(entry)
        self._entries[number] = entry
        self._window.remember(now, stored.message_group_id or "", stored, by_group=self.deduplicates_by_group)
        if kind == "sent":
            self.counts["sent"] += 1
        if self.log is not None:
            self.log.append((kind, now, entry, since if delay > 0 else None, entry.receive_count))
        if len(self._ages) > 2 * len(self._entries) + self._floor:
            self._forget_stale_ages()
        return entry

    # Receiving.

    def receive(self, now: int, *, max_messages: int, visibility_timeout: int) -> list[Entry]:
        """
        Takes up to `max_messages`: the group that is first in line as far as it is available, then the next one. O(log n) each.

        A message whose deliveries are used up is reserved for the dead-letter queue and does not count (SQS 7.2). What was
        sent after it in its group stays until it is known whether it was taken: nothing overtakes a message that may come
        back. With a timeout of 0 the messages are available again when the call ends, and their groups go to the back.
        """
        if now >= self.due:
            self.settle(now)
        messages: list[Entry] = []
        self.reserved = []
        groups = self._groups
        while len(messages) < max_messages and self.in_flight < self.in_flight_max:
            head = groups.first()
            if head is None:
                break
            self._take(now, head, messages, max_messages, now + visibility_timeout)
            groups.lock(head)
        if visibility_timeout == 0:
            # Hidden while the call lasted: one receive returns no message twice.
            for entry in messages:
                self._give_back(now, cast("FifoEntry", entry), to_back=True)
        self.counts["received" if messages else "empty_receives"] += len(messages) or 1
        return messages

    def _take(self, now: int, head: FifoEntry, messages: list[Entry], most: int, deadline: int) -> None:
        """
        The eligible prefix of a group: its messages from the oldest to the first that is hidden (SQS 3.1).
        """
        hidden = self._hidden
        room = self.in_flight_max - len(hidden) + len(self.delayed)
        is_held = False
        entry: FifoEntry | None = head
        while entry is not None and room and entry.number not in hidden:
            number = entry.number
            if self._is_used_up(entry):
                self.moving[number] = entry
                self.reserved.append(entry)
                self._groups.fly(entry)
                hidden[number] = None
                is_held = True
            elif is_held or len(messages) == most:
                return
            else:
                self._hide(entry, deadline)
                entry.receives += 1
                entry.receive_count += 1
                entry.received_at = now
                entry.keep = False
                if entry.first_received_at is None:
                    entry.first_received_at = now
                messages.append(entry)
                if self.log is not None:
                    self.log.append(("received", now, entry, deadline, entry.receive_count))
            room -= 1
            entry = self._groups.following(entry)

    def _hide(self, entry: FifoEntry, deadline: int) -> None:
        number = entry.number
        heappush(self._timeouts, (deadline, number))
        if deadline < self.due:  # noqa: PLR1730 - likewise
            self.due = deadline
        self._groups.fly(entry)
        self._hidden[number] = deadline
        # Only now, for what is available stands in line by these.
        entry.since, entry.position = deadline, number

    def _give_back(self, now: int, entry: FifoEntry, kind: str = "available", *, to_back: bool = False) -> None:
        """
        Makes a message available before its time.

        Args:
            now: Microseconds.
            entry: The message, which is hidden.
            kind: For observers.
            to_back: Whether it stands behind all that are available by now, also those that are since this very moment.
        """
        position = entry.number
        if to_back:
            position = self._counter = self._counter + 1
        entry.since, entry.position = now, position
        self._make_available(entry)
        self.moving.pop(entry.number, None)
        if self.log is not None:
            self.log.append((kind, now, entry, None, entry.receive_count))

    def next_up(self, most: int) -> list[Entry]:
        """
        The first of those a receive would return, in its order. O(n log n).

        What stands behind a message that is up for the dead-letter queue is not among them: it depends on whether that is taken.
        """
        hidden = self._hidden
        found: list[Entry] = []
        for chain in sorted(self._groups.chains(), key=lambda chain: (chain[0].since, chain[0].position)):
            for entry in chain:
                if entry.number in hidden or self._is_used_up(entry):
                    break
                found.append(entry)
        return found[: max(0, min(most, self.in_flight_max - self.in_flight))]

    # Receiving once more.

    def remember_attempt(self, now: int, attempt_id: str, entries: list[Entry]) -> None:
        """
        A receive with that id has returned these (SQS 3.4). If they are not hidden, there is nothing to remember.
        """
        if entries and all(self._hidden.get(entry.number) is not None for entry in entries):
            self._attempts.remember(now, attempt_id, cast("list[FifoEntry]", list(entries)))

    def retry(self, now: int, attempt_id: str, visibility_timeout: int) -> tuple[list[Entry], int] | None:
        """
        The messages of an earlier receive with that id, hidden anew, and when it was. O(log n) each.

        They are as they were received, so their handles are the same. They count as received once more by the queue, but not
        each by itself.

        Returns:
            None if there was no such receive within five minutes, or one of its messages was touched or is no longer hidden.
        """
        if now >= self.due:
            self.settle(now)
        attempt = self._attempts.find(now, attempt_id)
        if attempt is None:
            return None
        deadline = now + visibility_timeout
        for entry in attempt.entries:
            if visibility_timeout == 0:
                self._give_back(now, entry, to_back=True)
            else:
                self._hide(entry, deadline)
                if self.log is not None:
                    self.log.append(("hidden", now, entry, deadline, entry.receive_count))
        self._thin_timeouts()
        self.counts["received"] += len(attempt.entries)
        return list(attempt.entries), attempt.at

    # Receipts.

    def holds(self, now: int, number: int) -> bool:
        """
        Whether there is such a message.
        """
        self.settle(now)
        return number in self._entries

    def is_current(self, now: int, number: int, receive: int) -> bool:
        """
        Whether a receive is the latest of its message, and still hides it (SQS 2.2).

        One with a timeout of 0 does for the rest of the millisecond.

        Args:
            now: Microseconds.
            number: Of the message.
            receive: Which of its receives here; the first is 1.
        """
        self.settle(now)
        entry = cast("FifoEntry | None", self._entries.get(number))
        if entry is None or entry.receives != receive or receive == 0 or number in self.moving:
            return False
        if number in self._hidden:
            return True
        return entry.since == entry.received_at and now // 1_000 == entry.received_at // 1_000

    def delete(self, now: int, number: int) -> bool:
        """
        Removes a message by its number; False if it is not there. Nobody can name one that was not received here. O(log n).
        """
        if now >= self.due:
            self.settle(now)
        entry = self._entries.get(number)
        if entry is not None and entry.receives == 0:
            return False
        return super().delete(now, number)

    def change_visibility(self, now: int, number: int, timeout: int) -> bool:
        """
        Hides a received message until ``now + timeout``, or makes it available if that is 0 (SQS 2). O(log n).

        Whether the one who asks may do so, `is_current` says.

        Returns:
            False if there is no such message, or it was never received here, or is moving to the dead-letter queue.
        """
        if now >= self.due:
            self.settle(now)
        entry = cast("FifoEntry | None", self._entries.get(number))
        if entry is None or entry.receives == 0 or number in self.moving:
            return False
        if timeout == 0:
            if number in self._hidden:
                self._give_back(now, entry)
            return True
        self._attempts.touch(number)
        self._hide(entry, now + timeout)
        self._groups.hid(entry)
        if self.log is not None:
            self.log.append(("hidden", now, entry, now + timeout, entry.receive_count))
        self._thin_timeouts()
        return True

    def take_back(self, now: int, number: int) -> None:
        """
        The dead-letter queue refused it: available again, and delivered by the next receive.
        """
        entry = cast("FifoEntry | None", self.moving.get(number))
        if entry is not None:
            entry.keep = True
            self._give_back(now, entry, "taken back")

    # Changes.

    def set_delay(self, now: int, delay: int) -> None:
        """
        Changes the delay, also of the messages that are delayed now (SQS 1). O(log n) for each of these.

        Each is due at its send and the new delay. If that is over it is available now, and stands in line as if since then.
        """
        self.settle(now)
        self.delay = delay
        for number in sorted(self.delayed & self._entries.keys()):
            entry = cast("FifoEntry", self._entries[number])
            due = entry.stored.sent_at + delay
            if due <= now:
                entry.since = due
                self._make_available(entry)
                happening: Happening = ("available", now, entry, None, entry.receive_count)
            else:
                heappush(self._timeouts, (due, number))
                self.due = min(self.due, due)
                self._hidden[number] = due
                entry.since = due
                happening = ("hidden", now, entry, due, entry.receive_count)
            if self.log is not None:
                self.log.append(happening)
        self._thin_timeouts()

    def purge(self, now: int) -> int:
        """
        Removes all messages, and forgets deduplication ids; with its messages, each attempt is over (SQS 8.1). O(n log n).

        Returns:
            How many there were.
        """
        purged = super().purge(now)
        self._window.clear()
        return purged

    def _make_available(self, entry: Entry) -> None:
        number = entry.number
        self._attempts.touch(number)
        self._groups.show(cast("FifoEntry", entry))
        self.delayed.discard(number)
        self._hidden.pop(number, None)
        self._thin_timeouts()

    def _remove(self, entry: Entry, fate: str, at: int) -> None:
        one = cast("FifoEntry", entry)
        self._attempts.touch(entry.number)
        self._groups.leave(one)
        super()._remove(entry, fate, at)
        self._groups.left(one)

    def _thin_timeouts(self) -> None:
        if len(self._timeouts) > 2 * len(self._hidden) + self._floor:
            self._forget_stale_timeouts()

    # Looking.

    def blocked_by(self, entry: Entry) -> Entry | None:
        """
        The message in flight, delayed or moving that another has to wait for; None: it waits for none. O(n) in its group.
        """
        return self._groups.blocker(cast("FifoEntry", entry))

    def is_beyond(self, entry: Entry) -> bool:
        """
        Whether so many are in front of a message that no receive looks at it yet: 120,000 (SQS 3.1).
        """
        return self._groups.is_beyond(cast("FifoEntry", entry))

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
        flying = {number for numbers in self._groups.in_flight.values() for number in numbers}
        for number, entry in self._entries.items():
            assert number in aged, f"message {number} never expires"
            deadline = self._hidden.get(number)
            if deadline is None:
                assert (number in self._hidden) == (number in self.moving), f"message {number} moves nowhere"
            else:
                assert (deadline, number) in timed, f"message {number} is hidden for ever"
                assert deadline == cast("FifoEntry", entry).since, f"message {number} is due at another time"
            assert entry.receives <= entry.receive_count, f"message {number} was received less often than here"
        assert flying == self._hidden.keys() - self.delayed, "the groups do not know what is in flight"
        self._groups.check()
