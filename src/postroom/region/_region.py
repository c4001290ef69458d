"""
A region makes resources and finds them by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Never

from postroom.errors import InvalidInput
from postroom.limits import INVOCATION_RETRIES_MAX
from postroom.observe import find_destination
from postroom.region._queues import QueueMakers
from postroom.worker import Function

if TYPE_CHECKING:
    from postroom.clock import Duration
    from postroom.observe import Destination
    from postroom.worker import Context


class Region(QueueMakers):
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
