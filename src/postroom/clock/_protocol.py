"""
What a clock is to the resources that live by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from postroom.clock._host import Duration
    from postroom.clock._timeline import Due, Timer


class Source(Protocol):
    """
    A resource with deadlines of its own: a queue's delays, timeouts and retention.

    A clock keeps sources weakly and asks them only when somebody wants to know what is next; there is no timer
    per message.
    """

    def next_wakeup(self, now: int) -> int | None:
        """
        When something falls due in it next, in microseconds since the epoch, or None.
        """
        ...

    def pending(self, now: int) -> Iterable[Due]:
        """
        What falls due in it, for people: a line per kind, not per message.
        """
        ...

    def before_fork(self) -> None:
        """
        Takes the lock, so that the process is not copied in the middle of an operation.
        """
        ...

    def after_fork(self, *, in_child: bool) -> None:
        """
        Gives the lock back; in the child, forgets the waiters of threads that were not copied.
        """
        ...


class Gate(Protocol):
    """
    Where a thread waits: shut until somebody wakes it.
    """

    def wake(self) -> bool:
        """
        Opens it, from any thread; False if nobody can be woken there any more.
        """
        ...

    def pass_(self, timeout: float | None) -> bool:
        """
        Waits up to `timeout` seconds of real time (None: without end) until it is open, and shuts it again.
        """
        ...


class AsyncGate(Protocol):
    """
    Where a coroutine waits.
    """

    whom: str

    def wake(self) -> bool:
        """
        As `Gate.wake`.
        """
        ...

    def fail(self, error: BaseException) -> None:
        """
        Raises the error in the coroutine.
        """
        ...


@runtime_checkable
class Clock(Protocol):
    """
    Where "now" comes from, and who runs what falls due. `SystemClock` and `ManualClock` are the two there are.

    Time is an `int`, microseconds since the epoch, UTC. A resource takes one instant per operation from
    `now_us` and passes it down to its core.

    >>> from postroom import Clock, ManualClock, SystemClock
    >>> isinstance(ManualClock(), Clock), isinstance(SystemClock(), Clock)
    (True, True)
    """

    @property
    def has_due(self) -> object:
        """
        True-ish when `run_due` has something to do; looked at after each operation, so it has to be cheap.
        """
        ...

    def now_us(self) -> int:
        """
        Microseconds since the epoch.
        """
        ...

    def now(self) -> float:
        """
        Seconds since the epoch, for people: nothing inside postroom computes with it.
        """
        ...

    def datetime(self) -> datetime:
        """
        The same as an aware `datetime` in UTC.
        """
        ...

    def call_at(self, when_us: int, callback: Callable[[], object]) -> Timer:
        """
        Runs the callback at an instant; one in the past is due at once.
        """
        ...

    def call_soon(self, callback: Callable[[], object]) -> Timer:
        """
        Runs the callback as soon as the clock gets to it.
        """
        ...

    def call_later(self, delay: Duration, callback: Callable[[], object]) -> Timer:
        """
        Runs the callback after so many seconds.
        """
        ...

    def sleep(self, duration: Duration) -> None:
        """
        Blocks the calling thread for so many seconds of this clock's time.
        """
        ...

    def run(self, callback: Callable[[], object], whom: str = "", *, patient: bool = False) -> None:
        """
        Runs users' code: a handler, a transformer, a request. It may block.

        If no thread can be had for it, `Busy` is raised, or, being patient, it waits until there is one.
        """
        ...

    def alarm(self, when_us: int, callback: Callable[[], object], whom: str) -> Timer:
        """
        For resources: a callback that cannot block and does no harm when it is run once more.
        """
        ...

    def run_due(self) -> None:
        """
        For resources, after an operation: does what is due now, if this is for the calling thread to do.
        """
        ...

    def block(self, gate: Gate, until_us: int, whom: str) -> None:
        """
        For resources: blocks the thread until the gate opens, time has moved, or `until_us` has come.
        """
        ...

    def await_begins(self, gate: AsyncGate) -> None:
        """
        For resources: a coroutine of the running loop is about to wait at this gate.
        """
        ...

    def await_ends(self, gate: AsyncGate) -> None:
        """
        For resources: it waits no longer.
        """
        ...

    def note_progress(self) -> None:
        """
        For resources: something was sent or received.
        """
        ...

    def hand_over(self, error: Exception) -> None:
        """
        For resources: an error of users' code that whoever drives the clock has to see.
        """
        ...

    def next_sequence(self) -> int:
        """
        For resources: the number of the next observation.
        """
        ...

    def register(self, source: Source) -> None:
        """
        For resources: keeps the source, weakly, to be asked what is next.
        """
        ...

    def pending(self) -> list[Due]:
        """
        What is due, when and for whom, in order, for people to read.
        """
        ...

    @property
    def aio(self) -> Any:
        """
        The forms of the waiting calls that coroutines await.
        """
        ...
