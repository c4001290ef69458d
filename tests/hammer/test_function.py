"""
Many threads send, invoke and put, a function's handlers run side by side: nothing is lost, nothing comes twice, nothing hangs.
"""

from __future__ import annotations

import faulthandler
import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest

from postroom import Faults, Function, Queue, Stream, SystemClock
from tests.clock.helpers import Started

WATCHDOG_S = 120.0

sizes = pytest.mark.parametrize("messages", [2_000, pytest.param(50_000, marks=pytest.mark.deep)])


@contextmanager
def watchdog() -> Generator[None]:
    """
    A hang ends the process, and shows where every thread stands.
    """
    faulthandler.dump_traceback_later(WATCHDOG_S, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


class Tally:
    """
    Counts what was handled, and tells when all of it was.
    """

    def __init__(self, expected: int) -> None:
        self.counts: Counter[str] = Counter()
        self.running = 0
        self.most = 0
        self.all_there = threading.Event()
        self._expected = expected
        self._lock = threading.Lock()

    def handle(self, event: dict[str, Any], context: Any) -> None:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        with self._lock:
            self.running -= 1
            self.counts.update(record["body"] for record in event["Records"])
            if len(self.counts) == self._expected:
                self.all_there.set()


def send_from_threads(queues: list[Queue], messages: int, senders: int = 8) -> None:
    def send(sender: int) -> None:
        for number in range(sender, messages, senders):
            queues[number % len(queues)].send_message(str(number))

    for thread in [Started(lambda sender=sender: send(sender)) for sender in range(senders)]:  # type: ignore[misc]
        thread.join(WATCHDOG_S)
        thread.result()


@sizes
@pytest.mark.parametrize(("concurrency", "sources", "batch_size"), [(None, 1, 10), (4, 3, 3), (1, 2, 10)])
def test_each_message_is_handled_exactly_once(
    messages: int, concurrency: int | None, sources: int, batch_size: int
) -> None:
    with watchdog(), SystemClock() as clock:
        tally = Tally(messages)
        queues = [Queue(f"queue-{number}", clock=clock, visibility_timeout=43_200) for number in range(sources)]
        with Function(tally.handle, name="tally", clock=clock, concurrency=concurrency) as function:
            for queue in queues:
                function.add_event_source(queue, batch_size=batch_size)
            send_from_threads(queues, messages)
            tally.all_there.wait()
            while function.stats().running or any(len(queue) for queue in queues):
                threading.Event().wait(0.001)

        assert set(tally.counts.values()) == {1}
        assert concurrency is None or tally.most <= concurrency
        assert function.stats().messages == messages
        assert function.failures == []
        assert not function._parked


@pytest.mark.parametrize("messages", [500, pytest.param(20_000, marks=pytest.mark.deep)])
def test_nothing_is_lost_where_calls_crash(messages: int) -> None:
    with watchdog(), SystemClock(speed=1_000) as clock:
        tally = Tally(messages)
        queue = Queue("orders", clock=clock, visibility_timeout=60)
        faults = Faults(seed=3, crash_rate=0.3)
        with Function(tally.handle, name="tally", clock=clock, concurrency=4, faults=faults) as function:
            function.add_event_source(queue)
            send_from_threads([queue], messages)
            while len(queue):
                threading.Event().wait(0.001)

        assert len(tally.counts) == messages
        assert function.stats().failed > 0


@sizes
def test_sources_come_and_go_and_nothing_is_lost(messages: int) -> None:
    with watchdog(), SystemClock() as clock:
        tally = Tally(messages)
        queue = Queue("orders", clock=clock, visibility_timeout=43_200)
        function = Function(tally.handle, name="tally", clock=clock, concurrency=2)
        another = Function(tally.handle, name="another", clock=clock, concurrency=2)

        def come_and_go() -> None:
            while not tally.all_there.is_set():
                another.add_event_source(queue).close()

        commuter = threading.Thread(target=come_and_go, daemon=True)
        commuter.start()
        function.add_event_source(queue)
        send_from_threads([queue], messages)
        tally.all_there.wait()
        commuter.join()

        assert set(tally.counts.values()) == {1}
        assert len(function.event_sources) == 1


def invoke_from_threads(function: Function, events: int, senders: int = 8) -> None:
    def send(sender: int) -> None:
        for number in range(sender, events, senders):
            function.invoke(str(number))

    for thread in [Started(lambda sender=sender: send(sender)) for sender in range(senders)]:  # type: ignore[misc]
        thread.join(WATCHDOG_S)
        thread.result()


class Roll:
    """
    Counts what events a handler was called with, and how many calls there were at a time.
    """

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()
        self.most = 0
        self._running = 0
        self._lock = threading.Lock()

    def handle(self, event: int, context: Any) -> None:
        with self._lock:
            self._running += 1
            self.most = max(self.most, self._running)
        with self._lock:
            self._running -= 1
            self.counts[event] += 1


@sizes
@pytest.mark.parametrize("concurrency", [None, 4, 1])
def test_each_event_is_handled_exactly_once(messages: int, concurrency: int | None) -> None:
    with watchdog(), SystemClock() as clock:
        roll = Roll()
        with Function(roll.handle, name="roll", clock=clock, concurrency=concurrency) as function:  # type: ignore[arg-type]
            invoke_from_threads(function, messages)
            assert function.join(WATCHDOG_S)
            stats = function.stats()

        assert roll.counts == Counter(range(messages))
        assert concurrency is None or roll.most <= concurrency
        assert (stats.succeeded, stats.queued, stats.retrying, stats.dropped) == (messages, 0, 0, 0)
        assert not function._parked


@pytest.mark.parametrize("events", [300, pytest.param(10_000, marks=pytest.mark.deep)])
def test_an_event_whose_calls_crash_is_handled_or_is_a_dead_letter(events: int) -> None:
    with watchdog(), SystemClock(speed=2_000) as clock:
        roll, dead = Roll(), Queue("dead", clock=clock)
        faults = Faults(seed=3, crash_rate=0.4)
        function = Function(
            roll.handle,  # type: ignore[arg-type]
            name="roll",
            clock=clock,
            concurrency=4,
            faults=faults,
            dead_letter_queue=dead,
        )
        invoke_from_threads(function, events)
        while (stats := function.stats()).succeeded + stats.dead_lettered < events:
            threading.Event().wait(0.001)
        letters = [int(message.body) for message in dead.peek(events)]
        function.close()

        assert roll.counts.keys() | set(letters) == set(range(events))
        assert len(letters) == len(dead) == stats.dead_lettered > 0
        assert stats.failed > 0
        assert (stats.queued, stats.retrying, stats.dropped) == (0, 0, 0)


@pytest.mark.parametrize("crash_rate", [0, 0.3])
@pytest.mark.parametrize("records", [1_000, pytest.param(20_000, marks=pytest.mark.deep)])
def test_each_shard_is_handled_in_order_and_nothing_is_skipped(records: int, crash_rate: float) -> None:
    with watchdog(), SystemClock(speed=10_000) as clock:
        stream = Stream("orders", shard_count=4, clock=clock)
        handled: dict[str, list[str]] = {shard.shard_id: [] for shard in stream.shards}
        overlaps: list[str] = []
        busy: set[str] = set()

        def handle(event: dict[str, Any], context: Any) -> None:
            [shard] = {record["eventID"].partition(":")[0] for record in event["Records"]}
            if shard in busy:
                overlaps.append(shard)
            busy.add(shard)
            handled[shard] += [record["kinesis"]["sequenceNumber"] for record in event["Records"]]
            busy.discard(shard)

        function = Function(handle, name="pack", clock=clock, faults=Faults(seed=1, crash_rate=crash_rate))
        function.add_event_source(stream, starting_position="TRIM_HORIZON", batch_size=20)
        put: dict[str, set[str]] = {shard.shard_id: set() for shard in stream.shards}

        def send(sender: int) -> None:
            for number in range(sender, records, 4):
                done = stream.put_record(b"x", str(number))
                put[done.shard_id].add(done.sequence_number)

        for thread in [Started(lambda sender=sender: send(sender)) for sender in range(4)]:  # type: ignore[misc]
            thread.join(WATCHDOG_S)
            thread.result()
        while function.stats().messages < records:
            threading.Event().wait(0.001)
        function.close()
        assert function.join(WATCHDOG_S)

        assert overlaps == []
        for shard, numbers in handled.items():
            # A batch is handled again as a whole, so each record's first time is in order, and none is left out.
            firsts = list(dict.fromkeys(numbers))
            assert firsts == sorted(put[shard], key=int)
            if not crash_rate:
                assert numbers == firsts
