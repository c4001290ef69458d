"""
Where a thread waits.
"""

from __future__ import annotations

import threading
from typing import Final

SLEEPER: Final = "a sleeper"
"""For whom a clock blocks in `sleep`: time is all that it waits for."""


class ThreadGate:
    """
    Where a thread waits. Opening it twice is opening it once.
    """

    __slots__ = ("_lock", "ident")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()
        self.ident = threading.get_ident()

    def wake(self) -> bool:
        """
        Opens the gate.
        """
        try:
            self._lock.release()
        except RuntimeError:  # it is open already
            return True
        return True

    def pass_(self, timeout: float | None) -> bool:
        """
        Waits up to `timeout` seconds of real time until the gate is open, and shuts it again.
        """
        return self._lock.acquire(timeout=-1 if timeout is None else timeout)
