"""
What a function is to all that has it called: its handler, the calls under way, and what is kept and told of them.
"""

from __future__ import annotations

import inspect
import logging
import random
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from threading import get_ident
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from postroom.clock import Clock, ManualClock
from postroom.delivery import Resource
from postroom.errors import InvalidInput, ResourceClosed
from postroom.faults import check_faults, injected
from postroom.limits import ERRORS_KEPT_MAX, FATES_KEPT_MAX, NESTED_CALLS_MAX
from postroom.message import format_uuid
from postroom.naming import Arn
from postroom.observe import Home, caused_by, home_of
from postroom.worker._calls import Batch, Call, Called
from postroom.worker._checks import check_name, is_count, refuse_coroutine
from postroom.worker._events import Context
from postroom.worker._results import Failure, check_result, refuse_other_arguments, shown_error

if TYPE_CHECKING:
    from postroom.faults import Faults
    from postroom.observe import Kind, Observation
    from postroom.queue import Queue

Handler: TypeAlias = Callable[[dict[str, Any], Context], object]
"""Takes the event and the context, as a handler of Lambda does."""

_logger = logging.getLogger("postroom")


class FunctionFrame(Resource):
    """
    Not for users: see `Function`.
    """

    kind = "function"

    def __init__(
        self,
        handler: Handler,
        *,
        name: str | None,
        clock: Clock | None,
        concurrency: int | None,
        on_error: Literal["record", "raise"],
        faults: Faults | None,
        seed: int | random.Random | None,
        home: Home | None,
    ) -> None:
        if not callable(handler):
            raise InvalidInput(f"handler={handler!r} cannot be called.", help="Give a function of (event, context).")
        refuse_other_arguments(handler)
        shown: str = getattr(handler, "__name__", type(handler).__name__) if name is None else name
        check_name(shown)
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
        self._awaited: Counter[int] = Counter()
        """Calls of coroutines under way, by the thread of their event loop."""
        self._parked: dict[Callable[[], object], None] = {}
        self._counts = {"invocations": 0, "succeeded": 0, "failed": 0, "messages": 0}
        self._failures: deque[Failure] = deque(maxlen=ERRORS_KEPT_MAX)
        self._ended: Counter[str] = Counter()
        """Messages that were given up, by how."""
        self._outcomes: OrderedDict[str, tuple[int, str, str]] = OrderedDict()
        self._polled: list[Queue] = []
        self._warned = False
        self._clock.register(self)

    @property
    def is_async(self) -> bool:
        """
        Whether the handler is an ``async def``.
        """
        call = getattr(self._handler, "__call__", None)  # noqa: B004 - an object whose __call__ is async counts too
        return inspect.iscoroutinefunction(self._handler) or inspect.iscoroutinefunction(call)

    def check_receives(self) -> None:
        """
        For topics and buses: refuses a handler that is an ``async def``, as nothing that is delivered could be handled.

        >>> from postroom import Function, ManualClock
        >>> async def brew(event, context): ...
        >>> Function(brew, clock=ManualClock()).check_receives()
        Traceback (most recent call last):
            ...
        postroom.errors.NotSupported: The handler of brew is an async def, which no thread of a clock can run.
          Give a plain function, or a queue, and await function.aio.poll(queue) on your event loop.

        Raises:
            NotSupported: The handler is an ``async def``.
        """
        if self.is_async:
            raise refuse_coroutine(
                self._name, "Give a plain function, or a queue, and await function.aio.poll(queue) on your event loop."
            )

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

    # Calling.

    def begin(self, retry: Callable[[], object]) -> bool:
        """
        For event sources: takes one of the calls that may run at a time; if none is free, `retry` is called later.
        """
        ident = get_ident()
        with self._lock:
            if self._closed:
                return False  # and no turn comes
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

    def process(self, batch: Batch) -> Called:
        """
        For event sources: calls the handler with a batch.

        Raises:
            ResourceClosed: The function was closed meanwhile; the handler was not called.
        """
        call = self.prepare(batch)
        try:
            if call.latency:
                # Not within `caused_by`: what falls due meanwhile is none of the handler's work.
                pass_time(self._clock, call.latency)
            with caused_by(*batch.ids):
                if call.crash is None:
                    self._look_at(check_result(self._handler(call.event, call.context)))
                else:
                    with injected(call.crash):
                        self._look_at(check_result(self._handler(call.event, call.context)))
        except Exception as error:
            self.note_failure(error, call, batch)
            return Called(call.context.aws_request_id, error)
        self.note_success(call, batch)
        return Called(call.context.aws_request_id, None)

    def _look_at(self, result: object) -> None:
        answer: Any = result
        if isinstance(result, dict) and answer.get("batchItemFailures") and not self._warned:
            # As on AWS where ReportBatchItemFailures is off; there nobody says so.
            self._warned = True
            _logger.warning(
                "postroom: %s returned batchItemFailures, which is ignored: the whole batch counts as taken. "
                "Raise, to have it come back.",
                self,
            )

    def prepare(self, batch: Batch) -> Call:
        """
        For event sources: what the next call is made with, and what the plan of faults has in store for it.
        """
        with self._lock:
            self._refuse_closed("invoke")
            self._counts["invocations"] += 1
            request_id = batch.request_id or format_uuid(self._home.random.getrandbits(128))
            seen = self._seen_all("invoked", batch, request_id=request_id)
        self._tell(seen)
        event, context = batch.event(), Context(self._name, self._arn, request_id)
        faults = self._faults
        if faults is None:
            return Call(context, event, None, 0)
        return Call(context, event, faults.draws_crash(self._name), faults.draws_latency(self._name))

    def note_success(self, call: Call, batch: Batch) -> None:
        """
        For event sources: the handler returned.
        """
        request_id = call.context.aws_request_id
        with self._lock:
            self._counts["succeeded"] += 1
            self._counts["messages"] += len(batch.ids)
            self._remember(batch.ids, "succeeded", f"in call {request_id}")
            seen = self._seen_all("succeeded", batch, request_id=request_id)
        self._tell(seen)

    def note_failure(self, error: Exception, call: Call, batch: Batch) -> None:
        """
        For event sources: the handler raised.
        """
        shown, request_id = shown_error(error), call.context.aws_request_id
        with self._lock:
            self._counts["failed"] += 1
            self._failures.append(Failure(self._clock.now_us(), request_id, error, call.event))
            self._remember(batch.ids, "failed", f"in call {request_id}: {shown}")
            seen = self._seen_all("failed", batch, request_id=request_id, error=shown)
        self._tell(seen)
        if self._raises:
            self._clock.hand_over(error)

    def note_end(self, kind: Kind, ids: Sequence[str], rest: str, **details: Any) -> None:
        """
        For event sources: messages that are given up; `kind` is *dead-lettered* or *dropped*.
        """
        with self._lock:
            self._ended[kind] += len(ids)
            self._remember(ids, kind, rest)
            seen = self._seen_all(kind, Batch(ids, dict), **details)
        self._tell(seen)

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
        ident = get_ident()
        with self._lock:
            self._running += 1
            self._awaited[ident] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
                self._awaited[ident] -= 1
                if not self._awaited[ident]:
                    del self._awaited[ident]
                self._rest.notify_all()

    def _remember(self, ids: Sequence[str], what: str, rest: str) -> None:
        now = self._clock.now_us()
        for id_ in ids:
            self._outcomes[id_] = (now, what, rest)
            self._outcomes.move_to_end(id_)
        while len(self._outcomes) > FATES_KEPT_MAX:
            self._outcomes.popitem(last=False)

    def _seen_all(self, kind: Kind, batch: Batch, **details: Any) -> list[Observation]:
        if not self._observers:
            return []
        now = self._clock.now_us()
        own = list(batch.details()) or [{}] * len(batch.ids)
        return [self._seen(now, kind, id_, **more, **details) for id_, more in zip(batch.ids, own, strict=True)]

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
            return self._rest.wait_for(lambda: self._is_idle(ident), timeout)

    def _is_idle(self, ident: int) -> bool:
        # Coroutines of this thread's loop would wait for it, and it for them.
        return self._running <= self._nested.get(ident, 0) + self._awaited.get(ident, 0)

    def _is_inside(self, ident: int) -> bool:
        """
        Whether that thread is inside a call of the handler.
        """
        return self._nested.get(ident, 0) > 0

    def _forget_other_threads(self) -> None:
        # Calls of threads that were not copied are over.
        ident = get_ident()
        self._rest = threading.Condition(self._lock)
        self._nested = Counter({ident: self._nested[ident]} if self._nested[ident] else {})
        self._awaited = Counter({ident: self._awaited[ident]} if self._awaited[ident] else {})
        self._running = self._nested[ident] + self._awaited[ident]
        self._parked.clear()


def pass_time(clock: Clock, span_us: int) -> None:
    """
    Has time pass before a handler runs: its thread waits, or, on a manual clock, moves time by itself.
    """
    span = timedelta(microseconds=span_us)
    if isinstance(clock, ManualClock):
        clock.advance(span)  # `sleep` would jump, which the clock may be forbidden to do
    else:
        clock.sleep(span)
