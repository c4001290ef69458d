"""
Looking at a queue without touching it: what a receive would return, figures, and where a message is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from postroom.errors import InvalidInput, PostroomError
from postroom.limits import SECOND_US
from postroom.queue import _checks as checks
from postroom.queue._face import C
from postroom.queue._message import Message
from postroom.queue._settings import Settings
from postroom.queue._stats import QueueStats, explain

T = TypeVar("T")


def age(start: int | None, now: int) -> float:
    """
    Seconds since an instant; 0 if there is none.
    """
    return 0.0 if start is None else (now - start) / SECOND_US


class Looking(Settings[C]):
    """
    Not for users: see `Queue`.
    """

    def __repr__(self) -> str:
        core = self._core
        # What fell due meanwhile counts, unless somebody is at work here: a repr must never wait.
        if self._lock.acquire(blocking=False):
            try:
                core.settle(self._clock.now_us())
            finally:
                self._lock.release()
        state = "closed" if self._closed else f"{core.available} available"
        return f"<{type(self).__name__} {self._name}: {state}, {core.in_flight} in flight, {len(core.delayed)} delayed>"

    def __len__(self) -> int:
        """
        All messages it holds: available, in flight and delayed.
        """
        with self._lock:
            self._core.settle(self._clock.now_us())
            return len(self._core)

    def __bool__(self) -> bool:
        return True

    def peek(self, max_messages: int = 10) -> list[Message]:
        """
        The messages that a receive would return now, in order, left untouched; they have no receipt handle.

        >>> from postroom import ManualClock, Queue
        >>> queue = Queue("orders", clock=ManualClock())
        >>> sent = queue.send_message("2 x tea")
        >>> [message.body for message in queue.peek()], queue.stats().received
        (['2 x tea'], 0)

        Args:
            max_messages: 1 or more. Looking costs in proportion to what the queue holds.
        """
        try:
            checks.check_peek(max_messages)
        except PostroomError as error:
            self._sign(error, "peek")
            raise
        return self._look(lambda _: self._upcoming(max_messages))

    def _upcoming(self, most: int) -> list[Message]:
        self._refuse_closed("peek")
        return [
            Message(entry.stored, "", entry.receive_count, entry.first_received_at or 0)
            for entry in self._core.next_up(most)
        ]

    def _look(self, read: Callable[[int], T]) -> T:
        """
        What something reads under the lock, once all that is due by now has come about.
        """
        with self._lock:
            now = self._clock.now_us()
            self._core.settle(now)
            found = read(now)
            seen = self._after(now)
        if seen:
            self._tell(seen)
        return found

    def stats(self) -> QueueStats:
        """
        What the queue holds and what went through it, at this instant.

        >>> from postroom import ManualClock, Queue
        >>> queue = Queue("orders", clock=ManualClock())
        >>> sent = queue.send_message("2 x tea", delay=5)
        >>> queue.stats().delayed, queue.stats().available
        (1, 0)
        """
        return self._look(self._stats)

    def _stats(self, now: int) -> QueueStats:
        core = self._core
        oldest = core.oldest_sent_at()
        return QueueStats(
            available=core.available,
            in_flight=core.in_flight,
            delayed=len(core.delayed),
            oldest_age=None if oldest is None else age(oldest, now),
            **core.counts,
        )

    def metrics(self) -> dict[str, float]:
        """
        Figures under the names that CloudWatch has for them (SQS 8.6): sums since the queue was made, and what holds now.

        CloudWatch has points of one minute; whoever wants such takes the difference of two calls a minute apart. Ages are in
        seconds, 0 where there is no message. Of a standard queue, messages that were received three times and more have no age,
        and that of a dead letter begins when it comes.

        >>> from postroom import ManualClock, Queue
        >>> clock = ManualClock()
        >>> queue = Queue("orders", clock=clock)
        >>> sent = queue.send_message("2 x tea")
        >>> clock.advance(90)
        >>> found = queue.metrics()
        >>> found["NumberOfMessagesSent"], found["ApproximateAgeOfOldestMessage"]
        (1, 90.0)
        """
        return self._look(self._metrics)

    def _metrics(self, now: int) -> dict[str, float]:
        core, counts = self._core, self._core.counts
        return {
            "NumberOfMessagesSent": counts["sent"],
            "NumberOfMessagesReceived": counts["received"],
            "NumberOfEmptyReceives": counts["empty_receives"],
            "NumberOfMessagesDeleted": counts["deleted"],
            "ApproximateNumberOfMessagesVisible": core.available,
            "ApproximateNumberOfMessagesNotVisible": core.in_flight,
            "ApproximateNumberOfMessagesDelayed": len(core.delayed),
            **self._metrics_of_kind(now),
        }

    def _metrics_of_kind(self, now: int) -> dict[str, float]:
        """
        Under the lock: those that differ by kind of queue.
        """
        raise NotImplementedError

    def explain(self, message_id: str) -> str:
        """
        Says where a message is and why, in a sentence.

        The last 1,000 messages that left the queue are remembered. Costs in proportion to what the queue holds.

        >>> from postroom import ManualClock, Queue
        >>> clock = ManualClock()
        >>> queue = Queue("orders", clock=clock)
        >>> sent = queue.send_message("2 x tea")
        >>> [message] = queue.receive_messages()
        >>> clock.advance(12)
        >>> queue.explain(sent.message_id)
        'in flight: received 12.0 s ago by receipt …1xAhIAAA, visible again in 18.0 s'

        Args:
            message_id: As `send_message` returned it.
        """
        if not isinstance(message_id, str):
            raise InvalidInput(
                f"message_id is of type {type(message_id).__name__}.",
                help="Give the str in sent.message_id.",
                operation="explain",
                resource=self._name,
            )
        found = self._look(lambda now: explain(self._core, message_id, now, self._handles))
        return found or f"unknown: the queue {self._name} does not hold it, and it is not among the last that left"
