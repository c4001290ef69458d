"""
A standard queue: send, receive and delete, beside `queue.Queue` and a bare deque.
"""

from __future__ import annotations

import queue as standard_library
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.runner import Case
from postroom import ManualClock, Queue, SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroom import Clock

BODY = "x" * 100


def ours(queue: Queue, count: int) -> int:
    send, receive, delete = queue.send_message, queue.receive_messages, queue.delete_message
    done = 0
    for _ in range(count):
        send(BODY)
        [message] = receive()
        delete(message.receipt_handle)
        done += 1
    return done


def ours_in_tens(queue: Queue, count: int) -> int:
    bodies = [BODY] * 10
    done = 0
    for _ in range(count // 10):
        queue.send_message_batch(bodies)
        messages = queue.receive_messages(max_messages=10)
        done += len(queue.delete_message_batch([message.receipt_handle for message in messages]).successful)
    return done


def put_and_get(plain: standard_library.Queue[str], count: int) -> int:
    put, get = plain.put, plain.get
    done = 0
    for _ in range(count):
        put(BODY)
        get()
        done += 1
    return done


def append_and_pop(plain: deque[str], count: int) -> int:
    append, pop = plain.append, plain.popleft
    done = 0
    for _ in range(count):
        append(BODY)
        pop()
        done += 1
    return done


def receive_only(queue: Queue, count: int) -> int:
    receive = queue.receive_messages
    return sum(len(receive()) for _ in range(count))


def filled(waiting: int, clock: Clock | None = None) -> Queue:
    queue = Queue("bench", clock=clock or ManualClock(), seed=1)
    for _ in range(waiting):
        queue.send_message(BODY)
    return queue


def comes_back(waiting: int) -> Queue:
    """
    A queue in which every message was received once and is visible again: the heap's case.
    """
    clock = ManualClock()
    queue = filled(waiting, clock)
    for _ in range(waiting):
        queue.receive_messages(visibility_timeout=1)
    clock.advance(1)
    queue.stats()  # brings about what fell due: that costs once a message, whoever comes first
    return queue


def two_filled(waiting: int, _: int) -> tuple[Queue, Queue]:
    return filled(waiting), filled(100)


def two_that_come_back(waiting: int, _: int) -> tuple[Queue, Queue]:
    return comes_back(waiting), comes_back(100)


def cases(quick: bool) -> Iterator[Case]:
    count = 200 if quick else 5_000
    yield Case(
        name="send, receive, delete",
        size=0,
        operations=count,
        prepare=lambda _: (
            filled(0),
            filled(0, SystemClock()),
            filled(0),
            standard_library.Queue[str](),
            deque[str](),
        ),
        subjects={
            "Queue": lambda made: ours(made[0], count),
            "Queue, system clock": lambda made: ours(made[1], count),
            "Queue, in tens": lambda made: ours_in_tens(made[2], count),
            "queue.Queue": lambda made: put_and_get(made[3], count),
        },
        floors={"deque": lambda made: append_and_pop(made[4], count)},
        reference="queue.Queue",
    )
    few = 50 if quick else 100
    for waiting in (100, 1_000) if quick else (100, 10_000, 100_000, 1_000_000):
        yield Case(
            name="receive, waiting for the first time",
            size=waiting,
            operations=few,
            prepare=partial(two_filled, waiting),
            subjects={
                "Queue": lambda made: receive_only(made[0], few),
                "Queue with 100": lambda made: receive_only(made[1], few),
            },
            reference="Queue with 100",
        )
    for waiting in (100, 1_000) if quick else (100, 10_000, 100_000):
        yield Case(
            name="receive, back after a timeout",
            size=waiting,
            operations=few,
            prepare=partial(two_that_come_back, waiting),
            subjects={
                "Queue": lambda made: receive_only(made[0], few),
                "Queue with 100": lambda made: receive_only(made[1], few),
            },
            reference="Queue with 100",
        )
