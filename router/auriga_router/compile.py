"""``compile(snapshot) -> RoutingTable``: what the resources mean to a request. Pure.

Counters of endpoints and members are taken over from the previous table, so that a swap forgets nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import get_args

import orjson

from auriga_api import Model, RoleChain
from auriga_api.model import Capability
from auriga_api.model import Timeouts as ModelTimeouts
from auriga_api.quantity import seconds
from auriga_api.rolechain import Member as ChainMember
from auriga_api.rolechain import RoleChainSpec
from auriga_router import providers
from auriga_router.attempts import reply_headers
from auriga_router.endpoint import Address, Endpoint, parse_address
from auriga_router.naming import Names
from auriga_router.routing.gate import BreakerSettings
from auriga_router.routing.outcome import Outcome, bits
from auriga_router.snapshot import Snapshot
from auriga_router.table import Backend, Chain, Member, NotReady, RoutingTable, Timeouts
from auriga_router.tally import Tally

_seconds = lru_cache(maxsize=4096)(seconds)
_NOTHING = RoutingTable()
_DIRECT = RoleChain.model_validate({"metadata": {"name": "direct"}, "spec": {"members": [{"model": "direct"}]}}).spec
"""A Model called by its own name falls back among its endpoints as a RoleChain does by default."""


def compile(  # noqa: A001 - the design's word
    snapshot: Snapshot, previous: RoutingTable = _NOTHING, default_namespace: str = "default"
) -> RoutingTable:
    """The routing table of this snapshot."""
    return _Compiler(snapshot, previous).table(default_namespace)


class _Compiler:
    def __init__(self, snapshot: Snapshot, previous: RoutingTable) -> None:
        self.snapshot = snapshot
        self.previous = previous
        self.endpoints: dict[tuple[str, Address], Endpoint] = {}
        self.tallies: dict[tuple[str, str], Tally] = {}
        self.counted: dict[tuple[str, str], dict[int, int]] = {}

    def table(self, default_namespace: str) -> RoutingTable:
        backends = {key: self.backend(key, model) for key, model in sorted(self.snapshot.models.items())}
        chains = tuple(self.chain(key, chain, backends) for key, chain in sorted(self.snapshot.chains.items()))
        names = Names(default_namespace)
        for chain in chains:
            names.add(chain.key.partition("/")[0], chain.role, chain, Names.ROLE)
            for synonym in chain.synonyms:
                names.add(chain.key.partition("/")[0], synonym, chain, Names.SYNONYM)
        for backend in backends.values():
            names.add(backend.key.partition("/")[0], backend.name, self.direct(backend), Names.MODEL)
        resolved, ambiguous = names.resolve()
        return RoutingTable(resolved, ambiguous, chains, backends, self.endpoints, self.tallies, self.counted)

    def backend(self, key: str, model: Model) -> Backend:
        spec = model.spec
        name = model.metadata.name
        endpoints: tuple[Endpoint, ...] = ()
        path, headers = b"/v1", b""
        not_ready: NotReady | None = None
        if spec.suspended:
            not_ready = NotReady("Suspended", "spec.suspended is true")
        elif spec.external is not None:
            found = providers.site(spec.external, model.metadata.namespace, self.snapshot.secrets)
            if isinstance(found, NotReady):
                not_ready = found
            else:
                endpoints, path, headers = (self.endpoint(key, found.address),), found.path, found.headers
        else:
            endpoints = tuple(self.endpoint(key, parse_address(text)) for text in self.snapshot.endpoints.get(key, ()))
            not_ready = None if endpoints else _unserved(model)
        external_name = spec.external.model if spec.external is not None else ""
        return Backend(
            key=key,
            name=name,
            locality=spec.effective_locality,
            capabilities=spec.effective_capabilities,
            context_length=_context_length(model),
            timeouts=_timeouts(spec.timeouts),
            endpoints=endpoints,
            path=path,
            headers=headers,
            model_json=orjson.dumps(external_name or name),
            not_ready=not_ready,
        )

    def chain(self, key: str, chain: RoleChain, backends: Mapping[str, Backend]) -> Chain:
        namespace = chain.metadata.namespace
        members = (
            self.member(key, chain.role, member, backends.get(f"{namespace}/{member.model}"), chain)
            for member in chain.spec.members
        )
        replies = self.replies((key, chain.role))
        return _chain(key, chain.role, tuple(members), chain.spec, replies, synonyms=tuple(chain.spec.synonyms))

    def member(self, key: str, role: str, spec: ChainMember, backend: Backend | None, chain: RoleChain) -> Member:
        if backend is None:
            backend = _missing(chain.metadata.namespace, spec.model)
        return Member(
            backend=backend,
            timeouts=_override(backend.timeouts, spec),
            tally=self.tally(key, role, backend),
            reply_headers=reply_headers(backend.name),
            weight=spec.weight,
            not_ready=backend.not_ready or _excluded(spec, backend, chain),
        )

    def direct(self, backend: Backend) -> Chain:
        tally = self.tally("", "", backend)
        member = Member(backend, backend.timeouts, tally, reply_headers(backend.name), not_ready=backend.not_ready)
        replies = self.replies((backend.key, ""))
        return _chain(backend.key, backend.name, (member,), _DIRECT, replies, is_role=False)

    def endpoint(self, model: str, address: Address) -> Endpoint:
        key = (model, address)
        found = self.endpoints[key] = self.previous.endpoints.get(key) or Endpoint(model, address)
        return found

    def tally(self, chain: str, role: str, backend: Backend) -> Tally:
        key = (chain, backend.key)
        found = self.previous.tallies.get(key)
        if found is None or found.role != role:
            found = Tally(backend.key.partition("/")[0], role, backend.name)
        self.tallies[key] = found
        return found

    def replies(self, key: tuple[str, str]) -> dict[int, int]:
        found = self.counted[key] = self.previous.replies.get(key, {})
        return found


def _chain(
    key: str,
    role: str,
    members: tuple[Member, ...],
    spec: RoleChainSpec,
    replies: dict[int, int],
    *,
    is_role: bool = True,
    synonyms: tuple[str, ...] = (),
) -> Chain:
    return Chain(
        key=key,
        role=role,
        members=members,
        strategy=spec.strategy,
        fallback_on=bits(*(Outcome(word) for word in spec.fallback.on)),
        max_attempts=spec.fallback.max_attempts,
        deadline=_seconds(spec.fallback.deadline),
        breaker=BreakerSettings(spec.breaker.failures, _seconds(spec.breaker.window), _seconds(spec.breaker.cooldown)),
        resume=spec.streaming.on_break == "Resume",
        replies=replies,
        capabilities=frozenset().union(*(member.backend.capabilities for member in members)),
        is_role=is_role,
        synonyms=synonyms,
    )


def _timeouts(spec: ModelTimeouts) -> Timeouts:
    return Timeouts(_seconds(spec.connect), _seconds(spec.first_token), _seconds(spec.stall), _seconds(spec.total))


def _override(base: Timeouts, member: ChainMember) -> Timeouts:
    own = member.timeouts
    return Timeouts(
        connect=base.connect if own.connect is None else _seconds(own.connect),
        first_token=base.first_token if own.first_token is None else _seconds(own.first_token),
        stall=base.stall if own.stall is None else _seconds(own.stall),
        total=base.total if own.total is None else _seconds(own.total),
    )


def _context_length(model: Model) -> int:
    if model.spec.engine.context_length:
        return model.spec.engine.context_length
    artifact = model.status.artifact if model.status else None
    return artifact.context_length if artifact else 0


def _unserved(model: Model) -> NotReady:
    """Why a served Model has no endpoint: what its status says, if it says more than that all is well."""
    status = model.status
    if status is None or status.phase in ("Ready", "Degraded"):
        return NotReady("NoEndpoints", "no endpoint is ready")
    ready = next((condition for condition in status.conditions if condition.type == "Ready"), None)
    if ready is None:
        return NotReady(status.phase, "no endpoint is ready")
    return NotReady(ready.reason, ready.message or "no endpoint is ready")


def _missing(namespace: str, name: str) -> Backend:
    return Backend(
        key=f"{namespace}/{name}",
        name=name,
        locality="Cluster",
        capabilities=frozenset(get_args(Capability)),  # unknown: it must be missed as missing, not as unable
        context_length=0,
        timeouts=_timeouts(ModelTimeouts()),
        not_ready=NotReady("ModelMissing", f"Model {namespace}/{name} does not exist"),
    )


def _excluded(member: ChainMember, backend: Backend, chain: RoleChain) -> NotReady | None:
    """Why the RoleChain itself leaves this member out."""
    if chain.spec.privacy.local_only and backend.locality == "Cloud":
        return NotReady("LocalOnly", "spec.privacy.localOnly keeps requests in the cluster")
    if member.when.locality_in and backend.locality not in member.when.locality_in:
        return NotReady("When", f"when.localityIn leaves out {backend.locality}")
    lacking = sorted(set(member.when.capabilities) - backend.capabilities)
    if lacking:
        return NotReady("When", f"when.capabilities asks for {', '.join(lacking)}, which the Model has not")
    return None
