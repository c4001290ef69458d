"""
The calls of a FIFO queue, as drivers of its core. The rules are in `_fifo`.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple, Never

from postroom.delivery import BatchOutcome, refuse_unknown
from postroom.delivery._refusals import (
    FIFO_QUEUE_NOT_THERE,
    FIFO_SEND_NOT_THERE,
)
from postroom.errors import PostroomError
from postroom.faults import check_faults
from postroom.naming import check_queue_name
from postroom.observe import home_of
from postroom.queue import _checks as checks
from postroom.queue._batch import SendEntry
from postroom.queue._configuration import configured
from postroom.queue._entry import StoredFifo
from postroom.queue._fifo import FifoCore
from postroom.queue._fifo_receiving import FifoReceiving
from postroom.queue._frame import SENDER
from postroom.queue._looking import age
from postroom.queue._throttle import Throttle

if TYPE_CHECKING:
    from postroom.clock import Clock, Duration
    from postroom.faults import Faults
    from postroom.message import AttributeInput, AttributeValue, Parcel
    from postroom.observe import Destination, Home
    from postroom.queue._attribute_checks import RedrivePermission
    from postroom.queue._configuration import Configuration
    from postroom.queue._fifo_kinds import DeduplicationScope, ThroughputLimit
    from postroom.queue._limits import Limits
    from postroom.queue._message import SentMessage

FIFO_QUEUE_TAKES: Final = (
    "clock",
    "content_based_deduplication",
    "dead_letter_queue",
    "deduplication_scope",
    "delay",
    "faults",
    "fifo_throughput_limit",
    "home",
    "limits",
    "max_receive_count",
    "maximum_message_size",
    "receive_message_wait_time",
    "redrive_permission",
    "redrive_source_queues",
    "retention",
    "seed",
    "tags",
    "throttle",
    "visibility_timeout",
)


class _Checked(NamedTuple):
    attributes: Mapping[str, AttributeValue]
    size: int
    group: str
    deduplication_id: str
    trace_header: str | None


def _core(configuration: Configuration, *, deduplicates_by_group: bool) -> FifoCore:
    return FifoCore(
        visibility_timeout=configuration.visibility_timeout,
        delay=configuration.delay,
        retention=configuration.retention,
        max_receive_count=configuration.max_receive_count,
        deduplicates_by_group=deduplicates_by_group,
        in_flight_max=configuration.limits.in_flight,
    )


class FifoQueue(FifoReceiving):
    """
    A FIFO queue: each message group is delivered in the order sent, and what is sent twice within five minutes is taken once.

    While a message of a group is in flight, the group is locked: what was sent after it waits, whoever asks. Groups do not
    wait for one another, so order and parallel work go together: a group per customer, say.

    >>> from postroom import FifoQueue, ManualClock
    >>> clock = ManualClock()
    >>> queue = FifoQueue("orders.fifo", content_based_deduplication=True, clock=clock)
    >>> for body, table in [("tea", "table-7"), ("cake", "table-7"), ("juice", "table-8")]:
    ...     sent = queue.send_message(body, message_group_id=table)
    >>> [first] = queue.receive_messages()
    >>> [second] = queue.receive_messages()  # table-7 is locked
    >>> first.body, second.body
    ('tea', 'juice')
    >>> queue.delete_message(first.receipt_handle)
    >>> [message.body for message in queue.receive_messages()]
    ['cake']

    What was sent is not sent again, also when it is gone:

    >>> again = queue.send_message("tea", message_group_id="table-7")
    >>> again.message_id == first.message_id, len(queue)
    (True, 2)

    Args:
        name: 1 to 80 letters, digits, hyphens or underscores, the last five of which are ``.fifo``.
        clock: Where "now" comes from; the shared `SystemClock` unless given.
        visibility_timeout: Seconds a received message stays hidden, 0 to 43200.
        delay: Seconds a new message stays hidden, 0 to 900; a message cannot have one of its own.
        retention: Seconds after which a message vanishes, counted from its send, 60 to 1209600 (14 days).
        receive_message_wait_time: Seconds a receive waits that gives no `wait_time`, 0 to 20.
        maximum_message_size: Bytes of body and attributes of one message, 1024 to 1048576; None: the most.
        content_based_deduplication: Whether a message without deduplication id gets the SHA-256 of its body as one.
        deduplication_scope: ``queue``: an id is taken once, whatever the group; ``messageGroup``: once in each group.
        fifo_throughput_limit: ``perQueue`` or ``perMessageGroupId``: what `throttle` counts.
        throttle: Whether calls beyond AWS's 300 a second are refused (SQS 3.5).
        dead_letter_queue: Where a message goes that was received `max_receive_count` times: a FIFO queue.
        max_receive_count: 1 to 1000.
        redrive_permission: ``allowAll``, ``denyAll`` or ``byQueue``: whose dead letters this queue takes.
        redrive_source_queues: With ``byQueue``, one to ten queues or ARNs.
        tags: Keys and values.
        limits: What arguments are held to; AWS's unless given.
        faults: A plan of faults; of its kinds, a FIFO queue has throttling alone (SQS 9).
        seed: A number or a `random.Random` from which ids are drawn; the same seed gives the same ids.
        home: The region it belongs to, which then has clock and seed; `Region.fifo_queue` gives this.

    Raises:
        InvalidParameterValue: The name or the dead-letter setting is not acceptable.
        InvalidAttributeValue: Another argument is out of its range.
        InvalidInput: An argument is of a wrong type, or `home` is given beside `clock` or `seed`.
    """

    kind = "fifo queue"

    def __init__(
        self,
        name: str,
        *,
        clock: Clock | None = None,
        visibility_timeout: Duration = 30,
        delay: Duration = 0,
        retention: Duration = 345_600,
        receive_message_wait_time: Duration = 0,
        maximum_message_size: int | None = None,
        content_based_deduplication: bool = False,
        deduplication_scope: DeduplicationScope = "queue",
        fifo_throughput_limit: ThroughputLimit = "perQueue",
        throttle: bool = False,
        dead_letter_queue: Destination | None = None,
        max_receive_count: int | None = None,
        redrive_permission: RedrivePermission = "allowAll",
        redrive_source_queues: Iterable[Destination | str] | None = None,
        tags: Mapping[str, str] | None = None,
        limits: Limits | None = None,
        faults: Faults | None = None,
        seed: int | random.Random | None = None,
        home: Home | None = None,
        **_not_there: Never,
    ) -> None:
        if _not_there:
            refuse_unknown("FifoQueue", _not_there, FIFO_QUEUE_NOT_THERE, FIFO_QUEUE_TAKES)
        check_queue_name(name, fifo=True)
        home = home_of(home, clock, seed, f"fifo queue {name}")
        check_faults(faults)
        configuration = configured(
            {
                "visibility_timeout": visibility_timeout,
                "delay": delay,
                "retention": retention,
                "receive_message_wait_time": receive_message_wait_time,
                "maximum_message_size": maximum_message_size,
            },
            dead_letter_queue=dead_letter_queue,
            max_receive_count=max_receive_count,
            redrive_permission=redrive_permission,
            redrive_source_queues=redrive_source_queues,
            tags=tags,
            limits=limits,
            kind=self.kind,
            home=home,
            name=name,
        )
        self._content_based: bool = checks.check_content_based(content_based_deduplication)
        self._throughput: ThroughputLimit = checks.check_throughput_limit(deduplication_scope, fifo_throughput_limit)
        self._throttle: Throttle | None = Throttle(configuration.limits.calls_per_second) if throttle else None
        core = _core(configuration, deduplicates_by_group=deduplication_scope == "messageGroup")
        super().__init__(name, home, core, configuration)
        self._plan(faults)
        self._note_targets(None, dead_letter_queue)

    # Sending.

    def send_message(
        self,
        body: str,
        *,
        message_group_id: str,
        message_deduplication_id: str | None = None,
        delay: Duration | None = None,
        attributes: Mapping[str, AttributeInput] | None = None,
        system_attributes: Mapping[str, AttributeInput] | None = None,
        **_not_there: Never,
    ) -> SentMessage:
        """
        Adds a message to the end of its group. Never waits. O(log n) in the number of groups.

        >>> from postroom import FifoQueue, ManualClock
        >>> queue = FifoQueue("orders.fifo", clock=ManualClock())
        >>> first = queue.send_message("2 x tea", message_group_id="table-7", message_deduplication_id="order-1")
        >>> again = queue.send_message("2 x tea", message_group_id="table-7", message_deduplication_id="order-1")
        >>> again.message_id == first.message_id, again.sequence_number == first.sequence_number, len(queue)
        (True, True, 1)

        Args:
            body: At least 1 character, of those that XML allows (SQS 6.2); its UTF-8 bytes count.
            message_group_id: 1 to 128 letters, digits and punctuation characters.
            message_deduplication_id: Likewise. If the queue took one with this id within five minutes, this one is not
                stored, and the answer is that of the first. None: the SHA-256 of the body, if the queue has
                `content_based_deduplication`.
            delay: 0 or None, and neither cancels the delay of the queue (SQS 3.2).
            attributes: Up to ten, by name: `str`, numbers, `bytes`, or an `AttributeValue` with a type of its own.
            system_attributes: ``AWSTraceHeader`` alone, a string.

        Raises:
            MissingParameter: The body is empty, or there is no group id.
            InvalidMessageContents: The body has a character that is not allowed.
            InvalidParameterValue: An id, an attribute, the size or the delay is not acceptable, or there is no
                deduplication id.
            RequestThrottled: More than 300 calls a second, where these are counted.
            InvalidInput: An argument is of a wrong type.
            ResourceClosed: The queue is closed.
        """
        if _not_there:
            refuse_unknown("send_message", _not_there, FIFO_SEND_NOT_THERE, ("attributes", "message_group_id"))
        if self._throttles is not None:
            self._throttles("send_message")
        try:
            entry = SendEntry(
                body,
                delay,
                attributes,
                message_group_id=message_group_id,
                message_deduplication_id=message_deduplication_id,
                system_attributes=system_attributes,
            )
            checked = self._check_send(entry, in_batch=False)
        except PostroomError as error:
            self._sign(error, "send_message")
            raise
        return self._send_one(body, checked)

    def _check_send(self, entry: SendEntry, *, in_batch: bool) -> _Checked:
        attributes, _, size = checks.check_send(
            entry.body, None, entry.attributes, self._max_size, in_batch=in_batch, limits=self._limits
        )
        trace_header = checks.check_system_attributes(entry.system_attributes)
        if entry.delay is not None:
            checks.check_fifo_delay(entry.delay)
        group = checks.check_group_id(entry.message_group_id, limits=self._limits)
        id_ = entry.message_deduplication_id
        if id_ is not None:
            checks.check_deduplication_id(id_, limits=self._limits)
        return _Checked(attributes, size, group, self._identified(id_, entry.body), trace_header)

    def _identified(self, deduplication_id: str | None, body: str) -> str:
        """
        By what a message is known for five minutes: the id it has, or the digest of its content (SQS 3.3).
        """
        if deduplication_id is not None:
            return deduplication_id
        if not self._content_based:
            raise checks.refuse_no_deduplication_id()
        return sha256(body.encode()).hexdigest()

    def _send(self, now: int, body: str, checked: _Checked) -> StoredFifo:
        core = self._core
        original = core.find_duplicate(now, checked.group, checked.deduplication_id)
        stored = StoredFifo(
            self._random.getrandbits(128) if original is None else original.message_id,
            body,
            checked.attributes,
            now,
            SENDER,
            None,
            checked.trace_header,
            checked.group,
            checked.deduplication_id,
            core.next_sequence_number() if original is None else original.sequence_number,
        )
        if original is None:
            core.send(now, stored, delay=core.delay)
        return stored

    def send_message_batch(self, entries: Iterable[SendEntry]) -> BatchOutcome[SentMessage]:
        """
        Sends 1 to 10 messages, in their order. One bad entry fails alone; the others go through.

        >>> from postroom import FifoQueue, ManualClock, SendEntry
        >>> queue = FifoQueue("orders.fifo", content_based_deduplication=True, clock=ManualClock())
        >>> outcome = queue.send_message_batch([SendEntry(body, message_group_id="table-7") for body in ("tea", "cake")])
        >>> [message.body for message in queue.receive_messages(max_messages=10)]
        ['tea', 'cake']

        Args:
            entries: Each with a group id, and with a deduplication id unless the queue makes one of the content.

        Raises:
            EmptyBatchRequest, TooManyEntriesInBatchRequest, InvalidBatchEntryId, BatchEntryIdsNotDistinct,
            BatchRequestTooLong: The whole call is refused, and nothing was sent.
            InvalidParameterValue: Likewise: an entry has no group id, or no deduplication id.
            RequestThrottled: Likewise: more than 300 calls a second, where these are counted.
            InvalidInput: An entry is none.
            ResourceClosed: The queue is closed.
        """
        operation = "send_message_batch"
        numbered = self._entries(SendEntry, entries, operation)
        try:
            for _, entry in numbered:
                if entry.message_group_id is None:
                    raise checks.refuse_no_group_id(in_batch=True)
                if entry.message_deduplication_id is None and not self._content_based:
                    raise checks.refuse_no_deduplication_id()
        except PostroomError as error:
            self._sign(error, operation)
            raise
        return self._send_several(numbered)

    def _count_send(self, now: int, messages: Sequence[_Checked]) -> None:
        # The call counts for the queue, or, in high throughput, for each group that it is about.
        if self._throughput == "perQueue":
            self._admit(now, "send")
        elif self._throttle is not None:
            self._throttle.admit(now, [("send", group) for group in dict.fromkeys(one.group for one in messages)])

    def _metrics_of_kind(self, now: int) -> dict[str, float]:
        core = self._core
        return {
            "ApproximateAgeOfOldestMessage": age(core.oldest_sent_at(), now),
            "NumberOfDeduplicatedSentMessages": core.counts["deduplicated"],
            "ApproximateNumberOfGroupsWithInflightMessages": core.groups_in_flight,
        }

    # As a destination.

    def _accept(self, now: int, parcel: Parcel) -> None:
        if parcel.message_group_id is None:
            raise checks.refuse_no_group_id(in_batch=False)
        core = self._core
        is_dead_letter = parcel.source_arn is not None
        id_ = parcel.message_deduplication_id
        if not is_dead_letter:
            id_ = self._identified(id_, parcel.body)
            if core.find_duplicate(now, parcel.message_group_id, id_) is not None:
                return
        stored = StoredFifo(
            self._random.getrandbits(128) if parcel.message_id is None else parcel.message_id,
            parcel.body,
            parcel.attributes,
            # Its age begins anew, other than in a standard queue (SQS 2.3).
            now,
            parcel.sender_id or SENDER,
            parcel.source_arn,
            parcel.trace_header,
            parcel.message_group_id,
            parcel.message_id if is_dead_letter and parcel.message_id is not None else id_ or "",
            core.next_sequence_number(),
        )
        core.send(
            now,
            stored,
            delay=0 if is_dead_letter else core.delay,
            receive_count=parcel.receive_count,
            first_received_at=parcel.first_received_at,
            kind="moved in" if is_dead_letter else "sent",
        )
