"""
Parameters that EventBridge has and a bus here has not: refused by their names, never ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from postroom.delivery._refusals import Missing

_OF_BUS: Final = "Call the method of that bus."

BUS_NOT_THERE: Final[Missing] = {
    "archive": ("CreateArchive", ""),
    "dead_letter_config": ("DeadLetterConfig", "Each target has a dead_letter_queue."),
    "dead_letter_queue": ("DeadLetterConfig", "Each target has a dead_letter_queue."),
    "description": ("Description", ""),
    "event_source_name": ("EventSourceName", ""),
    "kms_key_identifier": ("KmsKeyIdentifier", ""),
    "log_config": ("LogConfig", "Give the bus an observer."),
    "policy": ("PutPermission", ""),
    "tags": ("Tags", ""),
}
"""Of CreateEventBus and what is added to a bus later (EB 2, 8)."""

BUS_TAKES: Final = ("clock", "faults", "seed", "home")

PUT_NOT_THERE: Final[Missing] = {
    "endpoint_id": ("EndpointId", ""),
    "event_bus_name": ("EventBusName", _OF_BUS),
    "trace_header": ("TraceHeader", ""),
}
"""Of PutEvents (EB 1)."""

PUT_TAKES: Final = ("source", "detail_type", "detail", "time", "resources")

DELETE_NOT_THERE: Final[Missing] = {
    "event_bus_name": ("EventBusName", _OF_BUS),
    "force": ("Force", "No rule here is one that AWS manages."),
}
"""Of DeleteRule (EB 3)."""

RULE_NOT_THERE: Final[Missing] = {
    "description": ("Description", ""),
    "event_bus_name": ("EventBusName", _OF_BUS),
    "role_arn": ("RoleArn", ""),
    "schedule_expression": ("ScheduleExpression", "Let the clock do it: clock.call_later."),
    "tags": ("Tags", ""),
}
"""Of PutRule (EB 3, 10)."""

RULE_TAKES: Final = ("name", "event_pattern", "state")

REMOVE_NOT_THERE: Final[Missing] = {
    **DELETE_NOT_THERE,
    "ids": ("Ids", "Remove one at a time: target_id."),
    "rule": ("Rule", "Call the method of that rule."),
}
"""Of RemoveTargets (EB 4)."""

TARGET_NOT_THERE: Final[Missing] = {
    "app_sync_parameters": ("AppSyncParameters", ""),
    "batch_parameters": ("BatchParameters", ""),
    "dead_letter_config": ("DeadLetterConfig", "Give dead_letter_queue."),
    "ecs_parameters": ("EcsParameters", ""),
    "http_parameters": ("HttpParameters", ""),
    "input": ("Input", "The target gets the whole event."),
    "input_path": ("InputPath", "The target gets the whole event."),
    "input_transformer": ("InputTransformer", "The target gets the whole event."),
    "kinesis_parameters": ("KinesisParameters", "Give partition_key_path."),
    "message_group_id": ("SqsParameters.MessageGroupId", ""),
    "redshift_data_parameters": ("RedshiftDataParameters", ""),
    "retry_policy": ("RetryPolicy", "Give maximum_retry_attempts and maximum_event_age."),
    "role_arn": ("RoleArn", ""),
    "run_command_parameters": ("RunCommandParameters", ""),
    "sage_maker_pipeline_parameters": ("SageMakerPipelineParameters", ""),
    "sqs_parameters": ("SqsParameters", ""),
}
"""Of PutTargets (EB 4, 5)."""

TARGET_TAKES: Final = (
    "destination",
    "target_id",
    "dead_letter_queue",
    "maximum_retry_attempts",
    "maximum_event_age",
    "partition_key_path",
)
