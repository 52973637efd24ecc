"""What the cluster says, turned into a reason and advice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from auriga_api.model import Artifact
from auriga_operator.diagnose import diagnose, refusal
from auriga_operator.resources import Object
from auriga_operator.snapshot import FetchReport, SecretView
from auriga_operator.views import EventView, PodView
from support.operator_world import HUB, a_container, a_model, a_pod, deployment_key, ended, seen

SCHEDULER = "0/2 nodes are available: 2 Insufficient nvidia.com/gpu, 1 Insufficient memory. preemption: not helpful"


def with_pod(pod: PodView, **spec: Any) -> Any:
    """A Model whose only pod is of the newest revision."""
    model = a_model(**spec)
    template = {"metadata": {"annotations": {"auriga.dev/revision": pod.revision}}}
    item: Object = {"metadata": {"generation": 1}, "spec": {"replicas": 1, "template": template}, "status": {}}
    return diagnose(seen(model, owned={deployment_key(model): item}, pods=(pod,)))


def away(says: str) -> PodView:
    """A pod without a node, and what the scheduler says."""
    return a_pod(ready=False, phase="Pending", containers=(), node="", unscheduled=says)


def waiting(reason: str, message: str = "") -> PodView:
    container = a_container(running=False, waiting=reason, waiting_message=message)
    return a_pod(ready=False, containers=(container,))


def crashed(**fields: Any) -> PodView:
    return a_pod(ready=False, containers=(a_container(**fields),))


@pytest.mark.parametrize(
    ("pod", "reason", "says"),
    [
        (away(SCHEDULER), "Unschedulable", "no node has memory, 2 nvidia.com/gpu to spare"),
        (away("0/1 nodes are available: 1 node(s) had untolerated taint {a: b}."), "Unschedulable", "tolerations"),
        (away('persistentvolumeclaim "w" not found'), "ClaimNotFound", "claim w"),
        (away("pod has unbound immediate PersistentVolumeClaims"), "VolumeNotBound", "StorageClass"),
        (waiting("ErrImagePull", "manifest unknown"), "ImagePullBackOff", "manifest unknown"),
        (waiting("ImagePullBackOff", 'Back-off pulling image "i"'), "ImagePullBackOff", "asks for a login"),
        (waiting("RegistryUnavailable", "down"), "ImagePullBackOff", "the node says: down"),
        (waiting("CreateContainerConfigError", 'secret "s" not found'), "CreateContainerConfigError", '"s" not found'),
        (crashed(restarts=1, ended=ended(137, reason="OOMKilled"), memory_limit="4Gi"), "OOMKilled", "limit of 4Gi"),
        (
            crashed(restarts=2, ended=ended(1, "a\nb\nc\nd\ne")),
            "EngineCrashed",
            "ended with 1: it said: b | c | d | e",
        ),
        (crashed(restarts=2, ended=ended(139)), "EngineCrashed", "ended with 139 (SIGSEGV): correct spec.engine"),
        (crashed(name="copy", running=False, finished=True, ended=ended(1, "no such file")), "InitFailed", "no such"),
    ],
)
def test_a_pod_that_does_not_serve_says_why(pod: PodView, reason: str, says: str) -> None:
    problem = with_pod(pod, resources={"limits": {"nvidia.com/gpu": 2}})
    assert problem.reason == reason
    assert says.lower() in problem.message.lower()


def test_what_is_said_of_an_image_stays_the_same_between_two_tries() -> None:
    tried = with_pod(waiting("ErrImagePull", "rpc error: not found"))
    between = with_pod(
        waiting("ImagePullBackOff", 'Back-off pulling image "a/b:c": ErrImagePull: rpc error: not found')
    )
    assert tried == between
    assert tried.message.endswith("the node says: rpc error: not found")


@pytest.mark.parametrize(
    "pod",
    [
        a_pod(),
        a_pod(ready=False),
        away(""),
        a_pod(ready=False, phase="Failed", containers=(a_container(ended=ended(1), restarts=1),)),
        waiting("ContainerCreating"),
        a_pod(ready=False, revision="old", containers=(a_container(waiting="ImagePullBackOff"),)),
        a_pod(containers=(a_container(restarts=3, ended=ended(1, "long ago")),)),
        a_pod(ready=False, deleting=True, containers=(a_container(restarts=3, ended=ended(1)),)),
    ],
)
def test_what_serves_starts_or_goes_is_no_problem(pod: PodView) -> None:
    model = a_model()
    item = {"metadata": {}, "spec": {"template": {"metadata": {"annotations": {"auriga.dev/revision": "new"}}}}}
    assert diagnose(seen(model, owned={deployment_key(model): item}, pods=(pod,))) is None


def test_a_kill_for_memory_shows_the_estimate() -> None:
    artifact = Artifact(size_bytes=7 << 30, vram_required=9 << 30)
    model = a_model(status={"artifact": artifact.model_dump(by_alias=True)})
    pod = a_pod(ready=False, containers=(a_container(restarts=1, ended=ended(137, reason="OOMKilled")),))
    template = {"metadata": {"annotations": {"auriga.dev/revision": "new"}}}
    item: Object = {"metadata": {}, "spec": {"template": template}}
    problem = diagnose(seen(model, owned={deployment_key(model): item}, pods=(pod,)))
    assert problem
    assert "take about 9.0 GiB" in problem.message


def test_what_the_node_says_of_a_volume_counts_while_nothing_else_is_known() -> None:
    pod = replace(waiting("ContainerCreating"), begun=False)
    model = a_model()
    template = {"metadata": {"annotations": {"auriga.dev/revision": "new"}}}
    item: Object = {"metadata": {}, "spec": {"template": template}}
    around: Any = {"owned": {deployment_key(model): item}, "pods": (pod,)}
    multi = diagnose(
        seen(model, **around, warnings={pod.uid: EventView("FailedAttachVolume", "Multi-Attach error for volume x")})
    )
    assert multi
    assert multi.reason == "VolumeInUse"
    mount = EventView("FailedMount", "MountVolume.SetUp failed: hostPath type check failed")
    other = diagnose(seen(model, **around, warnings={pod.uid: mount}))
    assert other
    assert (other.reason, other.stalled) == ("VolumeNotMounted", False)
    sandbox = diagnose(seen(model, **around, warnings={pod.uid: EventView("FailedCreatePodSandBox", "no network")}))
    assert sandbox
    assert (sandbox.reason, sandbox.stalled) == ("PodNotStarted", False)


def test_what_the_node_said_of_a_volume_is_over_once_the_pod_has_begun() -> None:
    begun = replace(waiting("ContainerCreating"), begun=True)
    template = {"metadata": {"annotations": {"auriga.dev/revision": "new"}}}
    item: Object = {"metadata": {}, "spec": {"template": template}}
    warnings = {begun.uid: EventView("FailedMount", "not yet")}
    assert diagnose(seen(owned={deployment_key(a_model()): item}, pods=(begun,), warnings=warnings)) is None


def test_secrets_and_claims_that_are_not_there() -> None:
    external = {"external": {"provider": "openai", "credentialsSecretRef": {"name": "s", "key": "k"}}}
    missing = diagnose(seen(a_model(**external)))
    keyless = diagnose(seen(a_model(**external), secrets={"s": SecretView("1", frozenset(("a", "b")))}))
    fine = diagnose(seen(a_model(**external), secrets={"s": SecretView("1", frozenset(("k",)))}))
    claim = diagnose(seen(a_model(), claims=frozenset()))
    assert missing
    assert missing.reason == "SecretNotFound"
    assert keyless
    assert keyless.message.endswith("has no key k (its keys: a, b): add it")
    assert fine is None
    assert claim
    assert claim.reason == "ClaimNotFound"


def test_the_fetchers_own_words_come_first() -> None:
    report = FetchReport(reason="GatedRepository", message="accept the license")
    problem = diagnose(seen(a_model(source=HUB), report=report))
    assert problem
    assert (problem.reason, problem.message) == ("GatedRepository", "accept the license")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ('pods "x" is forbidden: exceeded quota: q, requested: pods=1', "QuotaExceeded"),
        ('pods "x" is forbidden: violates PodSecurity "restricted:latest": hostPath', "PodSecurity"),
        ('Deployment.apps "m" is invalid: spec.template.spec.restartPolicy', "Refused"),
    ],
)
def test_refusals_have_names(message: str, reason: str) -> None:
    assert refusal(message).reason == reason
