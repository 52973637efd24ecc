"""Counters of one member of one role: plain lists, formatted only when they are scraped. Outlive routing tables."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from auriga_router.recent import Recent
from auriga_router.routing.outcome import Outcome

SECONDS: Final[Sequence[float]] = (
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
)  # fmt: skip
"""Upper bounds of the histograms, as OpenTelemetry's GenAI conventions advise for durations. Not a tuple to mypyc: it
would make one anew for each ``bisect``."""


@dataclass(slots=True)
class Histogram:
    """How long something took, in seconds."""

    counts: list[int] = field(default_factory=list)
    """Empty until there is something to count: of ten thousand Models most are hardly ever asked."""
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        if not self.counts:
            self.counts = [0] * (len(SECONDS) + 1)
        self.counts[bisect_left(SECONDS, seconds)] += 1
        self.total += seconds


@dataclass(slots=True, eq=False)
class Tally:
    """What came of the attempts at one Model on behalf of one role."""

    namespace: str
    role: str
    model: str
    outcomes: list[int] = field(default_factory=lambda: [0] * len(Outcome))
    duration: Histogram = field(default_factory=Histogram)
    """Of attempts that answered, until their end."""
    first_token: Histogram = field(default_factory=Histogram)
    """Of streams, from sending the request to the first content."""
    recent: Recent | None = None
    """Kept where the strategy goes by it."""
