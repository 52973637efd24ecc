"""Who may still be asked on behalf of one call, and how. Pure."""

from __future__ import annotations

from dataclasses import replace

from auriga_router.adapter import Adapter, adapter
from auriga_router.call import Call
from auriga_router.endpoint import Endpoint
from auriga_router.ports import Clock
from auriga_router.resuming import Resuming
from auriga_router.routing.choose import Wait, choose, choose_or_wait, wake
from auriga_router.routing.outcome import Outcome
from auriga_router.table import Member
from auriga_router.translate import RequestError, Translation


class Candidate:
    """Whom to ask next."""

    __slots__ = ("adapter", "endpoint", "member")

    def __init__(self, member: Member, endpoint: Endpoint, adapter: Adapter) -> None:
        self.member = member
        self.endpoint = endpoint
        self.adapter = adapter


class Candidates:
    """The members and endpoints of a chain, less those that were tried."""

    __slots__ = ("_broke", "_call", "_first", "_overflowed", "_tried", "_tried_before", "_wall_now", "refused")

    def __init__(self, call: Call, wall_now: Clock) -> None:
        self._call = call
        self._wall_now = wall_now
        self._tried: list[Endpoint] = []
        self._broke: list[Endpoint] = []
        """Those whose answer broke off: for its rest they are asked again, if nobody else can go on."""
        self._first: tuple[Member, ...] = ()
        """Who is best at going on: the member whose answer it is."""
        self._tried_before = 0
        """How many were tried before the first break."""
        self._overflowed = call.least_tokens
        """The largest context (tokens) that is known to be too small."""
        self.refused: RequestError | None = None
        """Why the request cannot be said to a member that might have answered."""

    def next(self, now: float, rest: Translation | None = None) -> Candidate | Wait | None:
        """Whom to ask for an answer, or for the rest of one; members that it cannot be said to are passed over.

        For an answer it may be said to wait.
        """
        while True:
            choice = self._choose(now) if rest is None else self._choose_for(rest, now)
            if choice is None or isinstance(choice, Wait):
                return choice
            member, endpoint = choice
            try:
                return Candidate(member, endpoint, self._adapter(member, rest))
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

    def failed(self, member: Member, endpoint: Endpoint, outcome: Outcome) -> None:
        """It was tried, and gave no answer."""
        if outcome is Outcome.CONTEXT_OVERFLOW:
            self._overflowed = max(self._overflowed, member.backend.context_length)
            self._tried.extend(member.backend.endpoints)
        else:
            self._tried.append(endpoint)

    def broke(self, member: Member, endpoint: Endpoint, *, again: bool) -> None:
        """Its answer broke off. ``again``: it may be asked for the rest."""
        if not self._first:
            self._tried_before = len(self._tried)
        self._first = (member,)
        self._broke.append(endpoint)
        if not again:
            self._tried.append(endpoint)

    def begin_anew(self) -> None:
        """Nobody can go on with the answer, and it has not left: those who failed to may answer from the start."""
        self._tried[self._tried_before :] = self._broke
        self._broke.clear()
        self._first = ()

    def _adapter(self, member: Member, rest: Translation | None) -> Adapter:
        if rest is None:
            return adapter(self._call, member.backend, self._wall_now)
        return Resuming(self._call, member.backend, rest)

    def _choose(self, now: float) -> tuple[Member, Endpoint] | Wait | None:
        call = self._call
        return choose_or_wait(call.chain, call.needs, self._tried, self._overflowed, now, key=call.key)

    def _choose_for(self, rest: Translation, now: float) -> tuple[Member, Endpoint] | None:
        """Another endpoint of the same Model, else the next member that can prefill, else the same endpoint again."""
        call = self._call
        chats = call.operation.wire is not None  # a plain completion goes on from its prompt, which everybody takes
        needs = call.needs | {"prefill"} if chats and rest.tape is not None and rest.tape.text else call.needs
        chain = call.chain
        for avoided in ([*self._tried, *self._broke], self._tried):
            for asked in (replace(chain, members=self._first), chain):
                choice = choose(asked, needs, avoided, self._overflowed, now, key=call.key)
                if choice is not None:
                    return choice
        return None
