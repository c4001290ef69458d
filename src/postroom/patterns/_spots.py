"""
Where in an event its values are, in words of the event: for explanations (PAT 4).

`locate` finds the same leaves as `flatten`, and remembers the way to each. `sightings` looks at the whole event, within a
bound, for what somebody may have meant.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any, Final, NamedTuple, TypeAlias, cast

from postroom.patterns._events import Repeated
from postroom.patterns._flatten import Leaf, Leaves, Paths
from postroom.patterns._shown import cut, printable
from postroom.patterns._values import WrittenNumber

_PLACE_CHARS_MAX: Final = 200
_OTHERS_MAX: Final = 8
_KEYS_MAX: Final = 5
_SIGHTED_NODES_MAX: Final = 20_000
_SIGHTED_INSIDE_MAX: Final = 1_000
"""Of one object or array, so that what is further in is seen too."""
_SIGHTED_PATHS_MAX: Final = 2_000
_SIGHTED_VALUES_MAX: Final = 4
_SIGHTED_CHARS_MAX: Final = 400


class Step:
    """
    One step from the top of an event to a value: a key, or the number of an element.
    """

    __slots__ = ("around", "label")

    def __init__(self, label: str | int, around: Step | None = None) -> None:
        self.label: str | int = label
        self.around: Step | None = around

    def __str__(self) -> str:
        labels: list[str] = []
        step: Step | None = self
        while step is not None:
            labels.append(f"[{step.label}]" if isinstance(step.label, int) else f".{step.label[:_PLACE_CHARS_MAX]}")
            step = step.around
        text = "".join(labels[::-1][: _PLACE_CHARS_MAX + 1])
        return cut(printable(text.removeprefix(".")), _PLACE_CHARS_MAX)


class Array:
    """
    An array of an event: what tells it apart, and where it is.
    """

    __slots__ = ("at",)

    def __init__(self, at: Step) -> None:
        self.at: Step = at

    def element(self, index: int) -> str:
        """
        What an element is called.

        >>> Array(Step("lines")).element(2)
        'lines[2]'
        """
        return str(Step(index, self.at))


class Other(NamedTuple):
    """
    What is at a path, or above one, without being a leaf there.
    """

    kind: str
    """``object``, ``empty object``, ``empty array``; ``value``: a leaf, where the pattern goes deeper."""
    at: Step
    keys: tuple[str, ...] = ()
    """The first keys of an object."""
    value: Any = None


class Spots(NamedTuple):
    """
    What an event has at some paths.
    """

    leaves: Leaves
    """As `flatten` finds them; arrays are told apart by `Array`."""
    places: dict[int, Step]
    """Where leaves are, by their identity."""
    others: dict[str, list[Other]]
    """By path."""

    def place(self, leaf: Leaf) -> Step:
        """
        Where a leaf is.
        """
        return self.places[id(leaf)]


_Waiting: TypeAlias = "tuple[str | None, Any, Mapping[Any, int], Step | None]"


def locate(event: Mapping[str, Any], paths: Paths) -> Spots:
    """
    The leaves of an event at some paths, and what else is there. `flatten` has looked at the event before.

    >>> spots = locate({"a": ["x", {"b": 1}], "c": []}, Paths.of(["a.b", "c"]))
    >>> [str(spots.place(leaf)) for leaf in spots.leaves["a.b"]], [other.kind for other in spots.others["c"]]
    (['a[1].b'], ['empty array'])
    """
    found = Spots({}, {}, {})
    waiting: list[_Waiting] = [(None, event, {}, None)]
    while waiting:
        path, value, member_of, at = waiting.pop()
        if isinstance(value, Mapping):
            members = cast("Mapping[object, Any]", value)
            if path is not None and at is not None and path in paths.named:
                keys = tuple(cut(key, 40) for key in islice(_keys(members), _KEYS_MAX))
                _note(found, path, Other("object" if keys else "empty object", at, keys))
            waiting += reversed(list(_inside(path, members, member_of, at, paths)))
        elif path is None or at is None:
            continue
        elif isinstance(value, Repeated):
            waiting += [(path, inner, member_of, at) for inner in reversed(cast("list[Any]", value))]
        elif isinstance(value, list | tuple):
            elements = cast("Sequence[Any]", value)
            if not elements and path in paths.named:
                _note(found, path, Other("empty array", at))
            array = Array(at)
            for index in range(len(elements) - 1, -1, -1):
                nests = isinstance(elements[index], Mapping | list | tuple)
                inside = {**member_of, array: index} if nests else member_of
                waiting.append((path, elements[index], inside, Step(index, at)))
        else:
            if path in paths.named:
                leaf = Leaf(value, member_of)
                found.leaves.setdefault(path, []).append(leaf)
                found.places[id(leaf)] = at
            if path in paths.above:
                _note(found, path, Other("value", at, (), value))
    return found


def _keys(members: Mapping[object, Any]) -> Iterator[str]:
    return (key for key in members if isinstance(key, str))


def _inside(
    path: str | None, members: Mapping[object, Any], member_of: Mapping[Any, int], at: Step | None, paths: Paths
) -> Iterator[_Waiting]:
    """
    The values of an object that anybody looks at.
    """
    before = 0 if path is None else len(path) + 1
    for key, inner in members.items():
        if isinstance(key, str) and before + len(key) <= paths.longest:
            joined = key if path is None else f"{path}.{key}"
            if joined in paths.named or joined in paths.above:
                yield joined, inner, member_of, Step(key, at)


def _note(found: Spots, path: str, other: Other) -> None:
    noted = found.others.setdefault(path, [])
    if len(noted) < _OTHERS_MAX:
        noted.append(other)


class Sighting(NamedTuple):
    """
    A value of an event, wherever it is.
    """

    at: Step
    value: Any


def sightings(event: Mapping[str, Any]) -> dict[str, list[Sighting]]:
    """
    Some values at each path of an event, what is further out first; of a large event, not all.

    >>> [*sightings({"a": [{"b": 1}, "x"], "c": None})]
    ['c', 'a', 'a.b']
    """
    found: dict[str, list[Sighting]] = {}
    waiting: deque[tuple[str, Any, Step | None]] = deque([("", event, None)])
    left = _SIGHTED_NODES_MAX
    while waiting and left > 0:
        path, value, at = waiting.popleft()
        left -= 1
        room = max(min(_SIGHTED_INSIDE_MAX, left - len(waiting)), 0)
        if isinstance(value, Mapping):
            for key, inner in islice(cast("Mapping[object, Any]", value).items(), room):
                if isinstance(key, str) and len(path) + len(key) < _SIGHTED_CHARS_MAX:
                    waiting.append((key if at is None else f"{path}.{key}", inner, Step(key, at)))
        elif isinstance(value, list | tuple):
            for index, inner in enumerate(islice(cast("Sequence[Any]", value), room)):
                waiting.append((path, inner, at if isinstance(value, Repeated) else Step(index, at)))
        elif at is not None and (value is None or isinstance(value, str | int | float | WrittenNumber | Decimal)):
            _note_sighting(found, path, Sighting(at, value))
    return found


def _note_sighting(found: dict[str, list[Sighting]], path: str, sighting: Sighting) -> None:
    if path in found or len(found) < _SIGHTED_PATHS_MAX:
        seen = found.setdefault(path, [])
        if len(seen) < _SIGHTED_VALUES_MAX:
            seen.append(sighting)
