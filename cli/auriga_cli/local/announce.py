"""What `auriga up` says of all manifests together: who is answered, who is not, and what an edit changed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from auriga_api.manifests import Manifests
from auriga_api.model import ModelStatus
from auriga_api.rolechain import RoleChain

Statuses = Mapping[str, ModelStatus]


def short(key: str) -> str:
    """A Model's key as people write it: without the namespace where it is the default one."""
    return key.removeprefix("default/")


def callable_names(manifests: Manifests, statuses: Statuses) -> list[str]:
    """What callers may send as ``model`` and be answered: roles first, then Models."""
    roles = [chain.role for chain in manifests.chains.values() if _serves(chain, statuses)]
    return [*roles, *(short(key) for key in sorted(manifests.models) if _ready(key, statuses))]


def not_served(manifests: Manifests, statuses: Statuses) -> str:
    """Who would not be answered, and why in a word; empty if nobody."""
    roles = [f"{chain.role} (no member)" for chain in manifests.chains.values() if not _serves(chain, statuses)]
    models = [f"{short(key)} ({_why(key, statuses)})" for key in sorted(manifests.models) if not _ready(key, statuses)]
    return ", ".join([*roles, *models])


def _serves(chain: RoleChain, statuses: Statuses) -> bool:
    namespace = chain.metadata.namespace
    return any(_ready(f"{namespace}/{member.model}", statuses) for member in chain.spec.members)


def _ready(key: str, statuses: Statuses) -> bool:
    return key in statuses and statuses[key].phase in ("Ready", "Degraded")


def _why(key: str, statuses: Statuses) -> str:
    return statuses[key].conditions[0].reason if key in statuses else "Pending"


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
