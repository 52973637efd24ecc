"""How a Model has done lately for a role: moving averages, for the strategies that go by them. Pure; no clock."""

from __future__ import annotations

import math
from dataclasses import dataclass

_SHARE = 0.2
"""Of the newest value in the average: about the last ten count."""
FRESH = 60.0
"""Seconds after which an average says nothing any more: a Model that was slow is tried again."""


@dataclass(slots=True)
class Recent:
    """Seconds; 0 where nothing was measured yet."""

    first_token: float = 0.0
    """From sending a streamed request to its first content."""
    duration: float = 0.0
    """Of answers that were not streamed."""
    success: float = 1.0
    """Share of attempts that were answered."""
    at: float = -math.inf
    """When an attempt last ended or began to answer."""

    def fresh(self, now: float) -> bool:
        """Is it known how it does now?"""
        return now - self.at < FRESH

    def took(self, seconds: float, *, streamed: bool, now: float) -> None:
        """The first content of a stream, or a whole answer, came after so long."""
        self.at = now
        if streamed:
            self.first_token = _average(self.first_token, seconds)
        else:
            self.duration = _average(self.duration, seconds)

    def ended(self, *, answered: bool, now: float) -> None:
        """An attempt ended."""
        self.at = now
        self.success += _SHARE * (answered - self.success)

    def latency(self, *, streamed: bool) -> float:
        """Seconds; 0 if it was not measured."""
        return self.first_token if streamed else self.duration


def _average(before: float, value: float) -> float:
    return value if before == 0.0 else before + _SHARE * (value - before)
