"""
How a region that closes waits for calls under way.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from postroom.clock import ManualClock
from postroom.clock._host import Host
from postroom.limits import SECOND_US

if TYPE_CHECKING:
    from postroom.clock import Clock
    from postroom.worker import Function

_logger = logging.getLogger("postroom")


def await_calls(whose: str, clock: Clock, functions: Sequence[Function], patience_us: int | None) -> None:
    """
    Waits, in real time, until no call of the functions is under way in another thread. Holds no lock.

    It does not wait on a manual clock, where calls run in line, nor inside a call of one of them: two calls that close
    the region would wait for one another.

    Args:
        whose: The region, for the logger.
        clock: Of the functions.
        functions: Closed ones: they begin no more calls.
        patience_us: For how many microseconds at the most, for all of them; None: without end.
    """
    ident = threading.get_ident()
    if isinstance(clock, ManualClock) or any(function._is_inside(ident) for function in functions):
        return
    until_ns = None if patience_us is None else Host.monotonic_ns() + patience_us * 1_000
    late: list[str] = []
    for function in functions:
        left = None if until_ns is None else min(max(until_ns - Host.monotonic_ns(), 0) / 1e9, threading.TIMEOUT_MAX)
        if not function.join(left):
            late.append(f"{function} ({function.stats().running} running)")
    if late and patience_us is not None:
        _logger.warning(
            "postroom: %s closes after %g s with calls still under way: %s. What they send from now on is refused, and what "
            "they took is not deleted.",
            whose,
            patience_us / SECOND_US,
            ", ".join(late),
        )
