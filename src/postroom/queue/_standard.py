"""
The core of a standard queue: what happens to messages at an instant, and nothing else.

No lock, no clock, no threads, nobody called back: every method takes `now` and returns what happened. The rules are
those of SQS 2, 5 and 7.2; one boundary holds everywhere: hidden on ``[t, t + timeout)``, expired at exactly
``sent + retention``.

The state of a message is which containers it is in, and only that::

    entries   every live message, by number
    hidden    number -> deadline: in flight or delayed; being handed to the dead-letter queue (no deadline)
    delayed, moving   which of the hidden are not in flight
    available = entries - hidden

Beside them stand indexes, in which entries may be stale and are checked when they come up::

    fresh     deque in send order: never hidden            O(1) to add and take
    back      heap by position: hidden once, available now O(log n)
    timeouts  heap by deadline                             O(log n)
    ages      deque by age, old_ages for dead letters      O(1), O(log n)

A message goes into its new index before it changes state, and leaves the old one afterwards. Ctrl-C can then strike
between any two steps and no message is lost: at worst an index holds a stale entry more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from typing import Final

from postroom.limits import DEMOTE_AFTER_RECEIVES, FATES_KEPT_MAX, IN_FLIGHT_MAX
from postroom.queue._entry import Entry, Fate, Stored

_FLOOR: Final = 64


Happening = tuple[str, int, Entry, int | None]
"""Kind, instant, message, and for a hidden one its deadline."""


class StandardCore:
    """
    The state of a standard queue.

    Args:
        visibility_timeout: Microseconds.
        delay: Microseconds.
        retention: Microseconds.
        max_receive_count: Deliveries before a message is handed to the dead-letter queue; None for never.
        duplicates: Asked once per message received: does this receive leave it visible? None for never.
    """

    __slots__ = (
        "_ages",
        "_back",
        "_counter",
        "_entries",
        "_fresh",
        "_hidden",
        "_old_ages",
        "_timeouts",
        "counts",
        "delay",
        "delayed",
        "duplicates",
        "fates",
        "log",
        "max_receive_count",
        "moving",
        "retention",
        "visibility_timeout",
    )

    def __init__(
        self,
        *,
        visibility_timeout: int,
        delay: int,
        retention: int,
        max_receive_count: int | None = None,
        duplicates: Callable[[], bool] | None = None,
    ) -> None:
        self.visibility_timeout = visibility_timeout
        self.delay = delay
        self.retention = retention
        self.max_receive_count = max_receive_count
        self.duplicates = duplicates
        self._entries: dict[int, Entry] = {}
        self._hidden: dict[int, int | None] = {}
        self.delayed: set[int] = set()
        self.moving: dict[int, Entry] = {}
        """Reserved for the dead-letter queue, in order: `confirm_move` or `take_back` each."""
        self._fresh: deque[Entry] = deque()
        self._back: list[tuple[int, int]] = []
        self._timeouts: list[tuple[int, int]] = []
        self._ages: deque[tuple[int, int]] = deque()
        self._old_ages: list[tuple[int, int]] = []
        self._counter = 0
        self.counts = {"sent": 0, "received": 0, "empty_receives": 0, "deleted": 0, "dead_lettered": 0, "expired": 0}
        self.fates: deque[Fate] = deque(maxlen=FATES_KEPT_MAX)
        self.log: list[Happening] | None = None
        """What happened, for observers; a list only while somebody listens."""

    # Counting.

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def available(self) -> int:
        """
        Messages a receive would find: neither delayed nor in flight.
        """
        return len(self._entries) - len(self._hidden)

    @property
    def in_flight(self) -> int:
        """
        Messages received and neither deleted nor visible again; those on the way to the dead-letter queue included.
        """
        return len(self._hidden) - len(self.delayed)

    def ready(self, now: int) -> tuple[int, int | None]:
        """
        How many messages a waiter could get, and when the next may become available.

        At the ceiling of messages in flight that is none, until one is deleted or visible again (SQS 3.5).
        """
        self.settle(now)
        return 0 if self.in_flight >= IN_FLIGHT_MAX else self.available, self._next_timeout()

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries.values()))

    @property
    def newest(self) -> int:
        """
        No message has a larger number.
        """
        return self._counter

    def next_available(self, most: int) -> list[Entry]:
        """
        The first of those a receive would find, in its order. O(n log n).
        """
        found = [entry for entry in self._entries.values() if entry.number not in self._hidden]
        return sorted(found, key=lambda entry: entry.position)[:most]

    def hidden_until(self, entry: Entry) -> int | None:
        """
        When a hidden message becomes visible; None if it is not hidden, or moving.
        """
        return self._hidden.get(entry.number)

    # Operations.

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
        self.settle(now)
        number = self._counter = self._counter + 1
        entry = Entry(number, stored, receive_count, first_received_at)
        # `now` only grows, so ages come in order, but for dead letters, which bring the age they have.
        if stored.sent_at == now:
            self._ages.append((now, number))
        else:
            heappush(self._old_ages, (stored.sent_at, number))
            if len(self._old_ages) > 2 * len(self._entries) + _FLOOR:
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
            self.log.append((kind, now, entry, now + delay if delay > 0 else None))
        if stored.sent_at <= now - self.retention:
            # A dead letter older than this queue keeps messages: it expires as it comes, not before.
            self._expire(entry, now)
        if len(self._ages) > 2 * len(self._entries) + _FLOOR:
            self._forget_stale_ages()
        return entry

    def receive(self, now: int, *, max_messages: int, visibility_timeout: int) -> list[Entry]:
        """
        Takes up to `max_messages` available ones in send order. O(log n) a message, O(1) for one never received.

        A message whose deliveries are used up is reserved for the dead-letter queue and does not count (SQS 7.2).
        """
        self.settle(now)
        messages: list[Entry] = []
        limit = self.max_receive_count
        while len(messages) < max_messages and (entry := self._first_available()) is not None:
            number = entry.number
            if limit is not None and entry.receives >= limit and not entry.keep:
                self.moving[number] = entry
                self._hidden[number] = None
                self._drop_first(entry)
                continue
            # One that stays visible is hidden while this call lasts: one receive returns no message twice.
            stays = visibility_timeout == 0 or (self.duplicates is not None and self.duplicates())
            deadline = now if stays else now + visibility_timeout
            heappush(self._timeouts, (deadline, number))
            self._hidden[number] = deadline
            entry.receives += 1
            entry.receive_count += 1
            entry.keep = False
            if entry.first_received_at is None:
                entry.first_received_at = now
            self._drop_first(entry)
            messages.append(entry)
            if self.log is not None:
                self.log.append(("received", now, entry, deadline))
        if self._timeouts and self._timeouts[0][0] <= now:
            self._bring_about(now)
        self.counts["received" if messages else "empty_receives"] += len(messages) or 1
        return messages

    def delete(self, now: int, number: int) -> bool:
        """
        Removes a message, whatever its state, by the number in any of its handles (SQS 2.2). O(1).
        """
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
        self.settle(now)
        entry = self._entries.get(number)
        if entry is None or entry.receives == 0 or number in self.moving:
            return False
        if timeout == 0:
            if number in self._hidden:
                self._make_available(entry)
                if self.log is not None:
                    self.log.append(("available", now, entry, None))
            return True
        heappush(self._timeouts, (now + timeout, number))
        self._hidden[number] = now + timeout
        if self.log is not None:
            self.log.append(("hidden", now, entry, now + timeout))
        if len(self._timeouts) > 2 * len(self._hidden) + _FLOOR:
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
                self.log.append(("taken back", now, entry, None))

    # Time.

    def settle(self, now: int) -> None:
        """
        Brings about what fell due up to `now`, in order: visible again, expired. O(log n) each.
        """
        entries, ages, old, timeouts = self._entries, self._ages, self._old_ages, self._timeouts
        while ages and ages[0][1] not in entries:
            ages.popleft()
        while old and old[0][1] not in entries:
            heappop(old)
        horizon = now - self.retention
        if (timeouts and timeouts[0][0] <= now) or (ages and ages[0][0] <= horizon) or (old and old[0][0] <= horizon):
            self._bring_about(now)

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
                        self.log.append(("available", timeout, entry, None))
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
        if len(self._fresh) > 2 * len(self._entries) + _FLOOR:
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

    def _next_timeout(self) -> int | None:
        timeouts = self._timeouts
        while timeouts and self._hidden.get(timeouts[0][1]) != timeouts[0][0]:
            heappop(timeouts)
        return timeouts[0][0] if timeouts else None

    def next_expiry(self) -> int | None:
        """
        When the oldest message expires.
        """
        oldest = self.oldest_sent_at()
        return None if oldest is None else oldest + self.retention

    def oldest_sent_at(self) -> int | None:
        """
        When the oldest message was sent.
        """
        while self._ages and self._ages[0][1] not in self._entries:
            self._ages.popleft()
        while self._old_ages and self._old_ages[0][1] not in self._entries:
            heappop(self._old_ages)
        found = [line[0][0] for line in (self._ages, self._old_ages) if line]
        return min(found) if found else None

    # Indexes.

    def _first_available(self) -> Entry | None:
        fresh, back, entries, hidden = self._fresh, self._back, self._entries, self._hidden
        while fresh:
            entry = fresh[0]
            number = entry.number
            if number in entries and number not in hidden and entry.position == number:
                break
            fresh.popleft()
        while back:
            position, number = back[0]
            again = entries.get(number)
            if again is not None and number not in hidden and again.position == position:
                return entry if fresh and entry.position < position else again
            heappop(back)
        return entry if fresh else None

    def _drop_first(self, entry: Entry) -> None:
        """
        Takes what `_first_available` found out of its index.
        """
        if self._fresh and self._fresh[0] is entry:
            self._fresh.popleft()
        else:
            heappop(self._back)

    def _make_available(self, entry: Entry) -> None:
        number = entry.number
        if entry.receives >= DEMOTE_AFTER_RECEIVES:
            self._counter += 1
            entry.position = self._counter
        heappush(self._back, (entry.position, number))
        self.delayed.discard(number)
        self._hidden.pop(number, None)
        if len(self._back) > 2 * len(self._entries) + _FLOOR:
            self._forget_stale_back()
        # A consumer that gives back what it received, by a timeout of 0, leaves a stale deadline each time.
        if len(self._timeouts) > 2 * len(self._hidden) + _FLOOR:
            self._forget_stale_timeouts()

    def _remove(self, entry: Entry, fate: str, at: int) -> None:
        number = entry.number
        self.fates.append(Fate(entry.stored.key, fate, at, entry.receives))
        self._entries.pop(number, None)
        self._hidden.pop(number, None)
        self.delayed.discard(number)
        self.moving.pop(number, None)
        if self.log is not None:
            self.log.append((fate, at, entry, None))
        if len(self._timeouts) > 2 * len(self._hidden) + _FLOOR:
            self._forget_stale_timeouts()

    # Stale entries wait in an index until they come up; when they are most of it, it is built anew. That costs as
    # much as the operations that made them stale, so each pays O(1) for it.

    def _forget_stale_timeouts(self) -> None:
        # A set: one that was given back and received again at the same instant is there more than once.
        self._timeouts = list({pair for pair in self._timeouts if self._hidden.get(pair[1]) == pair[0]})
        heapify(self._timeouts)

    def _forget_stale_back(self) -> None:
        entries = self._entries
        self._back = sorted(
            {pair for pair in self._back if pair[1] in entries and pair[0] == entries[pair[1]].position}
        )

    def _forget_stale_ages(self) -> None:
        self._ages = deque(pair for pair in self._ages if pair[1] in self._entries)
        self._forget_stale_fresh()

    def _forget_stale_old_ages(self, coming: int) -> None:
        self._old_ages = [pair for pair in self._old_ages if pair[1] in self._entries or pair[1] == coming]
        heapify(self._old_ages)

    def _forget_stale_fresh(self) -> None:
        self._fresh = deque(entry for entry in self._fresh if entry.number in self._entries)

    def check(self) -> None:
        """
        Asserts what must hold after each operation, in time that grows with the number of messages.
        """
        assert self._hidden.keys() <= self._entries.keys(), "a hidden message does not exist"
        assert self.delayed <= self._hidden.keys(), "a delayed message is not hidden"
        assert self.moving.keys() <= self._hidden.keys(), "a moving message is not hidden"
        assert not self.delayed & self.moving.keys(), "a message is delayed and moving"
        fresh = {entry.number for entry in self._fresh if entry.position == entry.number}
        back = {
            number for position, number in self._back if (e := self._entries.get(number)) and e.position == position
        }
        aged = {number for _, number in self._ages} | {number for _, number in self._old_ages}
        timed = set(self._timeouts)
        for number, entry in self._entries.items():
            assert number in aged, f"message {number} never expires"
            if number not in self._hidden:
                assert number in fresh | back, f"message {number} is available and in no index"
            elif (deadline := self._hidden[number]) is not None:
                assert (deadline, number) in timed, f"message {number} is hidden for ever"
            assert entry.receives <= entry.receive_count, f"message {number} was received less often than here"
