"""What an exchange needs of the world outside: its client, its upstream connection, a clock. No sockets here.

``wire/`` implements the first three; tests may implement any of them. What is called for every request inherits from
its port: compiled, its methods are then called directly; those of anything else are looked up by their names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from auriga_router.attempts import Attempt, Replied
from auriga_router.endpoint import Endpoint
from auriga_router.wire.http import ResponseHead


class Client(Protocol):
    """The caller's connection, while its request is being answered."""

    __slots__ = ()

    def write(self, data: bytes) -> None:
        """Send bytes; silently nothing if the client is gone."""

    def retract(self) -> bool:
        """Forget what was written, if none of it has left."""

    def done(self, *, keep_alive: bool) -> None:
        """The reply is out. The next request may come, or the connection closes."""


class Upstream(Protocol):
    """A connection to an endpoint, while it belongs to an exchange."""

    __slots__ = ()

    reused: bool
    """Did it carry an earlier request? Then its peer may have closed it in the meantime."""

    def send(self, head: bytes, body: bytes) -> None:
        """Send a request."""

    def release(self) -> None:
        """The response came whole: keep the connection for others if it can be kept."""

    def abort(self) -> None:
        """Close at once, so that the endpoint stops working for us."""

    def pause(self) -> None:
        """Stop reading: the client does not keep up."""

    def resume(self) -> None:
        """Read on."""


class UpstreamUser(Protocol):
    """Who a connection to an endpoint reports to."""

    __slots__ = ()

    def on_connected(self, upstream: Upstream) -> None:
        """The connection that ``Connector.acquire`` promised."""

    def on_connect_failed(self) -> None:
        """There will be no connection."""

    def on_response(self, head: ResponseHead, data: bytes, complete: bool) -> None:
        """The head, and what of the body came with it (with its chunk framing, if it is chunked)."""

    def on_data(self, data: bytes, complete: bool) -> None:
        """More of the body. ``complete``: the message ended as its framing says."""

    def on_broken(self, *, framing: bool, silent: bool) -> None:
        """The connection is lost before the message was complete, or (``framing``) sends what is not HTTP.

        ``silent``: not a byte of the response had come.
        """

    def on_bug(self) -> None:
        """One of these, or what it called, has raised. Called while that exception is handled."""


class Connector(Protocol):
    """Gives connections to endpoints."""

    __slots__ = ()

    def acquire(self, endpoint: Endpoint, user: UpstreamUser, *, fresh: bool = False) -> Upstream | None:
        """An idle connection now, or a later call of ``on_connected`` or ``on_connect_failed``.

        ``fresh``: never one that was used before.
        """

    def forget(self, endpoint: Endpoint, user: UpstreamUser) -> None:
        """The user does not wait any more."""


class Timed(Protocol):
    """Something with a moment after which ``on_expired`` is called by the sweep."""

    __slots__ = ()

    expires: float

    def on_expired(self, now: float) -> None:
        """``expires`` has passed."""


Clock = Callable[[], float]
"""Seconds on a monotonic clock."""


class CoarseClock:
    """A clock that the sweep sets: free to read, and up to one sweep behind. For what needs no precision."""

    __slots__ = ("now",)

    def __init__(self, now: float) -> None:
        self.now = now


OnAttempt = Callable[[Attempt], None]
OnReply = Callable[[Replied], None]
