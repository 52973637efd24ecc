"""An upgrade of the chart changes a flag of every engine: Model after Model is rolled, and no request is lost."""

from typing import Any

from e2e import load
from e2e.install import CHART
from e2e.kubectl import Kubectl, Object
from e2e.release import Release

ENGINES = ("pods", "--selector=app.kubernetes.io/component=engine")
FLAG = "--ubatch-size=256"


def test_engines_are_rolled_one_model_after_the_other(kubectl: Kubectl, release: Release) -> None:
    kubectl.wait("condition=Ready", "model/primary", "model/second", "rolechain/assistant")
    running = load.start(kubectl, "assistant", workers=2)
    values = release.values()
    settings = values["operator"]["settings"]
    settings["engineArgs"].append(FLAG)

    release.upgrade(CHART, values)
    load.until("engines with the flag", lambda: len(_ready(kubectl)) == len(kubectl.get(*ENGINES)["items"]) == 2)

    assert load.lost(running.stop()) == []
    first, second = sorted(_ready(kubectl), key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
    assert second["metadata"]["creationTimestamp"] >= _condition(first, "Ready")["lastTransitionTime"]


def _ready(kubectl: Kubectl) -> list[Object]:
    """The pods with the flag that serve."""
    pods = kubectl.get(*ENGINES)["items"]
    flagged = [pod for pod in pods if FLAG in pod["spec"]["containers"][0].get("args", [])]
    return [pod for pod in flagged if _condition(pod, "Ready").get("status") == "True"]


def _condition(pod: Object, kind: str) -> dict[str, Any]:
    conditions = pod["status"].get("conditions", [])
    return next((condition for condition in conditions if condition["type"] == kind), {})
