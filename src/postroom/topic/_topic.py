"""
Publishing to a topic, as a driver of its core: lock, clock, observers, hand-overs. The rules are in `_fanout`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Never

from postroom.delivery import BatchOutcome, refuse_unknown
from postroom.errors import PostroomError
from postroom.limits import PUBLISH_SIZE_MAX_BYTES
from postroom.message import NO_ATTRIBUTES, format_uuid
from postroom.observe import Observation, causes, with_causes
from postroom.topic._frame import TopicFrame
from postroom.topic._publish import Published, PublishEntry, check_batch, check_publish
from postroom.topic._refusals import PUBLISH_NOT_THERE, PUBLISH_TAKES

if TYPE_CHECKING:
    from postroom.message import AttributeInput, AttributeValue, Parcel


class Topic(TopicFrame):
    """
    A standard topic: what is published goes to every subscription, at least once.

    A publisher neither waits for a subscriber nor sees its errors. What a subscriber does not take is tried again for 23
    days, unless trying again cannot help; then it goes to the subscription's dead-letter queue, if there is one.

    >>> from postroom import ManualClock, Queue, Topic
    >>> clock = ManualClock()
    >>> topic = Topic("orders", clock=clock)
    >>> kitchen, billing = Queue("kitchen", clock=clock), Queue("billing", clock=clock)
    >>> for queue in (kitchen, billing):
    ...     subscription = topic.subscribe(queue, raw_message_delivery=True)
    >>> published = topic.publish("2 x tea")
    >>> kitchen.receive_messages()[0].body, billing.receive_messages()[0].body
    ('2 x tea', '2 x tea')

    Without `raw_message_delivery` a queue gets the message in an envelope, as JSON:

    >>> import json
    >>> subscription = topic.subscribe(Queue("audit", clock=clock))
    >>> published = topic.publish("1 x cake", subject="An order")
    >>> [message] = subscription.endpoint.receive_messages()
    >>> json.loads(message.body)["Subject"]
    'An order'

    Args:
        name: 1 to 256 letters, digits, hyphens or underscores.
        clock: Where "now" comes from; the shared `SystemClock` unless given.
        faults: A plan of faults; of its kinds, a topic has lost acknowledgements, under ``topic->endpoint``.
        seed: A number or a `random.Random` from which ids are drawn; the same seed gives the same ids.
        home: The region it belongs to, which then has clock and seed; `Region.topic` gives this.

    Raises:
        InvalidParameter: The name is not acceptable (SNS 1.1).
        NotSupported: AWS has such an argument, and postroom has not.
        InvalidInput: An argument is of a wrong type, or `home` is given beside `clock` or `seed`.

    Differs from SNS: no filter policies, no FIFO topics, and envelopes are not signed; see docs/fidelity.md.
    """

    # Publishing.

    def publish(
        self,
        message: str,
        *,
        subject: str | None = None,
        attributes: Mapping[str, AttributeInput] | None = None,
        **_not_there: Never,
    ) -> Published:
        """
        Hands a message to every subscription there is now. O(n) in their number.

        It succeeds when the message is accepted, whatever becomes of it then: nobody may be subscribed (SNS 2.1).

        >>> from postroom import ManualClock, Queue, Topic
        >>> clock = ManualClock()
        >>> topic, queue = Topic("orders", clock=clock), Queue("kitchen", clock=clock)
        >>> subscription = topic.subscribe(queue, raw_message_delivery=True)
        >>> published = topic.publish("2 x tea", attributes={"table": 7})
        >>> queue.receive_messages()[0].attributes["table"].value
        '7'

        Args:
            message: At least 1 character. Its UTF-8 bytes count, and those of the attributes; 262,144 in all.
            subject: 1 to 100 characters on one line; envelopes and events carry it, raw messages do not.
            attributes: By name: `str`, numbers, `bytes`, or an `AttributeValue` with a type of its own. More than ten
                reach no queue that gets them raw.

        Raises:
            InvalidParameter: The subject or the message is not acceptable, or too large.
            ParameterValueInvalid: An attribute is not acceptable.
            TopicValidationError: An `AttributeValue` has no data type.
            NotSupported: AWS has such an argument, and postroom has not.
            InvalidInput: An argument is of a wrong type.
            ResourceClosed: The topic is closed.
        """
        if _not_there:
            refuse_unknown("publish", _not_there, PUBLISH_NOT_THERE, PUBLISH_TAKES)
        is_plain = (
            attributes is None
            and subject is None
            and type(message) is str
            and 0 < len(message) <= PUBLISH_SIZE_MAX_BYTES
            and message.isascii()
            and message.isprintable()
        )
        checked = NO_ATTRIBUTES
        if not is_plain:
            try:
                checked = check_publish(message, subject, attributes)
            except PostroomError as error:
                self._sign(error, "publish")
                raise
        try:
            with self._lock:
                if self._closed:
                    self._refuse_closed("publish")
                now, message_id = self._clock.now_us(), format_uuid(self._random.getrandbits(128))
                if is_plain:
                    self._courier.add(self._core.publish_plain(now, message_id, message))
                    seen = self._seen_published(now, message_id, message) if self._observers else None
                else:
                    seen = self._publish(now, message_id, message, subject, checked)
            self._clock.note_progress()
            if seen:
                self._tell(with_causes(seen, causes()))
            self._courier.drain()
        except BaseException:
            self._courier.resume()
            raise
        if self._clock.has_due:
            self._clock.run_due()
        return Published(message_id)

    def _publish(
        self,
        now: int,
        message_id: str,
        message: str,
        subject: str | None,
        attributes: Mapping[str, AttributeValue],
    ) -> list[Observation]:
        """
        Under the lock: puts what is to be delivered in line.
        """
        if subject is None and not attributes and message.isascii() and message.isprintable():
            self._courier.add(self._core.publish_plain(now, message_id, message))
        else:
            for one in self._core.publish(now, message_id, message, subject, attributes):
                self._courier.add(one)
        return self._seen_published(now, message_id, message, subject) if self._observers else []

    def _seen_published(self, now: int, message_id: str, message: str, subject: str | None = None) -> list[Observation]:
        about = {} if subject is None else {"subject": subject}
        count = len(self._core.subscriptions)
        return [self._seen(now, "published", message_id, body=message, subscriptions=count, **about)]

    def publish_batch(self, entries: Iterable[PublishEntry | str], **_not_there: Never) -> BatchOutcome[Published]:
        """
        Publishes 1 to 10 messages. An entry without a message fails alone; other mistakes refuse the whole call (SNS 3).

        >>> from postroom import ManualClock, PublishEntry, Topic
        >>> topic = Topic("orders", clock=ManualClock())
        >>> outcome = topic.publish_batch(["2 x tea", PublishEntry("1 x cake", id="sweet"), ""])
        >>> [success.id for success in outcome.successful], [failure.message for failure in outcome.failed]
        (['0', 'sweet'], ['Invalid parameter: Empty message'])

        Args:
            entries: A `str` is a message whose id is its index.

        Raises:
            TopicEmptyBatchRequest, TopicTooManyEntriesInBatchRequest, TopicBatchEntryIdsNotDistinct,
            TopicInvalidBatchEntryId, TopicBatchRequestTooLong: The whole call is refused, and nothing was published.
            ParameterValueInvalid, TopicValidationError: Likewise, for an attribute of any entry.
            InvalidInput: An entry is neither, or something in it is of a wrong type.
            ResourceClosed: The topic is closed.
        """
        if _not_there:
            refuse_unknown("publish_batch", _not_there, PUBLISH_NOT_THERE, ("entries",))
        try:
            ids, checked = check_batch(entries)
        except PostroomError as error:
            self._sign(error, "publish_batch")
            raise
        results: list[Published | PostroomError] = []
        seen: list[Observation] = []
        try:
            with self._lock:
                self._refuse_closed("publish_batch")
                now = self._clock.now_us()
                for one in checked:
                    if isinstance(one, PostroomError):
                        self._sign(one, "publish_batch")
                        results.append(one)
                    else:
                        message_id = format_uuid(self._random.getrandbits(128))
                        seen += self._publish(now, message_id, *one)
                        results.append(Published(message_id))
            self._clock.note_progress()
            if seen:
                self._tell(with_causes(seen, causes()))
            self._courier.drain()
        except BaseException:
            self._courier.resume()
            raise
        if self._clock.has_due:
            self._clock.run_due()
        failed = any(isinstance(result, PostroomError) for result in results)
        return BatchOutcome(ids, results, lambda result: result, has_failures=failed)

    def deliver(self, parcel: Parcel) -> None:
        """
        Publishes what another resource hands over: its body is the message, and there is no subject.

        This is for resources: what it makes due runs when the call returns that the delivery is part of.

        >>> from postroom import ManualClock, Topic
        >>> from postroom.message import Parcel
        >>> topic = Topic("orders", clock=ManualClock())
        >>> topic.deliver(Parcel("2 x tea"))
        >>> topic.stats().published
        1

        Raises:
            InvalidParameter: The body is empty or too large.
            ParameterValueInvalid: An attribute is not acceptable.
            ResourceClosed: The topic is closed.
        """
        try:
            checked = check_publish(parcel.body, None, parcel.attributes)
            with self._lock:
                self._refuse_closed("deliver")
                message_id = format_uuid(self._random.getrandbits(128))
                seen = self._publish(self._clock.now_us(), message_id, parcel.body, None, checked)
            self._clock.note_progress()
            if seen:
                self._tell(with_causes(seen, (parcel.cause,) if parcel.cause else ()))
            self._courier.drain()
        except PostroomError as error:
            self._sign(error, "deliver")
            raise
        except BaseException:
            self._courier.resume()
            raise
