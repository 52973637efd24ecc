"""The Kubernetes side of the benchmark: objects to create, changes to wait for, writes to count."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from auriga_operator.kube import FIELD_MANAGER, Kube
from auriga_operator.resources import CHAINS, MODELS, Key, Object, Resource
from support.controlplane import ControlPlane

WRITES = frozenset(("create", "update", "patch", "delete", "deletecollection"))


def model(namespace: str, name: str) -> Object:
    """A Model whose weights lie on a volume, so that nothing has to be fetched."""
    return {
        "apiVersion": MODELS.api_version,
        "kind": MODELS.kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "source": {"volume": {"claimName": "weights", "path": f"{name}.gguf"}},
            "engine": {"contextLength": 4096, "args": ["--flash-attn", "on"]},
            "resources": {"requests": {"cpu": "2", "memory": "8Gi"}, "limits": {"nvidia.com/gpu": 1}},
        },
    }


def chain(namespace: str, name: str, members: Iterable[str]) -> Object:
    """A RoleChain of those Models."""
    return {
        "apiVersion": CHAINS.api_version,
        "kind": CHAINS.kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"members": [{"model": member} for member in members]},
    }


def claim(namespace: str) -> Object:
    """The claim that the Models name."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "weights", "namespace": namespace},
        "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}},
    }


async def create_all(kube: Kube, items: list[Object], at_once: int = 16) -> float:
    """Create them, and give the seconds that it took."""
    begun = time.perf_counter()
    slots = asyncio.Semaphore(at_once)

    async def one(item: Object) -> None:
        async with slots:
            await kube.create(item)

    await asyncio.gather(*(one(item) for item in items))
    return time.perf_counter() - begun


class Mirror:
    """The objects of one resource as a watch tells of them.

    ``wanted`` is asked once for each change, of that object alone: what is waited for is how many of them satisfy it.
    """

    def __init__(self, resource: Resource, wanted: Callable[[Object], bool] = bool) -> None:
        self.resource = resource
        self.wanted = wanted
        self._good: set[str] = set()
        self._at = 0.0
        self._changed = asyncio.Event()

    async def run(self, kube: Kube, namespace: str) -> None:
        """Until cancelled."""
        since = ""
        async for page, since in kube.pages(self.resource, namespace):  # noqa: B007 - the last one counts
            for item in page:
                self._put(item)
        while True:
            async for kind, item in kube.watch(self.resource, namespace, since=since, seconds=600):
                since = item["metadata"]["resourceVersion"]
                if kind != "BOOKMARK":
                    self._put(item, gone=kind == "DELETED")

    async def count(self, count: int, seconds: float) -> float:
        """Wait until that many are as wanted; the time of the change that made it so."""
        async with asyncio.timeout(seconds):
            while len(self._good) != count:
                self._changed.clear()
                await self._changed.wait()
        return self._at

    def _put(self, item: Object, *, gone: bool = False) -> None:
        name, before = item["metadata"]["name"], len(self._good)
        if not gone and self.wanted(item):
            self._good.add(name)
        else:
            self._good.discard(name)
        if len(self._good) != before:
            self._at = time.perf_counter()
            self._changed.set()


@asynccontextmanager
async def following(kube: Kube, namespace: str, *mirrors: Mirror) -> AsyncIterator[None]:
    """Keep the mirrors in step while the context lasts."""
    tasks = [asyncio.create_task(each.run(kube, namespace)) for each in mirrors]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True)
class Requests:
    """What the operator asked of the API server, by the server's own audit log."""

    writes: Counter[str]
    reads: int
    leases: int
    refused: int

    @property
    def total(self) -> int:
        return self.writes.total()


def requests(plane: ControlPlane, since: int) -> Requests:
    """Of the audit log from line ``since`` on. Renewing the Lease is counted apart: every elected leader does that."""
    writes: Counter[str] = Counter()
    reads = leases = refused = 0
    for event in list(plane.audit())[since:]:
        agent = event.get("userAgent", "")
        if not agent.startswith((FIELD_MANAGER, "kopf")):
            continue
        target: dict[str, Any] = event.get("objectRef") or {}
        what = "/".join(filter(None, (target.get("resource"), target.get("subresource"))))
        if event["verb"] not in WRITES:
            reads += 1
        elif what == "leases":
            leases += 1
        else:
            writes[f"{event['verb']} {what}"] += 1
            refused += event["responseStatus"]["code"] >= 400
    return Requests(writes, reads, leases, refused)


def audit_length(plane: ControlPlane) -> int:
    """Lines of the audit log so far."""
    return sum(1 for _ in plane.audit())


def key(resource: Resource, namespace: str, name: str) -> Key:
    """A key."""
    return Key(resource.kind, namespace, name)
