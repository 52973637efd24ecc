"""The one timer: sets the coarse clock and looks after every time limit. One for all is cheaper than one for each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from auriga_router.ports import Clock, CoarseClock, Timed

EXCHANGES_EVERY = 0.05
CONNECTIONS_EVERY = 20
"""In sweeps: a client that is slow to send is nobody's hurry."""


class Sweep:
    """Calls ``on_expired`` of whatever is over its time."""

    def __init__(
        self, now: Clock, coarse: CoarseClock, exchanges: Iterable[Timed], connections: Iterable[Timed]
    ) -> None:
        self._now = now
        self._coarse = coarse
        self._exchanges = exchanges
        self._connections = connections
        self._turn = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin; runs until ``stop``."""
        self._timer = asyncio.get_running_loop().call_later(EXCHANGES_EVERY, self._run)

    def stop(self) -> None:
        """End."""
        if self._timer is not None:
            self._timer.cancel()

    def _run(self) -> None:
        self.start()
        self._turn += 1
        now = self._coarse.now = self._now()
        expire(self._exchanges, now)
        if self._turn % CONNECTIONS_EVERY == 0:
            expire(self._connections, now)


def expire(things: Iterable[Timed], now: float) -> None:
    """Tell what is over its time. That changes the collection, so the late ones are listed first."""
    for late in [thing for thing in things if thing.expires <= now]:
        if late.expires <= now:  # one that ends may free a slot for another, or end it
            late.on_expired(now)
