"""
A queue as the dead-letter queue of others: whose letters it takes, whose it is, and sending letters round again (SQS 7.3, 7.4).

A message move task is worked off by the clock. One alarm stands at the instant at which it looks for its next message. What
it takes is put among the hand-overs of the queue, behind the dead letters that are on their way already, and goes as
these do: without the lock, in order, by one thread at a time, confirmed or taken back.

At least once: a hand-over that is cut short, by Ctrl-C say, is done again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any, Final
from weakref import ref

from postroom.clock import Due
from postroom.errors import InvalidInput, InvalidParameterValue, NotFound, PostroomError, ResourceClosed
from postroom.limits import MOVE_TASKS_LISTED_MAX
from postroom.message import Parcel, format_uuid
from postroom.observe import Destination, find_destination
from postroom.queue import _move_checks as checks
from postroom.queue._entry import Stored, StoredFifo
from postroom.queue._face import C
from postroom.queue._frame import QueueFrame
from postroom.queue._moves import Move, MoveTaskStatus, confirm_redrive, give_up_redrive, reserve_next

if TYPE_CHECKING:
    from postroom.clock import Timer
    from postroom.observe import Home
    from postroom.queue._attribute_checks import RedrivePermission
    from postroom.queue._configuration import Configuration
    from postroom.queue._entry import Entry
    from postroom.queue._moves import MoveTask

_ID_BITS: Final = 128


class DeadLetterSide(QueueFrame[C]):
    """
    Not for users: see `Queue`.
    """

    def __init__(self, name: str, home: Home, core: C, configuration: Configuration) -> None:
        # Before the clock knows the queue, and asks what is pending.
        self._moves: deque[Move] = deque(maxlen=MOVE_TASKS_LISTED_MAX)
        """Newest first: only the first may be active."""
        self._move_alarm: Timer | None = None
        super().__init__(name, home, core, configuration)

    @property
    def redrive_permission(self) -> RedrivePermission:
        """
        Whose dead letters it takes: ``allowAll``, ``denyAll``, or ``byQueue``: of `redrive_source_queues`.
        """
        return self._redrive_allow[0]

    @property
    def redrive_source_queues(self) -> tuple[str, ...]:
        """
        The ARNs of the queues whose dead letters it takes, if it takes not everybody's.
        """
        return self._redrive_allow[1]

    def dead_letter_source_queues(self) -> list[DeadLetterSide[Any]]:
        """
        The queues whose dead-letter queue it is, by name (ListDeadLetterSourceQueues, SQS 7.3).

        >>> from postroom import ManualClock, Queue
        >>> clock = ManualClock()
        >>> dead = Queue("dead", clock=clock)
        >>> queue = Queue("orders", clock=clock, dead_letter_queue=dead, max_receive_count=3)
        >>> dead.dead_letter_source_queues() == [queue]
        True
        """
        with self._lock:
            known = [one() for one in self._sources.values()]
        found = [one for one in known if one is not None and not one.closed and one._dead_letter_queue is self]
        return sorted(found, key=lambda one: one.name)

    def _note_source(self, source: DeadLetterSide[Any]) -> None:
        with self._lock:
            self._sources[source.arn] = ref(source)

    def _forget_source(self, source: DeadLetterSide[Any]) -> None:
        with self._lock:
            known = self._sources.get(source.arn)
            if known is not None and known() is source:
                del self._sources[source.arn]

    # Message move tasks.

    def start_message_move_task(
        self, *, destination: Destination | str | None = None, max_messages_per_second: int | None = None
    ) -> MoveTask:
        """
        Has the clock move the messages of this dead-letter queue elsewhere, as new messages (SQS 7.4).

        The task takes what is available, as a receive would, the oldest first: one message at once, the next when its rate lets
        it, and so on, also those that come meanwhile. When it finds none it is COMPLETED. A moved message has a new id and a
        new age, and was never received; its body, its attributes and its ids of group and deduplication stay. If its
        destination refuses it, the message stays here, and the task is FAILED. So it is after 36 hours.

        >>> from postroom import ManualClock, Queue
        >>> clock = ManualClock()
        >>> dead = Queue("dead", clock=clock)
        >>> queue = Queue("orders", visibility_timeout=0, clock=clock, dead_letter_queue=dead, max_receive_count=1)
        >>> outcome = queue.send_message_batch(["2 x tea", "1 x cake"])
        >>> received = [len(queue.receive_messages(max_messages=10)) for attempt in range(2)]
        >>> task = dead.start_message_move_task(max_messages_per_second=1)
        >>> len(queue), len(dead)
        (1, 1)
        >>> clock.advance(2)
        >>> [done] = dead.list_message_move_tasks()
        >>> done.status.value, done.moved, len(queue)
        ('COMPLETED', 2, 2)

        Some queue must have this one for its dead-letter queue, and each has one active task at a time. How many there are in
        all is not limited.

        Args:
            destination: A queue of the same kind, its ARN, or its name in the region; None: each message goes back to the
                queue that it came from as a dead letter, which a message that was sent here does not have.
            max_messages_per_second: 1 to 500; None: 500.

        Returns:
            The task as it is before the first message moves.

        Raises:
            InvalidParameterValue: It is nobody's dead-letter queue, a task is active, the rate is out of range, or the
                destination is of another kind, or this queue.
            QueueResourceNotFound: The destination is not there.
            InvalidInput: An argument is of a wrong type, or the destination lives by another clock.
            ResourceClosed: The queue is closed.
        """
        try:
            checks.check_rate(max_messages_per_second)
            self._refuse_closed("start_message_move_task")
            if not self.dead_letter_source_queues():
                raise checks.refuse_no_dead_letter_queue(self._name)
            target = self._move_target(destination)
            with self._lock:
                self._refuse_closed("start_message_move_task")
                if self._moves and self._moves[0].is_active:
                    raise checks.refuse_second(self._name, self._moves[0].how_far())
                now = self._clock.now_us()
                self._core.settle(now)
                task_id = format_uuid(self._random.getrandbits(_ID_BITS))
                move = Move(now, task_id, self._arn, target, max_messages_per_second, self._core.available)
                task = move.seen(self)
                self._moves.appendleft(move)
                self._set_move_alarm(now)
                seen = self._after(now)
        except PostroomError as error:
            self._sign(error, "start_message_move_task")
            raise
        if seen:
            self._tell(seen)
        if self._clock.has_due:
            self._clock.run_due()
        return task

    def list_message_move_tasks(self, *, max_results: int = 1) -> list[MoveTask]:
        """
        The message move tasks of this queue as they are now, the newest first.

        >>> from postroom import ManualClock, Queue
        >>> clock = ManualClock()
        >>> dead = Queue("dead", clock=clock)
        >>> queue = Queue("orders", clock=clock, dead_letter_queue=dead, max_receive_count=3)
        >>> sent = dead.send_message("2 x tea")
        >>> task = dead.start_message_move_task()
        >>> clock.settle()
        >>> [task.failure_reason for task in dead.list_message_move_tasks(max_results=10)]
        ['CouldNotDetermineMessageSource']

        Args:
            max_results: 1 to 10; ten are remembered.

        Raises:
            InvalidParameterValue: It is out of its range.
            InvalidInput: It is no number.
            ResourceClosed: The queue is closed.
        """
        try:
            checks.check_max_results(max_results)
            with self._lock:
                self._refuse_closed("list_message_move_tasks")
                return [move.seen(self) for move in list(self._moves)[:max_results]]
        except PostroomError as error:
            self._sign(error, "list_message_move_tasks")
            raise

    def cancel_message_move_task(self, task_handle: str) -> int:
        """
        Cancels a message move task of this queue that is RUNNING; what it moved stays moved.

        It is CANCELLING until it would have looked for its next message, and CANCELLED then.

        >>> from postroom import ManualClock, Queue
        >>> clock = ManualClock()
        >>> dead = Queue("dead", clock=clock)
        >>> queue = Queue("orders", clock=clock, dead_letter_queue=dead, max_receive_count=3)
        >>> outcome = dead.send_message_batch(["2 x tea", "1 x cake"])
        >>> task = dead.start_message_move_task(destination=queue, max_messages_per_second=1)
        >>> dead.cancel_message_move_task(task.task_handle)
        1
        >>> clock.advance(1)
        >>> [task.status.value for task in dead.list_message_move_tasks()], len(dead)
        (['CANCELLED'], 1)

        Args:
            task_handle: As `start_message_move_task` returned it; `MoveTask.cancel` does the same.

        Returns:
            How many messages it had moved by then. A message that is being handed over at this moment is not among them.

        Raises:
            QueueResourceNotFound: There is no such task, it is not RUNNING, or its queue is not there.
            InvalidParameterValue: It is no handle of a task.
            InvalidInput: It is no `str`.
            ResourceClosed: The queue is closed.
        """
        try:
            task_id, source_arn = checks.read_handle(task_handle)
            self._refuse_closed("cancel_message_move_task")
            if source_arn != self._arn:
                raise self._refuse_other_source(source_arn)
            with self._lock:
                self._refuse_closed("cancel_message_move_task")
                move = next((one for one in self._moves if one.task_id == task_id), None)
                if move is None:
                    raise checks.refuse_task(f"{self._name} remembers its last {MOVE_TASKS_LISTED_MAX} tasks.")
                if move.status is not MoveTaskStatus.RUNNING:
                    raise checks.refuse_task(f"It is {move.status}: only a task that is RUNNING can be cancelled.")
                move.cancel()
                return move.moved
        except PostroomError as error:
            self._sign(error, "cancel_message_move_task")
            raise

    def _refuse_other_source(self, source_arn: str) -> PostroomError:
        try:
            self._home.resolve(source_arn)
        except (NotFound, InvalidInput):
            return checks.refuse_source(f"The task is one of {source_arn}, not of {self._name}.")
        return checks.refuse_task(f"{self._name} has no such task: it is one of {source_arn}, and is cancelled there.")

    def _move_target(self, given: object) -> Destination | None:
        """
        Without the lock: where messages are to go; None: to the queues they came from.
        """
        if given is None:
            return None
        found = self._find_queue(given) if isinstance(given, str) else given
        if not isinstance(found, Destination):
            raise InvalidInput(f"destination={given!r} is no queue.", help="Give a queue, or the ARN of one.")
        checks.check_destination(found, self.kind, (self._home.region_name, self._home.account))
        if found is self:
            raise InvalidParameterValue(
                f"Value {self._arn} for parameter DestinationArn is invalid. Reason: It is the source queue.",
                help="What is moved would be found again: the task would not end.",
            )
        if getattr(found, "clock", self._clock) is not self._clock:
            raise InvalidInput(
                f"The destination {found.name} lives by a different clock.",
                help="Give both the same clock=…; without one they have the shared SystemClock.",
            )
        return found

    def _find_queue(self, arn: str) -> object:
        source = self._source_of(arn)
        if source is not None:
            return source
        try:
            return find_destination(arn, self._home)
        except NotFound as error:
            raise checks.refuse_destination(error.help) from error

    def _source_of(self, arn: str) -> DeadLetterSide[Any] | None:
        """
        The open queue of that ARN whose dead-letter queue this is.
        """
        with self._lock:
            known = self._sources.get(arn)
        source: DeadLetterSide[Any] | None = None if known is None else known()
        if source is None or source.closed or source._dead_letter_queue is not self:
            return None
        return source

    # Working one off.

    def _set_move_alarm(self, when: int) -> None:
        """
        Under the lock: has the clock come back then, or before.
        """
        # The new one first: cut short in between, one rings too often, and none too seldom.
        alarm = self._move_alarm
        try:
            self._move_alarm = self._clock.alarm(when, self._ring_for_move, str(self))
        except ResourceClosed:
            pass  # a closed clock moves nothing any more, and has said so
        if alarm is not None:
            alarm.cancel()

    def _ring_for_move(self) -> None:
        if current_thread() is main_thread():
            # Here, and only here, Ctrl-C may come, and an alarm that is cut short rings again.
            self._go_on_moving()
            return
        # Destinations and observers may be users' code, which must not hold up a clock's own thread.
        try:
            self._clock.run(self._go_on_moving, str(self), patient=True)
        except ResourceClosed:
            pass  # likewise

    def _go_on_moving(self) -> None:
        """
        Without the lock: takes the next message, if it is time, and hands over what is on its way.
        """
        with self._lock:
            now = self._clock.now_us()
            move = self._moves[0] if self._moves else None
            if move is not None:
                self._take_for(move, now)
            seen = self._after(now)
        if seen:
            self._tell(seen)
        self._outbox.drain(self._next_hand_over)

    def _take_for(self, move: Move, now: int) -> None:
        core = self._core
        if move.under_way is not None and move.under_way in core.moving:
            return
        # Else it is gone, by a purge say, or Ctrl-C came before it was taken: then it is found once more.
        if not move.looks(now):
            self._go_on_at(move)
        elif reserve_next(core, now, lambda number: move.take(now, number)) is None:
            move.finish()

    def _go_on_at(self, move: Move) -> None:
        when = move.next_at()
        if when is not None:
            self._set_move_alarm(when)

    def _next_hand_over(self) -> Callable[[], object] | None:
        with self._lock:
            number, entry = next(iter(self._core.moving.items()), (0, None))
            move = self._moves[0] if self._moves and self._moves[0].under_way == number else None
        if entry is None:
            return None
        if move is None:
            return lambda: self._hand_over(number, entry)
        return lambda: self._move_on(move, entry)

    def _move_on(self, move: Move, entry: Entry) -> None:
        """
        Hands one message over to where its task wants it.
        """
        try:
            try:
                refused = self._deliver_anew(move, entry.stored)
            except Exception as error:
                refused = checks.reason_of(error)
            with self._lock:
                now = self._clock.now_us()
                if refused is None:
                    confirm_redrive(self._core, now, entry)
                    move.arrive()
                else:
                    give_up_redrive(self._core, now, entry)
                    move.refuse(refused)
                self._go_on_at(move)
                seen = self._after(now)
        except BaseException:
            # Whoever carried it out may have been a receive that nobody repeats.
            with self._lock:
                self._set_move_alarm(self._clock.now_us())
            raise
        if seen:
            self._tell(seen)

    def _deliver_anew(self, move: Move, stored: Stored) -> str | None:
        """
        Sends a message again.

        Returns:
            Why nobody knows where; None: it was sent.
        """
        target = move.destination
        if target is None:
            origin = stored.source_arn
            if origin is None:
                return checks.NO_ORIGIN
            source = self._source_of(origin)
            target = self._home.resolve(origin) if source is None else source
        target.deliver(
            Parcel(
                stored.body,
                stored.attributes,
                message_group_id=stored.message_group_id,
                message_deduplication_id=stored.deduplication_id if isinstance(stored, StoredFifo) else None,
                sender_id=stored.sender_id,
                trace_header=stored.trace_header,
                cause=stored.message_id,
            )
        )
        return None

    # The frame.

    def pending(self, now: int) -> Iterable[Due]:
        """
        As of each queue, and when its message move task looks for its next message.
        """
        found = list(super().pending(now))
        with self._lock:
            move = self._moves[0] if self._moves else None
            when = None if move is None else move.next_at()
        if move is not None and when is not None:
            found.append(Due(max(when, now), str(self), f"move task {move.how_far()}"))
        return found

    def _wake_all(self) -> None:
        super()._wake_all()
        if self._moves:
            self._moves[0].fail(checks.GONE)
        if self._move_alarm is not None:
            self._move_alarm.cancel()

    def _forget_other_threads(self) -> None:
        super()._forget_other_threads()
        when = self._moves[0].next_at() if self._moves else None
        if when is not None:
            # Whoever was at work in another thread was not copied, nor a clock's thread with its alarm.
            self._set_move_alarm(when)
