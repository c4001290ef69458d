"""
The commands ``postroom explain`` and ``postroom match``: event patterns, tried on events.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from postroom.errors import EventTooComplex, InvalidEventPattern, InvalidInput, PostroomError
from postroom.lab.inputs import CannotRun, Events, Input, Numbered, read_argument, read_events, told
from postroom.lab.words import clean, counted
from postroom.patterns import Pattern, RuleSet, read_event

OK: Final = 0
NOT_ALL: Final = 1

_BAD_LINES_SHOWN: Final = 50
_FAULTS_SHOWN: Final = 20

_EXPLAIN: Final = """\
Says why an event matches an event pattern, or what it lacks: the first path
that fails, what is wanted there, what the event has, and what may have been
meant.
"""

_EXPLAIN_MORE: Final = """\
Each of the two is a file, "-" for standard input, or JSON that begins with {.

exit status:
  0    the event matches
  1    it does not
  2    it could not run: an input cannot be read, the pattern is none

examples:
  postroom explain pattern.json event.json
  postroom explain '{"detail": {"state": ["paid"]}}' '{"detail": {"state": "Paid"}}'
  tail -n 1 events.jsonl | postroom explain pattern.json - --json
"""

_MATCH: Final = """\
Says of each event which rules it matches, and at the end which rules no event
has matched.
"""

_MATCH_MORE: Final = """\
Each of the two is a file, "-" for standard input, or JSON that begins with {.

RULES is a JSON object of event patterns by name:
  {"paid": {"detail": {"state": ["paid"]}}, "all": {"source": ["shop"]}}
What AWS exports can be read too: {"paid": {"EventPattern": "..."}}, and the
answer of "aws events list-rules". EVENTS is one JSON object, an array of them,
or JSON Lines, gzipped or not. A bad line is reported and skipped.

exit status:
  0    all events were tried, whatever they match
  1    lines of the input were bad, or an event was too complex for the rules
  2    it could not run: an input cannot be read, a pattern is none

examples:
  postroom match rules.json events.jsonl
  aws events list-rules | postroom match - event.json
"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """
    Makes the two commands known; each then has ``run`` among its options.

    >>> parser = argparse.ArgumentParser()
    >>> add_commands(parser.add_subparsers())
    >>> parser.parse_args(["match", "rules.json", "-"]).events
    '-'
    """
    explain = commands.add_parser(
        "explain",
        help="say why an event matches a pattern, or what it lacks",
        description=_EXPLAIN,
        epilog=_EXPLAIN_MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    explain.add_argument("pattern", metavar="PATTERN", help="the event pattern, a JSON object")
    explain.add_argument("event", metavar="EVENT", help="the event, a JSON object")
    explain.add_argument("--json", action="store_true", help="print it as JSON instead")
    explain.set_defaults(run=_explain)
    match = commands.add_parser(
        "match",
        help="say which rules events match, and which rules none does",
        description=_MATCH,
        epilog=_MATCH_MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    match.add_argument("rules", metavar="RULES", help="event patterns by name, a JSON object")
    match.add_argument("events", metavar="EVENTS", help="the events: JSON Lines, one object, or an array")
    match.add_argument("--json", action="store_true", help="print it as JSON instead")
    match.set_defaults(run=_match)


def _explain(options: argparse.Namespace) -> int:
    pattern_in, event_in = _both(options.pattern, "PATTERN", options.event, "EVENT")
    pattern = _pattern(pattern_in.text, clean(pattern_in.name), has_places=True)
    try:
        explanation = pattern.explain(read_event(event_in.text))
    except InvalidInput as error:
        raise CannotRun(f"cannot read {clean(event_in.name)}: {told(error)}") from error
    except EventTooComplex as error:
        raise CannotRun(str(error)) from error
    _print(_as_json(explanation.to_dict()) if options.json else f"{explanation}\n")
    return OK if explanation.matches else NOT_ALL


def _both(one: str, one_name: str, other: str, other_name: str) -> tuple[Input, Input]:
    if one == other == "-":
        raise CannotRun(f"{one_name} and {other_name} cannot both be standard input")
    return read_argument(one, one_name), read_argument(other, other_name)


def _print(text: str) -> None:
    sys.stdout.write(text)


def _as_json(found: object) -> str:
    return json.dumps(found, indent=1) + "\n"


# Patterns.


def _pattern(made_of: str | Mapping[str, Any], name: str, *, has_places: bool) -> Pattern:
    """
    A pattern, or all that is wrong with it.
    """
    try:
        return Pattern(made_of)
    except InvalidEventPattern as error:
        raise CannotRun(f"{name} is no event pattern\n{_faults(error, has_places=has_places)}") from error
    except PostroomError as error:
        raise CannotRun(
            f"{name} is no event pattern: {clean(str(error).partition(chr(10))[0], 300)} {error.help}"
        ) from error


def _faults(error: InvalidEventPattern, *, has_places: bool) -> str:
    lines = [f"  AWS says: {clean(line)}" if at == 0 else f"  {clean(line)}" for at, line in enumerate(_lines(error))]
    for fault in error.faults[:_FAULTS_SHOWN]:
        place = f" (line {fault.line}, column {fault.column})" if has_places else ""
        lines += [
            f"  at {clean(fault.path) or 'the top'}{place}: {clean(fault.reason)}",
            f"    write: {clean(fault.instead)}",
        ]
    if len(error.faults) > _FAULTS_SHOWN:
        lines.append(f"  and {len(error.faults) - _FAULTS_SHOWN} more")
    return "\n".join(lines)


def _lines(error: PostroomError) -> list[str]:
    return error.aws_message.split("\n")


def _rules(given: Input) -> dict[str, Pattern]:
    try:
        members = read_event(given.text)
    except InvalidInput as error:
        why = error.aws_message.partition(": ")[2] or error.help  # its other words are about an event
        raise CannotRun(f"{clean(given.name)} is no JSON object: {clean(why)}") from error
    listed = members.get("Rules")
    if isinstance(listed, list):
        members = dict(_listed(cast("Sequence[Any]", listed), given))
    return {name: _rule(name, made_of, given) for name, made_of in members.items()}


def _listed(listed: Sequence[Any], given: Input) -> list[tuple[str, Any]]:
    """
    The rules of an answer of AWS; those with a schedule have no pattern.
    """
    found: list[tuple[str, Any]] = []
    for number, rule in enumerate(listed, 1):
        if not isinstance(rule, dict) or not isinstance(rule.get("Name"), str):  # pyright: ignore[reportUnknownMemberType]
            raise CannotRun(f"{clean(given.name)}: rule {number} of Rules has no Name")
        known = cast("dict[str, Any]", rule)
        if "EventPattern" in known:
            found.append((known["Name"], known))
    return found


def _rule(name: str, made_of: object, given: Input) -> Pattern:
    called = f"{clean(given.name)}: rule {clean(name)!r}"
    if not isinstance(made_of, dict):
        # Of a key that stands twice nobody knows which is meant: it is no object either.
        raise CannotRun(f"{called} is no pattern: each rule is one JSON object")
    members = cast("dict[str, Any]", made_of)
    exported: str | dict[str, Any] | None = members.get("EventPattern")
    if isinstance(exported, str):
        return _pattern(exported, called, has_places=True)
    return _pattern(exported if isinstance(exported, dict) else members, called, has_places=False)


# Matching.


def _match(options: argparse.Namespace) -> int:
    rules_in, events_in = _both(options.rules, "RULES", options.events, "EVENTS")
    rules = _rules(rules_in)
    if not rules:
        raise CannotRun(f"{clean(rules_in.name)} has no rules")
    reading = read_events(events_in)
    found, bad = _matched(rules, reading)
    never = [name for name in rules if not any(name in names for _, names in found)]
    if options.json:
        events = [{"event": one.name, "id": _id(one), "rules": names} for one, names in found]
        _print(_as_json({"events": events, "never_matched": never, "bad": bad}))
    else:
        for one, names in found:
            _print(f"{_named(one)}: {', '.join(map(clean, names)) or '-'}\n")
        _print(f"never matched: {', '.join(map(clean, never)) or '-'}\n")
    for line in bad[:_BAD_LINES_SHOWN]:
        sys.stderr.write(f"postroom match: {line}\n")
    if bad:
        more = f"; the first {_BAD_LINES_SHOWN} are told" if len(bad) > _BAD_LINES_SHOWN else ""
        sys.stderr.write(f"postroom match: {counted(len(bad), 'event')} skipped{more}\n")
    return NOT_ALL if bad else OK


def _named(one: Numbered) -> str:
    id_ = _id(one)
    return f"{one.name}, id {clean(id_, 60)}" if id_ else one.name


def _id(one: Numbered) -> str | None:
    found = one.event.get("id")
    return found if isinstance(found, str) else None


def _matched(rules: Mapping[str, Pattern], reading: Events) -> tuple[list[tuple[Numbered, list[str]]], list[str]]:
    """
    The names of the rules of each event, in the order of the rules, and what was bad.
    """
    ruleset = RuleSet(rules)
    found: list[tuple[Numbered, list[str]]] = []
    bad = list(reading.bad)
    for one in reading.events:
        try:
            names = ruleset.match(one.event)
        except EventTooComplex as error:
            bad.append(f"{one.name}: {told_of(error)}")
        else:
            found.append((one, [name for name in rules if name in names]))
    return found, bad


def told_of(error: PostroomError) -> str:
    """
    What AWS, or we in its place, say of an error.

    >>> told_of(InvalidInput("It is wrong.", help="Mend it."))
    'It is wrong.'
    """
    return clean(error.aws_message)
