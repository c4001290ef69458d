"""
The arguments of a bus's calls, checked once, at the edge, with AWS's texts (EB 2 to 4, 15).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from postroom import limits
from postroom.clock import Duration, to_us
from postroom.delivery import check_resolvable
from postroom.errors import EventsValidationError, InvalidInput, NotSupported, PostroomError
from postroom.limits import SECOND_US
from postroom.naming import Arn
from postroom.observe import Destination, check_receives, find_destination

if TYPE_CHECKING:
    from postroom.observe import Home

_NAME_PATTERN: Final = r"[\.\-_A-Za-z0-9]+"
_NAME: Final = re.compile(_NAME_PATTERN)
_BUS_NAME_PATTERN: Final = r"[/\.\-_A-Za-z0-9]+"
_BUS_NAME: Final = re.compile(_BUS_NAME_PATTERN)
_STATES: Final = ("ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS")
_PATH: Final = re.compile(r"\$(?:\.[^.\[\]]+|\[[0-9]+\])*")
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[([0-9]+)\]")


def violations(found: list[tuple[str, str, str]], advice: str) -> EventsValidationError:
    """
    The error for what breaks constraints: a value, where it stands, and what it must be (EB 15); and what to do.
    """
    lines = [f"Value '{value}' at '{at}' failed to satisfy constraint: Member must {must}" for value, at, must in found]
    plural = "s" if len(found) > 1 else ""
    return EventsValidationError(f"{len(found)} validation error{plural} detected: {'; '.join(lines)}", help=advice)


def check_bus_name(name: object) -> None:
    """
    Refuse what cannot be the name of a bus (EB 2).
    """
    _check_name(name, "name", _BUS_NAME, _BUS_NAME_PATTERN, limits.EVENT_BUS_NAME_MAX_CHARS)
    if "/" in str(name):
        raise NotSupported(
            f"The bus {name} would be that of a partner: partner event sources are not there.",
            help="The name of a bus of one's own has no slash.",
        )


def check_rule_name(name: object) -> None:
    """
    Refuse what cannot be the name of a rule (EB 3).
    """
    _check_name(name, "name", _NAME, _NAME_PATTERN, limits.RULE_NAME_MAX_CHARS)


def check_target_id(target_id: object) -> None:
    """
    Refuse what cannot be the id of a target (EB 4).
    """
    _check_name(target_id, "targets.1.member.id", _NAME, _NAME_PATTERN, limits.TARGET_ID_MAX_CHARS)


def _check_name(name: object, at: str, allowed: re.Pattern[str], pattern: str, longest: int) -> None:
    if not isinstance(name, str):
        raise InvalidInput(f"The {at.rpartition('.')[2]} must be a str.", help=f"got a {type(name).__name__}")
    found: list[tuple[str, str, str]] = []
    if name and not allowed.fullmatch(name):
        found.append((name, at, f"satisfy regular expression pattern: {pattern}"))
    if not name:
        found.append((name, at, "have length greater than or equal to 1"))
    if len(name) > longest:
        found.append((name, at, f"have length less than or equal to {longest}"))
    if found:
        raise violations(found, f"Give 1 to {longest} letters, digits, dots, hyphens or underscores.")


def check_state(state: object) -> bool:
    """
    Whether a rule of this state is enabled (EB 3).
    """
    if state == _STATES[2]:
        raise NotSupported(f"state={state!r} is not there: nothing here is a CloudTrail event.")
    if state not in _STATES:
        found = [(str(state), "state", f"satisfy enum value set: [{', '.join(_STATES)}]")]
        raise violations(found, 'Give "ENABLED" or "DISABLED".')
    return state == _STATES[0]


def check_retries(attempts: object) -> int:
    """
    How often a delivery is tried again (EB 6).
    """
    if isinstance(attempts, bool) or not isinstance(attempts, int):
        raise InvalidInput(f"maximum_retry_attempts={attempts!r} is no number.", help="Give an int, 0 to 185.")
    advice = f"maximum_retry_attempts={attempts}: expected 0 to {limits.TARGET_RETRIES_MAX}."
    return _in_range(attempts, attempts, 0, limits.TARGET_RETRIES_MAX, "maximumRetryAttempts", advice)


def check_age(age: Duration) -> int:
    """
    How old an event may be that is tried again, in microseconds (EB 6).
    """
    span = to_us(age, "maximum_event_age")
    shown = age if isinstance(age, int | float) else span / SECOND_US
    low, high = limits.TARGET_EVENT_AGE_MIN_US, limits.TARGET_EVENT_AGE_MAX_US
    advice = f"maximum_event_age={age!r}: expected {low // SECOND_US} to {high // SECOND_US} seconds (24 hours)."
    return _in_range(span, shown, low, high, "maximumEventAgeInSeconds", advice, SECOND_US)


def _in_range(value: int, shown: object, low: int, high: int, name: str, advice: str, unit: int = 1) -> int:
    if not low <= value <= high:
        bound = f"greater than or equal to {low // unit}" if value < low else f"less than or equal to {high // unit}"
        raise violations([(str(shown), f"targets.1.member.retryPolicy.{name}", f"have value {bound}")], advice)
    return value


def check_destination(destination: object, home: Home) -> tuple[str, str, str]:
    """
    What can be a target: anything that receives and lives by the same clock, or an ARN of the same region and account.

    Returns:
        Its ARN, its name, and its kind; of an ARN, the kind is that of the service's resources.
    """
    if isinstance(destination, str):
        try:
            arn = Arn.parse(destination)
        except PostroomError as error:
            raise EventsValidationError(
                f"Parameter {destination} is not valid. Reason: Provided Arn is not in correct format.", help=error.help
            ) from None
        check_resolvable(destination, home)
        check_receives(destination, home)
        kind = {"events": "bus", "kinesis": "stream"}.get(arn.service, arn.service)
        return destination, arn.name, "fifo queue" if arn.service == "sqs" and arn.name.endswith(".fifo") else kind
    if not isinstance(destination, Destination):
        raise InvalidInput(
            f"destination={destination!r} is nothing that events could go to.",
            help="Give a queue, topic, stream, function, bus or delivery stream, or the ARN of one.",
        )
    check_clock(destination, home, "target")
    check_receives(destination, home)
    return destination.arn, destination.name, destination.kind


def check_clock(destination: Destination, home: Home, what: str) -> None:
    """
    Refuse a resource that lives by a clock of its own.
    """
    if getattr(destination, "clock", home.clock) is not home.clock:
        raise InvalidInput(
            f"The {what} {destination.name} lives by a different clock.",
            help="Give both the same clock=…; without one they have the shared SystemClock.",
        )


def check_kind(kind: str, partition_key_path: object) -> None:
    """
    Refuse what a target of its kind would need, or cannot use (EB 4).
    """
    if kind == "fifo queue":
        raise NotSupported(
            "A FIFO queue as a target needs SqsParameters.MessageGroupId, which is not there.",
            help="Give a standard queue.",
        )
    if partition_key_path is not None and kind != "stream":
        raise InvalidInput(
            f"partition_key_path={partition_key_path!r} is for streams.", help=f"The target is of the kind {kind}."
        )


def find_dead_letter_queue(given: object, home: Home) -> Destination:
    """
    What takes the dead letters of a target, by itself, its name or its ARN: a standard queue of the same region (EB 6).
    """
    queue = find_destination(given, home)
    if not isinstance(queue, Destination):
        raise InvalidInput(
            f"dead_letter_queue={given!r} is no queue.", help="Give a Queue, or in a region the name or the ARN of one."
        )
    if queue.kind != "queue":
        raise EventsValidationError(
            "Parameter DeadLetterConfig.Arn is not valid. Reason: Dead-letter queue must be a standard SQS queue.",
            help=f"{queue.name} is a {queue.kind}.",
        )
    place = Arn.parse(queue.arn)
    if place.region != home.region_name:
        raise EventsValidationError(
            "Parameter DeadLetterConfig.Arn is not valid. Reason: Dead-letter queue must be in the same Region.",
            help=f"{queue.name} is in {place.region}, the rule in {home.region_name}.",
        )
    check_clock(queue, home, "dead-letter queue")
    return queue


def path_steps(path: object) -> tuple[str | int, ...]:
    """
    The steps of a JSON path such as ``$.detail.lines[0].id``.
    """
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        raise InvalidInput(
            f"partition_key_path={path!r} is no path.", help="Write keys and indexes: $.detail.customer.id"
        )
    return tuple(int(index) if index else key for key, index in _STEP.findall(path))
