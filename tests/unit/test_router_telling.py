"""What one worker tells another, when that one has gone before the end."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from typing import cast

from auriga_router.wire.server import ServerConnection
from auriga_router.workers.telling import Telling


class _Client:
    def __init__(self) -> None:
        self.enough = asyncio.Event()

    def write(self, data: bytes) -> None:
        if data == b"3":
            self.enough.set()


async def test_lines_that_nobody_wants_any_more_end_at_once_not_when_the_collector_comes() -> None:
    """Until they do, this worker's numbers are not kept for the time after its death."""
    ended: list[bool] = []

    def lines() -> Iterator[bytes]:
        try:
            for number in range(1000):
                yield b"%d" % number
        finally:
            ended.append(True)

    client = _Client()
    gc.disable()
    try:
        telling = Telling(cast("ServerConnection", client), lines())
        async with asyncio.timeout(30):
            await client.enough.wait()
        telling.client_gone()
        await asyncio.wait([telling._task])
        assert ended == [True]
    finally:
        gc.enable()
