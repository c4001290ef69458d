"""
The demo: plays a day of events through the flow, and accounts for each. Nothing here prints.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from postroom.clock import ManualClock, SystemClock, to_datetime
from postroom.errors import InvalidInput, ObjectNotWritten
from postroom.firehose import DirectoryStore, MemoryStore
from postroom.lab.arrivals import arrivals
from postroom.lab.flow import Flow
from postroom.lab.tally import result

if TYPE_CHECKING:
    from pathlib import Path

    from postroom.lab.accounts import Result
    from postroom.lab.events import Event
    from postroom.lab.flow import Progress

_LAST_CALLS_S = 5.0
"""Seconds of real time for the calls under way to end."""


def play(
    events: Sequence[Event],
    *,
    seed: int = 0,
    speed: float | None = None,
    objects: Path | None = None,
    progress: Progress | None = None,
) -> Result:
    """
    Plays a day of events, and accounts for each.

    On a `ManualClock` the same events and seed give the same result, to the last id. Ctrl-C ends it early, with what
    was reached: the result then says that it was interrupted.

    >>> from postroom.lab.events import bundled
    >>> done = play(bundled().events[:20], seed=1)
    >>> done.complete, len(done.accounts)
    (True, 20)

    Args:
        events: One or more; their ids differ.
        seed: Draws arrivals, failures, the poison kind and ids.
        speed: Play against a `SystemClock` of that speed, above 0; None: on a `ManualClock`.
        objects: The folder that the archive writes to, in which there is no ``events`` yet; None: into memory.
        progress: Told of each event that was counted; on a `SystemClock` by several threads.

    Raises:
        InvalidInput: There are no events, or the speed is out of range.
    """
    if not events:
        raise InvalidInput("There are no events.", help="Give one or more.")
    plan = arrivals(events, seed)
    # A SystemClock's threads leave by themselves. Closing it would report as unfinished what is in its last steps.
    clock = ManualClock(to_datetime(plan.start_us)) if speed is None else SystemClock(speed=speed)
    store = MemoryStore() if objects is None else DirectoryStore(objects)
    flow = Flow(plan, seed, clock, store, progress)
    interrupted = False
    try:
        flow.play()
    except KeyboardInterrupt:
        interrupted = True
    finally:
        flow.stop()
        flow.recorder.close()
        functions = [*flow.functions.values(), flow.counter]
        for function in functions:
            function.close()
        for function in functions:
            function.join(_LAST_CALLS_S)
    flow.write_out()
    found = result(flow, interrupted=interrupted)
    # Who reads the stream goes before it: nobody is then woken just to hear that it is over.
    for closing in (flow.archive, flow.region):
        with suppress(ObjectNotWritten):  # the accounts have told
            closing.close()
    return found
