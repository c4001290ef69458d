"""
Attributes of a message as an event, which filter policies of topics can look at (SNS 7.4).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast

from postroom.errors import InvalidInput
from postroom.patterns._events import read_value
from postroom.patterns._values import WrittenNumber, comparable

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def attributes_event(attributes: Mapping[str, tuple[str, str | bytes]]) -> dict[str, Any] | None:
    """
    What a policy on attributes sees of a message; None: it rejects the message, whatever it wants.

    >>> attributes_event({"price": ("Number", "12.50"), "tags": ("String.Array", '["a", null]'), "raw": ("Binary", b"x")})
    {'price': 12.5, 'tags': ['a', None]}
    >>> attributes_event({}) is None, attributes_event({"tags": ("String.Array", "no array")}) is None
    (True, True)

    Args:
        attributes: By name: type and value. Those of type Binary are not seen, but a message that has them has attributes.
    """
    if not attributes:
        return None
    event: dict[str, Any] = {}
    for name, (data_type, value) in attributes.items():
        kind = data_type.partition(".")[0]
        if data_type == "String.Array":
            elements = _elements(value)
            if elements is None:
                return None
            event[name] = elements
        elif isinstance(value, str) and kind != "Binary":
            event[name] = _number(value) if kind == "Number" else value
    return event


def _elements(value: str | bytes) -> list[object] | None:
    try:
        found = read_value(value) if isinstance(value, str) else None
    except InvalidInput:
        return None
    if not isinstance(found, list):
        return None
    elements = cast("list[object]", found)
    return None if any(isinstance(one, dict | list) for one in elements) else elements


def _number(text: str) -> float | WrittenNumber:
    number = comparable(text) if _NUMBER.fullmatch(text) else None
    return WrittenNumber(text) if number is None else number
