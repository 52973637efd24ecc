"""Writes from a thread of its own, which nothing waits for: neither requests nor the end of the process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue

_log = logging.getLogger(__name__)


class Writer:
    """Calls ``write`` for what it is given, in order. A daemon's thread: whoever reads the other end may have stalled.

    What cannot be written is told once, and then dropped until it can be again: answers matter more.
    """

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._queue: SimpleQueue[tuple[bytes, asyncio.Future[None]]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._fails = False

    async def __call__(self, data: bytes) -> None:
        """Write; ends when it is written, or cannot be."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
            self._thread.start()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put((data, done))
        await done

    def _run(self) -> None:
        while True:
            data, done = self._queue.get()
            try:
                self._write(data)
                self._fails = False
            except (OSError, ValueError) as error:  # ValueError: a file that was closed
                if not self._fails:
                    _log.warning("attempts cannot be logged, and are dropped until they can be: %s", error)
                self._fails = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                done.get_loop().call_soon_threadsafe(_finish, done)


def _finish(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)
