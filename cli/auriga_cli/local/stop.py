"""Signals as events: the first one asks to stop, the second one to stop at once."""

from __future__ import annotations

import asyncio
import signal

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """``asked`` is set by the first signal, ``now`` by the second."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.now = asyncio.Event()

    def watch(self) -> None:
        """From here on, signals are events."""
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._signalled)

    async def unless_now(self, work: asyncio.Task[None]) -> bool:
        """Waits for ``work``; False if it was cut short because it is to stop at once."""
        now = asyncio.create_task(self.now.wait())
        await asyncio.wait([work, now], return_when=asyncio.FIRST_COMPLETED)
        now.cancel()
        if work.done():
            work.result()
            return True
        return False

    def _signalled(self) -> None:
        if self.asked.is_set():
            self.now.set()
        self.asked.set()
