"""
Figures of queues under the names of CloudWatch (SQS 8.6).
"""

from __future__ import annotations

import pytest

from postroom import FifoQueue, ManualClock, Queue


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_the_figures_of_a_standard_queue(clock: ManualClock) -> None:
    queue = Queue("orders", clock=clock)
    queue.send_message_batch(["a", "b", "c"])
    queue.send_message("later", delay=600)
    [message] = queue.receive_messages()
    queue.delete_message(message.receipt_handle)
    queue.delete_message(message.receipt_handle)
    queue.receive_messages(visibility_timeout=600)
    clock.advance(100)

    assert queue.metrics() == {
        "NumberOfMessagesSent": 4,
        "NumberOfMessagesReceived": 2,
        "NumberOfEmptyReceives": 0,
        "NumberOfMessagesDeleted": 2,
        "ApproximateNumberOfMessagesVisible": 1,
        "ApproximateNumberOfMessagesNotVisible": 1,
        "ApproximateNumberOfMessagesDelayed": 1,
        "ApproximateAgeOfOldestMessage": 100.0,
        "ApproximateNumberOfNoisyGroups": 0,
        "ApproximateNumberOfMessagesVisibleInQuietGroups": 1,
        "ApproximateNumberOfMessagesNotVisibleInQuietGroups": 1,
        "ApproximateNumberOfMessagesDelayedInQuietGroups": 1,
        "ApproximateAgeOfOldestMessageInQuietGroups": 100.0,
    }


def test_a_tenant_with_very_much_in_flight_is_noisy_and_others_are_served_first(clock: ManualClock) -> None:
    queue = Queue("orders", clock=clock)
    for number in range(60):
        queue.send_message(str(number), message_group_id="noisy")
    for _ in range(4):
        queue.receive_messages(max_messages=10)
    queue.send_message("quiet", message_group_id="quiet")

    found = queue.metrics()
    assert found["ApproximateNumberOfNoisyGroups"] == 1
    assert found["ApproximateNumberOfMessagesVisibleInQuietGroups"] == 1
    [message] = queue.receive_messages()
    assert (message.body, message.message_group_id) == ("quiet", "quiet")


def test_a_message_that_fails_and_fails_has_no_age(clock: ManualClock) -> None:
    queue = Queue("orders", clock=clock)
    queue.send_message("poison")
    clock.advance(10)
    for _ in range(3):
        queue.receive_messages(visibility_timeout=0)

    assert queue.metrics()["ApproximateAgeOfOldestMessage"] == 0.0
    queue.send_message("tea")
    clock.advance(5)
    assert queue.metrics()["ApproximateAgeOfOldestMessage"] == 5.0


def test_the_age_of_a_dead_letter_begins_when_it_comes(clock: ManualClock) -> None:
    dead = Queue("dead", clock=clock)
    queue = Queue("orders", clock=clock, dead_letter_queue=dead, max_receive_count=1)
    queue.send_message("poison")
    queue.receive_messages(visibility_timeout=0)
    clock.advance(100)
    queue.receive_messages()
    clock.advance(7)

    assert dead.metrics()["ApproximateAgeOfOldestMessage"] == 7.0
    assert dead.metrics()["NumberOfMessagesSent"] == 0


def test_the_figures_of_a_fifo_queue(clock: ManualClock) -> None:
    queue = FifoQueue("orders.fifo", content_based_deduplication=True, clock=clock)
    for body, group in [("a", "1"), ("b", "1"), ("c", "2"), ("c", "2")]:
        queue.send_message(body, message_group_id=group)
    queue.receive_messages(max_messages=1)
    clock.advance(20)

    found = queue.metrics()
    assert found["NumberOfMessagesSent"] == 3
    assert found["NumberOfDeduplicatedSentMessages"] == 1
    assert found["ApproximateNumberOfGroupsWithInflightMessages"] == 1
    assert found["ApproximateNumberOfMessagesVisible"] == 2
    assert found["ApproximateAgeOfOldestMessage"] == 20.0


def test_a_fifo_queue_counts_what_was_purged(clock: ManualClock) -> None:
    queue = FifoQueue("orders.fifo", content_based_deduplication=True, clock=clock)
    for body in "abc":
        queue.send_message(body, message_group_id="g")
    queue.receive_messages()
    queue.purge()

    assert queue.stats().purged == 3
