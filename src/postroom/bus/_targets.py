"""
Targets: where events go, what becomes of those that cannot be delivered, and how a circle of buses ends (EB 4, 6, 9).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from postroom.delivery import BackoffRetries, Route, error_text, letter_text
from postroom.errors import EndlessLoop, InvalidRequest, LimitReached, LostAcknowledgement, NotFound, ResourceClosed
from postroom.limits import SECOND_US
from postroom.message import AttributeValue, Parcel
from postroom.message._attributes import FrozenAttributes
from postroom.naming import Arn

if TYPE_CHECKING:
    from postroom.delivery._courier import Failed
    from postroom.delivery._retries import RetrySchedule
    from postroom.observe import Destination

_CODES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (ResourceClosed, "NO_RESOURCE"),
    (NotFound, "NO_RESOURCE"),
    (InvalidRequest, "INVALID_PARAMETER"),
    (LimitReached, "THROTTLING"),
    (LostAcknowledgement, "TIMEOUT"),
    (EndlessLoop, "UNKNOWN"),
)
_NO_RETRIES: Final = BackoffRetries(max_retries=0)


class TargetSettings(NamedTuple):
    """
    What a target was put with.
    """

    id: str
    arn: str
    shown: str
    """The destination's kind and name, or its ARN."""
    label: str
    forwards: bool
    """Whether it is a bus."""
    maximum_retry_attempts: int
    maximum_event_age_us: int
    partition_key_path: str | None
    steps: tuple[str | int, ...]
    """Of the path."""


class TargetRoute(Route):
    """
    The way to a target.

    Args:
        settings: What it was put with.
        rule_arn: Whose target it is.
        destination: What it leads to, or how to find it.
        dead_letter_queue: Where events go that are given up.
        report: Is told of circles.
    """

    def __init__(
        self,
        settings: TargetSettings,
        rule_arn: str,
        destination: Destination | Callable[[], Destination],
        dead_letter_queue: Destination | None,
        report: Callable[[EndlessLoop], None],
    ) -> None:
        super().__init__(
            destination,
            shown=settings.shown,
            label=settings.label,
            retries=BackoffRetries(settings.maximum_retry_attempts, settings.maximum_event_age_us),
            dead_letter_queue=dead_letter_queue,
        )
        self.settings: TargetSettings = settings
        self.rule_arn: str = rule_arn
        self.circle: CircleRoute = CircleRoute(self, report)
        """What takes its place, if it is a bus, for an event that its rule forwarded before."""

    def replace(self, new: TargetRoute) -> None:
        """
        Under the bus's lock: leads from now on where a new target of the same id would, as does what waits here (EB 4).
        """
        self.settings = new.settings
        self.fixed: Destination | None = new.fixed
        self._find = new._find
        self.hand_over: Callable[[Parcel], object] = new.hand_over
        self.retries: RetrySchedule = new.retries
        for mine, other in ((self, new), (self.circle, new.circle)):
            mine.shown, mine.label, mine.dead_letter_queue = other.shown, other.label, other.dead_letter_queue
            mine.delivered = mine.refused = mine.dead_lettered = mine.dropped = 0

    def dead_letter(self, parcel: Parcel, failed: Failed) -> Parcel:
        """
        The event, with what failed in the attributes (EB 6).
        """
        error = failed.error
        told = {
            "RULE_ARN": self.rule_arn,
            "TARGET_ARN": self.settings.arn,
            "ERROR_CODE": next((code for kind, code in _CODES if isinstance(error, kind)), "ERROR_FROM_TARGET"),
            "ERROR_MESSAGE": letter_text(error_text(error)),
            "RETRY_ATTEMPTS": str(failed.retries),
        }
        if failed.exhausted is not None:
            told["EXHAUSTED_RETRY_CONDITION"] = failed.exhausted
        attributes = FrozenAttributes({name: AttributeValue("String", value) for name, value in told.items()})
        return Parcel(parcel.body, attributes, cause=parcel.cause)


class _Circle:
    """
    In the place of a bus to which an event is not forwarded again.
    """

    kind = "bus"

    def __init__(self, target: TargetRoute, report: Callable[[EndlessLoop], None]) -> None:
        self._target = target
        self._report = report

    @property
    def arn(self) -> str:
        """
        The bus's.
        """
        return self._target.settings.arn

    @property
    def name(self) -> str:
        """
        As it is shown.
        """
        return self._target.shown

    def deliver(self, parcel: Parcel) -> None:
        """
        Takes nothing: the error is the answer, and whoever drives the clock has to see it.
        """
        error = EndlessLoop(
            f"The event {parcel.cause} went round in a circle: {chain_text(parcel.hops)}.",
            help="A rule forwards an event once. Narrow the pattern of one of them, so that it does not want the event.",
        )
        self._report(error)
        raise error


class CircleRoute(Route):
    """
    The way of an event that a rule would forward a second time: to the target's dead-letter queue.

    Args:
        target: Of the rule.
        report: Is told of each circle.
    """

    def __init__(self, target: TargetRoute, report: Callable[[EndlessLoop], None]) -> None:
        super().__init__(
            _Circle(target, report),
            shown=target.shown,
            label=target.label,
            retries=_NO_RETRIES,
            dead_letter_queue=target.dead_letter_queue,
        )
        self._target = target

    def dead_letter(self, parcel: Parcel, failed: Failed) -> Parcel:
        """
        As the target's; no retries ran out, there were none.
        """
        return self._target.dead_letter(parcel, failed._replace(exhausted=None))


def chain_text(hops: tuple[str, ...]) -> str:
    """
    The circle that the last hop closes, bus by bus.

    >>> chain_text(("arn:aws:events:us-east-1:123456789012:rule/again", "arn:aws:events:us-east-1:123456789012:rule/again"))
    'bus default (rule again) -> bus default (rule again)'
    """
    parts = [Arn.parse(hop).resource.split("/") for hop in hops[hops.index(hops[-1]) :]]
    return " -> ".join(f"bus {part[-2] if len(part) > 2 else 'default'} (rule {part[-1]})" for part in parts)


def key_at(fields: Mapping[str, Any], steps: tuple[str | int, ...]) -> str | None:
    """
    The partition key that a path leads to in an event; None if there is nothing (EB 4).

    >>> key_at({"detail": {"customer": {"id": 7}}}, ("detail", "customer", "id"))
    '7'
    """
    found: Any = fields
    for step in steps:
        # An index is for an array alone: Python would take a character of a text, too.
        if not isinstance(found, list if isinstance(step, int) else dict):
            return None
        try:
            found = cast("Any", found)[step]
        except LookupError:
            return None
    if found is None or isinstance(found, str):
        return found or None
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


class Target:
    """
    A target of a rule: its settings as they are now, and what became of the deliveries to it since it was put so.

    >>> from postroom import EventBus, ManualClock, Queue
    >>> clock = ManualClock()
    >>> bus = EventBus(clock=clock)
    >>> target = bus.put_rule("all", {"source": ["shop"]}).put_target(Queue("orders", clock=clock), target_id="book")
    >>> put = bus.put_event(source="shop", detail_type="order placed", detail={"total": 12})
    >>> target
    <Target book: queue orders, 1 delivered>
    """

    __slots__ = ("_route",)

    def __init__(self, route: TargetRoute) -> None:
        self._route = route

    @property
    def id(self) -> str:
        """
        Its id, unique in its rule.
        """
        return self._route.settings.id

    @property
    def arn(self) -> str:
        """
        The ARN of the destination.
        """
        return self._route.settings.arn

    @property
    def dead_letter_queue(self) -> Destination | None:
        """
        Where events go that could not be delivered.
        """
        return self._route.dead_letter_queue

    @property
    def maximum_retry_attempts(self) -> int:
        """
        How often a delivery is tried again.
        """
        return self._route.settings.maximum_retry_attempts

    @property
    def maximum_event_age(self) -> float:
        """
        Seconds after which no delivery is tried again.
        """
        return self._route.settings.maximum_event_age_us / SECOND_US

    @property
    def partition_key_path(self) -> str | None:
        """
        Where in the event the partition key of a stream's records stands; None: it is the event's id.
        """
        return self._route.settings.partition_key_path

    @property
    def delivered(self) -> int:
        """
        Events that the destination took.
        """
        return self._route.delivered

    @property
    def refused(self) -> int:
        """
        Attempts that failed.
        """
        return self._sum("refused")

    @property
    def dead_lettered(self) -> int:
        """
        Events that went to the dead-letter queue.
        """
        return self._sum("dead_lettered")

    @property
    def dropped(self) -> int:
        """
        Events that were given up, and went nowhere.
        """
        return self._sum("dropped")

    def _sum(self, count: str) -> int:
        return int(getattr(self._route, count)) + int(getattr(self._route.circle, count))

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict.

        >>> from postroom import EventBus, ManualClock, Queue
        >>> clock = ManualClock()
        >>> rule = EventBus(clock=clock).put_rule("all", {"source": ["shop"]})
        >>> rule.put_target(Queue("orders", clock=clock)).to_dict()["id"]
        'orders'
        """
        queue = self.dead_letter_queue
        return {
            "id": self.id,
            "arn": self.arn,
            "dead_letter_queue": None if queue is None else queue.arn,
            "maximum_retry_attempts": self.maximum_retry_attempts,
            "maximum_event_age": self.maximum_event_age,
            "partition_key_path": self.partition_key_path,
            "delivered": self.delivered,
            "refused": self.refused,
            "dead_lettered": self.dead_lettered,
            "dropped": self.dropped,
        }

    def __repr__(self) -> str:
        return f"<Target {self.id}: {self._route.shown}, {self.delivered} delivered>"
