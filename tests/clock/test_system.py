"""
SystemClock: its time, its thread, its pool, and how it ends.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from postroom.clock import Clock, SystemClock, _pool, _system, default_clock
from postroom.clock._pool import Pool
from postroom.errors import Busy, InvalidInput, ResourceClosed
from tests.clock.box import Box
from tests.clock.helpers import PATIENCE_S, Started, run_loop, until

SECOND = 1_000_000


@pytest.fixture
def clock() -> Iterator[SystemClock]:
    with SystemClock() as clock:
        yield clock


@pytest.fixture
def hooked(monkeypatch: pytest.MonkeyPatch) -> list[BaseException | None]:
    """
    What reached `threading.excepthook`.
    """
    seen: list[BaseException | None] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: seen.append(args.exc_value))
    return seen


class Ticks:
    """
    A host's clock that a test sets.
    """

    def __init__(self) -> None:
        self.now_ns = 5_000_000_000

    def __call__(self) -> int:
        return self.now_ns


# Its time.


@pytest.mark.parametrize(
    ("speed", "passed"), [(1, 2_000_000), (3600, 7_200_000_000), (0.5, 1_000_000), (1.25, 2_500_000)]
)
def test_time_passes_at_its_speed(speed: float, passed: int) -> None:
    ticks = Ticks()
    clock = SystemClock(speed, host=ticks)
    begun = clock.now_us()

    ticks.now_ns += 2_000_000_000

    assert clock.now_us() - begun == passed


def test_time_never_goes_back() -> None:
    """
    Whatever the host's clock does: it stands still until the host has caught up.
    """
    ticks = Ticks()
    clock = SystemClock(host=ticks)
    begun, seen = clock.now_us(), []

    for now_ns in (6_000_000_000, 5_500_000_000, 0, -(10**18), 5_999_999_999, 6_000_000_999, 6_000_001_000, 7 * 10**9):
        ticks.now_ns = now_ns
        seen.append(clock.now_us() - begun)

    assert seen == [SECOND] * 6 + [SECOND + 1, 2 * SECOND]


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf"), True, "1", None])
def test_what_is_no_speed_is_refused(speed: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^speed="):
        SystemClock(speed)


@pytest.mark.parametrize("threads", [0, -1, 513, True, 1.5])
def test_what_is_no_number_of_threads_is_refused(threads: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^threads="):
        SystemClock(threads=threads)


def test_a_clock_tells_of_itself(clock: SystemClock) -> None:
    assert isinstance(clock, Clock)
    assert repr(SystemClock(speed=3600)).endswith(", speed 3600>")
    assert abs(clock.now() - clock.datetime().timestamp()) < 60
    assert clock.next_sequence() < clock.next_sequence()
    clock.close()
    assert repr(clock).endswith(", closed>")


# Its thread.


def test_no_thread_before_there_is_something_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Thread, "start", lambda self: pytest.fail("a thread was started"))
    clock = SystemClock()
    clock.now_us()
    Box(clock).put("tea")
    clock.close()

    assert clock.pending() == []


def test_callbacks_are_called_in_order_of_time() -> None:
    """
    One thread in the pool, so that the order in which they are handed to it shows.
    """
    with SystemClock(threads=1) as clock:
        seen: list[str] = []
        done = threading.Event()
        clock.call_at(clock.now_us() - 5, partial(seen.append, "past"))
        soon = clock.now_us() + SECOND // 2  # nothing is due while this thread still registers
        for delay_us, name in [(30_000, "last"), (10_000, "b"), (5_000, "a"), (10_000, "c")]:
            clock.call_at(soon + delay_us, partial(seen.append, name))
        clock.call_at(soon + 40_000, done.set)
        clock.call_at(soon + 7_000, lambda: seen.append("never")).cancel()

        assert done.wait(PATIENCE_S)
        assert seen == ["past", "a", "b", "c", "last"]


def test_a_callback_is_never_early(clock: SystemClock) -> None:
    seen: list[int] = []

    def note(when: int) -> None:
        seen.append(clock.now_us() - when)

    whens = [clock.now_us() + 1_000 * number for number in range(1, 30)]
    for when in whens:
        clock.call_at(when, partial(note, when))
    until(lambda: len(seen) == len(whens))

    assert min(seen) >= 0


def test_the_thread_leaves_when_idle_and_comes_back(clock: SystemClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_system, "_LINGER_S", 0.001)
    for _ in range(3):
        done = threading.Event()
        clock.call_soon(done.set)
        assert done.wait(PATIENCE_S)
        until(lambda: clock._ticker is None)

    done = threading.Event()
    clock.call_at(clock.now_us() + 1_000, done.set)
    assert done.wait(PATIENCE_S)


def test_a_thread_that_cannot_be_started_is_no_thread(clock: SystemClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The next call tries again.
    """

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    done = threading.Event()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError):
            clock.call_soon(done.set)
    clock.call_soon(lambda: None)

    assert done.wait(PATIENCE_S)


# Errors.


@pytest.mark.parametrize("how", ["call_at", "run", "when_ready", "alarm", "hand_over"])
def test_errors_go_to_the_logger_and_the_hook(
    clock: SystemClock, how: str, hooked: list[BaseException | None], caplog: pytest.LogCaptureFixture
) -> None:
    """
    And the clock goes on.
    """
    error = OSError("no paper")

    def fail() -> None:
        raise error

    if how == "call_at":
        clock.call_at(clock.now_us() + 1, fail)
    elif how == "run":
        clock.run(fail, "function print")
    elif how == "alarm":
        clock.alarm(clock.now_us(), fail, "box")
    elif how == "hand_over":
        clock.hand_over(error)
    else:
        box = Box(clock)
        box.when_ready(fail)
        box.put("tea")
    until(lambda: hooked)

    assert hooked == [error]
    [record] = caplog.records
    assert (record.name, record.levelname) == ("postroom", "ERROR")
    assert record.exc_info is not None
    assert record.exc_info[1] is error
    done = threading.Event()
    clock.call_soon(done.set)
    assert done.wait(PATIENCE_S)


@pytest.mark.parametrize("kind", [OSError, SystemExit, KeyboardInterrupt])
def test_a_hook_that_fails_ends_no_thread(
    kind: type[BaseException], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Neither the one that keeps the time nor one of the pool; it is on the logger.
    """

    def hook(args: object) -> None:
        raise kind("the hook")

    def fail() -> None:
        raise OSError("no paper")

    monkeypatch.setattr(threading, "excepthook", hook)
    with SystemClock(threads=1) as clock:
        clock.alarm(clock.now_us(), fail, "box")
        clock.call_soon(fail)
        done = threading.Event()
        clock.call_soon(done.set)
        assert done.wait(PATIENCE_S)
        until(lambda: len(caplog.records) == 4)
        done.clear()
        clock.alarm(clock.now_us(), done.set, "box")
        assert done.wait(PATIENCE_S)

    assert [record.levelname for record in caplog.records] == ["ERROR"] * 4


# Its pool.


def finished(clock: SystemClock, number: int) -> bool:
    """
    Whether so many jobs are done.
    """
    return clock._pool._finished == number


class Gated:
    """
    Jobs that block until they are let go, and what they show of the pool meanwhile.
    """

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.lock = threading.Lock()
        self.begun = 0
        self.ended = 0

    def __call__(self) -> None:
        with self.lock:
            self.begun += 1
        assert self.let_go.wait(PATIENCE_S)
        with self.lock:
            self.ended += 1


@pytest.fixture
def gated() -> Iterator[Gated]:
    gated = Gated()
    yield gated
    gated.let_go.set()


def test_the_pool_is_bounded(gated: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_system, "STUCK_S", 1_000.0)
    with SystemClock(threads=3) as clock:
        for _ in range(10):
            clock.run(gated)
        until(lambda: gated.begun == 3)
        assert clock._pool._alive == 3
        assert len(clock._pool.jobs) == 7
        gated.let_go.set()
        until(lambda: gated.ended == 10)

        assert clock._pool._alive == 3


def test_a_thread_of_the_pool_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    And leaves when it had nothing to do for a while.
    """
    monkeypatch.setattr(_pool, "_LINGER_S", 0.01)
    with SystemClock(threads=3) as clock:
        names: set[str] = set()
        for number in range(20):
            clock.run(lambda: names.add(threading.current_thread().name))
            until(partial(finished, clock, number + 1))
        until(lambda: clock._pool._alive == 0)
        assert clock._pool._idle == 0
        clock.run(lambda: names.add("again"))
        until(lambda: "again" in names)


def test_threads_that_wait_inside_postroom_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Handlers that wait for one another never use the pool up.
    """
    monkeypatch.setattr(_system, "STUCK_S", 1_000.0)
    with SystemClock(threads=2) as clock:
        boxes = [Box(clock) for _ in range(9)]
        seen: list[object] = []

        def pass_on(number: int) -> None:
            found = boxes[number].wait(3_600)
            if number:
                boxes[number - 1].put(found)
            else:
                seen.append(found)

        for number in range(8):
            clock.run(partial(pass_on, number))
        boxes[7].put("tea")
        until(lambda: seen)

        assert seen == ["tea"]
        assert clock._pool._waiting == 0


def test_a_pool_that_is_stuck_grows(gated: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Its threads wait for a job that waits for a thread, where the pool cannot see it.
    """
    monkeypatch.setattr(_system, "STUCK_S", 0.002)
    with SystemClock(threads=2, speed=10) as clock:
        for _ in range(5):
            clock.run(gated)
        clock.run(gated.let_go.set)
        until(lambda: gated.ended == 5)
        until(lambda: not clock._pool._watched)

        assert clock._pool._extra == 0


def test_a_pool_at_its_maximum_is_busy(gated: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The error tells what the threads do; patient work and timers wait in the backlog, and are done in the end.
    """
    monkeypatch.setattr(_system, "STUCK_S", 0.001)
    monkeypatch.setattr(_system, "POOL_THREADS_MAX", 4)
    with SystemClock(threads=2) as clock:
        for _ in range(5):
            clock.run(gated, "function slow")
        until(lambda: gated.begun == 4)
        with pytest.raises(Busy) as caught:
            clock.run(gated)
        seen: list[str] = []
        clock.run(lambda: seen.append("patient"), patient=True)
        clock.call_soon(lambda: seen.append("timer"))
        gated.let_go.set()
        until(lambda: gated.ended == 5 and len(seen) == 2)

        assert "All 4 threads of postroom clock" in caught.value.aws_message
        assert "are taken, and 1 jobs wait for one." in caught.value.aws_message
        assert caught.value.help.startswith("They run: function slow.")
        clock.run(gated)


def test_a_job_given_in_the_moment_a_thread_leaves_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Threads that linger for no time leave while jobs come in: none is left lying, and the idle are counted right.
    """
    monkeypatch.setattr(_pool, "_LINGER_S", 0.000_01)
    pool = Pool(2, 2, "test")
    for _ in range(300):
        done = threading.Event()
        pool.submit(done.set, "job")
        assert done.wait(PATIENCE_S)
    until(lambda: pool._alive == 0)

    assert pool._idle == 0
    assert not pool.jobs


def test_a_pool_without_threads_says_so(
    clock: SystemClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """
    The job waits for the next that can be started.
    """
    done = threading.Event()
    clock.call_at(clock.now_us() + 3_600 * SECOND, print).cancel()  # the clock's own thread runs
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if "worker" in thread.name:
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        clock.run(done.set)
    assert "no thread can be started" in caplog.text

    assert done.wait(PATIENCE_S)


# Waiting.


def test_all_forms_wait_for_real_time() -> None:
    """
    Never less than asked for.
    """
    with SystemClock(speed=1000) as clock:
        box, seen = Box(clock), []
        begun = clock.now_us()
        box.when_ready(lambda: seen.append(clock.now_us()), 20)

        assert Started(lambda: box.wait(20)).result() is None
        assert clock.now_us() - begun >= 20 * SECOND
        assert run_loop(box.await_(20)) is None
        assert clock.now_us() - begun >= 40 * SECOND
        run_loop(clock.aio.sleep(20))
        assert clock.now_us() - begun >= 60 * SECOND
        until(lambda: seen)
        assert seen[0] - begun >= 20 * SECOND
        assert not box.waiters


def test_all_forms_are_woken(clock: SystemClock) -> None:
    """
    By another thread, and by a deadline of the resource.
    """
    box, seen = Box(clock), []
    box.when_ready(lambda: seen.append(box.get()))
    thread = Started(lambda: box.wait(3_600))
    loop = Started(lambda: asyncio.run(box.await_(3_600)))
    until(lambda: len(box.waiters) == 3)
    for number in range(3):
        box.put(number, delay=0.002 * number)
    until(lambda: seen)
    found = [thread.result(), loop.result(), *seen]

    assert sorted(map(str, found)) == ["0", "1", "2"]
    assert box.early == []


# Ending.


def test_close_wakes_all_who_wait(clock: SystemClock) -> None:
    """
    With ResourceClosed; what comes later is refused with it as well.
    """
    box = Box(clock)
    waiters: list[Started[Any]] = [
        Started(lambda: box.wait(3_600)),
        Started(lambda: asyncio.run(box.await_(3_600))),
        Started(lambda: asyncio.run(clock.aio.sleep(3_600))),
    ]
    until(lambda: len(box.waiters) == 2 and len(list(clock._timeline)) == 2 and clock._gates)
    registration = box.when_ready(print, 3_600)
    box.put("later", delay=60)
    clock.close()
    for waiter in waiters:
        with pytest.raises(ResourceClosed, match="The clock was closed"):
            waiter.result()
    refused: list[Callable[[], object]] = [
        lambda: clock.call_soon(print),
        lambda: clock.call_at(0, print),
        lambda: clock.run(print),
        lambda: box.wait(1),
        lambda: run_loop(box.await_(1)),
        lambda: run_loop(clock.aio.sleep(1)),
        lambda: box.when_ready(print, 1),
    ]
    for call in refused:
        with pytest.raises(ResourceClosed):
            call()

    assert registration.cancel() in (True, False)
    assert len(box.waiters) == 0
    assert clock.now_us() > 0
    box.put("tea")
    assert box.wait(0) == "tea"
    clock.close()


def test_close_reports_no_job_that_is_about_to_return(
    clock: SystemClock, gated: Gated, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_system, "_LAST_STEPS_S", PATIENCE_S)
    caplog.set_level(logging.WARNING, "postroom")
    clock.run(gated, "function quick")
    until(lambda: gated.begun)

    closing = Started(clock.close)
    until(lambda: clock._pool._quiet._waiters)  # type: ignore[attr-defined]
    gated.let_go.set()
    closing.result()

    assert (gated.ended, caplog.records) == (1, [])


def test_a_job_may_close_the_clock_it_runs_on(clock: SystemClock) -> None:
    closed = threading.Event()

    def close() -> None:
        clock.close()
        closed.set()

    clock.run(close, "function last")

    assert closed.wait(PATIENCE_S)


def test_close_reports_what_was_due(clock: SystemClock, gated: Gated, caplog: pytest.LogCaptureFixture) -> None:
    """
    Timers, jobs that wait and jobs that run; no alarm of a waiter.
    """

    def send_the_bill() -> None: ...

    box = Box(clock)
    box.when_ready(print, 60)
    clock.call_at(clock.now_us() + 3_600 * SECOND, send_the_bill)
    clock.run(gated, "function slow")
    until(lambda: gated.begun)
    caplog.set_level(logging.WARNING, "postroom")
    clock.close()

    [record] = caplog.records
    assert record.getMessage().startswith("postroom: <SystemClock ")
    assert record.getMessage().endswith(
        "ends with work still due: test_close_reports_what_was_due.<locals>.send_the_bill, function slow"
    )


def test_close_shows_ten_and_counts_the_rest(clock: SystemClock, caplog: pytest.LogCaptureFixture) -> None:
    callbacks: list[Callable[[], object]] = [print, print, *(type(f"job{number}", (), {}) for number in range(12))]
    for callback in callbacks:
        clock.call_at(clock.now_us() + 3_600 * SECOND, callback)
    clock.close()

    assert "print (2 times), job0, job1" in caplog.text
    assert caplog.text.count("job") == 9
    assert caplog.text.strip().endswith("and 3 more")


def test_the_default_clock_is_used_again_after_a_close() -> None:
    """
    Its timers are gone; what comes later works, in all forms.
    """
    clock = default_clock()
    assert clock is default_clock()
    box, done = Box(clock), threading.Event()
    never = clock.call_at(clock.now_us() + SECOND, lambda: pytest.fail("it was dropped"))
    assert never.cancel()
    for _ in range(2):
        clock.close()
        done.clear()
        clock.call_at(clock.now_us() + 1, done.set)
        assert done.wait(PATIENCE_S)
        done.clear()
        clock.run(done.set)
        assert done.wait(PATIENCE_S)
        box.put("tea", delay=0.001)
        assert Started(lambda: box.wait(3_600)).result() == "tea"
        assert box.wait(0.001) is None
    clock.close()
