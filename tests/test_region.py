"""
Regions: resources by name and by ARN, observers of all of them, the same run from the same seed.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from functools import partial
from typing import Any

import pytest

from postroom import Faults, Function, ManualClock, Observation, Queue, Region
from postroom.clock import default_clock
from postroom.errors import (
    InvalidAttributeValue,
    InvalidInput,
    InvalidParameterValue,
    NotFound,
    NotSupported,
    QueueDoesNotExist,
    QueueNameExists,
    ResourceClosed,
)
from postroom.faults import Crash
from postroom.observe import Destination


def brew(event: dict[str, Any], context: Any) -> None:
    pass


def made(**settings: Any) -> Region:
    return Region(clock=ManualClock(), **settings)


# Making and finding.


def test_a_name_is_one_queue() -> None:
    region = made()
    orders = region.queue("orders")

    assert region.queue("orders") is orders
    assert region.queue("others") is not orders


def test_resources_have_the_regions_clock_account_and_name() -> None:
    region = Region("eu-west-3", account="000000000001", clock=ManualClock())
    queue, function = region.queue("orders"), region.function(brew)

    assert queue.arn == "arn:aws:sqs:eu-west-3:000000000001:orders"
    assert function.arn == "arn:aws:lambda:eu-west-3:000000000001:function:brew"
    assert queue.clock is function.clock is region.clock
    assert (region.name, region.region_name, region.account) == ("eu-west-3", "eu-west-3", "000000000001")


def test_a_region_without_a_clock_has_the_shared_one() -> None:
    assert Region().clock is default_clock()


@pytest.mark.parametrize("wrong", [{"name": "Paris!"}, {"account": "123"}, {"account": 123456789012}])
def test_name_and_account_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Region(**wrong)


def test_a_queue_has_the_settings_it_is_made_with() -> None:
    region = made()
    dead = region.queue("dead")
    settings: dict[str, Any] = {
        "visibility_timeout": 60,
        "delay": 5,
        "retention": 120,
        "receive_message_wait_time": 3,
        "maximum_message_size": 2_048,
        "dead_letter_queue": dead,
        "max_receive_count": 4,
    }
    queue = region.queue("orders", **settings)

    assert {name: getattr(queue, name) for name in settings} == settings
    assert region.queue("orders", **settings) is queue
    assert region.queue("orders", delay=5.0) is queue


def test_what_is_not_given_is_not_compared() -> None:
    region = made()
    queue = region.queue("orders", visibility_timeout=60, delay=7)

    assert region.queue("orders") is queue
    assert region.queue("orders", delay=7) is queue


@pytest.mark.parametrize(
    ("given", "attribute"),
    [
        ({"visibility_timeout": 31}, "VisibilityTimeout"),
        ({"delay": 1}, "DelaySeconds"),
        ({"retention": 60}, "MessageRetentionPeriod"),
        ({"receive_message_wait_time": 1}, "ReceiveMessageWaitTimeSeconds"),
        ({"maximum_message_size": 1_024}, "MaximumMessageSize"),
        ({"max_receive_count": 3, "dead_letter_queue": "other"}, "RedrivePolicy"),
        ({"max_receive_count": 4, "dead_letter_queue": "dead"}, "RedrivePolicy"),
    ],
)
def test_a_name_that_is_there_with_another_setting_is_refused_naming_it(given: dict[str, Any], attribute: str) -> None:
    region = made()
    dead = {name: region.queue(name) for name in ("dead", "other")}
    queue = region.queue("orders", dead_letter_queue=dead["dead"], max_receive_count=3)
    if "dead_letter_queue" in given:
        given = {**given, "dead_letter_queue": dead[given["dead_letter_queue"]]}
    with pytest.raises(QueueNameExists) as caught:
        region.queue("orders", **given)

    error = caught.value
    assert error.aws_message == (
        f"A queue already exists with the same name and a different value for attribute {attribute}"
    )
    assert (error.code, error.operation, error.resource) == ("QueueAlreadyExists", "queue", "orders")
    assert "of orders is" in error.help
    assert region.queue("orders") is queue
    assert len(list(region)) == 3


def test_a_setting_out_of_range_makes_no_queue() -> None:
    region = made()

    with pytest.raises(InvalidAttributeValue):
        region.queue("orders", delay=901)
    with pytest.raises(InvalidParameterValue):
        region.queue("no name")
    assert list(region) == []


def test_a_functions_name_is_taken_once() -> None:
    region = made()
    function = region.function(brew, concurrency=2)

    with pytest.raises(InvalidInput, match="Function already exist: brew"):
        region.function(brew)
    assert region.function(brew, name="second").name == "second"
    assert function.concurrency == 2
    assert [resource.name for resource in region] == ["brew", "second"]


def test_a_queue_and_a_function_may_share_a_name() -> None:
    region = made()
    queue, function = region.queue("brew"), region.function(brew)

    assert list(region) == [queue, function]
    assert set(region.stats()) == {"queue brew", "function brew"}


def test_on_error_is_the_functions() -> None:
    region = made()
    queue = region.queue("orders")
    region.function(lambda event, context: 1 / 0, name="f", on_error="raise").add_event_source(queue)

    with pytest.raises(ZeroDivisionError):
        queue.send_message("a")


def test_the_plan_of_faults_is_for_all_its_resources() -> None:
    region = made(faults=Faults.script(duplicates={"orders": [True]}, crashes={"brew": [Crash.BEFORE]}))
    orders, tea = region.queue("orders"), region.queue("tea")
    function = region.function(brew)
    function.add_event_source(tea)
    orders.send_message("a")
    tea.send_message("b")

    assert [len(orders.receive_messages()) for _ in range(3)] == [1, 1, 0]
    assert function.stats().failed == 1


# By ARN.


def test_a_queue_is_found_by_its_arn() -> None:
    region = made()
    queue = region.queue("orders")
    found = region.resolve(queue.arn)

    assert found is queue
    assert isinstance(found, Destination)


def test_an_arn_of_no_queue_says_how_to_make_it() -> None:
    with pytest.raises(QueueDoesNotExist, match=r"make it with region\.queue\('orders'\)") as caught:
        made().resolve("arn:aws:sqs:us-east-1:123456789012:orders")

    assert caught.value.aws_message == "The specified queue does not exist."
    assert isinstance(caught.value, LookupError)


def test_an_arn_of_another_region_or_account_is_not_here() -> None:
    region = made()
    region.queue("orders")
    for arn in ("arn:aws:sqs:eu-west-1:123456789012:orders", "arn:aws:sqs:us-east-1:000000000000:orders"):
        with pytest.raises(QueueDoesNotExist):
            region.resolve(arn)


def test_what_is_unknown_is_not_found_and_what_is_there_is_named() -> None:
    region = made()
    with pytest.raises(NotFound, match=r"topic is not there(.|\n)*are: none"):
        region.resolve("arn:aws:sns:us-east-1:123456789012:topic")
    function = region.function(brew)
    with pytest.raises(NotFound, match=r"topic is not there(.|\n)*function:brew"):
        region.resolve("arn:aws:sns:us-east-1:123456789012:topic")
    assert region.resolve(function.arn) is function


@pytest.mark.parametrize("text", ["orders", "", "arn:aws:sqs", None, 7])
def test_what_is_no_arn_is_refused(text: Any) -> None:
    with pytest.raises(InvalidInput):
        made().resolve(text)


# All of them.


def test_what_was_made_last_closes_first_so_that_nobody_reads_from_what_is_gone() -> None:
    region = made()
    region.queue("orders")
    function = region.function(brew)
    closed: list[str] = []
    for resource in region:
        resource.close = partial(closed.append, str(resource))  # type: ignore[method-assign]
    region.close()

    assert closed == [str(function), "queue orders"]


def test_an_observer_hears_resources_that_are_there_and_those_to_come() -> None:
    region = made()
    heard: list[Observation] = []
    before = region.queue("before")
    region.observe(heard.append)
    before.send_message("a")
    region.queue("after").send_message("b")
    queue = region.queue("after")
    region.function(brew).add_event_source(queue)

    assert [(seen.resource, seen.kind) for seen in heard] == [
        ("queue before", "sent"),
        ("queue after", "sent"),
        ("queue after", "received"),
        ("function brew", "invoked"),
        ("function brew", "succeeded"),
        ("queue after", "deleted"),
    ]
    assert [seen.sequence for seen in heard] == sorted({seen.sequence for seen in heard})


class Ear:
    """
    Each look at `hear` is another object, equal to the last: that is how methods are.
    """

    def __init__(self) -> None:
        self.heard: list[str] = []

    def hear(self, seen: Observation) -> None:
        self.heard.append(seen.kind)


def test_an_observer_that_goes_hears_nothing_more_neither_of_what_is_there_nor_of_what_is_to_come() -> None:
    region, ear = made(), Ear()
    region.observe(ear.hear)
    before = region.queue("before")
    region.unobserve(ear.hear)
    region.unobserve(ear.hear)
    before.send_message("a")
    region.queue("after").send_message("b")

    assert ear.heard == []


def test_an_observer_is_told_once_however_often_it_was_added() -> None:
    region, ear = made(), Ear()
    queue = region.queue("before")
    for source in (region, queue, region):
        source.observe(ear.hear)
    queue.send_message("a")
    region.queue("after").send_message("b")

    assert ear.heard == ["sent", "sent"]


def test_explain_has_a_line_for_each_resource_that_knows_the_message() -> None:
    region = made(seed=1)
    dead = region.queue("dead")
    orders = region.queue("orders", dead_letter_queue=dead, max_receive_count=1)
    region.queue("bystander")
    sent = orders.send_message("poison")
    orders.receive_messages(visibility_timeout=0)
    orders.receive_messages()

    assert region.explain(sent.message_id) == (
        "queue dead: available: sent 0.0 s ago, received 1 time\n"
        "queue orders: dead-lettered 0.0 s ago: received 1 time, limit 1"
    )
    assert region.explain("nobody") == "unknown: no resource of us-east-1 knows of it"


def test_stats_are_by_kind_and_name() -> None:
    region = made()
    region.queue("orders").send_message("a")
    function = region.function(brew)

    assert region.stats() == {"queue orders": region.queue("orders").stats(), "function brew": function.stats()}


def test_a_repr_tells_what_is_in_it() -> None:
    region = made()
    assert repr(region) == "<Region us-east-1 of 123456789012: nothing in it>"
    region.queue("orders")
    region.function(brew)
    assert repr(region) == "<Region us-east-1 of 123456789012: queue orders, function brew>"
    region.close()
    assert repr(region).endswith(", closed>")


# Closing.


def test_closing_closes_everything_in_it_and_it_makes_nothing_more() -> None:
    with made() as region:
        queue, function = region.queue("orders"), region.function(brew)
        mapping = function.add_event_source(queue)
    region.close()

    assert (queue.closed, function.closed, mapping.closed) == (True, True, True)
    for make in (lambda: region.queue("orders"), lambda: region.queue("new"), lambda: region.function(brew, name="g")):
        with pytest.raises(ResourceClosed, match="region us-east-1 is closed"):
            make()


def test_an_error_that_comes_up_while_it_closes_leaves_nothing_open() -> None:
    region = made()
    own = region.function(brew)
    second, first = region.queue("second"), region.queue("closes-first")
    stranger = Function(lambda event, context: 1 / 0, name="f", on_error="raise", clock=region.clock)
    stranger.add_event_source(second)
    region.clock.call_soon(lambda: second.send_message("a"))
    with pytest.raises(ZeroDivisionError):
        region.close()

    assert (first.closed, second.closed, own.closed) == (True, True, True)
    assert all(resource.closed for resource in region)


# Apart, and again.


def test_two_regions_share_nothing() -> None:
    here, there = made(seed=1), made(seed=1)
    here.queue("orders").send_message("a")
    heard: list[Observation] = []
    there.observe(heard.append)
    here.queue("orders").send_message("b")

    assert there.queue("orders").stats().available == 0
    assert heard == []
    assert here.queue("orders") is not there.queue("orders")


def test_the_same_seed_draws_the_same_ids() -> None:
    def ids(seed: int | random.Random) -> list[str]:
        region = made(seed=seed)
        return [region.queue(name).send_message("a").message_id for name in ("orders", "others", "orders")]

    assert ids(7) == ids(7) == ids(random.Random(7))
    assert ids(7) != ids(8)


RUN = """
from postroom import Faults, ManualClock, Recorder, Region
region = Region(clock=ManualClock(), seed=11, faults=Faults(5, crash_rate=0.3, duplicate_rate=0.2))
recorder = Recorder(region)
dead = region.queue("dead")
queues = [region.queue(name, dead_letter_queue=dead, max_receive_count=2) for name in ("tea", "cake", "coffee")]
def brew(event, context):
    if event["Records"][0]["body"].endswith("3"):
        raise ValueError(context.aws_request_id)
function = region.function(brew, concurrency=2)
for queue in queues:
    function.add_event_source(queue, batch_size=3)
for number in range(60):
    queues[number % 3].send_message(f"order {number}", delay=number % 7, attributes={"table": number})
    region.clock.advance(number % 5)
region.clock.advance(3600)
for seen in recorder:
    print(seen)
for failure in function.failures:
    print(failure.to_dict())
print(region.stats(), region.clock)
for message_id in recorder.message_ids:
    print(recorder.story(message_id), recorder.story(message_id).mermaid(), region.explain(message_id))
"""


def test_the_same_program_does_the_same_to_the_last_id_whatever_the_hash_seed() -> None:
    def output(hash_seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        run = subprocess.run(
            [sys.executable, "-c", RUN], capture_output=True, text=True, check=True, env=environment, timeout=60
        )
        return run.stdout

    first = output("1")

    assert first == output("2")
    assert "dead-lettered" in first
    assert "ValueError" in first


def test_resources_of_a_region_are_ordinary_ones() -> None:
    region = made()

    assert type(region.queue("orders")) is Queue
    assert type(region.function(brew)) is Function


def test_a_closed_queue_makes_room_for_another_of_its_name() -> None:
    region = Region(clock=ManualClock())
    orders = region.queue("orders")
    orders.close()
    with pytest.raises(QueueDoesNotExist):
        region.resolve(orders.arn)

    again = region.queue("orders", visibility_timeout=60)

    assert again is not orders
    assert region.resolve(again.arn) is again


def test_it_knows_names_arns_and_resources() -> None:
    region = Region(clock=ManualClock())
    orders = region.queue("orders")

    assert "orders" in region
    assert orders.arn in region
    assert orders in region
    assert "ordres" not in region
    assert Queue("orders", clock=region.clock) not in region


def test_what_it_lacks_is_refused_by_name() -> None:
    region = Region(clock=ManualClock())
    with pytest.raises(NotSupported, match=r"KmsMasterKeyId is not there"):
        region.queue("orders", kms_master_key_id="alias/aws/sqs")  # type: ignore[arg-type]
    with pytest.raises(NotSupported, match=r"Timeout is not there"):
        region.function(brew, timeout=3)  # type: ignore[arg-type]

    assert list(region) == []
