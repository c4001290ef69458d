"""
Pieces of HTML: every text is escaped unless it is a piece already.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from postroom.lab.words import clean

_VOID: Final = frozenset({"br", "col", "meta"})


class Html(str):
    """
    A piece of a page: text that needs no escaping any more.
    """

    __slots__ = ()


Piece: TypeAlias = str | int | Html | Iterable["Piece"]
Value: TypeAlias = str | int | float | bool | None


def tag(name: str, /, *children: Piece, **attributes: Value) -> Html:
    """
    An element.

    >>> print(tag("p", "2 < 3", tag("b", "!"), class_="big", hidden=True, title='"'))
    <p class="big" hidden title="&quot;">2 &lt; 3<b>!</b></p>

    Args:
        name: Of the element; an underscore at its end is dropped.
        children: Texts and pieces.
        attributes: An underscore at the end of a name is dropped, others become hyphens; None and False: not there.
    """
    shown = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Html(f"<{name}{shown}>")
    return Html(f"<{name}{shown}>{join(children)}</{name}>")


def join(pieces: Piece) -> Html:
    """
    Pieces one after the other.
    """
    if isinstance(pieces, Html):
        return pieces
    if isinstance(pieces, str | int):
        return Html(html.escape(clean(str(pieces))))
    return Html("".join(join(piece) for piece in pieces))


def _attribute(key: str, value: Value) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(clean(str(value)))}"'


def section(id_: str, title: str, *children: Piece) -> Html:
    """
    A landmark with a heading of the second level.
    """
    return tag("section", tag("h2", title, id=f"{id_}-title"), *children, id=id_, aria_labelledby=f"{id_}-title")


def scroll(label: str, *children: Piece) -> Html:
    """
    A region for what may be wider than the page: it scrolls by itself, by keyboard too.
    """
    return tag("div", *children, class_="scroll", role="region", aria_label=label, tabindex=0)


def details(summary: str, *children: Piece) -> Html:
    """
    What is shown when one asks for it.
    """
    return tag("details", tag("summary", summary), *children)


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Piece]], *, numbers: Iterable[int] = ()) -> Html:
    """
    A table in a region of its own; the first cell of a row is the row's head.

    >>> print(table("Teas", ["Tea", "Cups"], [["green", 2]], numbers=[1]))
    <div class="scroll" ...><table><caption>Teas</caption>...<td class="number">2</td></tr></tbody></table></div>

    Args:
        caption: What it shows.
        heads: Of the columns.
        rows: As many cells each.
        numbers: Columns, from 0, that hold numbers.
    """
    right = set(numbers)
    marks = ["number" if column in right else None for column in range(len(heads))]
    head = tag("tr", (tag("th", text, scope="col", class_=mark) for text, mark in zip(heads, marks, strict=True)))
    body = (
        tag(
            "tr",
            tag("th", row[0], scope="row"),
            (tag("td", cell, class_=mark) for cell, mark in zip(row[1:], marks[1:], strict=True)),
        )
        for row in rows
    )
    return scroll(caption, tag("table", tag("caption", caption), tag("thead", head), tag("tbody", body)))


def bar(count: int, most: int) -> Html:
    """
    A bar as wide as its cell lets it; the number beside it says the same.

    >>> print(bar(1, 4))
    <svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">...</svg>
    """
    width = round(100 * count / max(most, 1), 1)
    return tag(
        "svg",
        tag("rect", width=100, height=10, class_="track"),
        tag("rect", width=width, height=10, class_="fill"),
        class_="bar",
        viewBox="0 0 100 10",
        preserveAspectRatio="none",
        aria_hidden="true",
        focusable="false",
    )
