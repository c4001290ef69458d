"""
Which leaf satisfies which condition, and which conditions nothing satisfies: the plain matcher's search, remembered.

The matcher asks whether some leaves agree, and may stop at the first condition that fails. Here each step keeps the way it
came, so that one choice of leaves can be read back; a condition that fails is left out, and the search goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from postroom.errors import EventTooComplex
from postroom.limits import PATTERN_STEPS_MAX
from postroom.patterns._naive import Choice, _Budget, _Candidates

if TYPE_CHECKING:
    from postroom.patterns._flatten import Leaf, Leaves
    from postroom.patterns._tree import Condition, Conjunction

_SEARCHED_MAX: Final = 20
"""Of the conjunctions of a pattern that fail, so many of the nearest are searched."""
_NOWHERE: Final[Mapping[Any, int]] = {}


class Outcome(NamedTuple):
    """
    What became of one condition.
    """

    condition: Condition
    members: Mapping[Any, int] | None
    """The elements of which the leaf that satisfies it is a member; None: it fails."""

    @property
    def holds(self) -> bool:
        """
        Whether it is satisfied, by a leaf or because there is none.
        """
        return self.members is not None


class Attempt(NamedTuple):
    """
    What became of one conjunction.
    """

    number: int
    """Which of the pattern's, from 0."""
    outcomes: tuple[Outcome, ...]

    @property
    def failures(self) -> int:
        """
        How many of its conditions fail.
        """
        return sum(not one.holds for one in self.outcomes)


class Search:
    """
    What an event has for the conditions of one pattern.
    """

    def __init__(self, conjunctions: Sequence[Conjunction], leaves: Leaves) -> None:
        self._conjunctions = conjunctions
        self._leaves = leaves
        self._seen: dict[int, _Candidates] = {}
        self._fails: dict[int, bool] = {}
        # The matcher has done the same within this before: it does not run out where the event matches.
        self._budget = _Budget(PATTERN_STEPS_MAX)

    def success(self) -> Attempt | None:
        """
        The first conjunction that holds.
        """
        for number, conjunction in enumerate(self._conjunctions):
            if not any(map(self._fails_alone, conjunction)):
                found = self._attempt(number)
                if not found.failures:
                    return found
        return None

    def attempts(self) -> list[Attempt]:
        """
        The conjunctions with the fewest failures.
        """
        far = list(map(self.how_far, self._conjunctions))
        nearest = sorted(range(len(far)), key=lambda number: (far[number], number))[:_SEARCHED_MAX]
        return [self._attempt(number) for number in nearest]

    def how_far(self, conjunction: Conjunction) -> tuple[int, int]:
        """
        How many conditions fail whatever leaves are chosen for the others; and how many hold, which is less far off, negated.
        """
        failing = sum(map(self._fails_alone, conjunction))
        return failing, failing - len(conjunction)

    def _fails_alone(self, condition: Condition) -> bool:
        known = self._fails.get(id(condition))
        if known is None:
            present = self._leaves.get(condition.path, ())
            known = self._fails[id(condition)] = not any(condition.wants(leaf.value) for leaf in present) and (
                not condition.may_be_absent or any(not leaf.member_of for leaf in present)
            )
        return known

    def _candidates(self, condition: Condition) -> _Candidates:
        found = self._seen.get(id(condition))
        if found is None:
            # What the matcher has counted already, or an early failure has spared it, is not counted here.
            free = _Budget(1 << 62)
            found = self._seen[id(condition)] = _Candidates.of(condition, self._leaves.get(condition.path, ()), free)
        return found

    def _attempt(self, number: int) -> Attempt:
        conjunction = self._conjunctions[number]
        try:
            chosen = self._search(conjunction)
        except EventTooComplex:  # only where there was no need to search: something fails alone
            chosen = [None if self._fails_alone(condition) else _NOWHERE for condition in conjunction]
        return Attempt(number, tuple(map(Outcome, conjunction, chosen)))

    def leaf(self, outcome: Outcome) -> Leaf | None:
        """
        The leaf that satisfies a condition; None: it fails, or holds because there is none.
        """
        condition, members = outcome
        at_path = self._leaves.get(condition.path, ()) if outcome.holds else ()
        return next((leaf for leaf in at_path if leaf.member_of == members and condition.wants(leaf.value)), None)

    def fitting(self, condition: Condition) -> list[Leaf]:
        """
        The leaves that a condition wants, whether they agree with others or not.
        """
        return [leaf for leaf in self._leaves.get(condition.path, ()) if condition.wants(leaf.value)]

    def _search(self, conjunction: Conjunction) -> list[Mapping[Any, int] | None]:
        """
        For each condition the elements of which its leaf is a member; None: it fails.
        """
        found = [self._candidates(condition) for condition in conjunction]
        last = {array: at for at, candidates in enumerate(found) for array in candidates.arrays()}
        ways: list[dict[Choice, tuple[Choice, Mapping[Any, int] | None]]] = []
        choices: list[Choice] = [frozenset()]
        for at, candidates in enumerate(found):
            following: dict[Choice, tuple[Choice, Mapping[Any, int] | None]] = {}
            for choice, kept, members in self._next(choices, candidates, last, at):
                # The last way to get there wins: it is that through the first elements.
                following[kept.union(pair for pair in members.items() if last[pair[0]] > at)] = choice, members
            if not following:
                following = {_kept(choice, last, at): (choice, None) for choice in choices}
            ways.append(following)
            choices = list(following)
        chosen: list[Mapping[Any, int] | None] = []
        choice = choices[-1]
        for way in reversed(ways):
            choice, members = way[choice]
            chosen.append(members)
        return chosen[::-1]

    def _next(
        self, choices: Sequence[Choice], candidates: _Candidates, last: Mapping[Any, int], at: int
    ) -> Iterator[tuple[Choice, Choice, Mapping[Any, int]]]:
        for choice in choices:
            self._budget.spend(1 + len(choice))
            kept = _kept(choice, last, at)
            for members in candidates.options(dict(choice), self._budget):
                self._budget.spend(len(members))
                yield choice, kept, members


def _kept(choice: Choice, last: Mapping[Any, int], at: int) -> Choice:
    """
    Of a choice, the arrays that a later condition meets.
    """
    return frozenset(pair for pair in choice if last[pair[0]] > at)
