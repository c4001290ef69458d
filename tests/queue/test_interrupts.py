"""
Ctrl-C at any line of a queue's code loses no message and leaves no lock shut.

A tracer raises `KeyboardInterrupt` at the n-th line run in `queue/` or `delivery/`, for every n there is. At two kinds of
line it does not, since Python looks for signals at calls and jumps back, and a tracer that raises there would leave shut
what a real Ctrl-C leaves open: the line of a ``with``, before `__exit__`, and a ``finally`` that only compares and sets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from postroom import ManualClock, Observation, Queue
from tests import interrupts

SPARED = ("with ", "if self._drainer is me:", "self._drainer = None")
PLACES = interrupts.places("queue", "delivery")


def interrupted(call: Callable[[], object], after: int) -> bool:
    return interrupts.interrupted(call, after, PLACES, SPARED)


class Scene(NamedTuple):
    """
    Queues with messages in them, and the call that is interrupted.
    """

    clock: ManualClock
    queue: Queue
    dead: Queue
    call: Callable[[], object]

    def left(self) -> set[str]:
        """
        What can still be received, here or as a dead letter.
        """
        found: set[str] = set()
        for _ in range(4):
            for queue in (self.queue, self.dead):
                if not queue.closed:
                    found |= {message.body for message in queue.receive_messages(max_messages=10)}
            self.clock.advance(120)
        return found


def scene(*, heard: bool = True, **settings: Any) -> tuple[ManualClock, Queue, Queue]:
    clock = ManualClock()
    dead = Queue("dead", clock=clock)
    queue = Queue("orders", clock=clock, **{"dead_letter_queue": dead, "max_receive_count": 5, **settings})
    if heard:
        seen: list[Observation] = []
        queue.observe(seen.append)
        dead.observe(seen.append)
    queue.send_message_batch(["old", "older"])
    return clock, queue, dead


def sends() -> Scene:
    clock, queue, dead = scene()
    queue.when_ready(lambda: None)
    return Scene(clock, queue, dead, lambda: queue.send_message("new"))


def sends_later() -> Scene:
    clock, queue, dead = scene()
    return Scene(clock, queue, dead, lambda: queue.send_message("new", delay=60, attributes={"table": 7}))


def sends_batch() -> Scene:
    clock, queue, dead = scene()
    return Scene(clock, queue, dead, lambda: queue.send_message_batch(["new", "newer"]))


def receives() -> Scene:
    clock, queue, dead = scene()
    return Scene(clock, queue, dead, lambda: queue.receive_messages(max_messages=10))


def receives_again() -> Scene:
    """
    From the index of those that came back, one of them received often.
    """
    clock, queue, dead = scene()
    for _ in range(3):
        queue.receive_messages(visibility_timeout=0)
    queue.receive_messages(max_messages=10)
    clock.advance(30)
    return Scene(clock, queue, dead, lambda: queue.receive_messages(max_messages=10, visibility_timeout=0))


def deletes() -> Scene:
    clock, queue, dead = scene()
    [message] = queue.receive_messages()
    return Scene(clock, queue, dead, lambda: queue.delete_message(message.receipt_handle))


def changes(timeout: int) -> Scene:
    clock, queue, dead = scene()
    [message] = queue.receive_messages()
    return Scene(clock, queue, dead, lambda: queue.change_message_visibility(message.receipt_handle, timeout))


def moves() -> Scene:
    clock, queue, dead = scene(max_receive_count=1)
    queue.receive_messages(max_messages=10, visibility_timeout=0)
    return Scene(clock, queue, dead, lambda: queue.receive_messages(max_messages=10))


def is_refused() -> Scene:
    clock, queue, dead = scene(max_receive_count=1)
    queue.receive_messages(max_messages=10, visibility_timeout=0)
    dead.close()
    return Scene(clock, queue, dead, lambda: queue.receive_messages(max_messages=10))


def moves_to_itself() -> Scene:
    clock, queue, dead = scene(max_receive_count=1)
    queue._dead_letter_queue = queue
    queue.receive_messages(max_messages=10, visibility_timeout=0)
    return Scene(clock, queue, dead, lambda: queue.receive_messages(max_messages=10))


def notices() -> Scene:
    """
    Timeouts and an expiry that fell due meanwhile.
    """
    clock, queue, dead = scene(retention=3_600)
    queue.receive_messages(max_messages=10)
    clock.advance(3_000)
    queue.send_message("gone", delay=10)
    clock.advance(590)
    return Scene(clock, queue, dead, queue.stats)


def waits() -> Scene:
    clock, queue, dead = scene()
    queue.receive_messages(max_messages=10)
    return Scene(clock, queue, dead, lambda: queue.receive_messages(max_messages=10, wait_time=20))


BOTH = {"old", "older"}


@pytest.mark.parametrize(
    ("make", "must", "may"),
    [
        (sends, BOTH, {"new"}),
        (sends_later, BOTH, {"new"}),
        (sends_batch, BOTH, {"new", "newer"}),
        (receives, BOTH, set()),
        (receives_again, BOTH, set()),
        (deletes, {"older"}, {"old"}),
        (lambda: changes(0), BOTH, set()),
        (lambda: changes(90), BOTH, set()),
        (moves, BOTH, set()),
        (is_refused, BOTH, set()),
        (moves_to_itself, BOTH, set()),
        (notices, {"gone"}, BOTH),
        (waits, BOTH, set()),
    ],
    ids=[
        "send", "delayed", "batch", "receive", "again", "delete", "visible", "hidden", "move", "refused", "self",
        "notice", "wait",
    ],
)  # fmt: skip
def test_an_interrupt_at_any_line_loses_no_message_and_leaves_no_lock_shut(
    make: Callable[[], Scene], must: set[str], may: set[str]
) -> None:
    line = 1
    while True:
        stage = make()
        if not interrupted(stage.call, line):
            break
        for queue in (stage.queue, stage.dead):
            assert not queue._lock.locked(), f"line {line} leaves the lock shut"
            assert queue._outbox._drainer is None, f"line {line} leaves the outbox shut"
        stage.clock.pending()
        left = stage.left()
        assert must <= left <= must | may, f"line {line}"
        line += 1

    assert line > 10


def test_an_interrupted_send_still_wakes_whoever_waits() -> None:
    """
    If the message is there, so is the wake-up: nobody sleeps beside it.
    """
    line = 1
    while True:
        clock, queue, _ = scene()
        queue.receive_messages(max_messages=10)
        called: list[int] = []
        queue.when_ready(lambda called=called: called.append(1))  # type: ignore[misc]
        if not interrupted(lambda queue=queue: queue.send_message("new"), line):  # type: ignore[misc]
            break
        clock.settle()
        assert called == [1] * queue.stats().available, f"line {line}"
        line += 1


def test_an_interrupted_close_can_be_repeated() -> None:
    line = 1
    while True:
        queue = Queue("orders", clock=ManualClock())
        called: list[int] = []
        queue.when_ready(lambda called=called: called.append(1))  # type: ignore[misc]
        if not interrupted(queue.close, line):
            break
        queue.close()
        assert called == [1], f"line {line}"
        assert not queue._lock.locked()
        line += 1
