"""
The core of a FIFO queue, with plain integers for time: each rule at its exact instant, the boundary from both sides.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import count
from types import FrameType
from typing import Any

import pytest

from postroom.message import NO_ATTRIBUTES
from postroom.queue._entry import Entry, StoredFifo
from postroom.queue._fifo import FifoCore
from postroom.queue._groups import FifoEntry, Group, Groups
from postroom.queue._store import Store
from tests import interrupts

T0 = 1_000_000
FIVE_MINUTES = 300_000_000


class Core(FifoCore):
    """
    The core, checked after each step. Bodies begin with the letter of their group: m1 and m2 are in group m.
    """

    __slots__ = ()

    def check(self) -> None:
        super().check()
        ends = [until for until in self._hidden.values() if until is not None]
        ends += [at + self.retention for at, number in self._ages if number in self._entries]
        assert self.due <= min(ends, default=self.due), "something falls due unnoticed"

    def put(self, now: int, *bodies: str, **known: Any) -> FifoEntry:
        known = {"delay": self.delay, **known}
        for body in bodies:
            sequence = self.next_sequence_number()
            message = StoredFifo(
                f"id of {body}", body, NO_ATTRIBUTES, now, "sender", None, None, body[0], body, sequence
            )
            entry = self.send(now, message, **known)
        self.check()
        return entry

    def get(self, now: int, most: int = 1, timeout: int = 30) -> list[str]:
        entries = self.receive(now, max_messages=most, visibility_timeout=timeout)
        self.check()
        return [entry.stored.body for entry in entries]

    def number(self, body: str) -> int:
        return next(entry.number for entry in self if entry.stored.body == body)

    def drop(self, now: int, *bodies: str) -> None:
        for body in bodies:
            assert self.delete(now, self.number(body))
            self.check()

    def set(self, now: int, body: str, timeout: int) -> bool:
        done = self.change_visibility(now, self.number(body), timeout)
        self.check()
        return done

    def use_up(self, *bodies: str) -> None:
        """
        As if they had been received as often as they may.
        """
        for body in bodies:
            entry = self._entries[self.number(body)]
            entry.receives = entry.receive_count = self.max_receive_count or 0

    def see(self, now: int) -> tuple[int, int, int]:
        self.settle(now)
        self.check()
        return self.available, self.in_flight, len(self.delayed)


def core(**settings: Any) -> Core:
    return Core(**{"visibility_timeout": 30, "delay": 0, "retention": 1_000, **settings})


def story(queue: FifoCore) -> list[tuple[str, int, str, int | None]]:
    assert queue.log is not None
    return [(kind, at - T0, entry.stored.body, until and until - T0) for kind, at, entry, until, _ in queue.log]


AVAILABLE, IN_FLIGHT, DELAYED, GONE = (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)


# The life of a message (SQS 2).


@pytest.mark.parametrize(("now", "state"), [(0, DELAYED), (9, DELAYED), (10, AVAILABLE), (11, AVAILABLE)])
def test_a_delayed_message_is_available_from_the_end_of_the_queues_delay_on(
    now: int, state: tuple[int, int, int]
) -> None:
    queue = core(delay=10)

    queue.put(T0, "m1")

    assert queue.see(T0 + now) == state
    assert len(queue.get(T0 + now)) == state[0]


@pytest.mark.parametrize(("now", "state"), [(0, IN_FLIGHT), (29, IN_FLIGHT), (30, AVAILABLE), (31, AVAILABLE)])
def test_a_received_message_is_hidden_until_its_visibility_timeout_ends(now: int, state: tuple[int, int, int]) -> None:
    queue = core()
    queue.put(T0, "m1")

    queue.get(T0, timeout=30)

    assert queue.see(T0 + now) == state
    assert len(queue.get(T0 + now)) == state[0]


def test_a_receive_counts_and_keeps_the_time_of_the_first() -> None:
    queue = core()
    entry = queue.put(T0, "m1")

    queue.get(T0 + 5)
    queue.get(T0 + 35)

    assert (entry.receives, entry.receive_count, entry.first_received_at, entry.received_at) == (2, 2, T0 + 5, T0 + 35)


@pytest.mark.parametrize(("now", "state"), [(59, IN_FLIGHT), (60, AVAILABLE)])
def test_a_changed_timeout_replaces_what_was_left_and_is_not_remembered(now: int, state: tuple[int, int, int]) -> None:
    queue = core()
    queue.put(T0, "m1")
    queue.get(T0, timeout=30)

    assert queue.set(T0 + 10, "m1", 50)

    assert queue.see(T0 + now) == state
    queue.get(T0 + 100, timeout=30)
    assert queue.see(T0 + 129) == IN_FLIGHT
    assert queue.see(T0 + 130) == AVAILABLE


@pytest.mark.parametrize("state", ["available", "in flight", "delayed", "blocked"])
@pytest.mark.parametrize(("now", "there"), [(999, 1), (1_000, 0), (1_001, 0)])
def test_a_message_expires_in_any_state_at_the_end_of_its_retention(state: str, now: int, there: int) -> None:
    queue = core(delay=5_000 if state == "delayed" else 0)
    queue.put(T0, "m1")
    if state == "in flight":
        queue.get(T0, timeout=5_000)
    if state == "blocked":
        queue.put(T0, "m2")
        queue.get(T0, timeout=5_000)
        queue.drop(T0, "m1")
        queue.put(T0 + 1, "m3")
        queue.get(T0 + 1, timeout=5_000)

    queue.settle(T0 + now)
    queue.check()

    assert sum(entry.stored.sent_at == T0 for entry in queue) == there
    assert queue.see(T0 + 6_000) == GONE


@pytest.mark.parametrize(("now", "there"), [(1_499, 1), (1_500, 0)])
def test_the_age_of_a_dead_letter_counts_from_its_move(now: int, there: int) -> None:
    """
    Sent long before, moved at 500: it expires 1,000 after the move (SQS 2.3).
    """
    queue = core()
    message = StoredFifo("id", "m1", NO_ATTRIBUTES, T0 - 900, "sender", "arn", None, "m", "id", "1")

    queue.send(T0 + 500, message, delay=0, receive_count=4, first_received_at=T0 - 7, kind="moved in")

    queue.settle(T0 + now)
    queue.check()
    assert len(queue) == there
    assert queue.counts["sent"] == 0


def test_the_budget_counts_receives_here_and_consumers_see_those_of_all_queues() -> None:
    queue = core(max_receive_count=1)
    entry = queue.put(T0, "m1", receive_count=5, first_received_at=T0 - 7, kind="moved in")

    assert queue.get(T0) == ["m1"]
    assert (entry.receives, entry.receive_count, entry.first_received_at) == (1, 6, T0 - 7)


def test_a_message_that_was_received_three_times_keeps_its_place() -> None:
    """
    The demotion of standard queues is none of a FIFO queue (SQS 7.2).
    """
    queue = core()
    queue.put(T0, "m1", "m2")

    assert [queue.get(T0 + 30 * turn) for turn in range(5)] == [["m1"]] * 5


# Order in a group, and its lock, a test per row of the table (SQS 3.1).


def test_a_group_with_messages_in_flight_gives_nothing_and_other_groups_go_on() -> None:
    queue = core()
    queue.put(T0, "m1", "m2", "m3", "m4", "n1")
    assert queue.get(T0, most=2) == ["m1", "m2"]

    assert queue.get(T0, most=10) == ["n1"]
    assert queue.get(T0, most=10) == []


def test_a_message_sent_to_a_blocked_group_is_blocked_too() -> None:
    queue = core()
    queue.put(T0, "m1")
    queue.get(T0)

    queue.put(T0 + 1, "m2")

    assert queue.ready(T0 + 1)[0] == 0
    assert queue.get(T0 + 1, most=10) == []


def test_a_group_stays_blocked_when_its_first_message_is_deleted_and_the_second_is_in_flight() -> None:
    queue = core()
    queue.put(T0, "m1", "m2", "m3")
    queue.get(T0, most=2)

    queue.drop(T0, "m1")

    assert queue.get(T0, most=10) == []


def test_the_rest_is_available_at_once_when_all_that_were_in_flight_are_deleted() -> None:
    queue = core()
    queue.put(T0, "m1", "m2", "m3", "m4")
    queue.get(T0, most=2)
    queue.drop(T0, "m2")
    assert queue.ready(T0)[0] == 0

    queue.drop(T0, "m1")

    assert queue.ready(T0)[0] == 1
    assert queue.get(T0, most=10) == ["m3", "m4"]


def test_only_the_first_is_deliverable_when_it_is_given_back_and_the_second_is_in_flight() -> None:
    queue = core()
    queue.put(T0, "m1", "m2", "m3")
    queue.get(T0, most=2)

    queue.set(T0, "m1", 0)

    assert queue.get(T0, most=10) == ["m1"]


def test_nothing_is_deliverable_when_the_second_is_given_back_and_the_first_is_in_flight() -> None:
    queue = core()
    queue.put(T0, "m1", "m2", "m3")
    queue.get(T0, most=2)

    queue.set(T0, "m2", 0)

    assert queue.see(T0) == (2, 1, 0)
    assert queue.get(T0, most=10) == []
    queue.drop(T0, "m1")
    assert queue.get(T0, most=10) == ["m2", "m3"]


@pytest.mark.parametrize(("extended", "left"), [("m1", []), ("m2", ["m1"]), ("m3", ["m1", "m2"])])
@pytest.mark.parametrize("now", [10, 39])
def test_a_group_is_open_up_to_the_first_message_that_is_still_hidden(extended: str, left: list[str], now: int) -> None:
    """
    Three with a timeout of 10, one of them extended to 40.
    """
    queue = core()
    queue.put(T0, "m1", "m2", "m3", "m4")
    queue.get(T0, most=3, timeout=10)

    queue.set(T0, extended, 40)

    assert queue.get(T0 + 9, most=10) == []
    assert queue.get(T0 + now, most=10) == left


def test_when_all_timeouts_have_run_out_the_order_is_as_before() -> None:
    queue = core()
    queue.put(T0, "m1", "m2", "m3")
    queue.get(T0, most=3, timeout=10)
    queue.set(T0, "m1", 15)

    assert queue.get(T0 + 15, most=10) == ["m1", "m2", "m3"]


def test_a_group_goes_on_with_the_next_message_when_its_first_has_been_dead_lettered() -> None:
    queue = core(max_receive_count=1)
    queue.put(T0, "m1", "m2")
    queue.get(T0, timeout=10)
    queue.get(T0 + 10)

    queue.confirm_move(T0 + 10, queue.number("m1"))

    assert queue.get(T0 + 10) == ["m2"]


@pytest.mark.parametrize(("now", "got"), [(999, []), (1_000, ["m2"])])
def test_a_group_is_free_when_the_message_that_held_it_expires(now: int, got: list[str]) -> None:
    queue = core()
    queue.put(T0, "m1")
    queue.get(T0, timeout=5_000)
    queue.put(T0 + 500, "m2")

    assert queue.get(T0 + now, most=10) == got


@pytest.mark.parametrize(("now", "got"), [(9, []), (10, ["m1", "m2"])])
def test_a_delayed_message_holds_what_is_behind_it_in_its_group(now: int, got: list[str]) -> None:
    """
    A dead letter that moves in has no delay, and waits all the same.
    """
    queue = core(delay=10)
    queue.put(T0, "m1")
    queue.put(T0, "m2", delay=0, kind="moved in")

    assert queue.get(T0 + now, most=10) == got


def test_a_delayed_message_does_not_hide_older_ones() -> None:
    queue = core()
    queue.put(T0, "m1")
    queue.set_delay(T0, 10)
    queue.put(T0, "m2")

    assert queue.get(T0, most=10) == ["m1"]


# Which group comes first (SQS 3.1).


def test_a_receive_takes_what_a_group_has_before_it_takes_of_the_next() -> None:
    queue = core()
    queue.put(T0, "a1", "b1", "a2", "b2", "c1", "a3")

    assert queue.get(T0, most=5) == ["a1", "a2", "a3", "b1", "b2"]
    assert queue.get(T0, most=5) == ["c1"]


def test_a_receive_takes_no_more_than_it_was_asked_for() -> None:
    queue = core()
    queue.put(T0, "a1", "a2", "b1")

    assert queue.get(T0, most=1) == ["a1"]
    assert queue.get(T0, most=1) == ["b1"]
    assert queue.get(T0, most=1) == []


def test_groups_come_in_the_order_in_which_their_first_messages_were_sent() -> None:
    queue = core()
    for at, body in enumerate(["c1", "a1", "b1"]):
        queue.put(T0 + at, body)

    assert [queue.get(T0 + 3)[0] for _ in range(3)] == ["c1", "a1", "b1"]


def test_the_end_of_a_delay_is_when_a_message_became_available() -> None:
    queue = core(delay=10)
    queue.put(T0, "a1")
    queue.set_delay(T0, 10)
    queue.put(T0 + 5, "b1", delay=0, kind="moved in")

    assert queue.get(T0 + 10, most=10) == ["b1", "a1"]


def test_untouched_groups_come_before_one_that_was_received_and_timed_out() -> None:
    queue = core()
    queue.put(T0, "a1")
    queue.get(T0, timeout=10)
    queue.put(T0 + 9, "b1")
    queue.put(T0 + 11, "c1")

    assert queue.get(T0 + 11, most=10) == ["b1", "a1", "c1"]


def test_of_two_that_became_available_at_one_moment_the_one_sent_first_is_first() -> None:
    queue = core()
    queue.put(T0, "a1", "b1")
    assert queue.get(T0, timeout=20) == ["a1"]
    assert queue.get(T0 + 10, timeout=10) == ["b1"]
    queue.put(T0 + 20, "c1")

    assert queue.get(T0 + 20, most=10) == ["a1", "b1", "c1"]


def test_a_group_whose_received_messages_were_deleted_keeps_its_place_by_the_age_of_the_next() -> None:
    queue = core()
    queue.put(T0, "a1", "a2")
    queue.put(T0 + 1, "b1")
    queue.get(T0 + 2)

    queue.drop(T0 + 3, "a1")

    assert queue.get(T0 + 3, most=10) == ["a2", "b1"]


def test_a_message_that_became_available_behind_another_counts_from_then() -> None:
    """
    a2 timed out at 10, and became the head at 20, when a1 was deleted; b1 came in between.
    """
    queue = core()
    queue.put(T0, "a1", "a2")
    queue.get(T0, most=2, timeout=10)
    queue.set(T0, "a1", 100)
    queue.put(T0 + 15, "b1")

    queue.drop(T0 + 20, "a1")

    assert queue.get(T0 + 20, most=10) == ["a2", "b1"]


def test_a_group_that_was_given_back_counts_from_then() -> None:
    queue = core()
    queue.put(T0, "a1", "b1")
    queue.get(T0)
    queue.set(T0 + 1, "a1", 0)

    assert queue.get(T0 + 1, most=10) == ["b1", "a1"]


@pytest.mark.parametrize("later", [0, 1])
def test_a_receive_with_a_timeout_of_0_leaves_the_group_open_and_sends_it_to_the_back(later: int) -> None:
    """
    Also if all of it happens at one moment.
    """
    queue = core()
    queue.put(T0, "a1", "a2", "b1", "c1")

    got = [queue.get(T0 + later * turn, most=2, timeout=0) for turn in range(1, 5)]

    assert got == [["a1", "a2"], ["b1", "c1"], ["a1", "a2"], ["b1", "c1"]]
    assert queue.see(T0 + 10) == (4, 0, 0)


def test_a_group_that_was_sent_to_the_back_comes_before_what_is_sent_then() -> None:
    queue = core()
    queue.put(T0, "a1")
    queue.get(T0, timeout=0)
    queue.put(T0, "b1")

    assert queue.get(T0, most=10) == ["a1", "b1"]


def test_what_was_sent_to_the_back_once_comes_by_the_order_of_sending_when_it_has_timed_out() -> None:
    queue = core()
    queue.put(T0, "a1", "b1")
    assert queue.get(T0, timeout=0) == ["a1"]
    assert queue.get(T0, most=10, timeout=10) == ["b1", "a1"]

    assert queue.get(T0 + 10, most=10) == ["a1", "b1"]


def test_what_was_taken_back_comes_by_the_order_of_sending() -> None:
    queue = core(max_receive_count=1)
    queue.put(T0, "a1", "b1")
    queue.get(T0, timeout=0)
    queue.max_receive_count = 2
    queue.get(T0, most=2, timeout=0)
    queue.use_up("a1", "b1")
    queue.get(T0)
    for body in ("b1", "a1"):
        queue.take_back(T0, queue.number(body))

    assert queue.get(T0, most=10) == ["a1", "b1"]


def test_a_group_is_shut_when_its_first_message_expires_and_the_second_is_in_flight() -> None:
    queue = core()
    queue.put(T0, "m1")
    queue.put(T0 + 10, "m2", "m3", "n1")
    queue.get(T0 + 10, most=2, timeout=5_000)
    queue.set(T0 + 10, "m1", 0)
    assert queue.ready(T0 + 999)[0] == 2

    assert queue.ready(T0 + 1_000)[0] == 1
    assert queue.get(T0 + 1_000, most=10) == ["n1"]


def test_one_receive_returns_no_message_twice() -> None:
    queue = core()
    queue.put(T0, "a1", "b1")

    assert queue.get(T0, most=10, timeout=0) == ["a1", "b1"]
    assert queue.get(T0, most=10, timeout=0) == ["a1", "b1"]


def test_the_hidden_message_of_one_group_does_not_hold_up_the_timeouts_of_others() -> None:
    queue = core()
    queue.put(T0, "a1", "b1")
    queue.get(T0, timeout=500)
    queue.get(T0, timeout=10)

    assert queue.get(T0 + 10) == ["b1"]


def test_a_group_that_was_empty_is_as_good_as_new() -> None:
    queue = core()
    queue.put(T0, "a1")
    queue.get(T0)
    queue.drop(T0, "a1")
    assert (len(queue._groups), queue._groups.ready, queue._groups.in_flight) == (0, set(), {})

    queue.put(T0 + 1, "a2")

    assert queue.get(T0 + 1) == ["a2"]


# How far a receive looks (SQS 3.1), and how much is in flight (SQS 3.5).


def scanning(most: int, **settings: Any) -> Core:
    queue = core(**settings)
    queue._groups._scan_max = most
    return queue


def test_a_long_backlog_of_one_group_hides_later_groups() -> None:
    """
    Only the oldest three are looked at, here. As they go, others come in.
    """
    queue = scanning(3)
    queue.put(T0, "a1", "a2", "a3", "b1", "c1")
    queue.get(T0)
    assert queue.get(T0, most=10) == []
    assert queue.available == 4
    assert [queue.is_beyond(entry) for entry in queue] == [False, False, False, True, True]

    queue.drop(T0, "a1")

    assert queue.get(T0, most=10) == ["a2", "a3", "b1"]
    assert queue.get(T0, most=10) == []


def test_a_message_that_comes_into_view_stands_in_line_by_when_it_became_available() -> None:
    queue = scanning(2)
    queue.put(T0, "a1", "b1")
    queue.put(T0 + 1, "c1")
    queue.get(T0 + 2)
    queue.get(T0 + 2, timeout=5)
    queue.drop(T0 + 8, "a1")

    assert queue.get(T0 + 8, most=10) == ["c1", "b1"]


@pytest.mark.parametrize(("now", "got"), [(9, []), (10, ["b1"])])
def test_a_delay_ends_beyond_what_is_looked_at_too(now: int, got: list[str]) -> None:
    queue = scanning(1, delay=10)
    queue.put(T0, "a1", delay=0)
    queue.put(T0, "b1")
    queue.get(T0)
    queue.drop(T0 + 1, "a1")

    assert queue.get(T0 + now, most=10) == got


def test_as_messages_expire_others_come_into_view() -> None:
    queue = scanning(2)
    queue.put(T0, "a1", "a2")
    queue.get(T0, timeout=5_000)
    queue.put(T0 + 1, "b1", "c1")
    assert queue.ready(T0 + 1) == (0, T0 + 1_000)

    assert queue.get(T0 + 1_000, most=10) == ["b1", "c1"]


def test_what_is_beyond_can_be_purged() -> None:
    queue = scanning(2)
    queue.put(T0, "a1", "a2", "b1", "b2", "c1")

    assert queue.purge(T0) == 5
    assert queue.see(T0) == GONE
    queue.put(T0, "a1")
    assert queue.get(T0) == ["a1"]


def test_a_queue_looks_as_far_as_aws_does_and_farther_if_more_may_be_in_flight() -> None:
    assert core()._groups._scan_max == 120_000
    assert core(in_flight_max=5)._groups._scan_max == 120_000
    assert core(in_flight_max=500_000)._groups._scan_max == 500_000


def test_at_the_ceiling_of_messages_in_flight_there_are_no_more_and_no_error() -> None:
    queue = core(in_flight_max=3)
    queue.put(T0, "a1", "a2", "b1", "b2", "c1")

    assert queue.get(T0, most=10) == ["a1", "a2", "b1"]
    assert queue.get(T0, most=10) == []
    assert queue.ready(T0) == (0, T0 + 30)
    assert queue.next_up(10) == []
    queue.drop(T0, "b1")
    assert queue.ready(T0)[0] == 2
    assert queue.get(T0, most=10) == ["b2"]


def test_dead_letters_on_their_way_count_as_in_flight() -> None:
    queue = core(in_flight_max=2, max_receive_count=1)
    queue.put(T0, "a1", "a2", "a3")
    queue.get(T0, most=10, timeout=0)
    queue.get(T0, most=10, timeout=0)
    queue.put(T0, "b1")

    assert list(queue.moving) == [queue.number("a1"), queue.number("a2")]
    assert queue.get(T0, most=10) == []


def test_delayed_messages_do_not_count_as_in_flight() -> None:
    queue = core(in_flight_max=1, delay=10)
    queue.put(T0, "a1", "b1")
    queue.put(T0, "c1", "c2", delay=0)

    assert queue.get(T0, most=10) == ["c1"]


# Receipts, a test per row of the table (SQS 2.2). The number of a receive is what a handle holds.


@pytest.mark.parametrize(("now", "current"), [(0, True), (29, True), (30, False), (31, False)])
def test_a_receipt_is_good_as_long_as_it_hides_the_message(now: int, current: bool) -> None:
    queue = core()
    number = queue.put(T0, "m1").number
    queue.get(T0)

    assert queue.is_current(T0 + now, number, 1) == current


def test_only_the_latest_receipt_is_good() -> None:
    """
    Also while the message is in flight by a later one.
    """
    queue = core()
    number = queue.put(T0, "m1").number
    queue.get(T0)
    queue.get(T0 + 30)

    assert [queue.is_current(T0 + 31, number, receive) for receive in (0, 1, 2, 3)] == [False, False, True, False]


@pytest.mark.parametrize(("now", "current"), [(30, True), (59, True), (60, False)])
def test_an_extension_carries_to_the_receipt(now: int, current: bool) -> None:
    queue = core()
    number = queue.put(T0, "m1").number
    queue.get(T0)

    queue.set(T0 + 10, "m1", 50)

    assert queue.is_current(T0 + now, number, 1) == current


def test_a_receipt_is_used_up_by_giving_the_message_back() -> None:
    queue = core()
    number = queue.put(T0, "m1").number
    queue.get(T0)

    queue.set(T0 + 1, "m1", 0)

    assert not queue.is_current(T0 + 1, number, 1)


@pytest.mark.parametrize(("now", "current"), [(0, True), (299, True), (300, False)])
def test_a_receipt_with_a_timeout_of_0_is_good_for_the_rest_of_the_millisecond(now: int, current: bool) -> None:
    """
    Received 700 microseconds into one.
    """
    queue = core(retention=100_000)
    number = queue.put(T0, "m1").number
    queue.get(T0 + 700, timeout=0)

    assert queue.is_current(T0 + 700 + now, number, 1) == current
    assert not queue.is_current(T0 + 700, number, 2)


def test_a_receipt_with_a_timeout_of_0_is_no_longer_good_when_the_message_was_received_again() -> None:
    queue = core()
    number = queue.put(T0, "m1").number
    queue.get(T0, timeout=0)
    queue.get(T0, timeout=0)

    assert not queue.is_current(T0, number, 1)
    assert queue.is_current(T0, number, 2)


def test_a_message_received_with_a_timeout_of_0_is_deleted_within_the_millisecond() -> None:
    queue = core()
    number = queue.put(T0, "m1", "m2").number - 1
    queue.get(T0, timeout=0)

    assert queue.delete(T0, number)
    queue.check()

    assert queue.get(T0) == ["m2"]


def test_no_receipt_is_good_while_the_message_moves_to_the_dead_letter_queue() -> None:
    queue = core(max_receive_count=1)
    number = queue.put(T0, "m1").number
    queue.get(T0, timeout=0)
    queue.get(T0)

    assert not queue.is_current(T0, number, 1)
    assert not queue.change_visibility(T0, number, 5)
    assert not queue.change_visibility(T0, number, 0)
    assert queue.holds(T0, number)


@pytest.mark.parametrize("end", ["deleted", "expired", "purged"])
def test_what_is_gone_is_gone_and_deleting_it_again_is_counted(end: str) -> None:
    queue = core()
    number = queue.put(T0, "m1").number
    queue.get(T0, timeout=5_000)
    now = T0 + 1_000 if end == "expired" else T0
    if end == "deleted":
        queue.drop(now, "m1")
    elif end == "purged":
        queue.purge(now)
    before = queue.counts["deleted"]

    assert not queue.holds(now, number)
    assert not queue.is_current(now, number, 1)
    assert not queue.delete(now, number)
    assert not queue.change_visibility(now, number, 5)
    assert queue.counts["deleted"] == before + 1


@pytest.mark.parametrize("delay", [0, 10])
def test_nobody_has_a_receipt_of_a_message_that_was_never_received(delay: int) -> None:
    queue = core(delay=delay)
    number = queue.put(T0, "m1").number
    before = queue.see(T0)

    assert not queue.is_current(T0, number, 0)
    assert not queue.delete(T0, number)
    assert not queue.change_visibility(T0, number, 0)
    assert not queue.change_visibility(T0, number, 5)
    assert queue.see(T0) == before
    assert queue.counts["deleted"] == 0


def test_a_message_that_is_available_again_can_be_hidden_by_who_may() -> None:
    queue = core()
    queue.put(T0, "m1", "m2")
    queue.get(T0, timeout=0)

    assert queue.set(T0, "m1", 5)

    assert queue.get(T0 + 4, most=10) == []
    assert queue.get(T0 + 5, most=10) == ["m1", "m2"]


def test_one_that_was_hidden_while_it_was_available_stands_in_line_by_when_it_came_back() -> None:
    queue = core()
    queue.put(T0, "a1")
    queue.get(T0, timeout=0)
    queue.set(T0, "a1", 5)
    queue.put(T0 + 1, "b1")

    assert queue.get(T0 + 5, most=10) == ["b1", "a1"]


def test_a_message_that_is_hidden_behind_an_available_one_does_not_shut_the_group() -> None:
    queue = core()
    queue.put(T0, "m1", "m2", "m3")
    queue.get(T0, most=2, timeout=0)

    queue.set(T0, "m2", 5)

    assert queue.ready(T0)[0] == 1
    assert queue.get(T0, most=10) == ["m1"]


def test_a_timeout_of_0_for_a_message_that_is_available_changes_nothing() -> None:
    queue = core()
    queue.put(T0, "m1", "n1")
    queue.get(T0, timeout=0)
    queue.get(T0, timeout=0)
    queue.log = []

    assert queue.set(T0, "m1", 0)

    assert queue.log == []
    assert queue.get(T0, most=10) == ["m1", "n1"]


# Receiving once more (SQS 3.4).


def tried(*bodies: str, timeout: int = 30, **settings: Any) -> Core:
    """
    A queue of which they were received at T0 by the attempt "try".
    """
    queue = core(**{"retention": 10 * FIVE_MINUTES, **settings})
    queue.put(T0, *bodies)
    entries = queue.receive(T0, max_messages=10, visibility_timeout=timeout)
    queue.remember_attempt(T0, "try", entries)
    return queue


def again(queue: Core, now: int, timeout: int = 30, attempt: str = "try") -> list[str] | None:
    found = queue.retry(now, attempt, timeout)
    queue.check()
    return None if found is None else [entry.stored.body for entry in found[0]]


def test_the_same_attempt_gets_the_same_messages_by_the_same_receive() -> None:
    queue = tried("a1", "a2", "b1")
    queue.put(T0, "c1")
    before = [(entry.receives, entry.receive_count, entry.first_received_at, entry.received_at) for entry in queue]

    found = queue.retry(T0 + 10, "try", 30)

    assert found is not None
    assert ([entry.stored.body for entry in found[0]], found[1]) == (["a1", "a2", "b1"], T0)
    assert before == [(one.receives, one.receive_count, one.first_received_at, one.received_at) for one in queue]
    assert all(queue.is_current(T0 + 10, entry.number, 1) for entry in found[0])


@pytest.mark.parametrize(("now", "state"), [(49, (0, 2, 0)), (50, (2, 0, 0))])
def test_a_retry_restarts_the_visibility_timeout(now: int, state: tuple[int, int, int]) -> None:
    queue = tried("a1", "b1")

    assert again(queue, T0 + 10, timeout=40) == ["a1", "b1"]

    assert queue.see(T0 + now) == state


@pytest.mark.parametrize(("now", "found"), [(29, ["a1"]), (30, None)])
def test_an_attempt_is_over_when_the_visibility_timeout_runs_out(now: int, found: list[str] | None) -> None:
    queue = tried("a1")

    assert again(queue, T0 + now) == found


@pytest.mark.parametrize(("now", "found"), [(FIVE_MINUTES - 1, ["a1"]), (FIVE_MINUTES, None)])
def test_an_attempt_is_over_five_minutes_after_the_receive_that_first_used_it(
    now: int, found: list[str] | None
) -> None:
    queue = tried("a1", timeout=2 * FIVE_MINUTES)
    assert again(queue, T0 + 10, timeout=2 * FIVE_MINUTES) == ["a1"]

    assert again(queue, T0 + now) == found


def test_a_retry_can_be_repeated() -> None:
    queue = tried("a1")

    assert [again(queue, T0 + 20 * turn) for turn in range(1, 10)] == [["a1"]] * 9
    assert queue.counts["received"] == 10


@pytest.mark.parametrize("touch", ["deleted", "extended", "given back", "the same", "expired", "purged"])
def test_an_attempt_is_over_when_one_of_its_messages_was_touched(touch: str) -> None:
    """
    Also if the timeout was set to what it was.
    """
    queue = tried("a1", "a2", timeout=500, retention=400)
    queue.put(T0 + 100, "b1")
    now = T0
    if touch == "deleted":
        queue.drop(T0, "a2")
    elif touch in {"extended", "given back", "the same"}:
        queue.set(T0, "a2", {"extended": 600, "given back": 0, "the same": 500}[touch])
    elif touch == "purged":
        queue.purge(T0)
    else:
        now = T0 + 400

    assert again(queue, now) is None
    assert (len(queue._attempts), queue._attempts._of) == (0, {})


def test_an_attempt_is_not_over_for_what_happens_to_other_messages() -> None:
    queue = tried("a1", "b1")
    queue.put(T0, "c1", "d1")
    queue.get(T0)
    queue.drop(T0, "c1")
    queue.get(T0, timeout=0)

    assert again(queue, T0) == ["a1", "b1"]


def test_an_attempt_that_nobody_made_is_none() -> None:
    queue = tried("a1")

    assert again(queue, T0, attempt="another") is None


def test_an_attempt_that_got_nothing_is_not_remembered() -> None:
    queue = core()
    queue.remember_attempt(T0, "try", queue.receive(T0, max_messages=10, visibility_timeout=30))
    queue.put(T0, "a1")

    assert again(queue, T0) is None


def test_an_attempt_with_a_timeout_of_0_has_nothing_to_repeat() -> None:
    queue = tried("a1", timeout=0)

    assert again(queue, T0) is None
    assert queue.get(T0) == ["a1"]


@pytest.mark.parametrize("later", [0, 1])
def test_a_retry_with_a_timeout_of_0_is_the_last(later: int) -> None:
    queue = tried("a1", "b1")
    queue.put(T0, "c1")

    assert again(queue, T0 + later, timeout=0) == ["a1", "b1"]

    assert again(queue, T0 + later) is None
    assert queue.get(T0 + later, most=10) == ["c1", "a1", "b1"]


def test_after_an_attempt_is_over_its_id_serves_a_fresh_receive() -> None:
    queue = tried("a1")
    assert again(queue, T0 + 30) is None
    entries = queue.receive(T0 + 30, max_messages=10, visibility_timeout=30)

    queue.remember_attempt(T0 + 30, "try", entries)

    assert again(queue, T0 + 59) == ["a1"]
    assert entries[0].receives == 2


# Dead letters (SQS 7.2).


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_a_message_is_delivered_as_often_as_allowed_and_moves_at_the_next_attempt(limit: int) -> None:
    queue = core(max_receive_count=limit)
    entry = queue.put(T0, "m1")

    assert [queue.get(T0 + 30 * turn) for turn in range(limit)] == [["m1"]] * limit
    assert queue.see(T0 + 30 * limit + 100) == AVAILABLE
    assert not queue.moving

    assert queue.get(T0 + 30 * limit + 100) == []
    assert (list(queue.moving.values()), queue.reserved) == ([entry], [entry])
    assert entry.receive_count == limit


def test_nothing_overtakes_a_message_that_may_be_taken_back() -> None:
    """
    m1 is refused: it is delivered from here, before m2.
    """
    queue = core(max_receive_count=1)
    queue.put(T0, "m1")
    queue.get(T0, timeout=0)
    queue.put(T0, "m2", "n1")

    assert queue.get(T0, most=10) == ["n1"]
    assert queue.get(T0, most=10) == []
    queue.take_back(T0, queue.number("m1"))
    assert queue.get(T0, most=10) == ["m1", "m2"]


def test_all_that_are_used_up_at_the_front_of_a_group_are_reserved_at_once() -> None:
    queue = core(max_receive_count=1)
    queue.put(T0, "m1", "m2", "m3")
    queue.get(T0, most=2, timeout=0)

    assert queue.get(T0, most=1) == []
    assert [entry.stored.body for entry in queue.reserved] == ["m1", "m2"]
    for number in list(queue.moving):
        queue.confirm_move(T0, number)
        queue.check()
    assert queue.get(T0, most=1) == ["m3"]


def test_a_message_that_is_used_up_behind_one_that_is_not_ends_the_batch_of_its_group() -> None:
    queue = core(max_receive_count=2)
    queue.put(T0, "m1", "m2", "m3", "n1")
    queue.get(T0, most=2, timeout=10)
    queue.set(T0, "m1", 20)
    queue.set(T0 + 5, "m2", 0)
    queue.use_up("m2")

    assert queue.get(T0 + 20, most=10) == ["n1", "m1"]
    assert [entry.stored.body for entry in queue.reserved] == ["m2"]


def test_a_moving_message_holds_its_group_and_counts_as_in_flight() -> None:
    queue = core(max_receive_count=1)
    entry = queue.put(T0, "m1")
    queue.get(T0, timeout=0)
    queue.get(T0)

    assert queue.see(T0 + 500) == IN_FLIGHT
    assert queue.groups_in_flight == 1
    assert queue.get(T0 + 500) == []
    assert queue.hidden_until(entry) is None
    assert queue.next_wakeup(T0 + 500) == T0 + 1_000


def test_a_message_that_was_taken_back_is_delivered_and_then_tried_again() -> None:
    queue = core(max_receive_count=1)
    entry = queue.put(T0, "m1")
    queue.get(T0, timeout=0)
    queue.get(T0)
    queue.take_back(T0, entry.number)
    queue.check()

    assert queue.ready(T0)[0] == 1
    assert queue.get(T0) == ["m1"]
    assert entry.receives == 2
    assert queue.get(T0 + 30) == []
    assert len(queue.moving) == 1


def test_a_message_moves_only_once() -> None:
    queue = core(max_receive_count=1)
    first, second = queue.put(T0, "a1"), queue.put(T0, "b1")
    queue.get(T0, most=2, timeout=0)
    queue.get(T0)

    queue.confirm_move(T0, first.number)
    queue.take_back(T0, first.number)
    queue.take_back(T0, second.number)
    queue.confirm_move(T0, second.number)
    queue.check()

    assert queue.get(T0, most=10) == ["b1"]
    assert queue.counts["dead_lettered"] == 1
    assert queue.fates[-1].what == "dead-lettered"


@pytest.mark.parametrize("end", ["expired", "purged"])
def test_a_moving_message_can_expire_and_be_purged(end: str) -> None:
    queue = core(max_receive_count=1)
    entry = queue.put(T0, "m1")
    queue.get(T0, timeout=0)
    queue.get(T0)

    now = T0 + 1_000 if end == "expired" else T0
    if end == "purged":
        queue.purge(now)
    assert queue.see(now) == GONE
    queue.confirm_move(now, entry.number)
    queue.take_back(now, entry.number)

    assert queue.see(now) == GONE
    assert queue.fates[-1].what == end


# Changes while messages are there (SQS 1, 8.1).


@pytest.mark.parametrize(("delay", "now", "state"), [(20, 19, DELAYED), (20, 20, AVAILABLE), (3, 5, AVAILABLE)])
def test_a_new_delay_holds_for_messages_that_are_delayed_now(delay: int, now: int, state: tuple[int, int, int]) -> None:
    """
    Sent with 10; at 5 it is changed.
    """
    queue = core(delay=10)
    queue.put(T0, "m1")

    queue.set_delay(T0 + 5, delay)

    assert queue.see(T0 + now) == state
    assert queue.delay == delay


def test_a_new_delay_is_told_of() -> None:
    queue = core(delay=10)
    queue.put(T0, "a1")
    queue.put(T0 + 4, "b1")
    queue.log = []

    queue.set_delay(T0 + 5, 3)
    queue.settle(T0 + 100)

    assert story(queue) == [("available", 5, "a1", None), ("hidden", 5, "b1", 7), ("available", 7, "b1", None)]


def test_what_is_due_at_the_very_moment_of_a_new_delay_is_available() -> None:
    queue = core(delay=10)
    queue.put(T0, "a1")
    queue.log = []

    queue.set_delay(T0 + 5, 5)

    assert story(queue) == [("available", 5, "a1", None)]


def test_a_new_delay_leaves_alone_what_is_available() -> None:
    queue = core()
    queue.put(T0, "m1")

    queue.set_delay(T0, 10)

    assert queue.get(T0) == ["m1"]


def test_groups_whose_delay_was_cut_short_stand_in_line_by_the_new_end() -> None:
    """
    b1, sent at 1, is available at 8 as if since 3; a1 timed out at 6.
    """
    queue = core(delay=10)
    queue.put(T0, "a1", delay=0)
    queue.get(T0, timeout=6)
    queue.put(T0 + 1, "b1")

    queue.set_delay(T0 + 8, 2)

    assert queue.get(T0 + 8, most=10) == ["b1", "a1"]


def test_a_lower_retention_lets_expire_what_is_there_and_says_so_when_it_was_set() -> None:
    queue = core()
    queue.put(T0, "m1")
    queue.get(T0, timeout=500)
    queue.put(T0 + 60, "m2")
    queue.log = []

    queue.set_retention(T0 + 100, 50)

    assert story(queue) == [("expired", 100, "m1", None)]
    assert queue.get(T0 + 109) == ["m2"]
    assert queue.see(T0 + 110) == GONE


def test_a_purge_removes_messages_in_any_state() -> None:
    queue = core(max_receive_count=1)
    queue.put(T0, "a1")
    queue.get(T0, timeout=0)
    queue.put(T0, "b1", "c1", "d1")
    queue.get(T0)
    queue.put(T0, "e1", delay=10)
    assert queue.see(T0) == (2, 2, 1)
    queue.log = []

    assert queue.purge(T0) == 5

    assert queue.see(T0) == GONE
    assert [kind for kind, *_ in story(queue)] == ["purged"] * 5
    assert queue.next_wakeup(T0) is None
    assert queue.purge(T0) == 0


def test_a_purge_ends_attempts() -> None:
    queue = tried("a1")

    queue.purge(T0)

    assert again(queue, T0) is None


def test_a_new_budget_holds_for_what_is_there() -> None:
    queue = core()
    queue.put(T0, "m1")
    queue.get(T0, timeout=0)

    queue.max_receive_count = 1

    assert queue.get(T0) == []
    assert len(queue.moving) == 1


# Sequence numbers (SQS 3.2), figures (SQS 8.6), and what is next.


def test_sequence_numbers_have_twenty_digits_and_grow_with_each_that_is_drawn() -> None:
    queue = core()

    drawn = [queue.next_sequence_number() for _ in range(1_000)]

    assert drawn == sorted(set(drawn))
    assert {len(number) for number in drawn} == {20}
    assert all(number.isdecimal() and number.startswith("1885000000000") for number in drawn)


def test_messages_behind_one_in_flight_count_as_available() -> None:
    """
    Six messages in three groups, two of them received: four are visible, and none can be had of the two groups (SQS 8.6).
    """
    queue = core()
    queue.put(T0, "a1", "a2", "b1", "b2", "c1", "c2")
    queue.get(T0)
    queue.get(T0)

    assert queue.see(T0) == (4, 2, 0)
    assert queue.ready(T0)[0] == 1


def test_groups_with_messages_in_flight_are_counted() -> None:
    queue = core()
    queue.put(T0, "a1", "a2", "b1", "c1")
    assert queue.groups_in_flight == 0

    queue.get(T0, most=3)
    assert queue.groups_in_flight == 2
    queue.drop(T0, "a1")
    assert queue.groups_in_flight == 2
    queue.drop(T0, "a2")
    assert queue.groups_in_flight == 1
    queue.settle(T0 + 30)
    assert queue.groups_in_flight == 0


def test_waiters_are_told_how_many_groups_can_be_had_and_when_there_may_be_more() -> None:
    queue = core()
    assert queue.ready(T0) == (0, None)

    queue.put(T0, "a1", "a2", "b1")
    assert queue.ready(T0) == (2, None)
    queue.get(T0, most=2, timeout=30)
    assert queue.ready(T0) == (1, T0 + 30)
    queue.get(T0, timeout=5_000)
    assert queue.ready(T0) == (0, T0 + 30)
    assert queue.ready(T0 + 30) == (1, T0 + 1_000)
    assert queue.ready(T0 + 1_000) == (0, None)


def test_waiters_are_told_of_a_group_that_opens_and_not_of_one_that_stays_shut() -> None:
    queue = core()
    queue.put(T0, "a1", "a2", "a3")
    queue.get(T0, most=2)

    queue.drop(T0, "a2")
    assert queue.ready(T0)[0] == 0
    queue.put(T0, "a4")
    assert queue.ready(T0)[0] == 0
    queue.drop(T0, "a1")
    assert queue.ready(T0)[0] == 1


def test_what_is_next_is_what_a_receive_returns() -> None:
    queue = core(max_receive_count=2)
    queue.put(T0, "a1", "a2", "b1", "b2", "c1", "d1", "d2", "d3")
    queue.get(T0)
    queue.use_up("c1", "d2")

    looked = [entry.stored.body for entry in queue.next_up(10)]

    assert looked == ["b1", "b2", "d1"]
    assert [entry.stored.body for entry in queue.next_up(2)] == looked[:2]
    queue.check()
    assert not queue.moving
    assert queue.get(T0, most=10) == looked


def test_a_blocked_message_knows_what_blocks_it() -> None:
    queue = core(max_receive_count=1)
    queue.put(T0, "a1", "a2", "a3", "b1")
    queue.get(T0, most=2)
    queue.put(T0, "c1", delay=10)
    queue.put(T0, "c2", delay=0)

    blockers = {entry.stored.body: queue.blocked_by(entry) for entry in queue}

    assert {body: first and first.stored.body for body, first in blockers.items()} == {
        "a1": None, "a2": "a1", "a3": "a1", "b1": None, "c1": None, "c2": "c1"
    }  # fmt: skip
    queue.get(T0 + 30, most=10)
    a3 = next(entry for entry in queue if entry.stored.body == "a3")
    assert queue.blocked_by(a3) is queue._entries[queue.number("a1")]
    assert queue.number("a1") in queue.moving


def test_a_message_that_no_receive_looks_at_is_blocked_by_what_holds_its_group() -> None:
    queue = scanning(2)
    queue.put(T0, "a1", "b1", "a2", "c1")
    queue.get(T0)

    blockers = [queue.blocked_by(entry) for entry in queue]

    assert [first and first.stored.body for first in blockers] == [None, None, "a1", None]


def test_what_is_pending_is_a_line_per_kind() -> None:
    queue = core(retention=100)
    queue.put(T0, "a1", "a2")
    queue.put(T0, "b1", delay=40)
    queue.get(T0, most=2, timeout=30)

    assert queue.pending(T0) == [
        (T0 + 40, "1 delayed, the first is available then"),
        (T0 + 30, "2 in flight, the first is visible again then"),
        (T0 + 100, "3 held, the oldest expires then"),
    ]
    assert queue.next_wakeup(T0) == T0 + 30
    assert queue.oldest_sent_at() == T0


def test_the_figures_count_everything() -> None:
    queue = core(max_receive_count=1, retention=100)
    queue.put(T0, "a1", "b1", "c1", "d1")
    queue.get(T0, most=2, timeout=0)
    queue.get(T0, most=1)
    queue.get(T0, most=10)
    queue.get(T0, most=10)
    for number in list(queue.moving):
        queue.confirm_move(T0, number)
    queue.drop(T0, "c1")
    queue.find_duplicate(T0, "a", "a1")
    queue.settle(T0 + 100)

    expected = {
        "sent": 4, "received": 4, "empty_receives": 1, "deleted": 1, "dead_lettered": 2, "expired": 1, "deduplicated": 1
    }  # fmt: skip
    assert expected == {name: queue.counts[name] for name in expected}


def test_the_story_of_a_message_names_every_step() -> None:
    queue = core(max_receive_count=2)
    queue.log = []
    number = queue.put(T0, "m1", delay=2).number
    queue.get(T0 + 2)
    queue.set(T0 + 3, "m1", 60)
    queue.set(T0 + 4, "m1", 0)
    queue.get(T0 + 5, timeout=0)
    queue.get(T0 + 6)
    queue.take_back(T0 + 7, number)
    entries = queue.receive(T0 + 8, max_messages=1, visibility_timeout=30)
    queue.remember_attempt(T0 + 8, "try", entries)
    queue.retry(T0 + 9, "try", 30)
    queue.get(T0 + 39)
    queue.confirm_move(T0 + 40, number)

    assert [(kind, at, until) for kind, at, _, until in story(queue)] == [
        ("sent", 0, 2),
        ("available", 2, None),
        ("received", 2, 32),
        ("hidden", 3, 63),
        ("available", 4, None),
        ("received", 5, 5),
        ("available", 5, None),
        ("taken back", 7, None),
        ("received", 8, 38),
        ("hidden", 9, 39),
        ("available", 39, None),
        ("dead-lettered", 40, None),
    ]


# Indexes: what is stale in them is thrown out before it is most of them.


def given_back(queue: Core, turns: int) -> None:
    queue.put(T0, "m1")
    queue.get(T0)
    queue.put(T0, "n1")
    queue.get(T0, timeout=1)  # its deadline is the first and hides the stale ones behind it
    for turn in range(turns):
        queue.set(T0, "m1", 0)
        queue.get(T0, timeout=50 + turn % 2)


def kept_alive(queue: Core, turns: int) -> None:
    queue.put(T0, "m1", "n1")
    queue.get(T0)
    queue.get(T0, timeout=1)
    for turn in range(turns):
        queue.set(T0, "m1", 50 + turn % 7)


def tried_again(queue: Core, turns: int) -> None:
    queue.put(T0, "n1", "m1")
    queue.get(T0, timeout=1)
    queue.remember_attempt(T0, "try", queue.receive(T0, max_messages=1, visibility_timeout=50))
    for turn in range(turns):
        queue.retry(T0, "try", 50 + turn % 7)
        queue.check()


def looked_at(queue: Core, turns: int) -> None:
    queue.put(T0, "m1", "m2")
    for _ in range(turns):
        queue.get(T0, most=2, timeout=0)


def hidden_while_available(queue: Core, turns: int) -> None:
    queue.put(T0, "m1")
    queue.get(T0, timeout=0)
    for _ in range(turns):
        queue.set(T0, "m1", 5)
        queue.set(T0, "m1", 0)


def sent_and_deleted(queue: Core, turns: int) -> None:
    queue.put(T0, "m1")
    queue.get(T0, timeout=900)
    for turn in range(turns):
        queue.put(T0 + 1, f"n{turn}")
        queue.get(T0 + 1)
        queue.drop(T0 + 1, f"n{turn}")


def deleted_in_the_middle(queue: Core, turns: int) -> None:
    queue.put(T0, "m1")
    queue.get(T0, timeout=0)
    for turn in range(2, turns):
        queue.put(T0, f"m{turn}")
        queue.get(T0, most=2, timeout=900)
        queue.set(T0, "m1", 0)
        queue.drop(T0, f"m{turn}")


def sent_and_never_read(queue: Core, turns: int) -> None:
    for turn in range(turns):
        queue.put(T0 + 1_000 * turn, f"{chr(97 + turn % 26)}{turn}")


def delayed_anew(queue: Core, turns: int) -> None:
    queue.put(T0, "m1", "n1", delay=900)
    for turn in range(turns):
        queue.set_delay(T0, 800 + turn % 7)
        queue.check()


@pytest.mark.parametrize("floor", [0, 3])
@pytest.mark.parametrize(
    "use",
    [
        given_back,
        kept_alive,
        tried_again,
        looked_at,
        hidden_while_available,
        sent_and_deleted,
        deleted_in_the_middle,
        sent_and_never_read,
        delayed_anew,
    ],
)
def test_no_index_grows_with_what_is_gone(monkeypatch: pytest.MonkeyPatch, use: Any, floor: int) -> None:
    monkeypatch.setattr(Store, "_floor", floor)
    monkeypatch.setattr(Groups, "_floor", floor)
    queue = core()

    use(queue, 200)

    groups = queue._groups
    assert len(queue) <= 2
    assert max(len(queue._timeouts), len(queue._ages), len(groups._line)) <= 2 * (len(queue) + 1) + floor + 1
    assert len(groups) == len({entry.stored.message_group_id for entry in queue})
    assert not groups._beyond


def test_messages_that_are_gone_let_go_of_those_that_were_beside_them() -> None:
    queue = core()
    queue.put(T0, "m1", "m2", "m3")
    second = queue.receive(T0, max_messages=2, visibility_timeout=30)[1]

    queue.drop(T0, "m2")

    assert isinstance(second, FifoEntry)
    assert (second.before, second.after, second.group) == (None, None, None)
    queue.drop(T0, "m1")
    assert queue.get(T0) == ["m3"]


# Steps, not seconds: no call costs more because more is stored.


class Steps:
    """
    Counts the lines that run in the queue's own code while a call lasts, and the calls into C beside them.
    """

    def __init__(self) -> None:
        self.count = 0

    def of(self, call: Callable[[], object]) -> int:
        before, profile = sys.gettrace(), sys.getprofile()
        self.count = 0
        sys.setprofile(self._profile)
        sys.settrace(self._trace)
        try:
            call()
        finally:
            sys.settrace(before)
            sys.setprofile(profile)
        return self.count

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        self.count += event == "line"
        return self._trace

    def _profile(self, frame: FrameType, event: str, _: Any) -> None:
        self.count += event == "c_call"


def many_locked(size: int) -> FifoCore:
    """
    So many groups that are locked, and one behind them that is not.
    """
    queue = FifoCore(visibility_timeout=30, delay=0, retention=10**9)
    fill(queue, (f"group {turn}" for turn in range(size)))
    while queue.receive(T0, max_messages=1_000, visibility_timeout=500):
        pass
    fill(queue, ["the free one"])
    return queue


def many_open(size: int) -> FifoCore:
    queue = FifoCore(visibility_timeout=30, delay=0, retention=10**9)
    fill(queue, (f"group {turn}" for turn in range(size)))
    return queue


def one_long_group(size: int) -> FifoCore:
    queue = FifoCore(visibility_timeout=30, delay=0, retention=10**9)
    fill(queue, ("the only one" for _ in range(size)))
    return queue


def many_deleted_behind_the_first(size: int) -> FifoCore:
    """
    The first of a group comes back when all that were received with it are gone.
    """
    queue = one_long_group(size)
    entries = queue.receive(T0, max_messages=size // 2, visibility_timeout=500)
    for entry in entries[1:]:
        queue.delete(T0, entry.number)
    queue.change_visibility(T0, entries[0].number, 0)
    return queue


def fill(queue: FifoCore, groups: Any) -> None:
    for turn, group in enumerate(groups):
        queue.send(T0, message(turn, group), delay=0)


def message(turn: int, group: str) -> StoredFifo:
    return StoredFifo(turn + 1, "tea", NO_ATTRIBUTES, T0, "sender", None, None, group, f"id {group} {turn}", "1")


def steps_of_a_cycle(queue: FifoCore, now: int = T0) -> list[int]:
    """
    Of a send, a receive, a retry, a change of visibility, a look for whoever waits, and a deletion.
    """
    steps = Steps()
    got: list[Entry] = []
    found = [
        steps.of(lambda: queue.find_duplicate(now, "new", "new")),
        steps.of(lambda: queue.send(now, message(0, "new"), delay=0)),
        steps.of(lambda: got.extend(queue.receive(now, max_messages=1, visibility_timeout=30))),
        steps.of(lambda: queue.remember_attempt(now, "try", got)),
        steps.of(lambda: queue.retry(now, "try", 30)),
    ]
    [entry] = got
    return [
        *found,
        steps.of(lambda: queue.is_current(now, entry.number, entry.receives)),
        steps.of(lambda: queue.change_visibility(now, entry.number, 20)),
        steps.of(lambda: queue.ready(now)),
        steps.of(lambda: queue.settle(now + 20)),
        steps.of(lambda: queue.receive(now + 20, max_messages=1, visibility_timeout=30)),
        steps.of(lambda: queue.delete(now + 20, entry.number)),
        steps.of(lambda: queue.groups_in_flight),
        steps.of(queue.oldest_sent_at),
        steps.of(lambda: queue.next_wakeup(now + 20)),
    ]


@pytest.mark.parametrize("build", [many_locked, many_open, one_long_group, many_deleted_behind_the_first])
@pytest.mark.parametrize("size", [4_000, pytest.param(100_000, marks=pytest.mark.deep)])
def test_no_call_takes_more_steps_because_more_is_stored(build: Callable[[int], FifoCore], size: int) -> None:
    queues = build(40), build(size)
    for queue in queues:
        # What was stale before is thrown out here: those paid for it that made it stale.
        steps_of_a_cycle(queue)

    small, large = (steps_of_a_cycle(queue, T0 + 100) for queue in queues)

    assert large == small


@pytest.mark.deep
def test_a_group_of_a_million_messages_is_read_to_its_end_at_a_steady_pace() -> None:
    queue = one_long_group(1_000_000)
    steps, taken = Steps(), 0

    def take() -> int:
        entries = queue.receive(T0, max_messages=10, visibility_timeout=30)
        for entry in entries:
            queue.delete(T0, entry.number)
        return len(entries)

    first = steps.of(take)
    while entries := take():
        taken += entries
        if taken % 100_000 == 0:
            assert steps.of(take) <= 2 * first
            taken += 10
    assert taken >= 999_000


# Ctrl-C.


def scenes() -> dict[str, Callable[[Core], Callable[[], object]]]:
    """
    What is done to a queue that holds a1, a2, b1 and b2; each prepares it and returns the call that is cut short.
    """

    def receives(queue: Core) -> Callable[[], object]:
        return lambda: queue.receive(T0, max_messages=10, visibility_timeout=30)

    def receives_one(queue: Core) -> Callable[[], object]:
        return lambda: queue.receive(T0, max_messages=1, visibility_timeout=30)

    def looks(queue: Core) -> Callable[[], object]:
        return lambda: queue.receive(T0, max_messages=3, visibility_timeout=0)

    def deletes(queue: Core) -> Callable[[], object]:
        queue.get(T0, most=1)
        return lambda: queue.delete(T0, queue.number("a1"))

    def deletes_in_the_middle(queue: Core) -> Callable[[], object]:
        queue.get(T0, most=2)
        return lambda: queue.delete(T0, queue.number("a2"))

    def gives_back(queue: Core) -> Callable[[], object]:
        queue.get(T0, most=2)
        return lambda: queue.change_visibility(T0, queue.number("a1"), 0)

    def extends(queue: Core) -> Callable[[], object]:
        queue.get(T0, most=2)
        return lambda: queue.change_visibility(T0, queue.number("a1"), 90)

    def retries(queue: Core) -> Callable[[], object]:
        queue.remember_attempt(T0, "try", queue.receive(T0, max_messages=3, visibility_timeout=30))
        return lambda: queue.retry(T0, "try", 40)

    def sends(queue: Core) -> Callable[[], object]:
        return lambda: queue.send(T0, message(7, "c"), delay=0)

    def sends_to_an_open_group(queue: Core) -> Callable[[], object]:
        return lambda: queue.send(T0, message(7, "a"), delay=0)

    def sends_later(queue: Core) -> Callable[[], object]:
        return lambda: queue.send(T0, message(7, "c"), delay=5)

    def notices(queue: Core) -> Callable[[], object]:
        queue.get(T0, most=3)
        return lambda: queue.settle(T0 + 30)

    def reserves(queue: Core) -> Callable[[], object]:
        queue.max_receive_count = 1
        queue.get(T0, most=3, timeout=0)
        return lambda: queue.receive(T0, max_messages=10, visibility_timeout=30)

    def takes_back(queue: Core) -> Callable[[], object]:
        reserves(queue)()
        return lambda: queue.take_back(T0, next(iter(queue.moving)))

    def redelays(queue: Core) -> Callable[[], object]:
        queue.put(T0, "c1", "d1", delay=50)
        return lambda: queue.set_delay(T0 + 3, 2)

    def comes_into_view(queue: Core) -> Callable[[], object]:
        queue._groups._scan_max = 4
        queue.put(T0, "c1", "c2")
        queue.get(T0, most=2)
        return lambda: queue.delete(T0, queue.number("a1"))

    return {name: scene for name, scene in locals().items() if callable(scene)}


PLACES = interrupts.places(
    "queue/_fifo", "queue/_groups", "queue/_dedup", "queue/_attempts", "queue/_store", "queue/_timed"
)


@pytest.mark.parametrize("heard", [False, True])
@pytest.mark.parametrize("name", scenes())
def test_an_interrupt_at_any_line_loses_no_message_and_locks_no_group(name: str, heard: bool) -> None:
    """
    Whatever was cut short: what is there is delivered in the order of its group, and in the end nothing is left behind.
    """
    for line in count(1):
        queue = core()
        queue.log = [] if heard else None
        queue.put(T0, "a1", "a2", "b1", "b2")
        call = scenes()[name](queue)
        before = {entry.number for entry in queue}
        if not interrupts.interrupted(call, line, PLACES, ()):
            break
        gone = before - {entry.number for entry in queue}
        assert not gone or (name in {"deletes", "deletes_in_the_middle", "comes_into_view"} and len(gone) == 1), line
        assert queue.ready(T0)[0] >= (queue.next_up(1) != []), f"line {line}: nobody is woken"
        for number in list(queue.moving):
            queue.take_back(T0 + 50, number)
        queue.max_receive_count = None
        for group in "abcd":
            queue.send(T0 + 60, message(8, group), delay=0)
        left = {entry.number: entry for entry in queue}
        seen: list[int] = []
        while entries := queue.receive(T0 + 100, max_messages=3, visibility_timeout=30):
            for entry in entries:
                assert queue.is_current(T0 + 100, entry.number, entry.receives)
                assert queue.delete(T0 + 100, entry.number)
                seen.append(entry.number)
        assert sorted(seen) == sorted(left), f"line {line}: something is left behind"
        for group in "abcd":
            mine = [number for number in seen if left[number].stored.message_group_id == group]
            assert mine == sorted(mine), f"line {line}: group {group} is out of order"
        assert (queue.ready(T0 + 100)[0], queue.groups_in_flight) == (0, 0)
        # Who comes to a group next sweeps up what is left of a message that was being deleted.
        for group in "abcd":
            queue.send(T0 + 100, message(9, group), delay=0)
        assert queue.ready(T0 + 100)[0] == 4
        assert len(queue.get(T0 + 1_050, most=10)) == 4
        assert queue.see(T0 + 1_100) == GONE
        assert len(queue._groups) == 0

    assert line > 5


def test_a_group_that_is_said_to_be_ready_and_is_not_is_forgotten_by_who_looks_in_vain() -> None:
    """
    Else a waiter would be woken for it again and again.
    """
    queue = core()
    queue._groups.ready.add(Group("g"))

    assert queue.get(T0) == []

    queue.put(T0, "m1")
    assert queue.ready(T0)[0] == 1


# `check` itself sees what it is there to see.


@pytest.mark.parametrize(
    ("spoil", "finding"),
    [
        (lambda queue: queue._hidden.update({99: T0}), "a hidden message does not exist"),
        (lambda queue: queue.delayed.add(99), "a delayed message is not hidden"),
        (lambda queue: queue.moving.update({1: None}), "a moving message is not hidden"),
        (lambda queue: queue.moving.update({4: None}), "a message is delayed and moving"),
        (lambda queue: queue._ages.clear(), "never expires"),
        (lambda queue: queue._timeouts.clear(), "is hidden for ever"),
        (lambda queue: queue._hidden.update({3: None}), "moves nowhere"),
        (lambda queue: setattr(queue._entries[3], "since", T0), "is due at another time"),
        (lambda queue: setattr(queue._entries[3], "receive_count", 0), "was received less often than here"),
        (lambda queue: queue._groups.in_flight.clear(), "do not know what is in flight"),
        (lambda queue: queue._groups._line.clear(), "is not in line"),
        (lambda queue: queue._groups.ready.clear(), "is wrongly said to be ready"),
        (lambda queue: setattr(queue._groups, "_named", {}), "a group is ready that does not exist"),
        (lambda queue: queue._groups._line.extend(queue._groups._line * 99), "the line is mostly stale"),
        (lambda queue: setattr(queue._entries[2], "group", None), "is in a wrong group"),
        (lambda queue: setattr(queue._entries[1], "after", None), "is broken"),
        (lambda queue: setattr(queue._entries[1], "number", 9), "is out of order"),
        (lambda queue: queue._groups._beyond.append(queue._entries[1]), "in no chain, or in two"),
    ],
)
def test_a_broken_core_is_found_out(spoil: Any, finding: str) -> None:
    queue = core()
    queue.put(T0, "b1", "b2", "a1")
    queue.put(T0, "c1", delay=5)
    queue.get(T0, most=2, timeout=0)
    queue.get(T0)
    queue.check()
    spoil(queue)

    with pytest.raises(AssertionError, match=finding):
        queue.check()
