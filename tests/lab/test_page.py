"""
The page: well-formed, by itself, and usable by eyes, ears and keyboards.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING, NamedTuple

import pytest

from postroom.lab.demo import play
from postroom.lab.events import BadLine, bundled, read
from postroom.lab.page import page
from postroom.lab.page._style import DARK, LIGHT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VOID = {"br", "col", "meta"}
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Element(NamedTuple):
    """
    One element, and those it is in.
    """

    tag: str
    attributes: dict[str, str | None]
    within: tuple[str, ...]


class Outline(HTMLParser):
    """
    What is on a page; raises where tags are not balanced.
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute twice: {tag} {attrs}"
        self.elements.append(Element(tag, dict(attrs), tuple(self._open)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[Element]:
        return [one for one in self.elements if one.tag == tag]


@pytest.fixture(scope="module")
def told() -> str:
    return page(play(bundled().events, seed=1), [BadLine(3, 'has no "source" <here>')])


@pytest.fixture(scope="module")
def outline(told: str) -> Outline:
    return Outline(told)


class TestThePage:
    def test_it_is_balanced_with_each_id_once(self, outline: Outline) -> None:
        ids = [one.attributes["id"] for one in outline.elements if "id" in one.attributes]

        assert len(set(ids)) == len(ids)
        for one in outline.elements:
            for name in ("aria-labelledby", "aria-describedby"):
                if name in one.attributes:
                    assert one.attributes[name] in ids
        for link in outline.all("a"):
            assert (link.attributes["href"] or "").removeprefix("#") in ids

    def test_it_asks_nothing_of_any_other_place(self, told: str, outline: Outline) -> None:
        """
        No address, nothing that loads, and a policy that would refuse it.
        """
        assert "http:" not in told
        assert "https:" not in told
        assert "url(http" not in told
        assert "@import" not in told
        assert not {"link", "img", "iframe", "object", "embed", "video", "audio", "base", "form"} & {
            one.tag for one in outline.elements
        }
        assert all(not {"src", "srcset", "data", "poster"} & one.attributes.keys() for one in outline.elements)
        [policy] = [one for one in outline.all("meta") if "http-equiv" in one.attributes]
        assert "default-src 'none'" in str(policy.attributes["content"])

    def test_it_has_landmarks_and_headings_in_order(self, outline: Outline) -> None:
        assert [len(outline.all(tag)) for tag in ("header", "nav", "main", "footer", "h1")] == [1, 1, 1, 1, 1]
        assert outline.all("html")[0].attributes["lang"] == "en"
        levels = [int(one.tag[1]) for one in outline.elements if re.fullmatch("h[1-6]", one.tag)]
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
        assert all("aria-labelledby" in one.attributes for one in outline.all("section"))
        assert all("main" in one.within for one in outline.all("section"))

    def test_all_of_it_can_be_reached_by_keyboard(self, outline: Outline) -> None:
        """
        The first link skips to the content; whatever scrolls can be focused and has a name; buttons are buttons.
        """
        assert outline.all("a")[0].attributes["href"] == "#main"
        scrolled = [one for one in outline.elements if one.attributes.get("class") == "scroll"]
        assert scrolled
        for one in scrolled:
            assert (one.attributes["tabindex"], one.attributes["role"]) == ("0", "region")
            assert one.attributes["aria-label"]
        names = [one.attributes["aria-label"] for one in scrolled]
        assert len(set(names)) == len(names)
        assert len(outline.all("details")) == len(outline.all("summary"))
        [button] = outline.all("button")
        assert (button.attributes["type"], "hidden" in button.attributes) == ("button", True)
        assert not [one for one in outline.elements if any(name.startswith("on") for name in one.attributes)]

    def test_pictures_say_what_they_show(self, outline: Outline) -> None:
        """
        Those that only repeat the number beside them are hidden.
        """
        drawings = [one for one in outline.all("svg") if one.attributes.get("role") == "img"]
        bars = [one for one in outline.all("svg") if one.attributes.get("aria-hidden") == "true"]

        assert len(drawings) == 2
        assert len(drawings) + len(bars) == len(outline.all("svg"))
        assert len(outline.all("desc")) == 2
        for table in outline.all("table"):
            assert "div" in table.within
        assert len(outline.all("caption")) == len(outline.all("table"))
        assert all(one.attributes["scope"] in {"row", "col"} for one in outline.all("th"))

    def test_it_says_what_was_found(self, outline: Outline) -> None:
        text = " ".join(outline.texts)

        assert "Complete: 329 of 329 events, by id, at the far end" in text
        assert "1 bad line of the input skipped." in text
        assert 'has no "source" <here>' in text
        for event in bundled().events[::50]:
            assert event.id in text
        for resource in ("build-validator", "counter-by-repository", "hub", "archive", "shardId-000000000003"):
            assert resource in text

    def test_texts_of_users_are_texts(self) -> None:
        """
        Neither markup nor characters that turn the page's direction round.
        """
        name = r"<script>alert(1)<\/script>\u202e\u0000\ud800&amp;\"'"
        line = f'{{"source": "s", "detail-type": "{name}", "detail": {{"repository": "{name}"}}, "id": "{name}"}}'
        [event] = read(line.encode()).events
        told = page(play([event]))
        outline = Outline(told)

        assert told.encode()
        assert len(outline.all("script")) == 1
        assert "\u202e" not in told
        assert any("<script>alert(1)</script>???&amp;\"'" in text for text in outline.texts)

    def test_a_day_that_went_wrong_is_told(self) -> None:
        def interrupt(count: int, at_us: int) -> None:
            raise KeyboardInterrupt

        done = play(bundled().events[:40], seed=1, progress=interrupt)
        text = " ".join(Outline(page(done)).texts)

        assert "Interrupted: " in text
        assert "Missing: " in text
        assert "None came through." in text or "took" in text

    def test_the_same_result_is_the_same_page(self, told: str) -> None:
        assert page(play(bundled().events, seed=1), [BadLine(3, 'has no "source" <here>')]) == told


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_can_be_told_apart(colours: Mapping[str, str]) -> None:
    """
    Texts by 4.5 and lines that mean something by 3, as WCAG 2.2 AA has it.
    """
    for text in ("ink", "dim", "accent", "good", "bad"):
        for ground in ("page", "card"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for mark in ("edge", "fill", "good", "bad", "accent"):
        assert contrast(colours[mark], colours["card"]) >= 3, mark
    assert contrast(colours["fill"], colours["track"]) >= 3
    assert contrast(colours["card"], colours["fill"]) >= 4.5, "numbers in dots"


MEASURE = """
<script>
addEventListener("load", function () {
  document.querySelectorAll("details").forEach(function (one) { one.open = true });
  var root = document.documentElement, button = document.getElementById("theme"), found = {};
  var ground = function () { return getComputedStyle(root).backgroundColor };
  found.width = innerWidth;
  found.overflow = root.scrollWidth - innerWidth;
  found.scrolled = document.querySelectorAll(".scroll").length;
  found.ground = ground();
  button.click();
  found.changed = ground();
  found.hidden = button.hidden;
  parent.postMessage([location.hash, found], "*");
});
</script>
"""
FRAMES = """
<!doctype html><title>frames</title><pre id="found"></pre>
<script>
var found = [];
addEventListener("message", function (event) {
  found.push(event.data);
  document.getElementById("found").textContent = JSON.stringify(found);
});
</script>
"""


@pytest.mark.skipif(CHROMIUM is None or sys.platform == "win32", reason="no chromium here")
def test_in_a_browser_nothing_sticks_out(told: str, tmp_path: Path) -> None:
    """
    On a telephone and on a desk, light and dark: with everything unfolded the page is no wider than its window.
    """
    inner = tmp_path / "page.html"
    inner.write_text(told + MEASURE, encoding="utf-8")
    wanted = [(width, theme) for width in (360, 1280) for theme in ("light", "dark")]
    # Frames, as a window of headless Chromium is never narrower than 500 pixels.
    frames = "".join(
        f'<iframe width="{width}" height="900" style="border:0" src="page.html#{theme}"></iframe>'
        for width, theme in wanted
    )
    outer = tmp_path / "frames.html"
    outer.write_text(FRAMES + frames, encoding="utf-8")
    [text] = re.findall(r'<pre id="found">(.*?)</pre>', _dom(outer.as_uri(), tmp_path))
    found = json.loads(text)

    colours = {"#light": (LIGHT, DARK), "#dark": (DARK, LIGHT)}
    assert sorted((one["width"], theme[1:]) for theme, one in found) == sorted(wanted)
    for theme, one in found:
        now, other = colours[theme]
        assert one["overflow"] <= 0, (theme, one)
        assert (one["ground"], one["changed"]) == (_rgb(now["page"]), _rgb(other["page"]))
        assert one["hidden"] is False


def _dom(address: str, folder: Path) -> str:
    assert CHROMIUM is not None
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,900", "--virtual-time-budget=2000"]
    ended = subprocess.run(
        [CHROMIUM, *options, f"--user-data-dir={folder / 'profile'}", "--dump-dom", address],
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=60,
    )
    if "<html" not in ended.stdout:
        pytest.skip(f"chromium does not run here: {ended.stderr[-200:]}")
    return ended.stdout


def _rgb(colour: str) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgb({red}, {green}, {blue})"
