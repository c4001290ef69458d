"""
Ctrl-C at the n-th line of a topic's or a courier's code, as tests/queue/test_interrupts.py has it for queues.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import postroom

SPARED = ("with ", "if role.get(_DRAINER) is me:", "del role[_DRAINER]")
PLACES = tuple(str(Path(postroom.__file__).parent / room) for room in ("topic", "delivery"))


def interrupted(call: Callable[[], object], after: int, places: tuple[str, ...] = PLACES) -> bool:
    """
    Makes a call, interrupted at that line; False if it has fewer.
    """
    lines = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal lines
        name = frame.f_code.co_filename
        is_ours = event == "line" and name.startswith(places)
        if is_ours and not linecache.getline(name, frame.f_lineno).lstrip().startswith(SPARED):
            lines += 1
            if lines == after:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False
