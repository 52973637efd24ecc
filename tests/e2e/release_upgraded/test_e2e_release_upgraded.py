"""A release is removed, comes back as an older version, is upgraded and rolled back: no request is lost meanwhile."""

from pathlib import Path

from e2e import load
from e2e.install import CHART
from e2e.kubectl import Kubectl
from e2e.release import Release
from support.chart import previous_chart

PROGRAMS = ("pods", "--selector=app.kubernetes.io/instance=auriga,app.kubernetes.io/component!=test")
ENGINES = ("pods", "--selector=auriga.dev/model=demo")
OLDER = {"podAnnotations": {"version": "older"}}  # as with another image, every pod is replaced


def test_an_upgrade_and_a_rollback_lose_no_request(
    kubectl: Kubectl, system: Kubectl, release: Release, tmp_path: Path
) -> None:
    kubectl.wait("condition=Ready", "rolechain/assistant")
    values, engines = release.values(), names(kubectl, *ENGINES)

    release.uninstall()
    assert names(system, *PROGRAMS) == set()
    assert names(kubectl, *ENGINES) == engines

    older = {"operator": {**values["operator"], **OLDER}, "router": OLDER, "image": values["image"]}
    release.upgrade(previous_chart(tmp_path / "auriga"), older)
    assert "tags" not in kubectl.run("explain", "model.spec")
    first, before = release.revision(), names(system, *PROGRAMS)
    running = load.start(kubectl, "assistant", workers=2)

    release.upgrade(CHART, values)
    told = release.test()
    assert "Phase:          Succeeded" in told
    assert "assistant" in told.partition("/v1/models answers; it knows ")[2]
    running.more()
    assert not before & names(system, *PROGRAMS)

    release.rollback(first)
    running.more()
    assert load.lost(running.stop()) == []
    assert names(kubectl, *ENGINES) == engines
    kubectl.wait("condition=Ready", "model/demo", "rolechain/assistant", seconds=30)


def names(kubectl: Kubectl, *which: str) -> set[str]:
    """Of the pods that are there and not about to go."""
    items = kubectl.get(*which)["items"]
    return {item["metadata"]["name"] for item in items if "deletionTimestamp" not in item["metadata"]}
