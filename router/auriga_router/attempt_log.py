"""One JSON line for each attempt, written a few times a second by a thread.

Lines are made at once and only written later: making many at a time would hold up the event loop, or, in a thread,
take the interpreter from it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import orjson

from auriga_router.attempts import Attempt

_INTERVAL: Final = 0.25
_MAX_WAITING: Final = 100_000
"""Lines kept while the writer is blocked; then they are dropped and counted, because answers matter more."""
_MAX_CONSTANTS: Final = 4096


class AttemptLog:
    """Give it to ``Router(on_attempt=...)`` and keep ``run`` running."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._lines: list[str] = []
        self._dropped = 0
        self._millisecond = 0
        self._beginning = ""
        """What all lines of this millisecond begin with."""
        self._constants: dict[tuple[str, str, str, str], str] = {}
        """What is the same for all attempts at an endpoint, as the inside of a JSON object."""

    def __call__(self, attempt: Attempt) -> None:
        """Note an attempt."""
        if len(self._lines) >= _MAX_WAITING:
            self._dropped += 1
            return
        request_id, role, model, endpoint, outcome, status, milliseconds, dialect, stream = attempt
        constant = self._constants.get((role, model, endpoint, dialect)) or self._constant(attempt)
        now = int(time.time() * 1000)
        if now != self._millisecond:
            self._millisecond = now
            self._beginning = f'{{"time":{now / 1000:.3f},"event":"attempt","request_id":"'
        self._lines.append(
            f'{self._beginning}{request_id}",{constant},"outcome":"{outcome}","status":{status},'
            f'"milliseconds":{milliseconds:.1f},"stream":{"true" if stream else "false"}}}\n'
        )

    def _constant(self, attempt: Attempt) -> str:
        _, role, model, endpoint, _, _, _, dialect, _ = attempt
        if len(self._constants) >= _MAX_CONSTANTS:
            self._constants.clear()  # endpoints come and go
        text = orjson.dumps({"role": role, "model": model, "endpoint": endpoint, "dialect": dialect})[1:-1].decode()
        self._constants[role, model, endpoint, dialect] = text
        return text

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await asyncio.sleep(_INTERVAL)
            await self.flush()

    async def flush(self) -> None:
        """Write what is waiting."""
        lines, self._lines = self._lines, []
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            lines.append(f'{{"event":"dropped","attempts":{dropped}}}\n')
        if lines:
            await asyncio.to_thread(self._write, "".join(lines).encode())
