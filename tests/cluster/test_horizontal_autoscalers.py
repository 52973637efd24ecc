"""Kubernetes' own HorizontalPodAutoscaler, with metrics that a test makes up: for a Model, and for the router."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.chart import only, render
from support.controlplane import ControlPlane
from support.metrics_api import MetricsApi
from support.operators import Namespace, Object, Operator, claim, volume_model

CRDS = Path(__file__).parents[2] / "crds"
BUSY, IDLE = "12", "1"
METRIC = "auriga_endpoint_in_flight"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A cluster of their own: while an API is registered that is gone, no namespace of a cluster can be deleted."""
    with ControlPlane(tmp_path_factory.mktemp("plane"), crds=sorted(CRDS.glob("*.yaml"))) as plane:
        yield plane


@pytest.fixture(scope="module")
def metrics(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MetricsApi]:
    with MetricsApi(tmp_path_factory.mktemp("metrics")) as found:
        found.external[METRIC] = IDLE
        apply(plane, *found.objects("default"))
        plane.kubectl("wait", "apiservices", "--all", "--for=condition=Available", "--timeout=30s")
        yield found


def test_an_autoscaler_scales_a_model_up_and_down(
    plane: ControlPlane, metrics: MetricsApi, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = Namespace(plane, plane.create_namespace("scaled"))
    place.apply(claim(), volume_model("model"))
    with Operator(plane, place.name, tmp_path_factory.mktemp("operator") / "log"):
        place.until("Deployment", lambda found: "model-model" in found)
        place.model("model", lambda status: status.get("replicas") == 1)
        metric = {"metric": {"name": METRIC}, "target": {"type": "AverageValue", "averageValue": "4"}}
        apply(plane, autoscaler(place.name, [{"type": "External", "external": metric}]))

        metrics.external[METRIC] = BUSY
        place.until("Deployment", lambda found: found["model-model"]["spec"]["replicas"] == 3, seconds=60)
        place.model("model", lambda status: status.get("replicas") == 3)

        metrics.external[METRIC] = IDLE
        place.until("Deployment", lambda found: found["model-model"]["spec"]["replicas"] == 1, seconds=60)


def test_the_routers_autoscaler_follows_their_processor_time(plane: ControlPlane, metrics: MetricsApi) -> None:
    items = render({"router": {"autoscaling": {"enabled": True, "maxReplicas": 4}}})
    place = Namespace(plane, plane.create_namespace("routers"))
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "auriga-router"}}
    for item in (account, only(items, "Deployment", "-router"), only(items, "HorizontalPodAutoscaler")):
        apply(plane, item | {"metadata": item["metadata"] | {"namespace": place.name}})

    two = place.until("Pod", lambda found: len(found) == 2)  # its minReplicas, the Deployment has none
    for name in two:
        runs(place, name)
        metrics.pods[name] = "400m"  # of the 250m that they ask for: 160 %, where 70 % is the target

    place.until("Deployment", lambda found: found["auriga-router"]["spec"]["replicas"] == 4, seconds=60)


def autoscaler(namespace: str, metrics: list[Object]) -> Object:
    """As a user writes it; it goes down at once."""
    target = {"apiVersion": "auriga.dev/v1alpha1", "kind": "Model", "name": "model"}
    quick = {"scaleDown": {"stabilizationWindowSeconds": 0}}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "model", "namespace": namespace},
        "spec": {"scaleTargetRef": target, "maxReplicas": 5, "metrics": metrics, "behavior": quick},
    }


def runs(place: Namespace, name: str) -> None:
    """What a kubelet says of a pod that serves."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": now}
    place.patch("Pod", name, {"status": {"phase": "Running", "startTime": now, "conditions": [ready]}}, "status")


def apply(plane: ControlPlane, *items: Object) -> None:
    """As an admin."""
    every = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    plane.kubectl("apply", "--server-side", "--filename=-", stdin=every)
