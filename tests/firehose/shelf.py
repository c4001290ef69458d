"""
Stores for tests: one that fails as told, one that keeps others waiting.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator

from postroom import MemoryStore

PATIENCE_S = 60.0
"""Real time after which a run counts as a hang."""


class Moody(MemoryStore):
    """
    A store that fails when its script says so, and at the end of the script no more.
    """

    def __init__(self, script: Iterable[BaseException | None] = ()) -> None:
        super().__init__()
        self.script: Iterator[BaseException | None] = iter(script)
        self.tries: list[tuple[str, bytes]] = []

    def put(self, key: str, data: bytes) -> None:
        self.tries.append((key, data))
        error = next(self.script, None)
        if error is not None:
            raise error
        super().put(key, data)


class Gated(MemoryStore):
    """
    A store whose first put waits until it is let go on.
    """

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.gate = threading.Event()

    def put(self, key: str, data: bytes) -> None:
        self.begun.set()
        assert self.gate.wait(PATIENCE_S)
        super().put(key, data)


class Calling(MemoryStore):
    """
    A store that calls somebody first.
    """

    def __init__(self) -> None:
        super().__init__()
        self.call: Callable[[], object] | None = None

    def put(self, key: str, data: bytes) -> None:
        call, self.call = self.call, None
        if call is not None:
            call()
        super().put(key, data)


def contents(store: MemoryStore) -> list[bytes]:
    return list(store.objects.values())
