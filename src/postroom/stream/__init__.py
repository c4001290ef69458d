"""
Streams with the semantics of Amazon Kinesis Data Streams.
"""

from __future__ import annotations

from postroom.stream._reader import ShardReader
from postroom.stream._reading import ShardIteratorType
from postroom.stream._record import GetRecords, PutRecord, Record, RecordEntry, Shard
from postroom.stream._stats import ShardStats, StreamStats
from postroom.stream._stream import Stream

__all__ = [
    "GetRecords",
    "PutRecord",
    "Record",
    "RecordEntry",
    "Shard",
    "ShardIteratorType",
    "ShardReader",
    "ShardStats",
    "Stream",
    "StreamStats",
]
