"""
A delivery stream that reads a stream (DEL A1).
"""

from __future__ import annotations

import pytest

from postroom import DeliveryStream, ManualClock, MemoryStore, Observation, Recorder, Stream
from postroom.errors import FirehoseInvalidArgument, InvalidInput
from postroom.message import Parcel
from postroom.observe import Wire
from tests.firehose.shelf import Moody, contents


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def source(clock: ManualClock) -> Stream:
    return Stream("clicks", shard_count=2, clock=clock)


def key_for(source: Stream, shard: int) -> str:
    """
    A partition key that leads to that shard.
    """
    probe = Stream("probe", shard_count=len(source.shards), clock=source.clock)
    keys = (f"key {number}" for number in range(1_000))
    return next(key for key in keys if probe.put_record(b"", key).shard_id.endswith(str(shard)))


def test_what_comes_into_the_stream_is_buffered_at_once(clock: ManualClock, source: Stream) -> None:
    store = MemoryStore()
    stream = DeliveryStream("events", store, source=source, append_delimiter=True, clock=clock)
    source.put_record(b"tea", "a")
    assert stream.stats().buffered_records == 1
    source.put_record(b"cake", "a")
    clock.advance(300)

    assert contents(store) == [b"tea\ncake\n"]


def test_it_begins_with_what_comes_from_now_on(clock: ManualClock, source: Stream) -> None:
    source.put_record(b"before", "a")
    store = MemoryStore()
    with DeliveryStream("events", store, source=source, clock=clock):
        source.put_record(b"after", "a")

    assert contents(store) == [b"after"]


def test_it_may_begin_with_what_is_there(clock: ManualClock, source: Stream) -> None:
    source.put_record(b"before", "a")
    store = MemoryStore()
    with DeliveryStream("events", store, source=source, starting_position="TRIM_HORIZON", clock=clock):
        source.put_record(b", after", "a")

    assert contents(store) == [b"before, after"]


def test_order_within_a_shard_is_kept_however_many_there_are(clock: ManualClock, source: Stream) -> None:
    keys = [key_for(source, shard) for shard in (0, 1)]
    for number in range(1_201):
        source.put_record(b"%d" % number, keys[number % 2])
    store = MemoryStore()
    with DeliveryStream(
        "events", store, source=source, starting_position="TRIM_HORIZON", append_delimiter=True, clock=clock
    ):
        pass
    found = [int(line) for line in contents(store)[0].split()]

    assert sorted(found) == list(range(1_201))
    assert [number for number in found if number % 2] == list(range(1, 1_201, 2))
    assert [number for number in found if number % 2 == 0] == list(range(0, 1_201, 2))


def test_the_time_in_the_key_is_that_of_the_oldest_records_arrival_in_the_stream(
    clock: ManualClock, source: Stream
) -> None:
    source.put_record(b"tea", key_for(source, 1))
    clock.advance(3_600)
    source.put_record(b"cake", key_for(source, 0))  # is read first
    clock.advance(3_600)
    store = MemoryStore()
    with DeliveryStream("events", store, source=source, starting_position="TRIM_HORIZON", clock=clock):
        pass
    [key] = store.objects

    assert store.objects[key] == b"caketea"
    assert key.startswith("2024/01/01/00/events-1-2024-01-01-00-00-00-")


def test_the_interval_counts_from_when_it_was_read(clock: ManualClock, source: Stream) -> None:
    source.put_record(b"tea", "a")
    clock.advance(3_600)
    store = MemoryStore()
    stream = DeliveryStream("events", store, source=source, starting_position="TRIM_HORIZON", clock=clock)
    assert not store.objects
    clock.advance(299.999999)
    assert not store.objects
    clock.advance(0.000001)

    assert stream.stats().objects == 1


def test_several_delivery_streams_each_get_everything(clock: ManualClock, source: Stream) -> None:
    stores = [MemoryStore(), MemoryStore()]
    streams = [
        DeliveryStream(name, store, source=source, clock=clock)
        for name, store in zip(("one", "two"), stores, strict=True)
    ]
    source.put_record(b"tea", "a")
    for stream in streams:
        stream.close()

    assert [contents(store) for store in stores] == [[b"tea"], [b"tea"]]


def test_it_takes_no_records_of_anybody_else(clock: ManualClock, source: Stream) -> None:
    stream = DeliveryStream("events", MemoryStore(), source=source, clock=clock)
    for call in (
        lambda: stream.put_record(b"tea"),
        lambda: stream.put_record_batch([b"tea"]),
        lambda: stream.deliver(Parcel("tea")),
    ):
        with pytest.raises(FirehoseInvalidArgument) as caught:
            call()
        assert (
            caught.value.aws_message == "This operation is not permitted on KinesisStreamAsSource delivery stream type."
        )

    assert "stream clicks" in caught.value.help


def test_it_reads_on_while_the_store_fails(clock: ManualClock, source: Stream) -> None:
    store = Moody([OSError("no")] * 3)
    stream = DeliveryStream("events", store, source=source, buffering_interval=0, clock=clock)
    for data in (b"a", b"b", b"c"):
        source.put_record(data, "a")
    assert stream.stats().buffered_records == 3
    clock.advance(60)

    assert contents(store) == [b"a", b"b", b"c"]


def test_what_was_read_is_written_when_the_source_is_closed(clock: ManualClock, source: Stream) -> None:
    store = MemoryStore()
    DeliveryStream("events", store, source=source, clock=clock)
    source.put_record(b"tea", "a")
    source.close()
    clock.advance(300)

    assert contents(store) == [b"tea"]


def test_a_closed_one_reads_no_more(clock: ManualClock, source: Stream) -> None:
    store = MemoryStore()
    stream = DeliveryStream("events", store, source=source, clock=clock)
    stream.close()
    source.put_record(b"tea", "a")
    clock.advance(3_600)

    assert not store.objects
    assert stream.stats().buffered_records == 0


def test_ctrl_c_while_it_reads_loses_nothing(clock: ManualClock, source: Stream) -> None:
    def interrupt(seen: Observation) -> None:
        stream.unobserve(interrupt)
        raise KeyboardInterrupt

    store = MemoryStore()
    stream = DeliveryStream("events", store, source=source, clock=clock)
    stream.observe(interrupt)
    with pytest.raises(KeyboardInterrupt):
        source.put_record(b"tea", "a")
    source.put_record(b"cake", "a")
    stream.close()

    assert contents(store) == [b"teateacake"]  # at least once: it had been taken, and was taken again


def test_a_record_is_told_to_come_from_the_stream(clock: ManualClock, source: Stream) -> None:
    stream = DeliveryStream("events", MemoryStore(), source=source, clock=clock)
    seen: list[Observation] = []
    stream.observe(seen.append)
    put = source.put_record(b"tea", "a")

    [one] = seen
    assert one.kind == "put"
    assert one.details == {"body": "tea", "size": 3, "caused_by": (f"clicks:{put.sequence_number}",)}


def test_a_story_goes_from_the_stream_to_the_object(clock: ManualClock, source: Stream) -> None:
    stream = DeliveryStream("events", MemoryStore(), source=source, clock=clock)
    recorder = Recorder(source, stream)
    put = source.put_record(b"tea", "a")
    stream.flush()

    kinds = [(one.resource, one.kind) for one in recorder.story(f"clicks:{put.sequence_number}").observations]
    assert ("stream clicks", "put") in kinds
    assert ("delivery stream events", "written") in kinds


def test_wires_come_from_the_source(clock: ManualClock, source: Stream) -> None:
    stream = DeliveryStream("events", MemoryStore(), source=source, clock=clock)

    assert stream.wires() == [
        Wire("stream clicks", "delivery stream events"),
        Wire("delivery stream events", "store memory"),
    ]
    assert stream.source is source


def test_a_source_on_another_clock_is_refused(source: Stream) -> None:
    with pytest.raises(InvalidInput, match="different clocks"):
        DeliveryStream("events", MemoryStore(), source=source, clock=ManualClock())
