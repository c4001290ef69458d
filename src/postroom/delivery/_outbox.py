"""
What has to happen elsewhere, in order, and never while a lock is held.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class Outbox:
    """
    Carries out hand-overs in the order in which the core reserved them.

    The core keeps what it reserved, in order; `next_up` takes the resource's lock, looks, and returns what has to be
    done for the first of them, or None. Draining happens *without* the lock, by one thread at a time; a thread that
    finds another draining goes on, so that order is kept and nobody waits. What a hand-over was for stays reserved
    until it was carried out: one that Ctrl-C interrupts is carried out by whoever drains next.

    >>> reserved = ["a", "b"]
    >>> outbox = Outbox(lambda: (lambda: print("hands over", reserved.pop(0))) if reserved else None)
    >>> outbox.drain()
    hands over a
    hands over b

    Args:
        next_up: Returns the next hand-over, or None if nothing is reserved. A hand-over must not raise: what fails, it
            takes back itself, and it has to end the reservation either way.
    """

    __slots__ = ("_again", "_draining", "_next_up")

    def __init__(self, next_up: Callable[[], Callable[[], object] | None]) -> None:
        self._next_up = next_up
        self._draining = threading.Lock()
        self._again = False

    def drain(self) -> None:
        """
        Carries out what is reserved, without the resource's lock, unless another thread is at it.
        """
        self._again = True
        # Whoever sets the flag after the last look of the thread that drains is served by the outer loop: either that
        # thread sees it, or the lock is free for this one.
        while self._again and self._draining.acquire(blocking=False):
            try:
                self._again = False
                while (hand_over := self._next_up()) is not None:
                    hand_over()
            finally:
                self._draining.release()

    def after_fork_in_child(self) -> None:
        """
        Whoever drained in another thread was not copied.
        """
        self._draining = threading.Lock()
