"""
From the text of a pattern to the tree of what it wants, with AWS's texts for all that is wrong (PAT 2, 7, 8, 9).

`_Parser` goes through the tokens once. What is in it of the shape of a pattern, keys and lists and ``$or``, is here; what may
stand in a list is in `_entries`.
"""

from __future__ import annotations

from typing import Final

from postroom.limits import PATTERN_DEPTH_MAX
from postroom.patterns import _advice
from postroom.patterns._complexity import bound, complexity
from postroom.patterns._dialects import EVENTBRIDGE, Dialect
from postroom.patterns._entries import Entries, Fault
from postroom.patterns._faults import COMBINATIONS, KEYS, NO_JSON, RULES, STRUCTURE, Found, refusal
from postroom.patterns._operators import AnythingBut, Entry, Wildcard
from postroom.patterns._reader import Broken, Token, end_of_string, read
from postroom.patterns._tree import Branch, Condition, Either

OR: Final = "$or"
RESERVED: Final = frozenset(
    {
        *("exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr"),
        *("=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case"),
        *("date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range"),
        *("ip-address-in-range", "ip-address-not-in-range"),
    }
)
"""What no key of a branch of ``$or`` may be called (PAT 8)."""

_TOO_COMPLEX: Final = (
    "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences "
    "after a wildcard character"
)
_TOO_MANY_COMBINATIONS: Final = "Rule is too complex - try using fewer $or combinations"
"""AWS's text for this is not known."""
_NO_NESTING: Final = "Filter policy scope MessageAttributes does not support nested filter policy"


def parse(text: str, dialect: Dialect = EVENTBRIDGE) -> Branch:
    """
    What a pattern wants: a tree, every list in the order in which it is written.

    A pattern in which ``$or`` makes no sense is read once more with ``$or`` as a key like any other (PAT 8).

    >>> parse('{"a": [1], "$or": [{"b": ["x"]}, {"c": {"d": [null]}}]}')[1].branches[1][0].path
    'c.d'

    Raises:
        InvalidEventPattern: It is no pattern; `faults` says all that is wrong with it.
    """
    tokens, broken = read(text)
    first = _Parser(text, tokens, broken, dialect, has_or=OR in dialect.operators)
    items = first.run()
    if not first.found:
        return items
    if first.met_or and broken is None:
        second = _Parser(text, tokens, broken, dialect, has_or=False)
        items = second.run()
        if not second.found:
            return items
    raise refusal(text, dialect, first.found)


class _Level:
    """
    An object or the array of an ``$or``, while it is open.
    """

    __slots__ = ("branches", "count", "depth", "in_or", "is_empty", "items", "prefix", "sum", "where")

    def __init__(self, items: list[Condition | Either], prefix: str, where: str, depth: int, *, in_or: bool) -> None:
        self.items: list[Condition | Either] = items
        self.prefix: str = prefix
        """Of the paths of its keys."""
        self.where: str = where
        """The same for people: it names ``$or`` too."""
        self.depth: int = depth
        """How many keys lead to a key of it, its own counted."""
        self.in_or: bool = in_or
        self.is_empty: bool = True
        self.count: int = 1
        """Combinations so far: of an object a product, of an ``$or`` the `sum` of its branches."""
        self.sum: int = 0
        self.branches: list[Branch] | None = None
        """Not None: it is an array of an ``$or``."""


class _Parser(Entries):
    """
    One way through the tokens of a text.
    """

    def __init__(
        self, text: str, tokens: list[Token], broken: Broken | None, dialect: Dialect, *, has_or: bool
    ) -> None:
        super().__init__(text, tokens, dialect)
        self._broken = broken
        self._has_or = has_or
        self.met_or: bool = False
        self.found: list[Found] = []
        self._where = ""
        self._wildcards: dict[str, list[tuple[Wildcard, Token]]] = {}
        self._top_keys: set[str] = set()
        # One more than is allowed is enough to know, and keeps the numbers small.
        self._too_many = dialect.combinations_max + 1
        self._deepest = min(PATTERN_DEPTH_MAX, dialect.combinations_max) if dialect.counts_values else PATTERN_DEPTH_MAX

    def run(self) -> Branch:
        """
        What is wanted; of a text that has faults, what there is of it.
        """
        items: list[Condition | Either] = []
        try:
            self._whole(items)
        except StopIteration:
            # There are no more tokens: the text stopped being JSON.
            assert self._broken is not None
            reason, mark = self._broken
            copies = 2 if self.is_in_list else 1
            self.found.append(Found(reason, self._where, mark, "JSON, from here on", copies, NO_JSON))
        if self._wildcards:
            self._check_wildcards()
        return tuple(items)

    def _whole(self, items: list[Condition | Either]) -> None:
        token = self._next()
        if token[0] != "{":
            self._record("Filter is not an object", token, '{"source": ["shop"]}')
            return
        stack = [_Level(items, "", "", 1, in_or=False)]
        while stack:
            level = stack[-1]
            token = self._next()
            if level.branches is not None:
                self._branch(level, level.branches, token, stack)
            elif token[0] == "}":
                self._close(level, token, stack)
            else:
                level.is_empty = False
                self._key(level, str(token[1]), stack)

    def _close(self, level: _Level, token: Token, stack: list[_Level]) -> None:
        stack.pop()
        self._where = level.where[:-1]
        if level.is_empty:
            self._record("Empty objects are not allowed", token, '"source": ["shop"] in it, or leave it out')
        if not stack:
            self._where = ""
            if level.count >= self._too_many:
                self._refuse_combinations(token)
            return
        around = stack[-1]
        if around.branches is not None:
            around.branches.append(tuple(level.items))
            around.sum = min(around.sum + level.count, self._too_many)
            return
        around.count = min(around.count * level.count, self._too_many)
        if level.depth == 2 and not self._dialect.has_nesting:
            instead = "lists only, or a policy on the message body"
            self._record(_NO_NESTING, token, instead, copies=0, is_bare=True)

    def _refuse_combinations(self, token: Token) -> None:
        limit = self._dialect.combinations_max
        if self._dialect.counts_values:
            instead = f"fewer values: multiplied, each list times its depth, they may come to {limit}"
            reason = "Filter policy is too complex"
        else:
            instead = f"fewer branches, or levels: multiplied, branches may come to {limit}"
            reason = _TOO_MANY_COMBINATIONS
        self._record(reason, token, instead, copies=0, stage=COMBINATIONS)

    def _key(self, level: _Level, key: str, stack: list[_Level]) -> None:
        token = self._next()
        kind = token[0]
        self._where = where = f"{level.where}{key}"
        if len(stack) == 1 and self._dialect.keys_max is not None:
            self._count_key(key, token, self._dialect.keys_max)
        if level.in_or and key in RESERVED:
            self._record(
                f"{key} is Ruler reserved fieldName which cannot be used inside $or.", token, "a key of another name"
            )
            self._skip(token)
        elif key == OR and self._has_or:
            self.met_or = True
            if kind != "[":
                instead = '"$or": [{"a": ["x"]}, {"b": ["y"]}]'
                self._record("It must be an Array followed with $or.", token, instead)
                self._skip(token)
                return
            inner = _Level(level.items, level.prefix, where, level.depth, in_or=True)
            inner.branches = []
            stack.append(inner)
        elif kind == "[":
            path = f"{level.prefix}{key}"
            wanted, size = self._list(path)
            level.items.append(Condition(path, wanted))
            if self._dialect.counts_values:
                level.count = min(level.count * max(size, 1) * level.depth, self._too_many)
        elif kind == "{" and level.depth >= self._deepest:
            # Paths are texts: as many as there are levels, of such a length, would be the square of it.
            self._refuse_combinations(token)
            self._skip(token)
        elif kind == "{":
            stack.append(_Level(level.items, f"{level.prefix}{key}.", f"{where}.", level.depth + 1, in_or=level.in_or))
        else:
            self._record(
                f'"{key}" must be an object or an array', token, _advice.for_scalar(key, self._value_of(token))
            )

    def _count_key(self, key: str, token: Token, keys_max: int) -> None:
        before = len(self._top_keys)
        self._top_keys.add(key)
        if before == keys_max < len(self._top_keys):
            instead = f"at most {keys_max} key{'s' if keys_max > 1 else ''} at the top: "
            instead += "put the others into one object, or make two patterns"
            reason = f"Filter policy can not have more than {keys_max} keys"
            self._record(reason, token, instead, copies=0, stage=KEYS)

    def _branch(self, level: _Level, branches: list[Branch], token: Token, stack: list[_Level]) -> None:
        """
        One token of the array of an ``$or``.
        """
        self._where = level.where
        if token[0] == "{":
            level.is_empty = False
            where = f"{level.where}[{len(branches)}]."
            stack.append(_Level([], level.prefix, where, level.depth, in_or=True))
        elif token[0] != "]":
            self._record(
                "Only JSON object is allowed in array of $or relationship.", token, '{"a": ["x"]}, an object a branch'
            )
            self._skip(token)
            branches.append(())
        else:
            stack.pop()
            if len(branches) < 2:
                instead = "a second branch, or the keys of the only one in place of $or"
                self._record("There must have at least 2 Objects in $or relationship.", token, instead)
            stack[-1].items.append(Either(tuple(branches)))
            stack[-1].count = min(stack[-1].count * max(level.sum, 1), self._too_many)

    def _list(self, path: str) -> tuple[tuple[Entry, ...], int]:
        """
        The entries of a list, and how many are written.
        """
        wanted: list[Entry] = []
        where = self._where
        size = 0
        while True:
            token = self._next()
            kind = token[0]
            if kind == "]":
                break
            size += 1
            if kind not in {"{", "["}:
                wanted.append(self.bare(token))
                continue
            self._where = f"{where}[{size - 1}]"
            if kind == "[":
                reason = "Match value must be String, number, true, false, or null"
                self._record(reason, token, "what is in the inner list, without its brackets", stage=RULES)
                self._skip(token)
                continue
            try:
                entry = self.operator(token)
            except Fault as fault:
                self._record_fault(fault)
                self._leave(fault.token, token[3])
            else:
                wanted.append(entry)
                if type(entry) is Wildcard or type(entry) is AnythingBut:
                    self._note_wildcards(path, entry, token)
        self._where = where
        if not size:
            instead = '[{"exists": true}] for any value, {"exists": false} for none'
            self._record("Empty arrays are not allowed", token, instead)
        return tuple(wanted), size

    def _note_wildcards(self, path: str, entry: Wildcard | AnythingBut, opened: Token) -> None:
        inner = (entry,) if isinstance(entry, Wildcard) else entry.entries
        wildcards = [(one, opened) for one in inner if isinstance(one, Wildcard)]
        if wildcards:
            self._wildcards.setdefault(path, []).extend(wildcards)

    def _check_wildcards(self) -> None:
        end = self._dialect.complexity_end
        for path, wildcards in self._wildcards.items():
            # Most are far from the limit, which is seen for less.
            if sum(bound(one) for one, _ in wildcards) >= end:
                places = sum(complexity(one) for one, _ in wildcards)
                if places >= end:
                    self._where = path
                    instead = f"wildcards with fewer stars, or an entry less: they come to {places}, and must to less than {end}"
                    self._record(_TOO_COMPLEX, wildcards[-1][1], instead, copies=0, stage=RULES)

    def _record_fault(self, fault: Fault) -> None:
        self.is_in_list = False
        mark = end_of_string(self._text, fault.token[2]) if fault.is_inside else fault.token[2]
        self.found.append(Found(fault.reason, self._where, mark, fault.instead, fault.copies, RULES))

    def _record(
        self, reason: str, token: Token, instead: str, *, copies: int = 1, stage: int = STRUCTURE, is_bare: bool = False
    ) -> None:
        self.found.append(Found(reason, self._where, token[2], instead, copies, stage, is_bare))

    def _skip(self, token: Token) -> None:
        """
        Passes over the value of which a token was read.
        """
        if token[0] in {"{", "["}:
            self._leave(token, token[3])

    def _leave(self, token: Token, depth: int) -> None:
        """
        Passes over what remains of the brackets that made the depth what it is.
        """
        while token[3] >= depth:
            token = self._next()
