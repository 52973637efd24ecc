"""A change never waits for a device that only an old pod could give up, and never takes one down without need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.controlplane import ControlPlane
from support.kubelet import Kubelet
from support.operators import Namespace, Object, Operator, claim, condition, volume_model

NO_GPU = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: none"
GPU = {"limits": {"nvidia.com/gpu": 1}}


@pytest.fixture(scope="module")
def place(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Namespace]:
    namespace = Namespace(control_plane, control_plane.create_namespace("rollouts"))
    namespace.apply(claim())
    log = tmp_path_factory.mktemp("operator") / "log"
    with Operator(control_plane, namespace.name, log, "--surge-patience", "0.5"):
        yield namespace


@pytest.fixture
def kubelet(place: Namespace) -> Kubelet:
    return Kubelet(place)


def surge(found: dict[str, Object], name: str) -> tuple[int, int]:
    rolling = found[name]["spec"]["strategy"]["rollingUpdate"]
    return rolling["maxSurge"], rolling["maxUnavailable"]


def living(found: dict[str, Object], model: str) -> set[str]:
    return {
        name for name, item in found.items()
        if item["metadata"]["labels"].get("auriga.dev/model") == model and "deletionTimestamp" not in item["metadata"]
    }  # fmt: skip


def test_with_a_spare_device_the_old_pod_serves_until_the_new_one_does(place: Namespace, kubelet: Kubelet) -> None:
    place.apply(volume_model("spare", resources=GPU))
    old = kubelet.serve("spare")["metadata"]["name"]
    place.ready("spare", "Serving")
    place.apply(volume_model("spare", resources=GPU, engine={"parallel": 2}))
    new = kubelet.pod("spare")
    kubelet.place(new)
    kubelet.running(new, ready=False)
    status = place.ready("spare", "Updating")
    assert condition(status, "Ready")["status"] == "True"
    assert living(place.until("Pod", bool), "spare") == {old, new["metadata"]["name"]}
    kubelet.running(new)
    place.until("Pod", lambda found: living(found, "spare") == {new["metadata"]["name"]})
    place.ready("spare", "Serving")
    assert surge(place.until("Deployment", bool), "model-spare") == (1, 0)


def test_without_one_an_old_pod_goes_first(place: Namespace, kubelet: Kubelet) -> None:
    place.apply(volume_model("full", resources=GPU))
    old = kubelet.serve("full")["metadata"]["name"]
    place.ready("full", "Serving")
    place.apply(volume_model("full", resources=GPU, engine={"parallel": 2}))
    new = kubelet.pod("full")
    kubelet.unschedulable(new, NO_GPU)
    place.until("Deployment", lambda found: surge(found, "model-full") == (0, 1))
    place.until("Pod", lambda found: old not in living(found, "full"))
    kubelet.place(new)
    kubelet.running(new)
    place.ready("full", "Serving")
    place.until("Deployment", lambda found: surge(found, "model-full") == (1, 0))


def test_a_first_pod_that_finds_no_device_changes_nothing(place: Namespace, kubelet: Kubelet) -> None:
    place.apply(volume_model("first", resources=GPU))
    kubelet.unschedulable(kubelet.pod("first"), NO_GPU)
    place.ready("first", "Unschedulable")
    place.patch("Model", "first", {"metadata": {"annotations": {"seen": "yes"}}})
    place.apply(volume_model("after"))
    place.ready("after", "Starting")
    assert (place.get("Deployment", "model-first") or {})["metadata"]["generation"] == 1


def test_an_upgrade_of_the_operator_goes_through_one_model_after_the_other(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    place = Namespace(control_plane, control_plane.create_namespace("upgrade"))
    kubelet = Kubelet(place)
    place.apply(claim())
    names = ("a", "b", "c")
    with Operator(control_plane, place.name, tmp_path / "before"):
        place.apply(*(volume_model(name) for name in names))
        for name in names:
            kubelet.serve(name)
        for name in names:
            place.ready(name, "Serving")

    def upgraded(found: dict[str, Object]) -> list[str]:
        pods = {name: found[f"model-{name}"]["spec"]["template"]["spec"] for name in names}
        return [name for name in names if "--new" in pods[name]["containers"][0]["args"]]

    done: list[str] = []
    with Operator(control_plane, place.name, tmp_path / "after", "--engine-args=--new"):
        while len(done) < len(names):
            found = place.until("Deployment", lambda all_: len(upgraded(all_)) > len(done))
            (new,) = set(upgraded(found)) - set(done)
            kubelet.serve(new)
            place.until("Pod", lambda pods, new=new: len(living(pods, new)) == 1)
            done.append(new)
