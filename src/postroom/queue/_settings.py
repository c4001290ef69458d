"""
The attributes of a queue: looking at them, and changing them while messages are there (SQS 1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroom.limits import SECOND_US
from postroom.queue._face import C
from postroom.queue._frame import QueueFrame

if TYPE_CHECKING:
    from postroom.observe import Destination


class Settings(QueueFrame[C]):
    """
    Not for users: see `Queue`.
    """

    @property
    def visibility_timeout(self) -> float:
        """
        Seconds a received message stays hidden unless the receive says otherwise.
        """
        return self._core.visibility_timeout / SECOND_US

    @property
    def delay(self) -> float:
        """
        Seconds a new message stays hidden unless the send says otherwise.
        """
        return self._core.delay / SECOND_US

    @property
    def retention(self) -> float:
        """
        Seconds after which a message vanishes, counted from its send.
        """
        return self._core.retention / SECOND_US

    @property
    def receive_message_wait_time(self) -> float:
        """
        Seconds a receive waits that gives no `wait_time`.
        """
        return self._wait_us / SECOND_US

    @property
    def maximum_message_size(self) -> int:
        """
        Bytes that body and attributes of one message may have.
        """
        return self._max_size

    @property
    def dead_letter_queue(self) -> Destination | None:
        """
        Where messages go whose deliveries are used up.
        """
        return self._dead_letter_queue

    @property
    def max_receive_count(self) -> int | None:
        """
        After how many receives a message goes to the dead-letter queue.
        """
        return self._core.max_receive_count
