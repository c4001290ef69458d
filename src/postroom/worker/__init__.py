"""
Functions, and what feeds them.
"""

from __future__ import annotations

from postroom.worker._events import Context
from postroom.worker._function import Failure, Function, FunctionStats
from postroom.worker._mapping import EventSourceMapping

__all__ = ["Context", "EventSourceMapping", "Failure", "Function", "FunctionStats"]
