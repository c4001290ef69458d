"""
A topic beside a model that is obviously right: a list of subscriptions, and a list of attempts to come, looked through for
what falls due next.

Endpoints are queues, which may be closed on the way, and boxes that fail by plan. What everybody got is compared to the
last member of the envelopes, and what observers were told to the microsecond.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from postroom import Faults, ManualClock, Observation, PublishEntry, Queue, Topic
from postroom.errors import InvalidInput, InvalidParameter, ResourceClosed
from postroom.message import Parcel
from tests.topic.stubs import Box, Trouble

S: Final = 1_000_000
TRIES_ONLY: Final = 23
"""The schedule is cut: a run of 100,015 retries would take a while."""


def waits() -> list[int]:
    """
    SNS 10.2 and 10.4, written down once more: microseconds before each retry.
    """
    curve = [1 + 19 * (2**step - 1) / (2**9 - 1) for step in range(10)]
    return [round(wait * S) for wait in [0, 0, 0, 1, 1, *curve, *[20] * 100_000]][:TRIES_ONLY]


WAITS: Final = waits()


@dataclass
class Text:
    """
    A message, and when it was published.
    """

    id: str
    body: str
    subject: str | None
    attributes: dict[str, str]
    at: int

    @property
    def fits_a_queue(self) -> bool:
        return len(self.attributes) <= 10 and "\x07" not in self.body

    def raw(self) -> tuple[Any, ...]:
        return ("raw", self.body, self.attributes)

    def enveloped(self, arn: str) -> tuple[Any, ...]:
        millis = self.at // 1_000 * 1_000
        return ("enveloped", self.id, self.body, self.subject, self.attributes, millis, arn)


@dataclass
class Sub:
    """
    A subscription.
    """

    arn: str
    place: str
    raw: bool
    dead: str | None
    delivered: int = 0
    refused: int = 0
    dead_lettered: int = 0
    dropped: int = 0
    removed: bool = False


@dataclass
class Attempt:
    """
    One that is to come.
    """

    due: int
    number: int
    sub: Sub
    text: Text
    retries: int


@dataclass
class Model:
    """
    A topic as SNS 6, 8 and 10 tell it.
    """

    subs: list[Sub] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    got: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    plans: dict[str, list[str]] = field(default_factory=dict)
    closed_places: set[str] = field(default_factory=set)
    lost: list[bool] = field(default_factory=list)
    counter: int = 0
    published: int = 0
    totals: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(["delivered", "refused", "dead_lettered", "dropped"], 0)
    )
    log: list[tuple[str, int, str, str]] = field(default_factory=list)
    closed: bool = False

    def note(self, what: str, sub: Sub, now: int, text: Text, to: str = "") -> None:
        self.totals[what] += 1
        setattr(sub, what, getattr(sub, what) + 1)
        self.log.append((what.replace("_", "-"), now, text.id, f"queue {to or sub.place}"))

    def publish(self, now: int, texts: list[Text]) -> None:
        """
        First attempts of all of them in order; retries come when they are due, though that be now.
        """
        for text in texts:
            self.published += 1
            self.log.append(("published", now, text.id, ""))
        for text in texts:
            for sub in sorted(self.subs, key=lambda one: one.raw and not text.fits_a_queue):
                self.attempt(now, sub, text, 0)

    def attempt(self, now: int, sub: Sub, text: Text, retries: int) -> None:
        outcome = "unfit" if sub.raw and not text.fits_a_queue else self.outcome(sub.place)
        if outcome in {"taken", "lost"}:
            self.got[sub.place].append(text.raw() if sub.raw else text.enveloped(sub.arn))
        if outcome == "taken":
            self.note("delivered", sub, now, text)
            return
        self.note("refused", sub, now, text)
        if outcome in {"trouble", "lost"} and retries < len(WAITS):
            self.counter += 1
            self.attempts.append(Attempt(now + WAITS[retries], self.counter, sub, text, retries + 1))
            return
        dead = sub.dead
        if dead is not None and dead not in self.closed_places and not ("\x07" in text.body and sub.raw):
            letter = text.enveloped(sub.arn)
            if sub.raw:
                letter = text.raw() if text.fits_a_queue else ("raw", text.body, {})
            self.got[dead].append(letter)
            self.note("dead_lettered", sub, now, text, dead)
        else:
            self.note("dropped", sub, now, text)

    def outcome(self, place: str) -> str:
        """
        What one attempt comes to. A plan of faults is asked where the destination took it.
        """
        plan = self.plans.get(place, [])
        if place in self.closed_places:
            return "gone"
        what = plan.pop(0) if plan else "taken"
        if what == "taken" and place == "box-0" and self.lost and self.lost.pop(0):
            return "lost"
        return what

    def catch_up(self, now: int) -> None:
        while self.attempts:
            first = min(self.attempts, key=lambda one: (one.due, one.number))
            if first.due > now:
                return
            self.attempts.remove(first)
            self.attempt(first.due, first.sub, first.text, first.retries)

    def drop(self, now: int, sub: Sub | None) -> None:
        for one in [one for one in self.attempts if sub is None or one.sub is sub]:
            self.attempts.remove(one)
            self.note("dropped", one.sub, now, one.text)


BOXES: Final = ("box-0", "box-1")
QUEUES: Final = ("queue-0", "queue-1")
DEAD: Final = ("dead-0", "dead-1")
places = st.sampled_from([*BOXES, *BOXES, *QUEUES])
bodies = st.sampled_from(["tea", "cake", 'say "hi"', "th\xe9", "bell \x07"])
subjects = st.sampled_from([None, None, "An order"])
counts = st.sampled_from([0, 0, 1, 10, 11])
spans = st.sampled_from([0, 0.000_001, 0.5, 0.999_999, 1, 1.037_182, 5, 19.999_999, 20, 100, 400])


class TopicMachine(RuleBasedStateMachine):
    """
    Drives the real topic and the model side by side.
    """

    @initialize(lost=st.lists(st.booleans(), max_size=10))
    def begin(self, lost: list[bool]) -> None:
        self.clock = ManualClock()
        self.topic = Topic(
            "orders",
            clock=self.clock,
            seed=1,
            faults=Faults.script(lost_acknowledgements={"orders->box-0": lost}),
        )
        self.places: dict[str, Any] = {name: Box(name) for name in BOXES}
        self.places |= {name: Queue(name, clock=self.clock, seed=2) for name in (*QUEUES, *DEAD)}
        self.model = Model(got={name: [] for name in self.places}, lost=list(lost))
        self.real: dict[str, Any] = {}
        self.told: list[tuple[str, int, str, str]] = []
        self.topic.observe(self.hear)

    def hear(self, seen: Observation) -> None:
        self.told.append((seen.kind, seen.at_us, seen.message_id, seen.details.get("to", "")))

    @property
    def now(self) -> int:
        return self.clock.now_us()

    # Subscribing.

    @rule(
        place=places, raw=st.sampled_from([None, True, False]), dead=st.sampled_from([None, *DEAD]), late=st.booleans()
    )
    def subscribe(self, place: str, raw: bool | None, dead: str | None, late: bool) -> None:
        there = next((sub for sub in self.model.subs if sub.place == place), None)
        endpoint = self.places[place]
        given: dict[str, Any] = {
            "raw_message_delivery": raw,
            "dead_letter_queue": None if dead is None else self.places[dead],
        }
        if self.model.closed:
            with pytest.raises(ResourceClosed):
                self.topic.subscribe(endpoint, **given)
        elif there is None:
            subscription = self.topic.subscribe(endpoint, **given)
            subscription.retries = subscription.retries._replace(max_delay=TRIES_ONLY - 15)  # type: ignore[attr-defined]
            self.real[subscription.arn] = subscription
            self.model.subs.append(Sub(subscription.arn, place, bool(raw), dead))
        elif (raw is not None and raw != there.raw) or (dead is not None and dead != there.dead):
            with pytest.raises(InvalidParameter):
                self.topic.subscribe(endpoint, **given)
        else:
            assert self.topic.subscribe(endpoint.arn if late else endpoint, **given) is self.real[there.arn]

    @rule(choice=st.integers(0, 3), by_arn=st.booleans())
    def unsubscribe(self, choice: int, by_arn: bool) -> None:
        """
        Any that ever was.
        """
        arns = list(self.real)
        if not arns:
            return
        arn = arns[-1 - choice % len(arns)]
        given = arn if by_arn else self.real[arn]
        if self.model.closed:
            with pytest.raises(ResourceClosed):
                self.topic.unsubscribe(given)
            return
        self.topic.unsubscribe(given)
        for sub in [sub for sub in self.model.subs if sub.arn == arn]:
            self.model.subs.remove(sub)
            self.model.drop(self.now, sub)
            sub.removed = True

    # Publishing.

    def text(self, id_: str, body: str, subject: str | None, count: int) -> Text:
        return Text(id_, body, subject, {f"attr{number}": str(number) for number in range(count)}, self.now)

    @rule(body=bodies, subject=subjects, count=counts)
    def publish(self, body: str, subject: str | None, count: int) -> None:
        attributes: dict[str, Any] = {f"attr{number}": number for number in range(count)}
        if self.model.closed:
            with pytest.raises(ResourceClosed):
                self.topic.publish(body)
            return
        published = self.topic.publish(body, subject=subject, attributes=attributes or None)
        self.model.publish(self.now, [self.text(published.message_id, body, subject, count)])
        self.model.catch_up(self.now)

    @rule(wanted=st.lists(st.tuples(st.one_of(bodies, st.just("")), subjects, counts), min_size=1, max_size=4))
    def publish_batch(self, wanted: list[tuple[str, str | None, int]]) -> None:
        entries = [
            PublishEntry(body, subject, {f"attr{number}": number for number in range(count)})
            for body, subject, count in wanted
        ]
        if self.model.closed:
            with pytest.raises(ResourceClosed):
                self.topic.publish_batch(entries)
            return
        outcome = self.topic.publish_batch(entries)
        assert [int(failed.id) for failed in outcome.failed] == [i for i, one in enumerate(wanted) if not one[0]]
        texts = [self.text(one.result.message_id, *wanted[int(one.id)]) for one in outcome.successful]
        self.model.publish(self.now, texts)
        self.model.catch_up(self.now)

    @precondition(lambda self: not self.model.closed)
    @rule(body=bodies)
    def deliver(self, body: str) -> None:
        """
        From another resource: what is due is for the call that this is part of.
        """
        before = len(self.told)
        self.topic.deliver(Parcel(body))
        self.model.publish(self.now, [self.text(self.told[before][2], body, None, 0)])
        self.clock.settle()
        self.model.catch_up(self.now)

    # Trouble.

    @rule(
        place=st.sampled_from(BOXES),
        plan=st.lists(st.sampled_from(["taken", "trouble", "trouble", "gone"]), max_size=6),
    )
    def fail(self, place: str, plan: list[str]) -> None:
        errors = {"taken": None, "trouble": Trouble(), "gone": InvalidInput()}
        self.places[place].plan.extend(errors[one] for one in plan)
        self.model.plans.setdefault(place, []).extend(plan)

    @rule(place=st.sampled_from(BOXES))
    def fail_for_long(self, place: str) -> None:
        self.fail(place, ["trouble"] * (TRIES_ONLY + 1))

    @precondition(lambda self: len(self.told) > 15)
    @rule(place=st.sampled_from([*QUEUES, *DEAD]))
    def close_a_queue(self, place: str) -> None:
        self.look_into(place)
        self.places[place].close()
        self.model.closed_places.add(place)

    @precondition(lambda self: len(self.told) > 40)
    @rule()
    def close(self) -> None:
        self.topic.close()
        self.topic.close()
        self.model.drop(self.now, None)
        self.model.closed = True

    @rule(span=spans)
    def advance(self, span: float) -> None:
        self.clock.advance(span)
        self.model.catch_up(self.now)

    @precondition(lambda self: self.model.attempts)
    @rule()
    def advance_to_next(self) -> None:
        due = min(one.due for one in self.model.attempts)
        self.clock.advance_to_next()
        assert self.now == due
        self.model.catch_up(self.now)

    # What must hold after each step.

    def look_into(self, place: str) -> None:
        """
        What is in a queue or box is what the model has there.
        """
        held = self.places[place]
        if isinstance(held, Box):
            found = [shown(parcel.body, parcel.attributes) for parcel in held.parcels]
        elif held.closed:
            return
        else:
            found = [shown(message.body, message.attributes) for message in held.peek(10_000)]
        assert found == self.model.got[place]

    @invariant()
    def agrees(self) -> None:
        model, stats = self.model, self.topic.stats()
        assert self.told == model.log
        assert {name: getattr(stats, name) for name in model.totals} == model.totals
        assert (stats.published, stats.subscriptions) == (model.published, len(model.subs))
        assert stats.retrying == len(model.attempts)
        assert [one.arn for one in self.topic.subscriptions] == [sub.arn for sub in model.subs]
        for place in self.places:
            self.look_into(place)
        for sub in model.subs:
            real = self.real[sub.arn]
            assert (real.delivered, real.refused, real.dead_lettered, real.dropped) == (
                sub.delivered,
                sub.refused,
                sub.dead_lettered,
                sub.dropped,
            )
        due = {f"queue {one.sub.place}": 0 for one in model.attempts}
        assert {line.rpartition("to ")[2] for _, line in self.topic._courier.due()} == due.keys()

    @invariant()
    def explains_itself(self) -> None:
        ids = list(dict.fromkeys(id_ for kind, _, id_, _ in self.told if kind == "published"))
        for id_ in ids[-3:]:
            told = self.topic.explain(id_)
            kinds = [kind for kind, _, other, _ in self.told if other == id_]
            retrying = sum(one.text.id == id_ for one in self.model.attempts)
            assert f": {kinds.count('delivered')} delivered" in told
            for what, count in [
                ("dead-lettered", kinds.count("dead-lettered")),
                ("dropped", kinds.count("dropped")),
                ("retrying", retrying),
            ]:
                assert (f"{count} {what}" in told) == (count > 0), (told, kinds)


def shown(body: str, attributes: Any) -> tuple[Any, ...]:
    """
    A body as the model has it.
    """
    if not body.startswith("{\n"):
        return ("raw", body, {name: value.value for name, value in attributes.items()})
    assert not attributes
    members = json.loads(body)
    assert members["Type"] == "Notification"
    at = datetime.fromisoformat(members["Timestamp"])
    return (
        "enveloped",
        members["MessageId"],
        members["Message"],
        members.get("Subject"),
        {name: held["Value"] for name, held in members.get("MessageAttributes", {}).items()},
        round(at.timestamp() * 1_000) * 1_000,
        members["UnsubscribeURL"].partition("SubscriptionArn=")[2],
    )


@pytest.mark.parametrize("run", [0, pytest.param(1, marks=pytest.mark.deep)])
def test_a_topic_does_what_the_model_does(run: int) -> None:
    TopicMachine.TestCase().runTest()
