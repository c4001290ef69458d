"""
What SNS has of a call and postroom has not: refused by name, never ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from postroom.delivery._refusals import Missing

_FIFO: Final = "Only standard topics are there."

TOPIC_NOT_THERE: Final[Missing] = {
    "archive_policy": ("ArchivePolicy", _FIFO),
    "attributes": ("Attributes", "Topic attributes are not there."),
    "content_based_deduplication": ("ContentBasedDeduplication", _FIFO),
    "data_protection_policy": ("DataProtectionPolicy", ""),
    "delivery_policy": ("DeliveryPolicy", ""),
    "display_name": ("DisplayName", ""),
    "fifo": ("FifoTopic", _FIFO),
    "fifo_throughput_scope": ("FifoThroughputScope", _FIFO),
    "fifo_topic": ("FifoTopic", _FIFO),
    "kms_master_key_id": ("KmsMasterKeyId", ""),
    "maximum_message_size": ("MaximumMessageSize", "The limit is 262,144 bytes."),
    "policy": ("Policy", ""),
    "signature_version": ("SignatureVersion", "Envelopes carry a placeholder for a signature of version 1."),
    "tags": ("Tags", ""),
    "tracing_config": ("TracingConfig", ""),
}
"""Of CreateTopic (SNS 1.3)."""

TOPIC_TAKES: Final = ("clock", "faults", "home", "seed")
"""What it does take here."""

PUBLISH_NOT_THERE: Final[Missing] = {
    "message_deduplication_id": ("MessageDeduplicationId", _FIFO),
    "message_group_id": ("MessageGroupId", ""),
    "message_structure": ("MessageStructure", "Every subscriber gets the same message."),
    "phone_number": ("PhoneNumber", ""),
    "target_arn": ("TargetArn", "Publish to the Topic itself."),
    "topic_arn": ("TopicArn", "Publish to the Topic itself."),
}
"""Of Publish and PublishBatch (SNS 2, 3)."""

PUBLISH_TAKES: Final = ("attributes", "subject")
"""What they do take here."""

SUBSCRIBE_NOT_THERE: Final[Missing] = {
    "attributes": ("Attributes", "Give raw_message_delivery and dead_letter_queue."),
    "delivery_policy": ("DeliveryPolicy", "Queues and functions are retried by SNS's own schedule."),
    "filter_policy": ("FilterPolicy", "Every subscriber gets every message."),
    "filter_policy_scope": ("FilterPolicyScope", "Every subscriber gets every message."),
    "redrive_policy": ("RedrivePolicy", "Give dead_letter_queue."),
    "replay_policy": ("ReplayPolicy", _FIFO),
    "return_subscription_arn": ("ReturnSubscriptionArn", "Subscriptions are confirmed at once, and have their ARN."),
    "subscription_role_arn": ("SubscriptionRoleArn", "There are no permissions here."),
}
"""Of Subscribe (SNS 6.1, 6.4)."""

SUBSCRIBE_TAKES: Final = ("dead_letter_queue", "protocol", "raw_message_delivery")
"""What it does take here."""

PROTOCOLS_NOT_THERE: Final = ("application", "email", "email-json", "http", "https", "sms")
"""SNS 6.1."""
