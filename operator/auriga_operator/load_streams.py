"""Listens to the load of every router: one stream to each, for as long as its Service lists it.

The one place of the operator that speaks to routers.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path
from typing import NoReturn, Protocol

import aiohttp

from auriga_api.load import LoadError, read_report
from auriga_operator.load_book import LoadBook

_log = logging.getLogger(__name__)

PATH = "/load"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_LONG = 10.0
"""Seconds after which a stream was well. Longer than a router that takes connections and says nothing is waited for."""
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=2)
_FIRST_LINE_SECONDS = 5.0
_LONGEST_LINE = 64 * 1024 * 1024
_KEEPALIVE = (("TCP_KEEPIDLE", 2), ("TCP_KEEPINTVL", 1), ("TCP_KEEPCNT", 3))
"""A router that has nothing to say is silent, and so is a node that is dead: its kernel no longer answers these."""


class Deaf(Exception):  # noqa: N818 - an outcome
    """A router cannot be listened to, or not any more."""


_USUAL = (aiohttp.ClientError, OSError, TimeoutError, LoadError, Deaf)


class Heard(Protocol):
    """Who wants to know."""

    def changed(self, models: Iterable[str]) -> None:
        """The load of those Models (``namespace/name``) is another one."""

    def whole(self) -> None:
        """The load has become known as a whole, or is so no more."""


class LoadStreams:
    """Puts what routers say into ``book``, and tells ``heard`` which Models that is about."""

    def __init__(self, book: LoadBook, token_file: str, heard: Heard, clock: Callable[[], float]) -> None:
        self._book = book
        self._token_file = token_file
        self._heard = heard
        self._clock = clock
        self._listed: Mapping[str, bool] | None = None
        self._moved = asyncio.Event()

    def listed(self, addresses: Mapping[str, bool]) -> None:
        """There are these routers now, and so ready they are."""
        self._listed = addresses
        self._moved.set()

    async def run(self) -> None:
        """Listen until cancelled; then nobody is heard any more."""
        connector = aiohttp.TCPConnector(limit=0, socket_factory=_socket, force_close=True)
        tasks: dict[str, asyncio.Task[None]] = {}
        async with aiohttp.ClientSession(
            connector=connector, timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            try:
                while True:
                    self._moved.clear()
                    self._follow(session, tasks)
                    await self._moved.wait()
            finally:
                for task in tasks.values():
                    task.cancel()
                await asyncio.gather(*tasks.values(), return_exceptions=True)
                self._book.clear()

    def _follow(self, session: aiohttp.ClientSession, tasks: dict[str, asyncio.Task[None]]) -> None:
        """A stream to each address that is listed, and to no other."""
        listed = self._listed
        if listed is None:
            return
        # First, so that one that leaves is not missed for a moment.
        self._note(lambda: self._book.listed(listed))
        for address in tasks.keys() - listed.keys():
            tasks.pop(address).cancel()
            self._ended(address)
        for address in listed.keys() - tasks.keys():
            tasks[address] = asyncio.create_task(self._listen(session, address), name=f"load of {address}")

    async def _listen(self, session: aiohttp.ClientSession, address: str) -> None:
        pause = 0.0
        while True:
            begun = self._clock()
            error = await self._heard_out(session, address)
            if self._clock() - begun > _LONG:
                pause = 0.0
            if not pause:
                trace = None if isinstance(error, _USUAL) else error
                what = str(error) or type(error).__name__
                _log.warning("the load of router %s: %s: trying on", address, what, exc_info=trace)
            pause = min(max(pause * 2, _FIRST_PAUSE), _LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def _heard_out(self, session: aiohttp.ClientSession, address: str) -> Exception:
        """Why it is not heard any more. Whatever that is must not end the listening: nobody would begin it anew."""
        try:
            try:
                await self._stream(session, address)
            except Exception:
                self._ended(address)
                raise
        except Exception as error:
            return error

    async def _stream(self, session: aiohttp.ClientSession, address: str) -> NoReturn:
        """Until it ends, which is always too early."""
        headers = {"accept": "application/x-ndjson", "authorization": f"Bearer {self._token()}"}
        async with session.get(f"http://{address}{PATH}", headers=headers) as response:
            if response.status != 200:
                raise Deaf(_advice(response.status))
            lines = _lines(response)
            async with asyncio.timeout(_FIRST_LINE_SECONDS):
                first = await anext(lines, b"")
            self._told(address, first)
            _log.info("listening to the load of router %s", address)
            async for line in lines:
                self._told(address, line)
        raise Deaf("it has ended the stream")

    def _told(self, address: str, line: bytes) -> None:
        report = read_report(line)
        self._note(lambda: self._book.told(address, report, self._clock()))

    def _ended(self, address: str) -> None:
        self._note(lambda: self._book.ended(address))

    def _note(self, change: Callable[[], Iterable[str]]) -> None:
        before = self._book.complete
        models = change()
        if self._book.complete != before:
            self._heard.whole()
        else:
            self._heard.changed(models)

    def _token(self) -> str:
        try:
            return Path(self._token_file).read_text().strip()
        except OSError as error:
            raise Deaf(f"the token cannot be read: {error}: set loadTokenFile") from error


def _advice(status: int) -> str:
    if status == 401:
        return "it refuses the token: give the operator and the routers the same file (loadTokenFile)"
    if status == 404:
        return "it tells no load: give it a token (loadTokenFile)"
    return f"it answers {status}"


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Whole lines, of any sane length, unlike those of aiohttp's own reader."""
    buffer = bytearray()
    async for chunk in response.content.iter_any():
        buffer += chunk
        *lines, rest = buffer.split(b"\n")
        buffer = rest
        for line in lines:
            yield bytes(line)
        if len(buffer) > _LONGEST_LINE:
            raise Deaf("it sends a line without an end")


def _socket(address: aiohttp.AddrInfoType) -> socket.socket:
    made = socket.socket(*address[:3])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        if hasattr(socket, name):  # not everywhere
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return made
