"""What `auriga up` says of all manifests together: who is answered, who is not, and what an edit changed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from auriga_api.manifests import Manifests
from auriga_api.model import ModelStatus
from auriga_api.rolechain import RoleChain


def short(key: str) -> str:
    """A Model's key as people write it: without the namespace where it is the default one."""
    return key.removeprefix("default/")


@dataclass(frozen=True, slots=True)
class Standing:
    """Who would be answered now."""

    manifests: Manifests
    statuses: Mapping[str, ModelStatus]
    failing: Mapping[str, str] = field(default_factory=dict)
    """Models that did not answer when they were asked last -> how."""

    def callable_names(self) -> list[str]:
        """What callers may send as ``model`` and be answered: roles first, then Models."""
        roles = [chain.role for chain in self.manifests.chains.values() if self._serves(chain)]
        return [*roles, *(short(key) for key in sorted(self.manifests.models) if self._ready(key))]

    def not_served(self) -> str:
        """Who would not be answered, and why in a word; empty if nobody."""
        roles = [f"{chain.role} (no member)" for chain in self.manifests.chains.values() if not self._serves(chain)]
        models = [key for key in sorted(self.manifests.models) if not self._ready(key)]
        return ", ".join([*roles, *(f"{short(key)} ({self._why(key)})" for key in models)])

    def _serves(self, chain: RoleChain) -> bool:
        namespace = chain.metadata.namespace
        return any(self._ready(f"{namespace}/{member.model}") for member in chain.spec.members)

    def _ready(self, key: str) -> bool:
        status = self.statuses.get(key)
        return status is not None and status.phase in ("Ready", "Degraded", "ScaledToZero") and key not in self.failing

    def _why(self, key: str) -> str:
        status = self.statuses.get(key)
        return self.failing.get(key) or (status.conditions[0].reason if status else "Pending")


def failing(statuses: Mapping[str, ModelStatus], routed: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Models that are ready but did not answer, and how; ``routed``: as the router's status tells of them."""
    seen = {f"{each['namespace']}/{each['name']}": each for each in routed}
    ready = {key for key, status in statuses.items() if status.phase == "Ready"}
    return {key: str(each["reason"]) for key, each in seen.items() if key in ready and each["phase"] != "Ready"}


def changes(before: Manifests, after: Manifests) -> str:
    """What an edit changed: ``Model a changed, RoleChain b added``; empty if nothing that matters."""
    kinds = (
        ("Model", before.models, after.models),
        ("RoleChain", before.chains, after.chains),
        ("Secret", before.secrets, after.secrets),
    )
    return ", ".join(change for kind, old, new in kinds for change in _changes(kind, old, new))


def _changes(kind: str, old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[str]:
    for key in sorted(old.keys() | new.keys()):
        if key not in new:
            yield f"{kind} {short(key)} removed"
        elif key not in old:
            yield f"{kind} {short(key)} added"
        elif old[key] != new[key]:
            yield f"{kind} {short(key)} changed"
