"""
An event bus: put, match and deliver, with few rules and many, beside what cannot be done without.

One rule of many wants the event, as is usual, and its target is a queue. The floor makes the JSON that goes to the queue,
finds the queue in a dict, and appends. *matching* is what the bus does for that alone: the share of it in a put.
"""

from __future__ import annotations

import json
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from benchmarks.runner import Case
from postroom import EventBus, ManualClock, Pattern, Queue, RuleSet, limits

if TYPE_CHECKING:
    from collections.abc import Iterator

DETAIL: Final[dict[str, Any]] = {
    "order": "o-4711",
    "customer": {"id": "c-42", "country": "NL"},
    "items": [{"item": "tea", "count": 2}, {"item": "cake", "count": 1}],
    "total": 12.5,
    "paid": True,
}
FIELDS: Final = {"source": "shop", "detail-type": "order.7", "detail": DETAIL}


class Made(NamedTuple):
    """
    What the subjects work with.
    """

    bus: EventBus
    queue: Queue
    rules: RuleSet
    places: dict[str, deque[str]]


def wanted(number: int) -> dict[str, Any]:
    return {"source": ["shop"], "detail-type": [f"order.{number}"], "detail": {"customer": {"country": ["NL", "BE"]}}}


def made(rules: int, _: int = 0, *, before: int = 0) -> Made:
    clock = ManualClock()
    bus, queue = EventBus("shop", clock=clock, seed=1), Queue("orders", clock=clock, seed=1)
    allowed = limits.RULES_PER_BUS_MAX
    limits.RULES_PER_BUS_MAX = rules  # type: ignore[misc]  # more than AWS allows, to see how it grows
    patterns = {f"rule-{number}": Pattern(wanted(7 + number)) for number in range(rules)}
    for name, pattern in patterns.items():
        bus.put_rule(name, pattern).put_target(queue)
    limits.RULES_PER_BUS_MAX = allowed  # type: ignore[misc]
    filled = Made(bus, queue, RuleSet(patterns), {f"order.{7 + number}": deque() for number in range(rules)})
    ours(filled, before)
    return filled


def ours(given: Made, count: int) -> int:
    put = given.bus.put_event
    before = len(given.queue)
    for _ in range(count):
        put(source="shop", detail_type="order.7", detail=DETAIL)
    return len(given.queue) - before


def ours_in_tens(given: Made, count: int) -> int:
    entries = [{"source": "shop", "detail_type": "order.7", "detail": DETAIL}] * 10
    before = len(given.queue)
    for _ in range(count // 10):
        given.bus.put_events(entries)
    return len(given.queue) - before


def matching(given: Made, count: int) -> int:
    found = 0
    match = given.rules.match
    for _ in range(count):
        found += len(match(FIELDS))
    return found


def floor(given: Made, count: int) -> int:
    places = given.places
    for _ in range(count):
        envelope = {
            "version": "0",
            "id": "00000000-0000-4000-8000-000000000000",
            "account": "123456789012",
            "time": "2024-01-01T00:00:00Z",
            "region": "us-east-1",
            "resources": [],
            **FIELDS,
        }
        place = places.get("order.7")
        if place is not None:
            place.append(json.dumps(envelope, separators=(",", ":")))
    return count


def cases(quick: bool) -> Iterator[Case]:
    for rules in (1, 10) if quick else (1, 10, 100, 1_000):
        count = 50 if quick else 100 if rules == 1_000 else 1_000
        yield Case(
            name="put, match, deliver; rules:",
            size=rules,
            operations=count,
            prepare=partial(made, rules),
            subjects={
                "EventBus": partial(_first, ours, count),
                "EventBus, in tens": partial(_first, ours_in_tens, count),
                "matching alone": partial(_first, matching, count),
            },
            floors={"floor": partial(_first, floor, count)},
            reference="floor",
        )
    few = 50 if quick else 1_000
    for before in (100, 1_000) if quick else (100, 1_000, 10_000, 100_000):
        yield Case(
            name="put with 10 rules; events put before:",
            size=before,
            operations=few,
            prepare=partial(made, 10, before=before),
            subjects={"EventBus": partial(_first, ours, few)},
            floors={"floor": partial(_first, floor, few)},
            reference="floor",
            rounds=3,
        )


def _first(work: Any, count: int, given: Made) -> int:
    return int(work(given, count))
