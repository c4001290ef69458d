"""
What a received message asks of its queue, and the heartbeat that keeps it hidden while somebody works on it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol, Self

from postroom.clock import show_span, to_us
from postroom.errors import InvalidInput, ResourceClosed

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

    @property
    def closed(self) -> bool:
        """
        Whether it was closed.
        """
        ...

    @property
    def visibility_timeout(self) -> float:
        """
        Seconds a received message stays hidden.
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

    def _give_back(self, receipt_handles: Iterable[str]) -> list[str]: ...

    def _extend(self, receipt_handles: Iterable[str], timeout_us: int) -> tuple[list[str], dict[str, int]]: ...


class Heartbeat:
    """
    What `Message.extending` returns. It takes part in no thread of its own: the clock calls it.

    Args:
        queue: Where the messages are.
        receipt_handles: Of the receives.
        every_us: Microseconds between two beats.
        timeout_us: Microseconds for which each of them hides the messages.
    """

    # No lock, which a fork could copy shut. Whoever sets a timer looks afterwards whether it is over, and whoever ends it
    # says so before looking for the timer: one of the two cancels it.
    __slots__ = ("_every_us", "_handles", "_is_over", "_queue", "_timeout_us", "_timer")

    def __init__(self, queue: Keeper, receipt_handles: Iterable[str], every_us: int, timeout_us: int) -> None:
        self._queue = queue
        self._handles = tuple(receipt_handles)
        self._every_us = every_us
        self._timeout_us = timeout_us
        self._is_over = True
        self._timer: Timer | None = None

    @property
    def active(self) -> bool:
        """
        Whether it goes on; False before the block and after it, and when there is nothing left to extend.

        >>> from postroom import ManualClock, Queue
        >>> clock = ManualClock()
        >>> queue = Queue("orders", clock=clock)
        >>> sent = queue.send_message("2 x tea")
        >>> [message] = queue.receive_messages()
        >>> with message.extending() as heartbeat:
        ...     before = heartbeat.active
        ...     queue.delete_message(message.receipt_handle)
        ...     clock.advance(10)  # it notices at its next beat
        ...     print(before, heartbeat.active)
        True False
        """
        return not self._is_over

    def begin(self) -> None:
        """
        Beats from now on; the first time when `every` has passed.
        """
        self._is_over = False
        self._set_timer()

    def release(self, receipt_handle: str) -> None:
        """
        Keeps one of the messages hidden no longer.
        """
        self._handles = tuple(handle for handle in self._handles if handle != receipt_handle)

    def end(self) -> None:
        """
        Beats no more.
        """
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()

    def _beat(self) -> None:
        if self._is_over:
            return
        held, ended = self._queue._extend(self._handles, self._timeout_us)
        for handle, left in ended.items():
            _logger.warning(
                "postroom: a message of the queue %s is extended no more: so long is a receive good, and in %s it is available, "
                "unless it was deleted; receipt handle %s",
                self._queue.name,
                show_span(left),
                handle,
            )
        if held:
            self._set_timer()
        else:
            self._is_over = True

    def _set_timer(self) -> None:
        clock = self._queue.clock
        try:
            # An alarm: it does not block, and must not wait for a thread that users' code may have taken.
            timer = clock.alarm(clock.now_us() + self._every_us, self._beat, f"heartbeat of queue {self._queue.name}")
        except ResourceClosed:  # the clock: its time has ended
            self._is_over = True
            return
        self._timer = timer
        if self._is_over:
            timer.cancel()

    def __enter__(self) -> Self:
        [handle] = self._handles
        self._queue.change_message_visibility(handle, self._timeout_us / 1_000_000)
        self.begin()
        return self

    def __exit__(self, *exc_info: object) -> None:
        try:
            self.end()
        except BaseException:
            self.end()  # once more: Ctrl-C may have cut the first short, and it would beat on
            raise

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, *exc_info: object) -> None:
        self.__exit__(*exc_info)


def spans_of_beats(
    every: Duration | None, timeout: Duration | None, queue_timeout: Duration, name: str = "every"
) -> tuple[int, int]:
    """
    How often a heartbeat beats, and for how long each hides, in microseconds.

    >>> spans_of_beats(None, None, 30)
    (10000000, 30000000)

    Args:
        every: Seconds; None: a third of the timeout.
        timeout: Seconds; None: that of the queue.
        queue_timeout: That of the queue.
        name: Of the argument that is `every`, for the error.

    Raises:
        InvalidInput: `every` is not above 0, or not below the timeout.
    """
    timeout_us = to_us(queue_timeout if timeout is None else timeout, "timeout")
    every_us = timeout_us // 3 if every is None else to_us(every, name)
    if not 0 < every_us < timeout_us:
        raise InvalidInput(
            f"{name}={every!r} with a visibility timeout of {show_span(timeout_us)}.",
            help="Beats have to be above 0 seconds apart, and closer than the timeout, which would end between two of them: "
            "a third of it is a good choice.",
        )
    return every_us, timeout_us
