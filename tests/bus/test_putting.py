"""
Putting events: what is checked of an entry and of a request, and the envelope that comes of it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom import EventBus, EventEntry, ManualClock, Queue, Region
from postroom.errors import (
    EventsValidationError,
    InvalidArgument,
    InvalidInput,
    MalformedDetail,
    NotAuthorizedForSource,
    NotSupported,
    ResourceClosed,
)
from tests.bus.desk import ALL, drained, made, put


def sink(bus: EventBus) -> Queue:
    queue = Queue("sink", clock=bus.clock)
    bus.put_rule("sink", ALL).put_target(queue)
    return queue


def entry(**changed: Any) -> EventEntry:
    return EventEntry(**{"source": "till", "detail_type": "order", "detail": "{}", **changed})


def test_the_envelope_has_awss_order_and_no_blanks() -> None:
    region = Region("eu-west-1", account="000000000001", clock=ManualClock(), seed=1)
    bus = region.event_bus("shop")
    queue = sink(bus)
    id_ = bus.put_event(
        source="till",
        detail_type='a "quoted" ty\u00fcpe',
        detail='{ "b" : [1, 2.50], "a" : null }',
        resources=["arn:x", "y"],
    ).event_id
    [message] = drained(queue)

    assert message.body == (
        f'{{"version":"0","id":"{id_}","detail-type":"a \\"quoted\\" tyüpe","source":"till","account":"000000000001",'
        '"time":"2024-01-01T00:00:00Z","region":"eu-west-1","resources":["arn:x","y"],"detail":{"b":[1,2.5],"a":null}}'
    )
    assert message.attributes == {}


def test_the_id_is_a_version_4_uuid_and_the_seed_decides_on_it() -> None:
    one, same = put(made()[0]), put(made()[0])

    assert one == same
    assert one[14] == "4"
    assert put(EventBus(clock=ManualClock(), seed=2)) != one


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        (None, "2024-01-01T00:00:00Z"),
        (date(2023, 5, 6), "2023-05-06T00:00:00Z"),
        (1_700_000_000, "2023-11-14T22:13:20Z"),
        (1_700_000_000.999_999, "2023-11-14T22:13:20Z"),
        (0, "1970-01-01T00:00:00Z"),
        (-0.5, "1969-12-31T23:59:59Z"),
        (datetime(2023, 5, 6, 7, 8, 9, 999_999, tzinfo=UTC), "2023-05-06T07:08:09Z"),
        (datetime(2023, 5, 6, 7, 8, 9, tzinfo=timezone(timedelta(hours=2))), "2023-05-06T05:08:09Z"),
    ],
)
def test_time_is_whole_seconds_in_utc(time: Any, shown: str) -> None:
    bus, _ = made()
    queue = sink(bus)
    bus.put_event(source="till", detail_type="order", detail="{}", time=time)

    assert json.loads(drained(queue)[0].body)["time"] == shown


def test_the_time_of_the_call_is_the_default_and_its_fraction_is_dropped() -> None:
    bus, clock = made()
    queue = sink(bus)
    clock.advance(61.999_999)
    put(bus)

    assert json.loads(drained(queue)[0].body)["time"] == "2024-01-01T00:01:01Z"


def test_patterns_see_the_whole_envelope() -> None:
    bus, _ = made()
    wanted = {
        "version": ["0"],
        "account": ["123456789012"],
        "region": ["us-east-1"],
        "time": [{"prefix": "2024-"}],
        "resources": ["arn:x"],
        "id": [{"exists": True}],
    }
    rule = bus.put_rule("envelope", wanted)
    bus.put_event(source="till", detail_type="order", detail="{}", resources=("arn:w", "arn:x"))
    put(bus)

    assert rule.matched == 1


# Entries.


@pytest.mark.parametrize(
    ("changed", "kind", "text"),
    [
        ({"source": ""}, InvalidArgument, "Parameter Source is not valid. Reason: Source is a required argument."),
        (
            {"source": None, "detail_type": None, "detail": None},
            InvalidArgument,
            "Parameter Source is not valid. Reason: Source is a required argument.",
        ),
        (
            {"detail_type": "", "detail": ""},
            InvalidArgument,
            "Parameter DetailType is not valid. Reason: DetailType is a required argument.",
        ),
        ({"detail": ""}, InvalidArgument, "Parameter Detail is not valid. Reason: Detail is a required argument."),
        ({"detail": "no JSON"}, MalformedDetail, "Detail is malformed."),
        ({"detail": "[]"}, MalformedDetail, "Detail is malformed."),
        ({"detail": '"{}"'}, MalformedDetail, "Detail is malformed."),
        ({"detail": "null"}, MalformedDetail, "Detail is malformed."),
        ({"detail": "1"}, MalformedDetail, "Detail is malformed."),
        ({"detail": '{"a": NaN}'}, MalformedDetail, "Detail is malformed."),
        ({"detail": '{"a": 1e400}'}, MalformedDetail, "Detail is malformed."),
        ({"detail": {"a": [10**400]}}, MalformedDetail, "Detail is malformed."),
        ({"detail": {"a": -(2**1024)}}, MalformedDetail, "Detail is malformed."),
        ({"detail": {"a": 10**5_000}}, MalformedDetail, "Detail is malformed."),
        ({"detail": f'{{"a": {10**400}}}'}, MalformedDetail, "Detail is malformed."),
        ({"detail": '{"a": 1'}, MalformedDetail, "Detail is malformed."),
        ({"detail": {"a": {1, 2}}}, MalformedDetail, "Detail is malformed."),
        ({"detail": {"a": float("inf")}}, MalformedDetail, "Detail is malformed."),
        ({"source": "aws.ec2"}, NotAuthorizedForSource, "Not authorized for the source."),
        ({"source": "aws.ec2", "detail": "[]"}, MalformedDetail, "Detail is malformed."),
    ],
)
def test_a_bad_entry_fails_alone_with_awss_code_and_text(
    changed: dict[str, Any], kind: type[Exception], text: str
) -> None:
    bus, _ = made()
    outcome = bus.put_events([entry(), entry(**changed), entry(**changed)])
    [failure, other] = outcome.failed

    assert [success.id for success in outcome.successful] == ["0"]
    assert (failure.id, other.id) == ("1", "2")
    assert type(failure.error) is kind
    assert failure.message == text
    assert (failure.error.operation, failure.error.resource) == ("put_events", "default")
    assert bus.stats().put == 1
    with pytest.raises(kind):
        bus.put_event(**entry(**changed)._asdict())


@pytest.mark.parametrize("source", ["aws", "awsx.y", "AWS.ec2", "my.aws.ec2"])
def test_other_sources_are_anybodys(source: str) -> None:
    assert put(made()[0], source=source)


def test_an_empty_mapping_is_a_detail() -> None:
    bus, _ = made()
    queue = sink(bus)
    bus.put_event(source="till", detail_type="order", detail={})

    assert json.loads(drained(queue)[0].body)["detail"] == {}


def test_what_became_of_the_mapping_later_is_no_matter() -> None:
    bus, _ = made()
    queue = sink(bus)
    detail = {"items": ["tea"]}
    bus.put_event(source="till", detail_type="order", detail=detail)
    detail["items"].append("cake")

    assert json.loads(drained(queue)[0].body)["detail"] == {"items": ["tea"]}


def test_a_detail_that_is_nested_deeper_than_python_reads_is_malformed() -> None:
    bus, _ = made()
    depth = 100_000  # what is too deep depends on the version
    [failure] = bus.put_events([entry(detail='{"a":' * depth + "1" + "}" * depth)]).failed

    assert failure.code == "MalformedDetail"


def test_half_a_surrogate_pair_is_kept_escaped() -> None:
    bus, _ = made()
    queue = sink(bus)
    bus.put_event(source="till", detail_type="order", detail='{"a": "\\ud83d"}')
    [message] = drained(queue)

    assert message.body.isascii()
    assert json.loads(message.body)["detail"] == {"a": "\ud83d"}


@pytest.mark.parametrize("detail", [{"a": int(sys.float_info.max)}, {"a": "7" * 400}, {"a": 2**64}, {"7" * 400: 0}])
def test_a_whole_number_that_a_double_reaches_arrives_as_it_was(detail: dict[str, Any]) -> None:
    bus, _ = made()
    queue = sink(bus)
    bus.put_events([entry(detail=detail), entry(detail=json.dumps(detail))])

    assert [json.loads(message.body)["detail"] for message in drained(queue)] == [detail] * 2


def test_a_detail_type_has_128_characters_at_the_most() -> None:
    bus, _ = made()

    assert not bus.put_events([entry(detail_type="x" * 128)]).failed
    assert [failure.code for failure in bus.put_events([entry(detail_type="x" * 129)]).failed] == ["InvalidArgument"]


@pytest.mark.parametrize(
    "changed",
    [
        {"source": 7},
        {"detail_type": b"x"},
        {"detail": 7},
        {"detail": b"{}"},
        {"time": "2024-01-01"},
        {"time": True},
        {"time": datetime(2024, 1, 1)},  # noqa: DTZ001 - without a zone it says no instant
        {"resources": "arn:x"},
        {"resources": [7]},
        {"resources": 7},
    ],
)
def test_what_awss_call_could_not_express_refuses_the_whole_call(changed: dict[str, Any]) -> None:
    bus, _ = made()
    with pytest.raises(InvalidInput) as caught:
        bus.put_events([entry(), entry(**changed), entry(source="")])
    assert caught.value.operation == "put_events"
    with pytest.raises(InvalidInput):
        bus.put_event(**entry(**changed)._asdict())
    assert bus.stats().put == 0


def test_a_mapping_is_an_entry() -> None:
    bus, _ = made()
    outcome = bus.put_events([{"source": "till", "detail_type": "order", "detail": {"a": 1}}, {"source": "till"}])

    assert [success.id for success in outcome.successful] == ["0"]
    assert [failure.message for failure in outcome.failed] == [
        "Parameter DetailType is not valid. Reason: DetailType is a required argument."
    ]


@pytest.mark.parametrize(
    ("entries", "kind"),
    [
        ([{"source": "till", "event_bus_name": "other"}], NotSupported),
        ([{"source": "till", "trace_header": "x"}], NotSupported),
        ([{"source": "till", "surce": "x"}], TypeError),
        (["x"], InvalidInput),
        ([None], InvalidInput),
        ({"source": "till"}, InvalidInput),
        ("x", InvalidInput),
        (None, InvalidInput),
    ],
)
def test_what_is_no_entry_is_refused_with_the_whole_call(entries: Any, kind: type[Exception]) -> None:
    bus, _ = made()
    with pytest.raises(kind):
        bus.put_events(entries)

    assert bus.stats().put == 0


# Requests.


def test_ten_entries_fit_and_eleven_are_refused_as_a_whole() -> None:
    bus, _ = made()

    assert len(bus.put_events([entry()] * 10).successful) == 10
    with pytest.raises(EventsValidationError) as caught:
        bus.put_events([entry(resources=["r"])] + [entry(source="")] * 10)
    text = caught.value.aws_message
    assert text.startswith(
        "1 validation error detected: Value '[PutEventsRequestEntry(time=null, source=till, resources=[r], "
        "detailType=order, detail={}, eventBusName=default, traceHeader=null, kmsKeyIdentifier=null, "
        "internalMetadata=null), PutEventsRequestEntry("
    )
    assert text.endswith(
        "]' at 'entries' failed to satisfy constraint: Member must have length less than or equal to 10"
    )
    assert bus.stats().put == 10


class Nameless:
    """
    Nothing that JSON knows.
    """


@pytest.mark.parametrize("detail", [{"a": Nameless()}, {"a": float("nan")}, {(): 1}, {"a": 10**5_000}])
def test_eleven_entries_are_too_many_whatever_is_in_them(detail: Any) -> None:
    with pytest.raises(EventsValidationError, match="Member must have length less than or equal to 10"):
        made()[0].put_events([entry(detail=detail)] * 11)


def test_no_entries_are_refused() -> None:
    with pytest.raises(EventsValidationError, match="Member must have length greater than or equal to 1"):
        made()[0].put_events([])


@pytest.mark.parametrize(("text", "time"), [("x", None), ("é", None), ("€", 0), ("😀", date(2024, 1, 1))])
def test_a_request_is_smaller_than_a_mebibyte(text: str, time: Any) -> None:
    """
    A time counts 14, and all else its UTF-8 bytes; a bad entry counts too.
    """
    bus, _ = made()
    first = entry(source=text, detail=f'{{ "a" : "{text}" }}', time=time, resources=[text])
    counted = 3 * len(text.encode()) + len('{ "a" : "" }') + len("order") + (0 if time is None else 14)
    fill = 1_048_576 - counted - len("d")

    def request(more: int) -> list[EventEntry]:
        return [first, entry(source="", detail_type="d", detail="x" * (fill + more))]

    assert len(bus.put_events(request(-1)).successful) == 1
    with pytest.raises(EventsValidationError) as caught:
        bus.put_events(request(0))
    assert caught.value.aws_message == "Total size of the entries in the request is over the limit."
    assert bus.stats().put == 1


def test_a_mapping_counts_as_the_json_it_becomes() -> None:
    bus, _ = made()
    shell = len('tilld{"a":""}')

    assert bus.put_event(source="till", detail_type="d", detail={"a": "x" * (1_048_575 - shell)})
    with pytest.raises(EventsValidationError):
        bus.put_event(source="till", detail_type="d", detail={"a": "x" * (1_048_576 - shell)})


def test_a_resource_that_is_too_long_refuses_the_request() -> None:
    bus, _ = made()

    assert bus.put_events([entry(resources=["x" * 2_048])]).successful
    with pytest.raises(EventsValidationError, match=r"at 'entries\.2\.member\.resources' failed"):
        bus.put_events([entry(), entry(resources=["y", "x" * 2_049])])
    assert bus.stats().put == 1


@pytest.mark.parametrize("kind", [set, iter, tuple, frozenset])
def test_resources_are_any_iterable_and_held_to_their_limit(kind: Callable[[list[str]], Any]) -> None:
    bus, _ = made()
    queue = sink(bus)
    for put_it in (
        lambda resources: bus.put_event(**entry(resources=resources)._asdict()),
        lambda resources: bus.put_events([entry(resources=resources)]),
        lambda resources: bus.put_events([entry(resources=resources)._asdict()]),
    ):
        with pytest.raises(EventsValidationError, match=r"at 'entries\.1\.member\.resources' failed"):
            put_it(kind(["x" * 2_049]))
        put_it(kind(["x" * 2_048]))

    assert [json.loads(message.body)["resources"] for message in drained(queue)] == [["x" * 2_048]] * 3


def test_resources_of_an_iterator_count() -> None:
    bus, _ = made()
    with pytest.raises(EventsValidationError, match="over the limit"):
        bus.put_event(source="till", detail_type="order", detail="{}", resources=("x" * 2_000 for _ in range(525)))


def test_a_closed_bus_takes_nothing() -> None:
    bus, _ = made()
    rule = bus.put_rule("all", ALL)
    bus.close()

    for call in (
        lambda: put(bus),
        lambda: bus.put_events([entry()]),
        lambda: bus.put_rule("x", ALL),
        lambda: bus.delete_rule("x"),
        rule.enable,
        lambda: rule.put_target(Queue("x", clock=bus.clock)),
    ):
        with pytest.raises(ResourceClosed):
            call()
    assert repr(bus) == "<EventBus default: 1 rule, closed, 0 put>"


@pytest.mark.parametrize("name", ["endpoint_id", "event_bus_name", "trace_header"])
def test_what_awss_call_has_is_refused_by_name(name: str) -> None:
    bus, _ = made()
    with pytest.raises(NotSupported):
        bus.put_event(source="a", detail_type="b", detail="{}", **{name: "x"})  # type: ignore[arg-type]
    with pytest.raises(NotSupported):
        bus.put_events([entry()], **{name: "x"})  # type: ignore[arg-type]

    assert bus.stats().put == 0


jsons = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), jsons, max_size=4), st.booleans(), st.text(min_size=1, max_size=128))
def test_any_detail_arrives_as_it_was(detail: dict[str, Any], as_text: bool, detail_type: str) -> None:
    bus, _ = made()
    queue = sink(bus)
    bus.put_event(source="till", detail_type=detail_type, detail=json.dumps(detail) if as_text else detail)
    [message] = drained(queue)
    event = json.loads(message.body)

    assert event["detail"] == detail
    assert event["detail-type"] == detail_type
