"""A page that may be long: made in steps, between which requests are served, and once for all who ask meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final, NamedTuple

from auriga_router.wire.http import JSON

_LONG: Final = 64 * 1024
"""Bytes that leave at a time, about."""
_FREED: Final = 16


class Answer(NamedTuple):
    """What a page says. In pieces where it may be long: to put megabytes together takes too long, too."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: bytes = b""
    more: Sequence[bytes] = ()
    """The rest of the body."""


async def made(steps: Iterator[bytes]) -> list[bytes]:
    """What these steps make, in larger pieces. Requests are served in between."""
    whole: list[bytes] = []
    few: list[bytes] = []
    size = 0
    try:
        for step in steps:
            few.append(step)
            size += len(step)
            if size >= _LONG:
                whole.append(b"".join(few))
                few.clear()
                size = 0
            await asyncio.sleep(0)
    except BaseException:
        await let_go(whole)
        raise
    return [*whole, b"".join(few)]


async def let_go(pieces: list[bytes]) -> None:
    """Free them, not all at once: to give a hundred megabytes back takes ten milliseconds. The newest first: the
    allocator gives memory back from its end, and would else do so at the last of them, for all."""
    while pieces:
        del pieces[-_FREED:]
        await asyncio.sleep(0)


async def answer(steps: Iterator[bytes], content_type: bytes = JSON) -> Answer:
    """A page made of these steps."""
    first, *more = await made(steps)
    return Answer(200, first, content_type, more=more)


class Page:
    """Who asks while it is being made gets the same. With the last who waits for it the work ends."""

    def __init__(self, make: Callable[[], Awaitable[Answer]]) -> None:
        self._make = make
        self._making: _Making | None = None

    async def __call__(self) -> Answer:
        """The page."""
        making = self._making
        if making is None:
            making = self._making = _Making(self._make)
        making.waiting += 1
        try:
            return await asyncio.shield(making.task)
        finally:
            making.waiting -= 1
            if self._making is making and (making.task.done() or not making.waiting):
                self._making = None
                making.task.cancel()


class _Making:
    def __init__(self, make: Callable[[], Awaitable[Answer]]) -> None:
        self.task = asyncio.ensure_future(make())
        self.waiting = 0
