"""
Figures for people and for files.
"""

from __future__ import annotations

import json
import os
import platform
from typing import TYPE_CHECKING, Any

from benchmarks.runner import Figure, Reading, Skipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

FORMAT = 1


def seconds(value: float) -> str:
    """
    A duration with three digits and the unit that suits it.

    >>> seconds(0.0000003147), seconds(0.0204)
    ('315 ns', '20.4 ms')
    """
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "us")):
        if value * factor >= 1:
            return f"{value * factor:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def ratio(value: float) -> str:
    """
    A ratio with two decimals; a small one as a fraction, so that its digits are seen.

    >>> ratio(1.5), ratio(0.004)
    ('1.50', '1/250')
    """
    if value >= 0.1 or value <= 0:
        return f"{value:.2f}"
    return f"1/{1 / value:.1f}" if value > 0.01 else f"1/{1 / value:,.0f}"


def reading_line(reading: Reading) -> str:
    """
    One reading.

    >>> reading_line(Reading("memory for a rule", {"ours": 5310.2, "theirs": 6000.0}, "bytes", size=10_000))
    'memory for a rule, 10,000: ours 5,310, theirs 6,000 bytes'
    """
    size = "" if reading.size is None else f", {reading.size:,}"
    values = ", ".join(
        f"{name} {value:,.{0 if value >= 100 or value == int(value) else 2}f}" for name, value in reading.values.items()
    )
    return f"{reading.name}{size}: {values} {reading.unit}"


def case_table(figures: Sequence[Figure]) -> str:
    """
    One case: a line for each subject, with its time, its spread, its ratio and the band of the ratio.
    """
    first = figures[0]
    size = "" if first.size is None else f", {first.size:,}"
    lines = [f"{first.case}{size}  (1.00 = {first.reference})"]
    width = max(len(figure.subject) for figure in figures)
    for figure in figures:
        band = "" if figure.subject == figure.reference else f"   [{ratio(figure.low)} to {ratio(figure.high)}]"
        time = f"{seconds(figure.best):>8}  +{figure.spread:>4.0%}"
        lines.append(f"  {figure.subject:<{width}}  {time}  {ratio(figure.ratio):>8}{band}")
    return "\n".join(lines)


def growth_table(figures: Iterable[Figure]) -> str:
    """
    For each case measured at several sizes: the time of each subject, relative to its time at the first size.

    Empty if there is none.
    """
    curves: dict[str, dict[str, list[Figure]]] = {}
    for figure in figures:
        if figure.size is not None:
            curves.setdefault(figure.case, {}).setdefault(figure.subject, []).append(figure)
    lines = []
    for case, subjects in curves.items():
        grown = {subject: curve for subject, curve in subjects.items() if len(curve) > 1}
        if grown:
            lines.append(f"{case}: growth of the time for one operation")
            width = max(map(len, grown))
            lines += [
                f"  {subject:<{width}}  "
                + "   ".join(f"{figure.size:,}: {figure.best / curve[0].best:.2f}" for figure in curve)
                for subject, curve in grown.items()
            ]
    return "\n".join(lines)


def machine() -> dict[str, object]:
    """
    What the figures depend on, without anything that tells whose machine it is.
    """
    return {
        "implementation": platform.python_implementation(),
        "python": platform.python_version(),
        "system": platform.system(),
        "architecture": platform.machine(),
        "cpus": os.cpu_count(),
    }


def write_json(
    path: Path,
    figures: Iterable[Figure],
    skipped: Iterable[Skipped],
    *,
    quick: bool,
    readings: Iterable[tuple[str, Reading]] = (),
) -> None:
    """
    Write all figures to *path*, for `compare`; readings, with the names of their entries, for people.
    """
    document = {
        "format": FORMAT,
        "quick": quick,
        "machine": machine(),
        "figures": [figure._asdict() for figure in figures],
        "skipped": [{"name": one.name, "reason": one.reason} for one in skipped],
        "readings": [
            {"entry": entry, "name": one.name, "size": one.size, "values": dict(one.values), "unit": one.unit}
            for entry, one in readings
        ],
    }
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def read_json(path: Path) -> tuple[dict[str, Any], list[Figure]]:
    """
    What `write_json` wrote: the whole document, and its figures.

    Raises:
        ValueError: The file is none of ours.
    """
    document = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"{path.name}: expected a file written with --json, format {FORMAT}")
    return document, [Figure(**figure) for figure in document["figures"]]
