"""
Reads the text of a pattern into tokens, and knows what is no JSON in the words of AWS's parser (PAT 9).

One regular expression takes a token with the comma before it and the colon behind it. What that does not take, a string
with escapes or an error, is looked at once more, slowly and in the order in which AWS's parser does.
"""

from __future__ import annotations

import json
import re
from typing import Final, NamedTuple, TypeAlias

Token: TypeAlias = tuple[str, str | bool | None, int, int]
"""
Kind, value, mark and depth; a plain tuple, as there are many.

The kind is ``{``, ``}``, ``[``, ``]``, ``name``, ``string``, ``number``, ``literal`` or ``end``. The value is of a name or
a string its text, of a number how it is written, of a literal what it is. The mark is the place just past what AWS's parser
has read of it: of a string no more than the opening quote. The depth is how many brackets are open behind it.
"""


class Broken(NamedTuple):
    """
    Where the text stops being JSON.
    """

    reason: str
    mark: int
    """The place just past what cannot be."""


_NUMBER: Final = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+"
_WORD_GOES_ON: Final = r"[^\s,:\[\]{}\"]"
# Nothing is given back: long runs of blanks or digits would be tried in every way.
_TOKEN: Final = re.compile(
    r"[ \t\r\n]*+(,?+)[ \t\r\n]*+(?:"
    r'"([^"\\\x00-\x1f]*+)"(?:[ \t\r\n]*+(:))?+'
    r"|([\[{])|(\})|(\])"
    rf"|({_NUMBER})(?!{_WORD_GOES_ON})"
    rf"|(true|false|null)(?!{_WORD_GOES_ON}))"
)
_STRING, _NAME, _OPENS, _ENDS_OBJECT, _ENDS_ARRAY, _IS_NUMBER, _IS_LITERAL = range(2, 9)
_BLANKS: Final = re.compile(r"[ \t\r\n]*")
_WORD: Final = re.compile(rf"{_WORD_GOES_ON}+")
_LITERALS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
_VALUES: Final = "JSON String, Number, Array, Object or token 'null', 'true' or 'false'"
_decode = json.JSONDecoder().raw_decode

# What may come: the group of `_TOKEN` that took it, negative if there was a comma before it.
_START, _FIRST_NAME, _NEXT_NAME, _OF_NAME, _FIRST_VALUE, _NEXT_VALUE = range(6)
_A_VALUE: Final = {_STRING, _OPENS, _IS_NUMBER, _IS_LITERAL}
_LEGAL: Final = (
    frozenset(_A_VALUE),
    frozenset({_NAME, _ENDS_OBJECT}),
    frozenset({-_NAME, _ENDS_OBJECT}),
    frozenset(_A_VALUE),
    frozenset(_A_VALUE | {_ENDS_ARRAY}),
    frozenset({-one for one in _A_VALUE} | {_ENDS_ARRAY}),
)


class _NoJson(Exception):
    def __init__(self, reason: str, mark: int) -> None:
        super().__init__(reason)
        self.broken: Broken = Broken(reason, mark)


def read(text: str) -> tuple[list[Token], Broken | None]:
    """
    The tokens of a text, and what ends them early; what follows the outermost closing bracket is not looked at.

    >>> tokens, broken = read('{"a": [1]} and more')
    >>> [kind for kind, *_ in tokens], broken
    (['{', 'name', '[', 'number', ']', '}'], None)
    >>> read('{"a": [1,]}')[1]
    Broken(reason="Unexpected character (']' (code 93)): expected a valid value (JSON String, ...", mark=10)
    """
    tokens: list[Token] = []
    try:
        _read(text, tokens)
    except _NoJson as error:
        return tokens, error.broken
    return tokens, None


def _read(text: str, tokens: list[Token]) -> None:
    scan, add = _TOKEN.match, tokens.append
    at = depth = 0
    state = after = _START
    around: list[int] = []
    while True:
        found = scan(text, at)
        group = 0 if found is None else found.lastindex or 0
        if found is None or (-group if found[1] else group) not in _LEGAL[state]:
            kind, value, mark, at = _look_again(text, at, state)
            add((kind, value, mark, depth))
            state = _OF_NAME if kind == "name" else after
            if not depth:
                return
            continue
        at = found.end()
        if group == _NAME:
            add(("name", found[2], at, depth))
            state = _OF_NAME
            continue
        state = after
        if group == _STRING:
            add(("string", found[2], found.start(2), depth))
        elif group == _OPENS:
            depth += 1
            around.append(after)
            bracket = found[group]
            state, after = (_FIRST_NAME, _NEXT_NAME) if bracket == "{" else (_FIRST_VALUE, _NEXT_VALUE)
            add((bracket, None, at, depth))
        elif group < _IS_NUMBER:
            depth -= 1
            state = after = around.pop()
            add((found[group], None, at, depth))
        elif group == _IS_NUMBER:
            add(("number", found[group], at, depth))
        else:
            add(("literal", _LITERALS[found[group]], at, depth))
        if not depth:
            return


def _look_again(text: str, at: int, state: int) -> tuple[str, str | None, int, int]:
    """
    Kind, value, mark and end of a string with escapes, or of the end of an empty text; raises for all the rest.
    """
    at, char = _skip(text, at)
    of_object = state in (_FIRST_NAME, _NEXT_NAME)
    if state in (_NEXT_NAME, _NEXT_VALUE):
        if char != ",":
            wanted = f"was expecting comma to separate {'Object' if of_object else 'Array'} entries"
            raise _unexpected(char, at, wanted, state)
        at, char = _skip(text, at + 1)
    if of_object:
        if char != '"':
            raise _unexpected(char, at, "was expecting double-quote to start field name", state)
        name, end = _string(text, at)
        end, char = _skip(text, end)
        if char != ":":
            raise _unexpected(char, end, "was expecting a colon to separate field name and value", state)
        return "name", name, at + 1, end + 1
    if char == '"':
        value, end = _string(text, at)
        return "string", value, at + 1, end
    if not char and state == _START:
        return "end", None, at, at
    if char.isdigit() or char == "-":
        raise _wrong_number(text, at, char)
    word = _WORD.match(text, at)
    if word is None or not char.isalpha():
        raise _unexpected(char, at, f"expected a valid value ({_VALUES})", state)
    raise _NoJson(f"Unrecognized token '{word[0]}': was expecting ({_VALUES})", word.end())


def _skip(text: str, at: int) -> tuple[int, str]:
    blanks = _BLANKS.match(text, at)
    assert blanks is not None
    at = blanks.end()
    return at, text[at : at + 1]


def _string(text: str, at: int) -> tuple[str, int]:
    try:
        return _decode(text, at)
    except json.JSONDecodeError as error:
        raise _NoJson(error.msg, min(error.pos + 1, len(text))) from None


def _wrong_number(text: str, at: int, char: str) -> _NoJson:
    word = _WORD.match(text, at)
    assert word is not None
    has_zeros = re.match("-?0[0-9]", word[0])
    reason = f"Unexpected character ('{char}' (code {ord(char)})) in numeric value"
    return _NoJson("Invalid numeric value: Leading zeroes not allowed" if has_zeros else reason, word.end())


def _unexpected(char: str, at: int, wanted: str, state: int) -> _NoJson:
    if not char:
        kind = "Object" if state in (_FIRST_NAME, _NEXT_NAME, _OF_NAME) else "Array"
        return _NoJson(f"Unexpected end-of-input: expected close marker for {kind}", at)
    return _NoJson(f"Unexpected character ('{char}' (code {ord(char)})): {wanted}", at + len(char))


def end_of_string(text: str, mark: int) -> int:
    """
    The place just past a string of which the mark is known: where AWS's parser is once it has looked into it.

    >>> end_of_string('["ab"]', 2)
    5
    """
    return _decode(text, mark - 1)[1]
