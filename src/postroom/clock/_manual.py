"""
A clock that stands still until somebody moves it.

Three things drive it, one thread at a time (`_driving` has the rules): `advance` and its kin; the outermost call
of a resource, through `run_due`, which does what is due now and never moves time; and a wait, which moves time to
the next thing due (*autojump*), because nothing else can happen before that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import get_ident
from typing import TYPE_CHECKING, Final

from postroom.clock._driving import Driving
from postroom.clock._gate import SLEEPER
from postroom.clock._host import LATEST_US, Duration, Instant, to_datetime, to_instant_us, to_us
from postroom.errors import EndlessLoop, InvalidInput, WouldBlock
from postroom.limits import IDLE_JUMPS_MAX, JUMP_GRACE_S

if TYPE_CHECKING:
    from postroom.clock._aio import ManualClockAio
    from postroom.clock._protocol import AsyncGate, Gate
    from postroom.clock._timeline import Timer

_START: Final = 1_704_067_200  # 2024-01-01T00:00:00Z


class ManualClock(Driving):
    """
    A clock that stands still until you move it: no test that uses it has to sleep.

    What is due runs in order of time, then of registration, each at its own instant, on the thread that moves
    the clock. The clock starts no thread.

    >>> from datetime import timedelta
    >>> clock = ManualClock()
    >>> clock.datetime().isoformat()
    '2024-01-01T00:00:00+00:00'
    >>> _ = clock.call_at(clock.now_us() + 10_000_000, lambda: print("tea is ready at", clock.datetime().time()))
    >>> clock.advance(timedelta(hours=1))
    tea is ready at 00:00:10
    >>> clock.datetime().isoformat()
    '2024-01-01T01:00:00+00:00'

    A wait takes no real time: time moves to the next thing due, or to the wait's end (*autojump*).

    >>> from postroom import Queue
    >>> queue = Queue("orders", clock=clock)
    >>> sent = queue.send_message("2 x tea", delay=15)
    >>> [message] = queue.receive_messages(wait_time=20)
    >>> clock.datetime().isoformat()
    '2024-01-01T01:00:15+00:00'

    If only one thread ever used this clock, its wait jumps at once. With several threads nobody can know that the
    others are idle: a jump then comes after `grace` seconds of real time in which no call reached any resource on
    the clock.

    Args:
        start: The first instant: an aware `datetime` or seconds since the epoch.
        autojump: Whether waits move time. Without it they stay blocked until another thread advances.
        grace: Seconds of real time, 0 or more.

    Raises:
        InvalidInput: `start` has no time zone or is no time, or `grace` is negative.
    """

    def __init__(self, start: Instant = _START, autojump: bool = True, *, grace: float = JUMP_GRACE_S) -> None:
        super().__init__(to_instant_us(start, "start"))
        if not isinstance(autojump, bool):
            raise InvalidInput(f"autojump={autojump!r} is no bool.", help="Give True or False.")
        if to_us(grace, "grace") < 0:
            raise InvalidInput(f"grace={grace!r} is negative.", help="Give 0 or more seconds of real time.")
        self._autojump = autojump
        self._grace = float(grace)
        self.has_due: object = self._timeline.soon
        self._holds = 0
        self._held: dict[Callable[[], object], None] = {}
        self._activity = 0
        self._user: int | None = get_ident()  # making a clock is using it
        self._others: set[int] = set()
        self._progress = 0
        self._progress_seen = 0
        self._idle_jumps: dict[str, int] = {}
        self._aio: ManualClockAio | None = None

    def __repr__(self) -> str:
        shown = to_datetime(self._now_us).replace(tzinfo=None).isoformat(sep=" ")
        return f"<ManualClock {shown}{'' if self._autojump else ', autojump off'}, {len(self._timeline)} timers>"

    # Reading.

    def now_us(self) -> int:
        """
        Microseconds since the epoch.

        >>> ManualClock().now_us()
        1704067200000000
        """
        self._activity += 1
        ident = get_ident()
        if ident != self._user:
            self._meet(ident)
        return self._now_us

    def _meet(self, ident: int) -> None:
        if self._user is None:
            self._user = ident
        else:
            self._others.add(ident)
        threading.current_thread()  # makes a thread that Python did not start known to threading.enumerate

    def _alone(self) -> bool:
        """
        Whether the calling thread is the only living one that ever used this clock.
        """
        ident = get_ident()
        if ident == self._user and not self._others:
            return True
        # A thread that ended will not send anything any more; one with a reused number counts as alive.
        living = {thread.ident for thread in threading.enumerate()}
        self._others &= living
        if self._user not in living and self._user is not None:
            self._user = self._others.pop() if self._others else None
        if self._user is None:
            self._user = ident
        return ident == self._user and not self._others

    # Scheduling.

    def call_at(self, when_us: int, callback: Callable[[], object]) -> Timer:
        """
        Runs the callback when the clock gets to `when_us`; an instant in the past is due now.

        An error it raises reaches whoever calls `advance` or `settle`.

        >>> clock = ManualClock()
        >>> timer = clock.call_at(clock.now_us() + 1, lambda: print("now"))
        >>> clock.advance(1)
        now

        Args:
            when_us: Microseconds since the epoch.
            callback: Called without arguments, on the thread that drives the clock.
        """
        return self._add(when_us, callback, "", hint=False)

    def call_soon(self, callback: Callable[[], object]) -> Timer:
        """
        Runs the callback at the present instant, after what is due already.

        It runs when somebody next drives the clock: `advance`, `settle`, a wait, or any call of a resource on this
        clock as it returns.

        >>> clock = ManualClock()
        >>> timer = clock.call_soon(lambda: print("soon"))
        >>> clock.settle()
        soon
        """
        return self._add(self._now_us, callback, "", hint=False)

    def run(self, callback: Callable[[], object], whom: str = "", *, patient: bool = False) -> None:  # noqa: ARG002
        """
        Runs users' code. On this clock that is the same as `call_soon`: it runs in line, never on another thread.

        >>> clock = ManualClock()
        >>> clock.run(lambda: print("done"))
        >>> clock.settle()
        done
        """
        self._add(self._now_us, callback, whom, hint=False)

    def alarm(self, when_us: int, callback: Callable[[], object], whom: str) -> Timer:
        """
        For resources: a callback that cannot block and does no harm when it is run once more.
        """
        return self._add(when_us, callback, whom, hint=True)

    def _add(self, when_us: int, callback: Callable[[], object], whom: str, *, hint: bool) -> Timer:
        with self._lock:
            return self._timeline.add(when_us, callback, self._now_us, whom, hint=hint)

    # Driving.

    def advance(self, duration: Duration) -> None:
        """
        Moves time on and runs what falls due on the way, each at its own instant.

        Inside a handler it simulates slow work: what falls due meanwhile runs, and the `advance` around it ends
        where it was to end, or later.

        >>> clock = ManualClock()
        >>> clock.advance(0.1)
        >>> clock.advance(0.1)
        >>> clock.now_us() - ManualClock().now_us()
        200000

        Args:
            duration: Seconds, or a `timedelta`; 0 or more.

        Raises:
            InvalidInput: The duration is negative or no time; it is a `ValueError`.
            Busy: Another thread drives the clock.
            Exception: What a callback raised; an `ExceptionGroup` if several did.
        """
        span = to_us(duration)
        self._refuse_span(span, duration)
        self._drive(lambda: self._now_us + span)

    def _refuse_span(self, span_us: int, duration: Duration) -> None:
        if span_us < 0:
            raise InvalidInput(f"advance({duration!r}): time cannot go back.", help="Give 0 or more seconds.")
        if self._now_us + span_us > LATEST_US:
            raise InvalidInput(f"advance({duration!r}): that is beyond the year 9999.", help="Give fewer seconds.")

    def advance_to(self, instant: Instant) -> None:
        """
        Moves time to an instant, as `advance` does.

        >>> from datetime import UTC, datetime
        >>> clock = ManualClock()
        >>> clock.advance_to(datetime(2024, 2, 29, 12, tzinfo=UTC))
        >>> clock.datetime().isoformat()
        '2024-02-29T12:00:00+00:00'

        Args:
            instant: An aware `datetime`, or seconds since the epoch.

        Raises:
            InvalidInput: The instant is past or no time; it is a `ValueError`.
            Busy: Another thread drives the clock.
            Exception: What a callback raised; an `ExceptionGroup` if several did.
        """
        target = to_instant_us(instant)
        self._refuse_past(target)
        self._drive(lambda: target)

    def _refuse_past(self, target_us: int) -> None:
        if target_us < self._now_us:
            raise InvalidInput(
                f"advance_to: {to_datetime(target_us).isoformat()} is past: time cannot go back.",
                help=f"It is {to_datetime(self._now_us).isoformat()}.",
            )

    def advance_to_next(self) -> float | None:
        """
        Moves time to the next thing due: a callback, or a deadline in a resource on this clock.

        >>> from postroom import Queue
        >>> clock = ManualClock()
        >>> queue = Queue("orders", clock=clock)
        >>> sent = queue.send_message("2 x tea", delay=60)
        >>> clock.advance_to_next() == clock.now()
        True
        >>> len(queue.receive_messages())
        1

        Returns:
            The time it reached, in seconds since the epoch as `now` gives it; None if nothing is due, ever.

        Raises:
            Busy: Another thread drives the clock.
            Exception: What a callback raised; an `ExceptionGroup` if several did.
        """
        when = self._next_due_us()
        if when is None:
            self.settle()
            return None
        self._drive(lambda: when)
        return self.now()

    def _next_due_us(self) -> int | None:
        found = [source.next_wakeup(self._now_us) for source in self._live_sources()]
        found.append(self._next_timer_us())
        due = [when for when in found if when is not None]
        return max(min(due), self._now_us) if due else None

    def _next_timer_us(self) -> int | None:
        with self._lock:
            head = self._timeline.head()
            return None if head is None else head._when_us

    def settle(self) -> None:
        """
        Runs everything due at the present instant, also what that brings about, without moving time.

        >>> clock = ManualClock()
        >>> _ = clock.call_soon(lambda: clock.call_soon(lambda: print("the second")))
        >>> clock.settle()
        the second

        Raises:
            Busy: Another thread drives the clock.
            EndlessLoop: 10,000 callbacks caused one another without time moving.
            Exception: What a callback raised; an `ExceptionGroup` if several did.
        """
        self._drive(lambda: self._now_us)

    # Waiting.

    @contextmanager
    def hold(self) -> Generator[None]:
        """
        Forbids jumps as long as the block lasts, in every thread and event loop.

        Waits that come to rest meanwhile stay blocked until somebody advances the clock or the block ends.

        >>> clock = ManualClock()
        >>> with clock.hold():
        ...     clock.advance(1)  # moving time by hand is allowed
        """
        with self._lock:
            self._holds += 1
        try:
            yield
        finally:
            with self._lock:
                self._holds -= 1
                held = [] if self._holds else list(self._held)
                if held:
                    self._held.clear()
            for wake in held:
                wake()

    def may_jump(self) -> bool:
        """
        Whether waits may move time at present: `autojump` is on and nobody holds the clock.
        """
        return self._autojump and not self._holds

    def when_released(self, wake: Callable[[], object]) -> None:
        """
        For waits: calls `wake` when the last `hold` ends; at once if there is none.
        """
        with self._lock:
            if self._holds:
                self._held[wake] = None
                return
        if self._autojump:
            wake()

    def block(self, gate: Gate, until_us: int, whom: str) -> None:
        """
        For resources: blocks the thread until the gate opens or time has moved.

        Raises:
            WouldBlock: The thread drives the clock itself, and jumps are forbidden.
            EndlessLoop: 10,000 jumps were made for this resource in which nothing was sent or received.
        """
        self.now_us()
        end = self.alarm(until_us, gate.wake, whom)
        try:
            if self.has_due:
                # Another thread may have moved time past `until_us`, or past the resource's deadline, just before
                # their alarms were set: they are due now, and nobody else may come to run them.
                self.run_due()
            self._block(gate, whom)
        finally:
            end.cancel()
        if not self._depth_here():
            self.raise_own_errors()

    def _block(self, gate: Gate, whom: str) -> None:
        while not gate.pass_(0):
            seen = self._activity
            if not self.may_jump():
                if self._driver == get_ident():
                    raise WouldBlock(
                        f"{whom}: a wait inside a callback of a clock that may not jump.",
                        help="Nobody else can move time meanwhile: turn autojump on, leave hold(), or do not wait here.",
                    )
                self.when_released(gate.wake)
                gate.pass_(None)
                return
            if self._alone() or self._driver == get_ident():
                self.jump(whom)
            elif gate.pass_(self._grace):
                return
            elif seen == self._activity:
                self.jump(whom)
            if self.has_own_errors():
                return

    def jump(self, whom: str) -> bool:
        """
        For waits: moves time to the next callback due and runs what is due then.

        Returns:
            False if another thread drives the clock, or jumps are forbidden.

        Raises:
            EndlessLoop: 10,000 jumps were made for `whom` in which nothing was sent or received.
        """
        return self._in_role(lambda: self._begin_jump(whom), self._peek_us)

    def _begin_jump(self, whom: str) -> bool:
        # Under one hold of the lock: nothing may get between the look at what is next, or at `hold`, and the move.
        with self._lock:
            head = self._timeline.head()
            if head is None or not self.may_jump() or not self._take_over(brief=True):
                return False
            self._activity += 1
            if head._when_us > self._now_us:
                if whom != SLEEPER:  # it waits for time alone, and gets what it waits for
                    self._count_jump(whom)
                self._move_to(head._when_us)
            return True

    def _count_jump(self, whom: str) -> None:
        if self._progress != self._progress_seen:
            self._progress_seen = self._progress
            self._idle_jumps.clear()
        jumps = self._idle_jumps[whom] = self._idle_jumps.get(whom, 0) + 1
        if jumps > IDLE_JUMPS_MAX:
            self._idle_jumps.clear()
            raise EndlessLoop(
                f"{IDLE_JUMPS_MAX:,} jumps for {whom}, and nothing was sent or received.",
                help="A loop waits for what nobody sends: end it when a wait comes back empty.",
            )

    def note_progress(self) -> None:
        """
        For resources: something was sent or received, so whoever waits gets somewhere.
        """
        self._progress += 1

    # asyncio.

    @property
    def aio(self) -> ManualClockAio:
        """
        The awaited forms of `advance`, `advance_to`, `advance_to_next` and `settle`.

        They return when the tasks they woke are at rest again.

        >>> import asyncio
        >>> clock = ManualClock()
        >>> asyncio.run(clock.aio.advance(1))
        >>> clock.now_us() // 1_000_000
        1704067201
        """
        if self._aio is None:
            from postroom.clock._aio import ManualClockAio  # noqa: PLC0415 - asyncio is imported when it is used

            self._aio = ManualClockAio(self)
        return self._aio

    def await_begins(self, gate: AsyncGate) -> None:
        """
        For resources: a coroutine of the running loop is about to wait at this gate.
        """
        if self.has_due:
            self.run_due()  # for the same reason as in `block`
        self.aio.await_begins(gate)

    def await_ends(self, gate: AsyncGate) -> None:
        """
        For resources: it waits no longer.
        """
        self.aio.await_ends(gate)

    def _after_fork(self, *, in_child: bool) -> None:
        if in_child:
            # Whoever drove the clock or used it was not copied, but for the thread that forked.
            ident = get_ident()
            self._user, self._others = ident, set()
            if self._driver != ident:
                self._give_up()
            self._held.clear()
        super()._after_fork(in_child=in_child)
