"""When to try again what failed: exponential, bounded, forgotten after a while of health. Pure."""

from __future__ import annotations

from auriga_cli.local.state import Failure, Limits


def failed(previous: Failure | None, now: float, limits: Limits, healthy_for: float = 0.0) -> Failure:
    """The failure at ``now``, counted on from ``previous`` unless it served long enough in between."""
    count = 0 if previous is None or healthy_for >= limits.healthy_again else previous.count
    return Failure(count + 1, now)


def retry_at(failure: Failure | None, limits: Limits) -> float:
    """The time before which the next try must not start: 1 s after the first failure, doubling up to the limit."""
    if failure is None:
        return float("-inf")
    # The exponent is bounded because a float overflows at 1024.
    delay = limits.backoff_first * 2.0 ** min(failure.count - 1, 64)
    return failure.at + min(delay, limits.backoff_limit)
