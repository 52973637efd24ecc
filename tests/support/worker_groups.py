"""A router with two workers, as a child process, and callers of whom each has a connection to one of the workers."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

MANIFEST = """
apiVersion: auriga.dev/v1alpha1
kind: Model
metadata: {name: m}
spec:
  external: {provider: openaiCompatible, baseURL: "http://ADDRESS/v1"}
---
apiVersion: auriga.dev/v1alpha1
kind: Model
metadata: {name: rare}
spec:
  external: {provider: openaiCompatible, baseURL: "http://ADDRESS/v1"}
  limits: {requestsPerMinute: 1}
---
apiVersion: auriga.dev/v1alpha1
kind: Model
metadata: {name: narrow}
spec:
  external: {provider: openaiCompatible, baseURL: "http://ADDRESS/v1"}
  limits: {maxInFlight: 2}
---
apiVersion: auriga.dev/v1alpha1
kind: Model
metadata: {name: cold}
spec: {source: {file: {path: weights.gguf}}}
---
apiVersion: auriga.dev/v1alpha1
kind: RoleChain
metadata: {name: patient}
spec: {members: [{model: cold}], fallback: {onCold: Wait}}
"""
QUESTION = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def manifest(address: str) -> str:
    """m answers there, rare and narrow within their limits; for cold requests wait, because it has no endpoint."""
    return MANIFEST.replace("ADDRESS", address)


class Group:
    """The parent, and what it and its workers have written."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def line(self, pattern: str) -> str:
        """The next line like this."""
        assert self.process.stderr is not None
        async with asyncio.timeout(60):
            async for line in self.process.stderr:
                if match := re.search(pattern, line.decode()):
                    return match[1]
        raise AssertionError(f"no line like {pattern}")

    async def workers(self) -> list[int]:
        """Their process ids."""
        tasks = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in tasks.read_text().split()]  # noqa: ASYNC240 - a file of the kernel's


@asynccontextmanager
async def group(folder: Path, address: str, *args: str) -> AsyncIterator[tuple[Group, str]]:
    (folder / "m.yaml").write_text(manifest(address))
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AURIGA_", "KUBE"))}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "auriga_router", "-f", str(folder), "--port", "0", "--workers", "2", *args),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment,
    )  # fmt: skip
    running = Group(process)
    try:
        url = await running.line(r"listening on (\S+)")
        assert await running.line(r"listening on (\S+)") == url
        yield running, url
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def callers(url: str) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Two, each with a connection to another worker: the kernel shares connections out by their ports."""
    async with AsyncExitStack() as stack:
        found: dict[str, httpx.AsyncClient] = {}
        async with asyncio.timeout(60):
            while len(found) < 2:
                limits = httpx.Limits(max_connections=1, keepalive_expiry=None)
                client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60, limits=limits))
                reply = await client.get("/v1/models")
                found.setdefault(reply.headers["x-request-id"].partition("-")[0], client)
        yield list(found.values())


async def metrics(client: httpx.AsyncClient, *up: int) -> dict[str, float]:
    """The page, by series, once these workers are in it."""
    async with asyncio.timeout(60):
        while True:
            reply = await client.get("/metrics")
            assert reply.status_code == 200
            # Connections come and go as others ask.
            lines = [line for line in reply.text.splitlines() if not line.startswith(("#", "auriga_connections"))]
            page = {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}
            if all(page[f'auriga_worker_up{{worker="{number}"}}'] for number in up):
                return page


async def status(client: httpx.AsyncClient) -> Any:
    """What the Model m is said to do, by all workers."""
    async with asyncio.timeout(60):
        while True:
            document = (await client.get("/status")).json()
            if set(document["workers"].values()) == {"up"}:
                return next(model for model in document["models"] if model["name"] == "m")
