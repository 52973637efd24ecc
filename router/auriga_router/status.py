"""What is usable now: ``/readyz`` and ``/status``. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from auriga_api import Model
from auriga_api.model import ModelStatus
from auriga_router.routing.gate import condition, is_open, state, well
from auriga_router.snapshot import Snapshot
from auriga_router.steps import joined, ordered
from auriga_router.table import Backend, Chain, Member, NotReady, RoutingTable

_BREAKERS = {"Open": "breaker open", "HalfOpen": "breaker half open"}


def healthy(member: Member, now: float) -> bool:
    """Would it answer, for all that is known?"""
    return member.not_ready is None and any(well(endpoint.gate, now) for endpoint in member.backend.endpoints)


def active(chain: Chain, now: float) -> Member | None:
    """The member that answers now, as far as is known."""
    return next((member for member in chain.members if healthy(member, now)), None)


def readiness(table: RoutingTable, now: float) -> tuple[bool, dict[str, Any]]:
    """Is anything usable, and what: each role with the Model that would answer."""
    roles = {chain.key: active(chain, now) for chain in table.chains.values()}
    # Whatever breakers say: a router that is not ready is asked nothing, and would never see an endpoint recover.
    # A Model that starts because it is asked is usable, too: whoever asks waits for it.
    ready = any(
        member.not_ready is None or member.backend.wakes for chain in table.all_chains for member in chain.members
    )
    return ready, {
        "ready": ready,
        "roles": {key: member.backend.name if member else None for key, member in roles.items()},
    }


def status_document(snapshot: Snapshot, table: RoutingTable, now: float) -> dict[str, Any]:
    """Models and RoleChains as the router sees them, for people and the CLI."""
    return {
        "models": [_model(model, table.backends[key], now) for key, model in sorted(snapshot.models.items())],
        "roleChains": [_chain(chain, now) for _, chain in sorted(table.chains.items())],
    }


def status_steps(snapshot: Snapshot, table: RoutingTable, now: float) -> Iterator[bytes]:
    """The same as JSON, in steps."""
    models = ordered(snapshot.models.items(), lambda entry: entry[0])
    chains = ordered(table.chains.items(), lambda entry: entry[0])
    yield b'{"models":['
    yield from joined(each and orjson.dumps(_model(each[1], table.backends[each[0]], now)) for each in models)
    yield b'],"roleChains":['
    yield from joined(each and orjson.dumps(_chain(each[1], now)) for each in chains)
    yield b"]}"


def _model(model: Model, backend: Backend, now: float) -> dict[str, Any]:
    status = model.status
    ready = next((found for found in status.conditions if found.type == "Ready"), None) if status else None
    not_ready = backend.not_ready or _failing(backend, now)
    download = status.download.model_dump(by_alias=True) if status and status.download else None
    endpoints = [
        {"address": str(endpoint.address), "inFlight": endpoint.in_flight, "breaker": state(endpoint.gate, now)}
        for endpoint in backend.endpoints
    ]
    return {
        "namespace": model.metadata.namespace,
        "name": model.metadata.name,
        "locality": backend.locality,
        "phase": _phase(status, not_ready),
        "reason": not_ready.reason if not_ready else ready.reason if ready else "Ready",
        "message": not_ready.message if not_ready else ready.message if ready else "",
        "replicas": status.replicas if status else len(endpoints),
        "readyReplicas": status.ready_replicas if status else len(endpoints),
        "download": download,
        "queued": backend.slots.waiting,
        "endpoints": endpoints,
    }


def _failing(backend: Backend, now: float) -> NotReady | None:
    """Why none of its endpoints answers, although they are there."""
    conditions = [condition(endpoint.gate, now) for endpoint in backend.endpoints]
    if not conditions or "Closed" in conditions:
        return None
    reason = ",".join(sorted(set(conditions)))
    how = " and ".join(_BREAKERS.get(each, each) for each in sorted(set(conditions)))
    return NotReady(reason, f"its {'endpoint' if len(conditions) == 1 else 'endpoints'} failed lately: {how}")


def _phase(status: ModelStatus | None, not_ready: NotReady | None) -> str:
    if status is None:
        return "Failed" if not_ready else "Ready"
    return "Degraded" if not_ready and status.phase == "Ready" else status.phase


def _chain(chain: Chain, now: float) -> dict[str, Any]:
    namespace, _, name = chain.key.partition("/")
    member = active(chain, now)
    return {
        "namespace": namespace,
        "name": name,
        "role": chain.role,
        "synonyms": list(chain.synonyms),
        "ready": member is not None,
        "activeMember": member.backend.name if member else None,
        "members": [_member(entry, now) for entry in chain.members],
    }


def _member(member: Member, now: float) -> dict[str, Any]:
    conditions = [condition(endpoint.gate, now) for endpoint in member.backend.endpoints]
    ready = healthy(member, now)
    if member.not_ready is not None:
        reason = member.not_ready.reason
    else:
        reason = "Ready" if ready else ",".join(sorted(set(conditions)))
    open_endpoints = sum(is_open(endpoint.gate, now) for endpoint in member.backend.endpoints)
    return {"model": member.backend.name, "ready": ready, "readyEndpoints": open_endpoints, "reason": reason}
