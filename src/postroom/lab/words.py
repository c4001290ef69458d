"""
How times, counts and users' texts are shown, on the screen and on the page.
"""

from __future__ import annotations

import re
from typing import Final

from postroom.limits import SECOND_US

_CRASH: Final = re.compile(r"InjectedCrash\(<Crash\.(?P<when>AFTER|BEFORE)")
_KIB: Final = 1_024


def shown_time(at_us: int) -> str:
    """
    A time of the day; the hours go on after 24.

    >>> shown_time(90_061_500_000)
    '25:01:01'
    """
    minutes, seconds = divmod(at_us // SECOND_US, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}"


def shown_span(span_us: int) -> str:
    """
    How long something took.

    >>> shown_span(1_500_000), shown_span(60_000_000)
    ('1.5 s', '00:01:00')
    """
    return shown_time(span_us) if span_us >= 60 * SECOND_US else f"{span_us / SECOND_US:.1f} s"


def shown_size(size: int) -> str:
    """
    A size in bytes, for people.

    >>> shown_size(512), shown_size(2_048)
    ('512 B', '2.0 KiB')
    """
    return f"{size} B" if size < _KIB else f"{size / _KIB:,.1f} KiB"


def clean(text: str, width: int | None = None) -> str:
    r"""
    Text of the user's: without characters that could move a terminal's cursor, and no wider than that.

    >>> clean("a\x1b[2Jb", width=5)
    'a?[2J'
    """
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return shown if width is None else shown[:width]


def counted(number: int, one: str, many: str = "") -> str:
    """
    A number and what it counts.

    >>> counted(1, "kind"), counted(2, "kind"), counted(0, "delivery", "deliveries")
    ('1 kind', '2 kinds', '0 deliveries')
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def shown_error(error: str) -> str:
    """
    An error as people want it: an injected crash is said in words.

    >>> shown_error("InjectedCrash(<Crash.AFTER: 'after'>)")
    'a crash on purpose, after the work was done'
    """
    crash = _CRASH.match(error)
    if crash is None:
        return clean(error)
    return f"a crash on purpose, {'after' if crash['when'] == 'AFTER' else 'before'} the work was done"
