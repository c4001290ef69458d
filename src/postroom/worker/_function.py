"""
A function: a handler in the shape of Lambda's, called with batches, never losing one.
"""

from __future__ import annotations

import inspect
import logging
import random
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import get_ident
from typing import TYPE_CHECKING, Any, Literal, Never, TypeAlias, cast

from postroom.clock import Clock, show_span
from postroom.delivery import Resource, refuse_unknown
from postroom.delivery._refusals import EVENT_SOURCE_NOT_THERE, FUNCTION_NOT_THERE
from postroom.errors import InvalidInput, NotSupported, ResourceClosed
from postroom.faults import Crash, check_faults, injected
from postroom.limits import ERRORS_KEPT_MAX, FATES_KEPT_MAX, NESTED_CALLS_MAX
from postroom.message import format_uuid
from postroom.naming import Arn
from postroom.observe import Home, home_of
from postroom.worker._events import Context, is_count, queue_event
from postroom.worker._mapping import EventSourceMapping, refuse_second
from postroom.worker._results import Failure, FunctionStats, check_result, refuse_other_arguments, shown_error

if TYPE_CHECKING:
    from postroom.faults import Faults
    from postroom.observe import Kind, Observation
    from postroom.queue import Message, Queue
    from postroom.worker._aio import FunctionAio

Handler: TypeAlias = Callable[[dict[str, Any], Context], object]
"""Takes the event and the context, as a handler of Lambda does."""

_NAME_MAX_CHARS = 64
_logger = logging.getLogger("postroom")


class Function(Resource):
    """
    A handler that is called with batches of messages, as Lambda calls its handlers.

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
        faults: A plan of faults; of its kinds, a function has crashes.
        seed: A number or a `random.Random` from which request ids are drawn.
        home: The region it belongs to, which then has clock and seed; `Region.function` gives this.

    Raises:
        InvalidInput: An argument is of a wrong type or out of its range.
    """

    kind = "function"

    def __init__(
        self,
        handler: Handler,
        *,
        name: str | None = None,
        clock: Clock | None = None,
        concurrency: int | None = None,
        on_error: Literal["record", "raise"] = "record",
        faults: Faults | None = None,
        seed: int | random.Random | None = None,
        home: Home | None = None,
        **_not_there: Never,
    ) -> None:
        if _not_there:
            refuse_unknown("Function", _not_there, FUNCTION_NOT_THERE, ("clock", "concurrency", "name", "on_error"))
        if not callable(handler):
            raise InvalidInput(f"handler={handler!r} cannot be called.", help="Give a function of (event, context).")
        refuse_other_arguments(handler)
        shown: str = getattr(handler, "__name__", type(handler).__name__) if name is None else name
        _check_name(shown)
        if concurrency is not None and not is_count(concurrency):
            raise InvalidInput(f"concurrency={concurrency!r} is out of range.", help="Give 1 or more, or None.")
        check_faults(faults)
        if on_error not in {"record", "raise"}:
            raise InvalidInput(f"on_error={on_error!r} is unknown.", help='Give "record" or "raise".')
        home = home_of(home, clock, seed, f"function {shown}")
        super().__init__(shown, str(Arn.function(home.region_name, home.account, shown)), home)
        self._handler = handler
        self._concurrency = concurrency
        self._raises = on_error == "raise"
        self._faults = faults
        self._running = 0
        self._rest = threading.Condition(self._lock)
        self._nested: Counter[int] = Counter()
        """Calls under way by the thread they run on: inside one another."""
        self._parked: dict[Callable[[], object], None] = {}
        self._counts = {"invocations": 0, "succeeded": 0, "failed": 0, "messages": 0}
        self._failures: deque[Failure] = deque(maxlen=ERRORS_KEPT_MAX)
        self._outcomes: OrderedDict[str, tuple[int, str, str]] = OrderedDict()
        self._mappings: list[EventSourceMapping] = []
        self._polled: list[Queue] = []
        self._aio: FunctionAio | None = None
        self._warned = False
        self._clock.register(self)

    def __repr__(self) -> str:
        fed = ", ".join(str(mapping.source) for mapping in self._mappings if not mapping.closed) or "nothing"
        state = "closed" if self._closed else f"fed by {fed}"
        return (
            f"<Function {self._name}: {state}, {self._counts['succeeded']} succeeded, {self._counts['failed']} failed>"
        )

    @property
    def is_async(self) -> bool:
        """
        Whether the handler is an ``async def``.
        """
        call = getattr(self._handler, "__call__", None)  # noqa: B004 - an object whose __call__ is async counts too
        return inspect.iscoroutinefunction(self._handler) or inspect.iscoroutinefunction(call)

    @property
    def concurrency(self) -> int | None:
        """
        How many calls run at a time; None: as many as the clock has threads.
        """
        return self._concurrency

    @property
    def failures(self) -> list[Failure]:
        """
        The calls that failed, oldest first; the last 100 are kept.
        """
        with self._lock:
            return list(self._failures)

    @property
    def event_sources(self) -> list[EventSourceMapping]:
        """
        What feeds it; those that were closed do not.
        """
        with self._lock:
            return [mapping for mapping in self._mappings if not mapping.closed]

    def add_event_source(self, queue: Queue, *, batch_size: int = 10, **_not_there: Never) -> EventSourceMapping:
        """
        Has the function called with what comes into a queue, in batches.

        Nothing is polled on a period: the queue tells when there is something. A batch that the handler takes without
        raising is deleted; of one on which it raises, nothing is (DEL C2).

        >>> from postroom import Function, ManualClock, Queue
        >>> clock = ManualClock()
        >>> queue, sizes = Queue("orders", clock=clock), []
        >>> outcome = queue.send_message_batch(["tea", "cake", "tea"])
        >>> function = Function(lambda event, context: sizes.append(len(event["Records"])), name="f", clock=clock)
        >>> mapping = function.add_event_source(queue, batch_size=2)
        >>> sizes
        [2, 1]

        Args:
            queue: On the same clock as the function.
            batch_size: 1 to 10 messages; an upper bound only.

        Raises:
            InvalidInput: The batch size is out of range, or the queue is none, or on another clock.
            NotSupported: The handler is an ``async def``: await ``function.aio.poll(queue)`` on your own loop.
            ResourceConflict: The queue feeds the function already.
            ResourceClosed: The function or the queue is closed.
        """
        if _not_there:
            refuse_unknown("add_event_source", _not_there, EVENT_SOURCE_NOT_THERE, ("batch_size",))
        if self.is_async:
            raise NotSupported(
                f"The handler of {self._name} is an async def, which no thread of a clock can run.",
                help="Await function.aio.poll(queue) on your event loop, or give a plain function.",
            )
        uuid = format_uuid(self._home.random.getrandbits(128))
        mapping = EventSourceMapping(self, queue, batch_size=batch_size, uuid=uuid)
        with self._lock:
            self._refuse_closed("add_event_source")
            refuse_second(self._mappings, queue, self._arn)
            self._mappings = [*(one for one in self._mappings if not one.closed), mapping]
        mapping.start()
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

    # Calling.

    def begin(self, retry: Callable[[], object]) -> bool:
        """
        For event sources: takes one of the calls that may run at a time; if none is free, `retry` is called later.
        """
        ident = get_ident()
        with self._lock:
            is_full = self._concurrency is not None and self._running >= self._concurrency
            if is_full or self._nested[ident] >= NESTED_CALLS_MAX:
                # Once per event source, however often it asks: when its turn comes, it works off all there is.
                self._parked[retry] = None
                return False
            self._running += 1
            self._nested[ident] += 1
            return True

    def end(self) -> None:
        """
        For event sources: gives it back.
        """
        ident = get_ident()
        with self._lock:
            self._running -= 1
            self._rest.notify_all()
            self._nested[ident] -= 1
            if not self._nested[ident]:
                del self._nested[ident]
            retry = next(iter(self._parked), None)
            if retry is not None:
                del self._parked[retry]
        if retry is not None:
            try:
                self._clock.run(retry, str(self), patient=True)
            except ResourceClosed:
                pass  # a closed clock runs nothing any more, and has said so

    def process(self, messages: list[Message], queue: Queue) -> bool:
        """
        For event sources: calls the handler with a batch.

        Returns:
            Whether it took it.
        """
        context, event, crash = self.prepare(messages, queue)
        try:
            with injected(crash):
                self._look_at(check_result(self._handler(event, context)))
        except Exception as error:
            self.note_failure(error, event, context, messages)
            return False
        self.note_success(context, messages)
        return True

    def _look_at(self, result: object) -> None:
        answer: Any = result
        if isinstance(result, dict) and answer.get("batchItemFailures") and not self._warned:
            # As on AWS where ReportBatchItemFailures is off; there nobody says so.
            self._warned = True
            _logger.warning(
                "postroom: %s returned batchItemFailures, which is ignored: the whole batch is deleted. "
                "Raise, to have it come back.",
                self,
            )

    def prepare(self, messages: list[Message], queue: Queue) -> tuple[Context, dict[str, Any], Crash | None]:
        """
        For event sources: what the next call is made with, and whether the plan of faults has it crash.
        """
        with self._lock:
            self._refuse_closed("invoke")
            self._counts["invocations"] += 1
            request_id = format_uuid(self._home.random.getrandbits(128))
            seen = self._seen_all("invoked", messages, request_id=request_id)
        self._tell(seen)
        event = queue_event(messages, queue.arn, self._home.region_name)
        crash = None if self._faults is None else self._faults.draws_crash(self._name)
        return Context(self._name, self._arn, request_id), event, crash

    def note_success(self, context: Context, messages: list[Message]) -> None:
        """
        For event sources: the handler returned.
        """
        with self._lock:
            self._counts["succeeded"] += 1
            self._counts["messages"] += len(messages)
            self._remember(messages, "succeeded", f"in call {context.aws_request_id}")
            seen = self._seen_all("succeeded", messages, request_id=context.aws_request_id)
        self._tell(seen)

    def note_failure(self, error: Exception, event: dict[str, Any], context: Context, messages: list[Message]) -> None:
        """
        For event sources: the handler raised.
        """
        shown = shown_error(error)
        with self._lock:
            self._counts["failed"] += 1
            self._failures.append(Failure(self._clock.now_us(), context.aws_request_id, error, event))
            self._remember(messages, "failed", f"in call {context.aws_request_id}: {shown}")
            seen = self._seen_all("failed", messages, request_id=context.aws_request_id, error=shown)
        self._tell(seen)
        if self._raises:
            self._clock.hand_over(error)

    @contextmanager
    def polling(self, queue: Queue) -> Generator[None]:
        """
        For `aio.poll`: while it lasts, closing the function wakes those who wait for the queue.
        """
        with self._lock:
            self._polled.append(queue)
        try:
            yield
        finally:
            with self._lock:
                self._polled.remove(queue)

    @contextmanager
    def running(self) -> Generator[None]:
        """
        For `aio.poll`: one call more is under way.
        """
        with self._lock:
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
                self._rest.notify_all()

    def _remember(self, messages: list[Message], what: str, rest: str) -> None:
        now = self._clock.now_us()
        for message in messages:
            self._outcomes[message.message_id] = (now, what, rest)
            self._outcomes.move_to_end(message.message_id)
        while len(self._outcomes) > FATES_KEPT_MAX:
            self._outcomes.popitem(last=False)

    def _seen_all(self, kind: str, messages: list[Message], **details: Any) -> list[Observation]:
        if not self._observers:
            return []
        now = self._clock.now_us()
        return [
            self._seen(now, cast("Kind", kind), message.message_id, receive_count=message.receive_count, **details)
            for message in messages
        ]

    # A function's lock is never held while a queue's is taken, but mappings are asked with theirs held: taking all of
    # them before a fork could deadlock. What they guard can be made anew in the child instead.

    def before_fork(self) -> None:
        """
        For the clock: nothing to do.
        """

    def after_fork(self, *, in_child: bool) -> None:
        """
        For the clock: in the child, calls of threads that were not copied are over, and its event sources ask again.
        """
        if in_child:
            ident = get_ident()
            self._lock = threading.Lock()
            self._rest = threading.Condition(self._lock)
            self._nested = Counter({ident: self._nested[ident]} if self._nested[ident] else {})
            self._running = self._nested[ident]
            self._parked.clear()
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
            return FunctionStats(running=self._running, **self._counts)

    def explain(self, message_id: str) -> str:
        """
        Says how the last call with a message ended; the last 1,000 messages are remembered.

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
            if known is None:
                return f"unknown: the function {self._name} was not called with it, or that was long ago"
            at, what, rest = known
            return f"{what} {show_span(self._clock.now_us() - at)} ago {rest}"

    def close(self) -> None:
        """
        Closes it for good, and its event sources; calls under way end as they would: `join` waits for them.

        Close a function before the queues that feed it, so that what it has done can still be deleted there.

        >>> from postroom import Function, ManualClock
        >>> with Function(print, name="f", clock=ManualClock()) as function:
        ...     pass
        >>> function.closed
        True
        """
        super().close()
        for mapping in self.event_sources:
            mapping.close()
        with self._lock:
            polled = list(self._polled)
        for queue in polled:
            # A wake-up is a hint: the coroutines that poll for this function see that it is over, all others wait on.
            with queue._lock:
                queue._waiters.wake_all()

    def join(self, timeout: float | None = None) -> bool:
        """
        Waits, in real time, until no call is under way in another thread; leaving its ``with`` block does that, too.

        >>> from postroom import Function, Queue, SystemClock
        >>> with SystemClock() as clock, Queue("orders", clock=clock) as queue:
        ...     with Function(lambda event, context: clock.sleep(0.01), name="slow", clock=clock) as function:
        ...         mapping = function.add_event_source(queue)
        ...         sent = queue.send_message("2 x tea")
        ...     function.join(), function.stats().running
        (True, 0)

        Args:
            timeout: Seconds of real time to wait at the most; None: without end.

        Returns:
            Whether all calls are over.
        """
        ident = get_ident()
        with self._rest:
            return self._rest.wait_for(lambda: self._running <= self._nested.get(ident, 0), timeout)

    def __exit__(self, *exc_info: object) -> None:
        self.close()
        self.join()


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise InvalidInput(f"name={name!r} is no str.", help="Give 1 to 64 letters, digits, hyphens or underscores.")
    bare = name.replace("-", "").replace("_", "")
    if not (bare.isascii() and bare.isalnum() and len(name) <= _NAME_MAX_CHARS):
        raise InvalidInput(
            f"name={name!r} is no name for a function.",
            help="Give name=…, 1 to 64 letters, digits, hyphens or underscores.",
        )
