"""
The calls of a queue that can wait, as coroutines.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from contextlib import closing
from typing import TYPE_CHECKING, Any, Never, Self

from postroom.clock._aio import AsyncioGate, wait
from postroom.clock._aio import _wait as wait_at
from postroom.delivery import refuse_unknown
from postroom.delivery._refusals import RECEIVE_NOT_THERE, RECEIVE_TAKES
from postroom.errors import EndlessLoop, InvalidInput, ResourceClosed
from postroom.queue._progress import Telling

if TYPE_CHECKING:
    from postroom.clock import Duration
    from postroom.queue._consuming import Consuming, Loop
    from postroom.queue._message import Message
    from postroom.queue._progress import Progress


def nothing() -> None:
    """
    What is found in a pause.
    """


class QueueAio:
    """
    The awaited forms of a queue's calls. It belongs to no event loop: any may use it, also several at a time.

    >>> import asyncio
    >>> from postroom import ManualClock, Queue
    >>> async def main() -> None:
    ...     queue = Queue("orders", clock=ManualClock())
    ...     reader = asyncio.create_task(queue.aio.receive_messages(wait_time=20))
    ...     queue.send_message("2 x tea", delay=5)
    ...     print([message.body for message in await reader])
    >>> asyncio.run(main())
    ['2 x tea']
    """

    __slots__ = ("_queue",)

    def __init__(self, queue: Consuming[Any]) -> None:
        self._queue = queue

    async def receive_messages(
        self,
        *,
        max_messages: int = 1,
        wait_time: Duration | None = None,
        visibility_timeout: Duration | None = None,
        **_not_there: Never,
    ) -> list[Message]:
        """
        As `Queue.receive_messages`, with the same arguments and errors, but other tasks go on while it waits.

        A cancelled call has taken no message.
        """
        if _not_there:
            refuse_unknown("receive_messages", _not_there, RECEIVE_NOT_THERE, RECEIVE_TAKES)
        attempt, until = self._queue._receiving(max_messages, wait_time, visibility_timeout)
        found = attempt()
        if found is None and until is not None:
            found = await wait(self._queue._waiters, attempt, until)
        return found or []

    def consume(
        self,
        *,
        max_messages: int = 1,
        wait_time: Duration | None = None,
        visibility_timeout: Duration | None = None,
        idle: Duration | None = None,
        heartbeat: Duration | None = None,
    ) -> Consumption:
        """
        As `Queue.consume`, with the same arguments and errors, but other tasks go on while it waits.

        >>> import asyncio
        >>> from postroom import ManualClock, Queue
        >>> async def main() -> None:
        ...     queue = Queue("orders", clock=ManualClock())
        ...     queue.send_message("2 x tea")
        ...     async for message in queue.aio.consume(idle=60):
        ...         async with message:
        ...             print(message.body)
        >>> asyncio.run(main())
        2 x tea

        A loop that is cancelled while it waits has taken no message. ``with message:`` and ``async with message:`` are the same.
        """
        return Consumption(self._queue, self._queue._loop(max_messages, wait_time, visibility_timeout, idle, heartbeat))

    async def drain(
        self,
        handler: Callable[[Message], Awaitable[object]],
        *,
        max_messages: int = 10,
        limit: int | None = None,
        progress: Progress = None,
    ) -> int:
        """
        As `Queue.drain`, with the same arguments and errors, for a handler that is an ``async def``; one message at a time.

        >>> import asyncio
        >>> from postroom import ManualClock, Queue
        >>> queue = Queue("orders", clock=ManualClock())
        >>> sent = queue.send_message("2 x tea"), queue.send_message("1 x cake", delay=600)
        >>> async def brew(message) -> None:
        ...     await queue.clock.aio.sleep(20)
        ...     print(message.body)
        >>> asyncio.run(queue.aio.drain(brew))
        2 x tea
        1 x cake
        2

        If it is cancelled, the message in hand is available again at once, and so are those received with it.
        """
        queue = self._queue
        queue._check_drain(handler, max_messages, limit, progress)
        with Telling(queue, progress) as telling:
            while most := telling.most(max_messages, limit):
                messages = await self._next_or_empty(most)
                if not messages:
                    break
                with closing(queue._in_line(messages, None)) as line:
                    for message in line:
                        with message:
                            await self._awaitable(handler(message))
                        telling.one_more()
        return telling.handled

    def _awaitable(self, returned: Awaitable[object]) -> Awaitable[object]:
        if hasattr(returned, "__await__"):
            return returned
        raise InvalidInput(
            f"The handler returned {returned!r}, which cannot be awaited.",
            help="Use queue.drain(handler) for a plain def.",
            operation="drain",
            resource=self._queue.name,
        )

    async def _next_or_empty(self, most: int) -> list[Message]:
        queue = self._queue
        attempt, found = queue._drain_attempt(most), None
        while found is None:
            found = attempt()
            if found is None:
                found = await self._wait_for_drain(attempt)
        return found

    async def _wait_for_drain(self, attempt: Callable[[], list[Message] | None]) -> list[Message] | None:
        queue = self._queue
        gate = AsyncioGate(str(queue))
        try:
            return await wait_at(queue._waiters, gate, attempt, queue._begin_drain(gate))
        except BaseException:
            queue._waiters.leave(gate)  # once more, for the reason that `Waiters.wait` has
            raise
        finally:
            queue._end_drain(gate)


class Consumption:
    """
    What `QueueAio.consume` returns, for one ``async for``.

    An object, and no asynchronous generator: such a one is closed some time after the loop was left, and what was received
    with the last message would wait for that.
    """

    __slots__ = ("_line", "_loop", "_queue")

    def __init__(self, queue: Consuming[Any], loop: Loop) -> None:
        self._queue = queue
        self._loop = loop
        self._line: Generator[Message] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        while True:
            if self._line is not None:
                for message in self._line:
                    return message
                self._line = None
            try:
                messages, is_empty_at_once = await self._receive()
            except (ResourceClosed, EndlessLoop) as error:
                if self._loop.ends(error):
                    raise StopAsyncIteration from None
                raise
            if messages:
                self._line = self._loop.line(messages)
            elif self._loop.is_over():
                raise StopAsyncIteration
            elif is_empty_at_once:
                line, until = self._loop.pause()
                await wait(line, nothing, until)

    async def _receive(self) -> tuple[list[Message] | None, bool]:
        attempt, until = self._loop.look()
        messages = attempt()
        if messages is None and until is not None:
            messages = await wait(self._queue._waiters, attempt, until)
        return messages, until is None

    async def aclose(self) -> None:
        """
        Ends it: what was received and not come to is available again at once. Leaving the loop does so by itself.

        >>> import asyncio
        >>> from postroom import ManualClock, Queue
        >>> queue = Queue("orders", clock=ManualClock())
        >>> outcome = queue.send_message_batch(["2 x tea", "1 x cake"])
        >>> async def main() -> None:
        ...     messages = queue.aio.consume(max_messages=2)
        ...     async with await anext(messages) as message:
        ...         print(message.body)
        ...     await messages.aclose()
        >>> asyncio.run(main())
        2 x tea
        >>> queue.stats().available
        1
        """
        if self._line is not None:
            self._line.close()
