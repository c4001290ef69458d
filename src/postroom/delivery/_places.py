"""
Which ARNs can lead anywhere: those that a resource of the same region and account could have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from postroom.errors import NotSupported
from postroom.naming import Arn

if TYPE_CHECKING:
    from postroom.observe import Home

_MADE: Final[dict[str, Callable[[str, str, str], Arn]]] = {
    "events": Arn.event_bus,
    "firehose": lambda region, account, name: Arn("aws", "firehose", region, account, f"deliverystream/{name}"),
    "kinesis": Arn.stream,
    "lambda": Arn.function,
    "sns": Arn.topic,
    "sqs": Arn.queue,
}


def check_resolvable(arn: str, home: Home) -> None:
    """
    Refuses an ARN that no resource of the region has, whatever is made there later: it would lose all that is sent to it.

    >>> from postroom import ManualClock, Region
    >>> check_resolvable("arn:aws:s3:::photos", Region(clock=ManualClock()))
    Traceback (most recent call last):
        ...
    postroom.errors.NotSupported: Nothing can be delivered to arn:aws:s3:::photos.
      By ARN are found queues, topics, buses, streams, functions and delivery streams of us-east-1, account 123456789012; give an object to reach one elsewhere.

    Raises:
        NotSupported: It is of another service, region, account or partition, or of a version or an alias.
        InvalidInput: It is no ARN.
    """
    parsed = Arn.parse(arn)
    make = _MADE.get(parsed.service)
    if make is None or str(make(home.region_name, home.account, parsed.name or "-")) != arn:
        raise NotSupported(
            f"Nothing can be delivered to {arn}.",
            help="By ARN are found queues, topics, buses, streams, functions and delivery streams of "
            f"{home.region_name}, account {home.account}; give an object to reach one elsewhere.",
        )
