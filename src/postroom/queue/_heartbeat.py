"""
Keeping a message hidden while somebody works on it.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Protocol, Self

from postroom.clock import to_us
from postroom.errors import InvalidInput, PostroomError

if TYPE_CHECKING:
    from postroom.clock import Clock, Duration, Timer

_logger = logging.getLogger("postroom")


class Keeper(Protocol):
    """
    The queue a message came from, as far as the message needs it.
    """

    @property
    def name(self) -> str:
        """
        Its name.
        """
        ...

    @property
    def clock(self) -> Clock:
        """
        The clock it lives by.
        """
        ...

    def delete_message(self, receipt_handle: str) -> None:
        """
        Removes a received message for good.
        """
        ...

    def change_message_visibility(self, receipt_handle: str, timeout: Duration) -> None:
        """
        Hides a received message until so many seconds from now.
        """
        ...


class Heartbeat:
    """
    Not for users: what `Message.extending` returns.

    Args:
        queue: Where the message is.
        receipt_handle: Of the receive.
        every: Seconds between two extensions.
        timeout: Seconds for which each of them hides it.

    Raises:
        InvalidInput: `every` is not above 0, or not below the timeout.
    """

    __slots__ = ("_every_us", "_handle", "_is_over", "_lock", "_queue", "_timeout", "_timer")

    def __init__(self, queue: Keeper, receipt_handle: str, every: Duration, timeout: Duration) -> None:
        self._every_us = check_heartbeat(every, timeout)
        self._queue = queue
        self._handle = receipt_handle
        self._timeout = timeout
        self._lock = threading.Lock()
        self._is_over = True
        self._timer: Timer | None = None

    def __enter__(self) -> Self:
        self._is_over = False
        self._extend()
        return self

    def __exit__(self, *exc_info: object) -> None:
        with self._lock:
            self._is_over = True
            timer = self._timer
        if timer is not None:
            timer.cancel()

    def _beat(self) -> None:
        with self._lock:
            if self._is_over:
                return
        try:
            self._extend()
        except PostroomError as error:
            # Nobody is there to be told: the handler finds out when it deletes the message, if that matters.
            with self._lock:
                if self._is_over:
                    return
                self._is_over = True
            _logger.warning("A message of the queue %s is extended no more: %s", self._queue.name, error)

    def _extend(self) -> None:
        self._queue.change_message_visibility(self._handle, self._timeout)
        with self._lock:
            if not self._is_over:
                clock = self._queue.clock
                self._timer = clock.call_at(clock.now_us() + self._every_us, self._beat)


def check_heartbeat(every: Duration, timeout: Duration) -> int:
    """
    How often a visibility timeout is set anew, in microseconds.

    Raises:
        InvalidInput: It is not above 0, or not below the timeout.
    """
    every_us = to_us(every, "heartbeat")
    if not 0 < every_us < to_us(timeout, "timeout"):
        raise InvalidInput(
            f"A heartbeat every {every!r} s for a visibility timeout of {timeout!r} s.",
            help="Give a span above 0, and one that is over before the timeout is: a third of it, say.",
        )
    return every_us
