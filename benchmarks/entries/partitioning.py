"""
Partition key to shard: MD5, and the range that holds it.

The floor and the unit is the digest alone, ``hashlib.md5(key.encode()).digest()``. Keys are new in each round.
With one shard there is nothing to find, and no digest is made: growth counts from 10 shards on.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import partial
from hashlib import md5
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.runner import Case
from postroom import partitioning
from postroom.partitioning import ShardMap, even_ranges

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH = 500


class Keys(NamedTuple):
    """
    The keys of one round, all in one list and in batches.
    """

    all: list[str]
    batches: list[list[str]]


def cases(quick: bool) -> Iterator[Case]:
    count_keys = 1_000 if quick else 20_000

    def prepare(round_: int) -> Keys:
        keys = [f"user-{round_}-{number}" for number in range(count_keys)]
        return Keys(keys, [keys[start : start + BATCH] for start in range(0, count_keys, BATCH)])

    for size in (1, 10, 1_000, 10_000):
        ranges = even_ranges(size)
        shards = ShardMap(ranges)
        subjects = {
            "index_of": partial(one_by_one, shards),
            f"indexes_of, {BATCH}": partial(in_batches, shards),
            "index_of, hashlib": partial(with_hashlib, shards),
            "integer, bisect": partial(integer_and_bisect, [one.start for one in ranges]),
        }
        if size == 10:
            subjects["integer, scan"] = partial(integer_and_scan, [(one.start, one.end + 1) for one in ranges])
        yield Case(
            name="find the shard of a key",
            size=size,
            subjects=subjects,
            floors={"digest": digests},
            reference="digest",
            operations=count_keys,
            prepare=prepare,
        )


def digests(keys: Keys) -> None:
    for key in keys.all:
        md5(key.encode()).digest()


def one_by_one(shards: ShardMap, keys: Keys) -> list[int]:
    return [shards.index_of(key) for key in keys.all]


def in_batches(shards: ShardMap, keys: Keys) -> list[int]:
    found: list[int] = []
    for batch in keys.batches:
        found += shards.indexes_of(batch)
    return found


def with_hashlib(shards: ShardMap, keys: Keys) -> list[int]:
    """
    Do without the interpreter's own MD5, as on builds that lack it.
    """
    usual = partitioning._md5
    partitioning._md5 = partitioning._portable_md5
    try:
        return one_by_one(shards, keys)
    finally:
        partitioning._md5 = usual


def integer_and_bisect(starts: list[int], keys: Keys) -> list[int]:
    """
    What one writes first: the hash key as a number, and a bisect over where the ranges start.
    """
    return [bisect_right(starts, int.from_bytes(md5(key.encode()).digest(), "big")) - 1 for key in keys.all]


def integer_and_scan(ranges: list[tuple[int, int]], keys: Keys) -> list[int]:
    """
    As moto does it: the number from the hexadecimal digest, and every range looked at in turn.
    """
    found = []
    for key in keys.all:
        number = int(md5(key.encode()).hexdigest(), 16)
        for index, (start, end) in enumerate(ranges):
            if start <= number < end:
                found.append(index)
                break
    return found
