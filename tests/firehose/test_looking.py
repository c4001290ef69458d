"""
What a delivery stream tells: observations, figures, explanations, deadlines, wires.
"""

from __future__ import annotations

import json
import pickle

import pytest

from postroom import (
    DeliveryStream,
    DirectoryStore,
    ManualClock,
    MemoryStore,
    ObjectStore,
    Observation,
    Recorder,
    Region,
)
from postroom.errors import InvalidInput
from postroom.message import Parcel
from postroom.observe import Destination, Wire, caused_by
from tests.firehose.shelf import Calling, Moody

FULL = OSError("the disk is full")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_each_record_is_put_and_written(clock: ManualClock) -> None:
    store = MemoryStore()
    stream = DeliveryStream("events", store, append_delimiter=True, clock=clock)
    seen: list[Observation] = []
    stream.observe(seen.append)
    outcome = stream.put_record_batch([b"tea", b"\xff"])
    clock.advance(300)
    ids = [success.result.record_id for success in outcome.successful]
    [key] = store.objects

    assert [(one.kind, one.message_id) for one in seen] == [
        *[("put", id_) for id_ in ids],
        *[("written", id_) for id_ in ids],
    ]
    assert [one.at_us - seen[0].at_us for one in seen] == [0, 0, 300_000_000, 300_000_000]
    assert seen[0].details == {"body": "tea", "size": 3}
    assert seen[1].details == {"body": "\N{REPLACEMENT CHARACTER}", "size": 1}
    assert seen[2].details == {"key": key, "size": 6}
    assert seen[0].resource == str(stream) == "delivery stream events"


def test_a_write_that_fails_is_told_of_each_record(clock: ManualClock) -> None:
    stream = DeliveryStream("events", Moody([FULL, FULL]), buffering_interval=0, clock=clock)
    seen: list[Observation] = []
    stream.observe(seen.append)
    put = stream.put_record(b"tea")
    clock.advance(60)

    assert [one.kind for one in seen] == ["put", "refused", "refused", "written"]
    assert [(one.message_id, one.details["error"], one.details["retry"]) for one in seen[1:3]] == [
        (put.record_id, repr(FULL), 0),
        (put.record_id, repr(FULL), 1),
    ]


def test_what_a_record_was_made_of_is_told(clock: ManualClock) -> None:
    stream = DeliveryStream("events", MemoryStore(), clock=clock)
    seen: list[Observation] = []
    stream.observe(seen.append)
    with caused_by("a message"):
        stream.put_record(b"tea")
        stream.put_record_batch([b"tea"])
        stream.deliver(Parcel("tea", cause="an event"))  # from a resource: it knows better
        stream.deliver(Parcel("tea"))

    assert [one.details.get("caused_by") for one in seen] == [("a message",), ("a message",), ("an event",), None]


def test_a_recorder_tells_the_story_of_a_record(clock: ManualClock) -> None:
    stream = DeliveryStream("events", MemoryStore(), clock=clock)
    recorder = Recorder(stream)
    put = stream.put_record(b"2 x tea")
    stream.flush()

    assert [one.kind for one in recorder.story(put.record_id).observations] == ["put", "written"]
    assert "2 x tea" in str(recorder.story(put.record_id))


def test_explain_follows_a_record(clock: ManualClock) -> None:
    store = Moody([FULL, None])
    stream = DeliveryStream("events", store, buffering_size=3, buffering_interval=60, clock=clock)
    first = stream.put_record(b"tea").record_id
    clock.advance(10)
    assert stream.explain(first) == "in the buffer: the object is complete in 50.0 s, or when it holds 3 MiB"
    clock.advance(50)
    key = store.tries[0][0]
    assert stream.explain(first) == (
        f"waits to be written, in {key}: 1 attempts failed, the last with {FULL!r}, the next is due in 1.0 s"
    )
    second = stream.put_record(b"cake").record_id
    stream._core.close_object(clock.now_us())
    assert stream.explain(second).endswith(f"behind {key}")
    clock.advance(5)
    assert stream.explain(first) == f"written 4.0 s ago, in {key}"
    assert stream.explain("another").startswith("unknown")
    with pytest.raises(InvalidInput):
        stream.explain(5)  # type: ignore[arg-type]


def test_explain_knows_what_is_being_written(clock: ManualClock) -> None:
    store, said = Calling(), []
    stream = DeliveryStream("events", store, clock=clock)
    put = stream.put_record(b"tea")
    store.call = lambda: said.append(stream.explain(put.record_id))
    stream.flush()

    [key] = store.objects
    assert said == [f"being written, in {key}"]


def test_the_last_thousand_that_were_written_are_remembered(clock: ManualClock) -> None:
    stream = DeliveryStream("events", MemoryStore(), clock=clock)
    ids: list[str] = []
    for _ in range(3):
        outcome = stream.put_record_batch([b"tea"] * 400)
        ids += [success.result.record_id for success in outcome.successful]
        stream.flush()

    assert [stream.explain(id_).startswith("written") for id_ in ids] == [False] * 200 + [True] * 1_000


def test_the_figures(clock: ManualClock) -> None:
    stream = DeliveryStream("events", Moody([FULL]), append_delimiter=True, buffering_interval=1, clock=clock)
    stream.put_record_batch([b"tea", b"cake"])
    assert stream.stats().to_dict() == {
        "buffered_records": 2,
        "buffered_bytes": 9,
        "waiting_objects": 0,
        "undelivered": 0,
        "objects": 0,
        "records": 0,
        "bytes": 0,
        "failed_writes": 0,
    }
    clock.advance(1)
    assert (stream.stats().waiting_objects, stream.stats().failed_writes) == (1, 1)
    clock.advance(1)

    assert stream.stats().to_dict() == {
        "buffered_records": 0,
        "buffered_bytes": 0,
        "waiting_objects": 0,
        "undelivered": 0,
        "objects": 1,
        "records": 2,
        "bytes": 9,
        "failed_writes": 1,
    }


def test_bytes_are_counted_as_they_were_written(clock: ManualClock) -> None:
    store = MemoryStore()
    with DeliveryStream("events", store, compression_format="GZIP", clock=clock) as stream:
        stream.put_record(b"tea" * 1_000)

    [data] = store.objects.values()
    assert stream.stats().bytes == len(data) < 3_000


def test_the_clock_knows_what_is_due(clock: ManualClock) -> None:
    stream = DeliveryStream("events", Moody([FULL, FULL]), buffering_interval=60, clock=clock)
    assert clock.pending() == []
    stream.put_record(b"tea")
    stream.put_record(b"cake")
    assert [str(due) for due in clock.pending()] == [
        "2024-01-01 00:01:00  delivery stream events: 2 records buffered: to be written"
    ]
    clock.advance(60)
    stream.put_record(b"tea")
    assert [str(due) for due in clock.pending()] == [
        "2024-01-01 00:01:01  delivery stream events: next attempt to write an object",
        "2024-01-01 00:02:00  delivery stream events: 1 records buffered: to be written",
    ]
    assert clock.advance_to_next() == clock.now()
    assert clock.datetime().second == 1


def test_wires_lead_to_the_store(clock: ManualClock) -> None:
    class Bucket:
        def put(self, key: str, data: bytes) -> None: ...

    stores: list[tuple[ObjectStore, str]] = [
        (MemoryStore(), "memory"),
        (MemoryStore("tea"), "tea"),
        (DirectoryStore("out/tea"), str(DirectoryStore("out/tea").path)),
        (Bucket(), "Bucket"),
    ]
    for store, shown in stores:
        stream = DeliveryStream("events", store, clock=clock)
        assert stream.wires() == [Wire("delivery stream events", f"store {shown}")]


def test_it_is_a_destination(clock: ManualClock) -> None:
    assert isinstance(DeliveryStream("events", MemoryStore(), clock=clock), Destination)


def test_it_lives_in_a_region() -> None:
    region = Region(clock=ManualClock(), seed=1)
    stream = DeliveryStream("events", MemoryStore(), home=region)
    assert stream.clock is region.clock
    with pytest.raises(InvalidInput):
        DeliveryStream("events", MemoryStore(), home=region, seed=1)


def test_it_shows_itself(clock: ManualClock) -> None:
    stream = DeliveryStream("events", MemoryStore(), clock=clock)
    stream.put_record(b"tea")
    assert repr(stream) == "<DeliveryStream events: 1 records buffered, 0 objects written>"
    stream.flush()
    assert repr(stream) == "<DeliveryStream events: 0 records buffered, 1 objects written>"


def test_results_pickle_and_have_a_plain_form(clock: ManualClock) -> None:
    stream = DeliveryStream("events", MemoryStore(), clock=clock)
    for value in (stream.put_record(b"tea"), stream.put_record_batch([b"tea"]), stream.stats()):
        assert pickle.loads(pickle.dumps(value)) == value
        assert json.loads(json.dumps(value.to_dict())) == value.to_dict()


def test_an_observer_may_put(clock: ManualClock) -> None:
    store = MemoryStore()
    stream = DeliveryStream("events", store, buffering_interval=0, clock=clock)
    stream.observe(lambda seen: stream.put_record(b"again") if seen.details.get("body") == "tea" else None)
    stream.put_record(b"tea")

    assert b"".join(store.objects.values()) == b"teaagain"
