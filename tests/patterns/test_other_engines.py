"""
The table of docs/fidelity.md on where other engines of event patterns differ, held against whoever is there.

What it says of AWS is asked of ours, always. What it says of another engine is asked of that engine, where it is installed
in the version that was measured; so are pairs drawn by lot from the ground on which all agree.
"""

from __future__ import annotations

import json
import random
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from benchmarks.peers.installed import PEERS, Peer
from postroom import Pattern
from postroom.errors import InvalidEventPattern

SECTION: Final = (
    (Path(__file__).parents[2] / "docs" / "fidelity.md")
    .read_text(encoding="utf-8")
    .partition("## Event patterns: where other engines differ")[2]
    .partition("\n## ")[0]
)
TEXTS: Final = ["x", "y", "xy", "Xy", "xyz", "ab"]


class Row(NamedTuple):
    pattern: str
    event: str
    answers: dict[str, str]
    """By the name of an engine; those that differ from AWS's are between stars."""


def rows() -> list[Row]:
    _, _, table = SECTION.partition("| Behaviour |")
    engines = [cell.strip() for cell in table.partition("\n")[0].split(" | ")[3:]]
    engines[-1] = engines[-1].rstrip(" |")
    return [
        Row(pattern, event, dict(zip(engines, answers.split(" | "), strict=True)))
        for pattern, event, answers in re.findall(
            r"^\| .+? \| `PAT [\d.]+` \| `(.+)` \| `(.+)` \| (.+) \|$", table, re.MULTILINE
        )
    ]


ROWS: Final = rows()


def of_ours(pattern: str, event: str) -> str:
    try:
        return "yes" if Pattern(pattern).matches_json(event) else "no"
    except InvalidEventPattern:
        return "refused"


def of_peer(peer: Peer, pattern: str, event: str) -> str:
    try:
        wants = peer.matcher(pattern)(event if peer.takes_text else json.loads(event))
    except Exception as error:  # its own error where it has one; event-ruler's only one is a RuntimeError
        return "refused" if type(error).__name__ in {"InvalidEventPatternException", "RuntimeError"} else "raises"
    return "yes" if wants else "no"


def skip_unless_measured(peer: Peer) -> None:
    package = peer.packages.split()[0]
    [measured] = re.findall(rf"\b{package} (\d[\d.]*\d)", SECTION)
    try:
        installed = version(package)
    except PackageNotFoundError:
        pytest.skip(f"{package} is not installed")
    if installed != measured:
        pytest.skip(f"{package} {measured} was measured, and {installed} is installed")
    if reason := peer.why_not():
        pytest.skip(reason)


def drawn_entry(dice: random.Random) -> Any:
    text = dice.choice(TEXTS)
    return dice.choice(
        [
            *(text, dice.choice([1, 2.5, 10, None, "1"]), {"exists": dice.random() < 0.5}),
            *({operator: text} for operator in ("prefix", "suffix", "equals-ignore-case", "anything-but")),
            {"anything-but": {dice.choice(["prefix", "suffix", "equals-ignore-case"]): text}},
            {"anything-but": dice.choice([[text, "q"], 1, [1, 2.5]])},
            {"numeric": dice.choice([["=", 1], [">", 1], ["<=", 2.5], [">", 0, "<", 5], [">=", 1, "<=", 10]])},
        ]
    )


def drawn_pattern(dice: random.Random, depth: int = 0) -> dict[str, Any]:
    pattern: dict[str, Any] = {
        key: drawn_pattern(dice, depth + 1)
        if depth < 2 and dice.random() < 0.35
        else [drawn_entry(dice) for _ in range(dice.randint(1, 2))]
        for key in dice.sample("abc", dice.randint(1, 2))
    }
    if dice.random() < 0.2:
        pattern["$or"] = [{key: [drawn_entry(dice)] for key in keys} for keys in ("d", "de")]
    return pattern


def drawn_event(dice: random.Random, depth: int = 0) -> dict[str, Any]:
    """No arrays of objects, no empty ones, no booleans and no text beyond ASCII: there the engines part."""
    scalars = [*TEXTS, "", "1", 1, 2.5, 10, None]
    return {
        key: drawn_event(dice, depth + 1)
        if depth < 2 and dice.random() < 0.3
        else dice.choice([dice.choice(scalars), dice.choices(scalars, k=dice.randint(1, 3))])
        for key in "abcde"
        if dice.random() < 0.8
    }


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.pattern}-{row.event}".replace("\\", "/") for row in ROWS])
def test_ours_answers_as_aws_does_by_the_table(row: Row) -> None:
    assert of_ours(row.pattern, row.event) == row.answers["AWS"]


def test_the_table_names_all_engines_and_marks_what_differs() -> None:
    lines = SECTION.partition("| Behaviour |")[2].strip().splitlines()

    assert len(ROWS) == len(lines) - 2
    for row in ROWS:
        aws = row.answers["AWS"]
        others = [row.answers[peer.name] for peer in PEERS]
        assert list(row.answers) == ["AWS", *(peer.name for peer in PEERS)]
        assert all((answer.strip("*") == aws) == (answer == answer.strip("*")) for answer in others)
        assert set(others) != {aws}


@pytest.mark.parametrize("peer", PEERS, ids=[peer.name for peer in PEERS])
def test_another_engine_that_is_installed_answers_as_the_table_says(peer: Peer) -> None:
    skip_unless_measured(peer)
    said = {(row.pattern, row.event): row.answers[peer.name].strip("*") for row in ROWS}
    askable = {pair: answer for pair, answer in said.items() if answer != "ends"}

    assert {pair: of_peer(peer, *pair) for pair in askable} == askable


@pytest.mark.parametrize("peer", PEERS[:2], ids=[peer.name for peer in PEERS[:2]])
def test_another_engine_that_is_installed_agrees_with_ours_where_both_are_right(peer: Peer) -> None:
    skip_unless_measured(peer)
    dice = random.Random(178)
    pairs = [(json.dumps(drawn_pattern(dice)), json.dumps(drawn_event(dice))) for _ in range(2_000)]
    ours = [of_ours(*pair) for pair in pairs]

    assert [of_peer(peer, *pair) for pair in pairs] == ours
    assert min(ours.count("yes"), ours.count("no")) > 200
