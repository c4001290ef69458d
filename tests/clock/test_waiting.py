"""
The three forms of waiting, on a ManualClock: what wakes a waiter, what it finds, and that nothing gets lost.
"""

from __future__ import annotations

import asyncio
import dis
import gc
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from postroom.clock import ManualClock, Registration, _driving, _waiting
from postroom.errors import ResourceClosed
from tests.clock.box import Box
from tests.clock.helpers import Started, run_loop, until


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(start=0)


@pytest.fixture
def box(clock: ManualClock) -> Box:
    return Box(clock)


# One thread.


def test_a_wait_ends_empty_at_its_end(clock: ManualClock, box: Box) -> None:
    """
    No real time passes: the only thread that uses the clock jumps at once.
    """
    assert box.wait(20) is None

    assert clock.now() == 20
    assert not box.waiters


def test_what_is_there_is_found_at_once(clock: ManualClock, box: Box) -> None:
    box.put("tea")

    assert box.wait(20) == "tea"
    assert clock.now() == 0
    assert box.wait(0) is None


@pytest.mark.parametrize(("delay", "found", "reached"), [(19.999_999, "tea", 19.999_999), (20, "tea", 20)])
def test_a_deadline_of_the_resource_wakes(
    clock: ManualClock, box: Box, delay: float, found: str, reached: float
) -> None:
    """
    What is ready at the wait's very end is still found.
    """
    box.put("tea", delay=delay)

    assert box.wait(20) == found
    assert clock.now() == reached


def test_what_is_ready_after_the_end_is_not_found(clock: ManualClock, box: Box) -> None:
    box.put("tea", delay=20.000_001)

    assert box.wait(20) is None
    assert clock.now() == 20


def test_a_callback_can_send_what_is_waited_for(clock: ManualClock, box: Box) -> None:
    clock.call_at(5_000_000, lambda: box.put("tea"))

    assert box.wait(20) == "tea"
    assert clock.now() == 5


def test_a_wait_in_a_callback_jumps(clock: ManualClock, box: Box) -> None:
    """
    Slow work of a handler; the step around it ends where it was to end.
    """
    seen: list[Any] = []
    box.put("tea", delay=3)
    clock.call_at(1_000_000, lambda: seen.extend([box.wait(20), clock.now()]))
    clock.advance(10)

    assert seen == ["tea", 3]
    assert clock.now() == 10


def test_a_waiter_is_told_of_errors_of_callbacks(clock: ManualClock, box: Box) -> None:
    def fail() -> None:
        raise OSError("no paper")

    clock.call_at(1_000_000, fail)
    with pytest.raises(OSError, match="no paper"):
        box.wait(20)

    assert not box.waiters
    assert clock.now() == 1
    assert len(list(clock._timeline)) == 0


def test_no_thread_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    On a ManualClock everything works where no thread can be started: in a browser.
    """
    monkeypatch.setattr(threading.Thread, "start", lambda self: pytest.fail("a thread was started"))
    clock, seen = ManualClock(0), []
    box = Box(clock)
    clock.run(lambda: seen.append("run"))
    box.when_ready(lambda: seen.append("ready"))
    clock.call_at(1_000_000, lambda: box.put("tea"))

    async def main() -> None:
        assert await box.await_(20) == "tea"
        await clock.aio.advance(1)

    asyncio.run(main())
    box.wait(20)
    clock.advance(1)

    assert seen == ["run", "ready"]
    assert clock.now() == 23


# Several threads.


def test_another_thread_sends(clock: ManualClock, box: Box) -> None:
    """
    Held, time stands still, so the item has to come from the other thread.
    """
    with clock.hold():
        waiter = Started(lambda: box.wait(20))
        until(lambda: box.waiters)
        box.put("tea")
        assert waiter.result() == "tea"

    assert clock.now() == 0


def test_without_autojump_a_waiter_stays_until_time_is_moved() -> None:
    clock = ManualClock(0, autojump=False)
    box = Box(clock)
    waiter = Started(lambda: (box.wait(20), clock.now()))
    until(lambda: len(list(clock._timeline)) == 1)  # its end
    clock.advance(19.999_999)
    until(lambda: len(box.waiters) == 1)
    assert waiter.is_alive()
    clock.advance(0.000_001)

    assert waiter.result() == (None, 20)


@pytest.mark.parametrize("where", ["before it looks", "before it blocks"])
@pytest.mark.parametrize("delay", [None, 10])
def test_time_may_move_while_a_waiter_gets_ready(where: str, delay: int | None) -> None:
    """
    Another thread advances past the item's instant and the wait's end between two steps of the waiter.

    It finds what became ready during its wait, and does not block on alarms that nobody comes to run.
    """
    clock = ManualClock(0, autojump=False)
    box = Box(clock)
    if delay:
        box.put("tea", delay=delay)
    looks = 0

    def attempt() -> object | None:
        nonlocal looks
        looks += 1
        if looks > 1:
            return box.get()
        if where == "before it looks":
            return move_after(box.get)
        found = box.get()
        return found or move_after(lambda: None)

    def move_after(look: Callable[[], object | None]) -> object | None:
        found = look()
        Started(lambda: clock.advance(30)).result()
        return found

    waiter = Started(lambda: box.waiters.wait(attempt, 20_000_000))

    assert waiter.result() == ("tea" if delay else None)
    assert looks == 2


@pytest.mark.parametrize("delay", [None, 10])
def test_time_may_move_while_a_coroutine_gets_ready(delay: int | None) -> None:
    clock = ManualClock(0, autojump=False)
    box = Box(clock)
    if delay:
        box.put("tea", delay=delay)
    get = box.get

    def get_then_move() -> object | None:
        found = get()
        box.get = get  # type: ignore[method-assign]
        Started(lambda: clock.advance(30)).result()
        return found

    box.get = get_then_move  # type: ignore[method-assign]

    assert run_loop(box.await_(20)) == ("tea" if delay else None)


def test_hold_keeps_time_from_jumping(clock: ManualClock, box: Box) -> None:
    """
    Also of a waiter that is in its grace period already when the block begins, and only as long as it lasts.
    """
    clock = ManualClock(0, grace=0.05)
    box = Box(clock)
    waiter = Started(lambda: box.wait(20))
    until(lambda: len(list(clock._timeline)) == 1)  # it is blocked, and its grace period runs
    with clock.hold():
        threading.Event().wait(0.12)  # more than two such periods
        assert clock.now_us() == 0
        assert waiter.is_alive()
        with clock.hold():
            pass
        assert clock.now_us() == 0
    assert waiter.result() is None
    assert clock.now() == 20


def test_threads_jump_after_a_grace_period(box: Box, clock: ManualClock) -> None:
    """
    Three wait, two items come; the third gets to its end.
    """
    waiters = [Started(lambda: box.wait(20)) for _ in range(3)]
    until(lambda: len(box.waiters) == 3)
    box.put(1)
    box.put(2)

    assert {waiter.result() for waiter in waiters} == {1, 2, None}
    assert clock.now() == 20


def test_a_thread_that_ended_counts_no_more(clock: ManualClock, box: Box) -> None:
    """
    The one left over is alone, and jumps at once.
    """
    Started(clock.now_us).result()
    assert clock._others

    assert clock._alone()
    assert not clock._others
    assert box.wait(20) is None


def test_the_maker_of_the_clock_may_end() -> None:
    clock = Started(ManualClock).result()

    assert clock._alone()
    assert Box(clock).wait(1) is None


def test_as_many_are_woken_as_there_are_items(clock: ManualClock, box: Box) -> None:
    """
    First come, first woken; the others keep waiting.
    """

    async def main() -> None:
        with clock.hold():
            tasks = [asyncio.create_task(box.await_(20)) for _ in range(3)]
            await asyncio.sleep(0)
            for number, task in enumerate(tasks):
                box.check()
                box.put(number)
                box.check()
                assert len(box.waiters._hinted) == 1
                assert await task == number
                assert [other.done() for other in tasks] == [True] * (number + 1) + [False] * (2 - number)

    run_loop(main())


# By callback.


def test_a_callback_is_called_once(clock: ManualClock, box: Box) -> None:
    seen: list[float] = []
    box.when_ready(lambda: seen.append(clock.now()))
    box.put("a", delay=3)
    box.check()
    clock.advance(10)
    box.put("b")
    clock.advance(10)

    assert seen == [3]
    assert not box.waiters


def test_a_callback_that_is_ready_at_once(box: Box) -> None:
    seen: list[int] = []
    box.put("a")
    box.when_ready(lambda: seen.append(1))

    assert seen == [1]


def test_a_callback_is_called_at_its_end(clock: ManualClock, box: Box) -> None:
    seen: list[float] = []
    box.when_ready(lambda: seen.append(clock.now()), 5)
    clock.advance(4.999_999)
    assert seen == []
    clock.advance(10)

    assert seen == [5]
    assert not box.waiters


@pytest.mark.parametrize("hinted", [False, True])
def test_a_cancelled_callback_is_not_called(clock: ManualClock, box: Box, hinted: bool) -> None:
    """
    And the hint it had goes to the next in line.
    """
    seen: list[str] = []

    def first() -> None:
        box.put("x")
        if hinted:
            assert registration.cancel()

    registration = box.when_ready(lambda: seen.append("cancelled"), 5)
    box.when_ready(lambda: seen.append("next"))
    if not hinted:
        assert registration.cancel()
    clock.call_soon(first)
    clock.advance(10)

    assert seen == ["next"]
    assert not registration.cancel()
    assert not box.waiters
    assert not list(clock._timeline)


def test_errors_of_callbacks_reach_whoever_advances(clock: ManualClock, box: Box) -> None:
    def fail() -> None:
        raise OSError("no paper")

    box.when_ready(fail)
    box.put("a")
    with pytest.raises(OSError, match="no paper"):
        clock.settle()

    assert not box.waiters


# Coroutines.


def test_coroutines_wait_without_real_time(clock: ManualClock, box: Box) -> None:
    async def main() -> list[object]:
        clock.call_at(5_000_000, lambda: box.put("tea"))
        return await asyncio.gather(*(box.await_(20) for _ in range(5)))

    assert sorted(map(str, run_loop(main()))) == ["None"] * 4 + ["tea"]
    assert not box.waiters


@pytest.mark.parametrize(("delay", "found"), [(20, "tea"), (20.000_001, None)])
def test_a_coroutine_finds_what_is_ready_at_its_end(clock: ManualClock, box: Box, delay: float, found: str) -> None:
    box.put("tea", delay=delay)

    assert run_loop(box.await_(20)) == found
    assert clock.now() == 20


def test_a_cancelled_coroutine_passes_its_hint_on(clock: ManualClock, box: Box) -> None:
    """
    Cancelled in the very moment in which it was woken, before it could look.
    """

    async def main() -> None:
        with clock.hold():
            first, second = (asyncio.create_task(box.await_(20)) for _ in range(2))
            await asyncio.sleep(0)
            assert len(box.waiters) == 2
            box.put("tea")
            box.check()
            first.cancel()
            assert await second == "tea"
            with pytest.raises(asyncio.CancelledError):
                await first
        assert not box.waiters

    run_loop(main())


def test_a_timeout_takes_the_waiter_off_the_line(box: Box, clock: ManualClock) -> None:
    async def main() -> None:
        with clock.hold():
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(box.await_(20), 0.001)
            assert not box.waiters
            box.put("tea")
            assert await asyncio.wait_for(box.await_(20), 20) == "tea"

    run_loop(main())


def test_a_closed_loop_is_passed_over(clock: ManualClock, box: Box) -> None:
    """
    Whoever comes after it in the line gets the hint.
    """
    loop = asyncio.new_event_loop()
    coroutine = box.await_(20)

    async def begin() -> asyncio.Task[object | None]:
        task = asyncio.ensure_future(coroutine)
        await asyncio.sleep(0)
        return task

    with clock.hold():
        task = loop.run_until_complete(begin())
        loop.close()
        seen: list[str] = []
        box.when_ready(lambda: seen.append("next"))
        assert len(box.waiters) == 2
        box.put("tea")
    assert seen == ["next"]
    box.check()
    assert not box.waiters
    task._log_destroy_pending = False  # type: ignore[attr-defined] # it is, and that is the point
    coroutine.close()  # ends it where no loop runs
    del task
    gc.collect()

    assert not clock.aio._watches.get(loop)._gates  # type: ignore[union-attr]


def test_one_box_serves_all_forms(clock: ManualClock, box: Box) -> None:
    seen: list[Any] = []

    async def main() -> object | None:
        return await box.await_(20)

    with clock.hold():
        box.when_ready(lambda: seen.append(box.get()))
        thread = Started(lambda: box.wait(20))
        until(lambda: len(box.waiters) == 2)
        loop = Started(lambda: asyncio.run(main()))
        until(lambda: len(box.waiters) == 3)
        for number in range(3):
            box.put(number)
            box.check()
        seen += [thread.result(), loop.result()]

    assert sorted(seen) == [0, 1, 2]
    assert not box.waiters


def test_closing_wakes_all_forms(clock: ManualClock, box: Box) -> None:
    seen: list[bool] = []
    with clock.hold():
        box.when_ready(lambda: seen.append(box.closed))
        thread = Started(lambda: box.wait(20))
        loop = Started(lambda: asyncio.run(box.await_(20)))
        until(lambda: len(box.waiters) == 3)
        box.close()
        clock.settle()
        for waiter in (thread, loop):
            with pytest.raises(ResourceClosed):
                waiter.result()

    assert seen == [True]
    assert not box.waiters
    assert clock.now() == 0


# Ctrl-C.


# Where CPython looks whether a signal came: as a function begins, after a call into C, and as a loop turns. A trace of lines
# would strike where no signal can, between the last line of a `with` block and the release of its lock.
LOOKED_AT = {
    dis.opmap[name] for name in ("RESUME", "CALL", "CALL_FUNCTION_EX", "CALL_KW", "JUMP_BACKWARD") if name in dis.opmap
}


class Interruption:
    """
    Raises KeyboardInterrupt in the given files at the n-th place at which Ctrl-C could strike, once.
    """

    def __init__(self, number: int, *files: str) -> None:
        self.left = number
        self.files = files
        self.where = ""
        self._last: dict[FrameType, int] = {}

    def __call__(self, frame: FrameType, event: str, argument: object) -> Interruption | None:
        if event == "call" and frame.f_back is not None:
            self._last.pop(frame.f_back, None)  # a call of a Python function: its beginning is looked at, not its end
        if frame.f_code.co_filename not in self.files or self.left <= 0:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            last = self._last.get(frame)
            self._last[frame] = frame.f_code.co_code[frame.f_lasti]
            if last in LOOKED_AT:
                self.left -= 1
                if self.left == 0:
                    self.where = f"{frame.f_code.co_name}:{frame.f_lineno}"
                    self._last.clear()
                    raise KeyboardInterrupt
        return self


def interrupted(number: int, operation: Callable[[], object], *files: str) -> tuple[bool, str]:
    """
    Runs it with Ctrl-C at the n-th place; whether it came to that, and where.
    """
    interruption, before = Interruption(number, *files), sys.gettrace()
    sys.settrace(interruption)
    try:
        operation()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return interruption.left <= 0, interruption.where


FILES = {"waiting": _waiting.__file__, "driving": _driving.__file__}


def at_every_line(scenario: Callable[[int], bool]) -> int:
    """
    Plays the scenario with Ctrl-C at the first place, the second, and so on, until it gets to its end without.
    """
    assert not scenario(10**9)  # without; and Python 3.12 traces no opcode of a function's first call under a trace
    for number in range(1, 2_000):
        if not scenario(number):
            return number - 1
    raise AssertionError("the scenario has no end")


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("delay", [0, 5, 30])
def test_ctrl_c_in_a_waiting_thread_loses_no_wakeup(file: str, delay: int) -> None:
    """
    Wherever it strikes: the waiter is off the line, and the one behind it is woken for what there is.
    """

    def scenario(number: int) -> bool:
        clock, seen = ManualClock(0), []
        box = Box(clock)
        # One stands in line before it and one behind.
        box.when_ready(lambda: seen.append(box.get()))
        box.put("a", delay=delay)
        box.put("b", delay=delay)
        box.put("c", delay=delay)

        def wait() -> None:
            with clock.hold():
                box.when_ready(lambda: seen.append(box.get()))
            box.wait(20)

        struck, where = interrupted(number, wait, FILES[file])
        assert clock._driver is None, where
        clock.settle()
        box.check()
        clock.advance(40)
        box.check()
        # All that is left in line are callbacks, and only as there is nothing left for them.
        assert not box.left() or not box.waiters, where
        assert all(isinstance(waiter, Registration) for waiter in [*box.waiters._idle, *box.waiters._hinted]), where
        return struck

    assert at_every_line(scenario) > 5


@pytest.mark.parametrize("file", FILES)
def test_ctrl_c_in_a_driver_loses_no_callback_of_a_resource(file: str) -> None:
    """
    `advance` is interrupted while it wakes waiters: whoever is left is woken when time is next moved.
    """

    def scenario(number: int) -> bool:
        clock, seen = ManualClock(0), []
        box = Box(clock)
        for _ in range(3):
            box.when_ready(lambda: seen.append(box.get()), 60)
        for item in "abc":
            box.put(item, delay=5)
        struck, where = interrupted(number, lambda: clock.advance(10), FILES[file])
        assert clock._driver is None, where
        clock.advance(10)
        box.check()
        # A callback that was cut short before it began is called again; one that began is not.
        assert sorted(map(str, box.taken)) == ["a", "b", "c"], where
        assert not box.waiters, where
        return struck

    assert at_every_line(scenario) > 20


def test_ctrl_c_while_a_callback_is_cancelled_passes_its_hint_on() -> None:
    def scenario(number: int) -> bool:
        clock, seen = ManualClock(0), []
        box = Box(clock)
        registration = box.when_ready(lambda: seen.append("cancelled"))
        box.when_ready(lambda: seen.append("next"))
        struck, where = False, ""

        def first() -> None:
            nonlocal struck, where
            box.put("x")
            struck, where = interrupted(number, registration.cancel, FILES["waiting"])

        clock.call_soon(first)
        clock.settle()
        clock.settle()
        assert seen in (["next"], ["cancelled"]) if struck else seen == ["next"], where
        box.check()
        return struck

    assert at_every_line(scenario) > 5
