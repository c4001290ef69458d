"""
What rules do with many events: which of them never fire, which always do, and which events no rule takes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from postroom.patterns._shown import cut, printable

if TYPE_CHECKING:
    from postroom.patterns._pattern import Pattern

_UNMATCHED_MAX: Final = 100
_SHOWN_MAX: Final = 20
_NAME_CHARS_MAX: Final = 60


@attrs.frozen(kw_only=True)
class Coverage:
    """
    What some rules did with some events.

    >>> from postroom.patterns import Pattern
    >>> found = coverage({"paid": Pattern({"state": ["paid"]}), "any": Pattern({"state": [{"exists": True}]})}, [{"state": "new"}])
    >>> found.never_fired, found.always_fired, found.unmatched_count
    (('paid',), ('any',), 0)
    """

    events_count: int
    """How many events there were."""
    fired: Mapping[Any, int]
    """For each rule, how many events it took; in the order of the rules."""
    unmatched: tuple[int, ...]
    """The first 100 of the events that no rule took, as their places, from 0."""
    unmatched_count: int
    """How many events no rule took."""
    events_by_rules: Mapping[int, int]
    """How many events were taken by no rule, by one rule, by two and so on; only what there was."""

    @property
    def never_fired(self) -> tuple[Any, ...]:
        """
        The rules that took no event.

        >>> Coverage(events_count=1, fired={"a": 0}, unmatched=(0,), unmatched_count=1, events_by_rules={0: 1}).never_fired
        ('a',)
        """
        return tuple(name for name, count in self.fired.items() if not count)

    @property
    def always_fired(self) -> tuple[Any, ...]:
        """
        The rules that took every event; none if there were no events.

        >>> Coverage(events_count=1, fired={"a": 1}, unmatched=(), unmatched_count=0, events_by_rules={1: 1}).always_fired
        ('a',)
        """
        return tuple(name for name, count in self.fired.items() if count == self.events_count > 0)

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict, each field and property under its name.

        >>> coverage({}, [{"a": 1}]).to_dict()["events_by_rules"]
        {0: 1}
        """
        return {
            "events_count": self.events_count,
            "fired": dict(self.fired),
            "never_fired": list(self.never_fired),
            "always_fired": list(self.always_fired),
            "unmatched": list(self.unmatched),
            "unmatched_count": self.unmatched_count,
            "events_by_rules": dict(self.events_by_rules),
        }

    def __str__(self) -> str:
        lines = [f"{_counted(len(self.fired), 'rule')}, {_counted(self.events_count, 'event')}"]
        never, always = self.never_fired, self.always_fired
        lines.append(f"  rules that never fire: {_names(never)}")
        lines.append(f"  rules that always fire: {_names(always)}")
        lines.append(f"  events that no rule takes: {_places(self.unmatched, self.unmatched_count)}")
        lines += [
            f"  taken by {_counted(rules, 'rule')}: {_counted(events, 'event')}"
            for rules, events in self.events_by_rules.items()
        ]
        others = sorted(
            ((name, count) for name, count in self.fired.items() if 0 < count < self.events_count),
            key=lambda one: -one[1],
        )
        lines += [f"  {_name(name)}: {_counted(count, 'event')}" for name, count in others[:_SHOWN_MAX]]
        if len(others) > _SHOWN_MAX:
            lines.append(f"  and {_counted(len(others) - _SHOWN_MAX, 'rule')} more")
        return "\n".join(lines)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _name(name: object) -> str:
    return cut(printable(str(name)), _NAME_CHARS_MAX)


def _names(names: Collection[object]) -> str:
    return _listed([_name(name) for name in list(names)[:_SHOWN_MAX]], len(names))


def _places(places: Collection[int], count: int) -> str:
    return _listed([str(place) for place in list(places)[:_SHOWN_MAX]], count)


def _listed(shown: list[str], count: int) -> str:
    if not count:
        return "none"
    more = f", and {count - len(shown)} more" if count > len(shown) else ""
    return f"{count} ({', '.join(shown)}{more})"


def coverage(
    rules: Mapping[Any, Pattern],
    events: Iterable[Mapping[str, Any]],
    *,
    match: Callable[[Mapping[str, Any]], Iterable[Hashable]] | None = None,
) -> Coverage:
    """
    What rules do with events: those that never fire, and those that always do; the events that no rule takes.

    >>> from postroom.patterns import Pattern
    >>> rules = {"paid": Pattern({"state": ["paid"]}), "gone": Pattern({"state": ["gone"]})}
    >>> print(coverage(rules, [{"state": "paid"}, {"state": "new"}]))
    2 rules, 2 events
      rules that never fire: 1 (gone)
      rules that always fire: none
      events that no rule takes: 1 (1)
      taken by 0 rules: 1 event
      taken by 1 rule: 1 event
      paid: 1 event

    Events are taken one by one, and none is kept: there may be any number, from a generator.

    Args:
        rules: Patterns by name.
        events: As `Pattern.matches` takes them.
        match: What says of an event which rules it matches, by name, such as `RuleSet.match`; without, each pattern is asked.
            Names that are not among the rules do not count.

    Raises:
        InvalidInput: An event is none, as `Pattern.matches` has it.
        EventTooComplex: As `Pattern.matches`.
    """

    def ask_each(event: Mapping[str, Any]) -> Iterable[Hashable]:
        return [name for name, pattern in rules.items() if pattern.matches(event)]

    ask = ask_each if match is None else match
    fired: dict[Any, int] = dict.fromkeys(rules, 0)
    unmatched: list[int] = []
    by_rules: Counter[int] = Counter()
    events_count = 0
    for event in events:
        taken = 0
        for name in ask(event):
            if name in fired:
                fired[name] += 1
                taken += 1
        if not taken and len(unmatched) < _UNMATCHED_MAX:
            unmatched.append(events_count)
        by_rules[taken] += 1
        events_count += 1
    return Coverage(
        events_count=events_count,
        fired=fired,
        unmatched=tuple(unmatched),
        unmatched_count=by_rules[0],
        events_by_rules=dict(sorted((+by_rules).items())),
    )
