"""
When to try again, and when to give up: schedules as lists of delays.
"""

from __future__ import annotations

import pickle
import random

import pytest

from postroom.delivery import BackoffRetries, PhasedRetries, RetrySchedule, is_permanent
from postroom.errors import (
    InvalidInput,
    LostAcknowledgement,
    NotFound,
    PostroomError,
    QueueDoesNotExist,
    ResourceClosed,
)

S = 1_000_000


def delays(schedule: RetrySchedule, most: int = 1_000_000, seed: int = 1) -> tuple[list[int], str]:
    """
    Microseconds from each failure to the next attempt, and why there is no other.
    """
    rng, now = random.Random(seed), 0
    found: list[int] = []
    for retries in range(most):
        due = schedule.next_at(now, 0, retries, rng)
        if isinstance(due, str):
            return found, due
        found.append(due - now)
        now = due
    return found, "goes on"


def test_a_topics_own_schedule() -> None:
    """
    SNS 10.2, and 10.4 for the curve.
    """
    found, why = delays(PhasedRetries())

    curve = [1, 1.037182, 1.111546, 1.260274, 1.557730, 2.152642, 3.342466, 5.722114, 10.481409, 20]
    assert why == "MaximumRetryAttempts"
    assert len(found) == 100_015
    assert found[:5] == [0, 0, 0, S, S]
    assert [delay / S for delay in found[5:15]] == pytest.approx(curve, abs=1e-6)
    assert set(found[15:]) == {20 * S}
    assert sum(found) / S == pytest.approx(2_000_049.665, abs=1e-3)


@pytest.mark.parametrize(("backoff", "curve"), [(0, []), (1, [1]), (2, [1, 20]), (3, [1, 1 + 19 / 3, 20])], ids=str)
def test_backoff_of_few_steps(backoff: int, curve: list[float]) -> None:
    found, _ = delays(PhasedRetries(no_delay=0, min_delay=0, backoff=backoff, max_delay=0))

    assert [delay / S for delay in found] == pytest.approx(curve, abs=1e-6)


@pytest.mark.parametrize("schedule", [PhasedRetries(0, 0, 0, 0), BackoffRetries(0)])
def test_no_retries_at_all(schedule: RetrySchedule) -> None:
    assert delays(schedule) == ([], "MaximumRetryAttempts")


def test_backoff_doubles_to_its_longest() -> None:
    found, why = delays(BackoffRetries(max_retries=13, jitter=False))

    assert found == [min(2**n, 600) * S for n in range(13)]
    assert why == "MaximumRetryAttempts"


@pytest.mark.parametrize(("max_age", "count"), [(3 * S - 1, 1), (3 * S, 2), (3 * S + 1, 2)])
def test_no_retry_is_due_beyond_the_age(max_age: int, count: int) -> None:
    """
    Attempts would be due at 1 s and 3 s: one exactly at the age is still made.
    """
    found, why = delays(BackoffRetries(max_age=max_age, jitter=False))

    assert (len(found), why) == (count, "MaximumEventAgeInSeconds")


def test_jitter_is_drawn_between_nothing_and_the_full_delay_and_can_be_repeated() -> None:
    found, _ = delays(BackoffRetries(max_retries=50))

    assert all(0 <= delay <= min(2**n, 600) * S for n, delay in enumerate(found))
    assert len(set(found)) > 40
    assert found == delays(BackoffRetries(max_retries=50))[0] != delays(BackoffRetries(max_retries=50), seed=2)[0]


@pytest.mark.parametrize(
    ("error", "permanent"),
    [
        (ResourceClosed(), True),
        (NotFound(), True),
        (QueueDoesNotExist(), True),
        (InvalidInput(), True),
        (LostAcknowledgement(), False),
        (PostroomError(), False),
        (RuntimeError(), False),
    ],
)
def test_what_trying_again_cannot_help(error: Exception, permanent: bool) -> None:
    assert is_permanent(error) is permanent


@pytest.mark.parametrize("schedule", [PhasedRetries(), BackoffRetries()])
def test_a_schedule_is_a_value(schedule: RetrySchedule) -> None:
    assert pickle.loads(pickle.dumps(schedule)) == schedule
