"""
An event bus: put, match and deliver, by rules; the floor is the JSON of the event and one `send_message`.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.runner import Case
from postroom import EventBus, ManualClock, Pattern, Queue

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCES = 20


class Desk:
    """
    A bus with so many rules, one of which takes each event.
    """

    def __init__(self, rules: int) -> None:
        clock = ManualClock()
        self.bus = EventBus("bench", clock=clock, seed=1)
        self.queue = Queue("bench", clock=clock, seed=1)
        texts = [{"source": ["shop"], "detail": {"kind": [f"kind-{number}"]}} for number in range(rules)]
        for number, text in enumerate(texts):
            rule = self.bus.put_rule(f"rule-{number}", text)
            if number == 0:
                rule.put_target(self.queue)
        self.patterns = [Pattern(text) for text in texts]


def desk_of(rules: int, _: int) -> Desk:
    return Desk(rules)


DETAIL = {"kind": "kind-0", "id": 17, "customer": {"name": "c", "tags": ["a", "b"]}, "total": 12.5}


def put(count: int, desk: Desk) -> int:
    call = desk.bus.put_event
    for _ in range(count):
        call(source="shop", detail_type="order", detail=DETAIL)
    return len(desk.queue)


def match_only(count: int, desk: Desk) -> int:
    event = {"source": "shop", "detail-type": "order", "detail": DETAIL}
    return sum(sum(pattern.matches(event) for pattern in desk.patterns) for _ in range(count))


def floor(count: int, desk: Desk) -> int:
    for _ in range(count):
        desk.queue.send_message(json.dumps({"source": "shop", "detail-type": "order", "detail": DETAIL}))
    return len(desk.queue)


def cases(quick: bool) -> Iterator[Case]:
    for rules in (1, 10, 100, 300):
        count = max(10, (1_000 if quick else 5_000) // rules)
        yield Case(
            name="put, match and deliver, by rules",
            subjects={"put_event": partial(put, count), "each pattern by itself": partial(match_only, count)},
            floors={"JSON and send_message": partial(floor, count)},
            reference="put_event",
            size=rules,
            operations=count,
            prepare=partial(desk_of, rules),
        )
    for count in (100, 1_000) if quick else (100, 1_000, 10_000, 100_000):
        yield Case(
            name="put, match and deliver, by events",
            subjects={"put_event": partial(put, count)},
            floors={"JSON and send_message": partial(floor, count)},
            reference="JSON and send_message",
            size=count,
            operations=count,
            prepare=partial(desk_of, 10),
            rounds=2 if count > 10_000 else None,
        )
