"""What to change so that the cluster has what a Model asks for. Pure: a snapshot in, a plan out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from auriga_operator import views
from auriga_operator.diagnose import missing_reference
from auriga_operator.drift import up_to_date
from auriga_operator.farewell import Mark, marks
from auriga_operator.objects import fetching
from auriga_operator.objects.base import left_behind, owned_by
from auriga_operator.objects.deployment import deployment, most_replicas
from auriga_operator.objects.names import child, weights_claim
from auriga_operator.objects.service import budget, service
from auriga_operator.objects.weights import fetched, identity
from auriga_operator.resources import CLAIMS, DEPLOYMENTS, JOBS, Key, Object, key_of
from auriga_operator.settings import Settings
from auriga_operator.snapshot import ModelSnapshot, located
from auriga_operator.views import DeploymentView, PodView

HOLD_SECONDS = 5.0
"""How soon a held change is looked at again."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """One very object that is to go."""

    key: Key
    uid: str


@dataclass(frozen=True, slots=True)
class Resize:
    """One very Deployment whose number of replicas changes, and nothing else of it."""

    key: Key
    uid: str
    replicas: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What to apply and what to delete, and when to look again even if nothing happens."""

    apply: tuple[Object, ...] = ()
    delete: tuple[Deletion, ...] = ()
    marks: tuple[Mark, ...] = ()
    """What pods are marked with before anything is applied."""
    resize: Resize | None = None
    """What cannot wait while the rest of the Deployment has to."""
    look_again: float | None = None
    replaces_pods: bool = False
    """Whether pods that are there will be replaced by others."""

    @property
    def empty(self) -> bool:
        return not (self.apply or self.delete or self.marks or self.resize)

    def __str__(self) -> str:
        steps = [f"apply {key_of(item)}" for item in self.apply] + [f"delete {each.key}" for each in self.delete]
        steps += [f"mark {each.key}" for each in self.marks]
        steps += [f"resize {self.resize.key} to {self.resize.replicas}"] if self.resize else []
        return ", ".join(steps) or "nothing"


def decide(seen: ModelSnapshot, settings: Settings, now: float, *, hold: bool = False) -> Plan:
    """What brings the cluster closer to what the Model asks for.

    With ``hold`` pods are replaced only for a change of the Model, not for one of the operator's own defaults.
    """
    wanted = () if seen.model.spec.external else tuple(_wanted(seen, settings, now))
    keep = {key_of(item) for item in wanted} | (set() if seen.model.spec.external else set(_kept(seen)))
    uid = seen.model.metadata.uid
    apply = tuple(item for item in wanted if not _stands(seen, item))
    held = {key_of(item) for item in apply if hold and _replaces_pods(seen, item) and not _asked_for(seen)}
    apply = tuple(item for item in apply if key_of(item) not in held)
    resize = _resize(seen) if held else None
    return Plan(
        apply=apply,
        delete=tuple(
            Deletion(key, item["metadata"]["uid"])
            for key, item in seen.owned.items()
            if owned_by(item, uid) and key not in keep and "deletionTimestamp" not in item["metadata"]
        ),
        marks=marks(seen) if _lowers(seen, apply, resize) else (),
        resize=resize,
        look_again=HOLD_SECONDS if held else _look_again(seen, settings, now),
        replaces_pods=any(_replaces_pods(seen, item) for item in apply),
    )


def _replaces_pods(seen: ModelSnapshot, item: Object) -> bool:
    live = seen.deployment
    return item["kind"] == DEPLOYMENTS.kind and live is not None and live.revision != views.deployment(item).revision


def _resize(seen: ModelSnapshot) -> Resize | None:
    key = seen.key(DEPLOYMENTS.kind, child(seen.model.metadata.name))
    live = seen.deployment
    if live is None or live.wanted == seen.replicas:
        return None
    return Resize(key, seen.owned[key]["metadata"]["uid"], seen.replicas)


def _lowers(seen: ModelSnapshot, apply: tuple[Object, ...], resize: Resize | None) -> bool:
    live = seen.deployment
    changes = resize is not None or any(item["kind"] == DEPLOYMENTS.kind for item in apply)
    return changes and live is not None and 0 < seen.replicas < live.wanted


def _asked_for(seen: ModelSnapshot) -> bool:
    """Whether the Model has been changed since it was last looked at, or other weights have come for it."""
    status, live = seen.model.status, seen.deployment
    observed = status is not None and status.observed_generation == seen.model.metadata.generation
    return not observed or live is None or live.weights != identity(seen.model)


def _stands(seen: ModelSnapshot, item: Object) -> bool:
    live = seen.owned.get(key_of(item))
    if live is None:
        return False
    if "deletionTimestamp" in live["metadata"] or left_behind(live, seen.model):
        # It goes, or a former Model of that name has left it to the garbage collector: then there is room.
        return True
    # Most of a claim and of a Job can never be changed: what matters in a Job is in its name.
    return item["kind"] in (CLAIMS.kind, JOBS.kind) or up_to_date(live, item)


def _wanted(seen: ModelSnapshot, settings: Settings, now: float) -> Iterator[Object]:
    model = seen.model
    yield service(model)
    if most_replicas(model) > 1:
        yield budget(model)
    # A wrong edit must not take down what works: what is there stays as it is until the edit is mended.
    if missing_reference(seen):
        return
    weights = located(seen) if fetched(model) else None
    if fetched(model):
        yield fetching.claim(model, settings)
        if not _fetch_again(seen) and not model.spec.suspended:
            yield fetching.job(model, _token_version(seen), settings)
    if weights or not fetched(model):
        artifact = weights.artifact if weights else None
        yield deployment(
            model,
            weights.path if weights else "",
            artifact.context_length if artifact else 0,
            replicas=seen.replicas,
            yielding=_yielding(seen, settings, now),
            image_volumes=seen.image_volumes,
            settings=settings,
        )


def _kept(seen: ModelSnapshot) -> Iterator[Key]:
    """What stays although it is not wanted anew: the serving pods while other weights come, and those weights."""
    yield seen.key(DEPLOYMENTS.kind, child(seen.model.metadata.name))
    blocked = missing_reference(seen) is not None
    for key in seen.owned:
        if key.kind in (JOBS.kind, CLAIMS.kind) and blocked:
            yield key
    job = seen.job
    # What is here already stays in the claim: a Model that is no longer suspended goes on from there.
    if job and not _fetch_again(seen) and (job.complete or not seen.model.spec.suspended):
        yield seen.key(JOBS.kind, job.name)


def _fetch_again(seen: ModelSnapshot) -> bool:
    """Whether the Job has to be made anew: its result is lost, or it fails with a token that has changed."""
    job = seen.job
    if job is None:
        return False
    if job.complete:
        claim_lost = seen.key(CLAIMS.kind, weights_claim(seen.model.metadata.name)) not in seen.owned
        return claim_lost or located(seen) is None
    return bool(seen.report.reason) and job.secret_version != _token_version(seen)


def _token_version(seen: ModelSnapshot) -> str:
    source = seen.model.spec.source
    token = source.hugging_face.token_secret_ref if source and source.hugging_face else None
    secret = seen.secrets.get(token.name) if token else None
    return secret.version if secret else ""


def _yielding(seen: ModelSnapshot, settings: Settings, now: float) -> int:
    """How many old pods may go before new ones serve; 0 while a new one may come first.

    It may, until one finds no place beside the old ones: then the scheduler has said that nothing is to spare. From
    there on an old one goes first, until all are replaced. Pods that had no place before count as gone already: else
    there would be too few for one more to go, and the change would wait for devices that nobody brings.
    """
    live = seen.deployment
    if live is None or not live.rolling:
        return 0
    without = max(0, seen.replicas - seen.placed)
    if live.yielding:
        # It never rises: between an old pod and its successor there is one less that has a place.
        return min(live.yielding, without + 1)
    left = _patience_left(seen, settings, now)
    return without + 1 if left is not None and left <= 0 else 0


def _look_again(seen: ModelSnapshot, settings: Settings, now: float) -> float | None:
    live = seen.deployment
    if live is None or not live.rolling or live.yielding:
        return None
    left = _patience_left(seen, settings, now)
    return left if left is not None and left > 0 else None


def _patience_left(seen: ModelSnapshot, settings: Settings, now: float) -> float | None:
    """Seconds; None while no new pod waits for a place. What an old pod gives up may be the place."""
    live = seen.deployment
    waits = _waits_beside_old_ones(seen, live) if live else None
    return settings.surge_patience - (now - max(waits, seen.freed)) if waits is not None else None


def _waits_beside_old_ones(seen: ModelSnapshot, deployment_: DeploymentView) -> float | None:
    """Since when a new pod has found no place while old ones hold theirs."""
    if all(pod.revision == deployment_.revision for pod in seen.engines):
        return None
    new = [pod for pod in seen.engines if pod.revision == deployment_.revision]
    since = [found for found in (_without_place(pod, seen) for pod in new) if found is not None]
    if deployment_.failure and not new:
        since.append(0.0)
    return min(since, default=None)


def _without_place(pod: PodView, seen: ModelSnapshot) -> float | None:
    if pod.unscheduled_since is not None:
        return pod.unscheduled_since
    warning = seen.warnings.get(pod.uid)
    return pod.created if warning and not pod.begun and "Multi-Attach" in warning.message else None
