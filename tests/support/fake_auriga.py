"""A server that speaks as an Auriga does, as a test scripts it: in a thread of its own, because the command blocks."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

End = Literal["done", "finish only", "clean end", "cut", "hold"]


@dataclass
class Reply:
    """One scripted reply to a chat request."""

    pieces: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    end: End = "done"
    status: int = 200
    body: str | None = None
    """Not a stream but this text."""
    content_type: str = "application/json"
    lines: list[str] = field(default_factory=list)
    """Raw lines of the stream after the pieces."""
    begin: threading.Event | None = None
    """It begins only when this is set."""


@dataclass
class FakeAuriga:
    """The server, and what it has seen."""

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    status: Any = field(default_factory=dict)
    status_code: int = 200
    requests: list[dict[str, Any]] = field(default_factory=list)
    statuses_asked: int = 0
    held: threading.Event = field(default_factory=threading.Event)
    """Set when a reply that ends in "hold" has sent its pieces."""
    gone: threading.Event = field(default_factory=threading.Event)
    """Set when the client has left a reply that was held."""

    async def chat(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(await request.json())
        reply = self.replies.pop(0)
        if reply.begin:
            await asyncio.to_thread(reply.begin.wait, 30)
        if reply.body is not None:
            return web.Response(
                status=reply.status, text=reply.body, headers=reply.headers, content_type=reply.content_type
            )
        response = web.StreamResponse(headers={**reply.headers, "content-type": "text/event-stream"})
        await response.prepare(request)
        for piece in reply.pieces:
            await _send(response, {"choices": [{"delta": {"content": piece}}]})
        for line in reply.lines:
            await response.write(f"{line}\n\n".encode())
        return await self._end(request, response, reply)

    async def _end(self, request: web.Request, response: web.StreamResponse, reply: Reply) -> web.StreamResponse:
        if reply.end == "hold":
            try:
                self.held.set()
                await asyncio.Event().wait()
            finally:
                self.gone.set()
        if reply.end == "cut" and request.transport:
            request.transport.close()
        if reply.end in ("done", "finish only"):
            usage = {"completion_tokens": len(reply.pieces)}
            await _send(response, {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": usage})
        if reply.end == "done":
            await response.write(b"data: [DONE]\n\n")
        return response

    async def get_status(self, request: web.Request) -> web.Response:
        self.statuses_asked += 1
        text = self.status if isinstance(self.status, str) else json.dumps(self.status)
        return web.Response(status=self.status_code, text=text, content_type="application/json")

    async def models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "assistant"}, {"id": "demo"}]})


async def _send(response: web.StreamResponse, event: dict[str, Any]) -> None:
    await response.write(b"data: %s\n\n" % json.dumps(event, ensure_ascii=False).encode())


@contextmanager
def running() -> Iterator[FakeAuriga]:
    """Serves on a free loopback port until the block is left."""
    fake, loop, stop = FakeAuriga(), asyncio.new_event_loop(), asyncio.Event()
    ready = threading.Event()

    async def serve() -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", fake.chat)
        app.router.add_get("/v1/models", fake.models)
        app.router.add_get("/status", fake.get_status)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        fake.url = "http://{}:{}".format(*runner.addresses[0])
        ready.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="fake auriga")
    thread.start()
    try:
        assert ready.wait(30)
        yield fake
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()
