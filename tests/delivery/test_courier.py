"""
The courier: in order, confirmed, again by the schedule, at last as dead letters; whoever interrupts, closes or forks.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from postroom import Faults, ManualClock, Observation, SystemClock
from postroom.delivery import PhasedRetries, Round, Route
from postroom.errors import InvalidInput, NotFound, ResourceClosed
from postroom.message import Parcel
from tests.clock.helpers import Started, until
from tests.topic.interrupts import interrupted
from tests.topic.stubs import Box, Sender, Trouble, route_to

if TYPE_CHECKING:
    from postroom.delivery._courier import Failed

S = 1_000_000


def send(sender: Sender, *legs: tuple[Route, str], message_id: str = "m") -> Round:
    """
    As a publish does it.
    """
    one = Round(message_id, sender.clock.now_us(), [(route, Parcel(body)) for route, body in legs])
    try:
        with sender._lock:
            sender.courier.add(one)
        sender.courier.drain()
    except BaseException:
        sender.courier.resume()
        raise
    if sender.clock.has_due:
        sender.clock.run_due()
    return one


def heard(sender: Sender) -> list[tuple[str, str]]:
    """
    What observers are told from now on: kind, and to whom.
    """
    told: list[tuple[str, str]] = []
    sender.observe(lambda seen: told.append((seen.kind, seen.details["to"])))
    return told


def test_it_delivers_in_order_over_all_routes() -> None:
    sender, one, other = Sender(), Box("one"), Box("other")
    first, second = route_to(one), route_to(other)

    send(sender, (first, "a"), (second, "b"))
    send(sender, (second, "c"), (first, "d"))

    assert (one.bodies, other.bodies) == (["a", "d"], ["b", "c"])
    assert (first.delivered, second.delivered) == (2, 2)
    assert sender.courier.stats().delivered == 4


def test_one_that_fails_holds_up_nobody() -> None:
    sender, bad, good = Sender(), Box("bad", [Trouble()] * 2), Box("good")

    send(sender, (route_to(bad), "a"), (route_to(good), "a"))

    assert (bad.bodies, good.bodies) == ([], ["a"])
    sender.manual.advance(1)
    assert bad.bodies == ["a"]


def test_attempts_are_made_at_the_instants_of_the_schedule() -> None:
    clock = ManualClock()
    start = clock.now_us()
    box = Box(plan=[Trouble()] * 5, clock=clock)
    schedule = PhasedRetries(no_delay=2, min_delay=1, backoff=2, max_delay=1)
    send(Sender(clock), (route_to(box, retries=schedule), "a"))

    clock.advance(100)

    assert [at - start for at in box.attempts] == [0, 0, 0, S, 2 * S, 22 * S]
    assert box.bodies == ["a"]


def test_a_retry_is_made_at_its_instant_and_not_before() -> None:
    sender, box = Sender(), Box(plan=[Trouble()] * 2)
    send(sender, (route_to(box), "a"))

    sender.manual.advance(0.999_999)
    assert box.bodies == []
    sender.manual.advance(0.000_001)
    assert box.bodies == ["a"]


@pytest.mark.parametrize("error", [ResourceClosed(), NotFound(), InvalidInput()])
def test_a_permanent_failure_is_not_tried_again(error: Exception) -> None:
    sender, box, dead = Sender(), Box(plan=[error]), Box("dead")

    send(sender, (route_to(box, dead), "a"))

    assert (box.bodies, dead.bodies) == ([], ["a"])
    assert sender.courier.stats() == (0, 1, 1, 0, 0)


def test_what_the_schedule_gives_up_goes_to_the_dead_letter_queue() -> None:
    sender, box, dead = Sender(), Box(plan=[Trouble()] * 3), Box("dead")
    route = route_to(box, dead)
    failures: list[Failed] = []

    def note(parcel: Parcel, failed: Failed) -> Parcel:
        failures.append(failed)
        return parcel

    route.dead_letter = note  # type: ignore[method-assign]
    told = heard(sender)

    send(sender, (route, "a"))
    sender.manual.advance(1)

    assert dead.bodies == ["a"]
    assert [(failed.retries, failed.exhausted) for failed in failures] == [(2, "MaximumRetryAttempts")]
    assert told == [("refused", "queue box")] * 3 + [("dead-lettered", "queue dead")]
    assert (route.refused, route.dead_lettered, route.dropped) == (3, 1, 0)


def test_without_a_dead_letter_queue_it_is_dropped() -> None:
    sender = Sender()
    told = heard(sender)

    send(sender, (route_to(Box(plan=[NotFound("Nobody there.")])), "a"))

    assert told == [("refused", "queue box"), ("dropped", "queue box")]
    assert sender.courier.stats().dropped == 1


@pytest.mark.parametrize("error", [ResourceClosed(), Trouble(), RuntimeError("broken")])
def test_a_dead_letter_queue_that_fails_loses_the_letter_and_holds_up_nobody(error: Exception) -> None:
    """
    Whatever it raises: a round that could never end would keep all others waiting.
    """
    sender, good = Sender(), Box("good")

    send(sender, (route_to(Box(plan=[NotFound()]), Box("dead", [error])), "a"), (route_to(good), "a"))

    assert good.bodies == ["a"]
    assert sender.courier.stats() == (1, 1, 0, 1, 0)


def test_an_error_that_is_not_of_postroom_is_tried_again() -> None:
    sender, box = Sender(), Box(plan=[RuntimeError("broken"), None])

    send(sender, (route_to(box), "a"))

    assert box.bodies == ["a"]


def test_a_destination_is_found_anew_at_each_attempt() -> None:
    sender, there = Sender(), Box("late")
    found: Iterator[Box] = iter([Box("early", [Trouble()]), there])

    send(sender, (route_to(lambda: next(found)), "a"))

    assert there.bodies == ["a"]


def test_a_lost_acknowledgement_delivers_again() -> None:
    sender, box = Sender(faults=Faults.script(lost_acknowledgements={"s->box": [True, False]})), Box()
    told = heard(sender)

    send(sender, (route_to(box), "a"))

    assert box.bodies == ["a", "a"]
    assert told == [("refused", "queue box"), ("delivered", "queue box")]


def test_a_parcel_that_no_destination_is_to_see_is_refused_without_an_attempt() -> None:
    sender, box, dead = Sender(), Box(), Box("dead")
    route = route_to(box, dead)

    with sender._lock:
        sender.courier.add(Round("m", sender.clock.now_us(), [(route, Parcel("a"))], unfit=InvalidInput("too odd")))
    sender.courier.drain()

    assert (box.bodies, dead.bodies) == ([], ["a"])
    assert (route.refused, route.delivered) == (1, 0)


# Re-entrancy and threads.


def test_what_a_destination_sends_meanwhile_comes_after_the_round_it_is_in() -> None:
    sender, one, other = Sender(), Box("one"), Box("other")
    first, second = route_to(one), route_to(other)
    seen: list[str] = []
    other.then = lambda parcel: seen.append(parcel.body)

    def again(parcel: Parcel) -> None:
        if parcel.body == "a":
            send(sender, (first, "b"), (second, "b"))
        seen.append(parcel.body)

    one.then = again
    send(sender, (first, "a"), (second, "a"))

    assert seen == ["a", "a", "b", "b"]


def test_a_destination_may_close_the_sender_while_it_is_delivered_to() -> None:
    """
    What was accepted goes out; what fails after that is not tried again.
    """
    sender, closes, fails, last = Sender(), Box("closes"), Box("fails", [Trouble()]), Box("last")
    closes.then = lambda _: sender.close()

    send(sender, (route_to(closes), "a"), (route_to(fails), "a"), (route_to(last), "a"))
    sender.manual.advance(10)

    assert (last.bodies, fails.bodies) == (["a"], [])
    assert sender.courier.stats() == (2, 1, 0, 1, 0)


def test_a_thread_that_finds_another_at_work_leaves_its_round_there() -> None:
    sender, box = Sender(SystemClock()), Box()
    route = route_to(box)
    others: list[Started[Round]] = []

    def meanwhile(parcel: Parcel) -> None:
        if parcel.body == "a":
            others.append(Started(lambda: send(sender, (route, "b"))))
            others[0].result()  # it does not wait for us
            assert box.bodies == ["a"]

    box.then = meanwhile
    send(sender, (route, "a"))

    assert box.bodies == ["a", "b"]


def test_retries_run_on_a_system_clock_and_not_on_its_own_thread() -> None:
    with SystemClock(speed=1000) as clock:
        sender, box = Sender(clock), Box(plan=[Trouble()] * 2)
        names: list[str] = []
        box.then = lambda _: names.append(threading.current_thread().name)

        send(sender, (route_to(box), "a"))
        until(lambda: names)

    assert box.bodies == ["a"]
    assert names != [f"postroom clock {id(clock):x}"]


def test_a_closed_clock_makes_no_retries_and_fails_no_send() -> None:
    clock = SystemClock()
    sender, box = Sender(clock), Box(plan=[Trouble()])
    clock.close()

    send(sender, (route_to(box), "a"))

    assert sender.courier.stats().retrying == 1


# Closing, forgetting, waiting.


def test_closing_drops_what_waits() -> None:
    sender, box = Sender(), Box(plan=[Trouble()] * 2)
    send(sender, (route_to(box), "a"))
    assert sender.courier.stats().retrying == 1

    sender.close()
    sender.close()
    sender.manual.advance(10)

    assert box.bodies == []
    assert sender.courier.stats() == (0, 2, 0, 1, 0)
    assert list(sender.clock.pending()) == []


def test_a_route_that_is_forgotten_drops_what_waits_on_it_and_nothing_else() -> None:
    sender, box, other = Sender(), Box(plan=[Trouble()] * 2), Box("other", [Trouble()] * 2)
    route = route_to(box)
    sender.observe(lambda seen: None)
    send(sender, (route, "a"), (route_to(other), "a"))

    with sender._lock:
        seen = sender.courier.forget(route)
    sender.manual.advance(10)

    assert [(one.kind, one.details) for one in seen] == [
        ("dropped", {"to": "queue box", "error": "its route was removed"})
    ]
    assert (box.bodies, other.bodies) == ([], ["a"])
    assert route.dropped == 1


def test_the_clock_does_not_stop_where_only_a_forgotten_route_had_something_due() -> None:
    sender, box, other = Sender(), Box(plan=[Trouble()] * 2), Box("other", [Trouble()] * 2)
    route = route_to(box)
    begun = sender.manual.now_us()
    send(sender, (route, "a"))
    sender.manual.advance(0.25)
    send(sender, (route_to(other), "a"))

    with sender._lock:
        sender.courier.forget(route)
    sender.manual.advance_to_next()

    assert (sender.manual.now_us() - begun, other.bodies) == (1_250_000, ["a"])
    assert sender.manual.advance_to_next() is None


def test_forgetting_the_only_route_leaves_the_clock_with_nothing_to_do() -> None:
    sender, box = Sender(), Box(plan=[Trouble()] * 2)
    route = route_to(box)
    send(sender, (route, "a"))

    with sender._lock:
        sender.courier.forget(route)

    assert sender.manual.advance_to_next() is None


def test_a_route_that_was_only_marked_as_removed_drops_it_when_it_is_due() -> None:
    sender, box, dead = Sender(), Box(plan=[Trouble()] * 2), Box("dead")
    route = route_to(box, dead)
    told = heard(sender)
    send(sender, (route, "a"))

    route.removed = True
    sender.manual.advance(1)

    assert (box.bodies, dead.bodies) == ([], [])
    assert told[-1] == ("dropped", "queue box")
    assert sender.courier.stats() == (0, 2, 0, 1, 0)


def test_one_alarm_stands_for_all_that_wait() -> None:
    """
    No timer per message; and retries at one instant, however many, are no endless chain of callbacks.
    """
    sender = Sender()
    route = route_to(Box(plan=[Trouble()] * 60_000))
    with sender._lock:
        for number in range(20_000):
            sender.courier.add(Round(str(number), sender.clock.now_us(), [(route, Parcel("a"))]))
    sender.courier.drain()
    sender.manual.settle()

    assert sender.courier.stats().retrying == 20_000
    assert len(sender.manual._timeline) == 1
    assert [what for _, what in sender.courier.due()] == ["next of 20000 attempts to deliver to queue box"]
    sender.manual.advance(1)
    assert sender.courier.stats().dropped == 20_000


def test_it_says_what_became_of_a_round() -> None:
    sender, dead = Sender(), Box("dead")
    late = Box("late", [Trouble()] * 2)
    one = send(
        sender,
        (route_to(Box("good")), "a"),
        (route_to(late), "a"),
        (route_to(Box("gone", [NotFound()])), "a"),
        (route_to(Box("bad", [NotFound()]), dead), "a"),
    )

    assert sender.courier.fate(one, sender.clock.now_us()) == (
        "1 delivered, 1 dead-lettered (queue bad: in queue dead), 1 dropped (queue gone), "
        "1 retrying (queue late: again in 1.0 s)"
    )
    sender.manual.advance(1)
    assert sender.courier.fate(one, sender.clock.now_us()).startswith("2 delivered, 1 dead-lettered")


def test_a_round_says_how_much_of_it_is_still_to_be_done() -> None:
    sender, box = Sender(), Box()
    told: list[str] = []
    box.then = lambda _: told.append(sender.courier.fate(sender.courier._rounds[0], 0))

    send(sender, (route_to(box), "a"), (route_to(Box("other")), "a"))

    assert told == ["0 delivered, 2 on its way"]


# Ctrl-C.


@pytest.mark.parametrize("heard_by", [[], [lambda _: None]], ids=["alone", "observed"])
@pytest.mark.parametrize("moment", ["send", "retry"])
def test_an_interrupt_at_any_line_loses_nothing_and_leaves_nothing_shut(
    moment: str, heard_by: list[Callable[[Observation], None]]
) -> None:
    """
    And nobody has to send anything for it to go on: the clock takes it up.
    """
    line = 1
    while True:
        sender, dead = Sender(), Box("dead")
        for observer in heard_by:
            sender.observe(observer)
        good, late, bad = Box("good"), Box("late", [Trouble()] * 2), Box("bad", [NotFound()])
        legs = [(route_to(good), "a"), (route_to(late), "a"), (route_to(bad, dead), "a")]
        run: Callable[[], object] = lambda legs=legs, sender=sender: send(sender, *legs)  # type: ignore[misc]  # noqa: E731
        if moment == "retry":
            run()
            run = lambda sender=sender: sender.manual.advance(1)  # type: ignore[misc]  # noqa: E731
        if not interrupted(run, line):
            break
        assert not sender._lock.locked(), f"line {line} leaves the lock shut"
        assert not sender.courier._role, f"line {line} leaves the role taken"
        if moment == "send" and not sender.courier._rounds and not good.bodies:
            line += 1
            continue  # it was not in line yet: the sender's own affair
        sender.manual.settle()
        sender.manual.advance(30)
        for box in (good, late):
            assert set(box.bodies) == {"a"}, f"line {line}: {box}"
        assert set(dead.bodies + bad.bodies) == {"a"}, f"line {line}"
        assert sender.courier.stats().retrying == 0
        assert not sender.courier._rounds
        line += 1

    assert line > 20


def test_an_interrupted_close_can_be_repeated() -> None:
    line = 1
    while True:
        sender, box = Sender(), Box(plan=[Trouble()] * 4)
        send(sender, (route_to(box), "a"))
        send(sender, (route_to(box), "b"))
        if not interrupted(sender.close, line):
            break
        sender.close()
        sender.manual.advance(10)
        assert box.bodies == [], f"line {line}"
        assert sender.courier.stats().retrying == 0
        line += 1

    assert line > 5


def test_what_is_no_exception_passes_through_and_is_taken_up_again() -> None:
    sender, box = Sender(), Box(plan=[KeyboardInterrupt()])

    with pytest.raises(KeyboardInterrupt):
        send(sender, (route_to(box), "a"))
    sender.manual.settle()

    assert box.bodies == ["a"]


# Forks.


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_in_the_middle_of_a_delivery_leaves_no_role_taken() -> None:
    """
    Another thread was at work and is not in the child, which takes up what was in line.
    """
    sender, box = Sender(), Box()
    route = route_to(box)
    status: list[int] = []

    def fork(_: Parcel) -> None:
        box.then = None  # before the fork: the child delivers the same once more, and must not fork again
        Started(forks).result()

    def forks() -> None:
        child = os.fork()
        if child == 0:
            try:
                sender.manual.settle()
                send(sender, (route, "b"))
                os._exit(0 if set(box.bodies) == {"a", "b"} else 1)
            finally:
                os._exit(2)
        status.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    box.then = fork
    send(sender, (route, "a"))

    assert status == [0]
    assert box.bodies == ["a"]
