"""
What a stream and its shards count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from postroom.stream._shard import ShardLog


class ShardStats(NamedTuple):
    """
    One shard in figures, at one instant.

    >>> from postroom import ManualClock, Stream
    >>> Stream("orders", clock=ManualClock()).stats().shards[3].shard_id
    'shardId-000000000003'
    """

    shard_id: str
    """Which one."""
    records: int
    """Records that were ever put into it."""
    bytes: int
    """Their data and partition keys."""
    held: int
    """Records that can be read."""
    held_bytes: int
    """Their data and partition keys."""
    expired: int
    """Records that outlived the retention."""
    oldest_age: float | None
    """Seconds since the oldest that can be read arrived; None: there is none."""

    def to_dict(self) -> dict[str, str | int | float | None]:
        """
        As a plain dict.

        >>> from postroom import ManualClock, Stream
        >>> Stream("orders", clock=ManualClock()).stats().shards[0].to_dict()["held"]
        0
        """
        return self._asdict()


class StreamStats(NamedTuple):
    """
    A stream in figures: the sums of its shards, and the shards.

    >>> from postroom import ManualClock, Stream
    >>> stream = Stream("orders", clock=ManualClock())
    >>> put = stream.put_record(b"2 x tea", "a")
    >>> stats = stream.stats()
    >>> stats.records, stats.bytes, [shard.held for shard in stats.shards]
    (1, 8, [1, 0, 0, 0])
    """

    records: int
    """Records that were ever put into it."""
    bytes: int
    """Their data and partition keys."""
    held: int
    """Records that can be read."""
    held_bytes: int
    """Their data and partition keys."""
    expired: int
    """Records that outlived the retention."""
    shards: tuple[ShardStats, ...]
    """The same of each shard."""

    @classmethod
    def of(cls, shards: list[ShardStats]) -> StreamStats:
        """
        The sums.
        """
        return cls(
            records=sum(shard.records for shard in shards),
            bytes=sum(shard.bytes for shard in shards),
            held=sum(shard.held for shard in shards),
            held_bytes=sum(shard.held_bytes for shard in shards),
            expired=sum(shard.expired for shard in shards),
            shards=tuple(shards),
        )

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict.

        >>> from postroom import ManualClock, Stream
        >>> len(Stream("orders", clock=ManualClock()).stats().to_dict()["shards"])
        4
        """
        return {**self._asdict(), "shards": [shard.to_dict() for shard in self.shards]}


def stats_of(log: ShardLog, now: int) -> ShardStats:
    """
    The figures of one shard, under its lock.
    """
    horizon, end = log.settle(now), log.end
    oldest = log.read(horizon, 1)
    return ShardStats(
        log.origin.shard_id,
        records=end,
        bytes=log.total_bytes(),
        held=end - horizon,
        held_bytes=log.held_bytes(),
        expired=horizon,
        oldest_age=(now - oldest[0].arrived_at_us) / 1_000_000 if oldest else None,
    )
