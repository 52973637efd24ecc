"""A Model's only endpoint is gone, and comes back: by real sockets."""

from __future__ import annotations

import asyncio

from auriga_api import Model
from auriga_api.model import ModelStatus
from support import grammar_chat
from support import upstreams_scripts as scripts
from support.http_client import until
from support.http_router import model, routing, snapshot
from support.simulation_answers import TURN
from support.upstreams import Upstream, Visit

ASKED = {"model": "m1", "messages": [{"role": "user", "content": "hi"}], "stream": True}
START = "".join(scripts.WORDS[:2])
REST = scripts.TEXT.removeprefix(START)


def served(phase: str, reason: str) -> Model:
    ready = {"type": "Ready", "status": str(phase == "Ready"), "reason": reason}
    status = ModelStatus.model_validate({"phase": phase, "conditions": [ready]})
    return model("m1").model_copy(update={"status": status})


async def goes_on(visit: Visit) -> None:
    """As llama-server does."""
    if visit.head.startswith(b"POST /v1/chat/completions"):
        await scripts.ok(visit)
    elif visit.head.startswith(b"POST /apply-template"):
        await visit.send(scripts.reply(200, b'{"prompt": "user says hi %s%s"}' % (TURN.encode(), START.encode())))
    else:
        assert visit.json["prompt"].endswith(TURN + START)
        said = b'data: {"id":"x","choices":[{"index":0,"text":"%s","finish_reason":null}]}\n\n' % REST.encode()
        end = b'data: {"id":"x","choices":[{"index":0,"text":"","finish_reason":"stop"}]}\n\n'
        await scripts.streams([*map(scripts.chunk, [said, end, scripts.DONE]), b"0\r\n\r\n"])(visit)


async def test_a_stream_and_a_request_wait_for_the_endpoint_and_so_does_who_comes_meanwhile() -> None:
    dies = asyncio.Event()

    async def says_a_part(visit: Visit) -> None:
        await visit.send(scripts.SSE_HEAD + b"".join(map(scripts.chunk, scripts.events()[:3])))
        await says_nothing(visit)

    async def says_nothing(visit: Visit) -> None:
        await dies.wait()
        dying.stop_listening()
        visit.reset()

    async with Upstream(says_a_part, says_nothing) as dying, Upstream(goes_on) as back:
        up = snapshot(served("Ready", "Serving"), endpoints={"m1": dying.address})
        async with routing(up) as running, running.client() as client:
            await client.post(ASKED)
            await client.body_until(scripts.events()[2])
            whole = asyncio.create_task(running.chat("m1"))
            await dying.visited(2)
            dies.set()
            await until(lambda: sorted(running.outcomes) == [("m1", "Connect"), ("m1", "Connect"), ("m1", "Cut")])
            running.router.apply(snapshot(served("Failed", "EngineCrashed")))
            late = asyncio.create_task(running.chat("m1"))
            await until(lambda: running.router.status()["models"][0]["queued"] == 3)
            running.router.apply(snapshot(served("Ready", "Serving"), endpoints={"m1": back.address}))
            stream = grammar_chat.read((await client.reply()).body)
            assert stream.done
            assert stream.choices[0].texts["content"] == scripts.TEXT
            for task in (whole, late):
                assert (await task).status == 200
