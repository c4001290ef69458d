"""
The calls of a standard queue, as drivers of its core: lock, clock, waiting. The rules are in `_standard`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple, Never, TypedDict, cast

from postroom.delivery import BatchOutcome, refuse_unknown
from postroom.delivery._refusals import QUEUE_NOT_THERE, SEND_NOT_THERE
from postroom.errors import PostroomError
from postroom.faults import check_faults
from postroom.message import NO_ATTRIBUTES, Parcel
from postroom.naming import check_queue_name
from postroom.observe import home_of
from postroom.queue import _checks as checks
from postroom.queue._batch import INDEXES, SendEntry
from postroom.queue._configuration import configured
from postroom.queue._entry import Entry, Stored
from postroom.queue._frame import SENDER
from postroom.queue._looking import age
from postroom.queue._message import SentMessage
from postroom.queue._sending import Sending
from postroom.queue._standard import StandardCore

if TYPE_CHECKING:
    from postroom.clock import Clock, Duration
    from postroom.faults import Faults
    from postroom.message import AttributeInput, AttributeValue
    from postroom.observe import Destination, Home
    from postroom.queue._attribute_checks import RedrivePermission
    from postroom.queue._limits import Limits

QUEUE_TAKES: Final = (
    "clock",
    "dead_letter_queue",
    "delay",
    "faults",
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
    "visibility_timeout",
)


class _Checked(NamedTuple):
    attributes: Mapping[str, AttributeValue]
    delay: int | None
    size: int
    group: str | None = None
    trace_header: str | None = None


class _FaultsOfCore(TypedDict, total=False):
    duplicates: Callable[[], bool]
    reorders: Callable[[int], int]
    reorder_window: int
    misses: Callable[[], bool]
    loses_delete: Callable[[], bool]


def _faults_of(faults: Faults | None, name: str) -> _FaultsOfCore:
    """
    What a core has to ask a plan of faults for: nothing that the plan has not.
    """
    asked: _FaultsOfCore = {}
    if faults is None:
        return asked
    if faults.has("duplicate"):
        asked["duplicates"] = lambda: faults.draws_duplicate(name)
    if faults.has("reorder"):
        asked["reorders"] = lambda candidates: faults.draws_reorder(name, candidates)
        asked["reorder_window"] = faults.reorder_window
    if faults.has("miss"):
        asked["misses"] = lambda: faults.draws_miss(name)
    if faults.has("lost delete"):
        asked["loses_delete"] = lambda: faults.draws_lost_delete(name)
    return asked


_PLAIN: Final = _Checked(NO_ATTRIBUTES, None, 0)


class Queue(Sending[StandardCore]):
    """
    A standard queue: at-least-once delivery, in the order sent unless a message comes back.

    A received message is not gone. It is *in flight*: hidden from other receivers until its visibility timeout ends,
    and back in the queue then unless someone deleted it first.

    >>> from postroom import ManualClock, Queue
    >>> clock = ManualClock()
    >>> queue = Queue("orders", visibility_timeout=30, clock=clock)
    >>> sent = queue.send_message("2 x tea")
    >>> [message] = queue.receive_messages()
    >>> queue.receive_messages()  # in flight: nobody else sees it
    []
    >>> clock.advance(30)  # not deleted in time, so it is back
    >>> [again] = queue.receive_messages()
    >>> again.body, again.receive_count
    ('2 x tea', 2)
    >>> queue.delete_message(again.receipt_handle)

    A message that nobody manages to process goes aside, after so many receives:

    >>> dead = Queue("orders-dead", clock=clock)
    >>> queue = Queue("orders", clock=clock, dead_letter_queue=dead, max_receive_count=1)
    >>> sent = queue.send_message("poison")
    >>> [message] = queue.receive_messages(visibility_timeout=0)
    >>> queue.receive_messages()  # the budget is used up: this attempt moves it
    []
    >>> [letter] = dead.receive_messages()
    >>> letter.body, letter.receive_count
    ('poison', 2)

    ``Queue("orders")`` made twice is two queues; a `Region` shares them by name.

    Args:
        name: 1 to 80 letters, digits, hyphens or underscores.
        clock: Where "now" comes from; the shared `SystemClock` unless given.
        visibility_timeout: Seconds a received message stays hidden, 0 to 43200.
        delay: Seconds a new message stays hidden, 0 to 900.
        retention: Seconds after which a message vanishes, counted from its send, 60 to 1209600 (14 days).
        receive_message_wait_time: Seconds a receive waits that gives no `wait_time`, 0 to 20.
        maximum_message_size: Bytes of body and attributes of one message, 1024 to 1048576; None: the most.
        dead_letter_queue: Where a message goes that was received `max_receive_count` times; given with it or not
            at all. It moves at the receive attempt after that.
        max_receive_count: 1 to 1000.
        redrive_permission: ``allowAll``, ``denyAll`` or ``byQueue``: whose dead letters this queue takes (SQS 7.3).
        redrive_source_queues: With ``byQueue``, one to ten queues or ARNs.
        tags: Keys and values (SQS 8.4).
        limits: What arguments are held to; AWS's unless given.
        faults: A plan of faults; of its kinds, a queue has duplicates, other orders, missed messages and empty answers, lost
            deletions, and throttling (SQS 9).
        seed: A number or a `random.Random` from which ids are drawn; the same seed gives the same ids.
        home: The region it belongs to, which then has clock and seed; `Region.queue` gives this.

    Raises:
        InvalidParameterValue: The name or the dead-letter setting is not acceptable.
        InvalidAttributeValue: Another argument is out of its range.
        InvalidInput: An argument is of a wrong type, or `home` is given beside `clock` or `seed`.

    Differs from SQS: no sampling of hosts, so without a plan of faults a short poll misses no visible message; see
    docs/fidelity.md.
    """

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
            refuse_unknown("Queue", _not_there, QUEUE_NOT_THERE, QUEUE_TAKES)
        check_queue_name(name)
        home = home_of(home, clock, seed, f"queue {name}")
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
        core = StandardCore(
            visibility_timeout=configuration.visibility_timeout,
            delay=configuration.delay,
            retention=configuration.retention,
            max_receive_count=configuration.max_receive_count,
            in_flight_max=configuration.limits.in_flight,
            **_faults_of(faults, name),
        )
        super().__init__(name, home, core, configuration)
        self._plan(faults)
        if faults is not None and faults.has("false empty"):
            self._false_empties = lambda: faults.draws_false_empty(name)
        self._note_targets(None, dead_letter_queue)

    # Sending.

    def send_message(
        self,
        body: str,
        *,
        delay: Duration | None = None,
        attributes: Mapping[str, AttributeInput] | None = None,
        message_group_id: str | None = None,
        system_attributes: Mapping[str, AttributeInput] | None = None,
        **_not_there: Never,
    ) -> SentMessage:
        """
        Adds a message. Never waits. O(1), delayed O(log n) in the number of hidden messages.

        >>> from postroom import ManualClock, Queue
        >>> clock = ManualClock()
        >>> queue = Queue("orders", clock=clock)
        >>> sent = queue.send_message("2 x tea", delay=60, attributes={"table": 7})
        >>> queue.receive_messages()
        []
        >>> clock.advance(60)
        >>> [message] = queue.receive_messages()
        >>> message.message_id == sent.message_id
        True

        Args:
            body: At least 1 character, of those that XML allows (SQS 6.2); its UTF-8 bytes count.
            delay: Seconds until it is available, 0 to 900; None: the queue's. 0 overrides the queue's.
            attributes: Up to ten, by name: `str`, numbers, `bytes`, or an `AttributeValue` with a type of its own.
            message_group_id: The tenant it belongs to, 1 to 128 letters, digits and punctuation characters: one that has very
                many messages does not keep others from being served. It neither orders nor deduplicates (SQS 4).
            system_attributes: ``AWSTraceHeader`` alone, a string.

        Raises:
            MissingParameter: The body is empty.
            InvalidMessageContents: The body has a character that is not allowed.
            InvalidParameterValue: It is too large, an attribute is not acceptable, or the delay is out of range.
            InvalidInput: An argument is of a wrong type.
            ResourceClosed: The queue is closed.
        """
        if "message_deduplication_id" in _not_there:
            refusal = checks.refuse_deduplication_id(_not_there["message_deduplication_id"])
            self._sign(refusal, "send_message")
            raise refusal
        if _not_there:
            refuse_unknown("send_message", _not_there, SEND_NOT_THERE, ("attributes", "delay", "message_group_id"))
        if self._throttles is not None:
            self._throttles("send_message")
        if (
            attributes is None
            and delay is None
            and message_group_id is None
            and system_attributes is None
            and type(body) is str
            and 0 < len(body) <= self._max_size
            and body.isascii()
            and body.isprintable()
        ):
            # What nearly always is: nothing to look at that these four do not tell in no time.
            checked = _PLAIN
        else:
            try:
                entry = SendEntry(
                    body,
                    delay,
                    attributes,
                    message_group_id=message_group_id,
                    system_attributes=system_attributes,
                )
                checked = self._check_send(entry, in_batch=False)
            except PostroomError as error:
                self._sign(error, "send_message")
                raise
        return self._send_one(body, checked)

    def _check_send(self, entry: SendEntry, *, in_batch: bool) -> _Checked:
        stored, delay_us, size = checks.check_send(
            entry.body, entry.delay, entry.attributes, self._max_size, in_batch=in_batch, limits=self._limits
        )
        trace_header = checks.check_system_attributes(entry.system_attributes)
        group = entry.message_group_id
        if group is not None:
            checks.check_group_id(group, limits=self._limits)
        if entry.message_deduplication_id is not None:
            raise checks.refuse_deduplication_id(entry.message_deduplication_id)
        return _Checked(stored, delay_us, size, group, trace_header)

    def _send(self, now: int, body: str, checked: _Checked) -> Stored:
        attributes, delay_us, _, group, trace_header = checked
        stored = Stored(self._random.getrandbits(128), body, attributes, now, SENDER, None, trace_header, group)
        self._core.send(now, stored, delay=self._core.delay if delay_us is None else delay_us)
        return stored

    def send_message_batch(self, entries: Iterable[SendEntry | str]) -> BatchOutcome[SentMessage]:
        """
        Sends 1 to 10 messages. One bad entry fails alone; the others go through.

        >>> from postroom import ManualClock, Queue, SendEntry
        >>> queue = Queue("orders", clock=ManualClock())
        >>> outcome = queue.send_message_batch(["2 x tea", SendEntry("1 x cake", delay=5, id="later")])
        >>> [success.id for success in outcome.successful]
        ['0', 'later']

        Args:
            entries: A `str` is a body whose id is its index.

        Raises:
            EmptyBatchRequest, TooManyEntriesInBatchRequest, InvalidBatchEntryId, BatchEntryIdsNotDistinct,
            BatchRequestTooLong: The whole call is refused, and nothing was sent.
            InvalidInput: An entry is neither.
            ResourceClosed: The queue is closed.
        """
        plain = checks.plain_size(entries, self._max_size, limits=self._limits)
        if 0 < plain <= self._limits.batch_size:
            bodies = cast("list[str]", entries)
            return self._carry_out(
                INDEXES[: len(bodies)], lambda now: self._send_plain(now, bodies), "send_message_batch", SentMessage
            )
        numbered = self._entries(SendEntry, entries, "send_message_batch", SendEntry)
        return self._send_several(numbered)

    def _send_plain(self, now: int, bodies: list[str]) -> list[Stored]:
        draw = self._random.getrandbits
        messages = [Stored(draw(128), body, NO_ATTRIBUTES, now, SENDER) for body in bodies]
        self._core.send_all(now, messages)
        return messages

    # No call in between: standard queues count no calls.
    _delete = Sending[StandardCore]._discard

    def _pick(
        self,
        now: int,
        *,
        max_messages: int,
        visibility_timeout: int,
        attempt_id: str | None,  # noqa: ARG002 - FIFO queues know their attempts again
        waits: bool,
    ) -> tuple[list[Entry], int]:
        entries = self._core.receive(
            now, max_messages=max_messages, visibility_timeout=visibility_timeout, is_short_poll=not waits
        )
        return entries, now

    def _metrics_of_kind(self, now: int) -> dict[str, float]:
        core = self._core
        quiet = core.quiet
        return {
            "ApproximateAgeOfOldestMessage": age(core.oldest_age_start(), now),
            "ApproximateNumberOfNoisyGroups": core.noisy_groups,
            "ApproximateNumberOfMessagesVisibleInQuietGroups": quiet.available,
            "ApproximateNumberOfMessagesNotVisibleInQuietGroups": quiet.in_flight,
            "ApproximateNumberOfMessagesDelayedInQuietGroups": quiet.delayed,
            "ApproximateAgeOfOldestMessageInQuietGroups": age(core.oldest_quiet_age_start(), now),
        }

    # As a destination.

    def _accept(self, now: int, parcel: Parcel) -> None:
        is_dead_letter = parcel.source_arn is not None
        stored = Stored(
            self._random.getrandbits(128) if parcel.message_id is None else parcel.message_id,
            parcel.body,
            parcel.attributes,
            now if parcel.sent_at is None else parcel.sent_at,
            parcel.sender_id or SENDER,
            parcel.source_arn,
            parcel.trace_header,
            parcel.message_group_id,
        )
        self._core.send(
            now,
            stored,
            delay=0 if is_dead_letter else self._core.delay,
            receive_count=parcel.receive_count,
            first_received_at=parcel.first_received_at,
            kind="moved in" if is_dead_letter else "sent",
        )
