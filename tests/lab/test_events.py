"""
Reading events: each form of input, each kind of bad line.
"""

from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from postroom.errors import InvalidInput
from postroom.lab.arrivals import DAY_US, arrivals, poison_kind
from postroom.lab.events import BadLine, bundled, read, read_from

if TYPE_CHECKING:
    from pathlib import Path


def line(**changes: Any) -> bytes:
    """
    A good line, but for the changes; `detail_type` is ``detail-type``, and None leaves a key out.
    """
    entry: dict[str, Any] = {"source": "shop", "detail-type": "order", "detail": {"total": 7}}
    entry |= {key.replace("_", "-"): value for key, value in changes.items()}
    return json.dumps({key: value for key, value in entry.items() if value is not None}).encode()


LINES = line(id="a") + b"\n" + line(detail_type="bill") + b"\n"


class TestFormsOfInput:
    def test_plain_and_gzipped_are_the_same(self) -> None:
        """
        What is gzipped is known by its first bytes, whatever its name.
        """
        assert read(gzip.compress(LINES)) == read(LINES)
        assert [event.id for event in read(LINES).events] == ["a", "line-2"]

    def test_a_file_and_standard_input_are_the_same(self, tmp_path: Path) -> None:
        path = tmp_path / "events"
        path.write_bytes(gzip.compress(LINES))

        assert read_from(str(path)) == read_from("-", io.BytesIO(LINES)) == read(LINES)

    @pytest.mark.parametrize(
        "data",
        [
            b"\xef\xbb\xbf" + LINES,
            LINES.replace(b"\n", b"\r\n"),
            LINES.replace(b"\n", b"\n\n  \n"),
            LINES.rstrip(),
            gzip.compress(LINES[:20]) + gzip.compress(LINES[20:]),
        ],
        ids=["byte order mark", "CRLF", "blank lines", "no last newline", "two gzip members"],
    )
    def test_habits_of_other_tools_do_no_harm(self, data: bytes) -> None:
        reading = read(data)

        assert [event.kind for event in reading.events] == ["order", "bill"]
        assert not reading.bad

    def test_gzip_that_is_damaged_is_one_error(self) -> None:
        whole = gzip.compress(LINES)

        for damaged in (whole[:-9], whole[:12] + b"\xff\xff" + whole[14:], whole + b"more"):
            with pytest.raises(InvalidInput, match="damaged"):
                read(damaged)

    def test_the_body_has_all_of_it_in_ascii(self) -> None:
        [event] = read(line(detail={"who": "Zo\u00eb \U0001f375\u0000"}, time="2024-05-06T07:08:09Z")).events

        assert event.body.isascii()
        assert event.body.isprintable()
        assert json.loads(event.body) == {
            "id": "line-1",
            "source": "shop",
            "detail-type": "order",
            "detail": {"who": "Zo\u00eb \U0001f375\u0000"},
            "time": "2024-05-06T07:08:09Z",
        }

    def test_more_keys_do_no_harm(self) -> None:
        """
        Events as EventBridge delivers them have some.
        """
        [event] = read(line(version="0", account="123456789012", resources=[])).events

        assert event.kind == "order"

    @pytest.mark.parametrize(
        ("detail", "name"),
        [
            ({"repository": {"full_name": "a/b"}}, "a/b"),
            ({"repository": "a/b"}, "a/b"),
            ({"repository": {"full_name": 3}}, "(none)"),
            ({"repository": None}, "(none)"),
            ({}, "(none)"),
        ],
    )
    def test_the_repository_is_found_or_none(self, detail: dict[str, Any], name: str) -> None:
        assert read(line(detail=detail)).events[0].repository == name

    def test_the_real_events_are_there(self) -> None:
        reading = bundled()

        assert len({event.id for event in reading.events}) == 329
        assert not reading.bad


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (b"nonsense", "is no JSON: Expecting value (character 1)"),
        (b'{"source": "shop",', "is no JSON: "),
        (b"[]", "is no JSON object"),
        (b"\xff{}", "is no UTF-8 (byte 1)"),
        (b"[" * 200_000, "is nested too deeply"),
        (b'{"source": ' + b"9" * 5000 + b"}", "cannot be read: "),
        (line(source=None), 'has no "source"'),
        (line(source=""), '"source" is no text: ""'),
        (line(source=7), '"source" is no text: 7'),
        (line(detail_type=None), 'has no "detail-type"'),
        (line(detail_type=["x" * 99]), '"detail-type" is no text: ["xxx'),
        (line(detail=None), 'has no "detail"'),
        (line(detail="{}"), '"detail" is no object: "{}"'),
        (line().replace(b"7", b"NaN"), "is no JSON: NaN is no number"),
        (line(id=7), '"id" is no text: 7'),
        (line(id="a"), 'has the id "a" of line 1'),
        (line(time="yesterday"), '"time" is no time such as'),
        (line(time=7), '"time" is no time such as'),
        (line(time="1066-10-14"), '"time" is outside the years 1970 to 9998'),
        (line(detail={"x": "y" * 1_048_576}), "is a message of 1,048,"),
    ],
    ids=range(20),
)
def test_a_bad_line_is_told_with_its_number_and_skipped(bad: bytes, what: str) -> None:
    """
    The lines around it are read.
    """
    reading = read(line(id="a") + b"\n\n" + bad + b"\n" + line(id="b"))

    assert [event.id for event in reading.events] == ["a", "b"]
    [found] = reading.bad
    assert found.line == 3
    assert what in found.what
    assert str(found) == f"line 3: {found.what}"
    assert isinstance(found, BadLine)


class TestArrivals:
    def test_without_times_they_are_spread_over_the_day(self) -> None:
        """
        By the seed: another spreads them otherwise.
        """
        events = bundled().events
        plan = arrivals(events, seed=1)
        offsets = [offset for offset, _ in plan.timetable]

        assert offsets == sorted(offsets)
        assert offsets[0] >= 0
        assert offsets[-1] < DAY_US
        assert {event.id for _, event in plan.timetable} == {event.id for event in events}
        assert plan == arrivals(events, seed=1) != arrivals(events, seed=2)
        assert not plan.by_time

    @pytest.mark.parametrize(
        ("times", "start", "seconds"),
        [
            (["2025-05-05T10:00:00Z", "2025-05-05T09:00:00Z"], "2025-05-05", [32_400, 36_000]),
            (["2025-05-05T10:00:00", "2025-05-05T10:00:00+02:00"], "2025-05-05", [28_800, 36_000]),
            (["2025-05-05T23:00:00Z", "2025-05-06T22:59:59Z"], "2025-05-05T23:00", [0, 86_399]),
        ],
        ids=["one date", "time zones", "past midnight"],
    )
    def test_with_times_they_come_at_their_times(self, times: list[str], start: str, seconds: list[int]) -> None:
        """
        On one date the day is that date; else it begins with the first of them.
        """
        plan = arrivals(read(b"\n".join(line(time=time) for time in times)).events, seed=1)

        assert plan.by_time
        assert plan.start_us == datetime.fromisoformat(start).replace(tzinfo=UTC).timestamp() * 1_000_000
        assert [offset for offset, _ in plan.timetable] == [second * 1_000_000 for second in seconds]

    @pytest.mark.parametrize("times", [["2025-05-05", None], ["2025-05-05", "2025-05-06"]], ids=["one lacks", "a day"])
    def test_times_that_make_no_day_are_left_alone(self, times: list[str | None]) -> None:
        assert not arrivals(read(b"\n".join(line(time=time) for time in times)).events, seed=1).by_time

    def test_poison_is_rare(self) -> None:
        """
        A kind of at most a tenth; the rarest if there is none such; none if there is but one kind.
        """
        many = read(b"\n".join([line()] * 9 + [line(detail_type="bill")])).events

        assert poison_kind(many, seed=1) == "bill"
        assert poison_kind(many[7:], seed=1) == "bill"
        assert poison_kind(many[:9], seed=1) is None
        real = bundled().events
        assert len({poison_kind(real, seed) for seed in range(20)}) > 5
