"""
The command line: what it prints where, and its exit statuses.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from postroom import __version__
from postroom.lab import cli, flow, handlers, screen
from postroom.lab.arrivals import DAY_US
from postroom.lab.report import Section

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONIOENCODING": "utf-8"}
GOOD = b'{"source": "shop", "detail-type": "order", "detail": {}}\n'


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """
    A process of its own.
    """
    return subprocess.run(
        [sys.executable, "-m", "postroom", *arguments],
        capture_output=True,
        check=False,
        env={**ENVIRONMENT, **environment},
        timeout=60,
    )


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_bytes(GOOD * 3)
    return path


# Where the suite runs in the background SIGINT is ignored, and a child inherits that.
WITH_SIGINT = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("postroom", run_name="__main__")
"""


class Terminal(io.StringIO):
    """
    A stream that says it is a terminal.
    """

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class TestTheDemo:
    def test_two_processes_give_the_same_bytes(self, tmp_path: Path) -> None:
        """
        Whatever the hash seed is, and whether to a file or to standard output.
        """
        path = tmp_path / "result.json"
        one = command("demo", "--json", str(path), PYTHONHASHSEED="1")
        other = command("demo", "--json", "-", PYTHONHASHSEED="2", TZ="Asia/Tokyo")

        assert one.returncode == other.returncode == 0
        assert path.read_bytes() == other.stdout
        assert b"ok: 329 of 329 events" in one.stdout
        assert b"ok: 329 of 329 events" in other.stderr
        found = json.loads(other.stdout)
        accounted = found["accounted_for"]
        assert (accounted["complete"], accounted["events"], accounted["missing"]) == (True, 329, [])
        assert sum(accounted["ways"].values()) == len(found["events"]) == 329
        assert found["dead_letters"]
        assert found["slowest"]["steps"]
        assert all(len(one["sha256"]) == 64 for one in found["objects"])
        assert found["bad_lines"] == []

    def test_the_report_goes_to_stdout_and_progress_to_stderr(
        self, events: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["demo", str(events)]) == 0
        out, err = capsys.readouterr()
        assert "3 events of 1 kind on a simulated day, seed 1" in out
        assert "3 of 3 events counted" in err

    def test_standard_input_is_read(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(GOOD * 2))))

        assert cli.main(["demo", "-"]) == 0
        assert "ok: 2 of 2 events" in capsys.readouterr().out

    def test_against_the_system_clock(self, events: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """
        With threads of its own; what is written has no time of the host in it.
        """
        assert cli.main(["demo", str(events), "--speed", "100000", "--json", "-"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["clock"] == "system"
        assert found["start"] is None
        assert all(0 <= event["published_us"] < 10 * DAY_US for event in found["events"])

    def test_the_page_is_the_same_bytes_too(self, tmp_path: Path) -> None:
        """
        To a file and to standard output, whatever the hash seed is.
        """
        path = tmp_path / "report.html"
        one = command("demo", "--report", str(path), PYTHONHASHSEED="1")
        other = command("demo", "--report", "-", PYTHONHASHSEED="2")

        assert one.returncode == other.returncode == 0
        assert path.read_bytes() == other.stdout
        assert other.stdout.startswith(b"<!doctype html>")
        assert b"ok: 329 of 329 events" in other.stderr

    def test_objects_go_into_a_folder(self, events: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """
        It is made, and told; a second day does not go on top of the first.
        """
        folder = tmp_path / "made" / "here"

        assert cli.main(["demo", str(events), "--objects", str(folder)]) == 0
        assert f"Objects, in {folder}" in capsys.readouterr().out
        lines = [line for path in folder.rglob("*") if path.is_file() for line in path.read_bytes().splitlines()]
        assert {json.loads(line)["detail"]["id"] for line in lines} == {"line-1", "line-2", "line-3"}

        assert cli.main(["demo", str(events), "--objects", str(folder)]) == 2
        assert "has events in it already" in capsys.readouterr().err

    def test_bad_lines_are_told_and_the_status_is_1(self, events: Path, capsys: pytest.CaptureFixture[str]) -> None:
        events.write_bytes(GOOD + b"\n\x1b[2J\n" + GOOD + b"{}\n")

        assert cli.main(["demo", str(events), "--json", "-"]) == 1
        out, err = capsys.readouterr()
        assert "postroom demo: line 3: is no JSON" in err
        assert 'postroom demo: line 5: has no "source"' in err
        assert "2 bad lines skipped" in err
        assert "ok: 2 of 2 events" in err
        assert [bad["line"] for bad in json.loads(out)["bad_lines"]] == [3, 5]

    def test_nothing_but_bad_lines_is_1_too(self, events: Path, capsys: pytest.CaptureFixture[str]) -> None:
        events.write_bytes(b"no\n" * 60)

        assert cli.main(["demo", str(events)]) == 1
        err = capsys.readouterr().err
        assert "and 10 more bad lines" in err
        assert "60 bad lines skipped" in err
        assert f"no line of {events} is an event" in err

    def test_what_is_not_accounted_for_is_1(
        self, events: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(flow, "CRASH_RATE", 1.0)

        assert cli.main(["demo", str(events)]) == 1
        assert "INCOMPLETE: " in capsys.readouterr().out

    def test_an_interruption_is_130_with_what_was_reached(
        self, events: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def interrupt(*_: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(handlers.Auditor, "mend", interrupt)

        assert cli.main(["demo", str(events), "--json", "-"]) == 130
        out, err = capsys.readouterr()
        assert json.loads(out)["interrupted"]
        assert "interrupted; the last event was counted at" in err

    def test_an_interruption_while_reading_is_130_too(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def interrupt() -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(cli, "bundled", interrupt)

        assert cli.main(["demo"]) == 130
        assert capsys.readouterr().err == "postroom: interrupted\n"

    @pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is no signal there")
    def test_a_real_signal_ends_a_real_wait(self) -> None:
        """
        Against the system clock the main thread waits; Ctrl-C reaches it, and no thread says a word.
        """
        with subprocess.Popen(
            [sys.executable, "-c", WITH_SIGINT, "demo", "--speed", "30000"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
        ) as process:
            assert process.stderr is not None
            first = process.stderr.readline()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)

        assert b"33 of 329 events counted" in first
        assert process.returncode == 130
        assert b"INCOMPLETE" in out
        assert b"Traceback" not in err
        assert b"postroom:" not in err


class TestWhatCannotRun:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["demo", "nowhere.jsonl"], "cannot read nowhere.jsonl: No such file or directory"),
            (["demo", str(ROOT)], f"cannot read {ROOT}: "),
            (["demo", "EMPTY"], "is empty: there are no events in it"),
            (["demo", "DAMAGED"], "It is gzipped, and damaged."),
            (["demo", "--json", "nowhere/x.json"], "cannot write nowhere/x.json: No such file or directory"),
            (["demo", "EVENTS", "--json", "EVENTS"], "is the input itself"),
            (["demo", "--report", "nowhere/x.html"], "cannot write nowhere/x.html: No such file or directory"),
            (["demo", "EVENTS", "--report", "EVENTS"], "is the input itself"),
            (["demo", "--json", "-", "--report", "-"], "cannot both go to standard output"),
            (["demo", "--json", "EMPTY", "--report", "EMPTY"], "--json and --report are both"),
            (["demo", "--objects", "EMPTY"], "cannot write"),
            (["demo", "--seed", "x"], "argument --seed: invalid int value: 'x'"),
            (["demo", "--speed", "0"], "argument --speed: '0' is no number above 0 and up to 100000"),
            (["demo", "--speed", "nan"], "argument --speed: 'nan' is no number"),
            (["demo", "--speed", "fast"], "argument --speed: 'fast' is no number"),
            (["demo", "--sped", "2"], "unrecognized arguments: --sped"),
            (["parade"], "invalid choice: 'parade'"),
            ([], "usage: postroom"),
        ],
    )
    def test_the_status_is_2_and_the_message_clear(
        self, arguments: list[str], message: str, events: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        names = {"EVENTS": events, "EMPTY": events.with_name("empty"), "DAMAGED": events.with_name("damaged")}
        names["EMPTY"].write_bytes(b"\n \n")
        names["DAMAGED"].write_bytes(gzip.compress(GOOD)[:-3])

        assert cli.main([str(names.get(argument, argument)) for argument in arguments]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert message in err
        assert "Traceback" not in err
        assert events.read_bytes() == GOOD * 3

    def test_a_full_disk_is_told(self) -> None:
        if not Path("/dev/full").exists():
            pytest.skip("no /dev/full here")
        with Path("/dev/full").open("wb") as full:
            ended = subprocess.run(
                [sys.executable, "-m", "postroom", "demo"],
                stdout=full,
                stderr=subprocess.PIPE,
                check=False,
                env=ENVIRONMENT,
            )

        assert ended.returncode == 2
        assert b"cannot write: No space left on device" in ended.stderr
        assert b"Traceback" not in ended.stderr

    def test_a_reader_who_left_is_quiet(self) -> None:
        read_end, write_end = os.pipe()
        os.close(read_end)
        ended = subprocess.run(
            [sys.executable, "-m", "postroom", "demo"],
            stdout=write_end,
            stderr=subprocess.PIPE,
            check=False,
            env=ENVIRONMENT,
        )
        os.close(write_end)

        assert ended.returncode == 141
        assert b"Error" not in ended.stderr


class TestTheScreen:
    def test_a_terminal_has_colours_and_a_bar(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pytest.importorskip("rich")
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.delenv("NO_COLOR", raising=False)
        terminal = Terminal()

        with screen.progress(2, terminal) as told:
            told(2, 0)
        screen.show([Section("Title", [])], terminal)

        assert "\x1b[" in terminal.getvalue()
        assert "2/2" in terminal.getvalue()
        assert screen.bar_char(terminal) != "#"

    @pytest.mark.parametrize("why", ["no rich", "NO_COLOR", "dumb", "ascii", "no terminal"])
    def test_elsewhere_it_is_plain(self, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        Without rich, when colours are not wanted or not possible, and where nobody looks.
        """
        monkeypatch.setenv("TERM", "dumb" if why == "dumb" else "xterm")
        monkeypatch.setenv("NO_COLOR", "1" if why == "NO_COLOR" else "")
        if why == "no rich":
            for module in [name for name in sys.modules if name.partition(".")[0] == "rich"] + ["rich"]:
                monkeypatch.setitem(sys.modules, module, None)
        terminal = io.StringIO() if why == "no terminal" else Terminal()
        if why == "ascii":
            monkeypatch.setattr(Terminal, "encoding", "ascii")

        with screen.progress(2, terminal) as told:
            told(1, 0)
            told(2, 3_600_000_000)
        screen.show([Section("Title", [])], terminal)

        assert terminal.getvalue() == "  00:00:00  1 of 2 events counted\n  01:00:00  2 of 2 events counted\n\nTitle\n"
        assert screen.bar_char(terminal) == "#"

    def test_a_progress_nobody_reads_stops_nothing(self) -> None:
        closed = io.StringIO()
        with screen.progress(1, closed) as told:
            closed.close()
            told(1, 0)

    def test_a_terminal_without_these_letters_gets_others(self) -> None:
        """
        Events may be called anything.
        """
        name = "\u00fcber/\u8336".encode()
        entry = b'{"source": "s", "detail-type": "t", "detail": {"repository": "%s"}}' % name
        ended = subprocess.run(
            [sys.executable, "-m", "postroom", "demo", "-"],
            input=entry,
            capture_output=True,
            check=False,
            env={**ENVIRONMENT, "PYTHONIOENCODING": "ascii"},
        )

        assert ended.returncode == 0
        assert b"\\xfcber/\\u8336" in ended.stdout


class TestTheRest:
    def test_the_version_is_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["--version"]) == 0
        assert capsys.readouterr().out == f"postroom {__version__}\n"

    @pytest.mark.parametrize("arguments", [["--help"], ["demo", "--help"]])
    def test_help_explains(self, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(arguments) == 0
        assert "demo" in capsys.readouterr().out

    def test_the_wheel_has_the_events_and_their_attribution(self, tmp_path: Path) -> None:
        builder = pytest.importorskip("hatchling.builders.wheel")
        [wheel] = builder.WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])

        with zipfile.ZipFile(wheel) as opened:
            names = opened.namelist()
            data = opened.read("postroom/lab/data/github-webhooks.jsonl.gz")
        assert "postroom/lab/data/ATTRIBUTION.md" in names
        assert gzip.decompress(data).count(b"\n") == 329
