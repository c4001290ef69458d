"""
What a pattern sees of an event: its leaves, by path, and of which elements of which arrays each is part (PAT 1, 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeAlias, cast

from postroom.errors import EventTooComplex, InvalidInput
from postroom.limits import PATTERN_STEPS_MAX
from postroom.patterns._events import Repeated
from postroom.patterns._values import WrittenNumber


class Leaf(NamedTuple):
    """
    A string, number, boolean or null of an event.
    """

    value: Any
    """The value itself."""
    member_of: Mapping[Any, int]
    """By what tells the arrays around it apart, the outermost first: in which element it is. An array does not count for
    the scalars in it."""


Leaves: TypeAlias = dict[str, list[Leaf]]
"""By path: the keys from the outermost in, joined by dots. A dot in a key is not told from one between two keys."""


class Paths(NamedTuple):
    """
    The paths that somebody looks at; the rest of an event need not be walked.
    """

    named: frozenset[str]
    above: frozenset[str]
    """What leads to them: each path up to one of its dots."""
    longest: int
    """In characters."""

    @classmethod
    def of(cls, named: Iterable[str]) -> Paths:
        """
        Those that are named, and what leads to them.

        >>> sorted(Paths.of(["a.b.c"]).above)
        ['a', 'a.b']
        """
        paths = frozenset(named)
        above = {path[:at] for path in paths for at, char in enumerate(path) if char == "."}
        return cls(paths, frozenset(above), max(map(len, paths), default=0))


def flatten(event: Mapping[str, Any], paths: Paths | None = None) -> Leaves:
    """
    The leaves of an event. Empty objects and arrays have none; elements of an array stand at the array's path.

    >>> {path: [leaf.value for leaf in leaves] for path, leaves in flatten({"a": ["x", {"b": 1}], "c": []}).items()}
    {'a': ['x'], 'a.b': [1]}

    Keys that are no `str` are passed over: they are on no path.

    Args:
        event: As `read_event` or `json.loads` returns it.
        paths: Only leaves at these. Without, all.

    Raises:
        InvalidInput: It is no mapping, or a value at one of the paths is none of JSON: a `datetime`, say.
        EventTooComplex: A great many elements of arrays are inside many arrays, or many paths are very long.
    """
    if not isinstance(event, Mapping):
        raise InvalidInput("An event must be a mapping.", help=f"got a value of type {type(event).__name__}")
    leaves: Leaves = {}
    arrays = steps = 0
    # A stack, not a recursion: an event may be nested deeper than Python calls may be.
    waiting: list[tuple[str | None, Any, Mapping[Any, int]]] = [(None, event, _NOWHERE)]
    while waiting:
        path, value, member_of = waiting.pop()
        if isinstance(value, Mapping):
            for key, inner in reversed(list(cast("Mapping[object, Any]", value).items())):
                inner_path = _join(path, key, paths)
                if inner_path is not None:
                    steps += len(inner_path) // _CHARS_A_STEP
                    _check_steps(steps)
                    waiting.append((inner_path, inner, member_of))
        elif isinstance(value, Repeated):
            waiting += [(path, inner, member_of) for inner in reversed(cast("list[Any]", value))]
        elif isinstance(value, list | tuple):
            elements = cast("Sequence[Any]", value)
            steps += len(member_of) * len(elements)
            _check_steps(steps)
            for index in range(len(elements) - 1, -1, -1):
                inner = elements[index]
                nests = isinstance(inner, Mapping | list | tuple)
                waiting.append((path, inner, {**member_of, arrays: index} if nests else member_of))
            arrays += 1
        elif path is not None and (paths is None or path in paths.named):
            leaves.setdefault(path, []).append(Leaf(_checked(path, value), member_of))
    return leaves


def _join(path: str | None, key: object, paths: Paths | None) -> str | None:
    """
    The path of a key, if anybody looks at what is there.
    """
    if not isinstance(key, str):
        return None
    if paths is None:
        return key if path is None else f"{path}.{key}"
    # What is too long is not even written out: one long key above many others would cost their product.
    if (0 if path is None else len(path) + 1) + len(key) > paths.longest:
        return None
    joined = key if path is None else f"{path}.{key}"
    return joined if joined in paths.named or joined in paths.above else None


def _check_steps(steps: int) -> None:
    # What could cost more than in proportion to the event: long paths, and all the arrays around an element.
    if steps > PATTERN_STEPS_MAX:
        raise EventTooComplex(
            "The event has too many values too deep inside arrays, or below keys that are too long.",
            help="An object or an array that holds itself is the simplest of that kind.",
        )


def _checked(path: str, value: object) -> object:
    if value is None or isinstance(value, str | int | float | WrittenNumber | Decimal):
        return value
    raise InvalidInput(
        f"The value at {path[:200]!r} is of type {type(value).__name__}.",
        help="Values of events are those that json.loads returns: write a date as text, a set as a list.",
    )


_CHARS_A_STEP: Final = 256
_NOWHERE: Final[Mapping[Any, int]] = {}
