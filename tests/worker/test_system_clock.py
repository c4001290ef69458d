"""
Functions in real time: handlers run on the clock's pool, side by side as far as they may; errors are reported.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from postroom import Function, Queue, SystemClock
from tests.clock.helpers import PATIENCE_S, until
from tests.worker.desk import Broken, bodies


class Shop:
    """
    A queue and a function in real time; handlers may be held at a gate.
    """

    def __init__(
        self, work: Callable[[str], object], *, speed: float = 1, visibility: float = 600, **settings: Any
    ) -> None:
        self.clock = SystemClock(speed=speed)
        self.queue = Queue("orders", clock=self.clock, visibility_timeout=visibility)
        self.seen: list[str] = []
        self.threads: set[threading.Thread] = set()

        def handle(event: Any, context: Any) -> None:
            self.threads.add(threading.current_thread())
            for body in bodies(event):
                self.seen.append(body)
                work(body)

        self.function = Function(handler=handle, name="brew", clock=self.clock, **settings)
        self.function.add_event_source(self.queue, batch_size=1)

    def quiet(self) -> bool:
        return self.function.stats().running == 0


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> list[BaseException | None]:
    errors: list[BaseException | None] = []
    monkeypatch.setattr(threading, "excepthook", lambda hook: errors.append(hook.exc_value))
    return errors


def test_handlers_run_on_the_pool_and_no_sender_waits_for_them() -> None:
    gate = threading.Event()
    shop = Shop(lambda body: gate.wait(PATIENCE_S))
    shop.queue.send_message("a")
    until(lambda: shop.seen)

    assert threading.current_thread() not in shop.threads
    assert all(thread.daemon for thread in shop.threads)
    assert shop.function.stats().running == 1
    gate.set()
    until(lambda: len(shop.queue) == 0)
    shop.clock.close()


def test_calls_run_side_by_side_as_far_as_they_may() -> None:
    meeting = threading.Barrier(3)
    shop = Shop(lambda body: meeting.wait(PATIENCE_S), concurrency=3)
    for body in "abcdef":
        shop.queue.send_message(body)
    until(lambda: shop.function.stats().succeeded == 6)

    assert sorted(shop.seen) == list("abcdef")
    assert shop.function.failures == []
    shop.clock.close()


def test_no_more_calls_run_than_may_whatever_feeds_them() -> None:
    running, most, lock = [0], [0], threading.Lock()

    def work(body: str) -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        threading.Event().wait(0.0005)
        with lock:
            running[0] -= 1

    shop = Shop(work, concurrency=2)
    second = Queue("second", clock=shop.clock)
    shop.function.add_event_source(second, batch_size=1)
    for number in range(40):
        (shop.queue, second)[number % 2].send_message(str(number))
    until(lambda: shop.function.stats().succeeded == 40)

    assert most[0] == 2
    assert sorted(map(int, shop.seen)) == list(range(40))
    shop.clock.close()


def test_a_failed_message_comes_back_after_its_timeout(reported: list[BaseException | None]) -> None:
    def work(body: str) -> None:
        if len(shop.seen) == 1:
            raise Broken(body)

    shop = Shop(work, speed=1_000, visibility=5)
    shop.queue.send_message("a")
    until(lambda: shop.function.stats().succeeded)

    assert shop.seen == ["a", "a"]
    assert shop.function.failures[0].event["Records"][0]["attributes"]["ApproximateReceiveCount"] == "1"
    assert reported == []
    shop.clock.close()


def test_with_on_error_raise_errors_go_to_the_logger_and_the_excepthook(
    reported: list[BaseException | None], caplog: pytest.LogCaptureFixture
) -> None:
    def work(body: str) -> None:
        raise Broken(body)

    with caplog.at_level(logging.ERROR, "postroom"):
        shop = Shop(work, on_error="raise")
        shop.queue.send_message("a")
        until(lambda: reported and shop.quiet())

    assert [str(error) for error in reported] == ["a"]
    assert [record.name for record in caplog.records] == ["postroom"]
    assert caplog.records[0].exc_info is not None
    assert len(shop.function.failures) == 1
    shop.clock.close()


@pytest.mark.parametrize("interrupt", [SystemExit, KeyboardInterrupt])
def test_what_is_no_exception_is_reported_and_the_function_goes_on(
    interrupt: type[BaseException], reported: list[BaseException | None]
) -> None:
    def work(body: str) -> None:
        if body == "stop":
            raise interrupt

    shop = Shop(work, concurrency=1)
    shop.queue.send_message("stop")
    shop.queue.send_message("next")
    until(lambda: shop.seen == ["stop", "next"] and shop.quiet() and reported)

    assert [type(error) for error in reported] == [interrupt]
    assert shop.queue.stats().in_flight == 1
    shop.clock.close()


@pytest.mark.parametrize("part", ["function", "mapping", "queue", "clock"])
@pytest.mark.parametrize("concurrency", [1, 2])
def test_closing_while_handlers_run_lets_them_end_in_peace(
    part: str, concurrency: int, reported: list[BaseException | None]
) -> None:
    gate = threading.Event()
    shop = Shop(lambda body: gate.wait(PATIENCE_S), concurrency=concurrency)
    [mapping] = shop.function.event_sources
    for body in "abcd":
        shop.queue.send_message(body)
    until(lambda: len(shop.seen) == concurrency)
    closing: Any = {"mapping": mapping, "clock": shop.clock}.get(part) or getattr(shop, part)
    closing.close()
    gate.set()
    until(shop.quiet)

    assert len(shop.seen) == concurrency or part == "clock"
    assert shop.function.stats().succeeded == len(shop.seen)
    assert reported == []
    if part in {"function", "mapping"}:
        until(lambda: len(shop.queue) == 4 - concurrency)
    shop.clock.close()
