"""
Two runs, figure by figure: noise, improvement or REGRESSION.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from benchmarks.report import ratio

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.runner import Figure

NOISE = "noise"
IMPROVEMENT = "improvement"
REGRESSION = "REGRESSION"


class Comparison(NamedTuple):
    """
    One figure before and after, and the verdict.
    """

    before: Figure
    after: Figure
    verdict: str

    def __str__(self) -> str:
        before, after = self.before, self.after
        size = "" if after.size is None else f", {after.size:,}"
        change = after.ratio / before.ratio - 1 if before.ratio else 0.0
        return (
            f"{self.verdict:<11}  {change:>+5.0%}  {ratio(before.ratio)} -> {ratio(after.ratio)}"
            f"  {after.entry}: {after.case}{size}: {after.subject} (1.00 = {after.reference})"
        )


def verdict(before: Figure, after: Figure) -> str:
    """
    Whether the ratio moved beyond the bands of both runs: if these overlap or touch, it is noise.
    """
    if after.low > before.high:
        return REGRESSION
    if after.high < before.low:
        return IMPROVEMENT
    return NOISE


def compare(before: Iterable[Figure], after: Iterable[Figure]) -> tuple[list[Comparison], list[str]]:
    """
    The figures found in both runs, in the order of the later one, and notes about those found in one only.

    A reference is always 1.00 and says nothing, so it is left out.
    """
    old = {figure.key: figure for figure in before if figure.subject != figure.reference}
    new = {figure.key: figure for figure in after if figure.subject != figure.reference}
    both = [Comparison(old[key], figure, verdict(old[key], figure)) for key, figure in new.items() if key in old]
    notes = [f"only before: {_name(figure)}" for key, figure in old.items() if key not in new]
    notes += [f"only after: {_name(figure)}" for key, figure in new.items() if key not in old]
    return both, notes


def _name(figure: Figure) -> str:
    size = "" if figure.size is None else f", {figure.size:,}"
    return f"{figure.entry}: {figure.case}{size}: {figure.subject}"
