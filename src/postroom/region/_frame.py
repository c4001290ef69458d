"""
What a region is, whatever it can make: a clock, a random source, names, and the resources that bear them.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias, TypeVar

from postroom.clock import to_us
from postroom.errors import InvalidInput, NotFound, QueueDoesNotExist, ResourceClosed
from postroom.limits import CLOSE_TIMEOUT_S
from postroom.naming import Arn
from postroom.observe import DEFAULT_ACCOUNT, DEFAULT_REGION, Observer, Standalone
from postroom.region._ending import await_calls
from postroom.region._topology import Topology
from postroom.worker import Function

if TYPE_CHECKING:
    from postroom.bus import EventBus
    from postroom.clock import Clock, Duration
    from postroom.delivery import Resource
    from postroom.faults import Faults
    from postroom.firehose import DeliveryStream
    from postroom.observe import Destination
    from postroom.queue import FifoQueue, Queue
    from postroom.stream import Stream
    from postroom.topic import Topic

    AnyResource: TypeAlias = Queue | FifoQueue | Topic | EventBus | Stream | Function | DeliveryStream

R = TypeVar("R", bound="AnyResource")

_GIVES: Final = {
    "clock": "all its resources live by the region's clock",
    "faults": "a plan of faults is the region's, for all its resources",
    "home": "the region is the home of what it makes",
    "seed": "the ids of all its resources are drawn from the region's seed",
}
"""What resources take that are on their own, and a region gives them."""


class RegionFrame:
    """
    Not for users: see `Region`.
    """

    def __init__(
        self,
        name: str = DEFAULT_REGION,
        *,
        account: str = DEFAULT_ACCOUNT,
        clock: Clock | None = None,
        seed: int | random.Random | None = None,
        faults: Faults | None = None,
    ) -> None:
        home = Standalone(clock, seed, account=account, region_name=name)
        self._clock = home.clock
        self._random = home.random
        self._account = account
        self._name = name
        self._faults = faults
        self._lock = threading.Lock()
        self._resources: dict[str, AnyResource] = {}
        self._deleted: dict[str, int] = {}
        """Names of queues that were deleted, and when: they are not free at once."""
        self._observers: list[Observer] = []
        self._closed = False

    @property
    def name(self) -> str:
        """
        Such as ``us-east-1``.
        """
        return self._name

    @property
    def region_name(self) -> str:
        """
        The same, as the resources ask for it.
        """
        return self._name

    @property
    def account(self) -> str:
        """
        Twelve digits.
        """
        return self._account

    @property
    def clock(self) -> Clock:
        """
        The clock of all its resources.
        """
        return self._clock

    @property
    def random(self) -> random.Random:
        """
        Where its resources draw ids from.
        """
        return self._random

    def __repr__(self) -> str:
        held = ", ".join(str(resource) for resource in self) or "nothing in it"
        return f"<Region {self._name} of {self._account}: {held}{', closed' if self._closed else ''}>"

    def __iter__(self) -> Iterator[AnyResource]:
        """
        Its resources, in the order in which they were made.
        """
        with self._lock:
            return iter(list(self._resources.values()))

    def __contains__(self, name: object) -> bool:
        """
        Whether it has a resource of that name or ARN, or that resource.

        >>> from postroom import ManualClock, Region
        >>> region = Region(clock=ManualClock())
        >>> orders = region.queue("orders")
        >>> "orders" in region, "ordres" in region
        (True, False)
        """
        return any(name in {resource.name, resource.arn} or name is resource for resource in self)

    def _keep(self, resource: R) -> R:
        with self._lock:
            if self._closed:
                raise ResourceClosed(f"The region {self._name} is closed.", help="It makes no more resources.")
            there = self._resources.setdefault(resource.arn, resource)
            if there.closed:
                there = self._resources[resource.arn] = resource
            if there is resource:
                for observer in self._observers:
                    resource.observe(observer)
        assert isinstance(there, type(resource))
        return there

    def resolve(self, arn: str) -> Destination:
        """
        The resource of an ARN.

        >>> from postroom import ManualClock, Region
        >>> Region(clock=ManualClock()).resolve("arn:aws:sqs:us-east-1:123456789012:orders")
        Traceback (most recent call last):
            ...
        postroom.errors.QueueDoesNotExist: The specified queue does not exist.
          arn:aws:sqs:us-east-1:123456789012:orders is not in us-east-1; make it with region.queue('orders').

        Raises:
            InvalidInput: It is no ARN.
            QueueDoesNotExist: There is no such queue.
            NotFound: There is no such resource of another kind.
        """
        parsed = Arn.parse(arn)
        with self._lock:
            found = self._resources.get(arn)
        if found is not None and found.closed:
            found = None
        if found is not None:
            return found
        if parsed.service == "sqs":
            raise QueueDoesNotExist(
                "The specified queue does not exist.",
                help=f"{arn} is not in {self._name}; make it with region.queue({parsed.name!r}).",
            )
        raise NotFound(f"{arn} is not there.", help=f"In {self._name} are: {', '.join(self._resources) or 'none'}.")

    def _find(self, kind: type[R], arn: str) -> R | None:
        """
        The open resource of that ARN, if there is one.
        """
        with self._lock:
            found = self._resources.get(arn)
        if found is None or found.closed:
            return None
        assert isinstance(found, kind)
        return found

    def _refuse_given(self, operation: str, given: Mapping[str, object]) -> None:
        """
        Refuses what a resource of a region has from it.

        Raises:
            InvalidInput: It is given.
        """
        for name in given:
            if name in _GIVES:
                own = "" if name == "home" else f", and give it to the Region itself: Region({name}=…)"
                raise InvalidInput(
                    f"{operation}({name}=…): {_GIVES[name]}.", help=f"Leave {name}= out{own}.", operation=operation
                )

    # All of them.

    def observe(self, observer: Observer) -> None:
        """
        Has the observer told of everything that happens in its resources, those to come included.

        >>> from postroom import ManualClock, Region
        >>> region = Region(clock=ManualClock())
        >>> region.observe(lambda seen: print(seen.resource, seen.kind))
        >>> sent = region.queue("orders").send_message("2 x tea")
        queue orders sent
        """
        with self._lock:
            if observer not in self._observers:
                self._observers.append(observer)
            resources: list[Resource] = list(self._resources.values())
        for resource in resources:
            resource.observe(observer)

    def unobserve(self, observer: Observer) -> None:
        """
        Tells the observer no more; one that was never told is ignored.

        >>> from postroom import ManualClock, Region
        >>> region = Region(clock=ManualClock())
        >>> region.observe(print)
        >>> region.unobserve(print)
        >>> sent = region.queue("orders").send_message("2 x tea")
        """
        with self._lock:
            self._observers = [one for one in self._observers if one != observer]
            resources: list[Resource] = list(self._resources.values())
        for resource in resources:
            resource.unobserve(observer)

    def topology(self) -> Topology:
        """
        How its resources are wired, as an object that prints as text and as Mermaid.

        >>> from postroom import ManualClock, Region
        >>> region = Region(clock=ManualClock())
        >>> function = region.function(lambda event, context: None, name="cook")
        >>> mapping = function.add_event_source(region.queue("kitchen"), batch_size=5)
        >>> print(region.topology())
        queue kitchen -> function cook (batches of 5)
        """
        resources = list(self)
        wires = [wire for resource in resources for wire in resource.wires()]
        return Topology.of([str(resource) for resource in resources], wires)

    def stats(self) -> dict[str, Any]:
        """
        The figures of each resource, by its kind and name.

        >>> from postroom import ManualClock, Region
        >>> region = Region(clock=ManualClock())
        >>> sent = region.queue("orders").send_message("2 x tea")
        >>> region.stats()["queue orders"].available
        1
        """
        return {str(resource): resource.stats() for resource in self}

    def explain(self, message_id: str) -> str:
        """
        Says what each of its resources knows of a message, a line each.

        >>> from postroom import ManualClock, Region
        >>> region = Region(clock=ManualClock())
        >>> sent = region.queue("orders").send_message("2 x tea")
        >>> print(region.explain(sent.message_id))
        queue orders: available: sent 0.0 s ago, received never
        """
        known = [(resource, resource.explain(message_id)) for resource in self]
        lines = [f"{resource}: {what}" for resource, what in known if not what.startswith("unknown")]
        return "\n".join(lines) or f"unknown: no resource of {self._name} knows of it"

    def close(self, timeout: Duration | None = CLOSE_TIMEOUT_S) -> None:
        """
        Closes it and all its resources: functions first, then what their last calls may still need.

        1. The functions take no more work. What a queue or a stream holds stays there; asynchronous invocations that wait
           for their turn or for a retry are dropped, and counted. What a last call still has delivered to one of them, by a
           topic or a bus, is refused: it goes to dead letters, or is dropped.
        2. Calls under way are waited for, in real time and for at most `timeout` seconds, so that what they send arrives
           and what they took is deleted. Those that take longer go on; the logger ``postroom`` names their functions.
        3. The other resources close, what was made last first; a delivery stream writes what it holds.

        Until then the region is open: a call under way may look up a queue. Nothing is waited for on a `ManualClock`, in a
        handler of one of the functions, or for coroutines of the calling thread's event loop. Leaving its ``with`` block
        closes it. Closing twice does nothing.

        >>> from postroom import ManualClock, Region
        >>> with Region(clock=ManualClock()) as region:
        ...     orders = region.queue("orders")
        >>> orders.closed
        True

        Args:
            timeout: Seconds of real time, 0 or more; None: without end.

        Raises:
            InvalidInput: The timeout is no time, or negative.
            ObjectNotWritten: A delivery stream could not write all it holds. All is closed all the same.
        """
        patience = None if timeout is None else to_us(timeout, "timeout")
        if patience is not None and patience < 0:
            raise InvalidInput(f"timeout={timeout!r} is negative.", help="Give 0 or more seconds, or None.")
        functions = [resource for resource in self if isinstance(resource, Function)]
        # From the last to the first, each whatever became of those before: an error, or Ctrl-C, leaves nothing open.
        with ExitStack() as stack:
            stack.callback(self._close_others, functions)
            if not self._closed:
                stack.callback(await_calls, f"region {self._name}", self._clock, functions, patience)
            for function in functions:
                stack.callback(function.close)

    def _close_others(self, closed: list[Function]) -> None:
        with self._lock:
            self._closed = True
        with ExitStack() as stack:
            # What was made last closes first: who reads from what was there before.
            for resource in self:
                if resource not in closed:
                    stack.callback(resource.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
