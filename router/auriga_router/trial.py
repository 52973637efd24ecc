"""The bookkeeping of one attempt: load, breaker, counters, record. Knows neither bytes nor sockets."""

from __future__ import annotations

from typing import Final

from auriga_router.attempts import Attempt
from auriga_router.call import Call
from auriga_router.endpoint import Endpoint
from auriga_router.recent import Recent
from auriga_router.routing import gate
from auriga_router.routing.gate import BreakerSettings
from auriga_router.routing.outcome import Outcome, bits
from auriga_router.table import Member

_OK: Final = Outcome.OK
_SAYS_NOTHING: Final = bits(Outcome.CANCELLED, Outcome.CLIENT_ERROR, Outcome.CONTEXT_OVERFLOW)
"""Outcomes that say nothing of how well the Model does."""


class Trial:
    """An attempt under way. ``end`` must be called exactly once."""

    __slots__ = ("_probe", "ended", "endpoint", "member", "reserved", "sent", "started", "status", "streamed")

    def __init__(self, member: Member, endpoint: Endpoint, now: float) -> None:
        self.member = member
        self.endpoint = endpoint
        self.started = now
        self.ended = False
        self.sent = 0.0
        """When the request went out; 0 while there is no connection."""
        self.status = 0
        self.streamed = False
        self.reserved = 0
        """Tokens that it was thought to take, of a Model with a limit of them."""
        endpoint.in_flight += 1
        endpoint.asked_at = now
        member.backend.slots.begin(now)
        self._probe = gate.enter(endpoint.gate)

    def reserve(self, tokens: int, now: float) -> None:
        """It will take about so many, beside its answer."""
        pace = self.member.backend.slots.pace
        if pace is not None:
            self.reserved = max(tokens, 1)
            pace.spend(self.reserved, now)

    def settle(self, tokens: int, now: float) -> None:
        """It took so many."""
        pace = self.member.backend.slots.pace
        if pace is not None:
            pace.spend(tokens - self.reserved, now)

    def first_content(self, now: float) -> None:
        """The stream has begun to say something."""
        tally = self.member.tally
        tally.first_token.add(now - self.sent)
        if tally.recent is not None:
            tally.recent.took(now - self.sent, streamed=True, now=now)
        self.streamed = True

    def end(self, outcome: Outcome, now: float, breaker: BreakerSettings, retry_after: float | None = None) -> None:
        """It came to this."""
        self.ended = True
        self.endpoint.in_flight -= 1
        if self._probe or outcome is not _OK or self.endpoint.gate.trouble is not None:
            gate.observe(self.endpoint.gate, outcome, now, breaker, probe=self._probe, retry_after=retry_after)
        tally = self.member.tally
        tally.outcomes[outcome.ordinal] += 1
        if outcome is _OK:
            tally.duration.add(now - self.started)
        if tally.recent is not None and not _SAYS_NOTHING & outcome.bit:
            self._remember(tally.recent, outcome, now)
        # Last: whoever waits for the slot takes it now.
        self.member.backend.slots.end(now)

    def _remember(self, recent: Recent, outcome: Outcome, now: float) -> None:
        if outcome is _OK and not self.streamed:
            recent.took(now - self.started, streamed=False, now=now)
        recent.ended(answered=outcome is _OK, now=now)

    def record(self, call: Call, outcome: Outcome, now: float) -> Attempt:
        """The attempt, ended, for logs."""
        return Attempt(
            call.request_id.decode("ascii"),
            call.chain.role,
            self.member.backend.key,
            self.endpoint.name,
            outcome,
            self.status,
            (now - self.started) * 1000,
            call.operation.dialect.name,
            call.stream,
        )
