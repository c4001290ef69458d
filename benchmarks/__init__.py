"""
What postroom costs, as ratios to something everybody knows.

::

    python -m benchmarks                        # every entry
    python -m benchmarks partitioning import    # some
    python -m benchmarks --quick                # correctness only: small, seconds in all, its ratios mean little
    python -m benchmarks --list
    python -m benchmarks --json after.json
    python -m benchmarks compare before.json after.json

Seconds differ from machine to machine and from hour to hour; the ratio of two things measured side by side does
so much less. So each case times several *subjects* turn by turn, several rounds, takes the best time of each, and
divides by that of one named reference. Beside each ratio stands its *band*: what it would have been, had one side
had its best round and the other its usual one. `compare` calls a ratio a REGRESSION only when the bands of both
runs lie apart. And while they are timed, all subjects of a case must give the same result, or the run fails: a
fast wrong answer is no figure.

An entry is a file in ``benchmarks/entries`` with a function ``cases(quick)``; see `benchmarks.runner.Case`.
"""

from __future__ import annotations
