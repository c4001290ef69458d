"""
What resources tell those who listen, and the two protocols by which they know one another.

An *observation* is one thing that happened to one message in one resource. Resources that nobody observes pay one
attribute check per operation. An observer is any callable; what it raises is logged and fails nothing.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

from postroom.clock import default_clock, to_datetime
from postroom.errors import InvalidInput, NotFound, PostroomError
from postroom.naming import Arn, check_account, check_region_name

if TYPE_CHECKING:
    from datetime import datetime

    from postroom.clock import Clock
    from postroom.message import Parcel

_logger = logging.getLogger("postroom")

Kind: TypeAlias = Literal[
    "sent",
    "received",
    "available",
    "hidden",
    "deleted",
    "expired",
    "purged",
    "redriven",
    "dead-lettered",
    "taken back",
    "moved in",
    "invoked",
    "succeeded",
    "failed",
    "published",
    "put",
    "matched",
    "delivered",
    "refused",
    "dropped",
    "written",
]
"""What can happen to a message. *available*: its delay or visibility timeout ended, or was set to 0; *hidden*: its
visibility was changed; *moved in*: it came as a dead letter; *taken back*: the dead-letter queue refused it; *redriven*: a
move task has sent it on; *invoked* to *failed* are a function's; *published* is a topic's; *put* a bus's, a stream's and a
delivery stream's; *matched* a rule's; *delivered*, *refused* (an attempt that failed) and *dropped* are of who hands on;
*written* went into an object."""

_causes: ContextVar[tuple[str, ...]] = ContextVar("postroom.causes", default=())


@contextmanager
def caused_by(*message_ids: str) -> Generator[None]:
    """
    Notes, of all that is sent, published and put within the block, that these messages are the cause.

    A function does this while its handler runs, which is how a recorder's story goes from the message that a handler
    took to those that it sent. Do it yourself where your own code takes a message and sends another. It goes with the
    thread and with the asyncio task, and serves observers alone.

    >>> from postroom import ManualClock, Queue, Recorder
    >>> queue = Queue("orders", clock=ManualClock(), seed=1)
    >>> recorder = Recorder(queue)
    >>> first = queue.send_message("2 x tea")
    >>> with caused_by(first.message_id):
    ...     second = queue.send_message("2 x tea, again")
    >>> recorder.story(second.message_id).observations[-1].details["caused_by"] == (first.message_id,)
    True
    """
    token = _causes.set(message_ids)
    try:
        yield
    finally:
        _causes.reset(token)


def causes() -> tuple[str, ...]:
    """
    For resources: the messages that are the cause of what the calling thread or task sends now.
    """
    return _causes.get()


class Wire(NamedTuple):
    """
    One arrow of a region's topology: what flows from where to where.

    >>> Wire("topic orders", "queue kitchen", "raw").to_dict()
    {'source': 'topic orders', 'target': 'queue kitchen', 'label': 'raw', 'kind': 'flow'}
    """

    source: str
    """Kind and name of where it comes from."""
    target: str
    """Kind and name of where it goes; of a target that is known by ARN alone, the ARN."""
    label: str = ""
    """What is to be said of it: a rule's name, a batch size; empty: nothing."""
    kind: Literal["flow", "dead letters"] = "flow"
    """*dead letters* go where nothing else could take them."""

    def to_dict(self) -> dict[str, str]:
        """
        As a plain dict.
        """
        return self._asdict()


class Observation(NamedTuple):
    """
    One thing that happened to one message in one resource.

    >>> from postroom import ManualClock, Queue
    >>> queue = Queue("orders", clock=ManualClock())
    >>> queue.observe(lambda seen: print(seen.at.time(), seen.resource, seen.kind))
    >>> sent = queue.send_message("2 x tea")
    00:00:00 queue orders sent
    """

    sequence: int
    """Drawn under the resource's lock: the order of what happened on one clock, also between threads."""
    at_us: int
    """The instant it happened, or fell due, in microseconds since the epoch; however late it was noticed."""
    kind: Kind
    """What happened."""
    resource: str
    """The resource's kind and name."""
    message_id: str
    """Which message."""
    details: Mapping[str, Any]
    """What else is known: ``receive_count``, ``body``, ``visible_at_us``, ``error``, …"""

    @property
    def at(self) -> datetime:
        """
        The instant as an aware `datetime` in UTC.
        """
        return to_datetime(self.at_us)

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict, ready for `json.dumps` with ``default=str``.

        >>> Observation(1, 1_704_067_200_000_000, "sent", "queue orders", "5f0c…", {}).to_dict()["kind"]
        'sent'
        """
        return {**self._asdict(), "details": dict(self.details)}


Observer: TypeAlias = Callable[[Observation], object]
"""Is called after the operation, without any lock, on the thread that caused or noticed what happened."""


def with_causes(seen: list[Observation], causes: tuple[str, ...]) -> list[Observation]:
    """
    For resources: the observations of what was taken in, which then say what it was made of.
    """
    if not causes:
        return seen
    return [
        one._replace(details={**one.details, "caused_by": causes}) if one.kind in {"sent", "published", "put"} else one
        for one in seen
    ]


def tell(observers: tuple[Observer, ...], observations: list[Observation]) -> None:
    """
    Tells each observer; one that raises is logged on the logger ``postroom`` and fails nothing.
    """
    for observation in observations:
        for observer in observers:
            try:
                observer(observation)
            except Exception:
                _logger.exception("postroom: the observer %r failed on %s", observer, observation)


@runtime_checkable
class Destination(Protocol):
    """
    Whatever can receive: a queue, a topic, a stream, a bus, a function.
    """

    @property
    def arn(self) -> str:
        """
        Its Amazon Resource Name.
        """
        ...

    @property
    def name(self) -> str:
        """
        Its name.
        """
        ...

    @property
    def kind(self) -> str:
        """
        What it is: ``queue``, ``fifo queue``, ``function`` and so on.
        """
        ...

    def deliver(self, parcel: Parcel) -> None:
        """
        Takes a parcel over; when it returns, the parcel is the destination's.

        Raises:
            PostroomError: It does not take it (it is closed, or the parcel is not acceptable): the sender keeps it.
        """
        ...


@runtime_checkable
class Choosy(Protocol):
    """
    A destination that may be one that never takes anything, and can say so beforehand.
    """

    def check_receives(self) -> None:
        """
        Does nothing if it may take what it is given.

        Raises:
            PostroomError: It never will.
        """
        ...


class Home(Protocol):
    """
    The region as a resource sees it.
    """

    @property
    def clock(self) -> Clock:
        """
        Where "now" comes from.
        """
        ...

    @property
    def random(self) -> random.Random:
        """
        Where ids come from.
        """
        ...

    @property
    def account(self) -> str:
        """
        Twelve digits.
        """
        ...

    @property
    def region_name(self) -> str:
        """
        Such as ``us-east-1``.
        """
        ...

    def resolve(self, arn: str) -> Destination:
        """
        The resource of that ARN.

        Raises:
            NotFound: There is none.
        """
        ...


def check_receives(destination: object, home: Home) -> None:
    """
    For those who hand on: refuses a destination that can say beforehand that it never takes anything.

    Who hands on does so later, and tells nobody what is refused then. What an ARN leads to is looked at if it is there.

    >>> check_receives("arn:aws:sqs:us-east-1:123456789012:not-there-yet", Standalone())

    Args:
        destination: An object, or an ARN.
        home: Where the ARN is looked up.

    Raises:
        PostroomError: As the destination says it.
    """
    if isinstance(destination, str):
        try:
            destination = home.resolve(destination)
        except PostroomError:
            return
    if isinstance(destination, Choosy):
        destination.check_receives()


def find_destination(given: object, home: Home) -> object:
    """
    For resources: what was given as an object, by its ARN, or, if it is a queue, by its name in the region.

    What is no `str` is returned as it is.

    >>> from postroom import ManualClock, Region
    >>> region = Region(clock=ManualClock())
    >>> dead = region.queue("dead")
    >>> find_destination("dead", region) is find_destination(dead.arn, region) is dead
    True

    Raises:
        InvalidInput: It is a `str` and neither.
        QueueDoesNotExist, NotFound: It is not there.
    """
    if not isinstance(given, str):
        return given
    return home.resolve(given if given.startswith("arn:") else str(Arn.queue(home.region_name, home.account, given)))


DEFAULT_ACCOUNT = "123456789012"
DEFAULT_REGION = "us-east-1"


class Standalone:
    """
    The home of a resource that was made without a region: it knows nobody else.

    >>> from postroom import ManualClock, Queue
    >>> Queue("orders", clock=ManualClock()).arn
    'arn:aws:sqs:us-east-1:123456789012:orders'
    """

    def __init__(
        self,
        clock: Clock | None = None,
        seed: int | random.Random | None = None,
        *,
        account: str = DEFAULT_ACCOUNT,
        region_name: str = DEFAULT_REGION,
        resource: str = "",
    ) -> None:
        check_account(account)
        check_region_name(region_name)
        if clock is not None and not hasattr(clock, "now_us"):
            raise InvalidInput(f"clock={clock!r} is no clock.", help="Give a ManualClock or a SystemClock.")
        if isinstance(seed, bool) or not isinstance(seed, int | random.Random | None):
            raise InvalidInput(f"seed={seed!r} is no seed.", help="Give an int or a random.Random.")
        self.clock: Clock = default_clock() if clock is None else clock
        # Two resources of one seed draw different ids: the seed is mixed with the name, as text, which does not depend
        # on PYTHONHASHSEED.
        self.random: random.Random = (
            seed
            if isinstance(seed, random.Random)
            else random.Random(f"{seed}/{resource}" if seed is not None and resource else seed)
        )
        self.account: str = account
        self.region_name: str = region_name

    def resolve(self, arn: str) -> Destination:
        """
        Nobody is known here.
        """
        raise NotFound(
            f"{arn} does not exist.", help="Resources find one another by ARN only in a Region; give the object itself."
        )


def home_of(home: Home | None, clock: Clock | None, seed: int | random.Random | None, resource: str) -> Home:
    """
    For resources: the home that one was given, or one of its own.

    Args:
        home: The region it was made in; None: none.
        clock: Its own clock, without a region.
        seed: Its own seed, without a region.
        resource: Its kind and name.

    Raises:
        InvalidInput: A home is given beside a clock or a seed.
    """
    if home is None:
        return Standalone(clock, seed, resource=resource)
    if clock is not None or seed is not None:
        raise InvalidInput(
            f"The {resource} belongs to a region, whose clock and seed it has.",
            help="Give home, or clock and seed, not both.",
        )
    return home
