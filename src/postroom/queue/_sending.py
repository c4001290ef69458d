"""
Sending, as far as it is the same in queues of both kinds: one message or a batch, once what is to be sent was checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from postroom.delivery import BatchOutcome, prepare
from postroom.errors import PostroomError
from postroom.observe import causes, with_causes
from postroom.queue import _checks as checks
from postroom.queue._consuming import Consuming
from postroom.queue._face import C
from postroom.queue._message import SentMessage

if TYPE_CHECKING:
    from postroom.queue._batch import SendEntry
    from postroom.queue._entry import Stored
    from postroom.queue._throttle import Throttle


class Checked(Protocol):
    """
    What is to be sent beside a body, found to be acceptable; each kind of queue has its own.
    """

    @property
    def size(self) -> int:
        """
        Bytes of body and attributes.
        """
        ...


class Sending(Consuming[C]):
    """
    Not for users: see `Queue`.
    """

    _throttle: Throttle | None = None
    """Counts calls, where a queue does."""

    def _check_send(self, entry: SendEntry, *, in_batch: bool) -> Any:
        """
        What is to be sent, as this kind of queue has it.
        """
        raise NotImplementedError

    def _send(self, now: int, body: str, checked: Any) -> Stored:
        """
        Under the lock: stores one message.
        """
        raise NotImplementedError

    def _count_send(self, now: int, messages: Sequence[Any]) -> None:
        """
        Under the lock: a call sends these; a queue that counts calls may refuse it.
        """

    def _send_one(self, body: str, checked: Checked) -> SentMessage:
        try:
            with self._lock:
                if self._closed:
                    self._refuse_closed("send_message")
                now = self._clock.now_us()
                if self._throttle is not None:
                    self._count_send(now, (checked,))
                sent = self._send(now, body, checked)
                seen = self._after(now)
        except BaseException:
            self._rebalance()
            raise
        self._clock.note_progress()
        if seen:
            self._tell(with_causes(seen, causes()))
        if self._clock.has_due:
            self._clock.run_due()
        return SentMessage(sent)

    def _send_several(self, numbered: list[tuple[str, SendEntry]]) -> BatchOutcome[SentMessage]:
        operation = "send_message_batch"
        prepared: list[Any] = prepare(numbered, lambda entry: self._check_send(entry, in_batch=True))
        total = sum(
            checks.size_of(entry.body, entry.attributes, limits=self._limits)
            if isinstance(checked, PostroomError)
            else checked.size
            for (_, entry), checked in zip(numbered, prepared, strict=True)
        )
        if total > self._limits.batch_size:
            raise checks.refuse_total(total, operation, self._name, limits=self._limits)

        def send(now: int) -> list[Stored | PostroomError]:
            if self._throttle is not None:
                self._count_send(now, [checked for checked in prepared if not isinstance(checked, PostroomError)])
            return [
                checked if isinstance(checked, PostroomError) else self._send(now, entry.body, checked)
                for (_, entry), checked in zip(numbered, prepared, strict=True)
            ]

        return self._carry_out([id_ for id_, _ in numbered], send, operation, SentMessage)
