"""
How hard a wildcard is to match, as AWS counts it: at how many places of it a value may be at once (PAT 6.3).

A value that is read letter by letter is behind star 1, behind star 2 and so on, all at once: that is one place a star, and
what was there before does not take them away. Besides, it is within the text behind each star, at every place where it has
just read all from the star to there. The last letters read decide how many such places there are; the worst of them count.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postroom.patterns._operators import Wildcard


def complexity(wildcard: Wildcard) -> int:
    """
    At how many places of a wildcard a value may be at once; 0 if it has no star.

    Cost in proportion to the length of its text.

    >>> from postroom.patterns._operators import Wildcard
    >>> [complexity(Wildcard(text)) for text in ("abc", "a*c", "*:*:*", "*:*:*:*:*:event-bus/*")]
    [0, 2, 5, 11]
    """
    behind_stars = wildcard.fragments[1:]
    return len(behind_stars) + _most_at_once([text.encode("utf-8", "surrogatepass") for text in behind_stars])


def bound(wildcard: Wildcard) -> int:
    """
    A number that `complexity` never exceeds, for less work: as many places at once as a letter stands there.

    >>> from postroom.patterns._operators import Wildcard
    >>> bound(Wildcard("/a/*/b/c")), complexity(Wildcard("/a/*/b/c"))
    (3, 3)
    """
    behind_stars = wildcard.fragments[1:]
    letters = "".join(behind_stars).encode("utf-8", "surrogatepass")
    return len(behind_stars) + max(map(letters.count, set(letters)), default=0)


def _most_at_once(texts: Sequence[bytes]) -> int:
    """
    How many beginnings of texts, at most, are all an end of one another: an Aho-Corasick automaton counts them.
    """
    following: list[dict[int, int]] = [{}]
    begin_here = [0]
    for text in texts:
        node = 0
        for letter in text:
            node = following[node].setdefault(letter, len(following))
            if node == len(following):
                following.append({})
                begin_here.append(0)
            begin_here[node] += 1
    shorter = [0] * len(following)
    # By length, so that of each beginning the longest that is an end of it is known before. The root is nobody's count.
    waiting = list(following[0].values())
    for node in waiting:
        begin_here[node] += begin_here[shorter[node]]
        for letter, longer in following[node].items():
            end = shorter[node]
            while end and letter not in following[end]:
                end = shorter[end]
            shorter[longer] = following[end].get(letter, 0)
            waiting.append(longer)
    return max(begin_here)
