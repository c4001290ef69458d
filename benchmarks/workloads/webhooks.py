"""
W1: the real events that come with postroom, as a bus hands them out, and rules drawn from what is in them.

An event has 8 KB at the median, with hundreds of fields, and names in keys that only its kind of event has.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from benchmarks.workloads import MIX, Drawn, like_number, like_shape, like_text, nested
from postroom.lab.events import bundled

if TYPE_CHECKING:
    from collections.abc import Iterator

RARE_EVENTS_MAX: Final = 4
"""A rare value is in no more events than that."""
DEPTH_NEAR_MAX: Final = 3
"""A field near the root has no more keys above it and its own than that."""
UNIQUE: Final = ("id", "sha", "_at", "email", "after", "before", "timestamp", "number", "ref")
"""What keys end in whose values are unique in real events."""


class Leaf(NamedTuple):
    """
    A value of an event, and the keys that lead to it; arrays add none.
    """

    keys: tuple[str, ...]
    value: Any


class Known(NamedTuple):
    """
    An event, and what rules may be drawn from.
    """

    event: dict[str, Any]
    rare: list[Leaf]
    near: list[Leaf]


@cache
def known() -> list[Known]:
    """
    All 329 events.
    """
    all_events = [_enveloped(json.loads(event.body), number) for number, event in enumerate(bundled().events)]
    leaves = [list(dict.fromkeys(_leaves(event["detail"], ("detail",)))) for event in all_events]
    counts = Counter((leaf.keys, type(leaf.value), leaf.value) for some in leaves for leaf in some)
    found = []
    for event, some in zip(all_events, leaves, strict=True):
        rare = [leaf for leaf in some if counts[leaf.keys, type(leaf.value), leaf.value] <= RARE_EVENTS_MAX]
        found.append(Known(event, rare, [leaf for leaf in some if len(leaf.keys) <= DEPTH_NEAR_MAX]))
    return found


def _enveloped(sent: dict[str, Any], number: int) -> dict[str, Any]:
    return {
        "version": "0",
        "id": f"6a7e8feb-b491-4cf7-a9f1-{number:012}",
        "detail-type": sent["detail-type"],
        "source": sent["source"],
        "account": "123456789012",
        "time": f"2024-05-31T12:{number // 60:02}:{number % 60:02}Z",
        "region": "us-east-1",
        "resources": [],
        "detail": sent["detail"],
    }


def _leaves(value: Any, keys: tuple[str, ...]) -> Iterator[Leaf]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*keys, key))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, keys)
    elif not isinstance(value, str) or 2 <= len(value) <= 120:
        yield Leaf(keys, value)


def events(count: int, seed: int = 1, *, fresh: bool = False) -> list[dict[str, Any]]:
    """
    The events in random order, over and over.

    Those that are *fresh* are copies in which the values at keys of `UNIQUE` are in no other event.
    """
    draw = random.Random(f"webhooks {seed}")
    found: list[dict[str, Any]] = []
    while len(found) < count:
        found += draw.sample([one.event for one in known()], len(known()))
    if not fresh:
        return found[:count]
    return [_renewed(event, _Unique(f"{seed}{number:07}")) for number, event in enumerate(found[:count])]


class _Unique:
    """
    Makes values that no other event has.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.number = int(text) * 1_000

    def of(self, value: Any) -> Any:
        """
        A value of the same kind.
        """
        self.number += 1
        if isinstance(value, str):
            return f"{value[:-12]}{self.number:012}"
        return self.number if isinstance(value, int) and not isinstance(value, bool) else value


def _renewed(value: Any, unique: _Unique, key: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _renewed(inner, unique, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renewed(inner, unique, key) for inner in value]
    return unique.of(value) if key == "time" or key.endswith(UNIQUE) else value


def rules(count: int, seed: int = 1) -> dict[str, dict[str, Any]]:
    """
    Each rule is drawn from the values of an event.

    The source in half of them, the detail type in 80% (with others, up to three), nearly always a rare value or what it is
    like, and up to three more fields near the root, with operators as in `MIX`. 3% have an ``$or``.
    """
    draw = random.Random(f"webhook rules {seed}")
    kinds = sorted({one.event["detail-type"] for one in known()})
    return {f"rule-{number}": _rule(draw, kinds) for number in range(count)}


def _rule(draw: random.Random, kinds: list[str]) -> dict[str, Any]:
    one = draw.choice(known())
    found: dict[tuple[str, ...], list[Any]] = {}
    if draw.random() < 0.5:
        found["source",] = [one.event["source"]]
    if draw.random() < 0.8:
        found["detail-type",] = list(dict.fromkeys([one.event["detail-type"], *draw.sample(kinds, draw.randint(0, 2))]))
    if draw.random() < 0.97:
        _add_rare(found, one.rare, draw)
    for _ in range(draw.randint(0, 3)):
        _add(found, one.near, FURTHER, draw)
    while not found:
        _add(found, one.near, NARROWING, draw)  # every event has fields near the root
    pattern = nested([Drawn(keys, wanted) for keys, wanted in found.items()])
    if draw.random() < 0.03:
        branches: list[dict[str, Any]] = []
        for other in (one, draw.choice(known())):
            branch: dict[tuple[str, ...], list[Any]] = {}
            _add_rare(branch, other.rare, draw)
            branches.append(nested([Drawn(keys, wanted) for keys, wanted in branch.items()]))
        if all(branches):
            pattern["$or"] = branches
    return pattern


NARROWING: Final = {operator: share for operator, share in MIX.items() if operator != "not"}
FURTHER: Final = MIX | {"not": 17}
"""So that with one narrowing condition for each one and a half of these, a tenth of all are negative."""


def _add_rare(found: dict[tuple[str, ...], list[Any]], leaves: list[Leaf], draw: random.Random) -> None:
    """
    Adds a condition that hardly any other event satisfies: if it does not work out, another try.
    """
    for _ in range(5):
        if _add(found, leaves, NARROWING, draw, rare=True):
            break


def _add(
    found: dict[tuple[str, ...], list[Any]],
    leaves: list[Leaf],
    mix: dict[str, int],
    draw: random.Random,
    *,
    rare: bool = False,
) -> bool:
    """
    Adds one condition that one of the leaves satisfies, if there is one that suits the operator.
    """
    [operator] = draw.choices(list(mix), list(mix.values()))
    suited = [leaf for leaf in leaves if leaf.keys not in found and _suits(leaf.value, operator)]
    if not suited:
        return False
    keys, value = draw.choice(suited)
    # No key may lead to a list and to an object: some keys lead to a value in one element of an array, further in another.
    if any(keys[: len(other)] == other or other[: len(keys)] == keys for other in found):
        return False
    match operator:
        case "exact":
            found[keys] = [value]
        case "text":
            found[keys] = like_text(value, draw)
        case "numeric" if rare:
            found[keys] = [{"numeric": [">=", value, "<", value + 1]}]
        case "numeric":
            found[keys] = like_number(value, draw)
        case "wildcard":
            found[keys] = like_shape(value, draw)
        case _ if isinstance(value, str) and draw.random() < 0.6:
            found[keys] = [{"anything-but": [f"not {value}", value[:-1]]}]
        case _:
            found[keys] = [{"exists": True}] if draw.random() < 0.5 else [{"exists": False}, value]
    return True


def _suits(value: Any, operator: str) -> bool:
    match operator:
        case "numeric":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "text" | "wildcard":
            # No 40 zeros either: a wildcard of them is too complex for a pattern.
            letters = set(value) if isinstance(value, str) else set()
            return len(letters) >= 4 and value.isascii() and not {"*", "\\"} & letters
        case _:
            return True
