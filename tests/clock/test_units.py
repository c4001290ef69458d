from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.clock import ManualClock, show_span, to_datetime, to_instant_us, to_us
from postroom.errors import InvalidInput


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        (0, 0),
        (1, 1_000_000),
        (-1, -1_000_000),
        (10**12, 10**18),
        (0.1, 100_000),
        (-0.1, -100_000),
        (0.000_000_4, 0),
        (0.000_000_6, 1),
        (0.000_000_5, 0),  # to the nearest even microsecond, as `round` does
        (43_200.000_001, 43_200_000_001),
        (timedelta(0), 0),
        (timedelta(microseconds=1), 1),
        (timedelta(microseconds=-1), -1),
        (timedelta(days=14), 1_209_600_000_000),
        (timedelta.max, 86_399_999_999_999_999_999),
    ],
)
def test_a_duration_is_whole_microseconds(duration: float | timedelta, expected: int) -> None:
    assert expected == to_us(duration)
    assert type(to_us(duration)) is int


@given(st.integers(-(10**12), 10**12))
def test_a_whole_number_of_seconds_is_exact(seconds: int) -> None:
    """
    As an int, as a float that holds it exactly, and as a timedelta.
    """
    assert seconds * 1_000_000 == to_us(seconds)
    assert to_us(float(seconds)) == to_us(seconds)
    assert to_us(timedelta(microseconds=seconds)) == seconds


@pytest.mark.parametrize(
    "wrong", [math.nan, math.inf, -math.inf, 1e303, True, False, "5", None, 1j, datetime(1, 1, 1, tzinfo=UTC)]
)
def test_what_is_no_duration_is_refused(wrong: Any) -> None:
    """
    The error names the argument and what came; it is a ValueError.
    """
    with pytest.raises(InvalidInput) as caught:
        to_us(wrong, "wait_time")

    assert isinstance(caught.value, ValueError)
    assert caught.value.aws_message.startswith(f"wait_time={wrong!r} is no ")


def test_the_errors_of_units_read_well() -> None:
    with pytest.raises(InvalidInput) as no_number:
        to_us(True)
    with pytest.raises(InvalidInput) as no_end:
        to_us(math.inf, "delay")
    with pytest.raises(InvalidInput) as no_zone:
        to_instant_us(datetime(2024, 1, 1), "start")  # noqa: DTZ001 - that is the point

    assert str(no_number.value) == "duration=True is no time.\n  Give a number of seconds or a timedelta, not bool."
    assert str(no_end.value) == "delay=inf is no finite time.\n  Give a number of seconds or a timedelta."
    assert str(no_zone.value) == (
        "start=datetime.datetime(2024, 1, 1, 0, 0) has no time zone.\n"
        "  Say which instant is meant: datetime(2024, 1, 1, tzinfo=UTC)."
    )


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        (0, 0),
        (1.5, 1_500_000),
        (datetime(1970, 1, 1, tzinfo=UTC), 0),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), -1),
        (datetime(2024, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), 1_704_067_200_000_000),
        (datetime.max.replace(tzinfo=UTC), 253_402_300_799_999_999),
    ],
)
def test_an_instant_is_microseconds_since_the_epoch(instant: float | datetime, expected: int) -> None:
    assert expected == to_instant_us(instant)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, True, "now", None, timedelta(1), 1e303])
def test_what_is_no_instant_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^at="):
        to_instant_us(wrong, "at")


@given(st.integers(to_instant_us(datetime.min.replace(tzinfo=UTC)), to_instant_us(datetime.max.replace(tzinfo=UTC))))
def test_an_instant_survives_the_way_to_a_datetime_and_back(at_us: int) -> None:
    assert at_us == to_instant_us(to_datetime(at_us))


@pytest.mark.parametrize(
    ("span_us", "shown"),
    [
        (0, "0.0 s"),
        (100_000, "0.1 s"),
        (-12_500_000, "-12.5 s"),
        (20_000, "0.02 s"),
        (59_900_000, "59.9 s"),
        (60_000_000, "00:01:00"),
        (-60_000_000, "-00:01:00"),
        (86_399_999_999, "23:59:59"),
        (86_400_000_000, "1 d 00:00:00"),
        (1_209_600_000_000, "14 d 00:00:00"),
    ],
)
def test_a_span_is_shown_for_people(span_us: int, shown: str) -> None:
    """
    Seconds below a minute, a clock's face from there, days in front from a day on.
    """
    assert shown == show_span(span_us)


def test_three_steps_of_a_tenth_are_three_tenths() -> None:
    """
    As floats they are not: 0.1 + 0.1 + 0.1 != 0.3.
    """
    steps, stride, seen = ManualClock(), ManualClock(), []
    steps.call_at(steps.now_us() + to_us(0.3), lambda: seen.append("due"))

    for _ in range(2):
        steps.advance(0.1)
    assert seen == []
    steps.advance(0.1)
    stride.advance(0.3)

    assert seen == ["due"]
    assert steps.now_us() == stride.now_us()
