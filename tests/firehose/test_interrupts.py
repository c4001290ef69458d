"""
Ctrl-C at any line of a delivery stream's code loses no record that was taken and leaves no lock shut.

A tracer raises `KeyboardInterrupt` at the n-th line run in `firehose/` or `delivery/`, for every n there is, but for the lines at
which Python does not look for signals (see the same test of queues).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from postroom import DeliveryStream, ManualClock, Observation, Stream
from tests import interrupts
from tests.firehose.shelf import Moody

SPARED = ("try:", "with ", "if self._turn is turn:", "self._turn = None", "self._rest.notify_all()")
PLACES = interrupts.places("firehose", "delivery")


def interrupted(call: Callable[[], object], after: int) -> bool:
    return interrupts.interrupted(call, after, PLACES, SPARED)


class Scene(NamedTuple):
    clock: ManualClock
    stream: DeliveryStream
    store: Moody
    call: Callable[[], object]


def scene(
    *failures: BaseException | None, heard: bool = True, **settings: Any
) -> tuple[ManualClock, DeliveryStream, Moody]:
    clock, store = ManualClock(), Moody(failures)
    if "source" in settings:
        settings["source"] = Stream("clicks", shard_count=1, clock=clock)
    stream = DeliveryStream("events", store, append_delimiter=True, clock=clock, **settings)
    if heard:
        seen: list[Observation] = []
        stream.observe(seen.append)
    return clock, stream, store


def puts() -> Scene:
    clock, stream, store = scene()
    stream.put_record(b"old")
    return Scene(clock, stream, store, lambda: stream.put_record(b"new"))


def puts_first() -> Scene:
    clock, stream, store = scene()
    stream.put_record(b"old")
    stream.flush()
    return Scene(clock, stream, store, lambda: stream.put_record(b"new"))


def puts_and_writes() -> Scene:
    clock, stream, store = scene(buffering_size=1)
    stream.put_record(b"old")
    stream.put_record(bytes(1_000_000))
    return Scene(clock, stream, store, lambda: stream.put_record_batch([bytes(100_000), b"new"]))


def writes_at_once() -> Scene:
    clock, stream, store = scene(buffering_interval=0)
    stream.put_record(b"old")
    return Scene(clock, stream, store, lambda: stream.put_record(b"new"))


def falls_due() -> Scene:
    clock, stream, store = scene()
    stream.put_record(b"old")
    return Scene(clock, stream, store, lambda: clock.advance(300))


def fails() -> Scene:
    clock, stream, store = scene(OSError("no"))
    stream.put_record(b"old")
    return Scene(clock, stream, store, lambda: clock.advance(310))


def flushes() -> Scene:
    clock, stream, store = scene(OSError("no"), buffering_interval=0)
    stream.put_record(b"old")
    return Scene(clock, stream, store, stream.flush)


def gives_up() -> Scene:
    clock, stream, store = scene(OSError("no"), OSError("no"), buffering_interval=0)
    stream.put_record(b"old")
    [one] = stream._core.waiting
    assert one.closed_at is not None
    one.closed_at -= 86_399_000_000
    return Scene(clock, stream, store, lambda: clock.advance(70))


def closes() -> Scene:
    clock, stream, store = scene()
    stream.put_record(b"old")
    return Scene(clock, stream, store, stream.close)


def reads() -> Scene:
    clock, stream, store = scene(source=True)
    source = stream.source
    assert source is not None
    source.put_record(b"old", "a")
    return Scene(clock, stream, store, lambda: source.put_record(b"new", "a"))


@pytest.mark.parametrize(
    "make", [puts, puts_first, puts_and_writes, writes_at_once, falls_due, fails, flushes, gives_up, closes, reads]
)
def test_an_interrupt_at_any_line_loses_no_record_and_leaves_no_lock_shut(make: Callable[[], Scene]) -> None:
    line = 1
    while True:
        stage = make()
        if not interrupted(stage.call, line):
            break
        assert not stage.stream._lock.locked(), f"line {line} leaves the lock shut"
        assert stage.stream._turn is None, f"line {line} leaves the turn taken"
        stage.clock.pending()
        stage.store.script = iter(())
        stage.clock.advance(3_600)
        by_itself = set(stage.store.objects.values())
        stage.stream.close()
        stage.stream.flush()
        lines = {text.strip(b"\0") for data in stage.store.objects.values() for text in data.splitlines()}
        assert {b"old"} <= lines <= {b"old", b"new", b""}, f"line {line}"
        if make not in {closes, gives_up}:
            assert by_itself == set(stage.store.objects.values()), f"line {line}: it waited for close"
        line += 1

    assert line > 10
