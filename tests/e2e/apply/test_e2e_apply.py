"""Two resources are applied, and a pod gets an answer from llama.cpp in a pod by the router's name."""

from e2e import load
from e2e.kubectl import Kubectl


def test_what_is_applied_answers_inside_the_cluster(kubectl: Kubectl) -> None:
    kubectl.wait("condition=Ready", "model/demo", "rolechain/assistant")

    answers = load.start(kubectl, "assistant", workers=1, requests=4).finished()

    assert load.lost(answers) == []
    assert len(answers) == 4
    assert {answer["model"] for answer in answers} == {"demo"}
    assert answers[0]["attempts"].startswith("dead-on-purpose;outcome=Connect")
    assert len({answer["text"] for answer in answers}) == 1
    served = kubectl.get("model/demo")["status"]
    assert (served["phase"], served["readyReplicas"]) == ("Ready", 1)
