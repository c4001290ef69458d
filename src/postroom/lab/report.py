"""
The demo's report for people: sections of lines that fit 80 columns, in ASCII but for what the events themselves say.

How they are shown is `screen`'s business. Times are hours, minutes and seconds from the start of the day.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from postroom.limits import SECOND_US

if TYPE_CHECKING:
    from postroom.lab.accounts import Account, DeadLetter, Result
    from postroom.lab.events import BadLine
    from postroom.observe import Observation
    from postroom.recorder import Story

Tone: TypeAlias = Literal["", "good", "bad", "dim"]

WIDTH: Final = 80
_TOP: Final = 5
_DEAD_LETTERS_SHOWN: Final = 8
_BAR_CHARS: Final = 30
_MISSING_SHOWN: Final = 5
_WORDS: Final[Mapping[str, str]] = {
    "available": "visible again",
    "dead-lettered": "moved to the dead-letter queue",
    "moved in": "came in as a dead letter",
}


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


def report(result: Result, bad: Sequence[BadLine] = (), *, bar: str = "#") -> list[Section]:
    """
    Tells people what the demo found.

    >>> from postroom.lab.demo import play
    >>> from postroom.lab.events import bundled
    >>> for section in report(play(bundled().events[:20], seed=1)):
    ...     print(section.title)
    20 events of 3 kinds on a simulated day, seed 1
    The queue "events" and its function "counter"
    Dead letters
    By kind
    By repository
    The slowest event: line-5 (branch_protection_ru), 11:00:17 in all
    Accounted for

    Args:
        result: What `play` returned.
        bad: The lines of the input that were skipped.
        bar: The character that bars are made of.
    """
    return [
        _heading(result),
        _queue(result),
        _dead_letters(result),
        Section("By kind", _bars(result.kinds, bar)),
        Section("By repository", _bars(result.repositories, bar)),
        *_slowest(result),
        _verdict(result, bad),
    ]


def shown_time(at_us: int) -> str:
    """
    A time of the day; the hours go on after 24.

    >>> shown_time(90_061_500_000)
    '25:01:01'
    """
    minutes, seconds = divmod(at_us // SECOND_US, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}"


def _shown_span(span_us: int) -> str:
    return shown_time(span_us) if span_us >= 60 * SECOND_US else f"{span_us / SECOND_US:.1f} s"


def clean(text: str, width: int | None = None) -> str:
    r"""
    Text of the user's: without characters that could move a terminal's cursor, and no wider than that.

    >>> clean("a\x1b[2Jb", width=5)
    'a?[2J'
    """
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return shown if width is None else shown[:width]


def _heading(result: Result) -> Section:
    kinds = len({account.event.kind for account in result.accounts})
    lines = [Line(_spread_words(result), "dim")]
    if result.poison is not None:
        lines.append(Line(f"  The handler cannot read {clean(result.poison, 40)} events until it is mended.", "dim"))
    count = _count(len(result.accounts), "event")
    return Section(f"{count} of {_count(kinds, 'kind')} on a simulated day, seed {result.seed}", lines)


def _spread_words(result: Result) -> str:
    if result.by_time:
        return "  Each arrived at its own time."
    return "  They arrived at instants drawn from the seed."


def _queue(result: Result) -> Section:
    figures = result.figures
    poisoned = figures["calls_failed"] - figures["calls_crashed"]
    rows = [
        ("sent", str(figures["sent"]), f"{figures['sent_again']} of them out of the dead-letter queue, round again"),
        ("received", str(figures["received"]), "deliveries to the function, one event a call"),
        ("retried", str(figures["retried"]), "of these: back after the visibility timeout"),
        ("failed", str(figures["calls_failed"]), f"calls: {figures['calls_crashed']} crashed, {poisoned} met poison"),
        ("repeated", str(figures["repeats"]), "deliveries of events that were counted already"),
        ("dead-lettered", str(figures["dead_lettered"]), "after three tries"),
        ("deleted", str(figures["deleted"]), "done with"),
        ("oldest age", shown_time(figures["oldest_age_us"]), "the longest a message was in the queue"),
    ]
    return Section(
        'The queue "events" and its function "counter"',
        [Line(f"  {label:<14}{value:>9}  {note}") for label, value, note in rows],
    )


def _dead_letters(result: Result) -> Section:
    letters = result.dead_letters
    accounts = {account.event.id: account for account in result.accounts}
    lines: list[Line] = []
    error = ""
    for letter in letters[:_DEAD_LETTERS_SHOWN]:
        if letter.error != error:
            error = letter.error
            lines.append(Line(f"  {clean(_shown_error(error), WIDTH - 2)}", "dim"))
        lines.append(_letter(letter, accounts[letter.event.id]))
    if len(letters) > _DEAD_LETTERS_SHOWN:
        lines.append(Line(f"  and {len(letters) - _DEAD_LETTERS_SHOWN} more", "dim"))
    return Section("Dead letters", lines or [Line("  none")])


def _letter(letter: DeadLetter, account: Account) -> Line:
    what = f"{shown_time(letter.at_us)}  {clean(letter.event.id, 14):<14}  {clean(letter.event.kind, 20):<20}"
    if letter.sent_again_as is None:
        end = "still there"
    else:
        end = "through at " + shown_time(account.left_us) if account.left_us is not None else "sent round again"
    return Line(f"  {what}  {letter.tries} tries, {end}", "bad" if account.left_us is None else "good")


def _bars(counts: Mapping[str, int], bar: str) -> list[Line]:
    most = max(counts.values(), default=1)
    lines = [
        Line(f"  {clean(name, 34):<34}  {count:>6}  {bar * max(1, _BAR_CHARS * count // most)}")
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
    title = f"The slowest event: {clean(event.id, 14)} ({clean(event.kind, 20)}), {_shown_span(slowest.took_us)}"
    lines: list[Line] = []
    for number, story in enumerate(result.stories):
        lines.append(Line(f"  {'sent round again as' if number else 'message'} {story.message_id}", "dim"))
        lines += timeline(story, result.start_us)
    yield Section(f"{title} in all", lines)


def timeline(story: Story, start_us: int) -> list[Line]:
    """
    A message's story, one line for each thing that happened: when, how long after the one before, where, and what.

    >>> from postroom import ManualClock, Queue, Recorder
    >>> clock = ManualClock()
    >>> queue = Queue("orders", clock=clock)
    >>> recorder = Recorder(queue)
    >>> sent = queue.send_message("2 x tea", delay=60)
    >>> clock.advance(60)
    >>> [message] = queue.receive_messages()
    >>> for line in timeline(recorder.story(sent.message_id), ManualClock().now_us()):
    ...     print(line.text)
      00:00:00            queue orders  sent
      00:01:00  +00:01:00 queue orders  visible again
                          queue orders  received (no. 1), hidden for 30.0 s

    Args:
        story: As `Recorder.story` tells it.
        start_us: When the day begins, in microseconds since the epoch.
    """
    # Whether a call was begun shows in how it ended.
    told = [seen for seen in story.observations if seen.kind != "invoked"]
    width = max(len(seen.resource) for seen in told)
    lines: list[Line] = []
    before: int | None = None
    for seen in told:
        at = span = ""
        if seen.at_us != before:
            at = shown_time(seen.at_us - start_us)
            span = "" if before is None else f"+{_shown_span(seen.at_us - before)}"
        head = f"  {at:<8}  {span:<9} {seen.resource:<{width}}  "
        tone: Tone = "bad" if seen.kind in {"failed", "dead-lettered"} else ""
        for text in textwrap.wrap(_what(seen), WIDTH - len(head)):
            lines.append(Line(head + text, tone))
            head = " " * len(head)
        before = seen.at_us
    return lines


def _what(seen: Observation) -> str:
    if seen.kind == "received":
        hidden = _shown_span(seen.details["visible_at_us"] - seen.at_us)
        return f"received (no. {seen.details['receive_count']}), hidden for {hidden}"
    if seen.kind == "failed":
        return f"failed: {clean(_shown_error(seen.details['error']))}"
    return _WORDS.get(seen.kind, seen.kind)


def _shown_error(error: str) -> str:
    if not error.startswith("InjectedCrash("):
        return error
    return f"a crash on purpose, {'after' if 'AFTER' in error else 'before'} the work was done"


def _verdict(result: Result, bad: Sequence[BadLine]) -> Section:
    count, total = result.figures["counted"], len(result.accounts)
    deliveries = sum(account.deliveries for account in result.accounts)
    if result.complete:
        lines = [
            Line(f"  ok: {count:,} of {_count(total, 'event')}, each counted once, by its id", "good"),
            Line(f"  It took {_count(deliveries, 'delivery', 'deliveries')}; both queues are empty."),
        ]
    else:
        lines = [Line(f"  INCOMPLETE: {count:,} of {_count(total, 'event')} were counted", "bad"), *_what_lacks(result)]
    if bad:
        lines.append(Line(f"  {_count(len(bad), 'bad line')} of the input skipped", "bad"))
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
    figures = result.figures
    yield Line(
        f"  left: {figures['left_in_queue']} in the queue, {figures['left_in_dead_letter_queue']} in the dead-letter queue"
    )


def _count(number: int, one: str, many: str = "") -> str:
    """
    A number and what it counts.

    >>> _count(1, "kind"), _count(2, "kind")
    ('1 kind', '2 kinds')
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
