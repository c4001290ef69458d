"""
Those who wait for one resource, and how they are woken.

Three forms stand in one line: threads, coroutines, and callbacks that fire once. A wake-up is a *hint*: whoever is
woken looks again, and may find that somebody else was faster. One rule keeps wake-ups from getting lost, whatever
is cancelled or interrupted:

    as many waiters hold a hint as there are things ready, or all of them do.

The resource calls `balance` under its lock after every change; whoever leaves the line, for whatever reason, is
taken off it and the rule is restored, which passes an unused hint on to the next.

So that a deadline in the resource (a delay, a visibility timeout) wakes waiters too, one alarm per resource stands
at the next of them, and only while somebody waits.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from postroom.clock._gate import ThreadGate
from postroom.errors import ResourceClosed

if TYPE_CHECKING:
    from postroom.clock._protocol import Clock
    from postroom.clock._timeline import Timer

T = TypeVar("T")


class Waiter(Protocol):
    """
    One that can be woken.
    """

    def wake(self) -> bool:
        """
        Wakes it; never blocks, never raises. False if it cannot be woken any more.
        """
        ...


class Registration:
    """
    A callback that waits to be called once, as `when_ready` hands it out.

    >>> from postroom import ManualClock, Queue
    >>> queue = Queue("orders", clock=ManualClock())
    >>> registration = queue.when_ready(lambda: print("there is something"))
    >>> sent = queue.send_message("2 x tea")
    there is something
    >>> registration.cancel()
    False
    """

    __slots__ = ("_callback", "_end", "_waiters")

    def __init__(self, waiters: Waiters, callback: Callable[[], object]) -> None:
        self._waiters = waiters
        self._callback: Callable[[], object] | None = callback
        self._end: Timer | None = None

    def wake(self) -> bool:
        """
        Has the clock call the callback.
        """
        try:
            self._waiters.clock.run(self._fire, self._waiters.whom, patient=True)
        except ResourceClosed:
            return False
        return True

    def _fire(self) -> None:
        try:
            self._call()
            self._leave()
        except BaseException:
            if self.active:
                self.wake()  # Ctrl-C: nothing was called yet, so once more from the start
            else:
                self._leave()
            raise

    def _call(self) -> None:
        firing, ident = self._waiters.firing, threading.get_ident()
        outer = firing.get(ident)
        firing[ident] = self
        try:
            callback, self._callback = self._callback, None
            if callback is not None:
                callback()
        finally:
            if outer is None:
                firing.pop(ident, None)
            else:
                firing[ident] = outer

    def _leave(self) -> None:
        if self._end is not None:
            self._end.cancel()
        self._waiters.leave(self)

    @property
    def active(self) -> bool:
        """
        Whether the callback is still to be called.
        """
        return self._callback is not None

    def cancel(self) -> bool:
        """
        Sees to it that the callback is not called, unless it was already.

        >>> from postroom import ManualClock, Queue
        >>> queue = Queue("orders", clock=ManualClock())
        >>> queue.when_ready(lambda: print("never")).cancel()
        True
        >>> sent = queue.send_message("2 x tea")

        Returns:
            Whether there was something to cancel.
        """
        cancelled, self._callback = self._callback is not None, None
        try:
            self._leave()
        except BaseException:
            self._leave()  # once more, for the reason that `Waiters.wait` has
            raise
        return cancelled


class Waiters:
    """
    The line of those who wait for one resource.

    >>> from postroom import ManualClock
    >>> clock, lock, box = ManualClock(), threading.Lock(), []
    >>> waiters = Waiters(clock, lock, lambda now: (len(box), None), "box")
    >>> registration = waiters.when_ready(lambda: print("there is", box.pop()), None)
    >>> with lock:
    ...     box.append("tea")
    ...     waiters.balance(clock.now_us())
    >>> clock.settle()
    there is tea

    Args:
        clock: Whose alarms and threads are used.
        lock: The resource's lock. Methods that say so need it held; the others take it.
        ready: Called under the lock with the present instant: how many things are ready, and when the next
            deadline could add one.
        whom: The resource's name, for people.
    """

    __slots__ = ("_alarm", "_hinted", "_idle", "_lock", "_ready", "clock", "firing", "whom")

    def __init__(
        self, clock: Clock, lock: threading.Lock, ready: Callable[[int], tuple[int, int | None]], whom: str
    ) -> None:
        self.clock: Clock = clock
        self.whom: str = whom
        self._lock = lock
        self._ready = ready
        # The first in is the first woken. A waiter is in one of the two.
        self._idle: OrderedDict[Waiter, None] = OrderedDict()
        self._hinted: dict[Waiter, None] = {}
        self._alarm: Timer | None = None
        self.firing: dict[int, Registration] = {}
        """Whose callback each thread is in."""

    def __bool__(self) -> bool:
        return bool(self._idle or self._hinted)

    def __len__(self) -> int:
        return len(self._idle) + len(self._hinted)

    def balance(self, now: int) -> None:
        """
        Restores the rule, and sets the alarm. Under the lock, after every change of the resource.
        """
        ready, deadline = self._ready(now)
        while self._idle and len(self._hinted) < ready:
            waiter = next(iter(self._idle))
            # Woken first, then noted: cut short in between by Ctrl-C, it is woken once too often, not once too seldom.
            if waiter.wake():
                self._hinted[waiter] = None
            del self._idle[waiter]  # not woken: its event loop is closed, nobody is there any more
        self._set_alarm(deadline)

    def _set_alarm(self, deadline: int | None) -> None:
        alarm = self._alarm
        if not self or deadline is None:
            if alarm is not None:
                alarm.cancel()
                self._alarm = None
        elif alarm is None or not alarm.active or alarm.when_us > deadline:
            if alarm is not None:
                alarm.cancel()
            try:
                self._alarm = self.clock.alarm(deadline, self._ring, self.whom)
            except ResourceClosed:
                self._alarm = None  # closing the clock has woken all who wait, to tell them

    def _ring(self) -> None:
        now = self.clock.now_us()
        with self._lock:
            self._alarm = None
            self.balance(now)

    def enter(self, waiter: Waiter) -> None:
        """
        Puts a waiter at the end of the line.
        """
        now = self.clock.now_us()
        with self._lock:
            self._idle[waiter] = None
            self.balance(now)

    def look_again(self, waiter: Waiter) -> None:
        """
        Takes the hint back from a waiter that is about to look; it keeps its place at the head of the line.
        """
        with self._lock:
            if waiter in self._hinted:
                # Back in front: it came before those who have no hint yet.
                self._idle[waiter] = None
                self._idle.move_to_end(waiter, last=False)
                del self._hinted[waiter]

    def note_look(self) -> None:
        """
        Under the lock, before `balance`: the calling thread has looked; if a callback did that, its hint is used up.
        """
        registration = self.firing.get(threading.get_ident())
        if registration is not None:
            self._hinted.pop(registration, None)

    def leave(self, waiter: Waiter) -> None:
        """
        Takes a waiter off the line, and passes its hint on.
        """
        now = self.clock.now_us()
        with self._lock:
            self._idle.pop(waiter, None)
            self._hinted.pop(waiter, None)
            self.balance(now)

    def wake_all(self) -> None:
        """
        Wakes everybody: the resource is closed. Under the lock.
        """
        for waiter in [*self._hinted, *self._idle]:
            waiter.wake()
        self._set_alarm(None)

    def wait(self, attempt: Callable[[], T | None], until: int) -> T | None:
        """
        Blocks the calling thread until an attempt finds something, or `until` has come.

        Args:
            attempt: Looks, without the lock; None if there is nothing. What it raises ends the wait.
            until: Microseconds since the epoch. What is ready at that very instant is still found.
        """
        gate = ThreadGate()
        try:
            return self._wait(gate, attempt, until)
        except BaseException:
            # Ctrl-C may have cut the leaving short; twice does no harm, and a gate left in line would keep its hint.
            self.leave(gate)
            raise

    def _wait(self, gate: ThreadGate, attempt: Callable[[], T | None], until: int) -> T | None:
        try:
            self.enter(gate)
            while True:
                self.look_again(gate)
                now = self.clock.now_us()  # before it looks: at the end, or after it, there is one look more
                found = attempt()
                if found is not None or now >= until:
                    return found
                self.clock.block(gate, until, self.whom)
        finally:
            self.leave(gate)

    def when_ready(self, callback: Callable[[], object], until: int | None) -> Registration:
        """
        Has the clock call the callback once, when something is ready or `until` has come.

        It keeps its hint until it has looked (`note_look`) or returned: so one thing ready wakes one of ten thousand and
        not all, and one that goes on for long after it has looked keeps nobody waiting.
        """
        registration = Registration(self, callback)
        try:
            if until is not None:
                registration._end = self.clock.alarm(until, registration.wake, self.whom)
            self.enter(registration)
        except BaseException:
            registration.cancel()  # nobody else could
            raise
        return registration

    def after_fork_in_child(self) -> None:
        """
        Forgets the threads that were not copied. Under the lock.
        """
        ident = threading.get_ident()
        for line in (self._idle, self._hinted):
            for waiter in [waiter for waiter in line if getattr(waiter, "ident", ident) != ident]:
                del line[waiter]
        if self._alarm is not None:
            # The clock's thread may have had it in hand, and was not copied either.
            self._alarm.cancel()
            self._alarm = None
        self.balance(self.clock.now_us())
