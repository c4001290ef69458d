"""
How far long work is, told to whoever asked.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final, Literal, Protocol, Self, TypeAlias

from postroom.clock._host import Host
from postroom.errors import InvalidInput

Progress: TypeAlias = Callable[[int, int], object] | Literal[True] | None
"""Told how many messages were handled and how many are left; True: a line on the standard error output; None: nobody."""

_PAUSE_NS: Final = 100_000_000


class _Sized(Protocol):
    def __len__(self) -> int: ...


def check_progress(progress: object) -> None:
    """
    Whether somebody can be told.

    >>> check_progress(print)

    Raises:
        InvalidInput: It is something else.
    """
    if progress is not None and progress is not True and not callable(progress):
        raise InvalidInput(
            f"progress={progress!r} cannot be called.",
            help="Give a function of two numbers, handled and left; or True, for a line on the standard error output.",
        )


class Telling:
    """
    Counts what was handled, and tells of it: of the first, of the last, and at most ten times a second in between.

    This is the one place in a queue that looks at real time. It is for people who watch, and nothing depends on it.

    >>> with Telling([], lambda handled, left: print(handled, left), lambda: 0) as telling:
    ...     for _ in range(1_000):
    ...         telling.one_more()
    1 0
    1000 0

    Args:
        queue: What is left, is there.
        progress: Who is told.
        host_ns: Real time, in nanoseconds.
    """

    def __init__(self, queue: _Sized, progress: Progress, host_ns: Callable[[], int] = Host.monotonic_ns) -> None:
        self._queue = queue
        self._progress = progress
        self._host_ns = host_ns
        self._next_ns = 0
        self._told = -1
        self._width = 0
        self.handled = 0
        """Messages."""

    def one_more(self) -> None:
        """
        One more was handled.
        """
        self.handled += 1
        if self._progress is None:
            return
        now = self._host_ns()
        if self._told < 0 or now >= self._next_ns:
            self._next_ns = now + _PAUSE_NS
            self._tell()

    def most(self, most: int, limit: int | None) -> int:
        """
        How many may come next: so many at a time, and no more than the limit in all.
        """
        return most if limit is None else min(most, limit - self.handled)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._progress is not None and self._told != self.handled:
            self._tell()
        if self._width:
            sys.stderr.write("\n")
            sys.stderr.flush()

    def _tell(self) -> None:
        self._told = self.handled
        left = len(self._queue)
        if callable(self._progress):
            self._progress(self.handled, left)
            return
        line = f"{self._queue}: {self.handled:,} handled, {left:,} left"
        sys.stderr.write(f"\r{line:<{self._width}}")
        sys.stderr.flush()
        self._width = len(line)
