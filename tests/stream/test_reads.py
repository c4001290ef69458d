"""
Shard iterators and GetRecords: the five positions, what is refused and in what words, lifetimes, limits, retention.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from postroom import ManualClock, PostroomError, RecordEntry, Stream
from postroom.errors import (
    ExpiredIterator,
    InvalidInput,
    KinesisInvalidArgument,
    KinesisResourceNotFound,
    KinesisValidationError,
    ResourceClosed,
)
from postroom.limits import GET_RECORDS_MAX_BYTES, RECORD_MAX_BYTES

ZERO = "shardId-000000000000"
PLACE = "stream orders under account 123456789012"
HOUR = 3_600


def made(shards: int = 1, **settings: Any) -> tuple[ManualClock, Stream]:
    clock = ManualClock()
    return clock, Stream("orders", shard_count=shards, clock=clock, seed=1, **settings)


def put(stream: Stream, *data: str) -> list[str]:
    return [stream.put_record(one.encode(), "key").sequence_number for one in data]


def read(stream: Stream, kind: Any, shard_id: str = ZERO, **settings: Any) -> list[str]:
    got = stream.get_records(stream.get_shard_iterator(shard_id, kind, **settings))
    return [record.data.decode() for record in got.records]


def refusal(call: Callable[[], object], error: type[PostroomError]) -> str:
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    assert caught.value.resource == "orders"
    return caught.value.aws_message


# Positions.


def test_the_oldest_and_what_is_still_to_come() -> None:
    _, stream = made()
    put(stream, "a", "b")
    latest = stream.get_shard_iterator(ZERO, "LATEST")
    put(stream, "c")

    assert read(stream, "TRIM_HORIZON") == ["a", "b", "c"]
    assert [record.data for record in stream.get_records(latest).records] == [b"c"]


def test_at_a_number_and_after_it() -> None:
    _, stream = made()
    numbers = put(stream, "a", "b", "c")

    assert read(stream, "AT_SEQUENCE_NUMBER", starting_sequence_number=numbers[1]) == ["b", "c"]
    assert read(stream, "AFTER_SEQUENCE_NUMBER", starting_sequence_number=numbers[1]) == ["c"]
    assert read(stream, "AFTER_SEQUENCE_NUMBER", starting_sequence_number=numbers[2]) == []
    start = stream.shards[0].starting_sequence_number
    assert read(stream, "AT_SEQUENCE_NUMBER", starting_sequence_number=start) == ["a", "b", "c"]
    assert read(stream, "AFTER_SEQUENCE_NUMBER", starting_sequence_number=start) == ["a", "b", "c"]


def test_a_number_need_not_exist() -> None:
    _, stream = made()
    origin = stream._lanes[0].log.origin
    now = stream.clock.now_us()
    put(stream, "a")
    third, second_late = origin.sequence_number(3, now), origin.sequence_number(2, now + 1_000_000)
    iterators = [
        stream.get_shard_iterator(ZERO, "AT_SEQUENCE_NUMBER", starting_sequence_number=third),
        stream.get_shard_iterator(ZERO, "AFTER_SEQUENCE_NUMBER", starting_sequence_number=third),
        stream.get_shard_iterator(ZERO, "AT_SEQUENCE_NUMBER", starting_sequence_number=second_late),
    ]
    onward = [stream.get_records(iterator).next_shard_iterator for iterator in iterators]
    put(stream, "b", "c", "d")

    for form in (iterators, onward):
        assert [[r.data for r in stream.get_records(one).records] for one in form] == [
            [b"c", b"d"],
            [b"d"],
            [b"c", b"d"],
        ]


def test_at_a_timestamp_is_then_or_later_to_the_millisecond() -> None:
    clock, stream = made()
    start = clock.now()
    for data in "abc":
        put(stream, data)
        clock.advance(0.0015)

    assert read(stream, "AT_TIMESTAMP", timestamp=0) == ["a", "b", "c"]
    assert read(stream, "AT_TIMESTAMP", timestamp=start) == ["a", "b", "c"]
    assert read(stream, "AT_TIMESTAMP", timestamp=start + 0.001) == ["b", "c"]
    assert read(stream, "AT_TIMESTAMP", timestamp=start + 0.0019) == ["b", "c"]
    assert read(stream, "AT_TIMESTAMP", timestamp=start + 0.002) == ["c"]
    assert read(stream, "AT_TIMESTAMP", timestamp=start + 0.004) == []
    assert read(stream, "AT_TIMESTAMP", timestamp=datetime.fromtimestamp(start + 0.002, UTC)) == ["c"]


def test_a_timestamp_of_now_waits_for_what_comes() -> None:
    clock, stream = made()
    put(stream, "old")
    clock.advance(1)
    iterator = stream.get_shard_iterator(ZERO, "AT_TIMESTAMP", timestamp=clock.datetime())
    put(stream, "new")

    assert [record.data for record in stream.get_records(iterator).records] == [b"new"]


def test_a_record_is_found_by_the_timestamp_it_shows() -> None:
    clock, stream = made()
    clock.advance(0.0129)
    put(stream, "a")
    [record] = stream.reader(ZERO).peek(1)

    assert record.approximate_arrival_timestamp == datetime(2024, 1, 1, 0, 0, 0, 12_000, UTC)
    assert record.arrived_at_us % 1_000_000 == 12_900
    assert read(stream, "AT_TIMESTAMP", timestamp=record.approximate_arrival_timestamp) == ["a"]


@pytest.mark.parametrize("shard_id", ["shardId-000000000001", "shard-1", "a-00001", "-1", "1", "000001", "-0000000001"])
def test_shard_ids_may_be_written_carelessly(shard_id: str) -> None:
    _, stream = made(3)
    stream.put_record(b"tea", "b")

    assert read(stream, "TRIM_HORIZON", shard_id) == ["tea"]
    assert stream.reader(shard_id).shard_id == "shardId-000000000001"


# Refusals of GetShardIterator.


@pytest.mark.parametrize(
    "shard_id", ["shard", "shard-", "a-b-1", "shardId-1-1", "-1a", "1.0", "2147483648", "a-9999999999"]
)
def test_what_is_no_shard_id(shard_id: str) -> None:
    _, stream = made()

    assert refusal(lambda: stream.get_shard_iterator(shard_id, "LATEST"), KinesisResourceNotFound) == (
        f"Could not find shard {shard_id} in {PLACE}."
    )


@pytest.mark.parametrize(("given", "shown"), [("3", "000000000003"), ("x-2147483647", "002147483647")])
def test_a_shard_that_is_not_there(given: str, shown: str) -> None:
    _, stream = made(3)

    assert refusal(lambda: stream.reader(given), KinesisResourceNotFound) == (
        f"Shard shardId-{shown} in {PLACE} does not exist"
    )


@pytest.mark.parametrize(
    ("shard_id", "rule"),
    [
        ("", "Member must have length greater than or equal to 1"),
        ("1" * 129, "Member must have length less than or equal to 128"),
        ("shard 1", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
    ],
)
def test_a_shard_id_has_a_form(shard_id: str, rule: str) -> None:
    _, stream = made()

    assert refusal(lambda: stream.get_shard_iterator(shard_id, "LATEST"), KinesisValidationError) == (
        f"1 validation error detected: Value '{shard_id}' at 'shardId' failed to satisfy constraint: {rule}"
    )


def test_an_unknown_kind_of_iterator() -> None:
    _, stream = made()
    kind: Any = "EARLIEST"

    assert refusal(lambda: stream.get_shard_iterator(ZERO, kind), KinesisValidationError) == (
        "1 validation error detected: Value 'EARLIEST' at 'shardIteratorType' failed to satisfy constraint: "
        "Member must satisfy enum value set: "
        "[AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]"
    )


@pytest.mark.parametrize(
    "kind", ["AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER", "TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"]
)
def test_kind_and_number_go_together(kind: Any) -> None:
    clock, stream = made()
    needed = kind.endswith("_SEQUENCE_NUMBER")
    settings: dict[str, Any] = {} if needed else {"starting_sequence_number": put(stream, "a")[0]}
    if kind == "AT_TIMESTAMP":
        settings["timestamp"] = clock.now()

    assert refusal(lambda: stream.get_shard_iterator(ZERO, kind, **settings), KinesisInvalidArgument) == (
        "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) "
        f"TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified {kind} and "
        f"{'no' if needed else 'also a'} StartingSequenceNumber."
    )


NUMBERS = [
    ("1" + "0" * 55, f"StartingSequenceNumber {{}} used in GetShardIterator on shard {ZERO} in {PLACE} is invalid."),
    ("0", f"StartingSequenceNumber {{}} used in GetShardIterator on shard {ZERO} in {PLACE} is invalid."),
    (
        "49590338271490256608559692538361571095921575989136588898",
        (
            f"StartingSequenceNumber {{}} used in GetShardIterator on shard {ZERO} in {PLACE} is invalid because it did not "
            "come from this stream."
        ),
    ),
    (
        "5",
        (
            "Invalid StartingSequenceNumber. It encodes shardId-000000000005, while it was used in a call to a shard with "
            f"{ZERO}"
        ),
    ),
]


@pytest.mark.parametrize(("number", "text"), NUMBERS)
def test_a_number_that_is_none_of_the_shard(number: str, text: str) -> None:
    _, stream = made(3)
    for kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
        assert refusal(
            lambda kind=kind: stream.get_shard_iterator(ZERO, kind, starting_sequence_number=number),  # type: ignore[misc]
            KinesisInvalidArgument,
        ) == text.format(number)


def test_a_number_of_another_shard_or_stream() -> None:
    clock, stream = made(3)
    other_shard = stream.put_record(b"", "b").sequence_number
    clock.advance(1)
    later = Stream("later", shard_count=3, clock=clock).put_record(b"", "a").sequence_number
    wider = Stream("wider", shard_count=4, clock=ManualClock()).put_record(b"", "e").sequence_number

    def ask(number: str) -> str:
        return refusal(
            lambda: stream.get_shard_iterator("0", "AT_SEQUENCE_NUMBER", starting_sequence_number=number),
            KinesisInvalidArgument,
        )

    assert ask(other_shard) == (
        "Invalid StartingSequenceNumber. It encodes shardId-000000000001, while it was used in a call to a shard with "
        f"{ZERO}"
    )
    for number in (later, wider):
        assert ask(number).endswith("is invalid because it did not come from this stream.")


def test_a_number_has_a_form() -> None:
    _, stream = made()
    for text in ("one", "007", ""):
        assert refusal(
            lambda text=text: stream.get_shard_iterator(ZERO, "AT_SEQUENCE_NUMBER", starting_sequence_number=text),  # type: ignore[misc]
            KinesisValidationError,
        ) == (
            f"1 validation error detected: Value '{text}' at 'startingSequenceNumber' failed to satisfy constraint: "
            r"Member must satisfy regular expression pattern: 0|([1-9]\d{0,128})"
        )


def test_a_timestamp_is_needed_and_not_in_the_future() -> None:
    clock, stream = made()

    assert refusal(lambda: stream.get_shard_iterator(ZERO, "AT_TIMESTAMP"), KinesisInvalidArgument) == (
        "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp "
        "parameter."
    )
    assert refusal(
        lambda: stream.get_shard_iterator(ZERO, "AT_TIMESTAMP", timestamp=clock.now() + 0.001), KinesisInvalidArgument
    ) == (
        "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. "
        "timestampInMillis: 1704067200001, currentTimestampInMillis: 1704067200000"
    )
    stream.get_shard_iterator(ZERO, "AT_TIMESTAMP", timestamp=clock.now() + 0.0009)


@pytest.mark.parametrize(
    "settings",
    [
        {"shard_id": 0, "shard_iterator_type": "LATEST"},
        {"shard_id": ZERO, "shard_iterator_type": 1},
        {"shard_id": ZERO, "shard_iterator_type": "AT_SEQUENCE_NUMBER", "starting_sequence_number": 5},
        {"shard_id": ZERO, "shard_iterator_type": "AT_TIMESTAMP", "timestamp": "now"},
        {"shard_id": ZERO, "shard_iterator_type": "AT_TIMESTAMP", "timestamp": datetime(2024, 1, 1)},  # noqa: DTZ001
        {"shard_id": ZERO, "shard_iterator_type": "LATEST", "timestamp": 0},
    ],
)
def test_wrong_types_are_our_own_error(settings: Any) -> None:
    _, stream = made()
    refusal(lambda: stream.get_shard_iterator(**settings), InvalidInput)


# Iterators.


def test_an_iterator_is_opaque_base64_of_up_to_512_characters() -> None:
    _, stream = made()
    iterator = stream.get_shard_iterator(ZERO, "LATEST")

    assert len(iterator) <= 512
    assert base64.b64decode(iterator, validate=True)[:8] == b"\0\0\0\0\0\0\0\1"


def test_an_iterator_is_used_as_often_as_one_likes_and_the_next_is_always_new() -> None:
    _, stream = made()
    put(stream, "a")
    iterator = stream.get_shard_iterator(ZERO, "TRIM_HORIZON")
    responses = [stream.get_records(iterator) for _ in range(3)]
    put(stream, "b")

    assert [response.records for response in responses] == [responses[0].records] * 3
    assert len({iterator, *(response.next_shard_iterator for response in responses)}) == 4
    assert len(stream.get_records(iterator).records) == 2
    assert stream.get_shard_iterator(ZERO, "LATEST") != stream.get_shard_iterator(ZERO, "LATEST")


def test_an_iterator_in_double_quotes_will_do() -> None:
    _, stream = made()
    put(stream, "a")
    iterator = stream.get_shard_iterator(ZERO, "TRIM_HORIZON")

    assert len(stream.get_records(f'"{iterator}"').records) == 1
    refusal(lambda: stream.get_records(f'"{iterator}'), KinesisInvalidArgument)


@pytest.mark.parametrize(
    ("age", "valid"), [(0, True), (299.999999, True), (300, True), (300.000001, False), (9_999, False)]
)
def test_an_iterator_lives_five_minutes_to_their_very_end(age: float, valid: bool) -> None:
    clock, stream = made()
    put(stream, "a")
    iterator = stream.get_shard_iterator(ZERO, "TRIM_HORIZON")
    stream._iterators._lately.clear()
    clock.advance(age)

    if valid:
        assert len(stream.get_records(iterator).records) == 1
    else:
        refusal(lambda: stream.get_records(iterator), ExpiredIterator)


def test_the_error_of_an_expired_one_shows_both_dates() -> None:
    clock = ManualClock(datetime(2015, 1, 22, 1, 22, 2, tzinfo=UTC))
    stream = Stream("orders", shard_count=1, clock=clock)
    iterator = stream.get_records(stream.get_shard_iterator(ZERO, "LATEST")).next_shard_iterator
    clock.advance(301)

    assert refusal(lambda: stream.get_records(iterator), ExpiredIterator) == (
        "Iterator expired. The iterator was created at time Thu Jan 22 01:22:02 UTC 2015 while right now it is "
        "Thu Jan 22 01:27:03 UTC 2015 which is further in the future than the tolerated delay of 300000 milliseconds."
    )


def changed(iterator: str, at: int) -> str:
    return iterator[:at] + ("A" if iterator[at] != "A" else "B") + iterator[at + 1 :]


@pytest.mark.parametrize(
    "forge",
    [
        lambda _: "garbage",
        lambda _: "AAAA",
        lambda _: "é",
        lambda one: one[:-4],
        lambda one: one + "AAAA",
        lambda one: one + "\n",
        *(lambda one, at=at: changed(one, at) for at in (0, 5, 12, 30, 60, 100)),
    ],
)
def test_what_the_stream_has_not_made_is_no_iterator(forge: Callable[[str], str]) -> None:
    _, stream = made()
    forged = forge(stream.get_shard_iterator(ZERO, "LATEST"))

    assert refusal(lambda: stream.get_records(forged), KinesisInvalidArgument) == "Invalid ShardIterator."


def test_an_iterator_never_points_into_another_stream() -> None:
    clock = ManualClock()
    one, two = (Stream(name, shard_count=1, clock=clock, seed=1) for name in ("orders", "orders-2"))
    again = Stream("orders", shard_count=1, clock=clock)
    iterator = one.get_shard_iterator(ZERO, "LATEST")
    for other in (two, again):
        with pytest.raises(KinesisInvalidArgument):
            other.get_records(iterator)


@pytest.mark.parametrize(
    ("iterator", "rule"), [("", "greater than or equal to 1"), ("x" * 513, "less than or equal to 512")]
)
def test_an_iterator_has_a_length(iterator: str, rule: str) -> None:
    _, stream = made()

    assert refusal(lambda: stream.get_records(iterator), KinesisValidationError) == (
        f"1 validation error detected: Value '{iterator}' at 'shardIterator' failed to satisfy constraint: "
        f"Member must have length {rule}"
    )


def test_iterators_that_were_forgotten_are_checked_again() -> None:
    _, stream = made()
    put(stream, "a", "b")
    iterator = stream.get_records(stream.get_shard_iterator(ZERO, "TRIM_HORIZON"), limit=1).next_shard_iterator
    for _ in range(2_100):
        stream.get_shard_iterator(ZERO, "LATEST")

    assert [record.data for record in stream.get_records(iterator).records] == [b"b"]
    assert len(stream._iterators._lately) <= 1_024


# GetRecords.


@pytest.mark.parametrize(
    ("limit", "rule"),
    [(0, "greater than or equal to 1"), (-1, "greater than or equal to 1"), (10_001, "less than or equal to 10000")],
)
def test_a_limit_is_1_to_10000(limit: int, rule: str) -> None:
    _, stream = made()
    iterator = stream.get_shard_iterator(ZERO, "LATEST")

    assert refusal(lambda: stream.get_records(iterator, limit=limit), KinesisValidationError) == (
        f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have value {rule}"
    )
    stream.get_records(iterator, limit=1)
    stream.get_records(iterator, limit=10_000)


@pytest.mark.parametrize("limit", [True, 1.0, "1", None])
def test_a_limit_is_an_int(limit: Any) -> None:
    _, stream = made()
    iterator = stream.get_shard_iterator(ZERO, "LATEST")
    refusal(lambda: stream.get_records(iterator, limit=limit), InvalidInput)
    refusal(lambda: stream.get_records(7), InvalidInput)  # type: ignore[arg-type]


def test_a_read_goes_on_where_the_last_one_ended() -> None:
    _, stream = made()
    for start in range(0, 10_050, 50):
        stream.put_records([RecordEntry(str(start + number).encode(), "key") for number in range(50)])
    iterator, got = stream.get_shard_iterator(ZERO, "TRIM_HORIZON"), []
    sizes = []
    while records := (response := stream.get_records(iterator, limit=4_000)).records:
        got += [int(record.data) for record in records]
        sizes.append(len(records))
        iterator = response.next_shard_iterator

    assert got == list(range(10_050))
    assert sizes == [4_000, 4_000, 2_050]
    assert len(stream.get_records(stream.get_shard_iterator(ZERO, "TRIM_HORIZON")).records) == 10_000


def test_a_response_has_ten_mebibytes_with_keys() -> None:
    _, stream = made()
    for _ in range(22):
        stream.put_record(bytes(RECORD_MAX_BYTES - 3), "key")
    first = stream.get_records(stream.get_shard_iterator(ZERO, "TRIM_HORIZON"))
    second = stream.get_records(first.next_shard_iterator)
    third = stream.get_records(second.next_shard_iterator)

    assert [len(one.records) for one in (first, second, third)] == [10, 10, 2]
    assert GET_RECORDS_MAX_BYTES == 10 * RECORD_MAX_BYTES


def test_how_far_behind_a_read_is() -> None:
    clock, stream = made()
    put(stream, "a")
    clock.advance(2)
    put(stream, "b")
    clock.advance(3)
    first = stream.get_records(stream.get_shard_iterator(ZERO, "TRIM_HORIZON"), limit=1)
    second = stream.get_records(first.next_shard_iterator)

    assert (first.millis_behind_latest, second.millis_behind_latest) == (5_000, 0)
    assert (first.child_shards, second.child_shards) == ((), ())


def test_on_a_clock_that_stands_still_a_read_that_left_something_is_behind_all_the_same() -> None:
    _, stream = made()
    put(stream, "a", "b")

    assert stream.get_records(stream.get_shard_iterator(ZERO, "TRIM_HORIZON"), limit=1).millis_behind_latest == 1


def test_a_closed_stream_is_not_read() -> None:
    _, stream = made()
    iterator, reader = stream.get_shard_iterator(ZERO, "LATEST"), stream.reader(ZERO)
    stream.close()
    calls: list[Callable[[], object]] = [
        lambda: stream.get_records(iterator),
        lambda: stream.get_shard_iterator(ZERO, "LATEST"),
        lambda: stream.reader(ZERO),
        lambda: reader.peek(1),
        lambda: reader.when_ready(print),
        lambda: stream.increase_retention_period(48),
    ]
    for call in calls:
        with pytest.raises(ResourceClosed):
            call()


# Retention.


@pytest.mark.parametrize(("age", "there"), [(0, 1), (24 * HOUR - 0.000001, 1), (24 * HOUR, 0), (24 * HOUR + 1, 0)])
def test_a_record_can_be_read_until_its_retention_ends(age: float, there: int) -> None:
    clock, stream = made()
    put(stream, "a")
    clock.advance(age)

    assert len(read(stream, "TRIM_HORIZON")) == there
    assert len(read(stream, "AT_TIMESTAMP", timestamp=0)) == there
    assert len(stream) == there


def test_an_iterator_jumps_over_what_has_expired() -> None:
    clock, stream = made()
    numbers = put(stream, "a", "b")
    clock.advance(24 * HOUR - 10)
    put(stream, "c")
    clock.advance(9)
    iterator = stream.get_shard_iterator(ZERO, "TRIM_HORIZON")
    clock.advance(1)

    assert [record.data for record in stream.get_records(iterator).records] == [b"c"]
    assert read(stream, "AT_SEQUENCE_NUMBER", starting_sequence_number=numbers[0]) == ["c"]


def test_a_longer_retention_brings_nothing_back() -> None:
    clock, stream = made()
    put(stream, "a")
    clock.advance(10 * HOUR)
    put(stream, "b")
    clock.advance(14 * HOUR)
    stream.increase_retention_period(8_760)
    clock.advance(24 * HOUR)

    assert read(stream, "TRIM_HORIZON") == ["b"]
    assert stream.retention == 8_760 * HOUR


def test_a_shorter_retention_counts_at_once() -> None:
    clock, stream = made(retention=48 * HOUR)
    put(stream, "a")
    clock.advance(24 * HOUR)
    put(stream, "b")
    assert read(stream, "TRIM_HORIZON") == ["a", "b"]
    stream.decrease_retention_period(24)

    assert read(stream, "TRIM_HORIZON") == ["b"]
    stream.increase_retention_period(48)
    assert read(stream, "TRIM_HORIZON") == ["b"]


def test_the_present_retention_is_no_change() -> None:
    _, stream = made()
    stream.increase_retention_period(24)
    stream.decrease_retention_period(24)

    assert stream.retention == 86_400.0


SHORT = "Minimum allowed retention period is 24 hours. Requested retention period ({} hours) is too short."
LONG = "Maximum allowed retention period is 8760 hours. Requested retention period ({} hours) is too long."


@pytest.mark.parametrize(("hours", "text"), [(23, SHORT), (0, SHORT), (-1, SHORT), (8_761, LONG)])
def test_a_retention_is_24_to_8760_hours(hours: int, text: str) -> None:
    _, stream = made()
    for call in (stream.increase_retention_period, stream.decrease_retention_period):
        assert refusal(lambda call=call: call(hours), KinesisInvalidArgument) == text.format(hours)  # type: ignore[misc]
    with pytest.raises(KinesisInvalidArgument) as caught:
        Stream("orders", retention=hours * HOUR, clock=ManualClock())
    assert caught.value.aws_message == text.format(hours)


def test_increasing_to_less_and_decreasing_to_more() -> None:
    _, stream = made(retention=48 * HOUR)

    assert refusal(lambda: stream.increase_retention_period(47), KinesisInvalidArgument) == (
        "Requested retention period (47 hours) for stream orders can not be shorter than existing retention period "
        "(48 hours). Use DecreaseRetentionPeriod API."
    )
    assert refusal(lambda: stream.decrease_retention_period(49), KinesisInvalidArgument) == (
        "Requested retention period (49 hours) for stream orders can not be longer than existing retention period "
        "(48 hours). Use IncreaseRetentionPeriod API."
    )


@pytest.mark.parametrize("hours", [24.0, "24", None, True])
def test_hours_are_an_int(hours: Any) -> None:
    _, stream = made()
    refusal(lambda: stream.increase_retention_period(hours), InvalidInput)


def test_a_stream_is_made_with_whole_hours() -> None:
    with pytest.raises(InvalidInput, match="no whole number of hours"):
        Stream("orders", retention=24 * HOUR + 1, clock=ManualClock())
