"""
Streams as event sources: each shard in order, what failed again and again, and what is given up told of (DEL C1, C3).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from postroom import Function, ManualClock, Observation, Queue, Stream, Topic
from postroom.errors import (
    EndlessLoop,
    FunctionInvalidParameterValue,
    FunctionValidationError,
    InvalidInput,
    NotFound,
    NotSupported,
    PostroomError,
    ResourceClosed,
    ResourceConflict,
)
from postroom.limits import BATCH_PAYLOAD_MAX_BYTES
from postroom.observe import Wire
from tests.worker.desk import Broken

if TYPE_CHECKING:
    from postroom.worker import Context, EventSourceMapping

S = 1_000_000


def data_of(event: Any) -> list[str]:
    return [base64.b64decode(record["kinesis"]["data"]).decode() for record in event["Records"]]


class Belt:
    """
    A stream that feeds a function on a manual clock; its handler notes when it was called, and with what.
    """

    def __init__(
        self, work: Callable[[list[str]], object] | None = None, *, shards: int = 1, stream: Stream | None = None
    ) -> None:
        self.clock = ManualClock()
        self.start = self.clock.now_us()
        self.stream = Stream("orders", shard_count=shards, clock=self.clock)
        self.told = Queue("told", clock=self.clock)
        self.calls: list[tuple[float, list[str]]] = []
        self.events: list[Any] = []
        self.contexts: list[Context] = []
        self.seen: list[Observation] = []

        def handle(event: Any, context: Context) -> None:
            self.calls.append((self.passed(), data_of(event)))
            self.events.append(event)
            self.contexts.append(context)
            if work is not None:
                work(data_of(event))

        self.handle = handle

    def feed(self, concurrency: int | None = None, **settings: Any) -> EventSourceMapping:
        self.function = Function(self.handle, name="pack", clock=self.clock, concurrency=concurrency, seed=1)
        self.function.observe(self.seen.append)
        return self.function.add_event_source(self.stream, **{"starting_position": "TRIM_HORIZON", **settings})

    def passed(self) -> float:
        return (self.clock.now_us() - self.start) / S

    def put(self, *data: str, shard: int = 0) -> list[str]:
        """
        Puts records one by one, into one shard; their sequence numbers.
        """
        key = str(self.stream.shards[shard].hash_range.start)
        return [self.stream.put_record(one.encode(), "k", explicit_hash_key=key).sequence_number for one in data]

    def letters(self) -> list[dict[str, Any]]:
        return [json.loads(message.body) for message in self.told.receive_messages(max_messages=10)]


def fails_on(*broken: str) -> Callable[[list[str]], None]:
    def work(data: list[str]) -> None:
        for one in data:
            if one in broken:
                raise Broken(one)

    return work


# Batches.


def test_what_is_put_is_handled_before_the_put_returns() -> None:
    belt = Belt()
    belt.feed()
    belt.put("a", "b")

    assert belt.calls == [(0, ["a"]), (0, ["b"])]


def test_what_was_there_is_handled_in_batches_in_order() -> None:
    belt = Belt()
    belt.put("a", "b", "c")
    belt.feed(batch_size=2)

    assert belt.calls == [(0, ["a", "b"]), (0, ["c"])]


@pytest.mark.parametrize(("size", "sizes"), [(1, [1] * 250), (100, [100, 100, 50]), (10_000, [250])])
def test_a_batch_has_at_most_its_size(size: int, sizes: list[int]) -> None:
    belt = Belt()
    numbers = [str(number) for number in range(250)]
    belt.put(*numbers)
    belt.feed(batch_size=size)

    assert [len(batch) for _, batch in belt.calls] == sizes
    assert [one for _, batch in belt.calls for one in batch] == numbers


def test_100_records_are_a_batch_unless_said_otherwise() -> None:
    belt = Belt()
    belt.put(*[str(number) for number in range(101)])

    assert belt.feed().batch_size == 100
    assert [len(batch) for _, batch in belt.calls] == [100, 1]


def test_a_batch_is_at_most_6_mib_of_json() -> None:
    belt = Belt()
    belt.put(*["x" * 1_000_000] * 20)
    belt.feed()

    assert [len(data) for _, data in belt.calls] == [4, 4, 4, 4, 4]
    assert max(len(json.dumps(event, separators=(",", ":"))) for event in belt.events) <= BATCH_PAYLOAD_MAX_BYTES


@pytest.mark.parametrize(("more", "sizes"), [(0, [2]), (1, [1, 1])])
@pytest.mark.parametrize("key", ["k", '"\xe4\U0001f375' * 60])
def test_a_batch_of_exactly_6_mib_is_one(
    monkeypatch: pytest.MonkeyPatch, key: str, more: int, sizes: list[int]
) -> None:
    """
    To the byte, with a lower limit: the records that there are cannot have every size.
    """
    belt = Belt()
    belt.clock.advance(0.123)
    for data in (b"x" * 3_000, b"y" * 4_001):
        belt.stream.put_record(data, key)
    mapping = belt.feed()
    whole = {"Records": [record for event in belt.events for record in event["Records"]]}
    mapping.close()
    size = len(json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode())
    monkeypatch.setattr("postroom.worker._payload.BATCH_PAYLOAD_MAX_BYTES", size - more)
    belt.calls.clear()
    belt.feed()

    assert [len(data) for _, data in belt.calls] == sizes


def test_one_record_goes_however_large_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroom.worker._payload.BATCH_PAYLOAD_MAX_BYTES", 1_000)
    belt = Belt()
    belt.put("a", "x" * 1_000, "b")
    belt.feed()

    assert [[one[0] for one in data] for _, data in belt.calls] == [["a"], ["x"], ["b"]]


def test_a_batch_that_was_cut_is_tried_again_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroom.worker._payload.BATCH_PAYLOAD_MAX_BYTES", 10_000)
    belt = Belt(fails_on("y" * 3_000))
    belt.put("x" * 3_000, "y" * 3_000, "z" * 3_000)
    belt.feed(maximum_retry_attempts=1, on_failure=belt.told)
    belt.clock.advance(1)

    assert [(at, "".join(one[0] for one in data)) for at, data in belt.calls] == [(0, "xy"), (1, "xy"), (1, "z")]
    assert [letter["KinesisBatchInfo"]["batchSize"] for letter in belt.letters()] == [2]


def test_a_batch_is_of_one_shard() -> None:
    belt = Belt(shards=2)
    belt.put("a", "b", shard=0)
    belt.put("c", shard=1)
    belt.feed()

    assert belt.calls == [(0, ["a", "b"]), (0, ["c"])]


def test_a_record_has_the_fields_that_lambda_gives() -> None:
    clock = ManualClock()
    stream = Stream("orders", shard_count=1, clock=clock)
    events: list[Any] = []
    function = Function(lambda event, context: events.append(event), name="pack", clock=clock)
    function.add_event_source(stream, starting_position="LATEST")
    clock.advance(1.234_567)
    put = stream.put_record(b"2 x tea \xff", "table-7")
    [event] = events

    assert event == {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": "table-7",
                    "sequenceNumber": put.sequence_number,
                    "data": base64.b64encode(b"2 x tea \xff").decode(),
                    "approximateArrivalTimestamp": 1_704_067_201.234,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"shardId-000000000000:{put.sequence_number}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "arn:aws:iam::123456789012:role/pack",
                "awsRegion": "us-east-1",
                "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/orders",
            }
        ]
    }
    assert json.loads(json.dumps(event)) == event


def test_the_event_is_the_handlers_to_change_and_fresh_at_the_next_attempt() -> None:
    belt = Belt()
    sizes: list[int] = []

    def spoil(event: Any, context: Any) -> None:
        sizes.append(len(event["Records"]))
        event["Records"].clear()
        raise Broken

    belt.handle = spoil
    belt.feed()
    belt.put("a")
    belt.clock.advance(1)

    assert sizes == [1, 1]


# Where it starts.


@pytest.mark.parametrize(
    ("settings", "handled"),
    [
        ({"starting_position": "TRIM_HORIZON"}, ["old", "older", "new"]),
        ({"starting_position": "LATEST"}, ["new"]),
        ({"starting_position": "AT_TIMESTAMP", "starting_position_timestamp": 1_704_067_210}, ["older", "new"]),
        ({"starting_position": "AT_TIMESTAMP", "starting_position_timestamp": 1_704_067_210.001}, ["new"]),
    ],
)
def test_a_mapping_starts_where_it_is_told_to(settings: dict[str, Any], handled: list[str]) -> None:
    belt = Belt()
    belt.put("old")
    belt.clock.advance(10)
    belt.put("older")
    belt.clock.advance(10)
    belt.feed(**settings)
    belt.put("new")

    assert [one for _, batch in belt.calls for one in batch] == handled


# Failures.


def test_a_batch_that_failed_is_tried_again_the_same_after_1_2_4_seconds_up_to_a_minute() -> None:
    belt = Belt(fails_on("bad"))
    belt.feed()
    belt.put("bad", "behind")
    belt.clock.advance(0.999_999)
    assert len(belt.calls) == 1
    belt.clock.advance(0.000_001)
    assert len(belt.calls) == 2
    belt.clock.advance(1.999_999)
    assert len(belt.calls) == 2
    belt.clock.advance(300)

    assert belt.calls == [(at, ["bad"]) for at in (0, 1, 3, 7, 15, 31, 63, 123, 183, 243)][: len(belt.calls)]
    assert len(belt.calls) == 10


def test_what_was_put_meanwhile_is_not_added_to_the_batch() -> None:
    errors = [True, False]

    def work(data: list[str]) -> None:
        if errors.pop(0) if errors else False:
            raise Broken

    belt = Belt(work)
    belt.put("a", "b")
    belt.feed(batch_size=10)
    belt.put("c")
    belt.clock.advance(1)

    assert belt.calls == [(0, ["a", "b"]), (1, ["a", "b"]), (1, ["c"])]


def test_a_failing_batch_blocks_its_shard_only() -> None:
    belt = Belt(fails_on("bad"), shards=2)
    belt.feed()
    belt.put("bad", "behind", shard=0)
    belt.put("other", shard=1)

    assert belt.calls == [(0, ["bad"]), (0, ["other"])]
    belt.clock.advance(0.5)
    belt.put("another", shard=1)
    assert belt.calls[2:] == [(0.5, ["another"])]


@pytest.mark.parametrize(("retries", "calls"), [(0, 1), (1, 2), (3, 4)])
def test_r_retries_are_r_plus_1_calls_and_then_the_shard_goes_on(retries: int, calls: int) -> None:
    belt = Belt(fails_on("bad"))
    belt.feed(maximum_retry_attempts=retries)
    belt.put("bad", "behind")
    belt.clock.advance(3_600)

    assert [batch for _, batch in belt.calls] == [["bad"]] * calls + [["behind"]]
    assert belt.function.stats().dropped == 1


def test_the_delays_start_anew_with_the_next_batch() -> None:
    belt = Belt(fails_on("bad", "worse"))
    belt.feed(maximum_retry_attempts=1)
    belt.put("bad", "worse")
    belt.clock.advance(3_600)

    assert belt.calls == [(0, ["bad"]), (1, ["bad"]), (1, ["worse"]), (2, ["worse"])]


def test_records_that_retention_trimmed_meanwhile_are_passed_over() -> None:
    belt = Belt(fails_on("bad"))
    belt.put("bad", "old")
    belt.clock.advance(12 * 3_600)
    belt.put("younger")
    belt.feed(batch_size=3)
    belt.clock.advance(12 * 3_600 + 60)

    batches = [batch for _, batch in belt.calls]
    assert batches[0] == ["bad", "old", "younger"]
    assert batches[-1] == ["younger"]
    assert batches.count(["younger"]) == 1


@pytest.mark.parametrize("fresh_at", [0, 61])
def test_a_batch_that_retention_trimmed_as_a_whole_is_over(fresh_at: int) -> None:
    belt = Belt(fails_on("bad"))
    belt.put("bad")
    belt.feed(batch_size=1, maximum_retry_attempts=10_000)
    belt.clock.advance(24 * 3_600 + fresh_at)
    belt.put("fresh")
    belt.clock.advance(120)

    assert [batch for _, batch in belt.calls].count(["fresh"]) == 1
    assert belt.calls[-1][1] == ["fresh"]
    assert belt.function.stats().dropped == 0
    assert belt.clock.pending() == []


def test_ctrl_c_in_a_handler_has_the_batch_tried_again() -> None:
    strikes = iter([True, False])

    def work(data: list[str]) -> None:
        if next(strikes):
            raise KeyboardInterrupt

    belt = Belt(work)
    belt.feed()
    with pytest.raises(KeyboardInterrupt):
        belt.put("a")
    belt.clock.settle()

    assert belt.calls == [(0, ["a"]), (0, ["a"])]
    assert belt.function.stats().running == 0


# Giving up.


def test_who_is_told_learns_which_records_and_not_what_was_in_them() -> None:
    belt = Belt(fails_on("bad"))
    first, _, last = belt.put("a", "bad", "c")
    belt.feed(on_failure=belt.told, maximum_retry_attempts=1)
    belt.clock.advance(1.5)
    [letter] = belt.letters()

    assert letter == {
        "requestContext": {
            "requestId": belt.contexts[1].aws_request_id,
            "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:pack",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 2,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2024-01-01T00:00:01.000Z",
        "KinesisBatchInfo": {
            "shardId": "shardId-000000000000",
            "startSequenceNumber": first,
            "endSequenceNumber": last,
            "approximateArrivalOfFirstRecord": "2024-01-01T00:00:00.000Z",
            "approximateArrivalOfLastRecord": "2024-01-01T00:00:00.000Z",
            "batchSize": 3,
            "streamArn": belt.stream.arn,
        },
    }
    assert belt.function.stats().dead_lettered == 3


def test_observations_are_of_each_record() -> None:
    belt = Belt(fails_on("bad"))
    [number] = belt.put("bad")
    belt.feed(on_failure=belt.told, maximum_retry_attempts=1)
    belt.clock.advance(1)

    assert [(seen.kind, seen.message_id) for seen in belt.seen] == [
        (kind, f"orders:{number}") for kind in ("invoked", "failed", "invoked", "failed", "dead-lettered")
    ]
    assert [seen.details.get("attempt") for seen in belt.seen] == [1, 1, 2, 2, None]
    assert belt.function.explain(f"orders:{number}") == (
        "dead-lettered 0.0 s ago : RetryAttemptsExhausted, after 2 calls, to queue told"
    )


def test_a_closed_queue_that_should_be_told_holds_up_nobody() -> None:
    belt = Belt(fails_on("bad"))
    belt.told.close()
    belt.feed(on_failure=belt.told, maximum_retry_attempts=0)
    belt.put("bad", "behind")

    assert [batch for _, batch in belt.calls] == [["bad"], ["behind"]]
    assert belt.function.stats().dropped == 1


def test_a_topic_may_be_told() -> None:
    belt = Belt(fails_on("bad"))
    topic = Topic("alarms", clock=belt.clock)
    topic.subscribe(belt.told, raw_message_delivery=True)
    belt.feed(on_failure=topic, maximum_retry_attempts=0)
    belt.put("bad")

    assert len(belt.letters()) == 1


# Turns.


@pytest.mark.parametrize(("concurrency", "instants"), [(1, [0, 10, 20]), (2, [0, 0, 10]), (None, [0, 0, 0])])
def test_shards_are_worked_on_side_by_side_as_far_as_calls_may_run(
    concurrency: int | None, instants: list[float]
) -> None:
    belt = Belt(lambda data: belt.clock.advance(10), shards=3)
    belt.feed(concurrency)
    for shard in range(3):
        belt.clock.call_later(1, lambda shard=shard: belt.put("a", shard=shard))  # type: ignore[misc]
    belt.clock.advance(1)

    assert [at - 1 for at, _ in belt.calls] == instants
    assert belt.function.stats().running == 0


def test_one_shard_is_never_worked_on_twice_at_a_time() -> None:
    running = [0]

    def work(data: list[str]) -> None:
        running[0] += 1
        assert running[0] == 1
        belt.put("more") if data == ["a"] else None
        belt.clock.advance(10)
        running[0] -= 1

    belt = Belt(work)
    belt.feed(batch_size=1)
    belt.put("a", "b")

    assert belt.calls == [(0, ["a"]), (10, ["more"]), (20, ["b"])]
    assert belt.function.failures == []


def test_a_large_backlog_at_one_instant_is_no_endless_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroom.clock._driving.CALLBACKS_PER_INSTANT_MAX", 300)
    belt = Belt()
    belt.put(*[str(number) for number in range(3_000)])
    belt.feed(batch_size=1)

    assert len(belt.calls) == 3_000


def test_a_function_that_feeds_its_own_stream_is_an_endless_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroom.clock._driving.CALLBACKS_PER_INSTANT_MAX", 300)
    belt = Belt(lambda data: belt.put("again"))
    belt.feed()

    with pytest.raises(EndlessLoop, match="stream orders"):
        belt.put("a")


def test_two_functions_read_the_same_stream_each_at_its_own_pace() -> None:
    belt = Belt(fails_on("bad"))
    belt.feed()
    others: list[str] = []
    other = Function(lambda event, context: others.extend(data_of(event)), name="other", clock=belt.clock)
    other.add_event_source(belt.stream, starting_position="LATEST")
    belt.put("bad", "b")

    assert others == ["bad", "b"]
    assert len(belt.calls) == 1


# Closing.


def test_a_closed_mapping_feeds_no_more_and_another_starts_anew() -> None:
    belt = Belt(fails_on("bad"))
    mapping = belt.feed()
    belt.put("bad")
    mapping.close()
    belt.put("b")
    belt.clock.advance(60)

    assert len(belt.calls) == 1
    assert belt.function.event_sources == []
    assert belt.clock.pending() == []
    with belt.function.add_event_source(belt.stream, starting_position="TRIM_HORIZON") as again:
        assert not again.closed
    assert [batch for _, batch in belt.calls] == [["bad"], ["bad", "b"]]
    assert again.closed


@pytest.mark.parametrize("part", ["mapping", "function", "stream"])
def test_closing_in_a_handler_ends_it_with_that_batch(part: str) -> None:
    def work(data: list[str]) -> None:
        parts: dict[str, Any] = {"mapping": mapping, "function": belt.function, "stream": belt.stream}
        parts[part].close()

    belt = Belt(work)
    mapping = belt.feed(batch_size=1, starting_position="LATEST")
    belt.put("a")
    if part != "stream":
        belt.put("b")
    belt.clock.advance(60)

    assert len(belt.calls) == 1
    assert mapping.closed
    assert belt.function.stats().running == 0


def test_a_stream_that_is_closed_closes_what_reads_it() -> None:
    belt = Belt()
    mapping = belt.feed()
    belt.stream.close()
    belt.clock.settle()

    assert mapping.closed


def test_a_closed_stream_or_function_is_refused() -> None:
    belt = Belt()
    belt.feed()
    other = Stream("other", clock=belt.clock)
    other.close()
    with pytest.raises(ResourceClosed, match="stream other is closed"):
        belt.function.add_event_source(other, starting_position="LATEST")
    assert len(belt.function.event_sources) == 1
    belt.function.close()
    with pytest.raises(ResourceClosed, match="function pack is closed"):
        belt.function.add_event_source(Stream("third", clock=belt.clock), starting_position="LATEST")


# Looking.


def test_a_mapping_knows_both_ends() -> None:
    belt = Belt()
    mapping = belt.feed(batch_size=3, on_failure=belt.told, maximum_retry_attempts=2)

    assert (mapping.source, mapping.function, mapping.batch_size) == (belt.stream, belt.function, 3)
    assert mapping.on_failure is belt.told
    assert repr(mapping) == "<EventSourceMapping stream orders -> function pack, batches of up to 3>"
    assert repr(belt.function).startswith("<Function pack: fed by stream orders")
    assert belt.function.wires() == [
        Wire("stream orders", "function pack", "batches of 3"),
        Wire("function pack", "queue told", "after 3", "dead letters"),
    ]


def test_wires_of_a_queue_and_of_a_stream_without_end() -> None:
    belt = Belt()
    belt.feed(on_failure=belt.told)
    belt.function.add_event_source(Queue("more", clock=belt.clock), batch_size=4)

    assert belt.function.wires() == [
        Wire("stream orders", "function pack", "batches of 100"),
        Wire("function pack", "queue told", "", "dead letters"),
        Wire("queue more", "function pack", "batches of 4"),
    ]


def test_pending_shows_what_is_tried_again_and_the_clock_finds_it() -> None:
    belt = Belt(fails_on("bad"))
    belt.feed()
    belt.put("bad")
    due = belt.clock.pending()[0]

    assert str(due) == "2024-01-01 00:00:01  function pack: a batch of stream orders, shardId-000000000000: attempt 2"
    belt.clock.advance_to_next()
    assert [at for at, _ in belt.calls] == [0, 1]


# What is refused.


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        (
            {"starting_position": None},
            FunctionInvalidParameterValue,
            (
                "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
                "Member must not be null."
            ),
        ),
        (
            {"starting_position": "EARLIEST"},
            FunctionValidationError,
            (
                "1 validation error detected: Value 'EARLIEST' at 'startingPosition' failed to satisfy constraint: "
                "Member must satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]"
            ),
        ),
        ({"starting_position": "AT_TIMESTAMP"}, FunctionInvalidParameterValue, "StartingPositionTimestamp"),
        ({"starting_position_timestamp": 7}, FunctionInvalidParameterValue, "StartingPositionTimestamp"),
        ({"batch_size": 0}, FunctionValidationError, "Value '0' at 'batchSize'"),
        ({"batch_size": 10_001}, FunctionValidationError, "less than or equal to 10000"),
        ({"batch_size": True}, InvalidInput, "batch_size=True is no whole number."),
        ({"maximum_retry_attempts": -2}, FunctionValidationError, "greater than or equal to -1"),
        ({"maximum_retry_attempts": 10_001}, FunctionValidationError, "less than or equal to 10000"),
        ({"on_failure": 7}, InvalidInput, "is no destination"),
        ({"on_failure": "told"}, NotFound, "only in a Region"),
        ({"on_failure": Queue("told", clock=ManualClock())}, InvalidInput, "different clock"),
        ({"bisect_batch_on_function_error": True}, NotSupported, "BisectBatchOnFunctionError"),
        ({"filter_criteria": []}, NotSupported, "FilterCriteria"),
        ({"function_response_types": []}, NotSupported, "FunctionResponseTypes"),
        ({"maximum_batching_window": 1}, NotSupported, "MaximumBatchingWindowInSeconds"),
        ({"maximum_batching_window_in_seconds": 1}, NotSupported, "MaximumBatchingWindowInSeconds"),
        ({"maximum_record_age": 60}, NotSupported, "MaximumRecordAgeInSeconds"),
        ({"parallelization_factor": 2}, NotSupported, "ParallelizationFactor"),
        ({"tumbling_window": 60}, NotSupported, "TumblingWindowInSeconds"),
    ],
)
def test_wrong_arguments_are_refused(settings: dict[str, Any], error: type[PostroomError], text: str) -> None:
    belt = Belt()
    with pytest.raises(error) as caught:
        belt.feed(**settings)

    assert text in str(caught.value)
    assert caught.value.operation == "add_event_source"
    assert belt.function.event_sources == []


def test_a_stream_on_another_clock_is_refused() -> None:
    belt = Belt()
    belt.feed()

    with pytest.raises(InvalidInput, match="live by different clocks"):
        belt.function.add_event_source(Stream("other", clock=ManualClock()), starting_position="LATEST")


def test_a_stream_feeds_a_function_once() -> None:
    belt = Belt()
    mapping = belt.feed()
    with pytest.raises(ResourceConflict) as caught:
        belt.function.add_event_source(belt.stream, starting_position="LATEST")

    assert caught.value.aws_message == (
        f'The event source arn (" {belt.stream.arn} ") and function (" {belt.function.arn} ") provided mapping already '
        f"exists. Please update or delete the existing mapping with UUID {mapping.uuid}"
    )


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"starting_position": "LATEST"},
            "Unsupported StartingPosition parameter for given event source mapping type.",
        ),
        ({"starting_position_timestamp": 7}, "Unsupported StartingPositionTimestamp parameter"),
        ({"maximum_retry_attempts": 3}, "Unsupported MaximumRetryAttempts parameter"),
        (
            {"on_failure": Queue("told", clock=ManualClock())},
            "Unsupported DestinationConfig parameter for given event source mapping type.",
        ),
    ],
)
def test_what_only_streams_have_is_refused_for_queues(settings: dict[str, Any], text: str) -> None:
    clock = ManualClock()
    function = Function(lambda event, context: None, name="f", clock=clock)

    with pytest.raises(FunctionInvalidParameterValue, match=text):
        function.add_event_source(Queue("orders", clock=clock), **settings)


def test_an_async_def_is_fed_by_no_stream() -> None:
    async def pack(event: Any, context: Any) -> None: ...

    clock = ManualClock()

    with pytest.raises(NotSupported, match="pack is an async def"):
        Function(pack, clock=clock).add_event_source(Stream("orders", clock=clock), starting_position="LATEST")
