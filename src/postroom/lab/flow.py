"""
The demo's flow: a day of events through a queue, a function that fails at times, and a dead-letter queue.

    events -> queue "events" -> function "counter" -> counts
                   |    ^
       three tries |    | sent round again, once the handler is mended
                   v    |
             queue "events-dead"

Nothing here prints, and nothing is polled on a period: the next arrival is a callback of the clock, and the queue
itself tells the function when there is something, also when a visibility timeout ends.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias

from postroom.clock import ManualClock, to_datetime
from postroom.faults import Faults
from postroom.lab.arrivals import DAY_US, poison_kind
from postroom.lab.events import repository_of
from postroom.limits import RETENTION_MAX_US, SECOND_US
from postroom.recorder import Recorder
from postroom.region import Region

if TYPE_CHECKING:
    from postroom.clock import SystemClock, Timer
    from postroom.lab.arrivals import Arrivals
    from postroom.lab.events import Event
    from postroom.observe import Observation
    from postroom.queue import Queue
    from postroom.worker import Context, Function

Progress: TypeAlias = Callable[[int, int], object]
"""Is told how many events were counted so far, and how many microseconds into the day that was."""

VISIBILITY_TIMEOUT: Final = 600
"""Seconds after which an event that failed comes back."""
MAX_RECEIVE_COUNT: Final = 3
"""Tries before an event goes to the dead-letter queue."""
CRASH_RATE: Final = 0.05
"""The share of calls that crash on purpose, half of them when the work was already done."""
ROUNDS_MAX: Final = 5
"""How often dead letters are sent round again; once is enough unless chance is against it."""
OPERATOR_COMES_US: Final = DAY_US + 3_600 * SECOND_US
"""When somebody mends the handler and empties the dead-letter queue: an hour after the last arrival."""

_LEAVES_THE_QUEUE: Final = frozenset({"deleted", "dead-lettered", "expired"})
_OBSERVATIONS_PER_EVENT: Final = 100


class Sent(NamedTuple):
    """
    One message that carried an event.
    """

    event_id: str
    message_id: str
    again: bool
    """Whether it was sent round again, out of the dead-letter queue."""


class Clerk:
    """
    The far end: counts each event once, however often it is delivered, and cannot read one kind until it is mended.

    >>> clerk = Clerk(poison=None, now_us=lambda: 0)
    >>> record = {"body": '{"id": "7", "detail-type": "star", "detail": {"repository": {"full_name": "a/b"}}}'}
    >>> clerk.handle({"Records": [record, record]}, None)
    >>> clerk.kinds, clerk.repeats
    (Counter({'star': 1}), 1)

    Args:
        poison: The kind it cannot read.
        now_us: What time it is.
        counted: Is called, with how many it has counted, after each event.
    """

    def __init__(
        self, poison: str | None, now_us: Callable[[], int], counted: Callable[[int], object] | None = None
    ) -> None:
        self._now_us = now_us
        self._tell = counted
        self._lock = threading.Lock()
        self._poison = poison
        self.done_at_us: dict[str, int] = {}
        """When each event was counted, by its id."""
        self.kinds: Counter[str] = Counter()
        self.repositories: Counter[str] = Counter()
        self.repeats: int = 0
        """Deliveries of events that were counted already."""

    def handle(self, event: dict[str, Any], context: Context | None) -> None:  # noqa: ARG002 - Lambda's signature
        """
        A handler in the shape of Lambda's.

        Raises:
            ValueError: There is an event of the poison kind.
        """
        for record in event["Records"]:
            entry = json.loads(record["body"])
            if entry["detail-type"] == self._poison:
                raise ValueError(f"cannot read {self._poison!r} events")
            self._count(entry)

    def _count(self, entry: dict[str, Any]) -> None:
        with self._lock:
            if entry["id"] in self.done_at_us:
                # A queue delivers at least once: whoever must not count twice keeps ids.
                self.repeats += 1
                return
            self.done_at_us[entry["id"]] = self._now_us()
            self.kinds[entry["detail-type"]] += 1
            self.repositories[repository_of(entry["detail"])] += 1
            done = len(self.done_at_us)
        if self._tell is not None:
            self._tell(done)

    def mend(self) -> None:
        """
        From now on it can read all kinds.
        """
        self._poison = None


class _Pace(Protocol):
    """
    How time passes on one kind of clock.
    """

    def pass_until(self, at_us: int) -> None: ...

    def pass_until_quiet(self, quiet: threading.Event) -> None: ...


class _ManualPace:
    """
    It is moved, and what is due happens on the way.
    """

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    def pass_until(self, at_us: int) -> None:
        self._clock.advance_to(to_datetime(at_us))

    def pass_until_quiet(self, quiet: threading.Event) -> None:
        # After so many timeouts whatever failed was tried for the last time.
        if not quiet.is_set():
            self._clock.advance(VISIBILITY_TIMEOUT * MAX_RECEIVE_COUNT)


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

    def pass_until_quiet(self, quiet: threading.Event) -> None:
        quiet.wait()


class Flow:
    """
    The resources, and who does what with them.

    Args:
        plan: Who arrives when.
        seed: Draws failures, the poison kind and ids.
        clock: On which all of it happens.
        progress: Told of each event that was counted.
    """

    def __init__(self, plan: Arrivals, seed: int, clock: ManualClock | SystemClock, progress: Progress | None) -> None:
        self.seed: int = seed
        self.clock: ManualClock | SystemClock = clock
        self.plan: Arrivals = plan
        self.events: Sequence[Event] = plan.events
        self.poison: str | None = poison_kind(self.events, seed)
        self.start_us: int = clock.now_us()
        self.region: Region = Region(clock=clock, seed=seed, faults=Faults(seed, crash_rate=CRASH_RATE))
        retention = RETENTION_MAX_US // SECOND_US
        self.dead: Queue = self.region.queue("events-dead", retention=retention)
        self.queue: Queue = self.region.queue(
            "events",
            visibility_timeout=VISIBILITY_TIMEOUT,
            retention=retention,
            dead_letter_queue=self.dead,
            max_receive_count=MAX_RECEIVE_COUNT,
        )
        self.recorder: Recorder = Recorder(self.region, most=_OBSERVATIONS_PER_EVENT * len(self.events))
        self.queue.observe(self._watch)
        self._progress = progress
        self.clerk: Clerk = Clerk(self.poison, clock.now_us, self._tell)
        self.function: Function = self.region.function(self.clerk.handle, name="counter")
        # One event a call: an event that cannot be read takes no other with it.
        self.function.add_event_source(self.queue, batch_size=1)
        self.sent: list[Sent] = []
        self.rounds: int = 0
        self._next = 0
        self._arrival: Timer | None = None
        self._stopped = False
        self._lock = threading.Lock()
        self._inside = 0
        self._quiet = threading.Event()

    def _tell(self, done: int) -> None:
        if self._progress is not None:
            self._progress(done, self.clock.now_us() - self.start_us)

    def play(self) -> None:
        """
        The day, and the hour after it.
        """
        pace: _Pace = _ManualPace(self.clock) if isinstance(self.clock, ManualClock) else _SystemPace(self.clock)
        self._await_next()
        pace.pass_until(self.start_us + OPERATOR_COMES_US)
        pace.pass_until_quiet(self._quiet)
        self.clerk.mend()
        while self.rounds < ROUNDS_MAX and self._redrive():
            self.rounds += 1
            pace.pass_until_quiet(self._quiet)

    def stop(self) -> None:
        """
        Nothing more is sent.
        """
        self._stopped = True
        if self._arrival is not None:
            self._arrival.cancel()

    def _await_next(self) -> None:
        if self._next < len(self.plan.timetable):
            offset, _ = self.plan.timetable[self._next]
            self._arrival = self.clock.call_at(self.start_us + offset, self._send_due)
            if self._stopped:  # in between, by another thread
                self._arrival.cancel()

    def _send_due(self) -> None:
        """
        Sends whatever has arrived by now, and has the clock call for the next.
        """
        timetable, now = self.plan.timetable, self.clock.now_us()
        while self._next < len(timetable) and self.start_us + timetable[self._next][0] <= now and not self._stopped:
            event = timetable[self._next][1]
            self._next += 1
            message = self.queue.send_message(event.body)
            self.sent.append(Sent(event.id, message.message_id, again=False))
        self._await_next()
        with self._lock:
            self._note_if_quiet()

    def _redrive(self) -> int:
        """
        Sends all dead letters round again, by hand; the body has the event's id. Returns how many there were.
        """
        events = {sent.message_id: sent.event_id for sent in self.sent}
        found = 0
        while letters := self.dead.receive_messages(max_messages=10):
            for letter in letters:
                again = self.queue.send_message(letter.body)
                self.sent.append(Sent(events[letter.message_id], again.message_id, again=True))
                self.dead.delete_message(letter.receipt_handle)
            found += len(letters)
        return found

    def _watch(self, seen: Observation) -> None:
        """
        Knows when the queue has nothing left to come: sent, and neither deleted nor moved.
        """
        if seen.kind == "sent":
            with self._lock:
                self._inside += 1
                self._quiet.clear()
        elif seen.kind in _LEAVES_THE_QUEUE:
            with self._lock:
                self._inside -= 1
                self._note_if_quiet()

    def _note_if_quiet(self) -> None:
        if self._inside == 0 and self._next == len(self.plan.timetable):
            self._quiet.set()
