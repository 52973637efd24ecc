"""What a child process prints: line by line to a log, the last lines kept, secrets taken out."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

TAIL = 50
"""How many of its last lines are kept of each process."""

_LONGEST_LINE = 64 << 10
_LARGEST_LOG = 16 << 20
_REST = 1.0
"""Seconds for what is still in a pipe when its process has ended."""

Redact = Callable[[str], str]
Take = Callable[[str], None]


def redactor(secrets: Sequence[str]) -> Redact:
    """A function that takes the values of ``secrets`` out of a line. Very short ones are no secrets, only noise."""
    values = sorted({value for value in secrets if len(value) >= 4}, key=len, reverse=True)

    def redact(line: str) -> str:
        for value in values:
            line = line.replace(value, "***")
        return line

    return redact


class Output:
    """The output of one process."""

    def __init__(self, log: Path | None, redact: Redact) -> None:
        self.tail: deque[str] = deque(maxlen=TAIL)
        self._redact = redact
        self._log = _open(log) if log else None
        self._pipes: list[_Lines] = []

    async def pipe(self, take: Take | None = None) -> BinaryIO:
        """The end of a new pipe for the process to write into. Its lines go to ``take``, or are kept and logged."""
        read, write = os.pipe()
        lines = _Lines(take or self._keep)
        self._pipes.append(lines)
        await asyncio.get_running_loop().connect_read_pipe(lambda: lines, os.fdopen(read, "rb", 0))
        return os.fdopen(write, "wb", 0)

    async def close(self) -> None:
        """Reads what is left. A process that was left behind may hold the pipe open: it is not waited for."""
        await asyncio.wait([lines.ended for lines in self._pipes], timeout=_REST)
        for lines in self._pipes:
            lines.close()
        if self._log:
            self._log.close()

    def _keep(self, line: str) -> None:
        line = self._redact(line)
        if line.strip():
            self.tail.append(line)
        if self._log and not self._log.closed:
            self._log.write(line.encode() + b"\n")


class _Lines(asyncio.Protocol):
    """Bytes from a pipe, cut into lines."""

    def __init__(self, take: Take) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._take = take
        self._rest = b""
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            self._take(line.decode(errors="replace").rstrip("\r"))

    def connection_lost(self, _error: Exception | None) -> None:
        if self._rest:
            self._take(self._rest.decode(errors="replace"))
        if not self.ended.done():
            self.ended.set_result(None)

    def close(self) -> None:
        if self._transport:
            self._transport.close()


def _open(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _LARGEST_LOG:
        path.replace(path.with_suffix(path.suffix + ".1"))
    # Readable by nobody else: an engine told to be verbose logs prompts.
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab", 0)
