"""
Partition key to shard: MD5, and the range that holds it.

The floor and the unit is the digest alone, ``hashlib.md5(key.encode()).digest()``. Keys are new in each round.
"""

from __future__ import annotations

from bisect import bisect_right
from hashlib import md5
from typing import TYPE_CHECKING

from benchmarks.runner import Case
from postroom import partitioning
from postroom.partitioning import ShardMap, even_ranges

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BATCH = 500


def cases(quick: bool) -> Iterator[Case]:
    keys = 1_000 if quick else 20_000

    def prepare(round_: int) -> list[str]:
        return [f"user-{round_}-{number}" for number in range(keys)]

    for count in (1, 10, 1_000, 10_000):
        shards = ShardMap(even_ranges(count))
        yield Case(
            name="find the shard of a key",
            size=count,
            subjects={
                "index_of": lambda keys, shards=shards: one_by_one(shards, keys),
                f"indexes_of, {BATCH}": lambda keys, shards=shards: in_batches(shards, keys),
                "index_of, hashlib only": lambda keys, shards=shards: with_hashlib(lambda: one_by_one(shards, keys)),
                "integer and bisect": lambda keys, count=count: integer_and_bisect(count, keys),
            }
            | ({"integer and scan": lambda keys, count=count: integer_and_scan(count, keys)} if count == 10 else {}),
            floors={"digest": digests},
            reference="digest",
            operations=keys,
            prepare=prepare,
        )


def digests(keys: list[str]) -> None:
    for key in keys:
        md5(key.encode()).digest()


def one_by_one(shards: ShardMap, keys: list[str]) -> list[int]:
    return [shards.index_of(key) for key in keys]


def in_batches(shards: ShardMap, keys: list[str]) -> list[int]:
    found: list[int] = []
    for start in range(0, len(keys), BATCH):
        found += shards.indexes_of(keys[start : start + BATCH])
    return found


def with_hashlib(call: Callable[[], list[int]]) -> list[int]:
    """Do it without the interpreter's own MD5, as on builds that lack it."""
    usual = partitioning._md5
    partitioning._md5 = partitioning._portable_md5
    try:
        return call()
    finally:
        partitioning._md5 = usual


def integer_and_bisect(count: int, keys: list[str]) -> list[int]:
    """What one writes first: the hash key as a number, and a bisect over where the ranges start."""
    starts = [one.start for one in even_ranges(count)]
    return [bisect_right(starts, int.from_bytes(md5(key.encode()).digest(), "big")) - 1 for key in keys]


def integer_and_scan(count: int, keys: list[str]) -> list[int]:
    """moto's way: the number from the hexadecimal digest, and every range looked at in turn."""
    ranges = [(one.start, one.end + 1) for one in even_ranges(count)]
    found = []
    for key in keys:
        number = int(md5(key.encode()).hexdigest(), 16)
        for index, (start, end) in enumerate(ranges):
            if start <= number < end:
                found.append(index)
                break
    return found
