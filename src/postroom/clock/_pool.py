"""
The threads of a `SystemClock` that run users' code.

The pool is lazy (a thread starts when there is work and none is idle) and bounded by the number of threads that
*run*. A thread that waits inside postroom steps out of the count, so handlers that wait for one another never use
the pool up. A thread that blocks elsewhere cannot be seen; when the backlog does not move for `STUCK_S`, the pool
grows by one thread at a time up to `threads_max`, and then says `Busy`.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

from postroom.errors import Busy

_LINGER_S: Final = 1.0
STUCK_S: Final = 0.1
_logger = logging.getLogger("postroom")


class Pool:
    """
    Not for users: see `SystemClock.run`.
    """

    def __init__(self, threads: int, threads_max: int, name: str) -> None:
        self.threads_max = threads_max
        self.name = name
        self._threads = threads
        lock = threading.Lock()
        self._change = threading.Condition(lock)
        self._quiet = threading.Condition(lock)
        self.jobs: deque[tuple[Callable[[], object], str]] = deque()
        self.running: dict[int, str] = {}
        self._alive = 0
        self._idle = 0  # in wait for a job, those included that are woken and have not come out yet
        self._waiting = 0
        self._extra = 0
        self._finished = 0
        self._closed = False
        self._watched = False
        self._mine = threading.local()

    def submit(self, job: Callable[[], object], whom: str) -> bool:
        """
        Runs the job on some thread, soon. Never blocks and never raises.

        Returns:
            Whether a thread is free for it or `grow` is going to be called; if not, call it now.
        """
        with self._change:
            self.jobs.append((job, whom))
            if self._find_thread() or self._watched:
                return True
            self._watched = True
            return False

    def _find_thread(self) -> bool:
        if self._idle >= len(self.jobs):
            self._change.notify()
            return True
        if self._alive - self._waiting < self._threads + self._extra and self._alive < self.threads_max:
            return self._start_thread()
        return False

    def _start_thread(self) -> bool:
        self._alive += 1
        try:
            threading.Thread(target=self._work, name=f"{self.name} worker {self._alive}", daemon=True).start()
        except RuntimeError:
            self._alive -= 1
            _logger.exception("postroom: no thread can be started for %s; %d jobs wait", self.name, len(self.jobs))
            return False
        return True

    def grow(self, finished_before: int) -> tuple[int, bool]:
        """
        Adds a thread if the backlog has not moved since `finished_before` jobs were done.

        Returns:
            How many jobs are done, and whether to come back and look again.
        """
        with self._change:
            if self.jobs and self._finished == finished_before:
                self._extra += 1
                self._find_thread()
            self._watched = bool(self.jobs)
            return self._finished, self._watched

    def refuse_if_stuck(self) -> None:
        """
        Raises `Busy` if all threads there may be are taken and none of them finishes.
        """
        with self._change:
            if self.jobs and self._alive >= self.threads_max:
                shown = ", ".join(sorted(set(self.running.values()))[:5])
                raise Busy(
                    f"All {self._alive} threads of {self.name} are taken, and {len(self.jobs)} jobs wait for one.",
                    help=f"They run: {shown}. Let handlers return, or bound them with Function(concurrency=…).",
                )

    @contextmanager
    def waiting(self) -> Generator[None]:
        """
        Around a wait of a thread of this pool: another thread may take its place meanwhile.
        """
        if not getattr(self._mine, "is_worker", False):
            yield
            return
        with self._change:
            self._waiting += 1
            if self.jobs:
                self._find_thread()
        try:
            yield
        finally:
            with self._change:
                self._waiting -= 1

    def await_quiet(self, seconds: float) -> None:
        """
        Waits until nothing runs or is to be run, for at most that long; at once in a thread of this pool.
        """
        if getattr(self._mine, "is_worker", False):
            return
        with self._change:
            self._quiet.wait_for(lambda: not self.running and not self.jobs, seconds)

    def close(self) -> list[str]:
        """
        Ends the idle threads, drops the backlog and tells for whom it was.
        """
        with self._change:
            self._closed = True
            left = [whom for _, whom in self.jobs]
            self.jobs.clear()
            self._change.notify_all()
            return left

    def _work(self) -> None:
        self._mine.is_worker = True
        ident = threading.get_ident()
        while True:
            with self._change:
                self.running.pop(ident, None)
                if not self.jobs and not self._wait_for_job():
                    self._alive -= 1
                    return
                job, whom = self.jobs.popleft()
                self.running[ident] = whom
            try:
                job()
            except BaseException as error:  # the thread goes on, whatever users' code raises
                report_error(whom, error)
            del job
            with self._change:
                self._finished += 1
                self.running.pop(ident, None)
                self._quiet.notify_all()
                if self._extra and not self.jobs:
                    self._extra = 0

    def _wait_for_job(self) -> bool:
        """
        Whether there is a job, after waiting for one for a while.
        """
        while not self.jobs and not self._closed:
            self._idle += 1
            woken = self._change.wait(_LINGER_S)
            self._idle -= 1
            if not woken:
                break
        return bool(self.jobs)


def report_error(whom: str, error: BaseException) -> None:
    """
    Tells of an error that nobody is there to catch: on the logger ``postroom`` and to `threading.excepthook`.
    """
    try:
        _logger.error("postroom: %s failed", whom, exc_info=error)
        threading.excepthook(
            threading.ExceptHookArgs((type(error), error, error.__traceback__, threading.current_thread()))
        )
    except BaseException:  # a hook or handler of the user's that fails must not end the thread that keeps the time
        _logger.exception("postroom: reporting an error of %s failed", whom)
