"""
Knowing when an event loop is at rest, on a ManualClock.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import socket
import sys
import threading
from typing import Any

import pytest

from postroom.clock import ManualClock, _aio
from postroom.errors import Busy, EndlessLoop, InvalidInput, ResourceClosed
from tests.clock.box import Box
from tests.clock.helpers import PATIENCE_S, Started, run_loop, until

NEVER = 1_000.0
"""A grace period that no test lives to see the end of: a jump that waits for it is none."""


def test_tasks_in_a_gather_and_in_a_group_jump_together() -> None:
    """
    Each ends at its own instant, in order, and without real time.
    """
    clock, seen = ManualClock(0, grace=NEVER), []
    box = Box(clock)

    async def one(seconds: int) -> None:
        assert await box.await_(seconds) is None
        seen.append((seconds, clock.now()))

    async def main() -> None:
        await asyncio.gather(*(one(seconds) for seconds in (3, 1, 2)))
        async with asyncio.TaskGroup() as group:
            for seconds in (3, 1, 2):
                group.create_task(one(seconds))

    run_loop(main())

    assert seen == [(1, 1), (2, 2), (3, 3), (1, 4), (2, 5), (3, 6)]


def test_work_between_tasks_is_finished_first() -> None:
    """
    Queues, events, locks, bare `sleep(0)`: as long as any task can run, time stands still.
    """
    clock, seen = ManualClock(0, grace=NEVER), []
    box = Box(clock)

    async def main() -> None:
        queue: asyncio.Queue[int] = asyncio.Queue(1)
        done, lock = asyncio.Event(), asyncio.Lock()

        async def produce() -> None:
            for number in range(50):
                await queue.put(number)
                async with lock:
                    await asyncio.sleep(0)
            done.set()

        async def consume() -> None:
            while not (done.is_set() and queue.empty()):
                seen.append((await queue.get(), clock.now()))
                for _ in range(5):
                    await asyncio.sleep(0)

        await asyncio.gather(box.await_(20), produce(), consume())

    run_loop(main())

    assert seen == [(number, 0) for number in range(50)]
    assert clock.now() == 20


def test_a_task_that_waits_for_another_is_at_rest() -> None:
    clock = ManualClock(0, grace=NEVER)
    box = Box(clock)

    async def main() -> object | None:
        found = asyncio.Event()
        taken: list[object] = []

        async def take() -> None:
            taken.append(await box.await_(20))
            found.set()

        task = asyncio.create_task(take())
        clock.call_at(5_000_000, lambda: box.put("tea"))
        await found.wait()
        await asyncio.wait_for(task, None)
        return taken[0]

    assert run_loop(main()) == "tea"
    assert clock.now() == 5


def test_time_jumps_on_after_an_advance() -> None:
    """
    Those who wait beyond the end of an `aio.advance` get on as if it had not been.
    """
    clock = ManualClock(0, grace=NEVER)
    box = Box(clock)

    async def main() -> None:
        task = asyncio.create_task(box.await_(20))
        await clock.aio.advance(1)
        assert clock.now() == 1
        await task

    run_loop(main())

    assert clock.now() == 20


def test_an_advance_lets_tasks_rest_at_each_instant() -> None:
    """
    A task that wakes on the way sees the instant for which it was woken, and may wait again.
    """
    clock, seen = ManualClock(0, autojump=False), []
    box = Box(clock)

    async def tick() -> None:
        while clock.now() < 5:
            await clock.aio.sleep(1)
            await asyncio.sleep(0)
            seen.append(clock.now())

    async def main() -> None:
        task = asyncio.create_task(tick())
        await clock.aio.advance(2.5)
        assert seen == [1, 2]
        await clock.aio.advance_to(4)
        assert seen == [1, 2, 3, 4]
        assert await clock.aio.advance_to_next() == 5
        assert task.done()
        assert await clock.aio.advance_to_next() is None
        clock.call_soon(lambda: box.put("tea"))
        reader = asyncio.create_task(box.await_(20))
        await clock.aio.settle()
        assert reader.result() == "tea"

    run_loop(main())

    assert seen == [1, 2, 3, 4, 5]
    assert clock.now() == 5


def test_advances_in_several_tasks_go_together() -> None:
    clock, seen = ManualClock(0, autojump=False), []

    async def move(name: str, seconds: float) -> None:
        await clock.aio.advance(seconds)
        seen.append(name)

    async def nested() -> None:
        await clock.aio.sleep(2)
        await clock.aio.advance(1)
        seen.append("nested")

    async def main() -> None:
        await asyncio.gather(move("long", 10), move("short", 1), nested())

    run_loop(main())

    assert sorted(seen) == ["long", "nested", "short"]
    assert clock.now() == 10


@pytest.mark.parametrize("call", ["advance", "advance_to"])
def test_an_awaited_advance_refuses_to_go_back(call: str) -> None:
    clock = ManualClock(0)
    clock.advance(1)

    with pytest.raises(InvalidInput, match="time cannot go back"):
        run_loop(getattr(clock.aio, call)(-1))


def test_sleeping_takes_no_real_time() -> None:
    clock = ManualClock(0, grace=NEVER)

    async def main() -> None:
        await clock.aio.sleep(0)
        await clock.aio.sleep(-1)
        assert clock.now() == 0
        await clock.aio.sleep(86_400)

    run_loop(main())

    assert clock.now() == 86_400
    assert not list(clock._timeline)


# What comes from outside.


@pytest.mark.parametrize("how", ["to_thread", "executor", "gathered", "shared"])
def test_no_jump_while_a_thread_works(how: str) -> None:
    """
    The thread ends when the loop is quiet, and what it brings comes first. The default executor, and one's own.
    """
    clock = ManualClock(0, grace=NEVER)
    seen: list[object] = []
    box = Box(clock)
    quiet, looks = threading.Event(), 0
    calm = _aio._RestWatch._calm

    def watched(self: Any, *, outside: bool) -> bool:
        nonlocal looks
        looks += outside
        if looks > 3:
            quiet.set()
        return calm(self, outside=outside)

    def work() -> str:
        assert quiet.wait(PATIENCE_S), "the loop was never seen at rest with a thread at work"
        return "done"

    async def main() -> None:
        with concurrent.futures.ThreadPoolExecutor(1) as own:
            loop = asyncio.get_running_loop()
            waiter = asyncio.create_task(box.await_(20))
            if how == "to_thread":
                seen.append(await asyncio.to_thread(work))
            elif how == "executor":
                seen.append(await loop.run_in_executor(own, work))
            elif how == "gathered":
                seen.extend(await asyncio.gather(loop.run_in_executor(own, work)))
            else:
                own.submit(lambda: None).result()
                seen.append(await asyncio.wait_for(asyncio.wrap_future(own.submit(work)), None))
            seen.append(clock.now())
            await waiter

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_aio._RestWatch, "_calm", watched)
        run_loop(main())

    assert seen == ["done", 0]
    assert clock.now() == 20


def test_the_grace_period_bounds_the_wait_for_a_thread() -> None:
    """
    One that never ends of itself does not stop time for good.
    """
    clock = ManualClock(0, grace=0.001)
    box = Box(clock)
    release = threading.Event()

    async def main() -> None:
        work = asyncio.create_task(asyncio.to_thread(release.wait, PATIENCE_S))
        await box.await_(20)
        release.set()
        assert await work

    run_loop(main())

    assert clock.now() == 20


def test_what_a_socket_brings_comes_before_a_jump() -> None:
    """
    An open connection makes the jump wait for the grace period, which each message begins anew.
    """
    clock, seen = ManualClock(0, grace=NEVER), []
    box = Box(clock)

    async def main() -> None:
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours)
        waiter = asyncio.create_task(box.await_(20))

        def send() -> None:
            for _ in range(3):
                theirs.sendall(b"tea\n")

        sender = Started(send)
        seen.extend([(await reader.readline(), clock.now()) for _ in range(3)])
        writer.close()
        await writer.wait_closed()
        theirs.close()
        sender.result()
        await waiter

    run_loop(main())

    assert seen == [(b"tea\n", 0)] * 3
    assert clock.now() == 20


def test_a_timer_of_the_loop_comes_before_a_jump() -> None:
    clock, seen = ManualClock(0, grace=NEVER), []
    box = Box(clock)

    async def main() -> None:
        waiter = asyncio.create_task(box.await_(20))
        asyncio.get_running_loop().call_later(0.005, lambda: seen.append(clock.now()))
        await waiter

    run_loop(main())

    assert seen == [0]
    assert clock.now() == 20


def test_a_wait_for_with_a_timeout_jumps_after_the_grace_period() -> None:
    """
    The timeout is real time, and real time does not pass in the jump.
    """
    clock = ManualClock(0, grace=0.001)
    box = Box(clock)

    assert run_loop(asyncio.wait_for(box.await_(20), PATIENCE_S)) is None
    assert clock.now() == 20


# Several clocks, several loops.


def test_two_clocks_in_one_loop_do_not_mind_each_other() -> None:
    one, other = ManualClock(0, grace=NEVER), ManualClock(0, grace=NEVER)
    box, crate = Box(one), Box(other)

    async def main() -> None:
        async def pass_on() -> None:
            crate.put(await box.await_(20))

        one.call_at(5_000_000, lambda: box.put("tea"))
        found, _ = await asyncio.gather(crate.await_(1_000), pass_on())
        # Nobody knows that the one's tea brings the other's: each clock is its own world, and may jump first.
        assert found in ("tea", None)

    run_loop(main())

    assert one.now() == 5
    assert other.now() in (0, 1_000)


def test_two_loops_share_a_clock() -> None:
    """
    Each has to be at rest, for the grace period.
    """
    clock = ManualClock(0)
    box, back = Box(clock, "there"), Box(clock, "back")

    async def serve() -> None:
        while (found := await box.await_(3_600)) is not None:
            back.put(found)
            if found == 9:
                return

    async def call() -> list[object]:
        answers = []
        for number in range(10):
            box.put(number)
            answers.append(await back.await_(3_600))
        return answers

    server, caller = Started(lambda: asyncio.run(serve())), Started(lambda: asyncio.run(call()))
    assert caller.result() == list(range(10))
    server.result()

    assert clock.now() == 0


def test_hold_in_another_thread_stops_a_loop() -> None:
    clock = ManualClock(0, grace=0)
    box = Box(clock)
    with clock.hold():
        waiter = Started(lambda: asyncio.run(box.await_(20)))
        until(lambda: clock._held)
        assert clock.now_us() == 0
    waiter.result()

    assert clock.now() == 20


def test_hold_survives_a_loop_that_was_closed_meanwhile() -> None:
    clock = ManualClock(0)
    box = Box(clock)

    async def main() -> None:
        loop, held = asyncio.get_running_loop(), asyncio.Event()
        task = asyncio.create_task(box.await_(20))

        def watch() -> None:
            until(lambda: clock._held)
            loop.call_soon_threadsafe(held.set)

        watcher = Started(watch)
        await held.wait()
        watcher.result()
        task.cancel()

    with clock.hold():
        run_loop(main())
        assert clock._held

    assert box.wait(1) is None


class StrangeLoop(asyncio.SelectorEventLoop):
    """
    Another loop, or a later Python: without the attributes that are looked at.
    """

    @property
    def _default_executor(self) -> Any:
        if sys._getframe(1).f_code.co_filename == _aio.__file__:
            raise AttributeError("no such thing here")
        return None

    @_default_executor.setter
    def _default_executor(self, value: Any) -> None: ...


@pytest.mark.parametrize("grace", [0.001, NEVER])
def test_without_the_private_attributes_the_grace_period_decides(grace: float) -> None:
    """
    Work between tasks still comes first, since a pass of the loop is a pass of all that is in line.
    """
    clock, seen = ManualClock(0, grace=grace), []
    box = Box(clock)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert _aio._state_of(loop) == (False, True)
        waiter = asyncio.create_task(box.await_(20))
        if grace == NEVER:
            await asyncio.sleep(0.005)
            assert not waiter.done()
            box.put("tea")
        seen.append(await waiter)

    def run() -> None:
        with asyncio.Runner(loop_factory=StrangeLoop) as runner:
            runner.run(main())

    Started(run).result()

    assert seen == ([None] if grace < NEVER else ["tea"])


def test_this_pythons_loop_has_the_private_attributes() -> None:
    """
    In plain sight when a new Python takes them away.
    """

    async def main() -> tuple[bool, bool]:
        return _aio._state_of(asyncio.get_running_loop())

    assert run_loop(main()) == (False, False)


# Errors.


@pytest.mark.parametrize("kind", [OSError, ResourceClosed, GeneratorExit])
def test_errors_of_callbacks_reach_a_task_that_waits(kind: type[BaseException]) -> None:
    """
    Whatever they are, time goes on afterwards.
    """
    clock = ManualClock(0, grace=NEVER)
    box = Box(clock)

    def fail() -> None:
        raise kind("no paper")

    async def main() -> None:
        clock.call_at(1_000_000, fail)
        with pytest.raises(kind):
            await box.await_(20)
        assert clock.now() == 1
        assert not box.waiters
        await box.await_(20)
        clock.call_at(clock.now_us() + 1_000_000, fail)
        with pytest.raises(kind):
            await clock.aio.sleep(5)
        await clock.aio.sleep(1)

    run_loop(main())

    assert clock.now() == 23


def test_errors_of_callbacks_reach_an_awaited_advance() -> None:
    clock = ManualClock(0)

    def fail() -> None:
        raise OSError("no paper")

    async def main() -> None:
        clock.call_at(1_000_000, fail)
        clock.call_at(2_000_000, fail)
        with pytest.raises(ExceptionGroup, match="2 callbacks failed"):
            await clock.aio.advance(5)

    run_loop(main())

    assert clock.now() == 5


def test_an_awaited_advance_is_busy_when_another_thread_drives() -> None:
    clock = ManualClock(0)
    inside, leave = threading.Event(), threading.Event()

    def hold_up() -> None:
        inside.set()
        assert leave.wait(PATIENCE_S)

    clock.call_soon(hold_up)
    driver = Started(clock.settle)
    assert inside.wait(PATIENCE_S)
    with pytest.raises(Busy):
        run_loop(clock.aio.advance(1))
    leave.set()
    driver.result()

    run_loop(clock.aio.advance(1))
    assert clock.now() == 1


def test_a_task_that_gets_nowhere_is_named() -> None:
    """
    Not the one that has waited all the time: the one that comes back for nothing.
    """
    clock = ManualClock(0, grace=NEVER)
    patient, restless = Box(clock, "queue patient"), Box(clock, "queue restless")

    async def loop_forever() -> None:
        while True:
            await restless.await_(1)

    async def main() -> None:
        waiter = asyncio.create_task(patient.await_(86_400))
        with pytest.raises(EndlessLoop, match="10,000 jumps for queue restless"):
            await loop_forever()
        assert await waiter is None

    run_loop(main())

    assert clock.now() == 86_400


def test_ctrl_c_in_a_callback_ends_the_loop() -> None:
    """
    It passes straight through, and takes the waiters off the line.
    """
    clock = ManualClock(0, grace=NEVER)
    box = Box(clock)

    def interrupt() -> None:
        raise KeyboardInterrupt

    clock.call_at(1_000_000, interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_loop(box.await_(20))

    assert not box.waiters
    assert clock._driver is None
    assert box.wait(1) is None
