"""
Why an event matches a pattern, or what it lacks: values to look at, and text for people.

The matcher decides; here is found out which leaves it may have had in mind. Of the alternatives that ``$or`` makes, the one
is explained that holds, or that comes nearest: with the fewest conditions that fail, and among those the one where it seems
known what was meant.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs

from postroom.patterns._flatten import Leaf, Paths
from postroom.patterns._near_paths import Surroundings, hints_for, hints_of_elements
from postroom.patterns._outcomes import Attempt, Search
from postroom.patterns._shown import cut, entry_json, printable, shown_value
from postroom.patterns._spots import Array, Spots, locate

if TYPE_CHECKING:
    from postroom.patterns._near import Hint
    from postroom.patterns._tree import Conjunction

_FOUND_MAX: Final = 5
_HINTED_MAX: Final = 10
_COMPARED_MAX: Final = 5
_FAILING_SHOWN: Final = 10
_HOLDING_SHOWN: Final = 20
_ENTRIES_SHOWN: Final = 8
_TEXT_CHARS_MAX: Final = 300
_REPR_CHARS_MAX: Final = 80


class _Pattern(Protocol):
    """
    What is needed of a `Pattern`, which itself needs this module.
    """

    @property
    def text(self) -> str: ...

    @property
    def conjunctions(self) -> tuple[Conjunction, ...]: ...

    @property
    def _paths(self) -> Paths: ...

    def matches(self, event: Mapping[str, Any]) -> bool: ...


@attrs.frozen
class FoundValue:
    """
    A value of an event, and where it is.
    """

    place: str
    """The keys to it, joined by dots, with ``[n]`` for elements of arrays, from 0; cut if it is very long."""
    value: str
    """As JSON, so that ``"5"`` is not ``5``; cut if it is long."""
    elements: tuple[str, ...] = ()
    """The elements of arrays, objects or arrays themselves, that it is in, the outermost first (PAT 4)."""

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict, each field under its name.

        >>> FoundValue("lines[0].item", '"tea"', ("lines[0]",)).to_dict()["elements"]
        ['lines[0]']
        """
        return {"place": self.place, "value": self.value, "elements": list(self.elements)}


@attrs.frozen
class CheckedCondition:
    """
    What a pattern wants at one path, and what an event has there.
    """

    path: str
    """The keys of the pattern, joined by dots."""
    holds: bool
    expected: tuple[str, ...]
    """The entries of the list, as JSON: one of them will do."""
    by: str | None
    """The entry that is satisfied; None: none is."""
    found: tuple[FoundValue, ...]
    """The value that satisfies it; none, if it holds because none is there. If it fails, the first of what is there."""
    found_count: int
    """How many values are there."""
    hints: tuple[Hint, ...] = ()
    """If it fails, the near misses."""

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict, each field under its name.

        >>> CheckedCondition("a", False, ('"x"',), None, (), 0).to_dict()["expected"]
        ['"x"']
        """
        return {
            "path": self.path,
            "holds": self.holds,
            "expected": list(self.expected),
            "by": self.by,
            "found": [one.to_dict() for one in self.found],
            "found_count": self.found_count,
            "hints": [one.to_dict() for one in self.hints],
        }

    def __str__(self) -> str:
        return "\n".join(_failing_lines(self) if not self.holds else [_holding_line(self, 0)])


@attrs.frozen(repr=False)
class Explanation:
    """
    Why an event matches a pattern, or what it lacks; true if it matches.

    >>> from postroom import Pattern
    >>> pattern = Pattern({"source": ["shop"], "detail": {"state": ["paid"]}})
    >>> explanation = pattern.explain({"source": "shop", "detail": {"state": "Paid"}})
    >>> print(explanation)
    no match: detail.state fails, 1 of 2 conditions holds
      detail.state
        wanted  "paid"
        found   "Paid"
        hint    it differs in case only: write {"equals-ignore-case": "paid"}
      source holds: "shop"
    >>> explanation.matches, explanation.hints[0].kind
    (False, 'case')

    In a test, ``assert explanation, explanation.assertion_message`` shows it all.
    """

    pattern: str
    """The text of the pattern."""
    matches: bool
    conditions: tuple[CheckedCondition, ...]
    """Of the alternative that is explained, in the order in which they are checked: sorted by path."""
    alternative: int = 1
    """Which of the alternatives it is, from 1, as ``$or`` multiplies out."""
    alternatives_count: int = 1

    @property
    def failing(self) -> tuple[CheckedCondition, ...]:
        """
        The conditions that fail, the first that is checked first; empty if the event matches.

        >>> from postroom import Pattern
        >>> [one.path for one in Pattern({"b": [1], "a": [1]}).explain({}).failing]
        ['a', 'b']
        """
        return tuple(one for one in self.conditions if not one.holds)

    @property
    def hints(self) -> tuple[Hint, ...]:
        """
        The near misses of all conditions that fail.

        >>> from postroom import Pattern
        >>> [hint.kind for hint in Pattern({"a": [5]}).explain({"a": "5"}).hints]
        ['string-for-number']
        """
        return tuple(hint for one in self.conditions for hint in one.hints)

    @property
    def assertion_message(self) -> str:
        """
        The text for a test that fails: that of `str`, and the pattern.

        >>> from postroom import Pattern
        >>> print(Pattern({"a": [5]}).explain({"a": 6}).assertion_message)
        no match: a fails
          a
            wanted  5
            found   6
          pattern: {"a":[5]}
        """
        return f"{self}\n  pattern: {cut(printable(self.pattern), _TEXT_CHARS_MAX)}"

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict, each field under its name.

        >>> from postroom import Pattern
        >>> Pattern({"a": [5]}).explain({"a": 5}).to_dict()["matches"]
        True
        """
        return {
            "pattern": self.pattern,
            "matches": self.matches,
            "conditions": [one.to_dict() for one in self.conditions],
            "alternative": self.alternative,
            "alternatives_count": self.alternatives_count,
        }

    def __bool__(self) -> bool:
        return self.matches

    def __str__(self) -> str:
        return "\n".join([_headline(self), *_lines(self)])

    def __repr__(self) -> str:
        # pytest shows this one of `assert pattern.explain(event)`: what matters comes first.
        if self.matches:
            return f"<Explanation: {_headline(self)}>"
        first = self.failing[0]
        wanted, found = cut(_wanted(first), _REPR_CHARS_MAX), cut(_found(first), _REPR_CHARS_MAX)
        return f"<Explanation: no match, {_shown_path(first.path)}: wanted {wanted}, found {found}>"


@attrs.frozen(repr=False)
class RuleSetExplanation(Mapping[Any, Explanation]):
    """
    Explanations by the names of rules: first of those that an event matches, then of the nearest that it misses.

    >>> from postroom import Pattern
    >>> rules = {"tea": Pattern({"item": ["tea"]}), "cake": Pattern({"item": ["cake"]})}
    >>> found = explain_rules(rules, {"item": "cake"})
    >>> list(found), found["cake"].matches, found["tea"].matches
    (['cake', 'tea'], True, False)
    """

    explanations: tuple[tuple[Hashable, Explanation], ...]
    """Names and explanations, in that order."""
    rules_count: int
    """How many rules there are, with those that are not explained."""

    @property
    def matching(self) -> tuple[Hashable, ...]:
        """
        The names of the rules that the event matches.

        >>> from postroom import Pattern
        >>> explain_rules({"tea": Pattern({"item": ["tea"]})}, {"item": "tea"}).matching
        ('tea',)
        """
        return tuple(name for name, explanation in self.explanations if explanation.matches)

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict: the explanations are a list, as names need not be texts.

        >>> RuleSetExplanation((), 3).to_dict()
        {'explanations': [], 'rules_count': 3}
        """
        found = [{"rule": name, **explanation.to_dict()} for name, explanation in self.explanations]
        return {"explanations": found, "rules_count": self.rules_count}

    def __getitem__(self, name: object) -> Explanation:
        for one, explanation in self.explanations:
            if one == name:
                return explanation
        raise KeyError(name)

    def __iter__(self) -> Iterator[Any]:
        return (name for name, _ in self.explanations)

    def __len__(self) -> int:
        return len(self.explanations)

    def __str__(self) -> str:
        told = [f"{_shown_path(str(name))}: {explanation}" for name, explanation in self.explanations]
        return "\n".join([self._headline(), *told])

    def __repr__(self) -> str:
        return f"<RuleSetExplanation: {self._headline()}>"

    def _headline(self) -> str:
        rules = "1 rule matches" if self.rules_count == 1 else f"{self.rules_count} rules match"
        return f"{len(self.matching)} of {rules}"


def explain(pattern: _Pattern, event: Mapping[str, Any]) -> Explanation:
    """
    Why an event matches a pattern, or what it lacks.

    Raises:
        InvalidInput: As `Pattern.matches`.
        EventTooComplex: As `Pattern.matches`.
    """
    matches = pattern.matches(event)
    return _explain(pattern, Surroundings(event, locate(event, pattern._paths)), matches=matches)


def explain_rules(
    patterns: Mapping[Any, _Pattern], event: Mapping[str, Any], *, nearest: int = 5
) -> RuleSetExplanation:
    """
    Which of many patterns an event matches, and which it nearly does.

    Args:
        patterns: By name.
        event: As `Pattern.matches` takes it.
        nearest: How many of those to explain that the event does not match.

    Raises:
        InvalidInput: As `Pattern.matches`.
        EventTooComplex: As `Pattern.matches`.
    """
    matching = {name for name, pattern in patterns.items() if pattern.matches(event)}
    paths = Paths.of(path for pattern in patterns.values() for path in pattern._paths.named)
    around = Surroundings(event, locate(event, paths))
    far: list[tuple[tuple[int, int], int, Any]] = []
    for at, (name, pattern) in enumerate(patterns.items()):
        if name not in matching:
            search = Search(pattern.conjunctions, around.spots.leaves)
            far.append((min(map(search.how_far, pattern.conjunctions)), at, name))
    names = [name for name in patterns if name in matching]
    names += [name for _, _, name in sorted(far, key=lambda one: one[:2])[: max(nearest, 0)]]
    explained = ((name, _explain(patterns[name], around, matches=name in matching)) for name in names)
    return RuleSetExplanation(tuple(explained), len(patterns))


def _explain(pattern: _Pattern, around: Surroundings, *, matches: bool) -> Explanation:
    search = Search(pattern.conjunctions, around.spots.leaves)
    if matches:
        success = search.success()
        assert success is not None, "the matcher and its explanation disagree"
        number, conditions = success.number, _checked(success, search, around, {})
    else:
        number, conditions = _nearest(pattern, search, around)
    return Explanation(pattern.text, matches, conditions, number + 1, len(pattern.conjunctions))


def _nearest(pattern: _Pattern, search: Search, around: Surroundings) -> tuple[int, tuple[CheckedCondition, ...]]:
    """
    The alternative with the fewest failures; of several, that with the most hints, and then the longest.
    """
    attempts = search.attempts()
    fewest = min(attempt.failures for attempt in attempts)
    best: tuple[int, int, int] | None = None
    nearest: tuple[Attempt, dict[int, tuple[Hint, ...]]] | None = None
    for attempt in [one for one in attempts if one.failures == fewest][:_COMPARED_MAX]:
        hints = _hints(attempt, search, around, pattern._paths.named)
        rank = (sum(map(bool, hints.values())), len(attempt.outcomes), -attempt.number)
        if best is None or rank > best:
            best, nearest = rank, (attempt, hints)
    assert nearest is not None
    return nearest[0].number, _checked(nearest[0], search, around, nearest[1])


def _hints(attempt: Attempt, search: Search, around: Surroundings, used: frozenset[str]) -> dict[int, tuple[Hint, ...]]:
    """
    The hints of the first conditions that fail, by their number.
    """
    found: dict[int, tuple[Hint, ...]] = {}
    for at in [at for at, outcome in enumerate(attempt.outcomes) if not outcome.holds][:_HINTED_MAX]:
        condition = attempt.outcomes[at].condition
        hints = hints_of_elements(attempt, at, search, around.spots)
        found[at] = tuple(hints or hints_for(condition, around, used))
    return found


def _checked(
    attempt: Attempt, search: Search, around: Surroundings, hints: Mapping[int, tuple[Hint, ...]]
) -> tuple[CheckedCondition, ...]:
    spots = around.spots
    checked: list[CheckedCondition] = []
    for at, outcome in enumerate(attempt.outcomes):
        condition = outcome.condition
        present = spots.leaves.get(condition.path, [])
        leaf = search.leaf(outcome)
        by = None
        if outcome.holds:
            shown = [] if leaf is None else [leaf]
            wanting = (entry for entry in condition.wanted if leaf is not None and entry.wants(leaf.value))
            by = '{"exists": false}' if leaf is None else entry_json(next(wanting))
        else:
            # Values that would do, but for the elements they are in, say more than others.
            shown = (search.fitting(condition) or present)[:_FOUND_MAX]
        found = tuple(_found_value(one, spots) for one in shown)
        expected = tuple(map(entry_json, condition.wanted))
        told = hints.get(at, ())
        checked.append(CheckedCondition(condition.path, outcome.holds, expected, by, found, len(present), told))
    return tuple(checked)


def _found_value(leaf: Leaf, spots: Spots) -> FoundValue:
    arrays: list[tuple[Array, int]] = list(leaf.member_of.items())
    # Of arrays within arrays without end, the innermost tell enough.
    elements = tuple(array.element(index) for array, index in arrays[-_FOUND_MAX:])
    return FoundValue(str(spots.place(leaf)), shown_value(leaf.value), elements)


# Text.


def _headline(told: Explanation) -> str:
    count = len(told.conditions)
    which = f", alternative {told.alternative} of {told.alternatives_count}" if told.alternatives_count > 1 else ""
    if told.matches:
        return f"match: {'the condition holds' if count == 1 else f'all {count} conditions hold'}{which}"
    failing = told.failing
    names = ", ".join(_shown_path(one.path) for one in failing[:3])
    more = f" and {len(failing) - 3} more" if len(failing) > 3 else ""
    holding = count - len(failing)
    if which:
        which = f"; nearest is{which[1:]}"
    rest = f", {holding} of {count} conditions {'holds' if holding == 1 else 'hold'}" if holding else ""
    return f"no match: {names}{more} {'fails' if len(failing) == 1 else 'fail'}{rest}{which}"


def _lines(told: Explanation) -> Iterator[str]:
    failing = told.failing
    for one in failing[:_FAILING_SHOWN]:
        yield from _failing_lines(one, "  ")
    if len(failing) > _FAILING_SHOWN:
        yield f"  {len(failing) - _FAILING_SHOWN} more fail"
    holding = [one for one in told.conditions if one.holds]
    width = max((len(_shown_path(one.path)) for one in holding[:_HOLDING_SHOWN]), default=0)
    for one in holding[:_HOLDING_SHOWN]:
        yield f"  {_holding_line(one, width)}"
    if len(holding) > _HOLDING_SHOWN:
        yield f"  {len(holding) - _HOLDING_SHOWN} more hold"


def _failing_lines(one: CheckedCondition, margin: str = "") -> list[str]:
    lines = [
        f"{margin}{_shown_path(one.path)}",
        f"{margin}  wanted  {_wanted(one)}",
        f"{margin}  found   {_found(one)}",
    ]
    for hint in one.hints:
        where = "" if hint.path == _shown_path(one.path) or hint.path in hint.text else f"{hint.path}: "
        lines.append(f"{margin}  hint    {where}{hint.text}")
    return lines


def _holding_line(one: CheckedCondition, width: int) -> str:
    path = _shown_path(one.path).ljust(width)
    if not one.found:
        return f"{path} holds: nothing is there, as wanted by {one.by}"
    [value] = one.found
    where = "" if value.place == _shown_path(one.path) else f" at {value.place}"
    by = "" if value.value == one.by else f", wanted by {cut(str(one.by))}"
    return f"{path} holds: {value.value}{where}{by}"


def _wanted(one: CheckedCondition) -> str:
    more = f" or {len(one.expected) - _ENTRIES_SHOWN} more" if len(one.expected) > _ENTRIES_SHOWN else ""
    return cut(" or ".join(one.expected[:_ENTRIES_SHOWN]), _TEXT_CHARS_MAX) + more


def _found(one: CheckedCondition) -> str:
    if not one.found:
        return "nothing"
    told = [
        value.value if value.place == _shown_path(one.path) else f"{value.value} at {value.place}"
        for value in one.found
    ]
    more = f" and {one.found_count - len(one.found)} more" if one.found_count > len(one.found) else ""
    return cut(", ".join(told), 3 * _TEXT_CHARS_MAX) + more


def _shown_path(path: str) -> str:
    return cut(printable(path)) or '""'
