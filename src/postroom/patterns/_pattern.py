"""
A pattern: read once, asked about any number of events.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from postroom.errors import EventsValidationError, InvalidInput
from postroom.patterns._dialects import EVENTBRIDGE, Dialect
from postroom.patterns._events import read_event
from postroom.patterns._example import example_text
from postroom.patterns._explain import Explanation, explain
from postroom.patterns._flatten import Paths
from postroom.patterns._parse import parse
from postroom.patterns._rows import Check, Row
from postroom.patterns._sample import sample
from postroom.patterns._tree import Branch, Conjunction, conditions, conjunctions
from postroom.patterns._values import WrittenNumber

if TYPE_CHECKING:
    from postroom.patterns._trie import Memory


class Pattern:
    """
    An event pattern: which events are wanted.

    Every key of a pattern must be in the event, and a value there must be one of those in the key's list. Keys of an
    event that the pattern does not name do not matter. An array in an event counts as each of its elements.

    >>> pattern = Pattern({"source": ["shop"], "detail": {"state": [{"prefix": "pa"}], "test": [{"exists": False}]}})
    >>> pattern.matches({"source": "shop", "detail": {"state": "paid", "total": 12}})
    True
    >>> pattern.matches({"source": "shop", "detail": {"state": "paid", "test": True}})
    False

    Numbers are equal by value, and kinds are kept apart: ``1`` is neither ``"1"`` nor ``true``. Elements of one array
    are not mixed: two keys of objects in an array must be found in the same object.

    >>> lines = Pattern('{"lines": {"item": ["tea"], "count": [2]}}')
    >>> lines.matches({"lines": [{"item": "tea", "count": 2}, {"item": "cake", "count": 1}]})
    True
    >>> lines.matches({"lines": [{"item": "tea", "count": 1}, {"item": "cake", "count": 2}]})
    False

    Two patterns are equal if their texts are. A pattern does not change, can be hashed and pickled, and is shared
    freely between threads. Matching costs in proportion to the leaves of the event and the keys of the pattern, unless
    keys have to be found in the same elements of arrays: then also to the combinations of elements that fit in part.

    Args:
        pattern: JSON text, at most 4096 characters, or a mapping of which it is made (PAT 2, 10).
        dialect: What the pattern may use: `EVENTBRIDGE`, `SNS_BODY`, `SNS_ATTRIBUTES`, `PIPES`, `LAMBDA`.

    Raises:
        InvalidEventPattern: It is no pattern; the text says why and where, and `faults` has all that is wrong (PAT 9).
        EventsValidationError: It is too long.
        InvalidInput: It is neither text nor a mapping that JSON can express.
    """

    __slots__ = ("_conjunctions", "_dialect", "_paths", "_rows", "_text", "_tree")

    def __init__(self, pattern: str | Mapping[str, Any], *, dialect: Dialect = EVENTBRIDGE) -> None:
        text = pattern if isinstance(pattern, str) else _text_of(pattern)
        if len(text) > dialect.chars_max:
            raise EventsValidationError(
                f"1 validation error detected: Value '{text}' at 'eventPattern' failed to satisfy constraint: "
                f"Member must have length less than or equal to {dialect.chars_max}",
                help=f"It has {len(text)} characters.",
            )
        self._text = text
        self._dialect = dialect
        self._tree = parse(text, dialect)
        self._paths = Paths.of(condition.path for condition in conditions(self._tree))
        self._conjunctions: tuple[Conjunction, ...] | None = None
        self._rows: tuple[Row, ...] | None = None

    @classmethod
    def from_example(cls, event: Mapping[str, Any], keep: Iterable[str]) -> Pattern:
        """
        A pattern that an event matches, and others that are like it in what counts.

        Args:
            event: As `read_event` or `json.loads` returns it.
            keep: The paths that count, keys joined by dots.

        Raises:
            InvalidInput: The event is none, or has nothing at one of the paths.
        """
        return cls(example_text(event, keep))

    @property
    def text(self) -> str:
        """
        The text, as it was given; of a mapping, compact JSON.

        >>> Pattern({"source": ["shop"]}).text
        '{"source":["shop"]}'
        """
        return self._text

    @property
    def dialect(self) -> Dialect:
        """
        What the pattern may use.

        >>> Pattern({"source": ["shop"]}).dialect
        Dialect('EventBridge')
        """
        return self._dialect

    @property
    def tree(self) -> Branch:
        """
        What is wanted, as it is written.

        >>> Pattern({"source": ["shop"]}).tree
        (Condition(path='source', wanted=(Exactly(value='shop'),)),)
        """
        return self._tree

    @property
    def conjunctions(self) -> tuple[Conjunction, ...]:
        """
        What is wanted, multiplied out: an event matches if it satisfies all conditions of one of these (PAT 1, 8).

        >>> len(Pattern({"$or": [{"a": [1]}, {"b": [2]}], "c": [3]}).conjunctions)
        2
        """
        if self._conjunctions is None:
            self._conjunctions = conjunctions(self._tree)
        return self._conjunctions

    def matches(self, event: Mapping[str, Any]) -> bool:
        """
        Whether an event is wanted.

        >>> Pattern('{"a": [null]}').matches({"a": None}), Pattern('{"a": [null]}').matches({})
        (True, False)

        Keys that are no `str` are passed over. NaN and infinity are values that equal no number.

        Args:
            event: As `read_event` or `json.loads` returns it; what a bus hands out as text goes to `matches_json`. A
                `Decimal` is the number that it is, a tuple an array.

        Raises:
            InvalidInput: The event is no mapping, or a value at a path of the pattern is nothing that JSON has: a
                `datetime`, say.
            EventTooComplex: In too many ways could parts of the pattern be satisfied by different elements of arrays.
        """
        if event.__class__ is not dict and not isinstance(event, Mapping):
            raise InvalidInput("An event must be a mapping.", help=f"got a value of type {type(event).__name__}")
        if self._rows is None:
            known: dict[int, Check] = {}
            self._rows = tuple(Row(conjunction, known) for conjunction in self.conjunctions)
        memory: Memory = {}
        return any(row.holds(event, memory) for row in self._rows)

    def matches_json(self, text: str | bytes) -> bool:
        """
        Whether an event is wanted, given its JSON text.

        What Python's numbers and dicts lose is seen: digits that no double holds, and keys that stand twice.

        >>> Pattern('{"id": [9007199254740993]}').matches_json('{"id": 9007199254740993}')
        True
        >>> Pattern('{"id": [9007199254740993]}').matches_json('{"id": 9007199254740993.0}')
        False

        Args:
            text: A JSON object; bytes are UTF-8.

        Raises:
            InvalidInput: It is no JSON object.
            EventTooComplex: As `matches`.
        """
        return self.matches(read_event(text))

    def explain(self, event: Mapping[str, Any]) -> Explanation:
        """
        Why an event is wanted, or what it lacks.

        Args:
            event: As `matches` takes it.

        Raises:
            InvalidInput: As `matches`.
            EventTooComplex: As `matches`.
        """
        return explain(self, event)

    def sample(self, *, miss: bool = False) -> dict[str, Any]:
        """
        An event that is wanted.

        Args:
            miss: One that is not wanted instead, but nearly.
        """
        return sample(self, miss=miss)

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict, under the name ``text``.

        >>> Pattern({"source": ["shop"]}).to_dict()
        {'text': '{"source":["shop"]}'}
        """
        return {"text": self._text}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and self._text == other._text and self._dialect == other._dialect

    def __hash__(self) -> int:
        return hash((Pattern, self._text))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self._text, self._dialect)

    def __repr__(self) -> str:
        dialect = "" if self._dialect == EVENTBRIDGE else f", dialect={self._dialect!r}"
        return f"Pattern({self._text!r}{dialect})"


def _rebuild(text: str, dialect: Dialect) -> Pattern:
    return Pattern(text, dialect=dialect)


def _text_of(pattern: object) -> str:
    if not isinstance(pattern, Mapping):
        raise InvalidInput(
            "A pattern must be a str or a mapping.", help=f"got a value of type {type(pattern).__name__}; write JSON"
        )
    try:
        return _json(cast("object", pattern))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput("JSON cannot express this pattern.", help=str(error)) from None


def _json(value: object) -> str:
    """
    What `json.dumps` would write, but with the numbers that it cannot, and no keys that it would make text of in silence.
    """
    if isinstance(value, Mapping):
        members = cast("Mapping[object, object]", value)
        return "{" + ",".join(f"{_key(key)}:{_json(inner)}" for key, inner in members.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_json, cast("Iterable[object]", value))) + "]"
    if isinstance(value, WrittenNumber):
        return value.text
    if isinstance(value, Decimal) and value.is_finite():
        return str(value)
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"the key {key!r} is no str")
    return json.dumps(key, ensure_ascii=False)
