"""
Which strings there are, as far as some entries of patterns can tell them apart.

What an entry wants of a string is a row of letters, with stars in it. All rows are read at once: what is alive after some
letters is a set of places in the rows, and strings that end with the same set are the same to all entries. Letters that
stand in no row are all the same too, so one stands for them. There are few such sets in practice, and they are gone through
breadth first: the first string that leads to a set is a shortest one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

from postroom.patterns import _case
from postroom.patterns._operators import EqualsIgnoreCase, Exactly, Prefix, Suffix, Wildcard

Texted: TypeAlias = Exactly | Prefix | Suffix | EqualsIgnoreCase | Wildcard
"""Entries that want a string for its letters."""

_Letters: TypeAlias = Sequence[tuple[str, ...]]
_Reached: TypeAlias = tuple[frozenset[int], bool]
"""The places that are alive, or those of them at an end of a row; and whether there was a letter that no address has."""
_STEPS_MAX: Final = 100_000
_OF_ADDRESSES: Final = frozenset("0123456789abcdefABCDEF:.")
_FILLERS: Final = "xyzwvutsrqponmlkjihg"


class Word(NamedTuple):
    """
    A string that stands for all that are wanted by the same entries.
    """

    text: str
    is_odd: bool
    """Whether it has a letter that no IP address has, where that is asked for."""
    is_only: bool
    """Whether an entry wants nothing else: no other string is like it."""


class _Rows:
    """
    Rows of letters and stars, as one automaton.
    """

    def __init__(self) -> None:
        self.steps: list[dict[str, tuple[int, ...]]] = []
        self.stays: list[bool] = []
        """Whether any letter leads from a place to itself: a star is there."""
        self.begins: list[int] = []
        self.ends: set[int] = set()
        self.sole_ends: set[int] = set()

    def _place(self) -> int:
        self.steps.append({})
        self.stays.append(False)
        return len(self.steps) - 1

    def add(self, fragments: Sequence[_Letters]) -> None:
        """
        A row: what is before, between and after its stars, letter by letter; of each letter the texts that will do.
        """
        at = self._place()
        self.begins.append(at)
        for number, fragment in enumerate(fragments):
            self.stays[at] = self.stays[at] or number > 0
            for letter in fragment:
                at = self._letter(at, letter)
        self.ends.add(at)
        if len(fragments) == 1 and all(len(letter) == 1 for letter in fragments[0]):
            self.sole_ends.add(at)

    def _letter(self, at: int, choices: tuple[str, ...]) -> int:
        after = self._place()
        for choice in choices:
            here = at
            for char in choice[:-1]:
                following = self._place()
                self._step(here, char, following)
                here = following
            self._step(here, choice[-1], after)
        return after

    def _step(self, at: int, char: str, after: int) -> None:
        self.steps[at][char] = (*self.steps[at].get(char, ()), after)

    def letters(self) -> frozenset[str]:
        """
        All that stand in a row.
        """
        return frozenset(char for step in self.steps for char in step)

    def following(self, alive: frozenset[int], fillers: Sequence[str]) -> Iterator[tuple[str, frozenset[int]]]:
        """
        What is alive after one letter more: for each that matters, and for one of the others.
        """
        staying = [at for at in alive if self.stays[at]]
        moves: dict[str, list[int]] = {}
        for at in alive:
            for char, after in self.steps[at].items():
                moves.setdefault(char, []).extend(after)
        rest = frozenset(staying)
        yield fillers[0], rest
        yield from ((char, rest) for char in [next((char for char in fillers[1:] if char not in moves), "")] if char)
        for char in sorted(moves):
            yield char, frozenset([*staying, *moves[char]])


def words(entries: Iterable[Texted], *, by_oddity: bool = False) -> tuple[list[Word], bool]:
    """
    Strings, one for each way in which the entries may agree on a string; and whether these are all ways.

    >>> found, are_all = words([Prefix("ab"), Suffix("a")])
    >>> [word.text for word in found], are_all
    (['', 'a', 'ab', 'aba'], True)

    Takes a bounded number of steps. If they do not suffice, some ways may be missing.

    Args:
        entries: What may agree, or not.
        by_oddity: Tell strings apart, too, by whether they have a letter that no IP address has.
    """
    rows = _Rows()
    for entry in set(entries):
        rows.add(_fragments(entry))
    known = rows.letters()
    fillers = [_filler(known), *(sorted(_OF_ADDRESSES) if by_oddity else ())]
    begin = (frozenset(rows.begins), False)
    seen: set[_Reached] = {begin}
    waiting: deque[tuple[_Reached, str]] = deque([(begin, "")])
    found: dict[_Reached, str] = {}
    steps = 0
    while waiting:
        (alive, is_odd), text = waiting.popleft()
        found.setdefault((alive & rows.ends, is_odd), text)
        steps += 1 + len(alive)
        if steps > _STEPS_MAX:
            break
        for char, after in rows.following(alive, fillers):
            steps += 1 + len(after)
            reached = (after, is_odd or (by_oddity and char not in _OF_ADDRESSES))
            if reached not in seen:
                seen.add(reached)
                waiting.append((reached, text + char))
    found_words = [Word(text, is_odd, not rows.sole_ends.isdisjoint(ends)) for (ends, is_odd), text in found.items()]
    return found_words, steps <= _STEPS_MAX


def _filler(known: frozenset[str]) -> str:
    for char in _FILLERS:
        if char not in known:
            return char
    return next(char for char in map(chr, range(0x100, 0x110000)) if char not in known and char.isprintable())


def _fragments(entry: Texted) -> list[_Letters]:
    if isinstance(entry, Wildcard):
        return [_plain(fragment) for fragment in entry.fragments]
    if isinstance(entry, Exactly):
        return [_plain(str(entry.value))]
    if isinstance(entry, EqualsIgnoreCase):
        return [_either_case(entry.text)]
    letters = _either_case(entry.text) if entry.ignore_case else _plain(entry.text)
    return [letters, []] if isinstance(entry, Prefix) else [[], letters]


def _plain(text: str) -> _Letters:
    return [(char,) for char in text]


def _either_case(text: str) -> _Letters:
    return [_case.choices(char) for char in text]
