"""
The calls of a queue that can wait, as coroutines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Never

from postroom.clock._aio import wait
from postroom.delivery import refuse_unknown
from postroom.delivery._refusals import RECEIVE_NOT_THERE, RECEIVE_TAKES

if TYPE_CHECKING:
    from postroom.clock import Duration
    from postroom.queue._message import Message
    from postroom.queue._receiving import Receiving


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

    def __init__(self, queue: Receiving[Any]) -> None:
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
