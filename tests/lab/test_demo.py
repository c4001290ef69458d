"""
The demo's flow: every event is accounted for, whatever goes wrong on the way.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from postroom.errors import InvalidInput
from postroom.lab import flow
from postroom.lab.demo import play
from postroom.lab.events import bundled, read
from postroom.lab.report import WIDTH, clean, report, shown_time

if TYPE_CHECKING:
    from postroom.lab.accounts import Result


@pytest.fixture(scope="module")
def done() -> Result:
    return play(bundled().events, seed=1)


def shown(result: Result) -> str:
    return "\n".join(line for title, lines in report(result) for line in [title, *(text for text, _ in lines)])


class TestTheRealEvents:
    def test_all_are_accounted_for_by_id(self, done: Result) -> None:
        """
        Each of the 329 was counted once; kinds and repositories add up.
        """
        assert done.complete
        assert [account.event for account in done.accounts] == bundled().events
        assert all(account.counted_us is not None and account.left_us is not None for account in done.accounts)
        assert done.kinds == Counter(event.kind for event in bundled().events)
        assert done.repositories == Counter(event.repository for event in bundled().events)

    def test_the_figures_fit_one_another(self, done: Result) -> None:
        """
        What was sent was deleted or moved, and each delivery was counted, a repeat, or a failure.
        """
        figures = done.figures

        assert figures["sent"] == 329 + figures["sent_again"]
        assert figures["sent"] == figures["deleted"] + figures["dead_lettered"]
        assert figures["received"] == figures["calls"] == sum(account.deliveries for account in done.accounts)
        assert figures["received"] == figures["sent"] + figures["retried"]
        assert figures["calls_failed"] > figures["calls_crashed"] > 0
        assert figures["oldest_age_us"] >= flow.VISIBILITY_TIMEOUT * 3 * 1_000_000
        assert figures["repeats"] > 0

    def test_poison_goes_aside_after_three_tries_and_comes_round_again(self, done: Result) -> None:
        """
        All events of the poison kind, each sent again under the same id in its body.
        """
        poisoned = {event.id for event in bundled().events if event.kind == done.poison}

        assert {letter.event.id for letter in done.dead_letters} >= poisoned
        assert all(letter.tries == 3 for letter in done.dead_letters)
        assert all(letter.sent_again_as for letter in done.dead_letters)
        for account in done.accounts:
            if account.event.id in poisoned:
                assert account.counted_us is not None
                assert account.counted_us >= flow.OPERATOR_COMES_US
                assert len(account.message_ids) == 2
                assert account.deliveries >= 4

    def test_what_failed_is_back_after_its_visibility_timeout(self, done: Result) -> None:
        for story in done.stories:
            for before, after in zip(story.observations, story.observations[1:], strict=False):
                if (before.kind, after.kind) == ("failed", "available"):
                    assert after.at_us - before.at_us == flow.VISIBILITY_TIMEOUT * 1_000_000

    def test_the_slowest_is_told_from_its_sending_to_its_end(self, done: Result) -> None:
        slowest = done.slowest

        assert slowest is not None
        assert slowest.took_us == max(account.took_us for account in done.accounts)
        assert tuple(story.message_id for story in done.stories) == slowest.message_ids
        assert done.stories[0].observations[0].kind == "sent"
        assert done.stories[-1].observations[-1].kind == "deleted"

    def test_the_same_seed_gives_the_same_and_another_another(self, done: Result) -> None:
        events = bundled().events

        assert play(events, seed=1).to_dict() == done.to_dict()
        assert play(events[:50], seed=2).to_dict() != play(events[:50], seed=3).to_dict()

    @pytest.mark.parametrize(
        "seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.deep) for seed in range(3, 60))]
    )
    def test_any_seed_accounts_for_all(self, seed: int) -> None:
        assert play(bundled().events, seed=seed).complete

    def test_the_report_fits_eighty_columns_of_ascii(self, done: Result) -> None:
        text = shown(done)

        assert text.isascii()
        assert max(len(line) for line in text.splitlines()) <= WIDTH
        assert "ok: 329 of 329 events, each counted once, by its id" in text
        assert f"cannot read {done.poison!r} events" in text
        assert text.count("3 tries, through at 25:") == len(done.dead_letters)


class TestOtherDays:
    def test_everything_crashing_is_told_and_not_endless(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        Dead letters are sent round a few times, and what is left is said.
        """
        monkeypatch.setattr(flow, "CRASH_RATE", 1.0)
        done = play(bundled().events[:1], seed=1)

        assert not done.complete
        assert done.figures["rounds"] == flow.ROUNDS_MAX
        assert done.figures["left_in_dead_letter_queue"] == 1
        assert "1 in the dead-letter queue" in shown(done)
        assert "still there" in shown(done)

    def test_many_events_of_one_instant_are_no_endless_loop(self) -> None:
        """
        The clock refuses 10,000 callbacks at one instant; one callback sends all that have come.
        """
        one = b'{"source": "s", "detail-type": "t%d", "detail": {}, "time": "2024-01-01T12:00:00Z"}'
        done = play(read(b"\n".join(one % (number % 20) for number in range(1_000))).events)

        assert done.complete
        assert {account.sent_us for account in done.accounts} == {12 * 3_600 * 1_000_000}

    def test_one_event_is_a_day_too(self) -> None:
        done = play(bundled().events[:1])

        assert done.complete
        assert done.poison is None
        assert done.dead_letters == []
        assert "Dead letters\n  none" in shown(done)

    def test_an_interruption_keeps_what_was_reached(self) -> None:
        def interrupt(count: int, at_us: int) -> None:
            if count == 30:
                raise KeyboardInterrupt

        done = play(bundled().events, seed=1, progress=interrupt)

        assert done.interrupted
        assert not done.complete
        assert done.figures["counted"] == 30
        assert len(done.missing) == 299
        assert "INCOMPLETE: 30 of 329 events" in shown(done)
        assert "interrupted; the last event was counted at" in shown(done)

    def test_an_interruption_before_the_first_is_told_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupt(_: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(flow.Flow, "_send_due", interrupt)
        done = play(bundled().events)

        assert done.interrupted
        assert "INCOMPLETE: 0 of 329" in shown(done)

    def test_no_events_are_refused(self) -> None:
        with pytest.raises(InvalidInput, match="no events"):
            play([])


def test_progress_is_told_of_each_event() -> None:
    told: list[tuple[int, int]] = []
    play(bundled().events[:20], progress=lambda count, at_us: told.append((count, at_us)))

    assert [count for count, _ in told] == list(range(1, 21))
    assert [at_us for _, at_us in told] == sorted(at_us for _, at_us in told)


def test_text_of_users_moves_no_cursor() -> None:
    assert clean("a\x1b[31mb\nc") == "a?[31mb?c"
    assert shown_time(25 * 3_600 * 1_000_000 + 999_999) == "25:00:00"
