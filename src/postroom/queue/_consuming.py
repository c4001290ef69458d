"""
Loops over messages: for programs that run on and on, and for tests that want a queue empty.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator, Sized
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from postroom.clock import ManualClock, to_us
from postroom.errors import EndlessLoop, InvalidInput, PostroomError, ResourceClosed
from postroom.limits import IDLE_JUMPS_MAX, SECOND_US
from postroom.queue._face import C
from postroom.queue._heartbeat import check_heartbeat
from postroom.queue._receiving import Receiving

if TYPE_CHECKING:
    from postroom.clock import Duration
    from postroom.queue._aio import QueueAio
    from postroom.queue._message import Message

Progress: TypeAlias = Callable[[int, int], object] | Literal[True]
"""Told how many messages were handled and how many the queue holds; True: a line on the standard error output."""


class Consuming(Receiving[C]):
    """
    Not for users: see `Queue`.
    """

    _aio: ClassVar[type[QueueAio] | None] = None

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
    ) -> Iterator[Message]:
        """
        Goes through messages as they come, by long polls. What becomes of each is for ``with message:`` to say.

        >>> from postroom import ManualClock, Queue
        >>> queue = Queue("orders", clock=ManualClock())
        >>> outcome = queue.send_message_batch(["2 x tea", "1 x cake"])
        >>> for message in queue.consume(idle=60):
        ...     with message:
        ...         print(message.body)
        2 x tea
        1 x cake

        Messages that were received together with one at which the loop is left are available again at once. A queue that is
        closed ends the loop.

        Args:
            max_messages: To receive at a time, 1 to 10. With 1 nobody waits for a message that you come to later.
            wait_time: Seconds of each long poll, 0 to 20; None: the most.
            visibility_timeout: Seconds they stay hidden; None: the queue's.
            idle: Seconds without a message after which the loop ends; None: it goes on until the queue is closed.
            heartbeat: While the loop is at a message, extend its visibility timeout every so many seconds, as
                `Message.extending` does; less than the visibility timeout. None: do not.

        Raises:
            InvalidParameterValue: An argument is out of its range.
            InvalidInput: An argument is of a wrong type.
            EndlessLoop: On a `ManualClock`, without `idle`: time passes, and nothing ever comes.
        """
        wait_us, idle_us = self._check_consume(max_messages, wait_time, visibility_timeout, idle, heartbeat)
        return self._consume(max_messages, wait_us, visibility_timeout, idle_us, heartbeat)

    def _check_consume(
        self,
        max_messages: int,
        wait_time: Duration | None,
        visibility_timeout: Duration | None,
        idle: Duration | None,
        heartbeat: Duration | None,
    ) -> tuple[int, int | None]:
        wait = self._limits.wait_time if wait_time is None else wait_time
        self._check_receive(max_messages, wait, visibility_timeout)
        if heartbeat is not None:
            check_heartbeat(heartbeat, self.visibility_timeout if visibility_timeout is None else visibility_timeout)
        idle_us = None if idle is None else to_us(idle, "idle")
        if idle_us is not None and idle_us < 0:
            raise InvalidInput(
                f"idle={idle!r} is negative.",
                help="Give seconds; 0 ends the loop when the queue has nothing to give.",
                operation="consume",
                resource=self._name,
            )
        return to_us(wait, "wait_time"), idle_us

    def _consume(
        self,
        max_messages: int,
        wait_us: int,
        visibility_timeout: Duration | None,
        idle_us: int | None,
        heartbeat: Duration | None,
    ) -> Generator[Message]:
        last = self._clock.now_us()
        empty = 0
        while True:
            wait = self._wait_left(wait_us, idle_us, last)
            try:
                messages = self.receive_messages(
                    max_messages=max_messages, wait_time=wait / SECOND_US, visibility_timeout=visibility_timeout
                )
            except ResourceClosed:
                return
            if not messages:
                empty += 1
                if idle_us is not None and self._clock.now_us() - last >= idle_us:
                    return
                self._refuse_endless(empty)
                continue
            empty = 0
            yield from self._hand_out(messages, visibility_timeout, heartbeat)
            last = self._clock.now_us()

    def _hand_out(
        self, messages: list[Message], visibility_timeout: Duration | None, heartbeat: Duration | None
    ) -> Generator[Message]:
        timeout = self.visibility_timeout if visibility_timeout is None else visibility_timeout
        left = list(reversed(messages))
        try:
            while left:
                message = left.pop()
                if heartbeat is None:
                    yield message
                else:
                    with message.extending(every=heartbeat, timeout=timeout):
                        yield message
        finally:
            self._give_back(left)

    def _give_back(self, messages: list[Message]) -> None:
        """
        Makes messages that nobody will work on available again.
        """
        for message in messages:
            try:
                self.change_message_visibility(message.receipt_handle, 0)
            except PostroomError:
                # It is back already, or gone: that is no news to who stopped working.
                continue

    def _wait_left(self, wait_us: int, idle_us: int | None, last: int) -> int:
        """
        How long the next long poll waits, in microseconds.
        """
        if idle_us is None:
            return wait_us
        return max(0, min(wait_us, last + idle_us - self._clock.now_us()))

    def _refuse_endless(self, empty: int) -> None:
        if empty >= IDLE_JUMPS_MAX and isinstance(self._clock, ManualClock):
            raise EndlessLoop(
                f"{empty:,} long polls of the {self} in a row found nothing.",
                help="Nothing will come by itself on a ManualClock: give idle=60, say, or close the queue.",
                operation="consume",
                resource=self._name,
            )

    def drain(
        self,
        handler: Callable[[Message], object],
        *,
        max_messages: int = 10,
        limit: int | None = None,
        progress: Progress | None = None,
    ) -> int:
        """
        Calls a handler with each message, on this thread, until the queue holds nothing; for tests, and for jobs that end.

        A message is deleted when the handler returns. If it raises, the message is available again, and so are those received
        with it; the error comes out of `drain` as it is. Messages that are delayed or in flight are waited for, which takes no
        real time on a `ManualClock`.

        >>> from postroom import ManualClock, Queue
        >>> queue = Queue("orders", clock=ManualClock())
        >>> sent = queue.send_message("2 x tea"), queue.send_message("1 x cake", delay=600)
        >>> queue.drain(lambda message: print(message.body))
        2 x tea
        1 x cake
        2

        Args:
            handler: Called with a message; what it returns is ignored.
            max_messages: To receive at a time, 1 to 10.
            limit: So many messages at most are handled, for handlers that send to the queue themselves; None: no limit.
            progress: Called with how many were handled and how many the queue holds, after each receive
                whose messages are done; True writes that as a line to the standard error output.

        Returns:
            How many were handled.

        Raises:
            InvalidParameterValue: `max_messages` is out of its range.
            InvalidInput: An argument is of a wrong type.
            ResourceClosed: The queue is closed.
        """
        tell = self._check_drain(handler, max_messages, limit, progress)
        handled = 0
        while limit is None or handled < limit:
            most = max_messages if limit is None else min(max_messages, limit - handled)
            messages = self.receive_messages(max_messages=most, wait_time=0)
            if not messages:
                if not len(self):
                    break
                messages = self.receive_messages(max_messages=most, wait_time=self._limits.wait_time)
            left = list(reversed(messages))
            try:
                while left:
                    message = left.pop()
                    with message:
                        handler(message)
                    handled += 1
            finally:
                self._give_back(left)
            tell(handled, self)
        return handled

    def _check_drain(
        self, handler: object, max_messages: int, limit: object, progress: Progress | None
    ) -> Callable[[int, Sized], None]:
        advice = ""
        if not callable(handler):
            fault, advice = f"handler={handler!r} cannot be called.", "Give a function that takes a message."
        elif limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
            fault, advice = f"limit={limit!r} is no number of messages.", "Give an int, 0 or more, or None."
        elif progress is not None and progress is not True and not callable(progress):
            fault, advice = f"progress={progress!r} cannot be called.", "Give a function of two numbers, or True."
        else:
            fault = ""
        if fault:
            raise InvalidInput(fault, help=advice, operation="drain", resource=self._name)
        self._check_receive(max_messages, 0, None)
        return _teller(progress)


def _teller(progress: Progress | None) -> Callable[[int, Sized], None]:
    """
    Who tells of progress.
    """

    def tell(handled: int, queue: Sized) -> None:
        if progress is True:
            sys.stderr.write(f"{handled} handled, {len(queue)} left\n")
        elif progress is not None:
            progress(handled, len(queue))

    return tell
