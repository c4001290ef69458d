"""
Names: ARNs, and what queues, accounts, regions and the entries of a batch may be called.

The checks return nothing and refuse with an error; the names of topics, buses and streams are checked where those
live. Inside one program nobody needs an ARN, because an object will do; they serve where a name has to travel.

>>> Arn.parse("arn:aws:sqs:us-east-1:123456789012:orders") == Arn.queue("us-east-1", "123456789012", "orders")
True
"""

from __future__ import annotations

import re
from typing import Final

import attrs

from postroom.errors import InvalidBatchEntryId, InvalidInput, InvalidParameterValue
from postroom.limits import BATCH_ENTRY_ID_MAX_CHARS, QUEUE_NAME_MAX_CHARS

__all__ = ["Arn", "check_account", "check_batch_entry_id", "check_queue_name", "check_region_name"]

_FIFO: Final = ".fifo"
_QUEUE_NAME: Final = re.compile(f"[A-Za-z0-9_-]{{1,{QUEUE_NAME_MAX_CHARS}}}")
_FIFO_QUEUE_NAME: Final = re.compile(f"[A-Za-z0-9_-]{{1,{QUEUE_NAME_MAX_CHARS - len(_FIFO)}}}{re.escape(_FIFO)}")
_BATCH_ENTRY_ID: Final = re.compile(f"[A-Za-z0-9_-]{{1,{BATCH_ENTRY_ID_MAX_CHARS}}}")
_ACCOUNT: Final = re.compile("[0-9]{12}")
_REGION_NAME: Final = re.compile("[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PARTS: Final = 6
_BUS: Final = "event-bus/"
_FORM: Final = "an ARN is written arn:partition:service:region:account:resource"


@attrs.frozen
class Arn:
    """
    An Amazon Resource Name, taken apart.

    >>> arn = Arn.rule("us-east-1", "123456789012", "big-orders", bus="shop")
    >>> str(arn)
    'arn:aws:events:us-east-1:123456789012:rule/shop/big-orders'
    >>> arn.service, arn.name
    ('events', 'big-orders')

    Only the form is checked: that the parts are there and can be told apart. Whether a region, an account or a
    resource of that name exists is for others to say.

    Args:
        partition: ``aws``, and in some parts of the world another; not empty.
        service: ``sqs``, ``sns``, ``lambda``, ``kinesis``, ``events`` and others; not empty.
        region: Such as ``us-east-1``; empty for what belongs to no region.
        account: 12 digits; empty for what belongs to no account.
        resource: All the rest, slashes and colons included; not empty.

    Raises:
        InvalidInput: A part that must be there is empty, or one before the resource holds a colon.
    """

    partition: str
    service: str
    region: str
    account: str
    resource: str

    def __attrs_post_init__(self) -> None:
        for part in ("partition", "service", "resource"):
            if not getattr(self, part):
                raise InvalidInput(f"The {part} of an ARN must not be empty.", help=f"got {str(self)!r}; {_FORM}")
        for part in ("partition", "service", "region", "account"):
            if ":" in getattr(self, part):
                raise InvalidInput(f"The {part} of an ARN must not hold a colon.", help=f"got {getattr(self, part)!r}")

    @classmethod
    def parse(cls, text: object) -> Arn:
        """
        Take an ARN apart.

        >>> Arn.parse("arn:aws:kinesis:us-east-1:123456789012:stream/clicks").name
        'clicks'
        >>> Arn.parse("orders")
        Traceback (most recent call last):
        ...
        postroom.errors.InvalidInput: An ARN must have at least 6 elements, not 1
          got 'orders'; an ARN is written arn:partition:service:region:account:resource

        Raises:
            InvalidInput: The text has fewer than six parts, does not start with ``arn:``, leaves a part empty that
                must be there, or is no `str`. Services wrap the text in one of their own (SNS 1.1).
        """
        if not isinstance(text, str):
            raise InvalidInput("An ARN must be a str.", help=f"got a value of type {type(text).__name__}; {_FORM}")
        parts = text.split(":", _PARTS - 1)
        if len(parts) < _PARTS:
            raise InvalidInput(
                f"An ARN must have at least {_PARTS} elements, not {len(parts)}", help=f"got {text!r}; {_FORM}"
            )
        if parts[0] != "arn":
            raise InvalidInput("An ARN must start with 'arn:'.", help=f"got {text!r}; {_FORM}")
        return cls(*parts[1:])

    @classmethod
    def queue(cls, region: str, account: str, name: str) -> Arn:
        """
        Return the ARN of a queue (SQS 1).

        >>> str(Arn.queue("us-east-1", "123456789012", "orders"))
        'arn:aws:sqs:us-east-1:123456789012:orders'
        """
        return cls("aws", "sqs", region, account, name)

    @classmethod
    def topic(cls, region: str, account: str, name: str) -> Arn:
        """
        Return the ARN of a topic (SNS 1.1).

        >>> str(Arn.topic("us-east-1", "123456789012", "news"))
        'arn:aws:sns:us-east-1:123456789012:news'
        """
        return cls("aws", "sns", region, account, name)

    @classmethod
    def function(cls, region: str, account: str, name: str) -> Arn:
        """
        Return the ARN of a function.

        >>> str(Arn.function("us-east-1", "123456789012", "counter"))
        'arn:aws:lambda:us-east-1:123456789012:function:counter'
        """
        return cls("aws", "lambda", region, account, f"function:{name}")

    @classmethod
    def stream(cls, region: str, account: str, name: str) -> Arn:
        """
        Return the ARN of a stream (KIN 1).

        >>> str(Arn.stream("us-east-1", "123456789012", "clicks"))
        'arn:aws:kinesis:us-east-1:123456789012:stream/clicks'
        """
        return cls("aws", "kinesis", region, account, f"stream/{name}")

    @classmethod
    def event_bus(cls, region: str, account: str, name: str) -> Arn:
        """
        Return the ARN of an event bus (EB 2).

        >>> str(Arn.event_bus("us-east-1", "123456789012", "default"))
        'arn:aws:events:us-east-1:123456789012:event-bus/default'
        """
        return cls("aws", "events", region, account, f"{_BUS}{name}")

    @classmethod
    def rule(cls, region: str, account: str, name: str, *, bus: str = "default") -> Arn:
        """
        Return the ARN of a rule; the default bus goes unnamed in it (EB 2).

        >>> str(Arn.rule("us-east-1", "123456789012", "nightly"))
        'arn:aws:events:us-east-1:123456789012:rule/nightly'
        """
        return cls("aws", "events", region, account, f"rule/{name}" if bus == "default" else f"rule/{bus}/{name}")

    @property
    def name(self) -> str:
        """
        What the resource is called, without its kind, its parents and its version.

        This holds for queues, topics, functions, streams, event buses, rules, archives and replays; of any other
        resource it is the part after the last slash.

        >>> Arn.parse("arn:aws:lambda:us-east-1:123456789012:function:counter:live").name
        'counter'
        >>> Arn.parse("arn:aws:events:us-east-1:123456789012:event-bus/aws.partner/shop.example/eu").name
        'aws.partner/shop.example/eu'
        """
        resource = self.resource
        if resource.startswith(_BUS):
            return resource.removeprefix(_BUS)  # the names of partners' buses have slashes in them
        if resource.startswith("function:"):
            return resource.split(":")[1]
        if self.service in {"sqs", "sns"}:
            return resource.rpartition(":")[2]
        return resource.rpartition("/")[2]

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


def check_queue_name(name: object, *, fifo: bool = False) -> None:
    """
    Refuse what cannot be the name of a queue.

    >>> check_queue_name("orders")
    >>> check_queue_name("orders.fifo", fifo=True)
    >>> check_queue_name("orders.fifo")
    Traceback (most recent call last):
    ...
    postroom.errors.InvalidParameterValue: Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length
      the name 'orders.fifo' has '.' at index 6; only a FIFO queue's name ends in .fifo

    Args:
        name: 1 to 80 letters A to Z in either case, digits, hyphens or underscores.
        fifo: Whether the queue is a FIFO queue. Its name ends in ``.fifo``, which counts towards the 80, and has at
            least one character before it.

    Raises:
        InvalidInput: The name is no `str`.
        InvalidParameterValue: The name is too long, too short or has other characters, or the suffix is missing where
            it must be or is there where it must not be (SQS 6.2, 6.3).
    """
    if not isinstance(name, str):
        raise InvalidInput("The name of a queue must be a str.", help=f"got a value of type {type(name).__name__}")
    if (_FIFO_QUEUE_NAME if fifo else _QUEUE_NAME).fullmatch(name):
        return
    raise InvalidParameterValue(
        "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores,"
        f" must end with .fifo suffix and be 1 to {QUEUE_NAME_MAX_CHARS} in length."
        if fifo
        else f"Can only include alphanumeric characters, hyphens, or underscores. 1 to {QUEUE_NAME_MAX_CHARS} in length",
        help=f"the name {_fault_of_queue_name(name, fifo=fifo)}",
    )


def _fault_of_queue_name(name: str, *, fifo: bool) -> str:
    """
    Say what keeps a name from being that of a queue.
    """
    if not fifo and name.endswith(_FIFO):
        return f"{_fault(name, QUEUE_NAME_MAX_CHARS)}; only a FIFO queue's name ends in .fifo"
    if fifo and not name.endswith(_FIFO):
        return f"{_shown(name)} does not end in .fifo"
    if fifo and name == _FIFO:
        return "has nothing before .fifo"
    return _fault(name, QUEUE_NAME_MAX_CHARS)


def check_batch_entry_id(entry_id: object) -> None:
    """
    Refuse what cannot be the id of an entry of a batch.

    >>> check_batch_entry_id("order-1")
    >>> check_batch_entry_id("order 1")
    Traceback (most recent call last):
    ...
    postroom.errors.InvalidBatchEntryId: A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.
      the id 'order 1' has ' ' at index 5

    Args:
        entry_id: 1 to 80 letters A to Z in either case, digits, hyphens or underscores.

    Raises:
        InvalidInput: The id is no `str`.
        InvalidBatchEntryId: The id is empty, too long or has other characters (SQS 6.4).
    """
    if not isinstance(entry_id, str):
        raise InvalidInput(
            "The id of a batch entry must be a str.", help=f"got a value of type {type(entry_id).__name__}"
        )
    if not _BATCH_ENTRY_ID.fullmatch(entry_id):
        raise InvalidBatchEntryId(
            "A batch entry id can only contain alphanumeric characters, hyphens and underscores."
            f" It can be at most {BATCH_ENTRY_ID_MAX_CHARS} letters long.",
            help=f"the id {_fault(entry_id, BATCH_ENTRY_ID_MAX_CHARS)}",
        )


def check_account(account: object) -> None:
    """
    Refuse what cannot be the number of an AWS account: a `str` of exactly 12 digits.

    >>> check_account("123456789012")
    >>> check_account(123456789012)
    Traceback (most recent call last):
    ...
    postroom.errors.InvalidInput: An account must be a str of 12 digits.
      got a value of type int; as a number it would lose its leading zeros

    Raises:
        InvalidInput: It is something else.
    """
    if not isinstance(account, str):
        raise InvalidInput(
            "An account must be a str of 12 digits.",
            help=f"got a value of type {type(account).__name__}; as a number it would lose its leading zeros",
        )
    if not _ACCOUNT.fullmatch(account):
        raise InvalidInput("An account must be a str of 12 digits.", help=f"got {_shown(account)}")


def check_region_name(region_name: object) -> None:
    """
    Refuse what cannot be the name of a region: words of small letters and digits, joined by hyphens.

    AWS's own names are of that form; any other name of it will do, for a region of one's own.

    >>> check_region_name("eu-central-1")
    >>> check_region_name("Mars 1")
    Traceback (most recent call last):
    ...
    postroom.errors.InvalidInput: The name of a region must be lower-case words joined by hyphens, such as us-east-1.
      got 'Mars 1'

    Raises:
        InvalidInput: It is something else.
    """
    if not isinstance(region_name, str) or not _REGION_NAME.fullmatch(region_name):
        shown = _shown(region_name) if isinstance(region_name, str) else f"a value of type {type(region_name).__name__}"
        raise InvalidInput(
            "The name of a region must be lower-case words joined by hyphens, such as us-east-1.", help=f"got {shown}"
        )


def _fault(name: str, longest: int) -> str:
    """
    Say what keeps a name from being 1 to `longest` of the characters that queues and entries may have.
    """
    if not name:
        return "is empty"
    if len(name) > longest:
        return f"{_shown(name)} has {len(name)} characters, and {longest} are allowed"
    match = re.search("[^A-Za-z0-9_-]", name)
    assert match is not None
    return f"{_shown(name)} has {match[0]!r} at index {match.start()}"


def _shown(name: str) -> str:
    return repr(name) if len(name) <= QUEUE_NAME_MAX_CHARS else f"{name[:QUEUE_NAME_MAX_CHARS]!r}..."
