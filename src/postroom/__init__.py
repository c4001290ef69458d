"""
Message queues, topics, event buses and streams inside one Python process, with the semantics of AWS.

A tour, from the ground up:

- **Time** is an argument. `ManualClock` stands still until it is told to move, so a test of a twelve-hour
  timeout takes no time; `SystemClock` is real time, or a multiple of it. Every resource takes ``clock=``.
- **Queues** behave as Amazon SQS queues do: a received message is hidden, not gone, until its visibility
  timeout ends or somebody deletes it.
- **Topics**, **buses** and **streams** behave as SNS, EventBridge and Kinesis do, and deliver into queues,
  functions and one another.
- **Errors** form one tree under `PostroomError`, with AWS's codes and texts, and what to do about each.

Names are AWS's own in snake_case (`visibility_timeout`, `max_receive_count`, `partition_key`), so the AWS
documentation reads as a manual of this library too. What differs from AWS is listed in docs/fidelity.md.

Importing this package loads none of it: each name below is fetched from its module when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from postroom._version import __version__ as __version__

if TYPE_CHECKING:
    from postroom.bus import BusStats as BusStats
    from postroom.bus import EventBus as EventBus
    from postroom.bus import EventEntry as EventEntry
    from postroom.bus import PutEvent as PutEvent
    from postroom.bus import Rule as Rule
    from postroom.bus import Target as Target
    from postroom.clock import Clock as Clock
    from postroom.clock import ManualClock as ManualClock
    from postroom.clock import SystemClock as SystemClock
    from postroom.clock import Timer as Timer
    from postroom.errors import PostroomError as PostroomError
    from postroom.faults import Faults as Faults
    from postroom.firehose import DeliveryStream as DeliveryStream
    from postroom.firehose import DeliveryStreamStats as DeliveryStreamStats
    from postroom.firehose import DirectoryStore as DirectoryStore
    from postroom.firehose import MemoryStore as MemoryStore
    from postroom.firehose import ObjectStore as ObjectStore
    from postroom.firehose import PutDelivery as PutDelivery
    from postroom.message import AttributeValue as AttributeValue
    from postroom.observe import Observation as Observation
    from postroom.patterns import Pattern as Pattern
    from postroom.patterns import RuleSet as RuleSet
    from postroom.queue import BatchOutcome as BatchOutcome
    from postroom.queue import DeleteEntry as DeleteEntry
    from postroom.queue import FifoQueue as FifoQueue
    from postroom.queue import Limits as Limits
    from postroom.queue import Message as Message
    from postroom.queue import MoveTask as MoveTask
    from postroom.queue import Queue as Queue
    from postroom.queue import QueueStats as QueueStats
    from postroom.queue import SendEntry as SendEntry
    from postroom.queue import SentMessage as SentMessage
    from postroom.queue import VisibilityEntry as VisibilityEntry
    from postroom.recorder import Recorder as Recorder
    from postroom.region import Region as Region
    from postroom.stream import GetRecords as GetRecords
    from postroom.stream import PutRecord as PutRecord
    from postroom.stream import Record as Record
    from postroom.stream import RecordEntry as RecordEntry
    from postroom.stream import Shard as Shard
    from postroom.stream import ShardReader as ShardReader
    from postroom.stream import Stream as Stream
    from postroom.stream import StreamStats as StreamStats
    from postroom.topic import Published as Published
    from postroom.topic import PublishEntry as PublishEntry
    from postroom.topic import Subscription as Subscription
    from postroom.topic import Topic as Topic
    from postroom.worker import Function as Function

__all__ = [
    "AttributeValue",
    "BatchOutcome",
    "BusStats",
    "Clock",
    "DeleteEntry",
    "DeliveryStream",
    "DeliveryStreamStats",
    "DirectoryStore",
    "EventBus",
    "EventEntry",
    "Faults",
    "FifoQueue",
    "Function",
    "GetRecords",
    "Limits",
    "ManualClock",
    "MemoryStore",
    "Message",
    "MoveTask",
    "ObjectStore",
    "Observation",
    "Pattern",
    "PostroomError",
    "PublishEntry",
    "Published",
    "PutDelivery",
    "PutEvent",
    "PutRecord",
    "Queue",
    "QueueStats",
    "Record",
    "RecordEntry",
    "Recorder",
    "Region",
    "Rule",
    "RuleSet",
    "SendEntry",
    "SentMessage",
    "Shard",
    "ShardReader",
    "Stream",
    "StreamStats",
    "Subscription",
    "SystemClock",
    "Target",
    "Timer",
    "Topic",
    "VisibilityEntry",
    "__version__",
]

# Where each name lives. The three lists on this page say the same; tests/test_house.py sees to it.
_HOMES = {
    "AttributeValue": "message",
    "BatchOutcome": "queue",
    "BusStats": "bus",
    "Clock": "clock",
    "DeleteEntry": "queue",
    "DeliveryStream": "firehose",
    "DeliveryStreamStats": "firehose",
    "DirectoryStore": "firehose",
    "EventBus": "bus",
    "EventEntry": "bus",
    "Faults": "faults",
    "FifoQueue": "queue",
    "Function": "worker",
    "GetRecords": "stream",
    "Limits": "queue",
    "ManualClock": "clock",
    "MemoryStore": "firehose",
    "Message": "queue",
    "MoveTask": "queue",
    "ObjectStore": "firehose",
    "Observation": "observe",
    "Pattern": "patterns",
    "PostroomError": "errors",
    "PublishEntry": "topic",
    "Published": "topic",
    "PutDelivery": "firehose",
    "PutEvent": "bus",
    "PutRecord": "stream",
    "Queue": "queue",
    "QueueStats": "queue",
    "Record": "stream",
    "RecordEntry": "stream",
    "Recorder": "recorder",
    "Region": "region",
    "Rule": "bus",
    "RuleSet": "patterns",
    "SendEntry": "queue",
    "SentMessage": "queue",
    "Shard": "stream",
    "ShardReader": "stream",
    "Stream": "stream",
    "StreamStats": "stream",
    "Subscription": "topic",
    "SystemClock": "clock",
    "Target": "bus",
    "Timer": "clock",
    "Topic": "topic",
    "VisibilityEntry": "queue",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value  # the next access is an ordinary one
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
