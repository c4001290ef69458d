"""
Long polls end as they should while freezegun or time-machine freezes the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from postroom.clock import ManualClock, SystemClock
from tests.clock.box import Box
from tests.clock.helpers import Started, run_loop

freezegun = pytest.importorskip("freezegun")
time_machine = pytest.importorskip("time_machine")

Freeze = Callable[[], AbstractContextManager[Any]]


@pytest.fixture(params=["freezegun", "time_machine"])
def freeze(request: pytest.FixtureRequest) -> Freeze:
    if request.param == "freezegun":
        return lambda: freezegun.freeze_time("2020-02-29")
    return lambda: time_machine.travel("2020-02-29T00:00:00Z", tick=False)


@pytest.mark.parametrize(("delay", "expected"), [(None, (None, 20)), (5, ("tea", 5))])
@pytest.mark.parametrize("made", ["before", "while frozen"])
def test_a_thread_on_a_manual_clock(freeze: Freeze, delay: int | None, expected: Any, made: str) -> None:
    clock = ManualClock(0)
    with freeze():
        if made != "before":
            clock = ManualClock(0)
        box = Box(clock)
        if delay:
            box.put("tea", delay=delay)

        assert (box.wait(20), clock.now()) == expected


def test_several_threads_on_a_manual_clock(freeze: Freeze) -> None:
    """
    The grace period is real time.
    """
    clock = ManualClock(0)
    box = Box(clock)
    with freeze():
        waiters = [Started(lambda: box.wait(20)) for _ in range(2)]

        assert [waiter.result() for waiter in waiters] == [None, None]
    assert clock.now() == 20


@pytest.mark.parametrize(("delay", "expected"), [(None, (None, 20)), (5, ("tea", 5))])
@pytest.mark.parametrize("busy", [False, True])
def test_a_coroutine_on_a_manual_clock(freeze: Freeze, delay: int | None, expected: Any, busy: bool) -> None:
    """
    Also when a thread has used the clock, so that the jump needs the grace period.
    """
    clock = Started(lambda: ManualClock(0)).result() if busy else ManualClock(0)
    box = Box(clock)

    async def main() -> object | None:
        if delay:
            box.put("tea", delay=delay)
        if busy:
            release = asyncio.Event()
            Started(clock.now_us).result()
            found = await box.await_(20)
            release.set()
            return found
        return await box.await_(20)

    with freeze():
        assert (run_loop(main()), clock.now()) == expected


@pytest.mark.parametrize(("delay", "expected"), [(None, None), (5, "tea")])
def test_a_thread_on_a_system_clock(freeze: Freeze, delay: int | None, expected: Any) -> None:
    """
    Its time goes on: it is built on a clock that cannot be frozen.
    """
    with freeze(), SystemClock(speed=1000) as clock:
        box = Box(clock)
        begun = clock.now_us()
        if delay:
            box.put("tea", delay=delay)

        assert Started(lambda: box.wait(20)).result() == expected
        assert clock.now_us() - begun >= (delay or 20) * 1_000_000


def test_a_system_clock_keeps_its_date(freeze: Freeze) -> None:
    """
    One made in a frozen process shows the date at which postroom was imported, and on.
    """
    with SystemClock() as before, freeze(), SystemClock() as frozen:
        assert abs(frozen.now_us() - before.now_us()) < 60_000_000
