"""One JSON line for each attempt, written many times a second by a thread.

Lines are made at the end of the event loop's turn, when the replies have left, and only written later: making many at a
time would hold up the event loop, or, in a thread, take the interpreter from it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import orjson

from auriga_router.attempts import Attempt
from auriga_router.routing.outcome import Outcome
from auriga_router.writer import Writer

_seconds: Final = time.time
_INTERVAL: Final = 0.05
"""Seconds. Rarely, but then thousands of lines at once, would hold up the requests that come meanwhile for longer."""
_MAX_WAITING: Final = 100_000
"""Lines kept while the writer is blocked; then they are dropped and counted, because answers matter more."""
_MAX_CONSTANTS: Final = 4096
_WORDS: Final = [outcome.value for outcome in Outcome]

Soon = Callable[[Callable[[], None]], object]
"""Calls a function a little later."""
Place = tuple[str, str, str, str]
"""Role, Model, endpoint and dialect."""


class AttemptLog:
    """Give it to ``Router(on_attempt=...)`` and keep ``run`` running."""

    def __init__(self, write: Callable[[bytes], object], soon: Soon | None = None) -> None:
        """``soon``: an event loop's ``call_soon``; None: lines are made when they are written."""
        self._write = Writer(write)
        self._soon = soon
        self._noted: list[Attempt] = []
        """Those of this turn of the loop."""
        self._lines: list[str] = []
        self._dropped = 0
        self._constants: dict[Place, str] = {}
        """What is the same for all attempts at an endpoint, as the inside of a JSON object."""

    def __call__(self, attempt: Attempt) -> None:
        """Note an attempt."""
        self._noted.append(attempt)
        if len(self._noted) == 1 and self._soon is not None:
            self._soon(self._make_lines)

    def _make_lines(self) -> None:
        noted, self._noted = self._noted, []
        if not noted:
            return
        if len(self._lines) >= _MAX_WAITING:
            self._dropped += len(noted)
            return
        now = str(int(_seconds() * 1000))
        beginning = f'{{"time":{now[:-3]}.{now[-3:]},"event":"attempt","request_id":"'
        for attempt in noted:
            place = (attempt.role, attempt.model, attempt.endpoint, attempt.dialect)
            constant = self._constants.get(place) or self._constant(place)
            tenths = int(attempt.milliseconds * 10.0 + 0.5)  # a format with a precision costs as much as all the rest
            self._lines.append(
                f'{beginning}{attempt.request_id}",{constant},"outcome":"{_WORDS[attempt.outcome.ordinal]}",'
                f'"status":{attempt.status},"milliseconds":{tenths // 10}.{tenths % 10},'
                f'"stream":{"true" if attempt.stream else "false"}}}\n'
            )

    def _constant(self, place: Place) -> str:
        if len(self._constants) >= _MAX_CONSTANTS:
            self._constants.clear()  # endpoints come and go
        text = orjson.dumps(dict(zip(("role", "model", "endpoint", "dialect"), place, strict=True)))[1:-1].decode()
        self._constants[place] = text
        return text

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await asyncio.sleep(_INTERVAL)
            await self.flush()

    async def flush(self) -> None:
        """Write what is waiting."""
        self._make_lines()
        lines, self._lines = self._lines, []
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            lines.append(f'{{"event":"dropped","attempts":{dropped}}}\n')
        if lines:
            await self._write("".join(lines).encode())
