"""
Where objects go: the protocol, and two stores.
"""

from __future__ import annotations

import os
import threading
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

from postroom.errors import InvalidInput, NotSupported


@runtime_checkable
class ObjectStore(Protocol):
    """
    Whatever can keep bytes under a key.

    A delivery stream may put an object again, with the same key and the same bytes: after an error, and when Ctrl-C or a
    plan of faults took the answer away. A store that replaces what is there then has it once.

    >>> class Printer:
    ...     def put(self, key, data):
    ...         print(len(data), "bytes")
    >>> isinstance(Printer(), ObjectStore)
    True
    """

    def put(self, key: str, data: bytes) -> object:
        """
        Keeps the object; what it returns is ignored.

        It is never called with a lock held, by one thread at a time for each delivery stream, and may block.

        Raises:
            Exception: It was not kept: the delivery stream tries again, later.
        """
        ...


class MemoryStore:
    """
    Keeps objects in a dict.

    >>> store = MemoryStore()
    >>> store.put("tea/1", b"2 x tea")
    >>> store.objects
    {'tea/1': b'2 x tea'}
    >>> store
    <MemoryStore memory: 1 objects>

    Args:
        name: By which a region's topology shows it.
    """

    def __init__(self, name: str = "memory") -> None:
        self.name: str = name
        """By which a region's topology shows it."""
        self.objects: dict[str, bytes] = {}
        """What it holds, by key, in the order in which it came."""

    def put(self, key: str, data: bytes) -> None:
        """
        Keeps the object, in place of the one that had the key.

        >>> store = MemoryStore()
        >>> store.put("tea/1", b"2 x tea")
        >>> len(store)
        1
        """
        self.objects[key] = bytes(data)

    def get(self, prefix: str = "") -> dict[str, bytes]:
        """
        The objects whose keys begin so, in the order of their keys.

        >>> store = MemoryStore()
        >>> store.put("tea/2", b"cake")
        >>> store.put("tea/1", b"2 x tea")
        >>> list(store.get("tea/")), store.get("coffee/")
        (['tea/1', 'tea/2'], {})
        """
        return {key: data for key, data in sorted(list(self.objects.items())) if key.startswith(prefix)}  # noqa: C414 - the copy is made in one step, whoever else puts

    def __len__(self) -> int:
        """
        How many objects it holds.
        """
        return len(self.objects)

    # A store without objects is still a store.
    def __bool__(self) -> bool:
        return True

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<MemoryStore {self.name}: {len(self)} objects>"


class DirectoryStore:
    """
    Keeps each object in a file below a directory; the slashes of a key make directories.

    A file is written under another name next to its place and then put there in one step, so nobody ever reads half of
    an object; of a machine that loses power this makes no promise. Symbolic links in the directory are followed.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     store = DirectoryStore(directory)
    ...     store.put("tea/1", b"2 x tea")
    ...     (store.path / "tea" / "1").read_bytes()
    b'2 x tea'

    Args:
        path: The directory; it is made when it is first written to.

    Raises:
        InvalidInput: It is no path, or there is a file of that name.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        given: object = path
        if not isinstance(given, str | os.PathLike) or not os.fspath(given):
            raise InvalidInput(f"path={path!r} is no directory.", help="Give a str or a Path.")
        self._path = Path(path)
        if self._path.exists() and not self._path.is_dir():
            raise InvalidInput(
                f"{self._path} is no directory.", help="Give the path of one, or one that is to be made."
            )

    @property
    def path(self) -> Path:
        """
        The directory.
        """
        return self._path

    def path_of(self, key: str) -> Path:
        """
        The file of an object.

        >>> DirectoryStore("tea").path_of("2024/01/x").as_posix()
        'tea/2024/01/x'
        >>> DirectoryStore("tea").path_of("../coffee/x")
        Traceback (most recent call last):
            ...
        postroom.errors.InvalidInput: The key '../coffee/x' has no place in the directory tea.
          Give names joined by single slashes, none of them empty, '.' or '..'.

        Raises:
            InvalidInput: The key would lead out of the directory, or has names that a directory cannot tell apart.
        """
        given: object = key
        names = given.split("/") if isinstance(given, str) else [""]
        bad = {"", ".", ".."}
        path = self._path.joinpath(*names)
        # A drive or a backslash has a meaning on some systems: then the path has other parts than the key has.
        if bad & set(names) or "\0" in key or path.parts != (*self._path.parts, *names):
            raise InvalidInput(
                f"The key {key!r} has no place in the directory {self._path}.",
                help="Give names joined by single slashes, none of them empty, '.' or '..'.",
            )
        return path

    def put(self, key: str, data: bytes) -> None:
        """
        Keeps the object, in place of the one that had the key.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     DirectoryStore(directory).put("2 x tea", b"")
        ...     os.listdir(directory)
        ['2 x tea']

        Raises:
            InvalidInput: As `path_of`.
            OSError: What the system says: no space, no right.
        """
        path = self.path_of(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        # The name is this thread's alone, and no longer than names may be.
        draft = path.with_name(f".{os.getpid()}-{threading.get_ident()}.draft")
        try:
            draft.write_bytes(data)
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    def __str__(self) -> str:
        return str(self._path)

    def __repr__(self) -> str:
        return f"DirectoryStore({str(self._path)!r})"


def to_store(store: object) -> ObjectStore:
    """
    What a delivery stream was given, as a store: a path is a `DirectoryStore`.

    Raises:
        InvalidInput: It is none.
        NotSupported: Its `put` is an ``async def``.
    """
    if isinstance(store, str | os.PathLike):
        return DirectoryStore(cast("str | os.PathLike[str]", store))
    if isinstance(store, type) or not callable(getattr(store, "put", None)) or not isinstance(store, ObjectStore):
        raise InvalidInput(
            f"store={store!r} is no store of objects.",
            help="Give a directory, a MemoryStore(), a DirectoryStore(path), or an object with put(key, data).",
        )
    if iscoroutinefunction(store.put):
        raise NotSupported(
            f"The put of {store!r} is an async def, which no thread of a clock can run.",
            help="Give a store whose put returns when the object is kept.",
            operation="DeliveryStream",
        )
    return store


def shown_store(store: ObjectStore) -> str:
    """
    What a store is called, for people.
    """
    known = isinstance(store, MemoryStore | DirectoryStore) or type(store).__str__ is not object.__str__
    return str(store) if known else type(store).__name__
