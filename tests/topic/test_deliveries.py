"""
What becomes of a message: retries, dead letters, figures, explanations, observations.
"""

from __future__ import annotations

import gc
import json
import os
import weakref
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from postroom import AttributeValue, Faults, ManualClock, Observation, PublishEntry, Queue, Recorder, Region, Topic
from postroom.clock import Due
from postroom.errors import InvalidInput, ResourceClosed
from postroom.message import Parcel
from postroom.observe import Wire, caused_by
from tests.clock.helpers import Started
from tests.topic.interrupts import interrupted
from tests.topic.stubs import Box, Trouble

S = 1_000_000
ELEVEN = {f"attr{number}": "x" for number in range(11)}


def made(**settings: Any) -> tuple[ManualClock, Topic]:
    clock = ManualClock()
    return clock, Topic("orders", clock=clock, seed=1, **settings)


def received(queue: Queue) -> list[str]:
    return [message.body for message in queue.receive_messages(max_messages=10)]


# Retries.


def test_a_subscriber_that_fails_is_tried_again_by_snss_own_schedule() -> None:
    """
    SNS 10.2, for a queue: three times at once, twice after a second, then slower and slower.
    """
    clock, topic = made()
    start = clock.now_us()
    box = Box(plan=[Trouble()] * 17, clock=clock)
    topic.subscribe(box, raw_message_delivery=True)
    topic.publish("x")

    clock.advance(200)

    seconds = [(at - start) / S for at in box.attempts]
    waits = [round(later - earlier, 3) for earlier, later in pairwise(seconds)]
    assert waits == [0, 0, 0, 1, 1, 1, 1.037, 1.112, 1.26, 1.558, 2.153, 3.342, 5.722, 10.481, 20, 20, 20]
    assert box.bodies == ["x"]


def test_one_that_fails_for_23_days_is_given_up() -> None:
    clock, topic = made()
    dead = Queue("dead", clock=clock)
    subscription = topic.subscribe(Box(plan=[Trouble()] * 20), raw_message_delivery=True, dead_letter_queue=dead)
    subscription.retries = subscription.retries._replace(max_delay=4)  # type: ignore[attr-defined]
    topic.publish("x")

    clock.advance(129)
    assert (subscription.refused, subscription.dead_lettered) == (19, 0)
    clock.advance(1)
    assert (subscription.refused, subscription.dead_lettered) == (20, 1)
    assert received(dead) == ["x"]


def test_a_retry_brings_the_same_message_again() -> None:
    clock, topic = made()
    box = Box(plan=[Trouble()] * 5)
    topic.subscribe(box)
    published = topic.publish("x")
    clock.advance(10)

    envelope = json.loads(box.bodies[0])
    assert envelope["MessageId"] == published.message_id
    assert envelope["Timestamp"] == "2024-01-01T00:00:00.000Z"


def test_a_lost_acknowledgement_delivers_twice() -> None:
    _, topic = made(faults=Faults.script(lost_acknowledgements={"orders->kitchen": [True]}))
    queue = Queue("kitchen", clock=topic.clock)
    topic.subscribe(queue, raw_message_delivery=True)
    topic.publish("x")

    assert queue.stats().sent == 2
    assert (topic.stats().refused, topic.stats().delivered) == (1, 1)


def test_retries_at_once_are_over_when_publish_returns() -> None:
    _, topic = made()
    box = Box(plan=[Trouble()] * 3)
    topic.subscribe(box, raw_message_delivery=True)
    topic.publish("x")

    assert box.bodies == ["x"]


# Dead letters.


@pytest.mark.parametrize("raw", [True, False])
def test_a_closed_queues_messages_go_aside_at_once(raw: bool) -> None:
    """
    SNS 10.5: what the queue would have got.
    """
    clock, topic = made()
    queue, dead = Queue("kitchen", clock=clock), Queue("dead", clock=clock)
    subscription = topic.subscribe(queue, raw_message_delivery=raw, dead_letter_queue=dead)
    queue.close()
    topic.publish("m", attributes={"attr1": 111, "attr2": b"\x02\x03"})

    [letter] = dead.receive_messages()
    assert (subscription.refused, subscription.dead_lettered) == (1, 1)
    if raw:
        assert (letter.body, set(letter.attributes)) == ("m", {"attr1", "attr2"})
    else:
        assert letter.attributes == {}
        assert json.loads(letter.body)["MessageAttributes"]["attr2"] == {"Type": "Binary", "Value": "AgM="}
        assert subscription.arn in letter.body
    assert letter.receive_count == 1


def test_a_dead_letter_that_is_too_large_with_its_attributes_goes_without() -> None:
    clock, topic = made()
    queue, dead = Queue("kitchen", clock=clock), Queue("dead", clock=clock, maximum_message_size=1_024)
    subscription = topic.subscribe(queue, raw_message_delivery=True, dead_letter_queue=dead)
    queue.close()
    topic.publish("m", attributes={"long": "x" * 1_024})
    topic.publish("m" * 1_025)

    [letter] = dead.receive_messages(max_messages=10)
    assert (letter.body, dict(letter.attributes)) == ("m", {})
    assert (subscription.dead_lettered, subscription.dropped) == (1, 1)


@pytest.mark.parametrize("kind", ["function", "delivery stream"])
@pytest.mark.parametrize("raw", [True, False])
def test_a_dead_letter_of_another_endpoint_is_what_a_queue_would_have_got(kind: str, raw: bool) -> None:
    _, topic = made()
    dead = Box("dead")
    topic.subscribe(Box(kind=kind, plan=[ResourceClosed()]), raw_message_delivery=raw, dead_letter_queue=dead)
    published = topic.publish("m", subject="S", attributes={"n": 7})

    [letter] = dead.parcels
    if raw and kind == "delivery stream":
        assert (letter.body, letter.attributes) == ("m", {"n": AttributeValue("Number", "7")})
    else:
        assert list(json.loads(letter.body))[:4] == ["Type", "MessageId", "TopicArn", "Subject"]
        assert json.loads(letter.body)["MessageAttributes"] == {"n": {"Type": "Number", "Value": "7"}}
        assert not letter.attributes
    assert letter.cause == published.message_id


def test_eleven_attributes_reach_no_queue_raw() -> None:
    """
    SNS 8.3: no attempt is made and none made again; the dead letter is the text alone.
    """
    clock, topic = made()
    raw, enveloped, dead = Queue("raw", clock=clock), Queue("enveloped", clock=clock), Queue("dead", clock=clock)
    subscription = topic.subscribe(raw, raw_message_delivery=True, dead_letter_queue=dead)
    topic.subscribe(enveloped)
    published = topic.publish("m", attributes=ELEVEN)
    clock.advance(60)

    assert (raw.stats().sent, enveloped.stats().sent) == (0, 1)
    [letter] = dead.receive_messages()
    assert (letter.body, letter.attributes) == ("m", {})
    assert (subscription.refused, topic.stats().retrying) == (1, 0)
    assert topic.explain(published.message_id).endswith("1 delivered, 1 dead-lettered (queue raw: in queue dead)")


def test_ten_attributes_do() -> None:
    clock, topic = made()
    raw = Queue("raw", clock=clock)
    topic.subscribe(raw, raw_message_delivery=True)
    topic.publish("m", attributes=dict(list(ELEVEN.items())[:10]))

    assert len(raw.receive_messages()[0].attributes) == 10


@pytest.mark.parametrize("attributes", [{"AWS.x": "y"}, {"a": "bell \x07"}, {"a": AttributeValue("Number", "9" * 39)}])
def test_attributes_that_only_a_topic_takes_reach_no_queue_raw(attributes: Any) -> None:
    clock, topic = made()
    raw, dead = Queue("raw", clock=clock), Queue("dead", clock=clock)
    topic.subscribe(raw, raw_message_delivery=True, dead_letter_queue=dead)
    topic.publish("m", attributes=attributes)

    assert (raw.stats().sent, received(dead)) == (0, ["m"])


@pytest.mark.parametrize("text", ["bell \x07", "not \ufffe", "nul \x00"])
def test_a_text_that_no_queue_takes_reaches_none_raw_and_all_in_an_envelope(text: str) -> None:
    clock, topic = made()
    raw, enveloped, dead = Queue("raw", clock=clock), Queue("enveloped", clock=clock), Queue("dead", clock=clock)
    subscription = topic.subscribe(raw, raw_message_delivery=True, dead_letter_queue=dead)
    topic.subscribe(enveloped)
    topic.publish(text)

    assert (raw.stats().sent, dead.stats().sent, subscription.dropped) == (0, 0, 1)
    assert json.loads(received(enveloped)[0])["Message"] == text


def test_a_queue_that_takes_less_than_the_topic_refuses_for_good() -> None:
    clock, topic = made()
    small, dead = Queue("small", clock=clock, maximum_message_size=1_024), Queue("dead", clock=clock)
    topic.subscribe(small, raw_message_delivery=True, dead_letter_queue=dead)
    topic.publish("x" * 1_024)
    topic.publish("x" * 1_025)

    assert (small.stats().sent, dead.stats().sent) == (1, 1)


def test_a_dead_letter_queue_that_is_closed_loses_it() -> None:
    clock, topic = made()
    dead = Queue("dead", clock=clock)
    subscription = topic.subscribe(Box(plan=[ResourceClosed()]), dead_letter_queue=dead)
    dead.close()
    topic.publish("x")

    assert (subscription.dead_lettered, subscription.dropped, topic.stats().dropped) == (0, 1, 1)


# Inside one another.


def test_a_subscriber_that_publishes_to_the_same_topic() -> None:
    _, topic = made()
    first, second = Box("first"), Box("second")
    for box in (first, second):
        topic.subscribe(box, raw_message_delivery=True)

    def again(parcel: Parcel) -> None:
        if parcel.body == "a":
            topic.publish("b")

    first.then = again
    topic.publish("a")

    assert first.bodies == second.bodies == ["a", "b"]


def test_a_subscriber_may_unsubscribe_itself_and_close_the_topic() -> None:
    _, topic = made()
    first, second = Box("first"), Box("second")
    subscription = topic.subscribe(first, raw_message_delivery=True)
    topic.subscribe(second, raw_message_delivery=True)

    def leave(_: Parcel) -> None:
        topic.unsubscribe(subscription)
        topic.close()

    first.then = leave
    topic.publish("a")

    assert first.bodies == second.bodies == ["a"]
    assert topic.closed


# Figures and explanations.


def test_figures_add_up() -> None:
    clock, topic = made()
    queue, dead = Queue("kitchen", clock=clock), Queue("dead", clock=clock)
    topic.subscribe(queue, raw_message_delivery=True)
    topic.subscribe(Box("gone", plan=[ResourceClosed()] * 2), dead_letter_queue=dead)
    topic.subscribe(Box("late", plan=[Trouble()] * 8))
    topic.publish_batch(["a", PublishEntry("b"), ""])

    assert topic.stats().to_dict() == {
        "subscriptions": 3,
        "published": 2,
        "delivered": 2,
        "refused": 10,
        "retrying": 2,
        "dead_lettered": 2,
        "dropped": 0,
    }
    assert repr(topic) == "<Topic orders: 3 subscriptions, 2 published, 2 retrying>"
    topic.close()
    assert repr(topic) == "<Topic orders: closed, 2 published, 0 retrying>"
    assert topic.stats().dropped == 2
    assert str(topic) == "topic orders"


def test_it_explains_what_became_of_a_message() -> None:
    clock, topic = made()
    topic.subscribe(Queue("kitchen", clock=clock))
    topic.subscribe(Box("late", plan=[Trouble()] * 4))
    published = topic.publish("x")

    clock.advance(0.5)
    assert topic.explain(published.message_id) == (
        "published 0.5 s ago: 1 delivered, 1 retrying (queue late: again in 0.5 s)"
    )
    clock.advance(0.5)
    assert topic.explain(published.message_id) == "published 1.0 s ago: 2 delivered"


def test_it_explains_what_was_dropped() -> None:
    _, topic = made()
    topic.subscribe(Box("gone", plan=[ResourceClosed()]))
    published = topic.publish("x")

    assert topic.explain(published.message_id) == "published 0.0 s ago: 0 delivered, 1 dropped (queue gone)"


def test_it_knows_nothing_of_other_messages() -> None:
    _, topic = made()
    first = topic.publish("x").message_id
    for _ in range(999):
        topic.publish("x")

    assert topic.explain(first) == "published 0.0 s ago: 0 delivered"
    topic.publish("x")
    assert topic.explain(first).startswith("unknown")
    assert topic.explain("no such id").startswith("unknown")
    with pytest.raises(InvalidInput):
        topic.explain(7)  # type: ignore[arg-type]


def test_what_it_remembers_of_a_message_is_not_the_message() -> None:
    """
    A thousand messages of 256 KiB would be much to remember.
    """
    _, topic = made()
    topic.subscribe(Box(), raw_message_delivery=True)
    topic.publish("x" * 200_000)
    topic.publish("x", attributes={"a": 1})

    assert all(one.legs == () for one in topic._core.recent)


def test_pending_says_when_the_next_attempts_are_due() -> None:
    clock, topic = made()
    topic.subscribe(Box("late", plan=[Trouble()] * 8))
    topic.publish("x")
    topic.publish("y")

    at = clock.now_us() + S
    assert clock.pending() == [Due(at, "topic orders", "next of 2 attempts to deliver to queue late")]
    assert clock.advance_to_next() == at / S


def test_wires_lead_to_endpoints_and_dead_letter_queues() -> None:
    clock, topic = made()
    queue, dead = Queue("kitchen", clock=clock), Queue("dead", clock=clock)
    topic.subscribe(queue, raw_message_delivery=True, dead_letter_queue=dead)
    topic.subscribe(Box("audit"))
    topic.subscribe("arn:aws:sqs:us-east-1:123456789012:late")

    assert topic.wires() == [
        Wire("topic orders", "queue kitchen", "raw"),
        Wire("topic orders", "queue dead", "from queue kitchen", "dead letters"),
        Wire("topic orders", "queue audit", "enveloped"),
        Wire("topic orders", "arn:aws:sqs:us-east-1:123456789012:late", "enveloped"),
    ]


# Observers.


def test_observers_are_told_in_order() -> None:
    clock, topic = made()
    queue, dead = Queue("kitchen", clock=clock), Queue("dead", clock=clock)
    told: list[Observation] = []
    for resource in (topic, queue, dead):
        resource.observe(told.append)
    topic.subscribe(queue, raw_message_delivery=True)
    topic.subscribe(Box("gone", plan=[ResourceClosed("The queue gone is closed.")]), dead_letter_queue=dead)
    published = topic.publish("x", subject="S")

    assert [(one.resource, one.kind) for one in told] == [
        ("topic orders", "published"),
        ("queue kitchen", "sent"),
        ("topic orders", "delivered"),
        ("topic orders", "refused"),
        ("queue dead", "sent"),
        ("topic orders", "dead-lettered"),
    ]
    assert [one.sequence for one in told] == sorted(one.sequence for one in told)
    assert told[0].message_id == published.message_id
    assert told[0].details == {"body": "x", "subscriptions": 2, "subject": "S"}
    assert told[1].details["caused_by"] == (published.message_id,)
    assert told[2].details == {"to": "queue kitchen"}
    assert told[3].details == {"to": "queue gone", "error": "The queue gone is closed.", "retry": 0}
    assert told[5].details == {"to": "queue dead", "error": "The queue gone is closed."}


def test_a_story_goes_through_the_topic() -> None:
    region = Region(clock=ManualClock(), seed=1)
    topic, queue = Topic("orders", home=region), region.queue("kitchen")
    recorder = Recorder(topic, queue)
    topic.subscribe(queue)
    published = topic.publish("x")

    story = recorder.story(published.message_id)
    assert {one.resource for one in story.observations} == {"topic orders", "queue kitchen"}


def test_what_made_a_handler_publish_is_the_cause() -> None:
    _, topic = made()
    told: list[Observation] = []
    topic.observe(told.append)
    with caused_by("an order"):
        topic.publish("x")
        topic.publish_batch(["y"])

    assert [one.details["caused_by"] for one in told] == [("an order",)] * 2


def test_an_observer_that_publishes_and_one_that_raises() -> None:
    _, topic = made()
    box = Box()
    topic.subscribe(box, raw_message_delivery=True)

    def again(seen: Observation) -> None:
        if seen.kind == "delivered" and len(box.bodies) == 1:
            topic.publish("again")
        raise RuntimeError("an observer")

    topic.observe(again)
    topic.publish("x")

    assert box.bodies == ["x", "again"]


# Closing and forking.


def test_closing_drops_retries_and_tells_so() -> None:
    clock, topic = made()
    box = Box(plan=[Trouble()] * 4)
    topic.subscribe(box)
    published = topic.publish("x")
    told: list[Observation] = []
    topic.observe(told.append)
    topic.close()
    topic.close()
    clock.advance(100)

    assert box.bodies == []
    assert [(one.kind, one.details["error"]) for one in told] == [("dropped", "the topic orders was closed")]
    assert topic.explain(published.message_id).endswith("1 dropped (queue box)")


def test_a_topic_that_nobody_holds_is_gone() -> None:
    clock, topic = made()
    topic.subscribe(Queue("kitchen", clock=clock))
    topic.publish("x")
    gone = weakref.ref(topic)
    del topic
    gc.collect()

    assert gone() is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_in_the_middle_of_a_publish() -> None:
    """
    The thread that delivered is not in the child, which takes up what was in line.
    """
    _, topic = made()
    box = Box()
    topic.subscribe(box, raw_message_delivery=True)
    status: list[int] = []

    def fork(_: Parcel) -> None:
        box.then = None  # before the fork: the child delivers the same once more, and must not fork again
        Started(forks).result()

    def forks() -> None:
        child = os.fork()
        if child == 0:
            try:
                topic.publish("b")
                topic.close()
                os._exit(0 if set(box.bodies) == {"a", "b"} else 1)
            finally:
                os._exit(2)
        status.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    box.then = fork
    topic.publish("a")

    assert (status, box.bodies) == ([0], ["a"])


CALLS: list[Callable[[Topic], object]] = [
    lambda topic: topic.publish("new"),
    lambda topic: topic.publish("new", subject="S"),
    lambda topic: topic.publish_batch(["new", "newer"]),
    lambda topic: topic.deliver(Parcel("new")),
]


@pytest.mark.parametrize("call", CALLS, ids=["plain", "enveloped", "batch", "deliver"])
def test_an_interrupt_at_any_line_leaves_no_lock_shut_and_finishes_what_was_begun(
    call: Callable[[Topic], object],
) -> None:
    """
    All of the subscribers get what was published, or none; and the next message finds all as it was.
    """
    line = 1
    while True:
        clock, topic = made()
        topic.observe(lambda seen: None)
        boxes = [Box(f"box-{number}", [Trouble()] * number) for number in range(4)]
        for box in boxes:
            topic.subscribe(box, raw_message_delivery=True)
        if not interrupted(lambda topic=topic: call(topic), line):  # type: ignore[misc]
            break
        assert not topic._lock.locked(), f"line {line} leaves the lock shut"
        clock.settle()
        clock.advance(60)
        assert len({frozenset(box.bodies) for box in boxes}) == 1, f"line {line}: {[box.bodies for box in boxes]}"
        topic.publish("next")
        assert all(box.bodies[-1] == "next" for box in boxes), f"line {line}"
        line += 1

    assert line > 20
