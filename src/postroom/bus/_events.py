"""
Events: what is put, what is checked of it, and the envelope that goes to every target (EB 1).
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from difflib import get_close_matches
from math import isinf
from typing import Any, Final, NamedTuple, cast

from postroom import limits
from postroom.bus._checks import violations
from postroom.bus._refusals import PUT_NOT_THERE, PUT_TAKES
from postroom.clock import Instant, to_datetime, to_instant_us
from postroom.delivery import refuse_unknown
from postroom.errors import (
    EventsValidationError,
    InvalidArgument,
    InvalidInput,
    MalformedDetail,
    NotAuthorizedForSource,
    PostroomError,
)
from postroom.limits import SECOND_US
from postroom.message import body_size

_ENVELOPE: Final[dict[str, type]] = {
    "version": str,
    "id": str,
    "detail-type": str,
    "source": str,
    "account": str,
    "time": str,
    "region": str,
    "resources": list,
    "detail": dict,
}
_logger = logging.getLogger("postroom")
_DIGITS_MAX: Final = sys.float_info.max_10_exp + 1
_TOO_LONG: Final = re.compile(rf"[0-9]{{{_DIGITS_MAX}}}")
_encode: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class EventEntry(NamedTuple):
    """
    One event to be put; ``put_events`` takes a mapping with these keys as well.

    >>> EventEntry("shop", "order placed", {"total": 12}).to_dict()["detail"]
    {'total': 12}
    """

    source: str
    """Who says so; it does not begin with ``aws.``."""
    detail_type: str
    """What happened, in 1 to 128 characters."""
    detail: Mapping[str, Any] | str
    """What is to be said of it: a mapping, or JSON text of an object."""
    time: Instant | date | None = None
    """When it happened: seconds since the epoch, an aware `datetime`, or a `date`; None: now. Fractions are dropped."""
    resources: Iterable[str] = ()
    """The ARNs of what it concerns, each of at most 2048 characters."""

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict.

        >>> EventEntry("shop", "order placed", "{}").to_dict()["time"] is None
        True
        """
        return self._asdict()


class PutEvent(NamedTuple):
    """
    What putting an event returns.

    >>> PutEvent("5f0c").to_dict()
    {'event_id': '5f0c'}
    """

    event_id: str
    """The id of the event, in its envelope too: the same for all rules and targets."""

    def to_dict(self) -> dict[str, str]:
        """
        As a plain dict.

        >>> PutEvent("5f0c").to_dict()["event_id"]
        '5f0c'
        """
        return self._asdict()


class Checked(NamedTuple):
    """
    An entry in which nothing is wrong, in the form that the envelope needs.
    """

    source: str
    detail_type: str
    detail_text: str
    detail: dict[str, Any] | None
    """None: as the text says."""
    time_us: int | None
    resources: tuple[str, ...]


class Event:
    """
    An event in a bus: its envelope as text, made once, and what patterns see of it, made if there are any.
    """

    __slots__ = ("_fields", "detail_text", "detail_type", "id", "source", "text")

    def __init__(
        self, id_: str, text: str, source: str, detail_type: str, detail_text: str, fields: dict[str, Any] | None
    ) -> None:
        self.id: str = id_
        self.text: str = text
        self.source: str = source
        self.detail_type: str = detail_type
        self.detail_text: str = detail_text
        self._fields = fields

    @property
    def fields(self) -> dict[str, Any]:
        """
        The envelope as a dict.
        """
        if self._fields is None:
            self._fields = json.loads(self.text)
        return self._fields


def entry_of(given: object) -> EventEntry:
    """
    An entry of a call, which may be a mapping.
    """
    if isinstance(given, EventEntry):
        return given
    if not isinstance(given, Mapping):
        raise InvalidInput(
            f"An entry must be an EventEntry or a mapping, not of type {type(given).__name__}.",
            help=f"Keys of a mapping are {', '.join(PUT_TAKES)}.",
        )
    members = cast("Mapping[str, Any]", given)
    if unknown := {str(key): value for key, value in members.items() if key not in PUT_TAKES}:
        refuse_unknown("put_events", unknown, PUT_NOT_THERE, PUT_TAKES)
    # What is missing is for the entry's own check to say: the others go through.
    named: dict[str, Any] = {"source": "", "detail_type": "", "detail": "", **members}
    return EventEntry(**named)


def settled(entry: EventEntry) -> EventEntry:
    """
    The entry with its resources in a tuple: they are looked at more than once, and an iterator gives them once.
    """
    resources: object = entry.resources
    if isinstance(resources, tuple | str) or not isinstance(resources, Iterable):
        return entry
    return entry._replace(resources=tuple(resources))


def check_entry(entry: EventEntry) -> Checked:
    """
    One entry, in AWS's order of checks (EB 1).

    Raises:
        InvalidArgument: Something is missing, or the detail type is too long.
        MalformedDetail: The detail is no JSON object, or a number in it is beyond a double.
        NotAuthorizedForSource: The source begins with ``aws.``.
        InvalidInput: Something is of a wrong type.
    """
    source, detail_type, detail, time, resources = entry
    for name, value in (("Source", source), ("DetailType", detail_type), ("Detail", detail)):
        if value in (None, ""):
            raise InvalidArgument(f"Parameter {name} is not valid. Reason: {name} is a required argument.")
    for name, value in (("source", source), ("detail_type", detail_type)):
        if not isinstance(value, str):
            raise InvalidInput(f"{name} must be a str, not of type {type(value).__name__}.")
    if len(detail_type) > limits.DETAIL_TYPE_MAX_CHARS:
        raise InvalidArgument(
            "Parameter DetailType is not valid. Reason: DetailType is longer than the maximum.",
            help=f"detail_type has {len(detail_type)} characters; {limits.DETAIL_TYPE_MAX_CHARS} are allowed.",
        )
    detail_text, parsed = _detail(detail)
    if source.startswith("aws."):
        raise NotAuthorizedForSource(
            "Not authorized for the source.", help=f"source={source!r}: only AWS's own begin with aws."
        )
    return Checked(source, detail_type, detail_text, parsed, _time_us(time), _resources(resources))


def _detail(detail: object) -> tuple[str, dict[str, Any] | None]:
    try:
        if isinstance(detail, Mapping):
            return _within_doubles(_encode(dict(cast("Mapping[str, Any]", detail)))), None
        if not isinstance(detail, str):
            raise InvalidInput(
                f"detail must be a mapping or JSON text, not of type {type(detail).__name__}.",
                help="detail={'total': 12}",
            )
        parsed = json.loads(detail)
        if not isinstance(parsed, dict):
            raise _malformed("It is JSON, but no object.")
        fields = cast("dict[str, Any]", parsed)
        return _within_doubles(_encode(fields)), fields
    except (TypeError, RecursionError) as error:
        raise _malformed(str(error)) from None
    except ValueError as error:
        if isinstance(error, PostroomError):
            raise
        raise _malformed(str(error)) from None


def _within_doubles(text: str) -> str:
    """
    The JSON text, unless a number in it is beyond a double, which one of fewer than 309 digits never is.
    """
    if len(text) >= _DIGITS_MAX and _TOO_LONG.search(text):
        json.loads(text, parse_int=_check_int)
    return text


def _check_int(digits: str) -> None:
    if isinf(float(digits)):
        raise ValueError(f"A number of {len(digits.lstrip('-'))} digits is beyond a double.")


def _malformed(why: str) -> MalformedDetail:
    return MalformedDetail("Detail is malformed.", help=why)


def _time_us(time: object) -> int | None:
    if time is None:
        return None
    if isinstance(time, date) and not isinstance(time, datetime):
        time = datetime(time.year, time.month, time.day, tzinfo=UTC)
    if not isinstance(time, int | float | datetime):
        raise InvalidInput(
            f"time={time!r} is no instant.", help="Give seconds since the epoch, an aware datetime, or a date."
        )
    return to_instant_us(time, "time")


def _resources(resources: object) -> tuple[str, ...]:
    if not isinstance(resources, tuple):
        raise InvalidInput(f"resources={resources!r} is no list of ARNs.", help="resources=[queue.arn]")
    found = cast("tuple[object, ...]", resources)
    if wrong := [one for one in found if not isinstance(one, str)]:
        raise InvalidInput(f"resources holds {wrong[0]!r}, which is no str.", help="resources=[queue.arn]")
    return cast("tuple[str, ...]", found)


def check_request(entries: list[EventEntry], bus_name: str) -> None:
    """
    What is wrong with a request as a whole: too few or too many entries, a resource too long, too many bytes (EB 1).

    Raises:
        EventsValidationError: Nothing of it is taken.
    """
    most = limits.PUT_EVENTS_ENTRIES_MAX
    if not entries:
        raise violations([("[]", "entries", "have length greater than or equal to 1")], f"Give 1 to {most} entries.")
    if len(entries) > most:
        shown = f"[{', '.join(_shown(entry, bus_name) for entry in entries)}]"
        advice = f"There are {len(entries)}: split them into calls of up to {most}."
        raise violations([(shown, "entries", f"have length less than or equal to {most}")], advice)
    longest = limits.EVENT_RESOURCE_MAX_CHARS
    found = [
        (
            f"[{', '.join(_texts(entry.resources))}]",
            f"entries.{number}.member.resources",
            f"satisfy constraint: [Member must have length less than or equal to {longest}]",
        )
        for number, entry in enumerate(entries, 1)
        if any(len(resource) > longest for resource in _texts(entry.resources))
    ]
    if found:
        raise violations(found, f"Give each resource as an ARN of at most {longest} characters.")


def check_total(sizes: Iterable[int]) -> None:
    """
    The size of a request (EB 1).

    Raises:
        EventsValidationError: It is over the limit.
    """
    total = sum(sizes)
    if total >= limits.PUT_EVENTS_SIZE_END_BYTES:
        raise EventsValidationError(
            "Total size of the entries in the request is over the limit.",
            help=f"They have {total} bytes together; {limits.PUT_EVENTS_SIZE_END_BYTES - 1} are allowed.",
        )


def size_of(entry: EventEntry, checked: Checked | PostroomError) -> int:
    """
    What an entry counts: 14 for a time, and the bytes of source, detail type, detail and resources (EB 1).

    Of an entry in which something is wrong, what can be counted.
    """
    size = 0 if entry.time is None else limits.EVENT_TIME_BYTES
    detail = entry.detail
    if not isinstance(detail, str):
        detail = checked.detail_text if isinstance(checked, Checked) else ""
    resources = checked.resources if isinstance(checked, Checked) else _texts(entry.resources)
    parts = (entry.source, entry.detail_type, detail, *resources)
    return size + sum(body_size(part) for part in parts if isinstance(part, str))


def _texts(resources: object) -> list[str]:
    if not isinstance(resources, tuple):
        return []
    return [one for one in cast("Iterable[object]", resources) if isinstance(one, str)]


def _shown(entry: EventEntry, bus_name: str) -> str:
    resources = _texts(entry.resources)
    parts = {
        "time": entry.time,
        "source": entry.source or None,
        "resources": f"[{', '.join(resources)}]" if resources else None,
        "detailType": entry.detail_type or None,
        "detail": _shown_detail(entry.detail),
        "eventBusName": bus_name,
        "traceHeader": None,
        "kmsKeyIdentifier": None,
        "internalMetadata": None,
    }
    return f"PutEventsRequestEntry({', '.join(f'{key}={_null(value)}' for key, value in parts.items())})"


def _shown_detail(detail: object) -> object:
    if not isinstance(detail, Mapping):
        return detail or None
    try:
        return _encode(dict(cast("Mapping[str, Any]", detail)))
    except (TypeError, ValueError, RecursionError):
        return "{…}"  # it has no text, and nobody asks: the request is refused for its length


def _null(value: object) -> str:
    return "null" if value is None else str(value)


def time_text(at_us: int) -> str:
    """
    An instant as envelopes have it: whole seconds, UTC.

    >>> time_text(1_704_067_200_999_999)
    '2024-01-01T00:00:00Z'
    """
    return f"{to_datetime(at_us // SECOND_US * SECOND_US).replace(tzinfo=None).isoformat()}Z"


def make_event(id_: str, checked: Checked, at: str, account: str, region: str) -> Event:
    """
    An event with its envelope: AWS's order of keys, no blanks (EB 1).
    """
    source, detail_type, detail_text, detail, _, resources = checked
    text = (
        f'{{"version":"0","id":"{id_}","detail-type":{_encode(detail_type)},"source":{_encode(source)},'
        f'"account":"{account}","time":"{at}","region":"{region}","resources":{_encode(resources)},'
        f'"detail":{detail_text}}}'
    )
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:  # half a surrogate pair, which JSON can escape and UTF-8 cannot hold
            text = json.dumps(json.loads(text), separators=(",", ":"))
    fields: dict[str, Any] | None = None
    if detail is not None:
        fields = {
            "version": "0",
            "id": id_,
            "detail-type": detail_type,
            "source": source,
            "account": account,
            "time": at,
            "region": region,
            "resources": list(resources),
            "detail": detail,
        }
    return Event(id_, text, source, detail_type, detail_text, fields)


def warn_of_fields(whose: str, pattern: str) -> None:
    """
    Warns of a pattern that asks at its top for a field that no event has. AWS takes such a pattern, and says nothing.
    """
    for field in _asked(json.loads(pattern)):
        near = get_close_matches(field, _ENVELOPE, 1)
        hint = f"did you mean {near[0]!r}?" if near else "what was put as detail is found below 'detail'."
        _logger.warning("postroom: %s looks at %r, which no event has; %s", whose, field, hint)


def _asked(pattern: object) -> Iterator[str]:
    """
    The fields that a pattern asks for, and no event has, in each of its alternatives.
    """
    members = cast("dict[str, object]", pattern) if isinstance(pattern, dict) else {}
    for key, wanted in members.items():
        if key == "$or" and isinstance(wanted, list):
            for alternative in cast("list[object]", wanted):
                yield from _asked(alternative)
        elif key not in _ENVELOPE:
            yield key


def forwarded_event(text: str) -> Event:
    """
    An event that another bus forwards: its envelope is kept as it is (EB 9).

    Raises:
        MalformedDetail: It is no envelope.
    """
    try:
        fields: Any = json.loads(text)
        if isinstance(fields, dict) and all(
            isinstance(cast("dict[str, Any]", fields).get(key), kind) for key, kind in _ENVELOPE.items()
        ):
            detail_text = _encode(fields["detail"])
            fields = cast("dict[str, Any]", fields)
            return Event(fields["id"], text, fields["source"], fields["detail-type"], detail_text, fields)
    except (ValueError, RecursionError):
        pass  # no JSON, so no envelope
    raise _malformed("A bus takes from other resources only the envelopes of events.")
