"""Weights that have to be fetched: once, by a Job, into a claim; what serves goes on serving meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.controlplane import ControlPlane
from support.kubelet import Kubelet, terminated
from support.operators import Namespace, Object, Operator, claim, condition, volume_model

ARTIFACT = {
    "repo": "Qwen/Qwen3-0.6B-GGUF", "revision": "c0ffee", "file": "q8.gguf", "sizeBytes": 639446688,
    "quantization": "Q8_0", "contextLength": 40960,
}  # fmt: skip
PATH = "hub/models--Qwen--Qwen3-0.6B-GGUF/snapshots/c0ffee/q8.gguf"


@pytest.fixture
def place(control_plane: ControlPlane) -> Namespace:
    return Namespace(control_plane, control_plane.create_namespace("weights"))


def hub_model(name: str, **source: object) -> Object:
    hub = {"repo": "Qwen/Qwen3-0.6B-GGUF", **source}
    return {"kind": "Model", "metadata": {"name": name}, "spec": {"source": {"huggingFace": hub}}}


def done(path: str = PATH, **artifact: object) -> str:
    return json.dumps({"event": "done", "path": path, "artifact": {**ARTIFACT, **artifact}})


def only(found: dict[str, Object]) -> Object:
    (item,) = found.values()
    return item


def test_weights_are_fetched_once_and_then_served(place: Namespace, tmp_path: Path) -> None:
    kubelet = Kubelet(place)
    with Operator(place.plane, place.name, tmp_path / "first"):
        place.apply(hub_model("m", tokenSecretRef={"name": "hf", "key": "token"}))
        place.ready("m", "SecretNotFound")
        assert not place.list("Job")
        place.apply({"kind": "Secret", "metadata": {"name": "hf"}, "stringData": {"token": "x"}})
        job = only(place.until("Job", lambda found: len(found) == 1))
        container = job["spec"]["template"]["spec"]["containers"][0]
        variables = {each["name"]: each for each in container["env"]}
        assert json.loads(variables["AURIGA_WEIGHTS_REQUEST"]["value"])["source"]["huggingFace"]["repo"]
        assert variables["HF_TOKEN"]["valueFrom"]["secretKeyRef"] == {"name": "hf", "key": "token"}
        place.until("PersistentVolumeClaim", lambda found: "model-m-weights" in found)
        assert place.ready("m", "ResolvingWeights")["phase"] == "Pending"
        assert place.get("Deployment", "model-m") is None

        pod = kubelet.pod("m", "weights")
        kubelet.place(pod)
        kubelet.ended(pod, 0, done())
        made = place.until("Deployment", lambda found: "model-m" in found)["model-m"]
        arguments = made["spec"]["template"]["spec"]["containers"][0]["args"]
        assert f"/weights/{PATH}" in arguments
        kubelet.serve("m")
        status = place.ready("m", "Serving")
        assert status["artifact"]["quantization"] == "Q8_0"
        assert condition(status, "WeightsReady")["status"] == "True"
        place.until("Job", lambda found: "Complete" in str(only(found).get("status")))
        kubelet.remove(pod)
        place.until("Pod", lambda found: pod["metadata"]["name"] not in found)
    written = len(list(place.plane.audit()))
    with Operator(place.plane, place.name, tmp_path / "second"):
        place.apply(claim(), volume_model("later"))
        place.ready("later", "Starting")
    assert [write for write in place.writes(written) if "later" not in write] == []


def test_a_fetch_that_fails_says_why_and_another_token_is_another_try(place: Namespace, tmp_path: Path) -> None:
    kubelet = Kubelet(place)
    secret = {"kind": "Secret", "metadata": {"name": "hf"}, "stringData": {"token": "wrong"}}
    with Operator(place.plane, place.name, tmp_path / "log"):
        place.apply(secret, hub_model("m", tokenSecretRef={"name": "hf", "key": "token"}))
        pod = kubelet.pod("m", "weights")
        before = only(place.until("Job", lambda found: len(found) == 1))["metadata"]["uid"]
        kubelet.place(pod)
        failed = json.dumps({"event": "failed", "reason": "GatedRepository", "message": "accept the license at X"})
        kubelet.waiting(pod, "CrashLoopBackOff", restarts=1, last=terminated(1, failed))
        status = place.ready("m", "GatedRepository")
        assert condition(status, "Ready")["message"] == "accept the license at X"
        assert condition(status, "WeightsResolved")["reason"] == "GatedRepository"
        assert condition(status, "Stalled")["status"] == "True"
        place.apply({**secret, "stringData": {"token": "right"}})
        place.until("Job", lambda found: [each["metadata"]["uid"] for each in found.values()] not in ([], [before]))
        place.ready("m", "ResolvingWeights")


def test_what_serves_goes_on_while_other_weights_are_fetched(place: Namespace, tmp_path: Path) -> None:
    kubelet = Kubelet(place)
    with Operator(place.plane, place.name, tmp_path / "log"):
        place.apply(hub_model("m"))
        fetcher = kubelet.pod("m", "weights")
        kubelet.place(fetcher)
        kubelet.ended(fetcher, 0, done())
        kubelet.serve("m")
        place.ready("m", "Serving")

        place.apply(hub_model("m", quantization="Q4_K_M"))
        status = place.ready("m", "Updating")
        assert condition(status, "Ready")["status"] == "True"
        assert (place.get("Deployment", "model-m") or {})["metadata"]["generation"] == 1
        assert len(place.list("Job")) == 1, "the Job of the other weights is gone"

        fetcher = kubelet.pod("m", "weights")
        kubelet.place(fetcher)
        kubelet.ended(fetcher, 0, done(PATH.replace("q8", "q4"), file="q4.gguf"))
        new = kubelet.serve("m")
        assert f"/weights/{PATH.replace('q8', 'q4')}" in new["spec"]["containers"][0]["args"]
        assert place.model("m", lambda all_: all_["artifact"]["file"] == "q4.gguf")["phase"] == "Ready"


def test_a_lost_result_is_fetched_again(place: Namespace, tmp_path: Path) -> None:
    kubelet = Kubelet(place)
    with Operator(place.plane, place.name, tmp_path / "first"):
        place.apply(hub_model("m"))
        pod = kubelet.pod("m", "weights")
        before = only(place.until("Job", lambda found: len(found) == 1))["metadata"]["uid"]
    kubelet.place(pod)
    kubelet.ended(pod, 0, done())
    place.until("Job", lambda found: "Complete" in str(only(found).get("status")))
    kubelet.remove(pod)
    with Operator(place.plane, place.name, tmp_path / "second"):
        place.until("Job", lambda found: [each["metadata"]["uid"] for each in found.values()] not in ([], [before]))
        assert place.get("Deployment", "model-m") is None


def test_a_volume_that_came_late_is_forgotten_once_the_fetcher_runs(place: Namespace, tmp_path: Path) -> None:
    kubelet = Kubelet(place)
    with Operator(place.plane, place.name, tmp_path / "log"):
        place.apply(hub_model("m"))
        pod = kubelet.pod("m", "weights")
        kubelet.place(pod)
        kubelet.waiting(pod, "ContainerCreating")
        kubelet.warn(pod, "FailedMount", "MountVolume.SetUp failed for volume weights: not yet")
        place.ready("m", "VolumeNotMounted")
        kubelet.running(pod, ready=False)
        place.ready("m", "ResolvingWeights")


def test_a_job_that_gets_no_pod_says_so(place: Namespace, tmp_path: Path) -> None:
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    place.client.post(f"/api/v1/namespaces/{place.name}/resourcequotas", json=quota).raise_for_status()
    with Operator(place.plane, place.name, tmp_path / "log"):
        place.apply(hub_model("m"))
        assert "exceeded quota" in condition(place.ready("m", "QuotaExceeded"), "Ready")["message"]
