"""
What ties a source to a function: the face that all mappings have, and a function as mappings see it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, Self

from postroom.errors import InvalidInput, ResourceConflict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from postroom.clock import Clock, Due
    from postroom.delivery import Resource
    from postroom.observe import Destination, Kind, Wire
    from postroom.worker._calls import Batch, Called


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
    def arn(self) -> str:
        """
        Its Amazon Resource Name.
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

    def process(self, batch: Batch) -> Called:
        """
        Calls the handler.
        """
        ...

    def note_end(self, kind: Kind, ids: Sequence[str], rest: str, **details: Any) -> None:
        """
        Notes and tells that messages were given up.
        """
        ...


class EventSourceMapping:
    """
    The tie between a source and a function, as `Function.add_event_source` makes it.

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

    def __init__(self, function: Caller, source: Resource, *, batch_size: int, uuid: str) -> None:
        self._uuid = uuid
        self._function = function
        self._source = source
        self._batch_size = batch_size
        self._closed = False

    @property
    def uuid(self) -> str:
        """
        Its id.
        """
        return self._uuid

    @property
    def source(self) -> Resource:
        """
        Where messages come from: a queue or a stream.
        """
        return self._source

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
    def on_failure(self) -> Destination | None:
        """
        Where batches of a stream go that were given up; None: nowhere.
        """
        return None

    @property
    def closed(self) -> bool:
        """
        Whether it feeds the function no more.
        """
        return self._closed

    def __repr__(self) -> str:
        state = ", closed" if self._closed else ""
        return f"<EventSourceMapping {self._source} -> {self._function}, batches of up to {self._batch_size}{state}>"

    def start(self) -> None:
        """
        For `Function`: begins to feed it.
        """
        raise NotImplementedError

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
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def wires(self) -> Iterable[Wire]:
        """
        For `Function`: what flows through it.
        """
        raise NotImplementedError

    def pending(self) -> Iterable[Due]:
        """
        For `Function`: what it does next, and when.
        """
        return ()

    def after_fork_in_child(self) -> None:
        """
        For `Function`: the thread that was at work was not copied.
        """
        raise NotImplementedError


def refuse_other_clock(function: Caller, source: Resource) -> None:
    """
    Refuses a source that lives by another clock than the function.

    Raises:
        InvalidInput: It does.
    """
    if source.clock is not function.clock:
        raise InvalidInput(
            f"The {source} and the {function} live by different clocks.",
            help="Give both the same clock=…; without one they have the shared SystemClock.",
        )


def refuse_second(mappings: list[EventSourceMapping], source: Resource, function_arn: str) -> None:
    """
    Refuses a source that feeds a function already (DEL C1).

    Raises:
        ResourceConflict: One of the mappings, not closed, is from that source.
    """
    for mapping in mappings:
        if mapping.source is source and not mapping.closed:
            which = (
                f'The event source arn (" {source.arn} ") and function (" {function_arn} ") provided mapping already exists.'
                if source.kind == "stream"
                else f'An event source mapping with SQS arn (" {source.arn} ") and function (" {function_arn} ") already exists.'
            )
            raise ResourceConflict(
                f"{which} Please update or delete the existing mapping with UUID {mapping.uuid}",
                help="One is enough: it works off all there is. Close that one first to change its batch_size.",
            )
