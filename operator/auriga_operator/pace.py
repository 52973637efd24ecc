"""How long downloads will still take, from how far they were when last looked at. The time is passed in."""

from __future__ import annotations

from dataclasses import dataclass

_WEIGHT = 0.3
"""Of the latest stretch, in the average of all."""
_REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class _Sample:
    at: float
    bytes: int
    rate: float | None


class Pace:
    """Remembers the last look at each download."""

    def __init__(self) -> None:
        self._last: dict[str, _Sample] = {}

    def seconds_left(self, download: str, here: int, total: int, now: float) -> float | None:
        """Seconds until ``total`` bytes are here, or None while that cannot be told."""
        last = self._last.get(download)
        rate = last.rate if last else None
        if last is None or now > last.at:
            if last and here >= last.bytes:
                latest = (here - last.bytes) / (now - last.at)
                rate = latest if rate is None else rate + _WEIGHT * (latest - rate)
            self._last[download] = _Sample(now, here, rate)
            self._forget_oldest()
        return (total - here) / rate if rate else None

    def _forget_oldest(self) -> None:
        while len(self._last) > _REMEMBERED:
            del self._last[min(self._last, key=lambda each: self._last[each].at)]
