"""
An answer that may be yes, no or unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from postroom.errors import InvalidInput


@attrs.frozen(eq=False, kw_only=True)
class Answer:
    """
    What `covers` and `equivalent` found out: yes, no, or that they do not know.

    True or false where it is known; what is unknown is neither, and asking raises.

    >>> from postroom.patterns import Pattern
    >>> from postroom.patterns._cover import covers
    >>> answer = covers(Pattern({"a": ["x"]}), Pattern({"a": ["x", "y"]}))
    >>> bool(answer), answer.counterexample
    (False, {'a': 'y'})
    """

    holds: bool | None
    """None: it is unknown."""
    counterexample: Mapping[str, Any] | None = None
    """If it does not hold, an event that shows it, as `read_event` would give it."""
    reason: str = ""
    """If it is unknown, why."""

    @property
    def known(self) -> bool:
        """
        Whether it is yes or no.

        >>> Answer(holds=None, reason="it would take too long").known
        False
        """
        return self.holds is not None

    def __bool__(self) -> bool:
        if self.holds is None:
            raise InvalidInput(
                f"It is not known whether this holds: {self.reason}.",
                help="Ask `known` first, or `holds`, which is None then.",
            )
        return self.holds

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict, each field under its name.

        >>> Answer(holds=True).to_dict()
        {'holds': True, 'counterexample': None, 'reason': ''}
        """
        return {
            "holds": self.holds,
            "counterexample": None if self.counterexample is None else dict(self.counterexample),
            "reason": self.reason,
        }
