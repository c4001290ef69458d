"""
Many rules asked at once which of them an event matches.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any, Final, cast
from weakref import ref

from postroom.errors import InvalidInput
from postroom.patterns._coverage import Coverage, coverage
from postroom.patterns._events import read_event
from postroom.patterns._explain import RuleSetExplanation, explain_rules
from postroom.patterns._node import Node, search
from postroom.patterns._pattern import Pattern
from postroom.patterns._rows import Check, FiledRow
from postroom.patterns._trie import TrieNode

_NOT_YET: Final = float("inf")
_NONE: Final[frozenset[Any]] = frozenset()


class _Rule:
    """
    A rule, and from which snapshot on, and until which, it counts.
    """

    __slots__ = ("born", "died", "name", "pattern", "rows")

    def __init__(self, name: Hashable, pattern: Pattern) -> None:
        self.name: Hashable = name
        self.pattern: Pattern = pattern
        known: dict[int, Check] = {}
        self.rows: list[FiledRow] = [FiledRow(conjunction, self, known) for conjunction in pattern.conjunctions]
        self.born: float = _NOT_YET
        self.died: float = _NOT_YET


class _Snapshot:
    """
    Who matches holds one, and sees the rules that counted when it was made.
    """

    __slots__ = ("__weakref__", "number")

    def __init__(self, number: int) -> None:
        self.number: int = number


class RuleSet:
    """
    Rules by name: which of them does an event match? However many there are, an event is looked at once.

    >>> rules = RuleSet()
    >>> rules.add("big", {"detail": {"total": [{"numeric": [">=", 100]}]}})
    >>> rules.add("tea", {"detail": {"item": ["tea"]}})
    >>> sorted(rules.match({"detail": {"item": "tea", "total": 120}}))
    ['big', 'tea']

    Rules may be added and removed while other threads match: each match sees all changes that were made before it began
    and none that were made later, and no match waits for anything. Adding or removing a rule costs in proportion to that
    rule, however many there are.

    Args:
        rules: Rules to begin with: patterns by name.
    """

    def __init__(self, rules: Mapping[Any, Pattern | str | Mapping[str, Any]] | None = None) -> None:
        self._root = Node(TrieNode())
        self._rules: dict[Hashable, _Rule] = {}
        self._lock = threading.Lock()
        self._snapshot = _Snapshot(0)
        # Whether there may be rows that no snapshot has: yet, while somebody changes rules, or for good, after Ctrl-C.
        self._changing = False
        self._is_littered = False
        # Rules that no longer count, and the last snapshot in which they did: while somebody matches with that, they stay.
        self._gone: deque[tuple[ref[_Snapshot], _Rule]] = deque()
        for name, pattern in (rules or {}).items():
            self.add(name, pattern)

    def add(self, name: Hashable, pattern: Pattern | str | Mapping[str, Any]) -> None:
        """
        Adds a rule, in place of one that has the name already.

        >>> rules = RuleSet({"tea": {"item": ["tea"]}})
        >>> rules.add("tea", {"item": ["green tea"]})
        >>> len(rules), rules.match({"item": "tea"})
        (1, frozenset())

        Args:
            name: By which `match` tells of it; any value that can be hashed.
            pattern: A `Pattern`, or what one is made of.

        Raises:
            InvalidEventPattern: The pattern is none; a rule that had the name stays.
            InvalidInput: It is neither text nor a mapping.
        """
        made = pattern if isinstance(pattern, Pattern) else Pattern(pattern)
        rule = _Rule(name, made)
        try:
            with self._lock:
                self._changing = True
                for row in rule.rows:
                    self._root.file(row)
                self._publish(name, rule, self._rules.get(name))
                self._changing = False
        except BaseException:
            self._is_littered = True
            with self._lock:
                if rule.born == _NOT_YET:
                    _take_out(rule)
                self._changing = False
            raise

    def remove(self, name: Hashable) -> None:
        """
        Removes a rule.

        >>> rules = RuleSet({"tea": {"item": ["tea"]}})
        >>> rules.remove("tea")
        >>> len(rules)
        0

        Raises:
            KeyError: There is none of that name.
        """
        try:
            with self._lock:
                self._publish(name, None, self._rules[name])
        except KeyError:
            raise
        except BaseException:
            self._is_littered = True
            raise

    def _publish(self, name: Hashable, new: _Rule | None, old: _Rule | None) -> None:
        before = self._snapshot
        after = _Snapshot(before.number + 1)
        try:
            if new is not None:
                new.born = after.number
                self._rules[name] = new
            if old is not None:
                old.died = after.number
                self._gone.append((ref(before), old))
                if new is None:
                    del self._rules[name]
            self._snapshot = after
        except BaseException:
            self._take_back(name, new, old)
            raise
        del before
        # One that is cut short here is gone through once more at the next change.
        while self._gone and self._gone[0][0]() is None:
            _take_out(self._gone[0][1])
            self._gone.popleft()

    def _take_back(self, name: Hashable, new: _Rule | None, old: _Rule | None) -> None:
        """
        Ctrl-C came before the snapshot was there.
        """
        if new is not None:
            new.born = _NOT_YET
            self._rules.pop(name, None)
        if old is not None:
            old.died = _NOT_YET
            self._rules[name] = old
            if self._gone and self._gone[-1][1] is old:
                self._gone.pop()

    def match(self, event: Mapping[str, Any]) -> frozenset[Any]:
        """
        The names of the rules that an event matches.

        >>> RuleSet({"tea": {"item": ["tea"]}}).match({"item": "tea"})
        frozenset({'tea'})

        Args:
            event: As `json.loads` returns it.

        Raises:
            InvalidInput: The event is no mapping, or a value at a path that a rule looks at is nothing that JSON has.
            EventTooComplex: Arrays in arrays leave too many combinations to be tried.
        """
        if event.__class__ is not dict:
            if not isinstance(event, Mapping):
                raise InvalidInput("An event must be a mapping.", help=f"got a value of type {type(event).__name__}")
            event = dict(event)
        snapshot = self._snapshot
        found = search(self._root, cast("dict[str, Any]", event))
        if not found:
            return _NONE
        if snapshot is self._snapshot and not (self._gone or self._changing or self._is_littered):
            return frozenset([row.rule.name for row in found])
        number = snapshot.number
        return frozenset([row.rule.name for row in found if row.rule.born <= number < row.rule.died])

    def match_json(self, event: str | bytes) -> frozenset[Any]:
        """
        The names of the rules that an event matches, given as JSON text: numbers count as they are written.

        >>> RuleSet({"tea": {"item": ["tea"]}}).match_json(b'{"item": "tea"}')
        frozenset({'tea'})

        Raises:
            InvalidInput: The text is no JSON object.
        """
        return self.match(read_event(event))

    def explain(self, event: Mapping[str, Any], *, nearest: int = 5) -> RuleSetExplanation:
        """
        Why rules match an event, and what those lack that nearly do: explanations by name.

        >>> print(RuleSet({"tea": {"item": ["tea"]}}).explain({"item": "Tea"}))
        0 of 1 rule matches
        tea: no match: item fails
          item
            wanted  "tea"
            found   "Tea"
            hint    it differs in case only: write {"equals-ignore-case": "tea"}

        Args:
            event: As `match` takes it.
            nearest: How many of the rules that do not match to explain, those that come nearest.

        Raises:
            InvalidInput: As `match`.
            EventTooComplex: As `match`.
        """
        return explain_rules({name: rule.pattern for name, rule in list(self._rules.items())}, event, nearest=nearest)

    def coverage(self, events: Iterable[Mapping[str, Any]]) -> Coverage:
        """
        What the rules do with events: those that never fire, those that always do, and events that no rule takes.

        >>> rules = RuleSet({"paid": {"state": ["paid"]}, "gone": {"state": ["gone"]}})
        >>> rules.coverage([{"state": "paid"}, {"state": "new"}]).never_fired
        ('gone',)

        Args:
            events: As `match` takes them; they are taken one by one, and none is kept.

        Raises:
            InvalidInput: As `match`.
            EventTooComplex: As `match`.
        """
        return coverage({name: rule.pattern for name, rule in list(self._rules.items())}, events, match=self.match)

    def pattern(self, name: Hashable) -> Pattern:
        """
        The pattern of a rule.

        >>> RuleSet({"tea": {"item": ["tea"]}}).pattern("tea").text
        '{"item":["tea"]}'

        Raises:
            KeyError: There is no rule of that name.
        """
        return self._rules[name].pattern

    def __len__(self) -> int:
        return len(self._rules)

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._rules))

    def __contains__(self, name: object) -> bool:
        return name in self._rules

    def __repr__(self) -> str:
        return f"<RuleSet of {len(self)} rules>"


def _take_out(rule: _Rule) -> None:
    for row in rule.rows:
        while row.homes:
            row.homes[-1].take_out(row)
            row.homes.pop()
