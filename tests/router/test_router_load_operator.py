"""Both ends of the load signal together: the operator's listener at a router that serves."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from auriga_api import Model
from auriga_api.model import ModelStatus
from auriga_operator.load_book import LoadBook
from auriga_operator.load_streams import LoadStreams
from auriga_router.settings import RouterSettings
from support import upstreams_scripts as scripts
from support.http_router import chain, model, routing, snapshot
from support.load_heard import Heard
from support.upstreams import Upstream


def asleep(name: str) -> Model:
    return model(name, autoscaling={}).model_copy(update={"status": ModelStatus(phase="ScaledToZero")})


async def test_the_operator_hears_who_waits_who_is_wanted_and_when_the_router_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret")
    loop = asyncio.get_running_loop()
    heard, book = Heard(30), LoadBook()
    streams = LoadStreams(book, str(file), heard, loop.time)
    task = asyncio.create_task(streams.run())
    async with Upstream(scripts.ok) as upstream, Upstream(scripts.ok) as other:
        state = snapshot(
            *(asleep("waits"), asleep("spilt"), model("m2")),
            chain("spill", "spilt", "m2"),
            endpoints={"m2": other.address},
        )
        async with routing(state, RouterSettings(load_token_file=str(file))) as running:
            streams.listed({f"127.0.0.1:{running.port}": True})
            await heard.until(lambda: book.complete)

            def of(name: str) -> tuple[int, int, int]:
                load = book.load(f"default/{name}", loop.time())
                assert load is not None
                return load.in_flight, load.queued, load.requests

            assert of("waits") == of("spilt") == (0, 0, 0)
            waiting = asyncio.create_task(running.chat("waits"))
            assert (await running.chat("spill")).headers["x-auriga-model"] == "m2"
            await heard.until(lambda: of("waits") == (0, 1, 1) and of("spilt") == (0, 0, 1))
            running.router.apply(replace(state, endpoints={**state.endpoints, "default/waits": (upstream.address,)}))
            assert (await waiting).status == 200
            await heard.until(lambda: of("waits") == (0, 0, 2))
        await heard.until(lambda: not book.complete)
        assert book.load("default/waits", loop.time()) is None
    task.cancel()
    await asyncio.wait([task])
