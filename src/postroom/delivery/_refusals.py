"""
Parameters that AWS has and postroom has not: refused by their names, never ignored.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Final, NoReturn, TypeAlias

from postroom.errors import NotSupported

Missing: TypeAlias = Mapping[str, tuple[str, str]]
"""Name -> AWS's name, and what to do instead, if anything."""

FIFO_QUEUE_NOT_THERE: Final[Missing] = {
    "fifo": ("FifoQueue", "A FifoQueue is one: leave it out."),
    "fifo_queue": ("FifoQueue", "A FifoQueue is one: leave it out."),
    "kms_data_key_reuse_period": ("KmsDataKeyReusePeriodSeconds", ""),
    "kms_master_key_id": ("KmsMasterKeyId", ""),
    "policy": ("Policy", ""),
    "redrive_allow_policy": ("RedriveAllowPolicy", "Give redrive_permission and redrive_source_queues."),
    "redrive_policy": ("RedrivePolicy", "Give dead_letter_queue and max_receive_count."),
    "sqs_managed_sse_enabled": ("SqsManagedSseEnabled", ""),
}
"""Of CreateQueue (SQS 1)."""

_FIFO_ALONE: Final = "FifoQueue has it: a standard queue does not."
QUEUE_NOT_THERE: Final[Missing] = {
    **FIFO_QUEUE_NOT_THERE,
    "content_based_deduplication": ("ContentBasedDeduplication", _FIFO_ALONE),
    "deduplication_scope": ("DeduplicationScope", _FIFO_ALONE),
    "fifo": ("FifoQueue", "Make a FifoQueue."),
    "fifo_queue": ("FifoQueue", "Make a FifoQueue."),
    "fifo_throughput_limit": ("FifoThroughputLimit", _FIFO_ALONE),
    "throttle": ("FifoThroughputLimit", _FIFO_ALONE),
}
"""Likewise, of a standard queue."""

FIFO_SEND_NOT_THERE: Final[Missing] = {
    "message_system_attributes": ("MessageSystemAttributes", "Give system_attributes."),
}
"""Of SendMessage (SQS 3.2, 5.2)."""

SEND_NOT_THERE: Final[Missing] = {
    **FIFO_SEND_NOT_THERE,
}
"""Likewise, of a standard queue."""

_ALL_THERE: Final = "A received message has all its attributes."
RECEIVE_NOT_THERE: Final[Missing] = {
    "attribute_names": ("AttributeNames", _ALL_THERE),
    "message_attribute_names": ("MessageAttributeNames", _ALL_THERE),
    "message_system_attribute_names": ("MessageSystemAttributeNames", _ALL_THERE),
    "receive_request_attempt_id": ("ReceiveRequestAttemptId", "A FifoQueue takes it: a standard queue does not."),
}
"""Of ReceiveMessage (SQS 3.4, 5.2)."""

RECEIVE_TAKES: Final = ("max_messages", "visibility_timeout", "wait_time")
"""What it does take here."""

FIFO_RECEIVE_TAKES: Final = (*RECEIVE_TAKES, "receive_request_attempt_id")
"""Likewise, of a FIFO queue."""

_NO_DESTINATIONS: Final = "Failed invocations go to a dead_letter_queue; a handler can send its result."
_NO_VERSIONS: Final = "A function has neither versions nor aliases."
FUNCTION_NOT_THERE: Final[Missing] = {
    "dead_letter_config": ("DeadLetterConfig", "Give dead_letter_queue."),
    "destination_config": ("DestinationConfig", _NO_DESTINATIONS),
    "destinations": ("DestinationConfig", _NO_DESTINATIONS),
    "maximum_event_age_in_seconds": ("MaximumEventAgeInSeconds", "Give maximum_event_age."),
    "memory_size": ("MemorySize", ""),
    "on_failure": ("DestinationConfig.OnFailure", _NO_DESTINATIONS),
    "on_success": ("DestinationConfig.OnSuccess", _NO_DESTINATIONS),
    "qualifier": ("Qualifier", _NO_VERSIONS),
    "reserved_concurrent_executions": ("ReservedConcurrentExecutions", "Give concurrency."),
    "timeout": ("Timeout", ""),
}
"""Of CreateFunction and its asynchronous invocation (DEL D)."""

INVOKE_NOT_THERE: Final[Missing] = {
    "client_context": ("ClientContext", ""),
    "function_name": ("FunctionName", "Call the method of that function."),
    "invocation_type": ("InvocationType", "Every invocation is an Event; call the handler yourself for its result."),
    "log_type": ("LogType", ""),
    "payload": ("Payload", "Give event."),
    "qualifier": ("Qualifier", _NO_VERSIONS),
}
"""Of Invoke (DEL D)."""

EVENT_SOURCE_NOT_THERE: Final[Missing] = {
    "bisect_batch_on_function_error": ("BisectBatchOnFunctionError", ""),
    "destination_config": ("DestinationConfig", "Give a stream's mapping on_failure."),
    "enabled": ("Enabled", "Close the mapping, and add it again."),
    "filter_criteria": ("FilterCriteria", ""),
    "function_response_types": ("FunctionResponseTypes", ""),
    "maximum_batching_window": ("MaximumBatchingWindowInSeconds", ""),
    "maximum_concurrency": ("ScalingConfig.MaximumConcurrency", "Give the function a concurrency."),
    "maximum_record_age": ("MaximumRecordAgeInSeconds", ""),
    "parallelization_factor": ("ParallelizationFactor", ""),
    "provisioned_poller_config": ("ProvisionedPollerConfig", "Nothing is polled on a period here."),
    "report_batch_item_failures": ("FunctionResponseTypes", ""),
    "scaling_config": ("ScalingConfig", "Give the function a concurrency."),
    "tumbling_window": ("TumblingWindowInSeconds", ""),
}
"""Of CreateEventSourceMapping (DEL C1)."""

_OTHER_SPELLINGS: Final = {
    "delay_seconds": "delay",
    "max_number_of_messages": "max_messages",
    "message_attributes": "attributes",
    "message_retention_period": "retention",
    "wait_time_seconds": "wait_time",
}


def refuse_unknown(operation: str, given: Mapping[str, object], not_there: Missing, takes: Collection[str]) -> NoReturn:
    """
    Refuses keyword arguments that the operation does not take.

    Args:
        operation: Its name.
        given: The arguments.
        not_there: What AWS has of such a call, and postroom has not.
        takes: The names it does take, to suggest one.

    Raises:
        NotSupported: AWS has one of them.
        TypeError: AWS has none of them either.
    """
    for name in given:
        plain = name.removesuffix("_in_seconds").removesuffix("_seconds")
        aws_name, instead = not_there.get(name) or not_there.get(plain) or ("", "")
        if aws_name:
            raise NotSupported(
                f"{operation}({name}=…): {aws_name} is not there.",
                help=instead or "docs/fidelity.md lists what is not there yet, and why.",
                operation=operation,
            )
    name = next(iter(given))
    near = [_OTHER_SPELLINGS.get(name, ""), *get_close_matches(name, takes, 1)]
    hint = next((f"; did you mean {one!r}?" for one in near if one in takes), "")
    raise TypeError(f"{operation}() got an unexpected keyword argument {name!r}{hint}")
