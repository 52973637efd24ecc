"""KubeAI's way to count replicas, as its documentation and source (v0.23, October 2025) have it. Pure.

Each 10 seconds the requests in flight and queued are looked at; their mean over the last ten minutes, which are zeros
at first, is divided by the target and rounded up. More replicas come at once, fewer after three such looks in a row.
From zero, the first request sets one replica by itself.
"""

from __future__ import annotations

import math
from collections import deque

from replicas import Seen

_INTERVAL = 10.0
_WINDOW = 60
"""Looks that the mean is taken over."""
_LOOKS_BEFORE_DOWN = 3


class KubeAI:
    """Its autoscaler for one Model."""

    def __init__(self, minimum: int, maximum: int, target: int) -> None:
        self._bounds = minimum, maximum
        self._target = target
        self._looks: deque[int] = deque([0] * _WINDOW, maxlen=_WINDOW)
        self._next = 0.0
        self._lower = 0

    def __call__(self, now: float, seen: Seen, there: int) -> int:
        """Replicas wanted."""
        active = seen.in_flight + seen.queued
        if now < self._next:
            return 1 if active and not there else there
        self._next = now + _INTERVAL
        self._looks.append(active)
        minimum, maximum = self._bounds
        wanted = min(max(math.ceil(sum(self._looks) / _WINDOW / self._target), minimum), maximum)
        self._lower = self._lower + 1 if wanted < there else 0
        return there if 0 < self._lower < _LOOKS_BEFORE_DOWN else wanted
