"""
What a function tells of its calls, and what it makes of what its handler returns or raises.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, NamedTuple

from postroom.clock import to_datetime
from postroom.errors import InvalidInput, NotSupported

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime


class Failure(NamedTuple):
    """
    A call that failed.

    >>> from postroom import Function, ManualClock, Queue
    >>> clock = ManualClock()
    >>> queue, function = Queue("orders", clock=clock), Function(lambda event, context: 1 / 0, name="f", clock=clock)
    >>> mapping = function.add_event_source(queue)
    >>> sent = queue.send_message("2 x tea")
    >>> [failure] = function.failures
    >>> failure.error
    ZeroDivisionError('division by zero')
    """

    at_us: int
    """When, in microseconds since the epoch."""
    request_id: str
    """The call's id, as the handler saw it in its context."""
    error: Exception
    """What it raised, with its traceback."""
    event: Any
    """What it was called with, as the handler left it."""

    @property
    def at(self) -> datetime:
        """
        When, as an aware `datetime` in UTC.
        """
        return to_datetime(self.at_us)

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict; the error as text.

        >>> Failure(1_704_067_200_000_000, "0f8c…", ValueError("no tea"), {"Records": []}).to_dict()["error"]
        "ValueError('no tea')"
        """
        return {**self._asdict(), "error": shown_error(self.error)}


class FunctionStats(NamedTuple):
    """
    What went through a function.

    >>> from postroom import Function, ManualClock
    >>> Function(print, name="f", clock=ManualClock()).stats()
    FunctionStats(running=0, invocations=0, succeeded=0, failed=0, messages=0, queued=0, retrying=0, dead_lettered=0, dropped=0)
    """

    running: int
    """Calls under way."""
    invocations: int
    """Calls begun (Invocations)."""
    succeeded: int
    """Calls that returned."""
    failed: int
    """Calls that raised (Errors)."""
    messages: int
    """Messages, records and events in the calls that returned."""
    queued: int = 0
    """Asynchronous invocations that wait for their turn."""
    retrying: int = 0
    """Asynchronous invocations that wait for a retry."""
    dead_lettered: int = 0
    """Asynchronous invocations, and records of a stream, that were given up and are told of in another queue."""
    dropped: int = 0
    """Asynchronous invocations, and records of a stream, that were given up and are gone."""

    def to_dict(self) -> dict[str, int]:
        """
        As a plain dict.

        >>> from postroom import Function, ManualClock
        >>> Function(print, name="f", clock=ManualClock()).stats().to_dict()["failed"]
        0
        """
        return self._asdict()


def shown_error(error: Exception) -> str:
    """
    An error as text. This runs its class's own code, which may be wrong: never under a lock.
    """
    try:
        return repr(error)
    except Exception as another:
        return f"<{type(error).__name__}, whose repr raises {type(another).__name__}>"


def plain_error(error: Exception) -> str:
    """
    What an error says, or its type. This runs its class's own code, which may be wrong: never under a lock.
    """
    try:
        return str(error) or type(error).__name__
    except Exception:
        return type(error).__name__


def check_result(result: object) -> object:
    """
    What a handler returned, unless its work would still have to be done, by nobody.
    """
    if inspect.iscoroutine(result) or inspect.isgenerator(result):
        result.close()
    elif not (inspect.isawaitable(result) or inspect.isasyncgen(result)):
        return result
    raise NotSupported(
        f"The handler returned a {type(result).__name__}: its work is still to be done, and nobody would do it.",
        help="Return when the work is done; await function.aio.poll(queue) for an async def.",
    )


def refuse_other_arguments(handler: Callable[..., object]) -> None:
    """
    Refuses a handler that cannot be called with an event and a context: each call would fail, and nobody would see.

    Raises:
        InvalidInput: Its signature is known and takes something else.
    """
    try:
        signature = inspect.signature(handler)
    except (TypeError, ValueError):
        return  # written in C: what it takes, only a call will show
    try:
        signature.bind(None, None)
    except TypeError as error:
        raise InvalidInput(
            f"handler={handler!r} cannot be called with an event and a context: {error}.",
            help="Write def handler(event, context), as for Lambda.",
        ) from None
