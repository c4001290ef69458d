"""
What objects are called (DEL A4).
"""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom import DeliveryStream, DirectoryStore, ManualClock, MemoryStore
from postroom.errors import FirehoseInvalidArgument, InvalidInput, NotSupported
from postroom.firehose._keys import Keys

NINE = datetime(2026, 1, 31, 9, 5, 7, tzinfo=UTC)
UUID4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
TAIL = r"events-1-2026-01-31-09-05-07-" + UUID4


def key_of(prefix: str, at: datetime = NINE) -> str:
    store = MemoryStore()
    clock = ManualClock(at)
    stream = DeliveryStream("events", store, prefix=prefix, clock=clock)
    stream.put_record(b"a")
    clock.advance(300)
    [key] = store.objects
    return key


@pytest.mark.parametrize(
    ("prefix", "pattern"),
    [
        ("", "2026/01/31/09/"),
        ("logs", "logs2026/01/31/09/"),  # no slash is put in between
        ("logs/", "logs/2026/01/31/09/"),
        ("!{timestamp:yyyy}/", "2026/"),
        ("!{timestamp:yyyyMMddHHmmss}-", "20260131090507-"),
        ("y=!{timestamp:yyyy}/m=!{timestamp:MM}/", "y=2026/m=01/"),
        ("!{timestamp:'year='yyyy'/o''clock='HH}/", "year=2026/o'clock=09/"),
        ("!{timestamp:''yyyy}/", "'2026/"),
        ("!{timestamp:yyyy-MM-dd HH:mm:ss}/", "2026-01-31 09:05:07/"),
        ("!{firehose:random-string}/", "[0-9A-Za-z]{11}/2026/01/31/09/"),
        ("{a}!b/", "{a}!b/2026/01/31/09/"),
    ],
)
def test_prefixes(prefix: str, pattern: str) -> None:
    assert re.fullmatch(pattern + TAIL, key_of(prefix))


@pytest.mark.parametrize(
    ("prefix", "error", "said"),
    [
        ("!{timestamp:yyyy", FirehoseInvalidArgument, "no end"),
        ("!{yyyy}", FirehoseInvalidArgument, "no namespace"),
        ("!{}", FirehoseInvalidArgument, "no namespace"),
        ("!{timestamp:}", FirehoseInvalidArgument, "unknown"),
        ("!{firehose:name}", FirehoseInvalidArgument, "unknown"),
        ("!{firehose:error-output-type}", FirehoseInvalidArgument, "ErrorOutputPrefix"),
        ("!{partitionKeyFromQuery:id}/", NotSupported, "dynamic partitioning"),
        ("!{partitionKeyFromLambda:id}/", NotSupported, "dynamic partitioning"),
        ("!{timestamp:YYYY}", NotSupported, "'YYYY'"),
        ("!{timestamp:yy}", NotSupported, "'yy'"),
        ("!{timestamp:yyyyy}", NotSupported, "'yyyyy'"),
        ("!{timestamp:M}", NotSupported, "'M'"),
        ("!{timestamp:hh}", NotSupported, "'hh'"),
        ("!{timestamp:SSS}", NotSupported, "'SSS'"),
        ("!{timestamp:DDD}", NotSupported, "'DDD'"),
        ("!{timestamp:day dd}", NotSupported, "'d'"),
        ("!{timestamp:'year}", FirehoseInvalidArgument, "quote"),
        ("!{timestamp:yyyy'''}", FirehoseInvalidArgument, "quote"),
        ("!{timestamp:[yyyy]}", FirehoseInvalidArgument, "reserved"),
        ("!{timestamp:#yyyy}", FirehoseInvalidArgument, "reserved"),
    ],
)
def test_prefixes_that_are_not_there_are_refused_by_name(prefix: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=re.escape(said)):
        DeliveryStream("events", MemoryStore(), prefix=prefix, clock=ManualClock())


@pytest.mark.parametrize(
    ("prefix", "taken"),
    [
        ("a" * 498, True),  # and 14 characters of time
        ("a" * 499, False),
        ("a" * 508 + "!{timestamp:yyyy}", True),
        ("a" * 509 + "!{timestamp:yyyy}", False),
        ("a" * 501 + "!{firehose:random-string}!{timestamp:''}", False),
        ("a" * 500 + "!{firehose:random-string}!{timestamp:''}", True),
    ],
)
def test_an_evaluated_prefix_has_512_characters_at_the_most(prefix: str, taken: bool) -> None:
    if taken:
        DeliveryStream("events", MemoryStore(), prefix=prefix, clock=ManualClock())
    else:
        with pytest.raises(FirehoseInvalidArgument, match="512"):
            DeliveryStream("events", MemoryStore(), prefix=prefix, clock=ManualClock())


def test_the_time_is_that_of_the_oldest_record_not_of_the_write() -> None:
    clock, store = ManualClock(datetime(2026, 1, 31, 9, 59, 59, tzinfo=UTC)), MemoryStore()
    stream = DeliveryStream("events", store, clock=clock)
    stream.put_record(b"a")
    clock.advance(60)
    stream.put_record(b"b")
    clock.advance(240)
    [key] = store.objects

    assert clock.datetime().hour == 10
    assert key.startswith("2026/01/31/09/events-1-2026-01-31-09-59-59-")


@pytest.mark.parametrize(
    ("at", "hour"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC) - timedelta(microseconds=1), "2025/12/31/23/"),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026/01/01/00/"),
        (datetime(2024, 2, 29, 23, tzinfo=UTC), "2024/02/29/23/"),
        (datetime(800, 12, 25, tzinfo=UTC), "0800/12/25/00/"),
    ],
)
def test_hours_begin_at_their_first_microsecond(at: datetime, hour: str) -> None:
    assert key_of("", at).startswith(hour)


def test_each_random_string_is_another() -> None:
    keys = Keys("events", "!{firehose:random-string}!{firehose:random-string}/", "")
    found = [keys.key(0, random.Random(seed)).split("/")[0] for seed in range(20)]

    assert all(text[:11] != text[11:] for text in found)
    assert len(set(found)) == 20


def test_a_prefix_without_a_place_in_the_directory_is_refused_when_it_is_given() -> None:
    for prefix in ("/logs/", "logs//", "../logs/", "logs/./", "!{timestamp:'..'}/"):
        with pytest.raises(InvalidInput, match="no place"):
            DeliveryStream("events", DirectoryStore("somewhere"), prefix=prefix, clock=ManualClock())


@given(prefix=st.text(alphabet="ab/!{}:'-", max_size=30) | st.text(max_size=30))
def test_a_prefix_is_taken_apart_or_refused(prefix: str) -> None:
    """
    Nothing else ever comes of one; and one that is taken makes keys of one length.
    """
    try:
        keys = Keys("e", prefix, "")
    except (FirehoseInvalidArgument, NotSupported):
        assert "!{" in prefix
        return
    first, second = (keys.key(at, random.Random(1)) for at in (0, 10**15))
    assert len(first) == len(second)
    assert first.startswith(prefix.partition("!{")[0])
