"""
What a queue holds, and in which order: the state of its messages, and the indexes beside it.

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

Messages with a group id, in a standard queue, stand in lines of their own, which `_fair` keeps, and not in the first two.

A message goes into its new index before it changes state, and leaves the old one afterwards. Ctrl-C can then strike
between any two steps and no message is lost: at worst an index holds a stale entry more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from heapq import heapify, heappop, heappush, merge
from operator import attrgetter
from typing import TYPE_CHECKING, ClassVar, Final

from postroom.limits import FATES_KEPT_MAX
from postroom.queue._entry import Entry, Fate
from postroom.queue._tenant import ascending, take_out

if TYPE_CHECKING:
    from postroom.queue._fair import Fair

NEVER: Final = 1 << 63
"""Later than any instant."""

Happening = tuple[str, int, Entry, int | None, int]
"""Kind, instant, message, for a hidden one its deadline, and how often it was received by then."""


class Store:
    """
    The messages of one queue. It knows no rule but the order in which they are available.

    Args:
        retention: Microseconds after which a message expires.
    """

    __slots__ = (
        "_ages",
        "_back",
        "_counter",
        "_demote_at",
        "_entries",
        "_fair",
        "_fates",
        "_fresh",
        "_hidden",
        "_old_ages",
        "_retained_since",
        "_timeouts",
        "counts",
        "delayed",
        "due",
        "log",
        "moving",
        "retention",
    )
    _floor: ClassVar = 64
    """So many stale entries an index may hold in any case."""

    def __init__(self, retention: int) -> None:
        self.retention = retention
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
        self._fair: Fair | None = None
        """The tenants, once there is one."""
        self._retained_since = 0
        """When the retention was changed: what was too old by then expired then."""
        self._demote_at = NEVER
        """Receives at which a message that comes back goes to the back."""
        self.due = NEVER
        """Before this instant nothing falls due: `settle` has nothing to do, and callers need not call it."""
        self.counts = {
            "sent": 0,
            "received": 0,
            "empty_receives": 0,
            "deleted": 0,
            "dead_lettered": 0,
            "expired": 0,
            "purged": 0,
        }
        self._fates: deque[tuple[int | str, str, int, int]] = deque(maxlen=FATES_KEPT_MAX)
        self.log: list[Happening] | None = None
        """What happened, for observers; a list only while somebody listens."""

    # Counting.

    @property
    def fates(self) -> list[Fate]:
        """
        What became of the messages that left last, oldest first.
        """
        return [Fate._make(fate) for fate in self._fates]

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

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries.values()))

    @property
    def newest(self) -> int:
        """
        No message has a larger number.
        """
        return self._counter

    def find(self, number: int) -> Entry | None:
        """
        The message of that number; None if it is not there.
        """
        return self._entries.get(number)

    def hidden_until(self, entry: Entry) -> int | None:
        """
        When a hidden message becomes visible; None if it is not hidden, or moving.
        """
        return self._hidden.get(entry.number)

    # What is next.

    def next_expiry(self) -> int | None:
        """
        When the oldest message expires.
        """
        oldest = self.oldest_sent_at()
        if oldest is None:
            return None
        expiry = oldest + self.retention
        return expiry if expiry > self._retained_since else self._retained_since  # noqa: FURB136 - once a message

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

    def _next_timeout(self) -> int | None:
        timeouts = self._timeouts
        while timeouts and self._hidden.get(timeouts[0][1]) != timeouts[0][0]:
            heappop(timeouts)
        return timeouts[0][0] if timeouts else None

    # Indexes.

    def _first_available(self) -> Entry | None:
        """
        The first available message, or, if there are tenants, the first without one.
        """
        fresh, back, entries, hidden = self._fresh, self._back, self._entries, self._hidden
        entry = None
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
                return entry if fresh and entry is not None and entry.position < position else again
            heappop(back)
        return entry if fresh else None

    def _drop(self, entry: Entry) -> None:
        """
        Takes an available message near the front out of its index. O(log n).
        """
        fresh = self._fresh
        if fresh and fresh[0] is entry:
            fresh.popleft()
        elif self._fair is not None and entry.stored.message_group_id is not None:
            self._fair.drop(entry)
        else:
            # In there are at most those that it overtakes: both lines are in order.
            at = next((at for at, one in enumerate(fresh) if one.number >= entry.number), None)
            if at is not None and fresh[at] is entry:
                del fresh[at]
            take_out(self._back, (entry.position, entry.number))

    def _lone(self) -> Iterator[Entry]:
        """
        The available messages without a tenant, in order, as they are asked for. O(log n) each.
        """
        entries, hidden = self._entries, self._hidden
        fresh = (one for one in self._fresh if one.number in entries and one.position == one.number)
        back = (
            one
            for position, number in ascending(self._back)
            if (one := entries.get(number)) and one.position == position
        )
        last = 0
        for entry in merge(fresh, back, key=attrgetter("position")):
            if entry.number != last and entry.number not in hidden:
                yield entry
                last = entry.number

    def _make_available(self, entry: Entry) -> None:
        number = entry.number
        if entry.receives >= self._demote_at:
            self._counter += 1
            entry.position = self._counter
        if self._fair is None:
            heappush(self._back, (entry.position, number))
            self.delayed.discard(number)
            self._hidden.pop(number, None)
        else:
            self._make_available_in_turn(entry, self._fair)
        if len(self._back) > 2 * len(self._entries) + self._floor:
            self._forget_stale_back()
        # A consumer that gives back what it received, by a timeout of 0, leaves a stale deadline each time.
        if len(self._timeouts) > 2 * len(self._hidden) + self._floor:
            self._forget_stale_timeouts()

    def _make_available_in_turn(self, entry: Entry, fair: Fair) -> None:
        number = entry.number
        deadline = self._hidden.get(number)
        at = fair.now if deadline is None else min(deadline, fair.now)
        fair.comes_back(at, entry)
        if entry.stored.message_group_id is None:
            heappush(self._back, (entry.position, number))
        self.delayed.discard(number)
        self._hidden.pop(number, None)
        if number not in self.moving:
            self.due = min(self.due, fair.judge(at, entry))

    def _remove(self, entry: Entry, fate: str, at: int) -> None:
        number = entry.number
        stored = entry.stored
        # The dead-letter rule counts receives in this queue; everybody else is told of all there were.
        receives = entry.receives if fate == "dead-lettered" else entry.receive_count
        self._fates.append((stored._id or stored._bits, fate, at, receives))
        fair = self._fair
        if fair is not None:
            fair.goes(at, entry)
        self._entries.pop(number, None)
        self._hidden.pop(number, None)
        if self.delayed:
            self.delayed.discard(number)
        if self.moving:
            self.moving.pop(number, None)
        if fair is not None:
            self.due = min(self.due, fair.judge(at, entry))
        if self.log is not None:
            self.log.append((fate, at, entry, None, entry.receive_count))
        if len(self._timeouts) > 2 * len(self._hidden) + self._floor:
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
                # Those with a tenant are in its line, or `Fair.check` finds it out.
                has_tenant = self._fair is not None and entry.stored.message_group_id is not None
                assert has_tenant or number in fresh | back, f"message {number} is available and in no index"
            elif (deadline := self._hidden[number]) is not None:
                assert (deadline, number) in timed, f"message {number} is hidden for ever"
            assert entry.receives <= entry.receive_count, f"message {number} was received less often than here"
        if self._fair is not None:
            self._fair.check()
