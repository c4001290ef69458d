"""
A function: a handler in the shape of Lambda's, called with batches and with events, never losing one.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from threading import get_ident
from typing import TYPE_CHECKING, Any, Literal, Never

from postroom.clock import Clock, Due, Duration, ManualClock, show_span
from postroom.delivery import refuse_unknown
from postroom.delivery._refusals import EVENT_SOURCE_NOT_THERE, FUNCTION_NOT_THERE, INVOKE_NOT_THERE
from postroom.errors import FunctionInvalidParameterValue, InvalidInput, PostroomError
from postroom.limits import INVOCATION_RETRIES_MAX
from postroom.message import format_uuid
from postroom.observe import Destination, Home, Wire, causes, find_destination
from postroom.stream import Stream
from postroom.worker._asynchronous import Asynchronous, json_text
from postroom.worker._checks import STREAM_FOR_COROUTINES, check_dead_letters, event_age_us, in_range, refuse_coroutine
from postroom.worker._frame import FunctionFrame, Handler
from postroom.worker._invocations import Invocations
from postroom.worker._mapping import EventSourceMapping, refuse_second
from postroom.worker._queue_source import QueueMapping
from postroom.worker._results import FunctionStats
from postroom.worker._stream_source import StreamMapping

if TYPE_CHECKING:
    from postroom.clock import Instant
    from postroom.faults import Faults
    from postroom.message import Parcel
    from postroom.queue import Queue
    from postroom.worker._aio import FunctionAio

_QUEUE_BATCH_SIZE = 10
_FUNCTION_TAKES = (
    "clock",
    "concurrency",
    "dead_letter_queue",
    "faults",
    "home",
    "maximum_event_age",
    "maximum_retry_attempts",
    "name",
    "on_error",
    "seed",
)
_EVENT_SOURCE_TAKES = (
    "batch_size",
    "maximum_retry_attempts",
    "on_failure",
    "starting_position",
    "starting_position_timestamp",
)


class Function(FunctionFrame):
    """
    A handler that is called with batches of messages and with events, as Lambda calls its handlers.

    >>> from postroom import Function, ManualClock, Queue
    >>> clock = ManualClock()
    >>> queue = Queue("orders", clock=clock)
    >>> def brew(event, context):
    ...     for record in event["Records"]:
    ...         print("brewing", record["body"])
    >>> function = Function(brew, clock=clock)
    >>> mapping = function.add_event_source(queue)
    >>> sent = queue.send_message("2 x tea")
    brewing 2 x tea

    If the handler raises, nothing of the batch is deleted: it is back in the queue when its visibility timeout ends,
    and the error is kept in `failures`. The sender sees nothing of it.

    A function is a destination, too: topics and buses invoke it, and so does `invoke`. Such an invocation is asynchronous
    (DEL D): it is taken over at once and waits in the function for its turn. If the handler raises, it is tried again 60
    seconds later and 120 seconds after that, then goes to the dead-letter queue.

    On a `ManualClock` handlers run in line, on the thread that drives the clock; on a `SystemClock` on its pool. In line
    means that a handler that advances the clock, to be slow, has other calls run inside it; at most 16 deep.

    Args:
        handler: Called with the event and a `Context`; what it returns is ignored.
        name: 1 to 64 letters, digits, hyphens or underscores; the handler's own name unless given.
        clock: Where "now" comes from; the shared `SystemClock` unless given. Queues that feed it must have the same.
        concurrency: How many calls run at a time, 1 or more; None: as many as the clock has threads.
        on_error: ``record`` keeps a handler's `Exception` in `failures`; ``raise`` also hands it to whoever drives the
            clock, so that a failing `assert` in a handler fails the test: `advance`, a wait, or the `send_message` that
            set the handler off. On a `SystemClock` it is logged.
        dead_letter_queue: A queue or a topic for asynchronous invocations that were given up, on the same clock; None:
            they are dropped, and counted.
        maximum_retry_attempts: Retries of an asynchronous invocation, 0 to 2.
        maximum_event_age: Seconds after which an asynchronous invocation is begun no more, 60 to 21600 (6 hours). A retry
            that would be due then or later is not waited for: the invocation is given up at once.
        faults: A plan of faults; of its kinds, a function has crashes and latencies.
        seed: A number or a `random.Random` from which request ids are drawn.
        home: The region it belongs to, which then has clock and seed; `Region.function` gives this.

    Raises:
        InvalidInput: An argument is of a wrong type or out of its range.
        FunctionValidationError: `maximum_retry_attempts` or `maximum_event_age` is out of its range.
        FunctionInvalidParameterValue: The dead-letter queue is neither a queue nor a topic.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        name: str | None = None,
        clock: Clock | None = None,
        concurrency: int | None = None,
        on_error: Literal["record", "raise"] = "record",
        dead_letter_queue: Destination | None = None,
        maximum_retry_attempts: int = INVOCATION_RETRIES_MAX,
        maximum_event_age: Duration = 21_600,
        faults: Faults | None = None,
        seed: int | random.Random | None = None,
        home: Home | None = None,
        **_not_there: Never,
    ) -> None:
        if _not_there:
            refuse_unknown("Function", _not_there, FUNCTION_NOT_THERE, _FUNCTION_TAKES)
        retries = in_range(
            "maximum_retry_attempts",
            "maximumRetryAttempts",
            maximum_retry_attempts,
            INVOCATION_RETRIES_MAX,
            0,
            INVOCATION_RETRIES_MAX,
        )
        core = Invocations(max_retries=retries, max_age=event_age_us(maximum_event_age))
        self._asynchronous = Asynchronous(self, core, dead_letter_queue)
        self._mappings: list[EventSourceMapping] = []
        self._aio: FunctionAio | None = None
        super().__init__(
            handler,
            name=name,
            clock=clock,
            concurrency=concurrency,
            on_error=on_error,
            faults=faults,
            seed=seed,
            home=home,
        )
        check_dead_letters(dead_letter_queue, self._clock, "dead_letter_queue")

    def __repr__(self) -> str:
        fed = ", ".join(str(mapping.source) for mapping in self._mappings if not mapping.closed) or "nothing"
        state = "closed" if self._closed else f"fed by {fed}"
        return (
            f"<Function {self._name}: {state}, {self._counts['succeeded']} succeeded, {self._counts['failed']} failed>"
        )

    @property
    def event_sources(self) -> list[EventSourceMapping]:
        """
        What feeds it; those that were closed do not.
        """
        with self._lock:
            return [mapping for mapping in self._mappings if not mapping.closed]

    @property
    def dead_letter_queue(self) -> Destination | None:
        """
        Where asynchronous invocations go that were given up.
        """
        return self._asynchronous.dead_letter_queue

    # Asynchronous invocation.

    def deliver(self, parcel: Parcel) -> None:
        """
        For topics and buses: invokes the function asynchronously. The parcel's body is the event, as JSON.

        >>> from postroom import Function, ManualClock
        >>> from postroom.message import Parcel
        >>> clock = ManualClock()
        >>> function = Function(lambda event, context: print(event["table"]), name="f", clock=clock)
        >>> function.deliver(Parcel('{"table": 7}'))
        >>> clock.settle()
        7

        Raises:
            InvalidRequestContent: The body is no JSON.
            RequestTooLarge: It has more than 1 MiB.
            NotSupported: The handler is an ``async def``: it runs on nobody's event loop.
            ResourceClosed: The function is closed.
        """
        self._accept(parcel.body, parcel.cause, (), "deliver")

    def invoke(self, event: Mapping[str, Any] | str, **_not_there: Never) -> str:
        """
        Invokes the function asynchronously, and does not wait for it (InvocationType Event).

        On a `ManualClock` the handler has run when this returns, if a call of it was free and nobody drove the clock.

        >>> from postroom import Function, ManualClock
        >>> clock = ManualClock()
        >>> function = Function(lambda event, context: print(event["table"]), name="f", clock=clock, seed=1)
        >>> function.invoke({"table": 7})
        7
        '7c4fb118-5b8c-431a-a53a-5a030ce484b5'

        Args:
            event: What can be written as JSON, or JSON text; at most 1 MiB of it. The handler gets a copy at each attempt.

        Returns:
            The request id, which all attempts have; observations of it have it as their message id.

        Raises:
            InvalidInput: The event cannot be written as JSON.
            InvalidRequestContent: The text is no JSON.
            RequestTooLarge: It has more than 1 MiB.
            NotSupported: The handler is an ``async def``: it runs on nobody's event loop. Or AWS has such a parameter.
            ResourceClosed: The function is closed.
        """
        if _not_there:
            refuse_unknown("invoke", _not_there, INVOKE_NOT_THERE, ("event",))
        if isinstance(event, str):
            body = event
        else:
            try:
                body = json_text(event)
            except (TypeError, ValueError, RecursionError) as error:
                raise InvalidInput(
                    f"The event cannot be written as JSON: {error}.",
                    help="Give dicts, lists, str, numbers, bool and None.",
                    operation="invoke",
                    resource=self._name,
                ) from None
        request_id = self._accept(body, None, causes(), "invoke")
        if self._clock.has_due:
            self._clock.run_due()
        return request_id

    def _accept(self, body: str, cause: str | None, caused_by: tuple[str, ...], operation: str) -> str:
        try:
            request_id = self._asynchronous.accept(body, cause, caused_by, operation)
        except PostroomError as error:
            self._sign(error, operation)
            raise
        self._clock.note_progress()
        return request_id

    # Event sources.

    def add_event_source(
        self,
        source: Queue | Stream,
        *,
        batch_size: int | None = None,
        starting_position: Literal["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"] | None = None,
        starting_position_timestamp: Instant | None = None,
        maximum_retry_attempts: int = -1,
        on_failure: Destination | str | None = None,
        **_not_there: Never,
    ) -> EventSourceMapping:
        """
        Has the function called with what comes into a queue or a stream, in batches.

        Nothing is polled on a period: the source tells when there is something. A batch of a queue that the handler takes
        without raising is deleted; of one on which it raises, nothing is (DEL C2).

        >>> from postroom import Function, ManualClock, Queue
        >>> clock = ManualClock()
        >>> queue, sizes = Queue("orders", clock=clock), []
        >>> outcome = queue.send_message_batch(["tea", "cake", "tea"])
        >>> function = Function(lambda event, context: sizes.append(len(event["Records"])), name="f", clock=clock)
        >>> mapping = function.add_event_source(queue, batch_size=2)
        >>> sizes
        [2, 1]

        Each shard of a stream is worked off strictly in order, beside the others. A batch on which the handler raises is
        tried again, the same one, after 1 second, then 2, 4 and so on up to 60, and everything behind it in its shard
        waits: until it succeeds, its retries are used up, or the stream's retention trims it. The shards are those that
        the stream has now (DEL C3).

        Args:
            source: A queue or a stream, on the same clock as the function.
            batch_size: An upper bound only: 1 to 10 messages of a queue, 10 unless given; 1 to 10,000 records of a
                stream, 100 unless given. The event of more than one is at most 6 MiB of JSON (DEL C1).
            starting_position: Of a stream, which needs one: ``TRIM_HORIZON`` is the oldest record, ``LATEST`` what is put
                from now on, ``AT_TIMESTAMP`` what arrived at an instant or after it.
            starting_position_timestamp: That instant.
            maximum_retry_attempts: Of a batch of a stream, -1 (without end) to 10,000.
            on_failure: A queue or a topic that is told of batches of a stream that were given up; not of their data,
                which can be read by their sequence numbers. In a region its ARN will do, and a queue's name. None: nobody
                is told.

        Raises:
            InvalidInput: An argument is of a wrong type, the batch size of a queue is out of range, or the source is
                none, or on another clock.
            FunctionValidationError: An argument for a stream is out of its range.
            FunctionInvalidParameterValue: The starting position is missing, or an argument is not for queues.
            NotSupported: The handler is an ``async def``: await ``function.aio.poll(queue)`` on your own loop.
            NotFound: Nothing of the ARN, or the name, in `on_failure` is there.
            ResourceConflict: The source feeds the function already.
            ResourceClosed: The function or the source is closed.
        """
        if _not_there:
            refuse_unknown("add_event_source", _not_there, EVENT_SOURCE_NOT_THERE, _EVENT_SOURCE_TAKES)
        if self.is_async:
            own = "Await function.aio.poll(queue) on your event loop, or give a plain function."
            raise refuse_coroutine(self._name, STREAM_FOR_COROUTINES if isinstance(source, Stream) else own)
        mapping: EventSourceMapping
        uuid = format_uuid(self._home.random.getrandbits(128))
        try:
            if isinstance(source, Stream):
                mapping = StreamMapping(
                    self,
                    source,
                    batch_size=batch_size,
                    uuid=uuid,
                    starting_position=starting_position,
                    starting_position_timestamp=starting_position_timestamp,
                    max_retries=maximum_retry_attempts,
                    on_failure=find_destination(on_failure, self._home),
                )
            else:
                _refuse_for_queues(starting_position, starting_position_timestamp, maximum_retry_attempts, on_failure)
                size = _QUEUE_BATCH_SIZE if batch_size is None else batch_size
                mapping = QueueMapping(self, source, batch_size=size, uuid=uuid)
            with self._lock:
                self._refuse_closed("add_event_source")
                refuse_second(self._mappings, mapping.source, self._arn)
                self._mappings = [*(one for one in self._mappings if not one.closed), mapping]
            mapping.start()
        except PostroomError as error:
            self._sign(error, "add_event_source")
            raise
        return mapping

    @property
    def aio(self) -> FunctionAio:
        """
        The form for coroutines: ``await function.aio.poll(queue)`` runs the handler on the caller's event loop.

        >>> import asyncio
        >>> from postroom import Function, ManualClock, Queue
        >>> async def brew(event, context):
        ...     print("brewing", event["Records"][0]["body"])
        >>> clock = ManualClock()
        >>> queue, function = Queue("orders", clock=clock), Function(brew, clock=clock)
        >>> sent = queue.send_message("2 x tea")
        >>> asyncio.run(function.aio.poll(queue, idle=0))
        brewing 2 x tea
        1
        """
        if self._aio is None:
            from postroom.worker._aio import FunctionAio  # noqa: PLC0415 - asyncio is imported when it is used

            self._aio = FunctionAio(self)
        return self._aio

    # As a source of its clock.

    def next_wakeup(self, now: int) -> int | None:
        """
        For the clock: when a retry is due next.
        """
        return min((due.at_us for due in self.pending(now)), default=None)

    def pending(self, now: int) -> Iterable[Due]:  # noqa: ARG002 - what is due is known beforehand
        """
        For the clock: which retries are due, and when.
        """
        yield from self._asynchronous.pending()
        for mapping in self._mappings:
            if not mapping.closed:
                yield from mapping.pending()

    def _forget_other_threads(self) -> None:
        super()._forget_other_threads()
        self._asynchronous.after_fork_in_child(get_ident())
        for mapping in self._mappings:
            mapping.after_fork_in_child()

    # Looking.

    def stats(self) -> FunctionStats:
        """
        What went through it.

        >>> from postroom import Function, ManualClock
        >>> Function(print, name="f", clock=ManualClock()).stats().failed
        0
        """
        with self._lock:
            queued, retrying = self._asynchronous.counts()
            return FunctionStats(
                running=self._running,
                **self._counts,
                queued=queued,
                retrying=retrying,
                dead_lettered=self._ended["dead-lettered"],
                dropped=self._ended["dropped"],
            )

    def explain(self, message_id: str) -> str:
        """
        Says how the last call with a message ended, and what it waits for; the last 1,000 messages are remembered.

        A message of a queue and of a topic is known by its id, an event by its event id, a record of a stream by
        ``stream:sequence number``, and what `invoke` was called with by its request id.

        >>> from postroom import Function, ManualClock, Queue
        >>> clock = ManualClock()
        >>> queue, function = Queue("q", clock=clock), Function(lambda e, c: 1 / 0, name="f", clock=clock, seed=1)
        >>> mapping = function.add_event_source(queue)
        >>> sent = queue.send_message("2 x tea")
        >>> function.explain(sent.message_id)
        "failed 0.0 s ago in call e7891665-58a0-4d27-8a72-9b2f75f77e5b: ZeroDivisionError('division by zero')"
        """
        with self._lock:
            known = self._outcomes.get(message_id)
            awaited = self._asynchronous.explain(message_id)
            if known is None:
                return awaited or f"unknown: the function {self._name} was not called with it, or that was long ago"
            at, what, rest = known
            more = f"; {awaited}" if awaited else ""
            return f"{what} {show_span(self._clock.now_us() - at)} ago {rest}{more}"

    def close(self) -> None:
        """
        Closes it for good, and its event sources; calls under way end as they would: `join` waits for them.

        Asynchronous invocations that wait for their turn or for a retry are dropped, told of and counted (`stats`): who
        wants them done calls `join` first. Close a function before the queues that feed it, so that what it has done can still be deleted there.

        >>> from postroom import Function, ManualClock
        >>> with Function(print, name="f", clock=ManualClock()) as function:
        ...     pass
        >>> function.closed
        True
        """
        super().close()
        for mapping in self.event_sources:
            mapping.close()
        self._asynchronous.close()
        with self._lock:
            self._parked.clear()
            polled = list(self._polled)
        for queue in polled:
            # A wake-up is a hint: the coroutines that poll for this function see that it is over, all others wait on.
            with queue._lock:
                queue._waiters.wake_all()

    def _is_idle(self, ident: int) -> bool:
        # Whoever is inside a call, or has to drive the clock, is the one for whom the others wait.
        may_wait = ident not in self._nested and not isinstance(self._clock, ManualClock)
        return super()._is_idle(ident) and not (may_wait and not self._closed and not self._asynchronous.is_idle)

    def wires(self) -> list[Wire]:
        """
        What feeds it, and where go what it gave up.
        """
        found = [wire for mapping in self.event_sources for wire in mapping.wires()]
        queue = self.dead_letter_queue
        if queue is not None:
            found.append(Wire(str(self), str(queue), "asynchronous", "dead letters"))
        return found

    def __exit__(self, *exc_info: object) -> None:
        self.close()
        self.join()


def _refuse_for_queues(position: object, timestamp: object, retries: object, on_failure: object) -> None:
    """
    Refuses what only streams have (DEL C1).
    """
    for given, aws_name, instead in (
        (position is not None, "StartingPosition", "A queue is worked off from its front."),
        (timestamp is not None, "StartingPositionTimestamp", "A queue is worked off from its front."),
        (retries != -1, "MaximumRetryAttempts", "Give the queue a dead_letter_queue and a max_receive_count."),
        (on_failure is not None, "DestinationConfig", "Give the queue a dead_letter_queue and a max_receive_count."),
    ):
        if given:
            raise FunctionInvalidParameterValue(
                f"Unsupported {aws_name} parameter for given event source mapping type.", help=instead
            )
