"""
What `import postroom` loads, and what it shows.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata

import pytest

import postroom

DEPENDENCIES = {"attr", "attrs", "sortedcontainers", "typing_extensions"}
NEVER = {"asyncio", "sqlite3", "concurrent.futures", "boto3", "botocore", "rich", "pytest", "hypothesis"}
FLOOR_6 = {"postroom.dropin", "postroom.aws", "postroom.pytest_plugin", "postroom.lab"}

PROBE = """
import json, sys
before = set(sys.modules)
import postroom
for name in sys.argv[1:]:
    getattr(postroom, name)
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def loaded_by(*names: str) -> set[str]:
    """
    The modules that a fresh interpreter loads for `import postroom` and for these names of it.
    """
    run = subprocess.run([sys.executable, "-c", PROBE, *names], capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout))


def strangers(loaded: set[str]) -> set[str]:
    """
    Those that are neither postroom's, nor the standard library's, nor of the three dependencies.
    """
    tops = {name.partition(".")[0] for name in loaded}
    return tops - DEPENDENCIES - set(sys.stdlib_module_names) - {"postroom"}


def test_import_loads_the_face_alone() -> None:
    """
    `import postroom` is a promise of names: none of their modules is loaded yet.
    """
    loaded = loaded_by()

    assert {name for name in loaded if name.startswith("postroom")} == {"postroom", "postroom._version"}
    assert not strangers(loaded)
    assert not loaded & NEVER


def test_all_names_load_only_the_dependencies() -> None:
    """
    With every public name in use: three dependencies, no asyncio, no sqlite3, no extra, nothing of floor 6.
    """
    loaded = loaded_by(*postroom.__all__)

    assert not strangers(loaded)
    assert not loaded & (NEVER | FLOOR_6)


def test_a_stranger_is_noticed() -> None:
    """
    The check itself: a module of somebody else is named.
    """
    assert strangers({"json", "postroom.errors", "attr._make", "rich.text"}) == {"rich"}


@pytest.mark.parametrize("name", postroom.__all__)
def test_every_name_resolves(name: str) -> None:
    """
    Each name of `__all__` is there, is listed by `dir()`, and stays the same object.
    """
    value = getattr(postroom, name)

    assert value is getattr(postroom, name)
    assert name in dir(postroom)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """
    As with any module, text included.
    """
    with pytest.raises(AttributeError, match=r"^module 'postroom' has no attribute 'Quue'$"):
        _ = postroom.Quue
    with pytest.raises(ImportError, match="Quue"):
        exec("from postroom import Quue", {})


def test_version_is_the_installed_one() -> None:
    """
    `postroom.__version__` and the metadata of the installed package agree.
    """
    try:
        installed = metadata.version("postroom")
    except metadata.PackageNotFoundError:
        pytest.skip("postroom is on the path, not installed")

    assert postroom.__version__ == installed
