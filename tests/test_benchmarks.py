"""
The benchmark runner, with a clock that says what the test wants: nothing here depends on how fast anything is.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import compare, report
from benchmarks.__main__ import entry_modules, main
from benchmarks.runner import BAND_MIN, Case, Figure, Mismatch, Skipped, measure, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class FakeTimer:
    """A clock that subjects move by hand: a subject "takes" the next of its durations at each call."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[str] = []

    def __call__(self) -> float:
        return self.now

    def subject(self, name: str, durations: list[float], result: object = None) -> Any:
        left = iter([0.0, *durations])  # the warm-up is not timed

        def call(*_prepared: object) -> object:
            self.calls.append(name)
            self.now += next(left)
            return result

        return call


def figure(subject: str = "ours", *, ratio: float = 1.0, low: float | None = None, high: float | None = None) -> Figure:
    return Figure(
        entry="entry",
        case="case",
        size=None,
        subject=subject,
        reference="theirs",
        best=ratio,
        usual=ratio,
        ratio=ratio,
        low=ratio * 0.95 if low is None else low,
        high=ratio * 1.05 if high is None else high,
    )


def measured(**durations: list[float]) -> dict[str, Figure]:
    timer = FakeTimer()
    subjects = {name: timer.subject(name, taken) for name, taken in durations.items()}
    case = Case(name="case", subjects=subjects, reference="theirs", operations=10)
    figures = measure("entry", case, rounds=len(durations["theirs"]), timer=timer)
    return {one.subject: one for one in figures}


# Measuring.


def test_the_best_round_counts_and_the_usual_one_is_the_spread() -> None:
    theirs = measured(ours=[1.0, 1.0, 1.0], theirs=[30.0, 20.0, 22.0])["theirs"]

    assert theirs.best == pytest.approx(2.0)  # for each of ten operations
    assert theirs.usual == pytest.approx(2.2)
    assert theirs.spread == pytest.approx(0.1)


def test_the_reference_is_one() -> None:
    theirs = measured(ours=[1.0, 1.0], theirs=[20.0, 30.0])["theirs"]

    assert (theirs.ratio, theirs.low, theirs.high) == (1.0, 1.0, 1.0)


def test_a_ratio_and_its_band() -> None:
    """
    Best 10 against best 20; at the ends of the band one side has its best and the other its usual round.
    """
    ours = measured(ours=[10.0, 15.0, 14.0], theirs=[30.0, 20.0, 25.0])["ours"]

    assert ours.ratio == pytest.approx(10 / 20)
    assert ours.low == pytest.approx(10 / 25)
    assert ours.high == pytest.approx(14 / 20)


def test_a_band_is_never_narrower_than_what_two_processes_differ_by() -> None:
    ours = measured(ours=[10.0, 10.0], theirs=[20.0, 20.0])["ours"]

    assert ours.low == pytest.approx(0.5 * (1 - BAND_MIN))
    assert ours.high == pytest.approx(0.5 * (1 + BAND_MIN))


def test_subjects_take_turns_and_each_begins_in_turn() -> None:
    timer = FakeTimer()
    subjects = {name: timer.subject(name, [1.0] * 4) for name in "abc"}

    measure("entry", Case(name="case", subjects=subjects, reference="a"), rounds=4, timer=timer)

    warm_up, *rounds = ["".join(timer.calls[start : start + 3]) for start in range(0, 15, 3)]
    assert sorted(warm_up) == ["a", "b", "c"]
    assert rounds == ["abc", "bca", "cab", "abc"]


def test_input_is_prepared_outside_the_timing_and_the_same_for_all_in_a_round() -> None:
    timer = FakeTimer()
    seen: list[tuple[str, int]] = []

    def prepare(round_: int) -> int:
        timer.now += 1_000
        return round_

    def subject(name: str) -> Any:
        def call(prepared: int) -> int:
            seen.append((name, prepared))
            timer.now += 1
            return prepared

        return call

    case = Case(name="case", subjects={"a": subject("a"), "b": subject("b")}, reference="a", prepare=prepare)
    figures = measure("entry", case, rounds=2, timer=timer)

    assert [figure.usual for figure in figures] == [1.0, 1.0]
    assert sorted(seen) == [(name, round_) for name in "ab" for round_ in (-1, 0, 1)]


def test_who_does_more_in_one_call_has_its_time_divided_by_more() -> None:
    timer = FakeTimer()
    subjects = {"ours": timer.subject("ours", [6.0]), "theirs": timer.subject("theirs", [4.0])}
    case = Case(name="case", subjects=subjects, reference="theirs", operations=2, operations_of={"ours": 12})

    figures = {one.subject: one for one in measure("entry", case, rounds=1, timer=timer)}

    assert figures["theirs"].best == pytest.approx(2.0)
    assert figures["ours"].best == pytest.approx(0.5)
    assert figures["ours"].ratio == pytest.approx(0.25)
    with pytest.raises(ValueError, match="'other'"):
        Case(name="case", subjects=subjects, reference="theirs", operations_of={"other": 1})


def test_different_results_fail_the_run_and_say_where() -> None:
    subjects = {"ours": lambda: [1, 2, 3], "theirs": lambda: [1, 5, 3]}
    case = Case(name="add", size=1_000, subjects=subjects, reference="theirs")

    with pytest.raises(Mismatch) as caught:
        measure("entry", case, rounds=1)

    assert str(caught.value).splitlines() == [
        "entry: add, size 1,000: 'ours' and 'theirs' differ",
        "  ours: [1, 2, 3]",
        "  theirs: [1, 5, 3]",
        "  first at [1]: 2 and 5",
    ]


def test_a_difference_in_a_later_round_is_found_too() -> None:
    answers = iter([1, 1, 2])
    case = Case(name="add", subjects={"ours": lambda: next(answers), "theirs": lambda: 1}, reference="theirs")

    with pytest.raises(Mismatch):
        measure("entry", case, rounds=2)


def test_results_of_different_length_and_long_results_are_shortened() -> None:
    case = Case(name="add", subjects={"a": lambda: [0] * 500, "b": lambda: [0] * 501}, reference="a")

    with pytest.raises(Mismatch, match="lengths 500 and 501") as caught:
        measure("entry", case, rounds=1)

    assert len(str(caught.value)) < 600


def test_floors_do_less_and_are_not_compared() -> None:
    case = Case(name="add", subjects={"ours": lambda: 1}, floors={"nothing": lambda: None}, reference="nothing")

    assert [one.subject for one in measure("entry", case, rounds=1)] == ["nothing", "ours"]


@pytest.mark.parametrize(
    ("floors", "reference", "fault"), [({}, "theirs", "is none of"), ({"ours": print}, "ours", "at once")]
)
def test_a_case_that_makes_no_sense_is_refused(floors: dict[str, Any], reference: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Case(name="case", subjects={"ours": print}, floors=floors, reference=reference)


def test_skipped_cases_are_passed_on_and_a_case_can_ask_for_fewer_rounds() -> None:
    timer = FakeTimer()
    case = Case(name="case", subjects={"a": timer.subject("a", [1.0] * 9)}, reference="a", rounds=2)

    first, second = run("entry", iter([Skipped("other", "no network"), case]), rounds=9, timer=timer)

    assert first == Skipped("other", "no network")
    assert isinstance(second, list)
    assert len(timer.calls) == 1 + 2


# Comparing.


@pytest.mark.parametrize(
    ("after_low", "after_high", "expected"),
    [
        (1.06, 1.20, compare.REGRESSION),
        (1.05, 1.20, compare.NOISE),
        (0.99, 1.01, compare.NOISE),
        (0.80, 0.95, compare.NOISE),
        (0.80, 0.94, compare.IMPROVEMENT),
    ],
)
def test_a_verdict_other_than_noise_needs_bands_that_lie_apart(
    after_low: float, after_high: float, expected: str
) -> None:
    before = figure(low=0.95, high=1.05)

    assert expected == compare.verdict(before, figure(low=after_low, high=after_high))


def test_only_figures_found_in_both_runs_are_judged() -> None:
    both, notes = compare.compare([figure("a"), figure("gone")], [figure("a"), figure("new"), figure("theirs")])

    assert [one.after.subject for one in both] == ["a"]
    assert notes == ["only before: entry: case: gone", "only after: entry: case: new"]


def saved(path: Path, *figures: Figure, quick: bool = False) -> str:
    report.write_json(path, figures, [Skipped("case", "reason")], quick=quick)
    return str(path)


@pytest.mark.parametrize(("ratio", "status"), [(1.0, 0), (1.05, 0), (0.5, 0), (2.0, 1)])
def test_comparing_fails_on_a_regression_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ratio: float, status: int
) -> None:
    before = saved(tmp_path / "before.json", figure())
    after = saved(tmp_path / "after.json", figure(ratio=ratio))

    assert status == main(["compare", before, after])
    assert f"{status} REGRESSION" in capsys.readouterr().out


def test_a_comparison_reads_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["compare", saved(tmp_path / "a.json", figure()), saved(tmp_path / "b.json", figure(ratio=1.5))])

    assert capsys.readouterr().out.splitlines() == [
        "REGRESSION    +50%  1.00 -> 1.50  entry: case: ours (1.00 = theirs)",
        "0 noise, 0 improvement, 1 REGRESSION",
    ]


def test_quick_runs_and_strange_files_are_not_compared(tmp_path: Path) -> None:
    good = saved(tmp_path / "good.json", figure())
    quick = saved(tmp_path / "quick.json", figure(), quick=True)
    strange = tmp_path / "strange.json"
    strange.write_text("[]", encoding="utf-8")

    for other in (quick, str(strange), str(tmp_path / "missing.json")):
        with pytest.raises(SystemExit) as caught:
            main(["compare", good, other])
        assert caught.value.code == 2


# Reporting.


def test_a_file_gives_back_its_figures_and_names_no_path(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    figures = [figure("a"), figure("b", ratio=2.0)]
    report.write_json(path, figures, [], quick=False)

    document, read = report.read_json(path)

    assert figures == read
    assert {"implementation", "python", "system", "architecture", "cpus"} == document["machine"].keys()
    assert str(tmp_path) not in path.read_text(encoding="utf-8")


def test_a_table_shows_time_spread_ratio_and_band() -> None:
    ours = Figure("entry", "case", 1_000, "ours", "theirs", 1e-6, 1.1e-6, 0.5, 0.4, 0.6)
    theirs = Figure("entry", "case", 1_000, "theirs", "theirs", 2e-6, 2e-6, 1.0, 1.0, 1.0)

    assert report.case_table([ours, theirs]).splitlines() == [
        "case, 1,000  (1.00 = theirs)",
        "  ours        1 us  + 10%      0.50   [0.40 to 0.60]",
        "  theirs      2 us  +  0%      1.00",
    ]


def test_growth_is_shown_over_sizes_only() -> None:
    def sized(size: int | None, best: float) -> Figure:
        return figure()._replace(size=size, best=best)

    assert report.growth_table([sized(10, 2.0), sized(1_000, 3.0)]).splitlines() == [
        "case: growth of the time for one operation",
        "  ours  10: 1.00   1,000: 1.50",
    ]
    assert report.growth_table([sized(10, 2.0)]) == ""
    assert report.growth_table([sized(None, 2.0), sized(None, 3.0)]) == ""


# The command line.


def test_entries_are_found_by_file_name() -> None:
    modules = entry_modules()

    assert modules["import"] == "benchmarks.entries.import_"
    assert modules["partitioning"] == "benchmarks.entries.partitioning"


def test_listing_shows_every_entry_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert list(entry_modules()) == [line.split()[0] for line in lines]
    assert all(len(line.split()) > 2 for line in lines)


@pytest.mark.parametrize("arguments", [["nonsense"], ["--rounds", "0"], ["compare", "one.json"]])
def test_wrong_usage_is_status_two(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == 2


def test_a_quick_run_writes_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run.json"

    assert main(["partitioning", "--quick", "--json", str(path)]) == 0

    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["quick"] is True
    assert {1, 10, 1_000, 10_000} == {one["size"] for one in document["figures"]}
    assert "index_of" in capsys.readouterr().out


def test_a_mismatch_in_an_entry_is_status_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def cases(_quick: bool) -> Iterator[Case]:
        yield Case(name="add", subjects={"a": lambda: 1, "b": lambda: 2}, reference="a")

    monkeypatch.setattr("benchmarks.entries.partitioning.cases", cases)

    assert main(["partitioning"]) == 1
    assert "MISMATCH partitioning: add: 'a' and 'b' differ" in capsys.readouterr().out
