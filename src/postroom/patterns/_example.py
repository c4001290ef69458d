"""
A pattern from an example: what somebody wants, shown by an event.

Works on leaves, as matching does: what is kept is a path, with all that is below it, and a list of the pattern has the values
that the event has at that path, however it came to them: in an array of values, in objects of an array, or in one value.
"""

from __future__ import annotations

import difflib
import json
from collections import deque
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, Final, cast

from postroom.errors import EventTooComplex, InvalidInput
from postroom.limits import EVENT_PATTERN_MAX_CHARS
from postroom.patterns import _naive
from postroom.patterns._flatten import Leaves, Paths, flatten
from postroom.patterns._operators import Present
from postroom.patterns._shown import cut, printable
from postroom.patterns._tree import Condition, path_order
from postroom.patterns._values import address_of, number_text

_KNOWN_MAX: Final = 1_000
_NEAR_MAX: Final = 3
_DEPTH_MAX: Final = 50
_STEPS_MAX: Final = 200_000
_ABSENT: Final = '{"exists":false}'


def example_text(event: Mapping[str, Any], keep: Iterable[str]) -> str:
    """
    The text of a pattern that an event matches, and others that are like it at some paths.

    >>> event = {"source": "shop", "detail": {"state": "paid", "total": 12.5, "tags": ["new", "gift"]}}
    >>> example_text(event, ["source", "detail.state", "detail.tags"])
    '{"source":["shop"],"detail":{"state":["paid"],"tags":["new","gift"]}}'

    Of an object that is kept, everything in it is. An array stands for its values: one of them will do. Where it has
    objects, the pattern goes on below: an object in an array must have one of the values at each of its keys.

    >>> example_text({"lines": [{"item": "tea", "count": 2}, {"item": "cake", "count": 1}]}, ["lines"])
    '{"lines":{"item":["tea","cake"],"count":[2,1]}}'

    A key that no object has together with the keys before it is left out, or refused if it is named in `keep`. What is empty,
    array or object, is to matching as if it were not there, and so the pattern wants it: ``{"exists": false}``. A string that
    is an IP address is wanted as it is written, not in its other spellings. Numbers are written as they are in the event.

    Args:
        event: As `read_event` or `json.loads` returns it.
        keep: Paths: keys from the outermost in, joined by dots. No path leads into one element of an array.

    Raises:
        InvalidInput: The event has nothing at one of the paths; the help names some that are similar. Or what is there is
            nothing that a pattern can want: NaN, a `datetime`. Or nothing is kept, or no element has all that is.
        EventsValidationError: The pattern would be too long.
    """
    kept = _checked_keep(keep)
    if not isinstance(event, Mapping):
        raise InvalidInput("An event must be a mapping.", help=f"got a value of type {type(event).__name__}")
    leaf_paths, empty_paths = _below(event, kept)
    leaves = flatten(event, Paths.of(leaf_paths))
    wanted: dict[str, None] = {}
    for one in kept:
        # Itself first: what is below must go with it.
        wanted |= dict.fromkeys(sorted((path for path in leaf_paths if _is_in(path, one)), key=one.__ne__))
    together = _together(list(wanted), frozenset(kept), leaves)
    lists: dict[str, str] = {}
    for one in kept:
        lists |= {path: _list(path, leaves) for path in together if _is_in(path, one)}
        # Above a leaf there is an object, and that it is no leaf itself says nothing.
        empty = (path for path in empty_paths if _is_in(path, one))
        lists |= {path: f"[{_ABSENT}]" for path in empty if not any(_is_in(leaf, path) for leaf in leaf_paths)}
    return _text(lists)


def _checked_keep(keep: Iterable[str]) -> list[str]:
    if isinstance(keep, str):
        raise InvalidInput(
            "What to keep must be a list of paths.", help=f"got the str {cut(keep)!r}; write [{cut(keep)!r}]"
        )
    kept = list(keep)
    for path in kept:
        if not isinstance(path, str):
            raise InvalidInput("Paths to keep must be str.", help=f"got a value of type {type(path).__name__}")
    if not kept:
        raise InvalidInput("Nothing is kept of the example.", help='Name the paths that count: keep=["source"].')
    return list(dict.fromkeys(kept))


def _is_in(path: str, above: str) -> bool:
    return path == above or path.startswith(f"{above}.")


def _shown(path: str) -> str:
    return repr(cut(printable(path)))


# What there is.


def _below(event: Mapping[str, Any], kept: Sequence[str]) -> tuple[list[str], list[str]]:
    """
    The paths of leaves, and of what is empty, at and below what is kept.
    """
    paths = Paths.of(kept)
    leaf_paths: dict[str, None] = {}
    empty_paths: dict[str, None] = {}
    met: set[str] = set()
    # Not by recursion, as in `flatten`.
    waiting: list[tuple[str, Any, bool]] = [("", event, False)]
    is_top = True
    while waiting:
        path, value, is_kept = waiting.pop()
        inner: list[tuple[str, Any, bool]] = []
        if isinstance(value, Mapping):
            for key, one in cast("Mapping[object, Any]", value).items():
                if isinstance(key, str):
                    below = key if is_top else f"{path}.{key}"
                    is_named = below in paths.named
                    if is_named:
                        met.add(below)
                    if is_kept or is_named or below in paths.above:
                        inner.append((below, one, is_kept or is_named))
        elif isinstance(value, list | tuple):
            inner = [(path, one, is_kept) for one in cast("Sequence[Any]", value)]
        elif is_kept:
            leaf_paths[path] = None
        if is_kept and not inner and isinstance(value, Mapping | list | tuple):
            empty_paths[path] = None
        if len(path) > EVENT_PATTERN_MAX_CHARS or len(leaf_paths) + len(empty_paths) > EVENT_PATTERN_MAX_CHARS:
            raise InvalidInput(
                "Too much is kept of the example.", help=f"A pattern has at most {EVENT_PATTERN_MAX_CHARS} characters."
            )
        waiting += reversed(inner)
        is_top = False
    for path in kept:
        if path not in met:
            raise _unknown(event, path)
    return list(leaf_paths), list(empty_paths)


def _unknown(event: Mapping[str, Any], path: str) -> InvalidInput:
    known: dict[str, None] = {}
    # Breadth first: what is further out is named rather than what is deep inside.
    waiting: deque[tuple[str, Any]] = deque([("", event)])
    while waiting and len(known) < _KNOWN_MAX:
        above, value = waiting.popleft()
        if isinstance(value, Mapping):
            for key, inner in list(cast("Mapping[object, Any]", value).items())[:_KNOWN_MAX]:
                below = f"{above}{key}"
                if isinstance(key, str) and len(below) <= EVENT_PATTERN_MAX_CHARS:
                    known[below] = None
                    waiting.append((f"{below}.", inner))
        elif isinstance(value, list | tuple):
            waiting += ((above, inner) for inner in cast("Sequence[Any]", value)[:_KNOWN_MAX])
    near = [one for one in known if one.rpartition(".")[2] == path.rpartition(".")[2]]
    near += difflib.get_close_matches(path[:200], [one[:200] for one in known], _NEAR_MAX)
    near = list(dict.fromkeys(near))[:_NEAR_MAX] or list(known)[:_NEAR_MAX]
    return InvalidInput(
        f"The example has nothing at {_shown(path)}.",
        help=f"It has {', '.join(map(_shown, near))}." if near else "It is empty.",
    )


def _together(paths: Sequence[str], named: Container[str], leaves: Leaves) -> Sequence[str]:
    """
    As many of the paths as one element of each array has: a path stays out if it does not go with those before it.
    """
    inside = {path for path in paths if all(leaf.member_of for leaf in leaves[path])}
    if _go_together(inside, leaves):
        return paths
    found: list[str] = []
    steps = 0
    for path in paths:
        some = [one for one in (*found, path) if one in inside]
        steps += sum(len(leaves[one]) for one in some)
        if steps > _STEPS_MAX:
            raise EventTooComplex(
                "The example has too many values in arrays.", help="Keep fewer paths, or show it with shorter arrays."
            )
        if path not in inside or _go_together(some, leaves):
            found.append(path)
        elif path in named:
            raise InvalidInput(
                f"No object in an array has {_shown(path)} together with what is kept before it.",
                help="Keys that only different elements have cannot be wanted by one pattern. Keep fewer.",
            )
    return found


def _go_together(paths: Iterable[str], leaves: Leaves) -> bool:
    wanted = tuple(Condition(path, (Present(),)) for path in sorted(paths, key=path_order))
    return _naive.matches([wanted], leaves)


# The text of the pattern.


def _list(path: str, leaves: Leaves) -> str:
    return f"[{','.join(dict.fromkeys(_entry(path, leaf.value) for leaf in leaves[path]))}]"


def _entry(path: str, value: object) -> str:
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
        return text if address_of(value) is None else f'{{"exactly":{text}}}'
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    number = number_text(value)
    if number is None or number.strip("-+").lower() in {"nan", "snan", "inf", "infinity"}:
        raise InvalidInput(
            f"No pattern can want the number at {_shown(path)}.", help="It is not finite, or has a great many digits."
        )
    return number


def _text(lists: Mapping[str, str]) -> str:
    """
    Of lists by path. A key has dots in it where an object would have to be in the place of a list, or very deep.
    """
    root: dict[str, Any] = {}
    for path, text in lists.items():
        inside, start = root, 0
        if path.count(".") <= _DEPTH_MAX:
            for at, char in enumerate(path):
                if char == "." and path[:at] not in lists:
                    inside = inside.setdefault(path[start:at], {})
                    start = at + 1
        inside[path[start:]] = text
    return _object(root)


def _object(members: Mapping[str, Any]) -> str:
    texts = (
        f"{json.dumps(key, ensure_ascii=False)}:{inner if isinstance(inner, str) else _object(inner)}"
        for key, inner in members.items()
    )
    return "{" + ",".join(texts) + "}"
