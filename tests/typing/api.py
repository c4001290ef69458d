"""
A line for every way of calling the API. mypy and pyright check it; nothing here is ever run.

A line that must be refused ends with `# type: ignore[code]`: it is an error when the checker accepts it after all.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, assert_type

import postroom
from postroom import (
    AttributeValue,
    BatchOutcome,
    Clock,
    DeleteEntry,
    DeliveryStream,
    EventBus,
    EventEntry,
    Faults,
    Function,
    GetRecords,
    ManualClock,
    MemoryStore,
    Message,
    Observation,
    Pattern,
    PostroomError,
    Published,
    PublishEntry,
    PutDelivery,
    PutEvent,
    PutRecord,
    Queue,
    QueueStats,
    RecordEntry,
    Region,
    Rule,
    SendEntry,
    SentMessage,
    ShardReader,
    Stream,
    Subscription,
    Target,
    Topic,
    VisibilityEntry,
)
from postroom.errors import InvalidParameterValue, InvalidRequest, NotFound, QueueDoesNotExist
from postroom.message import Parcel
from postroom.observe import Destination


def errors() -> None:
    """
    `postroom.errors`.
    """
    error = InvalidParameterValue("text", help="help", operation="send_message", resource="orders")
    PostroomError()
    PostroomError("text")
    PostroomError("text", "help")  # type: ignore[call-arg]
    assert_type(InvalidParameterValue.code, str)
    assert_type(error.aws_message, str)
    assert_type(error.help, str)
    assert_type(error.operation, str | None)
    assert_type(error.resource, str | None)
    a_value_error: ValueError = error
    a_lookup_error: LookupError = QueueDoesNotExist("text")
    branches: list[type[PostroomError]] = [InvalidRequest, NotFound]
    assert_type(postroom.__version__, str)
    everything: tuple[Any, ...] = (a_value_error, a_lookup_error, branches)
    del everything


def queues() -> None:
    """
    Making a queue, its settings, and what all resources have.
    """
    clock = ManualClock()
    dead = Queue("dead")
    Queue("orders", clock=clock, visibility_timeout=30, delay=0.5, retention=timedelta(days=1))
    Queue("orders", receive_message_wait_time=20, maximum_message_size=1_024, seed=1)
    Queue("orders", dead_letter_queue=dead, max_receive_count=3, seed=random.Random(1))
    Queue("orders", faults=Faults(1, duplicate_rate=0.5))
    Queue()  # type: ignore[call-arg]
    Queue("orders", clock)  # type: ignore[call-arg]
    Queue("orders", visibility_timeout="30")  # type: ignore[arg-type]
    Queue("orders", maximum_message_size=1024.0)  # type: ignore[arg-type]
    Queue("orders", dead_letter_queue="dead")  # type: ignore[arg-type]
    with Queue("orders") as queue:
        assert_type(queue, Queue)
    a_destination: Destination = queue
    a_destination.deliver(Parcel("2 x tea"))
    assert_type(queue.name, str)
    assert_type(queue.arn, str)
    assert_type(queue.clock, Clock)
    assert_type(queue.closed, bool)
    assert_type(queue.visibility_timeout, float)
    assert_type(queue.delay, float)
    assert_type(queue.retention, float)
    assert_type(queue.receive_message_wait_time, float)
    assert_type(queue.maximum_message_size, int)
    assert_type(queue.max_receive_count, int | None)
    assert_type(queue.dead_letter_queue, Destination | None)
    assert_type(len(queue), int)
    queue.name = "other"  # type: ignore[misc]
    queue.close()


def sending(queue: Queue, attributes: Mapping[str, str]) -> None:
    """
    `Queue.send_message` and its batch form.
    """
    assert_type(queue.send_message("2 x tea"), SentMessage)
    queue.send_message("2 x tea", delay=5)
    queue.send_message("2 x tea", delay=timedelta(seconds=5), attributes=None)
    queue.send_message("x", attributes={"a": "x", "b": 1, "c": 1.5, "d": Decimal(1), "e": b"x"})
    queue.send_message("x", attributes={"a": AttributeValue("Number.currency", "9.50")})
    queue.send_message("x", attributes=attributes)
    queue.send_message("x", 5)  # type: ignore[call-arg]
    queue.send_message(b"x")  # type: ignore[arg-type]
    queue.send_message("x", delay="5")  # type: ignore[arg-type]
    queue.send_message("x", attributes={"a": None})  # type: ignore[dict-item]
    queue.send_message("x", message_group_id="g")
    outcome = queue.send_message_batch(["a", SendEntry("b", delay=1, attributes={"a": 1}, id="b")])
    assert_type(outcome, BatchOutcome[SentMessage])
    assert_type(outcome.successful[0].result.message_id, str)
    assert_type(outcome.failed[0].error, PostroomError)
    assert_type(outcome.failed[0].code, str)
    outcome.raise_for_failures()
    queue.send_message_batch(entry for entry in ("a", "b"))
    queue.send_message_batch([5])  # type: ignore[list-item]
    sent = queue.send_message("x")
    assert_type(sent.md5_of_body, str)
    assert_type(sent.md5_of_attributes, str | None)
    assert_type(sent.to_dict(), dict[str, Any])
    sent.message_id = "x"  # type: ignore[misc]


def receiving(queue: Queue) -> None:
    """
    `Queue.receive_messages`, and what a message has.
    """
    assert_type(queue.receive_messages(), list[Message])
    queue.receive_messages(max_messages=10, wait_time=20, visibility_timeout=0)
    queue.receive_messages(wait_time=timedelta(seconds=1), visibility_timeout=1.5)
    queue.receive_messages(10)  # type: ignore[call-arg]
    queue.receive_messages(max_messages="10")  # type: ignore[arg-type]
    [message] = queue.receive_messages()
    assert_type(message.body, str)
    assert_type(message.message_id, str)
    assert_type(message.receipt_handle, str)
    assert_type(message.attributes, Mapping[str, AttributeValue])
    assert_type(message.attributes["a"].value, str | bytes)
    assert_type(message.receive_count, int)
    assert_type(message.sent_timestamp, int)
    assert_type(message.first_receive_timestamp, int)
    assert_type(message.sender_id, str)
    assert_type(message.dead_letter_queue_source_arn, str | None)
    assert_type(message.aws_trace_header, str | None)
    assert_type(message.to_dict(), dict[str, Any])
    message.body = "x"  # type: ignore[misc]
    message.attributes["a"] = AttributeValue("String", "x")  # type: ignore[index]


async def awaiting(queue: Queue) -> None:
    """
    `Queue.aio`.
    """
    assert_type(await queue.aio.receive_messages(), list[Message])
    await queue.aio.receive_messages(max_messages=10, wait_time=20, visibility_timeout=timedelta(seconds=5))
    await queue.aio.receive_messages(10)  # type: ignore[call-arg]


def working_off(queue: Queue, handle: str) -> None:
    """
    Deleting, changing visibility, looking, and being called.
    """
    queue.delete_message(handle)
    queue.delete_message(receipt_handle=handle)
    queue.delete_message(None)  # type: ignore[arg-type]
    assert_type(queue.delete_message_batch([handle, DeleteEntry(handle, id="a")]), BatchOutcome[None])
    queue.delete_message_batch([VisibilityEntry(handle, 5)])  # type: ignore[list-item]
    queue.change_message_visibility(handle, 60)
    queue.change_message_visibility(handle, timeout=timedelta(minutes=1))
    queue.change_message_visibility(handle)  # type: ignore[call-arg]
    assert_type(queue.change_message_visibility_batch([VisibilityEntry(handle, 5, id="a")]), BatchOutcome[None])
    queue.change_message_visibility_batch([handle])  # type: ignore[list-item]
    assert_type(queue.peek(), list[Message])
    assert_type(queue.peek(3), list[Message])
    assert_type(queue.stats(), QueueStats)
    assert_type(queue.stats().oldest_age, float | None)
    assert_type(queue.explain("id"), str)
    registration = queue.when_ready(lambda: None)
    queue.when_ready(lambda: None, until=5)
    queue.when_ready(lambda one: None)  # type: ignore[arg-type, misc]
    assert_type(registration.cancel(), bool)

    def hear(seen: Observation) -> None:
        assert_type(seen.message_id, str)

    queue.observe(hear)
    queue.unobserve(hear)
    queue.observe(lambda: None)  # type: ignore[arg-type, misc]


def topics(topic: Topic, queue: Queue, function: Function) -> None:
    """
    `Topic`.
    """
    assert_type(topic.publish("hello"), Published)
    assert_type(topic.publish("hello", subject="news", attributes={"store": "a", "n": 1}), Published)
    assert_type(topic.publish_batch(["a", PublishEntry("b", subject="s", id="x")]), BatchOutcome[Published])
    subscription = topic.subscribe(queue, raw_message_delivery=True, dead_letter_queue=queue)
    assert_type(subscription, Subscription)
    topic.subscribe(function)
    topic.subscribe("arn:aws:sqs:us-east-1:123456789012:orders", protocol="sqs")
    topic.unsubscribe(subscription)
    topic.publish(b"bytes")  # type: ignore[arg-type]
    topic.publish("hello", message_group_id="a")  # type: ignore[arg-type]


def buses(bus: EventBus, queue: Queue, stream: Stream) -> None:
    """
    `EventBus` and `Pattern`.
    """
    assert_type(bus.put_event(source="shop", detail_type="order", detail={"id": 1}), PutEvent)
    assert_type(bus.put_event("shop", "order", {"id": 1}), PutEvent)
    outcome = bus.put_events([EventEntry("shop", "order", {"id": 1}), {"source": "shop"}])
    assert_type(outcome, BatchOutcome[PutEvent])
    rule = bus.put_rule("paid", {"source": ["shop"]})
    assert_type(rule, Rule)
    bus.put_rule("paid", '{"source": ["shop"]}', state="DISABLED")
    bus.put_rule("paid", Pattern({"source": [{"prefix": "sh"}]}))
    target = rule.put_target(queue, target_id="q", dead_letter_queue=queue, maximum_retry_attempts=3)
    rule.put_target(queue, dead_letter_queue="dead")
    assert_type(target, Target)
    rule.put_target(stream, partition_key_path="$.detail.id")
    assert_type(Pattern({"source": ["shop"]}).matches({"source": "shop"}), bool)


def streams(stream: Stream) -> None:
    """
    `Stream`.
    """
    put = stream.put_record(b"home", "user-42", explicit_hash_key="7")
    assert_type(put, PutRecord)
    assert_type(stream.put_records([RecordEntry(b"home", "user-42")]), BatchOutcome[PutRecord])
    iterator = stream.get_shard_iterator(put.shard_id, "TRIM_HORIZON")
    assert_type(iterator, str)
    read = stream.get_records(iterator, limit=10)
    assert_type(read, GetRecords)
    assert_type(read.records[0].data, bytes)
    assert_type(stream.reader(put.shard_id, "LATEST"), ShardReader)
    stream.put_record("text", "user-42")  # type: ignore[arg-type]


def storage(stream: Stream) -> None:
    """
    `DeliveryStream`.
    """
    archive = DeliveryStream("archive", MemoryStore(), source=stream, buffering_interval=60)
    DeliveryStream("archive", "folder", prefix="orders/")
    assert_type(archive.put_record(b"home"), PutDelivery)
    assert_type(archive.put_record_batch([b"a", b"b"]), BatchOutcome[PutDelivery])


def regions(region: Region) -> None:
    """
    `Region`.
    """
    assert_type(region.topic("news"), Topic)
    assert_type(region.event_bus(), EventBus)
    assert_type(region.stream("clicks", shard_count=2, retention=timedelta(days=2)), Stream)
    assert_type(region.delivery_stream("archive", MemoryStore()), DeliveryStream)
    region.delivery_stream("archive", "objects", compression_format="GZIP", file_extension=".json.gz")
    region.delivery_stream("archive", compression_format="ZIP")  # type: ignore[arg-type]
    region.queue("orders", dead_letter_queue="dead", max_receive_count=3)
    region.queue("orders", faults=Faults())  # type: ignore[arg-type]
    region.function(print, name="f", dead_letter_queue="dead")
    region.close()
    region.close(timeout=None)
    region.close(timedelta(seconds=1))
    assert_type(region.topology().mermaid(), str)
    region.topic("news", tags={})  # type: ignore[arg-type]
