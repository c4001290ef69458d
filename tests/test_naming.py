"""
Names: ARNs that survive being taken apart, and what queues, entries, accounts and regions may be called.
"""

from __future__ import annotations

import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import InvalidBatchEntryId, InvalidInput, InvalidParameterValue
from postroom.naming import Arn, check_account, check_batch_entry_id, check_queue_name, check_region_name

REGION = "us-east-1"
ACCOUNT = "123456789012"

STANDARD_TEXT = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
FIFO_TEXT = (
    "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, "
    "must end with .fifo suffix and be 1 to 80 in length."
)
ENTRY_ID_TEXT = (
    "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
    "It can be at most 80 letters long."
)

part = st.text().filter(lambda text: ":" not in text)
arns = st.builds(
    Arn,
    partition=part.filter(bool),
    service=part.filter(bool),
    region=part,
    account=part,
    resource=st.text(min_size=1) | st.from_regex(r"[a-z]{1,5}([:/][a-z]{1,5}){0,3}", fullmatch=True),
)


# ARNs.


@given(arns)
def test_an_arn_written_and_read_is_the_same_arn(arn: Arn) -> None:
    assert Arn.parse(str(arn)) == arn


@given(st.lists(st.text("arn:/-1", max_size=4), max_size=9).map(":".join) | st.text())
def test_a_text_that_is_read_as_an_arn_is_written_the_same(text: str) -> None:
    """
    Every text is refused or comes back unchanged; no part is lost or repaired.
    """
    try:
        arn = Arn.parse(text)
    except InvalidInput:
        return

    assert str(arn) == text


@pytest.mark.parametrize(
    ("arn", "text"),
    [
        (Arn.queue(REGION, ACCOUNT, "orders"), "arn:aws:sqs:us-east-1:123456789012:orders"),
        (Arn.topic(REGION, ACCOUNT, "news"), "arn:aws:sns:us-east-1:123456789012:news"),
        (Arn.function(REGION, ACCOUNT, "counter"), "arn:aws:lambda:us-east-1:123456789012:function:counter"),
        (Arn.stream(REGION, ACCOUNT, "clicks"), "arn:aws:kinesis:us-east-1:123456789012:stream/clicks"),
        (Arn.event_bus(REGION, ACCOUNT, "default"), "arn:aws:events:us-east-1:123456789012:event-bus/default"),
        (Arn.rule(REGION, ACCOUNT, "big"), "arn:aws:events:us-east-1:123456789012:rule/big"),
        (Arn.rule(REGION, ACCOUNT, "big", bus="default"), "arn:aws:events:us-east-1:123456789012:rule/big"),
        (Arn.rule(REGION, ACCOUNT, "big", bus="shop"), "arn:aws:events:us-east-1:123456789012:rule/shop/big"),
    ],
)
def test_each_kind_of_resource_has_its_form(arn: Arn, text: str) -> None:
    assert str(arn) == text
    assert Arn.parse(text) == arn


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("arn:aws:sqs:us-east-1:123456789012:orders.fifo", "orders.fifo"),
        ("arn:aws:sns:us-east-1:123456789012:news", "news"),
        ("arn:aws:sns:us-east-1:123456789012:news:0b6bd2a4-6f3c", "0b6bd2a4-6f3c"),
        ("arn:aws:lambda:us-east-1:123456789012:function:counter", "counter"),
        ("arn:aws:lambda:us-east-1:123456789012:function:counter:live", "counter"),
        ("arn:aws:kinesis:us-east-1:123456789012:stream/clicks", "clicks"),
        ("arn:aws:events:us-east-1:123456789012:event-bus/shop", "shop"),
        ("arn:aws:events:us-east-1:123456789012:event-bus/aws.partner/a.example/b", "aws.partner/a.example/b"),
        ("arn:aws:events:us-east-1:123456789012:rule/big", "big"),
        ("arn:aws:events:us-east-1:123456789012:rule/shop/big", "big"),
        ("arn:aws:events:us-east-1:123456789012:rule/aws.partner/a.example/b/big", "big"),
        ("arn:aws:events:us-east-1:123456789012:archive/old", "old"),
        ("arn:aws:s3:::bucket", "bucket"),
    ],
)
def test_the_name_is_the_last_part_that_names_the_resource(text: str, name: str) -> None:
    assert Arn.parse(text).name == name


@pytest.mark.parametrize(
    ("text", "count"), [("", 1), ("randomstring", 1), ("a:b", 2), ("arn:aws:sns:us-east-1:random", 5)]
)
def test_an_arn_with_too_few_parts_is_told_how_many_it_has(text: str, count: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        Arn.parse(text)

    assert caught.value.aws_message == f"An ARN must have at least 6 elements, not {count}"
    assert repr(text) in caught.value.help


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("urn:aws:sqs:us-east-1:123456789012:orders", "must start with 'arn:'"),
        ("arn::sqs:us-east-1:123456789012:orders", "The partition of an ARN must not be empty"),
        ("arn:aws::us-east-1:123456789012:orders", "The service of an ARN must not be empty"),
        ("arn:aws:sqs:us-east-1:123456789012:", "The resource of an ARN must not be empty"),
    ],
)
def test_an_arn_that_lacks_a_part_is_malformed(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(message)):
        Arn.parse(text)


@pytest.mark.parametrize("text", [None, b"arn:aws:sqs:us-east-1:123456789012:orders", 7])
def test_an_arn_is_text(text: object) -> None:
    with pytest.raises(InvalidInput, match="An ARN must be a str"):
        Arn.parse(text)


@pytest.mark.parametrize("field", ["partition", "service", "region", "account"])
def test_only_the_resource_of_an_arn_may_hold_a_colon(field: str) -> None:
    parts = {"partition": "aws", "service": "sqs", "region": REGION, "account": ACCOUNT, "resource": "a:b"}

    assert Arn(**parts).resource == "a:b"
    with pytest.raises(InvalidInput, match=f"The {field} of an ARN must not hold a colon"):
        Arn(**{**parts, field: "a:b"})


def test_an_arn_is_a_value() -> None:
    arn = Arn.queue(REGION, ACCOUNT, "orders")

    assert {arn} == {Arn.parse(str(arn)), pickle.loads(pickle.dumps(arn))}
    with pytest.raises(AttributeError):
        arn.region = "eu-west-1"  # type: ignore[misc]


# Queues.


@pytest.mark.parametrize("name", ["a", "Orders-2_b", "0", "-", 80 * "x"])
def test_a_queue_may_have_such_a_name(name: str) -> None:
    assert check_queue_name(name) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize(
    ("name", "help"),
    [
        ("", "the name is empty"),
        (81 * "x", "has 81 characters, and 80 are allowed"),
        ("a b", "the name 'a b' has ' ' at index 1"),
        ("a/b", "the name 'a/b' has '/' at index 1"),
        ("orders\n", "has '\\n' at index 6"),
        ("ordérs", "the name 'ordérs' has 'é' at index 3"),
        ("a.b", "the name 'a.b' has '.' at index 1"),
        ("a.fifo", "has '.' at index 1; only a FIFO queue's name ends in .fifo"),
        ("\ud800", "has '\\ud800' at index 0"),
    ],
)
def test_a_bad_name_of_a_queue_is_refused_in_the_words_of_sqs(name: str, help: str) -> None:
    with pytest.raises(InvalidParameterValue) as caught:
        check_queue_name(name)

    assert caught.value.aws_message == STANDARD_TEXT
    assert help in caught.value.help


@pytest.mark.parametrize("name", ["a.fifo", "Orders-2_b.fifo", 75 * "x" + ".fifo"])
def test_a_fifo_queue_may_have_such_a_name(name: str) -> None:
    assert check_queue_name(name, fifo=True) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize(
    ("name", "help"),
    [
        ("", "does not end in .fifo"),
        ("orders", "the name 'orders' does not end in .fifo"),
        ("orders.FIFO", "does not end in .fifo"),
        ("orders.fifo\n", "does not end in .fifo"),
        (".fifo", "the name has nothing before .fifo"),
        ("a.b.fifo", "the name 'a.b.fifo' has '.' at index 1"),
        ("a b.fifo", "the name 'a b.fifo' has ' ' at index 1"),
        (76 * "x" + ".fifo", "has 81 characters, and 80 are allowed"),
    ],
)
def test_a_bad_name_of_a_fifo_queue_is_refused_in_the_words_of_sqs(name: str, help: str) -> None:
    with pytest.raises(InvalidParameterValue) as caught:
        check_queue_name(name, fifo=True)

    assert caught.value.aws_message == FIFO_TEXT
    assert help in caught.value.help


@given(st.text("aZ0_-. é", max_size=4) | st.text("a", min_size=79, max_size=82), st.booleans(), st.booleans())
def test_a_name_is_good_for_at_most_one_kind_of_queue(stem: str, suffix: bool, fifo: bool) -> None:
    name = f"{stem}.fifo" if suffix else stem
    good = re.fullmatch(r"[A-Za-z0-9_-]+(\.fifo)" + ("" if fifo else "{0}"), name) and len(name) <= 80

    if good:
        check_queue_name(name, fifo=fifo)
        with pytest.raises(InvalidParameterValue):
            check_queue_name(name, fifo=not fifo)
    else:
        with pytest.raises(InvalidParameterValue):
            check_queue_name(name, fifo=fifo)


@pytest.mark.parametrize("name", [None, b"orders", 7])
def test_the_name_of_a_queue_is_text(name: object) -> None:
    with pytest.raises(InvalidInput, match="The name of a queue must be a str"):
        check_queue_name(name)


# Entries of batches.


@pytest.mark.parametrize("entry_id", ["a", "0", "order-1_B", 80 * "x"])
def test_an_entry_of_a_batch_may_have_such_an_id(entry_id: str) -> None:
    assert check_batch_entry_id(entry_id) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize("entry_id", ["", 81 * "x", "a b", "a.b", "é", "a\n", "\ud800"])
def test_a_bad_id_of_an_entry_is_refused_in_the_words_of_sqs(entry_id: str) -> None:
    with pytest.raises(InvalidBatchEntryId) as caught:
        check_batch_entry_id(entry_id)

    assert caught.value.aws_message == ENTRY_ID_TEXT
    str(caught.value).encode()


@pytest.mark.parametrize("entry_id", [None, 1, b"a"])
def test_the_id_of_an_entry_is_text(entry_id: object) -> None:
    with pytest.raises(InvalidInput, match="The id of a batch entry must be a str"):
        check_batch_entry_id(entry_id)


# Accounts and regions.


@pytest.mark.parametrize("account", ["123456789012", "000000000000"])
def test_an_account_is_twelve_digits(account: str) -> None:
    assert check_account(account) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize(
    "account",
    ["", 11 * "1", 13 * "1", "12345678901a", "1234-5678-9012", "123456789012\n", 12 * "٣", 123456789012, None],
)
def test_anything_else_is_no_account(account: object) -> None:
    with pytest.raises(InvalidInput, match="An account must be a str of 12 digits"):
        check_account(account)


@pytest.mark.parametrize("name", ["us-east-1", "us-gov-west-1", "us-isob-east-1", "cn-north-1", "here", "a1"])
def test_a_region_may_have_such_a_name(name: str) -> None:
    assert check_region_name(name) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize(
    "name",
    ["", "US-East-1", "us east", "us--east", "-us", "us-", "1us", "us:east", "us/east", "us-east-1\n", "é", None, 7],
)
def test_a_bad_name_of_a_region_is_refused(name: object) -> None:
    with pytest.raises(InvalidInput, match="The name of a region must be"):
        check_region_name(name)
