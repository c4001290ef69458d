"""
The command ``postroom``.

Exit statuses: 0, all went well; 1, it ran, and not all is accounted for, an event does not match or lines of the input were
bad; 2, it could not run; 130, interrupted; 141, nobody reads its output.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from postroom._version import __version__
from postroom.errors import InvalidInput
from postroom.lab.demo import play
from postroom.lab.events import bundled, read_from
from postroom.lab.inputs import CannotRun
from postroom.lab.page import page
from postroom.lab.report import report
from postroom.lab.rules import add_commands
from postroom.lab.screen import bar_char, draws_boxes, progress, show
from postroom.lab.words import clean

if TYPE_CHECKING:
    from postroom.lab.accounts import Result
    from postroom.lab.events import BadLine, Reading

OK: Final = 0
INCOMPLETE: Final = 1
CANNOT_RUN: Final = 2
INTERRUPTED: Final = 130
NOBODY_READS: Final = 141

SPEED_MAX: Final = 100_000
"""A day in a second, which threads keep up with if there are few events; 329 of them want some 20,000 or less."""
_BAD_LINES_SHOWN: Final = 50

_ABOUT = "Message queues, topics, event buses and streams inside one Python process, with time you control."

_DEMO = """\
Sends a day of events through a topic, four queues with a function each, an
event bus, a stream, and into objects in hourly folders, and accounts for each event at
the far end, by its id.

Events arrive all over a simulated day. One call in twenty crashes on
purpose, some are slow, some acknowledgements are lost, and one kind of event
cannot be read at first: what fails comes back after its visibility timeout,
and what failed three times goes to a dead-letter queue. An hour after the day
the function is mended, and dead letters are sent round again. The simulated
day takes about a second.
"""

_DEMO_MORE = """\
EVENTS is a file of JSON Lines, gzipped or not, an event a line:
  {"source": "shop", "detail-type": "order", "detail": {"total": 7}}
"id" (text) and "time" (such as "2024-01-31T12:00:00Z") may be there too. If
all events have a time, within one day, they arrive at their times. A bad line
is reported and skipped.

exit status:
  0    every event is accounted for
  1    some are not, or lines of the input were bad
  2    it could not run: the input cannot be read, an option is wrong
  130  interrupted; what was reached is reported

examples:
  postroom demo
  postroom demo --report report.html
  postroom demo --seed 7 --json result.json --objects archive
  postroom demo --speed 3600          a day in 24 seconds, on the system clock
  zcat events.jsonl.gz | postroom demo -
"""


def main(argv: Sequence[str] | None = None) -> int:
    """
    Runs the command, and returns its exit status.

    >>> main(["--version"])
    postroom ...
    0

    Args:
        argv: The arguments after the command's name; those of the process unless given.
    """
    for stream in (sys.stdout, sys.stderr):
        # Whatever events are called, and whatever the terminal's encoding is: show it somehow.
        with suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # not in all text streams
    _open_closed_streams()
    command = ""
    try:
        parser = _parser()
        options = parser.parse_args(argv)
        if options.command is None:
            parser.print_help(sys.stderr)
            return CANNOT_RUN
        command = options.command
        status: int = options.run(options)
        sys.stdout.flush()
        return status
    except CannotRun as error:
        _say(f"postroom {command}: {error}")
        return CANNOT_RUN
    except SystemExit as ended:  # argparse has said what there is to say
        return ended.code if isinstance(ended.code, int) else CANNOT_RUN
    except KeyboardInterrupt:
        _say("postroom: interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return NOBODY_READS
    except OSError as error:  # of what reads and writes files, each says so itself
        with suppress(OSError):
            _say(f"postroom: cannot write: {error.strerror or error}")
        _discard_output()
        return CANNOT_RUN


def _open_closed_streams() -> None:
    """
    Where a shell has closed an output (``>&-``) Python has None for it, and what is written goes nowhere.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - open as long as it runs


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _discard_output() -> None:
    """
    Points both streams at nothing, so that the interpreter's last flush does not complain either.
    """
    nothing = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with suppress(OSError, ValueError):
                os.dup2(nothing, stream.fileno())
        except ValueError:
            pass  # it was closed
    os.close(nothing)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="postroom", description=_ABOUT, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"postroom {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    demo = commands.add_parser(
        "demo",
        help="send a day of real events through all services, and account for each",
        description=_DEMO,
        epilog=_DEMO_MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    demo.add_argument(
        "events",
        nargs="?",
        metavar="EVENTS",
        help='JSON Lines to play, "-" for standard input; 329 real GitHub events unless given',
    )
    demo.add_argument(
        "--json",
        metavar="FILE",
        help='also write everything as JSON, "-" for standard output (the report is then on standard error); '
        "the same events and seed give the same bytes, but with --speed",
    )
    demo.add_argument(
        "--report",
        metavar="FILE",
        help='also write the report as one HTML page, "-" for standard output',
    )
    demo.add_argument(
        "--objects",
        metavar="DIR",
        help="the folder that the objects in hourly folders go to, made if it is not there; into memory unless given",
    )
    demo.add_argument(
        "--seed", type=int, default=1, metavar="N", help="what arrivals, failures and ids are drawn from (default: 1)"
    )
    demo.add_argument(
        "--speed",
        type=_speed,
        metavar="X",
        help=f"play against the system clock, X times as fast as real time, up to {SPEED_MAX}: 3600 plays the day "
        "in 24 s (default: on a clock that is moved by hand, in no time)",
    )
    demo.set_defaults(run=_demo)
    add_commands(commands)
    return parser


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not 0 < speed <= SPEED_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0 and up to {SPEED_MAX}")
    return speed


# The demo.


def _demo(options: argparse.Namespace) -> int:
    reading = _read(options.events)
    _tell_bad_lines(reading.bad)
    if not reading.events:
        name = _named(options.events)
        if reading.bad:
            _say(f"postroom demo: no line of {name} is an event")
            return INCOMPLETE
        raise CannotRun(f"{name} is empty: there are no events in it")
    _check_outputs(options)
    objects = _folder(options.objects)
    with progress(len(reading.events), sys.stderr) as told:
        result = play(reading.events, seed=options.seed, speed=options.speed, objects=objects, progress=told)
    if options.json is not None:
        _write(options.json, _as_json(result, reading.bad))
    if options.report is not None:
        _write(options.report, page(result, reading.bad))
    out = sys.stderr if "-" in {options.json, options.report} else sys.stdout
    sections = report(result, reading.bad, bar=bar_char(out), boxes=draws_boxes(out), folder=options.objects)
    show(sections, out)
    if result.interrupted:
        return INTERRUPTED
    return OK if result.complete and not reading.bad else INCOMPLETE


def _named(events: str | None) -> str:
    return "standard input" if events == "-" else str(events)


def _read(events: str | None) -> Reading:
    if events is None:
        return bundled()
    try:
        return read_from(events)
    except (OSError, InvalidInput) as error:
        _give_up(f"cannot read {_named(events)}", error)


def _give_up(what: str, error: Exception) -> NoReturn:
    why = error.strerror or str(error) if isinstance(error, OSError) else str(error).replace("\n ", "")
    raise CannotRun(f"{what}: {why}") from error


def _tell_bad_lines(bad: Sequence[BadLine]) -> None:
    for one in bad[:_BAD_LINES_SHOWN]:
        _say(f"postroom demo: {clean(str(one))}")
    if len(bad) > _BAD_LINES_SHOWN:
        _say(f"postroom demo: and {len(bad) - _BAD_LINES_SHOWN} more bad lines; --json has all")
    if bad:
        _say(f"postroom demo: {len(bad)} bad line{'s' if len(bad) > 1 else ''} skipped")


def _check_outputs(options: argparse.Namespace) -> None:
    """
    Finds out before the day, not after it, whether what it found can be written.
    """
    if options.json == options.report == "-":
        raise CannotRun("--json and --report cannot both go to standard output")
    for name, target in (("--json", options.json), ("--report", options.report)):
        _check_writable(name, target, options.events)
    if options.json not in {None, "-"} and options.report is not None:
        with suppress(OSError):
            if Path(options.json).samefile(options.report):
                raise CannotRun(f"--json and --report are both {options.report}")


def _check_writable(name: str, target: str | None, events: str | None) -> None:
    if target is None or target == "-":
        return
    path = Path(target)
    try:
        if events not in {None, "-"} and path.exists() and path.samefile(str(events)):
            raise CannotRun(f"{name} {target} is the input itself")
        with path.open("ab"):
            pass
    except OSError as error:
        _give_up(f"cannot write {target}", error)


def _folder(target: str | None) -> Path | None:
    """
    The folder for objects, in which there are none of another day: all that is there is read back.
    """
    if target is None:
        return None
    path = Path(target)
    try:
        path.mkdir(parents=True, exist_ok=True)
        if (path / "events").exists():
            raise CannotRun(f"--objects {target} has events in it already; give another folder")
    except OSError as error:
        _give_up(f"cannot write {target}", error)
    return path


def _as_json(result: Result, bad: Sequence[BadLine]) -> str:
    found: dict[str, Any] = {**result.to_dict(), "bad_lines": [one._asdict() for one in bad], "version": __version__}
    return json.dumps(found, indent=1, sort_keys=True) + "\n"


def _write(target: str, text: str) -> None:
    if target == "-":
        sys.stdout.write(text)
        return
    try:
        Path(target).write_bytes(text.encode())
    except OSError as error:
        _give_up(f"cannot write {target}", error)
