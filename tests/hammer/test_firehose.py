"""
Threads on one delivery stream: each record in exactly one object, in order per producer, one write at a time, no hang.
"""

from __future__ import annotations

import random
import threading
from functools import partial

import pytest

from postroom import DeliveryStream, ManualClock, MemoryStore, Stream, SystemClock
from postroom.errors import ObjectNotWritten, ResourceClosed
from tests.clock.helpers import Started, until

pytestmark = pytest.mark.usefixtures("eager")
sizes = pytest.mark.parametrize("size", [400, pytest.param(3_000, marks=pytest.mark.deep)])

PRODUCERS = 4


class Clumsy(MemoryStore):
    """
    A store that now and then fails, before or after it kept the object, and that notices a second writer.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.rng = random.Random(seed)
        self.busy = threading.Lock()
        self.mended = False

    def put(self, key: str, data: bytes) -> None:
        assert self.busy.acquire(blocking=False), "two writes at a time"
        try:
            fate = 1.0 if self.mended else self.rng.random()
            if fate > 0.1:
                assert self.objects.get(key, data) == data
                super().put(key, data)
            if fate < 0.2:
                raise OSError("clumsy")
        finally:
            self.busy.release()


def produce(stream: DeliveryStream, producer: int, size: int) -> None:
    rng = random.Random(producer)
    number = 0
    while number < size:
        share = min(rng.choice([1, 1, 5]), size - number)
        records = [f"{producer}:{one}".encode() for one in range(number, number + share)]
        if share == 1:
            stream.put_record(records[0])
        else:
            stream.put_record_batch(records)
        number += share


def check(store: MemoryStore, size: int, producers: int = PRODUCERS) -> None:
    """
    Everything once; and objects, in the order in which they were first kept, have each producer's records in order.
    """
    lines = b"".join(store.objects.values()).decode().splitlines()
    found: dict[int, list[int]] = {producer: [] for producer in range(producers)}
    for line in lines:
        producer, _, number = line.partition(":")
        found[int(producer)].append(int(number))

    assert found == {producer: list(range(size)) for producer in range(producers)}


def finish(stream: DeliveryStream, store: Clumsy) -> None:
    store.mended = True
    stream.close()
    stream._core.check()
    assert not list(stream._core.held())


@sizes
@pytest.mark.parametrize("interval", [0, 1, 900])
def test_producers_flushers_and_a_clumsy_store_on_a_system_clock(size: int, interval: int) -> None:
    with SystemClock(speed=5_000) as clock:
        store = Clumsy(interval)
        stream = DeliveryStream("events", store, buffering_interval=interval, append_delimiter=True, clock=clock)
        over = threading.Event()

        def flush() -> None:
            while not over.is_set():
                try:
                    stream.flush()
                except ObjectNotWritten:
                    pass
                stream.stats()
                stream.explain("nobody")
                repr(stream)

        flusher = Started(flush)
        producers = [Started(partial(produce, stream, one, size)) for one in range(PRODUCERS)]
        for producer in producers:
            producer.result()
        over.set()
        flusher.result()
        finish(stream, store)

        check(store, size)
        assert stream.stats().records == PRODUCERS * size


@sizes
def test_producers_while_one_thread_moves_a_manual_clock(size: int) -> None:
    clock = ManualClock(autojump=False)
    store = Clumsy(7)
    stream = DeliveryStream("events", store, buffering_interval=5, append_delimiter=True, clock=clock)
    producers = [Started(partial(produce, stream, one, size)) for one in range(PRODUCERS)]
    while any(producer.is_alive() for producer in producers):
        clock.advance(1)
    for producer in producers:
        producer.result()
    clock.advance(3_600)
    finish(stream, store)

    check(store, size)


@sizes
def test_closing_while_records_come_loses_none_that_was_taken(size: int) -> None:
    with SystemClock() as clock:
        store = MemoryStore()
        stream = DeliveryStream("events", store, buffering_interval=0, append_delimiter=True, clock=clock)
        taken: list[list[bytes]] = [[] for _ in range(PRODUCERS)]

        def produce_until_closed(producer: int) -> None:
            for number in range(size):
                data = f"{producer}:{number}".encode()
                try:
                    stream.put_record(data)
                except ResourceClosed:
                    return
                taken[producer].append(data)

        producers = [Started(partial(produce_until_closed, one)) for one in range(PRODUCERS)]
        until(lambda: store.objects)
        stream.close()
        for producer in producers:
            producer.result()

        lines = b"".join(store.objects.values()).splitlines()
        assert sorted(lines) == sorted(data for each in taken for data in each)


@sizes
def test_a_source_is_read_whole_and_in_order_within_each_shard(size: int) -> None:
    with SystemClock() as clock:
        source = Stream("clicks", shard_count=3, clock=clock)
        store = MemoryStore()
        stream = DeliveryStream(
            "events", store, source=source, buffering_interval=0, append_delimiter=True, clock=clock
        )

        def produce_records(producer: int) -> None:
            for number in range(size):
                source.put_record(f"{producer}:{number}".encode(), f"key {producer}")

        producers = [Started(partial(produce_records, one)) for one in range(PRODUCERS)]
        for producer in producers:
            producer.result()
        until(lambda: stream.stats().records == PRODUCERS * size)
        stream.close()

        check(store, size)
