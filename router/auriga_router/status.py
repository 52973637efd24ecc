"""What is usable now: ``/readyz`` and ``/status``. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from auriga_api import Model
from auriga_api.model import ModelStatus
from auriga_router.routing.gate import condition, is_open, state, well
from auriga_router.routing.told import for_callers
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


def is_usable(table: RoutingTable) -> bool:
    """Is there anything to send requests to?"""
    # Whatever breakers say: a router that is not ready is asked nothing, and would never see an endpoint recover.
    # A Model that starts because it is asked is usable, too: whoever asks waits for it.
    return any(
        member.not_ready is None or member.backend.wakes for chain in table.all_chains for member in chain.members
    )


def roles(table: RoutingTable, now: float) -> Iterator[tuple[str, str | None]]:
    """Each role with the Model that would answer."""
    for chain in table.chains.values():
        member = active(chain, now)
        yield chain.key, member.backend.name if member else None


def readiness_steps(ready: bool, found: Iterable[tuple[str, str | None] | None], rest: bytes = b"") -> Iterator[bytes]:
    """``/readyz`` as JSON, in steps. ``found``: roles, None is a pause; ``rest``: what else is in the document."""
    yield b'{"ready":%s,"roles":{' % orjson.dumps(ready)
    yield from joined(role and orjson.dumps(role[0]) + b":" + orjson.dumps(role[1]) for role in found)
    yield b"}%s}" % rest


def models(snapshot: Snapshot, table: RoutingTable, now: float) -> Iterator[dict[str, Any] | None]:
    """As the router sees them, for people and the CLI. None is a pause."""
    for entry in ordered(snapshot.models.items(), lambda entry: entry[0]):
        yield None if entry is None else _model(entry[1], table.backends[entry[0]], now, private=snapshot.private)


def role_chains(table: RoutingTable, now: float) -> Iterator[dict[str, Any] | None]:
    """As the router sees them. None is a pause."""
    for entry in ordered(table.chains.items(), lambda entry: entry[0]):
        yield None if entry is None else _chain(entry[1], now)


def status_document(snapshot: Snapshot, table: RoutingTable, now: float) -> dict[str, Any]:
    """Models and RoleChains at once."""
    return {
        "models": [each for each in models(snapshot, table, now) if each is not None],
        "roleChains": [each for each in role_chains(table, now) if each is not None],
    }


def status_steps(snapshot: Snapshot, table: RoutingTable, now: float) -> Iterator[bytes]:
    """The same as JSON, in steps."""
    yield b'{"models":['
    yield from joined(each if each is None else orjson.dumps(each) for each in models(snapshot, table, now))
    yield b'],"roleChains":['
    yield from joined(each if each is None else orjson.dumps(each) for each in role_chains(table, now))
    yield b"]}"


def _model(model: Model, backend: Backend, now: float, *, private: bool) -> dict[str, Any]:
    status = model.status
    ready = next((found for found in status.conditions if found.type == "Ready"), None) if status else None
    not_ready = backend.not_ready or _failing(backend, now)
    message = not_ready.message if not_ready else ready.message if ready else ""
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
        "message": message if private else for_callers(message),
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
