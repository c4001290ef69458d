"""
Ignoring case as AWS does it: letter by letter, from the pattern's side, and by no language's rules (PAT 6.2).

Each letter of the pattern accepts its lower-case or its upper-case form, in full: ``ß`` accepts ``SS``. That is neither
case folding nor symmetric: ``STRASSE`` does not accept ``straße``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_LAST_OF_PLANE_0: Final = "\uffff"


def choices(letter: str) -> tuple[str, ...]:
    """
    What a letter of a pattern accepts.

    >>> choices("a"), choices("ß"), choices("1")
    (('a', 'A'), ('ß', 'SS'), ('1',))

    AWS's library takes letters outside the basic plane for question marks; here they accept themselves (PAT 6.2).
    """
    if letter > _LAST_OF_PLANE_0:
        return (letter,)
    lower, upper = letter.lower(), letter.upper()
    return (lower,) if lower == upper else (lower, upper)


@lru_cache(maxsize=1024)
def _expression(text: str) -> tuple[re.Pattern[str], range]:
    """
    What accepts the text, and how long a text it accepts may be.

    The choices of a letter begin differently, so this never has to try again.
    """
    letters = [choices(letter) for letter in text]
    expression = "".join("(?:" + "|".join(map(re.escape, letter)) + ")" for letter in letters)
    shortest = sum(min(map(len, letter)) for letter in letters)
    longest = sum(max(map(len, letter)) for letter in letters)
    return re.compile(expression), range(shortest, longest + 1)


def is_same(text: str, value: str) -> bool:
    """
    Whether a value is the text of a pattern, case ignored.

    >>> is_same("straße", "STRASSE"), is_same("STRASSE", "straße")
    (True, False)
    """
    if text.isascii():
        # A letter of ASCII accepts letters of ASCII only: not the Kelvin sign for k, which `lower` would take.
        return len(text) == len(value) and value.isascii() and text.lower() == value.lower()
    return _expression(text)[0].fullmatch(value) is not None


def is_start(text: str, value: str) -> bool:
    """
    Whether a value begins with the text of a pattern, case ignored.

    >>> is_start("EventB", "eVENTbus")
    True
    """
    if text.isascii():
        return is_same(text, value[: len(text)])
    return _expression(text)[0].match(value) is not None


def is_end(text: str, value: str) -> bool:
    """
    Whether a value ends with the text of a pattern, case ignored.

    >>> is_end(".png", "I.PNG")
    True
    """
    if text.isascii():
        return is_same(text, value[len(value) - len(text) :]) if len(text) <= len(value) else False
    expression, lengths = _expression(text)
    size = len(value)
    return any(expression.fullmatch(value, size - length) for length in lengths if length <= size)
