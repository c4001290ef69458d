"""
Whether one pattern wants all that another wants.

An event that one pattern wants and the other does not is looked for; where the search was complete and found none, there is
none. Values are tried by their kinds (`_kinds`), of which there are few, and a path after the other is decided: the way in
which SAT solvers do it, without their refinements.

Mostly it is enough to look at events with one value at a path, outside of arrays. In any event that a pattern wants, leave
only the leaves by which it is satisfied: they agree, so they could as well be in no array, and the pattern still wants it.
Another pattern that wants this smaller event is satisfied by some of these leaves, and so by the whole event, unless it
wants something to be absent. What is absent is sure in two cases only:

* The path has a first key that no other path has. No array is around two paths then, and values there are a mere set.
* Both patterns want it to be absent, and whatever the one has chosen by then the other has chosen too: it cannot see
  elements that the one does not see (PAT 4).

In all others, what looks covered remains unknown. What is said to be a counterexample was put before both patterns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from postroom.patterns._answers import Answer
from postroom.patterns._kinds import kinds
from postroom.patterns._operators import Absent, Entry
from postroom.patterns._spelling import spell

if TYPE_CHECKING:
    from postroom.patterns._tree import Condition, Conjunction, Parsed

_STEPS_MAX: Final = 5_000_000
_TRIES_MAX: Final = 1_000
_EACH_MAX: Final = 10
_TOO_MANY: Final = "there are too many combinations to try"
_ARRAYS: Final = (
    "values that must be absent share arrays with other paths, or kinds of strings are too many to tell apart"
)


def covers(a: Parsed, b: Parsed) -> Answer:
    """
    Whether a pattern wants every event that another wants.

    >>> from postroom.patterns import Pattern
    >>> wide, narrow = Pattern({"total": [{"numeric": [">", 0]}]}), Pattern({"total": [5, 7], "state": ["paid"]})
    >>> bool(covers(wide, narrow)), bool(covers(narrow, wide))
    (True, False)
    >>> covers(narrow, wide).counterexample
    {'total': 5}

    An answer that is yes or no is right, always. It is unknown if too much would have to be tried, and in some patterns in
    which a value must be absent that shares arrays with others. Takes a bounded number of steps.

    Args:
        a: The one that may want more.
        b: The other. What dialects they are of does not matter.
    """
    if a.tree == b.tree:
        return Answer(holds=True)
    return _Search(a, b.conjunctions, b.matches).run()


def equivalent(a: Parsed, b: Parsed) -> Answer:
    """
    Whether two patterns want the same events; a counterexample is wanted by one of them only.

    >>> from postroom.patterns import Pattern
    >>> bool(equivalent(Pattern({"a": [{"prefix": ""}, {"prefix": "x"}]}), Pattern({"a": [{"wildcard": "*"}]})))
    True

    Unknown as in `covers`.
    """
    there = covers(a, b)
    back = covers(b, a) if there.holds is not False else there
    return there if back.holds else back


def missed_by(pattern: Parsed) -> Answer:
    """
    Whether a pattern wants every event there is; the counterexample is one that it does not want.

    >>> from postroom.patterns import Pattern
    >>> missed_by(Pattern({"a": [{"exists": True}, {"exists": False}]})).holds
    True
    """
    return _Search(pattern, ((),), _anything).run()


def _anything(event: Mapping[str, Any]) -> bool:  # noqa: ARG001 - whatever it is
    return True


class _Option(NamedTuple):
    """
    What may be at a path: nothing, or a value of a kind.
    """

    holds: frozenset[int]
    """The conditions that it satisfies, by their numbers."""
    is_absent: bool
    value: Any
    has_value: bool


class _Need(NamedTuple):
    """
    A condition of the pattern that may want more.
    """

    path: str
    number: int
    may_be_absent: bool
    """Whether it is sure to hold where the other pattern finds nothing."""


_Needs: TypeAlias = tuple[_Need, ...]
_Choices: TypeAlias = dict[str, _Option]


class _Spent(Exception):
    """
    The steps are used up.
    """


class _Search:
    """
    For an event that satisfies one of some conjunctions, and that `a` does not want.
    """

    def __init__(self, a: Parsed, other: Sequence[Conjunction], is_wanted: Callable[[Mapping[str, Any]], bool]) -> None:
        self._a = a
        self._other = other
        self._is_wanted = is_wanted
        self._steps = 0
        self._tries = 0
        self._reason = ""
        self._of_a = frozenset(a.conjunctions)
        self._numbers: dict[tuple[str, tuple[Entry, ...]], int] = {}
        wanted: dict[str, dict[tuple[Entry, ...], int]] = {}
        for conjunction in (*a.conjunctions, *other):
            for condition in conjunction:
                number = self._numbers.setdefault((condition.path, condition.wanted), len(self._numbers))
                wanted.setdefault(condition.path, {})[condition.wanted] = number
        groups: dict[str, int] = {}
        for path in wanted:
            groups[_first(path)] = groups.get(_first(path), 0) + 1
        self._alone = frozenset(path for path in wanted if groups[_first(path)] == 1)
        self._options = {path: _options(numbers) for path, numbers in wanted.items()}

    def run(self) -> Answer:
        """
        The answer.
        """
        try:
            for conjunction in self._other:
                event = None if conjunction in self._of_a else self._uncovered(conjunction)
                if event is not None:
                    return Answer(holds=False, counterexample=event)
        except _Spent:
            self._reason = _TOO_MANY
        return Answer(holds=None, reason=self._reason) if self._reason else Answer(holds=True)

    def _spend(self, steps: int) -> None:
        self._steps += steps
        if self._steps > _STEPS_MAX:
            raise _Spent

    # One conjunction of the other: which needs of `a` are left, whatever the event has?

    def _uncovered(self, wanted: Conjunction) -> dict[str, Any] | None:
        """
        An event that satisfies a conjunction and that `a` does not want, if one is found.
        """
        domains: dict[str, list[_Option]] = {}
        for condition in wanted:
            number = self._numbers[condition.path, condition.wanted]
            domains[condition.path] = [one for one in self._options[condition.path] if number in one.holds]
            if not domains[condition.path]:
                return None  # nothing satisfies it at all
        self._add_free(domains)
        needs = [self._needs(conjunction, wanted, domains) for conjunction in self._a.conjunctions]
        # Not by recursion: a pattern may have more paths than Python calls may be deep.
        waiting: list[tuple[_Choices, _Choices, list[_Needs]]] = [({}, {}, [one for one in needs if one is not None])]
        while waiting:
            before, choice, left = waiting.pop()
            choices = {**before, **choice}
            self._spend(len(choices))
            remaining = self._remaining(choices, left)
            if remaining is None:
                continue
            if not remaining:
                event = self._example(choices, domains)
                if event is not None:
                    return event
                self._reason = _ARRAYS
                continue
            path = next(need.path for need in remaining[0] if need.path not in choices)
            waiting += [(choices, {path: option}, remaining) for option in reversed(domains[path])]
        return None

    def _add_free(self, domains: dict[str, list[_Option]]) -> None:
        """
        The paths of `a` where it matters that there may be something, though the other does not ask.
        """
        for conjunction in self._a.conjunctions:
            self._spend(len(conjunction))
            for condition in conjunction:
                path = condition.path
                if path in self._alone and path not in domains and condition.may_be_absent:
                    domains[path] = self._options[path]

    def _needs(self, mine: Conjunction, wanted: Conjunction, domains: Mapping[str, object]) -> _Needs | None:
        """
        What has to hold for a conjunction of `a`, beside one of the other; None: it is never sure that it does.
        """
        self._spend(len(mine) + len(wanted))
        looks_at = {condition.path for condition in mine}
        # Where something is absent for the other, is it for `a` too? Not if the other has chosen before at a path where `a` does not.
        sees_less: set[str] = set()
        sure: set[str] = set()
        for condition in wanted:
            first = _first(condition.path)
            if first not in sees_less:
                sure.add(condition.path)
            if condition.path not in looks_at and not _is_absent_only(condition):
                sees_less.add(first)
        last = {_first(condition.path): condition.path for condition in mine}
        found: list[_Need] = []
        for condition in mine:
            path = condition.path
            number = self._numbers[path, condition.wanted]
            if last[_first(path)] == path and all(number in option.holds for option in self._options[path]):
                continue  # anything will do, nothing too, and no later path can tell what was chosen
            if path not in domains:
                return None
            found.append(_Need(path, number, path in self._alone or path in sure))
        return tuple(found)

    def _remaining(self, choices: _Choices, left: Sequence[_Needs]) -> list[_Needs] | None:
        """
        Of the conjunctions of `a`, those that may hold; None: one does.
        """
        remaining: list[_Needs] = []
        for needs in left:
            self._spend(1 + len(needs))
            is_open = False
            for need in needs:
                option = choices.get(need.path)
                if option is None:
                    is_open = True
                elif need.number not in option.holds or (option.is_absent and not need.may_be_absent):
                    break
            else:
                if not is_open:
                    return None
                remaining.append(needs)
        return remaining

    # Counterexamples.

    def _example(self, choices: _Choices, domains: Mapping[str, Sequence[_Option]]) -> dict[str, Any] | None:
        chosen: dict[str, Any] = {}
        for path, options in domains.items():
            option = choices.get(path)
            if option is None:
                # Whichever: the first that is sure to exist. Nothing at all is the simplest.
                option = next((one for one in options if one.is_absent or one.has_value), options[0])
            if option.is_absent:
                continue
            if not option.has_value:
                return None
            chosen[path] = option.value
        for event in self._spelled(chosen):
            self._tries += 1
            if self._tries > _TRIES_MAX:
                raise _Spent
            if self._is_wanted(event) and not self._a.matches(event):
                return event
        return None

    def _spelled(self, chosen: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """
        Events with the values that were chosen; with more, then, where `a` may want nothing to be.
        """
        yield spell(chosen)
        more: dict[str, Any] = {}
        for conjunction in self._a.conjunctions:
            for condition in conjunction:
                if condition.may_be_absent and condition.path not in chosen and condition.path not in self._alone:
                    options = [one for one in self._options[condition.path] if one.has_value]
                    more[condition.path] = min(options, key=lambda one: len(one.holds)).value
        if not more:
            return
        yield spell({**chosen, **more})
        for path, value in list(more.items())[:_EACH_MAX]:
            yield spell({**chosen, path: value})
        yield _side_by_side(spell(chosen), spell(more))
        yield _side_by_side(spell(more), spell(chosen))
        for path, value in list(more.items())[:_EACH_MAX]:
            beside = [one for one in chosen if _first(one) == _first(path) != one]
            for other in beside[:_EACH_MAX] if path != _first(path) else ():
                yield _apart(chosen, other, path, value)


def _side_by_side(event: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """
    Both events in one, each value of a key an element of an array.
    """
    return {
        key: [part[key] for part in (event, other) if key in part] if key in other else event[key]
        for key in {**event, **other}
    }


def _apart(chosen: Mapping[str, Any], other: str, path: str, value: object) -> dict[str, Any]:
    """
    An event with the values that were chosen, and one more, in an array with one of them, but not in the same element.

    Who chooses the other value cannot see the one more. The rest is in no array: with dots in its keys.
    """
    first = _first(path)
    event = spell({one: chosen[one] for one in chosen if _first(one) != first})
    below = len(first) + 1
    event[first] = [spell({other[below:]: chosen[other]}), spell({path[below:]: value})]
    for one in chosen:
        if one == first:
            event[first].append(chosen[one])
        elif _first(one) == first and one != other:
            event[one] = chosen[one]
    return event


def _options(numbers: Mapping[tuple[Entry, ...], int]) -> list[_Option]:
    """
    What may be at a path, as far as some lists can tell it apart.

    Args:
        numbers: The lists, and the number of each.
    """
    absent = frozenset(
        number for entries, number in numbers.items() if any(isinstance(entry, Absent) for entry in entries)
    )
    found: dict[frozenset[int], _Option] = {}
    for kind in kinds(entry for entries in numbers for entry in entries):
        holds = frozenset(number for entries, number in numbers.items() if not kind.wanted_by.isdisjoint(entries))
        before = found.get(holds)
        if before is None or (kind.has_value and not before.has_value):
            found[holds] = _Option(holds, is_absent=False, value=kind.value, has_value=kind.has_value)
    return [_Option(absent, is_absent=True, value=None, has_value=False), *found.values()]


def _first(path: str) -> str:
    return path.partition(".")[0]


def _is_absent_only(condition: Condition) -> bool:
    return all(isinstance(entry, Absent) for entry in condition.wanted)
