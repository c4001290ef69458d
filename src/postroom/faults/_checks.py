"""
What a plan of faults is made of, checked: each function returns its value once it was found to be one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final, NoReturn, TypeVar, cast

from postroom.clock import Duration, to_us
from postroom.errors import InvalidInput
from postroom.faults._crash import Crash
from postroom.faults._draws import KINDS

_TAKES: Final = {
    "Faults": sorted(["latency", "reorder_window", "seed", *(kind.rate for kind in KINDS)]),
    "Faults.script": sorted(kind.scripts for kind in KINDS),
}

T = TypeVar("T")


def a_seed(seed: object) -> int:
    """
    Check a seed.
    """
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise InvalidInput("The seed of faults must be an int.", help=f"got a value of type {type(seed).__name__}")
    return seed


def a_rate(name: str, value: object) -> float:
    """
    Check a rate.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        shown = repr(value) if isinstance(value, float | bool) else f"a value of type {type(value).__name__}"
        raise InvalidInput(f"The {name} must be a number from 0 to 1.", help=f"got {shown}; 0.1 is one in ten")
    return float(value)


def a_latency(span: Duration, name: str = "latency") -> int:
    """
    Check a latency, and turn it into microseconds.
    """
    latency = to_us(span, name)
    if latency < 0:
        raise InvalidInput(f"{name}={span!r} is negative.", help="Give 0 or more seconds.")
    return latency


def a_window(window: object) -> int:
    """
    Check how many messages may change places.
    """
    if isinstance(window, bool) or not isinstance(window, int):
        raise InvalidInput("The reorder_window must be an int.", help=f"got a value of type {type(window).__name__}")
    if window < 2:
        raise InvalidInput(
            f"reorder_window={window!r} leaves nothing to reorder.",
            help="Give 2 or more; for messages in order leave out reorder_rate.",
        )
    return window


def a_crash(moment: object, name: str) -> Crash | None:
    """
    Check when a call crashes.
    """
    if moment is None or moment in tuple(Crash):
        return None if moment is None else Crash(str(moment))
    raise InvalidInput(f"{name} holds {moment!r}.", help="Give Crash.BEFORE, Crash.AFTER, or None: it does not crash.")


def a_yes_or_no(answer: object, name: str) -> bool:
    """
    Check whether something happens.
    """
    if not isinstance(answer, bool):
        raise InvalidInput(f"{name} holds {answer!r}.", help="Give True or False for each.")
    return answer


def a_place(place: object, name: str) -> int:
    """
    Check which message is taken next.
    """
    if isinstance(place, bool) or not isinstance(place, int) or place < 0:
        raise InvalidInput(
            f"{name} holds {place!r}.", help="Give 0 for the next message, 1 for the one after it, and so on."
        )
    return place


def scripts_of(name: str, given: object, check: Callable[[Any, str], T], wanted: str) -> dict[str, deque[T]]:
    """
    Check the scripts of one kind.
    """
    example = f"Give a list of {wanted} for each name: {name}={{'orders': […]}}."
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InvalidInput(f"{name}={given!r} is no mapping.", help=example)
    scripts: dict[str, deque[T]] = {}
    for resource, answers in cast("Mapping[object, object]", given).items():
        if not isinstance(resource, str):
            raise InvalidInput(f"{name} has the key {resource!r}, which is no name.", help=example)
        where = f"{name}[{resource!r}]"
        if isinstance(answers, str) or not isinstance(answers, Iterable):
            raise InvalidInput(f"{where}={answers!r} is no list.", help=example)
        scripts[resource] = deque(check(answer, where) for answer in cast("Iterable[object]", answers))
    return scripts


def refuse_unknown(call: str, given: Mapping[str, object]) -> NoReturn:
    """
    Refuse keyword arguments that a call does not take, and say which it may have been.
    """
    name = next(iter(given))
    hint = "".join(f"; {other}({name}=…) takes it" for other, takes in _TAKES.items() if name in takes)
    near = get_close_matches(name, _TAKES[call], 1)
    hint = hint or (f"; did you mean {near[0]!r}?" if near else "")
    raise TypeError(f"{call}() got an unexpected keyword argument {name!r}{hint}")
