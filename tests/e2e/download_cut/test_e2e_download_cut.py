"""A download is cut, then its pod dies in the middle: each time it goes on where it was, and never comes twice."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e import cluster, load
from e2e.kubectl import Kubectl, Object

FETCHER = "--selector=auriga.dev/model=demo,app.kubernetes.io/component=weights"
ENGINE = "--selector=auriga.dev/model=demo,app.kubernetes.io/component=engine"
SCRIPT = Path(__file__).with_name("mirror.py")


@pytest.fixture
def volume(kubectl: Kubectl) -> Iterator[None]:
    """A volume for the Model's claim, where the cluster makes none by itself."""
    name = kubectl.namespace
    if kubectl.get("storageclasses")["items"]:
        yield
        return
    folder = Path(cluster.on_node("mktemp", "--directory").strip())
    cluster.on_node("chmod", "777", str(folder))  # as a provisioner does, for whoever the pods are
    kubectl.apply(_volume(name, folder))
    yield
    kubectl.run("delete", "persistentvolume", name, "--wait=false")
    cluster.on_node("rm", "--recursive", str(folder))


def test_a_cut_download_goes_on_where_it_was(kubectl: Kubectl, volume: None) -> None:
    script = {"mirror.py": SCRIPT.read_text()}
    kubectl.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mirror"}, "data": script})
    kubectl.wait("condition=Ready", "pod/mirror")
    load.until("second download", lambda: len(_downloads(kubectl)) == 2)
    kubectl.wait("jsonpath={.status.phase}=Downloading", "model/demo", seconds=30)

    kubectl.run("delete", "pods", FETCHER, "--wait=false")

    kubectl.wait("condition=Ready", "model/demo")
    first, second, third = _downloads(kubectl)
    size = kubectl.get("model/demo")["status"]["artifact"]["sizeBytes"]
    assert first["from"] == 0
    assert second["from"] == first["bytes"]
    assert 0 < third["from"] <= second["from"] + second["bytes"]
    assert third["from"] + third["bytes"] == size

    kubectl.run("delete", "pods", ENGINE, "--wait=true")
    kubectl.wait("condition=Ready", "model/demo")
    assert len(_downloads(kubectl)) == 3


def _downloads(kubectl: Kubectl) -> list[dict[str, int]]:
    lines = kubectl.run("logs", "mirror").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def _volume(name: str, folder: Path) -> Object:
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": name, "name": "model-demo-weights"}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "100Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": claim,
            "hostPath": {"path": str(folder), "type": "Directory"},
        },
    }
