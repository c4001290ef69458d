"""
Faults on purpose: a seeded plan of what goes wrong, so that a run with failures can be repeated.

A resource asks its plan at the moments when AWS, too, may fail: "is this delivery made twice?", "does this call of
the handler crash?", "does the answer get lost?", "how slow is this call?". The answers depend on the seed, on the kind
of fault, on the name of the resource, and on how often it asked; on nothing else. So another resource, or another kind
of fault, disturbs no answers but its own, and a higher rate keeps every fault of the lower one and adds to them.

Who hands something on, a topic or a bus, asks by a *label*, ``sender->destination``: the names of the two, such as
``orders->kitchen`` for what the topic *orders* delivers to the queue *kitchen*.

>>> faults = Faults(seed=7, crash_rate=0.3)
>>> [faults.draws_crash("counter") for _ in range(4)]
[<Crash.AFTER: 'after'>, <Crash.AFTER: 'after'>, None, None]
>>> faults.draws_duplicate("orders")
False
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from enum import StrEnum
from random import Random
from threading import Lock
from typing import Any, Final, Never, NoReturn, TypeVar, cast

from postroom.clock import Duration, to_us
from postroom.errors import InvalidInput
from postroom.limits import SECOND_US

__all__ = ["Crash", "Faults", "InjectedCrash", "check_faults", "injected"]

_DUPLICATE: Final = "duplicate"
_CRASH: Final = "crash"
_LOST_ACKNOWLEDGEMENT: Final = "lost acknowledgement"
_LATENCY: Final = "latency"

_TAKES: Final = {
    "Faults": ("crash_rate", "duplicate_rate", "latency", "latency_rate", "lost_acknowledgement_rate", "seed"),
    "Faults.script": ("crashes", "duplicates", "latencies", "lost_acknowledgements"),
}

T = TypeVar("T")


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
        lost_acknowledgement_rate: The share of hand-overs, from 0 (none) to 1 (all), that the destination takes and the
            sender holds to have failed, and so makes again.
        latency_rate: The share of a handler's calls that are slow, from 0 (none) to 1 (all).
        latency: The longest of such a call in seconds; each is drawn evenly from what is above 0 up to this.

    Raises:
        InvalidInput: A rate is no number from 0 to 1, the latency is negative, or 0 where there is a rate, or the seed
            no `int`.
    """

    __slots__ = (
        "_crash_rate",
        "_crashes",
        "_duplicate_rate",
        "_duplicates",
        "_latencies",
        "_latency_rate",
        "_latency_us",
        "_lock",
        "_lost_acknowledgement_rate",
        "_lost_acknowledgements",
        "_seed",
        "_streams",
    )

    def __init__(
        self,
        seed: int = 0,
        *,
        duplicate_rate: float = 0.0,
        crash_rate: float = 0.0,
        lost_acknowledgement_rate: float = 0.0,
        latency_rate: float = 0.0,
        latency: Duration = 0,
        **_not_there: Never,
    ) -> None:
        if _not_there:
            _refuse_unknown("Faults", _not_there)
        self._seed = _seed(seed)
        self._duplicate_rate = _rate("duplicate_rate", duplicate_rate)
        self._crash_rate = _rate("crash_rate", crash_rate)
        self._lost_acknowledgement_rate = _rate("lost_acknowledgement_rate", lost_acknowledgement_rate)
        self._latency_rate = _rate("latency_rate", latency_rate)
        self._latency_us = _latency(latency)
        if self._latency_rate and not self._latency_us:
            raise InvalidInput(f"latency_rate={latency_rate!r} without a latency.", help="Give latency=…, in seconds.")
        self._streams: dict[tuple[str, str], Random] = {}
        self._duplicates: dict[str, deque[bool]] = {}
        self._crashes: dict[str, deque[Crash | None]] = {}
        self._lost_acknowledgements: dict[str, deque[bool]] = {}
        self._latencies: dict[str, deque[int]] = {}
        self._lock = Lock()

    @classmethod
    def script(
        cls,
        *,
        duplicates: Mapping[str, Iterable[bool]] | None = None,
        crashes: Mapping[str, Iterable[Crash | None]] | None = None,
        lost_acknowledgements: Mapping[str, Iterable[bool]] | None = None,
        latencies: Mapping[str, Iterable[Duration]] | None = None,
        **_not_there: Never,
    ) -> Faults:
        """
        Write down a plan: what happens the first, the second, the third time; and then nothing more.

        >>> faults = Faults.script(crashes={"counter": [None, Crash.AFTER]}, latencies={"counter": [5.0, 0]})
        >>> [faults.draws_crash("counter") for _ in range(4)]
        [None, <Crash.AFTER: 'after'>, None, None]
        >>> [faults.draws_latency("counter") for _ in range(3)]
        [5000000, 0, 0]

        Args:
            duplicates: By the name of the resource, whether each of its deliveries is made twice.
            crashes: By the name of the resource, when each call of its handler crashes; None for "it does not".
            lost_acknowledgements: By label, ``{"orders->kitchen": [True]}``, whether the answer to each hand-over is
                lost.
            latencies: By the name of the resource, how many seconds pass before each call of its handler; 0 for none.

        Raises:
            InvalidInput: An argument is no such mapping, or an answer is none of its kind.
        """
        if _not_there:
            _refuse_unknown("Faults.script", _not_there)
        plan = cls()
        plan._duplicates = _script("duplicates", duplicates, _is_so, "True and False")
        plan._crashes = _script("crashes", crashes, _crash, "Crash and None")
        plan._lost_acknowledgements = _script("lost_acknowledgements", lost_acknowledgements, _is_so, "True and False")
        plan._latencies = _script("latencies", latencies, _latency, "seconds")
        return plan

    @property
    def unplayed(self) -> dict[str, int]:
        """
        By resource or label, how many answers of a script nobody asked for: look here if a scripted fault did not happen.

        >>> Faults.script(duplicates={"order": [True]}).unplayed  # the queue is called "orders"
        {'order': 1}
        """
        with self._lock:
            left: Counter[str] = Counter()
            for scripts in (self._duplicates, self._crashes, self._lost_acknowledgements, self._latencies):
                left.update({name: len(answers) for name, answers in scripts.items()})
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

    @property
    def lost_acknowledgement_rate(self) -> float:
        """
        The share of hand-overs whose answer is lost, 0 to 1.
        """
        return self._lost_acknowledgement_rate

    @property
    def latency_rate(self) -> float:
        """
        The share of a handler's calls that are slow, 0 to 1.
        """
        return self._latency_rate

    @property
    def latency(self) -> float:
        """
        The longest of such a call, in seconds.
        """
        return self._latency_us / SECOND_US

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
            return self._play(self._duplicates, resource, otherwise=False)
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
            return self._play(self._crashes, resource, otherwise=None)
        rate = self._crash_rate
        if not rate:
            return None
        with self._lock:
            stream = self._stream(_CRASH, resource)
            # Both draws are made whatever the rate: the next question meets the same numbers at every rate.
            crashes = stream.random() < rate
            moment = Crash.AFTER if stream.getrandbits(1) else Crash.BEFORE
        return moment if crashes else None

    def draws_lost_acknowledgement(self, resource: str) -> bool:
        """
        Answer whether a destination's answer to the next hand-over is lost.

        The destination has taken what it was given; the sender does not know, and hands it over again.

        >>> Faults(lost_acknowledgement_rate=1).draws_lost_acknowledgement("orders->kitchen")
        True

        Args:
            resource: The label, ``sender->destination``: their names.
        """
        if self._lost_acknowledgements:
            return self._play(self._lost_acknowledgements, resource, otherwise=False)
        rate = self._lost_acknowledgement_rate
        if not rate:
            return False
        with self._lock:
            return self._stream(_LOST_ACKNOWLEDGEMENT, resource).random() < rate

    def draws_latency(self, resource: str) -> int:
        """
        Answer how much time passes before the next call of this resource's handler.

        >>> faults = Faults(latency_rate=0.5, latency=2)
        >>> [faults.draws_latency("mailer") for _ in range(4)]
        [499452, 0, 1160075, 8112]

        Args:
            resource: What tells the resource from others that ask the same: its name.

        Returns:
            Microseconds; 0: none.
        """
        if self._latencies:
            return self._play(self._latencies, resource, otherwise=0)
        rate = self._latency_rate
        if not rate:
            return 0
        with self._lock:
            stream = self._stream(_LATENCY, resource)
            # As with crashes: both draws are made whatever the rate.
            is_slow = stream.random() < rate
            span = 1 + int(stream.random() * self._latency_us)
        return span if is_slow else 0

    def _play(self, scripts: Mapping[str, deque[T]], resource: str, otherwise: T) -> T:
        with self._lock:
            answers = scripts.get(resource)
            return answers.popleft() if answers else otherwise

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
        duplicates, crashes = _lists(self._duplicates), _lists(self._crashes)
        lost_acknowledgements, latencies = _lists(self._lost_acknowledgements), _lists(self._latencies)
        if duplicates or crashes or lost_acknowledgements or latencies:
            more = f", {lost_acknowledgements=}" if lost_acknowledgements else ""
            seconds = {name: [span / SECOND_US for span in spans] for name, spans in latencies.items()}
            more += f", latencies={seconds}" if seconds else ""
            return f"Faults.script({duplicates=}, {crashes=}{more})"
        more = f", lost_acknowledgement_rate={rate}" if (rate := self._lost_acknowledgement_rate) else ""
        more += f", latency_rate={self._latency_rate}, latency={self.latency}" if self._latency_us else ""
        return f"Faults({self._seed}, duplicate_rate={self._duplicate_rate}, crash_rate={self._crash_rate}{more})"


def _lists(scripts: Mapping[str, deque[T]]) -> dict[str, list[T]]:
    """
    Return what is left of scripts, to be shown.
    """
    return {name: list(answers) for name, answers in scripts.items()}


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


def _latency(span: Duration, name: str = "latency") -> int:
    """
    Return a latency in microseconds once it was found to be one.
    """
    latency = to_us(span, name)
    if latency < 0:
        raise InvalidInput(f"{name}={span!r} is negative.", help="Give 0 or more seconds.")
    return latency


def _crash(moment: object, name: str) -> Crash | None:
    """
    Return when a call crashes once it was found to be such a moment, or None.
    """
    if moment is None or moment in tuple(Crash):
        return None if moment is None else Crash(str(moment))
    raise InvalidInput(f"{name} holds {moment!r}.", help="Give Crash.BEFORE, Crash.AFTER, or None: it does not crash.")


def _is_so(answer: object, name: str) -> bool:
    """
    Return whether something happens once it was found to be an answer.
    """
    if not isinstance(answer, bool):
        raise InvalidInput(f"{name} holds {answer!r}.", help="Give True or False for each.")
    return answer


def _script(name: str, given: object, check: Callable[[Any, str], T], wanted: str) -> dict[str, deque[T]]:
    """
    Return the answers of one kind, by name, once they were found to be such.
    """
    example = f"Give a list of {wanted} for each name: {name}={{'orders': […]}}."
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InvalidInput(f"{name}={given!r} is no mapping.", help=example)
    script: dict[str, deque[T]] = {}
    for resource, answers in cast("Mapping[object, object]", given).items():
        if not isinstance(resource, str):
            raise InvalidInput(f"{name} has the key {resource!r}, which is no name.", help=example)
        where = f"{name}[{resource!r}]"
        if isinstance(answers, str) or not isinstance(answers, Iterable):
            raise InvalidInput(f"{where}={answers!r} is no list.", help=example)
        script[resource] = deque(check(answer, where) for answer in cast("Iterable[object]", answers))
    return script


def _refuse_unknown(call: str, given: Mapping[str, object]) -> NoReturn:
    """
    Refuse keyword arguments that a call does not take, and say which it may have been.
    """
    name = next(iter(given))
    hint = "".join(f"; {other}({name}=…) takes it" for other, takes in _TAKES.items() if name in takes)
    near = get_close_matches(name, _TAKES[call], 1)
    hint = hint or (f"; did you mean {near[0]!r}?" if near else "")
    raise TypeError(f"{call}() got an unexpected keyword argument {name!r}{hint}")
