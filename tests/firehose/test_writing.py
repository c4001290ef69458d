"""
Writing: in order, one at a time, again when it fails, and nothing lost at the end (DEL A5).
"""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest

from postroom import DeliveryStream, Faults, ManualClock, MemoryStore, SystemClock
from postroom.errors import ObjectNotWritten
from tests.firehose.shelf import PATIENCE_S, Calling, Gated, Moody, contents

FULL = OSError("the disk is full")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_a_write_that_fails_is_tried_again_after_1_2_4_and_at_last_60_seconds(clock: ManualClock) -> None:
    store = Moody([FULL] * 9)
    times: list[int] = []
    stream = DeliveryStream("events", store, buffering_interval=0, clock=clock)
    stream.observe(lambda seen: times.append(seen.at_us) if seen.kind != "put" else None)
    stream.put_record(b"a")
    clock.advance(3600)

    waits = [(later - earlier) / 1_000_000 for earlier, later in pairwise(times)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert contents(store) == [b"a"]
    assert stream.stats().failed_writes == 9


def test_it_is_tried_again_with_the_same_key_and_the_same_bytes(clock: ManualClock) -> None:
    store = Moody([FULL, FULL])
    stream = DeliveryStream("events", store, buffering_interval=0, clock=clock)
    stream.put_record(b"a")
    clock.advance(10)

    assert len(store.tries) == 3
    assert set(store.tries) == set(store.objects.items())


@pytest.mark.parametrize(("elapsed", "written"), [(0.999999, 0), (1, 1)])
def test_the_second_attempt_is_due_after_exactly_a_second(clock: ManualClock, elapsed: float, written: int) -> None:
    store = Moody([FULL])
    stream = DeliveryStream("events", store, buffering_interval=0, clock=clock)
    stream.put_record(b"a")

    clock.advance(elapsed)

    assert len(store) == written


def test_objects_behind_one_that_fails_wait_for_it(clock: ManualClock) -> None:
    store = Moody([FULL] * 3)
    stream = DeliveryStream("events", store, buffering_interval=1, clock=clock)
    for data in (b"a", b"b", b"c"):
        stream.put_record(data)
        clock.advance(1)
    assert stream.stats().waiting_objects == 3
    clock.advance(60)

    assert contents(store) == [b"a", b"b", b"c"]


def test_after_24_hours_an_object_is_kept_aside_and_the_next_has_its_turn(clock: ManualClock) -> None:
    class Sick(Moody):
        def put(self, key: str, data: bytes) -> None:
            if data == b"poison":
                raise FULL
            super().put(key, data)

    store = Sick()
    stream = DeliveryStream("events", store, buffering_interval=0, clock=clock)
    put = stream.put_record(b"poison")
    stream.put_record(b"a")
    clock.advance(86_400 - 120)
    assert (stream.stats().undelivered, stream.stats().waiting_objects) == (0, 2)
    clock.advance(120)

    [(key, data)] = stream.undelivered
    assert data == b"poison"
    assert contents(store) == [b"a"]
    assert stream.stats().undelivered == 1
    assert stream.stats().buffered_records == 0
    assert key in stream.explain(put.record_id)
    assert stream.explain(put.record_id).startswith("undelivered")
    assert not clock.pending()


def test_what_was_given_up_is_written_by_flush_under_the_same_key(clock: ManualClock) -> None:
    store = Moody([FULL] * 1_500)
    stream = DeliveryStream("events", store, buffering_interval=0, clock=clock)
    stream.put_record(b"a")
    clock.advance(86_400)
    [(key, _)] = stream.undelivered
    stream.put_record(b"b")  # waits for its second attempt
    stream.put_record(b"c")
    store.script = iter(())

    stream.flush()

    assert stream.undelivered == []
    assert store.objects[key] == b"a"
    assert contents(store) == [b"a", b"b", b"c"]


def test_flush_writes_what_is_buffered_now(clock: ManualClock) -> None:
    store = MemoryStore()
    stream = DeliveryStream("events", store, clock=clock)
    stream.put_record(b"a")
    stream.flush()
    assert contents(store) == [b"a"]
    stream.flush()  # nothing there: nothing written

    assert len(store) == 1
    assert not clock.pending()


def test_flush_tells_of_a_failure_and_the_retries_go_on(clock: ManualClock) -> None:
    store = Moody([FULL])
    stream = DeliveryStream("events", store, clock=clock)
    stream.put_record(b"a")
    with pytest.raises(ObjectNotWritten, match=r"1 objects.*disk is full") as caught:
        stream.flush()

    assert caught.value.__cause__ is FULL
    assert "tried again in 1.0 s" in caught.value.help
    assert stream.undelivered == []
    clock.advance(1)
    assert contents(store) == [b"a"]


def test_flush_does_not_wait_for_the_next_attempt(clock: ManualClock) -> None:
    store = Moody([FULL] * 3)
    stream = DeliveryStream("events", store, buffering_interval=0, clock=clock)
    stream.put_record(b"a")
    clock.advance(1)
    assert not store.objects
    store.script = iter(())
    stream.flush()

    assert contents(store) == [b"a"]


def test_closing_writes_what_is_buffered(clock: ManualClock) -> None:
    store = MemoryStore()
    with DeliveryStream("events", store, clock=clock) as stream:
        stream.put_record(b"a")
    stream.close()  # twice does nothing

    assert contents(store) == [b"a"]
    assert not clock.pending()


def test_what_cannot_be_written_at_closing_is_kept_and_said(clock: ManualClock) -> None:
    store = Moody([FULL, FULL])
    stream = DeliveryStream("events", store, buffering_interval=1, clock=clock)
    stream.put_record(b"a")
    clock.advance(1)
    stream.put_record(b"b")
    with pytest.raises(ObjectNotWritten, match="2 objects") as caught:
        stream.close()

    assert caught.value.operation == "close"
    assert "undelivered" in caught.value.help
    assert stream.closed
    assert [data for _, data in stream.undelivered] == [b"a", b"b"]
    stream.close()  # twice does nothing
    assert clock.advance_to_next() is None
    assert "2 undelivered" in repr(stream)


def test_flush_writes_what_a_closed_one_has_kept(clock: ManualClock) -> None:
    store = Moody([FULL, FULL])
    stream = DeliveryStream("events", store, clock=clock)
    stream.put_record(b"a")
    for call in (stream.close, stream.flush):
        with pytest.raises(ObjectNotWritten):
            call()
    stream.flush()

    assert stream.undelivered == []
    assert contents(store) == [b"a"]


@pytest.mark.parametrize("close", [False, True])
def test_who_flushes_waits_for_the_thread_that_writes(close: bool) -> None:
    with SystemClock() as clock:
        store = Gated()
        stream = DeliveryStream("events", store, buffering_interval=0, clock=clock)
        stream.put_record(b"a")
        assert store.begun.wait(PATIENCE_S)
        stream.put_record(b"b")
        timer = threading.Timer(0.02, store.gate.set)
        timer.start()
        (stream.close if close else stream.flush)()
        timer.join()

        assert contents(store) == [b"a", b"b"]
        stream.close()


def test_a_thread_that_puts_waits_for_no_write() -> None:
    with SystemClock() as clock:
        store = Gated()
        stream = DeliveryStream("events", store, buffering_size=1, clock=clock)
        for _ in range(5):
            stream.put_record(bytes(1_024_000))
            stream.put_record(b"")
        assert not store.objects
        store.gate.set()
        stream.close()

        assert stream.stats().records == 10


def test_one_write_at_a_time() -> None:
    clock = SystemClock()

    class Counting(MemoryStore):
        at_work = most = 0

        def put(self, key: str, data: bytes) -> None:
            self.at_work += 1
            self.most = max(self.most, self.at_work)
            clock.sleep(0.001)
            super().put(key, data)
            self.at_work -= 1

    with clock:
        store = Counting()
        stream = DeliveryStream("events", store, buffering_interval=0, clock=clock)
        threads = [threading.Thread(target=lambda: [stream.put_record(b"a") for _ in range(20)]) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        stream.close()

        assert store.most == 1
        assert b"".join(contents(store)) == b"a" * 60


@pytest.mark.parametrize("operation", ["flush", "close"])
def test_a_store_may_call_back(clock: ManualClock, operation: str) -> None:
    store = Calling()
    stream = DeliveryStream("events", store, clock=clock)

    def call() -> None:
        stream.put_record(b"b")
        getattr(stream, operation)()  # cannot wait for itself

    store.call = call
    stream.put_record(b"a")
    stream.flush()

    assert contents(store) == [b"a", b"b"]
    assert stream.closed == (operation == "close")


def test_a_lost_acknowledgement_has_the_object_written_again_under_the_same_key(clock: ManualClock) -> None:
    store = Moody()
    stream = DeliveryStream(
        "events", store, buffering_interval=0, clock=clock, faults=Faults(lost_acknowledgement_rate=0.5, seed=3)
    )
    for _ in range(20):
        stream.put_record(b"a")
        clock.advance(120)

    assert len(store) == 20
    assert len(store.tries) > 20
    assert stream.stats().failed_writes == len(store.tries) - 20
    assert stream.stats().objects == 20


def test_ctrl_c_in_a_write_has_it_written_again(clock: ManualClock) -> None:
    store = Moody([KeyboardInterrupt()])
    stream = DeliveryStream("events", store, buffering_interval=0, clock=clock)
    with pytest.raises(KeyboardInterrupt):
        stream.put_record(b"a")
    assert stream.stats().waiting_objects == 1
    clock.settle()

    assert contents(store) == [b"a"]
    assert len({key for key, _ in store.tries}) == 1
    assert stream.stats().failed_writes == 0


def test_ctrl_c_while_it_is_closed_loses_nothing(clock: ManualClock) -> None:
    store = Moody([KeyboardInterrupt()])
    stream = DeliveryStream("events", store, clock=clock)
    stream.put_record(b"a")
    with pytest.raises(KeyboardInterrupt):
        stream.close()
    stream.close()

    assert contents(store) == [b"a"]


def test_on_a_closed_clock_flush_and_close_still_write() -> None:
    clock = SystemClock()
    store = MemoryStore()
    stream = DeliveryStream("events", store, buffering_interval=900, clock=clock)
    stream.put_record(b"a")
    clock.close()
    stream.put_record(b"b")
    stream.flush()
    stream.put_record(b"c")
    stream.close()

    assert contents(store) == [b"ab", b"c"]


def test_a_put_that_comes_before_the_deadlines_callback_does_not_join_the_old_object() -> None:
    """
    On a system clock the thread that keeps the time may be late; here it is closed.
    """
    now = [0]
    clock = SystemClock(host=lambda: now[0])
    store = MemoryStore()
    stream = DeliveryStream("events", store, buffering_interval=60, clock=clock)
    stream.put_record(b"a")
    clock.close()
    now[0] += 60_000_000_000
    stream.put_record(b"b")
    stream.close()

    assert contents(store) == [b"a", b"b"]


def test_seeds_repeat_ids_and_keys() -> None:
    found = []
    for _ in range(2):
        clock, store = ManualClock(), MemoryStore()
        stream = DeliveryStream("events", store, prefix="!{firehose:random-string}/", clock=clock, seed=5)
        ids = [stream.put_record(b"a").record_id for _ in range(3)]
        stream.close()
        found.append((ids, store.objects))

    assert found[0] == found[1]


def test_when_objects_are_complete_does_not_change_the_ids() -> None:
    found = []
    for interval in (0, 900):
        stream = DeliveryStream("events", MemoryStore(), buffering_interval=interval, clock=ManualClock(), seed=5)
        found.append([stream.put_record(b"a").record_id for _ in range(3)])

    assert found[0] == found[1]


def test_the_child_of_a_fork_starts_empty_and_with_other_keys(clock: ManualClock) -> None:
    """
    Both would write what was buffered, and different objects under one key.
    """
    store = MemoryStore()
    stream = DeliveryStream("events", store, clock=clock, seed=1)
    stream.put_record(b"a")
    stream.before_fork()
    stream.after_fork(in_child=True)
    stream.put_record(b"b")
    stream.close()
    twin = DeliveryStream("events", MemoryStore(), clock=clock, seed=1)
    twin.put_record(b"a")
    twin.close()

    assert contents(store) == [b"b"]
    assert store.objects.keys() != twin.store.objects.keys()  # type: ignore[attr-defined]


def test_the_parent_of_a_fork_goes_on_as_if_nothing_was(clock: ManualClock) -> None:
    store = MemoryStore()
    stream = DeliveryStream("events", store, clock=clock)
    stream.put_record(b"a")
    stream.before_fork()
    stream.after_fork(in_child=False)
    clock.advance(300)

    assert contents(store) == [b"a"]
