"""
What the demo found: figures, and an account of each event. All times are microseconds from the start of the day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from postroom.clock import ManualClock, to_datetime

if TYPE_CHECKING:
    from postroom.lab.events import Event
    from postroom.lab.flow import Flow, Sent
    from postroom.observe import Observation
    from postroom.recorder import Story

_CRASHED: Final = "InjectedCrash("
_DETAILS_KEPT: Final = ("error", "receive_count", "visible_at_us")


class Account(NamedTuple):
    """
    What became of one event.
    """

    event: Event
    """Which."""
    message_ids: tuple[str, ...]
    """The messages that carried it: one, and one more each time it was sent round again."""
    sent_us: int | None
    """When it was first sent; None if the demo was interrupted before."""
    counted_us: int | None
    """When it was counted; None if it was not."""
    left_us: int | None
    """When its last message was deleted; None if there still is one."""
    deliveries: int
    """How often the function was given it."""
    dead_lettered: int
    """How often it went to the dead-letter queue."""

    @property
    def took_us(self) -> int:
        """
        From its sending to its last message's end; 0 if it has not come so far.
        """
        return 0 if self.sent_us is None or self.left_us is None else self.left_us - self.sent_us

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict.
        """
        event = self.event
        return {
            "id": event.id,
            "line": event.line,
            "kind": event.kind,
            "repository": event.repository,
            "message_ids": list(self.message_ids),
            "sent_us": self.sent_us,
            "counted_us": self.counted_us,
            "left_us": self.left_us,
            "deliveries": self.deliveries,
            "dead_lettered": self.dead_lettered,
        }


class DeadLetter(NamedTuple):
    """
    A message that went to the dead-letter queue.
    """

    event: Event
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
    kinds: Mapping[str, int]
    """Events counted, by kind."""
    repositories: Mapping[str, int]
    """Events counted, by repository."""
    figures: Mapping[str, int]
    """What queue and function did."""
    stories: list[Story]
    """Of the messages of the event that took longest; empty if none came through."""

    @property
    def missing(self) -> list[str]:
        """
        Ids of events that were not counted.
        """
        return [account.event.id for account in self.accounts if account.counted_us is None]

    @property
    def complete(self) -> bool:
        """
        Whether every event was counted once, by its id, and none is left on the way.
        """
        figures, events = self.figures, len(self.accounts)
        return (
            not self.interrupted
            and not self.missing
            and figures["counted"] == sum(self.kinds.values()) == sum(self.repositories.values()) == events
            and figures["left_in_queue"] == figures["left_in_dead_letter_queue"] == 0
        )

    @property
    def slowest(self) -> Account | None:
        """
        The event that took longest from its sending until its last message was deleted.
        """
        found = [account for account in self.accounts if account.took_us]
        return max(found, key=lambda account: account.took_us, default=None)

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict, ready for `json.dumps`; nothing in it tells of the host's time.
        """
        return {
            "accounted_for": {"complete": self.complete, "events": len(self.accounts), "missing": self.missing},
            "clock": "manual" if self.manual else "system",
            "dead_letters": [letter.to_dict() for letter in self.dead_letters],
            "events": [account.to_dict() for account in self.accounts],
            "figures": dict(self.figures),
            "interrupted": self.interrupted,
            "kinds": dict(self.kinds),
            "poison": self.poison,
            "repositories": dict(self.repositories),
            "seed": self.seed,
            "slowest": {
                "id": None if self.slowest is None else self.slowest.event.id,
                "took_us": 0 if self.slowest is None else self.slowest.took_us,
                "stories": [_story_dict(story, self.start_us) for story in self.stories],
            },
            "start": to_datetime(self.start_us).isoformat() if self.manual else None,
        }


def _story_dict(story: Story, start_us: int) -> dict[str, Any]:
    return {"message_id": story.message_id, "observations": [_seen_dict(seen, start_us) for seen in story.observations]}


def _seen_dict(seen: Observation, start_us: int) -> dict[str, Any]:
    details = {key: seen.details[key] for key in _DETAILS_KEPT if key in seen.details}
    if "visible_at_us" in details:
        details["visible_at_us"] -= start_us
    return {"at_us": seen.at_us - start_us, "kind": seen.kind, "resource": seen.resource, **details}


def result(flow: Flow, *, interrupted: bool) -> Result:
    """
    Draws up the accounts of a flow.
    """
    told = set(flow.recorder.message_ids)
    # What other threads did after an interruption is no part of it.
    messages = [sent for sent in list(flow.sent) if sent.message_id in told]
    stories = {sent.message_id: flow.recorder.story(sent.message_id) for sent in messages}
    carried: dict[str, list[str]] = {event.id: [] for event in flow.events}
    for sent in messages:
        carried[sent.event_id].append(sent.message_id)
    accounts = [_account(flow, event, [stories[one] for one in carried[event.id]]) for event in flow.events]
    found = Result(
        seed=flow.seed,
        start_us=flow.start_us,
        manual=isinstance(flow.clock, ManualClock),
        by_time=flow.plan.by_time,
        interrupted=interrupted,
        poison=flow.poison,
        accounts=accounts,
        dead_letters=_dead_letters(flow, messages, stories, carried),
        kinds=_ranked(flow.clerk.kinds),
        repositories=_ranked(flow.clerk.repositories),
        figures=_figures(flow, stories.values()),
        stories=[],
    )
    slowest = found.slowest
    return found._replace(stories=[stories[one] for one in slowest.message_ids]) if slowest else found


def _account(flow: Flow, event: Event, stories: list[Story]) -> Account:
    start, counted = flow.start_us, flow.clerk.done_at_us.get(event.id)
    seen = [one for story in stories for one in story.observations]
    queue = str(flow.queue)
    last = stories[-1].observations[-1] if stories else None
    return Account(
        event,
        tuple(story.message_id for story in stories),
        sent_us=seen[0].at_us - start if seen else None,
        counted_us=None if counted is None else counted - start,
        left_us=last.at_us - start if last is not None and last.kind == "deleted" else None,
        deliveries=sum(one.kind == "received" and one.resource == queue for one in seen),
        dead_lettered=sum(one.kind == "dead-lettered" for one in seen),
    )


def _dead_letters(
    flow: Flow, messages: Iterable[Sent], stories: Mapping[str, Story], carried: Mapping[str, Sequence[str]]
) -> list[DeadLetter]:
    events = {event.id: event for event in flow.events}
    found: list[DeadLetter] = []
    for sent in messages:
        errors = ["unknown"]
        for seen in stories[sent.message_id].observations:
            if seen.kind == "failed":
                errors.append(seen.details["error"])
            elif seen.kind == "dead-lettered":
                ids = carried[sent.event_id]
                later = ids[ids.index(sent.message_id) + 1 :]
                found.append(
                    DeadLetter(
                        events[sent.event_id],
                        sent.message_id,
                        seen.at_us - flow.start_us,
                        seen.details["receive_count"],
                        errors[-1],
                        later[0] if later else None,
                    )
                )
    return sorted(found, key=lambda letter: letter.at_us)


def _figures(flow: Flow, stories: Iterable[Story]) -> dict[str, int]:
    queue, dead, function = flow.queue.stats(), flow.dead.stats(), flow.function.stats()
    mine = str(flow.queue)
    crashed = failed = retried = oldest = 0
    for story in stories:
        for seen in story.observations:
            if seen.kind == "failed":
                failed += 1
                crashed += seen.details["error"].startswith(_CRASHED)
            elif seen.resource == mine:
                retried += seen.kind == "received" and seen.details["receive_count"] > 1
                oldest = max(oldest, seen.at_us - story.observations[0].at_us)
    return {
        "sent": queue.sent,
        "sent_again": sum(sent.again for sent in flow.sent),
        "rounds": flow.rounds,
        "received": queue.received,
        "retried": retried,
        "deleted": queue.deleted,
        "dead_lettered": queue.dead_lettered,
        "oldest_age_us": oldest,
        "left_in_queue": len(flow.queue),
        "left_in_dead_letter_queue": dead.available + dead.in_flight + dead.delayed,
        "calls": function.invocations,
        "calls_failed": failed,
        "calls_crashed": crashed,
        "counted": len(flow.clerk.done_at_us),
        "repeats": flow.clerk.repeats,
    }


def _ranked(counts: Counter[str]) -> dict[str, int]:
    """
    The most frequent first, and by name where they are even.
    """
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
