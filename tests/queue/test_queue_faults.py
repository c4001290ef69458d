"""
A standard queue with a plan of faults does what a real one may do, and loses nothing; the same seed is the same run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import pytest

from postroom import Faults, FifoQueue, ManualClock, Queue
from postroom.errors import RequestThrottled

T = TypeVar("T")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_messages_change_places_as_the_plan_says(clock: ManualClock) -> None:
    queue = Queue("orders", clock=clock, faults=Faults.script(reorders={"orders": [2, 0, 1]}))
    queue.send_message_batch(["a", "b", "c", "d"])

    assert [message.body for message in queue.receive_messages(max_messages=10)] == ["c", "a", "d", "b"]


def test_a_short_poll_misses_a_message_and_the_next_finds_it(clock: ManualClock) -> None:
    queue = Queue("orders", clock=clock, faults=Faults.script(misses={"orders": [True, False]}))
    queue.send_message_batch(["a", "b"])

    assert [message.body for message in queue.receive_messages(max_messages=2)] == ["b"]
    assert [message.body for message in queue.receive_messages(max_messages=2)] == ["a"]


def test_a_long_poll_misses_nothing(clock: ManualClock) -> None:
    queue = Queue("orders", clock=clock, faults=Faults(short_poll_miss_rate=1))
    queue.send_message("a")

    assert queue.receive_messages() == []
    assert [message.body for message in queue.receive_messages(wait_time=1)] == ["a"]


def test_a_lost_deletion_succeeds_and_the_message_comes_back(clock: ManualClock) -> None:
    queue = Queue("orders", clock=clock, faults=Faults.script(lost_deletes={"orders": [True]}))
    queue.send_message("a")
    [message] = queue.receive_messages(visibility_timeout=30)
    queue.delete_message(message.receipt_handle)

    assert queue.receive_messages() == []
    clock.advance(30)
    [ghost] = queue.receive_messages()
    queue.delete_message(ghost.receipt_handle)
    assert (ghost.message_id, ghost.receive_count, len(queue)) == (message.message_id, 2, 0)


def test_a_receive_answers_with_nothing_and_leaves_all_as_it_was(clock: ManualClock) -> None:
    queue = Queue("orders", clock=clock, faults=Faults.script(false_empties={"orders": [True]}))
    queue.send_message("a")

    assert queue.receive_messages(wait_time=20) == []
    assert clock.now_us() == ManualClock().now_us()
    assert [message.receive_count for message in queue.receive_messages()] == [1]


CALLS: dict[str, Callable[[Queue], object]] = {
    "send_message": lambda queue: queue.send_message("b"),
    "send_message_batch": lambda queue: queue.send_message_batch(["b"]),
    "receive_messages": lambda queue: queue.receive_messages(),
    "delete_message": lambda queue: queue.delete_message("x"),
    "delete_message_batch": lambda queue: queue.delete_message_batch(["x"]),
    "change_message_visibility": lambda queue: queue.change_message_visibility("x", 0),
}


@pytest.mark.parametrize("call", list(CALLS))
def test_a_throttled_call_does_nothing_and_names_itself(clock: ManualClock, call: str) -> None:
    queue = Queue("orders", clock=clock, faults=Faults.script(throttles={f"orders.{call}": [True]}))
    queue.send_message("a") if call != "send_message" else None
    before = queue.stats()

    with pytest.raises(RequestThrottled) as caught:
        CALLS[call](queue)

    assert (caught.value.operation, caught.value.resource) == (call, "orders")
    assert queue.stats() == before


def test_a_fifo_queue_has_throttling_and_no_other_fault(clock: ManualClock) -> None:
    faults = Faults(1, duplicate_rate=1, reorder_rate=1, short_poll_miss_rate=1, lost_delete_rate=1, false_empty_rate=1)
    queue = FifoQueue("orders.fifo", content_based_deduplication=True, clock=clock, faults=faults)
    for body in "abc":
        queue.send_message(body, message_group_id="g")
    messages = queue.receive_messages(max_messages=10)
    assert [message.body for message in messages] == ["a", "b", "c"]
    queue.delete_message_batch([message.receipt_handle for message in messages]).raise_for_failures()
    assert len(queue) == 0

    throttled = FifoQueue("orders.fifo", clock=clock, faults=Faults(throttle_rate=1))
    with pytest.raises(RequestThrottled):
        throttled.send_message("a", message_group_id="g", message_deduplication_id="1")


def consumed(seed: int) -> list[tuple[str, int]]:
    """
    What a consumer gets of a hundred messages, until the queue is empty.
    """
    clock = ManualClock()
    faults = Faults(
        seed,
        duplicate_rate=0.1,
        reorder_rate=0.3,
        short_poll_miss_rate=0.3,
        lost_delete_rate=0.1,
        false_empty_rate=0.1,
        throttle_rate=0.1,
    )
    queue = Queue("orders", visibility_timeout=5, clock=clock, faults=faults)
    got: list[tuple[str, int]] = []

    def insist(call: Callable[[], T]) -> T:
        while True:
            try:
                return call()
            except RequestThrottled:
                clock.advance(1)

    for number in range(100):
        insist(partial(queue.send_message, str(number)))
    while len(queue):
        for message in insist(partial(queue.receive_messages, max_messages=10)):
            got.append((message.body, message.receive_count))
            insist(partial(queue.delete_message_batch, [message.receipt_handle]))
        clock.advance(1)
    queue._core.check()
    return got


def test_with_all_faults_everything_arrives_and_some_of_it_twice_and_out_of_order() -> None:
    got = consumed(7)
    bodies = [body for body, _ in got]

    assert set(bodies) == {str(number) for number in range(100)}
    assert max(Counter(bodies).values()) > 1
    assert [int(body) for body in dict.fromkeys(bodies)] != list(range(100))


def test_the_same_seed_is_the_same_run() -> None:
    assert consumed(7) == consumed(7)
    assert consumed(7) != consumed(8)
