"""
What objects are called: the prefix with its expressions, and what follows it (DEL A4).

A prefix is taken apart once, when the delivery stream is made; an object's key is put together from the pieces, the
instant at which its oldest record arrived, and random bits that the caller draws.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Final, TypeAlias

from postroom.clock import to_datetime
from postroom.errors import FirehoseInvalidArgument, InvalidInput, NotSupported
from postroom.limits import FILE_EXTENSION_MAX_CHARS, OBJECT_PREFIX_MAX_CHARS, RANDOM_STRING_CHARS
from postroom.message import format_uuid

if TYPE_CHECKING:
    import random
    from datetime import datetime

Piece: TypeAlias = "str | Callable[[datetime], str] | None"
"""Text as it stands, a field of the instant, or (None) a random string."""

_TIME_PATH: Final = "yyyy/MM/dd/HH/"
_VERSION: Final = 1
"""Of the delivery stream's settings, which cannot be changed here."""
_EXTENSION: Final = re.compile(rf"\.[0-9a-z!\-_.*'()]{{1,{FILE_EXTENSION_MAX_CHARS - 1}}}")
_ALPHABET: Final = digits + ascii_letters
_FIELDS: Final[dict[str, Callable[[datetime], str]]] = {
    "yyyy": lambda at: f"{at.year:04}",
    "MM": lambda at: f"{at.month:02}",
    "dd": lambda at: f"{at.day:02}",
    "HH": lambda at: f"{at.hour:02}",
    "mm": lambda at: f"{at.minute:02}",
    "ss": lambda at: f"{at.second:02}",
}
_PARTS: Final = re.compile(r"([A-Za-z])\1*|'(?:[^']|'')*'|.", re.DOTALL)
_RESERVED: Final = frozenset("{}#[]")
_BLANK: Final = "0" * RANDOM_STRING_CHARS


class Keys:
    """
    Makes the keys of a delivery stream's objects.

    >>> import random
    >>> keys = Keys("events", "tea/year=!{timestamp:yyyy}/", ".txt")
    >>> keys.key(1_704_067_200_000_000, random.Random(1))
    'tea/year=2024/events-1-2024-01-01-00-00-00-cd613e30-d8f1-4adf-91b7-584a2265b1f5.txt'

    Args:
        name: Of the delivery stream.
        prefix: Text with expressions; without an expression of time, ``yyyy/MM/dd/HH/`` follows it, with no slash put
            between them.
        extension: What a key ends in; may be empty.

    Raises:
        FirehoseInvalidArgument: An expression is not well-formed, the prefix is too long, or the extension is not acceptable.
        NotSupported: AWS has the expression, and postroom has not.
        InvalidInput: One of them is no `str`.
    """

    __slots__ = ("_extension", "_name", "_pieces")

    def __init__(self, name: str, prefix: str, extension: str) -> None:
        self._name = name
        self._pieces = parse_prefix(prefix)
        self._extension = check_extension(extension)

    def key(self, arrived_at: int, rng: random.Random) -> str:
        """
        The key of an object.

        Args:
            arrived_at: When its oldest record arrived, in microseconds since the epoch.
            rng: What its UUID and its random strings are drawn from.
        """
        at = to_datetime(arrived_at)
        prefix = _put_together(self._pieces, at, lambda: _random_string(rng))
        stamp = f"{at.year:04}-{at.month:02}-{at.day:02}-{at.hour:02}-{at.minute:02}-{at.second:02}"
        return f"{prefix}{self._name}-{_VERSION}-{stamp}-{format_uuid(rng.getrandbits(128))}{self._extension}"

    def specimen(self) -> str:
        """
        What all keys look like, in shape and length, as far as the name of the delivery stream.
        """
        return f"{_put_together(self._pieces, to_datetime(0), lambda: _BLANK)}{self._name}"


def _put_together(pieces: list[Piece], at: datetime, draw: Callable[[], str]) -> str:
    return "".join(piece if isinstance(piece, str) else draw() if piece is None else piece(at) for piece in pieces)


def _random_string(rng: random.Random) -> str:
    return "".join(rng.choices(_ALPHABET, k=RANDOM_STRING_CHARS))


def parse_prefix(prefix: object) -> list[Piece]:
    """
    The pieces of a prefix, the path of time included that is put behind one without an expression of time.

    Raises:
        FirehoseInvalidArgument: An expression is not well-formed, or the prefix is too long.
        NotSupported: AWS has the expression, and postroom has not.
        InvalidInput: It is no `str`.
    """
    if not isinstance(prefix, str):
        raise InvalidInput(f"prefix={prefix!r} is no str.", help='Give text, such as "events/".')
    pieces: list[Piece] = []
    rest, has_time = prefix, False
    while rest:
        text, found, rest = rest.partition("!{")
        if text:
            pieces.append(text)
        if not found:
            break
        expression, closed, rest = rest.partition("}")
        if not closed:
            raise _refuse(prefix, f"!{{{expression} has no end.", "Write !{namespace:value}.")
        pieces += _parse_expression(prefix, expression)
        has_time = has_time or expression.startswith("timestamp:")
    if not has_time:
        pieces += _parse_timestamp(prefix, _TIME_PATH)
    length = len(_put_together(pieces, to_datetime(0), lambda: _BLANK))
    if length > OBJECT_PREFIX_MAX_CHARS:
        raise FirehoseInvalidArgument(
            f"The evaluated Prefix must have at most {OBJECT_PREFIX_MAX_CHARS} characters.",
            help=f"It has {length}, the path of time included.",
        )
    return pieces


def _parse_expression(prefix: str, expression: str) -> list[Piece]:
    namespace, colon, value = expression.partition(":")
    if namespace == "timestamp" and value:
        return _parse_timestamp(prefix, value)
    if expression == "firehose:random-string":
        return [None]
    shown = f"!{{{expression}}}"
    if expression == "firehose:error-output-type":
        raise _refuse(prefix, f"{shown} belongs into ErrorOutputPrefix.", "A prefix of errors is not there.")
    if namespace in {"partitionKeyFromQuery", "partitionKeyFromLambda"}:
        raise NotSupported(
            f"DeliveryStream(prefix={prefix!r}): {shown} needs dynamic partitioning, which is not there.",
            help="docs/fidelity.md lists what is not there yet, and why.",
            operation="DeliveryStream",
        )
    why = f"{shown} is unknown." if colon else f"{shown} has no namespace."
    raise _refuse(prefix, why, "There are !{timestamp:yyyy/MM/dd} and !{firehose:random-string}.")


def _parse_timestamp(prefix: str, pattern: str) -> list[Piece]:
    """
    The pieces of a pattern of Java's DateTimeFormatter: fields, and text, quoted or not.
    """
    pieces: list[Piece] = []
    for match in _PARTS.finditer(pattern):
        part = match[0]
        if part[0].isascii() and part[0].isalpha():
            field = _FIELDS.get(part)
            if field is None:
                raise NotSupported(
                    f"DeliveryStream(prefix={prefix!r}): the field {part!r} of a timestamp is not there.",
                    help=f"There are {', '.join(_FIELDS)}; put text into single quotes: 'year='yyyy.",
                    operation="DeliveryStream",
                )
            pieces.append(field)
        elif part == "'":
            raise _refuse(prefix, "A quote in a timestamp has no end.", "Write '' for a quote by itself.")
        elif part[0] == "'":
            pieces.append(part[1:-1].replace("''", "'") or "'")
        elif part in _RESERVED:
            raise _refuse(prefix, f"{part!r} is reserved in a timestamp.", "Put it into single quotes.")
        else:
            pieces.append(part)
    return pieces


def check_extension(extension: object) -> str:
    """
    What a key ends in: nothing, or a dot and small letters, digits and ``!-_.*'()`` (DEL A4).

    Raises:
        FirehoseInvalidArgument: It is something else.
        InvalidInput: It is no `str`.
    """
    if not isinstance(extension, str):
        raise InvalidInput(f"file_extension={extension!r} is no str.", help='Give text, such as ".json".')
    if extension and not _EXTENSION.fullmatch(extension):
        raise FirehoseInvalidArgument(
            "FileExtension is not acceptable.",
            help=f"file_extension={extension!r}: a dot, then a-z, 0-9 or !-_.*'(), at most 128 characters in all.",
        )
    return extension


def _refuse(prefix: str, why: str, instead: str) -> FirehoseInvalidArgument:
    return FirehoseInvalidArgument("Prefix is not acceptable.", help=f"prefix={prefix!r}: {why} {instead}")
