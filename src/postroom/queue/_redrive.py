"""
A queue as the dead-letter queue of others: whose letters it takes, and whose it is (SQS 7.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from postroom.queue._face import C
from postroom.queue._frame import QueueFrame

if TYPE_CHECKING:
    from postroom.queue._attribute_checks import RedrivePermission


class DeadLetterSide(QueueFrame[C]):
    """
    Not for users: see `Queue`.
    """

    @property
    def redrive_permission(self) -> RedrivePermission:
        """
        Whose dead letters it takes: ``allowAll``, ``denyAll``, or ``byQueue``: of `redrive_source_queues`.
        """
        return self._redrive_allow[0]

    @property
    def redrive_source_queues(self) -> tuple[str, ...]:
        """
        The ARNs of the queues whose dead letters it takes, if it takes not everybody's.
        """
        return self._redrive_allow[1]

    def dead_letter_source_queues(self) -> list[DeadLetterSide[Any]]:
        """
        The queues whose dead-letter queue it is, by name (ListDeadLetterSourceQueues, SQS 7.3).

        >>> from postroom import ManualClock, Queue
        >>> clock = ManualClock()
        >>> dead = Queue("dead", clock=clock)
        >>> queue = Queue("orders", clock=clock, dead_letter_queue=dead, max_receive_count=3)
        >>> dead.dead_letter_source_queues() == [queue]
        True
        """
        with self._lock:
            known = [one() for one in self._sources.values()]
        found = [one for one in known if one is not None and not one.closed and one._dead_letter_queue is self]
        return sorted(found, key=lambda one: one.name)

    def _note_source(self, source: DeadLetterSide[Any]) -> None:
        with self._lock:
            self._sources[source.arn] = ref(source)

    def _forget_source(self, source: DeadLetterSide[Any]) -> None:
        with self._lock:
            known = self._sources.get(source.arn)
            if known is not None and known() is source:
                del self._sources[source.arn]
