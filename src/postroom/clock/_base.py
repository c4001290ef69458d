"""
What both clocks share: the sources they ask, the numbers of observations, time for people, forks.
"""

from __future__ import annotations

import itertools
import os
import weakref
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from postroom.clock._gate import SLEEPER, ThreadGate
from postroom.clock._host import Duration, to_datetime, to_us
from postroom.clock._timeline import Due, Timeline
from postroom.limits import SECOND_US

if TYPE_CHECKING:
    import threading

    from postroom.clock._protocol import Gate, Source
    from postroom.clock._timeline import Timer

_clocks: weakref.WeakSet[BaseClock] = weakref.WeakSet()


class BaseClock:
    """
    Not for users: see `SystemClock` and `ManualClock`.
    """

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self._timeline = Timeline()
        self._sources: dict[int, weakref.ref[Source]] = {}
        self._source_numbers = itertools.count()
        self._sequence = itertools.count(1)
        _clocks.add(self)

    def now_us(self) -> int:
        """
        Microseconds since the epoch.
        """
        raise NotImplementedError

    def _peek_us(self) -> int:
        """
        The same for the clock's own use: reading it is no activity of a user.
        """
        return self.now_us()

    def now(self) -> float:
        """
        Seconds since the epoch, for people. Nothing inside postroom computes with it.
        """
        return self.now_us() / SECOND_US

    def datetime(self) -> datetime:
        """
        The current instant as an aware `datetime` in UTC.
        """
        return to_datetime(self.now_us())

    def call_at(self, when_us: int, callback: Callable[[], object]) -> Timer:
        """
        Runs the callback at an instant, in microseconds since the epoch.
        """
        raise NotImplementedError

    def call_later(self, delay: Duration, callback: Callable[[], object]) -> Timer:
        """
        Runs the callback after a while, as `call_at` does.

        >>> from postroom import ManualClock
        >>> clock = ManualClock()
        >>> timer = clock.call_later(60, lambda: print("a minute later"))
        >>> clock.advance(60)
        a minute later

        Args:
            delay: Seconds, or a `timedelta`; what is not above 0 is due at once.
            callback: Called without arguments.

        Raises:
            InvalidInput: The delay is no time.
        """
        return self.call_at(self.now_us() + to_us(delay, "delay"), callback)

    def block(self, gate: Gate, until_us: int, whom: str) -> None:
        """
        For resources: blocks the thread until the gate opens, time has moved, or `until_us` has come.
        """
        raise NotImplementedError

    def sleep(self, duration: Duration) -> None:
        """
        Blocks the calling thread for a span of this clock's time; on a `ManualClock` that takes no real time.

        In a handler it simulates slow work on either clock. The awaited form is ``clock.aio.sleep``.

        >>> from postroom import ManualClock
        >>> clock = ManualClock()
        >>> clock.sleep(3600)
        >>> clock.datetime().isoformat()
        '2024-01-01T01:00:00+00:00'

        Args:
            duration: Seconds, or a `timedelta`; what is not above 0 returns at once.

        Raises:
            InvalidInput: The duration is no time.
        """
        until = self.now_us() + to_us(duration)
        gate = ThreadGate()
        while self.now_us() < until:
            self.block(gate, until, SLEEPER)

    def next_sequence(self) -> int:
        """
        The number of the next observation; each is larger than the one before.
        """
        return next(self._sequence)

    def register(self, source: Source) -> None:
        """
        Keeps a resource, weakly, to be asked what falls due in it.
        """
        number = next(self._source_numbers)
        sources = self._sources
        sources[number] = weakref.ref(source, lambda _: sources.pop(number, None))

    def _live_sources(self) -> Iterator[Source]:
        for reference in list(self._sources.values()):
            source = reference()
            if source is not None:
                yield source

    def pending(self) -> list[Due]:
        """
        What is due, when and for whom, in order.

        Resources tell a line per kind of deadline, not one per message.

        >>> from postroom import ManualClock
        >>> clock = ManualClock()
        >>> def send_the_bill() -> None: ...
        >>> _ = clock.call_at(clock.now_us() + 5_000_000, send_the_bill)
        >>> for due in clock.pending():
        ...     print(due)
        2024-01-01 00:00:05  send_the_bill: a callback
        """
        now = self._peek_us()
        with self._lock:
            found = [Due(timer.when_us, timer.whom, _what(timer)) for timer in self._timeline if _what(timer)]
        for source in self._live_sources():
            found.extend(source.pending(now))
        return sorted(found)

    def _before_fork(self) -> None:
        self._lock.acquire()

    def _after_fork(self, *, in_child: bool) -> None:  # noqa: ARG002 - the clocks differ in it
        self._lock.release()


def _what(timer: Timer) -> str:
    """
    What a timer is, for people; nothing for the alarm of a resource, which tells of its deadlines itself.
    """
    if not timer._hint:
        return "a callback"
    return "a wait ends" if getattr(timer._callback, "__name__", "") == "wake" else ""


# A fork copies one thread and every lock as it stands: one held by another thread would stay shut for good. So
# all are taken first (resources before their clock, the order in which operations take them) and given back on
# both sides. A lock is the forking thread's own in the child as well.
_forking: list[Any] = []


def _before_fork() -> None:
    for clock in list(_clocks):
        for source in clock._live_sources():
            source.before_fork()
            _forking.append(source.after_fork)
        clock._before_fork()
        _forking.append(clock._after_fork)


def _after_fork_in_parent() -> None:
    while _forking:
        _forking.pop()(in_child=False)


def _after_fork_in_child() -> None:
    while _forking:
        _forking.pop()(in_child=True)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
