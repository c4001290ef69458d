"""
What a pattern sees of an event: its leaves, by path, and of which elements of which arrays each is part (PAT 1, 4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

from postroom.errors import InvalidInput


class Leaf(NamedTuple):
    """
    A string, number, boolean or null of an event.
    """

    value: str | float | bool | None
    """The value itself."""
    member_of: Mapping[int, int]
    """By the number of each array around it, in which element it is; an array does not count for the scalars in it."""


Leaves: TypeAlias = dict[str, list[Leaf]]
"""By path: the keys from the outermost in, joined by dots. A dot in a key is not told from one between two keys."""

_NOWHERE: Mapping[int, int] = {}


def flatten(event: Mapping[str, Any]) -> Leaves:
    """
    The leaves of an event. Empty objects and arrays have none; elements of an array stand at the array's path.

    >>> {path: [leaf.value for leaf in leaves] for path, leaves in flatten({"a": ["x", {"b": 1}], "c": []}).items()}
    {'a': ['x'], 'a.b': [1]}

    Raises:
        InvalidInput: It is no mapping, or holds what JSON has not: a `datetime`, or a key that is no `str`.
    """
    if not isinstance(event, Mapping):
        raise InvalidInput("An event must be a mapping.", help=f"got a value of type {type(event).__name__}")
    leaves: Leaves = {}
    arrays = 0
    # A stack, not a recursion: an event may be nested deeper than Python calls may be.
    waiting: list[tuple[str | None, Any, Mapping[int, int]]] = [(None, event, _NOWHERE)]
    while waiting:
        path, value, member_of = waiting.pop()
        if isinstance(value, Mapping):
            members = cast("Mapping[object, Any]", value)
            for key, inner in reversed(list(members.items())):
                if not isinstance(key, str):
                    raise InvalidInput(f"The key {key!r} of an event is no str.", help="Keys of JSON objects are text.")
                waiting.append((key if path is None else f"{path}.{key}", inner, member_of))
        elif isinstance(value, list | tuple):
            arrays += 1
            elements = cast("Sequence[Any]", value)
            for index in range(len(elements) - 1, -1, -1):
                inner = elements[index]
                nests = isinstance(inner, Mapping | list | tuple)
                waiting.append((path, inner, {**member_of, arrays: index} if nests else member_of))
        elif value is None or isinstance(value, str | int | float):
            assert path is not None
            leaves.setdefault(path, []).append(Leaf(value, member_of))
        else:
            raise InvalidInput(
                f"The value at {path} is of type {type(value).__name__}.", help="Events are what json.loads returns."
            )
    return leaves
