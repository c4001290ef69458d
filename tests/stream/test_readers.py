"""
Readers: a position that never expires, and waiting for what comes.
"""

from __future__ import annotations

from typing import Any

import pytest

from postroom import ManualClock, RecordEntry, Stream
from postroom.errors import InvalidInput, ResourceClosed

ZERO = "shardId-000000000000"
DAY = 86_400


def made(shards: int = 1) -> tuple[ManualClock, Stream]:
    clock = ManualClock()
    return clock, Stream("orders", shard_count=shards, clock=clock)


def put(stream: Stream, *data: str) -> list[str]:
    return [stream.put_record(one.encode(), "key").sequence_number for one in data]


def peeked(reader: Any, most: int = 10) -> list[str]:
    return [record.data.decode() for record in reader.peek(most)]


def test_looking_moves_nothing_and_moving_goes_on_behind_a_record() -> None:
    _, stream = made()
    put(stream, "a", "b", "c")
    reader = stream.reader(ZERO)

    assert peeked(reader, 2) == peeked(reader, 2) == ["a", "b"]
    reader.move_past(reader.peek(2)[0])
    assert peeked(reader) == ["b", "c"]
    reader.move_past(reader.peek(2)[1])
    assert peeked(reader) == []


def test_a_reader_never_goes_back() -> None:
    _, stream = made()
    put(stream, "a", "b")
    reader = stream.reader(ZERO)
    first, second = reader.peek(2)
    reader.move_past(second)
    reader.move_past(first)

    assert peeked(reader) == []


def test_each_reader_has_its_own_position() -> None:
    clock, stream = made()
    numbers = put(stream, "a", "b")
    clock.advance(1)
    readers = {
        "TRIM_HORIZON": stream.reader(ZERO),
        "LATEST": stream.reader(ZERO, "LATEST"),
        "AT": stream.reader(ZERO, "AT_SEQUENCE_NUMBER", starting_sequence_number=numbers[1]),
        "AFTER": stream.reader(ZERO, "AFTER_SEQUENCE_NUMBER", starting_sequence_number=numbers[1]),
        "TIME": stream.reader(ZERO, "AT_TIMESTAMP", timestamp=clock.datetime()),
    }
    put(stream, "c")

    assert {name: "".join(peeked(reader)) for name, reader in readers.items()} == {
        "TRIM_HORIZON": "abc",
        "LATEST": "c",
        "AT": "bc",
        "AFTER": "c",
        "TIME": "c",
    }


def test_a_reader_of_a_number_still_to_come_waits_for_it() -> None:
    clock, stream = made()
    number = stream._lanes[0].log.origin.sequence_number(3, clock.now_us())
    reader = stream.reader(ZERO, "AT_SEQUENCE_NUMBER", starting_sequence_number=number)
    called: list[str] = []
    reader.when_ready(lambda: called.append("now"))
    put(stream, "a", "b")
    assert (peeked(reader), called) == ([], [])
    put(stream, "c", "d")

    assert (peeked(reader), called) == (["c", "d"], ["now"])


def test_a_reader_lives_on_where_an_iterator_has_expired() -> None:
    clock, stream = made()
    reader = stream.reader(ZERO, "LATEST")
    clock.advance(10 * DAY)
    put(stream, "a")

    assert peeked(reader) == ["a"]


def test_what_retention_takes_is_skipped() -> None:
    clock, stream = made()
    reader = stream.reader(ZERO)
    put(stream, "a", "b")
    clock.advance(DAY - 1)
    put(stream, "c")
    [first, *_] = reader.peek(1)
    clock.advance(1)

    assert peeked(reader) == ["c"]
    reader.move_past(first)  # which has expired meanwhile: nothing is lost by it
    assert peeked(reader) == ["c"]


def test_a_look_has_no_limit_of_bytes() -> None:
    _, stream = made()
    for _ in range(12):
        stream.put_record(bytes(1_048_573), "key")

    assert len(stream.reader(ZERO).peek(100)) == 12


def test_all_who_wait_are_called_once_each() -> None:
    _, stream = made()
    called: list[str] = []
    readers = [stream.reader(ZERO) for _ in range(3)]
    for number, reader in enumerate(readers):
        reader.when_ready(lambda number=number: called.append(f"{number}a"))  # type: ignore[misc]
        reader.when_ready(lambda number=number: called.append(f"{number}b"))  # type: ignore[misc]
    put(stream, "a", "b")

    assert sorted(called) == ["0a", "0b", "1a", "1b", "2a", "2b"]
    put(stream, "c")
    assert len(called) == 6


def test_whoever_has_something_to_read_is_called_at_once_and_nobody_else() -> None:
    _, stream = made()
    put(stream, "a")
    called: list[str] = []
    stream.reader(ZERO, "LATEST").when_ready(lambda: called.append("latest"))
    stream.reader(ZERO).when_ready(lambda: called.append("oldest"))

    assert called == ["oldest"]
    put(stream, "b")
    assert called == ["oldest", "latest"]


def test_other_shards_call_nobody() -> None:
    _, stream = made(3)
    called: list[str] = []
    stream.reader("1").when_ready(lambda: called.append("b"))
    stream.put_record(b"", "a")
    stream.put_records([RecordEntry(b"", "a"), RecordEntry(b"", "e")])
    assert called == []
    stream.put_records([RecordEntry(b"", "a"), RecordEntry(b"", "b")])

    assert called == ["b"]


def test_one_that_was_cancelled_is_not_called() -> None:
    _, stream = made()
    called: list[str] = []
    registration = stream.reader(ZERO).when_ready(lambda: called.append("never"))

    assert (registration.cancel(), registration.cancel()) == (True, False)
    put(stream, "a")
    assert called == []


def test_a_wait_ends_at_its_instant() -> None:
    clock, stream = made()
    called: list[float] = []
    start = clock.now_us()
    stream.reader(ZERO).when_ready(lambda: called.append((clock.now_us() - start) / 1e6), until=start + 5_000_000)
    clock.advance(4.999999)
    assert called == []
    clock.advance(60)
    put(stream, "a")

    assert called == [5.0]


def test_a_reader_can_ask_again_from_its_callback() -> None:
    _, stream = made()
    reader = stream.reader(ZERO)
    got: list[str] = []

    def work() -> None:
        for record in reader.peek(1):
            got.append(record.data.decode())
            reader.move_past(record)
        reader.when_ready(work)

    reader.when_ready(work)
    put(stream, "a", "b")
    stream.put_records([RecordEntry(b"c", "key"), RecordEntry(b"d", "key")])

    assert got == ["a", "b", "c", "d"]


def test_a_reader_that_waits_is_not_called_for_what_has_expired() -> None:
    clock, stream = made()
    put(stream, "a")
    clock.advance(DAY)
    called: list[str] = []
    stream.reader(ZERO).when_ready(lambda: called.append("never"))

    assert called == []


def test_closing_calls_who_waits_and_the_next_look_says_so() -> None:
    _, stream = made(2)
    seen: list[str] = []
    readers = [stream.reader("0"), stream.reader("1")]

    def look(reader: Any) -> None:
        with pytest.raises(ResourceClosed):
            reader.peek(1)
        seen.append(reader.shard_id[-1])

    for reader in readers:
        reader.when_ready(lambda reader=reader: look(reader))  # type: ignore[misc]
    stream.close()

    assert sorted(seen) == ["0", "1"]


def test_lines_in_which_nobody_waits_are_forgotten() -> None:
    _, stream = made()
    for _ in range(10):
        stream.reader(ZERO, "LATEST").when_ready(print).cancel()
    put(stream, "a")

    assert stream._lanes[0].waiting == {}


def test_a_reader_says_what_it_is() -> None:
    _, stream = made()
    reader = stream.reader(ZERO)
    put(stream, "a", "b")

    assert repr(reader) == "<ShardReader of stream orders, shardId-000000000000: 2 to read>"
    stream.close()
    assert repr(reader) == "<ShardReader of stream orders, shardId-000000000000: closed>"


@pytest.mark.parametrize("most", [0, -1, True, 1.0, "1", None])
def test_a_look_takes_a_number(most: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        made()[1].reader(ZERO).peek(most)

    assert (caught.value.operation, caught.value.resource) == ("peek", "orders")


@pytest.mark.parametrize(
    ("callback", "until"), [(None, None), ("f", None), (print, 1.5), (print, True), (print, "soon")]
)
def test_waiting_takes_a_callable_and_an_instant(callback: Any, until: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        made()[1].reader(ZERO).when_ready(callback, until)

    assert (caught.value.operation, caught.value.resource) == ("when_ready", "orders")


def test_only_a_record_of_the_shard_moves_a_reader() -> None:
    _, stream = made(3)
    stream.put_record(b"", "b")
    [record] = stream.reader("1").peek(1)
    for other in (record, None, "49", 7):
        with pytest.raises(InvalidInput):
            stream.reader("0").move_past(other)  # type: ignore[arg-type]
