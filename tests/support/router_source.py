"""The router's source beside a real API server: objects put there, and snapshots waited for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx

from auriga_router.snapshot import Snapshot
from auriga_router.sources.kubernetes.connection import Connection
from auriga_router.sources.kubernetes.http import Api
from auriga_router.sources.kubernetes.kubeconfig import from_files
from auriga_router.sources.kubernetes.source import KubernetesSource
from support.controlplane import ControlPlane
from support.kubernetes_objects import Object

PATHS = {
    "models": "/apis/auriga.dev/v1alpha1",
    "rolechains": "/apis/auriga.dev/v1alpha1",
    "endpointslices": "/apis/discovery.k8s.io/v1",
    "secrets": "/api/v1",
}
VERSIONS = {"models": "auriga.dev/v1alpha1", "rolechains": "auriga.dev/v1alpha1", "secrets": "v1"} | {
    "endpointslices": "discovery.k8s.io/v1"
}
KINDS = {"models": "Model", "rolechains": "RoleChain", "endpointslices": "EndpointSlice", "secrets": "Secret"}


class Objects:
    """The namespace of one test."""

    def __init__(self, client: httpx.Client, namespace: str) -> None:
        self.client, self.namespace = client, namespace

    def put(self, plural: str, item: Object) -> None:
        """Creates the object, or replaces it."""
        name = item["metadata"]["name"]
        metadata = {"name": name, "labels": item["metadata"].get("labels", {})}
        content = item | {"apiVersion": VERSIONS[plural], "kind": KINDS[plural], "metadata": metadata}
        if self.client.put(f"{self._path(plural)}/{name}", json=content).status_code == 404:
            self.client.post(self._path(plural), json=content).raise_for_status()

    def delete(self, plural: str, name: str) -> None:
        self.client.delete(f"{self._path(plural)}/{name}").raise_for_status()

    def _path(self, plural: str) -> str:
        return f"{PATHS[plural]}/namespaces/{self.namespace}/{plural}"


class Seen:
    """The snapshots that a source tells, and a way to wait for one."""

    def __init__(self) -> None:
        self.last: Snapshot | None = None
        self.count = 0
        self._changed = asyncio.Condition()

    async def follow(self, source: KubernetesSource, apply: Callable[[Snapshot], None]) -> None:
        async with source:
            async for snapshot in source.snapshots():
                apply(snapshot)
                self.last, self.count = snapshot, self.count + 1
                async with self._changed:
                    self._changed.notify_all()

    async def until(self, wanted: Callable[[Snapshot], bool]) -> Snapshot:
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(lambda: self.last is not None and wanted(self.last))
        assert self.last
        return self.last


@contextlib.asynccontextmanager
async def following(
    connection: Connection,
    *namespaces: str,
    state: Path | None = None,
    resync: float = 300,
    apply: Callable[[Snapshot], None] = lambda _: None,
) -> AsyncIterator[Seen]:
    seen = Seen()
    source = KubernetesSource(Api(connection), namespaces, resync=resync, state=state)
    task = asyncio.create_task(seen.follow(source, apply))
    try:
        yield seen
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def admin(plane: ControlPlane) -> Connection:
    return from_files([plane.kubeconfig])


def addresses(namespace: str, name: str, *expected: str) -> Callable[[Snapshot], bool]:
    return lambda snapshot: snapshot.endpoints.get(f"{namespace}/{name}", ()) == expected
