"""Drives the weights program, one process per source, and turns what it says into a Fetch.

The protocol is that of ``python -m auriga_operator.weights``: one JSON request on its input, one JSON event a line on
its output.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from auriga_cli.local import process
from auriga_cli.local.state import Fetch, WeightsRequest
from auriga_operator.weights.events import Done, Failed, Progress, Resolved, Retrying, from_line
from auriga_operator.weights.request import Request

PROGRAM = (sys.executable, "-m", "auriga_operator.weights")

_GRACE = 5.0
"""Seconds to write down how far a download has come."""


class Fetcher:
    """One fetch. ``fetch`` is what is known of it; ``on_change`` is called after each change."""

    def __init__(self, request: WeightsRequest, fetch: Fetch, cache: Path, on_change: Callable[[], None]) -> None:
        self.fetch = fetch
        self._request = request
        self._cache = cache
        self._on_change = on_change
        self._child: process.Child | None = None
        self._rate = _Rate()

    async def run(self, now: Callable[[], float]) -> None:
        """Fetches; returns when ``fetch`` is Done or Failed. A failure's place in a row is the caller's to count."""
        env = dict(os.environ)
        if self._request.token:
            env["HF_TOKEN"] = self._request.token
        try:
            self._child = await process.start(
                PROGRAM,
                env,
                log=self._cache / "logs" / "weights.log",
                secrets=[self._request.token],
                on_line=lambda line: self._event(line, now()),
                hold_stdin=True,
            )
        except OSError as error:
            self._set(state="Failed", reason="Failed", message=f"the weights program cannot be run: {error.strerror}")
            return
        self._child.send(self._ask() + "\n")
        code = await self._child.ended
        if self.fetch.state == "Running":
            last = self._child.tail[-1] if self._child.tail else "it said nothing"
            self._set(state="Failed", reason="Failed", message=f"the weights program ended with {code}: {last}")

    async def stop(self) -> None:
        """Stops it; what has come so far is kept for the next time."""
        if self._child:
            await self._child.stop(_GRACE)

    def kill(self) -> None:
        """Stops it at once."""
        if self._child:
            self._child.kill()

    def _ask(self) -> str:
        wanted = self._request
        request = Request.model_validate(
            {
                "source": wanted.source,
                "cache": str(self._cache),
                "base": wanted.base,
                "contextLength": wanted.context_length,
                "parallel": wanted.parallel,
                "parentPid": os.getpid(),
                **({"gpuMemory": wanted.room.each, "gpus": wanted.room.gpus} if wanted.room else {}),
            }
        )
        return request.model_dump_json(by_alias=True, exclude_unset=True)

    def _event(self, line: str, now: float) -> None:
        try:
            event = from_line(line)
        except ValueError:
            return  # what a library prints there is no event
        match event:
            case Resolved():
                self._set(artifact=event.artifact, trouble="")
            case Progress():
                eta = self._rate.eta(event.bytes, event.total_bytes, now)
                self._set(bytes=event.bytes, total_bytes=event.total_bytes, eta=eta, trouble="")
            case Retrying():
                self._set(trouble=event.message)
            case Done():
                self._set(state="Done", path=event.path, artifact=event.artifact)
            case Failed():
                self._set(state="Failed", reason=event.reason, message=event.message)

    def _set(self, **changes: Any) -> None:  # noqa: ANN401 - fields of Fetch, as `replace` takes them
        self.fetch = replace(self.fetch, **changes)
        self._on_change()


class _Rate:
    """Bytes per second, smoothed, to say how long the rest will take."""

    def __init__(self) -> None:
        self._at: float | None = None
        self._bytes = 0
        self._rate = 0.0

    def eta(self, done: int, total: int, now: float) -> float | None:
        """Seconds until ``total``, or None while that cannot be said."""
        if self._at is None:
            # What is there at the start may come from an earlier run: it says nothing of the speed.
            self._at, self._bytes = now, done
            return None
        if now > self._at:
            rate = (done - self._bytes) / (now - self._at)
            self._rate = rate if not self._rate else 0.8 * self._rate + 0.2 * rate
            self._at, self._bytes = now, done
        return (total - done) / self._rate if self._rate > 0 else None
