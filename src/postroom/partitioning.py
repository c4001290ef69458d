"""
From a partition key to a shard: MD5, 128-bit hash keys, and maps of ranges that tile all of them.

Kinesis reads the MD5 digest of a partition key as one big-endian number of 128 bits, its *hash key* (KIN 2).
Every open shard owns a range of hash keys, both ends inclusive, and the open shards together own each hash key
exactly once. So finding the shard of a record means finding the one range that holds its hash key.

**The data structure.** `ShardMap` rests on two observations.

1. *No number is needed.* Equally long byte strings compare as the big-endian numbers they stand for do. The map
   keeps the last hash key of each range as 16 bytes, and one `bisect` with the digest itself finds the range.
   The integer is made by `hash_key`, when somebody wants to look at it.
2. *Most digests give the answer away in two bytes.* A thousand shards have 999 boundaries, and there are 65,536
   ways for a digest to begin. A list with one cell for each beginning says which range all such digests belong
   to; only the few cells that a boundary runs through say "undecided", and only for them the `bisect` is done::

        first two bytes   ...  4188   4189   418a  ...  41c9   41ca   41cb  ...
        cell              ...   255     -1    256  ...   256     -1    257  ...
                                         |
                 range 255 ends inside: bisect over the 16-byte ends

   With few ranges a `bisect` is as fast: there is a list from `TABLE_FROM_RANGES` on. One range needs no digest.

**Measured** with ``python -m benchmarks partitioning``; the unit is ``hashlib.md5(key.encode()).digest()``, and
the figures are for CPython 3.11 and 3.13. `ShardMap.index_of` takes 0.81 and 0.95 with 1,000 ranges, 0.97 and 1.09
with 10,000; `bisect` alone, in a trial, 1.08 and 1.05, 1.31 and 1.26. **No memory of recent keys** is kept: a bounded
`dict` took 0.14 to 0.18 for a key seen before, but 1.20 and 1.37 with 1,000 ranges for one never seen, 1.40 and 1.50
with 10,000. Random keys, the usual way to spread load, would pay for keys that repeat, and be kept alive.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from itertools import pairwise
from re import compile as compile_pattern
from typing import TYPE_CHECKING, Any, Final

import attrs

from postroom.errors import InvalidInput
from postroom.limits import HASH_KEY_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["HashRange", "ShardMap", "even_ranges", "hash_key", "merge", "parse_hash_key", "split"]


def _portable_md5(data: bytes) -> Any:
    # Builds of Python in FIPS mode refuse MD5 unless told that it protects nothing. (A `partial` is slower by a fifth.)
    return hashlib.md5(data, usedforsecurity=False)


# The interpreter's own MD5 takes half the time of OpenSSL's on keys this short. It is private, and may be missing.
_md5: Callable[[bytes], Any]
try:
    from _md5 import md5 as _md5  # type: ignore[import-not-found,no-redef]
except ImportError:
    _md5 = _portable_md5

TABLE_FROM_RANGES: Final = 128
"""From so many ranges on a map has a table, of 512 KB: break-even is at about 64 on CPython 3.11, 128 on 3.13."""

_HASH_KEY_BYTES: Final = 16
_UNDECIDED: Final = -1
_DECIMAL: Final = compile_pattern(r"0|[1-9][0-9]{0,38}")


@attrs.frozen(order=True)
class HashRange:
    """
    A run of hash keys, both ends inclusive: what one shard owns.

    >>> range = HashRange(0, 99)
    >>> range.width, range.contains(99), range.contains(100)
    (100, True, False)

    Args:
        start: The first hash key of the range, from 0.
        end: The last hash key of the range, up to 2**128 - 1. Not below *start*: no range is empty.

    Raises:
        InvalidInput: The two are no integers in that order between 0 and 2**128 - 1.
    """

    start: int
    end: int

    def __attrs_post_init__(self) -> None:
        _check_hash_key("start", self.start)
        _check_hash_key("end", self.end)
        if self.end < self.start:
            raise InvalidInput(
                "A range of hash keys ends before it starts.",
                help=f"start={self.start}, end={self.end}: expected start <= end; both belong to the range",
            )

    @property
    def width(self) -> int:
        """
        How many hash keys the range holds, at least 1.
        """
        return self.end - self.start + 1

    def contains(self, hash_key: int) -> bool:
        """
        Whether *hash_key* lies in the range.

        >>> HashRange(10, 19).contains(19)
        True
        """
        return self.start <= hash_key <= self.end

    def to_dict(self) -> dict[str, int]:
        """
        The range as plain data.

        >>> HashRange(0, 99).to_dict()
        {'start': 0, 'end': 99}
        """
        return {"start": self.start, "end": self.end}


class ShardMap:
    """
    Finds the range, and so the shard, that a partition key belongs to.

    The ranges must *tile* the hash space: begin at 0, end at 2**128 - 1, and leave neither gap nor overlap (KIN 2).
    A map never changes, and any number of threads may read it; after a split or a merge, make a new one. Indexes
    count the ranges in their order, from 0: they are not the numbers in shard ids, which are never used again.

    >>> shards = ShardMap(even_ranges(3))
    >>> shards.indexes_of(["a", "b", "e", "f"])
    [0, 1, 2, 1]
    >>> lower, upper = split(shards.ranges[1])
    >>> ShardMap([shards.ranges[0], lower, upper, shards.ranges[2]]).index_of("b")
    2

    Complexity: O(n) to make; O(log n) a key at worst, and O(1) for all but a few keys while n is far below 65,536.

    Args:
        ranges: The ranges of the open shards, in ascending order.

    Raises:
        InvalidInput: The ranges do not tile the hash space.
    """

    __slots__ = ("_ranges", "_single", "_table", "_uppers")

    def __init__(self, ranges: Iterable[HashRange]) -> None:
        self._ranges = tuple(ranges)
        _check_tiling(self._ranges)
        self._single = len(self._ranges) == 1
        self._uppers = [one.end.to_bytes(_HASH_KEY_BYTES, "big") for one in self._ranges]
        self._table = _prefix_table(self._uppers) if len(self._ranges) >= TABLE_FROM_RANGES else None

    @property
    def ranges(self) -> tuple[HashRange, ...]:
        """
        The ranges, in ascending order.
        """
        return self._ranges

    def __len__(self) -> int:
        return len(self._ranges)

    def __repr__(self) -> str:
        return f"<ShardMap of {len(self._ranges)} {'range' if self._single else 'ranges'}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return ShardMap, (self._ranges,)

    def index_of(self, partition_key: str) -> int:
        """
        The index of the range that *partition_key* hashes into.

        Its length is not looked at: that is for whoever stores the record (KIN 5).

        >>> ShardMap(even_ranges(10)).index_of("user-42")
        4

        Complexity: one MD5 digest; O(1) for most keys, O(log n) for the others.

        Raises:
            InvalidInput: The key is no `str`, or holds half of a surrogate pair and so has no UTF-8 form.
        """
        try:
            data = partition_key.encode()
            if self._single:
                return 0
            digest: bytes = _md5(data).digest()
        except (AttributeError, TypeError, UnicodeEncodeError) as error:
            raise _no_partition_key(partition_key) from error
        table = self._table
        if table is not None:
            index = table[digest[0] << 8 | digest[1]]
            if index >= 0:
                return index
        return bisect_left(self._uppers, digest)

    def indexes_of(self, partition_keys: Iterable[str]) -> list[int]:
        """
        The index for each of many keys, in their order.

        >>> ShardMap(even_ranges(2)).indexes_of(["a", "b"])
        [0, 1]

        Complexity: O(k) for k keys, as for `index_of`.

        Raises:
            InvalidInput: One of the keys is no `str` or has no UTF-8 form.
        """
        keys = list(partition_keys)
        try:
            encoded = [key.encode() for key in keys]
            if self._single:
                return [0] * len(keys)
            digests: list[bytes] = [_md5(data).digest() for data in encoded]
        except (AttributeError, TypeError, UnicodeEncodeError):
            return [self.index_of(key) for key in keys]  # says which key it is
        table, uppers = self._table, self._uppers
        if table is None:
            return [bisect_left(uppers, digest) for digest in digests]
        return [
            index if (index := table[digest[0] << 8 | digest[1]]) >= 0 else bisect_left(uppers, digest)
            for digest in digests
        ]

    def index_of_hash(self, hash_key: int) -> int:
        """
        The index of the range that holds *hash_key*: for explicit hash keys.

        >>> ShardMap(even_ranges(7)).index_of_hash(2**128 - 1)
        6

        Complexity: O(log n).

        Raises:
            InvalidInput: *hash_key* is no integer between 0 and 2**128 - 1.
        """
        _check_hash_key("hash_key", hash_key)
        return bisect_left(self._uppers, hash_key.to_bytes(_HASH_KEY_BYTES, "big"))


def hash_key(partition_key: str) -> int:
    """
    The hash key of a partition key: its MD5 digest, over UTF-8, as a big-endian number of 128 bits (KIN 2).

    >>> hash_key("a")
    16955237001963240173058271559858726497

    Raises:
        InvalidInput: The key is no `str`, or holds half of a surrogate pair and so has no UTF-8 form.
    """
    try:
        digest: bytes = _md5(partition_key.encode()).digest()
    except (AttributeError, TypeError, UnicodeEncodeError) as error:
        raise _no_partition_key(partition_key) from error
    return int.from_bytes(digest, "big")


def parse_hash_key(text: str) -> int:
    """
    The number a hash key's decimal form stands for, as in ExplicitHashKey and NewStartingHashKey (KIN 2).

    >>> parse_hash_key("170141183460469231731687303715884105728") == 2**127
    True
    >>> parse_hash_key("007")
    Traceback (most recent call last):
    postroom.errors.InvalidInput: The hash key is not in decimal form.
      hash key='007': expected 0, or 1 to 39 digits that do not begin with 0

    Raises:
        InvalidInput: A sign, a space, a leading zero, digits other than ASCII's, or more than 2**128 - 1.
    """
    if not _is_decimal(text):
        raise InvalidInput(
            "The hash key is not in decimal form.",
            help=f"hash key={text!r:.80}: expected 0, or 1 to 39 digits that do not begin with 0",
        )
    _check_hash_key("hash key", number := int(text))
    return number


def even_ranges(count: int) -> list[HashRange]:
    """
    The ranges of a new stream with *count* shards, in ascending order.

    All are ``2**128 // count`` hash keys wide, but the last, which takes what that division leaves over (KIN 2).

    >>> [one.width - 2**128 // 3 for one in even_ranges(3)]
    [0, 0, 1]

    Complexity: O(count).

    Raises:
        InvalidInput: *count* is no integer from 1 on.
    """
    if not _is_integer(count) or count < 1:
        raise InvalidInput("A stream has at least one shard.", help=f"count={count!r:.80}: expected 1 or more")
    step = (HASH_KEY_MAX + 1) // count
    ranges = [HashRange(index * step, (index + 1) * step - 1) for index in range(count - 1)]
    ranges.append(HashRange((count - 1) * step, HASH_KEY_MAX))
    return ranges


def split(parent: HashRange, at: int | None = None) -> tuple[HashRange, HashRange]:
    """
    The two children of a shard's range: from its start to below *at*, and from *at* to its end (KIN 3).

    >>> split(HashRange(0, 99))
    (HashRange(start=0, end=49), HashRange(start=50, end=99))
    >>> split(HashRange(0, 99), at=2)
    (HashRange(start=0, end=1), HashRange(start=2, end=99))

    Args:
        parent: The range to split, at least 4 wide: each child must hold two hash keys.
        at: The first hash key of the upper child, with ``start + 1 < at < end``. Unless given, the middle,
            ``(start + end + 1) // 2``, which splits evenly, or leaves one more to the upper child.

    Raises:
        InvalidInput: *at* leaves a child fewer than two hash keys, or the range is too narrow to split.
    """
    if at is None:
        at = (parent.start + parent.end + 1) // 2
    else:
        _check_hash_key("at", at)
    if not parent.start + 1 < at < parent.end:
        raise InvalidInput(
            "The range cannot be split there.",
            help=f"at={at}: expected {parent.start} + 1 < at < {parent.end}, so that both children hold two hash keys",
        )
    return HashRange(parent.start, at - 1), HashRange(at, parent.end)


def merge(lower: HashRange, upper: HashRange) -> HashRange:
    """
    The child of two adjacent shards' ranges, from the start of *lower* to the end of *upper* (KIN 3).

    >>> merge(HashRange(0, 49), HashRange(50, 99))
    HashRange(start=0, end=99)

    Raises:
        InvalidInput: There is a gap or an overlap between the two, or they are the wrong way round.
    """
    if lower.end + 1 != upper.start:
        raise InvalidInput(
            "The ranges are not an adjacent pair, the lower one first.",
            help=f"lower ends at {lower.end}, upper starts at {upper.start}: expected {lower.end} + 1",
        )
    return HashRange(lower.start, upper.end)


def _prefix_table(uppers: list[bytes]) -> list[int]:
    """
    For each beginning of two bytes, the index of the one range that holds all such hash keys, or "undecided".
    """
    table = [_UNDECIDED] * (1 << 16)
    free = 0  # the first beginning that no earlier range reaches into
    for index, upper in enumerate(uppers):
        prefix = upper[0] << 8 | upper[1]
        owned_to = prefix + 1 if upper.endswith(b"\xff" * (_HASH_KEY_BYTES - 2)) else prefix
        if free < owned_to:
            table[free:owned_to] = [index] * (owned_to - free)
        free = prefix + 1
    return table


def _check_tiling(ranges: tuple[HashRange, ...]) -> None:
    if not ranges:
        fault = "there is no range: expected at least one"
    elif ranges[0].start != 0:
        fault = f"the first range starts at {ranges[0].start}: expected 0"
    elif ranges[-1].end != HASH_KEY_MAX:
        fault = f"the last range ends at {ranges[-1].end}: expected {HASH_KEY_MAX} (2**128 - 1)"
    else:
        gaps = (at for at, (one, after) in enumerate(pairwise(ranges), 1) if after.start != one.end + 1)
        if not (at := next(gaps, 0)):
            return
        fault = f"ranges[{at}] starts at {ranges[at].start}: expected {ranges[at - 1].end + 1}"
    raise InvalidInput("The ranges do not tile the hash space.", help=fault)


def _check_hash_key(name: str, value: int) -> None:
    if not _is_integer(value) or not 0 <= value <= HASH_KEY_MAX:
        raise InvalidInput("No such hash key.", help=f"{name}={value!r:.80}: expected 0 to {HASH_KEY_MAX} (2**128 - 1)")


def _is_decimal(value: object) -> bool:
    return isinstance(value, str) and _DECIMAL.fullmatch(value) is not None


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _no_partition_key(value: object) -> InvalidInput:
    expected = "text without lone surrogates, which UTF-8 cannot express" if isinstance(value, str) else "a str"
    return InvalidInput("The partition key cannot be hashed.", help=f"partition_key={value!r:.80}: expected {expected}")
