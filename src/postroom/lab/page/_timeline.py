"""
The slowest event's story: lanes by resource, columns by instant, and the same as a list.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from postroom.lab.page._parts import Html, Piece, details, scroll, tag
from postroom.lab.words import counted, shown_span, shown_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postroom.lab.accounts import Step

_LANE: Final = 30
_TOP: Final = 46
_LEFT: Final = 212
_COLUMN: Final = 84
_SHOWN_INSTANTS: Final = 60


def timeline(told: Sequence[Step]) -> Iterator[Piece]:
    """
    The picture, and the list.
    """
    instants = [list(group) for _, group in groupby(told, key=_at)]
    if len(instants) <= _SHOWN_INSTANTS:
        yield scroll("The slowest event's way as a picture", _picture(told, instants))
        legend = "A square: something failed there, or was given up. A number: so many things at one instant."
        yield tag("p", legend, class_="dim")
    yield details(f"Step by step: {counted(len(told), 'step')}", tag("ol", _list(told), class_="steps"))


def _at(step: Step) -> int:
    return step.at_us


def _picture(told: Sequence[Step], instants: Sequence[Sequence[Step]]) -> Html:
    lanes = {name: number for number, name in enumerate(dict.fromkeys(step.resource for step in told))}
    width, height = _LEFT + _COLUMN * len(instants), _TOP + _LANE * len(lanes) + 6
    first, last = told[0].at_us, told[-1].at_us
    described = (
        f"{counted(len(told), 'step')} in {counted(len(lanes), 'resource')} at {counted(len(instants), 'instant')}, from "
        f"{shown_time(first)} to {shown_time(last)}, {shown_span(last - first)} in all. The list below says the same."
    )
    return tag(
        "svg",
        tag(
            "title", "The slowest event's way: resources from top to bottom, instants from left to right", id="way-name"
        ),
        tag("desc", described, id="way-told"),
        _lanes(lanes, width),
        _columns(instants, lanes),
        class_="drawing",
        role="img",
        aria_labelledby="way-name",
        aria_describedby="way-told",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
    )


def _lanes(lanes: dict[str, int], width: int) -> Iterator[Piece]:
    for name, number in lanes.items():
        y = _TOP + _LANE * number + _LANE // 2
        yield tag("line", x1=_LEFT - 4, y1=y, x2=width - 8, y2=y, class_="lane")
        yield tag("text", name, x=2, y=y + 4)


def _columns(instants: Sequence[Sequence[Step]], lanes: dict[str, int]) -> Iterator[Piece]:
    before: int | None = None
    path: list[str] = []
    dots: list[Piece] = []
    for number, steps in enumerate(instants):
        x = _LEFT + _COLUMN * number + 36
        at = steps[0].at_us
        yield tag("text", shown_time(at), x=x, y=16, text_anchor="middle", class_="count")
        if before is not None:
            yield tag("text", f"+{shown_span(at - before)}", x=x, y=33, text_anchor="middle", class_="small")
        before = at
        places = [lanes[step.resource] for step in steps]
        path += [f"{x} {_TOP + _LANE * place + _LANE // 2}" for place in (min(places), max(places))]
        dots += [
            _dot(x, place, [step for step in steps if lanes[step.resource] == place]) for place in dict.fromkeys(places)
        ]
        yield tag("path", d=f"M{path[-2]}L{path[-1]}", class_="path")
    yield dots


def _dot(x: int, lane: int, steps: Sequence[Step]) -> Html:
    y = _TOP + _LANE * lane + _LANE // 2
    tones = {step.tone for step in steps}
    tone = "bad" if "bad" in tones else "good" if "good" in tones else ""
    words = "; ".join(step.what for step in steps)
    number = tag("text", len(steps), x=x, y=y + 4, text_anchor="middle", class_="number-in") if len(steps) > 1 else ""
    return tag(
        "g",
        tag("title", f"{shown_time(steps[0].at_us)} {steps[0].resource}: {words}"),
        _mark(x, y, tone),
        number,
    )


def _mark(x: int, y: int, tone: str) -> Html:
    """
    Round; square where something failed, for who cannot tell the colours apart.
    """
    if tone == "bad":
        return tag("rect", x=x - 8, y=y - 8, width=16, height=16, class_="dot bad")
    return tag("circle", cx=x, cy=y, r=8, class_=f"dot {tone}".rstrip())


def _list(told: Sequence[Step]) -> Iterator[Piece]:
    before: int | None = None
    for step in told:
        span = "" if before is None or step.at_us == before else f" +{shown_span(step.at_us - before)}"
        before = step.at_us
        yield tag(
            "li",
            tag("time", shown_time(step.at_us), span),
            tag("span", tag("b", step.resource), " ", tag("span", step.what, class_=step.tone or None)),
        )
