"""
The vectors of the pattern language (PAT 11) that need nothing but what is there: exact values, prefix, exists.

Each row: a pattern, events that match it, events that do not, all as JSON.
"""

from __future__ import annotations

import json

import pytest

from postroom import Pattern
from postroom.errors import InvalidEventPattern

VECTORS: list[tuple[str, list[str], list[str]]] = [
    # Equality and kinds.
    ('{"a":["x"]}', ['{"a":"x"}'], ['{"a":"X"}', '{"a":{"b":"x"}}']),
    ('{"A":["x"]}', [], ['{"a":"x"}']),
    ('{"a":["x","y"]}', ['{"a":"y"}'], []),
    ('{"a":["x"],"b":["y"]}', [], ['{"a":"x"}']),
    ('{"a":["*"]}', ['{"a":"*"}'], ['{"a":"x"}']),
    ('{"a":[null]}', ['{"a":null}'], ['{"a":"null"}', '{"a":[]}', "{}"]),
    ('{"a":[""]}', ['{"a":""}'], ['{"a":null}', "{}", '{"a":[]}']),
    ('{"a":[false]}', ['{"a":false}'], ['{"a":0}', '{"a":"false"}']),
    ('{"a":[true]}', ['{"a":true}'], ['{"a":1}', '{"a":1.0}']),
    ('{"a":["false"]}', [], ['{"a":false}']),
    ('{"a":[1]}', ['{"a":1}'], ['{"a":true}', '{"a":"1"}']),
    ('{"a":[0]}', ['{"a":-0.0}'], ['{"a":false}', '{"a":null}', '{"a":""}']),
    ('{"a":["é"]}', ['{"a":"\\u00e9"}'], ['{"a":"e\\u0301"}']),
    # Numbers.
    ('{"a":[300]}', ['{"a":300.0}', '{"a":3.0e2}'], ['{"a":"300"}']),
    ('{"a":[3.00e2]}', ['{"a":300}'], ['{"a":300.5}']),
    ('{"a":["300"]}', [], ['{"a":300}']),
    ('{"a":[9007199254740993]}', ['{"a":9007199254740993}'], ['{"a":9007199254740992}', '{"a":9007199254740993.0}']),
    ('{"a":[9007199254740992]}', ['{"a":9007199254740992}'], ['{"a":9007199254740993}']),
    # Paths and dots.
    ('{"d":{"s":{"t":["r"]}}}', ['{"d":{"s.t":"r"}}'], ['{"d":{"s.t":{"t":"r"}}}']),
    ('{"d":{"s.t":["r"]}}', ['{"d":{"s":{"t":"r"}}}'], []),
    ('{"d.s.t":["r"]}', ['{"d":{"s":{"t":"r"}}}', '{"d.s":{"t":"r"}}'], []),
    ('{"d":{"k":["v"]}}', [], ['{"d":"{\\"k\\":\\"v\\"}"}']),
    ('{"":["v"]}', ['{"":"v"}'], ['{"a":"v"}']),
    # Arrays and consistency.
    ('{"a":["x"]}', ['{"a":["q","x"]}', '{"a":[["q"],[["x"]]]}'], ['{"a":["q"]}']),
    ('{"a":{"b":["1"]}}', ['{"a":["z",{"b":"1"}]}'], []),
    ('{"a":{"b":[{"exists":true}]}}', ['{"a":[{"c":1},{"b":2}]}'], []),
    (
        '{"a":{"b":["1"],"c":["2"]}}',
        ['{"a":[{"b":"1","c":"2"}]}', '{"a":[{"b":"9"},{"b":"1","c":["0","2"]}]}'],
        [
            '{"a":[{"b":"1"},{"c":"2"}]}',
            '{"a":[{"b":"1","c":"9"},{"b":"9","c":"2"}]}',
            '{"a":[[{"b":"1"}],[{"c":"2"}]]}',
        ],
    ),
    (
        '{"a":{"t":{"k":["c"],"v":["b"]}}}',
        ['{"a":[{"t":[{"k":"c"}]},{"t":[{"k":"c","v":"b"}]}]}'],
        ['{"a":[{"t":[{"k":"c"},{"v":"b"}]}]}'],
    ),
    ('{"a":{"n":["p"],"t":{"k":["c"]}}}', [], ['{"a":[{"n":"p","t":[{"k":"x"}]},{"n":"q","t":[{"k":"c"}]}]}']),
    ('{"a":{"b":["1"]},"c":{"d":["2"]}}', ['{"a":[{"b":"1"},{"b":"0"}],"c":[{"d":"0"},{"d":"2"}]}'], []),
    ('{"a":{"x":["1"],"y":["2"]}}', ['{"a":{"x":["0","1"],"y":["2","3"]}}'], []),
    ('{"a":{"b":[1],"c":[{"exists":false}]}}', ['{"a":[{"b":1},{"c":2}]}'], []),
    ('{"a":{"b":[{"exists":false}],"c":[2]}}', [], ['{"a":[{"b":1},{"c":2}]}']),
    (
        '{"e":{"f":["Ann","Bob"],"l":["Ray"]}}',
        ['{"e":[{"f":"Ann","l":"Lee"},{"f":"Bob","l":"Ray"}]}'],
        ['{"e":[{"f":"Ann","l":"Ray "},{"f":"Cyd","l":"Ray"}]}'],
    ),
    ('{"a":{"b":[1],"c":[2]}}', [], ['{"a":[[{"b":1}],[{"c":2}]]}']),
    # exists.
    (
        '{"a":[{"exists":true}]}',
        ['{"a":null}', '{"a":""}', '{"a":0}', '{"a":[1]}'],
        ['{"a":[]}', '{"a":{}}', '{"a":{"b":1}}', '{"a":[{"b":1}]}', "{}"],
    ),
    (
        '{"a":[{"exists":false}]}',
        ['{"b":1}', '{"a":{"b":1}}', '{"a":[]}', '{"a":{}}', '{"a":[{"b":1}]}'],
        ['{"a":null}', '{"a":[[1]]}'],
    ),
    ('{"a":{"b":[{"exists":false}]}}', ['{"c":1}', '{"a":1}'], ['{"a":{"b":1}}']),
    ('{"a":[{"exists":false},"x"]}', ['{"a":"x"}', "{}"], ['{"a":"y"}']),
    # prefix.
    ('{"a":[{"prefix":"ab"}]}', ['{"a":"abc"}', '{"a":"ab"}', '{"a":["x","abc"]}'], ['{"a":"ABc"}', '{"a":"a"}']),
    ('{"a":[{"prefix":""}]}', ['{"a":"q"}', '{"a":""}'], ['{"a":5}', '{"a":null}', '{"a":true}']),
    ('{"a":[{"prefix":"1"}]}', [], ['{"a":12}']),
    # Addresses: a bare string that is one matches whatever way it is written.
    ('{"a":["2001:db8::1"]}', ['{"a":"2001:0DB8:0:0:0:0:0:1"}'], ['{"a":"2001:db8::2"}']),
    ('{"a":["10.0.0.01"]}', ['{"a":"10.0.0.1"}', '{"a":"::ffff:a00:1"}'], ['{"a":"10.0.0.10"}', '{"a":167772161}']),
    ('{"a":["12:30:45"]}', ['{"a":"12:30:45"}'], ['{"a":"12:30:045"}']),
    ('{"a":["300.1.1.1"]}', ['{"a":"300.1.1.1"}'], ['{"a":"300.1.1.01"}']),
    # Structure and duplicates.
    ('{"a":["x"],"a":["y"]}', ['{"a":"y"}'], ['{"a":"x"}']),
    ('{"a":{"b":["1"]},"a":{"c":["2"]}}', ['{"a":{"b":"1","c":"2"}}'], ['{"a":{"c":"2"}}']),
    ('{"a":{"b":["1"]},"a.b":["2"]}', ['{"a":{"b":"2"}}'], ['{"a":{"b":"1"}}']),
    ('{"a":["x",5,null,{"prefix":"z"}]}', ['{"a":"zz"}', '{"a":null}', '{"a":5.0}'], ['{"a":"y"}']),
    ('{"a":["x"]} and more', ['{"a":"x"}'], []),
]


@pytest.mark.parametrize(
    ("pattern", "event"), [(pattern, event) for pattern, matching, _ in VECTORS for event in matching]
)
def test_it_matches(pattern: str, event: str) -> None:
    assert Pattern(pattern).matches(json.loads(event))


@pytest.mark.parametrize(("pattern", "event"), [(pattern, event) for pattern, _, others in VECTORS for event in others])
def test_it_does_not_match(pattern: str, event: str) -> None:
    assert not Pattern(pattern).matches(json.loads(event))


@pytest.mark.parametrize(
    ("pattern", "reason", "column"),
    [
        ('["a"]', "Filter is not an object", 2),
        ('"a"', "Filter is not an object", 2),
        ("", "Filter is not an object", 1),
        ("{}", "Empty objects are not allowed", 3),
        ('{"a":{}}', "Empty objects are not allowed", 8),
        ('{"a":[]}', "Empty arrays are not allowed", 8),
        ('{"a":"x"}', '"a" must be an object or an array', 7),
        ('{"a":42}', '"a" must be an object or an array', 8),
        ('{"a":null}', '"a" must be an object or an array', 10),
        ('{"a":[["x"]]}', "Match value must be String, number, true, false, or null", 8),
        ('{"a":[{}]}', "Match expression name not found", 9),
        ('{"a":[{"foo":1}]}', "Unrecognized match type foo", 15),
        ('{"my_key": [{"EXISTS": true}]}', "Unrecognized match type EXISTS", 28),
        ('{"a":[{"exists":"true"}]}', "exists match pattern must be either true or false.", 18),
        ('{"a":[{"exists":null}]}', "exists match pattern must be either true or false.", 21),
        ('{"a":[{"prefix":["ab"]}]}', "prefix match pattern must be a string", 18),
        ('{"a":[{"prefix":5}]}', "prefix match pattern must be a string", 18),
        ('{"a":[{"prefix":{}}]}', "Prefix expression name not found", 19),
        ('{"a":[{"prefix":{"suffix":"x"}}]}', "Unsupported prefix pattern: suffix", 28),
        ('{"a":[{"prefix":"x","suffix":"y"}]}', "Only one key allowed in match expression", 31),
        ('{"a":[{"exists":true,"prefix":"y"}]}', "Only one key allowed in match expression", 32),
        (
            "this is no JSON",
            "Unrecognized token 'this': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
            5,
        ),
        (
            "{'a':[1]}",
            "Unexpected character (''' (code 39)): was expecting double-quote to start field name",
            3,
        ),
        ('{"a":[1,]}', "", 10),
        ('{"a":[01]}', "Invalid numeric value: Leading zeroes not allowed", 9),
        ('{"a":[1]', "Unexpected end-of-input: expected close marker for Object", 9),
        (
            '{"a" [1]}',
            "Unexpected character ('[' (code 91)): was expecting a colon to separate field name and value",
            7,
        ),
        ('{"a":[1 2]}', "Unexpected character ('2' (code 50)): was expecting comma to separate Array entries", 10),
        ('{"a":["x', "", None),
        ('{"a":[NaN]}', "Unrecognized token 'NaN'", None),
        ('{"a":[-]}', "", None),
        ('{"a":[+1]}', "", None),
    ],
)
def test_it_says_what_is_wrong_and_where(pattern: str, reason: str, column: int | None) -> None:
    """
    The column is that just past the last token that AWS's parser, which looks one token ahead, has read (PAT 9).
    """
    with pytest.raises(InvalidEventPattern) as caught:
        Pattern(pattern)

    text = caught.value.aws_message
    assert text.startswith(f"Event pattern is not valid. Reason: {reason}")
    assert f'\n at [Source: (String)"{pattern}"; line: 1, column: ' in text
    assert column is None or text.endswith(f"column: {column}]")


def test_lines_count_and_long_texts_are_cut() -> None:
    with pytest.raises(InvalidEventPattern) as caught:
        Pattern('{\n "a": [1],\n "b": 2}')
    with pytest.raises(InvalidEventPattern) as longer:
        Pattern('{"a": ["' + "x" * 600 + '"], "b": 2}')

    assert caught.value.aws_message.endswith("line: 3, column: 8]")
    assert '"[truncated 119 chars]; line: 1' in longer.value.aws_message
