"""
A stream: put and read, beside the least that must be done: a digest and an append, and a copy of a list.
"""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.runner import Case
from postroom import ManualClock, RecordEntry, Stream, SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroom import Clock, ShardReader

DATA = b"x" * 100
SHARD = "shardId-000000000000"


def made(shards: int, held: int = 0, clock: Clock | None = None) -> Stream:
    stream = Stream("bench", shard_count=shards, clock=clock or ManualClock(), seed=1)
    for start in range(0, held, 500):
        stream.put_records([RecordEntry(DATA, f"key-{number}") for number in range(start, min(start + 500, held))])
    return stream


def keys_of(round_: int, count: int) -> list[str]:
    return [f"key-{round_}-{number}" for number in range(count)]


def digest_and_append(keys: list[str]) -> int:
    log: list[tuple[str, bytes]] = []
    for key in keys:
        hashlib.md5(key.encode()).digest()
        log.append((key, DATA))
    return len(log)


def put_each(stream: Stream, keys: list[str]) -> int:
    put = stream.put_record
    for key in keys:
        put(DATA, key)
    return len(keys)


def put_in_batches(stream: Stream, batches: list[list[RecordEntry]]) -> int:
    for entries in batches:
        stream.put_records(entries)
    return sum(map(len, batches))


def in_batches(keys: list[str]) -> list[list[RecordEntry]]:
    return [[RecordEntry(DATA, key) for key in keys[start : start + 500]] for start in range(0, len(keys), 500)]


def copies(held: list[Any], count: int, times: int) -> int:
    done = 0
    for _ in range(times):
        done += len(held[:count])
    return done


def reads(stream: Stream, iterator: str, count: int, times: int) -> int:
    """
    The same place again and again; each response has a new iterator all the same.
    """
    get = stream.get_records
    done = 0
    for _ in range(times):
        done += len(get(iterator, limit=count).records)
    return done


def peeks(reader: ShardReader, count: int, times: int) -> int:
    peek = reader.peek
    done = 0
    for _ in range(times):
        done += len(peek(count))
    return done


def reader_at(stream: Stream, ordinal: int) -> ShardReader:
    number = stream._lanes[0].log._at(ordinal).sequence_number
    return stream.reader(SHARD, "AT_SEQUENCE_NUMBER", starting_sequence_number=number)


def iterator_at(stream: Stream, ordinal: int) -> str:
    number = stream._lanes[0].log._at(ordinal).sequence_number
    return stream.get_shard_iterator(SHARD, "AT_SEQUENCE_NUMBER", starting_sequence_number=number)


def two_filled(held: int, round_: int, count: int) -> tuple[Stream, Stream, list[str]]:
    return made(1, held), made(1, 100), keys_of(round_, count)


def cases(quick: bool) -> Iterator[Case]:
    count = 500 if quick else 10_000
    for shards in (1, 4) if quick else (1, 4, 200):
        yield Case(
            name="put_record",
            size=shards,
            operations=count,
            prepare=lambda round_, shards=shards: (  # type: ignore[misc]
                made(shards),
                made(shards),
                made(shards, clock=SystemClock()),
                keys := keys_of(round_, count),
                in_batches(keys),
            ),
            subjects={
                "put_record": lambda given: put_each(given[0], given[3]),
                "put_records of 500": lambda given: put_in_batches(given[1], given[4]),
                "put_record, system clock": lambda given: put_each(given[2], given[3]),
            },
            floors={"digest and append": lambda given: digest_and_append(given[3])},
            reference="digest and append",
        )
    held = 2_000 if quick else 100_000
    stream = made(1, held)
    plain = stream._lanes[0].log.read(0, held, 1 << 62)
    for batch in (1, 1_000) if quick else (1, 1_000, 10_000):
        times = 10 if quick else max(20, 500_000 // (batch + 1_000))
        at = {"start": 0, "middle": held // 2 - 7, "end": held - batch}
        yield Case(
            name="get_records",
            size=batch,
            operations=times,
            subjects={
                **{
                    f"from the {place}": partial(reads, stream, iterator_at(stream, ordinal), batch, times)
                    for place, ordinal in at.items()
                },
                "a reader's peek": partial(peeks, reader_at(stream, at["middle"]), batch, times),
            },
            floors={"copy of the list": partial(copies, plain, batch, times)},
            reference="copy of the list",
        )
    few = 100 if quick else 1_000
    for size in (100, 1_000) if quick else (100, 1_000, 10_000, 100_000):
        yield Case(
            name="put_record, many held",
            size=size,
            operations=few,
            prepare=lambda round_, size=size: two_filled(size, round_, few),  # type: ignore[misc]
            subjects={
                "Stream": lambda given: put_each(given[0], given[2]),
                "Stream with 100": lambda given: put_each(given[1], given[2]),
            },
            reference="Stream with 100",
        )
