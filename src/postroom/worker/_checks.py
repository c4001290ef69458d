"""
What a function and its event sources refuse.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from postroom.clock import Duration, to_us
from postroom.errors import FunctionInvalidParameterValue, FunctionValidationError, InvalidInput, NotSupported
from postroom.limits import INVOCATION_AGE_MAX_US, INVOCATION_AGE_MIN_US, SECOND_US
from postroom.observe import Destination

if TYPE_CHECKING:
    from postroom.clock import Clock

_NAME: Final = re.compile("[A-Za-z0-9_-]{1,64}")
STREAM_FOR_COROUTINES: Final = (
    "Give a plain function, or read each shard on your event loop: stream.reader(shard_id) has peek, move_past and "
    "when_ready."
)
"""What to do instead of feeding a coroutine from a stream."""


def check_name(name: object) -> None:
    """
    Refuses what is no name of a function.

    Raises:
        InvalidInput: It is none.
    """
    if not isinstance(name, str):
        raise InvalidInput(f"name={name!r} is no str.", help="Give 1 to 64 letters, digits, hyphens or underscores.")
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"name={name!r} is no name for a function.",
            help="Give name=…, 1 to 64 letters, digits, hyphens or underscores.",
        )


def refuse_coroutine(name: str, advice: str) -> NotSupported:
    """
    The error for a handler that is an ``async def`` where a clock would have to run it.
    """
    return NotSupported(f"The handler of {name} is an async def, which no thread of a clock can run.", help=advice)


def is_count(value: object) -> bool:
    """
    Whether a value is a whole number from 1.
    """
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def in_range(name: str, aws_name: str, given: object, default: int, low: int, high: int) -> int:
    """
    A whole number once it was found to be one in its range; None is the default.

    Raises:
        InvalidInput: It is no whole number.
        FunctionValidationError: It is out of its range.
    """
    if given is None:
        return default
    if not isinstance(given, int) or isinstance(given, bool):
        raise InvalidInput(f"{name}={given!r} is no whole number.", help=f"Give {low} to {high:,}.")
    if not low <= given <= high:
        raise _out_of_range(aws_name, given, low, high, f"Give {name} {low} to {high:,}.")
    return given


def event_age_us(given: Duration) -> int:
    """
    A maximum event age in microseconds once it was found to be one (DEL D).

    Raises:
        InvalidInput: It is no time.
        FunctionValidationError: It is out of its range.
    """
    age = to_us(given, "maximum_event_age")
    low, high = INVOCATION_AGE_MIN_US, INVOCATION_AGE_MAX_US
    if not low <= age <= high:
        seconds = age // SECOND_US if age % SECOND_US == 0 else age / SECOND_US
        help_ = "Give maximum_event_age 60 to 21600 seconds (6 hours)."
        raise _out_of_range("maximumEventAgeInSeconds", seconds, low // SECOND_US, high // SECOND_US, help_)
    return age


def _out_of_range(aws_name: str, given: float, low: int, high: int, help_: str) -> FunctionValidationError:
    side, bound = ("greater", low) if given < low else ("less", high)
    return FunctionValidationError(
        f"1 validation error detected: Value '{given}' at '{aws_name}' failed to satisfy constraint: "
        f"Member must have value {side} than or equal to {bound}",
        help=help_,
    )


def check_dead_letters(destination: object, clock: Clock, name: str) -> None:
    """
    Refuses what cannot take what a function gave up; None is nothing.

    Raises:
        InvalidInput: It is no destination, or lives by another clock.
        FunctionInvalidParameterValue: It is neither a queue nor a topic (DEL C1, D).
    """
    if destination is None:
        return
    if not isinstance(destination, Destination):
        raise InvalidInput(f"{name}={destination!r} is no destination.", help=_help_for(destination))
    if destination.kind not in {"queue", "topic"}:
        raise FunctionInvalidParameterValue(
            f"The provided {name} {destination.arn} is invalid.", help="Give a Queue or a Topic."
        )
    if getattr(destination, "clock", clock) is not clock:
        raise InvalidInput(
            f"The {destination} lives by a different clock.",
            help="Give both the same clock=…; without one they have the shared SystemClock.",
        )


def _help_for(given: object) -> str:
    if isinstance(given, str):
        return "Give the Queue or the Topic itself; region.function(…) finds a queue of the region by its name, too."
    return "Give a Queue or a Topic."
