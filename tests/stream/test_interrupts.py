"""
Ctrl-C at any line of a stream's code loses no record that was put, leaves no lock shut, and no waiter asleep.

A tracer raises `KeyboardInterrupt` at the n-th line run in `stream/`, for every n there is; but not at the line of a
``with``, where it would leave shut what a real Ctrl-C leaves open.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from postroom import ManualClock, RecordEntry, Stream
from postroom.message import Parcel
from tests import interrupts

PLACES = interrupts.places("stream")
SPARED = ("with ",)


def interrupted(call: Callable[[], object], after: int) -> bool:
    return interrupts.interrupted(call, after, PLACES, SPARED)


class Scene:
    """
    A stream of two shards with segments of two records, two readers that wait, and somebody who listens.
    """

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.stream = Stream("orders", shard_count=2, retention=48 * 3_600, clock=self.clock)
        for key in "aab":
            self.stream.put_record(b"first", key)
        self.iterator = self.stream.get_shard_iterator("0", "TRIM_HORIZON")
        self.called: list[str] = []
        self.readers = [self.stream.reader(shard, "LATEST") for shard in ("0", "1")]
        for name, reader in zip("01", self.readers, strict=True):
            reader.when_ready(lambda name=name: self.called.append(name))  # type: ignore[misc]
        self.stream.observe(lambda _: None)

    def check(self) -> None:
        """
        Everything is as it must be, whatever was interrupted.
        """
        for name, lane, reader in zip("01", self.stream._lanes, self.readers, strict=True):
            assert not lane.lock.locked()
            lane.log.check()
            self.clock.settle()
            assert name in self.called or not reader.peek(1), "a lost wake-up"
        assert not self.stream._lock.locked()
        for key in "ab":
            self.stream.put_record(b"last", key)
        for lane in self.stream._lanes:
            lane.log.check()
        assert sorted(set(self.called)) == ["0", "1"]


CALLS: dict[str, Callable[[Scene], object]] = {
    "put_record": lambda scene: scene.stream.put_record(b"tea", "a"),
    "put_record, slowly": lambda scene: scene.stream.put_record(b"tea", "b", explicit_hash_key="0"),
    "put_records": lambda scene: scene.stream.put_records([RecordEntry(b"tea", key) for key in "abab"]),
    "deliver": lambda scene: scene.stream.deliver(Parcel("tea", partition_key="b")),
    "get_records": lambda scene: scene.stream.get_records(scene.iterator),
    "get_shard_iterator": lambda scene: scene.stream.get_shard_iterator("0", "LATEST"),
    "peek": lambda scene: scene.stream.reader("0").peek(2),
    "move_past": lambda scene: scene.stream.reader("0").move_past(scene.stream.reader("0").peek(1)[0]),
    "when_ready": lambda scene: scene.stream.reader("0", "LATEST").when_ready(lambda: None),
    "retention": lambda scene: scene.stream.decrease_retention_period(24),
    "stats": lambda scene: scene.stream.stats(),
}


@pytest.mark.parametrize("name", CALLS)
def test_at_any_line(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroom.stream._shard.SEGMENT_RECORDS", 2)
    after = 0
    while True:
        after += 1
        scene = Scene()
        before = len(scene.stream)
        was_interrupted = interrupted(lambda: CALLS[name](scene), after)  # noqa: B023 - called at once
        assert len(scene.stream) >= before
        scene.check()
        if not was_interrupted:
            break

    assert after > 10


def test_closing_can_be_interrupted_and_done_again() -> None:
    after = 0
    while True:
        after += 1
        scene = Scene()
        was_interrupted = interrupted(scene.stream.close, after)
        scene.stream.close()
        scene.clock.settle()
        assert sorted(set(scene.called)) == ["0", "1"]
        if not was_interrupted:
            break
