"""
Ctrl-C at the n-th line of a topic's or a courier's code, as tests/queue/test_interrupts.py has it for queues.
"""

from __future__ import annotations

from collections.abc import Callable

from tests import interrupts

SPARED = ("with ", "if role.get(_DRAINER) is me:", "del role[_DRAINER]")
PLACES = interrupts.places("topic", "delivery")


def interrupted(call: Callable[[], object], after: int, places: tuple[str, ...] = PLACES) -> bool:
    """
    Makes a call, interrupted at that line; False if it has fewer.
    """
    return interrupts.interrupted(call, after, places, SPARED)
