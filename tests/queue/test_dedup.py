"""
What a FIFO queue remembers for five minutes: deduplication ids (SQS 3.3), and attempts to receive (SQS 3.4).
"""

from __future__ import annotations

import pytest

from postroom.limits import DEDUPLICATION_WINDOW_US
from postroom.message import NO_ATTRIBUTES
from postroom.queue._attempts import Attempts
from postroom.queue._dedup import DeduplicationWindow
from postroom.queue._entry import StoredFifo
from postroom.queue._fifo import FifoCore
from postroom.queue._groups import FifoEntry

T0 = 1_000_000
END = DEDUPLICATION_WINDOW_US
GROUP_SCOPE = [False, True]


def stored(name: str, group: str = "a", id_: str = "1") -> StoredFifo:
    return StoredFifo(name, "tea", NO_ATTRIBUTES, T0, "sender", None, None, group, id_, f"sequence of {name}")


def core(*, by_group: bool = False, retention: int = 10 * END) -> FifoCore:
    return FifoCore(visibility_timeout=30, delay=0, retention=retention, deduplicates_by_group=by_group)


def send(queue: FifoCore, now: int, name: str, group: str = "a", id_: str = "1") -> str:
    """
    As a driver does: the message id of the answer.
    """
    original = queue.find_duplicate(now, group, id_)
    if original is None:
        queue.send(now, stored(name, group, id_), delay=0)
    queue.check()
    return name if original is None else original.message_id


# The window, a test per row of the table (SQS 3.3).


@pytest.mark.parametrize(("after", "taken"), [(0, "m1"), (1, "m1"), (END - 1, "m1"), (END, "m2"), (END + 1, "m2")])
def test_an_id_is_blocked_for_five_minutes_and_free_at_their_end(after: int, taken: str) -> None:
    queue = core()

    send(queue, T0, "m1")

    assert send(queue, T0 + after, "m2") == taken


@pytest.mark.parametrize(("after", "taken"), [(END - 1, "m1"), (END, "m3")])
def test_a_duplicate_does_not_extend_the_five_minutes(after: int, taken: str) -> None:
    queue = core()
    send(queue, T0, "m1")

    send(queue, T0 + END - 1, "m2")

    assert send(queue, T0 + after, "m3") == taken


def test_a_duplicate_is_answered_with_id_and_sequence_number_of_the_original_and_counted() -> None:
    queue = core()
    send(queue, T0, "m1")

    original = queue.find_duplicate(T0 + 5, "a", "1")

    assert original is not None
    assert (original.message_id, original.sequence_number, original.sent_at) == ("m1", "sequence of m1", T0)
    assert (queue.counts["deduplicated"], queue.counts["sent"], len(queue)) == (1, 1, 1)


def test_a_search_that_finds_nothing_is_not_counted() -> None:
    queue = core()

    send(queue, T0, "m1")

    assert queue.counts["deduplicated"] == 0


def test_an_id_stays_blocked_after_receive_and_deletion() -> None:
    queue = core()
    send(queue, T0, "m1")
    [entry] = queue.receive(T0, max_messages=10, visibility_timeout=30)
    assert send(queue, T0 + 1, "m2") == "m1"

    queue.delete(T0 + 2, entry.number)

    assert send(queue, T0 + END - 1, "m2") == "m1"
    assert len(queue) == 0
    assert send(queue, T0 + END, "m2") == "m2"


def test_an_id_stays_blocked_after_its_message_has_expired() -> None:
    queue = core(retention=60)

    send(queue, T0, "m1")

    queue.settle(T0 + 60)

    assert len(queue) == 0
    assert send(queue, T0 + END - 1, "m2") == "m1"


def test_after_the_five_minutes_the_id_is_free_even_if_the_first_is_still_there() -> None:
    queue = core()
    send(queue, T0, "m1")

    assert send(queue, T0 + END, "m2") == "m2"
    assert len(queue) == 2
    assert send(queue, T0 + 2 * END - 1, "m3") == "m2"


def test_in_the_scope_of_the_queue_an_id_is_compared_across_groups() -> None:
    queue = core()

    send(queue, T0, "m1", "a")

    assert send(queue, T0, "m2", "b") == "m1"


def test_in_the_scope_of_groups_each_knows_its_own_ids() -> None:
    """
    A, B and A once more: the third is the duplicate of the first, and not of the last with that id.
    """
    queue = core(by_group=True)

    assert [send(queue, T0, "m1", "a"), send(queue, T0, "m2", "b"), send(queue, T0, "m3", "a")] == ["m1", "m2", "m1"]
    assert send(queue, T0, "m4", "b") == "m2"


def test_ids_that_were_taken_before_the_scope_changed_keep_theirs() -> None:
    queue = core(by_group=False)
    send(queue, T0, "m1", "a")

    queue.deduplicates_by_group = True

    assert send(queue, T0, "m2", "b") == "m1"
    assert send(queue, T0, "m3", "a", "2") == "m3"
    assert send(queue, T0, "m4", "b", "2") == "m4"
    assert send(queue, T0 + END, "m5", "b") == "m5"


def test_ids_that_were_taken_in_a_group_block_no_other_when_the_scope_becomes_the_queue() -> None:
    queue = core(by_group=True)
    send(queue, T0, "m1", "a")

    queue.deduplicates_by_group = False

    assert send(queue, T0, "m2", "a") == "m1"
    assert send(queue, T0, "m3", "b") == "m3"
    assert send(queue, T0, "m4", "c") == "m3"


@pytest.mark.parametrize("by_group", GROUP_SCOPE)
def test_ids_are_compared_as_a_whole(by_group: bool) -> None:
    """
    Group "a" with "b1" is not group "ab" with "1".
    """
    queue = core(by_group=by_group)

    send(queue, T0, "m1", "a", "b1")

    assert send(queue, T0, "m2", "ab", "1") == "m2"


@pytest.mark.parametrize("by_group", GROUP_SCOPE)
def test_a_purge_clears_the_memory(by_group: bool) -> None:
    queue = core(by_group=by_group)
    send(queue, T0, "m1")

    queue.purge(T0 + 1)

    assert send(queue, T0 + 1, "m2") == "m2"
    assert send(queue, T0 + END, "m3") == "m2"


def test_dead_letters_are_never_swallowed_and_block_their_message_ids() -> None:
    """
    Two that had the same deduplication id in their source come with their message ids in its place.
    """
    queue = core()
    for name in ("m1", "m2"):
        queue.send(T0, stored(name, id_=name), delay=0, kind="moved in")

    assert len(queue) == 2
    assert send(queue, T0, "m3", id_="m1") == "m1"


@pytest.mark.parametrize(("after", "taken"), [(9 + END, "m1"), (10 + END, "m3")])
def test_a_dead_letter_that_comes_twice_blocks_its_id_from_the_second_time_on(after: int, taken: str) -> None:
    queue = core()
    for at in (T0, T0 + 10):
        queue.send(at, stored("m1", id_="m1"), delay=0, kind="moved in")

    assert send(queue, T0 + after, "m3", id_="m1") == taken


def test_a_message_knows_when_its_last_duplicate_was_dropped() -> None:
    queue = core()
    send(queue, T0, "m1")
    assert queue.dropped("m1") is None

    send(queue, T0 + 5, "m2")
    send(queue, T0 + 7, "m3")

    found = queue.dropped("m1")
    assert found is not None
    assert found.dropped_at == T0 + 7
    assert queue.dropped("m2") is None


def test_the_id_of_a_message_that_nobody_has_seen_yet_is_written_out_for_its_duplicate() -> None:
    queue = core()
    message = StoredFifo(5, "tea", NO_ATTRIBUTES, T0, "sender", None, None, "a", "1", "1")
    queue.send(T0, message, delay=0)

    original = queue.find_duplicate(T0, "a", "1")

    assert original is not None
    assert original.message_id == message.message_id


def test_nothing_is_kept_of_ids_older_than_five_minutes() -> None:
    """
    Each call pays for what it forgets once: a thousand ids are gone at a stroke.
    """
    window = DeduplicationWindow()
    for turn in range(1_000):
        window.remember(T0 + turn, "a", stored(f"m{turn}", id_=f"{turn}"), by_group=False)

    assert (len(window), len(window._ages)) == (1_000, 1_000)
    window.find(T0 + 499 + END, "a", "none")
    assert (len(window), len(window._ages)) == (500, 500)
    window.find(T0 + 999 + END, "a", "none")
    assert (len(window), len(window._ages)) == (0, 0)


def test_nothing_is_kept_of_the_body_of_a_message() -> None:
    window = DeduplicationWindow()
    window.remember(T0, "a", stored("m1"), by_group=False)

    original = window.find(T0, "a", "1")

    assert original is not None
    assert not any(isinstance(getattr(original, name), StoredFifo) for name in original.__slots__)


# Attempts.


def entries(*numbers: int) -> list[FifoEntry]:
    return [FifoEntry(number, stored(f"m{number}"), 1, T0, T0) for number in numbers]


@pytest.mark.parametrize(("after", "known"), [(0, True), (END - 1, True), (END, False)])
def test_an_attempt_is_known_for_five_minutes(after: int, known: bool) -> None:
    attempts = Attempts()
    attempts.remember(T0, "try", entries(1))

    assert (attempts.find(T0 + after, "try") is not None) == known
    assert len(attempts) == known


def test_an_attempt_is_forgotten_when_one_of_its_messages_is_touched() -> None:
    attempts = Attempts()
    attempts.remember(T0, "try", entries(1, 2))
    attempts.remember(T0, "other", entries(3))

    attempts.touch(2)
    attempts.touch(99)

    assert attempts.find(T0, "try") is None
    assert attempts.find(T0, "other") is not None
    assert attempts._of.keys() == {3}


def test_an_id_that_is_used_again_stands_for_the_later_receive() -> None:
    attempts = Attempts()
    attempts.remember(T0, "try", entries(1))

    attempts.remember(T0 + 10, "try", entries(2))
    attempts.touch(1)

    found = attempts.find(T0 + END + 9, "try")
    assert found is not None
    assert (found.at, [entry.number for entry in found.entries]) == (T0 + 10, [2])
    assert attempts.find(T0 + END + 10, "try") is None


def test_no_more_attempts_are_kept_than_there_are_messages_in_flight_by_them() -> None:
    attempts = Attempts()
    for turn in range(100):
        attempts.remember(T0 + turn, f"try {turn}", entries(turn))
        attempts.touch(turn - 1)

    assert (len(attempts), len(attempts._of)) == (1, 1)
    attempts.find(T0 + 99 + END, "none")
    assert (len(attempts), len(attempts._of), len(attempts._ages)) == (0, 0, 0)
