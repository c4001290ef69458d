"""
What feeds a function from a queue.

Nobody polls on a period: the mapping asks the queue to be called once there is something (`Queue.when_ready`), works off
what is there, and asks again. While a batch is being worked on the mapping already asks for the next, so that on a
clock with threads batches run side by side, as far as the function's concurrency allows.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, Self

from postroom.errors import InvalidInput, ResourceClosed, ResourceConflict
from postroom.limits import MAX_MESSAGES_MAX
from postroom.queue import Queue
from postroom.worker._events import is_count

if TYPE_CHECKING:
    from postroom.clock import Clock, Registration
    from postroom.queue import Message


_logger = logging.getLogger("postroom")


class Caller(Protocol):
    """
    A function as its event sources see it.
    """

    @property
    def name(self) -> str:
        """
        The function's name.
        """
        ...

    @property
    def clock(self) -> Clock:
        """
        Whose clock both live by.
        """
        ...

    def begin(self, retry: Callable[[], object]) -> bool:
        """
        Takes one of the calls that may run at a time; if none is free, `retry` is called later.
        """
        ...

    def end(self) -> None:
        """
        Gives it back.
        """
        ...

    def process(self, messages: list[Message], queue: Queue) -> bool:
        """
        Calls the handler; whether it took the batch.
        """
        ...


class EventSourceMapping:
    """
    The tie between a queue and a function, as `Function.add_event_source` makes it.

    >>> from postroom import Function, ManualClock, Queue
    >>> clock = ManualClock()
    >>> queue, function = Queue("orders", clock=clock), Function(print, name="f", clock=clock)
    >>> mapping = function.add_event_source(queue)
    >>> mapping
    <EventSourceMapping queue orders -> function f, batches of up to 10>
    >>> mapping.close()
    >>> sent = queue.send_message("stays in the queue")
    >>> queue.stats().available
    1
    """

    def __init__(self, function: Caller, queue: Queue, *, batch_size: int, uuid: str) -> None:
        check_source(function, queue, batch_size)
        self._uuid = uuid
        self._function = function
        self._queue = queue
        self._batch_size = batch_size
        self._lock = threading.Lock()
        self._registration: Registration | None = None
        self._closed = False

    @property
    def uuid(self) -> str:
        """
        Its id.
        """
        return self._uuid

    @property
    def source(self) -> Queue:
        """
        Where messages come from.
        """
        return self._queue

    @property
    def function(self) -> Caller:
        """
        What is called with them.
        """
        return self._function

    @property
    def batch_size(self) -> int:
        """
        The most messages of one call.
        """
        return self._batch_size

    @property
    def closed(self) -> bool:
        """
        Whether it feeds the function no more.
        """
        return self._closed

    def __repr__(self) -> str:
        state = ", closed" if self._closed else ""
        return f"<EventSourceMapping {self._queue} -> {self._function}, batches of up to {self._batch_size}{state}>"

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
        Feeds the function no more; a batch under way ends as it would.

        >>> from postroom import Function, ManualClock, Queue
        >>> clock = ManualClock()
        >>> queue, function = Queue("orders", clock=clock), Function(print, name="f", clock=clock)
        >>> with function.add_event_source(queue) as mapping:
        ...     mapping.closed
        False
        >>> mapping.closed, function.event_sources
        (True, [])
        """
        with self._lock:
            self._closed = True
            registration, self._registration = self._registration, None
        if registration is not None:
            registration.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

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
            self._process(messages)

    def _process(self, messages: list[Message]) -> None:
        if self._function.process(messages, self._queue):
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


def refuse_second(mappings: list[EventSourceMapping], queue: Queue, function_arn: str) -> None:
    """
    Refuses a queue that feeds a function already (DEL C1).

    Raises:
        ResourceConflict: One of the mappings, not closed, is from that queue.
    """
    for mapping in mappings:
        if mapping.source is queue and not mapping.closed:
            raise ResourceConflict(
                f'An event source mapping with SQS arn (" {queue.arn} ") and function (" {function_arn} ") already exists. '
                f"Please update or delete the existing mapping with UUID {mapping.uuid}",
                help="One is enough: it works off all there is. Close that one first to change its batch_size.",
            )


def check_source(function: Caller, queue: Queue, batch_size: int) -> None:
    """
    Refuses what cannot feed a function.

    Raises:
        InvalidInput: The batch size is out of range, or the queue is none, or on another clock.
    """
    if not isinstance(queue, Queue):
        raise InvalidInput(f"{queue!r} is no event source.", help="Give a Queue.")
    if not is_count(batch_size) or batch_size > MAX_MESSAGES_MAX:
        raise InvalidInput(
            f"batch_size={batch_size!r} is out of range.",
            help="Give 1 to 10 messages; larger batches need MaximumBatchingWindowInSeconds, which is not there.",
        )
    if queue.clock is not function.clock:
        raise InvalidInput(
            f"The {queue} and the {function} live by different clocks.",
            help="Give both the same clock=…; without one they have the shared SystemClock.",
        )
