"""
What feeds a function from a queue.

Nobody polls on a period: the mapping asks the queue to be called once there is something (`Queue.when_ready`), works off
what is there, and asks again. While a batch is being worked on the mapping already asks for the next, so that on a
clock with threads batches run side by side, as far as the function's concurrency allows.
"""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import TYPE_CHECKING

from postroom.errors import InvalidInput, ResourceClosed
from postroom.limits import MAX_MESSAGES_MAX
from postroom.observe import Wire
from postroom.queue import Queue
from postroom.worker._calls import Batch
from postroom.worker._checks import is_count
from postroom.worker._events import queue_event
from postroom.worker._mapping import EventSourceMapping, refuse_other_clock
from postroom.worker._payload import chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from postroom.clock import Registration
    from postroom.queue import Message
    from postroom.worker._mapping import Caller

_logger = logging.getLogger("postroom")


class QueueMapping(EventSourceMapping):
    """
    Not for users: see `EventSourceMapping`.
    """

    def __init__(self, function: Caller, queue: Queue, *, batch_size: int, uuid: str) -> None:
        check_source(function, queue, batch_size)
        super().__init__(function, queue, batch_size=batch_size, uuid=uuid)
        self._queue = queue
        self._lock = threading.Lock()
        self._registration: Registration | None = None

    def start(self) -> None:
        """
        For `Function`: begins to feed it.
        """
        try:
            self._queue._refuse_closed("add_event_source")
        except ResourceClosed:
            self.close()
            raise
        self._ask()

    def close(self) -> None:
        """
        As `EventSourceMapping.close`.
        """
        with self._lock:
            self._closed = True
            registration, self._registration = self._registration, None
        if registration is not None:
            registration.cancel()

    def wires(self) -> Iterable[Wire]:
        """
        As `EventSourceMapping.wires`.
        """
        yield Wire(str(self._queue), str(self._function), f"batches of {self._batch_size}")

    def _ask(self) -> None:
        """
        Asks the queue to be called when there is something, unless that is asked already.
        """
        with self._lock:
            if self._closed or (self._registration is not None and self._registration.active):
                return
            # The queue's lock and the clock's are taken below this one, never the other way round.
            self._registration = self._queue._waiters.when_ready(self._work, None)
        if self._queue.closed:
            self.close()  # closed in between: it calls nobody any more
        if self._queue.clock.has_due:
            self._queue.clock.run_due()

    def after_fork_in_child(self) -> None:
        """
        For the function: the thread that was at work was not copied.
        """
        self._lock = threading.Lock()
        if self._registration is None or not self._registration.active:
            self._queue.clock.run(self._ask, str(self._function), patient=True)

    def _work(self) -> None:
        if not self._function.begin(self._work):
            return
        # If this was closed meanwhile, the call is given back at once, and with it the turn goes to the next in line.
        try:
            self._work_off()
        except ResourceClosed:
            self.close()
        finally:
            # Whatever ended it, Ctrl-C too: the next batch is asked for.
            self._function.end()
            self._ask()

    def _work_off(self) -> None:
        """
        Works off what is there now.

        What is added meanwhile is for another round: a function that feeds its own queue goes round for ever, and the
        clock can tell.
        """
        batches = -(-self._queue.stats().available // self._batch_size)
        for _ in range(batches):
            if self._closed:
                return  # looked at before messages are taken: what is taken counts as received
            messages = self._queue.take(self._batch_size)
            if not messages:
                return
            self._ask()
            for some in chunks(messages, self._queue.arn, self._queue._home.region_name):
                self._process(some)

    def _process(self, messages: list[Message]) -> None:
        if self._function.process(batch_of(messages, self._queue)).error is None:
            # A batch that outlived its handles or its queue is not deleted, and comes back: at least once.
            try:
                self._queue.delete_message_batch([message.receipt_handle for message in messages])
            except ResourceClosed:
                _logger.warning(
                    "postroom: %s did its work on %d messages, but %s was closed before they could be deleted",
                    self._function,
                    len(messages),
                    self._queue,
                )
                raise


def batch_of(messages: list[Message], queue: Queue) -> Batch:
    """
    What a handler is called with for messages of a queue.
    """
    return Batch(
        [message.message_id for message in messages],
        partial(queue_event, messages, queue.arn, queue._home.region_name),
        partial(_details, messages),
    )


def _details(messages: list[Message]) -> Iterable[Mapping[str, Any]]:
    return [{"receive_count": message.receive_count} for message in messages]


def check_source(function: Caller, queue: Queue, batch_size: int, wanted: str = "a Queue or a Stream") -> None:
    """
    Refuses what cannot feed a function.

    Raises:
        InvalidInput: The batch size is out of range, or the queue is none, or on another clock.
    """
    if not isinstance(queue, Queue):
        raise InvalidInput(f"{queue!r} is no event source.", help=f"Give {wanted}.")
    if not is_count(batch_size) or batch_size > MAX_MESSAGES_MAX:
        raise InvalidInput(
            f"batch_size={batch_size!r} is out of range.",
            help="Give 1 to 10 messages; larger batches need MaximumBatchingWindowInSeconds, which is not there.",
        )
    refuse_other_clock(function, queue)
