"""The first member of a RoleChain is deleted while requests run: the next one answers, and none of them is lost."""

from e2e import load
from e2e.kubectl import Kubectl


def test_the_next_member_serves_when_the_first_is_deleted(kubectl: Kubectl) -> None:
    kubectl.wait("condition=Ready", "model/primary", "model/second", "rolechain/assistant")
    running = load.start(kubectl, "assistant", workers=2)
    assert running.more()[-1]["model"] == "primary"

    kubectl.run("delete", "model/primary", "--wait=true")
    kubectl.wait("jsonpath={.status.activeMember}=second", "rolechain/assistant", seconds=30)

    running.until("answer by the second", lambda answers: answers[-1]["model"] == "second")
    later = running.more()
    assert {answer["model"] for answer in later} == {"second"}
    assert load.lost(running.stop()) == []
    kubectl.wait("delete", "deployment/model-primary")
    kubectl.wait("delete", "service/model-primary")
