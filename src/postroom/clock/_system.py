"""
Real time, at its own pace or a multiple of it.

Two kinds of thread, both lazy. The *ticker*, one daemon thread, waits for the next timer and runs what is due: only
library code that cannot block. Users' code goes to the pool. The ticker leaves when it had nothing to do for a
second, and comes back when there is something.
"""

from __future__ import annotations

import atexit
import logging
import threading
import weakref
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Self

from postroom.clock._base import BaseClock
from postroom.clock._host import Host, to_datetime, wall_us
from postroom.clock._pool import STUCK_S, Pool, report_error
from postroom.clock._timeline import Timeline
from postroom.errors import InvalidInput, ResourceClosed
from postroom.limits import POOL_THREADS, POOL_THREADS_MAX, SECOND_US

if TYPE_CHECKING:
    from postroom.clock._aio import ClockAio
    from postroom.clock._protocol import AsyncGate, Gate
    from postroom.clock._timeline import Timer

_LINGER_S: Final = 1.0
_SHOWN: Final = 10
_LAST_STEPS_S: Final = 0.1
_logger = logging.getLogger("postroom")


class SystemClock(BaseClock):
    """
    Real time, at its own pace or a multiple of it. It never goes backwards.

    It reads the wall clock once, when postroom is imported, and counts on with the monotonic clock: setting the
    machine's clock, or freezing the process with freezegun or time-machine, does not move it.

    >>> clock = SystemClock()
    >>> earlier = clock.now_us()
    >>> earlier <= clock.now_us()
    True

    With ``speed=3600`` an hour passes in a second: the same program plays in fast motion.

    >>> import threading
    >>> clock, done = SystemClock(speed=3600), threading.Event()
    >>> timer = clock.call_at(clock.now_us() + 60_000_000, done.set)  # in a minute, that is, in 17 ms
    >>> done.wait(timeout=10)
    True

    Callbacks and handlers run on a lazily started, bounded pool of daemon threads, never on the thread that keeps
    the time. What they raise goes to the logger ``postroom`` and to `threading.excepthook`.

    Args:
        speed: Seconds of this clock in a real second, above 0.
        host: Where real time comes from: nanoseconds of a clock that counts on. For tests of the clock itself.
        threads: How many threads run users' code at a time, at least 1.

    Raises:
        InvalidInput: `speed` or `threads` is out of its range.
    """

    has_due: object = ()

    def __init__(self, speed: float = 1, *, host: Callable[[], int] | None = None, threads: int = POOL_THREADS) -> None:
        super().__init__(threading.Lock())
        if not _is_number(speed, (int, float)) or not 0 < speed < float("inf"):
            raise InvalidInput(f"speed={speed!r} is no speed.", help="Give a finite number above 0; 1 is real time.")
        if not _is_number(threads, (int,)) or not 0 < threads <= POOL_THREADS_MAX:
            raise InvalidInput(f"threads={threads!r} is out of range.", help=f"Give 1 to {POOL_THREADS_MAX}.")
        self._speed = int(speed) if speed == int(speed) else speed
        self._host = host or Host.monotonic_ns
        self._host_start_ns = self._host()
        self._start_us = wall_us(self._host_start_ns) if host is None else wall_us(Host.monotonic_ns())
        self._latest_us = self._start_us
        self._threads = threads
        self._pool = self._new_pool()
        self._tick = threading.Condition(self._lock)
        self._ticker: threading.Thread | None = None
        self._gates: set[Gate] = set()
        self._closed = False
        self._aio: ClockAio | None = None

    def __repr__(self) -> str:
        shown = to_datetime(self.now_us()).replace(tzinfo=None).isoformat(sep=" ")
        speed = "" if self._speed == 1 else f", speed {self._speed:g}"
        return f"<SystemClock {shown}{speed}{', closed' if self._closed else ''}>"

    def _new_pool(self) -> Pool:
        return Pool(self._threads, POOL_THREADS_MAX, f"postroom clock {id(self):x}")

    # Reading.

    def now_us(self) -> int:
        """
        Microseconds since the epoch.

        >>> SystemClock().now_us() > 1_700_000_000_000_000
        True
        """
        now = self._start_us + int((self._host() - self._host_start_ns) * self._speed) // 1_000
        # The host's clock should not go back, but hibernation and virtual machines have seen to it that some did.
        if now < self._latest_us:
            return self._latest_us
        self._latest_us = now
        return now

    def _real_s(self, span_us: int) -> float:
        return min(max(span_us / self._speed / SECOND_US, 0.0), threading.TIMEOUT_MAX)

    # Scheduling.

    def call_at(self, when_us: int, callback: Callable[[], object]) -> Timer:
        """
        Runs the callback on the pool when it is `when_us`; an instant in the past is due now.

        >>> import threading
        >>> clock, done = SystemClock(), threading.Event()
        >>> timer = clock.call_at(clock.now_us() + 1_000, done.set)
        >>> done.wait(timeout=10)
        True

        Args:
            when_us: Microseconds since the epoch.
            callback: Called without arguments, on a thread of the pool.

        Raises:
            ResourceClosed: The clock was closed.
        """
        return self._add(when_us, callback, "", hint=False)

    def call_soon(self, callback: Callable[[], object]) -> Timer:
        """
        Runs the callback on the pool as soon as possible.

        >>> import threading
        >>> clock, done = SystemClock(), threading.Event()
        >>> timer = clock.call_soon(done.set)
        >>> done.wait(timeout=10)
        True
        """
        return self._add(self.now_us(), callback, "", hint=False)

    def alarm(self, when_us: int, callback: Callable[[], object], whom: str) -> Timer:
        """
        For resources: a callback that cannot block and does no harm when it is run once more.
        """
        return self._add(when_us, callback, whom, hint=True)

    def _add(self, when_us: int, callback: Callable[[], object], whom: str, *, hint: bool) -> Timer:
        now = self.now_us()
        with self._lock:
            self._refuse_closed()
            timer = self._timeline.add(when_us, callback, now, whom, hint=hint)
            if self._ticker is None:
                self._start_ticker()
            elif self._timeline.head() is timer:
                self._tick.notify()
            return timer

    def _refuse_closed(self) -> None:
        if self._closed:
            raise ResourceClosed("The clock was closed.", help="Make a new SystemClock, and resources that use it.")

    def run(self, callback: Callable[[], object], whom: str = "", *, patient: bool = False) -> None:
        """
        Runs users' code, which may block, on a pool of threads.

        The pool has at most `threads` threads that run. One that waits inside postroom does not count; when threads
        block elsewhere and the backlog does not move, the pool grows to 512.

        >>> import threading
        >>> clock, done = SystemClock(), threading.Event()
        >>> clock.run(done.set)
        >>> done.wait(timeout=10)
        True

        Args:
            callback: Called without arguments.
            whom: For whom it is, for people.
            patient: Wait in the backlog, however long it is, where `Busy` would be raised.

        Raises:
            Busy: All threads there may be are taken, and jobs wait.
            ResourceClosed: The clock was closed.
        """
        with self._lock:
            self._refuse_closed()
        _to_report.add(self)
        if not patient:
            self._pool.refuse_if_stuck()
        self._submit(callback, whom or getattr(callback, "__qualname__", repr(callback)))

    def _submit(self, callback: Callable[[], object], whom: str) -> None:
        pool = self._pool
        if not pool.submit(callback, whom):
            self._watch_pool(pool, -1)

    def _watch_pool(self, pool: Pool, finished: int) -> None:
        finished, again = pool.grow(finished)
        if again and not self._closed:
            later = self.now_us() + int(STUCK_S * self._speed * SECOND_US)
            self.alarm(later, lambda: self._watch_pool(pool, finished), "the pool")

    def run_due(self) -> None:
        """
        For resources: nothing to do, the clock's own thread does it.
        """

    # The ticker.

    def _start_ticker(self) -> None:
        _to_report.add(self)
        ticker = threading.Thread(target=self._keep_time, name=f"postroom clock {id(self):x}", daemon=True)
        ticker.start()
        self._ticker = ticker  # now that it runs: one that could not start, or that Ctrl-C prevented, is none

    def _keep_time(self) -> None:
        while True:
            with self._lock:
                timer = self._next_due()
            if timer is None:
                return
            self._run_timer(timer)

    def _next_due(self) -> Timer | None:
        """
        Waits for the next timer and takes it out; None when the ticker may leave.
        """
        while not self._closed:
            timer = self._timeline.head()
            if timer is None:
                if not self._tick.wait(_LINGER_S) and self._timeline.head() is None:
                    break
                continue
            left = timer._when_us - self.now_us()
            if left <= 0:
                self._timeline.take(timer)
                return timer
            self._tick.wait(self._real_s(left))
        self._ticker = None
        return None

    def _run_timer(self, timer: Timer) -> None:
        callback, timer._callback = timer._callback, None
        if callback is None:
            return
        if not timer._hint:
            self._submit(callback, timer._whom or getattr(callback, "__qualname__", repr(callback)))
            return
        try:
            callback()
        except Exception as error:
            report_error(timer._whom, error)

    def hand_over(self, error: Exception) -> None:
        """
        For resources: an error of users' code; here it goes to the logger and `threading.excepthook`.
        """
        report_error("a handler", error)

    def note_progress(self) -> None:
        """
        For resources: something was sent or received. Real time needs no such thing.
        """

    # Waiting.

    def block(self, gate: Gate, until_us: int, whom: str) -> None:  # noqa: ARG002 - a ManualClock needs to know
        """
        For resources: blocks the thread until the gate opens or `until_us` has come.
        """
        with self._lock:
            self._refuse_closed()
            self._gates.add(gate)
        try:
            with self._pool.waiting():
                gate.pass_(self._real_s(until_us - self.now_us()))
        finally:
            self._gates.discard(gate)

    @property
    def aio(self) -> ClockAio:
        """
        `sleep` as a coroutine.

        >>> import asyncio
        >>> asyncio.run(SystemClock(speed=1000).aio.sleep(1))
        """
        if self._aio is None:
            from postroom.clock._aio import ClockAio  # noqa: PLC0415 - asyncio is imported when it is used

            self._aio = ClockAio(self)
        return self._aio

    def await_begins(self, gate: AsyncGate) -> None:
        """
        For resources: a coroutine is about to wait. Real time needs no such thing.
        """

    def await_ends(self, gate: AsyncGate) -> None:
        """
        For resources: it waits no longer. Real time needs no such thing.
        """

    # Ending.

    def close(self) -> None:
        """
        Ends the clock's threads. What was still due is dropped and reported on the logger ``postroom``.

        Resources on a closed clock go on, but for waits, timers and handlers: these raise `ResourceClosed`.

        >>> clock = SystemClock()
        >>> clock.close()
        >>> clock.call_soon(print)
        Traceback (most recent call last):
            ...
        postroom.errors.ResourceClosed: The clock was closed.
          Make a new SystemClock, and resources that use it.
        """
        self._report_what_is_due()
        with self._lock:
            self._closed = True
            dropped, self._timeline = self._timeline, Timeline()
            self._tick.notify_all()
        self._pool.close()
        # Whoever waits is woken, looks again, and is told that the clock is closed.
        for gate in list(self._gates):
            gate.wake()
        for timer in dropped:
            if timer._hint:
                self._run_timer(timer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _report_what_is_due(self) -> None:
        if self._closed:
            return  # it was said when it was closed
        self._pool.await_quiet(_LAST_STEPS_S)  # a job whose effect is seen already may be about to return
        with self._lock:
            left = [timer.whom for timer in self._timeline if not timer._hint]
        left += [whom for _, whom in list(self._pool.jobs)] + list(self._pool.running.values())
        if left:
            shown = [whom if count == 1 else f"{whom} ({count} times)" for whom, count in Counter(left).items()]
            more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
            _logger.warning("postroom: %r ends with work still due: %s%s", self, ", ".join(shown[:_SHOWN]), more)

    def _after_fork(self, *, in_child: bool) -> None:
        jobs = self._pool.jobs
        if in_child:
            # Threads were not copied: start again those for which there is something to do.
            self._tick = threading.Condition(self._lock)
            self._ticker = None
            self._gates.clear()
            self._pool = self._new_pool()
        super()._after_fork(in_child=in_child)
        if in_child:
            for job, whom in jobs:
                self._submit(job, whom)
            with self._lock:
                if len(self._timeline):
                    self._start_ticker()


def _is_number(value: object, kinds: tuple[type, ...]) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


class _DefaultClock(SystemClock):
    """
    The clock of all resources that were given none: closing it ends its threads, and it starts again when used.
    """

    def close(self) -> None:
        super().close()
        with self._lock:
            self._closed = False
            self._pool = self._new_pool()


# No locks here, which a fork could copy shut: `setdefault` and `add` are atomic.
_default: dict[str, SystemClock] = {}
_to_report: weakref.WeakSet[SystemClock] = weakref.WeakSet()


def default_clock() -> SystemClock:
    """
    The one `SystemClock` that resources use unless they are given another.

    >>> default_clock() is default_clock()
    True
    """
    return _default.get("clock") or _default.setdefault("clock", _DefaultClock())


@atexit.register
def _report_all() -> None:
    for clock in list(_to_report):
        clock._report_what_is_due()
