"""
What may be subscribed to a topic, and by which protocol (SNS 6.1, 10.5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from postroom.delivery import check_resolvable
from postroom.errors import InvalidInput, InvalidParameter, NotSupported
from postroom.naming import Arn
from postroom.observe import Destination, check_receives
from postroom.topic._refusals import PROTOCOLS_NOT_THERE

if TYPE_CHECKING:
    from postroom.clock import Clock
    from postroom.observe import Home

_BY_KIND: Final = {"queue": "sqs", "fifo queue": "sqs", "function": "lambda", "delivery stream": "firehose"}
_BY_SERVICE: Final = {"sqs": "sqs", "lambda": "lambda", "firehose": "firehose"}
_SHOWN: Final = {"sqs": "SQS", "lambda": "Lambda", "firehose": "Firehose"}
_RESOURCES: Final = {"sqs": "", "lambda": "function:", "firehose": "deliverystream/"}
_HINTS: Final = (("https://", "https"), ("http://", "http"))
IN_ATTRIBUTES: Final = "Invalid parameter: Attributes Reason: "


class Endpoint(NamedTuple):
    """
    What a subscription leads to.
    """

    protocol: str
    given: Destination | str
    arn: str
    name: str
    shown: str


def find_endpoint(endpoint: object, protocol: object, home: Home) -> Endpoint:
    """
    What a caller wants to subscribe, checked.

    Raises:
        InvalidParameter: The protocol is unknown, the endpoint does not go with it, or it is a FIFO queue.
        NotSupported: AWS has the protocol, and postroom has not; or the endpoint is another account's, or an ARN of another
            region, or a function whose handler is an ``async def``.
        InvalidInput: The endpoint is nothing of the kind, or lives by another clock.
    """
    if protocol is not None:
        _check_protocol(protocol)
    found = _of_arn(endpoint, protocol) if isinstance(endpoint, str) else _of_object(endpoint, protocol, home.clock)
    account = Arn.parse(found.arn).account
    if account != home.account:
        raise NotSupported(
            f"{found.arn} belongs to another account: the confirmation that its subscription needs is not there.",
            help=f"This topic belongs to {home.account}.",
        )
    if isinstance(found.given, str):
        check_resolvable(found.given, home)
    check_receives(found.given, home)
    return found


def _check_protocol(protocol: object) -> None:
    if not isinstance(protocol, str):
        raise InvalidInput(f"protocol={protocol!r} is no str.", help="Give sqs, lambda or firehose, or None.")
    if protocol in PROTOCOLS_NOT_THERE:
        raise NotSupported(
            f"subscribe(protocol={protocol!r}): endpoints of this kind are not there.",
            help="Subscribe a queue, a function or a delivery stream.",
        )
    if protocol not in _SHOWN:
        raise InvalidParameter(
            f"Invalid parameter: Amazon SNS does not support this protocol string: {protocol}",
            help="Give sqs, lambda or firehose, in lower case.",
        )


def _of_object(endpoint: object, protocol: object, clock: Clock) -> Endpoint:
    if not isinstance(endpoint, Destination):
        raise InvalidInput(
            f"{endpoint!r} cannot be subscribed to a topic.",
            help="Give a Queue, a Function, a DeliveryStream, or an ARN.",
        )
    own = _BY_KIND.get(endpoint.kind)
    if own is None:
        raise InvalidInput(
            f"A {endpoint.kind} cannot be subscribed to a topic.", help="Give a Queue, a Function or a DeliveryStream."
        )
    if protocol is not None and own != protocol:
        raise _refuse(str(protocol), f"{endpoint.name} is a {endpoint.kind}")
    if endpoint.kind == "fifo queue":
        raise _refuse_fifo(endpoint.name)
    if getattr(endpoint, "clock", clock) is not clock:
        raise InvalidInput(
            f"The {endpoint.kind} {endpoint.name} lives by a different clock.",
            help="Give both the same clock=…; without one they have the shared SystemClock.",
        )
    return Endpoint(own, endpoint, endpoint.arn, endpoint.name, f"{endpoint.kind} {endpoint.name}")


def _of_arn(endpoint: str, protocol: object) -> Endpoint:
    wanted = protocol if isinstance(protocol, str) else None
    if wanted is None:
        for start, known in _HINTS:
            if endpoint.lower().startswith(start):
                _check_protocol(known)
    try:
        arn = Arn.parse(endpoint)
    except InvalidInput as error:
        raise _refuse(wanted or "sqs", error.help) from None
    own = _BY_SERVICE.get(arn.service)
    if own is None or (wanted is not None and own != wanted):
        raise _refuse(wanted or "sqs", f"{endpoint} is of the service {arn.service}")
    if not arn.resource.startswith(_RESOURCES[own]):
        raise _refuse(own, f"{endpoint} names {arn.resource}, and not {_RESOURCES[own]}…")
    if own == "sqs" and arn.resource.endswith(".fifo"):
        raise _refuse_fifo(arn.name)
    return Endpoint(own, endpoint, endpoint, arn.name, endpoint)


def _refuse(protocol: str, why: str) -> InvalidParameter:
    return InvalidParameter(
        f"Invalid parameter: {_SHOWN[protocol]} endpoint ARN", help=f"{why}: give the object itself, or its ARN."
    )


def _refuse_fifo(name: str) -> InvalidParameter:
    return InvalidParameter(
        "Invalid parameter: Invalid parameter: Endpoint Reason: "
        "FIFO SQS Queues can not be subscribed to standard SNS topics",
        help=f"{name} is a FIFO queue; the doubled beginning is AWS's own.",
    )


def find_dead_letter_queue(given: object, home: Home) -> Destination | None:
    """
    The dead-letter queue of a subscription, checked: a queue of the same account and region (SNS 10.5).

    Raises:
        InvalidParameter: It is no ARN, no queue, or elsewhere.
        NotFound: There is no queue of that ARN.
        InvalidInput: It is nothing of the kind, or lives by another clock.
    """
    if given is None:
        return None
    queue: object = given
    if isinstance(given, str):
        try:
            Arn.parse(given)
        except InvalidInput as error:
            raise InvalidParameter(
                f"{IN_ATTRIBUTES}RedrivePolicy: deadLetterTargetArn is an invalid arn", help=error.help
            ) from None
        queue = home.resolve(given)
    if not isinstance(queue, Destination):
        raise InvalidInput(
            f"dead_letter_queue={given!r} is no queue.", help="Give a Queue object: Queue('orders-dead')."
        )
    place = Arn.parse(queue.arn)
    fault = ""
    if queue.kind not in {"queue", "fifo queue"}:
        fault = f"{queue.name} is a {queue.kind}, and no queue"
    elif queue.kind == "fifo queue":
        fault = f"{queue.name} is a FIFO queue, and the topic is a standard topic"
    elif (place.region, place.account) != (home.region_name, home.account):
        fault = f"{queue.arn} is not in {home.region_name}, account {home.account}"
    if fault:
        raise InvalidParameter(f"{IN_ATTRIBUTES}RedrivePolicy: deadLetterTargetArn is an invalid arn", help=f"{fault}.")
    if getattr(queue, "clock", home.clock) is not home.clock:
        raise InvalidInput(
            f"The dead-letter queue {queue.name} lives by a different clock.",
            help="Give both the same clock=…; without one they have the shared SystemClock.",
        )
    return queue
