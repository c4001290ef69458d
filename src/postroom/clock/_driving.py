"""
Who runs what is due on a `ManualClock`, and what becomes of its errors.

One thread at a time *drives*: it takes what is due off the timeline and runs it, in line, each at its own
instant. Who drives is `_driver`; only the lock's holder looks at it and changes it, and a driver gives the role
up in the same moment in which it sees that nothing more is due, so that nothing added meanwhile is left lying.
A driver may drive once more inside a callback (`_depth`): `advance` in a handler simulates slow work.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from threading import get_ident
from typing import TYPE_CHECKING, Final

from postroom.clock._base import BaseClock
from postroom.errors import Busy, EndlessLoop
from postroom.limits import CALLBACKS_PER_INSTANT_MAX, ERRORS_KEPT_MAX

if TYPE_CHECKING:
    from postroom.clock._timeline import Timer

_CHAIN_SHOWN: Final = 12
_TURN_S: Final = 1.0
"""Seconds of real time for which `advance` waits for another thread's jump, which is over in a moment."""


class Driving(BaseClock):
    """
    Not for users: see `ManualClock`.
    """

    def __init__(self, start_us: int) -> None:
        super().__init__(threading.Lock())
        self._now_us = start_us
        self._driver: int | None = None
        self._depth = 0
        self._jumping = False
        self._turn = threading.Condition(self._lock)
        self._chain: deque[str] = deque(maxlen=_CHAIN_SHOWN)
        self._chained = 0
        self._mark = 0
        self._errors: list[Exception] = []
        self._errors_dropped = 0
        self._handed: list[Exception] = []

    def _peek_us(self) -> int:
        return self._now_us

    def _drive(self, target_us: Callable[[], int]) -> None:
        self.now_us()
        if not self._begin(jump=False):
            raise Busy(
                "Another thread drives this clock.",
                help="One thread at a time advances a ManualClock; join the other one, or give each its own clock.",
            )
        try:
            self._run_until(target_us())
        finally:
            self._end()
        if not self._depth_here():
            self.raise_errors()

    def run_due(self) -> None:
        """
        For resources, after an operation: does what is due now, if no thread drives the clock already.

        Raises only what a `Function` with ``on_error="raise"`` handed over; errors of plain callbacks are kept for
        the next `advance` or `settle`.
        """
        with self._lock:
            if self._driver is not None:
                return
            self._take_over(jump=False)
            self._depth = 1
        try:
            self._run_until(self._now_us)
        finally:
            self._end()
        if self._handed:
            self._raise(self._take_handed())

    def _depth_here(self) -> int:
        return self._depth if self._driver == get_ident() else 0

    def _begin(self, *, jump: bool) -> bool:
        """
        Takes the driver's role, or one level more of it; False if another thread has it.
        """
        ident = get_ident()
        with self._lock:
            if self._driver not in {None, ident} and not jump:
                # Another thread's jump is over in a moment, unless what it runs waits for us.
                self._turn.wait_for(lambda: self._driver is None or not self._jumping, timeout=_TURN_S)
            if self._driver is None:
                self._take_over(jump=jump)
            elif self._driver != ident:
                return False
            self._depth += 1
            return True

    def _take_over(self, *, jump: bool) -> None:
        self._driver = get_ident()
        self._jumping = jump
        self._chained = 0
        self._mark = self._timeline.numbers

    def _end(self) -> None:
        with self._lock:
            if self._driver != get_ident():
                return  # _run_until gave the role up in the moment in which it saw that nothing was left
            self._depth -= 1
            if self._depth == 0:
                self._give_up()

    def _give_up(self) -> None:
        self._driver = None
        self._depth = 0
        self._jumping = False
        self._turn.notify_all()

    def _run_until(self, target_us: int) -> None:
        timeline = self._timeline
        while True:
            with self._lock:
                timer = timeline.head()
                if timer is None or timer._when_us > max(target_us, self._now_us):
                    self._move_to(target_us)
                    if self._depth == 1:
                        self._give_up()
                    return
                self._move_to(timer._when_us)
                timeline.take(timer)
            try:
                self._run_timer(timer)
            finally:
                if timer._callback is not None:
                    # It did not run, or is a hint that was cut short, by Ctrl-C say: it is due again.
                    with self._lock:
                        timeline.put(timer, self._now_us)

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
            self._keep(error)
        timer._callback = None

    def _count_chained(self, timer: Timer) -> None:
        self._chained += 1
        self._chain.append(timer.whom)
        if self._chained > CALLBACKS_PER_INSTANT_MAX:
            self._chained = 0
            raise EndlessLoop(
                f"{CALLBACKS_PER_INSTANT_MAX:,} callbacks caused one another at one instant.",
                help=f"Time cannot move on. The last in the chain: {' -> '.join(self._chain)}.",
            )

    # Errors.

    def _keep(self, error: Exception) -> None:
        if len(self._errors) < ERRORS_KEPT_MAX:
            self._errors.append(error)
        else:
            self._errors_dropped += 1

    def hand_over(self, error: Exception) -> None:
        """
        For resources: an error of users' code that whoever drives the clock has to see.
        """
        if len(self._handed) < ERRORS_KEPT_MAX:
            self._handed.append(error)
        else:
            self._errors_dropped += 1

    def raise_errors(self) -> None:
        """
        Raises what callbacks raised since the last time: one error as it is, several as an `ExceptionGroup`.

        `advance`, `settle` and waits do this as they return; call it yourself after a run that ended in a `publish`.
        """
        if self._errors or self._handed:
            errors = [*self._take_handed(), *self._errors]
            self._errors = []
            self._raise(errors)

    def _take_handed(self) -> list[Exception]:
        errors, self._handed = self._handed, []
        return errors

    def _raise(self, errors: list[Exception]) -> None:
        if len(errors) == 1 and not self._errors_dropped:
            raise errors[0]
        dropped, self._errors_dropped = self._errors_dropped, 0
        more = f", and {dropped} more that were not kept" if dropped else ""
        raise ExceptionGroup(f"{len(errors)} callbacks failed{more}", errors)
