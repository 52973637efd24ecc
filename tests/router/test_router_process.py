"""``python -m auriga_router`` with manifests from files, as a child process."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from support import upstreams_scripts as scripts
from support.http_client import RawClient, until
from support.upstreams import Upstream, Visit

MANIFEST = """
apiVersion: auriga.dev/v1alpha1
kind: Model
metadata: {{name: {name}}}
spec:
  external:
    provider: openaiCompatible
    baseURL: http://{address}/v1
    credentialsSecretRef: {{name: keys, key: api}}
---
apiVersion: auriga.dev/v1alpha1
kind: RoleChain
metadata: {{name: assistant}}
spec:
  members: [{{model: {name}}}]
---
apiVersion: v1
kind: Secret
metadata: {{name: keys}}
stringData: {{api: sk-provider}}
"""


@asynccontextmanager
async def running(*args: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The process and its address, once it listens."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AURIGA_", "KUBE"))}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "auriga_router", "--port", "0", *args),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment,
    )  # fmt: skip
    try:
        yield process, await _line(process, r"listening on (\S+)")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _line(process: asyncio.subprocess.Process, pattern: str) -> str:
    assert process.stderr is not None
    async with asyncio.timeout(60):
        async for line in process.stderr:
            match = re.search(pattern, line.decode())
            if match:
                return match[1]
    raise AssertionError(f"no line like {pattern}")


async def _ask(address: str) -> str:
    async with httpx.AsyncClient(base_url=address) as client:
        reply = await client.post(
            "/v1/chat/completions", json={"model": "assistant", "messages": [{"role": "user", "content": "hi"}]}
        )
        return reply.headers["x-auriga-model"]


async def test_it_serves_follows_its_files_and_drains_on_sigterm(tmp_path: Path) -> None:
    manifest = tmp_path / "models.yaml"
    async with Upstream(scripts.ok) as upstream:
        manifest.write_text(MANIFEST.format(name="first", address=upstream.address))
        async with running("-f", str(tmp_path)) as (process, address):
            assert await _ask(address) == "first"
            assert upstream.visits[0].header("authorization") == "Bearer sk-provider"
            manifest.write_text(MANIFEST.format(name="second", address=upstream.address))
            await _line(process, r"(routing 1 Models and 1 RoleChains)")
            assert await _ask(address) == "second"
            manifest.write_text("kind: [")
            await _line(process, r"(models.yaml:1: broken YAML)")
            assert await _ask(address) == "second"
            process.send_signal(signal.SIGTERM)
            assert process.stdout is not None
            async with asyncio.timeout(60):
                records = [json.loads(line) async for line in process.stdout]
                assert await process.wait() == 0
            assert [(record["model"], record["outcome"]) for record in records] == [
                ("default/first", "Ok"),
                ("default/second", "Ok"),
                ("default/second", "Ok"),
            ]
            assert all(record["role"] == "assistant" and record["status"] == 200 for record in records)


async def test_sigterm_refuses_new_connections_and_lets_a_stream_finish(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def slow(visit: Visit) -> None:
        start, end = scripts.events()[:3], scripts.events()[3:]
        await visit.send(scripts.SSE_HEAD + b"".join(map(scripts.chunk, start)))
        await release.wait()
        await visit.send(b"".join(map(scripts.chunk, end)) + b"0\r\n\r\n")

    async with Upstream(slow) as upstream:
        (tmp_path / "models.yaml").write_text(MANIFEST.format(name="first", address=upstream.address))
        async with running("-f", str(tmp_path)) as (process, address):
            port = int(address.rpartition(":")[2])

            async def refuses() -> bool:
                try:
                    async with RawClient(port):
                        return False
                except ConnectionError:
                    return True

            async with RawClient(port) as client:
                await client.post(
                    {"model": "assistant", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
                )
                await client.body_until(scripts.events()[2])
                process.send_signal(signal.SIGTERM)
                await until(refuses)
                release.set()
                reply = await client.reply()
            assert (reply.status, reply.whole) == (200, True)
            assert reply.body == b"".join(scripts.events())
            async with asyncio.timeout(60):
                assert await process.wait() == 0


async def test_manifests_with_errors_start_nothing(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("apiVersion: auriga.dev/v1alpha1\nkind: Modell\n")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "auriga_router", "-f", str(tmp_path)), stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"bad.yaml:2: " in errors
    assert b"nothing was started" in errors


async def test_a_file_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "auriga_router", "-f", str(tmp_path / "nope")), stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        _, errors = await process.communicate()
    assert (process.returncode, errors.decode()) == (3, f"error: -f {tmp_path}/nope: no such file or folder\n")
