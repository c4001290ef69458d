"""
W3: what is hard on an engine. Wildcards only, anything-but only, ranges only, and large arrays of objects.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

LETTERS: Final = "abcdefgh"
FIELDS: Final = ("red", "green", "blue")
COLOURS: Final = {field: [f"{field}-{number}" for number in range(50)] for field in FIELDS}
WAREHOUSES: Final = [f"warehouse-{letter}" for letter in "ABCDEFGHIJKL"]
SKUS: Final = [f"SKU-{number:03}" for number in range(200)]
STATES: Final = ["ordered", "picked", "packed", "missing"]
ITEMS: Final = 100


class Made(NamedTuple):
    """
    A workload whose rules and events are drawn one by one.
    """

    name: str
    rule: Callable[[random.Random], dict[str, Any]]
    event: Callable[[random.Random, str], dict[str, Any]]

    def rules(self, count: int, seed: int = 1) -> dict[str, dict[str, Any]]:
        """
        Patterns by name.
        """
        draw = random.Random(f"{self.name} rules {seed}")
        return {f"rule-{number}": {"detail": self.rule(draw)} for number in range(count)}

    def events(self, count: int, seed: int = 1, *, fresh: bool = False) -> list[dict[str, Any]]:
        """
        Events.
        """
        draw = random.Random(f"{self.name} {seed} {fresh}")
        return [
            {
                "id": f"{self.name} {seed} {number}" if fresh else self.name,
                "source": "worst",
                "detail": self.event(draw, f"{seed}{number:07}" if fresh else ""),
            }
            for number in range(count)
        ]


def _wildcard_rule(draw: random.Random) -> dict[str, Any]:
    fragments = ["".join(draw.choices(LETTERS, k=draw.randint(3, 5))) for _ in range(draw.randint(1, 2))]
    return {"path": [{"wildcard": f"*{'*'.join(fragments)}*"}]}


def _wildcard_event(draw: random.Random, _unique: str) -> dict[str, Any]:
    return {"path": "".join(draw.choices(LETTERS, k=60))}  # of 8 ** 60: none is drawn twice


def _anything_but_rule(draw: random.Random) -> dict[str, Any]:
    return {field: [{"anything-but": draw.sample(COLOURS[field], draw.randint(20, 45))}] for field in FIELDS}


def _anything_but_event(draw: random.Random, unique: str) -> dict[str, Any]:
    event = {field: draw.choice(COLOURS[field]) for field in FIELDS}
    if unique and draw.random() < 0.5:
        event[draw.choice(FIELDS)] += unique  # nobody names it, so everybody takes it
    return event


def _numeric_rule(draw: random.Random) -> dict[str, Any]:
    found = {}
    for field in FIELDS:
        low, width = round(draw.uniform(0, 900), 2), round(draw.uniform(20, 300), 2)
        operators = (draw.choice([">", ">="]), draw.choice(["<", "<="]))
        found[field] = [{"numeric": [operators[0], low, operators[1], round(low + width, 2)]}]
    return found


def _numeric_event(draw: random.Random, unique: str) -> dict[str, Any]:
    return {field: float(f"{draw.uniform(0, 1_000):.2f}{unique[-8:]}") for field in FIELDS}


def _array_rule(draw: random.Random) -> dict[str, Any]:
    wanted: dict[str, list[Any]] = {
        "sku": draw.sample(SKUS, draw.randint(1, 3)),
        "warehouse": [draw.choice(WAREHOUSES)],
        "state": [draw.choice(STATES)],
        "count": [{"numeric": [">=", draw.randint(1, 20)]}],
        "price": [{"numeric": ["<", round(draw.uniform(1, 100), 2)]}],
    }
    return {"items": {field: wanted[field] for field in draw.sample(list(wanted), draw.randint(2, 4))}}


def _array_event(draw: random.Random, unique: str) -> dict[str, Any]:
    return {
        "items": [
            {
                "sku": draw.choice(SKUS),
                "warehouse": draw.choice(WAREHOUSES),
                "state": draw.choice(STATES),
                "count": draw.randint(1, 20),
                "price": float(
                    f"{draw.uniform(1, 100):.2f}{unique[-8:]}{number:02}" if unique else draw.randint(1, 100)
                ),
            }
            for number in range(ITEMS)
        ]
    }


WILDCARDS: Final = Made("wildcards", _wildcard_rule, _wildcard_event)
"""W3a: one field of 60 characters of eight letters; rules of one or two fragments of it, between stars."""

ANYTHING_BUT: Final = Made("anything-but", _anything_but_rule, _anything_but_event)
"""W3b: three fields of 50 values each; rules that want all but 20 to 45 of each."""

RANGES: Final = Made("ranges", _numeric_rule, _numeric_event)
"""W3c: three numbers; rules that want each within a range."""

ARRAYS: Final = Made("arrays", _array_rule, _array_event)
"""W3d: an array of a hundred objects of five fields; rules that want two to four fields of one object."""
