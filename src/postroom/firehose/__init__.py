"""
Delivery streams, which gather records and write them as objects, and the stores they write to.
"""

from __future__ import annotations

from postroom.firehose._delivery_stream import DeliveryStream
from postroom.firehose._stats import DeliveryStreamStats, PutDelivery
from postroom.firehose._stores import DirectoryStore, MemoryStore, ObjectStore

__all__ = ["DeliveryStream", "DeliveryStreamStats", "DirectoryStore", "MemoryStore", "ObjectStore", "PutDelivery"]
