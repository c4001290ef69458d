"""
The queues of a region: made, found, listed and deleted by name (SQS 8).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Never, TypeVar

from postroom.errors import InvalidInput, QueueDeletedRecently, QueueDoesNotExist, QueueNameExists
from postroom.limits import NAME_PAUSE_US, SECOND_US
from postroom.naming import Arn
from postroom.observe import find_destination
from postroom.queue import FifoQueue, Queue
from postroom.region._makers import Makers

if TYPE_CHECKING:
    from postroom.clock import Duration
    from postroom.observe import Destination
    from postroom.queue import DeduplicationScope, Limits, RedrivePermission, ThroughputLimit

Q = TypeVar("Q", Queue, FifoQueue)

_ATTRIBUTES: Final = {
    "visibility_timeout": "VisibilityTimeout",
    "delay": "DelaySeconds",
    "retention": "MessageRetentionPeriod",
    "receive_message_wait_time": "ReceiveMessageWaitTimeSeconds",
    "maximum_message_size": "MaximumMessageSize",
    "dead_letter_queue": "RedrivePolicy",
    "max_receive_count": "RedrivePolicy",
    "redrive_permission": "RedriveAllowPolicy",
    "redrive_source_queues": "RedriveAllowPolicy",
    "content_based_deduplication": "ContentBasedDeduplication",
    "deduplication_scope": "DeduplicationScope",
    "fifo_throughput_limit": "FifoThroughputLimit",
}


class QueueMakers(Makers):
    """
    Not for users: see `Region`.
    """

    def queue(
        self,
        name: str,
        *,
        visibility_timeout: Duration | None = None,
        delay: Duration | None = None,
        retention: Duration | None = None,
        receive_message_wait_time: Duration | None = None,
        maximum_message_size: int | None = None,
        dead_letter_queue: Destination | str | None = None,
        max_receive_count: int | None = None,
        redrive_permission: RedrivePermission | None = None,
        redrive_source_queues: Iterable[Destination | str] | None = None,
        tags: Mapping[str, str] | None = None,
        limits: Limits | None = None,
        **_not_there: Never,
    ) -> Queue:
        """
        The standard queue of that name: made now, or the one that is there.

        >>> from postroom import ManualClock, Region
        >>> region = Region(clock=ManualClock())
        >>> dead = region.queue("orders-dead")
        >>> orders = region.queue("orders", dead_letter_queue=dead, max_receive_count=3)
        >>> orders.max_receive_count
        3
        >>> region.queue("orders", dead_letter_queue="orders-dead", max_receive_count=3) is orders
        True

        Args:
            name: 1 to 80 letters, digits, hyphens or underscores.
            visibility_timeout: As for `Queue`, and so are the others: None is the default for a queue that is made, and
                not compared with one that is there.
            delay: Seconds a new message stays hidden, 0 to 900.
            retention: Seconds after which a message vanishes, 60 to 1209600.
            receive_message_wait_time: Seconds a receive waits that does not say, 0 to 20.
            maximum_message_size: Bytes, 1024 to 1048576.
            dead_letter_queue: Where a message goes that was received `max_receive_count` times: a queue, or the name or ARN
                of one in the region.
            max_receive_count: 1 to 1000.
            redrive_permission: ``allowAll``, ``denyAll`` or ``byQueue``.
            redrive_source_queues: With ``byQueue``, one to ten queues or ARNs.
            tags: Keys and values of a queue that is made; not compared with those of one that is there.
            limits: What arguments of a queue that is made are held to; AWS's unless given.

        Raises:
            QueueNameExists: It is there, and something given differs.
            QueueDeletedRecently: It was deleted less than 60 seconds ago.
            QueueDoesNotExist: The dead-letter queue is not there.
            InvalidInput: Something is given that is the region's: its clock, seed or faults.
            ResourceClosed: The region is closed.
        """
        given: dict[str, Any] = {
            "visibility_timeout": visibility_timeout,
            "delay": delay,
            "retention": retention,
            "receive_message_wait_time": receive_message_wait_time,
            "maximum_message_size": maximum_message_size,
            "dead_letter_queue": find_destination(dead_letter_queue, self),
            "max_receive_count": max_receive_count,
            "redrive_permission": redrive_permission,
            "redrive_source_queues": redrive_source_queues,
        }
        more: dict[str, Any] = {**_not_there, "limits": limits, "tags": tags}
        return self._queue("queue", Queue, name, given, more)

    def fifo_queue(
        self,
        name: str,
        *,
        visibility_timeout: Duration | None = None,
        delay: Duration | None = None,
        retention: Duration | None = None,
        receive_message_wait_time: Duration | None = None,
        maximum_message_size: int | None = None,
        content_based_deduplication: bool | None = None,
        deduplication_scope: DeduplicationScope | None = None,
        fifo_throughput_limit: ThroughputLimit | None = None,
        throttle: bool = False,
        dead_letter_queue: Destination | str | None = None,
        max_receive_count: int | None = None,
        redrive_permission: RedrivePermission | None = None,
        redrive_source_queues: Iterable[Destination | str] | None = None,
        tags: Mapping[str, str] | None = None,
        limits: Limits | None = None,
        **_not_there: Never,
    ) -> FifoQueue:
        """
        The FIFO queue of that name: made now, or the one that is there.

        >>> from postroom import ManualClock, Region
        >>> region = Region(clock=ManualClock())
        >>> orders = region.fifo_queue("orders.fifo", content_based_deduplication=True)
        >>> region.fifo_queue("orders.fifo") is orders
        True

        Args:
            name: 1 to 80 letters, digits, hyphens or underscores, the last five of which are ``.fifo``.
            visibility_timeout: As for `FifoQueue`, and so are the others: None is the default for a queue that is made, and
                not compared with one that is there.
            delay: Seconds a new message stays hidden, 0 to 900.
            retention: Seconds after which a message vanishes, 60 to 1209600.
            receive_message_wait_time: Seconds a receive waits that does not say, 0 to 20.
            maximum_message_size: Bytes, 1024 to 1048576.
            content_based_deduplication: Whether the SHA-256 of a body is its deduplication id unless one is given.
            deduplication_scope: ``queue`` or ``messageGroup``.
            fifo_throughput_limit: ``perQueue`` or ``perMessageGroupId``.
            throttle: Whether calls beyond AWS's 300 a second are refused, of a queue that is made.
            dead_letter_queue: Where a message goes that was received `max_receive_count` times: a FIFO queue, or the name or
                ARN of one in the region.
            max_receive_count: 1 to 1000.
            redrive_permission: ``allowAll``, ``denyAll`` or ``byQueue``.
            redrive_source_queues: With ``byQueue``, one to ten queues or ARNs.
            tags: Keys and values of a queue that is made; not compared with those of one that is there.
            limits: What arguments of a queue that is made are held to; AWS's unless given.

        Raises:
            QueueNameExists: It is there, and something given differs.
            QueueDeletedRecently: It was deleted less than 60 seconds ago.
            QueueDoesNotExist: The dead-letter queue is not there.
            InvalidInput: Something is given that is the region's: its clock, seed or faults.
            ResourceClosed: The region is closed.
        """
        given: dict[str, Any] = {
            "visibility_timeout": visibility_timeout,
            "delay": delay,
            "retention": retention,
            "receive_message_wait_time": receive_message_wait_time,
            "maximum_message_size": maximum_message_size,
            "content_based_deduplication": content_based_deduplication,
            "deduplication_scope": deduplication_scope,
            "fifo_throughput_limit": fifo_throughput_limit,
            "dead_letter_queue": find_destination(dead_letter_queue, self),
            "max_receive_count": max_receive_count,
            "redrive_permission": redrive_permission,
            "redrive_source_queues": redrive_source_queues,
        }
        more: dict[str, Any] = {**_not_there, "limits": limits, "tags": tags, "throttle": throttle}
        return self._queue("fifo_queue", FifoQueue, name, given, more)

    def _queue(
        self,
        operation: str,
        kind: type[Q],
        name: str,
        given: dict[str, Any],
        more: Mapping[str, Any],
    ) -> Q:
        self._refuse_given(operation, more)
        given = {key: value for key, value in given.items() if value is not None}
        wanted = kind(name, home=self, faults=self._faults, **given, **more)
        self._refuse_deleted(operation, name)
        queue = self._keep(wanted)
        # The one that was made in vain has told its dead-letter queue of itself.
        queue._note_targets(None, queue.dead_letter_queue)
        for key in given:
            if getattr(queue, key) != getattr(wanted, key):
                raise QueueNameExists(
                    "A queue already exists with the same name and a different value for attribute " + _ATTRIBUTES[key],
                    help=f"{key} of {name} is {getattr(queue, key)!r}, not {getattr(wanted, key)!r}.",
                    operation=operation,
                    resource=name,
                )
        return queue

    def _refuse_deleted(self, operation: str, name: str) -> None:
        now = self._clock.now_us()
        with self._lock:
            deleted_at = self._deleted.get(name)
            if deleted_at is not None and now - deleted_at >= NAME_PAUSE_US:
                del self._deleted[name]
                deleted_at = None
        if deleted_at is not None:
            left = (deleted_at + NAME_PAUSE_US - now) / SECOND_US
            raise QueueDeletedRecently(
                "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
                help=f"The name is free in {left:.1f} s.",
                operation=operation,
                resource=name,
            )

    def delete_queue(self, name: str) -> None:
        """
        Deletes the queue of that name with all that is in it; for 60 seconds there can be no other of the name (SQS 8.2).

        >>> from postroom import ManualClock, Region
        >>> clock = ManualClock()
        >>> region = Region(clock=clock)
        >>> orders = region.queue("orders")
        >>> region.delete_queue("orders")
        >>> orders.closed, "orders" in region
        (True, False)
        >>> clock.advance(60)
        >>> region.queue("orders") is orders
        False

        Raises:
            QueueDoesNotExist: There is none.
        """
        arn = str(Arn.queue(self.region_name, self.account, name))
        with self._lock:
            queue = self._resources.get(arn)
        if queue is None or queue.closed:
            raise QueueDoesNotExist(
                "The specified queue does not exist.",
                help=f"There is no queue {name!r} in {self._name}.",
                operation="delete_queue",
                resource=str(name),
            )
        # The clock is asked without the lock: it may have one of its own.
        now = self._clock.now_us()
        with self._lock:
            self._deleted[name] = now
            self._resources.pop(arn, None)
        queue.close()

    def queues(self, prefix: str = "") -> list[Queue | FifoQueue]:
        """
        The queues whose names begin so, by name (SQS 8.4).

        >>> from postroom import ManualClock, Region
        >>> region = Region(clock=ManualClock())
        >>> made = [region.queue(name) for name in ("orders", "order-dead", "mail")]
        >>> [queue.name for queue in region.queues("order")]
        ['order-dead', 'orders']

        Args:
            prefix: Literal, and case counts.

        Raises:
            InvalidInput: It is no `str`.
        """
        if not isinstance(prefix, str):
            raise InvalidInput(f"prefix={prefix!r} is no text.", help="Give what the names begin with.")
        found: list[Queue | FifoQueue] = []
        found += [one for one in self if isinstance(one, Queue) and one.name.startswith(prefix)]
        found += [one for one in self if isinstance(one, FifoQueue) and one.name.startswith(prefix)]
        return sorted((one for one in found if not one.closed), key=lambda one: one.name)
