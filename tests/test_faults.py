"""
Faults on purpose: what is drawn, how often, and that the same seed draws the same.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import InvalidInput
from postroom.faults import Crash, Faults, InjectedCrash

rates = st.floats(0, 1)
names = st.text("abc/-", max_size=5)


def crashes(faults: Faults, resource: str = "counter", count: int = 50) -> list[Crash | None]:
    return [faults.draws_crash(resource) for _ in range(count)]


def duplicates(faults: Faults, resource: str = "orders", count: int = 50) -> list[bool]:
    return [faults.draws_duplicate(resource) for _ in range(count)]


def losses(faults: Faults, label: str = "orders->kitchen", count: int = 50) -> list[bool]:
    return [faults.draws_lost_acknowledgement(label) for _ in range(count)]


def latencies(faults: Faults, resource: str = "counter", count: int = 50) -> list[int]:
    return [faults.draws_latency(resource) for _ in range(count)]


# The same seed, the same faults.


@given(st.integers(), names, rates, rates)
def test_a_new_plan_of_the_same_seed_repeats_the_faults(seed: int, name: str, often: float, seldom: float) -> None:
    plans = [
        Faults(
            seed,
            duplicate_rate=often,
            crash_rate=seldom,
            lost_acknowledgement_rate=often,
            latency_rate=seldom,
            latency=5,
        )
        for _ in range(2)
    ]

    assert crashes(plans[0], name) == crashes(plans[1], name)
    assert duplicates(plans[0], name) == duplicates(plans[1], name)
    assert losses(plans[0], name) == losses(plans[1], name)
    assert latencies(plans[0], name) == latencies(plans[1], name)


def test_another_seed_draws_other_faults() -> None:
    drawn = {tuple(crashes(Faults(seed, crash_rate=0.5))) for seed in range(20)}

    assert len(drawn) == 20


def test_another_name_draws_other_faults() -> None:
    faults = Faults(crash_rate=0.5)

    assert len({tuple(crashes(faults, f"function-{number}")) for number in range(20)}) == 20


def test_each_kind_of_fault_is_drawn_apart() -> None:
    faults = Faults(crash_rate=0.5, duplicate_rate=0.5, lost_acknowledgement_rate=0.5, latency_rate=0.5, latency=1)
    drawn = (
        crashes(faults, "same"),
        duplicates(faults, "same"),
        losses(faults, "same"),
        latencies(faults, "same"),
    )

    assert len({tuple(bool(fault) for fault in faults) for faults in drawn}) == 4


@given(st.lists(st.tuples(st.sampled_from(["crash", "duplicate"]), names), max_size=20))
def test_what_others_ask_disturbs_no_answers(others: list[tuple[str, str]]) -> None:
    """
    A resource called "counter" gets the same answers whoever asks in between, and about what.
    """
    undisturbed = crashes(Faults(3, crash_rate=0.5), count=len(others))

    faults = Faults(3, crash_rate=0.5, duplicate_rate=0.5)
    disturbed = []
    for kind, name in others:
        faults.draws_crash(f"another {name}") if kind == "crash" else faults.draws_duplicate(name)
        disturbed.append(faults.draws_crash("counter"))

    assert disturbed == undisturbed


@given(st.integers(0, 1000), rates, rates)
def test_a_higher_rate_keeps_every_fault_of_the_lower_one(seed: int, one: float, other: float) -> None:
    lower, higher = sorted([one, other])

    few = crashes(Faults(seed, crash_rate=lower))
    many = crashes(Faults(seed, crash_rate=higher))

    assert [crash for crash in few if crash] == [crash for kept, crash in zip(few, many, strict=True) if kept]
    assert all(
        twice or not before
        for before, twice in zip(
            duplicates(Faults(seed, duplicate_rate=lower)),
            duplicates(Faults(seed, duplicate_rate=higher)),
            strict=True,
        )
    )


@given(st.integers(0, 1000), rates, rates)
def test_a_higher_rate_keeps_every_loss_and_every_latency_of_the_lower_one(seed: int, one: float, other: float) -> None:
    lower, higher = sorted([one, other])
    seldom, often = (
        Faults(seed, lost_acknowledgement_rate=rate, latency_rate=rate, latency=3) for rate in (lower, higher)
    )

    assert all(again or not lost for lost, again in zip(losses(seldom), losses(often), strict=True))
    assert all(again == span for span, again in zip(latencies(seldom), latencies(often), strict=True) if span)


def test_the_faults_are_the_same_in_every_process() -> None:
    """
    What a seed draws is pinned down, and PYTHONHASHSEED has no part in it.
    """
    program = (
        "from postroom.faults import Faults; faults = Faults(7, crash_rate=0.5, duplicate_rate=0.5); "
        "print(*[faults.draws_crash('counter') for _ in range(6)], *[faults.draws_duplicate('orders') for _ in range(4)])"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }

    assert printed == {"after after None before None None False True True True\n"}


# Rates.


def test_a_rate_of_nothing_draws_nothing() -> None:
    faults = Faults()

    assert not any(duplicates(faults))
    assert not any(crashes(faults))
    assert not any(losses(faults))
    assert not any(latencies(faults))
    assert faults._streams == {}


def test_a_rate_of_one_draws_a_fault_each_time() -> None:
    faults = Faults(duplicate_rate=1, crash_rate=1)

    assert all(duplicates(faults))
    assert all(crashes(faults))


@pytest.mark.parametrize("rate", [0.01, 0.25, 0.9])
def test_faults_come_about_as_often_as_their_rate_says(rate: float) -> None:
    faults = Faults(duplicate_rate=rate, crash_rate=rate)

    assert sum(duplicates(faults, count=10_000)) == pytest.approx(10_000 * rate, abs=150)
    assert len([crash for crash in crashes(faults, count=10_000) if crash]) == pytest.approx(10_000 * rate, abs=150)


@pytest.mark.parametrize("rate", [0.1, 1])
def test_half_of_the_crashes_come_before_the_work_and_half_after_it(rate: float) -> None:
    drawn = crashes(Faults(crash_rate=rate), count=10_000)

    assert drawn.count(Crash.BEFORE) == pytest.approx(drawn.count(Crash.AFTER), rel=0.1)


@pytest.mark.parametrize("rate", [-0.01, 1.01, float("nan"), float("inf"), True, False, "0.5", None, -1, 2])
@pytest.mark.parametrize("name", ["duplicate_rate", "crash_rate", "lost_acknowledgement_rate", "latency_rate"])
def test_a_rate_must_be_a_number_from_0_to_1(name: str, rate: Any) -> None:
    with pytest.raises(InvalidInput, match=f"The {name} must be a number from 0 to 1"):
        Faults(**{name: rate})


@given(st.integers(1, 5_000_000), st.integers())
def test_a_latency_is_above_0_and_up_to_the_longest(longest: int, seed: int) -> None:
    faults = Faults(seed, latency_rate=1, latency=longest / 1_000_000)

    assert all(0 < span <= longest for span in latencies(faults))


def test_latencies_are_spread_evenly() -> None:
    drawn = latencies(Faults(latency_rate=1, latency=4), count=10_000)

    assert sum(drawn) / len(drawn) == pytest.approx(2_000_000, rel=0.02)
    assert min(drawn) == pytest.approx(0, abs=4_000)
    assert max(drawn) == pytest.approx(4_000_000, abs=4_000)


@pytest.mark.parametrize("wrong", [-1, float("nan"), float("inf"), True, "5", None])
def test_a_latency_is_0_or_more_seconds(wrong: Any) -> None:
    with pytest.raises(InvalidInput, match="latency"):
        Faults(latency_rate=0.5, latency=wrong)
    with pytest.raises(InvalidInput, match=r"latencies\['counter'\]="):
        Faults.script(latencies={"counter": [wrong]})


def test_a_rate_of_latencies_needs_a_latency() -> None:
    with pytest.raises(InvalidInput, match=r"latency_rate=0.5 without a latency"):
        Faults(latency_rate=0.5)


@pytest.mark.parametrize("seed", [True, None, "7", 7.0])
def test_a_seed_must_be_an_int(seed: Any) -> None:
    with pytest.raises(InvalidInput, match="The seed of faults must be an int"):
        Faults(seed)


def test_a_kind_of_fault_that_does_not_exist_cannot_be_planned() -> None:
    with pytest.raises(TypeError, match="earthquake_rate"):
        Faults(earthquake_rate=0.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("call", "given", "said"),
    [
        (Faults, "crash", "Faults() got an unexpected keyword argument 'crash'; did you mean 'crash_rate'?"),
        (Faults, "crashes", "Faults() got an unexpected keyword argument 'crashes'; Faults.script(crashes=…) takes it"),
        (Faults.script, "crash", "Faults.script() got an unexpected keyword argument 'crash'; did you mean 'crashes'?"),
        (
            Faults.script,
            "crash_rate",
            "Faults.script() got an unexpected keyword argument 'crash_rate'; Faults(crash_rate=…) takes it",
        ),
    ],
)
def test_a_misspelt_kind_of_fault_is_told_what_it_may_have_been(call: Any, given: str, said: str) -> None:
    with pytest.raises(TypeError) as caught:
        call(**{given: {}})

    assert str(caught.value) == said


def test_a_plan_shows_its_seed_and_rates() -> None:
    faults = Faults(7, duplicate_rate=0.25, crash_rate=1)

    assert repr(faults) == "Faults(7, duplicate_rate=0.25, crash_rate=1.0)"
    assert (faults.seed, faults.duplicate_rate, faults.crash_rate) == (7, 0.25, 1.0)


def test_a_plan_of_all_kinds_shows_them_all() -> None:
    faults = Faults(lost_acknowledgement_rate=0.5, latency_rate=0.25, latency=timedelta(milliseconds=1_500))

    assert repr(faults) == (
        "Faults(0, duplicate_rate=0.0, crash_rate=0.0, lost_acknowledgement_rate=0.5, latency_rate=0.25, latency=1.5)"
    )
    assert (faults.lost_acknowledgement_rate, faults.latency_rate, faults.latency) == (0.5, 0.25, 1.5)


def test_a_plan_cannot_be_changed_under_the_run() -> None:
    with pytest.raises(AttributeError):
        Faults().crash_rate = 1.0  # type: ignore[misc]


# Scripts.


def test_a_script_is_followed_and_then_nothing_fails() -> None:
    faults = Faults.script(
        duplicates={"orders": [False, True]}, crashes={"counter": [Crash.AFTER, None, Crash.BEFORE], "mailer": []}
    )

    assert duplicates(faults, count=4) == [False, True, False, False]
    assert crashes(faults, count=5) == [Crash.AFTER, None, Crash.BEFORE, None, None]
    assert crashes(faults, "mailer", count=2) == [None, None]
    assert crashes(faults, "nobody", count=2) == [None, None]
    assert duplicates(faults, "counter", count=2) == [False, False]


def test_a_script_of_one_kind_leaves_the_other_alone() -> None:
    assert not any(duplicates(Faults.script(crashes={"orders": [Crash.AFTER]})))
    assert not any(crashes(Faults.script(duplicates={"counter": [True]})))


def test_a_script_of_lost_acknowledgements_and_latencies_is_followed() -> None:
    faults = Faults.script(
        lost_acknowledgements={"orders->kitchen": [True, False, True]}, latencies={"counter": [5.0, 0, 0.000_001]}
    )

    assert faults.unplayed == {"orders->kitchen": 3, "counter": 3}
    assert losses(faults, count=4) == [True, False, True, False]
    assert losses(faults, "orders->archive", count=1) == [False]
    assert latencies(faults, count=4) == [5_000_000, 0, 1, 0]
    assert faults.unplayed == {}


def test_what_is_left_of_a_script_is_counted_over_all_kinds() -> None:
    faults = Faults.script(crashes={"counter": [None]}, latencies={"counter": [1, 2]}, duplicates={"orders": []})

    faults.draws_latency("counter")

    assert faults.unplayed == {"counter": 2}
    assert repr(faults) == (
        "Faults.script(duplicates={'orders': []}, crashes={'counter': [None]}, latencies={'counter': [2.0]})"
    )


def test_a_script_shows_what_is_left_of_it() -> None:
    faults = Faults.script(crashes={"counter": [None, Crash.AFTER]})

    faults.draws_crash("counter")

    assert repr(faults) == "Faults.script(duplicates={}, crashes={'counter': [<Crash.AFTER: 'after'>]})"


@pytest.mark.parametrize(
    ("script", "said", "helped"),
    [
        ({"crashes": {"f": ["later"]}}, "crashes['f'] holds 'later'.", "Give Crash.BEFORE, Crash.AFTER, or None"),
        ({"crashes": {"f": [True]}}, "crashes['f'] holds True.", "Give Crash.BEFORE, Crash.AFTER, or None"),
        ({"crashes": {"f": [[]]}}, "crashes['f'] holds [].", "Give Crash.BEFORE, Crash.AFTER, or None"),
        (
            {"crashes": {"f": "before"}},
            "crashes['f']='before' is no list.",
            "Give a list of Crash and None for each name",
        ),
        ({"crashes": ["f"]}, "crashes=['f'] is no mapping.", "crashes={'orders': […]}"),
        (
            {"duplicates": {"q": True}},
            "duplicates['q']=True is no list.",
            "Give a list of True and False for each name",
        ),
        ({"duplicates": {"q": [1]}}, "duplicates['q'] holds 1.", "Give True or False for each."),
        ({"duplicates": {7: [True]}}, "duplicates has the key 7, which is no name.", "duplicates={'orders': […]}"),
        (
            {"lost_acknowledgements": {"a->b": [None]}},
            "lost_acknowledgements['a->b'] holds None.",
            "Give True or False",
        ),
        ({"latencies": {"f": 5}}, "latencies['f']=5 is no list.", "Give a list of seconds for each name"),
    ],
)
def test_a_script_of_something_else_is_refused_with_what_it_may_be(script: Any, said: str, helped: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Faults.script(**script)

    assert caught.value.aws_message == said
    assert helped in caught.value.help


def test_a_script_takes_the_name_of_a_crash_and_anything_that_can_be_iterated() -> None:
    faults = Faults.script(crashes={"counter": iter(["before", None])}, duplicates={})  # type: ignore[dict-item]

    assert crashes(faults, count=2) == [Crash.BEFORE, None]


# Crashes.


def test_work_was_done_only_if_the_crash_came_after_it() -> None:
    assert [crash.work_was_done for crash in (Crash.BEFORE, Crash.AFTER)] == [False, True]


@pytest.mark.parametrize("crash", Crash)
def test_an_injected_crash_says_when_it_happened_and_pickles(crash: Crash) -> None:
    failure = pickle.loads(pickle.dumps(InjectedCrash(crash)))

    assert failure.crash is crash
    assert str(failure) == f"an injected crash, {crash.value} the handler ran"


# Threads.


def test_threads_together_draw_what_one_would_have_drawn() -> None:
    faults = Faults(crash_rate=0.5, duplicate_rate=0.5)

    with ThreadPoolExecutor(8) as pool:
        drawn = [
            crash for some in pool.map(lambda _: crashes(faults, count=500), range(8), timeout=60) for crash in some
        ]

    alone = crashes(Faults(crash_rate=0.5), count=4_000)
    assert {crash: drawn.count(crash) for crash in (*Crash, None)} == {
        crash: alone.count(crash) for crash in (*Crash, None)
    }
