"""
Message move tasks: what one is, how it goes through its states, and how it takes a message out of a queue (SQS 7.4).

A `Move` is the state of one task at instants that every call names: no lock, no clock, nobody called back. A task looks for a
message when its rate lets it, and takes it out of the queue as a receive would find it, but it is no receive: nothing of the
message is counted. The message is *under way* until its destination took it or refused it, and meanwhile the task
looks for no other. Where AWS does not say, this is how it is here:

- A task that is to be cancelled notices it when it would look for its next message.
- One that ran for 36 hours failed.
- The messages of a task are spread evenly: at 3 a second, one each 333,333 or 333,334 µs. One that came late, on a real
  clock, is followed in step by the next; after a lag of a whole step or more the task starts counting anew.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, cast

import attrs

from postroom.errors import InvalidInput
from postroom.limits import MOVE_RATE_DEFAULT, MOVE_TASK_US, SECOND_US
from postroom.queue._fifo import FifoCore
from postroom.queue._move_checks import TOO_LONG, refuse_task, write_handle
from postroom.queue._standard import StandardCore

if TYPE_CHECKING:
    from postroom.observe import Destination
    from postroom.queue._entry import Entry
    from postroom.queue._face import Core


class MoveTaskStatus(StrEnum):
    """
    Where a message move task is: RUNNING, then COMPLETED, FAILED, or CANCELLING and CANCELLED.

    >>> MoveTaskStatus.RUNNING == "RUNNING"
    True
    """

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    """It looked for a message, and there was none available."""
    CANCELLING = "CANCELLING"
    """It was cancelled, and has not noticed yet."""
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"
    """`MoveTask.failure_reason` says why."""


class _Canceller(Protocol):
    def cancel_message_move_task(self, task_handle: str) -> int: ...


@attrs.frozen(kw_only=True)
class MoveTask:
    """
    A message move task as it was when somebody looked: `Queue.start_message_move_task`, `Queue.list_message_move_tasks`.

    >>> from postroom import ManualClock, Queue
    >>> clock = ManualClock()
    >>> dead = Queue("dead", clock=clock)
    >>> queue = Queue("orders", clock=clock, dead_letter_queue=dead, max_receive_count=3)
    >>> task = dead.start_message_move_task(destination=queue, max_messages_per_second=1)
    >>> task.status, task.moved, task.max_messages_per_second
    (<MoveTaskStatus.RUNNING: 'RUNNING'>, 0, 1)
    """

    source_arn: str
    """The queue that messages are taken from."""
    status: MoveTaskStatus
    """Where it is."""
    started_at: int
    """When it was started, in milliseconds since the epoch (StartedTimestamp)."""
    moved: int
    """Messages that it moved (ApproximateNumberOfMessagesMoved)."""
    to_move: int
    """Messages that were available when it was started (ApproximateNumberOfMessagesToMove)."""
    destination_arn: str | None = None
    """Where they go; None: each to the queue it came from."""
    max_messages_per_second: int | None = None
    """As it was given; None: it was not."""
    task_handle: str | None = None
    """By which a RUNNING task is cancelled; None for any other."""
    failure_reason: str | None = None
    """Why it failed; None unless it did."""
    _queue: _Canceller | None = attrs.field(default=None, alias="queue", eq=False, repr=False)

    def cancel(self) -> int:
        """
        Cancels it, as `Queue.cancel_message_move_task` does.

        >>> from postroom import ManualClock, Queue
        >>> clock = ManualClock()
        >>> dead = Queue("dead", clock=clock)
        >>> queue = Queue("orders", clock=clock, dead_letter_queue=dead, max_receive_count=3)
        >>> outcome = dead.send_message_batch(["2 x tea", "1 x cake", "3 x scones"])
        >>> task = dead.start_message_move_task(destination=queue, max_messages_per_second=1)
        >>> clock.advance(1)
        >>> task.cancel()
        2

        Returns:
            How many messages it had moved by then.

        Raises:
            QueueResourceNotFound: It was not RUNNING when this was looked at, or is no longer.
            InvalidInput: This came out of a pickle, and knows no queue any more.
            ResourceClosed: The queue is closed.
        """
        if self.task_handle is None:
            raise refuse_task(
                f"It was {self.status} when this was looked at: only a task that is RUNNING can be cancelled."
            )
        if self._queue is None:
            raise InvalidInput(
                "This task came out of a pickle, and knows no queue.",
                help="Give its task_handle to queue.cancel_message_move_task.",
            )
        return self._queue.cancel_message_move_task(self.task_handle)

    def to_dict(self) -> dict[str, str | int | None]:
        """
        As a plain dict, ready for `json.dumps`.

        >>> MoveTask(source_arn="an arn", status=MoveTaskStatus.COMPLETED, started_at=0, moved=3, to_move=3).to_dict()["status"]
        'COMPLETED'
        """
        plain = {one.name: getattr(self, one.name) for one in attrs.fields(MoveTask) if one.name != "_queue"}
        return {**plain, "status": self.status.value}

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (self.to_dict(),)


def _rebuild(plain: dict[str, Any]) -> MoveTask:
    status = MoveTaskStatus(plain.pop("status"))
    return MoveTask(status=status, **plain)


class Move:
    """
    One task, from its start to its end.

    Args:
        now: When it starts.
        task_id: A UUID.
        source_arn: The queue that messages are taken from.
        destination: Where they go; None: each to the queue it came from.
        rate: Messages a second, as it was given.
        to_move: Messages that are available now.
    """

    __slots__ = (
        "_anchor",
        "_rate",
        "_steps",
        "destination",
        "destination_arn",
        "failure_reason",
        "moved",
        "rate",
        "source_arn",
        "started_at",
        "status",
        "task_id",
        "to_move",
        "under_way",
    )

    def __init__(
        self, now: int, task_id: str, source_arn: str, destination: Destination | None, rate: int | None, to_move: int
    ) -> None:
        self.task_id: str = task_id
        self.source_arn: str = source_arn
        self.destination: Destination | None = destination
        """None: the origin of each; and when the task is over."""
        self.destination_arn: str | None = None if destination is None else destination.arn
        self.rate: int | None = rate
        self.to_move: int = to_move
        self.started_at: int = now
        self.status: MoveTaskStatus = MoveTaskStatus.RUNNING
        self.moved: int = 0
        self.failure_reason: str | None = None
        self.under_way: int | None = None
        """The number of the message that was taken, and that its destination neither took nor refused yet."""
        self._rate = MOVE_RATE_DEFAULT if rate is None else rate
        self._anchor = now
        self._steps = 0
        """Messages taken since `_anchor`."""

    @property
    def is_active(self) -> bool:
        """
        Whether it is not over.
        """
        return self.status in {MoveTaskStatus.RUNNING, MoveTaskStatus.CANCELLING}

    @property
    def task_handle(self) -> str:
        """
        By which it is cancelled: base64 of JSON.
        """
        return write_handle(self.task_id, self.source_arn)

    def how_far(self) -> str:
        """
        Where it is, for people.
        """
        return f"{self.status}: {self.moved} moved, {self.to_move} at its start"

    def next_at(self) -> int | None:
        """
        When it looks for its next message, or ends; None if it is over.
        """
        return min(self._slot(), self.started_at + MOVE_TASK_US) if self.is_active else None

    def _slot(self) -> int:
        return self._anchor + self._steps * SECOND_US // self._rate

    def looks(self, now: int) -> bool:
        """
        Whether it looks for a message now. If it was cancelled, or has run for too long, it ends instead.
        """
        if not self.is_active or now < cast("int", self.next_at()):
            return False
        if self.status is MoveTaskStatus.CANCELLING:
            self._end(MoveTaskStatus.CANCELLED)
        elif now >= self.started_at + MOVE_TASK_US:
            self.fail(TOO_LONG)
        return self.is_active

    def take(self, now: int, number: int) -> None:
        """
        It takes a message: that one is under way, and the next has to wait for its turn.
        """
        if now - self._slot() >= SECOND_US // self._rate:
            self._anchor, self._steps = now, 0
        self._steps += 1
        self.under_way = number

    def arrive(self) -> None:
        """
        The destination took the message.
        """
        self.moved += 1
        self._land()

    def refuse(self, reason: str) -> None:
        """
        The destination did not take the message, and would take no other.
        """
        self._land()
        self.fail(reason)

    def _land(self) -> None:
        self.under_way = None
        if not self.is_active:
            self.destination = None

    def finish(self) -> None:
        """
        It looked for a message, and there was none.
        """
        self._end(MoveTaskStatus.COMPLETED)

    def fail(self, reason: str) -> None:
        """
        It cannot go on. One that is to be cancelled is cancelled all the same.
        """
        if self.status is MoveTaskStatus.CANCELLING:
            self._end(MoveTaskStatus.CANCELLED)
        elif self.is_active:
            self.failure_reason = reason
            self._end(MoveTaskStatus.FAILED)

    def cancel(self) -> None:
        """
        It is to end; only a task that is RUNNING.
        """
        self.status = MoveTaskStatus.CANCELLING

    def _end(self, status: MoveTaskStatus) -> None:
        self.status = status
        if self.under_way is None:
            self.destination = None

    def seen(self, queue: _Canceller | None = None) -> MoveTask:
        """
        As it is now, for users.
        """
        return MoveTask(
            source_arn=self.source_arn,
            status=self.status,
            started_at=self.started_at // 1_000,
            moved=self.moved,
            to_move=self.to_move,
            destination_arn=self.destination_arn,
            max_messages_per_second=self.rate,
            task_handle=self.task_handle if self.status is MoveTaskStatus.RUNNING else None,
            failure_reason=self.failure_reason,
            queue=queue,
        )


# Taking a message out of a queue without receiving it.


def reserve_next(core: Core, now: int, note: Callable[[int], object]) -> Entry | None:
    """
    Takes the message that a receive would come to first, and has it on its way: `core.moving`. O(log n).

    Its receives do not matter: one that is up for the dead-letter queue of this queue is as good as any.

    Args:
        core: Of either kind.
        now: Microseconds since the epoch.
        note: Told the message's number before it is taken, so that whoever comes after Ctrl-C knows whose it is.

    Returns:
        None if no message is available.
    """
    core.settle(now)
    if isinstance(core, FifoCore):
        head = core._groups.first()
        if head is not None:
            note(head.number)
            core.moving[head.number] = head
            core._groups.fly(head)
            core._hidden[head.number] = None
            core._groups.lock(head)
        return head
    assert isinstance(core, StandardCore)
    entry = core._first()
    if entry is not None:
        note(entry.number)
        core.moving[entry.number] = entry
        core._hidden[entry.number] = None
        core._drop(entry)
        if core._fair is not None:
            core.due = min(core.due, core._fair.judge_all(now, [], [entry]))
    return entry


def confirm_redrive(core: Core, now: int, entry: Entry) -> None:
    """
    Another queue has taken it: it is gone. It may be gone already, by a purge or with its last receipt handle. O(log n).
    """
    core.settle(now)
    if core.moving.get(entry.number) is entry:
        assert isinstance(core, FifoCore | StandardCore)
        core._remove(entry, "redriven", now)


def give_up_redrive(core: Core, now: int, entry: Entry) -> None:
    """
    No queue has taken it: it is available again, as if nothing had been. O(log n).
    """
    core.settle(now)
    if core.moving.get(entry.number) is entry:
        keep = entry.keep
        core.take_back(now, entry.number)
        entry.keep = keep
