"""
A parsed pattern: a small immutable tree, which the matchers, the explainer and the linter share (PAT 1, 7, 8).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, TypeAlias

import attrs

from postroom.patterns._operators import Absent, Entry


@attrs.frozen
class Condition:
    """
    What is wanted at one path.
    """

    path: str
    """The keys from the outermost in, joined by dots. A dot in a key is not told from one between two keys."""
    wanted: tuple[Entry, ...]
    """One of these will do."""

    @property
    def may_be_absent(self) -> bool:
        """
        Whether it will do that there is no value.

        >>> Condition("a", (Absent(),)).may_be_absent
        True
        """
        return any(isinstance(entry, Absent) for entry in self.wanted)

    def wants(self, value: object) -> bool:
        """
        Whether a value at the path will do.

        >>> Condition("a", (Absent(),)).wants("x")
        False
        """
        return any(entry.wants(value) for entry in self.wanted)


@attrs.frozen
class Either:
    """
    ``$or``: one of the branches must hold.
    """

    branches: tuple[Branch, ...]


Branch: TypeAlias = tuple[Condition | Either, ...]
"""All of these must hold, in the order in which they are written; of two at one path the later counts (PAT 7)."""

Conjunction: TypeAlias = tuple[Condition, ...]
"""All of these must hold; one a path, in the order in which AWS looks at them."""


class Parsed(Protocol):
    """
    What is asked of a `Pattern` by modules that it needs itself.
    """

    @property
    def text(self) -> str:
        """
        As it was given.
        """
        ...

    @property
    def tree(self) -> Branch:
        """
        What is wanted, as it is written.
        """
        ...

    @property
    def conjunctions(self) -> tuple[Conjunction, ...]:
        """
        What is wanted, multiplied out.
        """
        ...

    def matches(self, event: Mapping[str, Any]) -> bool:
        """
        Whether an event is wanted.
        """
        ...


def count_conjunctions(items: Branch) -> int:
    """
    How many conjunctions a tree stands for, without making them (PAT 8).

    >>> a, b = Condition("a", ()), Condition("b", ())
    >>> count_conjunctions((Either(((a,), (b,))), Either(((a,), (b,), (a, b)))))
    6
    """
    count = 1
    for item in items:
        if isinstance(item, Either):
            count *= sum(map(count_conjunctions, item.branches))
    return count


def conjunctions(items: Branch) -> tuple[Conjunction, ...]:
    """
    What a tree stands for: an event matches if it satisfies one of these (PAT 1).

    The caller has seen that they are not too many.

    >>> a, b, other = Condition("a", ()), Condition("b", ()), Condition("a", (Absent(),))
    >>> conjunctions((Either(((a,), (b,))), other)) == ((other,), (other, b))
    True
    """
    found = _expand(items, [{}])
    return tuple(tuple(sorted(one.values(), key=lambda condition: path_order(condition.path))) for one in found)


def _expand(items: Branch, found: list[dict[str, Condition]]) -> list[dict[str, Condition]]:
    # `found` is the caller's own: branches get copies. Nesting is bounded by the length of a pattern's text.
    for item in items:
        if isinstance(item, Either):
            found = [one for branch in item.branches for one in _expand(branch, [dict(each) for each in found])]
        else:
            for one in found:
                one[item.path] = item
    return found


def path_order(path: str) -> bytes:
    """
    By which AWS sorts paths: UTF-16 units. It shows where elements of arrays must not be there (PAT 4).

    >>> sorted(["b", "a.b", "a"], key=path_order)
    ['a', 'a.b', 'b']
    """
    return path.encode("utf-16-be", "surrogatepass")


def conditions(items: Branch) -> Iterator[Condition]:
    """
    All conditions of a tree, those of branches included, as written.

    >>> a, b = Condition("a", ()), Condition("b", ())
    >>> [condition.path for condition in conditions((a, Either(((b,), (a,)))))]
    ['a', 'b', 'a']
    """
    for item in items:
        if isinstance(item, Either):
            for branch in item.branches:
                yield from conditions(branch)
        else:
            yield item
