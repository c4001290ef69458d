"""
The core of a standard queue: what happens to messages at an instant, and nothing else.

No lock, no clock, no threads, nobody called back: every method takes `now` and returns what happened. The rules are
those of SQS 2, 5 and 7.2; one boundary holds everywhere: hidden on ``[t, t + timeout)``, expired at exactly
``sent + retention``.

What it holds, and how, is in `_store`; whose turn it is when messages have tenants, in `_fair`.

What makes it a queue as it is in reality (SQS 9) is asked of callables, None for never; a fault that was None disturbs no other.
They are asked in this order: for each message that a receive comes to `reorders`, `misses` and `duplicates`, and for each
delete `loses_delete`. No answer loses a message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from itertools import islice

from postroom.limits import DEMOTE_AFTER_RECEIVES, IN_FLIGHT_MAX
from postroom.queue._entry import Entry, Stored
from postroom.queue._fair import Fair
from postroom.queue._measured import MeasuredCore
from postroom.queue._store import NEVER


class StandardCore(MeasuredCore):
    """
    The state of a standard queue.

    Args:
        visibility_timeout: Microseconds.
        delay: Microseconds.
        retention: Microseconds.
        max_receive_count: Deliveries before a message is handed to the dead-letter queue; None for never.
        demote_after: Receives after which a message that comes back goes to the back of the queue; None for never (SQS 7.2).
        in_flight_max: Messages in flight at which nobody is told that there are more; None for AWS's number.
        duplicates: Asked once per message received with a timeout above 0: does this receive leave it visible?
        reorders: Asked per message that a receive comes to: given how many are in the window, which of them is it, from 0
            for the next in order? A larger number than there are is the last.
        reorder_window: So many of the next messages may change places; 2 or more.
        misses: Asked per message that a short poll comes to: does the poll not see it? It takes up its room all the same,
            and the next short poll that comes to it sees it.
        loses_delete: Asked at the first delete of a message: is it forgotten? The message then stays as it is.
    """

    __slots__ = (
        "_ghosts",
        "_missed",
        "delay",
        "duplicates",
        "in_flight_max",
        "loses_delete",
        "misses",
        "reorder_window",
        "reorders",
    )

    def __init__(
        self,
        *,
        visibility_timeout: int,
        delay: int,
        retention: int,
        max_receive_count: int | None = None,
        demote_after: int | None = DEMOTE_AFTER_RECEIVES,
        in_flight_max: int | None = None,
        duplicates: Callable[[], bool] | None = None,
        reorders: Callable[[int], int] | None = None,
        reorder_window: int = 10,
        misses: Callable[[], bool] | None = None,
        loses_delete: Callable[[], bool] | None = None,
    ) -> None:
        super().__init__(visibility_timeout, retention, max_receive_count)
        self.delay: int = delay
        self._demote_at = NEVER if demote_after is None else demote_after
        self.in_flight_max: int = IN_FLIGHT_MAX if in_flight_max is None else in_flight_max
        self.duplicates = duplicates
        self.reorders = reorders
        self.reorder_window = reorder_window
        self.misses = misses
        self.loses_delete = loses_delete
        self._missed: set[int] = set()
        """Messages that the last short poll which came to them did not see; what is gone may be in it, as in the next."""
        self._ghosts: set[int] = set()
        """Messages of which a delete was lost."""

    def ready(self, now: int) -> tuple[int, int | None]:
        """
        How many messages a waiter could get, and when the next may become available.

        At the ceiling of messages in flight that is none, until one is deleted or visible again (SQS 3.5).
        """
        self.settle(now)
        return 0 if self.in_flight >= self.in_flight_max else self.available, self._next_timeout()

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
        A new message, available at ``now + delay``. O(1), delayed or with a group id O(log n).
        """
        if now >= self.due:
            self.settle(now)
        number = self._counter = self._counter + 1
        entry = Entry(number, stored, receive_count, first_received_at)
        sent_at, group = stored.sent_at, stored.message_group_id
        due = sent_at + self.retention
        if 0 < delay < due - now:
            due = now + delay
        if due < self.due:  # noqa: PLR1730 - min() would be a call on the path of each send
            self.due = due
        # `now` only grows, so ages come in order, but for dead letters, which bring the age they have.
        if sent_at == now:
            self._ages.append((now, number))
        else:
            self._note_arrival(now, number)
            heappush(self._old_ages, (sent_at, number))
            if len(self._old_ages) > 2 * len(self._entries) + self._floor:
                self._forget_stale_old_ages(number)
        if delay > 0:
            heappush(self._timeouts, (now + delay, number))
            self._hidden[number] = now + delay
            self.delayed.add(number)
        elif group is None:
            self._fresh.append(entry)
        else:
            self._tenants(now).line_up(entry)
        self._entries[number] = entry
        if group is not None:
            self.due = min(self.due, self._tenants(now).sent(now, entry))
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
        New messages without group ids, all sent now, with the queue's own delay.
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

    def receive(
        self, now: int, *, max_messages: int, visibility_timeout: int, is_short_poll: bool = True
    ) -> list[Entry]:
        """
        Takes up to `max_messages` available ones in send order. O(log n) a message, O(1) for one never received.

        A message whose deliveries are used up is reserved for the dead-letter queue and does not count (SQS 7.2).
        """
        if now >= self.due:
            self.settle(now)
        if self._fair is not None or self.reorders is not None or (is_short_poll and self.misses is not None):
            return self._receive_in_turn(now, max_messages, visibility_timeout, is_short_poll=is_short_poll)
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
                self._reserve(entry)
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
            entry.received_at = now
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

    def _receive_in_turn(
        self, now: int, max_messages: int, visibility_timeout: int, *, is_short_poll: bool
    ) -> list[Entry]:
        """
        The same, of messages with tenants, or out of order, or by a poll that misses some.
        """
        fair, misses = self._fair, self.misses if is_short_poll else None
        if fair is not None:
            fair.pass_time(now)
        messages: list[Entry] = []
        self.reserved = []
        passed: set[int] = set()
        while len(messages) + len(passed) < max_messages:
            entry = self._first() if self.reorders is None and misses is None else self._choose(passed)
            if entry is None:
                break
            number = entry.number
            if misses is not None and self._is_missed(number, misses):
                passed.add(number)
                continue
            if self._is_used_up(entry):
                self._reserve(entry)
                continue
            stays = visibility_timeout == 0 or (self.duplicates is not None and self.duplicates())
            deadline = now if stays else now + visibility_timeout
            heappush(self._timeouts, (deadline, number))
            self.due = min(self.due, deadline)
            self._hidden[number] = deadline
            if fair is not None:
                fair.takes_off(now, entry)
            entry.receives += 1
            entry.receive_count += 1
            entry.keep = False
            entry.received_at = now
            entry.first_received_at = now if entry.first_received_at is None else entry.first_received_at
            self._drop(entry)
            messages.append(entry)
            if self.log is not None:
                self.log.append(("received", now, entry, deadline, entry.receive_count))
        if fair is not None:
            self.due = min(self.due, fair.judge_all(now, messages, self.reserved))
        self.settle(now)
        self.counts["received" if messages else "empty_receives"] += len(messages) or 1
        return messages

    def _reserve(self, entry: Entry) -> None:
        self.moving[entry.number] = entry
        self.reserved.append(entry)
        self._hidden[entry.number] = None
        self._drop(entry)

    def _first(self) -> Entry | None:
        lone = self._first_available()
        return lone if self._fair is None else self._fair.first(lone)

    def _choose(self, passed: set[int]) -> Entry | None:
        """
        The next message, or another one of the window; none of those that were passed over. O(w log n).
        """
        others = (entry for entry in self.upcoming() if entry.number not in passed)
        window = list(islice(others, 1 if self.reorders is None else self.reorder_window))
        if self.reorders is None or not window:
            return window[0] if window else None
        return window[min(self.reorders(len(window)), len(window) - 1)]

    def _is_missed(self, number: int, misses: Callable[[], bool]) -> bool:
        if number in self._missed:
            self._missed.discard(number)
            return False
        if not misses():
            return False
        if len(self._missed) > 2 * len(self._entries) + self._floor:
            self._missed = {one for one in self._missed if one in self._entries}
        self._missed.add(number)
        return True

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
        if self.loses_delete is None or not self._is_lost(number, self.loses_delete):
            self._remove(entry, "deleted", now)
        return True

    def _is_lost(self, number: int, loses_delete: Callable[[], bool]) -> bool:
        if number in self.moving or number in self._ghosts or not loses_delete():
            return False
        if len(self._ghosts) > 2 * len(self._entries) + self._floor:
            self._ghosts = {one for one in self._ghosts if one in self._entries}
        self._ghosts.add(number)
        return True

    def change_visibility(self, now: int, number: int, timeout: int) -> bool:
        """
        Hides a received message until ``now + timeout``, or makes it available if that is 0 (SQS 2). O(log n).

        Returns:
            False if there is no such message, or it was never received here, or is moving to the dead-letter queue.
        """
        fair = self._fair
        if fair is None:
            return MeasuredCore.change_visibility(self, now, number, timeout)
        self.settle(now)
        fair.now = now
        fair.pass_time(now)
        comes_into_flight = number not in self._hidden and timeout > 0
        changed = super().change_visibility(now, number, timeout)
        if changed and comes_into_flight:
            entry = self._entries[number]
            fair.takes_off(now, entry)
            self.due = min(self.due, fair.judge(now, entry))
        return changed

    def take_back(self, now: int, number: int) -> None:
        """
        The dead-letter queue refused it: available again, and delivered by the next receive.
        """
        fair, entry = self._fair, self.moving.get(number)
        if fair is not None:
            self.settle(now)
            fair.now = now
        super().take_back(now, number)
        if fair is not None and entry is not None:
            self.due = min(self.due, fair.judge(now, entry))

    # Looking.

    def upcoming(self) -> Iterator[Entry]:
        """
        What receives would find one after the other, if nothing else happened. O(log n) each.
        """
        lone = self._lone()
        return lone if self._fair is None else self._fair.upcoming(lone, self._is_used_up)

    def next_up(self, most: int) -> list[Entry]:
        """
        The first of those a receive would return, in its order. O(log n) each, and for each that it would move away.
        """
        return list(islice((entry for entry in self.upcoming() if not self._is_used_up(entry)), most))

    # Changes, and time.

    def set_delay(self, now: int, delay: int) -> None:  # noqa: ARG002 - other than in a FIFO queue (SQS 1)
        """
        Changes the delay, for the messages that are sent from now on.
        """
        self.delay = delay

    def purge(self, now: int) -> int:
        """
        Removes all messages, also those in flight, delayed, or on their way to the dead-letter queue (SQS 8.1). O(n).

        Returns:
            How many there were.
        """
        purged = super().purge(now)
        for index in (self._fresh, self._back, self._timeouts, self._ages, self._old_ages):
            index.clear()
        return purged

    def settle(self, now: int) -> None:
        """
        Brings about what fell due up to `now`, in order: visible again, expired, quiet again. O(log n) each.
        """
        if now < self.due:
            return
        super().settle(now)
        if self._fair is not None:
            self.due = min(self.due, self._fair.settle(now))

    def _bring_about(self, now: int) -> None:
        if self._fair is not None:
            self._fair.now = now
        super()._bring_about(now)

    def _tenants(self, now: int) -> Fair:
        if self._fair is None:
            self._fair = Fair(now, self._entries, self._hidden, self.delayed, self.moving, self._floor)
        return self._fair
