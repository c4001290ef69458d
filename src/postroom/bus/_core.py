"""
What makes a bus a bus, without lock, clock or callbacks: rules, who wants an event, and what is remembered of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from postroom import limits
from postroom.bus._targets import key_at
from postroom.delivery import Round
from postroom.errors import EventsLimitExceeded, EventsResourceNotFound, EventsValidationError
from postroom.message import Parcel
from postroom.patterns import RuleSet

if TYPE_CHECKING:
    from postroom.bus._events import Event
    from postroom.bus._targets import TargetRoute
    from postroom.delivery import Route
    from postroom.patterns import Pattern

_NUMBER: Final = attrgetter("number")
_LIMIT: Final = "The requested resource exceeds the maximum number allowed."


class RuleState:
    """
    A rule: its settings, which PutRule replaces, and its targets, which it keeps.
    """

    __slots__ = ("arn", "enabled", "matched", "name", "number", "pattern", "removed", "targets")

    def __init__(self, name: str, arn: str, pattern: Pattern, number: int) -> None:
        self.name: str = name
        self.number: int = number
        """In the order in which rules were made, their targets get events."""
        self.arn: str = arn
        self.pattern: Pattern = pattern
        self.enabled: bool = True
        self.targets: dict[str, TargetRoute] = {}
        self.matched: int = 0
        self.removed: bool = False


class Fate:
    """
    What became of an event: rules that matched, and its rounds with their routes; more than one if it came round.
    """

    __slots__ = ("rounds", "rules")

    def __init__(self) -> None:
        self.rules: list[str] = []
        self.rounds: list[tuple[Round, tuple[Route, ...]]] = []


class BusCore:
    """
    The rules of one bus, and the events that it took.

    Args:
        name: Of the bus, for its texts.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._enabled = RuleSet()  # by their states
        self._made = 0
        self.rules: dict[str, RuleState] = {}
        self.fates: dict[str, Fate] = {}
        self.put: int = 0
        self.matched: int = 0
        """Events that at least one rule matched."""

    # Rules.

    def put_rule(self, name: str, arn: str, pattern: Pattern, *, enabled: bool) -> RuleState:
        """
        Makes a rule, or replaces all of it but its targets (EB 3).

        Raises:
            EventsLimitExceeded: There are 300.
        """
        rule = self.rules.get(name)
        if rule is None:
            if len(self.rules) >= limits.RULES_PER_BUS_MAX:
                raise EventsLimitExceeded(_LIMIT, help=f"A bus has at most {limits.RULES_PER_BUS_MAX} rules.")
            self._made += 1
            rule = self.rules[name] = RuleState(name, arn, pattern, self._made)
        rule.pattern = pattern
        self.set_state(rule, enabled=enabled)
        return rule

    def set_state(self, rule: RuleState, *, enabled: bool) -> None:
        """
        Has a rule get events from now on, by its pattern as it is now, or not.
        """
        rule.enabled = enabled
        if enabled:
            self._enabled.add(rule, rule.pattern)
        elif rule in self._enabled:
            self._enabled.remove(rule)

    def find(self, name: str) -> RuleState:
        """
        The rule of that name.

        Raises:
            EventsResourceNotFound: There is none.
        """
        rule = self.rules.get(name)
        if rule is None:
            raise self.missing(name)
        return rule

    def missing(self, name: str) -> EventsResourceNotFound:
        """
        The error for a rule that is not there (EB 3).
        """
        return EventsResourceNotFound(
            f"Rule {name} does not exist on EventBus {self._name}.",
            help=f"There are: {', '.join(sorted(self.rules)) or 'none'}.",
        )

    def delete_rule(self, name: str) -> None:
        """
        Removes a rule; one that is not there is none to remove (EB 3).

        Raises:
            EventsValidationError: It has targets.
        """
        rule = self.rules.get(name)
        if rule is None:
            return
        if rule.targets:
            raise EventsValidationError(
                "Rule can't be deleted since it has targets.", help=f"Remove first: {', '.join(rule.targets)}."
            )
        rule.removed = True
        if rule in self._enabled:
            self._enabled.remove(rule)
        del self.rules[name]

    def put_target(self, rule: RuleState, route: TargetRoute) -> TargetRoute:
        """
        Adds a target, or replaces the one of its id (EB 4).

        Returns:
            The route of that id, which a replaced target keeps.

        Raises:
            EventsLimitExceeded: There are 5.
        """
        there = rule.targets.get(route.settings.id)
        if there is not None:
            there.replace(route)
            return there
        if len(rule.targets) >= limits.TARGETS_PER_RULE_MAX:
            raise EventsLimitExceeded(_LIMIT, help=f"A rule has at most {limits.TARGETS_PER_RULE_MAX} targets.")
        rule.targets[route.settings.id] = route
        return route

    def remove_target(self, rule: RuleState, target_id: str) -> TargetRoute:
        """
        Takes a target away.

        Raises:
            EventsResourceNotFound: There is none of that id.
        """
        route = rule.targets.pop(target_id, None)
        if route is None:
            raise EventsResourceNotFound(
                f"Rule '{rule.name}' does not have a target with the Id '{target_id}'.",
                help=f"There are: {', '.join(rule.targets) or 'none'}.",
            )
        return route

    # Events.

    def take(self, now: int, event: Event, hops: tuple[str, ...]) -> tuple[list[str], Round | None]:
        """
        Offers an event to every enabled rule.

        Args:
            now: The instant, in microseconds since the epoch.
            event: The event.
            hops: The ARNs of the rules that forwarded it.

        Returns:
            The names of the rules that matched, and what goes over which route, if anything does.
        """
        found = self._enabled.match(event.fields) if self.rules else ()
        self.put += 1
        fate = self._fate(event.id)
        names: list[str] = []
        legs: list[tuple[Route, Parcel]] = []
        for rule in sorted(found, key=_NUMBER) if len(found) > 1 else found:
            rule.matched += 1
            names.append(rule.name)
            if rule.targets:
                legs += self._legs(event, rule, hops)
        self.matched += bool(names)
        fate.rules += names
        if not legs:
            return names, None
        one = Round(event.id, now, legs)
        fate.rounds.append((one, tuple(route for route, _ in legs)))
        return names, one

    def _legs(self, event: Event, rule: RuleState, hops: tuple[str, ...]) -> Iterator[tuple[Route, Parcel]]:
        parcel = Parcel(event.text, cause=event.id, hops=(*hops, rule.arn))
        came_round = rule.arn in hops
        for target in rule.targets.values():
            steps = target.settings.steps
            one = parcel._replace(partition_key=key_at(event.fields, steps)) if steps else parcel
            yield target.circle if came_round and target.settings.forwards else target, one

    def _fate(self, event_id: str) -> Fate:
        # An event that is forwarded in a circle comes more than once.
        fate = self.fates.get(event_id)
        if fate is None:
            fate = self.fates[event_id] = Fate()
            if len(self.fates) > limits.FATES_KEPT_MAX:
                del self.fates[next(iter(self.fates))]
        return fate
