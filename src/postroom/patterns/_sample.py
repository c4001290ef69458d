"""
An event that a pattern wants, made from the pattern alone; or one that it nearly wants.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from postroom.errors import InvalidInput
from postroom.patterns._cover import missed_by
from postroom.patterns._nice import NOTHING, failing, fitting
from postroom.patterns._shown import cut, entry_json, printable
from postroom.patterns._spelling import spell
from postroom.patterns._tree import Condition, Conjunction, Parsed, conditions

_TRIES_MAX: Final = 300
_CONJUNCTIONS_MAX: Final = 10
_VALUES_MAX: Final = 8


def sample(pattern: Parsed, *, miss: bool = False) -> dict[str, Any]:
    """
    An event that a pattern wants, with nothing in it that the pattern does not ask for; always the same one.

    >>> from postroom.patterns import Pattern
    >>> pattern = Pattern({"source": ["shop"], "detail": {"state": [{"prefix": "pa"}], "total": [{"numeric": [">", 100]}]}})
    >>> sample(pattern)
    {'source': 'shop', 'detail': {'state': 'pa', 'total': 101}}

    What is nearly wanted has a value changed, added or left out. Where there is no other way, it has several.

    >>> sample(pattern, miss=True)
    {'source': 'shop', 'detail': {'state': 'pa', 'total': 100}}

    A number that no double holds is a `WrittenNumber`, as `read_event` has it: `json.dumps` does not write those.

    Args:
        pattern: It.
        miss: An event that is nearly wanted instead.

    Raises:
        InvalidInput: There is none. No event is wanted if the bounds of all ranges at a path are so near to each other that
            no double is between. Every event is wanted by `[{"exists": true}, {"exists": false}]`, say. A miss may also
            be too hard to find.
    """
    order = {condition.path: at for at, condition in enumerate(conditions(pattern.tree))}
    if miss:
        return _missing(pattern, order)
    for conjunction in pattern.conjunctions:
        values = _satisfying(conjunction)
        if len(values) == len(conjunction):
            return _spelled(values, order)
    raise _nothing_fits(pattern)


def _satisfying(conjunction: Conjunction) -> dict[str, Any]:
    """
    By path, a value that is wanted, or `NOTHING`; without the paths where nothing at all will do.
    """
    return {condition.path: value for condition in conjunction for value in islice(fitting(condition), 1)}


def _spelled(values: Mapping[str, Any], order: Mapping[str, int]) -> dict[str, Any]:
    ordered = sorted(values, key=order.__getitem__)
    return spell({path: values[path] for path in ordered if values[path] is not NOTHING})


def _nothing_fits(pattern: Parsed) -> InvalidInput:
    conjunction = pattern.conjunctions[0]
    values = _satisfying(conjunction)
    unfit = next(condition for condition in conjunction if condition.path not in values)
    return InvalidInput(
        "No event matches this pattern.",
        help=f"No double is within the bounds of {cut(entry_json(unfit.wanted[0]))} at {cut(printable(unfit.path))}.",
    )


def _missing(pattern: Parsed, order: Mapping[str, int]) -> dict[str, Any]:
    found = next((event for event in islice(_broken(pattern, order), _TRIES_MAX) if not pattern.matches(event)), None)
    if found is not None:
        return found
    answer = missed_by(pattern)
    if answer.counterexample is not None:
        return dict(answer.counterexample)
    if answer.holds:
        raise InvalidInput(
            "Every event matches this pattern.",
            help='Leave out {"exists": false}, or {"exists": true}, where a list or the branches of $or have both.',
        )
    raise InvalidInput(
        "No event was found that does not match this pattern.", help=f"That there is one is not known: {answer.reason}."
    )


def _broken(pattern: Parsed, order: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    """
    Events in which one condition fails: that which is written last, if it will do.
    """

    def from_behind(condition: Condition) -> int:
        return -order[condition.path]

    for conjunction in pattern.conjunctions[:_CONJUNCTIONS_MAX]:
        values = _satisfying(conjunction)
        if len(values) < len(conjunction):
            yield _spelled(values, order)
        for condition in sorted(conjunction, key=from_behind):
            for value in islice(failing(condition), _VALUES_MAX):
                yield _spelled({**values, condition.path: value}, order)
