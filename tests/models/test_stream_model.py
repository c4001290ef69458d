"""
A stream beside a model that is obviously right: one list of records for each shard, each read by a scan.

Segments hold three records, spans are few so that instants collide, and there are numbers that no record has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from postroom import ManualClock, RecordEntry, Stream
from postroom.errors import ExpiredIterator
from postroom.partitioning import even_ranges, hash_key
from postroom.stream._sequence import Origin

if TYPE_CHECKING:
    from postroom.stream import ShardReader

S: Final = 1_000_000
HOUR: Final = 3_600 * S
SHARDS: Final = 6
SPANS: Final = (1, 999, S, 150 * S, 300 * S, 300 * S + 1, 12 * HOUR, 24 * HOUR - 1, 24 * HOUR)
KEYS: Final = ("a", "b", "e", "f", "é", "k" * 256)


class Item(NamedTuple):
    """
    A record as the model knows it.
    """

    number: int
    data: bytes
    key: str
    arrived: int


class Place(NamedTuple):
    """
    A position: how many records of its shard lie before it, and the least number wanted.
    """

    shard: int
    before: int
    least: int


class Held(NamedTuple):
    """
    An iterator and what the model knows of it.
    """

    text: str
    place: Place
    issued: int


class Waiting:
    """
    A reader, where it stands by the model, and its callback.
    """

    def __init__(self, reader: ShardReader, place: Place) -> None:
        self.reader = reader
        self.place = place
        self.waits = False
        self.calls = 0
        self.expected_calls = 0

    def call(self) -> None:
        self.calls += 1


class StreamMachine(RuleBasedStateMachine):
    """
    Puts, iterators, reads, readers, time and retention.
    """

    iterators = Bundle("iterators")
    readers = Bundle("readers")

    @initialize()
    def begin(self) -> None:
        self.clock = ManualClock()
        self.created = self.clock.now_us()
        self.stream = Stream("orders", shard_count=SHARDS, clock=self.clock, seed=1)
        self.items: list[list[Item]] = [[] for _ in range(SHARDS)]
        self.counters = [0] * 2  # of five shards, and of the sixth
        self.expired = [0] * SHARDS
        self.retention = 24 * HOUR
        self.ranges = even_ranges(SHARDS)
        self.waiting: list[Waiting] = []
        self.seen: set[str] = set()

    # What the model knows.

    def number(self, shard: int, counter: int, at: int) -> int:
        return int(Origin.of(shard, self.created // S).sequence_number(counter, at))

    def shard_of(self, hashed: int) -> int:
        return next(index for index, one in enumerate(self.ranges) if one.start <= hashed <= one.end)

    def expire(self) -> None:
        now = self.clock.now_us()
        for shard, items in enumerate(self.items):
            gone = sum(now - item.arrived >= self.retention for item in items)
            self.expired[shard] = max(self.expired[shard], gone)

    def readable(self, place: Place) -> list[tuple[int, Item]]:
        self.expire()
        first = max(place.before, self.expired[place.shard])
        return [
            (index, item)
            for index, item in enumerate(self.items[place.shard])
            if index >= first and item.number >= place.least
        ]

    def put(self, data: bytes, key: str, explicit: int | None) -> Item:
        shard = self.shard_of(hash_key(key) if explicit is None else explicit)
        self.counters[shard // 5] += 1
        now = self.clock.now_us()
        item = Item(self.number(shard, self.counters[shard // 5], now), data, key, now)
        self.items[shard].append(item)
        return item

    def wake(self) -> None:
        for one in self.waiting:
            if one.waits and self.readable(one.place):
                one.waits = False
                one.expected_calls += 1

    # What happens.

    @rule(data=st.binary(max_size=3), key=st.sampled_from(KEYS), explicit=st.none() | st.integers(0, 2**128 - 1))
    def put_record(self, data: bytes, key: str, explicit: int | None) -> None:
        item = self.put(data, key, explicit)
        self.wake()
        put = self.stream.put_record(data, key, explicit_hash_key=None if explicit is None else str(explicit))

        assert put.sequence_number == str(item.number)

    @rule(entries=st.lists(st.tuples(st.binary(max_size=3), st.sampled_from(KEYS)), min_size=1, max_size=9))
    def put_records(self, entries: list[tuple[bytes, str]]) -> None:
        # Across shards no order is promised: what was put shard by shard is compared that way.
        outcome = self.stream.put_records([RecordEntry(*entry) for entry in entries])
        results = [success.result for success in outcome.successful]
        order: dict[int, list[int]] = {}
        for index, (_, key) in enumerate(entries):
            order.setdefault(self.shard_of(hash_key(key)), []).append(index)
        for share in order.values():
            for index in share:
                item = self.put(*entries[index], None)
                assert results[index].sequence_number == str(item.number)
        self.wake()

    @rule(span=st.sampled_from(SPANS))
    def advance(self, span: int) -> None:
        self.clock.advance(span / S)

    @rule(hours=st.sampled_from([24, 36, 48]))
    def change_retention(self, hours: int) -> None:
        self.expire()
        change = (
            self.stream.increase_retention_period
            if hours * HOUR >= self.retention
            else self.stream.decrease_retention_period
        )
        change(hours)
        self.retention = hours * HOUR
        self.expire()

    def ask(self, data: st.DataObject) -> tuple[str, Any, Place]:
        """
        The arguments of an iterator or a reader, and where that is.
        """
        shard = data.draw(st.integers(0, SHARDS - 1))
        items, now = self.items[shard], self.clock.now_us()
        kinds = ["TRIM_HORIZON", "LATEST", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER", "AT_TIMESTAMP"]
        kind = data.draw(st.sampled_from(kinds))
        if kind == "AT_TIMESTAMP":
            at = (
                data.draw(st.sampled_from([0, self.created, now, *(item.arrived for item in items)])) // 1_000
            ) * 1_000
            before = sum(item.arrived < at for item in items)
            return str(shard), {"shard_iterator_type": kind, "timestamp": at / S}, Place(shard, before, 0)
        if kind in {"TRIM_HORIZON", "LATEST"}:
            return str(shard), {"shard_iterator_type": kind}, Place(shard, len(items) if kind == "LATEST" else 0, 0)
        counter = data.draw(st.integers(0, self.counters[shard // 5] + 3))
        number = data.draw(
            st.sampled_from(
                [self.number(shard, counter, at) for at in (self.created, now, now + S)]
                + [item.number for item in items[-4:]]
            )
        )
        settings = {"shard_iterator_type": kind, "starting_sequence_number": str(number)}
        return str(shard), settings, Place(shard, 0, number + (kind == "AFTER_SEQUENCE_NUMBER"))

    @rule(target=iterators, data=st.data())
    def get_shard_iterator(self, data: st.DataObject) -> Held:
        shard, settings, place = self.ask(data)
        return self.fresh(self.stream.get_shard_iterator(shard, **settings), place)

    def fresh(self, text: str, place: Place) -> Held:
        assert text not in self.seen
        self.seen.add(text)
        return Held(text, place, self.clock.now_us())

    @rule(target=iterators, held=iterators, limit=st.sampled_from([1, 2, 5, 10_000]), forget=st.booleans())
    def get_records(self, held: Held, limit: int, forget: bool) -> Held:
        now = self.clock.now_us()
        if forget:
            self.stream._iterators._lately.clear()
        if now - held.issued > 300 * S:
            with pytest.raises(ExpiredIterator):
                self.stream.get_records(held.text, limit=limit)
            return held
        expected = self.readable(held.place)
        got = self.stream.get_records(held.text, limit=limit)
        records = [
            Item(int(one.sequence_number), one.data, one.partition_key, one.arrived_at_us) for one in got.records
        ]
        assert records == [item for _, item in expected[:limit]]
        if len(expected) > limit:
            assert got.millis_behind_latest == max((now - records[-1].arrived) // 1_000, 1)
        else:
            assert got.millis_behind_latest == 0
        place = held.place._replace(before=expected[:limit][-1][0] + 1) if records else held.place
        return self.fresh(got.next_shard_iterator, place)

    @rule(target=readers, data=st.data())
    def reader(self, data: st.DataObject) -> Waiting:
        shard, settings, place = self.ask(data)
        position = settings.pop("shard_iterator_type")
        one = Waiting(self.stream.reader(shard, position, **settings), place)
        self.waiting.append(one)
        return one

    @rule(one=readers, most=st.sampled_from([1, 3, 100]), past=st.none() | st.integers(0, 5))
    def peek(self, one: Waiting, most: int, past: int | None) -> None:
        expected = self.readable(one.place)[:most]
        records = one.reader.peek(most)
        assert [int(record.sequence_number) for record in records] == [item.number for _, item in expected]
        if records and past is not None:
            chosen = min(past, len(records) - 1)
            one.reader.move_past(records[chosen])
            one.place = one.place._replace(before=expected[chosen][0] + 1)

    @rule(one=readers)
    def when_ready(self, one: Waiting) -> None:
        if not one.waits:
            one.waits = True
            self.wake()
            one.reader.when_ready(one.call)

    # What always holds.

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "stream"):
            return
        self.expire()
        stats = self.stream.stats()
        held = [items[gone:] for items, gone in zip(self.items, self.expired, strict=True)]
        assert [shard.held for shard in stats.shards] == [len(items) for items in held]
        assert [shard.expired for shard in stats.shards] == self.expired
        assert stats.held_bytes == sum(len(one.data) + len(one.key.encode()) for items in held for one in items)
        assert stats.records == sum(map(len, self.items))
        assert len(self.stream) == stats.held
        assert [one.calls for one in self.waiting] == [one.expected_calls for one in self.waiting]
        for lane in self.stream._lanes:
            lane.log.check()


@pytest.mark.parametrize(
    "records", [3, pytest.param(3, marks=pytest.mark.deep), pytest.param(2, marks=pytest.mark.deep)]
)
def test_a_stream_does_what_the_model_does(monkeypatch: pytest.MonkeyPatch, records: int) -> None:
    monkeypatch.setattr("postroom.stream._shard.SEGMENT_RECORDS", records)
    StreamMachine.TestCase().runTest()
