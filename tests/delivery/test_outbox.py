"""
The outbox: hand-overs in order, by one thread at a time, and none left behind.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from postroom.delivery import Outbox
from tests.clock.helpers import PATIENCE_S, Started

HandOver = Callable[[], object]


class Post:
    """
    Reserved letters, and what is done with each: carried out, it is no longer reserved.
    """

    def __init__(self, *letters: str) -> None:
        self.reserved = list(letters)
        self.done: list[str] = []
        self.outbox = Outbox()
        self.looks = 0
        self.on_hand_over: Callable[[str], object] = lambda letter: None
        self.on_last_look: Callable[[], object] = lambda: None

    def next_up(self) -> HandOver | None:
        self.looks += 1
        if not self.reserved:
            self.on_last_look()
            return None
        letter = self.reserved[0]
        return lambda: self.carry_out(letter)

    def carry_out(self, letter: str) -> None:
        self.on_hand_over(letter)
        self.done.append(letter)
        self.reserved.remove(letter)

    def drain(self) -> None:
        self.outbox.drain(self.next_up)


def test_what_is_reserved_is_carried_out_in_order() -> None:
    post = Post("a", "b", "c")
    post.drain()

    assert (post.done, post.reserved) == (["a", "b", "c"], [])


def test_nothing_reserved_costs_one_look() -> None:
    post = Post()
    post.drain()

    assert post.looks == 1


def test_what_a_hand_over_reserves_is_carried_out_after_it() -> None:
    post = Post("a")

    def reserve(letter: str) -> None:
        if letter == "a":
            post.reserved.append("b")
            post.drain()  # from inside: goes on at once
            assert post.done == []

    post.on_hand_over = reserve
    post.drain()

    assert post.done == ["a", "b"]


def test_one_thread_drains_and_a_second_goes_on() -> None:
    post = Post("a", "b")
    begun, gate = threading.Event(), threading.Event()

    def hold(letter: str) -> None:
        begun.set()
        gate.wait(PATIENCE_S)

    post.on_hand_over = hold
    first = Started(post.drain)
    begun.wait(PATIENCE_S)
    post.reserved.append("c")
    Started(post.drain).result()  # returns while the first is still at it

    assert post.done == []
    gate.set()
    first.result()
    assert post.done == ["a", "b", "c"]


def test_what_comes_between_the_last_look_and_the_end_of_the_role_is_not_lost() -> None:
    post = Post("a")
    late = ["b"]

    def reserve_late() -> None:
        # This thread has looked for the last time, found nothing, and has not given the role up yet.
        if late:
            post.reserved.append(late.pop())
            Started(post.drain).result()

    post.on_last_look = reserve_late
    post.drain()

    assert (post.done, post.reserved) == (["a", "b"], [])


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_an_interrupted_hand_over_is_carried_out_by_whoever_comes_next(interrupt: type[BaseException]) -> None:
    post = Post("a", "b")
    strikes = [interrupt]

    def strike(letter: str) -> None:
        if strikes:
            raise strikes.pop()

    post.on_hand_over = strike
    with pytest.raises(interrupt):
        post.drain()
    assert post.done == []
    Started(post.drain).result()

    assert (post.done, post.reserved) == (["a", "b"], [])


def test_many_threads_carry_out_each_once_and_in_order() -> None:
    post = Post()
    lock = threading.Lock()
    at_it: list[int] = []
    numbers = iter(range(800))

    def look() -> HandOver | None:
        with lock:
            if not post.reserved:
                return None
            letter = post.reserved[0]
        return lambda: deliver(letter)

    def deliver(letter: str) -> None:
        at_it.append(1)
        assert len(at_it) == 1
        post.done.append(letter)
        with lock:
            post.reserved.pop(0)
        at_it.pop()

    def work() -> None:
        for _ in range(200):
            with lock:
                post.reserved.append(str(next(numbers)))
            post.outbox.drain(look)

    for thread in [Started(work) for _ in range(4)]:
        thread.result()

    assert post.done == [str(number) for number in range(800)]
    assert post.reserved == []


def test_the_child_of_a_fork_drains_what_another_thread_was_at() -> None:
    post = Post("a")
    begun, gate = threading.Event(), threading.Event()

    def hold(letter: str) -> None:
        begun.set()
        gate.wait(PATIENCE_S)

    post.on_hand_over = hold
    first = Started(post.drain)
    begun.wait(PATIENCE_S)
    post.outbox.after_fork_in_child()
    post.on_hand_over = lambda letter: None
    post.reserved[:] = ["b"]
    post.drain()

    assert post.done == ["b"]
    post.reserved[:] = ["a"]
    gate.set()
    first.result()
