"""
Threads on one stream: every record once for each reader and in its shard's order, no lost wake-up, no hang.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from postroom import ManualClock, Record, RecordEntry, Stream, SystemClock
from tests.clock.helpers import Started

if TYPE_CHECKING:
    from postroom import Clock, ShardReader

pytestmark = pytest.mark.usefixtures("eager")
sizes = pytest.mark.parametrize("size", [2_000, pytest.param(10_000, marks=pytest.mark.deep)])
clocks = pytest.mark.parametrize("make", [SystemClock, lambda: ManualClock(autojump=False)], ids=["system", "manual"])
shards = pytest.mark.parametrize("count", [1, 7])

PRODUCERS = 4
PATIENCE_S = 120.0
"""Real time after which a run counts as a hang."""


def produce(stream: Stream, producer: int, count: int) -> None:
    """
    Numbers in rising order, alone and in batches, under keys that lead everywhere.
    """
    for start in range(0, count, 5):
        if start % 10:
            for number in range(start, start + 5):
                stream.put_record(f"{producer}:{number}".encode(), f"key-{number % 13}")
        else:
            stream.put_records(
                [RecordEntry(f"{producer}:{n}".encode(), f"key-{n % 13}") for n in range(start, start + 5)]
            )


class Watcher:
    """
    Reads one shard by being called, and asks again each time.
    """

    def __init__(self, reader: ShardReader, noted: Callable[[int], None]) -> None:
        self.reader = reader
        self.got: list[Record] = []
        self._noted = noted
        self._guard = threading.Lock()

    def work(self) -> None:
        with self._guard:
            before = len(self.got)
            while records := self.reader.peek(7):
                self.got += records
                self.reader.move_past(records[-1])
        self._noted(len(self.got) - before)
        self.reader.when_ready(self.work)


class Tally:
    """
    How many records all watchers of one round have got.
    """

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.count = 0
        self.done = threading.Event()
        self._guard = threading.Lock()

    def note(self, count: int) -> None:
        with self._guard:
            self.count += count
            if self.count >= self.wanted:
                self.done.set()


def check(stream: Stream, by_shard: list[list[Record]], size: int) -> None:
    """
    All there is, once, in the order of sequence numbers, and each producer's own order kept.
    """
    texts = [record.data.decode() for records in by_shard for record in records]
    assert Counter(texts) == Counter(
        f"{producer}:{n}" for producer in range(PRODUCERS) for n in range(size // PRODUCERS)
    )
    for records in by_shard:
        numbers = [int(record.sequence_number) for record in records]
        assert numbers == sorted(set(numbers))
        times = [record.arrived_at_us for record in records]
        assert times == sorted(times)
        for producer in range(PRODUCERS):
            mine = [int(record.data.split(b":")[1]) for record in records if record.data.startswith(b"%d:" % producer)]
            assert mine == sorted(mine)
    for lane in stream._lanes:
        lane.log.check()


@sizes
@clocks
@shards
def test_every_reader_gets_every_record_once_and_in_order(make: Callable[[], Clock], count: int, size: int) -> None:
    stream = Stream("clicks", shard_count=count, clock=make())
    tally = Tally(3 * size)
    rounds = [[Watcher(stream.reader(shard.shard_id), tally.note) for shard in stream.shards] for _ in range(3)]
    for watchers in rounds:
        for watcher in watchers:
            watcher.reader.when_ready(watcher.work)
    producers = [
        Started(lambda number=number: produce(stream, number, size // PRODUCERS))  # type: ignore[misc]
        for number in range(PRODUCERS)
    ]
    for producer in producers:
        producer.join(PATIENCE_S)
        producer.result()
    if isinstance(stream.clock, ManualClock):
        stream.clock.settle()

    assert tally.done.wait(PATIENCE_S), f"{tally.count} of {tally.wanted} arrived"
    for watchers in rounds:
        check(stream, [watcher.got for watcher in watchers], size)


@sizes
@clocks
@shards
def test_iterators_read_alongside_in_order(make: Callable[[], Clock], count: int, size: int) -> None:
    stream = Stream("clicks", shard_count=count, clock=make())
    done = threading.Event()

    def consume(shard_id: str) -> list[Record]:
        iterator, got, last = stream.get_shard_iterator(shard_id, "TRIM_HORIZON"), [], False
        while True:
            response = stream.get_records(iterator, limit=11)
            got += response.records
            iterator = response.next_shard_iterator
            if last and not response.records:
                return got
            last = done.is_set() and not response.records

    consumers = [Started(lambda shard=shard: consume(shard.shard_id)) for shard in stream.shards]  # type: ignore[misc]
    producers = [
        Started(lambda number=number: produce(stream, number, size // PRODUCERS))  # type: ignore[misc]
        for number in range(PRODUCERS)
    ]
    for producer in producers:
        producer.join(PATIENCE_S)
        producer.result()
    done.set()
    for consumer in consumers:
        consumer.join(PATIENCE_S)

    check(stream, [consumer.result() for consumer in consumers], size)


@sizes
def test_time_and_retention_move_alongside(size: int) -> None:
    clock = ManualClock(autojump=False)
    stream = Stream("clicks", shard_count=3, clock=clock)
    done = threading.Event()

    def move() -> None:
        while not done.is_set():
            clock.advance(3_600)
            stream.increase_retention_period(48)
            stream.decrease_retention_period(24)
            stream.stats()

    mover = Started(move)
    producers = [
        Started(lambda number=number: produce(stream, number, size // PRODUCERS))  # type: ignore[misc]
        for number in range(PRODUCERS)
    ]
    for producer in producers:
        producer.join(PATIENCE_S)
        producer.result()
    done.set()
    mover.result()
    clock.advance(86_400)

    stats = stream.stats()
    assert (stats.records, stats.held, stats.expired) == (size, 0, size)
    for lane in stream._lanes:
        lane.log.check()


@clocks
def test_closing_calls_every_waiter(make: Callable[[], Clock]) -> None:
    stream = Stream("clicks", shard_count=4, clock=make())
    called = threading.Semaphore(0)

    def wait_for_more() -> None:
        for shard in stream.shards:
            stream.reader(shard.shard_id).when_ready(called.release)

    for waiter in [Started(wait_for_more) for _ in range(8)]:
        waiter.result()
    stream.close()

    assert all(called.acquire(timeout=PATIENCE_S) for _ in range(32))
