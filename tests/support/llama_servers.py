"""Real llama-servers as processes that a test may kill, each behind a gate that can stop its answer at an event."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_PROGRAM = """
import sys, xllamacpp
parameters = xllamacpp.CommonParams()
parameters.model.path, parameters.n_ctx, parameters.n_parallel = sys.argv[1], 4096, 2
parameters.port, parameters.hostnames = 0, ["127.0.0.1"]
server = xllamacpp.Server(parameters)
print("listening", server.listening_address, flush=True)
sys.stdin.read()
"""


class LlamaServer:
    """One process."""

    def __init__(self, weights: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(weights)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().split()[1].removeprefix("http://")

    def kill(self) -> None:
        """As the kernel does when memory is out: SIGKILL."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Ends it, if nobody has."""
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


class Breaks:
    """How many streams shall be held, each after so many events."""

    def __init__(self) -> None:
        self.left = 0
        self.events = 0

    async def hold(self, server: asyncio.StreamReader) -> None:
        """Until the server is gone."""
        await server.read(-1)


class Gate:
    """Stands before a server. A stream that shall break is held there, and the test is told.

    What a killed server leaves in its sockets would make the place of the break a matter of luck.
    """

    def __init__(self, server: LlamaServer, breaks: Breaks) -> None:
        self.server = server
        self._breaks = breaks
        self.held = asyncio.Event()
        self.address = ""
        self.requests: list[str] = []
        """Paths that were asked for."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = self.server.address.split(":")
        try:
            there, back = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.transport.abort()
            return
        try:
            await asyncio.gather(self._ask(reader, back), self._answer(there, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            back.transport.abort()
            writer.transport.abort()

    async def _ask(self, reader: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if data.startswith(b"POST "):
                self.requests.append(data.split(b" ", 2)[1].decode())
            back.write(data)
        raise ConnectionResetError

    async def _answer(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        breaks, passed = self._breaks, 0
        while data := await there.read(65536):
            *events, rest = data.split(b"\n\n")
            for event in events:
                passed += b"data: " in event
                held = passed == breaks.events and breaks.left
                if held:
                    breaks.left -= 1  # before the event leaves: who sees it may kill us
                writer.write(event + b"\n\n")
                if held:
                    self.held.set()
                    await breaks.hold(there)
                    raise ConnectionResetError
            writer.write(rest)
        raise ConnectionResetError


@asynccontextmanager
async def gated(weights: Path, count: int, breaks: Breaks) -> AsyncIterator[list[Gate]]:
    """So many servers of these weights, each behind its gate."""
    gates = [Gate(LlamaServer(weights), breaks) for _ in range(count)]
    async with contextlib.AsyncExitStack() as stack:
        for gate in gates:
            server = await asyncio.start_server(gate.serve, "127.0.0.1", 0)
            stack.callback(gate.server.close)
            stack.callback(server.close)
            gate.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield gates
