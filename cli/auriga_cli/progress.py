"""How far a Model is that an answer waits for: on a terminal only, and gone as soon as the answer begins."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Protocol

from rich.status import Status

from auriga_cli import console
from auriga_cli.remote.client import Client
from auriga_cli.remote.errors import RemoteError
from auriga_cli.remote.report import read

_PATIENCE = 0.5
"""Seconds of silence before anything is looked up: most answers have begun by then."""
_EVERY = 1.0
_TIMEOUT = 5.0


class Progress(Protocol):
    """Something that is shown until the answer begins."""

    def close(self) -> None:
        """Takes it away. May be called again."""


class Nothing:
    """Where no person looks on."""

    def close(self) -> None:
        """There is nothing to take away."""

    def __enter__(self) -> Nothing:
        return self

    def __exit__(self, *exception: object) -> None:
        pass


class Waiting:
    """Looks at the status beside the request, which blocks, in a thread of its own."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._over = threading.Event()
        self._shown: Status | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Waiting:
        # A daemon: it may be in the middle of a look when the answer begins, and nobody waits for it.
        threading.Thread(target=self._look, name="progress", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """See Progress."""
        with self._lock:
            self._over.set()
            if self._shown:
                self._shown.stop()
                self._shown = None

    def _look(self) -> None:
        with Client(self._url, _TIMEOUT) as client:
            pause = _PATIENCE
            while not self._over.wait(pause):
                pause = _EVERY
                try:
                    self._show(read(client.status()).coming(self._name))
                except RemoteError:
                    continue  # the request itself will tell

    def _show(self, text: str) -> None:
        text = console.printable(text)
        with self._lock:
            if self._over.is_set():
                return
            if self._shown:
                self._shown.update(text or "waiting for the answer")
            elif text:
                self._shown = Status(text, console=console.err, spinner_style="dim")
                self._shown.start()


def waiting(url: str, name: str, *, quiet: bool) -> Waiting | Nothing:
    """For an answer of ``name``, a role or Model of the Auriga at ``url``."""
    return Waiting(url, name) if console.err.is_terminal and not quiet else Nothing()
