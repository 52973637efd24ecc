"""The API server is away for a while, and requests are answered as if nothing were missing."""

from e2e import cluster, load
from e2e.kubectl import Kubectl


def test_an_outage_of_the_api_server_loses_no_request(kubectl: Kubectl) -> None:
    kubectl.wait("condition=Ready", "rolechain/assistant")
    running = load.start(kubectl, "assistant", workers=2)
    log = running.file()

    with cluster.outage():
        before = log.read_bytes().count(b"\n")
        load.until("100 more answers", lambda: log.read_bytes().count(b"\n") >= before + 100, seconds=120)

    running.more()
    assert load.lost(running.stop()) == []
    kubectl.run("scale", "model/demo", "--replicas=2")
    kubectl.wait("jsonpath={.status.readyReplicas}=2", "model/demo")
