"""
A function beside a model that is obviously right: asynchronous invocations, and the two shards of a stream (DEL C3, D).

Each event and record says how often it fails. The model keeps what is due in a list, and scans it. Handlers take no time,
so who is due together runs in the order in which it became so; spans are few, so that deadlines collide.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from postroom import Function, ManualClock, Queue, Stream
from tests.worker.desk import Broken

S: Final = 1_000_000
BIG_BYTES: Final = 60_000
FILL: Final = 1_048_500
"""Characters of an event that has no room left for the attributes of a dead letter."""
DAY: Final = 24 * 3_600 * S
FOR_EVER: Final = 1 << 30

failures = st.sampled_from([0, 0, 1, 2, 3, 5, FOR_EVER])
spans = st.sampled_from([0, 0.5, 1, 2, 4, 30, 59.999_999, 0.000_001, 60, 120, 3_600])


@dataclass
class Event:
    """
    An event that is not done.
    """

    name: str
    failures: int
    came_at: int
    due: int
    place: int
    attempts: int = 0


@dataclass
class Events:
    """
    Asynchronous invocation as DEL D tells it.
    """

    retries: int
    max_age: int
    waiting: list[Event] = field(default_factory=list)
    places: int = 0
    calls: list[tuple[int, str]] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)

    def add(self, name: str, fails: int, now: int) -> None:
        self.places += 1
        self.waiting.append(Event(name, fails, now, now, self.places))

    def next_due(self) -> int | None:
        return min((event.due for event in self.waiting), default=None)

    def run(self, now: int) -> None:
        for event in sorted(self.waiting, key=lambda one: (one.due, one.place)):
            if event.due <= now:
                self.call(event, now)

    def call(self, event: Event, now: int) -> None:
        self.calls.append((now, event.name))
        event.attempts += 1
        if event.attempts > event.failures:
            self.waiting.remove(event)
            return
        delay = {1: 60 * S, 2: 120 * S}.get(event.attempts, 0)
        if event.attempts > self.retries or now + delay - event.came_at >= self.max_age:
            self.waiting.remove(event)
            self.given_up.append(event.name)
            return
        self.places += 1
        event.due, event.place = now + delay, self.places


@dataclass
class Record:
    """
    A record in a shard.
    """

    name: str
    failures: int
    came_at: int
    is_big: bool


@dataclass
class Lane:
    """
    A shard's way into the function as DEL C3 tells it.
    """

    size: int
    retries: int
    records: list[Record] = field(default_factory=list)
    """Those that were not passed."""
    batch: list[Record] = field(default_factory=list)
    """The one that is tried again."""
    attempts: int = 0
    due: int | None = None
    calls: list[tuple[int, list[str]]] = field(default_factory=list)
    given_up: list[list[str]] = field(default_factory=list)

    def run(self, now: int) -> None:
        while self.due is None or self.due <= now:
            self.records = [record for record in self.records if record.came_at + DAY > now]
            batch = [record for record in self.batch if record in self.records]
            if not batch:
                self.done()
                batch = self.records[: self.size]
                big = [place for place, record in enumerate(batch) if record.is_big]
                batch = batch[: big[1]] if len(big) > 1 else batch
            if not batch:
                return
            self.calls.append((now, [record.name for record in batch]))
            failing = [record for record in batch if record.failures]
            if not failing:
                self.done(batch)
                continue
            failing[0].failures -= 1
            self.batch = batch
            self.attempts += 1
            if 0 <= self.retries < self.attempts:
                self.given_up.append([record.name for record in batch])
                self.done(batch)
            else:
                self.due = now + min(2 ** (self.attempts - 1), 60) * S

    def done(self, batch: list[Record] | None = None) -> None:
        self.records = self.records[len(batch or []) :]
        self.batch, self.attempts, self.due = [], 0, None


class FunctionMachine(RuleBasedStateMachine):
    """
    Does the same to both.
    """

    @initialize(
        retries=st.integers(0, 2),
        max_age=st.sampled_from([60, 60.000_001, 90, 180, 180.000_001, 21_600]),
        batch_retries=st.sampled_from([-1, 0, 1, 3]),
        size=st.sampled_from([1, 2, 100]),
        concurrency=st.sampled_from([None, 1]),
    )
    def build(self, retries: int, max_age: float, batch_retries: int, size: int, concurrency: int | None) -> None:
        # Two big records are more than one event holds.
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("postroom.worker._payload.BATCH_PAYLOAD_MAX_BYTES", BIG_BYTES * 2)
        self.clock = ManualClock()
        self.start = self.clock.now_us()
        self.dead = Queue("dead", clock=self.clock, retention=14 * 86_400)
        self.told = Queue("told", clock=self.clock, retention=14 * 86_400)
        self.stream = Stream("orders", shard_count=2, clock=self.clock)
        self.left: dict[str, int] = {}
        self.calls: list[tuple[int, str]] = []
        self.batches: list[list[tuple[int, list[str]]]] = [[], []]
        self.numbers: dict[str, str] = {}
        self.function = Function(
            self.handle,
            name="f",
            clock=self.clock,
            concurrency=concurrency,
            dead_letter_queue=self.dead,
            maximum_retry_attempts=retries,
            maximum_event_age=max_age,
        )
        self.function.add_event_source(
            self.stream,
            batch_size=size,
            starting_position="TRIM_HORIZON",
            maximum_retry_attempts=batch_retries,
            on_failure=self.told,
        )
        self.events = Events(retries, round(max_age * S))
        self.lanes = [Lane(size, batch_retries), Lane(size, batch_retries)]
        self.count = 0
        self.days = 0

    def handle(self, event: Any, context: Any) -> None:
        now = self.clock.now_us()
        if "Records" not in event:
            names = [event["name"]]
            self.calls.append((now, event["name"]))
        else:
            records = event["Records"]
            names = [base64.b64decode(record["kinesis"]["data"]).decode().strip() for record in records]
            self.batches[int(records[0]["eventID"].partition(":")[0][-1])].append((now, names))
        for name in names:
            if self.left[name]:
                self.left[name] -= 1
                raise Broken(name)

    def now(self) -> int:
        return self.clock.now_us()

    def named(self, fails: int) -> str:
        self.count += 1
        self.left[str(self.count)] = fails
        return str(self.count)

    @rule(fails=failures, note=st.sampled_from(["", "", "\xe4", "\ud800", "\x00", "x" * FILL]))
    def invoke(self, fails: int, note: str) -> None:
        name = self.named(fails)
        self.events.add(name, fails, self.now())
        self.function.invoke({"name": name, "note": note})
        self.run_model()

    @rule(shard=st.integers(0, 1), puts=st.lists(st.tuples(failures, st.booleans()), min_size=1, max_size=3))
    def put(self, shard: int, puts: list[tuple[int, bool]]) -> None:
        for fails, is_big in puts:
            name = self.named(fails)
            key = str(self.stream.shards[shard].hash_range.start)
            self.lanes[shard].records.append(Record(name, fails, self.now(), is_big))
            data = name.ljust(BIG_BYTES if is_big else 0).encode()
            put = self.stream.put_record(data, "k", explicit_hash_key=key)
            self.numbers[put.sequence_number] = name
            self.run_model()

    @rule(span=spans)
    def advance(self, span: float) -> None:
        self.clock.advance(span)
        self.run_model()

    @precondition(lambda self: self.days < 3)
    @rule()
    def advance_a_day(self) -> None:
        self.days += 1
        self.clock.advance(86_400)
        self.run_model()

    @precondition(lambda self: self.next_due() is not None)
    @rule(early=st.booleans())
    def advance_to_the_next(self, early: bool) -> None:
        due = self.next_due()
        assert due is not None
        if early and due - 1 > self.now():
            self.clock.advance_to((due - 1) / S)
        else:
            self.clock.advance((due - self.now()) / S)
        self.run_model()

    def next_due(self) -> int | None:
        found = [self.events.next_due(), *(lane.due for lane in self.lanes)]
        return min((due for due in found if due is not None), default=None)

    def run_model(self) -> None:
        """
        Has the model do what is due up to now, instant by instant.
        """
        now = self.now()
        for lane in self.lanes:
            if lane.due is None:
                lane.run(now)
        while (due := self.next_due()) is not None and due <= now:
            self.events.run(due)
            for lane in self.lanes:
                if lane.due == due:
                    lane.run(due)

    @invariant()
    def calls_are_the_same(self) -> None:
        if not hasattr(self, "events"):
            return
        assert self.calls == self.events.calls
        assert self.batches == [lane.calls for lane in self.lanes]

    @invariant()
    def figures_are_the_same(self) -> None:
        if not hasattr(self, "events"):
            return
        stats = self.function.stats()
        batches = [batch for lane in self.lanes for batch in lane.given_up]

        assert (stats.running, stats.queued, stats.retrying) == (0, 0, len(self.events.waiting))
        assert stats.dead_lettered == len(self.events.given_up) + sum(map(len, batches))
        assert stats.dropped == 0
        assert stats.invocations == len(self.calls) + sum(map(len, self.batches)) == stats.succeeded + stats.failed
        assert self.function.next_wakeup(self.now()) == self.next_due()
        assert {due.at_us for due in self.clock.pending() if due.whom == "function f"} == {
            due for due in (self.events.next_due(), *(lane.due for lane in self.lanes)) if due is not None
        }

    @invariant()
    def dead_letters_are_the_same(self) -> None:
        if not hasattr(self, "events"):
            return
        letters = self.dead.peek(1_000)
        assert [json.loads(letter.body)["name"] for letter in letters] == self.events.given_up
        assert {len(letter.md5_of_body) for letter in letters} <= {32}
        assert {(len(letter.attributes), len(letter.body) > FILL) for letter in letters} <= {(3, False), (0, True)}
        told = [json.loads(letter.body)["KinesisBatchInfo"] for letter in self.told.peek(1_000)]
        for number, lane in enumerate(self.lanes):
            mine = [info for info in told if info["shardId"].endswith(str(number))]
            assert [self.numbers[info["startSequenceNumber"]] for info in mine] == [batch[0] for batch in lane.given_up]
            assert [self.numbers[info["endSequenceNumber"]] for info in mine] == [batch[-1] for batch in lane.given_up]
            assert [info["batchSize"] for info in mine] == [len(batch) for batch in lane.given_up]

    def teardown(self) -> None:
        if hasattr(self, "events"):
            self.patch.undo()
            self.function.close()
            assert self.function.stats().dropped == len(self.events.waiting)
            assert all(due.whom != "function f" for due in self.clock.pending())


TestFunction = FunctionMachine.TestCase
