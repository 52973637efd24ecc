"""Writes to the terminal from a thread of its own: one that is held (Ctrl-S, a full pipe) must not hold the router."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Mapping

from rich.console import Console

from auriga_api.model import ModelStatus
from auriga_cli.console import printable
from auriga_cli.local.live import LiveTable

_PATIENCE = 2.0
"""Seconds for what is still to be written at the end."""


class Terminal:
    """Everything is written in the order in which it was given."""

    def __init__(self, console: Console) -> None:
        self.live = console.is_terminal
        """Whether there is somebody to draw a table for."""
        self._console = console
        self._table = LiveTable(console)
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="terminal", daemon=True).start()

    def print(self, text: str, style: str = "") -> None:
        """One line."""
        self._jobs.put(lambda: self._console.print(printable(text), style=style or None))

    def show(self, statuses: Mapping[str, ModelStatus]) -> None:
        """The live table; no statuses take it away."""
        self._jobs.put(lambda: self._table.show(statuses))

    def flush(self) -> None:
        """Waits until everything is written, but not for ever."""
        written = threading.Event()
        self._jobs.put(written.set)
        written.wait(_PATIENCE)

    def _work(self) -> None:
        while True:
            # A terminal that was closed, or a pipe that nobody reads any more, is no reason to stop serving.
            with contextlib.suppress(OSError):
                self._jobs.get()()
