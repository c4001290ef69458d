"""
``postroom explain`` and ``postroom match``: what they print where, and their exit statuses.
"""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from postroom.lab import cli

PATTERN = '{"detail": {"state": ["paid"]}}'
RULES = '{"paid": {"detail": {"state": ["paid"]}}, "all": {"source": ["shop"]}, "never": {"source": ["x"]}}'
EVENT = '{"source": "shop", "id": "e-1", "detail": {"state": "paid"}}'
OTHER = '{"source": "shop", "detail": {"state": "Paid"}}'


def standard_input(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


class TestExplain:
    def test_a_match_is_0(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["explain", PATTERN, EVENT]) == 0
        out, err = capsys.readouterr()
        assert out == 'match: the condition holds\n  detail.state holds: "paid"\n'
        assert err == ""

    def test_a_miss_is_1(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["explain", PATTERN, OTHER]) == 1
        out, err = capsys.readouterr()
        assert out == (
            "no match: detail.state fails\n"
            "  detail.state\n"
            '    wanted  "paid"\n'
            '    found   "Paid"\n'
            '    hint    it differs in case only: write {"equals-ignore-case": "paid"}\n'
        )
        assert err == ""

    def test_files_and_standard_input_are_read(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "pattern.json"
        path.write_text(f"\ufeff{PATTERN}\n", "utf-8")
        standard_input(monkeypatch, EVENT.encode())

        assert cli.main(["explain", str(path), "-"]) == 0
        assert capsys.readouterr().out.startswith("match")

    def test_as_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["explain", PATTERN, OTHER, "--json"]) == 1
        found = json.loads(capsys.readouterr().out)
        assert (found["matches"], found["pattern"]) == (False, PATTERN)
        assert found["conditions"][0]["hints"][0]["kind"] == "case"

    def test_numbers_count_as_they_are_written(self) -> None:
        assert cli.main(["explain", '{"a": [9007199254740993]}', '{"a": 9007199254740993}']) == 0
        assert cli.main(["explain", '{"a": [9007199254740993]}', '{"a": 9007199254740993.0}']) == 1

    def test_all_faults_of_a_pattern_are_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        pattern = '{"detail": {"state": "paid"},\n "x": [{"prefx": "a"}]}'

        assert cli.main(["explain", pattern, EVENT]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert "postroom explain: PATTERN is no event pattern" in err
        assert 'AWS says: Event pattern is not valid. Reason: "state" must be an object or an array' in err
        assert "at detail.state (line 1, column 23)" in err
        assert 'write: "state": ["paid"]' in err
        assert "at x[0] (line 2, column " in err
        assert 'write: {"prefix": "a"}' in err

    def test_of_very_many_faults_the_first_are_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        pattern = json.dumps({f"k{number}": 1 for number in range(25)})

        assert cli.main(["explain", pattern, EVENT]) == 2
        assert "and 5 more" in capsys.readouterr().err


class TestMatch:
    def test_each_event_and_the_rules_that_never_match(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "events.jsonl"
        path.write_bytes(f'{EVENT}\n\n{OTHER}\n{{"a": 1}}\n'.encode())

        assert cli.main(["match", RULES, str(path)]) == 0
        out, err = capsys.readouterr()
        assert out == "line 1, id e-1: paid, all\nline 3: all\nline 4: -\nnever matched: never\n"
        assert err == ""

    @pytest.mark.parametrize(
        ("events", "printed"),
        [
            (EVENT, ["event 1, id e-1: paid"]),
            (f"[{EVENT}, {OTHER}]", ["event 1, id e-1: paid", "event 2: -"]),
            (json.dumps(json.loads(EVENT), indent=2), ["event 1, id e-1: paid"]),
            ("[]", []),
        ],
    )
    def test_one_event_or_an_array(
        self, events: str, printed: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        standard_input(monkeypatch, events.encode())

        assert cli.main(["match", f'{{"paid": {PATTERN}}}', "-"]) == 0
        *lines, last = capsys.readouterr().out.splitlines()
        assert lines == printed
        assert last == f"never matched: {'-' if printed else 'paid'}"

    def test_what_is_gzipped_is_unpacked(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        standard_input(monkeypatch, gzip.compress(EVENT.encode()))

        assert cli.main(["match", RULES, "-"]) == 0
        assert "event 1, id e-1: paid, all" in capsys.readouterr().out

    @pytest.mark.parametrize(
        "rules",
        [
            {"paid": {"EventPattern": PATTERN}, "a": {"EventPattern": '{"a": [1]}', "State": "ENABLED"}},
            {"paid": {"EventPattern": json.loads(PATTERN)}, "a": {"a": [1]}},
            {
                "Rules": [
                    {"Name": "paid", "EventPattern": PATTERN},
                    {"Name": "nightly", "ScheduleExpression": "rate(1 day)"},
                    {"Name": "a", "EventPattern": '{"a": [1]}'},
                ]
            },
        ],
    )
    def test_what_aws_exports_is_read(
        self, rules: dict[str, object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        standard_input(monkeypatch, json.dumps(rules).encode())

        assert cli.main(["match", "-", EVENT]) == 0
        assert capsys.readouterr().out == "event 1, id e-1: paid\nnever matched: a\n"

    def test_a_pattern_may_have_a_key_of_that_name(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["match", '{"x": {"EventPattern": ["y"]}, "Rules": {"a": [1]}}', '{"EventPattern": "y"}']) == 0
        assert capsys.readouterr().out == "event 1: x\nnever matched: Rules\n"

    def test_as_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["match", RULES, EVENT, "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {
            "events": [{"event": "event 1", "id": "e-1", "rules": ["paid", "all"]}],
            "never_matched": ["never"],
            "bad": [],
        }

    def test_ids_are_shown_if_they_are_text(self, capsys: pytest.CaptureFixture[str]) -> None:
        """
        And whatever they are, JSON can be written.
        """
        for shown in ("--json", ""):
            arguments = ["match", RULES, '{"id": 1e400}', *filter(None, [shown])]
            assert cli.main(arguments) == 0
        out = capsys.readouterr().out
        assert '"id": null' in out
        assert "event 1: -\n" in out

    def test_bad_lines_are_told_and_the_status_is_1(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        standard_input(monkeypatch, f"{EVENT}\n\x1b[2J\n[]\n".encode())

        assert cli.main(["match", RULES, "-"]) == 1
        out, err = capsys.readouterr()
        assert out.startswith("line 1, id e-1: paid, all\n")
        assert "postroom match: line 2: The event is no JSON" in err
        assert "postroom match: line 3: An event must be a JSON object." in err
        assert "postroom match: 2 events skipped\n" in err

    def test_of_many_bad_lines_the_first_are_told(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        standard_input(monkeypatch, (EVENT + "\nno" * 60).encode())

        assert cli.main(["match", RULES, "-"]) == 1
        err = capsys.readouterr().err
        assert err.count("is no JSON") == 50
        assert "60 events skipped; the first 50 are told" in err

    def test_an_event_that_is_too_complex_is_told(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        deep = "[" * 3_000 + '{"b": 1}' + "]" * 3_000
        standard_input(monkeypatch, f'{{"a": {deep}}}\n{EVENT}\n'.encode())

        assert cli.main(["match", '{"b": {"a": {"b": [1]}}}', "-"]) == 1
        out, err = capsys.readouterr()
        assert out == "line 2, id e-1: -\nnever matched: b\n"
        assert "postroom match: line 1: The event " in err

    def test_explain_cannot_run_on_such_an_event(self, capsys: pytest.CaptureFixture[str]) -> None:
        deep = "[" * 3_000 + '{"b": 1}' + "]" * 3_000

        assert cli.main(["explain", '{"a": {"b": [1]}}', f'{{"a": {deep}}}']) == 2
        assert "postroom explain: The event has too many values" in capsys.readouterr().err

    def test_names_cannot_move_a_cursor(self, capsys: pytest.CaptureFixture[str]) -> None:
        rules = json.dumps({"\x1b[2J": {"id": ["\x1b[2J"]}})

        assert cli.main(["match", rules, json.dumps({"id": "\x1b[2J"})]) == 0
        assert capsys.readouterr().out == "event 1, id ?[2J: ?[2J\nnever matched: -\n"


class TestWhatCannotRun:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (
                ["explain", "nowhere.json", EVENT],
                "postroom explain: cannot read nowhere.json: No such file or directory",
            ),
            (["explain", PATTERN, "nowhere.json"], "cannot read nowhere.json: No such file or directory"),
            (["explain", "-", "-"], "PATTERN and EVENT cannot both be standard input"),
            (["match", "-", "-"], "RULES and EVENTS cannot both be standard input"),
            (["explain", PATTERN, "{no"], "cannot read EVENT: The event is no JSON"),
            (["explain", PATTERN, "LATIN"], "it is no UTF-8 (byte 9)"),
            (["explain", PATTERN, "DAMAGED"], "it is gzipped, and damaged"),
            (["explain", PATTERN, "a\0b"], "cannot read a?b: "),
            (["explain", f'{{"a": ["{"x" * 5_000}"]}}', EVENT], "PATTERN is no event pattern: 1 validation error"),
            (["explain", PATTERN], "the following arguments are required: EVENT"),
            (["match", "{}", EVENT], "postroom match: RULES has no rules"),
            (["match", "{no", EVENT], "RULES is no JSON object: Expecting property name"),
            (["match", "ARRAY", EVENT], "is no JSON object: The text is JSON, and begins with '[]'."),
            (["match", '{"x": ["shop"]}', EVENT], "RULES: rule 'x' is no pattern: each rule is one JSON object"),
            (["match", '{"x": {"a": [1]}, "x": {"b": [1]}}', EVENT], "rule 'x' is no pattern"),
            (["match", '{"x": {"a": 1}}', EVENT], "RULES: rule 'x' is no event pattern\n"),
            (["match", '{"x": {"EventPattern": "{no"}}', EVENT], "RULES: rule 'x' is no event pattern\n"),
            (["match", '{"Rules": [{"EventPattern": "{}"}]}', EVENT], "RULES: rule 1 of Rules has no Name"),
            (["match", RULES, "BAD"], "The event is no JSON"),
            (["match", RULES, "MIXED"], "element 2 of the array is no object"),
        ],
    )
    def test_the_status_is_2_and_the_message_clear(
        self, arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        files = {
            "LATIN": '{"a": "x\xe9"}'.encode("latin-1"),
            "DAMAGED": gzip.compress(EVENT.encode())[:-3],
            "ARRAY": b"[]",
            "BAD": b"no\nno\n",
            "MIXED": f"[{EVENT}, 5]".encode(),
        }
        for name, data in files.items():
            (tmp_path / name).write_bytes(data)

        assert cli.main([str(tmp_path / one) if one in files else one for one in arguments]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert message in err
        assert "Traceback" not in err

    @pytest.mark.parametrize("command", ["explain", "match"])
    def test_help_explains(self, command: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main([command, "--help"]) == 0
        out = capsys.readouterr().out
        assert "exit status:" in out
        assert all(len(line) <= 100 for line in out.splitlines())

    def test_a_process_of_its_own(self) -> None:
        root = Path(__file__).parents[2]
        ended = subprocess.run(
            [sys.executable, "-m", "postroom", "explain", PATTERN, OTHER],
            capture_output=True,
            check=False,
            env={"PYTHONPATH": str(root / "src")},
            timeout=60,
        )

        assert ended.returncode == 1
        assert ended.stdout.startswith(b"no match: detail.state fails")
