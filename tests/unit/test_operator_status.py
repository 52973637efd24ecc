"""The status of a Model: phase for people, conditions for machines."""

from __future__ import annotations

from typing import Any

import pytest

from auriga_api.model import Artifact
from auriga_operator.conditions import gist
from auriga_operator.diagnose import Problem
from auriga_operator.plan import decide
from auriga_operator.settings import Settings
from auriga_operator.snapshot import FetchReport, ModelSnapshot
from auriga_operator.status import model_status
from support.operator_world import HUB, NOW, a_model, a_pod, after, deployment_key, live, seen, settled

ARTIFACT = Artifact(repo="o/n", file="q.gguf", size_bytes=4 << 30, context_length=4096, vram_required=5 << 30)


def planned(snapshot: ModelSnapshot) -> ModelSnapshot:
    """With its children as the first plan makes them."""
    return after(snapshot, decide(snapshot, Settings(), NOW))


def serving(snapshot: ModelSnapshot, *, ready: int, rest: int = 0) -> ModelSnapshot:
    """With so many pods that serve, and others that load."""
    world = planned(snapshot)
    key = deployment_key(snapshot.model)
    item = settled(world.owned[key])
    revision = item["spec"]["template"]["metadata"]["annotations"]["auriga.dev/revision"]
    pods = [a_pod(f"p{n}", revision=revision, ready=n < ready) for n in range(ready + rest)]
    return ModelSnapshot(**{**_fields(world), "owned": {**world.owned, key: item}, "pods": tuple(pods)})


def _fields(snapshot: ModelSnapshot) -> dict[str, Any]:
    return {name: getattr(snapshot, name) for name in ModelSnapshot.__slots__}


def conditions(status: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}


def kstatus(status: dict[str, Any], generation: int) -> str:
    """What kstatus makes of it: the rules of its generic path."""
    found = conditions(status)
    if status["observedGeneration"] != generation or found.get("Reconciling", ("",))[0] == "True":
        return "InProgress"
    if found.get("Stalled", ("",))[0] == "True":
        return "Failed"
    return "Current" if found["Ready"][0] == "True" else "InProgress"


WAITING = a_pod("w", ready=False, phase="Pending", node="", unscheduled="2 Insufficient nvidia.com/gpu", containers=())


@pytest.mark.parametrize(
    ("snapshot", "phase", "ready", "tools"),
    [
        (seen(), "Pending", ("False", "Starting"), "InProgress"),
        (serving(seen(), ready=0, rest=1), "Loading", ("False", "Loading"), "InProgress"),
        (serving(seen(), ready=1), "Ready", ("True", "Serving"), "Current"),
        (serving(seen(a_model(replicas=2)), ready=1, rest=1), "Ready", ("True", "Updating"), "InProgress"),
        (seen(a_model(suspended=True)), "Suspended", ("False", "Suspended"), "InProgress"),
        (seen(a_model(replicas=0)), "ScaledToZero", ("False", "ScaledToZero"), "InProgress"),
        (seen(claims=frozenset()), "Failed", ("False", "ClaimNotFound"), "Failed"),
        (seen(a_model(source=HUB)), "Pending", ("False", "ResolvingWeights"), "InProgress"),
        (seen(a_model(source=HUB), report=FetchReport(reason="Unauthorized", message="m")), "Failed",
         ("False", "Unauthorized"), "Failed"),
        (seen(a_model(external={"provider": "openai"}, source=None)), "Ready", ("True", "External"), "Current"),
        (seen(a_model(external={"provider": "openai"}, source=None, suspended=True)), "Suspended",
         ("False", "Suspended"), "InProgress"),
    ],
)  # fmt: skip
def test_phase_ready_and_what_tools_make_of_it(
    snapshot: ModelSnapshot, phase: str, ready: tuple[str, str], tools: str
) -> None:
    status = model_status(snapshot, None, NOW)
    assert (status["phase"], conditions(status)["Ready"]) == (phase, ready)
    assert kstatus(status, 1) == tools


def test_a_problem_beside_pods_that_serve_is_degraded_and_failed_for_tools() -> None:
    refused = Problem("Refused", "spec.template is invalid")
    status = model_status(serving(seen(), ready=1), refused, NOW)
    assert (status["phase"], conditions(status)["Ready"]) == ("Degraded", ("True", "Refused"))
    assert kstatus(status, 1) == "Failed"


def test_a_node_that_may_still_come_is_no_failure() -> None:
    world = planned(seen())
    revision = world.owned[deployment_key(world.model)]["spec"]["template"]["metadata"]["annotations"]
    pod = a_pod("w", ready=False, node="", unscheduled="1 Insufficient nvidia.com/gpu", containers=(),
                revision=revision["auriga.dev/revision"])  # fmt: skip
    status = model_status(ModelSnapshot(**{**_fields(world), "pods": (pod,)}), None, NOW)
    assert status["phase"] == "Pending"
    assert kstatus(status, 1) == "InProgress"
    assert conditions(status)["Scheduled"] == ("False", "Unschedulable")


def test_a_download_shows_bytes_percent_and_the_time_left() -> None:
    report = FetchReport(artifact=ARTIFACT, bytes=1 << 30, total_bytes=4 << 30, seconds_left=200)
    status = model_status(seen(a_model(source=HUB), report=report), None, NOW)
    assert status["phase"] == "Downloading"
    assert status["download"] == {"bytes": 1 << 30, "totalBytes": 4 << 30, "percent": 25, "eta": "3m20s"}
    assert status["artifact"]["file"] == "q.gguf"
    assert conditions(status)["WeightsResolved"] == ("True", "Resolved")
    assert conditions(status)["WeightsReady"] == ("False", "Downloading")


def test_a_hub_that_cannot_be_reached_is_named_while_it_is_tried_again() -> None:
    report = FetchReport(trouble="https://hub cannot be reached: refused")
    status = model_status(seen(a_model(source=HUB), report=report), None, NOW)
    assert status["conditions"][0]["message"] == (
        "looking up its weights; https://hub cannot be reached: refused: trying again"
    )


def test_fetched_weights_are_ready_and_the_download_is_gone() -> None:
    report = FetchReport(artifact=ARTIFACT, path="hub/q.gguf")
    status = model_status(serving(seen(a_model(source=HUB), report=report), ready=1), None, NOW)
    assert "download" not in status
    assert conditions(status)["WeightsReady"] == ("True", "Fetched")
    assert "5.0 GiB with its KV cache" in next(
        c["message"] for c in status["conditions"] if c["type"] == "WeightsResolved"
    )


def test_what_was_chosen_by_memory_shows_the_arithmetic() -> None:
    artifact = ARTIFACT.model_copy(update={"size_bytes": 6 << 30, "vram_required": 7 << 30})
    spec = {
        "source": HUB, "gpuMemory": "10Gi", "resources": {"limits": {"nvidia.com/gpu": 2}}, "engine": {"parallel": 2},
    }  # fmt: skip
    status = model_status(seen(a_model(**spec), report=FetchReport(artifact=artifact)), None, NOW)
    (says,) = [each["message"] for each in status["conditions"] if each["type"] == "WeightsResolved"]
    assert says == (
        "q.gguf, the best that fits into 2 x 10.0 GiB: 6.0 GiB weights + 1.0 GiB KV cache (8192 tokens x 2 slots)"
        " + 1.5 GiB for compute buffers = 8.5 GiB"
    )


def test_the_time_of_a_condition_moves_only_when_its_status_does() -> None:
    first = model_status(seen(), None, NOW)
    again = model_status(seen(a_model(status=first)), None, NOW + 100)
    assert again == first
    model = a_model(status=first)
    ready = model_status(serving(seen(model), ready=1), None, NOW + 100)
    times = {each["type"]: each["lastTransitionTime"] for each in ready["conditions"]}
    before = {each["type"]: each["lastTransitionTime"] for each in first["conditions"]}
    assert times["Ready"] != before["Ready"]
    assert times["WeightsReady"] == before["WeightsReady"]


def test_slots_count_the_replicas_that_answer() -> None:
    status = model_status(serving(seen(a_model(replicas=3, engine={"parallel": 8})), ready=2, rest=1), None, NOW)
    assert (status["slots"], status["readyReplicas"], status["replicas"]) == (16, 2, 3)


def test_counts_and_texts_can_wait_but_phases_and_reasons_cannot() -> None:
    one = model_status(serving(seen(a_model(replicas=2)), ready=2), None, NOW)
    assert gist({**one, "replicas": 7}) == gist(one)
    assert gist({**one, "phase": "Failed"}) != gist(one)
    assert gist(model_status(serving(seen(a_model(replicas=2)), ready=1, rest=1), None, NOW)) != gist(one)
    assert gist(None) != gist(one)


def test_live_objects_carry_a_generation() -> None:
    item = planned(seen()).owned[deployment_key(a_model())]
    assert live(item, item)["metadata"]["generation"] == item["metadata"]["generation"]
