"""
Patterns and events by the dice: the vocabulary of `strategies`, a hundred times as fast, for runs of many thousands.

What Hypothesis finds it can make small; what these find comes with its seed: ``case(seed)``.
"""

from __future__ import annotations

from random import Random
from typing import Any

from postroom.errors import InvalidEventPattern
from postroom.patterns import Pattern, Repeated, WrittenNumber, read_event
from tests.patterns.strategies import ADDRESSES, CIDRS, KEYS, NUMBERS, ODD_KEYS, STRINGS, WILDCARDS, WRITTEN, to_text


def case(seed: int) -> tuple[str, dict[str, Any]]:
    """
    A pattern and an event that was made to fit it in part.
    """
    dice = Random(seed)
    while True:
        pattern = _object(dice, 0)
        try:
            Pattern(to_text(pattern))
        except InvalidEventPattern:
            continue  # wildcards that are too complex together
        else:
            return to_text(pattern), read_event(to_text(_shaped(dice, pattern)))


def _key(dice: Random, *, odd: float = 0.1) -> str:
    return dice.choice(ODD_KEYS[:-1] if dice.random() < odd else KEYS)


def _object(dice: Random, depth: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for _ in range(dice.choice([1, 1, 2, 2, 3])):
        inner = _object(dice, depth + 1) if depth < 2 and dice.random() < 0.3 else _list(dice)
        key = _key(dice)
        made[key] = Repeated([made[key], inner]) if key in made and not isinstance(made[key], Repeated) else inner
    if depth < 2 and dice.random() < 0.2:
        made["$or"] = [_object(dice, depth + 1) for _ in range(dice.choice([2, 2, 3]))]
        if dice.random() < 0.3:
            made[_key(dice)] = _list(dice)
    return made


def _list(dice: Random) -> list[Any]:
    return [_entry(dice) for _ in range(dice.choice([1, 1, 1, 2, 3]))]


def _scalar(dice: Random) -> Any:
    kind = dice.random()
    if kind < 0.5:
        return dice.choice(STRINGS)
    if kind < 0.6:
        return dice.choice(ADDRESSES)
    if kind < 0.8:
        return dice.choice(NUMBERS)
    return dice.choice([True, False, None]) if kind < 0.95 else WrittenNumber(dice.choice(WRITTEN))


def _one_or_list(dice: Random, choices: Any) -> Any:
    if dice.random() < 0.5:
        return dice.choice(choices)
    return [dice.choice(choices) for _ in range(dice.choice([1, 2, 3]))]


def _entry(dice: Random) -> Any:
    name = dice.choice(
        ["exactly", "exists", "exists", "prefix", "suffix", "equals-ignore-case", "wildcard", "cidr", "numeric"]
        + ["anything-but"] * 2
        + [""] * 6
    )
    text = dice.choice(STRINGS)
    if name == "":
        return _scalar(dice)
    if name == "exists":
        return {name: dice.random() < 0.5}
    if name in {"prefix", "suffix"}:
        return {name: text if dice.random() < 0.6 else {"equals-ignore-case": text}}
    if name == "wildcard":
        return {name: dice.choice(WILDCARDS)}
    if name == "cidr":
        return {name: dice.choice(CIDRS)}
    if name == "numeric":
        low, high = sorted(dice.sample([-1, 0, 1, 5, 5.5, 6], 2))
        if dice.random() < 0.5:
            return {name: [dice.choice([">", ">="]), low, dice.choice(["<", "<="]), high]}
        return {name: [dice.choice(["=", "<", "<=", ">", ">="]), low]}
    return {name: _excluded(dice)} if name == "anything-but" else {name: text}


def _excluded(dice: Random) -> Any:
    kind = dice.random()
    if kind < 0.4:
        return _one_or_list(dice, STRINGS)
    if kind < 0.6:
        return _one_or_list(dice, NUMBERS)
    name = dice.choice(["prefix", "suffix", "equals-ignore-case", "wildcard"])
    return {name: _one_or_list(dice, WILDCARDS if name == "wildcard" else [text for text in STRINGS if text])}


def _shaped(dice: Random, pattern: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, wanted in _members(pattern):
        if dice.random() < 0.1:
            continue
        value = _fitting(dice, wanted)
        made[key] = Repeated([made[key], value]) if key in made and dice.random() < 0.2 else value
    if dice.random() < 0.2:
        made[_key(dice, odd=0.5)] = _value(dice, 0)
    return made


def _members(pattern: dict[str, Any]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, inner in pattern.items():
        if key == "$or":
            found += [member for branch in inner for member in _members(branch)]
        else:
            found += [(key, one) for one in (inner if isinstance(inner, Repeated) else [inner])]
    return found


def _fitting(dice: Random, wanted: Any) -> Any:
    kind = dice.random()
    if isinstance(wanted, dict):
        if kind < 0.4:
            return _shaped(dice, wanted)
        several = [_shaped(dice, wanted) for _ in range(dice.choice([1, 2, 3]))]
        return several if kind < 0.85 else [several, [_shaped(dice, wanted)]]
    one = _witness(dice, dice.choice(wanted))
    if kind < 0.6:
        return one
    if kind < 0.8:
        return [one, _scalar(dice)]
    return _value(dice, 0) if kind < 0.95 else [[one]]


def _witness(dice: Random, entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    [(name, operand)] = entry.items()
    while isinstance(operand, dict | list) and name != "numeric":
        operand = next(iter(operand.values())) if isinstance(operand, dict) else dice.choice(operand)
    if name == "numeric":
        return operand[1] + dice.choice([0, 0.25, -0.25])
    if name == "cidr":
        return "2001:db8::1" if ":" in operand else "10.0.0.1"
    if name == "wildcard":
        return operand.replace("\\*", "*")
    if name == "anything-but" and dice.random() < 0.7:
        return "z"
    return [] if operand is False else operand


def _value(dice: Random, depth: int) -> Any:
    kind = dice.random()
    if depth > 2 or kind < 0.5:
        return _scalar(dice)
    if kind < 0.75:
        return [_value(dice, depth + 1) for _ in range(dice.randrange(4))]
    return {_key(dice, odd=0.3): _value(dice, depth + 1) for _ in range(dice.randrange(4))}
