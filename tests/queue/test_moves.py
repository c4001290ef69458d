"""
The core of one message move task: its states, its rate, its end; its handle, and what users see of it (SQS 7.4).
"""

from __future__ import annotations

import copy
import json
import pickle
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

import pytest

from postroom.errors import (
    InvalidInput,
    InvalidParameterValue,
    NotFound,
    QueueDoesNotExist,
    QueueResourceNotFound,
    ResourceClosed,
)
from postroom.limits import MOVE_TASK_US
from postroom.queue import _move_checks as checks
from postroom.queue._entry import Stored, StoredFifo
from postroom.queue._fifo import FifoCore
from postroom.queue._moves import Move, MoveTask, MoveTaskStatus, confirm_redrive, give_up_redrive, reserve_next
from postroom.queue._standard import StandardCore

if TYPE_CHECKING:
    from postroom.message import Parcel
    from postroom.queue._face import Core

S = 1_000_000
ARN = "arn:aws:sqs:us-east-1:123456789012:dead"


def a_move(rate: int | None = 1, *, now: int = 0, to_move: int = 3) -> Move:
    return Move(now, "an id", ARN, None, rate, to_move)


def taken_at(move: Move, most: int) -> list[int]:
    """
    When a task takes its messages, if it is asked at each instant it says, and each arrives at once.
    """
    found: list[int] = []
    while len(found) < most:
        now = move.next_at()
        assert now is not None
        assert not move.looks(now - 1)
        assert move.looks(now)
        move.take(now, len(found) + 1)
        move.arrive()
        found.append(now)
    return found


# Rate.


@pytest.mark.parametrize(
    ("rate", "instants"),
    [
        (1, [0, 1_000_000, 2_000_000, 3_000_000]),
        (2, [0, 500_000, 1_000_000, 1_500_000]),
        (3, [0, 333_333, 666_666, 1_000_000]),
        (7, [0, 142_857, 285_714, 428_571]),
        (500, [0, 2_000, 4_000, 6_000]),
        (None, [0, 2_000, 4_000, 6_000]),
    ],
)
def test_the_first_moves_at_once_and_the_others_at_even_steps(rate: int | None, instants: list[int]) -> None:
    assert taken_at(a_move(rate, now=77), 4) == [77 + instant for instant in instants]


@pytest.mark.parametrize("rate", [1, 3, 7, 499, 500])
def test_no_step_is_lost_or_gained_over_many_seconds(rate: int) -> None:
    assert taken_at(a_move(rate), 50 * rate + 1)[-1] == 50 * S


def test_a_message_that_comes_a_little_late_does_not_hold_up_the_next() -> None:
    move = a_move(1)
    taken_at(move, 1)
    assert move.looks(S + S - 1)

    move.take(S + S - 1, 2)

    assert move.next_at() == 2 * S


def test_after_a_lag_nothing_is_made_up_for() -> None:
    move = a_move(1)
    taken_at(move, 1)
    assert move.looks(10 * S)

    move.take(10 * S, 2)

    assert move.next_at() == 11 * S


def test_a_lag_of_one_step_is_a_lag() -> None:
    move = a_move(1)
    taken_at(move, 1)

    move.take(2 * S, 2)

    assert move.next_at() == 3 * S


# States.


def test_a_task_that_finds_nothing_is_completed() -> None:
    move = a_move()
    assert move.looks(0)
    move.finish()

    assert (move.status, move.is_active, move.next_at()) == (MoveTaskStatus.COMPLETED, False, None)
    assert not move.looks(10 * S)


def test_a_task_whose_message_is_refused_has_failed_and_says_why() -> None:
    move = a_move()
    move.take(0, 1)
    move.refuse("no room")

    assert (move.status, move.failure_reason, move.moved, move.under_way) == (MoveTaskStatus.FAILED, "no room", 0, None)


def test_a_cancelled_task_is_cancelling_until_it_would_go_on() -> None:
    move = a_move()
    taken_at(move, 2)
    move.cancel()

    assert move.status is MoveTaskStatus.CANCELLING
    assert not move.looks(2 * S - 1)
    assert move.status is MoveTaskStatus.CANCELLING
    assert not move.looks(2 * S)
    assert (move.status, move.moved) == (MoveTaskStatus.CANCELLED, 2)


def test_a_message_under_way_when_its_task_is_cancelled_arrives_and_counts() -> None:
    move = a_move()
    move.take(0, 1)
    move.cancel()
    move.arrive()

    assert (move.status, move.moved) == (MoveTaskStatus.CANCELLING, 1)


def test_a_task_that_was_cancelled_does_not_fail() -> None:
    move = a_move()
    move.take(0, 1)
    move.cancel()
    move.refuse("no room")

    assert (move.status, move.failure_reason) == (MoveTaskStatus.CANCELLED, None)


@pytest.mark.parametrize(("now", "goes_on"), [(MOVE_TASK_US - 1, True), (MOVE_TASK_US, False)])
def test_a_task_runs_for_36_hours_at_most(now: int, goes_on: bool) -> None:
    move = a_move(now=0)
    taken_at(move, 1)

    assert move.looks(now) is goes_on
    assert move.is_active is goes_on
    assert move.failure_reason == (None if goes_on else "MessageMoveTaskTimedOut")


def test_a_task_ends_after_36_hours_also_between_two_messages() -> None:
    move = a_move(now=0)
    move.take(MOVE_TASK_US - S // 2, 1)
    move.arrive()

    assert move.next_at() == MOVE_TASK_US


class Nowhere:
    kind = "queue"
    name = "nowhere"
    arn = "arn:aws:sqs:us-east-1:123456789012:nowhere"

    def deliver(self, parcel: Parcel) -> None: ...


@pytest.mark.parametrize("end", ["finish", "refuse", "cancel", "close"])
def test_a_task_that_is_over_forgets_where_its_destination_is_and_not_what_it_was(end: str) -> None:
    move = Move(0, "an id", ARN, Nowhere(), 1, 3)
    if end == "finish":
        move.finish()
    elif end == "refuse":
        move.take(0, 1)
        move.refuse("no room")
    elif end == "cancel":
        move.cancel()
        move.looks(0)
    else:
        move.take(0, 1)
        move.fail("closed")
        assert move.destination is not None, "there is still a message to be handed over"
        move.arrive()

    assert (move.destination, move.seen().destination_arn) == (None, Nowhere.arn)


def test_what_was_over_stays_as_it_was() -> None:
    move = a_move()
    move.finish()
    move.fail("too late")

    assert (move.status, move.failure_reason) == (MoveTaskStatus.COMPLETED, None)


# Messages in a core.


def a_core(*, is_fifo: bool, **settings: Any) -> Core:
    common = {"visibility_timeout": 30 * S, "delay": 0, "retention": 345_600 * S, **settings}
    core: Core = FifoCore(**common) if is_fifo else StandardCore(**common)
    for number in range(1, 4):
        put(core, number, "a" if number < 3 else "b")
    return core


def put(core: Core, number: int, group: str) -> None:
    if isinstance(core, FifoCore):
        core.send(0, StoredFifo(number, f"{number}", {}, 0, "me", None, None, group, f"{number}", "1"), delay=0)
    else:
        assert isinstance(core, StandardCore)
        core.send(0, Stored(number, f"{number}", {}, 0, "me"), delay=0)


def checked(core: Core) -> None:
    assert isinstance(core, FifoCore | StandardCore)
    core.check()


kinds = pytest.mark.parametrize("is_fifo", [False, True], ids=["standard", "fifo"])


@kinds
def test_the_oldest_message_is_taken_and_nothing_is_counted(is_fifo: bool) -> None:
    core = a_core(is_fifo=is_fifo)
    before = dict(core.counts)
    noted: list[int] = []

    entry = reserve_next(core, 5, noted.append)

    assert entry is not None
    assert (entry.stored.body, entry.receives, entry.receive_count, entry.first_received_at) == ("1", 0, 0, None)
    assert (noted, list(core.moving), core.reserved, core.counts) == ([1], [1], [], before)
    assert (core.available, core.in_flight) == (2, 1)
    checked(core)

    confirm_redrive(core, 6, entry)

    assert (len(core), core.counts, core.fates[-1].what) == (2, before, "redriven")
    checked(core)


@kinds
def test_a_message_that_nobody_took_is_as_it_was(is_fifo: bool) -> None:
    core = a_core(is_fifo=is_fifo)
    entry = reserve_next(core, 5, lambda _: None)
    assert entry is not None

    give_up_redrive(core, 6, entry)

    assert (core.available, entry.receives, entry.keep, dict(core.moving)) == (3, 0, False, {})
    assert {one.stored.body for one in core.next_up(3)} == {"1", "2", "3"}
    checked(core)


@kinds
def test_a_message_that_is_up_for_another_dead_letter_queue_is_taken_all_the_same(is_fifo: bool) -> None:
    core = a_core(is_fifo=is_fifo, max_receive_count=1)
    core.receive(0, max_messages=3, visibility_timeout=S)
    core.settle(S)

    bodies = [entry.stored.body for _ in range(3) if (entry := reserve_next(core, S, lambda _: None))]

    assert (bodies, core.reserved) == (["1", "2", "3"] if not is_fifo else ["1", "3"], [])
    checked(core)


@kinds
def test_hidden_and_delayed_messages_are_not_taken(is_fifo: bool) -> None:
    core = a_core(is_fifo=is_fifo, delay=0)
    core.receive(0, max_messages=3, visibility_timeout=S)

    assert reserve_next(core, S - 1, lambda _: None) is None
    assert reserve_next(core, S, lambda _: None) is not None


@kinds
def test_one_that_was_purged_on_its_way_is_gone_however_its_move_ends(is_fifo: bool) -> None:
    core = a_core(is_fifo=is_fifo)
    entries = [reserve_next(core, 5, lambda _: None) for _ in range(2)]
    core.purge(6)

    for entry, end in zip(entries, (confirm_redrive, give_up_redrive), strict=True):
        assert entry is not None
        end(core, 7, entry)

    assert (len(core), dict(core.moving), {fate.what for fate in core.fates}) == (0, {}, {"purged"})
    checked(core)


def test_a_group_waits_for_its_message_that_moves() -> None:
    core = a_core(is_fifo=True)
    first = reserve_next(core, 5, lambda _: None)
    second = reserve_next(core, 5, lambda _: None)
    assert first is not None
    assert second is not None
    assert second.stored.body == "3"
    assert reserve_next(core, 5, lambda _: None) is None

    confirm_redrive(core, 6, first)

    third = reserve_next(core, 6, lambda _: None)
    assert third is not None
    assert third.stored.body == "2"
    checked(core)


def test_tenants_take_turns_as_they_would_with_receives() -> None:
    core = StandardCore(visibility_timeout=30 * S, delay=0, retention=345_600 * S)
    for number in range(1, 7):
        group = "busy" if number < 5 else "other"
        core.send(0, Stored(number, f"{number}", {}, 0, "me", message_group_id=group), delay=0)
    expected = [entry.stored.body for entry in core.next_up(6)]

    found: list[str] = []
    while (entry := reserve_next(core, 5, lambda _: None)) is not None:
        core.check()
        confirm_redrive(core, 6, entry)
        core.check()
        found.append(entry.stored.body)

    assert found == expected
    assert len(core) == 0


# Handles.


def test_a_handle_is_base64_of_json_with_the_id_and_the_source() -> None:
    handle = a_move().task_handle

    assert json.loads(b64decode(handle)) == {"taskId": "an id", "sourceArn": ARN}
    assert checks.read_handle(handle) == ("an id", ARN)


def coded(what: Any) -> str:
    return b64encode(json.dumps(what).encode()).decode()


@pytest.mark.parametrize(
    "handle",
    [
        "",
        "x",
        "täsk",
        "AAAA",
        b64encode(b"\xff\xfe").decode(),
        b64encode(b"[" * 100_000).decode(),
        coded([]),
        coded("taskId"),
        coded(7),
        coded(None),
        coded({"taskId": "an id"}),
        coded({"taskId": 7, "sourceArn": ARN}),
        coded({"taskId": "an id", "sourceArn": None}),
        coded({"taskId": "an id", "sourceArn": ARN})[1:],
    ],
)
def test_what_is_no_handle_is_refused_in_awss_words(handle: str) -> None:
    with pytest.raises(InvalidParameterValue) as caught:
        checks.read_handle(handle)

    assert caught.value.aws_message == "Value for parameter TaskHandle is invalid."


@pytest.mark.parametrize("handle", [None, 7, b"AAAA", a_move().seen()])
def test_a_handle_is_text(handle: object) -> None:
    with pytest.raises(InvalidInput):
        checks.read_handle(handle)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ResourceClosed("closed"), "AWS.SimpleQueueService.NonExistentQueue"),
        (QueueDoesNotExist("gone"), "AWS.SimpleQueueService.NonExistentQueue"),
        (NotFound("gone"), "AWS.SimpleQueueService.NonExistentQueue"),
        (InvalidParameterValue("too large"), "InvalidParameterValue"),
        (OSError("no room"), "OSError"),
    ],
)
def test_the_reason_of_a_failure_is_the_code_of_its_error(error: Exception, reason: str) -> None:
    assert checks.reason_of(error) == reason


# What users see.


def test_a_task_shows_its_handle_while_it_is_running_only() -> None:
    move = a_move()
    running = move.seen()
    move.cancel()
    cancelling = move.seen()
    move.looks(0)

    assert running.task_handle == move.task_handle
    assert (cancelling.task_handle, move.seen().task_handle) == (None, None)


def test_a_task_that_was_seen_stays_as_it_was() -> None:
    move = a_move()
    seen = move.seen()
    taken_at(move, 1)

    assert (seen.moved, move.seen().moved) == (0, 1)
    with pytest.raises(AttributeError):
        seen.moved = 7  # type: ignore[misc]


def test_a_task_as_a_plain_dict_is_ready_for_json() -> None:
    move = a_move(None, now=1_704_067_200_123_456)
    move.take(0, 1)
    move.refuse("no room")

    assert json.loads(json.dumps(move.seen().to_dict())) == {
        "source_arn": ARN,
        "status": "FAILED",
        "started_at": 1_704_067_200_123,
        "moved": 0,
        "to_move": 3,
        "destination_arn": None,
        "max_messages_per_second": None,
        "task_handle": None,
        "failure_reason": "no room",
    }


class Canceller:
    def cancel_message_move_task(self, task_handle: str) -> int:
        return len(task_handle)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda task: pickle.loads(pickle.dumps(task))])
def test_a_task_out_of_a_pickle_is_equal_and_knows_no_queue(again: Any) -> None:
    task = a_move().seen(Canceller())
    assert task.task_handle is not None

    other = again(task)

    assert (other, hash(other), repr(other)) == (task, hash(task), repr(task))
    assert isinstance(other, MoveTask)
    assert other.status is MoveTaskStatus.RUNNING
    assert task.cancel() == len(task.task_handle)
    with pytest.raises(InvalidInput, match="knows no queue"):
        other.cancel()


def test_a_task_that_was_not_running_when_seen_cannot_be_cancelled_by_it() -> None:
    move = a_move()
    move.finish()

    with pytest.raises(QueueResourceNotFound) as caught:
        move.seen(Canceller()).cancel()
    assert caught.value.aws_message == "Task does not exist."
    assert "COMPLETED" in caught.value.help
