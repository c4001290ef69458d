"""
Anything at all as an argument: a typed error and nothing changed, or the right result.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from postroom import AttributeValue, DeleteEntry, ManualClock, PostroomError, Queue, SendEntry, VisibilityEntry
from postroom.errors import InvalidAttributeValue, InvalidInput, InvalidRequest

S = 1_000_000

numbers = st.one_of(
    st.integers(-5, 50),
    st.sampled_from([899, 900, 901, 43_199, 43_200, 43_201, 10**30, -(10**30)]),
    st.floats(),
    st.floats(-1, 50),
    st.timedeltas(timedelta(seconds=-2), timedelta(hours=13)),
)
junk = st.one_of(
    st.none(),
    st.booleans(),
    st.text(max_size=3),
    st.binary(max_size=3),
    st.lists(st.integers(), max_size=2),
    st.just(object()),
    st.complex_numbers(),
    st.dictionaries(st.text(max_size=2), st.text(max_size=2), max_size=1),
)
durations = st.one_of(numbers, numbers, junk)
texts = st.one_of(
    st.text(), st.text(st.characters(codec=None), max_size=3), st.sampled_from(["", "\0", "\ud800", "x" * 2_000]), junk
)
values = st.one_of(
    st.text(max_size=3),
    numbers,
    st.binary(max_size=2),
    junk,
    st.builds(
        AttributeValue, st.sampled_from(["String", "Number", "Binary", "x", "String.", "Number.a"]), st.text(max_size=3)
    ),
)
attributes = st.one_of(st.dictionaries(st.text(max_size=4), values, max_size=11), st.none(), junk)
ids = st.one_of(st.none(), st.sampled_from(["a", "b", "", "a b", "é"]), junk)
handles = st.one_of(st.sampled_from(["mine", "foreign", "gone"]), st.text(max_size=50), junk)


class Bench:
    """
    A queue with two messages in it, one of them received, and a picture of all of it.
    """

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.queue = Queue("orders", clock=self.clock, maximum_message_size=1_024)
        other = Queue("other", clock=self.clock)
        other.send_message("x")
        self.queue.send_message_batch(["gone", "mine", "there"])
        [gone, mine] = self.queue.receive_messages(max_messages=2)
        self.queue.delete_message(gone.receipt_handle)
        self.known = {
            "mine": mine.receipt_handle,
            "foreign": other.receive_messages()[0].receipt_handle,
            "gone": gone.receipt_handle,
        }

    def handle(self, given: Any) -> Any:
        return self.known.get(given, given) if isinstance(given, str) else given

    def picture(self) -> Any:
        core = self.queue._core
        core.check()
        return (
            self.queue.stats(),
            dict(core._hidden),
            set(core.delayed),
            [(entry.number, entry.position, entry.receives, entry.stored.body) for entry in core],
        )

    def is_refused(self, call: Any) -> bool:
        """
        Whether a call was refused, with everything as it was.
        """
        before = self.picture()
        refusal: InvalidRequest | None = None
        try:
            call()
        except InvalidRequest as error:
            refusal = error
        after = self.picture()
        assert not self.queue._lock.locked()
        if refusal is None:
            return False
        assert after == before
        assert (refusal.resource, bool(refusal.operation)) == ("orders", True)
        return True


def seconds(given: Any) -> float | None:
    """
    What a duration is in seconds, rounded as it is at the edge; None if it is none.
    """
    if isinstance(given, bool) or not isinstance(given, int | float | timedelta):
        return None
    if isinstance(given, timedelta):
        return given.total_seconds()
    return round(given * S) / S if math.isfinite(given * S) else None


def within(given: Any, most: int) -> bool:
    found = seconds(given)
    return found is not None and 0 <= found <= most


@given(texts, durations, attributes)
def test_a_send_is_refused_or_done(body: Any, delay: Any, extra: Any) -> None:
    bench = Bench()

    refused = bench.is_refused(lambda: bench.queue.send_message(body, delay=delay, attributes=extra))

    if not refused:
        assert delay is None or within(delay, 900)
        bench.clock.advance(900)
        got = bench.queue.receive_messages(max_messages=10)
        assert got[-1].body == body
        assert set(got[-1].attributes) == set(extra or {})
        assert got[-1].md5_of_body
    elif isinstance(body, str) and body.isascii() and body.isalnum() and len(body) < 1_000 and not extra:
        assert not within(delay, 900) or extra is not None


@given(durations, durations, st.one_of(st.integers(-1, 12), junk, st.floats()))
def test_a_receive_is_refused_or_done(timeout: Any, wait: Any, most: Any) -> None:
    bench = Bench()
    right = (
        type(most) is int
        and 1 <= most <= 10
        and (wait is None or within(wait, 20))
        and (timeout is None or within(timeout, 43_200))
    )

    refused = bench.is_refused(
        lambda: bench.queue.receive_messages(max_messages=most, wait_time=wait, visibility_timeout=timeout)
    )

    assert refused is not right
    assert bench.queue.stats().received == (2 if refused else 3)


@given(handles)
def test_a_deletion_is_refused_or_done(handle: Any) -> None:
    bench = Bench()

    refused = bench.is_refused(lambda: bench.queue.delete_message(bench.handle(handle)))

    assert refused is (handle not in ("mine", "gone"))
    assert len(bench.queue) == (1 if handle == "mine" else 2)


@given(handles, durations)
def test_a_change_of_visibility_is_refused_or_done(handle: Any, timeout: Any) -> None:
    bench = Bench()

    refused = bench.is_refused(lambda: bench.queue.change_message_visibility(bench.handle(handle), timeout))

    assert refused is not (handle == "mine" and within(timeout, 43_200))
    if not refused:
        assert bench.queue.stats().in_flight == (0 if seconds(timeout) == 0 else 1)


send_entries = st.one_of(st.builds(SendEntry, texts, durations, attributes, ids), texts)
delete_entries = st.one_of(st.builds(DeleteEntry, handles, ids), handles)
visibility_entries = st.one_of(st.builds(VisibilityEntry, handles, durations, ids), handles)


def entries_of(kind: Any) -> Any:
    return st.one_of(st.lists(kind, max_size=11), junk)


@given(entries_of(send_entries))
def test_a_batch_of_sends_is_refused_or_each_entry_succeeds_or_fails(entries: Any) -> None:
    bench = Bench()
    outcome: list[Any] = []

    if not bench.is_refused(lambda: outcome.append(bench.queue.send_message_batch(entries))):
        [found] = outcome
        assert len(found.successful) + len(found.failed) == len(entries)
        assert bench.queue.stats().sent == 3 + len(found.successful)
        assert all(isinstance(failed.error, PostroomError) for failed in found.failed)
        assert found.to_dict()


@given(entries_of(delete_entries))
def test_a_batch_of_deletions_is_refused_or_each_entry_succeeds_or_fails(entries: Any) -> None:
    bench = Bench()
    outcome: list[Any] = []
    if isinstance(entries, list):
        entries = [
            one._replace(receipt_handle=bench.handle(one.receipt_handle))
            if isinstance(one, DeleteEntry)
            else bench.handle(one)
            for one in entries
        ]

    if not bench.is_refused(lambda: outcome.append(bench.queue.delete_message_batch(entries))):
        [found] = outcome
        assert len(found.successful) + len(found.failed) == len(entries)
        assert bench.queue.stats().deleted == 1 + len(found.successful)


@given(entries_of(visibility_entries))
def test_a_batch_of_changes_is_refused_or_each_entry_succeeds_or_fails(entries: Any) -> None:
    bench = Bench()
    outcome: list[Any] = []
    if isinstance(entries, list):
        entries = [
            one._replace(receipt_handle=bench.handle(one.receipt_handle)) if isinstance(one, VisibilityEntry) else one
            for one in entries
        ]

    if not bench.is_refused(lambda: outcome.append(bench.queue.change_message_visibility_batch(entries))):
        [found] = outcome
        assert len(found.successful) + len(found.failed) == len(entries)


@given(st.one_of(junk, st.integers(-2, 5), st.floats()))
def test_a_look_is_refused_or_done(most: Any) -> None:
    bench = Bench()

    assert bench.is_refused(lambda: bench.queue.peek(most)) is not (type(most) is int and most >= 1)


@given(st.one_of(junk, st.integers()), st.one_of(junk, st.integers(), st.floats()))
def test_a_registration_is_refused_or_done(callback: Any, until: Any) -> None:
    bench = Bench()
    called: list[int] = []
    right = until is None or type(until) is int

    assert bench.is_refused(lambda: bench.queue.when_ready(callback, None))
    assert bench.is_refused(lambda: bench.queue.when_ready(lambda: called.append(1), until)) is not right
    assert called == [1] * right


@given(st.one_of(junk, st.text()))
def test_any_message_id_is_explained(message_id: Any) -> None:
    bench = Bench()
    if isinstance(message_id, str):
        assert bench.queue.explain(message_id).startswith("unknown")
    else:
        assert bench.is_refused(lambda: bench.queue.explain(message_id))


SETTINGS = {
    "visibility_timeout": 43_200,
    "delay": 900,
    "retention": 1_209_600,
    "receive_message_wait_time": 20,
    "maximum_message_size": 1_048_576,
}


@given(st.sampled_from(sorted(SETTINGS)), durations)
def test_a_setting_is_refused_or_shown(name: str, given: Any) -> None:
    settings: dict[str, Any] = {name: given}
    try:
        queue = Queue("orders", clock=ManualClock(), **settings)
    except (InvalidAttributeValue, InvalidInput):
        assert not within(given, SETTINGS[name]) or name in ("retention", "maximum_message_size")
    else:
        if name == "maximum_message_size" and given is None:
            given = SETTINGS[name]
        assert within(given, SETTINGS[name])
        assert getattr(queue, name) == seconds(given)


@given(texts, st.one_of(junk, st.integers(-1, 1_002), st.floats()))
def test_a_name_and_a_budget_are_refused_or_shown(name: Any, budget: Any) -> None:
    clock = ManualClock()
    try:
        queue = Queue(name, clock=clock, dead_letter_queue=Queue("dead", clock=clock), max_receive_count=budget)
    except InvalidRequest:
        pass
    else:
        assert (queue.name, queue.max_receive_count) == (name, budget)
