"""
ManualClock without anybody waiting: order, driving, errors, limits.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from postroom.clock import Clock, Due, ManualClock, to_us
from postroom.errors import Busy, EndlessLoop, InvalidInput, WouldBlock
from postroom.limits import IDLE_JUMPS_MAX
from tests.clock.box import Box
from tests.clock.helpers import Started, until

SECOND = 1_000_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(start=0)


def at(clock: ManualClock, seconds: float, callback: Callable[[], object]) -> None:
    clock.call_at(to_us(seconds), callback)


# Order.


def test_what_is_due_runs_by_time_then_by_registration(clock: ManualClock) -> None:
    """
    Each at its own instant, however far the step goes.
    """
    seen: list[tuple[str, int]] = []

    def note(name: str) -> None:
        seen.append((name, clock.now_us()))

    for seconds, name in [(2, "c"), (1, "a"), (2, "d"), (1, "b"), (0, "now")]:
        at(clock, seconds, partial(note, name))
    clock.advance(3)

    assert seen == [("now", 0), ("a", SECOND), ("b", SECOND), ("c", 2 * SECOND), ("d", 2 * SECOND)]
    assert clock.now_us() == 3 * SECOND


@pytest.mark.parametrize(("elapsed", "runs"), [(0.999_999, 0), (1, 1), (1.000_001, 1)])
def test_a_callback_runs_at_its_instant(clock: ManualClock, elapsed: float, runs: int) -> None:
    seen: list[None] = []
    at(clock, 1, partial(seen.append, None))

    clock.advance(elapsed)

    assert len(seen) == runs


def test_what_was_due_in_the_past_is_due_now(clock: ManualClock) -> None:
    seen: list[int] = []
    clock.advance(10)
    timer = clock.call_at(5 * SECOND, lambda: seen.append(clock.now_us()))
    assert seen == []
    assert timer.when_us == 10 * SECOND

    clock.settle()

    assert seen == [10 * SECOND]


def test_soon_is_after_what_is_due_already(clock: ManualClock) -> None:
    seen: list[str] = []
    at(clock, 0, partial(seen.append, "first"))
    clock.call_soon(partial(seen.append, "second"))
    clock.run(partial(seen.append, "third"))
    at(clock, 0, partial(seen.append, "fourth"))
    assert seen == []

    clock.settle()

    assert seen == ["first", "second", "third", "fourth"]
    assert clock.now_us() == 0


def test_what_a_callback_adds_runs_in_the_same_step(clock: ManualClock) -> None:
    """
    At the same instant, later on the way, and not beyond the step's end.
    """
    seen: list[float] = []

    def first() -> None:
        clock.call_soon(lambda: seen.append(clock.now()))
        for seconds in (1.5, 2, 2.000_001):
            at(clock, seconds, lambda: seen.append(clock.now()))

    at(clock, 1, first)
    clock.advance(2)

    assert seen == [1, 1.5, 2]


def test_advance_in_a_callback_is_slow_work(clock: ManualClock) -> None:
    """
    What falls due meanwhile runs then; the step around it ends where it was to end, if time is not past that.
    """
    seen: list[tuple[str, float]] = []

    def slow(seconds: float) -> None:
        seen.append(("begins", clock.now()))
        clock.advance(seconds)
        seen.append(("ends", clock.now()))

    at(clock, 1, partial(slow, 3))
    at(clock, 2, lambda: seen.append(("meanwhile", clock.now())))
    clock.advance_to(10)

    assert seen == [("begins", 1), ("meanwhile", 2), ("ends", 4)]
    assert clock.now() == 10

    at(clock, 11, partial(slow, 60))
    clock.advance_to(20)

    assert clock.now() == 71


def test_a_cancelled_callback_does_not_run(clock: ManualClock) -> None:
    """
    Cancelled before, by another callback of the same instant, or twice.
    """
    seen: list[str] = []
    timer = clock.call_at(SECOND, partial(seen.append, "never"))
    at(clock, 2, lambda: seen.append(str(victim.cancel())))
    victim = clock.call_at(2 * SECOND, partial(seen.append, "never"))
    done = clock.call_soon(partial(seen.append, "done"))

    assert timer.active
    assert timer.cancel()
    assert not timer.cancel()
    assert not timer.active
    clock.advance(5)

    assert seen == ["done", "True"]
    assert not done.cancel()
    assert clock.pending() == []


def test_arming_and_cancelling_forever_keeps_no_heap(clock: ManualClock) -> None:
    for number in range(10_000):
        clock.call_at(number * SECOND, print).cancel()

    assert len(clock._timeline) < 200


def test_a_callback_runs_once(clock: ManualClock) -> None:
    seen: list[int] = []
    at(clock, 1, lambda: seen.append(1))

    clock.advance(1)
    clock.advance(1)
    clock.settle()

    assert seen == [1]


# Moving time.


def test_time_cannot_go_back(clock: ManualClock) -> None:
    """
    Its text says where it is and where it was to go; nothing moves.
    """
    clock.advance_to(60)

    with pytest.raises(ValueError) as negative:
        clock.advance(-1)
    with pytest.raises(ValueError) as past:
        clock.advance_to(59.999_999)
    clock.advance_to(60)

    assert str(negative.value) == "advance(-1): time cannot go back.\n  Give 0 or more seconds."
    assert str(past.value) == (
        "advance_to: 1970-01-01T00:00:59.999999+00:00 is past: time cannot go back.\n  It is 1970-01-01T00:01:00+00:00."
    )
    assert clock.now() == 60


@pytest.mark.parametrize("instant", [-1e300, 1e300, 10**30])
def test_an_instant_beyond_the_calendar_is_refused(clock: ManualClock, instant: float) -> None:
    """
    A clock that went there could not show its time.
    """
    with pytest.raises(InvalidInput):
        clock.advance_to(instant)
    with pytest.raises(InvalidInput):
        clock.advance(instant)

    assert clock.now() == 0


@pytest.mark.parametrize("grace", [-1, float("nan"), True])
def test_a_grace_below_nothing_is_refused(grace: float) -> None:
    with pytest.raises(InvalidInput, match="grace"):
        ManualClock(grace=grace)


def test_a_clock_starts_where_it_is_told() -> None:
    """
    The default is the first instant of 2024.
    """
    assert ManualClock().datetime() == datetime(2024, 1, 1, tzinfo=UTC)
    assert ManualClock(datetime(2030, 5, 6, tzinfo=UTC)).datetime() == datetime(2030, 5, 6, tzinfo=UTC)
    assert isinstance(ManualClock(), Clock)
    with pytest.raises(InvalidInput, match="start="):
        ManualClock(datetime(2030, 5, 6))  # noqa: DTZ001 - that is the point


def test_to_the_next_thing_due(clock: ManualClock) -> None:
    """
    It returns the time reached; None when nothing is due, ever.
    """
    seen: list[float] = []
    at(clock, 5, lambda: seen.append(clock.now()))
    at(clock, 5, lambda: clock.call_soon(lambda: seen.append(-1)))
    clock.call_at(3 * SECOND, print).cancel()

    assert clock.advance_to_next() == 5
    assert seen == [5, -1]
    assert clock.advance_to_next() is None
    assert clock.now() == 5


def test_to_the_next_thing_due_in_a_resource(clock: ManualClock) -> None:
    """
    Sources are asked, weakly kept; what is due now comes first.
    """
    box, other = Box(clock), Box(clock, "other")
    box.put("later", delay=60)
    other.put("never", delay=30)
    at(clock, 50, lambda: None)
    clock.call_soon(lambda: None)
    del other
    gc.collect()

    assert [clock.advance_to_next() for _ in range(4)] == [0, 50, 60, None]
    assert box.get() == "later"


def test_pending_is_for_people(clock: ManualClock) -> None:
    """
    In order of time; callbacks by name, resources in their own words; no alarm of a waiter.
    """

    def send_the_bill() -> None: ...

    box = Box(clock, "orders")
    box.put("a", delay=2)
    box.put("b", delay=3)
    box.when_ready(print, 4)
    clock.call_at(5 * SECOND, send_the_bill)
    clock.run(partial(print, "hello"), "function greet")

    assert clock.pending() == [
        Due(0, "function greet", "a callback"),
        Due(2 * SECOND, "orders", "2 not ready: ready"),
        Due(4 * SECOND, "orders", "a wait ends"),
        Due(5 * SECOND, "test_pending_is_for_people.<locals>.send_the_bill", "a callback"),
    ]
    assert str(clock.pending()[1]) == "1970-01-01 00:00:02  orders: 2 not ready: ready"
    assert repr(clock) == "<ManualClock 1970-01-01 00:00:00, 4 timers>"
    assert repr(ManualClock(0, autojump=False)) == "<ManualClock 1970-01-01 00:00:00, autojump off, 0 timers>"


def test_observations_are_numbered_in_order(clock: ManualClock) -> None:
    assert [clock.next_sequence() for _ in range(3)] == [1, 2, 3]


# Who drives.


def test_a_resource_runs_what_is_due_as_its_operation_returns(clock: ManualClock) -> None:
    """
    Due now, not later; and one called in a callback leaves it to the driver.
    """
    box, seen = Box(clock), []
    at(clock, 1, lambda: seen.append("not yet"))
    clock.call_soon(lambda: seen.append("soon"))

    box.put("a")
    assert seen == ["soon"]

    def nested() -> None:
        clock.call_soon(lambda: seen.append("after"))
        box.put("b")
        seen.append("before")

    clock.call_soon(nested)
    clock.settle()

    assert seen == ["soon", "before", "after"]


def test_one_thread_at_a_time_advances(clock: ManualClock) -> None:
    """
    Busy for every other, who may go on scheduling: the driver runs that too.
    """
    inside, leave, seen = threading.Event(), threading.Event(), []

    def hold_up() -> None:
        inside.set()
        assert leave.wait(20)

    at(clock, 1, hold_up)
    driver = Started(lambda: clock.advance(1))
    assert inside.wait(20)
    for drive in (lambda: clock.advance(1), clock.settle, clock.advance_to_next, lambda: clock.advance_to(9)):
        with pytest.raises(Busy) as caught:
            drive()
    clock.call_soon(lambda: seen.append(threading.current_thread()))
    clock.run_due()
    assert seen == []
    leave.set()
    driver.result()

    assert seen == [driver]
    assert caught.value.aws_message == "Another thread drives this clock."
    clock.advance(1)
    assert clock.now() == 2


def test_advance_waits_for_a_publish_that_drives_in_passing(clock: ManualClock) -> None:
    """
    It is over in a moment, so it is no reason for an error that comes and goes.
    """
    inside, leave = threading.Event(), threading.Event()

    def hold_up() -> None:
        inside.set()
        assert leave.wait(20)

    clock.call_soon(hold_up)
    publisher = Started(clock.run_due)
    assert inside.wait(20)
    advancer = Started(lambda: clock.advance(1))
    until(lambda: clock._turn._waiters)  # type: ignore[attr-defined] # until it waits for its turn
    leave.set()
    publisher.result()
    advancer.result()

    assert clock.now() == 1


def test_advance_gives_up_on_a_publish_that_waits_for_it(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    No deadlock: Busy after a while.
    """
    monkeypatch.setattr("postroom.clock._driving._TURN_S", 0.01)
    inside, leave = threading.Event(), threading.Event()

    def hold_up() -> None:
        inside.set()
        assert leave.wait(20)

    clock.call_soon(hold_up)
    publisher = Started(clock.run_due)
    assert inside.wait(20)
    with pytest.raises(Busy):
        clock.advance(1)
    leave.set()
    publisher.result()

    clock.advance(1)
    assert clock.now() == 1


# Limits.


def test_callbacks_that_cause_one_another_end(clock: ManualClock) -> None:
    """
    At 10,000 in one instant; the error names the chain, and the clock can be used afterwards.
    """
    count = 0

    def ping() -> None:
        nonlocal count
        count += 1
        clock.run(pong, "function pong")

    def pong() -> None:
        clock.run(ping, "function ping")

    clock.call_soon(ping)
    with pytest.raises(EndlessLoop) as caught:
        clock.advance(1)

    assert caught.value.aws_message == "10,000 callbacks caused one another at one instant."
    assert "function ping -> function pong -> function ping" in caught.value.help
    assert count == 5_001
    assert clock.now() == 0
    assert len(clock.pending()) == 1

    with pytest.raises(EndlessLoop):
        clock.settle()
    [left] = list(clock._timeline)
    left.cancel()
    clock.advance(1)
    assert clock.now() == 1


@pytest.mark.parametrize("where", ["advance", "run_due"])
def test_exactly_as_many_as_the_limit_are_fine(clock: ManualClock, where: str) -> None:
    left = 10_000

    def again() -> None:
        nonlocal left
        if left:
            left -= 1
            clock.call_soon(again)

    clock.call_soon(again)
    clock.settle() if where == "advance" else clock.run_due()

    assert left == 0


def test_many_at_one_instant_are_no_chain(clock: ManualClock) -> None:
    """
    20,000 registered beforehand, from outside and from a callback of an earlier instant; and 30,000 a tick apart.
    """
    count = 0

    def one() -> None:
        nonlocal count
        count += 1

    def tick() -> None:
        one()
        if clock.now_us() < 2 * SECOND + 30_000:
            clock.call_at(clock.now_us() + 1, tick)

    for _ in range(20_000):
        at(clock, 1, one)

    def many() -> None:
        for _ in range(20_000):
            at(clock, 1, one)

    at(clock, 0.5, many)
    at(clock, 2, tick)
    clock.advance(3)

    assert count == 70_001


# Errors.


def raises(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def test_one_error_reaches_advance_as_itself(clock: ManualClock) -> None:
    """
    After everything else that was due has run.
    """
    seen: list[str] = []
    error = OSError("no paper")
    at(clock, 1, raises(error))
    at(clock, 2, partial(seen.append, "goes on"))

    with pytest.raises(OSError, match="no paper") as caught:
        clock.advance(5)

    assert caught.value is error
    assert seen == ["goes on"]
    assert clock.now() == 5
    clock.settle()  # told once


def test_several_errors_are_a_group(clock: ManualClock) -> None:
    errors = [OSError("a"), ValueError("b")]
    for error in errors:
        clock.call_soon(raises(error))

    with pytest.raises(ExceptionGroup, match=r"^2 callbacks failed$") as caught:
        clock.settle()

    assert list(caught.value.exceptions) == errors
    clock.settle()


def test_errors_beyond_a_hundred_are_counted(clock: ManualClock) -> None:
    for number in range(103):
        clock.call_soon(raises(OSError(number)))

    with pytest.raises(ExceptionGroup, match=r"^100 callbacks failed, and 3 more that were not kept") as caught:
        clock.settle()

    assert len(caught.value.exceptions) == 100
    clock.call_soon(raises(OSError("single")))
    with pytest.raises(OSError, match="single"):
        clock.settle()


def test_errors_of_callbacks_never_reach_a_publish(clock: ManualClock) -> None:
    """
    They are kept for whoever advances; `raise_errors` asks for them.
    """
    box = Box(clock)
    clock.call_soon(raises(OSError("a")))
    box.put("x")
    with pytest.raises(OSError, match="a"):
        clock.advance(0)

    clock.call_soon(raises(OSError("b")))
    box.put("y")
    with pytest.raises(OSError, match="b"):
        clock.raise_errors()
    clock.raise_errors()

    assert box.left() == 2


def test_what_is_handed_over_reaches_whoever_drives(clock: ManualClock) -> None:
    """
    A publish too: that is what on_error="raise" is for. Callbacks' errors stay behind for advance.
    """
    box = Box(clock)
    clock.call_soon(lambda: clock.hand_over(AssertionError("in a handler")))
    clock.call_soon(raises(OSError("plain")))
    with pytest.raises(AssertionError, match="in a handler"):
        box.put("x")
    with pytest.raises(OSError, match="plain"):
        clock.settle()

    clock.call_soon(lambda: clock.hand_over(AssertionError("again")))
    with pytest.raises(AssertionError, match="again"):
        clock.advance(1)


def test_errors_in_a_nested_advance_reach_the_outermost(clock: ManualClock) -> None:
    seen: list[str] = []
    at(clock, 2, raises(OSError("meanwhile")))

    def slow() -> None:
        clock.advance(5)
        seen.append("not interrupted")

    at(clock, 1, slow)
    with pytest.raises(OSError, match="meanwhile"):
        clock.advance(1)

    assert seen == ["not interrupted"]
    assert clock.now() == 6


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("nested", [False, True])
def test_other_errors_pass_straight_through(clock: ManualClock, kind: type[BaseException], nested: bool) -> None:
    """
    At once, with what is due left in place; the clock can be used afterwards, by other threads too.
    """
    seen: list[str] = []
    at(clock, 1, raises(kind()))
    at(clock, 1, partial(seen.append, "next"))
    at(clock, 2, partial(seen.append, "last"))
    if nested:
        clock.call_soon(lambda: clock.advance(5))

    with pytest.raises(kind):
        clock.advance(5)
    assert seen == []
    assert clock.now() == 1
    assert clock._driver is None

    clock.settle()
    assert seen == ["next"]
    clock.advance(1)
    assert seen == ["next", "last"]


def test_an_alarm_that_is_cut_short_rings_again(clock: ManualClock) -> None:
    """
    It is a hint: once more does no harm, once too seldom would.
    """
    seen: list[str] = []

    def ring() -> None:
        seen.append("rings")
        if len(seen) == 1:
            raise KeyboardInterrupt

    clock.alarm(SECOND, ring, "box")
    with pytest.raises(KeyboardInterrupt):
        clock.advance(1)
    assert seen == ["rings"]
    clock.settle()
    clock.settle()

    assert seen == ["rings", "rings"]


# Waiting that must not or cannot be.


def test_a_wait_in_a_callback_that_may_not_jump_is_an_error() -> None:
    """
    Nobody else could move time: WouldBlock, with its help.
    """
    clock = ManualClock(0, autojump=False)
    box = Box(clock)
    clock.call_soon(lambda: box.wait(20))
    with pytest.raises(WouldBlock, match="box: a wait inside a callback"):
        clock.settle()

    jumping = ManualClock(0)
    box = Box(jumping)
    jumping.call_soon(lambda: box.wait(20))
    with pytest.raises(WouldBlock), jumping.hold():
        jumping.settle()
    jumping.call_soon(lambda: box.wait(20))
    jumping.settle()

    assert clock.now() == 0
    assert jumping.now() == 20


def test_waits_that_get_nowhere_end() -> None:
    """
    10,000 jumps for one waiter in which nothing was sent or received; the error names it.
    """
    clock = ManualClock(0)
    box = Box(clock, "queue orders")
    for _ in range(10_000):
        assert box.wait(1) is None
    with pytest.raises(EndlessLoop) as caught:
        box.wait(1)

    assert caught.value.aws_message == "10,000 jumps for queue orders, and nothing was sent or received."
    assert clock.now() == 10_000


def test_waits_that_get_somewhere_go_on() -> None:
    clock = ManualClock(0)
    box = Box(clock)
    for number in range(10_002):
        box.wait(1)
        if number == 9_999:
            box.put("a")

    assert clock.now() == 10_001


def test_span_of_a_timedelta(clock: ManualClock) -> None:
    clock.advance(timedelta(days=1, microseconds=1))

    assert clock.now_us() == 86_400_000_001


def test_a_thread_that_waits_takes_no_error_of_the_thread_that_drives() -> None:
    """
    What a callback raises reaches the `advance` that ran it, also when that wakes another thread.
    """
    clock = ManualClock(0, grace=60)
    box = Box(clock)
    waiter = Started(lambda: box.wait(20))
    until(lambda: len(box.waiters) == 1)

    def puts_and_fails() -> None:
        box.put("tea")
        raise ZeroDivisionError

    found: list[object] = []
    clock.call_at(SECOND, puts_and_fails)
    clock.call_at(SECOND + 1, lambda: found.append(waiter.result()))
    with pytest.raises(ZeroDivisionError):
        clock.advance(2)

    assert found == ["tea"]


def test_a_publish_keeps_errors_for_the_next_advance_of_any_thread() -> None:
    clock = ManualClock(0)
    box = Box(clock)
    clock.call_soon(lambda: 1 / 0)
    Started(lambda: box.put("tea")).result()

    with pytest.raises(ZeroDivisionError):
        clock.settle()


def test_who_sleeps_for_weeks_is_in_no_endless_loop() -> None:
    clock = ManualClock(0)
    for _ in range(IDLE_JUMPS_MAX + 1):
        clock.sleep(60)

    assert clock.now_us() == (IDLE_JUMPS_MAX + 1) * 60 * SECOND


@pytest.mark.parametrize("when", [1.0, True, "1", None])
def test_an_instant_that_is_no_int_is_refused(clock: ManualClock, when: object) -> None:
    with pytest.raises(InvalidInput, match="call_later"):
        clock.call_at(when, print)  # type: ignore[arg-type]


def test_what_cannot_be_called_is_refused(clock: ManualClock) -> None:
    with pytest.raises(InvalidInput, match="3 cannot be called"):
        clock.call_soon(3)  # type: ignore[arg-type]

    assert clock.pending() == []
