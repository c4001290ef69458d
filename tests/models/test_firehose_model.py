"""
A delivery stream beside a model that is obviously right: lists of records, and a scan for what falls due next.

Sizes are few and large (an object takes two or three of the large records), and so are spans, so that deadlines collide. The
store fails as a script says, which the machine writes as it goes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from postroom import DeliveryStream, Faults, ManualClock, Observation
from postroom.errors import LostAcknowledgement, ObjectNotWritten, ResourceClosed

S: Final = 1_000_000
MIB: Final = 1_048_576
DAY: Final = 86_400 * S
LARGE: Final = 600_000


@dataclass
class Item:
    """
    One object.
    """

    begun_at: int
    closed_at: int | None = None
    ids: list[str] = field(default_factory=list)
    data: bytes = b""
    failures: int = 0
    retry_at: int | None = None


@dataclass
class Model:
    """
    A delivery stream as DEL A2 and A5 tell it. `fails` is how many of the next writes fail.
    """

    interval: int
    delimiter: bytes
    fails: int = 0
    closed: bool = False
    waiting: list[Item] = field(default_factory=list)
    undelivered: list[Item] = field(default_factory=list)
    written: list[Item] = field(default_factory=list)
    failed_writes: int = 0

    def open(self) -> Item | None:
        return next((item for item in self.waiting if item.closed_at is None), None)

    def put(self, now: int, records: list[tuple[str, bytes]]) -> None:
        for id_, data in records:
            item = self.open()
            if item is None:
                item = Item(now)
                self.waiting.append(item)
            item.ids.append(id_)
            item.data += data + self.delimiter
            if len(item.data) >= MIB:
                item.closed_at = now
        self.run(now)

    def due(self) -> list[int]:
        """
        When something happens next by itself.
        """
        item = self.open()
        found = [] if item is None else [item.begun_at + self.interval]
        return found + [item.retry_at for item in self.waiting[:1] if item.retry_at is not None]

    def catch_up(self, now: int) -> None:
        while (due := self.due()) and min(due) <= now:
            self.run(min(due))

    def run(self, now: int) -> None:
        """
        All that is to be done at an instant.
        """
        item = self.open()
        if item is not None and item.begun_at + self.interval <= now:
            item.closed_at = now
        self.write(now)

    def write(self, now: int) -> bool:
        while self.waiting and self.waiting[0].closed_at is not None and (self.waiting[0].retry_at or 0) <= now:
            item = self.waiting[0]
            if not self.fails:
                self.written.append(self.waiting.pop(0))
                continue
            self.fails -= 1
            self.failed_writes += 1
            wait = min(2**item.failures, 60) * S
            item.failures += 1
            item.retry_at = now + wait
            assert item.closed_at is not None
            if self.closed:
                self.undelivered += self.waiting
                self.waiting = []
            elif item.retry_at - item.closed_at > DAY:
                self.undelivered.append(self.waiting.pop(0))
        return not [one for one in self.waiting + self.undelivered if one.closed_at is not None]

    def flush(self, now: int) -> bool:
        item = self.open()
        if item is not None:
            item.closed_at = now
        for one in self.undelivered:
            one.closed_at, one.failures = now, 0
        self.waiting, self.undelivered = self.undelivered + self.waiting, []
        for one in self.waiting:
            one.retry_at = None
        return self.write(now)


class Shelf:
    """
    A store whose next writes fail, so many; half of the failures come after the object was kept.
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.fails = 0

    def put(self, key: str, data: bytes) -> None:
        if self.fails % 2 == 0:
            assert self.objects.setdefault(key, data) == data
        if self.fails:
            self.fails -= 1
            raise OSError("no")
        self.objects[key] = data


class DeliveryStreamMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Observation] = []
        self.count = 0

    @initialize(interval=st.sampled_from([0, 1, 60, 900]), append=st.booleans())
    def begin(self, interval: int, append: bool) -> None:
        self.clock = ManualClock()
        self.model = Model(interval * S, b"\n" if append else b"")
        self.shelf = Shelf()
        self.stream = DeliveryStream(
            "events",
            self.shelf,
            buffering_size=1,
            buffering_interval=interval,
            append_delimiter=append,
            clock=self.clock,
        )
        self.stream.observe(self.seen.append)

    def data(self, size: int) -> bytes:
        self.count += 1
        return f"{self.count};".encode().ljust(size, b".")

    @rule(sizes=st.lists(st.sampled_from([0, 5, 5, LARGE, MIB - LARGE]), min_size=1, max_size=4), batch=st.booleans())
    def put(self, sizes: list[int], batch: bool) -> None:
        records = [self.data(size) for size in sizes]
        if self.model.closed:
            with pytest.raises(ResourceClosed):
                self.stream.put_record_batch(records)
        elif batch:
            outcome = self.stream.put_record_batch(records)
            ids = [success.result.record_id for success in outcome.successful]
            self.model.put(self.clock.now_us(), list(zip(ids, records, strict=True)))
        else:
            for data in records:
                put = self.stream.put_record(data)
                self.model.put(self.clock.now_us(), [(put.record_id, data)])

    @rule(seconds=st.sampled_from([0, 0.5, 1, 1, 2, 59, 60, 300, 900, 3_600]))
    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        if not self.model.closed:
            self.model.catch_up(self.clock.now_us())

    @rule()
    def advance_to_next(self) -> None:
        due = [] if self.model.closed else self.model.due()
        found = self.clock.advance_to_next()
        assert (found is None) == (not due)
        if due:
            assert self.clock.now_us() == min(due)
            self.model.catch_up(self.clock.now_us())

    @rule(times=st.sampled_from([0, 1, 2, 5, 2_000]))
    def fail(self, times: int) -> None:
        self.model.fails = self.shelf.fails = times

    @precondition(lambda self: self.shelf.fails > 100)
    @rule()
    def a_day(self) -> None:
        self.advance(86_400)

    @rule()
    def flush(self) -> None:
        done = self.model.flush(self.clock.now_us())
        if done:
            self.stream.flush()
        else:
            with pytest.raises(ObjectNotWritten):
                self.stream.flush()

    @rule(really=st.sampled_from([False, False, False, True]))
    def close(self, really: bool) -> None:
        if not really:
            return
        first, self.model.closed = not self.model.closed, True
        if not first or self.model.flush(self.clock.now_us()):
            self.stream.close()
        else:
            with pytest.raises(ObjectNotWritten):
                self.stream.close()

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "stream"):
            return
        stream, model, core = self.stream, self.model, self.stream._core
        core.check()
        assert [[record.record_id for record in one.records] for one in core.waiting] == [
            item.ids for item in model.waiting
        ]
        assert [data for _, data in stream.undelivered] == [item.data for item in model.undelivered]
        assert self.shelf.fails == model.fails
        stats: Any = stream.stats()
        assert stats.failed_writes == model.failed_writes
        assert stats.objects == len(model.written)
        assert stats.records == sum(len(item.ids) for item in model.written)
        assert stats.bytes == sum(len(item.data) for item in model.written)
        assert stats.waiting_objects == sum(item.closed_at is not None for item in model.waiting)
        due = [] if model.closed else [at for at in model.due() if at > self.clock.now_us()]
        assert stream.next_wakeup(self.clock.now_us()) == (min(due) if due else None)

    @invariant()
    def nothing_is_lost(self) -> None:
        """
        Each record is in exactly one object, and the objects in the store are those that were written.
        """
        if not hasattr(self, "stream"):
            return
        model = self.model
        keys = {one.message_id: one.details["key"] for one in self.seen if one.kind == "written"}
        written: dict[str, bytes] = {}
        for item in model.written:
            [key] = {keys[id_] for id_ in item.ids}
            assert key not in written
            written[key] = item.data
        assert written.items() <= self.shelf.objects.items()
        held = [id_ for item in model.written + model.waiting + model.undelivered for id_ in item.ids]
        assert sorted(held) == sorted(one.message_id for one in self.seen if one.kind == "put")

    def teardown(self) -> None:
        if not hasattr(self, "stream"):
            return
        self.shelf.fails = self.model.fails = 0
        self.model.closed = True
        self.model.flush(self.clock.now_us())
        self.stream.close()
        self.stream.flush()
        everything = b"".join(self.shelf.objects.values())
        assert sorted(self.shelf.objects.values()) == sorted(item.data for item in self.model.written)
        assert everything.count(b";") <= self.count


TestDeliveryStream = DeliveryStreamMachine.TestCase


@pytest.mark.parametrize("seed", range(5))
def test_lost_acknowledgements_write_no_object_under_two_keys(seed: int) -> None:
    clock = ManualClock()
    shelf = Shelf()
    faults = Faults(seed, lost_acknowledgement_rate=0.5)
    errors: list[str] = []
    stream = DeliveryStream("events", shelf, buffering_interval=0, clock=clock, faults=faults)
    stream.observe(lambda seen: errors.append(seen.details["error"]) if seen.kind == "refused" else None)
    for number in range(30):
        stream.put_record(b"%d;" % number)
    clock.advance(3_600)

    assert sorted(shelf.objects.values()) == sorted(b"%d;" % number for number in range(30))
    assert errors
    assert not any(LostAcknowledgement.__name__ in error for error in errors)  # AWS's text, not a repr
