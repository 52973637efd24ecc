"""The router's source against a real API server: what it sees, how soon, with which rights, and through outages."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
import uvloop

from auriga_router.router import Router
from auriga_router.snapshot import Snapshot
from auriga_router.sources.kubernetes.connection import Connection, Identity
from support.controlplane import ControlPlane
from support.kubernetes_objects import Object, chain, endpoint_slice, model, provider
from support.router_source import PATHS, Objects, addresses, admin, following

CHANGES = 40
READY_TO_GO = {"conditions": {"ready": False, "serving": True, "terminating": True}}
LIMIT = 0.1  # seconds, the median from the request that changes it to a changed routing table


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def objects(control_plane: ControlPlane, namespace: str) -> Iterator[Objects]:
    with control_plane.client() as client:
        yield Objects(client, namespace)


async def test_the_first_snapshot_is_whole(control_plane: ControlPlane, objects: Objects, namespace: str) -> None:
    objects.put("models", model("m"))
    objects.put("models", provider("p", "key"))
    objects.put("rolechains", chain("c", "m", "p"))
    objects.put("secrets", {"metadata": {"name": "key"}, "data": {"token": "c2s=", "other": "eA=="}})
    objects.put("endpointslices", endpoint_slice("s", "m", "10.0.0.1", {"addresses": ["10.0.0.2"]} | READY_TO_GO))
    first: list[Snapshot] = []
    async with following(admin(control_plane), namespace, apply=first.append) as seen:
        await seen.until(lambda _: True)
    assert set(first[0].models) == {f"{namespace}/m", f"{namespace}/p"}
    assert set(first[0].chains) == {f"{namespace}/c"}
    assert first[0].secrets == {f"{namespace}/key": {"token": b"sk"}}
    assert first[0].endpoints == {f"{namespace}/m": ("10.0.0.1:8080",)}


async def test_changes_are_seen_and_other_namespaces_are_not(
    control_plane: ControlPlane, objects: Objects, namespace: str
) -> None:
    elsewhere = Objects(objects.client, control_plane.create_namespace())
    async with following(admin(control_plane), namespace) as seen:
        await seen.until(lambda snapshot: not snapshot.models)
        elsewhere.put("models", model("m"))
        objects.put("models", model("m"))
        # Models and slices are watched apart: only what was waited for has been seen.
        await seen.until(lambda snapshot: set(snapshot.models) == {f"{namespace}/m"})
        objects.put("endpointslices", endpoint_slice("s", "m", "10.0.0.1", "10.0.0.2"))
        await seen.until(addresses(namespace, "m", "10.0.0.1:8080", "10.0.0.2:8080"))
        going = {"addresses": ["10.0.0.2"]} | READY_TO_GO
        objects.put("endpointslices", endpoint_slice("s", "m", "10.0.0.1", going))
        snapshot = await seen.until(addresses(namespace, "m", "10.0.0.1:8080"))
        assert set(snapshot.models) == {f"{namespace}/m"}
        objects.delete("models", "m")
        await seen.until(lambda snapshot: not snapshot.models)


async def test_slices_of_others_are_none_of_our_business(
    control_plane: ControlPlane, objects: Objects, namespace: str
) -> None:
    stranger = endpoint_slice("stranger", "m", "10.6.6.6")
    del stranger["metadata"]["labels"]["app.kubernetes.io/managed-by"]
    objects.put("endpointslices", stranger)
    objects.put("endpointslices", endpoint_slice("s", "m", "10.0.0.1"))
    async with following(admin(control_plane), namespace) as seen:
        await seen.until(addresses(namespace, "m", "10.0.0.1:8080"))


async def test_an_endpoint_change_is_routed_at_once(
    control_plane: ControlPlane, objects: Objects, namespace: str, record_property: Callable[[str, object], None]
) -> None:
    objects.put("models", model("m"))
    router, seconds = Router(), []
    async with following(admin(control_plane), namespace, apply=router.apply) as seen:
        await seen.until(lambda snapshot: bool(snapshot.models))
        for number in range(CHANGES):
            began = time.perf_counter()
            await asyncio.to_thread(objects.put, "endpointslices", endpoint_slice("s", "m", f"10.0.1.{number}"))
            await seen.until(addresses(namespace, "m", f"10.0.1.{number}:8080"))
            seconds.append(time.perf_counter() - began)
    record_property("p50_ms", statistics.median(seconds) * 1000)
    assert statistics.median(seconds) < LIMIT


async def test_a_key_that_appears_is_read_when_its_model_changes(
    control_plane: ControlPlane, objects: Objects, namespace: str
) -> None:
    objects.put("models", provider("p", "key"))
    async with following(admin(control_plane), namespace) as seen:
        await seen.until(lambda snapshot: bool(snapshot.models))
        objects.put("secrets", {"metadata": {"name": "key"}, "data": {"token": "c2s="}})
        status = {"metadata": {"name": "p"}, "status": {"phase": "Ready"}}
        patch = {"content-type": "application/merge-patch+json"}
        path = f"{PATHS['models']}/namespaces/{namespace}/models/p/status"
        objects.client.patch(path, json=status, headers=patch).raise_for_status()
        snapshot = await seen.until(lambda snapshot: bool(snapshot.secrets))
    assert snapshot.secrets == {f"{namespace}/key": {"token": b"sk"}}


async def test_it_needs_no_more_rights_than_the_chart_gives(
    control_plane: ControlPlane, objects: Objects, namespace: str
) -> None:
    rules = [
        {"apiGroups": ["auriga.dev"], "resources": ["models", "rolechains"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["key"]},
    ]
    token = account(objects.client, namespace, rules)
    objects.put("models", provider("p", "key"))
    objects.put("secrets", {"metadata": {"name": "key"}, "data": {"token": "c2s="}})
    async with following(as_token(control_plane, token), namespace) as seen:
        snapshot = await seen.until(lambda _: True)
        assert snapshot.secrets == {f"{namespace}/key": {"token": b"sk"}}
        objects.put("models", model("m"))
        await seen.until(lambda snapshot: len(snapshot.models) == 2)


def account(client: httpx.Client, namespace: str, rules: list[Object]) -> str:
    """A service account with these rights in the namespace; gives its token."""
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    named = {"metadata": {"name": "router"}}
    subject = {"kind": "ServiceAccount", "name": "router", "namespace": namespace}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "router"}
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    client.post(accounts, json=named).raise_for_status()
    client.post(f"{rbac}/roles", json={**named, "rules": rules}).raise_for_status()
    binding = {**named, "subjects": [subject], "roleRef": reference}
    client.post(f"{rbac}/rolebindings", json=binding).raise_for_status()
    answer = client.post(f"{accounts}/router/token", json={"spec": {}}).raise_for_status()
    return str(answer.json()["status"]["token"])


def as_token(plane: ControlPlane, token: str) -> Connection:
    return Connection(plane.url, Identity(token=token), authority_file=plane.layout.pki / "ca.pem")


async def test_a_periodic_list_tells_nothing_that_is_known(
    control_plane: ControlPlane, objects: Objects, namespace: str
) -> None:
    objects.put("models", model("m"))
    async with following(admin(control_plane), namespace, resync=0.2) as seen:
        await seen.until(lambda snapshot: bool(snapshot.models))
        await asyncio.to_thread(listed, control_plane, namespace, 4)
        assert seen.count == 1


def listed(plane: ControlPlane, namespace: str, times: int) -> None:
    """Waits until the API server has recorded so many lists of Models in the namespace."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        lists = [
            event
            for event in plane.audit()
            if event["verb"] == "list"
            and event["stage"] == "ResponseComplete"
            and event.get("objectRef", {}).get("namespace") == namespace
            and event["objectRef"]["resource"] == "models"
        ]
        if len(lists) >= times:
            return
        time.sleep(0.05)
    raise AssertionError(f"{len(lists)} lists of Models")
