"""
Every number postroom holds its callers to, in one place.

Names put the unit last; times are in microseconds (``_US``), the unit of all time inside postroom. Beside
each AWS number stands the fact it comes from: ``SQS 1`` is section 1 of the facts on SQS, and
docs/fidelity.md holds the legend.
"""

from __future__ import annotations

from typing import Final

SECOND_US: Final = 1_000_000
"""One second: time inside postroom is counted in microseconds."""

# Queues.

VISIBILITY_TIMEOUT_MAX_US: Final = 43_200 * SECOND_US
"""12 hours, for one call and for all extensions of one receive together (SQS 1, 2.1)."""

VISIBILITY_TIMEOUT_DEFAULT_US: Final = 30 * SECOND_US
"""SQS 1."""

DELAY_MAX_US: Final = 900 * SECOND_US
"""15 minutes (SQS 1)."""

RETENTION_MIN_US: Final = 60 * SECOND_US
"""SQS 1."""

RETENTION_MAX_US: Final = 1_209_600 * SECOND_US
"""14 days (SQS 1)."""

RETENTION_DEFAULT_US: Final = 345_600 * SECOND_US
"""4 days (SQS 1)."""

WAIT_TIME_MAX_US: Final = 20 * SECOND_US
"""The longest long poll (SQS 1, 5.1)."""

MAX_MESSAGES_MAX: Final = 10
"""Messages of one receive call, and entries of one batch call (SQS 5.1, 6.1)."""

MESSAGE_SIZE_MIN_BYTES: Final = 1_024
"""The least that maximum_message_size can be set to (SQS 1)."""

MESSAGE_SIZE_MAX_BYTES: Final = 1_048_576
"""1 MiB: body and attributes of one message, and all entries of one batch together (SQS 1, 6.1)."""

MESSAGE_ATTRIBUTES_MAX: Final = 10
"""Message attributes of one message (SQS 6.1)."""

ATTRIBUTE_NAME_MAX_CHARS: Final = 256
"""Name and data type of a message attribute, each (SQS 6.1)."""

NUMBER_DIGITS_MAX: Final = 38
"""Significant digits of a Number attribute (SQS 6.1)."""

NUMBER_EXPONENT_MIN: Final = -128
NUMBER_EXPONENT_MAX: Final = 126
"""The magnitude of a Number attribute lies between 10^-128 and 10^126 (SQS 6.1)."""

MAX_RECEIVE_COUNT_MAX: Final = 1_000
"""Receives before a message is dead-lettered: 1 to this (SQS 7.1)."""

RECEIPT_HANDLE_MAX_CHARS: Final = 1_024
"""SQS 6.1."""

BATCH_ENTRY_ID_MAX_CHARS: Final = 80
"""SQS 6.2."""

QUEUE_NAME_MAX_CHARS: Final = 80
"""The suffix ``.fifo`` counts (SQS 6.2)."""

IN_FLIGHT_MAX: Final = 120_000
"""Messages in flight in one queue (SQS 3.5)."""

DEMOTE_AFTER_RECEIVES: Final = 3
"""A standard queue puts a message received this often, and not deleted, to the back (SQS 7.2)."""

# Streams.

HASH_KEY_MAX: Final = 2**128 - 1
"""The last hash key; the first is 0 (KIN 2)."""

PARTITION_KEY_MAX_CHARS: Final = 256
"""KIN 5."""

# Time. These are ours: AWS has no clock that jumps.

JUMP_GRACE_S: Final = 0.02
"""Seconds of real time without any call before a manual clock that several threads use jumps."""

IDLE_JUMPS_MAX: Final = 10_000
"""Jumps for one waiter in which nothing was sent or received, before it is an `EndlessLoop`."""

CALLBACKS_PER_INSTANT_MAX: Final = 10_000
"""Callbacks that cause one another without time moving, before it is an `EndlessLoop`."""

POOL_THREADS: Final = 32
"""Threads of a system clock that run users' code at a time."""

POOL_THREADS_MAX: Final = 512
"""Threads to which the pool grows when those it has all wait."""

NESTED_CALLS_MAX: Final = 16
"""Calls of one function inside one another, on a manual clock that a handler advances; the next waits for one to end."""

ERRORS_KEPT_MAX: Final = 100
"""Errors of callbacks kept for the next `advance`, and failures a function remembers; the rest are counted."""

FATES_KEPT_MAX: Final = 1_000
"""Messages that left a queue, of which `explain` still knows what became of them."""

assert 0 <= VISIBILITY_TIMEOUT_DEFAULT_US <= VISIBILITY_TIMEOUT_MAX_US
assert RETENTION_MIN_US <= RETENTION_DEFAULT_US <= RETENTION_MAX_US
assert MESSAGE_SIZE_MIN_BYTES < MESSAGE_SIZE_MAX_BYTES
assert POOL_THREADS <= POOL_THREADS_MAX
