"""From a Model to its ``Backend``: what the router must know to send requests to it. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import get_args

from auriga_api import Model
from auriga_api.model import Capability, ModelSpec, Pricing
from auriga_api.model import Timeouts as ModelTimeouts
from auriga_api.model_status import STARTED_AGAIN
from auriga_api.quantity import seconds
from auriga_router import providers
from auriga_router.attempts import reply_headers
from auriga_router.dialects import COUNTS_TOKENS
from auriga_router.endpoint import Address, Endpoint, parse_address
from auriga_router.routing.ring import Ring
from auriga_router.slots import Slots
from auriga_router.snapshot import Snapshot
from auriga_router.table import Backend, NotReady, Progress, Timeouts

_EVERYTHING = frozenset({*get_args(Capability), COUNTS_TOKENS})
_MAX_QUEUED = 10_000
"""Where nothing else is said: each of them holds its request in memory."""
in_seconds = lru_cache(maxsize=4096)(seconds)


def compile_backend(
    model: Model, snapshot: Snapshot, endpoint: Callable[[Address], Endpoint], known: Backend | None
) -> Backend:
    """``endpoint`` gives the state of an address, the known one if there is one. ``known``: what it was before."""
    spec = model.spec
    key, name = model.metadata.key, model.metadata.name
    endpoints: tuple[Endpoint, ...] = ()
    path, headers, credential = b"/v1", b"", b""
    provider = providers.LLAMA_SERVER
    not_ready: NotReady | None = None
    if spec.suspended:
        not_ready = NotReady("Suspended", "spec.suspended is true")
    elif spec.external is not None:
        found = providers.site(spec.external, model.metadata.namespace, snapshot.secrets)
        if isinstance(found, NotReady):
            not_ready = found
        else:
            endpoints, path, headers = (endpoint(found.address),), found.path, found.headers
            provider, credential = found.provider, found.credential
    else:
        endpoints = tuple(endpoint(parse_address(text)) for text in snapshot.endpoints.get(key, ()))
        not_ready = None if endpoints else _unserved(model)
    asleep = not endpoints and spec.external is None and not spec.suspended
    wanted = asleep and (spec.autoscaling is not None or spec.replicas > 0)
    returns = wanted and _returns(model, not_ready, known)
    cold = wanted and not _failed(model)
    starts = cold and model.status is not None  # else nobody looks after it
    external_name = spec.external.model if spec.external is not None else ""
    return Backend(
        key=key,
        name=name,
        locality=spec.effective_locality,
        capabilities=shared((spec.effective_capabilities - provider.lacks) | provider.has),
        context_length=_context_length(model),
        timeouts=_timeouts(spec.timeouts),
        endpoints=endpoints,
        path=path,
        headers=headers,
        external=spec.external is not None,
        credential=credential,
        speaks=provider.speaks,
        wire=provider.wire,
        explains=provider.explains,
        target_of=provider.target,
        model_json=json.dumps(external_name or name).encode(),  # orjson's bytes keep 4 KB each
        not_ready=not_ready,
        ring=_ring(endpoints, known),
        parallel=0 if spec.external is not None else spec.engine.parallel,
        slots=known.slots if known is not None else Slots(key),
        capacity=_capacity(spec, len(endpoints)),
        is_limited=spec.limits.max_in_flight is not None,
        max_queued=_MAX_QUEUED if spec.limits.max_queued is None else spec.limits.max_queued,
        per_minute=spec.limits.requests_per_minute or 0,
        tokens_per_minute=spec.limits.tokens_per_minute or 0,
        cold=cold,
        wakes=starts and spec.autoscaling is not None,
        starts=starts,
        returns=returns,
        asleep=asleep,
        progress=_progress(model) if asleep else None,
        price=_price(spec.pricing),
        secret=secret_of(model),
        reply_headers=reply_headers(name),
    )


def missing_backend(namespace: str, name: str) -> Backend:
    """Stands for a Model that does not exist."""
    return Backend(
        key=f"{namespace}/{name}",
        name=name,
        locality="Cluster",
        capabilities=_EVERYTHING,  # unknown: it must be missed as missing, not as unable
        context_length=0,
        timeouts=_timeouts(ModelTimeouts()),
        not_ready=NotReady("ModelMissing", f"Model {namespace}/{name} does not exist"),
        reply_headers=reply_headers(name),
    )


def secret_of(model: Model) -> str:
    """Key of the Secret that it names, if any."""
    reference = model.spec.external.credentials_secret_ref if model.spec.external is not None else None
    return f"{model.metadata.namespace}/{reference.name}" if reference is not None else ""


@lru_cache(maxsize=1024)
def shared(capabilities: frozenset[str]) -> frozenset[str]:
    """The one set that stands for all equal ones: ten thousand Models have a handful of them."""
    return capabilities


@lru_cache(maxsize=4096)
def limits(connect: str, first_token: str, stall: str, total: str) -> Timeouts:
    """The same for all that write the same."""
    return Timeouts(in_seconds(connect), in_seconds(first_token), in_seconds(stall), in_seconds(total))


def _timeouts(spec: ModelTimeouts) -> Timeouts:
    return limits(spec.connect, spec.first_token, spec.stall, spec.total)


def _ring(endpoints: tuple[Endpoint, ...], known: Backend | None) -> Ring | None:
    if known is not None and known.endpoints == endpoints:
        return known.ring
    return Ring([endpoint.name for endpoint in endpoints]) if len(endpoints) > 1 else None


def _capacity(spec: ModelSpec, endpoints: int) -> int:
    if spec.limits.max_in_flight is not None:
        return spec.limits.max_in_flight
    return 0 if spec.external is not None else spec.engine.parallel * endpoints


def _failed(model: Model) -> bool:
    return model.status is not None and model.status.phase in ("Failed", "Suspended")


def _returns(model: Model, not_ready: NotReady | None, known: Backend | None) -> bool:
    """Has it served before, and does somebody start it again? Its phase is Failed meanwhile, if its engine crashed."""
    served = known is not None and not known.external and (known.returns or bool(known.endpoints))
    restarts = not _failed(model) or (not_ready is not None and not_ready.reason in STARTED_AGAIN)
    return served and restarts and model.status is not None  # else nobody looks after it


def _progress(model: Model) -> Progress:
    status = model.status
    if status is None or status.download is None:
        return Progress("Pending" if status is None else status.phase)
    download = status.download
    try:
        left = seconds(download.eta) if download.eta else 0.0
    except ValueError:
        left = 0.0
    return Progress(status.phase, download.bytes, download.total_bytes, left)


def _price(pricing: Pricing) -> float:
    return (3 * float(pricing.input_per_million) + float(pricing.output_per_million)) / 4


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
