"""What is true of a Model now, in the words of the API. Pure: a snapshot in, a status out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from auriga_api import Model
from auriga_api.model import Artifact, Phase
from auriga_operator import labels
from auriga_operator.conditions import Finding, conditions, truth
from auriga_operator.diagnose import Problem, diagnose
from auriga_operator.objects.engine import DEFAULT_CONTEXT, context_length
from auriga_operator.objects.service import endpoint
from auriga_operator.objects.weights import fetched, room, source_of
from auriga_operator.snapshot import FetchReport, ModelSnapshot, Scale, located
from auriga_operator.texts import duration, size
from auriga_operator.weights import memory


@dataclass(frozen=True, slots=True)
class _Summary:
    """The state in one word for people, and why."""

    phase: Phase
    reason: str
    message: str
    ready: bool = False
    progressing: bool = False


def model_status(seen: ModelSnapshot, refused: Problem | None, now: float) -> dict[str, Any]:
    """The status to write. ``refused``: what the API server did not accept of the last plan."""
    model = seen.model
    problem = refused or diagnose(seen)
    summary = _external(seen, problem) if model.spec.external else _served(seen, problem)
    generation = model.metadata.generation
    before = model.status.conditions if model.status else []
    status: dict[str, Any] = {
        "observedGeneration": generation,
        "phase": summary.phase,
        "conditions": conditions(_findings(seen, summary, problem), generation, before, now),
    }
    return status if model.spec.external else status | _of_served(seen)


def _of_served(seen: ModelSnapshot) -> dict[str, Any]:
    model = seen.model
    ready = _ready(seen)
    fields: dict[str, Any] = {
        "replicas": len(seen.engines),
        "readyReplicas": ready,
        "selector": ",".join(f"{name}={value}" for name, value in labels.selector(model.metadata.name).items()),
        "endpoint": endpoint(model),
        "slots": ready * model.spec.engine.parallel,
    }
    if seen.scale:
        fields["autoscaling"] = _scale(seen.scale)
    if artifact := _artifact(seen):
        fields["artifact"] = artifact.model_dump(by_alias=True, exclude_defaults=True)
    if _downloading(seen):
        fields["download"] = _download(seen)
    return fields


def _scale(scale: Scale) -> dict[str, Any]:
    since = {"lastScaleTime": scale.since} if scale.since else {}
    return {"desired": scale.desired, "reason": scale.reason, **since}


def _ready(seen: ModelSnapshot) -> int:
    return sum(pod.ready for pod in seen.engines)


def _external(seen: ModelSnapshot, problem: Problem | None) -> _Summary:
    if seen.model.spec.suspended:
        return _suspended()
    if problem:
        return _Summary("Failed", problem.reason, problem.message)
    return _Summary("Ready", "External", "served by its provider", ready=True)


def _suspended() -> _Summary:
    return _Summary("Suspended", "Suspended", "spec.suspended is true: set it to false to serve it again")


def _served(seen: ModelSnapshot, problem: Problem | None) -> _Summary:
    if seen.model.spec.suspended:
        return _suspended()
    if seen.replicas == 0:
        return _Summary("ScaledToZero", "ScaledToZero", _asleep(seen))
    if _ready(seen):
        return _answering(seen, problem)
    if problem:
        phase: Phase = "Failed" if problem.stalled else "Pending"
        return _Summary(phase, problem.reason, problem.message, progressing=not problem.stalled)
    return _starting(seen)


def _asleep(seen: ModelSnapshot) -> str:
    if seen.scale:
        return f"{seen.scale.reason}: the next request starts it"
    return "spec.replicas is 0: raise it to serve it again"


def _answering(seen: ModelSnapshot, problem: Problem | None) -> _Summary:
    ready, wanted = _ready(seen), seen.replicas
    deployment = seen.deployment
    revision = deployment.revision if deployment else ""
    new = sum(pod.ready and pod.revision == revision for pod in seen.engines)
    if problem:
        held = f"{ready} of {wanted} replicas serve" if new else "an earlier version serves"
        return _Summary(
            "Degraded", problem.reason, f"{held}; {problem.message}", ready=True, progressing=not problem.stalled
        )
    if fetched(seen.model) and located(seen) is None:
        return _Summary("Ready", "Updating", "an earlier version serves while the weights are fetched", True, True)
    if deployment is None or deployment.rolling or new < wanted:
        return _Summary("Ready", "Updating", f"{new} of {wanted} replicas are up to date", True, True)
    artifact = _artifact(seen)
    tokens = context_length(seen.model, artifact.context_length if artifact else 0)
    each = f"{seen.model.spec.engine.parallel} requests at a time, {tokens} tokens of context each"
    return _Summary("Ready", "Serving", f"{wanted} x {each}" if wanted > 1 else each, ready=True)


def _starting(seen: ModelSnapshot) -> _Summary:
    if _downloading(seen):
        report = seen.report
        return _Summary("Downloading", "Downloading", _progress(report), progressing=True)
    if fetched(seen.model) and located(seen) is None:
        return _Summary(
            "Pending", "ResolvingWeights", f"looking up its weights{_trouble(seen.report)}", progressing=True
        )
    if any(pod.node for pod in seen.engines):
        return _Summary("Loading", "Loading", "llama-server is loading the weights", progressing=True)
    return _Summary("Pending", "Starting", "its pods are about to start", progressing=True)


def _findings(seen: ModelSnapshot, summary: _Summary, problem: Problem | None) -> Iterator[Finding]:
    yield Finding("Ready", truth(summary.ready), summary.reason, summary.message)
    if seen.model.spec.source:
        yield from _about_weights(seen, problem)
        yield _scheduled(seen)
        yield _progressing(summary)
    if summary.progressing:
        yield Finding("Reconciling", "True", summary.reason, summary.message)
    if problem and problem.stalled:
        yield Finding("Stalled", "True", problem.reason, problem.message)


def _progressing(summary: _Summary) -> Finding:
    if summary.progressing:
        return Finding("Progressing", "True", summary.reason, summary.message)
    settled = summary.phase in ("Ready", "Suspended", "ScaledToZero")
    return Finding("Progressing", "False", "Settled" if settled else summary.reason, "" if settled else summary.message)


def _about_weights(seen: ModelSnapshot, problem: Problem | None) -> Iterator[Finding]:
    if not fetched(seen.model):
        where = _given(seen)
        yield Finding("WeightsResolved", "True", "Given", where)
        missing = problem is not None and problem.reason == "ClaimNotFound"
        reason, message = ("ClaimNotFound", problem.message) if missing and problem else ("Given", where)
        yield Finding("WeightsReady", truth(not missing), reason, message)
        return
    report, there = seen.report, located(seen)
    artifact = _artifact(seen)
    reason = report.reason or "ResolvingWeights"
    if artifact:
        yield Finding("WeightsResolved", "True", "Resolved", _resolved(artifact, seen.model))
    else:
        yield Finding("WeightsResolved", "False", reason, report.message or "not looked up yet")
    if there:
        yield Finding("WeightsReady", "True", "Fetched", f"{there.path} in the volume of the Model")
    elif _downloading(seen):
        yield Finding("WeightsReady", "False", "Downloading", _progress(report))
    else:
        yield Finding("WeightsReady", "False", reason, report.message or "not fetched yet")


def _given(seen: ModelSnapshot) -> str:
    source = source_of(seen.model)
    if source.volume:
        return f"{source.volume.path} in PersistentVolumeClaim {source.volume.claim_name}"
    if source.image:
        return f"{source.image.path} in image {source.image.reference}"
    return f"{source.file.path} on the node" if source.file else ""


def _resolved(artifact: Artifact, model: Model) -> str:
    gpus, need, engine = room(model), artifact.vram_required, model.spec.engine
    if gpus and need:
        tokens = engine.context_length or DEFAULT_CONTEXT
        return f"{artifact.file}, {memory.fitted(artifact.size_bytes, need, tokens, engine.parallel, gpus)}"
    takes = f"; it takes {size(need)} with its KV cache" if need else ""
    return f"{artifact.file} ({size(artifact.size_bytes)}){takes}"


def _scheduled(seen: ModelSnapshot) -> Finding:
    pods = seen.engines
    if not pods:
        return Finding("Scheduled", "Unknown", "NoPods", "it has no pods now")
    waiting = next((pod for pod in pods if pod.unscheduled), None)
    if waiting:
        return Finding("Scheduled", "False", "Unschedulable", waiting.unscheduled.partition(" preemption:")[0].strip())
    placed = sum(bool(pod.node) for pod in pods)
    if placed < len(pods):
        return Finding("Scheduled", "Unknown", "Waiting", f"{placed} of {len(pods)} pods have a node")
    return Finding("Scheduled", "True", "Scheduled")


def _artifact(seen: ModelSnapshot) -> Artifact | None:
    """Of the weights that are wanted now, or, while those are looked up, of the ones that serve."""
    if seen.report.artifact:
        return seen.report.artifact
    there = located(seen) if fetched(seen.model) else None
    return there.artifact if there else None


def _downloading(seen: ModelSnapshot) -> bool:
    return bool(seen.report.total_bytes) and not seen.report.path and not seen.report.reason


def _download(seen: ModelSnapshot) -> dict[str, Any]:
    report = seen.report
    percent = min(100, report.bytes * 100 // report.total_bytes)
    left = {"eta": duration(report.seconds_left)} if report.seconds_left is not None else {}
    return {"bytes": report.bytes, "totalBytes": report.total_bytes, "percent": percent, **left}


def _progress(report: FetchReport) -> str:
    return f"{size(report.bytes)} of {size(report.total_bytes)} of the weights are here{_trouble(report)}"


def _trouble(report: FetchReport) -> str:
    return f"; {report.trouble}: trying again" if report.trouble else ""
