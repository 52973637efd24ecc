"""What keeps a Model from serving, from what the cluster says: a reason, and a message that says what to do. Pure.

The checks are small functions in the order in which their findings count.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from signal import Signals

from auriga_api import Model
from auriga_api.base import SecretKeyRef
from auriga_api.model_status import ENGINE_CRASHED, ENGINE_SAID, OOM_KILLED
from auriga_operator.given_up import given_up
from auriga_operator.objects.engine import NAME as ENGINE
from auriga_operator.said import causes
from auriga_operator.snapshot import ModelSnapshot
from auriga_operator.texts import listing, size, tail
from auriga_operator.views import ContainerView, EventView, PodView


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something does not work, and what to do."""

    reason: str
    message: str
    stalled: bool = True
    """Somebody has to do something; else it may well pass by itself."""


def diagnose(seen: ModelSnapshot) -> Problem | None:
    """The first problem, or None."""
    found = (problem for check in _CHECKS for problem in [check(seen)] if problem)
    return next(found, None)


def missing_reference(seen: ModelSnapshot) -> Problem | None:
    """A Secret or a claim that the Model names and that is not there."""
    for field, reference in _secret_references(seen.model):
        secret = seen.secrets.get(reference.name)
        where = f"{field}: Secret {seen.model.metadata.namespace}/{reference.name}"
        if secret is None:
            return Problem("SecretNotFound", f"{where} does not exist: create it, with the key {reference.key}")
        if reference.key not in secret.keys:
            has = listing(sorted(secret.keys)) or "none"
            return Problem("SecretKeyNotFound", f"{where} has no key {reference.key} (its keys: {has}): add it")
    source = seen.model.spec.source
    if source and source.volume and source.volume.claim_name not in seen.claims:
        name = f"{seen.model.metadata.namespace}/{source.volume.claim_name}"
        return Problem(
            "ClaimNotFound", f"spec.source.volume.claimName: PersistentVolumeClaim {name} does not exist: create it"
        )
    return None


def _secret_references(model: Model) -> Iterator[tuple[str, SecretKeyRef]]:
    spec = model.spec
    if spec.external and spec.external.credentials_secret_ref:
        yield "spec.external.credentialsSecretRef", spec.external.credentials_secret_ref
    if spec.source and spec.source.hugging_face and spec.source.hugging_face.token_secret_ref:
        yield "spec.source.huggingFace.tokenSecretRef", spec.source.hugging_face.token_secret_ref
    for index, variable in enumerate(spec.engine.env):
        if variable.value_from and variable.value_from.secret_key_ref:
            yield f"spec.engine.env[{index}].valueFrom.secretKeyRef", variable.value_from.secret_key_ref


def secret_names(model: Model) -> frozenset[str]:
    """The Secrets that the Model names."""
    return frozenset(reference.name for _, reference in _secret_references(model))


def _fetch_failed(seen: ModelSnapshot) -> Problem | None:
    if seen.report.reason:
        # The network may be there again at the next try; anything else waits for somebody.
        return Problem(seen.report.reason, seen.report.message, stalled=seen.report.reason != "Unreachable")
    if seen.job and seen.job.failed:
        return Problem("FetchFailed", f"the Job {seen.job.name} gave up: {seen.job.failed}: delete it to try again")
    return None


def _fetcher_cannot_run(seen: ModelSnapshot) -> Problem | None:
    return next(filter(None, (_pod_problem(pod, seen) for pod in seen.fetchers if not pod.over)), None)


def _no_pod_allowed(seen: ModelSnapshot) -> Problem | None:
    failure = seen.deployment.failure if seen.deployment else ""
    if not failure and seen.job and not seen.fetchers:
        warning = seen.warnings.get(seen.job.uid)
        failure = warning.message if warning else ""
    return refusal(failure) if failure else None


def _newest_engine(seen: ModelSnapshot) -> Problem | None:
    """Of the pods that are to stay: those of an older template go anyway."""
    revision = seen.deployment.revision if seen.deployment else ""
    current = [pod for pod in seen.engines if pod.revision == revision and not pod.ready]
    return next(filter(None, (_pod_problem(pod, seen) for pod in current)), None)


def _given_up(seen: ModelSnapshot) -> Problem | None:
    """Another pod is made by itself, so it may well pass."""
    found = given_up(seen.pods, seen.deployment.revision if seen.deployment else "")
    return Problem(*found, stalled=False) if found else None


_CHECKS: tuple[Callable[[ModelSnapshot], Problem | None], ...] = (
    missing_reference,
    _fetch_failed,
    _fetcher_cannot_run,
    _no_pod_allowed,
    _newest_engine,
    _given_up,
)


def refusal(message: str) -> Problem:
    """What the API server says when it refuses to make something."""
    if "exceeded quota" in message:
        return Problem("QuotaExceeded", f"{message}: raise the ResourceQuota, or ask for less")
    if "violates PodSecurity" in message:
        return Problem(
            "PodSecurity", f"{message}: allow that in the namespace's Pod Security, or change source or podTemplate"
        )
    return Problem("Refused", message)


def _pod_problem(pod: PodView, seen: ModelSnapshot) -> Problem | None:
    if pod.unscheduled:
        return _unschedulable(pod, seen)
    for container in pod.containers:
        for check in (_image, _configuration, _out_of_memory, _crash):
            if problem := check(container, seen):
                return problem
    warning = seen.warnings.get(pod.uid)
    return _before_start(warning) if warning and not pod.begun else None


_SHORT = re.compile(r"Insufficient ([A-Za-z0-9./_-]*[A-Za-z0-9])")
_NO_CLAIM = re.compile(r'persistentvolumeclaim "([^"]+)" not found')


def _unschedulable(pod: PodView, seen: ModelSnapshot) -> Problem:
    says = f"the scheduler says: {pod.unscheduled.partition(' preemption:')[0].strip()}"
    if claim := _NO_CLAIM.search(pod.unscheduled):
        return Problem("ClaimNotFound", f"PersistentVolumeClaim {claim[1]} does not exist: create it; {says}")
    short = sorted(set(_SHORT.findall(pod.unscheduled)))
    resources = seen.model.spec.resources
    asked = {**resources.limits, **resources.requests}
    if short:
        wanted = listing([f"{asked[name]} {name}" if name in asked else name for name in short])
        advice = "add a node that has it, free one, or ask for less in spec.resources"
        return Problem("Unschedulable", f"no node has {wanted} to spare: {advice}; {says}", stalled=False)
    if "unbound immediate PersistentVolumeClaims" in pod.unscheduled:
        advice = "check that there is a default StorageClass, or set weightsStorageClass of the operator"
        return Problem("VolumeNotBound", f"the volume for the weights cannot be made: {advice}; {says}", stalled=False)
    advice = "compare spec.podTemplate.spec (nodeSelector, affinity, tolerations) with the nodes' labels and taints"
    return Problem("Unschedulable", f"no node takes the pod: {advice}; {says}", stalled=False)


_NO_IMAGE = frozenset((
    "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError",
    "RegistryUnavailable", "SignatureValidationFailed",
))  # fmt: skip
_BACK_OFF = re.compile(r'Back-off pulling image "[^"]*"(: \w+: )?')
"""What the kubelet puts before the error, from 1.32 on, or says instead of it, while it waits before another try."""


def _image(container: ContainerView, seen: ModelSnapshot) -> Problem | None:
    if container.waiting not in _NO_IMAGE:
        return None
    field = "spec.engine.image" if container.name == ENGINE else "the image"
    advice = f"check {field}, and imagePullSecrets in spec.podTemplate.spec if its registry asks for a login"
    said = _BACK_OFF.sub("", container.waiting_message, count=1)
    says = f"; the node says: {tail(said)}" if said else ""
    return Problem("ImagePullBackOff", f"image {container.image} cannot be pulled: {advice}{says}")


def _configuration(container: ContainerView, seen: ModelSnapshot) -> Problem | None:
    if container.waiting not in ("CreateContainerConfigError", "CreateContainerError", "RunContainerError"):
        return None
    return Problem(
        container.waiting, f"container {container.name} cannot be made: {tail(container.waiting_message)}: mend that"
    )


def _out_of_memory(container: ContainerView, seen: ModelSnapshot) -> Problem | None:
    if not container.ended or container.ended.reason != OOM_KILLED:
        return None
    limit = f" at its limit of {container.memory_limit}" if container.memory_limit else " because its node ran out"
    artifact = seen.model.status.artifact if seen.model.status else None
    need = max(artifact.vram_required, artifact.size_bytes) if artifact else 0
    estimate = f"; its weights and KV cache take about {size(need)}" if need else ""
    return Problem(
        OOM_KILLED,
        f"{container.name} was killed for memory{limit}{estimate}: raise spec.resources.limits.memory, choose a"
        " smaller quantization, or lower spec.engine.contextLength or spec.engine.parallel"
        f" ({seen.model.spec.engine.parallel})",
    )


def _crash(container: ContainerView, seen: ModelSnapshot) -> Problem | None:
    ended = container.ended
    if not ended or ended.exit_code == 0 or (container.restarts == 0 and not container.finished):
        return None
    if container.name != ENGINE:
        return Problem("InitFailed", f"{container.name} ended with {ended.exit_code}: {tail(ended.message)}")
    lines = ended.message.strip().splitlines()
    said = f"{ENGINE_SAID}{' | '.join(causes(lines)) or tail(ended.message)}" if lines else ""
    advice = "correct spec.engine or spec.source by that; `kubectl logs --previous` of its pod has the rest"
    return Problem(ENGINE_CRASHED, f"llama-server ended with {_exit(ended.exit_code)}{said}: {advice}")


def _exit(code: int) -> str:
    """An exit status; a container's runtime writes 128 and the number of the signal that ended it."""
    try:
        return f"{code} ({Signals(code - 128).name})"
    except ValueError:
        return str(code)


def _before_start(warning: EventView) -> Problem:
    """What the node says while it prepares a pod: it tries on, and says nothing when it succeeds."""
    says = tail(warning.message)
    if warning.reason == "FailedCreatePodSandBox":
        return Problem("PodNotStarted", f"the node cannot start the pod, and tries on: {says}", stalled=False)
    if "Multi-Attach" in warning.message:
        return Problem(
            "VolumeInUse",
            "the volume with the weights can be on one node at a time, and another pod holds it elsewhere: set"
            f" weightsAccessMode of the operator to ReadWriteMany, or replicas to 1; {says}",
            stalled=False,
        )
    return Problem("VolumeNotMounted", f"a volume cannot be mounted: {says}", stalled=False)
