"""
Finds what an event has at one path, without looking at the rest of it (PAT 4).

Most paths lead through objects to one value, or to nothing: a few dictionary lookups. An array of objects becomes a column,
which says of each value in which elements it is. All else, arrays in arrays, keys with dots, values that are no plain JSON,
is left to `flatten`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from types import NoneType
from typing import Any, Final, TypeAlias
from weakref import WeakValueDictionary

from postroom.patterns._flatten import Paths, flatten
from postroom.patterns._values import WrittenNumber, number_text, number_value

MISSING: Final = object()
"""There is no value."""

PLAIN: Final[frozenset[type]] = frozenset({str, int, float, bool, NoneType})
"""What leaves are, when an event is what `json.loads` returns."""

COLUMN_MAX: Final = 1_024
"""Elements of an array that are told apart as bits of one number: each value at each path has such a number."""

_STEPS_DIRECT: Final = 6

Column: TypeAlias = tuple[tuple[str, int], dict[Any, int]]
"""One array, and for each value, as `key_of` has it, in which of its elements that is found, as bits."""


class Path:
    """
    A path, taken apart once.

    Args:
        text: The keys joined by dots.
    """

    __slots__ = ("__weakref__", "direct", "paths", "steps", "text")

    def __init__(self, text: str) -> None:
        self.text: str = text
        self.steps: tuple[str, ...] = tuple(text.split("."))
        self.paths: Paths = Paths.of([text]) if len(self.steps) <= _STEPS_DIRECT else _NO_PATHS
        size = len(self.steps)
        self.direct: tuple[tuple[str, tuple[str, ...]], ...] | None = None
        """By step: the key, and the keys with dots that would be other ways to the same path; None: too many."""
        if size <= _STEPS_DIRECT:
            self.direct = tuple(
                (step, tuple(".".join(self.steps[at:end]) for end in range(at + 2, size + 1)))
                for at, step in enumerate(self.steps)
            )


_NO_PATHS: Final = Paths.of([])


_paths: WeakValueDictionary[str, Path] = WeakValueDictionary()
_paths_lock = threading.Lock()


def path_of(text: str) -> Path:
    """
    The path that is written so: one object as long as somebody has it, so that paths can be told apart by identity.

    >>> path_of("detail.state") is path_of("detail.state")
    True
    """
    path = _paths.get(text)
    if path is None:
        with _paths_lock:
            path = _paths.get(text)
            if path is None:
                path = _paths[text] = Path(text)
    return path


class Many:
    """
    The values at a path where an event has an array on the way, or several values; at least one.

    Args:
        values: The values; None: those of the column.
        column: If they are all in the elements of one array, and that is not too long: what is where.
        has_elements: Whether it matters in which elements of arrays they are.
    """

    __slots__ = ("_values", "answers", "column", "has_elements")

    def __init__(self, values: list[Any] | None, column: Column | None, *, has_elements: bool) -> None:
        self._values = values
        self.column: Column | None = column
        self.has_elements: bool = has_elements
        self.answers: dict[int, Any] = {}
        """What rows have found out here, by the identity of the check: the branches of a pattern share their checks."""

    def values(self) -> Iterable[Any]:
        """
        The values; each once where that is known.
        """
        if self._values is not None:
            return self._values
        return () if self.column is None else map(value_of, self.column[1])


def key_of(value: Any) -> Any:
    """
    What stands for a value in a dictionary: equal values of one kind have equal keys, different ones have others.

    >>> key_of(3.0) == key_of(3), key_of(True) == key_of(1), key_of(2**53 + 1)
    (True, False, WrittenNumber('9007199254740993'))
    """
    cls = value.__class__
    if cls is str or cls is NoneType:
        return value
    if cls is bool:
        return _TRUE if value else _FALSE
    if isinstance(value, str):
        return str.__str__(value)
    number = number_value(value)
    return WrittenNumber(number_text(value) or "") if number is None else number


def value_of(key: Any) -> Any:
    """
    The value that a key of `key_of` stands for.

    >>> value_of(key_of(True)), value_of(key_of("x"))
    (True, 'x')
    """
    return key[0] if key.__class__ is tuple else key


_TRUE: Final = (True,)
_FALSE: Final = (False,)


def fetch(event: Mapping[str, Any], path: Path) -> Any:
    """
    The value at a path, `MISSING`, or `Many`.

    >>> fetch({"a": {"b": 1}}, path_of("a.b")), fetch({"a": 1}, path_of("a.b")) is MISSING
    (1, True)
    >>> fetch({"a": [[{"b": 1}], {"b": 2}], "a.b": 3}, path_of("a.b")).values()
    [1, 2, 3]

    Raises:
        InvalidInput: A value there is nothing that JSON has.
        EventTooComplex: The event is nested too deep there.
    """
    plan = path.direct
    if plan is None:
        return _search(event, path)
    value: Any = event
    for step, others in plan:
        if value.__class__ is not dict:
            return MISSING if value.__class__ in PLAIN else _search(event, path)
        for other in others:
            if other in value:
                return _search(event, path)
        if step not in value:
            return MISSING
        value = value[step]
    cls = value.__class__
    if cls in PLAIN:
        return value
    if cls is list and PLAIN.issuperset(map(type, value)):
        # Scalars in an array are not told apart by their place.
        return Many(value, None, has_elements=False) if value else MISSING
    return MISSING if cls is dict else _search(event, path)


def _search(event: Mapping[str, Any], path: Path) -> Any:
    column = _column(event, path)
    if column is not None:
        return Many(None, column, has_elements=True) if column[1] else MISSING
    paths = Paths.of([path.text]) if path.direct is None else path.paths
    leaves = flatten(event, paths).get(path.text)
    if not leaves:
        return MISSING
    if len(leaves) == 1 and not leaves[0].member_of:
        return leaves[0].value
    return Many([leaf.value for leaf in leaves], None, has_elements=any(leaf.member_of for leaf in leaves))


def _column(event: Mapping[str, Any], path: Path) -> Column | None:
    """
    The usual case quickly: objects in one array, whose plain values, or arrays of such, are under the last key.
    """
    value: Any = event
    if path.direct is None:
        return None
    for step, others in path.direct[:-1]:
        if value.__class__ is not dict or any(other in value for other in others):
            return None
        value = value.get(step)
    if value.__class__ is not list or len(value) > COLUMN_MAX:
        return None
    last = path.steps[-1]
    found: dict[Any, int] = {}
    for index, element in enumerate(value):
        if element.__class__ is not dict:
            return None
        inner = element.get(last, MISSING)
        if inner.__class__ is not str:
            if inner is MISSING:
                continue
            if inner.__class__ is list:
                for one in inner:
                    if one.__class__ not in PLAIN:
                        return None
                    key = key_of(one)
                    found[key] = found.get(key, 0) | 1 << index
                continue
            if inner.__class__ not in PLAIN:
                return None
            inner = key_of(inner)
        found[inner] = found.get(inner, 0) | 1 << index
    return (path.text[: -len(last) - 1], id(value)), found
