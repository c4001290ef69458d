"""
The plain matcher: that it means what the language says, and how many steps it takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from postroom import Pattern, RuleSet
from postroom.errors import EventTooComplex
from postroom.patterns import Leaf, Repeated, flatten
from postroom.patterns._naive import matches
from tests.patterns import strategies

if TYPE_CHECKING:
    from postroom.patterns._tree import Conjunction


def steps(pattern: Any, event: Any) -> int:
    """
    How many steps it takes, to the next power of two.
    """
    made, leaves = Pattern(pattern), flatten(event)
    steps_max = 1
    while True:
        try:
            matches(made.conjunctions, leaves, steps_max=steps_max)
        except EventTooComplex:
            steps_max *= 2
        else:
            return steps_max


# A second reading of the language: every choice of leaves is tried.


def leaves_of(value: Any, path: tuple[str, ...], where: dict[Any, int], place: tuple[Any, ...]) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves_of(inner, (*path, key), where, (*place, key))
    elif isinstance(value, Repeated):
        for at, inner in enumerate(value):
            yield from leaves_of(inner, path, where, (*place, "again", at))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            nests = isinstance(inner, dict | list)
            yield from leaves_of(inner, path, {**where, place: index} if nests else where, (*place, index))
    else:
        yield ".".join(path), value, where


def satisfied(conjunction: Conjunction, found: list[Any], chosen: dict[Any, int]) -> bool:
    if not conjunction:
        return True
    condition, *others = conjunction
    here = [
        (value, where)
        for path, value, where in found
        if path == condition.path and all(chosen.get(array, index) == index for array, index in where.items())
    ]
    if not here:
        return condition.may_be_absent and satisfied(tuple(others), found, chosen)
    return any(satisfied(tuple(others), found, {**chosen, **where}) for value, where in here if condition.wants(value))


@given(strategies.pairs(events_count=2))
def test_it_agrees_with_a_second_reading(pair: Any) -> None:
    text, *events = pair
    pattern = Pattern(text)
    for event in events:
        found = list(leaves_of(event, (), {}, ()))

        assert pattern.matches(event) == any(satisfied(one, found, {}) for one in pattern.conjunctions)


@given(strategies.events())
def test_an_event_matches_the_pattern_made_of_any_leaf(event: dict[str, Any]) -> None:
    for path, leaves in flatten(event).items():
        value = leaves[0].value

        assert Pattern({path: [value]}).matches(event)
        assert Pattern({path: [{"exists": True}]}).matches(event)
        assert not Pattern({path: [{"exists": False}]}).matches(event)


@given(strategies.pairs())
def test_what_the_pattern_does_not_look_at_does_not_matter(pair: Any) -> None:
    text, event = pair
    pattern = Pattern(text)

    assert (
        pattern.matches(event)
        == pattern.matches({**event, "elsewhere": [{"a": 1}]})
        == matches(pattern.conjunctions, flatten(event))
    )


@given(strategies.pattern_texts(), strategies.python_events())
def test_any_event_of_a_python_program_is_matched_or_not(text: str, event: dict[Any, Any]) -> None:
    assert Pattern(text).matches(event) in {True, False}


def test_leaves_of_any_origin_will_do() -> None:
    """
    What tells arrays apart may be anything.
    """
    both = Pattern({"a": {"b": [1], "c": [2]}}).conjunctions

    assert matches(both, {"a.b": [Leaf(1, {("a", 7): 3})], "a.c": [Leaf(2, {("a", 7): 3})]})
    assert not matches(both, {"a.b": [Leaf(1, {("a", 7): 3})], "a.c": [Leaf(2, {("a", 7): 4})]})


# Steps.

FOUR = {"a": {"w": [{"exists": True}], "x": [{"prefix": "x"}], "y": [{"anything-but": 5}], "z": ["never"]}}


@pytest.mark.parametrize("count", [100, 1_000])
def test_objects_in_an_array_cost_in_proportion(count: int) -> None:
    """
    Each fits in all but the last condition, or even that is only wanted of the last object.
    """
    objects = [{"w": at, "x": f"x{at}", "y": at % 4, "z": at} for at in range(count)]

    assert not Pattern(FOUR).matches({"a": objects})
    assert Pattern(FOUR).matches({"a": [*objects, {"w": 1, "x": "x", "y": 1, "z": "never"}]})
    assert steps(FOUR, {"a": [{**one, "z": "never"} for one in objects]}) <= 32 * count
    assert steps({"a": {"w": [{"exists": True}], "x": [{"exists": False}]}}, {"a": objects}) <= 16 * count


def test_arrays_that_were_left_do_not_multiply() -> None:
    """
    Ten arrays, a hundred objects each: choices in one do not matter for the next.
    """
    objects = [{"x": 1, "y": 1} for _ in range(100)]
    keys = [f"k{at}" for at in range(10)]
    pattern = {key: {"x": [1], "y": [1]} for key in keys}

    assert Pattern(pattern).matches(dict.fromkeys(keys, objects))
    assert steps(pattern, dict.fromkeys(keys, objects)) <= 16_384


def test_arrays_in_arrays_do_not_multiply() -> None:
    event = {"a": [{"b": [{"c": [{"x": 1, "y": 2} for _ in range(10)]} for _ in range(10)]} for _ in range(10)]}
    pattern = {"a": {"b": {"c": {"x": [1], "y": [3]}}}}

    assert not Pattern(pattern).matches(event)
    assert steps({"a": {"b": {"c": {"x": [1], "y": [2]}}}}, event) <= 32_768


def test_branches_share_what_stands_beside_them() -> None:
    """
    A thousand conjunctions, and a condition on 20,000 values: each value is asked once.
    """
    asked = 0

    class Asked(str):
        __slots__ = ()

        def startswith(self, *args: Any) -> bool:
            nonlocal asked
            asked += 1
            return super().startswith(*args)

    ors = ",".join(f'"$or":[{",".join(f"{{{chr(34)}{key}{at}{chr(34)}:[1]}}" for at in range(10))}]' for key in "xyz")
    pattern = Pattern(f'{{"a":[{{"prefix":"p"}}],{ors}}}')

    assert len(pattern.conjunctions) == 1_000
    event: Any = {"a": [Asked("q") for _ in range(20_000)], **{f"{key}{at}": 1 for key in "xyz" for at in range(10)}}
    assert not matches(pattern.conjunctions, flatten(event))
    assert asked == 20_000
    assert not pattern.matches(event)
    assert asked == 40_000
    assert RuleSet({"it": pattern}).match(event) == frozenset()
    assert asked <= 60_000


def test_a_puzzle_is_refused_and_not_solved() -> None:
    """
    Thirty arrays at one path, each a choice of two: which conditions hold depends on all of them.
    """
    pattern = Pattern('{"a":{' + ",".join(f'"{letter}{at}":[1,2]' for letter in "kyz" for at in range(30)) + "}}")
    puzzle = ",".join(f'"a":[{{"k{at}":1,"y{at}":1,"z{at}":1}},{{"k{at}":2,"y{at}":2,"z{at}":2}}]' for at in range(30))
    with pytest.raises(EventTooComplex, match="too complex for the pattern"):
        pattern.matches_json("{" + puzzle + "}")


def test_a_small_puzzle_is_solved() -> None:
    """
    Each array says whether something is true; each condition wants one of three to be so, or not.
    """
    clauses = [(1, 2, -3), (-1, 3, 4), (-2, -4, 3), (1, -3, 4), (-1, -2, -4), (2, 3, 4)]

    def element(number: int) -> str:
        return "{" + ",".join(f'"c{at}":1' for at, clause in enumerate(clauses) if number in clause) + "}"

    event = "{" + ",".join(f'"a":[{element(number)},{element(-number)}]' for number in range(1, 5)) + "}"
    pattern = Pattern({"a": {f"c{at}": [1] for at in range(len(clauses))}})
    solvable = any(
        all(any((one > 0) == values[abs(one) - 1] for one in clause) for clause in clauses)
        for values in product([True, False], repeat=4)
    )

    assert pattern.matches_json(event) == solvable
