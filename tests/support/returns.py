"""A Model whose only endpoint dies and is started again, in a world with its own clock."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from auriga_api import Model, RoleChain
from auriga_api.model import ModelStatus
from auriga_router.snapshot import Snapshot
from support.http_router import chain, model, snapshot
from support.replies import PATHS, Told, body_for, told
from support.simulation import Client, Server, Simulation
from support.simulation_answers import TEXT

HERE, ELSEWHERE, OTHER = "10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"
DEADLINE = 30.0


def state(phase: str, reason: str = "", message: str = "") -> ModelStatus:
    ready = "True" if phase in ("Ready", "Degraded") else "False"
    condition = {"type": "Ready", "status": ready, "reason": reason or phase, "message": message}
    return ModelStatus.model_validate({"phase": phase, "conditions": [condition]})


CRASHED = state("Failed", "EngineCrashed", "llama-server ended with 137")


def served(name: str = "m1", now: ModelStatus | None = None, **spec: Any) -> Model:
    return model(name, **spec).model_copy(update={"status": now or state("Ready", "Serving")})


class World(Simulation):
    """A Model m1 with one endpoint, and what is beside it."""

    def __init__(self, *beside: Model | RoleChain, spec: Any = None, **chained: Any) -> None:
        super().__init__({HERE: Server(), ELSEWHERE: Server(), OTHER: Server()}, endpoints={})
        members = ["m1", *(item.metadata.name for item in beside if isinstance(item, Model))]
        chained["fallback"] = {"deadline": f"{DEADLINE}s", **chained.get("fallback", {})}
        self.spec = spec or {}
        self.objects = [*beside, chain("role", *members, **chained)]
        self.become(state("Ready", "Serving"), HERE)

    def snapshot(self, now: ModelStatus | None, *endpoints: str, **spec: Any) -> Snapshot:
        kept = [item for item in self.objects if item.metadata.name != "m1"]
        others = {item.metadata.name: OTHER for item in kept if isinstance(item, Model) and item.spec.source}
        return snapshot(served("m1", now, **self.spec, **spec), *kept, endpoints={"m1": endpoints, **others})

    def become(self, now: ModelStatus | None, *endpoints: str, **spec: Any) -> None:
        """The Model is so from now on, and at these addresses."""
        self.apply(self.snapshot(now, *endpoints, **spec))

    def dies(self, at: float, seen: float | None = 1.0, now: ModelStatus = CRASHED, **spec: Any) -> None:
        """Its endpoint does, which is seen so many seconds later, or never."""
        self.later(at, lambda: self.kill(HERE, ELSEWHERE))
        if seen is not None:
            self.later(at + seen, lambda: self.become(now, **spec))

    def returns(self, at: float, address: str = ELSEWHERE) -> None:
        def up() -> None:
            self.servers[address].dead = False
            self.become(state("Ready", "Serving"), address)

        self.later(at, up)

    def post(self, dialect: str = "openai", *, name: str = "role", stream: bool = True) -> Client:
        return self.ask(body_for(dialect, name, stream=stream), PATHS[dialect])

    @property
    def outcomes(self) -> list[str]:
        return [attempt.outcome.value for attempt in self.attempts]

    def idle(self) -> bool:
        backends: Iterable[Any] = self.table.backends.values()
        return all((one.slots.waiting, one.slots.in_flight) == (0, 0) for one in backends)


def after(words: int, dialect: str = "openai") -> float:
    """When so many words of a stream are out."""
    before = {"openai": 1, "anthropic": 2, "plain": 0}[dialect]
    return 0.003 + (before + words + 0.5) * 0.01


def text(dialect: str, client: Client, *, stream: bool = True) -> str:
    """Of a reply that must be whole."""
    reply = told(dialect, client, stream=stream)
    assert (reply.status, reply.whole, reply.error) == (200, True, None)
    return reply.text


def broken(dialect: str, client: Client) -> Told:
    """A stream that must have ended with an error."""
    reply = told(dialect, client, stream=True)
    assert (reply.status, reply.whole) == (200, False)
    assert reply.error is not None
    assert TEXT.startswith(reply.text)
    return reply


FOR_GOOD: dict[str, Any] = {
    "broken": lambda world: world.become(state("Failed", "WeightsInvalid", "they are broken")),
    "at zero": lambda world: world.become(state("ScaledToZero"), replicas=0),
    "suspended": lambda world: world.become(state("Suspended"), suspended=True),
    "deleted": lambda world: world.apply(snapshot(world.objects[-1])),
    "everything deleted": lambda world: world.apply(snapshot()),
}
