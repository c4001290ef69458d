"""
Observers of a queue: what they are told, in which order, with which instants; and that they fail nothing.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from postroom import ManualClock, Observation, Queue
from tests.clock.helpers import Started

if TYPE_CHECKING:
    import pytest


class Ear:
    """
    Keeps what it is told.
    """

    def __init__(self) -> None:
        self.seen: list[Observation] = []

    def hear(self, seen: Observation) -> None:
        self.seen.append(seen)

    def kinds(self) -> list[str]:
        return [one.kind for one in self.seen]


def observed(**settings: Any) -> tuple[ManualClock, Queue, Ear]:
    clock, ear = ManualClock(), Ear()
    queue = Queue("orders", clock=clock, **settings)
    queue.observe(ear.hear)
    return clock, queue, ear


def test_everything_that_happens_to_a_message_is_told() -> None:
    clock, queue, ear = observed()
    start = clock.now_us()
    sent = queue.send_message("2 x tea", delay=5)
    clock.advance(7)
    [message] = queue.receive_messages()
    queue.change_message_visibility(message.receipt_handle, 60)
    queue.change_message_visibility(message.receipt_handle, 0)
    queue.delete_message(message.receipt_handle)

    assert [(one.kind, one.at_us - start, one.details.get("visible_at_us", start) - start) for one in ear.seen] == [
        ("sent", 0, 5_000_000),
        ("available", 5_000_000, 0),
        ("received", 7_000_000, 37_000_000),
        ("hidden", 7_000_000, 67_000_000),
        ("available", 7_000_000, 0),
        ("deleted", 7_000_000, 0),
    ]
    assert {(one.resource, one.message_id, one.details["body"]) for one in ear.seen} == {
        ("queue orders", sent.message_id, "2 x tea")
    }
    assert [one.details["receive_count"] for one in ear.seen] == [0, 0, 1, 1, 1, 1]


def test_each_observation_has_the_next_number_of_the_clock() -> None:
    clock, queue, ear = observed()
    other = Queue("other", clock=clock)
    other.observe(ear.hear)
    for _ in range(3):
        queue.send_message("x")
        other.send_message("x")

    numbers = [one.sequence for one in ear.seen]
    assert numbers == list(range(numbers[0], numbers[0] + 6))


def test_numbers_of_several_threads_are_all_different() -> None:
    _, queue, ear = observed()
    threads = [Started(lambda: [queue.send_message("x") for _ in range(100)]) for _ in range(4)]
    for thread in threads:
        thread.result()

    assert len({one.sequence for one in ear.seen}) == 400


def test_what_fell_due_is_told_with_its_own_instant_however_late_it_is_noticed() -> None:
    clock, queue, ear = observed(retention=60)
    start = clock.now_us()
    queue.send_message("a")
    queue.receive_messages()
    queue.send_message("b", delay=10)
    clock.advance(3_600)
    assert ear.kinds() == ["sent", "received", "sent"]

    queue.stats()
    queue.send_message("c")

    assert [(one.kind, (one.at_us - start) / 1_000_000) for one in ear.seen[3:]] == [
        ("available", 10),
        ("available", 30),
        ("expired", 60),
        ("expired", 60),
        ("sent", 3_600),
    ]


def test_an_observer_that_raises_is_logged_and_fails_nothing(caplog: pytest.LogCaptureFixture) -> None:
    queue = Queue("orders", clock=ManualClock())
    later = Ear()

    def fails(seen: Observation) -> None:
        raise ZeroDivisionError(seen.kind)

    queue.observe(fails)
    queue.observe(later.hear)
    with caplog.at_level(logging.ERROR, logger="postroom"):
        queue.send_message("2 x tea")
        [message] = queue.receive_messages()
        queue.delete_message(message.receipt_handle)

    assert later.kinds() == ["sent", "received", "deleted"]
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError] * 3


def test_an_observer_may_call_the_queue() -> None:
    queue = Queue("orders", clock=ManualClock())
    found: list[str] = []

    def take(seen: Observation) -> None:
        if seen.kind == "sent":
            found.extend(message.body for message in queue.receive_messages())

    queue.observe(take)
    queue.send_message_batch(["a", "b"])

    assert found == ["a", "b"]


def test_an_observer_that_was_taken_off_is_told_no_more() -> None:
    """
    A bound method is a new object each time it is looked up, and still the same observer.
    """
    _, queue, ear = observed()
    queue.send_message("a")
    queue.unobserve(ear.hear)
    queue.unobserve(ear.hear)
    queue.send_message("b")

    assert ear.kinds() == ["sent"]
    assert queue._core.log is None


def test_a_second_observer_takes_nothing_from_the_first() -> None:
    clock, queue, ear = observed()
    queue.send_message("a", delay=5)
    clock.advance(5)
    queue.stats()  # notices that the delay is over
    second = Ear()
    queue.observe(second.hear)
    queue.send_message("b")

    assert ear.kinds() == ["sent", "available", "sent"]


def test_without_observers_nothing_is_kept_for_them() -> None:
    queue = Queue("orders", clock=ManualClock())
    queue.send_message("2 x tea")

    assert queue._core.log is None


def test_a_batch_tells_each_entry() -> None:
    _, queue, ear = observed()
    queue.send_message_batch(["a", "\0", "b"])
    messages = queue.receive_messages(max_messages=10)
    queue.delete_message_batch([message.receipt_handle for message in messages])

    assert ear.kinds() == ["sent", "sent", "received", "received", "deleted", "deleted"]


def test_an_observation_pickles_into_a_dict() -> None:
    _, queue, ear = observed()
    queue.send_message("2 x tea")

    [seen] = ear.seen
    assert seen.to_dict()["kind"] == "sent"
    assert seen.to_dict()["details"] == {"receive_count": 0, "body": "2 x tea"}
