"""
The only door to the host's time, and the way from people's units to microseconds and back.

Everything inside postroom counts microseconds since the epoch, UTC, as `int`: a deadline reached in steps is
then the same instant as one reached at once. People write seconds, `timedelta` and `datetime`; the functions
here convert once, at the edge.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final, TypeAlias

from postroom.errors import InvalidInput
from postroom.limits import SECOND_US

Duration: TypeAlias = int | float | timedelta
"""Seconds, or a `timedelta`."""

Instant: TypeAlias = int | float | datetime
"""Seconds since the epoch, or an aware `datetime`."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
EARLIEST_US: Final = (datetime.min.replace(tzinfo=UTC) - EPOCH) // _MICROSECOND
LATEST_US: Final = (datetime.max.replace(tzinfo=UTC) - EPOCH) // _MICROSECOND
"""What a `datetime` can show: a clock that went further could not even be printed."""


def _find_monotonic_ns() -> Callable[[], int]:
    # freezegun replaces time.monotonic_ns, also where a module holds it by name, but not clock_gettime_ns: read
    # that where there is one, so that a frozen process does not freeze the waits of a SystemClock.
    if hasattr(time, "clock_gettime_ns"):
        gettime, monotonic = time.clock_gettime_ns, time.CLOCK_MONOTONIC
        return lambda: gettime(monotonic)
    return time.monotonic_ns  # pragma: no cover - Windows


def _read_wall_us() -> int:
    # For the same reason: postroom's clocks may be imported for the first time in a frozen block.
    if hasattr(time, "clock_gettime_ns"):
        return time.clock_gettime_ns(time.CLOCK_REALTIME) // 1_000
    return time.time_ns() // 1_000  # pragma: no cover - Windows


class Host:
    """
    Real time as the operating system counts it. Attributes of a class are out of freezegun's reach.
    """

    monotonic_ns: ClassVar[staticmethod[[], int]] = staticmethod(_find_monotonic_ns())
    sleep: ClassVar[staticmethod[[float], None]] = staticmethod(time.sleep)
    wall_at_import_us: int = _read_wall_us()
    monotonic_at_import_ns: int = monotonic_ns()


def wall_us(monotonic_ns: int) -> int:
    """
    The wall clock's time at a reading of the monotonic clock, in microseconds since the epoch.

    The wall clock is read once, when postroom is imported; from then on only the monotonic clock counts, so
    neither a set clock nor a frozen one moves what is built on this.
    """
    return Host.wall_at_import_us + (monotonic_ns - Host.monotonic_at_import_ns) // 1_000


def to_us(duration: Duration, name: str = "duration") -> int:
    """
    A duration in whole microseconds, rounded to the nearest.

    >>> from datetime import timedelta
    >>> to_us(1), to_us(0.1), to_us(timedelta(minutes=2))
    (1000000, 100000, 120000000)

    Args:
        duration: Seconds as `int` or `float`, or a `timedelta`. May be negative: the caller knows what it allows.
        name: The argument's name, for the error.

    Raises:
        InvalidInput: It is a `bool`, NaN, infinite, or of another type.
    """
    if type(duration) is int:
        return duration * SECOND_US
    if isinstance(duration, timedelta):
        return duration // _MICROSECOND
    return _seconds_to_us(duration, name, "a number of seconds or a timedelta")


def to_instant_us(instant: Instant, name: str = "instant") -> int:
    """
    An instant in microseconds since the epoch.

    >>> from datetime import UTC, datetime
    >>> to_instant_us(datetime(2024, 1, 1, tzinfo=UTC)), to_instant_us(1704067200.5)
    (1704067200000000, 1704067200500000)

    Raises:
        InvalidInput: It is a `datetime` without a time zone, a `bool`, NaN, outside the years 1 to 9999, or of
            another type.
    """
    if isinstance(instant, datetime):
        if instant.tzinfo is None:
            raise InvalidInput(
                f"{name}={instant!r} has no time zone.",
                help="Say which instant is meant: datetime(2024, 1, 1, tzinfo=UTC).",
            )
        return (instant - EPOCH) // _MICROSECOND
    at_us = _seconds_to_us(instant, name, "seconds since the epoch or an aware datetime")
    if not EARLIEST_US <= at_us <= LATEST_US:
        raise InvalidInput(
            f"{name}={instant!r} is outside the calendar.", help="Give an instant in the years 1 to 9999."
        )
    return at_us


def _seconds_to_us(seconds: float, name: str, wanted: str) -> int:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise InvalidInput(f"{name}={seconds!r} is no time.", help=f"Give {wanted}, not {type(seconds).__name__}.")
    if isinstance(seconds, int):
        return int(seconds) * SECOND_US
    microseconds = seconds * SECOND_US
    if not math.isfinite(microseconds):
        raise InvalidInput(f"{name}={seconds!r} is no finite time.", help=f"Give {wanted}.")
    return round(microseconds)


def to_datetime(at_us: int) -> datetime:
    """
    Microseconds since the epoch as an aware `datetime` in UTC, exactly.

    >>> to_datetime(1_704_067_200_000_001).isoformat()
    '2024-01-01T00:00:00.000001+00:00'
    """
    return EPOCH + timedelta(microseconds=at_us)


def show_span(span_us: int) -> str:
    """
    A span for people: ``1 d 02:00:05``, ``12.5 s``.

    >>> show_span(93_605_000_000), show_span(12_500_000), show_span(0)
    ('1 d 02:00:05', '12.5 s', '0.0 s')
    """
    if abs(span_us) < 60 * SECOND_US:
        shown = f"{span_us / SECOND_US:.6f}".rstrip("0")
        return f"{shown}0 s" if shown.endswith(".") else f"{shown} s"
    sign = "-" if span_us < 0 else ""
    minutes, seconds = divmod(abs(span_us) // SECOND_US, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{sign}{f'{days} d ' if days else ''}{hours:02d}:{minutes:02d}:{seconds:02d}"
