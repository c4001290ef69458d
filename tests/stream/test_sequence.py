"""
Sequence numbers, against the vectors of KIN 4.
"""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom import ManualClock, Stream
from postroom.errors import InvalidInput, KinesisInvalidArgument, KinesisValidationError
from postroom.limits import SEQUENCE_SECOND_END
from postroom.stream._sequence import Origin, decode, is_well_formed

S = 1_000_000
CREATED = 1_700_000_000
LAST = 0x7FFF_FFFF_FFFF_FFFF

VECTORS = [
    (0, CREATED, 0, CREATED, "49646437577108476416916876405825929425585429676275269634"),
    (1, CREATED, 0, CREATED, "49646437577130777162115407028967465143858078037781250066"),
    (2, CREATED, 0, CREATED, "49646437577153077907313937652109000862130726399287230498"),
    (0, CREATED, 7, CREATED + 60, "49646437577108476416916876405834391906322736203666817026"),
    (17, CREATED, 7, CREATED + 60, "49646437577130777162115407028975927624595384565172797714"),
    (0, CREATED, LAST, CREATED + 3_600, "49646437577119626789516141717395488358902386617969803266"),
    (1, CREATED + 3_601, 0, CREATED + 3_601, "49646438862010512520655789951689409140766322025184624658"),
    (6, 1_542_776_258, 1_734_642_199, 1_545_084_650, "49590338271490256608559692538361571095921575989136588898"),
]
SEVENTH = VECTORS[3][4]


@pytest.mark.parametrize(("shard", "created", "counter", "written", "digits"), VECTORS)
def test_numbers_are_as_written_down(shard: int, created: int, counter: int, written: int, digits: str) -> None:
    assert Origin.of(shard, created).sequence_number(counter, written * S + 999_999) == digits
    assert decode(digits) == (shard, created, counter, written, False)
    assert len(digits) == 56


def test_the_starting_numbers_of_neighbours_differ_by_a_constant() -> None:
    starts = [int(shard.starting_sequence_number) for shard in Stream("orders", clock=ManualClock()).shards]

    assert {two - one for one, two in pairwise(starts)} == {22300745198530623141535718272648361505980432}


@given(
    st.integers(0, 2**31 - 1),
    st.integers(0, SEQUENCE_SECOND_END - 1),
    st.integers(0, LAST),
    st.integers(0, SEQUENCE_SECOND_END - 1),
)
def test_what_is_written_can_be_read(shard: int, created: int, counter: int, written: int) -> None:
    number = Origin.of(shard, created).sequence_number(counter, written * S)

    assert is_well_formed(number)
    assert decode(number) == (shard, created, counter, written, False)


@given(st.tuples(st.integers(0, 50), st.integers(0, 50)), st.tuples(st.integers(0, 50), st.integers(0, 50)))
def test_keys_sort_as_the_numbers_of_one_shard_do(one: tuple[int, int], two: tuple[int, int]) -> None:
    origin = Origin.of(3, CREATED)
    numbers = [origin.sequence_number(counter, second * S) for counter, second in (one, two)]
    keys = [found.key for number in numbers if (found := decode(number))]

    assert (keys[0] < keys[1]) == (int(numbers[0]) < int(numbers[1]))


def from_hex(digits: str) -> str:
    assert len(digits) == 47
    return str(int(digits, 16))


START = f"{int(VECTORS[0][4]):x}"


@pytest.mark.parametrize(
    "digits",
    [
        "1" + START[1:],  # the leading digit
        "3" + START[1:],
        "0" + START[1:],
        START[:-1] + "3",  # the version
        START[:-1] + "f",
        START[:11] + "8" + START[12:],  # the counter's top bit
        START[:1] + f"{SEQUENCE_SECOND_END:09x}" + START[10:],  # created
        START[:29] + f"{SEQUENCE_SECOND_END:09x}" + START[38:],  # written
    ],
)
def test_what_kinesis_never_takes_is_no_number(digits: str) -> None:
    assert decode(from_hex(digits)) is None


@pytest.mark.parametrize(
    "digits",
    [START[:-1] + "0", START[:-1] + "1", START[:10] + "5" + START[11:], START[:27] + "01" + START[29:]],
)
def test_what_is_never_written_comes_from_no_stream(digits: str) -> None:
    decoded = decode(from_hex(digits))

    assert decoded is not None
    assert decoded.created_s is None


@pytest.mark.parametrize(("digits", "shard"), [("0", 0), ("5", 5), (str(2**124 - 1), 0xFFFF), (str(0x1_0003), 3)])
def test_a_small_number_is_of_an_ancient_layout(digits: str, shard: int) -> None:
    decoded = decode(digits)

    assert decoded is not None
    assert (decoded.is_ancient, decoded.shard) == (True, shard)
    assert decode(str(2**124)) is None


WELL_FORMED = {
    "0": True,
    "1" * 129: True,
    "1" * 130: False,
    "": False,
    "01": False,
    "-1": False,
    "1\n": False,
    "٣": False,
}


@pytest.mark.parametrize("text", WELL_FORMED)
def test_a_number_has_decimal_digits(text: str) -> None:
    assert is_well_formed(text) is WELL_FORMED[text]


# On a stream.


def made(shards: int = 7) -> tuple[ManualClock, Stream]:
    clock = ManualClock(CREATED)
    return clock, Stream("orders", shard_count=shards, clock=clock)


def test_five_shards_count_together_and_numbers_rise() -> None:
    _, stream = made(12)
    step = 2**128 // 12
    counters = []
    for shard in (0, 4, 5, 9, 10, 0, 5, 11):
        decoded = decode(stream.put_record(b"", "key", explicit_hash_key=str(shard * step)).sequence_number)
        assert decoded is not None
        counters.append((decoded.shard, decoded.counter))
    first = stream.shards[0].starting_sequence_number
    records = stream.reader("0").peek(10)

    assert counters == [(0, 1), (4, 2), (5, 1), (9, 2), (10, 1), (0, 3), (5, 3), (11, 2)]
    assert int(first) < int(records[0].sequence_number) < int(records[1].sequence_number)


def test_a_number_holds_the_second_of_its_arrival() -> None:
    clock, stream = made(1)
    for _ in range(6):
        stream.put_record(b"", "key")
    clock.advance(60.75)

    assert stream.put_record(b"", "key").sequence_number == SEVENTH


def test_past_the_digits_numbers_still_rise() -> None:
    clock, stream = made(1)
    clock.advance(SEQUENCE_SECOND_END - CREATED + 10)
    puts = [stream.put_record(b"", "key") for _ in range(2)]

    assert int(puts[0].sequence_number) < int(puts[1].sequence_number)
    assert all(decode(put.sequence_number) for put in puts)


@pytest.mark.parametrize("start", [-1, SEQUENCE_SECOND_END])
def test_a_stream_is_made_in_a_second_that_numbers_can_hold(start: int) -> None:
    with pytest.raises(InvalidInput, match="cannot be made in"):
        Stream("orders", clock=ManualClock(start))
    Stream("orders", clock=ManualClock(0))
    Stream("orders", clock=ManualClock(SEQUENCE_SECOND_END - 1))


@pytest.mark.parametrize("digits", [VECTORS[0][4], VECTORS[7][4], "0", "5"])
def test_any_number_of_the_past_will_do_for_ordering(digits: str) -> None:
    _, stream = made()
    stream.put_record(b"", "key", sequence_number_for_ordering=digits)

    assert len(stream) == 1


@pytest.mark.parametrize("digits", ["1" + "0" * 55, SEVENTH, str(2**124)])
def test_a_number_of_the_future_or_none_at_all_is_refused_for_ordering(digits: str) -> None:
    _, stream = made()
    with pytest.raises(KinesisInvalidArgument) as caught:
        stream.put_record(b"", "key", sequence_number_for_ordering=digits)

    assert caught.value.aws_message == (
        f"ExclusiveMinimumSequenceNumber {digits} used in PutRecord on stream orders under account 123456789012 "
        "is invalid."
    )
    assert len(stream) == 0


def test_ordering_is_exact_to_the_second() -> None:
    clock, stream = made()
    clock.advance(59.999999)
    with pytest.raises(KinesisInvalidArgument):
        stream.put_record(b"", "key", sequence_number_for_ordering=SEVENTH)
    clock.advance(0.000001)
    stream.put_record(b"", "key", sequence_number_for_ordering=SEVENTH)


def test_ordering_has_a_form() -> None:
    _, stream = made()
    with pytest.raises(KinesisValidationError) as caught:
        stream.put_record(b"", "key", sequence_number_for_ordering="first")

    assert caught.value.aws_message == (
        "1 validation error detected: Value 'first' at 'sequenceNumberForOrdering' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: 0|([1-9]\d{0,128})"
    )
