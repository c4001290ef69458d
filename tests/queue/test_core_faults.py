"""
The faults of a standard queue, asked of its core: what each does, when it is asked, and that none loses a message (SQS 9).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any

import pytest

from postroom.message import NO_ATTRIBUTES
from postroom.queue._entry import Entry, Stored
from postroom.queue._standard import StandardCore
from tests.lines import lines_run

T0 = 1_000_000


class Core(StandardCore):
    """
    The core, checked after each step.
    """

    __slots__ = ()

    def put(self, now: int, *bodies: str, group: str | None = None, **known: Any) -> list[Entry]:
        stored = [Stored(1, body, NO_ATTRIBUTES, now, "sender", None, None, group) for body in bodies]
        entries = [self.send(now, one, delay=known.get("delay", 0)) for one in stored]
        self.check()
        return entries

    def get(self, now: int, most: int = 1, timeout: int = 30, *, short: bool = True) -> list[str]:
        entries = self.receive(now, max_messages=most, visibility_timeout=timeout, is_short_poll=short)
        self.check()
        return [entry.stored.body for entry in entries]


def core(**settings: Any) -> Core:
    return Core(**{"visibility_timeout": 30, "delay": 0, "retention": 1_000, **settings})


class Script:
    """
    Answers in turn, then the last one for ever; it notes what it was asked.
    """

    def __init__(self, answers: Iterable[Any]) -> None:
        self.answers: Iterator[Any] = iter(answers)
        self.last: Any = None
        self.asked: list[tuple[int, ...]] = []

    def __call__(self, *question: int) -> Any:
        self.asked.append(question)
        self.last = next(self.answers, self.last)
        return self.last


# Reordering.


def test_a_later_message_of_the_window_comes_first() -> None:
    script = Script([2, 0, 1, 0])
    queue = core(reorders=script, reorder_window=3)
    queue.put(T0, *"abcdef")

    assert queue.get(T0, 4) == ["c", "a", "d", "b"]
    assert script.asked == [(3,)] * 4


def test_the_window_is_as_wide_as_there_are_messages() -> None:
    script = Script([1, 0, 0])
    queue = core(reorders=script)
    queue.put(T0, *"abc")

    assert queue.get(T0, 10) == ["b", "a", "c"]
    assert script.asked == [(3,), (2,), (1,)]


def test_a_number_beyond_the_window_is_its_last() -> None:
    queue = core(reorders=Script([99]), reorder_window=3)
    queue.put(T0, *"abcd")

    assert queue.get(T0, 10) == ["c", "d", "b", "a"]


def test_what_came_back_is_in_the_window_at_its_place() -> None:
    queue = core(reorders=Script([0, 0, 0, 1]), reorder_window=2)
    queue.put(T0, *"abc")
    queue.get(T0, 3)

    queue.put(T0 + 30, "d")

    assert queue.get(T0 + 30) == ["b"]
    assert [entry.stored.body for entry in queue.next_up(10)] == ["a", "c", "d"]


def test_noisy_tenants_are_overtaken_by_each_other_only_at_the_end() -> None:
    queue = core(reorders=Script([1]), reorder_window=2)
    queue.put(T0, *["x"] * 31, group="a")
    queue.get(T0, 30, 900)
    queue.put(T0, "b", "c", group="b")

    assert [queue.get(T0)[0] for _ in range(3)] == ["c", "x", "b"]


@pytest.mark.parametrize("choice", [0, 1, 8, 9])
@pytest.mark.parametrize("group", [None, "a"])
@pytest.mark.parametrize("came_back", [False, True])
def test_a_message_that_is_always_overtaken_costs_the_others_nothing(
    choice: int, group: str | None, came_back: bool
) -> None:
    """
    The first one waits all the time, and thousands pass it by: the last costs no more than the first.
    """

    queue = StandardCore(visibility_timeout=30, delay=0, retention=1_000, reorders=lambda count: min(choice, count - 1))
    for _ in range(2_100):
        queue.send(T0, Stored(1, "x", NO_ATTRIBUTES, T0, "sender", None, None, group), delay=int(came_back))
    queue.settle(T0 + 1)

    def cycle() -> None:
        [entry] = queue.receive(T0 + 1, max_messages=1, visibility_timeout=30)
        queue.delete(T0 + 1, entry.number)

    first = lines_run(cycle)
    for _ in range(2_000):
        cycle()

    assert lines_run(cycle) < 1.5 * first
    assert len(queue) == 98


# Short polls that miss.


def test_a_short_poll_does_not_see_what_it_misses_and_the_next_one_does() -> None:
    queue = core(misses=Script([True]))
    queue.put(T0, "a")

    assert queue.get(T0) == []
    assert queue.available == 1
    assert queue.get(T0) == ["a"]


def test_repeated_polls_find_everything_however_much_is_missed() -> None:
    queue = core(misses=Script([True]))
    queue.put(T0, *"abcdefg")
    polls = [queue.get(T0, 3) for _ in range(6)]

    assert polls == [[], ["a", "b", "c"], [], ["d", "e", "f"], [], ["g"]]


def test_what_is_missed_takes_up_its_room() -> None:
    script = Script([False, True, False])
    queue = core(misses=script)
    queue.put(T0, *"abcde")

    assert queue.get(T0, 3) == ["a", "c"]
    assert len(script.asked) == 3
    assert queue.get(T0, 10) == ["b", "d", "e"]


def test_a_long_poll_misses_nothing() -> None:
    script = Script([True])
    queue = core(misses=script)
    queue.put(T0, *"ab")

    assert queue.get(T0, 10, short=False) == ["a", "b"]
    assert script.asked == []


def test_a_long_poll_misses_nothing_out_of_order_either() -> None:
    queue = core(misses=Script([True]), reorders=Script([1, 0]))
    queue.put(T0, *"ab")

    assert queue.get(T0, 10, short=False) == ["b", "a"]


def test_a_message_that_came_back_can_be_missed_again() -> None:
    queue = core(misses=Script([True]))
    queue.put(T0, "a")

    assert [queue.get(T0 + turn, 1, 2) for turn in range(6)] == [[], ["a"], [], [], ["a"], []]


def test_what_a_poll_misses_it_does_not_move_either() -> None:
    queue = core(misses=Script([False, True, False]), max_receive_count=1)
    queue.put(T0, "a")
    assert queue.get(T0, 1, 0) == ["a"]

    assert queue.get(T0) == []
    assert not queue.moving
    assert queue.get(T0) == []
    assert len(queue.moving) == 1


def test_what_was_missed_and_is_gone_is_not_remembered() -> None:
    queue = core(misses=Script([True]))
    for turn in range(500):
        [entry] = queue.put(T0, f"{turn}")
        queue.get(T0)
        queue.delete(T0, entry.number)

    assert len(queue._missed) <= 66


# Deletes that get lost.


@pytest.mark.parametrize(("now", "back"), [(29, []), (30, ["a"])])
def test_a_message_whose_delete_was_lost_comes_back_at_its_timeout(now: int, back: list[str]) -> None:
    queue = core(loses_delete=Script([True]))
    [entry] = queue.put(T0, "a")
    queue.get(T0)

    assert queue.delete(T0 + 1, entry.number)
    assert queue.counts["deleted"] == 1

    assert queue.get(T0 + now) == back


def test_a_delete_is_lost_once_only() -> None:
    script = Script([True])
    queue = core(loses_delete=script)
    [entry] = queue.put(T0, "a")
    queue.get(T0)
    queue.delete(T0 + 1, entry.number)

    assert queue.get(T0 + 30) == ["a"]
    assert queue.delete(T0 + 31, entry.number)
    assert not queue.delete(T0 + 31, entry.number)

    assert len(queue) == 0
    assert len(script.asked) == 1
    assert queue.fates[-1].what == "deleted"


def test_a_delete_of_what_is_not_there_is_not_asked_about() -> None:
    script = Script([True])
    queue = core(loses_delete=script)

    assert not queue.delete(T0, 1)
    assert script.asked == []


def test_a_message_on_its_way_to_the_dead_letter_queue_is_deleted_for_good() -> None:
    queue = core(loses_delete=Script([True]), max_receive_count=1)
    [entry] = queue.put(T0, "a")
    queue.get(T0, 1, 0)
    queue.get(T0)

    assert queue.delete(T0, entry.number)
    assert len(queue) == 0


def test_observers_are_told_of_no_deletion_that_was_lost() -> None:
    queue = core(loses_delete=Script([True, False]))
    queue.log = []
    [entry] = queue.put(T0, "a")
    queue.get(T0)
    queue.delete(T0, entry.number)
    queue.delete(T0, entry.number)

    assert [kind for kind, *_ in queue.log] == ["sent", "received", "deleted"]


def test_ghosts_that_are_gone_are_not_remembered() -> None:
    queue = core(loses_delete=Script([True]))
    for turn in range(500):
        [entry] = queue.put(T0, f"{turn}")
        queue.delete(T0, entry.number)
        queue.delete(T0, entry.number)

    assert len(queue._ghosts) <= 66


# All of them.


def test_faults_are_asked_for_each_message_in_the_same_order() -> None:
    asked: list[str] = []

    def no(kind: str) -> Callable[..., bool]:
        def answer(*_: int) -> bool:
            asked.append(kind)
            return False

        return answer

    kinds = ("duplicates", "misses", "reorders", "loses_delete")
    queue = core(**{kind: no(kind) for kind in kinds})
    [entry, _] = queue.put(T0, *"ab")
    queue.get(T0, 2)
    queue.delete(T0, entry.number)

    assert asked == ["reorders", "misses", "duplicates"] * 2 + ["loses_delete"]


@pytest.mark.parametrize("groups", [[None], [None, "a", "b"]])
@pytest.mark.parametrize("seed", range(8))
def test_no_fault_loses_a_message(seed: int, groups: list[str | None]) -> None:
    """
    Everything that was sent is received and can be deleted, in spite of all of them at once.
    """
    chance = Random(seed)
    queue = core(
        retention=10**9,
        duplicates=lambda: chance.random() < 0.3,
        misses=lambda: chance.random() < 0.5,
        loses_delete=lambda: chance.random() < 0.3,
        reorders=chance.randrange,
        reorder_window=4,
    )
    sent = {f"{number}" for number in range(60)}
    for number in range(60):
        queue.put(T0 + number, f"{number}", group=chance.choice(groups), delay=chance.choice([0, 5]))
    seen: set[str] = set()
    now = T0 + 60
    while len(queue):
        for entry in queue.receive(now, max_messages=10, visibility_timeout=chance.choice([0, 5, 30])):
            seen.add(entry.stored.body)
            if chance.random() < 0.7:
                queue.delete(now, entry.number)
        queue.check()
        now += chance.choice([0, 1, 30])
        assert now < T0 + 10_000

    assert seen == sent


def test_a_fault_that_is_none_changes_nothing_of_the_order() -> None:
    plain, faulty = core(), core(reorders=lambda _: 0, misses=lambda: False, loses_delete=lambda: False)
    chance = Random(1)
    for turn in range(200):
        for queue in (plain, faulty):
            queue.put(T0 + turn, f"{turn}", delay=turn % 3)
        timeout = chance.choice([0, 2, 9])
        assert plain.get(T0 + turn, 2, timeout) == faulty.get(T0 + turn, 2, timeout)
        assert plain.counts == faulty.counts
