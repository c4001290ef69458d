"""
Queues with the semantics of Amazon SQS.
"""

from __future__ import annotations

from postroom.delivery import BatchFailure, BatchOutcome, BatchSuccess
from postroom.queue._attribute_checks import RedrivePermission
from postroom.queue._batch import DeleteEntry, SendEntry, VisibilityEntry
from postroom.queue._fifo_kinds import DeduplicationScope, ThroughputLimit
from postroom.queue._fifo_queue import FifoQueue
from postroom.queue._limits import Limits
from postroom.queue._message import Message, SentMessage
from postroom.queue._moves import MoveTask, MoveTaskStatus
from postroom.queue._queue import Queue
from postroom.queue._stats import QueueStats

__all__ = [
    "BatchFailure",
    "BatchOutcome",
    "BatchSuccess",
    "DeduplicationScope",
    "DeleteEntry",
    "FifoQueue",
    "Limits",
    "Message",
    "MoveTask",
    "MoveTaskStatus",
    "Queue",
    "QueueStats",
    "RedrivePermission",
    "SendEntry",
    "SentMessage",
    "ThroughputLimit",
    "VisibilityEntry",
]
