"""
A standard queue beside a model that is obviously right: a list of messages, and a scan for what falls due next.

Two queues: "main", whose dead letters go to "dead", which is its own dead-letter queue and may be closed on the way.
Spans are few, so that deadlines collide.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, precondition, rule

from postroom import Faults, ManualClock, Message, Observation, PostroomError, Queue, SendEntry, VisibilityEntry
from postroom.errors import InvalidParameterValue, ReceiptHandleIsInvalid, ResourceClosed
from postroom.queue._store import Store

S: Final = 1_000_000
HALF_A_DAY: Final = 43_200 * S


@dataclass
class Item:
    """
    A message in one queue.
    """

    id: str
    number: int
    position: int
    sent_at: int
    state: str
    until: int = 0
    receives: int = 0
    receive_count: int = 0
    first_received_at: int | None = None
    keep: bool = False


@dataclass
class Model:
    """
    A queue as SQS 2, 5 and 7.2 tell it, without any thought of speed.
    """

    timeout: int
    delay: int
    retention: int
    limit: int | None
    duplicates: list[bool]
    dead: Model | None = None
    closed: bool = False
    items: list[Item] = field(default_factory=list)
    counter: int = 0
    figures: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ["sent", "received", "empty_receives", "deleted", "dead_lettered", "expired"], 0
        )
    )
    fates: dict[str, str] = field(default_factory=dict)
    log: list[tuple[str, int, str]] = field(default_factory=list)

    def count(self, *states: str) -> int:
        return sum(item.state in states for item in self.items)

    def due(self) -> list[tuple[int, int, int, Item]]:
        """
        Everything that will fall due; of what falls due together, expiry is first, and then the older message.
        """
        ends = [(item.until, 1, item.number, item) for item in self.items if item.state in {"in flight", "delayed"}]
        expiries = [(item.sent_at + self.retention, 0, item.number, item) for item in self.items]
        return sorted([*ends, *expiries], key=lambda due: (*due[:2], due[3].sent_at if due[1] == 0 else 0, due[2]))

    def catch_up(self, now: int) -> None:
        while (due := self.due()) and due[0][0] <= now:
            at, kind, _, item = due[0]
            if kind == 0:
                self.expire(item, at)
            else:
                self.show(item, at, "available")

    def show(self, item: Item, now: int, kind: str) -> None:
        item.state = "available"
        if item.receives >= 3:
            self.counter += 1
            item.position = self.counter
        self.log.append((kind, now, item.id))

    def expire(self, item: Item, now: int) -> None:
        self.figures["expired"] += 1
        self.remove(item, now, "expired")

    def remove(self, item: Item, now: int, fate: str) -> None:
        self.items.remove(item)
        self.fates[item.id] = fate
        self.log.append((fate, now, item.id))

    def add(self, now: int, id_: str, delay: int, **known: Any) -> None:
        self.catch_up(now)
        self.counter += 1
        kind = known.pop("kind", "sent")
        item = Item(id_, self.counter, self.counter, known.pop("sent_at", now), "available", **known)
        if delay:
            item.state, item.until = "delayed", now + delay
        self.items.append(item)
        self.figures["sent"] += kind == "sent"
        self.log.append((kind, now, id_))
        if item.sent_at + self.retention <= now:
            self.expire(item, now)

    def queued(self) -> list[Item]:
        return sorted([item for item in self.items if item.state == "available"], key=lambda item: item.position)

    def receive(self, now: int, most: int, timeout: int | None) -> list[tuple[str, int, int | None, int]]:
        self.catch_up(now)
        timeout = self.timeout if timeout is None else timeout
        got: list[tuple[str, int, int | None, int]] = []
        stay: list[Item] = []
        moving: list[Item] = []
        while len(got) < most and (queued := self.queued()):
            item = queued[0]
            if self.limit is not None and item.receives >= self.limit and not item.keep:
                item.state = "moving"
                moving.append(item)
                continue
            stays = timeout == 0 or bool(self.duplicates and self.duplicates.pop(0))
            item.state, item.until, item.keep = "in flight", now if stays else now + timeout, False
            item.receives += 1
            item.receive_count += 1
            item.first_received_at = now if item.first_received_at is None else item.first_received_at
            self.log.append(("received", now, item.id))
            got.append((item.id, item.receive_count, item.first_received_at, item.number))
            stay += [item] if stays else []
        for item in sorted(stay, key=lambda one: one.number):
            self.show(item, now, "available")
        self.figures["received" if got else "empty_receives"] += len(got) or 1
        refused = sum(not self.move(now, item) for item in moving)
        if refused and len(got) < most:
            # What was refused is delivered from here, by this very call.
            got += self.receive(now, most - len(got), timeout)
        return got

    def move(self, now: int, item: Item) -> bool:
        assert self.dead is not None
        if self.dead.closed:
            item.keep = True
            self.show(item, now, "taken back")
            return False
        self.dead.add(
            now,
            item.id,
            0,
            kind="moved in",
            sent_at=item.sent_at,
            receive_count=item.receive_count,
            first_received_at=item.first_received_at,
        )
        self.figures["dead_lettered"] += 1
        self.remove(item, now, "dead-lettered")
        return True

    def find(self, number: int) -> Item | None:
        return next((item for item in self.items if item.number == number), None)

    def delete(self, now: int, number: int) -> None:
        self.catch_up(now)
        self.figures["deleted"] += 1
        if item := self.find(number):
            self.remove(item, now, "deleted")

    def change(self, now: int, number: int, timeout: int) -> bool:
        self.catch_up(now)
        item = self.find(number)
        if item is None:
            return False
        if timeout == 0:
            if item.state == "in flight":
                self.show(item, now, "available")
        else:
            item.state, item.until = "in flight", now + timeout
            self.log.append(("hidden", now, item.id))
        return True


@dataclass(frozen=True)
class Handle:
    """
    A receipt handle of the real queue, and what it stands for.
    """

    text: str
    queue: str
    number: int
    received_at: int


NAMES: Final = ("main", "dead")
names = st.sampled_from(["main", "main", "dead"])
delays = st.sampled_from([None, None, 0, 1, 5, 30])
timeouts = st.sampled_from([None, 0, 1, 5, 30, 60])
spans = st.sampled_from([0, 0.000_001, 0.999_999, 1, 4, 5, 29.999_999, 30, 60, 3_600, 43_200])


class QueueMachine(RuleBasedStateMachine):
    """
    Drives the real queues and the models side by side.
    """

    handles: Bundle[Handle] = Bundle("handles")

    @initialize(
        budget=st.sampled_from([None, 1, 2, 5]),
        last_budget=st.sampled_from([None, 1, 4]),
        delay=st.sampled_from([0, 0, 1]),
        retention=st.sampled_from([60, 90, 345_600]),
        duplicates=st.lists(st.booleans(), max_size=20),
    )
    def begin(
        self, budget: int | None, last_budget: int | None, delay: int, retention: int, duplicates: list[bool]
    ) -> None:
        self.clock = ManualClock()
        dead = Queue("dead", clock=self.clock, visibility_timeout=5, delay=1, retention=90, seed=1)
        main = Queue(
            "main",
            clock=self.clock,
            visibility_timeout=30,
            delay=delay,
            retention=retention,
            dead_letter_queue=None if budget is None else dead,
            max_receive_count=budget,
            faults=Faults.script(duplicates={"main": duplicates}),
            seed=2,
        )
        # Its own dead-letter queue: attributes that change come later.
        dead._dead_letter_queue = dead
        dead._core.max_receive_count = last_budget
        self.real = {"main": main, "dead": dead}
        dead_model = Model(5 * S, 1 * S, 90 * S, last_budget, [])
        dead_model.dead = dead_model
        self.model = {
            "main": Model(30 * S, delay * S, retention * S, budget, list(duplicates), dead_model),
            "dead": dead_model,
        }
        self.told: dict[str, list[tuple[str, int, str]]] = {name: [] for name in NAMES}
        for queue in self.real.values():
            queue.observe(self.hear)

    def hear(self, seen: Observation) -> None:
        self.told[seen.resource.removeprefix("queue ")].append((seen.kind, seen.at_us, seen.message_id))

    @property
    def now(self) -> int:
        return self.clock.now_us()

    def is_closed(self, name: str, call: Any) -> bool:
        if self.model[name].closed:
            with pytest.raises(ResourceClosed):
                call()
            return True
        return False

    # Sending.

    @rule(name=names, delay=delays)
    def send(self, name: str, delay: int | None) -> None:
        queue, model = self.real[name], self.model[name]
        if not self.is_closed(name, lambda: queue.send_message("x")):
            sent = queue.send_message("tea", delay=delay)
            model.add(self.now, sent.message_id, model.delay if delay is None else delay * S)

    @rule(name=names, wanted=st.lists(st.one_of(delays, st.just(901)), min_size=1, max_size=4))
    def send_batch(self, name: str, wanted: list[int | None]) -> None:
        queue, model = self.real[name], self.model[name]
        entries = [SendEntry("tea", delay=delay) for delay in wanted]
        if not self.is_closed(name, lambda: queue.send_message_batch(entries)):
            outcome = queue.send_message_batch(entries)
            assert [int(failed.id) for failed in outcome.failed] == [i for i, one in enumerate(wanted) if one == 901]
            for success in outcome.successful:
                delay = wanted[int(success.id)]
                model.add(self.now, success.result.message_id, model.delay if delay is None else delay * S)

    # Receiving.

    def match(self, name: str, got: list[Message], wanted: list[tuple[str, int, int | None, int]]) -> Any:
        assert [(message.message_id, message.receive_count, message.first_receive_timestamp) for message in got] == [
            (id_, count, (first or 0) // 1_000) for id_, count, first, _ in wanted
        ]
        assert len({message.receipt_handle for message in got}) == len(got)
        return multiple(
            *(
                Handle(message.receipt_handle, name, number, self.now)
                for message, (*_, number) in zip(got, wanted, strict=True)
            )
        )

    @rule(target=handles, name=names, most=st.sampled_from([1, 2, 10]), timeout=timeouts)
    def receive(self, name: str, most: int, timeout: int | None) -> Any:
        queue, model = self.real[name], self.model[name]
        if self.is_closed(name, queue.receive_messages):
            return multiple()
        wanted = model.receive(self.now, most, None if timeout is None else timeout * S)
        got = queue.receive_messages(max_messages=most, visibility_timeout=timeout)
        return self.match(name, got, wanted)

    @rule(target=handles, name=names, most=st.sampled_from([1, 10]), wait=st.sampled_from([1, 5, 20]))
    def long_poll(self, name: str, most: int, wait: int) -> Any:
        """
        Time moves to the instant at which there is something, or to the end.
        """
        queue, model = self.real[name], self.model[name]
        if self.is_closed(name, lambda: queue.receive_messages(wait_time=wait)):
            return multiple()
        end = self.now + wait * S
        got = queue.receive_messages(max_messages=most, wait_time=wait)
        now, start = self.now, end - wait * S
        wanted: list[tuple[str, int, int | None, int]] = []
        instants = sorted({start, end, *(due[0] for due in model.due() if start < due[0] < end)})
        for instant in instants:
            wanted = model.receive(instant, most, None)
            # A queue that is its own dead-letter queue moved one to itself. Whether the last look sees it, is its affair.
            while not wanted and model.queued() and (got or instant < end):
                wanted = model.receive(instant, most, None)
            if wanted:
                break
        assert now == instant
        for other in self.model.values():
            other.catch_up(now)
        # A long poll looks several times, and how often is its own affair.
        model.figures["empty_receives"] = queue.stats().empty_receives
        return self.match(name, got, wanted)

    # Handles of every age, here and there.

    def refusal(self, name: str, handle: Handle) -> type[PostroomError] | None:
        if self.model[name].closed:
            return ResourceClosed
        if handle.queue != name:
            return ReceiptHandleIsInvalid
        return InvalidParameterValue if self.now - handle.received_at >= HALF_A_DAY else None

    @rule(name=names, handle=handles, batch=st.booleans())
    def delete(self, name: str, handle: Handle, batch: bool) -> None:
        queue, error = self.real[name], self.refusal(name, handle)
        if batch and error is not ResourceClosed:
            outcome = queue.delete_message_batch([handle.text])
            assert [type(failed.error) for failed in outcome.failed] == ([error] if error else [])
        elif error:
            with pytest.raises(error):
                queue.delete_message(handle.text)
        else:
            queue.delete_message(handle.text)
        if error is None:
            self.model[name].delete(self.now, handle.number)

    @rule(name=names, handle=handles, timeout=st.sampled_from([0, 0, 1, 5, 60, 43_200]), batch=st.booleans())
    def change_visibility(self, name: str, handle: Handle, timeout: int, batch: bool) -> None:
        queue, error = self.real[name], self.refusal(name, handle)
        if error is None and (
            self.now - handle.received_at + timeout * S > HALF_A_DAY
            or not self.model[name].change(self.now, handle.number, timeout * S)
        ):
            error = InvalidParameterValue
        if batch and error is not ResourceClosed:
            outcome = queue.change_message_visibility_batch([VisibilityEntry(handle.text, timeout)])
            assert [type(failed.error) for failed in outcome.failed] == ([error] if error else [])
        elif error:
            with pytest.raises(error):
                queue.change_message_visibility(handle.text, timeout)
        else:
            queue.change_message_visibility(handle.text, timeout)

    # Time.

    @rule(span=spans)
    def advance(self, span: float) -> None:
        self.clock.advance(span)

    @rule()
    def advance_to_next(self) -> None:
        for model in self.model.values():
            model.catch_up(self.now)
        due = [model.due()[0][0] for model in self.model.values() if not model.closed and model.items]
        reached = self.clock.advance_to_next()
        assert reached == (min(due) / S if due else None)

    @precondition(lambda self: not self.model["dead"].closed and self.model["dead"].figures["received"] > 1)
    @rule()
    def close_the_dead_letter_queue(self) -> None:
        self.real["dead"].close()
        self.model["dead"].closed = True

    # What must hold after each step.

    @invariant()
    def agrees(self) -> None:
        for name in NAMES:
            queue, model = self.real[name], self.model[name]
            model.catch_up(self.now)
            stats = queue.stats()
            queue._core.check()
            assert (stats.available, stats.in_flight, stats.delayed) == (
                model.count("available"),
                model.count("in flight"),
                model.count("delayed"),
            )
            assert {key: getattr(stats, key) for key in model.figures} == model.figures
            assert len(queue) == len(model.items)
            ages = [(self.now - item.sent_at) / S for item in model.items]
            assert stats.oldest_age == (max(ages) if ages else None)
            told = self.told[name]
            assert told == model.log[: len(told)]
            if not model.closed:
                looked = [(message.message_id, message.receive_count) for message in queue.peek(100)]
                assert looked == [
                    (item.id, item.receive_count)
                    for item in model.queued()
                    if model.limit is None or item.receives < model.limit or item.keep
                ]

    @invariant()
    def explains_itself(self) -> None:
        for name in NAMES:
            queue, model = self.real[name], self.model[name]
            live = {item.id: item.state for item in model.items}
            for id_, state in [*live.items(), *(pair for pair in model.fates.items() if pair[0] not in live)][-6:]:
                assert queue.explain(id_).startswith(state), (queue.explain(id_), state)

    def teardown(self) -> None:
        """
        Whatever was noticed late was told in the end, and nothing besides.
        """
        for name in NAMES if hasattr(self, "told") else ():
            if not self.model[name].closed:
                self.send(name, None)
                assert self.told[name] == self.model[name].log


@pytest.mark.parametrize(
    "floor", [0, 64, pytest.param(0, marks=pytest.mark.deep), pytest.param(64, marks=pytest.mark.deep)]
)
def test_a_queue_does_what_the_model_does(monkeypatch: pytest.MonkeyPatch, floor: int) -> None:
    """
    With a floor of 0 indexes are built anew at every turn: both paths are walked.
    """
    monkeypatch.setattr(Store, "_floor", floor)
    QueueMachine.TestCase().runTest()
