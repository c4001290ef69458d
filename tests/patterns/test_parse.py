"""
From text to tree: what each form means, all that is wrong at once, and what to write instead.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import InvalidEventPattern, PatternFault
from postroom.patterns import _parse
from postroom.patterns._dialects import EVENTBRIDGE, LAMBDA, PIPES, SNS_ATTRIBUTES, SNS_BODY, Dialect
from postroom.patterns._operators import (
    Absent,
    Address,
    AnythingBut,
    Cidr,
    Entry,
    EqualsIgnoreCase,
    Exactly,
    Number,
    Numeric,
    Prefix,
    Present,
    Suffix,
    Wildcard,
)
from postroom.patterns._parse import parse
from postroom.patterns._reader import read
from postroom.patterns._tree import Condition, Either, conjunctions

DIALECTS = [EVENTBRIDGE, SNS_ATTRIBUTES, SNS_BODY, PIPES, LAMBDA]


def error_of(pattern: str) -> InvalidEventPattern:
    with pytest.raises(InvalidEventPattern) as caught:
        parse(pattern)
    return caught.value


def faults_of(pattern: str) -> tuple[PatternFault, ...]:
    return error_of(pattern).faults


def only(name: str) -> Condition:
    """
    A condition of which the entry is its own path: short to write.
    """
    return Condition(name, (Exactly(name),))


# What there is.


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ('"x"', Exactly("x")),
        ('"\\u0041\\n"', Exactly("A\n")),
        ('"10.0.0.1"', Address("10.0.0.1")),
        ("-1.50e+3", Number("-1.50e+3")),
        ("true", Exactly(True)),
        ("null", Exactly(None)),
        ('{"exactly":"10.0.0.1"}', Exactly("10.0.0.1")),
        ('{"exists":true}', Present()),
        ('{"exists":false}', Absent()),
        ('{"prefix":""}', Prefix("")),
        ('{"prefix":{"equals-ignore-case":"x"}}', Prefix("x", ignore_case=True)),
        ('{"suffix":"x"}', Suffix("x")),
        ('{"suffix":{"equals-ignore-case":""}}', Suffix("", ignore_case=True)),
        ('{"equals-ignore-case":""}', EqualsIgnoreCase("")),
        ('{"wildcard":""}', Wildcard("")),
        ('{"wildcard":"a\\\\**b"}', Wildcard("a\\**b")),
        ('{"wildcard":"a\\\\\\\\*"}', Wildcard("a\\\\*")),
        ('{"numeric":["=",3.018e2]}', Numeric(301.8, 301.8, has_low=True, has_high=True)),
        ('{"numeric":["<",1]}', Numeric(high=1)),
        ('{"numeric":["<=",1]}', Numeric(high=1, has_high=True)),
        ('{"numeric":[">",1]}', Numeric(low=1)),
        ('{"numeric":[">=",1]}', Numeric(low=1, has_low=True)),
        ('{"numeric":[">",0,"<=",5]}', Numeric(0, 5, has_high=True)),
        ('{"numeric":[">=",-6e9,"<",6e9]}', Numeric(-6e9, 6e9, has_low=True)),
        ('{"cidr":"10.0.0.77/24"}', Cidr.of("10.0.0.77/24")),
        ('{"cidr":"10.0.0.0/0031"}', Cidr.of("10.0.0.0/0031")),
        ('{"cidr":"2001:db8::/127"}', Cidr.of("2001:db8::/127")),
        ('{"anything-but":"10.0.0.1"}', AnythingBut((Exactly("10.0.0.1"),))),
        ('{"anything-but":5}', AnythingBut((Number("5"),))),
        ('{"anything-but":["x",""]}', AnythingBut((Exactly("x"), Exactly("")))),
        ('{"anything-but":[1,2.0]}', AnythingBut((Number("1"), Number("2.0")))),
        ('{"anything-but":{"prefix":"x"}}', AnythingBut((Prefix("x"),))),
        ('{"anything-but":{"suffix":["x","y"]}}', AnythingBut((Suffix("x"), Suffix("y")))),
        ('{"anything-but":{"equals-ignore-case":["",""]}}', AnythingBut((EqualsIgnoreCase(""), EqualsIgnoreCase("")))),
        ('{"anything-but":{"wildcard":"*/lib/*"}}', AnythingBut((Wildcard("*/lib/*"),))),
    ],
)
def test_an_entry_is_read(text: str, entry: Entry) -> None:
    assert parse(f'{{"a":[{text}]}}') == (Condition("a", (entry,)),)


def test_kinds_mix_in_one_list_and_keep_their_order() -> None:
    (condition,) = parse('{"a": ["x", 5, null, {"prefix": "z"}, "x"]}')

    assert condition == Condition("a", (Exactly("x"), Number("5"), Exactly(None), Prefix("z"), Exactly("x")))


def test_keys_are_joined_by_dots_and_the_empty_key_is_one() -> None:
    items = parse('{"a":{"b.c":["x"],"":[1]},"":{"":[2]},"a ":[3]}')

    assert [item.path for item in items if isinstance(item, Condition)] == ["a.b.c", "a.", ".", "a "]


def test_every_list_is_kept_as_written_and_the_last_at_a_path_counts() -> None:
    items = parse('{"a":["x"],"a":{"b":["1"]},"a.b":["2"],"a":["y"]}')

    assert [item.path for item in items if isinstance(item, Condition)] == ["a", "a.b", "a.b", "a"]
    assert conjunctions(items) == ((Condition("a", (Exactly("y"),)), Condition("a.b", (Exactly("2"),))),)


def test_what_follows_the_last_bracket_is_not_looked_at() -> None:
    assert parse('{"a":["a"]}, and {more') == (only("a"),)


def test_or_is_a_part_of_the_object_it_stands_in() -> None:
    items = parse('{"a":["a"],"d":{"$or":[{"x":["d.x"]},{"y":["d.y"],"z":{"w":["d.z.w"]}}],"e":["d.e"]}}')

    assert items == (only("a"), Either(((only("d.x"),), (only("d.y"), only("d.z.w")))), only("d.e"))


def test_ors_nest_and_stand_side_by_side() -> None:
    inner = '"$or":[{"b":["b"]},{"c":["c"]}]'
    items = parse(f'{{"$or":[{{"a":["a"],{inner}}},{{"d":["d"]}}],{inner}}}')

    both = Either(((only("b"),), (only("c"),)))
    assert items == (Either(((only("a"), both), (only("d"),))), both)


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ('{"$or":{"a":["x"]}}', ["$or.a"]),
        ('{"$or":["x"]}', ["$or"]),
        ('{"$or":[{"prefix":"x"},{"numeric":["=",1]}]}', ["$or"]),
        ('{"a":["x"],"b":{"$or":[{"exists":true}]}}', ["a", "b.$or"]),
    ],
)
def test_where_or_makes_no_sense_it_is_a_key(pattern: str, paths: list[str]) -> None:
    assert [item.path for item in parse(pattern) if isinstance(item, Condition)] == paths


def test_or_is_not_read_in_both_ways_in_one_pattern() -> None:
    fault, *_ = faults_of('{"$or":[{"a":["x"]},{"b":["y"]}],"c":{"$or":["x"]}}')

    assert fault.reason == "Only JSON object is allowed in array of $or relationship."
    assert fault.path == "c.$or"


def either(branches: int, key: str) -> str:
    return '"$or":[' + ",".join(f'{{"{key}{number}":[1]}}' for number in range(branches)) + "]"


def test_a_thousand_combinations_fit_and_one_more_does_not() -> None:
    assert len(parse(f"{{{either(10, 'a')},{either(10, 'b')},{either(10, 'c')}}}")) == 3
    (fault,) = faults_of(f"{{{either(7, 'a')},{either(11, 'b')},{either(13, 'c')}}}")

    assert fault.reason == "Rule is too complex - try using fewer $or combinations"
    assert not error_of(f"{{{either(7, 'a')},{either(11, 'b')},{either(13, 'c')}}}").aws_message.endswith("]")


def test_combinations_are_counted_and_not_made() -> None:
    """
    Two to the 300th of them.
    """
    (fault,) = faults_of("{" + ",".join(either(2, "k") for _ in range(300)) + "}")

    assert fault.path == ""


# All that is wrong.


def test_all_faults_are_found_in_order_with_their_paths() -> None:
    pattern = """{
  "source": "shop",
  "detail": {
    "state": ["paid", {"PREFIX": {"x": [1]}}, ["sent"], {}],
    "total": [{"numeric": ["<", 5, ">", 1]}, {"cidr": "10.0.0.1/32"}],
    "lines": [],
    "more": {}
  },
  "$or": [{"a": [{"exists": 1}]}, 5, {"prefix": ["x"]}],
  "fine": [1]
}"""
    assert [(fault.path, fault.line, fault.reason) for fault in faults_of(pattern)] == [
        ("source", 2, '"source" must be an object or an array'),
        ("detail.state[1]", 4, "Unrecognized match type PREFIX"),
        ("detail.state[2]", 4, "Match value must be String, number, true, false, or null"),
        ("detail.state[3]", 4, "Match expression name not found"),
        ("detail.total[0]", 5, "Too many elements in numeric expression"),
        ("detail.total[1]", 5, "IPv4 mask bits must be < 32"),
        ("detail.lines", 6, "Empty arrays are not allowed"),
        ("detail.more", 7, "Empty objects are not allowed"),
        ("$or[0].a[0]", 9, "exists match pattern must be either true or false."),
        ("$or", 9, "Only JSON object is allowed in array of $or relationship."),
        ("$or[2].prefix", 9, "prefix is Ruler reserved fieldName which cannot be used inside $or."),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        '"a":"x"',
        '"a":{}',
        '"a":[]',
        '"a":[[["x"],{"y":{}}]]',
        '"a":[{"foo":{"bar":[{}]}}]',
        '"a":[{"prefix":"x","y":[[{}]],"z":1}]',
        '"a":[{"prefix":{"prefix":[{}]},"y":1}]',
        '"a":[{"numeric":[">",1,[{}],2],"y":1}]',
        '"a":[{"anything-but":["x",{"y":[]},null]}]',
        '"a":[{"anything-but":{"prefix":["x",[[]]],"y":1}}]',
        '"a":[{"cidr":{"y":{}}}]',
        '"$or":{"a":{}}',
        '"$or":[[{}],{"a":[1]}]',
    ],
)
def test_after_a_fault_it_goes_on_behind_the_value(wrong: str) -> None:
    faults = faults_of(f'{{{wrong},"b":["x"],"c":5}}')

    assert len(faults) == 2
    assert faults[1].path == "c"


def test_a_text_that_stops_being_json_ends_the_search() -> None:
    faults = faults_of('{"a":"x","b":[1,],"c":"x"}')

    assert [fault.path for fault in faults] == ["a", "b"]
    assert faults[1].reason.startswith("Unexpected character (']' (code 93))")


def test_the_text_is_about_the_first_fault() -> None:
    error = error_of('{"a":"x","b":[]}')

    assert str(error) == (
        'Event pattern is not valid. Reason: "a" must be an object or an array\n'
        ' at [Source: (String)"{"a":"x","b":[]}"; line: 1, column: 7]\n'
        '  At a, write: "a": ["x"]\n'
        "  There is one more fault; `faults` has all."
    )


def test_faults_are_pickled_with_their_error() -> None:
    error = error_of('{"a":"x","b":[]}')
    again = pickle.loads(pickle.dumps(error))

    assert again.faults == error.faults
    assert str(again) == str(error)
    assert InvalidEventPattern("other").faults == ()
    assert error.faults[0].to_dict() == {
        "reason": '"a" must be an object or an array',
        "path": "a",
        "line": 1,
        "column": 7,
        "instead": '"a": ["x"]',
    }


@pytest.mark.parametrize(
    ("pattern", "place"),
    [
        ('{\n "a": [1],\n "b": 2}', "line: 3, column: 8]"),
        ('{\r\n "a": [1],\r "b": 2}', "line: 3, column: 8]"),
        ('{"😀":5}', "line: 1, column: 8]"),
        ('{"é":5}', "line: 1, column: 7]"),
    ],
)
def test_lines_count_and_columns_are_javas(pattern: str, place: str) -> None:
    assert error_of(pattern).aws_message.endswith(place)


def test_long_texts_are_cut() -> None:
    text = error_of('{"a": ["' + "x" * 600 + '"], "b": 2}').aws_message
    wide = error_of('{"a": ["' + "😀" * 300 + '"], "b": 2}').aws_message

    assert '"[truncated 119 chars]; line: 1' in text
    assert '"[truncated 119 chars]; line: 1' in wide


# What to write.


def entry(text: str) -> str:
    return f'{{"key":[{text}]}}'


@pytest.mark.parametrize(
    ("pattern", "instead"),
    [
        ('["a"]', '{"source": ["shop"]}'),
        ('{"source":"shop"}', '"source": ["shop"]'),
        ('{"total":1.50}', '"total": [1.5]'),
        ('{"test":null}', '"test": [null]'),
        (entry('{"prefx":"a"}'), '{"prefix": "a"}'),
        (entry('{"EXISTS":true}'), '{"exists": true}'),
        (entry('{"anythingBut":["a"]}'), '{"anything-but": ["a"]}'),
        (entry('{"equals_ignore_case":"a"}'), '{"equals-ignore-case": "a"}'),
        (entry('{"startsWith":"a"}'), '{"prefix": "a"}'),
        (entry('{"ends-with":".png"}'), '{"suffix": ".png"}'),
        (entry('{"contains":"a"}'), '{"wildcard": "*a*"}'),
        (entry('{"regex":"a.*"}'), '{"wildcard": "pa*d"}: there is no regex'),
        (entry('{"$in":["a"]}'), 'its value itself, as an entry: ["a"]'),
        (entry('{"not":"a"}'), '{"anything-but": "a"}'),
        (entry('{">=":5}'), '{"numeric": [">=", 5]}'),
        (
            entry('{"zzz":5}'),
            "one of anything-but, cidr, equals-ignore-case, exactly, exists, numeric, prefix, suffix, wildcard",
        ),
        (entry('{"exists":"false"}'), '{"exists": false}'),
        (entry('{"exists":"yes"}'), '{"exists": true}'),
        (entry('{"prefix":["a","b"]}'), '{"prefix": "a"}, {"prefix": "b"}'),
        (entry('{"equals-ignore-case":["a"]}'), '{"equals-ignore-case": "a"}'),
        (entry('{"suffix":100}'), '{"suffix": "100"}'),
        (entry('{"prefix":"x","suffix":"y"}'), '{"prefix": "x"}, {"suffix": "y"}: one of them will do then'),
        (entry('["a"]'), "what is in the inner list, without its brackets"),
        (entry('{"cidr":"10.0.0.1/32"}'), '"10.0.0.1", the address itself'),
        (entry('{"cidr":"2001:db8::1/128"}'), '"2001:db8::1", the address itself'),
        (entry('{"cidr":"10.0.0.1"}'), '"10.0.0.1", the address itself'),
        (entry('{"numeric":["<",5,">",1]}'), '{"numeric": [">", 1, "<", 5]}'),
        (entry('{"numeric":[">",5,"<=",1]}'), '{"numeric": [">", 1, "<=", 5]}'),
        (entry('{"numeric":[">=",5,"<=",5]}'), '{"numeric": ["=", 5]}'),
        (entry('{"numeric":["!=",5]}'), '{"anything-but": 5}'),
        (entry('{"numeric":["==",5]}'), '{"numeric": ["=", 5]}'),
        (entry('{"numeric":["<","5"]}'), '{"numeric": ["<", 5]}'),
        (entry('{"numeric":5}'), '{"numeric": ["=", 5]}'),
        (entry('{"numeric":["=",9007199254740993]}'), "9007199254740992, the nearest that can be compared"),
        (entry('{"anything-but":["a",1]}'), '{"anything-but": ["a", "1"]}, if all are meant as strings'),
        (entry('{"anything-but":true}'), "false, the other one, as an entry"),
        (
            entry('{"anything-but":{"exists":false}}'),
            "one of prefix, suffix, equals-ignore-case, wildcard below anything-but",
        ),
        (entry('{"wildcard":"a**b"}'), '{"wildcard": "a*b"}'),
        (entry('{"wildcard":"a\\\\nb"}'), '{"wildcard": "a\\\\\\\\nb"}'),
        ('{"$or":[{"a":["x"]}]}', "a second branch, or the keys of the only one in place of $or"),
    ],
)
def test_it_says_what_to_write(pattern: str, instead: str) -> None:
    assert faults_of(pattern)[0].instead == instead


# Whatever the text.

PIECES = st.sampled_from(
    [
        *("{", "}", "[", "]", ",", ":", "{}", "[]", "]}", "}]", " ", "\n", "true", "null", "1", "-2.5e1", "😀"),
        *('"a"', '"$or"', '"prefix"', '"anything-but"', '"numeric"', '"wildcard"', '"cidr"', '"exists"'),
        *('"equals-ignore-case"', '">"', '"<"', '"1.1.1.1/8"', '"*a*"', '\\"', '"\\ud800"'),
        *('{"a":[', '{"$or":[', '{"anything-but":', '{"prefix":'),
    ]
)


def what_is_wrong(text: str, dialect: Dialect) -> tuple[PatternFault, ...]:
    try:
        assert parse(text, dialect)
    except InvalidEventPattern as error:
        return error.faults or (PatternFault("", "", 0, 0, ""),)
    return ()


@given(st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=25).map("".join)), st.sampled_from(DIALECTS))
def test_any_text_is_a_pattern_or_refused_with_all_that_people_need(text: str, dialect: Dialect) -> None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1

    for fault in what_is_wrong(text, dialect):
        assert fault.reason
        assert fault.instead
        assert 1 <= fault.line <= lines
        assert fault.column >= 1


json_values = st.recursive(
    st.sampled_from(["x", "", 1, 1.5, True, None, "10.0.0.1/8", "*a", ">", "<"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(["a", "$or", "prefix", "anything-but", "numeric", "wildcard", "cidr", "exists"]),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=15,
)


@given(json_values, st.sampled_from(DIALECTS))
def test_any_json_is_a_pattern_or_refused(value: Any, dialect: Dialect) -> None:
    for fault in what_is_wrong(json.dumps(value), dialect):
        assert not fault.reason.startswith("Unexpected")


class Counted(list[Any]):
    """
    Tokens that count how often one of them is taken.
    """

    taken = 0

    def __iter__(self) -> Iterator[Any]:
        for token in super().__iter__():
            type(self).taken += 1
            yield token


@pytest.mark.parametrize(
    "pattern",
    [
        '{"a":' * 800 + "[1]" + "}" * 800,
        '{"a":' * 5_000 + "[1]" + "}" * 5_000,
        '{"$or":[{"a":[1]},' * 150 + '{"b":[1]}' + "]}" * 150,
        '{"$or":[' * 300,
        '{"a":' + "[" * 2_000 + "]" * 2_000 + "}",
        '{"a":[' + '{"x":' * 400 + "1" + "}" * 400 + "]}",
        '{"a":[' + ",".join('{"prefx":["x"]}' for _ in range(250)) + "]}",
        "{" + ",".join(f'"{number}":5' for number in range(400)) + "}",
        '{"a":[' + ",".join('{"anything-but":["x",null,{}]}' for _ in range(120)) + "]}",
    ],
    ids=[
        "deep",
        "deeper than events",
        "deep $or",
        "$or that does not end",
        "lists",
        "objects",
        "names",
        "values",
        "not",
    ],
)
def test_no_token_is_taken_more_than_once_a_reading(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens, broken = read(pattern)
    Counted.taken = 0
    monkeypatch.setattr(_parse, "read", lambda _: (Counted(tokens), broken))
    faults = what_is_wrong(pattern, EVENTBRIDGE)

    assert len(faults) <= len(tokens) + 1
    assert Counted.taken <= (2 if "$or" in pattern else 1) * len(tokens)
    assert len(tokens) <= len(pattern)


@pytest.mark.parametrize(
    "text",
    ["{" + " " * 250_000 + "x", '{"a":[' + "1" * 250_000 + "x", '{"a"' + " " * 250_000, '{"' + "a" * 250_000 + "\\"],
)
def test_long_runs_are_passed_over_once(text: str) -> None:
    """
    Were they not, this would take hours.
    """
    tokens, broken = read(text)

    assert broken is not None
    assert len(tokens) <= 3
