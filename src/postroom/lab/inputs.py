"""
What the arguments of a command stand for: a file, standard input, or JSON that is written out; and the events in it.
"""

from __future__ import annotations

import gzip
import sys
import zlib
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from postroom.errors import InvalidInput
from postroom.lab.words import clean
from postroom.patterns._events import read_event, read_value

_GZIP: Final = b"\x1f\x8b"
_BOM: Final = "\ufeff"


class CannotRun(Exception):
    """
    Why a command could not, for people.
    """


class Input(NamedTuple):
    """
    The text that an argument stands for.
    """

    name: str
    """What to call it in messages."""
    text: str


def read_argument(argument: str, what: str) -> Input:
    """
    The text of an argument: of a file, gzipped or not, of standard input if it is ``-``, or JSON that begins with ``{``.

    >>> read_argument('{"source": ["shop"]}', "PATTERN")
    Input(name='PATTERN', text='{"source": ["shop"]}')

    Args:
        argument: As it was given.
        what: The argument's name in the command's help.

    Raises:
        CannotRun: There is no such file, or it cannot be read as text.
    """
    if argument.lstrip().startswith("{"):
        return Input(what, argument)
    name = "standard input" if argument == "-" else argument
    try:
        data = sys.stdin.buffer.read() if argument == "-" else Path(argument).read_bytes()
        if data.startswith(_GZIP):
            data = gzip.decompress(data)
        return Input(name, data.decode().removeprefix(_BOM))
    except UnicodeDecodeError as error:
        raise CannotRun(f"cannot read {name}: it is no UTF-8 (byte {error.start + 1})") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CannotRun(f"cannot read {name}: it is gzipped, and damaged") from error
    except (OSError, ValueError) as error:  # a ValueError: a NUL in a file's name
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CannotRun(f"cannot read {clean(name)}: {why}") from error


class Numbered(NamedTuple):
    """
    An event of an input, and what to call it.
    """

    name: str
    event: dict[str, Any]


class Events(NamedTuple):
    """
    What an input with events held.
    """

    events: list[Numbered]
    bad: list[str]
    """What is wrong with lines that are no event."""


def read_events(given: Input) -> Events:
    r"""
    The events of an input: one JSON object, an array of them, or JSON Lines, an object a line. Blank lines do not count.

    >>> found = read_events(Input("x", '{"a": 1}\n\n[]\n{"a": 2}'))
    >>> [one.name for one in found.events], found.bad
    (['line 1', 'line 4'], ['line 3: An event must be a JSON object.'])

    Raises:
        CannotRun: It is none of these.
    """
    text = given.text
    try:
        if text.lstrip().startswith("["):
            return Events(_of_array(given), [])
        return Events([Numbered("event 1", read_event(text))], [])
    except InvalidInput as error:
        found = _of_lines(text)
        if not found.events or text.lstrip().startswith("["):
            raise CannotRun(f"cannot read {clean(given.name)}: {told(error)}") from error
    return found


def _of_array(given: Input) -> list[Numbered]:
    values = read_value(given.text)
    for number, value in enumerate(values, 1):
        if not isinstance(value, dict):
            raise CannotRun(f"cannot read {clean(given.name)}: element {number} of the array is no object")
    return [Numbered(f"event {number}", value) for number, value in enumerate(cast("list[dict[str, Any]]", values), 1)]


def _of_lines(text: str) -> Events:
    found = Events([], [])
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                found.events.append(Numbered(f"line {number}", read_event(line)))
            except InvalidInput as error:
                found.bad.append(f"line {number}: {clean(error.aws_message)}")
    return found


def told(error: InvalidInput) -> str:
    """
    An error in one line.

    >>> told(InvalidInput("It is wrong.", help="Mend it."))
    'It is wrong. Mend it.'
    """
    return clean(str(error).replace("\n ", ""))
