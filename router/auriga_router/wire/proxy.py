"""Ways through an HTTP proxy, for providers beyond it: which one the environment names, and a tunnel through it.

``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` in upper or lower case, as curl reads them; loopback is
never behind one. Always by CONNECT, so that a proxy sees no prompt and no key on the way to an ``https`` provider.
"""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Callable
from urllib import request
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies_environment

from auriga_router.endpoint import Address
from auriga_router.wire.lookups import Lookups
from auriga_router.wire.upstream import UpstreamConnection

_MAX_HEAD = 65536


def proxy_for(address: Address) -> SplitResult | None:
    """The proxy that the environment names for this address. Raises ValueError if that is not one."""
    if not address.external or address.host == "localhost" or address.host.startswith(("127.", "::1")):
        return None
    named = getproxies_environment()
    url = named.get("https" if address.tls else "http") or named.get("all")
    if not url or request.proxy_bypass_environment(str(address), named):  # type: ignore[attr-defined]  # typeshed
        return None
    proxy = urlsplit(url if "://" in url else f"http://{url}")
    if proxy.scheme != "http" or not proxy.hostname:
        raise ValueError("a proxy's address is written as http://host:port")
    return proxy


async def connect(
    address: Address, tls: ssl.SSLContext | None, make: Callable[[], UpstreamConnection], lookups: Lookups
) -> UpstreamConnection:
    """A connection, through the proxy if there is one. Raises OSError, and ValueError for an impossible name."""
    loop = asyncio.get_running_loop()
    proxy = proxy_for(address)
    if proxy is None:
        return (await lookups.connect(make, address.host, address.port, tls))[1]
    transport = await _tunnel(proxy, address, lookups)
    connection = make()
    if tls is None:
        transport.set_protocol(connection)
        connection.connection_made(transport)
        return connection
    try:
        secured = await loop.start_tls(transport, connection, tls, server_hostname=address.host)
    except BaseException:
        transport.abort()
        raise
    if secured is None:
        raise ConnectionResetError
    connection.connection_made(secured)
    return connection


async def _tunnel(proxy: SplitResult, address: Address, lookups: Lookups) -> asyncio.Transport:
    asked = _Asked(asyncio.get_running_loop().create_future())
    transport, _ = await lookups.connect(lambda: asked, proxy.hostname or "", proxy.port or 80)
    try:
        transport.write(_request(proxy, address))
        await asked.answered
    except BaseException:
        transport.abort()
        raise
    return transport


def _request(proxy: SplitResult, address: Address) -> bytes:
    where = str(address)
    login = ""
    if proxy.username is not None:
        pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
        login = f"Proxy-Authorization: Basic {b64encode(pair.encode()).decode()}\r\n"
    return f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n{login}\r\n".encode("ascii")


class _Asked(asyncio.Protocol):
    """Waits for the proxy's answer, and reads not a byte more: what follows belongs to somebody else."""

    def __init__(self, answered: asyncio.Future[None]) -> None:
        self.answered = answered
        self._head = b""

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        self._head += data
        head, end, rest = self._head.partition(b"\r\n\r\n")
        if (not end and len(head) < _MAX_HEAD) or self.answered.done():
            return
        # Nobody may speak before we have: bytes behind the head would be lost, or taken for the provider's.
        if end and not rest and head.split(b" ", 2)[1:2] == [b"200"]:
            self.answered.set_result(None)
        else:
            self.answered.set_exception(ConnectionRefusedError("the proxy makes no tunnel"))

    def connection_lost(self, error: Exception | None) -> None:
        """Called by the event loop."""
        if not self.answered.done():
            self.answered.set_exception(error or ConnectionResetError())
