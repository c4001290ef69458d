"""
The plan of faults: what a resource asks, and what it is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from random import Random
from typing import TYPE_CHECKING, Any, Final, Never, TypeVar

from postroom.errors import InvalidInput
from postroom.faults import _checks as checks
from postroom.faults import _draws as kinds
from postroom.faults._crash import Crash
from postroom.faults._draws import Draws, Kind
from postroom.limits import SECOND_US

if TYPE_CHECKING:
    from postroom.clock import Duration

_REORDER_WINDOW: Final = 10
"""How many messages may change places unless a plan says otherwise: as many as one receive returns at the most."""

T = TypeVar("T")


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
        reorder_rate: The share of messages taken from a queue, from 0 (none) to 1 (all), that overtake the next one. At
            1 that one waits until it is the only one.
        reorder_window: Such a message is drawn evenly from what follows the next one among so many; 2 or more. Each
            receive looks at so many.
        short_poll_miss_rate: The share of messages, from 0 (none) to 1 (all), that a short poll would return and does
            not see.
        lost_delete_rate: The share of deletes, from 0 (none) to 1 (all), that succeed and are forgotten: the message
            comes back.
        false_empty_rate: The share of receives, from 0 (none) to 1 (all), that return nothing although there are
            messages.
        throttle_rate: The share of calls, from 0 (none) to 1 (all), that are refused and do nothing.

    Raises:
        InvalidInput: A rate is no number from 0 to 1, the latency is negative, or 0 where there is a rate, the window
            no `int` of 2 or more, or the seed no `int`.
    """

    __slots__ = (
        "_crashes",
        "_draws",
        "_duplicates",
        "_false_empties",
        "_latencies",
        "_latency_us",
        "_lost_acknowledgements",
        "_lost_deletes",
        "_misses",
        "_reorder_window",
        "_reorders",
        "_seed",
        "_throttles",
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
        reorder_rate: float = 0.0,
        reorder_window: int = _REORDER_WINDOW,
        short_poll_miss_rate: float = 0.0,
        lost_delete_rate: float = 0.0,
        false_empty_rate: float = 0.0,
        throttle_rate: float = 0.0,
        **_not_there: Never,
    ) -> None:
        if _not_there:
            checks.refuse_unknown("Faults", _not_there)
        self._seed = checks.a_seed(seed)
        self._duplicates: Draws[bool] = self._drawn(kinds.DUPLICATE, duplicate_rate, otherwise=False)
        self._crashes: Draws[Crash | None] = self._drawn(kinds.CRASH, crash_rate, otherwise=None)
        self._lost_acknowledgements: Draws[bool] = self._drawn(
            kinds.LOST_ACKNOWLEDGEMENT, lost_acknowledgement_rate, otherwise=False
        )
        self._latencies: Draws[int] = self._drawn(kinds.LATENCY, latency_rate, otherwise=0)
        self._latency_us = checks.a_latency(latency)
        if latency_rate and not self._latency_us:
            raise InvalidInput(f"latency_rate={latency_rate!r} without a latency.", help="Give latency=…, in seconds.")
        self._reorders: Draws[int] = self._drawn(kinds.REORDER, reorder_rate, otherwise=0)
        self._reorder_window = checks.a_window(reorder_window)
        self._misses: Draws[bool] = self._drawn(kinds.MISS, short_poll_miss_rate, otherwise=False)
        self._lost_deletes: Draws[bool] = self._drawn(kinds.LOST_DELETE, lost_delete_rate, otherwise=False)
        self._false_empties: Draws[bool] = self._drawn(kinds.FALSE_EMPTY, false_empty_rate, otherwise=False)
        self._throttles: Draws[bool] = self._drawn(kinds.THROTTLE, throttle_rate, otherwise=False)
        self._draws: tuple[Draws[Any], ...] = (
            self._duplicates,
            self._crashes,
            self._lost_acknowledgements,
            self._latencies,
            self._reorders,
            self._misses,
            self._lost_deletes,
            self._false_empties,
            self._throttles,
        )

    def _drawn(self, kind: Kind, rate: float, *, otherwise: T) -> Draws[T]:
        return Draws(kind, self._seed, checks.a_rate(kind.rate, rate), otherwise)

    @classmethod
    def script(
        cls,
        *,
        duplicates: Mapping[str, Iterable[bool]] | None = None,
        crashes: Mapping[str, Iterable[Crash | None]] | None = None,
        lost_acknowledgements: Mapping[str, Iterable[bool]] | None = None,
        latencies: Mapping[str, Iterable[Duration]] | None = None,
        reorders: Mapping[str, Iterable[int]] | None = None,
        misses: Mapping[str, Iterable[bool]] | None = None,
        lost_deletes: Mapping[str, Iterable[bool]] | None = None,
        false_empties: Mapping[str, Iterable[bool]] | None = None,
        throttles: Mapping[str, Iterable[bool]] | None = None,
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
            reorders: By the name of the queue, how many messages each message that is taken overtakes; 0 for none. The
                window becomes as large as that needs.
            misses: By the name of the queue, whether a short poll does not see the message it comes to.
            lost_deletes: By the name of the queue, whether each delete is forgotten.
            false_empties: By the name of the queue, whether each receive returns nothing.
            throttles: By the name of the resource, whether each of its calls is refused; or by one operation of it,
                ``{"orders.send_message": [True]}``, whose calls then have no part in the list of the resource.

        Raises:
            InvalidInput: An argument is no such mapping, or an answer is none of its kind.
        """
        if _not_there:
            checks.refuse_unknown("Faults.script", _not_there)
        plan = cls()
        for draws, given in (
            (plan._duplicates, duplicates),
            (plan._lost_acknowledgements, lost_acknowledgements),
            (plan._misses, misses),
            (plan._lost_deletes, lost_deletes),
            (plan._false_empties, false_empties),
            (plan._throttles, throttles),
        ):
            draws.scripts = checks.scripts_of(draws.kind.scripts, given, checks.a_yes_or_no, "True and False")
        plan._crashes.scripts = checks.scripts_of("crashes", crashes, checks.a_crash, "Crash and None")
        plan._latencies.scripts = checks.scripts_of("latencies", latencies, checks.a_latency, "seconds")
        plan._reorders.scripts = checks.scripts_of("reorders", reorders, checks.a_place, "numbers from 0 up")
        places = [place for answers in plan._reorders.scripts.values() for place in answers]
        plan._reorder_window = max([_REORDER_WINDOW - 1, *places]) + 1
        return plan

    @property
    def unplayed(self) -> dict[str, int]:
        """
        By resource or label, how many answers of a script nobody asked for: look here if a scripted fault did not happen.

        >>> Faults.script(duplicates={"order": [True]}).unplayed  # the queue is called "orders"
        {'order': 1}
        """
        left: Counter[str] = Counter()
        for draws in self._draws:
            left.update({name: len(answers) for name, answers in draws.left().items()})
        return {name: count for name, count in left.items() if count}

    def has(self, fault: str) -> bool:
        """
        Whether a kind of fault may happen at all; who is often asked need not ask for one that cannot.

        >>> Faults(reorder_rate=0.1).has("reorder"), Faults(reorder_rate=0.1).has("miss")
        (True, False)

        Args:
            fault: Such as ``duplicate``, ``reorder``, ``miss``, ``lost delete``, ``false empty``, ``throttle``.
        """
        return any(bool(draws) for draws in self._draws if draws.kind.name == fault)

    # What is planned.

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
        return self._duplicates.rate

    @property
    def crash_rate(self) -> float:
        """
        The share of a handler's calls that crash, 0 to 1.
        """
        return self._crashes.rate

    @property
    def lost_acknowledgement_rate(self) -> float:
        """
        The share of hand-overs whose answer is lost, 0 to 1.
        """
        return self._lost_acknowledgements.rate

    @property
    def latency_rate(self) -> float:
        """
        The share of a handler's calls that are slow, 0 to 1.
        """
        return self._latencies.rate

    @property
    def latency(self) -> float:
        """
        The longest of such a call, in seconds.
        """
        return self._latency_us / SECOND_US

    @property
    def reorder_rate(self) -> float:
        """
        The share of messages taken that overtake the next one, 0 to 1.
        """
        return self._reorders.rate

    @property
    def reorder_window(self) -> int:
        """
        How many of the next messages may change places, 2 or more.
        """
        return self._reorder_window

    @property
    def short_poll_miss_rate(self) -> float:
        """
        The share of messages that a short poll would return and does not see, 0 to 1.
        """
        return self._misses.rate

    @property
    def lost_delete_rate(self) -> float:
        """
        The share of deletes that succeed and are forgotten, 0 to 1.
        """
        return self._lost_deletes.rate

    @property
    def false_empty_rate(self) -> float:
        """
        The share of receives that return nothing although there are messages, 0 to 1.
        """
        return self._false_empties.rate

    @property
    def throttle_rate(self) -> float:
        """
        The share of calls that are refused, 0 to 1.
        """
        return self._throttles.rate

    # What is asked.

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
        return self._duplicates.answer(resource, _yes)

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
        return self._crashes.answer(resource, _moment)

    def draws_lost_acknowledgement(self, resource: str) -> bool:
        """
        Answer whether a destination's answer to the next hand-over is lost.

        The destination has taken what it was given; the sender does not know, and hands it over again.

        >>> Faults(lost_acknowledgement_rate=1).draws_lost_acknowledgement("orders->kitchen")
        True

        Args:
            resource: The label, ``sender->destination``: their names.
        """
        return self._lost_acknowledgements.answer(resource, _yes)

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
        return self._latencies.answer(resource, self._span)

    def draws_reorder(self, resource: str, candidates: int) -> int:
        """
        Answer which of the available messages of this queue is taken next.

        Here alone an answer depends on more than who asks how often: on how many messages there are to choose from.

        >>> faults = Faults(reorder_rate=0.5, reorder_window=3)
        >>> [faults.draws_reorder("orders", 100) for _ in range(8)]
        [0, 0, 0, 0, 1, 0, 1, 1]

        Args:
            resource: The name of the queue.
            candidates: How many messages are available.

        Returns:
            How many messages that one overtakes: 0 for the next in order, always less than `candidates` (but for 0 of
            them) and than the window. Where a script names one that is not there, the last.
        """
        most = min(candidates, self._reorder_window)
        place = self._reorders.answer(resource, lambda stream: 1 + int(stream.random() * (most - 1)))
        return max(0, min(place, most - 1))

    def draws_miss(self, resource: str) -> bool:
        """
        Answer whether a short poll of this queue does not see the message it comes to.

        A short poll asks some of the hosts that keep a queue, not all of them (SQS 5.1). A long poll never misses.

        >>> Faults(short_poll_miss_rate=1).draws_miss("orders")
        True

        Args:
            resource: The name of the queue.
        """
        return self._misses.answer(resource, _yes)

    def draws_lost_delete(self, resource: str) -> bool:
        """
        Answer whether the next delete of this queue succeeds and is forgotten, so that the message comes back.

        >>> Faults(lost_delete_rate=1).draws_lost_delete("orders")
        True

        Args:
            resource: The name of the queue.
        """
        return self._lost_deletes.answer(resource, _yes)

    def draws_false_empty(self, resource: str) -> bool:
        """
        Answer whether the next receive of this queue returns nothing, although there are messages.

        >>> Faults(false_empty_rate=1).draws_false_empty("orders")
        True

        Args:
            resource: The name of the queue.
        """
        return self._false_empties.answer(resource, _yes)

    def draws_throttle(self, resource: str, operation: str) -> bool:
        """
        Answer whether the next call of this operation is refused before it has done anything.

        Each operation of a resource is drawn for by itself.

        >>> faults = Faults.script(throttles={"orders.send_message": [False, True]})
        >>> [faults.draws_throttle("orders", operation) for operation in ["send_message", "purge", "send_message"]]
        [False, False, True]

        Args:
            resource: The name of the resource.
            operation: The name of the method, such as ``send_message``.
        """
        label = f"{resource}.{operation}"
        scripts = self._throttles.scripts
        return self._throttles.answer(resource if scripts and label not in scripts else label, _yes)

    def _span(self, stream: Random) -> int:
        return 1 + int(stream.random() * self._latency_us)

    def __repr__(self) -> str:
        if any(draws.scripts for draws in self._draws):
            left = {draws.kind: draws.left() for draws in self._draws if draws.scripts or draws.kind.is_always_shown}
            if kinds.LATENCY in left:
                spans = self._latencies.left()
                left[kinds.LATENCY] = {name: [span / SECOND_US for span in some] for name, some in spans.items()}
            return f"Faults.script({', '.join(f'{kind.scripts}={lists}' for kind, lists in left.items())})"
        sizes = {
            kinds.LATENCY: ("latency", self.latency, 0),
            kinds.REORDER: ("reorder_window", self._reorder_window, _REORDER_WINDOW),
        }
        shown = [str(self._seed)]
        for draws in self._draws:
            name, size, usual = sizes.get(draws.kind, ("", 0, 0))
            if draws.rate or draws.kind.is_always_shown or size != usual:
                shown.append(f"{draws.kind.rate}={draws.rate}")
                shown += [f"{name}={size}"] if name else []
        return f"Faults({', '.join(shown)})"


def _yes(stream: Random) -> bool:  # noqa: ARG001 - there is nothing more to draw
    return True


def _moment(stream: Random) -> Crash:
    return Crash.AFTER if stream.getrandbits(1) else Crash.BEFORE


def check_faults(faults: object) -> None:
    """
    Refuse what is no plan of faults; None is none.

    >>> check_faults(Faults())

    Raises:
        InvalidInput: It is something else.
    """
    if faults is not None and not isinstance(faults, Faults):
        raise InvalidInput(f"faults={faults!r} is no plan of faults.", help="Give Faults(seed, crash_rate=0.1), say.")
