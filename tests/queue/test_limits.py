"""
What a queue holds its callers to: AWS's numbers unless others are given by name, and each of them is one that can be held to.
"""

from __future__ import annotations

import copy
import json
import pickle
from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import InvalidInput
from postroom.queue._limits import AWS, Limits, check_limits

S = 1_000_000
YEARS = 36_500 * 86_400

# Written down once more, from the facts.
NUMBERS: dict[str, Any] = {
    "message_size": 1_048_576,
    "message_size_min": 1_024,
    "batch_size": 1_048_576,
    "batch_entries": 10,
    "message_attributes": 10,
    "visibility_timeout": 43_200.0,
    "delay": 900.0,
    "retention_min": 60.0,
    "retention_max": 1_209_600.0,
    "wait_time": 20.0,
    "max_messages": 10,
    "max_receive_count": 1_000,
    "in_flight": 120_000,
    "calls_per_second": 300,
    "group_id_length": 128,
    "deduplication_id_length": 128,
    "attempt_id_length": 128,
    "purge_pause": 60.0,
    "redrive_sources": 10,
    "tags": 50,
    "tag_key_length": 128,
    "tag_value_length": 256,
}
SPANS = sorted(name for name, number in NUMBERS.items() if isinstance(number, float))
COUNTS = sorted(NUMBERS.keys() - set(SPANS))
MAY_BE_0 = {"message_attributes", "tags", "tag_value_length"}


def test_limits_are_those_of_aws_unless_given() -> None:
    assert Limits().to_dict() == NUMBERS
    assert Limits() == AWS


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_every_limit_is_overridden_by_its_name_and_leaves_the_others(name: str) -> None:
    number = NUMBERS[name] - 1 if name.endswith("_min") else NUMBERS[name] + 1
    limits = Limits(**{name: number})

    assert limits.to_dict() == {**NUMBERS, name: number}
    assert Limits().replace(**{name: number}) == limits
    assert attrs.evolve(AWS, **{name: number}) == limits
    assert repr(limits) == f"Limits({name}={number!r})"


def test_limits_are_given_by_name_alone() -> None:
    with pytest.raises(TypeError):
        Limits(1_024)  # type: ignore[call-arg]


@pytest.mark.parametrize("make", [Limits, Limits.relaxed().replace])
def test_there_is_no_limit_of_another_name(make: Any) -> None:
    with pytest.raises(TypeError, match="wait_tme"):
        make(wait_tme=20)


@pytest.mark.parametrize("name", [*sorted(NUMBERS), "_wait_time_us", "anything"])
def test_limits_do_not_change(name: str) -> None:
    limits = Limits()

    with pytest.raises(AttributeError):
        setattr(limits, name, 1)
    assert limits == AWS


@pytest.mark.parametrize("limits", [Limits(), Limits.relaxed(), Limits(wait_time=0.1)])
@pytest.mark.parametrize("through", [lambda value: pickle.loads(pickle.dumps(value)), copy.copy, copy.deepcopy])
def test_limits_survive_pickling_and_copying(limits: Limits, through: Any) -> None:
    again = through(limits)

    assert again == limits
    assert hash(again) == hash(limits)
    assert again._wait_time_us == limits._wait_time_us


@pytest.mark.parametrize("limits", [Limits(), Limits.relaxed(), Limits(wait_time=0.1)])
def test_the_plain_form_of_limits_makes_them_again(limits: Limits) -> None:
    assert Limits(**json.loads(json.dumps(limits.to_dict()))) == limits


@pytest.mark.parametrize("limits", [Limits(), Limits.relaxed(), Limits(wait_time=0.1, tags=0)])
def test_the_look_of_limits_makes_them_again(limits: Limits) -> None:
    assert eval(repr(limits)) == limits


# Spans.


@pytest.mark.parametrize("given", [1_800, 1_800.0, timedelta(minutes=30)])
@pytest.mark.parametrize("name", SPANS)
def test_a_span_is_given_in_seconds_or_as_a_timedelta_and_read_in_seconds(name: str, given: Any) -> None:
    limits = Limits.relaxed().replace(**{name: given})

    assert getattr(limits, name) == 1_800.0
    assert type(getattr(limits, name)) is float
    assert getattr(limits, f"_{name}_us") == 1_800 * S


@pytest.mark.parametrize("name", SPANS)
def test_a_span_is_kept_to_the_microsecond(name: str) -> None:
    limits = Limits.relaxed().replace(**{name: timedelta(seconds=1, microseconds=1)})

    assert getattr(limits, name) == 1.000_001
    assert getattr(limits, f"_{name}_us") == 1_000_001


@given(st.integers(0, YEARS * S))
def test_any_span_of_whole_microseconds_comes_back_as_it_was(span: int) -> None:
    limits = Limits(wait_time=timedelta(microseconds=span))

    assert round(limits.wait_time * S) == limits._wait_time_us
    assert Limits(wait_time=limits.wait_time) == limits


@pytest.mark.parametrize("name", SPANS)
def test_a_span_ends_at_100_years(name: str) -> None:
    relaxed = Limits.relaxed()
    if name == "retention_min":
        relaxed = relaxed.replace(retention_max=YEARS)

    assert getattr(relaxed.replace(**{name: YEARS}), name) == YEARS
    with pytest.raises(InvalidInput) as caught:
        relaxed.replace(**{name: timedelta(seconds=YEARS, milliseconds=1)})
    assert name in caught.value.aws_message
    assert "100 years" in caught.value.help


@pytest.mark.parametrize("name", SPANS)
def test_a_span_is_at_least_nothing_and_a_retention_at_least_something(name: str) -> None:
    low_us = 1 if name.startswith("retention") else 0
    relaxed = Limits.relaxed().replace(retention_min=0.000_001)

    assert getattr(relaxed.replace(**{name: low_us / S}), f"_{name}_us") == low_us
    with pytest.raises(InvalidInput, match=name):
        relaxed.replace(**{name: (low_us - 1) / S})


@pytest.mark.parametrize("bad", [True, None, "20", float("nan"), float("inf"), [20], 1e300])
@pytest.mark.parametrize("name", SPANS)
def test_what_is_no_span_is_refused(name: str, bad: Any) -> None:
    with pytest.raises(InvalidInput, match=name) as caught:
        Limits(**{name: bad})

    assert caught.value.help.startswith("Give ")


# Sizes, lengths and numbers.


@pytest.mark.parametrize("name", COUNTS)
def test_a_number_is_at_least_one_unless_none_makes_sense(name: str) -> None:
    low = 0 if name in MAY_BE_0 else 1
    relaxed = Limits.relaxed()

    assert getattr(relaxed.replace(**{name: low}), name) == low
    with pytest.raises(InvalidInput) as caught:
        relaxed.replace(**{name: low - 1})
    assert caught.value.aws_message == f"{name}={low - 1} is no limit."
    assert caught.value.help == f"Give an int, {low} or more."


@pytest.mark.parametrize("bad", [True, None, "10", 10.0, timedelta(seconds=10)])
@pytest.mark.parametrize("name", COUNTS)
def test_what_is_no_number_is_refused(name: str, bad: Any) -> None:
    with pytest.raises(InvalidInput, match=name):
        Limits(**{name: bad})


@pytest.mark.parametrize(("least", "most"), [("message_size_min", "message_size"), ("retention_min", "retention_max")])
def test_a_least_may_meet_its_most_and_not_pass_it(least: str, most: str) -> None:
    assert getattr(Limits(**{least: 5_000, most: 5_000}), least) == 5_000
    with pytest.raises(InvalidInput) as caught:
        Limits(**{least: 5_001, most: 5_000})
    assert least in caught.value.aws_message
    assert most in caught.value.aws_message


# Relaxed ones.


def test_relaxed_limits_refuse_nothing_that_aws_takes() -> None:
    relaxed, aws = Limits.relaxed().to_dict(), Limits().to_dict()
    lowered = {"message_size_min", "retention_min", "purge_pause"}

    assert {name for name, number in relaxed.items() if number < aws[name]} == lowered


def test_relaxed_limits_are_in_the_table_of_their_docstring() -> None:
    text = str(Limits.relaxed.__doc__)
    changed = {name for name, number in Limits.relaxed().to_dict().items() if number != NUMBERS[name]}
    of_ids = {"deduplication_id_length", "attempt_id_length"}

    assert {name for name in changed - of_ids if f"`{name}`" not in text} == set()
    assert {name for name in NUMBERS.keys() - changed if f"`{name}`" in text} == set()


def test_relaxed_limits_are_a_starting_point() -> None:
    limits = Limits.relaxed().replace(wait_time=3_600)

    assert limits.wait_time == 3_600.0
    assert limits.replace(wait_time=timedelta(days=365)) == Limits.relaxed()


# As an argument.


def test_a_queue_that_is_given_no_limits_has_those_of_aws() -> None:
    relaxed = Limits.relaxed()

    assert check_limits(None) is AWS
    assert check_limits(relaxed) is relaxed


@pytest.mark.parametrize("bad", [{"wait_time": 20}, Limits, 10, "relaxed", True])
def test_what_are_no_limits_is_refused(bad: Any) -> None:
    with pytest.raises(InvalidInput, match="limits=") as caught:
        check_limits(bad)

    assert "Limits.relaxed()" in caught.value.help
