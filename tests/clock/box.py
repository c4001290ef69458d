"""
A box: the smallest resource that can be waited for. Whoever gets an item takes it out.

It is written as a resource has to be: one instant per operation, all changes under its lock, `balance` after each
of them, and `run_due` as the operation returns.
"""

from __future__ import annotations

import heapq
import threading
from collections import deque
from collections.abc import Callable, Iterable

from postroom.clock import Clock, Due, Duration, Registration, Waiters, to_us
from postroom.clock._aio import wait
from postroom.errors import ResourceClosed


class Box:
    """
    Items that are ready at an instant, first in first out.

    Args:
        clock: Where it is registered as a source.
        name: For people.
    """

    def __init__(self, clock: Clock, name: str = "box") -> None:
        self.clock = clock
        self.name = name
        self.lock = threading.Lock()
        self.waiters = Waiters(clock, self.lock, self._ready, name)
        self.closed = False
        self.early: list[object] = []
        """What was handed out before its instant."""
        self.taken: list[object] = []
        """What was handed out, also to somebody whom Ctrl-C kept from telling: in a queue it would be in flight."""
        self._items: list[tuple[int, int, object]] = []
        self._due: deque[tuple[int, int, object]] = deque()
        self._number = 0
        clock.register(self)

    def _ready(self, now: int) -> tuple[int, int | None]:
        while self._items and self._items[0][0] <= now:
            self._due.append(heapq.heappop(self._items))
        return len(self._due), self._items[0][0] if self._items else None

    def put(self, item: object, delay: Duration = 0) -> None:
        """
        Puts an item in, to be ready in so many seconds.
        """
        now = self.clock.now_us()
        with self.lock:
            self._number += 1
            heapq.heappush(self._items, (now + to_us(delay), self._number, item))
            if self.waiters:
                self.waiters.balance(now)
        self.clock.note_progress()
        if self.clock.has_due:
            self.clock.run_due()

    def get(self) -> object | None:
        """
        Takes out what is ready first, or returns None.
        """
        now = self.clock.now_us()
        found = None
        with self.lock:
            if self.closed:
                raise ResourceClosed("The box is closed.", resource=self.name)
            if self._ready(now)[0]:
                at_us, _, found = self._due.popleft()
                self.taken.append(found)
                if at_us > self.clock.now_us():
                    self.early.append(found)
            if self.waiters:
                self.waiters.balance(now)
        if found is not None:
            self.clock.note_progress()
        if self.clock.has_due:
            self.clock.run_due()
        return found

    def wait(self, seconds: Duration) -> object | None:
        """
        Blocks the thread until there is an item, or `seconds` have passed.
        """
        return self.waiters.wait(self.get, self.clock.now_us() + to_us(seconds))

    async def await_(self, seconds: Duration) -> object | None:
        """
        The same for coroutines.
        """
        return await wait(self.waiters, self.get, self.clock.now_us() + to_us(seconds))

    def when_ready(self, callback: Callable[[], object], seconds: Duration | None = None) -> Registration:
        """
        Has the clock call back.
        """
        until = None if seconds is None else self.clock.now_us() + to_us(seconds)
        registration = self.waiters.when_ready(callback, until)
        if self.clock.has_due:
            self.clock.run_due()
        return registration

    def close(self) -> None:
        """
        Wakes all who wait with `ResourceClosed`.
        """
        with self.lock:
            self.closed = True
            self.waiters.wake_all()

    def check(self) -> None:
        """
        The rule of `Waiters`: as many hold a hint as there are things ready, or all of them do.
        """
        now = self.clock.now_us()
        with self.lock:
            idle, hinted = set(self.waiters._idle), set(self.waiters._hinted)
            ready, later = self._ready(now)
            alarm = self.waiters._alarm
        assert not idle & hinted, (idle, hinted)
        assert len(hinted) >= min(ready, len(idle) + len(hinted)), (ready, idle, hinted)
        if (idle or hinted) and later is not None:
            assert alarm is not None, "somebody waits, something falls due, and no alarm is set"
            assert alarm.active
            assert alarm.when_us <= later

    def left(self) -> int:
        """
        How many items are in it, ready or not.
        """
        return len(self._due) + len(self._items)

    # As a source.

    def next_wakeup(self, now: int) -> int | None:
        """
        When the next item becomes ready.
        """
        with self.lock:
            return self._ready(now)[1]

    def pending(self, now: int) -> Iterable[Due]:
        """
        A line for all that is not ready yet.
        """
        with self.lock:
            later = [at_us for at_us, _, _ in self._items if at_us > now]
        return [Due(min(later), self.name, f"{len(later)} not ready: ready")] if later else []

    def before_fork(self) -> None:
        """
        Takes the lock.
        """
        self.lock.acquire()

    def after_fork(self, *, in_child: bool) -> None:
        """
        Gives it back.
        """
        if in_child:
            self.waiters.after_fork_in_child()
        self.lock.release()
