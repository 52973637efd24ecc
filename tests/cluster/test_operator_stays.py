"""The operator goes, comes back, is two, loses its API server: nothing is lost, and nothing is written twice."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from support.controlplane import ControlPlane
from support.kube.ports import free_ports
from support.kubelet import Kubelet, terminated
from support.operators import Namespace, Object, Operator, claim, condition, volume_model

CHAIN = {"kind": "RoleChain", "metadata": {"name": "coding"}, "spec": {"members": [{"model": "a"}, {"model": "b"}]}}


@pytest.fixture
def place(control_plane: ControlPlane) -> Namespace:
    namespace = Namespace(control_plane, control_plane.create_namespace("stays"))
    namespace.apply(claim())
    return namespace


def holder(place: Namespace) -> str:
    """Who holds the Lease; empty if nobody."""
    lease = place.get("Lease", "auriga-operator")
    return str(lease["spec"].get("holderIdentity") or "") if lease else ""


def led(place: Namespace) -> str:
    """Who holds the Lease, once somebody does."""
    place.until("Lease", lambda found: bool(found.get("auriga-operator", {}).get("spec", {}).get("holderIdentity")))
    return holder(place)


def broken(place: Namespace, kubelet: Kubelet) -> None:
    """A Model that crashes, and one whose Secret is not there."""
    reference = {"name": "nowhere", "key": "token"}
    external = {"external": {"provider": "openai", "credentialsSecretRef": reference}}
    place.apply(volume_model("crashes"), {"kind": "Model", "metadata": {"name": "keyless"}, "spec": external})
    pod = kubelet.pod("crashes")
    kubelet.place(pod)
    kubelet.waiting(pod, "CrashLoopBackOff", "back-off 10s", restarts=1, last=terminated(1, "no"))
    place.ready("crashes", "EngineCrashed")
    place.ready("keyless", "SecretNotFound")


def test_a_restart_with_nothing_changed_writes_nothing(place: Namespace, tmp_path: Path) -> None:
    kubelet = Kubelet(place)
    with Operator(place.plane, place.name, tmp_path / "first"):
        template = {
            "spec": {
                "nodeSelector": {"gpu": "yes"},
                "containers": [{"name": "engine", "resources": {"requests": {"cpu": "1000m"}}}],
            }
        }
        place.apply(volume_model("a"), volume_model("b", replicas=2, podTemplate=template), CHAIN)
        place.apply({"kind": "Model", "metadata": {"name": "c"}, "spec": {"external": {"provider": "openai"}}})
        kubelet.serve("a")
        place.ready("a", "Serving")
        broken(place, kubelet)
        place.model("b", lambda status: status.get("replicas") == 2)
        place.until(
            "RoleChain", lambda found: condition(found["coding"].get("status") or {}, "Ready").get("status") == "True"
        )
    assert holder(place) == ""
    written = len(list(place.plane.audit()))
    with Operator(place.plane, place.name, tmp_path / "second"):
        # What is created now is worked on after everything that was there before.
        place.apply(volume_model("later"))
        place.ready("later", "Starting")
    assert [write for write in place.writes(written) if "later" not in write] == []


def test_of_two_replicas_one_works_and_the_other_takes_over_at_once(place: Namespace, tmp_path: Path) -> None:
    with Operator(place.plane, place.name, tmp_path / "first") as first:
        one = led(place)
        with Operator(place.plane, place.name, tmp_path / "second"):
            place.apply(volume_model("a"))
            place.ready("a", "Starting")
            assert holder(place) == one
            begun = time.monotonic()
            assert first.stop() == 0
            place.until("Lease", lambda found: found["auriga-operator"]["spec"]["holderIdentity"] not in ("", one))
            assert time.monotonic() - begun < 10
            place.apply(volume_model("b"))
            place.ready("b", "Starting")
    creations = [write for write in place.writes() if write.startswith("patch deployments")]
    assert sorted(creations) == ["patch deployments model-a", "patch deployments model-b"]


def test_when_the_leader_dies_the_other_follows_within_fifteen_seconds(place: Namespace, tmp_path: Path) -> None:
    with Operator(place.plane, place.name, tmp_path / "first") as first:
        one = led(place)
        with Operator(place.plane, place.name, tmp_path / "second") as second:
            first.kill()
            begun = time.monotonic()
            place.apply(volume_model("a"))
            place.ready("a", "Starting", seconds=15)
            assert time.monotonic() - begun < 15
            assert holder(place) != one
            assert "leading" in second.log


def test_what_is_deleted_while_it_is_away_is_gone_and_what_is_made_is_found(place: Namespace, tmp_path: Path) -> None:
    with Operator(place.plane, place.name, tmp_path / "first"):
        place.apply(volume_model("a"), volume_model("b"), CHAIN)
        place.until("Deployment", lambda found: {"model-a", "model-b"} <= found.keys())
        place.ready("a", "Starting")
    place.delete("Model", "a")
    place.until("Deployment", lambda found: "model-a" not in found)
    place.apply(volume_model("c"), volume_model("b", replicas=2))
    with Operator(place.plane, place.name, tmp_path / "second"):
        place.until("Deployment", lambda found: "model-c" in found and found["model-b"]["spec"]["replicas"] == 2)

        def resolved(found: dict[str, Object]) -> bool:
            return condition(found["coding"].get("status") or {}, "MembersResolved").get("reason") == "ModelNotFound"

        place.until("RoleChain", resolved)


def test_an_api_server_that_is_away_costs_nothing_but_delay(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    crds = sorted((Path(__file__).parents[2] / "crds").glob("*.yaml"))
    with ControlPlane(tmp_path_factory.mktemp("plane"), crds=crds, audit=True) as plane:
        place = Namespace(plane, plane.create_namespace("away"))
        place.apply(claim())
        with Operator(plane, place.name, tmp_path / "log") as operator:
            place.apply(volume_model("a"))
            place.ready("a", "Starting")
            plane.stop_api_server()
            _until_logged(operator, "following")
            plane.start_api_server()
            place.apply(volume_model("b"), volume_model("a", replicas=2))
            place.until(
                "Deployment", lambda found: "model-b" in found and found["model-a"]["spec"]["replicas"] == 2, 30
            )
            place.ready("b", "Starting", seconds=30)


def test_its_probe_answers_and_leaves_no_line_in_the_log(place: Namespace, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with Operator(place.plane, place.name, tmp_path / "log", "--probe-port", str(port)) as operator:
        place.apply(volume_model("a"))
        place.ready("a", "Starting")
        # It works as soon as it can, whether its probe is served yet or not.
        with httpx.Client(transport=httpx.HTTPTransport(retries=6), timeout=30) as client:
            assert client.get(f"http://127.0.0.1:{port}/healthz").json() == {"works": True}
    assert "GET" not in operator.log


def test_definitions_that_are_not_served_for_a_while(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """An API server that has just started, or is being upgraded, answers 404 for a moment."""
    crds = sorted((Path(__file__).parents[2] / "crds").glob("*.yaml"))
    with ControlPlane(tmp_path_factory.mktemp("plane"), crds=crds) as plane:
        place = Namespace(plane, plane.create_namespace("gone"))
        place.apply(claim())
        with Operator(plane, place.name, tmp_path / "log", "--log-level", "debug") as operator:
            place.apply(volume_model("a"))
            place.ready("a", "Starting")
            plane.kubectl("delete", "customresourcedefinition/models.auriga.dev", "--timeout=20s")
            _until_logged(operator, "waiting for models: 404")
            plane.apply_crds()
            place.apply(volume_model("b"))
            place.ready("b", "Starting", seconds=40)
        assert operator.log.count("starting again") == 1
        assert "Hung tasks are stopped" not in operator.log  # kopf would have waited 5 s for them, with nobody leading


def _until_logged(operator: Operator, text: str) -> None:
    deadline = time.monotonic() + 20
    while text not in operator.log:
        assert time.monotonic() < deadline, operator.log
        time.sleep(0.05)
