"""
Reading events: JSON Lines in the form of an EventBridge entry, gzipped or not, good lines told from bad ones.

A line is an object with ``source`` and ``detail-type``, both text, and ``detail``, an object; ``id`` and ``time`` are
optional, and whatever else is there is left alone, so that events as EventBridge delivers them can be read too. Blank
lines do not count.
"""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, NoReturn, cast

from postroom.clock import to_instant_us
from postroom.errors import InvalidInput
from postroom.limits import PUBLISH_SIZE_MAX_BYTES

_GZIP: Final = b"\x1f\x8b"
_BOM: Final = b"\xef\xbb\xbf"
_SHOWN_CHARS: Final = 40
_YEAR_MIN, _YEAR_MAX = 1970, 9998

NO_REPOSITORY: Final = "(none)"
"""Where events are counted that name no repository."""


class Event(NamedTuple):
    """
    One event, ready to be sent.

    >>> reading = read(b'{"source": "github.com", "detail-type": "star", "detail": {"action": "created"}}')
    >>> [event] = reading.events
    >>> event.id, event.kind, event.repository
    ('line-1', 'star', '(none)')
    """

    line: int
    """Its line in the input, from 1."""
    id: str
    """As given, or ``line-`` and its line."""
    kind: str
    """Its ``detail-type``."""
    repository: str
    """``detail.repository.full_name``, as GitHub has it, or ``(none)``."""
    time_us: int | None
    """Its ``time`` in microseconds since the epoch, if it has one."""
    body: str
    """The message: the event as JSON in ASCII, its id always included."""


class BadLine(NamedTuple):
    """
    A line that is no event.

    >>> print(read(b"[1, 2]").bad[0])
    line 1: is no JSON object
    """

    line: int
    """Its number, from 1."""
    what: str
    """What is wrong with it."""

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}"


class Reading(NamedTuple):
    """
    What an input held.
    """

    events: list[Event]
    """The good lines, in order."""
    bad: list[BadLine]
    """The bad ones, in order."""


def read(data: bytes) -> Reading:
    r"""
    Reads JSON Lines, gzipped or not.

    Every id occurs once: a line that repeats one is bad, as accounts are kept by id.

    >>> reading = read(b'{"source": "shop", "detail-type": "order", "detail": {}, "id": "7"}\n\n{"source": "shop"}')
    >>> [event.id for event in reading.events]
    ['7']
    >>> reading.bad
    [BadLine(line=3, what='has no "detail-type"')]

    Raises:
        InvalidInput: It is gzipped, and damaged.
    """
    if data.startswith(_GZIP):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise InvalidInput("It is gzipped, and damaged.", help=f"{str(error).rstrip('.')}.") from error
    events: list[Event] = []
    bad: list[BadLine] = []
    lines: dict[str, int] = {}
    for number, line in enumerate(data.removeprefix(_BOM).split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            event = _event(number, line, lines)
        except _Bad as error:
            bad.append(BadLine(number, str(error)))
        else:
            lines[event.id] = number
            events.append(event)
    return Reading(events, bad)


def read_from(name: str, stdin: BinaryIO | None = None) -> Reading:
    """
    Reads the file of that name; ``-`` is standard input.

    Args:
        name: A path.
        stdin: What ``-`` stands for, unless it is the process's own.

    Raises:
        OSError: It cannot be read.
        InvalidInput: It is gzipped, and damaged.
    """
    if name == "-":
        return read((stdin or sys.stdin.buffer).read())
    return read(Path(name).read_bytes())


def bundled() -> Reading:
    """
    The 329 real events that come with postroom: payloads of GitHub's webhooks (MIT licence, see ``data/ATTRIBUTION.md``).

    >>> reading = bundled()
    >>> len(reading.events), len({event.kind for event in reading.events}), reading.bad
    (329, 58, [])
    """
    return read((files("postroom.lab") / "data" / "github-webhooks.jsonl.gz").read_bytes())


class _Bad(Exception):
    """
    What is wrong with a line.
    """


def _event(number: int, line: bytes, lines: dict[str, int]) -> Event:
    entry = _json_object(line)
    source, kind = _text(entry, "source"), _text(entry, "detail-type")
    if "detail" not in entry:
        raise _Bad('has no "detail"')
    if not isinstance(entry["detail"], dict):
        raise _Bad(f'"detail" is no object: {_shown(entry["detail"])}')
    detail = cast("dict[str, Any]", entry["detail"])
    id_ = _text(entry, "id") if entry.get("id") is not None else f"line-{number}"
    if id_ in lines:
        raise _Bad(f"has the id {_shown(id_)} of line {lines[id_]}")
    time_us = _time_us(entry["time"]) if entry.get("time") is not None else None
    sent = {"id": id_, "source": source, "detail-type": kind, "detail": detail}
    # In ASCII: whatever characters JSON can escape, topics and queues then take (SQS 6.2).
    body = json.dumps(sent if time_us is None else {**sent, "time": entry["time"]})
    if len(body) > PUBLISH_SIZE_MAX_BYTES:
        raise _Bad(f"is a message of {len(body):,} bytes; a topic takes {PUBLISH_SIZE_MAX_BYTES:,}")
    return Event(number, id_, kind, repository_of(detail), time_us, body)


def _json_object(line: bytes) -> dict[str, Any]:
    try:
        entry: Any = json.loads(line.decode(), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise _Bad(f"is no UTF-8 (byte {error.start + 1})") from error
    except json.JSONDecodeError as error:
        raise _Bad(f"is no JSON: {error.msg} (character {error.pos + 1})") from error
    except ValueError as error:  # a number with thousands of digits
        raise _Bad(f"cannot be read: {error}") from error
    except RecursionError as error:
        raise _Bad("is nested too deeply") from error
    if not isinstance(entry, dict):
        raise _Bad("is no JSON object")
    return cast("dict[str, Any]", entry)


def _refuse_constant(name: str) -> NoReturn:
    raise _Bad(f"is no JSON: {name} is no number")


def _text(entry: dict[str, Any], key: str) -> str:
    if key not in entry:
        raise _Bad(f'has no "{key}"')
    value = entry[key]
    if not isinstance(value, str) or not value:
        raise _Bad(f'"{key}" is no text: {_shown(value)}')
    return value


def _time_us(value: object) -> int:
    try:
        at = datetime.fromisoformat(value)  # type: ignore[arg-type] # a TypeError is an answer too
    except (TypeError, ValueError):
        raise _Bad(f'"time" is no time such as "2024-01-31T12:00:00Z": {_shown(value)}') from None
    if not _YEAR_MIN <= at.year <= _YEAR_MAX:
        raise _Bad(f'"time" is outside the years {_YEAR_MIN} to {_YEAR_MAX}: {_shown(value)}')
    return to_instant_us(at if at.tzinfo else at.replace(tzinfo=UTC))


def repository_of(detail: dict[str, Any]) -> str:
    """
    The repository that an event is about, as GitHub's have it; ``(none)`` if it names none.

    >>> repository_of({"repository": {"full_name": "octo-org/octo-repo"}})
    'octo-org/octo-repo'
    """
    repository: Any = detail.get("repository")
    name: Any = repository.get("full_name") if isinstance(repository, dict) else repository  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return name if isinstance(name, str) and name else NO_REPOSITORY


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS - 3]}..."
