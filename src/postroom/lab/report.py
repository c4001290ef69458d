"""
What the demo tells people: sections of lines, each with a tone; nothing in here prints.

How they are shown is `screen`'s business. Times are hours, minutes and seconds from the start of the day.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from postroom.lab.accounts import WAYS, Tone
from postroom.lab.picture import WIDTH, picture, to_ascii
from postroom.lab.wiring import dead
from postroom.lab.words import clean, counted, shown_error, shown_size, shown_span, shown_time

if TYPE_CHECKING:
    from postroom.lab.accounts import Account, DeadLetter, ObjectRow, Result, Step
    from postroom.lab.events import BadLine

_TOP: Final = 5
_DEAD_LETTERS_SHOWN: Final = 8
_BAR_CHARS: Final = 30
_MISSING_SHOWN: Final = 5
_STEPS_SHOWN: Final = 60


class Line(NamedTuple):
    """
    A line of text, and how it is meant.
    """

    text: str
    tone: Tone = ""


class Section(NamedTuple):
    """
    A heading and what stands under it.
    """

    title: str
    lines: list[Line]


def report(
    result: Result, bad: Sequence[BadLine] = (), *, bar: str = "#", boxes: bool = False, folder: str | None = None
) -> list[Section]:
    """
    Tells people what the demo found.

    >>> from postroom.lab.demo import play
    >>> from postroom.lab.events import bundled
    >>> for section in report(play(bundled().events[:20], seed=1)):
    ...     print(section.title)
    20 events of 3 kinds on a simulated day, seed 1
    The flow
    Queues and functions
    Dead letters
    Records by shard of the stream "activity"
    Counted by kind
    Counted by repository
    The slowest event: line-... in all
    Objects, in memory
    Accounted for

    Args:
        result: What `play` returned.
        bad: The lines of the input that were skipped.
        bar: The character that bars are made of.
        boxes: Whether characters that draw boxes can be shown.
        folder: Where the objects are, if they are in a folder.
    """
    return [
        _heading(result),
        Section("The flow", [Line(line if boxes else to_ascii(line)) for line in picture(result)]),
        _queues(result),
        _dead_letters(result),
        _shards(result, bar),
        Section("Counted by kind", _bars(result.kinds, bar)),
        Section("Counted by repository", _bars(result.repositories, bar)),
        *_slowest(result),
        _objects(result, bar, folder),
        _verdict(result, bad),
    ]


def _heading(result: Result) -> Section:
    kinds = len({account.event.kind for account in result.accounts})
    lines = [
        Line(
            "  Each arrived at its own time." if result.by_time else "  They arrived at instants drawn from the seed.",
            "dim",
        )
    ]
    if result.poison is not None:
        lines.append(Line(f"  The auditor cannot read {clean(result.poison, 40)} events until it is mended.", "dim"))
    count = counted(len(result.accounts), "event")
    return Section(f"{count} of {counted(kinds, 'kind')} on a simulated day, seed {result.seed}", lines)


def _queues(result: Result) -> Section:
    heads = ("came in", "given out", "failed", "on purpose", "dead", "done", "passed over", "repeats", "oldest")
    widths = [len(head) for head in heads[:-1]] + [8]
    head = "  ".join(f"{text:>{width}}" for text, width in zip(heads, widths, strict=True))
    lines = [Line(f"  {'':<9}{head}", "dim")]
    for row in result.queues:
        cells = [
            row.sent, row.received, row.failed, row.crashed, row.dead_lettered, row.done, row.passed_over, row.repeats
        ]  # fmt: skip
        shown = [*(f"{cell:,}" for cell in cells), shown_time(row.oldest_age_us)]
        body = "  ".join(f"{text:>{width}}" for text, width in zip(shown, widths, strict=True))
        lines.append(Line(f"  {row.name:<9}{body}"))
    figures = result.figures
    lines.append(
        Line(
            f"  {counted(figures['slow_calls'], 'call')} slow on purpose, "
            f"{counted(figures['lost_acknowledgements'], 'acknowledgement')} lost, "
            f"{counted(figures['duplicates'], 'record')} twice at the far end",
            "dim",
        )
    )
    return Section("Queues and functions", lines)


def _dead_letters(result: Result) -> Section:
    # What is still there comes first, as it is what somebody has to do something about.
    letters = sorted(result.dead_letters, key=_is_sent_again)
    accounts = {account.event.id: account for account in result.accounts}
    lines: list[Line] = []
    error = ""
    for letter in letters[:_DEAD_LETTERS_SHOWN]:
        if letter.error != error:
            error = letter.error
            lines.append(Line(f"  {clean(shown_error(error), WIDTH - 2)}", "dim"))
        lines.append(_letter(letter, accounts[letter.event.id]))
    if len(letters) > _DEAD_LETTERS_SHOWN:
        lines.append(Line(f"  and {len(letters) - _DEAD_LETTERS_SHOWN} more", "dim"))
    return Section("Dead letters", lines or [Line("  none")])


def _is_sent_again(letter: DeadLetter) -> bool:
    return letter.sent_again_as is not None


def _letter(letter: DeadLetter, account: Account) -> Line:
    what = f"{shown_time(letter.at_us)}  {clean(letter.event.id, 14):<14}  {clean(letter.event.kind, 24):<24}"
    if letter.sent_again_as is None:
        end = "still there"
    else:
        end = "through at " + shown_time(account.done_us) if account.done_us is not None else "sent round again"
    tone: Tone = "bad" if account.done_us is None else "good"
    return Line(f"  {what}  {dead(letter.queue):<12} {letter.tries} tries, {end}", tone)


def _shards(result: Result, bar: str) -> Section:
    most = max((shard.records for shard in result.shards), default=1)
    lines = [
        Line(
            f"  {shard.shard_id}  {counted(shard.records, 'record'):>14}  "
            f"{counted(shard.repositories, 'repository', 'repositories'):>16}  {_bar(shard.records, most, bar)}"
        )
        for shard in result.shards
    ]
    return Section('Records by shard of the stream "activity"', lines)


def _bar(count: int, most: int, bar: str) -> str:
    return bar * max(count > 0, _BAR_CHARS * count // max(most, 1))


def _bars(counts: Mapping[str, int], bar: str) -> list[Line]:
    most = max(counts.values(), default=1)
    lines = [
        Line(f"  {clean(name, 34):<34}  {count:>6}  {_bar(count, most, bar)}")
        for name, count in list(counts.items())[:_TOP]
    ]
    rest = list(counts.values())[_TOP:]
    if rest:
        lines.append(Line(f"  {f'and {len(rest)} more':<34}  {sum(rest):>6}", "dim"))
    return lines or [Line("  none")]


def _slowest(result: Result) -> Iterator[Section]:
    slowest = result.slowest
    if slowest is None:
        return
    event = slowest.event
    title = f"The slowest event: {clean(event.id, 14)} ({clean(event.kind, 20)}), {shown_span(slowest.took_us)}"
    yield Section(f"{title} in all", timeline(result.told))


def timeline(steps: Sequence[Step]) -> list[Line]:
    """
    A story, one line for each thing that happened: when, how long after the one before, where, and what.

    >>> from postroom.lab.accounts import Step
    >>> sent = Step(0, "queue orders", "sent", "sent", "m1")
    >>> for line in timeline([sent, Step(60_000_000, "queue orders", "available", "visible again", "m1")]):
    ...     print(line.text)
      00:00:00            queue orders  sent
      00:01:00  +00:01:00 queue orders  visible again

    Args:
        steps: In order.
    """
    width = max((len(step.resource) for step in steps), default=0)
    lines: list[Line] = []
    before: int | None = None
    for step in steps[:_STEPS_SHOWN]:
        at = span = ""
        if step.at_us != before:
            at = shown_time(step.at_us)
            span = "" if before is None else f"+{shown_span(step.at_us - before)}"
        head = f"  {at:<8}  {span:<9} {step.resource:<{width}}  "
        for text in textwrap.wrap(step.what, WIDTH - len(head)):
            lines.append(Line(head + text, step.tone))
            head = " " * len(head)
        before = step.at_us
    if len(steps) > _STEPS_SHOWN:
        lines.append(Line(f"  and {len(steps) - _STEPS_SHOWN} more, which --report and --json have", "dim"))
    return lines


def _objects(result: Result, bar: str, folder: str | None) -> Section:
    """
    The hours as folders, and what is in each.
    """
    hours: dict[str, list[ObjectRow]] = {}
    for one in result.objects:
        hours.setdefault(one.key.rpartition("/")[0], []).append(one)
    most = max((sum(one.records for one in objects) for objects in hours.values()), default=1)
    lines: list[Line] = []
    day = ""
    for hour, objects in hours.items():
        parent, _, name = hour.rpartition("/")
        if parent != day:
            day = parent
            lines.append(Line(f"  {parent}/"))
        records, size = sum(one.records for one in objects), shown_size(sum(one.size for one in objects))
        what = f"{counted(len(objects), 'object'):>10}  {counted(records, 'record'):>11}  {size:>11}"
        lines.append(Line(f"    {name}/  {what}  {_bar(records, most, bar)}"))
    where = "in memory" if folder is None else f"in {clean(folder)}"
    return Section(f"Objects, {where}", lines or [Line("  none")])


def _verdict(result: Result, bad: Sequence[BadLine]) -> Section:
    total = len(result.accounts)
    found = total - len(result.missing)
    if result.complete:
        lines = [
            Line(
                f"  ok: {found:,} of {counted(total, 'event')}, each counted once and found in an object, by its id",
                "good",
            )
        ]
    else:
        lines = [
            Line(f"  INCOMPLETE: {found:,} of {counted(total, 'event')} came to the far end", "bad"),
            *_what_lacks(result),
        ]
    lines += [Line(f"  {count:>7,}  {WAYS[way]}") for way, count in result.ways.items() if count]
    if bad:
        lines.append(Line(f"  {counted(len(bad), 'bad line')} of the input skipped", "bad"))
    if result.interrupted:
        reached = max((account.counted_us or 0 for account in result.accounts), default=0)
        lines.append(Line(f"  interrupted; the last event was counted at {shown_time(reached)}", "bad"))
    return Section("Accounted for", lines)


def _what_lacks(result: Result) -> Iterator[Line]:
    missing = result.missing
    if missing:
        more = f" and {len(missing) - _MISSING_SHOWN} more" if len(missing) > _MISSING_SHOWN else ""
        named = ", ".join(clean(id_, 12) for id_ in missing[:_MISSING_SHOWN])
        yield Line(f"  missing: {named}{more}", "bad")
    yield Line(f"  left on the way: {counted(result.figures['left'], 'message')}")
