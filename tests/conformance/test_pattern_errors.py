"""
Runs the cases of pat_invalid.toml: patterns that are none, as data, each with AWS's words and the fact it comes from.

A case has `fact` and `tag`, as in test_cases.py, `pattern`, and one of

    reason     AWS's reason, whole
    begins     how it begins
    text       the whole text of the error, with nothing before or behind it

and beside them

    dialect    whose patterns; EVENTBRIDGE unless given
    line       1 unless given
    column     where AWS says it is; without it, that is not asked
    places     how often the text names the place: 1 unless given
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from postroom.errors import InvalidEventPattern
from postroom.patterns import _dialects
from postroom.patterns._parse import parse

TAGS: Final = {"AWS-validated", "recorded", "ruler", "guide", "choice", "unverified"}
KNOWN: Final = {"fact", "tag", "pattern", "reason", "begins", "text", "dialect", "line", "column", "places"}
CASES: Final = [
    pytest.param(case, id=f"{case['fact']}-{case.get('dialect', '')}-{case['pattern'][:60]}")
    for case in tomllib.loads(Path(__file__).with_name("pat_invalid.toml").read_text(encoding="utf-8"))["invalid"]
]


@pytest.mark.parametrize("case", CASES)
def test_it_is_refused_in_awss_words(case: dict[str, Any]) -> None:
    dialect = getattr(_dialects, case.get("dialect", "EVENTBRIDGE"))
    pattern = case["pattern"]

    with pytest.raises(InvalidEventPattern) as caught:
        parse(pattern, dialect)

    text, (fault, *_) = caught.value.aws_message, caught.value.faults
    if "text" in case:
        assert text == case["text"]
        return
    line, place = case.get("line", 1), f'\n at [Source: (String)"{pattern}"; line: '
    assert text.startswith(dialect.preamble + case.get("reason", case.get("begins")))
    assert fault.reason == case.get("reason", fault.reason)
    assert fault.line == line
    if dialect is _dialects.EVENTBRIDGE:
        assert text == f"{dialect.preamble}{fault.reason}" + case.get("places", 1) * (
            f"{place}{fault.line}, column: {fault.column}]"
        )
    assert fault.column == case.get("column", fault.column)


@pytest.mark.parametrize("case", CASES)
def test_a_person_is_told_what_to_write(case: dict[str, Any]) -> None:
    with pytest.raises(InvalidEventPattern) as caught:
        parse(case["pattern"], getattr(_dialects, case.get("dialect", "EVENTBRIDGE")))

    for fault in caught.value.faults:
        assert fault.instead
    assert caught.value.faults[0].instead in str(caught.value)


@pytest.mark.parametrize("case", CASES)
def test_a_case_cites_its_fact_and_asks_for_one_thing(case: dict[str, Any]) -> None:
    service, section = case["fact"].split()

    assert service in {"PAT", "SNS", "DEL"}
    assert section.lstrip("C").isdigit()
    assert case["tag"] in TAGS
    assert len({"reason", "begins", "text"} & case.keys()) == 1
    assert case.keys() <= KNOWN
