"""
Explanations: they agree with the matcher, name leaves and elements, find the nearest alternative, and stay small.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import pickle
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings

from postroom import Pattern
from postroom.errors import EventTooComplex, InvalidInput
from postroom.patterns import Repeated, read_event
from postroom.patterns._explain import Explanation, RuleSetExplanation, explain_rules
from tests.patterns.strategies import pairs, patterns, python_events, to_text

LINES = {"lines": [{"item": "tea", "count": 1}, {"item": "cake", "count": 2}]}


class Endless(Mapping[str, Any]):
    """
    An object with a new key whenever one is asked for.
    """

    def __getitem__(self, key: str) -> Any:
        return {"state": key}

    def __iter__(self) -> Iterator[str]:
        return map(str, itertools.count())

    def __len__(self) -> int:
        return 1


def explained(pattern: dict[str, Any], event: dict[str, Any]) -> Explanation:
    return Pattern(pattern).explain(event)


class TestWhatItSays:
    @settings(deadline=None)
    @given(pairs())
    def test_it_agrees_with_the_matcher(self, pair: tuple[str, dict[str, Any]]) -> None:
        text, event = pair
        pattern = Pattern(text)
        explanation = pattern.explain(event)

        assert explanation.matches == bool(explanation) == pattern.matches(event)
        assert explanation.matches == (not explanation.failing)
        for one in explanation.conditions:
            assert one.holds == (one.by is not None)
            assert one.by is None or one.by in one.expected
        assert str(explanation).startswith("match" if explanation.matches else "no match")
        assert pickle.loads(pickle.dumps(explanation)) == explanation
        assert json.loads(json.dumps(explanation.to_dict()))["matches"] == explanation.matches

    @settings(deadline=None)
    @given(patterns(), python_events())
    def test_whatever_a_python_program_holds(self, pattern: dict[str, Any], event: dict[Any, Any]) -> None:
        made = Pattern(to_text(pattern))

        assert made.explain(event).matches == made.matches(event)

    @settings(deadline=None)
    @given(pairs(events_count=2))
    def test_elements_that_are_named_agree(self, drawn: tuple[str, dict[str, Any], dict[str, Any]]) -> None:
        """
        No two values that it names for a match are in different elements of one array.
        """
        text, *events = drawn
        for event in events:
            explanation = Pattern(text).explain(event)
            if not explanation or "Repeated" in repr(event):
                continue
            chosen: dict[str, str] = {}
            for one in explanation.conditions:
                for element in [element for found in one.found for element in found.elements]:
                    array, _, index = element.rpartition("[")
                    assert chosen.setdefault(array, index) == index

    def test_a_match_names_each_leaf(self) -> None:
        pattern = {
            "source": ["shop"],
            "detail": {"state": ["new", {"prefix": "pa"}], "test": [{"exists": False}], "tags": ["b"]},
        }
        explanation = explained(pattern, {"source": "shop", "detail": {"state": "paid", "tags": ["a", "b"]}})

        assert [(one.path, one.by) for one in explanation.conditions] == [
            ("detail.state", '{"prefix": "pa"}'),
            ("detail.tags", '"b"'),
            ("detail.test", '{"exists": false}'),
            ("source", '"shop"'),
        ]
        state, tags, test, _ = explanation.conditions
        assert (state.found[0].place, state.found[0].value) == ("detail.state", '"paid"')
        assert (tags.found[0].place, tags.found[0].elements, tags.found_count) == ("detail.tags[1]", (), 2)
        assert test.found == ()
        assert str(explanation) == (
            "match: all 4 conditions hold\n"
            '  detail.state holds: "paid", wanted by {"prefix": "pa"}\n'
            '  detail.tags  holds: "b" at detail.tags[1]\n'
            '  detail.test  holds: nothing is there, as wanted by {"exists": false}\n'
            '  source       holds: "shop"'
        )

    def test_values_of_one_element_are_named(self) -> None:
        """
        The first condition alone could be satisfied by another element too.
        """
        event = {"lines": [{"count": 2}, {"item": "tea", "count": 2}]}
        explanation = explained({"lines": {"count": [2], "item": ["tea"]}}, event)

        assert [one.found[0].place for one in explanation.conditions] == ["lines[1].count", "lines[1].item"]
        assert all(one.found[0].elements == ("lines[1]",) for one in explanation.conditions)

    def test_of_elements_that_are_alike_the_first_is_named(self) -> None:
        explanation = explained(
            {"lines": {"count": [2], "item": ["tea"]}}, {"lines": [{"item": "tea", "count": 2}] * 3}
        )

        assert [one.found[0].place for one in explanation.conditions] == ["lines[0].count", "lines[0].item"]

    def test_arrays_in_arrays_are_named_from_the_outermost(self) -> None:
        explanation = explained({"a": {"b": [1]}}, {"a": [[], [{"b": 0}, {"b": 1}]]})

        [found] = explanation.conditions[0].found
        assert (found.place, found.elements) == ("a[1][1].b", ("a[1]", "a[1][1]"))

    def test_a_miss_names_all_paths_that_fail_in_order(self) -> None:
        explanation = explained({"b": [1], "a": [{"exists": True}], "c": ["x"]}, {"b": 2, "c": "x"})

        assert [one.path for one in explanation.failing] == ["a", "b"]
        assert explanation.failing[1].expected == ("1",)
        assert [found.value for found in explanation.failing[1].found] == ["2"]
        assert str(explanation) == (
            "no match: a, b fail, 1 of 3 conditions holds\n"
            '  a\n    wanted  {"exists": true}\n    found   nothing\n'
            "  b\n    wanted  1\n    found   2\n"
            '  c holds: "x"'
        )

    def test_two_elements_are_named_that_do_not_go_together(self) -> None:
        explanation = explained({"lines": {"count": [2], "item": ["tea"]}}, LINES)

        [failed] = explanation.failing
        assert failed.path == "lines.item"
        assert [found.place for found in failed.found] == ["lines[0].item"]
        assert failed.found_count == 2
        assert failed.hints[0].kind == "elements"

    def test_keys_that_stand_twice_both_count(self) -> None:
        assert explained({"a": ["y"]}, {"a": Repeated(["x", "y"])})
        assert explained({"a": ["z"]}, {"a": Repeated(["x", "y"])}).failing[0].found_count == 2

    def test_every_entry_is_shown_as_json(self) -> None:
        entries: list[Any] = [
            "x", "10.0.0.1", 5, 5.5, True, None, {"exactly": "10.0.0.1"}, {"exists": False}, {"exists": True},
            {"prefix": "a"}, {"prefix": {"equals-ignore-case": "a"}}, {"suffix": "a"},
            {"suffix": {"equals-ignore-case": "a"}}, {"equals-ignore-case": "a"}, {"wildcard": "a*\\*"},
            {"cidr": "10.0.0.0/24"}, {"numeric": ["=", 5]}, {"numeric": [">", 1.5, "<=", 1e300]},
            {"anything-but": "x"}, {"anything-but": ["x", "y"]}, {"anything-but": [1, 2]},
            {"anything-but": {"suffix": ["a", "b"]}}, {"anything-but": {"wildcard": "a*"}},
        ]  # fmt: skip
        shown = explained({"a": entries}, {"a": 0}).conditions[0].expected

        assert [json.loads(one) for one in shown] == entries


class TestAlternatives:
    def test_the_one_that_holds_is_explained(self) -> None:
        explanation = explained({"$or": [{"a": [1]}, {"b": [2]}], "c": [3]}, {"b": 2, "c": 3})

        assert (explanation.alternative, explanation.alternatives_count) == (2, 2)
        assert [one.path for one in explanation.conditions] == ["b", "c"]
        assert str(explanation).startswith("match: all 2 conditions hold, alternative 2 of 2")

    def test_the_one_with_the_fewest_failures_is_nearest(self) -> None:
        explanation = explained({"$or": [{"a": [1], "b": [1]}, {"c": [3], "d": [4]}]}, {"d": 4})

        assert [one.path for one in explanation.failing] == ["c"]
        assert "; nearest is alternative 2 of 2" in str(explanation)

    def test_of_equals_the_one_with_a_hint_is_nearest(self) -> None:
        explanation = explained({"$or": [{"a": ["x"]}, {"b": ["paid"]}]}, {"a": "y", "b": "Paid"})

        assert [one.path for one in explanation.failing] == ["b"]

    def test_without_hints_the_one_of_which_more_holds_is_nearest(self) -> None:
        explanation = explained({"$or": [{"a": ["x"]}, {"b": ["x"], "c": [1]}]}, {"a": "y", "b": "y", "c": 1})

        assert [one.path for one in explanation.failing] == ["b"]


class TestForTests:
    def test_the_message_of_an_assertion_has_the_pattern(self) -> None:
        explanation = explained({"a": [5]}, {"a": "5"})

        with pytest.raises(AssertionError) as raised:
            assert explanation, explanation.assertion_message
        assert str(raised.value).startswith("no match: a fails\n")
        assert 'pattern: {"a":[5]}' in str(raised.value)

    def test_the_short_form_says_what_matters_first(self) -> None:
        miss = explained({"a": ["x" * 500]}, {"a": ["y" * 500] * 9})

        assert repr(explained({"a": [5]}, {"a": "5"})) == '<Explanation: no match, a: wanted 5, found "5">'
        assert repr(explained({"a": [5]}, {"a": 5})) == "<Explanation: match: the condition holds>"
        assert len(repr(miss)) < 240

    def test_a_value_does_not_change(self) -> None:
        explanation = explained({"a": [5]}, {"a": 5})

        with pytest.raises(AttributeError):
            setattr(explanation, "matches", False)  # noqa: B010
        assert hash(explanation) == hash(explained({"a": [5]}, {"a": 5}))

    def test_one_condition_can_be_printed(self) -> None:
        holds, fails = explained({"a": [5], "b": [5]}, {"a": 5, "b": "5"}).conditions

        assert str(holds) == "a holds: 5"
        assert str(fails).splitlines()[:3] == ["b", "  wanted  5", '  found   "5"']


class TestHostileInput:
    def test_the_text_is_short_whatever_is_explained(self) -> None:
        pattern = {f"key-{number}": [f"{number}" * 9] * 2 for number in range(70)}
        event = {f"key-{number}": ["y" * 10_000] * 500 for number in range(70)}
        explanation = explained(pattern, event)

        assert len(explanation.failing) == 70
        assert all(len(one.found) <= 5 and one.found_count == 500 for one in explanation.failing)
        assert all(len(found.value) <= 200 for one in explanation.failing for found in one.found)
        assert len(str(explanation)) < 20_000
        assert "60 more fail" in str(explanation)

    def test_nothing_of_the_event_can_move_a_cursor(self) -> None:
        event = {"\x1b[2J": {"state": "\u202e\x1b]0;"}, "state": "\x07"}
        told = str(explained({"state": ["x"], "\x1b[2J": {"state": ["\n"]}}, event))

        assert all(letter.isprintable() for letter in told.replace("\n", ""))

    def test_a_deep_event(self) -> None:
        deep: dict[str, Any] = {"state": "paid"}
        for _ in range(5_000):
            deep = {"a": [deep]}
        explanation = explained({"state": ["paid"]}, deep)

        assert not explanation
        assert len(str(explanation)) < 1_000

    def test_an_event_that_holds_itself_where_nobody_looks(self) -> None:
        event: dict[str, Any] = {"a": 1}
        event["self"] = event
        event["list"] = [event]

        assert not explained({"a": [2]}, event)

    def test_an_object_without_end_where_nobody_looks(self) -> None:
        """
        Near misses are looked for in a part of the event only.
        """
        explanation = explained({"state": ["x"]}, {"other": Endless()})

        assert [hint.path for hint in explanation.hints] == ["other.0.state", "other.1.state"]

    def test_json_that_is_nested_too_deep_inside_a_string(self) -> None:
        assert explained({"a": {"b": [1]}}, {"a": "[" * 100_000}).hints[0].kind == "object"

    @pytest.mark.parametrize("value", [10**5_000, float("nan"), float("inf")], ids=["long", "nan", "infinity"])
    def test_numbers_that_json_has_not(self, value: float) -> None:
        explanation = explained({"a": [5]}, {"a": value})

        assert len(explanation.failing[0].found) == 1
        assert str(explanation)

    def test_values_of_no_kind_are_refused_as_by_the_matcher(self) -> None:
        with pytest.raises(InvalidInput, match="date"):
            explained({"a": [5]}, {"a": dt.date(2024, 1, 31)})
        assert not explained({"a": [5]}, {"b": dt.date(2024, 1, 31)})

    def test_what_is_too_complex_for_the_matcher_is_refused(self) -> None:
        event: list[Any] = []
        event.append(event)

        with pytest.raises(EventTooComplex):
            explained({"a": [5]}, {"a": event})

    def test_a_search_that_the_matcher_was_spared_has_a_bound(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        Something else fails at once; what would be too hard a search is given up, and told of as it stands.
        """
        monkeypatch.setattr("postroom.patterns._outcomes.PATTERN_STEPS_MAX", 20_000)
        keys = [f"k{number}" for number in range(6)]
        event = {"a": Repeated([[dict.fromkeys(keys, 1)] * 10 for _ in range(20)]), "z": "Paid"}
        explanation = explained({"a": {key: [1] for key in keys}, "z": ["paid"]}, event)

        assert [one.path for one in explanation.failing] == ["z"]
        assert explanation.hints[0].kind == "case"


RULES = {
    "far": Pattern({"a": [0], "b": [0]}),
    "near": Pattern({"a": [1], "b": ["2"]}),
    "first": Pattern({"a": [1]}),
    "nearer": Pattern({"a": [1], "c": [3], "b": [3]}),
    "second": Pattern({"b": [2]}),
}


class TestManyRules:
    def test_first_those_that_match_then_the_nearest(self) -> None:
        found = explain_rules(RULES, {"a": 1, "b": 2, "c": 3}, nearest=2)

        assert list(found) == ["first", "second", "nearer", "near"]
        assert found.matching == ("first", "second")
        assert (len(found), found.rules_count) == (4, 5)
        assert found["near"].hints[0].kind == "number-for-string"
        assert "far" not in found

    def test_each_is_as_if_explained_alone(self) -> None:
        event = {"a": 1, "b": 2, "c": 3}

        for name, explanation in explain_rules(RULES, event).items():
            assert explanation == RULES[name].explain(event)

    def test_it_is_a_value(self) -> None:
        found = explain_rules(RULES, {"a": 1}, nearest=0)

        assert pickle.loads(pickle.dumps(found)) == found
        assert [one["rule"] for one in found.to_dict()["explanations"]] == ["first"]
        assert str(found) == "1 of 5 rules match\nfirst: match: the condition holds\n  a holds: 1"
        assert repr(found) == "<RuleSetExplanation: 1 of 5 rules match>"

    def test_no_rules_at_all(self) -> None:
        found = explain_rules({}, {"a": 1})

        assert isinstance(found, RuleSetExplanation)
        assert (list(found), found.rules_count) == ([], 0)

    def test_numbers_of_a_text_are_shown_as_written(self) -> None:
        event = read_event('{"a": 9007199254740993}')

        assert explain_rules({"x": Pattern({"a": [5]})}, event)["x"].failing[0].found[0].value == "9007199254740993"
