"""The load of the router in this process, followed for the Models with ``autoscaling``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from auriga_api.load import LoadReport, ModelLoad, merge

_PAUSE = 0.05
"""Seconds between two looks for the sake of the load, at least."""
_SHARE = 10
"""Looks take no more than one part in so many of the time: with a thousand Models one takes long."""


class Reader(Protocol):
    """Whoever tells the load: the router's ``LoadReader``."""

    @property
    def behind(self) -> int:
        """Models that there is something to tell of."""

    def take(self) -> LoadReport:
        """What has changed since the last time; at first everything."""

    def close(self) -> None:
        """Read no more."""


class Loads:
    """What is known of the load, and when to look again: at once after a quiet time, else after a pause."""

    def __init__(self, follow: Callable[[Callable[[], None]], Reader], wake: Callable[[], None]) -> None:
        self._follow = follow
        self._wake = wake
        self._reader: Reader | None = None
        self._state: dict[str, ModelLoad] = {}
        self.told_at: dict[str, float] = {}
        """Model key -> when it was last told of; seconds of the monotonic clock."""
        self._taken_at = 0.0
        self._pause = _PAUSE
        self._timer: asyncio.TimerHandle | None = None

    def take(self) -> Mapping[str, ModelLoad]:
        """The load now. The counts are the highest since the last time."""
        if self._reader is None:
            self._reader = self._follow(self._changed)
        now = self._taken_at = time.monotonic()
        report = self._reader.take()
        self._state = merge(self._state, report)
        known = self.told_at | dict.fromkeys(report.models, now)
        self.told_at = {model: known[model] for model in self._state}
        if self._reader.behind:
            self._changed()  # what was told is a peak: what it fell to comes next
        return {model: self._as_of(load, now - self.told_at[model]) for model, load in self._state.items()}

    def looked(self) -> None:
        """The look for which the load was taken is over."""
        self._pause = max(_PAUSE, _SHARE * (time.monotonic() - self._taken_at))

    def close(self) -> None:
        """Nobody has ``autoscaling`` any more."""
        if self._reader is not None:
            self._reader.close()
            self._reader, self._state, self.told_at = None, {}, {}

    @staticmethod
    def _as_of(load: ModelLoad, seconds: float) -> ModelLoad:
        return load if load.idle is None else replace(load, idle=load.idle + seconds)

    def _changed(self) -> None:
        if self._timer is None:
            delay = max(0.0, self._taken_at + self._pause - time.monotonic())
            self._timer = asyncio.get_running_loop().call_later(delay, self._look)

    def _look(self) -> None:
        self._timer = None
        self._wake()
