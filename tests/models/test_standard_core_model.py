"""
The core of a standard queue beside a model that is obviously right: tenants, faults, changed attributes and purges.

The model is a list of messages, and a list of the spans in which they were in flight. Whatever it wants to know, it counts
anew. Every fault is decided by the next of a list of numbers that both are given: were one of them to ask for another
thing, or at another moment, the answers would go astray from there on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from typing import ClassVar, Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from postroom.limits import NOISY_IN_FLIGHT_MIN
from postroom.message import NO_ATTRIBUTES
from postroom.queue._entry import Stored
from postroom.queue._standard import StandardCore
from postroom.queue._store import Store

S: Final = 1_000_000
START: Final = 1_700_000_003 * S
WINDOW: Final = 3
CROWD: Final = 80


@dataclass
class Item:
    """
    A message.
    """

    number: int
    position: int
    group: str | None
    sent_at: int
    arrived_at: int
    state: str = "available"
    until: int = 0
    receives: int = 0
    keep: bool = False
    missed: bool = False
    ghost: bool = False


@dataclass
class Flight:
    """
    A span in which a message was in flight, and whose it was.
    """

    number: int
    group: str | None
    start: int
    end: int | None = None


@dataclass
class Oracle:
    """
    What goes wrong: yes or no, or which of some.
    """

    answers: list[int]
    asked: list[str] = field(default_factory=list)

    def ask(self, what: str, choices: int) -> int:
        self.asked.append(what)
        return self.answers.pop(0) % choices if self.answers else 0

    def callables(self, kinds: set[str]) -> dict[str, Callable[..., object]]:
        asks: dict[str, Callable[..., object]] = {
            "duplicates": lambda: self.ask("duplicates", 2) == 1,
            "misses": lambda: self.ask("misses", 2) == 1,
            "loses_delete": lambda: self.ask("loses_delete", 2) == 1,
            "reorders": lambda count: self.ask("reorders", count),
        }
        return {kind: ask for kind, ask in asks.items() if kind in kinds}


@dataclass
class Model:
    """
    A standard queue as SQS 2, 4, 5, 7.2, 8.1 and 9 tell it, without any thought of speed.
    """

    delay: int
    retention: int
    limit: int | None
    demote_after: int | None
    kinds: set[str]
    oracle: Oracle
    least: int
    items: list[Item] = field(default_factory=list)
    counter: int = 0
    log: list[tuple[str, int, int]] = field(default_factory=list)
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ["sent", "received", "empty_receives", "deleted", "dead_lettered", "expired", "purged"], 0
        )
    )
    changed_at: int = 0
    began_at: int | None = None
    flights: list[Flight] = field(default_factory=list)
    last_sent: dict[str, int] = field(default_factory=dict)
    noisy: set[str] = field(default_factory=set)

    # Tenants.

    def of(self, group: str, *states: str) -> list[Item]:
        return [item for item in self.items if item.group == group and item.state in states]

    def spent(self, now: int, group: str | None) -> int:
        """
        How long messages of one tenant, or of all, were in flight since the beginning of the slice 30 slices ago.
        """
        first = max((now // (10 * S) - 30) * 10 * S, self.began_at or 0)
        spans = [(one.start, now if one.end is None else one.end) for one in self.flights if group in {None, one.group}]
        return sum(max(0, end - max(start, first)) for start, end in spans)

    def judge(self, now: int, group: str | None) -> None:
        if group is None:
            return
        if not self.of(group, "available", "delayed") or now - self.last_sent[group] >= 300 * S:
            self.noisy.discard(group)
            return
        mine = len(self.of(group, "in flight"))
        everybodys = sum(item.state == "in flight" for item in self.items)
        if (mine >= self.least and mine > everybodys / 10) or self.spent(now, group) > self.spent(now, None) / 10:
            self.noisy.add(group)

    def land(self, item: Item, now: int) -> None:
        for flight in self.flights:
            if flight.number == item.number and flight.end is None:
                flight.end = now

    def in_order(self) -> list[Item]:
        """
        All available messages, as receives would take them if the verdicts stayed what they are.
        """
        left = sorted((item for item in self.items if item.state == "available"), key=lambda item: item.position)
        found = [item for item in left if item.group not in self.noisy]
        left = [item for item in left if item.group in self.noisy]
        flying = {group: len(self.of(group, "in flight")) for group in self.noisy}
        while left:
            item = min(left, key=lambda one: (flying[str(one.group)], one.position))
            left.remove(item)
            found.append(item)
            flying[str(item.group)] += not self.is_used_up(item)
        return found

    # Time.

    def due(self) -> list[tuple[int, int, int, int, Item]]:
        ends = [(one.until, 1, 0, one.number, one) for one in self.items if one.state in {"in flight", "delayed"}]
        expiries = [
            (max(one.sent_at + self.retention, self.changed_at), 0, one.sent_at, one.number, one) for one in self.items
        ]
        return sorted([*ends, *expiries], key=lambda due: due[:4])

    def catch_up(self, now: int) -> None:
        while (due := self.due()) and due[0][0] <= now:
            at, kind, *_, item = due[0]
            if kind == 0:
                self.counts["expired"] += 1
                self.remove(item, at, "expired")
            else:
                self.show(item, at, "available")
        self.noisy -= {group for group in self.noisy if now - self.last_sent[group] >= 300 * S}

    def show(self, item: Item, now: int, kind: str) -> None:
        self.land(item, now)
        item.state = "available"
        if self.demote_after is not None and item.receives >= self.demote_after:
            self.counter += 1
            item.position = self.counter
        self.log.append((kind, now, item.number))
        self.judge(now, item.group)

    def remove(self, item: Item, now: int, fate: str) -> None:
        self.land(item, now)
        self.items.remove(item)
        self.log.append((fate, now, item.number))
        self.judge(now, item.group)

    # Calls.

    def send(self, now: int, group: str | None, delay: int, sent_at: int) -> None:
        self.catch_up(now)
        self.counter += 1
        item = Item(self.counter, self.counter, group, sent_at, now)
        if delay:
            item.state, item.until = "delayed", now + delay
        self.items.append(item)
        if group is not None:
            if self.began_at is None:
                self.began_at = now
            self.last_sent[group] = now
            self.judge(now, group)
        kind = "sent" if sent_at == now else "moved in"
        self.counts["sent"] += kind == "sent"
        self.log.append((kind, now, item.number))
        if sent_at + self.retention <= now:
            self.counts["expired"] += 1
            self.remove(item, now, "expired")

    def is_used_up(self, item: Item) -> bool:
        return self.limit is not None and item.receives >= self.limit and not item.keep

    def receive(self, now: int, most: int, timeout: int, *, short: bool) -> tuple[list[int], list[int]]:
        self.catch_up(now)
        got: list[Item] = []
        passed: list[Item] = []
        moving: list[Item] = []
        while len(got) + len(passed) < most:
            window = [item for item in self.in_order() if item not in passed][
                : WINDOW if "reorders" in self.kinds else 1
            ]
            if not window:
                break
            item = window[self.oracle.ask("reorders", len(window)) if "reorders" in self.kinds else 0]
            if short and "misses" in self.kinds:
                item.missed = not item.missed and self.oracle.ask("misses", 2) == 1
                if item.missed:
                    passed.append(item)
                    continue
            if self.is_used_up(item):
                item.state = "moving"
                moving.append(item)
                continue
            stays = timeout == 0 or ("duplicates" in self.kinds and self.oracle.ask("duplicates", 2) == 1)
            item.state, item.until, item.keep = "in flight", now if stays else now + timeout, False
            item.receives += 1
            self.flights.append(Flight(item.number, item.group, now))
            self.log.append(("received", now, item.number))
            got.append(item)
        for group in {item.group for item in [*got, *moving]}:
            self.judge(now, group)
        self.catch_up(now)
        self.counts["received" if got else "empty_receives"] += len(got) or 1
        return [item.number for item in got], [item.number for item in moving]

    def find(self, number: int) -> Item | None:
        return next((item for item in self.items if item.number == number), None)

    def delete(self, now: int, number: int) -> bool:
        self.catch_up(now)
        self.counts["deleted"] += 1
        item = self.find(number)
        if item is None:
            return False
        if "loses_delete" in self.kinds and item.state != "moving" and not item.ghost:
            item.ghost = self.oracle.ask("loses_delete", 2) == 1
            if item.ghost:
                return True
        self.remove(item, now, "deleted")
        return True

    def change(self, now: int, number: int, timeout: int) -> bool:
        self.catch_up(now)
        item = self.find(number)
        if item is None or item.receives == 0 or item.state == "moving":
            return False
        if timeout == 0:
            if item.state == "in flight":
                self.show(item, now, "available")
            return True
        came = item.state == "available"
        item.state, item.until = "in flight", now + timeout
        self.log.append(("hidden", now, number))
        if came:
            self.flights.append(Flight(number, item.group, now))
            self.judge(now, item.group)
        return True

    def oldest_age_start(self, *, quiet: bool) -> int | None:
        found = [item for item in self.items if item.receives < 3 and not (quiet and item.group in self.noisy)]
        return min((item.arrived_at for item in found), default=None)


groups = st.sampled_from([None, "a", "b", "c"])
spans = st.sampled_from([0, 1, S - 1, S, 5 * S, 10 * S - 1, 10 * S, 30 * S, 299 * S, 300 * S, 310 * S])
timeouts = st.sampled_from([0, 1, 5 * S, 30 * S, 30 * S, 600 * S])
numbers = st.integers(0, 9)


class CoreMachine(RuleBasedStateMachine):
    """
    Drives the real core and the model side by side.
    """

    least: ClassVar = NOISY_IN_FLIGHT_MIN

    @initialize(
        delay=st.sampled_from([0, 0, S]),
        retention=st.sampled_from([60, 600, 345_600]),
        limit=st.sampled_from([None, None, 1, 4]),
        demote_after=st.sampled_from([3, 3, 1, None]),
        kinds=st.one_of(
            st.just(set()), st.sets(st.sampled_from(["duplicates", "misses", "loses_delete", "reorders"]), max_size=4)
        ),
        answers=st.lists(st.integers(0, 9), max_size=60),
    )
    def begin(
        self,
        delay: int,
        retention: int,
        limit: int | None,
        demote_after: int | None,
        kinds: set[str],
        answers: list[int],
    ) -> None:
        self.now = START
        self.oracle = Oracle(list(answers))
        faults = self.oracle.callables(kinds)
        self.real = StandardCore(
            visibility_timeout=30 * S,
            delay=delay,
            retention=retention * S,
            max_receive_count=limit,
            demote_after=demote_after,
            reorder_window=WINDOW,
            **faults,  # type: ignore[arg-type]
        )
        self.real.log = []
        self.model = Model(delay, retention * S, limit, demote_after, kinds, Oracle(list(answers)), self.least)
        self.touched: list[int] = []

    # Sending.

    def _send(self, group: str | None, delay: int, sent_at: int) -> None:
        self.model.send(self.now, group, delay, sent_at)
        stored = Stored(1, "tea", NO_ATTRIBUTES, sent_at, "sender", None, None, group)
        self.real.send(self.now, stored, delay=delay, kind="sent" if sent_at == self.now else "moved in")

    @rule(group=groups, count=st.sampled_from([1, 1, 2, 5, 12]), delay=st.sampled_from([0, 0, 0, 1, 5 * S, 300 * S]))
    def send(self, group: str | None, count: int, delay: int) -> None:
        for _ in range(count if len(self.model.items) < CROWD else 1):
            self._send(group, delay, self.now)

    @rule(group=groups, age=st.sampled_from([1, 30 * S, 60 * S, 599 * S]))
    def move_in(self, group: str | None, age: int) -> None:
        self._send(group, 0, self.now - age)

    @rule(count=st.sampled_from([1, 3]))
    def send_together(self, count: int) -> None:
        for _ in range(count):
            self.model.send(self.now, None, self.model.delay, self.now)
        self.real.send_all(self.now, [Stored(1, "tea", NO_ATTRIBUTES, self.now, "sender") for _ in range(count)])

    # Receiving.

    @rule(most=st.sampled_from([1, 2, 10, 40]), timeout=timeouts, short=st.booleans(), refused=st.booleans())
    def receive(self, most: int, timeout: int, short: bool, refused: bool) -> None:
        upcoming = self.real.next_up(most) if self.now < self.real.due else None
        wanted, moving = self.model.receive(self.now, most, timeout, short=short)
        got = self.real.receive(self.now, max_messages=most, visibility_timeout=timeout, is_short_poll=short)

        assert [entry.number for entry in got] == wanted
        assert [entry.number for entry in self.real.reserved] == moving
        if upcoming is not None and not self.model.kinds & {"misses", "reorders"}:
            assert got == upcoming
        self.touched += wanted
        self.agrees()
        for number in moving:
            item = self.model.find(number)
            assert item is not None
            if refused:
                item.keep = True
                self.model.show(item, self.now, "taken back")
                self.real.take_back(self.now, number)
            else:
                self.model.counts["dead_lettered"] += 1
                self.model.remove(item, self.now, "dead-lettered")
                self.real.confirm_move(self.now, number)

    @rule(which=numbers)
    def delete(self, which: int) -> None:
        if self.touched:
            number = self.touched[-1 - which % len(self.touched)]
            assert self.real.delete(self.now, number) == self.model.delete(self.now, number)

    @rule(which=numbers, timeout=timeouts)
    def change_visibility(self, which: int, timeout: int) -> None:
        if self.touched:
            number = self.touched[-1 - which % len(self.touched)]
            assert self.real.change_visibility(self.now, number, timeout) == self.model.change(
                self.now, number, timeout
            )

    # Changes.

    @rule(retention=st.sampled_from([60, 300, 345_600]))
    def set_retention(self, retention: int) -> None:
        self.model.catch_up(self.now)
        self.model.retention, self.model.changed_at = retention * S, self.now
        self.model.catch_up(self.now)
        self.real.set_retention(self.now, retention * S)

    @rule(limit=st.sampled_from([None, 1, 3]), delay=st.sampled_from([0, S]))
    def set_others(self, limit: int | None, delay: int) -> None:
        self.real.max_receive_count = self.model.limit = limit
        self.model.delay = delay
        self.real.set_delay(self.now, delay)

    @rule(really=numbers)
    def purge(self, really: int) -> None:
        if really == 0:
            self.model.catch_up(self.now)
            there = list(self.model.items)
            for item in there:
                self.model.remove(item, self.now, "purged")
            self.model.counts["purged"] += len(there)
            assert self.real.purge(self.now) == len(there)

    # Time.

    @rule(span=spans)
    def pass_time(self, span: int) -> None:
        self.now += span

    @rule()
    def go_to_what_is_next(self) -> None:
        self.model.catch_up(self.now)
        due = [due[0] for due in self.model.due()]
        assert self.real.next_wakeup(self.now) == min(due, default=None)
        self.now = min(due, default=self.now)

    # What must hold after each step.

    @invariant()
    def agrees(self) -> None:
        real, model = self.real, self.model
        model.catch_up(self.now)
        real.settle(self.now)
        real.check()
        assert real.log is not None
        assert [(kind, at, entry.number) for kind, at, entry, _, _ in real.log] == model.log
        assert self.oracle.asked == model.oracle.asked
        assert real.counts == model.counts
        order = [item.number for item in model.in_order()]
        assert [entry.number for entry in real.upcoming()] == order
        assert [entry.number for entry in islice(real.upcoming(), 3)] == order[:3]
        assert [entry.number for entry in real.next_up(1_000)] == [
            item.number for item in model.in_order() if not model.is_used_up(item)
        ]
        first = real._first()
        assert (None if first is None else first.number) == (order[0] if order else None)
        self.agrees_in_figures()

    def agrees_in_figures(self) -> None:
        real, model = self.real, self.model
        noisy = set() if real._fair is None else set(real._fair.noisy)
        assert noisy == model.noisy
        assert real.noisy_groups == len(model.noisy)
        states = [item.state for item in model.items]
        assert (real.available, real.in_flight, len(real.delayed)) == (
            states.count("available"),
            states.count("in flight") + states.count("moving"),
            states.count("delayed"),
        )
        quiet = [item.state for item in model.items if item.group not in model.noisy]
        assert real.quiet == (
            quiet.count("available"),
            quiet.count("in flight") + quiet.count("moving"),
            quiet.count("delayed"),
        )
        assert real.oldest_age_start() == model.oldest_age_start(quiet=False)
        assert real.oldest_quiet_age_start() == model.oldest_age_start(quiet=True)
        assert real.oldest_sent_at() == min((item.sent_at for item in model.items), default=None)


@pytest.mark.parametrize(
    ("floor", "least"),
    [
        (0, 3),
        (64, 30),
        pytest.param(64, 3, marks=pytest.mark.deep),
    ],
)
def test_the_core_does_what_the_model_does(monkeypatch: pytest.MonkeyPatch, floor: int, least: int) -> None:
    """
    With a floor of 0 indexes are built anew at every turn, and with 3 in flight a tenant is soon noisy.
    """
    monkeypatch.setattr(Store, "_floor", floor)
    monkeypatch.setattr("postroom.queue._fair.NOISY_IN_FLIGHT_MIN", least)
    monkeypatch.setattr(CoreMachine, "least", least)
    CoreMachine.TestCase().runTest()


def busy_day(seed: int) -> tuple[int, int]:
    """
    Tenants who send more than is received, chosen so that verdicts differ; how often one and several were noisy.
    """
    chance = Random(seed)
    machine = CoreMachine()
    machine.begin(
        delay=0,
        retention=600 if chance.random() < 0.3 else 345_600,
        limit=chance.choice([None, None, 3]),
        demote_after=3,
        kinds=set(
            chance.sample(["duplicates", "misses", "loses_delete", "reorders"], 4 if chance.random() < 0.2 else 0)
        ),
        answers=[chance.randrange(10) for _ in range(2_000)],
    )
    noisy = several = 0
    for _ in range(120):
        action = chance.random()
        if action < 0.3:
            group = chance.choice(["a", "a", "a", "b", "c", "d", "e", None])
            machine.send(group=group, count=chance.choice([1, 2, 6]), delay=chance.choice([0, 0, 0, 5 * S]))
        elif action < 0.6:
            timeout = chance.choice([30 * S, 30 * S, 600 * S, 0])
            machine.receive(
                most=chance.choice([1, 3, 10]),
                timeout=timeout,
                short=chance.random() < 0.7,
                refused=chance.random() < 0.5,
            )
        elif action < 0.8:
            machine.delete(which=chance.randrange(10))
        elif action < 0.9:
            machine.pass_time(span=chance.choice([1, S, 5 * S, 10 * S - 1, 40 * S]))
        elif action < 0.95:
            machine.change_visibility(which=chance.randrange(10), timeout=chance.choice([0, 5 * S, 60 * S]))
        elif action < 0.97:
            machine.pass_time(span=chance.choice([150 * S, 299 * S, 300 * S]))
        elif action < 0.98:
            machine.move_in(group=chance.choice(["a", "b"]), age=chance.choice([1, 599 * S]))
        else:
            machine.go_to_what_is_next()
        machine.agrees()
        noisy += bool(machine.model.noisy)
        several += len(machine.model.noisy) > 1
    return noisy, several


@pytest.mark.parametrize("least", [3, 30])
@pytest.mark.parametrize("seeds", [range(25), pytest.param(range(25, 100), marks=pytest.mark.deep)], ids=["", "deep"])
def test_busy_tenants_are_served_as_the_model_serves_them(
    monkeypatch: pytest.MonkeyPatch, seeds: range, least: int
) -> None:
    """
    Chance alone seldom makes a tenant noisy.
    """
    monkeypatch.setattr("postroom.queue._fair.NOISY_IN_FLIGHT_MIN", least)
    monkeypatch.setattr(CoreMachine, "least", least)

    noisy, several = zip(*(busy_day(seed) for seed in seeds), strict=True)

    assert sum(noisy) > 20 * len(seeds)
    assert sum(several) > 5 * len(seeds)
