"""
Every kind of target takes events, as it takes them on AWS; and Ctrl-C loses none on their way.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from postroom import ManualClock, MemoryStore, Region
from tests.bus.desk import ALL, Flaky, ids, made, put


def region() -> Region:
    return Region(clock=ManualClock(), seed=1)


def test_a_topic_gets_the_event_as_its_message() -> None:
    place = region()
    bus, topic, queue = place.event_bus(), place.topic("news"), place.queue("orders")
    topic.subscribe(queue)
    bus.put_rule("all", ALL).put_target(topic)
    id_ = put(bus)
    [message] = queue.receive_messages()
    envelope = json.loads(message.body)

    assert json.loads(envelope["Message"])["id"] == id_
    assert "Subject" not in envelope


def test_a_stream_gets_the_event_as_data_under_the_key_that_the_path_leads_to() -> None:
    place = region()
    bus, stream = place.event_bus(), place.stream("clicks", shard_count=1)
    rule = bus.put_rule("all", ALL)
    rule.put_target(stream)
    rule.put_target(stream, partition_key_path="$.detail.customer")
    id_ = put(bus, {"customer": "c-7"})
    [shard] = stream.shards
    records = stream.reader(shard.shard_id).peek(10)

    assert [json.loads(record.data)["id"] for record in records] == [id_, id_]
    assert [record.partition_key for record in records] == [id_, "c-7"]


def test_a_function_gets_the_event_itself() -> None:
    place = region()
    bus = place.event_bus()
    got: list[Any] = []
    bus.put_rule("all", ALL).put_target(place.function(lambda event, _: got.append(event), name="cook"))
    id_ = put(bus)

    assert [(event["id"], event["detail"]) for event in got] == [(id_, {"total": 12})]


def test_a_delivery_stream_gets_the_event_as_a_record() -> None:
    place = region()
    bus, store = place.event_bus(), MemoryStore()
    bus.put_rule("all", ALL).put_target(place.delivery_stream("archive", store))
    id_ = put(bus)
    place.clock.advance(300)  # type: ignore[attr-defined]

    assert [json.loads(data)["id"] for data in store.objects.values()] == [id_]


def test_a_story_goes_on_into_what_a_function_does() -> None:
    """
    A queue feeds a function, which puts an event, which another rule sends on.
    """
    place = region()
    bus, queue, done = place.event_bus(), place.queue("orders"), place.queue("done")
    bus.put_rule("all", ALL).put_target(done)
    place.function(lambda event, _: put(bus), name="cook").add_event_source(queue)
    queue.send_message("2 x tea")

    assert len(ids(done)) == 1


@pytest.mark.parametrize("by_whom", ["put", "next put"])
def test_ctrl_c_in_a_hand_over_loses_nothing(by_whom: str) -> None:
    """
    The clock takes up what was cut short, or whoever puts next; the one in hand is handed over once more.
    """
    bus, clock = made()
    place, after = Flaky("place"), Flaky("after")
    rule = bus.put_rule("all", ALL)
    target = rule.put_target(place)
    rule.put_target(after)
    take = target._route.hand_over
    plan = [KeyboardInterrupt]

    def interrupted(parcel: Any) -> object:
        if plan:
            raise plan.pop()
        return take(parcel)

    target._route.hand_over = interrupted
    with pytest.raises(KeyboardInterrupt):
        put(bus)
    wanted = 1
    if by_whom == "put":
        clock.settle()
    else:
        put(bus)
        wanted = 2

    assert (len(place.parcels), len(after.parcels)) == (wanted, wanted)
    assert bus.stats().delivered == 2 * wanted


def test_ctrl_c_in_an_observer_loses_nothing() -> None:
    bus, clock = made()
    place = Flaky("place")
    bus.put_rule("all", ALL).put_target(place)

    def interrupt(_: object) -> None:
        bus.unobserve(interrupt)
        raise KeyboardInterrupt

    bus.observe(interrupt)
    with pytest.raises(KeyboardInterrupt):
        put(bus)
    clock.settle()

    assert len(place.parcels) == 1
