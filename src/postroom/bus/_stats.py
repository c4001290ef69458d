"""
What a bus tells about itself: its figures, and what became of one event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from postroom.bus._core import Fate
    from postroom.delivery import Round, Route


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


_WORDS: Final = {
    "delivered": "delivered to",
    "retrying": "tried again later:",
    "dead-lettered": "dead-lettered:",
    "dropped": "dropped:",
    "under way": "on its way to",
}


def explain(fate: Fate) -> str:
    """
    What became of an event, in a sentence.
    """
    names = list(dict.fromkeys(fate.rules))
    if not names:
        return "matched no rule"
    by_word: dict[str, list[str]] = {}
    for one, routes in fate.rounds:
        for number, route in enumerate(routes):
            became = _became(one, number, route)
            place = f" (in {route.dead_letter_queue})" if became == "dead-lettered" else ""
            by_word.setdefault(became, []).append(f"{route.shown}{place}")
    told = [f"{word} {', '.join(by_word[became])}" for became, word in _WORDS.items() if became in by_word]
    matched = f"matched rule{'s' if len(names) > 1 else ''} {', '.join(names)}"
    return "; ".join([matched, *(told or ["no targets"])])


def _became(one: Round, number: int, route: Route) -> str:
    trouble = (one.troubles or {}).get(route)
    return trouble or ("delivered" if number < one.next else "under way")
