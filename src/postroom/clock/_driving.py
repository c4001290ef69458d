"""
Who runs what is due on a `ManualClock`, and what becomes of its errors.

One thread at a time *drives*: it takes what is due off the timeline and runs it, in line, each at its own
instant. Who drives is `_driver`; only the lock's holder looks at it and changes it, and a driver gives the role
up in the same moment in which it sees that nothing more is due, so that nothing added meanwhile is left lying.
A driver may drive once more inside a callback (`_depth`): `advance` in a handler simulates slow work.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterable
from threading import get_ident
from typing import TYPE_CHECKING, Final

from postroom.clock._base import BaseClock
from postroom.errors import Busy, EndlessLoop
from postroom.limits import CALLBACKS_PER_INSTANT_MAX, ERRORS_KEPT_MAX

if TYPE_CHECKING:
    from postroom.clock._timeline import Timer

_CHAIN_SHOWN: Final = 12
_TURN_S: Final = 1.0
"""Seconds of real time for which `advance` waits for another thread that drives in passing: over in a moment."""


class Driving(BaseClock):
    """
    Not for users: see `ManualClock`.
    """

    def __init__(self, start_us: int) -> None:
        super().__init__(threading.Lock())
        self._now_us = start_us
        self._driver: int | None = None
        self._depth = 0
        self._brief = False
        self._turn = threading.Condition(self._lock)
        self._chain: deque[str] = deque(maxlen=_CHAIN_SHOWN)
        self._chained = 0
        self._mark = 0
        self._errors: list[Exception] = []
        """Of callbacks that a publish happened to run: for the next `advance` or `settle` of any thread."""
        self._own: dict[int, list[Exception]] = {}
        """Of callbacks that a thread runs as it drives: that thread's alone, whoever else wakes up meanwhile."""
        self._errors_dropped = 0
        self._handed: dict[int, list[Exception]] = {}

    def _peek_us(self) -> int:
        return self._now_us

    def _drive(self, target_us: Callable[[], int]) -> None:
        self.now_us()
        if not self._in_role(self._begin, target_us):
            raise Busy(
                "Another thread drives this clock.",
                help="One thread at a time advances a ManualClock; join the other one, or give each its own clock.",
            )
        if not self._depth_here():
            self.raise_errors()

    def run_due(self) -> None:
        """
        For resources, after an operation: does what is due now, if no thread drives the clock already.

        Raises only what a `Function` with ``on_error="raise"`` handed over; errors of plain callbacks are kept for
        the next `advance` or `settle`.
        """
        if not self._in_role(self._begin_in_passing, self._peek_us):
            return
        ident = get_ident()
        if ident in self._own:
            self._errors += self._own.pop(ident)
        if ident in self._handed:
            self._raise(self._handed.pop(ident))

    def _depth_here(self) -> int:
        return self._depth if self._driver == get_ident() else 0

    def _in_role(self, begin: Callable[[], bool], target_us: Callable[[], int]) -> bool:
        """
        Takes the driver's role, runs what is due until the target, and goes back to the level it had before.

        Returns:
            False if `begin` did not get the role.
        """
        depth = self._depth_here()
        try:
            try:
                if not begin():
                    return False
                self._run_until(target_us())
                return True
            finally:
                self._end(depth)
        except BaseException:
            # Ctrl-C may have cut the first short; twice does no harm, and a role kept would lock all others out.
            self._end(depth)
            raise

    def _begin(self) -> bool:
        """
        Takes the driver's role, or one level more of it; False if another thread has it.
        """
        with self._lock:
            if self._driver not in {None, get_ident()}:
                # Another thread's jump or publish is over in a moment, unless what it runs waits for us.
                self._turn.wait_for(lambda: self._driver is None or not self._brief, timeout=_TURN_S)
            return self._take_over(brief=False)

    def _begin_in_passing(self) -> bool:
        with self._lock:
            return self._driver is None and self._take_over(brief=True)

    def _take_over(self, *, brief: bool) -> bool:
        """
        As `_begin`, under the lock and without waiting for a turn.
        """
        if self._driver is None:
            self._driver = get_ident()
            self._brief = brief
            self._chained = 0
            self._mark = self._timeline.numbers
        elif self._driver != get_ident():
            return False
        self._depth += 1
        return True

    def _end(self, depth: int) -> None:
        with self._lock:
            if self._driver != get_ident():
                return  # _run_next gave the role up in the moment in which it saw that nothing was left
            self._depth = depth
            if depth == 0:
                self._give_up()

    def _give_up(self) -> None:
        self._driver = None
        self._depth = 0
        self._brief = False
        self._turn.notify_all()

    def _run_until(self, target_us: int) -> None:
        while self._run_next(target_us):
            pass

    def _run_next(self, target_us: int) -> bool:
        timeline = self._timeline
        taken: Timer | None = None
        try:
            with self._lock:
                timer = timeline.head()
                if timer is None or timer._when_us > max(target_us, self._now_us):
                    self._move_to(target_us)
                    if self._depth == 1:
                        self._give_up()
                    return False
                self._move_to(timer._when_us)
                taken = timer
                timeline.take(timer)
            self._run_timer(timer)
            return True
        finally:
            if taken is not None and taken._callback is not None:
                # It did not run, or is a hint that was cut short, by Ctrl-C say: it is due again.
                with self._lock:
                    timeline.put(taken, self._now_us)

    def _move_to(self, when_us: int) -> None:
        if when_us > self._now_us:
            self._now_us = when_us
            self._chained = 0

    def _run_timer(self, timer: Timer) -> None:
        if timer._number > self._mark and timer._born_us == self._now_us:
            self._count_chained(timer)
        callback = timer._callback
        if callback is None:
            return
        if not timer._hint:
            timer._callback = None
        try:
            callback()
        except Exception as error:
            self._keep(error, self._own)
        timer._callback = None

    def _count_chained(self, timer: Timer) -> None:
        self._chained += 1
        self._chain.append(timer.whom)
        if self._chained > CALLBACKS_PER_INSTANT_MAX:
            self._chained = 0
            raise EndlessLoop(
                f"{CALLBACKS_PER_INSTANT_MAX:,} callbacks caused one another at one instant.",
                help=f"Time cannot move on. The last in the chain: {_shown(self._chain)}.",
            )

    # Errors.

    def _keep(self, error: Exception, where: dict[int, list[Exception]]) -> None:
        kept = where.setdefault(get_ident(), [])
        if len(kept) < ERRORS_KEPT_MAX:
            kept.append(error)
        else:
            self._errors_dropped += 1

    def hand_over(self, error: Exception) -> None:
        """
        For resources: an error of users' code that whoever drives the clock has to see.
        """
        self._keep(error, self._handed)

    def _take_own(self) -> list[Exception]:
        ident = get_ident()
        return [*self._handed.pop(ident, ()), *self._own.pop(ident, ())]

    def has_own_errors(self) -> bool:
        """
        For waits: whether something that this thread ran has failed.
        """
        ident = get_ident()
        return ident in self._own or ident in self._handed

    def raise_own_errors(self) -> None:
        """
        For waits: raises what callbacks raised that this thread ran.
        """
        if self.has_own_errors():
            self._raise(self._take_own())

    def raise_errors(self) -> None:
        """
        Raises what callbacks raised since the last time: one error as it is, several as an `ExceptionGroup`.

        `advance` and `settle` do this as they return; call it yourself after a run that ended in a `publish`.
        """
        errors, self._errors = self._errors, []
        errors = [*self._take_own(), *errors]
        if errors:
            self._raise(errors)

    def _raise(self, errors: list[Exception]) -> None:
        if len(errors) == 1 and not self._errors_dropped:
            raise errors[0]
        dropped, self._errors_dropped = self._errors_dropped, 0
        more = f", and {dropped} more that were not kept" if dropped else ""
        raise ExceptionGroup(f"{len(errors)} callbacks failed{more}", errors)


def _shown(chain: Iterable[str]) -> str:
    """
    The chain as text, with what repeats said once.
    """
    runs = [(name, len(list(run))) for name, run in itertools.groupby(chain)]
    return " -> ".join(name if count == 1 else f"{name} ({count} times)" for name, count in runs)
