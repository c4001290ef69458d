"""
Functions, and what feeds them.
"""

from __future__ import annotations

from postroom.worker._events import Context
from postroom.worker._function import Function
from postroom.worker._mapping import EventSourceMapping
from postroom.worker._results import Failure, FunctionStats

__all__ = ["Context", "EventSourceMapping", "Failure", "Function", "FunctionStats"]
