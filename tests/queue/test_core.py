"""
The core of a standard queue, with plain integers for time: each rule at its exact instant, the boundary from both sides.
"""

from __future__ import annotations

import pickle
from itertools import islice
from typing import Any

import pytest

from postroom.message import NO_ATTRIBUTES
from postroom.queue import _standard
from postroom.queue._entry import Entry, Stored
from postroom.queue._standard import StandardCore
from postroom.queue._store import Store

T0 = 1_000_000


class Core(StandardCore):
    """
    The core, checked after each step.
    """

    __slots__ = ()

    def check(self) -> None:
        super().check()
        ends = [until for until in self._hidden.values() if until is not None]
        ends += [entry.stored.sent_at + self.retention for entry in self._entries.values()]
        assert self.due <= min(ends, default=self.due), "something falls due unnoticed"

    def put(self, now: int, body: str = "tea", delay: int = 0, **known: Any) -> Entry:
        sent_at = known.pop("sent_at", now)
        entry = self.send(now, Stored(f"id of {body}", body, NO_ATTRIBUTES, sent_at, "sender"), delay=delay, **known)
        self.check()
        return entry

    def get(self, now: int, most: int = 1, timeout: int = 30) -> list[str]:
        entries = self.receive(now, max_messages=most, visibility_timeout=timeout)
        self.check()
        return [entry.stored.body for entry in entries]

    def see(self, now: int) -> tuple[int, int, int]:
        self.settle(now)
        self.check()
        return self.available, self.in_flight, len(self.delayed)


def core(**settings: Any) -> Core:
    return Core(**{"visibility_timeout": 30, "delay": 0, "retention": 1_000, **settings})


def story(queue: StandardCore) -> list[tuple[str, int, str, int | None]]:
    assert queue.log is not None
    return [(kind, at, entry.stored.body, until) for kind, at, entry, until, _ in queue.log]


AVAILABLE, IN_FLIGHT, DELAYED, GONE = (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)


# The life of a message (SQS 2), a test per row of the table.


def test_a_message_sent_without_delay_is_available_at_once() -> None:
    queue = core()

    queue.put(T0)

    assert queue.see(T0) == AVAILABLE


@pytest.mark.parametrize(("now", "state"), [(0, DELAYED), (9, DELAYED), (10, AVAILABLE), (11, AVAILABLE)])
def test_a_delayed_message_is_available_from_the_end_of_its_delay_on(now: int, state: tuple[int, int, int]) -> None:
    queue = core()

    queue.put(T0, delay=10)

    assert queue.see(T0 + now) == state
    assert len(queue.get(T0 + now)) == state[0]


def test_the_end_of_a_delay_does_not_count_as_a_receive() -> None:
    queue = core()
    entry = queue.put(T0, delay=10)

    queue.see(T0 + 10)

    assert (entry.receives, entry.receive_count, entry.first_received_at) == (0, 0, None)


@pytest.mark.parametrize(("now", "state"), [(0, IN_FLIGHT), (29, IN_FLIGHT), (30, AVAILABLE), (31, AVAILABLE)])
def test_a_received_message_is_hidden_until_its_visibility_timeout_ends(now: int, state: tuple[int, int, int]) -> None:
    queue = core()
    queue.put(T0)

    queue.get(T0, timeout=30)

    assert queue.see(T0 + now) == state
    assert len(queue.get(T0 + now)) == state[0]


def test_a_receive_counts_and_keeps_the_time_of_the_first() -> None:
    queue = core()
    entry = queue.put(T0)

    queue.get(T0 + 5)
    queue.get(T0 + 35)

    assert (entry.receives, entry.receive_count, entry.first_received_at) == (2, 2, T0 + 5)


def test_a_timeout_of_0_returns_the_message_and_leaves_it_available() -> None:
    queue = core()
    entry = queue.put(T0)

    assert queue.get(T0, timeout=0) == ["tea"]
    assert queue.see(T0) == AVAILABLE
    assert entry.receives == 1
    assert queue.get(T0, timeout=30) == ["tea"]


def test_a_receive_with_a_timeout_of_0_returns_no_message_twice() -> None:
    queue = core()
    queue.put(T0, "a")
    queue.put(T0, "b")

    assert queue.get(T0, most=10, timeout=0) == ["a", "b"]
    assert queue.get(T0, most=10, timeout=0) == ["a", "b"]


@pytest.mark.parametrize(("now", "state"), [(59, IN_FLIGHT), (60, AVAILABLE)])
def test_a_changed_timeout_replaces_what_was_left(now: int, state: tuple[int, int, int]) -> None:
    """
    From 10 on for 50: the end is 60, neither 30 nor 80.
    """
    queue = core()
    entry = queue.put(T0)
    queue.get(T0, timeout=30)

    assert queue.change_visibility(T0 + 10, entry.number, 50)

    assert queue.see(T0 + now) == state


@pytest.mark.parametrize(("now", "state"), [(14, IN_FLIGHT), (15, AVAILABLE)])
def test_a_timeout_can_be_shortened(now: int, state: tuple[int, int, int]) -> None:
    queue = core()
    entry = queue.put(T0)
    queue.get(T0, timeout=30)

    queue.change_visibility(T0 + 10, entry.number, 5)

    assert queue.see(T0 + now) == state


def test_a_timeout_changed_to_0_makes_the_message_available_at_once() -> None:
    queue = core()
    entry = queue.put(T0)
    queue.get(T0)

    assert queue.change_visibility(T0 + 1, entry.number, 0)

    assert queue.see(T0 + 1) == AVAILABLE


def test_a_changed_timeout_is_not_remembered() -> None:
    queue = core()
    entry = queue.put(T0)
    queue.get(T0)
    queue.change_visibility(T0, entry.number, 500)

    queue.get(T0 + 500, timeout=30)

    assert queue.see(T0 + 529) == IN_FLIGHT
    assert queue.see(T0 + 530) == AVAILABLE


def test_a_message_whose_timeout_ran_out_can_be_hidden_again() -> None:
    queue = core()
    entry = queue.put(T0)
    queue.get(T0)
    assert queue.see(T0 + 30) == AVAILABLE

    assert queue.change_visibility(T0 + 40, entry.number, 5)

    assert queue.see(T0 + 44) == IN_FLIGHT
    assert queue.get(T0 + 45) == ["tea"]


def test_a_timeout_of_0_for_a_message_that_is_available_changes_nothing() -> None:
    queue = core()
    entry = queue.put(T0)
    queue.get(T0)
    queue.see(T0 + 30)

    assert queue.change_visibility(T0 + 30, entry.number, 0)
    assert queue.get(T0 + 30, most=10) == ["tea"]


@pytest.mark.parametrize("delay", [0, 10])
def test_the_visibility_of_a_message_never_received_cannot_be_changed(delay: int) -> None:
    queue = core()
    entry = queue.put(T0, delay=delay)
    before = queue.see(T0)

    assert not queue.change_visibility(T0, entry.number, 5)
    assert not queue.change_visibility(T0, entry.number, 0)
    assert queue.see(T0) == before


def test_the_visibility_of_a_message_that_is_gone_cannot_be_changed() -> None:
    queue = core()
    entry = queue.put(T0)
    queue.get(T0)
    queue.delete(T0, entry.number)

    assert not queue.change_visibility(T0, entry.number, 5)
    assert not queue.change_visibility(T0, 99, 5)
    assert queue.see(T0) == GONE


@pytest.mark.parametrize("state", ["available", "in flight", "delayed"])
def test_a_message_is_deleted_in_any_state(state: str) -> None:
    queue = core()
    entry = queue.put(T0, delay=10 if state == "delayed" else 0)
    if state == "in flight":
        queue.get(T0)

    assert queue.delete(T0, entry.number)

    assert queue.see(T0) == GONE
    assert queue.get(T0 + 500) == []


def test_a_second_deletion_is_counted_and_does_nothing() -> None:
    queue = core()
    entry = queue.put(T0)
    queue.put(T0, "other")

    assert [queue.delete(T0, entry.number) for _ in range(3)] == [True, False, False]
    assert queue.counts["deleted"] == 3
    assert queue.get(T0, most=10) == ["other"]


@pytest.mark.parametrize("state", ["available", "in flight", "delayed"])
@pytest.mark.parametrize(("now", "there"), [(999, 1), (1_000, 0), (1_001, 0)])
def test_a_message_expires_in_any_state_at_the_end_of_its_retention(state: str, now: int, there: int) -> None:
    queue = core()
    queue.put(T0, delay=5_000 if state == "delayed" else 0)
    if state == "in flight":
        queue.get(T0, timeout=5_000)

    queue.settle(T0 + now)
    queue.check()

    assert len(queue) == there
    assert queue.counts["expired"] == 1 - there
    assert queue.see(T0 + 6_000) == GONE


def test_the_time_of_a_delay_counts_towards_retention() -> None:
    queue = core(retention=100)

    queue.put(T0, delay=99)

    assert queue.see(T0 + 99) == AVAILABLE
    assert queue.see(T0 + 100) == GONE


def test_a_message_that_expires_as_it_becomes_visible_is_gone() -> None:
    queue = core(retention=100)
    queue.log = []
    queue.put(T0)
    queue.get(T0, timeout=100)

    assert queue.get(T0 + 100) == []
    assert [kind for kind, *_ in story(queue)] == ["sent", "received", "expired"]


def test_deleting_what_expired_succeeds_in_silence() -> None:
    queue = core(retention=100)
    entry = queue.put(T0)
    queue.get(T0)
    queue.settle(T0 + 100)

    assert not queue.delete(T0 + 100, entry.number)
    assert queue.counts["expired"] == 1


# The order of delivery.


def test_messages_come_in_the_order_in_which_they_were_sent() -> None:
    queue = core()
    for body in "abcdefgh":
        queue.put(T0, body)

    assert queue.get(T0, most=3) == ["a", "b", "c"]
    assert queue.get(T0, most=10) == ["d", "e", "f", "g", "h"]


def test_a_message_that_came_back_stands_where_it_was_sent() -> None:
    """
    m1 is received, m2 sent while m1 is hidden; when m1 is back, it comes first (SQS 9).
    """
    queue = core()
    queue.put(T0, "m1")
    queue.get(T0, timeout=3)
    queue.put(T0 + 1, "m2")

    assert queue.get(T0 + 3, most=10) == ["m1", "m2"]


def test_a_delayed_message_stands_where_it_was_sent() -> None:
    queue = core()
    queue.put(T0, "late", delay=5)
    queue.put(T0, "soon")

    assert queue.get(T0 + 5, most=10) == ["late", "soon"]


def test_a_message_received_three_times_goes_to_the_back() -> None:
    """
    After the second receive it still comes first; after the third it stands behind what is there (SQS 7.2).
    """
    queue = core()
    queue.put(T0, "poison")
    queue.put(T0, "good")

    assert [queue.get(T0 + 30 * turn) for turn in range(3)] == [["poison"]] * 3
    assert queue.get(T0 + 90) == ["good"]
    assert queue.get(T0 + 90) == ["poison"]


def test_the_back_is_behind_what_was_sent_before_the_message_came_back() -> None:
    queue = core()
    queue.put(T0, "poison")
    for turn in range(3):
        queue.get(T0 + 30 * turn)
    queue.put(T0 + 89, "before")
    queue.see(T0 + 90)
    queue.put(T0 + 91, "after")

    assert queue.get(T0 + 91, most=10) == ["before", "poison", "after"]


def test_each_further_return_goes_to_the_back_again() -> None:
    queue = core()
    queue.put(T0, "a")
    for _ in range(3):
        queue.get(T0, timeout=0)
    queue.put(T0, "b")

    assert [queue.get(T0, timeout=0)[0] for _ in range(8)] == ["a", "b", "b", "b", "a", "b", "a", "b"]


def test_one_that_is_hidden_again_while_it_is_available_goes_to_the_back_too() -> None:
    """
    Its old place, in front of what was sent meanwhile, counts no more.
    """
    queue = core()
    entry = queue.put(T0, "a")
    for _ in range(3):
        queue.get(T0, timeout=0)
    queue.put(T0, "b")
    queue.change_visibility(T0, entry.number, 5)

    assert queue.get(T0 + 5, most=10) == ["b", "a"]


def test_one_that_is_available_keeps_its_place_when_it_is_made_available() -> None:
    queue = core()
    entry = queue.put(T0, "a")
    for _ in range(3):
        queue.get(T0, timeout=0)
    queue.put(T0, "b")
    queue.change_visibility(T0, entry.number, 0)

    assert queue.get(T0, most=10) == ["a", "b"]


def test_a_message_that_was_hidden_again_while_it_was_available_is_there_once() -> None:
    queue = core()
    queue.put(T0, "a")
    queue.put(T0, "b")
    queue.get(T0, most=2, timeout=0)
    for entry in list(queue):
        queue.change_visibility(T0, entry.number, 5)
    queue.see(T0 + 5)

    assert [entry.stored.body for entry in queue.next_up(10)] == ["a", "b"]
    assert queue.get(T0 + 5, most=10) == ["a", "b"]


def test_looking_does_not_change_the_order() -> None:
    queue = core()
    for body in "abc":
        queue.put(T0, body)
    queue.get(T0, timeout=5)
    queue.see(T0 + 5)

    looked = [entry.stored.body for entry in islice(queue.upcoming(), 10)]

    assert looked == ["a", "b", "c"]
    assert [entry.stored.body for entry in islice(queue.upcoming(), 2)] == ["a", "b"]
    assert queue.get(T0 + 5, most=10) == looked


@pytest.mark.parametrize("delay", [0, 10])
@pytest.mark.parametrize("heard", [False, True])
def test_messages_sent_together_are_like_messages_sent_one_by_one(delay: int, heard: bool) -> None:
    one_by_one, together = core(delay=delay, retention=100), core(delay=delay, retention=100)
    for queue in (one_by_one, together):
        queue.log = [] if heard else None
        queue.put(T0 - 50, "before", delay=delay)
    for body in "abc":
        one_by_one.put(T0, body, delay=delay)
    together.send_all(T0, [Stored(f"id of {body}", body, NO_ATTRIBUTES, T0, "sender") for body in "abc"])

    for now in (T0, T0 + 9, T0 + 10, T0 + 50, T0 + 99, T0 + 100):
        assert together.see(now) == one_by_one.see(now)
        assert together.next_wakeup(now) == one_by_one.next_wakeup(now)
        assert together.get(now, most=2, timeout=0) == one_by_one.get(now, most=2, timeout=0)
    assert together.counts == one_by_one.counts
    if heard:
        assert story(together) == story(one_by_one)


# Dead letters (SQS 7.2).


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_a_message_is_delivered_as_often_as_allowed_and_moves_at_the_next_attempt(limit: int) -> None:
    queue = core(max_receive_count=limit)
    entry = queue.put(T0)

    assert [queue.get(T0 + 30 * turn) for turn in range(limit)] == [["tea"]] * limit
    assert not queue.moving

    assert queue.get(T0 + 30 * limit) == []
    assert list(queue.moving.values()) == [entry]
    assert entry.receive_count == limit


def test_time_alone_moves_nothing() -> None:
    queue = core(max_receive_count=1)
    queue.put(T0)
    queue.get(T0)

    assert queue.see(T0 + 500) == AVAILABLE
    assert not queue.moving


@pytest.mark.parametrize(("now", "moving"), [(29, 0), (30, 1)])
def test_only_a_message_that_is_visible_again_moves(now: int, moving: int) -> None:
    queue = core(max_receive_count=1)
    queue.put(T0)
    queue.get(T0)

    queue.get(T0 + now)

    assert len(queue.moving) == moving


def test_a_message_that_moves_takes_no_place_in_the_batch() -> None:
    queue = core(max_receive_count=1)
    queue.put(T0, "poison")
    queue.get(T0, timeout=0)
    queue.put(T0, "good")

    assert queue.get(T0, most=1) == ["good"]
    assert len(queue.moving) == 1


def test_a_moving_message_counts_as_in_flight_and_nobody_gets_it() -> None:
    queue = core(max_receive_count=1)
    entry = queue.put(T0)
    queue.get(T0, timeout=0)
    queue.get(T0)

    assert queue.see(T0 + 500) == IN_FLIGHT
    assert queue.get(T0 + 500) == []
    assert not queue.change_visibility(T0 + 500, entry.number, 0)
    assert queue.hidden_until(entry) is None
    assert queue.next_wakeup(T0 + 500) == T0 + 1_000


def test_a_confirmed_move_takes_the_message_away() -> None:
    queue = core(max_receive_count=1)
    entry = queue.put(T0)
    queue.get(T0, timeout=0)
    queue.get(T0)

    queue.confirm_move(T0 + 1, entry.number)
    queue.confirm_move(T0 + 1, entry.number)

    assert queue.see(T0 + 1) == GONE
    assert queue.counts["dead_lettered"] == 1
    assert queue.fates[-1].what == "dead-lettered"


def test_a_refused_message_is_delivered_by_the_next_receive_and_then_tried_again() -> None:
    queue = core(max_receive_count=1)
    entry = queue.put(T0)
    queue.get(T0, timeout=0)
    queue.get(T0)

    queue.take_back(T0, entry.number)

    assert queue.see(T0) == AVAILABLE
    assert queue.get(T0, timeout=30) == ["tea"]
    assert entry.receives == 2
    assert queue.get(T0 + 30) == []
    assert len(queue.moving) == 1


def test_a_message_moves_only_once() -> None:
    """
    Confirmed and then taken back, or the other way round: the second does nothing.
    """
    queue = core(max_receive_count=1)
    first, second = queue.put(T0, "a"), queue.put(T0, "b")
    queue.get(T0, most=2, timeout=0)
    queue.get(T0)

    queue.confirm_move(T0, first.number)
    queue.take_back(T0, first.number)
    queue.take_back(T0, second.number)
    queue.confirm_move(T0, second.number)

    assert queue.get(T0, most=10) == ["b"]
    assert queue.counts["dead_lettered"] == 1


@pytest.mark.parametrize("end", ["deleted", "expired"])
def test_a_moving_message_can_be_deleted_and_can_expire(end: str) -> None:
    queue = core(max_receive_count=1)
    entry = queue.put(T0)
    queue.get(T0, timeout=0)
    queue.get(T0)

    now = T0 + 1_000 if end == "expired" else T0
    if end == "deleted":
        queue.delete(now, entry.number)
    assert queue.see(now) == GONE
    queue.confirm_move(now, entry.number)
    queue.take_back(now, entry.number)

    assert queue.see(now) == GONE
    assert queue.fates[-1].what == end
    assert queue.counts["dead_lettered"] == 0


def test_the_budget_counts_receives_here_and_consumers_see_those_of_all_queues() -> None:
    """
    A dead letter with five receives behind it is still delivered before it moves on (SQS 2).
    """
    queue = core(max_receive_count=1)
    entry = queue.put(T0, receive_count=5, first_received_at=T0 - 7, kind="moved in")

    assert queue.get(T0) == ["tea"]
    assert (entry.receives, entry.receive_count, entry.first_received_at) == (1, 6, T0 - 7)
    assert queue.counts["sent"] == 0


@pytest.mark.parametrize(("now", "there"), [(399, 1), (400, 0)])
def test_a_dead_letter_keeps_its_age(now: int, there: int) -> None:
    """
    Sent 600 before it came, kept for 1,000: it expires 400 after it came (SQS 2.3).
    """
    queue = core()

    queue.put(T0, sent_at=T0 - 600, kind="moved in")

    assert queue.see(T0 + now) == (there, 0, 0)


@pytest.mark.parametrize("age", [1_000, 5_000])
def test_a_dead_letter_older_than_the_retention_expires_as_it_comes_and_not_before(age: int) -> None:
    queue = core()
    queue.log = []

    queue.put(T0, sent_at=T0 - age, kind="moved in")

    assert queue.see(T0) == GONE
    assert story(queue) == [("moved in", T0, "tea", None), ("expired", T0, "tea", None)]


def test_dead_letters_and_new_messages_expire_in_the_order_of_their_age() -> None:
    queue = core(retention=100)
    queue.log = []
    queue.put(T0, "new")
    queue.put(T0, "old", sent_at=T0 - 50, kind="moved in")
    queue.put(T0, "older", sent_at=T0 - 70, kind="moved in")

    assert queue.next_expiry() == T0 + 30
    queue.settle(T0 + 500)

    assert [(at, body) for kind, at, body, _ in story(queue) if kind == "expired"] == [
        (T0 + 30, "older"),
        (T0 + 50, "old"),
        (T0 + 100, "new"),
    ]


# Duplicates.


def test_a_duplicate_stays_available_for_another_receive_with_the_count_raised() -> None:
    answers = iter([True, False])
    queue = core(duplicates=lambda: next(answers))
    entry = queue.put(T0)

    assert queue.get(T0, most=10) == ["tea"]
    assert queue.see(T0) == AVAILABLE
    assert queue.get(T0) == ["tea"]
    assert queue.see(T0) == IN_FLIGHT
    assert entry.receives == 2


def test_with_a_timeout_of_0_no_duplicate_is_drawn() -> None:
    drawn: list[None] = []

    def draw() -> bool:
        drawn.append(None)
        return False

    queue = core(duplicates=draw)
    queue.put(T0)
    queue.get(T0, timeout=0)

    assert not drawn
    queue.get(T0)
    assert len(drawn) == 1


# What falls due, and when.


def test_what_fell_due_is_told_in_order_with_the_instant_it_fell_due() -> None:
    queue = core(retention=100)
    queue.log = []
    queue.put(T0, "delayed", delay=20)
    queue.put(T0 + 1, "received")
    queue.get(T0 + 2, timeout=10)
    queue.put(T0 + 3, "waits")

    queue.settle(T0 + 10_000)

    assert story(queue) == [
        ("sent", T0, "delayed", T0 + 20),
        ("sent", T0 + 1, "received", None),
        ("received", T0 + 2, "received", T0 + 12),
        ("sent", T0 + 3, "waits", None),
        ("available", T0 + 12, "received", None),
        ("available", T0 + 20, "delayed", None),
        ("expired", T0 + 100, "delayed", None),
        ("expired", T0 + 101, "received", None),
        ("expired", T0 + 103, "waits", None),
    ]


def test_the_story_of_a_message_names_every_step() -> None:
    queue = core(max_receive_count=2)
    queue.log = []
    entry = queue.put(T0)
    queue.get(T0)
    queue.change_visibility(T0 + 1, entry.number, 60)
    queue.change_visibility(T0 + 2, entry.number, 0)
    queue.get(T0 + 3, timeout=0)
    queue.get(T0 + 4)
    queue.take_back(T0 + 5, entry.number)
    queue.get(T0 + 6)
    queue.get(T0 + 36)
    queue.confirm_move(T0 + 37, entry.number)

    assert [(kind, at - T0, None if until is None else until - T0) for kind, at, _, until in story(queue)] == [
        ("sent", 0, None),
        ("received", 0, 30),
        ("hidden", 1, 61),
        ("available", 2, None),
        ("received", 3, 3),
        ("available", 3, None),
        ("taken back", 5, None),
        ("received", 6, 36),
        ("available", 36, None),
        ("dead-lettered", 37, None),
    ]


def test_two_that_fall_due_together_come_in_the_order_of_sending() -> None:
    queue = core()
    queue.log = []
    queue.put(T0, "a", delay=10)
    queue.put(T0, "b", delay=10)
    queue.put(T0 + 5, "c", delay=5)

    queue.settle(T0 + 10)

    assert [body for kind, _, body, _ in story(queue) if kind == "available"] == ["a", "b", "c"]


def test_the_next_wakeup_is_the_first_delay_timeout_or_expiry() -> None:
    queue = core(retention=100)
    assert queue.next_wakeup(T0) is None

    entry = queue.put(T0)
    assert queue.next_wakeup(T0) == T0 + 100
    queue.put(T0, "later", delay=50)
    assert queue.next_wakeup(T0) == T0 + 50
    queue.get(T0, timeout=30)
    assert queue.next_wakeup(T0 + 29) == T0 + 30
    assert queue.next_wakeup(T0 + 30) == T0 + 50
    assert queue.next_wakeup(T0 + 50) == T0 + 100
    queue.delete(T0 + 50, entry.number)
    assert queue.next_wakeup(T0 + 100) is None


def test_what_is_pending_is_a_line_per_kind() -> None:
    queue = core(retention=100)
    queue.put(T0, "a")
    queue.put(T0, "b")
    queue.put(T0, "c", delay=40)
    queue.put(T0, "d", delay=50)
    queue.get(T0, most=2, timeout=30)

    assert queue.pending(T0) == [
        (T0 + 40, "2 delayed, the first is available then"),
        (T0 + 30, "2 in flight, the first is visible again then"),
        (T0 + 100, "4 held, the oldest expires then"),
    ]
    assert queue.pending(T0 + 100) == []


def test_waiters_are_told_how_many_are_ready_and_when_the_next_one_is() -> None:
    queue = core()
    queue.put(T0)
    queue.put(T0, "later", delay=50)

    assert queue.ready(T0) == (1, T0 + 50)
    queue.get(T0, timeout=30)
    assert queue.ready(T0) == (0, T0 + 30)
    assert queue.ready(T0 + 50) == (2, None)


def test_nobody_is_woken_at_the_ceiling_of_messages_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_standard, "IN_FLIGHT_MAX", 2)
    queue = core()
    for body in "abc":
        queue.put(T0, body)
    queue.get(T0, most=2)

    assert queue.ready(T0) == (0, T0 + 30)
    assert queue.ready(T0 + 30) == (3, None)


def test_the_oldest_age_is_that_of_the_oldest_there_is() -> None:
    queue = core()
    first = queue.put(T0, "a")
    queue.put(T0 + 5, "b", delay=10)

    assert queue.oldest_sent_at() == T0
    queue.delete(T0 + 6, first.number)
    assert queue.oldest_sent_at() == T0 + 5
    queue.settle(T0 + 2_000)
    assert queue.oldest_sent_at() is None


def test_the_fates_of_the_last_thousand_are_kept() -> None:
    queue = core()
    for turn in range(1_002):
        queue.delete(T0, queue.put(T0, f"{turn}").number)

    assert [fate.key for fate in queue.fates][::999] == ["id of 2", "id of 1001"]


def test_the_figures_count_everything() -> None:
    queue = core(max_receive_count=1, retention=100)
    for body in "abcd":
        queue.put(T0, body)
    queue.get(T0, most=2, timeout=0)
    queue.get(T0, most=1)
    queue.get(T0, most=10)
    queue.get(T0, most=10)
    for number in list(queue.moving):
        queue.confirm_move(T0, number)
    queue.delete(T0, 3)
    queue.settle(T0 + 100)

    assert queue.counts == {
        "sent": 4, "received": 4, "empty_receives": 1, "deleted": 1, "dead_lettered": 2, "expired": 1, "purged": 0
    }  # fmt: skip


# Attributes that change while messages are there (SQS 1).


def test_a_lower_retention_expires_at_once_what_is_then_too_old() -> None:
    """
    In the order of age, and now: not at instants at which nobody knew.
    """
    queue = core()
    queue.log = []
    queue.put(T0, "a")
    queue.put(T0 + 10, "b", delay=500)
    queue.put(T0 + 20, "older", sent_at=T0 - 5, kind="moved in")
    queue.put(T0 + 40, "c")
    queue.put(T0 + 41, "d")
    queue.get(T0 + 41, timeout=500)

    queue.set_retention(T0 + 100, 60)

    queue.check()
    assert [(at, body) for kind, at, body, _ in story(queue) if kind == "expired"] == [
        (T0 + 100, "older"), (T0 + 100, "a"), (T0 + 100, "b"), (T0 + 100, "c")
    ]  # fmt: skip
    assert queue.next_wakeup(T0 + 100) == T0 + 101
    assert queue.see(T0 + 100) == AVAILABLE
    assert queue.see(T0 + 101) == GONE
    assert queue.counts["expired"] == 5


@pytest.mark.parametrize(("retention", "there"), [(100, 0), (101, 1)])
def test_a_message_as_old_as_the_new_retention_is_gone(retention: int, there: int) -> None:
    queue = core()
    queue.put(T0)

    queue.set_retention(T0 + 100, retention)

    assert len(queue) == there


@pytest.mark.parametrize(("now", "there"), [(1_999, 1), (2_000, 0)])
def test_a_higher_retention_keeps_what_is_there_longer(now: int, there: int) -> None:
    queue = core()
    queue.put(T0)

    queue.set_retention(T0 + 999, 2_000)

    assert queue.see(T0 + now) == (there, 0, 0)


def test_what_had_expired_before_the_retention_was_raised_is_gone() -> None:
    queue = core()
    queue.log = []
    queue.put(T0)

    queue.set_retention(T0 + 1_000, 2_000)

    assert queue.see(T0 + 1_000) == GONE
    assert story(queue)[-1] == ("expired", T0 + 1_000, "tea", None)


@pytest.mark.parametrize(("now", "there"), [(89, 1), (90, 0)])
def test_a_dead_letter_keeps_the_time_of_its_send_when_the_retention_changes(now: int, there: int) -> None:
    queue = core()
    queue.put(T0, sent_at=T0 - 10, kind="moved in")

    queue.set_retention(T0 + 1, 100)

    assert queue.see(T0 + now) == (there, 0, 0)


def test_a_new_timeout_or_budget_holds_from_the_next_receive_on_and_a_new_delay_from_the_next_send() -> None:
    queue = core(delay=10)
    queue.put(T0, "a", delay=queue.delay)
    queue.set_delay(T0, 0)
    queue.put(T0, "b", delay=queue.delay)
    assert queue.see(T0) == (1, 0, 1)

    assert queue.get(T0 + 10, most=2, timeout=0) == ["a", "b"]
    queue.max_receive_count = 1
    assert queue.get(T0 + 10) == []
    assert len(queue.moving) == 2


# Purging (SQS 8.1).


def test_a_purge_removes_messages_in_every_state() -> None:
    queue = core(max_receive_count=1)
    moving = queue.put(T0, "moving")
    queue.get(T0, timeout=0)
    queue.get(T0)
    queue.put(T0, "in flight")
    queue.get(T0)
    queue.put(T0, "available")
    queue.put(T0, "delayed", delay=5)
    queue.put(T0, "dead letter", sent_at=T0 - 5, kind="moved in")
    assert (queue.available, queue.in_flight, len(queue.delayed), len(queue.moving)) == (2, 2, 1, 1)
    queue.log = []

    assert queue.purge(T0 + 1) == 5

    assert queue.see(T0 + 1) == GONE
    assert story(queue) == [
        ("purged", T0 + 1, body, None) for body in ("moving", "in flight", "available", "delayed", "dead letter")
    ]
    assert queue.counts["purged"] == 5
    assert {fate.what for fate in queue.fates} == {"purged"}
    assert queue.next_wakeup(T0 + 1) is None
    queue.confirm_move(T0 + 1, moving.number)
    queue.take_back(T0 + 1, moving.number)
    assert queue.get(T0 + 5_000) == []


def test_what_is_sent_after_a_purge_stays() -> None:
    queue = core()
    queue.put(T0, "before", delay=5)
    queue.purge(T0)
    queue.put(T0, "after")

    assert queue.get(T0 + 5, most=10) == ["after"]
    assert queue.purge(T0 + 6) == 1
    assert queue.purge(T0 + 6) == 0
    assert sizes(queue) == {"fresh": 0, "back": 0, "timeouts": 0, "ages": 0, "old_ages": 0}


def test_what_expired_before_a_purge_is_not_purged() -> None:
    queue = core(retention=100)
    queue.put(T0, "a")
    queue.put(T0 + 1, "b")

    assert queue.purge(T0 + 100) == 1
    assert (queue.counts["expired"], queue.counts["purged"]) == (1, 1)


# When a message goes to the back, and how many may be in flight.


@pytest.mark.parametrize(("demote_after", "order"), [(1, "ba"), (2, "ba"), (3, "ab"), (None, "ab")])
def test_after_how_many_receives_a_message_goes_to_the_back_is_a_setting(demote_after: int | None, order: str) -> None:
    queue = core(demote_after=demote_after)
    queue.put(T0, "a")
    queue.put(T0, "b")
    for turn in range(2):
        queue.get(T0 + turn, timeout=0 if turn else 1)

    assert "".join(queue.get(T0 + 2, most=2)) == ("ab" if demote_after == 1 else order)


def test_how_many_may_be_in_flight_is_a_setting() -> None:
    queue = core(in_flight_max=1)
    queue.put(T0, "a")
    queue.put(T0, "b")

    assert queue.in_flight_max == 1
    queue.get(T0)
    assert queue.ready(T0) == (0, T0 + 30)
    queue.in_flight_max = 2
    assert queue.ready(T0) == (1, T0 + 30)
    assert core().in_flight_max == 120_000


# The age of the oldest, as CloudWatch counts it (SQS 8.6).


def test_a_message_received_three_times_has_no_age_any_more() -> None:
    queue = core()
    queue.put(T0, "poison")
    queue.put(T0 + 1, "good")
    for _ in range(2):
        queue.get(T0 + 2, timeout=0)
    assert queue.oldest_age_start() == T0

    queue.get(T0 + 2, timeout=0)

    assert queue.oldest_age_start() == T0 + 1
    assert queue.oldest_sent_at() == T0


def test_a_dead_letter_ages_from_its_move_on() -> None:
    queue = core()
    first = queue.put(T0, "dead letter", sent_at=T0 - 600, receive_count=5, kind="moved in")
    queue.put(T0 + 1, "another", sent_at=T0 - 700, kind="moved in")

    queue.put(T0 + 2, "new")

    assert queue.oldest_age_start() == T0
    assert queue.oldest_sent_at() == T0 - 700
    queue.delete(T0 + 2, first.number)
    assert queue.oldest_age_start() == T0 + 1


def test_a_queue_with_nothing_young_in_it_has_no_age() -> None:
    queue = core()
    assert queue.oldest_age_start() is None

    queue.put(T0)
    for _ in range(3):
        queue.get(T0, timeout=0)
    assert queue.oldest_age_start() is None

    queue.put(T0 + 5, "new")
    assert queue.oldest_age_start() == T0 + 5


def test_looking_for_the_oldest_does_not_pass_the_failed_ones_again_and_again() -> None:
    queue = core()
    for turn in range(50):
        queue.put(T0, f"{turn}")
    for _ in range(3):
        queue.get(T0, most=50, timeout=0)
    queue.put(T0 + 1, "new")

    assert queue.oldest_age_start() == T0 + 1
    assert queue._first_young > 50


def test_dead_letters_that_are_gone_are_not_remembered() -> None:
    queue = core()

    dead_letters_deleted(queue, 300)

    assert len(queue._arrived) <= 70


# Indexes: what is stale in them is thrown out before it is most of them.


def sizes(queue: Any) -> dict[str, int]:
    return {name: len(getattr(queue, f"_{name}")) for name in ("fresh", "back", "timeouts", "ages", "old_ages")}


def given_back(queue: Core, turns: int) -> None:
    entry = queue.put(T0)
    queue.get(T0)
    queue.put(T0, "another")
    queue.get(T0, timeout=1)  # its deadline is the first and hides the stale ones behind it
    for turn in range(turns):
        queue.change_visibility(T0, entry.number, 0)
        queue.get(T0, timeout=50 + turn % 2)


def kept_alive(queue: Core, turns: int) -> None:
    entry = queue.put(T0)
    queue.get(T0)
    queue.put(T0, "another")
    queue.get(T0, timeout=1)
    for turn in range(turns):
        queue.change_visibility(T0, entry.number, 50 + turn % 7)


def hidden_and_visible(queue: Core, turns: int) -> None:
    first = queue.put(T0, "first")
    second = queue.put(T0, "second")
    queue.get(T0, most=2)
    queue.change_visibility(T0, first.number, 0)
    for _ in range(turns):
        queue.change_visibility(T0, second.number, 0)
        queue.change_visibility(T0, second.number, 5)


def sent_and_deleted(queue: Core, turns: int) -> None:
    queue.put(T0, "stays")
    queue.get(T0, timeout=900)
    for turn in range(turns):
        queue.delete(T0 + 1, queue.put(T0 + 1, f"{turn}").number)


def received_and_deleted(queue: Core, turns: int) -> None:
    queue.put(T0, "stays")
    queue.get(T0, timeout=1)
    for turn in range(turns):
        number = queue.put(T0, f"{turn}").number
        queue.get(T0, timeout=500)
        queue.delete(T0, number)


def sent_and_never_read(queue: Core, turns: int) -> None:
    for turn in range(turns):
        queue.put(T0 + 1_000 * turn, f"{turn}")


def dead_letters_deleted(queue: Core, turns: int) -> None:
    queue.put(T0, "the oldest", sent_at=T0 - 900, kind="moved in")
    queue.get(T0, timeout=90)
    for turn in range(turns):
        number = queue.put(T0, f"{turn}", sent_at=T0 - 5, kind="moved in").number
        queue.get(T0)
        queue.delete(T0, number)


def demoted(queue: Core, turns: int) -> None:
    queue.put(T0)
    for _ in range(turns):
        queue.get(T0, timeout=0)


@pytest.mark.parametrize("floor", [0, 3])
@pytest.mark.parametrize(
    "use",
    [
        given_back,
        kept_alive,
        hidden_and_visible,
        sent_and_deleted,
        received_and_deleted,
        sent_and_never_read,
        dead_letters_deleted,
        demoted,
    ],
)
def test_no_index_grows_with_what_is_gone(monkeypatch: pytest.MonkeyPatch, use: Any, floor: int) -> None:
    monkeypatch.setattr(Store, "_floor", floor)
    queue = core()

    use(queue, 200)

    assert len(queue) <= 2
    assert max(sizes(queue).values()) <= 2 * (len(queue) + 1) + floor + 1


def test_the_floor_keeps_small_indexes_from_being_built_anew_all_the_time() -> None:
    queue = core()

    sent_and_never_read(queue, 200)
    dead_letters_deleted(core(), 200)

    assert max(sizes(queue).values()) <= 70


def test_a_stored_message_pickles() -> None:
    stored = pickle.loads(pickle.dumps(Stored(5, "tea", NO_ATTRIBUTES, T0, "sender", "arn", "trace")))

    assert stored.message_id == Stored(5, "tea", NO_ATTRIBUTES, T0, "sender").message_id
    assert (stored.body, stored.sent_at, stored.sender_id, stored.source_arn, stored.trace_header) == (
        "tea", T0, "sender", "arn", "trace"
    )  # fmt: skip


# `check` itself sees what it is there to see.


@pytest.mark.parametrize(
    ("spoil", "finding"),
    [
        (lambda queue: queue._hidden.update({99: T0}), "a hidden message does not exist"),
        (lambda queue: queue.delayed.add(99), "a delayed message is not hidden"),
        (lambda queue: queue.moving.update({1: None}), "a moving message is not hidden"),
        (lambda queue: queue._ages.clear(), "never expires"),
        (lambda queue: queue._fresh.clear(), "is available and in no index"),
        (lambda queue: queue._timeouts.clear(), "is hidden for ever"),
        (lambda queue: queue.moving.update({2: None}) or queue.delayed.add(2), "a message is delayed and moving"),
    ],
)
def test_a_broken_core_is_found_out(spoil: Any, finding: str) -> None:
    queue = core()
    queue.put(T0, "available")
    queue.put(T0, "delayed", delay=5)
    spoil(queue)

    with pytest.raises(AssertionError, match=finding):
        queue.check()
