"""
Parameters that AWS has and postroom has not: refused by their names, never ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NoReturn

from postroom.errors import NotSupported

QUEUE_NOT_THERE: Final = {
    "content_based_deduplication": "ContentBasedDeduplication",
    "deduplication_scope": "DeduplicationScope",
    "fifo_queue": "FifoQueue",
    "fifo_throughput_limit": "FifoThroughputLimit",
    "kms_data_key_reuse_period": "KmsDataKeyReusePeriodSeconds",
    "kms_master_key_id": "KmsMasterKeyId",
    "policy": "Policy",
    "redrive_allow_policy": "RedriveAllowPolicy",
    "redrive_policy": "RedrivePolicy (give dead_letter_queue and max_receive_count)",
    "sqs_managed_sse_enabled": "SqsManagedSseEnabled",
    "tags": "Tags",
}
"""Of CreateQueue (SQS 1)."""

SEND_NOT_THERE: Final = {
    "message_deduplication_id": "MessageDeduplicationId",
    "message_group_id": "MessageGroupId",
    "message_system_attributes": "MessageSystemAttributes",
}
"""Of SendMessage (SQS 3.2, 4, 5.2)."""

RECEIVE_NOT_THERE: Final = {
    "attribute_names": "AttributeNames (all attributes are there)",
    "message_attribute_names": "MessageAttributeNames (all attributes are there)",
    "message_system_attribute_names": "MessageSystemAttributeNames (all attributes are there)",
    "receive_request_attempt_id": "ReceiveRequestAttemptId",
}
"""Of ReceiveMessage (SQS 3.4, 5.2)."""

FUNCTION_NOT_THERE: Final = {
    "dead_letter_queue": "DeadLetterConfig",
    "destinations": "DestinationConfig",
    "maximum_event_age": "MaximumEventAgeInSeconds",
    "maximum_retry_attempts": "MaximumRetryAttempts",
    "memory_size": "MemorySize",
    "timeout": "Timeout",
}
"""Of CreateFunction and its asynchronous invocation (DEL D)."""

EVENT_SOURCE_NOT_THERE: Final = {
    "filter_criteria": "FilterCriteria",
    "function_response_types": "FunctionResponseTypes",
    "maximum_batching_window": "MaximumBatchingWindowInSeconds",
    "maximum_concurrency": "ScalingConfig.MaximumConcurrency (give the function a concurrency)",
    "report_batch_item_failures": "FunctionResponseTypes",
    "starting_position": "StartingPosition",
}
"""Of CreateEventSourceMapping (DEL C1)."""


def refuse_unknown(operation: str, given: Mapping[str, object], not_there: Mapping[str, str]) -> NoReturn:
    """
    Refuses keyword arguments that the operation does not take.

    Raises:
        NotSupported: AWS has one of them.
        TypeError: AWS has none of them either.
    """
    for name in given:
        if name in not_there:
            raise NotSupported(
                f"{operation}({name}=…): {not_there[name]} is not there.",
                help="docs/fidelity.md lists what is not there yet, and why.",
                operation=operation,
            )
    raise TypeError(f"{operation}() got an unexpected keyword argument {next(iter(given))!r}")
