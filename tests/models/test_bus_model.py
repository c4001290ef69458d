"""
Buses beside a model that is obviously right: rules in a dict, a list of what waits, and a scan for what is due next.

Two buses, "main" and "other", whose rules want an event's size; targets are destinations that answer by plan, a queue that
is closed, and the buses themselves. Jitter is off, so that every instant is known. Which bus comes first at one instant is
nobody's promise: so no plan serves both.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from postroom import BusStats, EventBus, ManualClock, Queue
from postroom.errors import EndlessLoop, EventsLimitExceeded, EventsResourceNotFound, EventsValidationError
from tests.bus.desk import Broken

if TYPE_CHECKING:
    from postroom.message import Parcel

S: Final = 1_000_000
SIZES: Final = ("small", "big", "huge")
RULES: Final = ("a", "b", "c")
RETRIES: Final = (0, 1, 3, 185)
PLACES: Final = ("its own", "its own", "its own", "its own", "shut", "main", "other")
OWN: Final = {"main": "one", "other": "two"}


class Place:
    """
    A real destination that answers by plan: ``.`` takes it, ``x`` fails, ``!`` fails for good; then it takes everything.
    """

    kind = "function"

    def __init__(self, name: str, plan: str) -> None:
        self.name = name
        self.arn = f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
        self.plan = deque(plan)
        self.got: list[str | None] = []

    def deliver(self, parcel: Parcel) -> None:
        answer = self.plan.popleft() if self.plan else "."
        if answer == "x":
            raise Broken("not now")
        if answer == "!":
            raise EventsResourceNotFound("never")
        self.got.append(parcel.cause)


@dataclass(eq=False)
class ModelTarget:
    """
    A target of a rule in the model.
    """

    place: str
    retries: int
    age: int
    has_dead: bool
    removed: bool = False
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(eq=False)
class ModelRule:
    """
    A rule in the model.
    """

    bus: str
    name: str
    sizes: list[str]
    enabled: bool
    matched: int = 0
    targets: dict[str, ModelTarget] = field(default_factory=dict)


@dataclass
class Waiting:
    """
    A delivery that waits for its next attempt.
    """

    due: int
    number: int
    bus: str
    event: str
    size: str
    hops: tuple[ModelRule, ...]
    target: ModelTarget
    came: int
    retries: int


class Model:
    """
    Both buses as EB 3, 4, 6 and 9 tell them.
    """

    def __init__(self, plans: dict[str, str]) -> None:
        self.now = 0
        self.rules: dict[str, dict[str, ModelRule]] = {"main": {}, "other": {}}
        self.counts: dict[str, Counter[str]] = {"main": Counter(), "other": Counter()}
        self.plans = {name: deque(plan) for name, plan in plans.items()}
        self.got: dict[str, list[str]] = {name: [] for name in ("one", "two")}
        self.dead: list[tuple[str, str, str | None]] = []
        self.waiting: list[Waiting] = []
        self.line: dict[str, deque[list[Waiting]]] = {"main": deque(), "other": deque()}
        self.busy: set[str] = set()
        self.loops = 0
        self.number = 0

    def put(self, bus: str, event: str, size: str, hops: tuple[ModelRule, ...] = ()) -> None:
        """
        Offers an event to the rules, and works off what is in line unless that is being done already.
        """
        wanting = [one for one in self.rules[bus].values() if one.enabled and size in one.sizes]
        self.counts[bus]["put"] += 1
        self.counts[bus]["matched"] += bool(wanting)
        legs = []
        for one in wanting:
            one.matched += 1
            legs += [
                Waiting(0, 0, bus, event, size, (*hops, one), target, self.now, 0) for target in one.targets.values()
            ]
        self.line[bus].append(legs)
        self.work_off(bus)

    def work_off(self, bus: str) -> None:
        if bus in self.busy:
            return
        self.busy.add(bus)
        while self.line[bus]:
            for leg in self.line[bus].popleft():
                self.attempt(leg)
        self.busy.remove(bus)

    def attempt(self, leg: Waiting) -> None:
        answer = self.answer(leg)
        counts = (leg.target.counts, self.counts[leg.bus])
        if answer == ".":
            for count in counts:
                count["delivered"] += 1
            return
        for count in counts:
            count["refused"] += 1
        exhausted = None
        if answer == "x":
            if leg.retries >= leg.target.retries:
                exhausted = "MaximumRetryAttempts"
            else:
                due = self.now + min(2**leg.retries, 600) * S
                if due - leg.came <= leg.target.age:
                    self.number += 1
                    leg.due, leg.number, leg.retries = due, self.number, leg.retries + 1
                    self.waiting.append(leg)
                    return
                exhausted = "MaximumEventAgeInSeconds"
        became = "dead_lettered" if leg.target.has_dead else "dropped"
        for count in counts:
            count[became] += 1
        if leg.target.has_dead:
            self.dead.append((leg.event, str(leg.retries), exhausted))

    def answer(self, leg: Waiting) -> str:
        place = leg.target.place
        if place == "shut":
            return "!"
        if place in self.rules:
            if leg.hops[-1] in leg.hops[:-1]:
                self.loops += 1
                return "!"
            self.put(place, leg.event, leg.size, leg.hops)
            return "."
        answer = self.plans[place].popleft() if self.plans[place] else "."
        if answer == ".":
            self.got[place].append(leg.event)
        return answer

    def advance(self, until: int) -> None:
        while (due := sorted(self.waiting, key=lambda one: (one.due, one.number))) and due[0].due <= until:
            self.now = due[0].due
            # All that a bus has due at one instant is in line before the first of it may lead to more.
            for leg in [one for one in due if (one.due, one.bus) == (self.now, due[0].bus)]:
                self.waiting.remove(leg)
                self.line[leg.bus].append([leg])
            for bus in sorted(self.line, key=due[0].bus.__ne__):
                self.work_off(bus)
        self.now = until

    def put_target(self, one: ModelRule, id_: str, new: ModelTarget) -> None:
        """
        What waits for the target that it replaces is the new one's now.
        """
        old = one.targets.get(id_)
        one.targets[id_] = new
        for leg in self.waiting:
            if leg.target is old:
                leg.target = new

    def remove(self, one: ModelRule, id_: str) -> None:
        target = one.targets.pop(id_)
        for leg in [leg for leg in self.waiting if leg.target is target]:
            self.waiting.remove(leg)
            target.counts["dropped"] += 1
            self.counts[leg.bus]["dropped"] += 1


buses = st.sampled_from(["main", "main", "other"])
names = st.sampled_from(RULES)
ids = st.sampled_from(["t1", "t2", "t3", "t4", "t5", "t6"])
plans = st.lists(st.sampled_from("xxxx..!"), min_size=10, max_size=40).map("".join)


class BusMachine(RuleBasedStateMachine):
    """
    Drives real buses and the model side by side.
    """

    @initialize(
        one=plans,
        two=plans,
        first=st.lists(
            st.tuples(
                buses, st.sampled_from(["a", "b"]), st.sampled_from(PLACES), st.sampled_from(RETRIES), st.booleans()
            ),
            min_size=2,
            max_size=8,
        ),
    )
    def begin(self, one: str, two: str, first: list[tuple[str, str, str, int, bool]]) -> None:
        self.clock = ManualClock()
        self.start = self.clock.now_us()
        self.buses = {name: EventBus(name, clock=self.clock, seed=1) for name in ("main", "other")}
        self.places = {"one": Place("one", one), "two": Place("two", two)}
        self.dead = Queue("dead", clock=self.clock)
        shut = Queue("shut", clock=self.clock)
        shut.close()
        self.destinations = {**self.places, "shut": shut, **self.buses}
        self.model = Model({"one": one, "two": two})
        self.letters: list[tuple[str, str, str | None]] = []
        for bus in self.buses:
            self.put_rule(bus, "a", ["small", "big"], enabled=True)
            self.put_rule(bus, "b", ["big", "huge"], enabled=True)
        for number, (bus, name, place, retries, has_dead) in enumerate(first):
            self.put_target(bus, name, f"t{number % 6 + 1}", place, retries, 86_400, has_dead)

    @rule(bus=buses, name=names, sizes=st.lists(st.sampled_from(SIZES), min_size=1, max_size=2), enabled=st.booleans())
    def put_rule(self, bus: str, name: str, sizes: list[str], enabled: bool) -> None:
        self.buses[bus].put_rule(name, {"detail": {"size": sizes}}, state="ENABLED" if enabled else "DISABLED")
        one = self.model.rules[bus].setdefault(name, ModelRule(bus, name, [], enabled))
        one.sizes, one.enabled = sizes, enabled

    @rule(bus=buses, name=names)
    def delete_rule(self, bus: str, name: str) -> None:
        one = self.model.rules[bus].get(name)
        if one is not None and one.targets:
            with pytest.raises(EventsValidationError):
                self.buses[bus].delete_rule(name)
            return
        self.buses[bus].delete_rule(name)
        self.model.rules[bus].pop(name, None)

    @rule(bus=buses, name=names, enabled=st.booleans())
    def switch(self, bus: str, name: str, enabled: bool) -> None:
        if name not in self.model.rules[bus]:
            with pytest.raises(EventsResourceNotFound):
                self.buses[bus].rule(name)
            return
        one = self.buses[bus].rule(name)
        (one.enable if enabled else one.disable)()
        self.model.rules[bus][name].enabled = enabled

    @rule(
        bus=buses,
        name=names,
        id_=ids,
        place=st.sampled_from(PLACES),
        retries=st.sampled_from(RETRIES),
        age=st.sampled_from([60, 90, 86_400]),
        has_dead=st.booleans(),
    )
    def put_target(self, bus: str, name: str, id_: str, place: str, retries: int, age: int, has_dead: bool) -> None:
        one = self.model.rules[bus].get(name)
        if one is None:
            return
        place = OWN[bus] if place == "its own" else place

        def call() -> None:
            self.buses[bus].rule(name).put_target(
                self.destinations[place],  # type: ignore[arg-type]
                target_id=id_,
                maximum_retry_attempts=retries,
                maximum_event_age=age,
                dead_letter_queue=self.dead if has_dead else None,
            )

        if id_ not in one.targets and len(one.targets) == 5:
            with pytest.raises(EventsLimitExceeded):
                call()
            return
        call()
        self.model.put_target(one, id_, ModelTarget(place, retries, age * S, has_dead))
        route = self.buses[bus]._core.rules[name].targets[id_]
        route.retries = route.retries._replace(jitter=False)  # type: ignore[attr-defined]

    @rule(bus=buses, name=names, id_=ids)
    def remove_target(self, bus: str, name: str, id_: str) -> None:
        one = self.model.rules[bus].get(name)
        if one is None:
            return
        real = self.buses[bus].rule(name)
        if id_ not in one.targets:
            with pytest.raises(EventsResourceNotFound):
                real.remove_target(id_)
            return
        real.remove_target(id_)
        self.model.remove(one, id_)

    @rule(puts=st.lists(st.tuples(buses, st.sampled_from(SIZES)), min_size=1, max_size=4))
    def put(self, puts: list[tuple[str, str]]) -> None:
        for bus, size in puts:
            self.put_one(bus, size)

    def put_one(self, bus: str, size: str) -> None:
        seen: list[str] = []
        self.buses[bus].observe(lambda told: seen.append(told.message_id) if told.kind == "put" else None)
        loops = self.drive(lambda: self.buses[bus].put_event(source="till", detail_type="order", detail={"size": size}))
        self.buses[bus]._observers = ()
        before = self.model.loops
        self.model.put(bus, seen[0], size)
        assert loops == self.model.loops - before

    @rule(span=st.sampled_from([0, 0.999_999, 1, 2, 3, 60, 601, 86_400]))
    def advance(self, span: float) -> None:
        loops = self.drive(lambda: self.clock.advance(span))
        before = self.model.loops
        self.model.advance(self.model.now + round(span * S))
        assert loops == self.model.loops - before

    def drive(self, call: object) -> int:
        """
        Makes a call, and counts the circles that came out of it.
        """
        loops = 0
        try:
            call()  # type: ignore[operator]
        except* EndlessLoop as group:
            loops = len(group.exceptions)
        return loops

    @invariant()
    def agree(self) -> None:
        if not hasattr(self, "model"):
            return
        model = self.model
        assert self.clock.now_us() - self.start == model.now
        for name, bus in self.buses.items():
            counts = model.counts[name]
            waiting = [leg for leg in model.waiting if leg.bus == name]
            assert bus.stats() == BusStats._make(
                (
                    len(model.rules[name]),
                    *(counts[key] for key in ("put", "matched", "delivered", "refused", "dead_lettered", "dropped")),
                    len(waiting),
                )
            )
            assert (
                sorted({due.at_us - self.start for due in bus.pending(self.clock.now_us())})[:1]
                == sorted({leg.due for leg in waiting})[:1]
            )
            assert [one.name for one in bus.rules] == sorted(model.rules[name])
            for one in bus.rules:
                wanted = model.rules[name][one.name]
                assert (one.state == "ENABLED", one.matched) == (wanted.enabled, wanted.matched)
                assert [
                    (target.id, target.delivered, target.refused, target.dead_lettered, target.dropped)
                    for target in one.targets
                ] == [
                    (id_, *(target.counts[key] for key in ("delivered", "refused", "dead_lettered", "dropped")))
                    for id_, target in wanted.targets.items()
                ]
        assert {name: place.got for name, place in self.places.items()} == model.got

    @invariant()
    def dead_letters_agree(self) -> None:
        if not hasattr(self, "model"):
            return
        while messages := self.dead.receive_messages(max_messages=10):
            for message in messages:
                told = {name: value.value for name, value in message.attributes.items()}
                id_ = message.body.partition('"id":"')[2][:36]
                exhausted = told.get("EXHAUSTED_RETRY_CONDITION")
                self.letters.append((id_, str(told["RETRY_ATTEMPTS"]), None if exhausted is None else str(exhausted)))
                self.dead.delete_message(message.receipt_handle)
        assert sorted(self.letters, key=str) == sorted(self.model.dead, key=str)


@pytest.mark.parametrize("size", ["quick", pytest.param("deep", marks=pytest.mark.deep)])
def test_buses_do_what_the_model_does(size: str) -> None:
    """
    How much is tried is the profile's affair.
    """
    BusMachine.TestCase().runTest()
