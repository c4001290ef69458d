"""
The attributes that FIFO queues have beside those of all queues (SQS 1).
"""

from __future__ import annotations

from collections.abc import Iterable
from types import EllipsisType
from typing import TYPE_CHECKING, Any

from postroom.queue import _checks as checks
from postroom.queue._fifo import FifoCore
from postroom.queue._sending import Sending

if TYPE_CHECKING:
    from postroom.clock import Duration
    from postroom.observe import Destination
    from postroom.queue._attribute_checks import RedrivePermission
    from postroom.queue._fifo_kinds import DeduplicationScope, ThroughputLimit


class FifoSettings(Sending[FifoCore]):
    """
    Not for users: see `FifoQueue`.
    """

    _content_based: bool
    _throughput: ThroughputLimit

    @property
    def content_based_deduplication(self) -> bool:
        """
        Whether a message without deduplication id gets the SHA-256 of its body as one.
        """
        return self._content_based

    @property
    def deduplication_scope(self) -> DeduplicationScope:
        """
        Within what a deduplication id is taken once.
        """
        return "messageGroup" if self._core.deduplicates_by_group else "queue"

    @property
    def fifo_throughput_limit(self) -> ThroughputLimit:
        """
        What the limit of 300 calls a second counts.
        """
        return self._throughput

    def set_attributes(
        self,
        *,
        visibility_timeout: Duration | None = None,
        delay: Duration | None = None,
        retention: Duration | None = None,
        receive_message_wait_time: Duration | None = None,
        maximum_message_size: int | None = None,
        dead_letter_queue: Destination | EllipsisType | None = ...,
        max_receive_count: int | None = None,
        redrive_permission: RedrivePermission | None = None,
        redrive_source_queues: Iterable[Destination | str] | None = None,
        content_based_deduplication: bool | None = None,
        deduplication_scope: DeduplicationScope | None = None,
        fifo_throughput_limit: ThroughputLimit | None = None,
    ) -> None:
        """
        Changes attributes while messages are there: all that are given, or, if one is not acceptable, none (SQS 1).

        As `Queue.set_attributes`, but that a new delay holds also for the messages that are delayed now.

        >>> from postroom import FifoQueue, ManualClock
        >>> queue = FifoQueue("orders.fifo", delay=60, clock=ManualClock())
        >>> sent = queue.send_message("2 x tea", message_group_id="table-7", message_deduplication_id="order-1")
        >>> queue.set_attributes(delay=0, content_based_deduplication=True)
        >>> [message.body for message in queue.receive_messages()]
        ['2 x tea']

        Args:
            visibility_timeout: As when the queue was made, and so are the others; None leaves an attribute as it is.
            delay: Seconds a new message stays hidden, and one that is delayed now, counted from its send.
            retention: Seconds after which a message vanishes.
            receive_message_wait_time: Seconds a receive waits that does not say.
            maximum_message_size: Bytes of body and attributes.
            dead_letter_queue: Where messages go that were received too often; None takes the setting away.
            max_receive_count: How often; given with a dead-letter queue, or alone if there is one already.
            redrive_permission: ``allowAll``, ``denyAll`` or ``byQueue``: whose dead letters this queue takes.
            redrive_source_queues: With ``byQueue``, one to ten queues or ARNs.
            content_based_deduplication: Whether the SHA-256 of a body is its deduplication id unless one is given.
            deduplication_scope: ``queue`` or ``messageGroup``, for the sends that follow.
            fifo_throughput_limit: ``perQueue`` or ``perMessageGroupId``.

        Raises:
            InvalidAttributeValue: A value is out of its range.
            InvalidParameterValue: The dead-letter setting is not acceptable, or who may use this queue.
            InvalidInput: An argument is of a wrong type.
            ResourceClosed: The queue is closed.
        """
        given: dict[str, Any] = {
            "visibility_timeout": visibility_timeout,
            "delay": delay,
            "retention": retention,
            "receive_message_wait_time": receive_message_wait_time,
            "maximum_message_size": maximum_message_size,
            "content_based_deduplication": content_based_deduplication,
        }
        if deduplication_scope is not None or fifo_throughput_limit is not None:
            scope = self.deduplication_scope if deduplication_scope is None else deduplication_scope
            limit = self._throughput if fifo_throughput_limit is None else fifo_throughput_limit
            given["fifo_throughput_limit"] = (scope, limit)
        self._set_attributes(
            {name: value for name, value in given.items() if value is not None},
            dead_letter_queue,
            max_receive_count,
            redrive_permission,
            redrive_source_queues,
        )

    def _check_attribute(self, name: str, value: Any) -> Any:
        if name == "content_based_deduplication":
            return checks.check_content_based(value)
        if name == "fifo_throughput_limit":
            return value[0], checks.check_throughput_limit(*value)
        return super()._check_attribute(name, value)

    def _apply(self, now: int, name: str, value: Any) -> None:
        if name == "content_based_deduplication":
            self._content_based = value
        elif name == "fifo_throughput_limit":
            scope, self._throughput = value
            self._core.deduplicates_by_group = scope == "messageGroup"
        else:
            super()._apply(now, name, value)
