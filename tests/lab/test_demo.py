"""
The demo's flow: every event is accounted for at the far end, whatever goes wrong on the way.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from postroom.errors import InvalidInput
from postroom.firehose import MemoryStore
from postroom.lab import flow
from postroom.lab.accounts import Account
from postroom.lab.demo import play
from postroom.lab.events import bundled, read
from postroom.lab.picture import WIDTH
from postroom.lab.report import report
from postroom.lab.words import clean, shown_time

if TYPE_CHECKING:
    from pathlib import Path

    from postroom.lab.accounts import Result

HOUR_US = 3_600 * 1_000_000


@pytest.fixture(scope="module")
def done() -> Result:
    return play(bundled().events, seed=1)


def shown(result: Result, *, boxes: bool = False) -> str:
    return "\n".join(
        line for title, lines in report(result, boxes=boxes) for line in [title, *(text for text, _ in lines)]
    )


class TestTheRealEvents:
    def test_all_are_accounted_for_by_id(self, done: Result) -> None:
        """
        Each of the 329 was counted once by the stream's reader and is in an object; kinds and repositories add up.
        """
        assert done.complete
        assert [account.event for account in done.accounts] == bundled().events
        assert all(account.counted_us is not None and account.object for account in done.accounts)
        assert done.kinds == Counter(event.kind for event in bundled().events)
        assert done.repositories == Counter(event.repository for event in bundled().events)
        assert sum(done.ways.values()) == 329
        assert all(done.ways[way] for way in ("straight", "duplicated", "retried", "redriven"))

    def test_the_objects_hold_what_went_through_the_stream(self, done: Result, tmp_path: Path) -> None:
        """
        In a folder as in memory, to the byte.
        """
        again = play(bundled().events, seed=1, objects=tmp_path)

        assert again == done
        assert {one.key for one in done.objects} == {
            path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
        }
        for one in done.objects:
            data = (tmp_path / one.key).read_bytes()
            assert hashlib.sha256(data).hexdigest() == one.sha256
            assert data.count(b"\n") == one.records
        assert sum(one.records for one in done.objects) == done.figures["records"]
        assert {one.key.split("/")[0] for one in done.objects} == {"events"}

    def test_the_figures_fit_one_another(self, done: Result) -> None:
        """
        What came into a queue was deleted or moved, and each event was done, passed over, or both failed.
        """
        carried = done.carried
        for row in done.queues:
            assert row.sent == row.deleted + row.dead_lettered
            assert row.done + row.passed_over == 329
            assert row.received == row.done + row.passed_over + row.repeats + _undone(row.failed, row.repeats, row)
            assert row.left == 0
            assert carried["topic events", f"queue {row.name}"] == row.sent - row.again
        assert sum(row.received for row in done.queues) == sum(account.deliveries for account in done.accounts)
        assert (
            sum(shard.records for shard in done.shards)
            == done.figures["records"]
            == carried["bus hub", "stream activity"]
        )
        assert len(done.shards) == flow.SHARDS
        assert done.figures["duplicates"] == done.figures["records"] - 329
        assert done.figures["dropped"] == 0
        assert sum(done.derived.values()) == carried["bus hub", "queue digest"]

    def test_only_the_auditor_meets_poison(self, done: Result) -> None:
        """
        The others have dead letters by chance alone.
        """
        assert done.poison is not None
        poisoned = {account.event.id for account in done.accounts if account.event.kind == done.poison}
        assert poisoned == {letter.event.id for letter in done.dead_letters if letter.queue == "audit"} & poisoned
        for account in done.accounts:
            if account.event.id in poisoned:
                assert account.way == "redriven"
                assert account.counted_us is not None
                assert account.counted_us >= flow.OPERATOR_COMES_US
        for row in done.queues:
            if row.name != "audit":
                assert row.failed == row.crashed

    def test_what_failed_is_back_after_its_visibility_timeout(self, done: Result) -> None:
        received = [step for step in done.steps if step.kind == "received" and step.resource == "queue audit"]
        back = [step.at_us for step in done.steps if step.kind == "available" and step.resource == "queue audit"]

        assert back == [step.at_us + flow.VISIBILITY_TIMEOUT * 1_000_000 for step in received[: len(back)]]
        assert back

    def test_the_slowest_is_told_from_its_publication_into_its_object(self, done: Result) -> None:
        slowest = done.slowest

        assert slowest is not None
        assert slowest.took_us == max(account.took_us for account in done.accounts)
        assert (done.steps[0].resource, done.steps[0].kind) == ("topic events", "published")
        kinds = {(step.resource, step.kind) for step in done.steps}
        assert {("queue audit-dead", "moved in"), ("bus hub", "put"), ("stream activity", "put")} <= kinds
        assert {("function counter-by-repository", "succeeded"), ("delivery stream archive", "written")} <= kinds
        assert [step.at_us for step in done.steps] == sorted(step.at_us for step in done.steps)

    def test_one_repository_is_on_one_shard(self, done: Result) -> None:
        assert sum(shard.repositories for shard in done.shards) == len(done.repositories)

    def test_the_same_seed_gives_the_same_and_another_another(self, done: Result) -> None:
        events = bundled().events

        assert json.dumps(play(events, seed=1).to_dict()) == json.dumps(done.to_dict())
        assert play(events[:50], seed=2).to_dict() != play(events[:50], seed=3).to_dict()

    @pytest.mark.parametrize(
        "seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.deep) for seed in range(3, 60))]
    )
    def test_any_seed_accounts_for_all(self, seed: int) -> None:
        assert play(bundled().events[:: 1 if seed > 2 else 4], seed=seed).complete

    @pytest.mark.parametrize("boxes", [True, False])
    def test_the_report_fits_a_hundred_columns(self, done: Result, *, boxes: bool) -> None:
        """
        In ASCII where there are no other characters; the picture has what each arrow carried.
        """
        text = shown(done, boxes=boxes)

        assert text.isascii() is not boxes
        assert max(len(line) for line in text.splitlines()) <= WIDTH
        assert "ok: 329 of 329 events, each counted once and found in an object, by its id" in text
        assert f"cannot read {done.poison!r} events" in text
        for arrow in done.arrows:
            if arrow.carried:
                assert f"{arrow.carried:,}" in text.partition("Queues and functions")[0]


def _undone(failed: int, repeats: int, row: Any) -> int:
    """
    Deliveries whose call failed before the work was done: of those that failed after it the next is a repeat.
    """
    undone: int = row.received - row.done - row.passed_over - repeats
    assert 0 <= undone <= failed
    return undone


class TestOtherDays:
    def test_everything_crashing_is_told_and_not_endless(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        Dead letters are sent round a few times, and what is left is said.
        """
        monkeypatch.setattr(flow, "CRASH_RATE", 1.0)
        done = play(bundled().events[:1], seed=1)

        assert not done.complete
        assert done.figures["rounds"] == flow.ROUNDS_MAX
        assert done.figures["left"]
        assert "still there" in shown(done)
        assert "left on the way: " in shown(done)

    def test_acknowledgements_that_are_lost_make_no_event_count_twice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(flow, "LOST_ACKNOWLEDGEMENT_RATE", 0.3)
        done = play(bundled().events[:60], seed=1)

        assert done.complete
        assert done.figures["duplicates"] > 5
        assert done.figures["counted"] == 60

    def test_a_store_that_takes_nothing_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        The events were counted, and are in no object: that is not complete.
        """

        def full(*_: object) -> None:
            raise OSError("the disk is full")

        monkeypatch.setattr(MemoryStore, "put", full)
        done = play(bundled().events[:5], seed=1)

        assert not done.complete
        assert done.figures["counted"] == 5
        assert len(done.missing) == 5
        assert done.figures["left"]

    def test_many_events_of_one_instant_are_no_endless_loop(self) -> None:
        """
        The clock refuses 10,000 callbacks at one instant; one callback publishes all that have come.
        """
        one = b'{"source": "s", "detail-type": "t%d", "detail": {}, "time": "2024-01-01T12:00:00Z"}'
        done = play(read(b"\n".join(one % (number % 20) for number in range(500))).events)

        assert done.complete
        assert {account.published_us for account in done.accounts} == {12 * HOUR_US}

    def test_one_event_is_a_day_too(self) -> None:
        done = play(bundled().events[:1])

        assert done.complete
        assert done.poison is None
        assert "Dead letters\n  none" in shown(done)

    def test_names_longer_than_the_services_take_are_carried_all_the_same(self) -> None:
        """
        A detail type is cut at 128 characters and a partition key at 256; the kind and the id stay whole.
        """
        entry = {"source": "s", "detail-type": "k" * 300, "detail": {"repository": "r" * 300}, "id": "i" * 300}
        done = play(read(json.dumps(entry).encode()).events)

        assert done.complete
        assert done.kinds == {"k" * 300: 1}

    def test_an_interruption_keeps_what_was_reached(self) -> None:
        def interrupt(count: int, at_us: int) -> None:
            if count == 30:
                raise KeyboardInterrupt

        done = play(bundled().events, seed=1, progress=interrupt)

        assert done.interrupted
        assert not done.complete
        assert done.figures["counted"] == 30
        assert 299 <= len(done.missing) <= 300
        assert "INCOMPLETE: " in shown(done)
        assert "interrupted; the last event was counted at" in shown(done)

    def test_an_interruption_before_the_first_is_told_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupt(_: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(flow.Flow, "_publish_due", interrupt)
        done = play(bundled().events)

        assert done.interrupted
        assert "INCOMPLETE: 0 of 329" in shown(done)

    def test_no_events_are_refused(self) -> None:
        with pytest.raises(InvalidInput, match="no events"):
            play([])


@pytest.mark.parametrize(
    ("changes", "way"),
    [
        ({}, "straight"),
        ({"found": 2}, "duplicated"),
        ({"copies": 5}, "duplicated"),
        ({"found": 2, "failures": 1}, "retried"),
        ({"failures": 3, "dead_lettered": 1}, "redriven"),
        ({"counted_us": None}, "missing"),
        ({"object": None}, "missing"),
    ],
)
def test_how_an_event_came_is_told_by_the_worst_of_it(changes: dict[str, Any], way: str) -> None:
    [event] = read(b'{"source": "s", "detail-type": "t", "detail": {}}').events
    plain = Account(event, "m", 0, 0, "key", 1, 4, 0, 4, 0, 0)

    assert plain._replace(**changes).way == way


def test_progress_is_told_of_each_event() -> None:
    told: list[tuple[int, int]] = []
    play(bundled().events[:20], progress=lambda count, at_us: told.append((count, at_us)))

    assert [count for count, _ in told] == list(range(1, 21))
    assert [at_us for _, at_us in told] == sorted(at_us for _, at_us in told)


def test_text_of_users_moves_no_cursor() -> None:
    assert clean("a\x1b[31mb\nc") == "a?[31mb?c"
    assert shown_time(25 * HOUR_US + 999_999) == "25:00:00"
