"""
The house rules of docs/explanation/architecture.md, read off the source: floors, circles, clocks, lengths, docstrings.

Nothing is imported; each check takes a `House`, the parsed modules of one package, and returns findings as text.
The first half of the tests holds `src/postroom` to the rules; the second builds small houses that break them.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Build = Callable[[dict[str, str]], "House"]

PACKAGE = "postroom"
SOURCE = Path(__file__).parents[1] / "src" / PACKAGE

# A room is a module or a package directly below `postroom`; "" is the public face, `postroom/__init__.py`.
# Arrows go down: from a room to any room on a lower floor. On the ground floor they may also go sideways.
FLOORS: dict[str, float] = {
    "_version": 0,
    "errors": 0,
    "limits": 0,
    "clock": 0,
    "message": 0,
    "naming": 0,
    "faults": 0,
    "observe": 0,
    "patterns": 1,
    "partitioning": 1,
    "delivery": 2,
    "queue": 3,
    "topic": 3,
    "bus": 3,
    "stream": 3,
    "worker": 4,
    "firehose": 4,
    "analytics": 4,
    "region": 5,
    "recorder": 5,
    "": 5.5,  # shows what is below it, never floor 6
    "dropin": 6,
    "aws": 6,
    "pytest_plugin": 6,
    "lab": 6,
    "__main__": 7,  # `python -m postroom`
}

# Rooms that know less than their floor would let them.
KNOWS_ONLY: dict[str, set[str]] = {
    "_version": set(),
    "errors": set(),
    "limits": set(),
    "clock": {"errors", "limits"},
    "patterns": {"errors", "limits"},
    "partitioning": {"errors", "limits"},
}

# What may be imported inside a function, and why. Besides these, a room's own `_aio` module, which imports asyncio.
INSIDE: dict[str, str] = {
    "asyncio": "30 ms that only those pay who touch `.aio`",
    "sqlite3": "not every Python has it",
    "rich": "extra: cli",
}

# Who may call `import_module`, and why.
DYNAMIC: dict[str, str] = {
    PACKAGE: "the lazy public face (PEP 562)",
}

# Over 500 lines, or a function over 60: the reason. These lists only shrink: what fits again is taken out.
MODULE_LINES_MAX = 500
LONG_MODULES: dict[str, str] = {}
FUNCTION_LINES_MAX = 60
LONG_FUNCTIONS: dict[str, str] = {}

# The host's time and chance, for `clock` alone. `random.Random` is what everybody else is handed.
HOST_ROOM = "clock"
HOST_NAMES = {
    "asyncio.sleep",
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "os.urandom",
    "random.SystemRandom",
    "threading.Timer",
    "uuid.uuid1",
    "uuid.uuid4",
}
HOST_MODULES = {
    "random": {"Random"},
    "secrets": set(),
    "time": {"struct_time", "strptime"},
}  # all of the module except these


def room_of(name: str) -> str:
    """
    The part of a module's name that `FLOORS` knows.
    """
    return [*name.split("."), ""][1]


class Import(NamedTuple):
    """
    One module that another imports.
    """

    target: str
    line: int
    inside: bool
    """Within a function."""
    typing: bool
    """Under `TYPE_CHECKING`."""


class Module(NamedTuple):
    """
    One parsed file.
    """

    name: str
    is_package: bool
    tree: ast.Module
    lines: int

    @property
    def room(self) -> str:
        """
        Where in the house it stands.
        """
        return room_of(self.name)


House = dict[str, Module]


def read_house(root: Path) -> House:
    """
    Parses all modules of the package in the folder `root`.
    """
    house = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root.parent).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        source = path.read_text(encoding="utf-8")
        house[name] = Module(name, is_package, ast.parse(source, str(path)), len(source.splitlines()))
    return house


def walk(node: ast.AST, *, inside: bool = False, typing: bool = False) -> Iterator[tuple[ast.AST, bool, bool]]:
    """
    All nodes below one, each with whether it stands within a function, and under `TYPE_CHECKING`.
    """
    for child in ast.iter_child_nodes(node):
        yield child, inside, typing
        yield from walk(
            child,
            inside=inside or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)),
            typing=typing or is_type_checking(child),
        )


def is_type_checking(node: ast.AST) -> bool:
    """
    Whether this is `if TYPE_CHECKING:`.
    """
    return isinstance(node, ast.If) and ast.unparse(node.test).rpartition(".")[2] == "TYPE_CHECKING"


def imports_of(module: Module, house: House) -> list[Import]:
    """
    All imports of one module. `from a import b` is of `a.b` where that is a module.
    """
    found = []
    for node, inside, typing in walk(module.tree):
        if isinstance(node, ast.Import):
            targets = {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.name.split(".")
                up = parts[: len(parts) - node.level + module.is_package]
                base = ".".join([*up, node.module] if node.module else up)
            targets = {f"{base}.{alias.name}" if f"{base}.{alias.name}" in house else base for alias in node.names}
        else:
            continue
        found += [Import(target, node.lineno, inside, typing) for target in sorted(targets)]
    return found


def rising_arrows(house: House, package: str = PACKAGE) -> list[str]:
    """
    Imports that lead up, sideways between rooms, or to a room that the importing one must not know.
    """
    found = [f"{name}: not in FLOORS" for name, module in house.items() if module.room not in FLOORS]
    for name, module in house.items():
        for target, line, _, _ in imports_of(module, house):
            if target.partition(".")[0] != package:
                continue
            here, there = module.room, room_of(target)
            if here == there or not {here, there} <= FLOORS.keys():
                continue
            lower = FLOORS[there] < FLOORS[here] or FLOORS[there] == FLOORS[here] == 0
            if not lower or there not in KNOWS_ONLY.get(here, FLOORS):
                found.append(f"{name}:{line}: imports {target}, floor {FLOORS[here]} to {FLOORS[there]}")
    return found


def circles(arrows: dict[str, set[str]]) -> list[str]:
    """
    A circle for each knot of the graph.
    """
    found, done = [], set()
    for start in sorted(arrows):
        path: list[str] = []
        trail = [iter([start])]
        while trail:
            step = next(trail[-1], None)
            if step is None:
                trail.pop()
                if path:
                    done.add(path.pop())
            elif step in path:
                found.append(" -> ".join([*path[path.index(step) :], step]))
            elif step not in done:
                path.append(step)
                trail.append(iter(sorted(arrows.get(step, ()))))
    return found


def module_circles(house: House) -> list[str]:
    """
    Modules that import themselves by way of others, and rooms that do.

    One thing is let through: an `.aio` view may name the type of the resource it is a view of.
    """
    modules: dict[str, set[str]] = defaultdict(set)
    rooms: dict[str, set[str]] = defaultdict(set)
    for name, module in house.items():
        is_view = name.endswith("._aio")
        for target, _, _, typing in imports_of(module, house):
            if target in house and target != name and not (is_view and typing):
                modules[name].add(target)
            if target.partition(".")[0] == PACKAGE and room_of(target) != module.room:
                rooms[f"room {module.room or PACKAGE}"].add(f"room {room_of(target) or PACKAGE}")
    return circles(modules) + circles(rooms)


def hidden_imports(house: House) -> list[str]:
    """
    Imports within functions, and by string, that `INSIDE` and `DYNAMIC` do not list.
    """
    found = []
    for name, module in house.items():
        for target, line, inside, _ in imports_of(module, house):
            view = target == f"{PACKAGE}.{module.room}._aio"
            if inside and not view and target.partition(".")[0] not in INSIDE:
                found.append(f"{name}:{line}: imports {target} inside a function")
        for origin, line in names_used(module):
            if origin in {"importlib.import_module", "builtins.__import__"} and name not in DYNAMIC:
                found.append(f"{name}:{line}: imports by string")
    return found


def names_used(module: Module) -> Iterator[tuple[str, int]]:
    """
    Each name of another module in use, by the module it comes from: `time.sleep` for `from time import sleep as nap; nap(1)`.
    """
    origins = {"__import__": "builtins.__import__"}
    for node, _, _ in walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                origins[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            origins |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    for node, _, _ in walk(module.tree):
        parts, inner = [], node
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name) and inner.id in origins:
            yield ".".join([origins[inner.id], *reversed(parts)]), inner.lineno


def host_calls(house: House) -> list[str]:
    """
    Uses of the wall clock, of sleep, of timers and of global randomness outside the room that may.
    """
    found = []
    for name, module in house.items():
        if module.room == HOST_ROOM:
            continue
        for origin, line in names_used(module):
            top, _, rest = origin.partition(".")
            if origin in HOST_NAMES or (
                rest and top in HOST_MODULES and rest.partition(".")[0] not in HOST_MODULES[top]
            ):
                found.append(f"{name}:{line}: {origin}")
    return sorted(set(found))


class Definition(NamedTuple):
    """
    A function, method or class and where it is.
    """

    name: str
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    in_function: bool


def definitions(module: Module) -> Iterator[Definition]:
    """
    All of one module, the outer before the inner.
    """

    def below(node: ast.AST, prefix: str, *, in_function: bool) -> Iterator[Definition]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                name = f"{prefix}.{child.name}"
                yield Definition(name, child, in_function)
                yield from below(child, name, in_function=in_function or not isinstance(child, ast.ClassDef))
            else:
                yield from below(child, prefix, in_function=in_function)

    return below(module.tree, module.name, in_function=False)


def function_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """
    Lines from `def` to the end, without the docstring.
    """
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node, clean=False) is not None:
        lines -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
    return lines


def lengths(house: House, long_modules: dict[str, str], long_functions: dict[str, str]) -> list[str]:
    """
    Modules and functions that are too long and not listed, or listed and not too long.
    """
    modules = {name: module.lines for name, module in house.items() if module.lines > MODULE_LINES_MAX}
    functions = {}
    for module in house.values():
        for name, node, _ in definitions(module):
            if not isinstance(node, ast.ClassDef) and function_lines(node) > FUNCTION_LINES_MAX:
                functions[name] = function_lines(node)
    found = [f"{name}: {lines} lines" for name, lines in modules.items() if name not in long_modules]
    found += [f"{name}: {lines} lines" for name, lines in functions.items() if name not in long_functions]
    found += [f"{name}: fits; take it out of LONG_MODULES" for name in long_modules if name not in modules]
    found += [f"{name}: fits; take it out of LONG_FUNCTIONS" for name in long_functions if name not in functions]
    return found


def undocumented(house: House) -> list[str]:
    """
    Modules without a docstring, and public classes, functions and methods. A private module's count too: the public face shows them.
    """
    found = []
    for name, module in house.items():
        if ast.get_docstring(module.tree) is None:
            found.append(f"{name}: no docstring")
        for path, node, in_function in definitions(module):
            decorators = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
            own = path.removeprefix(f"{name}.")
            private = any(part.startswith("_") for part in own.split("."))
            if in_function or private or decorators & {"overload", "override", "setter", "deleter"}:
                continue
            if ast.get_docstring(node) is None:
                found.append(f"{path}: no docstring")
    return found


def face_faults(face: Module, package: str = PACKAGE) -> list[str]:
    """
    Where the lists of the public face disagree: `__all__`, `_HOMES`, and the imports for type checkers.
    """
    listed: list[str] = []
    homes: dict[str, str] = {}
    checked: dict[str, str] = {}
    found = []
    for statement in face.tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            if statement.targets[0].id == "__all__":
                listed = ast.literal_eval(statement.value)
            elif statement.targets[0].id == "_HOMES":
                homes = ast.literal_eval(statement.value)
    for node, _, typing in walk(face.tree):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith(f"{package}."):
            continue
        home = (node.module or "").removeprefix(f"{package}.")
        if typing:
            checked |= {alias.asname or alias.name: home for alias in node.names}
            found += [f"{alias.name}: write `as {alias.name}`" for alias in node.names if not alias.asname]
        elif home != "_version":
            found.append(f"{node.module}: imported at once, not lazily")
    if listed != sorted(listed):
        found.append("__all__ is not sorted")
    if list(homes) != sorted(homes):
        found.append("_HOMES is not sorted")
    if set(listed) - {"__version__"} != homes.keys():
        found.append(f"__all__ and _HOMES differ: {sorted((set(listed) - {'__version__'}) ^ homes.keys())}")
    if checked != homes:
        found.append(f"TYPE_CHECKING and _HOMES differ: {sorted(set(checked.items()) ^ set(homes.items()))}")
    return found


# The house as it stands.


@pytest.fixture(scope="module")
def house() -> House:
    return read_house(SOURCE)


def test_arrows_point_down(house: House) -> None:
    assert rising_arrows(house) == []


def test_no_circles(house: House) -> None:
    assert module_circles(house) == []


def test_no_hidden_imports(house: House) -> None:
    assert hidden_imports(house) == []


def test_time_and_chance_come_in_by_the_front_door(house: House) -> None:
    assert host_calls(house) == []


def test_nothing_grows_too_long(house: House) -> None:
    assert lengths(house, LONG_MODULES, LONG_FUNCTIONS) == []


def test_all_that_is_public_is_explained(house: House) -> None:
    assert undocumented(house) == []


def test_the_face_says_the_same_three_times(house: House) -> None:
    assert face_faults(house[PACKAGE]) == []


# Houses that break the rules.


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """
    Writes modules, given by path, into a package `postroom` and reads it.
    """

    def build(sources: dict[str, str]) -> House:
        root = tmp_path / PACKAGE
        for name, source in {"__init__": "", **sources}.items():
            path = root / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source, encoding="utf-8")
        return read_house(root)

    return build


def test_the_house_is_found(house: House) -> None:
    """
    Checks on nothing would all pass.
    """
    assert {"postroom", "postroom.errors", "postroom.limits"} <= house.keys()


@pytest.mark.parametrize(
    ("where", "statement", "target"),
    [
        ("queue", "from postroom.queue._core import X", "postroom.queue._core"),
        ("queue/__init__", "from . import _core", "postroom.queue._core"),
        ("queue/__init__", "from ._core import X", "postroom.queue._core"),
        ("queue/_driver", "from ._core import X", "postroom.queue._core"),
        ("queue/_driver", "from . import _core", "postroom.queue._core"),
        ("queue/_driver", "from .. import limits", "postroom.limits"),
        ("queue/_driver", "from ..limits import X", "postroom.limits"),
        ("queue/_driver", "from postroom import limits as l", "postroom.limits"),
        ("queue/_driver", "from postroom import Queue", "postroom"),
        ("queue/_driver", "import postroom.limits", "postroom.limits"),
    ],
)
def test_imports_are_understood(build: Build, where: str, statement: str, target: str) -> None:
    """
    However an import is written, the module it is of is found.
    """
    house = build({"limits": "", "queue/__init__": "", "queue/_core": "", where: statement})

    name = f"{PACKAGE}.{where}".replace("/", ".").removesuffix(".__init__")
    assert [found.target for found in imports_of(house[name], house)] == [target]


def test_a_view_may_name_its_owner(build: Build) -> None:
    """
    Under `TYPE_CHECKING` only: the owner imports its view inside a function, which hides nothing else.
    """
    owner = {"queue/_driver": "def aio():\n    from postroom.queue._aio import View"}
    fine = build({**owner, "queue/_aio": "if TYPE_CHECKING:\n    from postroom.queue._driver import Queue"})
    assert module_circles(fine) == []
    assert hidden_imports(fine) == []

    circle = build({**owner, "queue/_aio": "from postroom.queue._driver import Queue"})
    assert len(module_circles(circle)) == 1
    other = build({"queue/_driver": "def aio():\n    from postroom.topic._aio import View"})
    assert len(hidden_imports(other)) == 1


@pytest.mark.parametrize(
    ("where", "statement"),
    [
        ("errors", "from postroom.clock import Clock"),
        ("clock/_manual", "from postroom.message import Message"),
        ("partitioning", "from postroom.naming import Arn"),
        ("patterns/_match", "from postroom.partitioning import x"),
        ("queue", "from postroom.topic import Topic"),
        ("queue", "from postroom.region import Region"),
        ("queue", "from postroom import PostroomError"),
        ("queue", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from postroom.worker import Function"),
        ("queue", "def f():\n    from postroom.worker import Function"),
        ("__init__", "from postroom.lab import demo"),
        ("attic", ""),
    ],
)
def test_an_arrow_up_is_found(build: Build, where: str, statement: str) -> None:
    """
    Up, sideways above the ground floor, into the face, past a room's own limits, or in a room nobody knows.
    """
    assert len(rising_arrows(build({where: statement}))) == 1


@pytest.mark.parametrize(
    ("where", "statement"),
    [
        ("queue/_driver", "from postroom.queue import _core"),
        ("queue/_driver", "from postroom.delivery import Retry"),
        ("message", "from postroom.naming import Arn"),
        ("__init__", "from postroom.region import Region"),
        ("lab/cli", "from postroom import Queue"),
        ("lab/cli", "import postroombox, json"),
    ],
)
def test_an_arrow_down_is_fine(build: Build, where: str, statement: str) -> None:
    """
    Down, within a room, sideways on the ground floor; other packages are no business of this check.
    """
    assert rising_arrows(build({"queue/_core": "", where: statement})) == []


def test_a_circle_is_found(build: Build) -> None:
    """
    Between modules of one room, hidden in a function and under `TYPE_CHECKING`; and between two rooms.
    """
    house = build(
        {
            "queue/_a": "from postroom.queue._b import x",
            "queue/_b": "if TYPE_CHECKING:\n    from postroom.queue import _c",
            "queue/_c": "def f():\n    from . import _a",
            "message": "from postroom.naming import x",
            "naming/_x": "from postroom.message import x",
        }
    )

    assert module_circles(house) == [
        "postroom.queue._a -> postroom.queue._b -> postroom.queue._c -> postroom.queue._a",
        "room message -> room naming -> room message",
    ]


def test_a_lattice_is_no_circle(build: Build) -> None:
    """
    Two ways to one module.
    """
    house = build(
        {
            "queue/_a": "from postroom.queue import _b, _c",
            "queue/_b": "from postroom.queue import _d",
            "queue/_c": "from postroom.queue import _d",
            "queue/_d": "",
        }
    )

    assert module_circles(house) == []


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    import json",
        "class A:\n    async def f(self):\n        if self:\n            from json import loads",
        "import importlib\nimportlib.import_module('json')",
        "from importlib import import_module as get\nget('json')",
        "__import__('json')",
    ],
)
def test_a_hidden_import_is_found(build: Build, source: str) -> None:
    assert len(hidden_imports(build({"queue": source}))) == 1


def test_a_listed_import_may_hide(build: Build) -> None:
    source = "import json\ndef f():\n    import asyncio, sqlite3\n    from rich.table import Table"

    assert hidden_imports(build({"queue": source})) == []


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.time()",
        "import time\ndef f(now=time.monotonic): ...",
        "from time import sleep as nap\nnap(1)",
        "import time as t\nt.perf_counter_ns()",
        "def f():\n    import asyncio\n    asyncio.sleep(0)",
        "import datetime\ndatetime.datetime.now()",
        "from datetime import datetime\ndatetime.utcnow()",
        "from datetime import date\ndate.today()",
        "from threading import Timer\nTimer(1, print)",
        "import random\nrandom.random()",
        "from random import choice\nchoice([1])",
        "import secrets\nsecrets.token_hex()",
        "from uuid import uuid4\nuuid4()",
        "import os\nos.urandom(4)",
    ],
)
def test_the_hosts_time_and_chance_are_found(build: Build, source: str) -> None:
    """
    Called or passed on, under any name; the clock itself may.
    """
    assert len(host_calls(build({"queue": source}))) == 1
    assert host_calls(build({"queue": "", "clock/_host": source})) == []


def test_injected_time_and_chance_are_fine(build: Build) -> None:
    source = (
        "import random, datetime, threading, uuid\n"
        "def f(clock, rng: random.Random, lock: threading.Lock):\n"
        "    clock.time(); clock.sleep(1); rng.random(); random.Random(7).choice([1])\n"
        "    datetime.datetime.fromtimestamp(0); uuid.UUID(int=0)\n"
    )

    assert host_calls(build({"queue": source})) == []


def function(lines: int, docstring: int = 0) -> str:
    """
    The source of a function of so many lines, and those of its docstring besides.
    """
    told = "" if not docstring else '    """' + "\n" * (docstring - 1) + '    """\n'
    return f"@property\ndef f():\n{told}" + "    x = 1\n" * (lines - 1)


def test_a_long_module_is_found(build: Build) -> None:
    """
    500 lines fit, 501 need a reason.
    """
    house = build({"queue": "x = 1\n" * 500, "topic": "x = 1\n" * 501})

    assert lengths(house, {}, {}) == ["postroom.topic: 501 lines"]
    assert lengths(house, {"postroom.topic": "a table"}, {}) == []


def test_a_long_function_is_found(build: Build) -> None:
    """
    60 lines fit, 61 need a reason; decorators and docstring do not count.
    """
    house = build({"queue": function(60, docstring=30), "topic": function(61, docstring=30)})

    assert lengths(house, {}, {}) == ["postroom.topic.f: 61 lines"]
    assert lengths(house, {}, {"postroom.topic.f": "a table"}) == []


def test_the_lists_only_shrink(build: Build) -> None:
    """
    What is listed and fits, or is gone, is a finding.
    """
    house = build({"queue": function(60)})

    assert lengths(house, {"postroom.queue": "was long"}, {"postroom.queue.f": "was long", "postroom.gone.f": "?"}) == [
        "postroom.queue: fits; take it out of LONG_MODULES",
        "postroom.queue.f: fits; take it out of LONG_FUNCTIONS",
        "postroom.gone.f: fits; take it out of LONG_FUNCTIONS",
    ]


def test_an_unexplained_name_is_found(build: Build) -> None:
    """
    Public modules, classes, functions, methods and properties need a docstring; private and inner ones do not.
    """
    source = """
class Open:
    def method(self): ...
    @property
    def value(self): ...
    @value.setter
    def value(self, new): ...
    @override
    def close(self): ...
    def _private(self): ...
    def __len__(self): ...
class _Hidden:
    def method(self): ...
@typing.overload
def function(a): ...
def function(a):
    def inner(): ...
"""
    house = build({"__init__": '"""Face."""', "_queue": source})

    assert undocumented(house) == [
        f"postroom._queue{name}: no docstring" for name in ["", ".Open", ".Open.method", ".Open.value", ".function"]
    ]


GOOD_FACE = """
from postroom._version import __version__ as __version__
if TYPE_CHECKING:
    from postroom.clock import Clock as Clock
    from postroom.queue import Queue as Queue
__all__ = ["Clock", "Queue", "__version__"]
_HOMES = {"Clock": "clock", "Queue": "queue"}
"""


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ('["Clock", "Queue", ', '["Queue", "Clock", ', "__all__ is not sorted"),
        ('{"Clock": "clock", "Queue": "queue"}', '{"Queue": "queue", "Clock": "clock"}', "_HOMES is not sorted"),
        ('["Clock", ', "[", "__all__ and _HOMES differ: ['Clock']"),
        (" as Clock", "", "Clock: write `as Clock`"),
        ('"queue"}', '"bus"}', "TYPE_CHECKING and _HOMES differ: [('Queue', 'bus'), ('Queue', 'queue')]"),
        (
            "    from postroom.queue import Queue as Queue\n",
            "",
            "TYPE_CHECKING and _HOMES differ: [('Queue', 'queue')]",
        ),
        ("if TYPE", "from postroom.bus import Bus\nif TYPE", "postroom.bus: imported at once, not lazily"),
    ],
)
def test_a_face_at_odds_with_itself_is_found(build: Build, old: str, new: str, finding: str) -> None:
    """
    One change to a good face, one finding.
    """
    assert face_faults(build({"__init__": GOOD_FACE})[PACKAGE]) == []
    assert old in GOOD_FACE
    assert face_faults(build({"__init__": GOOD_FACE.replace(old, new)})[PACKAGE]) == [finding]
