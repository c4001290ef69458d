"""
Who is wired to whom: the names that the flow, the picture and the page share.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Lane(NamedTuple):
    """
    One queue of the topic, and the function that it feeds.
    """

    queue: str
    function: str
    does: str
    """What it does, in a few words."""


LANES: Final = (
    Lane("builds", "build-validator", "checks builds and checks"),
    Lane("reviews", "review-enricher", "says who did what where"),
    Lane("mail", "mailer", "composes a line of mail"),
    Lane("audit", "auditor", "puts every event on the bus"),
)

TOPIC: Final = "topic events"
BUS: Final = "bus hub"
STREAM: Final = "stream activity"
DIGEST: Final = "queue digest"
ATTENTION: Final = "queue attention"
COUNTER: Final = "function counter-by-repository"
ARCHIVE: Final = "delivery stream archive"
SOURCE: Final = "senders"
"""Where events come from: not a resource."""
OPERATOR: Final = "operator"
"""Who reads the digest and sends dead letters round again: not a resource either."""
STORE: Final = "objects"

RULES: Final = (("everything", STREAM), ("derived", DIGEST), ("needs-attention", ATTENTION))
"""Rules of the bus, and where each leads."""


def dead(queue: str) -> str:
    """
    The name of a queue's dead-letter queue.

    >>> dead("audit")
    'audit-dead'
    """
    return f"{queue}-dead"
