"""The operator's side of a router's load, without an operator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable


class Heard:
    """The operator's leader, as far as it hears."""

    def __init__(self, seconds: float) -> None:
        """``seconds``: how long it waits for what shall hold."""
        self._seconds = seconds
        self._news = asyncio.Event()

    def changed(self, models: Iterable[str]) -> None:
        self._news.set()

    def whole(self) -> None:
        self._news.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(self._seconds):
            while not holds():
                await self._news.wait()
                self._news.clear()
