"""
A queue as a dead-letter queue: who may use it, who does (SQS 7.3), and moving its messages elsewhere by the clock (SQS 7.4).
"""

from __future__ import annotations

import gc
import json
import threading
from base64 import b64decode, b64encode
from collections import Counter
from functools import partial
from typing import Any
from weakref import ref

import pytest

from postroom import FifoQueue, ManualClock, Observation, Queue, Region, SystemClock, Topic
from postroom.errors import (
    InvalidInput,
    InvalidParameterValue,
    PurgeQueueInProgress,
    QueueResourceNotFound,
    ResourceClosed,
)
from postroom.message import Parcel, to_attributes
from postroom.queue._moves import MoveTaskStatus
from tests import interrupts
from tests.clock.helpers import Started, until

NON_EXISTENT = "AWS.SimpleQueueService.NonExistentQueue"
AnyQueue = Queue | FifoQueue
both = pytest.mark.parametrize("kind", [Queue, FifoQueue], ids=["standard", "fifo"])
RUNNING, COMPLETED, FAILED = MoveTaskStatus.RUNNING, MoveTaskStatus.COMPLETED, MoveTaskStatus.FAILED
CANCELLING, CANCELLED = MoveTaskStatus.CANCELLING, MoveTaskStatus.CANCELLED


def make(kind: type[AnyQueue], name: str, clock: Any, **settings: Any) -> Any:
    if kind is FifoQueue:
        return FifoQueue(f"{name}.fifo", clock=clock, content_based_deduplication=True, **settings)
    return Queue(name, clock=clock, **settings)


def pair(kind: type[AnyQueue] = Queue, clock: Any = None, **of_source: Any) -> tuple[Any, Any, Any]:
    clock = ManualClock() if clock is None else clock
    dead = make(kind, "dead", clock)
    return clock, dead, make(kind, "orders", clock, dead_letter_queue=dead, max_receive_count=1, **of_source)


def bury(dead: AnyQueue, source: AnyQueue | None, *texts: str, group: str = "a") -> None:
    """
    Has dead letters arrive as they do, from a source, or has messages sent.
    """
    for text in texts:
        dead.deliver(
            Parcel(
                text,
                message_id=None if source is None else f"id of {text}",
                receive_count=0 if source is None else 3,
                source_arn=None if source is None else source.arn,
                message_group_id=group if isinstance(dead, FifoQueue) else None,
            )
        )


def bodies(queue: AnyQueue) -> list[str]:
    return [message.body for message in queue.peek(1_000)]


def last(queue: AnyQueue) -> tuple[MoveTaskStatus, int, int]:
    [task] = queue.list_message_move_tasks()
    return task.status, task.moved, task.to_move


def refused(call: Any, error: type[Exception]) -> str:
    with pytest.raises(error) as caught:
        call()
    return str(getattr(caught.value, "aws_message", ""))


# Whose dead letters it takes (SQS 7.3).


@both
def test_any_queue_may_have_a_dead_letter_queue_that_says_nothing(kind: type[AnyQueue]) -> None:
    _, dead, orders = pair(kind)

    assert (dead.redrive_permission, dead.redrive_source_queues) == ("allowAll", ())
    assert orders.dead_letter_queue is dead


@both
def test_a_queue_that_denies_all_is_nobodys_dead_letter_queue(kind: type[AnyQueue]) -> None:
    clock = ManualClock()
    dead = make(kind, "dead", clock, redrive_permission="denyAll")
    orders = make(kind, "orders", clock)

    for call in (
        lambda: make(kind, "other", clock, dead_letter_queue=dead, max_receive_count=1),
        lambda: orders.set_attributes(dead_letter_queue=dead, max_receive_count=1),
    ):
        assert "does not allow the source queue" in refused(call, InvalidParameterValue)
    assert (orders.dead_letter_queue, dead.dead_letter_source_queues()) == (None, [])


@both
def test_a_queue_that_chooses_takes_those_it_names_and_no_others(kind: type[AnyQueue]) -> None:
    clock = ManualClock()
    orders, mail = (make(kind, name, clock) for name in ("orders", "mail"))
    dead = make(kind, "dead", clock, redrive_permission="byQueue", redrive_source_queues=[orders])
    assert dead.redrive_source_queues == (orders.arn,)

    orders.set_attributes(dead_letter_queue=dead, max_receive_count=1)
    refused(lambda: mail.set_attributes(dead_letter_queue=dead, max_receive_count=1), InvalidParameterValue)

    assert dead.dead_letter_source_queues() == [orders]


def test_permission_is_asked_when_the_policy_is_set_and_not_when_a_message_moves() -> None:
    _, dead, orders = pair(visibility_timeout=0)
    dead.set_attributes(redrive_permission="denyAll")
    orders.send_message("poison")
    orders.receive_messages()
    orders.receive_messages()

    assert bodies(dead) == ["poison"]


@pytest.mark.parametrize("count", [1, 10])
def test_one_to_ten_queues_may_be_named(count: int) -> None:
    arns = [f"arn:aws:sqs:us-east-1:123456789012:q{number}" for number in range(count)]
    dead = Queue("dead", clock=ManualClock(), redrive_permission="byQueue", redrive_source_queues=arns)

    assert dead.redrive_source_queues == tuple(arns)


@pytest.mark.parametrize("count", [0, 11])
def test_no_queue_and_more_than_ten_are_refused(count: int) -> None:
    arns = [f"arn:aws:sqs:us-east-1:123456789012:q{number}" for number in range(count)]
    dead = Queue("dead", clock=ManualClock())

    refused(
        lambda: dead.set_attributes(redrive_permission="byQueue", redrive_source_queues=arns), InvalidParameterValue
    )
    assert dead.redrive_permission == "allowAll"


@pytest.mark.parametrize("permission", ["allowAll", "denyAll"])
def test_queues_are_named_with_by_queue_alone(permission: Any) -> None:
    dead = Queue("dead", clock=ManualClock())

    refused(
        lambda: dead.set_attributes(
            redrive_permission=permission, redrive_source_queues=["arn:aws:sqs:us-east-1:123456789012:q"]
        ),
        InvalidParameterValue,
    )


# Whose it is (SQS 7.3).


@both
def test_the_sources_of_a_dead_letter_queue_are_those_that_name_it_now_in_order(kind: type[AnyQueue]) -> None:
    clock, dead, orders = pair(kind)
    mail = make(kind, "mail", clock, dead_letter_queue=dead, max_receive_count=1)
    zoo = make(kind, "zoo", clock, dead_letter_queue=dead, max_receive_count=1)
    assert dead.dead_letter_source_queues() == [mail, orders, zoo]

    orders.set_attributes(dead_letter_queue=None)
    zoo.close()

    assert dead.dead_letter_source_queues() == [mail]


def test_a_source_that_nobody_holds_any_more_is_gone() -> None:
    _, dead, orders = pair()
    assert dead.dead_letter_source_queues() == [orders]

    del orders
    gc.collect()

    assert dead.dead_letter_source_queues() == []


def test_a_queue_may_be_its_own_source() -> None:
    queue = Queue("orders", clock=ManualClock())
    queue.set_attributes(dead_letter_queue=queue, max_receive_count=1)

    assert queue.dead_letter_source_queues() == [queue]


# Starting a task (SQS 7.4).


@both
def test_only_a_dead_letter_queue_has_messages_moved(kind: type[AnyQueue]) -> None:
    clock, dead, orders = pair(kind)
    text = "Source queue must be configured as a Dead Letter Queue."

    assert refused(orders.start_message_move_task, InvalidParameterValue) == text

    orders.close()
    other = make(kind, "other", clock)
    assert refused(lambda: dead.start_message_move_task(destination=other), InvalidParameterValue) == text


def test_a_source_that_is_closed_moves_nothing() -> None:
    _, dead, _orders = pair()
    dead.close()

    for call in (
        dead.start_message_move_task,
        dead.list_message_move_tasks,
        lambda: dead.cancel_message_move_task(b64encode(b'{"taskId": "x", "sourceArn": "y"}').decode()),
    ):
        refused(call, ResourceClosed)


@both
def test_a_destination_has_to_be_there(kind: type[AnyQueue]) -> None:
    clock, dead, orders = pair(kind)
    closed, elsewhere = make(kind, "closed", clock), Region("eu-west-1", clock=clock)
    closed.close()
    suffix = ".fifo" if kind is FifoQueue else ""
    far = elsewhere.fifo_queue("orders.fifo") if kind is FifoQueue else elsewhere.queue("orders")

    for destination in (f"arn:aws:sqs:us-east-1:123456789012:nobody{suffix}", "nobody", closed, far):
        text = refused(lambda at=destination: dead.start_message_move_task(destination=at), QueueResourceNotFound)
        assert text == "The resource that you specified for the DestinationArn parameter doesn't exist."
    assert dead.list_message_move_tasks() == []
    assert orders.stats().sent == 0


@pytest.mark.parametrize("destination", [7, b"orders", ["orders"], object()])
def test_a_destination_is_a_queue_or_the_arn_of_one(destination: Any) -> None:
    _, dead, _orders = pair()

    refused(lambda: dead.start_message_move_task(destination=destination), InvalidInput)


@both
def test_a_destination_is_of_the_same_kind(kind: type[AnyQueue]) -> None:
    clock, dead, _orders = pair(kind)
    other = make(FifoQueue if kind is Queue else Queue, "other", clock)

    for destination in (other, Topic("news", clock=clock)):
        text = refused(lambda at=destination: dead.start_message_move_task(destination=at), InvalidParameterValue)
        assert "same type of queue" in text


def test_a_queue_is_not_moved_into_itself() -> None:
    _, dead, _orders = pair()

    assert "It is the source queue." in refused(
        lambda: dead.start_message_move_task(destination=dead), InvalidParameterValue
    )


def test_a_destination_lives_by_the_same_clock() -> None:
    _, dead, _orders = pair()

    refused(lambda: dead.start_message_move_task(destination=Queue("other", clock=ManualClock())), InvalidInput)


def test_a_region_finds_destinations_by_arn_and_by_name() -> None:
    region = Region(clock=ManualClock())
    dead, other = region.queue("dead"), region.queue("other")
    region.queue("orders", dead_letter_queue=dead, max_receive_count=1)

    for destination in (other.arn, "other"):
        dead.send_message("letter")
        task = dead.start_message_move_task(destination=destination, max_messages_per_second=1)
        assert task.destination_arn == other.arn
        region.clock.sleep(1)
    assert bodies(other) == ["letter", "letter"]


def test_without_a_region_the_sources_are_found_by_arn() -> None:
    _, dead, orders = pair()
    bury(dead, None, "letter")

    dead.start_message_move_task(destination=orders.arn)

    assert bodies(orders) == ["letter"]


@both
def test_a_queue_has_one_active_task_at_a_time(kind: type[AnyQueue]) -> None:
    clock, dead, orders = pair(kind)
    bury(dead, orders, "1", "2", "3")
    task = dead.start_message_move_task(max_messages_per_second=1)
    text = "There is already a task running. Only one active task is allowed for a source queue arn at a given time."

    assert refused(dead.start_message_move_task, InvalidParameterValue) == text
    task.cancel()
    assert refused(dead.start_message_move_task, InvalidParameterValue) == text

    clock.advance(1)
    dead.start_message_move_task()
    clock.advance(1)
    assert last(dead) == (COMPLETED, 2, 2)


@pytest.mark.parametrize("rate", [0, -1, 501, 10**30])
def test_a_rate_out_of_range_is_refused(rate: int) -> None:
    _, dead, _orders = pair()

    text = refused(lambda: dead.start_message_move_task(max_messages_per_second=rate), InvalidParameterValue)

    assert text == (
        f"Value {rate} for parameter MaxNumberOfMessagesPerSecond is invalid. "
        "Reason: Must be between 1 and 500, if provided."
    )


@pytest.mark.parametrize("rate", [True, 1.0, "1", float("nan")])
def test_a_rate_is_a_whole_number(rate: Any) -> None:
    _, dead, _orders = pair()

    refused(lambda: dead.start_message_move_task(max_messages_per_second=rate), InvalidInput)


def test_an_error_names_the_call_and_the_queue() -> None:
    clock = ManualClock()
    queue = Queue("orders", clock=clock)

    with pytest.raises(InvalidParameterValue) as caught:
        queue.start_message_move_task()

    assert (caught.value.operation, caught.value.resource) == ("start_message_move_task", "orders")


# What moves, and when (SQS 7.4).


@both
def test_the_first_message_moves_at_once_and_then_one_a_second(kind: type[AnyQueue]) -> None:
    clock, dead, orders = pair(kind)
    bury(dead, orders, "1", "2", "3")
    seen: list[tuple[int, str]] = []
    start = clock.now_us()
    orders.observe(lambda one: seen.append((one.at_us - start, one.details["body"])))

    task = dead.start_message_move_task(max_messages_per_second=1)
    assert bodies(orders) == ["1"]
    clock.advance(0.999_999)
    assert bodies(orders) == ["1"]
    clock.advance(0.000_001)
    assert bodies(orders) == ["1", "2"]
    clock.advance(60)

    assert seen == [(0, "1"), (1_000_000, "2"), (2_000_000, "3")]
    assert (task.status, task.moved) == (RUNNING, 0)
    assert last(dead) == (COMPLETED, 3, 3)


@both
def test_a_task_is_completed_when_it_looks_and_finds_nothing(kind: type[AnyQueue]) -> None:
    clock, dead, orders = pair(kind)
    bury(dead, orders, "1", "2")
    dead.start_message_move_task(max_messages_per_second=1)

    clock.advance(1.999_999)
    assert last(dead) == (RUNNING, 2, 2)
    clock.advance(0.000_001)
    assert last(dead) == (COMPLETED, 2, 2)


def test_a_task_on_an_empty_queue_is_completed_at_once() -> None:
    _, dead, orders = pair()

    dead.start_message_move_task(destination=orders)

    assert last(dead) == (COMPLETED, 0, 0)


@pytest.mark.parametrize("rate", [3, 7, 500, None])
def test_at_any_rate_the_steps_are_even_to_the_microsecond(rate: int | None) -> None:
    clock, dead, orders = pair()
    bury(dead, orders, *(f"{number}" for number in range(20)))
    start, seen = clock.now_us(), list[int]()
    orders.observe(lambda one: seen.append(one.at_us - start))

    dead.start_message_move_task(max_messages_per_second=rate)
    clock.advance(60)

    assert seen == [number * 1_000_000 // (rate or 500) for number in range(20)]


@both
def test_a_moved_message_is_a_new_message(kind: type[AnyQueue]) -> None:
    """
    A new id, a new age, never received; body, attributes, group id, and the deduplication id it had here, are kept.
    """
    clock, dead, orders = pair(kind, retention=60)
    ids = {"message_group_id": "a", "message_deduplication_id": "once"} if kind is FifoQueue else {}
    sent = orders.send_message(
        "2 x tea",
        attributes={"table": 7},
        system_attributes={"AWSTraceHeader": "Root=1"},
        **ids,
    )
    orders.receive_messages()
    clock.advance(30)
    assert orders.receive_messages() == []
    [letter] = dead.receive_messages(visibility_timeout=0)
    clock.advance(29)
    moved_at = clock.now_us()

    dead.start_message_move_task()

    [message] = orders.receive_messages(visibility_timeout=0)
    assert (len(dead), message.message_id != sent.message_id, message.sent_timestamp) == (0, True, moved_at // 1_000)
    assert (message.receive_count, message.first_receive_timestamp) == (1, moved_at // 1_000)
    assert (message.dead_letter_queue_source_arn, message.aws_trace_header) == (None, "Root=1")
    assert (message.body, message.attributes) == ("2 x tea", to_attributes({"table": 7}))
    assert message.message_group_id == ("a" if kind is FifoQueue else None)
    assert message.message_deduplication_id == (sent.message_id if kind is FifoQueue else None)
    assert letter.message_id == sent.message_id
    # Its retention counts anew, too.
    clock.advance(59.999_999)
    assert len(orders) == 1
    clock.advance(0.000_001)
    assert len(orders) == 0


def test_what_is_moved_is_sent_and_so_the_delay_of_its_queue_holds() -> None:
    clock, dead, orders = pair(delay=5)
    bury(dead, orders, "1")

    dead.start_message_move_task()

    assert (orders.stats().sent, orders.stats().delayed) == (1, 1)
    clock.advance(5)
    assert bodies(orders) == ["1"]


@both
def test_each_message_goes_back_to_where_it_came_from(kind: type[AnyQueue]) -> None:
    clock, dead, orders = pair(kind)
    mail = make(kind, "mail", clock, dead_letter_queue=dead, max_receive_count=1)
    for text, source in (("1", orders), ("2", mail), ("3", orders)):
        bury(dead, source, text)

    task = dead.start_message_move_task()
    clock.advance(1)

    assert (bodies(orders), bodies(mail), len(dead)) == (["1", "3"], ["2"], 0)
    assert task.destination_arn is None
    assert last(dead) == (COMPLETED, 3, 3)


def test_an_origin_that_has_another_dead_letter_queue_by_now_is_found_in_the_region() -> None:
    region = Region(clock=ManualClock())
    dead = region.queue("dead")
    orders = region.queue("orders", dead_letter_queue=dead, max_receive_count=1)
    region.queue("mail", dead_letter_queue=dead, max_receive_count=1)
    bury(dead, orders, "1")
    orders.set_attributes(dead_letter_queue=None)

    dead.start_message_move_task()

    assert bodies(orders) == ["1"]


def test_an_origin_that_was_deleted_and_made_again_gets_its_letters() -> None:
    region = Region(clock=ManualClock())
    dead = region.queue("dead")
    first = region.queue("orders", dead_letter_queue=dead, max_receive_count=1)
    region.queue("mail", dead_letter_queue=dead, max_receive_count=1)
    bury(dead, first, "1")
    region.delete_queue("orders")
    region.clock.sleep(60)
    second = region.queue("orders")

    dead.start_message_move_task()

    assert bodies(second) == ["1"]


@both
def test_a_message_without_origin_and_a_task_without_destination_fail(kind: type[AnyQueue]) -> None:
    clock, dead, orders = pair(kind)
    bury(dead, orders, "1")
    bury(dead, None, "2")
    bury(dead, orders, "3")

    dead.start_message_move_task()
    clock.advance(1)

    [task] = dead.list_message_move_tasks()
    assert (task.status, task.failure_reason, task.moved) == (FAILED, "CouldNotDetermineMessageSource", 1)
    assert (bodies(orders), bodies(dead)) == (["1"], ["2", "3"])


@both
def test_with_a_destination_messages_of_any_origin_move_there(kind: type[AnyQueue]) -> None:
    clock, dead, orders = pair(kind)
    other = make(kind, "other", clock)
    bury(dead, orders, "1")
    bury(dead, None, "2")

    task = dead.start_message_move_task(destination=other)
    clock.advance(1)

    assert (bodies(other), bodies(orders), len(dead)) == (["1", "2"], [], 0)
    assert task.destination_arn == other.arn


def test_hidden_and_delayed_messages_stay() -> None:
    clock, dead, orders = pair()
    dead.send_message("hidden")
    dead.receive_messages(visibility_timeout=60)
    dead.send_message("delayed", delay=60)
    dead.send_message("there")

    dead.start_message_move_task(destination=orders)
    clock.advance(1)

    assert (bodies(orders), len(dead)) == (["there"], 2)
    assert last(dead) == (COMPLETED, 1, 1)


def test_a_group_whose_head_is_in_flight_stays() -> None:
    clock, dead, orders = pair(FifoQueue)
    bury(dead, orders, "1", "2", group="a")
    bury(dead, orders, "3", "4", group="b")
    [held] = dead.receive_messages(visibility_timeout=60)
    assert held.body == "1"

    dead.start_message_move_task()
    clock.advance(1)

    assert bodies(orders) == ["3", "4"]
    assert last(dead) == (COMPLETED, 2, 3)


def test_the_order_of_a_group_is_kept() -> None:
    clock, dead, orders = pair(FifoQueue)
    for number in range(12):
        bury(dead, orders, f"{number}", group=f"{number % 3}")

    dead.start_message_move_task()
    clock.advance(1)

    found = orders.peek(100)
    for group in "012":
        assert [int(one.body) for one in found if one.message_group_id == group] == list(range(int(group), 12, 3))


@both
def test_what_comes_meanwhile_moves_too_and_what_was_to_move_stays_as_it_was(kind: type[AnyQueue]) -> None:
    clock, dead, orders = pair(kind)
    bury(dead, orders, "1", "2")
    dead.start_message_move_task(max_messages_per_second=1)
    clock.advance(0.5)
    bury(dead, orders, "3")
    clock.advance(2)
    bury(dead, orders, "too late")
    clock.advance(0.5)

    # At three seconds it found the last; at four it finds nothing.
    assert last(dead) == (RUNNING, 4, 2)
    clock.advance(1)
    assert last(dead) == (COMPLETED, 4, 2)
    assert bodies(orders) == ["1", "2", "3", "too late"]


def test_messages_move_oldest_first_between_those_of_producers() -> None:
    clock, dead, orders = pair()
    bury(dead, orders, "1", "2", "3")
    dead.start_message_move_task(max_messages_per_second=1)
    for number in range(2):
        clock.advance(0.5)
        orders.send_message(f"new {number}")
        clock.advance(0.5)

    assert bodies(orders) == ["1", "new 0", "2", "new 1", "3"]


@both
def test_a_move_counts_as_no_receive(kind: type[AnyQueue]) -> None:
    clock, dead, orders = pair(kind)
    bury(dead, orders, "1", "2")
    before = dead.stats()

    dead.start_message_move_task()
    clock.advance(1)

    after = dead.stats()
    assert (after.received, after.empty_receives, after.deleted, after.dead_lettered) == (0, 0, 0, 0)
    assert (before.available, after.available, after.in_flight) == (2, 0, 0)


@both
def test_a_message_that_is_used_up_in_its_dead_letter_queue_is_moved_back_all_the_same(kind: type[AnyQueue]) -> None:
    clock, dead, orders = pair(kind)
    deeper = make(kind, "deeper", clock)
    dead.set_attributes(dead_letter_queue=deeper, max_receive_count=1)
    bury(dead, orders, "1")
    dead.receive_messages(visibility_timeout=0)

    dead.start_message_move_task()

    assert (bodies(orders), len(deeper)) == (["1"], 0)


def test_a_message_may_be_moved_again_and_again() -> None:
    """
    Dead letters of a FIFO queue have a deduplication id of their own each time, so none is swallowed.
    """
    clock, dead, orders = pair(FifoQueue, visibility_timeout=0)
    orders.send_message("poison", message_group_id="a")

    for _ in range(5):
        assert len(orders.receive_messages()) == 1
        assert orders.receive_messages() == []
        assert len(dead) == 1
        dead.start_message_move_task()
        assert bodies(orders) == ["poison"]
        clock.advance(1)


def test_a_queue_that_is_its_own_dead_letter_queue_comes_to_an_end() -> None:
    """
    What is moved is no dead letter any more, and has no origin.
    """
    clock = ManualClock()
    queue = Queue("orders", clock=clock, visibility_timeout=0)
    queue.set_attributes(dead_letter_queue=queue, max_receive_count=1)
    queue.send_message("poison")
    queue.receive_messages()
    queue.receive_messages()

    queue.start_message_move_task(max_messages_per_second=1)
    clock.advance(10)

    [task] = queue.list_message_move_tasks()
    assert (task.status, task.moved, task.failure_reason) == (FAILED, 1, "CouldNotDetermineMessageSource")
    assert bodies(queue) == ["poison"]


def test_a_waiting_consumer_gets_what_moves() -> None:
    clock, dead, orders = pair()
    bury(dead, orders, "1", "2")
    dead.start_message_move_task(max_messages_per_second=1)

    found = [orders.receive_messages(wait_time=20)[0].body for _ in range(2)]

    assert found == ["1", "2"]
    assert clock.now_us() == ManualClock().now_us() + 1_000_000


# Listing (SQS 7.4).


def test_tasks_are_listed_newest_first_and_one_unless_more_are_asked_for() -> None:
    clock, dead, orders = pair()
    for number in range(12):
        dead.start_message_move_task(destination=orders, max_messages_per_second=number + 1)
        clock.advance(1)

    tasks = dead.list_message_move_tasks(max_results=10)

    assert [task.max_messages_per_second for task in tasks] == list(range(12, 2, -1))
    assert dead.list_message_move_tasks() == tasks[:1]
    assert dead.list_message_move_tasks(max_results=3) == tasks[:3]
    assert [task.started_at for task in tasks] == [1_704_067_200_000 + 1_000 * number for number in range(11, 1, -1)]


@pytest.mark.parametrize("most", [0, -1, 11])
def test_a_number_of_tasks_out_of_range_is_refused(most: int) -> None:
    _, dead, _orders = pair()

    text = refused(lambda: dead.list_message_move_tasks(max_results=most), InvalidParameterValue)

    assert text == f"Value {most} for parameter MaxResults is invalid. Reason: Must be between 1 and 10, if provided."


@pytest.mark.parametrize("most", [True, 1.0, "1", None])
def test_a_number_of_tasks_is_a_whole_number(most: Any) -> None:
    _, dead, _orders = pair()

    refused(lambda: dead.list_message_move_tasks(max_results=most), InvalidInput)


def test_a_queue_without_tasks_lists_none() -> None:
    assert Queue("orders", clock=ManualClock()).list_message_move_tasks(max_results=10) == []


def test_a_listed_task_says_what_was_given_and_its_handle_while_it_runs() -> None:
    clock, dead, orders = pair()
    bury(dead, orders, "1", "2")
    started = dead.start_message_move_task(max_messages_per_second=1)
    [running] = dead.list_message_move_tasks()
    assert started.task_handle is not None
    said = json.loads(b64decode(started.task_handle))

    assert (said.keys(), said["sourceArn"], len(said["taskId"])) == ({"taskId", "sourceArn"}, dead.arn, 36)
    assert running == started.__class__(**{**started.to_dict(), "status": RUNNING, "moved": 1})
    clock.advance(10)
    [done] = dead.list_message_move_tasks()
    assert (done.task_handle, done.source_arn, done.destination_arn, done.failure_reason) == (
        None,
        dead.arn,
        None,
        None,
    )


# Cancelling (SQS 7.4).


@both
def test_a_task_is_cancelled_between_two_messages_and_what_moved_stays_moved(kind: type[AnyQueue]) -> None:
    clock, dead, orders = pair(kind)
    bury(dead, orders, "1", "2", "3", "4")
    task = dead.start_message_move_task(max_messages_per_second=1)
    clock.advance(1.5)

    assert dead.cancel_message_move_task(task.task_handle) == 2
    assert last(dead) == (CANCELLING, 2, 4)
    clock.advance(0.499_999)
    assert last(dead) == (CANCELLING, 2, 4)
    clock.advance(0.000_001)
    assert last(dead) == (CANCELLED, 2, 4)

    clock.advance(60)
    assert (bodies(orders), bodies(dead)) == (["1", "2"], ["3", "4"])


def test_a_task_can_be_cancelled_by_what_was_listed_of_it() -> None:
    clock, dead, orders = pair()
    bury(dead, orders, "1", "2")
    dead.start_message_move_task(max_messages_per_second=1)
    [task] = dead.list_message_move_tasks()

    assert task.cancel() == 1
    clock.advance(1)
    assert last(dead) == (CANCELLED, 1, 2)


def test_only_a_task_that_is_running_can_be_cancelled() -> None:
    clock, dead, orders = pair()
    bury(dead, orders, "1", "2")
    task = dead.start_message_move_task(max_messages_per_second=1)
    task.cancel()

    assert refused(task.cancel, QueueResourceNotFound) == "Task does not exist."
    clock.advance(1)
    assert refused(task.cancel, QueueResourceNotFound) == "Task does not exist."
    assert last(dead) == (CANCELLED, 1, 2)


def test_a_task_that_nobody_knows_does_not_exist() -> None:
    _, dead, _orders = pair()
    handle = b64encode(json.dumps({"taskId": "x", "sourceArn": dead.arn}).encode()).decode()

    assert refused(lambda: dead.cancel_message_move_task(handle), QueueResourceNotFound) == "Task does not exist."


def test_a_task_of_another_queue_is_not_cancelled_here() -> None:
    region = Region(clock=ManualClock())
    dead, mail = region.queue("dead"), region.queue("mail")
    region.queue("orders", dead_letter_queue=dead, max_receive_count=1)
    dead.send_message("1")
    dead.send_message("2")
    task = dead.start_message_move_task(destination=mail, max_messages_per_second=1)
    assert task.task_handle is not None
    handle = task.task_handle

    assert refused(lambda: mail.cancel_message_move_task(handle), QueueResourceNotFound) == "Task does not exist."
    region.delete_queue("dead")
    assert (
        refused(lambda: mail.cancel_message_move_task(handle), QueueResourceNotFound)
        == "The resource that you specified for the SourceArn parameter doesn't exist."
    )


def test_a_handle_that_is_none_is_refused() -> None:
    _, dead, _orders = pair()

    assert (
        refused(lambda: dead.cancel_message_move_task("not a handle"), InvalidParameterValue)
        == "Value for parameter TaskHandle is invalid."
    )


# When it goes wrong.


@both
@pytest.mark.parametrize("how", ["given", "origin"])
def test_a_destination_that_is_deleted_meanwhile_ends_the_task_and_loses_nothing(
    kind: type[AnyQueue], how: str
) -> None:
    clock, dead, orders = pair(kind)
    mail = make(kind, "mail", clock, dead_letter_queue=dead, max_receive_count=1)
    bury(dead, orders, "1", "2", "3")
    dead.start_message_move_task(destination=orders if how == "given" else None, max_messages_per_second=1)
    clock.advance(0.5)
    orders.close()
    clock.advance(60)

    [task] = dead.list_message_move_tasks()
    assert (task.status, task.failure_reason, task.moved) == (FAILED, NON_EXISTENT, 1)
    assert (bodies(dead), dead.stats().in_flight, mail.stats().sent) == (["2", "3"], 0, 0)
    assert dead._moves[0].destination is None

    dead.start_message_move_task(destination=mail)
    clock.advance(1)
    assert bodies(mail) == ["2", "3"]


def test_a_message_that_a_destination_refuses_ends_the_task_with_the_code_of_its_error() -> None:
    clock, dead, orders = pair(maximum_message_size=1_024)
    bury(dead, orders, "1", "x" * 1_025, "3")

    dead.start_message_move_task()
    clock.advance(1)

    [task] = dead.list_message_move_tasks()
    assert (task.status, task.failure_reason, task.moved) == (FAILED, "InvalidParameterValue", 1)
    assert len(dead) == 2


def test_a_source_that_is_purged_meanwhile_has_nothing_more_to_move() -> None:
    clock, dead, orders = pair()
    bury(dead, orders, "1", "2", "3")
    dead.start_message_move_task(max_messages_per_second=1)
    dead.purge()
    refused(dead.purge, PurgeQueueInProgress)
    clock.advance(1)

    assert last(dead) == (COMPLETED, 1, 3)
    assert bodies(orders) == ["1"]


def test_messages_that_expire_meanwhile_are_not_moved() -> None:
    clock = ManualClock()
    dead = Queue("dead", clock=clock, retention=60)
    orders = Queue("orders", clock=clock, dead_letter_queue=dead, max_receive_count=1)
    bury(dead, orders, *(f"{number}" for number in range(100)))
    dead.start_message_move_task(max_messages_per_second=1)
    clock.advance(100)

    assert last(dead) == (COMPLETED, 60, 100)
    assert (len(orders), dead.stats().expired) == (60, 40)


def test_a_source_that_is_closed_meanwhile_moves_nothing_more() -> None:
    clock, dead, orders = pair()
    bury(dead, orders, "1", "2", "3")
    dead.start_message_move_task(max_messages_per_second=1)
    dead.close()

    assert not [due for due in clock.pending() if due.whom == str(dead)]
    assert bodies(orders) == ["1"]
    orders.close()
    assert clock.advance_to_next() is None


def test_a_task_ends_after_36_hours_however_much_there_is() -> None:
    clock, dead, orders = pair()
    start = clock.now_us()
    bury(dead, orders, "1")
    ends: list[int] = []

    def feed(seen: Observation) -> None:
        if seen.kind == "sent":
            ends.append(seen.at_us - start)
            # Hours pass while a message is handed over: nobody wants to wait for 129,600 of them.
            clock.advance(3_600)
            bury(dead, orders, "again")

    orders.observe(feed)
    dead.start_message_move_task(max_messages_per_second=1)
    clock.advance(48 * 3_600)

    [task] = dead.list_message_move_tasks()
    assert (task.status, task.failure_reason) == (FAILED, "MessageMoveTaskTimedOut")
    assert (task.moved, ends[-1]) == (36, 35 * 3_600_000_000)
    assert len(dead) == 1


def test_a_task_can_be_started_anew_when_the_last_is_over() -> None:
    clock, dead, orders = pair()
    for number in range(3):
        bury(dead, orders, f"{number}")
        dead.start_message_move_task()
        clock.advance(1)

    assert [task.moved for task in dead.list_message_move_tasks(max_results=10)] == [1, 1, 1]
    assert bodies(orders) == ["0", "1", "2"]


def test_in_the_child_of_a_fork_a_task_goes_on() -> None:
    clock, dead, orders = pair()
    bury(dead, orders, "1", "2", "3")
    dead.start_message_move_task(max_messages_per_second=1)
    clock.advance(1)

    dead.before_fork()
    dead.after_fork(in_child=True)
    clock.advance(0.999_999)
    assert bodies(orders) == ["1", "2"]
    clock.advance(1.000_001)
    assert last(dead) == (COMPLETED, 3, 3)


# Looking.


def test_the_clock_knows_of_a_task_and_goes_to_its_next_message() -> None:
    clock, dead, orders = pair()
    bury(dead, orders, "1", "2")
    dead.start_message_move_task(max_messages_per_second=1)
    start = clock.now_us()

    [due] = [due for due in clock.pending() if "move task" in due.what]
    assert (due.at_us - start, due.whom) == (1_000_000, "queue dead")
    assert due.what == "move task RUNNING: 1 moved, 2 at its start"

    clock.advance_to_next()
    assert (clock.now_us() - start, bodies(orders)) == (1_000_000, ["1", "2"])
    clock.advance(1)
    assert not [due for due in clock.pending() if "move task" in due.what]


def test_observers_are_told_what_moves_and_what_it_was() -> None:
    clock, dead, orders = pair()
    bury(dead, orders, "1")
    seen: list[Observation] = []
    for queue in (dead, orders):
        queue.observe(seen.append)

    dead.start_message_move_task()
    clock.advance(1)

    told = [(one.resource, one.kind) for one in seen]
    assert told == [("queue orders", "sent"), ("queue dead", "redriven")]
    assert seen[0].details["caused_by"] == (seen[1].message_id,) == ("id of 1",)


def test_a_message_that_moved_can_be_explained() -> None:
    _, dead, orders = pair()
    bury(dead, orders, "1")

    dead.start_message_move_task()

    assert dead.explain("id of 1").startswith("redriven 0.0 s ago")


def test_a_queue_whose_task_is_over_holds_its_destination_no_longer() -> None:
    clock, dead, orders = pair()
    other = ref(Queue("other", clock=clock))
    dead.start_message_move_task(destination=other())
    gc.collect()

    assert last(dead) == (COMPLETED, 0, 0)
    assert other() is None
    assert dead.dead_letter_source_queues() == [orders]


def test_a_queue_whose_task_is_not_over_is_held_by_its_clock() -> None:
    clock, dead, orders = pair()
    bury(dead, orders, "1", "2")
    dead.start_message_move_task(destination=orders, max_messages_per_second=1)
    orders.set_attributes(dead_letter_queue=None)
    held = ref(dead)
    del dead
    gc.collect()
    clock.advance(1)

    assert bodies(orders) == ["1", "2"]
    clock.advance(1)
    gc.collect()
    assert held() is None


# Ctrl-C, threads, and real time.


@both
@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
def test_ctrl_c_at_any_line_of_a_move_loses_nothing_and_holds_up_nothing(kind: type[AnyQueue], closed: bool) -> None:
    """
    What is cut short is done again: the one message that was being handed over may be there twice.
    """
    places = interrupts.places("queue", "delivery")
    spared = ("with ", "if self._drainer is me:", "self._drainer = None")
    after = 0
    while True:
        after += 1
        clock, dead, orders = pair(kind)
        seen: list[Observation] = []
        dead.observe(seen.append)
        bury(dead, orders, "1", "2", "3")
        task = dead.start_message_move_task(max_messages_per_second=1)
        if closed:
            orders.close()
        if not interrupts.interrupted(partial(clock.advance, 1), after, places, spared):
            break
        clock.settle()
        clock.advance(10)

        if kind is Queue:
            dead._core.check()
        status, moved, _ = last(dead)
        left = Counter(bodies(dead))
        if not closed:
            left += Counter(bodies(orders))
            assert (status, len(dead)) == (COMPLETED, 0)
            assert left.keys() == {"1", "2", "3"}
            assert left["1"] == left["3"] == 1
            assert left["2"] in {1, 2}
            assert moved in {2, 3, 4}
        else:
            assert (status, left) == (FAILED, Counter({"2": 1, "3": 1}))
        assert task.status is RUNNING
    assert after > 20


@both
def test_ctrl_c_in_a_receive_that_hands_over_for_a_task_does_not_hold_it_up(kind: type[AnyQueue]) -> None:
    clock, dead, orders = pair(kind)
    bury(dead, orders, "1", "2", "3")
    strikes = [KeyboardInterrupt()]

    def strike(_: Observation) -> None:
        if strikes:
            raise strikes.pop()

    dead.start_message_move_task(max_messages_per_second=1)
    clock.advance(1)
    # As if another thread had just taken the third, and got no further.
    dead._move_alarm.cancel()
    clock.advance(5)
    with dead._lock:
        dead._take_for(dead._moves[0], clock.now_us())
    clock.advance(5)
    bury(dead, orders, "4")
    orders.observe(strike)
    with pytest.raises(KeyboardInterrupt):
        dead.receive_messages(visibility_timeout=0)
    clock.advance(10)

    # What is handed over again is a duplicate, and a FIFO queue knows that.
    again = ["3"] if kind is Queue else []
    assert Counter(bodies(orders)) == Counter(["1", "2", "3", "4", *again])
    assert bodies(orders)[-1] == "4"
    assert last(dead) == (COMPLETED, 4, 3)


def test_threads_that_receive_delete_and_send_meanwhile_and_nothing_is_lost_or_there_twice() -> None:
    """
    On a real clock: a task empties the dead-letter queue, which consumers empty too.
    """
    clock = SystemClock()
    dead = Queue("dead", clock=clock, seed=1)
    orders = Queue("orders", clock=clock, dead_letter_queue=dead, max_receive_count=1)
    size = 300
    bury(dead, None, *(f"{number}" for number in range(size)))
    took: list[str] = []

    def consume() -> None:
        for _ in range(50):
            for message in dead.receive_messages(max_messages=1):
                took.append(message.body)
                dead.delete_message(message.receipt_handle)

    def produce() -> None:
        bury(dead, None, *(f"new {number}" for number in range(50)))

    dead.start_message_move_task(destination=orders)
    threads = [Started(consume), Started(produce), Started(consume)]
    for thread in threads:
        thread.result()
    until(lambda: last(dead)[0] is COMPLETED)
    if len(dead):
        dead.start_message_move_task(destination=orders)
        until(lambda: last(dead)[0] is COMPLETED)

    found = Counter(took) + Counter(bodies(orders))
    assert found == Counter([*(f"{number}" for number in range(size)), *(f"new {number}" for number in range(50))])
    assert len(dead) == 0


def test_a_destination_that_takes_long_holds_up_neither_the_clock_nor_a_receive() -> None:
    clock = SystemClock()
    dead = Queue("dead", clock=clock)
    orders = Queue("orders", clock=clock, dead_letter_queue=dead, max_receive_count=1)
    bury(dead, None, "1", "2")
    entered, leave, rang = threading.Event(), threading.Event(), threading.Event()

    def slow(seen: Observation) -> None:
        entered.set()
        assert leave.wait(20)

    orders.observe(slow)
    dead.start_message_move_task(destination=orders)
    assert entered.wait(20)
    clock.call_soon(rang.set)

    assert rang.wait(20)
    assert [message.body for message in dead.receive_messages()] == ["2"]
    task = dead.list_message_move_tasks()[0]
    assert task.cancel() == 0
    assert last(dead) == (CANCELLING, 0, 2)
    leave.set()
    until(lambda: last(dead)[0] is CANCELLED)
    assert last(dead) == (CANCELLED, 1, 2)
