"""
Rules: made, replaced, found, switched off and on, deleted; and what their names may be.
"""

from __future__ import annotations

from typing import Any

import pytest

from postroom import EventBus, ManualClock, Pattern, Queue, Rule
from postroom.errors import (
    EventsLimitExceeded,
    EventsResourceNotFound,
    EventsValidationError,
    InvalidEventPattern,
    InvalidInput,
    NotSupported,
)
from tests.bus.desk import ALL, made, put


def test_a_rule_is_replaced_and_keeps_its_targets() -> None:
    bus, clock = made()
    queue = Queue("orders", clock=clock)
    rule = bus.put_rule("big", {"detail": {"size": ["big"]}}, state="DISABLED")
    rule.put_target(queue)
    put(bus, {"size": "big"})
    again = bus.put_rule("big", Pattern({"detail": {"size": ["huge"]}}))
    put(bus, {"size": "big"})
    put(bus, {"size": "huge"})

    assert again == rule
    assert hash(again) == hash(rule)
    assert rule.state == "ENABLED"
    assert rule.event_pattern.text == '{"detail":{"size":["huge"]}}'
    assert [target.id for target in again.targets] == ["orders"]
    assert (rule.matched, queue.stats().available) == (1, 1)


def test_a_disabled_rule_matches_nothing_until_it_is_enabled() -> None:
    bus, _ = made()
    rule = bus.put_rule("all", ALL)
    put(bus)
    rule.disable()
    put(bus)
    rule.enable()
    put(bus)

    assert rule.matched == 2


def test_every_rule_that_matches_gets_the_event_once_a_target() -> None:
    bus, clock = made()
    queue = Queue("orders", clock=clock)
    for name in ("one", "two"):
        rule = bus.put_rule(name, ALL)
        for id_ in ("x", "y"):
            rule.put_target(queue, target_id=id_)
    put(bus)

    assert queue.stats().available == 4


def test_rules_are_listed_by_name_and_found_by_it() -> None:
    bus, _ = made()
    for name in ("b", "a", "C"):
        bus.put_rule(name, ALL)

    assert [rule.name for rule in bus.rules] == ["C", "a", "b"]
    assert bus.rule("a") == bus.rules[1]
    with pytest.raises(EventsResourceNotFound) as caught:
        bus.rule("d")
    assert caught.value.aws_message == "Rule d does not exist on EventBus default."
    assert (caught.value.operation, caught.value.resource) == ("rule", "default")


def test_a_rule_with_targets_is_not_deleted_and_a_missing_one_is_already() -> None:
    bus, clock = made("shop")
    rule = bus.put_rule("all", ALL)
    target = rule.put_target(Queue("orders", clock=clock))
    with pytest.raises(EventsValidationError) as caught:
        bus.delete_rule("all")
    assert caught.value.aws_message == "Rule can't be deleted since it has targets."
    rule.remove_target(target.id)
    bus.delete_rule("all")
    bus.delete_rule("all")
    put(bus)

    assert bus.rules == []
    assert rule.matched == 0
    assert repr(rule) == "<Rule all of bus shop: deleted, 0 targets, 0 matched>"


@pytest.mark.parametrize("name", ["force", "event_bus_name"])
def test_what_awss_deletions_have_is_refused_by_name(name: str) -> None:
    bus, clock = made()
    rule = bus.put_rule("all", ALL)
    target = rule.put_target(Queue("orders", clock=clock))
    with pytest.raises(NotSupported, match=r"delete_rule\("):
        bus.delete_rule("all", **{name: True})  # type: ignore[arg-type]
    with pytest.raises(NotSupported, match=r"remove_target\("):
        rule.remove_target(target.id, **{name: True})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="unexpected keyword argument 'forse'"):
        bus.delete_rule("all", forse=True)  # type: ignore[arg-type]

    assert len(rule.targets) == 1


def test_the_handle_of_a_deleted_rule_is_of_no_use_even_if_there_is_a_new_one() -> None:
    bus, clock = made("shop")
    old = bus.put_rule("all", ALL)
    bus.delete_rule("all")
    new = bus.put_rule("all", ALL)

    assert new != old
    for call in (
        old.enable,
        old.disable,
        lambda: old.put_target(Queue("x", clock=clock)),
        lambda: old.remove_target("x"),
    ):
        with pytest.raises(EventsResourceNotFound, match="Rule all does not exist on EventBus shop"):
            call()
    new.disable()
    assert old.state == "ENABLED"


def test_arns_leave_the_default_bus_unnamed() -> None:
    assert made()[0].put_rule("all", ALL).arn == "arn:aws:events:us-east-1:123456789012:rule/all"
    assert made("shop")[0].put_rule("all", ALL).arn == "arn:aws:events:us-east-1:123456789012:rule/shop/all"
    assert made("shop")[0].arn == "arn:aws:events:us-east-1:123456789012:event-bus/shop"


def test_a_bus_has_300_rules_at_the_most() -> None:
    bus, _ = made()
    for number in range(300):
        bus.put_rule(f"rule-{number}", ALL)
    bus.put_rule("rule-7", {"source": ["other"]})
    with pytest.raises(EventsLimitExceeded) as caught:
        bus.put_rule("one-more", ALL)

    assert caught.value.aws_message == "The requested resource exceeds the maximum number allowed."
    assert bus.stats().rules == 300


@pytest.mark.parametrize("name", ["a", "A-b_c.9", "x" * 64])
def test_names_of_rules(name: str) -> None:
    assert made()[0].put_rule(name, ALL).name == name


@pytest.mark.parametrize(
    ("name", "faults"),
    [
        ("a b", [r"satisfy regular expression pattern: [\.\-_A-Za-z0-9]+"]),
        ("", ["have length greater than or equal to 1"]),
        (
            "é" * 65,
            [r"satisfy regular expression pattern: [\.\-_A-Za-z0-9]+", "have length less than or equal to 64"],
        ),
    ],
)
def test_names_that_no_rule_has(name: str, faults: list[str]) -> None:
    with pytest.raises(EventsValidationError) as caught:
        made()[0].put_rule(name, ALL)

    count = f"{len(faults)} validation error{'s' if len(faults) > 1 else ''} detected: "
    lines = [f"Value '{name}' at 'name' failed to satisfy constraint: Member must {fault}" for fault in faults]
    assert caught.value.aws_message == count + "; ".join(lines)


@pytest.mark.parametrize("name", ["default", "shop", "x" * 256, "a.b-c_D9"])
def test_names_of_buses(name: str) -> None:
    assert EventBus(name, clock=ManualClock()).name == name


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("", EventsValidationError),
        ("a b", EventsValidationError),
        ("x" * 257, EventsValidationError),
        ("a/b", NotSupported),
        (7, InvalidInput),
    ],
)
def test_names_that_no_bus_has(name: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        EventBus(name, clock=ManualClock())


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({}, EventsValidationError),
        ({"event_pattern": ""}, EventsValidationError),
        ({"event_pattern": "{}"}, InvalidEventPattern),
        ({"event_pattern": 7}, InvalidInput),
        ({"event_pattern": {"a": [{"suffix": ["x"]}]}}, InvalidEventPattern),
        ({"event_pattern": ALL, "state": "enabled"}, EventsValidationError),
        ({"event_pattern": ALL, "state": "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"}, NotSupported),
        ({"schedule_expression": "rate(1 minute)"}, NotSupported),
        ({"event_pattern": ALL, "role_arn": "x"}, NotSupported),
        ({"event_pattern": ALL, "patern": "x"}, TypeError),
    ],
)
def test_what_makes_no_rule(arguments: dict[str, Any], kind: type[Exception]) -> None:
    bus, _ = made()
    with pytest.raises(kind):
        bus.put_rule("x", **arguments)

    assert bus.rules == []


def test_a_pattern_that_is_none_leaves_the_rule_as_it_was() -> None:
    bus, _ = made()
    rule = bus.put_rule("all", ALL)
    with pytest.raises(InvalidEventPattern) as caught:
        bus.put_rule("all", '{"a": "x"}', state="DISABLED")

    assert caught.value.operation == "put_rule"
    assert (rule.state, rule.event_pattern) == ("ENABLED", Pattern(ALL))


def test_neither_text_says_that_a_schedule_would_do() -> None:
    with pytest.raises(EventsValidationError) as caught:
        made()[0].put_rule("x")

    assert caught.value.aws_message == "Parameter(s) EventPattern or ScheduleExpression must be specified."


@pytest.mark.parametrize("name", ["archive", "dead_letter_queue", "kms_key_identifier", "policy", "tags"])
def test_what_a_bus_of_aws_has_is_refused_by_name(name: str) -> None:
    with pytest.raises(NotSupported):
        EventBus("shop", clock=ManualClock(), **{name: "x"})  # type: ignore[arg-type]


def test_a_rule_has_a_plain_form() -> None:
    bus, clock = made("shop")
    rule = bus.put_rule("all", ALL)
    rule.put_target(Queue("orders", clock=clock))

    assert isinstance(rule, Rule)
    assert rule.to_dict() == {
        "name": "all",
        "arn": rule.arn,
        "event_pattern": '{"source":[{"prefix":""}]}',
        "state": "ENABLED",
        "matched": 0,
        "targets": [rule.targets[0].to_dict()],
    }
