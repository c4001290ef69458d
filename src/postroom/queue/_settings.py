"""
The attributes of a queue: looking at them, and changing them while messages are there (SQS 1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import EllipsisType
from typing import TYPE_CHECKING, Any

from postroom.errors import InvalidParameterValue, PostroomError, PurgeQueueInProgress
from postroom.limits import SECOND_US
from postroom.queue import _checks as checks
from postroom.queue._configuration import check_attribute, checked_redrive
from postroom.queue._face import C
from postroom.queue._redrive import DeadLetterSide

if TYPE_CHECKING:
    from postroom.clock import Duration
    from postroom.observe import Destination, Observation
    from postroom.queue._attribute_checks import RedrivePermission


class Settings(DeadLetterSide[C]):
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

    def set_attributes(
        self,
        *,
        visibility_timeout: Duration | None = None,
        delay: Duration | None = None,
        retention: Duration | None = None,
        receive_message_wait_time: Duration | None = None,
        maximum_message_size: int | None = None,
        dead_letter_queue: Destination | EllipsisType | None = ...,
        max_receive_count: int | None = None,
        redrive_permission: RedrivePermission | None = None,
        redrive_source_queues: Iterable[Destination | str] | None = None,
    ) -> None:
        """
        Changes attributes while messages are there: all that are given, or, if one is not acceptable, none (SQS 1).

        A new visibility timeout holds for the receives that follow, a new delay for the sends that follow, and a new
        retention also for what is in the queue: what is then too old is gone at once. A receive that waits is not called back.

        >>> from postroom import ManualClock, Queue
        >>> clock = ManualClock()
        >>> queue = Queue("orders", clock=clock)
        >>> sent = queue.send_message("2 x tea")
        >>> clock.advance(3_600)
        >>> queue.set_attributes(retention=3_600, visibility_timeout=60)
        >>> len(queue), queue.visibility_timeout
        (0, 60.0)

        Args:
            visibility_timeout: As when the queue was made, and so are the others; None leaves an attribute as it is.
            delay: Seconds a new message stays hidden.
            retention: Seconds after which a message vanishes.
            receive_message_wait_time: Seconds a receive waits that does not say.
            maximum_message_size: Bytes of body and attributes.
            dead_letter_queue: Where messages go that were received too often; None takes the setting away. It may be the
                queue itself.
            max_receive_count: How often; given with a dead-letter queue, or alone if there is one already.
            redrive_permission: ``allowAll``, ``denyAll`` or ``byQueue``: whose dead letters this queue takes.
            redrive_source_queues: With ``byQueue``, one to ten queues or ARNs.

        Raises:
            InvalidAttributeValue: A value is out of its range.
            InvalidParameterValue: The dead-letter setting is not acceptable, or who may use this queue.
            InvalidInput: An argument is of a wrong type.
            ResourceClosed: The queue is closed.
        """
        given = {
            "visibility_timeout": visibility_timeout,
            "delay": delay,
            "retention": retention,
            "receive_message_wait_time": receive_message_wait_time,
            "maximum_message_size": maximum_message_size,
        }
        self._set_attributes(
            {name: value for name, value in given.items() if value is not None},
            dead_letter_queue,
            max_receive_count,
            redrive_permission,
            redrive_source_queues,
        )

    def _set_attributes(
        self,
        given: Mapping[str, Any],
        dead_letter_queue: Destination | EllipsisType | None,
        max_receive_count: int | None,
        redrive_permission: RedrivePermission | None,
        redrive_source_queues: Iterable[Destination | str] | None,
    ) -> None:
        try:
            values = {name: self._check_attribute(name, value) for name, value in given.items()}
            target, count = self._check_new_redrive(dead_letter_queue, max_receive_count)
            allow = None
            if redrive_permission is not None or redrive_source_queues is not None:
                allow = checks.check_redrive_allow(
                    self.redrive_permission if redrive_permission is None else redrive_permission,
                    redrive_source_queues,
                    limits=self._limits,
                )
        except PostroomError as error:
            self._sign(error, "set_attributes")
            raise
        with self._lock:
            self._refuse_closed("set_attributes")
            now = self._clock.now_us()
            self._core.settle(now)
            for name, value in values.items():
                self._apply(now, name, value)
            before = self._dead_letter_queue
            self._dead_letter_queue, self._core.max_receive_count = target, count
            if allow is not None:
                self._redrive_allow = allow
            seen = self._after(now)
        self._note_targets(before, target)
        self._changed(seen)

    def _changed(self, seen: list[Observation] | None) -> None:
        self._clock.note_progress()
        if seen:
            self._tell(seen)
        if self._clock.has_due:
            self._clock.run_due()

    def _check_attribute(self, name: str, value: Any) -> Any:
        return check_attribute(name, value, self._limits)

    def _apply(self, now: int, name: str, value: Any) -> None:
        """
        Under the lock: sets what was found to be acceptable.
        """
        core = self._core
        if name == "visibility_timeout":
            core.visibility_timeout = value
        elif name == "delay":
            core.set_delay(now, value)
        elif name == "retention":
            core.set_retention(now, value)
        elif name == "receive_message_wait_time":
            self._wait_us = value
        else:
            self._max_size = value

    def _check_new_redrive(
        self, dead_letter_queue: Destination | EllipsisType | None, max_receive_count: int | None
    ) -> tuple[Destination | None, int | None]:
        if dead_letter_queue is ... and max_receive_count is None:
            return self._dead_letter_queue, self._core.max_receive_count
        target = self._dead_letter_queue if dead_letter_queue is ... else dead_letter_queue
        if target is None and dead_letter_queue is not ...:
            if max_receive_count is not None:
                raise InvalidParameterValue(
                    f"max_receive_count={max_receive_count!r} without a dead-letter queue.",
                    help="dead_letter_queue=None takes the setting away: leave max_receive_count out.",
                )
            return None, None
        count = self._core.max_receive_count if max_receive_count is None else max_receive_count
        return target, checked_redrive(target, count, self.kind, self._home, self._name, self._limits)

    def _note_targets(self, before: Destination | None, after: Destination | None) -> None:
        """
        Without the lock: dead-letter queues know whose they are.
        """
        if before is not after:
            if isinstance(before, DeadLetterSide):
                before._forget_source(self)
            if isinstance(after, DeadLetterSide):
                after._note_source(self)

    def purge(self) -> None:
        """
        Removes all messages: available, delayed and in flight (SQS 8.1). A FIFO queue forgets its deduplication ids.

        >>> from postroom import ManualClock, Queue
        >>> queue = Queue("orders", clock=ManualClock())
        >>> sent = queue.send_message("2 x tea")
        >>> queue.purge()
        >>> len(queue), queue.explain(sent.message_id)
        (0, 'purged 0.0 s ago: received never')

        Raises:
            PurgeQueueInProgress: The last purge was less than 60 seconds ago.
            ResourceClosed: The queue is closed.
        """
        with self._lock:
            self._refuse_closed("purge")
            now = self._clock.now_us()
            if self._purged_at is not None and now - self._purged_at < self._limits._purge_pause_us:
                left = (self._purged_at + self._limits._purge_pause_us - now) / SECOND_US
                raise PurgeQueueInProgress(
                    f"Only one PurgeQueue operation on {self._name} is allowed every {self._limits.purge_pause:g} seconds.",
                    help=f"The next may be in {left:.1f} s.",
                    operation="purge",
                    resource=self._name,
                )
            self._core.purge(now)
            self._purged_at = now
            seen = self._after(now)
        self._changed(seen)

    # Tags.

    @property
    def tags(self) -> dict[str, str]:
        """
        What it is tagged with: a copy.
        """
        with self._lock:
            return dict(self._tags)

    def tag(self, tags: Mapping[str, str]) -> None:
        """
        Adds tags, in place of those that have the same keys (SQS 8.4).

        >>> from postroom import ManualClock, Queue
        >>> queue = Queue("orders", clock=ManualClock(), tags={"team": "tea"})
        >>> queue.tag({"stage": "test"})
        >>> queue.untag(["team"])
        >>> queue.tags
        {'stage': 'test'}

        Raises:
            InvalidParameterValue: A key or a value is not acceptable, or they are more than 50.
            InvalidInput: They are no mapping of `str` to `str`.
            ResourceClosed: The queue is closed.
        """
        with self._lock:
            self._refuse_closed("tag")
            try:
                self._tags = checks.check_tags(
                    {**self._tags, **checks.check_tags(tags, limits=self._limits)},
                    queue=self._name,
                    limits=self._limits,
                )
            except PostroomError as error:
                self._sign(error, "tag")
                raise

    def untag(self, keys: Iterable[str]) -> None:
        """
        Takes tags away; a key that is not there is ignored.

        Args:
            keys: Of the tags; see `tag`.

        Raises:
            InvalidInput: They are no keys.
            ResourceClosed: The queue is closed.
        """
        gone = checks.check_tag_keys(keys)
        with self._lock:
            self._refuse_closed("untag")
            self._tags = {key: value for key, value in self._tags.items() if key not in gone}
