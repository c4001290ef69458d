"""
The log of one shard beside a plain list, with segments of a few records, so that everything falls on a boundary.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.stream._sequence import SECOND_BITS, Origin
from postroom.stream._shard import ShardLog

if TYPE_CHECKING:
    from postroom.stream._record import Record

RETENTION = 100
START = 1_700_000_000_000_000


def made(segment: int, monkeypatch: pytest.MonkeyPatch) -> ShardLog:
    monkeypatch.setattr("postroom.stream._shard.SEGMENT_RECORDS", segment)
    return ShardLog(Origin.of(0, START // 1_000_000), retention=RETENTION, draw=count(1, 2).__next__)


def fill(log: ShardLog, arrivals: list[int], batch: int = 1) -> list[Record]:
    records: list[Record] = []
    for first in range(0, len(arrivals), batch):
        share = arrivals[first : first + batch]
        entries = [(bytes(at % 5), "key", at % 5 + 3) for at in share]
        if batch == 1:
            records.append(log.append(START + share[0], *entries[0]))
        else:
            records += log.append_all(START + share[0], entries)
    log.check()
    return records


def everything(log: ShardLog) -> list[Record]:
    return log.read(log.horizon, 10_000)


steps = st.lists(st.integers(0, 30), max_size=40)


@given(st.integers(1, 7), steps, st.integers(1, 9), st.data())
def test_it_finds_what_a_scan_finds(segment: int, gaps: list[int], batch: int, data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        log = made(segment, monkeypatch)
        arrivals = [sum(gaps[: index + 1]) for index in range(len(gaps))]
        records = fill(log, arrivals, batch)
        now = START + data.draw(st.integers(0, 400), "now")
        log.settle(now)
        log.check()
        readable = [record for record in records if now - record.arrived_at_us < RETENTION]
        # As records are appended, those that expired before are dropped; what is readable stays to the end.
        if now >= log.latest:
            assert everything(log) == readable
        start = data.draw(st.integers(log.horizon, log.end), "ordinal")
        most = data.draw(st.integers(1, 12), "most")
        assert log.read(start, most) == records[start : start + most]
        instant = START + data.draw(st.integers(0, 400), "instant")
        expected = next((i for i, record in enumerate(records) if record.arrived_at_us >= instant), log.end)
        assert max(log.first_at(instant), log.horizon) == max(expected, log.horizon)
        counter = data.draw(st.integers(0, 90), "counter")
        second = (START // 1_000_000) + data.draw(st.integers(-1, 1), "second")
        number = int(log.origin.sequence_number(counter, second * 1_000_000))
        expected = next((i for i, record in enumerate(records) if int(record.sequence_number) >= number), log.end)
        assert log.seek(0, counter << SECOND_BITS | second) == max(expected, log.horizon)
        for ordinal, record in enumerate(records):
            if ordinal >= log.horizon:
                assert log.find(record[1]) == (ordinal, record)
                assert log.first_after(record) == ordinal + 1
        assert log.held_bytes() == sum(len(record.data) + 3 for record in records[log.horizon :])
        assert log.total_bytes() == sum(len(record.data) + 3 for record in records)


@given(st.integers(1, 5), st.lists(st.integers(0, 40), min_size=1, max_size=12), st.integers(1, 60), st.integers(0, 12))
def test_a_read_ends_before_it_is_too_large(segment: int, sizes: list[int], most_bytes: int, start: int) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        log = made(segment, monkeypatch)
        for size in sizes:
            log.append(START, bytes(size), "k", size + 1)
        start = min(start, len(sizes))
        taken, total = 0, 0
        for size in sizes[start:]:
            total += size + 1
            if total > most_bytes and taken:
                break
            taken += 1

        assert len(log.read(start, 100, most_bytes)) == taken


def test_arrivals_never_go_back(monkeypatch: pytest.MonkeyPatch) -> None:
    log = made(4, monkeypatch)
    records = fill(log, [10, 5, 20])
    records += log.append_all(START + 7, [(b"", "k", 1)])

    assert [record.arrived_at_us - START for record in records] == [10, 10, 20, 20]


@pytest.mark.parametrize(("elapsed", "readable"), [(99, 3), (100, 1), (149, 1), (150, 0)])
def test_the_horizon_is_exact(monkeypatch: pytest.MonkeyPatch, elapsed: int, readable: int) -> None:
    log = made(2, monkeypatch)
    fill(log, [0, 0, 50])
    log.settle(START + elapsed)

    assert len(everything(log)) == readable


def test_only_whole_segments_are_given_back_and_puts_alone_do_it(monkeypatch: pytest.MonkeyPatch) -> None:
    log = made(4, monkeypatch)
    fill(log, list(range(0, 1_000, 10)))

    assert len(log._segments) <= RETENTION // 10 // 4 + 2
    log.settle(START + 10_000)
    assert [len(segment) for segment in log._segments] == [4]
    assert log.horizon == log.end == 100
    fill(log, [20_000])
    assert len(everything(log)) == 1


def test_a_change_of_retention_counts_from_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    log = made(2, monkeypatch)
    records = fill(log, [0, 50, 90])
    log.retain(START + 120, 1_000)
    assert everything(log) == records[1:]
    log.retain(START + 120, 40)
    assert everything(log) == records[2:]
    log.retain(START + 120, 1_000)
    assert everything(log) == records[2:]
