"""
What the demo found, as plain data: figures, and an account of each event.

All times are microseconds from the start of the day.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

from postroom.clock import to_datetime
from postroom.lab.wiring import LANES

if TYPE_CHECKING:
    from postroom.lab.events import Event

Way: TypeAlias = Literal["straight", "duplicated", "retried", "redriven", "missing"]
WAYS: Final[Mapping[Way, str]] = {
    "straight": "at the first try",
    "duplicated": "at the first try, and a second copy on the way",
    "retried": "after one or more tries that failed",
    "redriven": "as a dead letter, sent round again",
    "missing": "not at all",
}
"""How an event can come to the far end, in words; of several, the last in this order is told."""

Tone: TypeAlias = Literal["", "good", "bad", "dim"]
"""How a line or a step is meant."""


_SAID_AGAIN: Final = frozenset({"invoked", "delivered", "matched"})
"""Kinds of observations after which the next says the same from the other side."""


class Account(NamedTuple):
    """
    What became of one event.
    """

    event: Event
    """Which."""
    message_id: str | None
    """The topic's message that carried it; None if the demo was interrupted before."""
    published_us: int | None
    """When it was published."""
    counted_us: int | None
    """When the stream's reader counted it; None if it did not."""
    object: str | None
    """The object in which it was found first; None if in none."""
    found: int
    """How many records of all objects carry it: 1, or more if it was duplicated on the way."""
    copies: int
    """How many messages the four queues got of it: 4, or more if it was duplicated on the way."""
    done_us: int | None
    """When the last queue was through with it; None if one is not."""
    deliveries: int
    """How often a function was given it by a queue."""
    failures: int
    """How many calls with it failed."""
    dead_lettered: int
    """How often it went to a dead-letter queue."""

    @property
    def way(self) -> Way:
        """
        How it came to the far end.
        """
        if self.counted_us is None or self.object is None:
            return "missing"
        if self.dead_lettered:
            return "redriven"
        if self.failures:
            return "retried"
        return "duplicated" if self.found > 1 or self.copies > len(LANES) else "straight"

    @property
    def took_us(self) -> int:
        """
        From its publication until all are through with it; 0 if it has not come so far.
        """
        if self.published_us is None or self.counted_us is None or self.done_us is None:
            return 0
        return max(self.counted_us, self.done_us) - self.published_us

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict; its event by id, line, kind and repository.
        """
        event = self.event
        named = {"id": event.id, "line": event.line, "kind": event.kind, "repository": event.repository}
        return {**{key: value for key, value in self._asdict().items() if key != "event"}, **named, "way": self.way}


class DeadLetter(NamedTuple):
    """
    A message that went to a dead-letter queue.
    """

    event: Event
    queue: str
    """The one it came from."""
    message_id: str
    at_us: int
    """When it went there."""
    tries: int
    """How often it had been received."""
    error: str
    """Why the last of them failed."""
    sent_again_as: str | None
    """The message it was sent round again as; None if it was not."""

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict; the event by its id.
        """
        return {**self._asdict(), "event": self.event.id}


class QueueRow(NamedTuple):
    """
    What one of the topic's queues did, and the function that it feeds.
    """

    name: str
    function: str
    does: str
    """What the function does, in a few words."""
    sent: int
    """Messages that came in, those sent round again included."""
    again: int
    """Of these, sent round again."""
    received: int
    """Deliveries to the function."""
    failed: int
    """Calls that failed: crashed, met poison, or took longer than the visibility timeout."""
    crashed: int
    """Of these, on purpose."""
    dead_lettered: int
    deleted: int
    done: int
    """Events that the function was for, each counted once."""
    passed_over: int
    """Events of kinds it is not for."""
    repeats: int
    """Deliveries of events that it had done already."""
    oldest_age_us: int
    """The longest a message was in the queue."""
    left: int
    """Messages in it, and in its dead-letter queue, at the end."""


class ShardRow(NamedTuple):
    """
    What one shard of the stream "activity" carried.
    """

    shard_id: str
    records: int
    events: int
    """Different ones among them."""
    repositories: int
    """Different partition keys."""


class ObjectRow(NamedTuple):
    """
    An object of the archive, read back.
    """

    key: str
    size: int
    """Bytes."""
    records: int
    sha256: str


class Arrow(NamedTuple):
    """
    One arrow of the flow, and how much went over it.
    """

    source: str
    """Kind and name, such as ``topic events``."""
    target: str
    carried: int
    """How much."""
    what: str
    """What is counted, in a word or two."""


class Step(NamedTuple):
    """
    One thing that happened to the slowest event, or to what was made of it.
    """

    at_us: int
    resource: str
    kind: str
    """An observation's kind."""
    what: str
    """In words."""
    message_id: str
    tone: Tone = ""


class Result(NamedTuple):
    """
    All that the demo found.
    """

    seed: int
    start_us: int
    """When the day began, in microseconds since the epoch."""
    manual: bool
    """Whether it was played on a `ManualClock`."""
    by_time: bool
    """Whether events arrived at their own times."""
    interrupted: bool
    poison: str | None
    accounts: list[Account]
    """Of every event, in the order of the input."""
    dead_letters: list[DeadLetter]
    queues: list[QueueRow]
    shards: list[ShardRow]
    objects: list[ObjectRow]
    """Of the archive, by key."""
    arrows: list[Arrow]
    kinds: Mapping[str, int]
    """Events counted by the stream's reader, by kind."""
    repositories: Mapping[str, int]
    """The same, by repository."""
    derived: Mapping[str, int]
    """What the functions made of them and the digest received, by detail type."""
    figures: Mapping[str, int]
    """The rest."""
    steps: list[Step]
    """What happened to the event that took longest; empty if none came through."""

    @property
    def carried(self) -> dict[tuple[str, str], int]:
        """
        How much went over each arrow.
        """
        return {(arrow.source, arrow.target): arrow.carried for arrow in self.arrows}

    @property
    def told(self) -> list[Step]:
        """
        The steps that people want: without those that the next one says again.
        """
        return [step for step in self.steps if step.kind not in _SAID_AGAIN]

    @property
    def missing(self) -> list[str]:
        """
        Ids of events that were not counted, or are in no object.
        """
        return [account.event.id for account in self.accounts if account.way == "missing"]

    @property
    def ways(self) -> dict[Way, int]:
        """
        How many events came to the far end, by how.
        """
        return {way: sum(account.way == way for account in self.accounts) for way in WAYS}

    @property
    def complete(self) -> bool:
        """
        Whether every event was found at the far end by its id, counted once, and nothing is left on the way.
        """
        figures, events = self.figures, len(self.accounts)
        return (
            not self.interrupted
            and not self.missing
            and figures["counted"] == sum(self.kinds.values()) == sum(self.repositories.values()) == events
            and figures["strangers"] == figures["left"] == 0
            and figures["derived_put"] == figures["derived_received"]
        )

    @property
    def slowest(self) -> Account | None:
        """
        The event that took longest from its publication until all were through with it.
        """
        found = [account for account in self.accounts if account.took_us]
        return max(found, key=lambda account: account.took_us, default=None)

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict, ready for `json.dumps`; nothing in it tells of the host's time.
        """
        slowest = self.slowest
        return {
            "accounted_for": {
                "complete": self.complete,
                "events": len(self.accounts),
                "missing": self.missing,
                "ways": self.ways,
            },
            "arrows": [arrow._asdict() for arrow in self.arrows],
            "clock": "manual" if self.manual else "system",
            "dead_letters": [letter.to_dict() for letter in self.dead_letters],
            "derived": dict(self.derived),
            "events": [account.to_dict() for account in self.accounts],
            "figures": dict(self.figures),
            "interrupted": self.interrupted,
            "kinds": dict(self.kinds),
            "objects": [one._asdict() for one in self.objects],
            "poison": self.poison,
            "queues": [row._asdict() for row in self.queues],
            "repositories": dict(self.repositories),
            "seed": self.seed,
            "shards": [row._asdict() for row in self.shards],
            "slowest": {
                "id": None if slowest is None else slowest.event.id,
                "took_us": 0 if slowest is None else slowest.took_us,
                "steps": [step._asdict() for step in self.steps],
            },
            "start": to_datetime(self.start_us).isoformat() if self.manual else None,
        }
