"""
One call of a handler: what it is made with, and how it ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from postroom.faults import Crash
    from postroom.worker._events import Context


def no_details() -> Iterable[Mapping[str, Any]]:
    """
    Nothing more is to be told of any message.
    """
    return ()


class Batch(NamedTuple):
    """
    What a handler is called with.
    """

    ids: Sequence[str]
    """The ids of the messages in it, by which observations know them."""
    event: Callable[[], Any]
    """Makes the event, fresh for each call."""
    details: Callable[[], Iterable[Mapping[str, Any]]] = no_details
    """What observers are told of each message besides; one for each id, or none at all."""
    request_id: str | None = None
    """Of the call; None: it is drawn."""


class Call(NamedTuple):
    """
    A call that is about to be made.
    """

    context: Context
    event: Any
    crash: Crash | None
    """Whether the plan of faults has it crash."""
    latency: int
    """Microseconds that pass first, by the plan of faults."""


class Called(NamedTuple):
    """
    A call that was made.
    """

    request_id: str
    error: Exception | None
    """What the handler raised; None: it returned."""
