"""
The core of a FIFO queue beside a model that is obviously right: one list of messages, and a scan for everything.

Instants are plain integers, and few, so that deadlines collide; some are five minutes apart, to the microsecond.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from postroom.message import NO_ATTRIBUTES
from postroom.queue._entry import StoredFifo
from postroom.queue._fifo import FifoCore
from postroom.queue._groups import Groups
from postroom.queue._store import Store

FIVE_MINUTES: Final = 300_000_000
START: Final = 1_000_000_000


@dataclass(eq=False)
class Item:
    """
    A message.
    """

    id: str
    group: str
    since: int
    place: int
    sent_at: int
    state: str = "available"
    receives: int = 0
    receive_count: int = 0
    first_received_at: int | None = None
    received_at: int = 0
    keep: bool = False
    touched: int = 0


@dataclass
class Model:
    """
    A queue as SQS 2, 3 and 7.2 tell it, without any thought of speed.
    """

    timeout: int
    delay: int
    retention: int
    limit: int | None
    by_group: bool
    ceiling: int
    scanned: int
    items: list[Item] = field(default_factory=list)
    counter: int = 0
    retained_since: int = 0
    taken: list[tuple[int, str | None, str, str]] = field(default_factory=list)
    attempts: dict[str, tuple[int, list[tuple[Item, int]]]] = field(default_factory=dict)
    figures: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ["sent", "received", "empty_receives", "deleted", "dead_lettered", "expired", "deduplicated"], 0
        )
    )
    log: list[tuple[str, int, str, int | None, int]] = field(default_factory=list)

    def count(self, *states: str) -> int:
        return sum(item.state in states for item in self.items)

    def next_place(self) -> int:
        self.counter += 1
        return self.counter

    def tell(self, kind: str, at: int, item: Item, until: int | None = None) -> None:
        self.log.append((kind, at, item.id, until, item.receive_count))

    # Time. Of what falls due together, expiry is first, and then the older message.

    def due(self) -> list[tuple[int, int, int, Item]]:
        ends = [(one.since, 1, at, one) for at, one in enumerate(self.items) if one.state in {"in flight", "delayed"}]
        expiries = [(self.expiry(one), 0, at, one) for at, one in enumerate(self.items)]
        return sorted([*ends, *expiries], key=lambda due: due[:3])

    def expiry(self, item: Item) -> int:
        return max(item.sent_at + self.retention, self.retained_since)

    def catch_up(self, now: int) -> None:
        while (due := self.due()) and due[0][0] <= now:
            at, kind, _, item = due[0]
            if kind == 0:
                self.figures["expired"] += 1
                self.remove(at, item, "expired")
            else:
                self.show(at, item)

    def show(self, at: int, item: Item, kind: str = "available") -> None:
        item.state = "available"
        item.touched += 1
        self.tell(kind, at, item)

    def hide(self, now: int, item: Item, until: int, kind: str) -> None:
        item.state, item.since, item.place = "in flight", until, self.own_place(item)
        item.touched += 1
        self.tell(kind, now, item, until)

    def own_place(self, item: Item) -> int:
        """
        Where a message stands among those of one moment, unless it was sent to the back.
        """
        return int(item.id.split()[1])

    def give_back(self, now: int, item: Item, kind: str = "available", *, to_back: bool = False) -> None:
        item.since, item.place = now, self.next_place() if to_back else self.own_place(item)
        self.show(now, item, kind)

    def remove(self, at: int, item: Item, fate: str) -> None:
        self.items.remove(item)
        item.state = fate
        item.touched += 1
        self.tell(fate, at, item)

    # Sending.

    def duplicate(self, now: int, group: str, id_: str) -> str | None:
        found = [
            original
            for at, scope, known, original in self.taken
            if now < at + FIVE_MINUTES and known == id_ and scope == group
        ]
        found = found or [
            original
            for at, scope, known, original in self.taken
            if now < at + FIVE_MINUTES and known == id_ and scope is None
        ]
        self.figures["deduplicated"] += bool(found)
        return found[-1] if found else None

    def send(self, now: int, group: str, id_: str | None, delay: int, **known: Any) -> Item:
        self.catch_up(now)
        kind = known.pop("kind", "sent")
        number = self.next_place()
        item = Item(f"message {number}", group, now + delay, number, now, **known)
        item.state = "delayed" if delay else "available"
        self.items.append(item)
        self.taken.append((now, group if self.by_group else None, item.id if id_ is None else id_, item.id))
        self.figures["sent"] += kind == "sent"
        self.tell(kind, now, item, item.since if delay else None)
        return item

    # Receiving.

    def of(self, group: str) -> list[Item]:
        return [item for item in self.items[: self.scanned] if item.group == group]

    def ready(self) -> list[Item]:
        """
        The available heads of groups, in line.
        """
        heads = [self.of(group)[0] for group in {item.group for item in self.items[: self.scanned]}]
        return sorted((head for head in heads if head.state == "available"), key=lambda head: (head.since, head.place))

    def is_used_up(self, item: Item) -> bool:
        return self.limit is not None and item.receives >= self.limit and not item.keep

    def receive(self, now: int, most: int, timeout: int) -> tuple[list[Item], list[Item]]:
        self.catch_up(now)
        got: list[Item] = []
        reserved: list[Item] = []
        while len(got) < most and self.count("in flight", "moving") < self.ceiling and (heads := self.ready()):
            is_held = False
            for item in self.of(heads[0].group):
                is_used_up = self.is_used_up(item)
                if (
                    item.state != "available"
                    or self.count("in flight", "moving") >= self.ceiling
                    or (not is_used_up and (is_held or len(got) == most))
                ):
                    break
                if is_used_up:
                    item.state, is_held = "moving", True
                    reserved.append(item)
                    continue
                item.receives += 1
                item.receive_count += 1
                item.received_at = now
                item.keep = False
                item.first_received_at = now if item.first_received_at is None else item.first_received_at
                self.hide(now, item, now + timeout, "received")
                got.append(item)
        if timeout == 0:
            for item in got:
                self.give_back(now, item, to_back=True)
        self.figures["received" if got else "empty_receives"] += len(got) or 1
        return got, reserved

    def next_up(self, now: int) -> list[str]:
        return [item.id for item in copy.deepcopy(self).receive(now, 1_000, 1)[0]]

    def remember(self, now: int, attempt: str, got: list[Item]) -> None:
        if got and all(item.state == "in flight" for item in got):
            self.attempts[attempt] = (now, [(item, item.touched) for item in got])

    def retry(self, now: int, attempt: str, timeout: int) -> tuple[list[Item], int] | None:
        self.catch_up(now)
        at, got = self.attempts.get(attempt, (0, []))
        if not got or now >= at + FIVE_MINUTES or any(item.touched != touched for item, touched in got):
            return None
        for item, _ in got:
            if timeout:
                self.hide(now, item, now + timeout, "hidden")
            else:
                self.give_back(now, item, to_back=True)
        if timeout:
            self.attempts[attempt] = (at, [(item, item.touched) for item, _ in got])
        else:
            del self.attempts[attempt]
        self.figures["received"] += len(got)
        return [item for item, _ in got], at

    # Receipts.

    def is_current(self, now: int, item: Item, receive: int) -> bool:
        self.catch_up(now)
        if item.receives != receive or item.state not in {"in flight", "available"}:
            return False
        at_once = item.since == item.received_at and now // 1_000 == item.received_at // 1_000
        return item.state == "in flight" or at_once

    def change(self, now: int, item: Item, timeout: int) -> bool:
        self.catch_up(now)
        if item.state not in {"in flight", "available"}:
            return False
        if timeout:
            self.hide(now, item, now + timeout, "hidden")
        elif item.state == "in flight":
            self.give_back(now, item)
        return True

    def set_delay(self, now: int, delay: int) -> None:
        self.catch_up(now)
        self.delay = delay
        for item in self.items:
            if item.state == "delayed":
                item.since = item.sent_at + delay
                if item.since <= now:
                    self.show(now, item)
                else:
                    self.tell("hidden", now, item, item.since)

    def blocker(self, item: Item) -> Item | None:
        for one in self.of(item.group):
            if one is item:
                return None
            if one.state != "available":
                return one
        return None

    def next_change(self) -> int | None:
        """
        When a waiter could get more than now.
        """
        ends = [one.since for one in self.items if one.state in {"in flight", "delayed"}]
        if len(ends) < len(self.items) - self.count("available") or ends or len(self.items) > self.scanned:
            ends += [self.expiry(one) for one in self.items[:1]]
        return min(ends, default=None)


@dataclass(frozen=True)
class Handle:
    """
    One receive of one message.
    """

    item: Item
    number: int
    receive: int


GROUPS: Final = ["a", "b", "c"]
groups = st.sampled_from(GROUPS)
ids = st.sampled_from(["1", "2", "3", None, None, None, None])
spans = st.sampled_from([0, 0, 1, 1, 4, 5, 29, 30, 999, 1_000, FIVE_MINUTES - 1, FIVE_MINUTES])
timeouts = st.sampled_from([0, 1, 5, 30, 30, 5_000, FIVE_MINUTES])
attempts = st.sampled_from([None, None, "try 1", "try 2"])


class FifoMachine(RuleBasedStateMachine):
    """
    Drives core and model side by side.
    """

    handles: Bundle[Handle] = Bundle("handles")

    @initialize(
        delay=st.sampled_from([0, 0, 0, 5]),
        retention=st.sampled_from([60, 2_000, 2 * FIVE_MINUTES]),
        limit=st.sampled_from([None, 1, 2]),
        by_group=st.booleans(),
        ceiling=st.sampled_from([120_000, 120_000, 3]),
        scanned=st.sampled_from([120_000, 120_000, 4]),
        floor=st.sampled_from([0, 64]),
    )
    def begin(
        self, delay: int, retention: int, limit: int | None, by_group: bool, ceiling: int, scanned: int, floor: int
    ) -> None:
        self.before = (Store._floor, Groups._floor)
        Store._floor = Groups._floor = floor
        self.now = START
        self.core = FifoCore(
            visibility_timeout=30,
            delay=delay,
            retention=retention,
            max_receive_count=limit,
            deduplicates_by_group=by_group,
            in_flight_max=ceiling,
        )
        self.core._groups._scan_max = scanned
        self.core.log = []
        self.model = Model(30, delay, retention, limit, by_group, ceiling, scanned)
        self.numbers: dict[str, int] = {}
        self.last_sequence = ""

    def teardown(self) -> None:
        if hasattr(self, "before"):
            Store._floor, Groups._floor = self.before

    @rule(span=spans)
    def pass_time(self, span: int) -> None:
        self.now += span

    # Sending.

    @rule(group=groups, id_=ids)
    def send(self, group: str, id_: str | None) -> None:
        original = None
        if id_ is not None:
            found = self.core.find_duplicate(self.now, group, id_)
            original = self.model.duplicate(self.now, group, id_)
            assert (found.message_id if found else None) == original
        if original is None:
            self.put(group, id_, self.model.delay)

    @rule(wanted=st.lists(groups, min_size=2, max_size=6))
    def send_batch(self, wanted: list[str]) -> None:
        for group in wanted:
            self.put(group, None, self.model.delay)

    @rule(group=groups, receives=st.integers(1, 3))
    def move_in(self, group: str, receives: int) -> None:
        self.put(group, None, 0, receive_count=receives, first_received_at=START - 5, kind="moved in")

    def put(self, group: str, id_: str | None, delay: int, **known: Any) -> None:
        item = self.model.send(self.now, group, id_, delay, **known)
        sequence = self.core.next_sequence_number()
        stored = StoredFifo(
            item.id, "tea", NO_ATTRIBUTES, self.now, "sender", None, None, group, id_ or item.id, sequence
        )
        entry = self.core.send(self.now, stored, delay=delay, **known)
        assert len(sequence) == 20
        assert sequence > self.last_sequence
        self.last_sequence, self.numbers[item.id] = sequence, entry.number

    # Receiving.

    @rule(target=handles, most=st.sampled_from([1, 2, 10, 10]), timeout=timeouts, attempt=attempts)
    def receive(self, most: int, timeout: int, attempt: str | None) -> Any:
        if attempt is not None:
            again = self.core.retry(self.now, attempt, timeout)
            expected = self.model.retry(self.now, attempt, timeout)
            assert (again is None) == (expected is None)
            if again is not None and expected is not None:
                assert [entry.stored.message_id for entry in again[0]] == [item.id for item in expected[0]]
                assert again[1] == expected[1]
                return multiple(*(Handle(one, self.numbers[one.id], one.receives) for one in expected[0]))
        entries = self.core.receive(self.now, max_messages=most, visibility_timeout=timeout)
        got, reserved = self.model.receive(self.now, most, timeout)
        assert [entry.stored.message_id for entry in entries] == [item.id for item in got]
        assert [entry.stored.message_id for entry in self.core.reserved] == [item.id for item in reserved]
        if attempt is not None and got:
            self.core.remember_attempt(self.now, attempt, entries)
            self.model.remember(self.now, attempt, got)
        return multiple(*(Handle(item, self.numbers[item.id], item.receives) for item in got))

    @rule(taken=st.lists(st.booleans(), max_size=3))
    def hand_over(self, taken: list[bool]) -> None:
        """
        One hand-over after the other is confirmed or refused.
        """
        for is_taken in taken:
            moving = list(self.core.moving.values())
            if not moving:
                return
            item = next(one for one in self.model.items if one.id == moving[0].stored.message_id)
            # Everybody else does so before, as the driver does.
            self.core.settle(self.now)
            self.model.catch_up(self.now)
            if is_taken:
                self.core.confirm_move(self.now, moving[0].number)
                if item.state == "moving":
                    self.model.figures["dead_lettered"] += 1
                    self.model.remove(self.now, item, "dead-lettered")
            else:
                self.core.take_back(self.now, moving[0].number)
                if item.state == "moving":
                    item.keep = True
                    self.model.give_back(self.now, item, "taken back")

    # Receipts.

    @rule(handle=handles)
    def delete(self, handle: Handle) -> None:
        is_current = self.model.is_current(self.now, handle.item, handle.receive)
        assert self.core.is_current(self.now, handle.number, handle.receive) == is_current
        is_there = handle.item in self.model.items
        assert self.core.holds(self.now, handle.number) == is_there
        if is_current or not is_there:
            assert self.core.delete(self.now, handle.number) == is_there
            self.model.figures["deleted"] += 1
            if is_there:
                self.model.remove(self.now, handle.item, "deleted")

    @rule(handle=handles, timeout=timeouts)
    def change(self, handle: Handle, timeout: int) -> None:
        is_current = self.model.is_current(self.now, handle.item, handle.receive)
        assert self.core.is_current(self.now, handle.number, handle.receive) == is_current
        if is_current:
            done = self.model.change(self.now, handle.item, timeout)
            assert self.core.change_visibility(self.now, handle.number, timeout) == done

    # Changes.

    @rule(by_group=st.booleans())
    def change_scope(self, by_group: bool) -> None:
        self.core.deduplicates_by_group = self.model.by_group = by_group

    @rule(delay=st.sampled_from([0, 1, 5, 30]))
    def change_delay(self, delay: int) -> None:
        self.core.set_delay(self.now, delay)
        self.model.set_delay(self.now, delay)

    @rule(retention=st.sampled_from([60, 2_000, 2 * FIVE_MINUTES]))
    def change_retention(self, retention: int) -> None:
        self.model.catch_up(self.now)
        self.model.retention, self.model.retained_since = retention, self.now
        self.model.catch_up(self.now)
        self.core.set_retention(self.now, retention)

    @rule(limit=st.sampled_from([None, 1, 2]))
    def change_limit(self, limit: int | None) -> None:
        self.core.max_receive_count = self.model.limit = limit

    @rule()
    def purge(self) -> None:
        self.model.catch_up(self.now)
        assert self.core.purge(self.now) == len(self.model.items)
        for item in list(self.model.items):
            self.model.remove(self.now, item, "purged")
        self.model.taken.clear()
        self.model.attempts.clear()

    # What must hold.

    @invariant()
    def is_the_same(self) -> None:
        if not hasattr(self, "core"):
            return
        core, model = self.core, self.model
        core.settle(self.now)
        model.catch_up(self.now)
        core.check()
        assert core.log is not None
        assert [(kind, at, e.stored.message_id, *more) for kind, at, e, *more in core.log] == model.log
        core.log.clear()
        model.log.clear()
        counts = {name: core.counts[name] for name in model.figures}
        assert counts == model.figures
        assert core.available == model.count("available")
        assert core.in_flight == model.count("in flight", "moving")
        assert len(core.delayed) == model.count("delayed")
        assert core.groups_in_flight == len({one.group for one in model.items if one.state in {"in flight", "moving"}})
        assert core.oldest_sent_at() == (model.items[0].sent_at if model.items else None)

    @invariant()
    def the_messages_are_the_same(self) -> None:
        if not hasattr(self, "core"):
            return
        entries = {entry.number: entry for entry in self.core}
        assert [entry.stored.message_id for entry in entries.values()] == [item.id for item in self.model.items]
        for item in self.model.items:
            entry = entries[self.numbers[item.id]]
            hidden = item.since if item.state in {"in flight", "delayed"} else None
            assert self.core.hidden_until(entry) == hidden
            assert (entry.receives, entry.receive_count) == (item.receives, item.receive_count)
            assert entry.first_received_at == item.first_received_at
            first, expected = self.core.blocked_by(entry), self.model.blocker(item)
            assert (first and first.stored.message_id) == (expected and expected.id)
            assert self.core.is_beyond(entry) == (item not in self.model.items[: self.model.scanned])

    @invariant()
    def the_next_are_the_same(self) -> None:
        if not hasattr(self, "core"):
            return
        core, model = self.core, self.model
        is_over = model.count("in flight", "moving") >= model.ceiling
        assert core.ready(self.now) == (0 if is_over else len(model.ready()), model.next_change())
        # At the ceiling, those that go to the dead-letter queue take room.
        if model.ceiling > len(model.items):
            up = model.next_up(self.now)
            assert [entry.stored.message_id for entry in core.next_up(1_000)] == up
            assert [entry.stored.message_id for entry in core.next_up(1)] == up[:1]


TestFifoCoreModel = FifoMachine.TestCase
