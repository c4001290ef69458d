"""
Forks, and the end of the interpreter: each in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[2]

PREAMBLE = """
import asyncio, faulthandler, os, signal, sys, threading, warnings
faulthandler.dump_traceback_later(15, exit=True)
warnings.simplefilter("ignore", DeprecationWarning)  # of forks in a process with threads: that is what is tried
from postroom.clock import ManualClock, SystemClock, default_clock
from tests.clock.box import Box
from tests.clock.helpers import Started, until

def in_child(work):
    child = os.fork()
    if not child:
        signal.alarm(10)  # faulthandler's own watchdog does not survive a fork
        try:
            work()
            os._exit(0)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


def run(program: str) -> str:
    """
    Runs it, with what all of them need in front; what it wrote to standard error.
    """
    path = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + dedent(program)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@needs_fork
def test_a_system_clock_goes_on_in_a_child() -> None:
    """
    Waiting, timers and jobs, those from before the fork too; the waiters of threads that were not copied are forgotten.
    """
    run("""
        clock = SystemClock(threads=2)
        box, ran = Box(clock), threading.Event()
        clock.call_soon(ran.set)
        assert ran.wait(10)
        waiter = Started(lambda: box.wait(3600))
        until(lambda: clock._gates)
        old, seen = threading.Event(), []
        clock.call_at(clock.now_us() + 200_000, old.set)
        box.when_ready(lambda: seen.append("ready"))

        def work():
            assert len(box.waiters) == 1
            for schedule in (clock.call_soon, clock.run, lambda done: clock.call_at(clock.now_us() + 1000, done)):
                done = threading.Event()
                schedule(done.set)
                assert done.wait(10)
            assert old.wait(10)
            box.put("tea", delay=0.001)
            until(lambda: seen)
            assert box.wait(10) == "tea"
            assert asyncio.run(box.await_(0.001)) is None

        in_child(work)
        in_child(work)
        box.put("for the parent")
        box.put("for the parent")
        assert waiter.result() == "for the parent"
        assert old.wait(10)
    """)


@needs_fork
def test_a_lock_held_by_another_thread_is_survived() -> None:
    """
    Threads hammer a box, and the clock, while the process forks again and again.
    """
    run("""
        clocks = [SystemClock(threads=2), ManualClock(), default_clock()]
        boxes = [Box(clock) for clock in clocks]
        stop = threading.Event()

        def hammer(box):
            while not stop.is_set():
                registration = box.when_ready(lambda: None, 0.0001)
                box.put("x")
                box.clock.call_soon(lambda: None)
                box.get()
                registration.cancel()

        hammers = [Started(lambda box=box: hammer(box)) for box in boxes]

        def work():
            for box in boxes:
                for _ in range(3):
                    box.put("mine")
                assert box.wait(10) is not None
                done = threading.Event()
                box.clock.call_soon(done.set)
                if isinstance(box.clock, ManualClock):
                    box.clock.advance(1)
                assert done.wait(10)

        for _ in range(15):
            in_child(work)
        stop.set()
        for thread in hammers:
            thread.result()
        for clock in clocks:
            clock.call_soon(lambda: None)
    """)


@needs_fork
def test_a_manual_clock_goes_on_in_a_child() -> None:
    """
    Whoever drove it was not copied; who forked is alone, and jumps at once.
    """
    run("""
        clock = ManualClock(0, grace=1000)
        box = Box(clock)
        inside, leave = threading.Event(), threading.Event()
        clock.call_soon(lambda: (inside.set(), leave.wait()))
        driver = Started(clock.settle)
        assert inside.wait(10)

        def work():
            assert box.wait(20) is None
            clock.advance(1)
            assert clock.now() == 21

        in_child(work)
        leave.set()
        driver.result()

        # One that forks in a callback goes on driving.
        clock.call_soon(lambda: in_child(lambda: (box.wait(20), clock.advance(1))))
        clock.call_soon(lambda: None)
        clock.settle()
        assert clock.now() == 0
    """)


def test_what_is_due_at_the_end_is_reported() -> None:
    """
    On the logger, which shows warnings on standard error unless told otherwise.
    """
    told = run("""
        def send_the_bill(): ...
        clock = SystemClock()
        clock.call_at(clock.now_us() + 3_600_000_000, send_the_bill)
        default_clock().run(lambda: threading.Event().wait(), "function slow")
        until(lambda: default_clock()._pool.running)
        done = SystemClock()
        done.call_at(done.now_us() + 3_600_000_000, print)
        done.close()
        print("-- the end", file=sys.stderr)
    """)

    early, late = told.split("-- the end\n")
    assert early.count("ends with work still due: print") == 1
    assert sorted(line.rpartition(": ")[2] for line in late.splitlines()) == ["function slow", "send_the_bill"]


def test_a_process_with_nothing_due_ends_silently() -> None:
    told = run("""
        clock = SystemClock()
        box, ran = Box(clock), threading.Event()
        clock.call_soon(ran.set)
        assert ran.wait(10)
        box.when_ready(print, 3600)
        clock.call_at(clock.now_us() + 3_600_000_000, print).cancel()
        until(lambda: not clock._pool.running)
        ManualClock().call_soon(print)
    """)

    assert told == ""
