"""
Near misses of places (PAT 4, 5).

Keys that are a level off or spelled otherwise, objects where values are wanted, elements that do not go together.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from postroom.patterns._near import Hint, HintKind, near_value, read_json
from postroom.patterns._operators import AnythingBut, Exactly, Present
from postroom.patterns._shown import cut, printable, shown_value
from postroom.patterns._spots import Other, Sighting, Spots, sightings

if TYPE_CHECKING:
    from postroom.patterns._flatten import Leaf
    from postroom.patterns._outcomes import Attempt, Search
    from postroom.patterns._tree import Condition

HINTS_MAX: Final = 3
"""Of one condition."""
_LEAVES_MAX: Final = 20
_ENTRIES_MAX: Final = 50
_CONFLICTS_MAX: Final = 1_000
_PATH_CHARS_MAX: Final = 400
_KEY_CHARS_MAX: Final = 64
_ALIKE: Final = 0.75
_ELSEWHERE: Final = 0.9
_LEVELS_MAX: Final = 2


class _Known(NamedTuple):
    """
    A path that an event has.
    """

    path: str
    keys: list[str]
    plain: list[str]
    """The keys without case and signs between words."""
    seen: list[Sighting]


class Surroundings:
    """
    An event, as one looks for near misses in it: found out when first asked, once for all patterns.
    """

    def __init__(self, event: Mapping[str, Any], spots: Spots) -> None:
        self.spots: Spots = spots
        self._event = event

    @cached_property
    def known(self) -> list[_Known]:
        """
        The paths of the event, those further out first.
        """
        return [_Known(path, *_keys(path), seen) for path, seen in sightings(self._event).items()]


def _keys(path: str) -> tuple[list[str], list[str]]:
    keys = path.split(".")
    return keys, ["".join(filter(str.isalnum, key)).casefold() or key for key in keys]


def hints_for(condition: Condition, around: Surroundings, used: frozenset[str]) -> list[Hint]:
    """
    The near misses of a condition that no value of the event satisfies.

    Args:
        condition: It.
        around: The event.
        used: Paths that the pattern names: what is there is not meant for another.
    """
    leaves = around.spots.leaves.get(condition.path)
    if leaves:
        found = _distinct(_values(condition, leaves, around.spots))
        return found or _distinct(_elsewhere(condition, around, used, only_wanted=True))
    return _distinct(_missing(condition, around, used))


def _distinct(hints: Iterator[Hint]) -> list[Hint]:
    found: dict[tuple[HintKind, str], Hint] = {}
    for hint in hints:
        found.setdefault((hint.kind, hint.text), hint)
        if len(found) == HINTS_MAX:
            break
    return list(found.values())


def _values(condition: Condition, leaves: list[Leaf], spots: Spots) -> Iterator[Hint]:
    for leaf in leaves[:_LEAVES_MAX]:
        for entry in condition.wanted[:_ENTRIES_MAX]:
            near = near_value(entry, leaf.value)
            if near is not None:
                yield Hint(near.kind, str(spots.place(leaf)), near.text)


# Nothing at the path.


def _missing(condition: Condition, around: Surroundings, used: frozenset[str]) -> Iterator[Hint]:
    path = condition.path
    for other in around.spots.others.get(path, ()):
        if other.kind != "value":
            yield _no_leaf(condition, other)
    yield from _value_above(condition, around.spots)
    yield from _elsewhere(condition, around, used)
    shown = cut(printable(path))
    if any(isinstance(entry, AnythingBut) for entry in condition.wanted):
        text = 'anything-but wants a value to be there: add {"exists": false} to allow that there is none'
        yield Hint("anything-but", shown, text)
    if any(isinstance(entry, Exactly) and entry.value in {None, "", "null"} for entry in condition.wanted):
        text = 'there is no value, and that is not null and not "": write {"exists": false} to allow it'
        yield Hint("null", shown, text)


def _no_leaf(condition: Condition, other: Other) -> Hint:
    place = str(other.at)
    if other.kind != "object":
        return Hint("empty", place, f"an {other.kind} counts as if the field was not there")
    looks = "exists looks" if any(isinstance(entry, Present) for entry in condition.wanted) else "patterns look"
    keys = ", ".join(json.dumps(printable(key), ensure_ascii=False) for key in other.keys)
    return Hint("object", place, f"here is an object, and {looks} at the values in it: name one of its keys, {keys}")


def _value_above(condition: Condition, spots: Spots) -> Iterator[Hint]:
    path = condition.path[:_PATH_CHARS_MAX]
    for at in range(len(path) - 1, -1, -1):
        if path[at] != ".":
            continue
        for other in spots.others.get(path[:at], ()):
            if other.kind != "value":
                continue
            inner = read_json(other.value) if isinstance(other.value, str) else None
            if inner is not None and f"text.{condition.path[at + 1 :]}" in sightings({"text": inner}):
                text = "here is JSON inside a string, which is not looked into: send it as an object"
                yield Hint("json-text", str(other.at), text)
            else:
                text = f"here is {shown_value(other.value, 60)}, and the pattern wants an object"
                yield Hint("object", str(other.at), text)
            return


# What stands elsewhere.


def _elsewhere(
    condition: Condition, around: Surroundings, used: frozenset[str], *, only_wanted: bool = False
) -> Iterator[Hint]:
    """
    The value may be under a key that is spelled otherwise, or further in or out.
    """
    if len(condition.path) > _PATH_CHARS_MAX:
        return
    keys, plain = _keys(condition.path)
    found: list[tuple[bool, float, str, Hint]] = []
    for known in around.known:
        if known.path in used:
            continue
        off = _how_far(keys, plain, known)
        if off is None:
            continue
        kind, distance = off
        wanted = next((one for one in known.seen if condition.wants(one.value)), None)
        if wanted is None and (only_wanted or distance > (_LEVELS_MAX if kind == "level" else 1 - _ALIKE)):
            continue
        hint = _hint_elsewhere(kind, condition.path, known, wanted or known.seen[0])
        found.append((wanted is None, distance, known.path, hint))
    yield from (hint for _, _, _, hint in sorted(found, key=lambda one: one[:3])[:2])


def _how_far(keys: list[str], plain: list[str], known: _Known) -> tuple[HintKind, float] | None:
    """
    How far a path of the event is from what the pattern has; None: they have nothing to do with each other.
    """
    if len(plain) != len(known.plain):
        short, long = sorted((plain, known.plain), key=len)
        rest = iter(long)
        if short[-1] != long[-1] or not all(key in rest for key in short):
            return None
        return "level", len(long) - len(short)
    differing = [at for at, (one, other) in enumerate(zip(plain, known.plain, strict=True)) if one != other]
    if not differing:
        return "key", 0
    if len(differing) > 1:
        return None
    one, other = keys[differing[0]], known.keys[differing[0]]
    if max(len(one), len(other)) <= _KEY_CHARS_MAX:
        alike = difflib.SequenceMatcher(None, one.casefold(), other.casefold()).ratio()
        if alike >= _ALIKE:
            return "key", 1 - alike
    return None if differing[0] == len(keys) - 1 else ("key", _ELSEWHERE)


def _hint_elsewhere(kind: HintKind, path: str, known: _Known, seen: Sighting) -> Hint:
    value = shown_value(seen.value, 60)
    if kind == "key":
        text = f"the event has {value} at {cut(printable(known.path))}: keys are compared letter by letter"
        return Hint("key", str(seen.at), text)
    further = "in" if len(known.keys) > path.count(".") + 1 else "out"
    inner = f"{json.dumps(known.keys[-1], ensure_ascii=False)}: […]"
    for key in reversed(known.keys[:-1]):
        inner = f"{json.dumps(key, ensure_ascii=False)}: {{{inner}}}"
    text = f"the event has {value} further {further}, at {cut(printable(known.path))}: write {cut(printable(f'{{{inner}}}'))}"
    return Hint("level", str(seen.at), text)


# What does not go together.


def hints_of_elements(attempt: Attempt, at: int, search: Search, spots: Spots) -> list[Hint]:
    """
    Why a condition fails that some value satisfies: it is in another element of an array than what was chosen before.
    """
    failed = attempt.outcomes[at]
    fitting = search.fitting(failed.condition)
    if not fitting:
        return _hints_of_order(attempt, at, search, spots)
    leaf = fitting[0]
    for outcome in attempt.outcomes[:at]:
        members = outcome.members or {}
        array = next((array for array, index in leaf.member_of.items() if members.get(array, index) != index), None)
        if array is not None:
            here, there = array.element(leaf.member_of[array]), array.element(members[array])
            text = (
                f"{cut(printable(failed.condition.path))} is as wanted in {here}, {cut(printable(outcome.condition.path))}"
                f" in {there}: both must be in one element of {cut(str(array.at))}"
            )
            return [Hint("elements", str(spots.place(leaf)), text)]
    return []


def _hints_of_order(attempt: Attempt, at: int, search: Search, spots: Spots) -> list[Hint]:
    """
    What must not be there is looked for before later paths choose an element.
    """
    failed = attempt.outcomes[at].condition
    present = spots.leaves.get(failed.path, [])
    if not failed.may_be_absent or not present or not all(leaf.member_of for leaf in present):
        return []
    arrays = {array for leaf in present for array in leaf.member_of}
    for outcome in attempt.outcomes[at + 1 :]:
        if any(
            array in arrays for leaf in search.fitting(outcome.condition)[:_CONFLICTS_MAX] for array in leaf.member_of
        ):
            text = (
                f"that there is none is checked before {cut(printable(outcome.condition.path))}, in the order of the paths, "
                "and so in all elements: it may not be in any"
            )
            return [Hint("order", str(spots.place(present[0])), text)]
    return []
