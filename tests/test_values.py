"""
What calls hand back: each pickles, and has a plain form.
"""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from postroom import Function, ManualClock, Pattern, Queue, Recorder, Region, SendEntry
from postroom.firehose import MemoryStore
from postroom.message import Parcel
from postroom.worker import Context


def fails(event: Any, context: Any) -> None:
    raise ValueError("no tea", 7)


def flow_values() -> dict[str, Any]:
    """
    Those of topics, buses, streams and delivery streams.
    """
    region = Region(clock=ManualClock(), seed=1)
    topic, bus = region.topic("news"), region.event_bus()
    stream = region.stream("clicks", shard_count=1)
    archive = region.delivery_stream("archive", MemoryStore())
    put = stream.put_record(b"home\xff", "user-42")
    read = stream.get_records(stream.get_shard_iterator(put.shard_id, "TRIM_HORIZON"))
    return {
        "BusStats": bus.stats(),
        "DeliveryStreamStats": archive.stats(),
        "GetRecords": read,
        "Pattern": Pattern({"source": ["shop"]}),
        "PutDelivery": archive.put_record(b"home"),
        "PutEvent": bus.put_event(source="shop", detail_type="order", detail={}),
        "PutRecord": put,
        "Published": topic.publish("hello"),
        "Record": read.records[0],
        "Shard": stream.shards[0],
        "StreamStats": stream.stats(),
        "Topology": region.topology(),
        "TopicStats": topic.stats(),
    }


def values() -> dict[str, Any]:
    """
    One of each, made as users get them.
    """
    clock = ManualClock()
    queue = Queue("orders", clock=clock, seed=1, delay=0)
    recorder = Recorder(queue)
    sent = queue.send_message("2 x tea", attributes={"table": 7, "seal": b"\x00\xff"})
    outcome = queue.send_message_batch(["1 x cake", SendEntry("later", delay=60, id="later"), chr(0)])
    [message] = queue.receive_messages()
    function = Function(fails, clock=clock, seed=1)
    mapping = function.add_event_source(queue)
    mapping.close()
    return {
        **flow_values(),
        "AttributeValue": message.attributes["table"],
        "BatchFailure": outcome.failed[0],
        "BatchOutcome": outcome,
        "BatchSuccess": outcome.successful[0],
        "Context": Context("brew", "an arn", "an id"),
        "Due": clock.pending()[0],
        "Failure": function.failures[0],
        "FunctionStats": function.stats(),
        "Message": message,
        "Observation": next(iter(recorder)),
        "Parcel": Parcel("2 x tea", message.attributes),
        "QueueStats": queue.stats(),
        "SentMessage": sent,
        "Story": recorder.story(sent.message_id),
    }


names = pytest.mark.parametrize("name", sorted(values()))


def shown(value: Any) -> Any:
    """
    For comparing: errors are equal to themselves alone.
    """
    return repr(value)


@names
@pytest.mark.parametrize("through", [lambda value: pickle.loads(pickle.dumps(value)), copy.copy, copy.deepcopy])
def test_every_value_survives_pickling_and_copying(name: str, through: Any) -> None:
    value = values()[name]
    again = through(value)

    assert type(again) is type(value)
    assert shown(again) == shown(value)
    if name not in {"Failure", "BatchFailure", "BatchOutcome"}:
        assert again == value
        assert (
            hash(again) == hash(value)
            if name not in {"BatchSuccess", "GetRecords", "Observation", "Parcel", "Story"}
            else True
        )


@pytest.mark.parametrize("name", sorted(values()))
def test_every_value_has_a_plain_form(name: str) -> None:
    plain = values()[name].to_dict()

    assert type(plain) is dict
    assert json.loads(json.dumps(plain, default=lambda held: held.hex())).keys() == plain.keys()


@names
def test_a_value_is_made_the_same_from_the_same(name: str) -> None:
    assert shown(values()[name]) == shown(values()[name])


@pytest.mark.parametrize("name", ["Message", "SentMessage", "QueueStats", "FunctionStats", "Observation", "Due"])
def test_a_value_does_not_change(name: str) -> None:
    value = values()[name]
    field = next(iter(getattr(value, "_fields", ["body" if name == "Message" else "message_id"])))

    with pytest.raises(AttributeError):
        setattr(value, field, 1)
    with pytest.raises(AttributeError):
        value.anything_else = 1
