"""
Rule sets: which rules an event matches is what the plain matcher says of each, whatever else is there and whatever changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from postroom.errors import EventTooComplex, InvalidEventPattern, InvalidInput
from postroom.patterns import Pattern, Repeated, RuleSet, _grid, _naive, _node, _path_index, flatten
from tests.interrupts import interrupted, places
from tests.patterns import dice, strategies

RULES = 300


def is_wanted(pattern: Pattern, event: Mapping[str, Any]) -> bool:
    """
    As the plain matcher has it.
    """
    return _naive.matches(pattern.conjunctions, flatten(event))


@cache
def others() -> dict[str, Pattern]:
    """
    Hundreds of rules over the same few keys and values.
    """
    return {f"other {seed}": Pattern(dice.case(seed)[0]) for seed in range(RULES)}


@cache
def full() -> RuleSet:
    return RuleSet(others())


# Equal to the plain matcher.


def check_alone_and_among_others(text: str, event: dict[str, Any]) -> None:
    pattern = Pattern(text)
    wanted = is_wanted(pattern, event)

    assert RuleSet({"it": pattern}).match(event) == ({"it"} if wanted else frozenset())
    rules = full()
    rules.add("it", pattern)
    found = rules.match(event)
    rules.remove("it")
    assert ("it" in found) == wanted


@settings(max_examples=40)
@given(pair=strategies.pairs())
def test_a_rule_matches_what_its_pattern_wants_however_odd(pair: tuple[str, dict[str, Any]]) -> None:
    check_alone_and_among_others(*pair)


@pytest.mark.parametrize("block", range(4))
def test_all_rules_together_match_what_each_would_alone(block: int) -> None:
    for seed in range(block * 20, block * 20 + 20):
        event = dice.case(seed)[1]

        assert full().match(event) == {name for name, pattern in others().items() if is_wanted(pattern, event)}, seed


@pytest.mark.parametrize("size", [300, pytest.param(5_000, marks=pytest.mark.deep)])
def test_a_rule_matches_what_its_pattern_wants(size: int) -> None:
    for seed in range(1_000_000, 1_000_000 + size):
        check_alone_and_among_others(*dice.case(seed))


def test_values_of_two_elements_make_no_match_whatever_other_rules_want_absent() -> None:
    rules = RuleSet({number: {"a": {"x": [number]}} for number in range(_node.SHELF_MAX)})
    rules.add("neither", {"a": {"b": [{"exists": False}], "c": ["z"]}})
    rules.add("both", {"a": {"c": ["y"], "d": ["Y"]}})

    assert rules.match({"a": [{"c": "y"}, {"d": "Y", "b": 1}]}) == frozenset()
    assert rules.match({"a": [{"c": "y", "d": "Y"}, {"b": 1}]}) == {"both"}


@pytest.mark.deep
@settings(max_examples=2_000)
@given(seed=st.integers(0, 2**62))
def test_a_rule_matches_what_its_pattern_wants_whatever_hypothesis_thinks_of(seed: int) -> None:
    check_alone_and_among_others(*dice.case(seed))


@given(pair=strategies.pairs(), event=strategies.python_events())
def test_events_of_python_programs_are_matched_alike(pair: tuple[str, dict[str, Any]], event: dict[Any, Any]) -> None:
    check_alone_and_among_others(pair[0], event)


# Changing.


class RuleSetMachine(RuleBasedStateMachine):
    """
    Adds, replaces, removes and matches; a dict of patterns and the plain matcher are the model.
    """

    @initialize(start=st.sampled_from([0, 0, 200]))
    def begin(self, start: int) -> None:
        self.model = dict(list(others().items())[:start])
        self.real = RuleSet(self.model)
        self.events: list[dict[str, Any]] = []

    @rule(pair=strategies.pairs(), name=st.integers(0, 5), copies=st.sampled_from([1, 1, 1, 12, 40]))
    def add(self, pair: tuple[str, dict[str, Any]], name: int, copies: int) -> None:
        text, event = pair
        self.events.append(event)
        for copy in range(copies):
            self.real.add(f"{name}.{copy}", text)
            self.model[f"{name}.{copy}"] = Pattern(text)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), several=st.booleans())
    def remove(self, data: st.DataObject, several: bool) -> None:
        first = data.draw(st.sampled_from(sorted(self.model)))
        names = (
            [name for name in self.model if name.partition(".")[0] == first.partition(".")[0]] if several else [first]
        )
        for name in names:
            self.real.remove(name)
            del self.model[name]

    @rule()
    def remove_all(self) -> None:
        for name in list(self.model):
            self.real.remove(name)
        self.model.clear()

    @invariant()
    def matches_what_the_model_does(self) -> None:
        assert sorted(self.real) == sorted(self.model)
        for event in self.events[-3:]:
            wanted = {name for name, pattern in self.model.items() if is_wanted(pattern, event)}
            assert self.real.match(event) == wanted

    @invariant()
    def keeps_nothing_of_what_is_gone(self) -> None:
        if not self.model:
            root = self.real._root
            assert isinstance(root.state, _node.Shelf)
            assert (len(root.state), root.state.tables, root.state.loose) == (0, (), ())
            assert (root.trie.below, root.trie.steps, root.trie.dotted) == ({}, (), frozenset())


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Few rows make a grid, and few more a split.
    """
    monkeypatch.setattr(_node, "SHELF_MAX", 5)
    monkeypatch.setattr(_grid, "GRID_MAX", 20)
    monkeypatch.setattr(_grid, "ONE_BY_ONE", 2)
    monkeypatch.setattr(_path_index, "RANGES_ONE_BY_ONE", 2)
    monkeypatch.setattr(_node, "_FIXED_BY", 20)
    monkeypatch.setattr(_node, "_TELLS_APART", 2)


@pytest.mark.usefixtures("small")
def test_rules_that_fill_many_grids_match_what_each_would_alone() -> None:
    rules = RuleSet(others())

    assert isinstance(rules._root.state, _node.Split)
    for seed in range(60):
        event = dice.case(seed)[1]
        wanted = {name for name, pattern in others().items() if is_wanted(pattern, event)}
        assert rules.match(event) == wanted, seed


@pytest.mark.usefixtures("small")
def test_rules_come_and_go_as_in_the_model_where_grids_are_small() -> None:
    RuleSetMachine.TestCase.settings = settings(
        max_examples=10, stateful_step_count=15, suppress_health_check=list(HealthCheck)
    )
    RuleSetMachine.TestCase().runTest()


@pytest.mark.parametrize("run", [0, pytest.param(1, marks=pytest.mark.deep)])
def test_rules_come_and_go_as_in_the_model(run: int) -> None:
    RuleSetMachine.TestCase.settings = settings(
        max_examples=15 if run == 0 else 150, stateful_step_count=15, suppress_health_check=list(HealthCheck)
    )
    RuleSetMachine.TestCase().runTest()


def test_a_name_that_is_there_gets_the_new_pattern() -> None:
    rules = RuleSet({"tea": {"item": ["tea"]}})

    rules.add("tea", {"item": ["green tea"]})

    assert rules.match({"item": "tea"}) == frozenset()
    assert rules.match({"item": "green tea"}) == {"tea"}
    assert (len(rules), list(rules), "tea" in rules) == (1, ["tea"], True)
    assert rules.pattern("tea").text == '{"item":["green tea"]}'


def test_a_bad_pattern_leaves_the_rule_as_it_was() -> None:
    rules = RuleSet({"tea": {"item": ["tea"]}})

    with pytest.raises(InvalidEventPattern):
        rules.add("tea", {"item": "tea"})

    assert rules.match({"item": "tea"}) == {"tea"}


def test_what_is_not_there_cannot_be_removed() -> None:
    rules = RuleSet()

    with pytest.raises(KeyError):
        rules.remove("tea")
    with pytest.raises(KeyError):
        rules.pattern("tea")


class Meddling(Mapping[str, Any]):
    """
    A part of an event that has somebody else do something as soon as it is looked at.
    """

    def __init__(self, values: dict[str, Any], meddle: Any) -> None:
        self.values_ = values
        self.meddle = meddle

    def __getitem__(self, key: str) -> Any:
        meddle, self.meddle = self.meddle, lambda: None
        meddle()
        return self.values_[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)


@pytest.mark.parametrize("size", [0, 400])
def test_a_match_sees_the_rules_that_were_there_when_it_began(size: int) -> None:
    """
    In the middle of it one rule is removed, one replaced and one added.
    """
    rules = RuleSet(dict(list(others().items())[:size]))
    for name in ("kept", "removed", "replaced"):
        rules.add(name, {"order": {"item": ["tea"]}})

    def meddle() -> None:
        rules.remove("removed")
        rules.add("replaced", {"order": {"item": ["cake"]}})
        rules.add("added", {"order": {"item": ["tea"]}})

    found = rules.match({"order": Meddling({"item": "tea"}, meddle)})

    assert found & {"kept", "removed", "replaced", "added"} == {"kept", "removed", "replaced"}
    assert rules.match({"order": {"item": "tea"}}) & {"kept", "removed", "replaced", "added"} == {"kept", "added"}


@pytest.mark.parametrize("size", [0, 3, 130])
def test_an_interrupt_at_any_line_of_a_change_leaves_it_done_or_undone(size: int) -> None:
    where = places("patterns/_ruleset.py", "patterns/_node.py", "patterns/_grid.py", "patterns/_trie.py")
    tea, cake = {"item": "tea", "n": 7}, {"item": "cake", "n": 7}
    after = 0
    again = True
    while again:
        after += 1
        rules = RuleSet({number: {"item": [f"other {number}"]} for number in range(size)})
        rules.add("it", {"item": ["tea"], "n": [{"numeric": [">", 5]}]})
        again = interrupted(partial(rules.add, "it", {"item": ["cake"]}), after, where, ("with ", "try:"))

        assert sorted([len(rules.match(tea)), len(rules.match(cake))]) == [0, 1]
        assert len(rules) == size + 1
        rules.add("it", {"n": [7]})
        assert rules.match(tea) == rules.match(cake) == {"it"}
        rules.remove("it")
        assert rules.match(tea) == rules.match(cake) == frozenset()
    assert after > 20


@pytest.mark.parametrize("size", [0, 130])
def test_an_interrupt_at_any_line_of_a_removal_leaves_it_done_or_undone(size: int) -> None:
    where = places("patterns/_ruleset.py", "patterns/_node.py", "patterns/_grid.py", "patterns/_trie.py")
    after = 0
    again = True
    while again:
        after += 1
        rules = RuleSet({number: {"item": [f"other {number}"]} for number in range(size)})
        rules.add("it", {"item": ["tea"], "n": [{"numeric": [">", 5]}]})
        again = interrupted(partial(rules.remove, "it"), after, where, ("with ", "try:"))

        assert ("it" in rules) == bool(rules.match({"item": "tea", "n": 7})) == (len(rules) > size)
        rules.add("it", {"item": ["cake"]})
        assert rules.match({"item": "tea", "n": 7}) == frozenset()
        assert rules.match({"item": "cake"}) == {"it"}
    assert after > 10


# What is odd or hostile.


def test_text_is_matched_as_it_is_written() -> None:
    rules = RuleSet({"exact": {"id": [9007199254740993]}, "near": {"id": [9007199254740992]}})

    assert rules.match_json('{"id": 9007199254740993}') == {"exact"}
    assert rules.match_json(b'{"id": 9007199254740992}') == {"near"}
    assert rules.match_json('{"id": 1, "id": 9007199254740993}') == {"exact"}


@pytest.mark.parametrize("event", [None, "{}", [("a", 1)], 5])
def test_what_is_no_event_is_refused(event: Any) -> None:
    with pytest.raises(InvalidInput):
        RuleSet({"tea": {"item": ["tea"]}}).match(event)


def test_a_rule_set_without_rules_matches_nothing() -> None:
    assert RuleSet().match({"a": 1}) == frozenset()


def test_what_is_remembered_of_values_is_bounded() -> None:
    rules = RuleSet({number: {"id": [{"prefix": str(number)}], "n": [number]} for number in range(300)})
    grids = rules._root.state
    assert isinstance(grids, tuple)

    for number in range(3_000):
        rules.match({"id": f"x{number}", "n": number + 0.5})

    seen = [len(index.seen) for grid in grids for index in grid._indexes.values()]
    assert 0 < max(seen) <= _path_index.SEEN_MAX


def test_rules_on_thousands_of_paths_are_told_apart() -> None:
    """
    However many paths there are, a path that comes again is the same.
    """
    rules = RuleSet({number: {f"k{number}": ["x"], "last": [{"exists": True}]} for number in range(5_000)})
    rules.add("again", {"k0": [{"anything-but": "y"}], "k1": [{"exists": False}]})

    assert rules.match({"k0": "x", "last": 1}) == {0, "again"}
    assert rules.match({"k4999": "x", "k1": "x", "last": 1}) == {1, 4_999}


def test_deep_events_and_long_paths_are_no_trouble() -> None:
    keys = [f"k{number}" for number in range(40)]
    text = "".join(f'{{"{key}":' for key in keys) + '["x"]' + "}" * len(keys)
    event: Any = "x"
    for key in reversed(keys):
        event = {key: event}
    deep: Any = "y"
    for _ in range(900):
        deep = {"k0": [deep]}
    rules = RuleSet(dict.fromkeys(range(200), text))

    assert len(rules.match(event)) == 200
    assert rules.match(deep) == frozenset()


def test_an_event_that_is_a_puzzle_is_refused() -> None:
    """
    One array that many paths lead to, each in its own spelling: which elements go together is a hard question.
    """
    keys = [f"k{number}" for number in range(12)]
    elements = [{key: key, f"{key}.z": "no"} for key in keys]
    event = {"a": Repeated([list(elements) for _ in range(10)])}
    rules = RuleSet({"it": {"a": {key: [key] for key in keys}}})

    with pytest.raises(EventTooComplex):
        rules.match(event)
