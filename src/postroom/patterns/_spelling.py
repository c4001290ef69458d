"""
From values by path to an event that has them: the other way round than `_flatten`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def spell(values: Mapping[str, Any]) -> dict[str, Any]:
    """
    An event with one value at each path, and no others. All go together: no two are in different elements of an array.

    >>> spell({"detail.state": "paid", "detail.total": 5, "source": "shop"})
    {'detail': {'state': 'paid', 'total': 5}, 'source': 'shop'}

    Where a value and keys must be at one place, they are elements of an array.

    >>> spell({"a": "x", "a.b": "y"})
    {'a': ['x', {'b': 'y'}]}

    Args:
        values: Strings, numbers, booleans and None, by path: keys from the outermost in, joined by dots.
    """
    event: dict[str, Any] = {}
    for path, value in values.items():
        inside = event
        *above, last = path.split(".")
        for key in above:
            if key not in inside:
                inside[key] = {}
            elif not isinstance(inside[key], dict | list):
                inside[key] = [inside[key], {}]
            inside = inside[key][1] if isinstance(inside[key], list) else inside[key]
        inside[last] = [value, inside[last]] if last in inside else value
    return event
