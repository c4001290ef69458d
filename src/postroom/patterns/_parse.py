"""
From the text of a pattern to what it wants at each path, with AWS's texts for what is wrong (PAT 2, 7, 9).
"""

from __future__ import annotations

from typing import Final

from postroom.errors import InvalidEventPattern, NotSupported
from postroom.patterns._reader import Reader, Token
from postroom.patterns._values import Absent, Exactly, Number, Prefix, Present, Wanted, exactly

NOT_THERE: Final = ("anything-but", "cidr", "equals-ignore-case", "exactly", "numeric", "suffix", "wildcard")
"""Operators that AWS has and postroom has not yet (PAT 6)."""

_OR: Final = "$or"


def parse(text: str) -> dict[str, tuple[Wanted, ...]]:
    """
    What a pattern wants, by path. Of lists at one path the last one counts (PAT 7).

    Raises:
        InvalidEventPattern: It is no pattern.
        NotSupported: It uses an operator that AWS has and postroom has not.
    """
    reader = Reader(text)
    if reader.next().kind != "{":
        raise reader.refuse("Filter is not an object")
    found: dict[str, tuple[Wanted, ...]] = {}
    # A stack of paths, not a recursion: a pattern may be nested deeper than Python calls may be.
    inside: list[str] = [""]
    is_empty = True
    while inside:
        token = reader.next()
        if token.kind == "}":
            if is_empty:
                raise reader.refuse("Empty objects are not allowed")
            inside.pop()
            continue
        key = str(token.value)
        if key == _OR:
            raise _not_there(_OR)
        path = f"{inside[-1]}{key}"
        kind = reader.next().kind
        is_empty = kind == "{"
        if kind == "{":
            inside.append(f"{path}.")
        elif kind == "[":
            found[path] = _list(reader)
        else:
            raise reader.refuse(f'"{key}" must be an object or an array')
    return found


def _list(reader: Reader) -> tuple[Wanted, ...]:
    wanted: list[Wanted] = []
    while (token := reader.next()).kind != "]":
        wanted.append(_operator(reader) if token.kind == "{" else _value(reader, token))
    if not wanted:
        raise reader.refuse("Empty arrays are not allowed")
    return tuple(wanted)


def _value(reader: Reader, token: Token) -> Wanted:
    if token.kind == "number":
        return Number(str(token.value))
    if token.kind == "string":
        return exactly(str(token.value))
    if token.kind == "literal":
        return Exactly(token.value)
    raise reader.refuse("Match value must be String, number, true, false, or null")


def _operator(reader: Reader) -> Wanted:
    token = reader.next()
    if token.kind != "name":
        raise reader.refuse("Match expression name not found")
    name = str(token.value)
    if name in NOT_THERE:
        raise _not_there(name)
    if name == "exists":
        wanted = _exists(reader)
    elif name == "prefix":
        wanted = _prefix(reader)
    else:
        raise _unknown(reader, name)
    if reader.next().kind != "}":
        raise reader.refuse("Only one key allowed in match expression")
    return wanted


def _exists(reader: Reader) -> Wanted:
    token = reader.next()
    if token.kind != "literal" or token.value is None:
        raise reader.refuse("exists match pattern must be either true or false.")
    return Present() if token.value else Absent()


def _prefix(reader: Reader) -> Wanted:
    token = reader.next()
    if token.kind == "string":
        return Prefix(str(token.value))
    if token.kind != "{":
        raise reader.refuse("prefix match pattern must be a string")
    nested = reader.next()
    if nested.kind != "name":
        raise reader.refuse("Prefix expression name not found")
    if nested.value == "equals-ignore-case":
        raise _not_there("prefix with equals-ignore-case")
    raise reader.refuse(f"Unsupported prefix pattern: {nested.value}")


def _not_there(name: str) -> NotSupported:
    return NotSupported(
        f"{name} is not there yet in event patterns.",
        help="There are exact values, prefix and exists; docs/fidelity.md lists what is missing.",
    )


def _unknown(reader: Reader, name: str) -> InvalidEventPattern:
    error = reader.refuse(f"Unrecognized match type {name}")
    error.help = "AWS has anything-but, cidr, equals-ignore-case, exists, numeric, prefix, suffix and wildcard."
    return error
