"""
PutRecord and PutRecords: where records go, what is refused and in what words, and that a refused call stores nothing.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from postroom import ManualClock, PostroomError, RecordEntry, Stream
from postroom.errors import InvalidInput, KinesisInvalidArgument, KinesisValidationError, ResourceClosed
from postroom.message import Parcel

MIB = 1_048_576


def made(shards: int = 4, **settings: Any) -> Stream:
    return Stream("orders", shard_count=shards, clock=ManualClock(), **settings)


def data_of(stream: Stream) -> list[list[bytes]]:
    return [[record.data for record in stream.reader(shard.shard_id).peek(10_000)] for shard in stream.shards]


def both(stream: Stream, **entry: Any) -> list[Callable[[], object]]:
    """
    The same record alone, and as the second of a batch.
    """
    given = {"data": b"tea", "partition_key": "key", **entry}
    return [
        lambda: stream.put_record(**given),
        lambda: stream.put_records([RecordEntry(b"", "fits"), RecordEntry(**given)]),
    ]


@pytest.mark.parametrize(("key", "shard"), [("a", 0), ("b", 1), ("e", 2), ("f", 1)])
def test_the_digest_of_the_key_chooses_the_shard(key: str, shard: int) -> None:
    assert made(3).put_record(b"", key).shard_id == f"shardId-00000000000{shard}"


@pytest.mark.parametrize(("key", "shard"), [("é", 2), ("日本", 2), ("💣", 0), ("x" * 256, 5)])
def test_keys_are_hashed_in_utf_8(key: str, shard: int) -> None:
    stream = made(7)

    assert stream.put_record(b"", key).shard_id == stream.shards[shard].shard_id
    assert stream.put_records([RecordEntry(b"", key)]).successful[0].result.shard_id == stream.shards[shard].shard_id


def test_every_end_of_a_range_lies_in_it_and_the_top_hash_key_in_the_last() -> None:
    stream = made(7)
    for index, shard in enumerate(stream.shards):
        for hash_key in (shard.hash_range.start, shard.hash_range.end):
            put = stream.put_record(b"", "a", explicit_hash_key=str(hash_key))
            assert put.shard_id == f"shardId-{index:012d}"

    assert stream.shards[-1].hash_range.end == 2**128 - 1


@pytest.mark.parametrize("data", [bytearray(b"tea"), memoryview(b"tea"), memoryview(bytearray(b"tea"))])
def test_buffers_are_copied(data: Any) -> None:
    stream = made(1)
    stream.put_record(data, "key")
    stream.put_records([RecordEntry(data, "key")])
    if isinstance(data, bytearray):
        data[0] = 0

    assert data_of(stream) == [[b"tea", b"tea"]]
    assert {type(one) for one in data_of(stream)[0]} == {bytes}


def test_no_data_are_data() -> None:
    stream = made(1)
    stream.put_record(b"", "key")

    assert data_of(stream) == [[b""]]


@pytest.mark.parametrize(("key", "room"), [("k", 1), ("é", 2), ("k" * 256, 256)])
def test_a_record_has_one_mebibyte_with_its_key(key: str, room: int) -> None:
    stream = made(1)
    stream.put_record(bytes(MIB - room), key)
    stream.put_records([RecordEntry(bytes(MIB - room), key)])
    for put in both(stream, data=bytes(MIB - room + 1), partition_key=key):
        with pytest.raises(KinesisInvalidArgument, match="Record size exceeds 1024 KiB limit"):
            put()

    assert len(stream) == 2


LENGTH = "Member must have length {} than or equal to {}"
HASH_KEY = r"Member must satisfy regular expression pattern: 0|([1-9]\d{0,38})"
FORMS = [
    ("partition_key", "partitionKey", "", LENGTH.format("greater", 1)),
    ("partition_key", "partitionKey", "k" * 257, LENGTH.format("less", 256)),
    ("explicit_hash_key", "explicitHashKey", "", HASH_KEY),
    ("explicit_hash_key", "explicitHashKey", "-1", HASH_KEY),
    ("explicit_hash_key", "explicitHashKey", "007", HASH_KEY),
    ("explicit_hash_key", "explicitHashKey", "1" * 40, HASH_KEY),
    ("explicit_hash_key", "explicitHashKey", "٣", HASH_KEY),
]


@pytest.mark.parametrize(("name", "path", "given", "rule"), FORMS)
def test_what_has_a_wrong_form_is_refused_in_awss_words(name: str, path: str, given: str, rule: str) -> None:
    stream = made()
    for put, where in zip(both(stream, **{name: given}), (path, f"records.2.member.{path}"), strict=True):
        with pytest.raises(KinesisValidationError) as caught:
            put()
        assert caught.value.aws_message == (
            f"1 validation error detected: Value '{given}' at '{where}' failed to satisfy constraint: {rule}"
        )

    assert len(stream) == 0


def test_256_characters_are_enough_whatever_their_bytes() -> None:
    stream = made(1)
    stream.put_record(b"", "💣" * 256)

    assert stream.stats().bytes == 1_024


@pytest.mark.parametrize("number", [2**128, 10**38 * 9])
def test_a_hash_key_beyond_the_last_is_refused(number: int) -> None:
    stream = made()
    for put in both(stream, explicit_hash_key=str(number)):
        with pytest.raises(KinesisInvalidArgument) as caught:
            put()
        assert caught.value.aws_message == (
            f"Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {number}"
        )

    assert len(stream) == 0


def test_all_faults_of_form_are_told_at_once_but_no_more_than_ten() -> None:
    stream = made()
    with pytest.raises(KinesisValidationError) as two:
        stream.put_record(bytes(10 * MIB + 1), "")
    with pytest.raises(KinesisValidationError) as many:
        stream.put_records([RecordEntry(b"", "")] * 20)

    assert two.value.aws_message == (
        "2 validation errors detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=10485761 cap=10485761]' at 'data' "
        "failed to satisfy constraint: Member must have length less than or equal to 10485760; "
        "Value '' at 'partitionKey' failed to satisfy constraint: Member must have length greater than or equal to 1"
    )
    assert many.value.aws_message.startswith("10 validation errors detected: ")
    assert many.value.aws_message.count("; ") == 9


@pytest.mark.parametrize(("count", "rule"), [(0, LENGTH.format("greater", 1)), (501, LENGTH.format("less", 500))])
def test_a_batch_has_1_to_500_records(count: int, rule: str) -> None:
    stream = made()
    with pytest.raises(KinesisValidationError) as caught:
        stream.put_records([RecordEntry(b"", "key")] * count)

    assert caught.value.aws_message.endswith(f"at 'records' failed to satisfy constraint: {rule}")
    assert len(stream) == 0
    stream.put_records([RecordEntry(b"", "key")] * 500)
    assert len(stream) == 500


def test_a_batch_has_ten_mebibytes_with_its_keys() -> None:
    stream = made(1)
    entries = [RecordEntry(bytes(MIB - 1), "k")] * 10
    stream.put_records(entries)
    with pytest.raises(KinesisInvalidArgument) as caught:
        stream.put_records([*entries, RecordEntry(b"", "k")])

    assert caught.value.aws_message == "Records size exceeds 10 MB limit"
    assert len(stream) == 10


def test_a_batch_keeps_its_order_in_each_shard_and_in_its_outcome() -> None:
    stream = made(3)
    entries = [RecordEntry(str(number).encode(), f"key-{number % 11}") for number in range(500)]
    outcome = stream.put_records(entry for entry in entries)

    assert [success.id for success in outcome.successful] == [str(number) for number in range(500)]
    assert outcome.failed == []
    for index, shard in enumerate(stream.shards):
        mine = [success for success in outcome.successful if success.result.shard_id == shard.shard_id]
        assert data_of(stream)[index] == [success.id.encode() for success in mine]
        numbers = [int(success.result.sequence_number) for success in mine]
        assert numbers == sorted(set(numbers))


def test_a_batch_with_anything_unusual_in_it_does_the_same() -> None:
    plain, mixed = made(3), made(3)
    entries = [RecordEntry(str(number).encode(), f"key-{number}") for number in range(50)]
    unusual: list[Any] = [RecordEntry(bytearray(one.data), one.partition_key) for one in entries]  # type: ignore[arg-type]
    plain.put_records(entries)
    outcome = mixed.put_records([*unusual, RecordEntry(b"last", "é", "0")])

    assert data_of(mixed) == [[*data_of(plain)[0], b"last"], *data_of(plain)[1:]]
    assert outcome.successful[-1].result.shard_id == "shardId-000000000000"


def test_results_can_be_shown_and_compared() -> None:
    stream = made(1)
    put = stream.put_record(b"tea", "key")
    [record] = stream.reader("0").peek(1)

    assert json.loads(json.dumps(put.to_dict())) == {
        "shard_id": "shardId-000000000000",
        "sequence_number": record.sequence_number,
    }
    assert repr(put) == f"<PutRecord {put.sequence_number} in shardId-000000000000>"
    assert repr(record) == f"<Record {put.sequence_number} b'tea' of 'key', shardId-000000000000>"
    assert put != stream.put_record(b"tea", "key")
    stream.put_record(b"x" * 99, "key")
    assert "x...' of" in repr(stream.reader("0").peek(3)[2])


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("data", "tea", "data is of type str"),
        ("data", None, "data is of type NoneType"),
        ("data", [1], "data is of type list"),
        ("partition_key", 7, "partition_key is of type int"),
        ("partition_key", None, "partition_key is of type NoneType"),
        ("partition_key", "\ud800", "has no UTF-8 form"),
        ("explicit_hash_key", 7, "explicit_hash_key is of type int"),
    ],
)
def test_wrong_types_are_our_own_error_and_store_nothing(name: str, given: Any, words: str) -> None:
    stream = made()
    for operation, put in zip(("put_record", "put_records"), both(stream, **{name: given}), strict=True):
        with pytest.raises(InvalidInput, match=words) as caught:
            put()
        assert (caught.value.operation, caught.value.resource) == (operation, "orders")

    assert len(stream) == 0


@pytest.mark.parametrize(
    "entries", [None, 7, "ab", b"ab", RecordEntry(b"", "k"), [("data", "key")], [b"data"], {"data": b""}]
)
def test_what_is_no_batch_is_refused(entries: Any) -> None:
    with pytest.raises(InvalidInput, match=r"entries|entry"):
        made().put_records(entries)


def test_errors_say_where_they_arose() -> None:
    stream = made()
    calls: dict[str, Callable[[], object]] = {
        "put_record": lambda: stream.put_record(b"", ""),
        "put_records": lambda: stream.put_records([]),
        "deliver": lambda: stream.deliver(Parcel("tea")),
    }
    for operation, call in calls.items():
        with pytest.raises(PostroomError) as caught:
            call()
        assert (caught.value.operation, caught.value.resource) == (operation, "orders")


def test_a_closed_stream_takes_nothing() -> None:
    stream = made()
    stream.close()
    stream.close()
    calls: list[Callable[[], object]] = [
        lambda: stream.put_record(b"", "key"),
        lambda: stream.put_records([RecordEntry(b"", "key")]),
        lambda: stream.deliver(Parcel("tea", partition_key="key")),
    ]
    for call in calls:
        with pytest.raises(ResourceClosed):
            call()


# As a destination.


def test_a_parcel_goes_under_its_key_or_its_cause() -> None:
    stream = made(3)
    stream.deliver(Parcel("tÉa", partition_key="b", cause="e"))
    stream.deliver(Parcel("cake", cause="e"))

    assert data_of(stream) == [[], ["tÉa".encode()], [b"cake"]]
    assert stream.reader("2").peek(1)[0].partition_key == "e"


@pytest.mark.parametrize(
    ("parcel", "error"),
    [
        (Parcel("tea"), KinesisInvalidArgument),
        (Parcel("tea", partition_key=""), KinesisValidationError),
        (Parcel("x" * MIB, partition_key="k"), KinesisInvalidArgument),
        (Parcel("\ud800", partition_key="k"), InvalidInput),
        (Parcel("tea", partition_key="\ud800"), InvalidInput),
    ],
)
def test_a_parcel_that_makes_no_record_stays_with_its_sender(parcel: Parcel, error: type[PostroomError]) -> None:
    stream = made()
    with pytest.raises(error):
        stream.deliver(parcel)

    assert len(stream) == 0


def test_the_same_seed_gives_the_same_iterators() -> None:
    one, two, other = (made(1, seed=seed) for seed in (1, random.Random("1/stream orders"), 2))
    iterators = [stream.get_shard_iterator("0", "LATEST") for stream in (one, two, other)]

    assert iterators[0] == iterators[1] != iterators[2]
