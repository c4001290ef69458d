"""
Draws up the accounts of a flow: from what the recorder heard, and from the objects, read back.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from postroom.clock import ManualClock
from postroom.firehose import DirectoryStore
from postroom.lab.accounts import Account, Arrow, DeadLetter, ObjectRow, QueueRow, Result, ShardRow, Step, Tone
from postroom.lab.wiring import (
    ARCHIVE,
    ATTENTION,
    BUS,
    COUNTER,
    DIGEST,
    LANES,
    OPERATOR,
    SOURCE,
    STORE,
    STREAM,
    TOPIC,
    dead,
)
from postroom.lab.words import shown_error, shown_span

if TYPE_CHECKING:
    from postroom.firehose import ObjectStore
    from postroom.lab.flow import Flow
    from postroom.observe import Observation

_CRASHED: Final = "InjectedCrash("
_LOST: Final = "acknowledgement was lost"
_WORDS: Final[Mapping[str, str]] = {
    "available": "visible again",
    "dead-lettered": "moved to the dead-letter queue",
    "moved in": "came in as a dead letter",
}


class Archived(NamedTuple):
    """
    What the objects hold.
    """

    objects: list[ObjectRow]
    first: dict[str, str]
    """By event, the first object that has it."""
    found: Counter[str]
    """By event, how many records carry it."""
    strangers: int
    """Records that are of none of the events."""


def read_back(store: ObjectStore, known: Iterable[str]) -> Archived:
    r"""
    Reads all objects of the archive.

    >>> from postroom.firehose import MemoryStore
    >>> store = MemoryStore()
    >>> store.put("events/2024/01/01/00/a", b'{"detail": {"id": "7"}}\n')
    >>> archived = read_back(store, ["7"])
    >>> archived.found, archived.objects[0].size
    (Counter({'7': 1}), 24)
    """
    objects: list[ObjectRow] = []
    first: dict[str, str] = {}
    found: Counter[str] = Counter()
    for key, data in sorted(_contents(store).items()):
        lines = data.splitlines()
        for line in lines:
            id_ = _id_of(line)
            found[id_] += 1
            first.setdefault(id_, key)
        objects.append(ObjectRow(key, len(data), len(lines), hashlib.sha256(data).hexdigest()))
    ids = set(known)
    return Archived(objects, first, found, sum(count for id_, count in found.items() if id_ not in ids))


def _contents(store: ObjectStore) -> dict[str, bytes]:
    if isinstance(store, DirectoryStore):
        files = [path for path in (store.path / "events").rglob("*") if path.is_file()]
        return {path.relative_to(store.path).as_posix(): path.read_bytes() for path in files}
    objects: dict[str, bytes] = getattr(store, "objects", {})
    return objects


def _id_of(line: bytes) -> str:
    try:
        return str(json.loads(line)["detail"]["id"])
    except (ValueError, LookupError, TypeError):
        return ""  # no event has this id


class _Course:
    """
    What the recorder heard of one event.
    """

    __slots__ = ("before", "copies", "dead_lettered", "deliveries", "done_us", "failures", "message_id", "published_us")

    def __init__(self) -> None:
        self.message_id: str | None = None
        self.published_us: int | None = None
        self.before: set[str] = set()
        """Messages of its that are in a queue or a dead-letter queue."""
        self.copies = 0
        """Messages that the topic's queues got of it."""
        self.done_us: int | None = None
        self.deliveries = 0
        self.failures = 0
        self.dead_lettered = 0


class Tally:
    """
    Goes once through all that the recorder heard, and knows of each message which event it came of.

    Args:
        flow: Whose accounts these are.
    """

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self.events: dict[str, str] = dict(flow.published)
        """By message, of whatever service, the event it came of."""
        self.queue_of: dict[str, str] = {}
        """By message of a queue, which of the four it was in first."""
        self.courses: defaultdict[str, _Course] = defaultdict(_Course)
        self.arrows: Counter[tuple[str, str]] = Counter()
        self.counts: Counter[tuple[str, str]] = Counter()
        """By resource, and what happened."""
        self.oldest: Counter[str] = Counter()
        self.letters: list[DeadLetter] = []
        self.derived: set[str] = set()
        """Events of the bus that are made of others."""
        self.lost: set[tuple[str, int]] = set()
        """Acknowledgements that were lost: of which object or hand-over, and of which attempt."""
        self._sent_at: dict[str, int] = {}
        self._errors: dict[str, str] = {}
        self._lanes = {f"queue {lane.queue}": lane for lane in LANES}
        self._dead = {f"queue {dead(lane.queue)}" for lane in LANES}
        self._functions = {f"function {lane.function}" for lane in LANES} | {COUNTER}
        self._by_id = {event.id: event for event in flow.events}
        for seen in flow.recorder:
            self._look_at(seen)

    def _look_at(self, seen: Observation) -> None:
        causes = seen.details.get("caused_by", ())
        if causes and seen.message_id not in self.events and causes[0] in self.events:
            self.events[seen.message_id] = self.events[causes[0]]
        event_id = self.events.get(seen.message_id)
        self.counts[seen.resource, seen.kind] += 1
        if _LOST in seen.details.get("error", ""):
            # Of an object all its records are told; of a hand-over one message.
            key = seen.details.get("key", f"{seen.message_id} {seen.details.get('to')}")
            self.lost.add((key, seen.details["retry"]))
        if event_id is None:
            return  # interrupted between sending and noting it
        course = self.courses[event_id]
        if seen.resource == TOPIC and seen.kind == "published":
            course.message_id, course.published_us = seen.message_id, seen.at_us
        elif seen.resource in self._lanes:
            self._in_queue(seen, course, causes)
        elif seen.resource in self._dead and seen.kind == "deleted":
            course.before.discard(seen.message_id)
        elif seen.resource in self._functions:
            self._in_function(seen, course)
        elif seen.resource == BUS and seen.kind == "put" and causes:
            lane = self._lanes[self.queue_of[causes[0]]]
            self.arrows[f"function {lane.function}", BUS] += 1
            if lane.queue != "audit":
                self.derived.add(seen.message_id)

    def _in_queue(self, seen: Observation, course: _Course, causes: tuple[str, ...]) -> None:
        queue, id_ = seen.resource, seen.message_id
        if seen.kind == "sent":
            self.queue_of[id_] = queue
            self._sent_at[id_] = seen.at_us
            course.before.add(id_)
            is_fresh = bool(causes) and causes[0] in self._flow.published
            course.copies += is_fresh
            self.arrows[(TOPIC if is_fresh else OPERATOR), queue] += 1
            return
        self.oldest[queue] = max(self.oldest[queue], seen.at_us - self._sent_at[id_])
        if seen.kind == "received":
            course.deliveries += 1
            self.counts[queue, "again"] += seen.details["receive_count"] > 1
        elif seen.kind == "deleted":
            course.before.discard(id_)
            course.done_us = seen.at_us
        elif seen.kind == "dead-lettered":
            course.dead_lettered += 1
            lane = self._lanes[queue]
            self.letters.append(
                DeadLetter(
                    self._by_id[self.events[id_]],
                    lane.queue,
                    id_,
                    seen.at_us - self._flow.start_us,
                    seen.details["receive_count"],
                    self._errors.get(id_, "unknown"),
                    self._flow.again.get(id_),
                )
            )

    def _in_function(self, seen: Observation, course: _Course) -> None:
        if seen.kind == "failed":
            course.failures += 1
            self._errors[seen.message_id] = seen.details["error"]
            self.counts[seen.resource, "crashed"] += _CRASHED in seen.details["error"]


def result(flow: Flow, *, interrupted: bool) -> Result:
    """
    Draws up the accounts of a flow that was played.
    """
    tally, archived = Tally(flow), read_back(flow.store, (event.id for event in flow.events))
    reader = flow.reader
    found = Result(
        seed=flow.seed,
        start_us=flow.start_us,
        manual=isinstance(flow.clock, ManualClock),
        by_time=flow.plan.by_time,
        interrupted=interrupted,
        poison=flow.poison,
        accounts=_accounts(flow, tally, archived),
        dead_letters=sorted(tally.letters, key=_when),
        queues=_queues(flow, tally),
        shards=_shards(flow),
        objects=archived.objects,
        arrows=_arrows(flow, tally, archived),
        kinds=_ranked(reader.kinds),
        repositories=_ranked(reader.repositories),
        derived=_ranked(Counter(event["detail-type"] for event in flow.read[DIGEST])),
        figures=_figures(flow, tally, archived),
        steps=[],
    )
    slowest = found.slowest
    if slowest is None or slowest.message_id is None:
        return found
    story = flow.recorder.story(slowest.message_id)
    return found._replace(steps=[_step(seen, flow.start_us) for seen in story.observations])


def _when(letter: DeadLetter) -> int:
    return letter.at_us


def _accounts(flow: Flow, tally: Tally, archived: Archived) -> list[Account]:
    start = flow.start_us
    accounts: list[Account] = []
    for event in flow.events:
        course, counted = tally.courses[event.id], flow.reader.done_at_us.get(event.id)
        done = None if course.before or course.done_us is None else course.done_us - start
        accounts.append(
            Account(
                event,
                course.message_id,
                published_us=None if course.published_us is None else course.published_us - start,
                counted_us=None if counted is None else counted - start,
                object=archived.first.get(event.id),
                found=archived.found[event.id],
                copies=course.copies,
                done_us=done,
                deliveries=course.deliveries,
                failures=course.failures,
                dead_lettered=course.dead_lettered,
            )
        )
    return accounts


def _queues(flow: Flow, tally: Tally) -> list[QueueRow]:
    rows: list[QueueRow] = []
    for lane in LANES:
        queue, function = f"queue {lane.queue}", f"function {lane.function}"
        counts, figures = tally.counts, flow.desks[lane.queue].figures
        rows.append(
            QueueRow(
                lane.queue,
                lane.function,
                lane.does,
                sent=counts[queue, "sent"],
                again=tally.arrows[OPERATOR, queue],
                received=counts[queue, "received"],
                failed=counts[function, "failed"],
                crashed=counts[function, "crashed"],
                dead_lettered=counts[queue, "dead-lettered"],
                deleted=counts[queue, "deleted"],
                done=figures.done,
                passed_over=figures.passed_over,
                repeats=figures.repeats,
                oldest_age_us=tally.oldest[queue],
                left=len(flow.queues[lane.queue]) + len(flow.dead[lane.queue]),
            )
        )
    return rows


def _shards(flow: Flow) -> list[ShardRow]:
    rows: list[ShardRow] = []
    for shard in flow.stream.shards:
        records = flow.reader.shards.get(shard.shard_id, {}).values()
        ids, keys = {id_ for id_, _ in records}, {key for _, key in records}
        rows.append(ShardRow(shard.shard_id, len(records), len(ids), len(keys)))
    return rows


def _arrows(flow: Flow, tally: Tally, archived: Archived) -> list[Arrow]:
    counts, arrows = tally.counts, tally.arrows
    found = [Arrow(SOURCE, TOPIC, counts[TOPIC, "published"], "events")]
    for lane in LANES:
        queue, function = f"queue {lane.queue}", f"function {lane.function}"
        found += [
            Arrow(TOPIC, queue, arrows[TOPIC, queue], "messages"),
            Arrow(queue, function, counts[queue, "received"], "deliveries"),
            Arrow(queue, f"queue {dead(lane.queue)}", counts[queue, "dead-lettered"], "dead letters"),
            Arrow(OPERATOR, queue, arrows[OPERATOR, queue], "sent round again"),
            Arrow(function, BUS, arrows[function, BUS], "events"),
        ]
    return [
        *found,
        Arrow(BUS, STREAM, counts[STREAM, "put"], "records"),
        Arrow(BUS, DIGEST, counts[DIGEST, "sent"], "derived events"),
        Arrow(BUS, ATTENTION, counts[ATTENTION, "sent"], "events"),
        Arrow(STREAM, COUNTER, counts[COUNTER, "invoked"], "records"),
        Arrow(STREAM, ARCHIVE, counts[ARCHIVE, "put"], "records"),
        Arrow(ARCHIVE, STORE, len(archived.objects), "objects"),
        *(Arrow(queue, OPERATOR, len(flow.read[queue]), "messages") for queue in (DIGEST, ATTENTION)),
    ]


def _figures(flow: Flow, tally: Tally, archived: Archived) -> dict[str, int]:
    reader, archive = flow.reader, flow.archive.stats()
    buffered = archive.buffered_records + archive.waiting_objects + archive.undelivered
    dropped = sum(count for (_, kind), count in tally.counts.items() if kind == "dropped")
    return {
        "published": len(flow.published),
        "rounds": flow.rounds,
        "sent_again": len(flow.again),
        "counted": len(reader.done_at_us),
        "records": reader.records,
        "reader_repeats": reader.repeats,
        "duplicates": sum(count - 1 for count in archived.found.values()),
        "strangers": archived.strangers,
        "derived_put": len(tally.derived),
        "derived_received": len({event["id"] for event in flow.read[DIGEST]}),
        "attention": len({event["id"] for event in flow.read[ATTENTION]}),
        "lost_acknowledgements": len(tally.lost),
        "slow_calls": len(flow.faults.slow_calls),
        "dropped": dropped,
        "left": flow.left() + buffered,
    }


def _step(seen: Observation, start_us: int) -> Step:
    tone: Tone = ""
    if seen.kind in {"failed", "dead-lettered", "refused", "dropped"}:
        tone = "bad"
    elif seen.kind in {"succeeded", "written"}:
        tone = "good"
    return Step(seen.at_us - start_us, seen.resource, seen.kind, _words(seen), seen.message_id, tone)


def _words(seen: Observation) -> str:
    """
    What happened, for people.
    """
    details: Mapping[str, Any] = seen.details
    words = _WORDS.get(seen.kind, seen.kind)
    if seen.kind == "received":
        words += f" (no. {details['receive_count']}), hidden for {shown_span(details['visible_at_us'] - seen.at_us)}"
    if details.get("rules"):
        words += f" by {', '.join(details['rules'])}"
    if "key" in details:
        words += f" into {details['key']}"
    if "to" in details:
        words += f" {'by' if seen.kind == 'refused' else 'to'} {details['to']}"
    return f"{words}: {shown_error(' '.join(details['error'].split()))}" if "error" in details else words


def _ranked(counts: Counter[str]) -> dict[str, int]:
    """
    The most frequent first, and by name where they are even.
    """
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
