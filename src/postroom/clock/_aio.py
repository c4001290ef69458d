"""
Waiting in coroutines, and knowing when an event loop is at rest.

This module alone imports asyncio, and it is imported when somebody first awaits.

A `ManualClock` may jump when nothing else can happen: when every task of the loop waits. The loop tells by its
silence: if in two passes no handle but ours was in line, all tasks wait. If one of them waits for something outside
(a timer of the loop, a thread of an executor, a socket) or other threads use the clock, the jump also waits until
`grace` seconds of real time passed without a call of any resource. No loop timer and no `asyncio.sleep` has a part
in this: under freezegun they would never fire.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from postroom.clock._gate import SLEEPER
from postroom.clock._host import Duration, Host, Instant, to_instant_us, to_us
from postroom.errors import Busy

if TYPE_CHECKING:
    from postroom.clock._manual import ManualClock
    from postroom.clock._protocol import Clock
    from postroom.clock._timeline import Timer
    from postroom.clock._waiting import Waiters

T = TypeVar("T")

_QUIET_PASSES: Final = 2
_NAP_S: Final = 0.0005
"""Real time the loop is kept for between two looks of a grace period; selectors and threads get their turn."""


class AsyncioGate:
    """
    Where a coroutine waits. It can be woken from any thread.
    """

    __slots__ = ("_error", "_future", "_loop", "_open", "ident", "whom")

    def __init__(self, whom: str) -> None:
        self.whom = whom
        self.ident = threading.get_ident()
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[None] | None = None
        self._open = False
        self._error: BaseException | None = None

    def wake(self) -> bool:
        """
        Opens the gate; False if its event loop is closed.
        """
        try:
            if asyncio._get_running_loop() is self._loop:
                self._wake_here()
            else:
                self._loop.call_soon_threadsafe(self._wake_here)
        except RuntimeError:  # the loop is closed
            return False
        return True

    def _wake_here(self) -> None:
        self._open = True
        if self._future is not None and not self._future.done():
            self._future.set_result(None)

    def fail(self, error: BaseException) -> None:
        """
        Opens the gate and raises the error in the coroutine.
        """
        self._error = error
        self.wake()

    async def pass_(self) -> None:
        """
        Waits until the gate is open, and shuts it again.
        """
        if not self._open:
            self._future = self._loop.create_future()
            try:
                await self._future
            finally:
                self._future = None
        self._open = False
        error, self._error = self._error, None
        if error is not None:
            raise error


async def wait(waiters: Waiters, attempt: Callable[[], T | None], until: int | None) -> T | None:
    """
    The awaited form of `Waiters.wait`: returns what an attempt finds, or None when `until` has come.

    A wait without end (None) is not what time has to move for: it never makes a `ManualClock` jump.
    """
    gate = AsyncioGate(waiters.whom)
    try:
        return await _wait(waiters, gate, attempt, until)
    except BaseException:
        waiters.leave(gate)  # once more, for the reason that `Waiters.wait` has
        raise


async def _wait(waiters: Waiters, gate: AsyncioGate, attempt: Callable[[], T | None], until: int | None) -> T | None:
    clock = waiters.clock
    end: Timer | None = None
    try:
        waiters.enter(gate)
        while True:
            waiters.look_again(gate)
            now = clock.now_us()  # before it looks: at the end, or after it, there is one look more
            found = attempt()
            if found is not None or (until is not None and now >= until):
                return found
            if until is None:
                await gate.pass_()
                continue
            if end is None or not end.active:
                end = clock.alarm(until, gate.wake, waiters.whom)
            clock.await_begins(gate)
            try:
                await gate.pass_()
            finally:
                clock.await_ends(gate)
    finally:
        if end is not None:
            end.cancel()
        waiters.leave(gate)


class ClockAio:
    """
    The awaited forms of a clock's calls.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def sleep(self, duration: Duration) -> None:
        """
        Waits for a span of the clock's time.

        >>> from postroom import ManualClock
        >>> clock = ManualClock()
        >>> asyncio.run(clock.aio.sleep(3600))  # takes no real time
        >>> clock.datetime().isoformat()
        '2024-01-01T01:00:00+00:00'

        Args:
            duration: Seconds, or a `timedelta`; what is not above 0 returns after one turn of the loop.
        """
        clock = self._clock
        until = clock.now_us() + to_us(duration)
        if until <= clock.now_us():
            await asyncio.sleep(0)
            return
        gate = AsyncioGate(SLEEPER)
        while clock.now_us() < until:
            end = clock.alarm(until, gate.wake, gate.whom)
            clock.await_begins(gate)
            try:
                await gate.pass_()
            finally:
                clock.await_ends(gate)
                end.cancel()


class ManualClockAio(ClockAio):
    """
    `ManualClock.advance` and its kin as coroutines: they return when the tasks they woke are at rest again.

    >>> from postroom import ManualClock, Queue
    >>> async def main() -> None:
    ...     clock = ManualClock(autojump=False)
    ...     queue = Queue("orders", clock=clock)
    ...     reader = asyncio.create_task(queue.aio.receive_messages(wait_time=20))
    ...     await clock.aio.advance(20)
    ...     print(reader.done(), reader.result())
    >>> asyncio.run(main())
    True []
    """

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self._manual = clock
        self._watches: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _RestWatch] = weakref.WeakKeyDictionary()

    def _watch(self) -> _RestWatch:
        loop = asyncio.get_running_loop()
        watch = self._watches.get(loop)
        if watch is None:
            watch = self._watches[loop] = _RestWatch(self._manual, loop)
        return watch

    def await_begins(self, gate: Any) -> None:
        """
        For resources: a coroutine of the running loop is about to wait at this gate.
        """
        self._watch().add(gate)

    def await_ends(self, gate: Any) -> None:
        """
        For resources: it waits no longer.
        """
        # Not the running loop's: a coroutine that is thrown away is ended where no loop runs.
        watch = self._watches.get(gate._loop)
        if watch is not None:
            watch.discard(gate)

    async def settle(self) -> None:
        """
        Runs what is due at the present instant, and lets the tasks of this loop come to rest.

        >>> from postroom import ManualClock
        >>> async def main() -> None:
        ...     task = asyncio.create_task(asyncio.sleep(0))
        ...     await ManualClock().aio.settle()
        ...     print(task.done())
        >>> asyncio.run(main())
        True

        Raises:
            Busy: Another thread drives the clock.
            Exception: What a callback raised; an `ExceptionGroup` if several did.
        """
        await self._advance_to(self._manual._peek_us())

    async def advance(self, duration: Duration) -> None:
        """
        Moves time on; at each instant at which something is due, tasks come to rest before time moves further.

        >>> from postroom import ManualClock
        >>> clock = ManualClock()
        >>> asyncio.run(clock.aio.advance(60))
        >>> clock.datetime().time().isoformat()
        '00:01:00'

        Args:
            duration: Seconds, or a `timedelta`; 0 or more.

        Raises:
            InvalidInput: The duration is negative or no time; it is a `ValueError`.
            Busy: Another thread drives the clock.
            Exception: What a callback raised; an `ExceptionGroup` if several did.
        """
        span = to_us(duration)
        self._manual._refuse_span(span, duration)
        await self._advance_to(self._manual._peek_us() + span)

    async def advance_to(self, instant: Instant) -> None:
        """
        Moves time to an instant, as `advance` does.

        >>> from postroom import ManualClock
        >>> clock = ManualClock()
        >>> asyncio.run(clock.aio.advance_to(clock.now() + 60))
        >>> clock.datetime().time().isoformat()
        '00:01:00'

        Raises:
            InvalidInput: The instant is past or no time; it is a `ValueError`.
            Busy: Another thread drives the clock.
            Exception: What a callback raised; an `ExceptionGroup` if several did.
        """
        target = to_instant_us(instant)
        self._manual._refuse_past(target)
        await self._advance_to(target)

    async def advance_to_next(self) -> float | None:
        """
        Moves time to the next thing due, after the tasks have come to rest.

        >>> from postroom import ManualClock
        >>> clock = ManualClock()
        >>> timer = clock.call_later(60, lambda: print("a minute later"))
        >>> asyncio.run(clock.aio.advance_to_next()) == clock.now()
        a minute later
        True

        Returns:
            The time it reached, in seconds since the epoch; None if nothing is due, ever.

        Raises:
            Busy: Another thread drives the clock.
            Exception: What a callback raised; an `ExceptionGroup` if several did.
        """
        await self.settle()
        when = self._manual._next_due_us()
        if when is None:
            return None
        await self._advance_to(when)
        return self._manual.now()

    async def _advance_to(self, target_us: int) -> None:
        clock, watch = self._manual, self._watch()
        clock.now_us()
        with clock.hold():
            while True:
                await watch.rest()
                when = clock._next_timer_us()
                if when is None or when > target_us:
                    break
                self._move(when)
            self._move(target_us)
            await watch.rest()
        clock.raise_errors()

    def _move(self, when_us: int) -> None:
        clock = self._manual
        if not clock._in_role(clock._begin, lambda: when_us):
            raise Busy("Another thread drives this clock.", help="One thread at a time advances a ManualClock.")


class _RestWatch:
    """
    Watches one event loop for one clock: lets the clock jump, or an `aio.advance` go on, when the loop is at rest.
    """

    def __init__(self, clock: ManualClock, loop: asyncio.AbstractEventLoop) -> None:
        self._clock = clock
        self._loop = weakref.ref(loop)
        self._gates: dict[Any, None] = {}
        self._resting: list[asyncio.Future[None]] = []
        self._looking = False
        self._quiet = 0
        self._calm_since_ns: int | None = None
        self._activity = -1

    def add(self, gate: Any) -> None:
        """
        A task is about to wait at the gate.
        """
        self._gates[gate] = None
        self._begin_looking()

    def discard(self, gate: Any) -> None:
        """
        It waits no longer.
        """
        self._gates.pop(gate, None)

    async def rest(self) -> None:
        """
        Returns when the other tasks of the loop are at rest.
        """
        future = asyncio.get_running_loop().create_future()
        self._resting.append(future)
        self._begin_looking()
        try:
            await future
        finally:
            if future in self._resting:
                self._resting.remove(future)

    def _begin_looking(self) -> None:
        self._quiet = 0
        self._calm_since_ns = None
        if not self._looking:
            self._look_later()

    def _look_later(self) -> None:
        loop = self._loop()
        if loop is not None:
            self._looking = True
            loop.call_soon(self.look)

    def _look_after_hold(self) -> None:
        loop = self._loop()
        try:
            if loop is not None:
                loop.call_soon_threadsafe(self._begin_looking)
        except RuntimeError:
            pass  # the loop is closed: nobody waits there any more

    def look(self) -> None:
        """
        One pass. The loop calls it between two rounds of its tasks.
        """
        self._looking = False
        loop = self._loop()
        if loop is None or not (self._gates or self._resting):
            return
        runnable, outside = _state_of(loop)
        if runnable:
            self._quiet = 0
            self._look_later()
            return
        self._quiet += 1
        if self._quiet < _QUIET_PASSES or not self._calm(outside=outside):
            self._look_later()
            return
        self._at_rest()

    def _calm(self, *, outside: bool) -> bool:
        """
        Whether nothing from outside can come any more, or has not come for the grace period.
        """
        clock = self._clock
        if not outside and clock._alone():
            return True
        if self._calm_since_ns is None or self._activity != clock._activity:
            self._calm_since_ns, self._activity = Host.monotonic_ns(), clock._activity
        if Host.monotonic_ns() - self._calm_since_ns >= clock._grace * 1e9:
            return True
        Host.sleep(_NAP_S)
        return False

    def _at_rest(self) -> None:
        self._quiet = 0
        self._calm_since_ns = None
        if self._resting:
            self._resting.pop(0).set_result(None)
            self._look_later()  # for the others who rest or wait here
            return
        clock = self._clock
        if not clock.may_jump():
            clock.when_released(self._look_after_hold)
            return
        # The last to come: in a loop that never gets anywhere it is the one that comes back each time.
        gate = next(reversed(self._gates))
        try:
            clock.jump(gate.whom)
            clock.raise_own_errors()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            # Nobody awaits this pass; the task on whose behalf time moved is told.
            gate.fail(error)
        finally:
            self._look_later()


def _state_of(loop: asyncio.AbstractEventLoop) -> tuple[bool, bool]:
    """
    Looks whether a handle other than our own is in line, and whether anything outside the loop may wake a task.

    All of asyncio's private attributes that postroom looks at are here. Where one is missing (uvloop, a later Python),
    the answer is "nothing in line, something outside", which leaves the grace period alone to decide.
    """
    inside: Any = loop
    try:
        ready, scheduled, selector = inside._ready, inside._scheduled, inside._selector
        executor = inside._default_executor
        runnable = any(
            not handle._cancelled and not isinstance(getattr(handle._callback, "__self__", None), _RestWatch)
            for handle in list(ready)
        )
        outside = (
            any(not handle._cancelled for handle in scheduled)
            or len(selector.get_map()) > 1  # one is the loop's own, through which threads wake it
            or (executor is not None and len(executor._threads) > executor._idle_semaphore._value)
            or (not runnable and any(_waits_for_a_thread(task) for task in asyncio.all_tasks(loop)))
        )
    except AttributeError:
        return False, True
    return runnable, outside


def _waits_for_a_thread(task: asyncio.Task[Any]) -> bool:
    waited: Any = getattr(task, "_fut_waiter", None)
    if waited is None:
        return False
    # asyncio hangs this callback on a future that a future of concurrent.futures will resolve.
    return any(
        "_chain_future" in getattr(callback, "__qualname__", "")
        for future in (waited, *getattr(waited, "_children", ()))
        for callback, _ in (getattr(future, "_callbacks", None) or ())
    )
