"""
A FIFO queue beside a model that is obviously right: a list of messages, and a scan for each question.

Two queues: "main.fifo", whose dead letters go to "dead.fifo", which may be closed on the way. Groups, ids and spans are few,
so that they collide.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from postroom import FifoQueue, ManualClock, SendEntry
from postroom.errors import InvalidParameterValue, PurgeQueueInProgress, ResourceClosed

S: Final = 1_000_000
WINDOW: Final = 300 * S


@dataclass
class Item:
    """
    A message in one queue.
    """

    id: str
    number: int
    group: str
    body: str
    sent_at: int
    since: int
    place: int
    state: str = "available"
    until: int = 0
    receives: int = 0
    receive_count: int = 0
    received_at: int = -1
    keep: bool = False


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
    dead: Model | None = None
    closed: bool = False
    items: list[Item] = field(default_factory=list)
    ids: dict[Any, tuple[int, str]] = field(default_factory=dict)
    counter: int = 0

    def catch_up(self, now: int) -> None:
        while True:
            ends = [(one.until, 1, one.number, one) for one in self.items if one.state in {"in flight", "delayed"}]
            expiries = [(one.sent_at + self.retention, 0, one.number, one) for one in self.items]
            due = sorted([*ends, *expiries], key=lambda entry: entry[:3])
            if not due or due[0][0] > now:
                return
            at, kind, _, item = due[0]
            if kind == 0:
                self.items.remove(item)
            else:
                item.state, item.since = "available", at

    def duplicate(self, now: int, group: str, id_: str) -> str | None:
        known = self.ids.get((group, id_) if self.by_group else id_)
        return known[1] if known is not None and now < known[0] + WINDOW else None

    def add(self, now: int, id_: str, group: str, deduplication_id: str, body: str, delay: int, **more: Any) -> None:
        self.catch_up(now)
        self.counter += 1
        item = Item(id_, self.counter, group, body, now, now, self.counter, **more)
        if delay:
            item.state, item.until = "delayed", now + delay
        self.items.append(item)
        self.ids[(group, deduplication_id) if self.by_group else deduplication_id] = (now, id_)

    def group(self, name: str) -> list[Item]:
        return [item for item in self.items if item.group == name]

    def line(self) -> list[str]:
        heads = [self.group(name)[0] for name in {item.group for item in self.items}]
        ready = [head for head in heads if head.state == "available"]
        return [head.group for head in sorted(ready, key=lambda head: (head.since, head.place))]

    def receive(self, now: int, most: int, timeout: int | None) -> list[Item]:
        self.catch_up(now)
        timeout = self.timeout if timeout is None else timeout
        got: list[Item] = []
        moving: list[Item] = []
        for name in self.line():
            moves = False
            for item in self.group(name) if len(got) < most else []:
                if item.state != "available":
                    break
                if self.limit is not None and item.receives >= self.limit and not item.keep:
                    item.state, moves = "moving", True
                    moving.append(item)
                    continue
                if moves or len(got) == most:
                    break
                item.receives += 1
                item.receive_count += 1
                item.received_at, item.keep, item.place = now, False, item.number
                if timeout:
                    item.state, item.until = "in flight", now + timeout
                got.append(item)
        for item in got if timeout == 0 else []:
            # Behind all that are available by now.
            self.counter += 1
            item.since, item.place = now, self.counter
        for item in moving:
            self.move(now, item)
        if moving and timeout and len(got) < most:
            got += self.receive(now, most - len(got), timeout)
        return got

    def move(self, now: int, item: Item) -> None:
        assert self.dead is not None
        if self.dead.closed:
            item.state, item.since, item.keep = "available", now, True
            return
        self.items.remove(item)
        self.dead.add(now, item.id, item.group, item.id, item.body, 0, receive_count=item.receive_count)

    def find(self, number: int) -> Item | None:
        return next((item for item in self.items if item.number == number), None)

    def is_current(self, now: int, item: Item, receive: int) -> bool:
        if item.receives != receive:
            return False
        if item.state == "in flight":
            return True
        return item.state == "available" and item.since == item.received_at and now // 1_000 == item.since // 1_000


@dataclass(frozen=True)
class Handle:
    """
    A receipt handle, and what it stands for.
    """

    text: str
    queue: str
    number: int
    receive: int


NAMES: Final = ("main.fifo", "dead.fifo")
GROUPS: Final = st.sampled_from(["a", "b", "c"])
IDS: Final = st.sampled_from(["1", "2", "3", "4", None])
TIMEOUTS: Final = st.sampled_from([None, 0, 1, 5])


class FifoMachine(RuleBasedStateMachine):
    """
    Both of them, step by step.
    """

    @initialize(
        timeout=st.sampled_from([1, 5]),
        delay=st.sampled_from([0, 0, 2]),
        limit=st.sampled_from([None, 1, 2]),
        by_group=st.booleans(),
    )
    def make(self, timeout: int, delay: int, limit: int | None, by_group: bool) -> None:
        self.clock = ManualClock()
        common: dict[str, Any] = {"clock": self.clock, "retention": 400, "content_based_deduplication": True}
        dead = FifoQueue("dead.fifo", **common)
        main = FifoQueue(
            "main.fifo",
            visibility_timeout=timeout,
            delay=delay,
            deduplication_scope="messageGroup" if by_group else "queue",
            dead_letter_queue=None if limit is None else dead,
            max_receive_count=limit,
            **common,
        )
        self.queues = {"main.fifo": main, "dead.fifo": dead}
        dead_model = Model(30 * S, 0, 400 * S, None, by_group=False)
        main_model = Model(timeout * S, delay * S, 400 * S, limit, by_group=by_group, dead=dead_model)
        self.models = {"main.fifo": main_model, "dead.fifo": dead_model}
        self.handles: list[Handle] = []
        self.numbers: dict[str, dict[str, int]] = {name: {} for name in NAMES}
        self.purged_at = -60 * S

    @property
    def now(self) -> int:
        return self.clock.now_us()

    @rule(name=st.sampled_from(NAMES), group=GROUPS, id_=IDS, body=st.sampled_from(["x", "y"]))
    def send(self, name: str, group: str, id_: str | None, body: str) -> None:
        queue, model = self.queues[name], self.models[name]
        if model.closed:
            with pytest.raises(ResourceClosed):
                queue.send_message(body, message_group_id=group)
            return
        sent = queue.send_message(body, message_group_id=group, message_deduplication_id=id_)
        self.sent(model, sent.message_id, group, id_, body)

    def sent(self, model: Model, message_id: str, group: str, id_: str | None, body: str) -> None:
        known = model.duplicate(self.now, group, id_ or f"content {body}")
        if known is not None:
            assert message_id == known
        else:
            model.add(self.now, message_id, group, id_ or f"content {body}", body, model.delay)

    @rule(entries=st.lists(st.tuples(GROUPS, IDS), min_size=1, max_size=4))
    def send_batch(self, entries: list[tuple[str, str | None]]) -> None:
        made = [SendEntry("z", message_group_id=group, message_deduplication_id=id_) for group, id_ in entries]
        outcome = self.queues["main.fifo"].send_message_batch(made)
        for success, (group, id_) in zip(outcome.successful, entries, strict=True):
            self.sent(self.models["main.fifo"], success.result.message_id, group, id_, "z")

    @rule(name=st.sampled_from(NAMES), most=st.sampled_from([1, 2, 10]), timeout=TIMEOUTS)
    def receive(self, name: str, most: int, timeout: int | None) -> None:
        queue, model = self.queues[name], self.models[name]
        if model.closed:
            return
        expected = model.receive(self.now, most, None if timeout is None else timeout * S)
        messages = queue.receive_messages(max_messages=most, visibility_timeout=timeout)

        assert [(one.message_id, one.body, one.receive_count, one.message_group_id) for one in messages] == [
            (item.id, item.body, item.receive_count, item.group) for item in expected
        ]
        self.handles += [
            Handle(message.receipt_handle, name, item.number, item.receives)
            for message, item in zip(messages, expected, strict=True)
        ]

    @precondition(lambda self: self.handles)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        handle = data.draw(st.sampled_from(self.handles))
        queue, model = self.queues[handle.queue], self.models[handle.queue]
        if model.closed:
            return
        model.catch_up(self.now)
        item = model.find(handle.number)
        if item is not None and not model.is_current(self.now, item, handle.receive):
            with pytest.raises(InvalidParameterValue, match="The receipt handle has expired"):
                queue.delete_message(handle.text)
            return
        queue.delete_message(handle.text)
        if item is not None:
            model.items.remove(item)

    @precondition(lambda self: self.handles)
    @rule(data=st.data(), timeout=st.sampled_from([0, 1, 5]))
    def change_visibility(self, data: st.DataObject, timeout: int) -> None:
        handle = data.draw(st.sampled_from(self.handles))
        queue, model = self.queues[handle.queue], self.models[handle.queue]
        if model.closed:
            return
        model.catch_up(self.now)
        item = model.find(handle.number)
        if item is None or not model.is_current(self.now, item, handle.receive):
            with pytest.raises(InvalidParameterValue, match="not available for visibility timeout change"):
                queue.change_message_visibility(handle.text, timeout)
            return
        queue.change_message_visibility(handle.text, timeout)
        if timeout:
            item.state, item.until, item.place = "in flight", self.now + timeout * S, item.number
        elif item.state == "in flight":
            item.state, item.since, item.place = "available", self.now, item.number

    @rule(delay=st.sampled_from([0, 1, 3]))
    def set_delay(self, delay: int) -> None:
        model = self.models["main.fifo"]
        model.catch_up(self.now)
        model.delay = delay * S
        for item in model.items:
            if item.state == "delayed":
                item.until = item.sent_at + delay * S
        self.queues["main.fifo"].set_attributes(delay=delay)

    @rule()
    def purge(self) -> None:
        if self.now - self.purged_at < 60 * S:
            with pytest.raises(PurgeQueueInProgress):
                self.queues["main.fifo"].purge()
            return
        self.queues["main.fifo"].purge()
        self.purged_at = self.now
        self.models["main.fifo"].items.clear()
        self.models["main.fifo"].ids.clear()

    @rule(span=st.sampled_from([0.000_001, 0.999_999, 1, 2, 5, 60, 299, 300]))
    def advance(self, span: float) -> None:
        self.clock.advance(span)

    @rule()
    def close_dead(self) -> None:
        self.queues["dead.fifo"].close()
        self.models["dead.fifo"].closed = True

    @invariant()
    def agree(self) -> None:
        for name, queue in getattr(self, "queues", {}).items():
            model = self.models[name]
            model.catch_up(self.now)
            stats = queue.stats()
            states = [item.state for item in model.items]
            assert (stats.available, stats.in_flight, stats.delayed) == (
                states.count("available"),
                states.count("in flight"),
                states.count("delayed"),
            )
            queue._core.check()
            if not model.closed:
                upcoming = [item.id for group in model.line() for item in self.prefix(model, group)]
                assert [message.message_id for message in queue.peek(100)] == upcoming

    def prefix(self, model: Model, group: str) -> list[Item]:
        found: list[Item] = []
        for item in model.group(group):
            used_up = model.limit is not None and item.receives >= model.limit and not item.keep
            if item.state != "available" or used_up:
                break
            found.append(item)
        return found


TestFifoQueue = FifoMachine.TestCase
