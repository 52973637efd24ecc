"""A pod dies in the middle of streams: each goes on from the other pod, and its client notices nothing."""

from collections import Counter

from e2e import load, pods
from e2e.kubectl import Kubectl, Object

PODS = ("pods", "--selector=auriga.dev/model=demo")
COUNTED = " ".join(map(str, range(1, 101)))


def test_streams_go_on_from_another_pod(kubectl: Kubectl, system: Kubectl) -> None:
    kubectl.wait("jsonpath={.status.readyReplicas}=2", "model/demo")
    running = load.start(kubectl, "assistant", workers=6, streams="all", question="Count to 100")
    running.more(6)

    pods.kill(_busiest(kubectl, system))

    running.more(12)
    answers = running.stop()
    assert load.lost(answers) == []
    assert {answer["text"] for answer in answers} == {COUNTED}
    broken = {attempt["request_id"] for attempt in load.attempts(system, kubectl) if attempt["outcome"] == "Cut"}
    assert broken & {answer["request"] for answer in answers}


def _busiest(kubectl: Kubectl, system: Kubectl) -> Object:
    """The pod that streams most: requests with the same prompt keep to one."""
    endpoints = Counter(attempt["endpoint"].partition(":")[0] for attempt in load.attempts(system, kubectl))
    ((address, _),) = endpoints.most_common(1)
    (found,) = [pod for pod in kubectl.get(*PODS)["items"] if pod["status"]["podIP"] == address]
    return found
