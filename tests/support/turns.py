"""A simulated machine whose Models take turns: its decisions are `auriga_cli.local.turns`', its time is a number."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from auriga_cli.local.claim import MAX_LINGER, MAX_TURN, MIN_TURN, Claim
from auriga_cli.local.turns import Turns, decide

PARALLEL = 2


@dataclass
class Seen:
    """One Model of the simulated machine."""

    name: str
    size: int
    load_time: float
    waiting: int = 0
    in_flight: int = 0
    leaving: list[int] = field(default_factory=list)
    """Requests in flight of each process that was told to leave."""
    loading: bool = False
    ready: float | None = None
    woken: bool = False
    asked: float | None = None
    used: float = 0.0
    group: int = 0
    served: int = 0
    passed: Counter[str] = field(default_factory=Counter)
    """Who has come since it began to wait."""

    @property
    def here(self) -> bool:
        return self.loading or self.ready is not None

    def claim(self) -> Claim:
        return Claim(
            self.name,
            self.size,
            desired=int(self.woken or self.waiting > 0 or self.in_flight > 0 or self.here),
            waiting=self.waiting,
            in_flight=self.in_flight,
            asked=self.asked,
            used=self.used,
            running=int(self.here),
            held=self.size * self.here,
            leaving=self.size * len(self.leaving),
            ready=self.ready,
            load_time=self.load_time,
            group=self.group,
            served=self.served,
        )


class Machine:
    """A machine with a router: requests wait, begin, end; processes load and leave. Decisions are carried out."""

    def __init__(self, total: int, models: list[Seen]) -> None:
        self.now = 0.0
        self.total = total
        self.models = {model.name: model for model in models}
        self.starts: Counter[str] = Counter()

    @property
    def held(self) -> int:
        return sum(each.size * (each.here + len(each.leaving)) for each in self.models.values())

    def begun(self, model: Seen) -> None:
        """A request that waited is worked on."""

    def loads(self, model: Seen) -> None:
        """A process starts."""

    def look(self) -> Turns:
        for model in self.models.values():
            self.serve(model)
            if model.in_flight or model.waiting:
                model.used = self.now
            if model.here or not model.waiting:
                model.asked = None
            elif model.asked is None:
                model.asked = self.now
                model.passed.clear()
        claims = [model.claim() for model in self.models.values()]
        turns = decide(claims, self.total - self.held, self.now)
        for claim in claims:
            self.carry_out(claim, turns)
        return turns

    def carry_out(self, claim: Claim, turns: Turns) -> None:
        model = self.models[claim.model]
        if model.here and not turns.replicas[claim.model]:
            self.may_leave(claim, turns)
            if model.ready is not None:
                model.leaving.append(model.in_flight)
            model.in_flight, model.ready, model.loading, model.woken = 0, None, False, False
            if model.waiting:
                model.asked = self.now
                model.passed.clear()
        elif not model.here and turns.replicas[claim.model]:
            self.may_come(model)
            model.loading = True
            self.starts[model.name] += 1
            self.loads(model)
            for other in self.models.values():
                if other.asked is not None:
                    other.passed[model.name] += 1

    def may_come(self, model: Seen) -> None:
        """Where all are of one size, who has waited longest comes first."""
        if len({each.size for each in self.models.values()}) == 1:
            since = float("inf") if model.asked is None else model.asked
            assert all(each.asked is None or each.asked >= since for each in self.models.values())

    def may_leave(self, claim: Claim, turns: Turns) -> None:
        """What the rules promise to somebody who is here."""
        assert any(wait.why == "Leaving" for wait in turns.waits.values()) or claim.desired == 0
        if claim.ready is None:
            assert not claim.waiting
            return
        turn_over = self.now >= claim.ready + claim.turn
        if claim.idle:
            linger = min(claim.load_time / 2, MAX_LINGER)
            assert self.now >= claim.used + linger or turn_over or claim.desired == 0
        else:
            assert self.now >= claim.ready + MIN_TURN
            assert turn_over
            assert claim.served >= claim.group or self.now >= claim.ready + MAX_TURN

    def serve(self, model: Seen) -> None:
        if model.ready is not None:
            for _ in range(min(model.waiting, PARALLEL - model.in_flight)):
                model.waiting -= 1
                model.in_flight += 1
                self.begun(model)

    def loaded(self, model: Seen) -> None:
        model.loading, model.ready, model.used = False, self.now, self.now
        model.group, model.served = model.waiting, 0

    def finished(self, model: Seen) -> None:
        model.in_flight -= 1
        model.served += 1
        model.used = self.now
