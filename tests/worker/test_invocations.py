"""
The core of asynchronous invocation: retries, ages and tokens at exact instants, without any clock (DEL D).
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.worker._invocations import Invocation, Invocations

S = 1_000_000


def made(*names: str, at: int = 0, max_retries: int = 2, max_age: int = 21_600 * S) -> Invocations:
    core = Invocations(max_retries=max_retries, max_age=max_age)
    for name in names:
        core.add(Invocation(name, name, "{}", at))
    return core


def taken(core: Invocations, now: int = 0, token: object = "me") -> str | None:
    invocation = core.take(now, token)
    return None if invocation is None else invocation.request_id


def over(core: Invocations) -> list[tuple[str, str, int]]:
    return [(one.invocation.request_id, one.condition, one.invocation.attempts) for one in core.over]


def test_invocations_are_taken_in_the_order_in_which_they_came() -> None:
    core = made("a", "b")

    assert [taken(core, token=token) for token in (1, 2, 3)] == ["a", "b", None]


def test_the_first_retry_is_60_seconds_after_the_failure_and_the_second_120_after_the_next() -> None:
    core = made("a")
    taken(core)

    assert core.failed("me", 5 * S, "no") == 65 * S
    assert taken(core, 65 * S - 1) is None
    assert taken(core, 65 * S) == "a"
    assert core.failed("me", 70 * S, "no") == 190 * S
    assert taken(core, 190 * S - 1) is None
    assert taken(core, 190 * S) == "a"
    assert core.failed("me", 190 * S, "no") is None
    assert over(core) == [("a", "RetriesExhausted", 3)]


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_r_retries_are_r_plus_1_attempts(retries: int) -> None:
    core = made("a", max_retries=retries)
    now, attempts = 0, 0
    while taken(core, now):
        attempts += 1
        now = core.failed("me", now, "no") or now

    assert attempts == retries + 1
    assert over(core) == [("a", "RetriesExhausted", retries + 1)]


@pytest.mark.parametrize(
    ("max_age", "attempts"),
    [(60 * S, 1), (60 * S + 1, 2), (90 * S, 2), (180 * S, 2), (180 * S + 1, 3)],
)
def test_an_age_is_looked_at_ahead(max_age: int, attempts: int) -> None:
    """
    With 60 s nothing is retried, with 90 s once: a retry must begin before the age is reached (DEL D).
    """
    core = made("a", max_age=max_age)
    now = 0
    while taken(core, now):
        failed_at, due = now, core.failed("me", now, "no")
        now = failed_at if due is None else due

    condition = "EventAgeExceeded" if attempts < 3 else "RetriesExhausted"
    assert over(core) == [("a", condition, attempts)]


@pytest.mark.parametrize(("now", "found"), [(60 * S - 1, "a"), (60 * S, None)])
def test_what_became_too_old_before_its_turn_is_never_called(now: int, found: str | None) -> None:
    core = made("a", max_age=60 * S)

    assert taken(core, now) == found
    assert over(core) == ([] if found else [("a", "EventAgeExceeded", 0)])


def test_a_retry_that_is_due_comes_before_what_came_later() -> None:
    core = made("a")
    taken(core)
    core.failed("me", 0, "no")
    core.add(Invocation("early", "early", "{}", 59 * S))
    core.add(Invocation("late", "late", "{}", 60 * S))

    assert [taken(core, 60 * S, token) for token in (1, 2, 3)] == ["early", "a", "late"]


def test_what_was_given_back_is_in_front_and_no_attempt_counts() -> None:
    core = made("a", "b")
    taken(core)

    assert core.give_back("me")
    assert not core.give_back("me")
    assert taken(core) == "a"
    assert core.taken["me"].attempts == 0


def test_what_is_known_how_it_ended_is_not_given_back() -> None:
    core = made("a", "b")
    for token in (1, 2):
        taken(core, token=token)
    core.succeeded(1)
    core.failed(2, 0, "no")

    assert not core.give_back(1)
    assert not core.give_back(2)
    assert (len(core.ready), core.retrying) == (0, 1)


def test_what_was_cut_short_between_two_places_is_in_one() -> None:
    """
    Ctrl-C can come when an invocation is over, or ready, and still taken.
    """
    core = made("a", max_retries=0)
    invocation = core.take(0, "me")
    assert invocation is not None
    core.failed("me", 0, "no")
    core.taken["me"] = invocation

    assert core.give_back("me")
    assert (len(core.ready), len(core.over), core.taken) == (0, 1, {})


def test_others_are_given_back_and_mine_stay() -> None:
    core = made("a", "b")
    for token in (1, 2):
        taken(core, token=token)
    core.give_back_others(lambda token: token == 1)

    assert list(core.taken) == [1]
    assert [one.request_id for one in core.ready] == ["b"]


def test_clearing_drops_what_is_ready_and_what_waits() -> None:
    core = made("a", "b", "c")
    taken(core)
    core.failed("me", 0, "no")
    taken(core)

    assert [one.request_id for one in core.clear()] == ["c", "a"]
    assert core.next_wakeup() is None
    assert list(core.taken) == ["me"]


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.integers(0, 200 * S))), st.integers(0, 2))
def test_each_invocation_is_in_one_place_until_it_is_done(steps: list[tuple[int, bool, int]], retries: int) -> None:
    core = Invocations(max_retries=retries, max_age=300 * S)
    now, number, done = 0, 0, 0
    for what, fails, later in steps:
        now += later
        token = next(iter(core.taken), None)
        if what == 0:
            core.add(Invocation(str(number), str(number), "{}", now))
            number += 1
        elif what == 1:
            core.take(now, object())
        elif token is not None and what == 2:
            core.give_back(token)
        elif token is not None and fails:
            core.failed(token, now, "no")
        elif token is not None:
            core.succeeded(token)
            done += 1

        places = [*core.ready, *core.waiting(), *core.taken.values(), *(one.invocation for one in core.over)]
        assert sorted({one.request_id for one in places}) == sorted(one.request_id for one in places)
        assert len(places) + done == number
        assert core.retrying == len(core.waiting())
        assert core.next_wakeup() == min((one.due_at for one in core.waiting()), default=None)
