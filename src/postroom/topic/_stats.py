"""
What a topic tells about itself.
"""

from __future__ import annotations

from typing import NamedTuple


class TopicStats(NamedTuple):
    """
    What a topic holds and what went through it.

    >>> from postroom import ManualClock, Queue, Topic
    >>> clock = ManualClock()
    >>> topic = Topic("orders", clock=clock)
    >>> subscription = topic.subscribe(Queue("kitchen", clock=clock))
    >>> published = topic.publish("2 x tea")
    >>> topic.stats().published, topic.stats().delivered
    (1, 1)
    """

    subscriptions: int
    """Subscriptions there are (SubscriptionsConfirmed)."""
    published: int
    """Messages published, each entry of a batch counted (NumberOfMessagesPublished)."""
    delivered: int
    """Notifications that were taken over (NumberOfNotificationsDelivered)."""
    refused: int
    """Attempts that failed."""
    retrying: int
    """Notifications that wait for their next attempt."""
    dead_lettered: int
    """Notifications that went to a subscription's dead-letter queue (NumberOfNotificationsRedrivenToDlq)."""
    dropped: int
    """Notifications that were given up, and are lost."""

    def to_dict(self) -> dict[str, int]:
        """
        As a plain dict.

        >>> from postroom import ManualClock, Topic
        >>> Topic("orders", clock=ManualClock()).stats().to_dict()["published"]
        0
        """
        return self._asdict()
