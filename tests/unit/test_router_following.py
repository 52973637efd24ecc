"""A source that ends is followed anew, and somebody is told."""

from __future__ import annotations

import asyncio
import logging

import pytest

from auriga_router.__main__ import Apply, following
from auriga_router.snapshot import Snapshot


async def test_a_source_that_fails_or_ends_is_followed_anew_and_told_of(caplog: pytest.LogCaptureFixture) -> None:
    applied: list[Snapshot] = []
    third = asyncio.Event()
    runs = 0

    async def follow(apply: Apply) -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise OSError("the folder is gone")
        await apply(Snapshot())
        if runs == 3:
            third.set()
            await asyncio.Event().wait()

    async def apply(snapshot: Snapshot) -> None:
        applied.append(snapshot)

    with caplog.at_level(logging.ERROR, "auriga_router"):
        task = asyncio.create_task(following(follow, apply, pause=0))
        async with asyncio.timeout(30):
            await third.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert len(applied) == 2
    failed, ended = caplog.records
    assert (failed.exc_info is not None, "failed" in failed.message) == (True, True)
    assert "the source has ended" in ended.message
