"""
Dead letters between drivers: handed over, confirmed, or taken back; in order, by one thread at a time (SQS 2.3, 7.2).
"""

from __future__ import annotations

import gc
import threading
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from postroom import ManualClock, Observation, Queue, Region, SystemClock
from postroom.errors import InvalidInput, InvalidParameterValue
from tests.clock.helpers import Started, until

if TYPE_CHECKING:
    from postroom.message import Parcel


def bodies(queue: Queue, **how: Any) -> list[str]:
    return [message.body for message in queue.receive_messages(**{"max_messages": 10, **how})]


def pair(budget: int = 1, **of_dead: Any) -> tuple[ManualClock, Queue, Queue]:
    clock = ManualClock()
    dead = Queue("dead", clock=clock, **of_dead)
    return clock, dead, Queue("orders", clock=clock, dead_letter_queue=dead, max_receive_count=budget)


class Crate:
    """
    A destination of its own making.
    """

    kind = "queue"
    name = "crate"
    arn = "arn:aws:sqs:us-east-1:123456789012:crate"

    def __init__(self) -> None:
        self.parcels: list[Parcel] = []
        self.error: BaseException | None = None
        self.shut = threading.Event()
        self.shut.set()

    def deliver(self, parcel: Parcel) -> None:
        assert self.shut.wait(20)
        if self.error is not None:
            raise self.error
        self.parcels.append(parcel)


def crated(clock: Any = None, **settings: Any) -> tuple[Crate, Queue]:
    crate = Crate()
    clock = ManualClock() if clock is None else clock
    queue = Queue("orders", clock=clock, dead_letter_queue=crate, max_receive_count=1, **settings)
    return crate, queue


def test_a_dead_letter_keeps_what_it_is_and_tells_where_it_comes_from() -> None:
    clock, dead, queue = pair(delay=5)
    sent = queue.send_message("poison", attributes={"table": 7})
    clock.advance(10)
    [message] = queue.receive_messages()
    clock.advance(30)
    assert queue.receive_messages() == []

    [letter] = dead.receive_messages()
    changed = {"receipt_handle": letter.receipt_handle, "receive_count": 2, "dead_letter_queue_source_arn": queue.arn}
    assert letter.to_dict() == {**message.to_dict(), **changed}
    assert letter.message_id == sent.message_id
    assert len(queue) == 0
    assert (queue.stats().dead_lettered, dead.stats().sent) == (1, 0)


def test_dead_letters_arrive_in_the_order_in_which_they_were_sent() -> None:
    _, dead, queue = pair()
    queue.send_message_batch([f"{number}" for number in range(10)])
    bodies(queue, visibility_timeout=0)

    assert bodies(queue) == []
    assert bodies(dead) == [f"{number}" for number in range(10)]


def test_what_moves_makes_room_for_what_does_not() -> None:
    _, dead, queue = pair()
    queue.send_message_batch(["a", "b"])
    bodies(queue, visibility_timeout=0)
    queue.send_message("c")

    assert bodies(queue, max_messages=1) == ["c"]
    assert bodies(dead) == ["a", "b"]


@pytest.mark.parametrize(("days", "there"), [(2.999_999, 1), (3, 0)])
def test_the_retention_of_the_dead_letter_queue_counts_from_the_send(days: float, there: int) -> None:
    """
    One day in the source and a retention of four days: gone three days after the move (SQS 2.3).
    """
    clock, dead, queue = pair(retention=4 * 86_400)
    queue.send_message("poison")
    clock.advance(86_400 - 30)
    queue.receive_messages()
    clock.advance(30)
    queue.receive_messages()
    assert len(dead) == 1

    clock.advance(days * 86_400)

    assert len(dead) == there


def test_a_chain_of_dead_letter_queues_delivers_in_each() -> None:
    clock = ManualClock()
    last = Queue("last", clock=clock)
    dead = Queue("dead", clock=clock, dead_letter_queue=last, max_receive_count=1, visibility_timeout=0)
    queue = Queue("orders", clock=clock, dead_letter_queue=dead, max_receive_count=1, visibility_timeout=0)
    queue.send_message("poison")

    assert [bodies(queue), bodies(queue), bodies(dead), bodies(dead)] == [["poison"], [], ["poison"], []]
    [letter] = last.receive_messages()
    assert (letter.receive_count, letter.dead_letter_queue_source_arn) == (3, dead.arn)


def test_a_closed_dead_letter_queue_loses_nothing() -> None:
    """
    The message is delivered from the source, by the very call that wanted to move it (SQS 7.2).
    """
    clock, dead, queue = pair()
    queue.send_message("poison")
    queue.receive_messages()
    clock.advance(30)
    dead.close()

    assert bodies(queue) == ["poison"]
    assert bodies(queue) == []
    clock.advance(30)
    [message] = queue.receive_messages()
    assert message.receive_count == 3
    queue.delete_message(message.receipt_handle)
    assert len(queue) == 0
    assert queue.stats().dead_lettered == 0


def test_a_destination_that_fails_in_any_way_loses_nothing() -> None:
    clock = ManualClock()
    crate, queue = crated(clock)
    crate.error = OSError("no room")
    queue.send_message_batch(["a", "b"])
    bodies(queue, visibility_timeout=0)

    assert bodies(queue) == ["a", "b"]
    crate.error = None
    clock.advance(30)
    assert bodies(queue) == []
    assert [parcel.body for parcel in crate.parcels] == ["a", "b"]


def test_a_refused_message_is_delivered_only_as_far_as_there_is_room() -> None:
    _, dead, queue = pair()
    queue.send_message_batch(["a", "b"])
    bodies(queue, visibility_timeout=0)
    queue.send_message("c")
    dead.close()

    assert bodies(queue, max_messages=1) == ["c"]
    assert bodies(queue, max_messages=10) == ["a", "b"]


def test_a_queue_that_is_its_own_dead_letter_queue_begins_a_new_count() -> None:
    """
    It moves to itself at the attempt after the last; that attempt returns nothing, and the next one delivers it.
    """
    clock, _, queue = pair(budget=2)
    queue._dead_letter_queue = queue
    sent = queue.send_message("poison")

    got = []
    for _ in range(6):
        got.append([message.receive_count for message in queue.receive_messages()])
        clock.advance(30)

    assert got == [[1], [2], [], [3], [4], []]
    assert len(queue) == 1
    assert queue.peek()[0].message_id == sent.message_id
    assert queue.explain(sent.message_id).startswith("available")


def test_what_the_dead_letter_queue_makes_due_runs_as_the_receive_returns() -> None:
    _, dead, queue = pair()
    queue.send_message("poison")
    bodies(queue, visibility_timeout=0)
    found: list[str] = []
    dead.when_ready(lambda: found.extend(bodies(dead)))

    queue.receive_messages()

    assert found == ["poison"]


def test_an_error_of_whoever_works_on_dead_letters_is_no_refusal() -> None:
    """
    It reaches who drives the clock, and the letter stays where it is.
    """
    clock, dead, queue = pair()
    queue.send_message("poison")
    bodies(queue, visibility_timeout=0)
    dead.when_ready(lambda: clock.hand_over(AssertionError("unexpected")))

    with pytest.raises(AssertionError, match="unexpected"):
        queue.receive_messages()
    assert (len(queue), len(dead)) == (0, 1)
    assert queue.stats().dead_lettered == 1


def test_both_ends_tell_their_observers_in_one_order() -> None:
    clock, dead, queue = pair()
    seen: list[Observation] = []
    for one in (queue, dead):
        one.observe(seen.append)
    queue.send_message("poison")
    queue.receive_messages()
    clock.advance(30)
    queue.receive_messages()

    seen.sort()
    assert [(one.resource, one.kind) for one in seen] == [
        ("queue orders", "sent"),
        ("queue orders", "received"),
        ("queue orders", "available"),
        ("queue dead", "moved in"),
        ("queue orders", "dead-lettered"),
    ]


def test_a_refusal_is_told() -> None:
    _, dead, queue = pair()
    queue.send_message("poison")
    bodies(queue, visibility_timeout=0)
    dead.close()
    kinds: list[str] = []
    queue.observe(lambda seen: kinds.append(seen.kind))

    queue.receive_messages()

    assert kinds == ["taken back", "received"]


def test_a_dead_letter_queue_of_another_type_is_refused() -> None:
    crate = Crate()
    crate.kind = "fifo queue"

    with pytest.raises(InvalidParameterValue) as caught:
        Queue("orders", clock=ManualClock(), dead_letter_queue=crate, max_receive_count=1)
    assert caught.value.aws_message == (
        f'Value {{"deadLetterTargetArn": "{crate.arn}", "maxReceiveCount": 1}} for parameter RedrivePolicy is invalid. '
        "Reason: Dead-letter queue must be same type of queue as the source."
    )


# Several threads.


def test_a_thread_that_finds_another_handing_over_goes_on_and_order_is_kept() -> None:
    crate, queue = crated(SystemClock())
    crate.shut.clear()
    queue.send_message_batch(["a", "b", "c"])
    bodies(queue, visibility_timeout=0)

    first = Started(lambda: bodies(queue, max_messages=1))  # reserves all three, and hands over the first
    until(lambda: queue._outbox._drainer)
    assert queue.stats().in_flight == 3
    queue.send_message("d")
    bodies(queue, max_messages=1, visibility_timeout=0)
    assert bodies(queue, max_messages=1) == []  # reserves "d", and leaves it to the first
    assert queue.stats().in_flight == 4
    crate.shut.set()

    assert first.result() == []
    assert [parcel.body for parcel in crate.parcels] == ["a", "b", "c", "d"]
    assert len(queue) == 0


def test_a_message_deleted_while_it_is_handed_over_is_gone_here() -> None:
    crate, queue = crated(SystemClock())
    queue.send_message("a")
    [message] = queue.receive_messages(visibility_timeout=0)
    crate.shut.clear()
    mover = Started(lambda: bodies(queue))
    until(lambda: queue._outbox._drainer)

    queue.delete_message(message.receipt_handle)
    crate.shut.set()

    assert mover.result() == []
    assert len(queue) == 0
    queue._core.check()


def test_an_interrupted_hand_over_is_carried_out_by_whoever_comes_next() -> None:
    crate, queue = crated()
    queue.send_message_batch(["a", "b"])
    bodies(queue, visibility_timeout=0)
    crate.error = KeyboardInterrupt()

    with pytest.raises(KeyboardInterrupt):
        queue.receive_messages(max_messages=10)
    assert queue.stats().in_flight == 2
    crate.error = None
    queue.receive_messages()

    assert [parcel.body for parcel in crate.parcels] == ["a", "b"]
    assert len(queue) == 0


# Memory.


def test_a_queue_is_gone_with_its_last_reference() -> None:
    """
    Not only when the collector comes by: what a clock is asked must not depend on that.
    """
    gc.disable()
    try:
        clock, dead, queue = pair()
        queue.send_message("poison")
        bodies(queue, visibility_timeout=0)
        queue.receive_messages(wait_time=1)
        assert repr(queue.aio)
        gone = [weakref.ref(dead), weakref.ref(queue)]
        del dead, queue

        assert [reference() for reference in gone] == [None, None]
        assert clock.pending() == []
    finally:
        gc.enable()


# What cannot be a dead-letter queue.


def test_a_dead_letter_queue_on_another_clock_is_refused() -> None:
    with pytest.raises(InvalidInput, match="lives by a different clock"):
        Queue("orders", clock=ManualClock(), dead_letter_queue=Queue("dead"), max_receive_count=1)


def test_a_closed_dead_letter_queue_is_refused() -> None:
    clock = ManualClock()
    dead = Queue("dead", clock=clock)
    dead.close()

    with pytest.raises(InvalidParameterValue, match=r"Dead letter target does not exist\."):
        Queue("orders", clock=clock, dead_letter_queue=dead, max_receive_count=1)


@pytest.mark.parametrize("other", [{"name": "eu-west-1"}, {"account": "210987654321"}])
def test_a_dead_letter_queue_of_another_region_or_account_is_refused(other: dict[str, Any]) -> None:
    clock = ManualClock()
    dead = Region(**other, clock=clock).queue("dead")

    with pytest.raises(InvalidParameterValue, match=r"Dead letter target does not exist\."):
        Region(clock=clock).queue("orders", dead_letter_queue=dead, max_receive_count=1)


def test_a_dead_letter_larger_than_its_queue_takes_is_taken() -> None:
    clock, dead, queue = pair(maximum_message_size=1_024)
    queue.send_message("x" * 2_000)
    queue.receive_messages()
    clock.advance(30)

    assert bodies(queue) == []
    assert [len(body) for body in bodies(dead)] == [2_000]


def test_a_dead_letter_is_explained_with_all_its_receives() -> None:
    clock, dead, queue = pair(retention=60)
    sent = queue.send_message("poison")
    queue.receive_messages(visibility_timeout=0)
    queue.receive_messages()
    assert dead.explain(sent.message_id) == "available: sent 0.0 s ago, received 1 time"

    clock.advance(70)

    assert queue.explain(sent.message_id) == "dead-lettered 00:01:10 ago: received 1 time, limit 1"
    assert dead.explain(sent.message_id) == "expired 10.0 s ago: received 1 time"
