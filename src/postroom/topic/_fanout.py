"""
The core of a topic: its subscriptions, and what each of them gets of a message; nothing else.

No lock, no clock, nobody called back: what is published becomes rounds for a courier. The rules are those of SNS 6 and 8.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from postroom.delivery import Round
from postroom.errors import InvalidParameter
from postroom.limits import FATES_KEPT_MAX
from postroom.message import NO_ATTRIBUTES, Parcel
from postroom.topic._endpoints import IN_ATTRIBUTES
from postroom.topic._envelope import Notification, TopicFace

if TYPE_CHECKING:
    from postroom.message import AttributeValue
    from postroom.observe import Destination
    from postroom.topic._endpoints import Endpoint
    from postroom.topic._subscription import Subscription

_new: Final = cast("Callable[..., Any]", tuple.__new__)  # pyright: ignore[reportUnknownMemberType]
_BLANK: Final = Parcel("")
_CAUSE: Final = Parcel._fields.index("cause")
_BEFORE_CAUSE: Final = _BLANK[2:_CAUSE]
_AFTER_CAUSE: Final = _BLANK[_CAUSE + 1 :]


class Fanout:
    """
    The state of a topic.

    Args:
        face: What all its envelopes have in common.
    """

    __slots__ = ("_all", "_all_raw", "_by_endpoint", "face", "published", "recent", "subscriptions")

    def __init__(self, face: TopicFace) -> None:
        self.face = face
        self.published = 0
        self.subscriptions: dict[str, Subscription] = {}
        """By ARN, in the order in which they came."""
        self.recent: deque[Round] = deque(maxlen=FATES_KEPT_MAX)
        """The last messages, to tell what became of them."""
        self._by_endpoint: dict[tuple[str, str], list[Subscription]] = {}
        self._all: tuple[Subscription, ...] = ()
        self._all_raw = True

    # Subscribing.

    def find(
        self, endpoint: Endpoint, raw_message_delivery: bool | None, dead_letter_queue: Destination | None
    ) -> Subscription | None:
        """
        The subscription that the endpoint has already (SNS 6.1).

        Two objects of one ARN are two endpoints, unless one of them was given as that ARN.

        Raises:
            InvalidParameter: It has one, and something that is given differs.
        """
        for there in self._by_endpoint.get((endpoint.protocol, endpoint.arn), ()):
            if isinstance(there.endpoint, str) or isinstance(endpoint.given, str) or there.endpoint is endpoint.given:
                break
        else:
            return None
        fault = ""
        if raw_message_delivery is not None and raw_message_delivery != there.raw_message_delivery:
            fault = f"raw_message_delivery={there.raw_message_delivery}"
        elif dead_letter_queue is not None and dead_letter_queue is not there.dead_letter_queue:
            fault = f"dead_letter_queue={there.dead_letter_queue}"
        if fault:
            raise InvalidParameter(
                f"{IN_ATTRIBUTES}Subscription already exists with different attributes",
                help=f"{endpoint.shown} is subscribed with {fault}: unsubscribe it first.",
            )
        return there

    def add(self, subscription: Subscription) -> None:
        """
        One more subscription; what was published before is not for it (SNS 2.1).
        """
        self._by_endpoint.setdefault((subscription.protocol, subscription.endpoint_arn), []).append(subscription)
        self.subscriptions[subscription.arn] = subscription
        self._note_subscriptions()

    def remove(self, arn: str) -> Subscription | None:
        """
        One subscription less; None if there was none of that ARN (SNS 6.3).
        """
        subscription = self.subscriptions.get(arn)
        if subscription is None:
            return None
        key = (subscription.protocol, subscription.endpoint_arn)
        rest = [one for one in self._by_endpoint.get(key, ()) if one is not subscription]
        if rest:
            self._by_endpoint[key] = rest
        else:
            self._by_endpoint.pop(key, None)
        del self.subscriptions[arn]
        self._note_subscriptions()
        return subscription

    def _note_subscriptions(self) -> None:
        self._all = tuple(self.subscriptions.values())
        self._all_raw = all(one.is_raw_queue for one in self._all)

    # Publishing.

    def publish(
        self,
        now: int,
        message_id: str,
        message: str,
        subject: str | None = None,
        attributes: Mapping[str, AttributeValue] = NO_ATTRIBUTES,
    ) -> list[Round]:
        """
        What is to be delivered of a message. O(n) in the number of subscriptions.

        Args:
            now: When it is published.
            message_id: Its id.
            message: The text.
            subject: None: none.
            attributes: As `to_topic_attributes` returned them.
        """
        self.published += 1
        notification = Notification(self.face, message_id, message, now, subject, attributes)
        error = notification.unfit()
        fit = [one for one in self._all if error is None or not one.is_raw_queue]
        first = Round(message_id, now, [(one, one.parcel(notification)) for one in fit])
        self.recent.append(first)
        rounds = [first] if fit else []
        if error is not None:
            unfit = [(one, notification.raw()) for one in self._all if one.is_raw_queue]
            rounds += [Round(message_id, now, unfit, unfit=error, first=first)] if unfit else []
        return rounds

    def publish_plain(self, now: int, message_id: str, message: str) -> Round:
        """
        What is to be delivered of printable ASCII, and nothing but a text: every queue takes that raw.
        """
        self.published += 1
        if self._all_raw:
            # As `Parcel(message, cause=message_id)`, which takes three times as long.
            parcel = _new(Parcel, (message, NO_ATTRIBUTES, *_BEFORE_CAUSE, message_id, *_AFTER_CAUSE))
            one = Round(message_id, now, [(subscription, parcel) for subscription in self._all])
        else:
            notification = Notification(self.face, message_id, message, now)
            one = Round(message_id, now, [(each, each.parcel(notification)) for each in self._all])
        self.recent.append(one)
        return one

    def find_round(self, message_id: str) -> Round | None:
        """
        What is remembered of a message. Costs in proportion to how many are remembered: 1,000.
        """
        return next((one for one in reversed(self.recent) if one.message_id == message_id), None)
