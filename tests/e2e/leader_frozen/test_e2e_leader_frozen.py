"""The operator that leads hangs: the other one takes over, and the first, when it goes on, does no harm."""

from datetime import datetime

from e2e import pods
from e2e.kubectl import Kubectl, Object

OWNED = ("deployments,services,pods,poddisruptionbudgets", "--selector=auriga.dev/model=demo")
SECONDS = 15  # without a leader, at most


def test_another_operator_takes_over_from_one_that_hangs(kubectl: Kubectl, system: Kubectl) -> None:
    kubectl.wait("condition=Ready", "model/demo", "rolechain/assistant")
    leader = _lease(system)["holderIdentity"].rpartition("-")[0]
    owned = _versions(kubectl)

    with pods.frozen(system.get("pod", leader)):
        before = _lease(system)
        _change(kubectl, generation=2)
        after = _lease(system)

    assert not after["holderIdentity"].startswith(leader)
    assert _time(after["acquireTime"]) - _time(before["renewTime"]) <= SECONDS
    _change(kubectl, generation=3)
    assert _lease(system)["holderIdentity"] == after["holderIdentity"]
    assert _versions(kubectl) == owned


def _change(kubectl: Kubectl, generation: int) -> None:
    """Changes what changes no pod; returns when an operator has seen it."""
    patch = f'{{"spec": {{"description": "generation {generation}"}}}}'
    kubectl.run("patch", "rolechain/assistant", "--type=merge", f"--patch={patch}")
    kubectl.wait(f"jsonpath={{.status.observedGeneration}}={generation}", "rolechain/assistant", seconds=60)


def _lease(system: Kubectl) -> Object:
    found: Object = system.get("lease/auriga-operator")["spec"]
    return found


def _time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _versions(kubectl: Kubectl) -> dict[tuple[str, str], str]:
    """Every owned object's version, which any write changes."""
    items = kubectl.get(*OWNED)["items"]
    return {(item["kind"], item["metadata"]["name"]): item["metadata"]["resourceVersion"] for item in items}
