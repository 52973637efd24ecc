"""Every router pod is replaced while requests run, and none of them is lost."""

from e2e import load
from e2e.kubectl import Kubectl


def test_a_rollout_of_the_router_loses_no_request(kubectl: Kubectl, system: Kubectl) -> None:
    kubectl.wait("condition=Ready", "rolechain/assistant")
    running = load.start(kubectl, "assistant", workers=4)
    before = load.routers(system)

    system.run("rollout", "restart", "deployment/auriga-router")
    system.run("rollout", "status", "deployment/auriga-router", "--timeout=120s")
    system.wait("delete", *(f"pod/{name}" for name in before))

    running.more(40)
    answers = running.stop()
    assert load.lost(answers) == []
    assert not before & load.routers(system)
