"""The stages of a streamed answer on its way to the client: held, then committed. What an adapter has for each."""

from __future__ import annotations

from typing import Protocol

from auriga_router.dialects import Problem
from auriga_router.routing.outcome import Outcome


class Held(Protocol):
    """The start of a streamed answer, of which the client has seen nothing yet."""

    __slots__ = ()

    def feed(self, data: bytes, *, complete: bool) -> Outcome | None:
        """OK at the first content, another outcome where none will come, None while that is open."""


class Stream(Protocol):
    """A committed stream."""

    __slots__ = ()

    broken: bool
    """The endpoint failed before the answer was whole. What ``feed`` gave is still to be sent."""

    def feed(self, data: bytes, *, complete: bool) -> bytes:
        """What to send to the client for these bytes of the response."""

    def end(self) -> bytes | None:
        """The end of a reply whose endpoint broke off after the answer was whole; else None."""

    def unsent(self) -> bytes:
        """What is still to be sent when it was not."""

    def fail(self, problem: Problem) -> bytes:
        """What ends a stream that cannot go on."""

    def frame(self, event: bytes) -> bytes:
        """``event`` as it goes to the client."""
