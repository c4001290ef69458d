"""
Message move tasks beside a model that is obviously right: a list of messages, and a scan for each question.

A dead-letter queue, the two queues whose letters it takes, and one that has nothing to do with it; all of one kind. What is
moved when is reckoned message by message, each at its own instant. Every message has a body of its own, so that one which is
lost, or there twice, shows.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from postroom import FifoQueue, ManualClock, Queue
from postroom.errors import InvalidParameterValue, PurgeQueueInProgress, QueueResourceNotFound
from postroom.message import Parcel

S: Final = 1_000_000
SOURCES: Final = ("orders", "mail")
OTHERS: Final = (*SOURCES, "elsewhere")
GROUPS: Final = st.sampled_from(["a", "b"])
NON_EXISTENT: Final = "AWS.SimpleQueueService.NonExistentQueue"


@dataclass
class Letter:
    """
    A message in the dead-letter queue.
    """

    body: str
    group: str
    origin: str | None
    number: int
    position: int
    since: int
    hidden_until: int | None = None
    receives: int = 0


@dataclass
class Task:
    """
    A message move task.
    """

    destination: str | None
    rate: int | None
    started_at: int
    to_move: int
    status: str = "RUNNING"
    reason: str | None = None
    moved: int = 0
    looks: int = 0

    @property
    def active(self) -> bool:
        return self.status in {"RUNNING", "CANCELLING"}

    @property
    def next_at(self) -> int:
        return self.started_at + self.looks * S // (self.rate or 500)


@dataclass
class Model:
    """
    All of it, without any thought of speed.
    """

    is_fifo: bool
    letters: list[Letter] = field(default_factory=list)
    held: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in OTHERS})
    closed: set[str] = field(default_factory=set)
    gone: list[str] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    counter: int = 0

    @property
    def task(self) -> Task | None:
        return self.tasks[-1] if self.tasks and self.tasks[-1].active else None

    def add(self, now: int, body: str, group: str, origin: str | None) -> None:
        self.counter += 1
        self.letters.append(Letter(body, group, origin, self.counter, self.counter, now))

    def advance(self, start: int, now: int) -> None:
        """
        Event by event: timeouts that end, and a task that looks; at one instant in this order.
        """
        while True:
            ends = [(letter.hidden_until, 0, letter.number, letter) for letter in self.letters if letter.hidden_until]
            looks = [(self.task.next_at, 1, 0, None)] if self.task else []
            due = min((*ends, *looks), key=lambda event: event[:3], default=None)
            if due is None or due[0] > now:
                return
            at, _, _, letter = due
            if letter is not None:
                self.show(at, letter)
            else:
                self.look(max(at, start))

    def show(self, at: int, letter: Letter) -> None:
        letter.hidden_until, letter.since = None, at
        if not self.is_fifo and letter.receives >= 3:
            self.counter += 1
            letter.position = self.counter

    def available(self) -> list[Letter]:
        if not self.is_fifo:
            return sorted((one for one in self.letters if not one.hidden_until), key=lambda letter: letter.position)
        heads = [next(one for one in self.letters if one.group == name) for name in {one.group for one in self.letters}]
        return sorted(
            (one for one in heads if not one.hidden_until), key=lambda letter: (letter.since, letter.position)
        )

    def look(self, now: int) -> None:
        task = self.tasks[-1]
        if task.status == "CANCELLING":
            task.status = "CANCELLED"
            return
        found = self.available()
        if not found:
            task.status = "COMPLETED"
            return
        letter = found[0]
        task.looks += 1
        to = task.destination or letter.origin
        if to is None or to in self.closed:
            task.status = "FAILED"
            task.reason = "CouldNotDetermineMessageSource" if to is None else NON_EXISTENT
            self.show(now, letter)
            return
        task.moved += 1
        self.letters.remove(letter)
        self.held[to].append(letter.body)


class MovesMachine(RuleBasedStateMachine):
    """
    Both of them, step by step.
    """

    is_fifo = False

    @initialize()
    def make(self) -> None:
        self.clock = ManualClock()
        self.model = Model(self.is_fifo)
        self.queues: dict[str, Any] = {name: self.queue(name) for name in ("dead", "elsewhere")}
        for name in SOURCES:
            self.queues[name] = self.queue(name, dead_letter_queue=self.queues["dead"], max_receive_count=1)
        self.handles: dict[str, str] = {}
        self.purged_at = -60 * S
        self.sent = 0
        self.received = 0

    def queue(self, name: str, **settings: Any) -> Queue | FifoQueue:
        if self.is_fifo:
            return FifoQueue(f"{name}.fifo", clock=self.clock, content_based_deduplication=True, **settings)
        return Queue(name, clock=self.clock, **settings)

    @property
    def dead(self) -> Any:
        return self.queues["dead"]

    @property
    def now(self) -> int:
        return self.clock.now_us()

    @rule(group=GROUPS, origin=st.sampled_from([*SOURCES, *SOURCES, None]), count=st.integers(1, 4))
    def arrive(self, group: str, origin: str | None, count: int) -> None:
        for _ in range(count):
            self.sent += 1
            body = f"letter {self.sent}"
            self.model.add(self.now, body, group, origin)
            self.dead.deliver(
                Parcel(
                    body,
                    message_id=body,
                    source_arn=None if origin is None else self.queues[origin].arn,
                    message_group_id=group if self.is_fifo else None,
                )
            )

    @rule(timeout=st.sampled_from([1, 2, 5]))
    def receive(self, timeout: int) -> None:
        found = self.model.available()
        wanted = found[0] if found else None
        if wanted is not None:
            wanted.receives += 1
            self.received += 1
            wanted.hidden_until = self.now + timeout * S

        messages = self.dead.receive_messages(visibility_timeout=timeout)

        assert [message.body for message in messages] == ([] if wanted is None else [wanted.body])
        self.handles = {message.body: message.receipt_handle for message in messages} or self.handles

    @rule()
    def delete(self) -> None:
        for body, handle in self.handles.items():
            letter = next((one for one in self.model.letters if one.body == body), None)
            if self.is_fifo and letter is not None and letter.hidden_until is None:
                continue  # its handle expired
            self.dead.delete_message(handle)
            if letter is not None:
                self.model.letters.remove(letter)
                self.model.gone.append(body)
        self.handles = {}

    @rule()
    def purge(self) -> None:
        if self.now - self.purged_at < 60 * S:
            with pytest.raises(PurgeQueueInProgress):
                self.dead.purge()
            return
        self.purged_at = self.now
        self.dead.purge()
        self.model.gone += [letter.body for letter in self.model.letters]
        self.model.letters.clear()

    @rule(destination=st.sampled_from([None, None, "orders", "elsewhere"]), rate=st.sampled_from([1, 2, 3, 500, None]))
    def start(self, destination: str | None, rate: int | None) -> None:
        def call() -> Any:
            target = None if destination is None else self.queues[destination]
            return self.dead.start_message_move_task(destination=target, max_messages_per_second=rate)

        model = self.model
        if set(SOURCES) <= model.closed:
            with pytest.raises(InvalidParameterValue, match="must be configured"):
                call()
        elif destination in model.closed:
            with pytest.raises(QueueResourceNotFound, match="DestinationArn"):
                call()
        elif model.task is not None:
            with pytest.raises(InvalidParameterValue, match="already a task running"):
                call()
        else:
            to_move = sum(not letter.hidden_until for letter in model.letters)
            model.tasks.append(Task(destination, rate, self.now, to_move))
            task = call()
            assert (task.status.value, task.moved, task.to_move) == ("RUNNING", 0, to_move)
            model.advance(self.now, self.now)

    @precondition(lambda self: self.model.tasks)
    @rule()
    def cancel(self) -> None:
        [seen] = self.dead.list_message_move_tasks()
        task = self.model.tasks[-1]
        if task.status == "RUNNING":
            assert seen.cancel() == task.moved
            task.status = "CANCELLING"
        else:
            with pytest.raises(QueueResourceNotFound, match=r"Task does not exist."):
                seen.cancel()

    @precondition(lambda self: len(self.model.closed) < 2)
    @rule(name=st.sampled_from(OTHERS), sure=st.integers(0, 3))
    def close(self, name: str, sure: int) -> None:
        if sure == 0:
            self.queues[name].close()
            self.model.closed.add(name)

    @rule(span=st.sampled_from([1, 1_999, 2_000, 333_333, 333_334, 500_000, 999_999, 1_000_000, 7_000_000, 60_000_000]))
    def advance(self, span: int) -> None:
        start = self.now
        self.clock.advance(span / S)
        self.model.advance(start, self.now)

    @invariant()
    def the_queues_hold_the_same(self) -> None:
        self.dead._core.check()
        settled = len(self.dead)
        assert settled == len(self.model.letters)
        assert sorted(entry.stored.body for entry in self.dead._core) == sorted(one.body for one in self.model.letters)
        for name in OTHERS:
            assert [entry.stored.body for entry in self.queues[name]._core] == self.model.held[name]
        assert not self.dead._core.moving

    @invariant()
    def what_is_next_is_the_same(self) -> None:
        found = self.model.available()
        assert [message.body for message in self.dead.peek(1)] == [letter.body for letter in found[:1]]

    @invariant()
    def the_tasks_are_the_same(self) -> None:
        seen = self.dead.list_message_move_tasks(max_results=10)

        assert [(one.status.value, one.failure_reason, one.moved, one.to_move) for one in seen] == [
            (one.status, one.reason, one.moved, one.to_move) for one in self.model.tasks[:-11:-1]
        ]
        assert [one.task_handle is not None for one in seen] == [one.status.value == "RUNNING" for one in seen]

    @invariant()
    def nothing_is_lost_and_nothing_is_there_twice(self) -> None:
        found = Counter(entry.stored.body for queue in self.queues.values() for entry in queue._core)

        assert found + Counter(self.model.gone) == Counter(f"letter {number + 1}" for number in range(self.sent))

    @invariant()
    def a_move_is_no_receive(self) -> None:
        stats = self.dead.stats()
        assert (stats.received, stats.dead_lettered) == (self.received, 0)


class FifoMovesMachine(MovesMachine):
    """
    The same with FIFO queues.
    """

    is_fifo = True


TestMoves = MovesMachine.TestCase
TestFifoMoves = FifoMovesMachine.TestCase
