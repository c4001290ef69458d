"""
The calls of a bus, as drivers of its core: lock, clock, hand-overs. The rules of matching are in `patterns`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Never

from postroom.bus import _checks as checks
from postroom.bus import _events as events
from postroom.bus._events import Checked, Event, EventEntry, PutEvent
from postroom.bus._frame import BusFrame
from postroom.bus._refusals import (
    BUS_NOT_THERE,
    BUS_TAKES,
    DELETE_NOT_THERE,
    PUT_NOT_THERE,
    PUT_TAKES,
    RULE_NOT_THERE,
    RULE_TAKES,
)
from postroom.bus._rules import Rule
from postroom.bus._stats import BusStats, explain
from postroom.delivery import BatchOutcome, prepare, refuse_unknown
from postroom.errors import EventsValidationError, InvalidInput, PostroomError
from postroom.faults import check_faults
from postroom.message import format_uuid
from postroom.naming import Arn
from postroom.observe import Wire, causes, home_of, with_causes
from postroom.patterns import Pattern

if TYPE_CHECKING:
    import random
    from datetime import date

    from postroom.clock import Clock, Instant
    from postroom.faults import Faults
    from postroom.message import Parcel
    from postroom.observe import Home, Observation


class EventBus(BusFrame):
    """
    A bus: events are put on it, and its rules send each to the targets of every rule whose pattern it matches.

    >>> from postroom import EventBus, ManualClock, Queue
    >>> clock = ManualClock()
    >>> bus = EventBus("shop", clock=clock, seed=1)
    >>> kitchen = Queue("kitchen", clock=clock)
    >>> rule = bus.put_rule("food", {"source": ["till"], "detail": {"item": [{"prefix": "cake"}]}})
    >>> target = rule.put_target(kitchen)
    >>> put = bus.put_event(source="till", detail_type="order placed", detail={"item": "cake, plum"})
    >>> [message] = kitchen.receive_messages()
    >>> print(message.body)
    {"version":"0","id":"...","detail-type":"order placed","source":"till","account":"123456789012","time":"2024-01-01T00:00:00Z","region":"us-east-1","resources":[],"detail":{"item":"cake, plum"}}
    >>> print(bus.explain(put.event_id))
    matched rule food; delivered to queue kitchen

    Who puts an event neither waits for targets nor sees their errors: a delivery that fails is tried again for a day,
    and goes to the target's dead-letter queue then. Targets get events at least once.

    A bus can be the target of another one's rule. An event that comes round to a rule that forwarded it before is not
    forwarded again: an `EndlessLoop` that names the buses and rules comes out of the call that drives the clock.

    ``EventBus("shop")`` made twice is two buses; a `Region` shares them by name.

    Args:
        name: 1 to 256 letters, digits, dots, hyphens or underscores.
        clock: Where "now" comes from; the shared `SystemClock` unless given.
        faults: A plan of faults; of its kinds, a bus has lost acknowledgements, by the label ``bus->target``.
        seed: A number or a `random.Random` from which ids and the jitter of retries are drawn.
        home: The region it belongs to, which then has clock and seed; `Region.event_bus` gives this.

    Raises:
        EventsValidationError: The name is not acceptable.
        NotSupported: AWS has such a parameter, or such buses, and postroom has not.
        InvalidInput: An argument is of a wrong type, or `home` is given beside `clock` or `seed`.

    Differs from EventBridge: an event that came from a bus is forwarded any number of times, rules have no schedules,
    and targets get the whole event; see docs/fidelity.md.
    """

    def __init__(
        self,
        name: str = "default",
        *,
        clock: Clock | None = None,
        faults: Faults | None = None,
        seed: int | random.Random | None = None,
        home: Home | None = None,
        **_not_there: Never,
    ) -> None:
        if _not_there:
            refuse_unknown("EventBus", _not_there, BUS_NOT_THERE, BUS_TAKES)
        checks.check_bus_name(name)
        check_faults(faults)
        super().__init__(name, home_of(home, clock, seed, f"bus {name}"), faults)

    def __repr__(self) -> str:
        core = self._core
        rules = len(core.rules)
        retrying = self._courier.stats().retrying
        state = f"closed, {core.put} put" if self._closed else f"{core.put} put"
        more = f", {retrying} retrying" if retrying else ""
        return f"<EventBus {self._name}: {rules} rule{'s' if rules != 1 else ''}, {state}{more}>"

    # Putting.

    def put_event(
        self,
        source: str = "",
        detail_type: str = "",
        detail: Mapping[str, Any] | str = "",
        *,
        time: Instant | date | None = None,
        resources: Iterable[str] = (),
        **_not_there: Never,
    ) -> PutEvent:
        """
        Puts one event. Never waits. Costs in proportion to the enabled rules and to the event.

        >>> from postroom import EventBus, ManualClock
        >>> bus = EventBus(clock=ManualClock())
        >>> put = bus.put_event(source="till", detail_type="order placed", detail={"total": 12})
        >>> bus.explain(put.event_id)
        'matched no rule'

        Args:
            source: Who says so; it does not begin with ``aws.``.
            detail_type: What happened, in 1 to 128 characters.
            detail: What is to be said of it: a mapping, or JSON text of an object.
            time: When it happened: seconds since the epoch, an aware `datetime`, or a `date`; None: now. Fractions of
                a second are dropped.
            resources: The ARNs of what it concerns, each of at most 2048 characters.

        Raises:
            InvalidArgument: Source, detail type or detail is missing, or the detail type too long.
            MalformedDetail: The detail is no JSON object, or a number in it is beyond a double.
            NotAuthorizedForSource: The source begins with ``aws.``.
            EventsValidationError: It is too large: it has to be smaller than 1 MiB.
            InvalidInput: An argument is of a wrong type.
            ResourceClosed: The bus is closed.
        """
        if _not_there:
            refuse_unknown("put_event", _not_there, PUT_NOT_THERE, PUT_TAKES)
        [result] = self._put_all([EventEntry(source, detail_type, detail, time, resources)], "put_event")
        if isinstance(result, PostroomError):
            raise result
        return PutEvent(result)

    def put_events(
        self, entries: Iterable[EventEntry | Mapping[str, Any]], **_not_there: Never
    ) -> BatchOutcome[PutEvent]:
        """
        Puts 1 to 10 events. One that EventBridge would refuse fails alone; the others go through.

        >>> from postroom import EventBus, EventEntry, ManualClock
        >>> bus = EventBus(clock=ManualClock())
        >>> outcome = bus.put_events([
        ...     EventEntry("till", "order placed", {"total": 12}),
        ...     {"source": "till", "detail_type": "order placed", "detail": "no JSON"},
        ... ])
        >>> [failure.id for failure in outcome.failed], [failure.code for failure in outcome.failed]
        (['1'], ['MalformedDetail'])

        Args:
            entries: `EventEntry`, or mappings with its keys. The id of an entry in the outcome is its index.

        Raises:
            EventsValidationError: The whole call is refused, and nothing was put: there are no entries or more than 10,
                a resource is too long, or all together are not smaller than 1 MiB (EB 1).
            InvalidInput: An entry is neither, or something in it is of a wrong type; likewise, nothing was put.
            NotSupported: AWS has such a parameter, and postroom has not.
            ResourceClosed: The bus is closed.
        """
        if _not_there:
            refuse_unknown("put_events", _not_there, PUT_NOT_THERE, ("entries",))
        try:
            if isinstance(entries, Mapping | str) or not isinstance(entries, Iterable):
                raise InvalidInput(
                    f"entries={entries!r} is no list of entries.", help="Give a list, or call put_event."
                )
            listed = [events.entry_of(one) for one in entries]
        except PostroomError as error:
            self._sign(error, "put_events")
            raise
        results = self._put_all(listed, "put_events")
        has_failures = any(isinstance(result, PostroomError) for result in results)
        return BatchOutcome([str(index) for index in range(len(results))], results, PutEvent, has_failures=has_failures)

    def _put_all(self, entries: list[EventEntry], operation: str) -> list[str | PostroomError]:
        try:
            entries = [events.settled(entry) for entry in entries]
            events.check_request(entries, self._name)
            prepared = prepare(((str(index), entry) for index, entry in enumerate(entries)), events.check_entry)
            for one in prepared:
                if isinstance(one, InvalidInput):  # what AWS's call could not even express
                    raise one
            events.check_total(map(events.size_of, entries, prepared))
        except PostroomError as error:
            self._sign(error, operation)
            raise
        results: list[str | PostroomError] = []
        seen: list[Observation] = []
        try:
            with self._lock:
                self._refuse_closed(operation)
                now = self._clock.now_us()
                for checked in prepared:
                    if isinstance(checked, PostroomError):
                        self._sign(checked, operation)
                        results.append(checked)
                        continue
                    event = self._make(now, checked)
                    seen += self._take(now, event)
                    results.append(event.id)
            self._clock.note_progress()
            if seen:
                self._tell(with_causes(seen, causes()))
            self._courier.drain()
        except BaseException:
            self._courier.resume()
            raise
        if self._clock.has_due:
            self._clock.run_due()
        return results

    def _make(self, now: int, checked: Checked) -> Event:
        home = self._home
        at = events.time_text(now if checked.time_us is None else checked.time_us)
        return events.make_event(format_uuid(home.random.getrandbits(128)), checked, at, home.account, home.region_name)

    def _take(self, now: int, event: Event, hops: tuple[str, ...] = ()) -> list[Observation]:
        """
        Under the lock: has the event match, and puts what goes where in line.
        """
        names, one = self._core.take(now, event, hops)
        if one is not None:
            self._courier.add(one)
        if not self._observers:
            return []
        told = {"source": event.source, "detail_type": event.detail_type, "body": event.detail_text}
        seen = [self._seen(now, "put", event.id, **told)]
        if names:
            seen.append(self._seen(now, "matched", event.id, rules=tuple(names)))
        return seen

    def deliver(self, parcel: Parcel) -> None:
        """
        Takes an event that another bus forwards: the envelope as it is, id, account and region included (EB 9).

        This is for resources.

        >>> from postroom import EventBus, ManualClock
        >>> clock = ManualClock()
        >>> shop, office = EventBus("shop", clock=clock), EventBus("office", clock=clock)
        >>> target = shop.put_rule("all", {"source": ["till"]}).put_target(office)
        >>> put = shop.put_event(source="till", detail_type="order placed", detail={"total": 12})
        >>> office.explain(put.event_id)
        'matched no rule'

        Raises:
            MalformedDetail: It is no event.
            ResourceClosed: The bus is closed.
        """
        try:
            event = events.forwarded_event(parcel.body)
        except PostroomError as error:
            self._sign(error, "deliver")
            raise
        try:
            with self._lock:
                self._refuse_closed("deliver")
                seen = self._take(self._clock.now_us(), event, parcel.hops)
            self._clock.note_progress()
            if seen:
                self._tell(
                    with_causes(seen, () if parcel.cause is None or parcel.cause == event.id else (parcel.cause,))
                )
            self._courier.drain()
        except BaseException:
            self._courier.resume()
            raise

    # Rules.

    def put_rule(
        self,
        name: str,
        event_pattern: str | Mapping[str, Any] | Pattern | None = None,
        *,
        state: str = "ENABLED",
        **_not_there: Never,
    ) -> Rule:
        """
        Makes a rule, or replaces the one of that name: pattern and state are set anew, targets stay (EB 3).

        A pattern that asks at its top for a field that no event has is taken, as on AWS, and warned of on the logger
        ``postroom``: ``detail_type`` is what calls here are given, and in events it is ``detail-type``.

        >>> from postroom import EventBus, ManualClock
        >>> bus = EventBus("shop", clock=ManualClock())
        >>> bus.put_rule("big", {"detail": {"size": ["big"]}})
        <Rule big of bus shop: enabled, 0 targets, 0 matched>
        >>> bus.put_rule("big", '{"detail": {"size": ["big", "huge"]}}', state="DISABLED").event_pattern.text
        '{"detail": {"size": ["big", "huge"]}}'

        Args:
            name: 1 to 64 letters, digits, dots, hyphens or underscores.
            event_pattern: Which events it wants: a `Pattern`, or what one is made of.
            state: ``ENABLED`` or ``DISABLED``.

        Raises:
            EventsValidationError: The name or the state is not acceptable, or there is no pattern.
            InvalidEventPattern: The pattern is none.
            NotSupported: AWS has such a parameter, and postroom has not.
            EventsLimitExceeded: The bus has 300 rules.
            ResourceClosed: The bus is closed.
        """
        if _not_there:
            refuse_unknown("put_rule", _not_there, RULE_NOT_THERE, RULE_TAKES)
        try:
            checks.check_rule_name(name)
            enabled = checks.check_state(state)
            if event_pattern is None or event_pattern == "":
                raise EventsValidationError("Parameter(s) EventPattern or ScheduleExpression must be specified.")
            pattern = event_pattern if isinstance(event_pattern, Pattern) else Pattern(event_pattern)
            events.warn_of_fields(f"rule {name} of {self}", pattern.text)
            home = self._home
            arn = str(Arn.rule(home.region_name, home.account, name, bus=self._name))
            with self._lock:
                self._refuse_closed("put_rule")
                return Rule(self, self._core.put_rule(name, arn, pattern, enabled=enabled))
        except PostroomError as error:
            self._sign(error, "put_rule")
            raise

    def rule(self, name: str) -> Rule:
        """
        The rule of that name.

        >>> from postroom import EventBus, ManualClock
        >>> EventBus(clock=ManualClock()).rule("big")
        Traceback (most recent call last):
            ...
        postroom.errors.EventsResourceNotFound: Rule big does not exist on EventBus default.
          There are: none.

        Raises:
            EventsResourceNotFound: There is none.
        """
        try:
            with self._lock:
                return Rule(self, self._core.find(name))
        except PostroomError as error:
            self._sign(error, "rule")
            raise

    @property
    def rules(self) -> list[Rule]:
        """
        Its rules, by name.
        """
        with self._lock:
            return [Rule(self, state) for _, state in sorted(self._core.rules.items())]

    def delete_rule(self, name: str, **_not_there: Never) -> None:
        """
        Deletes a rule that has no targets; one that is not there is deleted already (EB 3).

        >>> from postroom import EventBus, ManualClock
        >>> bus = EventBus(clock=ManualClock())
        >>> rule = bus.put_rule("big", {"detail": {"size": ["big"]}})
        >>> bus.delete_rule("big")
        >>> bus.rules
        []

        Raises:
            EventsValidationError: It has targets.
            NotSupported: AWS has such a parameter, and postroom has not.
            ResourceClosed: The bus is closed.
        """
        if _not_there:
            refuse_unknown("delete_rule", _not_there, DELETE_NOT_THERE, ("name",))
        try:
            with self._lock:
                self._refuse_closed("delete_rule")
                self._core.delete_rule(name)
        except PostroomError as error:
            self._sign(error, "delete_rule")
            raise

    # Looking.

    def wires(self) -> list[Wire]:
        """
        Where the targets of its enabled rules are, and their dead letters.
        """
        with self._lock:
            routes = [
                (rule.name, route)
                for rule in self._core.rules.values()
                if rule.enabled
                for route in rule.targets.values()
            ]
        found = [Wire(str(self), route.shown, name) for name, route in routes]
        return found + [
            Wire(str(self), str(route.dead_letter_queue), name, "dead letters")
            for name, route in routes
            if route.dead_letter_queue is not None
        ]

    def stats(self) -> BusStats:
        """
        What went through it, at this instant.

        >>> from postroom import EventBus, ManualClock
        >>> bus = EventBus(clock=ManualClock())
        >>> put = bus.put_event(source="till", detail_type="order placed", detail={"total": 12})
        >>> bus.stats().put, bus.stats().matched
        (1, 0)
        """
        core = self._core
        with self._lock:
            return BusStats(len(core.rules), core.put, core.matched, *self._courier.stats())

    def explain(self, event_id: str) -> str:
        """
        Says which rules an event matched and how far it is, in a sentence.

        The last 1,000 events are remembered.

        >>> from postroom import EventBus, ManualClock, Queue
        >>> clock = ManualClock()
        >>> bus, gone = EventBus(clock=clock), Queue("gone", clock=clock)
        >>> target = bus.put_rule("all", {"source": ["till"]}).put_target(gone)
        >>> gone.close()
        >>> put = bus.put_event(source="till", detail_type="order placed", detail={"total": 12})
        >>> bus.explain(put.event_id)
        'matched rule all; dropped: queue gone'

        Args:
            event_id: As `put_event` returned it.
        """
        if not isinstance(event_id, str):
            raise InvalidInput(
                f"event_id is of type {type(event_id).__name__}.",
                help="Give the str in put.event_id.",
                operation="explain",
                resource=self._name,
            )
        with self._lock:
            fate = self._core.fates.get(event_id)
            if fate is None:
                return f"unknown: it is not among the last events of the bus {self._name}"
            return explain(fate)
