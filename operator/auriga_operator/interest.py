"""Which changes matter to which Models and RoleChains. Pure.

An object speaks of topics, and Models and RoleChains are interested in topics: a Secret speaks of itself, and a Model
that names it is interested in that. Specs are read as plain JSON here, because one that the types refuse counts too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auriga_operator import labels
from auriga_operator.resources import CHAINS, CLAIMS, MODELS, SECRETS, Key, Object


def parent(item: Object) -> Key | None:
    """The Model whose label the object carries."""
    metadata = item["metadata"]
    name = (metadata.get("labels") or {}).get(labels.MODEL)
    return Key(MODELS.kind, metadata.get("namespace", ""), name) if name and item["kind"] != MODELS.kind else None


def topics(item: Object) -> frozenset[str]:
    """What a change of the object is about."""
    metadata = item["metadata"]
    namespace, name = metadata.get("namespace", ""), metadata["name"]
    own = frozenset((topic(item["kind"], namespace, name),))
    return own | _names(item) if item["kind"] == CHAINS.kind else own


def interests(item: Object) -> frozenset[str]:
    """What a Model or RoleChain wants to hear of; nothing for other kinds."""
    namespace = item["metadata"].get("namespace", "")
    if item["kind"] == MODELS.kind:
        return frozenset(_of_model(item.get("spec") or {}, namespace))
    if item["kind"] == CHAINS.kind:
        members = (member.get("model", "") for member in (item.get("spec") or {}).get("members") or [])
        return frozenset(topic(MODELS.kind, namespace, name) for name in members) | _names(item)
    return frozenset()


def _of_model(spec: dict[str, Any], namespace: str) -> Iterator[str]:
    source, external, engine = (spec.get(part) or {} for part in ("source", "external", "engine"))
    references = [external.get("credentialsSecretRef"), (source.get("huggingFace") or {}).get("tokenSecretRef")]
    references += [(variable.get("valueFrom") or {}).get("secretKeyRef") for variable in engine.get("env") or []]
    for reference in references:
        if reference:
            yield topic(SECRETS.kind, namespace, reference.get("name", ""))
    if source.get("volume"):
        yield topic(CLAIMS.kind, namespace, source["volume"].get("claimName", ""))


def _names(chain: Object) -> frozenset[str]:
    """The role and the synonyms that a RoleChain answers to."""
    metadata, spec = chain["metadata"], chain.get("spec") or {}
    names = (spec.get("role") or metadata["name"], *(spec.get("synonyms") or []))
    return frozenset(topic("name", metadata.get("namespace", ""), name) for name in names)


def topic(kind: str, namespace: str, name: str) -> str:
    """How the topic of an object is written; of kind ``name`` that of a role or synonym."""
    return f"{kind} {namespace}/{name}"
