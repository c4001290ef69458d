"""
Event patterns: which events a rule of a bus, or a filter of a subscription, wants.

A pattern is a JSON object of the shape of the events it matches, with a list of what is wanted in place of each value
(PAT 1, 2). Its text is parsed into a small tree, which does not change; matchers, explanations and checks share it.

To read how it works, begin with `_tree`, what a pattern is, `_flatten`, what it sees of an event, and `_naive`, the plain
matcher: it says what the language means, in the order in which the language says it. What runs is the engine: `_rows`, one
conjunction compiled; `_trie`, which fetches what an event has; `_node` and `_grid`, which keep many rows; `_ruleset` on top.
"""

from __future__ import annotations

from postroom.patterns._answers import Answer
from postroom.patterns._attributes import attributes_event
from postroom.patterns._cover import covers, equivalent
from postroom.patterns._coverage import Coverage
from postroom.patterns._dialects import EVENTBRIDGE, LAMBDA, PIPES, SNS_ATTRIBUTES, SNS_BODY, Dialect
from postroom.patterns._events import Repeated, read_event
from postroom.patterns._explain import CheckedCondition, Explanation, FoundValue, RuleSetExplanation
from postroom.patterns._flatten import Leaf, Leaves, flatten
from postroom.patterns._near import Hint
from postroom.patterns._pattern import Pattern
from postroom.patterns._ruleset import RuleSet
from postroom.patterns._values import WrittenNumber

__all__ = [
    "EVENTBRIDGE",
    "LAMBDA",
    "PIPES",
    "SNS_ATTRIBUTES",
    "SNS_BODY",
    "Answer",
    "CheckedCondition",
    "Coverage",
    "Dialect",
    "Explanation",
    "FoundValue",
    "Hint",
    "Leaf",
    "Leaves",
    "Pattern",
    "Repeated",
    "RuleSet",
    "RuleSetExplanation",
    "WrittenNumber",
    "attributes_event",
    "covers",
    "equivalent",
    "flatten",
    "read_event",
]
