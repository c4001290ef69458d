"""
Matching as the language defines it: the truth for the tests, and the place to begin reading (PAT 1, 4, 5).

A pattern is one conjunction, or several with ``$or``; an event that satisfies one of them matches. A conjunction is a list
of conditions, one a path, in the order of the paths. Each condition is satisfied by a leaf at its path that it wants, and
the leaves so chosen must agree: no two may be of different elements of one array.

So what was chosen so far comes down to *which element of which array*. The matcher takes the conditions one after the other
and keeps all choices that are open, as sets of such elements:

    event       {"a": [{"b": 1, "c": 2}, {"b": 1}], "d": 4}         array 0 is that at "a"
    conditions  a.b wants 1     a.c wants 2     d wants 4
    choices     {0: 0}, {0: 1}  {0: 0}          {0: 0}              one is left: the event matches

``{"exists": false}`` is satisfied if no leaf at the path agrees with the choice *so far*: it may depend on paths that come
first in the order, and on none that come later.

Two things keep that cheap. An array that no later condition can meet is dropped from the choices, and then many are the
same. And leaves are found from the choice, through the arrays around them, not by trying each. A hundred objects in an array
cost a hundred times one. An event that repeats keys, so that many arrays stand at one path, can still be as hard as any
puzzle: steps are counted, and too many are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from postroom.errors import EventTooComplex
from postroom.limits import PATTERN_STEPS_MAX

if TYPE_CHECKING:
    from postroom.patterns._flatten import Leaf, Leaves
    from postroom.patterns._tree import Condition, Conjunction

Choice: TypeAlias = frozenset[tuple[Any, int]]
"""Arrays, and the element that was chosen in each."""


def matches(conjunctions: Iterable[Conjunction], leaves: Leaves, *, steps_max: int = PATTERN_STEPS_MAX) -> bool:
    """
    Whether the leaves of an event satisfy one of the conjunctions.

    >>> from postroom.patterns import flatten
    >>> from postroom.patterns._operators import Exactly, Number
    >>> from postroom.patterns._tree import Condition
    >>> both = (Condition("a.b", (Number("1"),)), Condition("a.c", (Exactly("x"),)))
    >>> matches([both], flatten({"a": [{"b": 1, "c": "x"}]})), matches([both], flatten({"a": [{"b": 1}, {"c": "x"}]}))
    (True, False)

    Args:
        conjunctions: Those of `_tree.conjunctions`.
        leaves: Those of `flatten`.
        steps_max: How many steps the search for leaves that agree may take. One object in an array costs a few for each
            condition on it.

    Raises:
        EventTooComplex: It takes more steps.
    """
    budget = _Budget(steps_max)
    # Branches of `$or` share the conditions beside it: what each wants of the event is found out once.
    seen: dict[int, _Candidates] = {}
    return any(_holds(conjunction, leaves, seen, budget) for conjunction in conjunctions)


@attrs.define
class _Budget:
    """
    Counts the steps of a search.
    """

    left: int

    def spend(self, steps: int = 1) -> None:
        """
        Takes note of that many steps.
        """
        self.left -= steps
        if self.left < 0:
            raise EventTooComplex(
                "The event is too complex for the pattern.",
                help="Too many combinations of elements of its arrays fit in part. Does it hold a key many times?",
            )


@attrs.define(eq=False)
class _Place:
    """
    A place in an event where leaves of one path are: at the top, or in an element of an array.
    """

    member_of: Mapping[Any, int] | None = None
    """Of a leaf that is here; None: all are further in."""
    below: dict[Any, dict[int, _Place]] = attrs.field(factory=dict)
    """By array and by index: the elements of the arrays here that hold such leaves."""

    @classmethod
    def of(cls, leaves: Iterable[Leaf], budget: _Budget) -> _Place:
        """
        The top, of some leaves at one path.
        """
        top = cls()
        for leaf in leaves:
            place = top
            budget.spend(len(leaf.member_of) // 2)
            for array, index in leaf.member_of.items():
                elements = place.below.setdefault(array, {})
                place = elements.get(index) or elements.setdefault(index, cls())
            place.member_of = leaf.member_of
        return top

    @property
    def is_empty(self) -> bool:
        """
        Whether there are no such leaves at all.
        """
        return self.member_of is None and not self.below

    def arrays(self) -> Iterator[Any]:
        """
        All arrays around the leaves.
        """
        waiting: list[_Place] = [self]
        while waiting:
            for array, elements in waiting.pop().below.items():
                yield array
                waiting += elements.values()

    def agreeing(self, chosen: Mapping[Any, int], budget: _Budget) -> Iterator[Mapping[Any, int]]:
        """
        The elements that leaves are members of, where they are in no other element than the one that was chosen.
        """
        waiting: list[_Place] = [self]
        while waiting:
            place = waiting.pop()
            if place.member_of is not None:
                yield place.member_of
            for array, elements in place.below.items():
                if array not in chosen:
                    budget.spend(len(elements))
                    waiting += elements.values()
                elif chosen[array] in elements:
                    budget.spend()
                    waiting.append(elements[chosen[array]])


@attrs.frozen(eq=False)
class _Candidates:
    """
    What an event has for one condition.
    """

    condition: Condition
    fitting: _Place
    """Where the leaves are that it wants."""
    present: _Place | None
    """Where all leaves at its path are; None: it does not matter, because they may not be absent."""

    @classmethod
    def of(cls, condition: Condition, leaves: Sequence[Leaf], budget: _Budget) -> _Candidates:
        """
        What an event has, given all its leaves at the path of the condition.
        """
        fitting = _Place.of((leaf for leaf in leaves if condition.wants(leaf.value)), budget)
        return cls(condition, fitting, _Place.of(leaves, budget) if condition.may_be_absent else None)

    def arrays(self) -> Iterator[Any]:
        """
        All arrays that it may matter for to have chosen in.
        """
        return (self.fitting if self.present is None else self.present).arrays()

    def options(self, chosen: Mapping[Any, int], budget: _Budget) -> Iterator[Mapping[Any, int]]:
        """
        The elements that may be chosen next; empty: without choosing any.
        """
        if self.present is not None and next(self.present.agreeing(chosen, budget), None) is None:
            yield {}
        yield from self.fitting.agreeing(chosen, budget)


def _holds(conjunction: Conjunction, leaves: Leaves, seen: dict[int, _Candidates], budget: _Budget) -> bool:
    """
    Whether all conditions are satisfied by leaves that agree.
    """
    found: list[_Candidates] = []
    for condition in conjunction:
        candidates = seen.get(id(condition))
        if candidates is None:
            candidates = _Candidates.of(condition, leaves.get(condition.path, ()), budget)
            seen[id(condition)] = candidates
        if candidates.fitting.is_empty and candidates.present is None:
            return False  # most events end here
        found.append(candidates)
    last = {array: at for at, candidates in enumerate(found) for array in candidates.arrays()}
    choices: set[Choice] = {frozenset()}
    for at, candidates in enumerate(found):
        following: set[Choice] = set()
        for choice in choices:
            budget.spend(1 + len(choice))
            chosen = dict(choice)
            # An array that no later condition meets is forgotten: choices that differ there only are one.
            kept = frozenset(pair for pair in choice if last[pair[0]] > at)
            for member_of in candidates.options(chosen, budget):
                budget.spend(len(member_of))
                following.add(kept.union(pair for pair in member_of.items() if last[pair[0]] > at))
        choices = following
        if not choices:
            return False
    return True
