"""A real llama-server with its command line, whose next stream is held after a few events while a file is there.

    gated_engine.py --model FILE --port PORT ...

Where a process is killed in the middle of its answer would else be a matter of luck. The file is $ENGINE_GATE; it is
gone when a stream is held. Gate and server are one process: who kills it kills both.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any, cast

import xllamacpp

from support.llama_servers import Breaks, Gate, LlamaServer

EVENTS = 7


class FileBreaks(Breaks):
    """One stream is to be held if the file is there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.events = EVENTS

    @property
    def left(self) -> int:
        return int(self._path.exists())

    @left.setter
    def left(self, left: int) -> None:
        if not left:
            self._path.unlink(missing_ok=True)

    async def hold(self, server: asyncio.StreamReader) -> None:
        """Until this process is gone: its server may well have said all, and closed."""
        await asyncio.Event().wait()


class Here:
    """The server of this process."""

    def __init__(self, weights: str) -> None:
        parameters = xllamacpp.CommonParams()
        parameters.model.path, parameters.n_ctx, parameters.n_parallel = weights, 1024, 2
        parameters.port, parameters.hostnames = 0, ["127.0.0.1"]
        self._server = xllamacpp.Server(parameters)
        self.address = self._server.listening_address.removeprefix("http://")


async def main(args: list[str]) -> None:
    server: Any = Here(args[args.index("--model") + 1])
    gate = Gate(cast("LlamaServer", server), FileBreaks(Path(os.environ["ENGINE_GATE"])))
    listening = await asyncio.start_server(gate.serve, "127.0.0.1", int(args[args.index("--port") + 1]))
    await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
