"""
Entries of patterns and values of events as JSON, for people: in one line, on any terminal, and no longer than wanted.
"""

from __future__ import annotations

import json
from typing import Any, Final

from postroom.patterns._operators import (
    Absent,
    Address,
    AnythingBut,
    Cidr,
    Entry,
    EqualsIgnoreCase,
    Exactly,
    Number,
    Numeric,
    Prefix,
    Present,
    Suffix,
    Wildcard,
)
from postroom.patterns._values import address_of, number_text

VALUE_CHARS_MAX: Final = 200
"""Of a value of an event."""
_PRECISE_MAX: Final = 1e15


def cut(text: str, chars_max: int = VALUE_CHARS_MAX) -> str:
    """
    A text, with an ellipsis in place of its end if it is too long.

    >>> cut("a long one", 6)
    'a lon…'
    """
    return text if len(text) <= chars_max else f"{text[: chars_max - 1]}…"


def printable(text: str) -> str:
    r"""
    A text in which nothing can move a cursor: what is not printable is written as JSON would escape it.

    >>> print(printable("a\nb\u202e"))
    a\nb\u202e
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in text)


def shown_value(value: object, chars_max: int = VALUE_CHARS_MAX) -> str:
    """
    A string, number, boolean or null of an event as JSON; numbers as they were written, if that is known.

    >>> shown_value("tea"), shown_value(None), shown_value(5.0), shown_value("x" * 300, 8)
    ('"tea"', 'null', '5.0', '"xxxxxx…')
    """
    if isinstance(value, str):
        # No more of it is looked at than is shown.
        return cut(printable(json.dumps(value[: chars_max + 1], ensure_ascii=False)), chars_max)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return cut(number_text(value) or "a number with a great many digits", chars_max)


def entry_json(entry: Entry) -> str:
    """
    How an entry is written in a pattern.

    >>> from postroom.patterns._operators import exactly
    >>> entry_json(exactly("tea")), entry_json(Number("3e2")), entry_json(Numeric(low=1.0, has_low=True, high=5.5))
    ('"tea"', '3e2', '{"numeric": [">=", 1, "<", 5.5]}')
    >>> entry_json(AnythingBut((Prefix("a"), Prefix("b")))), entry_json(Exactly("10.0.0.1"))
    ('{"anything-but": {"prefix": ["a", "b"]}}', '{"exactly": "10.0.0.1"}')
    """
    if isinstance(entry, Number | Address):
        return entry.text if isinstance(entry, Number) else _json(entry.text)
    if isinstance(entry, Exactly):
        is_address = isinstance(entry.value, str) and address_of(entry.value) is not None
        return f'{{"exactly": {_json(entry.value)}}}' if is_address else _json(entry.value)
    if isinstance(entry, Present | Absent):
        return f'{{"exists": {_json(isinstance(entry, Present))}}}'
    if isinstance(entry, Numeric):
        return f'{{"numeric": [{", ".join(_bounds(entry))}]}}'
    if isinstance(entry, AnythingBut):
        return f'{{"anything-but": {_excluded(entry)}}}'
    assert isinstance(entry, Prefix | Suffix | EqualsIgnoreCase | Wildcard | Cidr)
    operand = _json(entry.text)
    if isinstance(entry, Prefix | Suffix) and entry.ignore_case:
        operand = f'{{"equals-ignore-case": {operand}}}'
    return f'{{"{operator_name(entry)}": {operand}}}'


def operator_name(entry: Entry) -> str:
    """
    The operator of an entry; of a bare value, ``equals``.

    >>> operator_name(Prefix("a")), operator_name(Number("5"))
    ('prefix', 'equals')
    """
    return _NAMES.get(type(entry), "equals")


_NAMES: Final[dict[type, str]] = {
    Prefix: "prefix",
    Suffix: "suffix",
    EqualsIgnoreCase: "equals-ignore-case",
    Wildcard: "wildcard",
    Cidr: "cidr",
    Numeric: "numeric",
    AnythingBut: "anything-but",
    Present: "exists",
    Absent: "exists",
}


def number_json(value: float) -> str:
    """
    A bound of a range, as somebody would write it.

    >>> number_json(5.0), number_json(-0.5), number_json(1e300)
    ('5', '-0.5', '1e+300')
    """
    return str(int(value)) if value.is_integer() and abs(value) < _PRECISE_MAX else repr(value)


def _json(value: Any) -> str:
    return printable(json.dumps(value, ensure_ascii=False))


def _bounds(entry: Numeric) -> list[str]:
    low, high = entry.low, entry.high
    if low is not None and low == high:
        return ['"="', number_json(low)]
    found: list[str] = []
    if low is not None:
        found += ['">="' if entry.has_low else '">"', number_json(low)]
    if high is not None:
        found += ['"<="' if entry.has_high else '"<"', number_json(high)]
    return found


def _excluded(entry: AnythingBut) -> str:
    texts = [
        one.text if isinstance(one, Number) else _json(one.value if isinstance(one, Exactly) else one.text)
        for one in entry.entries
    ]
    listed = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    if not entry.entries or isinstance(entry.entries[0], Exactly | Number):
        return listed
    return f'{{"{operator_name(entry.entries[0])}": {listed}}}'
