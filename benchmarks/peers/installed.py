"""
The engines on PyPI that run in this interpreter, each as far as it is installed.

None of them is an index: each asks one pattern about one event. So a set of rules is a loop over them, as their own users
write it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final, NamedTuple, TypeAlias

Matcher: TypeAlias = Callable[[Any], bool]


class Peer(NamedTuple):
    """
    An engine of others.
    """

    name: str
    packages: str
    matcher: Callable[[str], Matcher]
    """Makes what says of an event whether it matches, given a pattern's text."""
    takes_text: bool = False
    """Whether it is given events as JSON text."""

    def loop(self, patterns: Mapping[str, str]) -> PeerLoop:
        """
        All patterns of a set, asked one after the other.
        """
        return PeerLoop(self, patterns)

    def why_not(self) -> str | None:
        """
        Why it cannot run here; None if it can.
        """
        try:
            self.matcher('{"a":["x"]}')
        except Exception as error:  # whatever an import of theirs may raise
            return f"{type(error).__name__}: {error}; pip install {self.packages}"
        return None


class PeerLoop:
    """
    The rules of a set, asked one after the other.
    """

    def __init__(self, peer: Peer, patterns: Mapping[str, str]) -> None:
        self.takes_text = peer.takes_text
        self.rules = [(name, peer.matcher(text)) for name, text in patterns.items()]

    def match(self, event: Any) -> frozenset[str]:
        """
        The names of the rules that match; an event that makes it raise matches none of them.
        """
        if self.takes_text:
            event = json.dumps(event)
        return frozenset([name for name, matches in self.rules if _asked(matches, event)])


def _asked(matches: Matcher, event: Any) -> bool:
    try:
        return bool(matches(event))
    except Exception:  # LocalStack's lower() of a value that is no string, for one
        return False


def _moto(text: str) -> Matcher:
    pattern = import_module("moto.events.models").EventPattern.load(text)
    matches: Matcher = pattern.matches_event
    return matches


def _localstack(text: str) -> Matcher:
    module = import_module("localstack.services.events.event_rule_engine")
    compiled = module.EventPatternCompiler().compile_event_pattern(text)
    evaluate = module.EventRuleEngine().evaluate_pattern_on_event
    return lambda event: bool(evaluate(compiled, event))


def _event_ruler(text: str) -> Matcher:
    test = import_module("event_ruler").test_event_pattern
    return lambda event: bool(test(event, text))


PEERS: Final = (
    Peer("moto", "moto", _moto),
    Peer("LocalStack", "localstack-core rolo jsonpatch botocore", _localstack),
    Peer("event-ruler", "event-ruler", _event_ruler, takes_text=True),
)
"""``event-ruler`` is Go, made of another project than AWS's library of that name, and reads pattern and event each time."""
