"""``--workers``: several processes on one port, looked after by a parent."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import socket
import sys
from pathlib import Path

import httpx
import pytest

from support import upstreams_scripts as scripts
from support.http_client import until
from support.upstreams import Upstream
from support.worker_groups import QUESTION, callers, group, manifest

CHAT = "/v1/chat/completions"


async def test_both_workers_finish_their_requests_and_stop_together(tmp_path: Path) -> None:
    release = asyncio.Event()
    async with (
        Upstream(scripts.waits_for(release)) as upstream,
        group(tmp_path, upstream.address) as (running, url),
        callers(url) as both,
    ):
        asked = [asyncio.create_task(caller.post(CHAT, json=QUESTION)) for caller in both]
        await until(lambda: len(upstream.visits) == 2)
        running.process.send_signal(signal.SIGTERM)
        for _ in range(2):
            await running.line(r"(stopping)")
        release.set()
        assert [(await each).status_code for each in asked] == [200, 200]
        assert running.process.stdout is not None
        async with asyncio.timeout(60):
            records = [json.loads(line) async for line in running.process.stdout]
            assert await running.process.wait() == 0
        assert [record["outcome"] for record in records] == ["Ok", "Ok"]


async def test_a_worker_that_dies_is_started_again(tmp_path: Path) -> None:
    async with Upstream(scripts.ok) as upstream, group(tmp_path, upstream.address) as (running, url):
        before = await running.workers()
        os.kill(before[0], signal.SIGKILL)
        assert await running.line(r"worker (\d) was ended by SIGKILL") == "1"
        assert await running.line(r"listening on (\S+)") == url
        after = await running.workers()
        assert len(after) == 2
        assert set(before) & set(after) == {before[1]}


async def test_while_a_worker_is_dead_the_others_have_its_connections(tmp_path: Path) -> None:
    async with Upstream(scripts.ok) as upstream, group(tmp_path, upstream.address) as (running, url):
        os.kill((await running.workers())[0], signal.SIGKILL)
        await running.line(r"(was ended by SIGKILL)")
        for _ in range(40):
            async with httpx.AsyncClient(base_url=url, timeout=60) as client:
                assert (await client.post(CHAT, json=QUESTION)).status_code == 200


async def test_a_worker_that_is_told_to_stop_finishes_its_requests_and_is_started_again(tmp_path: Path) -> None:
    release = asyncio.Event()
    async with (
        Upstream(scripts.waits_for(release)) as upstream,
        group(tmp_path, upstream.address) as (running, url),
        callers(url) as both,
    ):
        asked = [asyncio.create_task(caller.post(CHAT, json=QUESTION)) for caller in both]
        await until(lambda: len(upstream.visits) == 2)
        os.kill((await running.workers())[0], signal.SIGTERM)
        await running.line(r"(stopping)")
        release.set()
        assert [(await each).status_code for each in asked] == [200, 200]
        assert await running.line(r"worker (\d) ended with 0") == "1"
        assert await running.line(r"listening on (\S+)") == url


async def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    async with Upstream(scripts.ok) as upstream, group(tmp_path, upstream.address) as (running, url):
        (folder,) = {path.parent for path in sockets(await running.workers())}
        running.process.kill()
        for _ in range(2):
            await running.line(r"(stopping)")
        await until(lambda: refused(int(url.rpartition(":")[2])))
        await until(lambda: not folder.exists())  # of their sockets


def sockets(pids: list[int]) -> list[Path]:
    """Where those processes listen for each other."""
    inodes = {os.readlink(link) for pid in pids for link in Path(f"/proc/{pid}/fd").iterdir()}
    lines = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    return [Path(line[7]) for line in lines if len(line) > 7 and f"socket:[{line[6]}]" in inodes]


def refused(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED


@pytest.mark.parametrize("count", ["0", "-1"])
async def test_no_workers_are_refused(tmp_path: Path, count: str) -> None:
    (tmp_path / "m.yaml").write_text(manifest("127.0.0.1:1"))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "auriga_router", "-f", str(tmp_path), "--workers", count),
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"--workers: write 1 or more" in errors
