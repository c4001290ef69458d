"""
How the page looks, light and dark; and the one script, which changes between the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LIGHT: Final[Mapping[str, str]] = {
    "page": "#f6f7f8",
    "card": "#ffffff",
    "ink": "#1b2026",
    "dim": "#55606b",
    "line": "#cdd4db",
    "edge": "#6b7783",
    "accent": "#0a57a4",
    "good": "#17652f",
    "bad": "#ad241c",
    "fill": "#3d78ba",
    "track": "#e6eaee",
}
DARK: Final[Mapping[str, str]] = {
    "page": "#11151a",
    "card": "#191f26",
    "ink": "#e7eaee",
    "dim": "#a5b0bb",
    "line": "#36404b",
    "edge": "#8a97a4",
    "accent": "#80baff",
    "good": "#73d08d",
    "bad": "#ff9389",
    "fill": "#5d9de2",
    "track": "#28313a",
}
"""Colours by what they are for. Every text has a contrast of 4.5 or more, every line of meaning 3 or more."""

_RULES: Final = """
*{box-sizing:border-box}
html{background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;\
-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0}
.wide{max-width:1200px;margin:0 auto;padding:0 1rem}
.skip{position:absolute;left:-999rem;top:.5rem;padding:.5rem 1rem;background:var(--card);z-index:1}
.skip:focus{left:.5rem}
a{color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
main:focus{outline:none}
header .wide{padding-top:1.5rem;display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;align-items:start;\
justify-content:space-between}
header .wide>div{flex:1 1 20rem;min-width:0}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .5rem;overflow-wrap:anywhere}
h2{font-size:1.2rem;line-height:1.3;margin:0 0 .75rem;overflow-wrap:anywhere}
h3{font-size:1rem;margin:1.25rem 0 .5rem}
p{margin:0 0 .75rem;max-width:72ch;overflow-wrap:anywhere}
button{font:inherit;color:var(--ink);background:var(--card);border:1px solid var(--edge);border-radius:6px;\
padding:.35rem .8rem;min-height:44px;cursor:pointer}
nav ul{list-style:none;margin:0 0 1rem;padding:0;display:flex;flex-wrap:wrap;gap:.25rem 1.25rem}
nav a{display:inline-block;padding:.3rem 0}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1rem;margin:0 0 1rem;min-width:0}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:0 1.5rem}
.columns>*{min-width:0}
.scroll{overflow-x:auto;max-width:100%;margin:0 0 .75rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--dim);padding:0 0 .4rem}
th,td{text-align:left;vertical-align:top;padding:.3rem .75rem .3rem 0;border-top:1px solid var(--line)}
thead th{border-top:0;color:var(--dim);font-weight:600;vertical-align:bottom;font-size:.9rem}
tbody th{font-weight:600}
.number{text-align:right;white-space:nowrap}
th:last-child,td:last-child{padding-right:0}
.bar{display:block;width:100%;height:.8rem;margin-top:.4rem}
.bar .fill{fill:var(--fill)}
.bar .track{fill:var(--track)}
.good{color:var(--good)}
.bad{color:var(--bad)}
.dim{color:var(--dim)}
.verdict{font-size:1.25rem;font-weight:700;max-width:none}
code{font:.9em/1.5 ui-monospace,SFMono-Regular,Consolas,monospace;overflow-wrap:anywhere}
td code{white-space:nowrap}
details{margin:0 0 .75rem}
summary{cursor:pointer;padding:.4rem 0;color:var(--accent);min-height:2rem}
ol.steps{list-style:none;margin:0;padding:0}
ol.steps li{display:grid;grid-template-columns:8.5rem minmax(0,1fr);gap:0 1rem;border-top:1px solid var(--line);\
padding:.25rem 0;overflow-wrap:anywhere}
ol.steps time{font-variant-numeric:tabular-nums;color:var(--dim)}
.short{max-width:46rem}
.fit{max-width:100%;min-width:60rem}
.drawing{display:block;height:auto;font:13px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
.drawing text{fill:var(--ink)}
.drawing .small{fill:var(--dim);font-size:12px}
.drawing .count{font-weight:600;font-variant-numeric:tabular-nums}
.drawing .box{fill:var(--page);stroke:var(--edge)}
.drawing .dead{fill:var(--card);stroke:var(--edge);stroke-dasharray:4 3}
.drawing .badly{stroke:var(--bad)}
.drawing .redly{fill:var(--bad)}
.drawing .arrow{fill:none;stroke:var(--edge);stroke-width:1.5}
.drawing .tip{fill:var(--edge)}
.drawing .lane{stroke:var(--line)}
.drawing .path{fill:none;stroke:var(--line);stroke-width:2}
.drawing .dot{fill:var(--fill)}
.drawing .dot.good{fill:var(--good)}
.drawing .dot.bad{fill:var(--bad)}
.drawing .number-in{fill:var(--card);font-size:11px;font-weight:700}
footer{color:var(--dim);padding:0 0 2rem}
@media (max-width:30rem){ol.steps li{grid-template-columns:minmax(0,1fr)}th,td{padding-right:.6rem}section{padding:.8rem}}
@media print{.skip,button,nav{display:none}section{break-inside:avoid}}
"""

SCRIPT: Final = """
(function(){
var root=document.documentElement,button=document.getElementById("theme");
var dark=window.matchMedia("(prefers-color-scheme: dark)");
function now(){return root.dataset.theme||(dark.matches?"dark":"light")}
function show(){button.textContent=now()==="dark"?"Light colours":"Dark colours"}
if(location.hash==="#dark"||location.hash==="#light")root.dataset.theme=location.hash.slice(1);
button.addEventListener("click",function(){root.dataset.theme=now()==="dark"?"light":"dark";show()});
dark.addEventListener("change",show);
button.hidden=false;show();
})();
"""
"""Shows the button, which does nothing without it; the addresses ``#dark`` and ``#light`` choose too."""


def _colours(colours: Mapping[str, str], scheme: str) -> str:
    named = ";".join(f"--{name}:{value}" for name, value in colours.items())
    return f"{{color-scheme:{scheme};{named}}}"


def style() -> str:
    """
    The style sheet.

    >>> "prefers-color-scheme" in style()
    True
    """
    dark = _colours(DARK, "dark")
    return (
        f":root{_colours(LIGHT, 'light')}\n"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){dark}}}\n"
        f":root[data-theme=dark]{dark}{_RULES}"
    )
