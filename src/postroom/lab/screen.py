"""
Showing things to people: with rich where there is a terminal that can, in plain lines everywhere else.

rich is an extra (``postroom[cli]``): without it all is said in plain lines.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TextIO

from postroom.lab.words import shown_time

if TYPE_CHECKING:
    from postroom.lab.accounts import Tone
    from postroom.lab.flow import Progress
    from postroom.lab.report import Section

_STYLES: Final[dict[Tone, str]] = {"": "", "good": "green", "bad": "red", "dim": "dim"}
_BLOCK: Final = "\N{BLACK SQUARE}"
_BOXES: Final = "\N{BOX DRAWINGS LIGHT HORIZONTAL}\N{BLACK RIGHT-POINTING TRIANGLE}"
_PROGRESS_LINES: Final = 10


def is_rich(stream: TextIO) -> bool:
    """
    Whether colours and a moving bar make sense: a terminal that is not dumb, no ``NO_COLOR``, and rich is installed.

    >>> import io
    >>> is_rich(io.StringIO())
    False
    """
    if not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    try:
        _BLOCK.encode(getattr(stream, "encoding", None) or "ascii")
        import rich.progress  # noqa: PLC0415, F401 - extra: cli  # pyright: ignore[reportUnusedImport]
    except (ImportError, UnicodeEncodeError):
        return False
    return True


def bar_char(stream: TextIO) -> str:
    """
    What bars are made of there.

    >>> import io
    >>> bar_char(io.StringIO())
    '#'
    """
    return _BLOCK if is_rich(stream) else "#"


def draws_boxes(stream: TextIO) -> bool:
    """
    Whether characters that draw boxes can be written there.

    >>> import io
    >>> draws_boxes(io.TextIOWrapper(io.BytesIO(), "ascii")), draws_boxes(io.TextIOWrapper(io.BytesIO(), "utf-8"))
    (False, True)
    """
    try:
        _BOXES.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def show(sections: Iterable[Section], stream: TextIO) -> None:
    """
    Shows a report.

    >>> import sys
    >>> from postroom.lab.report import Line, Section
    >>> show([Section("Accounted for", [Line("  ok", "good")])], sys.stdout)
    <BLANKLINE>
    Accounted for
      ok
    """
    write = _rich_writer(stream) if is_rich(stream) else _plain_writer(stream)
    for title, lines in sections:
        write("", "")
        write(title, "bold")
        for text, tone in lines:
            write(text, _STYLES[tone])


def _plain_writer(stream: TextIO) -> Callable[[str, str], object]:
    return lambda text, _: print(text, file=stream)


def _rich_writer(stream: TextIO) -> Callable[[str, str], object]:
    from rich.console import Console  # noqa: PLC0415 - extra: cli
    from rich.text import Text  # noqa: PLC0415 - extra: cli

    console = Console(file=stream, highlight=False, soft_wrap=True)
    return lambda text, style: console.print(Text(text, style))


@contextmanager
def progress(total: int, stream: TextIO) -> Generator[Progress]:
    """
    While the block lasts, shows how far the demo is: a bar, or a line for each tenth.

    What yields is told, and never raises because nobody reads.

    >>> import sys
    >>> with progress(2, sys.stdout) as told:
    ...     told(1, 3_600_000_000)
      01:00:00  1 of 2 events counted
    """
    shown = _rich_progress(total, stream) if is_rich(stream) else _plain_progress(total, stream)
    with shown as told:

        def tell(done: int, at_us: int) -> None:
            try:
                told(done, at_us)
            except (OSError, ValueError):
                pass  # nobody reads it any more; the day goes on

        yield tell


@contextmanager
def _plain_progress(total: int, stream: TextIO) -> Generator[Progress]:
    def told(done: int, at_us: int) -> None:
        if done * _PROGRESS_LINES // total > (done - 1) * _PROGRESS_LINES // total:
            print(f"  {shown_time(at_us)}  {done:,} of {total:,} events counted", file=stream, flush=True)

    yield told


@contextmanager
def _rich_progress(total: int, stream: TextIO) -> Generator[Progress]:
    from rich.console import Console  # noqa: PLC0415 - extra: cli
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn  # noqa: PLC0415 - extra: cli
    from rich.progress import Progress as Bar  # noqa: PLC0415 - extra: cli

    columns: list[Any] = [TextColumn("  {task.fields[clock]}"), BarColumn(), MofNCompleteColumn(), "events counted"]
    with Bar(*columns, console=Console(file=stream)) as bar:
        task = bar.add_task("", total=total, clock=shown_time(0))
        yield lambda done, at_us: bar.update(task, completed=done, clock=shown_time(at_us))
