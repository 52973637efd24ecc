"""Who may hold the memory now, who must leave, who waits: Models that do not fit together take turns. Pure.

The rules:

1. A process is ended only when nothing is in flight on it. Who must leave takes no new request, and finishes its own.
2. What nobody wants leaves: a Model whose load asks for no replica, and has none in flight.
3. Who fits comes at once. Who does not fit waits for others to leave; who is too large for all there is, never comes.
4. Who has waited longest comes first: nobody behind it gets memory that it waits for.
5. Nobody leaves unless enough do for the one that waits. Replicas beyond the first leave first, then Models that nobody
   asks, the least recently used first, then those at work, the one whose turn began first.
6. A Model that serves keeps its memory for a turn: twice what loading took it, at least MIN_TURN, and until those that
   waited when it came have been served; never longer than MAX_TURN. So most of the time goes to answers.
7. A Model that nobody asks any more gives its turn up after a moment: half of what loading took it, at most MAX_LINGER.
   So somebody who asks one thing after the other does not wait for a load each time.
8. Nobody waits for a Model that is woken while another member of its chain answers: it takes memory that is free, or
   that of Models that nobody has asked for a whole turn. For it, nobody at work leaves.
9. A Model that loads for somebody stays; if they have gone away, it may be made to leave.
10. Replicas beyond the first come only while nobody waits for a Model that may come.
11. Replicas that always stay (``least``) come before all others, and take no turns.

Hence between asking and coming every other Model comes at most once, and a Model that came is asked or lingers before
another one takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal

from auriga_cli.local.claim import NEVER, Claim


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a Model that is wanted has not come yet, and whom it waits for."""

    why: Literal["TooLarge", "Leaving", "Turn", "Line"]
    """Too large for all there is; others leave; it is the turn of others; others have waited longer."""
    others: tuple[str, ...] = ()
    until: float = NEVER
    """When the turn of the others is over, if that is known."""


@dataclass(frozen=True, slots=True)
class Turns:
    """The decision."""

    replicas: Mapping[str, int] = field(default_factory=dict)
    """Replicas that each Model may have from now on; fewer than run: the others must leave."""
    waits: Mapping[str, Wait] = field(default_factory=dict)
    wake_at: float = NEVER
    """When to decide anew, if nothing happens before."""


def decide(claims: Sequence[Claim], room: int, now: float) -> Turns:
    """Turns on one memory, of which ``room`` bytes are free (below zero: it is overfull)."""
    deciding = _Deciding(claims, room, now)
    for claim in sorted(filter(_comes, claims), key=_place_in_line):
        deciding.admit(claim)
    deciding.grow()
    return Turns(deciding.replicas, deciding.waits, deciding.wake_at)


def _comes(claim: Claim) -> bool:
    return not claim.running and claim.desired > 0


def _place_in_line(claim: Claim) -> tuple[bool, float, str]:
    if claim.least:
        return False, -NEVER, claim.model
    return claim.asked is None, claim.used if claim.asked is None else claim.asked, claim.model


def _stays(claim: Claim) -> int:
    return min(claim.running, max(claim.desired, claim.least, 0 if claim.idle else 1))


@dataclass(frozen=True, slots=True)
class _Share:
    """What comes free if a Model keeps only ``keep`` replicas, and from when on it would."""

    claim: Claim
    keep: int
    size: int
    at: float

    def rank(self) -> tuple[int, float, str]:
        """Who leaves first."""
        claim = self.claim
        if self.keep:
            return 0, claim.used, claim.model
        return (1, claim.used, claim.model) if claim.idle else (2, claim.ready or 0.0, claim.model)


class _Deciding:
    """One decision under way: what is left of the memory."""

    def __init__(self, claims: Sequence[Claim], room: int, now: float) -> None:
        self._claims = claims
        self._now = now
        self.replicas = {claim.model: _stays(claim) for claim in claims}
        self.waits: dict[str, Wait] = {}
        self.wake_at = NEVER
        self._free = room
        """Free now, and not what somebody waits for."""
        self._coming = room + sum(claim.leaving + claim.freed(self.replicas[claim.model]) for claim in claims)
        """Free once all have left that must, less what somebody waits for."""
        self._total = room + sum(claim.leaving + claim.held for claim in claims)

    def admit(self, claim: Claim) -> None:
        """Lets it come, or makes others leave for it, or has it wait."""
        if claim.size > self._total:
            self.waits[claim.model] = Wait("TooLarge")
        elif claim.size <= self._free:
            self._begin(claim)
        elif self._make_room(claim) or claim.asked is not None:
            self._coming -= claim.size
            self._free = min(self._free, self._coming)

    def grow(self) -> None:
        """Lets more replicas come to those that serve, unless somebody waits for a Model that may come."""
        if any(self._awaited(claim) for claim in self._claims):
            return
        for claim in self._claims:
            more = claim.desired - self.replicas[claim.model] if claim.ready is not None else 0
            for _ in range(more):
                if claim.size <= self._free:
                    self._begin(claim)

    def _awaited(self, claim: Claim) -> bool:
        wait = self.waits.get(claim.model)
        return wait is not None and wait.why != "TooLarge" and (claim.asked is not None or claim.least > 0)

    def _begin(self, claim: Claim) -> None:
        self.replicas[claim.model] += 1
        self._coming -= claim.size
        self._free -= claim.size

    def _make_room(self, claim: Claim) -> bool:
        """Whether its memory is on its way; who must leave for that is told to."""
        lacking = claim.size - self._coming
        shares = self._shares(Claim.quiet_at if claim.asked is None else Claim.yields_at)
        leaving = _least([share for share in shares if share.at <= self._now], lacking)
        if leaving is None:
            self.waits[claim.model] = self._not_yet(shares, lacking)
            return False
        for share in leaving:
            self.replicas[share.claim.model] = share.keep
            self._coming += share.size
        self.waits[claim.model] = Wait("Leaving", self._leaving())
        return True

    def _shares(self, at: Callable[[Claim], float]) -> list[_Share]:
        """What could be set free, in the order in which it would be."""
        shares = []
        for claim in self._claims:
            stays = self.replicas[claim.model] if claim.running else 0
            first = max(claim.least, 1)
            if stays > first:
                shares.append(_Share(claim, first, claim.freed(first) - claim.freed(stays), 0.0))
            if stays and not claim.least:
                shares.append(_Share(claim, 0, claim.freed(0) - claim.freed(1), at(claim)))
        return sorted(shares, key=_Share.rank)

    def _not_yet(self, shares: Sequence[_Share], lacking: int) -> Wait:
        """Whose turn it is, and until when; if that would not be enough, it is the line that it waits for."""
        soonest = sorted(shares, key=lambda share: share.at)
        for number, size in enumerate(accumulate(share.size for share in soonest)):
            if size >= lacking:
                until = soonest[number].at
                self.wake_at = min(self.wake_at, until)
                others = (share.claim.model for share in soonest[: number + 1])
                return Wait("Turn", tuple(dict.fromkeys(others)), until)
        return Wait("Line", tuple(model for model, wait in self.waits.items() if wait.why != "TooLarge"))

    def _leaving(self) -> tuple[str, ...]:
        return tuple(
            claim.model for claim in self._claims if claim.leaving or self.replicas[claim.model] < claim.running
        )


def _least(shares: Sequence[_Share], lacking: int) -> list[_Share] | None:
    """As many of the first as it takes, without those that prove needless; None if all are not enough."""
    chosen: list[_Share] = []
    for share in shares:
        if lacking <= 0:
            break
        chosen.append(share)
        lacking -= share.size
    if lacking > 0:
        return None
    for share in list(chosen):
        if lacking + share.size <= 0:
            chosen.remove(share)
            lacking += share.size
    return chosen
