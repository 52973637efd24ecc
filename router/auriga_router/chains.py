"""From a RoleChain, or a Model called by its own name, to its ``Chain``. Pure.

Counters are taken over from the chain that it replaces, for the same role and Models.
"""

from __future__ import annotations

from collections.abc import Mapping

from auriga_api import RoleChain
from auriga_api.rolechain import Member as ChainMember
from auriga_api.rolechain import RoleChainSpec, Strategy
from auriga_router.backends import in_seconds, missing_backend, shared
from auriga_router.recent import Recent
from auriga_router.routing.gate import BreakerSettings
from auriga_router.routing.outcome import BY_WORD, bits
from auriga_router.table import Backend, Chain, Member, NotReady, Timeouts
from auriga_router.tally import Tally

_BY_EXPERIENCE = frozenset({"LeastLatency", "Adaptive"})
_DIRECT = RoleChain.model_validate({"metadata": {"name": "direct"}, "spec": {"members": [{"model": "direct"}]}}).spec
"""A Model called by its own name falls back among its endpoints as a RoleChain does by default."""


def compile_chain(resource: RoleChain, backends: Mapping[str, Backend], before: Chain | None) -> Chain:
    """``before``: what it was in the previous table."""
    role = resource.role
    before = before if before is not None and before.role == role else None
    members = tuple(_member(spec, resource, backends, before) for spec in resource.spec.members)
    capabilities = frozenset().union(*(member.backend.capabilities for member in members))
    return Chain(
        resource.metadata.key,
        role,
        members,
        *_policy(resource.spec),
        replies=before.replies if before is not None else {},
        capabilities=shared(capabilities),
        synonyms=tuple(resource.spec.synonyms),
        models=frozenset(member.backend.key for member in members),
        balanced=any(member.backend.ring is not None for member in members),
        queues=resource.spec.fallback.on_busy == "Queue" and resource.spec.strategy not in _BY_EXPERIENCE,
        has_asleep=any(member.backend.asleep for member in members),
        waits_for_cold=resource.spec.fallback.on_cold == "Wait",
        as_written=resource.spec.strategy == "Ordered" and not any(member.only_for for member in members),
    )


def compile_direct(backend: Backend, before: Chain | None) -> Chain:
    """The Model called by its own name, as a chain of one."""
    tally = _tally("", backend, before)
    member = Member(backend, backend.timeouts, tally, backend.reply_headers, not_ready=backend.not_ready)
    return Chain(
        backend.key,
        backend.name,
        (member,),
        *_DIRECT_POLICY,
        replies=before.replies if before is not None else {},
        capabilities=backend.capabilities,
        is_role=False,
        balanced=backend.ring is not None,
        has_asleep=backend.asleep,
    )


def _member(spec: ChainMember, resource: RoleChain, backends: Mapping[str, Backend], before: Chain | None) -> Member:
    namespace = resource.metadata.namespace
    backend = backends.get(f"{namespace}/{spec.model}") or missing_backend(namespace, spec.model)
    return Member(
        backend=backend,
        timeouts=_override(backend.timeouts, spec),
        tally=_tally(resource.role, backend, before, remembers=resource.spec.strategy in _BY_EXPERIENCE),
        reply_headers=backend.reply_headers,
        weight=spec.weight,
        not_ready=_excluded(spec, backend, resource) or backend.not_ready,
        only_for=frozenset(spec.when.capabilities),
    )


def _tally(role: str, backend: Backend, before: Chain | None, *, remembers: bool = False) -> Tally:
    known = (member.tally for member in (before.members if before else ()) if member.backend.key == backend.key)
    tally = next(known, None) or Tally(backend.namespace, role, backend.name)
    if remembers and tally.recent is None:
        tally.recent = Recent()
    return tally


def _policy(spec: RoleChainSpec) -> tuple[Strategy, int, int, float, BreakerSettings, bool, bool]:
    """What the resource says of strategy, fallback, breaker and breaks: the fields of ``Chain`` in their order."""
    fallback, breaker = spec.fallback, spec.breaker
    return (
        spec.strategy,
        bits(*(BY_WORD[word] for word in fallback.on)),
        fallback.max_attempts,
        in_seconds(fallback.deadline),
        BreakerSettings(breaker.failures, in_seconds(breaker.window), in_seconds(breaker.cooldown)),
        spec.streaming.inside,
        spec.streaming.on_break == "Resume",
    )


_DIRECT_POLICY = _policy(_DIRECT)


def _override(base: Timeouts, member: ChainMember) -> Timeouts:
    own = member.timeouts
    if own.connect is own.first_token is own.stall is own.total is None:
        return base
    return Timeouts(
        connect=base.connect if own.connect is None else in_seconds(own.connect),
        first_token=base.first_token if own.first_token is None else in_seconds(own.first_token),
        stall=base.stall if own.stall is None else in_seconds(own.stall),
        total=base.total if own.total is None else in_seconds(own.total),
    )


def _excluded(member: ChainMember, backend: Backend, resource: RoleChain) -> NotReady | None:
    """Why the RoleChain itself leaves this member out."""
    if resource.spec.privacy.local_only and backend.locality == "Cloud":
        return NotReady("LocalOnly", "spec.privacy.localOnly keeps requests in the cluster")
    if member.when.locality_in and backend.locality not in member.when.locality_in:
        return NotReady("When", f"when.localityIn leaves out {backend.locality}")
    wanted = member.when.capabilities
    if wanted and backend.capabilities.isdisjoint(wanted):
        return NotReady("When", f"it is only for requests that need {' or '.join(wanted)}, which the Model has not")
    return None
