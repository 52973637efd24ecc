"""What a new routing table means to those who wait in the queues of its Models. Pure."""

from __future__ import annotations

import math

from auriga_router.routing.pace import Pace
from auriga_router.routing.stuck import is_held_up
from auriga_router.table import Backend, RoutingTable
from auriga_router.workers.shares import ALONE, Shares

_IN_COMMON = -1


def resize(before: Backend | None, backend: Backend | None, now: float, shares: Shares = ALONE) -> None:
    """Those that wait for a Model that has changed look again, also if it is gone; not if it is still on its way.

    ``shares``: what of its limits is this process's.
    """
    if backend is not None:
        slots = backend.slots
        slots.held_up_since = min(slots.held_up_since, now) if is_held_up(backend) else math.inf
        if before is not None and before.endpoints != backend.endpoints and slots.requests:
            slots.touch()
        if slots.pace is None and shares.moments is not None and (backend.per_minute or backend.tokens_per_minute):
            slots.pace = Pace(until=shares.moments(backend.key))
        slots.resize(*_bounds(backend, shares), backend.per_minute, backend.tokens_per_minute)
        if not backend.cold:
            slots.call(now)
    elif before is not None:
        before.slots.share(None)
        before.slots.resize(0, 0, 0)
        before.slots.call(now)


def _bounds(backend: Backend, shares: Shares) -> tuple[int, int]:
    """How many requests this process may have under way, and waiting."""
    slots = backend.slots
    if shares.place is None or not backend.is_limited:
        slots.share(None)
        # Its slots are what there is; each of several workers may fill them, as each of several routers may.
        return backend.capacity, shares.of(backend.max_queued)
    common = slots.common or shares.place(slots)
    common.resize(backend.capacity, backend.max_queued)
    slots.share(common)
    return _IN_COMMON, _IN_COMMON


def call_edited(before: RoutingTable, table: RoutingTable, now: float) -> None:
    """Those that wait in a RoleChain that was edited or deleted look again: it may lead elsewhere now."""
    for key in table.edited:
        chain = before.chains.get(key)
        for member in chain.members if chain is not None else ():
            member.backend.slots.call(now)


def call_beside(table: RoutingTable, model: str, now: float) -> None:
    """A Model has got its first endpoint: who waits for another one beside it in a chain may be served by it."""
    for chain in table.chains.values():
        if chain.has_asleep and model in chain.models:
            for member in chain.members:
                if member.backend.asleep and member.backend.slots.waiting:
                    member.backend.slots.call(now)
