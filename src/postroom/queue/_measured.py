"""
What CloudWatch shows of a standard queue besides what it holds: ages, and noisy tenants (SQS 8.6).
"""

from __future__ import annotations

from postroom.limits import DEMOTE_AFTER_RECEIVES
from postroom.queue._fair import Quiet
from postroom.queue._timed import TimedCore


class MeasuredCore(TimedCore):
    """
    The messages of a standard queue, and figures of them.

    Args:
        visibility_timeout: Microseconds.
        retention: Microseconds.
        max_receive_count: Deliveries before a message is handed to the dead-letter queue; None for never.
    """

    __slots__ = ("_arrived", "_first_young")

    def __init__(self, visibility_timeout: int, retention: int, max_receive_count: int | None) -> None:
        super().__init__(visibility_timeout, retention, max_receive_count)
        self._arrived: dict[int, int] = {}
        """When dead letters came; what is gone may be in it."""
        self._first_young = 1
        """No message with a lower number was received fewer than three times."""

    def oldest_age_start(self) -> int | None:
        """
        From when CloudWatch counts the age of the oldest message: its arrival in this queue. O(1), amortised.

        Messages received three times and more are skipped: they are as old as they are because they fail (SQS 8.6).
        """
        # A message that is gone or was received three times never counts again, so none is looked at twice.
        number = self._first_young
        if self._ages and not self._old_ages:
            self.oldest_sent_at()
            number = max(number, self._ages[0][1]) if self._ages else number
        while number <= self._counter and not self._is_young(number):
            number += 1
        self._first_young = number
        return self._arrival(number) if number <= self._counter else None

    def _is_young(self, number: int) -> bool:
        entry = self._entries.get(number)
        return entry is not None and entry.receives < DEMOTE_AFTER_RECEIVES

    def _arrival(self, number: int) -> int:
        return self._arrived.get(number, self._entries[number].stored.sent_at)

    def _note_arrival(self, now: int, number: int) -> None:
        if len(self._arrived) > 2 * len(self._entries) + self._floor:
            self._arrived = {one: at for one, at in self._arrived.items() if one in self._entries}
        self._arrived[number] = now

    @property
    def noisy_groups(self) -> int:
        """
        Tenants that have to wait for the others (ApproximateNumberOfNoisyGroups).
        """
        return 0 if self._fair is None else len(self._fair.noisy)

    @property
    def quiet(self) -> Quiet:
        """
        The messages that are not those of noisy tenants, by state. O(n) in messages of noisy tenants.
        """
        if self._fair is None:
            return Quiet(self.available, self.in_flight, len(self.delayed))
        return self._fair.quiet(self.available, self.in_flight, len(self.delayed))

    def oldest_quiet_age_start(self) -> int | None:
        """
        As `oldest_age_start`, of the messages that are not those of noisy tenants. O(n) while there is one.
        """
        fair, first = self._fair, self.oldest_age_start()
        if fair is None or not fair.noisy or first is None:
            return first
        found = (one.number for one in self._entries.values() if not fair.is_noisy(one) and self._is_young(one.number))
        number = next(found, None)
        return None if number is None else self._arrival(number)
