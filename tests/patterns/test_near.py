"""
Near misses: for each kind a pattern, an event that a person thinks it matches, and what the hint says.
"""

from __future__ import annotations

from typing import get_args

import pytest

from postroom import Pattern
from postroom.patterns import read_event
from postroom.patterns._near import HintKind, near_value
from postroom.patterns._operators import Exactly

# Pattern, event, kind of the first hint, where in the event, text.
CASES: list[tuple[str, str, HintKind, str, str]] = [
    ('{"a":["paid"]}', '{"a":"Paid"}', "case", "a", 'it differs in case only: write {"equals-ignore-case": "paid"}'),
    (
        '{"a":[{"prefix":"pa"}]}',
        '{"a":"PAID"}',
        "case",
        "a",
        'it differs in case only: write {"prefix": {"equals-ignore-case": "pa"}}',
    ),
    ('{"a":[{"wildcard":"p*d"}]}', '{"a":"PAID"}', "case", "a", "it differs in case only"),
    (
        '{"a":[5]}',
        '{"a":"5"}',
        "string-for-number",
        "a",
        'the event has the string "5", the pattern wants a number: the event should have 5 without quotes, or the pattern "5" with them',
    ),
    (
        '{"a":[9007199254740993]}',
        '{"a":"9007199254740993"}',
        "string-for-number",
        "a",
        'the event has the string "9007199254740993", the pattern wants a number: the event should have 9007199254740993 without quotes, or the pattern "9007199254740993" with them',
    ),
    (
        '{"a":[{"numeric":[">",5]}]}',
        '{"a":" 7 "}',
        "string-for-number",
        "a",
        'the event has the string " 7 ", the pattern wants a number: the event should have 7 without quotes',
    ),
    (
        '{"a":["5"]}',
        '{"a":5}',
        "number-for-string",
        "a",
        'the event has the number 5, the pattern wants the string "5": write it without quotes',
    ),
    (
        '{"a":["5"]}',
        '{"a":5.0}',
        "number-for-string",
        "a",
        'the event has the number 5.0, the pattern wants the string "5": write it without quotes',
    ),
    (
        '{"a":["5.00"]}',
        '{"a":5}',
        "number-for-string",
        "a",
        'the event has the number 5, the pattern wants the string "5.00": write it without quotes',
    ),
    ('{"a":[{"prefix":"5"}]}', '{"a":55}', "kind", "a", "prefix looks at strings only, and 55 is none"),
    ('{"a":[{"wildcard":"*"}]}', '{"a":true}', "kind", "a", "wildcard looks at strings only, and true is none"),
    (
        '{"a":["true"]}',
        '{"a":true}',
        "boolean",
        "a",
        'the event has true, the pattern wants the string "true": write true without quotes',
    ),
    (
        '{"a":["True"]}',
        '{"a":true}',
        "boolean",
        "a",
        'the event has true, the pattern wants the string "True": write true without quotes',
    ),
    (
        '{"a":[true]}',
        '{"a":"True"}',
        "boolean",
        "a",
        'the event has the string "True", the pattern wants true without quotes',
    ),
    (
        '{"a":[false]}',
        '{"a":"0"}',
        "boolean",
        "a",
        'the event has the string "0", the pattern wants false without quotes',
    ),
    ('{"a":[true]}', '{"a":1}', "boolean", "a", "the event has the number 1, the pattern wants true"),
    ('{"a":[1]}', '{"a":true}', "boolean", "a", "the event has true, the pattern wants the number 1"),
    (
        '{"a":[null]}',
        "{}",
        "null",
        "a",
        'there is no value, and that is not null and not "": write {"exists": false} to allow it',
    ),
    (
        '{"a":[""]}',
        "{}",
        "null",
        "a",
        'there is no value, and that is not null and not "": write {"exists": false} to allow it',
    ),
    ('{"a":[null]}', '{"a":"null"}', "null", "a", 'the event has the string "null", the pattern wants null itself'),
    ('{"a":[null]}', '{"a":""}', "null", "a", 'the event has the string "", the pattern wants null itself'),
    ('{"a":["null"]}', '{"a":null}', "null", "a", 'the event has null, which "null" is not: write null without quotes'),
    (
        '{"a":[{"exists":false}]}',
        '{"a":null}',
        "null",
        "a",
        'null is a value, and {"exists": false} wants that there is none: add null to the list to allow both',
    ),
    (
        '{"state":["paid"]}',
        '{"detail":{"state":"paid"}}',
        "level",
        "detail.state",
        'the event has "paid" further in, at detail.state: write {"detail": {"state": […]}}',
    ),
    (
        '{"detail":{"state":["paid"]}}',
        '{"state":"paid"}',
        "level",
        "state",
        'the event has "paid" further out, at state: write {"state": […]}',
    ),
    (
        '{"detail":{"state":["paid"]}}',
        '{"detail":{"order":[{"state":"sent"},{"state":"paid"}]}}',
        "level",
        "detail.order[1].state",
        'the event has "paid" further in, at detail.order.state: write {"detail": {"order": {"state": […]}}}',
    ),
    (
        '{"state":["paid"]}',
        '{"state":"new","detail":{"state":"paid"}}',
        "level",
        "detail.state",
        'the event has "paid" further in, at detail.state: write {"detail": {"state": […]}}',
    ),
    (
        '{"detail_type":["order"]}',
        '{"detail-type":"order"}',
        "key",
        "detail-type",
        'the event has "order" at detail-type: keys are compared letter by letter',
    ),
    (
        '{"detailType":["order"]}',
        '{"detail-type":"order"}',
        "key",
        "detail-type",
        'the event has "order" at detail-type: keys are compared letter by letter',
    ),
    (
        '{"Detail":{"State":["paid"]}}',
        '{"detail":{"state":"paid"}}',
        "key",
        "detail.state",
        'the event has "paid" at detail.state: keys are compared letter by letter',
    ),
    (
        '{"detial":{"state":["paid"]}}',
        '{"detail":{"state":"paid"}}',
        "key",
        "detail.state",
        'the event has "paid" at detail.state: keys are compared letter by letter',
    ),
    (
        '{"data":{"state":["paid"]}}',
        '{"detail":{"state":"paid"}}',
        "key",
        "detail.state",
        'the event has "paid" at detail.state: keys are compared letter by letter',
    ),
    (
        '{"detail":[{"exists":true}]}',
        '{"detail":{"id":1,"state":"x"}}',
        "object",
        "detail",
        'here is an object, and exists looks at the values in it: name one of its keys, "id", "state"',
    ),
    (
        '{"detail":["paid"]}',
        '{"detail":[{"state":"paid"}]}',
        "object",
        "detail[0]",
        'here is an object, and patterns look at the values in it: name one of its keys, "state"',
    ),
    (
        '{"detail":{"state":["paid"]}}',
        '{"detail":"paid"}',
        "object",
        "detail",
        'here is "paid", and the pattern wants an object',
    ),
    (
        '{"detail":{"state":["paid"]}}',
        '{"detail":["paid"]}',
        "object",
        "detail[0]",
        'here is "paid", and the pattern wants an object',
    ),
    ('{"a":[{"exists":true}]}', '{"a":[]}', "empty", "a", "an empty array counts as if the field was not there"),
    ('{"a":[{"exists":true}]}', '{"a":{}}', "empty", "a", "an empty object counts as if the field was not there"),
    (
        '{"a":[{"anything-but":"x"}]}',
        '{"a":[[]]}',
        "empty",
        "a[0]",
        "an empty array counts as if the field was not there",
    ),
    (
        '{"detail":{"state":["paid"]}}',
        r'{"detail":"{\"state\": [\"paid\"]}"}',
        "json-text",
        "detail",
        "here is JSON inside a string, which is not looked into: send it as an object",
    ),
    (
        '{"a":["x"]}',
        r'{"a":"[\"x\", \"y\"]"}',
        "json-text",
        "a",
        "the event has JSON inside a string, which is not looked into: send it as JSON itself",
    ),
    (
        '{"lines":{"item":["tea"],"price":[2]}}',
        '{"lines":[{"item":"tea","price":1},{"item":"cake","price":2}]}',
        "elements",
        "lines[1].price",
        "lines.price is as wanted in lines[1], lines.item in lines[0]: both must be in one element of lines",
    ),
    (
        '{"a":{"b":[{"exists":false}],"c":[2]}}',
        '{"a":[{"b":1},{"c":2}]}',
        "order",
        "a[0].b",
        "that there is none is checked before a.c, in the order of the paths, and so in all elements: it may not be in any",
    ),
    (
        '{"a":[{"anything-but":"x"}]}',
        "{}",
        "anything-but",
        "a",
        'anything-but wants a value to be there: add {"exists": false} to allow that there is none',
    ),
    ('{"a":["*"]}', '{"a":"x"}', "wildcard", "a", 'a star stands for itself in a plain string: write {"exists": true}'),
    ('{"a":["*"]}', '{"a":5}', "wildcard", "a", '"*" is that one letter here: for any value write {"exists": true}'),
    (
        '{"a":["pa*"]}',
        '{"a":"paid"}',
        "wildcard",
        "a",
        'a star stands for itself in a plain string: write {"wildcard": "pa*"}',
    ),
    (
        '{"a":[{"prefix":"pa*d"}]}',
        '{"a":"paid up"}',
        "wildcard",
        "a",
        'a star stands for itself below prefix: write {"wildcard": "pa*d*"}',
    ),
    (
        '{"a":[{"suffix":"*d"}]}',
        '{"a":"paid"}',
        "wildcard",
        "a",
        'a star stands for itself below suffix: write {"wildcard": "*d"}',
    ),
    (
        '{"a":["^pa.*$"]}',
        '{"a":"paid"}',
        "wildcard",
        "a",
        'there are no regular expressions: write {"wildcard": "pa*"}',
    ),
    ('{"a":[{"wildcard":"pa%"}]}', '{"a":"paid"}', "wildcard", "a", '% stands for itself: write {"wildcard": "pa*"}'),
    ('{"a":["paid "]}', '{"a":"paid"}', "blanks", "a", "it differs in leading or trailing blanks only, and they count"),
    (
        '{"a":[{"prefix":"pa"}]}',
        r'{"a":"\tpaid"}',
        "blanks",
        "a",
        "it differs in leading or trailing blanks only, and they count",
    ),
    (
        '{"a":["café"]}',
        r'{"a":"cafe\u0301"}',
        "unicode",
        "a",
        r'it looks the same, with other code points, as Unicode is not normalised: "cafe\u0301" is not "caf\u00e9"',
    ),
    (
        '{"a":[{"exactly":"10.0.0.1"}]}',
        '{"a":"10.0.0.01"}',
        "address",
        "a",
        'it is the same address, written otherwise: "10.0.0.1" as a bare string takes both',
    ),
    (
        '{"a":["10.0.0.0/24"]}',
        '{"a":"10.0.0.5"}',
        "address",
        "a",
        'the address is in that block: write {"cidr": "10.0.0.0/24"}',
    ),
    (
        '{"a":[{"cidr":"10.0.0.0/24"}]}',
        '{"a":"10.0.0.5:80"}',
        "address",
        "a",
        '"10.0.0.5:80" is no mere address: "10.0.0.5" would do',
    ),
    (
        '{"a":["10.0.0.5"]}',
        '{"a":"10.0.0.5/32"}',
        "address",
        "a",
        '"10.0.0.5/32" is no mere address: "10.0.0.5" would do',
    ),
    (
        '{"a":[{"cidr":"2001:db8::/64"}]}',
        '{"a":"[2001:db8::1]:80"}',
        "address",
        "a",
        '"[2001:db8::1]:80" is no mere address: "2001:db8::1" would do',
    ),
    (
        '{"a":[{"cidr":"10.0.0.0/24"}]}',
        '{"a":"::1"}',
        "address",
        "a",
        '"::1" is an address of IP version 6, the block of 4',
    ),
    (
        '{"a":[{"numeric":[">",0]}]}',
        '{"a":9007199254740993}',
        "precision",
        "a",
        "no double holds 9007199254740993 exactly: it is in no range",
    ),
    (
        '{"a":[9007199254740993]}',
        '{"a":9007199254740993.0}',
        "precision",
        "a",
        "no double holds 9007199254740993.0 exactly: it equals only a number that is written just so",
    ),
    (
        '{"a":[9007199254740993]}',
        '{"a":9007199254740992}',
        "precision",
        "a",
        "no double holds 9007199254740993 exactly: it equals only a number written just so",
    ),
    (
        '{"a":[0.3]}',
        '{"a":0.30000000000000004}',
        "precision",
        "a",
        "0.30000000000000004 is 0.3 but for rounding: write a narrow numeric range",
    ),
    ('{"a":[{"numeric":[">",5]}]}', '{"a":5}', "bound", "a", '5 is the bound itself, which ">" leaves out: write ">="'),
    (
        '{"a":[{"numeric":[">=",1,"<",5.5]}]}',
        '{"a":5.5}',
        "bound",
        "a",
        '5.5 is the bound itself, which "<" leaves out: write "<="',
    ),
    (
        '{"a":["paid"]}',
        '{"a":"order-paid"}',
        "part",
        "a",
        'the text is a part of the value: {"suffix": "paid"} would do',
    ),
    ('{"a":["paid"]}', '{"a":"paid-up"}', "part", "a", 'the text is a part of the value: {"prefix": "paid"} would do'),
    (
        '{"a":[{"prefix":"a*d"}]}',
        '{"a":"a pa*da"}',
        "wildcard",
        "a",
        'a star stands for itself below prefix: write {"wildcard": "a*d*"}',
    ),
    (
        '{"a":["cancelled"]}',
        '{"a":"canceled"}',
        "similar",
        "a",
        '"canceled" and "cancelled" are spelled alike: is one a slip?',
    ),
]

# Pattern, event: nothing that anybody could have mixed up.
FAR: list[tuple[str, str]] = [
    ('{"a":[true]}', '{"a":"yes"}'),
    ('{"a":[null]}', '{"a":"nothing"}'),
    ('{"a":[{"prefix":"6"}]}', '{"a":5}'),
    ('{"a":[{"exactly":"10.0.0.1"}]}', '{"a":"10.0.0.2"}'),
    ('{"a":["order-1001"]}', '{"a":"order-1002"}'),
    ('{"a":["paid"]}', '{"a":"new"}'),
    ('{"a":["paid"]}', '{"b":"new"}'),
    ('{"a":[5]}', '{"a":6}'),
    ('{"a":[5]}', '{"a":"6"}'),
    ('{"a":["5"]}', '{"a":6}'),
    ('{"a":[true]}', '{"a":false}'),
    ('{"a":[true]}', '{"a":0}'),
    ('{"a":[null]}', '{"a":0}'),
    ('{"a":[{"exists":false}]}', '{"a":1}'),
    ('{"a":[{"anything-but":"x"}]}', '{"a":"x"}'),
    ('{"a":[{"numeric":[">",5]}]}', '{"a":4}'),
    ('{"a":[{"cidr":"10.0.0.0/24"}]}', '{"a":"10.0.1.0"}'),
    ('{"a":["pa*"]}', '{"a":"sent"}'),
    ('{"a":["x"]}', '{"a":"[not JSON"}'),
    ('{"state":["paid"]}', '{"street":"x"}'),
]


@pytest.mark.parametrize(("pattern", "event", "kind", "path", "text"), CASES)
def test_a_near_miss_is_told(pattern: str, event: str, kind: HintKind, path: str, text: str) -> None:
    explanation = Pattern(pattern).explain(read_event(event))

    assert not explanation.matches
    hint = explanation.hints[0]
    assert (hint.kind, hint.path, hint.text) == (kind, path, text)
    assert text in str(explanation)


def test_each_kind_has_a_case() -> None:
    assert {case[2] for case in CASES} == set(get_args(HintKind))


@pytest.mark.parametrize(("pattern", "event"), FAR)
def test_what_is_far_off_has_no_hint(pattern: str, event: str) -> None:
    assert Pattern(pattern).explain(read_event(event)).hints == ()


@pytest.mark.parametrize(
    ("pattern", "event", "instead"),
    [
        ('{"a":["paid"]}', '{"a":"Paid"}', '{"a":[{"equals-ignore-case": "paid"}]}'),
        ('{"a":["pa*"]}', '{"a":"paid"}', '{"a":[{"wildcard": "pa*"}]}'),
        ('{"a":["a*\\\\b*c"]}', '{"a":"xx a*\\\\b*c yy"}', '{"a":[{"wildcard": "*a\\\\*\\\\\\\\b\\\\*c*"}]}'),
        ('{"a":["10.0.0.0/24"]}', '{"a":"10.0.0.5"}', '{"a":[{"cidr": "10.0.0.0/24"}]}'),
    ],
)
def test_what_it_says_to_write_does_match(pattern: str, event: str, instead: str) -> None:
    text = Pattern(pattern).explain(read_event(event)).hints[0].text

    assert instead.removeprefix('{"a":[').removesuffix("]}") in text
    assert Pattern(instead).matches(read_event(event))


def test_a_condition_has_three_hints_at_most() -> None:
    values = ["Paid", " paid", "order-paid", "paid?", "payd"]

    assert len(Pattern({"a": ["paid"]}).explain({"a": values}).hints) == 3


def test_a_key_that_the_pattern_names_is_not_meant_for_another() -> None:
    pattern = Pattern({"state": ["paid"], "detail": {"state": ["paid"]}})

    assert pattern.explain({"detail": {"state": "paid"}}).hints == ()


def test_a_value_that_would_do_is_told_before_others() -> None:
    explanation = Pattern({"state": ["paid"]}).explain({"a": {"state": "new"}, "b": {"c": {"state": "paid"}}})

    assert [hint.path for hint in explanation.hints] == ["b.c.state", "a.state"]


def test_keys_that_are_very_long_are_not_compared() -> None:
    key = "k" * 70

    assert Pattern({f"{key}x": [1]}).explain({f"{key}y": 1}).hints == ()
    assert Pattern({key * 6: [1]}).explain({"a": {key * 6: 1}}).hints == ()


def test_long_texts_are_not_compared_letter_by_letter() -> None:
    assert near_value(Exactly("a" * 5_000), "A" * 5_000) is None
    assert near_value(Exactly("a" * 4_000), "A" * 4_000) is not None
