"""A GPU is asked for that no node has: the condition says so. Then the node gains one, enough for a rollout, too."""

import json

from e2e import load
from e2e.kubectl import Kubectl

FLAG = "--ubatch-size=256"


def test_a_missing_gpu_is_named_until_it_is_there(kubectl: Kubectl) -> None:
    kubectl.wait("condition=Scheduled=False", "model/demo", seconds=30)
    conditions = {each["type"]: each for each in kubectl.get("model/demo")["status"]["conditions"]}
    assert conditions["Ready"]["status"] == "False"
    assert "nvidia.com/gpu" in conditions["Ready"]["message"]
    assert "nvidia.com/gpu" in conditions["Scheduled"]["message"]

    _give(kubectl, 1)
    try:
        kubectl.wait("condition=Ready", "model/demo")
        # None is to spare for a second pod: the first one has to go before, else both would wait for ever.
        change = {"spec": {"engine": {"args": [FLAG]}}}
        kubectl.run("patch", "model/demo", "--type=merge", f"--patch={json.dumps(change)}")
        load.until("engine with the flag", lambda: _flags(kubectl) == [True])
        kubectl.wait("condition=Ready", "model/demo")
    finally:
        _give(kubectl, 0)


def _flags(kubectl: Kubectl) -> list[bool]:
    """Of each engine pod, whether it has the flag."""
    pods = kubectl.get("pods", "--selector=auriga.dev/model=demo")["items"]
    return [FLAG in pod["spec"]["containers"][0]["args"] for pod in pods]


def _give(kubectl: Kubectl, gpus: int) -> None:
    """What a device plugin tells the kubelet, told to the API server in its place."""
    status = {"status": {"capacity": {"nvidia.com/gpu": str(gpus)}, "allocatable": {"nvidia.com/gpu": str(gpus)}}}
    (node,) = kubectl.get("nodes")["items"]
    kubectl.run(
        "patch",
        f"node/{node['metadata']['name']}",
        "--subresource=status",
        "--type=merge",
        f"--patch={json.dumps(status)}",
    )
