"""What keeps a Model from serving is said by its conditions, with what to do, and clears once it is mended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.controlplane import ControlPlane
from support.kubelet import Kubelet
from support.operators import Namespace, Object, Operator, claim, condition, told, volume_model

SCHEDULER = (
    "0/3 nodes are available: 1 node(s) had untolerated taint {dedicated: infra}, 2 Insufficient nvidia.com/gpu. "
    "preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod."
)


@pytest.fixture(scope="module")
def place(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Namespace]:
    namespace = Namespace(control_plane, control_plane.create_namespace("truth"))
    namespace.apply(claim())
    with Operator(control_plane, namespace.name, tmp_path_factory.mktemp("operator") / "log"):
        yield namespace


@pytest.fixture
def kubelet(place: Namespace) -> Kubelet:
    return Kubelet(place)


def secret(name: str, **values: str) -> Object:
    return {"kind": "Secret", "metadata": {"name": name}, "stringData": values}


def external(name: str) -> Object:
    reference = {"name": f"{name}-key", "key": "token"}
    return {"kind": "Model", "metadata": {"name": name},
            "spec": {"external": {"provider": "anthropic", "credentialsSecretRef": reference}}}  # fmt: skip


def message(status: Object) -> str:
    return str(condition(status, "Ready")["message"])


def test_a_gpu_that_is_not_there_and_then_is(place: Namespace, kubelet: Kubelet) -> None:
    place.apply(volume_model("gpu", resources={"limits": {"nvidia.com/gpu": 2}}))
    pod = kubelet.pod("gpu")
    kubelet.unschedulable(pod, SCHEDULER)
    status = place.ready("gpu", "Unschedulable")
    assert "no node has 2 nvidia.com/gpu to spare" in message(status)
    assert "preemption" not in message(status)
    assert told(place, "Model", "gpu", "Unschedulable") == message(status)
    assert condition(status, "Scheduled")["status"] == "False"
    assert not condition(status, "Stalled"), "a node may still come"
    kubelet.place(pod)
    kubelet.running(pod)
    assert condition(place.ready("gpu", "Serving"), "Scheduled")["status"] == "True"


def test_an_image_that_cannot_be_pulled(place: Namespace, kubelet: Kubelet) -> None:
    place.apply(volume_model("image", engine={"image": "registry.example.com/none:1"}))
    pod = kubelet.pod("image")
    kubelet.place(pod)
    kubelet.waiting(pod, "ErrImagePull", "failed to pull: not found")
    status = place.ready("image", "ImagePullBackOff")
    assert "registry.example.com/none:1" in message(status)
    assert told(place, "Model", "image", "ImagePullBackOff") == message(status)
    assert "not found" in message(status)
    assert condition(status, "Stalled")["status"] == "True"
    kubelet.running(pod)
    assert not condition(place.ready("image", "Serving"), "Stalled")


def test_a_volume_that_cannot_be_mounted_is_told_as_the_node_tells_it(place: Namespace, kubelet: Kubelet) -> None:
    place.apply(volume_model("unmounted"))
    pod = kubelet.pod("unmounted")
    kubelet.place(pod)
    kubelet.waiting(pod, "ContainerCreating")
    kubelet.warn(pod, "FailedMount", "MountVolume.SetUp failed for volume weights: no such share")
    assert "no such share" in message(place.ready("unmounted", "VolumeNotMounted"))
    told(place, "Model", "unmounted", "VolumeNotMounted")
    kubelet.running(pod)
    place.ready("unmounted", "Serving")


def test_one_replica_of_two_in_trouble_is_degraded_and_still_ready(place: Namespace, kubelet: Kubelet) -> None:
    place.apply(volume_model("pair", replicas=2))
    kubelet.serve("pair")
    place.ready("pair", "Updating")
    kubelet.unschedulable(kubelet.pod("pair"), SCHEDULER)
    status = place.ready("pair", "Unschedulable")
    assert (status["phase"], condition(status, "Ready")["status"]) == ("Degraded", "True")
    assert message(status).startswith("1 of 2 replicas serve")


def test_a_secret_that_is_missing_then_lacks_its_key_then_is_there_then_is_gone(place: Namespace) -> None:
    place.apply(external("provider"))
    assert "create it, with the key token" in message(place.ready("provider", "SecretNotFound"))
    told(place, "Model", "provider", "SecretNotFound")
    place.apply(secret("provider-key", other="x"))
    assert "has no key token (its keys: other)" in message(place.ready("provider", "SecretKeyNotFound"))
    place.apply(secret("provider-key", token="x"))
    assert place.ready("provider", "External")["phase"] == "Ready"
    place.delete("Secret", "provider-key")
    place.ready("provider", "SecretNotFound")


def test_a_claim_that_is_missing_and_then_is_there(place: Namespace) -> None:
    model = volume_model("claimless")
    model["spec"]["source"]["volume"]["claimName"] = "later"
    place.apply(model)
    status = place.ready("claimless", "ClaimNotFound")
    assert f"{place.name}/later" in message(status)
    assert told(place, "Model", "claimless", "ClaimNotFound") == message(status)
    assert condition(status, "WeightsReady")["status"] == "False"
    assert place.get("Deployment", "model-claimless") is None
    place.apply(claim("later"))
    place.ready("claimless", "Starting")
    assert place.get("Deployment", "model-claimless")


def test_a_wrong_edit_does_not_take_down_what_serves(place: Namespace, kubelet: Kubelet) -> None:
    place.apply(volume_model("wrong"))
    kubelet.serve("wrong")
    place.ready("wrong", "Serving")
    reference = {"valueFrom": {"secretKeyRef": {"name": "nowhere", "key": "x"}}}
    place.apply(volume_model("wrong", engine={"env": [{"name": "KEY", **reference}]}))
    status = place.ready("wrong", "SecretNotFound")
    assert (status["phase"], condition(status, "Ready")["status"]) == ("Degraded", "True")
    assert condition(status, "Stalled")["status"] == "True"
    assert (place.get("Deployment", "model-wrong") or {})["metadata"]["generation"] == 1


def test_a_pod_template_that_kubernetes_refuses(place: Namespace) -> None:
    place.apply(volume_model("template", podTemplate={"spec": {"restartPolicy": "Sometimes"}}))
    assert "restartPolicy" in message(place.ready("template", "Refused"))
    told(place, "Model", "template", "Refused")
    place.apply(volume_model("template"))
    place.ready("template", "Starting")


def test_a_namespace_that_forbids_files_of_the_node(place: Namespace) -> None:
    marks = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    place.client.patch(
        f"/api/v1/namespaces/{place.name}", json=marks, headers={"content-type": "application/merge-patch+json"}
    ).raise_for_status()
    node = {"kind": "Model", "metadata": {"name": "node"}, "spec": {"source": {"file": {"path": "/models/m.gguf"}}}}
    place.apply(node, volume_model("restricted"))
    assert "hostPath" in message(place.ready("node", "PodSecurity"))
    place.model("restricted", lambda status: status.get("replicas") == 1)


def test_a_role_chain_says_who_answers_and_why_the_others_do_not(place: Namespace, kubelet: Kubelet) -> None:
    members = [{"model": "missing"}, {"model": "cold"}, {"model": "spare"}]
    chain = {"kind": "RoleChain", "metadata": {"name": "coding"}, "spec": {"members": members, "synonyms": ["code"]}}
    place.apply(chain, volume_model("cold"), external("spare"), secret("spare-key", token="x"))

    def active(name: str) -> Object:
        found = place.until("RoleChain", lambda all_: (all_["coding"].get("status") or {}).get("activeMember") == name)
        return dict(found["coding"]["status"])

    active("spare")
    reasons = ["ModelNotFound", "Starting", None]  # the second is told once its Model has a status
    found = place.until("RoleChain", lambda all_: _reasons(all_["coding"]) == reasons)
    status = found["coding"]["status"]
    assert condition(status, "MembersResolved")["status"] == "False"
    assert condition(status, "FallbackAvailable")["status"] == "False"
    kubelet.serve("cold")
    assert condition(active("cold"), "FallbackAvailable")["status"] == "True"

    place.apply({"kind": "RoleChain", "metadata": {"name": "other"}, "spec": {"role": "code", "members": members}})

    def taken(all_: dict[str, Object]) -> bool:
        found = (condition(all_[name].get("status") or {}, "SynonymsUnique") for name in ("coding", "other"))
        return all(each.get("status") == "False" for each in found)

    place.until("RoleChain", taken)
    assert "a synonym of RoleChain coding too" in told(place, "RoleChain", "other", "NameTaken")
    place.delete("RoleChain", "other")
    place.until("RoleChain", lambda all_: condition(all_["coding"]["status"], "SynonymsUnique")["status"] == "True")


def _reasons(chain: Object) -> list[str | None]:
    return [member.get("reason") for member in (chain.get("status") or {}).get("members", ())]


def broken(number: int) -> tuple[Object, str]:
    """One of five ways of being broken, and what its condition calls it."""
    name = f"bad{number}"
    missing = {"name": "nowhere", "key": "token"}
    claimless = volume_model(name)
    claimless["spec"]["source"]["volume"]["claimName"] = "nowhere"
    provider = external(name)
    provider["spec"]["external"]["credentialsSecretRef"] = missing
    hub = {"source": {"huggingFace": {"repo": "no/such", "tokenSecretRef": missing}}}
    ways = (
        (volume_model(name, podTemplate={"spec": {"restartPolicy": "Sometimes"}}), "Refused"),
        (volume_model(name, podTemplate={"spec": {"containers": [{"name": "engine", "image": " x "}]}}), "Refused"),
        (claimless, "ClaimNotFound"),
        (provider, "SecretNotFound"),
        ({"kind": "Model", "metadata": {"name": name}, "spec": hub}, "SecretNotFound"),
    )
    return ways[number % len(ways)]


def test_fifty_broken_models_do_not_delay_fifty_good_ones(place: Namespace) -> None:
    bad = [broken(number) for number in range(50)]
    place.apply(*(item for item, _ in bad))

    def all_say_so(found: dict[str, Object]) -> bool:
        return all(
            condition(found[item["metadata"]["name"]].get("status") or {}, "Ready").get("reason") == reason
            for item, reason in bad
        )

    place.until("Model", all_say_so, seconds=60)
    for number in range(50):
        # One after the other while all the broken ones are tried again and again: not one of these waits for them.
        place.apply(volume_model(f"good{number}"))
        place.until("Deployment", lambda found, name=f"model-good{number}": name in found, seconds=10)
    place.ready("good49", "Starting")
    mended = volume_model("bad0")
    place.apply(mended)
    place.ready("bad0", "Starting")
