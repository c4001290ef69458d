"""
The frame of every driver: name, home, lock, clock, observers, outbox, and closing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Self

from postroom.delivery._outbox import Outbox
from postroom.errors import PostroomError, ResourceClosed
from postroom.observe import Observation, Observer, tell

if TYPE_CHECKING:
    from postroom.clock import Clock, Due
    from postroom.observe import Home, Kind, Wire


class Resource:
    """
    Not for users: what a queue, a topic, a bus, a stream and a function have in common.
    """

    kind = "resource"

    def __init__(self, name: str, arn: str, home: Home) -> None:
        self._name = name
        self._arn = arn
        self._home = home
        self._clock = home.clock
        self._lock = threading.Lock()
        self._closed = False
        self._observers: tuple[Observer, ...] = ()
        self._outbox = Outbox()

    @property
    def name(self) -> str:
        """
        The name it was made with.
        """
        return self._name

    @property
    def arn(self) -> str:
        """
        Its Amazon Resource Name.
        """
        return self._arn

    @property
    def clock(self) -> Clock:
        """
        The clock it lives by.
        """
        return self._clock

    @property
    def closed(self) -> bool:
        """
        Whether it was closed.
        """
        return self._closed

    def __str__(self) -> str:
        return f"{self.kind} {self._name}"

    # Observers.

    def observe(self, observer: Observer) -> None:
        """
        Has the observer told of everything that happens to a message here, from now on.

        It is called after the operation, without any lock, on the thread that caused or noticed what happened. What it
        raises is logged and fails nothing. One that is told already is not told twice.

        >>> from postroom import ManualClock, Queue
        >>> queue = Queue("orders", clock=ManualClock())
        >>> queue.observe(lambda seen: print(seen.kind))
        >>> sent = queue.send_message("2 x tea")
        sent
        """
        with self._lock:
            if observer not in self._observers:
                self._observers = (*self._observers, observer)
                self._listen()

    def unobserve(self, observer: Observer) -> None:
        """
        Tells the observer no more; one that was never told is ignored.

        >>> from postroom import ManualClock, Queue
        >>> queue = Queue("orders", clock=ManualClock())
        >>> queue.observe(print)
        >>> queue.unobserve(print)
        >>> sent = queue.send_message("2 x tea")
        """
        with self._lock:
            self._observers = tuple(one for one in self._observers if one != observer)
            self._listen()

    def _listen(self) -> None:
        """
        Under the lock: observers came or went.
        """

    def _seen(self, at_us: int, kind: Kind, message_id: str, **details: Any) -> Observation:
        """
        An observation with its number; under the lock.
        """
        return Observation(self._clock.next_sequence(), at_us, kind, str(self), message_id, details)

    def _tell(self, observations: list[Observation]) -> None:
        tell(self._observers, observations)

    def wires(self) -> list[Wire]:
        """
        Its part of the region's topology: where what it holds goes, and what feeds it that cannot say so itself.
        """
        return []

    def _next_hand_over(self) -> Callable[[], object] | None:
        """
        What the outbox has to carry out next; takes the lock.
        """
        return None

    # Closing.

    def close(self) -> None:
        """
        Closes it for good: every waiter is woken with `ResourceClosed`, and so is every later call.

        Closing twice does nothing. Use it with ``with``.
        """
        with self._lock:
            self._closed = True
            self._wake_all()  # again, too: Ctrl-C may have come in between

    def _wake_all(self) -> None:
        """
        Under the lock: it was closed.
        """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _refuse_closed(self, operation: str) -> None:
        if self._closed:
            raise ResourceClosed(
                f"The {self} is closed.", help="It takes no more calls.", operation=operation, resource=self._name
            )

    def _sign(self, error: PostroomError, operation: str) -> None:
        """
        Notes in an error where it arose, unless it says so itself.
        """
        error.operation = error.operation or operation
        error.resource = error.resource or self._name

    # As a source of its clock.

    def next_wakeup(self, now: int) -> int | None:  # noqa: ARG002 - those who have deadlines look at it
        """
        When something falls due here next, in microseconds since the epoch; None if nothing ever does.
        """
        return None

    def pending(self, now: int) -> Iterable[Due]:  # noqa: ARG002 - likewise
        """
        What falls due here, for people: a line per kind, not per message.
        """
        return ()

    def before_fork(self) -> None:
        """
        For the clock: takes the lock, so that a fork copies no half-made change.
        """
        self._lock.acquire()

    def after_fork(self, *, in_child: bool) -> None:
        """
        For the clock: gives the lock back.
        """
        if in_child:
            self._outbox.after_fork_in_child()
            self._forget_other_threads()
        self._lock.release()

    def _forget_other_threads(self) -> None:
        """
        Under the lock, in the child of a fork: threads that waited were not copied.
        """
