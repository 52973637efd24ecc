"""What is true of each Model on this machine, in the words of the API. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from auriga_api.base import Condition
from auriga_api.model import Artifact, Download, Model, ModelStatus, Phase
from auriga_api.model_status import ENGINE_SAID
from auriga_cli.local.backoff import retry_at
from auriga_cli.local.demand import Demand
from auriga_cli.local.desired import Secrets
from auriga_cli.local.ending import Ending
from auriga_cli.local.memory import context_length, human_size
from auriga_cli.local.plan import Shortage
from auriga_cli.local.standby import WAKES, leaving, waiting
from auriga_cli.local.state import Fetch, Limits, Process, Wanted, World
from auriga_cli.local.turns import Wait
from auriga_operator.said import cause
from auriga_operator.weights.memory import fitted
from auriga_router.providers import site
from auriga_router.table import NotReady

PROGRESSING: frozenset[Phase] = frozenset({"Pending", "Downloading", "Loading"})
"""Phases that end by themselves, in one way or the other."""


@dataclass(frozen=True, slots=True)
class View:
    """What statuses are made of besides the World itself."""

    world: World
    now: float
    limits: Limits
    shortages: Mapping[str, Shortage] = field(default_factory=dict)
    endings: Mapping[str, Ending] = field(default_factory=dict)
    """Model key -> how its last engine ended."""
    secrets: Secrets = field(default_factory=dict, repr=False)
    waits: Mapping[str, Wait] = field(default_factory=dict)
    demands: Mapping[str, Demand] = field(default_factory=dict)
    """Of the Models with ``autoscaling``."""


@dataclass(frozen=True, slots=True)
class _Finding:
    phase: Phase
    reason: str
    message: str


def model_status(model: Model, previous: ModelStatus | None, view: View, stamp: str) -> ModelStatus:
    """The status of ``model``, which was ``previous``; ``stamp`` is now, as Kubernetes writes a time."""
    key = model.metadata.key
    wanted = view.world.wanted.get(key)
    if wanted is None:
        return _status(model, _external(model, view), previous, stamp)
    running = [each for each in view.world.processes if each.model == key and each.state != "Stopping"]
    ready = [each for each in running if each.state == "Healthy"]
    fetch = view.world.fetches.get(wanted.request.id)
    status = _status(model, _finding(wanted, running, fetch, view), previous, stamp)
    artifact = fetch.artifact if fetch else None
    chosen = _chosen(wanted, artifact, status.conditions[0]) if artifact else []
    return status.model_copy(
        update={
            "conditions": [*status.conditions, *chosen],
            "artifact": artifact,
            "download": _download(fetch),
            "replicas": len(running),
            "ready_replicas": len(ready),
            "endpoint": ready[0].address if ready else "",
            "slots": wanted.parallel * len(ready),
        }
    )


def _status(model: Model, finding: _Finding, previous: ModelStatus | None, stamp: str) -> ModelStatus:
    ready = "True" if finding.phase in ("Ready", "Degraded") else "False"
    generation = model.metadata.generation
    condition = Condition(
        type="Ready",
        status="True" if ready == "True" else "False",
        reason=finding.reason,
        message=finding.message,
        observed_generation=generation,
        last_transition_time=_transition(previous, ready, stamp),
    )
    return ModelStatus(observed_generation=generation, phase=finding.phase, conditions=[condition])


def _chosen(wanted: Wanted, artifact: Artifact, ready: Condition) -> list[Condition]:
    """Why this file, where it was chosen by the memory of GPUs."""
    room, context = wanted.request.room, wanted.request.context_length
    if room is None or not artifact.vram_required:
        return []
    why = fitted(artifact.size_bytes, artifact.vram_required, context, wanted.parallel, room)
    what = {"type": "WeightsResolved", "status": "True", "reason": "Resolved", "message": f"{artifact.file}, {why}"}
    return [ready.model_copy(update=what)]


def _transition(previous: ModelStatus | None, ready: str, stamp: str) -> str:
    for condition in previous.conditions if previous else []:
        if condition.type == "Ready" and condition.status == ready:
            return condition.last_transition_time
    return stamp


def _external(model: Model, view: View) -> _Finding:
    if model.spec.suspended:
        return _suspended()
    if model.spec.external:
        found = site(model.spec.external, model.metadata.namespace, view.secrets)
        if isinstance(found, NotReady):
            return _Finding("Failed", found.reason, found.message)
    return _Finding("Ready", "External", "served by its provider")


def _suspended() -> _Finding:
    return _Finding("Suspended", "Suspended", "spec.suspended is true: set it to false to serve it again")


def _finding(wanted: Wanted, running: Sequence[Process], fetch: Fetch | None, view: View) -> _Finding:
    if wanted.replicas == 0:
        return _away(wanted, fetch, view) if wanted.autoscaling else _stopped(wanted, view)
    ready = [each for each in running if each.state == "Healthy"]
    trouble = _trouble(wanted, running, fetch, view)
    if not ready:
        return trouble or _progress(wanted, running, fetch, view)
    up_to_date = sum(each.revision == wanted.revision for each in ready)
    if trouble:
        held = "an earlier version serves" if not up_to_date else f"{len(ready)} of {wanted.replicas} replicas serve"
        return _Finding("Degraded", trouble.reason, f"{held}; {trouble.message}")
    if up_to_date >= wanted.replicas:
        return _Finding("Ready", "Serving", _serving(wanted, fetch) + _loaded(view.demands.get(wanted.model)))
    held = "the earlier version serves until the new one is ready" if not up_to_date else ""
    return _Finding("Ready", "Updating", held or f"{up_to_date} of {wanted.replicas} replicas serve")


def _away(wanted: Wanted, fetch: Fetch | None, view: View) -> _Finding:
    """A Model with ``autoscaling`` that has no process, or none that is to stay."""
    wait = view.waits.get(wanted.model)
    trouble = _trouble(wanted, (), fetch, view)
    if trouble and (trouble.reason == "NotEnoughMemory" or not _tries_again(wanted, view)):
        return trouble
    if fetch is None or fetch.state != "Done":
        return trouble or _progress(wanted, (), fetch, view)
    if wait:
        return _Finding("Pending", "WaitingForMemory", waiting(wait, view.demands, view.now))
    if trouble:
        return _Finding("ScaledToZero", "LastStartFailed", f"{WAKES} again: {trouble.message}")
    known = view.demands.get(wanted.model)
    if known and known.scaling.desired:
        left = leaving(known) if known.claim.leaving else f"it made room for another Model: {WAKES}"
        return _Finding("ScaledToZero", "MadeRoom", left)
    return _Finding("ScaledToZero", "ScaledToZero", f"{_unasked(wanted, known)}: {WAKES}")


def _unasked(wanted: Wanted, known: Demand | None) -> str:
    if known and known.scaling.scaled is not None and wanted.autoscaling:
        return f"no request for {wanted.autoscaling.idle_timeout}"
    return "nobody has asked it yet"


def _tries_again(wanted: Wanted, view: View) -> bool:
    """Whether the next request may start what has failed."""
    failure = view.world.failures.get((wanted.model, 0, wanted.revision))
    return failure is not None and view.now >= retry_at(failure, view.limits)


def _stopped(wanted: Wanted, view: View) -> _Finding:
    if any(process.model == wanted.model for process in view.world.processes):
        return _Finding("Suspended", "Stopping", "its last requests are finished first")
    return _suspended()


def _serving(wanted: Wanted, fetch: Fetch | None) -> str:
    tokens = context_length(wanted, fetch.artifact if fetch else None)
    return f"{_count(wanted.parallel, 'request')} at a time, {tokens} tokens of context each"


def _loaded(known: Demand | None) -> str:
    """How long one waits for it when it comes."""
    return f"; loaded in {known.claim.load_time:.1f} s" if known else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _trouble(wanted: Wanted, running: Sequence[Process], fetch: Fetch | None, view: View) -> _Finding | None:
    """What keeps the wanted revision from serving, if anything does."""
    if wanted.blocked:
        return _Finding("Failed", wanted.blocked.reason, wanted.blocked.message)
    if fetch and fetch.failure and not (fetch.state == "Running" and fetch.total_bytes):
        again = _again(retry_at(fetch.failure, view.limits) - view.now)
        return _Finding("Failed", fetch.reason, f"{fetch.message}{again}")
    if shortage := view.shortages.get(wanted.model):
        return _Finding("Failed", "NotEnoughMemory", _too_large(wanted, fetch, shortage))
    return _crash(wanted, running, view)


def _too_large(wanted: Wanted, fetch: Fetch | None, shortage: Shortage) -> str:
    tokens = context_length(wanted, fetch.artifact if fetch else None)
    return (
        f"it needs about {human_size(shortage.need)} of memory and {human_size(shortage.room)} of"
        f" {human_size(shortage.total)} are free: choose a smaller quantization, lower spec.engine.contextLength"
        f" ({tokens}) or spec.engine.parallel ({wanted.parallel}), or suspend another Model"
    )


def _crash(wanted: Wanted, running: Sequence[Process], view: View) -> _Finding | None:
    ending = view.endings.get(wanted.model)
    if ending is None or ending.revision != wanted.revision:
        return None
    healthy = {each.replica for each in running if each.state == "Healthy" and each.revision == wanted.revision}
    count = max(wanted.replicas, 1)
    slots = [(wanted.model, replica, wanted.revision) for replica in range(count) if replica not in healthy]
    failures = [view.world.failures[slot] for slot in slots if slot in view.world.failures]
    if not failures:
        return None
    named = cause(ending.lines)
    said = f"{ENGINE_SAID}{named}" if named else ""
    left = min(retry_at(failure, view.limits) for failure in failures) - view.now
    again = _when_asked(left) if wanted.autoscaling and not wanted.replicas else _again(left)
    return _Finding("Failed", ending.reason, f"{ending.message}{said}{again}")


def _again(wait: float) -> str:
    return f" (next try in {ceil(wait)} s)" if wait > 0 else " (trying again)"


def _when_asked(wait: float) -> str:
    return f" (tried again when it is asked after {ceil(wait)} s)" if wait > 0 else ""


def _progress(wanted: Wanted, running: Sequence[Process], fetch: Fetch | None, view: View) -> _Finding:
    if running:
        waited = view.now - min(process.since for process in running)
        reason = "Waking" if wanted.autoscaling else "Loading"
        return _Finding("Loading", reason, f"its engine loads the weights, {waited:.0f} s so far")
    if fetch and fetch.state == "Running":
        return _fetching(fetch)
    if fetch and fetch.state == "Done":
        return _Finding("Pending", "Starting", "its engine is about to start")
    return _Finding("Pending", "ResolvingWeights", "looking up its weights")


def _fetching(fetch: Fetch) -> _Finding:
    trouble = f"{fetch.trouble}: trying again" if fetch.trouble else ""
    if not fetch.total_bytes:
        reason = "Retrying" if trouble else "ResolvingWeights"
        return _Finding(
            "Pending", reason, f"looking up its weights: {trouble}" if trouble else "looking up its weights"
        )
    done = f"{human_size(fetch.bytes)} of {human_size(fetch.total_bytes)} of the weights are here"
    reason, rest = ("Retrying", f"; {trouble}") if trouble else ("Downloading", "")
    return _Finding("Downloading", reason, f"{done}{rest}")


def _download(fetch: Fetch | None) -> Download | None:
    if fetch is None or fetch.state != "Running" or not fetch.total_bytes:
        return None
    percent = min(100, fetch.bytes * 100 // fetch.total_bytes)
    eta = f"{fetch.eta:.0f}s" if fetch.eta is not None else ""
    return Download(bytes=fetch.bytes, total_bytes=fetch.total_bytes, percent=percent, eta=eta)
