"""What is true of a RoleChain now: who serves it, who would be next, and what is in the way. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auriga_api.rolechain import Member, RoleChain
from auriga_operator.conditions import Finding, conditions, truth
from auriga_operator.snapshot import ChainSnapshot, MemberView
from auriga_operator.texts import listing


def chain_status(seen: ChainSnapshot, now: float) -> dict[str, Any]:
    """The status to write."""
    chain = seen.chain
    members = [_member(member, seen) for member in chain.spec.members]
    ready = [member["model"] for member in members if member["ready"]]
    generation = chain.metadata.generation
    before = chain.status.conditions if chain.status else []
    return {
        "observedGeneration": generation,
        "role": chain.role,
        "members": members,
        "activeMember": ready[0] if ready else "",
        "readyMembers": len(ready),
        "conditions": conditions(_findings(seen, members, ready), generation, before, now),
    }


def _member(member: Member, seen: ChainSnapshot) -> dict[str, Any]:
    model = seen.members.get(member.model)
    if model is None:
        return {"model": member.model, "ready": False, "readyEndpoints": 0, "reason": "ModelNotFound"}
    left_out = _left_out(member, model, seen.chain)
    ready = model.ready and not left_out
    reason = {} if ready else {"reason": left_out or model.reason}
    return {"model": member.model, "ready": ready, "readyEndpoints": model.endpoints if ready else 0, **reason}


def _left_out(member: Member, model: MemberView, chain: RoleChain) -> str:
    """Why the RoleChain itself never asks this member, if so."""
    if chain.spec.privacy.local_only and model.locality == "Cloud":
        return "LocalOnly"
    if member.when.locality_in and model.locality not in member.when.locality_in:
        return "When"
    return "When" if set(member.when.capabilities) - model.capabilities else ""


def _findings(seen: ChainSnapshot, members: list[dict[str, Any]], ready: list[str]) -> Iterator[Finding]:
    yield _ready(members, ready)
    yield _resolved(seen)
    yield _unique(seen)
    yield _fallback(seen, ready)


def _ready(members: list[dict[str, Any]], ready: list[str]) -> Finding:
    if ready:
        return Finding("Ready", "True", "Serving", f"{ready[0]} answers")
    asleep = [member["model"] for member in members if member.get("reason") == "ScaledToZero"]
    if asleep:
        woken = "the next request starts it, if it has autoscaling"
        return Finding("Ready", "False", "ScaledToZero", f"{asleep[0]} has no replica now: {woken}")
    why = listing([f"{member['model']}: {member['reason']}" for member in members])
    return Finding("Ready", "False", "NoMemberReady", f"no member can answer now ({why}): see their own conditions")


def _resolved(seen: ChainSnapshot) -> Finding:
    missing = [member.model for member in seen.chain.spec.members if member.model not in seen.members]
    if not missing:
        return Finding("MembersResolved", "True", "Resolved")
    namespace = seen.chain.metadata.namespace
    return Finding(
        "MembersResolved",
        "False",
        "ModelNotFound",
        f"there is no Model {listing(missing)} in namespace {namespace}: create it, or remove the member",
    )


def _unique(seen: ChainSnapshot) -> Finding:
    """Roles go before synonyms; among equals the RoleChain whose name comes first answers."""
    chain = seen.chain
    taken = [text for other in seen.others for text in _taken(chain, other)]
    if not taken:
        return Finding("SynonymsUnique", "True", "Unique")
    return Finding("SynonymsUnique", "False", "NameTaken", f"{'; '.join(taken[:4])}: rename one, or remove it in one")


def _taken(chain: RoleChain, other: RoleChain) -> Iterator[str]:
    if chain.role == other.role:
        yield f'the role "{chain.role}" is that of RoleChain {other.metadata.name} too'
    elif chain.role in other.spec.synonyms:
        yield f'the role "{chain.role}" is a synonym of RoleChain {other.metadata.name} too'
    for synonym in chain.spec.synonyms:
        if synonym == other.role:
            yield f'the synonym "{synonym}" is the role of RoleChain {other.metadata.name}, which answers to it'
        elif synonym in other.spec.synonyms:
            yield f'the synonym "{synonym}" is one of RoleChain {other.metadata.name} too'


def _fallback(seen: ChainSnapshot, ready: list[str]) -> Finding:
    spare = len(ready) - 1
    if spare > 0:
        return Finding(
            "FallbackAvailable", truth(value=True), "Available", f"{ready[1]} answers if {ready[0]} does not"
        )
    if len(seen.chain.spec.members) == 1:
        return Finding("FallbackAvailable", "False", "OneMember", "it has one member only: add another to fall back to")
    return Finding("FallbackAvailable", "False", "NoSpareMember", "fewer than two members can answer now")
