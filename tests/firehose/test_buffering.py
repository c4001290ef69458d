"""
When an object is complete, what is in it, and what a call refuses (DEL A1, A2).
"""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from postroom import DeliveryStream, ManualClock, MemoryStore, SystemClock
from postroom.errors import FirehoseInvalidArgument, InvalidInput, NotSupported, ResourceClosed
from postroom.message import Parcel
from tests.firehose.shelf import contents

MIB = 1_048_576
KIB_1000 = 1_024_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.mark.parametrize("interval", [1, 300, 900])
def test_an_object_is_written_when_its_first_record_has_waited_for_the_interval(
    clock: ManualClock, store: MemoryStore, interval: int
) -> None:
    stream = DeliveryStream("events", store, buffering_interval=interval, clock=clock)
    stream.put_record(b"a")
    clock.advance(interval / 2)
    stream.put_record(b"b")

    clock.advance(interval / 2 - 0.000001)
    assert not store.objects
    clock.advance(0.000001)

    assert contents(store) == [b"ab"]


def test_the_interval_counts_from_the_first_record_in_an_empty_buffer(clock: ManualClock, store: MemoryStore) -> None:
    stream = DeliveryStream("events", store, clock=clock)
    clock.advance(299)
    stream.put_record(b"a")

    clock.advance(299.999999)
    assert not store.objects
    clock.advance(0.000001)

    assert contents(store) == [b"a"]


def test_a_record_that_comes_at_the_deadline_itself_is_in_the_next_object(
    clock: ManualClock, store: MemoryStore
) -> None:
    stream = DeliveryStream("events", store, buffering_interval=60, clock=clock)
    stream.put_record(b"a")
    clock.call_later(60, lambda: stream.put_record(b"b"))

    clock.advance(60)
    assert contents(store) == [b"a"]
    clock.advance(60)

    assert contents(store) == [b"a", b"b"]


def test_nothing_is_written_for_an_empty_interval(clock: ManualClock, store: MemoryStore) -> None:
    stream = DeliveryStream("events", store, buffering_interval=60, clock=clock)
    assert clock.advance_to_next() is None
    stream.put_record(b"a")

    clock.advance(86_400)

    assert contents(store) == [b"a"]
    assert clock.advance_to_next() is None
    assert not clock.pending()


@pytest.mark.parametrize(("missing", "objects"), [(1, 0), (0, 1)])
def test_an_object_is_written_at_once_when_it_is_large_enough(
    clock: ManualClock, store: MemoryStore, missing: int, objects: int
) -> None:
    stream = DeliveryStream("events", store, buffering_size=1, clock=clock)
    stream.put_record(bytes(MIB - KIB_1000 - missing))
    stream.put_record(bytes(KIB_1000))

    assert len(store) == objects
    assert stream.stats().buffered_bytes == (0 if objects else MIB - missing)


def test_an_object_may_be_larger_by_less_than_one_record(clock: ManualClock, store: MemoryStore) -> None:
    stream = DeliveryStream("events", store, buffering_size=1, clock=clock)
    stream.put_record_batch([bytes(KIB_1000)] * 4)
    stream.flush()

    assert [len(data) for data in contents(store)] == [2 * KIB_1000, 2 * KIB_1000]


def test_the_delimiter_counts(clock: ManualClock, store: MemoryStore) -> None:
    stream = DeliveryStream("events", store, buffering_size=1, append_delimiter=True, clock=clock)
    stream.put_record(bytes(MIB - KIB_1000 - 2))
    stream.put_record(bytes(KIB_1000))

    assert [len(data) for data in contents(store)] == [MIB]


def test_a_full_object_leaves_the_next_an_interval_of_its_own(clock: ManualClock, store: MemoryStore) -> None:
    stream = DeliveryStream("events", store, buffering_size=1, buffering_interval=60, clock=clock)
    stream.put_record(b"a")
    clock.advance(59)
    stream.put_record_batch([bytes(KIB_1000), bytes(MIB - KIB_1000)])
    stream.put_record(b"b")

    clock.advance(59.999999)
    assert len(store) == 1
    clock.advance(0.000001)

    assert len(store) == 2


def test_without_an_interval_the_records_of_each_call_are_an_object(clock: ManualClock, store: MemoryStore) -> None:
    stream = DeliveryStream("events", store, buffering_interval=0, clock=clock)
    stream.put_record(b"a")
    stream.put_record(b"b")
    stream.put_record_batch([b"c", b"d"])

    assert contents(store) == [b"a", b"b", b"cd"]


@pytest.mark.parametrize(("append", "found"), [(False, b"abc"), (True, b"a\n\nbc\n")])
def test_records_are_joined_with_or_without_a_newline(
    clock: ManualClock, store: MemoryStore, append: bool, found: bytes
) -> None:
    stream = DeliveryStream("events", store, append_delimiter=append, clock=clock)
    stream.put_record_batch([b"a", b"", b"bc"])
    stream.flush()

    assert contents(store) == [found]


def test_an_object_of_empty_records_is_written(clock: ManualClock, store: MemoryStore) -> None:
    stream = DeliveryStream("events", store, clock=clock)
    stream.put_record(b"")
    clock.advance(300)

    assert contents(store) == [b""]


def test_gzip_makes_one_member_and_the_same_bytes_each_time(clock: ManualClock) -> None:
    found = []
    for _ in range(2):
        store = MemoryStore()
        stream = DeliveryStream("events", store, compression_format="GZIP", clock=clock, seed=1)
        stream.put_record_batch([b"tea", b"cake"])
        stream.flush()
        found.append(store.objects)
    [(key, data)] = found[0].items()

    assert gzip.decompress(data) == b"teacake"
    assert key.endswith(".gz")
    assert found[0] == found[1]
    assert data[4:8] == bytes(4)  # no time in it


def test_the_extension_given_replaces_that_of_the_format(clock: ManualClock, store: MemoryStore) -> None:
    stream = DeliveryStream("events", store, compression_format="GZIP", file_extension=".json.gz", clock=clock)
    stream.put_record(b"{}")
    stream.flush()

    [key] = store.objects
    assert key.endswith(".json.gz")


def test_data_are_copied(clock: ManualClock, store: MemoryStore) -> None:
    stream = DeliveryStream("events", store, clock=clock)
    data = bytearray(b"tea")
    stream.put_record(data)
    stream.put_record(memoryview(data)[1:])
    data[:] = b"hot"
    stream.flush()

    assert contents(store) == [b"teaea"]


@pytest.mark.parametrize("data", ["tea", 5, None, [1, 2], {"a": 1}])
def test_what_is_no_bytes_is_refused_and_told_how(clock: ManualClock, data: Any) -> None:
    stream = DeliveryStream("events", MemoryStore(), clock=clock)
    with pytest.raises(InvalidInput) as caught:
        stream.put_record(data)

    assert caught.value.operation == "put_record"
    assert caught.value.resource == "events"
    assert ("encode()" in caught.value.help) == isinstance(data, str)


@pytest.mark.parametrize(("size", "taken"), [(KIB_1000, True), (KIB_1000 + 1, False)])
def test_a_record_has_a_thousand_kib_at_the_most(clock: ManualClock, size: int, taken: bool) -> None:
    stream = DeliveryStream("events", MemoryStore(), clock=clock)
    if taken:
        stream.put_record(bytes(size))
    else:
        with pytest.raises(FirehoseInvalidArgument):
            stream.put_record(bytes(size))

    assert stream.stats().buffered_records == taken


@pytest.mark.parametrize(
    ("records", "taken"),
    [
        ([b""] * 500, True),
        ([b""] * 501, False),
        ([], False),
        ([bytes(KIB_1000)] * 4 + [bytes(4 * MIB - 4 * KIB_1000)], True),
        ([bytes(KIB_1000)] * 4 + [bytes(4 * MIB - 4 * KIB_1000 + 1)], False),
        ([b"a", bytes(KIB_1000 + 1)], False),
    ],
)
def test_a_batch_is_taken_whole_or_not_at_all(clock: ManualClock, records: list[bytes], taken: bool) -> None:
    stream = DeliveryStream("events", MemoryStore(), clock=clock)
    if taken:
        outcome = stream.put_record_batch(iter(records))
        assert [success.id for success in outcome.successful] == [str(index) for index in range(len(records))]
        assert len({success.result.record_id for success in outcome.successful}) == len(records)
        assert not outcome.failed
    else:
        with pytest.raises(FirehoseInvalidArgument):
            stream.put_record_batch(records)

    assert stream.stats().buffered_records == (len(records) if taken else 0)


@pytest.mark.parametrize("records", [b"tea", "tea", 5, ["tea"], [b"a", None]])
def test_a_batch_of_other_things_is_refused(clock: ManualClock, records: Any) -> None:
    stream = DeliveryStream("events", MemoryStore(), clock=clock)
    with pytest.raises(InvalidInput):
        stream.put_record_batch(records)

    assert not stream.stats().buffered_records


def test_a_parcel_is_one_record(clock: ManualClock, store: MemoryStore) -> None:
    stream = DeliveryStream("events", store, clock=clock)
    stream.deliver(Parcel("café"))
    stream.flush()

    assert contents(store) == ["café".encode()]


def test_a_parcel_that_is_too_large_stays_with_its_sender(clock: ManualClock) -> None:
    stream = DeliveryStream("events", MemoryStore(), clock=clock)
    with pytest.raises(FirehoseInvalidArgument):
        stream.deliver(Parcel("a" * (KIB_1000 + 1)))

    assert not stream.stats().buffered_records


def test_a_closed_one_takes_nothing(clock: ManualClock, store: MemoryStore) -> None:
    stream = DeliveryStream("events", store, clock=clock)
    stream.close()
    for call in (
        lambda: stream.put_record(b"a"),
        lambda: stream.put_record_batch([b"a"]),
        lambda: stream.deliver(Parcel("a")),
    ):
        with pytest.raises(ResourceClosed):
            call()

    assert not store.objects


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"buffering_size": 0}, FirehoseInvalidArgument),
        ({"buffering_size": 129}, FirehoseInvalidArgument),
        ({"buffering_size": 1.5}, InvalidInput),
        ({"buffering_size": True}, InvalidInput),
        ({"buffering_interval": -0.000001}, FirehoseInvalidArgument),
        ({"buffering_interval": 900.000001}, FirehoseInvalidArgument),
        ({"buffering_interval": "5"}, InvalidInput),
        ({"append_delimiter": "\n"}, InvalidInput),
        ({"compression_format": "ZIP"}, NotSupported),
        ({"compression_format": "gzip"}, FirehoseInvalidArgument),
        ({"file_extension": "json"}, FirehoseInvalidArgument),
        ({"file_extension": ".JSON"}, FirehoseInvalidArgument),
        ({"file_extension": "." + "a" * 128}, FirehoseInvalidArgument),
        ({"file_extension": 5}, InvalidInput),
        ({"prefix": None}, InvalidInput),
        ({"starting_position": "AT_TIMESTAMP"}, InvalidInput),
        ({"starting_position": "TRIM_HORIZON"}, InvalidInput),
        ({"source": "clicks"}, InvalidInput),
        ({"faults": 0.5}, InvalidInput),
        ({"processors": []}, NotSupported),
        ({"error_output_prefix": "errors/"}, NotSupported),
        ({"dynamic_partitioning_configuration": {}}, NotSupported),
        ({"retry_duration_in_seconds": 5}, NotSupported),
        ({"msk_source_configuration": {}}, NotSupported),
        ({"database_source_configuration": {}}, NotSupported),
        ({"direct_put_source_configuration": {}}, NotSupported),
        ({"amazonopensearchservice_destination_configuration": {}}, NotSupported),
        ({"amazon_open_search_serverless_destination_configuration": {}}, NotSupported),
        ({"elasticsearch_destination_configuration": {}}, NotSupported),
        ({"buffer_size": 5}, TypeError),
    ],
)
def test_settings_that_are_not_acceptable_are_refused(
    clock: ManualClock, settings: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        DeliveryStream("events", MemoryStore(), clock=clock, **settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"buffering_size": 1},
        {"buffering_size": 128},
        {"buffering_interval": 900},
        {"file_extension": "." + "a" * 127},
        {"file_extension": ".a!-_.*'()0"},
    ],
)
def test_settings_at_the_edge_are_taken(clock: ManualClock, settings: dict[str, Any]) -> None:
    stream = DeliveryStream("events", MemoryStore(), clock=clock, **settings)

    assert {name: getattr(stream, name) for name in settings} == settings


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("e" * 64, None),
        ("a.B-9_", None),
        ("e" * 65, FirehoseInvalidArgument),
        ("", FirehoseInvalidArgument),
        ("a b", FirehoseInvalidArgument),
        ("a\n", FirehoseInvalidArgument),
        (None, InvalidInput),
    ],
)
def test_names_have_1_to_64_of_some_characters(clock: ManualClock, name: Any, error: type[Exception] | None) -> None:
    if error is None:
        stream = DeliveryStream(name, MemoryStore(), clock=clock)
        assert stream.arn == f"arn:aws:firehose:us-east-1:123456789012:deliverystream/{name}"
    else:
        with pytest.raises(error):
            DeliveryStream(name, MemoryStore(), clock=clock)


def test_on_a_system_clock_the_deadline_needs_nobody() -> None:
    with SystemClock(speed=100_000) as clock:
        store = MemoryStore()
        stream = DeliveryStream("events", store, clock=clock)
        stream.put_record(b"a")
        while not store.objects:
            clock.sleep(30)

        assert contents(store) == [b"a"]
        stream.close()
