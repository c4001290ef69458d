"""
Loops over messages: for programs that run on and on, and for tests that want a queue empty.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from postroom.clock import Duration, Waiters, to_us
from postroom.clock._gate import ThreadGate
from postroom.errors import EndlessLoop, InvalidInput, PostroomError, ResourceClosed
from postroom.limits import SECOND_US, WAIT_TIME_MAX_US
from postroom.queue import _checks as checks
from postroom.queue._face import C
from postroom.queue._heartbeat import Heartbeat, spans_of_beats
from postroom.queue._progress import Progress, Telling, check_progress
from postroom.queue._receiving import Receiving

if TYPE_CHECKING:
    from postroom.clock._waiting import Waiter
    from postroom.queue._aio import QueueAio
    from postroom.queue._message import Message

_PAUSE_US: Final = SECOND_US
"""After an answer that is empty at once, as a plan of faults has it: who asked again at once would do so without end."""


def _nothing() -> None:
    """
    What is found in a pause.
    """


class Loop:
    """
    One loop over the messages of a queue: what was asked for, and since when it has had none. It does not wait itself.

    Args:
        queue: That is consumed.
        max_messages: To receive at a time.
        wait_time: Of each long poll.
        visibility_timeout: Of each receive; None: the queue's.
        idle: After which the loop ends; None: never.
        heartbeat: Between two extensions; None: there are none.
    """

    def __init__(
        self,
        queue: Consuming[Any],
        max_messages: int,
        wait_time: Duration | None,
        visibility_timeout: Duration | None,
        idle: Duration | None,
        heartbeat: Duration | None,
    ) -> None:
        limits = queue._limits
        self._queue = queue
        self._max_messages = checks.check_max_messages(max_messages, limits=limits)
        self._wait_us = min(WAIT_TIME_MAX_US, limits._wait_time_us)
        if wait_time is not None:
            self._wait_us = checks.wait_us(wait_time, limits=limits)
        self._timeout = visibility_timeout
        if visibility_timeout is not None:
            checks.visibility_us(visibility_timeout, "visibility_timeout", limits=limits)
        self._idle_us = None if idle is None else to_us(idle, "idle")
        if self._idle_us is not None and self._idle_us < 0:
            raise InvalidInput(
                f"idle={idle!r} is negative.",
                help="Give seconds; 0 ends the loop as soon as there is nothing to receive.",
            )
        if self._wait_us == 0 and self._idle_us != 0:
            raise InvalidInput(
                f"wait_time={wait_time!r}: a loop that does not wait would look again and again.",
                help="Leave it out; with idle=0 the loop looks once and ends if there is nothing.",
            )
        self._every_us: int | None = None
        if heartbeat is not None:
            self._every_us, _ = spans_of_beats(heartbeat, visibility_timeout, queue.visibility_timeout, "heartbeat")
        self._since = queue.clock.now_us()

    def look(self) -> tuple[Callable[[], list[Message] | None], int | None]:
        """
        How the next receive looks, and until when it goes on looking; None: it does not.
        """
        wait = self._wait_us
        if self._idle_us is not None:
            wait = max(0, min(wait, self._since + self._idle_us - self._queue.clock.now_us()))
        return self._queue._receiving(self._max_messages, timedelta(microseconds=wait), self._timeout)

    def line(self, messages: list[Message]) -> Generator[Message]:
        """
        What was received, one after the other.
        """
        queue, heartbeat = self._queue, None
        if self._every_us is not None:
            timeout = queue.visibility_timeout if self._timeout is None else self._timeout
            handles = [message.receipt_handle for message in messages]
            heartbeat = Heartbeat(queue, handles, self._every_us, to_us(timeout))
        try:
            yield from queue._in_line(messages, heartbeat)
        finally:
            self._since = queue.clock.now_us()

    def pause(self) -> tuple[Waiters, int]:
        """
        A line in which nothing ever comes, and until when to wait in it.
        """
        clock = self._queue.clock
        return Waiters(clock, threading.Lock(), lambda _: (0, None), str(self._queue)), clock.now_us() + _PAUSE_US

    def is_over(self) -> bool:
        """
        After a receive that found nothing: whether there was nothing for long enough.
        """
        return self._idle_us is not None and self._queue.clock.now_us() - self._since >= self._idle_us

    def ends(self, error: PostroomError) -> bool:
        """
        Whether an error of a receive is the quiet end of the loop; if not, it goes on.
        """
        if isinstance(error, EndlessLoop) and self._idle_us is None:
            error.add_note(
                "consume(idle=60), say, ends when there was no message for a minute; so does closing the queue."
            )
        return isinstance(error, ResourceClosed) and self._queue.closed


class Consuming(Receiving[C]):
    """
    Not for users: see `Queue`.
    """

    _aio: ClassVar[type[QueueAio] | None] = None
    _draining: tuple[Waiter, ...] = ()
    """Who waits for the queue to be empty."""

    @property
    def aio(self) -> QueueAio:
        """
        The calls that can wait, as coroutines of the same names with the same arguments.

        >>> import asyncio
        >>> from postroom import ManualClock, Queue
        >>> queue = Queue("orders", clock=ManualClock())
        >>> asyncio.run(queue.aio.receive_messages(wait_time=20))
        []
        """
        if Consuming._aio is None:
            from postroom.queue._aio import QueueAio  # noqa: PLC0415 - asyncio is imported when it is used

            Consuming._aio = QueueAio
        return Consuming._aio(self)

    def consume(
        self,
        *,
        max_messages: int = 1,
        wait_time: Duration | None = None,
        visibility_timeout: Duration | None = None,
        idle: Duration | None = None,
        heartbeat: Duration | None = None,
    ) -> Generator[Message]:
        """
        Goes through messages as they come, by long polls. What becomes of each is for ``with message:`` to say.

        >>> from postroom import ManualClock, Queue
        >>> queue = Queue("orders", clock=ManualClock())
        >>> sent = queue.send_message("2 x tea"), queue.send_message("1 x cake", delay=30)
        >>> for message in queue.consume(idle=60):
        ...     with message:
        ...         print(message.body)
        2 x tea
        1 x cake

        The loop ends when there was nothing for `idle` seconds, or, without an error, when the queue is closed. If it is left
        earlier, messages that were received and not yet come to are available again at once. (The loop is left when the
        generator is closed. Python does that by itself unless a variable still holds it; then call its `close`.)

        With `max_messages` above 1, some wait for their turn. One whose visibility timeout ends meanwhile is left out: it is
        back in the queue. In a FIFO queue, if one is given back, so are those of its group that were received with it: nothing
        overtakes.

        Args:
            max_messages: To receive at a time, 1 to 10. Each receive counts, also that of a message given back unseen.
            wait_time: Seconds of each long poll, above 0 to 20; None: 20. 0 is for ``idle=0``.
            visibility_timeout: Seconds they stay hidden, 0 to 43200; None: the queue's.
            idle: Seconds without a message, from when the loop asks for the next one, after which it ends, 0 or more; with 0
                it ends as soon as there is nothing to receive. None: it goes on until the queue is closed.
            heartbeat: Keeps what was received hidden, while it waits for its turn and while the loop is at it: every so many
                seconds, above 0 and below the visibility timeout, that is set anew, as `Message.extending` does. None: not.

        Raises:
            InvalidParameterValue: `max_messages`, `wait_time` or `visibility_timeout` is out of its range.
            InvalidInput: An argument is of a wrong type, or `idle` or `heartbeat` out of its range.
            RequestThrottled: In the loop: as `receive_messages` raises it, and so is `OverLimit` with ``idle=0``.
            EndlessLoop: In the loop, on a `ManualClock`: after 10,000 waits nothing was sent or received.
        """
        return self._consume(self._loop(max_messages, wait_time, visibility_timeout, idle, heartbeat))

    def _loop(
        self,
        max_messages: int,
        wait_time: Duration | None,
        visibility_timeout: Duration | None,
        idle: Duration | None,
        heartbeat: Duration | None,
    ) -> Loop:
        try:
            return Loop(self, max_messages, wait_time, visibility_timeout, idle, heartbeat)
        except PostroomError as error:
            self._sign(error, "consume")
            raise

    def _consume(self, loop: Loop) -> Generator[Message]:
        while True:
            try:
                attempt, until = loop.look()
                messages = attempt()
                if messages is None and until is not None:
                    messages = self._waiters.wait(attempt, until)
            except (ResourceClosed, EndlessLoop) as error:
                if loop.ends(error):
                    return
                raise
            if messages:
                yield from loop.line(messages)
            elif loop.is_over():
                return
            elif until is None:
                line, until = loop.pause()
                line.wait(_nothing, until)

    def _in_line(self, messages: list[Message], heartbeat: Heartbeat | None) -> Generator[Message]:
        """
        Messages that were received together, one after the other; what is not come to is given back.
        """
        line = deque(messages)
        try:
            if heartbeat is not None:
                heartbeat.begin()
            while line and not self._closed:
                message = line.popleft()
                # The first comes in any case: with a visibility timeout of 0 no receive ever holds its message.
                if message is messages[0] or self._is_held(message.receipt_handle):
                    yield message
                if heartbeat is not None:
                    heartbeat.release(message.receipt_handle)
                if line and message.sequence_number is not None and self._is_back(message.receipt_handle):
                    line = self._without_group(line, message.message_group_id)
        finally:
            if heartbeat is not None:
                heartbeat.end()
            if line:
                self._give_back([message.receipt_handle for message in line])

    def _without_group(self, line: deque[Message], group: str | None) -> deque[Message]:
        """
        Gives back the messages of a group; the others.
        """
        self._give_back([message.receipt_handle for message in line if message.message_group_id == group])
        return deque(message for message in line if message.message_group_id != group)

    def drain(
        self,
        handler: Callable[[Message], object],
        *,
        max_messages: int = 10,
        limit: int | None = None,
        progress: Progress = None,
    ) -> int:
        """
        Calls a handler with each message, on this thread, until the queue holds nothing; for tests, and for work that ends.

        A message is deleted when the handler returns. If it raises, the message is available again at once, and so are those
        received with it; the error comes out of `drain` with the traceback that it has. So a test fails where the handler does.

        >>> from postroom import ManualClock, Queue
        >>> queue = Queue("orders", clock=ManualClock())
        >>> sent = queue.send_message("2 x tea"), queue.send_message("1 x cake", delay=600)
        >>> queue.drain(lambda message: print(message.body))
        2 x tea
        1 x cake
        2

        Messages that are delayed or in flight are waited for, those in flight elsewhere, too; on a `ManualClock` that takes no
        real time. A message whose receives are used up goes to the dead-letter queue, as in any receive. What the handler sends
        to the queue is handled as well.

        Args:
            handler: Called with a message; what it returns is ignored. One that is an ``async def`` is for `queue.aio.drain`.
            max_messages: To receive at a time, 1 to 10. Each receive counts, also that of a message given back unseen: with 1,
                an error costs the others nothing of their `max_receive_count`.
            limit: So many messages are handled at the most, 0 or more, and then it returns, whatever is left; None: no limit.
            progress: Called with how many were handled and how many the queue holds, in about the first and the last moment
                and at most ten times a second of real time in between; True: a line on the standard error output shows it.

        Returns:
            How many were handled.

        Raises:
            InvalidParameterValue: `max_messages` is out of its range; or, in a FIFO queue, the handler took longer than the
                visibility timeout, and its message was not deleted.
            InvalidInput: An argument is of a wrong type, or the handler is for `queue.aio.drain`.
            EndlessLoop: On a `ManualClock`: after 10,000 waits nothing was sent or received.
            ResourceClosed: The queue is closed.
            BaseException: What the handler raised.
        """
        self._check_drain(handler, max_messages, limit, progress)
        with Telling(self, progress) as telling:
            while most := telling.most(max_messages, limit):
                messages = self._next_or_empty(most)
                if not messages:
                    break
                with closing(self._in_line(messages, None)) as line:
                    for message in line:
                        with message:
                            self._refuse_awaitable(handler(message))
                        telling.one_more()
        return telling.handled

    def _check_drain(self, handler: object, max_messages: int, limit: object, progress: object) -> None:
        try:
            checks.check_max_messages(max_messages, limits=self._limits)
            if not callable(handler):
                raise InvalidInput(
                    f"handler={handler!r} cannot be called.", help="Give a function that takes a message."
                )
            if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
                raise InvalidInput(f"limit={limit!r} is no number of messages.", help="Give an int, 0 or more.")
            check_progress(progress)
        except PostroomError as error:
            self._sign(error, "drain")
            raise

    def _refuse_awaitable(self, returned: object) -> None:
        if not hasattr(returned, "__await__"):
            return
        close = getattr(returned, "close", None)
        if close is not None:
            close()  # it will not run, and is not to warn of that
        raise InvalidInput(
            "The handler returned something to be awaited.",
            help="Use await queue.aio.drain(handler) for an async def.",
            operation="drain",
            resource=self._name,
        )

    # Waiting until there is a message, or none at all.

    def _next_or_empty(self, most: int) -> list[Message]:
        attempt, found = self._drain_attempt(most), None
        while found is None:
            found = attempt()
            if found is None:
                found = self._wait_for_drain(attempt)
        return found

    def _drain_attempt(self, most: int) -> Callable[[], list[Message] | None]:
        """
        How a drain looks: for messages; nothing at all is an answer, too.
        """

        def attempt() -> list[Message] | None:
            # As event sources do it: it comes back by itself, so no plan of faults refuses it.
            messages = self.take(most)
            return messages if messages or not len(self) else None

        return attempt

    def _wait_for_drain(self, attempt: Callable[[], list[Message] | None]) -> list[Message] | None:
        gate = ThreadGate()
        try:
            return self._waiters._wait(gate, attempt, self._begin_drain(gate))
        except BaseException:
            self._waiters.leave(gate)  # once more, for the reason that `Waiters.wait` has
            raise
        finally:
            self._end_drain(gate)

    def _begin_drain(self, gate: Waiter) -> int:
        """
        Has the gate opened when the queue is empty; until when to wait for that, or for the next message.
        """
        now = self._clock.now_us()
        with self._lock:
            self._draining = (*self._draining, gate)
            self._waiters._ready = self._ready_or_empty
            wakeup = self._core.next_wakeup(now)
        # None: all there are, are on their way to the dead-letter queue, and somebody else takes them there.
        return now + SECOND_US if wakeup is None else max(wakeup, now + 1)

    def _end_drain(self, gate: Waiter) -> None:
        with self._lock:
            self._draining = tuple(one for one in self._draining if one is not gate)
            if not self._draining:
                self._waiters._ready = self._core.ready

    def _ready_or_empty(self, now: int) -> tuple[int, int | None]:
        """
        Under the lock: as the core's; and wakes those who wait for nothing to be left, for whom there is no hint.
        """
        found = self._core.ready(now)
        if not len(self._core):
            for gate in self._draining:
                gate.wake()
        return found
