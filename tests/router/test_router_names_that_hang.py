"""A name whose lookup hangs holds up its own Model only: the next member answers, whose name is found."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest

from support import upstreams_scripts as scripts
from support.http_router import chain, model, routing, snapshot
from support.upstreams import Upstream


def _provider(name: str, host: str) -> Any:
    external = {"provider": "openaiCompatible", "baseURL": f"http://{host}/v1", "model": "m"}
    return model(name, external=external, timeouts={"connect": "300ms" if name == "hung" else "30s"})


async def test_the_next_member_answers_whose_name_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    release, ask = threading.Event(), socket.getaddrinfo

    def slow(host: Any, *args: Any, **more: Any) -> Any:
        if host == "hang.example.org":
            release.wait(60)
            raise socket.gaierror(socket.EAI_AGAIN, "nobody answers")
        return ask(host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    async with Upstream(scripts.ok) as upstream:
        well = _provider("well", f"localhost:{upstream.address.rpartition(':')[2]}")
        state = snapshot(_provider("hung", "hang.example.org"), well, chain("role", "hung", "well"))
        async with routing(state) as running:
            replies = await asyncio.gather(*(running.chat() for _ in range(8)))
        release.set()
    assert [(reply.status, reply.headers["x-auriga-model"]) for reply in replies] == [(200, "well")] * 8
