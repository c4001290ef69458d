"""
Handlers that are coroutines: `function.aio.poll` on the caller's own loop.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from postroom import Faults, Function, ManualClock, Queue, Stream, SystemClock, Topic
from postroom.errors import InvalidInput, NotSupported
from postroom.faults import Crash
from tests.clock.helpers import run_loop
from tests.worker.desk import Broken, bodies

Calls = list[tuple[float, list[str]]]


class Table:
    """
    A queue and an async function on one manual clock.
    """

    def __init__(self, work: Any = None, *, visibility_timeout: float = 30, **settings: Any) -> None:
        self.clock = ManualClock()
        self.start = self.clock.now()
        self.queue = Queue("orders", clock=self.clock, visibility_timeout=visibility_timeout)
        self.calls: Calls = []

        async def brew(event: dict[str, Any], context: Any) -> None:
            self.calls.append((self.clock.now() - self.start, bodies(event)))
            for body in bodies(event):
                if work is not None:
                    await work(body)

        self.function = Function(brew, clock=self.clock, **settings)

    def begin(self, **arguments: Any) -> asyncio.Task[int]:
        return asyncio.create_task(self.function.aio.poll(self.queue, **arguments))


async def fails(body: str) -> None:
    raise Broken(body)


def test_what_comes_is_handled_in_batches_at_its_instant() -> None:
    async def main() -> None:
        table = Table()
        task = table.begin(batch_size=2)
        for body in ("a", "b", "c"):
            table.queue.send_message(body, delay=60)
        await table.clock.aio.advance(60)

        assert table.calls == [(60, ["a", "b"]), (60, ["c"])]
        assert len(table.queue) == 0
        task.cancel()

    run_loop(main())


def test_a_batch_is_at_most_6_mib_of_json() -> None:
    async def main() -> None:
        table = Table()
        for number in range(7):
            table.queue.send_message(f"{number}".ljust(1_048_576, "x"))

        assert await table.function.aio.poll(table.queue, idle=0) == 7
        assert [[body[0] for body in batch] for _, batch in table.calls] == [[*"01234"], ["5", "6"]]
        assert len(table.queue) == 0

    run_loop(main())


def test_a_poll_without_end_never_moves_the_clock() -> None:
    async def main() -> None:
        table = Table()
        task = table.begin()
        table.queue.send_message("later", delay=60)
        await table.clock.aio.settle()

        assert table.clock.now() == table.start
        assert table.calls == []
        task.cancel()

    run_loop(main())


@pytest.mark.parametrize(("idle", "ends"), [(0, 0), (10, 15)])
def test_a_poll_ends_when_nothing_came_for_so_long(idle: float, ends: float) -> None:
    table = Table()
    table.queue.send_message_batch(["a", "b"])
    table.queue.send_message("within", delay=5)
    table.queue.send_message("too late", delay=60)
    taken = run_loop(table.function.aio.poll(table.queue, idle=idle))

    assert taken == sum(len(batch) for _, batch in table.calls) == (3 if idle else 2)
    assert table.clock.now() - table.start == ends


def test_a_batch_that_failed_comes_back_at_its_timeout() -> None:
    async def fails_once(body: str) -> None:
        if len(table.calls) == 1:
            raise Broken(body)

    table = Table(fails_once)
    table.queue.send_message("a")
    taken = run_loop(table.function.aio.poll(table.queue, idle=40))

    assert taken == 1
    assert table.calls == [(0, ["a"]), (30, ["a"])]
    assert [str(failure.error) for failure in table.function.failures] == ["a"]


def test_a_cancelled_handler_leaves_its_batch_to_the_visibility_timeout() -> None:
    async def main() -> None:
        async def works_for_ever(body: str) -> None:
            await asyncio.Event().wait()

        table = Table(works_for_ever)
        table.queue.send_message("a")
        task = table.begin()
        await table.clock.aio.settle()

        assert table.function.stats().running == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert table.function.stats().running == 0
        assert table.function.failures == []
        assert table.queue.receive_messages() == []
        await table.clock.aio.advance(30)
        [message] = table.queue.receive_messages()
        assert message.receive_count == 2

    run_loop(main())


def test_a_cancelled_poll_takes_no_message_with_it() -> None:
    async def main() -> None:
        table = Table()
        first, second = table.begin(), table.begin()
        await table.clock.aio.settle()
        table.queue.send_message("a")
        first.cancel()
        await table.clock.aio.settle()

        assert table.calls == [(0, ["a"])]
        second.cancel()

    run_loop(main())


def test_several_polls_work_side_by_side() -> None:
    async def main() -> None:
        async def slow(body: str) -> None:
            await table.clock.aio.sleep(10)

        table = Table(slow)
        table.queue.send_message_batch(["a", "b", "c"])
        polls = [table.begin(batch_size=1, idle=20) for _ in range(2)]

        assert await asyncio.gather(*polls) == [2, 1]
        assert table.calls == [(0, ["a"]), (0, ["b"]), (10, ["c"])]

    run_loop(main())


def test_a_handler_that_awaits_an_advance_is_slow() -> None:
    async def main() -> None:
        async def slow(body: str) -> None:
            await table.clock.aio.sleep(31)

        table = Table(slow)
        table.queue.send_message("a")
        task = table.begin()
        again = table.begin()
        await table.clock.aio.advance(31)

        assert table.calls == [(0, ["a"]), (30, ["a"])]
        task.cancel()
        again.cancel()

    run_loop(main())


@pytest.mark.parametrize("part", ["function", "queue"])
def test_closing_one_of_the_two_ends_the_poll(part: str) -> None:
    async def main() -> None:
        table = Table()
        task = table.begin()
        table.queue.send_message("a")
        await table.clock.aio.settle()
        getattr(table, part).close()

        assert await task == 1
        if part == "function":
            table.queue.send_message("stays")
            assert table.queue.stats().available == 1
        assert await table.function.aio.poll(table.queue) == 0

    run_loop(main())


@pytest.mark.parametrize("part", ["function", "queue"])
def test_closing_one_of_the_two_in_the_handler_ends_the_poll_after_it(part: str) -> None:
    async def close(body: str) -> None:
        getattr(table, part).close()

    table = Table(close)
    table.queue.send_message_batch(["a", "b"])

    assert run_loop(table.function.aio.poll(table.queue, batch_size=1)) == 1
    assert [batch for _, batch in table.calls] == [["a"]]
    if part == "function":
        assert (table.queue.stats().available, table.queue.stats().received) == (1, 1)


def test_closing_the_function_leaves_those_who_wait_for_the_queue_waiting() -> None:
    async def main() -> None:
        table = Table()
        poll = table.begin()
        other = asyncio.create_task(table.queue.aio.receive_messages(wait_time=20))
        with table.clock.hold():
            await asyncio.sleep(0)
            table.function.close()
            assert await poll == 0
            table.queue.send_message("a", delay=5)
        [message] = await other

        assert (message.body, table.clock.now() - table.start) == ("a", 5)

    run_loop(main())


def test_a_handler_that_feeds_its_own_queue_leaves_others_their_turn() -> None:
    async def main() -> None:
        async def again(body: str) -> None:
            table.queue.send_message(body)

        table = Table(again)
        table.queue.send_message("round and round")
        task = table.begin()
        for _ in range(20):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert len(table.calls) > 2

    run_loop(main())


def test_crashes_on_purpose_are_failures() -> None:
    table = Table(faults=Faults.script(crashes={"brew": [Crash.BEFORE, Crash.AFTER]}))
    table.queue.send_message("a")
    taken = run_loop(table.function.aio.poll(table.queue, idle=40))

    assert taken == 1
    assert table.calls == [(30, ["a"]), (60, ["a"])]
    assert [f.error.args for f in table.function.failures] == [(Crash.BEFORE,), (Crash.AFTER,)]


def test_errors_reach_the_poll_or_whoever_drives_the_clock() -> None:
    table = Table(fails, on_error="raise")
    table.queue.send_message("a")
    with pytest.raises(Broken):
        run_loop(table.function.aio.poll(table.queue, idle=0))

    async def main() -> None:
        task = table.begin()
        with pytest.raises(Broken):
            await table.clock.aio.advance(30)
        assert not task.done()
        task.cancel()

    run_loop(main())
    assert len(table.function.failures) == 2


def test_real_time_does_as_well() -> None:
    async def main() -> int:
        clock = SystemClock(speed=1_000)
        queue = Queue("orders", clock=clock)

        async def brew(event: Any, context: Any) -> None:
            await clock.aio.sleep(1)

        function = Function(brew, clock=clock)
        queue.send_message("a")
        queue.send_message("b", delay=2)
        with clock:
            return await function.aio.poll(queue, idle=10)

    assert run_loop(main()) == 2


def refused(**wrong: Any) -> None:
    clock = ManualClock()

    async def brew(event: Any, context: Any) -> None:
        pass

    handler = wrong.pop("handler", brew)
    function = Function(handler, name="brew", clock=clock, concurrency=wrong.pop("concurrency", None))
    arguments = {"queue": Queue("orders", clock=clock), **wrong}
    run_loop(function.aio.poll(arguments.pop("queue"), **arguments))


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"handler": lambda event, context: None}, "brew is no async def"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": 11}, "batch_size=11"),
        ({"idle": -1}, "idle=-1 is negative"),
        ({"queue": "orders"}, "no event source"),
        ({"queue": Queue("orders", clock=ManualClock())}, "live by different clocks"),
    ],
)
def test_wrong_arguments_are_refused(wrong: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidInput, match=text):
        refused(**wrong)


def test_a_bound_that_coroutines_do_not_have_is_refused_by_name() -> None:
    with pytest.raises(NotSupported, match="brew has concurrency=2"):
        refused(concurrency=2)


def test_a_stream_feeds_no_coroutine_and_each_way_in_says_what_to_do() -> None:
    table = Table()
    stream = Stream("clicks", clock=table.clock)
    for call in (
        lambda: table.function.add_event_source(stream, starting_position="LATEST"),
        lambda: asyncio.run(table.function.aio.poll(stream)),  # type: ignore[arg-type]
    ):
        with pytest.raises(NotSupported) as caught:
            call()

        assert caught.value.help.startswith(
            "Give a plain function, or read each shard on your event loop: stream.reader("
        )


def test_what_is_neither_queue_nor_stream_is_not_polled() -> None:
    table = Table()
    with pytest.raises(InvalidInput) as caught:
        asyncio.run(table.function.aio.poll(Topic("news", clock=table.clock)))  # type: ignore[arg-type]

    assert caught.value.help == "Give a Queue."
