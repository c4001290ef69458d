"""
The answers of a plan to one kind of question, and which kinds there are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random
from threading import Lock
from typing import Final, Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Kind(NamedTuple):
    """
    A kind of fault.
    """

    name: str
    """What its answers are drawn by, beside the seed: another name is another run."""
    rate: str
    """Which argument of `Faults` has its rate."""
    scripts: str
    """Which argument of `Faults.script` has its scripts."""
    is_always_shown: bool = False
    """Whether a plan without it shows that, too."""


DUPLICATE: Final = Kind("duplicate", "duplicate_rate", "duplicates", is_always_shown=True)
CRASH: Final = Kind("crash", "crash_rate", "crashes", is_always_shown=True)
LOST_ACKNOWLEDGEMENT: Final = Kind("lost acknowledgement", "lost_acknowledgement_rate", "lost_acknowledgements")
LATENCY: Final = Kind("latency", "latency_rate", "latencies")
REORDER: Final = Kind("reorder", "reorder_rate", "reorders")
MISS: Final = Kind("miss", "short_poll_miss_rate", "misses")
LOST_DELETE: Final = Kind("lost delete", "lost_delete_rate", "lost_deletes")
FALSE_EMPTY: Final = Kind("false empty", "false_empty_rate", "false_empties")
THROTTLE: Final = Kind("throttle", "throttle_rate", "throttles")

KINDS: Final = (
    DUPLICATE,
    CRASH,
    LOST_ACKNOWLEDGEMENT,
    LATENCY,
    REORDER,
    MISS,
    LOST_DELETE,
    FALSE_EMPTY,
    THROTTLE,
)


class Draws(Generic[T]):
    """
    The answers of one plan to one kind of question, drawn at a rate or played from scripts.

    >>> draws = Draws(Kind("flood", "flood_rate", "floods"), 7, 0.5, otherwise=0)
    >>> [draws.answer("cellar", lambda stream: stream.randint(1, 9)) for _ in range(5)]
    [5, 0, 0, 5, 4]
    >>> draws.scripts = {"cellar": deque([3])}
    >>> [draws.answer("cellar", lambda stream: stream.randint(1, 9)) for _ in range(2)]
    [3, 0]

    Args:
        kind: What is asked.
        seed: What the answers are drawn from.
        rate: The share of answers that are faults, 0 to 1.
        otherwise: The answer if nothing goes wrong.
    """

    __slots__ = ("_lock", "_otherwise", "_seed", "_streams", "kind", "rate", "scripts")

    def __init__(self, kind: Kind, seed: int, rate: float, otherwise: T) -> None:
        self.kind: Final = kind
        self.rate: Final = rate
        self.scripts: dict[str, deque[T]] = {}
        """What is left of each; if there are any, nothing is drawn."""
        self._seed = seed
        self._otherwise = otherwise
        self._streams: dict[str, Random] = {}
        self._lock = Lock()

    def __bool__(self) -> bool:
        return bool(self.rate or self.scripts)

    def answer(self, name: str, fault: Callable[[Random], T]) -> T:
        """
        Answer the next question of whoever has this name. O(1); at a rate of 0 nothing is drawn.

        Args:
            name: Who asks.
            fault: Draws what the fault is like, with as many draws each time.
        """
        if self.scripts:
            with self._lock:
                answers = self.scripts.get(name)
                return answers.popleft() if answers else self._otherwise
        if not self.rate:
            return self._otherwise
        with self._lock:
            stream = self._streams.get(name)
            if stream is None:
                # A str seeds by its digest, not by its hash, so PYTHONHASHSEED is out of it.
                stream = self._streams[name] = Random(f"{self._seed}/{self.kind.name}/{name}")
            happens = stream.random() < self.rate
            # Drawn whatever the rate says: the next question meets the same numbers at every rate.
            what = fault(stream)
        return what if happens else self._otherwise

    def left(self) -> dict[str, list[T]]:
        """
        What nobody asked for yet of each script. O(n) in their answers.
        """
        with self._lock:
            return {name: list(answers) for name, answers in self.scripts.items()}
