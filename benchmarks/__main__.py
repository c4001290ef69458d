"""
The command line: ``python -m benchmarks``.
"""

from __future__ import annotations

import argparse
import pkgutil
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import compare as comparing
from benchmarks import entries, report
from benchmarks.runner import ROUNDS, ROUNDS_QUICK, Figure, Mismatch, Reading, Skipped, run

if TYPE_CHECKING:
    from collections.abc import Sequence


def entry_modules() -> dict[str, str]:
    """
    The name of each entry and the module that holds it; none of them is imported for that.
    """
    found = (module.name for module in pkgutil.iter_modules(entries.__path__))
    return {name.removesuffix("_"): f"{entries.__name__}.{name}" for name in sorted(found)}


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run entries or compare two runs; the exit status is 0, 1 (a mismatch or a REGRESSION) or 2 (wrong usage).
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["compare"]:
        return _compare(given[1:])
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", epilog="python -m benchmarks compare A.json B.json: what changed from A to B"
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="entries to run; all unless given")
    parser.add_argument("--quick", action="store_true", help="small and few rounds: checks results, not ratios")
    parser.add_argument("--rounds", type=int, metavar="N", help=f"rounds a case; {ROUNDS} unless given")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    parser.add_argument("--list", action="store_true", help="show the entries and stop")
    options = parser.parse_args(given)

    modules = entry_modules()
    if unknown := [name for name in options.names if name not in modules]:
        parser.error(f"no entry {', '.join(unknown)}: there are {', '.join(modules)}")
    if options.rounds is not None and options.rounds < 1:
        parser.error(f"--rounds {options.rounds}: expected 1 or more")
    if options.list:
        for name, module in modules.items():
            print(f"{name:<14} {(import_module(module).__doc__ or '').strip().partition(chr(10))[0]}")
        return 0
    rounds = options.rounds or (ROUNDS_QUICK if options.quick else ROUNDS)
    return _run({name: modules[name] for name in options.names or modules}, options.quick, rounds, options.json)


def _run(modules: dict[str, str], quick: bool, rounds: int, json: Path | None) -> int:
    figures: list[Figure] = []
    skipped: list[Skipped] = []
    readings: list[tuple[str, Reading]] = []
    about = report.machine()
    print(f"{about['implementation']} {about['python']}, {about['cpus']} cpus, best of {rounds} interleaved rounds")
    for name, module in modules.items():
        print(f"\n== {name}")
        started = time.perf_counter()
        measured: list[Figure] = []
        try:
            for outcome in run(name, import_module(module).cases(quick), rounds=rounds):
                if isinstance(outcome, Skipped):
                    skipped.append(outcome)
                    print(f"{outcome.name}: skipped: {outcome.reason}")
                elif isinstance(outcome, Reading):
                    readings.append((name, outcome))
                    print(report.reading_line(outcome), flush=True)
                else:
                    measured += outcome
                    print(report.case_table(outcome), flush=True)
        except Mismatch as mismatch:
            print(f"MISMATCH {mismatch}")
            return 1
        if growth := report.growth_table(measured):
            print(growth)
        print(f"({time.perf_counter() - started:.1f} s)")
        figures += measured
    if json is not None:
        report.write_json(json, figures, skipped, quick=quick, readings=readings)
    return 0


def _compare(given: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks compare")
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    options = parser.parse_args(given)
    try:
        (old, before), (new, after) = report.read_json(options.before), report.read_json(options.after)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    if old["quick"] or new["quick"]:
        parser.error("a run with --quick has no figures to compare")
    if old["machine"] != new["machine"]:
        print(f"different machines: {old['machine']} and {new['machine']}")
    both, notes = comparing.compare(before, after)
    for line in [*both, *notes]:
        print(line)
    counts = {kind: sum(one.verdict == kind for one in both) for kind in ("noise", "improvement", "REGRESSION")}
    print(", ".join(f"{count} {kind}" for kind, count in counts.items()))
    return 1 if counts[comparing.REGRESSION] else 0


if __name__ == "__main__":
    sys.exit(main())
