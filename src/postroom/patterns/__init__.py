"""
Event patterns: which events a rule of a bus wants.

A pattern is a JSON object of the shape of the events it matches, with a list of what is wanted in place of each value
(PAT 1, 2). What is there so far: exact values, ``prefix`` and ``exists``. The matcher is the plain one: it says what the
language means, in the order in which the language says it.
"""

from __future__ import annotations

from postroom.patterns._flatten import Leaf, Leaves, flatten
from postroom.patterns._pattern import Pattern

__all__ = ["Leaf", "Leaves", "Pattern", "flatten"]
