"""What the decisions need of pods, Deployments, Jobs and claims, as frozen values. Pure: JSON in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auriga_operator import labels
from auriga_operator.resources import Object


@dataclass(frozen=True, slots=True)
class Ended:
    """How a container ended."""

    reason: str
    message: str
    """The last lines of its log, or what it wrote as its termination message."""
    exit_code: int


@dataclass(frozen=True, slots=True)
class ContainerView:
    """One container of a pod."""

    name: str
    image: str
    running: bool
    restarts: int
    waiting: str = ""
    """Reason that it waits for, such as ImagePullBackOff."""
    waiting_message: str = ""
    ended: Ended | None = None
    """How it ended now or, if it runs or waits again, last time."""
    finished: bool = False
    """It has ended and does not run again."""
    memory_limit: str = ""


@dataclass(frozen=True, slots=True)
class PodView:
    """One pod."""

    name: str
    uid: str
    revision: str
    component: str
    owner: str
    phase: str
    ready: bool
    deleting: bool
    node: str
    begun: bool
    """Its volumes are mounted and its network is there: what the node said of those before is over."""
    created: float
    unscheduled_since: float | None
    unscheduled: str
    """What the scheduler says, while it finds no node."""
    containers: tuple[ContainerView, ...]
    ip: str = ""
    deletion_cost: int = 0
    given_up: str = ""
    """Why its node gave it up or did not take it, such as Evicted; its containers did not end by themselves."""
    given_up_says: str = ""
    over_since: float = 0.0
    """When it was over, if it is; 0 else."""

    @property
    def over(self) -> bool:
        """It will not run again."""
        return self.phase in ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class DeploymentView:
    """The Deployment of a Model."""

    wanted: int
    current: bool
    """Its status is about its spec as it is now."""
    replicas: int
    updated: int
    available: int
    revision: str
    weights: str
    weights_path: str
    yielding: int
    """How many old pods may go before new ones serve; 0: a new one comes first."""
    failure: str
    """Why no pod could be made: a quota, an admission rule."""

    @property
    def rolling(self) -> bool:
        """Pods of an older template are still there, or new ones are not up yet."""
        return not self.current or self.updated < self.wanted or self.replicas > self.updated

    @property
    def complete(self) -> bool:
        return not self.rolling and self.available >= self.wanted and self.replicas == self.wanted


@dataclass(frozen=True, slots=True)
class JobView:
    """The Job that fetches weights."""

    name: str
    uid: str
    weights: str
    secret_version: str
    complete: bool
    failed: str
    """Why it gave up."""


@dataclass(frozen=True, slots=True)
class EventView:
    """What the cluster says of a pod or Job that does not get on."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A PersistentVolumeClaim."""

    name: str
    phase: str
    deleting: bool


def timestamp(text: str | None) -> float:
    """Seconds since 1970 of a time as Kubernetes writes it; 0 if there is none."""
    return datetime.fromisoformat(text).timestamp() if text else 0.0


def pod(item: Object) -> PodView:
    """The view of a Pod."""
    metadata, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
    annotations, marks = metadata.get("annotations") or {}, metadata.get("labels") or {}
    conditions = {each["type"]: each for each in status.get("conditions") or []}
    scheduled = conditions.get("PodScheduled") or {}
    waits = scheduled.get("status") == "False"
    containers = _containers(spec, status)
    return PodView(
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        revision=annotations.get(labels.REVISION, ""),
        component=marks.get(labels.COMPONENT, ""),
        owner=next((each["name"] for each in metadata.get("ownerReferences") or []), ""),
        phase=status.get("phase", ""),
        ready=(conditions.get("Ready") or {}).get("status") == "True",
        deleting="deletionTimestamp" in metadata,
        node=spec.get("nodeName", ""),
        begun=_begun(conditions, containers),
        created=timestamp(metadata.get("creationTimestamp")),
        unscheduled_since=timestamp(scheduled.get("lastTransitionTime")) if waits else None,
        unscheduled=scheduled.get("message", "") if waits else "",
        containers=containers,
        ip=status.get("podIP", ""),
        deletion_cost=_cost(annotations.get(labels.DELETION_COST, "")),
        **_given_up(metadata, status, conditions.values()),
    )


def _given_up(
    metadata: dict[str, Any], status: dict[str, Any], conditions: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """A pod has a reason of its own if it was its node that ended it. It changes for the last time then."""
    reason = status.get("reason", "")
    # Of a node that does not answer, Kubernetes deletes the pods, and cannot know that they have ended.
    if not reason or (status.get("phase") != "Failed" and reason != "NodeLost"):
        return {}
    changes = [each.get("lastTransitionTime") for each in conditions]
    since = max(timestamp(each) for each in (status.get("startTime"), metadata.get("deletionTimestamp"), *changes))
    return {"given_up": reason, "given_up_says": status.get("message", ""), "over_since": since}


def _cost(text: str) -> int:
    return int(text) if text.removeprefix("-").isdigit() else 0


def _begun(conditions: Mapping[str, Any], containers: tuple[ContainerView, ...]) -> bool:
    # A node sets the condition up after the volumes are mounted; one of Kubernetes before 1.29 does not know it.
    begun = (conditions.get("PodReadyToStartContainers") or {}).get("status") == "True"
    return begun or any(container.running or container.ended for container in containers)


def _containers(spec: dict[str, Any], status: dict[str, Any]) -> tuple[ContainerView, ...]:
    asked = {each["name"]: each for part in ("initContainers", "containers") for each in spec.get(part) or []}
    found = [each for part in ("initContainerStatuses", "containerStatuses") for each in status.get(part) or []]
    return tuple(_container(each, asked.get(each["name"]) or {}) for each in found)


def _container(status: dict[str, Any], asked: dict[str, Any]) -> ContainerView:
    state, last = status.get("state") or {}, status.get("lastState") or {}
    waiting = state.get("waiting") or {}
    ended = state.get("terminated") or last.get("terminated")
    return ContainerView(
        name=status["name"],
        image=asked.get("image", status.get("image", "")),
        running="running" in state,
        restarts=status.get("restartCount", 0),
        waiting=waiting.get("reason", ""),
        waiting_message=waiting.get("message", ""),
        ended=_ended(ended) if ended else None,
        finished="terminated" in state,
        memory_limit=str(((asked.get("resources") or {}).get("limits") or {}).get("memory", "")),
    )


def _ended(terminated: dict[str, Any]) -> Ended:
    return Ended(terminated.get("reason", ""), terminated.get("message", ""), terminated.get("exitCode", 0))


def deployment(item: Object) -> DeploymentView:
    """The view of a Deployment."""
    spec, status = item["spec"], item.get("status") or {}
    annotations = spec["template"]["metadata"].get("annotations") or {}
    conditions = {each["type"]: each for each in status.get("conditions") or []}
    failure = conditions.get("ReplicaFailure") or {}
    rolling = (spec.get("strategy") or {}).get("rollingUpdate") or {}
    return DeploymentView(
        wanted=spec.get("replicas", 1),
        current=status.get("observedGeneration", 0) >= item["metadata"].get("generation", 0),
        replicas=status.get("replicas", 0),
        updated=status.get("updatedReplicas", 0),
        available=status.get("availableReplicas", 0),
        revision=annotations.get(labels.REVISION, ""),
        weights=annotations.get(labels.WEIGHTS, ""),
        weights_path=annotations.get(labels.WEIGHTS_PATH, ""),
        yielding=_yielding(rolling),
        failure=failure.get("message", "") if failure.get("status") == "True" else "",
    )


def _yielding(rolling: Mapping[str, Any]) -> int:
    if rolling.get("maxSurge", 1) != 0:
        return 0
    unavailable = rolling.get("maxUnavailable")
    return unavailable if isinstance(unavailable, int) else 1  # whoever edited it may have written a percentage


def job(item: Object) -> JobView:
    """The view of a Job."""
    annotations = item["metadata"].get("annotations") or {}
    conditions = {each["type"]: each for each in (item.get("status") or {}).get("conditions") or []}
    failed = conditions.get("Failed") or {}
    return JobView(
        name=item["metadata"]["name"],
        uid=item["metadata"].get("uid", ""),
        weights=annotations.get(labels.WEIGHTS, ""),
        secret_version=annotations.get(labels.SECRET_VERSION, ""),
        complete=(conditions.get("Complete") or {}).get("status") == "True",
        failed=failed.get("message", "") or failed.get("reason", "") if failed.get("status") == "True" else "",
    )


def claim(item: Object) -> ClaimView:
    """The view of a PersistentVolumeClaim."""
    status = item.get("status") or {}
    return ClaimView(item["metadata"]["name"], status.get("phase", ""), "deletionTimestamp" in item["metadata"])
