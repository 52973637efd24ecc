"""What to try next: the first member in order that can be asked, and one of its endpoints. Pure."""

from __future__ import annotations

import math
from collections.abc import Container
from typing import Final

from auriga_router.dialects import COUNTS_TOKENS, Skipped
from auriga_router.endpoint import Endpoint
from auriga_router.routing.gate import state
from auriga_router.routing.pick import pick, pick_probe
from auriga_router.routing.stuck import is_stuck, may_pass
from auriga_router.routing.told import for_callers
from auriga_router.table import Chain, Member

LIMITED: Final = "Limited"
"""The reason why a member is not asked whose limits per minute are used up."""
NOT_READY_RETRY_AFTER = 5.0
"""Seconds after which to ask again when no member is ready: about what a change takes to be seen."""


def choose(
    chain: Chain, needs: frozenset[str], tried: Container[Endpoint], overflowed: int, now: float, *, key: int = 0
) -> tuple[Member, Endpoint] | None:
    """The next attempt, or None if nobody is left.

    ``needs``: what a member must be capable of. ``overflowed``: the largest context (tokens) that was too small, or 0.
    ``key``: of the conversation. When breakers block all of the chain, one probe at a time goes through at once.
    The Models' limits do not count: what is begun is to be brought to an end.
    """
    for member in chain.members:
        if can_answer(member, needs, overflowed):
            endpoint = pick(member.backend, key, tried, now)
            if endpoint is not None:
                return member, endpoint
    return _probe(chain, needs, tried, overflowed, now)


def _probe(
    chain: Chain, needs: frozenset[str], tried: Container[Endpoint], overflowed: int, now: float
) -> tuple[Member, Endpoint] | None:
    for member in chain.members:
        if can_answer(member, needs, overflowed):
            endpoint = pick_probe(member.backend.endpoints, tried, now)
            if endpoint is not None:
                return member, endpoint
    return None


class Wait:
    """Nobody can be asked now, but in this member's queue is a place."""

    __slots__ = ("member",)

    def __init__(self, member: Member) -> None:
        self.member = member


def choose_or_wait(
    chain: Chain, needs: frozenset[str], tried: Container[Endpoint], overflowed: int, now: float, *, key: int = 0
) -> tuple[Member, Endpoint] | Wait | None:
    """As ``choose``, within the Models' limits: where to wait for a slot, or for an endpoint, if the chain says so.

    Where nobody else is left, also if it does not: for a member that starts, or starts again.
    """
    wait: Wait | None = None
    for member in chain.members:
        backend = member.backend
        slots = backend.slots
        if not can_answer(member, needs, overflowed):
            if chain.waits_for_cold and backend.cold and _is_worth_waiting(member, needs, overflowed, now):
                return wait or Wait(member)
            continue
        if slots.pace is not None and slots.pace.wait(now) > 0.0:
            continue
        endpoint = pick(backend, key, tried, now)
        if endpoint is None:
            continue
        # The usual case first, without a call: this is done for every request.
        if (slots.in_flight < slots.capacity and not slots.queue) or slots.has_room():
            return member, endpoint
        if wait is None and slots.may_wait():
            wait = Wait(member)
            if chain.queues:
                return wait
    return wait or _probe(chain, needs, tried, overflowed, now) or who_comes(chain, needs, overflowed, now)


def who_comes(chain: Chain, needs: frozenset[str], overflowed: int, now: float, *, begun: bool = False) -> Wait | None:
    """Whom to wait for where nobody is left: a member that starts, or starts again, if that may be done in time.

    ``begun``: a part of the answer is out. It had a slot, and is to be brought to an end: the queue is not too long.
    """
    for member in chain.members:
        backend = member.backend
        if not (backend.starts or backend.returns):
            continue
        if backend.progress is not None and backend.progress.left > chain.deadline:
            continue
        if _is_worth_waiting(member, needs, overflowed, now, begun=begun):
            return Wait(member)
    return None


def wake(chain: Chain, needs: frozenset[str], overflowed: int, before: Member | None, now: float) -> bool:
    """Count the request at the members that would have been asked ``before`` this one if they had an endpoint.

    That is what wakes them. Gives whether there was one.
    """
    found = False
    for member in chain.members:
        if member.backend.asleep and _lacks_only_an_endpoint(member, needs, overflowed):
            member.backend.slots.want(now)
            found = True
        if member is before:
            break
    return found


def _is_to_come(member: Member, needs: frozenset[str], overflowed: int) -> bool:
    """Has it no endpoint yet, or again, and is that all that it lacks?"""
    return (member.backend.cold or member.backend.returns) and _lacks_only_an_endpoint(member, needs, overflowed)


def _is_worth_waiting(
    member: Member, needs: frozenset[str], overflowed: int, now: float, *, begun: bool = False
) -> bool:
    """Is it on its way as far as is known, and is there a place in its queue?"""
    backend = member.backend
    if not _is_to_come(member, needs, overflowed) or is_stuck(backend, now):
        return False
    return begun or backend.slots.may_wait()


def _lacks_only_an_endpoint(member: Member, needs: frozenset[str], overflowed: int) -> bool:
    """Would this request be worth a start? Tokens are estimated where nobody can count them."""
    backend = member.backend
    return (
        COUNTS_TOKENS not in needs
        and member.not_ready is backend.not_ready
        and needs <= backend.capabilities
        and not 0 < backend.context_length <= overflowed
    )


def can_answer(member: Member, needs: frozenset[str], overflowed: int = 0) -> bool:
    """Is it ready, able, and not known to be too small?"""
    backend = member.backend
    return member.not_ready is None and needs <= backend.capabilities and not 0 < backend.context_length <= overflowed


def skipped(
    chain: Chain, needs: frozenset[str], asked: Container[str], now: float, overflowed: int = 0
) -> list[Skipped]:
    """The members that were not asked, and why. ``asked``: names of those that were; ``overflowed`` as for others."""
    left = [member for member in chain.members if member.backend.name not in asked]
    reasons = [_reason(member, needs, overflowed, now) for member in left]
    return [
        Skipped(member.backend.name, reason, _why(member, reason, now))
        for member, reason in zip(left, reasons, strict=True)
    ]


def retry_after(chain: Chain, needs: frozenset[str], now: float, overflowed: int = 0) -> int | None:
    """Whole seconds until one of the chain's endpoints may be asked again. None: no waiting helps by itself."""
    waits = [
        max(endpoint.gate.blocked_until - now, member.backend.slots.delay(now))
        for member in chain.members
        if can_answer(member, needs, overflowed)
        for endpoint in member.backend.endpoints
    ]
    starts = [
        member.backend.progress.left + NOT_READY_RETRY_AFTER
        for member in chain.members
        if member.backend.progress is not None and _is_to_come(member, needs, overflowed)
    ]
    if not waits and not starts and not any(_may_come(member, needs, overflowed) for member in chain.members):
        return None
    return max(1, math.ceil(min(waits or starts, default=NOT_READY_RETRY_AFTER)))


def _may_come(member: Member, needs: frozenset[str], overflowed: int) -> bool:
    """May it get an endpoint without anybody changing something?"""
    return may_pass(member.backend) and _lacks_only_an_endpoint(member, needs, overflowed)


def _why(member: Member, reason: str, now: float) -> str:
    """Which limit it is, or what its status says, for those who would have waited for it."""
    backend = member.backend
    if reason == LIMITED and backend.slots.pace is not None:
        return backend.slots.pace.used_up(now)
    if not backend.asleep or backend.not_ready is None or member.not_ready is not backend.not_ready:
        return ""
    if backend.not_ready.reason == "NoEndpoints":
        return ""  # nobody has said more
    return for_callers(backend.not_ready.message)


def _reason(member: Member, needs: frozenset[str], overflowed: int, now: float) -> str:
    if member.not_ready is not None:
        return member.not_ready.reason
    if not needs <= member.backend.capabilities:
        return "NoCapability"
    if not can_answer(member, needs, overflowed):
        return "ContextOverflow"
    if member.backend.slots.delay(now) > 0.0:
        return LIMITED
    if not member.backend.slots.has_room():
        return "Busy"
    states = {state(endpoint.gate, now) for endpoint in member.backend.endpoints}
    return "NotTried" if "Closed" in states else ",".join(sorted(states))
