"""
What drivers need of a core, of either kind.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from postroom.queue._entry import Entry, Fate
    from postroom.queue._store import Happening


class Core(Protocol):
    """
    The state of a queue, at an instant that every call names: `StandardCore`, `FifoCore`.
    """

    visibility_timeout: int
    delay: int
    max_receive_count: int | None
    in_flight_max: int
    reserved: list[Entry]
    log: list[Happening] | None

    @property
    def counts(self) -> Mapping[str, int]:
        """
        What went through, by kind, as `QueueStats` names it.
        """
        ...

    @property
    def retention(self) -> int:
        """
        Microseconds after which a message expires.
        """
        ...

    @property
    def moving(self) -> Mapping[int, Entry]:
        """
        Messages on their way to the dead-letter queue, by number, in order.
        """
        ...

    @property
    def delayed(self) -> Collection[int]:
        """
        Numbers of the messages whose delay is not over.
        """
        ...

    @property
    def available(self) -> int:
        """
        Messages neither delayed nor in flight.
        """
        ...

    @property
    def in_flight(self) -> int:
        """
        Messages received and neither deleted nor visible again.
        """
        ...

    @property
    def newest(self) -> int:
        """
        No message has a larger number.
        """
        ...

    @property
    def fates(self) -> list[Fate]:
        """
        What became of the messages that left last, oldest first.
        """
        ...

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Entry]: ...
    def settle(self, now: int) -> None:
        """
        Brings about what fell due up to `now`.
        """
        ...

    def ready(self, now: int) -> tuple[int, int | None]:
        """
        How many messages a waiter could get, and when the next may become available.
        """
        ...

    def receive(self, now: int, *, max_messages: int, visibility_timeout: int) -> list[Entry]:
        """
        Takes messages and hides them.
        """
        ...

    def delete(self, now: int, number: int) -> bool:
        """
        Removes a message; False if it is not there.
        """
        ...

    def change_visibility(self, now: int, number: int, timeout: int) -> bool:
        """
        Hides a received message until ``now + timeout``; False if that cannot be.
        """
        ...

    def confirm_move(self, now: int, number: int) -> None:
        """
        The dead-letter queue has taken it.
        """
        ...

    def take_back(self, now: int, number: int) -> None:
        """
        The dead-letter queue refused it.
        """
        ...

    def purge(self, now: int) -> int:
        """
        Removes all messages; how many.
        """
        ...

    def set_delay(self, now: int, delay: int) -> None:
        """
        Changes the delay of the queue.
        """
        ...

    def set_retention(self, now: int, retention: int) -> None:
        """
        Changes the retention of the queue, also for what is in it.
        """
        ...

    def next_up(self, most: int) -> list[Entry]:
        """
        What a receive would return, in order.
        """
        ...

    def find(self, number: int) -> Entry | None:
        """
        The message of that number; None if it is not there.
        """
        ...

    def hidden_until(self, entry: Entry) -> int | None:
        """
        When a hidden message becomes visible; None if it is not hidden, or moving.
        """
        ...

    def oldest_sent_at(self) -> int | None:
        """
        When the oldest message was sent.
        """
        ...

    def next_wakeup(self, now: int) -> int | None:
        """
        When something falls due next; None if nothing does.
        """
        ...

    def pending(self, now: int) -> list[tuple[int, str]]:
        """
        What falls due next, a line per kind, for people.
        """
        ...


C = TypeVar("C", bound=Core)
