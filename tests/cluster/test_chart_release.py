"""The life of a release on a cluster of its own: install, upgrade with the definitions, rollback, uninstall, again."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.chart import CHART, helm, previous_chart, spec_properties
from support.controlplane import ControlPlane
from support.kube.processes import wait_until
from support.kubernetes_objects import model

NAMESPACE = "auriga-system"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
MODELS = "/apis/auriga.dev/v1alpha1/namespaces/default/models"
ROUTER = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/auriga-router"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A cluster that has never heard of Auriga."""
    with ControlPlane(tmp_path_factory.mktemp("plane")) as plane:
        yield plane


def release(plane: ControlPlane, *arguments: str | Path) -> str:
    command = [helm(), *arguments, f"--kubeconfig={plane.kubeconfig}", f"--namespace={NAMESPACE}"]
    process = subprocess.run(list(map(str, command)), text=True, capture_output=True, check=False, timeout=120)
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_a_release_from_its_first_day_to_its_last_and_back(plane: ControlPlane, tmp_path: Path) -> None:
    previous = previous_chart(tmp_path / "auriga")
    with plane.client() as client:

        def get(path: str) -> dict[str, Any]:
            return dict(client.get(path).raise_for_status().json())

        def replicas() -> int:
            return int(get(ROUTER)["spec"]["replicas"])

        def knows_tags() -> bool:
            return "tags" in spec_properties(get(f"{CRDS}/models.auriga.dev"))

        release(plane, "install", "auriga", previous, "--create-namespace")
        assert not knows_tags()
        wait_until("Models", lambda: client.get(MODELS).is_success, [plane.programs["kube-apiserver"]], timeout=30)
        mine = model("mine") | {"apiVersion": "auriga.dev/v1alpha1", "kind": "Model", "metadata": {"name": "mine"}}
        client.post(MODELS, json=mine).raise_for_status()

        release(plane, "upgrade", "auriga", CHART, "--set", "router.replicas=3")
        assert (knows_tags(), replicas()) == (True, 3)

        release(plane, "rollback", "auriga", "1")
        assert (knows_tags(), replicas()) == (False, 2)

        release(plane, "uninstall", "auriga")
        assert client.get(ROUTER).status_code == 404
        assert get(f"{MODELS}/mine")["metadata"]["name"] == "mine"

        release(plane, "install", "auriga", CHART)
        assert (knows_tags(), replicas()) == (True, 2)
        assert get(f"{MODELS}/mine")["metadata"]["name"] == "mine"


def test_definitions_of_somebody_else_are_left_alone_where_that_is_asked_for(plane: ControlPlane) -> None:
    with plane.client() as client:
        before = client.get(f"{CRDS}/models.auriga.dev").raise_for_status().json()["metadata"]
        release(plane, "install", "other", CHART, "--set", "crds.install=false,namespaces={default}")
        release(plane, "uninstall", "other")
        after = client.get(f"{CRDS}/models.auriga.dev").raise_for_status().json()["metadata"]
    assert after["resourceVersion"] == before["resourceVersion"]
