"""
The demo's flow: a day of events through a topic, four queues and functions, a bus, and a stream, into hourly objects.

    events -> topic "events" -> queues "builds", "reviews", "mail", "audit" -> a function each -> bus "hub"
    bus "hub" -> stream "activity" -> function "counter-by-repository", which counts
                                   -> delivery stream "archive" -> objects
              -> queue "digest", queue "attention", which the operator reads after the day

What fails three times waits in a dead-letter queue until the operator comes, an hour after the day, mends the auditor
and sends it round again. Nothing here prints, and nothing is polled on a period: the next arrival is a callback of the
clock, and each resource tells those who wait for it when there is something.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from postroom.clock import ManualClock, to_datetime
from postroom.errors import ObjectNotWritten
from postroom.faults import Faults
from postroom.lab import handlers, wiring
from postroom.lab.arrivals import DAY_US, poison_kind
from postroom.limits import RETENTION_MAX_US, SECOND_US, STREAM_RETENTION_MAX_US
from postroom.observe import caused_by
from postroom.recorder import Recorder
from postroom.region import Region

if TYPE_CHECKING:
    from postroom.bus import EventBus
    from postroom.clock import SystemClock, Timer
    from postroom.firehose import DeliveryStream, ObjectStore
    from postroom.lab.arrivals import Arrivals
    from postroom.lab.events import Event
    from postroom.observe import Observation
    from postroom.queue import Queue
    from postroom.stream import Stream
    from postroom.topic import Topic
    from postroom.worker import Function

Progress: TypeAlias = Callable[[int, int], object]
"""Is told how many events were counted so far, and how many microseconds into the day that was."""

VISIBILITY_TIMEOUT: Final = 600
"""Seconds after which an event that failed comes back."""
MAX_RECEIVE_COUNT: Final = 3
"""Tries before an event goes to a dead-letter queue."""
CRASH_RATE: Final = 0.05
"""The share of calls that crash on purpose, half of them when the work was already done."""
LOST_ACKNOWLEDGEMENT_RATE: Final = 0.01
"""The share of hand-overs, of the topic and of the bus, that are made again because the answer was lost."""
LATENCY_RATE: Final = 0.02
"""The share of calls that are slow on purpose."""
LATENCY: Final = 5
"""Seconds that such a call takes at the most."""
SHARDS: Final = 4
BUFFERING_INTERVAL: Final = 900
"""Seconds after its first record at which an object is written: the longest that there is."""
ROUNDS_MAX: Final = 5
"""How often dead letters are sent round again; once is enough unless chance is against it."""
OPERATOR_COMES_US: Final = DAY_US + 3_600 * SECOND_US
"""When somebody mends the auditor and empties the dead-letter queues: an hour after the last arrival."""

_LEAVES_A_QUEUE: Final = frozenset({"deleted", "dead-lettered", "expired", "purged", "redriven"})
_OBSERVATIONS_PER_EVENT: Final = 300
_OBSERVATIONS_MIN: Final = 100_000
"""So that a reader that fails all day, once a minute in each shard, pushes nothing out."""
_NEVER_DONE_S: Final = VISIBILITY_TIMEOUT * MAX_RECEIVE_COUNT + 3_600


class _Pace(Protocol):
    """
    How time passes on one kind of clock.
    """

    def pass_until(self, at_us: int) -> None: ...

    def pass_until_quiet(self, flow: Flow) -> None: ...


class _ManualPace:
    """
    It is moved, and what is due happens on the way.
    """

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    def pass_until(self, at_us: int) -> None:
        self._clock.advance_to(to_datetime(at_us))

    def pass_until_quiet(self, flow: Flow) -> None:
        # After so long whatever failed was tried for the last time, and what was handed over twice is there.
        if not flow.is_quiet():
            self._clock.advance(_NEVER_DONE_S)


class _SystemPace:
    """
    It passes by itself, and one waits.
    """

    def __init__(self, clock: SystemClock) -> None:
        self._clock = clock

    def pass_until(self, at_us: int) -> None:
        reached = threading.Event()
        timer = self._clock.call_at(at_us, reached.set)
        try:
            reached.wait()
        finally:
            timer.cancel()

    def pass_until_quiet(self, flow: Flow) -> None:
        # Whatever changes the answer is told to `flow`, which then says so.
        flow.stirred.clear()
        while not flow.is_quiet():
            flow.stirred.wait()
            flow.stirred.clear()


class CountedFaults(Faults):
    """
    A plan of faults that knows how many calls it has made slow: time passes on a `SystemClock` without it, too.

    >>> faults = CountedFaults(latency_rate=1, latency=2)
    >>> span = faults.draws_latency("mailer")
    >>> len(faults.slow_calls)
    1
    """

    __slots__ = ("slow_calls",)

    def __init__(self, seed: int = 0, **rates: Any) -> None:
        super().__init__(seed, **rates)
        self.slow_calls: list[str] = []
        """The functions whose calls they were."""

    def draws_latency(self, resource: str) -> int:
        """
        As `Faults.draws_latency`.
        """
        span = super().draws_latency(resource)
        if span:
            self.slow_calls.append(resource)
        return span


class Flow:
    """
    The resources, and who does what with them.

    Args:
        plan: Who arrives when.
        seed: Draws failures, the poison kind and ids.
        clock: On which all of it happens.
        store: Where the archive writes to.
        progress: Told of each event that was counted.
    """

    def __init__(
        self,
        plan: Arrivals,
        seed: int,
        clock: ManualClock | SystemClock,
        store: ObjectStore,
        progress: Progress | None = None,
    ) -> None:
        self.seed: int = seed
        self.clock: ManualClock | SystemClock = clock
        self.plan: Arrivals = plan
        self.store: ObjectStore = store
        self.events: Sequence[Event] = plan.events
        self.poison: str | None = poison_kind(self.events, seed)
        self.start_us: int = clock.now_us()
        self.faults: CountedFaults = CountedFaults(
            seed,
            crash_rate=CRASH_RATE,
            lost_acknowledgement_rate=LOST_ACKNOWLEDGEMENT_RATE,
            latency_rate=LATENCY_RATE,
            latency=LATENCY,
        )
        self.region: Region = Region(clock=clock, seed=seed, faults=self.faults)
        self._progress = progress
        self._next = 0
        self._arrival: Timer | None = None
        self._stopped = False
        self._lock = threading.Lock()
        self._inside = 0
        self._records_put = 0
        self._records_archived = 0
        self.stirred: threading.Event = threading.Event()
        """Set whenever something happened that may have been the last thing to happen."""
        self.published: dict[str, str] = {}
        """By the topic's message, the event it carries."""
        self.again: dict[str, str] = {}
        """By dead letter, the message it was sent round again as."""
        self.read: dict[str, list[dict[str, Any]]] = {wiring.DIGEST: [], wiring.ATTENTION: []}
        """What the operator read of the digest and of what needs attention, as events of the bus."""
        self.rounds: int = 0
        self.queues: dict[str, Queue] = {}
        self.dead: dict[str, Queue] = {}
        self.functions: dict[str, Function] = {}
        self._wire()
        self.recorder: Recorder = Recorder(
            self.region, most=_OBSERVATIONS_PER_EVENT * len(self.events) + _OBSERVATIONS_MIN
        )
        self.region.observe(self._watch)

    def _wire(self) -> None:
        """
        Makes the resources, from the far end backwards, and ties them together.
        """
        region = self.region
        self.stream: Stream = region.stream(
            "activity", shard_count=SHARDS, retention=STREAM_RETENTION_MAX_US // SECOND_US
        )
        self.reader: handlers.Reader = handlers.Reader(self.clock.now_us, self._tell)
        self.counter: Function = region.function(self.reader, name="counter-by-repository")
        self.counter.add_event_source(self.stream, starting_position="TRIM_HORIZON")
        self.archive: DeliveryStream = region.delivery_stream(
            "archive",
            self.store,
            source=self.stream,
            starting_position="TRIM_HORIZON",
            prefix="events/",
            buffering_interval=BUFFERING_INTERVAL,
            append_delimiter=True,
        )
        self.digest: Queue = self._queue("digest")
        self.attention: Queue = self._queue("attention")
        self.hub: EventBus = region.event_bus("hub")
        everything = self.hub.put_rule("everything", {"source": ["github"]})
        everything.put_target(self.stream, partition_key_path="$.detail.repository")
        prefixes = [{"prefix": name} for name in ("build.", "review.", "mail.")]
        self.hub.put_rule("derived", {"detail-type": prefixes, "source": ["demo"]}).put_target(self.digest)
        attention = {"source": ["github"], "detail": {"attention": [{"exists": True}]}}
        self.hub.put_rule("needs-attention", attention).put_target(self.attention)
        put = self.hub.put_event
        self.auditor: handlers.Auditor = handlers.Auditor(put, self.poison)
        self.desks: dict[str, handlers.Desk] = {
            "builds": handlers.desk(put, _begins(handlers.BUILDS), "build.validated", handlers.validate),
            "reviews": handlers.desk(put, _begins(handlers.REVIEWS), "review.enriched", handlers.enrich),
            "mail": handlers.desk(put, handlers.MAILED.__contains__, "mail.composed", handlers.compose),
            "audit": self.auditor,
        }
        self.topic: Topic = region.topic("events")
        for lane in wiring.LANES:
            self._lay(lane)

    def _lay(self, lane: wiring.Lane) -> None:
        """
        One queue with its dead-letter queue and its function.
        """
        dead = self.dead[lane.queue] = self._queue(wiring.dead(lane.queue))
        queue = self.queues[lane.queue] = self._queue(lane.queue, dead)
        function = self.functions[lane.queue] = self.region.function(self.desks[lane.queue], name=lane.function)
        # One event a call: an event that cannot be read takes no other with it.
        function.add_event_source(queue, batch_size=1)
        self.topic.subscribe(queue, raw_message_delivery=True)

    def _queue(self, name: str, dead: Queue | None = None) -> Queue:
        return self.region.queue(
            name,
            visibility_timeout=VISIBILITY_TIMEOUT,
            retention=RETENTION_MAX_US // SECOND_US,
            dead_letter_queue=dead,
            max_receive_count=None if dead is None else MAX_RECEIVE_COUNT,
        )

    def _tell(self, done: int) -> None:
        if self._progress is not None:
            self._progress(done, self.clock.now_us() - self.start_us)

    def play(self) -> None:
        """
        The day, the hour after it, and what the operator does then.
        """
        pace: _Pace = _ManualPace(self.clock) if isinstance(self.clock, ManualClock) else _SystemPace(self.clock)
        self._await_next()
        pace.pass_until(self.start_us + OPERATOR_COMES_US)
        pace.pass_until_quiet(self)
        self.auditor.mend()
        while self.rounds < ROUNDS_MAX and self._redrive():
            self.rounds += 1
            pace.pass_until_quiet(self)
        self.write_out()
        for queue in (self.digest, self.attention):
            self._read(queue)

    def write_out(self) -> None:
        """
        Has what the archive still holds written, a few times if that fails; what then is left, the accounts tell.
        """
        for _ in range(ROUNDS_MAX):
            with suppress(ObjectNotWritten):
                self.archive.flush()
                return

    def stop(self) -> None:
        """
        Nothing more is published.
        """
        self._stopped = True
        if self._arrival is not None:
            self._arrival.cancel()

    def _await_next(self) -> None:
        if self._next < len(self.plan.timetable):
            offset, _ = self.plan.timetable[self._next]
            self._arrival = self.clock.call_at(self.start_us + offset, self._publish_due)
            if self._stopped:  # in between, by another thread
                self._arrival.cancel()

    def _publish_due(self) -> None:
        """
        Publishes whatever has arrived by now, and has the clock call for the next.
        """
        timetable, now = self.plan.timetable, self.clock.now_us()
        while self._next < len(timetable) and self.start_us + timetable[self._next][0] <= now and not self._stopped:
            event = timetable[self._next][1]
            self._next += 1
            self.published[self.topic.publish(event.body).message_id] = event.id
        self._await_next()
        self.stirred.set()

    def _redrive(self) -> int:
        """
        Sends all dead letters round again, by hand. Returns how many there were.
        """
        found = 0
        for name, dead in self.dead.items():
            while letters := dead.receive_messages(max_messages=10):
                for letter in letters:
                    with caused_by(letter.message_id):
                        sent = self.queues[name].send_message(letter.body)
                    self.again[letter.message_id] = sent.message_id
                    dead.delete_message(letter.receipt_handle)
                found += len(letters)
        return found

    def _read(self, queue: Queue) -> None:
        """
        Reads a queue empty.
        """
        while messages := queue.receive_messages(max_messages=10):
            self.read[str(queue)] += [handlers.parsed(message.body) for message in messages]
            queue.delete_message_batch([message.receipt_handle for message in messages])

    # Whether anything is still to come.

    def _watch(self, seen: Observation) -> None:
        """
        Counts what is in the four queues, and what the stream's reader has before it.
        """
        name = seen.resource.removeprefix("queue ")
        with self._lock:
            if seen.resource == wiring.STREAM:
                self._records_put += seen.kind == "put"
            elif seen.resource == wiring.ARCHIVE:
                self._records_archived += seen.kind == "put"
            elif name in self.queues:
                self._inside += seen.kind == "sent"
                self._inside -= seen.kind in _LEAVES_A_QUEUE
        self.stirred.set()

    def is_quiet(self) -> bool:
        """
        Whether all that was published is through, or a dead letter.
        """
        with self._lock:
            inside, put, archived = self._inside, self._records_put, self._records_archived
        topic, hub = self.topic.stats(), self.hub.stats()
        # Each subscription and each rule, which have one target each, has handed over or given up.
        handed = topic.delivered + topic.dead_lettered + topic.dropped
        matched = hub.delivered + hub.dead_lettered + hub.dropped
        return (
            self._next == len(self.plan.timetable)
            and inside == 0
            and handed == topic.published * topic.subscriptions
            and matched == sum(rule.matched for rule in self.hub.rules)
            and self.reader.records == put == archived
        )

    def left(self) -> int:
        """
        How many messages are in any queue now.
        """
        queues = [*self.queues.values(), *self.dead.values(), self.digest, self.attention]
        return sum(len(queue) for queue in queues)


def _begins(prefixes: tuple[str, ...]) -> Callable[[str], bool]:
    return lambda kind: kind.startswith(prefixes)
