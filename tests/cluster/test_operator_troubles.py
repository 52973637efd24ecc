"""Whatever keeps a Model from serving is said within seconds of the API server knowing it: by a condition with a reason
and advice, and by an Event.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from support.controlplane import ControlPlane
from support.kubelet import Kubelet, terminated
from support.operators import Namespace, Object, Operator, claim, condition, told, volume_model

SECONDS = 5.0
"""How soon, by the project's own promise; some tenths of it are usual."""
GIB = 1 << 30


@dataclass(frozen=True)
class Trouble:
    """What goes wrong: ``happens`` returns as soon as the API server knows it; ``says`` is part of the advice."""

    name: str
    happens: Callable[[Namespace, str], None]
    reason: str
    says: str


def no_gpu(place: Namespace, name: str) -> None:
    place.apply(volume_model(name, resources={"limits": {"nvidia.com/gpu": 2}}))
    kubelet = Kubelet(place)
    kubelet.unschedulable(kubelet.pod(name), "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.")


def no_image(place: Namespace, name: str) -> None:
    place.apply(volume_model(name, engine={"image": "registry.example.com/none:1"}))
    kubelet, pod = placed(place, name)
    kubelet.waiting(pod, "ErrImagePull", "failed to pull: not found")


def no_memory(place: Namespace, name: str) -> None:
    kubelet, pod = fetcher(place, name, resources={"limits": {"memory": "2Gi"}})
    artifact = {"repo": "a/b", "revision": "c0ffee", "file": "m.gguf", "sizeBytes": GIB, "vramRequired": 3 * GIB}
    kubelet.ended(pod, 0, json.dumps({"event": "done", "path": "m.gguf", "artifact": artifact}))
    kubelet, pod = placed(place, name)
    place.model(name, lambda status: status.get("artifact", {}).get("vramRequired") == 3 * GIB)
    kubelet.running(pod, ready=False, restarts=1, last=terminated(137, reason="OOMKilled"))


def crash(place: Namespace, name: str) -> None:
    place.apply(volume_model(name))
    kubelet, pod = placed(place, name)
    last = terminated(1, "loading model\nerror: unknown argument: --flash\n")
    kubelet.waiting(pod, "CrashLoopBackOff", "back-off 10s", restarts=1, last=last)


def evicted(place: Namespace, name: str) -> None:
    place.apply(volume_model(name))
    kubelet, pod = placed(place, name)
    kubelet.running(pod)
    place.ready(name, "Serving")
    kubelet.give_up(pod, "Evicted", "The node was low on resource: memory.")


def not_admitted(place: Namespace, name: str) -> None:
    place.apply(volume_model(name))
    kubelet, pod = placed(place, name)
    kubelet.give_up(pod, "UnexpectedAdmissionError", "Allocate failed due to no healthy devices present")


def no_secret(place: Namespace, name: str) -> None:
    reference = {"name": f"{name}-key", "key": "token"}
    external = {"provider": "anthropic", "credentialsSecretRef": reference}
    place.apply({"kind": "Model", "metadata": {"name": name}, "spec": {"external": external}})


def secret_deleted(place: Namespace, name: str) -> None:
    place.apply({"kind": "Secret", "metadata": {"name": f"{name}-key"}, "stringData": {"token": "x"}})
    no_secret(place, name)
    place.ready(name, "External")
    place.delete("Secret", f"{name}-key")


def no_claim(place: Namespace, name: str) -> None:
    model = volume_model(name)
    model["spec"]["source"]["volume"]["claimName"] = name
    place.apply(model)


def gated(place: Namespace, name: str) -> None:
    kubelet, pod = fetcher(place, name)
    text = "a/b is gated: accept the license at https://huggingface.co/a/b, then give a token"
    failed = json.dumps({"event": "failed", "reason": "GatedRepository", "message": text})
    kubelet.waiting(pod, "CrashLoopBackOff", restarts=1, last=terminated(1, failed))


def no_quota(place: Namespace, name: str) -> None:
    restrict(place, "requests.amd.com/gpu", "1")
    place.apply(volume_model(name, resources={"limits": {"amd.com/gpu": 8}}))
    child = f"model-{name}"
    place.until("Deployment", lambda all_: child in all_ and refuses_pods(all_[child]), seconds=30)


def no_objects_left(place: Namespace, name: str) -> None:
    restrict(place, "count/poddisruptionbudgets.policy", "0")
    place.apply(volume_model(name, replicas=2))


TROUBLES = (
    Trouble("unschedulable", no_gpu, "Unschedulable", "no node has 2 nvidia.com/gpu to spare: add a node that has it"),
    Trouble("image", no_image, "ImagePullBackOff", "image registry.example.com/none:1 cannot be pulled: check spec"),
    Trouble(
        "memory", no_memory, "OOMKilled", "at its limit of 2Gi; its weights and KV cache take about 3.0 GiB: raise"
    ),
    Trouble("crash", crash, "EngineCrashed", "unknown argument: --flash: correct spec.engine"),
    Trouble("evicted", evicted, "Evicted", "node node-1 gave the pod model-evicted-"),
    Trouble("not-admitted", not_admitted, "UnexpectedAdmissionError", "look at the device plugin of that node"),
    Trouble("secret", no_secret, "SecretNotFound", "secret-key does not exist: create it, with the key token"),
    Trouble("secret-deleted", secret_deleted, "SecretNotFound", "secret-deleted-key does not exist: create it"),
    Trouble("claim", no_claim, "ClaimNotFound", "claim does not exist: create it"),
    Trouble("gated", gated, "GatedRepository", "accept the license at https://huggingface.co/a/b"),
    Trouble("quota", no_quota, "QuotaExceeded", "requests.amd.com/gpu=1: raise the ResourceQuota"),
    Trouble("quota-of-objects", no_objects_left, "QuotaExceeded", "raise the ResourceQuota, or ask for less"),
)


@pytest.fixture(scope="module")
def place(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Namespace]:
    namespace = Namespace(control_plane, control_plane.create_namespace("troubles"))
    namespace.apply(claim())
    with Operator(control_plane, namespace.name, tmp_path_factory.mktemp("operator") / "log"):
        namespace.apply(volume_model("first"))
        namespace.ready("first", "Starting")
        yield namespace
    # The quotas would refuse operators of other tests that look after all namespaces, as missing rights would.
    namespace.client.delete(namespace.path("Model")).raise_for_status()


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
def test_it_is_told_within_seconds_by_a_condition_with_advice_and_an_event(place: Namespace, trouble: Trouble) -> None:
    trouble.happens(place, trouble.name)
    until = time.monotonic() + SECONDS
    status = place.ready(trouble.name, trouble.reason, seconds=SECONDS)
    ready = condition(status, "Ready")
    assert ready["status"] == "False"
    assert trouble.says in ready["message"]
    assert told(place, "Model", trouble.name, trouble.reason, seconds=until - time.monotonic()) == ready["message"]


def placed(place: Namespace, name: str, component: str = "engine") -> tuple[Kubelet, Object]:
    """A pod of the Model that has found a node."""
    kubelet = Kubelet(place)
    pod = kubelet.pod(name, component)
    kubelet.place(pod)
    return kubelet, pod


def fetcher(place: Namespace, name: str, **spec: Any) -> tuple[Kubelet, Object]:
    """A new Model whose weights have to be fetched, and the pod that does that."""
    hub = {"source": {"huggingFace": {"repo": "a/b"}}}
    place.apply({"kind": "Model", "metadata": {"name": name}, "spec": {**hub, **spec}})
    return placed(place, name, "weights")


def restrict(place: Namespace, what: str, most: str) -> None:
    """A quota. Until the controllers have counted what is there, it refuses everything in other words."""
    path = f"/api/v1/namespaces/{place.name}/resourcequotas"
    made = place.client.post(path, json={"metadata": {"generateName": "quota-"}, "spec": {"hard": {what: most}}})
    made.raise_for_status()
    params = {"watch": "true", "resourceVersion": made.json()["metadata"]["resourceVersion"]}
    with place.client.stream("GET", path, params=params) as changes:
        next(line for line in changes.iter_lines() if what in json.loads(line)["object"]["status"].get("used", {}))


def refuses_pods(deployment: Object) -> bool:
    """The controllers have told that no pod can be made."""
    return condition(deployment.get("status") or {}, "ReplicaFailure").get("status") == "True"
