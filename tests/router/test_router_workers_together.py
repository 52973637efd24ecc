"""Whichever of several workers is asked, it tells of all: metrics, status, readiness."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import httpx

from support import upstreams_scripts as scripts
from support.http_client import until
from support.upstreams import Upstream
from support.worker_groups import QUESTION, callers, group, metrics, status

CHAT = "/v1/chat/completions"
REPLIES = 'auriga_replies_total{gen_ai_request_model="m",namespace="default",status="200"}'
IN_FLIGHT = 'auriga_endpoint_in_flight{gen_ai_response_model="m",namespace="default",server_address="%s"}'
UP = 'auriga_worker_up{worker="%d"}'
RESTARTS = 'auriga_worker_restarts_total{worker="%d"}'


async def test_each_of_them_tells_the_numbers_of_all(tmp_path: Path) -> None:
    release = asyncio.Event()
    release.set()
    async with (
        Upstream(scripts.waits_for(release)) as upstream,
        group(tmp_path, upstream.address) as (_, url),
        callers(url) as both,
    ):
        for caller, times in zip(both, (3, 4), strict=True):
            for _ in range(times):
                assert (await caller.post(CHAT, json=QUESTION)).status_code == 200
        assert [(await both[0].request(method, "/metrics")).status_code for method in ("HEAD", "POST")] == [200, 405]
        pages = [await metrics(caller, 1, 2) for caller in both]
        assert pages[0] == pages[1]
        assert (pages[0][REPLIES], pages[0][UP % 1], pages[0][UP % 2]) == (7, 1, 1)

        release.clear()
        async with callers(url) as asking:
            asked = [asyncio.create_task(caller.post(CHAT, json=QUESTION)) for caller in asking]
            await until(lambda: len(upstream.visits) == 9)
            for caller in both:
                assert (await metrics(caller, 1, 2))[IN_FLIGHT % upstream.address] == 2
                assert [each["inFlight"] for each in (await status(caller))["endpoints"]] == [2]
            release.set()
            await asyncio.gather(*asked)


async def test_one_that_sees_failures_is_heard_through_the_other(tmp_path: Path) -> None:
    async with (
        Upstream(scripts.resets()) as upstream,
        group(tmp_path, upstream.address) as (_, url),
        callers(url) as both,
    ):
        for _ in range(5):
            assert (await both[0].post(CHAT, json=QUESTION)).status_code == 502
        for caller in both:
            shown = await status(caller)
            assert (shown["reason"], shown["endpoints"][0]["breaker"]) == ("Open", "Open")


async def test_what_a_worker_has_told_counts_on_when_it_hangs_and_when_it_is_dead(tmp_path: Path) -> None:
    async with (
        Upstream(scripts.ok) as upstream,
        group(tmp_path, upstream.address) as (running, url),
        callers(url) as both,
    ):
        for caller in both:
            assert (await caller.post(CHAT, json=QUESTION)).status_code == 200
        assert (await metrics(both[0], 1, 2))[REPLIES] == 2
        hung, _ = await running.workers()
        os.kill(hung, signal.SIGSTOP)
        answering, page = await first(both)
        assert (page[REPLIES], page[UP % 1], page[UP % 2]) == (2, 0, 1)
        ready = await answering.get("/readyz")
        assert (ready.status_code, ready.json()["workers"]) == (200, {"1": "unreachable", "2": "ready"})
        with contextlib.suppress(ProcessLookupError):  # its parent has found out meanwhile
            os.kill(hung, signal.SIGKILL)
        await running.line(r"listening on (\S+)")
        page = await metrics(answering, 1, 2)
        assert (page[REPLIES], page[RESTARTS % 1], page[RESTARTS % 2]) == (2, 1, 0)


async def first(asked: list[httpx.AsyncClient]) -> tuple[httpx.AsyncClient, dict[str, float]]:
    """Who answers, and what: the other one's worker hangs."""
    tasks = {asyncio.create_task(metrics(caller)): caller for caller in asked}
    done, hanging = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in hanging:
        task.cancel()
    (task,) = done
    return tasks[task], task.result()
