"""
Loops over messages, ``with message:``, heartbeats and drain: what is done is gone, and what is not is back at once.
"""

from __future__ import annotations

import pickle
import threading
import traceback
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any

import pytest

from postroom import Faults, FifoQueue, Function, ManualClock, Message, Queue, SystemClock
from postroom.errors import EndlessLoop, InvalidInput, InvalidParameterValue, ResourceClosed
from postroom.queue._progress import Telling
from tests import interrupts
from tests.clock.helpers import Started, until


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def queue(clock: ManualClock) -> Queue:
    return Queue("orders", visibility_timeout=30, clock=clock)


def held(queue: Queue) -> tuple[int, int]:
    stats = queue.stats()
    return stats.available, stats.in_flight


# with message:


def test_at_the_end_of_the_block_the_message_is_deleted(queue: Queue) -> None:
    queue.send_message("tea")
    [message] = queue.receive_messages()

    with message as same:
        assert same is message
        assert held(queue) == (0, 1)
    assert len(queue) == 0


@pytest.mark.parametrize("error", [ValueError("no tea"), KeyboardInterrupt(), GeneratorExit()])
def test_an_error_in_the_block_makes_it_available_at_once_and_goes_on(queue: Queue, error: BaseException) -> None:
    queue.send_message("tea")
    [message] = queue.receive_messages()

    with pytest.raises(type(error)) as caught, message:
        raise error

    assert caught.value is error
    assert held(queue) == (1, 0)


def test_a_message_that_was_deleted_in_the_block_is_no_trouble(queue: Queue) -> None:
    queue.send_message("tea")
    [message] = queue.receive_messages()

    with message:
        queue.delete_message(message.receipt_handle)
    assert len(queue) == 0


def test_an_error_is_not_hidden_by_a_queue_that_was_closed(queue: Queue) -> None:
    queue.send_message("tea")
    [message] = queue.receive_messages()

    def work() -> None:
        with message:
            queue.close()
            raise ValueError("no tea")

    with pytest.raises(ValueError, match="no tea") as caught:
        work()

    assert "could not be given back to the queue orders" in caught.value.__notes__[0]


def test_work_that_took_too_long_for_a_fifo_queue_says_what_helps(clock: ManualClock) -> None:
    queue = FifoQueue("orders.fifo", content_based_deduplication=True, visibility_timeout=30, clock=clock)
    queue.send_message("tea", message_group_id="g")
    [message] = queue.receive_messages()

    with pytest.raises(InvalidParameterValue, match="The receipt handle has expired") as caught, message:
        clock.advance(30)

    done, helps = caught.value.__notes__
    assert "was done, but it was not deleted from the queue orders.fifo: it comes again" in done
    assert "message.extending()" in helps


def test_what_was_only_looked_at_or_pickled_cannot_be_settled(queue: Queue) -> None:
    queue.send_message("tea")
    [looked_at] = queue.peek()
    [received] = queue.receive_messages()

    for message in (looked_at, pickle.loads(pickle.dumps(received))):
        with pytest.raises(InvalidInput, match="needs a message that was received"), message:
            pytest.fail("the block ran")
    assert pickle.loads(pickle.dumps(received)) == received


# Heartbeats.


def test_a_heartbeat_keeps_the_message_hidden_as_long_as_the_block_takes(queue: Queue, clock: ManualClock) -> None:
    queue.send_message("tea")
    [message] = queue.receive_messages()

    with message.extending(every=10, timeout=30):
        clock.advance(1_000)
        assert held(queue) == (0, 1)
    clock.advance(29.999999)
    assert held(queue) == (0, 1)
    clock.advance(0.000001)
    assert held(queue) == (1, 0)


def test_nothing_beats_after_the_block(queue: Queue, clock: ManualClock) -> None:
    queue.send_message("tea")
    [message] = queue.receive_messages()
    with message, message.extending(every=10, timeout=30):
        pass

    assert [due for due in clock.pending() if "orders" not in str(due)] == []
    clock.advance(1_000)
    assert len(queue) == 0


def test_at_the_end_of_twelve_hours_it_is_extended_no_more(
    queue: Queue, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    queue.send_message("tea")
    [message] = queue.receive_messages()

    with message.extending(every=3_000, timeout=6_000) as heartbeat:
        clock.advance(39_000 - 0.000001)
        assert heartbeat.active
        clock.advance(4_200)
        assert held(queue) == (0, 1)
        assert not heartbeat.active
        clock.advance(0.000001)
        assert held(queue) == (1, 0)
    assert "is extended no more" in caplog.text


@pytest.mark.parametrize(("every", "timeout"), [(0, 30), (-1, 30), (30, 30), (31, 30)])
def test_a_heartbeat_that_would_come_too_late_is_refused(queue: Queue, every: float, timeout: float) -> None:
    queue.send_message("tea")
    [message] = queue.receive_messages()

    with pytest.raises(InvalidInput, match="a third of it"):
        message.extending(every=every, timeout=timeout)


def test_a_heartbeat_works_on_real_time() -> None:
    with Queue("orders", visibility_timeout=0.05, clock=SystemClock()) as queue:
        queue.send_message("tea")
        [message] = queue.receive_messages()
        with message, message.extending(every=0.01, timeout=0.5):
            assert queue.receive_messages(wait_time=0.1) == []
        assert len(queue) == 0


# consume


def test_a_loop_ends_when_nothing_came_for_as_long_as_it_says(queue: Queue, clock: ManualClock) -> None:
    clock.call_later(50, lambda: queue.send_message("late"))
    clock.call_later(111, lambda: queue.send_message("too late"))
    got: list[str] = []

    for message in queue.consume(idle=60):
        with message:
            got.append(message.body)

    assert got == ["late"]
    assert clock.now() - ManualClock().now() == 110


def test_a_loop_without_idle_ends_with_the_queue(queue: Queue, clock: ManualClock) -> None:
    queue.send_message("tea")
    clock.call_later(500, queue.close)

    assert [message.body for message in queue.consume(visibility_timeout=43_000)] == ["tea"]


def test_a_loop_that_is_left_gives_back_what_nobody_came_to(queue: Queue) -> None:
    queue.send_message_batch(["a", "b", "c"])

    for message in queue.consume(max_messages=10, idle=0):
        with message:
            break

    assert held(queue) == (2, 0)
    assert [message.body for message in queue.peek()] == ["b", "c"]


def test_an_error_in_a_loop_gives_back_all_of_it(queue: Queue) -> None:
    queue.send_message_batch(["a", "b", "c"])

    def work() -> None:
        for message in queue.consume(max_messages=10, idle=0):
            with message:
                raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        work()

    assert held(queue) == (3, 0)


def test_a_loop_extends_the_message_it_is_at(queue: Queue, clock: ManualClock) -> None:
    queue.send_message("tea")

    for message in queue.consume(idle=0, heartbeat=10):
        with message:
            clock.advance(300)
            assert held(queue) == (0, 1)
    assert len(queue) == 0


def test_a_loop_that_nothing_will_ever_end_is_stopped(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroom.clock._manual.IDLE_JUMPS_MAX", 10)

    with pytest.raises(EndlessLoop, match="10 jumps for queue orders") as caught:
        list(queue.consume())
    assert "consume(idle=60)" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    "arguments", [{"idle": -1}, {"idle": "1"}, {"max_messages": 11}, {"wait_time": 21}, {"heartbeat": 0}]
)
def test_a_loop_with_bad_arguments_takes_nothing(queue: Queue, arguments: dict[str, Any]) -> None:
    queue.send_message("tea")

    with pytest.raises((InvalidInput, InvalidParameterValue)):
        list(queue.consume(**{"idle": 0, **arguments}))
    assert held(queue) == (1, 0)


def test_a_loop_in_a_thread_gets_what_others_send() -> None:
    with Queue("orders", clock=SystemClock()) as queue:
        got: list[str] = []

        def work() -> None:
            for message in queue.consume():
                with message:
                    got.append(message.body)
                    if len(got) == 100:
                        return

        worker = threading.Thread(target=work)
        worker.start()
        for number in range(100):
            queue.send_message(str(number))
        worker.join(10)
        assert got == [str(number) for number in range(100)]


# drain


def test_drain_ends_when_the_queue_holds_nothing(queue: Queue, clock: ManualClock) -> None:
    queue.send_message("now")
    queue.send_message("later", delay=600)
    queue.send_message("held")
    queue.receive_messages(max_messages=1)  # "now", by somebody who dies
    got: list[str] = []

    assert queue.drain(lambda message: got.append(message.body)) == 3
    assert got == ["held", "now", "later"]
    assert len(queue) == 0
    assert clock.now() - ManualClock().now() == 600


def test_what_handlers_send_is_drained_too_up_to_a_limit(queue: Queue) -> None:
    queue.send_message("0")

    def count(message: Message) -> None:
        queue.send_message(str(int(message.body) + 1))

    assert queue.drain(count, limit=25) == 25
    assert [message.body for message in queue.peek()] == ["25"]


def test_the_error_of_a_handler_comes_out_as_it_is_and_all_is_back(queue: Queue) -> None:
    queue.send_message_batch(["a", "b", "c"])

    def fail(message: Message) -> None:
        if message.body == "b":
            raise LookupError("no b")

    with pytest.raises(LookupError) as caught:
        queue.drain(fail)

    assert traceback.extract_tb(caught.value.__traceback__)[-1].name == "fail"
    assert held(queue) == (2, 0)


def test_drain_runs_on_the_thread_of_the_caller(queue: Queue) -> None:
    queue.send_message("a")
    threads: list[int] = []

    queue.drain(lambda _: threads.append(threading.get_ident()))

    assert threads == [threading.get_ident()]


def test_dead_letters_leave_a_queue_that_is_drained(clock: ManualClock) -> None:
    dead = Queue("dead", clock=clock)
    queue = Queue("orders", clock=clock, dead_letter_queue=dead, max_receive_count=1, visibility_timeout=5)
    queue.send_message("poison")
    queue.receive_messages()

    assert queue.drain(lambda _: pytest.fail("it was received too often")) == 0
    assert (len(queue), len(dead)) == (0, 1)


def test_progress_is_told_if_asked(queue: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    queue.send_message_batch(["a", "b", "c"])
    told: list[tuple[int, int]] = []

    queue.drain(lambda _: None, max_messages=2, progress=lambda handled, left: told.append((handled, left)))
    queue.send_message("d")
    queue.drain(lambda _: None, progress=True)

    assert (told[0], told[-1]) == ((1, 2), (3, 0))
    assert capsys.readouterr().err == "\rqueue orders: 1 handled, 0 left\n"


@pytest.mark.parametrize(
    "arguments",
    [{"handler": None}, {"limit": -1}, {"limit": True}, {"progress": 3}, {"max_messages": 0}],
)
def test_drain_with_bad_arguments_takes_nothing(queue: Queue, arguments: dict[str, Any]) -> None:
    queue.send_message("tea")

    with pytest.raises((InvalidInput, InvalidParameterValue)):
        queue.drain(**{"handler": lambda _: None, **arguments})
    assert held(queue) == (1, 0)


def test_a_closed_queue_is_not_drained(queue: Queue) -> None:
    queue.close()

    with pytest.raises(ResourceClosed):
        queue.drain(lambda _: None)


# What others have in hand.


def test_who_fails_late_leaves_alone_what_somebody_else_has_received(queue: Queue, clock: ManualClock) -> None:
    """
    A late handle of a standard queue still names the message; giving back with it would take it from the other one.
    """
    queue.send_message("tea")
    [mine] = queue.receive_messages()
    clock.advance(30)
    [theirs] = queue.receive_messages()

    with pytest.raises(ValueError, match="late") as caught, mine:
        raise ValueError("late")

    assert held(queue) == (0, 1)
    assert "it was back before, and somebody else may have received it" in caught.value.__notes__[0]
    queue.delete_message(theirs.receipt_handle)


def test_a_handler_that_deletes_and_then_fails_has_nothing_to_give_back(queue: Queue) -> None:
    queue.send_message("tea")
    [message] = queue.receive_messages()

    def work() -> None:
        with message:
            queue.delete_message(message.receipt_handle)
            raise ValueError("after all")

    with pytest.raises(ValueError, match="after all") as caught:
        work()

    assert not hasattr(caught.value, "__notes__")
    assert len(queue) == 0


def test_a_closed_queue_says_that_the_work_was_done(queue: Queue) -> None:
    queue.send_message("tea")
    [message] = queue.receive_messages()

    with pytest.raises(ResourceClosed) as caught, message:
        queue.close()

    assert caught.value.__notes__[0].endswith("was done, but it was not deleted from the queue orders.")


def test_the_error_of_whom_a_message_goes_to_next_does_not_hide_that_of_the_block(
    queue: Queue, clock: ManualClock
) -> None:
    """
    Giving back wakes a handler that fails, too: its error is for whoever moves the clock next.
    """
    queue.send_message("tea")
    [message] = queue.receive_messages()

    def serve(event: Any, context: Any) -> None:
        raise LookupError("theirs")

    other = Function(serve, clock=clock, on_error="raise")
    other.add_event_source(queue)

    with pytest.raises(ValueError, match="mine"), message:
        raise ValueError("mine")

    with pytest.raises(LookupError, match="theirs"):
        clock.advance(0)


# More of heartbeats.


def test_the_first_beat_comes_at_once(queue: Queue, clock: ManualClock) -> None:
    queue.send_message("tea")
    [message] = queue.receive_messages(visibility_timeout=5)

    with message.extending(every=10, timeout=30):
        clock.advance(5)
        assert held(queue) == (0, 1)


def test_left_alone_a_heartbeat_takes_the_timeout_of_the_queue_and_a_third_of_it(
    queue: Queue, clock: ManualClock
) -> None:
    seen: list[tuple[float, float]] = []
    queue.send_message("tea")
    [message] = queue.receive_messages()
    start = clock.now_us()
    queue.observe(
        lambda one: (
            seen.append(((one.at_us - start) / 1e6, (one.details["visible_at_us"] - start) / 1e6))
            if one.kind == "hidden"
            else None
        )
    )

    with message.extending():
        clock.advance(20)
        queue.stats()

    assert seen == [(0, 30), (10, 40), (20, 50)]


def test_a_heartbeat_does_not_take_a_message_from_whoever_received_it_next(queue: Queue, clock: ManualClock) -> None:
    queue.send_message("tea")
    [mine] = queue.receive_messages()

    with mine.extending(every=10, timeout=30) as heartbeat:
        queue.change_message_visibility(mine.receipt_handle, 0)
        [_] = queue.receive_messages(visibility_timeout=15)
        clock.advance(15)
        assert held(queue) == (1, 0)
        assert not heartbeat.active


def test_a_message_that_is_given_back_is_not_hidden_again(queue: Queue, clock: ManualClock) -> None:
    """
    The loop may stay at a message that failed, to write about it, say.
    """
    queue.send_message("tea")
    for message in queue.consume(heartbeat=10):
        with pytest.raises(ValueError, match="no tea"), message:
            raise ValueError("no tea")
        clock.advance(25)
        assert held(queue) == (1, 0)
        break


def test_beats_end_quietly_with_the_queue(queue: Queue, clock: ManualClock) -> None:
    queue.send_message("tea")
    [message] = queue.receive_messages()

    with message.extending() as heartbeat:
        queue.close()
        clock.advance(60)
        assert not heartbeat.active


def test_a_message_that_is_gone_is_not_extended(queue: Queue) -> None:
    queue.send_message("tea")
    [message] = queue.receive_messages()
    queue.delete_message(message.receipt_handle)

    with pytest.raises(InvalidParameterValue, match="does not exist"), message.extending():
        pytest.fail("the block ran")


@pytest.mark.parametrize("make", [Queue, partial(FifoQueue, content_based_deduplication=True)])
def test_a_heartbeat_beats_while_other_threads_move_the_clock(make: Any) -> None:
    clock = ManualClock()
    queue = make("orders.fifo" if make is not Queue else "orders", clock=clock)
    queue.send_message("tea", message_group_id="g")
    [message] = queue.receive_messages()
    seen: list[tuple[int, int]] = []

    def others() -> None:
        for _ in range(100):
            clock.advance(7)
            seen.append(held(queue))

    with message, message.extending():
        Started(others).result()

    assert seen == [(0, 1)] * 100
    assert len(queue) == 0


def test_an_interrupt_at_any_line_of_a_block_leaves_no_beat_and_no_lock(clock: ManualClock) -> None:
    line = 1
    while True:
        queue = Queue("orders", visibility_timeout=30, clock=ManualClock())
        queue.send_message("tea")
        [message] = queue.receive_messages()

        def work(queue: Queue = queue, message: Message = message) -> None:
            with message, message.extending(every=10):
                queue.clock.advance(25)  # type: ignore[attr-defined]
                raise ValueError("no tea")

        try:
            interrupted = interrupts.interrupted(work, line, interrupts.places("queue/_"), ("with ",))
        except ValueError:
            break
        assert not queue._lock.locked(), f"line {line} leaves the lock shut"
        if interrupted:
            queue.clock.advance(60)  # type: ignore[attr-defined]
            assert held(queue) == (1, 0), f"line {line} beats on"
        line += 1

    assert line > 10


# More of loops.


def test_what_waits_for_its_turn_is_kept_hidden_too(queue: Queue, clock: ManualClock) -> None:
    queue.send_message_batch(["a", "b", "c"])
    got: list[tuple[str, int]] = []

    for message in queue.consume(max_messages=10, idle=0, heartbeat=10):
        with message:
            clock.advance(100)
            got.append((message.body, message.receive_count))

    assert got == [("a", 1), ("b", 1), ("c", 1)]


def test_what_timed_out_before_its_turn_is_left_to_the_queue(queue: Queue, clock: ManualClock) -> None:
    queue.send_message_batch(["a", "b"])
    got: list[tuple[str, int]] = []

    for message in queue.consume(max_messages=10, idle=0):
        with message:
            got.append((message.body, message.receive_count))
            clock.advance(30)

    assert got == [("a", 1), ("b", 2)]


def test_nothing_of_a_fifo_group_overtakes_what_was_given_back(clock: ManualClock) -> None:
    queue = FifoQueue("orders.fifo", content_based_deduplication=True, clock=clock)
    for body, group in [("a1", "a"), ("a2", "a"), ("b1", "b"), ("a3", "a")]:
        queue.send_message(body, message_group_id=group)
    got: list[str] = []

    for message in queue.consume(max_messages=10, idle=0):
        with suppress(ValueError), message:
            if message.body == "a1" and message.receive_count == 1:
                raise ValueError("once")
            got.append(message.body)

    assert sorted(got) == ["a1", "a2", "a3", "b1"]
    assert [body for body in got if body.startswith("a")] == ["a1", "a2", "a3"]


def test_who_keeps_a_fifo_message_for_later_gets_the_next_of_its_group(clock: ManualClock) -> None:
    queue = FifoQueue("orders.fifo", content_based_deduplication=True, clock=clock)
    for body in ("a1", "a2"):
        queue.send_message(body, message_group_id="a")

    kept = [message.body for message in islice(queue.consume(max_messages=10), 2)]

    assert kept == ["a1", "a2"]


def test_a_queue_whose_visibility_timeout_is_0_is_consumed(clock: ManualClock) -> None:
    queue = Queue("orders", visibility_timeout=0, clock=clock)
    queue.send_message_batch(["a", "b"])
    got: list[str] = []

    for message in queue.consume(max_messages=10, idle=0):
        with message:
            got.append(message.body)

    assert got == ["a", "b"]


def test_a_loop_in_hand_gives_back_when_it_is_closed(queue: Queue) -> None:
    queue.send_message_batch(["a", "b", "c"])
    messages = queue.consume(max_messages=10)
    with next(messages):
        pass

    assert held(queue) == (0, 2)
    messages.close()
    assert held(queue) == (2, 0)


def test_idle_counts_from_when_the_loop_asks_again(queue: Queue, clock: ManualClock) -> None:
    queue.send_message("tea")
    clock.call_later(1_050, lambda: queue.send_message("cake"))
    got: list[str] = []

    for message in queue.consume(idle=60, visibility_timeout=43_200):
        with message:
            got.append(message.body)
            if message.body == "tea":
                clock.advance(1_000)

    assert got == ["tea", "cake"]


def test_a_closed_queue_ends_a_loop_at_once(queue: Queue) -> None:
    queue.send_message_batch(["a", "b"])
    got: list[str] = []

    for message in queue.consume(max_messages=10):
        got.append(message.body)
        queue.close()

    assert got == ["a"]
    assert list(queue.consume()) == []


def test_a_loop_that_waits_in_a_thread_ends_when_the_queue_is_closed() -> None:
    queue = Queue("orders", clock=SystemClock())
    loop = Started(lambda: list(queue.consume()))
    until(lambda: queue._waiters)

    queue.close()

    assert loop.result() == []


def test_a_closed_clock_is_no_quiet_end() -> None:
    clock = SystemClock()
    queue = Queue("orders", clock=clock)
    loop = queue.consume()
    clock.close()

    with pytest.raises(ResourceClosed, match="clock"):
        next(loop)


def test_a_call_that_is_refused_draws_and_counts_nothing() -> None:
    """
    Neither of a plan of faults nor of a FIFO queue that counts calls: only receives do.
    """
    faults = Faults.script(false_empties={"orders": [True]})
    queue = Queue("orders", clock=ManualClock(), faults=faults)
    with pytest.raises(InvalidInput):
        queue.consume(idle=-1)
    queue.consume()

    assert faults.unplayed == {"orders": 1}


def test_an_empty_answer_to_a_message_that_is_there_costs_the_loop_a_second() -> None:
    clock = ManualClock()
    queue = Queue("orders", clock=clock, faults=Faults.script(false_empties={"orders": [True, True]}))
    queue.send_message("tea")

    message = next(queue.consume(idle=60))

    assert message.body == "tea"
    assert clock.now() - ManualClock().now() == 2


def test_a_loop_to_which_all_answers_are_empty_comes_to_its_end(queue: Queue) -> None:
    queue = Queue("orders", clock=ManualClock(), faults=Faults(1, false_empty_rate=1))
    queue.send_message("tea")

    assert list(queue.consume(idle=60)) == []


def test_a_worker_is_not_stopped_because_others_move_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Only time that moves for the loop alone counts: here it is moved by hand, for weeks.
    """
    monkeypatch.setattr("postroom.clock._manual.IDLE_JUMPS_MAX", 10)
    clock = ManualClock(autojump=False)
    queue = Queue("orders", clock=clock)
    loop = Started(lambda: next(queue.consume()).body)
    for _ in range(100):
        until(lambda: queue._waiters)
        clock.advance(20)

    queue.send_message("tea")
    assert loop.result() == "tea"


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"wait_time": 0}, "wait_time=0: a loop that does not wait"),
        ({"heartbeat": 30}, "heartbeat=30 with a visibility timeout of 30.0 s"),
        ({"heartbeat": 0}, "heartbeat=0"),
        ({"idle": -0.1}, "idle=-0.1 is negative"),
        ({"visibility_timeout": 43_201}, "VisibilityTimeout is invalid"),
    ],
)
def test_a_bad_argument_is_refused_by_the_call_itself(queue: Queue, arguments: dict[str, Any], what: str) -> None:
    with pytest.raises((InvalidInput, InvalidParameterValue), match=what) as caught:
        queue.consume(**arguments)
    assert (caught.value.operation, caught.value.resource) == ("consume", "orders")
    with pytest.raises((InvalidInput, InvalidParameterValue), match=what):
        queue.aio.consume(**arguments)


def test_an_interrupt_at_any_line_of_a_loop_loses_no_message(clock: ManualClock) -> None:
    line = 1
    while True:
        queue = Queue("orders", visibility_timeout=30, clock=ManualClock())
        queue.send_message_batch(["a", "b", "c"])
        done: set[str] = set()

        def work(queue: Queue = queue, done: set[str] = done) -> None:
            for message in queue.consume(max_messages=2, heartbeat=10, idle=0):
                with message:
                    done.add(message.body)

        interrupted = interrupts.interrupted(work, line, interrupts.places("queue/_"), ("with ",))
        if not interrupted:
            break
        assert not queue._lock.locked(), f"line {line} leaves the lock shut"
        assert not queue._waiters
        queue.clock.advance(60)  # type: ignore[attr-defined]
        left = {message.body for message in queue.receive_messages(max_messages=10)}
        assert left | done == {"a", "b", "c"}, f"line {line}"
        assert len(left & done) <= 1, f"line {line}"
        line += 1

    assert line > 10


# More of drain.


def test_an_async_handler_is_not_taken_for_one_that_is_done(queue: Queue) -> None:
    async def brew(message: Message) -> None: ...

    queue.send_message("tea")

    with pytest.raises(InvalidInput, match=r"await queue\.aio\.drain"):
        queue.drain(brew)
    assert held(queue) == (1, 0)


def test_drain_waits_for_what_is_in_flight_elsewhere_as_long_as_that_takes(queue: Queue, clock: ManualClock) -> None:
    queue.send_message("tea")
    queue.receive_messages(visibility_timeout=43_200)

    assert queue.drain(lambda _: None) == 1
    assert clock.now() - ManualClock().now() == 43_200


def test_drain_of_what_expires_ends_when_it_has(clock: ManualClock) -> None:
    queue = Queue("orders", clock=clock, retention=60)
    queue.send_message("tea")
    queue.receive_messages(visibility_timeout=3_600)

    assert queue.drain(lambda _: None) == 0
    assert clock.now() - ManualClock().now() == 60


def test_drain_ends_as_soon_as_somebody_else_deletes_the_last_message() -> None:
    """
    On real time: not at the end of a poll, and not when the visibility timeout would be over.
    """
    with Queue("orders", clock=SystemClock(), visibility_timeout=3_600) as queue:
        queue.send_message("tea")
        [message] = queue.receive_messages()
        drain = Started(lambda: queue.drain(lambda _: None))
        until(lambda: queue._waiters)

        queue.delete_message(message.receipt_handle)

        assert drain.result() == 0
        assert queue._waiters._ready == queue._core.ready


def test_a_drain_that_waits_leaves_event_sources_of_the_queue_in_peace(queue: Queue, clock: ManualClock) -> None:
    """
    Nobody but the drain is woken by an empty queue: who waits for messages would look, and wait, and be woken again.
    """
    looks: list[int] = []

    def look() -> None:
        looks.append(clock.now_us())
        queue.when_ready(look)

    queue.send_message("tea")
    [message] = queue.receive_messages()
    queue.when_ready(look)
    clock.call_later(5, lambda: queue.delete_message(message.receipt_handle))

    assert queue.drain(lambda _: None) == 0
    assert looks == []


def test_two_drains_of_one_queue_share_what_is_there(clock: ManualClock) -> None:
    queue = Queue("orders", clock=clock)
    for number in range(100):
        queue.send_message(str(number), delay=number % 5)
    got: list[str] = []

    drains = [Started(lambda: queue.drain(lambda message: got.append(message.body))) for _ in range(2)]

    assert sum(drain.result() for drain in drains) == 100
    assert sorted(got, key=int) == [str(number) for number in range(100)]


def test_a_limit_receives_no_more_than_it_handles(queue: Queue) -> None:
    queue.send_message_batch(["a", "b", "c"])

    assert queue.drain(lambda _: None, limit=2) == 2
    assert queue.stats().received == 2
    assert queue.drain(lambda _: None, limit=0) == 0


def test_a_plan_of_faults_refuses_no_drain() -> None:
    queue = Queue("orders", clock=ManualClock(), faults=Faults(1, false_empty_rate=1))
    queue.send_message("tea")

    assert queue.drain(lambda _: None) == 1


def test_a_queue_closed_by_its_handler_ends_the_drain_with_an_error(queue: Queue) -> None:
    queue.send_message_batch(["a", "b"])

    with pytest.raises(ResourceClosed):
        queue.drain(lambda _: queue.close())


def test_ctrl_c_in_a_handler_gives_everything_back(queue: Queue) -> None:
    queue.send_message_batch(["a", "b", "c"])

    def stop(message: Message) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        queue.drain(stop)
    assert held(queue) == (3, 0)


def test_progress_is_told_ten_times_a_second_at_most() -> None:
    told: list[tuple[int, int]] = []
    now = [0]

    with Telling([], lambda handled, left: told.append((handled, left)), lambda: now[0]) as telling:
        for _ in range(250):
            telling.one_more()
            now[0] += 1_000_000

    assert told == [(1, 0), (101, 0), (201, 0), (250, 0)]


def test_an_error_ends_the_line_of_progress(queue: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    queue.send_message_batch(["a", "b"])

    def fail_at_b(message: Message) -> None:
        if message.body == "b":
            raise ValueError("no b")

    with pytest.raises(ValueError, match="no b"):
        queue.drain(fail_at_b, progress=True)
    assert capsys.readouterr().err == "\rqueue orders: 1 handled, 1 left\n"


def test_a_heartbeat_on_a_clock_that_was_closed_is_over_from_the_start() -> None:
    clock = SystemClock()
    queue = Queue("orders", clock=clock)
    queue.send_message("tea")
    [message] = queue.receive_messages()
    clock.close()

    with message, message.extending() as heartbeat:
        assert not heartbeat.active
    assert len(queue) == 0
