"""
Subscriptions: who is subscribed to what, in which form it is delivered, and what is done when that fails.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from postroom.delivery import PhasedRetries, Route
from postroom.errors import PostroomError
from postroom.message import NO_ATTRIBUTES, Parcel, check_body, to_attributes

if TYPE_CHECKING:
    from postroom.delivery._courier import Failed
    from postroom.observe import Destination
    from postroom.topic._envelope import Notification

RETRIES: Final = PhasedRetries()
"""Of queues, functions and delivery streams (SNS 10.2)."""


class Carrier(Parcel):
    """
    A parcel in a form that is not for queues, with the notification it was made of: a dead letter is made of that.
    """

    notification: Notification

    @classmethod
    def of(cls, notification: Notification, body: str) -> Carrier:
        """
        One with that body.
        """
        parcel = cls(body, cause=notification.message_id)
        parcel.notification = notification
        return parcel


class Subscription(Route):
    """
    One endpoint that gets what is published to a topic; `Topic.subscribe` makes it.

    >>> from postroom import ManualClock, Queue, Topic
    >>> clock = ManualClock()
    >>> topic = Topic("orders", clock=clock)
    >>> topic.subscribe(Queue("kitchen", clock=clock), raw_message_delivery=True)
    <Subscription queue kitchen to topic orders: raw, 0 delivered>
    """

    def __init__(
        self,
        arn: str,
        topic: str,
        protocol: str,
        endpoint: Destination | str,
        find: Callable[[], Destination] | None,
        *,
        shown: str,
        label: str,
        raw_message_delivery: bool,
        dead_letter_queue: Destination | None,
    ) -> None:
        destination = find if find is not None else endpoint
        assert not isinstance(destination, str)
        super().__init__(destination, shown=shown, label=label, retries=RETRIES, dead_letter_queue=dead_letter_queue)
        self.arn: str = arn
        """The topic's ARN and a UUID."""
        self.topic: str = topic
        """Kind and name of the topic."""
        self.protocol: str = protocol
        """``sqs``, ``lambda`` or ``firehose``."""
        self.endpoint: Destination | str = endpoint
        """The object it was made with, or the ARN."""
        self.raw_message_delivery: bool = raw_message_delivery
        """As it was subscribed: whether the message goes alone, without an envelope. `form` says what is delivered: a function
        gets its event either way (SNS 8.4)."""
        self.is_raw_queue: bool = raw_message_delivery and protocol == "sqs"
        """Whether all it ever gets is what other such subscriptions get."""

    @property
    def endpoint_arn(self) -> str:
        """
        The endpoint's ARN.
        """
        return self.endpoint if isinstance(self.endpoint, str) else self.endpoint.arn

    @property
    def form(self) -> str:
        """
        How it is delivered: ``raw``, ``enveloped``, or, to a function, as an ``event``, whatever is said of raw (SNS 8.4).
        """
        if self.protocol == "lambda":
            return "event"
        return "raw" if self.raw_message_delivery else "enveloped"

    def parcel(self, notification: Notification) -> Parcel:
        """
        What the endpoint gets of a notification (SNS 8).
        """
        if self.is_raw_queue:
            return notification.raw()
        if self.protocol == "sqs":
            return Parcel(notification.envelope(self.arn), cause=notification.message_id)
        if self.protocol == "lambda":
            return Carrier.of(notification, notification.event(self.arn))
        raw = self.raw_message_delivery
        return Carrier.of(notification, notification.raw_record() if raw else notification.record(self.arn))

    def dead_letter(self, parcel: Parcel, failed: Failed) -> Parcel:  # noqa: ARG002 - SNS notes nothing of what failed
        """
        What its dead-letter queue gets: what a queue in its place would have got (SNS 10.5).

        Of a message whose attributes no queue takes, that is the text alone (SNS 8.3).

        Raises:
            InvalidMessageContents: No queue takes the text either.
        """
        if isinstance(parcel, Carrier):
            notification = parcel.notification
            if self.form != "raw":
                return Parcel(notification.envelope(self.arn), cause=notification.message_id)
            parcel = notification.raw()
        if parcel.attributes or not parcel.body.isprintable():
            check_body(parcel.body)
            try:
                to_attributes(dict(parcel.attributes))
            except PostroomError:
                return parcel._replace(attributes=NO_ATTRIBUTES)
        return parcel

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict.

        >>> from postroom import ManualClock, Queue, Topic
        >>> clock = ManualClock()
        >>> Topic("orders", clock=clock).subscribe(Queue("kitchen", clock=clock)).to_dict()["protocol"]
        'sqs'
        """
        dead = self.dead_letter_queue
        return {
            "arn": self.arn,
            "topic": self.topic,
            "protocol": self.protocol,
            "endpoint": self.endpoint_arn,
            "raw_message_delivery": self.raw_message_delivery,
            "dead_letter_queue": None if dead is None else dead.arn,
            "delivered": self.delivered,
            "refused": self.refused,
            "dead_lettered": self.dead_lettered,
            "dropped": self.dropped,
        }

    def __repr__(self) -> str:
        state = "removed" if self.removed else f"{self.form}, {self.delivered} delivered"
        return f"<Subscription {self.shown} to {self.topic}: {state}>"
