"""
Runs the cases of eb_bus.toml: what EventBridge does, as data, each case with the fact it comes from.

A case has `fact`, `tag` and `says`, as in test_cases.py, and `steps`. There are two buses, ``default`` and ``office``, and the
queues ``orders``, ``dead`` and ``shut``, which is closed. Each step is a table:

    call, with, on         a method of a bus (``default`` unless given) and its arguments
    target, destination    a rule gets a target, put with the arguments `with`
    advance                seconds by which time moves on, before the call
    shows                  attributes of the result, and their values
    fails                  code and AWS's text of the error
    successful, failed     ids of a batch; ``[id, code, text]`` of what failed in it
    keep                   a name for the id of the event; ``{name}`` is that id in later steps
    queue                  a queue, which is emptied: ``bodies``, ``events`` (fields of each), ``attributes`` of the first,
                           ``count``
    pattern                text, which the result has; or with ``matches`` and ``misses``, events as JSON

``{repeat = [x, 11]}`` is a list of so many, and a detail ``{text = ["x", 9]}`` has so long a text.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from postroom import EventBus, ManualClock, Pattern, PostroomError, Queue

TAGS: Final = {"AWS-validated", "model", "guide", "report", "choice", "unverified"}
ASKED: Final = {"shows", "fails", "successful", "failed", "bodies", "events", "count", "pattern"}
KNOWN: Final = ASKED | {
    *("call", "with", "on", "target", "destination", "advance", "keep", "queue", "attributes", "matches", "misses")
}
CASES: Final = [
    pytest.param(case, id=f"{case['fact']}-{case['says']}")
    for case in tomllib.loads(Path(__file__).with_name("eb_bus.toml").read_text(encoding="utf-8"))["bus_case"]
]
_SHOWN: Final = (
    "time=null, source=till, resources=null, detailType=null, detail=null, eventBusName=default, traceHeader=null"
)
ELEVEN: Final = ", ".join(
    [f"PutEventsRequestEntry({_SHOWN}, kmsKeyIdentifier=null, internalMetadata=null)" for _ in range(11)]
)


class Stage:
    """
    The resources of one case, and what was kept of its steps.
    """

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.buses = {name: EventBus(name, clock=self.clock) for name in ("default", "office")}
        self.queues = {name: Queue(name, clock=self.clock) for name in ("orders", "dead", "shut")}
        self.queues["shut"].close()
        self.kept = {"eleven": ELEVEN}

    def text(self, text: str) -> str:
        for name, kept in self.kept.items():
            text = text.replace(f"{{{name}}}", kept)
        return text

    def value(self, given: Any, name: str = "") -> Any:
        if name == "dead_letter_queue":
            return self.queues[given]
        if isinstance(given, dict) and "repeat" in given:
            return [given["repeat"][0]] * given["repeat"][1]
        if isinstance(given, dict) and isinstance(given.get("text"), list):
            return {"text": given["text"][0] * given["text"][1]}
        if isinstance(given, dict) and name != "event_pattern":
            return {key: self.value(one, key) for key, one in given.items()}
        return [self.value(one) for one in given] if isinstance(given, list) else given

    def call(self, step: Mapping[str, Any]) -> Any:
        bus = self.buses[step.get("on", "default")]
        arguments = {name: self.value(given, name) for name, given in step.get("with", {}).items()}
        if "target" in step:
            to = step["destination"]
            return bus.rule(step["target"]).put_target(self.buses.get(to) or self.queues[to], **arguments)
        return getattr(bus, step["call"])(**arguments)

    def play(self, step: Mapping[str, Any]) -> None:
        self.clock.advance(step.get("advance", 0))
        if "fails" in step:
            code, text = step["fails"]
            with pytest.raises(PostroomError) as caught:
                self.call(step)
            assert (caught.value.code, caught.value.aws_message) == (code, self.text(text))
        elif "matches" in step:
            pattern = Pattern(step["pattern"])
            assert all(pattern.matches(json.loads(event)) for event in step["matches"])
            assert not any(pattern.matches(json.loads(event)) for event in step["misses"])
        elif "queue" in step:
            self.look(step, self.queues[step["queue"]])
        else:
            self.compare(step, self.call(step))

    def compare(self, step: Mapping[str, Any], result: Any) -> None:
        for name, value in step.get("shows", {}).items():
            assert getattr(result, name) == value
        if "pattern" in step:
            assert result.event_pattern.text == step["pattern"]
        if "keep" in step:
            self.kept[step["keep"]] = result.event_id
        if "successful" in step:
            assert [one.id for one in result.successful] == step["successful"]
        if "failed" in step:
            assert [[one.id, one.code, one.message] for one in result.failed] == step["failed"]

    def look(self, step: Mapping[str, Any], queue: Queue) -> None:
        messages = queue.receive_messages(max_messages=10)
        bodies = [message.body for message in messages]
        if "count" in step:
            assert len(messages) == step["count"]
        if "bodies" in step:
            assert bodies == [self.text(body) for body in step["bodies"]]
        for body, wanted in zip(bodies, step.get("events", bodies), strict=True):
            if isinstance(wanted, dict):
                event = json.loads(body)
                for name, value in wanted.items():
                    assert event[name] == (self.text(value) if isinstance(value, str) else value)
        for name, value in step.get("attributes", {}).items():
            assert messages[0].attributes[name] == ("String", value)


@pytest.mark.parametrize("case", CASES)
def test_it_does_as_aws_does(case: dict[str, Any]) -> None:
    stage = Stage()

    for number, step in enumerate(case["steps"], 1):
        try:
            stage.play(step)
        except BaseException as error:
            error.add_note(f"{case['fact']} [{case['tag']}] {case['says']}, step {number}: {step}")
            raise


@pytest.mark.parametrize("case", CASES)
def test_a_case_cites_its_fact_and_asks_for_something(case: dict[str, Any]) -> None:
    service, section = case["fact"].split()

    assert service in {"EB", "PAT"}
    assert section.isdigit()
    assert case["tag"] in TAGS
    assert any(ASKED & step.keys() for step in case["steps"])
    assert all(step.keys() <= KNOWN for step in case["steps"])
