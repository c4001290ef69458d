"""
What a bus tells about itself: its figures, and what became of one event.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from postroom.bus._core import UNDER_WAY

if TYPE_CHECKING:
    from postroom.bus._core import Fate
    from postroom.bus._targets import TargetRoute


class BusStats(NamedTuple):
    """
    What went through a bus.

    >>> from postroom import EventBus, ManualClock
    >>> EventBus(clock=ManualClock()).stats().put
    0
    """

    rules: int
    """Rules that it has, disabled ones included."""
    put: int
    """Events that it took, forwarded ones included."""
    matched: int
    """Of these, those that at least one rule matched (MatchedEvents)."""
    delivered: int
    """Deliveries that a target took."""
    refused: int
    """Attempts that failed."""
    dead_lettered: int
    """Events that went to a dead-letter queue (InvocationsSentToDlq)."""
    dropped: int
    """Deliveries that were given up, with no dead-letter queue to go to, or one that refused them."""
    retrying: int
    """Deliveries that wait for their next attempt."""

    def to_dict(self) -> dict[str, int]:
        """
        As a plain dict.

        >>> from postroom import EventBus, ManualClock
        >>> EventBus(clock=ManualClock()).stats().to_dict()["rules"]
        0
        """
        return self._asdict()


def explain(fate: Fate, retrying: Collection[TargetRoute]) -> str:
    """
    What became of an event, in a sentence.
    """
    if not fate.rules:
        return "matched no rule"
    names = list(dict.fromkeys(fate.rules))
    said = [f"matched rule{'s' if len(names) > 1 else ''} {', '.join(names)}"]
    by_word: dict[str, list[str]] = {}
    for route, mark in list(fate.marks.items()):
        word, shown = _told(route, mark, waits=route in retrying)
        by_word.setdefault(word, []).append(shown)
    said += [f"{word} {', '.join(shown)}" for word, shown in by_word.items()]
    return "; ".join(said) if fate.marks else f"{said[0]}, which {'have' if len(names) > 1 else 'has'} no target"


def _told(route: TargetRoute, mark: str, *, waits: bool) -> tuple[str, str]:
    if mark == "dead-lettered":
        return "not delivered, and now a dead letter:", f"to {route.shown} (in {route.letters})"
    if mark != UNDER_WAY:
        return "delivered to", route.shown
    return ("waits for its next attempt:" if waits else "not delivered to"), route.shown
