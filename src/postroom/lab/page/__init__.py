"""
The demo's report as one page: HTML with everything in it, for eyes, screen readers, keyboards and telephones.

It asks nothing of any other place, and the same result gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from postroom._version import __version__
from postroom.lab.accounts import WAYS
from postroom.lab.page._drawing import drawing
from postroom.lab.page._parts import Html, Piece, bar, details, section, table, tag
from postroom.lab.page._style import SCRIPT, style
from postroom.lab.page._timeline import timeline
from postroom.lab.words import counted, shown_error, shown_size, shown_span, shown_time

if TYPE_CHECKING:
    from postroom.lab.accounts import ObjectRow, Result
    from postroom.lab.events import BadLine

_ROWS_MAX: Final = 1_000
"""Rows of a table; the rest is in ``--json``."""
_BARS_MAX: Final = 8
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'"
_PARTS: Final = (
    ("account", "Accounted for"),
    ("flow", "The flow"),
    ("queues", "Queues and functions"),
    ("stream", "The stream"),
    ("slowest", "The slowest event"),
    ("objects", "Objects"),
    ("events", "Every event"),
)


def page(result: Result, bad: Sequence[BadLine] = ()) -> str:
    """
    The report as HTML.

    >>> from postroom.lab.demo import play
    >>> from postroom.lab.events import bundled
    >>> told = page(play(bundled().events[:5], seed=1))
    >>> told.startswith("<!doctype html>"), "http:" in told
    (True, False)

    Args:
        result: What `play` returned.
        bad: The lines of the input that were skipped.
    """
    events = counted(len(result.accounts), "event")
    title = f"{events} on their way through postroom"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Html(style())),
    )
    parts = [
        _account(result, bad),
        section("flow", "The flow", drawing(result), _arrows(result)),
        section("queues", "Queues and functions", _queues(result), _mishaps(result), _letters(result)),
        section("stream", "The stream", _stream(result)),
        _slowest(result),
        _objects(result),
        section("events", "Every event", _events(result)),
    ]
    body = tag(
        "body",
        tag("a", "To the content", href="#main", class_="skip"),
        _header(result, title),
        tag("main", *parts, id="main", class_="wide", tabindex=-1),
        tag("footer", tag("p", f"Written by postroom {__version__}, seed {result.seed}.", class_="wide")),
        tag("script", Html(SCRIPT)),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _header(result: Result, title: str) -> Html:
    kinds = len({account.event.kind for account in result.accounts})
    arrived = "at their own times" if result.by_time else "at instants drawn from the seed"
    clock = "a clock moved by hand" if result.manual else "the system clock, sped up"
    told = f"A simulated day, seed {result.seed}, on {clock}: events of {counted(kinds, 'kind')} arrived {arrived}."
    poison = ""
    if result.poison is not None:
        poison = f" The auditor could not read {result.poison} events until it was mended, an hour after the day."
    links = (tag("li", tag("a", name, href=f"#{id_}")) for id_, name in _PARTS)
    return tag(
        "header",
        tag(
            "div",
            tag("div", tag("h1", title), tag("p", told, poison, class_="dim")),
            tag("button", "Colours", id="theme", type="button", hidden=True),
            class_="wide",
        ),
        tag("nav", tag("ul", links), aria_label="Contents", class_="wide"),
    )


def _account(result: Result, bad: Sequence[BadLine]) -> Html:
    total, missing = len(result.accounts), result.missing
    found = total - len(missing)
    tone = "good" if result.complete else "bad"
    word = "Complete" if result.complete else "Interrupted" if result.interrupted else "Incomplete"
    told: list[Piece] = [
        tag("p", f"{word}: {found:,} of {counted(total, 'event')}, by id, at the far end", class_=f"verdict {tone}"),
        tag(
            "p",
            "At the far end means: counted once by the reader of the stream, and found in the objects that the archive "
            "wrote, which were read back.",
        ),
    ]
    ways = result.ways
    rows: list[list[Piece]] = [
        [WAYS[way], count, bar(count, total)] for way, count in ways.items() if count or way != "missing"
    ]
    told.append(tag("div", _barred("How they got there", "How", rows), class_="short"))
    if missing:
        told.append(
            tag("p", f"Missing: {', '.join(missing[:20])}", " and more" if len(missing) > 20 else "", class_="bad")
        )
    if bad:
        told.append(tag("p", f"{counted(len(bad), 'bad line')} of the input skipped.", class_="bad"))
        told.append(
            table(
                "Bad lines of the input", ["Line", "What is wrong"], ([one.line, one.what] for one in bad[:_ROWS_MAX])
            )
        )
    if result.figures["left"]:
        told.append(tag("p", f"{counted(result.figures['left'], 'message')} left on the way.", class_="bad"))
    return section("account", "Accounted for", *told)


def _barred(caption: str, head: str, rows: Sequence[Sequence[Piece]]) -> Html:
    return table(caption, [head, "Events", "Share"], rows, numbers=[1])


def _arrows(result: Result) -> Html:
    rows: list[list[Piece]] = [[arrow.source, arrow.target, arrow.carried, arrow.what] for arrow in result.arrows]
    return details(
        "The picture as a table", table("Arrows of the flow", ["From", "To", "How many", "What"], rows, numbers=[2])
    )


def _queues(result: Result) -> Html:
    heads = [
        "Queue", "Function", "Came in", "Given out", "Calls failed", "On purpose", "Dead letters",
        "Done", "Passed over", "Repeats", "Oldest",
    ]  # fmt: skip
    rows: list[list[Piece]] = [
        [
            row.name, row.function, row.sent, row.received, row.failed, row.crashed, row.dead_lettered,
            row.done, row.passed_over, row.repeats, shown_time(row.oldest_age_us),
        ]
        for row in result.queues
    ]  # fmt: skip
    return table("What each queue and its function did", heads, rows, numbers=range(2, 11))


def _mishaps(result: Result) -> Html:
    figures = result.figures
    told = (
        f"{counted(figures['slow_calls'], 'call')} slow on purpose. "
        f"{counted(figures['lost_acknowledgements'], 'acknowledgement')} lost, which is why some things came twice: "
        f"{counted(figures['duplicates'], 'record')} too many at the far end."
    )
    return tag("p", told)


def _letters(result: Result) -> Iterator[Piece]:
    letters = result.dead_letters
    if not letters:
        yield tag("p", "No dead letters.")
        return
    accounts = {account.event.id: account for account in result.accounts}
    rows: list[list[Piece]] = []
    for letter in letters[:_ROWS_MAX]:
        done = accounts[letter.event.id].done_us
        end = (
            "still there"
            if letter.sent_again_as is None
            else "sent round again"
            if done is None
            else f"through at {shown_time(done)}"
        )
        where = f"{letter.queue}-dead"
        rows.append(
            [
                letter.event.id,
                letter.event.kind,
                where,
                shown_time(letter.at_us),
                letter.tries,
                shown_error(letter.error),
                end,
            ]
        )
    heads = ["Event", "Kind", "Queue", "At", "Tries", "The last failure", "In the end"]
    yield details(counted(len(letters), "dead letter"), table("Dead letters", heads, rows, numbers=[4]))


def _stream(result: Result) -> Iterator[Piece]:
    most = max((shard.records for shard in result.shards), default=1)
    rows: list[list[Piece]] = [
        [shard.shard_id, shard.records, shard.events, shard.repositories, bar(shard.records, most)]
        for shard in result.shards
    ]
    heads = ["Shard", "Records", "Events", "Repositories", "Records"]
    yield table("Records by shard: the repository is the partition key", heads, rows, numbers=[1, 2, 3])
    columns = [
        tag("div", _ranking("Counted by kind", "Kind", result.kinds)),
        tag("div", _ranking("Counted by repository", "Repository", result.repositories)),
        tag("div", _ranking("Derived events in the digest", "Detail type", result.derived)),
    ]
    yield tag("div", *columns, class_="columns")


def _ranking(caption: str, head: str, counts: Mapping[str, int]) -> Html:
    most = max(counts.values(), default=1)
    rows: list[list[Piece]] = [[name, count, bar(count, most)] for name, count in list(counts.items())[:_BARS_MAX]]
    rest = list(counts.values())[_BARS_MAX:]
    if rest:
        rows.append([f"{len(rest)} more", sum(rest), ""])
    return _barred(caption, head, rows)


def _slowest(result: Result) -> Html:
    slowest = result.slowest
    if slowest is None:
        return section("slowest", "The slowest event", tag("p", "None came through."))
    told = (
        f"{slowest.event.id} ({slowest.event.kind}) took {shown_span(slowest.took_us)} from its publication until all were "
        f"through with it. It got there {WAYS[slowest.way]}."
    )
    return section("slowest", "The slowest event", tag("p", told), timeline(result.told))


def _objects(result: Result) -> Html:
    objects, total = result.objects, sum(one.size for one in result.objects)
    records = sum(one.records for one in objects)
    told = tag("p", f"{counted(len(objects), 'object')}, {shown_size(total)}, {counted(records, 'record')}.")
    if not objects:
        return section("objects", "Objects", told)
    hours: dict[str, list[ObjectRow]] = {}
    for one in objects:
        hours.setdefault(one.key.rpartition("/")[0], []).append(one)
    held = {hour: sum(one.records for one in those) for hour, those in hours.items()}
    by_hour: list[list[Piece]] = [
        [f"{hour}/", len(those), held[hour], bar(held[hour], max(held.values()))] for hour, those in hours.items()
    ]
    rows: list[list[Piece]] = [
        [tag("code", one.key), one.records, shown_size(one.size), tag("code", one.sha256[:16])]
        for one in objects[:_ROWS_MAX]
    ]
    return section(
        "objects",
        "Objects",
        told,
        details("By hour", table("By hour", ["Hour", "Objects", "Records", "Records"], by_hour, numbers=[1, 2])),
        details(
            "All objects",
            table("All objects", ["Key", "Records", "Size", "SHA-256 begins"], rows, numbers=[1, 2]),
        ),
    )


def _events(result: Result) -> Iterator[Piece]:
    accounts = result.accounts
    rows: list[list[Piece]] = []
    for account in accounts[:_ROWS_MAX]:
        event = account.event
        sent = "" if account.published_us is None else shown_time(account.published_us)
        counted_at = "" if account.counted_us is None else shown_time(account.counted_us)
        rows.append(
            [
                event.id,
                event.kind,
                event.repository,
                sent,
                counted_at,
                account.way,
                account.found,
                tag("code", account.object or ""),
            ]
        )
    heads = ["Event", "Kind", "Repository", "Published", "Counted", "Way", "Found", "First in"]
    yield details(f"All {counted(len(rows), 'event')} by id", table("Events", heads, rows, numbers=[6]))
    if len(accounts) > len(rows):
        yield tag("p", f"The other {len(accounts) - len(rows):,} are in what --json writes.")
