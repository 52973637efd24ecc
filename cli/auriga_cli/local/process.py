"""The one place that starts processes, and the only one that ends them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from auriga_cli.local.output import Output, redactor


class Child:
    """A process that was started here, in a session of its own: a Ctrl-C at the terminal does not reach it."""

    def __init__(self, process: Process, output: Output, stdin: BinaryIO | None) -> None:
        self.pid = process.pid
        self.tail = output.tail
        self._process = process
        self._output = output
        self._stdin = stdin
        self.ended: asyncio.Task[int] = asyncio.create_task(self._run(), name=f"process {process.pid}")
        """Its exit status, negative for a signal, once it has ended and its output has been read."""

    def send(self, text: str) -> None:
        """Writes all of its standard input, a few KiB at most, and closes it."""
        if self._stdin is None:
            raise ValueError("started without hold_stdin")
        with contextlib.suppress(BrokenPipeError):  # it has ended: its exit status and its last lines say why
            self._stdin.write(text.encode())
            self._stdin.close()

    async def stop(self, grace: float) -> None:
        """SIGTERM, and SIGKILL after ``grace`` seconds; returns when it has ended."""
        self.signal(signal.SIGTERM)
        done, _ = await asyncio.wait([self.ended], timeout=grace)
        if not done:
            self.kill()
            await asyncio.wait([self.ended])

    def kill(self) -> None:
        """Ends it at once."""
        self.signal(signal.SIGKILL)

    def signal(self, number: int) -> None:
        """Sends a signal to it and to what it has started."""
        # Only while it has not been waited for: after that, the number may name another process.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    async def _run(self) -> int:
        code = await self._process.wait()
        # What it started and left behind, such as the llama-server of a wrapper script that was killed.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        if self._stdin:
            with contextlib.suppress(BrokenPipeError):
                self._stdin.close()
        await self._output.close()
        return code


async def start(
    argv: Sequence[str],
    env: Mapping[str, str],
    *,
    log: Path | None = None,
    secrets: Sequence[str] = (),
    on_line: Callable[[str], None] | None = None,
    hold_stdin: bool = False,
) -> Child:
    """Starts ``argv``.

    Its output is kept (the last lines) and written to ``log``; with ``on_line`` its standard output goes there instead
    and only its standard error is kept. ``hold_stdin`` leaves its input open until it ends. Raises OSError.
    """
    output = Output(log, redactor(secrets))
    try:
        process, ours = await _spawn(argv, env, output, on_line, hold_stdin=hold_stdin)
    except OSError:
        await output.close()
        raise
    return Child(process, output, ours)


async def _spawn(
    argv: Sequence[str],
    env: Mapping[str, str],
    output: Output,
    on_line: Callable[[str], None] | None,
    *,
    hold_stdin: bool,
) -> tuple[Process, BinaryIO | None]:
    with contextlib.ExitStack() as ends:
        # Pipes of our own: asyncio's would hold back the news that a process has ended for as long as a child of
        # its own keeps its output open (https://github.com/python/cpython/issues/119710).
        errors = ends.enter_context(await output.pipe())
        lines = ends.enter_context(await output.pipe(on_line)) if on_line else errors
        theirs, ours = _pipe() if hold_stdin else (None, None)
        process = await asyncio.create_subprocess_exec(
            *argv,
            env=dict(env),
            stdin=ends.enter_context(theirs) if theirs else DEVNULL,
            stdout=lines,
            stderr=errors,
            start_new_session=True,
        )
    return process, ours


def _pipe() -> tuple[BinaryIO, BinaryIO]:
    read, write = os.pipe()
    return os.fdopen(read, "rb", 0), os.fdopen(write, "wb", 0)
