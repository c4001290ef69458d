"""
The attributes of queues and their tags, checked once, at the edge, with AWS's texts (SQS 1.1, 7.1).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeVar, cast

from postroom.clock import Duration, to_us
from postroom.errors import InvalidAttributeValue, InvalidInput, InvalidParameterValue
from postroom.limits import SECOND_US
from postroom.naming import Arn
from postroom.queue._limits import AWS, Limits

if TYPE_CHECKING:
    from postroom.observe import Destination, Home
    from postroom.queue._fifo_kinds import DeduplicationScope, ThroughputLimit

RedrivePermission: TypeAlias = Literal["allowAll", "denyAll", "byQueue"]

_SCOPES: Final[tuple[DeduplicationScope, ...]] = ("queue", "messageGroup")
_THROUGHPUT_LIMITS: Final[tuple[ThroughputLimit, ...]] = ("perQueue", "perMessageGroupId")
_PERMISSIONS: Final[tuple[RedrivePermission, ...]] = ("allowAll", "denyAll", "byQueue")
# `\w` is letters and digits of all scripts, and the underscore.
_TAG: Final = re.compile(r"[\w .:/=+\-@]*")

T = TypeVar("T", bound=str)


def in_seconds(span_us: int) -> str:
    """
    Microseconds as AWS would show them: seconds, with a fraction only if there is one.
    """
    seconds, rest = divmod(span_us, SECOND_US)
    return str(span_us / SECOND_US if rest else seconds)


def shown(given: Duration, span_us: int) -> str:
    """
    A duration as AWS would show it: seconds.
    """
    return str(given) if isinstance(given, int | float) else in_seconds(span_us)


def attribute_us(name: str, aws_name: str, value: Duration, low_us: int, high_us: int) -> int:
    """
    A queue attribute that is a duration.

    Raises:
        InvalidAttributeValue: It is out of its range (SQS 1.1).
        InvalidInput: It is no duration.
    """
    span = to_us(value, name)
    if not low_us <= span <= high_us:
        raise InvalidAttributeValue(
            f"Invalid value for the parameter {aws_name}.",
            help=f"{name}={value!r}: expected {in_seconds(low_us)} to {in_seconds(high_us)} seconds.",
        )
    return span


def check_max_size(value: object, *, limits: Limits = AWS) -> int:
    """
    The queue attribute MaximumMessageSize.

    Raises:
        InvalidAttributeValue: It is out of its range (SQS 1.1).
        InvalidInput: It is no `int`.
    """
    low, high = limits.message_size_min, limits.message_size
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInput(
            f"maximum_message_size={value!r} is no number of bytes.", help=f"Give an int, {low} to {high}."
        )
    if not low <= value <= high:
        raise InvalidAttributeValue(
            "Invalid value for the parameter MaximumMessageSize.",
            help=f"maximum_message_size={value}: expected {low} to {high} bytes.",
        )
    return value


def check_content_based(value: object) -> bool:
    """
    The queue attribute ContentBasedDeduplication.

    Raises:
        InvalidInput: It is no `bool`.
    """
    if not isinstance(value, bool):
        raise InvalidInput(f"content_based_deduplication={value!r} is no truth value.", help="Give True or False.")
    return value


def check_deduplication_scope(value: object) -> DeduplicationScope:
    """
    The queue attribute DeduplicationScope.

    Raises:
        InvalidAttributeValue: It is neither ``queue`` nor ``messageGroup`` (SQS 1.1).
        InvalidInput: It is no `str`.
    """
    return _one_of("deduplication_scope", "DeduplicationScope", value, _SCOPES)


def check_throughput_limit(scope: object, limit: object) -> ThroughputLimit:
    """
    The queue attributes DeduplicationScope and FifoThroughputLimit: ``perMessageGroupId`` goes with ``messageGroup`` alone.

    Returns:
        The second of the two.

    Raises:
        InvalidAttributeValue: One is none of its values, or they do not go together (SQS 1).
        InvalidInput: One is no `str`.
    """
    scope = check_deduplication_scope(scope)
    found: ThroughputLimit = _one_of("fifo_throughput_limit", "FifoThroughputLimit", limit, _THROUGHPUT_LIMITS)
    if found == "perMessageGroupId" and scope != "messageGroup":
        raise InvalidAttributeValue(
            "Invalid value for the parameter FifoThroughputLimit.",
            help="fifo_throughput_limit='perMessageGroupId' needs deduplication_scope='messageGroup': set both at once.",
        )
    return found


def _one_of(name: str, aws_name: str, value: object, allowed: tuple[T, ...]) -> T:
    expected = " or ".join(repr(one) for one in allowed)
    if not isinstance(value, str):
        raise InvalidInput(f"{name}={value!r} is no str.", help=f"Give {expected}.")
    for one in allowed:
        if one == value:
            return one
    raise InvalidAttributeValue(
        f"Invalid value for the parameter {aws_name}.", help=f"{name}={value!r}: expected {expected}."
    )


# Dead letters.


def check_redrive(
    dead_letter_queue: Destination | None, max_receive_count: object, kind: str, home: Home, *, limits: Limits = AWS
) -> int | None:
    """
    The two halves of a RedrivePolicy (SQS 7.1).

    Returns:
        After how many receives a message is dead-lettered, or None if there is no dead-letter queue.

    Raises:
        InvalidParameterValue: They do not go together, or one is not acceptable.
        InvalidInput: One is of a wrong type, or the queue lives by another clock.
    """
    if dead_letter_queue is None and max_receive_count is None:
        return None
    arn = None if dead_letter_queue is None else getattr(dead_letter_queue, "arn", None)
    policy = {"deadLetterTargetArn": arn, "maxReceiveCount": max_receive_count}
    if dead_letter_queue is None or max_receive_count is None:
        missing = "deadLetterTargetArn" if dead_letter_queue is None else "maxReceiveCount"
        raise _refuse_policy(
            "RedrivePolicy",
            policy,
            f"Redrive policy does not contain mandatory attribute: {missing}.",
            "Give dead_letter_queue and max_receive_count together.",
        )
    fault = _fault_of_target(dead_letter_queue, kind, home)
    if fault is not None:
        raise _refuse_policy("RedrivePolicy", policy, *fault)
    high = limits.max_receive_count
    if isinstance(max_receive_count, bool) or not isinstance(max_receive_count, int):
        raise InvalidInput(f"max_receive_count={max_receive_count!r} is no number.", help=f"Give an int, 1 to {high}.")
    if not 1 <= max_receive_count <= high:
        raise _refuse_policy(
            "RedrivePolicy",
            policy,
            f"Invalid value for maxReceiveCount: {max_receive_count}, valid values are from 1 to {high} both inclusive.",
            "Give the number of deliveries after which a message is put aside.",
        )
    return max_receive_count


def _fault_of_target(target: Destination, kind: str, home: Home) -> tuple[str, str] | None:
    """
    What keeps a destination from being the dead-letter queue of a queue of that kind, and what to do about it.
    """
    arn = getattr(target, "arn", None)
    if arn is None:
        raise InvalidInput(
            f"dead_letter_queue={target!r} is no queue.",
            help="Give the Queue itself, of the same clock; region.queue(…) takes the name or the ARN of one, too.",
        )
    if target.kind != kind:
        return (
            "Dead-letter queue must be same type of queue as the source.",
            f"This is a {kind}, and {target.name} is a {target.kind}.",
        )
    if getattr(target, "closed", False):
        return "Dead letter target does not exist.", f"The queue {target.name} is closed."
    place = Arn.parse(arn)
    if (place.region, place.account) != (home.region_name, home.account):
        return (
            "Dead letter target does not exist.",
            f"It has to be in {home.region_name}, account {home.account}, as this queue is.",
        )
    if getattr(target, "clock", home.clock) is not home.clock:
        raise InvalidInput(
            f"The dead-letter queue {target.name} lives by a different clock.",
            help="Give both the same clock=…; without one they have the shared SystemClock.",
        )
    return None


def check_redrive_allow(
    permission: object, source_queues: object, *, limits: Limits = AWS
) -> tuple[RedrivePermission, tuple[str, ...]]:
    """
    The two halves of a RedriveAllowPolicy (SQS 7.3): whose dead letters a queue takes. AWS's words for it are not known.

    Returns:
        The permission, and the ARNs of the queues that have it, each once, if it is ``byQueue``.

    Raises:
        InvalidParameterValue: The permission is not known, there are no queues or too many with ``byQueue``, some without
            it, or one is no queue.
        InvalidInput: The permission is no `str`, the queues are no list, or one is neither an object with an ARN nor the
            text of one.
    """
    arns = _source_arns(source_queues)
    policy: dict[str, object] = {"redrivePermission": permission}
    if arns:
        policy["sourceQueueArns"] = arns

    def refuse(reason: str, advice: str) -> InvalidParameterValue:
        return _refuse_policy("RedriveAllowPolicy", policy, reason, advice)

    if not isinstance(permission, str):
        raise InvalidInput(
            f"redrive_permission={permission!r} is no str.", help="Give 'allowAll', 'denyAll' or 'byQueue'."
        )
    found: RedrivePermission | None = next((one for one in _PERMISSIONS if one == permission), None)
    if found is None:
        raise refuse(
            f"Invalid value for redrivePermission: {permission}, valid values are allowAll, denyAll and byQueue.",
            "Queues to choose are given as redrive_source_queues, with 'byQueue'.",
        )
    if found != "byQueue" and arns:
        raise refuse(
            "sourceQueueArns is valid only when redrivePermission is byQueue.",
            f"With {found!r} leave redrive_source_queues out.",
        )
    if found == "byQueue" and not 1 <= len(arns) <= limits.redrive_sources:
        raise refuse(
            f"Number of sourceQueueArns [{len(arns)}] is invalid. Must be between 1 and {limits.redrive_sources}.",
            "More queues than that can have the dead-letter queue together with 'allowAll'.",
        )
    for arn in arns:
        if Arn.parse(arn).service != "sqs":
            raise refuse(f"{arn} is not the ARN of a queue.", "Only queues have a dead-letter queue in this sense.")
    return found, arns


def _source_arns(source_queues: object) -> tuple[str, ...]:
    """
    The ARNs of queues that are given as objects or as ARNs, each once.
    """
    if source_queues is None:
        return ()
    if isinstance(source_queues, str | bytes) or not isinstance(source_queues, Iterable):
        raise InvalidInput(
            "The source queues must be a list.",
            help=f"redrive_source_queues={source_queues!r}; put one queue into a list.",
        )
    arns: dict[str, None] = {}
    for source in cast("Iterable[object]", source_queues):
        arn = source if isinstance(source, str) else getattr(source, "arn", None)
        if not isinstance(arn, str):
            raise InvalidInput(f"The source queue {source!r} is no queue.", help="Give queues, or their ARNs.")
        Arn.parse(arn)
        arns[arn] = None
    return tuple(arns)


def _refuse_policy(aws_name: str, policy: Mapping[str, object], reason: str, advice: str) -> InvalidParameterValue:
    shown = json.dumps({key: value for key, value in policy.items() if value is not None}, default=repr)
    return InvalidParameterValue(f"Value {shown} for parameter {aws_name} is invalid. Reason: {reason}", help=advice)


# Tags.


def check_tags(tags: object, *, queue: str = "", limits: Limits = AWS) -> dict[str, str]:
    """
    All tags that a queue is to have (SQS 6.1); `queue` is its name, for the text. AWS's words are not known for each fault.

    Letters and digits may be those of any script. That a key must not start with ``aws:`` holds in any case.

    Returns:
        A copy.

    Raises:
        InvalidParameterValue: There are too many, or one has a key or a value that is too short, too long or of other
            characters, or a key that AWS keeps for itself.
        InvalidInput: They are no mapping, or one is not of `str`.
    """
    if not isinstance(tags, Mapping):
        raise InvalidInput(
            "The tags must be a mapping of str to str.", help=f"got a value of type {type(tags).__name__}"
        )
    found: dict[str, str] = {}
    for key, value in cast("Mapping[object, object]", tags).items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise InvalidInput("The tags must be a mapping of str to str.", help=f"one is {key!r}: {value!r}")
        _check_tag_part("keys", key, 1, limits.tag_key_length)
        _check_tag_part("values", value, 0, limits.tag_value_length)
        if key[:4].lower() == "aws:":
            raise InvalidParameterValue(
                "aws: prefixed tag key names are not allowed for external use.", help=f"One key is {key!r}."
            )
        found[key] = value
    if len(found) > limits.tags:
        raise InvalidParameterValue(
            f"Too many tags added for queue {queue}." if queue else "Too many tags added for queue.",
            help=f"{len(found)} in all; expected at most {limits.tags}.",
        )
    return found


def _check_tag_part(what: str, text: str, low: int, high: int) -> None:
    if not low <= len(text) <= high:
        raise InvalidParameterValue(
            f"Tag {what} must be between {low} and {high} characters in length.",
            help=f"{_short(text)} has {len(text)} characters.",
        )
    match = _TAG.match(text)
    assert match is not None
    if match.end() < len(text):
        raise InvalidParameterValue(
            f"Tag {what} can only include letters, digits, spaces and the characters _ . : / = + - @",
            help=f"{_short(text)} has {text[match.end()]!r} at index {match.end()}.",
        )


def _short(text: str) -> str:
    return repr(text) if len(text) <= 60 else f"{text[:60]!r}..."


def check_tag_keys(keys: object) -> frozenset[str]:
    """
    The keys of tags to be taken away; what no tag can be called is no fault here, as it is ignored (SQS 8.4).

    Raises:
        InvalidInput: They are no list, or one is no `str`.
    """
    if isinstance(keys, str | bytes) or not isinstance(keys, Iterable):
        raise InvalidInput(
            "The keys of tags must be a list.",
            help=f"got a value of type {type(keys).__name__}; put one key into a list",
        )
    found: set[str] = set()
    for key in cast("Iterable[object]", keys):
        if not isinstance(key, str):
            raise InvalidInput("The key of a tag must be a str.", help=f"got a value of type {type(key).__name__}")
        found.add(key)
    return frozenset(found)


def check_permitted(target: Destination, source_arn: str) -> None:
    """
    Refuses a source from which a dead-letter queue takes no letters (SQS 7.3).

    Raises:
        InvalidParameterValue: It does not.
    """
    permission = getattr(target, "redrive_permission", "allowAll")
    if permission == "denyAll" or (
        permission == "byQueue" and source_arn not in getattr(target, "redrive_source_queues", ())
    ):
        raise InvalidParameterValue(
            f"Value {target.arn} for parameter RedrivePolicy is invalid. "
            f"Reason: The dead-letter queue does not allow the source queue {source_arn}.",
            help=f"{target.name} has redrive_permission={permission!r}: "
            "dead_letter_queue.set_attributes(redrive_permission='allowAll') lets every queue use it.",
        )
