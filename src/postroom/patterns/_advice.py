"""
What to write instead of what is wrong in a pattern: for people, beside AWS's texts.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, cast

EXAMPLES: Final[Mapping[str, str]] = {
    "exists": '{"exists": true}',
    "exactly": '{"exactly": "paid"}',
    "prefix": '{"prefix": "pa"}',
    "suffix": '{"suffix": ".png"}',
    "equals-ignore-case": '{"equals-ignore-case": "paid"}',
    "wildcard": '{"wildcard": "pa*d"}',
    "numeric": '{"numeric": [">=", 1, "<", 5]}',
    "cidr": '{"cidr": "10.0.0.0/24"}',
    "anything-but": '{"anything-but": ["paid", "sent"]}',
}
"""One of each operator."""

_SAID_OTHERWISE: Final[Mapping[str, str]] = {
    **dict.fromkeys(("startswith", "beginswith", "hasprefix", "starts", "begins"), '{"prefix": VALUE}'),
    **dict.fromkeys(("endswith", "hassuffix", "ends"), '{"suffix": VALUE}'),
    **dict.fromkeys(("regex", "regexp", "matches", "match", "pattern"), '{"wildcard": "pa*d"}: there is no regex'),
    **dict.fromkeys(("like", "glob", "shellstyle"), '{"wildcard": VALUE}'),
    **dict.fromkeys(("contains", "includes", "has"), '{"wildcard": "*VALUE*"}'),
    **dict.fromkeys(("not", "ne", "noteq", "notequals", "!=", "<>", "isnot", "notin"), '{"anything-but": VALUE}'),
    **dict.fromkeys(("in", "oneof", "anyof", "or", "eq", "equals", "is", "=="), "its value itself, as an entry: VALUE"),
    **dict.fromkeys(("iequals", "ignorecase", "icase", "monocase"), '{"equals-ignore-case": VALUE}'),
    **dict.fromkeys(("=", "<", "<=", ">", ">="), '{"numeric": ["NAME", VALUE]}'),
    **{name: f'{{"numeric": ["{sign}", VALUE]}}' for name, sign in (("gt", ">"), ("gte", ">="), ("lt", "<"))},
    **{name: f'{{"numeric": ["{sign}", VALUE]}}' for name, sign in (("lte", "<="), ("ge", ">="), ("le", "<="))},
    "between": '{"numeric": [">=", 1, "<", 5]}',
    "ip": '{"cidr": "10.0.0.0/24"}',
    "ipaddress": '{"cidr": "10.0.0.0/24"}',
    "null": "null, as an entry",
    "absent": '{"exists": false}',
    "missing": '{"exists": false}',
}
"""Operators of other languages, in lower case and without hyphens."""

_LONGEST_NAME: Final = 25
_LONGEST_SHOWN: Final = 80
_LARGE: Final = 10.0**17
_SIGNS: Final = frozenset({"=", "<", "<=", ">", ">="})
_decode = json.JSONDecoder().raw_decode


def shown(value: object) -> str:
    """
    A value as JSON, for an advice; an ellipsis if it is long.

    >>> shown(["a", None]), shown("x" * 100)
    ('["a", null]', '"…"')
    """
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return '"…"'
    return text if len(text) <= _LONGEST_SHOWN else '"…"'


def value_at(text: str, start: int) -> Any:
    """
    The value that begins at a place of a text; None if it is too hard to read.

    >>> value_at('{"a": ["x", 1]}', 6)
    ['x', 1]
    """
    try:
        return _decode(text, start)[0]
    except (ValueError, RecursionError):
        return None


def for_operator(name: str, operators: frozenset[str], value: object, *, may_guess: bool = True) -> str:
    """
    What somebody may have meant who wrote an operator that is not there.

    >>> for_operator("PREFIX", frozenset(EXAMPLES), "x"), for_operator("sufix", frozenset(EXAMPLES), ".png")
    ('{"prefix": "x"}', '{"suffix": ".png"}')
    >>> for_operator("regex", frozenset(EXAMPLES), "a.*"), for_operator("gt", frozenset(EXAMPLES), 5)
    ('{"wildcard": "pa*d"}: there is no regex', '{"numeric": [">", 5]}')
    """
    known = tuple(sorted(one for one in operators if one in EXAMPLES))
    meant = _nearest(name, known) if may_guess and len(name) <= _LONGEST_NAME else None
    if meant is not None and meant in _SAID_OTHERWISE.values():
        inner = value if isinstance(value, str) and "*VALUE*" in meant else None
        text = meant.replace("*VALUE*", f"*{inner}*") if inner is not None and len(inner) < _LONGEST_SHOWN else meant
        return text.replace("NAME", name).replace("VALUE", shown(value))
    if meant is not None:
        return f'{{"{meant}": {shown(value)}}}'
    return f"one of {', '.join(known)}"


@lru_cache(maxsize=256)
def _nearest(name: str, known: tuple[str, ...]) -> str | None:
    plain = name.lower().strip().replace("-", "").replace("_", "").replace(" ", "").lstrip("$")
    by_plain = {one.replace("-", ""): one for one in known}
    if plain in by_plain:
        return by_plain[plain]
    other = _SAID_OTHERWISE.get(plain)
    if other is not None and all(one in known for one in EXAMPLES if f'"{one}"' in other):
        return other
    near = difflib.get_close_matches(plain, by_plain, n=1, cutoff=0.6)
    return by_plain[near[0]] if near else None


def for_scalar(key: str, value: object) -> str:
    """
    Of a key with a bare value.

    >>> for_scalar("source", "shop")
    '"source": ["shop"]'
    """
    return f"{shown(key)}: [{shown(value)}]"


def for_text(name: str, value: object) -> str:
    """
    Of an operator that wants one string, and what it was given.

    >>> for_text("prefix", ["a", "b"]), for_text("suffix", 100)
    ('{"prefix": "a"}, {"prefix": "b"}', '{"suffix": "100"}')
    """
    if isinstance(value, list) and value and all(isinstance(one, str) for one in cast("list[object]", value)):
        several = ", ".join(f'{{"{name}": {shown(one)}}}' for one in cast("list[object]", value))
        return several if len(several) <= 2 * _LONGEST_SHOWN else f"{EXAMPLES[name]}, one entry a string"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f'{{"{name}": "{shown(value)}"}}'
    return EXAMPLES[name]


def for_keys(names: object) -> str:
    """
    Of an entry with several keys: one entry each.

    >>> for_keys({"prefix": "x", "suffix": "y"})
    '{"prefix": "x"}, {"suffix": "y"}: one of them will do then'
    """
    found = cast("dict[str, object]", names) if isinstance(names, dict) else {"": None}
    if any(name not in EXAMPLES for name in found):
        return "one operator an entry"
    return ", ".join(f'{{"{name}": {shown(value)}}}' for name, value in found.items()) + ": one of them will do then"


def for_mixed(value: object) -> str:
    """
    Of a list below ``anything-but`` that is empty, or mixed.

    >>> for_mixed(["x", 1])
    '{"anything-but": ["x", "1"]}, if all are meant as strings'
    """
    if not isinstance(value, list) or not value:
        return EXAMPLES["anything-but"]
    texts = [one if isinstance(one, str) else shown(one) for one in cast("list[object]", value)]
    return f'{{"anything-but": {shown(texts)}}}, if all are meant as strings'


def for_range(value: object) -> str:
    """
    Of what is no range.

    >>> for_range(["<", 5, ">", 1]), for_range([">=", 5, "<=", 5]), for_range(["!=", 1])
    ('{"numeric": [">", 1, "<", 5]}', '{"numeric": ["=", 5]}', '{"anything-but": 1}')
    >>> for_range([">", 3, "<", 1]), for_range(["=", "000"]), for_range(["=", "1"])
    ('{"numeric": [">", 1, "<", 3]}', '{"numeric": [">=", 1, "<", 5]}', '{"numeric": ["=", 1]}')
    """
    items = cast("list[object]", value) if isinstance(value, list) else ["=", value]
    signs = [sign for sign in items[::2] if isinstance(sign, str)]
    numbers = [number for number in items[1::2] if _is_number(number)]
    if not len(signs) == len(numbers) == len(items) / 2:
        return EXAMPLES["numeric"]
    texts = [one if isinstance(one, str) else shown(one) for one in numbers]
    if len(signs) == 1:
        if signs[0] in {"!=", "<>"}:
            return f'{{"anything-but": {texts[0]}}}'
        sign = "=" if signs[0] == "==" else signs[0]
        return f'{{"numeric": ["{sign}", {texts[0]}]}}' if sign in _SIGNS else EXAMPLES["numeric"]
    if len(signs) == 2 and set(signs) <= _SIGNS:
        pairs: list[tuple[str, str]] = sorted(zip(signs, texts, strict=True), reverse=True)
        (first, one), (last, other) = pairs
        low, high = sorted((one, other), key=float)
        if not (first.startswith(">") and last.startswith("<")):
            return EXAMPLES["numeric"]
        if float(low) < float(high):
            return f'{{"numeric": ["{first}", {low}, "{last}", {high}]}}'
        if first == ">=" and last == "<=":
            return f'{{"numeric": ["=", {low}]}}'
    return EXAMPLES["numeric"]


def _is_number(value: object) -> bool:
    """
    Whether a value is a number, or a string that spells one.
    """
    if not isinstance(value, str):
        return isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return len(value) < _LONGEST_SHOWN and type(json.loads(value)) in {int, float}
    except ValueError:
        return False


def for_block(text: str) -> str:
    """
    Of what is no block of addresses.

    >>> for_block("10.0.0.1/32"), for_block("10.0.0.1"), for_block("10.0.0.0/bad")
    ('"10.0.0.1", the address itself', '"10.0.0.1", the address itself', '{"cidr": "10.0.0.0/24"}')
    """
    address, _, bits = text.partition("/")
    if bits in {"", "32", "128"} and len(text) < _LONGEST_SHOWN and ("." in address or ":" in address):
        return f"{shown(address)}, the address itself"
    return EXAMPLES["cidr"]


def for_wildcard(text: str) -> str:
    r"""
    Of a wildcard with two stars in a row, or a backslash that escapes nothing.

    >>> for_wildcard("a**b")
    '{"wildcard": "a*b"}'
    >>> print(for_wildcard("a\\nb"))
    {"wildcard": "a\\\\nb"}
    """
    found: list[str] = []
    at = 0
    while at < len(text):
        if text[at : at + 2] in {"\\*", "\\\\"}:
            found.append(text[at : at + 2])
            at += 2
            continue
        if text[at] == "\\":
            found.append("\\\\")
        elif text[at] != "*" or found[-1:] != ["*"]:
            found.append(text[at])
        at += 1
    return f'{{"wildcard": {shown("".join(found))}}}'


def for_number(text: str) -> str:
    """
    Of a number that no double holds exactly.

    >>> for_number("9007199254740993"), for_number("1e400")
    ('9007199254740992, the nearest that can be compared', 'a number that can be compared: at most 15 digits will do')
    """
    value = float(text)
    if not math.isfinite(value) or value == 0:
        return "a number that can be compared: at most 15 digits will do"
    return f"{int(value) if value.is_integer() and abs(value) < _LARGE else value!r}, the nearest that can be compared"
