"""
What may stand in a list of a pattern: bare values, and one operator an object (PAT 2, 6, 9).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias, cast

from postroom.patterns import _advice
from postroom.patterns._operators import (
    Absent,
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
    exactly,
)
from postroom.patterns._values import address_of, comparable

if TYPE_CHECKING:
    from postroom.patterns._dialects import Dialect
    from postroom.patterns._reader import Token

_ONLY_ONE: Final = "Only one key allowed in match expression"
_TOO_MANY: Final = "Too many elements in numeric expression"
_OF_ONE_KIND: Final = "Inside anything but list, either all values are number or string, mixed type is not supported"
_GUESSES_MAX: Final = 10
"""Operators that are not there, of which is guessed what was meant: that takes longer than all the rest."""
_PRESENT: Final = Present()
_ABSENT: Final = Absent()
_NOT_EMPTY: Final = AnythingBut((Exactly(None), Exactly("")))
"""``{"exists": true}`` where null and the empty string do not exist (SNS 7.4)."""
_Text: TypeAlias = Prefix | Suffix | EqualsIgnoreCase | Wildcard
_BELOW_ANYTHING_BUT: Final[Mapping[str, Callable[[str], _Text]]] = {
    "prefix": Prefix,
    "suffix": Suffix,
    "equals-ignore-case": EqualsIgnoreCase,
    "wildcard": Wildcard,
}
_NO_STRING: Final[Mapping[str, str]] = {
    "prefix": "prefix/suffix match pattern must be a string",
    "suffix": "prefix/suffix match pattern must be a string",
    "equals-ignore-case": "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.",
    "wildcard": "wildcard match pattern must be a string",
}
"""Below ``anything-but``."""

_GOOD_WILDCARD: Final = re.compile(r"(?:[^\\*]|\\[\\*]|\*(?!\*))*")
_MASK: Final = re.compile(r"[+-]?[0-9]{1,9}")
_ADDRESS: Final = re.compile(r"[0-9]+(?:\.[0-9]+){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:]*")


class Fault(Exception):
    """
    An entry that is none: what is wrong, and the token at which that shows.
    """

    def __init__(self, reason: str, token: Token, instead: str, *, copies: int = 1, is_inside: bool = False) -> None:
        super().__init__(reason)
        self.reason: str = reason
        self.token: Token = token
        self.instead: str = instead
        self.copies: int = copies
        """How often AWS's text names the place."""
        self.is_inside: bool = is_inside
        """Whether AWS's parser has looked into the string that the token is, and stands behind it."""


class Entries:
    """
    Reads entries off tokens. Where there is no further token, the text stopped being JSON: `StopIteration` says so.
    """

    def __init__(self, text: str, tokens: list[Token], dialect: Dialect) -> None:
        self._text = text
        self._next = iter(tokens).__next__
        self._dialect = dialect
        self._operators = dialect.operators
        self._guesses = _GUESSES_MAX
        self.is_in_list: bool = False
        """Within a list below ``anything-but``: AWS's texts of what is wrong there name the place twice."""

    def bare(self, token: Token) -> Entry:
        """
        A value that stands for itself.
        """
        kind, value, *_ = token
        if kind == "string":
            return exactly(cast("str", value))
        return Number(cast("str", value)) if kind == "number" else Exactly(value)

    def operator(self, opened: Token) -> Entry:
        """
        An operator; its opening bracket has been read.

        Raises:
            Fault: It is none.
        """
        token = self._next()
        if token[0] != "name":
            raise Fault("Match expression name not found", token, _advice.EXAMPLES["exists"])
        name = cast("str", token[1])
        read = _READERS.get(name)
        if read is None or name not in self._operators:
            token = self._next()
            value = self._value_of(token)
            self._guesses -= 1
            instead = _advice.for_operator(name, self._operators, value, may_guess=self._guesses >= 0)
            raise Fault(f"Unrecognized match type {name}", token, instead)
        entry = read(self)
        if self._next()[0] != "}":
            reason = _TOO_MANY if name in {"numeric", "anything-but"} else _ONLY_ONE
            self._refuse_key(reason, _advice.for_keys(_advice.value_at(self._text, opened[2] - 1)))
        return entry

    def _refuse_key(self, reason: str, instead: str) -> NoReturn:
        # AWS's parser has read one token more when it is asked where it is.
        raise Fault(reason, self._next(), instead)

    def _value_of(self, token: Token) -> Any:
        """
        The whole value that begins with a token, for advice.
        """
        kind, value, mark, _ = token
        if kind == "literal":
            return value
        return _advice.value_at(self._text, mark - (len(str(value)) if kind == "number" else 1))

    def _text_below(self, name: str, reason: str) -> str:
        token = self._next()
        if token[0] != "string":
            raise Fault(reason, token, _advice.for_text(name, self._value_of(token)))
        return cast("str", token[1])

    def _exists(self) -> Entry:
        token = self._next()
        if token[0] != "literal" or token[1] is None:
            instead = '{"exists": false}' if token[1] in {"false", "False", "no", "0"} else '{"exists": true}'
            raise Fault("exists match pattern must be either true or false.", token, instead)
        if not token[1]:
            return _ABSENT
        return _PRESENT if self._dialect.has_null_exists else _NOT_EMPTY

    def _exactly(self) -> Entry:
        return Exactly(self._text_below("exactly", "exact match pattern must be a string"))

    def _equals_ignore_case(self) -> Entry:
        return EqualsIgnoreCase(
            self._text_below("equals-ignore-case", "equals-ignore-case match pattern must be a string")
        )

    def _prefix(self) -> Entry:
        text, ignore_case = self._end_of_value("prefix")
        return Prefix(text, ignore_case=ignore_case)

    def _suffix(self) -> Entry:
        text, ignore_case = self._end_of_value("suffix")
        return Suffix(text, ignore_case=ignore_case)

    def _end_of_value(self, name: str) -> tuple[str, bool]:
        """
        The text of a prefix or suffix, and whether case is ignored.
        """
        token = self._next()
        if token[0] == "string":
            return cast("str", token[1]), False
        if token[0] != "{" or f"{name} equals-ignore-case" not in self._operators:
            instead = _advice.for_text(name, self._value_of(token))
            raise Fault(f"{name} match pattern must be a string", token, instead)
        instead = f'{{"{name}": {{"equals-ignore-case": "…"}}}}, or {_advice.EXAMPLES[name]}'
        token = self._next()
        if token[0] != "name":
            raise Fault(f"{name.capitalize()} expression name not found", token, instead)
        if token[1] != "equals-ignore-case":
            self._refuse_key(f"Unsupported {name} pattern: {token[1]}", instead)
        text = self._text_below("equals-ignore-case", "equals-ignore-case match pattern must be a string")
        if self._next()[0] != "}":
            self._refuse_key(_ONLY_ONE, instead)
        return text, True

    def _wildcard(self) -> Entry:
        token = self._next()
        if token[0] != "string":
            instead = _advice.for_text("wildcard", self._value_of(token))
            raise Fault("wildcard match pattern must be a string", token, instead)
        return self._wildcard_of(token)

    def _wildcard_of(self, token: Token) -> Wildcard:
        text = cast("str", token[1])
        good = _GOOD_WILDCARD.match(text)
        assert good is not None
        if good.end() == len(text):
            return Wildcard(text)
        # AWS counts bytes, and the quote before them.
        position = len(text[: good.end()].encode("utf-8", "surrogatepass")) + 1
        what = "Consecutive wildcard characters" if text[good.end()] == "*" else "Invalid escape character"
        instead = _advice.for_wildcard(text)
        copies = 2 if self.is_in_list else 1
        raise Fault(f"{what} at pos {position}", token, instead, copies=copies, is_inside=True)

    def _cidr(self) -> Entry:
        token = self._next()
        if token[0] != "string":
            raise Fault("prefix match pattern must be a string", token, _advice.EXAMPLES["cidr"])
        text = cast("str", token[1])
        reason = _wrong_block(text)
        if reason is not None:
            raise Fault(reason, token, _advice.for_block(text), copies=0, is_inside=True)
        return Cidr.of(text)

    def _numeric(self) -> Entry:
        opened = self._next()
        try:
            return self._range(opened)
        except Fault as fault:
            fault.instead = fault.instead or _advice.for_range(self._value_of(opened))
            raise

    def _range(self, opened: Token) -> Numeric:
        if opened[0] != "[":
            raise Fault("Value of numeric must be an array.", opened, "")
        token = self._next()
        if token[0] != "string":
            raise Fault(f"Invalid member in numeric match: {_spelling(token)}", token, "")
        sign = cast("str", token[1])
        token = self._next()
        if sign not in {"=", "<", "<=", ">", ">="}:
            raise Fault(f"Unrecognized numeric range operator: {sign}", token, "")
        if token[0] != "number":
            raise Fault(f"Value of {'equals' if sign == '=' else sign} must be numeric", token, "")
        first = token
        token = self._next()
        if token[0] == "]":
            number = self._comparable(first, token)
            if sign == "=":
                return Numeric(number, number, has_low=True, has_high=True)
            return (
                Numeric(low=number, has_low=sign == ">=")
                if sign[0] == ">"
                else Numeric(high=number, has_high=sign == "<=")
            )
        if sign[0] != ">":
            raise Fault(_TOO_MANY, token, "")
        if token[0] != "string":
            raise Fault(f"Bad value in numeric range: {_spelling(token)}", token, "")
        last_sign = cast("str", token[1])
        if last_sign not in {"<", "<="}:
            raise Fault(f"Bad numeric range operator: {last_sign}", token, "")
        last = token = self._next()
        if token[0] != "number":
            raise Fault(f"Value of {last_sign} must be numeric", token, "")
        token = self._next()
        if token[0] != "]":
            raise Fault("Too many terms in numeric range expression", token, "")
        low, high = self._comparable(first, token), self._comparable(last, token)
        if low >= high:
            raise Fault("Bottom must be less than top", token, "")
        return Numeric(low, high, has_low=sign == ">=", has_high=last_sign == "<=")

    def _comparable(self, number: Token, at: Token, *, copies: int = 1) -> float:
        text = cast("str", number[1])
        value = comparable(text)
        if value is None:
            raise Fault(f"Cannot compare number : {text}", at, _advice.for_number(text), copies=copies)
        return value

    def _anything_but(self) -> Entry:
        token = self._next()
        kind = token[0]
        if kind == "{":
            return self._below_anything_but()
        if kind == "string":
            return AnythingBut((Exactly(cast("str", token[1])),))
        if kind == "number":
            self._comparable(token, token, copies=0)
            return AnythingBut((Number(cast("str", token[1])),))
        if kind != "[":
            reason = "Value of anything-but must be an array or single string/number value."
            raise Fault(reason, token, _but_null(token))
        opened = token
        entries: list[Exactly | Number] = []
        self.is_in_list = True
        while (token := self._next())[0] != "]":
            if token[0] == "string":
                entries.append(Exactly(cast("str", token[1])))
            elif token[0] == "number":
                self._comparable(token, token)
                entries.append(Number(cast("str", token[1])))
            else:
                reason = "Inside anything but list, start|null|boolean is not supported."
                raise Fault(reason, token, "strings only, or numbers only, in its list", copies=2)
        self.is_in_list = False
        if len({type(entry) for entry in entries}) != 1:
            raise Fault(_OF_ONE_KIND, token, _advice.for_mixed(self._value_of(opened)))
        return AnythingBut(tuple(entries))

    def _below_anything_but(self) -> Entry:
        token = self._next()
        if token[0] != "name":
            raise Fault("Anything-But expression name not found", token, '{"anything-but": {"prefix": "pa"}}')
        name = cast("str", token[1])
        make = _BELOW_ANYTHING_BUT.get(name)
        token = self._next()
        if make is None or f"anything-but {name}" not in self._operators:
            known = [one for one in _BELOW_ANYTHING_BUT if f"anything-but {one}" in self._operators]
            instead = f"one of {', '.join(known)} below anything-but" if known else _advice.EXAMPLES["anything-but"]
            raise Fault(f"Unsupported anything-but pattern: {name}", token, instead)
        entries: list[_Text] = []
        if "anything-but lists" not in self._operators and token[0] != "string":
            raise Fault(f"{name} match pattern must be a string", token, f'{{"anything-but": {{"{name}": "pa"}}}}')
        if token[0] in {"{", "literal"}:
            reason = "Value of anything-but must be an array or single string/number value."
            raise Fault(reason, token, f'{{"anything-but": {{"{name}": "pa"}}}}')
        if token[0] == "[":
            self.is_in_list = True
            while (token := self._next())[0] != "]":
                entries.append(self._text_of(name, make, token))
            self.is_in_list = False
            if not entries:
                raise Fault(_OF_ONE_KIND, token, f'{{"anything-but": {{"{name}": ["pa"]}}}}')
        else:
            entries.append(self._text_of(name, make, token))
        if self._next()[0] != "}":
            self._refuse_key(_TOO_MANY, "one operator below anything-but")
        return AnythingBut(tuple(entries))

    def _text_of(self, name: str, make: Callable[[str], _Text], token: Token) -> _Text:
        copies = 2 if self.is_in_list else 1
        if token[0] != "string":
            raise Fault(_NO_STRING[name], token, f'{{"anything-but": {{"{name}": ["pa"]}}}}', copies=copies)
        if name == "wildcard":
            return self._wildcard_of(token)
        text = cast("str", token[1])
        if not text and name in {"prefix", "suffix"}:
            instead = "no empty string: every string begins and ends with it"
            raise Fault("Null prefix/suffix not allowed", token, instead, copies=copies, is_inside=True)
        return make(text)


def _but_null(token: Token) -> str:
    if token[0] == "literal" and token[1] is None:
        return '{"exists": true}, which null satisfies too: there is no operator for "anything but null"'
    return f"{_advice.shown(not token[1])}, the other one, as an entry"


def _spelling(token: Token) -> str:
    """
    A token as AWS's parser spells it.
    """
    kind, value, *_ = token
    if kind == "literal":
        return "null" if value is None else str(value).lower()
    return kind if value is None else str(value)


def _wrong_block(text: str) -> str | None:
    """
    Why a text is no block of addresses; AWS looks at the mask first (PAT 6.6).
    """
    if text.count("/") != 1 or text.endswith("/"):
        return "Malformed CIDR, one '/' required"
    address, _, bits = text.partition("/")
    if not _MASK.fullmatch(bits):
        return "Malformed CIDR, mask bits must be an integer"
    if int(bits) < 0:
        return "Malformed CIDR, mask bits must not be negative"
    if not _ADDRESS.fullmatch(address):
        return f"Nonstandard IP address: {address}"
    if address_of(address) is None:
        return f"Invalid IP address: {address}"
    version, end = ("IPv6", 128) if ":" in address else ("IPv4", 32)
    return None if int(bits) < end else f"{version} mask bits must be < {end}"


_READERS: Final[Mapping[str, Callable[[Entries], Entry]]] = {
    "exists": Entries._exists,
    "exactly": Entries._exactly,
    "prefix": Entries._prefix,
    "suffix": Entries._suffix,
    "equals-ignore-case": Entries._equals_ignore_case,
    "wildcard": Entries._wildcard,
    "cidr": Entries._cidr,
    "numeric": Entries._numeric,
    "anything-but": Entries._anything_but,
}
