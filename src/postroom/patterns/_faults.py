"""
From what a parser found wrong to the error: AWS's text for the first, a place and an advice for each (PAT 9).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from postroom.errors import InvalidEventPattern, PatternFault

if TYPE_CHECKING:
    from postroom.patterns._dialects import Dialect

NO_JSON, KEYS, STRUCTURE, COMBINATIONS, RULES = range(5)
"""In which order a dialect looks that checks the structure first (SNS 7.2)."""

_ECHOED_CHARS: Final = 500
_END_OF_LINE: Final = re.compile(r"\r\n|\r|\n")
_LAST_OF_ONE_UNIT: Final = "\uffff"


class Found(NamedTuple):
    """
    One thing that is wrong, as the parser found it.
    """

    reason: str
    where: str
    mark: int
    """The place just past what AWS's parser has read."""
    instead: str
    copies: int = 1
    """How often AWS's text names the place."""
    stage: int = STRUCTURE
    is_bare: bool = False
    """Whether AWS's text has nothing before the reason."""


class _Places:
    r"""
    Lines and columns of a text. AWS counts a letter outside the basic plane as two columns.

    >>> _Places('a\nb😀"').of(5)
    (2, 5)
    """

    def __init__(self, text: str) -> None:
        self._starts = [0, *(end.end() for end in _END_OF_LINE.finditer(text))]
        self._wide = [] if text.isascii() else [at for at, letter in enumerate(text) if letter > _LAST_OF_ONE_UNIT]

    def of(self, mark: int) -> tuple[int, int]:
        line = bisect_right(self._starts, mark)
        start = self._starts[line - 1]
        more = bisect_right(self._wide, mark - 1) - bisect_right(self._wide, start - 1) if self._wide else 0
        return line, mark - start + more + 1


def refusal(text: str, dialect: Dialect, found: Sequence[Found]) -> InvalidEventPattern:
    """
    The error for a text in which there is something wrong.
    """
    if dialect.is_structure_first:
        found = sorted(found, key=lambda one: one.stage)
    places = _Places(text)
    faults = tuple(PatternFault(one.reason, one.where, *places.of(one.mark), instead=one.instead) for one in found)
    error = InvalidEventPattern(_aws_text(text, dialect, found[0], faults[0]), help=_help(dialect, faults))
    error.faults = faults
    return error


def _aws_text(text: str, dialect: Dialect, found: Found, fault: PatternFault) -> str:
    if dialect.message is not None:
        return dialect.message
    reason = found.reason if found.is_bare else f"{dialect.preamble}{found.reason}"
    if not found.copies:
        return reason
    cut = _units(text) - _ECHOED_CHARS
    echo = f'"{text}"' if cut <= 0 else f'"{_first_units(text)}"[truncated {cut} chars]'
    place = f"\n at [Source: (String){echo}; line: {fault.line}, column: {fault.column}]"
    return reason + place * found.copies


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _first_units(text: str) -> str:
    if text.isascii():
        return text[:_ECHOED_CHARS]
    units = text[:_ECHOED_CHARS].encode("utf-16-le", "surrogatepass")[: 2 * _ECHOED_CHARS]
    # What the cut leaves of a letter of two units is a lone surrogate, as in Java.
    return units.decode("utf-16-le", "surrogatepass")


def _help(dialect: Dialect, faults: Sequence[PatternFault]) -> str:
    first, more = faults[0], len(faults) - 1
    lines = [f"At {first.path or 'the top'}, write: {first.instead}"]
    if dialect.message is not None:
        lines.insert(0, f"{first.reason} (line {first.line}, column {first.column})")
    if more:
        there_are = "is one more fault" if more == 1 else f"are {more} more faults"
        lines.append(f"There {there_are}; `faults` has all.")
    return "\n  ".join(lines)
