"""
Regions make and find topics, buses, streams and delivery streams, too.
"""

from __future__ import annotations

from typing import Any

import pytest

from postroom import DeliveryStream, EventBus, ManualClock, Region, Stream, Topic
from postroom.errors import (
    FirehoseResourceInUse,
    FirehoseResourceNotFound,
    KinesisResourceInUse,
    NotFound,
    NotSupported,
    ResourceClosed,
)
from postroom.firehose import MemoryStore
from postroom.observe import Destination

MAKERS: dict[str, tuple[type[Any], Any, str]] = {
    "topic": (Topic, lambda region: region.topic("x"), "arn:aws:sns:us-east-1:123456789012:x"),
    "bus": (EventBus, lambda region: region.event_bus("x"), "arn:aws:events:us-east-1:123456789012:event-bus/x"),
    "stream": (Stream, lambda region: region.stream("x"), "arn:aws:kinesis:us-east-1:123456789012:stream/x"),
}
each_kind = pytest.mark.parametrize("kind", list(MAKERS))


def made() -> Region:
    return Region(clock=ManualClock(), seed=1)


@each_kind
def test_a_name_is_one_resource(kind: str) -> None:
    region = made()
    expected, make, arn = MAKERS[kind]
    resource = make(region)

    assert isinstance(resource, expected)
    assert make(region) is resource
    assert resource.arn == arn
    assert resource.clock is region.clock


@each_kind
def test_one_that_was_closed_is_made_anew(kind: str) -> None:
    region = made()
    make = MAKERS[kind][1]
    resource = make(region)
    resource.close()

    assert make(region) is not resource


@each_kind
def test_it_is_resolved_by_its_arn_as_a_destination(kind: str) -> None:
    region = made()
    resource = MAKERS[kind][1](region)

    assert isinstance(resource, Destination)
    assert region.resolve(resource.arn) is resource
    resource.close()  # type: ignore[attr-defined]
    with pytest.raises(NotFound):
        region.resolve(resource.arn)


@each_kind
def test_a_closed_region_makes_none(kind: str) -> None:
    region = made()
    region.close()

    with pytest.raises(ResourceClosed):
        MAKERS[kind][1](region)


def test_finding_one_draws_nothing_from_the_seed() -> None:
    region, other = made(), made()
    for one in (region, other):
        one.topic("news")
        one.stream("clicks")
        one.event_bus()
    for _ in range(3):
        region.topic("news")
        region.stream("clicks")
        region.event_bus()

    assert region.random.random() == other.random.random()


def test_names_of_different_kinds_do_not_clash() -> None:
    region = made()

    assert len({region.topic("x"), region.queue("x"), region.stream("x"), region.event_bus("x")}) == 4


@pytest.mark.parametrize("differs", [{"shard_count": 3}, {"retention": 172_800}])
def test_a_stream_that_is_there_is_not_made_differently(differs: dict[str, Any]) -> None:
    region = made()
    clicks = region.stream("clicks", shard_count=2)

    assert region.stream("clicks", shard_count=2, retention=86_400) is clicks
    with pytest.raises(KinesisResourceInUse, match="Stream clicks under account 123456789012 already exists"):
        region.stream("clicks", **differs)


def test_a_delivery_stream_is_made_with_a_store_and_found_without() -> None:
    region = made()
    archive = region.delivery_stream("archive", MemoryStore())

    assert isinstance(archive, DeliveryStream)
    assert region.delivery_stream("archive") is archive
    with pytest.raises(FirehoseResourceInUse):
        region.delivery_stream("archive", MemoryStore())
    with pytest.raises(FirehoseResourceNotFound):
        region.delivery_stream("other")


@pytest.mark.parametrize(
    "call",
    [
        lambda region: region.topic("x", fifo_topic=True),
        lambda region: region.event_bus("x", kms_key_identifier="key"),
        lambda region: region.stream("x", stream_mode_details={}),
        lambda region: region.delivery_stream("x", MemoryStore(), processing_configuration={}),
    ],
)
def test_what_is_not_there_is_refused_by_name_also_where_the_resource_is(call: Any) -> None:
    region = made()
    region.topic("x")
    region.event_bus("x")
    region.stream("x")

    with pytest.raises(NotSupported):
        call(region)
