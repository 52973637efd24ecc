"""The endpoint to ask among those of a Model: the least loaded that is open. Pure."""

from __future__ import annotations

from collections.abc import Container

from auriga_router.endpoint import Endpoint
from auriga_router.routing.gate import is_open, may_probe


def pick(endpoints: tuple[Endpoint, ...], tried: Container[Endpoint], now: float) -> Endpoint | None:
    """The least loaded open endpoint that was not tried yet; the first of equals, whose prompt cache is warmest."""
    best: Endpoint | None = None
    for endpoint in endpoints:
        if (
            (best is None or endpoint.in_flight < best.in_flight)
            and is_open(endpoint.gate, now)
            and endpoint not in tried
        ):
            best = endpoint
    return best


def pick_probe(endpoints: tuple[Endpoint, ...], tried: Container[Endpoint]) -> Endpoint | None:
    """An endpoint whose breaker is open but may be probed: for when nobody in the chain is open."""
    for endpoint in endpoints:
        if may_probe(endpoint.gate) and endpoint not in tried:
            return endpoint
    return None
