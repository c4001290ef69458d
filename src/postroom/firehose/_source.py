"""
What a delivery stream reads of the stream that is its source (DEL A1).

Nobody polls on a period: the reader of a shard tells when there is something, what is there goes into the buffer, and the
reader is asked again. It moves past records when they are in the buffer, and not before: a turn that is cut short, by
Ctrl-C say, takes them once more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from postroom.errors import InvalidInput, ResourceClosed
from postroom.limits import DELIVERY_BATCH_RECORDS_MAX

if TYPE_CHECKING:
    from postroom.clock import Clock, Registration
    from postroom.stream import Record, ShardReader


class Feed:
    """
    Takes what comes into one shard over into a delivery stream, in order.

    Args:
        reader: Of the shard.
        take: Takes the data of records over, with when each arrived in the stream and its id there.
        source: The name of the stream.
    """

    def __init__(
        self, reader: ShardReader, take: Callable[[list[bytes], list[tuple[int, str]]], object], source: str
    ) -> None:
        self._reader = reader
        self._take = take
        self._source = source
        self._registration: Registration | None = None
        self._stopped = False

    def ask(self) -> None:
        """
        Asks the reader to tell when there is something.
        """
        if self._stopped:
            return
        try:
            registration = self._reader.when_ready(self._work)
        except ResourceClosed:
            self.stop()
        else:
            # What it waited for may have been there, and this asked again meanwhile.
            if self._registration is None or not self._registration.active:
                self._registration = registration
        if self._stopped:
            self.stop()  # in between: then nobody else knew of the registration

    def _work(self) -> None:
        try:
            records: list[Record] = [] if self._stopped else self._reader.peek(DELIVERY_BATCH_RECORDS_MAX)
            if records:
                self._take(
                    [record.data for record in records],
                    [(record.arrived_at_us, f"{self._source}:{record.sequence_number}") for record in records],
                )
                self._reader.move_past(records[-1])
        except ResourceClosed:
            self.stop()  # one of the two was closed; what was not taken stays in the stream
        finally:
            self.ask()

    def stop(self) -> None:
        """
        Reads no more.
        """
        self._stopped = True
        if self._registration is not None:
            self._registration.cancel()

    @property
    def asks(self) -> bool:
        """
        Whether it waits to be told, or reads no more.
        """
        return self._stopped or (self._registration is not None and self._registration.active)


def check_source(source: Any, clock: Clock) -> None:
    """
    Refuses what cannot be a source.

    Raises:
        InvalidInput: It is no stream, or on another clock.
    """
    if not callable(getattr(source, "reader", None)) or not hasattr(source, "shards"):
        raise InvalidInput(f"source={source!r} is no stream.", help="Give a Stream.")
    if source.clock is not clock:
        raise InvalidInput(
            f"The {source} and the delivery stream live by different clocks.",
            help="Give both the same clock=…; without one they have the shared SystemClock.",
        )
