"""A limit of requests and of tokens per minute. Pure; ``now`` is passed in.

The generic cell rate algorithm: a minute's worth may come at once, and then one for each that has become due.
"""

from __future__ import annotations

from collections.abc import MutableSequence
from dataclasses import dataclass, field

_MINUTE = 60.0
_LONGEST = 3600.0
"""Seconds that tokens can be spent ahead: an endpoint may claim any number of them."""
_PAID, _SPENT = 0, 1


@dataclass(slots=True)
class Pace:
    """The state of one Model's limits."""

    interval: float = 0.0
    """Seconds between two requests that could go on for ever; 0: no limit."""
    token_interval: float = 0.0
    """Seconds that a token takes to become due; 0: no limit."""
    until: MutableSequence[float] = field(default_factory=lambda: [0.0, 0.0])
    """The moments up to which requests, and tokens, have used their limits up. Several workers have them in common."""

    def limit(self, requests: int, tokens: int = 0) -> None:
        """Per minute. 0: no limit."""
        self.interval = _MINUTE / requests if requests else 0.0
        self.token_interval = _MINUTE / tokens if tokens else 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next request may go; 0 or less: now."""
        wait = self.until[_PAID] + self.interval - now - _MINUTE if self.interval else 0.0
        if self.token_interval:
            wait = max(wait, self.until[_SPENT] + self.token_interval - now - _MINUTE)
        return wait

    def used_up(self, now: float) -> str:
        """Which limit lets no request through, in the manifest's words."""
        requests = self.interval and self.until[_PAID] + self.interval - now > _MINUTE
        name, interval = ("requests", self.interval) if requests else ("tokens", self.token_interval)
        return f"limits.{name}PerMinute ({_MINUTE / interval:.0f}) is used up" if interval else ""

    def take(self, now: float) -> None:
        """A request goes."""
        if self.interval:
            self.until[_PAID] = max(self.until[_PAID], now) + self.interval

    def spend(self, tokens: int, now: float) -> None:
        """So many tokens are used; fewer than none: so many were not, after all."""
        if tokens > 0:
            spent = max(self.until[_SPENT], now) + tokens * self.token_interval
            self.until[_SPENT] = min(spent, now + _LONGEST)
        else:
            self.until[_SPENT] += tokens * self.token_interval
