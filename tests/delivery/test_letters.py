"""
Dead letters: what their attributes say of an error, whatever it is, and what a queue gets that does not take them.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom import AttributeValue, ManualClock, Queue
from postroom.delivery import deliver_letter, error_line, error_text, letter_text
from postroom.errors import InvalidParameterValue, ResourceClosed
from postroom.limits import ERROR_MESSAGE_MAX_BYTES
from postroom.message import Parcel, to_attributes
from tests.topic.stubs import Box, Trouble

LETTER = Parcel("m", to_attributes({"a": "x"}), cause="c")


@given(st.text(st.characters(codec=None), min_size=1, max_size=1_100))
def test_any_text_is_one_that_a_message_may_have(text: str) -> None:
    shown = letter_text(text)

    assert to_attributes({"a": shown})["a"] == AttributeValue("String", shown)
    assert len(shown.encode()) <= ERROR_MESSAGE_MAX_BYTES


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no tea", "no tea"),
        ("a\tb\r\nc \xe4 \U0001f375 \ufffd", "a\tb\r\nc \xe4 \U0001f375 \ufffd"),
        ("\x00\x1b\x0b", r"\x00\x1b\x0b"),
        ("\ud83d\uffff", r"\ud83d\uffff"),
        ("a" + "\U0001f375" * 300, "a" + "\U0001f375" * 255),
        ("\x00" * 300, r"\x00" * 256),
    ],
)
def test_a_text_is_cut_and_escaped_where_it_must_be(text: str, shown: str) -> None:
    assert letter_text(text) == shown


class Mute(Exception):
    """
    Has no words, and no look.
    """

    def __str__(self) -> str:
        raise Trouble

    __repr__ = __str__


class Blank(Exception):
    """
    Has empty ones.
    """

    def __str__(self) -> str:
        return ""

    __repr__ = __str__


@pytest.mark.parametrize(
    ("error", "text", "line"),
    [
        (Trouble("no tea", help="boil some"), "no tea\n  boil some", "no tea"),
        (Trouble(), "Trouble('')", "Trouble('')"),
        (ValueError("no\ntea"), "no\ntea", "ValueError('no\\ntea')"),
        (Mute(), "Mute", "Mute"),
        (Blank(), "Blank", "Blank"),
    ],
)
def test_every_error_has_a_text_and_a_line(error: Exception, text: str, line: str) -> None:
    assert (error_text(error), error_line(error)) == (text, line)


def test_a_queue_that_takes_a_letter_gets_it_with_its_attributes() -> None:
    box = Box()
    deliver_letter(box, LETTER)

    assert box.parcels == [LETTER]


def test_a_queue_that_does_not_gets_it_without() -> None:
    box = Box(plan=[InvalidParameterValue("too large")])
    deliver_letter(box, LETTER)

    assert [(parcel.body, dict(parcel.attributes), parcel.cause) for parcel in box.parcels] == [("m", {}, "c")]


@pytest.mark.parametrize(
    ("error", "letter"),
    [
        (InvalidParameterValue("too large"), Parcel("m")),
        (ResourceClosed("closed"), LETTER),
        (Trouble("not now"), LETTER),
    ],
)
def test_what_attributes_have_no_part_in_is_raised(error: Exception, letter: Parcel) -> None:
    box = Box(plan=[error])
    with pytest.raises(type(error)):
        deliver_letter(box, letter)

    assert box.parcels == []


def test_a_body_that_is_too_large_is_refused_all_the_same() -> None:
    dead = Queue("dead", clock=ManualClock(), maximum_message_size=1_024)
    with pytest.raises(InvalidParameterValue):
        deliver_letter(dead, LETTER._replace(body="x" * 1_025))
