"""The log's writer: in order, told of once when it cannot write, and never waited for."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from auriga_router.writer import Writer


async def test_what_cannot_be_written_is_told_once_and_then_it_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    written: list[bytes] = []
    full = True

    def write(data: bytes) -> None:
        if full:
            raise OSError(28, "No space left on device")
        written.append(data)

    writer = Writer(write)
    await writer(b"1")
    await writer(b"2")
    full = False
    await writer(b"3")
    assert written == [b"3"]
    (record,) = caplog.records
    assert "No space left on device" in record.getMessage()


async def test_who_gives_up_leaves_the_rest_in_order() -> None:
    written: list[bytes] = []
    release = threading.Event()

    def write(data: bytes) -> None:
        release.wait(60)
        written.append(data)

    writer = Writer(write)
    impatient = asyncio.create_task(writer(b"1"))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.wait([impatient])
    patient = asyncio.create_task(writer(b"2"))
    await asyncio.sleep(0)
    release.set()
    await patient
    assert written == [b"1", b"2"]


def test_the_process_ends_while_it_stalls() -> None:
    program = """
import asyncio, threading, uvloop
from auriga_router.writer import Writer
begun = threading.Event()
def write(data):
    begun.set()
    threading.Event().wait(600)
async def main():
    waiting = asyncio.create_task(Writer(write)(b"x"))
    while not begun.is_set():
        await asyncio.sleep(0.01)
uvloop.run(main())
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0
