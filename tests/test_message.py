"""
What messages are made of: what is accepted, what is refused with which words, and what digests come out.
"""

from __future__ import annotations

import copy
import pickle
import re
import sys
import uuid
from decimal import Decimal
from hashlib import md5
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import InvalidInput, InvalidMessageContents, InvalidParameterValue, MissingParameter
from postroom.limits import ATTRIBUTE_NAME_MAX_CHARS, MESSAGE_ATTRIBUTES_MAX
from postroom.message import (
    NO_ATTRIBUTES,
    AttributeValue,
    FrozenAttributes,
    Parcel,
    attributes_size,
    body_size,
    check_body,
    format_uuid,
    md5_of_attributes,
    md5_of_body,
    select_attributes,
    to_attributes,
)

INVALID_CHARACTERS = (
    "Invalid characters found. Valid unicode characters are "
    "#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
)
ALLOWED_RANGES = [(0x9, 0xA), (0xD, 0xD), (0x20, 0xD7FF), (0xE000, 0xFFFD), (0x10000, 0x10FFFF)]
GREETING = to_attributes({"General": "Kenobi", "Hello": "There", "Help.Me": "Me"})


class Unprintable:
    def __repr__(self) -> str:
        raise AssertionError("an error must not show a value whose size nobody knows")


def number(value: Any) -> str | bytes:
    return to_attributes({"n": value})["n"].value


def number_text(text: str) -> dict[str, AttributeValue]:
    return {"n": AttributeValue("Number", text)}


def md5_part(raw: bytes) -> bytes:
    return len(raw).to_bytes(4, "big") + raw


# Bodies.


@pytest.mark.parametrize("body", ["x", "2 x tea", "a\tb\nc\rd\r\n", "&quot;\"'", "日本 thé 🍵", "\u00a0\u200b\x7f\x85"])
def test_ordinary_text_is_a_body(body: str) -> None:
    assert check_body(body) is None  # type: ignore[func-returns-value]


def test_a_body_is_refused_exactly_for_the_characters_that_sqs_forbids() -> None:
    """
    Every code point there is: all allowed ones pass together, and each other one is refused alone.
    """
    allowed = {point for first, last in ALLOWED_RANGES for point in range(first, last + 1)}

    check_body("".join(map(chr, sorted(allowed))))
    for point in set(range(sys.maxunicode + 1)) - allowed:
        with pytest.raises(InvalidMessageContents):
            check_body(chr(point))


@pytest.mark.parametrize(
    ("body", "help"),
    [
        ("\x00", "the body has U+0000 at index 0"),
        ("tea\x0b", "the body has U+000B at index 3"),
        ("日本\ufffe", "the body has U+FFFE at index 2"),
        ("two\nlines\ud83d\x01", "the body has U+D83D at index 9"),
    ],
)
def test_a_forbidden_character_is_named_with_its_place(body: str, help: str) -> None:
    with pytest.raises(InvalidMessageContents) as caught:
        check_body(body)

    assert caught.value.aws_message == INVALID_CHARACTERS
    assert help == caught.value.help
    str(caught.value).encode()  # the error itself can be printed


def test_an_empty_body_is_a_missing_one() -> None:
    with pytest.raises(MissingParameter) as caught:
        check_body("")

    assert caught.value.aws_message == "The request must contain the parameter MessageBody."


@pytest.mark.parametrize("body", [b"tea", None, 7, {"tea": 2}, Unprintable()])
def test_a_body_that_is_no_text_cannot_be_sent(body: object) -> None:
    with pytest.raises(InvalidInput, match="The body of a message must be a str"):
        check_body(body)


@given(st.text())
def test_the_size_of_a_body_is_that_of_its_utf8(body: str) -> None:
    assert body_size(body) == len(body.encode())


def test_the_size_of_a_lone_surrogate_is_no_error() -> None:
    assert body_size("a\ud800") == 4


# What becomes an attribute.


@pytest.mark.parametrize(
    ("given_value", "stored"),
    [
        ("green", AttributeValue("String", "green")),
        (b"\x00\xff", AttributeValue("Binary", b"\x00\xff")),
        (7, AttributeValue("Number", "7")),
        (-(10**37), AttributeValue("Number", "-1" + 37 * "0")),
        (0.1, AttributeValue("Number", "0.1")),
        (1e22, AttributeValue("Number", "1e+22")),
        (Decimal("9.50"), AttributeValue("Number", "9.50")),
        (AttributeValue("Number.currency", "007"), AttributeValue("Number.currency", "007")),
        (AttributeValue("String.json", "{}"), AttributeValue("String.json", "{}")),
        (AttributeValue("String.  odd", "x"), AttributeValue("String.  odd", "x")),
        (AttributeValue("Binary.png", b"x"), AttributeValue("Binary.png", b"x")),
    ],
)
def test_each_python_type_has_its_data_type(given_value: Any, stored: AttributeValue) -> None:
    assert {"a": stored} == to_attributes({"a": given_value})


def test_a_float_that_prints_as_something_else_is_still_a_number() -> None:
    class Fancy(float):
        def __repr__(self) -> str:
            return "fancy(0.5)"

    assert number(Fancy(0.5)) == "0.5"


@pytest.mark.parametrize("value", [True, False, None, ["a"], bytearray(b"a"), object(), ("String", "a")])
def test_a_value_of_another_type_has_no_place_in_a_message(value: Any) -> None:
    with pytest.raises(InvalidInput, match="message attribute 'a' must be"):
        to_attributes({"a": value})


@pytest.mark.parametrize("attribute", [AttributeValue("String", 7), AttributeValue(7, "x"), AttributeValue(None, "x")])  # type: ignore[arg-type]
def test_an_attribute_value_made_of_other_types_is_refused(attribute: AttributeValue) -> None:
    with pytest.raises(InvalidInput, match="message attribute 'a' must be"):
        to_attributes({"a": attribute})


@pytest.mark.parametrize("attributes", [[("a", "b")], "a", 7])
def test_attributes_must_be_a_mapping(attributes: Any) -> None:
    with pytest.raises(InvalidInput, match="must be a mapping"):
        to_attributes(attributes)


def test_a_message_has_up_to_ten_attributes_and_no_more() -> None:
    ten = {f"a{i}": "x" for i in range(MESSAGE_ATTRIBUTES_MAX)}

    assert len(to_attributes(ten)) == 10
    with pytest.raises(InvalidParameterValue) as caught:
        to_attributes({**ten, "one_more": "x"})
    assert caught.value.aws_message == "Number of message attributes [11] exceeds the allowed maximum [10]."


def test_more_than_ten_attributes_are_too_many_even_if_frozen_already() -> None:
    eleven = FrozenAttributes({f"a{i}": AttributeValue("String", "x") for i in range(11)})

    with pytest.raises(InvalidParameterValue, match=r"\[11\] exceeds"):
        to_attributes(eleven)


# Names of attributes.


@pytest.mark.parametrize("name", ["a", "A-z_0.9", "attr.1øßä", "Ÿ", "AWS", "aws-x", "AmazonX.y", "7", "-", "a.b.c"])
def test_a_good_name_is_kept(name: str) -> None:
    assert [name] == list(to_attributes({name: "x"}))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "must contain non-empty message (user) attribute names"),
        ("a b", "can only include letters"),
        *[(f"attr{sign}", "can only include letters") for sign in '!"§(?\u00d7\u00f7\n'],
        ("\ud800", "can only include letters"),
        ("Ω", "can only include letters"),
        ("AWS.x", "beginning with 'AWS.' or 'Amazon.'"),
        ("aws.x", "beginning with 'AWS.' or 'Amazon.'"),
        ("aMaZoN.x", "beginning with 'AWS.' or 'Amazon.'"),
        (".a", "start or end with a period"),
        ("a.", "start or end with a period"),
        (".", "start or end with a period"),
        ("a..b", "two in a row"),
    ],
)
def test_a_bad_name_is_refused(name: str, message: str) -> None:
    with pytest.raises(InvalidParameterValue, match=re.escape(message)) as caught:
        to_attributes({name: "x"})

    str(caught.value).encode()


def test_the_first_bad_character_of_a_name_is_pointed_at() -> None:
    with pytest.raises(InvalidParameterValue) as caught:
        to_attributes({"how many?": "x"})

    assert caught.value.help == "'how many?' has U+0020 ( ) at index 3"


def test_a_name_may_have_256_characters_and_no_more() -> None:
    longest = ATTRIBUTE_NAME_MAX_CHARS * "a"

    assert longest in to_attributes({longest: "x"})
    with pytest.raises(InvalidParameterValue, match="257 characters"):
        to_attributes({longest + "a": "x"})


def test_a_name_must_be_text() -> None:
    with pytest.raises(InvalidInput, match="name of a message attribute"):
        to_attributes({7: "x"})  # type: ignore[dict-item]


# Data types.


@pytest.mark.parametrize(
    "data_type",
    ["", "string", "Strings", "Stringprefixed", "String.", "Integer", ".String", "String.\x00", "Number.\ud800"],
)
def test_a_data_type_of_no_known_family_is_refused(data_type: str) -> None:
    with pytest.raises(InvalidParameterValue) as caught:
        to_attributes({"a": AttributeValue(data_type, "1")})

    assert caught.value.aws_message == (
        "The type of message (user) attribute 'a' is invalid. "
        "You must use only the following supported type prefixes: Binary, Number, String."
    )
    str(caught.value).encode()


def test_a_data_type_may_have_256_characters_and_no_more() -> None:
    longest = "String.".ljust(ATTRIBUTE_NAME_MAX_CHARS, "x")

    assert to_attributes({"a": AttributeValue(longest, "x")})["a"].data_type == longest
    with pytest.raises(InvalidParameterValue, match="attribute type must be shorter"):
        to_attributes({"a": AttributeValue(longest + "x", "x")})


@pytest.mark.parametrize(
    ("attribute", "family"),
    [
        (AttributeValue("String", ""), "String"),
        (AttributeValue("String.json", ""), "String"),
        (AttributeValue("Number", ""), "Number"),
        (AttributeValue("Binary", b""), "Binary"),
        (AttributeValue("Binary", "text"), "Binary"),
        (AttributeValue("String", b"bytes"), "String"),
        (AttributeValue("Number.x", b"7"), "Number"),
    ],
)
def test_a_value_must_be_there_and_of_the_family_of_its_type(attribute: AttributeValue, family: str) -> None:
    with pytest.raises(InvalidParameterValue) as caught:
        to_attributes({"a": attribute})

    assert (
        caught.value.aws_message == f"Message (user) attribute 'a' must contain a non-empty value of type '{family}'."
    )


@pytest.mark.parametrize("value", ["\x00", "ok\x1f", "\ud800", "a\nb\uffff"])
def test_forbidden_characters_in_a_value_have_the_text_of_bodies_and_a_code_of_their_own(value: str) -> None:
    with pytest.raises(InvalidParameterValue) as caught:
        to_attributes({"a": value})

    assert caught.value.aws_message == INVALID_CHARACTERS
    assert "message attribute 'a' has U+" in caught.value.help


# Numbers.


@pytest.mark.parametrize(
    "text",
    ["0", "-0", "0e999", "+7", "007", "1.", ".5", "1E+3", "-12.5e-3", "000.000", 38 * "9", "0" * 50 + "1" + "0" * 50],
)
def test_a_number_is_kept_as_it_was_written(text: str) -> None:
    assert text == to_attributes(number_text(text))["n"].value


@pytest.mark.parametrize(
    "text",
    ["x", "1,5", "0x10", "1e", "e5", ".", "+", "--1", "1 ", " 1", "1\n", "1_000", "NaN", "inf", "٣", "1e5.0", "\ud800"],
)
def test_a_number_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameterValue) as caught:
        to_attributes(number_text(text))

    assert caught.value.aws_message == "Can't cast the value of message (user) attribute 'n' to a number."
    str(caught.value).encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), Decimal("NaN"), Decimal("-Infinity")])
def test_nan_and_the_infinities_are_no_numbers(value: float | Decimal) -> None:
    with pytest.raises(InvalidParameterValue, match="Can't cast the value"):
        to_attributes({"n": value})


@pytest.mark.parametrize(
    "text", ["9" * 38, "-0." + "9" * 38, "1" + "0" * 36 + "1", "9" * 38 + "00", "9.9" + "9" * 36 + "e9"]
)
def test_a_number_may_have_38_digits_without_the_zeros_around_them(text: str) -> None:
    assert text == to_attributes(number_text(text))["n"].value


@pytest.mark.parametrize("text", ["9" * 39, "1" + "0" * 37 + "1", "0." + "9" * 39, "9.9" + "9" * 37 + "e9"])
def test_a_number_of_39_digits_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameterValue, match="it has 39 digits"):
        to_attributes(number_text(text))


@pytest.mark.parametrize("text", ["1e126", "-1e126", "1e-128", "-1e-128", "1" + "0" * 126, "0." + "0" * 127 + "1"])
def test_a_number_may_lie_on_the_edge_of_the_magnitudes(text: str) -> None:
    assert text == to_attributes(number_text(text))["n"].value


@pytest.mark.parametrize(
    "text", ["1.1e126", "-1.1e126", "1e127", "9e-129", "-9e-129", "1e-129", "1e" + "9" * 30, "1e-" + "9" * 30]
)
def test_a_number_beyond_the_magnitudes_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameterValue, match="its magnitude must be"):
        to_attributes(number_text(text))


def test_an_int_too_large_to_print_is_refused_like_any_other() -> None:
    with pytest.raises(InvalidParameterValue, match="its magnitude must be"):
        to_attributes({"n": 10**5000})


@given(
    st.integers(-(10**38) + 1, 10**38 - 1)
    | st.floats(allow_nan=False, allow_infinity=False, min_value=1e-100, max_value=1e100)
)
def test_a_number_comes_back_as_the_same_number(value: float) -> None:
    assert value == type(value)(number(value))


# The frozen mapping.


def test_frozen_attributes_refuse_every_change() -> None:
    attributes: Any = to_attributes({"a": "x"})

    for change in (
        lambda: attributes.__setitem__("b", AttributeValue("String", "y")),
        lambda: attributes.__delitem__("a"),
        lambda: attributes.__ior__({"b": AttributeValue("String", "y")}),
        attributes.clear,
        attributes.popitem,
        lambda: attributes.pop("a"),
        lambda: attributes.setdefault("b", None),
        lambda: attributes.update(b=None),
        lambda: setattr(attributes, "b", None),
    ):
        with pytest.raises((TypeError, AttributeError)):
            change()
    assert attributes == {"a": AttributeValue("String", "x")}


def test_frozen_attributes_are_not_those_the_caller_may_still_change() -> None:
    mine: dict[str, Any] = {"a": "x"}
    attributes = to_attributes(mine)

    mine["b"] = "y"

    assert list(attributes) == ["a"]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_frozen_attributes_pickle_and_stay_frozen(protocol: int) -> None:
    again = pickle.loads(pickle.dumps(GREETING, protocol))

    assert again == GREETING
    assert type(again) is FrozenAttributes


def test_frozen_attributes_can_be_copied_and_hashed() -> None:
    assert copy.copy(GREETING) == copy.deepcopy(GREETING) == GREETING
    assert len({GREETING, to_attributes({name: GREETING[name] for name in reversed(list(GREETING))})}) == 1


def test_what_was_checked_before_is_not_checked_again() -> None:
    assert to_attributes(GREETING) is GREETING


@pytest.mark.parametrize("nothing", [None, {}])
def test_no_attributes_are_always_the_same_object(nothing: Any) -> None:
    assert to_attributes(nothing) is NO_ATTRIBUTES


def test_the_size_of_attributes_counts_names_types_and_values_in_bytes() -> None:
    attributes = to_attributes({"é": "日", "b": AttributeValue("Binary.png", b"\x00\xff")})

    assert attributes_size(attributes) == (2 + 6 + 3) + (1 + 10 + 2)
    assert attributes_size(NO_ATTRIBUTES) == 0


# Digests.


@pytest.mark.parametrize(
    ("attributes", "digest"),
    [
        ({"k": "x"}, "a45daa70926828a2f0a1db3418e6feb4"),
        ({"MyAttribute": "foobar"}, "adb59cd4678ea5a855436b949cd07ab6"),
        ({"timestamp": 1493147359900}, "235c5c510d26fb653d073faed50ae77c"),
        ({"General": "Kenobi", "Hello": "There", "Help.Me": "Me"}, "4c360f3fdafd970e05fae2f149d997f5"),
        ({"Help.Me": "Me", "Hello": "There", "General": "Kenobi"}, "4c360f3fdafd970e05fae2f149d997f5"),
        ({"General": "Kenobi", "Hello": "There"}, "fca026605781cb4126a1e9044df24232"),
        (
            {"AWSTraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"},
            "5ae4d5d7636402d80f4eb6d213245a88",
        ),
    ],
)
def test_the_digest_of_attributes_is_the_recorded_one(attributes: dict[str, Any], digest: str) -> None:
    assert digest == md5_of_attributes(to_attributes(attributes))


def test_the_digest_covers_the_label_and_marks_bytes() -> None:
    labelled = to_attributes({"n": AttributeValue("Binary.png", b"\xff")})
    raw = b"\0\0\0\x01n" + b"\0\0\0\x0aBinary.png" + b"\x02" + b"\0\0\0\x01\xff"

    assert md5_of_attributes(labelled) == md5(raw, usedforsecurity=False).hexdigest()


@given(st.lists(st.text("azÀĀ_-", min_size=1), min_size=2, unique=True, max_size=4))
def test_attributes_are_digested_in_the_byte_order_of_their_names(names: list[str]) -> None:
    in_order = sorted(names, key=str.encode)
    parts = [md5_part(name.encode()) + md5_part(b"String") + b"\x01" + md5_part(b"x") for name in in_order]

    assert md5_of_attributes(to_attributes(dict.fromkeys(names, "x"))) == md5(b"".join(parts)).hexdigest()


def test_no_attributes_have_no_digest() -> None:
    assert md5_of_attributes(NO_ATTRIBUTES) is None


def test_the_digest_of_a_body_is_that_of_its_utf8() -> None:
    assert md5_of_body("thé 🍵") == md5(b"th\xc3\xa9 \xf0\x9f\x8d\xb5").hexdigest()


# Which attributes a receiver gets.


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        ([], []),
        (["All"], ["General", "Hello", "Help.Me"]),
        ([".*"], ["General", "Hello", "Help.Me"]),
        (["*"], ["General", "Hello", "Help.Me"]),
        (["nothing", "All"], ["General", "Hello", "Help.Me"]),
        (["Hello"], ["Hello"]),
        (["hello"], []),
        (["Hello", "General", "Hello"], ["General", "Hello"]),
        (["Hel.*"], ["Hello", "Help.Me"]),
        (["Help.*"], ["Help.Me"]),
        (["Help.Me.*"], ["Help.Me"]),
        (["hel.*"], []),
        (["Hel*"], []),
        (["Hel."], []),
        (["all", "unknown", "AWS.", "..foo", "", "."], []),
        (["General", "Help.*"], ["General", "Help.Me"]),
    ],
)
def test_a_receiver_gets_the_attributes_it_names(names: list[str], chosen: list[str]) -> None:
    assert chosen == list(select_attributes(GREETING, names))
    assert chosen == list(select_attributes(GREETING, iter(names)))


def test_chosen_attributes_are_frozen_too() -> None:
    assert type(select_attributes(GREETING, ["Hello"])) is FrozenAttributes
    assert select_attributes(GREETING, ["nothing"]) is NO_ATTRIBUTES
    assert select_attributes(NO_ATTRIBUTES, ["All"]) is NO_ATTRIBUTES


def test_the_wanted_names_are_a_list_and_not_one_name() -> None:
    with pytest.raises(InvalidInput, match="must be a list") as caught:
        select_attributes(GREETING, "All")

    assert caught.value.help == "got 'All'; write ['All']"


# Ids.


@given(st.integers(0, 2**128 - 1))
def test_random_bits_become_the_uuid_that_the_standard_library_makes_of_them(bits: int) -> None:
    assert format_uuid(bits) == str(uuid.UUID(int=bits, version=4))


def test_every_bit_but_six_shows_in_a_uuid() -> None:
    shown = {bit for bit in range(128) if format_uuid(1 << bit) != format_uuid(0)}

    assert set(range(128)) - shown == {62, 63, 76, 77, 78, 79}


@pytest.mark.parametrize("bits", [-1, 2**128])
def test_bits_that_do_not_fit_are_a_mistake(bits: int) -> None:
    with pytest.raises(OverflowError):
        format_uuid(bits)


def test_the_same_seed_draws_the_same_id() -> None:
    assert format_uuid(Random(7).getrandbits(128)) == "6513270e-269e-4d37-b2a7-4de452e6b438"


# Parcels.


def test_a_parcel_starts_with_nothing_but_a_body() -> None:
    assert Parcel("tea")._asdict() == {
        "body": "tea",
        "attributes": {},
        "message_id": None,
        "sent_at": None,
        "first_received_at": None,
        "receive_count": 0,
        "source_arn": None,
        "message_group_id": None,
        "message_deduplication_id": None,
        "sender_id": None,
        "trace_header": None,
        "cause": None,
        "partition_key": None,
        "hops": (),
    }


def test_a_parcel_pickles_compares_and_hashes() -> None:
    parcel = Parcel("tea", GREETING, message_id="1", sent_at=7, receive_count=3)

    assert pickle.loads(pickle.dumps(parcel)) == parcel
    assert hash(parcel._replace()) == hash(parcel)
    assert parcel._replace(receive_count=4) != parcel


def test_a_parcel_never_changes() -> None:
    with pytest.raises(AttributeError):
        Parcel("tea").body = "coffee"  # type: ignore[misc]


def test_the_dict_of_a_parcel_is_made_of_plain_dicts() -> None:
    shown = Parcel("tea", to_attributes({"photo": b"\xff"}), sent_at=7).to_dict()

    assert type(shown["attributes"]) is dict
    assert shown["attributes"] == {"photo": {"data_type": "Binary", "value": b"\xff"}}
    assert (shown["body"], shown["sent_at"], len(shown)) == ("tea", 7, 14)
