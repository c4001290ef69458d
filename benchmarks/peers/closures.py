"""
A loop over closures: an event is flattened once into its values by path, and each rule is a closure that looks there.

No more than that, but carefully: one set for all plain strings of a list, no call that could be avoided, whatever can be
found out of a pattern found out before. Where an event has objects in arrays, and a rule looks at more than one field of
them, the closures only say what cannot match; the plain matcher says what does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from postroom.patterns import Leaves, Pattern, _naive, flatten
from postroom.patterns import _operators as operators

Test: TypeAlias = Callable[[Any], bool]
Check: TypeAlias = Callable[[dict[str, list[Any]]], bool]


class Flat(NamedTuple):
    """
    An event as closures want it.
    """

    values: dict[str, list[Any]]
    in_objects: set[str]
    """Paths of values that are in objects in arrays."""
    event: Mapping[str, Any]


def flat(event: Mapping[str, Any]) -> Flat:
    """
    All values of an event, by path.

    >>> flat({"a": {"b": [1, {"c": 2}]}})[:2]
    ({'a.b': [1], 'a.b.c': [2]}, {'a.b.c'})
    """
    values: dict[str, list[Any]] = {}
    in_objects: set[str] = set()
    _fill(event, "", values, in_objects, inside=False)
    return Flat(values, in_objects, event)


def _fill(
    node: Mapping[str, Any], above: str, values: dict[str, list[Any]], in_objects: set[str], *, inside: bool
) -> None:
    for key, value in node.items():
        path = above + key
        if isinstance(value, dict):
            _fill(value, path + ".", values, in_objects, inside=inside)
        elif isinstance(value, list):
            _fill_array(value, path, values, in_objects, inside=inside)
        else:
            values.setdefault(path, []).append(value)
            if inside:
                in_objects.add(path)


def _fill_array(
    array: list[Any], path: str, values: dict[str, list[Any]], in_objects: set[str], *, inside: bool
) -> None:
    for element in array:
        if isinstance(element, dict):
            _fill(element, path + ".", values, in_objects, inside=True)
        elif isinstance(element, list):
            in_objects.add(path)
            _fill_array(element, path, values, in_objects, inside=True)
        else:
            values.setdefault(path, []).append(element)
            if inside:
                in_objects.add(path)


class Closures:
    """
    One pattern.
    """

    def __init__(self, pattern: Pattern) -> None:
        self.pattern = pattern
        self.alternatives = [_Alternative.of(conjunction) for conjunction in pattern.conjunctions]

    def matches(self, event: Mapping[str, Any]) -> bool:
        """
        Whether an event matches.
        """
        return self.matches_flat(flat(event), [])

    def matches_flat(self, event: Flat, leaves: list[Leaves]) -> bool:
        """
        The same, for an event flattened before; *leaves* is empty, or holds what the plain matcher needs of it.
        """
        values, in_objects, _ = event
        for checks, paths, may_be_absent in self.alternatives:
            if in_objects and len(paths & in_objects) > 1:
                if may_be_absent or all(check(values) for check in checks):
                    if not leaves:
                        leaves.append(flatten(event.event))
                    if _naive.matches(self.pattern.conjunctions, leaves[0]):
                        return True
            else:
                for check in checks:
                    if not check(values):
                        break
                else:
                    return True
        return False


class _Alternative(NamedTuple):
    checks: list[Check]
    paths: frozenset[str]
    may_be_absent: bool

    @classmethod
    def of(cls, conjunction: tuple[Any, ...]) -> _Alternative:
        return cls(
            [_check(condition.path, condition.wanted) for condition in conjunction],
            frozenset(condition.path for condition in conjunction),
            any(condition.may_be_absent for condition in conjunction),
        )


class ClosureLoop:
    """
    All rules of a set, asked one after the other.
    """

    def __init__(self, patterns: Mapping[str, Pattern]) -> None:
        self.rules = [(name, Closures(pattern).matches_flat) for name, pattern in patterns.items()]

    def match(self, event: Mapping[str, Any]) -> frozenset[str]:
        """
        The names of the rules that match.
        """
        flattened = flat(event)
        leaves: list[Leaves] = []
        return frozenset([name for name, matches in self.rules if matches(flattened, leaves)])


def _check(path: str, wanted: tuple[Any, ...]) -> Check:
    if any(isinstance(entry, operators.Absent) for entry in wanted):
        others = tuple(entry for entry in wanted if not isinstance(entry, operators.Absent))
        if not others:
            return lambda values: path not in values
        here = _check(path, others)
        return lambda values: path not in values or here(values)
    texts = frozenset(entry.value for entry in wanted if _is_text(entry))
    tests = [_test(entry) for entry in wanted if not _is_text(entry)]
    if not tests:
        return lambda values: not texts.isdisjoint(values.get(path, ()))
    if len(tests) == 1 and not texts:
        [test] = tests

        def one(values: dict[str, list[Any]]) -> bool:
            for value in values.get(path, ()):  # noqa: SIM110 - a generator would cost twice as much
                if test(value):
                    return True
            return False

        return one

    def some(values: dict[str, list[Any]]) -> bool:
        return any(value in texts or any(test(value) for test in tests) for value in values.get(path, ()))

    return some


def _is_text(entry: object) -> bool:
    return isinstance(entry, operators.Exactly) and isinstance(entry.value, str)


def _test(entry: Any) -> Test:
    match entry:
        case operators.Exactly(value=wanted):
            return lambda value: value is wanted
        case operators.Number(value=number) if number is not None:
            return lambda value: value == number and value is not True and value is not False
        case operators.Prefix(text=text, ignore_case=False):
            return lambda value: isinstance(value, str) and value.startswith(text)
        case operators.Suffix(text=text, ignore_case=False):
            return lambda value: isinstance(value, str) and value.endswith(text)
        case operators.EqualsIgnoreCase(text=text) if text.isascii():
            lower = text.lower()
            return lambda value: isinstance(value, str) and value.isascii() and value.lower() == lower
        case operators.Wildcard(fragments=fragments):
            full = re.compile(".*".join(map(re.escape, fragments)), re.DOTALL).fullmatch
            return lambda value: isinstance(value, str) and full(value) is not None
        case operators.AnythingBut(entries=entries) if all(_is_text(inner) for inner in entries):
            refused = frozenset(inner.value for inner in entries if isinstance(inner, operators.Exactly))
            return lambda value: value not in refused
        case operators.Numeric(low=low, high=high, has_low=has_low, has_high=has_high):
            return _range(
                float("-inf") if low is None else low, float("inf") if high is None else high, has_low, has_high
            )
        case operators.Present():
            return lambda _value: True
        case _:
            test: Test = entry.wants
            return test


def _range(low: float, high: float, has_low: bool, has_high: bool) -> Test:
    # Integers that no double holds are no numbers here (PAT 3), which none of the events has.
    def within(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return (low < value < high) or (has_low and value == low) or (has_high and value == high)

    return within
