"""
Runs the cases of pat_matching.toml: what patterns want of events, as data, each case with the fact it comes from.

Every case goes through every matcher of `MATCHERS`. A case is a table:

    fact, says             where it is written, and what
    tag                    how that is known: "ruler", AWS's library, unless given
    dialect                a name of `postroom.patterns`: "EVENTBRIDGE" unless given
    pattern                the text of a pattern
    matches, misses        events that it wants and does not want, as JSON text; at "SNS_ATTRIBUTES" attributes: type, value
    matches_aws, misses_aws  the same, where the live service was seen to do so
    no_events              texts that are no events at all
    invalid, invalid_aws   texts that are no patterns
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from postroom import Pattern, RuleSet, patterns
from postroom.errors import InvalidEventPattern, InvalidInput
from postroom.patterns import _naive, attributes_event, flatten, read_event

TAGS: Final = {"AWS-validated", "ruler", "recorded", "guide", "choice"}
KNOWN: Final = {
    *("fact", "says", "tag", "dialect", "pattern", "matches", "matches_aws", "misses", "misses_aws", "no_events"),
    *("invalid", "invalid_aws"),
}
ALL: Final[list[dict[str, Any]]] = tomllib.loads(
    Path(__file__).with_name("pat_matching.toml").read_text(encoding="utf-8")
)["pattern_case"]

Matcher = Callable[[Pattern, dict[str, Any]], bool]

MATCHERS: Final[dict[str, Matcher]] = {
    "Pattern": lambda pattern, event: pattern.matches(event),
    "RuleSet": lambda pattern, event: RuleSet({"it": pattern}).match(event) == {"it"},
    "RuleSet of many": lambda pattern, event: len(RuleSet(dict.fromkeys(range(200), pattern)).match(event)) == 200,
    "naive": lambda pattern, event: _naive.matches(pattern.conjunctions, flatten(event)),
}


def texts(*keys: str) -> list[Any]:
    return [
        pytest.param(case, text, id=f"{number}-{case['fact']}-{case['says'][:40]}-{text[:40]}".replace("\\", "/"))
        for number, case in enumerate(ALL)
        for key in keys
        for text in case.get(key, ())
    ]


def event_of(case: dict[str, Any], text: str) -> dict[str, Any] | None:
    if case.get("dialect") != "SNS_ATTRIBUTES":
        return read_event(text)
    return attributes_event({name: (kind, value) for name, (kind, value) in json.loads(text).items()})


def dialect_of(case: dict[str, Any]) -> Any:
    return getattr(patterns, case.get("dialect", "EVENTBRIDGE"))


@pytest.mark.parametrize("matcher", [pytest.param(one, id=name) for name, one in MATCHERS.items()])
@pytest.mark.parametrize(("case", "text"), texts("matches", "matches_aws"))
def test_it_wants(case: dict[str, Any], text: str, matcher: Matcher) -> None:
    event = event_of(case, text)

    assert event is not None
    assert matcher(Pattern(case["pattern"], dialect=dialect_of(case)), event)


@pytest.mark.parametrize("matcher", [pytest.param(one, id=name) for name, one in MATCHERS.items()])
@pytest.mark.parametrize(("case", "text"), texts("misses", "misses_aws"))
def test_it_does_not_want(case: dict[str, Any], text: str, matcher: Matcher) -> None:
    event = event_of(case, text)

    assert event is None or not matcher(Pattern(case["pattern"], dialect=dialect_of(case)), event)


@pytest.mark.parametrize(("case", "text"), texts("no_events"))
def test_it_is_no_event(case: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidInput):
        Pattern(case["pattern"], dialect=dialect_of(case)).matches_json(text)


@pytest.mark.parametrize(("case", "text"), texts("invalid", "invalid_aws"))
def test_it_is_no_pattern(case: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidEventPattern):
        Pattern(text, dialect=dialect_of(case))


@pytest.mark.parametrize("case", ALL)
def test_a_case_cites_its_fact_and_asks_for_something(case: dict[str, Any]) -> None:
    service, section = case["fact"].split()

    assert service in {"PAT", "SNS"}
    assert section.isdigit()
    assert case.get("tag", "ruler") in TAGS
    assert case.keys() <= KNOWN
    assert ("pattern" in case) != bool(case.keys() & {"invalid", "invalid_aws"})
    assert sum(len(value) for value in case.values() if isinstance(value, list))


def test_all_178_vectors_are_there() -> None:
    """
    Events and refused patterns of PAT 11.
    """
    vectors = [case for case in ALL if case["fact"] == "PAT 11"]

    assert sum(len(value) for case in vectors for value in case.values() if isinstance(value, list)) == 178
