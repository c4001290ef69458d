"""
The whole flow: a topic, two queues, two functions, a bus, a stream, a reader and objects, beside the bare steps of it.

The floor does what the flow cannot do without, by hand and with nothing that can fail: the same JSON made and read, the
same digests, and a `queue.Queue` for every place where a message waits.
"""

from __future__ import annotations

import hashlib
import json
import queue as standard_library
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.runner import Case
from postroom import DeliveryStream, ManualClock, Region
from postroom.firehose import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroom import Function

CUSTOMERS = 100


class Flow:
    """
    One flow, wired: what is published ends in the store.
    """

    def __init__(self) -> None:
        clock = ManualClock()
        region = Region(clock=clock, seed=1)
        orders = region.topic("orders")
        self.publish = orders.publish
        self.store = MemoryStore()
        bus = region.event_bus("shop")
        stream = region.stream("activity", shard_count=4)
        self.archive: DeliveryStream = region.delivery_stream(
            "archive", self.store, source=stream, starting_position="TRIM_HORIZON", append_delimiter=True
        )
        rule = bus.put_rule("paid", {"source": ["shop"], "detail-type": [{"prefix": "order."}]})
        rule.put_target(stream, partition_key_path="$.detail.customer")
        self.seen: dict[str, int] = {}

        def kitchen(event: dict[str, Any], _: object) -> None:
            for record in event["Records"]:
                order = json.loads(record["body"])
                bus.put_event(source="shop", detail_type="order.cooked", detail=order)

        def billing(event: dict[str, Any], _: object) -> None:
            for record in event["Records"]:
                json.loads(record["body"])

        def count(event: dict[str, Any], _: object) -> None:
            for record in event["Records"]:
                key = record["kinesis"]["partitionKey"]
                self.seen[key] = self.seen.get(key, 0) + 1

        for handler in (kitchen, billing):
            queue = region.queue(handler.__name__)
            orders.subscribe(queue, raw_message_delivery=True)
            function: Function = region.function(handler)
            function.add_event_source(queue)
        region.function(count).add_event_source(stream, starting_position="TRIM_HORIZON")
        self.region = region


def bodies(count: int) -> list[str]:
    return [json.dumps({"order": number, "customer": f"customer-{number % CUSTOMERS}"}) for number in range(count)]


def ours(orders: list[str]) -> int:
    flow = Flow()
    for order in orders:
        flow.publish(order)
    flow.archive.flush()
    assert sum(flow.seen.values()) == len(orders)
    return sum(data.count(b"\n") for data in flow.store.objects.values())


def bare(orders: list[str]) -> int:
    waits: list[standard_library.Queue[Any]] = [standard_library.Queue() for _ in range(2)]
    shards: list[list[bytes]] = [[] for _ in range(4)]
    store: list[bytes] = []
    for order in orders:
        for one in waits:
            one.put(order)
        for one in waits:
            json.loads(one.get())
        event = json.dumps({"source": "shop", "detail-type": "order.cooked", "detail": json.loads(order)}).encode()
        digest = hashlib.md5(order.encode(), usedforsecurity=False).digest()
        shards[digest[0] >> 6].append(event)
        store.append(event + b"\n")
    return b"".join(store).count(b"\n")


def cases(quick: bool) -> Iterator[Case]:
    for size in (100, 1_000) if quick else (100, 1_000, 10_000, 100_000):
        orders = bodies(size)
        yield Case(
            name="publish to object",
            subjects={"the whole flow": partial(ours, orders), "the bare steps": partial(bare, orders)},
            reference="the bare steps",
            size=size,
            operations=size,
            rounds=2 if size > 10_000 else None,
        )
