"""``limits`` of a Model hold for all workers together."""

from __future__ import annotations

import asyncio
from pathlib import Path

from support import upstreams_scripts as scripts
from support.http_client import until
from support.upstreams import Upstream
from support.worker_groups import QUESTION, callers, group

CHAT = "/v1/chat/completions"
RARE, NARROW = QUESTION | {"model": "rare"}, QUESTION | {"model": "narrow"}


async def test_what_one_worker_lets_through_in_a_minute_the_other_does_not(tmp_path: Path) -> None:
    async with Upstream(scripts.ok) as upstream, group(tmp_path, upstream.address) as (_, url), callers(url) as both:
        assert (await both[0].post(CHAT, json=RARE)).status_code == 200
        for caller in both:
            refused = await caller.post(CHAT, json=RARE)
            assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
        assert len(upstream.visits) == 1


async def test_what_may_be_in_flight_is_shared_out(tmp_path: Path) -> None:
    release = asyncio.Event()
    async with (
        Upstream(scripts.waits_for(release)) as upstream,
        group(tmp_path, upstream.address) as (_, url),
        callers(url) as one,
        callers(url) as other,
        callers(url) as watching,
    ):
        asked = [asyncio.create_task(caller.post(CHAT, json=NARROW)) for caller in (*one, *other)]

        async def two_wait() -> bool:
            shown = (await watching[0].get("/status")).json()["models"]
            return sum(model["queued"] for model in shown) == 2

        await until(two_wait)
        assert len(upstream.visits) == 2
        release.set()
        assert [(await each).status_code for each in asked] == [200] * 4
