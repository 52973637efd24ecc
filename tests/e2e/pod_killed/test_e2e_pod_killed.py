"""One of a Model's two pods dies without a word while requests run: the other one answers them all."""

from e2e import load
from e2e.kubectl import Kubectl

PODS = ("pods", "--selector=auriga.dev/model=demo")


def test_nobody_notices_that_a_pod_dies(kubectl: Kubectl) -> None:
    kubectl.wait("jsonpath={.status.readyReplicas}=2", "model/demo")
    running = load.start(kubectl, "assistant", workers=2)
    running.more()
    first, second = (pod["metadata"]["name"] for pod in kubectl.get(*PODS)["items"])

    kubectl.run("delete", "pod", first, "--grace-period=0", "--force", "--wait=false")

    running.more(40)
    answers = running.stop()
    assert load.lost(answers) == []
    kubectl.wait("jsonpath={.status.readyReplicas}=2", "model/demo")
    names = {pod["metadata"]["name"] for pod in kubectl.get(*PODS)["items"]}
    assert second in names
    assert first not in names
