"""Serves what the Node clients ask: llama.cpp and scripted providers; then runs them. ``.ci/node`` installs them."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from support.clients_world import DEMO, world  # noqa: E402 - the line before lets it be found
from support.llama_servers import LlamaServer  # noqa: E402

_SECONDS = 120


async def main() -> int:
    llama = LlamaServer(DEMO)
    try:
        async with world(llama.address) as running, asyncio.timeout(_SECONDS):
            clients = await asyncio.create_subprocess_exec("node", str(HERE / "clients.mjs"), running.url)
            return await clients.wait()
    finally:
        llama.kill()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
