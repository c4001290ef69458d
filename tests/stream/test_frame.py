"""
A stream around its shards: what it is made of, figures, explanations, observers, refusals, forks.
"""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest

from postroom import ManualClock, Observation, Queue, RecordEntry, Recorder, Stream, SystemClock
from postroom.errors import (
    InvalidInput,
    KinesisLimitExceeded,
    KinesisValidationError,
    NotSupported,
    PostroomError,
)
from postroom.message import Parcel
from postroom.observe import Destination, caused_by
from postroom.partitioning import even_ranges
from postroom.stream._refusals import OPERATIONS_NOT_THERE, PUT_NOT_THERE, READ_NOT_THERE, STREAM_NOT_THERE
from tests.clock.helpers import Started

ZERO = "shardId-000000000000"
DAY = 86_400


def made(shards: int = 3, **settings: Any) -> tuple[ManualClock, Stream]:
    clock = ManualClock()
    return clock, Stream("orders", shard_count=shards, clock=clock, **settings)


# Making.


def test_without_a_shard_count_it_is_on_demand_with_four_shards() -> None:
    stream = Stream("orders", clock=ManualClock())

    assert (stream.mode, stream.shard_count, stream.status, stream.retention) == ("ON_DEMAND", 4, "ACTIVE", 86_400.0)
    assert Stream("orders", shard_count=4, clock=ManualClock()).mode == "PROVISIONED"


@pytest.mark.parametrize("count", [1, 2, 3, 7, 100, 10_000])
def test_the_shards_tile_the_hash_keys(count: int) -> None:
    _, stream = made(count)

    assert [shard.hash_range for shard in stream.shards] == even_ranges(count)
    assert [shard.shard_id for shard in stream.shards] == [f"shardId-{index:012d}" for index in range(count)]


def test_it_is_a_destination_with_an_arn() -> None:
    _, stream = made()

    assert isinstance(stream, Destination)
    assert (str(stream), stream.arn) == ("stream orders", "arn:aws:kinesis:us-east-1:123456789012:stream/orders")
    assert stream.wires() == []
    assert stream.next_wakeup(0) is None
    assert list(stream.pending(0)) == []


@pytest.mark.parametrize("name", ["a", "a" * 128, "A-z_0.9", "..."])
def test_a_good_name(name: str) -> None:
    assert Stream(name, clock=ManualClock()).name == name


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("", "Member must have length greater than or equal to 1"),
        ("a" * 129, "Member must have length less than or equal to 128"),
        ("my stream", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
        ("é", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
        ("a\n", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
    ],
)
def test_a_bad_name(name: str, rule: str) -> None:
    with pytest.raises(KinesisValidationError) as caught:
        Stream(name, clock=ManualClock())

    assert caught.value.aws_message == (
        f"1 validation error detected: Value '{name}' at 'streamName' failed to satisfy constraint: {rule}"
    )


def test_a_stream_has_1_to_10000_shards() -> None:
    with pytest.raises(KinesisValidationError) as few:
        made(0)
    with pytest.raises(KinesisLimitExceeded) as many:
        made(10_001)

    assert few.value.aws_message == (
        "1 validation error detected: Value '0' at 'shardCount' failed to satisfy constraint: "
        "Member must have value greater than or equal to 1"
    )
    assert many.value.aws_message.startswith(
        "This request would exceed the shard limit for the account 123456789012 in us-east-1. "
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"name": 7},
        {"shard_count": True},
        {"shard_count": 1.0},
        {"shard_count": "2"},
        {"retention": "1 day"},
        {"retention": float("nan")},
        {"faults": "some"},
        {"seed": "x"},
        {"clock": 7},
    ],
)
def test_wrong_types_are_our_own_error(settings: Any) -> None:
    with pytest.raises(InvalidInput):
        Stream(**{"name": "orders", "clock": ManualClock(), **settings})


# What is not there.


@pytest.mark.parametrize("name", sorted(STREAM_NOT_THERE))
def test_settings_that_are_not_there(name: str) -> None:
    with pytest.raises(NotSupported) as caught:
        Stream("orders", **{name: None})  # type: ignore[arg-type]

    assert caught.value.aws_message == f"Stream({name}=…): {STREAM_NOT_THERE[name][0]} is not there."
    assert caught.value.help


@pytest.mark.parametrize("name", sorted(OPERATIONS_NOT_THERE))
def test_operations_that_are_not_there(name: str) -> None:
    _, stream = made()
    with pytest.raises(NotSupported) as caught:
        getattr(stream, name)(ZERO, new_starting_hash_key="7")

    assert caught.value.aws_message == f"{name}(…): {OPERATIONS_NOT_THERE[name][0]} is not there."
    assert caught.value.help


def test_parameters_that_are_not_there() -> None:
    _, stream = made()
    calls: list[Any] = [
        *((stream.put_record, (b"", "k"), name) for name in PUT_NOT_THERE),
        *((stream.put_records, ([RecordEntry(b"", "k")],), name) for name in PUT_NOT_THERE),
        *((stream.get_shard_iterator, (ZERO, "LATEST"), name) for name in READ_NOT_THERE),
        *((stream.get_records, ("x",), name) for name in READ_NOT_THERE),
        *((stream.reader, (ZERO,), name) for name in READ_NOT_THERE),
    ]
    for call, arguments, name in calls:
        with pytest.raises(NotSupported, match="is not there"):
            call(*arguments, **{name: True})

    assert len(stream) == 0


def test_a_slip_of_the_keyboard_gets_a_hint() -> None:
    _, stream = made()
    with pytest.raises(TypeError, match="did you mean 'explicit_hash_key'"):
        stream.put_record(b"", "k", explicit_hashkey="0")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="did you mean 'shard_count'"):
        Stream("orders", shards_count=2)  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        stream.put_recrod  # type: ignore[attr-defined] # noqa: B018


# Figures.


def test_figures_by_shard_and_in_all() -> None:
    clock, stream = made()
    for key in ("a", "b", "f"):
        stream.put_record(b"tea", key)
    clock.advance(DAY - 5)
    stream.put_record("é".encode(), "b")
    clock.advance(5)
    stats = stream.stats()

    assert stats.to_dict() | {"shards": None} == {
        "records": 4, "bytes": 15, "held": 1, "held_bytes": 3, "expired": 3, "shards": None
    }  # fmt: skip
    assert [shard[1:] for shard in stats.shards] == [
        (1, 4, 0, 0, 1, None),
        (3, 11, 1, 3, 2, 5.0),
        (0, 0, 0, 0, 0, None),
    ]
    assert len(stream) == 1


def test_it_says_how_it_is() -> None:
    clock, stream = made()
    stream.put_record(b"", "a")
    assert repr(stream) == "<Stream orders: 3 shards, 1 records>"
    with stream._lanes[0].lock:
        assert repr(stream) == "<Stream orders: 3 shards, 1 records>"
    clock.advance(DAY)
    assert repr(stream) == "<Stream orders: 3 shards, 0 records>"
    assert stream
    stream.close()
    assert repr(stream) == "<Stream orders: 3 shards, closed>"


# Explanations.


def test_where_a_record_is() -> None:
    clock, stream = made()
    number = stream.put_record(b"tea", "b").sequence_number
    clock.advance(60)

    for name in (number, f"orders:{number}"):
        assert stream.explain(name) == ("in shardId-000000000001: arrived 00:01:00 ago, readable for another 23:59:00")
    clock.advance(DAY)
    assert stream.explain(number) == (
        "expired: arrived in shardId-000000000001 1 d 00:01:00 ago, and can be read for 1 d 00:00:00"
    )


def test_what_was_given_back_has_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroom.stream._shard.SEGMENT_RECORDS", 2)
    clock, stream = made(1)
    numbers = [stream.put_record(b"", "k").sequence_number for _ in range(2)]
    clock.advance(DAY)
    stream.put_record(b"", "k")
    stream.put_record(b"", "k")

    assert stream._lanes[0].log._segments[0].first == 2
    assert stream.explain(numbers[0]).startswith("expired: it was in shardId-000000000000, if it was there at all")


def test_where_a_key_leads_and_why() -> None:
    _, stream = made()

    assert stream.explain("b") == (
        "unknown as a record; as a partition key it leads to shardId-000000000001: its MD5 digest is hash key "
        "195289424170611159128911017612795795343, and the shard owns 113427455640312821154458202477256070485 to "
        "226854911280625642308916404954512140969"
    )


@pytest.mark.parametrize("text", ["", "7", "0", "\ud800", "orders:x", "1" * 56])
def test_of_what_it_does_not_know_it_says_so(text: str) -> None:
    _, stream = made()

    assert stream.explain(text).startswith("unknown")


def test_a_number_that_was_never_written_is_unknown() -> None:
    clock, stream = made()
    stream.put_record(b"", "a")
    origin = stream._lanes[0].log.origin
    for number in (
        stream.shards[0].starting_sequence_number,
        origin.sequence_number(2, clock.now_us()),
        origin.sequence_number(1, clock.now_us() + 1_000_000),
        Stream("other", shard_count=9, clock=clock).put_record(b"", "k" * 9).sequence_number,
    ):
        assert stream.explain(number).startswith("unknown")
    with pytest.raises(InvalidInput):
        stream.explain(7)  # type: ignore[arg-type]


# Observers.


def test_an_observer_is_told_of_each_record() -> None:
    clock, stream = made()
    seen: list[Observation] = []
    stream.observe(seen.append)
    one = stream.put_record(b"2 x tea", "b")
    two = stream.put_records([RecordEntry(b"\xff\xfe", "a"), RecordEntry(b"x" * 999, "b")]).successful
    stream.deliver(Parcel("cake", cause="the cause", partition_key="b"))

    assert [(one.kind, one.resource, one.at_us) for one in seen] == [("put", "stream orders", clock.now_us())] * 4
    assert seen[0].message_id == f"orders:{one.sequence_number}"
    assert seen[0].details == {"body": "2 x tea", "shard_id": "shardId-000000000001", "partition_key": "b"}
    assert {found.message_id for found in seen[1:3]} == {f"orders:{success.result.sequence_number}" for success in two}
    assert {found.details["body"] for found in seen[1:3]} == {"//4=", "x" * 255 + "…"}
    assert seen[3].details["caused_by"] == ("the cause",)
    stream.unobserve(seen.append)
    stream.put_record(b"", "b")
    assert len(seen) == 4


def test_what_a_handler_puts_has_a_cause() -> None:
    _, stream = made()
    recorder = Recorder(stream)
    with caused_by("m-1"):
        puts = [stream.put_record(b"", "b"), stream.put_records([RecordEntry(b"", "b")]).successful[0].result]

    for one in puts:
        [seen] = recorder.story(f"orders:{one.sequence_number}").observations
        assert seen.details["caused_by"] == ("m-1",)


def test_observers_are_told_without_a_lock() -> None:
    _, stream = made(1)
    stream.observe(lambda _: Started(lambda: stream.put_record(b"", "k") if len(stream) < 3 else None).result())
    stream.put_record(b"", "k")

    assert len(stream) == 3


def test_callbacks_run_without_a_lock() -> None:
    _, stream = made(1)
    stream.reader(ZERO).when_ready(lambda: Started(lambda: stream.put_record(b"", "k")).result())
    stream.put_record(b"", "k")

    assert len(stream) == 2


# Threads and processes.


def test_a_put_to_one_shard_does_not_wait_for_another() -> None:
    _, stream = made(3)
    with stream._lanes[0].lock:
        assert Started(lambda: stream.put_record(b"", "b")).result().shard_id.endswith("1")
        waiting = Started(lambda: stream.put_record(b"", "a"))
        assert Started(lambda: stream.put_records([RecordEntry(b"", "e")])).result().failed == []
    waiting.result()

    assert [shard.held for shard in stream.stats().shards] == [1, 1, 1]


def test_nobody_waits_for_the_stream_to_put() -> None:
    _, stream = made()
    with stream._lock:
        Started(lambda: stream.put_record(b"", "b")).result()

    assert len(stream) == 1


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_copies_no_half_made_change_and_leaves_no_lock_shut() -> None:
    stream = Stream("orders", shard_count=3, clock=SystemClock())
    stop = threading.Event()

    def put() -> None:
        while not stop.is_set():
            stream.put_records([RecordEntry(b"", key) for key in "abef"])

    workers = [Started(put) for _ in range(2)]
    try:
        for _ in range(5):
            child = os.fork()
            if not child:
                try:
                    for key in "abe":
                        stream.put_record(b"", key)
                    for lane in stream._lanes:
                        lane.log.check()
                    stream.reader("0", "LATEST").when_ready(print).cancel()
                    os._exit(0)
                finally:
                    os._exit(1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        stop.set()
    for worker in workers:
        worker.result()
    for lane in stream._lanes:
        lane.log.check()


def test_the_clock_of_a_queue_and_a_stream_may_be_one() -> None:
    clock = ManualClock()
    queue, stream = Queue("q", clock=clock), Stream("s", shard_count=1, clock=clock)
    stream.reader(ZERO).when_ready(lambda: queue.send_message("there is something"))
    stream.put_record(b"", "k")

    assert queue.stats().available == 1


def test_errors_carry_the_stream_and_the_call() -> None:
    _, stream = made()
    for operation, call in {
        "increase_retention_period": lambda: stream.increase_retention_period(1),
        "decrease_retention_period": lambda: stream.decrease_retention_period(1),
        "get_shard_iterator": lambda: stream.get_shard_iterator("x", "LATEST"),
        "get_records": lambda: stream.get_records("x"),
        "reader": lambda: stream.reader("x"),
    }.items():
        with pytest.raises(PostroomError) as caught:
            call()  # type: ignore[no-untyped-call]
        assert (caught.value.operation, caught.value.resource) == (operation, "orders")
