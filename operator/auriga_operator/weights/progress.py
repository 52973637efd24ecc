"""From bytes of single files to events, at most four a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from auriga_api.model import Artifact
from auriga_operator.weights.events import OnEvent, Progress, Resolved, Retrying

INTERVAL: Final = 0.25
"""Seconds between two Progress events."""


class Reporter:
    """Tells ``on_event`` what has been resolved and how many bytes are here."""

    def __init__(self, on_event: OnEvent, clock: Callable[[], float] = time.monotonic) -> None:
        self._on_event = on_event
        self._clock = clock
        self._have: dict[str, int] = {}
        self._total = 0
        self._told_at = float("-inf")
        self._told = -1

    def resolved(self, artifact: Artifact, have: Mapping[str, int]) -> None:
        """``have``: the files of the artifact and how many bytes of each are here already."""
        self._have = dict(have)
        self._total = artifact.size_bytes
        self._on_event(Resolved(artifact=artifact))

    def retrying(self, message: str, seconds: float) -> None:
        """Something went wrong, and is tried again after so many seconds."""
        self._on_event(Retrying(message=message, seconds=seconds))

    def file(self, name: str) -> Callable[[int], None]:
        """What to call with the bytes that are here of the file ``name``."""

        def have(count: int) -> None:
            self._have[name] = count
            now = self._clock()
            if now - self._told_at >= INTERVAL:
                self._told_at = now
                self._tell()

        return have

    def finished(self) -> None:
        """All is here: the last event says so, however recent the one before."""
        self._tell()

    def _tell(self) -> None:
        count = sum(self._have.values())
        if count != self._told:
            self._told = count
            self._on_event(Progress(bytes=count, total_bytes=self._total))
