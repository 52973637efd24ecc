"""A Model from its creation to its end, against a real API server and controller manager."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from auriga_operator.labels import MANAGED_BY
from support.controlplane import ControlPlane
from support.kubelet import Kubelet
from support.operators import Namespace, Object, Operator, claim, condition, volume_model


@pytest.fixture(scope="module")
def place(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Namespace]:
    """A namespace with an operator at work and the claim that the Models name."""
    namespace = Namespace(control_plane, control_plane.create_namespace("serves"))
    namespace.apply(claim())
    with Operator(control_plane, namespace.name, tmp_path_factory.mktemp("operator") / "log"):
        yield namespace


@pytest.fixture
def kubelet(place: Namespace) -> Kubelet:
    return Kubelet(place)


def test_a_model_becomes_ready_when_its_pod_is(place: Namespace, kubelet: Kubelet) -> None:
    place.apply(volume_model("first"))
    status = place.ready("first", "Starting")
    assert status["phase"] == "Pending"
    assert condition(status, "Reconciling")["status"] == "True"

    pod = kubelet.pod("first")
    kubelet.place(pod)
    kubelet.running(pod, ready=False)
    assert place.ready("first", "Loading")["phase"] == "Loading"
    kubelet.running(pod)

    status = place.ready("first", "Serving")
    assert (status["phase"], status["replicas"], status["readyReplicas"], status["slots"]) == ("Ready", 1, 1, 4)
    assert not condition(status, "Reconciling")
    assert status["endpoint"] == f"http://model-first.{place.name}.svc:8080"
    assert place.plane.kubectl("wait", "--for=condition=Ready", "model/first", f"--namespace={place.name}")


def test_it_owns_what_it_needs_and_no_more(place: Namespace) -> None:
    place.apply(volume_model("single"), volume_model("pair", replicas=2))
    place.until("Deployment", lambda found: {"model-single", "model-pair"} <= found.keys())
    budgets = place.until("PodDisruptionBudget", lambda found: "model-pair" in found)
    assert "model-single" not in budgets
    services = place.until("Service", lambda found: {"model-single", "model-pair"} <= found.keys())
    assert services["model-single"]["spec"]["clusterIP"] == "None"
    owner = services["model-single"]["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("Model", "single", True)


def test_an_edit_reaches_the_child_and_leaves_everything_else_alone(place: Namespace) -> None:
    place.apply(volume_model("edited", engine={"env": [{"name": "A", "value": "1"}]}))
    before = place.until("Deployment", lambda found: "model-edited" in found)["model-edited"]
    service = place.get("Service", "model-edited")
    place.apply(volume_model("edited", engine={"parallel": 9}, replicas=3))

    def edited(found: dict[str, Object]) -> bool:
        spec = found["model-edited"]["spec"]
        container = spec["template"]["spec"]["containers"][0]
        names = {variable["name"] for variable in container["env"]}
        return spec["replicas"] == 3 and "9" in container["args"] and "A" not in names

    after = place.until("Deployment", edited)["model-edited"]
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    now = place.get("Service", "model-edited")
    assert service
    assert now
    assert now["metadata"]["resourceVersion"] == service["metadata"]["resourceVersion"]


def test_somebody_elses_edit_of_a_child_is_put_right(place: Namespace) -> None:
    place.apply(volume_model("kept"))
    made = place.until("Deployment", lambda found: "model-kept" in found)["model-kept"]
    place.patch("Deployment", "model-kept", {"spec": {"replicas": 7}})
    place.patch("Service", "model-kept", {"spec": {"selector": {"auriga.dev/model": "other"}}})
    place.until("Deployment", lambda found: found["model-kept"]["spec"]["replicas"] == 1)
    place.until("Service", lambda found: found["model-kept"]["spec"]["selector"]["auriga.dev/model"] == "kept")
    place.patch("Service", "model-kept", {"metadata": {"labels": {MANAGED_BY: "somebody"}}})
    place.until("Service", lambda found: found["model-kept"]["metadata"]["labels"][MANAGED_BY] == "auriga")
    place.patch("Deployment", "model-kept", {"spec": {"paused": True}})
    place.until("Deployment", lambda found: not found["model-kept"]["spec"].get("paused"))
    place.ready("kept", "Starting")
    place.delete("Deployment", "model-kept")
    place.until("Deployment", lambda found: _uid(found.get("model-kept")) not in ("", made["metadata"]["uid"]))


def test_what_others_add_to_a_child_stays(place: Namespace) -> None:
    place.apply(volume_model("shared"))
    place.until("Deployment", lambda found: "model-shared" in found)
    place.patch("Deployment", "model-shared", {"metadata": {"annotations": {"team": "blue"}}})
    place.apply(volume_model("shared", replicas=2))
    after = place.until("Deployment", lambda found: found["model-shared"]["spec"]["replicas"] == 2)
    assert after["model-shared"]["metadata"]["annotations"]["team"] == "blue"


def test_kubectl_scale_and_suspended(place: Namespace, kubelet: Kubelet) -> None:
    place.apply(volume_model("scaled"))
    place.until("Deployment", lambda found: "model-scaled" in found)
    place.plane.kubectl("scale", "model/scaled", "--replicas=3", f"--namespace={place.name}")
    place.until("Deployment", lambda found: found["model-scaled"]["spec"]["replicas"] == 3)
    assert place.model("scaled", lambda status: status.get("replicas") == 3)["selector"] == (
        "auriga.dev/model=scaled,app.kubernetes.io/component=engine"
    )
    place.patch("Model", "scaled", {"spec": {"suspended": True}})
    place.until("Deployment", lambda found: found["model-scaled"]["spec"]["replicas"] == 0)
    assert place.ready("scaled", "Suspended")["phase"] == "Suspended"
    assert place.model("scaled", lambda status: status.get("replicas") == 0)["readyReplicas"] == 0


def test_a_deleted_model_takes_all_it_owned_with_it_and_nothing_else(place: Namespace) -> None:
    place.apply(volume_model("gone", replicas=2), volume_model("stays"))
    place.until("Deployment", lambda found: {"model-gone", "model-stays"} <= found.keys())
    place.until("PodDisruptionBudget", lambda found: "model-gone" in found)
    place.delete("Model", "gone")
    for kind in ("Deployment", "Service", "PodDisruptionBudget"):
        place.until(kind, lambda found: "model-gone" not in found)
    assert place.get("Deployment", "model-stays")
    assert place.get("PersistentVolumeClaim", "weights")


def test_a_model_that_moves_to_a_provider_gives_its_children_up(place: Namespace) -> None:
    place.apply(volume_model("moves"))
    place.until("Deployment", lambda found: "model-moves" in found)
    place.plane.kubectl(
        "patch", "model/moves", "--type=merge", f"--namespace={place.name}",
        "--patch", '{"spec":{"source":null,"external":{"provider":"openai"}}}',
    )  # fmt: skip
    place.until("Deployment", lambda found: "model-moves" not in found)
    place.until("Service", lambda found: "model-moves" not in found)
    assert place.ready("moves", "External")["phase"] == "Ready"


def test_what_belongs_to_somebody_else_is_not_taken_over(place: Namespace) -> None:
    labels = {"app": "theirs"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "their", "image": "theirs"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": pod}
    place.apply({"kind": "Deployment", "metadata": {"name": "model-taken"}, "spec": spec})
    place.apply(volume_model("taken"))
    status = place.ready("taken", "NameTaken")
    assert "Deployment model-taken" in condition(status, "Ready")["message"]
    assert (place.get("Deployment", "model-taken") or {})["spec"]["selector"]["matchLabels"] == labels
    place.delete("Deployment", "model-taken")
    place.ready("taken", "Starting")


def _uid(item: Object | None) -> str:
    return str(item["metadata"]["uid"]) if item else ""


def test_a_model_that_is_deleted_and_made_again_at_once(place: Namespace) -> None:
    place.apply(volume_model("again"))
    first = place.until("Deployment", lambda found: "model-again" in found)["model-again"]
    place.delete("Model", "again")
    place.apply(volume_model("again", replicas=2))
    found = place.until("Deployment", lambda found: _uid(found.get("model-again")) not in ("", _uid(first)))
    assert found["model-again"]["spec"]["replicas"] == 2
    place.ready("again", "Starting")


def test_a_model_that_is_deleted_after_its_children_is_not_given_new_ones(place: Namespace) -> None:
    place.apply(volume_model("slow"))
    place.until("Deployment", lambda found: "model-slow" in found)
    place.plane.kubectl("delete", "model/slow", "--cascade=foreground", f"--namespace={place.name}", "--timeout=20s")
    assert place.get("Deployment", "model-slow") is None
    assert place.get("Service", "model-slow") is None
