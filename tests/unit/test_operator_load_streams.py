"""Listening to routers, over real connections."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

import pytest

from auriga_api.load import ModelLoad
from auriga_operator.load_book import LoadBook
from auriga_operator.load_streams import LoadStreams
from support.load_routers import TOKEN, LoadRouter


class Listener:
    """What is heard, and what was told of that."""

    def __init__(self, token: Path) -> None:
        self.book = LoadBook()
        self.token = token
        self.models: list[str] = []
        self.wholes: list[bool] = []
        self.heard = asyncio.Event()
        self.breaks = 0
        """So often what hears it fails."""
        self.streams = LoadStreams(self.book, str(token), self, time.monotonic)

    def changed(self, models: Iterable[str]) -> None:
        self.models += models
        self.heard.set()
        if self.breaks:
            self.breaks -= 1
            raise ZeroDivisionError

    def whole(self) -> None:
        self.wholes.append(self.book.complete)
        self.heard.set()

    def in_flight(self, model: str = "ns/m") -> int:
        load = self.book.load(model, time.monotonic())
        return load.in_flight if load else -1

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not holds():
                self.heard.clear()
                await self.heard.wait()


@pytest.fixture
async def listener(tmp_path: Path) -> AsyncIterator[Listener]:
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    made = Listener(token)
    task = asyncio.create_task(made.streams.run())
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert made.book.load("ns/m", time.monotonic()) is None  # nobody is heard any more


async def test_it_hears_all_and_then_what_changes(listener: Listener) -> None:
    with LoadRouter("a") as one, LoadRouter("b") as other:
        one.tell(ns__m=ModelLoad(2), ns__n=ModelLoad(7))
        listener.streams.listed({one.address: True, other.address: True})
        await listener.until(lambda: listener.book.complete)
        assert listener.in_flight() == 2
        listener.models.clear()
        await asyncio.to_thread(other.tell, ns__m=ModelLoad(3))
        await listener.until(lambda: listener.in_flight() == 5)
        assert listener.models == ["ns/m"]
        assert listener.wholes == [True]


async def test_a_router_whose_stream_ends_is_forgotten_and_heard_again(listener: Listener) -> None:
    with LoadRouter() as router:
        router.tell(ns__m=ModelLoad(2))
        listener.streams.listed({router.address: True})
        await listener.until(lambda: listener.in_flight() == 2)
        await asyncio.to_thread(router.cut)
        await listener.until(lambda: not listener.book.complete)
        assert listener.in_flight() == -1
        await listener.until(lambda: listener.in_flight() == 2)
        assert listener.wholes == [True, False, True]


async def test_a_router_that_dies_is_forgotten_and_found_when_it_is_back(listener: Listener) -> None:
    with LoadRouter() as router:
        listener.streams.listed({router.address: True})
        await listener.until(lambda: listener.book.complete)
        address, port = router.address, router.port
    await listener.until(lambda: not listener.book.complete)
    again = LoadRouter()
    again.port = port
    with again:
        again.tell(ns__m=ModelLoad(1))
        assert again.address == address
        await listener.until(lambda: listener.in_flight() == 1)


async def test_an_address_that_leaves_is_forgotten_at_once_though_it_goes_on_talking(listener: Listener) -> None:
    with LoadRouter("a") as one, LoadRouter("b") as other:
        one.tell(ns__m=ModelLoad(2))
        listener.streams.listed({one.address: True, other.address: True})
        await listener.until(lambda: listener.book.complete)
        listener.streams.listed({other.address: True})
        await listener.until(lambda: listener.in_flight() == 0)
        await asyncio.to_thread(one.followed, 0)
        assert listener.book.complete


async def test_a_router_that_drains_is_listened_to(listener: Listener) -> None:
    with LoadRouter() as router:
        router.tell(ns__m=ModelLoad(2))
        listener.streams.listed({router.address: False})
        await listener.until(lambda: listener.in_flight() == 2)


async def test_a_token_that_is_replaced_is_read_anew(listener: Listener, caplog: pytest.LogCaptureFixture) -> None:
    listener.token.write_text("old")
    with LoadRouter() as router, caplog.at_level(logging.WARNING):
        listener.streams.listed({router.address: True})
        await asyncio.to_thread(router.refuses, 2)
        assert not listener.book.complete
        listener.token.write_text(TOKEN)
        await listener.until(lambda: listener.book.complete)
        said = [record.getMessage() for record in caplog.records]
        assert len(said) == 1  # and not at each try
        assert "it refuses the token" in said[0]
        assert TOKEN not in said[0]


async def test_nonsense_is_no_load(listener: Listener, caplog: pytest.LogCaptureFixture) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"a": 1}\n')
        await writer.drain()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        listener.streams.listed({f"127.0.0.1:{port}": True})
        await listener.until(lambda: "no load signal" in caplog.text)
        assert not listener.book.complete


async def test_a_token_that_nobody_can_send_is_said_and_mended(
    listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    listener.token.write_text(f"{TOKEN}\nmore\n")
    said = asyncio.Event()
    caplog.handler.addFilter(lambda _: not said.set())
    with LoadRouter() as router:
        listener.streams.listed({router.address: True})
        async with asyncio.timeout(20):
            await said.wait()
        listener.token.write_text(TOKEN)
        await listener.until(lambda: listener.book.complete)
        assert router.address in caplog.text
        assert TOKEN not in caplog.text


async def test_who_hears_it_and_fails_does_not_end_the_listening(
    listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    with LoadRouter() as router:
        listener.streams.listed({router.address: True})
        await listener.until(lambda: listener.book.complete)
        listener.breaks = 1
        await asyncio.to_thread(router.tell, ns__m=ModelLoad(2))
        await listener.until(lambda: not listener.book.complete)  # what it told may be old
        await listener.until(lambda: listener.in_flight() == 2)
        assert listener.wholes == [True, False, True]
        assert "ZeroDivisionError" in caplog.text
