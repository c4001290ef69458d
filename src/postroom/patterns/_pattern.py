"""
A pattern: read once, asked about any number of events.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

from postroom.errors import EventsValidationError, InvalidInput
from postroom.limits import EVENT_PATTERN_MAX_CHARS
from postroom.patterns._flatten import Leaves, flatten
from postroom.patterns._parse import parse
from postroom.patterns._values import Absent


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

    Raises:
        InvalidEventPattern: It is no pattern; the text says why and where (PAT 9).
        NotSupported: It uses an operator that AWS has and postroom has not yet.
        EventsValidationError: It is too long.
        InvalidInput: It is neither text nor a mapping that JSON can express.
    """

    __slots__ = ("_paths", "_text")

    def __init__(self, pattern: str | Mapping[str, Any]) -> None:
        text = pattern if isinstance(pattern, str) else _text_of(pattern)
        if len(text) > EVENT_PATTERN_MAX_CHARS:
            raise EventsValidationError(
                f"1 validation error detected: Value '{text}' at 'eventPattern' failed to satisfy constraint: "
                f"Member must have length less than or equal to {EVENT_PATTERN_MAX_CHARS}",
                help=f"It has {len(text)} characters.",
            )
        self._text = text
        # In the order in which AWS looks at them, which shows where elements of arrays must not be there (PAT 4).
        self._paths = sorted(parse(text).items(), key=lambda one: one[0].encode("utf-16-be", "surrogatepass"))

    @property
    def text(self) -> str:
        """
        The text, as it was given; of a mapping, compact JSON.

        >>> Pattern({"source": ["shop"]}).text
        '{"source":["shop"]}'
        """
        return self._text

    def matches(self, event: Mapping[str, Any]) -> bool:
        """
        Whether an event is wanted.

        >>> Pattern('{"a": [null]}').matches({"a": None}), Pattern('{"a": [null]}').matches({})
        (True, False)

        Args:
            event: As `json.loads` returns it. What a bus hands out as text is parsed first.

        Raises:
            InvalidInput: The event is no mapping, or holds what JSON has not.
        """
        return self.matches_leaves(flatten(event))

    def matches_leaves(self, leaves: Leaves) -> bool:
        """
        The same, for an event of which `flatten` was made once for many patterns.

        >>> Pattern('{"a": ["x"]}').matches_leaves(flatten({"a": "x"}))
        True
        """
        # What no leaf at all satisfies needs no search among elements: most events end here.
        for path, wanted in self._paths:
            if (
                not any(one.wants(leaf.value) for leaf in leaves.get(path, ()) for one in wanted)
                and Absent() not in wanted
            ):
                return False
        return self._matches(leaves, 0, {})

    def _matches(self, leaves: Leaves, place: int, chosen: Mapping[int, int]) -> bool:
        """
        Whether the paths from a place on are satisfied by leaves that agree with the elements chosen so far.
        """
        for at in range(place, len(self._paths)):
            path, wanted = self._paths[at]
            here = [leaf for leaf in leaves.get(path, ()) if _agree(leaf.member_of, chosen)]
            if not here:
                if Absent() not in wanted:
                    return False
                continue
            fitting = [leaf.member_of for leaf in here if any(one.wants(leaf.value) for one in wanted)]
            if fitting and all(member_of.items() <= chosen.items() for member_of in fitting):
                continue  # whichever it is, it chooses no element
            return any(self._matches(leaves, at + 1, {**chosen, **member_of}) for member_of in fitting)
        return True

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict, under the name ``text``.

        >>> Pattern({"source": ["shop"]}).to_dict()
        {'text': '{"source":["shop"]}'}
        """
        return {"text": self._text}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and self._text == other._text

    def __hash__(self) -> int:
        return hash((Pattern, self._text))

    def __reduce__(self) -> tuple[Any, ...]:
        return Pattern, (self._text,)

    def __repr__(self) -> str:
        return f"Pattern({self._text!r})"


def _agree(one: Mapping[int, int], other: Mapping[int, int]) -> bool:
    """
    Whether two leaves, or a leaf and those chosen before, are of the same element of each array that they share.
    """
    return all(other.get(array, index) == index for array, index in one.items())


def _text_of(pattern: object) -> str:
    if not isinstance(pattern, Mapping):
        raise InvalidInput(
            "A pattern must be a str or a mapping.", help=f"got a value of type {type(pattern).__name__}; write JSON"
        )
    try:
        _check_keys(cast("object", pattern))
        return json.dumps(
            dict(cast("Mapping[str, Any]", pattern)), ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput("JSON cannot express this pattern.", help=str(error)) from None


def _check_keys(value: object) -> None:
    """
    Refuses keys that `json.dumps` would make text of in silence.
    """
    if isinstance(value, Mapping):
        for key, inner in cast("Mapping[object, object]", value).items():
            if not isinstance(key, str):
                raise TypeError(f"the key {key!r} is no str")
            _check_keys(inner)
    elif isinstance(value, list | tuple):
        for inner in cast("Iterable[object]", value):
            _check_keys(inner)
