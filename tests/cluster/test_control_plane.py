"""The ground that the other tests here stand on: a control plane that is Kubernetes, restarts, and leaves nothing."""

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from support.controlplane import ControlPlane, KubectlError
from support.kube.processes import ProgramError, wait_until

TESTS = Path(__file__).parents[1]
THING = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "things.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "things", "singular": "thing", "kind": "Thing"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
STARTS_AND_WAITS = """
import sys, time
from pathlib import Path
from support.controlplane import ControlPlane
plane = ControlPlane(Path(sys.argv[1])).start()
print(*(program.pid for program in plane.programs.values()), flush=True)
time.sleep(600)
"""


@pytest.fixture
def thing_crd(tmp_path: Path) -> Path:
    path = tmp_path / "thing.yaml"
    path.write_text(json.dumps(THING))
    return path


def config_map(name: str, **metadata: object) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}}


def test_it_is_kubernetes(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("create", "configmap", "one", "--from-literal=a=b", f"--namespace={namespace}")
    with control_plane.client() as client:
        found = client.get(f"/api/v1/namespaces/{namespace}/configmaps/one").json()
        version = client.get("/version").json()["gitVersion"]
    assert found["data"] == {"a": "b"}
    assert version.startswith("v1.")
    with pytest.raises(KubectlError, match='configmaps "two" not found'):
        control_plane.kubectl("get", "configmap", "two", f"--namespace={namespace}")


def test_requests_are_recorded(control_plane: ControlPlane, namespace: str) -> None:
    with control_plane.client() as client:
        client.post(f"/api/v1/namespaces/{namespace}/configmaps", json=config_map("one")).raise_for_status()
    writes = [
        (event["verb"], event["objectRef"]["name"], event["user"]["username"])
        for event in control_plane.audit()
        if event.get("objectRef", {}).get("namespace") == namespace and event["objectRef"]["resource"] == "configmaps"
    ]
    assert ("create", "one", "admin") in writes


def test_an_account_without_rights_is_refused(control_plane: ControlPlane, namespace: str) -> None:
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    with control_plane.client() as admin:
        admin.post(accounts, json={"metadata": {"name": "nobody"}}).raise_for_status()
        answer = admin.post(f"{accounts}/nobody/token", json={"spec": {}})
        token = answer.json()["status"]["token"]
    with control_plane.client(token) as nobody:
        refusal = nobody.get(f"/api/v1/namespaces/{namespace}/pods")
    assert refusal.status_code == 403
    assert f'User "system:serviceaccount:{namespace}:nobody" cannot list resource "pods"' in refusal.json()["message"]


def test_children_of_a_new_kind_are_collected_at_once(tmp_path: Path, thing_crd: Path) -> None:
    with ControlPlane(tmp_path / "plane", crds=[thing_crd]) as plane, plane.client() as client:
        things, maps = "/apis/example.com/v1/namespaces/default/things", "/api/v1/namespaces/default/configmaps"
        thing = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "parent"}}
        uid = client.post(things, json=thing).raise_for_status().json()["metadata"]["uid"]
        owner = {"apiVersion": "example.com/v1", "kind": "Thing", "name": "parent", "uid": uid}
        client.post(maps, json=config_map("child", ownerReferences=[owner])).raise_for_status()
        client.delete(f"{things}/parent").raise_for_status()
        # Half of the 30 s that it takes when the kind is made after the controllers have started.
        wait_until("garbage collection", lambda: client.get(f"{maps}/child").status_code == 404, [], timeout=15)


def test_two_side_by_side_and_data_survives_a_restart(control_plane: ControlPlane, tmp_path: Path) -> None:
    with ControlPlane(tmp_path / "other", controllers=False) as other:
        other.create_namespace("only-here")
        assert "only-here" in other.kubectl("get", "namespaces", "--output=name").stdout
        assert "only-here" not in control_plane.kubectl("get", "namespaces", "--output=name").stdout
    with ControlPlane(tmp_path / "other", controllers=False) as again:
        assert "only-here" in again.kubectl("get", "namespaces", "--output=name").stdout


def test_the_api_server_stops_and_starts_alone(tmp_path: Path) -> None:
    with ControlPlane(tmp_path / "plane", controllers=False) as plane, plane.client() as client:
        client.post("/api/v1/namespaces/default/configmaps", json=config_map("one")).raise_for_status()
        plane.stop_api_server()
        with pytest.raises(httpx.ConnectError):
            client.get("/readyz")
        plane.start_api_server()
        assert client.get("/api/v1/namespaces/default/configmaps/one").is_success


def test_a_failed_start_tells_what_the_guilty_program_said(tmp_path: Path) -> None:
    plane = ControlPlane(tmp_path / "plane", controllers=False)
    (tmp_path / "plane").mkdir()
    (tmp_path / "plane" / "etcd").write_text("a file where etcd wants its folder")
    with pytest.raises(ProgramError, match=r"(?s)etcd ended before ready API server:\n.*not a directory"):
        plane.start()


def test_nothing_outlives_a_killed_parent(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTS_AND_WAITS, str(tmp_path / "plane")]
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        handles = [os.pidfd_open(pid) for pid in pids]
        parent.send_signal(signal.SIGKILL)
    assert len(handles) == 3
    for handle in handles:  # readable once its process has ended
        assert select.select([handle], [], [], 10)[0]
        os.close(handle)
