"""A pod dies in the middle of streams: each goes on from the other pod, and its client notices nothing."""

from e2e import load, pods
from e2e.kubectl import Kubectl

COUNTED = " ".join(map(str, range(1, 101)))


def test_streams_go_on_from_another_pod(kubectl: Kubectl, system: Kubectl) -> None:
    kubectl.wait("jsonpath={.status.readyReplicas}=2", "model/demo")
    running = load.start(kubectl, "assistant", workers=6, streams="all", question="Count to 100")
    running.more(6)

    pods.kill(load.busiest(system, kubectl))

    running.more(12)
    answers = running.stop()
    assert load.lost(answers) == []
    assert {answer["text"] for answer in answers} == {COUNTED}
    broken = {attempt["request_id"] for attempt in load.attempts(system, kubectl) if attempt["outcome"] == "Cut"}
    assert broken & {answer["request"] for answer in answers}
