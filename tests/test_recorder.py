"""
Recorders: what they keep, in which order, and the story of one message as text and as Mermaid.
"""

from __future__ import annotations

import json
import pickle
import random
from typing import Any

import pytest

from postroom import ManualClock, Observation, Queue, Recorder, Region
from postroom.errors import InvalidInput, NotFound
from postroom.recorder import Story
from tests.clock.helpers import Started

T0 = 1_704_067_200_000_000


def seen(sequence: int, at_s: float = 0, message_id: str = "m", kind: Any = "sent", **details: Any) -> Observation:
    return Observation(sequence, T0 + round(at_s * 1_000_000), kind, "queue orders", message_id, details)


class Source:
    """
    Tells whatever it is given to whoever listens.
    """

    def __init__(self) -> None:
        self.observers: list[Any] = []

    def observe(self, observer: Any) -> None:
        self.observers.append(observer)

    def unobserve(self, observer: Any) -> None:
        self.observers.remove(observer)

    def tell(self, *observations: Observation) -> None:
        for observation in observations:
            for observer in self.observers:
                observer(observation)


def recorded(*observations: Observation, most: int = 100_000) -> Recorder:
    source = Source()
    recorder = Recorder(source, most=most)
    source.tell(*observations)
    return recorder


# What it keeps.


def test_the_oldest_make_room_and_are_counted() -> None:
    recorder = recorded(*(seen(number, message_id=f"m{number // 2}") for number in range(10)), most=5)

    assert [one.sequence for one in recorder] == [5, 6, 7, 8, 9]
    assert len(recorder) == 5
    assert recorder.message_ids == ["m2", "m3", "m4"]
    assert [one.sequence for one in recorder.story("m2").observations] == [5]
    assert repr(recorder) == "<Recorder of 5 observations of 3 messages, 5 older ones dropped>"
    with pytest.raises(NotFound):
        recorder.story("m1")


@pytest.mark.parametrize("most", [0, -1, True, 1.5, "many", None])
def test_what_it_keeps_is_1_or_more(most: Any) -> None:
    with pytest.raises(InvalidInput, match="most="):
        Recorder(most=most)


def test_a_recorder_that_has_heard_nothing_is_still_one() -> None:
    assert Recorder()
    assert len(Recorder()) == 0
    assert list(Recorder()) == []


def test_order_is_that_of_the_numbers_however_threads_deliver() -> None:
    numbers = list(range(1, 501))
    random.Random(1).shuffle(numbers)
    recorder = recorded(*(seen(number, at_s=number) for number in numbers))

    assert [one.sequence for one in recorder] == sorted(numbers)
    assert [one.sequence for one in recorder.story("m").observations] == sorted(numbers)


def test_threads_that_deliver_at_once_lose_nothing() -> None:
    source = Source()
    recorder = Recorder(source, most=150)
    threads = [
        Started(lambda start=start: source.tell(*(seen(start + n, message_id=str(n % 3)) for n in range(100))))  # type: ignore[misc]
        for start in (0, 1_000, 2_000)
    ]
    for thread in threads:
        thread.result()

    assert len(list(recorder)) == 150
    assert sum(len(recorder.story(one).observations) for one in recorder.message_ids) == 150


def test_two_sources_of_the_same_observation_are_one() -> None:
    region = Region(clock=ManualClock())
    queue = region.queue("orders")
    recorder = Recorder(region, queue, region)
    queue.send_message("a")

    assert len(recorder) == 1


def test_a_closed_recorder_hears_nothing_more_and_keeps_what_it_has() -> None:
    region = Region(clock=ManualClock())
    with Recorder(region) as recorder:
        sent = region.queue("orders").send_message("a")
    recorder.close()
    region.queue("orders").send_message("b")
    region.queue("later").send_message("c")

    assert [one.message_id for one in recorder] == [sent.message_id]
    assert region.queue("later")._core.log is None


def test_an_unknown_message_is_not_found_and_it_says_what_is_known() -> None:
    recorder = recorded(seen(1))

    with pytest.raises(NotFound, match=r"'nobody'(.|\n)*<Recorder of 1 observations of 1 messages>") as caught:
        recorder.story("nobody")
    assert isinstance(caught.value, LookupError)


# The story.


def the_long_way() -> tuple[Recorder, str]:
    """
    A message that fails twice, goes to the dead-letter queue, and is sent round once more by hand.
    """
    clock = ManualClock()
    region = Region(clock=clock, seed=1)
    recorder = Recorder(region)
    dead = region.queue("orders-dead")
    orders = region.queue("orders", visibility_timeout=30, dead_letter_queue=dead, max_receive_count=2)

    def brew(event: Any, context: Any) -> None:
        raise ValueError("no tea; #1\nleft")

    region.function(brew).add_event_source(orders)
    sent = orders.send_message("2 x tea\nand 1 x cake", delay=5)
    clock.advance(3_600)
    [letter] = dead.receive_messages()
    dead.delete_message(letter.receipt_handle)
    return recorder, sent.message_id


def test_a_story_follows_a_message_through_queue_function_and_dead_letter_queue() -> None:
    recorder, message_id = the_long_way()

    assert str(recorder.story(message_id)).split("\n") == [
        f"message {message_id}: 2 x tea and 1 x cake",
        "2024-01-01 00:00:00.000             queue orders       sent, delayed by 5.0 s",
        "2024-01-01 00:00:05.000  +5.0 s     queue orders       available",
        "                                    queue orders       received, hidden for 30.0 s (receive 1)",
        "                                    function brew      invoked (receive 1)",
        r"                                    function brew      failed (receive 1): ValueError('no tea; #1\nleft')",
        "2024-01-01 00:00:35.000  +30.0 s    queue orders       available (receive 1)",
        "                                    queue orders       received, hidden for 30.0 s (receive 2)",
        "                                    function brew      invoked (receive 2)",
        r"                                    function brew      failed (receive 2): ValueError('no tea; #1\nleft')",
        "2024-01-01 00:01:05.000  +30.0 s    queue orders       available (receive 2)",
        "                                    queue orders-dead  moved in (receive 2)",
        "                                    queue orders       dead-lettered (receive 2)",
        "2024-01-01 01:00:00.000  +00:58:55  queue orders-dead  received, hidden for 30.0 s (receive 3)",
        "                                    queue orders-dead  deleted (receive 3)",
    ]
    assert recorder.story(message_id).duration_us == 3_600_000_000


def test_a_story_is_a_mermaid_diagram() -> None:
    recorder, message_id = the_long_way()
    lines = recorder.story(message_id).mermaid().split("\n")

    assert lines[:11] == [
        "sequenceDiagram",
        "    participant r0 as queue orders",
        "    participant r1 as function brew",
        "    participant r2 as queue orders-dead",
        "    Note over r0: 2024-01-01 00:00:00.000<br/>sent, delayed by 5.0 s",
        "    Note over r0: 2024-01-01 00:00:05.000<br/>available",
        "    Note over r0: 2024-01-01 00:00:05.000<br/>received, hidden for 30.0 s (receive 1)",
        "    r0->>r1: invoked",
        "    Note over r1: 2024-01-01 00:00:05.000<br/>invoked (receive 1)",
        r"    Note over r1: 2024-01-01 00:00:05.000<br/>failed (receive 1): ValueError('no tea#59; #35;1\nleft')",
        "    Note over r0: 2024-01-01 00:00:35.000<br/>available (receive 1)",
    ]
    arrows = [line.strip() for line in lines if "->>" in line]
    assert arrows == ["r0->>r1: invoked", "r0->>r1: invoked", "r0->>r2: moved in"]


def test_what_fell_due_stands_where_it_happened_however_late_it_was_noticed() -> None:
    clock = ManualClock()
    region = Region(clock=clock)
    recorder = Recorder(region)
    queue = region.queue("orders", visibility_timeout=30)
    function = region.function(lambda event, context: clock.advance(40), name="slow", concurrency=1)
    function.add_event_source(queue)
    sent = queue.send_message("a")
    story = recorder.story(sent.message_id)

    assert [(one.kind, (one.at_us - T0) // 1_000_000) for one in story.observations] == [
        ("sent", 0),
        ("received", 0),
        ("invoked", 0),
        ("available", 30),
        ("succeeded", 40),
        ("deleted", 40),
    ]
    assert "-" not in str(story).split("\n", 1)[1].replace("2024-01-01", "")


def test_changed_visibility_is_told_as_what_it_means() -> None:
    clock = ManualClock()
    queue = Queue("orders", clock=clock)
    recorder = Recorder(queue)
    sent = queue.send_message("a")
    [message] = queue.receive_messages()
    queue.change_message_visibility(message.receipt_handle, 300)
    queue.change_message_visibility(message.receipt_handle, 0)
    queue.receive_messages(visibility_timeout=0)
    words = [line[50:] for line in str(recorder.story(sent.message_id)).split("\n")[1:]]

    assert words == [
        "sent",
        "received, hidden for 30.0 s (receive 1)",
        "hidden, hidden for 00:05:00 (receive 1)",
        "available (receive 1)",
        "received, left visible (receive 2)",
        "available (receive 2)",
    ]


def test_long_bodies_are_cut_and_lines_stay_lines() -> None:
    story = recorded(seen(1, body="x" * 58 + "\r\n\u2028yz"), seen(2, kind="failed", error="several\n  lines")).story(
        "m"
    )

    assert str(story).split("\n")[0] == f"message m: {'x' * 57}..."
    assert str(story).endswith("failed: several lines")
    assert len(str(story).splitlines()) == 3
    assert len(story.mermaid().splitlines()) == 4


def test_a_story_whose_beginning_is_forgotten_has_no_body() -> None:
    assert str(recorded(seen(1)).story("m")).startswith("message m\n")


def test_stories_and_observations_are_plain_data() -> None:
    recorder, message_id = the_long_way()
    story = recorder.story(message_id)
    copy = pickle.loads(pickle.dumps(story))

    assert isinstance(copy, Story)
    assert copy == story
    assert str(copy) == str(story)
    assert json.loads(json.dumps(story.to_dict())) == {
        "message_id": message_id,
        "observations": [one.to_dict() for one in story.observations],
    }


# Across services.


def told(number: int, kind: Any, resource: str, message_id: str, **details: Any) -> Observation:
    return Observation(number, number * 1_000_000, kind, resource, message_id, details)


def heard(*observations: Observation, most: int = 100) -> Recorder:
    recorder = Recorder(most=most)
    for one in observations:
        recorder._record(one)
    return recorder


FAN_OUT = (
    told(1, "published", "topic news", "t", body="hello"),
    told(2, "sent", "queue a", "qa", caused_by=("t",)),
    told(3, "delivered", "topic news", "t", to="queue a"),
    told(4, "sent", "queue b", "qb", caused_by=("t",)),
    told(5, "invoked", "function f", "qa"),
    told(6, "put", "bus hub", "e", caused_by=("qa",)),
    told(7, "written", "delivery stream archive", "r", key="2024/01/01/00/x", caused_by=("e",)),
)


def test_a_story_goes_on_with_what_the_message_caused() -> None:
    recorder = heard(*FAN_OUT)

    assert [one.sequence for one in recorder.story("t").observations] == [1, 2, 3, 4, 5, 6, 7]
    assert recorder.story("t").message_ids == ["t", "qa", "qb", "e", "r"]


def test_a_story_begins_with_what_the_message_was_made_of_but_not_with_its_siblings() -> None:
    recorder = heard(*FAN_OUT)

    assert recorder.story("e").message_ids == ["t", "qa", "e", "r"]
    assert recorder.story("qb").message_ids == ["t", "qb"]


def test_a_story_says_where_things_went() -> None:
    text = str(heard(*FAN_OUT).story("t"))

    assert "delivered to queue a" in text
    assert "written into 2024/01/01/00/x" in text


def test_arrows_of_a_story_come_from_the_cause_not_from_the_line_before() -> None:
    mermaid = heard(*FAN_OUT).story("t").mermaid().splitlines()

    assert "    r0->>r1: sent" in mermaid  # topic news to queue a
    assert "    r0->>r2: sent" in mermaid  # topic news to queue b, although queue a came in between
    assert "    r1->>r3: invoked" in mermaid
    assert "    r3->>r4: put" in mermaid


def test_causes_that_go_round_in_a_circle_end() -> None:
    recorder = heard(told(1, "put", "bus a", "x", caused_by=("y",)), told(2, "put", "bus b", "y", caused_by=("x",)))

    assert recorder.story("x").message_ids == ["x", "y"]


def test_what_is_forgotten_is_no_cause_any_more() -> None:
    recorder = heard(*FAN_OUT, most=2)

    assert recorder.story("e").message_ids == ["e", "r"]
    assert list(recorder._made_of) == ["qa", "e"]
