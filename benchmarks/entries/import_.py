"""
Importing postroom: whole processes, beside one that imports its three dependencies alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import postroom
from benchmarks.runner import Case, Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEPENDENCIES = "import attr, attrs, sortedcontainers, typing_extensions"
FACE = ("Queue", "ManualClock")


def cases(quick: bool) -> Iterator[Case | Skipped]:
    wanted = {"import postroom": "import postroom"}
    if missing := [name for name in FACE if not has(name)]:
        yield Skipped(f"from postroom import {', '.join(FACE)}", f"no {' and no '.join(missing)} yet")
    else:
        wanted["Queue, ManualClock"] = f"from postroom import {', '.join(FACE)}"
    yield Case(
        name="start a process and",
        subjects={"import the dependencies": process(DEPENDENCIES)}
        | {name: process(statement) for name, statement in wanted.items()},
        floors={"nothing": process("pass")},
        reference="import the dependencies",
        rounds=2 if quick else None,
    )


def has(name: str) -> bool:
    try:
        getattr(postroom, name)
    except (AttributeError, ImportError):
        return False
    return True


def process(statement: str) -> Callable[[], int]:
    # Every process is told in the same way where postroom is, installed or not.
    root = str(Path(postroom.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": root, "PYTHONDONTWRITEBYTECODE": ""}
    return lambda: subprocess.run([sys.executable, "-c", statement], env=environment, check=True).returncode
