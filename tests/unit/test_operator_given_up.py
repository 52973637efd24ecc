"""Pods that their node gave up: the reason and the advice, for as long as they are missed."""

from __future__ import annotations

from typing import Any

import pytest

from auriga_operator.diagnose import Problem, diagnose
from auriga_operator.resources import Object
from auriga_operator.status import model_status
from auriga_operator.views import PodView, pod
from support.operator_world import NOW, a_container, a_model, a_pod, deployment_key, ended, seen

EVICTED = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 48Mi. "


def gone(reason: str, says: str = "", *, name: str = "gone", **fields: Any) -> PodView:
    """A pod that a node gave up ten seconds ago."""
    usual: dict[str, Any] = {
        "ready": False, "phase": "Failed", "given_up": reason, "given_up_says": says, "over_since": NOW - 10,
    }  # fmt: skip
    return a_pod(name, **usual | fields)


def coming(**fields: Any) -> PodView:
    return a_pod(**{"name": "next", "ready": False, "created": NOW - 9} | fields)


def world(*pods: PodView) -> Any:
    model = a_model()
    template = {"metadata": {"annotations": {"auriga.dev/revision": "new"}}}
    item: Object = {"metadata": {"generation": 1}, "spec": {"replicas": 1, "template": template}, "status": {}}
    return seen(model, owned={deployment_key(model): item}, pods=pods)


def found(*pods: PodView) -> Problem | None:
    return diagnose(world(*pods))


@pytest.mark.parametrize(
    ("pod", "reason", "advice"),
    [
        (gone("Evicted", EVICTED), "Evicted", "requests as its pods really take; the node says: The node"),
        (gone("UnexpectedAdmissionError", "Allocate failed"), "UnexpectedAdmissionError", "the device plugin of that"),
        (gone("Preempting", "Preempted in order to admit critical pod"), "Preempting", "set a priorityClassName"),
        (gone("NodeLost", "unresponsive", deleting=True), "NodeLost", "it does not answer; the node says: unr"),
        (gone("OutOfnvidia.com/gpu", "Node didn't have enough"), "NotAdmitted", "`kubectl describe node`"),
        (gone("NodeShutdown"), "NodeShutdown", "`kubectl describe node` has what it holds, and its taints"),
    ],
)  # fmt: skip
def test_a_pod_that_its_node_gave_up_says_why_until_the_next_is_ready(pod: PodView, reason: str, advice: str) -> None:
    problem = found(pod, coming())
    assert problem
    assert (problem.reason, problem.stalled) == (reason, False)
    assert problem.message.startswith("node node-1 gave the pod gone up, and another is made: ")
    assert advice in problem.message
    assert found(pod, coming(ready=True)) is None


@pytest.mark.parametrize(
    "pods",
    [
        (gone("Evicted"), coming(created=NOW + 3600)),
        (gone("Evicted", revision="old"), coming()),
        (gone("Evicted"),),
        (gone("Evicted"), coming(ready=True), coming(name="third", created=NOW - 1)),
        (gone("", name="crashed"), coming()),
        (gone("Evicted", component="fetcher"), coming()),
    ],
    ids=["long since", "of an older template", "nobody to come", "replaced before", "not by its node", "no engine"],
)
def test_one_that_is_not_missed_says_nothing(pods: tuple[PodView, ...]) -> None:
    assert found(*pods) is None


def test_the_last_one_counts_and_what_is_wrong_with_its_successor_counts_more() -> None:
    first, last = gone("Evicted", over_since=NOW - 30), gone("UnexpectedAdmissionError", name="second")
    problem = found(first, last, coming())
    assert problem
    assert (problem.reason, "second" in problem.message) == ("UnexpectedAdmissionError", True)
    crashed = found(first, last, coming(containers=(a_container(restarts=1, ended=ended(1)),)))
    assert crashed
    assert crashed.reason == "EngineCrashed"


def test_the_status_is_pending_and_degraded_while_others_serve() -> None:
    alone = model_status(world(gone("Evicted", EVICTED), coming()), None, NOW)
    beside = model_status(world(a_pod("other"), gone("Evicted", EVICTED), coming()), None, NOW)
    assert (alone["phase"], beside["phase"]) == ("Pending", "Degraded")
    ready = {each["type"]: each for each in alone["conditions"]}["Ready"]
    assert (ready["status"], ready["reason"]) == ("False", "Evicted")


def test_the_view_of_a_pod_that_was_given_up() -> None:
    since = "2026-01-02T03:04:05Z"
    conditions = [
        {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-02T03:00:00Z"},
        {"type": "Ready", "status": "False", "lastTransitionTime": since},
    ]
    item: Object = {
        "metadata": {"name": "p"},
        "spec": {"nodeName": "n"},
        "status": {"phase": "Failed", "reason": "Evicted", "message": EVICTED, "conditions": conditions},
    }
    view = pod(item)
    assert (view.given_up, view.given_up_says, view.over_since) == ("Evicted", EVICTED, 1767323045.0)
    assert pod({**item, "status": {"phase": "Failed"}}).given_up == ""
    assert pod({**item, "status": {"phase": "Running", "reason": "Anything"}}).given_up == ""
    lost = pod({**item, "metadata": {"name": "p", "deletionTimestamp": since}, "status": {"reason": "NodeLost"}})
    assert (lost.given_up, lost.over_since) == ("NodeLost", 1767323045.0)
