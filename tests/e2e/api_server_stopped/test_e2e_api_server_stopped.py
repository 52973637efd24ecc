"""The API server is away for two minutes, and requests are answered as if nothing were missing."""

import time

from e2e import cluster, load
from e2e.kubectl import Kubectl

SECONDS = 120


def test_an_outage_of_the_api_server_loses_no_request(kubectl: Kubectl) -> None:
    kubectl.wait("condition=Ready", "rolechain/assistant")
    running = load.start(kubectl, "assistant", workers=2)
    count = running.counter()

    with cluster.outage():
        before, end = count(), time.monotonic() + SECONDS
        load.until("end of the outage", lambda: time.monotonic() > end)
        assert count() >= before + SECONDS

    running.more()
    assert load.lost(running.stop()) == []
    kubectl.run("scale", "model/demo", "--replicas=2")
    # Operator and routers are back within seconds; Kubernetes' own controllers look for the API server ever less often.
    kubectl.wait("jsonpath={.status.readyReplicas}=2", "model/demo", seconds=300)
