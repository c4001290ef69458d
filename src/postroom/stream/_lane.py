"""
One shard as threads see it: its log, its lock, and who waits for it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postroom.clock import Waiters
    from postroom.stream._shard import ShardLog


class Lane:
    """
    A log with a lock of its own, so that producers to different shards do not wait for one another.

    Every reader has its own line of waiters, since each has its own position; a line stands in `waiting` while there is
    somebody in it. Everything here needs the lock.
    """

    __slots__ = ("lock", "log", "waiting")

    def __init__(self, log: ShardLog) -> None:
        self.lock: threading.Lock = threading.Lock()
        self.log: ShardLog = log
        self.waiting: dict[Waiters, None] = {}

    def wake(self, now: int) -> None:
        """
        Something came: all who wait are called, once each.
        """
        for waiters in list(self.waiting):
            waiters.balance(now)
            if not waiters:
                del self.waiting[waiters]

    def wake_all(self) -> None:
        """
        The stream was closed.
        """
        for waiters in self.waiting:
            waiters.wake_all()

    def after_fork_in_child(self) -> None:
        """
        Threads that waited were not copied.
        """
        for waiters in self.waiting:
            waiters.after_fork_in_child()
