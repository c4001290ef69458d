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

GROUP_ID_MAX_CHARS: Final = 128
"""Of the id of a message group, of a deduplication id and of an attempt to receive, each (SQS 6.1)."""

TAGS_MAX: Final = 50
"""Of one queue (SQS 6.1)."""

TAG_KEY_MAX_CHARS: Final = 128
"""SQS 6.1."""

TAG_VALUE_MAX_CHARS: Final = 256
"""An empty value is allowed (SQS 6.1)."""

REDRIVE_SOURCES_MAX: Final = 10
"""Queues that a dead-letter queue may name as those whose letters it takes (SQS 7.3)."""

LIMIT_SPAN_MAX_US: Final = 36_500 * 86_400 * SECOND_US
"""100 years: the longest span that a limit of a queue may be set to. Ours: calendars and waits end not far beyond."""

IN_FLIGHT_MAX: Final = 120_000
"""Messages in flight in one queue (SQS 3.5)."""

DEDUPLICATION_WINDOW_US: Final = 300 * SECOND_US
"""5 minutes: how long a FIFO queue knows deduplication ids, and attempts to receive (SQS 3.3, 3.4)."""

FIFO_SCAN_MAX: Final = 120_000
"""The oldest messages of a FIFO queue, among which a receive looks for groups (SQS 3.1)."""

FIFO_CALLS_PER_SECOND: Final = 300
"""Calls of one operation on a FIFO queue, or on a group of it, before they are throttled (SQS 3.5)."""

MOVE_RATE_MAX: Final = 500
"""Messages a second that a message move task may be held to; the least is 1 (SQS 7.4)."""

MOVE_RATE_DEFAULT: Final = 500
"""What they are if nobody says: SQS 7.4 leaves it to the service. Ours."""

MOVE_TASK_US: Final = 36 * 3_600 * SECOND_US
"""36 hours: how long a message move task runs at most (SQS 7.4)."""

MOVE_TASKS_LISTED_MAX: Final = 10
"""Message move tasks of one queue that can be listed; so many are remembered (SQS 7.4)."""

QUIET_AFTER_US: Final = 300 * SECOND_US
"""5 minutes: so long after its last send a tenant of a fair queue is quiet (SQS 4)."""

NOISY_IN_FLIGHT_MIN: Final = 30
"""Messages in flight, below which a tenant is not noisy for their number (SQS 4)."""

NOISY_PARTS: Final = 10
"""A tenant is noisy for more than one part in so many, 10 %, of what is in flight or of the consumers' time (SQS 4)."""

PURGE_PAUSE_US: Final = 60 * SECOND_US
"""Between two purges of a queue (SQS 8.1)."""

NAME_PAUSE_US: Final = 60 * SECOND_US
"""After a queue was deleted, before its name is free (SQS 8.2)."""

DEMOTE_AFTER_RECEIVES: Final = 3
"""A standard queue puts a message received this often, and not deleted, to the back (SQS 7.2)."""

# Streams.

HASH_KEY_MAX: Final = 2**128 - 1
"""The last hash key; the first is 0 (KIN 2)."""

PARTITION_KEY_MAX_CHARS: Final = 256
"""KIN 5."""

STREAM_NAME_MAX_CHARS: Final = 128
"""KIN 1."""

STREAM_RETENTION_MIN_US: Final = 86_400 * SECOND_US
"""24 hours, which is the default too (KIN 1)."""

STREAM_RETENTION_MAX_US: Final = 8_760 * 3_600 * SECOND_US
"""8,760 hours, a year (KIN 1)."""

SHARDS_ON_DEMAND: Final = 4
"""Shards of a stream made without a shard count (KIN 1)."""

SHARDS_MAX: Final = 10_000
"""Shards of one stream (KIN 3). What an account may have by default is less, and AWS raises it on request."""

SHARD_INDEX_MAX: Final = 2_147_483_647
"""The highest number that a shard id may hold (KIN 2)."""

SHARDS_PER_COUNTER: Final = 5
"""So many neighbouring shards count their records together (KIN 4)."""

SEQUENCE_SECOND_END: Final = 16_025_175_000
"""The first second since the epoch that a sequence number must not hold (KIN 4)."""

RECORD_MAX_BYTES: Final = 1_048_576
"""1 MiB: data and partition key of one record (KIN 5)."""

RECORD_DATA_MAX_BYTES: Final = 10_485_760
"""10 MiB: the data of a record in a stream that allows the most (KIN 1, 5)."""

PUT_RECORDS_MAX: Final = 500
"""Records of one PutRecords (KIN 5)."""

PUT_RECORDS_MAX_BYTES: Final = 10_485_760
"""10 MiB: data and partition keys of one PutRecords (KIN 5)."""

GET_RECORDS_MAX: Final = 10_000
"""Records of one GetRecords (KIN 6)."""

GET_RECORDS_MAX_BYTES: Final = 10_485_760
"""10 MiB in one response; the first record fits in any case (KIN 6)."""

SHARD_ITERATOR_LIFE_US: Final = 300 * SECOND_US
"""5 minutes; at their very end it is still valid (KIN 6)."""

SHARD_ITERATOR_MAX_CHARS: Final = 512
"""KIN 6."""

VIOLATIONS_SHOWN_MAX: Final = 10
"""Faults that one ValidationException of Kinesis lists (KIN 12)."""

# Delivery streams.

DELIVERY_STREAM_NAME_MAX_CHARS: Final = 64
"""DEL A1."""

DELIVERY_RECORD_MAX_BYTES: Final = 1_024_000
"""1,000 KiB: the data of one record; 0 is allowed (DEL A1)."""

DELIVERY_BATCH_RECORDS_MAX: Final = 500
"""Records of one PutRecordBatch (DEL A1)."""

DELIVERY_BATCH_MAX_BYTES: Final = 4_194_304
"""4 MiB: the data of all records of one PutRecordBatch together (DEL A1)."""

BUFFERING_SIZE_DEFAULT_MIB: Final = 5
"""DEL A2."""

BUFFERING_SIZE_MAX_MIB: Final = 128
"""The least is 1 (DEL A2)."""

BUFFERING_INTERVAL_DEFAULT_US: Final = 300 * SECOND_US
"""5 minutes (DEL A2)."""

BUFFERING_INTERVAL_MAX_US: Final = 900 * SECOND_US
"""15 minutes; the least is 0 (DEL A2)."""

DELIVERY_RETRY_MAX_US: Final = 86_400 * SECOND_US
"""24 hours: how long an object is tried to be written (DEL A5)."""

DELIVERY_RETRY_FIRST_US: Final = SECOND_US
DELIVERY_RETRY_LONGEST_US: Final = 60 * SECOND_US
"""Between two attempts to write an object: the first span, and the longest. AWS publishes none; ours."""

OBJECT_PREFIX_MAX_CHARS: Final = 512
"""An evaluated prefix (DEL A4)."""

FILE_EXTENSION_MAX_CHARS: Final = 128
"""DEL A4."""

RANDOM_STRING_CHARS: Final = 11
"""What firehose:random-string becomes (DEL A4)."""

# Functions.

INVOCATION_SIZE_MAX_BYTES: Final = 1_048_576
"""1 MiB: the payload of an asynchronous invocation (DEL D)."""

INVOCATION_RETRIES_MAX: Final = 2
"""Retries of an asynchronous invocation whose handler raised; also how many there are unless given (DEL D)."""

INVOCATION_FIRST_RETRY_US: Final = 60 * SECOND_US
INVOCATION_SECOND_RETRY_US: Final = 120 * SECOND_US
"""How long after the first failure, and after the second, an invocation is tried again (DEL D)."""

INVOCATION_AGE_MIN_US: Final = 60 * SECOND_US
"""The least that maximum_event_age can be set to (DEL D)."""

INVOCATION_AGE_MAX_US: Final = 21_600 * SECOND_US
"""6 hours; also what it is unless given (DEL D)."""

ERROR_MESSAGE_MAX_BYTES: Final = 1_024
"""Of a handler's error in the attributes of a dead letter (DEL D); of a target's too, where AWS names no number."""

BATCH_PAYLOAD_MAX_BYTES: Final = 6_291_456
"""6 MiB: the event with the batch of one call, as JSON; one record goes alone, however large (DEL C1)."""

STREAM_BATCH_SIZE_MAX: Final = 10_000
"""Records of one call (DEL C1)."""

STREAM_BATCH_SIZE_DEFAULT: Final = 100
"""DEL C1."""

STREAM_RETRIES_MAX: Final = 10_000
"""Retries of a batch of a stream; -1 is without end (DEL C1)."""

# Topics.

TOPIC_NAME_MAX_CHARS: Final = 256
"""SNS 1.1."""

PUBLISH_SIZE_MAX_BYTES: Final = 262_144
"""Message and attributes of one publish, and all entries of one batch together; the subject is free (SNS 2.2, 3)."""

PUBLISH_ENTRIES_MAX: Final = 10
"""Entries of one batch (SNS 3)."""

SUBJECT_MAX_CHARS: Final = 100
"""SNS 2.2."""

PUBLISH_ATTRIBUTE_NAME_MAX_BYTES: Final = 256
"""Name and data type of a message attribute, each; how many there are is not limited (SNS 2.4)."""

# Event buses.

EVENT_BUS_NAME_MAX_CHARS: Final = 256
"""EB 2."""

PUT_EVENTS_ENTRIES_MAX: Final = 10
"""Entries of one PutEvents (EB 1)."""

PUT_EVENTS_SIZE_END_BYTES: Final = 1_048_576
"""1 MiB: all entries of one PutEvents together must be smaller than this (EB 1)."""

EVENT_TIME_BYTES: Final = 14
"""What a time that is given counts towards the size (EB 1)."""

DETAIL_TYPE_MAX_CHARS: Final = 128
"""EB 1."""

EVENT_RESOURCE_MAX_CHARS: Final = 2_048
"""Each of the resources that an event is about (EB 1)."""

EVENT_PATTERN_MAX_CHARS: Final = 4_096
"""PAT 10. AWS's default quota is half of it, and raised on request."""

PATTERN_COMBINATIONS_MAX: Final = 1_000
"""What the ``$or`` of a pattern may come to when they are multiplied out (PAT 8)."""

WILDCARD_COMPLEXITY_END: Final = 10
"""Places at once in the wildcards of one field: the first number that is refused. AWS's lies between 8 and 11 (PAT 6.3)."""

FILTER_POLICY_MAX_CHARS: Final = 262_144
"""256 KB of a filter policy (SNS 7.2)."""

FILTER_POLICY_KEYS_MAX: Final = 5
"""Keys of a filter policy; those of inner objects do not count (SNS 7.2)."""

FILTER_POLICY_COMBINATIONS_MAX: Final = 150
"""Values of a filter policy, multiplied out and weighted by depth (SNS 7.2)."""

PATTERN_DEPTH_MAX: Final = 1_000
"""Keys within one another in a pattern; events are nested no deeper (PAT 10)."""

PATTERN_STEPS_MAX: Final = 1_000_000
"""Steps of the plain matcher for one pattern and one event, before it is `EventTooComplex`. Ours."""

RULE_NAME_MAX_CHARS: Final = 64
"""EB 3."""

RULES_PER_BUS_MAX: Final = 300
"""EB 3."""

TARGET_ID_MAX_CHARS: Final = 64
"""EB 4."""

TARGETS_PER_RULE_MAX: Final = 5
"""EB 4."""

TARGET_RETRIES_MAX: Final = 185
"""Retries of a delivery to a target; also how many there are unless given (EB 6)."""

TARGET_EVENT_AGE_MIN_US: Final = 60 * SECOND_US
"""The least that maximum_event_age can be set to (EB 6)."""

TARGET_EVENT_AGE_MAX_US: Final = 86_400 * SECOND_US
"""24 hours; also what it is unless given (EB 6)."""

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

STREAM_RETRY_MIN_US: Final = SECOND_US
STREAM_RETRY_MAX_US: Final = 60 * SECOND_US
"""The delay before a batch of a stream is tried again: the first, twice the one before each, and the longest."""

NESTED_CALLS_MAX: Final = 16
"""Calls of one function inside one another, on a manual clock that a handler advances; the next waits for one to end."""

CLOSE_TIMEOUT_S: Final = 10.0
"""Seconds of real time for which a region that closes waits for calls under way, unless it is told otherwise."""

CONTEXT_MEMORY_MB: Final = 128
"""What a handler's context says of memory: Lambda's own default. Nothing here bounds it."""

ERRORS_KEPT_MAX: Final = 100
"""Errors of callbacks kept for the next `advance`, and failures a function remembers; the rest are counted."""

FATES_KEPT_MAX: Final = 1_000
"""Messages that left a queue, of which `explain` still knows what became of them."""

assert 0 <= VISIBILITY_TIMEOUT_DEFAULT_US <= VISIBILITY_TIMEOUT_MAX_US
assert RETENTION_MIN_US <= RETENTION_DEFAULT_US <= RETENTION_MAX_US
assert MESSAGE_SIZE_MIN_BYTES < MESSAGE_SIZE_MAX_BYTES
assert POOL_THREADS <= POOL_THREADS_MAX
