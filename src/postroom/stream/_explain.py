"""
Where a record is, and where a partition key leads, in a sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from postroom.clock import show_span
from postroom.errors import InvalidInput
from postroom.partitioning import ShardMap, hash_key

if TYPE_CHECKING:
    from postroom.stream._lane import Lane
    from postroom.stream._sequence import Decoded
    from postroom.stream._shard import ShardLog


def explain_record(log: ShardLog, decoded: Decoded, number: str, now: int) -> str | None:
    """
    Where the record of that number is; None if the shard never had one. Under the lock.
    """
    shard_id = log.origin.shard_id
    if decoded.created_s != log.origin.created_s or not decoded.counter:
        return None
    horizon = log.settle(now)
    found = log.find(decoded.counter)
    if found is None:
        if log.end and log.is_trimmed(decoded.counter):
            return f"expired: it was in {shard_id}, if it was there at all, and is older than the {show_span(log.retention)} a record can be read"
        return None
    ordinal, record = found
    if record.sequence_number != number:
        return None
    ago = show_span(now - record.arrived_at_us)
    if ordinal < horizon:
        return f"expired: arrived in {shard_id} {ago} ago, and can be read for {show_span(log.retention)}"
    left = show_span(record.arrived_at_us + log.retention - now)
    return f"in {shard_id}: arrived {ago} ago, readable for another {left}"


def explain_key(partition_key: str, shards: ShardMap, lanes: Sequence[Lane]) -> str:
    """
    Which shard a partition key leads to, and why.
    """
    try:
        index = shards.index_of(partition_key)
        number = hash_key(partition_key)
    except InvalidInput:
        return "unknown: it is neither a record nor, having no UTF-8 form, a partition key"
    owned = shards.ranges[index]
    return (
        f"unknown as a record; as a partition key it leads to {lanes[index].log.origin.shard_id}: "
        f"its MD5 digest is hash key {number}, and the shard owns {owned.start} to {owned.end}"
    )
