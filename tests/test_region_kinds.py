"""
Regions make and find topics, buses, streams and delivery streams, too.
"""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from postroom import (
    DeliveryStream,
    EventBus,
    Faults,
    FifoQueue,
    Function,
    ManualClock,
    MemoryStore,
    Queue,
    Region,
    Stream,
    SystemClock,
    Topic,
)
from postroom.errors import (
    FirehoseResourceInUse,
    FirehoseResourceNotFound,
    InvalidInput,
    InvalidParameterValue,
    KinesisResourceInUse,
    NotFound,
    NotSupported,
    QueueDoesNotExist,
    ResourceClosed,
)
from postroom.observe import Destination

MAKERS: dict[str, tuple[type[Any], Any, str]] = {
    "topic": (Topic, lambda region: region.topic("x"), "arn:aws:sns:us-east-1:123456789012:x"),
    "bus": (EventBus, lambda region: region.event_bus("x"), "arn:aws:events:us-east-1:123456789012:event-bus/x"),
    "stream": (Stream, lambda region: region.stream("x"), "arn:aws:kinesis:us-east-1:123456789012:stream/x"),
}
each_kind = pytest.mark.parametrize("kind", list(MAKERS))


CONSTRUCTORS: dict[str, type[Any]] = {
    "queue": Queue,
    "fifo_queue": FifoQueue,
    "topic": Topic,
    "event_bus": EventBus,
    "stream": Stream,
    "function": Function,
    "delivery_stream": DeliveryStream,
}
each_maker = pytest.mark.parametrize("maker", list(CONSTRUCTORS))
THE_REGIONS = ("clock", "faults", "home", "seed")


def made() -> Region:
    return Region(clock=ManualClock(), seed=1)


def brew(event: Any, context: Any) -> None:
    pass


@each_kind
def test_a_name_is_one_resource(kind: str) -> None:
    region = made()
    expected, make, arn = MAKERS[kind]
    resource = make(region)

    assert isinstance(resource, expected)
    assert make(region) is resource
    assert resource.arn == arn
    assert resource.clock is region.clock


@each_kind
def test_one_that_was_closed_is_made_anew(kind: str) -> None:
    region = made()
    make = MAKERS[kind][1]
    resource = make(region)
    resource.close()

    assert make(region) is not resource


@each_kind
def test_it_is_resolved_by_its_arn_as_a_destination(kind: str) -> None:
    region = made()
    resource = MAKERS[kind][1](region)

    assert isinstance(resource, Destination)
    assert region.resolve(resource.arn) is resource
    resource.close()  # type: ignore[attr-defined]
    with pytest.raises(NotFound):
        region.resolve(resource.arn)


@each_kind
def test_a_closed_region_makes_none(kind: str) -> None:
    region = made()
    region.close()

    with pytest.raises(ResourceClosed):
        MAKERS[kind][1](region)


def test_finding_one_draws_nothing_from_the_seed() -> None:
    region, other = made(), made()
    for one in (region, other):
        one.topic("news")
        one.stream("clicks")
        one.event_bus()
    for _ in range(3):
        region.topic("news")
        region.stream("clicks")
        region.event_bus()

    assert region.random.random() == other.random.random()


def test_names_of_different_kinds_do_not_clash() -> None:
    region = made()

    assert len({region.topic("x"), region.queue("x"), region.stream("x"), region.event_bus("x")}) == 4


@pytest.mark.parametrize("differs", [{"shard_count": 3}, {"retention": 172_800}])
def test_a_stream_that_is_there_is_not_made_differently(differs: dict[str, Any]) -> None:
    region = made()
    clicks = region.stream("clicks", shard_count=2)

    assert region.stream("clicks", shard_count=2, retention=86_400) is clicks
    with pytest.raises(KinesisResourceInUse, match="Stream clicks under account 123456789012 already exists"):
        region.stream("clicks", **differs)


def test_a_delivery_stream_is_made_with_a_store_and_found_without() -> None:
    region = made()
    archive = region.delivery_stream("archive", MemoryStore())

    assert isinstance(archive, DeliveryStream)
    assert region.delivery_stream("archive") is archive
    with pytest.raises(FirehoseResourceInUse):
        region.delivery_stream("archive", MemoryStore())
    with pytest.raises(FirehoseResourceNotFound):
        region.delivery_stream("other")


@pytest.mark.parametrize(
    "call",
    [
        lambda region: region.topic("x", fifo_topic=True),
        lambda region: region.event_bus("x", kms_key_identifier="key"),
        lambda region: region.stream("x", stream_mode_details={}),
        lambda region: region.delivery_stream("x", MemoryStore(), processing_configuration={}),
    ],
)
def test_what_is_not_there_is_refused_by_name_also_where_the_resource_is(call: Any) -> None:
    region = made()
    region.topic("x")
    region.event_bus("x")
    region.stream("x")

    with pytest.raises(NotSupported):
        call(region)


# What a maker takes.


def parameters(callable_: Any) -> dict[str, Any]:
    return {name: one.kind for name, one in inspect.signature(callable_).parameters.items() if name != "self"}


@each_maker
def test_a_maker_takes_what_the_resource_takes_but_for_what_the_region_gives(maker: str) -> None:
    taken = parameters(CONSTRUCTORS[maker])

    assert set(THE_REGIONS) <= taken.keys()
    assert parameters(getattr(Region, maker)) == {name: kind for name, kind in taken.items() if name not in THE_REGIONS}


def test_a_delivery_stream_of_a_region_has_a_format_and_an_extension() -> None:
    region, store = made(), MemoryStore()
    with region.delivery_stream("archive", store, compression_format="GZIP", file_extension=".json.gz") as archive:
        archive.put_record(b"2 x tea")

    [(key, data)] = store.objects.items()
    assert key.endswith(".json.gz")
    assert data[:2] == b"\x1f\x8b"


@each_maker
@pytest.mark.parametrize(
    ("given", "helped"),
    [
        ({"clock": SystemClock()}, "Leave clock= out, and give it to the Region itself: Region(clock=…)."),
        ({"seed": 1}, "Leave seed= out, and give it to the Region itself: Region(seed=…)."),
        ({"faults": Faults()}, "Leave faults= out, and give it to the Region itself: Region(faults=…)."),
        ({"home": None}, "Leave home= out."),
    ],
)
def test_what_the_region_gives_is_not_given_to_a_maker(maker: str, given: dict[str, Any], helped: str) -> None:
    region = made()
    [name] = given
    with pytest.raises(InvalidInput) as caught:
        getattr(region, maker)(brew if maker == "function" else "x", **given)

    assert caught.value.aws_message.startswith(f"{maker}({name}=…): ")
    assert (caught.value.help, caught.value.operation) == (helped, maker)
    assert list(region) == []


# Dead letters by name and by ARN.


@pytest.mark.parametrize("form", ["name", "arn", "queue"])
def test_a_queue_for_dead_letters_is_given_by_name_by_arn_or_itself(form: str) -> None:
    region = made()
    dead = region.queue("dead")
    given: Any = {"name": "dead", "arn": dead.arn, "queue": dead}[form]
    orders = region.queue("orders", dead_letter_queue=given, max_receive_count=3)
    function = region.function(brew, dead_letter_queue=given)
    target = region.event_bus().put_rule("all", {"source": ["till"]}).put_target(orders, dead_letter_queue=given)
    mapping = function.add_event_source(
        region.stream("clicks"), starting_position="LATEST", maximum_retry_attempts=0, on_failure=given
    )

    assert region.queue("orders", dead_letter_queue=given, max_receive_count=3) is orders
    assert {orders.dead_letter_queue, function.dead_letter_queue, target.dead_letter_queue, mapping.on_failure} == {
        dead
    }


def test_a_topic_for_dead_letters_is_given_by_arn() -> None:
    region = made()
    news = region.topic("news")

    assert region.function(brew, dead_letter_queue=news.arn).dead_letter_queue is news


def test_a_queue_for_dead_letters_that_is_not_there_is_refused_with_how_to_make_it() -> None:
    region = made()
    stream = region.stream("clicks")
    rule, function = region.event_bus().put_rule("all", {"source": ["till"]}), region.function(brew)
    for call in (
        lambda: region.queue("orders", dead_letter_queue="dead", max_receive_count=3),
        lambda: region.function(brew, name="second", dead_letter_queue="dead"),
        lambda: rule.put_target(stream, dead_letter_queue="dead"),
        lambda: function.add_event_source(stream, starting_position="LATEST", on_failure="dead"),
    ):
        with pytest.raises(QueueDoesNotExist, match=r"make it with region\.queue\('dead'\)"):
            call()

    assert [resource.name for resource in region] == ["clicks", "default", "brew"]


def test_outside_a_region_a_name_for_dead_letters_leads_nowhere_and_it_says_so() -> None:
    with pytest.raises(InvalidInput, match=r"Give the Queue itself, of the same clock; region\.queue\(…\) takes"):
        Queue("orders", clock=ManualClock(), dead_letter_queue="dead", max_receive_count=3)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=r"Give the Queue or the Topic itself; region\.function\(…\) finds"):
        Function(brew, clock=ManualClock(), dead_letter_queue="dead")  # type: ignore[arg-type]


def test_the_name_of_a_fifo_queue_is_refused_for_another_in_the_words_of_sqs() -> None:
    with pytest.raises(InvalidParameterValue, match=r"1 to 80 in length\n.* only a FIFO queue's name ends in \.fifo"):
        made().queue("orders.fifo")
