"""
When events arrive, and which of them are poison: what the demo settles before it plays, from the seed alone.

Events that all have a ``time``, within one day of one another, arrive at their times. Otherwise each arrives at an
instant of the day that is drawn from the seed, as from senders who know nothing of one another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from postroom.clock import ManualClock
from postroom.limits import SECOND_US

if TYPE_CHECKING:
    from postroom.lab.events import Event

DAY_US: Final = 86_400 * SECOND_US
"""The span over which events arrive."""

_POISON_SHARE_MAX: Final = 10
"""One in so many events may be poison, if there is a kind that rare."""


class Arrivals(NamedTuple):
    """
    Who arrives when.
    """

    events: Sequence[Event]
    """All, in the order of the input."""
    start_us: int
    """When the day begins, in microseconds since the epoch; on a `SystemClock` it begins when the demo does."""
    timetable: list[tuple[int, Event]]
    """Microseconds from the start of the day, and the event, in order."""
    by_time: bool
    """Whether events arrive at their own times."""


def arrivals(events: Sequence[Event], seed: int) -> Arrivals:
    r"""
    Settles when each event arrives.

    >>> from postroom.lab.events import read
    >>> line = '{"source": "shop", "detail-type": "order", "detail": {}, "time": "2025-05-05T10:0%d:00Z"}\n'
    >>> events = read(b"".join((line % minute).encode() for minute in (3, 1))).events
    >>> planned = arrivals(events, seed=0)
    >>> [(offset // 1_000_000, event.id) for offset, event in planned.timetable]
    [(36060, 'line-2'), (36180, 'line-1')]

    Args:
        events: At least one.
        seed: For those whose instants are drawn.
    """
    times = [event.time_us for event in events if event.time_us is not None]
    if len(times) == len(events) and max(times) - min(times) < DAY_US:
        midnight = min(times) // DAY_US * DAY_US
        start = midnight if max(times) < midnight + DAY_US else min(times)
        # Events of the same instant stay in the order of the input: sorting is stable.
        timed = sorted(((at - start, event) for at, event in zip(times, events, strict=True)), key=_offset)
        return Arrivals(events, start, timed, by_time=True)
    random = Random(f"{seed}/arrivals")
    drawn = sorted(((random.randrange(DAY_US), event) for event in events), key=_offset)
    return Arrivals(events, ManualClock().now_us(), drawn, by_time=False)


def _offset(arrival: tuple[int, Event]) -> int:
    return arrival[0]


def poison_kind(events: Sequence[Event], seed: int) -> str | None:
    """
    The kind that the handler cannot read at first: drawn from those of at most a tenth of the events.

    Without one so rare it is the rarest; None if all events are of one kind.

    >>> from postroom.lab.events import bundled
    >>> events = bundled().events
    >>> poison_kind(events, seed=0) == poison_kind(events, seed=0)
    True
    """
    counts = Counter(event.kind for event in events)
    if len(counts) < 2:
        return None
    rare = sorted(kind for kind, count in counts.items() if count * _POISON_SHARE_MAX <= len(events))
    if rare:
        return Random(f"{seed}/poison").choice(rare)
    return min(sorted(counts), key=counts.__getitem__)
