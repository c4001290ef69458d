"""
Functions whose handlers are coroutines, on the caller's own event loop.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from postroom.clock import to_us
from postroom.clock._aio import wait
from postroom.errors import InvalidInput, NotSupported, ResourceClosed
from postroom.faults import injected
from postroom.observe import caused_by
from postroom.stream import Stream
from postroom.worker._checks import STREAM_FOR_COROUTINES
from postroom.worker._payload import chunks
from postroom.worker._queue_source import batch_of, check_source

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from postroom.clock import Duration
    from postroom.queue import Message, Queue
    from postroom.worker._function import Function


class FunctionAio:
    """
    The awaited form of a function.
    """

    __slots__ = ("_function",)

    def __init__(self, function: Function) -> None:
        self._function = function

    async def poll(self, queue: Queue, *, batch_size: int = 10, idle: Duration | None = None) -> int:
        """
        Feeds the function from a queue until the task is cancelled or one of the two is closed.

        The handler, an ``async def``, runs in this task, a batch after the other; for batches side by side await
        several. A wait without `idle` never moves a `ManualClock`: it wakes when something is in the queue. A batch
        whose handler is cancelled comes back when its visibility timeout ends.

        >>> import asyncio
        >>> from postroom import Function, ManualClock, Queue
        >>> async def brew(event, context):
        ...     print("brewing", event["Records"][0]["body"])
        >>> async def main():
        ...     clock = ManualClock()
        ...     queue, function = Queue("orders", clock=clock), Function(brew, clock=clock)
        ...     task = asyncio.create_task(function.aio.poll(queue))
        ...     queue.send_message("2 x tea", delay=60)
        ...     await clock.aio.advance(60)
        ...     task.cancel()
        >>> asyncio.run(main())
        brewing 2 x tea

        Args:
            queue: On the same clock as the function.
            batch_size: 1 to 10 messages; an upper bound only.
            idle: Ends when nothing came for so many seconds, 0 or more; None: never.

        Returns:
            How many messages the handler took.

        Raises:
            InvalidInput: An argument is out of its range, or the handler is no ``async def``.
            NotSupported: The function has a `concurrency`: here it is how many polls are awaited; or a stream is given.
            Exception: What the handler raised, with ``on_error="raise"``, when the poll ends.
        """
        function = self._function
        if not function.is_async:
            raise InvalidInput(
                f"The handler of {function.name} is no async def.", help="Use function.add_event_source(queue)."
            )
        if function.concurrency is not None:
            raise NotSupported(
                f"{function.name} has concurrency={function.concurrency}, which does not bound coroutines.",
                help="Leave it out, and await as many polls side by side as calls may run.",
            )
        if isinstance(queue, Stream):
            raise NotSupported(f"aio.poll takes from queues, and {queue} is a stream.", help=STREAM_FOR_COROUTINES)
        check_source(function, queue, batch_size, "a Queue")
        span = None if idle is None else to_us(idle, "idle")
        if span is not None and span < 0:
            raise InvalidInput(f"idle={idle!r} is negative.", help="Give 0 or more seconds, or None.")
        with function.polling(queue):
            taken = await self._poll(queue, batch_size, span)
        function._clock.run_due()  # nobody else may come to be told of errors
        return taken

    async def _poll(self, queue: Queue, batch_size: int, span: int | None) -> int:
        function = self._function
        clock = function._clock

        def attempt() -> list[Message] | None:
            function._refuse_closed("poll")
            return queue.take(batch_size) or None

        taken = 0
        while True:
            until = None if span is None else clock.now_us() + span
            try:
                messages = await wait(queue._waiters, attempt, until)
                if messages is None:
                    return taken
                with function.running():
                    for some in chunks(messages, queue.arn, queue._home.region_name):
                        taken += await self._process(some, queue)
            except ResourceClosed:
                return taken
            await clock.aio.sleep(0)  # a backlog, or a handler that feeds its own queue, leaves others their turn

    async def _process(self, messages: list[Message], queue: Queue) -> int:
        function = self._function
        batch = batch_of(messages, queue)
        call = function.prepare(batch)
        handler = cast("Any", function._handler)
        try:
            if call.latency:
                await function._clock.aio.sleep(timedelta(microseconds=call.latency))
            with caused_by(*batch.ids), injected(call.crash):
                await cast("Awaitable[object]", handler(call.event, call.context))
        except Exception as error:
            function.note_failure(error, call, batch)
            return 0
        function.note_success(call, batch)
        try:
            queue.delete_message_batch([message.receipt_handle for message in messages])
        except ResourceClosed:
            pass  # it was taken all the same; the next look ends the poll
        return len(messages)
