"""The operator goes and comes back with nothing changed: it touches nothing, and nobody waits for it."""

from e2e import load
from e2e.kubectl import Kubectl

OPERATOR = "--selector=app.kubernetes.io/component=operator"
OWNED = ("deployments,services,pods,poddisruptionbudgets", "--selector=auriga.dev/model=demo")


def test_no_pod_restarts_with_the_operator(kubectl: Kubectl, system: Kubectl) -> None:
    kubectl.wait("condition=Ready", "rolechain/assistant")
    running = load.start(kubectl, "assistant", workers=2)
    before = _versions(kubectl)

    system.run("delete", "pods", OPERATOR, "--timeout=60s")
    system.run("rollout", "status", "deployment/auriga-operator", "--timeout=120s")
    # It works again when it has seen this.
    kubectl.run("patch", "rolechain/assistant", "--type=merge", '--patch={"spec": {"description": "still here"}}')
    kubectl.wait("jsonpath={.status.observedGeneration}=2", "rolechain/assistant", seconds=60)

    running.more()
    assert _versions(kubectl) == before
    assert load.lost(running.stop()) == []


def _versions(kubectl: Kubectl) -> dict[tuple[str, str], str]:
    """Every owned object's version, which any write changes."""
    items = kubectl.get(*OWNED)["items"]
    return {(item["kind"], item["metadata"]["name"]): item["metadata"]["resourceVersion"] for item in items}
