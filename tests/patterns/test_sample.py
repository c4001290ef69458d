"""
Samples: events that a pattern wants, and events that it nearly wants, made from the pattern alone.
"""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroom.errors import InvalidInput
from postroom.patterns import EVENTBRIDGE, Pattern, WrittenNumber
from tests.patterns import dice, strategies

WRITTEN = "9007199254740993"

# Pattern, what it wants, what it nearly wants.
CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ('{"a":["paid"]}', {"a": "paid"}, {"a": "not paid"}),
    ('{"a":["not x","x"]}', {"a": "not x"}, {"a": "not not x"}),
    ('{"a":[5]}', {"a": 5}, {"a": 6}),
    ('{"a":[5.50]}', {"a": 5.5}, {"a": 6.5}),
    (f'{{"a":[{WRITTEN}]}}', {"a": WrittenNumber(WRITTEN)}, {"a": 0}),
    ('{"a":[true]}', {"a": True}, {"a": False}),
    ('{"a":[null]}', {"a": None}, {"a": "null"}),
    ('{"a":["10.0.0.1"]}', {"a": "10.0.0.1"}, {"a": "10.0.0.0"}),
    ('{"a":["::"]}', {"a": "::"}, {"a": "::1"}),
    ('{"a":[{"exactly":"10.0.0.1"}]}', {"a": "10.0.0.1"}, {"a": "not 10.0.0.1"}),
    ('{"a":[{"prefix":"pa"}]}', {"a": "pa"}, {"a": "not pa"}),
    ('{"a":[{"prefix":""}]}', {"a": ""}, {}),
    ('{"a":[{"suffix":".png"}]}', {"a": ".png"}, {"a": ".png not"}),
    ('{"a":[{"prefix":{"equals-ignore-case":"Pa"}}]}', {"a": "Pa"}, {"a": "not Pa"}),
    ('{"a":[{"equals-ignore-case":"straße"}]}', {"a": "straße"}, {"a": "not straße"}),
    ('{"a":[{"wildcard":"a\\\\**c\\\\\\\\"}]}', {"a": "a*c\\"}, {"a": "a*c\\ not"}),
    ('{"a":[{"wildcard":"*"}]}', {"a": ""}, {}),
    ('{"a":[{"cidr":"10.0.0.77/24"}]}', {"a": "10.0.0.1"}, {"a": "9.255.255.255"}),
    ('{"a":[{"cidr":"0.0.0.0/0"}]}', {"a": "0.0.0.1"}, {"a": "no address"}),
    ('{"a":[{"cidr":"::/1"}]}', {"a": "::1"}, {"a": "8000::"}),
    ('{"a":[{"numeric":[">=",100]}]}', {"a": 100}, {"a": 99}),
    ('{"a":[{"numeric":[">",100]}]}', {"a": 101}, {"a": 100}),
    ('{"a":[{"numeric":["<",0.5]}]}', {"a": 0}, {"a": 0.5}),
    ('{"a":[{"numeric":[">",0,"<",1]}]}', {"a": 0.5}, {"a": 0}),
    ('{"a":[{"numeric":["=",1e300]}]}', {"a": 1e300}, {"a": 5e299}),
    ('{"a":[{"numeric":[">",1e300]}]}', {"a": 2e300}, {"a": 1e300}),
    ('{"a":[{"anything-but":"x"}]}', {"a": "other"}, {"a": "x"}),
    ('{"a":[{"anything-but":["other","some","any"]}]}', {"a": "1"}, {"a": "other"}),
    ('{"a":[{"anything-but":[0,1]}]}', {"a": 2}, {"a": 0}),
    ('{"a":[{"anything-but":{"prefix":["o","s"]}}]}', {"a": "any"}, {"a": "o"}),
    ('{"a":[{"anything-but":{"wildcard":"*"}}]}', {"a": 0}, {"a": ""}),
    ('{"a":[{"exists":true}]}', {"a": "other"}, {}),
    ('{"a":[{"exists":false}]}', {}, {"a": ""}),
    ('{"a":["x",{"exists":false}],"b":[1]}', {"a": "x", "b": 1}, {"a": "x", "b": 2}),
    (
        '{"b":[1],"a":{"y":["x"],"x":[null]}}',
        {"b": 1, "a": {"y": "x", "x": None}},
        {"b": 1, "a": {"y": "x", "x": "null"}},
    ),
    ('{"s":["k"],"$or":[{"a":["x"]},{"b":["y"]}]}', {"s": "k", "a": "x"}, {"s": "k", "a": "not x"}),
    ('{"$or":["x"]}', {"$or": "x"}, {"$or": "not x"}),
    ('{"":["x"],"a.":["y"]}', {"": "x", "a": {"": "y"}}, {"": "x", "a": {"": "not y"}}),
    # One condition is not enough to break it.
    (
        '{"$or":[{"a":[{"anything-but":"x"},{"exists":false}]},{"b":[{"anything-but":"y"},{"exists":false}]}]}',
        {"a": "other"},
        {"a": "x", "b": "y"},
    ),
]


@pytest.mark.parametrize(("text", "hit", "miss"), CASES)
def test_a_sample_has_what_a_pattern_asks_for_and_a_miss_has_one_thing_wrong(
    text: str, hit: dict[str, Any], miss: dict[str, Any]
) -> None:
    pattern = Pattern(text)

    assert pattern.sample() == hit
    assert pattern.sample(miss=True) == miss
    assert pattern.matches(hit)
    assert not pattern.matches(miss)


def test_a_value_and_a_key_at_one_place_are_elements_of_an_array() -> None:
    pattern = Pattern({"a": ["x"], "a.b": {"c": ["y"]}, "a.b.d": ["z"]})

    assert pattern.sample() == {"a": ["x", {"b": {"c": "y", "d": "z"}}]}
    assert pattern.matches(pattern.sample())


def test_a_value_at_three_levels_of_one_path_is_found_too() -> None:
    for keys in (["a", "a.b", "a.b.c"], ["a.b.c", "a.b", "a"], ["a.b", "a.b.c", "a"]):
        pattern = Pattern({key: [key] for key in keys})

        assert pattern.sample() == {"a": ["a", {"b": ["a.b", {"c": "a.b.c"}]}]}
        assert pattern.matches(pattern.sample())


def test_a_branch_that_nothing_satisfies_is_passed_over() -> None:
    empty = '{"numeric":[">",1,"<",1.0000000000000002]}'

    assert Pattern(f'{{"$or":[{{"a":[{empty}]}},{{"b":[{empty},"x"]}}]}}').sample() == {"b": "x"}


def test_there_is_no_sample_if_no_double_is_within_the_bounds() -> None:
    pattern = Pattern('{"b":[1],"a":[{"numeric":[">",1,"<",1.0000000000000002]}]}')

    with pytest.raises(InvalidInput, match=r"No event matches this pattern\.\n  No double .* at a\.$"):
        pattern.sample()
    assert pattern.sample(miss=True) == {"b": 1}


@pytest.mark.parametrize(
    "text",
    [
        '{"a":[{"exists":true},{"exists":false}]}',
        '{"$or":[{"a":[{"exists":true}]},{"a":[{"exists":false}]}]}',
        '{"$or":[{"a":["x",{"exists":false}]},{"a":[{"anything-but":"x"}]}]}',
    ],
)
def test_there_is_no_miss_if_every_event_matches(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"Every event matches this pattern\."):
        Pattern(text).sample(miss=True)


def test_a_miss_that_would_take_too_long_to_find_is_given_up() -> None:
    """
    Each branch excludes one of eight ways for three of many keys: whether all branches together leave one is a riddle.
    """
    branches: list[dict[str, Any]] = []
    seed = 1
    for _ in range(700):
        branch: dict[str, Any] = {}
        while len(branch) < 3:
            seed = seed * 6364136223846793005 % 2**64 + 1442695040888963407
            branch[f"k{(seed >> 33) % 160}"] = [{"exists": bool(seed >> 62 & 1)}]
        branches.append(branch)
    dialect = attrs.evolve(EVENTBRIDGE, chars_max=100_000)

    with pytest.raises(InvalidInput, match="there are too many combinations to try"):
        Pattern(json.dumps({"$or": branches}), dialect=dialect).sample(miss=True)


def test_deep_patterns_have_samples() -> None:
    for text in ('{"a":' * 600 + '["x"]' + "}" * 600, f'{{"{"." * 2_000}":["x"]}}'):
        pattern = Pattern(text)

        assert pattern.matches(pattern.sample())
        assert not pattern.matches(pattern.sample(miss=True))


def check(pattern: Pattern) -> None:
    assert pattern.matches(pattern.sample())
    try:
        miss = pattern.sample(miss=True)
    except InvalidInput as error:
        assert error.aws_message == "Every event matches this pattern."  # noqa: PT017 - most patterns do not raise
    else:
        assert not pattern.matches(miss)


@given(strategies.pattern_texts())
@settings(max_examples=200)
def test_a_sample_matches_and_a_miss_does_not(text: str) -> None:
    check(Pattern(text))


@given(st.integers(0, 2**32))
@settings(max_examples=200)
def test_a_sample_of_the_dice_matches_and_a_miss_does_not(seed: int) -> None:
    check(Pattern(dice.case(seed)[0]))
