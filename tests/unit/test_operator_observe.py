"""From what the store and the fetcher's log hold to a snapshot."""

from __future__ import annotations

import json
from typing import Any

import pytest

from auriga_operator import labels
from auriga_operator.errors import Stalled, Unreachable
from auriga_operator.objects.names import weights_job
from auriga_operator.objects.weights import identity
from auriga_operator.observe import Observer
from auriga_operator.resources import Key, Object
from auriga_operator.store import Store
from auriga_operator.views import EventView
from support.operator_world import HUB, NOW, a_model

MODEL = Key("Model", "default", "m")
RESOLVED = json.dumps({"event": "resolved", "artifact": {"file": "q.gguf", "sizeBytes": 100}})


class FakeKube:
    """Secrets and logs, and what was asked for."""

    def __init__(self) -> None:
        self.secrets: dict[str, dict[str, str]] = {}
        self.log_lines: list[str] = []
        self.asked: list[str] = []
        self.away = False

    async def get(self, key: Key) -> Object | None:
        self.asked.append(f"get {key.name}")
        return {"data": self.secrets[key.name]} if key.name in self.secrets else None

    async def log(self, namespace: str, pod: str, container: str, **limits: int) -> str:
        self.asked.append(f"log {pod} {limits}")
        if self.away:
            raise Unreachable("the node")
        lines = self.log_lines[-limits["tailLines"] :] if "tailLines" in limits else self.log_lines
        return "\n".join(lines)


@pytest.fixture
def kube() -> FakeKube:
    return FakeKube()


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def observer(kube: FakeKube, store: Store) -> Observer:
    return Observer(kube, store, image_volumes=False)  # type: ignore[arg-type]


def put(store: Store, kind: str, name: str, version: int, **body: Any) -> None:
    metadata = {"name": name, "namespace": "default", "resourceVersion": str(version), "uid": f"uid-{name}"}
    metadata |= body.pop("metadata", {})
    store.put({"kind": kind, "metadata": metadata, **body})


def put_model(store: Store, version: int = 1, **body: Any) -> None:
    spec = body.pop("spec", {"source": HUB})
    put(store, "Model", "m", version, apiVersion="auriga.dev/v1alpha1", spec=spec, metadata={"generation": 1}, **body)


def put_fetcher(store: Store, version: int, state: dict[str, Any]) -> None:
    """The fetching Job and its pod."""
    model = a_model(source=HUB)
    job = weights_job("m", identity(model))
    mark = {"labels": {labels.MODEL: "m", labels.COMPONENT: "weights"}}
    put(store, "Job", job, version, spec={}, metadata=mark)
    pod = {**mark, "ownerReferences": [{"name": job}], "creationTimestamp": "2026-11-21T10:00:00Z"}
    container = {"name": "fetch", "restartCount": 0, "state": state}
    put(store, "Pod", "fetcher", version + 1, spec={"nodeName": "n", "containers": [{"name": "fetch"}]},
        status={"phase": "Running", "containerStatuses": [container]}, metadata=pod)  # fmt: skip


async def test_nothing_is_seen_of_what_is_gone(observer: Observer) -> None:
    assert await observer.model(MODEL, NOW) is None
    assert observer.chain(Key("RoleChain", "default", "c")) is None


async def test_a_running_fetch_is_followed_by_its_log(kube: FakeKube, store: Store, observer: Observer) -> None:
    put_model(store)
    put_fetcher(store, 2, {"running": {}})
    kube.log_lines = [RESOLVED, *(json.dumps({"event": "progress", "bytes": n, "totalBytes": 100}) for n in range(20))]
    first = await observer.model(MODEL, NOW)
    assert first
    assert (first.report.bytes, first.report.total_bytes, first.report.seconds_left) == (19, 100, None)
    assert first.report.artifact
    kube.log_lines.append(json.dumps({"event": "progress", "bytes": 29, "totalBytes": 100}))
    kube.asked.clear()
    second = await observer.model(MODEL, NOW + 2)
    assert second
    assert second.report.artifact, "it was said long ago, and is remembered"
    assert second.report.seconds_left == pytest.approx(71 / 5)
    assert kube.asked == ["log fetcher {'tailLines': 10}"]


async def test_a_node_that_cannot_be_reached_holds_nothing_up(kube: FakeKube, store: Store, observer: Observer) -> None:
    put_model(store)
    put_fetcher(store, 2, {"running": {}})
    kube.away = True
    snapshot = await observer.model(MODEL, NOW)
    assert snapshot
    assert snapshot.report.total_bytes == 0


async def test_a_finished_fetch_needs_no_log(kube: FakeKube, store: Store, observer: Observer) -> None:
    put_model(store)
    done = json.dumps({"event": "done", "path": "hub/q.gguf", "artifact": {"file": "q.gguf"}})
    put_fetcher(store, 2, {"terminated": {"exitCode": 0, "reason": "Completed", "message": done}})
    snapshot = await observer.model(MODEL, NOW)
    assert snapshot
    assert snapshot.report.path == "hub/q.gguf"
    assert kube.asked == []


async def test_a_secret_is_read_once_for_each_of_its_versions(kube: FakeKube, store: Store, observer: Observer) -> None:
    reference = {"name": "s", "key": "k"}
    put_model(store, spec={"external": {"provider": "openai", "credentialsSecretRef": reference}})
    kube.secrets["s"] = {"k": "dmFsdWU="}
    seen = [await observer.model(MODEL, NOW)]
    put(store, "Secret", "s", 5)
    seen += [await observer.model(MODEL, NOW), await observer.model(MODEL, NOW)]
    put(store, "Secret", "s", 6)
    seen += [await observer.model(MODEL, NOW)]
    assert seen[0]
    assert seen[0].secrets == {}
    assert kube.asked == ["get s", "get s"]
    assert seen[-1]
    assert seen[-1].secrets["s"].keys == {"k"}
    assert "value" not in repr(seen[-1])


async def test_warnings_are_told_of_the_models_own_pods_only(store: Store, observer: Observer) -> None:
    put_model(store)
    put_fetcher(store, 2, {"waiting": {"reason": "ContainerCreating"}})
    about = {"kind": "Pod", "namespace": "default", "name": "fetcher", "uid": "uid-fetcher"}
    for version, text in ((10, "first"), (12, "newest"), (11, "second")):
        put(store, "Event", f"e{version}", version, involvedObject=about, message=text, reason="FailedMount")
    foreign = {**about, "name": "foreign"}
    put(store, "Event", "other", 13, involvedObject=foreign, message="not ours", reason="FailedMount")
    put(store, "Event", "probe", 14, involvedObject=about, message="Startup probe failed", reason="Unhealthy")
    snapshot = await observer.model(MODEL, NOW)
    assert snapshot
    assert snapshot.warnings == {"uid-fetcher": EventView("FailedMount", "newest")}


async def test_a_status_that_cannot_be_read_is_left_out_but_a_spec_is_not(store: Store, observer: Observer) -> None:
    put_model(store, status={"phase": "Dreaming"})
    snapshot = await observer.model(MODEL, NOW)
    assert snapshot
    assert snapshot.model.status is None
    put_model(store, 2, spec={"source": {"volume": {"claimName": "w", "path": "../up"}}})
    with pytest.raises(Stalled, match=r"spec\.source\.volume\.path"):
        await observer.model(MODEL, NOW)


def test_a_chain_sees_its_members_and_its_rivals(store: Store, observer: Observer) -> None:
    spec = {"members": [{"model": "m"}, {"model": "none"}], "synonyms": ["x"]}
    put(store, "RoleChain", "c", 1, spec=spec)
    put(store, "RoleChain", "d", 2, spec={"role": "x", "members": [{"model": "m"}]})
    put(store, "RoleChain", "broken", 3, spec={"role": "x", "members": [{}]})
    ready = {"type": "Ready", "status": "True", "reason": "Serving"}
    put_model(store, 4, status={"conditions": [ready], "readyReplicas": 2})
    seen = observer.chain(Key("RoleChain", "default", "c"))
    assert seen
    assert set(seen.members) == {"m"}
    assert (seen.members["m"].ready, seen.members["m"].endpoints) == (True, 2)
    assert [other.metadata.name for other in seen.others] == ["d"]
