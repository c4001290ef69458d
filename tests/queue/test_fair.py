"""
Fair queues, with plain integers for time: who is noisy, from when and until when, and who is served first (SQS 4).
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.message import NO_ATTRIBUTES
from postroom.queue._entry import Entry, Stored
from postroom.queue._standard import StandardCore
from postroom.queue._store import Store
from postroom.queue._tenant import SLICE_US, Tally, ascending, take_out
from tests import interrupts
from tests.lines import lines_run

S = 1_000_000
PLACES = interrupts.places("queue")
T0 = 1_700_000_000 * S
"""The beginning of a slice."""


class Core(StandardCore):
    """
    The core, checked after each step. A message is named after its tenant and its number there: "a1".
    """

    __slots__ = ("names",)

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"visibility_timeout": 30 * S, "delay": 0, "retention": 345_600 * S, **settings})
        self.names: dict[str, int] = {}

    def put(self, now: int, group: str | None, count: int = 1, delay: int = 0, **known: Any) -> list[Entry]:
        found: list[Entry] = []
        for _ in range(count):
            key = group or "-"
            self.names[key] = self.names.get(key, 0) + 1
            sent_at = known.get("sent_at", now)
            stored = Stored(1, f"{key}{self.names[key]}", NO_ATTRIBUTES, sent_at, "sender", None, None, group)
            found.append(self.send(now, stored, delay=delay, kind="sent" if sent_at == now else "moved in"))
        self.check()
        return found

    def get(self, now: int, most: int = 1, timeout: int = 30 * S) -> list[str]:
        looked = [entry.stored.body for entry in self.next_up(most)] if now < self.due else None
        got = [entry.stored.body for entry in self.receive(now, max_messages=most, visibility_timeout=timeout)]
        self.check()
        assert looked in (None, got), "a look and a receive do not agree"
        return got

    def order(self) -> list[str]:
        self.check()
        return [entry.stored.body for entry in self.next_up(10_000)]

    @property
    def noisy(self) -> list[str]:
        self.check()
        assert self._fair is not None
        return sorted(self._fair.noisy)


def with_noisy(*groups: str, waiting: int = 2, now: int = T0, **settings: Any) -> Core:
    """
    A queue with tenants that have 30 messages in flight each, and some waiting.
    """
    queue = Core(**settings)
    for group in groups:
        queue.put(now, group, 30)
        queue.get(now, 30, 600 * S)
    for group in groups:
        queue.put(now, group, waiting)
    assert queue.noisy == sorted(groups)
    return queue


# Order.


def test_a_queue_without_group_ids_keeps_nothing_of_tenants() -> None:
    queue = Core()
    queue.put(T0, None, 3)
    queue.get(T0)

    assert queue._fair is None
    assert queue.noisy_groups == 0


def test_quiet_tenants_are_served_in_the_order_of_sending() -> None:
    queue = Core()
    for group in ("a", "b", None, "a", "c", "b", None):
        queue.put(T0, group)

    assert queue.order() == ["a1", "b1", "-1", "a2", "c1", "b2", "-2"]
    assert [queue.get(T0, 2) for _ in range(4)] == [["a1", "b1"], ["-1", "a2"], ["c1", "b2"], ["-2"]]


def test_what_came_back_stands_where_it_was_sent() -> None:
    queue = Core()
    queue.put(T0, "a", 2)
    queue.put(T0, "b")
    assert queue.get(T0, 2, 5 * S) == ["a1", "a2"]

    queue.settle(T0 + 5 * S)
    # Only these were processed of late, so their tenant is noisy; five minutes later it is not.
    assert queue.order() == ["b1", "a1", "a2"]
    queue.settle(T0 + 300 * S)

    assert queue.get(T0 + 300 * S, 10) == ["a1", "a2", "b1"]


def test_a_message_received_three_times_goes_behind_those_of_all_tenants() -> None:
    queue = Core()
    queue.put(T0, "a", 2)
    for _ in range(3):
        queue.get(T0, 1, 0)
    queue.put(T0, "b")

    assert queue.order() == ["a2", "a1", "b1"]


def test_quiet_tenants_come_before_noisy_ones() -> None:
    queue = with_noisy("a")
    queue.put(T0, "b")
    queue.put(T0, None)
    queue.put(T0, "a")
    queue.put(T0, "b")

    assert queue.get(T0, 2) == ["b1", "-1"]
    assert queue.get(T0, 10) == ["b2", "a31", "a32", "a33"]


def test_a_noisy_tenant_has_the_consumers_to_itself_when_nobody_else_waits() -> None:
    queue = with_noisy("a", waiting=15)

    assert queue.get(T0, 10) == [f"a{number}" for number in range(31, 41)]
    assert queue.get(T0, 10) == [f"a{number}" for number in range(41, 46)]


def test_of_several_noisy_tenants_that_with_the_fewest_in_flight_comes_first() -> None:
    """
    After each message anew: a has 31 in flight and b 30; c, with as many as b, sent later.
    """
    queue = with_noisy("a", "b", "c", waiting=4)
    queue.put(T0, "z")
    assert queue.get(T0) == ["z1"]
    assert queue.get(T0) == ["a31"]

    assert queue.get(T0, 8) == ["b31", "c31", "a32", "b32", "c32", "a33", "b33", "c33"]


def test_a_tenant_comes_forward_when_its_messages_leave_the_flight() -> None:
    queue = with_noisy("a", "b")
    flying = [entry for entry in queue if entry.stored.body in {"b7", "b9"}]

    assert queue.order() == ["a31", "b31", "a32", "b32"]
    queue.delete(T0, flying[0].number)
    queue.change_visibility(T0, flying[1].number, 0)

    assert queue.order() == ["b9", "b31", "a31", "b32", "a32"]


# Who is noisy: by messages in flight.


@pytest.mark.parametrize(
    ("mine", "others", "noisy"),
    [
        (29, 0, []),
        (30, 0, ["a"]),
        (30, 269, ["a"]),
        (30, 270, []),
        (31, 270, ["a"]),
        (31, 279, []),
    ],
)
def test_a_tenant_is_noisy_with_over_a_tenth_in_flight_and_at_least_30(
    mine: int, others: int, noisy: list[str]
) -> None:
    queue = Core()
    queue.put(T0, None, others)
    queue.get(T0, others)
    queue.put(T0, "a", mine + 1)

    queue.get(T0, mine)

    assert queue.noisy == noisy
    assert queue.noisy_groups == len(noisy)


def test_messages_in_flight_before_there_were_tenants_count() -> None:
    queue = Core()
    queue.put(T0, None, 300)
    queue.get(T0, 300)
    queue.put(T0, "a", 40)

    queue.get(T0, 30)

    assert queue.noisy == []


def test_messages_on_their_way_to_the_dead_letter_queue_are_not_in_flight() -> None:
    """
    270 that are moving would else keep a from having more than a tenth.
    """
    queue = Core(max_receive_count=1)
    queue.put(T0, None, 270)
    queue.get(T0, 270, 0)
    queue.put(T0, "a", 31)

    assert len(queue.get(T0, 30)) == 30
    assert len(queue.moving) == 270
    assert queue.noisy == ["a"]


def test_the_verdict_of_before_holds_throughout_a_receive() -> None:
    queue = Core()
    queue.put(T0, "a", 40)
    queue.put(T0, "b")

    assert queue.get(T0, 35)[-1] == "a35"
    assert queue.get(T0, 2) == ["b1", "a36"]


def test_a_tenant_that_sends_while_it_holds_too_much_is_noisy_at_once() -> None:
    queue = Core()
    queue.put(T0, "a", 30)
    queue.get(T0, 30)
    assert queue.noisy == []

    queue.put(T0, "a")
    queue.put(T0, "b")

    assert queue.order() == ["b1", "a31"]


def test_a_tenant_that_hides_what_had_come_back_is_judged_for_it() -> None:
    queue = Core()
    entries = queue.put(T0, "a", 30)
    queue.get(T0, 30, 0)

    for entry in entries[:-1]:
        queue.change_visibility(T0, entry.number, 60 * S)
    assert queue.noisy == []
    queue.put(T0, "a")
    queue.change_visibility(T0, entries[-1].number, 60 * S)

    assert queue.noisy == ["a"]


def test_a_message_without_a_group_id_is_never_noisy() -> None:
    """
    Half an hour of the consumers' time, and back at its place.
    """
    queue = Core()
    queue.put(T0, None)
    queue.put(T0, "a")
    assert queue.get(T0, 1, 1_800 * S) == ["-1"]
    queue.put(T0 + 1, "b")

    assert queue.get(T0 + 1_800 * S, 3) == ["-1", "a1", "b1"]


# Who is noisy: by the time of the consumers.


@pytest.mark.parametrize(("mine", "noisy"), [(100, []), (101, ["a"])])
def test_a_tenant_is_noisy_with_over_a_tenth_of_the_time_in_flight(mine: int, noisy: list[str]) -> None:
    """
    900 microseconds of another one, and 100 of its own: that is a tenth, and not more.
    """
    queue = Core()
    [entry, _] = queue.put(T0, "a", 2)
    queue.get(T0)
    queue.delete(T0 + mine, entry.number)
    [other] = queue.put(T0 + mine, "b")
    assert queue.noisy == ["a"]  # it had all of the time
    assert queue.get(T0 + mine) == ["b1"]
    queue.settle(T0 + mine)
    # Nothing of it waits: it is quiet, and then judged by what was since.
    [last] = [one for one in queue if one.stored.body == "a2"]
    queue.delete(T0 + mine, last.number)
    queue.delete(T0 + mine + 900, other.number)

    queue.put(T0 + mine + 900, "a")

    assert queue.noisy == noisy


def test_what_is_in_flight_counts_up_to_now() -> None:
    queue = Core()
    others = queue.put(T0, "b", 18)
    queue.put(T0, "a", 2)
    assert queue.get(T0, 19, 600 * S)[-1] == "a1"

    queue.put(T0 + 1, "a")
    assert queue.noisy == []  # 1 of 19
    for entry in others[1:]:
        queue.delete(T0 + 1, entry.number)
    queue.put(T0 + 9, "a")

    assert queue.noisy == ["a"]  # 9 of 19 + 16


@pytest.mark.parametrize(("now", "noisy"), [(31 * SLICE_US - 1, ["a"]), (31 * SLICE_US, [])])
def test_the_time_of_the_slice_before_the_last_thirty_counts_no_more(now: int, noisy: list[str]) -> None:
    queue = Core()
    [entry] = queue.put(T0, "a")
    queue.get(T0)
    queue.delete(T0 + SLICE_US, entry.number)

    queue.put(T0 + now, "a")

    assert queue.noisy == noisy


def test_the_time_before_there_were_tenants_does_not_count() -> None:
    queue = Core()
    [other] = queue.put(T0, None)
    queue.get(T0, 1, 600 * S)
    [entry] = queue.put(T0 + 100 * S, "a")
    queue.delete(T0 + 100 * S, other.number)
    queue.get(T0 + 100 * S)
    queue.delete(T0 + 100 * S + 1, entry.number)

    queue.put(T0 + 100 * S + 1, "a")

    assert queue.noisy == ["a"]


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 1, 3, SLICE_US - 1, SLICE_US, 7 * SLICE_US, 40 * SLICE_US]), st.integers(0, 3))
    )
)
def test_a_tally_is_what_its_spans_add_up_to(steps: list[tuple[int, int]]) -> None:
    now, tally = T0, Tally(T0)
    spans: list[tuple[int, int, int]] = []
    for span, count in steps:
        spans.append((now, now + span, count))
        now += span
        first = (now // SLICE_US - 30) * SLICE_US

        assert tally.advance(now, count) == sum(times * max(0, end - max(start, first)) for start, end, times in spans)
        assert tally.advance(now, 5) == tally.advance(now, 0)


# Until when.


@pytest.mark.parametrize(("now", "noisy"), [(299_999_999, ["a"]), (300_000_000, []), (300_000_001, [])])
def test_a_tenant_is_quiet_when_it_sent_nothing_for_five_minutes(now: int, noisy: list[str]) -> None:
    queue = with_noisy("a")
    queue.put(T0, "a", 1, delay=400 * S)
    queue.put(T0 + 1, "b", 1)

    queue.settle(T0 + now)

    assert queue.noisy == noisy
    assert queue.order() == (["b1", "a31", "a32"] if noisy else ["a31", "a32", "b1"])


def test_each_send_begins_the_five_minutes_anew() -> None:
    queue = with_noisy("a")
    queue.put(T0 + 299 * S, "a")

    queue.settle(T0 + 598 * S)
    assert queue.noisy == ["a"]
    queue.settle(T0 + 599 * S)
    assert queue.noisy == []


def test_what_happens_after_five_minutes_without_a_send_makes_nobody_noisy() -> None:
    queue = with_noisy("a", waiting=5)
    queue.settle(T0 + 300 * S)

    queue.get(T0 + 300 * S)
    queue.settle(T0 + 600 * S)
    assert queue.noisy == []

    queue.put(T0 + 600 * S, "a")
    assert queue.noisy == ["a"]


def test_a_wake_up_is_for_messages_and_not_for_verdicts() -> None:
    queue = with_noisy("a")

    assert queue.next_wakeup(T0) == T0 + 600 * S
    assert queue.ready(T0) == (2, T0 + 600 * S)


def received(queue: Core, entries: list[Entry]) -> None:
    queue.get(T0, len(entries))


def deleted(queue: Core, entries: list[Entry]) -> None:
    for entry in entries:
        queue.delete(T0, entry.number)


def purged(queue: Core, entries: list[Entry]) -> None:
    assert queue.purge(T0) == 30 + len(entries)


@pytest.mark.parametrize("end", [received, deleted, purged])
def test_a_tenant_is_quiet_when_nothing_of_it_waits(end: Callable[[Core, list[Entry]], None]) -> None:
    queue = with_noisy("a")

    end(queue, [entry for entry in queue if entry.receives == 0])

    assert queue.noisy == []


@pytest.mark.parametrize(("now", "noisy"), [(60 * S - 1, ["a"]), (60 * S, [])])
def test_a_tenant_is_quiet_when_what_waits_of_it_expires(now: int, noisy: list[str]) -> None:
    queue = with_noisy("a", retention=60 * S)

    queue.settle(T0 + now)

    assert queue.noisy == noisy


def test_a_delayed_message_waits_too() -> None:
    queue = with_noisy("a", waiting=1)
    queue.put(T0, "a", 1, delay=100 * S)

    assert queue.get(T0, 1, 600 * S) == ["a31"]
    assert queue.noisy == ["a"]
    queue.put(T0 + 99 * S, "b")
    assert queue.get(T0 + 100 * S, 2) == ["b1", "a32"]
    assert queue.noisy == []


def test_a_message_that_moves_away_does_not_wait_and_one_that_is_taken_back_does() -> None:
    queue = with_noisy("a", waiting=1, max_receive_count=1)
    [entry] = [entry for entry in queue if entry.receives == 0]
    queue.get(T0, 1, 0)
    assert queue.noisy == ["a"]

    assert queue.get(T0) == []
    assert queue.noisy == []
    queue.take_back(T0, entry.number)
    queue.check()

    assert queue.noisy == ["a"]
    queue.put(T0, "b")
    assert queue.get(T0, 2) == ["b1", "a31"]


@pytest.mark.parametrize(("others", "noisy"), [(269, ["a"]), (270, [])])
def test_a_message_that_is_taken_back_does_not_make_those_in_flight_fewer(others: int, noisy: list[str]) -> None:
    queue = Core(max_receive_count=1)
    queue.put(T0, "a", 31)
    entry = next(iter(queue))
    queue.get(T0, 1, 0)
    queue.put(T0, None, others)
    queue.get(T0, 30 + others)
    assert list(queue.moving) == [entry.number]

    queue.take_back(T0, entry.number)

    assert queue.noisy == noisy


def test_a_dead_letter_belongs_to_its_tenant_and_counts_as_sent() -> None:
    queue = with_noisy("a")

    queue.put(T0 + 200 * S, "a", 1, sent_at=T0 - 1)
    queue.put(T0 + 200 * S, "b")

    queue.settle(T0 + 499 * S)
    assert queue.order() == ["b1", "a31", "a32", "a33"]
    queue.settle(T0 + 500 * S)
    assert queue.order() == ["a31", "a32", "a33", "b1"]


def test_a_noisy_tenant_that_goes_quiet_with_a_backlog_stands_where_it_was_sent() -> None:
    queue = with_noisy("a", "b")
    queue.put(T0 + 100 * S, "b")
    queue.put(T0 + 100 * S, None)

    queue.settle(T0 + 300 * S)

    assert queue.noisy == ["b"]
    assert queue.order() == ["a31", "a32", "-1", "b31", "b32", "b33"]


# Figures (SQS 8.6).


def test_the_figures_of_quiet_groups_leave_out_noisy_ones() -> None:
    queue = with_noisy("a")
    queue.put(T0 + 1, "a", 3, delay=50 * S)
    queue.put(T0 + 2, "b", 2)
    queue.put(T0 + 3, None, 2, delay=50 * S)
    queue.put(T0 + 4, None)
    queue.get(T0 + 5)

    assert (queue.available, queue.in_flight, len(queue.delayed)) == (4, 31, 5)
    assert queue.quiet == (2, 1, 2)
    assert (queue.oldest_age_start(), queue.oldest_quiet_age_start()) == (T0, T0 + 2)


def test_what_moves_away_of_noisy_tenants_is_not_in_flight_in_quiet_groups() -> None:
    queue = with_noisy("a", waiting=2, max_receive_count=1)
    queue.get(T0, 1, 0)
    queue.get(T0, 1)
    queue.put(T0, "a", 2)

    assert (queue.in_flight, queue.noisy) == (32, ["a"])
    assert queue.quiet == (0, 0, 0)


def test_without_noisy_tenants_all_groups_are_quiet() -> None:
    queue = Core()
    queue.put(T0, None, 3)
    queue.get(T0)
    assert queue.quiet == (2, 1, 0)
    queue.put(T0 + 1, "a", 1, delay=S)

    assert queue.quiet == (2, 1, 1)
    assert queue.oldest_quiet_age_start() == T0


def test_there_is_no_oldest_where_all_are_noisy_or_failed_often() -> None:
    queue = with_noisy("a")
    queue.put(T0, None)
    assert queue.oldest_quiet_age_start() == T0
    for _ in range(3):
        queue.get(T0, 1, 0)

    assert queue.oldest_quiet_age_start() is None


# What it costs.


def test_tenants_of_whom_nothing_is_left_are_forgotten() -> None:
    """
    After 310 seconds no time of theirs counts, and sends clear up behind them.
    """
    queue = Core()
    for number in range(500):
        [entry] = queue.put(T0, f"user {number}")
        queue.get(T0)
        queue.delete(T0 + number, entry.number)
    fair = queue._fair
    assert fair is not None
    for _ in range(600):
        [entry] = queue.put(T0 + 311 * S, "a")
        queue.get(T0 + 311 * S)
        queue.delete(T0 + 311 * S, entry.number)

    assert list(fair._tenants) == ["a"]
    assert (len(fair._idle), len(fair._places)) <= (2, 70)


@pytest.mark.parametrize(("now", "noisy"), [(500 * S - 1, ["a"]), (500 * S, [])])
def test_a_tenant_is_remembered_while_time_of_it_counts(now: int, noisy: list[str]) -> None:
    """
    It first had nothing at 0, and then again at 200: what others send after 310 does not make it forgotten.
    """
    queue = Core()
    for at in (0, 199 * S):
        [entry] = queue.put(T0 + at, "a")
        queue.get(T0 + at)
        queue.delete(T0 + at + S, entry.number)
    queue.put(T0 + 311 * S, "b", 3)
    assert queue._fair is not None
    assert "a" in queue._fair._tenants

    queue.put(T0 + now - 10 * S, "c", 3)
    queue.put(T0 + now, "a")

    assert queue.noisy == noisy


def test_a_tenant_with_nothing_but_a_message_in_flight_is_remembered() -> None:
    queue = Core()
    [entry] = queue.put(T0, "a")
    queue.delete(T0, entry.number)
    queue.put(T0 + 1, "a")
    queue.get(T0 + 1, 1, 900 * S)

    queue.put(T0 + 400 * S, "b", 3)
    queue.put(T0 + 400 * S, "a")

    assert queue.noisy == ["a"]


def test_a_tenant_that_comes_and_goes_is_kept_once() -> None:
    queue = with_noisy("a", waiting=2)
    fair = queue._fair
    assert fair is not None
    for turn in range(300):
        [entry] = queue.put(T0 + turn, "b")
        queue.get(T0 + turn)
        queue.delete(T0 + turn, entry.number)
        queue.put(T0 + turn, "a", 2)
        for entry in queue.receive(T0 + turn, max_messages=2, visibility_timeout=S):
            queue.delete(T0 + turn, entry.number)
        [entry] = queue.put(T0 + turn, "a")
        queue.delete(T0 + turn, entry.number)

    assert len(fair._idle) <= 2
    assert len(fair._places) <= 2 * 2 + 64 + 1
    assert len(fair._tenants["a"].line) <= 2 * 2 + 64 + 1


def test_messages_that_come_back_last_first_do_not_fill_the_line_of_tenants() -> None:
    queue = Core()
    entries = queue.put(T0, "a", 300)
    queue.put(T0, None, 3_000)
    queue.get(T0, 3_300)
    assert queue.noisy == []

    for entry in reversed(entries):
        queue.change_visibility(T0, entry.number, 0)

    assert queue._fair is not None
    assert len(queue._fair._places) <= 2 + 64 + 1
    assert queue.get(T0, 300) == [f"a{number}" for number in range(1, 301)]


def test_a_verdict_that_changes_all_the_time_is_kept_once() -> None:
    queue = Core()
    queue.put(T0, "a", 30)
    queue.get(T0, 30)
    fair = queue._fair
    assert fair is not None
    for turn in range(300):
        [entry] = queue.put(T0 + turn, "a")
        assert queue.noisy == ["a"]
        queue.delete(T0 + turn, entry.number)
        assert queue.noisy == []

    assert len(fair._pauses) == 1


def test_a_long_rest_costs_a_tally_no_more_than_a_short_one() -> None:
    tally = Tally(T0)

    assert lines_run(lambda: tally.advance(T0 + 10**6 * SLICE_US, 1)) < 300


def crowd(tenants: int, each: int) -> StandardCore:
    """
    Tenants with messages waiting, three of whom are noisy and have most of them.
    """
    queue = StandardCore(visibility_timeout=30 * S, delay=0, retention=345_600 * S)
    names = [f"tenant {number}" for number in range(tenants)]
    for name in names[:3]:
        for _ in range(40):
            queue.send(T0, Stored(1, "x", NO_ATTRIBUTES, T0, "sender", None, None, name), delay=0)
    queue.receive(T0, max_messages=93, visibility_timeout=600 * S)
    for number in range(tenants * each):
        name = names[number % tenants]
        queue.send(T0, Stored(1, "x", NO_ATTRIBUTES, T0, "sender", None, None, name), delay=0)
    return queue


def day(queue: StandardCore) -> None:
    """
    Calls of all kinds, for quiet tenants and for noisy ones.
    """
    chance = Random(1)
    for turn in range(60):
        now = T0 + turn
        name = f"tenant {chance.randrange(50)}"
        queue.send(now, Stored(1, "x", NO_ATTRIBUTES, now, "sender", None, None, name), delay=0)
        messages = queue.receive(now, max_messages=3, visibility_timeout=60 * S)
        queue.change_visibility(now, messages[0].number, 0)
        queue.delete(now, messages[1].number)
        assert len(queue.next_up(3)) == 3


def test_no_call_costs_more_because_more_tenants_or_messages_wait() -> None:
    few, many = crowd(50, 4), crowd(2_000, 10)

    assert lines_run(lambda: day(many)) < 1.3 * lines_run(lambda: day(few))


def test_the_first_group_id_costs_no_more_because_messages_are_there() -> None:
    queue = StandardCore(visibility_timeout=30 * S, delay=0, retention=345_600 * S)
    queue.send_all(T0, [Stored(1, "x", NO_ATTRIBUTES, T0, "sender") for _ in range(5_000)])
    queue.receive(T0, max_messages=2_000, visibility_timeout=30 * S)
    stored = Stored(1, "x", NO_ATTRIBUTES, T0, "sender", None, None, "a")

    assert lines_run(lambda: queue.send(T0, stored, delay=0)) < 150


@given(st.lists(st.integers(0, 20), max_size=40), st.data())
def test_a_heap_is_walked_in_order_and_loses_only_what_is_taken_out(numbers: list[int], data: st.DataObject) -> None:
    heap = [(number, 0) for number in numbers]
    heapify(heap)
    assert list(ascending(heap)) == sorted(heap)
    before = sorted(heap)
    entry = (data.draw(st.integers(0, 20)), 0)

    take_out(heap, entry)

    if entry in before:
        before.remove(entry)
    assert sorted(heap) == before
    assert list(ascending(heap)) == before


# Ctrl-C.


def test_an_interrupt_while_an_entry_is_taken_out_of_a_heap_leaves_one_that_lacks_nothing() -> None:
    for taken in range(12):
        line = 1
        while True:
            heap = [(number, 0) for number in range(30)]
            heap[8:20] = sorted(heap[8:20], reverse=True)
            heapify(heap)
            call = lambda heap=heap, taken=taken: take_out(heap, (taken, 0))  # noqa: E731
            if not interrupts.interrupted(call, line, PLACES, ()):
                break
            assert set(heap) >= {(number, 0) for number in range(30)} - {(taken, 0)}
            assert all(heap[(at - 1) // 2] <= heap[at] for at in range(1, len(heap)))
            line += 1

        assert line > 5


def scenes() -> dict[str, tuple[Callable[[Core], object], set[str]]]:
    """
    Calls, and what may be missing after them.
    """

    def flying(queue: Core) -> int:
        return next(entry.number for entry in queue if entry.stored.body == "b1")

    def send(queue: Core) -> object:
        stored = Stored(1, "c1", NO_ATTRIBUTES, T0 + 311 * S, "sender", None, None, "c")
        return queue.send(T0 + 311 * S, stored, delay=0)

    return {
        "send": (send, set()),
        "receive": (lambda queue: queue.receive(T0, max_messages=4, visibility_timeout=5 * S), set()),
        "delete": (lambda queue: queue.delete(T0, flying(queue)), {"b1"}),
        "visible": (lambda queue: queue.change_visibility(T0, flying(queue), 0), set()),
        "hidden": (lambda queue: queue.change_visibility(T0, flying(queue), 9), set()),
        "notice": (lambda queue: queue.settle(T0 + 310 * S), set()),
    }


@pytest.mark.parametrize("floor", [0, 64])
@pytest.mark.parametrize("name", ["send", "receive", "delete", "visible", "hidden", "notice"])
def test_an_interrupt_at_any_line_loses_no_message_of_any_tenant(
    monkeypatch: pytest.MonkeyPatch, name: str, floor: int
) -> None:
    monkeypatch.setattr(Store, "_floor", floor)
    call, may = scenes()[name]
    line = 1
    while True:
        queue = with_noisy("a", waiting=3)
        [gone] = queue.put(T0, "gone")
        queue.delete(T0, gone.number)
        queue.put(T0, "b", 3)
        queue.receive(T0, max_messages=1, visibility_timeout=60 * S)
        must = {entry.stored.body for entry in queue}
        if not interrupts.interrupted(lambda queue=queue: call(queue), line, PLACES, ()):  # type: ignore[misc]
            break
        left: set[str] = set()
        for turn in range(3):
            now = T0 + (400 + 700 * turn) * S
            left |= {one.stored.body for one in queue.receive(now, max_messages=99, visibility_timeout=600 * S)}
        assert must - may <= left <= must | {"c1"}, f"line {line}"
        line += 1

    assert line > 10


# `check` itself sees what it is there to see.


def unknown(queue: Any) -> None:
    del queue._fair._tenants["b"]


def no_backlog(queue: Any) -> None:
    queue._fair._tenants["b"].waiting.clear()


def no_flight(queue: Any) -> None:
    queue._fair._tenants["a"].in_flight.clear()


def no_line(queue: Any) -> None:
    queue._fair._tenants["b"].line.clear()


def no_place(queue: Any) -> None:
    queue._fair._tenants["b"].place = None


def lost_place(queue: Any) -> None:
    queue._fair._places.clear()


def far_behind(queue: Any) -> None:
    queue._fair._tenants["b"].place = (9, 9, "b")
    queue._fair._places.append((9, 9, "b"))


def for_ever(queue: Any) -> None:
    queue._fair.noisy["a"].has_pause = False


def nobody(queue: Any) -> None:
    queue._fair.noisy["nobody"] = queue._fair.noisy["a"]


@pytest.mark.parametrize(
    ("spoil", "finding"),
    [
        (unknown, "a tenant is not known"),
        (no_backlog, "what waits of tenant b is something else"),
        (no_flight, "tenant a has something else in flight"),
        (no_line, "is available and in no line"),
        (no_place, "tenant b has no place"),
        (lost_place, "is not in line"),
        (far_behind, "tenant b stands too far behind"),
        (for_ever, "tenant a is noisy for ever"),
        (nobody, "a noisy tenant is not known"),
    ],
)
def test_a_broken_line_of_tenants_is_found_out(spoil: Callable[[Any], None], finding: str) -> None:
    queue = with_noisy("a")
    queue.put(T0, "b")
    spoil(queue)

    with pytest.raises(AssertionError, match=finding):
        queue.check()
