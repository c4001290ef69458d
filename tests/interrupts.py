"""
Ctrl-C at the n-th line that a call runs in some files, for tests that try every n there is.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import postroom

_SOURCE = Path(postroom.__file__).parent


def places(*names: str) -> tuple[str, ...]:
    """
    Rooms and files of the package, as what the names of their files begin with.
    """
    return tuple(str(_SOURCE / name) for name in names)


def interrupted(call: Callable[[], object], after: int, where: tuple[str, ...], spared: tuple[str, ...]) -> bool:
    """
    Makes a call, and raises `KeyboardInterrupt` at that line in `where`; False if it has fewer.

    Lines that begin with one of `spared` do not count: Python looks for signals at calls and jumps back, and a tracer
    that raises elsewhere may leave shut what a real Ctrl-C leaves open.
    """
    lines = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal lines
        name = frame.f_code.co_filename
        if not name.startswith(where):
            return trace
        if event == "line" and not linecache.getline(name, frame.f_lineno).lstrip().startswith(spared):
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
