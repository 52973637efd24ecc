"""Who may still be asked on behalf of one call, and how. Pure.

An endpoint that dies is in the snapshot until its death is seen, which takes a moment here and a second or two in a
cluster. So one whose connection was lost may be hoped for where nobody else is left: for a while, and once more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from auriga_router.adapter import Adapter, adapter
from auriga_router.call import Call
from auriga_router.dialects import COUNTS_TOKENS
from auriga_router.endpoint import Endpoint
from auriga_router.ports import Clock
from auriga_router.resuming import Resuming
from auriga_router.routing.choose import Wait, can_answer, choose, choose_or_wait, wake, who_comes
from auriga_router.routing.outcome import Outcome
from auriga_router.table import Member
from auriga_router.translate import RequestError, Translation
from auriga_router.trial import Trial

UNSEEN: Final = 5.0
"""Seconds that the death of an endpoint may go unseen: then it is asked once more."""
MOST_DEATHS: Final = 1
"""Endpoints that may die in a row under one request without a word: perhaps it is what they die of."""


class Candidate:
    """Whom to ask next."""

    __slots__ = ("adapter", "endpoint", "member")

    def __init__(self, member: Member, endpoint: Endpoint, adapter: Adapter) -> None:
        self.member = member
        self.endpoint = endpoint
        self.adapter = adapter


class _Loss:
    """One endpoint that seems to have died."""

    __slots__ = ("allowed", "until")

    def __init__(self, until: float) -> None:
        self.until = until
        """Left alone until this moment."""
        self.allowed = False
        """It counts as not tried from then on: so it is asked once more."""


class Candidates:
    """The members and endpoints of a chain, less those that were tried."""

    __slots__ = (
        "_broke", "_call", "_deaths", "_first", "_lost", "_overflowed", "_stalled", "_tried", "_tried_before",
        "_wall_now", "refused",
    )  # fmt: skip

    def __init__(self, call: Call, wall_now: Clock) -> None:
        self._call = call
        self._wall_now = wall_now
        self._tried: list[Endpoint] = []
        self._broke: list[Endpoint] = []
        """Those whose answer broke off: for its rest they are asked again, if nobody else can go on."""
        self._first = ""
        """Who is best at going on: key of the Model whose answer it is."""
        self._deaths = 0
        """How many died in a row while they had the request, and had shown nothing."""
        self._stalled: Endpoint | None = None
        """Where its answer stalled first, of the endpoints that are ours."""
        self._lost: dict[Endpoint, _Loss] | None = None
        self._tried_before = 0
        """How many were tried before the first break."""
        self._overflowed = call.least_tokens
        """The largest context (tokens) that is known to be too small."""
        self.refused: RequestError | None = None
        """Why the request cannot be said to a member that might have answered."""

    def next(self, now: float, rest: Translation | None = None) -> Candidate | Wait | None:
        """Whom to ask for an answer, or for the rest of one; members that it cannot be said to are passed over.

        It may be said to wait.
        """
        while True:
            call = self._call
            if rest is None:
                choice = choose_or_wait(call.chain, call.needs, self._tried, self._overflowed, now, key=call.key)
            else:
                choice = self._choose_for(rest, now)
            if choice is None or isinstance(choice, Wait):
                in_vain = choice is not None and self._deaths > MOST_DEATHS and choice.member.backend.asleep
                return None if in_vain else choice
            member, endpoint = choice
            try:
                if rest is None:
                    return Candidate(member, endpoint, adapter(call, member.backend, self._wall_now))
                return Candidate(member, endpoint, Resuming(call, member.backend, rest))
            except RequestError as error:
                self.refused = error
                self._tried.extend(member.backend.endpoints)

    def wake(self, choice: Candidate | Wait | None, now: float) -> bool:
        """Wake the members that this choice has passed over, or waits for. Gives whether there was one."""
        before = None if choice is None else choice.member
        return wake(self._call.chain, self._call.needs, self._overflowed, before, now)

    def others(self, endpoint: Endpoint, now: float) -> bool:
        """Could anybody but this endpoint be asked?"""
        call = self._call
        return choose(call.chain, call.needs, [*self._tried, endpoint], self._overflowed, now, key=call.key) is not None

    def failed(self, trial: Trial, outcome: Outcome, now: float) -> None:
        """It was tried, and gave no answer."""
        member, endpoint = trial.member, trial.endpoint
        loss = None if self._lost is None else self._lost.pop(endpoint, None)
        if outcome is Outcome.CONNECT and (loss is None or trial.started < loss.until):
            # Refused in the same 5 seconds as its answer broke off: that is the same death. One that took the request
            # and was lost with it has died now.
            refused = loss is not None and loss.until > now and not trial.sent
            self._lose(member, endpoint, loss.until - UNSEEN if loss is not None and refused else now)
            self._deaths += trial.sent > 0.0
        if outcome is Outcome.CONTEXT_OVERFLOW:
            self._overflowed = max(self._overflowed, member.backend.context_length)
            self._tried.extend(member.backend.endpoints)
        else:
            self._tried.append(endpoint)

    def broke(self, trial: Trial, outcome: Outcome, now: float) -> None:
        """Its answer broke off. After a cut it may be asked for the rest."""
        member, endpoint = trial.member, trial.endpoint
        again = outcome is Outcome.CUT or self._may_hang(member, endpoint, outcome)
        if not self._first:
            self._tried_before = len(self._tried)
        self._first = member.backend.key
        self._broke.append(endpoint)
        self._deaths = 0
        if again:
            self._lose(member, endpoint, now)
        else:
            self._give_up(endpoint)  # also if it was cut before: now it is known to be there, and silent

    def _give_up(self, endpoint: Endpoint) -> None:
        if self._lost is not None:
            self._lost.pop(endpoint, None)
        self._tried.append(endpoint)

    def _may_hang(self, member: Member, endpoint: Endpoint, outcome: Outcome) -> bool:
        """Has it fallen silent as an engine does that hangs, and is ended and started again because of that?

        Believed once: perhaps the request is what they hang of. One that was cut before is there, and silent.
        """
        if outcome is not Outcome.STALL or member.backend.external:
            return False
        if self._stalled is not None:
            self._give_up(self._stalled)
            return False
        if endpoint in self._broke:
            return False
        self._stalled = endpoint
        return True

    def _lose(self, member: Member, endpoint: Endpoint, now: float) -> None:
        if not member.backend.external:  # nobody here restarts a provider
            self._lost = (self._lost or {}) | {endpoint: _Loss(now + UNSEEN)}

    def may_return(self, now: float, rest: Translation | None = None) -> bool:
        """Where nobody is left: is there one who seems to have died, and is in the snapshot still?

        It may be asked once more when its time has come, as soon as its breaker lets it.
        """
        call, found = self._call, False
        if self._lost is None or self._deaths > MOST_DEATHS or COUNTS_TOKENS in call.needs:
            return False
        needs = self._needs(rest)
        for member in call.chain.members:
            if can_answer(member, needs, self._overflowed):
                for endpoint in member.backend.endpoints:
                    found = self._may_return(endpoint, self._lost, now) or found
        return found

    def _may_return(self, endpoint: Endpoint, lost: dict[Endpoint, _Loss], now: float) -> bool:
        loss, gate = lost.get(endpoint), endpoint.gate
        if loss is None or now < loss.until:
            return loss is not None
        if not loss.allowed:
            loss.allowed = True
            self._tried = [tried for tried in self._tried if tried is not endpoint]
        # What one that its breaker has let through has found out counts for all: let through one by one, the last of
        # many would wait until the deadline.
        in_vain = gate.trouble is not None and gate.trouble_at >= loss.until
        return not in_vain and endpoint not in self._tried

    def begin_anew(self) -> None:
        """Nobody can go on with the answer, and it has not left: those who failed to may answer from the start."""
        self._tried[self._tried_before :] = self._broke
        self._broke.clear()
        self._first = ""

    def _needs(self, rest: Translation | None) -> frozenset[str]:
        call = self._call
        if rest is None or call.operation.wire is None:  # a plain completion goes on from its prompt: all take that
            return call.needs
        return call.needs | {"prefill"} if rest.tape is not None and rest.tape.text else call.needs

    def _choose_for(self, rest: Translation, now: float) -> tuple[Member, Endpoint] | Wait | None:
        """Another endpoint of the same Model, else the next member that can prefill, else the same endpoint again.

        Else the first of them that comes back, or wakes.
        """
        call, needs = self._call, self._needs(rest)
        chain = call.chain
        first = tuple(member for member in chain.members if member.backend.key == self._first)
        for avoided in ([*self._tried, *self._broke], self._tried):
            for asked in (replace(chain, members=first), chain):
                choice = choose(asked, needs, avoided, self._overflowed, now, key=call.key)
                if choice is not None:
                    return choice
        return who_comes(chain, needs, self._overflowed, now, begun=True)
