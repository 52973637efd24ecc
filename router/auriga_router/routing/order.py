"""In which order the members of a chain are tried. Pure. One function for each strategy."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from auriga_api.rolechain import Strategy
from auriga_router.table import Chain, Member, NotReady

_ASKED_FIRST = -1.0
_HARDLY_EVER = 0.01
"""A success rate below which it does not matter any more how much below."""


class Moment(NamedTuple):
    """What an order depends on beside the chain."""

    now: float
    streamed: bool
    random: Callable[[], float]
    """From 0 to below 1."""


def arranged(chain: Chain, needs: Collection[str], moment: Moment) -> Chain:
    """The chain with its members in the order in which this request should try them.

    ``needs``: the capabilities that the request needs. Members that are for other requests say so.
    """
    order = _ORDERS.get(chain.strategy)
    members = chain.members
    if order is not None:
        # Sorting is stable: what is equal stays as it is written.
        members = tuple(sorted(members, key=lambda member: order(member, moment)))
    return chain.with_members(tuple(_for_these(member, needs) for member in members))


def _for_these(member: Member, needs: Collection[str]) -> Member:
    if not member.only_for or not member.only_for.isdisjoint(needs):
        return member
    return member.excluded(NotReady("When", f"only for requests that need {' or '.join(sorted(member.only_for))}"))


def _weighted(member: Member, moment: Moment) -> float:
    """A race with one runner for each member: each wins as often as its weight says, and so on for the places."""
    return -math.log(1.0 - moment.random()) / member.weight if member.weight else math.inf


def _by_latency(member: Member, moment: Moment) -> float:
    """The fastest one; but one that nobody has asked for a while is asked once, or it would never be known again."""
    recent = member.tally.recent
    if recent is None or (not recent.fresh(moment.now) and not member.backend.slots.in_flight):
        return _ASKED_FIRST
    return recent.latency(streamed=moment.streamed) or math.inf


def _by_cost(member: Member, moment: Moment) -> float:
    return member.backend.price


def _adaptive(member: Member, moment: Moment) -> float:
    """Seconds until it would have answered: a failure costs another try, and who is busy takes longer."""
    backend, recent = member.backend, member.tally.recent
    latency = _by_latency(member, moment)
    if recent is None or latency == _ASKED_FIRST:
        return latency
    busy = backend.slots.in_flight / max(1, len(backend.endpoints))
    return latency * (1.0 + busy) / max(recent.success, _HARDLY_EVER)


_ORDERS: Mapping[Strategy, Callable[[Member, Moment], float]] = {
    "Weighted": _weighted,
    "LeastLatency": _by_latency,
    "LeastCost": _by_cost,
    "Adaptive": _adaptive,
}
