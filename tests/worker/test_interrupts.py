"""
Ctrl-C at any line of asynchronous invocation and of a stream's lanes loses no event and no record, and leaves no lock shut.

A tracer raises `KeyboardInterrupt` at the n-th line run there, for every n there is. Besides the lines that the queue's
tests spare, for their reason, it spares the one that gives a call back: nobody else could. It spares the first of a
callback, too, which is the clock's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from postroom import Function, ManualClock, Queue, Stream
from postroom.message import Parcel
from tests import interrupts
from tests.worker.desk import Broken
from tests.worker.test_streams import data_of

PLACES = interrupts.places(
    "worker/_asynchronous.py", "worker/_invocations.py", "worker/_lane.py", "worker/_stream_source.py"
)
SPARED = ("with ", "try:", "finally:", "self._function.end()", "is_mine, asks =", "if is_mine:", "self._busy = 0")


def interrupted(call: Callable[[], object], after: int) -> bool:
    return interrupts.interrupted(call, after, PLACES, SPARED)


class Scene(NamedTuple):
    """
    A function with work before it, the call that is interrupted, and what is to be done in the end.
    """

    clock: ManualClock
    function: Function
    call: Callable[[], object]
    done: set[str]
    expected: set[str]


def events() -> Scene:
    """
    Two wait, one of which fails for ever, and time goes on until all of it is over.
    """
    clock, done = ManualClock(), set[str]()
    dead = Queue("dead", clock=clock)

    def handle(event: Any, context: Any) -> None:
        if event == "bad":
            raise Broken
        done.add(event)

    def call() -> None:
        clock.advance(200)
        done.update(message.body for message in dead.receive_messages(max_messages=10))

    function = Function(handle, name="f", clock=clock, dead_letter_queue=dead)
    for body in ('"a"', '"bad"', '"b"'):
        function.deliver(Parcel(body))
    clock.settle()
    return Scene(clock, function, call, done, {"a", '"bad"', "b"})


def first_calls() -> Scene:
    """
    Those taken over before are called for the first time.
    """
    clock, done = ManualClock(), set[str]()

    def note(event: Any, context: Any) -> None:
        done.add(event)

    function = Function(note, name="f", clock=clock)
    for body in ('"a"', '"b"'):
        function.deliver(Parcel(body))
    return Scene(clock, function, lambda: clock.advance(1), done, {"a", "b"})


def records() -> Scene:
    clock, done = ManualClock(), set[str]()
    stream, told = Stream("orders", shard_count=1, clock=clock), Queue("told", clock=clock)
    failed = set[str]()

    def handle(event: Any, context: Any) -> None:
        for data in data_of(event):
            if data == "bad" and len(failed) < 1:
                failed.add(data)
                raise Broken
            done.add(data)

    function = Function(handle, name="f", clock=clock)
    function.add_event_source(
        stream, batch_size=1, starting_position="LATEST", on_failure=told, maximum_retry_attempts=3
    )
    for data in (b"a", b"bad", b"b"):
        stream.put_record(data, "k")
    return Scene(clock, function, lambda: clock.advance(10), done, {"a", "bad", "b"})


def given_up() -> Scene:
    clock, done = ManualClock(), set[str]()
    stream, told = Stream("orders", shard_count=1, clock=clock), Queue("told", clock=clock)

    def handle(event: Any, context: Any) -> None:
        [data] = data_of(event)
        if data == "bad":
            raise Broken
        done.add(data)

    def call() -> None:
        clock.advance(10)
        done.update("told" for _ in told.receive_messages(max_messages=10))

    function = Function(handle, name="f", clock=clock)
    function.add_event_source(
        stream, batch_size=1, starting_position="LATEST", on_failure=told, maximum_retry_attempts=1
    )
    for data in (b"bad", b"b"):
        stream.put_record(data, "k")
    return Scene(clock, function, call, done, {"told", "b"})


@pytest.mark.parametrize("scene", [events, first_calls, records, given_up])
def test_ctrl_c_at_any_line_loses_nothing(scene: Callable[[], Scene]) -> None:
    after = 1
    while True:
        clock, function, call, done, expected = scene()
        if not interrupted(call, after):
            break
        clock.settle()
        clock.advance(400)
        call()

        assert done == expected, f"line {after}"
        assert function.stats().running == 0, f"line {after}"
        assert function.join(timeout=0)
        after += 1

    assert after > 30
