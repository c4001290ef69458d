"""
What has to happen elsewhere, in order, and never while a lock is held.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class Outbox:
    """
    Carries out hand-overs in the order in which the core reserved them.

    The core keeps what it reserved, in order. Draining happens *without* the lock, by one thread at a time; a thread that
    finds another draining goes on, so that order is kept and nobody waits. What a hand-over was for stays reserved
    until it was carried out: one that Ctrl-C interrupts is carried out by whoever drains next.

    >>> reserved = ["a", "b"]
    >>> outbox = Outbox()
    >>> outbox.drain(lambda: (lambda: print("hands over", reserved.pop(0))) if reserved else None)
    hands over a
    hands over b
    """

    __slots__ = ("_again", "_drainer", "_guard")

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._drainer: object | None = None
        self._again = False

    def drain(self, next_up: Callable[[], Callable[[], object] | None]) -> None:
        """
        Carries out what is reserved, without the resource's lock, unless another thread is at it.

        Args:
            next_up: Takes the resource's lock, looks, and returns the next hand-over, or None if nothing is reserved. A
                hand-over must not raise: what fails, it takes back itself, and it has to end the reservation either
                way. It is given here, as an outbox that knew its resource would keep it alive.
        """
        self._again = True
        # Whoever sets the flag after the last look of the thread that drains is served by the outer loop: either that
        # thread sees it, or the role is free for this one. A role is given up by whoever has it, also when Ctrl-C comes
        # before this knows that it got it; a lock taken by `acquire` would stay shut then.
        me = object()
        while self._again:
            try:
                with self._guard:
                    if self._drainer is None:
                        self._drainer = me
                if self._drainer is not me:
                    return
                self._again = False
                while (hand_over := next_up()) is not None:
                    hand_over()
            finally:
                if self._drainer is me:
                    self._drainer = None

    def after_fork_in_child(self) -> None:
        """
        Whoever drained in another thread was not copied.
        """
        self._guard = threading.Lock()
        self._drainer = None
