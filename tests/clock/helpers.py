"""
What the tests of the clock share: threads whose errors and hangs fail the test, and waiting for a state without a sleep.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")

PATIENCE_S = 10.0
"""Real time after which something that should have happened counts as a hang. Nothing waits for it to pass."""


class Started(threading.Thread, Generic[T]):
    """
    A thread that runs a function at once; `result` joins it, and raises what it raised.
    """

    def __init__(self, function: Callable[[], T]) -> None:
        super().__init__(daemon=True)
        self._function = function
        self._result: list[T] = []
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        """
        Keeps what came of it.
        """
        try:
            self._result.append(self._function())
        except BaseException as error:
            self._error = error

    def result(self) -> T:
        """
        What the function returned.
        """
        self.join(PATIENCE_S)
        assert not self.is_alive(), f"{self._function} hangs"
        if self._error is not None:
            raise self._error
        return self._result[0]


def until(condition: Callable[[], object]) -> None:
    """
    Lets other threads run until the condition holds.
    """
    pause = threading.Event()
    for _ in range(int(PATIENCE_S / 0.001)):
        if condition():
            return
        pause.wait(0.001)
    raise AssertionError("it never came about")


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """
    `asyncio.run` on this thread; a hang is a cancelled task, from outside, as a loop that is kept busy fires no timer.
    """

    async def guarded() -> T:
        loop, task, over = asyncio.get_running_loop(), asyncio.current_task(), threading.Event()
        assert task is not None
        watchdog = Started(lambda: over.wait(PATIENCE_S) or loop.call_soon_threadsafe(task.cancel, "it hangs"))
        try:
            return await main
        finally:
            over.set()
            watchdog.result()

    return asyncio.run(guarded())
