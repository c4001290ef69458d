"""
Observers: a slot that costs nothing while it is empty, and whose errors fail nothing.
"""

from __future__ import annotations

import logging
import random
from typing import Any

import pytest

from postroom import ManualClock, Observation, Queue, Region
from postroom.clock import default_clock
from postroom.errors import InvalidInput, NotFound, NotSupported
from postroom.observe import Choosy, Standalone, check_receives, find_destination, tell
from tests.clock.helpers import Started


def an_observation(number: int = 1) -> Observation:
    return Observation(number, 1_704_067_200_000_000, "sent", "queue orders", "an id", {"body": "2 x tea"})


def busy(queue: Queue) -> None:
    queue.send_message("a", delay=1)
    queue.clock.run_due()
    [message] = queue.receive_messages(wait_time=20)
    queue.change_message_visibility(message.receipt_handle, 60)
    queue.delete_message(message.receipt_handle)


def test_a_queue_that_nobody_listens_to_notes_nothing() -> None:
    queue = Queue("orders", clock=ManualClock())
    busy(queue)

    assert queue._core.log is None


def test_it_notes_nothing_again_when_the_last_listener_has_gone() -> None:
    queue = Queue("orders", clock=ManualClock())
    heard: list[Observation] = []
    queue.observe(heard.append)
    queue.send_message("a")
    queue.unobserve(heard.append)
    queue.unobserve(print)  # it was never told
    busy(Queue("others", clock=queue.clock))
    queue.send_message("b")

    assert [seen.kind for seen in heard] == ["sent"]
    assert queue._core.log is None


def test_no_numbers_are_drawn_while_nobody_listens() -> None:
    queue = Queue("orders", clock=ManualClock())
    busy(queue)

    assert queue.clock.next_sequence() == 1


def test_an_observer_that_raises_is_logged_and_the_others_are_told(caplog: pytest.LogCaptureFixture) -> None:
    def broken(seen: Observation) -> None:
        raise RuntimeError("out of order")

    queue = Queue("orders", clock=ManualClock())
    heard: list[str] = []
    queue.observe(broken)
    queue.observe(lambda seen: heard.append(seen.kind))
    with caplog.at_level(logging.ERROR, "postroom"):
        queue.send_message("a")
        [message] = queue.receive_messages()

    assert message.body == "a"
    assert heard == ["sent", "received"]
    assert [record.name for record in caplog.records] == ["postroom", "postroom"]
    assert "broken" in caplog.text
    assert "out of order" in caplog.text


def test_an_observer_may_call_the_resource_it_hears() -> None:
    queue = Queue("orders", clock=ManualClock())
    figures: list[int] = []
    queue.observe(lambda seen: figures.append(queue.stats().available))
    queue.send_message("a")
    queue.receive_messages()

    assert figures == [1, 0]


def test_an_observer_may_add_and_remove_observers() -> None:
    queue = Queue("orders", clock=ManualClock())
    heard: list[str] = []

    def first(seen: Observation) -> None:
        heard.append("first")
        queue.unobserve(first)
        queue.observe(lambda seen: heard.append("second"))

    queue.observe(first)
    queue.send_message("a")
    queue.send_message("b")

    assert heard == ["first", "second"]


def test_an_interrupt_of_an_observer_passes_through() -> None:
    def stop(seen: Observation) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tell((stop,), [an_observation()])


def test_sequence_numbers_are_those_of_what_happened_between_threads_too() -> None:
    queue = Queue("orders", clock=ManualClock())
    heard: list[Observation] = []
    queue.observe(heard.append)

    def send() -> None:
        for _ in range(200):
            queue.send_message("a")

    for thread in [Started(send) for _ in range(4)]:
        thread.result()

    assert sorted(seen.sequence for seen in heard) == list(range(1, 801))


def test_an_observation_shows_its_instant_and_its_plain_form() -> None:
    seen = an_observation()

    assert seen.at.isoformat() == "2024-01-01T00:00:00+00:00"
    assert seen.to_dict() == {
        "sequence": 1,
        "at_us": 1_704_067_200_000_000,
        "kind": "sent",
        "resource": "queue orders",
        "message_id": "an id",
        "details": {"body": "2 x tea"},
    }


# A resource without a region.


def test_a_home_of_its_own_has_the_shared_clock_and_knows_nobody() -> None:
    home = Standalone()

    assert home.clock is default_clock()
    assert (home.account, home.region_name) == ("123456789012", "us-east-1")
    with pytest.raises(NotFound, match="only in a Region"):
        home.resolve("arn:aws:sqs:us-east-1:123456789012:orders")


def test_a_seed_is_a_number_or_a_source() -> None:
    source = random.Random(3)

    assert Standalone(seed=source).random is source
    assert Standalone(seed=3).random.random() == random.Random(3).random()


@pytest.mark.parametrize("wrong", [{"account": "1"}, {"region_name": ""}])
def test_account_and_region_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Standalone(**wrong)


# What resources ask of one another.


class Wall:
    """
    A destination that never takes anything, and says so.
    """

    def check_receives(self) -> None:
        raise NotSupported("It is a wall.")


def test_a_destination_that_never_takes_anything_is_refused_beforehand_if_it_can_say_so() -> None:
    region = Region(clock=ManualClock())
    with pytest.raises(NotSupported, match="It is a wall"):
        check_receives(Wall(), region)
    queue = region.queue("orders")
    for fine in (queue, queue.arn, f"{queue.arn}-not-there-yet", object(), "no arn"):
        check_receives(fine, region)

    assert isinstance(Wall(), Choosy)
    assert not isinstance(queue, Choosy)


def test_what_is_given_as_text_is_found_in_the_region_and_all_else_is_itself() -> None:
    region = Region(clock=ManualClock())
    queue, topic, thing = region.queue("orders"), region.topic("news"), object()

    assert find_destination("orders", region) is find_destination(queue.arn, region) is queue
    assert find_destination(topic.arn, region) is topic
    assert find_destination(thing, region) is thing
    assert find_destination(None, region) is None
    with pytest.raises(NotFound, match="give the object itself"):
        find_destination("orders", Standalone())
