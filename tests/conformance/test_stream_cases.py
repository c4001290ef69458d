"""
Runs the cases of streams in `kin_stream.toml`: what AWS does, as data, each case with the fact it comes from.

A case has `fact` (docs/fidelity.md has the legend), `tag` (how the fact is known), `says`, `stream` (the arguments of the
class; one shard unless given), and `steps`. Time begins at second 1700000000. Each step is a table:

    call, with             a method and its arguments; ``Stream`` makes one
    advance                seconds by which time moves on, before the call
    gives                  attributes of the result and their values
    shards                 for each record of a batch, the number of the shard it went into
    data                   the records that a read returned, as text
    keep                   a name for the result, or for one of its attributes: ``["name", "attribute"]``
    fails                  code and AWS's text of the error
    ranges                 first and last hash key of each shard
    starts                 the shards' starting sequence numbers
    differs                names of two things kept that are not the same

In arguments ``$name`` is what was kept, `data` is text, ``{repeat = ["x", 9]}`` is a long text, and `entries` a list of
``[data, key]`` or ``[data, key, hash key]``, or ``{entries = 501}``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from postroom import ManualClock, PostroomError, RecordEntry, Stream

START: Final = 1_700_000_000
TAGS: Final = {"AWS-validated", "model", "guide", "report", "derived", "choice", "unverified"}
ASKED: Final = {"gives", "shards", "data", "fails", "ranges", "starts", "differs"}
KNOWN: Final = ASKED | {"call", "with", "advance", "keep"}
CASES: Final = [
    pytest.param(case, id=f"{case['fact']}-{case['says']}")
    for case in tomllib.loads(Path(__file__).with_name("kin_stream.toml").read_text(encoding="utf-8"))["stream_case"]
]


class Stage:
    """
    The stream of one case, and what was kept of its steps.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.clock = ManualClock(START)
        self.kept: dict[str, str] = {}
        self.stream = self.make({"shard_count": 1, **settings})

    def make(self, settings: Mapping[str, Any]) -> Stream:
        return Stream(
            **{"name": "orders", **{name: self.value(one, name) for name, one in settings.items()}}, clock=self.clock
        )

    def value(self, given: Any, name: str) -> Any:
        """
        What a value in the file stands for.
        """
        if isinstance(given, dict) and "repeat" in given:
            given = given["repeat"][0] * given["repeat"][1]
        if isinstance(given, dict) and "entries" in given:
            given = [["x", "key"]] * given["entries"]
        if name == "entries":
            return [RecordEntry(self.value(data, "data"), self.value(key, ""), *rest) for data, key, *rest in given]
        if isinstance(given, str):
            for kept, text in self.kept.items():
                given = given.replace(f"${kept}", text)
            return given.encode() if name == "data" else given
        return given

    def call(self, step: Mapping[str, Any]) -> Any:
        given = step.get("with", {})
        if step["call"] == "Stream":
            return self.make(given)
        return getattr(self.stream, step["call"])(**{name: self.value(one, name) for name, one in given.items()})

    def play(self, step: Mapping[str, Any]) -> None:
        if "advance" in step:
            self.clock.advance(step["advance"])
        if "fails" in step:
            code, text = step["fails"]
            with pytest.raises(PostroomError) as caught:
                self.call(step)
            assert (caught.value.code, caught.value.aws_message) == (code, text)
        elif "call" in step:
            self.compare(step, self.call(step))
        shards = self.stream.shards
        if "ranges" in step:
            assert [[str(one.hash_range.start), str(one.hash_range.end)] for one in shards] == step["ranges"]
        if "starts" in step:
            assert [one.starting_sequence_number for one in shards] == step["starts"]
        if "differs" in step:
            assert self.kept[step["differs"][0]] != self.kept[step["differs"][1]]

    def compare(self, step: Mapping[str, Any], result: Any) -> None:
        for name, value in step.get("gives", {}).items():
            assert getattr(result, name) == value
        if "shards" in step:
            assert [int(one.result.shard_id[-12:]) for one in result.successful] == step["shards"]
        if "data" in step:
            assert [record.data.decode() for record in result.records] == step["data"]
        if "keep" in step:
            name, *attribute = [step["keep"]] if isinstance(step["keep"], str) else step["keep"]
            self.kept[name] = getattr(result, attribute[0]) if attribute else result


@pytest.mark.parametrize("case", CASES)
def test_it_does_as_aws_does(case: dict[str, Any]) -> None:
    stage = Stage(case.get("stream", {}))

    for number, step in enumerate(case["steps"], 1):
        try:
            stage.play(step)
        except BaseException as error:
            error.add_note(f"{case['fact']} [{case['tag']}] {case['says']}, step {number}: {step}")
            raise


@pytest.mark.parametrize("case", CASES)
def test_a_case_cites_its_fact_and_asks_for_something(case: dict[str, Any]) -> None:
    service, section = case["fact"].split()

    assert service == "KIN"
    assert all(part.isdigit() for part in section.split("."))
    assert case["tag"] in TAGS
    assert any(ASKED & step.keys() for step in case["steps"])
    assert all(step.keys() <= KNOWN for step in case["steps"])
