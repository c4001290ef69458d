"""
One conjunction, compiled: what it asks of an event, cheapest question first (PAT 1, 4).

A row fetches what it looks at, and nothing else. What several rows look at is fetched once: they share a memory, by path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from postroom.patterns import _naive
from postroom.patterns._fetch import MISSING, Many, Path, fetch, key_of, path_of
from postroom.patterns._flatten import Paths, flatten
from postroom.patterns._operators import AnythingBut, Entry, Exactly, Number
from postroom.patterns._trie import STEPS_MAX, Memory
from postroom.patterns._values import WrittenNumber, number_value

if TYPE_CHECKING:
    from postroom.patterns._tree import Condition, Conjunction

VALUES_MAX: Final = 8
"""Values of one condition by which a row is filed."""

_SURE_INT: Final = 1 << 53
_NO_TEXT: Final = object()
_UNKNOWN: Final = object()

Test: TypeAlias = Callable[[Any], bool]


class Check(NamedTuple):
    """
    A condition, compiled.
    """

    path: Path
    text: object
    """The one string that will do; something that equals nothing if it is not as simple as that."""
    test: Test
    """Whether a value will do."""
    may_be_absent: bool
    keys: tuple[Any, ...] | None
    """The values that will do, as `key_of` has them; None: they cannot be listed."""
    wanted: tuple[Entry, ...]
    can_be_filed: bool
    """Whether the values that will do are few, and at a path that a trie may have."""


Pending: TypeAlias = "tuple[tuple[Check, ...], FiledRow]"
"""What is left to be asked of a row, and the row."""


def check_of(condition: Condition) -> Check:
    """
    A condition, compiled.
    """
    wanted = condition.wanted
    text: object = _NO_TEXT
    if len(wanted) == 1 and isinstance(wanted[0], Exactly) and isinstance(wanted[0].value, str):
        text = wanted[0].value
    listed = _listed(wanted)
    path = path_of(condition.path)
    can_be_filed = listed is not None and len(listed) <= VALUES_MAX and len(path.steps) <= STEPS_MAX
    return Check(path, text, _test_of(condition, listed), condition.may_be_absent, listed, wanted, can_be_filed)


def _listed(wanted: tuple[Entry, ...]) -> tuple[Any, ...] | None:
    keys: dict[Any, None] = {}
    for entry in wanted:
        key = key_of_entry(entry)
        if key is None:
            return None
        keys[key[0]] = None
    return tuple(keys)


def key_of_entry(entry: Entry) -> tuple[Any] | None:
    """
    The one value that an entry wants, as `key_of` has it, in a tuple; None if it wants others.

    >>> key_of_entry(Number("3.0e2")), key_of_entry(Exactly("x"))
    ((300.0,), ('x',))
    """
    if isinstance(entry, Exactly):
        return (key_of(entry.value),)
    if isinstance(entry, Number):
        return (WrittenNumber(entry.text) if entry.value is None else entry.value,)
    return None


def _test_of(condition: Condition, keys: tuple[Any, ...] | None) -> Test:
    wanted = condition.wanted
    if keys is not None:
        if all(key.__class__ is str or key is None for key in keys):
            return frozenset(keys).__contains__
        if len(keys) > 1:
            listed = frozenset(keys)
            return lambda value: key_of(value) in listed
        if len(keys) == 1 and keys[0].__class__ is float:
            return _number_test(keys[0])
    if len(wanted) != 1:
        return condition.wants
    entry = wanted[0]
    excluded = _listed(entry.entries) if isinstance(entry, AnythingBut) else None
    return entry.wants if excluded is None else _exclusion_test(frozenset(excluded))


def _exclusion_test(excluded: frozenset[Any]) -> Test:
    return lambda value: (value if value.__class__ is str else key_of(value)) not in excluded


def _number_test(number: float) -> Test:
    def is_it(value: Any) -> bool:
        if value.__class__ is float or (value.__class__ is int and -_SURE_INT < value < _SURE_INT):
            return value == number
        return number_value(value) == number

    return is_it


class Row:
    """
    A conjunction.

    Args:
        conjunction: Which.
        known: Checks of the conditions of its pattern, by identity, as far as they are made.
    """

    __slots__ = ("checks", "conjunction")

    def __init__(self, conjunction: Conjunction, known: dict[int, Check] | None = None) -> None:
        self.conjunction: Conjunction = conjunction
        checks = [_shared(condition, {} if known is None else known) for condition in conjunction]
        checks.sort(key=_cost)
        self.checks: tuple[Check, ...] = tuple(checks)

    def holds(self, event: Mapping[str, Any], memory: Memory) -> bool:
        """
        Whether an event satisfies it.

        Raises:
            InvalidInput: A value at one of its paths is nothing that JSON has.
            EventTooComplex: Arrays in arrays leave too many combinations to be tried.
        """
        several: list[tuple[Check, Many]] | None = None
        for check in self.checks:
            path = check[0]
            value = memory.get(path, _UNKNOWN)
            if value is _UNKNOWN:
                value = memory[path] = fetch(event, path)
            if value == check[1]:
                continue
            if value.__class__ is not Many:
                if check[3] if value is MISSING else check[2](value):
                    continue
                return False
            if several is None:
                several = []
            several.append((check, value))
        return several is None or self._agree(event, several)

    def _agree(self, event: Mapping[str, Any], several: list[tuple[Check, Many]]) -> bool:
        """
        Whether leaves that will do can be chosen such that they are of the same elements of the arrays they share.
        """
        elements: dict[Any, int] = {}
        for check, many in several:
            if many.has_elements and (check.may_be_absent or (many.column is None and len(several) > 1)):
                return self._search(event)
        for check, many in several:
            if many.column is None:
                if not has_any(check, many):
                    return False
                continue
            array, fitting = many.column[0], _fitting(check, many)
            elements[array] = fitting = fitting & elements.get(array, -1)
            if not fitting:
                return False
        return True

    def _search(self, event: Mapping[str, Any]) -> bool:
        leaves = flatten(event, Paths.of(condition.path for condition in self.conjunction))
        return _naive.matches([self.conjunction], leaves)


class FiledRow(Row):
    """
    A row, and where it is filed.

    Args:
        conjunction: Which.
        rule: Whose it is.
        known: As `Row` takes it.
    """

    __slots__ = ("homes", "rule")

    def __init__(self, conjunction: Conjunction, rule: Any, known: dict[int, Check]) -> None:
        super().__init__(conjunction, known)
        self.rule: Any = rule
        self.homes: list[Any] = []
        """The nodes that have it."""


def pick(entries: Iterable[Pending], event: Mapping[str, Any], memory: Memory, found: list[FiledRow]) -> None:
    """
    Adds the rows that an event satisfies. It is known already that it satisfies the checks that are not in the entries.

    Raises:
        InvalidInput: A value at one of the paths is nothing that JSON has.
        EventTooComplex: Arrays in arrays leave too many combinations to be tried.
    """
    # This is `Row.holds` once more, for many rows in one call: most of the time of a match goes by here.
    get = memory.get
    for left, row in entries:
        for check in left:
            path = check[0]
            value = get(path, _UNKNOWN)
            if value is _UNKNOWN:
                value = memory[path] = fetch(event, path)
            if value == check[1]:
                continue
            if value is MISSING:
                if not check[3]:
                    break
            elif value.__class__ is Many:
                if row.holds(event, memory):
                    found.append(row)
                break
            elif not check[2](value):
                break
        else:
            found.append(row)


def _shared(condition: Condition, known: dict[int, Check]) -> Check:
    check = known.get(id(condition))
    if check is None:
        check = known[id(condition)] = check_of(condition)
    return check


def has_any(check: Check, many: Many) -> bool:
    """
    Whether one of several values will do.
    """
    answer = many.answers.get(id(check))
    if answer is None:
        answer = many.answers[id(check)] = any(map(check.test, many.values()))
    return bool(answer)


def _fitting(check: Check, many: Many) -> int:
    """
    In which elements of the array there is a value that will do, as bits.
    """
    assert many.column is not None
    values = many.column[1]
    fitting = 0
    if check.keys is not None:
        for key in check.keys:
            fitting |= values.get(key, 0)
        return fitting
    known = many.answers.get(id(check))
    if known is not None:
        return int(known)
    test = check.test
    for key, elements in values.items():
        if test(key[0] if key.__class__ is tuple else key):
            fitting |= elements
    many.answers[id(check)] = fitting
    return fitting


def _cost(check: Check) -> int:
    return 0 if check.text is not _NO_TEXT else 1 if check.keys is not None else 2
