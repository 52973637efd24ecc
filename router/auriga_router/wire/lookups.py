"""Addresses of names: one lookup at a time for a name, however many wait for it, in threads of our own.

Not by the event loop: uvloop's (libuv's) four threads are also all that there is, a name whose server does not answer
keeps one for 5 to 30 seconds, and with four such requests nobody else's name is found. They cannot be given up either:
the process would end only after the last of them (libuv joins its threads at exit). A resolver with sockets of its own
(c-ares) would need no threads, and not find what the system's finds beside DNS (nsswitch.conf: mDNS, systemd's own).
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

_P = TypeVar("_P", bound=asyncio.Protocol)
_MOST: Final = 64
"""Lookups at once. More wait for their turn: each is a thread."""
_FRESH_SECONDS: Final = 5.0
"""How long what was found is used again. Many connections are made at once, and names of providers do not move."""
_MOST_KNOWN: Final = 4096

LookUp = Callable[[str], Sequence[str]]
"""The addresses of a name, best first; may block. Raises OSError, and ValueError for what cannot be a name."""


def look_up(name: str) -> Sequence[str]:
    """By the system's resolver."""
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return [str(place[0]) for *_, place in found]


class Lookups:
    """The names that one event loop connects to."""

    def __init__(self, ask: LookUp = look_up, most: int = _MOST) -> None:
        self._ask = ask
        self._most = most
        self._known: dict[str, tuple[Sequence[str], float]] = {}
        """Addresses, and until when they are used."""
        self._asked: dict[str, asyncio.Future[Sequence[str]]] = {}
        self._running = 0
        self._queue: deque[str] = deque()

    async def connect(
        self, make: Callable[[], _P], host: str, port: int, tls: ssl.SSLContext | None = None
    ) -> tuple[asyncio.Transport, _P]:
        """A connection to the first address that takes it. Raises OSError, and ValueError for an impossible name."""
        loop = asyncio.get_running_loop()
        failed: OSError = ConnectionRefusedError(f"{host} has no address")
        for place in await self.addresses(host):
            try:
                return await loop.create_connection(make, place, port, ssl=tls, server_hostname=host if tls else None)
            except OSError as error:
                failed = error
        self._known.pop(host, None)  # perhaps it has moved
        raise failed

    async def addresses(self, host: str) -> Sequence[str]:
        """Those of a name; an address is its own. Raises what the lookup raises."""
        if _is_address(host):
            return (host,)
        addresses, until = self._known.get(host, ((), 0.0))
        if asyncio.get_running_loop().time() < until:
            return addresses
        # Who gives up leaves the lookup to the next one: it cannot be stopped.
        return await asyncio.shield(self._asked.get(host) or self._begin(host))

    def _begin(self, host: str) -> asyncio.Future[Sequence[str]]:
        asked = self._asked[host] = asyncio.get_running_loop().create_future()
        asked.add_done_callback(lambda done: done.cancelled() or done.exception())  # perhaps nobody waits any more
        self._queue.append(host)
        self._run_next()
        return asked

    def _run_next(self) -> None:
        if self._queue and self._running < self._most:
            self._running += 1
            host, loop = self._queue.popleft(), asyncio.get_running_loop()
            try:
                threading.Thread(target=self._run, args=(host, loop), name="lookup", daemon=True).start()
            except RuntimeError:
                loop.call_soon(self._found, host, OSError("there are too many threads"))

    def _run(self, host: str, loop: asyncio.AbstractEventLoop) -> None:
        """In a thread. A daemon: the end of the process does not wait for it."""
        result: Sequence[str] | Exception
        try:
            result = self._ask(host)
        except Exception as error:  # told to whoever waits
            result = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(self._found, host, result)

    def _found(self, host: str, result: Sequence[str] | Exception) -> None:
        self._running -= 1
        asked = self._asked.pop(host)
        if isinstance(result, Exception):
            asked.set_exception(result)
        else:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[host] = result, asyncio.get_running_loop().time() + _FRESH_SECONDS
            asked.set_result(result)
        self._run_next()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
