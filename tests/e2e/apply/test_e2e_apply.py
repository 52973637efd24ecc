"""The README's example is applied, and a pod gets an answer from llama.cpp in a pod by the router's name."""

import json
import tomllib
from pathlib import Path

from e2e import load
from e2e.kubectl import Kubectl

PROJECT = Path(__file__).parents[3] / "pyproject.toml"
WHERE = "import importlib, sys; print(*(importlib.import_module(name).__file__ for name in sys.argv[1:]), sep='\\n')"


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


def test_the_router_in_the_image_is_compiled(system: Kubectl) -> None:
    hook = tomllib.loads(PROJECT.read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]
    names = [file.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for file in hook["modules"]]

    files = system.run("exec", "deployment/auriga-router", "--", "python", "-c", WHERE, *names).split()

    assert len(files) == len(names) > 40
    assert [file for file in files if not file.endswith(".so")] == []
