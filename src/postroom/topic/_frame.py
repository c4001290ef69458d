"""
The frame of a topic: its subscriptions, what it tells of itself, and closing. Publishing is in `_topic`.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import TYPE_CHECKING, Never
from uuid import UUID

from postroom.clock import Clock, Due, show_span
from postroom.delivery import Courier, Resource, refuse_unknown
from postroom.errors import InvalidInput, InvalidParameter, PostroomError
from postroom.faults import check_faults
from postroom.limits import TOPIC_NAME_MAX_CHARS
from postroom.message import format_uuid
from postroom.naming import Arn
from postroom.observe import Destination, Home, Wire, home_of
from postroom.topic._endpoints import IN_ATTRIBUTES, find_dead_letter_queue, find_endpoint
from postroom.topic._envelope import TopicFace
from postroom.topic._fanout import Fanout
from postroom.topic._refusals import SUBSCRIBE_NOT_THERE, SUBSCRIBE_TAKES, TOPIC_NOT_THERE, TOPIC_TAKES
from postroom.topic._stats import TopicStats
from postroom.topic._subscription import Subscription

if TYPE_CHECKING:
    from postroom.faults import Faults

_ARN_PARTS = 6


class TopicFrame(Resource):
    """
    Not for users: see `Topic`.
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

    # Subscribing.

    def subscribe(
        self,
        endpoint: Destination | str,
        *,
        protocol: str | None = None,
        raw_message_delivery: bool | str | None = None,
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
            endpoint: A queue, a function or a delivery stream; or an ARN of the topic's region and account, which is looked
                up at each attempt, and need not exist.
            protocol: ``sqs``, ``lambda`` or ``firehose``; None: what the endpoint is.
            raw_message_delivery: Whether the message goes alone, without an envelope; ``true`` and ``false`` in any case
                will do (SNS 6.4). None: it does not, or as it is. A function gets its event either way (SNS 8.4), and the
                subscription keeps what was given, as on AWS.
            dead_letter_queue: A queue for what the endpoint does not take; None: none, or as it is.

        Raises:
            InvalidParameter: The endpoint, the protocol or an attribute is not acceptable, or differs from what is there.
            NotSupported: AWS has such a protocol or argument, and postroom has not; or the endpoint is in another account,
                or an ARN of another region, or a function whose handler is an ``async def``.
            NotFound: There is no dead-letter queue of that ARN.
            InvalidInput: An argument is of a wrong type, or lives by another clock.
            ResourceClosed: The topic is closed.
        """
        if _not_there:
            refuse_unknown("subscribe", _not_there, SUBSCRIBE_NOT_THERE, SUBSCRIBE_TAKES)
        home = self._home
        try:
            found = find_endpoint(endpoint, protocol, home)
            raw = _checked_raw(raw_message_delivery)
            dead = find_dead_letter_queue(dead_letter_queue, home)
            with self._lock:
                self._refuse_closed("subscribe")
                there = self._core.find(found, raw, dead)
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
                    raw_message_delivery=bool(raw),
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


def _checked_raw(value: object) -> bool | None:
    text = value.lower() if isinstance(value, str) else ""
    if text in {"true", "false"}:
        return text == "true"
    if not isinstance(value, bool | None):
        raise InvalidParameter(
            f"{IN_ATTRIBUTES}RawMessageDelivery: Invalid value [{value}]. Must be true or false.",
            help="Give True or False.",
        )
    return value


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
