"""
Dialects: who allows what, in which order they look, and that one makes one's own.
"""

from __future__ import annotations

import pickle

import attrs
import pytest

from postroom.errors import InvalidEventPattern
from postroom.patterns._dialects import EVENTBRIDGE, LAMBDA, PIPES, SNS_ATTRIBUTES, SNS_BODY, Dialect
from postroom.patterns._operators import Present, Wildcard
from postroom.patterns._parse import parse
from postroom.patterns._tree import Condition, Either

ALL = [EVENTBRIDGE, SNS_ATTRIBUTES, SNS_BODY, PIPES, LAMBDA]
BY_NAME = {dialect.name: dialect for dialect in ALL}
SNS = [SNS_ATTRIBUTES, SNS_BODY]
ONE_OF_EACH = {
    "exists": '{"exists":true}',
    "exactly": '{"exactly":"x"}',
    "prefix": '{"prefix":"x"}',
    "prefix equals-ignore-case": '{"prefix":{"equals-ignore-case":"x"}}',
    "suffix": '{"suffix":"x"}',
    "suffix equals-ignore-case": '{"suffix":{"equals-ignore-case":"x"}}',
    "equals-ignore-case": '{"equals-ignore-case":"x"}',
    "wildcard": '{"wildcard":"x*"}',
    "numeric": '{"numeric":["=",1]}',
    "cidr": '{"cidr":"10.0.0.0/8"}',
    "anything-but": '{"anything-but":["x"]}',
    "anything-but prefix": '{"anything-but":{"prefix":"x"}}',
    "anything-but suffix": '{"anything-but":{"suffix":"x"}}',
    "anything-but equals-ignore-case": '{"anything-but":{"equals-ignore-case":"x"}}',
    "anything-but wildcard": '{"anything-but":{"wildcard":"x*"}}',
    "anything-but lists": '{"anything-but":{"prefix":["x"]}}',
}


def reasons(pattern: str, dialect: Dialect) -> list[str]:
    try:
        parse(pattern, dialect)
    except InvalidEventPattern as error:
        return [fault.reason for fault in error.faults]
    return []


def values(number: int) -> str:
    return "[" + ",".join(map(str, range(number))) + "]"


def test_there_is_a_sample_of_every_operator() -> None:
    assert ONE_OF_EACH.keys() | {"$or"} == EVENTBRIDGE.operators


@pytest.mark.parametrize("dialect", ALL, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("operator", ONE_OF_EACH)
def test_what_a_dialect_has_is_read_and_what_it_has_not_is_refused(operator: str, dialect: Dialect) -> None:
    has_it = operator in dialect.operators and (
        operator != "anything-but lists" or "anything-but prefix" in dialect.operators
    )

    assert (reasons(f'{{"a":[{ONE_OF_EACH[operator]}]}}', dialect) == []) == has_it


@pytest.mark.parametrize("dialect", ALL, ids=lambda dialect: dialect.name)
def test_every_dialect_has_or(dialect: Dialect) -> None:
    first, *_ = parse('{"$or":[{"a":["x"]},{"b":["y"]}]}', dialect)

    assert isinstance(first, Either)


def test_without_or_it_is_a_key_like_any_other() -> None:
    plain = attrs.evolve(EVENTBRIDGE, operators=EVENTBRIDGE.operators - {"$or"})

    assert [condition.path for condition in parse('{"$or":["x"]}', plain) if isinstance(condition, Condition)] == [
        "$or"
    ]


def test_what_is_not_sure_is_a_switch() -> None:
    (condition,) = parse('{"a":[{"wildcard":"x*"}]}', SNS_BODY.allowing("wildcard"))

    assert condition == Condition("a", (Wildcard("x*"),))
    assert reasons('{"a":[{"anything-but":{"wildcard":"x*"}}]}', SNS_BODY.allowing("wildcard")) == [
        "Unsupported anything-but pattern: wildcard"
    ]


@pytest.mark.parametrize("dialect", ALL, ids=lambda dialect: dialect.name)
def test_a_dialect_is_a_value(dialect: Dialect) -> None:
    again = pickle.loads(pickle.dumps(dialect))

    assert again == dialect
    assert hash(again) == hash(dialect)
    assert repr(dialect) == f"Dialect({dialect.name!r})"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        dialect.name = "other"  # type: ignore[misc]


def test_null_exists_but_for_attributes() -> None:
    pattern = '{"a":[{"exists":true}]}'
    wanted = {dialect.name: parse(pattern, dialect)[0] for dialect in ALL}

    for name, condition in wanted.items():
        assert isinstance(condition, Condition)
        assert condition.wants("x")
        assert condition.wants(0)
        assert condition.wants(None) == (name != SNS_ATTRIBUTES.name) == condition.wants("")
    assert wanted[EVENTBRIDGE.name] == Condition("a", (Present(),))


@pytest.mark.parametrize("dialect", SNS, ids=lambda dialect: dialect.name)
def test_a_policy_has_five_keys_and_what_is_within_does_not_count(dialect: Dialect) -> None:
    assert reasons('{"a":[1],"b":[1],"c":[1],"d":[1],"$or":[{"e":[1]},{"f":[1]},{"g":[1]}]}', dialect) == []
    assert reasons('{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"e":[2]}', dialect) == []
    assert reasons('{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"$or":[{"f":[1]},{"g":[1]}]}', dialect) == [
        "Filter policy can not have more than 5 keys"
    ]


@pytest.mark.parametrize("dialect", SNS, ids=lambda dialect: dialect.name)
def test_a_policy_comes_to_150_combinations(dialect: Dialect) -> None:
    either = '"$or":[{"m":%s},{"t":%s,"$or":[{"i":%s},{"p":%s}]}]'

    assert reasons(f'{{"a":{values(150)}}}', dialect) == []
    assert reasons(f'{{"a":{values(151)}}}', dialect) == ["Filter policy is too complex"]
    assert reasons(f'{{"a":{values(3)},"b":{values(1)},"c":{values(2)}}}', dialect) == []
    fits = either % (values(6), values(4), values(4), values(7))
    assert reasons(f'{{"s":{values(3)},{fits}}}', dialect) == []
    too_many = either % (values(6), values(4), values(4), values(4))
    assert reasons(f'{{"s":{values(4)},{too_many}}}', dialect) == ["Filter policy is too complex"]


def test_depth_weighs() -> None:
    fits = f'"a":{{"b":{{"c":{values(4)}}}}},"d":{{"e":{values(3)}}}'

    assert reasons(f"{{{fits}}}", SNS_BODY) == []
    assert reasons(f'{{{fits},"f":{values(2)}}}', SNS_BODY) == []
    assert reasons(f'{{{fits},"f":{values(3)}}}', SNS_BODY) == ["Filter policy is too complex"]


def test_a_policy_on_attributes_is_flat() -> None:
    with pytest.raises(InvalidEventPattern) as caught:
        parse('{"object":{"key":{"inner":["x"]}}}', SNS_ATTRIBUTES)

    text = "Filter policy scope MessageAttributes does not support nested filter policy"
    assert caught.value.aws_message == text
    assert [(fault.reason, fault.path) for fault in caught.value.faults] == [(text, "object")]
    assert reasons('{"object":{"key":{"inner":["x"]}}}', SNS_BODY) == []
    assert reasons('{"object.key":["x"]}', SNS_ATTRIBUTES) == []


def test_a_policy_is_checked_from_the_outside_in() -> None:
    """
    JSON, then keys, then structure and nesting, then combinations, then what is in the lists.
    """
    six = ",".join(f'"{key}":[1]' for key in "bcdef")
    inside = f'"z":{{"a":[{{"foo":1}}],"s":"x","t":{values(151)}}}'
    found = reasons(f"{{{inside},{six}}}", SNS_ATTRIBUTES)

    assert found == [
        "Filter policy can not have more than 5 keys",
        '"s" must be an object or an array',
        "Filter policy scope MessageAttributes does not support nested filter policy",
        "Filter policy is too complex",
        "Unrecognized match type foo",
    ]
    assert reasons(f"{{{inside},{six}", SNS_ATTRIBUTES)[0].startswith("Unexpected end-of-input")
    assert reasons(f"{{{inside}}}", EVENTBRIDGE) == ["Unrecognized match type foo", '"s" must be an object or an array']


def test_lambda_has_one_text_and_people_are_told_more() -> None:
    with pytest.raises(InvalidEventPattern) as caught:
        parse('{"body":{"state":"paid"},"x":[]}', LAMBDA)

    assert str(caught.value) == (
        "Invalid filter pattern definition.\n"
        '  "state" must be an object or an array (line 1, column 19)\n'
        '  At body.state, write: "state": ["paid"]\n'
        "  There is one more fault; `faults` has all."
    )


def test_one_makes_a_dialect_of_ones_own() -> None:
    ours = attrs.evolve(
        EVENTBRIDGE, name="ours", operators=frozenset({"prefix"}), preamble="No: ", keys_max=1, combinations_max=3
    )

    assert reasons('{"a":[{"prefix":"x"}]}', ours) == []
    with pytest.raises(InvalidEventPattern, match=r"^No: Unrecognized match type suffix"):
        parse('{"a":[{"suffix":"x"}]}', ours)
    assert reasons('{"a":[1],"b":[1]}', ours) == ["Filter policy can not have more than 1 keys"]


def test_limits_are_those_of_the_services() -> None:
    assert {dialect.name: (dialect.chars_max, dialect.combinations_max) for dialect in BY_NAME.values()} == {
        EVENTBRIDGE.name: (4_096, 1_000),
        PIPES.name: (4_096, 1_000),
        LAMBDA.name: (4_096, 1_000),
        SNS_BODY.name: (262_144, 150),
        SNS_ATTRIBUTES.name: (262_144, 150),
    }
