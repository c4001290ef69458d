"""
The stores: what they keep, and what they refuse.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from postroom import DeliveryStream, DirectoryStore, ManualClock, MemoryStore, ObjectStore
from postroom.errors import InvalidInput, NotSupported


def test_a_directory_has_each_object_in_a_file(tmp_path: Path) -> None:
    clock = ManualClock()
    with DeliveryStream("events", tmp_path / "out", prefix="tea/", clock=clock) as stream:
        stream.put_record(b"2 x tea")
    [path] = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]

    assert path.read_bytes() == b"2 x tea"
    assert path.relative_to(tmp_path / "out").as_posix().startswith("tea/2024/01/01/00/events-1-2024-01-01-00-00-00-")


@pytest.mark.parametrize("make", [str, Path])
def test_a_path_is_a_directory_store(tmp_path: Path, make: Any) -> None:
    stream = DeliveryStream("events", make(tmp_path), clock=ManualClock())

    assert isinstance(stream.store, DirectoryStore)
    assert stream.store.path == tmp_path


def test_an_object_put_again_replaces_the_one_before(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    store.put("a/b", b"long before")
    store.put("a/b", b"now")

    assert (tmp_path / "a" / "b").read_bytes() == b"now"
    assert len(list((tmp_path / "a").iterdir())) == 1


@pytest.mark.parametrize(
    "key", ["", "/", "/etc/passwd", "../x", "a/../../x", "a/..", "a//b", "a/", "./a", "a/./b", "a\0b", None, b"a"]
)
def test_a_key_that_leaves_the_directory_is_refused(tmp_path: Path, key: Any) -> None:
    inside = tmp_path / "inside"
    with pytest.raises(InvalidInput, match="no place"):
        DirectoryStore(inside).put(key, b"")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["..a", "a..", "...", "a b", "é/ü", "a" * 200])
def test_a_key_that_only_looks_odd_is_taken(tmp_path: Path, key: str) -> None:
    DirectoryStore(tmp_path).put(key, b"tea")

    assert (tmp_path / key).read_bytes() == b"tea"


def test_a_write_that_is_cut_short_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DirectoryStore(tmp_path)
    store.put("a", b"before")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.put("a", b"after")

    assert list(tmp_path.iterdir()) == [tmp_path / "a"]
    assert (tmp_path / "a").read_bytes() == b"before"


def test_a_directory_that_is_in_the_way_is_tried_again(tmp_path: Path) -> None:
    clock = ManualClock()
    stream = DeliveryStream("events", tmp_path, prefix="tea/", buffering_interval=0, clock=clock)
    (tmp_path / "tea").write_text("a file, not a directory")
    stream.put_record(b"2 x tea")
    assert stream.stats().failed_writes == 1
    (tmp_path / "tea").unlink()
    clock.advance(1)

    assert stream.stats().objects == 1


@pytest.mark.parametrize("path", ["", None, 5, b"x"])
def test_what_is_no_directory_is_refused(path: Any) -> None:
    with pytest.raises(InvalidInput):
        DirectoryStore(path)


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match="no directory"):
        DirectoryStore(tmp_path / "file")


def test_what_cannot_be_a_store_is_refused() -> None:
    class Awaited:
        async def put(self, key: str, data: bytes) -> None: ...

    others: list[Any] = [None, 5, {}, MemoryStore, print]
    for store in others:
        with pytest.raises(InvalidInput, match="no store"):
            DeliveryStream("events", store, clock=ManualClock())
    with pytest.raises(NotSupported, match="async def"):
        DeliveryStream("events", Awaited(), clock=ManualClock())


def test_stores_know_the_protocol(tmp_path: Path) -> None:
    assert isinstance(MemoryStore(), ObjectStore)
    assert isinstance(DirectoryStore(tmp_path), ObjectStore)
    assert not isinstance({}, ObjectStore)


def test_a_memory_store_lists_by_prefix_in_order() -> None:
    store = MemoryStore()
    for key in ("b/2", "a/1", "b/1"):
        store.put(key, key.encode())

    assert list(store.get("b/")) == ["b/1", "b/2"]
    assert list(store.get()) == ["a/1", "b/1", "b/2"]
    assert bool(MemoryStore()) is True
    assert len(store) == 3
