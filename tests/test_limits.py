"""
Limits: the numbers are those of the facts, and each says where it is written.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from postroom import limits

S = 1_000_000

# Written down once more, from the sheets: a slip of the finger would have to happen twice.
FACTS: dict[str, tuple[int, str]] = {
    "VISIBILITY_TIMEOUT_MAX_US": (43_200 * S, "SQS 1"),
    "VISIBILITY_TIMEOUT_DEFAULT_US": (30 * S, "SQS 1"),
    "DELAY_MAX_US": (900 * S, "SQS 1"),
    "RETENTION_MIN_US": (60 * S, "SQS 1"),
    "RETENTION_MAX_US": (14 * 86_400 * S, "SQS 1"),
    "RETENTION_DEFAULT_US": (4 * 86_400 * S, "SQS 1"),
    "WAIT_TIME_MAX_US": (20 * S, "SQS 1"),
    "MAX_MESSAGES_MAX": (10, "SQS 5.1"),
    "MESSAGE_SIZE_MIN_BYTES": (1_024, "SQS 1"),
    "MESSAGE_SIZE_MAX_BYTES": (1_048_576, "SQS 1"),
    "MESSAGE_ATTRIBUTES_MAX": (10, "SQS 6.1"),
    "ATTRIBUTE_NAME_MAX_CHARS": (256, "SQS 6.1"),
    "NUMBER_DIGITS_MAX": (38, "SQS 6.1"),
    "NUMBER_EXPONENT_MIN": (-128, "SQS 6.1"),
    "NUMBER_EXPONENT_MAX": (126, "SQS 6.1"),
    "MAX_RECEIVE_COUNT_MAX": (1_000, "SQS 7.1"),
    "RECEIPT_HANDLE_MAX_CHARS": (1_024, "SQS 6.1"),
    "BATCH_ENTRY_ID_MAX_CHARS": (80, "SQS 6.2"),
    "QUEUE_NAME_MAX_CHARS": (80, "SQS 6.2"),
    "IN_FLIGHT_MAX": (120_000, "SQS 3.5"),
    "GROUP_ID_MAX_CHARS": (128, "SQS 6.1"),
    "TAGS_MAX": (50, "SQS 6.1"),
    "TAG_KEY_MAX_CHARS": (128, "SQS 6.1"),
    "TAG_VALUE_MAX_CHARS": (256, "SQS 6.1"),
    "REDRIVE_SOURCES_MAX": (10, "SQS 7.3"),
    "MOVE_RATE_MAX": (500, "SQS 7.4"),
    "MOVE_TASK_US": (129_600 * S, "SQS 7.4"),
    "MOVE_TASKS_LISTED_MAX": (10, "SQS 7.4"),
    "PURGE_PAUSE_US": (60 * S, "SQS 8.1"),
    "NAME_PAUSE_US": (60 * S, "SQS 8.2"),
    "QUIET_AFTER_US": (300 * S, "SQS 4"),
    "NOISY_IN_FLIGHT_MIN": (30, "SQS 4"),
    "NOISY_PARTS": (10, "SQS 4"),
    "DEDUPLICATION_WINDOW_US": (300 * S, "SQS 3.3"),
    "FIFO_SCAN_MAX": (120_000, "SQS 3.1"),
    "FIFO_CALLS_PER_SECOND": (300, "SQS 3.5"),
    "DEMOTE_AFTER_RECEIVES": (3, "SQS 7.2"),
    "HASH_KEY_MAX": (340_282_366_920_938_463_463_374_607_431_768_211_455, "KIN 2"),
    "PARTITION_KEY_MAX_CHARS": (256, "KIN 5"),
    "INVOCATION_SIZE_MAX_BYTES": (1_048_576, "DEL D"),
    "INVOCATION_RETRIES_MAX": (2, "DEL D"),
    "INVOCATION_FIRST_RETRY_US": (60 * S, "DEL D"),
    "INVOCATION_SECOND_RETRY_US": (120 * S, "DEL D"),
    "INVOCATION_AGE_MIN_US": (60 * S, "DEL D"),
    "INVOCATION_AGE_MAX_US": (21_600 * S, "DEL D"),
    "ERROR_MESSAGE_MAX_BYTES": (1_024, "DEL D"),
    "BATCH_PAYLOAD_MAX_BYTES": (6 * 1_048_576, "DEL C1"),
    "STREAM_BATCH_SIZE_MAX": (10_000, "DEL C1"),
    "STREAM_BATCH_SIZE_DEFAULT": (100, "DEL C1"),
    "STREAM_RETRIES_MAX": (10_000, "DEL C1"),
    "STREAM_NAME_MAX_CHARS": (128, "KIN 1"),
    "STREAM_RETENTION_MIN_US": (24 * 3_600 * S, "KIN 1"),
    "STREAM_RETENTION_MAX_US": (8_760 * 3_600 * S, "KIN 1"),
    "SHARDS_ON_DEMAND": (4, "KIN 1"),
    "SHARDS_MAX": (10_000, "KIN 3"),
    "SHARD_INDEX_MAX": (2_147_483_647, "KIN 2"),
    "SHARDS_PER_COUNTER": (5, "KIN 4"),
    "SEQUENCE_SECOND_END": (16_025_175_000, "KIN 4"),
    "RECORD_MAX_BYTES": (1_048_576, "KIN 5"),
    "RECORD_DATA_MAX_BYTES": (10 * 1_048_576, "KIN 1"),
    "PUT_RECORDS_MAX": (500, "KIN 5"),
    "PUT_RECORDS_MAX_BYTES": (10 * 1_048_576, "KIN 5"),
    "GET_RECORDS_MAX": (10_000, "KIN 6"),
    "GET_RECORDS_MAX_BYTES": (10 * 1_048_576, "KIN 6"),
    "SHARD_ITERATOR_LIFE_US": (300 * S, "KIN 6"),
    "SHARD_ITERATOR_MAX_CHARS": (512, "KIN 6"),
    "VIOLATIONS_SHOWN_MAX": (10, "KIN 12"),
    "DELIVERY_STREAM_NAME_MAX_CHARS": (64, "DEL A1"),
    "DELIVERY_RECORD_MAX_BYTES": (1_000 * 1_024, "DEL A1"),
    "DELIVERY_BATCH_RECORDS_MAX": (500, "DEL A1"),
    "DELIVERY_BATCH_MAX_BYTES": (4 * 1_048_576, "DEL A1"),
    "BUFFERING_SIZE_DEFAULT_MIB": (5, "DEL A2"),
    "BUFFERING_SIZE_MAX_MIB": (128, "DEL A2"),
    "BUFFERING_INTERVAL_DEFAULT_US": (300 * S, "DEL A2"),
    "BUFFERING_INTERVAL_MAX_US": (900 * S, "DEL A2"),
    "DELIVERY_RETRY_MAX_US": (86_400 * S, "DEL A5"),
    "OBJECT_PREFIX_MAX_CHARS": (512, "DEL A4"),
    "FILE_EXTENSION_MAX_CHARS": (128, "DEL A4"),
    "RANDOM_STRING_CHARS": (11, "DEL A4"),
    "TOPIC_NAME_MAX_CHARS": (256, "SNS 1.1"),
    "PUBLISH_SIZE_MAX_BYTES": (262_144, "SNS 2.2"),
    "PUBLISH_ENTRIES_MAX": (10, "SNS 3"),
    "SUBJECT_MAX_CHARS": (100, "SNS 2.2"),
    "PUBLISH_ATTRIBUTE_NAME_MAX_BYTES": (256, "SNS 2.4"),
    "EVENT_BUS_NAME_MAX_CHARS": (256, "EB 2"),
    "PUT_EVENTS_ENTRIES_MAX": (10, "EB 1"),
    "PUT_EVENTS_SIZE_END_BYTES": (1_048_576, "EB 1"),
    "EVENT_TIME_BYTES": (14, "EB 1"),
    "DETAIL_TYPE_MAX_CHARS": (128, "EB 1"),
    "EVENT_RESOURCE_MAX_CHARS": (2_048, "EB 1"),
    "EVENT_PATTERN_MAX_CHARS": (4_096, "PAT 10"),
    "PATTERN_COMBINATIONS_MAX": (1_000, "PAT 8"),
    "PATTERN_DEPTH_MAX": (1_000, "PAT 10"),
    "WILDCARD_COMPLEXITY_END": (10, "PAT 6.3"),
    "FILTER_POLICY_MAX_CHARS": (262_144, "SNS 7.2"),
    "FILTER_POLICY_KEYS_MAX": (5, "SNS 7.2"),
    "FILTER_POLICY_COMBINATIONS_MAX": (150, "SNS 7.2"),
    "RULE_NAME_MAX_CHARS": (64, "EB 3"),
    "RULES_PER_BUS_MAX": (300, "EB 3"),
    "TARGET_ID_MAX_CHARS": (64, "EB 4"),
    "TARGETS_PER_RULE_MAX": (5, "EB 4"),
    "TARGET_RETRIES_MAX": (185, "EB 6"),
    "TARGET_EVENT_AGE_MIN_US": (60 * S, "EB 6"),
    "TARGET_EVENT_AGE_MAX_US": (86_400 * S, "EB 6"),
}

OURS = {
    "DELIVERY_RETRY_LONGEST_US",
    "DELIVERY_RETRY_FIRST_US",
    "STREAM_RETRY_MIN_US",
    "STREAM_RETRY_MAX_US",
    "SECOND_US",
    "JUMP_GRACE_S",
    "IDLE_JUMPS_MAX",
    "CALLBACKS_PER_INSTANT_MAX",
    "POOL_THREADS",
    "POOL_THREADS_MAX",
    "NESTED_CALLS_MAX",
    "CLOSE_TIMEOUT_S",
    "CONTEXT_MEMORY_MB",
    "ERRORS_KEPT_MAX",
    "FATES_KEPT_MAX",
    "LIMIT_SPAN_MAX_US",
    "MOVE_RATE_DEFAULT",
    "PATTERN_STEPS_MAX",
}


def docstrings() -> dict[str, str]:
    """
    The text below each limit; two in a row share one.
    """
    found: dict[str, str] = {}
    names: list[str] = []
    for node in ast.parse(Path(limits.__file__).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.append(node.target.id)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and names:
            found.update(dict.fromkeys(names, str(node.value.value)))
            names = []
    return found


@pytest.mark.parametrize("name", FACTS)
def test_a_limit_is_the_facts_number(name: str) -> None:
    assert getattr(limits, name) == FACTS[name][0]


@pytest.mark.parametrize("name", FACTS)
def test_a_limit_says_where_it_is_written(name: str) -> None:
    text = docstrings()[name]

    assert re.search(rf"\b{re.escape(FACTS[name][1])}\b", text), text


def test_every_limit_is_explained_and_known_here() -> None:
    named = {name for name in vars(limits) if name.isupper()}

    assert named == set(docstrings()) == FACTS.keys() | OURS


def test_units_are_in_the_names() -> None:
    spans = [name for name, (number, _) in FACTS.items() if number >= S and number % S == 0 and "HASH" not in name]

    assert all(name.endswith("_US") for name in spans)
