"""
Figures for people and for files.
"""

from __future__ import annotations

import json
import os
import platform
from typing import TYPE_CHECKING, Any

from benchmarks.runner import Figure, Skipped

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


def case_table(figures: Sequence[Figure]) -> str:
    """
    One case: a line for each subject, with its time, its spread, its ratio and the band of the ratio.
    """
    first = figures[0]
    size = "" if first.size is None else f", {first.size:,}"
    lines = [f"{first.case}{size}  (1.00 = {first.reference})"]
    width = max(len(figure.subject) for figure in figures)
    for figure in figures:
        band = "" if figure.subject == figure.reference else f"   [{figure.low:.2f} to {figure.high:.2f}]"
        time = f"{seconds(figure.best):>8}  +{figure.spread:>4.0%}"
        lines.append(f"  {figure.subject:<{width}}  {time}  {figure.ratio:>8.2f}{band}")
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


def write_json(path: Path, figures: Iterable[Figure], skipped: Iterable[Skipped], *, quick: bool) -> None:
    """
    Write all figures to *path*, for `compare`.
    """
    document = {
        "format": FORMAT,
        "quick": quick,
        "machine": machine(),
        "figures": [figure._asdict() for figure in figures],
        "skipped": [{"name": one.name, "reason": one.reason} for one in skipped],
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
