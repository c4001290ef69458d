"""
A region: makes resources and finds them by name, and gives them a clock, a random source and ARNs.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Literal, Never, Self, TypeVar

from postroom.errors import InvalidInput, NotFound, QueueDoesNotExist, QueueNameExists, ResourceClosed
from postroom.naming import Arn
from postroom.observe import DEFAULT_ACCOUNT, DEFAULT_REGION, Destination, Observer, Standalone
from postroom.queue import Queue
from postroom.worker import Function

if TYPE_CHECKING:
    from postroom.clock import Clock, Duration
    from postroom.delivery import Resource
    from postroom.faults import Faults
    from postroom.worker import Context

R = TypeVar("R", Queue, Function)

_QUEUE_ATTRIBUTES = {
    "visibility_timeout": "VisibilityTimeout",
    "delay": "DelaySeconds",
    "retention": "MessageRetentionPeriod",
    "receive_message_wait_time": "ReceiveMessageWaitTimeSeconds",
    "maximum_message_size": "MaximumMessageSize",
    "dead_letter_queue": "RedrivePolicy",
    "max_receive_count": "RedrivePolicy",
}


class Region:
    """
    A place where resources share a clock, a random source and names.

    >>> from postroom import ManualClock, Region
    >>> region = Region(clock=ManualClock(), seed=1)
    >>> orders = region.queue("orders", visibility_timeout=60)
    >>> region.queue("orders") is orders
    True
    >>> orders.arn
    'arn:aws:sqs:us-east-1:123456789012:orders'
    >>> region.resolve(orders.arn) is orders
    True

    With a seed, a `ManualClock` and one thread, the same program does the same, to the last id.

    Args:
        name: Such as ``us-east-1``.
        account: Twelve digits.
        clock: Where "now" comes from; the shared `SystemClock` unless given.
        seed: A number or a `random.Random` from which all ids are drawn.
        faults: A plan of faults for all its resources.

    Raises:
        InvalidInput: The name or the account is not of that form.
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
        self._resources: dict[str, Queue | Function] = {}
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

    def __iter__(self) -> Iterator[Queue | Function]:
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

    # Making and finding.

    def queue(
        self,
        name: str,
        *,
        visibility_timeout: Duration | None = None,
        delay: Duration | None = None,
        retention: Duration | None = None,
        receive_message_wait_time: Duration | None = None,
        maximum_message_size: int | None = None,
        dead_letter_queue: Destination | None = None,
        max_receive_count: int | None = None,
        **_not_there: Never,
    ) -> Queue:
        """
        The queue of that name: made now, or the one that is there.

        >>> from postroom import ManualClock, Region
        >>> region = Region(clock=ManualClock())
        >>> dead = region.queue("orders-dead")
        >>> orders = region.queue("orders", dead_letter_queue=dead, max_receive_count=3)
        >>> orders.max_receive_count
        3

        Args:
            name: 1 to 80 letters, digits, hyphens or underscores.
            visibility_timeout: As for `Queue`, and so are the others: None is the default for a queue that is made, and
                not compared with one that is there.
            delay: Seconds a new message stays hidden, 0 to 900.
            retention: Seconds after which a message vanishes, 60 to 1209600.
            receive_message_wait_time: Seconds a receive waits that does not say, 0 to 20.
            maximum_message_size: Bytes, 1024 to 1048576.
            dead_letter_queue: Where a message goes that was received `max_receive_count` times.
            max_receive_count: 1 to 1000.

        Raises:
            QueueNameExists: It is there, and something given differs.
            ResourceClosed: The region is closed.
        """
        given: dict[str, Any] = {
            "visibility_timeout": visibility_timeout,
            "delay": delay,
            "retention": retention,
            "receive_message_wait_time": receive_message_wait_time,
            "maximum_message_size": maximum_message_size,
            "dead_letter_queue": dead_letter_queue,
            "max_receive_count": max_receive_count,
        }
        given = {key: value for key, value in given.items() if value is not None}
        wanted = Queue(name, home=self, faults=self._faults, **given, **_not_there)
        queue = self._keep(wanted)
        for key in given:
            if getattr(queue, key) != getattr(wanted, key):
                attribute = _QUEUE_ATTRIBUTES[key]
                raise QueueNameExists(
                    f"A queue already exists with the same name and a different value for attribute {attribute}",
                    help=f"{key} of {name} is {getattr(queue, key)!r}, not {getattr(wanted, key)!r}.",
                    operation="queue",
                    resource=name,
                )
        return queue

    def function(
        self,
        handler: Callable[[dict[str, Any], Context], object],
        *,
        name: str | None = None,
        concurrency: int | None = None,
        on_error: Literal["record", "raise"] = "record",
        **_not_there: Never,
    ) -> Function:
        """
        A function made of a handler, under its own name or the one given.

        >>> from postroom import ManualClock, Region
        >>> region = Region(clock=ManualClock())
        >>> def brew(event, context): ...
        >>> region.function(brew).arn
        'arn:aws:lambda:us-east-1:123456789012:function:brew'

        Args:
            handler: Called with the event and a `Context`; what it returns is ignored.
            name: 1 to 64 letters, digits, hyphens or underscores; the handler's own name unless given.
            concurrency: How many calls run at a time, 1 or more; None: as many as the clock has threads.
            on_error: ``record`` or ``raise``, as for `Function`.

        Raises:
            InvalidInput: A function of that name is there.
            ResourceClosed: The region is closed.
        """
        function = Function(
            handler,
            name=name,
            concurrency=concurrency,
            on_error=on_error,
            faults=self._faults,
            home=self,
            **_not_there,
        )
        if self._keep(function) is not function:
            raise InvalidInput(
                f"Function already exist: {function.name}", help="Give it another name=…, or region.resolve(arn) it."
            )
        return function

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
            NotFound: There is no such resource of another kind, or it cannot receive.
        """
        parsed = Arn.parse(arn)
        with self._lock:
            found = self._resources.get(arn)
        if found is not None and found.closed:
            found = None
        if isinstance(found, Destination):
            return found
        if found is None and parsed.service == "sqs":
            raise QueueDoesNotExist(
                "The specified queue does not exist.",
                help=f"{arn} is not in {self._name}; make it with region.queue({parsed.name!r}).",
            )
        why = "is not there" if found is None else "does not take messages from other resources"
        raise NotFound(f"{arn} {why}.", help=f"In {self._name} are: {', '.join(self._resources) or 'none'}.")

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

    def close(self) -> None:
        """
        Closes it and all its resources.

        >>> from postroom import ManualClock, Region
        >>> with Region(clock=ManualClock()) as region:
        ...     orders = region.queue("orders")
        >>> orders.closed
        True
        """
        with self._lock:
            self._closed = True
        with ExitStack() as stack:
            # One that raises, as a handler may that runs while it closes, leaves no other open.
            for resource in reversed(list(self)):
                stack.callback(resource.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
