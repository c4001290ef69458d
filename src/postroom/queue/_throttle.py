"""
How many calls a second AWS lets through to a FIFO queue (SQS 3.5).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable

from postroom.errors import RequestThrottled
from postroom.limits import FIFO_CALLS_PER_SECOND, SECOND_US


class Throttle:
    """
    Counts calls: at most so many of one operation within any second, on the queue or on one of its groups.

    Where AWS lets short bursts through, this does not: what a test sees does not depend on how fast it runs.

    Args:
        most: 300, as AWS has it, or otherwise.
    """

    __slots__ = ("_calls", "_many", "_most")

    def __init__(self, most: int = FIFO_CALLS_PER_SECOND) -> None:
        self._most = most
        self._calls: dict[Hashable, deque[int]] = {}
        # So many keys are kept before those that are of no use any more are dropped: each call pays O(1) for that.
        self._many = FIFO_CALLS_PER_SECOND

    def admit(self, now: int, keys: Iterable[Hashable]) -> None:
        """
        Counts one call under each of some keys, or refuses it and counts nothing.

        Args:
            now: Microseconds since the epoch.
            keys: The operation, or for each group that it is about the operation and the group.

        Raises:
            RequestThrottled: There were so many within the second before, under one of them.
        """
        if len(self._calls) > self._many:
            self._calls = {key: line for key, line in self._calls.items() if line and line[-1] + SECOND_US > now}
            self._many = 2 * len(self._calls) + FIFO_CALLS_PER_SECOND
        lines = [self._line(now, key) for key in keys]
        if any(len(line) >= self._most for line in lines):
            raise RequestThrottled(
                "The request was denied due to request throttling.",
                help=f"A FIFO queue takes {self._most} calls of one operation a second; batches count as one. "
                "fifo_throughput_limit='perMessageGroupId' counts each group by itself.",
            )
        for line in lines:
            line.append(now)

    def _line(self, now: int, key: Hashable) -> deque[int]:
        line = self._calls.get(key)
        if line is None:
            line = self._calls[key] = deque()
        while line and line[0] + SECOND_US <= now:
            line.popleft()
        return line
