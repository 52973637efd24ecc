"""A limit of requests per minute. Pure; ``now`` is passed in.

The generic cell rate algorithm: a minute's worth may come at once, and then one for each that has become due.
"""

from __future__ import annotations

from dataclasses import dataclass

_MINUTE = 60.0


@dataclass(slots=True)
class Pace:
    """The state of one limit."""

    interval: float = 0.0
    """Seconds between two requests that could go on for ever; 0: no limit."""
    paid_until: float = 0.0
    """The moment up to which requests have used the limit up."""

    def limit(self, per_minute: int) -> None:
        """0: no limit."""
        self.interval = _MINUTE / per_minute if per_minute else 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next request may go; 0 or less: now."""
        return self.paid_until + self.interval - now - _MINUTE if self.interval else 0.0

    def take(self, now: float) -> None:
        """A request goes."""
        if self.interval:
            self.paid_until = max(self.paid_until, now) + self.interval
