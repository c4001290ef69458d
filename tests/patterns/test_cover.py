"""
Covering: a pattern that wants all that another wants. What is answered is right; what is not known is said to be unknown.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from random import Random
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroom.errors import InvalidEventPattern, InvalidInput
from postroom.patterns import EVENTBRIDGE, Pattern, Repeated, read_event
from postroom.patterns._answers import Answer
from postroom.patterns._cover import covers, equivalent, missed_by
from postroom.patterns._kinds import kinds
from postroom.patterns._operators import EqualsIgnoreCase, Numeric, Prefix, Suffix, Wildcard
from postroom.patterns._words import words
from tests.patterns import dice, strategies

UNBOUNDED = attrs.evolve(EVENTBRIDGE, chars_max=100_000, complexity_end=1_000)

# One list covers the other, and not the other way round.
NARROWER: list[tuple[str, str]] = [
    ('["x","y"]', '["x"]'),
    ('[{"prefix":"a"}]', '["a"]'),
    ('[{"prefix":"a"}]', '[{"prefix":"ab"}]'),
    ('[{"prefix":""}]', '[{"suffix":"x"}]'),
    ('[{"prefix":{"equals-ignore-case":"ab"}}]', '[{"prefix":"aB"},{"equals-ignore-case":"AB"}]'),
    ('[{"suffix":"c"}]', '[{"suffix":"bc"}]'),
    ('[{"equals-ignore-case":"ab"}]', '["aB","Ab","AB","ab"]'.replace(',"ab"', "")),
    ('[{"equals-ignore-case":"straße"}]', '["STRASSE","straße"]'),
    ('[{"wildcard":"*a*"}]', '[{"wildcard":"*a*b"}]'),
    ('[{"wildcard":"a*"}]', '[{"prefix":"ab"}]'),
    ('[{"wildcard":"*x*"}]', '[{"prefix":"x"},{"suffix":"x"}]'),
    ('[{"prefix":"a"},{"anything-but":{"prefix":"ab"}}]', '[{"prefix":"ab"}]'),
    ('[{"numeric":[">",0]}]', "[5,7]"),
    ('[{"numeric":[">=",0]}]', '[{"numeric":[">",0]}]'),
    ('[{"numeric":[">",0]},0]', '[{"numeric":[">=",0,"<",9]}]'),
    ('[{"cidr":"10.0.0.0/8"}]', '[{"cidr":"10.1.0.0/16"}]'),
    ('[{"cidr":"10.0.0.0/8"}]', '["10.1.0.7"]'),
    ('[{"cidr":"10.0.0.0/31"},"x"]', '["10.0.0.1","10.0.0.0"]'),
    ('["10.0.0.1"]', '[{"exactly":"10.0.0.1"}]'),
    ('[{"cidr":"10.0.0.0/8"},{"prefix":"10."}]', '[{"cidr":"10.1.0.0/16"}]'),
    ('[{"anything-but":"x"}]', '[{"anything-but":["x","y"]}]'),
    ('[{"anything-but":"x"}]', '["y",5,null]'),
    ('[{"anything-but":"x"}]', '[{"cidr":"10.0.0.0/8"}]'),
    ('[{"anything-but":{"prefix":"ab"}}]', '[{"anything-but":{"prefix":"a"}}]'),
    ('[{"anything-but":[5]}]', '[{"numeric":[">",5]}]'),
    ('[{"exists":true}]', '[{"anything-but":"x"}]'),
    ('[{"exists":true}]', "[null]"),
    ('[{"exists":false},"x"]', '[{"exists":false}]'),
]

# Another way to say the same.
SAME: list[tuple[str, str]] = [
    ('{"a":["x","y"]}', '{"a":["y","x","x"]}'),
    ('{"a":{"b":["x"]}}', '{"a.b":["x"]}'),
    ('{"a":["x"],"b":["y"]}', '{"b":["y"],"a":["x"]}'),
    ('{"a":["x","y"]}', '{"$or":[{"a":["x"]},{"a":["y"]}]}'),
    ('{"a":["x","y"],"b":[1,2]}', '{"a":["x","y"],"$or":[{"b":[1]},{"b":[2]}]}'),
    ('{"$or":[{"a":[1]},{"a":[1],"b":[2]}]}', '{"a":[1]}'),
    ('{"a":[1]}', '{"a":[1.0]}'),
    ('{"a":[{"numeric":["=",1]}]}', '{"a":[1e0]}'),
    ('{"a":[{"wildcard":"*"}]}', '{"a":[{"prefix":""}]}'),
    ('{"a":[{"wildcard":"a*"}]}', '{"a":[{"prefix":"a"}]}'),
    ('{"a":[{"wildcard":"a\\\\*"}]}', '{"a":["a*"]}'),
    ('{"a":[{"equals-ignore-case":"ß"}]}', '{"a":["ß","SS"]}'),
    ('{"a":["10.0.0.1"]}', '{"a":["::ffff:a00:1"]}'),
    ('{"a":[{"cidr":"10.0.0.0/31"}]}', '{"a":["10.0.0.0","10.0.0.1"]}'),
    ('{"a":[{"cidr":"10.0.0.0/24"}]}', '{"a":[{"cidr":"10.0.0.0/25"},{"cidr":"10.0.0.128/25"}]}'),
    ('{"a":[{"anything-but":"x"},{"anything-but":"y"}]}', '{"a":[{"exists":true}]}'),
    ('{"a":[{"anything-but":"x"},"x"]}', '{"a":[{"exists":true}]}'),
    ('{"$or":[{"a":[{"exists":true}],"b":[1]},{"a":[{"exists":false}],"b":[1]}]}', '{"b":[1]}'),
    ('{"a":[{"exists":true},{"exists":false}],"b":[1]}', '{"b":[1]}'),
    ('{"a":[{"numeric":[">",1,"<",1.0000000000000002]}]}', '{"a":[{"numeric":[">",2,"<",2.0000000000000004]}]}'),
    ('{"a":{"b":[1],"c":[{"exists":false}]}}', '{"a":{"b":[1.0],"c":[{"exists":false}]}}'),
]

# Told apart by arrays alone: an element that one pattern sees and the other does not.
ARRAYS: list[tuple[str, str]] = [
    ('{"a":{"c":[{"exists":false}]}}', '{"a":{"b":[1],"c":[{"exists":false}]}}'),
    ('{"a":{"c":["x"],"e":[{"exists":false}]}}', '{"a":{"b":[1],"c":["x"],"e":[{"exists":false}]}}'),
    ('{"a":{"b":[{"exists":true},{"exists":false}],"c":[1]}}', '{"a":{"c":[1]}}'),
]


@pytest.mark.parametrize(("wide", "narrow"), NARROWER)
def test_a_wider_list_covers_and_a_narrower_one_is_shown_to_miss(wide: str, narrow: str) -> None:
    one, other = Pattern(f'{{"a":{wide}}}'), Pattern(f'{{"a":{narrow}}}')

    assert covers(one, other).holds is True
    back = covers(other, one)
    assert back.holds is False
    assert back.counterexample is not None
    assert one.matches(back.counterexample)
    assert not other.matches(back.counterexample)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_ways_to_say_the_same_are_equivalent(one: str, other: str) -> None:
    assert equivalent(Pattern(one), Pattern(other)).holds is True
    assert equivalent(Pattern(other), Pattern(one)).holds is True


@pytest.mark.parametrize(("wide", "narrow"), ARRAYS)
def test_elements_of_arrays_that_one_does_not_see_are_found(wide: str, narrow: str) -> None:
    one, other = Pattern(wide), Pattern(narrow)

    answer = covers(one, other)

    assert answer.holds is False
    assert answer.counterexample is not None
    assert other.matches(answer.counterexample)
    assert not one.matches(answer.counterexample)


def test_more_conditions_are_narrower() -> None:
    wide, narrow = Pattern({"a": ["x"]}), Pattern({"a": ["x"], "b": {"c": [1]}})

    assert covers(wide, narrow)
    assert covers(narrow, wide).counterexample == {"a": "x"}
    assert equivalent(wide, narrow).counterexample == {"a": "x"}
    assert equivalent(narrow, wide).counterexample == {"a": "x"}


def test_a_pattern_that_nothing_satisfies_is_covered_by_any() -> None:
    assert covers(Pattern({"b": ["x"]}), Pattern('{"a":[{"numeric":[">",1,"<",1.0000000000000002]}]}'))


def test_all_numbers_are_told_apart_even_if_no_double_holds_them() -> None:
    one, other = Pattern('{"a":[{"anything-but":5}]}'), Pattern('{"a":[9007199254740993]}')

    assert covers(one, other)
    answer = covers(Pattern('{"a":[{"numeric":["<",5]},{"numeric":[">=",5]},{"prefix":""},null,true,false]}'), one)
    assert answer.counterexample is not None
    assert repr(answer.counterexample["a"]) == "WrittenNumber('1e400')"


def test_what_is_unknown_is_neither_true_nor_false() -> None:
    # Where b is "x" in one element, the other pattern does not see a c in the next: one would have to tell by arrays.
    one = Pattern(
        '{"$or":[{"a":{"b":[1],"c":[1]}},{"a":{"b":[{"anything-but":1}],"c":[1]}},{"a":{"b":[{"exists":false}],"c":[1]}},{"z":{"y":{"x":[1]}}}]}'
    )
    answer = covers(one, Pattern('{"a":{"b":[1,{"exists":false}],"d":[1],"c":[1],"b.a":[{"exists":false}]}}'))
    unknown = Answer(holds=None, reason="it would take too long")

    assert answer.holds is not False
    assert not unknown.known
    with pytest.raises(
        InvalidInput, match=r"It is not known whether this holds: it would take too long\.\n  Ask `known`"
    ):
        bool(unknown)
    assert unknown.to_dict() == {"holds": None, "counterexample": None, "reason": "it would take too long"}


def test_too_many_combinations_are_unknown() -> None:
    # Branches that exclude one of eight ways each for three of 160 keys: whether they leave any is a riddle.
    chance = Random(5)
    branches = [
        {f"k{key}": [{"exists": chance.random() < 0.5}] for key in chance.sample(range(160), 3)} for _ in range(700)
    ]
    riddle = Pattern({"$or": branches}, dialect=UNBOUNDED)

    assert covers(riddle, Pattern({"other": [1]})).holds is None
    assert missed_by(riddle).reason == "there are too many combinations to try"


def test_strings_that_only_too_many_steps_tell_apart_are_compared_entry_by_entry() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    rows = [f"*{'*'.join(letters[at:] + letters[:at])}*" for at in range(6)]
    lists = [{"wildcard": row} for row in rows]
    wide = Pattern({"a": lists}, dialect=UNBOUNDED)

    assert not words(map(Wildcard, rows))[1]
    assert covers(wide, Pattern({"a": lists[1:3], "b": [1]}, dialect=UNBOUNDED)).holds is True
    assert covers(wide, Pattern({"a": ["x"]})).holds is False
    assert covers(wide, Pattern({"a": [{"wildcard": f"a{rows[0]}"}]}, dialect=UNBOUNDED)).holds is None


@given(
    st.lists(
        st.one_of(
            st.builds(Prefix, st.text("ab", max_size=3), ignore_case=st.booleans()),
            st.builds(Suffix, st.text("ab", max_size=3), ignore_case=st.booleans()),
            st.builds(EqualsIgnoreCase, st.text("abß", max_size=3)),
            st.builds(Wildcard, st.text("ab*", max_size=4).filter(lambda text: "**" not in text)),
        ),
        max_size=4,
    ),
    st.text("abABßSz", max_size=6),
)
@settings(max_examples=200)
def test_any_string_is_like_one_of_those_that_are_found(entries: list[Any], text: str) -> None:
    found, are_all = words(entries)

    assert are_all
    assert [entry.wants(text) for entry in entries] in [[entry.wants(word.text) for entry in entries] for word in found]


@given(st.lists(st.builds(Numeric, st.floats(-9, 9), st.none(), st.booleans()), max_size=3), st.floats(-10, 10))
@settings(max_examples=100)
def test_any_number_is_like_one_of_those_that_are_found(entries: list[Any], number: float) -> None:
    assert frozenset(entry for entry in entries if entry.wants(number)) in [kind.wanted_by for kind in kinds(entries)]


# Patterns that differ little, so that either answer is common.


def varied(chance: Random, pattern: dict[str, Any]) -> dict[str, Any]:
    """
    The pattern, with some entries more or less, and some keys.
    """
    pattern = copy.deepcopy(pattern)
    for _ in range(chance.choice([1, 1, 2, 3])):
        objects: list[dict[str, Any]] = [pattern]
        for one in objects:
            for key, inner in one.items():
                within = [inner] if key != "$or" else inner
                objects += [each for each in within if isinstance(each, dict)]
        inside = chance.choice(objects)
        key = chance.choice(list(inside))
        if key == "$or" or isinstance(inside[key], dict | Repeated):
            continue
        kind = chance.random()
        if kind < 0.3 and len(inside[key]) > 1:
            inside[key].pop(chance.randrange(len(inside[key])))
        elif kind < 0.6:
            inside[key].append(dice._entry(chance))
        elif kind < 0.8 and len(inside) > 1:
            del inside[key]
        else:
            inside[chance.choice("abc")] = [dice._entry(chance)]
    return pattern


def check(pattern: dict[str, Any], variant: dict[str, Any], events: Iterable[dict[str, Any]]) -> bool | None:
    """
    The answer, which must not be wrong.
    """
    try:
        one, other = Pattern(strategies.to_text(pattern)), Pattern(strategies.to_text(variant))
    except InvalidEventPattern as error:
        assert "too complex" in error.aws_message  # noqa: PT017 - most are valid
        return None
    answer = covers(one, other)
    if answer.counterexample is not None:
        assert other.matches(answer.counterexample)
        assert not one.matches(answer.counterexample)
    for event in events:
        assert answer.holds is not True or one.matches(event) or not other.matches(event)
    return answer.holds


def test_an_answer_is_mostly_there() -> None:
    found = {True: 0, False: 0, None: 0}
    for seed in range(500):
        chance = Random(seed)
        pattern = dice._object(chance, 0)
        variant = varied(chance, pattern)
        events = (dice._shaped(chance, chance.choice([pattern, variant])) for _ in range(8))
        found[check(pattern, variant, (read_event(strategies.to_text(event)) for event in events))] += 1

    assert found[True] > 200
    assert found[False] > 100
    assert found[None] < 20


@given(st.integers(0, 2**32), strategies.pairs(events_count=5))
@settings(max_examples=150)
def test_an_answer_is_never_wrong(seed: int, pair: tuple[Any, ...]) -> None:
    text, *events = pair
    pattern = read_event(text)
    variant = varied(Random(seed), pattern)

    check(pattern, variant, events)
    check(variant, pattern, events)


KEYS = "bcde"
ENTRIES: list[Any] = [{"exists": False}, {"exists": False}, {"exists": True}, 1, 2, "x", {"anything-but": 1}]


def shared(chance: Random) -> dict[str, Any]:
    """
    What an object in an array may have to have, and not to have.
    """
    keys = chance.sample(KEYS, chance.choice([1, 2, 2, 3]))
    return {key: [chance.choice(ENTRIES) for _ in range(chance.choice([1, 1, 2]))] for key in keys}


def array(chance: Random, depth: int = 1) -> Any:
    if not depth or chance.random() < 0.5:
        return chance.choice([1, 2, "x", None])
    return [
        {key: array(chance, depth - 1) for key in chance.sample(KEYS, chance.choice([0, 1, 1, 2, 3]))}
        for _ in range(chance.choice([1, 2, 2, 3]))
    ]


@given(st.integers(0, 2**32))
@settings(max_examples=300)
def test_an_answer_is_never_wrong_where_arrays_are_shared(seed: int) -> None:
    chance = Random(seed)
    inner = shared(chance)
    one = Pattern({"a": inner})
    other = Pattern({"a": {**inner, **shared(chance)} if chance.random() < 0.7 else shared(chance)})

    answer = covers(one, other)

    if answer.counterexample is not None:
        assert other.matches(answer.counterexample)
        assert not one.matches(answer.counterexample)
    for _ in range(20):
        event = {"a": [array(chance, 2), {key: array(chance, 1) for key in KEYS if chance.random() < 0.4}], "a.c": 1}
        assert answer.holds is not True or one.matches(event) or not other.matches(event)
