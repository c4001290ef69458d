"""
Reads the text of a pattern token by token, and knows the line and column that AWS would name in an error (PAT 9).

AWS's parser looks one token ahead: after a key, the first token of its value has been read already.
"""

from __future__ import annotations

import json
import re
from typing import Final, NamedTuple

from postroom.errors import InvalidEventPattern

_BLANKS: Final = re.compile(r"[ \t\r\n]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORD: Final = re.compile(r"[^\s,:\[\]{}\"]+")
_LITERALS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
_VALUES: Final = "JSON String, Number, Array, Object or token 'null', 'true' or 'false'"
_ECHOED_CHARS: Final = 500
_decode = json.JSONDecoder().raw_decode


class Token(NamedTuple):
    """
    One token: ``{``, ``}``, ``[``, ``]``, ``name``, ``string``, ``number``, ``literal`` or ``end``.
    """

    kind: str
    value: str | bool | None = None
    """Of a name or a string its text, of a number how it is written, of a literal what it is."""


class Reader:
    """
    The tokens of a text, one after the other; what follows the outermost closing bracket is not looked at.

    >>> reader = Reader('{"a": [1]}')
    >>> [reader.next().kind for _ in range(6)]
    ['{', 'name', '[', 'number', ']', '}']
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._mark = 0
        self._open: list[str] = []
        self._fresh = True
        self._ahead: Token | None = None

    def next(self) -> Token:
        """
        The next token.

        Raises:
            InvalidEventPattern: The text is no JSON.
        """
        if self._ahead is not None:
            token, self._ahead = self._ahead, None
            return token
        char = self._skip()
        if self._open:
            if char == ("}" if self._open[-1] == "{" else "]"):
                self._open.pop()
                self._fresh = False
                return self._take(Token(char), self._at + 1)
            char = self._separate(char)
            if self._open[-1] == "{":
                return self._name(char)
        return self._value(char)

    def refuse(self, reason: str) -> InvalidEventPattern:
        """
        The error for what the last token has shown to be wrong.
        """
        return InvalidEventPattern(f"Event pattern is not valid. Reason: {reason}\n at {self._place()}")

    def _place(self) -> str:
        text, before = self._text, self._text[: self._mark]
        line = before.count("\n") + 1
        column = self._mark - (before.rfind("\n") + 1) + 1
        cut = len(text) - _ECHOED_CHARS
        echo = f'"{text}"' if cut <= 0 else f'"{text[:_ECHOED_CHARS]}"[truncated {cut} chars]'
        return f"[Source: (String){echo}; line: {line}, column: {column}]"

    def _skip(self) -> str:
        match = _BLANKS.match(self._text, self._at)
        assert match is not None
        self._at = match.end()
        return self._text[self._at : self._at + 1]

    def _take(self, token: Token, end: int, mark: int | None = None) -> Token:
        self._at = end
        self._mark = end if mark is None else mark
        return token

    def _separate(self, char: str) -> str:
        if self._fresh:
            return char
        if char != ",":
            raise self._unexpected(
                char, f"was expecting comma to separate {'Object' if self._open[-1] == '{' else 'Array'} entries"
            )
        self._at += 1
        return self._skip()

    def _name(self, char: str) -> Token:
        if char != '"':
            raise self._unexpected(char, "was expecting double-quote to start field name")
        name = self._string()
        char = self._skip()
        if char != ":":
            raise self._unexpected(char, "was expecting a colon to separate field name and value")
        self._at += 1
        self._ahead = self._value(self._skip())
        return name._replace(kind="name")

    def _value(self, char: str) -> Token:
        self._fresh = False
        if char and char in "{[":
            self._open.append(char)
            self._fresh = True
            return self._take(Token(char), self._at + 1)
        if char == '"':
            return self._string()
        if not char and not self._open:
            return Token("end")
        if char.isdigit() or char == "-":
            return self._number(char)
        word = _WORD.match(self._text, self._at)
        if word is None:
            raise self._unexpected(char, f"expected a valid value ({_VALUES})")
        if word[0] in _LITERALS:
            return self._take(Token("literal", _LITERALS[word[0]]), word.end())
        if not word[0][0].isalpha():
            raise self._unexpected(char, f"expected a valid value ({_VALUES})")
        self._mark = word.end()
        raise self.refuse(f"Unrecognized token '{word[0]}': was expecting ({_VALUES})")

    def _string(self) -> Token:
        start = self._at + 1
        try:
            value, end = _decode(self._text, self._at)
        except json.JSONDecodeError as error:
            self._mark = min(error.pos + 1, len(self._text))
            raise self.refuse(error.msg) from None
        return self._take(Token("string", value), end, mark=start)

    def _number(self, char: str) -> Token:
        match = _NUMBER.match(self._text, self._at)
        word = _WORD.match(self._text, self._at)
        assert word is not None
        if match is None or match.end() != word.end():
            self._mark = word.end()
            raise self.refuse(
                "Invalid numeric value: Leading zeroes not allowed"
                if re.match("-?0[0-9]", word[0])
                else f"Unexpected character ('{char}' (code {ord(char)})) in numeric value"
            )
        return self._take(Token("number", match[0]), match.end())

    def _unexpected(self, char: str, wanted: str) -> InvalidEventPattern:
        self._mark = self._at + len(char)
        if not char:
            kind = "Object" if self._open[-1:] == ["{"] else "Array"
            return self.refuse(f"Unexpected end-of-input: expected close marker for {kind}")
        return self.refuse(f"Unexpected character ('{char}' (code {ord(char)})): {wanted}")
