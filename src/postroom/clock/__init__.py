"""
Time: the clocks, durations, and waiting in its three forms.

`SystemClock` is real time, `ManualClock` stands still until you move it; every resource takes one as ``clock=``.
Nothing else in postroom reads the time, sleeps, or starts a thread.
"""

from __future__ import annotations

from postroom.clock._host import Duration, Instant, show_span, to_datetime, to_instant_us, to_us
from postroom.clock._manual import ManualClock
from postroom.clock._protocol import Clock, Source
from postroom.clock._system import SystemClock, default_clock
from postroom.clock._timeline import Due, Timer
from postroom.clock._waiting import Registration, Waiters

__all__ = [
    "Clock",
    "Due",
    "Duration",
    "Instant",
    "ManualClock",
    "Registration",
    "Source",
    "SystemClock",
    "Timer",
    "Waiters",
    "default_clock",
    "show_span",
    "to_datetime",
    "to_instant_us",
    "to_us",
]
