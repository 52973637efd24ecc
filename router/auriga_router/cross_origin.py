"""Pages of other origins may ask a router that allows it (CORS): what a browser wants to be told for that. Pure.

https://fetch.spec.whatwg.org/#http-cors-protocol. No cookies: whoever may ask a router does not show it by them.
"""

from __future__ import annotations

from auriga_router.ports import Client
from auriga_router.wire.http import reply
from auriga_router.wire.request import Request

_EXPOSED = b"x-auriga-model, x-auriga-attempts, x-auriga-dropped, x-request-id, request-id, retry-after"
_ALLOWED = (
    b"access-control-allow-methods: GET, POST\r\naccess-control-allow-headers: authorization, *\r\n"
    b"access-control-max-age: 600\r\n"
)
"""The asterisk means all headers but that one."""
_ALL = b"*"


class Origins:
    """Those whose pages may ask."""

    __slots__ = ("_known",)

    def __init__(self, listed: str) -> None:
        """``listed``: separated by commas; ``*`` means all."""
        self._known = frozenset(each.strip().encode("latin-1", "replace") for each in listed.split(",") if each.strip())

    def lines(self, request: Request) -> bytes:
        """Header lines of the reply to a page that may ask; nothing for all others."""
        return self.lines_for(request.headers.get(b"origin", b""))

    def lines_for(self, origin: bytes) -> bytes:
        """The same, where no more is known than the page's origin; empty: no page asks."""
        if not origin or not (origin in self._known or _ALL in self._known):
            return b""
        return b"access-control-allow-origin: %s\r\naccess-control-expose-headers: %s\r\nvary: origin\r\n" % (
            origin,
            _EXPOSED,
        )


def preflight(request: Request, lines: bytes) -> bytes | None:
    """The reply to a browser that asks whether it may; None if it does not."""
    if request.method != b"OPTIONS":
        return None
    return reply(200, lines + _ALLOWED, b"", close=not request.keep_alive)


class Sharing:
    """A client whose replies say that a page may read them. Implements ``ports.Client``."""

    __slots__ = ("_begun", "_client", "_lines")

    def __init__(self, client: Client, lines: bytes) -> None:
        self._client = client
        self._lines = lines
        self._begun = False

    def write(self, data: bytes) -> None:
        """Send bytes; the first of them begin with the status line."""
        if not self._begun:
            self._begun = True
            status, _, rest = data.partition(b"\r\n")
            data = b"%s\r\n%s%s" % (status, self._lines, rest)
        self._client.write(data)

    def retract(self) -> bool:
        """See ``ports.Client``."""
        retracted = self._client.retract()
        self._begun = self._begun and not retracted
        return retracted

    def done(self, *, keep_alive: bool) -> None:
        """See ``ports.Client``."""
        self._client.done(keep_alive=keep_alive)
