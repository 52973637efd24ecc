"""What the process takes of the system: its port, and its standard output."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import sys

from auriga_router.settings import ProcessSettings
from auriga_router.workers.group import scratch


class Refusal(Exception):  # noqa: N818 - says it all
    """Why nothing is started, in one line, and the exit status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def bind(settings: ProcessSettings, port: int | None = None) -> socket.socket:
    """A socket that does not listen yet: until it does, callers are refused and go to another router.

    With several workers each has its own on the same port, and the kernel shares the callers out among those that
    listen. Raises Refusal.
    """
    port = settings.port if port is None else port
    if settings.workers < 1:
        raise Refusal("--workers: write 1 or more", 2)
    sock = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if settings.workers > 1:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((settings.host, port))
    except OSError as error:
        sock.close()
        raise Refusal(f"cannot listen on {settings.host}:{port}: {error.strerror}", 3) from None
    return sock


def to_stdout(lines: bytes) -> None:
    """Whole lines. Raises OSError.

    Not through Python's buffer: a thread that stalls in it would make the interpreter abort at its end.
    """
    if sys.stdout is None:  # it was closed, and its number may be that of a socket by now
        raise OSError(errno.EBADF, "standard output is closed")
    left = memoryview(lines)
    while left:
        written = os.write(sys.stdout.fileno(), left)  # not inside the slice: mypyc would make the call twice
        left = left[written:]


class Shared:
    """Standard output of several processes: a pipe takes no more than 4 KB at once, and lines must stay whole."""

    def __init__(self) -> None:
        self._lock = scratch()

    def __call__(self, lines: bytes) -> None:
        fcntl.lockf(self._lock, fcntl.LOCK_EX)  # of the process, unlike flock, which forked ones would share
        try:
            to_stdout(lines)
        finally:
            fcntl.lockf(self._lock, fcntl.LOCK_UN)
