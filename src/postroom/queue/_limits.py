"""
What a queue holds its callers to: AWS's numbers, or others.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, cast

import attrs
from attrs import field

from postroom import limits
from postroom.clock import Duration, to_us
from postroom.errors import InvalidInput
from postroom.limits import SECOND_US


def _seconds(given: Duration) -> float:
    return given.total_seconds() if isinstance(given, timedelta) else given


def _span(low_us: int = 0) -> Callable[[Limits, attrs.Attribute[float], float], None]:
    """
    A check that a limit is a span, and one that a clock can wait for.
    """

    def check(_: Limits, attribute: attrs.Attribute[float], given: float) -> None:
        if not low_us <= to_us(given, attribute.name) <= limits.LIMIT_SPAN_MAX_US:
            least = "0" if low_us == 0 else "a microsecond"
            raise InvalidInput(
                f"{attribute.name}={given!r} is no limit.", help=f"Give seconds, from {least} to 100 years."
            )

    return check


def _count(low: int) -> Callable[[Limits, attrs.Attribute[int], int], None]:
    """
    A check that a limit is a whole number, and no smaller than `low`.
    """

    def check(_: Limits, attribute: attrs.Attribute[int], given: object) -> None:
        if isinstance(given, bool) or not isinstance(given, int) or given < low:
            raise InvalidInput(f"{attribute.name}={given!r} is no limit.", help=f"Give an int, {low} or more.")

    return check


def _derived() -> Any:
    # What the checks compare with is computed once; it is nothing that a user gives or sees.
    return field(init=False, repr=False, eq=False)


@attrs.frozen(kw_only=True, repr=False)
class Limits:
    """
    The limits of a queue: AWS's unless given, each by its name.

    A queue refuses what is beyond them with AWS's error, and its own numbers in the text. They never change while it lives.

    >>> Limits().wait_time, Limits().message_size
    (20.0, 1048576)
    >>> Limits(message_size=10_000_000)
    Limits(message_size=10000000)
    >>> Limits.relaxed().replace(wait_time=3_600).wait_time
    3600.0

    Each is the most that is allowed, but for the two whose names end in ``_min`` and for the pause. Spans are given in
    seconds or as a `timedelta`, up to 100 years, and read in seconds; sizes are bytes, lengths characters.

    They are independent of one another: with a larger `message_size` alone, a message of that size is sent by itself, and is
    too large for a batch. What has to be of a certain form elsewhere too is no limit of a queue: names, the ids of batch
    entries, receipt handles, names and types of message attributes, the digits of a number.

    Args:
        message_size: Bytes of body and attributes, and so the most that `maximum_message_size` can be; `message_size_min`
            or more.
        message_size_min: The least that `maximum_message_size` can be; 1 or more.
        batch_size: Bytes of all entries of one batch together; 1 or more.
        batch_entries: Entries of one batch call of any kind; 1 or more.
        message_attributes: Of one message; 0 or more.
        visibility_timeout: For one call, and for all that hides a message after one receive, together. So long, too, a
            receipt handle is good.
        delay: Of a message, and of the queue.
        retention_min: The least that `retention` can be; above 0.
        retention_max: The most that it can be; `retention_min` or more.
        wait_time: Of one receive.
        max_messages: Messages of one receive; 1 or more.
        max_receive_count: Receives before a message is dead-lettered; 1 or more.
        in_flight: Messages in flight at a time; 1 or more.
        calls_per_second: Calls of one operation, where a FIFO queue is told to throttle; 1 or more.
        group_id_length: Of a `message_group_id`; 1 or more.
        deduplication_id_length: Of a `message_deduplication_id`; 1 or more.
        attempt_id_length: Of a `receive_request_attempt_id`; 1 or more.
        purge_pause: From one purge to the next, at least; 0 for none.
        redrive_sources: Queues that a dead-letter queue may name as those whose letters it takes; 1 or more.
        tags: Of the queue; 0 or more.
        tag_key_length: 1 or more.
        tag_value_length: 0 or more.

    Raises:
        InvalidInput: A limit is of a wrong type or out of its range, or a least is above its most.
    """

    message_size: int = field(default=limits.MESSAGE_SIZE_MAX_BYTES, validator=_count(1))
    message_size_min: int = field(default=limits.MESSAGE_SIZE_MIN_BYTES, validator=_count(1))
    batch_size: int = field(default=limits.MESSAGE_SIZE_MAX_BYTES, validator=_count(1))
    batch_entries: int = field(default=limits.MAX_MESSAGES_MAX, validator=_count(1))
    message_attributes: int = field(default=limits.MESSAGE_ATTRIBUTES_MAX, validator=_count(0))
    visibility_timeout: float = field(
        default=limits.VISIBILITY_TIMEOUT_MAX_US / SECOND_US, converter=_seconds, validator=_span()
    )
    delay: float = field(default=limits.DELAY_MAX_US / SECOND_US, converter=_seconds, validator=_span())
    retention_min: float = field(default=limits.RETENTION_MIN_US / SECOND_US, converter=_seconds, validator=_span(1))
    retention_max: float = field(default=limits.RETENTION_MAX_US / SECOND_US, converter=_seconds, validator=_span(1))
    wait_time: float = field(default=limits.WAIT_TIME_MAX_US / SECOND_US, converter=_seconds, validator=_span())
    max_messages: int = field(default=limits.MAX_MESSAGES_MAX, validator=_count(1))
    max_receive_count: int = field(default=limits.MAX_RECEIVE_COUNT_MAX, validator=_count(1))
    in_flight: int = field(default=limits.IN_FLIGHT_MAX, validator=_count(1))
    calls_per_second: int = field(default=limits.FIFO_CALLS_PER_SECOND, validator=_count(1))
    group_id_length: int = field(default=limits.GROUP_ID_MAX_CHARS, validator=_count(1))
    deduplication_id_length: int = field(default=limits.GROUP_ID_MAX_CHARS, validator=_count(1))
    attempt_id_length: int = field(default=limits.GROUP_ID_MAX_CHARS, validator=_count(1))
    purge_pause: float = field(default=limits.PURGE_PAUSE_US / SECOND_US, converter=_seconds, validator=_span())
    redrive_sources: int = field(default=limits.REDRIVE_SOURCES_MAX, validator=_count(1))
    tags: int = field(default=limits.TAGS_MAX, validator=_count(0))
    tag_key_length: int = field(default=limits.TAG_KEY_MAX_CHARS, validator=_count(1))
    tag_value_length: int = field(default=limits.TAG_VALUE_MAX_CHARS, validator=_count(0))

    _visibility_timeout_us: int = _derived()
    _delay_us: int = _derived()
    _retention_min_us: int = _derived()
    _retention_max_us: int = _derived()
    _wait_time_us: int = _derived()
    _purge_pause_us: int = _derived()

    def __attrs_post_init__(self) -> None:
        for name in ("visibility_timeout", "delay", "retention_min", "retention_max", "wait_time", "purge_pause"):
            span = to_us(getattr(self, name), name)
            object.__setattr__(self, name, span / SECOND_US)
            object.__setattr__(self, f"_{name}_us", span)
        for least, most in (("message_size_min", "message_size"), ("retention_min", "retention_max")):
            low, high = getattr(self, least), getattr(self, most)
            if low > high:
                raise InvalidInput(
                    f"{least}={low!r} is above {most}={high!r}.", help="Between the two there has to be something."
                )

    @classmethod
    def relaxed(cls) -> Limits:
        """
        Limits for an application that is not going to run on AWS: its own memory bounds it, and nothing else.

        They still stop what can only be a mistake, such as a loop that sends a gigabyte.

        >>> from postroom.errors import InvalidParameterValue
        >>> limits = Limits.relaxed()
        >>> limits.message_size, limits.wait_time
        (67108864, 31536000.0)
        >>> limits.replace(message_size=1_048_576) == limits
        False

        ============================================  =================  ===================================================
        Limit                                         Relaxed            Because
        ============================================  =================  ===================================================
        `message_size`, `batch_size`                  64 MiB             a picture or a report may travel in a message; as on
                                                                         AWS, a batch may be as large as the largest message
        `message_size_min`                            1 byte             a queue of short words may say so
        `batch_entries`, `max_messages`               1,000              in memory a call is cheap at any number, and one of
                                                                         a thousand still ends soon
        `message_attributes`                          100                nobody has to pack them into the body
        `visibility_timeout`, `delay`, `wait_time`,   365 days           longer than the program runs, so a handler may take
        `retention_max`                                                  days, and a message may wait for a date
        `retention_min`                               1 second           what is of use for a moment only need not pile up
        `max_receive_count`                           1,000,000          who wants retries almost without end can have them
        `in_flight`                                   1,000,000,000      more than memory holds: there is no ceiling
        `group_id_length` and those of the two other  1,024 characters   a URL, a path or two hashes in a row will do as
        ids                                                              an id
        `purge_pause`                                 none               a purge is done when the call returns
        `redrive_sources`                             1,000              all queues of an application may share one
                                                                         dead-letter queue
        ============================================  =================  ===================================================

        Tags are labels for people, and keep AWS's limits; so does throttling, which is there for those who ask for it.
        """
        year = 365 * 86_400
        return cls(
            message_size=64 * 1_048_576,
            message_size_min=1,
            batch_size=64 * 1_048_576,
            batch_entries=1_000,
            message_attributes=100,
            visibility_timeout=year,
            delay=year,
            retention_min=1,
            retention_max=year,
            wait_time=year,
            max_messages=1_000,
            max_receive_count=1_000_000,
            in_flight=1_000_000_000,
            group_id_length=1_024,
            deduplication_id_length=1_024,
            attempt_id_length=1_024,
            purge_pause=0,
            redrive_sources=1_000,
        )

    def replace(self, **changes: Duration) -> Limits:
        """
        The same limits but for some, by name; ``attrs.evolve`` does the same.

        >>> Limits(delay=60).replace(max_messages=100)
        Limits(delay=60.0, max_messages=100)

        Args:
            changes: As when they are made.

        Raises:
            InvalidInput: A limit is of a wrong type or out of its range, or a least is above its most.
            TypeError: There is no limit of that name.
        """
        return attrs.evolve(self, **cast("dict[str, Any]", changes))

    def to_dict(self) -> dict[str, Any]:
        """
        All limits as plain values: spans in seconds.

        >>> Limits().to_dict()["visibility_timeout"]
        43200.0
        >>> Limits(**Limits.relaxed().to_dict()) == Limits.relaxed()
        True
        """
        return {one.name: getattr(self, one.name) for one in attrs.fields(Limits) if one.init}

    def __repr__(self) -> str:
        changed = {one.name: one.default for one in attrs.fields(Limits) if one.init}
        shown = (f"{name}={value!r}" for name, value in self.to_dict().items() if value != changed[name])
        return f"Limits({', '.join(shown)})"


AWS: Final = Limits()
"""What holds unless a queue is given others."""


def check_limits(given: object) -> Limits:
    """
    The limits of a new queue: AWS's, if it is given none.

    >>> check_limits(None)
    Limits()

    Raises:
        InvalidInput: They are something else.
    """
    if given is None:
        return AWS
    if not isinstance(given, Limits):
        raise InvalidInput(
            f"limits={given!r} are no limits.",
            help="Give Limits(…) with those that are not AWS's, or Limits.relaxed().",
        )
    return given
