"""
A region makes resources and finds them by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Never

from postroom.errors import InvalidInput, QueueNameExists
from postroom.limits import INVOCATION_RETRIES_MAX
from postroom.observe import find_destination
from postroom.queue import Queue
from postroom.region._makers import Makers
from postroom.worker import Function

if TYPE_CHECKING:
    from postroom.clock import Duration
    from postroom.observe import Destination
    from postroom.worker import Context

_QUEUE_ATTRIBUTES = {
    "visibility_timeout": "VisibilityTimeout",
    "delay": "DelaySeconds",
    "retention": "MessageRetentionPeriod",
    "receive_message_wait_time": "ReceiveMessageWaitTimeSeconds",
    "maximum_message_size": "MaximumMessageSize",
    "dead_letter_queue": "RedrivePolicy",
    "max_receive_count": "RedrivePolicy",
}


class Region(Makers):
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
        dead_letter_queue: Destination | str | None = None,
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
        >>> region.queue("orders", dead_letter_queue="orders-dead", max_receive_count=3) is orders
        True

        Args:
            name: 1 to 80 letters, digits, hyphens or underscores.
            visibility_timeout: As for `Queue`, and so are the others: None is the default for a queue that is made, and
                not compared with one that is there.
            delay: Seconds a new message stays hidden, 0 to 900.
            retention: Seconds after which a message vanishes, 60 to 1209600.
            receive_message_wait_time: Seconds a receive waits that does not say, 0 to 20.
            maximum_message_size: Bytes, 1024 to 1048576.
            dead_letter_queue: Where a message goes that was received `max_receive_count` times: a queue, or the name or ARN
                of one in the region.
            max_receive_count: 1 to 1000.

        Raises:
            QueueNameExists: It is there, and something given differs.
            QueueDoesNotExist: The dead-letter queue is not there.
            InvalidInput: Something is given that is the region's: its clock, seed or faults.
            ResourceClosed: The region is closed.
        """
        self._refuse_given("queue", _not_there)
        given: dict[str, Any] = {
            "visibility_timeout": visibility_timeout,
            "delay": delay,
            "retention": retention,
            "receive_message_wait_time": receive_message_wait_time,
            "maximum_message_size": maximum_message_size,
            "dead_letter_queue": find_destination(dead_letter_queue, self),
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
        dead_letter_queue: Destination | str | None = None,
        maximum_retry_attempts: int = INVOCATION_RETRIES_MAX,
        maximum_event_age: Duration = 21_600,
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
            dead_letter_queue: Where the payload of an asynchronous invocation goes that was given up: a queue or a topic,
                or its ARN, or a queue's name in the region.
            maximum_retry_attempts: Of an asynchronous invocation, 0 to 2.
            maximum_event_age: Seconds for which an asynchronous invocation is tried, 60 to 21600.

        Raises:
            InvalidInput: A function of that name is there, or something is given that is the region's: its clock, seed or
                faults.
            NotFound: The dead-letter queue is not there.
            ResourceClosed: The region is closed.
        """
        self._refuse_given("function", _not_there)
        dead: Any = find_destination(dead_letter_queue, self)
        function = Function(
            handler,
            name=name,
            concurrency=concurrency,
            on_error=on_error,
            dead_letter_queue=dead,
            maximum_retry_attempts=maximum_retry_attempts,
            maximum_event_age=maximum_event_age,
            faults=self._faults,
            home=self,
            **_not_there,
        )
        if self._keep(function) is not function:
            raise InvalidInput(
                f"Function already exist: {function.name}", help="Give it another name=…, or region.resolve(arn) it."
            )
        return function
