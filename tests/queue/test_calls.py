"""
The calls of a queue, but for waiting: what they return, what they refuse and in which words, and that the clock's time is theirs.
"""

from __future__ import annotations

import json
import math
import pickle
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest

from postroom import AttributeValue, DeleteEntry, Faults, Limits, ManualClock, Queue, SendEntry, VisibilityEntry
from postroom.errors import (
    BatchEntryIdsNotDistinct,
    InvalidAttributeValue,
    InvalidInput,
    InvalidMessageContents,
    InvalidParameterValue,
    NotSupported,
    OverLimit,
    PostroomError,
    ReceiptHandleIsInvalid,
    ResourceClosed,
)
from postroom.message import FrozenAttributes, Parcel, attributes_size, body_size, to_attributes
from postroom.observe import Destination, Standalone

S = 1_000_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def queue(clock: ManualClock) -> Queue:
    return Queue("orders", clock=clock, seed=1)


def bodies(queue: Queue, **how: Any) -> list[str]:
    return [message.body for message in queue.receive_messages(**{"max_messages": 10, **how})]


# Deadlines, to the microsecond.


@pytest.mark.parametrize("timeout", [30, 0.1, 43_200, timedelta(minutes=2), 0.000_001])
def test_a_visibility_timeout_ends_on_the_microsecond(clock: ManualClock, timeout: Any) -> None:
    queue = Queue("orders", clock=clock, visibility_timeout=timeout)
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    queue.send_message("2 x tea")
    queue.receive_messages()

    clock.advance_to((clock.now_us() + round(seconds * S) - 1) / S)
    assert bodies(queue) == []
    clock.advance(0.000_001)
    assert bodies(queue) == ["2 x tea"]


def test_a_deadline_reached_in_steps_is_the_same_instant(clock: ManualClock) -> None:
    """
    Three steps of 0.1 s are 0.3 s, whatever floats say.
    """
    queue = Queue("orders", clock=clock, visibility_timeout=0.3)
    queue.send_message("2 x tea")
    queue.receive_messages()

    for _ in range(3):
        assert bodies(queue) == []
        clock.advance(0.1)

    assert bodies(queue) == ["2 x tea"]


@pytest.mark.parametrize(
    ("of_queue", "of_call", "seconds"), [(0, None, 0), (5, None, 5), (5, 0, 0), (5, 9, 9), (0, 900, 900)]
)
def test_the_delay_of_a_call_beats_that_of_the_queue(
    clock: ManualClock, of_queue: float, of_call: float | None, seconds: float
) -> None:
    queue = Queue("orders", clock=clock, delay=of_queue)

    queue.send_message("2 x tea", delay=of_call)

    if seconds:
        clock.advance(seconds - 0.000_001)
        assert bodies(queue) == []
        clock.advance(0.000_001)
    assert bodies(queue) == ["2 x tea"]


@pytest.mark.parametrize("elapsed", [43_199.999_999, 43_200])
def test_a_receipt_handle_is_good_for_12_hours(queue: Queue, clock: ManualClock, elapsed: float) -> None:
    queue.send_message("2 x tea")
    [message] = queue.receive_messages()
    clock.advance(elapsed)

    if elapsed < 43_200:
        queue.delete_message(message.receipt_handle)
        assert len(queue) == 0
    else:
        with pytest.raises(InvalidParameterValue, match=r"Reason: The receipt handle has expired\."):
            queue.delete_message(message.receipt_handle)
        with pytest.raises(InvalidParameterValue, match=r"Reason: The receipt handle has expired\."):
            queue.change_message_visibility(message.receipt_handle, 0)
        assert len(queue) == 1


@pytest.mark.parametrize(
    ("elapsed", "timeout", "passes"),
    [(0, 43_200, True), (5, 43_195, True), (5, 43_195.000_001, False), (0.000_001, 43_200, False), (43_199, 1, True)],
)
def test_all_timeouts_of_one_receive_end_within_12_hours(
    queue: Queue, clock: ManualClock, elapsed: float, timeout: float, passes: bool
) -> None:
    queue.send_message("2 x tea")
    [message] = queue.receive_messages()
    clock.advance(elapsed)

    if passes:
        queue.change_message_visibility(message.receipt_handle, timeout)
    else:
        with pytest.raises(InvalidParameterValue, match=r"beyond the limit \[43200 seconds\]"):
            queue.change_message_visibility(message.receipt_handle, timeout)
        before = queue.explain(message.message_id)
        assert "in flight" in before


def test_the_12_hours_begin_with_each_receive(queue: Queue, clock: ManualClock) -> None:
    queue.send_message("2 x tea")
    queue.receive_messages()
    clock.advance(40_000)
    [message] = queue.receive_messages()

    queue.change_message_visibility(message.receipt_handle, 43_200)

    clock.advance(43_199)
    assert bodies(queue) == []


def test_a_duration_is_shown_in_seconds_in_an_error(queue: Queue, clock: ManualClock) -> None:
    queue.send_message("2 x tea")
    [message] = queue.receive_messages()
    clock.advance(1)

    with pytest.raises(InvalidParameterValue, match="Value 43200 for parameter VisibilityTimeout"):
        queue.change_message_visibility(message.receipt_handle, timedelta(hours=12))
    with pytest.raises(InvalidParameterValue, match="Value 12345678 for parameter DelaySeconds"):
        queue.send_message("x", delay=timedelta(seconds=12_345_678))
    with pytest.raises(InvalidParameterValue, match=r"Value 900\.5 for parameter DelaySeconds"):
        queue.send_message("x", delay=timedelta(seconds=900.5))


def test_a_clock_may_stand_before_1970() -> None:
    clock = ManualClock(start=-1_000)
    queue = Queue("orders", clock=clock)
    sent = queue.send_message("2 x tea")
    [message] = queue.receive_messages()

    assert (message.message_id, message.sent_timestamp) == (sent.message_id, -1_000_000)
    queue.delete_message(message.receipt_handle)
    assert len(queue) == 0


def test_a_clock_may_stand_at_the_epoch_itself() -> None:
    """
    An instant of 0 is an instant.
    """
    clock = ManualClock(start=0)
    queue = Queue("orders", clock=clock)
    queue.send_message("2 x tea")
    queue.receive_messages()
    clock.advance(30)
    [message] = queue.receive_messages()

    assert (message.sent_timestamp, message.first_receive_timestamp, message.receive_count) == (0, 0, 2)


# What a message tells.


def test_a_message_tells_what_was_sent_and_when(queue: Queue, clock: ManualClock) -> None:
    start = clock.now_us() // 1_000
    sent = queue.send_message("2 x tea", attributes={"table": 7, "photo": b"x"})
    clock.advance(2.5)
    [first] = queue.receive_messages(visibility_timeout=0)
    clock.advance(1)
    [again] = queue.receive_messages()

    assert first.to_dict() == {
        "message_id": sent.message_id,
        "receipt_handle": first.receipt_handle,
        "body": "2 x tea",
        "md5_of_body": "efe4fae0b22969b5996157477ea0087d",
        "attributes": {
            "table": {"data_type": "Number", "value": "7"},
            "photo": {"data_type": "Binary", "value": b"x"},
        },
        "md5_of_attributes": sent.md5_of_attributes,
        "receive_count": 1,
        "sent_timestamp": start,
        "first_receive_timestamp": start + 2_500,
        "sender_id": "AIDAPOSTROOMSENDER000",
        "message_group_id": None,
        "message_deduplication_id": None,
        "sequence_number": None,
        "dead_letter_queue_source_arn": None,
        "aws_trace_header": None,
    }
    assert (again.receive_count, again.first_receive_timestamp) == (2, start + 2_500)
    assert again.receipt_handle != first.receipt_handle
    kept = ("message_id", "md5_of_body", "md5_of_attributes", "sequence_number")
    assert sent.to_dict() == {**{key: first.to_dict()[key] for key in kept}, "md5_of_system_attributes": None}


def test_results_never_change(queue: Queue, clock: ManualClock) -> None:
    """
    Not even when the message is received again.
    """
    attributes = {"table": 7}
    sent = queue.send_message("2 x tea", attributes=attributes)
    attributes["table"] = 8
    [message] = queue.receive_messages(visibility_timeout=0)
    kept = message.to_dict()
    queue.receive_messages()
    clock.advance(1)

    assert message.to_dict() == kept
    for result, name in [(message, "body"), (message, "receive_count"), (sent, "message_id"), (queue.stats(), "sent")]:
        with pytest.raises(AttributeError):
            setattr(result, name, None)
    with pytest.raises(AttributeError):
        message.note = "mine"  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        message.attributes["table"] = AttributeValue("Number", "9")  # type: ignore[index]


def test_results_pickle_and_compare(queue: Queue) -> None:
    sent = queue.send_message("2 x tea", attributes={"table": 7})
    batch = queue.send_message_batch(["a", "\0"])
    [message] = queue.receive_messages()
    results: list[Any] = [sent, message, queue.stats(), queue.peek()[0], batch.successful[0].result]

    for result in results:
        copy = pickle.loads(pickle.dumps(result))
        assert copy == result
        assert hash(copy) == hash(result)
        assert copy.to_dict() == result.to_dict()
    again = pickle.loads(pickle.dumps(batch))
    assert again.to_dict() == batch.to_dict()
    assert again.failed[0].error.code == "InvalidMessageContents"
    assert message != sent
    assert sent != message
    assert len({sent, pickle.loads(pickle.dumps(sent)), batch.successful[0].result}) == 2


def test_results_become_json(queue: Queue) -> None:
    queue.send_message("2 x tea", attributes={"table": 7})
    [message] = queue.receive_messages()
    outcome = queue.send_message_batch(["a", "\0"])

    assert json.loads(json.dumps(message.to_dict()))["body"] == "2 x tea"
    assert json.loads(json.dumps(queue.stats().to_dict()))["sent"] == 2
    assert json.loads(json.dumps(outcome.to_dict()))["failed"][0]["code"] == "InvalidMessageContents"
    assert queue.delete_message_batch([message.receipt_handle]).to_dict() == {"successful": [{"id": "0"}], "failed": []}


def test_reprs_tell() -> None:
    clock = ManualClock()
    queue = Queue("orders", clock=clock, seed=1)
    sent = queue.send_message("2 x tea")
    queue.send_message("x" * 100)
    queue.send_message("later", delay=60)
    messages = queue.receive_messages(max_messages=2)

    assert repr(queue) == "<Queue orders: 0 available, 2 in flight, 1 delayed>"
    assert repr(sent) == f"<SentMessage {sent.message_id}>"
    assert repr(messages[0]) == f"<Message {sent.message_id} '2 x tea', received 1 time>"
    assert repr(messages[1]).endswith(f"'{'x' * 37}...', received 1 time>")
    assert str(queue) == "queue orders"
    assert repr(queue.aio)


def test_a_queue_without_messages_is_still_a_queue(queue: Queue) -> None:
    assert bool(queue)
    assert len(queue) == 0


def test_a_queue_shows_its_settings(clock: ManualClock) -> None:
    dead = Queue("dead", clock=clock)
    queue = Queue(
        "orders",
        clock=clock,
        visibility_timeout=timedelta(minutes=1),
        delay=0.5,
        retention=60,
        receive_message_wait_time=20,
        maximum_message_size=1_024,
        dead_letter_queue=dead,
        max_receive_count=3,
    )

    assert (queue.visibility_timeout, queue.delay, queue.retention) == (60, 0.5, 60)
    assert (queue.receive_message_wait_time, queue.maximum_message_size) == (20, 1_024)
    assert (queue.dead_letter_queue, queue.max_receive_count) == (dead, 3)
    assert (queue.name, queue.arn) == ("orders", "arn:aws:sqs:us-east-1:123456789012:orders")
    assert queue.clock is clock
    assert isinstance(queue, Destination)


def test_two_queues_of_one_name_are_two_queues(clock: ManualClock) -> None:
    one, other = Queue("orders", clock=clock), Queue("orders", clock=clock)
    one.send_message("2 x tea")
    [message] = one.receive_messages()

    assert len(other) == 0
    with pytest.raises(ReceiptHandleIsInvalid, match="is not valid for this queue"):
        other.delete_message(message.receipt_handle)


def test_the_same_seed_gives_the_same_ids_and_handles() -> None:
    def run(seed: int) -> list[str]:
        queue = Queue("orders", clock=ManualClock(), seed=seed)
        sent = [queue.send_message(body).message_id for body in "abc"]
        return sent + [message.receipt_handle for message in queue.receive_messages(max_messages=10)]

    assert run(5) == run(5)
    assert run(5) != run(6)


def test_a_queue_of_a_region_has_its_clock_and_seed(clock: ManualClock) -> None:
    home = Standalone(clock, 1, account="111111111111", region_name="eu-west-1")

    assert Queue("orders", home=home).arn == "arn:aws:sqs:eu-west-1:111111111111:orders"
    for given in ({"clock": clock}, {"seed": 1}):
        with pytest.raises(InvalidInput):
            Queue("orders", home=home, **given)


# Batches.


def test_a_batch_tells_what_became_of_each_entry_in_order(queue: Queue) -> None:
    outcome = queue.send_message_batch(
        ["a", SendEntry("", id="empty"), SendEntry("c", id="c"), "\0", SendEntry("e", delay=901)]
    )

    assert [(success.id, success.result.md5_of_body[:4]) for success in outcome.successful] == [
        ("0", "0cc1"), ("c", "4a8a")
    ]  # fmt: skip
    assert [(failed.id, failed.code, failed.sender_fault) for failed in outcome.failed] == [
        ("empty", "MissingParameter", True),
        ("3", "InvalidMessageContents", True),
        ("4", "InvalidParameterValue", True),
    ]
    assert bodies(queue) == ["a", "c"]
    with pytest.raises(ExceptionGroup, match="3 of 5 batch entries failed") as caught:
        outcome.raise_for_failures()
    assert [type(error) for error in caught.value.exceptions][1] is InvalidMessageContents


def test_a_batch_without_failures_raises_nothing(queue: Queue) -> None:
    queue.send_message_batch(["a"]).raise_for_failures()


def test_a_batch_deletes_and_changes_what_it_can(queue: Queue) -> None:
    queue.send_message_batch(["a", "b", "c"])
    a, b, c = (message.receipt_handle for message in queue.receive_messages(max_messages=10))

    changed = queue.change_message_visibility_batch(
        [VisibilityEntry(a, 0, id="a"), VisibilityEntry("junk", 0, id="junk"), VisibilityEntry(b, 50_000, id="b")]
    )
    deleted = queue.delete_message_batch([DeleteEntry(b, id="b"), "junk", c])

    assert [one.id for one in changed.successful] == ["a"]
    assert [(one.id, one.code) for one in changed.failed] == [
        ("junk", "ReceiptHandleIsInvalid"),
        ("b", "InvalidParameterValue"),
    ]
    assert [one.id for one in deleted.successful] == ["b", "2"]
    assert [(one.id, one.code) for one in deleted.failed] == [("1", "ReceiptHandleIsInvalid")]
    assert bodies(queue) == ["a"]


def test_a_refused_batch_does_nothing(queue: Queue) -> None:
    entries = [SendEntry("a", id="x"), SendEntry("b", id="x")]
    with pytest.raises(BatchEntryIdsNotDistinct):
        queue.send_message_batch(entries)
    with pytest.raises(
        InvalidInput, match=r"is no entry of this batch call(.|\n)*Give SendEntry\(…\) objects, or str\."
    ):
        queue.send_message_batch(["a", {"body": "b"}])  # type: ignore[list-item]
    with pytest.raises(InvalidInput, match=r"Give VisibilityEntry\(…\) objects\."):
        queue.change_message_visibility_batch(["a"])  # type: ignore[list-item]

    assert len(queue) == 0


@pytest.mark.parametrize("entries", ["2 x tea", b"2 x tea", 5, None])
def test_a_batch_is_a_list_and_one_text_is_none(queue: Queue, entries: Any) -> None:
    """
    A `str` would be read as a list of its characters.
    """
    for call in (queue.send_message_batch, queue.delete_message_batch, queue.change_message_visibility_batch):
        with pytest.raises(InvalidInput, match="The entries of a batch call must be a list"):
            call(entries)
    assert len(queue) == 0


def test_a_batch_may_be_any_iterable(queue: Queue) -> None:
    queue.send_message_batch(body for body in "ab")

    assert bodies(queue) == ["a", "b"]


def test_an_entry_without_id_may_clash_with_an_id_that_looks_like_its_index(queue: Queue) -> None:
    with pytest.raises(BatchEntryIdsNotDistinct, match=r"Id 1 repeated\."):
        queue.send_message_batch([SendEntry("a", id="1"), "b"])


def test_an_error_of_what_a_batch_makes_due_is_no_failure_of_an_entry(queue: Queue, clock: ManualClock) -> None:
    """
    A handler that fails while the batch is sent: every entry went through, and the error reaches who drives the clock.
    """
    queue.when_ready(lambda: clock.hand_over(InvalidParameterValue("the handler failed")))
    with pytest.raises(InvalidParameterValue, match="the handler failed"):
        queue.send_message_batch(["a", "b"])
    assert bodies(queue) == ["a", "b"]


# Looking.


def test_looking_leaves_a_message_as_it_is(queue: Queue) -> None:
    queue.send_message("2 x tea")
    queue.send_message("later", delay=5)

    [message] = queue.peek()
    assert (message.body, message.receipt_handle, message.receive_count) == ("2 x tea", "", 0)
    assert queue.peek() == [message]
    assert queue.stats().received == 0
    with pytest.raises(ReceiptHandleIsInvalid):
        queue.delete_message(message.receipt_handle)


@pytest.mark.parametrize("most", [0, -1, 1.5, True, "1", None])
def test_looking_for_less_than_one_message_is_refused(queue: Queue, most: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        queue.peek(most)
    assert (caught.value.operation, caught.value.resource) == ("peek", "orders")


def test_the_figures(queue: Queue, clock: ManualClock) -> None:
    queue.send_message_batch(["a", "b", "c"])
    queue.send_message("d", delay=60)
    handles = [message.receipt_handle for message in queue.receive_messages(max_messages=2)]
    queue.delete_message(handles[0])
    queue.delete_message(handles[0])
    clock.advance(12)

    assert queue.stats().to_dict() == {
        "available": 1, "in_flight": 1, "delayed": 1, "oldest_age": 12.0, "sent": 4, "received": 2,
        "empty_receives": 0, "deleted": 2, "dead_lettered": 0, "expired": 0,
        "purged": 0, "deduplicated": 0,
    }  # fmt: skip
    assert len(queue) == 3


def test_each_message_explains_itself(clock: ManualClock) -> None:
    dead = Queue("dead", clock=clock)
    queue = Queue("orders", clock=clock, dead_letter_queue=dead, max_receive_count=2, retention=90)
    ids = {body: queue.send_message(body, delay=5 if body == "delayed" else 0).message_id for body in ("a", "delayed")}
    told = [queue.explain(ids["a"]), queue.explain(ids["delayed"])]
    queue.receive_messages()
    clock.advance(10)
    told += [queue.explain(ids["a"])]
    queue.receive_messages()
    clock.advance(20)
    queue.receive_messages()
    clock.advance(30)
    told += [queue.explain(ids["a"])]
    queue.receive_messages()
    told += [queue.explain(ids["a"]), dead.explain(ids["a"]), queue.explain("nobody")]
    clock.advance(40)
    told += [queue.explain(ids["delayed"])]

    assert told == [
        "available: sent 0.0 s ago, received never",
        "delayed: available in 5.0 s",
        "in flight: received 10.0 s ago by receipt …1xAhIAAA, visible again in 20.0 s",
        "available, but used up: received 2 times, limit 2; the next receive moves it to the dead-letter queue",
        "dead-lettered 0.0 s ago: received 2 times, limit 2",
        "available: sent 00:01:00 ago, received 2 times",
        "unknown: the queue orders does not hold it, and it is not among the last that left",
        "expired 10.0 s ago: received 2 times",
    ]


# What falls due, for the clock.


def test_the_clock_is_told_what_falls_due(queue: Queue, clock: ManualClock) -> None:
    queue.send_message("a")
    queue.send_message("b", delay=5)
    queue.receive_messages()

    assert [str(due) for due in clock.pending()] == [
        "2024-01-01 00:00:05  queue orders: 1 delayed, the first is available then",
        "2024-01-01 00:00:30  queue orders: 1 in flight, the first is visible again then",
        "2024-01-05 00:00:00  queue orders: 2 held, the oldest expires then",
    ]
    assert [clock.advance_to_next() for _ in range(3)] == [1_704_067_205, 1_704_067_230, 1_704_412_800]
    assert clock.advance_to_next() is None


def test_a_queue_that_nobody_holds_is_forgotten_by_its_clock(clock: ManualClock) -> None:
    Queue("orders", clock=clock).send_message("2 x tea")

    assert clock.pending() == []


# Closing.


def test_a_closed_queue_takes_no_call_and_says_which() -> None:
    with Queue("orders", clock=ManualClock()) as queue:
        queue.send_message("2 x tea")
        [message] = queue.receive_messages()
    handle = message.receipt_handle
    calls: dict[str, Any] = {
        "send_message": lambda: queue.send_message("x"),
        "send_message_batch": lambda: queue.send_message_batch(["x"]),
        "receive_messages": queue.receive_messages,
        "delete_message": lambda: queue.delete_message(handle),
        "delete_message_batch": lambda: queue.delete_message_batch([handle]),
        "change_message_visibility": lambda: queue.change_message_visibility(handle, 0),
        "change_message_visibility_batch": lambda: queue.change_message_visibility_batch([VisibilityEntry(handle, 0)]),
        "peek": queue.peek,
        "when_ready": lambda: queue.when_ready(print),
        "deliver": lambda: queue.deliver(Parcel("x")),
    }

    for operation, call in calls.items():
        with pytest.raises(ResourceClosed, match="The queue orders is closed") as caught:
            call()
        assert (caught.value.operation, caught.value.resource) == (operation, "orders")
    assert queue.closed
    assert repr(queue) == "<Queue orders: closed, 1 in flight, 0 delayed>"
    assert (len(queue), queue.stats().in_flight) == (1, 1)


def test_closing_twice_does_nothing(queue: Queue) -> None:
    queue.close()
    queue.close()

    assert queue.closed


def test_a_closed_queue_is_nothing_the_clock_waits_for(queue: Queue, clock: ManualClock) -> None:
    queue.send_message("2 x tea", delay=5)
    queue.close()

    assert clock.pending() == []
    assert clock.advance_to_next() is None


# What is refused, and in which words.


def faults_of_calls(queue: Queue) -> list[tuple[str, type[PostroomError], Any]]:
    handle = Queue("other", clock=queue.clock)
    handle.send_message("x")
    foreign = handle.receive_messages()[0].receipt_handle
    return [
        ("send_message", InvalidInput, lambda: queue.send_message(5)),  # type: ignore[arg-type]
        ("send_message", InvalidMessageContents, lambda: queue.send_message("\0")),
        ("send_message", InvalidParameterValue, lambda: queue.send_message("x", delay=-1)),
        ("send_message", InvalidInput, lambda: queue.send_message("x", delay=math.nan)),
        ("send_message", InvalidInput, lambda: queue.send_message("x", attributes=0)),  # type: ignore[arg-type]
        ("send_message", InvalidInput, lambda: queue.send_message("x", attributes=[])),  # type: ignore[arg-type]
        ("send_message", InvalidParameterValue, lambda: queue.send_message("x", attributes={"": "x"})),
        ("receive_messages", InvalidParameterValue, lambda: queue.receive_messages(max_messages=0)),
        ("receive_messages", InvalidInput, lambda: queue.receive_messages(max_messages=True)),
        ("receive_messages", InvalidParameterValue, lambda: queue.receive_messages(wait_time=21)),
        ("receive_messages", InvalidParameterValue, lambda: queue.receive_messages(visibility_timeout=-1)),
        ("delete_message", ReceiptHandleIsInvalid, lambda: queue.delete_message("junk")),
        ("delete_message", ReceiptHandleIsInvalid, lambda: queue.delete_message(foreign)),
        ("delete_message", InvalidInput, lambda: queue.delete_message(None)),  # type: ignore[arg-type]
        ("change_message_visibility", ReceiptHandleIsInvalid, lambda: queue.change_message_visibility("junk", 5)),
        ("change_message_visibility", InvalidParameterValue, lambda: queue.change_message_visibility("junk", 43_201)),
        ("change_message_visibility", InvalidInput, lambda: queue.change_message_visibility("junk", math.inf)),
        ("send_message_batch", InvalidInput, lambda: queue.send_message_batch([SendEntry("x", id=5)])),  # type: ignore[arg-type]
        ("send_message_batch", PostroomError, lambda: queue.send_message_batch([])),
        ("send_message_batch", PostroomError, lambda: queue.send_message_batch(["x" * 600_000] * 2)),
        ("delete_message_batch", PostroomError, lambda: queue.delete_message_batch(["x"] * 11)),
        ("change_message_visibility_batch", PostroomError, lambda: queue.change_message_visibility_batch([])),
    ]


def test_every_error_says_what_was_called_and_on_what(queue: Queue) -> None:
    for operation, kind, call in faults_of_calls(queue):
        with pytest.raises(kind) as caught:
            call()
        error = caught.value
        assert (error.operation, error.resource) == (operation, "orders")
        assert error.code
        assert error.aws_message
        assert isinstance(error, ValueError)
        assert pickle.loads(pickle.dumps(error)).operation == operation
    assert len(queue) == 0


def test_the_error_of_a_failed_entry_says_it_too(queue: Queue) -> None:
    failed = [
        *queue.send_message_batch([""]).failed,
        *queue.delete_message_batch(["junk"]).failed,
        *queue.change_message_visibility_batch([VisibilityEntry("junk", 5)]).failed,
    ]

    assert [(one.error.operation, one.error.resource) for one in failed] == [
        ("send_message_batch", "orders"),
        ("delete_message_batch", "orders"),
        ("change_message_visibility_batch", "orders"),
    ]


@pytest.mark.parametrize(("callback", "until"), [(None, None), (5, None), (print, "x"), (print, 1.5), (print, True)])
def test_waiting_with_something_that_cannot_be_called_is_refused(queue: Queue, callback: Any, until: Any) -> None:
    with pytest.raises(InvalidInput):
        queue.when_ready(callback, until)
    assert not queue._waiters


@pytest.mark.parametrize(
    ("setting", "value", "error"),
    [
        ("name", "", InvalidParameterValue),
        ("name", None, InvalidInput),
        ("name", "a b", InvalidParameterValue),
        ("name", "a" * 81, InvalidParameterValue),
        ("name", "orders.fifo", InvalidParameterValue),
        ("visibility_timeout", -1, InvalidAttributeValue),
        ("visibility_timeout", 43_200.000_001, InvalidAttributeValue),
        ("visibility_timeout", True, InvalidInput),
        ("visibility_timeout", "30", InvalidInput),
        ("delay", 901, InvalidAttributeValue),
        ("delay", math.nan, InvalidInput),
        ("retention", 59, InvalidAttributeValue),
        ("retention", timedelta(days=15), InvalidAttributeValue),
        ("receive_message_wait_time", 21, InvalidAttributeValue),
        ("maximum_message_size", 1_023, InvalidAttributeValue),
        ("maximum_message_size", 1_048_577, InvalidAttributeValue),
        ("maximum_message_size", 2_000.0, InvalidInput),
        ("max_receive_count", 3, InvalidParameterValue),
        ("dead_letter_queue", Queue("dead", clock=ManualClock()), InvalidParameterValue),
        ("dead_letter_queue", 5, InvalidParameterValue),
    ],
)
def test_settings_out_of_range_are_refused(setting: str, value: Any, error: type[PostroomError]) -> None:
    settings: dict[str, Any] = {"name": "orders", "clock": ManualClock(), setting: value}

    with pytest.raises(error):
        Queue(**settings)


@pytest.mark.parametrize("low", [True, False])
@pytest.mark.parametrize(
    ("setting", "ends"),
    [
        ("visibility_timeout", (0, 43_200)),
        ("delay", (0, 900)),
        ("retention", (60, 1_209_600)),
        ("receive_message_wait_time", (0, 20)),
        ("maximum_message_size", (1_024, 1_048_576)),
    ],
)
def test_settings_at_the_ends_of_their_range_are_accepted(setting: str, ends: tuple[int, int], low: bool) -> None:
    settings: dict[str, Any] = {setting: ends[not low]}

    assert getattr(Queue("orders", clock=ManualClock(), **settings), setting) == ends[not low]


@pytest.mark.parametrize(
    ("count", "error"),
    [(0, InvalidParameterValue), (1_001, InvalidParameterValue), (True, InvalidInput), ("3", InvalidInput)],
)
def test_a_budget_of_receives_out_of_range_is_refused(clock: ManualClock, count: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Queue("orders", clock=clock, dead_letter_queue=Queue("dead", clock=clock), max_receive_count=count)


def test_something_that_is_no_queue_cannot_take_dead_letters(clock: ManualClock) -> None:
    with pytest.raises(InvalidInput, match="is no queue"):
        Queue("orders", clock=clock, dead_letter_queue=object(), max_receive_count=1)  # type: ignore[arg-type]


def test_what_is_missing_is_refused_by_name(queue: Queue) -> None:
    with pytest.raises(NotSupported, match=r"MessageSystemAttributes is not there.\n  Give system_attributes"):
        queue.send_message("x", message_system_attributes={})  # type: ignore[arg-type]
    with pytest.raises(InvalidParameterValue, match="parameter that is not valid for this queue type"):
        queue.send_message("x", message_deduplication_id="a")  # type: ignore[arg-type]
    with pytest.raises(NotSupported, match="ReceiveRequestAttemptId is not there"):
        queue.receive_messages(receive_request_attempt_id="a")  # type: ignore[arg-type]
    with pytest.raises(NotSupported, match="Policy is not there"):
        Queue("orders", policy="{}")  # type: ignore[arg-type]

    assert len(queue) == 0


def test_what_aws_does_not_know_either_is_a_type_error(queue: Queue) -> None:
    with pytest.raises(TypeError, match=r"send_message\(\) got an unexpected keyword argument 'prority'"):
        queue.send_message("x", prority=1)  # type: ignore[arg-type]


# Too much in flight.


@pytest.fixture
def small(clock: ManualClock) -> Queue:
    return Queue("orders", clock=clock, limits=Limits(in_flight=3))


def test_at_the_ceiling_a_short_poll_is_refused_and_a_long_one_waits(small: Queue) -> None:
    queue = small
    queue.send_message_batch(["a", "b", "c", "d"])
    messages = queue.receive_messages(max_messages=3)

    with pytest.raises(OverLimit, match="Too many messages have been received") as caught:
        queue.receive_messages()
    assert (caught.value.operation, caught.value.resource) == ("receive_messages", "orders")
    assert bodies(queue, wait_time=20) == []
    assert queue.take(1) == []
    queue.delete_message(messages[0].receipt_handle)
    assert bodies(queue) == ["d"]


def test_at_the_ceiling_a_long_poll_gets_what_becomes_free(small: Queue, clock: ManualClock) -> None:
    queue = small
    queue.send_message_batch(["a", "b", "c", "d"])
    messages = queue.receive_messages(max_messages=3, visibility_timeout=60)
    clock.call_at(clock.now_us() + 5 * S, lambda: queue.delete_message(messages[0].receipt_handle))

    assert bodies(queue, wait_time=20) == ["d"]


def test_what_is_visible_again_is_not_in_the_way(small: Queue, clock: ManualClock) -> None:
    """
    A short poll after the timeouts ended finds the messages, though nobody noticed yet that they ended.
    """
    queue = small
    queue.send_message_batch(["a", "b", "c"])
    queue.receive_messages(max_messages=3)
    clock.advance(30)

    assert bodies(queue) == ["a", "b", "c"]


# Duplicates on purpose.


def test_a_plan_of_duplicates_delivers_twice_and_each_receive_has_its_handle(clock: ManualClock) -> None:
    queue = Queue("orders", clock=clock, faults=Faults.script(duplicates={"orders": [True, False]}))
    queue.send_message("2 x tea")

    [first] = queue.receive_messages()
    [second] = queue.receive_messages()
    assert queue.receive_messages() == []

    assert first.message_id == second.message_id
    assert [first.receive_count, second.receive_count] == [1, 2]
    queue.delete_message(first.receipt_handle)
    queue.delete_message(second.receipt_handle)
    assert len(queue) == 0


def test_deliveries_of_the_same_seed_have_the_same_duplicates() -> None:
    def run() -> list[str]:
        queue = Queue("orders", clock=ManualClock(), faults=Faults(3, duplicate_rate=0.3))
        for number in range(30):
            queue.send_message(f"{number}")
        return [message.body for _ in range(50) for message in queue.receive_messages()]

    assert run() == run()
    assert len(run()) > 30


# As a destination.


def test_a_parcel_without_origin_is_a_new_message(clock: ManualClock) -> None:
    queue = Queue("orders", clock=clock, delay=5, maximum_message_size=1_024)
    queue.deliver(Parcel("2 x tea"))

    assert queue.stats().delayed == 1
    clock.advance(5)
    [message] = queue.receive_messages()
    assert (message.receive_count, message.dead_letter_queue_source_arn) == (1, None)
    with pytest.raises(InvalidParameterValue):
        queue.deliver(Parcel("x" * 1_025))


@pytest.mark.parametrize(
    ("body", "attributes", "error"),
    [
        ("\ud800", {}, InvalidMessageContents),
        ("tea", {"a": AttributeValue("String", "\ud800")}, InvalidParameterValue),
        ("tea", {"\ud800": AttributeValue("String", "a")}, InvalidParameterValue),
        ("tea", {"a": AttributeValue("String.\ud800", "a")}, InvalidParameterValue),
    ],
)
@pytest.mark.parametrize("source", [None, "arn:aws:sqs:us-east-1:123456789012:other"])
def test_half_a_character_is_delivered_to_no_queue(
    clock: ManualClock, body: str, attributes: dict[str, AttributeValue], error: type[Exception], source: str | None
) -> None:
    """
    Whoever receives it could not digest it, nor could the event of a function.
    """
    queue = Queue("orders", clock=clock)
    with pytest.raises(error):
        queue.send_message(body, attributes=attributes)
    with pytest.raises(error):
        queue.deliver(Parcel(body, FrozenAttributes(attributes), source_arn=source))

    assert len(queue) == 0


@pytest.mark.parametrize(("more", "fits"), [(0, True), (1, False)])
def test_what_is_delivered_counts_as_what_is_sent(clock: ManualClock, more: int, fits: bool) -> None:
    attributes = to_attributes({"n\xe9": "\u20ac", "bin": b"\x00\xff", "s": AttributeValue("String.\xe9", "x")})
    body = "\U0001f375" * 20
    size = body_size(body) + attributes_size(attributes)
    queue = Queue("orders", clock=clock, maximum_message_size=1_024)
    parcel = Parcel(body + "x" * (1_024 - size + more), attributes)
    with nullcontext() if fits else pytest.raises(InvalidParameterValue, match="shorter than 1024"):
        queue.deliver(parcel)

    assert len(queue) == fits


@pytest.mark.parametrize(
    ("given", "hint"),
    [({"delay_seconds": 5}, "'delay'"), ({"message_attributes": {}}, "'attributes'"), ({"dely": 1}, "'delay'")],
)
def test_another_spelling_is_answered_with_the_one_that_is_meant(queue: Queue, given: Any, hint: str) -> None:
    with pytest.raises(TypeError, match=f"did you mean {hint}"):
        queue.send_message("x", **given)


def test_queues_of_one_seed_have_ids_and_handles_of_their_own(clock: ManualClock) -> None:
    first, second = (Queue(name, clock=clock, seed=1) for name in ("first", "second"))
    sent = [queue.send_message("x").message_id for queue in (first, second)]
    [message] = first.receive_messages()

    assert sent[0] != sent[1]
    with pytest.raises(ReceiptHandleIsInvalid, match="is not valid for this queue"):
        second.delete_message(message.receipt_handle)


@pytest.mark.parametrize(
    "wrong", [{"clock": 5}, {"seed": "x"}, {"seed": True}, {"faults": 3}, {"faults": "no"}], ids=repr
)
def test_what_is_no_clock_seed_or_plan_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Queue("orders", **wrong)


def test_a_look_leaves_out_what_the_next_receive_would_put_aside(clock: ManualClock) -> None:
    dead = Queue("dead", clock=clock)
    queue = Queue("orders", clock=clock, dead_letter_queue=dead, max_receive_count=1)
    queue.send_message("poison")
    queue.receive_messages(visibility_timeout=0)

    assert queue.peek() == []
    assert queue.stats().available == 1
