"""
Queues with the semantics of Amazon SQS.
"""

from __future__ import annotations

from postroom.delivery import BatchFailure, BatchOutcome, BatchSuccess
from postroom.queue._batch import DeleteEntry, SendEntry, VisibilityEntry
from postroom.queue._message import Message, SentMessage
from postroom.queue._queue import Queue
from postroom.queue._stats import QueueStats

__all__ = [
    "BatchFailure",
    "BatchOutcome",
    "BatchSuccess",
    "DeleteEntry",
    "Message",
    "Queue",
    "QueueStats",
    "SendEntry",
    "SentMessage",
    "VisibilityEntry",
]
