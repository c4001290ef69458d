"""
The drawing of the flow: boxes from left to right, and on each arrow how much went over it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from postroom.lab.page._parts import Html, Piece, scroll, tag
from postroom.lab.wiring import (
    ARCHIVE,
    ATTENTION,
    BUS,
    COUNTER,
    DIGEST,
    LANES,
    OPERATOR,
    RULES,
    SOURCE,
    STORE,
    STREAM,
    TOPIC,
    dead,
)
from postroom.lab.words import counted, shown_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from postroom.lab.accounts import Result

_WIDTH: Final = 1_130
_HEIGHT: Final = 440
_BOX: Final = 44
_CHIP: Final = 24
_TOPIC_Y: Final = 194
_LANES_Y: Final = (44, 144, 244, 344)
_DESTINATIONS_Y: Final = {STREAM: 94, DIGEST: 244, ATTENTION: 344}
_READERS_Y: Final = {COUNTER: 44, ARCHIVE: 144}


class _Column(NamedTuple):
    x: int
    width: int

    @property
    def end(self) -> int:
        return self.x + self.width

    @property
    def middle(self) -> int:
        return self.x + self.width // 2


_TOPICS: Final = _Column(62, 78)
_QUEUES: Final = _Column(202, 112)
_FUNCTIONS: Final = _Column(370, 134)
_BUSES: Final = _Column(582, 72)
_DESTINATIONS: Final = _Column(788, 104)
_READERS: Final = _Column(948, 178)


def drawing(result: Result) -> Html:
    """
    The flow with its counts, as a picture in a region of its own.
    """
    counts = result.carried
    events = len(result.accounts)
    described = (
        f"{counted(events, 'event')} are published to the topic events, which hands each to the queues builds, reviews, "
        "mail and audit. Each queue feeds a function, and the functions put events on the bus hub. Its rules lead to "
        "the stream activity, to the queue digest and to the queue attention. The stream has two readers: the function "
        f"counter-by-repository, and the delivery stream archive, which wrote {counted(len(result.objects), 'object')}."
    )
    svg = tag(
        "svg",
        tag("title", "The flow, with how much went over each arrow", id="flow-name"),
        tag("desc", described, id="flow-told"),
        _tip(),
        _left(result, counts),
        _right(result, counts),
        class_="drawing fit",
        role="img",
        aria_labelledby="flow-name",
        aria_describedby="flow-told",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        width=_WIDTH,
        height=_HEIGHT,
    )
    return scroll("The flow as a picture", svg)


def _tip() -> Html:
    path = tag("path", d="M0 0 8 4 0 8z", class_="tip")
    marker = tag("marker", path, id="tip", markerWidth=8, markerHeight=8, refX=8, refY=4, orient="auto")
    return tag("defs", marker)


def _left(result: Result, counts: Mapping[tuple[str, str], int]) -> Iterator[Piece]:
    """
    From the senders to the bus.
    """
    yield _text(4, _TOPIC_Y + _BOX // 2 - 8, f"{counts.get((SOURCE, TOPIC), 0):,}", "count")
    yield _text(4, _TOPIC_Y + _BOX // 2 + 17, "events", "small")
    yield _line(4, _TOPIC_Y + _BOX // 2, _TOPICS.x, _TOPIC_Y + _BOX // 2)
    yield _box(_TOPICS, _TOPIC_Y, "topic", "events")
    for lane, y, row in zip(LANES, _LANES_Y, result.queues, strict=True):
        queue, function = f"queue {lane.queue}", f"function {lane.function}"
        middle = y + _BOX // 2
        yield _curve(_TOPICS.end, _TOPIC_Y + _BOX // 2, _QUEUES.x, middle, f"{counts.get((TOPIC, queue), 0):,}")
        yield _box(_QUEUES, y, "queue", lane.queue)
        yield _dead(result, lane.queue, y)
        yield _line(_QUEUES.end, middle, _FUNCTIONS.x, middle, f"{counts.get((queue, function), 0):,}")
        yield _box(_FUNCTIONS, y, "function", lane.function)
        over = f"{row.done:,} done, {row.passed_over:,} passed"
        yield _text(_FUNCTIONS.x, y + _BOX + 16, over, "small")
        put = f"{counts.get((function, BUS), 0):,}"
        yield _curve(_FUNCTIONS.end, middle, _BUSES.x, _TOPIC_Y + _BOX // 2, put, early=True)
    yield _box(_BUSES, _TOPIC_Y, "event bus", "hub")


def _dead(result: Result, queue: str, y: int) -> Iterator[Piece]:
    """
    The dead-letter queue, hung under its queue.
    """
    counts = result.carried
    letters = counts.get((f"queue {queue}", f"queue {dead(queue)}"), 0)
    again = counts.get((OPERATOR, f"queue {queue}"), 0)
    words = f"{letters:,} dead, {again:,} again" if letters else "no dead letters"
    top = y + _BOX
    yield tag(
        "g",
        tag("title", f"{dead(queue)}: {counted(letters, 'dead letter')}, {again:,} sent round again"),
        tag(
            "rect",
            x=_QUEUES.x + 4,
            y=top,
            width=_QUEUES.width - 8,
            height=_CHIP,
            rx=4,
            class_="dead badly" if letters else "dead",
        ),
        _text(_QUEUES.middle, top + 16, words, "small redly" if letters else "small", anchor="middle"),
    )


def _right(result: Result, counts: Mapping[tuple[str, str], int]) -> Iterator[Piece]:
    """
    From the bus to the far end.
    """
    for rule, destination in RULES:
        y = _DESTINATIONS_Y[destination]
        label = f"{counts.get((BUS, destination), 0):,}"
        yield _curve(_BUSES.end, _TOPIC_Y + _BOX // 2, _DESTINATIONS.x, y + _BOX // 2, label, rule)
        kind, _, name = destination.partition(" ")
        yield _box(_DESTINATIONS, y, kind, name)
    for queue in (DIGEST, ATTENTION):
        read = f"{counts.get((queue, OPERATOR), 0):,} read after the day"
        yield _text(_DESTINATIONS.end + 12, _DESTINATIONS_Y[queue] + _BOX // 2 + 4, read, "small")
    for reader, y in _READERS_Y.items():
        label = f"{counts.get((STREAM, reader), 0):,}"
        yield _curve(_DESTINATIONS.end, _DESTINATIONS_Y[STREAM] + _BOX // 2, _READERS.x, y + _BOX // 2, label)
        kind, _, name = reader.rpartition(" ")
        yield _box(_READERS, y, kind, name)
    yield _text(_READERS.x, _READERS_Y[COUNTER] - 8, f"{counted(result.figures['counted'], 'event')} counted", "small")
    size = sum(one.size for one in result.objects)
    yield _text(
        _READERS.x,
        _READERS_Y[ARCHIVE] + _BOX + 18,
        f"{counted(counts.get((ARCHIVE, STORE), 0), 'object')}, {shown_size(size)}",
        "small",
    )


def _box(column: _Column, y: int, kind: str, name: str) -> Html:
    return tag(
        "g",
        tag("rect", x=column.x, y=y, width=column.width, height=_BOX, rx=6, class_="box"),
        _text(column.middle, y + 17, kind, "small", anchor="middle"),
        _text(column.middle, y + 34, name, "count", anchor="middle"),
    )


def _text(x: int, y: int, text: str, class_: str, *, anchor: str | None = None) -> Html:
    return tag("text", text, x=x, y=y, class_=class_, text_anchor=anchor)


def _line(x: int, y: int, to_x: int, to_y: int, label: str = "") -> Iterator[Piece]:
    yield tag("path", d=f"M{x} {y}L{to_x - 2} {to_y}", class_="arrow", marker_end="url(#tip)")
    if label:
        yield _text((x + to_x) // 2, y - 7, label, "count", anchor="middle")


def _curve(x: int, y: int, to_x: int, to_y: int, label: str, name: str = "", *, early: bool = False) -> Iterator[Piece]:
    """
    An arrow that leaves and arrives level; what is said of it stands where it is level and nobody else's is.

    Args:
        x: Where it begins.
        y: Where it begins.
        to_x: Where it ends.
        to_y: Where it ends.
        label: How much went over it.
        name: What it is called.
        early: Whether it is its own at its beginning (many arrows to one box) and not at its end (many from one).
    """
    bend = to_x - 28 if early else x + 22
    yield tag("path", d=_path(x, y, to_x - 2, to_y, bend), class_="arrow", marker_end="url(#tip)")
    at, level = ((x + bend) // 2, y) if early else ((bend + to_x) // 2, to_y)
    yield _text(at, level - 7, label, "count", anchor="middle")
    if name:
        yield _text(at, level + 16, name, "small", anchor="middle")


def _path(x: int, y: int, to_x: int, to_y: int, bend: int) -> str:
    if y == to_y:
        return f"M{x} {y}H{to_x}"
    corner = 8 if to_y > y else -8
    down = f"Q{bend} {y} {bend} {y + corner}V{to_y - corner}Q{bend} {to_y} {bend + 8} {to_y}"
    return f"M{x} {y}H{bend - 8}{down}H{to_x}"
