"""``--workers``: several processes on one port, looked after by a parent."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from support import upstreams_scripts as scripts
from support.http_client import until
from support.upstreams import Upstream

MANIFEST = """
apiVersion: auriga.dev/v1alpha1
kind: Model
metadata: {{name: m}}
spec: {{external: {{provider: openaiCompatible, baseURL: "http://{address}/v1"}}}}
"""
QUESTION = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


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
    (folder / "m.yaml").write_text(MANIFEST.format(address=address))
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


async def test_both_workers_answer_and_stop_together(tmp_path: Path) -> None:
    async with Upstream(scripts.ok) as upstream, group(tmp_path, upstream.address) as (running, url):
        seen: set[str] = set()
        async with asyncio.timeout(60):
            while len(seen) < 2:  # the kernel shares connections out by their ports
                async with httpx.AsyncClient(base_url=url) as client:
                    assert (await client.post("/v1/chat/completions", json=QUESTION)).status_code == 200
                    seen.update(
                        re.findall(r'auriga_worker_info\{worker="(\d)"\} 1', (await client.get("/metrics")).text)
                    )
        assert seen == {"1", "2"}
        running.process.send_signal(signal.SIGTERM)
        assert running.process.stdout is not None
        async with asyncio.timeout(60):
            records = [json.loads(line) async for line in running.process.stdout]
            assert await running.process.wait() == 0
        assert len(records) == len(upstream.visits)


async def test_a_worker_that_dies_is_started_again(tmp_path: Path) -> None:
    async with Upstream(scripts.ok) as upstream, group(tmp_path, upstream.address) as (running, url):
        before = await running.workers()
        os.kill(before[0], signal.SIGKILL)
        assert await running.line(r"worker (\d) was ended by SIGKILL") == "1"
        assert await running.line(r"listening on (\S+)") == url
        after = await running.workers()
        assert len(after) == 2
        assert set(before) & set(after) == {before[1]}


async def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    async with Upstream(scripts.ok) as upstream, group(tmp_path, upstream.address) as (running, url):
        running.process.kill()
        for _ in range(2):
            await running.line(r"(stopping)")
        await until(lambda: refused(int(url.rpartition(":")[2])))


def refused(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED


async def test_each_worker_shows_its_own_metrics(tmp_path: Path) -> None:
    base = _two_free_ports()
    async with (
        Upstream(scripts.ok) as upstream,
        group(tmp_path, upstream.address, "--metrics-port", str(base)),
        httpx.AsyncClient() as client,
    ):
        for number in (1, 2):
            page = (await client.get(f"http://127.0.0.1:{base + number - 1}/metrics")).text
            assert f'auriga_worker_info{{worker="{number}"}} 1.0' in page


def _two_free_ports() -> int:
    for base in range(20000, 30000, 7):
        try:
            with socket.create_server(("127.0.0.1", base)), socket.create_server(("127.0.0.1", base + 1)):
                return base
        except OSError:
            continue
    raise AssertionError("no two free ports")


@pytest.mark.parametrize("count", ["0", "-1"])
async def test_no_workers_are_refused(tmp_path: Path, count: str) -> None:
    (tmp_path / "m.yaml").write_text(MANIFEST.format(address="127.0.0.1:1"))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "auriga_router", "-f", str(tmp_path), "--workers", count),
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"--workers: write 1 or more" in errors
