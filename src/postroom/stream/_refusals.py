"""
What Kinesis has and a stream here has not: refused by name, never ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Never, NoReturn

from postroom.delivery import refuse_unknown
from postroom.errors import NotSupported

_ONE_STREAM: Final = "The call is one of the stream itself."
_DRY_RUN: Final = ("DryRun", "")
_ADDRESS: Final = {
    "dry_run": _DRY_RUN,
    "stream_arn": ("StreamARN", _ONE_STREAM),
    "stream_id": ("StreamId", _ONE_STREAM),
    "stream_name": ("StreamName", _ONE_STREAM),
}

STREAM_NOT_THERE: Final = {
    "consumers": ("RegisterStreamConsumer", "Give each consumer a reader of its own: stream.reader(…)."),
    "encryption_type": ("EncryptionType", ""),
    "enhanced_monitoring": ("EnableEnhancedMonitoring", "stream.stats() has figures for each shard."),
    "key_id": ("KeyId", ""),
    "kms_key_id": ("KeyId", ""),
    "max_record_size": ("MaxRecordSizeInKiB", ""),
    "max_record_size_in_kib": ("MaxRecordSizeInKiB", ""),
    "minimum_throughput_billing_commitment": ("MinimumThroughputBillingCommitment", ""),
    "policy": ("Policy", ""),
    "record_distribution_strategy": ("RecordDistributionStrategy", ""),
    "retention_period": ("RetentionPeriodHours", "Give retention, in seconds."),
    "retention_period_hours": ("RetentionPeriodHours", "Give retention, in seconds."),
    "stream_mode": ("StreamModeDetails", "With a shard_count a stream is PROVISIONED, without one ON_DEMAND."),
    "stream_mode_details": ("StreamModeDetails", "With a shard_count a stream is PROVISIONED, without one ON_DEMAND."),
    "tags": ("Tags", ""),
    "throttle": ("ProvisionedThroughputExceededException", "A stream here takes and gives as much as one likes."),
    "warm_throughput": ("WarmThroughputMiBps", ""),
    "warm_throughput_mibps": ("WarmThroughputMiBps", ""),
}
"""Of CreateStream, and of what is set later (KIN 1)."""

STREAM_TAKES: Final = ("clock", "faults", "home", "retention", "seed", "shard_count")

PUT_NOT_THERE: Final = _ADDRESS
"""Of PutRecord and PutRecords (KIN 5)."""

PUT_TAKES: Final = ("explicit_hash_key", "sequence_number_for_ordering")

READ_NOT_THERE: Final = _ADDRESS
"""Of GetShardIterator and GetRecords (KIN 6)."""

ITERATOR_TAKES: Final = ("starting_sequence_number", "timestamp")

_RESHARDING: Final = "Make the stream with as many shards as it needs."
_SHARDS: Final = "stream.shards lists the shards."
_FIGURES: Final = "stream.stats(), stream.mode, stream.retention and stream.shards say all there is."
OPERATIONS_NOT_THERE: Final = {
    "add_tags_to_stream": ("AddTagsToStream", ""),
    "create_queue": ("CreateQueue", "Feed a function from the stream, or read it with a reader."),
    "decrease_stream_retention_period": ("DecreaseStreamRetentionPeriod", "It is decrease_retention_period here."),
    "delete_resource_policy": ("DeleteResourcePolicy", ""),
    "delete_stream": ("DeleteStream", "stream.close() ends it."),
    "deregister_stream_consumer": ("DeregisterStreamConsumer", ""),
    "describe_stream": ("DescribeStream", _FIGURES),
    "describe_stream_consumer": ("DescribeStreamConsumer", ""),
    "describe_stream_summary": ("DescribeStreamSummary", _FIGURES),
    "disable_enhanced_monitoring": ("DisableEnhancedMonitoring", ""),
    "enable_enhanced_monitoring": ("EnableEnhancedMonitoring", "stream.stats() has figures for each shard."),
    "increase_stream_retention_period": ("IncreaseStreamRetentionPeriod", "It is increase_retention_period here."),
    "list_shards": ("ListShards", _SHARDS),
    "list_stream_consumers": ("ListStreamConsumers", ""),
    "list_tags_for_stream": ("ListTagsForStream", ""),
    "merge_shards": ("MergeShards", _RESHARDING),
    "put_resource_policy": ("PutResourcePolicy", ""),
    "register_stream_consumer": ("RegisterStreamConsumer", "Each reader has all that the stream can give."),
    "remove_tags_from_stream": ("RemoveTagsFromStream", ""),
    "split_shard": ("SplitShard", _RESHARDING),
    "start_stream_encryption": ("StartStreamEncryption", ""),
    "stop_stream_encryption": ("StopStreamEncryption", ""),
    "subscribe_to_shard": ("SubscribeToShard", "stream.reader(…).when_ready(…) calls when something came."),
    "update_max_record_size": ("UpdateMaxRecordSize", ""),
    "update_shard_count": ("UpdateShardCount", _RESHARDING),
    "update_stream_mode": ("UpdateStreamMode", ""),
    "update_stream_warm_throughput": ("UpdateStreamWarmThroughput", ""),
}
"""Whole operations (KIN 1, 3, 7, 9)."""


def refuse_put(operation: str, given: dict[str, Never]) -> NoReturn:
    """
    Refuses keyword arguments that a put does not take.
    """
    refuse_unknown(operation, given, PUT_NOT_THERE, PUT_TAKES if operation == "put_record" else ())


def refusing(name: str) -> Callable[..., NoReturn]:
    """
    A method that stands in for an operation that is not there.
    """
    aws_name, instead = OPERATIONS_NOT_THERE[name]

    def refuse(*_: object, **__: object) -> NoReturn:
        raise NotSupported(
            f"{name}(…): {aws_name} is not there.",
            help=instead or "docs/fidelity.md lists what is not there yet, and why.",
            operation=name,
        )

    return refuse  # without a docstring, so that no page of the reference lists it
