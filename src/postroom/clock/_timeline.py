"""
What is due, in order: timers on a heap, cancelled ones dropped when they come up.

Time order decides, then the order of registration. A cancelled timer stays on the heap until it reaches the
top; when more than half of the heap is cancelled ones, it is built anew, so that a program that arms and
cancels forever keeps a heap of the size of what is alive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple

from postroom.clock._host import to_datetime
from postroom.errors import InvalidInput

_FLOOR: Final = 64


class Due(NamedTuple):
    """
    Something that falls due, for people to read.

    >>> print(Due(1_704_067_230_000_000, "queue orders", "1 in flight: visible again"))
    2024-01-01 00:00:30  queue orders: 1 in flight: visible again
    """

    at_us: int
    """When, in microseconds since the epoch."""
    whom: str
    """The resource or callback it concerns."""
    what: str
    """What will happen."""

    def to_dict(self) -> dict[str, int | str]:
        """
        As a plain dict.

        >>> Due(1_704_067_230_000_000, "queue orders", "1 in flight").to_dict()["whom"]
        'queue orders'
        """
        return self._asdict()

    def __str__(self) -> str:
        shown = to_datetime(self.at_us).replace(tzinfo=None).isoformat(sep=" ")
        return f"{shown}  {self.whom}: {self.what}" if self.what else f"{shown}  {self.whom}"


class Timer:
    """
    One callback at one instant, as `Clock.call_at` hands it out.

    >>> from postroom import ManualClock
    >>> clock = ManualClock()
    >>> timer = clock.call_soon(lambda: print("never"))
    >>> timer.cancel(), timer.active
    (True, False)
    >>> clock.settle()
    """

    __slots__ = ("__weakref__", "_born_us", "_callback", "_hint", "_line", "_number", "_when_us", "_whom")

    def __init__(
        self, when_us: int, callback: Callable[[], object], number: int, born_us: int, whom: str, hint: bool
    ) -> None:
        self._when_us = when_us
        self._callback: Callable[[], object] | None = callback
        self._number = number
        self._born_us = born_us
        self._whom = whom
        self._hint = hint
        self._line: Timeline | None = None

    @property
    def when_us(self) -> int:
        """
        When it is due, in microseconds since the epoch.
        """
        return self._when_us

    @property
    def active(self) -> bool:
        """
        Whether it still waits: neither run nor cancelled.
        """
        return self._callback is not None

    @property
    def whom(self) -> str:
        """
        The resource or the callback it is for.
        """
        return self._whom or _name_of(self._callback)

    def cancel(self) -> bool:
        """
        Sees to it that the callback does not run, unless it already runs or ran.

        >>> from postroom import ManualClock
        >>> clock = ManualClock()
        >>> clock.call_later(1, lambda: print("never")).cancel()
        True
        >>> clock.advance(1)

        Returns:
            Whether there was something to cancel.
        """
        if self._callback is None:
            return False
        self._callback = None
        if self._line is not None:
            self._line.forget_one()
        return True

    def __repr__(self) -> str:
        return f"<Timer {Due(self._when_us, self.whom, '' if self.active else 'over')}>"


class Timeline:
    """
    Timers in the order in which they are due. Not thread-safe: the clock holds its lock around each call.

    Adding costs O(log n), or O(1) for what is due at once; taking the next O(log n) amortised.
    """

    __slots__ = ("_heap", "_stale", "numbers", "soon")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Timer]] = []
        self.numbers = 0
        """The number of the newest timer."""
        self._stale = 0
        self.soon: list[tuple[int, int, Timer]] = []
        """What was due when it was added, in order; shared so that a driver can ask cheaply whether there is any."""

    def add(self, when_us: int, callback: Callable[[], object], now_us: int, whom: str, *, hint: bool) -> Timer:
        """
        A new timer; one in the past is due now.
        """
        if not callable(callback):
            raise InvalidInput(f"{callback!r} cannot be called.", help="Give a callable that takes no arguments.")
        if type(when_us) is not int:
            raise InvalidInput(
                f"when_us={when_us!r} is no whole number of microseconds.",
                help="Take clock.now_us() + n, or use clock.call_later(seconds, callback).",
            )
        self.numbers += 1
        timer = Timer(max(when_us, now_us), callback, self.numbers, now_us, whom, hint)
        timer._line = self
        self.put(timer, now_us)
        return timer

    def put(self, timer: Timer, now_us: int) -> None:
        """
        Puts a timer in its place, also one that was taken out and has to run again.
        """
        entry = (timer._when_us, timer._number, timer)
        # Times only grow, so what is due now is added in order already: a list that is a heap by itself.
        if timer._when_us <= now_us and (not self.soon or self.soon[-1] < entry):
            self.soon.append(entry)
        else:
            heappush(self._heap, entry)
            if self._stale > _FLOOR and self._stale * 2 > len(self._heap):
                self._rebuild()

    def forget_one(self) -> None:
        """
        Notes that a timer was cancelled and lies on the heap for nothing.
        """
        self._stale += 1

    def _rebuild(self) -> None:
        self._heap[:] = [entry for entry in self._heap if entry[2]._callback is not None]
        heapify(self._heap)
        self._stale = 0

    def head(self) -> Timer | None:
        """
        The timer that is next, left in place.
        """
        heap, soon = self._heap, self.soon
        while heap and heap[0][2]._callback is None:
            heappop(heap)
            self._stale -= 1
        while soon and soon[0][2]._callback is None:
            heappop(soon)
            self._stale -= 1
        if soon and (not heap or soon[0] < heap[0]):
            return soon[0][2]
        return heap[0][2] if heap else None

    def take(self, timer: Timer) -> None:
        """
        Takes the head out.
        """
        heappop(self.soon if self.soon and self.soon[0][2] is timer else self._heap)

    def __iter__(self) -> Iterator[Timer]:
        return (entry[2] for entry in sorted([*self.soon, *self._heap]) if entry[2]._callback is not None)

    def __len__(self) -> int:
        return len(self.soon) + len(self._heap)


def _name_of(callback: Callable[[], object] | None) -> str:
    if callback is None:
        return "a callback"
    return getattr(callback, "__qualname__", None) or repr(callback)
