"""
Runs the cases of `sns_topic.toml`: what SNS does, as data, each case with the fact it comes from.

The form is that of test_cases.py, with a topic, *MyTopic*, and three queues, *kitchen*, *other* and *dead*, in a region. Its
steps differ in what they look at:

    call, with             a method of the topic, or ``Topic``; a queue is given by its name
    advance, close         seconds by which time moves on; a queue that is closed; both before the call
    shows, starts          attributes of the result, and their values, or what these begin with
    fails                  code and AWS's text of the error
    successful, failed     ids of a batch; ``[id, code, text]`` of what failed in it
    keep                   a name for the ARN or message id of the result: ``$name`` in arguments, ``{name}`` in texts
    gets                   what a receive finds in queues, as lists of bodies
    members, envelope      names and values of the envelope in *kitchen*
    digest                 of the attributes of the message in *kitchen*; empty: it has none
    counts                 figures of the topic
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from postroom import AttributeValue, ManualClock, PostroomError, PublishEntry, Region, Topic
from postroom.message import md5_of_attributes
from tests.conformance.test_cases import TAGS

TEXT: Final = (Path(__file__).parent / "sns_topic.toml").read_text(encoding="utf-8")
CASES: Final = [pytest.param(case, id=f"{case['fact']}-{case['says']}") for case in tomllib.loads(TEXT)["topic_case"]]
QUEUES: Final = ("kitchen", "other", "dead")
ASKED: Final = {"shows", "starts", "fails", "successful", "failed", "gets", "members", "envelope", "digest", "counts"}


class Stage:
    """
    The topic and the queues of one case, and what was kept of its steps.
    """

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.region = Region(clock=self.clock, seed=1)
        self.topic = Topic("MyTopic", home=self.region)
        self.queues = {name: self.region.queue(name) for name in QUEUES}
        self.kept: dict[str, str] = {}

    def value(self, given: Any, name: str = "") -> Any:
        """
        What a value in a file stands for.
        """
        if isinstance(given, str):
            if name in {"endpoint", "dead_letter_queue"} and given in self.queues:
                return self.queues[given]
            return self.kept[given[1:]] if given.startswith("$") else given
        if isinstance(given, list):
            return [self.value(one) for one in given]
        if not isinstance(given, dict):
            return given
        if "repeat" in given:
            return given["repeat"][0] * given["repeat"][1]
        if "entries" in given:
            return ["x"] * given["entries"]
        if isinstance(given.get("attributes"), int):
            return {f"attr{number}": "x" for number in range(given["attributes"])}
        if "type" in given:
            return AttributeValue(given["type"], bytes.fromhex(given["hex"]) if "hex" in given else given["value"])
        values = {key: self.value(one) for key, one in given.items()}
        return PublishEntry(**values) if "message" in given else values

    def call(self, step: Mapping[str, Any]) -> Any:
        arguments = {name: self.value(given, name) for name, given in step.get("with", {}).items()}
        if step["call"] == "Topic":
            return Topic(clock=self.clock, **arguments)
        return getattr(self.topic, step["call"])(**arguments)

    def text(self, value: Any) -> Any:
        if isinstance(value, str):
            for name, kept in self.kept.items():
                value = value.replace(f"{{{name}}}", kept)
        return value

    def play(self, step: Mapping[str, Any]) -> None:
        if "advance" in step:
            self.clock.advance(step["advance"])
        if "close" in step:
            self.queues[step["close"]].close()
        if "fails" in step:
            code, text = step["fails"]
            with pytest.raises(PostroomError) as caught:
                self.call(step)
            assert (caught.value.code, caught.value.aws_message) == (code, self.text(text))
        elif "call" in step:
            self.compare(step, self.call(step))
        for name, bodies in step.get("gets", {}).items():
            found = self.queues[name].receive_messages(max_messages=10)
            assert [message.body for message in found] == bodies
        stats = self.topic.stats().to_dict()
        assert {name: stats[name] for name in step.get("counts", {})} == step.get("counts", {})

    def compare(self, step: Mapping[str, Any], result: Any) -> None:
        if "keep" in step:
            self.kept[step["keep"]] = getattr(result, "arn", None) or result.message_id
        for name, value in step.get("shows", {}).items():
            assert getattr(result, name) == self.text(value)
        for name, value in step.get("starts", {}).items():
            assert getattr(result, name).startswith(value)
        if "successful" in step:
            assert [one.id for one in result.successful] == step["successful"]
        if "failed" in step:
            assert [[one.id, one.code, one.message] for one in result.failed] == step["failed"]
        if "envelope" in step:
            [message] = self.queues["kitchen"].receive_messages()
            members = json.loads(message.body)
            assert list(members) == step["members"]
            assert {name: members[name] for name in step["envelope"]} == {
                name: self.text(value) for name, value in step["envelope"].items()
            }
        if "digest" in step:
            [message] = self.queues["kitchen"].receive_messages()
            assert (md5_of_attributes(message.attributes) or "") == step["digest"]


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

    assert service == "SNS"
    assert all(part.isdigit() for part in section.split("."))
    assert case["tag"] in TAGS
    assert any(ASKED & step.keys() for step in case["steps"])
    assert all(step.keys() <= ASKED | {"call", "with", "advance", "close", "keep"} for step in case["steps"])
