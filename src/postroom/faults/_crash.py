"""
Crashes: when a handler crashes, and what its failure is recorded as.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from typing import Final


class Crash(StrEnum):
    """
    When a handler crashes. What tells the two apart is whether its work was done.

    >>> Crash.AFTER.work_was_done
    True
    """

    BEFORE = "before"
    """Before it ran: nothing was done, and nobody was told."""
    AFTER = "after"
    """After it ran, before its result counted: the work is done, and the acknowledgement lost."""

    @property
    def work_was_done(self) -> bool:
        """
        Whether the handler ran before the crash.
        """
        return self is Crash.AFTER


class InjectedCrash(Exception):
    """
    What the failure of a handler is recorded as, if a plan made it crash.

    >>> InjectedCrash(Crash.AFTER)
    InjectedCrash(<Crash.AFTER: 'after'>)
    >>> print(InjectedCrash(Crash.AFTER))
    an injected crash, after the handler ran

    Args:
        crash: When it happened.
    """

    def __init__(self, crash: Crash) -> None:
        super().__init__(crash)
        self.crash: Final = crash

    def __str__(self) -> str:
        return f"an injected crash, {self.crash} the handler ran"


@contextmanager
def injected(crash: Crash | None) -> Generator[None]:
    """
    Run the block as the plan says: not at all, to its end and then crash, or as it is.

    >>> with injected(Crash.AFTER):
    ...     done = True
    Traceback (most recent call last):
        ...
    postroom.faults.InjectedCrash: an injected crash, after the handler ran

    Raises:
        InjectedCrash: Before or after the block.
    """
    if crash is Crash.BEFORE:
        raise InjectedCrash(crash)
    yield
    if crash is Crash.AFTER:
        raise InjectedCrash(crash)
