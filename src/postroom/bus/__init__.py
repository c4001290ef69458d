"""
Event buses: events go to the targets of every rule whose pattern they match, as on Amazon EventBridge.
"""

from __future__ import annotations

from postroom.bus._bus import EventBus
from postroom.bus._events import EventEntry, PutEvent
from postroom.bus._rules import Rule
from postroom.bus._stats import BusStats
from postroom.bus._targets import Target

__all__ = ["BusStats", "EventBus", "EventEntry", "PutEvent", "Rule", "Target"]
