"""The operator's listener at a router of two workers: it hears the load of both by a stream from one."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from auriga_api.load import ModelLoad
from auriga_operator.load_book import LoadBook
from auriga_operator.load_streams import LoadStreams
from support.http_client import until
from support.load_heard import Heard
from support.worker_groups import callers, group

COLD = "default/cold"
PATIENT = {"model": "patient", "messages": [{"role": "user", "content": "hi"}]}


async def test_the_operator_hears_of_all_workers_and_what_a_dead_one_leaves(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    token = tmp_path / "token"
    token.write_text("s3cret")
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    heard, book = Heard(60), LoadBook()
    now = asyncio.get_running_loop().time
    streams = LoadStreams(book, str(token), heard, now)

    def load() -> ModelLoad:
        return book.load(COLD, now()) or ModelLoad()

    def waiting(*queued: int) -> Callable[[], bool]:
        return lambda: load().queued in queued

    async with (
        group(manifests, "127.0.0.1:1", "--load-token-file", str(token)) as (running, url),
        callers(url) as both,
    ):
        listening = asyncio.create_task(streams.run())
        streams.listed({url.removeprefix("http://"): True})
        await heard.until(lambda: book.complete)
        asked = [asyncio.create_task(caller.post("/v1/chat/completions", json=PATIENT)) for caller in both]
        await heard.until(waiting(2))
        before = load().requests
        assert before == 2

        os.kill((await running.workers())[0], signal.SIGKILL)
        await heard.until(waiting(1))
        await until(lambda: any(each.done() for each in asked))
        # If it was the one that told: a Model asked within a minute counts once more at a router not heard before.
        assert load().requests - before in (0, 1)
        await running.line(r"listening on (\S+)")
        async with callers(url) as again:
            asked += [asyncio.create_task(caller.post("/v1/chat/completions", json=PATIENT)) for caller in again]
            await heard.until(waiting(3))
        await heard.until(waiting(1))
        for task in (*asked, listening):
            task.cancel()
        await asyncio.wait([*asked, listening])
