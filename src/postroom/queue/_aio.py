"""
The calls of a queue that can wait, as coroutines.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any, Never

from postroom.clock._aio import wait
from postroom.delivery import refuse_unknown
from postroom.delivery._refusals import RECEIVE_NOT_THERE, RECEIVE_TAKES
from postroom.errors import ResourceClosed
from postroom.limits import SECOND_US

if TYPE_CHECKING:
    from postroom.clock import Duration
    from postroom.queue._consuming import Consuming, Progress
    from postroom.queue._message import Message


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

    async def consume(
        self,
        *,
        max_messages: int = 1,
        wait_time: Duration | None = None,
        visibility_timeout: Duration | None = None,
        idle: Duration | None = None,
        heartbeat: Duration | None = None,
    ) -> AsyncIterator[Message]:
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
        """
        queue = self._queue
        wait_us, idle_us = queue._check_consume(max_messages, wait_time, visibility_timeout, idle, heartbeat)
        last = queue.clock.now_us()
        empty = 0
        while True:
            wait = queue._wait_left(wait_us, idle_us, last)
            try:
                messages = await self.receive_messages(
                    max_messages=max_messages, wait_time=wait / SECOND_US, visibility_timeout=visibility_timeout
                )
            except ResourceClosed:
                return
            if not messages:
                empty += 1
                if idle_us is not None and queue.clock.now_us() - last >= idle_us:
                    return
                queue._refuse_endless(empty)
                continue
            empty = 0
            # Closed here, and not whenever the garbage is collected: what is not handed out goes back at once.
            with closing(queue._hand_out(messages, visibility_timeout, heartbeat)) as handed_out:
                for message in handed_out:
                    yield message
            last = queue.clock.now_us()

    async def drain(
        self,
        handler: Callable[[Message], Awaitable[object]],
        *,
        max_messages: int = 10,
        limit: int | None = None,
        progress: Progress | None = None,
    ) -> int:
        """
        As `Queue.drain`, for a handler that is an ``async def``; one message after the other.

        >>> import asyncio
        >>> from postroom import ManualClock, Queue
        >>> queue = Queue("orders", clock=ManualClock())
        >>> sent = queue.send_message("2 x tea")
        >>> async def brew(message) -> None:
        ...     print("brewing", message.body)
        >>> asyncio.run(queue.aio.drain(brew))
        brewing 2 x tea
        1
        """
        queue = self._queue
        tell = queue._check_drain(handler, max_messages, limit, progress)
        handled = 0
        while limit is None or handled < limit:
            most = max_messages if limit is None else min(max_messages, limit - handled)
            messages = queue.receive_messages(max_messages=most, wait_time=0)
            if not messages:
                if not len(queue):
                    break
                messages = await self.receive_messages(max_messages=most, wait_time=queue._limits.wait_time)
            left = list(reversed(messages))
            try:
                while left:
                    message = left.pop()
                    with message:
                        await handler(message)
                    handled += 1
            finally:
                queue._give_back(left)
            tell(handled, queue)
        return handled
