"""The parent of workers: one that gives no sign of life is killed and started again, one that does is left alone."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterable

import pytest

from auriga_router.workers.parent import SILENT, Worker

SCRIPT = """
import logging, sys, time
from auriga_router.workers.group import Group
from auriga_router.workers.parent import Workers

logging.basicConfig(level=logging.INFO, format="%(message)s")
group = Group(2)

def work(number):
    if number == 1 and not group.restarts(1):
        time.sleep(600)  # as one whose loop is stuck
    logging.info("worker %d works", number)
    while True:
        group.beat(number)
        time.sleep(0.01)

sys.exit(Workers(group, work, look=0.2).run())
"""


@pytest.mark.parametrize(
    ("beats", "at"),
    [
        ([0] * 9, SILENT),
        ([1] * 9, SILENT + 1),
        (range(1, 50), None),
        ([*[0] * (SILENT - 1), 1, *[1] * (SILENT - 1), 2], None),
        ([*[0] * (SILENT - 1), 1, *[1] * SILENT], 2 * SILENT),
    ],
)
def test_so_many_looks_without_a_sign_of_life_are_too_many(beats: Iterable[int], at: int | None) -> None:
    worker = Worker(1, pid=4711)
    assert next((look for look, each in enumerate(beats, 1) if worker.hangs(each)), None) == at


def test_one_that_is_to_be_started_does_not_hang() -> None:
    worker = Worker(1)
    assert not any(worker.hangs(0) for _ in range(2 * SILENT))


async def test_one_that_hangs_is_killed_and_started_again() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SCRIPT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        lines: list[str] = []
        async with asyncio.timeout(60):
            while "worker 1 works" not in lines:
                lines.append((await process.stderr.readline()).decode().strip())
        told = [line.partition(":")[0] for line in lines if line.startswith("worker 1 hangs")]
        assert told == ["worker 1 hangs"]
        assert "worker 1 was ended by SIGKILL; it is started again in 0.5 s" in lines
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
