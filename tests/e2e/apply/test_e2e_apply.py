"""The README's example is applied, and a pod gets an answer from llama.cpp in a pod by the router's name."""

import json

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
    question = {"model": f"{kubectl.namespace}/assistant", "messages": [{"role": "user", "content": "What is a pod?"}]}
    ask = ("curl", "--silent", f"{load.ROUTER}/v1/chat/completions", "--data", json.dumps(question))
    answer = json.loads(kubectl.run("exec", "deployment/model-demo", "--", *ask))
    assert "pod" in answer["choices"][0]["message"]["content"]
    served = kubectl.get("model/demo")["status"]
    assert (served["phase"], served["readyReplicas"]) == ("Ready", 1)
