"""
The flow drawn with text: what leads where, and how much went there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from postroom.lab.wiring import (
    ARCHIVE,
    ATTENTION,
    BUS,
    COUNTER,
    DIGEST,
    LANES,
    OPERATOR,
    RULES,
    STORE,
    STREAM,
    TOPIC,
    dead,
)
from postroom.lab.words import counted

if TYPE_CHECKING:
    from postroom.lab.accounts import Result

WIDTH: Final = 100
"""Columns that it fits into."""
_RAIL: Final = 84
"""Where the functions' arrows meet on their way to the bus."""
_ASCII: Final = str.maketrans("─│├└┌┐┤┬┘▶▼", "-|+++++++>v")


def to_ascii(text: str) -> str:
    """
    The same line for terminals without such characters.

    >>> to_ascii("├── 3 ─▶")
    '+-- 3 ->'
    """
    return text.translate(_ASCII)


def picture(result: Result) -> Iterator[str]:
    """
    The lines of the picture.
    """
    counts = result.carried
    yield f"  {counted(len(result.accounts), 'event')}"
    yield "   │"
    yield "   ▼"
    yield f"  {TOPIC}"
    for number, lane in enumerate(LANES):
        queue, function = f"queue {lane.queue}", f"function {lane.function}"
        is_last = number == len(LANES) - 1
        line = f"   {'└' if is_last else '├'}{_arrow(counts.get((TOPIC, queue), 0))}{queue:<13} "
        line += f"{_arrow(counts.get((queue, function), 0))}{function:<24} {_count(counts.get((function, BUS), 0))}"
        yield f"{line:─<{_RAIL}}{'┤' if number else '┐'}"
        letters, again = counts.get((queue, f"queue {dead(lane.queue)}"), 0), counts.get((OPERATOR, queue), 0)
        if letters:
            line = f"   {' ' if is_last else '│'}            └{_arrow(letters)}queue {dead(lane.queue)}, "
            yield f"{line + f'{again:,} sent round again':<{_RAIL}}│"
    yield f"   ┌{'─' * (_RAIL - 4)}┘"
    yield "   ▼"
    yield f"  {BUS}"
    yield from _beyond(result, counts)


def _beyond(result: Result, counts: dict[tuple[str, str], int]) -> Iterator[str]:
    """
    From the bus to the far end.
    """
    width = max(len(rule) for rule, _ in RULES) + 2
    heads = {
        destination: f"{_count(counts.get((BUS, destination), 0))}─ {f'{rule} ':─<{width}}▶ {destination}"
        for rule, destination in RULES
    }
    stream = f"   ├{heads[STREAM]} "
    yield f"{stream}┬{_arrow(counts.get((STREAM, COUNTER), 0))}{COUNTER}"
    objects = counted(counts.get((ARCHIVE, STORE), 0), "object")
    yield f"{'   │':<{len(stream)}}└{_arrow(counts.get((STREAM, ARCHIVE), 0))}{ARCHIVE}, {objects}"
    for mark, queue in (("├", DIGEST), ("└", ATTENTION)):
        yield f"   {mark}{heads[queue]}, {counts.get((queue, OPERATOR), 0):,} read after the day"
    yield f"  {counted(result.figures['counted'], 'event')} counted by {COUNTER}"


def _count(count: int) -> str:
    return f"── {count:>5,} "


def _arrow(count: int) -> str:
    return f"── {count:>5,} ─▶ "
