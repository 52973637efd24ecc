"""A pod that is to go finishes the streams that it has, and gets no new request."""

import time

from e2e import load
from e2e.kubectl import Kubectl

SLICES = ("endpointslices", "--selector=kubernetes.io/service-name=model-demo")
COUNTED = " ".join(map(str, range(1, 101)))
SECONDS = 5  # from the cluster's word that it goes to the last new request that it gets, at most


def test_a_pod_that_goes_finishes_its_streams_and_gets_no_new_one(kubectl: Kubectl, system: Kubectl) -> None:
    kubectl.wait("jsonpath={.status.readyReplicas}=2", "model/demo")
    running = load.start(kubectl, "assistant", workers=6, streams="all", question="Count to 100")
    running.more(6)
    pod = load.busiest(system, kubectl)
    name, address = pod["metadata"]["name"], pod["status"]["podIP"]

    asked = time.time()
    kubectl.run("delete", "pod", name, "--wait=false")
    load.until("its address is no ready one", lambda: address not in _ready(kubectl))
    known = time.time()
    kubectl.wait("delete", f"pod/{name}", seconds=180)
    running.more(6)

    answers = running.stop()
    assert load.lost(answers) == []
    assert {answer["text"] for answer in answers} == {COUNTED}
    there = [each for each in load.attempts(system, kubectl) if each["endpoint"].startswith(f"{address}:")]
    assert {each["outcome"] for each in there if each["time"] > asked} == {"Ok"}
    assert [each for each in there if each["time"] - each["milliseconds"] / 1000 > known + SECONDS] == []


def _ready(kubectl: Kubectl) -> set[str]:
    slices = kubectl.get(*SLICES)["items"]
    endpoints = [endpoint for each in slices for endpoint in each["endpoints"] or [] if endpoint["conditions"]["ready"]]
    return {address for endpoint in endpoints for address in endpoint["addresses"]}
