"""
Faults on purpose: a seeded plan of what goes wrong, so that a run with failures can be repeated.

A resource asks its plan at the moments when AWS, too, may fail: "is this delivery made twice?", "does this call of
the handler crash?". The answers depend on the seed, on the kind of fault, on the name of the resource, and on how
often it asked; on nothing else. So another resource, or another kind of fault, disturbs no answers but its own, and a
higher rate keeps every fault of the lower one and adds to them.

>>> faults = Faults(seed=7, crash_rate=0.3)
>>> [faults.draws_crash("counter") for _ in range(4)]
[<Crash.AFTER: 'after'>, <Crash.AFTER: 'after'>, None, None]
>>> faults.draws_duplicate("orders")
False
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from enum import StrEnum
from random import Random
from threading import Lock
from typing import Final

from postroom.errors import InvalidInput

__all__ = ["Crash", "Faults", "InjectedCrash", "check_faults", "injected"]

_DUPLICATE: Final = "duplicate"
_CRASH: Final = "crash"


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


class Faults:
    """
    A plan of faults, drawn from a seed or written down.

    >>> def crashes(seed):
    ...     faults = Faults(seed, crash_rate=0.5)
    ...     return [faults.draws_crash("counter") for _ in range(100)]
    >>> crashes(1) == crashes(1), crashes(1) == crashes(2)
    (True, False)

    A plan remembers how often it was asked, so a run is repeated with a new plan of the same seed. Any number of
    threads may ask: each question is answered once, in the order in which the threads come to it. With several
    threads that order, and so who meets which fault, is not the plan's to repeat.

    Args:
        seed: Any `int`.
        duplicate_rate: The share of deliveries made twice, from 0 (none) to 1 (all).
        crash_rate: The share of a handler's calls that crash, from 0 (none) to 1 (all); half of them crash before the
            handler ran and half after it.

    Raises:
        InvalidInput: A rate is no number from 0 to 1, or the seed no `int`.
    """

    __slots__ = ("_crash_rate", "_crashes", "_duplicate_rate", "_duplicates", "_lock", "_seed", "_streams")

    def __init__(self, seed: int = 0, *, duplicate_rate: float = 0.0, crash_rate: float = 0.0) -> None:
        self._seed = _seed(seed)
        self._duplicate_rate = _rate("duplicate_rate", duplicate_rate)
        self._crash_rate = _rate("crash_rate", crash_rate)
        self._streams: dict[tuple[str, str], Random] = {}
        self._duplicates: dict[str, deque[bool]] = {}
        self._crashes: dict[str, deque[Crash | None]] = {}
        self._lock = Lock()

    @classmethod
    def script(
        cls,
        *,
        duplicates: Mapping[str, Iterable[bool]] | None = None,
        crashes: Mapping[str, Iterable[Crash | None]] | None = None,
    ) -> Faults:
        """
        Write down a plan: what happens the first, the second, the third time; and then nothing more.

        >>> faults = Faults.script(crashes={"counter": [None, Crash.AFTER]})
        >>> [faults.draws_crash("counter") for _ in range(4)]
        [None, <Crash.AFTER: 'after'>, None, None]

        Args:
            duplicates: By the name of the resource, whether each of its deliveries is made twice.
            crashes: By the name of the resource, when each call of its handler crashes; None for "it does not".
        """
        plan = cls()
        for resource, answers in (duplicates or {}).items():
            plan._duplicates[resource] = deque(answers)
        for resource, moments in (crashes or {}).items():
            plan._crashes[resource] = deque(None if moment is None else Crash(moment) for moment in moments)
        return plan

    @property
    def unplayed(self) -> dict[str, int]:
        """
        By resource, how many answers of a script nobody has asked for: look here when a scripted fault did not happen.

        >>> Faults.script(duplicates={"order": [True]}).unplayed  # the queue is called "orders"
        {'order': 1}
        """
        with self._lock:
            left = {name: len(answers) for name, answers in self._duplicates.items()}
            for name, moments in self._crashes.items():
                left[name] = left.get(name, 0) + len(moments)
            return {name: count for name, count in left.items() if count}

    @property
    def seed(self) -> int:
        """
        What the plan is drawn from.
        """
        return self._seed

    @property
    def duplicate_rate(self) -> float:
        """
        The share of deliveries made twice, 0 to 1.
        """
        return self._duplicate_rate

    @property
    def crash_rate(self) -> float:
        """
        The share of a handler's calls that crash, 0 to 1.
        """
        return self._crash_rate

    def draws_duplicate(self, resource: str) -> bool:
        """
        Answer whether the next delivery of this resource is made twice.

        At a rate of 0 nothing is drawn, and the call costs next to nothing.

        >>> faults = Faults(duplicate_rate=1)
        >>> faults.draws_duplicate("orders")
        True

        Args:
            resource: What tells the resource from others that ask the same: its name.
        """
        if self._duplicates:
            with self._lock:
                answers = self._duplicates.get(resource)
                return answers.popleft() if answers else False
        rate = self._duplicate_rate
        if not rate:
            return False
        with self._lock:
            return self._stream(_DUPLICATE, resource).random() < rate

    def draws_crash(self, resource: str) -> Crash | None:
        """
        Answer whether, and when, the next call of this resource's handler crashes; None: it does not.

        At a rate of 0 nothing is drawn, and the call costs next to nothing.

        >>> faults = Faults(crash_rate=1)
        >>> [faults.draws_crash("mailer") for _ in range(2)]
        [<Crash.AFTER: 'after'>, <Crash.BEFORE: 'before'>]

        Args:
            resource: What tells the resource from others that ask the same: its name.
        """
        if self._crashes:
            with self._lock:
                moments = self._crashes.get(resource)
                return moments.popleft() if moments else None
        rate = self._crash_rate
        if not rate:
            return None
        with self._lock:
            stream = self._stream(_CRASH, resource)
            # Both draws are made whatever the rate: the next question meets the same numbers at every rate.
            crashes = stream.random() < rate
            moment = Crash.AFTER if stream.getrandbits(1) else Crash.BEFORE
        return moment if crashes else None

    def _stream(self, kind: str, resource: str) -> Random:
        """
        Return where the answers to one kind of question of one resource are drawn from.
        """
        stream = self._streams.get((kind, resource))
        if stream is None:
            # A str seeds by its digest, not by its hash, so PYTHONHASHSEED is out of it.
            stream = self._streams[kind, resource] = Random(f"{self._seed}/{kind}/{resource}")
        return stream

    def __repr__(self) -> str:
        if self._duplicates or self._crashes:
            duplicates = {resource: list(answers) for resource, answers in self._duplicates.items()}
            crashes = {resource: list(moments) for resource, moments in self._crashes.items()}
            return f"Faults.script({duplicates=}, {crashes=})"
        return f"Faults({self._seed}, duplicate_rate={self._duplicate_rate}, crash_rate={self._crash_rate})"


def check_faults(faults: object) -> None:
    """
    Refuse what is no plan of faults; None is none.

    >>> check_faults(Faults())

    Raises:
        InvalidInput: It is something else.
    """
    if faults is not None and not isinstance(faults, Faults):
        raise InvalidInput(f"faults={faults!r} is no plan of faults.", help="Give Faults(seed, crash_rate=0.1), say.")


def _seed(seed: object) -> int:
    """
    Return a seed once it was found to be one.
    """
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise InvalidInput("The seed of faults must be an int.", help=f"got a value of type {type(seed).__name__}")
    return seed


def _rate(name: str, value: object) -> float:
    """
    Return a rate once it was found to be one.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        shown = repr(value) if isinstance(value, float | bool) else f"a value of type {type(value).__name__}"
        raise InvalidInput(f"The {name} must be a number from 0 to 1.", help=f"got {shown}; 0.1 is one in ten")
    return float(value)
