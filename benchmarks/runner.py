"""
Runs cases: warm-up, interleaved rounds, results compared, figures made.
"""

from __future__ import annotations

import gc
import time
from statistics import median
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROUNDS: Final = 8
ROUNDS_QUICK: Final = 2

BAND_MIN: Final = 0.05
"""
No band is narrower than this share of its ratio to either side.

Rounds of one process agree better with one another than with the next process, whose memory lies elsewhere: whole
runs repeated without any change moved by up to 4%.
"""


@attrs.frozen(kw_only=True)
class Case:
    """
    Several ways of doing the same thing, to be timed side by side.

    Args:
        name: What is done. Cases of the same name and different *size* form a growth curve.
        subjects: Callables by name. All must give equal results. Each is given what *prepare* made, if there is one.
        reference: The subject, or the floor, to which all others are put in relation.
        floors: Further callables, for scale: they do less, so their results are compared with nothing.
        size: What grows from case to case: shards, rules, messages waiting.
        operations: Operations done in one call of a subject, so that times can be given for one. A call should
            take a millisecond or more.
        operations_of: By name, of those that do more or fewer operations in one call: what is much faster than the rest
            needs more for a time that means something. It returns results of those that all do.
        prepare: Called before every call, outside the timing, with the number of the round; what it returns is
            passed to the callable. For inputs that are used up, and for keys that are new in each round.
        rounds: Rounds for this case where the usual number does not fit.
    """

    name: str
    subjects: Mapping[str, Callable[..., object]]
    reference: str
    floors: Mapping[str, Callable[..., object]] = attrs.field(factory=dict)
    size: int | None = None
    operations: int = 1
    operations_of: Mapping[str, int] = attrs.field(factory=dict)
    prepare: Callable[[int], Any] | None = None
    rounds: int | None = None

    def __attrs_post_init__(self) -> None:
        if self.reference not in {**self.subjects, **self.floors}:
            raise ValueError(f"case {self.name!r}: its reference {self.reference!r} is none of its subjects and floors")
        if both := self.subjects.keys() & self.floors.keys():
            raise ValueError(f"case {self.name!r}: {sorted(both)} are subjects and floors at once")
        if unknown := self.operations_of.keys() - {*self.subjects, *self.floors}:
            raise ValueError(f"case {self.name!r}: {sorted(unknown)} are none of its subjects and floors")


@attrs.frozen
class Skipped:
    """
    What an entry yields in place of a case that cannot run here, with the reason.
    """

    name: str
    reason: str


@attrs.frozen
class Reading:
    """
    What an entry yields in place of a case for what is no time for one operation: memory, percentiles, counts.

    Args:
        name: What was looked at.
        values: What was found, by what it is of.
        unit: Of the values.
        size: As that of a case.
    """

    name: str
    values: Mapping[str, float]
    unit: str
    size: int | None = None


class Mismatch(Exception):
    """
    Two subjects of a case gave different results.
    """


class Figure(NamedTuple):
    """
    What was measured for one subject of one case.

    `best` and `usual` (the median) are seconds for one operation. `ratio` is best to the reference's best; `low` and
    `high` are its band.
    """

    entry: str
    case: str
    size: int | None
    subject: str
    reference: str
    best: float
    usual: float
    ratio: float
    low: float
    high: float

    @property
    def spread(self) -> float:
        """
        How far the usual round was from the best, as a share of the best.
        """
        return self.usual / self.best - 1 if self.best else 0.0

    @property
    def key(self) -> tuple[str, str, int | None, str, str]:
        """
        What makes this figure the same as one of another run.
        """
        return self.entry, self.case, self.size, self.subject, self.reference


def measure(
    entry: str,
    case: Case,
    *,
    rounds: int = ROUNDS,
    timer: Callable[[], float] = time.perf_counter,
) -> list[Figure]:
    """
    Time the subjects of a case turn by turn; one warm-up, then *rounds* rounds, each begun by another subject.

    The garbage collector stays on, since what it costs is part of what is measured, but starts each call with
    nothing to do.

    Raises:
        Mismatch: Two subjects gave different results, in the warm-up or in any round.
    """
    callables = {**case.floors, **case.subjects}
    names = list(callables)
    times: dict[str, list[float]] = {name: [] for name in names}
    for round_ in range(-1, rounds):
        turn = round_ % len(names)
        results: dict[str, object] = {}
        for name in [*names[turn:], *names[:turn]]:
            arguments = () if case.prepare is None else (case.prepare(round_),)
            call = callables[name]
            gc.collect()
            start = timer()
            result = call(*arguments)
            elapsed = timer() - start
            if name in case.subjects:
                results[name] = result
            if round_ >= 0:
                times[name].append(elapsed / case.operations_of.get(name, case.operations))
        _compare_results(entry, case, results)
    return _figures(entry, case, times)


def _compare_results(entry: str, case: Case, results: dict[str, object]) -> None:
    first, *others = case.subjects
    for other in others:
        if results[first] != results[other]:
            where = f"{entry}: {case.name}" + ("" if case.size is None else f", size {case.size:,}")
            raise Mismatch(
                f"{where}: {first!r} and {other!r} differ\n"
                f"  {first}: {_shorten(results[first])}\n  {other}: {_shorten(results[other])}"
                f"{_first_difference(results[first], results[other])}"
            )


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


def _first_difference(one: object, other: object) -> str:
    if isinstance(one, list) and isinstance(other, list):
        for index, (left, right) in enumerate(zip(one, other, strict=False)):
            if left != right:
                return f"\n  first at [{index}]: {_shorten(left)} and {_shorten(right)}"
        return f"\n  lengths {len(one)} and {len(other)}"
    return ""


def _figures(entry: str, case: Case, times: Mapping[str, Sequence[float]]) -> list[Figure]:
    reference_best = min(times[case.reference])
    reference_usual = median(times[case.reference])
    figures = []
    for name, taken in times.items():
        best, usual = min(taken), median(taken)
        ratio, low, high = 1.0, 1.0, 1.0
        if name != case.reference:
            ratio = best / reference_best
            low = min(best / reference_usual, ratio * (1 - BAND_MIN))
            high = max(usual / reference_best, ratio * (1 + BAND_MIN))
        figures.append(Figure(entry, case.name, case.size, name, case.reference, best, usual, ratio, low, high))
    return figures


def run(
    entry: str,
    cases: Iterator[Case | Skipped | Reading],
    *,
    rounds: int,
    timer: Callable[[], float] = time.perf_counter,
) -> Iterator[list[Figure] | Skipped | Reading]:
    """
    Measure the cases of an entry one after another, and hand each over as soon as it is done.
    """
    for case in cases:
        if isinstance(case, Skipped | Reading):
            yield case
        else:
            yield measure(entry, case, rounds=rounds if case.rounds is None else min(case.rounds, rounds), timer=timer)
