"""
Topics with the semantics of Amazon SNS: what is published goes to every subscription.
"""

from __future__ import annotations

from postroom.topic._publish import Published, PublishEntry
from postroom.topic._stats import TopicStats
from postroom.topic._subscription import Subscription
from postroom.topic._topic import Topic

__all__ = ["PublishEntry", "Published", "Subscription", "Topic", "TopicStats"]
