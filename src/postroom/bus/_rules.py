"""
Rules: which events go to which targets.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Never

from postroom.bus import _checks as checks
from postroom.bus._refusals import REMOVE_NOT_THERE, TARGET_NOT_THERE, TARGET_TAKES
from postroom.bus._targets import Target, TargetRoute, TargetSettings
from postroom.delivery import refuse_unknown
from postroom.errors import PostroomError
from postroom.limits import SECOND_US, TARGET_EVENT_AGE_MAX_US, TARGET_ID_MAX_CHARS, TARGET_RETRIES_MAX

if TYPE_CHECKING:
    from postroom.bus._core import RuleState
    from postroom.bus._frame import BusFrame
    from postroom.clock import Duration
    from postroom.observe import Destination
    from postroom.patterns import Pattern

_NOT_IN_ID: Final = re.compile(r"[^.\-_A-Za-z0-9]")
_AGE_MAX: Final = TARGET_EVENT_AGE_MAX_US // SECOND_US


class Rule:
    """
    A rule of a bus: a pattern, and up to five targets that get the events it matches.

    `EventBus.put_rule` makes one, `EventBus.rule` finds it. It shows the rule as it is now; once the rule is deleted,
    its calls raise `EventsResourceNotFound`.

    >>> from postroom import EventBus, ManualClock, Queue
    >>> clock = ManualClock()
    >>> bus = EventBus("shop", clock=clock)
    >>> rule = bus.put_rule("big-orders", {"detail": {"size": ["big"]}})
    >>> kitchen = Queue("kitchen", clock=clock)
    >>> target = rule.put_target(kitchen)
    >>> put = bus.put_event(source="till", detail_type="order placed", detail={"size": "big"})
    >>> put = bus.put_event(source="till", detail_type="order placed", detail={"size": "small"})
    >>> rule.matched, kitchen.stats().available
    (1, 1)
    >>> rule
    <Rule big-orders of bus shop: enabled, 1 target, 1 matched>
    """

    __slots__ = ("_bus", "_state")

    def __init__(self, bus: BusFrame, state: RuleState) -> None:
        self._bus = bus
        self._state = state

    @property
    def name(self) -> str:
        """
        Its name, unique in its bus.
        """
        return self._state.name

    @property
    def arn(self) -> str:
        """
        Its Amazon Resource Name.
        """
        return self._state.arn

    @property
    def event_pattern(self) -> Pattern:
        """
        Which events it wants; ``.text`` is the text as it was given.
        """
        return self._state.pattern

    @property
    def state(self) -> str:
        """
        ``ENABLED`` or ``DISABLED``.
        """
        return "ENABLED" if self._state.enabled else "DISABLED"

    @property
    def matched(self) -> int:
        """
        Events that it matched so far (TriggeredRules).
        """
        return self._state.matched

    @property
    def targets(self) -> list[Target]:
        """
        Its targets, in the order in which they were put.
        """
        with self._bus._lock:
            return [Target(route) for route in self._state.targets.values()]

    def enable(self) -> None:
        """
        Has it match events again.

        >>> from postroom import EventBus, ManualClock
        >>> rule = EventBus(clock=ManualClock()).put_rule("all", {"source": ["till"]}, state="DISABLED")
        >>> rule.enable()
        >>> rule.state
        'ENABLED'

        Raises:
            EventsResourceNotFound: It was deleted.
            ResourceClosed: The bus is closed.
        """
        self._set("enable", enabled=True)

    def disable(self) -> None:
        """
        Has it match no events until it is enabled again. What is on its way to targets goes on.

        >>> from postroom import EventBus, ManualClock
        >>> rule = EventBus(clock=ManualClock()).put_rule("all", {"source": ["till"]})
        >>> rule.disable()
        >>> rule.state
        'DISABLED'

        Raises:
            EventsResourceNotFound: It was deleted.
            ResourceClosed: The bus is closed.
        """
        self._set("disable", enabled=False)

    def _set(self, operation: str, *, enabled: bool) -> None:
        with self._bus._lock:
            self._refuse_gone(operation)
            self._bus._core.set_state(self._state, enabled=enabled)

    def _refuse_gone(self, operation: str) -> None:
        """
        Under the lock.
        """
        self._bus._refuse_closed(operation)
        if self._state.removed:
            error = self._bus._core.missing(self.name)
            self._bus._sign(error, operation)
            raise error

    def put_target(
        self,
        destination: Destination | str,
        *,
        target_id: str | None = None,
        dead_letter_queue: Destination | str | None = None,
        maximum_retry_attempts: int = TARGET_RETRIES_MAX,
        maximum_event_age: Duration = _AGE_MAX,
        partition_key_path: str | None = None,
        **_not_there: Never,
    ) -> Target:
        """
        Has the events that the rule matches go to a destination.

        A target of the same id is replaced: what waits there for its next attempt goes to the new destination (EB 4).

        A queue gets the event's JSON as the body of a message, a topic as a message without subject, a stream and a
        delivery stream as a record, a function as its event. Another bus gets the event itself, with its id (EB 4, 9).

        A delivery that fails is tried again, after 1 second, 2, 4 and so on up to 10 minutes, each drawn between 0 and
        its full length. What does not get through in time, or cannot, goes to the dead-letter queue; without one it
        is dropped. There the attributes of the message say what failed: ``ERROR_CODE``, ``ERROR_MESSAGE``,
        ``RULE_ARN``, ``TARGET_ARN``, ``RETRY_ATTEMPTS`` and, if retries ran out, ``EXHAUSTED_RETRY_CONDITION`` (EB 6).

        >>> from postroom import EventBus, ManualClock, Queue
        >>> clock = ManualClock()
        >>> orders, dead = Queue("orders", clock=clock), Queue("dead", clock=clock)
        >>> rule = EventBus(clock=clock).put_rule("all", {"source": ["till"]})
        >>> rule.put_target(orders, dead_letter_queue=dead, maximum_retry_attempts=3)
        <Target orders: queue orders, 0 delivered>

        Args:
            destination: A queue, topic, stream, function, bus or delivery stream, or the ARN of one in the bus's region
                and account, which is looked up at each attempt.
            target_id: 1 to 64 letters, digits, dots, hyphens or underscores; None: one made of the destination's name.
            dead_letter_queue: A standard queue for what cannot be delivered; in a region its name or its ARN will do.
            maximum_retry_attempts: 0 to 185.
            maximum_event_age: Seconds after which no delivery is tried again, 60 to 86400.
            partition_key_path: For a stream, where in the event the partition key stands: ``$.detail.customer``.
                None, or where there is nothing: the event's id.

        Raises:
            EventsValidationError: The id, a number, an ARN or the dead-letter queue is not acceptable.
            EventsLimitExceeded: The rule has five targets.
            EventsResourceNotFound: The rule was deleted.
            NotSupported: The destination is a FIFO queue, a function whose handler is an ``async def``, or an ARN of another
                service, region or account; or AWS has a parameter that is not there.
            NotFound: The dead-letter queue is not there.
            InvalidInput: An argument is of a wrong type, or something lives by a different clock.
            ResourceClosed: The bus is closed.
        """
        if _not_there:
            refuse_unknown("put_target", _not_there, TARGET_NOT_THERE, TARGET_TAKES)
        bus = self._bus
        try:
            arn, name, kind = checks.check_destination(destination, bus._home)
            checks.check_kind(kind, partition_key_path)
            if target_id is not None:
                checks.check_target_id(target_id)
            dead = None if dead_letter_queue is None else checks.find_dead_letter_queue(dead_letter_queue, bus._home)
            settings = TargetSettings(
                id=target_id or "",
                arn=arn,
                shown=str(destination),
                label=f"{bus.name}->{name}",
                forwards=kind == "bus",
                maximum_retry_attempts=checks.check_retries(maximum_retry_attempts),
                maximum_event_age_us=checks.check_age(maximum_event_age),
                partition_key_path=partition_key_path,
                steps=() if partition_key_path is None else checks.path_steps(partition_key_path),
            )
            return self._put_target(destination, settings, name, dead)
        except PostroomError as error:
            bus._sign(error, "put_target")
            raise

    def _put_target(
        self, destination: Destination | str, settings: TargetSettings, name: str, dead_letter_queue: Destination | None
    ) -> Target:
        bus, core = self._bus, self._bus._core
        with bus._lock:
            self._refuse_gone("put_target")
            id_ = settings.id or self._free_id(name)
            route = TargetRoute(
                settings._replace(id=id_),
                self.arn,
                (lambda: bus._home.resolve(destination)) if isinstance(destination, str) else destination,
                dead_letter_queue,
                bus._report,
            )
            route = core.put_target(self._state, route)
        return Target(route)

    def _free_id(self, name: str) -> str:
        start = _NOT_IN_ID.sub("-", name)[: TARGET_ID_MAX_CHARS - 2] or "target"
        taken = self._state.targets
        return next(id_ for id_ in (start, *(f"{start}-{number}" for number in range(2, 9))) if id_ not in taken)

    def remove_target(self, target_id: str, **_not_there: Never) -> None:
        """
        Takes a target away. What waits for its next attempt on the way to it is dropped.

        >>> from postroom import EventBus, ManualClock, Queue
        >>> clock = ManualClock()
        >>> rule = EventBus(clock=clock).put_rule("all", {"source": ["till"]})
        >>> target = rule.put_target(Queue("orders", clock=clock), target_id="book")
        >>> rule.remove_target("book")
        >>> rule.targets
        []

        Args:
            target_id: As `put_target` was given it, or as ``target.id``.

        Raises:
            EventsResourceNotFound: There is no such target, or the rule was deleted.
            NotSupported: AWS has such a parameter, and postroom has not.
            ResourceClosed: The bus is closed.
        """
        if _not_there:
            refuse_unknown("remove_target", _not_there, REMOVE_NOT_THERE, ("target_id",))
        bus = self._bus
        try:
            with bus._lock:
                self._refuse_gone("remove_target")
                route = bus._core.remove_target(self._state, target_id)
                route.circle.removed = True
                seen = bus._courier.forget(route)
        except PostroomError as error:
            bus._sign(error, "remove_target")
            raise
        bus._tell(seen)

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict.

        >>> from postroom import EventBus, ManualClock
        >>> EventBus(clock=ManualClock()).put_rule("all", {"source": ["till"]}).to_dict()["state"]
        'ENABLED'
        """
        return {
            "name": self.name,
            "arn": self.arn,
            "event_pattern": self.event_pattern.text,
            "state": self.state,
            "matched": self.matched,
            "targets": [target.to_dict() for target in self.targets],
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rule) and self._state is other._state

    def __hash__(self) -> int:
        return hash(self._state)

    def __repr__(self) -> str:
        count = len(self._state.targets)
        state = "deleted" if self._state.removed else "enabled" if self._state.enabled else "disabled"
        targets = f"{count} target{'s' if count != 1 else ''}"
        return f"<Rule {self.name} of {self._bus}: {state}, {targets}, {self.matched} matched>"
