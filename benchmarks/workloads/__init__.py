"""
Rules and events to match: real ones, made-up ones of a usual kind, and those that are hard on an engine.

Every module here has two functions. ``rules(count, seed)`` gives patterns by name. ``events(count, seed, fresh=...)`` gives
events as `json.loads` would: without *fresh* their values repeat, as those of most events do; with it, whatever is unique
in real events, such as ids, times, totals and e-mail addresses, is in no other event, of any other seed either. So what an
engine remembers of values does not help it. Equal arguments give equal results, and a smaller count gives the
first of what a larger one gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    Wanted = list[Any]
    Keys = tuple[str, ...]


class Workload(Protocol):
    """
    What a module here offers.
    """

    def rules(self, count: int, seed: int = 1) -> dict[str, dict[str, Any]]:
        """
        Patterns by name.
        """
        ...

    def events(self, count: int, seed: int = 1, *, fresh: bool = False) -> list[dict[str, Any]]:
        """
        Events.
        """
        ...


MIX: Final = {"exact": 60, "text": 15, "numeric": 10, "not": 10, "wildcard": 5}
"""Of a hundred conditions of real and of order events: how many use which operators."""


class Drawn(NamedTuple):
    """
    One condition: the keys that lead to it, and its list.
    """

    keys: Keys
    wanted: Wanted


def nested(conditions: Sequence[Drawn]) -> dict[str, Any]:
    """
    A pattern of conditions, no two of which have the same keys.

    >>> nested([Drawn(("a", "b"), [1]), Drawn(("a", "c"), [2])])
    {'a': {'b': [1], 'c': [2]}}
    """
    pattern: dict[str, Any] = {}
    for keys, wanted in conditions:
        *outer, last = keys
        inside = pattern
        for key in outer:
            inside = inside.setdefault(key, {})
        inside[last] = wanted
    return pattern


def like_text(text: str, draw: random.Random) -> Wanted:
    """
    A prefix, a suffix, or the text in other letters: what wants *text* and not much else.
    """
    operator = draw.choice(["prefix", "suffix", "equals-ignore-case"])
    if operator == "equals-ignore-case":
        return [{operator: text.swapcase()}]
    kept = max(1, len(text) * draw.randint(5, 9) // 10)
    return [{operator: text[:kept] if operator == "prefix" else text[-kept:]}]


def like_shape(text: str, draw: random.Random) -> Wanted:
    """
    A wildcard that *text* fits: the middle is left out, or both ends.
    """
    first, second = len(text) // 3, len(text) - len(text) // 3
    inside = draw.random() < 0.5
    shape = f"{text[:first]}*{text[second:]}" if inside else f"*{text[first:second]}*"
    return [{"wildcard": shape}]


def like_number(number: float, draw: random.Random) -> Wanted:
    """
    A bound, or two, that *number* is within.
    """
    below, above = round(number - abs(number) / 8 - 1, 2), round(number + abs(number) / 8 + 1, 2)
    return [{"numeric": draw.choice([[">=", below], ["<", above], [">", below, "<=", above]])}]
