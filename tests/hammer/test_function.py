"""
Many threads send, a function's handlers run side by side: nothing is lost, nothing comes twice, nothing hangs.
"""

from __future__ import annotations

import faulthandler
import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest

from postroom import Faults, Function, Queue, SystemClock
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
