"""
Runs the cases in the `.toml` files beside this one: what AWS does, as data, each case with the fact it comes from.

A case has `fact` (docs/fidelity.md has the legend), `tag` (how the fact is known), `says`, the settings of its queues, and
`steps`. A queue is a table of the arguments of its class, under the name that steps call it by: ``queue``, ``dead``,
``other``; ``dead_letter_queue = "dead"`` means that one, and ``fifo = true`` makes a FIFO queue. Each step is a table:

    call, with, on         a method, its arguments, and whose it is (``queue`` unless given); ``Queue`` makes one
    after                  seconds from now at which the clock makes the call; else it is made now
    advance                seconds by which time moves on
    bodies                 what a receive returned, as a list of bodies
    shows                  attributes of the result, or of the first message, and their values
    lacks                  attributes that are None
    keep                   a name for the receipt handle of the first message; ``$name`` is that handle in later steps
    fails                  code and AWS's text of the error; ``{name}`` stands for what was kept under the name
    successful, failed     ids of a batch; ``[id, code, text]`` of what failed in it
    again                  a name that was kept: the receipt handle of the first message is that one
    counts                 available, in flight, delayed
    elapsed                seconds since the case began

In arguments ``{repeat = ["x", 9]}`` is a long text, ``{type = …, value = …}`` or ``{type = …, hex = …}`` a message attribute,
``{entry = "send", …}`` an entry of a batch, and ``{entries = 11}`` so many entries. A new service adds its file and, if need
be, a kind of resource to `KINDS`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from postroom import (
    AttributeValue,
    DeleteEntry,
    FifoQueue,
    ManualClock,
    PostroomError,
    Queue,
    SendEntry,
    VisibilityEntry,
)

KINDS: Final = {"Queue": Queue, "FifoQueue": FifoQueue}
ENTRIES: Final = {"send": SendEntry, "delete": DeleteEntry, "visibility": VisibilityEntry}
TAGS: Final = {"AWS-validated", "model", "guide", "guide-2025", "report", "derived", "choice", "unverified"}
RESOURCES: Final = ("other", "dead", "queue")
CASES: Final = [
    pytest.param(case, id=f"{case['fact']}-{case['says']}")
    for path in sorted(Path(__file__).parent.glob("*.toml"))
    for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]
]


class Stage:
    """
    The resources of one case, and what was kept of its steps.
    """

    def __init__(self, case: Mapping[str, Any]) -> None:
        self.clock = ManualClock()
        self.start = self.clock.now_us()
        self.kept: dict[str, str] = {}
        self.made: dict[str, Any] = {}
        for name in RESOURCES:
            if name in case or name == "queue":
                settings = dict(case.get(name, {}))
                kind, suffix = ("FifoQueue", ".fifo") if settings.pop("fifo", False) else ("Queue", "")
                self.made[name] = self.make({"name": name + suffix, **settings}, kind)
                self.kept[f"{name}.arn"] = self.made[name].arn

    def make(self, settings: Mapping[str, Any], kind: str = "Queue") -> Any:
        return KINDS[kind](**{name: self.value(given, name) for name, given in settings.items()}, clock=self.clock)

    def value(self, given: Any, name: str = "") -> Any:
        """
        What a value in a file stands for.
        """
        if isinstance(given, str):
            if name == "dead_letter_queue":
                return self.made[given]
            return self.kept[given[1:]] if given.startswith("$") else given
        if isinstance(given, list):
            return [self.value(one) for one in given]
        if not isinstance(given, dict):
            return given
        if "repeat" in given:
            return given["repeat"][0] * given["repeat"][1]
        if "entries" in given:
            return ["x"] * given["entries"]
        if "type" in given:
            return AttributeValue(given["type"], bytes.fromhex(given["hex"]) if "hex" in given else given["value"])
        values = {key: self.value(one) for key, one in given.items() if key != "entry"}
        return ENTRIES[given["entry"]](**values) if "entry" in given else values

    def call(self, step: Mapping[str, Any]) -> Any:
        if step["call"] in KINDS:
            name = "made.fifo" if step["call"] == "FifoQueue" else "made"
            return self.make({"name": name, **step.get("with", {})}, step["call"])
        arguments = {name: self.value(given) for name, given in step.get("with", {}).items()}
        return getattr(self.made[step.get("on", "queue")], step["call"])(**arguments)

    def text(self, text: str) -> str:
        for name, kept in self.kept.items():
            text = text.replace(f"{{{name}}}", kept)
        return text

    def play(self, step: Mapping[str, Any]) -> None:
        if "advance" in step:
            self.clock.advance(step["advance"])
        if "after" in step:
            self.clock.call_at(self.clock.now_us() + round(step["after"] * 1_000_000), lambda: self.call(step))
        elif "fails" in step:
            code, text = step["fails"]
            with pytest.raises(PostroomError) as caught:
                self.call(step)
            assert (caught.value.code, caught.value.aws_message) == (code, self.text(text))
        elif "call" in step:
            self.compare(step, self.call(step))
        if "counts" in step:
            stats = self.made[step.get("on", "queue")].stats()
            assert [stats.available, stats.in_flight, stats.delayed] == step["counts"]
        if "elapsed" in step:
            assert (self.clock.now_us() - self.start) / 1_000_000 == step["elapsed"]

    def compare(self, step: Mapping[str, Any], result: Any) -> None:
        if "bodies" in step:
            assert [message.body for message in result] == step["bodies"]
        shown = result[0] if isinstance(result, list) and result else result
        assert all(getattr(shown, name) is None for name in step.get("lacks", ()))
        if "shows" in step:
            assert {name: getattr(shown, name) for name in step["shows"]} == {
                name: self.text(value) if isinstance(value, str) else value for name, value in step["shows"].items()
            }
        if "keep" in step:
            self.kept[step["keep"]] = result[0].receipt_handle
        if "again" in step:
            assert result[0].receipt_handle == self.kept[step["again"]]
        if "successful" in step:
            assert [one.id for one in result.successful] == step["successful"]
        if "failed" in step:
            assert [[one.id, one.code, one.message] for one in result.failed] == [
                [id_, code, self.text(text)] for id_, code, text in step["failed"]
            ]
            assert all(one.sender_fault for one in result.failed)


@pytest.mark.parametrize("case", CASES)
def test_it_does_as_aws_does(case: dict[str, Any]) -> None:
    stage = Stage(case)

    for number, step in enumerate(case["steps"], 1):
        try:
            stage.play(step)
        except BaseException as error:
            error.add_note(f"{case['fact']} [{case['tag']}] {case['says']}, step {number}: {step}")
            raise


@pytest.mark.parametrize("case", CASES)
def test_a_case_cites_its_fact_and_asks_for_something(case: dict[str, Any]) -> None:
    service, section = case["fact"].split()
    asked = {"bodies", "shows", "lacks", "fails", "successful", "failed", "counts", "elapsed", "again"}
    known = asked | {"call", "with", "on", "after", "advance", "keep"}

    assert service.isupper()
    assert all(part.isdigit() for part in section.split("."))
    assert case["tag"] in TAGS
    assert any(asked & step.keys() for step in case["steps"])
    assert all(step.keys() <= known for step in case["steps"])
