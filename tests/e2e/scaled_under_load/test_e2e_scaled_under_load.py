"""A Model is scaled from one pod to three and back while requests run, and none of them is lost."""

from e2e import load
from e2e.kubectl import Kubectl


def test_scaling_loses_no_request(kubectl: Kubectl) -> None:
    kubectl.wait("condition=Ready", "rolechain/assistant")
    running = load.start(kubectl, "assistant", workers=4)

    _scale(kubectl, 3)
    running.more(40)
    _scale(kubectl, 1)
    running.more(40)

    assert load.lost(running.stop()) == []


def _scale(kubectl: Kubectl, replicas: int) -> None:
    """Returns when so many pods are ready, and no other is left."""
    kubectl.run("scale", "model/demo", f"--replicas={replicas}")
    kubectl.wait(f"jsonpath={{.status.readyReplicas}}={replicas}", "model/demo")
    kubectl.run("rollout", "status", "deployment/model-demo", "--timeout=120s")
    pods = kubectl.get("pods", "--selector=auriga.dev/model=demo")["items"]
    leaving = [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" in pod["metadata"]]
    if leaving:
        kubectl.wait("delete", *(f"pod/{name}" for name in leaving))
