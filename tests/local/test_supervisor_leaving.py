"""What the router of `auriga up` is told of an engine that finishes what it has begun."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from rich.console import Console

from auriga_api.manifests import parse
from auriga_cli.engines.engine import llama_server
from auriga_cli.local.report import Report
from auriga_cli.local.supervisor import Settings, Supervisor
from auriga_router.router import Router
from auriga_router.snapshot import Snapshot
from support.engines import BOUND, fake, fake_engine


class Told(Router):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.snapshots: asyncio.Queue[Snapshot] = asyncio.Queue()

    def apply(self, snapshot: Snapshot) -> None:
        super().apply(snapshot)
        self.snapshots.put_nowait(snapshot)


async def test_who_leaves_gets_nothing_new_and_is_left_alone_until_it_has_ended(tmp_path: Path) -> None:
    router = Told()
    settings = Settings(llama_server(str(fake_engine(tmp_path))), tmp_path)
    report = Report(Console(quiet=True))
    supervisor = Supervisor(settings, parse({"m.yaml": fake("m", "serve")}), router, report)
    running = asyncio.create_task(supervisor.run())
    try:
        async with asyncio.timeout(BOUND):
            while not (serving := (await router.snapshots.get()).endpoints):
                pass
            supervisor.update(parse({}))
            left = await router.snapshots.get()
            assert (left.endpoints, left.terminating) == ({}, serving)
            ended = await router.snapshots.get()
            assert (ended.endpoints, ended.terminating) == ({}, {})
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await supervisor.close()
        await router.close(0)
