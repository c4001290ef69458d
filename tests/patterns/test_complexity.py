"""
The measure of wildcards: AWS's figures, the definition tried out, and what it costs.
"""

from __future__ import annotations

import itertools

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import InvalidEventPattern
from postroom.patterns._complexity import bound, complexity
from postroom.patterns._dialects import EVENTBRIDGE
from postroom.patterns._operators import Wildcard
from postroom.patterns._parse import parse
from tests.lines import lines_run


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("", 0),
        ("abc", 0),
        (r"\*\*", 0),
        ("*", 1),
        ("a*c", 2),
        ("*a*b*", 4),
        ("*:*:*", 5),
        ("*:*:*:*", 7),
        ("/Users/*/dir/dir/dir/dir/dir/doc.txt", 7),
        ("*:*:*:*:*", 9),
        ("*:*:*:*:*:event-bus/*", 11),
        ("*a*a*a*a*a*a", 12),
        ("*é*è", 4),  # they begin with one byte
    ],
)
def test_it_is_as_many_places_as_aws_counts(text: str, places: int) -> None:
    assert complexity(Wildcard(text)) == places


@pytest.mark.parametrize(
    "entries",
    [
        '[{"wildcard":"*:*:*:*:*:event-bus/*"}]',
        '[{"wildcard":"*a*a*a*a*a*a"}]',
        '[{"anything-but":{"wildcard":"*a*a*a*a*a*a"}}]',
        '[{"wildcard":"*1"},{"wildcard":"*2"},"x",{"anything-but":{"wildcard":["*3","*4"]}},{"wildcard":"*5"}]',
    ],
)
def test_from_ten_on_the_wildcards_of_a_field_are_refused_without_a_place(entries: str) -> None:
    with pytest.raises(InvalidEventPattern) as caught:
        parse(f'{{"a":{{"b":{entries}}}}}')

    assert caught.value.aws_message == (
        "Event pattern is not valid. Reason: Rule is too complex - try using fewer wildcard characters or fewer "
        "repeating character sequences after a wildcard character"
    )
    assert caught.value.faults[0].path == "a.b"


def test_a_field_is_a_path_however_it_is_written() -> None:
    with pytest.raises(InvalidEventPattern, match="too complex"):
        parse('{"$or":[{"a":{"b":[{"wildcard":"*:*:*"}]}},{"a.b":[{"wildcard":"*:*:*"}]}]}')


@pytest.mark.parametrize(
    "pattern",
    [
        '{"a":[{"wildcard":"/Users/*/dir/dir/dir/dir/dir/doc.txt"}]}',
        '{"a":[{"wildcard":"arn:aws:events:us-east-1:*:event-bus/*"}]}',
        '{"a":[{"wildcard":"*:*:*:*:*"}],"b":[{"wildcard":"*:*:*:*:*"}]}',
        '{"a":[{"wildcard":"*1"},{"wildcard":"*2"},{"wildcard":"*3"},{"wildcard":"*4"}]}',
    ],
)
def test_below_ten_they_are_fine(pattern: str) -> None:
    assert parse(pattern)


def test_the_limit_is_the_dialects() -> None:
    pattern = '{"a":[{"wildcard":"*:*:*:*:*:event-bus/*"}]}'

    assert parse(pattern, attrs.evolve(EVENTBRIDGE, complexity_end=12))
    with pytest.raises(InvalidEventPattern):
        parse(pattern, attrs.evolve(EVENTBRIDGE, complexity_end=11))


def by_definition(text: str) -> int:
    """
    How many beginnings of a wildcard, as wildcards of their own, want one value at once: tried with all short values.
    """
    beginnings = [Wildcard(text[:end]) for end in range(1, len(text) + 1) if "*" in text[:end]]
    values = ("".join(letters) for size in range(10) for letters in itertools.product("ab", repeat=size))
    return max(sum(beginning.wants(value) for beginning in beginnings) for value in values)


@given(st.text(alphabet="ab*", max_size=5).filter(lambda text: "**" not in text))
def test_it_is_what_its_definition_says(text: str) -> None:
    assert complexity(Wildcard(text)) == by_definition(text)


@given(st.text(alphabet="abé*", max_size=30).filter(lambda text: "**" not in text))
def test_the_bound_is_one(text: str) -> None:
    assert bound(Wildcard(text)) >= complexity(Wildcard(text))


def lines_of(text: str) -> int:
    """
    Lines of Python that the measure takes.
    """
    wildcard = Wildcard(text)
    assert wildcard.fragments
    return lines_run(lambda: complexity(wildcard))


@pytest.mark.parametrize("unit", ["*a", "*ab", "*aab", "a", "ab"])
def test_its_cost_grows_with_the_text_and_no_faster(unit: str) -> None:
    shorter, longer = (lines_of("*" * (unit[0] != "*") + unit * times) for times in (400, 800))

    assert longer < 2.2 * shorter
