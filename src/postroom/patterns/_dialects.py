"""
Dialects: who allows what of the language of patterns, as data (PAT 2, SNS 7, DEL C1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from postroom.limits import (
    EVENT_PATTERN_MAX_CHARS,
    FILTER_POLICY_COMBINATIONS_MAX,
    FILTER_POLICY_KEYS_MAX,
    FILTER_POLICY_MAX_CHARS,
    PATTERN_COMBINATIONS_MAX,
    WILDCARD_COMPLEXITY_END,
)

_WHO: Final[Mapping[str, str]] = {
    # E: EventBridge, S: filter policies of SNS, P: pipes, L: event filters of Lambda.
    "exists": "ESPL",
    "exactly": "ESPL",
    "prefix": "ESPL",
    "prefix equals-ignore-case": "E.PL",
    "suffix": "ESPL",
    "suffix equals-ignore-case": "E.PL",
    "equals-ignore-case": "ESPL",
    "wildcard": "E..L",
    "numeric": "ESPL",
    "cidr": "ESPL",
    "anything-but": "ESPL",
    "anything-but prefix": "ES.L",
    "anything-but suffix": "E..L",
    "anything-but equals-ignore-case": "E..L",
    "anything-but wildcard": "E..L",
    "anything-but lists": "E..L",
    "$or": "ESPL",
}
"""
The operators, those below others under the names of both, and who has them.

``anything-but lists`` are lists of strings below an operator below ``anything-but``. SNS's dot at ``wildcard`` and that of
pipes are not sure (SNS 7.1, PAT 2): `Dialect.allowing` is for who knows better.
"""


def _allowed_by(who: str) -> frozenset[str]:
    return frozenset(name for name, all_who in _WHO.items() if who in all_who)


@attrs.frozen(kw_only=True)
class Dialect:
    """
    What one service allows in a pattern, and how it words what it does not.

    A dialect is a value. One of one's own is made of another with `attrs.evolve`, or `allowing`.

    >>> import attrs
    >>> from postroom import Pattern
    >>> strict = attrs.evolve(EVENTBRIDGE, name="ours", keys_max=1)
    >>> Pattern('{"a": [1], "b": [2]}', dialect=strict)
    Traceback (most recent call last):
        ...
    postroom.errors.InvalidEventPattern: Event pattern is not valid. Reason: Filter policy can not have more than 1 keys
      At b, write: at most 1 key at the top: put the others into one object, or make two patterns
    """

    name: str
    """For people."""
    operators: frozenset[str]
    """``prefix``, ``anything-but wildcard`` and so on, ``$or`` too: what is not in it is refused as if it did not exist."""
    preamble: str = "Event pattern is not valid. Reason: "
    """What stands before the reason in an error."""
    message: str | None = None
    """An error says this and no more; None: it says the reason, and where."""
    chars_max: int = EVENT_PATTERN_MAX_CHARS
    """The longest text."""
    keys_max: int | None = None
    """Keys at the top of a pattern, ``$or`` among them; None: any number."""
    has_nesting: bool = True
    """Whether keys may hold objects."""
    combinations_max: int = PATTERN_COMBINATIONS_MAX
    """What the pattern may come to when it is multiplied out."""
    counts_values: bool = False
    """Whether the entries of lists, times their depth, count as combinations too, not only the branches of ``$or``."""
    complexity_end: int = WILDCARD_COMPLEXITY_END
    """Places at once in the wildcards of one field: the first number that is refused (PAT 6.3)."""
    is_structure_first: bool = False
    """Whether keys, objects and lists are checked before what is in the lists."""
    has_null_exists: bool = True
    """Whether ``{"exists": true}`` will do with null, and with an empty string."""

    def allowing(self, *operators: str) -> Dialect:
        """
        The same dialect with more operators.

        >>> "wildcard" in SNS_BODY.allowing("wildcard").operators
        True

        Args:
            operators: Names of operators, of the form of those in `operators`.
        """
        return attrs.evolve(self, operators=self.operators.union(operators))

    def __repr__(self) -> str:
        return f"Dialect({self.name!r})"


EVENTBRIDGE: Final = Dialect(name="EventBridge", operators=_allowed_by("E"))
"""Rules and archives of buses: the whole language (PAT 2)."""

SNS_BODY: Final = Dialect(
    name="SNS filter policy, message body",
    operators=_allowed_by("S"),
    preamble="FilterPolicy: ",
    chars_max=FILTER_POLICY_MAX_CHARS,
    keys_max=FILTER_POLICY_KEYS_MAX,
    combinations_max=FILTER_POLICY_COMBINATIONS_MAX,
    counts_values=True,
    is_structure_first=True,
)
"""Filter policies on the body of messages (SNS 7)."""

SNS_ATTRIBUTES: Final = attrs.evolve(
    SNS_BODY, name="SNS filter policy, message attributes", has_nesting=False, has_null_exists=False
)
"""Filter policies on the attributes of messages (SNS 7.3, 7.4)."""

PIPES: Final = Dialect(name="pipe filter", operators=_allowed_by("P"))
"""Filters of pipes (PAT 2)."""

LAMBDA: Final = Dialect(
    name="Lambda event filter", operators=_allowed_by("L"), message="Invalid filter pattern definition."
)
"""Filters of the event sources of functions (DEL C1)."""
