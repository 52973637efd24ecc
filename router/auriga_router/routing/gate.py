"""When an endpoint may be asked: its breaker (closed, open, half-open) and its 429 gate, as one moment in time.

Pure functions over a ``Gate``; ``now`` is passed in (seconds on a monotonic clock). A gate that is open for probes
lets exactly one request through at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from auriga_router.routing.outcome import FAILURES, Outcome, bits

DEFAULT_RETRY_AFTER: Final = 1.0
"""Seconds that a 429 without Retry-After closes the gate."""
MAX_RETRY_AFTER: Final = 3600.0


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """``RoleChain.spec.breaker`` with times in seconds."""

    failures: int = 5
    window: float = 30.0
    cooldown: float = 15.0


_CALLERS: Final = bits(Outcome.CANCELLED, Outcome.CLIENT_ERROR, Outcome.CONTEXT_OVERFLOW)
"""Outcomes that say nothing about the endpoint."""
_REMEMBERED: Final = 600.0
"""Seconds after which the last failure of an endpoint that nobody has asked since is no news any more."""


@dataclass(slots=True)
class Gate:
    """The state of one endpoint. Outlives routing tables."""

    blocked_until: float = 0.0
    """Nobody goes through before: because of its breaker, its 429s, or both."""
    asked_until: float = 0.0
    """How much of that a 429 has asked for: no probe goes through before, either."""
    tripped: bool = False
    """The breaker is open, or half-open once ``blocked_until`` has passed."""
    probing: bool = False
    """The one probe of a half-open breaker is under way."""
    failures: list[float] = field(default_factory=list)
    """When the last failures in a row happened. (A deque takes ten times the memory while it is empty.)"""
    trouble: Outcome | None = None
    """What the last attempt came to, if it was no answer."""
    trouble_at: float = 0.0


def is_open(gate: Gate, now: float) -> bool:
    """May a request go through? For a tripped breaker that means: as its probe."""
    return gate.blocked_until <= now and not (gate.tripped and gate.probing)


def may_probe(gate: Gate, now: float) -> bool:
    """May a single probe go through early, because nobody else in the chain can answer? Never through a 429 gate."""
    return gate.tripped and not gate.probing and gate.asked_until <= now


def enter(gate: Gate) -> bool:
    """A request goes through. True if it is the probe: then its outcome must come back through ``observe``."""
    if gate.tripped:
        gate.probing = True
    return gate.tripped


def observe(
    gate: Gate, outcome: Outcome, now: float, settings: BreakerSettings, *, probe: bool, retry_after: float | None
) -> None:
    """Note what an attempt came to."""
    if probe:
        gate.probing = False
    if not _CALLERS & outcome.bit:
        gate.trouble, gate.trouble_at = (None if outcome is Outcome.OK else outcome), now
    if outcome is Outcome.OK:
        if gate.tripped or gate.failures:
            _close(gate)
    elif outcome is Outcome.RATE_LIMITED:
        _close(gate)
        wait = DEFAULT_RETRY_AFTER if retry_after is None else min(retry_after, MAX_RETRY_AFTER)
        gate.blocked_until = gate.asked_until = max(gate.blocked_until, now + wait)
    elif FAILURES & outcome.bit:
        _count_failure(gate, now, settings, probe=probe)
    elif probe and outcome is not Outcome.CANCELLED:
        _close(gate)


def state(gate: Gate, now: float) -> str:
    """For people: Closed, Open, HalfOpen or RateLimited."""
    if gate.tripped and gate.asked_until <= now:
        return "Open" if gate.blocked_until > now else "HalfOpen"
    return "RateLimited" if gate.blocked_until > now else "Closed"


def well(gate: Gate, now: float) -> bool:
    """Would it answer, for all that is known? A half-open breaker lets one request find out; it is not known yet."""
    return condition(gate, now) == "Closed"


def condition(gate: Gate, now: float) -> str:
    """As ``state``, but a closed one that has failed lately shows how: Connect, Unauthorized ..."""
    shown = state(gate, now)
    if shown == "Closed" and gate.trouble is not None and now - gate.trouble_at < _REMEMBERED:
        return gate.trouble.value
    return shown


def _close(gate: Gate) -> None:
    gate.blocked_until = gate.asked_until
    gate.tripped = False
    gate.failures.clear()


def _count_failure(gate: Gate, now: float, settings: BreakerSettings, *, probe: bool) -> None:
    gate.failures = [moment for moment in gate.failures if moment >= now - settings.window] + [now]
    if probe or len(gate.failures) >= settings.failures:
        gate.tripped = True
        gate.blocked_until = max(gate.blocked_until, now + settings.cooldown)
        gate.failures.clear()
