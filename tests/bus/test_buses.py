"""
Buses behind buses: the event itself is forwarded, and a circle ends in an error.
"""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from postroom import EventBus, ManualClock, Queue, Region
from postroom.errors import EndlessLoop, MalformedDetail, ResourceClosed
from postroom.message import Parcel
from tests.bus.desk import ALL, Broken, Flaky, drained, ids, made, put


def ring(*names: str) -> list[EventBus]:
    clock = ManualClock()
    return [EventBus(name, clock=clock, seed=1) for name in names]


def closed(buses: list[EventBus], dead: Queue | None = None) -> None:
    """
    Has each forward everything to the next, and the last to the first.
    """
    for bus, following in zip(buses, [*buses[1:], buses[0]], strict=True):
        bus.put_rule(f"to-{following.name}", ALL).put_target(following, dead_letter_queue=dead)


def test_the_event_is_forwarded_as_it_is() -> None:
    clock = ManualClock()
    home, away = (
        Region("us-east-1", clock=clock, seed=1),
        Region("eu-west-1", account="000000000001", clock=clock, seed=2),
    )
    shop, office = home.event_bus("shop"), away.event_bus("office")
    queue = away.queue("orders")
    shop.put_rule("all", ALL).put_target(office)
    office.put_rule("theirs", {"account": ["123456789012"]}).put_target(queue)
    id_ = put(shop)
    [message] = drained(queue)
    event = json.loads(message.body)

    assert (event["id"], event["account"], event["region"]) == (id_, "123456789012", "us-east-1")
    assert office.explain(id_) == "matched rule theirs; delivered to queue orders"


def test_hops_are_the_rules_that_forwarded_it() -> None:
    first, second, third = ring("first", "second", "third")
    place = Flaky("place")
    rules = [
        first.put_rule("a", ALL),
        second.put_rule("b", ALL),
        third.put_rule("c", ALL),
    ]
    for rule, destination in zip(rules, [second, third, place], strict=True):
        rule.put_target(destination)  # type: ignore[arg-type]
    put(first)

    assert place.parcels[0].hops == tuple(rule.arn for rule in rules)


@pytest.mark.parametrize(
    "names",
    [("one",), ("one", "two"), ("one", "two", "three"), ("default", "two")],
    ids=["itself", "two", "three", "the default bus"],
)
def test_a_circle_ends_in_an_error_that_names_it(names: tuple[str, ...]) -> None:
    buses = ring(*names)
    clock = buses[0].clock
    dead = Queue("dead", clock=clock)
    queues = [Queue(f"at-{bus.name}", clock=clock) for bus in buses]
    for bus, queue in zip(buses, queues, strict=True):
        bus.put_rule("keep", ALL).put_target(queue)
    closed(buses, dead)
    with pytest.raises(EndlessLoop) as caught:
        put(buses[0])
    [letter] = drained(dead)
    id_ = json.loads(letter.body)["id"]

    chain = [
        f"bus {bus.name} (rule to-{following.name})"
        for bus, following in zip(buses, [*buses[1:], buses[0]], strict=True)
    ]
    assert caught.value.aws_message == f"The event {id_} went round in a circle: {' -> '.join([*chain, chain[0]])}."
    assert caught.value.resource == names[0]
    # It came to the first bus twice, and everything else went on.
    assert [ids(queue) for queue in queues] == [[id_, id_], *[[id_]] * (len(buses) - 1)]
    attributes = {name: value.value for name, value in letter.attributes.items()}
    first = buses[0].rule(f"to-{(names * 2)[1]}")
    assert attributes["RULE_ARN"] == first.arn
    assert attributes["TARGET_ARN"] == buses[1 % len(buses)].arn
    assert attributes["ERROR_CODE"] == "UNKNOWN"
    assert attributes["RETRY_ATTEMPTS"] == "0"
    assert "EXHAUSTED_RETRY_CONDITION" not in attributes
    [target] = first.targets
    assert (target.delivered, target.refused, target.dead_lettered, target.dropped) == (1, 1, 1, 0)


def test_a_circle_without_a_dead_letter_queue_drops_the_event_and_still_says_so() -> None:
    buses = ring("one", "two")
    closed(buses)
    with pytest.raises(EndlessLoop):
        put(buses[0])

    assert buses[0].rule("to-two").targets[0].dropped == 1
    assert buses[0].stats().retrying == 0
    buses[0].clock.advance(86_400)  # type: ignore[attr-defined]


def test_each_event_goes_round_once_and_each_says_so() -> None:
    buses = ring("one", "two")
    closed(buses)
    with pytest.raises(ExceptionGroup) as caught:
        buses[0].put_events([{"source": "till", "detail_type": "x", "detail": "{}"}] * 3)

    assert [type(error) for error in caught.value.exceptions] == [EndlessLoop] * 3
    assert [bus.stats().put for bus in buses] == [6, 3]


def test_the_error_comes_out_of_the_call_that_drives_the_clock() -> None:
    """
    A put inside a callback is not that call.
    """
    buses = ring("one", "two")
    closed(buses)
    done = []
    buses[0].clock.call_later(1, lambda: done.append(put(buses[0])))
    with pytest.raises(EndlessLoop):
        buses[0].clock.advance(1)  # type: ignore[attr-defined]

    assert len(done) == 1


def test_a_circle_that_a_retry_closes_comes_out_of_the_advance() -> None:
    buses = ring("one", "two")
    clock = buses[0].clock
    closed(buses)
    taken = buses[1].deliver
    plan = [Broken("not now")]

    def deliver(parcel: Parcel) -> None:
        if plan:
            raise plan.pop()
        taken(parcel)

    [target] = buses[0].rule("to-two").targets
    target._route.hand_over = deliver
    put(buses[0])
    with pytest.raises(EndlessLoop):
        clock.advance(1)  # type: ignore[attr-defined]


def test_another_rule_of_the_same_bus_may_forward_what_came_back() -> None:
    """
    It is rules that go round, not buses: one that wants the event for the first time forwards it.
    """
    one, two = ring("one", "two")
    place = Flaky("place")
    one.put_rule("out", {"source": ["till"], "account": ["123456789012"]}).put_target(two)
    two.put_rule("back", ALL).put_target(one)
    one.put_rule("other", ALL).put_target(place)
    with pytest.raises(EndlessLoop, match=r"bus one \(rule out\) -> bus two \(rule back\) -> bus one \(rule out\)"):
        put(one)

    assert [len(parcel.hops) for parcel in place.parcels] == [1, 3]


def test_a_bus_by_its_arn_is_a_bus() -> None:
    region = Region(clock=ManualClock(), seed=1)
    one, two = region.event_bus("one"), region.event_bus("two")
    one.put_rule("out", ALL).put_target(two.arn)
    two.put_rule("back", ALL).put_target(one.arn)
    with pytest.raises(EndlessLoop):
        put(one)

    assert (one.stats().put, two.stats().put) == (2, 1)


def test_a_chain_of_buses_is_no_circle() -> None:
    buses = ring(*(f"bus-{number}" for number in range(40)))
    for bus, following in pairwise(buses):
        bus.put_rule("on", ALL).put_target(following)
    id_ = put(buses[0])

    assert buses[-1].explain(id_) == "matched no rule"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "x",
        "[]",
        "{}",
        '{"source": "x"}',
        '{"version":"0","id":1,"detail-type":"","source":"","account":"","time":"","region":"","resources":[],"detail":{}}',
        "[" * 5_000,
    ],
)
def test_a_bus_takes_nothing_but_events(body: str) -> None:
    bus, _ = made()
    with pytest.raises(MalformedDetail):
        bus.deliver(Parcel(body))

    assert bus.stats().put == 0


def test_a_closed_bus_refuses_what_is_forwarded() -> None:
    one, two = ring("one", "two")
    one.put_rule("out", ALL).put_target(two)
    two.close()
    id_ = put(one)

    assert one.explain(id_) == "matched rule out; dropped: bus two"
    place = Flaky("place")
    one.put_rule("envelope", ALL).put_target(place)
    put(one)
    with pytest.raises(ResourceClosed):
        two.deliver(place.parcels[0])
