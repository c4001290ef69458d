"""
Near misses of values: what a person got nearly right, and what to write instead (PAT 3, 6).

Each check takes an entry of a pattern and a value of an event that the entry does not want. The checks that go by kind
come first, those that compare letters last; the first that finds something counts.
"""

from __future__ import annotations

import difflib
import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias, cast

import attrs

from postroom.patterns._operators import (
    Absent,
    Address,
    Cidr,
    Entry,
    EqualsIgnoreCase,
    Exactly,
    Number,
    Numeric,
    Prefix,
    Suffix,
    Wildcard,
)
from postroom.patterns._shown import cut, entry_json, number_json, operator_name, shown_value
from postroom.patterns._values import address_of, comparable, number_text, number_value

HintKind: TypeAlias = Literal[
    "address",
    "anything-but",
    "blanks",
    "boolean",
    "bound",
    "case",
    "elements",
    "empty",
    "json-text",
    "key",
    "kind",
    "level",
    "null",
    "number-for-string",
    "object",
    "order",
    "part",
    "precision",
    "similar",
    "string-for-number",
    "unicode",
    "wildcard",
]
"""What a near miss is about. Kinds of one value: what stands in the event, *for* what the pattern wants."""

_CHARS_MAX: Final = 4_096
"""Longer texts are not compared letter by letter."""
_SIMILAR_CHARS_MAX: Final = 64
_SIMILAR: Final = 0.8
_JSON_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_NUMBER_CHARS_MAX: Final = 400
_INNER_MAX: Final = 100
_BLOCK: Final = re.compile(r"([0-9A-Fa-f.:]+)/([0-9]{1,3})")

Texted: TypeAlias = Exactly | Address | Prefix | Suffix | EqualsIgnoreCase | Wildcard


@attrs.frozen
class Hint:
    """
    A near miss: what somebody may have meant, and what to write instead.
    """

    kind: HintKind
    """What it is about."""
    path: str
    """Where in the event, elements of arrays as ``[n]``, from 0; where nothing is there, the path of the pattern."""
    text: str
    """For people."""

    def to_dict(self) -> dict[str, Any]:
        """
        As a plain dict, each field under its name.

        >>> Hint("case", "detail.state", "it differs in case only").to_dict()["kind"]
        'case'
        """
        return {"kind": self.kind, "path": self.path, "text": self.text}


class Near(NamedTuple):
    """
    A near miss, before it is known where.
    """

    kind: HintKind
    text: str


def near_value(entry: Entry, value: object) -> Near | None:
    """
    In which way an entry nearly wants a value that it does not want.

    >>> near_value(Number("5"), "5").kind, near_value(Exactly("paid"), "Paid").kind, near_value(Exactly("paid"), "sent")
    ('string-for-number', 'case', None)
    """
    if isinstance(entry, Absent):
        return _absent_near_null(value)
    if isinstance(value, str):
        checks = _OF_STRINGS if len(value) <= _CHARS_MAX else ()
        return next(_found(checks, entry, value), None)
    return next(_found(_OF_OTHERS, entry, value), None)


def _found(checks: tuple[_Check, ...], entry: Entry, value: Any) -> Iterator[Near]:
    for check in checks:
        near = check(entry, value)
        if near is not None:
            yield near


def text_of(entry: Entry) -> str | None:
    """
    The text that an entry compares with; None if it does not compare texts.

    >>> text_of(Prefix("a")), text_of(Number("5"))
    ('a', None)
    """
    if isinstance(entry, Exactly):
        return entry.value if isinstance(entry.value, str) else None
    if isinstance(entry, Address | Prefix | Suffix | EqualsIgnoreCase | Wildcard):
        return entry.text
    return None


def _with_text(entry: Texted, text: str) -> Entry:
    if isinstance(entry, Exactly | Address):
        return Exactly(text)
    if isinstance(entry, Prefix | Suffix):
        return type(entry)(text, ignore_case=entry.ignore_case)
    return type(entry)(text)


# Kinds.


def _absent_near_null(value: object) -> Near | None:
    if value is not None:
        return None
    return Near(
        "null", 'null is a value, and {"exists": false} wants that there is none: add null to the list to allow both'
    )


def _string_for_number(entry: Entry, value: str) -> Near | None:
    text = value.strip()
    if not isinstance(entry, Number | Numeric) or not is_number(text):
        return None
    number = comparable(text)
    if (number is None or not entry.wants(number)) and not (isinstance(entry, Number) and text == entry.text):
        return None
    instead = f"the event should have {cut(text)} without quotes"
    if isinstance(entry, Number):
        instead += f", or the pattern {shown_value(value)} with them"
    return Near(
        "string-for-number", f"the event has the string {shown_value(value)}, the pattern wants a number: {instead}"
    )


def is_number(text: str) -> bool:
    """
    Whether a text spells a JSON number.

    >>> is_number("3e2"), is_number("05")
    (True, False)
    """
    return len(text) <= _NUMBER_CHARS_MAX and _JSON_NUMBER.fullmatch(text) is not None


def _word_for_literal(entry: Entry, value: str) -> Near | None:
    """
    A string where the pattern has true, false or null.
    """
    if not isinstance(entry, Exactly) or isinstance(entry.value, str):
        return None
    word = value.strip().lower()
    if entry.value is None:
        if word in {"null", "none", "nil", ""}:
            return Near("null", f"the event has the string {shown_value(value)}, the pattern wants null itself")
        return None
    literal = json.dumps(entry.value)
    if word != literal and word != str(int(entry.value)):
        return None
    return Near("boolean", f"the event has the string {shown_value(value)}, the pattern wants {literal} without quotes")


def _other_for_string(entry: Entry, value: object) -> Near | None:
    """
    A number, a boolean or null where the pattern has a string, or an operator on strings.
    """
    text = text_of(entry)
    if text is None:
        return None
    shown = shown_value(value)
    spelled = {shown, *_spellings(value)}
    if isinstance(entry, Exactly | Address | EqualsIgnoreCase):
        if text == "*":
            return _anything_at_all()
        if value is None and text.lower() in {"null", "none", "nil", ""}:
            return Near("null", f"the event has null, which {entry_json(entry)} is not: write null without quotes")
        same = text in spelled or text.lower() in spelled
        if isinstance(value, bool):
            text = (
                f"the event has {shown}, the pattern wants the string {entry_json(entry)}: write {shown} without quotes"
            )
            return Near("boolean", text) if same else None
        if same or (is_number(text) and Number(text).wants(value)):
            wanted = f"the pattern wants the string {entry_json(entry)}: write it without quotes"
            return Near("number-for-string", f"the event has the number {shown}, {wanted}")
        return None
    if not any(map(entry.wants, spelled)):
        return None
    return Near("kind", f"{operator_name(entry)} looks at strings only, and {shown} is none")


def _spellings(value: object) -> tuple[str, ...]:
    number = number_value(value)
    return () if number is None else (number_json(number),)


def _anything_at_all() -> Near:
    return Near("wildcard", '"*" is that one letter here: for any value write {"exists": true}')


def _number_for_literal(entry: Entry, value: object) -> Near | None:
    """
    A number where the pattern has true or false, or the other way round.
    """
    shown = shown_value(value)
    if isinstance(entry, Number):
        if isinstance(value, bool) and entry.value == int(value):
            return Near("boolean", f"the event has {shown}, the pattern wants the number {entry.text}")
    elif isinstance(entry, Exactly) and isinstance(entry.value, bool) and number_value(value) == int(entry.value):
        return Near("boolean", f"the event has the number {shown}, the pattern wants {json.dumps(entry.value)}")
    return None


# Numbers.


def _precision(entry: Entry, value: object) -> Near | None:
    if not isinstance(entry, Number | Numeric):
        return None
    text = number_text(value)
    if text is None or len(text) > _NUMBER_CHARS_MAX:
        return None
    nearest, number = float(text), number_value(value)
    if number is None:
        if math.isnan(nearest):
            return Near("precision", "NaN is no JSON number: it equals none, and is in no range")
        if isinstance(entry, Number):
            is_near = entry.value == nearest or float(entry.text) == nearest
            how = "it equals only a number that is written just so"
        else:
            is_near, how = _is_within(entry, nearest), "it is in no range"
        return Near("precision", f"no double holds {cut(text)} exactly: {how}") if is_near else None
    if isinstance(entry, Number):
        wanted = float(entry.text) if entry.value is None else entry.value
        if entry.value is None and wanted == number:
            return Near("precision", f"no double holds {entry.text} exactly: it equals only a number written just so")
        if math.isclose(number, wanted, rel_tol=1e-9):
            return Near("precision", f"{cut(text)} is {entry.text} but for rounding: write a narrow numeric range")
    return None


def _is_within(entry: Numeric, number: float) -> bool:
    return (entry.low is None or entry.low <= number) and (entry.high is None or number <= entry.high)


def _bound(entry: Entry, value: object) -> Near | None:
    number = number_value(value)
    if not isinstance(entry, Numeric) or number is None or number not in {entry.low, entry.high}:
        return None
    sign = ">" if number == entry.low else "<"
    return Near("bound", f'{shown_value(value)} is the bound itself, which "{sign}" leaves out: write "{sign}="')


# Texts.


def _wildcard(entry: Entry, value: str) -> Near | None:
    text = text_of(entry)
    if text is None:
        return None
    meant = _other_stars(text) if isinstance(entry, Wildcard) or "*" not in text else [text, *_other_stars(text)]
    before = "*" if isinstance(entry, Suffix) else ""
    after = "*" if isinstance(entry, Prefix) else ""
    for one in meant:
        shape = re.sub(r"\*+", "*", f"{before}{one}{after}")
        if Wildcard(shape).wants(value):
            instead = '{"exists": true}' if shape == "*" else entry_json(Wildcard(shape))
            name = operator_name(entry)
            if one != text:
                what = "% stands for itself" if "%" in text else "there are no regular expressions"
            else:
                what = f"a star stands for itself {'in a plain string' if name == 'equals' else f'below {name}'}"
            return Near("wildcard", f"{what}: write {instead}")
    return None


def _other_stars(text: str) -> list[str]:
    """
    What a text means in languages in which others write such things.
    """
    found = [text.removeprefix("^").removesuffix("$").replace(".*", "*"), text.replace("%", "*")]
    return [one for one in found if one != text and "*" in one]


def _addresses(entry: Entry, value: str) -> Near | None:
    if isinstance(entry, Exactly) and isinstance(entry.value, str):
        mine = address_of(entry.value)
        if mine is not None and mine == address_of(value):
            shown = shown_value(entry.value)
            return Near("address", f"it is the same address, written otherwise: {shown} as a bare string takes both")
        block = _block(entry.value)
        if block is not None and block.wants(value):
            return Near("address", f"the address is in that block: write {entry_json(block)}")
    if not isinstance(entry, Cidr | Address):
        return None
    address = address_of(value)
    if address is not None:
        if isinstance(entry, Cidr) and address[0] != entry.version:
            shown = shown_value(value)
            return Near("address", f"{shown} is an address of IP version {address[0]}, the block of {entry.version}")
        return None
    for part in (value.strip(), value.partition("/")[0], value.rpartition(":")[0].strip("[]"), value.partition("%")[0]):
        if entry.wants(part):
            return Near("address", f"{shown_value(value)} is no mere address: {shown_value(part)} would do")
    return None


def _block(text: str) -> Cidr | None:
    found = _BLOCK.fullmatch(text)
    if found is None or address_of(found[1]) is None:
        return None
    return Cidr.of(text) if int(found[2]) < (128 if ":" in found[1] else 32) else None


def _json_text(entry: Entry, value: str) -> Near | None:
    inner = read_json(value)
    if inner is None or not any(map(entry.wants, _scalars(inner))):
        return None
    return Near("json-text", "the event has JSON inside a string, which is not looked into: send it as JSON itself")


def read_json(text: str) -> Any:
    """
    What JSON text in a string stands for, if it is a string, an array or an object; else None.

    >>> read_json('{"a": 1}'), read_json("5"), read_json("{no}")
    ({'a': 1}, None, None)
    """
    if not text.lstrip().startswith(("{", "[", '"')):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _scalars(inner: Any) -> list[Any]:
    values = list(cast("Sequence[Any]", inner)[:_INNER_MAX]) if isinstance(inner, list) else [inner]
    return [value for value in values if not isinstance(value, list | dict)]


def _unicode_form(text: str) -> str:
    return unicodedata.normalize("NFC", text)


_FOLDS: Final[tuple[tuple[HintKind, Callable[[str], str], str], ...]] = (
    ("blanks", str.strip, "it differs in leading or trailing blanks only, and they count"),
    ("case", str.casefold, "it differs in case only"),
    ("unicode", _unicode_form, "it looks the same, with other code points, as Unicode is not normalised: "),
)


def _folded(entry: Entry, value: str) -> Near | None:
    """
    The same but for something that the eye passes over.
    """
    text = text_of(entry)
    if text is None:
        return None
    for kind, fold, what in _FOLDS:
        mine = fold(text)
        if (mine or not text) and _with_text(cast("Texted", entry), mine).wants(fold(value)):
            more = _ignoring_case(entry, text) if kind == "case" else ""
            if kind == "unicode":
                more = f"{cut(json.dumps(value), 80)} is not {cut(json.dumps(text), 80)}"
            return Near(kind, what + more)
    return None


def _ignoring_case(entry: Entry, text: str) -> str:
    if isinstance(entry, Prefix | Suffix):
        return f": write {entry_json(type(entry)(text, ignore_case=True))}"
    return f": write {entry_json(EqualsIgnoreCase(text))}" if isinstance(entry, Exactly) else ""


def _part(entry: Entry, value: str) -> Near | None:
    """
    A value that has the text, in another place or among others.
    """
    text = text_of(entry)
    if text is None or len(text) < 2 or isinstance(entry, Wildcard | Address) or text not in value:
        return None
    literal = text.replace("\\", "\\\\").replace("*", "\\*")
    instead: Entry = Wildcard(f"*{literal}*")
    if value.startswith(text):
        instead = Prefix(text)
    elif value.endswith(text):
        instead = Suffix(text)
    return Near("part", f"the text is a part of the value: {entry_json(instead)} would do")


def _similar(entry: Entry, value: str) -> Near | None:
    if not isinstance(entry, Exactly | EqualsIgnoreCase):
        return None
    text = text_of(entry)
    if text is None or not 3 <= len(text) <= _SIMILAR_CHARS_MAX or len(value) > _SIMILAR_CHARS_MAX:
        return None
    # Texts that differ in digits are other ids, versions or dates: no slips.
    if list(filter(str.isdigit, text)) != list(filter(str.isdigit, value)):
        return None
    if difflib.SequenceMatcher(None, text.casefold(), value.casefold()).ratio() < _SIMILAR:
        return None
    return Near("similar", f"{shown_value(value)} and {shown_value(text)} are spelled alike: is one a slip?")


_Check: TypeAlias = Callable[[Entry, Any], Near | None]
_OF_STRINGS: Final[tuple[_Check, ...]] = (
    _string_for_number,
    _word_for_literal,
    _folded,
    _wildcard,
    _addresses,
    _json_text,
    _part,
    _similar,
)
_OF_OTHERS: Final[tuple[_Check, ...]] = (_number_for_literal, _precision, _bound, _other_for_string)
