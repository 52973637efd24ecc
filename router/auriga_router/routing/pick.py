"""The endpoint to ask among those of a Model: the one that knows the conversation, unless it is too busy. Pure."""

from __future__ import annotations

from collections.abc import Container
from itertools import islice
from typing import Final

from auriga_router.endpoint import Endpoint
from auriga_router.routing.gate import is_open, may_probe
from auriga_router.table import Backend

_SPREAD: Final = 1.25
"""How much more than its share an endpoint may have before a conversation goes to the next one on the ring.
https://research.google/blog/consistent-hashing-with-bounded-loads/"""
_STEPS: Final = 8
"""Endpoints looked at on the ring. If all of these are busy or closed, so is nearly every one."""


def pick(backend: Backend, key: int, tried: Container[Endpoint], now: float) -> Endpoint | None:
    """An open endpoint that was not tried yet. ``key``: of the conversation, 0 if there is none."""
    endpoints = backend.endpoints
    if key and backend.ring is not None:
        home = endpoints[backend.ring.home(key)]
        if is_open(home.gate, now) and not _is_busy(home, backend) and home not in tried:
            return home
        for index in islice(backend.ring.walk(key), 1, _STEPS):
            endpoint = endpoints[index]
            if is_open(endpoint.gate, now) and not _is_busy(endpoint, backend) and endpoint not in tried:
                return endpoint
    return least_loaded(endpoints, tried, now)


def least_loaded(endpoints: tuple[Endpoint, ...], tried: Container[Endpoint], now: float) -> Endpoint | None:
    """The least loaded open endpoint that was not tried yet; the first of equals."""
    best: Endpoint | None = None
    for endpoint in endpoints:
        if (
            (best is None or endpoint.in_flight < best.in_flight)
            and is_open(endpoint.gate, now)
            and endpoint not in tried
        ):
            if not endpoint.in_flight:
                return endpoint  # of hundreds only a few are busy
            best = endpoint
    return best


def pick_probe(endpoints: tuple[Endpoint, ...], tried: Container[Endpoint], now: float) -> Endpoint | None:
    """An endpoint whose breaker is open but may be probed: for when nobody in the chain is open."""
    for endpoint in endpoints:
        if may_probe(endpoint.gate, now) and endpoint not in tried:
            return endpoint
    return None


def _is_busy(endpoint: Endpoint, backend: Backend) -> bool:
    """Are all of its slots taken, or has it more than its share?"""
    load = endpoint.in_flight
    if not load:
        return False
    share = _SPREAD * (backend.slots.in_flight + 1) / len(backend.endpoints) + 1.0
    return load >= share or 0 < backend.parallel <= load
