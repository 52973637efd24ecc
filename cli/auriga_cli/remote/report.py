"""``GET /status`` as types: what a running Auriga says of its Models and RoleChains. Pure; unknown fields pass."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from auriga_cli.remote.errors import UnknownNameError, UnreachableError

_COMING = ("Pending", "Downloading", "Loading")
_RESTING = ("Suspended", "ScaledToZero")
"""Phases in which a Model does not serve because somebody wants it so."""


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True)


class Endpoint(_Part):
    """One address that serves a Model."""

    address: str
    in_flight: int = 0
    breaker: str = "Closed"


class Download(_Part):
    """How far the weights have come."""

    percent: int = 0
    eta: str = ""


class Model(_Part):
    """One Model."""

    namespace: str
    name: str
    locality: str = ""
    phase: str = ""
    reason: str = ""
    message: str = ""
    replicas: int = 0
    ready_replicas: int = 0
    download: Download | None = None
    queued: int = 0
    """Requests that wait for a slot."""
    endpoints: tuple[Endpoint, ...] = ()

    @property
    def names(self) -> set[str]:
        """What it answers to."""
        return {self.name, f"{self.namespace}/{self.name}"}

    @property
    def settled(self) -> bool:
        """Serves, or does not serve because somebody wants it so."""
        return self.phase == "Ready" or self.phase in _RESTING

    @property
    def progress(self) -> str:
        """How far it is, while it is on its way to serving; else empty."""
        if self.phase not in _COMING:
            return ""
        left = f", {self.download.eta} left" if self.download and self.download.eta else ""
        return f"{_named(self, self.phase.lower())}{left}"


class Member(_Part):
    """One Model in a RoleChain."""

    model: str
    ready: bool = False
    ready_endpoints: int = 0
    reason: str = ""


class RoleChain(_Part):
    """One role."""

    namespace: str
    name: str
    role: str
    synonyms: tuple[str, ...] = ()
    ready: bool = False
    active_member: str | None = None
    members: tuple[Member, ...] = ()

    @property
    def names(self) -> set[str]:
        """What it answers to."""
        names = (self.role, *self.synonyms)
        return {*names, *(f"{self.namespace}/{name}" for name in names)}


class Report(_Part):
    """Everything that one Auriga serves."""

    models: tuple[Model, ...]
    role_chains: tuple[RoleChain, ...]
    workers: dict[str, str] = {}
    """How each process of a router with several does."""

    @property
    def silent_workers(self) -> list[str]:
        """Those that do not answer: what is told is told without them."""
        return [number for number, state in self.workers.items() if state == "unreachable"]

    def only(self, names: Collection[str]) -> Report:
        """The roles and Models of these names; without any all of it. Raises UnknownNameError."""
        named: tuple[Model | RoleChain, ...] = (*self.role_chains, *self.models)
        known = {name for each in named for name in each.names}
        if unknown := next((name for name in names if name not in known), ""):
            there = dict.fromkeys([*(chain.role for chain in self.role_chains), *(model.name for model in self.models)])
            listed = ", ".join(there) or "nothing yet"
            raise UnknownNameError(f"no role or Model is called {unknown}: there is {listed}")
        if not names:
            return self
        models = tuple(model for model in self.models if not model.names.isdisjoint(names))
        chains = tuple(chain for chain in self.role_chains if not chain.names.isdisjoint(names))
        return self.model_copy(update={"models": models, "role_chains": chains})

    def part_of(self, status: dict[str, Any]) -> dict[str, Any]:
        """What the server says of these Models and roles, as it says it."""
        models = {(model.namespace, model.name) for model in self.models}
        chains = {(chain.namespace, chain.name) for chain in self.role_chains}
        return status | {
            "models": [each for each in status["models"] if (each["namespace"], each["name"]) in models],
            "roleChains": [each for each in status["roleChains"] if (each["namespace"], each["name"]) in chains],
        }

    def waiting_for(self) -> list[str]:
        """What is not ready yet, each with why: ``Model demo: Loading``."""
        models = [f"Model {_named(model, model.phase)}" for model in self.models if not model.settled]
        chains = [f"RoleChain {chain.name}: no member is ready" for chain in self.role_chains if not chain.ready]
        return models + chains

    def coming(self, name: str) -> str:
        """How far the first Model is that could answer to ``name`` and is on its way; empty if none is."""
        chains = [chain for chain in self.role_chains if name in chain.names]
        wanted = [(chain.namespace, member.model) for chain in chains for member in chain.members]
        models = {(model.namespace, model.name): model for model in self.models}
        if not chains:
            wanted = [key for key in models if name in (key[1], "/".join(key))]
        texts = (models[key].progress for key in wanted if key in models)
        return next((text for text in texts if text), "")

    @property
    def namespaces(self) -> set[str]:
        """All that are there."""
        return {model.namespace for model in self.models} | {chain.namespace for chain in self.role_chains}


def read(value: dict[str, Any]) -> Report:
    """Raises UnreachableError when it is not what an Auriga says."""
    try:
        return Report.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UnreachableError(f"what answers there is no Auriga, or a much newer one: /status: {where}") from error


def _named(model: Model, phase: str) -> str:
    return ": ".join(part for part in (model.name, phase, model.message or model.reason) if part)
