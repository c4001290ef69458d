"""
Faults on purpose: what is drawn, how often, and that the same seed draws the same.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import InvalidInput
from postroom.faults import Crash, Faults, InjectedCrash

QUEUE_KINDS = {
    "short_poll_miss_rate": ("misses", Faults.draws_miss),
    "lost_delete_rate": ("lost_deletes", Faults.draws_lost_delete),
    "false_empty_rate": ("false_empties", Faults.draws_false_empty),
    "throttle_rate": ("throttles", lambda faults, resource: faults.draws_throttle(resource, "send_message")),
}
"""What is asked of a queue and answered by yes or no: by its rate, the name of its scripts and how it is asked."""
every_queue_kind = pytest.mark.parametrize(
    ("rate", "scripts", "ask"), [(rate, *kind) for rate, kind in QUEUE_KINDS.items()], ids=QUEUE_KINDS
)
Ask = Callable[[Faults, str], bool]

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


def all_of_a_queue(rate: float, seed: int = 0, reorder_window: int = 10, **more: Any) -> Faults:
    """
    A plan of all that a queue asks for, but for duplicates.
    """
    return Faults(
        seed,
        reorder_rate=rate,
        reorder_window=reorder_window,
        short_poll_miss_rate=rate,
        lost_delete_rate=rate,
        false_empty_rate=rate,
        throttle_rate=rate,
        **more,
    )


def one_of_a_queue(rate: str, value: float, seed: int = 0) -> Faults:
    given: dict[str, Any] = {rate: value}
    return Faults(seed, **given)


def reorders(faults: Faults, resource: str = "orders", candidates: int = 1_000, count: int = 50) -> list[int]:
    return [faults.draws_reorder(resource, candidates) for _ in range(count)]


def asked(faults: Faults, ask: Ask, resource: str = "orders", count: int = 50) -> list[bool]:
    return [ask(faults, resource) for _ in range(count)]


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


@given(st.integers(), names, rates, st.integers(2, 20), st.lists(st.integers(0, 30), max_size=30))
def test_a_new_plan_of_the_same_seed_repeats_what_a_queue_meets(
    seed: int, name: str, rate: float, window: int, candidates: list[int]
) -> None:
    plans = [all_of_a_queue(rate, seed, window) for _ in range(2)]

    first, second = ([plan.draws_reorder(name, most) for most in candidates] for plan in plans)
    assert first == second
    for _, ask in QUEUE_KINDS.values():
        assert asked(plans[0], ask, name) == asked(plans[1], ask, name)


def test_another_seed_draws_other_faults() -> None:
    drawn = {tuple(crashes(Faults(seed, crash_rate=0.5))) for seed in range(20)}

    assert len(drawn) == 20


def test_another_name_draws_other_faults() -> None:
    faults = Faults(crash_rate=0.5)

    assert len({tuple(crashes(faults, f"function-{number}")) for number in range(20)}) == 20


def test_each_kind_of_fault_is_drawn_apart() -> None:
    faults = all_of_a_queue(
        0.5, crash_rate=0.5, duplicate_rate=0.5, lost_acknowledgement_rate=0.5, latency_rate=0.5, latency=1
    )
    drawn: tuple[Sequence[object], ...] = (
        crashes(faults, "same"),
        duplicates(faults, "same"),
        losses(faults, "same"),
        latencies(faults, "same"),
        reorders(faults, "same"),
        *(asked(faults, ask, "same") for _, ask in QUEUE_KINDS.values()),
    )

    assert len({tuple(bool(fault) for fault in faults) for faults in drawn}) == 9


def test_each_operation_of_a_resource_is_throttled_apart() -> None:
    """
    How often a queue is polled does not decide which of its sends is refused.
    """
    undisturbed = Faults(throttle_rate=0.5)
    alone = [undisturbed.draws_throttle("orders", "send_message") for _ in range(50)]

    faults = Faults(throttle_rate=0.5)
    sends, receives = [], []
    for _ in range(50):
        receives.append(faults.draws_throttle("orders", "receive_messages"))
        sends.append(faults.draws_throttle("orders", "send_message"))

    assert sends == alone
    assert receives != alone


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


@every_queue_kind
@given(seed=st.integers(0, 1000), one=rates, other=rates)
def test_a_higher_rate_keeps_every_fault_of_a_queue(
    rate: str, scripts: str, ask: Ask, seed: int, one: float, other: float
) -> None:
    seldom, often = (one_of_a_queue(rate, value, seed) for value in sorted([one, other]))

    assert all(again or not before for before, again in zip(asked(seldom, ask), asked(often, ask), strict=True))


@given(st.integers(0, 1000), rates, rates, st.lists(st.integers(0, 30), max_size=50))
def test_a_higher_rate_keeps_every_message_that_overtakes(
    seed: int, one: float, other: float, candidates: list[int]
) -> None:
    """
    Also which one it is, whether or not there was anything to choose from before.
    """
    seldom, often = (Faults(seed, reorder_rate=rate) for rate in sorted([one, other]))

    few, many = ([faults.draws_reorder("orders", most) for most in candidates] for faults in (seldom, often))

    assert all(again == place for place, again in zip(few, many, strict=True) if place)


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


def test_what_a_seed_draws_for_a_queue_stays_the_same_from_release_to_release() -> None:
    faults = all_of_a_queue(0.5, seed=7)

    drawn = {
        scripts: "".join("x" if so else "-" for so in asked(faults, ask, count=12))
        for scripts, ask in QUEUE_KINDS.values()
    }

    assert reorders(faults, count=12) == [0, 0, 4, 8, 0, 0, 0, 9, 0, 0, 0, 9]
    assert drawn == {
        "misses": "-x-xxxx-xx--",
        "lost_deletes": "xxx--x-----x",
        "false_empties": "x---xx-x-xxx",
        "throttles": "xxxxx-x-xx-x",
    }


# Rates.


def test_a_rate_of_nothing_draws_nothing() -> None:
    faults = Faults()

    assert not any(duplicates(faults))
    assert not any(crashes(faults))
    assert not any(losses(faults))
    assert not any(latencies(faults))
    assert not any(reorders(faults))
    for _, ask in QUEUE_KINDS.values():
        assert not any(asked(faults, ask))
    assert [draws._streams for draws in faults._draws] == [{}] * 9


def test_a_rate_of_one_draws_a_fault_each_time() -> None:
    faults = all_of_a_queue(1, duplicate_rate=1, crash_rate=1)

    assert all(duplicates(faults))
    assert all(crashes(faults))
    assert all(reorders(faults))
    for _, ask in QUEUE_KINDS.values():
        assert all(asked(faults, ask))


@pytest.mark.parametrize("rate", [0.01, 0.25, 0.9])
def test_faults_come_about_as_often_as_their_rate_says(rate: float) -> None:
    faults = Faults(duplicate_rate=rate, crash_rate=rate)

    assert sum(duplicates(faults, count=10_000)) == pytest.approx(10_000 * rate, abs=150)
    assert len([crash for crash in crashes(faults, count=10_000) if crash]) == pytest.approx(10_000 * rate, abs=150)


@pytest.mark.parametrize("rate", [0.01, 0.25, 0.9])
def test_a_queue_meets_faults_about_as_often_as_their_rate_says(rate: float) -> None:
    faults = all_of_a_queue(rate)

    often = [sum(asked(faults, ask, count=10_000)) for _, ask in QUEUE_KINDS.values()]
    often.append(sum(place > 0 for place in reorders(faults, count=10_000)))

    assert often == [pytest.approx(10_000 * rate, abs=150)] * 5


@pytest.mark.parametrize("rate", [0.1, 1])
def test_half_of_the_crashes_come_before_the_work_and_half_after_it(rate: float) -> None:
    drawn = crashes(Faults(crash_rate=rate), count=10_000)

    assert drawn.count(Crash.BEFORE) == pytest.approx(drawn.count(Crash.AFTER), rel=0.1)


@pytest.mark.parametrize("rate", [-0.01, 1.01, float("nan"), float("inf"), True, False, "0.5", None, -1, 2])
@pytest.mark.parametrize(
    "name",
    ["duplicate_rate", "crash_rate", "lost_acknowledgement_rate", "latency_rate", "reorder_rate", *QUEUE_KINDS],
)
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


@given(st.integers(), st.integers(2, 20), st.integers(0, 30))
def test_a_message_that_overtakes_is_within_the_window_and_there(seed: int, window: int, candidates: int) -> None:
    places = reorders(Faults(seed, reorder_rate=1, reorder_window=window), candidates=candidates)

    most = min(window, candidates)
    assert all(0 < place < most for place in places) if most > 1 else places == [0] * 50


def test_messages_that_overtake_are_spread_evenly_over_the_window() -> None:
    places = reorders(Faults(reorder_rate=1, reorder_window=5), count=10_000)
    of_three = reorders(Faults(reorder_rate=1), candidates=3, count=10_000)

    assert {place: places.count(place) for place in range(5)} == {
        0: 0,
        **dict.fromkeys(range(1, 5), pytest.approx(2_500, abs=150)),
    }
    assert {place: of_three.count(place) for place in range(3)} == {
        0: 0,
        **dict.fromkeys((1, 2), pytest.approx(5_000, abs=150)),
    }


def test_a_question_with_nothing_to_choose_from_counts_as_one() -> None:
    faults, undisturbed = Faults(reorder_rate=0.5), Faults(reorder_rate=0.5)

    assert reorders(faults, candidates=1, count=5) == [0] * 5
    assert reorders(faults, count=20) == reorders(undisturbed, count=25)[5:]


@pytest.mark.parametrize("window", [1, 0, -3])
def test_a_window_of_fewer_than_two_is_refused(window: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        Faults(reorder_rate=0.5, reorder_window=window)

    assert caught.value.aws_message == f"reorder_window={window} leaves nothing to reorder."
    assert "Give 2 or more" in caught.value.help


@pytest.mark.parametrize("window", [True, None, "7", 7.0])
def test_a_window_must_be_an_int(window: Any) -> None:
    with pytest.raises(InvalidInput, match="The reorder_window must be an int"):
        Faults(reorder_window=window)


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
        (Faults, "misses", "Faults() got an unexpected keyword argument 'misses'; Faults.script(misses=…) takes it"),
        (Faults, "miss_rate", "Faults() got an unexpected keyword argument 'miss_rate'; did you mean 'crash_rate'?"),
        (
            Faults.script,
            "reorder_window",
            "Faults.script() got an unexpected keyword argument 'reorder_window'; Faults(reorder_window=…) takes it",
        ),
        (
            Faults.script,
            "throttle",
            "Faults.script() got an unexpected keyword argument 'throttle'; did you mean 'throttles'?",
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


def test_a_plan_shows_the_faults_of_a_queue_if_it_has_them() -> None:
    faults = Faults(3, reorder_rate=0.5, reorder_window=4, throttle_rate=0.1)

    assert repr(faults) == (
        "Faults(3, duplicate_rate=0.0, crash_rate=0.0, reorder_rate=0.5, reorder_window=4, throttle_rate=0.1)"
    )
    assert (faults.reorder_rate, faults.reorder_window, faults.throttle_rate) == (0.5, 4, 0.1)
    assert (Faults().reorder_window, Faults.script().reorder_window) == (10, 10)


def test_a_plan_shows_what_goes_with_a_rate_beside_it() -> None:
    """
    Also if it comes to nothing, because there is no rate.
    """
    assert repr(Faults(reorder_rate=1)) == (
        "Faults(0, duplicate_rate=0.0, crash_rate=0.0, reorder_rate=1.0, reorder_window=10)"
    )
    assert repr(Faults(reorder_window=3, latency=2)) == (
        "Faults(0, duplicate_rate=0.0, crash_rate=0.0, "
        "latency_rate=0.0, latency=2.0, reorder_rate=0.0, reorder_window=3)"
    )


@every_queue_kind
def test_each_rate_of_a_queue_is_shown_and_read(rate: str, scripts: str, ask: Ask) -> None:
    faults = one_of_a_queue(rate, 0.25)

    assert repr(faults) == f"Faults(0, duplicate_rate=0.0, crash_rate=0.0, {rate}=0.25)"
    assert getattr(faults, rate) == 0.25
    assert getattr(Faults(), rate) == 0.0


@pytest.mark.parametrize("name", [*QUEUE_KINDS, "reorder_rate", "reorder_window"])
def test_no_rate_of_a_queue_can_be_changed_under_the_run(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(Faults(), name, 1)


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


@every_queue_kind
def test_a_script_of_what_a_queue_meets_is_followed(rate: str, scripts: str, ask: Ask) -> None:
    given: dict[str, Any] = {scripts: {"orders": [True, False, True]}}
    faults = Faults.script(**given)

    assert faults.unplayed == {"orders": 3}
    assert repr(faults) == f"Faults.script(duplicates={{}}, crashes={{}}, {scripts}={{'orders': [True, False, True]}})"
    assert asked(faults, ask, "another", count=2) == [False, False]
    assert asked(faults, ask, count=4) == [True, False, True, False]
    assert faults.unplayed == {}
    assert [one for one, (_, other) in QUEUE_KINDS.items() if any(asked(faults, other))] == []


def test_a_script_says_which_message_is_taken_next() -> None:
    faults = Faults.script(reorders={"orders": [0, 2, 1]})

    assert faults.unplayed == {"orders": 3}
    assert repr(faults) == "Faults.script(duplicates={}, crashes={}, reorders={'orders': [0, 2, 1]})"
    assert reorders(faults, count=5) == [0, 2, 1, 0, 0]
    assert faults.unplayed == {}


@pytest.mark.parametrize(("candidates", "place"), [(0, 0), (1, 0), (3, 2), (5, 4), (6, 5), (7, 5)])
def test_where_a_script_names_a_message_that_is_not_there_the_last_is_taken(candidates: int, place: int) -> None:
    assert Faults.script(reorders={"orders": [5]}).draws_reorder("orders", candidates) == place


def test_a_script_has_the_window_that_it_needs() -> None:
    faults = Faults.script(reorders={"orders": [3, 24], "stock": [1]})

    assert faults.reorder_window == 25
    assert reorders(faults, candidates=30, count=2) == [3, 24]


def test_a_script_throttles_one_operation_or_each_call() -> None:
    faults = Faults.script(throttles={"orders": [True, False, True], "orders.send_message": [False, True]})
    operations = ["send_message", "purge", "send_message", "receive_messages", "send_message", "purge", "purge"]

    throttled = [faults.draws_throttle("orders", operation) for operation in operations]

    assert throttled == [False, True, True, False, False, True, False]
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
        ({"reorders": {"q": [-1]}}, "reorders['q'] holds -1.", "Give 0 for the next message"),
        ({"reorders": {"q": [True]}}, "reorders['q'] holds True.", "Give 0 for the next message"),
        ({"reorders": {"q": [1.5]}}, "reorders['q'] holds 1.5.", "Give 0 for the next message"),
        ({"reorders": {"q": 2}}, "reorders['q']=2 is no list.", "Give a list of numbers from 0 up for each name"),
        ({"misses": {"q": [0]}}, "misses['q'] holds 0.", "Give True or False for each."),
        ({"lost_deletes": {"q": ["yes"]}}, "lost_deletes['q'] holds 'yes'.", "Give True or False for each."),
        ({"false_empties": [True]}, "false_empties=[True] is no mapping.", "false_empties={'orders': […]}"),
        ({"throttles": {"q": "True"}}, "throttles['q']='True' is no list.", "Give a list of True and False"),
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
