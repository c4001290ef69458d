"""
Receiving: short polls, long polls, and being told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Never

from postroom.delivery import refuse_unknown
from postroom.delivery._refusals import RECEIVE_NOT_THERE, RECEIVE_TAKES
from postroom.errors import PostroomError
from postroom.queue import _checks as checks
from postroom.queue._face import C
from postroom.queue._holding import Holding
from postroom.queue._message import Message

if TYPE_CHECKING:
    from postroom.clock import Duration, Registration
    from postroom.queue._entry import Entry


def _nothing() -> list[Message] | None:
    """
    What a receive finds that a plan of faults has find nothing.
    """
    return None


class Receiving(Holding[C]):
    """
    Not for users: see `Queue`.
    """

    def receive_messages(
        self,
        *,
        max_messages: int = 1,
        wait_time: Duration | None = None,
        visibility_timeout: Duration | None = None,
        **_not_there: Never,
    ) -> list[Message]:
        """
        Takes available messages and hides them for their visibility timeout. O(log n) a message.

        With a `wait_time` above 0 (a *long poll*) it blocks until there is at least one, and returns what there is then.
        On a `ManualClock` the wait takes no real time. The awaited form is ``queue.aio.receive_messages``.

        >>> from postroom import ManualClock, Queue
        >>> queue = Queue("orders", clock=ManualClock())
        >>> outcome = queue.send_message_batch(["2 x tea", "1 x cake"])
        >>> [message.body for message in queue.receive_messages(max_messages=10, wait_time=20)]
        ['2 x tea', '1 x cake']

        Args:
            max_messages: 1 to 10; an upper bound only.
            wait_time: Seconds, 0 to 20; None: the queue's. 0 looks once.
            visibility_timeout: Seconds they stay hidden, 0 to 43200; None: the queue's. With 0 they are counted and
                stay available.

        Returns:
            The messages; an empty list if there were none in time.

        Raises:
            InvalidParameterValue: An argument is out of its range.
            InvalidInput: An argument is of a wrong type.
            OverLimit: 120,000 messages are in flight and the call does not wait.
            ResourceClosed: The queue is closed, or was closed while the call waited.
        """
        if _not_there:
            refuse_unknown("receive_messages", _not_there, RECEIVE_NOT_THERE, RECEIVE_TAKES)
        return self._receive_or_wait(max_messages, wait_time, visibility_timeout)

    def _receive_or_wait(
        self,
        max_messages: int,
        wait_time: Duration | None,
        visibility_timeout: Duration | None,
        attempt_id: str | None = None,
    ) -> list[Message]:
        attempt, until = self._receiving(max_messages, wait_time, visibility_timeout, attempt_id)
        found = attempt()
        if found is None and until is not None:
            found = self._waiters.wait(attempt, until)
        return found or []

    def _receiving(
        self,
        max_messages: int,
        wait_time: Duration | None,
        visibility_timeout: Duration | None,
        attempt_id: str | None = None,
    ) -> tuple[Callable[[], list[Message] | None], int | None]:
        """
        How one receive looks once, and until when it goes on looking; None if it does not.
        """
        if self._throttles is not None:
            self._throttles("receive_messages")
        wait, timeout = self._check_receive(max_messages, wait_time, visibility_timeout, attempt_id)
        if self._false_empties is not None and self._false_empties():
            return _nothing, None
        until = self._clock.now_us() + wait if wait else None
        return (lambda: self._receive(max_messages, timeout, attempt_id, waits=until is not None) or None), until

    def _check_receive(
        self,
        max_messages: int,
        wait_time: Duration | None,
        visibility_timeout: Duration | None,
        attempt_id: str | None = None,
    ) -> tuple[int, int | None]:
        """
        How long a receive waits, and what visibility timeout it gives, in microseconds.
        """
        try:
            checks.check_max_messages(max_messages, limits=self._limits)
            wait = self._wait_us if wait_time is None else checks.wait_us(wait_time, limits=self._limits)
            timeout = None
            if visibility_timeout is not None:
                timeout = checks.visibility_us(visibility_timeout, "visibility_timeout", limits=self._limits)
            if attempt_id is not None:
                checks.check_attempt_id(attempt_id, limits=self._limits)
        except PostroomError as error:
            self._sign(error, "receive_messages")
            raise
        return wait, timeout

    def _receive(
        self, max_messages: int, timeout: int | None, attempt_id: str | None = None, *, waits: bool
    ) -> list[Message]:
        core, write = self._core, self._handles.write
        try:
            with self._lock:
                if self._closed:
                    self._refuse_closed("receive_messages")
                now = self._clock.now_us()
                if len(core) >= core.in_flight_max and self._is_over_limit(now, waits=waits):
                    return []
                entries, received_at = self._pick(
                    now,
                    max_messages=max_messages,
                    visibility_timeout=core.visibility_timeout if timeout is None else timeout,
                    attempt_id=attempt_id,
                    waits=waits,
                )
                messages = [
                    Message(
                        entry.stored,
                        write(entry.number, entry.receives, received_at),
                        entry.receive_count,
                        now if entry.first_received_at is None else entry.first_received_at,
                        self,
                    )
                    for entry in entries
                ]
                if self._waiters.firing:
                    self._waiters.note_look()
                seen = self._after(now)
                reserved, moving = core.reserved, bool(core.moving)
        except BaseException:
            self._rebalance()
            raise
        if messages:
            self._clock.note_progress()
        if seen:
            self._tell(seen)
        if moving:
            self._outbox.drain(self._next_hand_over)
            # What the dead-letter queue refused is to be delivered from here, and by this call if it has room.
            if len(messages) < max_messages and self._goes_on(reserved, timeout):
                messages += self._receive(max_messages - len(messages), timeout, waits=waits)
        if self._clock.has_due:
            self._clock.run_due()
        return messages

    def _goes_on(self, reserved: list[Entry], timeout: int | None) -> bool:  # noqa: ARG002 - FIFO queues look at it
        """
        Whether a receive that had dead letters handed over looks once more.
        """
        return any(entry.keep for entry in reserved)

    def _pick(
        self,
        now: int,
        *,
        max_messages: int,
        visibility_timeout: int,
        attempt_id: str | None,
        waits: bool,
    ) -> tuple[list[Entry], int]:
        """
        Under the lock: the messages of one receive, and when they were received first by it.
        """
        raise NotImplementedError

    def _is_over_limit(self, now: int, *, waits: bool) -> bool:
        self._core.settle(now)
        if self._core.in_flight < self._core.in_flight_max:
            return False
        if not waits:
            raise checks.refuse_over_limit("receive_messages", self._name, limits=self._limits)
        return True

    def take(self, max_messages: int) -> list[Message]:
        """
        For event sources, which come back by themselves: as `receive_messages`, but it neither waits nor complains.
        """
        return self._receive(max_messages, None, waits=True)

    def when_ready(self, callback: Callable[[], object], until: int | None = None) -> Registration:
        """
        Has the clock call the callback, once, when a message is available; at once if one is.

        The callback form of a long poll: nobody blocks. Who is called looks again, and may find that somebody else was
        faster.

        >>> from postroom import ManualClock, Queue
        >>> clock = ManualClock()
        >>> queue = Queue("orders", clock=clock)
        >>> registration = queue.when_ready(lambda: print("at", clock.datetime().time()))
        >>> sent = queue.send_message("2 x tea", delay=5)
        >>> clock.advance(60)
        at 00:00:05

        Args:
            callback: Called without arguments; on a `SystemClock` by a thread of its pool.
            until: When to call it even if none is there, in microseconds since the epoch; None: never.
        """
        checks.check_when_ready(callback, until, self._name)
        with self._lock:
            self._refuse_closed("when_ready")
        registration = self._waiters.when_ready(callback, until)
        if self._closed:
            registration.wake()  # closed in between: whoever looks now is told
        if self._clock.has_due:
            self._clock.run_due()
        return registration
