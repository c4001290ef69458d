"""
The values of a FIFO queue's attributes (SQS 1).
"""

from __future__ import annotations

from typing import Literal, TypeAlias

DeduplicationScope: TypeAlias = Literal["queue", "messageGroup"]
"""Within what a deduplication id is taken once."""

ThroughputLimit: TypeAlias = Literal["perQueue", "perMessageGroupId"]
"""What the limit of 300 calls a second counts."""
