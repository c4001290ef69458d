"""
The calls of a topic, as a driver of its core: lock, clock, observers, hand-overs. The rules are in `_fanout`.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Never
from uuid import UUID

from postroom.clock import Clock, Due, show_span
from postroom.delivery import BatchOutcome, Courier, Resource, refuse_unknown
from postroom.errors import InvalidInput, InvalidParameter, PostroomError
from postroom.faults import check_faults
from postroom.limits import PUBLISH_SIZE_MAX_BYTES, TOPIC_NAME_MAX_CHARS
from postroom.message import NO_ATTRIBUTES, format_uuid
from postroom.naming import Arn
from postroom.observe import Destination, Home, Observation, Wire, causes, home_of, with_causes
from postroom.topic._endpoints import IN_ATTRIBUTES, find_dead_letter_queue, find_endpoint
from postroom.topic._envelope import TopicFace
from postroom.topic._fanout import Fanout
from postroom.topic._publish import Published, PublishEntry, check_batch, check_publish
from postroom.topic._refusals import (
    PUBLISH_NOT_THERE,
    PUBLISH_TAKES,
    SUBSCRIBE_NOT_THERE,
    SUBSCRIBE_TAKES,
    TOPIC_NOT_THERE,
    TOPIC_TAKES,
)
from postroom.topic._stats import TopicStats
from postroom.topic._subscription import Subscription

if TYPE_CHECKING:
    from postroom.faults import Faults
    from postroom.message import AttributeInput, AttributeValue, Parcel

_ARN_PARTS = 6


class Topic(Resource):
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

    kind = "topic"

    def __init__(
        self,
        name: str,
        *,
        clock: Clock | None = None,
        faults: Faults | None = None,
        seed: int | random.Random | None = None,
        home: Home | None = None,
        **_not_there: Never,
    ) -> None:
        if _not_there:
            refuse_unknown("Topic", _not_there, TOPIC_NOT_THERE, TOPIC_TAKES)
        _check_name(name)
        home = home_of(home, clock, seed, f"topic {name}")
        check_faults(faults)
        super().__init__(name, str(Arn.topic(home.region_name, home.account, name)), home)
        self._random = home.random
        self._core = Fanout(TopicFace(self._arn, home.region_name))
        self._courier = Courier(self, faults)
        self._clock.register(self)

    def __repr__(self) -> str:
        core = self._core
        retrying = self._courier.stats().retrying
        state = "closed" if self._closed else f"{len(core.subscriptions)} subscriptions"
        return f"<Topic {self._name}: {state}, {core.published} published, {retrying} retrying>"

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

    # Subscribing.

    def subscribe(
        self,
        endpoint: Destination | str,
        *,
        protocol: str | None = None,
        raw_message_delivery: bool | None = None,
        dead_letter_queue: Destination | str | None = None,
        **_not_there: Never,
    ) -> Subscription:
        """
        Has an endpoint get what is published from now on; confirmed at once. O(n) in the number of subscriptions.

        An endpoint that is subscribed already keeps its subscription; what is given must agree with it (SNS 6.1).

        >>> from postroom import ManualClock, Queue, Topic
        >>> clock = ManualClock()
        >>> topic, kitchen = Topic("orders", clock=clock), Queue("kitchen", clock=clock)
        >>> subscription = topic.subscribe(kitchen, raw_message_delivery=True)
        >>> topic.subscribe(kitchen) is subscription
        True
        >>> topic.subscribe(kitchen, raw_message_delivery=False)
        Traceback (most recent call last):
            ...
        postroom.errors.InvalidParameter: Invalid parameter: Attributes Reason: Subscription already exists with different attributes
          queue kitchen is subscribed with raw_message_delivery=True: unsubscribe it first.

        Args:
            endpoint: A queue, a function or a delivery stream; or an ARN, which is looked up in the region at each attempt,
                and need not exist.
            protocol: ``sqs``, ``lambda`` or ``firehose``; None: what the endpoint is.
            raw_message_delivery: Whether the message goes alone, without an envelope; None: it does not, or as it is.
            dead_letter_queue: A queue for what the endpoint does not take; None: none, or as it is.

        Raises:
            InvalidParameter: The endpoint, the protocol or an attribute is not acceptable, or differs from what is there.
            NotSupported: AWS has such a protocol or argument, and postroom has not.
            NotFound: There is no dead-letter queue of that ARN.
            InvalidInput: An argument is of a wrong type, or lives by another clock.
            ResourceClosed: The topic is closed.
        """
        if _not_there:
            refuse_unknown("subscribe", _not_there, SUBSCRIBE_NOT_THERE, SUBSCRIBE_TAKES)
        home = self._home
        try:
            found = find_endpoint(endpoint, protocol, home)
            _check_raw(raw_message_delivery)
            dead = find_dead_letter_queue(dead_letter_queue, home)
            with self._lock:
                self._refuse_closed("subscribe")
                there = self._core.find(found, raw_message_delivery, dead)
                if there is not None:
                    return there
                subscription = Subscription(
                    f"{self._arn}:{format_uuid(self._random.getrandbits(128))}",
                    str(self),
                    found.protocol,
                    found.given,
                    (lambda: home.resolve(found.arn)) if isinstance(found.given, str) else None,
                    shown=found.shown,
                    label=f"{self._name}->{found.name}",
                    raw_message_delivery=bool(raw_message_delivery),
                    dead_letter_queue=dead,
                )
                self._core.add(subscription)
        except PostroomError as error:
            self._sign(error, "subscribe")
            raise
        return subscription

    def unsubscribe(self, subscription: Subscription | str) -> None:
        """
        Ends a subscription; what waits there for another attempt is dropped. One that ended before is no error (SNS 6.3).

        >>> from postroom import ManualClock, Queue, Topic
        >>> clock = ManualClock()
        >>> topic = Topic("orders", clock=clock)
        >>> subscription = topic.subscribe(Queue("kitchen", clock=clock))
        >>> topic.unsubscribe(subscription)
        >>> topic.unsubscribe(subscription.arn)
        >>> topic.subscriptions
        []

        Args:
            subscription: One of this topic, or its ARN.

        Raises:
            InvalidParameter: It is no ARN of a subscription.
            InvalidInput: It is of a wrong type, or a subscription of another topic.
            ResourceClosed: The topic is closed.
        """
        try:
            arn = self._check_subscription(subscription)
        except PostroomError as error:
            self._sign(error, "unsubscribe")
            raise
        with self._lock:
            self._refuse_closed("unsubscribe")
            there = self._core.subscriptions.get(arn)
            seen = [] if there is None else self._courier.forget(there)
            self._core.remove(arn)
        self._tell(seen)

    def _check_subscription(self, subscription: object) -> str:
        if isinstance(subscription, Subscription):
            if not subscription.arn.startswith(f"{self._arn}:"):
                raise InvalidInput(
                    f"{subscription!r} is none of {self._name}.", help=f"Unsubscribe it from the {subscription.topic}."
                )
            return subscription.arn
        if not isinstance(subscription, str):
            raise InvalidInput(f"{subscription!r} is no subscription.", help="Give a Subscription, or its ARN.")
        parts = subscription.split(":")
        fault = ""
        if not subscription:
            fault = "SubscriptionArn Reason: no value for required parameter"
        elif len(parts) < _ARN_PARTS:
            fault = f"SubscriptionArn Reason: An ARN must have at least {_ARN_PARTS} elements, not {len(parts)}"
        elif len(parts) == _ARN_PARTS or not _is_uuid(parts[-1]):
            fault = "SubscriptionId"
        if fault:
            raise InvalidParameter(f"Invalid parameter: {fault}", help=f"got {subscription!r}; give subscription.arn.")
        return subscription

    @property
    def subscriptions(self) -> list[Subscription]:
        """
        Its subscriptions, in the order in which they were made.
        """
        with self._lock:
            return list(self._core.subscriptions.values())

    # Looking.

    def stats(self) -> TopicStats:
        """
        What the topic holds and what went through it.

        >>> from postroom import ManualClock, Topic
        >>> Topic("orders", clock=ManualClock()).stats().subscriptions
        0
        """
        with self._lock:
            core, done = self._core, self._courier.stats()
            return TopicStats(
                subscriptions=len(core.subscriptions),
                published=core.published,
                delivered=done.delivered,
                refused=done.refused,
                retrying=done.retrying,
                dead_lettered=done.dead_lettered,
                dropped=done.dropped,
            )

    def explain(self, message_id: str) -> str:
        """
        Says what became of a message, in a sentence; the last 1,000 are remembered.

        >>> from postroom import ManualClock, Queue, Topic
        >>> clock = ManualClock()
        >>> topic = Topic("orders", clock=clock)
        >>> subscription = topic.subscribe(Queue("kitchen", clock=clock))
        >>> published = topic.publish("2 x tea")
        >>> clock.advance(3)
        >>> topic.explain(published.message_id)
        'published 3.0 s ago: 1 delivered'

        Args:
            message_id: As `publish` returned it.
        """
        if not isinstance(message_id, str):
            raise InvalidInput(
                f"message_id is of type {type(message_id).__name__}.",
                help="Give the str in published.message_id.",
                operation="explain",
                resource=self._name,
            )
        with self._lock:
            now = self._clock.now_us()
            one = self._core.find_round(message_id)
            if one is None:
                return f"unknown: it was not published to the topic {self._name}, or that was long ago"
            return f"published {show_span(now - one.began_at)} ago: {self._courier.fate(one, now)}"

    def wires(self) -> list[Wire]:
        """
        Where what is published goes, and where what nobody takes.
        """
        found: list[Wire] = []
        for one in self.subscriptions:
            found.append(Wire(str(self), one.shown, one.form))
            if one.dead_letter_queue is not None:
                found.append(Wire(str(self), str(one.dead_letter_queue), f"from {one.shown}", "dead letters"))
        return found

    # The rest of the frame.

    def close(self) -> None:
        """
        Closes it for good: it takes no more calls, and what waits for another attempt is dropped.

        >>> from postroom import ManualClock, Topic
        >>> with Topic("orders", clock=ManualClock()) as topic:
        ...     published = topic.publish("2 x tea")
        >>> topic
        <Topic orders: closed, 1 published, 0 retrying>
        """
        with self._lock:
            self._closed = True
            seen = self._courier.close()
        self._tell(seen)

    def _forget_other_threads(self) -> None:
        self._courier.after_fork_in_child()

    def pending(self, now: int) -> Iterable[Due]:  # noqa: ARG002 - what waits knows its instant
        """
        When next attempts are due, for people: a line per subscription.
        """
        with self._lock:
            return [Due(at, str(self), what) for at, what in self._courier.due()]


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise InvalidInput("The name of a topic must be a str.", help=f"got a value of type {type(name).__name__}")
    bare = name.replace("-", "").replace("_", "a")
    if not (1 <= len(name) <= TOPIC_NAME_MAX_CHARS and name.isascii() and (not bare or bare.isalnum())):
        fifo = "; FIFO topics are not there" if name.endswith(".fifo") else ""
        raise InvalidParameter(
            "Invalid parameter: Topic Name",
            help=f"Give 1 to {TOPIC_NAME_MAX_CHARS} letters, digits, hyphens or underscores{fifo}.",
        )


def _check_raw(value: object) -> None:
    if not isinstance(value, bool | None):
        raise InvalidParameter(
            f"{IN_ATTRIBUTES}RawMessageDelivery: Invalid value [{value}]. Must be true or false.",
            help="Give True or False.",
        )


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
