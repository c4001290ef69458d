"""
How much one call of a handler is given: the event of a batch is at most 6 MiB of JSON, but for one record alone (DEL C1).
"""

from __future__ import annotations

from json import JSONEncoder
from typing import TYPE_CHECKING, Any, Final, TypeVar

from postroom.limits import BATCH_PAYLOAD_MAX_BYTES
from postroom.message import attributes_size
from postroom.worker._events import queue_event, stream_event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from postroom.queue import Message
    from postroom.stream import Record

T = TypeVar("T")

_encode: Final = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_AROUND_BYTES: Final = len('{"Records":[]}')
_SMALL_BYTES: Final = 3_072
"""More than a record has besides its data, a message besides its body and attributes: a partition key of 256 characters at
six bytes each, and the rest."""
_BYTES_PER_CHARACTER: Final = 4
"""The most that JSON takes for one that a message may have."""


def fitting(records: Sequence[Record], stream_arn: str, region_name: str, role_arn: str) -> Sequence[Record]:
    """
    As many of a shard's records, from the first on, as go into one event.
    """
    # Nearly every batch is so small that nobody has to count.
    if sum(len(record.data) for record in records) * 4 // 3 + len(records) * _SMALL_BYTES <= BATCH_PAYLOAD_MAX_BYTES:
        return records
    around = _size(stream_event(records[:1], stream_arn, region_name, role_arn)) - _own_size(records[0])
    ends = _ends(around + _own_size(record) for record in records)
    return records[: next(ends, len(records))]


def chunks(messages: list[Message], queue_arn: str, region_name: str) -> list[list[Message]]:
    """
    A queue's messages, in order, in as few parts as go into one event each.
    """
    small = _BYTES_PER_CHARACTER * sum(len(message.body) + attributes_size(message.attributes) for message in messages)
    if small + len(messages) * _SMALL_BYTES <= BATCH_PAYLOAD_MAX_BYTES:
        return [messages]
    ends = [*_ends(_size(queue_event([message], queue_arn, region_name)) for message in messages), len(messages)]
    return [messages[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _size(event: dict[str, Any]) -> int:
    """
    Of one record in an event, in bytes.
    """
    return len(_encode(event).encode(errors="surrogatepass")) - _AROUND_BYTES


def _own_size(record: Record) -> int:
    """
    What a record has of its own: data in base64, key and instant. All else is as large in all records of a shard.
    """
    key, instant = _encode(record.partition_key), _encode(record.arrived_at_us // 1_000 / 1_000)
    return -(-len(record.data) // 3) * 4 + len(key.encode(errors="surrogatepass")) + len(instant)


def _ends(sizes: Iterable[int]) -> Iterator[int]:
    """
    Where one event is full: the index of each record that no longer goes into the one before.
    """
    total = _AROUND_BYTES
    for index, size in enumerate(sizes):
        if index and total + size > BATCH_PAYLOAD_MAX_BYTES:
            yield index
            total = _AROUND_BYTES
        total += size + 1  # and a comma
