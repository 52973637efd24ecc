"""Everything that decisions about one Model or one RoleChain rest on, as seen at one moment. Pure and frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from auriga_api import Model, RoleChain
from auriga_api.load import EndpointLoad
from auriga_api.model import Artifact
from auriga_operator import views
from auriga_operator.objects.names import child, weights_job
from auriga_operator.objects.weights import fetched, identity
from auriga_operator.resources import DEPLOYMENTS, JOBS, Key, Object
from auriga_operator.views import DeploymentView, EventView, JobView, PodView


@dataclass(frozen=True, slots=True)
class SecretView:
    """A Secret: which keys it has, never their values."""

    version: str
    keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class FetchReport:
    """What the fetcher said last."""

    artifact: Artifact | None = None
    path: str = ""
    """Where the weights lie in their claim; empty while they are not there."""
    bytes: int = 0
    total_bytes: int = 0
    seconds_left: float | None = None
    trouble: str = ""
    """What went wrong last on the way and is tried again."""
    reason: str = ""
    """Why it failed, if it did."""
    message: str = ""


NOTHING_SAID = FetchReport()


@dataclass(frozen=True, slots=True)
class Scale:
    """How many replicas the load asks for."""

    desired: int
    reason: str
    since: str = ""
    """When the number was changed last, as Kubernetes writes times."""
    endpoints: Mapping[str, EndpointLoad] = field(default_factory=dict)
    """``ip:port`` of a pod -> what it has to do."""


@dataclass(frozen=True, slots=True)
class ModelSnapshot:
    """One Model, what it owns, and what it names."""

    model: Model
    owned: Mapping[Key, Object] = field(default_factory=dict)
    """What carries its label, but pods."""
    pods: tuple[PodView, ...] = ()
    secrets: Mapping[str, SecretView] = field(default_factory=dict)
    """Name -> Secret; those that do not exist are absent."""
    claims: frozenset[str] = frozenset()
    """Names of the claims that exist, of those that the Model names."""
    report: FetchReport = NOTHING_SAID
    warnings: Mapping[str, EventView] = field(default_factory=dict)
    """Uid of a pod or Job -> what was said last about why it does not start."""
    image_volumes: bool = False
    freed: float = 0.0
    """When one of its pods last was about to go, and its device with it."""
    scale: Scale | None = None
    """What was decided of its replicas; None: that is left to spec.replicas."""

    @property
    def new(self) -> bool:
        """Whether nothing of it is there yet, and nothing has been said of it."""
        return self.model.status is None and not self.owned and not self.pods

    @property
    def replicas(self) -> int:
        """How many pods are to serve it."""
        spec = self.model.spec
        if spec.suspended:
            return 0
        return self.scale.desired if self.scale else spec.replicas

    def key(self, kind: str, name: str) -> Key:
        """The key of something in the Model's namespace."""
        return Key(kind, self.model.metadata.namespace, name)

    @property
    def deployment(self) -> DeploymentView | None:
        item = self.owned.get(self.key(DEPLOYMENTS.kind, child(self.model.metadata.name)))
        return views.deployment(item) if item else None

    @property
    def job(self) -> JobView | None:
        """The Job that fetches the weights that are wanted now."""
        if not fetched(self.model):
            return None
        item = self.owned.get(self.key(JOBS.kind, weights_job(self.model.metadata.name, identity(self.model))))
        return views.job(item) if item else None

    @property
    def engines(self) -> tuple[PodView, ...]:
        """The pods that serve it, or are about to."""
        return tuple(pod for pod in self.pods if pod.component == "engine" and not pod.deleting and not pod.over)

    @property
    def leaving(self) -> frozenset[str]:
        """Uids of pods that served it and are about to go; until then they hold their devices."""
        return frozenset(pod.uid for pod in self.pods if pod.component == "engine" and pod.deleting)

    @property
    def placed(self) -> int:
        """Pods that have a node, and what devices they ask for; those that leave it, too."""
        return sum(pod.component == "engine" and bool(pod.node) and not pod.over for pod in self.pods)

    @property
    def fetchers(self) -> tuple[PodView, ...]:
        """The pods of that Job, the newest last."""
        job = self.job
        pods = (pod for pod in self.pods if job and pod.owner == job.name and not pod.deleting)
        return tuple(sorted(pods, key=lambda pod: pod.created))


@dataclass(frozen=True, slots=True)
class Located:
    """Weights that are fetched: where they lie in their claim, and what they are."""

    path: str
    artifact: Artifact | None


def located(seen: ModelSnapshot) -> Located | None:
    """The fetched weights that are wanted now, or None while they are not there."""
    if seen.report.path:
        return Located(seen.report.path, seen.report.artifact)
    deployment = seen.deployment
    if deployment and deployment.weights_path and deployment.weights == identity(seen.model):
        return Located(deployment.weights_path, _artifact_of(deployment.weights_path, seen.model))
    return None


def _artifact_of(path: str, model: Model) -> Artifact | None:
    """What the status says of the weights there, if it is about them and not about others that were wanted before."""
    artifact = model.status.artifact if model.status else None
    same = artifact is not None and PurePosixPath(artifact.file).name == PurePosixPath(path).name
    return artifact if same else None


@dataclass(frozen=True, slots=True)
class MemberView:
    """What a RoleChain needs to know of one of its Models."""

    ready: bool
    endpoints: int
    reason: str
    locality: str
    capabilities: frozenset[str]


@dataclass(frozen=True, slots=True)
class ChainSnapshot:
    """One RoleChain, its members, and who else answers to its names."""

    chain: RoleChain
    members: Mapping[str, MemberView]
    """Model name -> Model; those that do not exist are absent."""
    others: tuple[RoleChain, ...] = ()
    """The namespace's other RoleChains that share a role or a synonym with it."""
