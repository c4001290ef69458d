"""
Regions that close: functions first, their calls under way to the end, then all the rest; and nothing waits for ever.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from postroom import DeliveryStream, Function, ManualClock, MemoryStore, Queue, Region, SystemClock
from postroom.errors import InvalidInput, ObjectNotWritten, ResourceClosed
from tests.clock.helpers import PATIENCE_S, Started, run_loop, until


class Shop:
    """
    A region in real time: a queue, a function that it feeds, and a queue that the handler sends to once it may go on.
    """

    def __init__(self, work: Callable[[], object] = lambda: None) -> None:
        self.clock = SystemClock()
        self.region = Region(clock=self.clock)
        self.made = self.region.queue("made")
        self.orders = self.region.queue("orders")
        self.began, self.go_on = threading.Event(), threading.Event()

        def brew(event: Any, context: Any) -> None:
            self.began.set()
            assert self.go_on.wait(PATIENCE_S)
            work()
            self.region.queue("made").send_message("made")

        self.function = self.region.function(brew)
        self.function.add_event_source(self.orders, batch_size=1)
        self.heard: list[str] = []
        self.region.observe(lambda seen: self.heard.append(f"{seen.resource} {seen.kind}"))

    def order(self) -> None:
        """
        Has the handler begin.
        """
        self.orders.send_message("2 x tea")
        assert self.began.wait(PATIENCE_S)


def test_calls_under_way_end_before_what_they_need_closes() -> None:
    shop = Shop()
    shop.order()
    closing = Started(shop.region.close)
    until(lambda: shop.function.closed)
    shop.orders.send_message("stays")
    assert (closing.is_alive(), shop.made.closed, shop.orders.closed) == (True, False, False)
    shop.go_on.set()
    closing.result()

    assert shop.function.failures == []
    assert shop.heard[-2:] == ["function brew succeeded", "queue orders deleted"]
    assert (shop.orders.stats().deleted, shop.orders.stats().available, shop.made.stats().sent) == (1, 1, 1)
    assert all(resource.closed for resource in shop.region)
    shop.clock.close()


def test_leaving_the_block_of_a_region_waits_too() -> None:
    shop = Shop()

    def end() -> None:
        until(lambda: shop.function.closed)
        shop.go_on.set()

    with shop.region:
        shop.order()
        ending = Started(end)
    ending.result()

    assert (shop.function.stats().succeeded, shop.made.stats().sent, len(shop.orders)) == (1, 1, 0)
    shop.clock.close()


def test_a_call_that_takes_longer_than_the_timeout_is_named_and_finds_all_closed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shop = Shop()
    shop.order()
    shop.region.close(timeout=0)
    shop.go_on.set()
    assert shop.function.join(PATIENCE_S)

    assert "region us-east-1 closes after 0 s with calls still under way: function brew (1 running)" in caplog.text
    assert isinstance(shop.function.failures[0].error, ResourceClosed)
    assert all(resource.closed for resource in shop.region)
    shop.clock.close()


def test_a_region_that_is_closed_waits_no_more() -> None:
    shop = Shop()
    shop.order()
    shop.region.close(timeout=0)
    shop.region.close(timeout=None)

    assert shop.function.stats().running == 1
    shop.go_on.set()
    assert shop.function.join(PATIENCE_S)
    shop.clock.close()


def test_a_handler_may_close_its_region_and_waits_for_nobody() -> None:
    shop: Shop
    shop = Shop(lambda: shop.region.close(timeout=None))
    shop.order()
    shop.go_on.set()
    until(lambda: shop.function.stats().running == 0)

    assert shop.made.closed
    assert isinstance(shop.function.failures[0].error, ResourceClosed)  # what it sent after it had closed the region
    shop.clock.close()


def test_two_handlers_that_close_their_region_do_not_wait_for_one_another() -> None:
    clock, meeting = SystemClock(), threading.Barrier(2)
    region = Region(clock=clock)

    def ends(event: Any, context: Any) -> None:
        meeting.wait(PATIENCE_S)
        region.close(timeout=None)

    functions = [region.function(ends, name=name) for name in ("one", "two")]
    for function in functions:
        function.invoke({})

    assert all(function.join(PATIENCE_S) for function in functions)
    assert [function.failures for function in functions] == [[], []]
    clock.close()


def test_a_callback_of_the_clock_may_close_a_region_and_waits_for_the_calls() -> None:
    shop = Shop()
    shop.order()
    shop.clock.call_soon(shop.region.close)
    until(lambda: shop.function.closed)
    shop.go_on.set()
    until(lambda: shop.made.closed)

    assert shop.made.stats().sent == 1
    shop.clock.close()


def test_on_a_manual_clock_nothing_waits_even_for_a_call_of_another_thread() -> None:
    began, go_on = threading.Event(), threading.Event()
    region = Region(clock=ManualClock())

    def slow(event: Any, context: Any) -> None:
        began.set()
        assert go_on.wait(PATIENCE_S)

    function = region.function(slow)
    driving = Started(lambda: function.invoke({}))
    assert began.wait(PATIENCE_S)
    region.close(timeout=None)

    assert function.stats().running == 1
    go_on.set()
    driving.result()


def test_coroutines_of_the_closing_threads_own_loop_are_not_waited_for() -> None:
    async def main() -> None:
        clock = SystemClock()
        region, began = Region(clock=clock), asyncio.Event()
        orders = region.queue("orders")

        async def brew(event: Any, context: Any) -> None:
            began.set()
            await asyncio.Event().wait()

        function = region.function(brew)
        task = asyncio.create_task(function.aio.poll(orders))
        orders.send_message("2 x tea")
        await began.wait()
        region.close(timeout=None)
        assert function.join()
        assert function.stats().running == 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert function.stats().running == 0
        clock.close()

    run_loop(main())


def test_a_function_that_is_made_while_a_region_closes_is_closed_with_the_rest() -> None:
    late: list[Function] = []
    shop: Shop
    shop = Shop(lambda: late.append(shop.region.function(lambda event, context: None, name="late")))
    shop.order()
    closing = Started(shop.region.close)
    until(lambda: shop.function.closed)
    shop.go_on.set()
    closing.result()

    assert [function.closed for function in late] == [True]
    shop.clock.close()


def test_ctrl_c_while_it_waits_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop()

    def interrupted(timeout: float | None = None) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(shop.function, "join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        shop.region.close()

    assert all(resource.closed for resource in shop.region)
    shop.clock.close()


class Full:
    """
    A store that takes nothing.
    """

    def put(self, key: str, data: bytes) -> None:
        raise OSError("full")


def test_a_delivery_stream_that_cannot_write_says_so_when_all_is_closed() -> None:
    region = Region(clock=ManualClock())
    queue, archive = region.queue("orders"), region.delivery_stream("archive", Full())
    archive.put_record(b"2 x tea")
    with pytest.raises(ObjectNotWritten):
        region.close()

    assert (queue.closed, archive.closed) == (True, True)


def test_what_functions_put_into_a_delivery_stream_is_written() -> None:
    region, store = Region(clock=ManualClock()), MemoryStore()
    archive: DeliveryStream = region.delivery_stream("archive", store)
    region.function(lambda event, context: archive.put_record(b"2 x tea"), name="f").invoke({})
    region.close()

    assert list(store.objects.values()) == [b"2 x tea"]


@pytest.mark.parametrize("wrong", [-1, "5", float("nan"), True])
def test_a_timeout_that_is_none_closes_nothing(wrong: Any) -> None:
    region = Region(clock=ManualClock())
    queue: Queue = region.queue("orders")
    with pytest.raises(InvalidInput):
        region.close(timeout=wrong)

    assert not queue.closed
